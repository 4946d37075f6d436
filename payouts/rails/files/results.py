"""
Reading the sheet in which a bank says what became of a bulk transfer: CSV, XLSX or XLS.

The headers are those banks use, in Korean or English; columns nobody asked for are passed over. A line is decided by
its word for the result, else by its code; a word nobody knows decides nothing.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import BinaryIO

from console.files.columns import Kind
from console.files.errors import SheetRefused, ValueRefused
from console.files.sheet_limits import Caps
from console.files.sheet_read import Field, SheetReader, header_key, open_sheet
from console.files.values import Raw, clean_digits, clean_text, parse_date, parse_won
from core.clock import SEOUL
from payouts.rails.base import OutcomeKind
from payouts.rails.files.answers import Answer, Form, Reading, bank_of, message_of
from payouts.rails.files.refusals import FileRefused, Problem, refused
from settlement.banks import BANKS

FIELDS = (
    Field("bank", "은행", ("은행명", "은행코드", "입금은행", "받는은행", "입금은행명", "입금은행코드", "bank")),
    Field(
        "account",
        "계좌번호",
        ("입금계좌번호", "입금계좌", "받는계좌번호", "받는계좌", "account", "account number"),
        kind=Kind.ID,
    ),
    Field(
        "amount", "금액", ("이체금액", "입금금액", "거래금액", "처리금액", "amount"), required=True, kind=Kind.WON
    ),
    Field("holder", "예금주", ("예금주명", "수취인", "받는사람", "수취인명", "받는분예금주", "holder", "name")),
    Field("reference", "이체번호", ("참조번호", "고객참조번호", "고객관리번호", "reference"), kind=Kind.ID),
    Field("result", "처리결과", ("결과", "처리상태", "이체결과", "상태", "result", "status"), required=True),
    Field("code", "결과코드", ("처리코드", "오류코드", "불능코드", "응답코드", "result code", "code")),
    Field("reason", "실패사유", ("오류내용", "불능사유", "결과내용", "비고", "사유", "reason", "message")),
    Field("day", "처리일", ("이체일", "이체일자", "처리일자", "처리일시", "거래일", "date"), kind=Kind.DATE),
    Field("bank_reference", "거래번호", ("은행거래번호", "거래고유번호", "bank reference")),
)  # fmt: skip
_WORDS: Mapping[OutcomeKind, tuple[str, ...]] = {
    OutcomeKind.SUCCEEDED: (
        *("성공", "정상", "완료", "처리완료", "이체완료", "정상처리", "정상완료", "입금완료", "지급완료"),
        *("success", "succeeded", "ok", "completed", "done"),
    ),
    OutcomeKind.FAILED: (
        *("실패", "오류", "불능", "거절", "처리불능", "이체실패", "이체불능", "처리실패", "에러"),
        *("failed", "failure", "fail", "error", "rejected"),
    ),
    OutcomeKind.ACCEPTED: (
        *("처리중", "진행중", "대기", "처리대기", "접수", "접수완료", "예약"),
        *("pending", "processing", "accepted"),
    ),
}
_KINDS = {header_key(word): kind for kind, words in _WORDS.items() for word in words}
# What the reasons of refusals say, in the codes of Korean banks, most telling first.
_REASONS = (
    (re.compile("예금주|성명|명의|name"), "815"),
    (re.compile("사고|지급정지|fraud"), "419"),
    (re.compile("해지|해약|폐쇄|closed"), "415"),
    (re.compile("거래중지|휴면|정지|suspended"), "420"),
    (re.compile("잔액|funds|balance"), "INSUFFICIENT_FUNDS"),
    (re.compile("한도|limit"), "LIMIT_EXCEEDED"),
    (re.compile("점검|시간외|maintenance"), "MAINTENANCE"),
    (re.compile("잡좌|입금불가"), "416"),
    (re.compile("계좌.*(?:없|오류|불일치)|없는계좌|무계좌|accountnot"), "412"),
)
_DUPLICATE = re.compile("중복|duplicate")
_TOTALS = ("합계", "총계", "소계", "total")
_CODE = re.compile(r"[A-Za-z0-9_]{1,40}")
_BANKS = {header_key(word): bank.code for bank in BANKS for word in (bank.code, bank.name, *bank.aliases)}


def read(file: BinaryIO, caps: Caps | None = None) -> Reading:
    """Return what a sheet says. Raises FileRefused naming every row, column and reason."""
    try:
        reader = _open(file, caps)
        answers = [answer for number, cells in reader if (answer := _answer(reader, number, cells))]
    except SheetRefused as error:
        raise FileRefused(
            *(Problem(found.code, found.row or 0, found.column or "", found.params) for found in error.errors)
        ) from None
    if reader.errors:
        raise FileRefused(
            *(Problem(found.code, found.row or 0, found.column or "", found.params) for found in reader.errors)
        )
    if not answers:
        raise refused("no_answers")
    seen: dict[str, int] = {}
    for answer in answers:
        if answer.reference and answer.reference in seen:
            raise refused("reference_doubled", line=answer.line, where=FIELDS[4].header, reference=answer.reference)
        seen[answer.reference] = answer.line
    return Reading(Form.SHEET, tuple(answers))


def _open(file: BinaryIO, caps: Caps | None) -> SheetReader:
    """Open the sheet; headers that are not ours stand beside it and are passed over."""
    try:
        return open_sheet(file, FIELDS, caps)
    except SheetRefused as error:
        others = [str(found.params["header"]) for found in error.errors if found.code == "header_unknown"]
        if len(others) != len(error.errors):
            raise
        more = (Field(f"column {place}", header) for place, header in enumerate(dict.fromkeys(others)))
        return open_sheet(file, (*FIELDS, *more), caps)


def _answer(reader: SheetReader, number: int, cells: Mapping[str, Raw]) -> Answer | None:
    """Return a row's answer; None for a row of sums and for one that has a wrong cell."""
    told = {name: clean_text(cells[name]) for name in ("bank", "holder", "result", "code", "reason") if name in cells}
    if _is_total(cells):
        return None
    if not {"account", "reference"} & cells.keys():
        reader.refuse_value(number, "account", ValueRefused("required"))
        return None
    for name in ("amount", "result"):
        if name not in cells:
            reader.refuse_value(number, name, ValueRefused("required"))
            return None
    values: dict[str, object] = {}
    for name, parse in _PARSERS.items():
        if name in cells:
            try:
                values[name] = parse(cells[name])
            except ValueRefused as problem:
                reader.refuse_value(number, name, problem)
                return None
    day = values.get("day")
    answer = Answer(
        line=number,
        kind=OutcomeKind.UNKNOWN,
        message=message_of(told.get("reason", "")),
        reference=str(values.get("reference", "")),
        amount=_whole(values["amount"]),
        bank=_bank(told.get("bank", "")),
        account_number=str(values.get("account", "")),
        holder=told.get("holder", ""),
        executed_at=datetime(day.year, day.month, day.day, tzinfo=SEOUL) if isinstance(day, date) else None,
        bank_reference=str(values.get("bank_reference", ""))[:100],
        said={name: text for name, text in told.items() if name not in {"holder", "bank"}},
    )
    return _decided(answer, told)


def _whole(value: object) -> int:
    if not isinstance(value, int):
        raise TypeError(value)
    return value


def _won(raw: Raw) -> int:
    return parse_won(raw, negative=False)


def _day(raw: Raw) -> date:
    """Return the day of a day or of a moment such as 2026-11-21 10:00:00."""
    return parse_date(raw.strip().split(" ")[0] if isinstance(raw, str) and raw.strip() else raw)


_PARSERS = {
    "amount": _won,
    "account": clean_digits,
    "reference": clean_text,
    "day": _day,
    "bank_reference": clean_text,
}


def _is_total(cells: Mapping[str, Raw]) -> bool:
    return any(isinstance(cell, str) and header_key(cell) in _TOTALS for cell in cells.values())


def _bank(written: str) -> str:
    found = bank_of(written)
    return _BANKS.get(header_key(found), found)


def _decided(answer: Answer, told: Mapping[str, str]) -> Answer:
    kind = _KINDS.get(header_key(told.get("result", "")), OutcomeKind.UNKNOWN)
    given = told.get("code", "")
    code = given if _CODE.fullmatch(given) else ""
    if kind is OutcomeKind.FAILED:
        words = header_key(told.get("reason", "") + told.get("result", ""))
        if _DUPLICATE.search(words):
            # Refused because the bank has it already: whether that one was paid is another question.
            return replace(answer, code="DUPLICATE")
        code = next((ours for pattern, ours in _REASONS if pattern.search(words)), code) or "REFUSED_BY_BANK"
    return replace(answer, kind=kind, code=code or kind.value)

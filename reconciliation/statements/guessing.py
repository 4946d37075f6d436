"""
A first proposal for the page on which columns are chosen: where the header stands, and which column is what.

Only a proposal: it decides nothing before a person has seen the lines that come out of it.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from console.files.sheet_read import header_key
from core.money import MINOR_DIGITS
from reconciliation.statements.lines import Said
from reconciliation.statements.mapping import Mapping, column_names
from reconciliation.statements.reading import Look

_NAMES: Final[dict[str, tuple[str, ...]]] = {
    "day": (
        *("거래일", "거래일자", "거래일시", "거래날짜", "일자", "날짜", "처리일", "처리일자", "기준일", "전기일"),
        *("date", "booking date", "transaction date", "posting date", "posted date", "booked"),
    ),
    "time": ("거래시간", "거래시각", "시간", "시각", "time", "booked at", "transaction time"),
    "paid_in": (
        *("입금", "입금액", "입금금액", "맡기신금액", "맡기신돈", "들어온돈", "받은금액", "대변"),
        *("credit", "credit amount", "paid in", "money in", "deposit", "deposits"),
    ),
    "paid_out": (
        *("출금", "출금액", "출금금액", "찾으신금액", "찾으신돈", "나간돈", "지급액", "지급금액", "보낸금액", "차변"),
        *("debit", "debit amount", "paid out", "money out", "withdrawal", "withdrawals"),
    ),
    "amount": ("금액", "거래금액", "amount", "transaction amount"),
    "balance": (
        *("잔액", "거래후잔액", "거래후 잔액", "남은금액", "통장잔액", "계좌잔액"),
        *("balance", "running balance", "balance after", "closing balance"),
    ),
    "direction": ("입출금구분", "입출금", "입출구분", "입/출금", "거래방향", "dr/cr", "credit/debit", "debit/credit"),
    "kind": ("거래구분", "거래종류", "구분", "거래유형", "type", "transaction type", "kind"),
    "description": (
        *("적요", "거래내용", "내용", "기재내용", "통장메모", "메모", "비고", "거래기록사항"),
        *("description", "details", "memo", "narrative", "particulars"),
    ),
    "name": (
        *("의뢰인/수취인", "의뢰인", "수취인", "상대예금주", "상대계좌예금주명", "예금주"),
        *("받는분", "보낸분", "보낸분/받는분", "거래처"),
        *("name", "counterparty", "counterparty name", "payee", "beneficiary"),
    ),
    "account": (
        *("상대계좌번호", "상대계좌", "입금계좌번호", "받는계좌", "수취계좌번호"),
        *("counterparty account", "account number", "beneficiary account"),
    ),
    "bank": ("상대은행", "상대계좌은행", "입금은행", "거래은행", "받는은행", "bank", "counterparty bank"),
    "reference": (
        *("이체번호", "참조번호", "고객참조번호", "고객관리번호"),
        *("reference", "customer reference", "end to end id"),
    ),
    "reference_date": ("이체지시일", "참조일", "reference date"),
    "bank_reference": ("거래번호", "은행거래번호", "거래고유번호", "bank reference", "transaction id"),
    "currency_column": ("통화", "통화코드", "currency", "ccy"),
}
_UNIT = re.compile(r"\([^()]*\)$")


def _key(header: str) -> str:
    """Return a header as it is looked up: without a unit in parentheses, 출금액(원)."""
    return _UNIT.sub("", header_key(header))


_KEYS = {_key(name): field for field, names in _NAMES.items() for name in names}
_WORDS: Final[dict[Said, tuple[str, ...]]] = {
    Said.RETURN: ("반송", "반환", "입금반송", "이체반송", "불능", "return", "returned", "reversal"),
    Said.FEE: ("수수료", "이체수수료", "타행이체수수료", "fee", "charge", "commission"),
    Said.TRANSFER: (
        *("이체", "출금이체", "타행이체", "당행이체", "대량이체", "자동이체", "인터넷이체", "펌뱅킹", "송금", "출금"),
        *("transfer", "payment", "wire"),
    ),
    Said.DEPOSIT: ("입금", "입금이체", "타행입금", "현금입금", "무통장입금", "deposit", "credit"),
}
_SAID = {header_key(word): said for said, words in _WORDS.items() for word in words}


def guess(look: Look, header_row: int = 0) -> Mapping:
    """Return the mapping that the headers suggest; `header_row` is where a person says they are, 0 if nobody did."""
    row = header_row or _likeliest(look)
    names = look.headers(row)
    found: dict[str, str] = {}
    for name, key in zip(names, map(_key, names), strict=True):
        field = _KEYS.get(key)
        if field is not None:
            found.setdefault(field, name)
    if found.keys() & {"paid_in", "paid_out"}:
        found.pop("amount", None)
    return replace(Mapping.from_json(found), header_row=row, sheet=look.name)


def refit(mapping: Mapping, look: Look) -> Mapping | None:
    """
    Return a mapping kept from an earlier file for this one, wherever its header stands; None where it does not fit.

    It fits where a row names every one of its columns.
    """
    wanted = {header_key(header) for _name, header in mapping.columns()}
    for number, cells in look.rows:
        if wanted and wanted <= {header_key(name) for name in column_names(cells)}:
            return replace(mapping, header_row=number, sheet=look.name)
    return None


def meaning(word: str) -> Said:
    """Return what a word of a bank probably says; OTHER for one that nobody knows."""
    return _SAID.get(header_key(word), Said.OTHER)


def _likeliest(look: Look) -> int:
    """Return the row with the most headers that banks use, the first of equals; else the first with many cells."""
    known = [(_known(cells), number) for number, cells in look.rows]
    best = max((count for count, _number in known), default=0)
    if best > 1:
        return next(number for count, number in known if count == best)
    widest = max((sum(map(bool, cells)) for _number, cells in look.rows), default=0)
    return next((number for number, cells in look.rows if sum(map(bool, cells)) == widest), 1)


def _known(cells: Sequence[str]) -> int:
    return len({field for cell in cells if (field := _KEYS.get(_key(cell)))})


CURRENCIES: Final = tuple(MINOR_DIGITS)
"""The currencies that amounts of a statement can have."""

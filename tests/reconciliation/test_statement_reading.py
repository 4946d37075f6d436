"""
Promise: a bank statement gives the same lines whatever its form; what cannot be read is refused by row and reason.

What the simulated bank writes as CSV and as camt.053 reads back line by line; a sheet of the same movements gives them
in any encoding, delimiter, order of columns and order of rows; bytes that are no statement never crash the reader.
"""

import csv
import io
import random
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from core.clock import SEOUL
from payouts.rails.simulator import statements as simulator
from payouts.rails.simulator.book import Line
from reconciliation.statements import reading
from reconciliation.statements.guessing import guess, refit
from reconciliation.statements.lines import Form, Said, StatementFile, StatementLine
from reconciliation.statements.mapping import DateOrder, Mapping
from reconciliation.statements.reading import look, read
from reconciliation.statements.refusals import StatementRefused

_FIRST = date(2026, 11, 1)
_TEXTS = st.text(alphabet="가나다라 abcXYZ,;|\t'\"-=&<>0123", min_size=1, max_size=12).map(
    lambda text: " ".join(text.split())
)


@st.composite
def books(draw: st.DrawFn) -> tuple[int, list[Line]]:
    """Return an opening balance and movements of a simulated bank, in booking order."""
    balance = opening = draw(st.integers(0, 10**9))
    moment = datetime(2026, 11, 1, tzinfo=SEOUL)
    lines: list[Line] = []
    for place in range(draw(st.integers(1, 12))):
        moment += timedelta(minutes=draw(st.integers(0, 2_000)))
        kind = draw(st.sampled_from(("TRANSFER", "RETURN", "DEPOSIT")))
        size = draw(st.integers(1, 10**8))
        amount = -size if kind == "TRANSFER" else size
        balance += amount
        sequence = 1 + sum(line.day == moment.date().isoformat() for line in lines)
        named = kind != "DEPOSIT"
        lines.append(
            Line(
                day=moment.date().isoformat(),
                sequence=sequence,
                booked_at=moment.isoformat(),
                kind=kind,
                amount=amount,
                balance_after=balance,
                bank_reference=f"B{place:04d}",
                reference=f"R-{place}" if named else "",
                reference_date=moment.date().isoformat() if named else "",
                bank="SHINHAN" if named else "",
                account_number=f"{110_000_000_000 + place}" if named else "",
                name=draw(_TEXTS.filter(bool)),
                memo=draw(_TEXTS),
            )
        )
    return opening, lines


def _lines_of(lines: Sequence[Line], rows: Sequence[int]) -> tuple[StatementLine, ...]:
    """Return what a statement of the simulated bank should say."""
    return tuple(
        StatementLine(
            row=row,
            day=date.fromisoformat(line.day),
            booked_at=datetime.fromisoformat(line.booked_at),
            amount=line.amount,
            balance_after=line.balance_after,
            currency="KRW",
            said=Said(line.kind),
            bank_reference=line.bank_reference,
            reference=line.reference,
            reference_date=date.fromisoformat(line.reference_date) if line.reference_date else None,
            bank=line.bank,
            account_number=line.account_number,
            name=line.name,
            memo=line.memo,
        )
        for line, row in zip(lines, rows, strict=True)
    )


@settings(max_examples=60, deadline=None)
@given(book=books())
def test_what_the_simulated_bank_writes_reads_back_in_both_forms(book: tuple[int, list[Line]]) -> None:
    opening, lines = book
    closing = lines[-1].balance_after
    first, last = date.fromisoformat(lines[0].day), date.fromisoformat(lines[-1].day)
    from_csv = read(simulator.to_csv(lines), mapping=None)
    written = simulator.to_camt053(
        lines, first=first, last=last, opening=opening, closing=closing, created_at=datetime.now(UTC).isoformat()
    )
    from_camt = read(written, mapping=None)

    assert from_csv.lines == _lines_of(lines, range(2, len(lines) + 2))
    assert from_camt.lines == _lines_of(lines, range(1, len(lines) + 1))
    assert (from_csv.form, from_camt.form) == (Form.SIMULATOR_CSV, Form.CAMT053)
    assert from_camt.account_number == simulator.ACCOUNT
    for found in (from_csv, from_camt):
        assert (found.opening, found.closing, found.gaps) == (opening, closing, ())
        assert (found.first_day, found.last_day, found.currency) == (first, last, "KRW")
        assert opening + found.paid_in - found.paid_out == closing


# Sheets.

_HEADERS = ("거래일시", "적요", "출금액", "입금액", "거래후잔액", "상대은행", "상대계좌번호", "이체번호")
_MAPPING = Mapping(
    day="거래일시",
    description="적요",
    paid_out="출금액",
    paid_in="입금액",
    balance="거래후잔액",
    bank="상대은행",
    account="상대계좌번호",
    reference="이체번호",
)
_Move = tuple[int, str, str]


def _rows(moves: Sequence[_Move], opening: int = 1_000_000) -> list[list[str]]:
    """Return the cells of a bank's sheet about movements (amount, memo, reference), oldest first."""
    rows, balance = [], opening
    for place, (amount, memo, reference) in enumerate(moves):
        balance += amount
        moment = datetime(2026, 11, 2, 9, tzinfo=SEOUL) + timedelta(hours=7 * place)
        out, came = ("", f"{amount:,}") if amount > 0 else (f"{-amount:,}", "0")
        account = f"110-{place:03d}-123456"
        rows.append([f"{moment:%Y.%m.%d %H:%M:%S}", memo, out, came, f"{balance:,}", "088", account, reference])
    return rows


def _csv(table: Sequence[Sequence[str]], delimiter: str = ",", encoding: str = "utf-8") -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter).writerows(table)
    return text.getvalue().encode(encoding)


def _xlsx(table: Sequence[Sequence[object]]) -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_numbers": False}) as book:
        sheet = book.add_worksheet("거래내역")
        for row, cells in enumerate(table):
            for column, cell in enumerate(cells):
                if isinstance(cell, int):
                    sheet.write_number(row, column, cell)
                elif cell != "":
                    sheet.write_string(row, column, str(cell))
    return out.getvalue()


def _said(found: StatementFile) -> list[tuple[object, ...]]:
    """Return what a file says about its lines, without the rows on which they stand."""
    return [
        (
            *(line.day, line.booked_at, line.amount, line.balance_after),
            *(line.bank, line.account_number, line.reference, line.memo),
        )
        for line in found.lines
    ]


_MOVES = st.lists(
    st.tuples(st.integers(-(10**9), 10**9).filter(bool), _TEXTS, _TEXTS),
    min_size=2,
    max_size=8,
)


@settings(max_examples=80, deadline=None)
@given(
    moves=_MOVES,
    delimiter=st.sampled_from(",\t;|"),
    encoding=st.sampled_from(("utf-8", "utf-8-sig", "cp949", "utf-16", "utf-16-le", "utf-16-be")),
    newest_first=st.booleans(),
    order=st.permutations(range(len(_HEADERS))),
    above=st.sampled_from((0, 3)),
    foot=st.booleans(),
)
def test_a_sheet_gives_the_same_lines_however_it_is_written(
    moves: list[_Move],
    delimiter: str,
    encoding: str,
    newest_first: bool,  # noqa: FBT001 - drawn by hypothesis
    order: list[int],
    above: int,
    foot: bool,  # noqa: FBT001 - drawn by hypothesis
) -> None:
    rows = _rows(moves)
    plain = read(_csv([_HEADERS, *rows]), mapping=_MAPPING)
    assert [line.amount for line in plain.lines] == [amount for amount, _memo, _reference in moves]
    assert (plain.opening, plain.gaps) == (1_000_000, ())

    table = [_HEADERS, *(reversed(rows) if newest_first else rows)]
    shuffled: list[list[str]] = [[cells[place] for place in order] for cells in table]
    head = [["계좌번호: 110-123-456789", "", ""], ["조회기간", "2026.11.01 ~ 2026.11.30"], []][:above]
    total = [["합계", *[""] * (len(_HEADERS) - 1)]] if foot else []
    body = _csv([*head, *shuffled, [""] * len(_HEADERS), *total], delimiter, encoding)
    mapping = replace(_MAPPING, header_row=above + 1)
    found = read(body, mapping=mapping)

    assert _said(found) == _said(plain)
    assert found.account_number == ("110123456789" if above else "")
    assert (found.opening, found.closing, found.gaps) == (plain.opening, plain.closing, ())
    if newest_first:
        assert [line.row for line in found.lines] == sorted((line.row for line in found.lines), reverse=True)


@settings(max_examples=20, deadline=None)
@given(moves=_MOVES)
def test_a_workbook_gives_the_lines_of_the_csv(moves: list[_Move]) -> None:
    rows = _rows(moves)
    numbers = [
        [int(cell.replace(",", "")) if place in (2, 3, 4) and cell else cell for place, cell in enumerate(row)]
        for row in rows
    ]
    assert _said(read(_xlsx([_HEADERS, *numbers]), mapping=_MAPPING)) == _said(
        read(_csv([_HEADERS, *rows]), mapping=_MAPPING)
    )


@settings(max_examples=40, deadline=None)
@given(moves=_MOVES, data=st.data())
def test_parts_of_a_statement_are_the_statement(moves: list[_Move], data: st.DataObject) -> None:
    rows = _rows(moves)
    cut = data.draw(st.integers(1, len(rows) - 1))
    whole = read(_csv([_HEADERS, *rows]), mapping=_MAPPING)
    first, second = (read(_csv([_HEADERS, *part]), mapping=_MAPPING) for part in (rows[:cut], rows[cut:]))
    assert _said(first) + _said(second) == _said(whole)
    assert (first.opening, first.closing, second.closing) == (whole.opening, second.opening, whole.closing)


# Signs and balances.


def _lines(mapping: Mapping, *table: Sequence[str]) -> StatementFile:
    return read(_csv(table), mapping=mapping)


def _amounts(mapping: Mapping, *table: Sequence[str]) -> list[int]:
    return [line.amount for line in _lines(mapping, *table).lines]


def test_every_way_banks_tell_in_from_out() -> None:
    day = "2026-11-03"
    signed = Mapping(day="일자", amount="금액")
    assert _amounts(signed, ("일자", "금액"), (day, "(500)"), (day, "₩1,000"), (day, "△30원")) == [-500, 1_000, -30]
    assert _amounts(replace(signed, flipped=True), ("일자", "금액"), (day, "500"), (day, "-20")) == [-500, 20]
    two = Mapping(day="일자", paid_in="입금", paid_out="출금")
    assert _amounts(two, ("일자", "입금", "출금"), (day, "", "500"), (day, "70", "-"), (day, "0", "-9")) == [
        -500,
        70,
        9,
    ]
    assert _amounts(replace(two, flipped=True), ("일자", "입금", "출금"), (day, "", "-500")) == [-500]
    said = Mapping(day="일자", amount="금액", direction="구분")
    assert _amounts(said, ("일자", "구분", "금액"), (day, "출금", "500"), (day, "입금", "70")) == [-500, 70]
    cents = Mapping(day="일자", amount="금액", currency="USD")
    assert _amounts(cents, ("일자", "금액"), (day, "1,234.50"), (day, "-0.07")) == [123_450, -7]
    assert _amounts(replace(cents, in_minor_units=True), ("일자", "금액"), (day, "123450")) == [123_450]
    comma = [("일자", "금액"), (day, "1.234,5"), (day, "2.000,00")]
    assert _amounts(cents, *comma) == [123_450, 200_000]


def test_a_balance_that_does_not_follow_is_a_gap_and_no_refusal() -> None:
    mapping = Mapping(day="일자", amount="금액", balance="잔액")
    rows = [("2026-11-03", "100", "1,100"), ("2026-11-04", "50", "1,150"), ("2026-11-05", "-200", "900")]
    found = _lines(mapping, ("일자", "금액", "잔액"), *rows)
    assert (found.gaps, found.opening, found.closing) == ((4,), 1_000, 900)
    # What was brought forward is believed, so that the first line is a gap where it does not follow from it.
    brought = [("2026-11-01", "", "990"), *rows[:2]]
    found = _lines(
        mapping,
        ("일자", "적요", "금액", "잔액"),
        *((day, "전월이월" * (not out), out, left) for day, out, left in brought),
    )
    assert (found.gaps, found.opening, found.passed_over) == ((3,), 990, (2,))


def test_sums_notes_and_rows_that_move_nothing_are_passed_over_and_told() -> None:
    mapping = Mapping(day="일자", amount="금액", end_marker="<END>")
    found = _lines(
        mapping,
        ("일자", "적요", "금액"),
        ("2026-11-03", "이자", "0"),
        ("2026-11-03", "합계 상사", "100"),
        ("소계", "", "100"),
        ("※ 이 자료는 증빙으로 쓸 수 없습니다.",),
        ("<END>",),
        ("무엇이든", "", "x"),
    )
    assert [line.amount for line in found.lines] == [100]
    assert found.passed_over == (4, 5, 2) or set(found.passed_over) == {2, 4, 5}


# Refusals.


def _codes(body: bytes, mapping: Mapping | None) -> list[tuple[int, str, str]]:
    with pytest.raises(StatementRefused) as refused:
        read(body, mapping=mapping)
    return [(problem.row, problem.column, problem.code) for problem in refused.value.problems]


@pytest.mark.parametrize(
    ("cells", "column", "code"),
    [
        (("2026-13-01", "1", "", ""), "일자", "not_a_date"),
        (("11/03/2026", "1", "", ""), "일자", "not_a_date"),
        (("", "1", "", ""), "일자", "required"),
        (("2026-11-03", "", "", ""), "출금", "no_amount"),
        (("2026-11-03", "1", "2", ""), "출금", "both_amounts"),
        (("2026-11-03", "1.5", "", ""), "입금", "fraction"),
        (("2026-11-03", "12a", "", ""), "입금", "not_an_amount"),
        (("2026-11-03", "1,000,000,000,000,000", "", ""), "입금", "amount_too_large"),
        (("2026-11-03", "1", "", "1.10E+11"), "계좌", "must_be_text"),
        (("2026-11-03", "1", "", "1", "more"), "", "row_length"),
    ],
)
def test_a_wrong_cell_refuses_the_file_by_row_and_column(cells: Sequence[str], column: str, code: str) -> None:
    mapping = Mapping(day="일자", paid_in="입금", paid_out="출금", account="계좌")
    table = [("일자", "입금", "출금", "계좌"), ("2026-11-02", "1", "", "123"), cells]
    assert _codes(_csv(table), mapping) == [(3, column, code)]


def test_every_wrong_row_is_named_at_once() -> None:
    mapping = Mapping(day="일자", amount="금액")
    rows = [("2026-11-03", "a"), ("2026-11-03", "5"), ("x1", "b")]
    assert _codes(_csv([("일자", "금액"), *rows]), mapping) == [
        (2, "금액", "not_an_amount"),
        (4, "일자", "not_a_date"),
        (4, "금액", "not_an_amount"),
    ]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "empty"),
        (b"   \r\n", "empty"),
        (b"%PDF-1.7", "unknown_type"),
        (b"<html><table></table></html>", "web_page"),
        (b'<?xml version="1.0"?><a/>', "xml_namespace"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "web_page"),
        (b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "xml_doctype"),
        (b"\x81\xff\xff\xff", "encoding"),
        ("일자,금액\r\n2026-11-03,5\r\n".encode(), "mapping_needed"),
    ],
)
def test_what_is_no_statement_is_refused_as_a_whole(body: bytes, code: str) -> None:
    assert [found[2] for found in _codes(body, None)] == [code]


def test_a_mapping_must_tell_a_day_and_an_amount_and_its_columns_must_be_there() -> None:
    body = _csv([("일자", "금액"), ("2026-11-03", "5")])
    assert _codes(body, Mapping(amount="금액")) == [(0, "", "mapping_day")]
    assert _codes(body, Mapping(day="일자")) == [(0, "", "mapping_amount")]
    assert _codes(body, Mapping(day="일자", amount="금액", paid_in="금액")) == [(0, "", "mapping_amount")]
    assert _codes(body, Mapping(day="일자", amount="금액", name="이름")) == [(1, "", "header_missing")]
    assert _codes(body, Mapping(day="일자", amount="금액", header_row=9)) == [(9, "", "header_row_missing")]
    assert _codes(body[: body.index(b"2026")], Mapping(day="일자", amount="금액")) == [(0, "", "no_lines")]
    mixed = _csv([("일자", "금액"), ("2026-11-03", "1,5"), ("2026-11-03", "1.5")])
    assert _codes(mixed, Mapping(day="일자", amount="금액", currency="USD")) == [(0, "금액", "mixed_decimal")]


def test_an_account_in_a_numeric_cell_is_not_guessed() -> None:
    table: list[list[object]] = [["일자", "금액", "계좌"], ["2026-11-03", 5, 110123456789]]
    assert _codes(_xlsx(table), Mapping(day="일자", amount="금액", account="계좌")) == [(2, "계좌", "must_be_text")]
    assert read(_xlsx(table), mapping=Mapping(day="일자", amount="금액")).lines[0].amount == 5


def test_dates_as_banks_write_them() -> None:
    mapping = Mapping(day="일자", time="시각", amount="금액")
    noon = datetime(2026, 11, 3, 14, 5, 6, tzinfo=SEOUL)
    for day, clock in (
        ("2026-11-03", "14:05:06"),
        ("2026.11.03", "140506"),
        ("20261103", "오후 2:05:06"),
        ("2026/11/3", "2:05:06 PM"),
        ("2026년 11월 3일", "14시 5분 6초"),
        ("2026-11-03 (화)", "2026-11-03T05:05:06Z"),
        ("2026-11-03 14:05:06", ""),
        ("20261103140506", ""),
    ):
        line = read(_csv([("일자", "시각", "금액"), (day, clock, "1")]), mapping=mapping).lines[0]
        assert (line.day, line.booked_at) == (noon.date(), noon), (day, clock)
    for order, day in ((DateOrder.MDY, "11/03/2026"), (DateOrder.DMY, "3.11.2026"), (DateOrder.DMY, "2026-11-03")):
        found = read(_csv([("일자", "시각", "금액"), (day, "", "1")]), mapping=replace(mapping, date_order=order))
        assert (found.first_day, found.lines[0].booked_at) == (noon.date(), None)


# What a person is shown before the columns are known.


def test_the_look_of_a_file_and_what_its_headers_suggest() -> None:
    head = [["거래내역조회", *[""] * 7], ["계좌번호", "110-123-456789", *[""] * 6]]
    body = _csv([*head, _HEADERS, *_rows([(500, "a", "R"), (-200, "b", "S")])], encoding="cp949")
    seen = look(body)
    assert (seen.form, seen.kind, seen.encoding, seen.delimiter) == (None, "csv", "cp949", ",")
    proposed = guess(seen)
    assert proposed == replace(_MAPPING, header_row=3)
    found = read(body, mapping=proposed)
    assert (found.account_number, [line.amount for line in found.lines]) == ("110123456789", [500, -200])

    # The mapping is kept; in the next file the header stands elsewhere and there is one column more.
    later = _csv([("비고", *_HEADERS), *(["-", *row] for row in _rows([(7, "c", "T")]))])
    fitted = refit(Mapping.from_json(proposed.to_json()), look(later))
    assert fitted is not None
    assert read(later, mapping=fitted).lines[0].amount == 7
    assert refit(proposed, look(_csv([("일자", "금액"), ("2026-11-03", "5")]))) is None


def test_headers_of_one_name_are_told_apart() -> None:
    body = _csv([("일자", "금액", "금액"), ("2026-11-03", "5", "105")])
    assert look(body).headers(1) == ["일자", "금액", "금액 (2)"]
    found = read(body, mapping=Mapping(day="일자", amount="금액", balance="금액 (2)"))
    assert (found.lines[0].amount, found.lines[0].balance_after) == (5, 105)


def test_a_sheet_is_chosen_by_its_name() -> None:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        book.add_worksheet("표지").write_string(0, 0, "안내")
        sheet = book.add_worksheet("내역")
        for row, cells in enumerate((("일자", "금액"), ("2026-11-03", "5"))):
            for column, cell in enumerate(cells):
                sheet.write_string(row, column, cell)
    seen = look(out.getvalue(), name="내역")
    assert (seen.names, seen.name) == (("표지", "내역"), "내역")
    assert read(out.getvalue(), mapping=guess(seen)).lines[0].amount == 5


def test_words_of_a_kind_column_say_what_moved_the_money() -> None:
    mapping = Mapping(day="일자", amount="금액", kind="구분", words=(("펌이체", Said.TRANSFER), ("반송", Said.RETURN)))
    body = _csv([("일자", "구분", "금액"), *(("2026-11-03", word, "5") for word in ("펌 이체", "반송", "기타"))])
    assert [line.said for line in read(body, mapping=mapping).lines] == [Said.TRANSFER, Said.RETURN, Said.OTHER]
    assert reading.words_of(body, mapping, 2) == ["펌 이체", "반송"]


# Hostile files.

_STARTS = (
    b"",
    b"PK\x03\x04",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
    b"<?xml version='1.0'?>",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
)


def _never_crashes(body: bytes) -> None:
    for mapping in (None, Mapping(day="date", amount="amount", header_row=2), _MAPPING):
        try:
            found = read(body, mapping=mapping)
        except StatementRefused:
            continue
        assert all(line.amount for line in found.lines)
    with suppress(StatementRefused):
        guess(look(body))


@settings(max_examples=150, deadline=None)
@given(
    start=st.sampled_from([start for start in _STARTS if not start.startswith(b"\xd0")]), body=st.binary(max_size=300)
)
def test_any_bytes_are_read_or_refused(start: bytes, body: bytes) -> None:
    _never_crashes(start + body)


def test_files_that_were_changed_at_random_are_read_or_refused() -> None:
    chance = random.Random(20261122)
    lines = [
        Line(
            *("2026-11-03", place, "2026-11-03T10:00:00+09:00", "TRANSFER", -100, 10_000 - 100 * place),
            *(f"B{place}", f"R{place}", "2026-11-03", "SHINHAN", "110123456789", "김하나", "정산"),
        )
        for place in range(1, 6)
    ]
    day = date(2026, 11, 3)
    originals = [
        simulator.to_csv(lines),
        simulator.to_camt053(
            lines, first=day, last=day, opening=10_000, closing=9_500, created_at="2026-11-03T00:00:00Z"
        ),
        _csv([_HEADERS, *_rows([(500, "a", "R"), (-200, "b", "S")])], encoding="cp949"),
        _xlsx([_HEADERS, *_rows([(500, "a", "R"), (-200, "b", "S")])]),
    ]
    for original in originals:
        for _ in range(120):
            body = bytearray(original)
            for _ in range(chance.randint(1, 4)):
                at = chance.randrange(len(body))
                if chance.random() < 0.5:
                    body[at] = chance.randrange(256)
                else:
                    del body[at : at + chance.randint(1, 30)]
            _never_crashes(bytes(body))


def test_a_formula_is_refused_with_its_cell() -> None:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ("일자", "금액"))
        sheet.write_formula(1, 1, "=1+1")
    with pytest.raises(StatementRefused) as refused:
        read(out.getvalue(), mapping=Mapping(day="일자", amount="금액"))
    problem = refused.value.problems[0]
    assert (problem.code, problem.params) == ("formula", {"cell": "B2"})

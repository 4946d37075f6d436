"""
Reading a statement out of a sheet by a mapping: the account number above the header, lines below it, sums at the end.

What is no movement is passed over and told: sums, notes of a single cell, the balance brought forward, and rows that
move nothing. Everything else has to be a line that can be read, else nothing of the file is taken.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from console.files.errors import ValueRefused
from console.files.sheet_limits import Caps
from console.files.sheet_read import header_key
from console.files.values import Raw, clean_text
from core.money import MINOR_DIGITS
from reconciliation.statements import following
from reconciliation.statements.amounts import MixedMarks, amount_of, decimal_mark, is_empty
from reconciliation.statements.days import day_of, moment_of
from reconciliation.statements.lines import Form, Said, StatementFile, StatementLine
from reconciliation.statements.mapping import MONEY, Mapping, column_names
from reconciliation.statements.refusals import CellRefused, Problem, StatementRefused, refused
from reconciliation.statements.sheets import open_sheet
from reconciliation.statements.texts import LONGEST, known_bank, memo_of

MOST_PROBLEMS = 1_000
_TOTALS = frozenset(
    {"합계", "총계", "소계", "총합계", "누계", "계", "total", "totals", "subtotal", "grandtotal", "sum"}
)
_BROUGHT_FORWARD = frozenset(
    header_key(word)
    for word in (
        *("이월", "전일이월", "전월이월", "이월잔액", "전일잔액", "전월잔액", "기초잔액", "기초", "시작잔액"),
        *("opening", "opening balance", "balance brought forward", "brought forward", "b/f"),
    )
)
_IN = frozenset(map(header_key, ("입금", "입", "받음", "대변", "in", "credit", "cr", "c", "crdt", "deposit", "+")))
_OUT = frozenset(
    map(header_key, ("출금", "출", "지급", "보냄", "차변", "out", "debit", "dr", "d", "dbit", "withdrawal", "-"))
)
_ACCOUNT_HEAD = re.compile(r"(?:계좌번호|계좌|account(?:\s*(?:no\.?|number))?)\s*[:：]?\s*(?P<no>.*)", re.IGNORECASE)
_ACCOUNT = re.compile(r"\s*([0-9][0-9\- ]{5,40}[0-9])(?![0-9*])")
_MANGLED = re.compile(r"[0-9](?:\.[0-9]+)?[eE]\+?[0-9]+")

Cells = dict[str, Raw]


@dataclass
class _Rows:
    """The rows of a sheet below its header, only the cells somebody asked for."""

    headers: dict[str, str] = field(default_factory=dict)
    above: list[list[Raw]] = field(default_factory=list)
    rows: list[tuple[int, Cells]] = field(default_factory=list)
    passed_over: list[int] = field(default_factory=list)
    opening: Raw = ""
    problems: list[Problem] = field(default_factory=list)

    def wrong(self, row: int, name: str, problem: ValueRefused) -> None:
        """Note what is wrong with a cell."""
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(Problem(row, self.headers.get(name, ""), problem.code, problem.params))


def read(body: bytes, mapping: Mapping, *, form: Form = Form.MAPPED, caps: Caps | None = None) -> StatementFile:
    """Return the statement in a sheet. Raises StatementRefused, and SheetRefused for what makes it unreadable."""
    _check(mapping)
    caps = caps or Caps()
    found = _rows(open_sheet(body, name=mapping.sheet, caps=caps).rows, mapping, caps)
    reading = _Reading(found, mapping, _mark(found, mapping))
    lines = [line for number, cells in found.rows if (line := reading.line(number, cells)) is not None]
    opening = reading.opening()
    if found.problems:
        raise StatementRefused(*found.problems)
    if not lines:
        raise refused("no_lines")
    return _summed_up(form, lines, opening, found)


def _summed_up(form: Form, lines: Sequence[StatementLine], opening: int | None, found: _Rows) -> StatementFile:
    currencies = sorted({line.currency for line in lines})
    if len(currencies) > 1:
        raise refused(
            "several_currencies", column=found.headers.get("currency_column", ""), found=", ".join(currencies)
        )
    ordered = following.in_booking_order(lines)
    first, last = ordered[0], ordered[-1]
    if opening is None and first.balance_after is not None:
        opening = first.balance_after - first.amount
    days = [line.day for line in ordered]
    return StatementFile(
        form=form,
        account_number=_account_above(found.above),
        currency=currencies[0],
        statement_id="",
        first_day=min(days),
        last_day=max(days),
        opening=opening,
        closing=last.balance_after,
        lines=tuple(ordered),
        gaps=following.gaps(ordered, opening=opening, closing=last.balance_after),
        passed_over=tuple(found.passed_over),
    )


def _check(mapping: Mapping) -> None:
    """Refuse a mapping that cannot tell a day and an amount."""
    if not mapping.day:
        raise refused("mapping_day")
    if bool(mapping.amount) == bool(mapping.paid_in or mapping.paid_out):
        raise refused("mapping_amount")
    if mapping.currency not in MINOR_DIGITS:
        raise refused("currency", found=mapping.currency)


# Rows.


def _rows(sheet: Iterable[tuple[int, list[Raw]]], mapping: Mapping, caps: Caps) -> _Rows:
    found, places, width = _Rows(), dict[str, int](), 0
    for number, cells in sheet:
        if number < mapping.header_row:
            found.above.append(cells)
        elif number == mapping.header_row:
            places, width = _places(cells, mapping, number)
            found.headers = dict(mapping.columns())
        elif mapping.end_marker and _begins(cells, mapping.end_marker):
            break
        elif any(not isinstance(cell, str) or cell.strip() for cell in cells):
            _take(found, number, cells, places, width, mapping)
            if len(found.rows) > caps.rows:
                raise refused("too_many_rows", limit=caps.rows)
    if not places:
        raise refused("header_row_missing", row=mapping.header_row)
    return found


def _places(cells: Sequence[Raw], mapping: Mapping, number: int) -> tuple[dict[str, int], int]:
    """Return at which place each field of the mapping stands, and how many columns the header has."""
    names = [header_key(name) for name in column_names([clean_text(cell) for cell in cells])]
    while names and not names[-1]:
        names.pop()
    wanted = {name: header_key(header) for name, header in mapping.columns()}
    missing = [header for name, header in mapping.columns() if wanted[name] not in names]
    if missing:
        raise StatementRefused(*(Problem(number, "", "header_missing", {"header": header}) for header in missing))
    return {name: names.index(key) for name, key in wanted.items()}, len(names)


def _begins(cells: Sequence[Raw], marker: str) -> bool:
    first = next((cell for cell in cells if cell != ""), "")
    return isinstance(first, str) and first.strip() == marker.strip()


def _take(
    found: _Rows, number: int, cells: Sequence[Raw], places: dict[str, int], width: int, mapping: Mapping
) -> None:
    """Keep the cells of a row, or note why it is passed over or wrong."""
    values = {name: cells[at] for name, at in places.items() if at < len(cells) and cells[at] != ""}
    money = {name for name in MONEY if name in values and not is_empty(values[name])}
    has_day, moves = _has_day(values, mapping), bool(money - {"balance"})
    words = _words(cells) if not (has_day and moves) else frozenset()
    if words & _TOTALS and not has_day:
        found.passed_over.append(number)
    elif words & _BROUGHT_FORWARD and not moves:
        found.opening = values.get("balance", found.opening)
        found.passed_over.append(number)
    elif not has_day and not money and sum(cell != "" for cell in cells) == 1:
        found.passed_over.append(number)
    elif any(cell != "" for cell in cells[width:]):
        found.wrong(number, "", CellRefused("row_length", expected=width, found=len(cells)))
    else:
        found.rows.append((number, values))


def _words(cells: Sequence[Raw]) -> frozenset[str]:
    """Return the texts of a row as they are compared."""
    return frozenset(header_key(cell) for cell in cells if isinstance(cell, str) and cell.strip())


def _has_day(values: Cells, mapping: Mapping) -> bool:
    """Say whether a row tells a day, which sums and notes do not."""
    try:
        return bool(day_of(values.get("day", ""), mapping.date_order))
    except ValueRefused:
        return False


def _mark(found: _Rows, mapping: Mapping) -> str:
    """Return the decimal mark of the file, decided from all its amounts."""
    try:
        return decimal_mark(cells[name] for _number, cells in found.rows for name in MONEY if name in cells)
    except MixedMarks:
        columns = [header for name, header in mapping.columns() if name in MONEY]
        raise refused("mixed_decimal", column=", ".join(columns)) from None


# Lines.


class _Reading:
    """Makes lines of rows; what is wrong with a row goes to the problems of the file."""

    def __init__(self, found: _Rows, mapping: Mapping, mark: str) -> None:
        self._found, self._mapping, self._mark = found, mapping, mark

    def line(self, number: int, cells: Cells) -> StatementLine | None:
        """Return a row as a line; None for one that moves nothing or cannot be read."""
        before = len(self._found.problems)
        currency = self._currency(number, cells)
        day, booked_at = self._moment(number, cells)
        amount = self._amount(number, cells, currency)
        balance = self._money(number, cells, "balance", currency)
        texts = {name: self._text(number, cells, name) for name in ("description", "name", "bank", "kind")}
        ids = {name: self._id(number, cells, name) for name in ("account", "reference", "bank_reference")}
        reference_date = self._reference_date(number, cells)
        if len(self._found.problems) > before or amount is None or day is None:
            return None
        if amount == 0:
            self._found.passed_over.append(number)
            return None
        return StatementLine(
            row=number,
            day=day,
            booked_at=booked_at,
            amount=amount,
            balance_after=balance,
            currency=currency,
            said=self._mapping.meaning(texts["kind"]) if texts["kind"] else Said.OTHER,
            bank_reference=ids["bank_reference"],
            reference=ids["reference"],
            reference_date=reference_date,
            bank=known_bank(texts["bank"]),
            account_number=ids["account"],
            name=texts["name"],
            memo=memo_of(texts["description"]),
        )

    def opening(self) -> int | None:
        """Return the balance brought forward, where a row says it."""
        if self._found.opening == "":
            return None
        return self._money(
            self._mapping.header_row, {"balance": self._found.opening}, "balance", self._mapping.currency
        )

    def _currency(self, number: int, cells: Cells) -> str:
        written = cells.get("currency_column", "")
        if written == "":
            return self._mapping.currency
        code = written.strip().upper() if isinstance(written, str) else ""
        if code not in MINOR_DIGITS:
            self._wrong(number, "currency_column", CellRefused("currency", found=str(written)[:10]))
            return self._mapping.currency
        return code

    def _moment(self, number: int, cells: Cells) -> tuple[date | None, datetime | None]:
        if "day" not in cells:
            self._wrong(number, "day", ValueRefused("required"))
            return None, None
        order = self._mapping.date_order
        try:
            return moment_of(cells["day"], cells.get("time", ""), order)
        except ValueRefused as problem:
            self._wrong(number, "time" if problem.code == "not_a_time" and "time" in cells else "day", problem)
            return None, None

    def _amount(self, number: int, cells: Cells, currency: str) -> int | None:
        """Return the signed amount of a row; None, with the reason noted, where it has none."""
        mapping = self._mapping
        if mapping.amount:
            amount = self._money(number, cells, "amount", currency, needed=True)
            return None if amount is None else self._directed(number, cells, -amount if mapping.flipped else amount)
        before = len(self._found.problems)
        paid_in = self._money(number, cells, "paid_in", currency)
        paid_out = self._money(number, cells, "paid_out", currency)
        if len(self._found.problems) > before:
            return None
        if paid_in is None and paid_out is None:
            self._wrong(number, "paid_out" if mapping.paid_out else "paid_in", CellRefused("no_amount"))
            return None
        if paid_in and paid_out:
            self._wrong(number, "paid_out", CellRefused("both_amounts"))
            return None
        out = paid_out or 0
        return (paid_in or 0) + (out if mapping.flipped else -out)

    def _directed(self, number: int, cells: Cells, amount: int) -> int | None:
        """Return the amount with the sign its direction asks for."""
        if not self._mapping.direction:
            return amount
        word = header_key(self._text(number, cells, "direction"))
        if word in _OUT:
            return -amount
        if word in _IN:
            return amount
        self._wrong(number, "direction", CellRefused("direction", found=word[:20]))
        return None

    def _money(self, number: int, cells: Cells, name: str, currency: str, *, needed: bool = False) -> int | None:
        raw = cells.get(name, "")
        if is_empty(raw):
            if needed:
                self._wrong(number, name, CellRefused("no_amount"))
            return None
        try:
            return amount_of(
                raw, digits=MINOR_DIGITS[currency], mark=self._mark, in_minor_units=self._mapping.in_minor_units
            )
        except ValueRefused as problem:
            self._wrong(number, name, problem)
            return None

    def _text(self, number: int, cells: Cells, name: str) -> str:
        if name not in cells:
            return ""
        try:
            text = " ".join(clean_text(cells[name]).split())
        except ValueRefused as problem:
            self._wrong(number, name, problem)
            return ""
        if len(text) > LONGEST.get(name, len(text)):
            self._wrong(number, name, CellRefused("too_long", limit=LONGEST[name]))
        return text

    def _id(self, number: int, cells: Cells, name: str) -> str:
        """Return an id or account as text; a number of a spreadsheet may have lost digits, so it is refused."""
        if name not in cells:
            return ""
        raw = cells[name]
        if not isinstance(raw, str) or _MANGLED.fullmatch(raw.strip()):
            self._wrong(number, name, ValueRefused("must_be_text"))
            return ""
        try:
            text = clean_text(raw)
        except ValueRefused as problem:
            self._wrong(number, name, problem)
            return ""
        if name == "account":
            text = re.sub(r"[\s-]", "", text)
        if len(text) > LONGEST[name]:
            self._wrong(number, name, CellRefused("too_long", limit=LONGEST[name]))
        return text

    def _reference_date(self, number: int, cells: Cells) -> date | None:
        raw = cells.get("reference_date", "")
        try:
            return day_of(raw, self._mapping.date_order) if raw != "" else None
        except ValueRefused as problem:
            self._wrong(number, "reference_date", problem)
            return None

    def _wrong(self, number: int, name: str, problem: ValueRefused) -> None:
        self._found.wrong(number, name, problem)


def _account_above(above: Iterable[Sequence[Raw]]) -> str:
    """Return the digits of the account number that a line above the header names; empty where none does."""
    return next((number for cells in above for number in _accounts_in(cells)), "")


def _accounts_in(cells: Sequence[Raw]) -> Iterator[str]:
    for cell, following_cell in zip(cells, [*cells[1:], ""], strict=False):
        found = _ACCOUNT_HEAD.match(cell.strip()) if isinstance(cell, str) else None
        if found is None:
            continue
        beside = "" if isinstance(following_cell, Decimal | date) else following_cell
        number = _ACCOUNT.match(found["no"]) or _ACCOUNT.match(beside)
        if number:
            yield re.sub(r"[\s-]", "", number[1])

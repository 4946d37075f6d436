"""
Our own records, as a file hands them over: what a vendor's file is compared with.

Pure. JSON or CSV; a file with one unreadable value is refused whole, with the record and the field.
"""

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from reconciliation.lines import Kind

# Names of our ids; each kind of file is compared by some of them.
ID_FIELDS = (
    "customer_id",
    "subscription_number",
    "subscription_id",
    "resource_guid",
    "product_id",
    "sku_id",
    "entitlement_id",
    "meter_id",
)
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
CURRENCY = re.compile(r"[A-Za-z]{3}")


class BooksUnreadable(ValueError):
    """Our records cannot be read; the message says where and why. `record` counts from 1, 0 is the file itself."""

    def __init__(self, reason: str, *, record: int = 0, field: str = "") -> None:
        place = f"record {record}: " if record else ""
        super().__init__(f"{place}{field}{': ' if field else ''}{reason}")
        self.record = record
        self.field = field
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Tolerance:
    """Absolute tolerances in major units; None is the default of the comparison."""

    line: Decimal | None = None
    group: Decimal | None = None


@dataclass(frozen=True, slots=True)
class OwnRecord:
    """
    One record of ours. `kind` is None where it belongs to whatever file it is compared with.

    A quantity, unit price or tax of None is not known, which is not the same as zero. Without a day the period is open
    on that side.
    """

    ref: str | None
    kind: Kind | None
    ids: Mapping[str, str | None]
    customer_name: str | None
    currency: str
    quantity: Decimal | None
    unit_price: Decimal | None
    subtotal: Decimal
    tax: Decimal | None
    period_start: date | None = None
    period_end: date | None = None


@dataclass(frozen=True, slots=True)
class Books:
    """Our records in the order of their file, and how far figures may differ."""

    records: tuple[OwnRecord, ...]
    tolerance: Tolerance = Tolerance()


def read_books(path: Path | str) -> Books:
    """Read our records from a JSON or CSV file in UTF-8. Raises BooksUnreadable, OSError when there is no such file."""
    try:
        content = Path(path).read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BooksUnreadable("the file is not UTF-8 text") from None
    return _from_json(content) if content.lstrip()[:1] in {"{", "["} else _from_csv(content)


def _from_json(content: str) -> Books:
    try:
        whole = json.loads(content, parse_float=str, parse_int=str)
    except (ValueError, RecursionError) as error:
        raise BooksUnreadable(f"the file is not JSON: {error}") from None
    records = whole.get("records") if isinstance(whole, dict) else None
    if not isinstance(records, list):
        raise BooksUnreadable('the file must be an object with a list "records"')
    kind = _Fields(whole, 0).kind()
    return Books(tuple(_records(enumerate(records, 1), kind)), _tolerance(whole.get("tolerance")))


def _from_csv(content: str) -> Books:
    reader = csv.DictReader(io.StringIO(content, newline=""), strict=True)
    try:
        rows = list(reader)
    except csv.Error as error:
        raise BooksUnreadable(f"the file is not CSV: {error}") from None
    missing = {"currency", "subtotal"} - set(reader.fieldnames or ())
    if missing:
        raise BooksUnreadable(f"the header lacks {', '.join(sorted(missing))}")
    for record, row in enumerate(rows, 1):
        if None in row or None in row.values():
            raise BooksUnreadable("the number of cells differs from the header", record=record)
    return Books(tuple(_records(enumerate(rows, 1), None)))


def _tolerance(given: object) -> Tolerance:
    if given is None:
        return Tolerance()
    if not isinstance(given, dict):
        raise BooksUnreadable("must be an object", field="tolerance")
    fields = _Fields(given, 0)
    line, group = fields.number("line"), fields.number("group")
    if (line is not None and line < 0) or (group is not None and group < 0):
        raise BooksUnreadable("must not be negative", field="tolerance")
    return Tolerance(line, group)


def _records(numbered: Iterable[tuple[int, object]], kind: Kind | None) -> Iterable[OwnRecord]:
    for record, given in numbered:
        if not isinstance(given, dict):
            raise BooksUnreadable("must be an object", record=record)
        yield _record(_Fields(given, record), kind)


def _record(fields: "_Fields", kind: Kind | None) -> OwnRecord:
    start, end = fields.day("period_start"), fields.day("period_end")
    if start and end and end < start:
        raise fields.refused("period_end", "is before the period's start")
    return OwnRecord(
        ref=fields.text("ref"),
        kind=fields.kind() or kind,
        ids={name: value for name in ID_FIELDS if (value := fields.text(name)) is not None},
        customer_name=fields.text("customer_name"),
        currency=fields.currency(),
        quantity=fields.number("quantity"),
        unit_price=fields.number("unit_price"),
        subtotal=fields.required_number("subtotal"),
        tax=fields.number("tax"),
        period_start=start,
        period_end=end,
    )


class _Fields:
    """The fields of one record, read one by one. Absent, null and empty are the same."""

    def __init__(self, given: Mapping[str, Any], record: int) -> None:
        self._given = given
        self._record = record

    def refused(self, field: str, reason: str) -> BooksUnreadable:
        return BooksUnreadable(reason, record=self._record, field=field)

    def text(self, field: str) -> str | None:
        value = self._given.get(field)
        if value is not None and not isinstance(value, str):
            raise self.refused(field, "must be text")
        return (value or "").strip() or None

    def number(self, field: str) -> Decimal | None:
        value = self.text(field)
        if value is None:
            return None
        if not _NUMBER.fullmatch(value):
            raise self.refused(field, f"is not a decimal number: {value}")
        return Decimal(value)

    def required_number(self, field: str) -> Decimal:
        value = self.number(field)
        if value is None:
            raise self.refused(field, "is missing")
        return value

    def day(self, field: str) -> date | None:
        value = self.text(field)
        if value is None:
            return None
        refused = self.refused(field, f"is not a day like 2024-05-31: {value}")
        if not _DAY.fullmatch(value):
            raise refused
        try:
            return date.fromisoformat(value)
        except ValueError:
            raise refused from None

    def currency(self) -> str:
        value = self.text("currency") or ""
        if not CURRENCY.fullmatch(value):
            raise self.refused("currency", f"is not a currency of three letters: {value}")
        return value.upper()

    def kind(self) -> Kind | None:
        value = self.text("kind")
        if value is None:
            return None
        try:
            return Kind(value)
        except ValueError:
            raise self.refused("kind", f"is not a kind of file: {value}") from None

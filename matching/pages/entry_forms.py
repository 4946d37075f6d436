"""
The form of an invoice: what holds for all of it, its lines, its charges.

A form shows so many lines at a time; lines and charges that are not in it stay as they are.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import count
from typing import Any, Final, cast

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext as _now

from core.scope import Scope
from matching import amounts
from matching.engine import terms
from matching.engine.totals import actual_totals
from matching.engine.words import written
from matching.models import Invoice, InvoiceCharge, InvoiceLine, Vendor
from matching.near_duplicates import Bill
from matching.operations.documents import (
    AUTOMATIC,
    InvoiceChargeDraft,
    InvoiceLineDraft,
    InvoiceLineFields,
)
from matching.pages import reads
from matching.pages.entry_fields import MONEY, PRICES, ChargeForm, InvoiceForm, LineForm

LINES, CHARGES = "lines", "charges"
# Blank rows a form offers: at first, and each time somebody asks for more.
MORE: Final[Mapping[str, int]] = {LINES: 3, CHARGES: 2}
# What a form begins with, and what it may grow to: a request carries a thousand fields at most.
MOST_LINES, MOST_CHARGES = 45, 20
_MOST: Final[Mapping[str, int]] = {LINES: 60, CHARGES: 30}
_NUMBER_DIGITS = 9
_ByLine = dict[int, list[InvoiceChargeDraft]]


@dataclass(frozen=True, slots=True)
class Standing:
    """
    The lines a form shows of an invoice and its charges, as they are.

    Of all its lines, those it does not show as well: `last` is the highest number, `total` how many there are, `billed`
    the order lines they bill.
    """

    lines: Mapping[int, InvoiceLine]
    charges: Sequence[InvoiceCharge]
    last: int = 0
    total: int = 0
    billed: frozenset[int] = frozenset()

    @classmethod
    def of(cls, invoice: Invoice | None, page: int) -> "Standing":
        """Read those of an invoice; a new one has none."""
        if invoice is None:
            return cls({}, [])
        lines = reads.lines_of(invoice)
        first = (page - 1) * MOST_LINES
        shown = {line.number: line for line in lines[first : first + MOST_LINES]}
        return cls(
            lines=shown,
            charges=reads.charges_of(invoice),
            last=max((line.number for line in lines), default=0),
            total=len(lines),
            billed=frozenset(line.order_line_id for line in lines if line.order_line_id is not None),
        )


class Forms:
    """The forms of an invoice, its lines and its charges."""

    def __init__(
        self,
        scope: Scope,
        vendor: Vendor,
        invoice: Invoice | None,
        data: QueryDict | None = None,
        *,
        order_id: str = "",
        page: int = 1,
        more: str = "",
    ) -> None:
        """Make them for an invoice or a new one, from what was sent; `more` asks for blank rows and checks nothing."""
        self.vendor, self.page, self._invoice = vendor, max(page, 1), invoice
        self.stand = Standing.of(invoice, self.page)
        asking, sent = (data, None) if more else (None, data)
        initial = _sent_header(asking) if asking is not None else {}
        self.invoice = InvoiceForm(sent, invoice=invoice, vendor=vendor, initial=initial)
        agreed = [f"{one.order.public_id}/{one.name}" for one in reads.order_charges(scope, vendor)]
        named = [_connected(one) for one in self.stand.charges if one.connected_to]
        self._agreed = [(name, name) for name in dict.fromkeys([*agreed, *named])]
        lines = self._line_initial(scope, order_id) if data is None else self._sent(asking, LINES, LineForm)
        charges = self._charge_initial() if data is None else self._sent(asking, CHARGES, ChargeForm)
        self.lines = self._rows(LINES, LineForm, lines, sent, more)
        self.charges = self._rows(CHARGES, ChargeForm, charges, sent, more, agreed=self._agreed)

    def _rows(
        self, prefix: str, form: Any, initial: list[dict[str, object]], sent: Any, more: str, **options: Any
    ) -> Any:
        extra = MORE[prefix] if more in {prefix, ""} else 0
        kind = forms.formset_factory(form, extra=extra, max_num=_MOST[prefix], absolute_max=_MOST[prefix])
        return kind(sent, initial=initial, prefix=prefix, form_kwargs=options)

    def _line_initial(self, scope: Scope, order_id: str) -> list[dict[str, object]]:
        standing = [_line_initial(line) for line in self.stand.lines.values()]
        offered = [] if len(standing) >= MOST_LINES else reads.open_lines(scope, self.vendor, order_id)
        found = [_offered_initial(one) for one in offered if one.line.pk not in self.stand.billed]
        ticks = not standing
        for row in found:
            row["take"] = ticks and bool(row["take"])
        return [*standing, *found[: MOST_LINES - len(standing)]]

    def _charge_initial(self) -> list[dict[str, object]]:
        return [
            {
                "key": one.pk,
                "code": one.code.code,
                "line": one.invoice_line.number if one.invoice_line else None,
                "category": one.category,
                "value": one.value,
                "connected_to": _connected(one),
            }
            for one in self.stand.charges[:MOST_CHARGES]
        ]

    def _sent(self, asking: QueryDict | None, prefix: str, form: Any) -> list[dict[str, object]]:
        if asking is None:
            return []
        rows = []
        for number in range(min(_number(asking.get(f"{prefix}-TOTAL_FORMS")), _MOST[prefix])):
            row: dict[str, object] = {name: asking.get(f"{prefix}-{number}-{name}", "") for name in form.base_fields}
            if any(value for name, value in row.items() if name != "category"):
                rows.append(row)
        return rows

    def numbered(self) -> Iterator[tuple[int, LineForm]]:
        """Return the line forms with the numbers their lines have; the others are numbered on as they are shown."""
        free = count(self.stand.last + 1)
        for form in self.lines:
            known = _number(form["number"].value())
            yield (known if known in self.stand.lines else next(free)), form

    @property
    def rows(self) -> "list[tuple[int, LineForm, InvoiceLine | None, str]]":
        """Return the line forms as the page shows them: number, form, the line that stands, the order line."""
        return [
            (number, form, self.stand.lines.get(number), str(form["order_line"].value() or ""))
            for number, form in self.numbered()
        ]

    def is_valid(self) -> bool:
        """Say whether all three can be understood, and every charge names a line that is there."""
        valid = all([self.invoice.is_valid(), self.lines.is_valid(), self.charges.is_valid()])
        if not valid:
            return False
        numbers = {number for number, form in self.numbered() if not form.is_blank()}
        if self.stand.total > len(self.stand.lines):
            numbers |= set(range(1, self.stand.last + 1))
        for form in self.charges:
            if not form.is_blank() and form.cleaned_data["line"] not in {None, *numbers}:
                form.add_error("line", _now("이 번호의 라인이 없어요."))
                valid = False
        return valid

    def line_drafts(self) -> list[InvoiceLineDraft]:
        """Return the lines that are new, and what changes of those that stand."""
        charges, stood = self._charges(), self._stood()
        drafts: list[InvoiceLineDraft | None] = []
        # What was offered and not taken leaves no gap in the numbers.
        free = count(self.stand.last + 1)
        for number, form in self.numbered():
            if form.is_blank():
                continue
            known, mine = self.stand.lines.get(number), charges.get(number, [])
            put = None if _same(mine, stood.get(number, [])) else mine
            drafts.append(self._new(next(free), form, put) if known is None else _change(known, form, put))
        return [draft for draft in drafts if draft is not None] + self._of_other_pages(charges, stood)

    def _new(self, number: int, form: LineForm, put: Sequence[InvoiceChargeDraft] | None) -> InvoiceLineDraft:
        said, named = form.said(), _named(form.cleaned_data["order_line"])
        if named is None:
            return InvoiceLineDraft(number, cast("InvoiceLineFields", said), put)
        matches = AUTOMATIC if self.invoice.cleaned_data["matches_receipts"] else None
        return InvoiceLineDraft(number, cast("InvoiceLineFields", said | {"order_line": named}), put, matches)

    def _of_other_pages(self, charges: _ByLine, stood: _ByLine) -> list[InvoiceLineDraft]:
        """Return the lines that this form does not show and whose charges it changes."""
        if self.stand.total <= len(self.stand.lines):
            return []
        others = {number for number in {*charges, *stood} if 0 < number <= self.stand.last} - set(self.stand.lines)
        return [
            InvoiceLineDraft(number, charges=charges.get(number, []))
            for number in sorted(others)
            if not _same(charges.get(number, []), stood.get(number, []))
        ]

    def charge_drafts(self) -> list[InvoiceChargeDraft] | None:
        """Return the charges of the whole invoice; None where they stay as they are."""
        mine = self._charges().get(0, [])
        return None if _same(mine, self._stood().get(0, [])) else mine

    def _stood(self) -> _ByLine:
        found: _ByLine = {}
        for one in self.stand.charges:
            found.setdefault(one.invoice_line.number if one.invoice_line else 0, []).append(_charge_draft(one))
        return found

    def _charges(self) -> _ByLine:
        """Return the charges by line number, 0 for the whole invoice; those the form does not show stay."""
        found: _ByLine = {}
        for one in self.stand.charges[MOST_CHARGES:]:
            found.setdefault(one.invoice_line.number if one.invoice_line else 0, []).append(_charge_draft(one))
        for form in self.charges:
            if not form.is_blank():
                found.setdefault(form.cleaned_data["line"] or 0, []).append(form.draft())
        return found

    def sums(self) -> Mapping[terms.Total, Fraction]:
        """Return the six totals of what the form says, of the rows that can be understood."""
        charges: dict[int, list[terms.InvoiceCharge]] = {}
        for form in self.charges:
            if form.is_valid() and not form.is_blank():
                draft = form.draft()
                charge = terms.InvoiceCharge(draft.code, terms.Category(draft.category), Fraction(draft.value))
                charges.setdefault(form.cleaned_data["line"] or 0, []).append(charge)
        lines = [
            terms.InvoiceLine(number, form.pricing(), charges=tuple(charges.get(number, ())))
            for number, form in self.numbered()
            if form.is_valid() and not form.is_blank() and not form.cleaned_data["drop"]
        ]
        self.invoice.is_valid()
        discount, tax, rest = (Fraction(self.invoice.cleaned_data.get(name) or 0) for name in MONEY)
        header = tuple(charges.get(0, ()))
        return actual_totals(
            terms.Invoice(lines=lines, charges=header, total_discount=discount, sales_tax=tax, round_off=rest)
        )

    def bill(self, key: str) -> Bill:
        """Return what of the invoice is compared with others that may be the same."""
        data = self.invoice.cleaned_data
        amount = amounts.money(self.sums()[terms.Total.INVOICE_AMOUNT], self.currency)
        day: date = data["date"]
        return Bill(key, data["number"], amount, self.currency, day)

    @property
    def currency(self) -> str:
        """Return the currency the invoice is in, or will be in."""
        if self._invoice is not None:
            return self._invoice.currency
        return str(self.invoice["currency"].value() or self.vendor.currency)


def _number(value: object) -> int:
    text = str(value or "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _NUMBER_DIGITS else 0


def _named(text: str) -> tuple[str, int] | None:
    order, _slash, number = text.rpartition("/")
    return (order, _number(number)) if order else None


def _order_line(line: Any) -> str:
    return f"{line.order.public_id}/{line.number}"


def _connected(charge: InvoiceCharge) -> str:
    agreed = charge.connected_to
    return f"{agreed.order.public_id}/{agreed.name}" if agreed else ""


def _charge_draft(charge: InvoiceCharge) -> InvoiceChargeDraft:
    agreed = charge.connected_to
    connected = (agreed.order.public_id, agreed.name) if agreed else None
    return InvoiceChargeDraft(charge.code.code, charge.value, charge.category, connected)


def _same(left: Sequence[InvoiceChargeDraft], right: Sequence[InvoiceChargeDraft]) -> bool:
    def told(drafts: Sequence[InvoiceChargeDraft]) -> list[tuple[str, str, Decimal, str]]:
        return sorted((one.code, str(one.category), one.value.normalize(), str(one.connected_to)) for one in drafts)

    return told(left) == told(right)


def _change(line: InvoiceLine, form: LineForm, put: Sequence[InvoiceChargeDraft] | None) -> InvoiceLineDraft | None:
    """Return what changes of a line that stands; None when nothing does."""
    if form.cleaned_data["drop"]:
        return InvoiceLineDraft(line.number, is_removed=True)
    changed = _changes(line, form.said())
    if not changed and put is None:
        return None
    return InvoiceLineDraft(line.number, cast("InvoiceLineFields", changed), put)


def _changes(line: InvoiceLine, said: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields in which a line differs from what is said of it."""
    now = {name: getattr(line, name) for name in said if name != "item"} | {"item": line.item and line.item.number}
    return {name: value for name, value in said.items() if now[name] != value}


def _line_initial(line: InvoiceLine) -> dict[str, object]:
    names = ("number", "description", "quantity", "unit", *PRICES, "is_final")
    return {name: getattr(line, name) for name in names} | {
        "item": line.item.number if line.item else "",
        "order_line": _order_line(line.order_line) if line.order_line else "",
    }


def _offered_initial(one: reads.OpenLine) -> dict[str, object]:
    """Return an order line as it is offered: what has come and is not billed, at the order's prices."""
    line, quantity = one.line, one.suggested
    return {name: getattr(line, name) for name in PRICES} | {
        "order_line": _order_line(line),
        "quantity": Decimal(written(quantity)) if quantity else None,
        "unit": line.unit,
        "take": bool(quantity),
        "item": line.item.number if line.item else "",
    }


def _sent_header(asking: QueryDict) -> dict[str, object]:
    boxes = {name for name, field in InvoiceForm.base_fields.items() if isinstance(field, forms.BooleanField)}
    return {
        name: name in asking if name in boxes else asking.get(name, "")
        for name in InvoiceForm.base_fields
        if name in asking or name in boxes
    }

"""The upload of vendor invoices."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from django.urls import reverse
from django.utils.translation import gettext_lazy, ngettext

from console.columns import Kind
from console.uploads import Field, Loaded, Problem, Row
from core.actor import Actor
from core.scope import Scope
from matching.models import Invoice, InvoiceCharge, InvoiceLine
from matching.operations import invoices
from matching.operations.documents import AUTOMATIC, InvoiceChargeDraft, InvoiceDraft, InvoiceLineDraft
from matching.uploads import cells, lookups
from matching.uploads.charges import CATEGORY, CODE, VALUE
from matching.uploads.documents import MESSAGES, DocumentUpload, absent, charges_of, given, is_line, named

KIND: Final = "invoices"
_HEADER: Final = (
    "number",
    "vendor",
    "invoice_account",
    "currency",
    "exchange_rate",
    "date",
    "due_date",
    "total_discount",
    "sales_tax",
    "round_off",
    "imported_amount",
    "imported_tax",
    "memo",
)


class InvoiceUpload(DocumentUpload):
    """Vendor invoices, saved as pending and matched in the background once the file is in."""

    kind = KIND
    title = gettext_lazy("송장 등록")
    header = _HEADER
    first_needs = ("vendor", "date")
    charge = ("charge_code", "charge_value")
    guide = (
        gettext_lazy("송장 라인마다 한 행이에요. 둘째 행부터는 송장 전체의 열을 비우거나 똑같이 적어 주세요."),
        gettext_lazy("발주가 없는 라인은 발주 아이디와 발주 라인 번호를 비워 주세요."),
        gettext_lazy(
            "비용은 그 라인의 것이에요. 수량을 비운 행은 비용만이고, 라인 번호도 비우면 송장 전체의 비용이에요."
        ),
    )
    fields = (
        cells.id_field(
            "id", gettext_lazy("송장 아이디"), "invoice_id", required=True, samples=("INV-0001", "INV-0001")
        ),
        cells.id_field(
            "number",
            gettext_lazy("송장 번호"),
            "invoice_number",
            samples=("2026-1201", ""),
            note=gettext_lazy("비우면 송장 아이디예요."),
        ),
        cells.id_field("vendor", gettext_lazy("공급사 계정"), "vendor_account", samples=("V-001", "")),
        cells.id_field(
            "invoice_account",
            gettext_lazy("지급받는 공급사"),
            "invoice_account",
            note=gettext_lazy("비우면 공급사에 등록한 대로예요."),
        ),
        Field("date", gettext_lazy("송장일"), "invoice_date", kind=Kind.DATE, samples=("2026-12-05", "")),
        Field(
            "due_date",
            gettext_lazy("지급 기한"),
            "due_date",
            kind=Kind.DATE,
            note=gettext_lazy("비우면 공급사의 지급 조건으로 계산해요."),
        ),
        cells.CURRENCY,
        cells.RATE,
        cells.figure_field("total_discount", gettext_lazy("총 할인"), "total_discount"),
        cells.figure_field("sales_tax", gettext_lazy("세액"), "sales_tax", samples=("2000", "")),
        cells.figure_field("round_off", gettext_lazy("단수 차이"), "round_off"),
        cells.figure_field(
            "imported_amount",
            gettext_lazy("확인할 송장 금액"),
            "imported_amount",
            note=gettext_lazy("적으면 계산한 금액과 같아야 전기할 수 있어요."),
        ),
        cells.figure_field("imported_tax", gettext_lazy("확인할 세액"), "imported_tax"),
        cells.MEMO,
        cells.LINE,
        cells.id_field("order", gettext_lazy("발주 아이디"), "purchase_order_id", samples=("PO-0001", "PO-0001")),
        Field("order_line", gettext_lazy("발주 라인 번호"), "purchase_order_line", kind=Kind.COUNT, samples=("1", "2")),
        cells.ITEM,
        *cells.PRICES,
        cells.yes_field("is_final", gettext_lazy("마지막 송장"), "is_final"),
        cells.yes_field(
            "automatic",
            gettext_lazy("입고 자동 매칭"),
            "match_receipts",
            note=gettext_lazy("예로 적으면 오래된 입고부터 매칭해요."),
        ),
        CODE,
        CATEGORY,
        VALUE,
        cells.id_field(
            "connected_to",
            gettext_lazy("연결할 발주 비용"),
            "connected_order_charge",
            note=gettext_lazy("발주 아이디/비용 아이디로 적어 주세요."),
        ),
    )
    messages = {**MESSAGES, "order_and_line": gettext_lazy("발주 아이디와 발주 라인 번호를 함께 적어 주세요.")}

    def draft(self, public_id: str, rows: Sequence[Row]) -> InvoiceDraft:
        """Return the invoice that rows describe."""
        lines = [_line(row, rows) for row in rows if is_line(row)]
        return InvoiceDraft(public_id, given(rows[0].values, _HEADER), lines, _charges(rows, None))  # type: ignore[arg-type] # columns of an invoice

    def wrong(self, group: Sequence[Row]) -> Iterator[Problem]:
        """Yield what is wrong with the rows of one invoice together; an order line has two names."""
        yield from super().wrong(group)
        for row in group:
            if ("order" in row.values) != ("order_line" in row.values):
                empty = "order_line" if "order" in row.values else "order"
                yield Problem(row.number, empty, "order_and_line")

    def unknown(self, scope: Scope, rows: Sequence[Row]) -> Iterator[Problem]:
        """Yield the cells that name what is not there."""
        yield from absent(rows, "vendor", lookups.vendors(scope, named(rows, "vendor")), "vendor_not_found")
        yield from absent(rows, "item", lookups.items(scope, named(rows, "item")), "item_not_found")
        codes = lookups.charge_codes(scope, named(rows, "charge_code"))
        yield from absent(rows, "charge_code", codes, "charge_code_not_found")
        lines = lookups.order_lines(scope, named(rows, "order"))
        for row in rows:
            if "order" in row.values and (row.values["order"], row.values["order_line"]) not in lines:
                yield Problem(row.number, "order_line", "order_line_not_found")
        connected = {name.rpartition("/")[0] for name in named(rows, "connected_to")}
        charges = lookups.order_charges(scope, connected)
        yield from absent(rows, "connected_to", charges, "order_charge_not_found")

    def standing(self, scope: Scope, drafts: Sequence[InvoiceDraft]) -> Mapping[str, bool]:
        """Return which invoices are there already, and whether they say the same."""
        wanted = {draft.public_id: draft for draft in drafts}
        rows = Invoice.objects.within(scope).filter(public_id__in=wanted).select_related("vendor")
        stand = {row.pk: row for row in rows}
        lines: dict[int, dict[int, InvoiceLine]] = {key: {} for key in stand}
        for line in InvoiceLine.objects.filter(invoice__in=stand).select_related("item", "order_line__order"):
            lines[line.invoice_id][line.number] = line
        charges: dict[int, list[InvoiceCharge]] = {key: [] for key in stand}
        billed = InvoiceCharge.objects.filter(invoice__in=stand)
        for charge in billed.select_related("code", "invoice_line", "connected_to__order"):
            charges[charge.invoice_id].append(charge)
        return {
            row.public_id: _is_same(wanted[row.public_id], row, lines[key], charges[key]) for key, row in stand.items()
        }

    def enter(self, scope: Scope, by: Actor, now: datetime, draft: InvoiceDraft) -> Invoice:
        """Save one invoice; all of the file are matched together when it is loaded."""
        return invoices.enter_invoice(scope=scope, by=by, now=now, draft=draft, matches=False)

    def loaded(self, count: int) -> Loaded:
        """Tell how many invoices were saved."""
        message = ngettext("송장 %(count)s건을 등록했어요.", "송장 %(count)s건을 등록했어요.", count)
        return Loaded(count, message % {"count": f"{count:,}"}, reverse("matching:invoices"))


# ---- From rows to invoices


def _line(row: Row, rows: Sequence[Row]) -> InvoiceLineDraft:
    values = row.values
    fields = given(values, cells.PRICE_NAMES)
    if "order" in values:
        fields["order_line"] = (values["order"], values["order_line"])
    if "is_final" in values:
        fields["is_final"] = values["is_final"] == "yes"
    receipts = AUTOMATIC if values.get("automatic") == "yes" else None
    return InvoiceLineDraft(values["line"], fields, _charges(rows, values["line"]), receipts)  # type: ignore[arg-type] # columns of a line


def _charges(rows: Sequence[Row], line: int | None) -> list[InvoiceChargeDraft]:
    found = []
    for one in charges_of(rows, line):
        order, _slash, name = one.get("connected_to", "").rpartition("/")
        category = one.get("charge_category", "fixed")
        connected = (order, name) if order else None
        found.append(InvoiceChargeDraft(one["charge_code"], one["charge_value"], category, connected))
    return found


# ---- The same invoice again


def _is_same(
    draft: InvoiceDraft, row: Invoice, lines: Mapping[int, InvoiceLine], charges: Sequence[InvoiceCharge]
) -> bool:
    """Say whether an invoice that stands says what a draft says; what the draft leaves open is not compared."""
    kept: dict[str, Any] = {name: getattr(row, name) for name in _HEADER} | {"vendor": row.vendor.account}
    if any(kept[name] != value for name, value in draft.fields.items()):
        return False
    if {line.number for line in draft.lines} != lines.keys():
        return False
    said = [_said(None, one) for one in draft.charges or ()]
    for line in draft.lines:
        if any(_kept(lines[line.number], name) != value for name, value in line.fields.items()):
            return False
        said += [_said(line.number, one) for one in line.charges or ()]
    return sorted(map(str, said)) == sorted(map(str, map(_billed, charges)))


def _kept(line: InvoiceLine, name: str) -> object:
    ordered = line.order_line
    if name == "order_line":
        return (ordered.order.public_id, ordered.number) if ordered else None
    if name == "item":
        return line.item.number if line.item else None
    return getattr(line, name)


def _said(line: int | None, charge: InvoiceChargeDraft) -> tuple[object, ...]:
    return (line, charge.code, charge.category, charge.value.normalize(), charge.connected_to)


def _billed(charge: InvoiceCharge) -> tuple[object, ...]:
    agreed = charge.connected_to
    connected = (agreed.order.public_id, agreed.name) if agreed else None
    line = charge.invoice_line.number if charge.invoice_line else None
    return (line, charge.code.code, charge.category, charge.value.normalize(), connected)

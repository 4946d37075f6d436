"""The upload of purchase orders."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from django.urls import reverse
from django.utils.translation import gettext_lazy, ngettext

from console.columns import Kind
from console.uploads import Field, Loaded, Problem, Row
from core.actor import Actor
from core.scope import Scope
from matching.models import OrderCharge, OrderLine, PurchaseOrder
from matching.operations import orders
from matching.operations.documents import OrderChargeDraft, OrderDraft, OrderLineDraft
from matching.uploads import cells, lookups
from matching.uploads.charges import CATEGORY, CODE, VALUE
from matching.uploads.documents import MESSAGES, DocumentUpload, absent, charges_of, given, is_line, named

KIND: Final = "purchase-orders"
_HEADER: Final = (
    "vendor",
    "currency",
    "exchange_rate",
    "date",
    "total_discount_percent",
    "sales_tax_percent",
    "memo",
)
_LINE: Final = (*cells.PRICE_NAMES, "policy", "over_delivery_percent", "under_delivery_percent")


class OrderUpload(DocumentUpload):
    """Purchase orders, confirmed as they are loaded."""

    kind = KIND
    title = gettext_lazy("발주 등록")
    header = _HEADER
    first_needs = ("vendor",)
    charge = ("charge_id", "charge_code", "charge_value")
    guide = (
        gettext_lazy("발주 라인마다 한 행이에요. 둘째 행부터는 발주 전체의 열을 비우거나 똑같이 적어 주세요."),
        gettext_lazy(
            "비용은 그 라인의 것이에요. 수량을 비운 행은 비용만이고, 라인 번호도 비우면 발주 전체의 비용이에요."
        ),
    )
    fields = (
        cells.id_field(
            "id", gettext_lazy("발주 아이디"), "purchase_order_id", required=True, samples=("PO-0001", "PO-0001")
        ),
        cells.id_field("vendor", gettext_lazy("공급사 계정"), "vendor_account", samples=("V-001", "")),
        Field(
            "date",
            gettext_lazy("발주일"),
            "order_date",
            kind=Kind.DATE,
            samples=("2026-12-01", ""),
            note=gettext_lazy("비우면 오늘이에요."),
        ),
        cells.CURRENCY,
        cells.RATE,
        cells.percent_field("total_discount_percent", gettext_lazy("총 할인율"), "total_discount_percent"),
        cells.percent_field("sales_tax_percent", gettext_lazy("세율"), "sales_tax_percent", samples=("10", "")),
        cells.MEMO,
        cells.LINE,
        cells.ITEM,
        *cells.PRICES,
        Field(
            "policy",
            gettext_lazy("매칭 정책"),
            "matching_policy",
            choices=cells.POLICIES,
            note=gettext_lazy("비우면 설정에서 찾아요."),
        ),
        cells.percent_field("over_delivery_percent", gettext_lazy("초과 입고 한도"), "over_delivery_percent"),
        cells.percent_field("under_delivery_percent", gettext_lazy("미달 입고 한도"), "under_delivery_percent"),
        cells.id_field("charge_id", gettext_lazy("비용 아이디"), "charge_id"),
        CODE,
        CATEGORY,
        VALUE,
    )

    messages = {**MESSAGES, "charge_twice": gettext_lazy("같은 비용 아이디가 %(row)s행에도 있어요.")}

    def draft(self, public_id: str, rows: Sequence[Row]) -> OrderDraft:
        """Return the order that rows describe."""
        lines = [
            OrderLineDraft(row.values["line"], given(row.values, _LINE), _charges(rows, row.values["line"]))  # type: ignore[arg-type] # columns of a line
            for row in rows
            if is_line(row)
        ]
        fields = given(rows[0].values, _HEADER)
        return OrderDraft(public_id, fields, lines, _charges(rows, None))  # type: ignore[arg-type] # columns of an order

    def wrong(self, group: Sequence[Row]) -> Iterator[Problem]:
        """Yield what is wrong with the rows of one order together; a charge is named once."""
        yield from super().wrong(group)
        seen: dict[str, int] = {}
        for row in group:
            name = row.values.get("charge_id")
            if name in seen:
                yield Problem(row.number, "charge_id", "charge_twice", {"row": seen[name]})
            elif name is not None:
                seen[name] = row.number

    def unknown(self, scope: Scope, rows: Sequence[Row]) -> Iterator[Problem]:
        """Yield the cells that name what is not there."""
        yield from absent(rows, "vendor", lookups.vendors(scope, named(rows, "vendor")), "vendor_not_found")
        yield from absent(rows, "item", lookups.items(scope, named(rows, "item")), "item_not_found")
        codes = lookups.charge_codes(scope, named(rows, "charge_code"))
        yield from absent(rows, "charge_code", codes, "charge_code_not_found")

    def standing(self, scope: Scope, drafts: Sequence[OrderDraft]) -> Mapping[str, bool]:
        """Return which orders are there already, and whether they say the same."""
        wanted = {draft.public_id: draft for draft in drafts}
        rows = PurchaseOrder.objects.within(scope).filter(public_id__in=wanted).select_related("vendor")
        stand = {row.pk: row for row in rows}
        lines: dict[int, dict[int, OrderLine]] = {key: {} for key in stand}
        for line in OrderLine.objects.filter(order__in=stand).select_related("item"):
            lines[line.order_id][line.number] = line
        charges: dict[int, list[OrderCharge]] = {key: [] for key in stand}
        for charge in OrderCharge.objects.filter(order__in=stand).select_related("code", "order_line"):
            charges[charge.order_id].append(charge)
        return {
            row.public_id: _is_same(wanted[row.public_id], row, lines[key], charges[key]) for key, row in stand.items()
        }

    def enter(self, scope: Scope, by: Actor, now: datetime, draft: OrderDraft) -> PurchaseOrder:
        """Create one order."""
        return orders.create_order(scope=scope, by=by, now=now, draft=draft)

    def loaded(self, count: int) -> Loaded:
        """Tell how many orders were created."""
        message = ngettext("발주 %(count)s건을 등록했어요.", "발주 %(count)s건을 등록했어요.", count)
        return Loaded(count, message % {"count": f"{count:,}"}, reverse("matching:orders"))


def _charges(rows: Sequence[Row], line: int | None) -> list[OrderChargeDraft]:
    return [
        OrderChargeDraft(one["charge_id"], one["charge_code"], one["charge_value"], one.get("charge_category", "fixed"))
        for one in charges_of(rows, line)
    ]


def _is_same(
    draft: OrderDraft, row: PurchaseOrder, lines: Mapping[int, OrderLine], charges: Sequence[OrderCharge]
) -> bool:
    """Say whether an order that stands says what a draft says; what the draft leaves open is not compared."""
    kept: dict[str, Any] = {name: getattr(row, name) for name in _HEADER} | {"vendor": row.vendor.account}
    if any(kept[name] != value for name, value in draft.fields.items()):
        return False
    if {line.number for line in draft.lines} != lines.keys():
        return False
    said: set[tuple[object, ...]] = {(None, one.name, one.code, one.category, one.value) for one in draft.charges or ()}
    for line in draft.lines:
        stored = lines[line.number]
        if any(_kept(stored, name) != value for name, value in line.fields.items()):
            return False
        said |= {(line.number, one.name, one.code, one.category, one.value) for one in line.charges or ()}
    return said == {
        (one.order_line and one.order_line.number, one.name, one.code.code, one.category, one.value) for one in charges
    }


def _kept(line: OrderLine, name: str) -> object:
    if name == "item":
        return line.item.number if line.item else None
    return getattr(line, name)

"""Purchase orders: creating them, changing them, and where they are."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from django.db import transaction
from django.utils.translation import gettext as _

from access import audit
from core import clock
from core.actor import Actor
from core.scope import Scope
from matching import amounts, facts, queries, refusals
from matching.engine import terms
from matching.engine.policies import BY_HAND, Found, is_too_weak, search
from matching.models import (
    EntryPolicy,
    Invoice,
    InvoiceStatus,
    Item,
    OrderCharge,
    OrderLine,
    OrderStatus,
    Parameters,
    PolicyEntry,
    PurchaseOrder,
    Vendor,
)
from matching.operations import company, recalculation
from matching.operations._insert import insert
from matching.operations.documents import OrderChargeDraft, OrderDraft, OrderLineDraft

KIND: Final = "purchase_order"
_LINE_DEFAULTS: Final = {
    "price_unit": Decimal(1),
    "discount": Decimal(0),
    "discount_percent": Decimal(0),
    "multiline_discount": Decimal(0),
    "multiline_discount_percent": Decimal(0),
    "unit_price": Decimal(0),
}


def create_order(*, scope: Scope, by: Actor, now: datetime, draft: OrderDraft) -> PurchaseOrder:
    """
    Create an order, confirmed unless its status says draft.

    Raises NotFound, POLICY_TOO_WEAK, EXCHANGE_RATE_MISSING, ID_ALREADY_USED, NEGATIVE_TOLERANCE, InvalidRequest.
    """
    with transaction.atomic():
        parameters = company.open_company(scope)
        order = PurchaseOrder(**scope.filters(), public_id=draft.public_id, created_by_id=by.user_id)
        order.vendor = queries.find_vendor(scope, draft.fields["vendor"])
        order.date = clock.seoul_day(now)
        order.currency = order.vendor.currency
        _fill(scope, order, draft.fields, parameters)
        insert(order, "matching_order_id")
        _put_charges(scope, order, None, draft.charges or ())
        lines = [_new_line(scope, order, one, parameters) for one in draft.lines]
        _price(order, lines)
        after = {"vendor": order.vendor.account, "lines": len(lines), "net": str(order.net_amount)}
        audit.record(scope=scope, by=by, action="order.created", kind=KIND, object_id=order.public_id, after=after)
    return order


def change_order(*, scope: Scope, by: Actor, now: datetime, draft: OrderDraft) -> PurchaseOrder:
    """
    Change an order, the fields and lines given, and confirm it again. Pending invoices of changed lines follow.

    Raises NotFound, POLICY_TOO_WEAK, EXCHANGE_RATE_MISSING, NEGATIVE_TOLERANCE, CONFLICT, InvalidRequest.
    """
    with transaction.atomic():
        order = queries.find_order(scope, draft.public_id, lock=True)
        parameters = company.open_company(scope)
        stand = {line.number: line for line in OrderLine.objects.filter(order=order).select_related("item")}
        queries.lock_order_lines(line.pk for line in stand.values())
        before = _header(order)
        vendor_before = order.vendor_id
        connected = _connected(scope, order, draft)
        _fill(scope, order, draft.fields, parameters)
        if draft.charges is not None:
            _put_charges(scope, order, None, draft.charges)
        changed: set[int] = set()
        for one in draft.lines:
            line = stand.get(one.number)
            if line is None:
                _new_line(scope, order, one, parameters)
            elif _change_line(scope, order, line, one, parameters):
                changed.add(line.pk)
        if order.vendor_id != vendor_before:
            _find_policies_again(scope, order, stand.values(), parameters)
        if before != _header(order) or draft.charges is not None:
            changed = {line.pk for line in stand.values()}
        order.version += 1
        order.updated_at = now
        _price(order, list(OrderLine.objects.filter(order=order).order_by("number")))
        follow_us = {*queries.pending_of_order_lines(scope, changed), *connected}
        recalculation.invoices(scope=scope, keys=follow_us, cause="order")
        after = {"lines": [one.number for one in draft.lines], "version": order.version}
        audit.record(scope=scope, by=by, action="order.changed", kind=KIND, object_id=order.public_id, after=after)
    return order


def _connected(scope: Scope, order: PurchaseOrder, draft: OrderDraft) -> list[int]:
    """Return the pending invoices that name charges of the order, where charges change; some may bill no line of it."""
    if draft.charges is None and all(line.charges is None for line in draft.lines):
        return []
    charges = OrderCharge.objects.filter(order=order).values_list("pk", flat=True)
    return queries.pending_connected_to(scope, list(charges))


def _header(order: PurchaseOrder) -> tuple[object, ...]:
    """Return what of an order its invoices are matched with."""
    fields = ("vendor_id", "exchange_rate", "total_discount_percent", "sales_tax_percent", "status")
    return tuple(getattr(order, name) for name in fields)


def _fill(scope: Scope, order: PurchaseOrder, fields: Mapping[str, Any], parameters: Parameters) -> None:
    """Set the fields given; the rate follows the day and the currency unless somebody gave one, and stays else."""
    if "vendor" in fields:
        order.vendor = queries.find_vendor(scope, fields["vendor"])
    before = (order.date, order.currency, order.is_rate_given)
    currency = fields.get("currency", order.currency)
    if currency != order.currency and Invoice.objects.filter(lines__order_line__order=order.pk).exists():
        raise refusals.in_use(order.public_id)
    order.currency = currency
    for name in ("date", "total_discount_percent", "sales_tax_percent", "memo"):
        if name in fields:
            setattr(order, name, fields[name])
    order.status = fields.get("status", OrderStatus.CONFIRMED)
    given = fields.get("exchange_rate")
    if "exchange_rate" in fields:
        order.is_rate_given = given is not None
    if given is not None:
        order.exchange_rate = given
    elif not order.is_rate_given and (not order.pk or before != (order.date, order.currency, order.is_rate_given)):
        order.exchange_rate = queries.rate_on(scope, order.currency, parameters.accounting_currency, order.date)
    if order.exchange_rate <= 0:
        raise refusals.invalid(_("0보다 커야 해요."), "exchange_rate")


# ---- Lines


def _new_line(scope: Scope, order: PurchaseOrder, draft: OrderLineDraft, parameters: Parameters) -> OrderLine:
    fields = dict(draft.fields)
    if "quantity" not in fields:
        raise refusals.invalid(_("필수 값이에요."), "quantity")
    line = OrderLine(order=order, number=draft.number, **_LINE_DEFAULTS)
    _fill_line(scope, line, fields)
    _set_policy(scope, order, line, fields, parameters)
    amounts.price(line, [], order.currency)
    line.save(force_insert=True)
    _put_charges(scope, order, line, draft.charges or ())
    return line


def _change_line(
    scope: Scope, order: PurchaseOrder, line: OrderLine, draft: OrderLineDraft, parameters: Parameters
) -> bool:
    """Change the fields given; says whether anything is different now."""
    fields = dict(draft.fields)
    before = _content(line)
    _fill_line(scope, line, fields)
    if "policy" in fields or (line.item_id != before["item_id"] and not _is_invoiced(line)):
        _set_policy(scope, order, line, fields, parameters)
    line.save()
    if draft.charges is not None:
        _put_charges(scope, order, line, draft.charges)
    return draft.charges is not None or before != _content(line)


def _content(line: OrderLine) -> dict[str, object]:
    left_out = {"id", "net_amount", "exact_net", "exact_unit", "open_amount", "description"}
    names = [field.attname for field in line._meta.concrete_fields]  # noqa: SLF001 - public in all but name
    return {name: getattr(line, name) for name in names if name not in left_out}


def _is_invoiced(line: OrderLine) -> bool:
    return line.invoice_lines.filter(invoice__status=InvoiceStatus.POSTED).exists()


def _fill_line(scope: Scope, line: OrderLine, fields: dict[str, Any]) -> None:
    if "item" in fields:
        number = fields["item"]
        line.item = queries.find_item(scope, number) if number else None
    if "unit" in fields:
        line.unit = fields["unit"]
    elif not line.unit:
        line.unit = line.item.unit if line.item else Item._meta.get_field("unit").default  # noqa: SLF001 - public in all but name
    names = (
        *_LINE_DEFAULTS,
        "quantity",
        "description",
        "over_delivery_percent",
        "under_delivery_percent",
        "is_closed",
        "is_cancelled",
    )
    for name in names:
        if name in fields:
            setattr(line, name, fields[name])
    for name in ("over_delivery_percent", "under_delivery_percent"):
        if (value := getattr(line, name)) is not None and value < 0:
            raise refusals.negative_tolerance(name)
    if line.price_unit <= 0:
        raise refusals.invalid(_("0보다 커야 해요."), "price_unit")


def _set_policy(
    scope: Scope, order: PurchaseOrder, line: OrderLine, fields: Mapping[str, Any], parameters: Parameters
) -> None:
    rules = facts.company(parameters)
    if "policy" in fields:
        policy = terms.Policy(fields["policy"])
        if is_too_weak(policy, rules):
            raise refusals.policy_too_weak(policy, rules.line_policy)
        line.policy, line.policy_from = policy, BY_HAND
        return
    found = _search(scope, order.vendor, line.item, rules)
    line.policy, line.policy_from = found.policy, found.source


def _search(scope: Scope, vendor: Vendor, item: Item | None, rules: terms.Company) -> Found:
    rows = PolicyEntry.objects.within(scope).filter(vendor__in=[vendor], item__in=[item] if item else [])
    entries = [("item_and_vendor", row) for row in rows]
    if item is not None:
        entries += [("item", row) for row in PolicyEntry.objects.within(scope).filter(item=item, vendor=None)]
    entries += [("vendor", row) for row in PolicyEntry.objects.within(scope).filter(vendor=vendor, item=None)]
    policies = [
        (source, None if row.policy == EntryPolicy.COMPANY else terms.Policy(row.policy)) for source, row in entries
    ]
    return search(policies, rules)


def _find_policies_again(
    scope: Scope, order: PurchaseOrder, lines: "Sequence[OrderLine] | Any", parameters: Parameters
) -> None:
    """Look up the policies of lines for another vendor, where nothing is invoiced."""
    rules = facts.company(parameters)
    for line in lines:
        if not _is_invoiced(line):
            found = _search(scope, order.vendor, line.item, rules)
            line.policy, line.policy_from = found.policy, found.source
            line.save(update_fields=["policy", "policy_from"])


# ---- Charges and sums


def _put_charges(
    scope: Scope, order: PurchaseOrder, line: OrderLine | None, drafts: Sequence[OrderChargeDraft]
) -> None:
    """Make the charges of an order or a line those given; one that stays keeps what is connected to it."""
    stand = {charge.name: charge for charge in OrderCharge.objects.filter(order=order)}
    for draft in drafts:
        charge = stand.get(draft.name) or OrderCharge(order=order, name=draft.name)
        charge.order_line, charge.code = line, queries.find_charge_code(scope, draft.code)
        charge.category, charge.value = draft.category, draft.value
        check_maximum(charge.code.code, charge.code.maximum_amount, draft.value)
        charge.save()
    kept = {draft.name for draft in drafts}
    gone = [
        charge.pk for charge in stand.values() if charge.order_line_id == (line and line.pk) and charge.name not in kept
    ]
    OrderCharge.objects.filter(pk__in=gone).delete()


def check_maximum(code: str, maximum: Decimal | None, value: Decimal) -> None:
    """Raise CHARGE_ABOVE_MAXIMUM."""
    if maximum is not None and abs(value) > maximum:
        raise refusals.charge_above_maximum(code, f"{maximum.normalize():f}")


def _price(order: PurchaseOrder, lines: Sequence[OrderLine]) -> None:
    """Work out the net amounts of the lines and of the order, and where it is, and store them."""
    charges = list(OrderCharge.objects.filter(order=order).select_related("code"))
    net = Fraction(0)
    for line in lines:
        mine = facts.charge_terms(charge for charge in charges if charge.order_line_id == line.pk)
        amounts.price(line, list(mine), order.currency)
        line.save(update_fields=["net_amount", "exact_net", "exact_unit"])
        net += Fraction(line.net_amount)
    if amounts.is_too_large(net, order.currency):
        raise refusals.invalid(_("금액이 너무 커요."), "lines")
    order.net_amount, order.line_count = amounts.decimal(net), len(lines)
    order.status = queries.status_of(order, lines)
    order.save()


def follow(orders: Sequence[int]) -> None:
    """Bring the status of orders in line with what was delivered and invoiced of them."""
    for order in PurchaseOrder.objects.filter(pk__in=set(orders)).order_by("pk"):
        status = queries.status_of(order, list(OrderLine.objects.filter(order=order)))
        if status != order.status:
            PurchaseOrder.objects.filter(pk=order.pk).update(status=status)

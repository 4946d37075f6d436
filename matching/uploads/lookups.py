"""What files of matching name, looked up in bulk."""

from collections.abc import Iterable
from typing import Any

from django.db.models import QuerySet

from core.scope import Scope
from matching.models import ChargeCode, Item, OrderCharge, OrderLine, Vendor

_CHUNK = 5_000


def _known(rows: QuerySet[Any], column: str, wanted: Iterable[str]) -> set[str]:
    names = sorted(set(wanted))
    found: set[str] = set()
    for start in range(0, len(names), _CHUNK):
        chunk = rows.filter(**{f"{column}__in": names[start : start + _CHUNK]})
        found.update(chunk.values_list(column, flat=True))
    return found


def vendors(scope: Scope, wanted: Iterable[str]) -> set[str]:
    """Return which accounts are vendors."""
    return _known(Vendor.objects.within(scope), "account", wanted)


def items(scope: Scope, wanted: Iterable[str]) -> set[str]:
    """Return which numbers are items."""
    return _known(Item.objects.within(scope), "number", wanted)


def charge_codes(scope: Scope, wanted: Iterable[str]) -> set[str]:
    """Return which codes are charge codes."""
    return _known(ChargeCode.objects.within(scope), "code", wanted)


def order_lines(scope: Scope, orders: Iterable[str]) -> set[tuple[str, int]]:
    """Return order and number of the lines of some orders."""
    found: set[tuple[str, int]] = set()
    names = sorted(set(orders))
    rows = OrderLine.objects.filter(order__merchant_id=scope.merchant_id, order__is_test=scope.is_test)
    for start in range(0, len(names), _CHUNK):
        chunk = rows.filter(order__public_id__in=names[start : start + _CHUNK])
        found.update(chunk.values_list("order__public_id", "number"))
    return found


def order_charges(scope: Scope, orders: Iterable[str]) -> set[str]:
    """Return the charges of some orders, each named by order and id."""
    rows = OrderCharge.objects.filter(order__merchant_id=scope.merchant_id, order__is_test=scope.is_test)
    named = rows.filter(order__public_id__in=sorted(set(orders))).values_list("order__public_id", "name")
    return {f"{order}/{name}" for order, name in named}

"""Protects recognising a line in another version of its file: by what it charges for, not by what it comes to."""

from datetime import date
from typing import Any

import pytest

from reconciliation.line_keys import line_keys
from reconciliation.lines import Kind, Line
from tests.reconciliation import given

DAY = date(2024, 5, 7)


def key(line: Line) -> str:
    (found,) = line_keys(given.chunk([line]), given.charges([line]))
    return found


@pytest.mark.parametrize(
    ("kind", "same"),
    [
        (Kind.LICENSE, {"Quantity": "11", "Subtotal": "88.00", "CustomerId": given.CUSTOMER.upper()}),
        (Kind.LICENSE, {"ChargeType": "CYCLE_FEE"}),
        (Kind.USAGE, {"PretaxCharges": "-11.77"}),
        (Kind.NCE_INVOICE, {"ChargeType": "Purchase", "Subtotal": "61.00"}),
        (Kind.NCE_DAILY, {"Quantity": "25", "ChargeType": None}),
        (Kind.STRIPE_PAYOUT, {"net": "1"}),
        (Kind.ADYEN_SETTLEMENT, {"also": {"Net Credit (NC)": "1"}}),
        (Kind.USAGE_DAILY_LEGACY, {"ConsumedQuantity": "4"}),
    ],
)
def test_figures_and_spellings_do_not_matter(kind: Kind, same: dict[str, Any]) -> None:
    assert key(given.line(kind)) == key(given.line(kind, 9, **same))


@pytest.mark.parametrize(
    ("kind", "other"),
    [
        (Kind.LICENSE, {"ChargeType": "Renew fee"}),
        (Kind.LICENSE, {"ChargeStartDate": DAY}),
        (Kind.LICENSE, {"Subtotal": "-80.00"}),
        (Kind.LICENSE, {"CustomerId": given.OTHER_CUSTOMER}),
        (Kind.USAGE, {"DetailLineItemId": "2"}),
        (Kind.USAGE, {"ChargeEndDate": DAY}),
        (Kind.ONETIME_RECURRING, {"OrderDate": DAY}),
        (Kind.NCE_INVOICE, {"ReferenceId": "7"}),
        (Kind.NCE_INVOICE, {"Subtotal": "-60"}),
        (Kind.NCE_DAILY, {"UsageDate": DAY}),
        (Kind.NCE_DAILY, {"ResourceURI": "/vm"}),
        (Kind.STRIPE_PAYOUT, {"balance_transaction_id": "txn_2"}),
        (Kind.ADYEN_SETTLEMENT, {"Type": "Refunded"}),
        (Kind.USAGE_DAILY_LEGACY, {"UsageDate": DAY}),
    ],
)
def test_what_is_another_line(kind: Kind, other: dict[str, Any]) -> None:
    assert key(given.line(kind)) != key(given.line(kind, 9, **other))

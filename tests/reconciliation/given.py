"""Lines of every kind and records of ours, each with usual values unless a test says otherwise."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from reconciliation.assessment import Assessed, Assessment
from reconciliation.books import Books, OwnRecord, Tolerance
from reconciliation.charges import Charges
from reconciliation.chunks import Chunk
from reconciliation.comparing import Compared
from reconciliation.figures import COLUMNS
from reconciliation.lines import Kind, Line, Value
from reconciliation.series import Series

CUSTOMER = "a1f0c2de-1111-4c3b-8a11-000000000001"
OTHER_CUSTOMER = "b2e1d3cf-2222-4d4c-9b22-000000000002"
MAY = (date(2024, 5, 1), date(2024, 5, 31))

_VENDOR_FIGURES = """
    UnitPrice Quantity Amount TotalOtherDiscount Subtotal Tax TotalForCustomer ConsumedQuantity IncludedQuantity
    OverageQuantity ListPrice PretaxCharges TaxAmount PostTaxTotal TaxTotal Total EffectiveUnitPrice BillableQuantity
    PCToBCExchangeRate BillingPreTaxTotal RateOfCredit gross fee net
"""
_ADYEN_FIGURES = (
    *("Gross Debit (GC)", "Gross Credit (GC)", "Exchange Rate", "Net Debit (NC)", "Net Credit (NC)"),
    *("Commission (NC)", "Markup (NC)", "Scheme Fees (NC)", "Interchange (NC)"),
)
_NUMBERS = frozenset(_VENDOR_FIGURES.split()) | set(_ADYEN_FIGURES)

_USUAL: Mapping[Kind, Mapping[str, Value]] = {
    Kind.LICENSE: {
        "CustomerId": CUSTOMER,
        "MpnId": "6200000",
        "ResellerMpnId": "6200001",
        "SyndicationPartnerSubscriptionNumber": "5b000000-0000-4000-8000-000000000001",
        "ChargeStartDate": MAY[0],
        "ChargeEndDate": MAY[1],
        "ChargeType": "Cycle fee",
        "UnitPrice": "8.00",
        "Quantity": "10",
        "Amount": "80.00",
        "TotalOtherDiscount": "0",
        "Subtotal": "80.00",
        "Tax": "8.00",
        "TotalForCustomer": "88.00",
        "Currency": "USD",
    },
    Kind.USAGE: {
        "CustomerId": CUSTOMER,
        "MpnId": "6200000",
        "ResellerMpnId": "6200001",
        "SubscriptionId": "5c000000-0000-4000-8000-000000000001",
        "ResourceGuid": "5d000000-0000-4000-8000-000000000001",
        "ChargeStartDate": MAY[0],
        "ChargeEndDate": MAY[1],
        "ChargeType": "Assess usage fee for current cycle",
        "ConsumedQuantity": "90.5",
        "IncludedQuantity": "0",
        "OverageQuantity": "90.5",
        "ListPrice": "0.13",
        "PretaxCharges": "11.77",
        "TaxAmount": "2.35",
        "PostTaxTotal": "14.12",
        "Currency": "EUR",
    },
    Kind.USAGE_DAILY_LEGACY: {"CustomerId": CUSTOMER, "ConsumedQuantity": "3", "ResourceGuid": "5d", "OrderId": "1"},
    Kind.NCE_INVOICE: {
        "CustomerId": CUSTOMER,
        "InvoiceNumber": "G031000055",
        "MpnId": "6200000",
        "ResellerMpnId": "6200001",
        "OrderId": "ord0001",
        "SubscriptionId": "5e000000-0000-4000-8000-000000000001",
        "ProductId": "CFQ7TTC0LH16",
        "SkuId": "0001",
        "ChargeType": "new",
        "ChargeStartDate": MAY[0],
        "ChargeEndDate": MAY[1],
        "UnitPrice": "20.00",
        "EffectiveUnitPrice": "20.00",
        "Quantity": "3",
        "BillableQuantity": "3",
        "Subtotal": "60.00",
        "TaxTotal": "6.00",
        "Total": "66.00",
        "Currency": "USD",
    },
    Kind.NCE_DAILY: {
        "CustomerId": CUSTOMER,
        "InvoiceNumber": "G031000055",
        "MpnId": "6200000",
        "ResellerMpnId": "6200001",
        "SubscriptionId": "5e000000-0000-4000-8000-000000000001",
        "ProductId": "DZH318Z0BPS6",
        "SkuId": "0001",
        "EntitlementId": "5f000000-0000-4000-8000-000000000001",
        "MeterId": "60000000-0000-4000-8000-000000000001",
        "UsageDate": MAY[0],
        "ChargeType": "new",
        "UnitPrice": "0.05",
        "EffectiveUnitPrice": "0.05",
        "Quantity": "24",
        "BillingPreTaxTotal": "1.20",
        "BillingCurrency": "USD",
    },
    Kind.STRIPE_PAYOUT: {
        "automatic_payout_id": "po_1",
        "balance_transaction_id": "txn_1",
        "currency": "USD",
        "gross": "100.00",
        "fee": "3.20",
        "net": "96.80",
        "reporting_category": "charge",
    },
    Kind.ADYEN_SETTLEMENT: {
        "Type": "Settled",
        "Psp Reference": "8515",
        "Gross Currency": "USD",
        "Gross Credit (GC)": "100.00",
        "Exchange Rate": "0.9",
        "Net Currency": "EUR",
        "Net Credit (NC)": "87.00",
        "Commission (NC)": "1.00",
        "Markup (NC)": "0.50",
        "Scheme Fees (NC)": "0.50",
        "Interchange (NC)": "1.00",
        "Batch Number": "7",
    },
}


def line(kind: Kind, record: int = 1, /, **given: Any) -> Line:
    """Return a line of a kind; figures are given as text, names with blanks in a mapping under `also`."""
    about = {name: given.pop(name) for name in ("codes", "duplicate_of", "damaged") if name in given}
    usual = _USUAL[Kind.NCE_INVOICE if kind is Kind.ONETIME_RECURRING else kind]
    values = {**usual, **given.pop("also", {}), **given}
    read = {
        name: Decimal(value) if name in _NUMBERS and isinstance(value, str) else value for name, value in values.items()
    }
    return Line(record, record + 1, kind, read, **about)


def chunk(lines: Sequence[Line]) -> Chunk:
    """Return lines of one kind as a chunk."""
    names = dict.fromkeys(name for one in lines for name in one.values)
    return Chunk(
        lines[0].kind,
        [one.record for one in lines],
        [one.line for one in lines],
        {name: Series([one.values.get(name) for one in lines]) for name in names},
        codes=Series.of([one.codes for one in lines]),
        copies=Series.of([one.duplicate_of for one in lines]),
        damaged=Series.of([one.damaged for one in lines]),
    )


def charges(lines: Sequence[Line], *, has_reseller: bool = True) -> Charges | None:
    """Return what those of the lines charge that count, None if they are of a kind that does not charge."""
    columns = COLUMNS.get(lines[0].kind)
    return None if columns is None else Charges(chunk(lines).counting(), columns, has_reseller=has_reseller)


def assessment(
    lines: Iterable[Line], *, keep: bool = True, compared: bool = True, columns: Iterable[str] | None = None
) -> Assessment:
    """Return an assessment that was fed the lines; without `columns` the file has all columns of its first line."""
    fed = list(lines)
    known = set(fed[0].values if columns is None else columns)
    made = Assessment(fed[0].kind, keep=keep, compared=compared)
    # Two chunks, so that what one of them has found is there when the next comes.
    for part in filter(None, (fed[: len(fed) // 2], fed[len(fed) // 2 :])):
        feed(made, part, has_reseller="ResellerMpnId" in known)
    return made


def feed(made: Assessment, lines: Sequence[Line], *, has_reseller: bool = True) -> None:
    """Feed lines of one kind to an assessment, those that count."""
    made.add(chunk(lines).counting(), charges(lines, has_reseller=has_reseller))


def assessed(*lines: Line) -> Assessed:
    """Return what lines of one kind come to."""
    return assessment(lines).finish()


def compared(lines: Iterable[Line], *records: OwnRecord, tolerance: Tolerance | None = None) -> Compared:
    """Return the comparison of lines with records of ours."""
    return assessment(lines).compare(Books(records, tolerance or Tolerance()))


def outcome(lines: Iterable[Line], *records: OwnRecord, tolerance: Tolerance | None = None) -> dict[str, Any]:
    """Return the one outcome of lines that make one group."""
    (only,) = compared(lines, *records, tolerance=tolerance).outcomes
    return only


_IDS = {
    Kind.LICENSE: {"customer_id": "CustomerId", "subscription_number": "SyndicationPartnerSubscriptionNumber"},
    Kind.USAGE: {
        "customer_id": "CustomerId",
        "subscription_id": "SubscriptionId",
        "resource_guid": "ResourceGuid",
    },
    Kind.NCE_INVOICE: {
        "customer_id": "CustomerId",
        "subscription_id": "SubscriptionId",
        "product_id": "ProductId",
        "sku_id": "SkuId",
    },
    Kind.NCE_DAILY: {"customer_id": "CustomerId", "entitlement_id": "EntitlementId", "meter_id": "MeterId"},
}
_FIGURES = {
    Kind.LICENSE: ("USD", "10", "8.00", "80.00", "8.00"),
    Kind.USAGE: ("EUR", "90.5", "0.13", "11.77", "2.35"),
    Kind.NCE_INVOICE: ("USD", "3", "20.00", "60.00", "6.00"),
    Kind.NCE_DAILY: ("USD", "24", "0.05", "1.20", "0"),
}


def own(kind: Kind, ref: str = "R-1", /, **given: Any) -> OwnRecord:
    """Return the record of ours that equals the usual line of a kind; fields are given by their names."""
    of = Kind.NCE_INVOICE if kind is Kind.ONETIME_RECURRING else kind
    ids = {name: given.pop(name) if name in given else _USUAL[of][column] for name, column in _IDS[of].items()}
    currency, quantity, price, subtotal, tax = _FIGURES[of]
    figures = {"quantity": quantity, "unit_price": price, "subtotal": subtotal, "tax": tax} | {
        name: given.pop(name) for name in ("quantity", "unit_price", "subtotal", "tax") if name in given
    }
    usual = {"kind": kind, "currency": currency, "customer_name": None}
    numbers = {name: None if value is None else Decimal(value) for name, value in figures.items()}
    return OwnRecord(**{**usual, **given, **numbers, "ref": ref, "ids": ids})

"""Promise: the database compares a stored batch exactly as a rehearsal does, whatever the lines and our records are."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest

from core.scope import Scope
from reconciliation import queries
from reconciliation.books import Books, OwnRecord, Tolerance
from reconciliation.judging import Outcome
from reconciliation.lines import Kind
from reconciliation.operations import at_once, comparing, own_records
from reconciliation.rehearsal import Wanted, rehearse
from tests.build import BY, merchant, noon
from tests.reconciliation.writing import Table, Writing, put, table, written

pytestmark = pytest.mark.django_db

IDS = {
    "CustomerId": ("c1", "C1", "c2", "org:c1", "", "1.2E+11"),
    "CustomerName": ("Acme Ltd", "ACME", "Beta 주식회사", ""),
    "CustomerCompanyName": ("Acme Ltd", "ACME", "Beta 주식회사", ""),
    "SyndicationPartnerSubscriptionNumber": ("s1", "S2", "7E+11"),
    "SubscriptionId": ("s1", "S2", "7E+11"),
    "ResourceGuid": ("r1", "r2"),
    "EntitlementId": ("e1", "E1", "", "8E+11"),
    "MeterId": ("m1", "m2"),
    "ProductId": ("p1", "P1"),
    "SkuId": ("1", "0001", "2"),
    "OrderId": ("s1", "s1, o2", "o3", "", "9E+11"),
    "AlternateId": ("s2", ""),
}
CURRENCIES = ("USD", "usd", "EUR", "KRW")
AMOUNTS = ("10.00", "10", "20.00", "20.01", "-10.00", "0", "100.123456789012345678")
QUANTITIES = ("1", "2", "-1", "2.0000001", "0")
PERIODS = (
    (None, None),
    (None, date(2024, 5, 2)),
    (date(2024, 5, 1), date(2024, 5, 31)),
    (date(2024, 6, 15), None),
    (date(2020, 1, 1), date(2020, 1, 31)),
    (date(2030, 1, 1), None),
)
TYPES = {
    Kind.LICENSE: ("Cycle fee", "Purchase fee", "Cancel instance prorate", "CREDIT", "oddity"),
    Kind.USAGE: ("Assess usage fee for current cycle", "Cycle discount", "Cycle fee"),
    Kind.NCE_DAILY: ("new", "", "customerCredit"),
    Kind.NCE_INVOICE: ("new", "renew", "addQuantity", "cancelImmediate", "customerCredit", "extendTerm"),
}
FIGURES = (
    *("UnitPrice", "ListPrice", "EffectiveUnitPrice", "Amount", "TotalOtherDiscount", "Subtotal", "Tax"),
    *("TotalForCustomer", "PretaxCharges", "TaxAmount", "PostTaxTotal", "TaxTotal", "Total", "BillingPreTaxTotal"),
)
KINDS = (*TYPES, Kind.ONETIME_RECURRING)
SEEDS = range(16)
FIELDS = {
    "customer_id": ("c1", "C2", "org:c1", None),
    "subscription_number": ("s1", "s2"),
    "subscription_id": ("s1", "S2"),
    "resource_guid": ("r1", "R2"),
    "entitlement_id": ("e1", "s1", None),
    "meter_id": ("m1", "m2"),
    "product_id": ("p1",),
    "sku_id": ("1", "0002", None),
}


def cells_of(kind: Kind, column: str, usual: str) -> tuple[str, ...]:
    """Return the few cells that a column may have, so that lines meet."""
    of = Kind.NCE_INVOICE if kind is Kind.ONETIME_RECURRING else kind
    quantities = ("1", "2", "10") if kind is Kind.LICENSE else QUANTITIES
    pools: dict[str, tuple[str, ...]] = {
        **IDS,
        **dict.fromkeys(("Currency", "BillingCurrency"), CURRENCIES),
        **dict.fromkeys(FIGURES, AMOUNTS),
        **dict.fromkeys(("OverageQuantity", "BillableQuantity", "Quantity"), quantities),
        **dict.fromkeys(("ChargeStartDate", "UsageDate"), ("4/30/2024", "5/1/2024")),
        "ChargeEndDate": ("5/1/2024", "5/31/2024", "6/15/2024"),
        "ChargeType": TYPES[of],
        "MeterDescription": ("", "", "VM"),
    }
    return pools.get(column, (usual,))


def a_file(choose: Random, kind: Kind, *, taxed: bool) -> Table:
    layout = {Kind.LICENSE: "17", Kind.ONETIME_RECURRING: "20", Kind.NCE_INVOICE: "21b"}.get(kind)
    made = table(kind, layout, rows=choose.randint(1, 30))
    rows = [{name: choose.choice(cells_of(kind, name, usual)) for name, usual in row.items()} for row in made.rows]
    if not taxed:
        rows = [row | {name: "0" for name in ("Tax", "TaxAmount", "TaxTotal") if name in row} for row in rows]
    return replace(made, rows=rows)


def a_record(choose: Random, kind: Kind, place: int) -> OwnRecord:
    def figure(of: tuple[str, ...], unknown: float) -> Decimal | None:
        return None if choose.random() < unknown else Decimal(choose.choice(of))

    start, end = choose.choice(PERIODS)
    kinds = (kind, kind, kind, Kind.NCE_INVOICE, Kind.ONETIME_RECURRING, Kind.LICENSE)
    return OwnRecord(
        ref=f"R-{place}",
        kind=choose.choice(kinds),
        ids={name: value for name, of in FIELDS.items() if (value := choose.choice(of)) is not None},
        customer_name=choose.choice((None, "acme", "Beta", "")),
        currency=choose.choice(("USD", "EUR", "KRW", "JPY")),
        quantity=figure(QUANTITIES, 0.2),
        unit_price=figure(("10", "20.00", "20.01"), 0.2),
        subtotal=Decimal(choose.choice((*AMOUNTS, "10.01", "9.99", "30.00", "40.00"))),
        tax=figure(AMOUNTS, 0.2),
        period_start=start,
        period_end=end,
    )


def an_echo(choose: Random, kind: Kind, place: int, entry: Mapping[str, Any]) -> OwnRecord:
    """Return the record of ours that answers a group of the file, or nearly does."""

    def near(figure: str, *off: str) -> Decimal | None:
        said = entry[f"file_{figure}"]
        return None if said is None else Decimal(said) + Decimal(choose.choice(("0", "0", *off)))

    return OwnRecord(
        ref=f"E-{place}",
        kind=kind,
        ids={name: value for name, value in entry["key"].items() if value is not None},
        customer_name=choose.choice(("ACME inc", None)),
        currency=entry["currency"],
        quantity=near("quantity", "1", "0.000001", "0.000002"),
        unit_price=near("unit_price", "0.01", "5"),
        subtotal=near("subtotal", "0.01", "-0.01", "0.03", "7") or Decimal(0),
        tax=near("tax", "0.01", "1"),
    )


def plain(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return an outcome with its decimals as numbers."""

    def number(name: str, value: Any) -> Any:
        is_figure = name.startswith(("file_", "our_")) and isinstance(value, str)
        return Decimal(value) if is_figure else value

    found = {name: number(name, value) for name, value in entry.items()}
    if entry["difference"] is not None:
        found["difference"] = {
            name: None if value is None else Decimal(value) for name, value in entry["difference"].items()
        }
    return found


def in_database(scope: Scope, path: Path, books: Books) -> tuple[dict[str, int], list[dict[str, Any]]]:
    own_records.save(scope=scope, records=books.records, source="upload", by=BY, now=noon())
    wanted = Wanted("ko", summary=True)
    answer = at_once.store(scope=scope, path=path, wanted=wanted, confirm=False, by=BY, now=noon())
    kind = Kind(answer["detected"]["kind"])
    for currency in answer["totals"]:
        if books.tolerance != Tolerance():
            comparing.set_tolerance(
                scope=scope,
                kind=kind,
                currency=currency,
                line=books.tolerance.line,
                group=books.tolerance.group,
                by=BY,
                now=noon(),
            )
    made = comparing.compare(scope=scope, batch_id=answer["batch_id"], by=BY, now=noon())
    return made.counts, [plain(entry) for entry in queries.outcome_entries(made)]


def a_case(folder: Path, kind: Kind, seed: int) -> tuple[Path, Books, dict[str, Any]]:
    """Return a file, our records, and what a rehearsal says about them."""
    choose = Random(f"{kind} {seed}")
    path = put(folder, written(a_file(choose, kind, taxed=seed % 3 > 0), Writing()))
    groups = rehearse(path, Wanted("ko", books=Books(())))["outcomes"]
    echoed = choose.sample(groups, choose.randint(0, len(groups)))
    records = (
        *(a_record(choose, kind, place) for place in range(choose.randint(0, 15))),
        *(an_echo(choose, kind, place, entry) for place, entry in enumerate(echoed)),
    )
    tolerance = choose.choice([Tolerance(), Tolerance(), Tolerance(Decimal("0.5"), Decimal(9))])
    books = Books(records, tolerance)
    rehearsed = rehearse(path, Wanted("ko", books=books))
    assert not rehearsed["error_codes"]
    return path, books, rehearsed


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("kind", KINDS)
def test_both_ways_of_comparing_agree(kind: Kind, seed: int, tmp_path: Path) -> None:
    path, books, rehearsed = a_case(tmp_path, kind, seed)
    counts, outcomes = in_database(merchant(), path, books)
    assert outcomes == [plain(entry) for entry in rehearsed["outcomes"]]
    assert counts == rehearsed["outcome_counts"]


def test_the_cases_reach_every_outcome_and_note(tmp_path: Path) -> None:
    entries = [entry for kind in KINDS for seed in SEEDS for entry in a_case(tmp_path, kind, seed)[2]["outcomes"]]
    assert {entry["outcome"] for entry in entries} == set(Outcome)
    assert {note for entry in entries for note in entry["notes"]} == {
        "quantity_not_comparable",
        "price_differs",
        "matched_by_name",
    }
    assert {figure for entry in entries for figure in entry["also"]} == {"price", "amount", "tax"}


def test_price_components_of_one_purchase_count_once(tmp_path: Path) -> None:
    # Quantity, unit price and meter of lines that are of one order, and so of one group in each currency.
    lines = (
        ("3", "10", ""),
        ("3", "20", ""),
        ("3", "20.00", ""),
        ("2", "10", ""),
        ("5", "10", "VM"),
        ("5", "10", "VM"),
    )
    made = table(Kind.NCE_INVOICE, "21b", rows=1)
    (usual,) = made.rows
    rows = [
        usual
        | {"Quantity": quantity, "BillableQuantity": quantity, "UnitPrice": price, "MeterDescription": meter}
        | {"OrderId": "o1", "ChargeType": "new", "Currency": currency, "ProductName": str(place)}
        for currency, some in (("USD", lines), ("EUR", lines[:2]), ("KRW", lines[:1]))
        for place, (quantity, price, meter) in enumerate(some)
    ]
    path = put(tmp_path, written(replace(made, rows=rows), Writing()))
    rehearsed = rehearse(path, Wanted("ko", books=Books(())))["outcomes"]
    _counts, outcomes = in_database(merchant(), path, Books(()))
    assert outcomes == [plain(entry) for entry in rehearsed]
    # A price that occurs twice is that of two purchases.
    assert [(entry["currency"], entry["file_quantity"]) for entry in outcomes] == [("USD", 18), ("EUR", 3), ("KRW", 3)]

"""Protects what is said about a whole file: worked examples to the last figure, and laws that hold for any file."""

from datetime import date
from decimal import Decimal
from typing import Any

from hypothesis import given as examples
from hypothesis import strategies as st

from reconciliation.assessment import Assessment
from reconciliation.books import Books, OwnRecord
from reconciliation.comparing import Compared
from reconciliation.lines import Kind, Line
from tests.reconciliation import given

LICENSE, USAGE, ONETIME, DAILY = Kind.LICENSE, Kind.USAGE, Kind.ONETIME_RECURRING, Kind.NCE_DAILY
A, B = given.CUSTOMER, given.OTHER_CUSTOMER


def number(found: dict[str, Any], name: str) -> Decimal | None:
    return None if found[name] is None else Decimal(found[name])


def figures(found: dict[str, Any]) -> list[Decimal | None]:
    return [number(found, f"{side}_{name}") for name in ("subtotal", "tax", "quantity") for side in ("file", "our")]


class TestALicenseFile:
    """Seat change, discount, a copy of a line, a total that does not add up."""

    @staticmethod
    def lines() -> list[Line]:
        def charge(record: int, subscription: int, money: str, **values: Any) -> Line:
            names = ("UnitPrice", "Quantity", "Amount", "TotalOtherDiscount", "Subtotal", "Tax", "TotalForCustomer")
            return given.line(
                LICENSE,
                record,
                SyndicationPartnerSubscriptionNumber=f"5b-{subscription}",
                **dict(zip(names, money.split(), strict=True)),
                **values,
            )

        mid_may, late_may = date(2024, 5, 16), date(2024, 5, 20)
        return [
            charge(1, 1, "8.00 10 80.00 0 80.00 8.00 88.00"),
            charge(
                2, 1, "4.13 3 12.39 0 12.39 1.24 13.63", ChargeType="Cycle instance prorate", ChargeStartDate=mid_may
            ),
            charge(3, 2, "12.50 4 50.00 5.00 45.00 4.50 49.50", ChargeType="Purchase fee", ResellerMpnId="6200000"),
            charge(
                4,
                3,
                "-3.20 2 -6.40 0 -6.40 -0.64 -7.04",
                CustomerId=B,
                ChargeType="Cancel fee",
                ResellerMpnId="-1",
                ChargeStartDate=late_may,
            ),
            charge(5, 4, "3.33 6 20.00 0 20.00 2.00 22.00", CustomerId=B, ResellerMpnId=None),
            charge(6, 1, "8.00 10 80.00 0 80.00 8.00 88.00", duplicate_of=1),
            charge(7, 5, "7.00 1 7.00 0 7.00 0.70 7.80", CustomerId=B, ResellerMpnId=None),
        ]

    @staticmethod
    def records() -> list[OwnRecord]:
        rows: list[tuple[str, str, int, str, str | None, str, str]] = [
            ("L-1", A, 1, "3", "8.00", "92.39", "9.24"),
            ("L-2", A, 2, "5", "12.50", "57.50", "5.75"),
            ("L-3", B.upper(), 3, "0", None, "-6.40", "-0.64"),
            ("L-4", B, 4, "6", "3.33", "19.98", "2.00"),
            ("L-9", A, 9, "1", "4.00", "4.00", "0.40"),
        ]
        return [
            given.own(
                LICENSE,
                ref,
                customer_id=customer,
                subscription_number=f"5b-{subscription}",
                quantity=quantity,
                unit_price=price,
                subtotal=subtotal,
                tax=tax,
            )
            for ref, customer, subscription, quantity, price, subtotal, tax in rows
        ]

    def test_the_file(self) -> None:
        found = given.assessed(*self.lines())
        assert found.totals == {"USD": {"pretax": "157.99", "tax": "15.80", "total": "173.89"}}
        assert [(entry["bucket"], entry["mpn"], entry["lines"], entry["total"]) for entry in found.by_reseller] == [
            ("direct_or_reseller_without_id", "6200000", 1, "49.50"),
            ("none", "", 2, "29.80"),
            ("reseller", "6200001", 2, "101.63"),
            ("reseller_removed", "-1", 1, "-7.04"),
        ]
        assert found.line_flags == [
            {"record": 5, "check": "amount", "result": "within_rounding", "difference": "0.02"},
            {"record": 7, "check": "total", "result": "fault", "difference": "0.10"},
        ]
        assert found.line_flag_counts == {"amount:within_rounding": 1, "total:fault": 1}
        assert found.warnings == {"arithmetic_faults"}
        assert (found.notes, found.payout, found.batch) == ([], None, None)

    def test_its_comparison(self) -> None:
        found = given.compared(self.lines(), *self.records())
        assert [(one["outcome"], one["also"], one["refs"], one["records"]) for one in found.outcomes] == [
            ("matched", [], ["L-1"], [1, 2]),
            ("quantity_mismatch", ["amount", "tax"], ["L-2"], [3]),
            ("matched", [], ["L-3"], [4]),
            ("amount_mismatch", [], ["L-4"], [5]),
            ("missing_on_our_side", [], [], [7]),
            ("missing_in_file", [], ["L-9"], []),
        ]
        assert found.outcomes[0] == {
            "key": {"customer_id": A, "subscription_number": "5b-1"},
            "currency": "USD",
            "outcome": "matched",
            "also": [],
            "difference": {"subtotal": "0.00", "tax": "0.00"},
            "notes": [],
            "file_lines": 2,
            "file_subtotal": "92.39",
            "file_tax": "9.24",
            "file_quantity": "3",
            "file_unit_price": "8.00",
            "our_subtotal": "92.39",
            "our_tax": "9.24",
            "our_quantity": "3",
            "our_unit_price": "8.00",
            "refs": ["L-1"],
            "records": [1, 2],
        }
        assert found.outcomes[1]["difference"] == {"subtotal": "-12.50", "tax": "-1.25"}
        assert found.outcome_counts == {
            "matched": 2,
            "quantity_mismatch": 1,
            "amount_mismatch": 1,
            "missing_on_our_side": 1,
            "missing_in_file": 1,
        }


class TestAUsageFile:
    """Tiers, a discount without a quantity, usage of an earlier cycle, an unreadable line."""

    @staticmethod
    def lines() -> list[Line]:
        def used(record: int, resource: int, money: str, **values: Any) -> Line:
            names = ("ConsumedQuantity", "IncludedQuantity", "OverageQuantity", "ListPrice", "PretaxCharges")
            read = dict(zip((*names, "TaxAmount", "PostTaxTotal"), money.split(), strict=True))
            return given.line(USAGE, record, ResourceGuid=f"5d-{resource}", **{**read, **values})

        april = {"ChargeStartDate": date(2024, 4, 1), "ChargeEndDate": date(2024, 4, 30)}
        return [
            used(1, 1, "90.5 0 90.5 0.13 11.77 2.35 14.12"),
            used(2, 2, "5 5 0 0 0.00 0.00 0.00"),
            used(3, 2, "250 0 250 0.08 20.00 4.00 24.00"),
            used(4, 1, "0 0 0 0.13 -1.77 -0.35 -2.12", ChargeType="Cycle discount"),
            used(5, 3, "10 0 10 0.335 3.35 0.67 4.02", **april),
            used(6, 4, "10 0 0 0.50 5.00 1.00 6.00", OverageQuantity=None, codes=("bad_number:OverageQuantity",)),
            used(7, 3, "20 0 20 0.335 6.70 1.34 8.04"),
        ]

    def test_its_comparison(self) -> None:
        january = {"period_start": date(2024, 1, 1), "period_end": date(2024, 1, 31)}
        rows: list[tuple[int, str, str, str, str, dict[str, Any]]] = [
            (1, "90.5", "0.13", "10.00", "2.00", {}),
            (2, "250.0000005", "0.08", "20.01", "4.00", {}),
            (3, "30", "0.40", "12.00", "2.40", {}),
            (4, "10", "0.50", "5.00", "1.00", {}),
            (8, "1", "1.00", "1.00", "0.20", january),
        ]
        records = [
            given.own(
                USAGE,
                f"U-{resource}",
                resource_guid=f"5d-{resource}",
                quantity=quantity,
                unit_price=price,
                subtotal=subtotal,
                tax=tax,
                **period,
            )
            for resource, quantity, price, subtotal, tax, period in rows
        ]
        found = given.compared(self.lines(), *records).outcomes
        assert [(one["outcome"], one["also"], one["refs"], one["file_unit_price"]) for one in found] == [
            ("matched", [], ["U-1"], "0.13"),
            ("matched_within_tolerance", [], ["U-2"], None),
            ("price_mismatch", ["amount", "tax"], ["U-3"], "0.335"),
            ("missing_in_file", [], ["U-4"], None),
        ]
        assert figures(found[1]) == [Decimal(x) for x in ("20.00", "20.01", "4.00", "4.00", "250", "250.0000005")]
        assert found[2]["difference"] == {"subtotal": "-1.95", "tax": "-0.39"}

    def test_the_file(self) -> None:
        found = given.assessed(*self.lines())
        assert found.totals == {"EUR": {"pretax": "40.05", "tax": "8.01", "total": "48.06"}}
        assert (found.line_flags, found.warnings) == ([], set())


class TestAPurchaseFile:
    """Yen at an exchange rate, consumption, and a credit without a customer."""

    @staticmethod
    def lines() -> list[Line]:
        def bought(record: int, of: int, sku: str, money: str, **values: Any) -> Line:
            names = ("UnitPrice", "BillableQuantity", "EffectiveUnitPrice", "Subtotal", "TaxTotal", "Total")
            read = dict(zip(names, money.split(), strict=True))
            yen = {"Currency": "JPY", "PricingCurrency": "USD", "PCToBCExchangeRate": "150.25"}
            ids = {"SubscriptionId": f"5e-{of}", "SkuId": sku, "OrderId": f"ord{of}, alt{of}"}
            usual = {"CustomerId": A, "ChargeType": "New", "ResellerMpnId": None}
            return given.line(ONETIME, record, **{**yen, **ids, **usual, **read, **values})

        consumed = {"CustomerId": B, "MeterDescription": "VM B1s"}
        return [
            bought(1, 1, "0001", "20 3 20 9015 902 9917"),
            bought(2, 1, "0001", "20 1 -6.6666666666667 -1001 -100 -1101", ChargeType="Cancel"),
            bought(3, 2, "000A", "9.99 7 9.99 10500 1050 11550", ChargeEndDate=None),
            bought(4, 3, "006B", "0.05 123.456 0.05 928 93 1021", **consumed),
            bought(5, 3, "006B", "0.05 10 0 0 0 0", **consumed),
            bought(6, 4, "0001", "4 1 -4 -601 0 -601", CustomerId=None, ChargeType="customerCredit"),
        ]

    def test_the_file(self) -> None:
        found = given.assessed(*self.lines())
        assert found.totals == {"JPY": {"pretax": "18841", "tax": "1945", "total": "20786"}}
        assert found.line_flags == [
            {"record": 3, "check": "subtotal", "result": "ok", "formula": "per_unit_truncated"},
            {"record": 4, "check": "subtotal", "result": "within_rounding", "difference": "1"},
        ]
        assert found.line_flag_counts == {"subtotal:ok": 1, "subtotal:within_rounding": 1}
        assert found.warnings == set()

    def test_its_comparison(self) -> None:
        product = "CFQ7TTC0LH16"
        ids = [(A, "5e-1", "0001"), (A, "5e-2", "000A"), (B, "5e-3", "006B")]
        rows: list[tuple[str, str | None, str, str, str]] = [
            ("JPY", "2", "20", "8014", "790"),
            ("USD", "7", "9.99", "69.93", "6.99"),
            ("JPY", None, "0.05", "928", "93"),
        ]
        records = [
            given.own(
                ONETIME,
                subscription,
                customer_id=customer,
                subscription_id=subscription,
                product_id=product,
                sku_id=sku,
                currency=currency,
                quantity=quantity,
                unit_price=price,
                subtotal=subtotal,
                tax=tax,
            )
            for (customer, subscription, sku), (currency, quantity, price, subtotal, tax) in zip(ids, rows, strict=True)
        ]
        found = given.compared(self.lines(), *records).outcomes
        assert [(one["outcome"], one["notes"], one["file_quantity"], one["file_unit_price"]) for one in found] == [
            ("tax_mismatch", [], "2", "20"),
            ("currency_mismatch", [], "7", "9.99"),
            ("matched", ["quantity_not_comparable"], "133.456", "0.05"),
            ("missing_on_our_side", [], "0", None),
        ]
        assert found[0]["difference"] == {"subtotal": "0", "tax": "12"}
        assert found[3]["key"] == {
            "customer_id": None,
            "subscription_id": "5e-4",
            "product_id": product,
            "sku_id": "0001",
        }


def test_ruined_ids_are_flagged_on_lines_that_count() -> None:
    ruined = given.line(Kind.USAGE_DAILY_LEGACY, 2, damaged=("ResourceGuid", "OrderId"))
    copy = given.line(Kind.USAGE_DAILY_LEGACY, 3, damaged=("OrderId",), duplicate_of=2)
    found = given.assessed(ruined, copy)
    assert found.line_flags == [
        {"record": 2, "check": "id:OrderId", "result": "damaged"},
        {"record": 2, "check": "id:ResourceGuid", "result": "damaged"},
    ]
    assert found.line_flag_counts == {"id:OrderId:damaged": 1, "id:ResourceGuid:damaged": 1}
    assert (found.totals, found.by_reseller) == ({}, [])


def test_a_file_without_lines_says_nothing() -> None:
    made = Assessment(LICENSE, keep=True)
    found = made.finish()
    assert (found.totals, found.by_reseller, found.notes, found.warnings) == ({}, [], [], set())
    dated = given.own(LICENSE, "D", period_start=date(2024, 5, 1))
    compared = made.compare(Books((dated, given.own(LICENSE, "U"))))
    assert [one["refs"] for one in compared.outcomes] == [["U"]]


def test_no_digit_of_a_sum_is_lost() -> None:
    large, small = "999999999999999.01", "0." + "0" * 39 + "1"
    figures = {"Subtotal": large, "Tax": small, "TotalForCustomer": "0"}
    found = given.compared(
        [given.line(LICENSE, 1, **figures), given.line(LICENSE, 2, **(figures | {"Subtotal": small}))],
        given.own(LICENSE, subtotal="1", tax="0"),
    )
    (one,) = found.outcomes
    assert one["file_subtotal"] == large + small[4:]
    assert one["difference"] == {"subtotal": "999999999999998.01" + small[4:], "tax": small[:-1] + "2"}


def test_currencies_are_kept_apart() -> None:
    found = given.assessed(given.line(LICENSE), given.line(LICENSE, 2, Currency="krw"))
    assert list(found.totals) == ["KRW", "USD"]
    assert found.warnings == {"multiple_currencies"}


def test_a_summary_counts_the_same_and_lists_nothing() -> None:
    lines, records = TestALicenseFile.lines(), TestALicenseFile.records()
    whole, brief = given.assessment(lines), given.assessment(lines, keep=False)
    assert brief.finish().line_flags == []
    assert brief.finish().line_flag_counts == whole.finish().line_flag_counts
    assert brief.finish().totals == whole.finish().totals
    books = Books(tuple(records))
    assert brief.compare(books) == Compared(whole.compare(books).outcome_counts, [])


def test_a_file_that_is_not_to_be_compared() -> None:
    made = given.assessment([given.line(LICENSE)], compared=False)
    assert made.finish().totals["USD"]["total"] == "88.00"
    assert made.compare(Books((given.own(LICENSE),))) == Compared({}, [])


_MONEY = st.decimals(min_value=-1000, max_value=1000, places=2, allow_nan=False)
_LINES = st.lists(
    st.fixed_dictionaries(
        {
            "CustomerId": st.sampled_from([A, A.upper(), B, None]),
            "CustomerName": st.sampled_from([None, "Haru", "Byeol Ltd"]),
            "SyndicationPartnerSubscriptionNumber": st.sampled_from(["s1", "s2"]),
            "ResellerMpnId": st.sampled_from([None, "0", "-1", "6200000", "6200001"]),
            "ChargeType": st.sampled_from(["Cycle fee", "Cancel fee", "Cycle instance prorate", "?"]),
            "Currency": st.sampled_from(["USD", "KRW"]),
            "Quantity": st.integers(0, 3).map(Decimal),
            "UnitPrice": st.sampled_from([Decimal(8), Decimal(9)]),
            "Amount": _MONEY,
            "Subtotal": _MONEY,
            "Tax": _MONEY,
            "TotalForCustomer": _MONEY,
        }
    ),
    min_size=1,
    max_size=12,
)
_RECORDS = st.lists(
    st.fixed_dictionaries(
        {
            "customer_id": st.sampled_from([A, B, None]),
            "customer_name": st.sampled_from([None, "HARU", "Byeol"]),
            "subscription_number": st.sampled_from(["S1", "s2", "s3"]),
            "currency": st.sampled_from(["USD", "EUR"]),
            "quantity": st.sampled_from([None, "0", "1"]),
            "unit_price": st.sampled_from([None, "8", "9"]),
            "subtotal": _MONEY,
            "tax": _MONEY,
        }
    ),
    max_size=6,
)


def _file(rows: list[dict[str, Any]]) -> list[Line]:
    return [given.line(LICENSE, record, **row) for record, row in enumerate(rows, 1)]


def _ours(rows: list[dict[str, Any]]) -> tuple[OwnRecord, ...]:
    return tuple(given.own(LICENSE, f"R{place}", **row) for place, row in enumerate(rows))


def _unordered(found: Compared) -> list[dict[str, Any]]:
    """
    Return outcomes without what hangs on the order of lines.

    That is their own order, the spelling of the key, and which of several groups in other currencies is shown a record.
    """
    kept = [
        {name: value for name, value in one.items() if name != "key"}
        | {"records": sorted(one["records"])}
        | ({"refs": None} if one["outcome"] == "currency_mismatch" else {})
        for one in found.outcomes
    ]
    return sorted(kept, key=repr)


@examples(_LINES, _RECORDS)
def test_outcomes_partition_both_sides(rows: list[dict[str, Any]], ours: list[dict[str, Any]]) -> None:
    found = given.assessment(_file(rows)).compare(Books(_ours(ours)))
    assert sorted(record for one in found.outcomes for record in one["records"]) == list(range(1, len(rows) + 1))
    assert sorted(ref for one in found.outcomes for ref in one["refs"]) == [f"R{place}" for place in range(len(ours))]
    assert sum(found.outcome_counts.values()) == len(found.outcomes)


@examples(_LINES, _RECORDS)
def test_every_difference_is_file_minus_ours(rows: list[dict[str, Any]], ours: list[dict[str, Any]]) -> None:
    for one in given.assessment(_file(rows)).compare(Books(_ours(ours))).outcomes:
        file_subtotal, our_subtotal, file_tax, our_tax, *_ = figures(one)
        if one["difference"] is None:
            assert None in {file_subtotal, our_subtotal}
            continue
        assert file_subtotal is not None
        assert our_subtotal is not None
        assert Decimal(one["difference"]["subtotal"]) == file_subtotal - our_subtotal
        if one["difference"]["tax"] is not None:
            assert file_tax is not None
            assert our_tax is not None
            assert Decimal(one["difference"]["tax"]) == file_tax - our_tax
        assert (one["outcome"] == "matched") == (
            Decimal(one["difference"]["subtotal"]) == 0
            and Decimal(one["difference"]["tax"] or 0) == 0
            and not {"quantity", "amount", "tax"} & {one["outcome"].removesuffix("_mismatch")}
        )


@examples(_LINES, _RECORDS, st.randoms(use_true_random=False))
def test_the_order_of_lines_changes_no_figure(
    rows: list[dict[str, Any]], ours: list[dict[str, Any]], random: Any
) -> None:
    lines, books = _file(rows), Books(_ours(ours))
    shuffled = random.sample(lines, len(lines))
    one, other = given.assessment(lines), given.assessment(shuffled)
    assert one.finish() == other.finish()
    assert _unordered(one.compare(books)) == _unordered(other.compare(books))


@examples(_LINES, _RECORDS, st.integers(0, 12))
def test_parts_of_one_batch_are_one_file(rows: list[dict[str, Any]], ours: list[dict[str, Any]], place: int) -> None:
    """An answer between two parts leaves nothing behind in the answer to the whole."""
    lines, books = _file(rows), Books(_ours(ours))
    parts = given.assessment(lines[:place] or lines[:1])
    parts.finish()
    parts.compare(books)
    for line in lines[place or 1 :]:
        given.feed(parts, [line])
    whole = given.assessment(lines)
    assert parts.finish() == whole.finish()
    assert parts.compare(books) == whole.compare(books)

"""Protects that everything due becomes payable exactly once, in the right partner settlement, whoever runs when."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.db.models import Count, Sum

from core import jobs
from core.scope import Scope
from ledger.models import Journal
from settlement import claims
from settlement.dates import Cycle
from settlement.models import Claim, PartnerSettlement, PayoutRef, RecordState, RecordType, SettlementRecord
from settlement.operations import contracts, holding, maturity, records, settings
from settlement.operations.policies import FeeInput
from settlement.operations.records import ManualRow
from tests import build

DUE = "2023-08-31"


def two_partners() -> Scope:
    scope = build.merchant()
    build.partner(scope)
    build.partner(scope, "seller-8")
    return scope


@pytest.fixture
def shop(db: None) -> Scope:  # noqa: ARG001 - a transaction that is rolled back
    """Give a merchant with two partners, settled at the end of the month."""
    return two_partners()


@pytest.fixture
def open_shop(committed_db: str) -> Scope:  # noqa: ARG001 - a database that may be committed to
    """Give the same in a database of its own."""
    return two_partners()


def claimed(scope: Scope, row: PartnerSettlement, status: str = "CONFIRMED") -> PayoutRef:
    ref = PayoutRef.objects.create(**scope.filters(), public_id=f"po-{row.pk}", bulk_public_id="bp", status=status)
    claims.claim(scope=scope, taken={ref.pk: claims.lock(scope, [row.pk])})
    return ref


class TestSettlementDates:
    def test_example_16_three_kinds_are_three_rows_of_one_date(self, shop: Scope) -> None:
        order = build.order(shop)
        build.order(shop, lines=[build.line("A", 2_000, 5), build.line("B", 4_000, 1)])
        build.cancel(shop, order, 5_000)
        build.manual(shop, -3_470, settlement_date=DUE)

        assert build.mature("2023-08-30") == 0
        assert build.mature(DUE) == 4

        rows = {row.type: row for row in PartnerSettlement.objects.within(shop)}
        nets = {kind: row.net for kind, row in rows.items()}
        assert nets == {"ORDER": 21_360, "ORDER_CANCEL": -4_450, "MANUAL": -3_470}
        assert rows["ORDER"].record_count == 2
        assert rows["ORDER"].order_amount == 24_000
        assert rows["ORDER"].platform_fee == 2_400
        assert rows["ORDER_CANCEL"].settlement == 4_450
        assert (rows["ORDER"].credit_total, rows["ORDER"].debit_total) == (21_360, 0)
        assert (rows["MANUAL"].credit_total, rows["MANUAL"].debit_total) == (0, 3_470)
        assert rows["ORDER"].start_from == rows["ORDER"].start_until == build.day(build.TODAY)
        assert rows["MANUAL"].start_from is None
        assert build.money(shop) == {"available": 21_360, "receivable": 7_920}
        assert build.off_balance(shop) == 0

    def test_each_key_has_its_own_row(self, shop: Scope) -> None:
        build.contract(shop, "other")
        build.order(shop)
        build.order(shop, contract_id="other")
        build.order(shop, partner_id="seller-8")
        build.order(shop, currency="USD")
        build.order(shop, settlement_date="2023-08-30")

        build.mature(DUE)

        assert list(PartnerSettlement.objects.values_list("record_count", flat=True)) == [1] * 5

    def test_a_later_record_joins_and_posts_its_own_step(self, shop: Scope) -> None:
        first = build.order(shop, on=DUE)
        second = build.order(shop, on=DUE)

        row = build.settlement_of(second)
        assert row.pk == build.settlement_of(first).pk
        assert (row.net, row.record_count, row.maturity_no) == (17_800, 2, 2)
        matured = Journal.objects.filter(event_type="settlement.matured").order_by("pk")
        steps = [f"mature:{row.public_id}:1", f"mature:{row.public_id}:2"]
        assert list(matured.values_list("event_key", flat=True)) == steps

    def test_a_row_in_a_payout_takes_no_more(self, shop: Scope) -> None:
        first = build.settlement_of(build.order(shop, on=DUE))
        claimed(shop, first)

        second = build.settlement_of(build.order(shop, on=DUE))

        assert second.pk != first.pk
        assert build.money(shop) == {"available": 17_800}

    def test_a_cancelled_payouts_row_takes_no_more_until_it_is_prepared_again(self, shop: Scope) -> None:
        first = build.settlement_of(build.order(shop, on=DUE))
        ref = claimed(shop, first)
        PayoutRef.objects.filter(pk=ref.pk).update(status="CANCELLED")
        claims.release(payouts=[ref.pk], reason="CANCELLED", now=build.noon(DUE))

        assert build.settlement_of(build.order(shop, on=DUE)).pk != first.pk
        holding.prepare(scope=shop, by=build.BY, now=build.noon(DUE), public_ids=[first.public_id])
        third = build.settlement_of(build.order(shop, on=DUE))
        # Two rows of one key are prepared now; either may take it.
        assert third.record_count == 2

    def test_a_withheld_row_takes_no_more(self, shop: Scope) -> None:
        first = build.settlement_of(build.order(shop, on=DUE))
        holding.withhold(scope=shop, by=build.BY, now=build.noon(DUE), public_ids=[first.public_id])

        assert build.settlement_of(build.order(shop, on=DUE)).pk != first.pk

    def test_manual_records_stand_alone_when_asked_for(self, shop: Scope) -> None:
        settings.change(scope=shop, by=build.BY, manual_settlement_per_transfer=True)
        build.manual(shop, 1_000, settlement_date=DUE)
        build.manual(shop, 2_000, settlement_date=DUE)

        build.mature(DUE)

        assert sorted(PartnerSettlement.objects.values_list("net", flat=True)) == [1_000, 2_000]

    def test_gains_and_losses_of_one_row_lie_on_two_accounts(self, shop: Scope) -> None:
        build.manual(shop, 5_000, settlement_date=DUE)
        build.manual(shop, -7_000, settlement_date=DUE)

        build.mature(DUE)

        row = PartnerSettlement.objects.get()
        assert (row.net, row.credit_total, row.debit_total) == (-2_000, 5_000, 7_000)
        assert build.money(shop) == {"available": 5_000, "receivable": 7_000}

    def test_small_chunks_lead_to_the_same_rows(self, shop: Scope) -> None:
        for count in range(7):
            build.manual(shop, 100 + count, settlement_date=DUE, partner_id=("seller-7", "seller-8")[count % 2])

        assert maturity.mature_due(chunk=2, now=build.noon(DUE)) == 7

        assert sorted(PartnerSettlement.objects.values_list("record_count", flat=True)) == [3, 4]
        assert build.money(shop)["available"] == 100 + 102 + 104 + 106
        assert build.off_balance(shop) == 0

    def test_the_sweeper_does_it_unasked(self, shop: Scope) -> None:
        build.manual(shop, 100, settlement_date="2023-12-31")

        assert jobs.run_sweeper("settlement.mature") == 1
        assert jobs.run_sweeper("settlement.start") == 0


class TestStartDates:
    def test_a_scheduled_order_begins_to_count_on_its_day(self, shop: Scope) -> None:
        record = build.order(shop, start="2023-08-20")

        assert maturity.start_due(now=build.noon("2023-08-19")) == 0
        assert maturity.start_due(now=build.noon("2023-08-20")) == 1

        record.refresh_from_db()
        assert record.state == RecordState.IN_PROCESS
        assert build.money(shop) == {"pending": 8_900}
        assert Journal.objects.get().business_date == build.day("2023-08-20")

    def test_it_follows_its_contract_until_then(self, shop: Scope) -> None:
        record = build.order(shop, start="2023-08-20", lines=[build.line("A", 5_000, 2)])
        change(shop, "2023-08-15", rate=20_000, cycle=build.DAILY)
        change(shop, "2023-08-21", rate=30_000)

        maturity.start_due(now=build.noon("2023-08-22"))

        record.refresh_from_db()
        assert (record.platform_fee, record.settlement, record.net) == (2_000, 7_800, 7_800)
        assert record.settlement_date == build.day("2023-08-21")
        assert record.lines[0]["amounts"]["settlement"] == 7_800
        assert record.contract_version is not None
        assert record.contract_version.number == 2
        assert build.money(shop) == {"pending": 7_800}

    def test_a_given_date_stays_when_the_contract_changes(self, shop: Scope) -> None:
        record = build.order(shop, start="2023-08-20", settlement_date="2023-09-05")
        change(shop, "2023-08-15", rate=20_000, cycle=build.DAILY)

        maturity.start_due(now=build.noon("2023-08-20"))

        record.refresh_from_db()
        assert (record.settlement, record.settlement_date) == (7_800, build.day("2023-09-05"))

    def test_an_order_with_a_cancel_is_frozen(self, shop: Scope) -> None:
        record = build.order(shop, start="2023-08-20")
        build.cancel(shop, record, 5_000, start="2023-08-20")
        change(shop, "2023-08-15", rate=20_000)

        assert maturity.start_due(now=build.noon("2023-08-20")) == 2

        record.refresh_from_db()
        assert record.settlement == 8_900
        assert build.money(shop) == {"pending": 8_900, "receivable": 4_450}

    def test_terms_that_do_not_fit_leave_the_order_as_agreed(self, shop: Scope) -> None:
        record = build.order(shop, 10_000, start="2023-08-20", currency="USD")
        contracts.change(
            scope=shop,
            by=build.BY,
            now=build.noon("2023-08-15"),
            public_id="ten-percent",
            fee=FeeInput(amount=100, is_fixed=True),
        )

        maturity.start_due(now=build.noon("2023-08-20"))

        record.refresh_from_db()
        assert (record.state, record.settlement) == (RecordState.IN_PROCESS, 8_900)

    def test_a_start_date_takes_the_version_of_its_day(self, shop: Scope) -> None:
        change(shop, "2023-08-15", rate=20_000)

        before = build.order(shop, on="2023-08-16", start="2023-08-14")
        on_the_day = build.order(shop, on="2023-08-16", start="2023-08-15")
        long_before = build.order(shop, on="2023-08-16", start="2019-01-01")

        assert [one.platform_fee for one in (before, on_the_day, long_before)] == [1_000, 2_000, 1_000]


def change(scope: Scope, on: str, *, rate: int, cycle: Cycle | None = None) -> None:
    contracts.change(
        scope=scope, by=build.BY, now=build.noon(on), public_id="ten-percent", fee=FeeInput(rate=rate), cycle=cycle
    )


class TestAtOnce:
    def test_two_workers_mature_everything_once(self, open_shop: Scope) -> None:
        rows = [
            ManualRow(("seller-7", "seller-8")[count % 2], 1 + count, build.day(DUE) - timedelta(days=count % 3))
            for count in range(300)
        ]
        records.record_many_manual(scope=open_shop, by=build.BY, now=build.noon(), rows=rows)

        counts = build.together([lambda: maturity.mature_due(chunk=20, now=build.noon(DUE))] * 2)

        assert sum(count for count in counts if isinstance(count, int)) == 300, counts
        assert_sums_right(open_shop)
        assert build.money(open_shop)["available"] + build.money(open_shop, "seller-8")["available"] == 300 * 301 // 2
        assert PartnerSettlement.objects.count() == 6
        assert build.off_balance(open_shop) == 0

    def test_records_that_are_due_at_once_join_one_row(self, open_shop: Scope) -> None:
        made = build.together([lambda: build.manual(open_shop, 100)] * 12)

        assert all(isinstance(one, SettlementRecord) for one in made), made
        row = PartnerSettlement.objects.get()
        assert (row.net, row.record_count) == (1_200, 12)
        assert build.off_balance(open_shop) == 0

    def test_a_claim_and_a_late_record_never_share_a_row(self, open_shop: Scope) -> None:
        row = build.settled(open_shop, 100)

        def claim() -> None:
            with transaction.atomic():
                claimed(open_shop, row)

        build.together([claim, *[lambda: build.manual(open_shop, 7)] * 4])

        taken = Claim.objects.get()
        row.refresh_from_db()
        assert taken.net == row.net
        assert PartnerSettlement.objects.aggregate(net=Sum("net"))["net"] == 128


def assert_sums_right(scope: Scope) -> None:
    for row in PartnerSettlement.objects.within(scope):
        found = row.records.exclude(state=RecordState.VOIDED).aggregate(net=Sum("net"), count=Count("pk"))
        assert (row.net, row.record_count) == (found["net"] or 0, found["count"])
    assert not SettlementRecord.objects.exclude(state=RecordState.SETTLED).exclude(type=RecordType.ORDER).exists()

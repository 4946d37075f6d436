"""Protects that an order follows its terms until it starts, and that one somebody relied on never moves."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest
from django.db import connection, transaction

from access.models import AuditEvent
from core import jobs
from core.models import Job, JobState
from core.money import Rounding
from core.scope import Scope
from settlement.dates import Cycle, CycleMethod, DatePolicy
from settlement.fees import RoundingModes
from settlement.formulas import OwnFormula
from settlement.models import RecordState, SettlementRecord
from settlement.operations import calculator, contracts, maturity, policies, recompute, records
from settlement.operations.calculator import CalculatorDraft
from settlement.operations.policies import FeeInput
from settlement.operations.records import DiscountDraft
from tests import build

AHEAD = "2023-09-04"
TWENTY_PERCENT = FeeInput(rate=20_000)
DAY_AFTER = Cycle(1, CycleMethod.DAILY, DatePolicy.CALENDAR_DAY)


def two_policies() -> Scope:
    scope = build.merchant()
    build.partner(scope)
    build.share(scope)
    build.extra_fee(scope)
    return scope


@pytest.fixture
def shop(db: None) -> Scope:  # noqa: ARG001 - a transaction that is rolled back
    """Give a merchant with a partner and a policy of each kind."""
    return two_policies()


@pytest.fixture
def open_shop(committed_db: str) -> Scope:  # noqa: ARG001 - a database that may be committed to
    """Give the same in a database of its own."""
    return two_policies()


def follow(scope: Scope, on: str = build.TODAY, chunk: int = 500) -> recompute.Outcome:
    return recompute.scheduled(scope=scope, by=build.BY, now=build.noon(on), reason="because", chunk=chunk)


def change_contract(scope: Scope, fee: FeeInput = TWENTY_PERCENT, on: str = build.TODAY, **values: object) -> None:
    told = {"scope": scope, "by": build.BY, "now": build.noon(on), "public_id": "ten-percent"}
    contracts.change(**told, fee=fee, **values)  # type: ignore[arg-type] # keywords of one operation, gathered


def events(record: SettlementRecord) -> list[AuditEvent]:
    found = AuditEvent.objects.filter(object_id=record.public_id, action="settlement_record.recomputed")
    return list(found.order_by("id"))


def again(record: SettlementRecord) -> SettlementRecord:
    return SettlementRecord.objects.get(pk=record.pk)


def wait_for_a_lock(seconds: float = 10) -> None:
    """Return when another connection of this database waits for a lock."""
    until = time.monotonic() + seconds
    with connection.cursor() as cursor:
        while time.monotonic() < until:
            cursor.execute("select pg_stat_clear_snapshot()")
            cursor.execute(
                "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
            )
            if cursor.fetchone()[0]:
                return
    pytest.fail("nobody waits")


class TestWhatFollows:
    def test_an_order_ahead_takes_the_fee_and_the_date_of_the_changed_contract(self, shop: Scope) -> None:
        order = build.order(shop, start=AHEAD)
        assert (order.net, order.settlement_date) == (8_900, date(2023, 9, 27))

        change_contract(shop, cycle=DAY_AFTER)

        assert follow(shop) == recompute.Outcome(seen=1, changed=1)
        now = again(order)
        assert (now.net, now.platform_fee, now.platform_fee_vat) == (7_800, 2_000, 200)
        assert now.settlement_date == date(2023, 9, 5)
        assert now.contract_version is not None
        assert now.contract_version.number == 2
        assert now.state == RecordState.SCHEDULED

    def test_shares_and_fees_follow_their_policies_in_lines_too(self, shop: Scope) -> None:
        goods = build.line("A", 5_000, 2, discounts=[DiscountDraft("half", 1_000)], fee_policy_ids=["five"])
        order = build.order(shop, start=AHEAD, lines=[goods], discounts=[DiscountDraft("half", 2_000)], fees=["five"])
        assert (order.discount_share, order.additional_fee) == (1_500, 1_000)
        told = {"scope": shop, "by": build.BY, "now": build.noon()}
        policies.change_discount_share(**told, public_id="half", partner_share_rate=10_000)  # type: ignore[arg-type] # keywords gathered
        policies.change_additional_fee(**told, public_id="five", fee=FeeInput(amount=300, is_fixed=True))  # type: ignore[arg-type] # keywords gathered

        follow(shop)

        now = again(order)
        assert (now.discount_share, now.additional_fee, now.additional_fee_vat) == (300, 600, 60)
        assert now.net == 10_000 - 1_000 - 100 - 600 - 60 - 300
        assert {item["rate"] for item in [*now.discounts, *now.lines[0]["discounts"]]} == {10_000}
        assert {item["fixed"] for item in [*now.additional_fees, *now.lines[0]["fees"]]} == {300}
        assert now.lines[0]["product"] == order.lines[0]["product"]

    def test_the_calculation_that_counts_is_followed_with_the_merchants_own_formulas(self, shop: Scope) -> None:
        order = build.order(shop, 10_005, start=AHEAD)
        assert (order.platform_fee, order.calculator_id, order.formula_results) == (1_000, None, {})
        draft = CalculatorDraft(
            RoundingModes(platform_fee=Rounding.UP), own=[OwnFormula("double", "두 배", "ORDER_AMOUNT * 2")]
        )
        made = calculator.save(scope=shop, by=build.BY, now=build.noon(), draft=draft)

        follow(shop)

        now = again(order)
        assert (now.platform_fee, now.calculator_id, now.formula_results) == (1_001, made.pk, {"double": 20_010})

    def test_what_it_was_and_became_is_told_once_and_repeating_changes_nothing(self, shop: Scope) -> None:
        order = build.order(shop, start=AHEAD)
        change_contract(shop)

        follow(shop)
        assert follow(shop) == recompute.Outcome(seen=1)

        (told,) = events(order)
        assert told.before is not None
        assert told.after is not None
        assert (told.before["settlement"], told.after["settlement"]) == (8_900, 7_800)
        assert (told.before["contract_version"], told.after["contract_version"]) == (1, 2)
        assert "order_amount" not in told.after
        assert "settlement_date" not in told.after
        assert told.reason == "because"

    def test_a_version_counts_from_its_day_of_start_dates(self, shop: Scope) -> None:
        before, after = build.order(shop, start="2023-09-09"), build.order(shop, start="2023-09-10")
        change_contract(shop, on="2023-09-10")

        assert follow(shop).changed == 1
        assert (again(before).net, again(after).net) == (8_900, 7_800)

    def test_chunks_are_looked_at_one_after_another(self, shop: Scope) -> None:
        orders = [build.order(shop, start=AHEAD) for _ in range(5)]
        change_contract(shop)
        heard: list[int] = []

        done = recompute.scheduled(
            scope=shop, by=build.BY, now=build.noon(), reason="because", chunk=2, tell=heard.append
        )

        assert done == recompute.Outcome(seen=5, changed=5)
        assert heard == [2, 4, 5]
        assert {again(order).net for order in orders} == {7_800}

    def test_its_journal_is_posted_with_the_new_amounts_when_it_starts(self, shop: Scope) -> None:
        order = build.order(shop, start=AHEAD)
        change_contract(shop)
        follow(shop)

        build.mature("2023-10-01")

        assert again(order).state == RecordState.SETTLED
        assert build.money(shop) == {"available": 7_800}
        assert build.off_balance(shop) == 0

    def test_what_starts_before_any_job_has_run_follows_every_policy_too(self, shop: Scope) -> None:
        order = build.order(shop, start=AHEAD, discounts=[DiscountDraft("half", 2_000)])
        told = {"scope": shop, "by": build.BY, "now": build.noon()}
        policies.change_discount_share(**told, public_id="half", partner_share_rate=10_000)  # type: ignore[arg-type] # keywords gathered

        maturity.start_due(now=build.noon(AHEAD))

        assert again(order).net == 10_000 - 1_000 - 100 - 200
        assert build.money(shop) == {"pending": 8_700}
        assert [event.reason for event in events(order)] == ["start"]


class TestWhatStays:
    def test_an_order_with_a_cancel_is_frozen_until_the_cancel_is_taken_back(self, shop: Scope) -> None:
        order = build.order(shop, start=AHEAD)
        cancel = build.cancel(shop, order, 4_000, start=AHEAD)
        change_contract(shop)

        assert follow(shop).changed == 0
        assert (again(order).net, again(cancel).net) == (8_900, -3_560)

        records.void_record(scope=shop, by=build.BY, now=build.noon(), public_id=cancel.public_id)
        assert follow(shop).changed == 1
        assert again(order).net == 7_800

    def test_a_given_date_never_moves(self, shop: Scope) -> None:
        order = build.order(shop, start=AHEAD, settlement_date="2023-12-24")
        change_contract(shop, cycle=DAY_AFTER)

        follow(shop)

        assert (again(order).net, again(order).settlement_date) == (7_800, date(2023, 12, 24))

    def test_what_has_started_and_what_another_merchant_has_is_not_touched(self, shop: Scope) -> None:
        started, manual = build.order(shop), build.manual(shop, 500, settlement_date=AHEAD)
        other = build.merchant("다른상점")
        build.partner(other)
        others = build.order(other, start=AHEAD)
        change_contract(shop)
        change_contract(other)

        assert follow(shop) == recompute.Outcome()
        assert [again(one).net for one in (started, manual, others)] == [8_900, 500, 8_900]

    def test_terms_that_do_not_fit_leave_what_was_agreed(self, shop: Scope) -> None:
        order = build.order(shop, start=AHEAD, currency="USD")
        change_contract(shop, FeeInput(amount=1_000, is_fixed=True))

        assert follow(shop) == recompute.Outcome(seen=1, unfit=1)
        assert again(order).net == 8_900
        assert events(order) == []


class TestJob:
    def test_it_runs_from_the_queue_and_says_what_it_did(self, shop: Scope) -> None:
        order = SettlementRecord.objects.get(pk=build.order(shop, start="2999-01-01", on="2023-08-11").pk)
        change_contract(shop)
        Job.objects.all().delete()
        recompute.enqueue(scope=shop, by=build.BY, now=build.noon(), reason="계약 변경")

        assert jobs.run_due_jobs() == 1

        job = Job.objects.get(kind=recompute.JOB)
        assert job.state == JobState.SUCCEEDED
        assert job.result == {"seen": 1, "changed": 1, "unfit": 0}
        assert again(order).net == 7_800
        assert events(order)[0].reason == "계약 변경"

    def test_one_waits_per_scope_and_a_change_while_one_runs_gets_another(self, shop: Scope) -> None:
        Job.objects.all().delete()
        other = build.merchant("다른상점")
        for scope in (shop, shop, other):
            recompute.enqueue(scope=scope, by=build.BY, now=build.noon(), reason="one")
        waiting = Job.objects.filter(kind=recompute.JOB)
        assert waiting.count() == 2

        waiting.update(state=JobState.RUNNING)
        recompute.enqueue(scope=shop, by=build.BY, now=build.noon(), reason="two")

        assert waiting.count() == 3

    def test_a_waiting_job_does_not_begin_before_the_change_it_serves_is_committed(self, open_shop: Scope) -> None:
        Job.objects.all().delete()
        recompute.enqueue(scope=open_shop, by=build.BY, now=build.noon(), reason="one")
        order = build.order(open_shop, start="2999-01-01")
        Job.objects.filter(kind=recompute.JOB).exclude(arguments__reason="one").delete()

        def run() -> int:
            return jobs.run_due_jobs()

        with transaction.atomic():
            change_contract(open_shop)
            recompute.enqueue(scope=open_shop, by=build.BY, now=build.noon(), reason="two")
            assert build.together([run]) == [0]

        assert build.together([run]) == [1]
        assert again(order).net == 7_800


class TestAtTheSameTime:
    def test_an_order_that_is_being_cancelled_is_waited_for_and_stays(self, open_shop: Scope) -> None:
        order = build.order(open_shop, start=AHEAD)
        change_contract(open_shop)
        with ThreadPoolExecutor(1) as pool:
            with transaction.atomic():
                cancel = build.cancel(open_shop, order, 4_000, start=AHEAD)
                waiting = pool.submit(build.together, [lambda: follow(open_shop)])
                wait_for_a_lock()
            assert waiting.result() == [recompute.Outcome(seen=1)]

        assert (again(order).net, again(cancel).net) == (8_900, -3_560)

    def test_a_cancel_waits_for_the_new_terms_and_is_held_against_them(self, open_shop: Scope) -> None:
        order = build.order(open_shop, start=AHEAD)
        change_contract(open_shop)
        with ThreadPoolExecutor(1) as pool:
            with transaction.atomic():
                follow(open_shop)
                waiting = pool.submit(build.together, [lambda: build.cancel(open_shop, order, 4_000, start=AHEAD)])
                wait_for_a_lock()
            [cancel] = waiting.result()

        assert isinstance(cancel, SettlementRecord), cancel
        assert (again(order).net, cancel.net) == (7_800, -3_120)

    def test_an_order_that_starts_meanwhile_is_posted_as_it_stands(self, open_shop: Scope) -> None:
        for _ in range(4):
            build.order(open_shop, start=AHEAD)
        change_contract(open_shop)

        build.together([lambda: follow(open_shop), lambda: maturity.start_due(now=build.noon(AHEAD))])
        maturity.start_due(now=build.noon(AHEAD))

        nets = SettlementRecord.objects.values_list("net", flat=True)
        assert set(nets) == {7_800}
        assert build.money(open_shop) == {"pending": 4 * 7_800}
        assert build.off_balance(open_shop) == 0

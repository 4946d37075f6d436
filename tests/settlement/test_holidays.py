"""Protects changes of the holidays: what is shown is what moves, and nothing moves that was promised or settled."""

from datetime import date, timedelta
from typing import Any

import pytest

from access.models import AuditEvent
from core import jobs
from core.errors import Conflict, InvalidRequest, NotFound, StaleVersion
from core.scope import Scope
from settlement.dates import Cycle, CycleMethod, DatePolicy
from settlement.models import (
    ContractVersion,
    Holiday,
    HolidayChange,
    HolidayChangeState,
    PartnerSettlement,
    SettlementRecord,
)
from settlement.operations import contracts, holidays, records
from tests import build

pytestmark = pytest.mark.django_db
# A Thursday; the orders of build start on the 11th, settle at the month's end and have not done so.
LAST = date(2023, 8, 31)
BEFORE = date(2023, 8, 30)


@pytest.fixture
def scope() -> Scope:
    """A merchant whose partner is settled on the last business day of the month."""
    scope = build.merchant()
    build.partner(scope)
    return scope


def close(scope: Scope, *days: date, now: str = build.TODAY) -> HolidayChange:
    """Work out what closing some days moves."""
    add = dict.fromkeys(days, "임시공휴일")
    return holidays.preview(scope=scope, by=build.BY, now=build.noon(now), add=add)


def reopen(scope: Scope, *days: date) -> HolidayChange:
    """Work out what opening some days moves."""
    return holidays.preview(scope=scope, by=build.BY, now=build.noon(), remove=days)


def applied(change: HolidayChange, now: str = build.TODAY) -> HolidayChange:
    """Apply a change."""
    return holidays.apply(scope=change.scope, by=build.BY, now=build.noon(now), public_id=change.public_id)


def settles(record: SettlementRecord) -> date:
    record.refresh_from_db()
    return record.settlement_date


class TestPreview:
    def test_shows_what_would_move_and_moves_nothing(self, scope: Scope) -> None:
        record = build.order(scope)
        change = close(scope, LAST)
        (move,) = change.moves.all()
        assert (move.record, move.old_date, move.new_date) == (record, LAST, BEFORE)
        assert settles(record) == LAST
        assert not Holiday.objects.within(scope).filter(day=LAST).exists()

    def test_adds_up_per_partner_with_cancels_negative(self, scope: Scope) -> None:
        order = build.order(scope)
        build.cancel(scope, order, 5_000)
        build.partner(scope, "other")
        build.order(scope, 2_000, "other")
        change = close(scope, LAST)
        assert (change.record_count, change.partner_count) == (3, 2)
        sums = dict(change.partners.values_list("partner__public_id", "amount"))
        assert sums == {"seller-7": 8_900 - 4_450, "other": 1_780}

    def test_a_day_that_concerns_nobody_moves_nothing(self, scope: Scope) -> None:
        build.order(scope)
        assert close(scope, date(2023, 8, 22)).record_count == 0

    def test_refuses_days_that_make_no_sense(self, scope: Scope) -> None:
        with pytest.raises(InvalidRequest):
            close(scope)
        with pytest.raises(InvalidRequest):
            holidays.preview(scope=scope, by=build.BY, now=build.noon(), add={LAST: "x"}, remove=[LAST])
        with pytest.raises(Conflict):
            close(scope, date(2023, 9, 28))
        with pytest.raises(NotFound):
            reopen(scope, LAST)

    def test_nobody_elses_records_are_in_it(self, scope: Scope) -> None:
        other = build.merchant("다른 상점")
        build.partner(other, "theirs")
        theirs = build.order(other, 1_000, "theirs")
        change = close(scope, LAST)
        assert change.record_count == 0
        applied(change)
        assert settles(theirs) == LAST

    def test_one_that_nobody_applied_is_forgotten_the_day_after(self, scope: Scope) -> None:
        old = close(scope, LAST)
        close(scope, LAST, now="2023-08-13")
        assert not HolidayChange.objects.filter(pk=old.pk).exists()

    def test_a_year_brings_only_the_days_that_are_missing(self, scope: Scope) -> None:
        build.order(scope)
        assert holidays.year_days(scope, 2024) == {}
        assert date(2030, 3, 1) in holidays.year_days(scope, 2030)
        assert date(2030, 5, 1) in holidays.year_days(scope, 2030)


class TestApply:
    def test_moves_exactly_what_was_shown_and_tells_each_record_s_history(self, scope: Scope) -> None:
        record = build.order(scope)
        change = applied(close(scope, LAST))
        assert settles(record) == BEFORE
        assert change.state == HolidayChangeState.APPLIED
        told = AuditEvent.objects.get(object_id=record.public_id, action="settlement_record.date_moved")
        assert (told.before, told.after) == ({"settlement_date": "2023-08-31"}, {"settlement_date": "2023-08-30"})
        assert AuditEvent.objects.filter(action="holiday.added", object_id="2023-08-31").exists()

    def test_there_and_back_again(self, scope: Scope) -> None:
        record = build.order(scope)
        applied(close(scope, LAST))
        applied(reopen(scope, LAST))
        assert settles(record) == LAST

    def test_dates_given_in_a_request_stay(self, scope: Scope) -> None:
        given = build.order(scope, settlement_date="2023-08-31")
        manual = build.manual(scope, 500, settlement_date="2023-08-31")
        change = close(scope, LAST)
        assert change.record_count == 0
        applied(change)
        assert settles(given) == settles(manual) == LAST

    def test_what_is_settled_stays(self, scope: Scope) -> None:
        record = build.order(scope)
        build.mature("2023-08-31")
        change = close(scope, LAST, now="2023-08-31")
        assert change.record_count == 0
        applied(change)
        assert settles(record) == PartnerSettlement.objects.get().settlement_date == LAST

    def test_each_record_keeps_the_cycle_of_its_own_version(self, scope: Scope) -> None:
        old = build.order(scope)
        after = Cycle(2, CycleMethod.MONTHLY, DatePolicy.HOLIDAY_AFTER, days_of_month=(31,))
        contracts.change(scope=scope, by=build.BY, now=build.noon("2023-08-12"), public_id="ten-percent", cycle=after)
        new = build.order(scope, on="2023-08-12", start="2023-08-12")
        assert ContractVersion.objects.count() == 2
        applied(close(scope, LAST))
        assert (settles(old), settles(new)) == (BEFORE, date(2023, 9, 1))

    def test_the_date_that_is_moved_can_be_reached(self, scope: Scope) -> None:
        record = build.order(scope)
        applied(close(scope, LAST))
        build.mature("2023-08-30")
        record.refresh_from_db()
        assert record.partner_settlement is not None
        assert record.partner_settlement.settlement_date == BEFORE

    def test_is_done_once(self, scope: Scope) -> None:
        build.order(scope)
        change = applied(close(scope, LAST))
        with pytest.raises(Conflict):
            applied(change)

    def test_an_unknown_one_or_somebody_else_s_is_not_there(self, scope: Scope) -> None:
        change = close(scope, LAST)
        with pytest.raises(NotFound):
            holidays.apply(scope=build.merchant("다른 상점"), by=build.BY, now=build.noon(), public_id=change.public_id)


class TestStale:
    """A preview that no longer says what would happen is refused, and then nothing has changed."""

    def refused(self, scope: Scope, change: HolidayChange) -> None:
        with pytest.raises(StaleVersion):
            applied(change)
        assert not Holiday.objects.within(scope).filter(day=LAST).exists()

    def test_a_new_record(self, scope: Scope) -> None:
        change = close(scope, LAST)
        record = build.order(scope)
        self.refused(scope, change)
        assert settles(record) == LAST

    def test_a_record_taken_back(self, scope: Scope) -> None:
        record = build.order(scope)
        change = close(scope, LAST)
        records.void_record(scope=scope, by=build.BY, now=build.noon(), public_id=record.public_id)
        self.refused(scope, change)

    def test_a_record_that_settled(self, scope: Scope) -> None:
        build.order(scope)
        change = close(scope, LAST)
        build.mature("2023-08-31")
        self.refused(scope, change)

    def test_another_change_of_the_days(self, scope: Scope) -> None:
        build.order(scope)
        change = close(scope, LAST)
        applied(close(scope, BEFORE))
        self.refused(scope, change)

    def test_the_same_day_added_meanwhile(self, scope: Scope) -> None:
        first, second = close(scope, LAST), close(scope, LAST)
        applied(first)
        with pytest.raises(StaleVersion):
            applied(second)


class TestBackground:
    def test_a_large_change_is_applied_once_by_its_job(self, scope: Scope) -> None:
        record = build.order(scope)
        change = close(scope, LAST)
        told: Any = {"scope": scope, "by": build.BY, "now": build.noon(), "public_id": change.public_id}
        first, second = holidays.apply_later(**told), holidays.apply_later(**told)
        assert first.pk == second.pk
        jobs.run_job(first.pk)
        assert settles(record) == BEFORE

    def test_a_record_being_registered_meanwhile_follows(self, scope: Scope) -> None:
        change = applied(close(scope, LAST))
        late = build.order(scope)
        # It had read the days of before.
        SettlementRecord.objects.filter(pk=late.pk).update(settlement_date=LAST)
        moved = holidays.follow(scope=scope, by=build.BY, public_id=change.public_id)
        assert (moved, settles(late)) == (1, BEFORE)
        change.refresh_from_db()
        assert change.record_count == 1
        assert holidays.follow(scope=scope, by=build.BY, public_id=change.public_id) == 0

    def test_every_new_date_is_what_a_new_order_gets(self, scope: Scope) -> None:
        starts = [date(2023, 8, 12) + timedelta(days=after) for after in range(19)]
        build.contract(scope, "daily", cycle=Cycle(1, CycleMethod.DAILY, DatePolicy.HOLIDAY_BEFORE))
        old = [
            build.order(scope, start=day.isoformat(), contract_id="daily")
            for day in starts
            if day > LAST - timedelta(20)
        ]
        applied(close(scope, date(2023, 8, 17), date(2023, 8, 24), LAST))
        for record in old:
            again = build.order(scope, start=str(record.start_date), contract_id="daily")
            assert settles(record) == again.settlement_date

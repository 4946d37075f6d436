"""Promise: a partner is paid on the day its contract names, never on a holiday it excludes, never before it began."""

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from settlement.dates import (
    Cycle,
    CycleMethod,
    DateOutOfRange,
    DatePolicy,
    InvalidCycle,
    MonthDay,
    Weekday,
    check_cycle,
    is_business_day,
    nominal_date,
    settlement_date,
)

BEFORE, AFTER, CALENDAR = DatePolicy.HOLIDAY_BEFORE, DatePolicy.HOLIDAY_AFTER, DatePolicy.CALENDAR_DAY
MARCH_AND_SEPTEMBER_ENDS = (MonthDay(3, 31), MonthDay(9, 30))
DAYS_OF_WEEK = tuple(Weekday)

SEOLLAL_AND_CHUSEOK = frozenset(
    date.fromisoformat(day)
    for day in (
        "2023-08-15",
        "2023-09-28",
        "2023-09-29",
        "2023-09-30",
        "2024-02-09",
        "2024-02-10",
        "2024-02-11",
        "2024-02-12",
        "2024-03-01",
        "2024-06-06",
        "2024-08-15",
        "2024-09-16",
        "2024-09-17",
        "2024-09-18",
    )
)


def daily(lag: int, policy: DatePolicy) -> Cycle:
    return check_cycle(Cycle(lag, CycleMethod.DAILY, policy))


def weekly(lag: int, policy: DatePolicy, *days: Weekday) -> Cycle:
    return check_cycle(Cycle(lag, CycleMethod.WEEKLY, policy, days_of_week=days))


def monthly(lag: int, policy: DatePolicy, *days: int) -> Cycle:
    return check_cycle(Cycle(lag, CycleMethod.MONTHLY, policy, days_of_month=days))


def yearly(lag: int, policy: DatePolicy, *days: MonthDay) -> Cycle:
    return check_cycle(Cycle(lag, CycleMethod.MANUAL_DATES, policy, month_days=days))


KNOWN_DATES = [
    ("2023-08-11", monthly(2, BEFORE, 31), "2023-08-31", "2023-08-31"),
    ("2023-09-01", monthly(2, BEFORE, 31), "2023-09-30", "2023-09-27"),
    ("2023-08-11", weekly(2, CALENDAR, Weekday.FRI), "2023-08-18", "2023-08-18"),
    ("2024-06-10", monthly(3, BEFORE, 15, 31), "2024-06-15", "2024-06-14"),
    ("2024-06-13", monthly(3, BEFORE, 15, 31), "2024-06-30", "2024-06-28"),
    ("2024-06-30", monthly(10, BEFORE, 10), "2024-07-10", "2024-07-10"),
    ("2024-07-01", monthly(10, BEFORE, 10), "2024-08-10", "2024-08-09"),
    ("2024-06-09", weekly(4, CALENDAR, Weekday.THU), "2024-06-13", "2024-06-13"),
    ("2024-06-10", weekly(4, CALENDAR, Weekday.THU), "2024-06-20", "2024-06-20"),
    ("2024-02-08", daily(1, BEFORE), "2024-02-09", "2024-02-13"),
    ("2024-06-07", daily(1, AFTER), "2024-06-08", "2024-06-10"),
    ("2024-03-05", yearly(1, AFTER, *MARCH_AND_SEPTEMBER_ENDS), "2024-03-31", "2024-04-01"),
    ("2024-09-13", daily(1, AFTER), "2024-09-14", "2024-09-19"),
    ("2024-02-20", monthly(2, CALENDAR, 30), "2024-02-29", "2024-02-29"),
]


@pytest.mark.parametrize(("start", "cycle", "nominal", "expected"), KNOWN_DATES)
def test_known_dates(start: str, cycle: Cycle, nominal: str, expected: str) -> None:
    assert nominal_date(date.fromisoformat(start), cycle) == date.fromisoformat(nominal)
    assert settlement_date(date.fromisoformat(start), cycle, SEOLLAL_AND_CHUSEOK) == date.fromisoformat(expected)


class TestAdjustment:
    def test_switched_off_a_date_may_fall_back_to_the_start(self) -> None:
        eve = date(2024, 2, 8)
        assert settlement_date(eve, daily(1, BEFORE), SEOLLAL_AND_CHUSEOK, adjust=False) == eve

    def test_switched_off_it_stops_at_the_start(self) -> None:
        sunday = date(2024, 2, 11)
        assert settlement_date(sunday, daily(1, BEFORE), SEOLLAL_AND_CHUSEOK, adjust=False) == sunday

    def test_leaves_calendar_days_alone(self) -> None:
        assert settlement_date(date(2024, 2, 8), daily(1, CALENDAR), SEOLLAL_AND_CHUSEOK) == date(2024, 2, 9)

    def test_a_holiday_proclaimed_later_moves_the_date(self) -> None:
        cycle = daily(1, AFTER)
        assert settlement_date(date(2024, 9, 30), cycle, frozenset()) == date(2024, 10, 1)
        assert settlement_date(date(2024, 9, 30), cycle, {date(2024, 10, 1)}) == date(2024, 10, 2)


class TestMonths:
    @pytest.mark.parametrize(
        ("start", "days", "expected"),
        [
            ("2023-02-01", (29,), "2023-02-28"),
            ("2024-02-01", (29,), "2024-02-29"),
            ("2023-02-01", (30, 31), "2023-02-28"),
            ("2023-04-01", (31,), "2023-04-30"),
            ("2023-12-30", (1,), "2024-01-01"),
            ("2023-12-30", (31, 5), "2023-12-31"),
        ],
    )
    def test_a_day_the_month_lacks_is_its_last(self, start: str, days: tuple[int, ...], expected: str) -> None:
        assert nominal_date(date.fromisoformat(start), monthly(1, CALENDAR, *days)) == date.fromisoformat(expected)


class TestYearlyDates:
    def test_leap_day_waits_for_a_leap_year(self) -> None:
        leap_day = yearly(1, CALENDAR, MonthDay(2, 29))
        assert nominal_date(date(2024, 2, 29), leap_day) == date(2028, 2, 29)
        assert nominal_date(date(2096, 3, 1), leap_day) == date(2104, 2, 29)

    def test_the_order_given_does_not_matter(self) -> None:
        cycle = yearly(1, CALENDAR, MonthDay(12, 24), MonthDay(1, 2))
        assert nominal_date(date(2024, 1, 5), cycle) == date(2024, 12, 24)
        assert nominal_date(date(2024, 12, 24), cycle) == date(2025, 1, 2)


class TestInvalidCycles:
    @pytest.mark.parametrize(
        ("cycle", "field"),
        [
            (Cycle(0, CycleMethod.DAILY, BEFORE), "lag_days"),
            (Cycle(11, CycleMethod.DAILY, BEFORE), "lag_days"),
            (Cycle(1, CycleMethod.WEEKLY, BEFORE), "days_of_week"),
            (Cycle(1, CycleMethod.MONTHLY, BEFORE), "days_of_month"),
            (Cycle(1, CycleMethod.MONTHLY, BEFORE, days_of_month=(15, 32)), "days_of_month"),
            (Cycle(1, CycleMethod.MONTHLY, BEFORE, days_of_month=(0,)), "days_of_month"),
            (Cycle(1, CycleMethod.MANUAL_DATES, BEFORE), "month_days"),
            (Cycle(1, CycleMethod.MANUAL_DATES, BEFORE, month_days=(MonthDay(2, 30),)), "month_days"),
            (Cycle(1, CycleMethod.MANUAL_DATES, BEFORE, month_days=(MonthDay(4, 31),)), "month_days"),
            (Cycle(1, CycleMethod.MANUAL_DATES, BEFORE, month_days=(MonthDay(13, 1),)), "month_days"),
        ],
    )
    def test_name_their_field(self, cycle: Cycle, field: str) -> None:
        with pytest.raises(InvalidCycle) as refused:
            check_cycle(cycle)
        assert refused.value.field == field

    def test_a_merchant_may_allow_no_lag(self) -> None:
        cycle = Cycle(0, CycleMethod.DAILY, AFTER)
        assert check_cycle(cycle, least_lag_days=0) == cycle

    @pytest.mark.parametrize("cycle", [daily(1, AFTER), weekly(1, AFTER, Weekday.MON), monthly(1, AFTER, 1)])
    def test_the_calendar_ends(self, cycle: Cycle) -> None:
        with pytest.raises(DateOutOfRange):
            settlement_date(date.max, cycle, frozenset())

    def test_the_calendar_ends_for_yearly_dates_too(self) -> None:
        with pytest.raises(DateOutOfRange):
            settlement_date(date(9999, 12, 24), yearly(1, AFTER, MonthDay(12, 24)), frozenset())


lags = st.integers(1, 10)
policies = st.sampled_from(DatePolicy)
month_days = st.dates(date(2024, 1, 1), date(2024, 12, 31)).map(lambda day: MonthDay(day.month, day.day))
cycles = st.one_of(
    st.builds(daily, lags, policies),
    st.builds(
        lambda lag, policy, days: weekly(lag, policy, *days),
        lags,
        policies,
        st.sets(st.sampled_from(Weekday), min_size=1),
    ),
    st.builds(
        lambda lag, policy, days: monthly(lag, policy, *days), lags, policies, st.sets(st.integers(1, 31), min_size=1)
    ),
    st.builds(
        lambda lag, policy, days: yearly(lag, policy, *days),
        lags,
        policies,
        st.sets(month_days, min_size=1, max_size=4),
    ),
)
starts = st.dates(date(2023, 1, 1), date(2025, 12, 31))
holiday_sets = st.frozensets(st.dates(date(2023, 1, 1), date(2026, 12, 31)), max_size=60)


class TestAnyCycle:
    @settings(deadline=None)
    @given(starts, cycles, holiday_sets)
    def test_pays_after_the_start_on_an_open_day(self, start: date, cycle: Cycle, holidays: frozenset[date]) -> None:
        paid = settlement_date(start, cycle, holidays)
        assert paid > start
        assert cycle.date_policy is CALENDAR or is_business_day(paid, holidays)

    @settings(deadline=None)
    @given(starts, cycles, holiday_sets)
    def test_unadjusted_never_before_the_start(self, start: date, cycle: Cycle, holidays: frozenset[date]) -> None:
        assert settlement_date(start, cycle, holidays, adjust=False) >= start

    @settings(deadline=None)
    @given(starts, cycles)
    def test_names_the_first_day_that_fits(self, start: date, cycle: Cycle) -> None:
        nominal = nominal_date(start, cycle)
        earlier = start + timedelta(days=cycle.lag_days)
        assert nominal >= earlier
        while earlier < nominal:
            assert not fits(earlier, cycle)
            earlier += timedelta(days=1)
        assert fits(nominal, cycle)

    @settings(deadline=None)
    @given(starts, cycles, holiday_sets)
    def test_a_later_start_is_never_paid_earlier(self, start: date, cycle: Cycle, holidays: frozenset[date]) -> None:
        assert nominal_date(start, cycle) <= nominal_date(start + timedelta(days=1), cycle)
        paid = settlement_date(start, cycle, holidays)
        assert paid <= settlement_date(start + timedelta(days=1), cycle, holidays)


def fits(day: date, cycle: Cycle) -> bool:
    """Say in other words than the product whether the cycle names this day."""
    tomorrow = day + timedelta(days=1)
    is_last = tomorrow.month != day.month
    return {
        CycleMethod.DAILY: True,
        CycleMethod.WEEKLY: DAYS_OF_WEEK[day.weekday()] in cycle.days_of_week,
        CycleMethod.MONTHLY: any(day.day == n or (is_last and n > day.day) for n in cycle.days_of_month),
        CycleMethod.MANUAL_DATES: MonthDay(day.month, day.day) in cycle.month_days,
    }[cycle.method]

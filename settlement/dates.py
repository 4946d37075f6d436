"""
The settlement date of a record: from its start date, through the contract's cycle, to a day on which banks are open.

Holidays are passed in as a set of days; Saturdays and Sundays need not be in it.
"""

from calendar import isleap, monthrange
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from datetime import MAXYEAR, date, timedelta
from enum import StrEnum

_DAY = timedelta(days=1)
_LONGEST_MONTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
# 29 February can be eight years away, around a century that is no leap year.
_YEARS_TO_NEXT_LEAP_DAY = 8
_FRIDAY = 4


class Weekday(StrEnum):
    """The days of the week, Monday first."""

    MON = "MON"
    TUE = "TUE"
    WED = "WED"
    THU = "THU"
    FRI = "FRI"
    SAT = "SAT"
    SUN = "SUN"


class CycleMethod(StrEnum):
    """Which days a cycle names."""

    DAILY = "DAILY"
    WEEKLY = "WEEKLY"
    MONTHLY = "MONTHLY"
    MANUAL_DATES = "MANUAL_DATES"


class DatePolicy(StrEnum):
    """What happens to a named day on which banks are closed."""

    HOLIDAY_BEFORE = "HOLIDAY_BEFORE"
    HOLIDAY_AFTER = "HOLIDAY_AFTER"
    CALENDAR_DAY = "CALENDAR_DAY"


@dataclass(frozen=True, slots=True, order=True)
class MonthDay:
    """A day that comes every year; 29 February only in leap years."""

    month: int
    day: int


@dataclass(frozen=True, slots=True)
class Cycle:
    """
    When a contract settles: `lag_days` after the start date, then the next day that the method names.

    Only the list of the chosen method is used. Day of month 31 is the last day of any month, and so is any day that
    a month does not have.
    """

    lag_days: int
    method: CycleMethod
    date_policy: DatePolicy
    days_of_week: tuple[Weekday, ...] = ()
    days_of_month: tuple[int, ...] = ()
    month_days: tuple[MonthDay, ...] = ()


class InvalidCycle(ValueError):
    """A cycle names no day, or a day that does not exist. `field` is the cycle's field."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


class DateOutOfRange(ValueError):
    """The settlement date would lie outside the calendar."""

    def __init__(self, start: date) -> None:
        super().__init__(f"no settlement date for {start}")
        self.start = start


def check_cycle(cycle: Cycle, *, least_lag_days: int = 1, most_lag_days: int = 10) -> Cycle:
    """Return the cycle if dates can be computed from it. Raises InvalidCycle."""
    if not least_lag_days <= cycle.lag_days <= most_lag_days:
        raise InvalidCycle("lag_days", f"must be {least_lag_days} to {most_lag_days}")
    match cycle.method:
        case CycleMethod.WEEKLY if not cycle.days_of_week:
            raise InvalidCycle("days_of_week", "names no day")
        case CycleMethod.MONTHLY:
            exist = all(1 <= day <= _LONGEST_MONTHS[0] for day in cycle.days_of_month)
            _check_days("days_of_month", cycle.days_of_month, exist=exist)
        case CycleMethod.MANUAL_DATES:
            exist = all(_exists_in_leap_years(day) for day in cycle.month_days)
            _check_days("month_days", cycle.month_days, exist=exist)
    return cycle


def is_business_day(day: date, holidays: Container[date]) -> bool:
    """Tell whether banks are open: no Saturday, no Sunday, no holiday."""
    return day.weekday() <= _FRIDAY and day not in holidays


def settlement_date(start: date, cycle: Cycle, holidays: Container[date], *, adjust: bool = True) -> date:
    """
    Return the day on which an amount that started on `start` may be paid.

    `adjust` moves a date that the holiday rule pulled to the start date or before it to the first business day after
    the day the cycle named. Without it the start date is the earliest result. Raises DateOutOfRange.
    """
    try:
        nominal = nominal_date(start, cycle)
        moved = _move_off_holiday(nominal, cycle.date_policy, holidays)
        if adjust and moved <= start:
            moved = _walk(nominal, _DAY, holidays)
    except OverflowError:
        raise DateOutOfRange(start) from None
    return max(moved, start)


def nominal_date(start: date, cycle: Cycle) -> date:
    """Return the first day, `lag_days` after the start or later, that the method names. Raises DateOutOfRange."""
    try:
        base = start + timedelta(days=cycle.lag_days)
        return next(day for day in _candidates(base, cycle) if day >= base)
    except (OverflowError, StopIteration):
        raise DateOutOfRange(start) from None


def _check_days(field: str, days: Sequence[int | MonthDay], *, exist: bool) -> None:
    if not days:
        raise InvalidCycle(field, "names no day")
    if not exist:
        raise InvalidCycle(field, "names a day that does not exist")


def _exists_in_leap_years(day: MonthDay) -> bool:
    return 1 <= day.month <= len(_LONGEST_MONTHS) and 1 <= day.day <= _LONGEST_MONTHS[day.month - 1]


def _candidates(base: date, cycle: Cycle) -> Iterator[date]:
    """Yield, in order, days the method names, from some day not after the first one that counts."""
    if cycle.method is CycleMethod.MANUAL_DATES:
        yield from _manual_dates(base.year, cycle.month_days)
        return
    day = base
    while True:
        if _names(cycle, day):
            yield day
        day += _DAY


def _manual_dates(first_year: int, month_days: tuple[MonthDay, ...]) -> Iterator[date]:
    for year in range(first_year, min(first_year + _YEARS_TO_NEXT_LEAP_DAY, MAXYEAR) + 1):
        for named in sorted(month_days):
            if (named.month, named.day) != (2, 29) or isleap(year):
                yield date(year, named.month, named.day)


def _names(cycle: Cycle, day: date) -> bool:
    match cycle.method:
        case CycleMethod.WEEKLY:
            return tuple(Weekday)[day.weekday()] in cycle.days_of_week
        case CycleMethod.MONTHLY:
            last = monthrange(day.year, day.month)[1]
            return day.day in cycle.days_of_month or (day.day == last and max(cycle.days_of_month) > last)
        case _:
            return True


def _move_off_holiday(day: date, policy: DatePolicy, holidays: Container[date]) -> date:
    match policy:
        case DatePolicy.CALENDAR_DAY:
            return day
        case DatePolicy.HOLIDAY_BEFORE:
            return _walk(day, -_DAY, holidays)
        case DatePolicy.HOLIDAY_AFTER:
            return _walk(day, _DAY, holidays)


def _walk(day: date, step: timedelta, holidays: Container[date]) -> date:
    while not is_business_day(day, holidays):
        day += step
    return day

"""Protects what "이번 달" and "1개월" mean: Seoul days, both ends included."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console import periods

SATURDAY = date(2026, 11, 21)


@pytest.mark.parametrize(
    ("period", "first", "last"),
    [
        (periods.TODAY, SATURDAY, SATURDAY),
        (periods.YESTERDAY, date(2026, 11, 20), date(2026, 11, 20)),
        (periods.WEEK, date(2026, 11, 15), SATURDAY),
        (periods.MONTH, date(2026, 10, 22), SATURDAY),
        (periods.QUARTER, date(2026, 8, 22), SATURDAY),
        (periods.THIS_MONTH, date(2026, 11, 1), date(2026, 11, 30)),
        (periods.LAST_MONTH, date(2026, 10, 1), date(2026, 10, 31)),
        (periods.ALL, None, None),
    ],
)
def test_named_periods(period: str, first: date | None, last: date | None) -> None:
    assert periods.resolve(period, "", "", SATURDAY) == (first, last)


def test_a_month_before_a_long_months_end_is_the_short_months_end() -> None:
    assert periods.months_before(date(2026, 3, 31), 1) == date(2026, 2, 28)
    assert periods.months_before(date(2026, 1, 15), 1) == date(2025, 12, 15)


@pytest.mark.parametrize("text", ["2026-11-21", "2026.11.21", "2026/11/21", "20261121", " 2026-11-21 "])
def test_days_are_read_as_people_type_them(text: str) -> None:
    assert periods.read_day(text) == SATURDAY


@pytest.mark.parametrize(
    "text", ["2026-13-01", "어제", "٢٠٢٦-١١-٢١", "1999-12-31", "2100-01-01", "9999-12-31", "2026-02-29"]
)
def test_what_is_no_day_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"예요|주세요|있어요"):
        periods.read_day(text)


def test_an_end_before_its_start_is_refused() -> None:
    with pytest.raises(ValueError, match="시작일"):
        periods.resolve(periods.CUSTOM, "2026-11-21", "2026-11-01", SATURDAY)


@given(st.dates(date(2001, 1, 1), date(2099, 1, 1)), st.sampled_from([key for key, _ in periods.PRESETS]))
def test_every_period_runs_forward(today: date, period: str) -> None:
    first, last = periods.resolve(period, "", "", today)
    assert first is None or last is None or first <= last

"""Protects how figures, days and personal numbers are written: the same on every page and in every file."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console import columns
from console.columns import Badge, Column, Kind, Shape, Tone


class TestWon:
    @pytest.mark.parametrize(
        ("amount", "written"), [(0, "₩0"), (1_234, "₩1,234"), (-1_234, "-₩1,234"), (None, "–"), (Decimal(7), "₩7")]
    )
    def test_has_its_sign_in_front(self, amount: int | None, written: str) -> None:
        assert columns.won(amount) == written

    def test_refuses_a_float(self) -> None:
        with pytest.raises(TypeError):
            columns.won(1.5)


@pytest.mark.parametrize(
    ("units", "currency", "written"),
    [
        (1_234, "KRW", "1,234"),
        (123_456, "USD", "1,234.56 USD"),
        (-5, "USD", "-0.05 USD"),
        (-1_500, "JPY", "-1,500 JPY"),
    ],
)
def test_minor_units_are_written_by_currency(units: int, currency: str, written: str) -> None:
    assert columns.money(units, currency) == written


@pytest.mark.parametrize(
    ("units", "written"), [(3_300, "3.3%"), (10_000, "10%"), (0, "0%"), (1, "0.001%"), (-250, "-0.25%")]
)
def test_rates_lose_needless_zeros(units: int, written: str) -> None:
    assert columns.rate(units) == written


class TestDays:
    def test_name_their_weekday(self) -> None:
        assert columns.day(date(2026, 11, 21)) == "2026-11-21 (토)"

    def test_of_a_moment_are_seoul_days(self) -> None:
        assert columns.day(datetime(2026, 11, 20, 15, 30, tzinfo=UTC)) == "2026-11-21 (토)"
        assert columns.moment(datetime(2026, 11, 20, 15, 30, tzinfo=UTC)) == "2026-11-21 00:30"

    def test_unknown_ones_are_a_dash(self) -> None:
        assert columns.day(None) == columns.moment(None) == "–"


class TestMasked:
    @pytest.mark.parametrize(
        ("text", "shown"),
        [
            ("국민 11012345678", "국민 *******5678"),
            ("110-123-456789", "***-***-**6789"),
            ("1234", "1234"),
            ("홍길동", "홍길동"),
        ],
    )
    def test_leaves_the_last_four(self, text: str, shown: str) -> None:
        assert columns.masked(text) == shown

    @given(st.text("0123456789-", max_size=30))
    def test_never_shows_more_than_four_digits_of_one_number(self, text: str) -> None:
        shown = columns.masked(text)
        assert sum(char.isdigit() for char in shown) == min(4, sum(char.isdigit() for char in text))
        assert len(shown) == len(text)

    def test_is_applied_by_the_column_itself(self) -> None:
        assert Column("account", "계좌", Kind.MASKED).of({"account": "11012345678"}) == "*******5678"


class TestCells:
    def test_zero_is_zero_and_nothing_is_a_dash(self) -> None:
        column = Column("amount", "금액", Kind.WON)
        assert (column.text({"amount": 0}), column.text({"amount": None})) == ("0", "–")

    def test_a_badge_shows_its_word(self) -> None:
        column = Column("s", "상태", Kind.BADGE, badges={"OK": Badge("완료", Tone.SUCCESS, Shape.CHECK)})
        assert column.text({"s": "OK"}) == "완료"
        assert column.text({"s": "NEW_STATE"}) == "NEW_STATE"

"""Promise: money is never rounded twice, never by a binary float, and always by the mode that was chosen."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.money import (
    MAX_AMOUNT,
    MINOR_DIGITS,
    AmountOutOfRange,
    CurrencyNotSupported,
    Rounding,
    apportion,
    check_amount,
    minor_digits,
    rated,
    round_fraction,
    round_quotient,
)

amounts = st.integers(-MAX_AMOUNT, MAX_AMOUNT)
quotients = st.builds(Fraction, amounts, st.integers(1, 100_000))


class TestRounding:
    @pytest.mark.parametrize(
        ("value", "down", "up", "off"),
        [
            (Fraction(1_099_989, 1_000), 1_099, 1_100, 1_100),
            (Fraction(33_333, 11), 3_030, 3_031, 3_030),
            (Fraction(5, 2), 2, 3, 3),
            (Fraction(-5, 2), -2, -3, -3),
            (Fraction(12, 5), 2, 3, 2),
            (Fraction(-12, 5), -2, -3, -2),
            (Fraction(7), 7, 7, 7),
            (Fraction(0), 0, 0, 0),
        ],
    )
    def test_three_modes(self, value: Fraction, down: int, up: int, off: int) -> None:
        assert [round_fraction(value, mode) for mode in Rounding] == [down, up, off]

    @settings(deadline=None)
    @given(quotients)
    def test_stays_within_one_and_mirrors_at_zero(self, value: Fraction) -> None:
        down, up, off = (round_fraction(value, mode) for mode in Rounding)
        assert abs(down) <= abs(value) <= abs(up)
        assert abs(up) - abs(down) == (value.denominator != 1)
        assert abs(off - value) <= Fraction(1, 2)
        for mode in Rounding:
            assert round_fraction(-value, mode) == -round_fraction(value, mode)

    @pytest.mark.parametrize(("numerator", "denominator"), [(7, -2), (-7, 2)])
    def test_the_sign_may_stand_on_either_side(self, numerator: int, denominator: int) -> None:
        assert round_quotient(numerator, denominator, Rounding.DOWN) == -3

    def test_takes_whole_numbers_as_they_are(self) -> None:
        assert round_fraction(-8, Rounding.UP) == -8


class TestRate:
    def test_counts_in_hundred_thousandths(self) -> None:
        assert [rated(10_001, 10_000, mode) for mode in Rounding] == [1_000, 1_001, 1_000]
        assert [rated(33_333, 3_300, mode) for mode in Rounding] == [1_099, 1_100, 1_100]
        assert rated(MAX_AMOUNT, 100_000, Rounding.UP) == MAX_AMOUNT

    def test_what_is_added_is_not_rounded_by_itself(self) -> None:
        assert [rated(-15, 10_000, mode, plus=1) for mode in Rounding] == [0, -1, -1]

    def test_is_never_negative(self) -> None:
        with pytest.raises(AmountOutOfRange) as refused:
            rated(1, -1, Rounding.DOWN)
        assert (refused.value.field, refused.value.value) == ("rate", -1)


class TestBounds:
    @pytest.mark.parametrize("value", [-MAX_AMOUNT, 0, MAX_AMOUNT])
    def test_both_ends_are_allowed(self, value: int) -> None:
        assert check_amount("amount", value) == value

    @pytest.mark.parametrize("value", [-MAX_AMOUNT - 1, MAX_AMOUNT + 1])
    def test_beyond_them_nothing_is(self, value: int) -> None:
        with pytest.raises(AmountOutOfRange, match="amount"):
            check_amount("amount", value)

    def test_a_field_may_be_narrower(self) -> None:
        with pytest.raises(AmountOutOfRange):
            check_amount("quantity", 0, low=1)


class TestCurrencies:
    def test_won_and_yen_have_no_minor_digits(self) -> None:
        assert [minor_digits(currency) for currency in ("KRW", "JPY", "USD")] == [0, 0, 2]

    def test_nine_can_be_settled(self) -> None:
        assert set(MINOR_DIGITS) == {"KRW", "USD", "JPY", "EUR", "CNY", "TWD", "AUD", "THB", "HKD"}

    def test_another_is_refused(self) -> None:
        with pytest.raises(CurrencyNotSupported) as refused:
            minor_digits("GBP")
        assert refused.value.currency == "GBP"


class TestApportion:
    def test_the_rest_goes_to_the_first_of_the_largest(self) -> None:
        assert apportion(1_000, [1, 3, 3]) == [142, 430, 428]

    def test_without_weight_the_first_takes_all(self) -> None:
        assert apportion(1_000, [0, 0]) == [1_000, 0]

    def test_without_parts_there_is_nothing_to_split(self) -> None:
        assert apportion(1_000, []) == []

    @settings(deadline=None)
    @given(st.integers(0, MAX_AMOUNT), st.lists(st.integers(0, MAX_AMOUNT), min_size=1, max_size=8))
    def test_loses_nothing(self, total: int, weights: list[int]) -> None:
        parts = apportion(total, weights)
        assert sum(parts) == total
        assert min(parts) >= 0

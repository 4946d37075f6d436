"""Protects the warning about mistyped business registration numbers: right ones never get it, slips of a digit do."""

import pytest

from settlement.business_numbers import is_plausible

RIGHT = ("1178178260", "220-81-62517", "124-81-00998", "120-81-47521")


@pytest.mark.parametrize("number", RIGHT)
def test_real_numbers_are_plausible(number: str) -> None:
    assert is_plausible(number)


@pytest.mark.parametrize("number", RIGHT)
def test_another_last_digit_never_fits(number: str) -> None:
    for digit in "0123456789":
        assert is_plausible(number[:-1] + digit) == (digit == number[-1])


@pytest.mark.parametrize("number", ["", "117817826", "11781782600", "117817826x", "117 81 78260", "²178178260"])
def test_anything_else_is_not(number: str) -> None:
    assert not is_plausible(number)

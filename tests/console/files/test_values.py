"""Promise: what a person typed becomes exactly one value, or is refused by name; nothing is guessed."""

import unicodedata
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.files.columns import MOST_EXACT
from console.files.errors import ValueRefused
from console.files.values import Raw, clean_digits, clean_id, clean_text, parse_date, parse_decimal, parse_won


def refusal(parse: Callable[..., object], raw: Raw, **options: bool) -> str:
    with pytest.raises(ValueRefused) as caught:
        parse(raw, **options)
    assert str(caught.value.reason % caught.value.params)
    return caught.value.code


class TestAmounts:
    @pytest.mark.parametrize(
        ("raw", "won"),
        [
            ("0", 0),
            ("-0", 0),
            ("1234", 1_234),
            ("1,234", 1_234),
            ("12,345,678", 12_345_678),
            ("₩1,234", 1_234),
            ("￦1,234", 1_234),
            ("1,234원", 1_234),
            (" 1,234 원 ", 1_234),
            ("₩ 1,234", 1_234),
            ("(500)", -500),
            ("(₩1,500)", -1_500),
            ("(500)원", None),
            ("-500", -500),
            ("−500", -500),
            ("△500", -500),
            ("△1,500원", -1_500),
            ("₩-500", -500),
            ("-₩500", -500),
            ("１，２３４", 1_234),
            ("－５００", -500),
            ("\u200b1,234\ufeff", 1_234),
            ("\u00a01,234", 1_234),
            ("999999999999999", MOST_EXACT),
            (Decimal("1100.0"), 1_100),
            (Decimal(-3), -3),
            (Decimal("1E+3"), 1_000),
            (Decimal("999999999999999.0"), MOST_EXACT),
        ],
    )
    def test_forms_of_won(self, raw: Raw, won: int | None) -> None:
        if won is None:
            assert refusal(parse_won, raw) == "not_an_amount"
        else:
            assert parse_won(raw) == won

    @pytest.mark.parametrize(
        ("raw", "code"),
        [
            ("", "not_an_amount"),
            ("원", "not_an_amount"),
            ("-", "not_an_amount"),
            ("천원", "not_an_amount"),
            ("1,23", "not_an_amount"),
            ("12,34,567", "not_an_amount"),
            (",123", "not_an_amount"),
            ("1234,567", "not_an_amount"),
            ("1 234", "not_an_amount"),
            ("007", "not_an_amount"),
            ("00", "not_an_amount"),
            ("1e3", "not_an_amount"),
            ("1.10E+11", "not_an_amount"),
            ("+500", "not_an_amount"),
            ("NaN", "not_an_amount"),
            ("٣", "not_an_amount"),
            ("१२", "not_an_amount"),
            ("0x10", "not_an_amount"),
            ("1_000", "not_an_amount"),
            ("(500", "not_an_amount"),
            ("500)", "not_an_amount"),
            ("(-500)", "not_an_amount"),
            ("--5", "not_an_amount"),
            ("-△5", "not_an_amount"),
            ("-₩-5", "not_an_amount"),
            ("10²", "not_an_amount"),
            ("①", "not_an_amount"),
            ("½", "not_an_amount"),
            ("$500", "not_an_amount"),
            ("1\x00", "not_an_amount"),
            ("100.5", "fraction"),
            ("1,234.00", "fraction"),
            ("100.", "fraction"),
            (Decimal("100.5"), "fraction"),
            (Decimal("1E-20"), "fraction"),
            ("1000000000000000", "amount_too_large"),
            ("1,000,000,000,000,000", "amount_too_large"),
            (Decimal("1E+15"), "amount_too_large"),
            (Decimal("1E+9999"), "amount_too_large"),
            (Decimal("NaN"), "not_an_amount"),
            (Decimal("Infinity"), "not_an_amount"),
            (date(2026, 11, 21), "not_an_amount"),
        ],
    )
    def test_all_else_is_refused(self, raw: Raw, code: str) -> None:
        assert refusal(parse_won, raw) == code

    def test_a_minus_only_where_the_field_allows_it(self) -> None:
        assert refusal(parse_won, "-1", negative=False) == "negative"
        assert parse_won("-0", negative=False) == 0

    @given(st.integers(-MOST_EXACT, MOST_EXACT))
    def test_every_amount_comes_back_from_every_form(self, won: int) -> None:
        minus = "-" if won < 0 else ""
        forms: list[Raw] = [
            str(won),
            f"{won:,}",
            f"{won:,}원",
            f"{minus}₩{abs(won):,}",
            Decimal(won),
            Decimal(repr(float(won))),
        ]
        forms += [f"({-won:,})", f"△{-won}"] if won < 0 else []

        assert {parse_won(form) for form in forms} == {won}

    @given(st.text(max_size=12))
    def test_any_text_is_an_amount_or_refused(self, text: str) -> None:
        try:
            won = parse_won(text)
        except ValueRefused:
            return
        assert abs(won) == int("".join(str(unicodedata.decimal(c)) for c in text if c.isdecimal()))


class TestDecimals:
    @pytest.mark.parametrize(
        ("raw", "number"),
        [
            ("1,234.50", "1234.50"),
            ("-0.005", "-0.005"),
            ("−1", "-1"),
            ("１．５", "1.5"),
            (Decimal("0.1"), "0.1"),
            (Decimal("1234567890.12345"), "1234567890.12345"),
            ("12345678901234567890.123456789012345678", "12345678901234567890.123456789012345678"),
        ],
    )
    def test_forms(self, raw: Raw, number: str) -> None:
        assert str(parse_decimal(raw)) == number

    @pytest.mark.parametrize(
        ("raw", "code"),
        [
            ("", "not_a_number"),
            ("1e5", "not_a_number"),
            ("1.", "not_a_number"),
            (".5", "not_a_number"),
            ("1,23.4", "not_a_number"),
            ("NaN", "not_a_number"),
            ("5²", "not_a_number"),
            (Decimal("NaN"), "not_a_number"),
            (date(2026, 11, 21), "not_a_number"),
            (Decimal("0.30000000000000004"), "too_many_digits"),
            (Decimal("1E+300"), "too_many_digits"),
            (Decimal("1E-300"), "too_many_digits"),
            ("1" * 39, "too_many_digits"),
        ],
    )
    def test_all_else_is_refused(self, raw: Raw, code: str) -> None:
        assert refusal(parse_decimal, raw) == code


class TestDates:
    @pytest.mark.parametrize(
        "raw",
        [
            "2026-11-21",
            "2026.11.21",
            "2026/11/21",
            "20261121",
            " 2026-11-21 ",
            "２０２６－１１－２１",
            date(2026, 11, 21),
            datetime.fromisoformat("2026-11-21 09:30:00"),
            Decimal("20261121.0"),
            Decimal(20261121),
        ],
    )
    def test_forms_of_a_day(self, raw: Raw) -> None:
        day = parse_date(raw)

        assert day == date(2026, 11, 21)
        assert type(day) is date

    def test_months_and_days_may_lack_a_zero(self) -> None:
        assert parse_date("2026.1.5") == date(2026, 1, 5)

    @pytest.mark.parametrize(
        "raw",
        [
            "",
            "2026-02-29",
            "2026-13-01",
            "21-11-2026",
            "11/21/2026",
            "2026-11/21",
            "261121",
            "2026-11",
            "46347",
            Decimal(46347),
            Decimal("46347.5"),
            Decimal("NaN"),
            "2026-11-21 09:00",
            "내일",
            "0000-01-01",
            "٢٠٢٦-١١-٢١",
        ],
    )
    def test_all_else_is_refused(self, raw: Raw) -> None:
        assert refusal(parse_date, raw) == "not_a_date"

    @given(st.dates())
    def test_every_day_comes_back(self, day: date) -> None:
        assert parse_date(day.isoformat()) == parse_date(day.isoformat().replace("-", "")) == day


class TestDigits:
    @pytest.mark.parametrize(
        ("raw", "digits"),
        [
            ("001-234-567", "001234567"),
            (" 110 123 456789 ", "110123456789"),
            ("１２０－８１－４７５２１", "1208147521"),
        ],
    )
    def test_separators_go_and_leading_zeros_stay(self, raw: str, digits: str) -> None:
        assert clean_digits(raw) == digits

    @pytest.mark.parametrize(
        ("raw", "code"),
        [
            (Decimal("110123456789.0"), "must_be_text"),
            ("1.10E+11", "must_be_text"),
            ("1E11", "must_be_text"),
            (date(2026, 11, 21), "must_be_text"),
            ("", "required"),
            (" - ", "required"),
            ("123a", "not_digits"),
            ("١٢٣", "not_digits"),
            ("1.5", "not_digits"),
        ],
    )
    def test_what_excel_may_have_changed_is_refused(self, raw: Raw, code: str) -> None:
        assert refusal(clean_digits, raw) == code


class TestTexts:
    def test_an_id_is_only_trimmed(self) -> None:
        assert clean_id(" a/b c ﬁ 한글 ") == "a/b c ﬁ 한글"
        assert clean_id("e\u0301") == "e\u0301"

    @pytest.mark.parametrize(
        ("raw", "code"),
        [("a\x00b", "bad_character"), ("\ud800", "bad_character"), ("  ", "required"), (Decimal(5), "must_be_text")],
    )
    def test_ids_that_cannot_be(self, raw: Raw, code: str) -> None:
        assert refusal(clean_id, raw) == code

    @pytest.mark.parametrize(
        ("raw", "text"),
        [
            (" e\u0301 ", "é"),
            ("ﬁ １", "ﬁ １"),
            ("줄\n바꿈", "줄\n바꿈"),
            ("", ""),
            (Decimal("5.0"), "5"),
            (Decimal("0.50"), "0.5"),
            (Decimal("1E+20"), "1" + "0" * 20),
            (date(2026, 11, 21), "2026-11-21"),
            (datetime.fromisoformat("2026-11-21 09:05:00"), "2026-11-21 09:05:00"),
        ],
    )
    def test_free_text_is_composed_and_trimmed(self, raw: Raw, text: str) -> None:
        assert clean_text(raw) == text

    @pytest.mark.parametrize("raw", ["a\x00", "\udfff"])
    def test_free_text_that_no_database_holds(self, raw: str) -> None:
        assert refusal(clean_text, raw) == "bad_character"

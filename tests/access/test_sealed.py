"""Promise: an account number is unreadable without the keys, and a sealed value opens only where it was made."""

import base64

import pytest
from pytest_django import Settings

from access import sealed

HERE = {"table": "settlement_partner", "column": "account_number", "row": "ptn-7K2M9X4QTD"}
NUMBER = "110-234-567890"


def test_what_was_sealed_opens_at_its_place() -> None:
    value = sealed.seal(NUMBER, **HERE)
    assert NUMBER.encode() not in value
    assert sealed.unseal(value, **HERE) == NUMBER
    assert sealed.unseal(memoryview(value), **HERE) == NUMBER


def test_sealing_twice_gives_two_values() -> None:
    assert sealed.seal(NUMBER, **HERE) != sealed.seal(NUMBER, **HERE)


@pytest.mark.parametrize(
    "elsewhere",
    [
        HERE | {"row": "ptn-0000000000"},
        HERE | {"column": "resident_number"},
        HERE | {"table": "payouts_attempt"},
        {"table": "settlement_partneraccount", "column": "_number", "row": HERE["row"]},
    ],
)
def test_a_value_moved_elsewhere_does_not_open(elsewhere: dict[str, str]) -> None:
    value = sealed.seal(NUMBER, **HERE)
    with pytest.raises(sealed.CannotOpen) as caught:
        sealed.unseal(value, **elsewhere)
    assert NUMBER not in str(caught.value)


@pytest.mark.parametrize("place", [0, 1, 2, 10, 20, -1])
def test_a_changed_byte_does_not_open(place: int) -> None:
    value = bytearray(sealed.seal(NUMBER, **HERE))
    value[place] ^= 1
    with pytest.raises(sealed.CannotOpen):
        sealed.unseal(bytes(value), **HERE)


@pytest.mark.parametrize("value", [b"", b"\x01", b"plain text", b"\x01\xffabc"])
def test_what_is_no_sealed_value_is_refused(value: bytes) -> None:
    with pytest.raises(sealed.CannotOpen):
        sealed.unseal(value, **HERE)


def test_old_keys_open_and_the_last_one_seals(settings: Settings) -> None:
    old, new = (base64.b64encode(bytes([number]) * 32).decode() for number in (1, 2))
    settings.JEONGSAN = settings.JEONGSAN | {"ACCOUNT_KEYS": {"2025": old}}
    value = sealed.seal(NUMBER, **HERE)

    settings.JEONGSAN = settings.JEONGSAN | {"ACCOUNT_KEYS": {"2025": old, "2026": new}}
    assert sealed.unseal(value, **HERE) == NUMBER
    assert not sealed.is_current(value)
    assert sealed.is_current(sealed.seal(NUMBER, **HERE))

    settings.JEONGSAN = settings.JEONGSAN | {"ACCOUNT_KEYS": {"2026": new}}
    with pytest.raises(sealed.CannotOpen):
        sealed.unseal(value, **HERE)


def test_a_fingerprint_is_of_bank_and_digits() -> None:
    one = sealed.fingerprint("SHINHAN", "110-234-567890")
    assert (
        one
        == sealed.fingerprint("shinhan ", "110 234 567890")
        == sealed.fingerprint("SHINHAN", "１１０２３４５６７８９０")
    )
    assert one != sealed.fingerprint("KOOKMIN", "110234567890")
    assert one != sealed.fingerprint("SHINHAN", "110234567891")
    assert len(one) == 64


def test_a_fingerprint_needs_its_key(settings: Settings) -> None:
    before = sealed.fingerprint("SHINHAN", NUMBER)
    settings.JEONGSAN = settings.JEONGSAN | {"LOOKUP_KEY": "another key of at least 32 characters"}
    assert sealed.fingerprint("SHINHAN", NUMBER) != before


@pytest.mark.parametrize(("number", "shown"), [("110-234-567890", "7890"), ("12345", "2345"), ("1234", ""), ("", "")])
def test_the_last_four_never_show_all(number: str, shown: str) -> None:
    assert sealed.last4(number) == shown

"""Promise: whoever runs the product can make the first admins and repair what no admin can."""

import io

import pytest
from django.core.management import CommandError, call_command

from access.models import Membership, Merchant, User
from access.roles import Role

from .build import PASSWORD, firm

pytestmark = pytest.mark.django_db


def people(*words: str, typed: str = "", monkeypatch: pytest.MonkeyPatch | None = None) -> str:
    if monkeypatch is not None:
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    told = io.StringIO()
    call_command("people", *words, stdout=told)
    return told.getvalue().strip()


def test_the_first_merchant_and_its_first_admin(monkeypatch: pytest.MonkeyPatch) -> None:
    merchant = people("add-merchant", "Moon Market", "--business-number", "1208147521")
    people("add", merchant, "Ara", "--role", "admin", typed=f"{PASSWORD}\n", monkeypatch=monkeypatch)
    membership = Membership.objects.get(merchant=Merchant.objects.get(public_id=merchant))
    assert (membership.role, membership.user.username) == (Role.ADMIN, "ara")
    assert membership.user.check_password(PASSWORD)


def test_a_role_and_a_lost_second_factor() -> None:
    moon = firm()
    mina = moon.person("mina", Role.APPROVER, code=True)
    people("role", moon.merchant.public_id, "mina", "--role", "admin")
    people("drop-code", "mina")
    assert Membership.objects.get(user=mina).role == Role.ADMIN
    assert not User.objects.get(pk=mina.pk).has_code


@pytest.mark.parametrize(
    "words",
    [
        ("drop-code", "nobody"),
        ("role", "mer-0000000000", "nobody", "--role", "admin"),
        ("role", "mer-0", "nobody", "--role", "king"),
    ],
)
def test_what_is_not_there_is_told(words: tuple[str, ...]) -> None:
    with pytest.raises(CommandError):
        people(*words)


def test_a_weak_password_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CommandError):
        people("add", firm().merchant.public_id, "ara", "--role", "admin", typed="short\n", monkeypatch=monkeypatch)

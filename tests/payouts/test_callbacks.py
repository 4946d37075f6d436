"""Promise: a bank's callback only makes us ask sooner; forged, old, repeated or wrong ones change nothing."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.test import Client
from pytest_django import Settings

from access.webhooks import signing
from config import roles
from core import clock
from payouts import notices
from payouts.models import Attempt, AttemptState, BankAccount, BankCallback, Payout
from payouts.operations import dispatch, statements
from payouts.rails import OutcomeKind
from tests.payouts.world import World, world

SECRET = "the secret that the bank and we share"
URL = "/bank/callbacks/simulator"


@pytest.fixture(autouse=True)
def secret(settings: Settings) -> None:
    settings.BANK_CALLBACK_SECRET = SECRET


@pytest.fixture
def here(committed_db: str, tmp_path: Path) -> Iterator[World]:  # noqa: ARG001 - the world lives in it
    with world(tmp_path) as made:
        made.partner("acme")
        made.owe("acme", 10_000)
        yield made


@pytest.fixture
def unknown(here: World) -> Attempt:
    """Return an attempt that the bank executed and whose answer was lost; it is asked about in an hour."""
    here.bank.faults({"match": {}, "effect": "timeout_after", "count": 1})
    here.approved()
    here.send()
    Attempt.objects.update(next_inquiry_at=clock.now() + timedelta(hours=1))
    attempt = Attempt.objects.get()
    assert attempt.state == AttemptState.UNKNOWN
    return attempt


def notice(attempt: Attempt, status: str = "SUCCEEDED", **changes: object) -> dict[str, object]:
    return {
        "id": f"evt-{status}",
        "type": f"transfer.{status.lower()}",
        "reference": attempt.reference,
        "referenceDate": attempt.reference_date.isoformat(),
        "amount": attempt.amount,
        **changes,
    }


def post(body: object, *, name: str = "evt-1", key: str = SECRET, age: float = 0, url: str = URL) -> Any:
    data = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    now = clock.now() - timedelta(seconds=age)
    headers = signing.headers([key], message_id=name, now=now, body=data)
    return Client(headers=headers).post(url, data, content_type="application/json")


def states() -> tuple[object, ...]:
    """Return everything that says what became of money."""
    attempts = Attempt.objects.order_by("pk").values_list("pk", "state", "fence", "submission_no", "inquiries")
    return tuple(attempts), tuple(Payout.objects.order_by("pk").values_list("pk", "status"))


def test_it_makes_us_ask_at_once_and_the_answer_decides(here: World, unknown: Attempt) -> None:
    before = states()
    assert here.ask() == 0
    # It claims a failure; the bank itself says otherwise, and is believed.
    answer = post(notice(unknown, "FAILED"))
    assert (answer.status_code, answer.json()) == (200, {"received": True})
    assert states() == before
    assert BankCallback.objects.get().attempt_id == unknown.pk

    assert here.ask() == 1
    assert here.payout("acme").status == "SUCCEEDED"
    assert list(here.witness().values()) == [10_000]


def test_a_repeat_is_answered_alike_and_does_nothing(unknown: Attempt) -> None:
    post(notice(unknown))
    later = clock.now() + timedelta(hours=1)
    Attempt.objects.update(next_inquiry_at=later)
    again = post(notice(unknown, "FAILED"))
    assert again.status_code == 200
    assert Attempt.objects.get().next_inquiry_at == later
    assert BankCallback.objects.get().type == "transfer.succeeded"


@pytest.mark.parametrize(
    "wrong", [{"key": "another secret altogether"}, {"age": 301}, {"age": -301}, {"name": ""}, {"name": "x" * 201}]
)
def test_what_is_not_signed_now_by_the_bank_is_refused_and_kept_nowhere(
    unknown: Attempt, wrong: dict[str, Any]
) -> None:
    before = Attempt.objects.values().get()
    answer = post(notice(unknown), **wrong)
    assert (answer.status_code, answer.json()["type"]) == (401, "UNAUTHORIZED")
    assert not BankCallback.objects.exists()
    assert Attempt.objects.values().get() == before


def test_a_changed_body_is_refused(unknown: Attempt) -> None:
    body = json.dumps(notice(unknown)).encode()
    headers = signing.headers([SECRET], message_id="evt-1", now=clock.now(), body=body)
    answer = Client(headers=headers).post(URL, body.replace(b"10000", b"10001"), content_type="application/json")
    assert answer.status_code == 401
    assert not BankCallback.objects.exists()


@pytest.mark.usefixtures("here")
def test_without_a_secret_nobody_is_believed(settings: Settings) -> None:
    settings.BANK_CALLBACK_SECRET = ""
    assert post({}, key="").status_code == 401


@pytest.mark.usefixtures("here")
def test_what_nobody_knows_is_kept_for_people() -> None:
    body = {"type": "transfer.succeeded", "reference": "at-nobody", "referenceDate": "2026-11-21", "amount": 5}
    for name, sent in (
        ("evt-1", body),
        ("evt-2", b"\xff not json"),
        ("evt-3", []),
        ("evt-4", {"reference": 7, "referenceDate": "soon", "amount": "five", "type": "x" * 99}),
        ("evt-5", {"amount": 10**30}),
    ):
        assert post(sent, name=name).status_code == 200
    rows = BankCallback.objects.order_by("pk")
    assert all(row.attempt_id is None for row in rows)
    assert [(row.reference, row.amount) for row in rows] == [("at-nobody", 5), *[("", None)] * 4]


def test_one_for_another_date_or_rail_is_about_nothing_we_know(unknown: Attempt) -> None:
    other_day = (unknown.reference_date + timedelta(days=1)).isoformat()
    post(notice(unknown, referenceDate=other_day), name="evt-1")
    post(notice(unknown), name="evt-2", url="/bank/callbacks/test")
    assert [row.attempt_id for row in BankCallback.objects.all()] == [None, None]
    assert post(notice(unknown), name="evt-3", url="/bank/callbacks/elsewhere").status_code == 404


def test_success_of_a_failed_attempt_changes_nothing_but_has_the_statement_read(here: World) -> None:
    here.bank.faults({"match": {}, "effect": "refuse", "code": "412", "count": 1})
    here.approved()
    here.send()
    attempt = Attempt.objects.get()
    assert attempt.state == AttemptState.FAILED
    statements.read_statements(now=clock.now())
    before = states()
    assert post(notice(attempt)).status_code == 200
    assert states() == before
    assert BankAccount.objects.get().statement_checked_at is None


def test_a_notice_about_money_that_arrived_has_the_statement_read(here: World) -> None:
    here.approved()
    here.send()
    attempt = Attempt.objects.get()
    assert attempt.state == AttemptState.SUCCEEDED
    BankAccount.objects.update(statement_checked_at=clock.now())
    before = states()
    assert post(notice(attempt, "RETURNED")).status_code == 200
    assert states() == before
    assert BankAccount.objects.get().statement_checked_at is None


def test_one_that_only_repeats_what_we_know_asks_nothing(here: World) -> None:
    here.approved()
    here.send()
    attempt = Attempt.objects.get()
    checked = clock.now()
    BankAccount.objects.update(statement_checked_at=checked)
    assert post(notice(attempt)).status_code == 200
    assert BankAccount.objects.get().statement_checked_at == checked
    assert post(notice(attempt, amount=attempt.amount - 500), name="evt-2").status_code == 200
    assert BankAccount.objects.get().statement_checked_at is None


def test_one_that_comes_while_we_are_sending_leaves_the_sending_alone(here: World, unknown: Attempt) -> None:
    with roles.as_owner():
        run("alter table payouts_attempt disable trigger user")
        run("alter table payouts_payout disable trigger user")
        Attempt.objects.update(state="SUBMITTING", lease_until=clock.now() + timedelta(hours=1), next_inquiry_at=None)
        Payout.objects.update(status="PROCESSING")
        run("alter table payouts_payout enable trigger user")
        run("alter table payouts_attempt enable trigger user")
    before = Attempt.objects.values().get()
    assert post(notice(unknown)).status_code == 200
    assert Attempt.objects.values().get() == before

    # Whoever was sending has died: once its lease is over, the answer is asked for at once.
    Attempt.objects.update(lease_until=clock.now() - timedelta(seconds=1))
    dispatch.expire_leases(clock.now())
    assert here.ask() == 1
    assert here.payout("acme").status == OutcomeKind.SUCCEEDED


@pytest.mark.usefixtures("here")
def test_a_body_over_a_megabyte_is_refused() -> None:
    assert post(b"{" + b" " * notices.LARGEST_BODY + b"}").status_code == 413
    assert not BankCallback.objects.exists()


@pytest.mark.usefixtures("here")
def test_only_posts_and_no_cookies_are_asked_for() -> None:
    assert Client().get(URL).status_code == 405
    strict = Client(enforce_csrf_checks=True)
    assert strict.post(URL, b"{}", content_type="application/json").status_code == 401


def test_account_numbers_are_masked(unknown: Attempt) -> None:
    told = {"accountNumber": "110123456789", "holder": "김지우", "memo": "from 110-123-456789", "bankReference": "B1"}
    post(notice(unknown, **told))
    text = BankCallback.objects.get().body
    assert "110123456789" not in text
    assert "456789" not in text
    assert "김지우" not in text
    assert unknown.reference in text
    post(b"account 110123456789", name="evt-2")
    assert "110123456789" not in BankCallback.objects.latest("pk").body


def test_what_came_stays_as_it_came(unknown: Attempt) -> None:
    post(notice(unknown))
    for statement in ("update payouts_bankcallback set reference = ''", "delete from payouts_bankcallback"):
        with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
            run(statement)
        with roles.as_owner(), pytest.raises(IntegrityError, match="is refused"), transaction.atomic():
            run(statement)


def run(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)

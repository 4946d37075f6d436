"""Promise: every decision is recorded, a record cannot be changed, and if it is changed anyway that is found."""

import json
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone
from pytest_django import Settings

from access import audit, queries, seals, upkeep
from access.models import AuditEvent, AuditSeal
from access.queries import AuditFilter
from config import roles
from core import jobs
from core.actor import system
from core.scope import Scope

from .build import SETUP, firm

HERE = Scope(1)
STATEMENTS = [
    f"{verb} {table}{tail}"
    for table in ("access_auditevent", "access_auditseal", "access_sealedevent")
    for verb, tail in (("delete from", ""), ("truncate", " cascade"))
] + [
    "update access_auditevent set reason = 'changed'",
    "update access_auditevent set merchant_id = 2",
    "update access_auditseal set digest = 'x'",
    "update access_sealedevent set seal_id = seal_id",
]

TAMPERING = [
    ("update access_auditevent set reason = 'number 7' where reason = 'number 1'", "seal 1: an event"),
    ("update access_auditevent set at = at + interval '1 microsecond' where reason = 'number 0'", "seal 1: an event"),
    ("""update access_auditevent set after = '{"a": "한국"}' where after is not null""", "seal 2: an event"),
    (
        "update access_auditevent set actor_name = 'x' where id = (select min(id) from access_auditevent)",
        "seal 1: an event",
    ),
    ("update access_auditseal set digest = repeat('0', 64) where number = 1", "seal 1"),
    ("update access_auditseal set previous = '' where number = 2", "seal 2: does not follow"),
    (
        "delete from access_sealedevent where event_id = (select min(event_id) from access_sealedevent)",
        "seal 1: holds 1",
    ),
    (
        """with gone as (delete from access_sealedevent where seal_id = (select max(id) from access_auditseal))
        delete from access_auditseal where number = 2""",
        "seal 2: differs from the one in the file",
    ),
    (
        """with gone as (delete from access_sealedevent where seal_id = (select min(id) from access_auditseal))
        delete from access_auditseal where number = 1""",
        "seal 2: the one before it is missing",
    ),
]


def note(action: str = "thing.done", scope: Scope = HERE, **more: object) -> AuditEvent:
    audit.record(scope=scope, by=SETUP, action=action, kind="thing", object_id="t-1", **more)  # type: ignore[arg-type] # whatever a test wants to add
    return AuditEvent.objects.latest("pk")


def run(statement: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def settle() -> None:
    """
    Wait until every transaction as old as the newest event has ended.

    Events newer than any running transaction are not sealed yet, and other tests run theirs on the same server.
    """
    deadline, ended = time.monotonic() + 60, False
    with connection.cursor() as cursor:
        cursor.execute("select max(transaction) from access_auditevent")
        (newest,) = cursor.fetchone()
        while not ended and time.monotonic() < deadline:
            cursor.execute("select pg_snapshot_xmin(pg_current_snapshot())::text::bigint > %s", [newest])
            (ended,) = cursor.fetchone()
    assert ended


def seal(wanted: int) -> None:
    """Seal so many events at once."""
    settle()
    assert seals.seal(timezone.now()) == wanted


@pytest.fixture
def sealed_trail(committed_db: str, settings: Settings, tmp_path: Path) -> None:  # noqa: ARG001 - a database to commit in
    """Leave three sealed events and one that is not."""
    settings.JEONGSAN = settings.JEONGSAN | {"STORAGE_DIR": tmp_path}
    for number in range(2):
        note(reason=f"number {number}")
    seal(2)
    note(before={"b": 1, "a": [1]}, after={"a": "한글"})
    seal(1)
    note("thing.left")


@pytest.fixture
def as_owner(sealed_trail: None) -> Iterator[None]:  # noqa: ARG001 - there is something to change
    """Connect as the role that owns the tables, with the triggers off where a test says so."""
    with roles.as_owner():
        yield


class TestLaws:
    @pytest.mark.parametrize("statement", STATEMENTS)
    @pytest.mark.usefixtures("sealed_trail")
    def test_the_application_may_not(self, statement: str) -> None:
        with pytest.raises(DatabaseError, match="permission denied"):
            run(statement)

    @pytest.mark.parametrize("statement", STATEMENTS)
    @pytest.mark.usefixtures("as_owner")
    def test_the_owner_may_not_either(self, statement: str) -> None:
        with pytest.raises(DatabaseError, match="what is recorded stays"):
            run(statement)

    @pytest.mark.django_db
    def test_an_event_is_kept_only_if_what_it_tells_is(self) -> None:
        def undone() -> None:
            with transaction.atomic():
                note()
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            undone()
        assert not AuditEvent.objects.filter(action="thing.done").exists()


@pytest.mark.usefixtures("as_owner")
class TestSeals:
    def tamper(self, statement: str) -> None:
        tables = ("access_auditevent", "access_auditseal", "access_sealedevent")
        for table in tables:
            run(f"alter table {table} disable trigger user")
        run(statement)
        for table in tables:
            run(f"alter table {table} enable trigger user")

    def test_an_untouched_trail_is_intact(self) -> None:
        verdict = seals.verify()
        assert (verdict.intact, verdict.seals, verdict.events, verdict.unsealed) == (True, 2, 3, 1)

    @pytest.mark.parametrize(("statement", "found"), TAMPERING)
    def test_each_kind_of_tampering_is_found(self, statement: str, found: str) -> None:
        self.tamper(statement)
        verdict = seals.verify()
        assert not verdict.intact
        assert verdict.problem.startswith(found)

    def test_a_chain_computed_anew_is_found_by_the_file(self) -> None:
        self.tamper("update access_auditevent set reason = 'number 7' where reason = 'number 1'")
        self.tamper("delete from access_sealedevent")
        self.tamper("delete from access_auditseal")
        seal(4)
        assert seals.verify().problem == "seal 1: differs from the one in the file of seals, or is gone"

    def test_the_file_holds_every_seal_once(self, settings: Settings) -> None:
        seals.seal(timezone.now())
        lines = (settings.JEONGSAN["STORAGE_DIR"] / "audit-seals.jsonl").read_text().splitlines()
        assert [json.loads(line)["digest"] for line in lines] == list(
            AuditSeal.objects.order_by("number").values_list("digest", flat=True)
        )

    def test_events_in_running_transactions_wait(self) -> None:
        settle()
        with transaction.atomic():
            note("thing.running")
            # Our own transaction is still running, so its event is not final.
            assert seals.seal(timezone.now()) == 1
        seal(1)
        assert seals.seal(timezone.now()) == 0

    def test_the_floor_rises_only_over_what_is_old(self) -> None:
        assert AuditSeal.objects.order_by("number").last().floor_id == 0  # type: ignore[union-attr] # the fixture made two
        seals.seal(timezone.now() + timedelta(hours=7))
        assert AuditSeal.objects.order_by("number").last().floor_id > 0  # type: ignore[union-attr] # likewise

    def test_the_sweeper_seals_and_the_job_tells(self) -> None:
        settle()
        assert jobs.run_sweeper("access.seal_audit") == 1
        job = jobs.enqueue(scope=HERE, kind=upkeep.VERIFY_JOB, arguments={}, by=system("tests"), now=timezone.now())
        jobs.run_job(job.pk)
        job.refresh_from_db()
        assert job.result == {"intact": True, "seals": 3, "events": 4, "unsealed": 0, "problem": ""}


@pytest.mark.django_db
class TestRecord:
    def test_secrets_never_reach_the_trail(self) -> None:
        event = note(
            before={"password": "p", "accountNumber": "1", "nested": {"api_secret": "s", "bank": "KDB"}},
            after={"list": [{"totp-secret": "t", "memo": "m"}]},
        )
        event.refresh_from_db()
        assert event.before == {
            "password": "***",
            "accountNumber": "***",
            "nested": {"api_secret": "***", "bank": "KDB"},
        }
        assert event.after == {"list": [{"totp-secret": "***", "memo": "m"}]}

    def test_one_merchant_sees_its_own(self) -> None:
        moon, sun = firm(), firm("Sun Shop")
        note(scope=moon.scope)
        note(scope=Scope(moon.scope.merchant_id, is_test=True))
        found = queries.audit_events(moon.scope, AuditFilter(action="thing."))
        assert [event.is_test for event in found] == [True, False]
        assert not queries.audit_events(sun.scope, AuditFilter(action="thing.")).exists()
        assert queries.history(moon.scope, "thing", "t-1").count() == 1

    def test_filters(self) -> None:
        moon = firm()
        event = note(scope=moon.scope, reason="because")
        hit = [
            AuditFilter(since=event.at, until=event.at + timedelta(seconds=1), action="thing"),
            AuditFilter(actor="EST", kind="thing", object_id="t-1", is_test=False),
        ]
        miss = [
            AuditFilter(until=event.at),
            AuditFilter(actor="nobody"),
            AuditFilter(kind="other"),
            AuditFilter(object_id="t"),
            AuditFilter(is_test=True),
            AuditFilter(action="done"),
        ]
        assert all(queries.audit_events(moon.scope, wanted).first() == event for wanted in hit)
        assert not any(queries.audit_events(moon.scope, wanted).filter(pk=event.pk).exists() for wanted in miss)
        assert not queries.audit_events(moon.scope, AuditFilter(kind="thing"), before_id=event.pk).exists()

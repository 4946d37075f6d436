"""Promise: what happens to settlements and payouts is told in its own transaction, whatever statement wrote it."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection, transaction
from pytest_django import Settings

from access.models import WebhookDelivery, WebhookEvent
from access.webhooks import operations, targets
from access.webhooks.events import SUBSCRIBABLE
from config.bootstrap import ROOT
from core import clock
from core.scope import Scope
from payouts.models import BulkStatus, Decision, Payout
from payouts.operations import approval, running
from settlement.models import PartnerSettlement, SettlementRecord
from settlement.operations import records
from tests.payouts.world import CHECKER, MAKER, SYSTEM, World, world


@pytest.fixture(autouse=True)
def inside_allowed(settings: Settings) -> None:
    settings.WEBHOOK_PRIVATE_TARGETS = True


@pytest.fixture
def here(committed_db: str, tmp_path: Path) -> Iterator[World]:  # noqa: ARG001 - the world lives in it
    with world(tmp_path) as made:
        yield made


def listen(scope: Scope, *events: str) -> None:
    operations.add_endpoint(
        scope=scope,
        target=targets.check("http://127.0.0.1:9/"),
        events=events,
        description="",
        by=SYSTEM,
        now=clock.now(),
    )


def told(kind: str = "") -> list[tuple[str, str, str, int | None]]:
    """Return what is in the outbox, in its order: type, object, status, amount."""
    rows = WebhookEvent.objects.filter(type__startswith=kind).order_by("pk")
    return list(rows.values_list("type", "object_id", "status", "amount"))


def test_a_payout_is_told_at_every_step(here: World) -> None:
    listen(here.scope)
    here.partner("acme")
    here.owe("acme", 50_000)
    settlement = PartnerSettlement.objects.get()
    record = SettlementRecord.objects.get()
    assert told() == [
        ("partner_settlement.confirmed", settlement.public_id, "PAYOUT_PREPARED", 50_000),
        ("settlement.created", record.public_id, "SETTLED", 50_000),
    ] or told() == [
        ("settlement.created", record.public_id, "SETTLED", 50_000),
        ("partner_settlement.confirmed", settlement.public_id, "PAYOUT_PREPARED", 50_000),
    ]

    bulk = here.approved()
    here.send()
    payout = here.payout("acme")
    assert payout.status == "SUCCEEDED"
    assert [(kind, status, amount) for kind, _id, status, amount in told("payout.")] == [
        ("payout.approved", "CONFIRMED", 50_000),
        ("payout.processing", "PROCESSING", 50_000),
        ("payout.succeeded", "SUCCEEDED", 50_000),
    ]
    assert {name for _kind, name, _status, _amount in told("payout.")} == {payout.public_id}
    running.advance_all(clock.now())
    assert [kind for kind, *_rest in told("bulk_payout.")] == [
        "bulk_payout.submitted",
        "bulk_payout.approved",
        "bulk_payout.started",
        "bulk_payout.completed",
    ]
    assert set(told("bulk_payout.")) >= {("bulk_payout.approved", bulk.public_id, "APPROVED", 50_000)}
    # The sequence of one object rises in the order in which things happened to it.
    assert list(WebhookEvent.objects.order_by("occurred_at", "pk").values_list("pk", flat=True)) == sorted(
        WebhookEvent.objects.values_list("pk", flat=True)
    )


def test_a_refused_and_a_returned_payout_are_told(here: World) -> None:
    listen(here.scope, "payout.failed", "payout.unknown", "payout.stopped")
    here.partner("acme")
    here.owe("acme", 1_000)
    here.bank.faults({"match": {}, "effect": "refuse", "code": "412", "count": 1})
    here.approved()
    here.send()
    assert here.payout("acme").status == "FAILED"
    assert [kind for kind, *_rest in told()] == ["payout.failed"]


def test_a_rejection_a_withdrawal_and_a_cancel_are_three_things(here: World) -> None:
    listen(here.scope, "bulk_payout.rejected", "bulk_payout.reopened", "bulk_payout.cancelled", "payout.cancelled")
    here.partner("acme")
    here.owe("acme", 1_000)
    bulk = here.submit(here.build())
    bulk = approval.decide(
        scope=here.scope,
        bulk_id=bulk.public_id,
        seen_hash=bulk.content_hash,
        decision=Decision.REJECTED,
        reason="계좌를 다시 확인해 주세요",
        by=CHECKER,
        now=clock.now(),
    )
    assert [kind for kind, *_rest in told()] == ["bulk_payout.rejected"]
    here.submit(bulk)
    approval.expire_due(clock.now() + timedelta(hours=73))
    assert [kind for kind, *_rest in told()][1:] == ["bulk_payout.reopened"]
    bulk.refresh_from_db()
    assert bulk.status == BulkStatus.PREPARED


def test_a_void_is_told(here: World) -> None:
    listen(here.scope, "settlement.voided", "partner_settlement.voided")
    here.partner("acme")
    here.owe("acme", 7_000)
    with transaction.atomic():
        record = SettlementRecord.objects.get()
        run("update settlement_settlementrecord set state = 'VOIDED' where id = %(id)s", record.pk)
        run("update settlement_partnersettlement set state = 'VOIDED'")
    assert {(kind, amount) for kind, _id, _status, amount in told()} == {
        ("settlement.voided", 7_000),
        ("partner_settlement.voided", 7_000),
    }


def test_holding_back_and_releasing_are_told(here: World) -> None:
    listen(here.scope, "partner_settlement.withheld", "partner_settlement.excluded", "partner_settlement.released")
    here.partner("acme")
    here.owe("acme", 7_000)
    for state in ("PAYOUT_WITHHELD", "PAYOUT_EXCLUDED", "PAYOUT_PREPARED"):
        with transaction.atomic():
            run(f"update settlement_partnersettlement set state = '{state}'")  # noqa: S608 - a literal of this test
    assert [kind for kind, *_rest in told()] == [
        "partner_settlement.withheld",
        "partner_settlement.excluded",
        "partner_settlement.released",
    ]


def test_what_is_rolled_back_is_not_told(here: World) -> None:
    listen(here.scope)
    here.partner("acme")
    with transaction.atomic():
        here.owe("acme", 1_000)
        assert told()
        transaction.set_rollback(True)
    assert told() == []


def test_nothing_is_written_where_nobody_listens(here: World) -> None:
    listen(Scope(here.scope.merchant_id, is_test=True))
    listen(here.scope, "payout.failed")
    here.partner("acme")
    here.owe("acme", 1_000)
    here.approved()
    here.send()
    assert (told(), WebhookDelivery.objects.count()) == ([], 0)


def test_whoever_wants_one_type_gets_no_other(here: World) -> None:
    listen(here.scope, "payout.succeeded")
    here.owe_many(3)
    here.approved()
    here.send()
    assert [kind for kind, *_rest in told()] == ["payout.succeeded"] * Payout.objects.count()
    assert WebhookDelivery.objects.count() == 3


def test_orders_are_told_whichever_door_they_came_through(here: World) -> None:
    listen(here.scope, "settlement.created")
    here.partner("acme")
    draft = records.OrderDraft(partner_id="acme", payment_id="payment-1", amount=10_000, start_date=clock.today())
    record = records.record_order(scope=here.scope, by=MAKER, now=clock.now(), draft=draft)
    assert told() == [("settlement.created", record.public_id, record.state, record.net)]


def test_the_laws_know_the_same_types_as_the_code() -> None:
    sources = [path.read_text() for path in ROOT.glob("*/migrations/sql/*_webhook_events.up.sql")]
    assert len(sources) == 2
    text = "\n".join(sources)
    states = ("PROCESSING", "UNKNOWN", "SUCCEEDED", "FAILED", "RETURNED", "STOPPED", "CANCELLED")
    assert all(f"'{state}'" in text for state in states)
    derived = {f"payout.{state.lower()}" for state in states}
    assert {kind.value for kind in SUBSCRIBABLE} == derived | {
        kind.value for kind in SUBSCRIBABLE if f"'{kind.value}'" in text
    }


def run(statement: str, row: int = 0) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, {"id": row})

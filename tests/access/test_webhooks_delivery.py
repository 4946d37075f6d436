"""Promise: what is in the outbox arrives at least once, signed, and no receiver delays another or leads us inside."""

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from pytest_django import Settings

from access.models import (
    AuditEvent,
    DeliveryState,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEvent,
    WebhookState,
    WebhookTry,
)
from access.webhooks import delivery, operations, queries, signing, targets
from access.webhooks.events import EventType
from config import roles
from config.pytest_processes import Start
from core import clock, jobs
from core.errors import NotFound
from core.http import NetworkInsideTransaction
from core.scope import Scope
from ledger.posting import refused_by
from tests.access.build import SETUP, Firm, firm
from tests.access.receiver import Receiver, Reply, receiver


@pytest.fixture(autouse=True)
def inside_allowed(settings: Settings) -> None:
    settings.WEBHOOK_PRIVATE_TARGETS = True
    settings.WEBHOOK_SECONDS = 2
    # Real pauses: however slow the machine, none of them is over while a test runs.
    settings.TIME_SCALE = 1.0


@pytest.fixture
def moon(committed_db: str) -> Firm:  # noqa: ARG001 - the firm lives in it
    return firm()


@pytest.fixture
def shop() -> Iterator[Receiver]:
    with receiver() as made:
        yield made


def endpoint(scope: Scope, url: str, *events: str) -> tuple[WebhookEndpoint, str]:
    return operations.add_endpoint(
        scope=scope, target=targets.check(url), events=events, description="", by=SETUP, now=clock.now()
    )


def happens(scope: Scope, kind: str = "payout.succeeded", name: str = "po-1") -> WebhookEvent:
    """Write an event as the laws of the database do."""
    return WebhookEvent.objects.create(
        **scope.filters(),
        type=kind,
        object_kind="payout",
        object_id=name,
        status="SUCCEEDED",
        amount=1_000,
        currency="KRW",
    )


def one() -> WebhookDelivery:
    return WebhookDelivery.objects.select_related("endpoint").get()


def pass_time(past: timedelta) -> None:
    """Let time pass by making everything earlier: no test sleeps."""
    for row in WebhookDelivery.objects.all():
        WebhookDelivery.objects.filter(pk=row.pk).update(
            due_at=row.due_at - past, lease_until=row.lease_until and row.lease_until - past
        )
    for found in WebhookEndpoint.objects.exclude(failing_since=None):
        assert found.failing_since is not None
        WebhookEndpoint.objects.filter(pk=found.pk).update(failing_since=found.failing_since - past)


class TestWhatArrives:
    def test_is_thin_signed_and_the_state_of_that_moment(self, moon: Firm, shop: Receiver) -> None:
        _made, secret = endpoint(moon.scope, shop.url)
        event = happens(moon.scope)
        event.refresh_from_db()
        assert jobs.run_sweeper(operations.SWEEPER) == 1

        [call] = shop.calls
        assert signing.verify(secret, headers=call.headers, body=call.body, now=clock.now()) == event.public_id
        moment = clock.wire_moment(event.occurred_at)
        assert json.loads(call.body) == {
            "id": event.public_id,
            "type": "payout.succeeded",
            "timestamp": moment,
            "data": {
                "object": "payout",
                "id": "po-1",
                "status": "SUCCEEDED",
                "amount": 1_000,
                "currency": "KRW",
                "sequence": event.pk,
                "occurredAt": moment,
                "environment": "live",
            },
        }
        log = WebhookTry.objects.get()
        assert (log.status, log.error, log.body, log.address) == (204, "", call.body.decode(), "127.0.0.1")
        assert log.headers["webhook-signature"] == call.headers["webhook-signature"]
        assert (one().state, one().tries, one().last_status) == (DeliveryState.DELIVERED, 1, 204)
        assert delivery.deliver_due() == 0

    def test_goes_to_each_endpoint_of_the_scope_that_wants_it(self, moon: Firm, shop: Receiver) -> None:
        wanting, _ = endpoint(moon.scope, shop.url, "payout.succeeded", "payout.failed")
        everything, _ = endpoint(moon.scope, shop.url)
        endpoint(moon.scope, shop.url, "payout.failed")
        endpoint(Scope(moon.scope.merchant_id, is_test=True), shop.url)
        endpoint(firm("Other").scope, shop.url)
        off, _ = endpoint(moon.scope, shop.url)
        operations.disable_endpoint(scope=moon.scope, endpoint_id=off.public_id, by=SETUP, now=clock.now())
        happens(moon.scope)
        told = set(WebhookDelivery.objects.values_list("endpoint_id", flat=True))
        assert told == {wanting.pk, everything.pk}

    def test_a_test_goes_to_the_one_it_is_for(self, moon: Firm, shop: Receiver) -> None:
        mine, _ = endpoint(moon.scope, shop.url, "payout.failed")
        endpoint(moon.scope, shop.url)
        operations.send_test(scope=moon.scope, endpoint_id=mine.public_id, by=SETUP, now=clock.now())
        assert delivery.deliver_due() == 1
        assert json.loads(shop.calls[0].body)["type"] == EventType.TEST

    def test_while_a_secret_is_replaced_both_sign(self, moon: Firm, shop: Receiver) -> None:
        made, old = endpoint(moon.scope, shop.url)
        new = operations.rotate_secret(scope=moon.scope, endpoint_id=made.public_id, by=SETUP, now=clock.now())
        with pytest.raises(operations.RotationUnderWay):
            operations.rotate_secret(scope=moon.scope, endpoint_id=made.public_id, by=SETUP, now=clock.now())
        happens(moon.scope)
        delivery.deliver_due()
        for secret in (old, new):
            assert signing.verify(secret, headers=shop.calls[0].headers, body=shop.calls[0].body, now=clock.now())

        operations.drop_old_secret(scope=moon.scope, endpoint_id=made.public_id, by=SETUP)
        happens(moon.scope)
        delivery.deliver_due()
        assert signing.verify(new, headers=shop.calls[1].headers, body=shop.calls[1].body, now=clock.now())
        with pytest.raises(signing.BadSignature):
            signing.verify(old, headers=shop.calls[1].headers, body=shop.calls[1].body, now=clock.now())

    def test_secrets_lie_sealed_and_are_not_in_the_trail(self, moon: Firm, shop: Receiver) -> None:
        made, secret = endpoint(moon.scope, shop.url + "?token=hidden")
        operations.rotate_secret(scope=moon.scope, endpoint_id=made.public_id, by=SETUP, now=clock.now())
        row = WebhookEndpoint.objects.get()
        assert row.old_secret_sealed is not None
        for column in (row.secret_sealed, row.old_secret_sealed):
            assert secret.encode() not in bytes(column)
        trail = str(list(AuditEvent.objects.values("action", "before", "after")))
        assert "webhook.secret_rotated" in trail
        assert "hidden" not in trail
        assert "whsec_" not in trail


class TestFailing:
    @pytest.mark.parametrize(
        ("reply", "error"),
        [
            (Reply(500), "STATUS"),
            (Reply(404), "STATUS"),
            (Reply(302, {"Location": "http://127.0.0.1:1/"}), "REDIRECT"),
        ],
    )
    def test_anything_but_success_is_tried_again_later(self, moon: Firm, reply: Reply, error: str) -> None:
        with receiver(lambda _call: reply) as shop:
            endpoint(moon.scope, shop.url)
            happens(moon.scope)
            assert delivery.deliver_due() == 1
            found = one()
            assert (found.state, found.tries, found.last_status) == (DeliveryState.PENDING, 1, reply.status)
            assert found.last_error == error
            assert found.endpoint.failing_since is not None
            assert len(shop.calls) == 1

    def test_the_ladder_is_ten_tries_in_three_days_with_a_little_more_or_less(self, moon: Firm) -> None:
        ladder = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400]
        with receiver(lambda _call: Reply(500)) as shop:
            endpoint(moon.scope, shop.url)
            happens(moon.scope)
            for meant in ladder:
                before = clock.now()
                assert delivery.deliver_due() == 1
                after, due = clock.now(), one().due_at
                assert before + timedelta(seconds=meant * 0.8) <= due <= after + timedelta(seconds=meant * 1.2)
                WebhookDelivery.objects.update(due_at=clock.now())
            assert delivery.deliver_due() == 1
            assert delivery.deliver_due() == 0
        assert (one().state, one().tries) == (DeliveryState.FAILED, 10)
        assert len({call.headers["webhook-id"] for call in shop.calls}) == 1

    @pytest.mark.usefixtures("moon")
    def test_pauses_differ(self) -> None:
        found = [delivery.pause(2).total_seconds() for _ in range(200)]
        assert 240 <= min(found) < 270
        assert 330 < max(found) <= 360

    def test_a_receiver_may_ask_for_time_but_for_a_day_at_most(self, moon: Firm) -> None:
        asked = iter(["120", str(10**9), "Wed, 21 Oct 2065 07:28:00 GMT", "soon"])
        with receiver(lambda _call: Reply(429, {"Retry-After": next(asked)})) as shop:
            endpoint(moon.scope, shop.url)
            happens(moon.scope)
            waits = []
            for _try in range(4):
                WebhookDelivery.objects.update(due_at=clock.now())
                delivery.deliver_due()
                waits.append((one().due_at - clock.now()).total_seconds())
        assert 60 < waits[0] <= 120
        assert all(86_000 < wait <= 86_400 for wait in waits[1:3])
        assert waits[3] <= 7_200 * 1.2

    def test_gone_switches_the_endpoint_off(self, moon: Firm) -> None:
        with receiver(lambda _call: Reply(410)) as shop:
            endpoint(moon.scope, shop.url)
            happens(moon.scope)
            delivery.deliver_due()
        found = one()
        assert (found.state, found.endpoint.state, found.endpoint.state_reason) == ("FAILED", "DISABLED", "GONE")
        event = AuditEvent.objects.get(action="webhook.disabled")
        assert (event.reason, event.actor_kind) == ("GONE", "system")
        happens(moon.scope)
        assert WebhookDelivery.objects.count() == 1

    def test_three_days_are_told_and_five_end_it(self, moon: Firm) -> None:
        with receiver(lambda _call: Reply(500)) as shop:
            endpoint(moon.scope, shop.url)
            happens(moon.scope)
            delivery.deliver_due()
            assert not queries.in_trouble(moon.scope, clock.now())
            pass_time(timedelta(days=3))
            assert queries.in_trouble(moon.scope, clock.now())
            jobs.run_sweeper(operations.SWEEPER)
            assert one().endpoint.state == WebhookState.ENABLED
            pass_time(timedelta(days=2))
            jobs.run_sweeper(operations.SWEEPER)
        assert (one().endpoint.state, one().endpoint.state_reason) == ("DISABLED", "FAILING")
        assert AuditEvent.objects.filter(action="webhook.disabled", reason="FAILING").count() == 1
        assert queries.in_trouble(moon.scope, clock.now())

    def test_one_success_ends_the_trouble(self, moon: Firm) -> None:
        statuses = iter([500, 200])
        with receiver(lambda _call: Reply(next(statuses))) as shop:
            endpoint(moon.scope, shop.url)
            happens(moon.scope)
            delivery.deliver_due()
            pass_time(timedelta(days=4))
            delivery.deliver_due()
        assert one().state == DeliveryState.DELIVERED
        assert not queries.in_trouble(moon.scope, clock.now())

    def test_a_huge_answer_is_read_to_64_kb_and_counts_by_its_status(self, moon: Firm) -> None:
        with receiver(lambda _call: Reply(200, body=b"x" * 5_000_000)) as shop:
            endpoint(moon.scope, shop.url)
            happens(moon.scope)
            delivery.deliver_due()
        assert one().state == DeliveryState.DELIVERED
        assert WebhookTry.objects.get().answer == "x" * 65_536

    def test_an_answer_that_is_no_text_is_kept_as_far_as_it_goes(self, moon: Firm) -> None:
        with receiver(lambda _call: Reply(500, body=b"\xff\0ok")) as shop:
            endpoint(moon.scope, shop.url)
            happens(moon.scope)
            delivery.deliver_due()
        assert WebhookTry.objects.get().answer.endswith("ok")

    def test_nobody_there_is_tried_again(self, moon: Firm) -> None:
        endpoint(moon.scope, "http://127.0.0.1:1/")
        happens(moon.scope)
        delivery.deliver_due()
        assert (one().state, one().last_status) == (DeliveryState.PENDING, None)
        assert "no connection" in one().last_error

    def test_an_address_that_has_become_an_inside_one_is_not_called(
        self, moon: Firm, shop: Receiver, settings: Settings
    ) -> None:
        endpoint(moon.scope, shop.url.replace("http:", "https:"))
        settings.WEBHOOK_PRIVATE_TARGETS = False
        settings.WEBHOOK_PORTS = (shop.port,)
        happens(moon.scope)
        delivery.deliver_due()
        assert (one().state, one().last_error) == (DeliveryState.PENDING, "TARGET_REFUSED")
        assert shop.calls == []


class TestFairness:
    def test_a_slow_receiver_delays_nobody(self, moon: Firm, shop: Receiver, settings: Settings) -> None:
        settings.WEBHOOK_SECONDS = 30
        never = threading.Event()
        with receiver(lambda _call: Reply(200, until=never)) as slow:
            endpoint(moon.scope, slow.url, "payout.failed")
            endpoint(moon.scope, shop.url, "payout.succeeded")
            for number in range(40):
                happens(moon.scope, "payout.failed", f"slow-{number}")
            for number in range(60):
                happens(moon.scope, "payout.succeeded", f"quick-{number}")
            worker = threading.Thread(target=_work)
            worker.start()
            wait_for(lambda: len(shop.calls) == 60)
            # All of the quick ones arrived while the first slow ones were still waiting for their answer.
            ended = WebhookTry.objects.filter(delivery__event__type="payout.failed").count()
            under_way = len(slow.calls)
            never.set()
            worker.join()
        assert ended == 0
        assert under_way <= delivery.EACH_AT_ONCE

    def test_one_that_fails_gets_one_request_at_a_time(self, moon: Firm, shop: Receiver) -> None:
        made, _ = endpoint(moon.scope, shop.url)
        WebhookEndpoint.objects.filter(pk=made.pk).update(failing_since=clock.now())
        for number in range(5):
            happens(moon.scope, name=f"po-{number}")
        assert delivery.claim(clock.now(), most=10, failing=False) == []
        assert len(delivery.claim(clock.now(), most=10, failing=True)) == 1
        assert delivery.claim(clock.now(), most=10, failing=True) == []


def wait_for(condition: Callable[[], bool]) -> None:
    """Look again and again until it holds; fail when it never does."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def _work() -> None:
    try:
        delivery.deliver_due()
    finally:
        connection.close()


class TestDying:
    def test_who_dies_while_sending_leaves_it_to_the_next(self, moon: Firm, shop: Receiver) -> None:
        endpoint(moon.scope, shop.url)
        happens(moon.scope)
        [lost] = delivery.claim(clock.now(), most=10, failing=False)
        sent = delivery.send(lost)
        assert len(shop.calls) == 1

        assert delivery.deliver_due() == 0
        pass_time(timedelta(seconds=60))
        assert delivery.deliver_due() == 1
        assert len(shop.calls) == 2
        assert shop.calls[0].headers["webhook-id"] == shop.calls[1].headers["webhook-id"]
        assert shop.calls[0].body == shop.calls[1].body

        # Whoever was only frozen comes too late: what he saw is logged and moves nothing.
        delivery.record(sent, now=clock.now())
        assert (one().state, one().tries) == (DeliveryState.DELIVERED, 1)
        assert WebhookTry.objects.count() == 2

    def test_a_worker_killed_while_it_sends_loses_nothing(self, moon: Firm, start_worker: Start) -> None:
        never = threading.Event()
        with receiver(lambda _call: Reply(200, until=never)) as shop:
            endpoint(moon.scope, shop.url)
            happens(moon.scope)
            running = start_worker(WEBHOOK_PRIVATE_TARGETS="1")
            wait_for(lambda: len(shop.calls) == 1)
            os.kill(running.pid, signal.SIGKILL)
            running.process.wait()
            never.set()
            assert (one().state, WebhookTry.objects.count()) == (DeliveryState.PENDING, 0)

            pass_time(timedelta(seconds=60))
            start_worker(WEBHOOK_PRIVATE_TARGETS="1")
            wait_for(lambda: one().state == DeliveryState.DELIVERED)
        assert len({call.headers["webhook-id"] for call in shop.calls}) == 1
        assert len(shop.calls) == 2

    def test_nothing_is_sent_inside_a_transaction(self, moon: Firm, shop: Receiver) -> None:
        endpoint(moon.scope, shop.url)
        happens(moon.scope)
        [ready] = delivery.claim(clock.now(), most=10, failing=False)
        with transaction.atomic(), pytest.raises(NetworkInsideTransaction):
            delivery.send(ready)
        with transaction.atomic(), pytest.raises(RuntimeError, match="durable"):
            delivery.deliver_due()
        assert shop.calls == []


class TestAgain:
    def test_one_is_sent_again_whatever_came_of_it(self, moon: Firm, shop: Receiver) -> None:
        endpoint(moon.scope, shop.url)
        happens(moon.scope)
        delivery.deliver_due()
        for _twice in range(2):
            operations.resend(scope=moon.scope, delivery_id=one().public_id, by=SETUP, now=clock.now())
        assert delivery.deliver_due() == 1
        assert [call.headers["webhook-id"] for call in shop.calls] == [shop.calls[0].headers["webhook-id"]] * 2

    def test_not_while_it_is_being_sent_nor_to_one_that_is_off(self, moon: Firm, shop: Receiver) -> None:
        made, _ = endpoint(moon.scope, shop.url)
        happens(moon.scope)
        delivery.claim(clock.now(), most=1, failing=False)
        with pytest.raises(operations.BeingSent):
            operations.resend(scope=moon.scope, delivery_id=one().public_id, by=SETUP, now=clock.now())
        operations.disable_endpoint(scope=moon.scope, endpoint_id=made.public_id, by=SETUP, now=clock.now())
        with pytest.raises(operations.EndpointOff):
            operations.resend(scope=moon.scope, delivery_id=one().public_id, by=SETUP, now=clock.now())

    def test_all_that_were_given_up_in_a_period(self, moon: Firm, shop: Receiver) -> None:
        endpoint(moon.scope, shop.url)
        for number in range(4):
            happens(moon.scope, name=f"po-{number}")
        rows = list(WebhookDelivery.objects.order_by("pk"))
        now = clock.now()
        WebhookDelivery.objects.exclude(pk=rows[0].pk).update(state=DeliveryState.FAILED, tries=10)
        WebhookDelivery.objects.filter(pk=rows[1].pk).update(created_at=now - timedelta(days=9))
        WebhookDelivery.objects.filter(pk=rows[0].pk).update(state=DeliveryState.DELIVERED)
        since, until = now - timedelta(days=1), now + timedelta(days=1)
        found = [
            operations.resend_failed(scope=scope, since=since, until=until, by=SETUP, now=now)
            for scope in (firm("Other").scope, moon.scope, moon.scope)
        ]
        assert found == [0, 2, 0]
        assert delivery.deliver_due() == 2

    def test_what_waited_is_sent_when_the_endpoint_is_on_again_and_not_after_it_is_deleted(
        self, moon: Firm, shop: Receiver
    ) -> None:
        made, _ = endpoint(moon.scope, shop.url)
        happens(moon.scope)
        operations.disable_endpoint(scope=moon.scope, endpoint_id=made.public_id, by=SETUP, now=clock.now())
        assert delivery.deliver_due() == 0
        operations.enable_endpoint(scope=moon.scope, endpoint_id=made.public_id, by=SETUP, now=clock.now())
        assert delivery.deliver_due() == 1
        happens(moon.scope)
        operations.delete_endpoint(scope=moon.scope, endpoint_id=made.public_id, by=SETUP, now=clock.now())
        assert delivery.deliver_due() == 0
        assert WebhookDelivery.objects.filter(state=DeliveryState.CANCELLED).count() == 1
        with pytest.raises(NotFound):
            operations.enable_endpoint(scope=moon.scope, endpoint_id=made.public_id, by=SETUP, now=clock.now())

    def test_another_merchant_finds_nothing(self, moon: Firm, shop: Receiver) -> None:
        made, _ = endpoint(moon.scope, shop.url)
        happens(moon.scope)
        for scope in (firm("Other").scope, Scope(moon.scope.merchant_id, is_test=True)):
            assert not queries.endpoints(scope)
            assert not queries.deliveries(scope)
            with pytest.raises(NotFound):
                queries.find_delivery(scope, one().public_id)
            with pytest.raises(NotFound):
                operations.rotate_secret(scope=scope, endpoint_id=made.public_id, by=SETUP, now=clock.now())
            with pytest.raises(NotFound):
                operations.resend(scope=scope, delivery_id=one().public_id, by=SETUP, now=clock.now())


class TestTheOutbox:
    def test_goes_with_its_transaction(self, moon: Firm, shop: Receiver) -> None:
        endpoint(moon.scope, shop.url)
        with transaction.atomic():
            happens(moon.scope)
            transaction.set_rollback(True)
        assert (WebhookEvent.objects.count(), WebhookDelivery.objects.count()) == (0, 0)

    def test_stays_as_it_was_written(self, moon: Firm, shop: Receiver) -> None:
        endpoint(moon.scope, shop.url)
        happens(moon.scope)
        delivery.deliver_due()
        statements = (
            "update access_webhookevent set amount = 2",
            "delete from access_webhookevent",
            "update access_webhooktry set status = 200",
            "delete from access_webhooktry",
            "delete from access_webhookdelivery",
            "delete from access_webhookendpoint",
        )
        for statement in statements:
            with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
                run(statement)
        for statement in statements[:3]:
            with roles.as_owner(), pytest.raises(IntegrityError, match="refused"), transaction.atomic():
                run(statement)
        with pytest.raises(IntegrityError) as caught, transaction.atomic():
            run("update access_webhookdelivery set event_id = event_id + 1")
        assert refused_by(caught.value) == "access_webhookdelivery_about"

    def test_is_tidied_after_30_days_unless_it_still_waits(self, moon: Firm, shop: Receiver) -> None:
        endpoint(moon.scope, shop.url)
        old = clock.now() - timedelta(days=31)
        for name in ("sent", "waits"):
            event = happens(moon.scope, name=name)
            if name == "sent":
                delivery.deliver_due()
            with roles.as_owner():
                run("alter table access_webhookevent disable trigger webhook_event_unchanged")
                WebhookEvent.objects.filter(pk=event.pk).update(occurred_at=old)
                run("alter table access_webhookevent enable trigger webhook_event_unchanged")
        happens(moon.scope, name="new")
        assert jobs.run_sweeper("access.webhooks_tidy") == 1
        assert sorted(WebhookEvent.objects.values_list("object_id", flat=True)) == ["new", "waits"]
        assert WebhookTry.objects.count() == 0


def run(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)

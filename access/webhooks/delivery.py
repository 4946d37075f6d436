"""
Sending what waits: claim, send, record.

A claim and a record are short transactions of their own; between them, with none open, a request goes out from a thread
that knows no database. Who dies in between leaves a lease that runs out, and the delivery is sent again: at least once.
No more than a few requests are under way to one endpoint, and of the threads some are kept from endpoints that fail, so
a receiver that is slow or dead delays nobody else.
"""

import random
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from django.conf import settings
from django.db import connection, transaction

from access.models import DeliveryState, WebhookDelivery, WebhookEndpoint, WebhookState, WebhookTry
from access.webhooks import events, operations, queries, signing, targets
from core import clock, hints, http, jobs
from core.actor import system
from core.sql import call, load

# After each try that failed, so long until the next one; the last try is the tenth.
PAUSES = tuple(timedelta(seconds=seconds) for seconds in (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400))
JITTER = 0.2
ANSWER_KEPT = 65_536
EACH_AT_ONCE = 4
_THREADS, _FOR_FAILING = 32, 12
_LONGEST_RUN_SECONDS = 20.0
_LOOK_AGAIN_SECONDS = 0.5
_LEASE_SPARE = timedelta(seconds=20)
_LONGEST_RETRY_AFTER = timedelta(days=1)
_TIDIED_AT_ONCE = 10_000
_OK, _REDIRECTS, _GONE = range(200, 300), range(300, 400), 410
_BY = system(operations.SWEEPER)


@dataclass(frozen=True, slots=True)
class Ready:
    """One request that is to be sent, with everything a thread needs for it."""

    delivery_id: int
    fence: int
    url: str
    message_id: str
    body: bytes
    secrets: tuple[str, ...]
    failing: bool


@dataclass(frozen=True, slots=True)
class Sent:
    """What came of a request. `status` is None when there was no answer, `error` names why it does not count."""

    ready: Ready
    at: datetime
    headers: dict[str, str]
    milliseconds: int
    address: str = ""
    status: int | None = None
    answer: str = ""
    error: str = ""
    retry_after: timedelta | None = None

    @property
    def arrived(self) -> bool:
        """Say whether the receiver took it: what it says about itself afterwards does not matter."""
        return self.status in _OK


def claim(now: datetime, *, most: int, failing: bool) -> list[Ready]:
    """Take up so many due deliveries, of endpoints that answered last or of those that fail."""
    if most <= 0:
        return []
    lease = now + timedelta(seconds=settings.WEBHOOK_SECONDS) + _LEASE_SPARE
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute(
            load("access", "claim_deliveries"),
            {"now": now, "most": most, "each": EACH_AT_ONCE, "failing": failing, "lease": lease},
        )
        ids = [row[0] for row in cursor.fetchall()]
        rows = WebhookDelivery.objects.filter(pk__in=ids).select_related("event", "endpoint").order_by("due_at", "pk")
        return [_ready(row) for row in rows]


def _ready(row: WebhookDelivery) -> Ready:
    endpoint = row.endpoint
    return Ready(
        delivery_id=row.pk,
        fence=row.fence,
        url=endpoint.url,
        message_id=row.event.public_id,
        body=events.body(row.event),
        secrets=queries.secrets_of(endpoint),
        failing=endpoint.failing_since is not None,
    )


def send(ready: Ready, *, resolve: targets.Resolve = targets.resolve_name) -> Sent:
    """Send one request; whatever happens to it is in what is returned. Touches no database."""
    at, started = clock.now(), time.monotonic()
    headers = signing.headers(ready.secrets, message_id=ready.message_id, now=at, body=ready.body)
    headers |= {"Content-Type": "application/json; charset=utf-8", "User-Agent": "Jeongsan-Webhooks/1"}
    address = ""
    try:
        target = targets.check(ready.url, resolve=resolve)
        address, answer = _post(target, ready.body, headers, until=started + settings.WEBHOOK_SECONDS)
    except targets.TargetRefused:
        return Sent(ready, at, headers, _since(started), error="TARGET_REFUSED")
    except http.HttpFailure as failure:
        status = getattr(failure, "status", None)
        return Sent(ready, at, headers, _since(started), address, status=status, error=str(failure)[:200])
    error = "" if answer.status in _OK else "REDIRECT" if answer.status in _REDIRECTS else "STATUS"
    text = answer.body.decode(errors="replace").replace("\0", "\N{REPLACEMENT CHARACTER}")
    retry_after = _retry_after(answer.headers.get("retry-after", ""), at)
    return Sent(ready, at, headers, _since(started), address, answer.status, text, error, retry_after)


def _post(target: targets.Target, body: bytes, headers: dict[str, str], *, until: float) -> tuple[str, http.Answer]:
    failure: http.NotSent = http.NotSent("no address")
    for address in target.addresses:
        left = until - time.monotonic()
        if left <= 0:
            break
        limits = http.Limits(connect=left, read=left, total=left, answer_bytes=ANSWER_KEPT, cut_answer=True)
        try:
            return address, http.request("POST", target.url, body=body, headers=headers, limits=limits, address=address)
        except http.NotSent as unreachable:
            failure = unreachable
    raise failure


def _since(started: float) -> int:
    return int((time.monotonic() - started) * 1000)


def _retry_after(header: str, now: datetime) -> timedelta | None:
    """Return how long a receiver asks to be left alone, a day at most; None when it does not say."""
    if header.isascii() and header.isdecimal():
        asked = timedelta(seconds=min(int(header[:9]), 86_400))
    else:
        try:
            moment = parsedate_to_datetime(header)
        except ValueError:
            return None
        asked = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now
    return min(max(asked, timedelta()), _LONGEST_RETRY_AFTER)


def record(sent: Sent, *, now: datetime) -> None:
    """Write down what came of a request, and when the next one is due if it did not arrive."""
    with transaction.atomic(durable=True):
        endpoint_id = WebhookDelivery.objects.values_list("endpoint_id", flat=True).get(pk=sent.ready.delivery_id)
        endpoint = WebhookEndpoint.objects.select_for_update(no_key=True).get(pk=endpoint_id)
        WebhookTry.objects.create(
            delivery_id=sent.ready.delivery_id,
            at=sent.at,
            url=sent.ready.url,
            address=sent.address,
            headers=sent.headers,
            body=sent.ready.body.decode(),
            status=sent.status,
            answer=sent.answer,
            error=sent.error,
            milliseconds=sent.milliseconds,
        )
        delivery = WebhookDelivery.objects.select_for_update().get(pk=sent.ready.delivery_id)
        if delivery.fence == sent.ready.fence and delivery.state == DeliveryState.PENDING:
            _move(delivery, sent, now)
        if endpoint.state == WebhookState.ENABLED:
            _judge(endpoint, sent, now)


def _move(delivery: WebhookDelivery, sent: Sent, now: datetime) -> None:
    delivery.lease_until = None
    delivery.tries += 1
    delivery.last_status, delivery.last_error, delivery.last_at = sent.status, sent.error, sent.at
    if sent.arrived:
        delivery.state = DeliveryState.DELIVERED
    elif sent.status == _GONE or delivery.tries > len(PAUSES):
        delivery.state = DeliveryState.FAILED
    else:
        delivery.due_at = now + max(pause(delivery.tries), sent.retry_after or timedelta())
    delivery.save(update_fields=["lease_until", "tries", "last_status", "last_error", "last_at", "state", "due_at"])


def pause(tries: int) -> timedelta:
    """Return how long to wait after so many tries, in the time scale in force and a little more or less each time."""
    return queries.scaled(PAUSES[tries - 1]) * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - jitter


def _judge(endpoint: WebhookEndpoint, sent: Sent, now: datetime) -> None:
    if sent.arrived:
        WebhookEndpoint.objects.filter(pk=endpoint.pk).update(failing_since=None, last_success_at=sent.at)
        return
    if endpoint.failing_since is None:
        WebhookEndpoint.objects.filter(pk=endpoint.pk).update(failing_since=sent.at)
    if sent.status == _GONE:
        _switch_off(endpoint, queries.GONE, now)


def _switch_off(endpoint: WebhookEndpoint, reason: str, now: datetime) -> None:
    operations.disable_endpoint(scope=endpoint.scope, endpoint_id=endpoint.public_id, by=_BY, now=now, reason=reason)


def give_up_on_dead(now: datetime) -> int:
    """Switch off the endpoints that have failed for five days; returns how many."""
    dead = WebhookEndpoint.objects.filter(
        state=WebhookState.ENABLED, failing_since__lte=now - queries.scaled(queries.DISABLE_AFTER)
    )
    found = list(dead)
    for endpoint in found:
        _switch_off(endpoint, queries.FAILING, now)
    return len(found)


def deliver_due(*, send_one: Callable[[Ready], Sent] = send) -> int:
    """Send everything that is due, for a bounded time; returns how many requests were sent."""
    started, total = time.monotonic(), 0
    flying: dict[Future[Sent], Ready] = {}
    with ThreadPoolExecutor(max_workers=_THREADS, thread_name_prefix="webhooks") as pool:
        while True:
            if time.monotonic() - started < _LONGEST_RUN_SECONDS:
                for ready in _claim_for(flying):
                    flying[pool.submit(send_one, ready)] = ready
            if not flying:
                break
            done, _rest = wait(flying, timeout=_LOOK_AGAIN_SECONDS, return_when=FIRST_COMPLETED)
            for future in done:
                del flying[future]
                record(future.result(), now=clock.now())
            total += len(done)
    if time.monotonic() - started >= _LONGEST_RUN_SECONDS:
        hints.send_now("core.run_sweeper", jobs.Queue.WEBHOOKS.value, name=operations.SWEEPER)
    return total


def _claim_for(flying: dict[Future[Sent], Ready]) -> list[Ready]:
    now, failing = clock.now(), sum(ready.failing for ready in flying.values())
    room = _THREADS - len(flying)
    found = claim(now, most=min(room - (_FOR_FAILING - failing), room), failing=False)
    return [*found, *claim(now, most=min(_FOR_FAILING - failing, room - len(found)), failing=True)]


@jobs.sweeper(operations.SWEEPER, queue=jobs.Queue.WEBHOOKS, alone=False)
def sweep() -> int:
    """Send what waits, and switch off what has been dead for days."""
    return deliver_due() + give_up_on_dead(clock.now())


@jobs.sweeper("access.webhooks_tidy", queue=jobs.Queue.WEBHOOKS)
def tidy() -> int:
    """Remove events, deliveries and their log when they are 30 days old."""
    total = 0
    while removed := int(call("access_webhook_tidy", [_TIDIED_AT_ONCE])):
        total += removed
    return total

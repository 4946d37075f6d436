"""
Verbs of webhooks: add, change, switch off and on, delete, replace the secret, test, send again.

Each is one transaction and leaves an audit event. None asks the network: whoever calls brings a `Target` that
`targets.check` has looked at before.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from urllib.parse import urlsplit

from django.db import transaction
from django.utils.translation import gettext as _

from access import audit, sealed
from access.models import DeliveryState, WebhookDelivery, WebhookEndpoint, WebhookEvent, WebhookState
from access.webhooks import queries, signing
from access.webhooks.events import SUBSCRIBABLE, EventType
from access.webhooks.targets import Target
from core import ids, jobs
from core.actor import Actor
from core.errors import Conflict, InvalidRequest
from core.scope import Scope

SWEEPER = "access.webhooks"
MOST_ENDPOINTS = 20
MOST_AT_ONCE = 10_000
_ENDPOINT = ids.IdKind("whe", 23, dated=False)
_LONGEST_DESCRIPTION = 200


class TooManyEndpoints(Conflict):
    """A merchant has as many endpoints as it may have."""

    code = "TOO_MANY_WEBHOOKS"


class EndpointOff(Conflict):
    """Nothing is sent to an endpoint that is switched off."""

    code = "WEBHOOK_DISABLED"


class RotationUnderWay(Conflict):
    """The secret before the present one still signs."""

    code = "WEBHOOK_ROTATION_UNDER_WAY"


class BeingSent(Conflict):
    """The delivery is on its way at this moment."""

    code = "WEBHOOK_BEING_SENT"


def add_endpoint(
    *, scope: Scope, target: Target, events: Collection[str], description: str, by: Actor, now: datetime
) -> tuple[WebhookEndpoint, str]:
    """
    Add an endpoint; returns it with its secret, which cannot be read again. No events means all of them.

    Raises InvalidRequest, TooManyEndpoints.
    """
    secret, public_id = signing.new_secret(), ids.new_id(_ENDPOINT, now)
    endpoint = WebhookEndpoint(
        **scope.filters(),
        public_id=public_id,
        url=target.url,
        description=_description(description),
        events=_events(events),
        state_changed_at=now,
        secret_sealed=_sealed(secret, queries.COLUMN, public_id),
        created_by=by.name,
        created_at=now,
    )
    with transaction.atomic():
        if queries.endpoints(scope).count() >= MOST_ENDPOINTS:
            raise TooManyEndpoints(_("웹훅은 %(most)d개까지 만들 수 있어요.") % {"most": MOST_ENDPOINTS})
        endpoint.save(force_insert=True)
        _record(endpoint, by, "added", after=_told(endpoint))
    return queries.find_endpoint(scope, public_id), secret


def change_endpoint(
    *,
    scope: Scope,
    endpoint_id: str,
    by: Actor,
    target: Target | None = None,
    events: Collection[str] | None = None,
    description: str | None = None,
) -> WebhookEndpoint:
    """Change what is given of an endpoint. Raises NotFound, InvalidRequest."""
    with transaction.atomic():
        endpoint = _locked(scope, endpoint_id)
        before = _told(endpoint)
        if target is not None:
            endpoint.url = target.url
        if events is not None:
            endpoint.events = _events(events)
        if description is not None:
            endpoint.description = _description(description)
        if _told(endpoint) != before:
            endpoint.save(update_fields=["url", "events", "description"])
            _record(endpoint, by, "changed", before=before, after=_told(endpoint))
    return endpoint


def disable_endpoint(*, scope: Scope, endpoint_id: str, by: Actor, now: datetime, reason: str = "") -> None:
    """Send an endpoint nothing from now on; what waits for it stays. Raises NotFound."""
    with transaction.atomic():
        endpoint = _locked(scope, endpoint_id)
        if endpoint.state == WebhookState.ENABLED:
            _turn(endpoint, WebhookState.DISABLED, now, reason)
            _record(endpoint, by, "disabled", reason=reason)


def enable_endpoint(*, scope: Scope, endpoint_id: str, by: Actor, now: datetime) -> None:
    """Send an endpoint things again, first what waited for it. Raises NotFound."""
    with transaction.atomic():
        endpoint = _locked(scope, endpoint_id)
        if endpoint.state == WebhookState.DISABLED:
            endpoint.failing_since = None
            _turn(endpoint, WebhookState.ENABLED, now, "")
            _record(endpoint, by, "enabled")
            jobs.wake(SWEEPER)


def delete_endpoint(*, scope: Scope, endpoint_id: str, by: Actor, now: datetime) -> None:
    """Delete an endpoint; what waits for it is never sent, the log of what was sent stays. Raises NotFound."""
    with transaction.atomic():
        endpoint = _locked(scope, endpoint_id)
        waiting = WebhookDelivery.objects.filter(endpoint=endpoint, state=DeliveryState.PENDING)
        waiting.update(state=DeliveryState.CANCELLED, lease_until=None)
        _turn(endpoint, WebhookState.DELETED, now, "")
        _record(endpoint, by, "deleted")


def rotate_secret(*, scope: Scope, endpoint_id: str, by: Actor, now: datetime) -> str:
    """
    Make a new secret and return it, once; until the old one is dropped both sign.

    Raises NotFound, RotationUnderWay.
    """
    secret = signing.new_secret()
    with transaction.atomic():
        endpoint = _locked(scope, endpoint_id)
        if endpoint.old_secret_sealed is not None:
            raise RotationUnderWay(_("이전 비밀 키를 먼저 폐기해 주세요. 그다음에 새로 만들 수 있어요."))
        present = queries.secrets_of(endpoint)[0]
        endpoint.old_secret_sealed = _sealed(present, queries.OLD_COLUMN, endpoint.public_id)
        endpoint.secret_sealed = _sealed(secret, queries.COLUMN, endpoint.public_id)
        endpoint.rotated_at = now
        endpoint.save(update_fields=["old_secret_sealed", "secret_sealed", "rotated_at"])
        _record(endpoint, by, "secret_rotated")
    return secret


def drop_old_secret(*, scope: Scope, endpoint_id: str, by: Actor) -> None:
    """Sign with the present secret alone from now on; without an old one nothing happens. Raises NotFound."""
    with transaction.atomic():
        endpoint = _locked(scope, endpoint_id)
        if endpoint.old_secret_sealed is not None:
            endpoint.old_secret_sealed = None
            endpoint.save(update_fields=["old_secret_sealed"])
            _record(endpoint, by, "old_secret_dropped")


def send_test(*, scope: Scope, endpoint_id: str, by: Actor, now: datetime) -> WebhookDelivery:
    """Send an endpoint an event that means nothing, to see that it arrives. Raises NotFound, EndpointOff."""
    with transaction.atomic():
        endpoint = _locked(scope, endpoint_id)
        _refuse_off(endpoint)
        event = WebhookEvent.objects.create(
            **scope.filters(),
            type=EventType.TEST,
            object_kind="webhook",
            object_id=endpoint.public_id,
            status=endpoint.state,
            occurred_at=now,
            endpoint_id=endpoint.pk,
        )
        _record(endpoint, by, "tested")
        jobs.wake(SWEEPER)
        return queries.deliveries(scope).get(event=event)


def resend(*, scope: Scope, delivery_id: str, by: Actor, now: datetime) -> WebhookDelivery:
    """
    Send one event to its endpoint again, whatever came of it, with the ladder from its start.

    Raises NotFound, EndpointOff, BeingSent.
    """
    with transaction.atomic():
        endpoint_id = queries.find_delivery(scope, delivery_id).endpoint_id
        endpoint = WebhookEndpoint.objects.select_for_update(no_key=True).get(pk=endpoint_id)
        _refuse_off(endpoint)
        delivery = queries.deliveries(scope).select_for_update(of=("self",)).get(public_id=delivery_id)
        if delivery.lease_until is not None and delivery.lease_until > now:
            raise BeingSent(_("지금 보내고 있어요. 잠시 뒤에 결과를 확인해 주세요."))
        delivery.state, delivery.tries, delivery.due_at, delivery.lease_until = DeliveryState.PENDING, 0, now, None
        delivery.save(update_fields=["state", "tries", "due_at", "lease_until"])
        _record(endpoint, by, "resent", after={"delivery": delivery_id})
        jobs.wake(SWEEPER)
    return delivery


def resend_failed(
    *, scope: Scope, since: datetime, until: datetime, by: Actor, now: datetime, endpoint_id: str = ""
) -> int:
    """
    Send everything again that was given up in a period, to one endpoint or to all; returns how many, at most 10,000.

    Endpoints that are switched off are left out.
    """
    with transaction.atomic():
        given_up = queries.failed_between(scope, since, until, endpoint_id)
        locked = given_up.order_by("id").select_for_update(of=("self",), skip_locked=True)
        chosen = list(locked.values_list("pk", flat=True)[:MOST_AT_ONCE])
        count = WebhookDelivery.objects.filter(pk__in=chosen).update(
            state=DeliveryState.PENDING, tries=0, due_at=now, lease_until=None
        )
        if count:
            after = {"since": since, "until": until, "count": count}
            audit.record(
                scope=scope,
                by=by,
                action="webhook.failed_resent",
                kind="webhook",
                object_id=endpoint_id or "all",
                after=after,
            )
            jobs.wake(SWEEPER)
    return count


def _locked(scope: Scope, endpoint_id: str) -> WebhookEndpoint:
    # Not a full lock: a transaction whose event is for this endpoint must not wait for us, nor we for it.
    found = queries.endpoints(scope).select_for_update(no_key=True).filter(public_id=endpoint_id).first()
    return found or queries.find_endpoint(scope, endpoint_id)


def _refuse_off(endpoint: WebhookEndpoint) -> None:
    if endpoint.state != WebhookState.ENABLED:
        raise EndpointOff(_("꺼진 웹훅이에요. 켠 다음에 보낼 수 있어요."))


def _turn(endpoint: WebhookEndpoint, state: WebhookState, now: datetime, reason: str) -> None:
    endpoint.state, endpoint.state_reason, endpoint.state_changed_at = state, reason, now
    endpoint.save(update_fields=["state", "state_reason", "state_changed_at", "failing_since"])


def _sealed(secret: str, column: str, public_id: str) -> bytes:
    return sealed.seal(secret, table=queries.TABLE, column=column, row=public_id)


def _description(text: str) -> str:
    if len(text) > _LONGEST_DESCRIPTION:
        raise InvalidRequest(_("설명은 200자까지 쓸 수 있어요."), field="description")
    return text.strip()


def _events(wanted: Collection[str]) -> list[str]:
    known = {kind.value for kind in SUBSCRIBABLE}
    strange = sorted(set(wanted) - known)
    if strange:
        raise InvalidRequest(_("없는 이벤트예요: %(name)s") % {"name": strange[0][:60]}, field="events")
    return [kind.value for kind in SUBSCRIBABLE if kind.value in set(wanted)]


def _told(endpoint: WebhookEndpoint) -> dict[str, object]:
    # The query of a URL may hold a password of the receiver's.
    plain = urlsplit(endpoint.url)._replace(query="").geturl()
    hidden = {"query": "***"} if urlsplit(endpoint.url).query else {}
    return {"url": plain, **hidden, "events": list(endpoint.events), "description": endpoint.description}


def _record(
    endpoint: WebhookEndpoint,
    by: Actor,
    verb: str,
    *,
    before: Mapping[str, object] | None = None,
    after: Mapping[str, object] | None = None,
    reason: str = "",
) -> None:
    audit.record(
        scope=endpoint.scope,
        by=by,
        action=f"webhook.{verb}",
        kind="webhook",
        object_id=endpoint.public_id,
        before=before,
        after=after,
        reason=reason,
    )

"""
Our own API: webhooks, what was sent to them, and sending again.

A secret is in the live answer that made it and nowhere else: stored answers, which repeat under an Idempotency-Key, are
without it.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from django.http import HttpResponse

from access import wire
from access.api import Answer, ApiRequest, V1View
from access.cursors import CursorPage
from access.models import DeliveryState, WebhookDelivery, WebhookEndpoint, WebhookTry
from access.roles import ApiScope
from access.webhooks import operations, queries, targets
from access.webhooks.events import EventType
from access.wire import without_absent
from core import clock
from core.errors import InvalidRequest

Shape = dict[str, Any]
_METHODS = ("GET", "HEAD", "POST", "PATCH", "DELETE")
_MADE = 201


def _moment(value: datetime | None) -> str | None:
    return clock.wire_moment(value) if value else None


def endpoint_shape(row: WebhookEndpoint) -> Shape:
    """Return an endpoint as the wire shows it."""
    return without_absent(
        {
            "id": row.public_id,
            "url": row.url,
            "description": row.description,
            "events": list(row.events),
            "status": str(row.state),
            "statusReason": row.state_reason or None,
            "hasOldSecret": row.old_secret_sealed is not None,
            "failingSince": _moment(row.failing_since),
            "lastSucceededAt": _moment(row.last_success_at),
            "createdAt": _moment(row.created_at),
        }
    )


def delivery_shape(row: WebhookDelivery) -> Shape:
    """Return a delivery as the wire shows it."""
    return without_absent(
        {
            "id": row.public_id,
            "webhookId": row.endpoint.public_id,
            "eventId": row.event.public_id,
            "type": row.event.type,
            "objectId": row.event.object_id,
            "status": str(row.state),
            "tries": row.tries,
            "lastStatusCode": row.last_status,
            "lastError": row.last_error or None,
            "lastTriedAt": _moment(row.last_at),
            "nextTryAt": _moment(row.due_at) if row.state == DeliveryState.PENDING else None,
            "occurredAt": _moment(row.event.occurred_at),
        }
    )


def _try(row: WebhookTry) -> Shape:
    return without_absent(
        {
            "at": _moment(row.at),
            "url": row.url,
            "requestHeaders": row.headers,
            "requestBody": row.body,
            "statusCode": row.status,
            "answer": row.answer,
            "error": row.error or None,
            "milliseconds": row.milliseconds,
        }
    )


class _WebhookView(V1View):
    """Base of these endpoints: one scope for all methods, names looked up and secrets told outside the transaction."""

    scope_needed: ClassVar[ApiScope | Mapping[str, ApiScope] | None] = dict.fromkeys(_METHODS, ApiScope.WEBHOOKS)

    # Whether the body may name an address.
    takes_url: ClassVar[bool] = False

    _target: targets.Target | None = None
    _refused: targets.TargetRefused | None = None
    _secret: str = ""

    def _run(self, call: ApiRequest) -> HttpResponse:
        if self.takes_url and call.method in {"POST", "PATCH"} and call.fields.has("url"):
            self._look_at(call.fields.text("url", longest=targets.LONGEST_URL))
        answer = super()._run(call)
        if self._secret:
            answer.content = wire.render({**json.loads(answer.content), "secret": self._secret})
        return answer

    def _look_at(self, url: str) -> None:
        # The refusal waits for the method: the same request under the same key is answered as before, whatever the
        # name server says now.
        try:
            self._target = targets.check(url)
        except targets.TargetRefused as refusal:
            self._refused = refusal

    def target(self) -> targets.Target | None:
        """Return the address that was sent, looked at. Raises TargetRefused."""
        if self._refused is not None:
            raise self._refused
        return self._target


class Webhooks(_WebhookView):
    """GET, POST /webhooks."""

    takes_url = True

    def get(self, request: ApiRequest) -> Shape:
        """Return all of them, newest first."""
        return {"items": [endpoint_shape(row) for row in queries.endpoints(request.scope)]}

    def post(self, request: ApiRequest) -> Answer:
        """Add one; the answer holds its secret. WEBHOOK_TARGET_REFUSED, TOO_MANY_WEBHOOKS."""
        fields = request.fields
        fields.text("url", longest=targets.LONGEST_URL)
        events = fields.texts("events", most=100, longest=60) if fields.given("events") else []
        description = fields.maybe_text("description", longest=200) or ""
        target = self.target()
        if target is None:
            raise InvalidRequest(field="url")
        row, self._secret = operations.add_endpoint(
            scope=request.scope,
            target=target,
            events=events,
            description=description,
            by=request.actor,
            now=clock.now(),
        )
        return Answer(endpoint_shape(row), status=_MADE)


class Webhook(_WebhookView):
    """GET, PATCH, DELETE /webhooks/{id}."""

    takes_url = True

    def get(self, request: ApiRequest, public_id: str) -> Shape:
        """Return one. NOT_FOUND."""
        return endpoint_shape(queries.find_endpoint(request.scope, public_id))

    def patch(self, request: ApiRequest, public_id: str) -> Shape:
        """Change what is given. NOT_FOUND, WEBHOOK_TARGET_REFUSED."""
        fields = request.fields
        fields.maybe_text("url", longest=targets.LONGEST_URL)
        row = operations.change_endpoint(
            scope=request.scope,
            endpoint_id=public_id,
            target=self.target(),
            events=fields.texts("events", most=100, longest=60) if fields.given("events") else None,
            description=fields.maybe_text("description", longest=200),
            by=request.actor,
        )
        return endpoint_shape(row)

    def delete(self, request: ApiRequest, public_id: str) -> Shape:
        """Delete one. NOT_FOUND."""
        operations.delete_endpoint(scope=request.scope, endpoint_id=public_id, by=request.actor, now=clock.now())
        return {}


class Rotate(_WebhookView):
    """POST /webhooks/{id}/rotate."""

    def post(self, request: ApiRequest, public_id: str) -> Shape:
        """Make a new secret, which the answer holds; the old one signs too until it is dropped."""
        self._secret = operations.rotate_secret(
            scope=request.scope, endpoint_id=public_id, by=request.actor, now=clock.now()
        )
        return endpoint_shape(queries.find_endpoint(request.scope, public_id))


class DropOldSecret(_WebhookView):
    """POST /webhooks/{id}/drop-old-secret."""

    def post(self, request: ApiRequest, public_id: str) -> Shape:
        """Sign with the present secret alone. NOT_FOUND."""
        operations.drop_old_secret(scope=request.scope, endpoint_id=public_id, by=request.actor)
        return endpoint_shape(queries.find_endpoint(request.scope, public_id))


class Disable(_WebhookView):
    """POST /webhooks/{id}/disable."""

    def post(self, request: ApiRequest, public_id: str) -> Shape:
        """Send nothing any more. NOT_FOUND."""
        operations.disable_endpoint(scope=request.scope, endpoint_id=public_id, by=request.actor, now=clock.now())
        return endpoint_shape(queries.find_endpoint(request.scope, public_id))


class Enable(_WebhookView):
    """POST /webhooks/{id}/enable."""

    def post(self, request: ApiRequest, public_id: str) -> Shape:
        """Send again, first what waited. NOT_FOUND."""
        operations.enable_endpoint(scope=request.scope, endpoint_id=public_id, by=request.actor, now=clock.now())
        return endpoint_shape(queries.find_endpoint(request.scope, public_id))


class Ping(_WebhookView):
    """POST /webhooks/{id}/ping."""

    def post(self, request: ApiRequest, public_id: str) -> Answer:
        """Send an event that means nothing. NOT_FOUND, WEBHOOK_DISABLED."""
        row = operations.send_test(scope=request.scope, endpoint_id=public_id, by=request.actor, now=clock.now())
        return Answer(delivery_shape(row), status=_MADE)


class Deliveries(_WebhookView):
    """GET /webhook-deliveries."""

    def get(self, request: ApiRequest) -> Shape:
        """Return what was and is to be sent, newest first."""
        query = request.query
        rows = queries.deliveries(request.scope)
        if wanted := query.texts("webhookId", most=100, longest=40):
            rows = rows.filter(endpoint__public_id__in=wanted)
        if types := query.choices("type", EventType):
            rows = rows.filter(event__type__in=types)
        if states := query.choices("status", DeliveryState):
            rows = rows.filter(state__in=states)
        since, until = query.maybe_moment("occurredFrom"), query.maybe_moment("occurredUntil")
        rows = rows.filter(created_at__gte=since) if since else rows
        rows = rows.filter(created_at__lt=until) if until else rows
        found, more = CursorPage.of(query).take(rows)
        return {"items": [delivery_shape(row) for row in found], **more}


class Delivery(_WebhookView):
    """GET /webhook-deliveries/{id}."""

    def get(self, request: ApiRequest, public_id: str) -> Shape:
        """Return one with every request that was sent for it. NOT_FOUND."""
        row = queries.find_delivery(request.scope, public_id)
        return delivery_shape(row) | {"log": [_try(one) for one in queries.log_of(row)]}


class Resend(_WebhookView):
    """POST /webhook-deliveries/{id}/resend."""

    def post(self, request: ApiRequest, public_id: str) -> Shape:
        """Send it again. NOT_FOUND, WEBHOOK_DISABLED, WEBHOOK_BEING_SENT."""
        row = operations.resend(scope=request.scope, delivery_id=public_id, by=request.actor, now=clock.now())
        return delivery_shape(row)


class ResendFailed(_WebhookView):
    """POST /webhooks/resend-failed."""

    def post(self, request: ApiRequest) -> Shape:
        """Send again what was given up in a period, to one webhook or to all."""
        fields = request.fields
        count = operations.resend_failed(
            scope=request.scope,
            since=fields.moment("from"),
            until=fields.moment("until"),
            endpoint_id=fields.maybe_text("webhookId", longest=40) or "",
            by=request.actor,
            now=clock.now(),
        )
        return {"count": count}

"""Reads: endpoints, what was sent to them, and which of them are in trouble."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q, QuerySet

from access import sealed
from access.models import DeliveryState, WebhookDelivery, WebhookEndpoint, WebhookState, WebhookTry
from core.errors import NotFound
from core.scope import Scope

TABLE, COLUMN, OLD_COLUMN = "access_webhookendpoint", "secret_sealed", "old_secret_sealed"
NOTICE_AFTER, DISABLE_AFTER = timedelta(days=3), timedelta(days=5)
# Why an endpoint was switched off by the product itself; a person needs no word.
GONE, FAILING = "GONE", "FAILING"


def endpoints(scope: Scope) -> QuerySet[WebhookEndpoint]:
    """Return the endpoints of a scope that were not deleted, newest first."""
    return WebhookEndpoint.objects.within(scope).exclude(state=WebhookState.DELETED).order_by("-id")


def find_endpoint(scope: Scope, public_id: str) -> WebhookEndpoint:
    """Return one endpoint. Raises NotFound."""
    found = endpoints(scope).filter(public_id=public_id).first()
    if found is None:
        raise NotFound
    return found


def deliveries(scope: Scope) -> QuerySet[WebhookDelivery]:
    """Return what was or is to be sent in a scope, with event and endpoint, newest first."""
    return WebhookDelivery.objects.within(scope).select_related("event", "endpoint").order_by("-id")


def find_delivery(scope: Scope, public_id: str) -> WebhookDelivery:
    """Return one delivery. Raises NotFound."""
    found = deliveries(scope).filter(public_id=public_id).first()
    if found is None:
        raise NotFound
    return found


def log_of(delivery: WebhookDelivery) -> QuerySet[WebhookTry]:
    """Return every request that was sent for a delivery, newest first."""
    return delivery.log.order_by("-id")


def failed_between(
    scope: Scope, since: datetime, until: datetime, endpoint_id: str = ""
) -> QuerySet[WebhookDelivery, WebhookDelivery]:
    """Return the deliveries given up whose event happened in a period; `since` is included, `until` is not."""
    found = deliveries(scope).filter(
        state=DeliveryState.FAILED,
        created_at__gte=since,
        created_at__lt=until,
        endpoint__state=WebhookState.ENABLED,
    )
    return found.filter(endpoint__public_id=endpoint_id) if endpoint_id else found


def scaled(pause: timedelta) -> timedelta:
    """Return a pause in the time scale in force."""
    return pause * settings.TIME_SCALE


def in_trouble(scope: Scope, now: datetime) -> QuerySet[WebhookEndpoint]:
    """Return the endpoints that failed for three days, or were switched off because of their answers."""
    failing = Q(state=WebhookState.ENABLED, failing_since__lte=now - scaled(NOTICE_AFTER))
    return endpoints(scope).filter(failing | Q(state=WebhookState.DISABLED, state_reason__in=(GONE, FAILING)))


def secrets_of(endpoint: WebhookEndpoint) -> tuple[str, ...]:
    """Return the secrets that sign for an endpoint: the present one, and the old one until it is dropped."""
    found = [sealed.unseal(endpoint.secret_sealed, table=TABLE, column=COLUMN, row=endpoint.public_id)]
    if endpoint.old_secret_sealed is not None:
        found.append(sealed.unseal(endpoint.old_secret_sealed, table=TABLE, column=OLD_COLUMN, row=endpoint.public_id))
    return tuple(found)

"""What the API's description says about tokens and webhooks."""

from typing import Final

from access.models import DeliveryState, WebhookState
from access.openapi import (
    BOOLEAN,
    COUNT,
    ID,
    MOMENT,
    Operation,
    Operations,
    Refusal,
    Shape,
    fields,
    integer,
    listed,
    mapped,
    record,
    text,
    words,
)
from access.webhooks.events import SUBSCRIBABLE, EventType

_PAIR = record("Tokens", {"accessToken*": text(500), "refreshToken*": text(500)})

_TAG: Final = "v1: webhooks"
_URL: Final = text(2_000, 1, description="https://…, a public address.")
_WANTED: Final = listed(words(*(kind.value for kind in SUBSCRIBABLE)), 100) | {"description": "Empty is all of them."}
_WEBHOOK: Final[dict[str, Shape]] = {
    "id*": ID,
    "url*": _URL,
    "description*": text(200),
    "events*": _WANTED,
    "status*": words(*WebhookState.values),
    "statusReason": text(200, description="GONE or FAILING when it was switched off by itself."),
    "hasOldSecret*": BOOLEAN,
    "failingSince": MOMENT,
    "lastSucceededAt": MOMENT,
    "createdAt*": MOMENT,
}
_SHOWN: Final = record("Webhook", _WEBHOOK)
# Not required: a repeated answer under an Idempotency-Key is without it.
_WITH_SECRET: Final = record(
    "WebhookWithSecret", {**_WEBHOOK, "secret": text(100, description="Only in the first answer; keep it.")}
)
_DELIVERY: Final[dict[str, Shape]] = {
    "id*": ID,
    "webhookId*": ID,
    "eventId*": ID,
    "type*": words(*EventType.values),
    "objectId*": ID,
    "status*": words(*DeliveryState.values),
    "tries*": COUNT,
    "lastStatusCode": integer(100, 999),
    "lastError": text(200),
    "lastTriedAt": MOMENT,
    "nextTryAt": MOMENT,
    "occurredAt*": MOMENT,
}
_SENT: Final = record("WebhookDelivery", _DELIVERY)
_LOG: Final = record(
    "WebhookTry",
    {
        "at*": MOMENT,
        "url*": _URL,
        "requestHeaders*": mapped(text()),
        "requestBody*": text(),
        "statusCode": integer(100, 999),
        "answer*": text(65_536),
        "error": text(200),
        "milliseconds*": COUNT,
    },
)
_REFUSED: Final = Refusal("WEBHOOK_TARGET_REFUSED", 400)
_OFF: Final = Refusal("WEBHOOK_DISABLED", 409)


def _act(summary: str, answer: Shape = _SHOWN, *refusals: Refusal, made: bool = False) -> Operation:
    return Operation(_TAG, summary, answer, refusals=refusals, also=(201,) if made else ())


_WEBHOOKS: Final[Operations] = {
    ("GET", "/api/v1/webhooks"): Operation(_TAG, "List webhooks", fields({"items*": listed(_SHOWN)})),
    ("POST", "/api/v1/webhooks"): Operation(
        _TAG,
        "Add a webhook",
        _WITH_SECRET,
        fields({"url*": _URL, "events": _WANTED, "description": text(200)}),
        refusals=[_REFUSED, Refusal("TOO_MANY_WEBHOOKS", 409)],
        also=(201,),
        example={"url": "https://hooks.example.com/jeongsan", "events": ["payout.succeeded", "payout.failed"]},
    ),
    ("POST", "/api/v1/webhooks/resend-failed"): Operation(
        _TAG,
        "Send again what was given up in a period",
        fields({"count*": COUNT}),
        fields({"from*": MOMENT, "until*": MOMENT, "webhookId": text(40)}),
    ),
    ("GET", "/api/v1/webhooks/{public_id}"): Operation(_TAG, "Read a webhook", _SHOWN),
    ("PATCH", "/api/v1/webhooks/{public_id}"): Operation(
        _TAG,
        "Change a webhook",
        _SHOWN,
        fields({"url": _URL, "events": _WANTED, "description": text(200)}),
        refusals=[_REFUSED],
    ),
    ("DELETE", "/api/v1/webhooks/{public_id}"): Operation(_TAG, "Delete a webhook"),
    ("POST", "/api/v1/webhooks/{public_id}/rotate"): _act(
        "Make a new secret; the old one signs too until it is dropped",
        _WITH_SECRET,
        Refusal("WEBHOOK_ROTATION_UNDER_WAY", 409),
    ),
    ("POST", "/api/v1/webhooks/{public_id}/drop-old-secret"): _act("Sign with the present secret alone"),
    ("POST", "/api/v1/webhooks/{public_id}/disable"): _act("Send nothing any more; what waits stays"),
    ("POST", "/api/v1/webhooks/{public_id}/enable"): _act("Send again, first what waited"),
    ("POST", "/api/v1/webhooks/{public_id}/ping"): _act("Send a test event", _SENT, _OFF, made=True),
    ("GET", "/api/v1/webhook-deliveries"): Operation(
        _TAG,
        "List what was and is to be sent",
        fields({"items*": listed(_SENT), "nextCursor": text(60)}),
        query={
            "limit": integer(1, 200),
            "cursor": text(60),
            "webhookId": listed(ID, 100),
            "type": listed(words(*EventType.values), 100),
            "status": listed(words(*DeliveryState.values), 100),
            "occurredFrom": MOMENT,
            "occurredUntil": MOMENT,
        },
    ),
    ("GET", "/api/v1/webhook-deliveries/{public_id}"): Operation(
        _TAG, "Read a delivery with every request", record("WholeDelivery", {**_DELIVERY, "log*": listed(_LOG)})
    ),
    ("POST", "/api/v1/webhook-deliveries/{public_id}/resend"): _act(
        "Send one again, whatever came of it", _SENT, _OFF, Refusal("WEBHOOK_BEING_SENT", 409)
    ),
}

OPERATIONS: Operations = {
    **_WEBHOOKS,
    ("POST", "/login/api-secret"): Operation(
        tag="Tokens",
        summary="Trade an API secret for tokens",
        body=fields({"apiSecret*": text(500)}),
        answer=_PAIR,
    ),
    ("POST", "/token/refresh"): Operation(
        tag="Tokens",
        summary="Renew tokens; the refresh token that was sent stops working",
        body=fields({"refreshToken*": text(500)}),
        answer=_PAIR,
    ),
}

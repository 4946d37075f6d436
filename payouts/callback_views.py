"""`POST /bank/callbacks/<rail>`: where banks report by themselves. Neither login nor CSRF, but a signature."""

import structlog
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from access import wire
from access.webhooks import signing
from core import clock
from payouts import notices, rails
from payouts.operations import callbacks

log = structlog.get_logger(__name__)


@csrf_exempt
@login_not_required
@require_POST
def callback(request: HttpRequest, rail: str) -> HttpResponse:
    """Take a signed notice of a bank; a repeated one is answered alike. 401, 404, 411, 413."""
    length = request.META.get("CONTENT_LENGTH", "")
    if rail not in rails.names():
        return wire.failure(404)
    if not length.isdecimal():
        return wire.failure(411)
    if int(length) > notices.LARGEST_BODY:
        return wire.failure(413)
    body = request.read(notices.LARGEST_BODY)
    headers = {name.lower(): value for name, value in request.headers.items()}
    try:
        event_id = _verified(headers, body)
    except signing.BadSignature as refusal:
        log.warning("bank_callback_refused", rail=rail, reason=str(refusal))
        return wire.failure(401)
    new = callbacks.take(rail=rail, event_id=event_id, notice=notices.read(body), now=clock.now())
    log.info("bank_callback_taken", rail=rail, new=new)
    return wire.respond({"received": True})


def _verified(headers: dict[str, str], body: bytes) -> str:
    secret: str = settings.BANK_CALLBACK_SECRET
    if not secret:
        message = "no secret is set"
        raise signing.BadSignature(message)
    return signing.verify(secret, headers=headers, body=body, now=clock.now())

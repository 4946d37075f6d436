"""How answers are written: one JSON form, one error shape."""

import json
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal

from django.http import HttpResponse
from django.utils.functional import Promise

from core import clock
from core.errors import DomainError

JSON = "application/json"


def render(body: object) -> bytes:
    """Write a body as UTF-8 JSON: moments in UTC with `Z`, days as YYYY-MM-DD, decimals as text."""
    return _JSON.encode(body).encode()


def _other(value: object) -> object:
    if isinstance(value, datetime):
        return clock.wire_moment(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal | Promise):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    message = f"{type(value).__name__} has no form on the wire"
    raise TypeError(message)


_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=_other)


class _Complete(dict[str, object]):
    """A body without absent values. Most become parts of another body, which need not look through them again."""


def without_absent(body: Mapping[str, object]) -> dict[str, object]:
    """
    Return the body without the keys that hold None, at every level: absent values are left out, never null.

    What it returns counts as without them from then on: nobody puts one in.
    """
    return _Complete(
        {name: value if type(value) in _PLAIN else _without(value) for name, value in body.items() if value is not None}
    )


# What most values are; to ask them whether they are a mapping takes longer than to write them.
_PLAIN = frozenset({str, int, bool, _Complete})
_LISTS, _MAPPINGS = (list, tuple), (dict, Mapping)


def _without(value: object) -> object:
    if not value:
        return value
    if isinstance(value, _LISTS):
        return [_without(item) for item in value]
    if isinstance(value, _MAPPINGS):
        return value if type(value) is _Complete else without_absent(value)
    return value


def respond(body: object, status: int = 200) -> HttpResponse:
    """Return a JSON answer."""
    return HttpResponse(render(body), status=status, content_type=JSON)


def refuse(refusal: DomainError) -> HttpResponse:
    """Return the answer that tells about a refusal; one with `retry_after` says when to come back."""
    response = respond(without_absent(refusal.body()), refusal.status)
    seconds = getattr(refusal, "retry_after", None)
    if seconds is not None:
        response["Retry-After"] = str(seconds)
    return response


def failure(status: int, request_id: str = "") -> HttpResponse:
    """Return the answer for a status that no refusal stands behind: an unknown path, a method, a bug."""
    code, message = _FAILURES.get(status, ("INTERNAL_ERROR" if status >= 500 else "INVALID_REQUEST", ""))  # noqa: PLR2004
    body: dict[str, object] = {"type": code, "message": message or code.replace("_", " ").capitalize() + "."}
    if request_id:
        body["requestId"] = request_id
    return respond(body, status)


_FAILURES = {
    400: ("INVALID_REQUEST", "The request is malformed."),
    401: ("UNAUTHORIZED", "Credentials are missing or not valid."),
    403: ("FORBIDDEN", "Not allowed."),
    404: ("NOT_FOUND", "There is nothing at this address."),
    405: ("METHOD_NOT_ALLOWED", "This address does not answer that method."),
    411: ("LENGTH_REQUIRED", "Send a Content-Length."),
    413: ("REQUEST_TOO_LARGE", "The body is too large."),
    500: ("INTERNAL_ERROR", "Something went wrong on our side. Ask again with the same Idempotency-Key."),
    503: ("TEMPORARILY_UNAVAILABLE", "Try again in a moment, with the same Idempotency-Key."),
}

"""Reading requests to the simulated bank. Everything here raises BadRequest for what it cannot take."""

import json
import re
from datetime import date, datetime
from typing import Any

from payouts.rails.simulator.book import Order
from payouts.rails.simulator.wire import BadRequest, Request

_MAX_AMOUNT = 999_999_999_999_999
_NAME = re.compile(r"[\x21-\x7e]{1,64}")
_DIGITS = re.compile(r"[0-9]{1,20}")
_BANK = re.compile(r"[A-Za-z0-9_]{1,40}")
_TEXT_LENGTH = 200


def json_object(request: Request) -> dict[str, Any]:
    """Return the body, which must be a JSON object."""
    try:
        body = json.loads(request.body)
    except (ValueError, RecursionError):
        message = "The body is no JSON."
        raise BadRequest(message) from None
    if not isinstance(body, dict):
        message = "The body is no object."
        raise BadRequest(message)
    return body


def order(body: dict[str, Any]) -> Order:
    """Return the order that the body asks for."""
    currency = body.get("currency")
    if not isinstance(currency, str) or not re.fullmatch(r"[A-Z]{3}", currency):
        message = "currency is three letters."
        raise BadRequest(message)
    return Order(
        reference=name(body.get("reference"), "reference"),
        reference_date=_iso_day(body.get("referenceDate"), "referenceDate").isoformat(),
        amount=amount(body),
        currency=currency,
        bank=bank(body),
        account_number=digits(body, "accountNumber"),
        holder=text(body, "holder", needed=True),
        deposit_memo=text(body, "depositMemo"),
        withdrawal_memo=text(body, "withdrawalMemo"),
    )


def objects(body: dict[str, Any], field: str) -> list[dict[str, Any]]:
    """Return a list of objects."""
    found = body.get(field)
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        message = f"{field} is a list of objects."
        raise BadRequest(message)
    return found


def past_moment(body: dict[str, Any], now: datetime) -> datetime:
    """Return when a past transfer was executed."""
    try:
        moment = datetime.fromisoformat(str(body.get("executedAt")))
    except ValueError:
        moment = now
    if moment.tzinfo is None or moment >= now:
        message = "executedAt is a moment in the past, with its zone."
        raise BadRequest(message)
    return moment


def amount(body: dict[str, Any]) -> int:
    """Return a positive whole JSON number; text, fractions and exponents are refused."""
    won = body.get("amount")
    if type(won) is not int or not 0 < won <= _MAX_AMOUNT:
        message = "amount is a positive whole JSON number."
        raise BadRequest(message)
    return won


def bank(body: dict[str, Any]) -> str:
    """Return a bank's code."""
    code = body.get("bank")
    if not isinstance(code, str) or not _BANK.fullmatch(code):
        message = "bank is a bank's code."
        raise BadRequest(message)
    return code


def digits(body: dict[str, Any], field: str) -> str:
    """Return digits given as text."""
    value = body.get(field)
    if not isinstance(value, str) or not _DIGITS.fullmatch(value):
        message = f"{field} is 1 to 20 digits, as text."
        raise BadRequest(message)
    return value


def text(body: dict[str, Any], field: str, *, needed: bool = False) -> str:
    """Return printable text, empty if absent."""
    value = body.get(field, "")
    if not isinstance(value, str) or len(value) > _TEXT_LENGTH or not value.isprintable() or (needed and not value):
        message = f"{field} is a text of at most {_TEXT_LENGTH} printable characters."
        raise BadRequest(message)
    return value


def day(request: Request, field: str) -> date:
    """Return the day that a query names."""
    return _iso_day(request.query.get(field), field)


def _iso_day(value: object, field: str) -> date:
    try:
        if isinstance(value, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
            return date.fromisoformat(value)
    except ValueError:
        pass
    message = f"{field} is a day like 2026-11-21."
    raise BadRequest(message)


def count(request: Request, field: str, default: int) -> int:
    """Return a whole number of a query."""
    value = request.query.get(field) or str(default)
    if not re.fullmatch(r"[0-9]{1,12}", value):
        message = f"{field} is a whole number."
        raise BadRequest(message)
    return int(value)


def name(value: object, field: str) -> str:
    """Return a name that a caller chose: 1 to 64 printable ASCII characters."""
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        message = f"{field} is 1 to 64 printable ASCII characters."
        raise BadRequest(message)
    return value

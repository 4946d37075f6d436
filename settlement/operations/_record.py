"""What orders, cancels and manual records have in common: being written, and beginning to count."""

from collections.abc import Iterable
from datetime import date, datetime

from django.db import IntegrityError

from access import audit
from core import clock
from core.actor import Actor
from core.money import CurrencyNotSupported, minor_digits
from core.rows import insert_by
from core.scope import Scope
from ledger import posting
from settlement import terms
from settlement.fees import Computed
from settlement.models import PropertyTarget, RecordState, SettlementRecord
from settlement.operations import maturity, properties
from settlement.refusals import (
    currency_not_supported,
    date_before_start,
    record_id_used,
)

KIND = terms.RECORD_ORIGIN
# What a column that comes later has to do stands where the type of a new record is made, in `0017_one_value.up.sql`.
_ADD = "select settlement_add_record(%s::settlement_new_record, %s::access_new_event)"


def check_currency(currency: str) -> None:
    """Raise CURRENCY_NOT_SUPPORTED for a currency that cannot be settled."""
    try:
        minor_digits(currency)
    except CurrencyNotSupported as error:
        raise currency_not_supported(currency) from error


def check_keys(scope: Scope, keys: Iterable[str]) -> None:
    """Raise for custom properties that nobody defined."""
    properties.check(scope, PropertyTarget.RECORD, keys)


def check_given_date(settlement_date: date | None, start_date: date) -> None:
    """Raise SETTLEMENT_DATE_EARLIER_THAN_SETTLEMENT_START_DATE for a given date that lies before the start."""
    if settlement_date is not None and settlement_date < start_date:
        raise date_before_start(settlement_date, start_date)


def state_on(record: SettlementRecord, today: date) -> RecordState:
    """Return the state in which a new record begins; whoever is due for settlement is so at once."""
    if record.start_date is not None and record.start_date > today:
        return RecordState.SCHEDULED
    return RecordState.IN_PROCESS


def write(record: SettlementRecord, result: Computed, *, by: Actor, now: datetime) -> SettlementRecord:
    """
    Write a new record of a result with its journal, and let it join a partner settlement when its day has come.

    Belongs into the caller's transaction. Raises TRANSFER_ID_ALREADY_USED.
    """
    scope, today = record.scope, clock.seoul_day(now)
    record.state = state_on(record, today)
    record.created_at = record.state_changed_at = now
    event = _event(scope, by, "recorded", record, amount=record.net)
    try:
        insert_by(_ADD, record, event)
    except IntegrityError as error:
        if posting.refused_by(error) != "settlement_record_id":
            raise
        raise record_id_used(record.public_id) from error
    if record.state == RecordState.IN_PROCESS:
        posting.post(scope=scope, posting=terms.posting(record, recorded_at=now, result=result), by=by)
        if record.settlement_date <= today:
            maturity.mature(scope=scope, record=record, by=by, now=now)
    return record


def told(scope: Scope, by: Actor, verb: str, record: SettlementRecord, **after: object) -> None:
    """Add a record's event to the audit trail."""
    audit.add(_event(scope, by, verb, record, **after))


def _event(scope: Scope, by: Actor, verb: str, record: SettlementRecord, **after: object) -> str:
    return audit.event(
        scope=scope,
        by=by,
        action=f"settlement_record.{verb}",
        kind=KIND,
        object_id=record.public_id,
        after={"type": str(record.type), "partner": record.partner.public_id, "currency": record.currency, **after},
    )

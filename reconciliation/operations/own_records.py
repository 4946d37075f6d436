"""Our own billing records: many at once, each change a new version, none inside locked days."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.utils.translation import gettext as _

from access import audit
from core.actor import Actor
from core.errors import Conflict, DomainError, InvalidRequest, NotFound
from core.scope import Scope
from core.sql import load
from ledger.posting import refused_by
from reconciliation.books import OwnRecord
from reconciliation.copying import copy_rows
from reconciliation.fingerprints import of_identity, of_key
from reconciliation.keys import KEYS, name_identity, own_identity
from reconciliation.models import PeriodLock

_LOCKED = "reconciliation_period_locked"
_AT_ONCE = frozenset({"reconciliation_record_current", "reconciliation_record_version"})
_KIND = "reconciliation_record"
_COLUMNS = (
    *("place", "ref", "is_withdrawn", "kind", "ids", "customer_name", "own_key", "name_key", "currency", "quantity"),
    *("unit_price", "subtotal", "tax", "first_day", "last_day"),
)


class PeriodLocked(Conflict):
    """The days of a record are closed."""

    code = "PERIOD_LOCKED"


@dataclass(frozen=True, slots=True)
class Saved:
    """How many records were new, changed, and as they were before."""

    new: int
    changed: int
    same: int


def save(
    *,
    scope: Scope,
    records: Iterable[OwnRecord],
    source: str,
    by: Actor,
    now: datetime,
    billing_entity: str = "",
    source_id: str = "",
) -> Saved:
    """
    Save records of ours under their `ref`; a changed one becomes a new version, an equal one nothing at all.

    `billing_entity` is whose bills they are about, empty for any. Raises InvalidRequest with the place from 1 of a
    record without a name, kind or a name of its own; PeriodLocked; Conflict when somebody saves the same at once.
    """
    rows = (_row(place, record) for place, record in enumerate(records, 1))
    return _write(scope, rows, billing_entity.strip().lower(), (source, source_id), by, now)


def _row(place: int, record: OwnRecord) -> list[object]:
    kind = record.kind
    if not record.ref:
        raise InvalidRequest(_("기록마다 이름이 있어야 해요."), record=place, field="ref")
    if kind is None or kind not in KEYS:
        raise InvalidRequest(_("비교할 수 있는 파일 종류를 적어 주세요."), record=place, field="kind")
    own = own_identity(kind, record)
    name = name_identity(record, own.rest)
    return [
        place,
        record.ref,
        False,
        kind,
        json.dumps({name: value for name, value in record.ids.items() if value is not None}, ensure_ascii=False),
        record.customer_name or "",
        # What nothing can be recognised by must not look like a line of a file that has the same lack.
        of_identity(own) if own.can_match else of_key(("ours", *own)),
        of_identity(name) if name.by_name else None,
        record.currency,
        record.quantity,
        record.unit_price,
        record.subtotal,
        record.tax,
        record.period_start,
        record.period_end,
    ]


def withdraw(*, scope: Scope, refs: Sequence[str], by: Actor, now: datetime, source: str, source_id: str = "") -> Saved:
    """Take records of ours back by a last version. Raises NotFound where one is not there, PeriodLocked, Conflict."""
    values: dict[str, Any] = {"merchant": scope.merchant_id, "is_test": scope.is_test, "refs": list(refs)}
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(load("reconciliation", "own_withdrawn"), values)
            rows = cursor.fetchall()
        missing = set(refs) - {row[1] for row in rows}
        if missing:
            raise NotFound(record=min(missing))
        return _write(scope, map(list, rows), None, (source, source_id), by, now)


def _write(
    scope: Scope,
    rows: Iterable[list[object]],
    billing_entity: str | None,
    source: tuple[str, str],
    by: Actor,
    now: datetime,
) -> Saved:
    values: dict[str, Any] = {
        "merchant": scope.merchant_id,
        "is_test": scope.is_test,
        "billing_entity": billing_entity,
        "source": source[0],
        "source_id": source[1],
        "by_id": by.user_id,
        "by": str(by)[:200],
        "at": now,
    }
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(load("reconciliation", "own_staging"))
                copy_rows(cursor, "reconciliation_own", _COLUMNS, rows)
                _refuse_twice(cursor)
                cursor.execute(load("reconciliation", "own_save"), values)
                saved = Saved(*cursor.fetchone())
            if saved.new or saved.changed:
                audit.record(
                    scope=scope,
                    by=by,
                    action="reconciliation.records_saved",
                    kind=_KIND,
                    object_id=source[1] or source[0],
                    after={"new": saved.new, "changed": saved.changed, "same": saved.same},
                )
    except IntegrityError as error:
        raise _refusal(error) from None
    return saved


def _refuse_twice(cursor: Any) -> None:
    cursor.execute("select ref, max(place) from reconciliation_own group by ref having count(*) > 1 order by 2 limit 1")
    twice = cursor.fetchone()
    if twice is not None:
        ref, place = twice
        raise InvalidRequest(_("같은 이름의 기록이 두 번 있어요."), record=place, field="ref", ref=ref)


def _refusal(error: IntegrityError) -> DomainError | IntegrityError:
    constraint = refused_by(error)
    if constraint == _LOCKED:
        return PeriodLocked(_("마감한 기간의 기록은 바꿀 수 없어요. 기간을 적지 않은 기록도 마감과 겹쳐요."))
    if constraint in _AT_ONCE:
        return Conflict(_("같은 기록을 다른 사람이 저장하고 있어요. 다시 시도해 주세요."))
    return error


# ---- closing days


def lock_period(*, scope: Scope, first_day: date, last_day: date, by: Actor, now: datetime) -> PeriodLock:
    """Close days, both ends included, for records of ours. Doing it again changes nothing. Raises InvalidRequest."""
    if last_day < first_day:
        raise InvalidRequest(_("끝나는 날이 시작하는 날보다 빨라요."), field="last_day")
    with transaction.atomic():
        there = PeriodLock.objects.within(scope).filter(first_day=first_day, last_day=last_day, opened_at=None).first()
        if there is not None:
            return there
        lock = PeriodLock.objects.create(
            **scope.filters(),
            first_day=first_day,
            last_day=last_day,
            locked_by_id=by.user_id,
            locked_by=str(by)[:200],
            locked_at=now,
        )
        _tell(lock, by, "locked")
    return lock


def open_period(*, scope: Scope, lock_id: int, by: Actor, now: datetime) -> PeriodLock:
    """Open closed days again. Doing it again changes nothing. Raises NotFound."""
    with transaction.atomic():
        lock = PeriodLock.objects.within(scope).select_for_update().filter(pk=lock_id).first()
        if lock is None:
            raise NotFound(lock=lock_id)
        if lock.opened_at is None:
            lock.opened_by_id, lock.opened_by, lock.opened_at = by.user_id, str(by)[:200], now
            lock.save(update_fields=["opened_by_id", "opened_by", "opened_at"])
            _tell(lock, by, "opened")
    return lock


def _tell(lock: PeriodLock, by: Actor, verb: str) -> None:
    audit.record(
        scope=lock.scope,
        by=by,
        action=f"reconciliation.period_{verb}",
        kind="reconciliation_period",
        object_id=str(lock.pk),
        after={"first_day": lock.first_day.isoformat(), "last_day": lock.last_day.isoformat()},
    )

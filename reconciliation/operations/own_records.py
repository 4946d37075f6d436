"""Our own billing records: many at once, each change a new version, none inside locked days."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from itertools import islice
from typing import Any, Final

from django.db import IntegrityError, connection, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

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
from reconciliation.models import BillingRecord, PeriodLock

LOCKED = gettext_noop("마감한 기간의 기록은 바꿀 수 없어요. 기간을 적지 않은 기록도 마감과 겹쳐요.")
_LOCKED = "reconciliation_period_locked"
_AT_ONCE = frozenset({"reconciliation_record_current", "reconciliation_record_version"})
RECORD_KIND: Final = "reconciliation_record"
LOCK_KIND: Final = "reconciliation_period"
_COLUMNS = (
    *("place", "ref", "is_withdrawn", "kind", "ids", "customer_name", "own_key", "name_key", "currency", "quantity"),
    *("unit_price", "subtotal", "tax", "first_day", "last_day", "billing_entity", "source_id"),
)
_LONGEST_REASON = 2_000
_BLOCK = 5_000


class PeriodLocked(Conflict):
    """The days of a record are closed."""

    code = "PERIOD_LOCKED"


@dataclass(frozen=True, slots=True)
class Saved:
    """How many records were new, changed, and as they were before."""

    new: int
    changed: int
    same: int


@dataclass(frozen=True, slots=True)
class Entry:
    """A record with whose bills it is about, empty for any, and the id of what it comes from."""

    record: OwnRecord
    billing_entity: str = ""
    source_id: str = ""


class Standing(StrEnum):
    """What saving would do with a record."""

    NEW = "new"
    CHANGED = "changed"
    SAME = "same"


@dataclass(frozen=True, slots=True)
class Examined:
    """What saving would do with the record at a place, counted from 1, and whether locked days forbid it."""

    place: int
    standing: Standing
    is_locked: bool


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
    record without a name, kind or a name of its own; PeriodLocked with such a place; Conflict when somebody saves the
    same at once.
    """
    entries = (Entry(record, billing_entity, source_id) for record in records)
    return save_entries(scope=scope, entries=entries, source=source, about=source_id, by=by, now=now)


def save_entries(
    *, scope: Scope, entries: Iterable[Entry], source: str, by: Actor, now: datetime, about: str = ""
) -> Saved:
    """Save records of different bills and origins as `save` does; `about` is what the trail tells it of."""
    rows = (_row(place, entry) for place, entry in enumerate(entries, 1))
    return _write(scope, rows, source, by, now, about=about)


def examine(*, scope: Scope, entries: Iterable[Entry]) -> list[Examined]:
    """Return what saving would do with each record, in order. Raises InvalidRequest for one that is none."""
    rows = (_row(place, entry) for place, entry in enumerate(entries, 1))
    values = _values(scope)
    with transaction.atomic(), connection.cursor() as cursor:
        _stage(cursor, rows, values)
        cursor.execute(load("reconciliation", "own_examined"), values)
        return [Examined(place, Standing(standing), is_locked) for place, standing, is_locked in cursor.fetchall()]


def _row(place: int, entry: Entry) -> list[object]:
    record, kind = entry.record, entry.record.kind
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
        entry.billing_entity.strip().lower(),
        entry.source_id,
    ]


def withdraw(
    *,
    scope: Scope,
    refs: Sequence[str],
    by: Actor,
    now: datetime,
    source: str,
    source_id: str = "",
    reason: str = "",
) -> Saved:
    """
    Take records of ours back by a last version; what is taken back already stays as it is.

    Raises NotFound where one is not there, InvalidRequest for an endless reason, PeriodLocked, Conflict.
    """
    if len(reason) > _LONGEST_REASON:
        raise InvalidRequest(_("이유는 2,000자까지 쓸 수 있어요."), field="reason")
    values = {**_values(scope), "refs": list(refs), "source": source, "source_id": source_id}
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(load("reconciliation", "own_withdrawn"), values)
            rows = cursor.fetchall()
        missing = set(refs) - {row[1] for row in rows}
        if missing:
            raise NotFound(record=min(missing))
        saved = _write(scope, map(list, rows), source, by, now, about=source_id)
        if reason and saved.changed:
            _tell_reason(scope, refs, by, now, reason)
    return saved


def _tell_reason(scope: Scope, refs: Sequence[str], by: Actor, now: datetime, reason: str) -> None:
    gone = BillingRecord.objects.within(scope).filter(ref__in=refs, is_current=True, created_at=now)
    for ref, version in gone.values_list("ref", "version"):
        audit.record(
            scope=scope,
            by=by,
            action="reconciliation.record_withdrawn",
            kind=RECORD_KIND,
            object_id=ref,
            after={"version": version},
            reason=reason,
        )


def _values(scope: Scope) -> dict[str, Any]:
    return {"merchant": scope.merchant_id, "is_test": scope.is_test}


def _write(
    scope: Scope,
    rows: Iterable[list[object]],
    source: str,
    by: Actor,
    now: datetime,
    *,
    about: str,
) -> Saved:
    values = {**_values(scope), "source": source, "by_id": by.user_id, "by": str(by)[:200], "at": now}
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                _stage(cursor, rows, values)
                _refuse_twice(cursor)
                _refuse_locked(cursor, values)
                cursor.execute(load("reconciliation", "own_save"), values)
                saved = Saved(*cursor.fetchone())
            if saved.new or saved.changed:
                audit.record(
                    scope=scope,
                    by=by,
                    action="reconciliation.records_saved",
                    kind=RECORD_KIND,
                    object_id=about or source,
                    after={"new": saved.new, "changed": saved.changed, "same": saved.same},
                )
    except IntegrityError as error:
        raise _refusal(error) from None
    return saved


def _stage(cursor: Any, rows: Iterable[list[object]], values: dict[str, Any]) -> None:
    """Lay records beside what is there: afterwards it is known what is new about them."""
    cursor.execute(load("reconciliation", "own_staging"))
    left = iter(rows)
    # Rows may come out of the database itself, which answers nothing while it is being copied to.
    while block := list(islice(left, _BLOCK)):
        copy_rows(cursor, "reconciliation_own", _COLUMNS, block)
    cursor.execute(load("reconciliation", "own_change"), values)


def _refuse_twice(cursor: Any) -> None:
    cursor.execute("select ref, max(place) from reconciliation_own group by ref having count(*) > 1 order by 2 limit 1")
    twice = cursor.fetchone()
    if twice is not None:
        ref, place = twice
        raise InvalidRequest(_("같은 이름의 기록이 두 번 있어요."), record=place, field="ref", ref=ref)


def _refuse_locked(cursor: Any, values: dict[str, Any]) -> None:
    """Name the first record that locked days forbid; the database's own law refuses what locks meanwhile."""
    cursor.execute(load("reconciliation", "own_locked"), values)
    locked = cursor.fetchone()
    if locked is not None:
        place, ref = locked
        raise PeriodLocked(_(LOCKED), record=place, ref=ref)


def _refusal(error: IntegrityError) -> DomainError | IntegrityError:
    constraint = refused_by(error)
    if constraint == _LOCKED:
        return PeriodLocked(_(LOCKED))
    if constraint in _AT_ONCE:
        return Conflict(_("같은 기록을 다른 사람이 저장하고 있어요. 다시 시도해 주세요."))
    return error


# ---- closing days


def lock_period(
    *, scope: Scope, first_day: date, last_day: date, by: Actor, now: datetime, reason: str = ""
) -> PeriodLock:
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
        _tell(lock, by, "locked", reason)
    return lock


def open_period(*, scope: Scope, lock_id: int, by: Actor, now: datetime, reason: str = "") -> PeriodLock:
    """Open closed days again. Doing it again changes nothing. Raises NotFound."""
    with transaction.atomic():
        lock = PeriodLock.objects.within(scope).select_for_update().filter(pk=lock_id).first()
        if lock is None:
            raise NotFound(lock=lock_id)
        if lock.opened_at is None:
            lock.opened_by_id, lock.opened_by, lock.opened_at = by.user_id, str(by)[:200], now
            lock.save(update_fields=["opened_by_id", "opened_by", "opened_at"])
            _tell(lock, by, "opened", reason)
    return lock


def _tell(lock: PeriodLock, by: Actor, verb: str, reason: str) -> None:
    audit.record(
        scope=lock.scope,
        by=by,
        action=f"reconciliation.period_{verb}",
        kind=LOCK_KIND,
        object_id=str(lock.pk),
        after={"first_day": lock.first_day.isoformat(), "last_day": lock.last_day.isoformat()},
        reason=reason,
    )

"""
Days on which banks are closed, as people keep them, and the settlement dates that follow them.

A change is worked out and kept first: which records of those that are not settled yet would move, from when to when.
Applying it does exactly that, or refuses when it no longer fits. Dates given in a request never move.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings as django_settings
from django.db import connection, transaction
from django.utils.translation import gettext as _

from access import audit
from core import ids, jobs
from core.actor import Actor
from core.errors import Conflict, InvalidRequest, NotFound, StaleVersion
from core.models import Job
from core.scope import Scope
from core.sql import load
from settlement import terms
from settlement.dates import DateOutOfRange, settlement_date
from settlement.models import (
    ContractVersion,
    Holiday,
    HolidayChange,
    HolidayChangeState,
    HolidayMovePartner,
    RecordState,
    SettlementRecord,
)
from settlement.operations import _locks, settings
from settlement.operations.environment import korean_holidays

KIND = "holiday"
CHANGE_KIND = "holiday_change"
APPLY_JOB = "settlement.apply_holidays"
FOLLOW_JOB = "settlement.follow_holidays"
# Changes that move more records than this are applied in the background, still in one transaction.
AT_ONCE = 5_000
_CHANGE = ids.IdKind("hol", 17, dated=True)
_KEPT = timedelta(days=1)
# An order that was being recorded while a change was applied may have read the days of before; it is over by then.
_FOLLOW_AFTER = timedelta(seconds=90)
_LONGEST_NAME = 100
_UNSETTLED = (RecordState.SCHEDULED, RecordState.IN_PROCESS)


@dataclass(frozen=True, slots=True)
class _Pairs:
    """Contract versions and start dates whose settlement date a change moves, with the new date."""

    versions: list[int]
    starts: list[date]
    dates: list[date]

    def bound(self, change: HolidayChange) -> dict[str, Any]:
        """Return the parameters of the statements that look at a change's records."""
        return {
            "change": change.pk,
            "merchant": change.merchant_id,
            "is_test": change.is_test,
            "versions": self.versions,
            "starts": self.starts,
            "dates": self.dates,
        }


def year_days(scope: Scope, year: int) -> dict[date, str]:
    """Return the Korean public holidays of a year that are not in the list yet, with their names."""
    known = terms.holidays(scope)
    return {day: name[:_LONGEST_NAME] for day, name in korean_holidays(year, year).items() if day not in known}


def preview(
    *, scope: Scope, by: Actor, now: datetime, add: Mapping[date, str] | None = None, remove: Collection[date] = ()
) -> HolidayChange:
    """
    Work out which settlement dates would move, and keep it for `apply`; no date changes yet.

    `add` maps days to their names. Raises InvalidRequest for no day at all or one in both, Conflict for a day that is
    a holiday already, NotFound for one to be removed that is none.
    """
    settings.current(scope)
    added, removed = dict(add or {}), set(remove)
    if not added and not removed:
        raise InvalidRequest(_("휴일을 하루 이상 골라 주세요."), field="day")
    if removed & added.keys():
        raise InvalidRequest(_("같은 날을 더하면서 뺄 수 없어요."), field="day")
    with transaction.atomic():
        names = _named(scope, added, removed)
        _forget_old(scope, now)
        change = HolidayChange.objects.create(
            **scope.filters(),
            public_id=ids.new_id(_CHANGE, now),
            created_at=now,
            created_by=str(by)[:200],
            added={day.isoformat(): name[:_LONGEST_NAME] for day, name in sorted(added.items())},
            removed={day.isoformat(): names[day] for day in sorted(removed)},
        )
        _plan(change, _moving(change))
        _add_up(change)
    return change


def apply(*, scope: Scope, by: Actor, now: datetime, public_id: str) -> HolidayChange:
    """
    Change the holidays and move exactly the settlement dates that were shown, all in one transaction.

    Raises NotFound, Conflict when it was applied already, StaleVersion when records, holidays or settings have changed
    since it was shown, so that something else would move now.
    """
    with transaction.atomic():
        _locks.by_name(scope, ["holidays"])
        change = _locked(scope, public_id)
        if change.state == HolidayChangeState.APPLIED:
            raise Conflict(_("이미 적용한 휴일 변경이에요."))
        added = {date.fromisoformat(day): name for day, name in change.added.items()}
        removed = [date.fromisoformat(day) for day in change.removed]
        _check_days(scope, added, removed)
        records = _lock_records(change)
        _check_still_moves(change)
        _change_days(scope, by, added, removed)
        _move(change, records, by)
        change.state, change.applied_at, change.applied_by = HolidayChangeState.APPLIED, now, str(by)[:200]
        change.save(update_fields=["state", "applied_at", "applied_by"])
        _tell_change(change, by)
        later = now + _FOLLOW_AFTER * django_settings.TIME_SCALE
        jobs.enqueue(scope=scope, kind=FOLLOW_JOB, arguments={"change": change.public_id}, by=by, now=later)
    return change


def apply_later(*, scope: Scope, by: Actor, now: datetime, public_id: str) -> Job:
    """Have a large change applied in the background; asking twice gives the same job. Raises as `apply` does there."""
    with transaction.atomic():
        change = _locked(scope, public_id)
        if change.state == HolidayChangeState.APPLIED:
            raise Conflict(_("이미 적용한 휴일 변경이에요."))
        arguments = {"change": change.public_id, "by": by.told()}
        return jobs.enqueue(
            scope=scope,
            kind=APPLY_JOB,
            arguments=arguments,
            by=by,
            now=now,
            total=change.record_count,
            dedupe=change.public_id,
        )


def follow(*, scope: Scope, by: Actor, public_id: str) -> int:
    """
    Move the records that were being registered while a change was applied; returns how many.

    They had read the days of before and were not there to be seen. Raises NotFound.
    """
    with transaction.atomic():
        _locks.by_name(scope, ["holidays"])
        change = _locked(scope, public_id)
        if change.state != HolidayChangeState.APPLIED:
            raise NotFound
        closed = terms.holidays(scope)
        added = {date.fromisoformat(day) for day in change.added}
        removed = {date.fromisoformat(day) for day in change.removed}
        late = _plan(change, _moved_pairs(scope, (closed - added) | removed, closed))
        if late:
            _lock(late)
            _move(change, late, by)
            _add_up(change)
    return len(late)


# ---- working out


def _moving(change: HolidayChange) -> _Pairs:
    before = terms.holidays(change.scope)
    added = {date.fromisoformat(day) for day in change.added}
    removed = {date.fromisoformat(day) for day in change.removed}
    return _moved_pairs(change.scope, before, (before | added) - removed)


def _moved_pairs(scope: Scope, before: frozenset[date], after: frozenset[date]) -> _Pairs:
    """Compare both calendars for every contract version and start date that has records waiting."""
    adjust = settings.current(scope).adjust_settlement_date_after_holiday_if_earlier
    waiting = SettlementRecord.objects.within(scope).filter(
        state__in=_UNSETTLED, date_is_given=False, start_date__isnull=False
    )
    pairs = list(waiting.order_by().values_list("contract_version_id", "start_date").distinct())
    versions = ContractVersion.objects.in_bulk({version for version, _start in pairs if version})
    cycles = {pk: terms.cycle(version) for pk, version in versions.items()}
    moved = _Pairs([], [], [])
    for version, start in pairs:
        if start is None:
            continue
        cycle = cycles[version]
        try:
            day = settlement_date(start, cycle, after, adjust=adjust)
            if settlement_date(start, cycle, before, adjust=adjust) == day:
                continue
        except DateOutOfRange:
            continue
        moved.versions.append(version)
        moved.starts.append(start)
        moved.dates.append(day)
    return moved


def _plan(change: HolidayChange, pairs: _Pairs) -> list[int]:
    """Keep which records move; returns their keys in order."""
    with connection.cursor() as cursor:
        cursor.execute(load("settlement", "plan_holiday_moves"), pairs.bound(change))
        return sorted(row[0] for row in cursor.fetchall())


def _add_up(change: HolidayChange) -> None:
    HolidayMovePartner.objects.filter(change=change).delete()
    bound = {"change": change.pk, "merchant": change.merchant_id, "is_test": change.is_test}
    with connection.cursor() as cursor:
        cursor.execute(load("settlement", "sum_holiday_moves"), bound)
    change.record_count = change.moves.count()
    change.partner_count = change.partners.values("partner").distinct().count()
    change.save(update_fields=["record_count", "partner_count"])


def _forget_old(scope: Scope, now: datetime) -> None:
    """Drop previews that nobody applied within a day."""
    shown = HolidayChange.objects.within(scope).filter(state=HolidayChangeState.PREVIEW, created_at__lt=now - _KEPT)
    shown.delete()


# ---- applying


def _locked(scope: Scope, public_id: str) -> HolidayChange:
    found = HolidayChange.objects.within(scope).filter(public_id=public_id).select_for_update().first()
    if found is None:
        raise NotFound
    return found


def _named(scope: Scope, added: Iterable[date], removed: Iterable[date]) -> dict[date, str]:
    """Return the names of the days to be removed. Raises Conflict, NotFound."""
    known = dict(Holiday.objects.within(scope).values_list("day", "name"))
    if there := sorted(day for day in added if day in known):
        raise Conflict(_("이미 휴일인 날이에요: %(day)s") % {"day": there[0].isoformat()}, field="day")
    if any(day not in known for day in removed):
        raise NotFound
    return {day: known[day] for day in removed}


def _check_days(scope: Scope, added: Iterable[date], removed: Iterable[date]) -> None:
    known = terms.holidays(scope)
    if any(day in known for day in added) or any(day not in known for day in removed):
        raise _stale()


def _lock_records(change: HolidayChange) -> list[int]:
    records = sorted(change.moves.values_list("record_id", flat=True))
    _lock(records)
    return records


def _lock(records: list[int]) -> None:
    rows = SettlementRecord.objects.filter(pk__in=records).order_by("pk").select_for_update(no_key=True)
    for _pk in rows.values_list("pk", flat=True).iterator():
        pass


def _check_still_moves(change: HolidayChange) -> None:
    """Raise StaleVersion unless what moves now is what was shown; the records shown are locked."""
    with connection.cursor() as cursor:
        cursor.execute(load("settlement", "compare_holiday_moves"), _moving(change).bound(change))
        now_moving, as_shown = cursor.fetchone()
    if not now_moving == as_shown == change.record_count:
        raise _stale()


def _stale() -> StaleVersion:
    return StaleVersion(_("미리 본 뒤에 정산건이나 휴일이 바뀌었어요. 다시 미리 보고 적용해 주세요."))


def _change_days(scope: Scope, by: Actor, added: Mapping[date, str], removed: Collection[date]) -> None:
    for day in removed:
        gone = Holiday.objects.within(scope).get(day=day)
        audit.record(
            scope=scope,
            by=by,
            action="holiday.removed",
            kind=KIND,
            object_id=day.isoformat(),
            after={"name": gone.name},
        )
        gone.delete()
    who = str(by)[:200]
    fresh = [Holiday(**scope.filters(), day=day, name=name, added_by=who) for day, name in added.items()]
    Holiday.objects.bulk_create(fresh)
    for day, name in added.items():
        audit.record(
            scope=scope, by=by, action="holiday.added", kind=KIND, object_id=day.isoformat(), after={"name": name}
        )


def _move(change: HolidayChange, records: list[int], by: Actor) -> None:
    """Move locked records and tell their histories."""
    bound: dict[str, Any] = {
        "change": change.pk,
        "records": records,
        "merchant": change.merchant_id,
        "is_test": change.is_test,
        "actor_kind": by.kind.value,
        "actor_name": by.name,
        "user_id": by.user_id,
        "secret_id": by.secret_id,
        "request_id": by.request_id,
        "address": by.address,
        "reason": _("휴일 변경 %(id)s") % {"id": change.public_id},
    }
    with connection.cursor() as cursor:
        cursor.execute(load("settlement", "apply_holiday_moves"), bound)


def _tell_change(change: HolidayChange, by: Actor) -> None:
    audit.record(
        scope=change.scope,
        by=by,
        action="holiday_change.applied",
        kind=CHANGE_KIND,
        object_id=change.public_id,
        after={"added": change.added, "removed": change.removed, "records": change.record_count},
    )

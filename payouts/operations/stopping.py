"""
Stopping and letting go on: the switch that people throw, the breaker that trips by itself, and the alarm.

While a stop is open nothing is claimed and nothing passes its point of no return. The switch is about one merchant's
environment. The breaker is about one rail of everybody: too many answers of the bank in a row were unclear; it lets one
transfer through now and then and closes when the bank answers it. The alarm is raised when the bank moved money that
nobody here asked for, or that counts as not moved; only a person ends it.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from access import audit
from core import jobs
from core.actor import Actor, system
from core.errors import InvalidRequest, NotFound
from core.scope import Scope
from ledger.posting import refused_by
from payouts import queries
from payouts.models import BankEvent, DispatchStop, StopKind
from payouts.rails.base import OutcomeKind
from payouts.rails_in_use import patience

# The breaker looks at so many answers, and trips when at least half of them were unclear.
LOOKED_AT = 20
TRIPS_AT = 10


def stop(*, scope: Scope, reason: str, by: Actor, now: datetime) -> DispatchStop:
    """Throw the switch of a scope; where it is thrown already, return the stop in force. Raises InvalidRequest."""
    if not reason.strip():
        raise InvalidRequest(_("중단하는 사유를 적어 주세요."), field="reason")
    with transaction.atomic():
        made = _open(StopKind.SWITCH, reason.strip(), {}, by, now, scope=scope)
        found = queries.open_stops(scope).get(kind=StopKind.SWITCH)
        if made:
            audit.record(
                scope=scope,
                by=by,
                action="dispatch.stopped",
                kind="dispatch_stop",
                object_id=str(found.pk),
                reason=reason,
            )
    return found


def resume(*, scope: Scope, stop_id: int, reason: str, by: Actor, now: datetime) -> DispatchStop:
    """
    End a stop that a scope can see. The caller has checked that the person may approve payouts.

    Ending it again changes nothing. Raises NotFound, InvalidRequest.
    """
    if not reason.strip():
        raise InvalidRequest(_("다시 시작하는 사유를 적어 주세요."), field="reason")
    with transaction.atomic():
        found = queries.stops(scope).select_for_update(of=("self",)).filter(pk=stop_id).first()
        if found is None:
            raise NotFound(_("중단 기록을 찾을 수 없어요."))
        if found.ended_at is None:
            _end(found, by=by, reason=reason.strip(), now=now)
            audit.record(
                scope=scope,
                by=by,
                action="dispatch.resumed",
                kind="dispatch_stop",
                object_id=str(found.pk),
                before={"kind": found.kind, "reason": found.reason},
                reason=reason,
            )
        jobs.wake("payouts.dispatch")
    return found


def _open(
    kind: StopKind,
    reason: str,
    facts: Mapping[str, object],
    by: Actor,
    now: datetime,
    *,
    scope: Scope | None = None,
    rail: str = "",
    probe_at: datetime | None = None,
) -> bool:
    whose = scope.filters() if scope else {"merchant_id": None, "is_test": None}
    try:
        with transaction.atomic():
            DispatchStop.objects.create(
                **whose,
                rail=rail,
                kind=kind,
                reason=reason,
                facts=dict(facts),
                started_at=now,
                started_by=str(by),
                probe_at=probe_at,
            )
    except IntegrityError as error:
        if refused_by(error) != "payouts_one_open_stop":
            raise
        return False
    return True


def _end(found: DispatchStop, *, by: Actor, reason: str, now: datetime) -> None:
    found.ended_at, found.ended_by, found.ended_reason = now, str(by), reason
    found.save(update_fields=["ended_at", "ended_by", "ended_reason"])


def watch(*, rail: str, unclear: int, clear: int, now: datetime) -> None:
    """
    Take note of answers to what was just sent: trip the breaker of a rail, or close it.

    One clear answer closes it, for then the bank answers again.
    """
    tripped = DispatchStop.objects.filter(rail=rail, kind=StopKind.BREAKER, ended_at=None)
    by = system("payouts.breaker")
    if clear:
        with transaction.atomic():
            for found in tripped.select_for_update():
                _end(found, by=by, reason=gettext_noop("은행이 다시 응답해요."), now=now)
    elif unclear:
        last = _last_answers(rail)
        bad = sum(outcome == OutcomeKind.UNKNOWN.value for outcome in last)
        if bad >= TRIPS_AT and 2 * bad >= len(last):
            facts: dict[str, object] = {"unclear": bad, "of": len(last)}
            reason = gettext_noop("은행의 응답이 계속 불분명해서 이체를 멈췄어요.")
            _open(StopKind.BREAKER, reason, facts, by, now, rail=rail, probe_at=now + patience().probe_pause)


def _last_answers(rail: str) -> list[str]:
    """Return how the last transfers through a rail were answered, since its breaker was last closed."""
    answers = BankEvent.objects.filter(call="send", attempt__rail=rail)
    ended = DispatchStop.objects.filter(rail=rail, kind=StopKind.BREAKER, ended_at__isnull=False)
    last = ended.order_by("-ended_at").values_list("ended_at", flat=True).first()
    if last:
        answers = answers.filter(at__gt=last)
    return list(answers.order_by("-pk").values_list("outcome", flat=True)[:LOOKED_AT])


def take_probe(now: datetime) -> str | None:
    """Return a rail whose open breaker lets one transfer through now, and put the next one off; None without."""
    due = DispatchStop.objects.filter(kind=StopKind.BREAKER, ended_at=None, probe_at__lte=now)
    for found in due.order_by("pk"):
        # Whoever moves the time has the probe.
        if due.filter(pk=found.pk).update(probe_at=now + patience().probe_pause):
            return found.rail
    return None


def raise_alarm(*, rail: str, references: Sequence[str], contradicting: Sequence[str], now: datetime) -> bool:
    """
    Stop a rail because its bank moved money under references that are not ours, or whose attempts count as not paid.

    References of an earlier alarm, ended by a person, are known and raise no second one. Says whether one was raised.
    """
    new = sorted({*references, *contradicting} - _known(rail))
    if not new:
        return False
    facts = {"references": new, "contradicting": sorted(set(contradicting) & set(new))}
    reason = gettext_noop("은행 명세에 우리가 모르는 이체가 있어요. 확인하기 전까지 이체를 멈췄어요.")
    with transaction.atomic():
        raised = _open(StopKind.STRANGER, reason, facts, system("payouts.statements"), now, rail=rail)
        if not raised:
            _add_to_alarm(rail, facts)
    return raised


def _add_to_alarm(rail: str, facts: dict[str, list[str]]) -> None:
    open_alarm = DispatchStop.objects.filter(rail=rail, kind=StopKind.STRANGER, ended_at=None)
    for found in open_alarm.select_for_update():
        found.facts = {name: sorted({*found.facts.get(name, ()), *facts[name]}) for name in facts}
        found.save(update_fields=["facts"])


def _known(rail: str) -> set[str]:
    alarms = DispatchStop.objects.filter(Q(rail=rail), kind=StopKind.STRANGER).values_list("facts", flat=True)
    return {reference for facts in alarms for reference in facts.get("references", ())}

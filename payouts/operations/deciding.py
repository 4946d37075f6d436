"""
Deciding by hand what became of an attempt, when the bank does not say.

One person proposes with evidence, another confirms; the database refuses one and the same. Until the rail's settle
time has passed a held request can still arrive, so "not paid" and "send again" cannot be proposed before. What two
people decided takes the same way as an answer of the bank; a bank's answer that comes first makes the proposal void.
"""

from datetime import date, datetime, time

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from access import audit
from core import ids
from core.actor import Actor
from core.clock import SEOUL, seoul_day
from core.errors import Conflict, Forbidden, InvalidRequest, NotFound
from core.scope import Scope
from ledger.posting import refused_by
from payouts import desk, queries
from payouts.models import Attempt, AttemptState, DecisionState, HandDecision, HandOutcome
from payouts.operations import results
from payouts.rails.base import Outcome, OutcomeKind

DECISION = ids.IdKind("hd", 23, dated=True)
_UNDECIDED = (AttemptState.ACCEPTED, AttemptState.UNKNOWN)
_LEAST_EVIDENCE = 5


class NotUndecided(Conflict):
    """The bank has answered meanwhile, or the payout is not with the bank: there is nothing to decide."""

    code = "PAYOUT_NOT_UNDECIDED"


class TooEarly(Conflict):
    """The bank may still execute what it was sent; `safeFrom` says from when this can be proposed."""

    code = "DECISION_TOO_EARLY"


class AlreadyProposed(Conflict):
    """Another proposal about the same attempt waits for its second person."""

    code = "DECISION_ALREADY_PROPOSED"


class OwnDecision(Forbidden):
    """Whoever proposed cannot confirm or reject."""

    code = "OWN_DECISION"


class DecisionMade(Conflict):
    """The proposal has been confirmed, rejected or withdrawn."""

    code = "DECISION_ALREADY_MADE"


def propose(
    *,
    scope: Scope,
    payout_id: str,
    outcome: HandOutcome,
    evidence: str,
    by: Actor,
    now: datetime,
    executed_on: date | None = None,
) -> HandDecision:
    """
    Propose what became of a payout's open attempt; `executed_on` is the Seoul day it was paid on, for SUCCEEDED.

    Raises NotFound, NotUndecided, TooEarly, AlreadyProposed, InvalidRequest.
    """
    _check(outcome, evidence, executed_on, now)
    if by.user_id is None:
        raise Forbidden(_("사람만 지급 결과를 정할 수 있어요."))
    with transaction.atomic():
        attempt = _lock_open_attempt(scope, payout_id)
        action = next(one for one in desk.safe_actions(attempt, now) if one.outcome == outcome)
        if action.safe_from is None:
            raise InvalidRequest(_("이 은행에는 같은 번호로 다시 보낼 수 없어요."), field="outcome")
        if action.safe_from > now:
            raise TooEarly(_("아직 은행이 처리할 수 있는 시간이에요."), safeFrom=action.safe_from.isoformat())
        try:
            with transaction.atomic():
                made = HandDecision.objects.create(
                    **scope.filters(),
                    public_id=ids.new_id(DECISION, now),
                    attempt=attempt,
                    outcome=outcome,
                    evidence=evidence.strip(),
                    executed_on=executed_on,
                    fence=attempt.fence,
                    proposed_by_id=by.user_id,
                    proposed_by=by.name,
                    proposed_at=now,
                )
        except IntegrityError as error:
            if refused_by(error) != "payouts_one_open_decision":
                raise
            raise AlreadyProposed(_("이미 다른 제안이 확인을 기다리고 있어요.")) from error
        _tell("proposed", made, by)
    return made


def _check(outcome: HandOutcome, evidence: str, executed_on: date | None, now: datetime) -> None:
    if len(evidence.strip()) < _LEAST_EVIDENCE:
        message = _("근거를 적어 주세요. 은행 거래 번호나 통화 기록처럼 나중에 찾을 수 있어야 해요.")
        raise InvalidRequest(message, field="evidence")
    if (outcome == HandOutcome.SUCCEEDED) != (executed_on is not None):
        raise InvalidRequest(_("지급된 날은 지급됨으로 정할 때만 적어 주세요."), field="executedOn")
    if executed_on is not None and executed_on > seoul_day(now):
        raise InvalidRequest(_("지급된 날은 오늘보다 뒤일 수 없어요."), field="executedOn")


def _lock_open_attempt(scope: Scope, payout_id: str) -> Attempt:
    payout = queries.find_payout(scope, payout_id)
    found = payout.attempts.order_by("-attempt_no").values_list("pk", flat=True)[:1]
    attempts = queries.lock_attempts(list(found))
    if not attempts or attempts[0].state not in _UNDECIDED:
        raise NotUndecided(_("결과를 기다리는 지급이 아니에요. 화면을 새로 고쳐 주세요."), status=payout.status)
    return attempts[0]


def confirm(*, scope: Scope, decision_id: str, by: Actor, now: datetime) -> HandDecision:
    """
    Confirm another person's proposal; it takes effect at once, as an answer of the bank would.

    Raises NotFound, OwnDecision, DecisionMade, NotUndecided (the proposal is withdrawn then).
    """
    with transaction.atomic():
        made, attempt = _lock(scope, decision_id, by)
        if attempt.state not in _UNDECIDED or attempt.fence != made.fence:
            _decide(made, DecisionState.WITHDRAWN, by, now, _("그 사이 은행이 답했어요."))
            overtaken, done = True, None
        else:
            _decide(made, DecisionState.CONFIRMED, by, now, "")
            overtaken, done = False, results.apply([_answer(made, attempt)], now=now)
    if overtaken or done is None:
        raise NotUndecided(_("그 사이 은행이 답했어요. 화면을 새로 고쳐 주세요."), status=attempt.state)
    results.follow_up(done, now=now)
    return made


def reject(*, scope: Scope, decision_id: str, reason: str, by: Actor, now: datetime) -> HandDecision:
    """Reject another person's proposal. Raises NotFound, OwnDecision, DecisionMade, InvalidRequest."""
    if not reason.strip():
        raise InvalidRequest(_("반려 사유를 적어 주세요."), field="reason")
    with transaction.atomic():
        made, _attempt = _lock(scope, decision_id, by)
        _decide(made, DecisionState.REJECTED, by, now, reason.strip())
    return made


def withdraw(*, scope: Scope, decision_id: str, by: Actor, now: datetime) -> HandDecision:
    """Take back one's own proposal. Raises NotFound, DecisionMade, Forbidden."""
    with transaction.atomic():
        made = _find(scope, decision_id)
        if made.state != DecisionState.PROPOSED:
            raise DecisionMade(_("이미 끝난 제안이에요."), state=made.state)
        if made.proposed_by_id != by.user_id:
            raise Forbidden(_("제안한 사람만 철회할 수 있어요."))
        _decide(made, DecisionState.WITHDRAWN, by, now, "")
    return made


def _find(scope: Scope, decision_id: str) -> HandDecision:
    rows = HandDecision.objects.within(scope).select_for_update(of=("self",))
    made = rows.filter(public_id=decision_id).first()
    if made is None:
        raise NotFound(f"decision {decision_id} does not exist")
    return made


def _lock(scope: Scope, decision_id: str, by: Actor) -> tuple[HandDecision, Attempt]:
    # The attempt comes before the decision, as it does where one is proposed and where the bank answers.
    found = HandDecision.objects.within(scope).filter(public_id=decision_id).values_list("attempt_id", flat=True)
    attempts = queries.lock_attempts(list(found))
    made = _find(scope, decision_id)
    if made.state != DecisionState.PROPOSED:
        raise DecisionMade(_("이미 끝난 제안이에요."), state=made.state)
    if by.user_id is None:
        raise Forbidden(_("사람만 지급 결과를 정할 수 있어요."))
    if made.proposed_by_id == by.user_id:
        raise OwnDecision(_("직접 제안한 결과는 확인하거나 반려할 수 없어요."))
    return made, attempts[0]


def _decide(made: HandDecision, state: DecisionState, by: Actor, now: datetime, reason: str) -> None:
    made.state, made.reason = state, reason
    made.decided_by_id, made.decided_by, made.decided_at = by.user_id, by.name, now
    made.save(update_fields=["state", "reason", "decided_by_id", "decided_by", "decided_at"])
    _tell(state.lower(), made, by)


def _tell(verb: str, made: HandDecision, by: Actor) -> None:
    audit.record(
        scope=made.scope,
        by=by,
        action=f"payout.decision_{verb}",
        kind="payout",
        object_id=made.attempt.payout.public_id,
        after={
            "decision": made.public_id,
            "outcome": made.outcome,
            "reference": made.attempt.reference,
            "executedOn": str(made.executed_on or ""),
            "evidence": made.evidence,
        },
        reason=made.reason,
    )


_KINDS = {
    HandOutcome.SUCCEEDED: OutcomeKind.SUCCEEDED,
    HandOutcome.FAILED: OutcomeKind.FAILED,
    # Two people vouch that nothing reached the bank: the dispatch is undone and the same reference goes out again.
    HandOutcome.RESEND: OutcomeKind.NOT_SENT,
}


def _answer(made: HandDecision, attempt: Attempt) -> results.Answered:
    outcome = Outcome(
        kind=_KINDS[HandOutcome(made.outcome)],
        code=results.BY_HAND,
        message=f"{made.proposed_by} / {made.decided_by}",
        executed_at=datetime.combine(made.executed_on, time(12), SEOUL) if made.executed_on else None,
        evidence=made.evidence,
    )
    return results.Answered(attempt.pk, attempt.fence, "decide", outcome)

"""
What the bank's answers do.

Every answer is stored as evidence first. It decides only if the attempt is still where the asker left it: same fence,
same open state. Success, refusal, proof of non-receipt and return each post their journals in the transaction that
changes the state; an unclear answer posts nothing.
"""

import json
import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from django.db import transaction
from django.utils.translation import gettext_noop

from access.webhooks.operations import SWEEPER as WEBHOOKS
from core import faultpoints, jobs, rows
from core.actor import system
from core.clock import seoul_day
from core.scope import Scope
from ledger import posting
from ledger.posting import Posting
from payouts import journals, queries
from payouts.journals import Money
from payouts.models import Attempt, AttemptState, BankAccount, BankEvent, Payout, PayoutStatus
from payouts.operations import booking, building, running, stopping
from payouts.rails.base import FailureClass, Outcome, OutcomeKind
from payouts.rails_in_use import patience, rail
from settlement.models import HoldReason
from settlement.operations import holding

_BY = system("payouts.results")
_UNDECIDED = (AttemptState.ACCEPTED, AttemptState.UNKNOWN)
_OPEN_FOR = {
    "send": (AttemptState.SUBMITTING,),
    "inquire": _UNDECIDED,
    "statement": _UNDECIDED,
    "decide": _UNDECIDED,
}
# The code under which two people decided that nothing was paid.
BY_HAND = "DECIDED_BY_HAND"
_RETRIED = (FailureClass.FUNDS, FailureClass.LIMIT, FailureClass.WINDOW, FailureClass.TECHNICAL)
_HELD = {FailureClass.ACCOUNT: HoldReason.ACCOUNT, FailureClass.COMPLIANCE: HoldReason.COMPLIANCE}

# What a person is told to do next, by the class of the refusal.
ADVICE: dict[FailureClass, str] = {
    FailureClass.ACCOUNT: gettext_noop("파트너의 계좌를 확인하고 고친 뒤 다시 지급해 주세요."),
    FailureClass.FUNDS: gettext_noop("지급 계좌의 잔액이 부족해요. 입금하면 다시 시도해요."),
    FailureClass.LIMIT: gettext_noop("이체 한도를 넘었어요. 한도를 늘리거나 나누어 지급해 주세요."),
    FailureClass.WINDOW: gettext_noop("은행 점검 시간이에요. 점검이 끝나면 다시 시도해요."),
    FailureClass.TECHNICAL: gettext_noop("은행과 통신하지 못했어요. 잠시 뒤 다시 지급해 주세요."),
    FailureClass.COMPLIANCE: gettext_noop("준법 검토가 필요해요. 승인자가 확인해야 다시 지급할 수 있어요."),
    FailureClass.UNKNOWN: gettext_noop("은행에 결과를 문의해 주세요."),
}
_BY_HAND_ADVICE = gettext_noop("두 사람이 지급되지 않았음을 확인했어요. 다시 지급할 수 있어요.")


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer, and the hold on the attempt under which it was asked for."""

    attempt_id: int
    fence: int
    call: str
    outcome: Outcome


def money(attempt: Attempt) -> Money:
    """Return what the journals of an attempt's payout need."""
    return queries.money_of(attempt.payout, attempt.payout.bulk_payout.bank_account)


def record(answers: Sequence[Answered], *, now: datetime) -> int:
    """Store answers as evidence and apply those that still count; returns how many were applied."""
    if not answers:
        return 0
    with transaction.atomic(durable=True):
        done = apply(answers, now=now)
        faultpoints.reached("results.recording")
    faultpoints.reached("results.recorded")
    follow_up(done, now=now)
    return done.applied


@dataclass(frozen=True, slots=True)
class Done:
    """What a set of answers did: how many counted, whose bulk payouts they touched, how each rail answered a send."""

    applied: int
    bulks: frozenset[tuple[Scope, str]]
    sent: Sequence[tuple[str, OutcomeKind]]


def apply(answers: Sequence[Answered], *, now: datetime) -> Done:
    """Store answers and what they do in the caller's transaction, which `follow_up` has to follow."""
    by_id = {row.pk: row for row in queries.lock_attempts([answer.attempt_id for answer in answers])}
    changes, evidence, late = _Changes(now), [], []
    for answer in sorted(answers, key=lambda one: one.attempt_id):
        attempt = by_id[answer.attempt_id]
        counts = attempt.fence == answer.fence and attempt.state in _OPEN_FOR[answer.call]
        again = attempt.state == AttemptState.SUCCEEDED and answer.call == "inquire"
        evidence.append(_evidence(answer, counts=counts or again))
        if counts:
            changes.apply(attempt, answer.outcome)
        elif again:
            changes.look_again(attempt, answer.outcome)
        elif attempt.state in _UNDECIDED:
            late.append(attempt.pk)
    rows.insert_all(BankEvent, {"at": now}, dict(zip(_EVIDENCE, zip(*evidence, strict=True), strict=True)))
    if late:
        # Too late to decide, but reason enough to ask at once.
        Attempt.objects.filter(pk__in=late).update(next_inquiry_at=now)
    changes.store()
    return Done(
        applied=len(changes.stored),
        bulks=frozenset((row.payout.scope, row.payout.bulk_payout.public_id) for row in by_id.values()),
        sent=[(by_id[one.attempt_id].rail, one.outcome.kind) for one in answers if one.call == "send"],
    )


def follow_up(done: Done, *, now: datetime) -> None:
    """Bring bulk payouts in line with their payouts, let breakers know how rails answered, and wake the webhooks."""
    jobs.wake(WEBHOOKS)
    for scope, bulk_id in done.bulks:
        running.advance(scope=scope, bulk_id=bulk_id, now=now)
    for name in {name for name, _kind in done.sent}:
        kinds = [kind for rail_name, kind in done.sent if rail_name == name]
        unclear = kinds.count(OutcomeKind.UNKNOWN)
        clear = len(kinds) - unclear - kinds.count(OutcomeKind.NOT_SENT)
        stopping.watch(rail=name, unclear=unclear, clear=clear, now=now)


_EVIDENCE = ("attempt_id", "call", "outcome", "code", "message", "evidence", "fence", "applied")


def _evidence(answer: Answered, *, counts: bool) -> tuple[object, ...]:
    said = answer.outcome
    about = (answer.attempt_id, answer.call, said.kind.value, said.code, said.message, said.evidence)
    return (*about, answer.fence, counts)


_CHANGED = (
    "state",
    "state_changed_at",
    "lease_until",
    "due_at",
    "inquiries",
    "next_inquiry_at",
    "not_received_at",
    "will_retry",
    "bank_code",
    "bank_message",
    "bank_reference",
    "executed_at",
)


@dataclass
class _Changes:
    """What a set of answers does, gathered first and then stored in a few statements."""

    now: datetime
    stored: list[Attempt] = field(default_factory=list)
    paid: list[Attempt] = field(default_factory=list)
    retries: list[Attempt] = field(default_factory=list)
    postings: dict[Scope, list[Posting]] = field(default_factory=lambda: defaultdict(list))
    refused: list[tuple[Attempt, FailureClass]] = field(default_factory=list)
    undone: list[tuple[Attempt, str]] = field(default_factory=list)

    def apply(self, attempt: Attempt, outcome: Outcome) -> None:
        """Decide what an answer that counts means for its attempt."""
        attempt.bank_code, attempt.bank_message = outcome.code, outcome.message
        attempt.bank_reference = outcome.bank_reference or attempt.bank_reference
        match outcome.kind:
            case OutcomeKind.SUCCEEDED:
                self._succeed(attempt, outcome)
            case OutcomeKind.FAILED:
                self._fail(attempt, outcome)
            case OutcomeKind.NOT_SENT:
                self._send_again(attempt, pause=_retry_pause(attempt))
            case OutcomeKind.NOT_RECEIVED:
                self._not_received(attempt)
            case OutcomeKind.ACCEPTED:
                self._wait(attempt, AttemptState.ACCEPTED)
            case OutcomeKind.UNKNOWN:
                self._wait(attempt, AttemptState.UNKNOWN)

    def look_again(self, attempt: Attempt, outcome: Outcome) -> None:
        """Weigh what the bank says later about a success: that it came back, or that it failed after all."""
        attempt.next_inquiry_at = None
        if outcome.kind is OutcomeKind.FAILED:
            self.undone.append((attempt, outcome.code))
        elif outcome.returned_at is not None:
            # The statement says how much came back, and when.
            BankAccount.objects.filter(pk=attempt.payout.bulk_payout.bank_account_id).update(statement_checked_at=None)
            rows.update([attempt], ["next_inquiry_at"])
        else:
            rows.update([attempt], ["next_inquiry_at"])

    def store(self) -> None:
        """Store everything in the caller's transaction: attempts before the payouts that follow them, journals last."""
        for attempt, kind in self.refused:
            advice = _BY_HAND_ADVICE if attempt.bank_code == BY_HAND else ADVICE[kind]
            _tell_why(attempt.payout, attempt.bank_code, advice)
        rows.update(self.stored, _CHANGED)
        if self.retries:
            Attempt.objects.bulk_create(self.retries)
        self._book()
        for attempt, kind in self.refused:
            _set_free(attempt, PayoutStatus.FAILED, _HELD.get(kind, HoldReason.NONE), self.now)
        for attempt, code in self.undone:
            _come_back(attempt, attempt.amount, code, self.now, self.now)

    def _book(self) -> None:
        if not self.postings:
            booking.succeeded(self.paid, by=_BY)
            return
        # Together: balances move in one statement, in account order, so that nobody waits in a circle.
        for attempt in self.paid:
            paid_on = seoul_day(attempt.executed_at or self.now)
            self._post(attempt, journals.succeed(money(attempt), attempt.reference, paid_on))
        for scope, postings in self.postings.items():
            posting.post_many(scope=scope, postings=postings, by=_BY)

    def _post(self, attempt: Attempt, posting_: Posting) -> None:
        self.postings[attempt.payout.scope].append(posting_)

    def _move(self, attempt: Attempt, state: AttemptState) -> None:
        _move(attempt, state, self.now)
        self.stored.append(attempt)

    def _succeed(self, attempt: Attempt, outcome: Outcome) -> None:
        attempt.executed_at = outcome.executed_at or self.now
        attempt.next_inquiry_at = None
        self.paid.append(attempt)
        self._move(attempt, AttemptState.SUCCEEDED)

    def _fail(self, attempt: Attempt, outcome: Outcome) -> None:
        kind = outcome.failure_class or FailureClass.UNKNOWN
        pauses = patience().retry_pauses
        attempt.will_retry = kind in _RETRIED and attempt.attempt_no <= len(pauses)
        attempt.next_inquiry_at = None
        self._post(attempt, journals.fail(money(attempt), attempt.reference, seoul_day(self.now), outcome.code))
        self._move(attempt, AttemptState.FAILED)
        if attempt.will_retry:
            due = self.now + pauses[attempt.attempt_no - 1]
            self.retries.append(running.new_attempt(attempt.payout, attempt.attempt_no + 1, attempt.rail, due))
        else:
            self.refused.append((attempt, kind))

    def _send_again(self, attempt: Attempt, *, pause: timedelta) -> None:
        """With proof that nothing arrived: back in line under the same reference, the dispatch undone."""
        day = seoul_day(self.now)
        self._post(attempt, journals.undo_dispatch(money(attempt), attempt.reference, attempt.submission_no, day))
        attempt.due_at = self.now + pause
        attempt.next_inquiry_at = attempt.not_received_at = None
        self._move(attempt, AttemptState.CREATED)

    def _not_received(self, attempt: Attempt) -> None:
        """
        Weigh a "not found", which proves nothing alone.

        It counts when the rail's inquiry is authoritative, the submission is older than the rail's settle delay, and
        two such answers lie far enough apart. Then the same reference goes out again, if the rail refuses duplicates.
        """
        promises = rail(attempt.rail).promises
        settled = attempt.submitted_at and attempt.submitted_at + timedelta(seconds=promises.settle_delay) <= self.now
        if not (promises.inquiry_authoritative and promises.deduplicates and settled):
            self._wait(attempt, AttemptState.UNKNOWN)
            return
        first = attempt.not_received_at
        if first is not None and first + patience().second_look <= self.now:
            self._send_again(attempt, pause=timedelta(0))
            return
        attempt.not_received_at = first or self.now
        self._wait(attempt, AttemptState.UNKNOWN, pause=patience().second_look)

    def _wait(self, attempt: Attempt, state: AttemptState, *, pause: timedelta | None = None) -> None:
        pauses = patience().inquiry_pauses
        # Spread by a fifth either way, so that what went wrong together is not asked about together.
        spread = random.uniform(0.8, 1.2)  # noqa: S311 - no secret hangs on it
        next_pause = pause or pauses[min(attempt.inquiries, len(pauses) - 1)] * spread
        attempt.next_inquiry_at = self.now + next_pause if attempt.inquiries < len(pauses) else None
        attempt.inquiries += 1
        self._move(attempt, state)


def _move(attempt: Attempt, state: AttemptState, now: datetime) -> None:
    if attempt.state != state:
        attempt.state_changed_at = now
    attempt.state = state
    attempt.lease_until = None


def _retry_pause(attempt: Attempt) -> timedelta:
    pauses = patience().retry_pauses
    return pauses[min(attempt.submission_no, len(pauses)) - 1]


def _tell_why(payout: Payout, code: str, advice: str) -> None:
    Payout.objects.filter(pk=payout.pk).update(fail_code=code, fail_reason=advice)


def _set_free(attempt: Attempt, reason: str, hold: HoldReason, now: datetime) -> None:
    bulk = attempt.payout.bulk_payout
    freed = building.give_back(bulk, [attempt.payout], reason=reason, by=_BY, now=now)
    if hold != HoldReason.NONE:
        holding.keep(settlements=freed, reason=hold, by=_BY, now=now)


class Return(StrEnum):
    """What became of money that is said to have come back."""

    RECORDED = "RECORDED"
    DIFFERS = "DIFFERS"
    """It came back short by more than a bank's fee, or is more than was sent: people have to look."""
    NOT_YET = "NOT_YET"
    """Its success is not recorded yet."""
    KNOWN = "KNOWN"


def record_return(*, attempt_id: int, amount: int, returned_at: datetime, now: datetime, evidence: str = "") -> Return:
    """
    Money came back after success: undo the payment and its withholding, hold the money, free the settlements.

    Happens once. What the returning bank kept, up to the scope's limit, is our expense; the partner is credited in
    full.
    """
    with transaction.atomic(durable=True):
        (attempt,) = queries.lock_attempts([attempt_id])
        if attempt.state == AttemptState.RETURNED:
            return Return.KNOWN
        if attempt.state != AttemptState.SUCCEEDED:
            return Return.NOT_YET
        kept = attempt.amount - amount
        fits = 0 <= kept <= queries.limits(attempt.payout.scope).return_fee and amount > 0
        BankEvent.objects.create(
            attempt=attempt,
            call="statement",
            outcome="RETURNED" if fits else "OTHER_AMOUNT",
            code="RETURNED",
            evidence=evidence or json.dumps({"amount": amount, "returnedAt": returned_at.isoformat()}),
            fence=attempt.fence,
            applied=fits,
            at=now,
        )
        if not fits:
            return Return.DIFFERS
        _come_back(attempt, amount, "RETURNED", returned_at, now)
        faultpoints.reached("returns.recording")
    faultpoints.reached("returns.recorded")
    return Return.RECORDED


def _come_back(attempt: Attempt, amount: int, code: str, returned_at: datetime, now: datetime) -> None:
    moved, day = money(attempt), seoul_day(returned_at)
    paid_on = seoul_day(attempt.executed_at or now)
    back = [
        journals.come_back(moved, attempt.reference, day, kept=attempt.amount - amount),
        journals.attribute_return(moved, attempt.reference, paid_on, day),
    ]
    posting.post_many(scope=attempt.payout.scope, postings=back, by=_BY)
    why = gettext_noop("받는 은행이 돈을 돌려보냈어요. 계좌를 확인한 뒤 다시 지급해 주세요.")
    _tell_why(attempt.payout, code, why)
    _move(attempt, AttemptState.RETURNED, now)
    attempt.next_inquiry_at = None
    rows.update([attempt], _CHANGED)
    _set_free(attempt, PayoutStatus.RETURNED, HoldReason.ACCOUNT, now)

"""
Reading the bank's own statement: what it says was paid, what came back, and what nobody here asked for.

Lines are read in the bank's order, each once; the account keeps how far. A line that cannot be understood yet (its
attempt is just being sent) ends the reading, which goes on there the next time. Money that left under a reference that
is not ours, or of an attempt that counts as not paid, stops the rail.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from django.db.models import Q

from core.clock import seoul_day
from payouts.models import Attempt, AttemptState, BankAccount
from payouts.operations import dispatch, results, stopping
from payouts.rails.base import BankUnavailable, LineKind, Outcome, OutcomeKind, StatementLine
from payouts.rails_in_use import patience, rail

# An account that was never read is read from when it was set up, at most so far back.
_FIRST_DAYS = timedelta(days=90)
_BATCH = 5_000
_UNDECIDED = (AttemptState.ACCEPTED, AttemptState.UNKNOWN)
_NOT_PAID = (AttemptState.FAILED, AttemptState.STOPPED)
_Place = tuple[str, date | None]


def read_statements(*, now: datetime) -> int:
    """Read on in the statements of accounts not looked at for a while; returns how many lines changed something."""
    due = Q(statement_checked_at__isnull=True) | Q(statement_checked_at__lt=now - patience().statement_pause)
    found = 0
    for account in BankAccount.objects.filter(due).exclude(rail="").order_by("pk"):
        # The update is the lock: whoever changes the row reads the statement.
        if not rail(account.rail).promises.by_file and (
            BankAccount.objects.filter(due, pk=account.pk).update(statement_checked_at=now)
        ):
            found += _read_on(account, now)
    return found


def _read_on(account: BankAccount, now: datetime) -> int:
    today = seoul_day(now)
    first = account.statement_read_to or max(seoul_day(account.created_at), today - _FIRST_DAYS)
    try:
        lines = rail(account.rail).statement(min(first, today), today)
    except BankUnavailable:
        return 0
    fresh = [line for line in lines if (line.day, line.sequence) > (first, account.statement_read_sequence)]
    reading = _Reading(account, now)
    for start in range(0, len(fresh), _BATCH):
        if not reading.take(fresh[start : start + _BATCH]):
            break
    reading.finish()
    return reading.changed


@dataclass(frozen=True, slots=True)
class _Known:
    """What we know of a transfer that a line names."""

    attempt_id: int
    fence: int
    state: str
    amount: int
    account_id: int


@dataclass
class _Reading:
    """One pass over new lines of an account."""

    account: BankAccount
    now: datetime
    changed: int = 0
    read_to: tuple[date, int] | None = None
    strangers: list[str] = field(default_factory=list)
    contradicting: list[str] = field(default_factory=list)

    def take(self, lines: Sequence[StatementLine]) -> bool:
        """Work through lines in order; False when one of them cannot be understood yet."""
        known = _known(self.account.rail, lines)
        settled = {line.reference for line in lines if self._settles(line, known)}
        self._settle([line for line in lines if line.reference in settled and line.kind is LineKind.TRANSFER], known)
        if settled:
            known = _known(self.account.rail, lines)
        for line in lines:
            if not self._understand(line, known.get((line.reference, line.reference_date))):
                return False
            self.read_to = (line.day, line.sequence)
        return True

    def _settles(self, line: StatementLine, known: "Mapping[_Place, _Known]") -> bool:
        found = known.get((line.reference, line.reference_date))
        return (
            line.kind is LineKind.TRANSFER
            and found is not None
            and found.account_id == self.account.pk
            and found.state in _UNDECIDED
        )

    def _settle(self, lines: Sequence[StatementLine], known: "Mapping[_Place, _Known]") -> None:
        """Let lines decide about attempts whose answer was unclear: they have to agree in every field."""
        by_attempt = {known[line.reference, line.reference_date].attempt_id: line for line in lines}
        if not by_attempt:
            return
        rows = Attempt.objects.select_related("payout").filter(pk__in=by_attempt)
        answers = [
            results.Answered(
                row.pk, row.fence, "statement", _outcome(by_attempt[row.pk]).confirmed_for(dispatch.instruction_of(row))
            )
            for row in rows
        ]
        self.changed += results.record(answers, now=self.now)

    def _understand(self, line: StatementLine, found: "_Known | None") -> bool:
        """Say whether a line is dealt with."""
        if line.kind is LineKind.TRANSFER:
            return self._sent(line, found)
        if line.kind is LineKind.RETURN and found is not None and found.account_id == self.account.pk:
            return self._returned(line, found)
        return True

    def _sent(self, line: StatementLine, found: "_Known | None") -> bool:
        if found is None:
            self.strangers.append(line.reference or line.bank_reference)
        elif found.account_id == self.account.pk:
            if found.state == AttemptState.SUBMITTING:
                return False
            if found.state in _NOT_PAID or found.amount != -line.amount:
                self.contradicting.append(line.reference)
        return True

    def _returned(self, line: StatementLine, found: "_Known") -> bool:
        became = results.record_return(
            attempt_id=found.attempt_id,
            amount=line.amount,
            returned_at=line.booked_at,
            now=self.now,
            evidence=f"statement {line.day} #{line.sequence} {line.bank_reference} {line.amount}",
        )
        self.changed += became is results.Return.RECORDED
        return became is not results.Return.NOT_YET

    def finish(self) -> None:
        """Keep how far it was read, and raise the alarm for what should not be there."""
        stopping.raise_alarm(
            rail=self.account.rail, references=self.strangers, contradicting=self.contradicting, now=self.now
        )
        if self.read_to is not None:
            day, sequence = self.read_to
            BankAccount.objects.filter(pk=self.account.pk).update(
                statement_read_to=day, statement_read_sequence=sequence
            )


def _known(rail_name: str, lines: Iterable[StatementLine]) -> dict[_Place, _Known]:
    named = {line.reference for line in lines if line.reference}
    rows = Attempt.objects.filter(rail=rail_name, reference__in=named).values_list(
        "reference", "reference_date", "pk", "fence", "state", "amount", "payout__bulk_payout__bank_account_id"
    )
    return {
        (reference, day): _Known(attempt_id, fence, state, amount, account_id)
        for reference, day, attempt_id, fence, state, amount, account_id in rows
    }


def _outcome(line: StatementLine) -> Outcome:
    return Outcome(
        kind=OutcomeKind.SUCCEEDED,
        code="STATEMENT",
        message=f"Booked on the statement of {line.day} as line {line.sequence}.",
        bank_reference=line.bank_reference,
        reference=line.reference,
        reference_date=line.reference_date,
        amount=-line.amount,
        currency=line.currency,
        bank=line.bank,
        account_number=line.account_number,
        executed_at=line.booked_at,
        evidence=f"statement {line.day} #{line.sequence} {line.bank_reference} {line.amount}",
    )

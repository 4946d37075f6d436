"""
Matching the open lines of an account without a person: only what agrees in everything.

Lines decide about transfers whose answer was unclear and record payouts that came back, each in its own transaction;
then entries are matched and deposits booked. A line that a person has touched is left alone. Run again, it goes on
where it stopped.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, time

from django.db import connection, transaction

from core.actor import Actor
from core.clock import SEOUL
from ledger import posting
from ledger.accounts import Address
from ledger.chart import Code
from ledger.posting import Origin, Posting
from payouts.models import Attempt, AttemptState, BankAccount
from payouts.operations import dispatch, results, stopping
from payouts.rails.base import OutcomeKind
from payouts.rails.files.answers import Answer
from reconciliation import statement_queries as queries
from reconciliation.models import How, StatementLine, StatementMatch, StatementState
from reconciliation.models.lengths import NAME_LENGTH
from reconciliation.operations.statements import judge_all
from reconciliation.statements.judging import Entry, Judged, Open, Read, Verdict
from reconciliation.statements.lines import Said

ORIGIN = "bank_statement"
_CHUNK = 500
# Two keys of an advisory lock: what a statement explains, and of which account.
LOCK = 7303


def lock_account(account: BankAccount) -> None:
    """Let nobody else match lines of an account until the open transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s, hashint8(%s))", [LOCK, account.pk])


def match_open(*, account: BankAccount, by: Actor, now: datetime) -> Counter[Verdict]:
    """Match what agrees in everything, book deposits, and say of the rest why it is open; returns lines by verdict."""
    done: Counter[Verdict] = Counter()
    after = 0
    while lines := _untouched(account, after):
        after = lines[-1].pk
        judged = _judged(account, lines)
        pairs = list(zip(lines, judged, strict=True))
        acted = _decide(pairs, now) + _record_returns(pairs, now)
        if acted:
            judged = _judged(account, lines)
        _alarm(account, zip(lines, judged, strict=True), now)
        done += _keep(account, lines, by, now)
    return done


def _untouched(account: BankAccount, after: int) -> list[StatementLine]:
    """Return the next lines that nothing explains and nobody has matched or released by hand."""
    rows = StatementLine.objects.filter(
        bank_account=account, matched=0, pk__gt=after, statement__state=StatementState.CONFIRMED
    )
    rows = rows.exclude(reason=Open.RELEASED).select_related("statement", "bank_account")
    return list(rows.order_by("pk")[:_CHUNK])


def read_of(line: StatementLine) -> Read:
    """Return a kept line as it is judged."""
    return Read(
        day=line.day,
        amount=line.amount,
        currency=line.currency,
        said=Said(line.said),
        reference=line.reference,
        reference_date=line.reference_date,
        mark=line.account_mark,
        is_of_number=bool(line.account_mark) and not line.bank.strip(),
    )


def _judged(account: BankAccount, lines: Sequence[StatementLine]) -> list[Judged]:
    judged = judge_all(account, [read_of(line) for line in lines])
    before = _seen_before(account, lines)
    result = []
    for line, one in zip(lines, judged, strict=True):
        if line.statement.gaps:
            result.append(Judged(Verdict.OPEN, Open.GAP))
        elif (line.reference, line.amount < 0) in before and one.verdict in {Verdict.DECIDES, Verdict.RETURNED}:
            result.append(Judged(Verdict.OPEN, Open.TWICE))
        else:
            result.append(one)
    return result


def _seen_before(account: BankAccount, lines: Sequence[StatementLine]) -> set[tuple[str, bool]]:
    """Return references, and whether money went out, of earlier lines of the account: a second one decides nothing."""
    names = {line.reference for line in lines if line.reference}
    rows = StatementLine.objects.filter(bank_account=account, reference__in=names, pk__lt=lines[0].pk)
    rows = rows.exclude(said=Said.FEE)
    return {(reference, amount < 0) for reference, amount in rows.values_list("reference", "amount")}


def _booked_at(line: StatementLine) -> datetime:
    return line.booked_at or datetime.combine(line.day, time(12), tzinfo=SEOUL)


def _evidence(line: StatementLine) -> str:
    return f"statement file {line.statement.public_id} line {line.row} {line.day} {line.bank_reference} {line.amount}"


# ---- What lines decide


def _decide(pairs: Sequence[tuple[StatementLine, Judged]], now: datetime) -> int:
    by_reference = {line.reference: line for line, judged in pairs if judged.verdict is Verdict.DECIDES}
    if not by_reference:
        return 0
    account = pairs[0][0].bank_account
    rows = Attempt.objects.select_related("payout").filter(
        reference__in=by_reference,
        payout__bulk_payout__bank_account=account,
        state__in=(AttemptState.ACCEPTED, AttemptState.UNKNOWN),
    )
    answers = []
    for row in rows.order_by("pk"):
        line = by_reference[row.reference]
        answer = Answer(
            line=line.row,
            kind=OutcomeKind.SUCCEEDED,
            code="STATEMENT",
            message=f"Booked on the statement of {line.day} as line {line.number}.",
            reference=line.reference,
            amount=-line.amount,
            executed_at=_booked_at(line),
            bank_reference=line.bank_reference,
            said={"statement": line.statement.public_id},
        )
        outcome = answer.outcome_for(dispatch.instruction_of(row), currency=line.currency)
        answers.append(results.Answered(row.pk, row.fence, "statement", outcome))
    return results.record(answers, now=now)


def _record_returns(pairs: Sequence[tuple[StatementLine, Judged]], now: datetime) -> int:
    recorded = 0
    for line, judged in pairs:
        if judged.verdict is Verdict.RETURNED:
            recorded += record_return(line, now) is results.Return.RECORDED
    return recorded


def record_return(line: StatementLine, now: datetime, reference: str = "") -> results.Return:
    """Let a line that brings money back undo the payment under its reference, or under the one a person names."""
    attempts = Attempt.objects.filter(
        reference=reference or line.reference,
        payout__bulk_payout__bank_account=line.bank_account,
        state__in=(AttemptState.SUCCEEDED, AttemptState.RETURNED),
    )
    attempt = attempts.first()
    if attempt is None:
        return results.Return.NOT_YET
    return results.record_return(
        attempt_id=attempt.pk, amount=line.amount, returned_at=_booked_at(line), now=now, evidence=_evidence(line)
    )


def _alarm(account: BankAccount, pairs: Iterable[tuple[StatementLine, Judged]], now: datetime) -> None:
    """Money that left although its attempt counts as unpaid, or a second time, stops the rail until people looked."""
    wrong = [line.reference for line, judged in pairs if line.amount < 0 and judged.reason in {Open.UNPAID, Open.TWICE}]
    if wrong:
        stopping.raise_alarm(rail=account.rail, references=[], contradicting=wrong, now=now)


# ---- What explains lines


def _keep(account: BankAccount, lines: Sequence[StatementLine], by: Actor, now: datetime) -> Counter[Verdict]:
    """Match what is judged to be explained, once more under the lock of the account."""
    with transaction.atomic():
        lock_account(account)
        fresh = list(
            StatementLine.objects.filter(pk__in=[line.pk for line in lines], matched=0)
            .exclude(reason=Open.RELEASED)
            .select_related("statement", "bank_account")
            .order_by("pk")
        )
        if not fresh:
            return Counter()
        judged = _judged(account, fresh)
        taken: set[tuple[int, int]] = set()
        matches, changed = [], []
        for line, one in zip(fresh, judged, strict=True):
            reason = one.reason or ""
            if one.verdict is Verdict.MATCHED and one.entry is not None:
                if (one.entry.journal_id, one.entry.leg_no) in taken:
                    reason = Open.TWICE
                else:
                    taken.add((one.entry.journal_id, one.entry.leg_no))
                    matches.append(_match(line, one.entry, line.amount, How.REFERENCE, by, now))
            elif one.verdict is Verdict.DEPOSIT:
                matches.append(book_deposit(line, by, now))
            if line.reason != reason:
                line.reason = reason
                changed.append(line)
        StatementLine.objects.bulk_update(changed, ["reason"], batch_size=_CHUNK)
        StatementMatch.objects.bulk_create(matches, batch_size=_CHUNK)
    return Counter(one.verdict for one in judged)


def _match(
    line: StatementLine, entry: Entry, amount: int, how: How, by: Actor, now: datetime, reason: str = ""
) -> StatementMatch:
    return StatementMatch(
        **line.scope.filters(),
        line=line,
        journal_id=entry.journal_id,
        leg_no=entry.leg_no,
        amount=amount,
        how=how,
        reason=reason,
        matched_by_id=by.user_id,
        matched_by=str(by)[:NAME_LENGTH],
        matched_at=now,
    )


def by_hand(line: StatementLine, entry: Entry, amount: int, by: Actor, now: datetime, reason: str) -> StatementMatch:
    """Return a match that a person made, not stored yet."""
    return _match(line, entry, amount, How.MANUAL, by, now, reason)


# ---- Journals that a line makes


def post_for(
    line: StatementLine, *, event: str, code: Code, amount: int, by: Actor, now: datetime, reason: str = ""
) -> StatementMatch:
    """
    Book a part of a line against an account and return the match with the new entry, not stored yet.

    `amount` has the sign of the line. A line is booked again after its first journal was reversed, so the key counts.
    """
    times = StatementMatch.objects.filter(line=line).count()
    owner, currency = line.bank_account.public_id, line.currency
    against = Address(code, owner if code in {Code.SUSPENSE, Code.OPERATOR_FUNDS} else "", currency)
    made = posting.post(
        scope=line.scope,
        posting=Posting(
            event=event,
            key=f"{event}:{line.pk}:{times}",
            on=line.day,
            legs=[
                posting.debit(Address(Code.BANK, owner, currency), amount, "STATEMENT"),
                posting.credit(against, amount, "STATEMENT"),
            ],
            origin=Origin(ORIGIN, line.statement.public_id),
            memo=line.memo or line.name,
        ),
        by=by,
    )
    if made is None:
        raise AssertionError(line.pk)
    (booked,) = queries.entries_named(line.bank_account, [made.journal_id])
    return _match(line, booked.entry, amount, How.POSTED, by, now, reason)


def book_deposit(line: StatementLine, by: Actor, now: datetime) -> StatementMatch:
    """Book money that nobody expected to suspense, so that the bank account is right whoever it belongs to."""
    return post_for(line, event="statement.deposit", code=Code.SUSPENSE, amount=line.left, by=by, now=now)

"""
What people do with open lines: match and release, take a fee or a small difference, say whose money it is.

Each verb is one transaction with a reason. Money beyond the usual tolerance, and a payout that a person says came
back, need somebody else than who confirmed the statement.
"""

from collections.abc import Sequence
from datetime import datetime, time

from django.db import IntegrityError, transaction
from django.db.models import Sum
from django.db.models.functions import Abs
from django.utils.translation import gettext as _

from access import audit
from core import clock
from core.actor import Actor
from core.errors import Conflict, InvalidRequest, NotFound
from core.scope import Scope
from ledger import posting
from ledger.accounts import Address
from ledger.chart import Code
from ledger.models import Journal
from ledger.posting import Origin, Posting, refused_by
from payouts import queries as payout_queries
from payouts.models import Attempt, AttemptState
from payouts.operations import results
from reconciliation import statement_queries as queries
from reconciliation.models import How, StatementLine, StatementMatch
from reconciliation.models.lengths import NAME_LENGTH
from reconciliation.operations import statement_matching as matching
from reconciliation.statements.allowances import is_small, is_usual_fee
from reconciliation.statements.judging import Open

_LONGEST_REASON = 2_000
_DEPOSIT, _FEE, _LOSS, _GAIN = "statement.deposit", "statement.fee", "statement.written_off", "statement.gained"
_TOPPED_UP = "statement.topped_up"
_LAWS = frozenset(
    {
        "reconciliation_match_not_over_entry",
        "reconciliation_line_not_over_matched",
        "reconciliation_match_same_account",
    }
)


class NeedsSecondPerson(Conflict):
    """The amount is beyond what whoever confirmed the statement may decide alone."""

    code = "SECOND_PERSON_NEEDED"


def match(
    *, scope: Scope, line_id: int, legs: Sequence[tuple[int, int]], reason: str, by: Actor, now: datetime
) -> StatementLine:
    """
    Say which entries of ours (journal, leg) explain a line, as far as each of them reaches.

    Raises NotFound, InvalidRequest without a reason or entries, Conflict where nothing is left on either side.
    """
    reason = _reason(reason)
    with transaction.atomic():
        line = _locked(scope, line_id)
        there = {
            (one.journal_id, one.leg_no): one
            for one in queries.entries_named(line.bank_account, [journal for journal, _leg in legs])
        }
        made = []
        left = line.left
        for leg in dict.fromkeys(legs):
            one = there.get(leg)
            if one is None:
                raise NotFound(journal=leg[0])
            part = min(abs(left), abs(one.left)) * (1 if left > 0 else -1)
            if one.left * left <= 0:
                raise Conflict(_("남은 금액이 없거나 방향이 다른 분개예요. 다시 골라 주세요."), journal=leg[0])
            made.append(matching.by_hand(line, one.entry, part, by, now, reason))
            left -= part
        if not made:
            raise InvalidRequest(_("맞출 분개를 골라 주세요."), field="legs")
        _store(made)
        return _after(line, by, "matched", reason, {"journals": [one.journal_id for one in made]})


def unmatch(*, scope: Scope, line_id: int, reason: str, by: Actor, now: datetime) -> StatementLine:
    """
    Take back what explains a line; journals that the line had made are reversed. Nothing automatic matches it again.

    Without a match nothing changes. Raises NotFound, InvalidRequest without a reason.
    """
    reason = _reason(reason)
    with transaction.atomic():
        line = _locked(scope, line_id)
        released = _release(line, reason, by, now)
        if not released:
            return line
        return _after(line, by, "released", reason, {"journals": released}, why=Open.RELEASED)


def _release(line: StatementLine, reason: str, by: Actor, now: datetime) -> list[int]:
    released = []
    for one in StatementMatch.objects.filter(line=line, released_at=None).order_by("-pk"):
        if one.how == How.POSTED:
            _reverse(line, one, by, now)
        one.released_by_id, one.released_by = by.user_id, str(by)[:NAME_LENGTH]
        one.released_at, one.release_reason = now, reason
        one.save(update_fields=["released_by_id", "released_by", "released_at", "release_reason"])
        released.append(one.journal_id)
    line.refresh_from_db(fields=["matched", "reason"])
    return released


def _reverse(line: StatementLine, one: StatementMatch, by: Actor, now: datetime) -> None:
    """Reverse what a match had posted, the last first: whose money it was said to be, then that it came."""
    day = clock.seoul_day(now)
    journals = list(Journal.objects.within(line.scope).filter(event_type=_TOPPED_UP, event_key=_top_up_key(one)))
    for journal in [*journals, one.journal]:
        if not Journal.objects.filter(reverses_id=journal.pk).exists():
            posting.reverse(scope=line.scope, journal_id=journal.pk, on=day, by=by)


def _top_up_key(one: StatementMatch) -> str:
    return f"{_TOPPED_UP}:{one.pk}"


# ---- What the bank took, and small differences


def book_fee(
    *, scope: Scope, line_id: int, reason: str, by: Actor, now: datetime, may_approve: bool = False
) -> StatementLine:
    """
    Take what is open of a line that went out as the bank's fee; `may_approve` says that the person is an approver.

    Raises NotFound, InvalidRequest, NeedsSecondPerson above what a bank may usually keep.
    """
    reason = _reason(reason)
    with transaction.atomic():
        line = _locked(scope, line_id)
        left = _open(line)
        if left > 0:
            raise InvalidRequest(_("나간 돈만 수수료로 처리할 수 있어요."), field="line")
        if not is_usual_fee(left, payout_queries.limits(scope).return_fee):
            _other_person(line, by, may_approve=may_approve)
        made = matching.post_for(line, event=_FEE, code=Code.BANK_FEE, amount=left, by=by, now=now, reason=reason)
        _store([made])
        return _after(line, by, "fee", reason, {"amount": left})


def write_off(
    *, scope: Scope, line_id: int, reason: str, by: Actor, now: datetime, may_approve: bool = False
) -> StatementLine:
    """
    Write off what is open of a line, in our favour or not; `may_approve` says that the person is an approver.

    Raises NotFound, InvalidRequest, NeedsSecondPerson beyond the tolerance of one line or of one day.
    """
    reason = _reason(reason)
    with transaction.atomic():
        line = _locked(scope, line_id)
        left = _open(line)
        if not is_small(left, line.amount, today=_written_off(line, now)):
            _other_person(line, by, may_approve=may_approve)
        event, code = (_GAIN, Code.RECONCILIATION_GAIN) if left > 0 else (_LOSS, Code.RECONCILIATION_LOSS)
        made = matching.post_for(line, event=event, code=code, amount=left, by=by, now=now, reason=reason)
        _store([made])
        return _after(line, by, "written_off", reason, {"amount": left})


def _written_off(line: StatementLine, now: datetime) -> int:
    today = clock.seoul_day(now)
    rows = StatementMatch.objects.filter(
        line__bank_account=line.bank_account,
        released_at=None,
        journal__event_type__in=(_LOSS, _GAIN),
        matched_at__gte=datetime.combine(today, time(0), tzinfo=clock.SEOUL),
    )
    total: int | None = rows.aggregate(total=Sum(Abs("amount")))["total"]
    return total or 0


# ---- Whose money it is


def top_up(*, scope: Scope, line_id: int, reason: str, by: Actor, now: datetime) -> StatementLine:
    """
    Say that money that came in is the operator's own. Doing it again changes nothing.

    Raises NotFound, InvalidRequest for a line that is no deposit.
    """
    reason = _reason(reason)
    with transaction.atomic():
        line = _locked(scope, line_id)
        one = _deposit(line, by, now)
        address = Address(Code.SUSPENSE, line.bank_account.public_id, line.currency)
        funds = Address(Code.OPERATOR_FUNDS, line.bank_account.public_id, line.currency)
        step = Posting(
            event=_TOPPED_UP,
            key=_top_up_key(one),
            on=clock.seoul_day(one.matched_at),
            legs=[posting.debit(address, one.amount, "STATEMENT"), posting.credit(funds, one.amount, "STATEMENT")],
            origin=Origin(matching.ORIGIN, line.statement.public_id),
            memo=line.memo or line.name,
        )
        posted = posting.post(scope=scope, posting=step, by=by)
        if posted is not None and not posted.created:
            return line
        return _after(line, by, "topped_up", reason, {"amount": one.amount})


def _deposit(line: StatementLine, by: Actor, now: datetime) -> StatementMatch:
    """Return the match by which a line was booked to suspense; what is open is booked now."""
    booked = StatementMatch.objects.filter(line=line, released_at=None, journal__event_type=_DEPOSIT).first()
    if booked is not None:
        return booked
    if line.amount < 0 or line.matched:
        raise InvalidRequest(_("들어온 돈이 아니거나 이미 맞춘 줄이에요."), field="line")
    made = matching.book_deposit(line, by, now)
    _store([made])
    line.refresh_from_db(fields=["matched"])
    return made


def came_back(
    *,
    scope: Scope,
    line_id: int,
    payout_id: str,
    reason: str,
    by: Actor,
    now: datetime,
    may_approve: bool = False,
) -> StatementLine:
    """
    Say that money that came in is a payout that the bank sent back, although the line does not name it.

    The payment is undone first, in its own transaction; stopped in between, it can be said again.
    Raises NotFound, InvalidRequest where amount or payout do not fit, NeedsSecondPerson.
    """
    reason = _reason(reason)
    line = queries.line(scope, line_id)
    _other_person(line, by, may_approve=may_approve)
    if line.amount < 0:
        raise InvalidRequest(_("들어온 돈이 아니에요."), field="line")
    reference = _paid_reference(line, payout_id)
    became = matching.record_return(line, now, reference)
    if became not in {results.Return.RECORDED, results.Return.KNOWN}:
        raise InvalidRequest(_("금액이 지급한 금액과 맞지 않아요."), field="payout")
    with transaction.atomic():
        line = _locked(scope, line_id)
        entry = queries.came_back_entry(line.bank_account, reference)
        if (
            entry is None
            or StatementMatch.objects.filter(line=line, released_at=None, journal_id=entry.journal_id).exists()
        ):
            return line
        if entry.left != line.amount:
            raise InvalidRequest(_("이 지급의 반송은 다른 줄이 설명하고 있어요."), field="payout")
        _release(line, reason, by, now)
        made = matching.by_hand(line, entry, line.amount, by, now, reason)
        made.payout_id = payout_id
        _store([made])
        return _after(line, by, "came_back", reason, {"payout": payout_id})


def _paid_reference(line: StatementLine, payout_id: str) -> str:
    attempt = Attempt.objects.filter(
        payout__merchant_id=line.merchant_id,
        payout__is_test=line.is_test,
        payout__public_id=payout_id,
        payout__bulk_payout__bank_account=line.bank_account,
        state__in=(AttemptState.SUCCEEDED, AttemptState.RETURNED),
    ).first()
    if attempt is None:
        raise NotFound(payout=payout_id)
    return attempt.reference


# ---- What all of them do


def _reason(reason: str) -> str:
    reason = reason.strip()
    if not reason or len(reason) > _LONGEST_REASON:
        raise InvalidRequest(_("이유를 적어 주세요. 2,000자까지 쓸 수 있어요."), field="reason")
    return reason


def _locked(scope: Scope, line_id: int) -> StatementLine:
    matching.lock_account(queries.line(scope, line_id).bank_account)
    return queries.line(scope, line_id)


def _open(line: StatementLine) -> int:
    if not line.left:
        raise Conflict(_("이미 모두 맞춘 줄이에요."), line=line.pk)
    return line.left


def _other_person(line: StatementLine, by: Actor, *, may_approve: bool) -> None:
    if not may_approve or by.user_id is None or by.user_id == line.statement.decided_by_id:
        raise NeedsSecondPerson(_("명세를 반영한 사람이 아닌 승인자가 처리해야 해요."), line=line.pk)


def _store(made: Sequence[StatementMatch]) -> None:
    try:
        with transaction.atomic():
            for one in made:
                one.save(force_insert=True)
    except IntegrityError as error:
        if refused_by(error) not in _LAWS:
            raise
        raise Conflict(_("다른 사람이 같은 분개를 맞추었어요. 다시 확인해 주세요.")) from None


def _after(
    line: StatementLine, by: Actor, verb: str, reason: str, after: dict[str, object], *, why: str = ""
) -> StatementLine:
    line.refresh_from_db(fields=["matched"])
    line.reason = why or (Open.PART if line.left else "")
    line.save(update_fields=["reason"])
    audit.record(
        scope=line.scope,
        by=by,
        action=f"bank_statement.{verb}",
        kind="bank_statement",
        object_id=line.statement.public_id,
        after={"line": line.pk, "row": line.row, **after},
        reason=reason,
    )
    return line

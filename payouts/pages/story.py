"""
The story of one payout: everything that happened to it, or is going to, in one order of time.

It is put together from what each part of the product keeps about it (settlements, approvals, attempts, the bank's
answers, journals, the audit trail); nothing is stored for it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from itertools import groupby

from django.db.models import Count, QuerySet, Sum
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from access import queries as access_queries
from console.columns import Badge, Label, Shape, Tone, moment, won
from core import clock
from ledger import naming
from ledger.models import Entry
from payouts.models import Approval, Attempt, AttemptState, BankEvent, HandDecision, Payout, TransferFile
from payouts.operations.results import BY_HAND
from payouts.pages import links, reads, shown
from settlement.models import Claim, ClaimRelease

_EVENTS_SHOWN = 200
# Told from the rows themselves, with what the trail does not hold.
_TOLD_ELSEWHERE = frozenset(
    {"bulk_payout.approved", "bulk_payout.rejected"}
    | {f"payout.decision_{verb}" for verb in ("proposed", "confirmed", "rejected", "withdrawn")}
)
_MONEY = Badge(gettext_lazy("돈"), Tone.NEUTRAL, Shape.DOT)
_PEOPLE = Badge(gettext_lazy("사람"), Tone.INFO, Shape.DOT)
_BANK = Badge(gettext_lazy("은행"), Tone.PROGRESS, Shape.DOT)
_AHEAD = Badge(gettext_lazy("예정"), Tone.NEUTRAL, Shape.CLOCK)


@dataclass(frozen=True, slots=True)
class Leg:
    """One leg of a journal as the page shows it."""

    code: int
    account: str
    owner: str
    debit: int | None
    credit: int | None


@dataclass(frozen=True)
class Line:
    """
    One line of the story.

    `mark` says whose doing it is and how it went; `only_day` that the hour means nothing. `evidence` and `legs` are
    folded away; `ahead` has not happened yet.
    """

    at: datetime
    text: Label
    mark: Badge
    who: str = ""
    note: str = ""
    url: str = ""
    link: str = ""
    evidence: str = ""
    legs: Sequence[Leg] = ()
    only_day: bool = False
    ahead: bool = False

    @property
    def day(self) -> date:
        """The Seoul day."""
        return clock.seoul_day(self.at)


def story(payout: Payout, attempts: Sequence[Attempt]) -> list[Line]:
    """Return everything about a payout, oldest first; what is due comes last."""
    parts = (
        _settled(payout),
        _trail(payout),
        _approvals(payout),
        _own(payout),
        _attempts(attempts),
        _answers(payout),
        _decisions(payout),
        _files(payout),
        _journals(payout),
        _released(payout),
        _replacements(payout),
        _due(payout, attempts),
    )
    lines = [line for part in parts for line in part]
    return sorted(lines, key=lambda line: (line.ahead, line.at))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, tzinfo=clock.SEOUL)


def _settled(payout: Payout) -> Iterator[Line]:
    claims = Claim.objects.filter(payout_ref_id=payout.pk).order_by()
    days = claims.values("partner_settlement__settlement_date").annotate(count=Count("claim_no"), total=Sum("net"))
    for row in days:
        note = _("정산 내역 %(count)d건") % {"count": row["count"]} + f" · {won(int(row['total']))}"
        at = _midnight(row["partner_settlement__settlement_date"])
        yield Line(at, _("정산일이 됐어요"), _MONEY, note=note, only_day=True)


def _trail(payout: Payout) -> Iterator[Line]:
    about = (("bulk_payout", payout.bulk_payout.public_id), ("payout", payout.public_id))
    for kind, public_id in about:
        for event in access_queries.history(payout.scope, kind, public_id):
            if event.action not in _TOLD_ELSEWHERE:
                said = shown.HAPPENINGS.get(event.action, event.action)
                seal = str((event.after or {}).get("hash", "")) if isinstance(event.after, dict) else ""
                words = (event.reason, _hash(seal) if seal else "")
                yield Line(event.at, said, _PEOPLE, who=event.actor_name, note=_joined(*words))


def _hash(content_hash: str) -> str:
    return _("내용 확인 번호 %(hash)s") % {"hash": shown.short_hash(content_hash)}


def _joined(*words: str) -> str:
    return " · ".join(word for word in words if word)


def _approvals(payout: Payout) -> Iterator[Line]:
    for row in Approval.objects.filter(bulk_payout_id=payout.bulk_payout_id).order_by("pk"):
        said = shown.HAPPENINGS[f"bulk_payout.{row.decision.lower()}"]
        mark = shown.DECISION_BADGES[row.decision]
        yield Line(row.decided_at, said, mark, who=row.approver_name, note=_joined(row.reason, _hash(row.content_hash)))


def _own(payout: Payout) -> Iterator[Line]:
    bulk = payout.bulk_payout
    yield Line(payout.created_at, _("지급을 만들고 정산 금액을 잡아 뒀어요"), _MONEY, note=won(payout.amount))
    if bulk.started_at:
        yield Line(bulk.started_at, _("보내기 시작했어요"), _BANK)
    completion = getattr(payout, "completion", None)
    if completion is not None:
        mark = Badge(gettext_lazy("완료"), Tone.SUCCESS, Shape.CHECK)
        said = _("은행을 거치지 않고 완료했어요")
        note = _joined(completion.completed_on.isoformat(), completion.evidence)
        yield Line(completion.recorded_at, said, mark, who=shown.person(completion.by), note=note)


def _attempts(attempts: Sequence[Attempt]) -> Iterator[Line]:
    for row in attempts:
        said = _("%(number)d번째 이체를 준비했어요") % {"number": row.attempt_no}
        yield Line(row.created_at, said, shown.ATTEMPT_BADGES[AttemptState.CREATED], note=row.reference)
        if row.submitted_at:
            mark = shown.ATTEMPT_BADGES[AttemptState.SUBMITTING]
            yield Line(row.submitted_at, _("은행에 이체를 지시했어요"), mark, note=row.reference)
        if row.executed_at:
            mark = shown.ATTEMPT_BADGES[AttemptState.SUCCEEDED]
            # Of what people decided only the day is known.
            by_hand = row.bank_code == BY_HAND
            at = _midnight(clock.seoul_day(row.executed_at)) if by_hand else row.executed_at
            yield Line(at, _("은행이 이체했어요"), mark, note=row.bank_reference, only_day=by_hand)
        if row.state not in (AttemptState.CREATED, AttemptState.SUBMITTING, AttemptState.SUCCEEDED):
            badge = shown.ATTEMPT_BADGES[row.state]
            note = _joined(row.reference, row.bank_code, row.bank_message)
            yield Line(row.state_changed_at, badge.label, badge, note=note)


def _answers(payout: Payout) -> Iterator[Line]:
    newest_first = list(reads.evidence_about(payout)[:_EVENTS_SHOWN])
    for _same, rows in groupby(reversed(newest_first), key=_heard):
        yield _answer(list(rows))


def _heard(row: BankEvent) -> tuple[object, ...]:
    return row.attempt_id, row.call, row.outcome, row.code, row.message, row.applied


def _answer(rows: Sequence[BankEvent]) -> Line:
    """Tell answers that say the same one after another in one line, each with its own evidence."""
    first, last = rows[0], rows[-1]
    mark = shown.OUTCOME_BADGES.get(first.outcome, Badge(first.outcome))
    said = _("%(call)s: %(answer)s") % {"call": shown.CALLS.get(first.call, first.call), "answer": mark.label}
    ignored = "" if first.applied else _("늦게 온 답이라 참고만 했어요")
    often = ""
    if len(rows) > 1:
        often = _("%(count)d번, 마지막 %(last)s") % {"count": len(rows), "last": moment(last.at)}
    evidence = "\n\n".join(f"{moment(row.at)}\n{row.evidence}" for row in rows if row.evidence)
    return Line(first.at, said, mark, note=_joined(often, first.code, first.message, ignored), evidence=evidence)


def _decisions(payout: Payout) -> Iterator[Line]:
    for row in HandDecision.objects.filter(attempt__payout=payout).order_by("pk"):
        asked = _("직접 확인한 결과를 올렸어요: %(outcome)s") % {"outcome": row.get_outcome_display()}
        yield Line(row.proposed_at, asked, _PEOPLE, who=row.proposed_by, note=row.evidence)
        if row.decided_at:
            said = _("직접 확인: %(state)s") % {"state": row.get_state_display()}
            yield Line(row.decided_at, said, _PEOPLE, who=row.decided_by, note=row.reason)


def _files(payout: Payout) -> Iterator[Line]:
    found = TransferFile.objects.filter(lines__attempt__payout=payout).distinct().prefetch_related("taken")
    for row in found.order_by("pk"):
        url = reverse("payouts:file", args=[row.public_id])
        yield Line(row.created_at, _("이체 파일에 넣었어요"), _BANK, url=url, link=row.public_id)
        for taken in row.taken.all():
            yield Line(taken.at, _("이체 파일을 받았어요"), _PEOPLE, who=taken.by, url=url, link=row.public_id)


def _journals(payout: Payout) -> Iterator[Line]:
    for legs in _by_journal(reads.entries_about(payout)):
        journal = legs[0].journal
        shown_legs = [_leg(entry) for entry in legs]
        yield Line(
            journal.recorded_at,
            naming.event(journal.event_type),
            Badge(gettext_lazy("분개"), Tone.NEUTRAL, Shape.RING),
            note=_("회계일 %(day)s") % {"day": journal.effective_date.isoformat()},
            url=reverse("ledger:journal", args=[journal.pk]),
            link=f"J{journal.pk}",
            legs=shown_legs,
        )


def _by_journal(entries: QuerySet[Entry]) -> Iterator[list[Entry]]:
    together: list[Entry] = []
    for entry in entries:
        if together and together[0].journal_id != entry.journal_id:
            yield together
            together = []
        together.append(entry)
    if together:
        yield together


def _leg(entry: Entry) -> Leg:
    amount, code = entry.amount, entry.account.code
    return Leg(
        code=code,
        account=naming.account(code),
        owner=entry.account.owner,
        debit=amount if amount > 0 else None,
        credit=-amount if amount < 0 else None,
    )


def _released(payout: Payout) -> Iterator[Line]:
    claimed = Claim.objects.filter(payout_ref_id=payout.pk).values_list("partner_settlement_id", "claim_no")
    numbers = dict(claimed)
    rows = ClaimRelease.objects.filter(partner_settlement_id__in=numbers).order_by("released_at")
    ends = [row.released_at for row in rows if numbers[row.partner_settlement_id] == row.claim_no]
    for at in dict.fromkeys(ends):
        yield Line(
            at,
            _("정산 내역을 다시 지급할 수 있게 했어요"),
            _MONEY,
            note=_("정산 내역 %(count)d건") % {"count": ends.count(at)},
        )


def _replacements(payout: Payout) -> Iterator[Line]:
    if payout.replaces is not None:
        earlier = payout.replaces
        url = links.payout_url(earlier.public_id)
        yield Line(payout.created_at, _("앞선 지급을 대신해서 만들었어요"), _MONEY, url=url, link=earlier.public_id)
    for later in payout.replaced_by.order_by("pk"):
        url = links.payout_url(later.public_id)
        yield Line(later.created_at, _("이 지급을 대신하는 지급을 만들었어요"), _MONEY, url=url, link=later.public_id)


def _due(payout: Payout, attempts: Sequence[Attempt]) -> Iterator[Line]:
    bulk = payout.bulk_payout
    if bulk.scheduled_at and bulk.started_at is None and bulk.ended_at is None:
        yield Line(bulk.scheduled_at, _("예약한 때에 보내요"), _AHEAD, ahead=True)
    for row in attempts:
        if row.state in (AttemptState.ACCEPTED, AttemptState.UNKNOWN) and row.next_inquiry_at:
            yield Line(row.next_inquiry_at, _("은행에 결과를 물어봐요"), _AHEAD, note=row.reference, ahead=True)
        if row.state == AttemptState.CREATED and row.due_at > clock.now():
            yield Line(row.due_at, _("다시 시도해요"), _AHEAD, note=row.reference, ahead=True)

"""What the pages of payouts read: the rows of their lists, the figures of one bulk payout, what happened and when."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import (
    Aggregate,
    BigIntegerField,
    Case,
    Count,
    Exists,
    F,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    Value,
    When,
)
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from access import queries as access_queries
from console.columns import Badge
from core import clock
from core.models import Job
from core.scope import Scope
from ledger.chart import Code
from ledger.models import Account, Entry
from ledger.queries import balances as ledger_balances
from ledger.queries import journals_of
from payouts import queries
from payouts.models import (
    Approval,
    Attempt,
    AttemptState,
    BankAccount,
    BankEvent,
    BulkPayout,
    BulkStatus,
    Decision,
    DecisionState,
    HandDecision,
    Movement,
    Payout,
    PayoutStatus,
)
from payouts.pages import shown
from payouts.queries import Funds
from payouts.rails_in_use import patience

# The groups in which a bulk payout's payouts are counted: what the list shows, in the order a payout passes them.
OUTCOMES: Mapping[str, tuple[PayoutStatus, ...]] = {
    "waiting": (PayoutStatus.CONFIRMED, PayoutStatus.SCHEDULED, PayoutStatus.PREPARED),
    "sending": (PayoutStatus.PROCESSING, PayoutStatus.UNKNOWN),
    "succeeded": (PayoutStatus.SUCCEEDED,),
    "failed": (PayoutStatus.FAILED, PayoutStatus.RETURNED),
    "stopped": (PayoutStatus.STOPPED,),
    "cancelled": (PayoutStatus.CANCELLED,),
}
# Statuses in which the page of a bulk payout keeps itself up to date, and how often.
LIVE_SECONDS: Mapping[str, int] = {
    BulkStatus.PREPARING.value: 1,
    BulkStatus.APPROVED.value: 2,
    BulkStatus.ONGOING.value: 1,
    BulkStatus.POST_PROCESS_PENDING.value: 5,
}
# From its approval on, the money of a bulk payout is part of what the account has promised.
_COMMITTED = (BulkStatus.APPROVED, BulkStatus.SCHEDULED, BulkStatus.ONGOING, BulkStatus.POST_PROCESS_PENDING)
_PROPOSALS = 50
_UNCERTAIN = (AttemptState.ACCEPTED, AttemptState.UNKNOWN)


def bulk_rows(scope: Scope) -> QuerySet[BulkPayout]:
    """Return bulk payouts with count and amount per outcome; each is read only when a column asks for it."""
    figures: dict[str, Any] = {}
    for name, statuses in OUTCOMES.items():
        figures[f"{name}_count"] = Coalesce(_of_bulk(statuses, Count("pk")), 0, output_field=IntegerField())
        figures[f"{name}_amount"] = Coalesce(_of_bulk(statuses, Sum("amount")), 0, output_field=BigIntegerField())
    return BulkPayout.objects.within(scope).annotate(**figures)


def _of_bulk(statuses: Iterable[str], aggregate: Aggregate) -> Subquery:
    rows = Payout.objects.filter(bulk_payout=OuterRef("pk"), status__in=list(statuses)).order_by()
    return Subquery(rows.values("bulk_payout").annotate(figure=aggregate).values("figure"))


def approval_rows(scope: Scope) -> QuerySet[BulkPayout]:
    """Return bulk payouts that wait for an approval, with how many of the needed ones they have."""
    decided = Approval.objects.filter(
        bulk_payout=OuterRef("pk"), content_hash=OuterRef("content_hash"), decision=Decision.APPROVED
    ).order_by()
    new = Payout.objects.filter(bulk_payout=OuterRef("pk"), is_new_destination=True).order_by()
    new = new.exclude(status=PayoutStatus.CANCELLED)
    return (
        BulkPayout.objects.within(scope)
        .filter(status=BulkStatus.PENDING_APPROVAL)
        .annotate(
            approved=Coalesce(_counted(decided, "bulk_payout"), 0, output_field=IntegerField()),
            new_destinations=Coalesce(_counted(new, "bulk_payout"), 0, output_field=IntegerField()),
        )
    )


def _counted(rows: QuerySet[Any], by: str) -> Subquery:
    return Subquery(rows.values(by).annotate(figure=Count("pk")).values("figure"))


def undecided(scope: Scope) -> QuerySet[Payout]:
    """Return payouts whose result is not known: unclear ones at once, accepted ones when the bank takes too long."""
    late = clock.now() - patience().desk_pause
    slow = Attempt.objects.filter(payout=OuterRef("pk"), state=AttemptState.ACCEPTED, submitted_at__lt=late)
    unclear = Q(status=PayoutStatus.UNKNOWN)
    return Payout.objects.within(scope).filter(unclear | Q(Exists(slow), status=PayoutStatus.PROCESSING))


def undecided_attempt(payout: Payout) -> Attempt | None:
    """Return the attempt of a payout that waits for the bank's final answer, None once there is one."""
    return payout.attempts.filter(state__in=_UNCERTAIN).order_by("-attempt_no").first()


def proposals(scope: Scope) -> list[HandDecision]:
    """Return the results that were proposed and wait for another person, oldest first."""
    rows = HandDecision.objects.within(scope).filter(state=DecisionState.PROPOSED)
    return list(rows.select_related("attempt__payout__partner").order_by("pk")[:_PROPOSALS])


def unsent(scope: Scope) -> int:
    """Count the payouts that are approved and have not been sent."""
    rows = Payout.objects.within(scope).filter(bulk_payout__status__in=_COMMITTED)
    return rows.filter(status__in=OUTCOMES["waiting"]).count()


def unknown_rows(scope: Scope) -> QuerySet[Payout]:
    """Return payouts whose result is not known, with the attempt it is about, its last answer, and what is proposed."""
    proposed = HandDecision.objects.filter(attempt__payout=OuterRef("pk"), state=DecisionState.PROPOSED)
    attempts = Attempt.objects.filter(payout=OuterRef("pk"), state__in=_UNCERTAIN).order_by("-attempt_no")
    answers = BankEvent.objects.filter(attempt__payout=OuterRef("pk")).order_by("-pk")
    fields = ("reference", "attempt_no", "submitted_at", "inquiries", "next_inquiry_at")
    return undecided(scope).annotate(
        proposed=Subquery(proposed.values("outcome")[:1]),
        **{name: Subquery(attempts.values(name)[:1]) for name in fields},
        last_outcome=Subquery(answers.values("outcome")[:1]),
        last_code=Subquery(answers.values("code")[:1]),
        last_message=Subquery(answers.values("message")[:1]),
        last_at=Subquery(answers.values("at")[:1]),
    )


def movements(scope: Scope) -> QuerySet[Movement]:
    """Return what moved on the merchant's own bank accounts, as the books know it, with the balance after each."""
    names = BankAccount.objects.within(scope).filter(public_id=OuterRef("owner"))
    partners = Payout.objects.within(scope).filter(public_id=OuterRef("journal__origin_id"))
    paid = partners.filter(partner__isnull=False).values("partner__name")[:1]
    return Movement.objects.filter(**scope.filters()).annotate(
        account_name=Subquery(names.values("name")[:1]),
        partner_name=Case(When(journal__origin_kind="payout", then=Subquery(paid)), default=Value("")),
    )


@dataclass(frozen=True, slots=True)
class Turnover:
    """One bank account over some days: what was there before, what came, what went, what is there after."""

    name: str
    currency: str
    opening: int
    came: int
    went: int

    @property
    def closing(self) -> int:
        """What is there at the end of the last day."""
        return self.opening + self.came - self.went


def turnovers(scope: Scope, first: date | None, last: date | None) -> list[Turnover]:
    """Return the turnover of every bank account between two effective days, both included; None is without end."""
    rows = Account.objects.within(scope).filter(chart_id=int(Code.BANK)).order_by("owner", "currency")
    accounts = {row.pk: row for row in rows}
    names = dict(BankAccount.objects.within(scope).values_list("public_id", "name"))
    before = ledger_balances(list(accounts), first - timedelta(days=1)) if first else {}
    until = ledger_balances(list(accounts), last)
    found = []
    for key, account in accounts.items():
        start = before.get(key)
        opened = (start.debit, start.credit) if start else (0, 0)
        came, went = until[key].debit - opened[0], until[key].credit - opened[1]
        name = names.get(account.owner, account.owner)
        found.append(Turnover(name, account.currency, opened[0] - opened[1], came, went))
    return found


@dataclass(frozen=True, slots=True)
class Tally:
    """How many payouts of a bulk payout are in one status, and for how much."""

    status: str
    badge: Badge
    count: int
    amount: int


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a bulk payout is: its payouts by status, and the job that makes them while it is being made."""

    bulk: BulkPayout
    tallies: tuple[Tally, ...]
    job: Job | None

    @property
    def seconds(self) -> int:
        """How often to look again; 0 when nothing moves by itself."""
        return LIVE_SECONDS.get(self.bulk.status, 0)

    @property
    def moving(self) -> bool:
        """Say whether there is anything to follow: it has begun, or its payouts are not all in one state."""
        return bool(self.total) and (self.bulk.started_at is not None or len(self.tallies) > 1)

    @property
    def total(self) -> int:
        """How many payouts count: all but the cancelled ones."""
        return sum(tally.count for tally in self.tallies if tally.status != PayoutStatus.CANCELLED)

    @property
    def ended(self) -> int:
        """How many of them have ended."""
        ends = {*OUTCOMES["succeeded"], *OUTCOMES["failed"], *OUTCOMES["stopped"]}
        return sum(tally.count for tally in self.tallies if tally.status in ends)

    @property
    def segments(self) -> list[tuple[str, str, int, int]]:
        """Return the bar's parts: tone, word, where it starts and how long it is, in thousandths of the count."""
        parts, at = [], 0
        for tally in self.tallies:
            if tally.status != PayoutStatus.CANCELLED and self.total:
                end = at + tally.count
                start, stop = at * 1000 // self.total, end * 1000 // self.total
                parts.append((tally.badge.tone.value, str(tally.badge.label), start, max(stop - start, 1)))
                at = end
        return parts


# In the bar and beside it: what is done first, what has not begun last.
_BAR_ORDER = (
    PayoutStatus.SUCCEEDED,
    PayoutStatus.FAILED,
    PayoutStatus.RETURNED,
    PayoutStatus.STOPPED,
    PayoutStatus.UNKNOWN,
    PayoutStatus.PROCESSING,
    PayoutStatus.PREPARED,
    PayoutStatus.SCHEDULED,
    PayoutStatus.CONFIRMED,
    PayoutStatus.CANCELLED,
)


def progress(bulk: BulkPayout) -> Progress:
    """Return how far a bulk payout is."""
    counts = queries.status_counts(bulk)
    tallies = [
        Tally(status.value, shown.PAYOUT_BADGES[status.value], *counts[status.value])
        for status in _BAR_ORDER
        if status.value in counts
    ]
    job = None
    if bulk.status == BulkStatus.PREPARING and bulk.job_id:
        job = Job.objects.within(bulk.scope).filter(public_id=bulk.job_id).first()
    return Progress(bulk, tuple(tallies), job)


@dataclass(frozen=True, slots=True)
class Figures:
    """What the payouts of a bulk payout add up to, the cancelled ones left out. Minor units."""

    settled: int
    taken_back: int
    vat_added: int
    income_tax: int
    local_tax: int
    supply: int
    vat: int
    tax_free: int
    new_destinations: int
    changed_accounts: int
    netted: int
    partners: int

    @property
    def withheld(self) -> int:
        """Both withheld taxes together."""
        return self.income_tax + self.local_tax


def figures(bulk: BulkPayout) -> Figures:
    """Add up the payouts of a bulk payout."""
    live = Payout.objects.filter(bulk_payout=bulk).exclude(status=PayoutStatus.CANCELLED)
    changed = Q(is_new_destination=True, partner__account_changed_at__gt=F("partner__created_at"))
    found = live.aggregate(
        settled=Sum("reserved_credit"),
        taken_back=Sum("reserved_debit"),
        vat_added=Sum("reserved_vat"),
        income_tax=Sum("income_tax_amount"),
        local_tax=Sum("local_income_tax_amount"),
        supply=Sum("supply_amount"),
        vat=Sum("vat_amount"),
        tax_free=Sum("tax_free_amount"),
        new_destinations=Count("pk", filter=Q(is_new_destination=True)),
        changed_accounts=Count("pk", filter=changed),
        netted=Count("pk", filter=Q(reserved_debit__gt=0)),
        partners=Count("partner", distinct=True),
    )
    return Figures(**{name: int(value or 0) for name, value in found.items()})


@dataclass(frozen=True, slots=True)
class Cover:
    """The money of an account beside what one bulk payout wants from it. Minor units."""

    funds: Funds
    total: int
    left: int
    counted: bool

    @property
    def short(self) -> int:
        """How much is missing; 0 when the money suffices."""
        return max(-self.left, 0)


def cover(bulk: BulkPayout) -> Cover:
    """Say whether an account's money suffices; what is approved has been counted once already."""
    funds = queries.funds(bulk.bank_account)
    counted = bulk.status in _COMMITTED
    left = funds.uncommitted - (0 if counted else bulk.total_amount)
    return Cover(funds, bulk.total_amount, left, counted)


@dataclass(frozen=True, slots=True)
class Happening:
    """One line of a time line."""

    at: datetime
    text: str
    who: str = ""
    note: str = ""


def timeline_of_bulk(bulk: BulkPayout) -> list[Happening]:
    """Return what happened to a bulk payout, newest first."""
    lines = _from_trail(bulk.scope, "bulk_payout", bulk.public_id)
    if bulk.started_at:
        lines.append(Happening(bulk.started_at, _("보내기 시작했어요")))
    if bulk.ended_at and bulk.status == BulkStatus.COMPLETED:
        lines.append(Happening(bulk.ended_at, _("모든 지급이 끝났어요")))
    return sorted(lines, key=lambda line: line.at, reverse=True)


def _from_trail(scope: Scope, kind: str, public_id: str) -> list[Happening]:
    return [
        Happening(event.at, str(shown.HAPPENINGS.get(event.action, event.action)), event.actor_name, event.reason)
        for event in access_queries.history(scope, kind, public_id)
    ]


def entries_about(payout: Payout) -> QuerySet[Entry]:
    """Return every leg of the journals about a payout, in the order they were posted."""
    journals = journals_of(payout.scope, "payout", payout.public_id)
    rows = Entry.objects.filter(journal__in=journals).select_related("journal", "account")
    return rows.order_by("journal_id", "leg_no")


def evidence_about(payout: Payout) -> QuerySet[BankEvent]:
    """Return what the bank answered about a payout, newest first."""
    return BankEvent.objects.filter(attempt__payout=payout).select_related("attempt").order_by("-pk")


def pending_approvals(scope: Scope) -> int:
    """Count bulk payouts that wait for an approval."""
    return BulkPayout.objects.within(scope).filter(status=BulkStatus.PENDING_APPROVAL).count()


def unknown_payouts(scope: Scope) -> int:
    """Count payouts whose result is not known."""
    return undecided(scope).count()


def bulk_in_hand(scope: Scope, limit: int = 5) -> list[BulkPayout]:
    """Return the newest bulk payouts that have not ended."""
    rows = BulkPayout.objects.within(scope).exclude(status__in=(BulkStatus.COMPLETED, BulkStatus.CANCELLED))
    return list(rows.order_by("-created_at", "-pk")[:limit])


def bank_accounts(scope: Scope) -> list[tuple[BankAccount, Funds]]:
    """Return the accounts a scope pays from, with their money."""
    return [(row, queries.funds(row)) for row in queries.bank_accounts(scope)]

"""What is still open at the end of a month, area by area."""

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from django.db.models import F, QuerySet, Sum
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from console.columns import day, money
from console.filters import encode
from core.scope import Scope
from payouts.models import Attempt, AttemptState, BankAccount
from reconciliation import queries
from reconciliation import statement_queries as statements
from reconciliation.figures import COLUMNS
from reconciliation.models import Batch, BatchState, Comparison, PeriodLock, Statement, StatementLine, StatementState
from reconciliation.operations import reselling
from reconciliation.operations.reselling import Waits
from reconciliation.pages.files import shown as file_shown
from reconciliation.pages.results import reads as result_reads
from reconciliation.pages.statements import links as statement_links
from reconciliation.statements.judging import Open

_LOOKED_BACK: Final = 3
"""So many months before say which files a month should have."""


@dataclass(frozen=True, slots=True)
class Month:
    """A calendar month in Seoul."""

    first: date
    last: date

    @classmethod
    def of(cls, when: date) -> "Month":
        """Return the month a day lies in."""
        return cls(when.replace(day=1), when.replace(day=monthrange(when.year, when.month)[1]))

    @property
    def before(self) -> "Month":
        """The month before."""
        return Month.of(self.first - timedelta(days=1))

    @property
    def after(self) -> "Month":
        """The next month."""
        return Month.of(self.last + timedelta(days=1))

    @property
    def code(self) -> str:
        """The month as an address names it: 2026-10."""
        return f"{self.first:%Y-%m}"

    def earlier(self, months: int) -> "Month":
        """Return the month so many before."""
        found = self
        for _step in range(months):
            found = found.before
        return found


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to look at: how many are open (zero: done), what they come to in words, and where to work on them."""

    area: str
    what: str
    open: int
    note: str = ""
    url: str = ""

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to do."""
        return not self.open


def steps(scope: Scope, month: Month, *, today: date) -> list[Step]:
    """Return everything to look at before a month is closed, in the order of working through it; `today` in Seoul."""
    return [
        *_files(scope, month),
        *_results(scope, month),
        *_resellers(scope, month),
        *_payouts(scope, month),
        *_banks(scope, month, today),
        _records(scope, month),
    ]


def _of_month(scope: Scope, month: Month) -> "QuerySet[Batch]":
    """Return files whose charges end in a month."""
    return Batch.objects.within(scope).filter(last_day__range=(month.first, month.last))


# ---- Files


def _files(scope: Scope, month: Month) -> Iterator[Step]:
    area = _("조정 파일")
    waiting = _of_month(scope, month).filter(state=BatchState.UNDERSTOOD).count()
    address = f"{reverse('reconciliation:files')}?{encode([('state', BatchState.UNDERSTOOD)])}"
    yield Step(area, _("반영할 파일"), waiting, url=address)
    missing = _missing(scope, month)
    note = ", ".join(f"{file_shown.kind(kind)} {entity}".strip() for kind, entity in missing)
    yield Step(area, _("아직 오지 않은 파일"), len(missing), note, reverse("reconciliation:file-new"))


def _missing(scope: Scope, month: Month) -> list[tuple[str, str]]:
    """Return kinds and billing entities that sent files in the months before and none for this one."""
    start = month.earlier(_LOOKED_BACK).first
    counting = Batch.objects.within(scope).filter(state=BatchState.ACCEPTED, is_estimate=False)
    before = counting.filter(last_day__range=(start, month.first - timedelta(days=1)))
    here = counting.filter(last_day__range=(month.first, month.last))
    known = set(before.values_list("kind", "billing_entity").distinct())
    return sorted(known - set(here.values_list("kind", "billing_entity").distinct()))


# ---- Differences


def _results(scope: Scope, month: Month) -> Iterator[Step]:
    area = pgettext("list", "결과")
    counting = _of_month(scope, month).filter(state=BatchState.ACCEPTED)
    compared = Comparison.objects.filter(batch__in=counting).values("batch_id")
    kinds = [str(kind) for kind in COLUMNS]
    rest = counting.filter(kind__in=kinds).exclude(pk__in=compared)
    yield Step(area, _("비교하지 않은 파일"), rest.count(), _names(rest), reverse("reconciliation:results"))
    for batch in result_reads.compared_batches(scope).filter(pk__in=counting.values("pk")):
        left = int(vars(batch)["open"])
        if left:
            due = queries.due_day(batch)
            note = _("지급 기한 %(day)s") % {"day": day(due)} if due else ""
            what = _("열린 차이: %(file)s") % {"file": batch.invoice_number or batch.name}
            yield Step(area, what, left, note, reverse("reconciliation:result", args=[batch.public_id]))


def _names(rows: "QuerySet[Batch]") -> str:
    return ", ".join(number or name for number, name in rows.values_list("invoice_number", "name")[:5])


# ---- Resellers


def _resellers(scope: Scope, month: Month) -> Iterator[Step]:
    area = _("파트너별")
    for batch in _of_month(scope, month).filter(state=BatchState.ACCEPTED).order_by("pk"):
        parts = reselling.parts(batch)
        address = reverse("reconciliation:by-partner", args=[batch.public_id])
        name = batch.invoice_number or batch.name
        unlinked = [part for part in parts if part.waits is Waits.NO_PARTNER]
        ready = [part for part in parts if part.waits is None]
        if unlinked:
            yield Step(area, _("파트너를 연결할 재판매사: %(file)s") % {"file": name}, len(unlinked), url=address)
        if ready:
            sums: dict[str, int] = {}
            for part in ready:
                sums[part.currency] = sums.get(part.currency, 0) + (part.amount or 0)
            note = ", ".join(money(amount, currency) for currency, amount in sorted(sums.items()))
            yield Step(area, _("정산할 재판매사: %(file)s") % {"file": name}, len(ready), note, address)


# ---- Payouts and banks


def _payouts(scope: Scope, month: Month) -> Iterator[Step]:
    unclear = Attempt.objects.filter(
        payout__merchant_id=scope.merchant_id,
        payout__is_test=scope.is_test,
        state__in=(AttemptState.UNKNOWN, AttemptState.ACCEPTED),
        reference_date__lte=month.last,
    )
    total = unclear.aggregate(sum=Sum("amount"))["sum"] or 0
    yield Step(_("지급"), _("결과를 모르는 이체"), unclear.count(), _won(total), reverse("payouts:unknown"))


def _won(amount: int) -> str:
    return money(amount, "KRW") if amount else ""


def _banks(scope: Scope, month: Month, today: date) -> Iterator[Step]:
    for account in statements.accounts(scope):
        yield from _bank(account, month, today)


def _bank(account: BankAccount, month: Month, today: date) -> Iterator[Step]:
    area = f"{_('은행 명세')} · {account.name}"
    desk = statement_links.desk_url(account.public_id)
    gaps = days_without_statement(account, month, today)
    note = f"{day(gaps[0])} ~ {day(gaps[-1])}" if gaps else ""
    yield Step(area, _("명세가 없는 날"), len(gaps), note, reverse("reconciliation:statement-upload"))
    of_month = StatementLine.objects.filter(bank_account=account, day__lte=month.last)
    left = of_month.exclude(matched=F("amount"))
    total = left.aggregate(sum=Sum(F("amount") - F("matched")))["sum"] or 0
    yield Step(
        area, _("맞추지 못한 명세 줄"), left.count(), _won(total), statement_links.lines_url(account=account.public_id)
    )
    waiting = of_month.filter(matched=F("amount"), reason=Open.SUSPENSE)
    total = waiting.aggregate(sum=Sum("amount"))["sum"] or 0
    yield Step(area, _("누구 돈인지 정할 입금"), waiting.count(), _won(total), desk)
    start = statements.first_day(account)
    ours = [one for one in statements.entries(account, start, month.last) if one.left] if start else []
    yield Step(area, _("명세에 없는 우리 분개"), len(ours), _won(sum(one.left for one in ours)), desk)
    position = statements.position(account)
    if position is not None and position.difference:
        yield Step(area, _("설명되지 않는 차액"), 1, money(position.difference, account.currency), desk)


def days_without_statement(account: BankAccount, month: Month, today: date) -> list[date]:
    """
    Return the days of a month that have ended and that no confirmed statement of an account covers.

    Between two statements nothing moved if the balance of the later one begins where the earlier one ended.
    """
    rows = Statement.objects.filter(bank_account=account, state=StatementState.CONFIRMED).order_by("first_day", "pk")
    covered: set[date] = set()
    before: tuple[date, int | None] | None = None
    for first, last, opening, closing in rows.values_list("first_day", "last_day", "opening", "closing"):
        follows = before is not None and opening is not None and opening == before[1]
        start = min(first, before[0]) if before is not None and follows else first
        covered |= set(_days(max(start, month.first), min(last, month.last)))
        if before is None or last >= before[0]:
            before = last, closing
    ended = min(month.last, today - timedelta(days=1))
    return [one for one in _days(month.first, ended) if one not in covered]


def _days(first: date, last: date) -> Iterator[date]:
    for step in range((last - first).days + 1):
        yield first + timedelta(days=step)


# ---- Closing


def _records(scope: Scope, month: Month) -> Step:
    closed = PeriodLock.objects.within(scope).filter(
        opened_at=None, first_day__lte=month.first, last_day__gte=month.last
    )
    what = _("청구 기록 마감")
    return Step(_("청구 기록"), what, 0 if closed.exists() else 1, url=reverse("reconciliation:periods"))

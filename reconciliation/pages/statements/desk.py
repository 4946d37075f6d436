"""은행 대조: how the books and the bank stand to each other, and what is open on either side."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.contrib import messages
from django.db.models import Count, F, QuerySet, Sum
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from access.requests import PageRequest
from access.roles import Permission, allowed
from console.columns import Column, Kind
from console.pages import PageView
from core import clock
from ledger import naming
from payouts.models import BankAccount
from payouts.pages import shown as payout_shown
from payouts.pages.links import origin_url
from reconciliation import statement_queries as queries
from reconciliation.models import StatementLine
from reconciliation.operations import statements
from reconciliation.pages.statements import links, shown
from reconciliation.statements import wording
from reconciliation.statements.judging import Open

_SHOWN = 50


@dataclass(frozen=True, slots=True)
class Side:
    """What is open on one side: how many, how much, and the first of them as rows."""

    count: int
    total: int
    rows: list[dict[str, object]]

    @property
    def hidden(self) -> int:
        """How many are not shown."""
        return self.count - len(self.rows)


class DeskView(PageView):
    """The position of one account, and its open lines and entries."""

    permission = Permission.VIEW
    title = gettext_lazy("은행 대조")

    def get(self, request: PageRequest) -> HttpResponse:
        """Show the account that is asked for, or the first."""
        accounts = list(queries.accounts(request.scope))
        wanted = request.GET.get("account", "").replace("\x00", "")
        account = queries.account(request.scope, wanted) if wanted else next(iter(accounts), None)
        context: dict[str, object] = {
            "title": self.title,
            "tabs": [(row.name, links.desk_url(row.public_id), row == account) for row in accounts],
            "account": account,
            "may_edit": allowed(request.role, Permission.EDIT),
        }
        if account is not None:
            context |= _of(account)
        return render(request, "reconciliation/statement_desk.html", context)


class MatchAgainView(PageView):
    """Let the open lines of an account be matched once more."""

    permission = Permission.EDIT
    title = gettext_lazy("다시 맞추기")

    def post(self, request: PageRequest) -> HttpResponseBase:
        """Start the job."""
        account = queries.account(request.scope, request.POST.get("account", "").replace("\x00", ""))
        statements.start_matching(account=account, by=request.actor, now=clock.now())
        messages.success(request, _("장부와 다시 맞추고 있어요. 다 되면 이 화면에 나와요."))
        return redirect(links.desk_url(account.public_id))


def _of(account: BankAccount) -> dict[str, object]:
    position = queries.position(account)
    open_lines = queries.unexplained(account.scope).filter(bank_account=account)
    open_entries = queries.open_entries(account)
    entries = [one for one in open_entries if position and one.day <= position.last_day]
    later = [one for one in open_entries if position and one.day > position.last_day]
    return {
        "number": payout_shown.destination(account.bank, account.last4),
        "position": position,
        "ours_left": position.ledger - position.open_ours if position else None,
        "theirs_left": position.statement - position.open_theirs
        if position and position.statement is not None
        else None,
        "is_matching": shown.is_matching(account),
        "theirs": _lines(open_lines.order_by("day", "pk")),
        "theirs_url": links.lines_url(shown.OPEN, shown.PARTLY, account=account.public_id),
        "suspense": _lines(queries.to_attribute(account.scope).filter(bank_account=account).order_by("day", "pk")),
        "suspense_url": links.lines_url(account=account.public_id, reason=Open.SUSPENSE.value),
        "ours": _entries(account, entries),
        "later": _entries(account, later),
        "line_columns": LINE_COLUMNS,
        "suspense_columns": tuple(column for column in LINE_COLUMNS if column.key not in ("reason", "rest")),
        "entry_columns": ENTRY_COLUMNS,
    }


LINE_COLUMNS = (
    Column("day", gettext_lazy("거래일"), Kind.DATE, link=lambda row: links.line_url(row["id"])),
    Column("reason", gettext_lazy("이유"), Kind.BADGE, badges=wording.REASON_BADGES),
    Column("amount", gettext_lazy("금액"), Kind.SIGNED_WON, currency="currency"),
    Column("rest", gettext_lazy("맞출 금액"), Kind.SIGNED_WON, currency="currency"),
    Column("name", gettext_lazy("상대")),
    Column("memo", gettext_lazy("적요")),
)
ENTRY_COLUMNS = (
    Column("day", gettext_lazy("거래일"), Kind.DATE, link=lambda row: str(row["url"]) if row["url"] else None),
    Column("event", gettext_lazy("장부 거래")),
    Column("amount", gettext_lazy("금액"), Kind.SIGNED_WON, currency="currency"),
    Column("left", gettext_lazy("맞출 금액"), Kind.SIGNED_WON, currency="currency"),
    Column("origin", gettext_lazy("근거"), Kind.ID),
)


def _lines(rows: "QuerySet[StatementLine]") -> Side:
    found = rows.aggregate(count=Count("pk"), total=Sum(F("amount") - F("matched")), whole=Sum("amount"))
    names = ("id", "day", "reason", "amount", "name", "memo", "currency")
    shown_rows = list(rows.annotate(rest=F("amount") - F("matched")).values(*names, "rest")[:_SHOWN])
    return Side(found["count"], found["total"] or found["whole"] or 0, shown_rows)


def _entries(account: BankAccount, found: Sequence[queries.Booked]) -> Side:
    rows = [entry_row(one, account.currency) for one in found[:_SHOWN]]
    return Side(len(found), sum(one.left for one in found), rows)


def entry_row(one: queries.Booked, currency: str) -> dict[str, object]:
    """Return an entry of the books as tables show it."""
    day: date = one.day
    return {
        "key": f"{one.journal_id}:{one.leg_no}",
        "day": day,
        "event": naming.event(one.event),
        "amount": one.amount,
        "left": one.left,
        "origin": one.origin_id,
        "url": origin_url(one.origin_kind, one.origin_id),
        "currency": currency,
    }

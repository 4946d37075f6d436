"""입출금 예상: what is expected on a bank account on each of the coming days, as a table, a chart and a file."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from django.http import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from access.requests import PageRequest
from access.roles import Permission, allowed
from console.columns import Column, Kind, Row
from console.filters import encode
from console.pages import PageView
from core import clock
from core.errors import NotFound
from payouts.forecast import Forecast, forecast
from payouts.models import BankAccount
from payouts.pages import files, shown

_WIDTH, _HEIGHT, _STEP = 1200, 200, 20


def _records_url(row: Row) -> str | None:
    day = str(row["day"])
    conditions = [("date", "settlement"), ("date_from", day), ("date_to", day)]
    return f"{reverse('settlement:records')}?{encode(conditions)}" if row["count"] else None


COLUMNS = (
    Column("day", gettext_lazy("날짜"), Kind.DATE),
    Column("settlements", gettext_lazy("정산 예정"), Kind.WON, link=_records_url),
    Column("back", gettext_lazy("차감 예정"), Kind.SIGNED_WON),
    Column("count", gettext_lazy("건수"), Kind.COUNT),
    Column("prepared", gettext_lazy("승인 전 일괄지급"), Kind.WON),
    Column("approved", gettext_lazy("승인된 일괄지급"), Kind.WON),
    Column("out", gettext_lazy("나갈 돈"), Kind.WON),
    Column("balance", gettext_lazy("예상 잔액"), Kind.SIGNED_WON),
)


@dataclass(frozen=True, slots=True)
class Chart:
    """
    The expected balance as a line and what goes out as bars, in units of the drawing.

    `top` and `bottom` are the balances at its edges, so that a small change does not pass for a large one.
    """

    top: int
    bottom: int
    line: str
    zero: int | None
    bars: Sequence[tuple[int, int, int, str]]
    short: int | None
    width: int = _WIDTH
    height: int = _HEIGHT


def chart(found: Forecast) -> Chart:
    """Lay the days out: the line between the lowest and the highest balance, bars from below."""
    balances = [found.opening, *(one.balance for one in found.days)]
    low, high = min(balances), max(balances)
    # Far from zero only the changes are worth looking at; near it, zero has to be in the picture.
    low = low - (high - low) // 4 if low > high // 2 else min(0, low)
    high = max(high, low + 1)
    most = max((one.due.out for one in found.days), default=0) or 1

    def height(amount: int) -> int:
        return _HEIGHT - (amount - low) * _HEIGHT // (high - low)

    points = [(number * _STEP, height(balance)) for number, balance in enumerate(balances)]
    bars = [
        (number * _STEP + 4, _HEIGHT - tall, tall, one.day.isoformat())
        for number, one in enumerate(found.days)
        if (tall := one.due.out * (_HEIGHT // 3) // most)
    ]
    first = found.short_on
    short = next((number for number, one in enumerate(found.days) if one is first), None) if first else None
    return Chart(
        top=high,
        bottom=low,
        line=" ".join(f"{x},{y}" for x, y in points),
        zero=height(0) if low <= 0 else None,
        bars=bars,
        short=None if short is None else (short + 1) * _STEP,
    )


def rows_of(found: Forecast, *, every: bool = False) -> list[dict[str, object]]:
    """Return the days as rows; on the page only those on which something happens, with the first and the last."""
    days = list(found.days)
    kept = [one for one in days if every or one.due.out or one.due.count or one in (days[0], days[-1])]
    return [
        {
            "day": one.day,
            "settlements": one.due.settlements,
            "back": one.due.back,
            "count": one.due.count,
            "prepared": one.due.prepared,
            "approved": one.due.approved,
            "out": one.due.out,
            "balance": one.balance,
        }
        for one in kept
    ]


class ForecastView(PageView):
    """The expected balance of one bank account."""

    permission = Permission.VIEW
    title = gettext_lazy("입출금 예상")
    slug: ClassVar[str] = "cash-forecast"

    def get(self, request: PageRequest) -> HttpResponseBase:
        """Show the forecast of the chosen account, or send it as a file."""
        accounts = list(BankAccount.objects.within(request.scope).exclude(rail="").order_by("pk"))
        if not accounts:
            return render(request, "payouts/forecast.html", {"title": self.title, "accounts": accounts})
        wanted = request.GET.get("account", "")
        account = next((one for one in accounts if one.public_id == wanted), None if wanted else accounts[0])
        if account is None:
            raise NotFound(f"bank account {wanted} does not exist")
        found = forecast(account, clock.today())
        may_export = allowed(request.role, Permission.EXPORT)
        if request.GET.get("format") in files.FORMATS and may_export:
            return self._file(request, found)
        context = {
            "title": self.title,
            "accounts": accounts,
            "account": account,
            "destination": shown.destination(account.bank, account.last4),
            "found": found,
            "chart": chart(found),
            "columns": COLUMNS,
            "rows": rows_of(found),
            "may_export": may_export,
        }
        return render(request, "payouts/forecast.html", context)

    def _file(self, request: PageRequest, found: Forecast) -> HttpResponseBase:
        return files.sheet_file(
            request,
            title=self.title,
            slug=self.slug,
            columns=COLUMNS,
            rows=rows_of(found, every=True),
            extension=request.GET["format"],
            about=[(_("지급 계좌"), found.account.name), (_("보낼 수 있는 돈"), found.opening)],
            last=found.days[-1].day,
        )

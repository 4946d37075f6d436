"""One journal, and the trial balance of a day."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import ClassVar
from urllib.parse import urlencode

from django.http import FileResponse, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from access.requests import PageRequest
from access.roles import Permission, allowed
from console import exports, periods
from console.files import columns as sheets
from console.files.names import export_name
from console.pages import PageView
from core import clock
from ledger import naming, queries, tables
from ledger.models import Entry, Journal
from ledger.queries import TrialRow


class JournalView(PageView):
    """One journal: its legs, what it reverses or what reversed it, where it came from."""

    permission = Permission.VIEW
    title = gettext_lazy("분개")

    def get(self, request: PageRequest, journal_id: int) -> HttpResponse:
        """Show the journal."""
        journal = get_object_or_404(Journal.objects.within(request.scope).select_related("reverses"), pk=journal_id)
        legs = list(queries.entries_of(journal))
        context = {
            "title": f"{_('분개')} {journal.pk}",
            "journal": journal,
            "number": str(journal.pk),
            "event": naming.event(journal.event_type),
            "columns": tables.LEG_COLUMNS,
            "legs": [_leg(entry) for entry in legs],
            "sums": _sums(legs),
            "reversal": Journal.objects.within(request.scope).filter(reverses=journal).first(),
            "attributes": sorted(journal.attributes.items()),
        }
        return render(request, "ledger/journal.html", context)


def _leg(entry: Entry) -> dict[str, object]:
    return {
        "account_id": entry.account_id,
        "code": entry.account.code,
        "owner_kind": entry.account.owner_kind,
        "owner": entry.account.owner,
        "part": entry.component,
        "currency": entry.currency,
        "debit": entry.amount if entry.amount > 0 else None,
        "credit": -entry.amount if entry.amount < 0 else None,
    }


def _sums(legs: Sequence[Entry]) -> list[tuple[str, int, int]]:
    """Return debits and credits of each currency; they are equal."""
    return [
        (
            currency,
            sum(entry.amount for entry in legs if entry.currency == currency and entry.amount > 0),
            -sum(entry.amount for entry in legs if entry.currency == currency and entry.amount < 0),
        )
        for currency in sorted({entry.currency for entry in legs})
    ]


@dataclass(frozen=True, slots=True)
class Part:
    """The trial balance of one currency, its sums last."""

    currency: str
    lines: list["Line"]
    debit: int
    credit: int
    debit_balance: int
    credit_balance: int

    @property
    def difference(self) -> int:
        """Return debits less credits: zero, or the books are wrong."""
        return self.debit - self.credit


@dataclass(frozen=True, slots=True)
class Line:
    """One code of the trial balance; the balance stands on one side."""

    row: TrialRow
    name: str
    accounts_url: str
    entries_url: str

    @property
    def debit_balance(self) -> int:
        """Return the balance if it is a debit."""
        return max(self.row.balance, 0)

    @property
    def credit_balance(self) -> int:
        """Return the balance if it is a credit."""
        return max(-self.row.balance, 0)


def _line(row: TrialRow, day: date) -> Line:
    chosen = {"code": row.code, "currency": row.currency}
    accounts = f"{reverse('ledger:accounts')}?{urlencode(chosen)}"
    entries = (
        f"{reverse('ledger:entries')}?{urlencode(chosen | {'date_period': periods.CUSTOM, 'date_to': day.isoformat()})}"
    )
    return Line(row, naming.account(row.code), accounts, entries)


def _parts(found: Iterable[TrialRow], day: date) -> list[Part]:
    parts = []
    for currency, group in groupby(found, key=lambda row: row.currency):
        lines = [_line(row, day) for row in group]
        parts.append(
            Part(
                currency,
                lines,
                debit=sum(line.row.debit for line in lines),
                credit=sum(line.row.credit for line in lines),
                debit_balance=sum(line.debit_balance for line in lines),
                credit_balance=sum(line.credit_balance for line in lines),
            )
        )
    return parts


class TrialBalanceView(PageView):
    """시산표: debits, credits and balances of every code on a day, as a page or a file."""

    permission = Permission.VIEW
    title = gettext_lazy("시산표")
    formats: ClassVar[tuple[str, ...]] = ("xlsx", "csv")

    def get(self, request: PageRequest) -> HttpResponse | FileResponse:
        """Show the day's trial balance; a day nobody can read is named and today is shown."""
        today, error, text = clock.today(), "", request.GET.get("day", "")
        try:
            day = periods.read_day(text) or today
        except ValueError as problem:
            day, error = today, str(problem)
        parts = _parts(queries.trial_balance(request.scope, day), day)
        may_export = allowed(request.role, Permission.EXPORT)
        if request.GET.get("format") in self.formats and may_export:
            return _file(request, parts, day, request.GET["format"])
        context = {
            "title": self.title,
            "day": day,
            "today": today,
            "error": error,
            "parts": parts,
            "may_export": may_export,
        }
        return render(request, "ledger/trial_balance.html", context)


def _file(request: PageRequest, parts: Sequence[Part], day: date, extension: str) -> FileResponse:
    kinds = {"code": sheets.Kind.ID, "name": sheets.Kind.TEXT, "accounts": sheets.Kind.COUNT}
    spec = [
        sheets.SheetColumn(str(column.label), kinds.get(column.key, sheets.Kind.SIGNED_WON))
        for column in tables.TRIAL_COLUMNS
    ]
    spec.append(sheets.SheetColumn(_("통화"), sheets.Kind.TEXT))
    title = str(TrialBalanceView.title)
    return exports.small_file(
        request.scope,
        request.actor,
        slug="ledger-trial-balance",
        title=title,
        name=export_name(title, extension, last=day),
        form=exports.format_named(extension),
        spec=spec,
        cells=[_cells(line) for part in parts for line in part.lines],
        conditions=_conditions(request, parts, day),
    )


def _cells(line: Line) -> list[sheets.Cell]:
    row = line.row
    balances = [line.debit_balance, line.credit_balance]
    return [str(row.code), line.name, row.accounts, row.debit, row.credit, *balances, row.currency]


def _conditions(request: PageRequest, parts: Sequence[Part], day: date) -> sheets.Conditions:
    def lines(written: int) -> Iterator[tuple[str, sheets.Cell]]:
        yield _("목록"), str(TrialBalanceView.title)
        yield _("기준일"), day
        yield _("만든 사람"), request.actor.name
        yield _("건수"), written
        for part in parts:
            yield _("차변 합계"), part.debit
            yield _("대변 합계"), part.credit

    return lines

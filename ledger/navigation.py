"""What the ledger adds to the pages everybody shares."""

from collections.abc import Callable

from django.db.models import Q, Sum
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from access.requests import PageRequest
from access.roles import Permission
from console import registry
from core.scope import Scope
from ledger import queries, tables
from ledger.models import Journal

_LONGEST_NUMBER = 18
_SHOWN = ("id", "effective_date", "event_type", "amount", "leg_count", "actor", "recorded_at")
_MOST = 100


def find_journal(scope: Scope, word: str) -> str | None:
    """Return the page of the journal with this number, written `J123` or `123`."""
    number = word.removeprefix("J").removeprefix("j")
    if not (number.isascii() and number.isdecimal() and len(number) <= _LONGEST_NUMBER):
        return None
    known = Journal.objects.within(scope).filter(pk=int(number)).exists()
    return tables.journal_url(number) if known else None


def _journals(kind: str) -> Callable[[PageRequest, str], dict[str, object] | None]:
    def context(request: PageRequest, public_id: str) -> dict[str, object] | None:
        found = queries.journals_of(request.scope, kind, public_id)
        rows = list(
            found.annotate(amount=Sum("entries__amount", filter=Q(entries__amount__gt=0))).values(*_SHOWN)[:_MOST]
        )
        return {"columns": tables.JOURNALS_OF_COLUMNS, "rows": rows} if rows else None

    return context


def show_journals_of(kind: str) -> None:
    """Add the journals about an object to the detail page of its kind."""
    registry.related(kind, "journals", _("분개"), "ledger/_journals.html", _journals(kind), order=900)


def register() -> None:
    """Add the entries, links and searches of the ledger."""
    registry.nav("ledger", _("계정"), "ledger:accounts", Permission.VIEW, order=10)
    registry.nav("ledger", _("분개"), "ledger:journals", Permission.VIEW, order=20)
    registry.nav("ledger", _("시산표"), "ledger:trial-balance", Permission.VIEW, order=30)
    registry.origin("journal", _("분개"), lambda number: reverse("ledger:journal", args=[number]))
    registry.origin("account", _("계정"), tables.account_url)
    registry.search("journal", find_journal, label=_("분개"))

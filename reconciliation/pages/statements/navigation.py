"""What bank statements add to other pages: navigation, home, search, names of their journals."""

from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from access.roles import Permission
from console import registry
from console.columns import Tone
from console.filters import encode
from core.scope import Scope
from ledger import naming
from ledger.navigation import show_journals_of
from reconciliation import statement_queries as queries
from reconciliation.models import Statement, StatementLine, StatementState
from reconciliation.operations.statement_matching import ORIGIN
from reconciliation.operations.statements import MATCH_JOB
from reconciliation.pages.statements import links, shown
from reconciliation.statements.judging import Open


def register() -> None:
    """Add everything."""
    registry.nav(
        "reconciliation", pgettext_lazy("list", "은행 명세"), "reconciliation:statements", Permission.VIEW, order=60
    )
    registry.nav("reconciliation", _("은행 대조"), "reconciliation:statement-desk", Permission.VIEW, order=70)
    registry.job_kind(MATCH_JOB, _("은행 명세 맞추기"))
    registry.tile(
        _("반영할 은행 명세"),
        waiting,
        lambda: f"{reverse('reconciliation:statements')}?{encode([('state', StatementState.UNDERSTOOD)])}",
        tone=Tone.WARNING,
        order=62,
        permission=Permission.VIEW,
        key="reconciliation.statements",
    )
    registry.tile(
        _("맞출 은행 거래"),
        to_match,
        lambda: links.lines_url(shown.OPEN, shown.PARTLY),
        tone=Tone.WARNING,
        order=63,
        permission=Permission.VIEW,
        key="reconciliation.bank_lines",
    )
    registry.tile(
        _("누구의 돈인지 알려 줄 입금"),
        to_attribute,
        lambda: links.lines_url(reason=Open.SUSPENSE.value),
        tone=Tone.INFO,
        order=64,
        permission=Permission.VIEW,
        key="reconciliation.bank_deposits",
    )
    registry.search("bank_statement", find, label=_("은행 명세"))
    registry.origin(ORIGIN, _("은행 명세"), links.statement_url)
    show_journals_of(ORIGIN)
    naming.name_events(shown.EVENTS)


def waiting(scope: Scope) -> int:
    """Count the statements that nobody has decided about."""
    return Statement.objects.within(scope).filter(state=StatementState.UNDERSTOOD).count()


def to_match(scope: Scope) -> int:
    """Count the lines of which nothing or only a part is explained."""
    return queries.unexplained(scope).count()


def to_attribute(scope: Scope) -> int:
    """Count the deposits of which nobody said whose money they are."""
    return queries.to_attribute(scope).count()


def find(scope: Scope, word: str) -> str | None:
    """Return the page of the statement with this id, or the line of this transfer."""
    if queries.statements(scope).filter(public_id=word).exists():
        return links.statement_url(word)
    named = list(StatementLine.objects.within(scope).filter(reference=word).values_list("pk", flat=True)[:2])
    if len(named) == 1:
        return links.line_url(named[0])
    return links.lines_url(kw="reference", q=word) if named else None

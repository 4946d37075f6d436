"""은행 명세: the files of statements, and one of them with what its lines would do or have done."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext, pgettext_lazy

from access.requests import PageRequest
from access.roles import Permission, allowed
from access.roles import check as check_permission
from console.columns import Badge, Column, Kind, Label, Row, Shape, Tone
from console.filters import ChoiceFilter, DateFilter, DateKind, IdFilter, Keyword, KeywordFilter
from console.lists import ListPage, MainAction
from console.pages import PageView
from core import clock
from core.scope import Scope
from payouts.pages import shown
from reconciliation import statement_queries as queries
from reconciliation.models import Statement, StatementLine, StatementState
from reconciliation.operations import statements
from reconciliation.operations.statements import Preview, Previewed
from reconciliation.pages.statements import links
from reconciliation.pages.statements import shown as shown_line
from reconciliation.statements import wording
from reconciliation.statements.judging import Verdict

_SHOWN = 100

STATEMENT_BADGES = {
    StatementState.UNDERSTOOD.value: Badge(StatementState.UNDERSTOOD.label, Tone.WARNING, Shape.CLOCK),
    StatementState.CONFIRMED.value: Badge(StatementState.CONFIRMED.label, Tone.SUCCESS, Shape.CHECK),
    StatementState.DISCARDED.value: Badge(StatementState.DISCARDED.label, Tone.NEUTRAL, Shape.DASH),
}


class StatementList(ListPage):
    """One row per statement file."""

    slug = "bank-statements"
    url_name = "reconciliation:statements"
    title = pgettext_lazy("list", "은행 명세")
    intro = gettext_lazy("은행에서 받은 거래내역이에요. 반영하면 장부와 맞춰 보고, 맞지 않는 줄만 남겨요.")
    permission = Permission.VIEW
    order = ("-created_at", "-id")
    currency = "currency"
    columns = (
        Column("name", gettext_lazy("파일")),
        Column("state", gettext_lazy("상태"), Kind.BADGE, badges=STATEMENT_BADGES),
        Column("bank_account__name", gettext_lazy("계좌")),
        Column("first_day", gettext_lazy("첫날"), Kind.DATE),
        Column("last_day", gettext_lazy("마지막 날"), Kind.DATE),
        Column("line_count", pgettext_lazy("list", "거래"), Kind.COUNT, total=True),
        Column("open_lines", gettext_lazy("맞출 줄"), Kind.COUNT),
        Column("repeats", gettext_lazy("이미 있던 줄"), Kind.COUNT, default=False),
        Column("opening", gettext_lazy("시작 잔액"), Kind.SIGNED_WON, currency="currency"),
        Column("closing", gettext_lazy("끝 잔액"), Kind.SIGNED_WON, currency="currency"),
        Column(
            "form_name",
            gettext_lazy("형식"),
            default=False,
            value=lambda row: str(wording.FORMS.get(str(row["form"]), "")),
        ),
        Column("created_by", gettext_lazy("올린 사람"), value=lambda row: who(row["created_by"])),
        Column("created_at", gettext_lazy("올린 때"), Kind.MOMENT, sortable=True),
        Column("decided_at", gettext_lazy("정한 때"), Kind.MOMENT, default=False),
        Column("statement_no", gettext_lazy("명세 번호"), Kind.ID, default=False),
        Column("public_id", gettext_lazy("번호"), Kind.ID, default=False),
    )
    extra = ("form", "created_by")
    filters = (
        DateFilter(
            (
                DateKind("days", gettext_lazy("명세 마지막 날"), "last_day"),
                DateKind("created", gettext_lazy("올린 날"), "created_at", moment=True),
            )
        ),
        KeywordFilter(
            (
                Keyword("name", gettext_lazy("파일 이름"), ("name",)),
                Keyword("id", gettext_lazy("번호"), ("public_id",), exact=True),
            )
        ),
        ChoiceFilter("state", gettext_lazy("상태"), tuple(StatementState.choices), badges=STATEMENT_BADGES),
        IdFilter("account", gettext_lazy("계좌"), "bank_account__public_id"),
    )
    main_action = MainAction(gettext_lazy("명세 올리기"), "reconciliation:statement-upload", Permission.EDIT)
    blank = gettext_lazy("아직 올린 명세가 없어요. 은행에서 받은 거래내역 파일을 올려 주세요.")

    def queryset(self, scope: Scope) -> QuerySet[Any]:
        """Return the statements of a scope with their lines that nothing explains."""
        left = StatementLine.objects.filter(~Q(matched=F("amount")), statement=OuterRef("pk"))
        counted = left.order_by().values("statement").annotate(count=Count("pk")).values("count")
        return Statement.objects.within(scope).annotate(open_lines=Coalesce(Subquery(counted), 0))

    def row_url(self, row: Row) -> str | None:
        """Open the statement."""
        return links.statement_url(row["public_id"])

    def row_class(self, row: Row) -> str:
        """Set what was thrown away back."""
        return "muted" if row["state"] == StatementState.DISCARDED else ""


def who(actor: object) -> str:
    """Return the name of an actor as it is kept, without its kind."""
    return str(actor).partition(":")[2] or str(actor)


class StatementPage(PageView):
    """One statement file: what would be done with its lines, or what became of them."""

    permission = Permission.VIEW
    title = gettext_lazy("은행 명세")

    def get(self, request: PageRequest, statement_id: str) -> HttpResponse:
        """Show it."""
        found = queries.statement(request.scope, statement_id)
        context = {
            "title": found.name,
            "statement": found,
            "state": STATEMENT_BADGES[found.state],
            "account": shown.destination(found.bank_account.bank, found.bank_account.last4),
            "form_name": wording.FORMS.get(found.form, ""),
            "uploaded_by": who(found.created_by),
            "decided_by": who(found.decided_by),
            "history": shown_line.history(found),
            "may_decide": allowed(request.role, Permission.EDIT) and found.state == StatementState.UNDERSTOOD,
        }
        if found.state == StatementState.UNDERSTOOD:
            context |= _before(request, Statement.objects.select_related("bank_account").get(pk=found.pk))
        else:
            context |= {"counts": _after(found), "is_matching": shown_line.is_matching(found.bank_account)}
        return render(request, "reconciliation/statement.html", context)

    def post(self, request: PageRequest, statement_id: str) -> HttpResponseBase:
        """Confirm it, or throw it away."""
        check_permission(request, Permission.EDIT)
        told: dict[str, Any] = {
            "scope": request.scope,
            "statement_id": statement_id,
            "by": request.actor,
            "now": clock.now(),
        }
        if request.POST.get("action") == "discard":
            statements.discard(**told)
            messages.info(request, _("명세를 버렸어요. 아무것도 바뀌지 않았어요."))
        else:
            statements.confirm(**told)
            messages.success(request, _("명세를 반영했어요. 장부와 맞추고 있어요."))
        return redirect(links.statement_url(statement_id))


def _before(request: PageRequest, found: Statement) -> dict[str, object]:
    """Return what would be done with the lines of a statement, all of them or those of one verdict."""
    preview = statements.preview(found)
    wanted = request.GET.get("verdict", "")
    chosen = [one for one in preview.lines if wanted in ("", one.judged.verdict.value)]
    pages = Paginator(chosen, _SHOWN)
    page = pages.get_page(request.GET.get("page"))
    return {
        "file": preview.file,
        "tally": _tally(preview, wanted),
        "wanted": wanted,
        "lines": [_shown(one) for one in page.object_list],
        "page_of_lines": page,
        "urgent": sum(one.judged.reason in wording.URGENT for one in preview.lines),
    }


def _tally(preview: Preview, wanted: str) -> list[tuple[Badge, str, Label, int, int, bool]]:
    counts = preview.counts
    return [
        (
            *(wording.VERDICT_BADGES[verdict.value], verdict.value, wording.VERDICTS[verdict.value]),
            *(*counts[verdict], verdict.value == wanted),
        )
        for verdict in Verdict
        if verdict in counts
    ]


def _shown(one: Previewed) -> dict[str, object]:
    line, verdict = one.line, one.judged.verdict.value
    is_open = one.judged.verdict is Verdict.OPEN and one.judged.reason is not None
    return {
        "line": line,
        "said": wording.SAID_BADGES[line.said.value],
        "badge": wording.VERDICT_BADGES[verdict],
        "why": wording.REASONS.get(one.judged.reason or "", "") if is_open else "",
        "other": shown.destination(line.bank, line.account_number[-4:]) if line.account_number else "",
    }


def _after(found: Statement) -> list[tuple[str, int, str]]:
    """Return how many lines of a decided statement are matched, partly matched and open, with where they are listed."""
    is_matched = Q(matched=F("amount"))
    counts = found.lines.aggregate(
        new=Count("pk"),
        whole=Count("pk", filter=is_matched),
        partly=Count("pk", filter=~is_matched & ~Q(matched=0)),
        left=Count("pk", filter=Q(matched=0)),
    )
    named = (
        (_("새 줄"), "new", ""),
        (pgettext("statement", "맞음"), "whole", shown_line.MATCHED),
        (_("일부 맞음"), "partly", shown_line.PARTLY),
        (_("맞출 줄"), "left", shown_line.OPEN),
    )
    return [
        (label, counts[name], links.lines_url(*filter(None, (state,)), statement=found.public_id))
        for label, name, state in named
    ]

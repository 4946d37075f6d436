"""허용 오차 실험: other tolerances tried on what was billed, and what they would have let pass or asked about."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.db.models import Count, Q, QuerySet, Sum
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from access.requests import PageRequest
from access.roles import Permission, allowed
from console.columns import Badge, Column, Kind, Row, Shape, Tone
from console.columns import decimal as written
from console.filters import ChoiceFilter, IdFilter
from console.lists import ListPage, MainAction
from console.pages import PageView
from core import clock
from core.errors import DomainError
from core.models import Job
from core.scope import Scope
from matching import queries
from matching.models import ChargesTolerance, Experiment, ExperimentChange, PriceTolerance, TotalsTolerance, Verdict
from matching.operations import experiments
from matching.pages import links, shown
from matching.pages.fields import FigureField, day, percent
from settlement.forms import Tellable
from settlement.pages.filters import LinkFilter

_USUAL_DAYS = 90
_MOST_ROWS = 100
_COMPANY = {
    "invoice_totals_tolerance_percent": gettext_lazy("송장 합계 허용 오차 (%)"),
    "price_total_tolerance_percent": gettext_lazy("가격 총액 허용 오차 (%)"),
    "price_total_tolerance_amount": gettext_lazy("가격 총액 허용 금액"),
    "charges_tolerance_percent": gettext_lazy("비용 허용 오차 (%)"),
}
RUNNING = Badge(gettext_lazy("계산 중"), Tone.PROGRESS, Shape.HALF)
DONE = Badge(gettext_lazy("계산 완료"), Tone.SUCCESS, Shape.CHECK)
FAILED = Badge(gettext_lazy("계산 실패"), Tone.DANGER, Shape.ALERT)
APPLIED = Badge(gettext_lazy("저장함"), Tone.INFO, Shape.CHECK)
_STATES = {"running": RUNNING, "done": DONE, "applied": APPLIED}
_OVER = gettext_lazy("약속보다 많은 금액")


@dataclass(frozen=True, slots=True)
class _Tried:
    """One row of the set-up that may be tried with another percentage."""

    table: str
    key: tuple[str, ...]
    label: str
    percent: Decimal

    @property
    def field(self) -> str:
        """Return what its box is called."""
        return f"{self.table}:{'/'.join(self.key)}"


def _rows(scope: Scope) -> Iterable[_Tried]:
    prices = PriceTolerance.objects.within(scope).select_related("item", "vendor").order_by("pk")[:_MOST_ROWS]
    for price in prices:
        yield _Tried("price", (price.item_code, price.account_code), shown.tolerance_row(str(price)), price.percent)
    totals = TotalsTolerance.objects.within(scope).select_related("vendor").order_by("pk")[:_MOST_ROWS]
    for total in totals:
        yield _Tried("totals", (total.vendor.account,), total.vendor.account, total.percent)
    charges = ChargesTolerance.objects.within(scope).select_related("charge_code").order_by("pk")[:_MOST_ROWS]
    for charge in charges:
        yield _Tried("charges", (charge.charge_code.code,), charge.charge_code.code, charge.percent)


class ExperimentForm(Tellable):
    """The period, and every tolerance of the set-up with what it is now; what is changed is tried."""

    date_from = day(gettext_lazy("첫 송장일"))
    date_until = day(gettext_lazy("마지막 송장일"))

    def __init__(self, *args: Any, scope: Scope, **options: Any) -> None:
        super().__init__(*args, **options)
        parameters, today = queries.parameters(scope), clock.today()
        self.fields["date_from"].initial = today - timedelta(days=_USUAL_DAYS)
        self.fields["date_until"].initial = today
        for name, label in _COMPANY.items():
            self._add(name, label, getattr(parameters, name))
        self.rows = list(_rows(scope))
        for row in self.rows:
            self._add(row.field, row.label, row.percent)

    def _add(self, name: str, label: Any, now: Decimal) -> None:
        field = FigureField(label=label, least=0) if name.endswith("amount") else percent(label)
        field.initial = now
        self.fields[name] = field

    def company_fields(self) -> list[forms.BoundField]:
        """Return the boxes of the company's own tolerances."""
        return [self[name] for name in _COMPANY]

    def table_fields(self, table: str) -> list[forms.BoundField]:
        """Return the boxes of a table's rows."""
        return [self[row.field] for row in self.rows if row.table == table]

    @property
    def price_fields(self) -> list[forms.BoundField]:
        """Return the boxes of price tolerances."""
        return self.table_fields("price")

    @property
    def totals_fields(self) -> list[forms.BoundField]:
        """Return the boxes of the totals tolerances of vendors."""
        return self.table_fields("totals")

    @property
    def charges_fields(self) -> list[forms.BoundField]:
        """Return the boxes of the tolerances of charge codes."""
        return self.table_fields("charges")

    def tried(self) -> dict[str, Any]:
        """Return the tolerances that differ from what is in force."""
        data, now = self.cleaned_data, {name: field.initial for name, field in self.fields.items()}
        found: dict[str, Any] = {"company": {n: data[n] for n in _COMPANY if data[n] != now[n]}}
        for row in self.rows:
            if data[row.field] != row.percent:
                found.setdefault(row.table, []).append([*row.key, data[row.field]])
        return found


class NewView(PageView):
    """The form: every tolerance, to be changed and tried."""

    permission = Permission.EDIT
    title = gettext_lazy("허용 오차 실험")

    def get(self, request: PageRequest) -> HttpResponse:
        """Show the tolerances as they are."""
        return self._show(request, ExperimentForm(scope=request.scope))

    def post(self, request: PageRequest) -> HttpResponseBase:
        """Start the experiment."""
        form = ExperimentForm(request.POST, scope=request.scope)
        if not form.is_valid():
            return self._show(request, form, status=422)
        try:
            row = experiments.create(
                scope=request.scope,
                by=request.actor,
                now=clock.now(),
                date_from=form.cleaned_data["date_from"],
                date_until=form.cleaned_data["date_until"],
                tolerances=form.tried(),
            )
        except DomainError as refusal:
            form.tell(refusal)
            return self._show(request, form, status=422)
        return redirect(experiment_url(row.public_id))

    def _show(self, request: PageRequest, form: ExperimentForm, status: int = 200) -> HttpResponse:
        context = {"title": self.title, "form": form, "back": reverse("matching:experiments")}
        return render(request, "matching/experiment_form.html", context, status=status)


def experiment_url(public_id: object) -> str:
    """Return where an experiment is shown."""
    return f"{reverse('matching:experiment')}?{urlencode({'experiment': str(public_id)})}"


def _of_row(row: Row) -> str:
    return experiment_url(row["public_id"])


def _state(row: Row) -> str:
    if row["applied_at"]:
        return "applied"
    return "done" if row["finished_at"] else "running"


class ExperimentList(ListPage):
    """All experiments, the newest first."""

    slug = "matching-experiments"
    url_name = "matching:experiments"
    title = gettext_lazy("허용 오차 실험")
    permission = Permission.VIEW
    main_action = MainAction(gettext_lazy("새 실험"), "matching:experiment-new", Permission.EDIT)
    intro = gettext_lazy("허용 오차를 저장하기 전에, 지난 송장의 결과가 어떻게 달라지는지 확인해요.")
    blank = gettext_lazy("아직 실험이 없어요. 새 실험에서 허용 오차를 바꿔 보세요.")
    extra = ("finished_at", "applied_at", "created_by")
    columns = (
        Column("public_id", gettext_lazy("실험 아이디"), Kind.ID, link=_of_row),
        Column("state", gettext_lazy("상태"), Kind.BADGE, badges=_STATES, value=_state),
        Column("date_from", gettext_lazy("첫 송장일"), Kind.DATE),
        Column("date_until", gettext_lazy("마지막 송장일"), Kind.DATE),
        Column("invoice_count", gettext_lazy("다시 본 송장"), Kind.COUNT),
        Column("passing_count", gettext_lazy("통과로 바뀜"), Kind.COUNT),
        Column("failing_count", gettext_lazy("불일치로 바뀜"), Kind.COUNT),
        Column("by", gettext_lazy("시작한 사람"), value=lambda row: shown.person(row["created_by"])),
        Column("created_at", gettext_lazy("시작한 때"), Kind.MOMENT),
    )  # fmt: skip

    def queryset(self, scope: Scope) -> QuerySet[Any]:
        """Return the experiments of a scope."""
        return Experiment.objects.within(scope)

    def row_url(self, row: Row) -> str | None:
        """Open the experiment."""
        return _of_row(row)


# ---- what was found


def _of_experiment(public_id: str) -> Q:
    return Q(experiment_id=Experiment.objects.filter(public_id=public_id).values("pk")[:1])


def _invoice_url(row: Row) -> str:
    return links.invoice_url(str(row["invoice__public_id"]))


def _reasons(key: str) -> Any:
    def words(row: Row) -> str:
        codes: Sequence[str] = row[key]  # type: ignore[assignment] # an array of texts
        return ", ".join(shown.reason(code) for code in codes)

    return words


class ChangeList(ListPage):
    """The invoices whose verdict other tolerances would change."""

    slug = "matching-experiment-changes"
    url_name = "matching:experiment"
    template = "matching/experiment.html"
    permission = Permission.VIEW
    title = gettext_lazy("허용 오차 실험")
    within = "experiment"
    order = ("-over", "id")
    id_key = "id"
    currency = "currency"
    extra = ("invoice__public_id", "reasons_before", "reasons_after")
    file_title = gettext_lazy("허용 오차 실험 결과")
    empty = gettext_lazy("조건에 맞는 송장이 없어요. 조건을 줄여 보세요.")
    blank = gettext_lazy("결과가 바뀌는 송장이 없어요.")
    filters = (
        LinkFilter("experiment", gettext_lazy("실험"), condition=_of_experiment),
        ChoiceFilter("after", gettext_lazy("바뀐 결과"), tuple(Verdict.choices), badges=shown.VERDICT_BADGES),
        IdFilter("vendor", gettext_lazy("공급사"), "invoice__vendor__account"),
    )
    columns = (
        Column("invoice__public_id", gettext_lazy("송장 아이디"), Kind.ID, link=_invoice_url),
        Column("invoice__number", gettext_lazy("송장 번호"), Kind.ID),
        Column("invoice__vendor__name", gettext_lazy("공급사"), width=20),
        Column("invoice__date", gettext_lazy("송장일"), Kind.DATE),
        Column("over", _OVER, Kind.SIGNED_WON, total=True, currency="currency", sortable=True),
        Column("before", gettext_lazy("지금 결과"), Kind.BADGE, badges=shown.VERDICT_BADGES),
        Column("after", gettext_lazy("바뀐 결과"), Kind.BADGE, badges=shown.VERDICT_BADGES),
        Column("reasons_before_words", gettext_lazy("지금 이유"), value=_reasons("reasons_before"), width=28),
        Column("reasons_after_words", gettext_lazy("바뀐 이유"), value=_reasons("reasons_after"), width=28),
    )  # fmt: skip

    def queryset(self, scope: Scope) -> QuerySet[Any]:
        """Return what all experiments of a scope would change."""
        mine = {f"experiment__{name}": value for name, value in scope.filters().items()}
        return ExperimentChange.objects.filter(**mine)

    def row_url(self, row: Row) -> str | None:
        """Open the invoice."""
        return _invoice_url(row)

    def get(self, request: PageRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        """Show the experiment named in the address; without one lead to all."""
        public_id = request.GET.get("experiment", "")
        if not public_id:
            return redirect("matching:experiments")
        self.row = get_object_or_404(Experiment.objects.within(request.scope), public_id=public_id)
        return super().get(request, *args, **kwargs)

    def context(self, request: PageRequest) -> dict[str, object]:
        """Return what was tried, and what came of it as a whole."""
        row, job = self.row, _job(self.row)
        running = row.finished_at is None and job is not None and job.is_open
        sums = row.changes.order_by("after", "currency").values("after", "currency")
        return {
            "row": row,
            "by": shown.person(row.created_by),
            "job": job,
            "title": self.title,
            "badge": APPLIED if row.applied_at else DONE if row.finished_at else RUNNING if running else FAILED,
            "running": running,
            "tried": tried_words(row),
            "sums": list(sums.annotate(count=Count("pk"), over_sum=Sum("over"))),
            "may_apply": allowed(request.role, Permission.MANAGE) and row.finished_at and not row.applied_at,
        }


def _job(row: Experiment) -> Job | None:
    return Job.objects.filter(pk=row.job_id).first() if row.job_id else None


def tried_words(row: Experiment) -> list[tuple[str, str]]:
    """Return what was tried, by name."""
    tried = row.tolerances
    found = [(str(_COMPANY[name]), written(Decimal(value))) for name, value in tried["company"].items()]
    for table, label in (
        ("price", _("가격 허용 오차")),
        ("totals", _("송장 합계 허용 오차")),
        ("charges", _("비용 허용 오차")),
    ):
        found += [(f"{label}: {_named(key)}", f"{written(Decimal(value))}%") for *key, value in tried[table]]
    return found


def _named(key: Sequence[str]) -> str:
    """Return what a row of the set-up is for."""
    return shown.tolerance_row(" / ".join(key)) if len(key) > 1 else key[0]


class ProgressView(PageView):
    """The live part while an experiment runs."""

    permission = Permission.VIEW

    def get(self, request: PageRequest, public_id: str) -> HttpResponse:
        """Show how far it is; when it has ended the whole page is another one."""
        row = get_object_or_404(Experiment.objects.within(request.scope), public_id=public_id)
        job = _job(row)
        if job is None or not job.is_open:
            return HttpResponse(headers={"HX-Refresh": "true"})
        return render(request, "matching/_experiment_progress.html", {"row": row, "job": job})


class ApplyView(PageView):
    """Save the tolerances that were tried."""

    permission = Permission.MANAGE

    def post(self, request: PageRequest, public_id: str) -> HttpResponseBase:
        """Make them the company's."""
        experiments.apply(scope=request.scope, by=request.actor, now=clock.now(), public_id=public_id)
        messages.success(request, _("허용 오차를 저장했어요. 대기 중인 송장을 다시 맞춰 보고 있어요."))
        return redirect(experiment_url(public_id))

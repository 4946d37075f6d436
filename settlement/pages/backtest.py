"""계약 바꿔서 돌려보기: changed terms tried on what was recorded, and what they would have meant."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.db.models import Q, QuerySet, Sum
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from access.requests import PageRequest
from access.roles import Permission, allowed
from console.columns import Badge, Column, Kind, Row, Shape, Tone
from console.filters import IdFilter, Keyword, KeywordFilter
from console.lists import ListPage
from console.pages import PageView
from core import clock
from core.errors import DomainError
from core.models import Job
from core.scope import Scope
from settlement import tables
from settlement.forms import ContractForm, Radios
from settlement.models import Backtest, BacktestPartner, BacktestRecord, BacktestState, Contract, ContractVersion
from settlement.operations import backtest
from settlement.pages.filters import LinkFilter
from settlement.pages.policies import OfContract

BADGES: Mapping[str, Badge] = {
    BacktestState.PENDING.value: Badge(BacktestState.PENDING.label, Tone.NEUTRAL, Shape.CLOCK),
    BacktestState.RUNNING.value: Badge(BacktestState.RUNNING.label, Tone.PROGRESS, Shape.HALF),
    BacktestState.DONE.value: Badge(BacktestState.DONE.label, Tone.SUCCESS, Shape.CHECK),
    BacktestState.FAILED.value: Badge(BacktestState.FAILED.label, Tone.DANGER, Shape.ALERT),
}
_SHOWN = 10
_LONGEST_YEARS = 10
_DAYS_A_YEAR = 366
_NOT_ASKED = ("public_id", "name", "memo", "when", "applied_at")


def _day() -> forms.DateInput:
    return forms.DateInput(format="%Y-%m-%d", attrs={"type": "date", "min": "2000-01-01", "max": "2099-12-31"})


class BacktestForm(ContractForm):
    """The terms to try, and on which records."""

    months = forms.ChoiceField(
        label=gettext_lazy("돌려볼 기간"),
        choices=[
            ("1", gettext_lazy("지난 1개월")),
            ("3", gettext_lazy("지난 3개월")),
            ("6", gettext_lazy("지난 6개월")),
            ("12", gettext_lazy("지난 12개월")),
            ("", gettext_lazy("날짜로 고르기")),
        ],
        initial="3",
        required=False,
        widget=Radios,
        help_text=gettext_lazy("정산 시작일이 이 기간에 있는 정산건을 다시 계산해 봐요."),
    )
    start_from = forms.DateField(label=gettext_lazy("첫날"), required=False, widget=_day())
    start_until = forms.DateField(label=gettext_lazy("마지막 날"), required=False, widget=_day())

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, known=True, **options)
        for name in _NOT_ASKED:
            self.fields.pop(name, None)
        by_day = self.is_bound and not self.data.get("months")
        self.need("start_from", when=by_day)
        self.need("start_until", when=by_day)

    def clean(self) -> dict[str, Any]:
        """Hold the period against itself."""
        data = super().clean() or {}
        first, last = data.get("start_from"), data.get("start_until")
        if first and last and not data.get("months"):
            if last < first:
                self.add_error("start_until", _("끝나는 날이 시작하는 날보다 빨라요."))
            elif last - first > timedelta(days=_LONGEST_YEARS * _DAYS_A_YEAR):
                self.add_error("start_until", _("10년까지 돌려볼 수 있어요."))
        return data

    def moment(self) -> None:
        """Nothing is planned here."""

    def period(self, today: date) -> tuple[date, date]:
        """Return the first and the last start date to try."""
        data = self.cleaned_data
        if not data["months"]:
            return data["start_from"], data["start_until"]
        return months_before(today, int(data["months"])), today


def months_before(day: date, months: int) -> date:
    """Return the day after the same day so many months ago: with it, whole months have passed."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    first_of_next = date(year + (month == 11), (month + 1) % 12 + 1, 1)  # noqa: PLR2004 - December
    return min(date(year, month + 1, 1) + timedelta(days=day.day), first_of_next)


def result_url(public_id: object, *, of_records: bool = False, **more: str) -> str:
    """Return where a backtest is shown: by partner, or by record."""
    name = "settlement:backtest-records" if of_records else "settlement:backtest-partners"
    return f"{reverse(name)}?{urlencode({'backtest': str(public_id), **more})}"


def state_of(row: Backtest, job: Job | None) -> str:
    """Return how far a backtest is; one whose job ended without finishing it has failed."""
    ended = job is None or not job.is_open
    unfinished = row.state in (BacktestState.PENDING, BacktestState.RUNNING)
    return BacktestState.FAILED.value if unfinished and ended else str(row.state)


def _job(row: Backtest) -> Job | None:
    return Job.objects.filter(pk=row.job_id).first() if row.job_id else None


def tried_version(row: Backtest) -> ContractVersion:
    """Return the contract's current version, not to be saved, with the tried terms in it."""
    return backtest.changed(_current(row.contract), row.update)


def _current(contract: Contract) -> ContractVersion:
    if contract.current is None:
        message = f"contract {contract.public_id} has no terms"
        raise ValueError(message)
    return contract.current


class BacktestNewView(PageView):
    """The form: a contract's terms, to be changed and tried."""

    permission = Permission.EDIT
    title = gettext_lazy("바꿔서 돌려보기")

    def get(self, request: PageRequest, public_id: str) -> HttpResponse:
        """Show the terms as they are, or as an earlier backtest tried them."""
        contract = _contract(request.scope, public_id)
        initial = ContractForm.initial_of(contract.current)
        if again := request.GET.get("again"):
            earlier = get_object_or_404(contract.backtests.select_related("contract__current"), public_id=again)
            initial = ContractForm.initial_of(tried_version(earlier))
            initial |= {"months": "", "start_from": earlier.start_from, "start_until": earlier.start_until}
        return self._show(request, contract, BacktestForm(initial=initial))

    def post(self, request: PageRequest, public_id: str) -> HttpResponseBase:
        """Start the backtest."""
        contract = _contract(request.scope, public_id)
        form = BacktestForm(request.POST)
        if not form.is_valid():
            return self._show(request, contract, form, status=422)
        first, last = form.period(clock.today())
        try:
            row = backtest.create(
                scope=request.scope,
                by=request.actor,
                now=clock.now(),
                contract_id=public_id,
                start_from=first,
                start_until=last,
                fee=form.fee(),
                vat_payer=form.cleaned_data["vat_payer"],
                cycle=form.cycle(),
                subtract_payment_vat=form.cleaned_data["subtract_payment_vat"],
            )
        except DomainError as refusal:
            form.tell(refusal)
            return self._show(request, contract, form, status=422)
        return redirect(result_url(row.public_id))

    def _show(self, request: PageRequest, contract: Any, form: BacktestForm, status: int = 200) -> HttpResponse:
        context = {
            "title": self.title,
            "contract": contract,
            "contract_url": tables.contract_url(contract.public_id),
            "form": form,
            "earlier": _earlier(contract),
        }
        return render(request, "settlement/backtest_form.html", context, status=status)


def _contract(scope: Scope, public_id: str) -> Any:
    return get_object_or_404(Contract.objects.within(scope).select_related("current"), public_id=public_id)


def _earlier(contract: Contract) -> list[dict[str, object]]:
    """Return the newest backtests of a contract with their states and addresses."""
    found = list(contract.backtests.order_by("-id")[:_SHOWN])
    jobs = Job.objects.in_bulk([row.job_id for row in found if row.job_id])
    return [
        {"row": row, "badge": BADGES[state_of(row, jobs.get(row.job_id or 0))], "url": result_url(row.public_id)}
        for row in found
    ]


class BacktestRemoveView(PageView):
    """Remove a backtest."""

    permission = Permission.EDIT

    def post(self, request: PageRequest, public_id: str) -> HttpResponseBase:
        """Remove it and go back to its contract."""
        row = get_object_or_404(Backtest.objects.within(request.scope).select_related("contract"), public_id=public_id)
        backtest.remove(scope=request.scope, by=request.actor, public_id=public_id)
        messages.success(request, _("돌려본 결과를 지웠어요."))
        return redirect("settlement:backtest-new", row.contract.public_id)


class BacktestProgressView(PageView):
    """The live part while a backtest runs."""

    permission = Permission.VIEW

    def get(self, request: PageRequest, public_id: str) -> HttpResponse:
        """Show how far it is; when it has ended the whole page is another one."""
        row = get_object_or_404(Backtest.objects.within(request.scope), public_id=public_id)
        job = _job(row)
        if job is None or not job.is_open:
            return HttpResponse(headers={"HX-Refresh": "true"})
        return render(request, "settlement/_backtest_progress.html", {"row": row, "job": job})


# ---- what was found


def _of_backtest(public_id: str) -> Q:
    # By its key: the rows of one backtest then come from the index in their order.
    return Q(backtest_id=Backtest.objects.filter(public_id=public_id).values("pk")[:1])


_BACKTEST = LinkFilter("backtest", gettext_lazy("바꿔서 돌려보기"), condition=_of_backtest)


def _partner_url(row: Row) -> str:
    return tables.partner_url(row["partner__public_id"])


def _record_url(row: Row) -> str:
    return tables.record_url(row["record__public_id"])


def _amounts(currency: str) -> tuple[Column, ...]:
    return (
        Column("recorded", gettext_lazy("등록된 정산 금액"), Kind.SIGNED_WON, total=True, currency=currency),
        Column("changed", gettext_lazy("바꾼 정산 금액"), Kind.SIGNED_WON, total=True, currency=currency),
        Column("difference", gettext_lazy("차이"), Kind.SIGNED_WON, total=True, currency=currency, sortable=True),
    )


PARTNER_COLUMNS = (
    Column("partner__name", gettext_lazy("파트너"), link=_partner_url, width=20),
    Column("partner__public_id", gettext_lazy("파트너 아이디"), Kind.ID, link=_partner_url),
    Column("record_count", gettext_lazy("정산건 수"), Kind.COUNT, total=True),
    Column("changed_count", gettext_lazy("금액이 바뀌는 정산건"), Kind.COUNT, total=True),
    Column("moved_count", gettext_lazy("정산일이 바뀌는 정산건"), Kind.COUNT, total=True),
    Column("unfit_count", gettext_lazy("맞지 않는 정산건"), Kind.COUNT, total=True, default=False),
    *_amounts("currency"),
    Column("currency", gettext_lazy("정산 통화"), default=False),
)
RECORD_COLUMNS = (
    Column("record__public_id", gettext_lazy("정산 아이디"), Kind.ID, link=_record_url),
    Column("record__type", gettext_lazy("정산 유형"), Kind.BADGE, badges=tables.TYPE_BADGES),
    Column("partner__name", gettext_lazy("파트너"), link=_partner_url, width=20),
    Column("partner__public_id", gettext_lazy("파트너 아이디"), Kind.ID, link=_partner_url, default=False),
    Column("record__payment_id", gettext_lazy("주문 번호"), Kind.ID),
    Column("record__order_name", gettext_lazy("주문명"), width=24, default=False),
    Column("record__start_date", gettext_lazy("정산 시작일"), Kind.DATE),
    *_amounts("record__currency"),
    Column("old_date", gettext_lazy("정산일"), Kind.DATE),
    Column("new_date", gettext_lazy("바꾼 정산일"), Kind.DATE),
)


class OfBacktest(ListPage):
    """What both lists of a backtest share: its summary, and the way to the contract with the tried terms."""

    permission = Permission.VIEW
    template = "settlement/backtest.html"
    title = gettext_lazy("바꿔서 돌려보기")
    within = "backtest"
    order = ("difference", "id")
    id_key = "id"
    row: Backtest

    def get(self, request: PageRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        """Show the backtest named in the address; without one lead to the contracts."""
        public_id = request.GET.get("backtest", "")
        if not public_id:
            return redirect("settlement:contracts")
        known = Backtest.objects.within(request.scope).select_related("contract__current")
        self.row = get_object_or_404(known, public_id=public_id)
        return super().get(request, *args, **kwargs)

    def context(self, request: PageRequest) -> dict[str, object]:
        """Return what was tried, and what came of it as a whole."""
        row = self.row
        job = _job(row)
        state, may_edit = state_of(row, job), allowed(request.role, Permission.EDIT)
        names = ("recorded", "changed", "difference")
        sums = (
            row.partners.order_by("currency")
            .values("currency")
            .annotate(**{f"sum_{name}": Sum(name) for name in names})
        )
        contract_id = row.contract.public_id
        return {
            "row": row,
            "job": job,
            "title": self.title,
            "badge": BADGES[state],
            "state": state,
            "contract_url": tables.contract_url(contract_id),
            "changes": _changes(row),
            "sums": list(sums) if state == BacktestState.DONE else [],
            "partners_url": result_url(row.public_id),
            "records_url": result_url(row.public_id, of_records=True),
            "of_records": isinstance(self, BacktestRecordList),
            "may_edit": may_edit,
            "again_url": f"{reverse('settlement:backtest-new', args=[contract_id])}?again={row.public_id}",
            "adopt_url": _adopt_url(row) if may_edit and row.update and not row.contract.is_archived else "",
        }


def _changes(row: Backtest) -> list[tuple[str, str, str]]:
    """Return what is tried: each term, what the contract says now, and what was tried instead."""
    facts = OfContract().facts
    now, then = facts(_current(row.contract)), facts(tried_version(row))
    return [
        (label, before, after) for (label, before), (_same, after) in zip(now, then, strict=True) if before != after
    ]


def _adopt_url(row: Backtest) -> str:
    """Return the contract's form with the tried terms filled in."""
    shown = ContractForm.initial_of(tried_version(row))
    terms = {name: _typed(value) for name, value in shown.items() if name not in _NOT_ASKED}
    return f"{reverse('settlement:contract-edit', args=[row.contract.public_id])}?{urlencode(terms, doseq=True)}"


def _typed(value: object) -> object:
    """Return a form's value as an address holds it: a box that is not ticked is empty."""
    if isinstance(value, bool):
        return "on" if value else ""
    return value


class BacktestPartnerList(OfBacktest):
    """What changed terms would have meant per partner, the biggest loss first."""

    slug = "backtest-partners"
    url_name = "settlement:backtest-partners"
    columns = PARTNER_COLUMNS
    currency = "currency"
    extra = ("partner__public_id", "backtest__public_id")
    filters = (
        _BACKTEST,
        KeywordFilter(
            (
                Keyword("partner", gettext_lazy("파트너 이름"), ("partner__name",)),
                Keyword("partner_id", gettext_lazy("파트너 아이디"), ("partner__public_id",), exact=True),
            ),
        ),
    )
    file_title = gettext_lazy("계약 돌려보기 파트너별")
    empty = gettext_lazy("조건에 맞는 파트너가 없어요. 조건을 줄여 보세요.")
    blank = gettext_lazy("이 기간에 이 계약으로 등록된 정산건이 없어요. 기간을 넓혀 보세요.")

    def queryset(self, scope: Scope) -> QuerySet[Any]:
        """Return what all backtests of a scope found per partner."""
        return BacktestPartner.objects.within(scope)

    def row_url(self, row: Row) -> str | None:
        """Open the partner's records that change."""
        return result_url(row["backtest__public_id"], of_records=True, partner=str(row["partner__public_id"]))


class BacktestRecordList(OfBacktest):
    """The records whose amount or settlement date changed terms would change."""

    slug = "backtest-records"
    url_name = "settlement:backtest-records"
    columns = RECORD_COLUMNS
    currency = "record__currency"
    extra = ("record__public_id", "partner__public_id")
    filters = (
        _BACKTEST,
        KeywordFilter(
            (
                Keyword("partner", gettext_lazy("파트너 이름"), ("partner__name",)),
                Keyword("number", gettext_lazy("정산 아이디"), ("record__public_id",), exact=True),
                Keyword("payment", gettext_lazy("주문 번호"), ("record__payment_id",), exact=True),
            ),
        ),
        IdFilter("partner", gettext_lazy("파트너"), "partner__public_id"),
    )
    file_title = gettext_lazy("계약 돌려보기 정산건별")
    empty = gettext_lazy("조건에 맞는 정산건이 없어요. 조건을 줄여 보세요.")
    blank = gettext_lazy("금액이나 정산일이 바뀌는 정산건이 없어요.")

    def queryset(self, scope: Scope) -> QuerySet[Any]:
        """Return what all backtests of a scope would change."""
        mine = {f"backtest__{name}": value for name, value in scope.filters().items()}
        return BacktestRecord.objects.filter(**mine)

    def row_url(self, row: Row) -> str | None:
        """Open the record."""
        return _record_url(row)

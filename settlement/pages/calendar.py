"""휴일 and 정산 설정: the days banks are closed, and the settings of an environment."""

from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from access.requests import PageRequest
from access.roles import Permission, allowed, check
from console.columns import Column, Kind, Row
from console.filters import DateFilter, DateKind, Keyword, KeywordFilter
from console.lists import ListPage
from console.pages import PageView
from console.selection import BulkAction, Selection
from core.scope import Scope
from settlement.forms import HolidayForm, SettingForm
from settlement.models import Holiday
from settlement.operations import holidays as operations
from settlement.operations import settings
from settlement.pages import shared


def _remove(request: PageRequest, chosen: Selection, _form: Any) -> HttpResponse:
    days = list(chosen.queryset().values_list("day", flat=True))
    for day in days:
        operations.remove(scope=request.scope, by=request.actor, day=day)
    messages.success(request, _("휴일 %(count)d일을 뺐어요.") % {"count": len(days)})
    return redirect(chosen.page.url())


def _who(row: Row) -> str:
    return str(row["added_by"]) or _("기본 달력")


class HolidayList(ListPage):
    """The days on which banks are closed, weekends aside, with a form that adds one."""

    slug = "holidays"
    url_name = "settlement:holidays"
    title = gettext_lazy("휴일")
    permission = Permission.VIEW
    order = ("day", "id")
    id_key = "id"
    template = "settlement/holidays.html"
    intro = gettext_lazy("주말과 이 날들에는 정산일을 잡지 않아요. 이미 정해진 정산일은 바뀌지 않아요.")
    columns = (
        Column("day", gettext_lazy("날짜"), Kind.DATE, sortable=True),
        Column("name", gettext_lazy("이름")),
        Column("added_by", gettext_lazy("추가한 사람"), value=_who),
    )
    extra = ("added_by",)
    filters = (
        DateFilter((DateKind("day", gettext_lazy("날짜"), "day"),)),
        KeywordFilter((Keyword("name", gettext_lazy("이름"), ("name",)),)),
    )
    actions = (
        BulkAction(
            "remove",
            gettext_lazy("휴일에서 빼기"),
            Permission.EDIT,
            run=_remove,
            confirm=gettext_lazy("앞으로 계산하는 정산일은 이 날에도 잡힐 수 있어요."),
            danger=True,
            icon="trash",
        ),
    )

    def queryset(self, scope: Scope) -> QuerySet[Any]:
        """Return the holidays of a scope; the first look makes the environment's own."""
        settings.current(scope)
        return Holiday.objects.within(scope)

    def context(self, request: PageRequest) -> dict[str, object]:
        """Return the form of a new day, for those who may add one."""
        return {"form": HolidayForm(scope=request.scope)} if allowed(request.role, Permission.EDIT) else {}


class HolidayAddView(PageView):
    """Add a day."""

    permission = Permission.EDIT
    title = gettext_lazy("휴일")

    def post(self, request: PageRequest) -> HttpResponseBase:
        """Add it, or show what is wrong."""
        form = HolidayForm(request.POST, scope=request.scope)
        if form.is_valid():
            day = form.cleaned_data["day"]
            operations.add(scope=request.scope, by=request.actor, day=day, name=form.cleaned_data["name"])
            messages.success(request, _("휴일을 추가했어요: %(day)s") % {"day": day.isoformat()})
            return redirect(f"{HolidayList.url()}?date_from={day.isoformat()}")
        return render(request, "settlement/holiday_form.html", {"title": self.title, "form": form}, status=422)


class SettingView(PageView):
    """정산 설정 of the environment shown."""

    permission = Permission.VIEW
    title = gettext_lazy("정산 설정")

    def get(self, request: PageRequest) -> HttpResponse:
        """Show the settings."""
        return self._show(request, SettingForm(instance=settings.current(request.scope)))

    def post(self, request: PageRequest) -> HttpResponseBase:
        """Save the settings."""
        check(request, Permission.EDIT)
        form = SettingForm(request.POST, instance=settings.current(request.scope))
        if not form.is_valid():
            return self._show(request, form, status=422)
        settings.change(scope=request.scope, by=request.actor, **form.cleaned_data)
        messages.success(request, _("저장했어요. 앞으로 등록하는 정산과 만드는 지급에 쓰여요."))
        return redirect("settlement:settings")

    def _show(self, request: PageRequest, form: SettingForm, status: int = 200) -> HttpResponse:
        may_edit = allowed(request.role, Permission.EDIT)
        if not may_edit:
            for field in form.fields.values():
                field.disabled = True
        context = {
            "title": self.title,
            "form": form,
            "may_edit": may_edit,
            "payout": [form[name] for name in ("settlement_amount_type", "deduct_wht", *_MEMOS)],
            "recording": [form[name] for name in _RECORDING],
            "rounding": [form[name] for name in SettingForm.ROUNDING],
            "history": shared.history(request.scope, "setting", ""),
        }
        return render(request, "settlement/settings.html", context, status=status)


_MEMOS = ("default_withdrawal_memo", "default_deposit_memo")
_RECORDING = (
    "adjust_settlement_date_after_holiday_if_earlier",
    "supports_multiple_order_transfers_per_partner",
    "manual_settlement_per_transfer",
)

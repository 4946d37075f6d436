"""휴일 and 정산 설정: the days banks are closed, and the settings of an environment."""

from collections.abc import Collection, Mapping
from datetime import date
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet, Sum
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from access.requests import PageRequest
from access.roles import Permission, allowed, check
from console.columns import Column, Kind, Row
from console.filters import DateFilter, DateKind, IdFilter, Keyword, KeywordFilter
from console.lists import ListPage
from console.pages import PageView
from console.selection import BulkAction, Selection
from core import clock
from core.errors import StaleVersion
from core.scope import Scope
from settlement import tables
from settlement.forms import HolidayForm, HolidayYearForm, SettingForm
from settlement.models import Holiday, HolidayChange, HolidayChangeState, HolidayMove, HolidayMovePartner
from settlement.operations import holidays as operations
from settlement.operations import settings
from settlement.pages import shared

_SHOWN_CHANGES = 5


def _remove(request: PageRequest, chosen: Selection, _form: Any) -> HttpResponse:
    days = list(chosen.queryset().values_list("day", flat=True))
    return _shown(request, remove=days)


def _shown(
    request: PageRequest, *, add: Mapping[date, str] | None = None, remove: Collection[date] = ()
) -> HttpResponse:
    """Work out what a change moves and show it."""
    change = operations.preview(scope=request.scope, by=request.actor, now=clock.now(), add=add, remove=remove)
    return redirect(tables.holiday_change_url(change.public_id))


def _who(row: Row) -> str:
    return shared.who(row["added_by"]) or _("기본 달력")


class HolidayList(ListPage):
    """The days on which banks are closed, weekends aside, with a form that adds one."""

    slug = "holidays"
    url_name = "settlement:holidays"
    title = gettext_lazy("휴일")
    permission = Permission.VIEW
    order = ("day", "id")
    id_key = "id"
    template = "settlement/holidays.html"
    intro = gettext_lazy(
        "주말과 이 날들에는 정산일을 잡지 않아요. 휴일을 바꾸기 전에 옮겨질 정산일을 먼저 볼 수 있어요."
    )
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
            confirm=gettext_lazy("다음 화면에서 옮겨질 정산일을 보고 적용할 수 있어요. 아직 바뀌지 않아요."),
            danger=True,
            icon="trash",
        ),
    )

    def queryset(self, scope: Scope) -> QuerySet[Any]:
        """Return the holidays of a scope; the first look makes the environment's own."""
        settings.current(scope)
        return Holiday.objects.within(scope)

    def context(self, request: PageRequest) -> dict[str, object]:
        """Return the changes made lately, and for those who may the forms of a new day and of a whole year."""
        applied = HolidayChange.objects.within(request.scope).filter(state=HolidayChangeState.APPLIED)
        recent = applied.order_by("-applied_at", "-id")[:_SHOWN_CHANGES]
        context: dict[str, object] = {
            "changes": [
                (change, tables.holiday_change_url(change.public_id), shared.who(change.applied_by))
                for change in recent
            ]
        }
        if allowed(request.role, Permission.EDIT):
            year = HolidayYearForm(initial={"year": clock.today().year + 1})
            context |= {"form": HolidayForm(scope=request.scope), "year_form": year}
        return context


class HolidayAddView(PageView):
    """Show what adding a day would move."""

    permission = Permission.EDIT
    title = gettext_lazy("휴일")

    def post(self, request: PageRequest) -> HttpResponseBase:
        """Lead to the preview, or show what is wrong."""
        form = HolidayForm(request.POST, scope=request.scope)
        if form.is_valid():
            return _shown(request, add={form.cleaned_data["day"]: form.cleaned_data["name"]})
        return render(request, "settlement/holiday_form.html", {"title": self.title, "form": form}, status=422)


class HolidayYearView(PageView):
    """Show what adding the public holidays of a year would move."""

    permission = Permission.EDIT
    title = gettext_lazy("휴일")

    def post(self, request: PageRequest) -> HttpResponseBase:
        """Lead to the preview; a year that is complete needs none."""
        form = HolidayYearForm(request.POST)
        if not form.is_valid():
            return render(request, "settlement/holiday_form.html", {"title": self.title, "form": form}, status=422)
        year = form.cleaned_data["year"]
        days = operations.year_days(request.scope, year)
        if days:
            return _shown(request, add=days)
        messages.info(request, _("%(year)d년의 공휴일은 이미 모두 있어요.") % {"year": year})
        return redirect(f"{HolidayList.url()}?date_from={year}-01-01&date_to={year}-12-31")


class OfChange(ListPage):
    """What the two lists of a change of the holidays share: its summary, and the button that applies it."""

    permission = Permission.VIEW
    template = "settlement/holiday_change.html"
    empty = gettext_lazy("옮겨지는 정산일이 없어요.")
    blank = gettext_lazy("옮겨지는 정산일이 없어요.")
    file_title = gettext_lazy("휴일 변경 정산일")

    def get(self, request: PageRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        """Show the change named in the address; without one lead to the holidays."""
        if not request.GET.get("change"):
            return redirect(HolidayList.url())
        return super().get(request, *args, **kwargs)

    def context(self, request: PageRequest) -> dict[str, object]:
        """Return the change named in the address. Raises Http404."""
        known = HolidayChange.objects.within(request.scope)
        change = get_object_or_404(known, public_id=request.GET.get("change", ""))
        sums = change.partners.order_by("currency").values("currency").annotate(total=Sum("amount"))
        return {
            "change": change,
            "who": shared.who(change.applied_by),
            "added": _days(change.added),
            "removed": _days(change.removed),
            "sums": list(sums),
            "records_url": tables.holiday_change_url(change.public_id),
            "partners_url": tables.holiday_change_url(change.public_id, by_partner=True),
            "by_partner": isinstance(self, MovedPartnerList),
            "may_apply": change.state == HolidayChangeState.PREVIEW and allowed(request.role, Permission.EDIT),
        }


def _days(named: Mapping[str, str]) -> list[tuple[date, str]]:
    return [(date.fromisoformat(day), name) for day, name in sorted(named.items())]


_CHANGE = IdFilter("change", gettext_lazy("휴일 변경"), "change__public_id")


class MoveList(OfChange):
    """The records that a change of the holidays moves."""

    slug = "holiday-moves"
    url_name = "settlement:holiday-moves"
    title = gettext_lazy("휴일 변경")
    columns = tables.MOVE_COLUMNS
    order = ("old_date", "id")
    id_key = "id"
    currency = "record__currency"
    extra = ("record__public_id", "record__partner__public_id")
    filters = (
        KeywordFilter(
            (
                Keyword("partner", gettext_lazy("파트너 이름"), ("record__partner__name",)),
                Keyword("partner_id", gettext_lazy("파트너 아이디"), ("record__partner__public_id",), exact=True),
                Keyword("number", gettext_lazy("정산 아이디"), ("record__public_id",), exact=True),
            ),
        ),
        _CHANGE,
    )

    def queryset(self, scope: Scope) -> QuerySet[Any]:
        """Return what all changes of a scope move."""
        return HolidayMove.objects.within(scope)

    def row_url(self, row: Row) -> str | None:
        """Open the record."""
        return tables.record_url(row["record__public_id"])


class MovedPartnerList(OfChange):
    """The same added up per partner."""

    slug = "holiday-moved-partners"
    url_name = "settlement:holiday-partners"
    title = gettext_lazy("휴일 변경")
    columns = tables.MOVED_PARTNER_COLUMNS
    order = ("-record_count", "-id")
    id_key = "id"
    currency = "currency"
    extra = ("partner__public_id",)
    filters = (
        KeywordFilter(
            (
                Keyword("partner", gettext_lazy("파트너 이름"), ("partner__name",)),
                Keyword("partner_id", gettext_lazy("파트너 아이디"), ("partner__public_id",), exact=True),
            ),
        ),
        _CHANGE,
    )

    def queryset(self, scope: Scope) -> QuerySet[Any]:
        """Return what all changes of a scope move, per partner and currency."""
        return HolidayMovePartner.objects.within(scope)


class HolidayApplyView(PageView):
    """Apply a change as it was shown; a large one in the background."""

    permission = Permission.EDIT

    def post(self, request: PageRequest, public_id: str) -> HttpResponseBase:
        """Apply it, or say that it has to be looked at again."""
        change = get_object_or_404(HolidayChange.objects.within(request.scope), public_id=public_id)
        told: dict[str, Any] = {"scope": request.scope, "by": request.actor, "now": clock.now()}
        if change.record_count > operations.AT_ONCE:
            job = operations.apply_later(**told, public_id=public_id)
            return redirect("console:job", job_id=job.public_id)
        try:
            done = operations.apply(**told, public_id=public_id)
        except StaleVersion as error:
            return self._again(request, change, error)
        moved = ngettext(
            "휴일을 바꾸고 정산건 %(count)s건의 정산일을 옮겼어요.",
            "휴일을 바꾸고 정산건 %(count)s건의 정산일을 옮겼어요.",
            done.record_count,
        )
        messages.success(request, moved % {"count": f"{done.record_count:,}"})
        return redirect(tables.holiday_change_url(done.public_id))

    def _again(self, request: PageRequest, change: HolidayChange, error: StaleVersion) -> HttpResponseBase:
        """Show the change worked out afresh, where its days still can be changed."""
        messages.warning(request, str(error.message))
        add = {date.fromisoformat(day): name for day, name in change.added.items()}
        return _shown(request, add=add, remove=[date.fromisoformat(day) for day in change.removed])


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
            "history": shared.history(request.scope, "setting", ""),
        }
        return render(request, "settlement/settings.html", context, status=status)


_MEMOS = ("default_withdrawal_memo", "default_deposit_memo")
_RECORDING = (
    "adjust_settlement_date_after_holiday_if_earlier",
    "supports_multiple_order_transfers_per_partner",
    "manual_settlement_per_transfer",
)

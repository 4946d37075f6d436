"""파트너: the list, one partner with account, balances and history, making and changing one."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from access import audit
from access.requests import PageRequest
from access.roles import Permission, allowed
from console.columns import Column, Kind, Row
from console.filters import BooleanFilter, ChoiceFilter, DateFilter, DateKind, IdFilter, Keyword
from console.lists import ListPage, MainAction
from console.pages import PageView
from core import clock
from core.errors import DomainError, InvalidRequest, NotFound
from core.scope import Scope
from ledger import naming
from ledger import queries as ledger_queries
from ledger.tables import account_url
from settlement import business_numbers, tables
from settlement.forms import PartnerForm, PropertiesForm, ReasonForm
from settlement.models import (
    AccountStatus,
    BusinessStatus,
    CustomProperty,
    Partner,
    PartnerStatus,
    PartnerType,
    PropertyTarget,
    Schedule,
    TaxationType,
)
from settlement.operations import approvals, properties, schedules
from settlement.operations import partners as operations
from settlement.operations.partners import PartnerChanges
from settlement.pages import banks, rows, shared
from settlement.pages.filters import ArchivedFilter, LinkFilter, WordsFilter

_SHOWN_SETTLEMENTS = 10


class PartnerList(ListPage):
    """Every partner, newest first."""

    slug = "partners"
    url_name = "settlement:partners"
    title = gettext_lazy("파트너")
    permission = Permission.VIEW
    columns = tables.PARTNER_COLUMNS
    order = ("-created_at", "-id")
    extra = (
        "public_id",
        "bank",
        "account_last4",
        "account_confirmed",
        "default_contract__public_id",
        "tags",
        "is_archived",
    )
    filters = (
        DateFilter((DateKind("created", gettext_lazy("등록일"), "created_at", moment=True),)),
        WordsFilter(
            (
                Keyword("name", gettext_lazy("파트너 이름"), ("name",)),
                Keyword("id", gettext_lazy("파트너 아이디"), ("public_id",), exact=True),
                Keyword("tag", gettext_lazy("태그"), ("tags",), exact=True),
                Keyword(
                    "contract",
                    gettext_lazy("기본 계약"),
                    ("default_contract__current__name", "default_contract__public_id"),
                ),
                Keyword("brn", gettext_lazy("사업자 등록번호"), ("business_registration_number",)),
                Keyword("email", gettext_lazy("담당자 이메일"), ("contact_email",)),
                Keyword("holder", gettext_lazy("예금주"), ("account_holder",)),
                Keyword("memo", gettext_lazy("메모"), ("memo",)),
            ),
            special={"tag": lambda words: Q(tags__overlap=list(words))},
        ),
        ChoiceFilter("status", gettext_lazy("승인 상태"), tuple(PartnerStatus.choices), badges=tables.PARTNER_BADGES),
        ChoiceFilter("type", gettext_lazy("파트너 유형"), tuple(PartnerType.choices)),
        ChoiceFilter("taxation_type", gettext_lazy("과세 유형"), tuple(TaxationType.choices)),
        ChoiceFilter(
            "account_status", gettext_lazy("예금주 검증"), tuple(AccountStatus.choices), badges=tables.ACCOUNT_BADGES
        ),
        ChoiceFilter(
            "business_status",
            gettext_lazy("휴폐업 상태"),
            tuple(BusinessStatus.choices),
            badges=tables.BUSINESS_BADGES,
            counts=False,
            condition=lambda values: Q(type=PartnerType.BUSINESS, business_status__in=values),
        ),
        BooleanFilter(
            "account_waits",
            gettext_lazy("계좌 변경"),
            yes=gettext_lazy("승인 대기"),
            no=gettext_lazy("없음"),
            condition=lambda waits: Q(account_confirmed=not waits),
        ),
        ArchivedFilter(
            "archived",
            gettext_lazy("보관"),
            "is_archived",
            yes=gettext_lazy("보관한 파트너"),
            no=gettext_lazy("쓰는 파트너"),
        ),
        IdFilter("contract", gettext_lazy("기본 계약"), "default_contract__public_id"),
        LinkFilter("tag", gettext_lazy("태그"), condition=lambda value: Q(tags__contains=[value])),
    )
    main_action = MainAction(gettext_lazy("파트너 등록하기"), "settlement:partner-add", Permission.EDIT)
    empty = gettext_lazy("조건에 맞는 파트너가 없어요. 조건을 줄여 보세요.")
    blank = gettext_lazy("아직 파트너가 없어요. 하나씩 등록하거나 파일로 한 번에 등록해 보세요.")

    def queryset(self, scope: Scope) -> QuerySet[Any]:
        """Return the partners of a scope."""
        return rows.partner_rows(scope)

    def row_url(self, row: Row) -> str | None:
        """Open the partner."""
        return tables.partner_url(row["public_id"])

    def row_class(self, row: Row) -> str:
        """Grey out what is archived."""
        return "muted" if row["is_archived"] else ""


# ---- one partner

BALANCE_COLUMNS = (
    Column("account", gettext_lazy("계정"), link=lambda row: account_url(row["account_id"])),
    Column("currency", gettext_lazy("통화")),
    Column(
        "balance",
        gettext_lazy("잔액"),
        Kind.SIGNED_WON,
        currency="currency",
        link=lambda row: account_url(row["account_id"]),
    ),
)


def one(scope: Scope, public_id: str) -> Partner:
    """Return a partner with its default contract. Raises Http404."""
    known = Partner.objects.within(scope).select_related("default_contract__current")
    return get_object_or_404(known, public_id=public_id)


def _balances(scope: Scope, partner: Partner) -> list[dict[str, object]]:
    """Return what lies on each of the partner's ledger accounts, in the account's own direction."""
    accounts = list(ledger_queries.accounts_of(scope, "partner", partner.public_id).order_by("chart_id", "currency"))
    found = ledger_queries.balances([account.pk for account in accounts])
    return [
        {
            "account_id": account.pk,
            "account": f"{account.code} {naming.account(account.code)}",
            "currency": account.currency,
            "balance": found[account.pk].balance * account.chart.side,
        }
        for account in accounts
    ]


class PartnerView(PageView):
    """One partner: who, where the money goes, how much of it lies where, and what changed."""

    permission = Permission.VIEW
    title = gettext_lazy("파트너")

    def get(self, request: PageRequest, public_id: str) -> HttpResponse:
        """Show the partner."""
        return self.show(request, one(request.scope, public_id))

    def show(
        self,
        request: PageRequest,
        partner: Partner,
        *,
        number: str = "",
        reveal_form: ReasonForm | None = None,
        status: int = 200,
    ) -> HttpResponse:
        """Show the partner; with `number`, the account number that was asked for."""
        columns = [column for column in tables.SETTLEMENT_COLUMNS if column.key in _RECENT]
        recent = rows.settlement_rows(request.scope).filter(partner=partner).order_by("-settlement_date", "-id")
        context = {
            "title": partner.name,
            "partner": partner,
            "contract": partner.default_contract,
            "type_badge": tables.PARTNER_TYPES[partner.type],
            "account": tables.account_text(partner.bank, partner.account_last4),
            "account_badge": tables.ACCOUNT_BADGES[partner.account_status],
            "business_badge": tables.BUSINESS_BADGES[partner.business_status],
            "bank": banks.name(partner.bank),
            "number": number,
            "balance_columns": BALANCE_COLUMNS,
            "balances": _balances(request.scope, partner),
            "recent_columns": columns,
            "recent": list(recent.values(*_RECENT, "currency")[:_SHOWN_SETTLEMENTS]),
            "history": shared.history(request.scope, operations.KIND, partner.public_id),
            "may_edit": allowed(request.role, Permission.EDIT),
            "may_change": allowed(request.role, Permission.EDIT) and not partner.is_archived,
            "may_reveal": allowed(request.role, Permission.REVEAL),
            "may_decide": allowed(request.role, Permission.ACCOUNT_DECIDE),
            "reveal_form": reveal_form or ReasonForm(prefix="reveal"),
            "status_badge": tables.PARTNER_BADGES[partner.status],
            "odd_number": _has_odd_number(partner),
            "tags": [(tag, f"{PartnerList.url()}?{urlencode({'tag': tag})}") for tag in partner.tags],
            "planned": planned(partner),
            **_properties(request, partner),
        }
        return render(request, "settlement/partner.html", context, status=status)


_RECENT = ("public_id", "settlement_date", "type", "status", "record_count", "net")


def _has_odd_number(partner: Partner) -> bool:
    """Say whether a business number looks mistyped."""
    number = partner.business_registration_number
    return partner.type == PartnerType.BUSINESS and bool(number) and not business_numbers.is_plausible(number)


# ---- custom properties


def _may_note(request: PageRequest) -> bool:
    """Say whether somebody may write property values: those who change partners, and admins, who see secret ones."""
    return allowed(request.role, Permission.EDIT) or allowed(request.role, Permission.MANAGE)


def _properties(request: PageRequest, partner: Partner) -> dict[str, object]:
    """Return the property values that the reader may see, and the form that changes them."""
    known = properties.visible(request.scope, request.role, PropertyTarget.PARTNER)
    values = {one.key: _value(partner, one) for one in known}
    may_write = bool(known) and _may_note(request) and not partner.is_archived
    initial = {f"p-{key}": value for key, value in values.items()}
    return {
        "properties": [(one, values[one.key]) for one in known],
        "properties_form": PropertiesForm(known=known, initial=initial) if may_write else None,
    }


def _value(partner: Partner, one: CustomProperty) -> str:
    kept = partner.user_defined_properties.get(one.key)
    return str(kept.get("string", "")) if isinstance(kept, dict) else ""


class PartnerPropertiesView(PageView):
    """Change the values of the properties that the reader sees; the others stay as they are."""

    permission = Permission.VIEW

    def post(self, request: PageRequest, public_id: str) -> HttpResponseBase:
        """Save the values."""
        if not _may_note(request):
            raise PermissionDenied
        partner = one(request.scope, public_id)
        known = properties.visible(request.scope, request.role, PropertyTarget.PARTNER)
        form = PropertiesForm(request.POST, known=known)
        if not form.is_valid():
            raise InvalidRequest(_("속성은 2,000자까지 쓸 수 있어요."))
        operations.change(
            scope=request.scope,
            by=request.actor,
            now=clock.now(),
            public_id=partner.public_id,
            changes=PartnerChanges(properties=form.values()),
        )
        messages.success(request, _("저장했어요."))
        return redirect(f"{tables.partner_url(partner.public_id)}#properties")


# ---- planned changes


def planned(partner: Partner) -> dict[str, object] | None:
    """Return a partner's planned change in words, or None."""
    plan = schedules.of_partner(partner)
    if plan is None:
        return None
    after = _flat(plan)
    before = {name: _now(partner, name) for name in after}
    return {"plan": plan, "changes": shared.changes(before, after)}


def _flat(plan: Schedule) -> dict[str, object]:
    update = dict(plan.update)
    nested = [update.pop(name, None) or {} for name in ("taxpayer", "account")]
    # Their values are sealed, because some of them may be secret.
    update.pop("properties", None)
    for part in nested:
        update |= part
    return update


_COLUMNS = {"currency": "account_currency", "last4": "account_last4", "holder": "account_holder"}


def _now(partner: Partner, name: str) -> object:
    if name == "default_contract_id":
        return partner.default_contract.public_id
    value = getattr(partner, _COLUMNS.get(name, name), None)
    return value.isoformat() if isinstance(value, date) else value


class PartnerPlanDropView(PageView):
    """Drop a planned change of a partner."""

    permission = Permission.EDIT

    def post(self, request: PageRequest, public_id: str) -> HttpResponseBase:
        """Drop it."""
        partner = one(request.scope, public_id)
        schedules.drop_partner(scope=request.scope, by=request.actor, public_id=partner.public_id)
        messages.success(request, _("예약한 변경을 취소했어요."))
        return redirect(tables.partner_url(partner.public_id))


class PartnerStatusView(PageView):
    """An approver takes a partner on or turns it down."""

    permission = Permission.ACCOUNT_DECIDE

    def post(self, request: PageRequest, public_id: str) -> HttpResponseBase:
        """Decide."""
        partner = one(request.scope, public_id)
        wanted = request.POST.get("decision", "")
        if wanted not in PartnerStatus.values:
            raise NotFound
        status = PartnerStatus(wanted)
        approvals.decide(
            scope=request.scope,
            by=request.actor,
            now=clock.now(),
            public_id=partner.public_id,
            status=status,
            reason=request.POST.get("reason", "").strip()[:500],
        )
        messages.success(request, _("파트너 상태를 바꿨어요: %(status)s") % {"status": status.label})
        return redirect(tables.partner_url(partner.public_id))


class PartnerRevealView(PageView):
    """Show an account number in full, for a reason that the audit trail keeps."""

    permission = Permission.REVEAL

    def post(self, request: PageRequest, public_id: str) -> HttpResponse:
        """Show the number on the answer, and nowhere else."""
        partner, form = one(request.scope, public_id), ReasonForm(request.POST, prefix="reveal")
        if not form.is_valid():
            return PartnerView().show(request, partner, reveal_form=form, status=422)
        with transaction.atomic():
            audit.record(
                scope=request.scope,
                by=request.actor,
                action="partner.account_shown",
                kind=operations.KIND,
                object_id=partner.public_id,
                reason=form.cleaned_data["reason"],
            )
            number = operations.account_number(partner)
        return PartnerView().show(request, partner, number=number)


class PartnerDecideView(PageView):
    """An approver confirms a changed account, or brings the old one back."""

    permission = Permission.ACCOUNT_DECIDE

    def post(self, request: PageRequest, public_id: str) -> HttpResponseBase:
        """Confirm or reject."""
        partner = one(request.scope, public_id)
        told: dict[str, Any] = {
            "scope": request.scope,
            "by": request.actor,
            "now": clock.now(),
            "public_id": partner.public_id,
        }
        if request.POST.get("decision") == "confirm":
            operations.confirm_account(**told)
            messages.success(request, _("바뀐 계좌를 승인했어요. 이제 이 계좌로 지급할 수 있어요."))
        else:
            operations.reject_account(**told, reason=request.POST.get("reason", "").strip()[:500])
            messages.success(request, _("계좌 변경을 반려하고 이전 계좌로 되돌렸어요."))
        return redirect(tables.partner_url(partner.public_id))


class PartnerArchiveView(PageView):
    """Archive a partner, or bring it back."""

    permission = Permission.EDIT

    def post(self, request: PageRequest, public_id: str) -> HttpResponseBase:
        """Archive or recover."""
        partner = one(request.scope, public_id)
        if request.POST.get("decision") == "recover":
            operations.recover(scope=request.scope, by=request.actor, public_id=partner.public_id)
            messages.success(request, _("파트너를 복원했어요."))
        else:
            operations.archive(scope=request.scope, by=request.actor, public_id=partner.public_id)
            messages.success(request, _("파트너를 보관했어요. 이미 등록한 정산은 그대로 지급돼요."))
        return redirect(tables.partner_url(partner.public_id))


# ---- making and changing


class PartnerEditView(PageView):
    """The form of a new or a known partner."""

    permission = Permission.EDIT
    title = gettext_lazy("파트너 등록")

    def get(self, request: PageRequest, public_id: str = "") -> HttpResponse:
        """Show the form; with `planned` as the planned change will make the partner."""
        partner = one(request.scope, public_id) if public_id else None
        initial = PartnerForm.initial_of(partner) if partner else {}
        plan = schedules.of_partner(partner) if partner and request.GET.get("planned") else None
        if partner and plan and not plan.failure:
            ahead = schedules.partner_as_planned(scope=request.scope, public_id=partner.public_id)
            initial = PartnerForm.initial_of(ahead) | {"when": "later", "applied_at": plan.applied_at}
        return self._show(request, PartnerForm(scope=request.scope, partner=partner, initial=initial))

    def post(self, request: PageRequest, public_id: str = "") -> HttpResponseBase:
        """Make, change, or plan to change the partner."""
        partner = one(request.scope, public_id) if public_id else None
        form = PartnerForm(request.POST, scope=request.scope, partner=partner)
        if not form.is_valid():
            return self._show(request, form, status=422)
        try:
            saved = self._save(request, form)
        except DomainError as refusal:
            form.tell(refusal)
            return self._show(request, form, status=422)
        self._tell(request, partner, saved, planned=form.moment() is not None)
        return redirect(tables.partner_url(saved.public_id))

    def _tell(self, request: PageRequest, before: Partner | None, saved: Partner, *, planned: bool) -> None:
        if planned:
            messages.success(request, _("변경을 예약했어요. 그때가 되면 저절로 바뀌어요."))
            return
        if before and not saved.account_confirmed and before.account_confirmed:
            messages.info(request, _("저장했어요. 바뀐 계좌는 승인자가 확인한 뒤에 지급에 쓰여요."))
        else:
            messages.success(request, _("저장했어요."))
        if _has_odd_number(saved):
            messages.warning(request, _("사업자 등록번호의 검증 숫자가 맞지 않아요. 잘못 적지 않았는지 확인해 주세요."))

    def _save(self, request: PageRequest, form: PartnerForm) -> Partner:
        told: dict[str, Any] = {"scope": request.scope, "by": request.actor, "now": clock.now()}
        partner, moment = form.partner, form.moment()
        if partner is None:
            return operations.create(**told, draft=form.draft())
        told |= {"public_id": partner.public_id, "changes": form.changes(partner)}
        if moment is None:
            return operations.change(**told)
        if told["changes"] == PartnerChanges():
            raise InvalidRequest(_("바뀌는 것이 없어요. 바꿀 내용을 적어 주세요."))
        replacing = schedules.of_partner(partner) is not None
        return schedules.plan_partner(**told, applied_at=moment, replacing=replacing)

    def _show(self, request: PageRequest, form: PartnerForm, status: int = 200) -> HttpResponse:
        partner = form.partner
        context = {
            "title": partner.name if partner else self.title,
            "form": form,
            "partner": partner,
            "business": _fields(form, PartnerForm.BUSINESS),
            "contact": _fields(form, ("contact_name", "contact_email", "contact_phone")),
            "account": _fields(form, ("bank", "account_number", "account_holder", "account_currency")),
            "back": tables.partner_url(partner.public_id) if partner else reverse("settlement:partners"),
            "upload": "" if partner else shared.upload_url("partners"),
        }
        return render(request, "settlement/partner_form.html", context, status=status)


def _fields(form: PartnerForm, names: Sequence[str]) -> list[object]:
    return [form[name] for name in names]

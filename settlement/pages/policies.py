"""계약, 할인 분담, 추가 수수료: the terms partners are settled by, each with its versions."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from access.requests import PageRequest
from access.roles import Permission, allowed
from console.columns import Badge, Column, Kind, Label, Row, Shape, Tone
from console.filters import ChoiceFilter, Keyword, KeywordFilter
from console.lists import ListPage, MainAction
from console.pages import PageView
from core import clock
from core.errors import DomainError, InvalidRequest
from core.scope import Scope
from settlement import dates, tables, terms
from settlement.forms import ContractForm, DiscountPolicyForm, FeeForm, FeePolicyForm, PolicyForm, percent
from settlement.models import (
    AdditionalFeePolicy,
    Contract,
    ContractVersion,
    CycleMethod,
    DatePolicy,
    DiscountSharePolicy,
    VatPayer,
)
from settlement.operations import contracts, policies, schedules, settings
from settlement.pages import rows, shared
from settlement.pages.filters import ArchivedFilter

_EXAMPLE_DAYS = 7
_NUMBER_DIGITS, _LONGEST_SUGGESTED = 9, 400
_ARCHIVED = ArchivedFilter(
    "archived", gettext_lazy("보관"), "is_archived", yes=gettext_lazy("보관한 것"), no=gettext_lazy("쓰는 것")
)


def _words(name: Label, public_id: Label) -> KeywordFilter:
    return KeywordFilter(
        (
            Keyword("name", name, ("current__name",)),
            Keyword("id", public_id, ("public_id",), exact=True),
            Keyword("memo", gettext_lazy("메모"), ("current__memo",)),
        ),
    )


class PolicyList(ListPage):
    """Base of the three lists."""

    permission = Permission.VIEW
    order = ("-id",)
    empty = gettext_lazy("조건에 맞는 것이 없어요. 조건을 줄여 보세요.")

    def row_class(self, row: Row) -> str:
        """Grey out what is archived."""
        return "muted" if row["is_archived"] else ""


_FEE_KEYS = ("is_archived", "current__fee_rate", "current__fee_amount", "current__fee_is_fixed")


class ContractList(PolicyList):
    """Every contract, newest first."""

    slug = "contracts"
    url_name = "settlement:contracts"
    title = gettext_lazy("계약")
    columns = tables.CONTRACT_COLUMNS
    extra = (
        *_FEE_KEYS,
        "current__lag_days",
        "current__cycle_method",
        "current__cycle_days",
        "current__cycle_dates",
        "current__date_policy",
    )
    filters = (
        _words(gettext_lazy("계약 이름"), gettext_lazy("계약 아이디")),
        ChoiceFilter("payer", gettext_lazy("수수료 부가세 부담"), tuple(VatPayer.choices), "current__vat_payer"),
        ChoiceFilter("cycle", gettext_lazy("정산 주기"), tuple(CycleMethod.choices), "current__cycle_method"),
        ChoiceFilter("policy", gettext_lazy("쉬는 날이면"), tuple(DatePolicy.choices), "current__date_policy"),
        _ARCHIVED,
    )
    main_action = MainAction(gettext_lazy("계약 등록하기"), "settlement:contract-add", Permission.EDIT)
    blank = gettext_lazy("아직 계약이 없어요. 계약을 등록해야 파트너를 등록할 수 있어요.")

    def queryset(self, scope: Scope) -> QuerySet[Any]:
        """Return the contracts of a scope."""
        return rows.contract_rows(scope)

    def row_url(self, row: Row) -> str | None:
        """Open the contract."""
        return tables.contract_url(row["public_id"])


class DiscountPolicyList(PolicyList):
    """Every discount share policy, newest first."""

    slug = "discount-policies"
    url_name = "settlement:discount-policies"
    title = gettext_lazy("할인 분담")
    columns = tables.DISCOUNT_POLICY_COLUMNS
    extra = ("is_archived",)
    filters = (_words(gettext_lazy("정책 이름"), gettext_lazy("정책 아이디")), _ARCHIVED)
    main_action = MainAction(gettext_lazy("할인 분담 정책 등록하기"), "settlement:discount-policy-add", Permission.EDIT)
    blank = gettext_lazy("아직 할인 분담 정책이 없어요. 할인을 파트너와 나눠 부담할 때 등록해 주세요.")

    def queryset(self, scope: Scope) -> QuerySet[Any]:
        """Return the policies of a scope."""
        return rows.discount_policy_rows(scope)

    def row_url(self, row: Row) -> str | None:
        """Open the policy."""
        return tables.discount_policy_url(row["public_id"])


class FeePolicyList(PolicyList):
    """Every additional fee policy, newest first."""

    slug = "fee-policies"
    url_name = "settlement:fee-policies"
    title = gettext_lazy("추가 수수료")
    columns = tables.FEE_POLICY_COLUMNS
    extra = _FEE_KEYS
    filters = (
        _words(gettext_lazy("정책 이름"), gettext_lazy("정책 아이디")),
        ChoiceFilter("payer", gettext_lazy("수수료 부가세 부담"), tuple(VatPayer.choices), "current__vat_payer"),
        _ARCHIVED,
    )
    main_action = MainAction(gettext_lazy("추가 수수료 정책 등록하기"), "settlement:fee-policy-add", Permission.EDIT)
    blank = gettext_lazy(
        "아직 추가 수수료 정책이 없어요. 물류비나 광고비처럼 따로 떼는 수수료가 있을 때 등록해 주세요."
    )

    def queryset(self, scope: Scope) -> QuerySet[Any]:
        """Return the policies of a scope."""
        return rows.fee_policy_rows(scope)

    def row_url(self, row: Row) -> str | None:
        """Open the policy."""
        return tables.fee_policy_url(row["public_id"])


# ---- what the three kinds of detail, form and archiving share


@dataclass(frozen=True, slots=True)
class Verbs:
    """The operations of one kind of policy, and the page of one of it."""

    url: Callable[[object], str]
    create: Callable[..., Any]
    change: Callable[..., Any]
    archive: Callable[..., Any]
    recover: Callable[..., Any]
    columns: Callable[..., dict[str, object]]
    kind: policies.Kind[Any, Any]


class OfPolicy(PageView):
    """
    Base of the pages of one kind of policy.

    Subclasses of a kind name its model, its word in the audit trail, its pages, its form, and its operations.
    """

    permission = Permission.VIEW
    model: ClassVar[Any]
    kind: ClassVar[str]
    list_title: ClassVar[Label]
    list_name: ClassVar[str]
    edit_name: ClassVar[str]
    archive_name: ClassVar[str]
    unplan_name: ClassVar[str]
    form: ClassVar[type[PolicyForm]]
    does: ClassVar[Verbs]

    def one(self, scope: Scope, public_id: str) -> Any:
        """Return a policy with its current version. Raises Http404."""
        return get_object_or_404(self.model.objects.within(scope).select_related("current"), public_id=public_id)

    def versions(self) -> tuple[Column, ...]:
        """Return the columns of the table of versions."""
        raise NotImplementedError

    def facts(self, version: Any) -> list[tuple[str, str]]:
        """Return what the current version says."""
        raise NotImplementedError

    def initial(self, version: Any) -> dict[str, object]:
        """Return what the form of a known policy shows."""
        raise NotImplementedError

    def values(self, form: Any) -> dict[str, Any]:
        """Return what the form says, as the operations take it."""
        raise NotImplementedError

    def more(self, request: PageRequest, policy: Any) -> dict[str, object]:  # noqa: ARG002 - contracts look at both
        """Return what the kind's own page shows beside the rest."""
        return {}


VERSION_BADGES: Mapping[str, Badge] = {
    "now": Badge(gettext_lazy("지금"), Tone.SUCCESS, Shape.CHECK),
    "planned": Badge(gettext_lazy("예약"), Tone.PROGRESS, Shape.CLOCK),
    "past": Badge(gettext_lazy("지난 판"), Tone.NEUTRAL, Shape.BACK),
    "withdrawn": Badge(gettext_lazy("취소한 예약"), Tone.NEUTRAL, Shape.CROSS),
}
_VERSION_START = (
    Column("number", gettext_lazy("판"), Kind.COUNT, link=lambda row: str(row["url"])),
    Column("counts", gettext_lazy("상태"), Kind.BADGE, badges=VERSION_BADGES),
    Column("applied_at", gettext_lazy("적용 시작"), Kind.MOMENT),
    Column("name", gettext_lazy("이름")),
)
_VERSION_END = (
    Column("memo", gettext_lazy("메모")),
    Column("who", gettext_lazy("한 사람"), value=lambda row: shared.who(row["created_by"])),
)
_FEE_COLUMNS = (
    Column("fee", gettext_lazy("수수료"), value=lambda row: tables.fee_text(row, "")),
    Column("vat_payer", gettext_lazy("수수료 부가세 부담"), Kind.BADGE, badges=tables.VAT_PAYERS),
)


class PolicyView(OfPolicy):
    """One policy: what it says now and what it said before."""

    def get(self, request: PageRequest, public_id: str) -> HttpResponse:
        """Show the policy, and with `version` what that version of it says."""
        policy = self.one(request.scope, public_id)
        found = policy.versions.order_by("-applied_at", "-number").values()
        wanted = request.GET.get("version", "")
        may_edit = allowed(request.role, Permission.EDIT)
        context = {
            "title": policy.current.name,
            "policy": policy,
            "kind": self.kind,
            "list_title": self.list_title,
            "list_url": reverse(self.list_name),
            "edit_url": reverse(self.edit_name, args=[public_id]) if may_edit and not policy.is_archived else "",
            "archive_url": reverse(self.archive_name, args=[public_id]) if may_edit else "",
            "facts": self.facts(policy.current),
            "version_columns": (*_VERSION_START, *self.versions(), *_VERSION_END),
            "versions": [self._row(policy, row) for row in found],
            "chosen": self._chosen(policy, wanted) if wanted else None,
            "planned": self._planned(policy),
            "unplan_url": reverse(self.unplan_name, args=[public_id]) if may_edit else "",
            "history": shared.history(request.scope, self.kind, public_id),
        }
        return render(request, "settlement/policy.html", context | self.more(request, policy))

    def _row(self, policy: Any, version: Mapping[str, Any]) -> dict[str, Any]:
        """Return a version with whether it counts, and where it is shown whole."""
        url = f"{self.does.url(policy.public_id)}?version={version['number']}"
        return dict(version) | {"counts": self._counts(policy, version), "url": url}

    def _counts(self, policy: Any, version: Mapping[str, Any]) -> str:
        if version["withdrawn_at"] is not None:
            return "withdrawn"
        if version["id"] == policy.current.pk:
            return "now"
        return "planned" if version["applied_at"] > clock.now() else "past"

    def _chosen(self, policy: Any, wanted: str) -> dict[str, object]:
        """Return one version whole. Raises Http404."""
        if not (wanted.isascii() and wanted.isdecimal() and len(wanted) <= _NUMBER_DIGITS):
            raise Http404
        version = get_object_or_404(policy.versions, number=int(wanted))
        return {
            "version": version,
            "badge": VERSION_BADGES[self._counts(policy, vars(version))],
            "facts": self.facts(version),
        }

    def _planned(self, policy: Any) -> dict[str, object] | None:
        """Return the planned change in words, or None."""
        plan = policies.planned(self.does.kind, policy)
        if plan is None:
            return None
        version = schedules.policy_version(self.does.kind, scope=policy.scope, public_id=policy.public_id)
        now, then = dict(self._told(policy.current)), dict(self._told(version))
        changed = [(label, now.get(label), text) for label, text in then.items() if now.get(label) != text]
        return {"plan": plan, "changes": changed}

    def _told(self, version: Any) -> list[tuple[str, str]]:
        return [(_("이름"), version.name), *self.facts(version), (_("메모"), version.memo)]


class PolicyEditView(OfPolicy):
    """The form of a new or a known policy."""

    permission = Permission.EDIT

    def get(self, request: PageRequest, public_id: str = "") -> HttpResponse:
        """
        Show the form: with `planned` as the planned change will make the policy.

        Values of fields in the address are filled in, so that another page can suggest them.
        """
        if not public_id:
            return self._show(request, self.form(initial=self._suggested(request)), None)
        policy = self.one(request.scope, public_id)
        initial = self.initial(policy.current)
        plan = policies.planned(self.does.kind, policy) if request.GET.get("planned") else None
        if plan:
            ahead = schedules.policy_version(self.does.kind, scope=request.scope, public_id=public_id)
            initial = self.initial(ahead) | {"when": "later", "applied_at": plan.applied_at}
        return self._show(request, self.form(initial=initial | self._suggested(request), known=True), policy)

    def _suggested(self, request: PageRequest) -> dict[str, object]:
        several = {
            name for name, field in self.form.base_fields.items() if isinstance(field, forms.MultipleChoiceField)
        }
        return {
            name: request.GET.getlist(name) if name in several else request.GET[name][:_LONGEST_SUGGESTED]
            for name in self.form.base_fields
            if name in request.GET
        }

    def post(self, request: PageRequest, public_id: str = "") -> HttpResponseBase:
        """Make the policy, add a version to it, or plan one."""
        policy = self.one(request.scope, public_id) if public_id else None
        form = self.form(request.POST, known=policy is not None)
        if not form.is_valid():
            return self._show(request, form, policy, status=422)
        try:
            saved = self._save(request, form, policy)
        except DomainError as refusal:
            form.tell(refusal)
            return self._show(request, form, policy, status=422)
        planned = form.moment() is not None
        done = _("변경을 예약했어요. 그때가 되면 저절로 바뀌어요.") if planned else _("저장했어요.")
        messages.success(request, done)
        return redirect(self.does.url(saved))

    def _save(self, request: PageRequest, form: Any, policy: Any) -> str:
        """Do what the form asks for; return the policy's id."""
        told: dict[str, Any] = {"scope": request.scope, "by": request.actor, "now": clock.now()}
        values, moment = self.values(form), form.moment()
        if policy is None:
            made = self.does.create(**told, **values, public_id=form.cleaned_data["public_id"].strip())
            return str(made.public_id)
        if moment is None:
            self.does.change(**told, **values, public_id=policy.public_id)
            return str(policy.public_id)
        whole = self.does.columns(**values)
        columns = {name: value for name, value in whole.items() if getattr(policy.current, name) != value}
        if not columns:
            raise InvalidRequest(_("바뀌는 것이 없어요. 바꿀 내용을 적어 주세요."))
        schedules.plan_policy(
            self.does.kind,
            **told,
            public_id=policy.public_id,
            columns=columns,
            applied_at=moment,
            replacing=policies.planned(self.does.kind, policy) is not None,
        )
        return str(policy.public_id)

    def _show(self, request: PageRequest, form: forms.Form, policy: Any, status: int = 200) -> HttpResponse:
        back = self.does.url(policy.public_id) if policy else reverse(self.list_name)
        context = {
            "title": policy.current.name if policy else _("%(kind)s 등록") % {"kind": self.list_title},
            "form": form,
            "policy": policy,
            "list_title": self.list_title,
            "list_url": reverse(self.list_name),
            "back": back,
            "has_fee": isinstance(form, FeeForm),
            "is_contract": isinstance(form, ContractForm),
        }
        return render(request, "settlement/policy_form.html", context, status=status)


class PolicyUnplanView(OfPolicy):
    """Drop a planned change of a policy."""

    permission = Permission.EDIT

    def post(self, request: PageRequest, public_id: str) -> HttpResponseBase:
        """Drop it."""
        policy = self.one(request.scope, public_id)
        schedules.drop_policy(
            self.does.kind, scope=request.scope, by=request.actor, now=clock.now(), public_id=policy.public_id
        )
        messages.success(request, _("예약한 변경을 취소했어요."))
        return redirect(self.does.url(policy.public_id))


class PolicyArchiveView(OfPolicy):
    """Archive a policy, or bring it back."""

    permission = Permission.EDIT

    def post(self, request: PageRequest, public_id: str) -> HttpResponseBase:
        """Archive or recover."""
        policy = self.one(request.scope, public_id)
        if request.POST.get("decision") == "recover":
            self.does.recover(scope=request.scope, by=request.actor, public_id=policy.public_id)
            messages.success(request, _("복원했어요."))
        else:
            self.does.archive(scope=request.scope, by=request.actor, public_id=policy.public_id)
            messages.success(request, _("보관했어요. 이미 쓰고 있는 곳에서는 그대로 쓰여요."))
        return redirect(self.does.url(policy.public_id))


# ---- the three kinds


class OfContract(OfPolicy):
    """What is particular to contracts."""

    model = Contract
    kind = "contract"
    list_title = gettext_lazy("계약")
    list_name, edit_name, archive_name, unplan_name = (
        "settlement:contracts",
        "settlement:contract-edit",
        "settlement:contract-archive",
        "settlement:contract-unplan",
    )
    form = ContractForm
    does = Verbs(
        tables.contract_url,
        contracts.create,
        contracts.change,
        contracts.archive,
        contracts.recover,
        contracts.changed_columns,
        policies.CONTRACT,
    )

    def versions(self) -> tuple[Column, ...]:
        """Return fee and cycle."""
        return (*_FEE_COLUMNS, Column("cycle", gettext_lazy("정산 주기"), value=tables.cycle_text))

    def facts(self, version: ContractVersion) -> list[tuple[str, str]]:
        """Return fee, VAT and cycle."""
        return [
            (_("중개수수료"), tables.fee_text(vars(version), "")),
            (_("수수료 부가세 부담"), version.get_vat_payer_display()),
            (_("결제 부가세"), _("정산 금액에서 빼요.") if version.subtract_payment_vat else _("빼지 않아요.")),
            (_("정산 주기"), tables.cycle_text(vars(version))),
        ]

    def initial(self, version: ContractVersion) -> dict[str, object]:
        """Return the whole contract."""
        return ContractForm.initial_of(version)

    def values(self, form: ContractForm) -> dict[str, Any]:
        """Return the whole contract."""
        data = form.cleaned_data
        return {
            "name": data["name"],
            "memo": data["memo"],
            "fee": form.fee(),
            "vat_payer": data["vat_payer"],
            "cycle": form.cycle(),
            "subtract_payment_vat": data["subtract_payment_vat"],
        }

    def more(self, request: PageRequest, policy: Any) -> dict[str, object]:
        """Return on which days the next start dates settle."""
        cycle, closed = terms.cycle(policy.current), terms.holidays(request.scope)
        adjust = settings.current(request.scope).adjust_settlement_date_after_holiday_if_earlier
        starts = [clock.today() + timedelta(days=after) for after in range(_EXAMPLE_DAYS)]
        return {
            "examples": [(start, dates.settlement_date(start, cycle, closed, adjust=adjust)) for start in starts],
            "partners_url": tables.partners_of_contract(policy.public_id),
            "partner_count": policy.partners.filter(is_archived=False).count(),
        }


class OfDiscountPolicy(OfPolicy):
    """What is particular to discount share policies."""

    model = DiscountSharePolicy
    kind = "discount_share_policy"
    list_title = gettext_lazy("할인 분담")
    list_name, edit_name, archive_name, unplan_name = (
        "settlement:discount-policies",
        "settlement:discount-policy-edit",
        "settlement:discount-policy-archive",
        "settlement:discount-policy-unplan",
    )
    form = DiscountPolicyForm
    does = Verbs(
        tables.discount_policy_url,
        policies.create_discount_share,
        policies.change_discount_share,
        policies.archive_discount_share,
        policies.recover_discount_share,
        policies.discount_share_columns,
        policies.DISCOUNT_SHARE,
    )

    def versions(self) -> tuple[Column, ...]:
        """Return the share."""
        return (Column("partner_share_rate", gettext_lazy("파트너 분담율"), Kind.RATE),)

    def facts(self, version: Any) -> list[tuple[str, str]]:
        """Return the share."""
        return [(_("파트너 분담율"), f"{percent(version.partner_share_rate)}%")]

    def initial(self, version: Any) -> dict[str, object]:
        """Return the whole policy."""
        rate = percent(version.partner_share_rate)
        return {"name": version.name, "memo": version.memo, "partner_share_rate": rate}

    def values(self, form: DiscountPolicyForm) -> dict[str, Any]:
        """Return the whole policy."""
        return {name: form.cleaned_data[name] for name in ("name", "memo", "partner_share_rate")}


class OfFeePolicy(OfPolicy):
    """What is particular to additional fee policies."""

    model = AdditionalFeePolicy
    kind = "additional_fee_policy"
    list_title = gettext_lazy("추가 수수료")
    list_name, edit_name, archive_name, unplan_name = (
        "settlement:fee-policies",
        "settlement:fee-policy-edit",
        "settlement:fee-policy-archive",
        "settlement:fee-policy-unplan",
    )
    form = FeePolicyForm
    does = Verbs(
        tables.fee_policy_url,
        policies.create_additional_fee,
        policies.change_additional_fee,
        policies.archive_additional_fee,
        policies.recover_additional_fee,
        policies.additional_fee_columns,
        policies.ADDITIONAL_FEE,
    )

    def versions(self) -> tuple[Column, ...]:
        """Return fee and who gets it."""
        return (*_FEE_COLUMNS, Column("third_party", gettext_lazy("받는 제3자")))

    def facts(self, version: Any) -> list[tuple[str, str]]:
        """Return fee and who gets it."""
        return [
            (_("수수료"), tables.fee_text(vars(version), "")),
            (_("수수료 부가세 부담"), version.get_vat_payer_display()),
            (_("받는 제3자"), version.third_party),
        ]

    def initial(self, version: Any) -> dict[str, object]:
        """Return the whole policy."""
        fee = FeePolicyForm.fee_of(version)
        return fee | {"name": version.name, "memo": version.memo, "third_party": version.third_party}

    def values(self, form: FeePolicyForm) -> dict[str, Any]:
        """Return the whole policy."""
        data = form.cleaned_data
        same = {name: data[name] for name in ("name", "memo", "vat_payer", "third_party")}
        return same | {"fee": form.fee()}


class ContractView(OfContract, PolicyView):
    """One contract."""


class ContractEditView(OfContract, PolicyEditView):
    """The form of a contract."""


class ContractUnplanView(OfContract, PolicyUnplanView):
    """Drop a planned change of a contract."""


class ContractArchiveView(OfContract, PolicyArchiveView):
    """Archive a contract, or bring it back."""


class DiscountPolicyView(OfDiscountPolicy, PolicyView):
    """One discount share policy."""


class DiscountPolicyEditView(OfDiscountPolicy, PolicyEditView):
    """The form of a discount share policy."""


class DiscountPolicyUnplanView(OfDiscountPolicy, PolicyUnplanView):
    """Drop a planned change of a discount share policy."""


class DiscountPolicyArchiveView(OfDiscountPolicy, PolicyArchiveView):
    """Archive a discount share policy, or bring it back."""


class FeePolicyView(OfFeePolicy, PolicyView):
    """One additional fee policy."""


class FeePolicyEditView(OfFeePolicy, PolicyEditView):
    """The form of an additional fee policy."""


class FeePolicyUnplanView(OfFeePolicy, PolicyUnplanView):
    """Drop a planned change of an additional fee policy."""


class FeePolicyArchiveView(OfFeePolicy, PolicyArchiveView):
    """Archive an additional fee policy, or bring it back."""

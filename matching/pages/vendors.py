"""공급사: whom is bought from, who is paid, and when."""

from datetime import datetime
from typing import Any

from django import forms
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from access.roles import Permission
from console import registry
from console.columns import Column, Kind, Row
from console.filters import BooleanFilter, ChoiceFilter, IdFilter, Keyword, KeywordFilter
from console.lists import MainAction
from core.actor import Actor
from core.scope import Scope
from matching.models import NAME_LENGTH, Vendor
from matching.operations import company, posting
from matching.pages import fields
from matching.pages.setup import SetupForm, SetupList, SetupView
from settlement.models import PUBLIC_ID_LENGTH

_MOST_DAYS = 3_650


def partner_url(row: Row) -> str | None:
    """Return the page of the partner a vendor is linked with."""
    link = registry.origin_link("partner", str(row["partner__public_id"] or ""))
    return link.url if link else None


class VendorList(SetupList):
    """Every vendor by account."""

    slug = "matching-vendors"
    url_name = "matching:vendors"
    edit_name = "matching:vendor-edit"
    title = pgettext_lazy("list", "공급사")
    intro = _("누구에게 사고 누구에게 주는지 정해요. 파트너와 이어 두면 전기한 송장이 정산 내역이 돼요.")
    main_action = MainAction(_("공급사 등록하기"), "matching:vendor-new", Permission.MANAGE)
    order = ("account",)
    id_key = "account"
    columns = (
        Column("account", _("공급사 계정"), Kind.ID, link=None),
        Column("name", _("이름")),
        Column("partner__public_id", _("연결한 파트너"), Kind.ID, link=partner_url),
        Column("currency", _("통화")),
        Column("payment_days", _("지급 기한 (일)"), Kind.COUNT),
        Column("price_tolerance_group", _("허용 오차 그룹")),
        Column("invoice_account", _("송장 계정")),
        Column("updated_at", _("수정한 때"), Kind.MOMENT, default=False),
    )
    filters = (
        KeywordFilter(
            (Keyword("name", _("이름"), ("name",)), Keyword("id", _("공급사 계정"), ("account",), exact=True))
        ),
        ChoiceFilter("currency", _("통화"), fields.CURRENCIES, counts=False),
        BooleanFilter(
            "linked",
            _("파트너"),
            yes=_("연결됨"),
            no=_("연결 안 됨"),
            condition=lambda wanted: Q(partner__isnull=not wanted),
        ),
        IdFilter("group", _("허용 오차 그룹"), "price_tolerance_group"),
    )
    blank = _("아직 공급사가 없어요. 공급사를 등록해야 발주와 송장을 넣을 수 있어요.")

    def queryset(self, scope: Scope) -> QuerySet[Any]:
        """Return the vendors of a scope."""
        return Vendor.objects.within(scope)


class VendorForm(SetupForm):
    """A vendor."""

    keys = ("account",)

    account = fields.text(_("공급사 계정"), PUBLIC_ID_LENGTH, required=True)
    name = fields.text(_("이름"), NAME_LENGTH)
    partner = forms.CharField(
        label=_("연결한 파트너"),
        required=False,
        max_length=PUBLIC_ID_LENGTH,
        help_text=_("전기한 송장의 금액을 이 파트너에게 지급해요. 비우면 송장은 전기돼도 지급되지 않아요."),
    )
    currency = forms.ChoiceField(label=_("통화"), choices=fields.CURRENCIES, initial="KRW")
    payment_days = forms.IntegerField(
        label=_("지급 기한 (일)"),
        min_value=0,
        max_value=_MOST_DAYS,
        initial=30,
        help_text=_("송장 일자에서 이만큼 지난 날이 만기일이에요."),
    )
    invoice_account = fields.text(
        _("송장 계정"), PUBLIC_ID_LENGTH, help_text=_("돈을 받는 쪽이 다르면 그 공급사의 계정을 적어요.")
    )
    price_tolerance_group = fields.text(
        _("허용 오차 그룹"), NAME_LENGTH, help_text=_("가격 허용 오차를 함께 쓰는 공급사끼리 같은 이름을 적어요.")
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["partner"].widget.attrs |= fields.suggested("partner", fields.PARTNER_OPTIONS)

    @classmethod
    def initial_of(cls, row: Vendor) -> dict[str, object]:
        """Return the vendor; the partner by its public id."""
        names = [name for name in cls.base_fields if name != "partner"]
        partner = row.partner.public_id if row.partner else ""
        return {name: getattr(row, name) for name in names} | {"partner": partner}

    def clean_partner(self) -> str:
        """Find the partner by id or name."""
        return fields.partner_of(self.scope, self.cleaned_data["partner"].strip())

    def stands(self) -> bool:
        """Say whether the account is taken."""
        return Vendor.objects.within(self.scope).filter(account=self.cleaned_data["account"]).exists()

    def save(self, *, by: Actor, now: datetime) -> Vendor:
        """Store the vendor; invoices that waited for a partner become payable."""
        told: dict[str, Any] = {"scope": self.scope, "by": by, "now": now}
        account = self.cleaned_data["account"]
        with transaction.atomic():
            vendor = company.save_vendor(**told, account=account, fields=self.values())
            posting.pay_waiting(**told, account=account)
        return vendor


class VendorView(SetupView):
    """One vendor."""

    form = VendorForm
    list_page = VendorList
    model = Vendor
    key_field = "account"
    new_title = _("공급사 등록")

    def named(self, row: Vendor) -> str:
        """Return the vendor's name, else its account."""
        return row.name or row.account

"""환율: what a currency is worth from a day on."""

from datetime import datetime
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from access.roles import Permission
from console.columns import Column, Kind
from console.filters import ChoiceFilter, DateFilter, DateKind
from console.lists import MainAction
from core.actor import Actor
from core.scope import Scope
from matching.models import ExchangeRate
from matching.operations import company
from matching.pages import fields
from matching.pages.setup import SetupForm, SetupList, SetupView

_RATE_PLACES = 16


class RateList(SetupList):
    """Every exchange rate, the newest first."""

    slug = "matching-exchange-rates"
    url_name = "matching:exchange-rates"
    edit_name = "matching:exchange-rate-edit"
    title = pgettext_lazy("list", "환율")
    intro = _("그날부터 다음 환율이 나올 때까지 써요. 이미 입력한 발주와 송장의 환율은 바뀌지 않아요.")
    main_action = MainAction(_("환율 등록하기"), "matching:exchange-rate-new", Permission.MANAGE)
    order = ("-date", "-id")
    id_key = "id"
    columns = (
        Column("date", _("적용 시작일"), Kind.DATE),
        Column("from_currency", _("이 통화 하나는")),
        Column("rate", _("환율"), Kind.DECIMAL),
        Column("to_currency", _("이 통화로")),
    )
    filters = (
        DateFilter((DateKind("date", _("적용 시작일"), "date"),)),
        ChoiceFilter("currency", _("통화"), fields.CURRENCIES, "from_currency", counts=False),
    )
    blank = _("아직 환율이 없어요. 외화 발주가 있으면 등록해 주세요.")

    def queryset(self, scope: Scope) -> QuerySet[Any]:
        """Return the rates of a scope."""
        return ExchangeRate.objects.within(scope)


class RateForm(SetupForm):
    """An exchange rate."""

    keys = ("on", "from_currency", "to_currency")

    on = fields.day(_("적용 시작일"))
    from_currency = forms.ChoiceField(label=_("이 통화 하나는"), choices=fields.CURRENCIES, initial="USD")
    rate = fields.FigureField(label=_("환율"), places=_RATE_PLACES)
    to_currency = forms.ChoiceField(label=_("이 통화로"), choices=fields.CURRENCIES, initial="KRW")

    @classmethod
    def initial_of(cls, row: ExchangeRate) -> dict[str, object]:
        """Return the rate."""
        return {
            "on": row.date,
            "from_currency": row.from_currency,
            "to_currency": row.to_currency,
            "rate": row.rate,
        }

    def clean(self) -> dict[str, Any]:
        """Refuse one currency on both sides."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if data.get("from_currency") and data["from_currency"] == data.get("to_currency"):
            self.add_error("to_currency", _now("서로 다른 통화를 골라 주세요."))
        return data

    def stands(self) -> bool:
        """Say whether the day has a rate."""
        data = self.cleaned_data
        known = ExchangeRate.objects.within(self.scope).filter(date=data["on"])
        return known.filter(from_currency=data["from_currency"], to_currency=data["to_currency"]).exists()

    def save(self, *, by: Actor, now: datetime) -> ExchangeRate:
        """Store the rate."""
        return company.save_exchange_rate(scope=self.scope, by=by, now=now, **self.cleaned_data)


class RateView(SetupView):
    """One exchange rate."""

    form = RateForm
    list_page = RateList
    model = ExchangeRate
    new_title = _("환율 등록")

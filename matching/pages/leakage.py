"""누수: what posted invoices cost more than agreed although every tolerance was kept, by vendor, item and month."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from access.requests import PageRequest
from access.roles import Permission
from console import totals
from console.columns import Column, Kind, Row
from console.filters import ChoiceFilter, DateFilter, DateKind, IdFilter, Keyword, KeywordFilter, encode
from console.lists import ListPage
from core.scope import Scope
from matching.models import Leak
from matching.pages import document_reads, fields, links
from matching.pages.orders import item_url, vendor_url

_YEAR, _MOST_MONTHS = 12, 24
_WIDTH, _HEIGHT, _GAP = 960, 140, 4


@dataclass(frozen=True, slots=True)
class Bar:
    """One month of the chart, in units of the drawing."""

    x: int
    y: int
    width: int
    height: int
    month: date
    amount: int


@dataclass(frozen=True, slots=True)
class Chart:
    """What leaked in the last months, as bars."""

    bars: Sequence[Bar]
    width: int = _WIDTH
    height: int = _HEIGHT


def chart(months: Sequence[tuple[date, int]]) -> Chart:
    """Lay months out side by side up to the last, a year at least, those without a leak included."""
    amounts = {_number(month): amount for month, amount in months}
    first, last = min(amounts), max(amounts)
    shown = range(max(min(first, last - _YEAR + 1), last - _MOST_MONTHS + 1), last + 1)
    step, most = _WIDTH // len(shown), max(amounts.get(number, 0) for number in shown)
    bars = []
    for place, number in enumerate(shown):
        amount = amounts.get(number, 0)
        tall = amount * _HEIGHT // most
        month = date(number // _YEAR, number % _YEAR + 1, 1)
        bars.append(Bar(place * step + _GAP, _HEIGHT - tall, step - 2 * _GAP, tall, month, amount))
    return Chart(bars)


def _number(month: date) -> int:
    return month.year * _YEAR + month.month - 1


def _only(name: str, value: object) -> str:
    """Return the address of what leaked with one vendor or item."""
    return f"{reverse('matching:leakage')}?{encode([(name, str(value))])}"


_BY_VENDOR = (
    Column("vendor__account", _("공급사 계정"), Kind.ID, link=lambda row: _only("vendor", row["vendor__account"])),
    Column("vendor__name", _("공급사")),
    Column("n", _("라인 수"), Kind.COUNT),
    Column("sum", _("더 낸 금액"), Kind.SIGNED_WON, currency="currency"),
)
_BY_ITEM = (
    Column("item__number", _("품목 번호"), Kind.ID, link=lambda row: _only("item", row["item__number"])),
    Column("item__name", _("품목 이름")),
    Column("n", _("라인 수"), Kind.COUNT),
    Column("sum", _("더 낸 금액"), Kind.SIGNED_WON, currency="currency"),
)


class LeakList(ListPage):
    """Every posted line that cost more than agreed within its tolerance."""

    slug = "matching-leakage"
    url_name = "matching:leakage"
    title = _("누수")
    permission = Permission.VIEW
    template = "matching/leakage.html"
    intro = _("허용 오차 안이라서 통과했지만 발주보다 더 낸 금액이에요. 작아 보여도 모이면 커져요.")
    order = ("-on", "-id")
    id_key = "id"
    currency = "currency"
    columns = (
        Column(
            "invoice_line__invoice__number",
            _("송장 번호"),
            link=lambda row: links.invoice_url(row["invoice_line__invoice__public_id"]),
        ),
        Column("invoice_line__number", pgettext_lazy("one", "라인"), Kind.COUNT),
        Column("on", _("송장 일자"), Kind.DATE, sortable=True),
        Column("vendor__name", _("공급사"), link=lambda row: vendor_url(row["vendor__account"])),
        Column("item__number", _("품목 번호"), Kind.ID, link=lambda row: item_url(row["item__number"])),
        Column("item__name", _("품목 이름")),
        Column("amount", _("더 낸 금액"), Kind.SIGNED_WON, total=True, currency="currency"),
        Column("expected", _("발주대로면"), Kind.SIGNED_WON, total=True, currency="currency"),
        Column("vendor__account", _("공급사 계정"), Kind.ID, default=False),
        Column("currency", _("통화"), default=False),
    )
    extra = ("invoice_line__invoice__public_id", "vendor__account")
    filters = (
        DateFilter((DateKind("on", _("송장 일자"), "on"),)),
        KeywordFilter(
            (
                Keyword("vendor", _("공급사 이름"), ("vendor__name",)),
                Keyword("account", _("공급사 계정"), ("vendor__account",), exact=True),
                Keyword("item", _("품목 번호"), ("item__number",), exact=True),
                Keyword("invoice", _("송장 번호"), ("invoice_line__invoice__number",), exact=True),
            )
        ),
        ChoiceFilter("currency", _("통화"), fields.CURRENCIES, counts=False),
        IdFilter("vendor", _("공급사 계정"), "vendor__account"),
        IdFilter("item", _("품목 번호"), "item__number"),
    )
    blank = _("아직 누수가 없어요. 전기한 송장이 허용 오차 안에서 더 비쌌다면 여기에 모여요.")

    def queryset(self, scope: Scope) -> QuerySet[Any]:
        """Return the leaks of a scope."""
        return Leak.objects.within(scope)

    def row_url(self, row: Row) -> str | None:
        """Open the invoice."""
        return links.invoice_url(row["invoice_line__invoice__public_id"])

    def context(self, request: PageRequest) -> dict[str, object]:
        """Return the sums of what the conditions leave, by currency."""
        rows = self.bind(request.GET).apply(self.queryset(request.scope))
        try:
            with totals.within(totals.BUDGET):
                found = document_reads.leaked(rows)
        except totals.TooSlow:
            return {"too_slow": True}
        return {
            "leaked": [(one, chart(one.months)) for one in found],
            "vendor_columns": _BY_VENDOR,
            "item_columns": _BY_ITEM,
        }

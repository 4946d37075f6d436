"""청구 기록: what we know ourselves about what vendors bill, as it is now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Count, QuerySet, Sum
from django.db.models.fields.json import KT
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from access.roles import Permission
from console import totals
from console.columns import Column, Kind, Row, decimal
from console.filters import (
    BoundFilters,
    ChoiceFilter,
    DateFilter,
    DateKind,
    IdFilter,
    Keyword,
    KeywordFilter,
)
from console.lists import ListPage, MainAction
from console.totals import Totals
from core.scope import Scope
from reconciliation.models import BillingRecord, Source
from reconciliation.pages.records import words
from reconciliation.uploads.records import ID_LABELS, KIND
from settlement.pages.filters import ArchivedFilter

_IDS = ("sku_id", "subscription_number", "subscription_id", "entitlement_id", "product_id", "resource_guid", "meter_id")
_SOURCES = dict(Source.choices)


@dataclass(frozen=True, slots=True)
class ExactTotals(Totals):
    """Sums of exact decimals, by currency: how many records, before tax, and tax."""

    exact_sums: Sequence[tuple[str, Decimal, Decimal | None]] = ()

    def written(self, columns: Sequence[Column]) -> list[tuple[str, str, bool]]:  # noqa: ARG002 - the signature of every result line
        """Return label, figure and "is negative" of every sum."""
        found = []
        for currency, subtotal, tax in self.exact_sums:
            found.append((_now("세전 %(currency)s") % {"currency": currency}, decimal(subtotal), subtotal < 0))
            if tax is not None:
                found.append((_now("세금 %(currency)s") % {"currency": currency}, decimal(tax), tax < 0))
        return found


def _source_url(row: Row) -> str | None:
    return words.source_url(row["source"], row["source_id"])


class RecordList(ListPage):
    """Every record of ours in its newest version, the newest first."""

    slug = "billing-records"
    url_name = "reconciliation:records"
    title = _("청구 기록")
    permission = Permission.VIEW
    intro = _("공급사 파일과 비교하는 우리 쪽 기록이에요. 바꾸면 새 버전이 되고, 앞 버전은 그대로 남아요.")
    order = ("-id",)
    id_key = "id"
    columns = (
        Column("ref", _("기록 이름"), Kind.ID),
        Column("customer_name", _("고객 이름")),
        Column("customer_id", ID_LABELS["customer_id"], Kind.ID, default=False),
        Column("quantity", _("수량"), Kind.DECIMAL),
        Column("unit_price", _("단가"), Kind.DECIMAL),
        Column("subtotal", pgettext_lazy("vendor file", "세전 금액"), Kind.DECIMAL),
        Column("tax", pgettext_lazy("vendor file", "세금"), Kind.DECIMAL),
        Column("currency", _("통화")),
        Column("first_day", _("기간 첫날"), Kind.DATE),
        Column("last_day", _("기간 끝날"), Kind.DATE),
        Column("kind_word", _("파일 종류"), value=lambda row: words.kind_word(str(row["kind"]))),
        Column("bought", _("구독·권한 ID"), Kind.ID),
        Column("thing", _("제품·리소스·미터 ID"), Kind.ID),
        Column("sku_id", ID_LABELS["sku_id"], Kind.ID),
        Column("source_word", _("출처"), value=lambda row: str(_SOURCES[str(row["source"])]), link=_source_url),
        Column("version", _("버전"), Kind.COUNT),
        Column("state", _("상태"), Kind.BADGE, badges=words.STATE_BADGES, value=words.state),
        Column("billing_entity", _("청구 주체"), Kind.ID, default=False),
        Column("who", _("바꾼 사람"), default=False, value=lambda row: words.who(str(row["created_by"]))),
        Column("created_at", _("바꾼 때"), Kind.MOMENT, default=False),
    )
    extra = ("ref", "kind", "source", "source_id", "is_withdrawn", "created_by")
    filters = (
        DateFilter(
            (
                DateKind("first", _("기간 첫날"), "first_day"),
                DateKind("last", _("기간 끝날"), "last_day"),
                DateKind("changed", _("바꾼 날"), "created_at", moment=True),
            )
        ),
        KeywordFilter(
            (
                Keyword("ref", _("기록 이름"), ("ref",), exact=True),
                Keyword("customer", _("고객 이름"), ("customer_name",)),
                Keyword("id", _("식별자"), tuple(f"ids__{name}" for name in ID_LABELS), exact=True),
            )
        ),
        ChoiceFilter("kind", _("파일 종류"), words.KIND_CHOICES),
        ChoiceFilter("source", _("출처"), tuple(Source.choices)),
        ArchivedFilter("withdrawn", _("상태"), "is_withdrawn", yes=_("거둔 기록"), no=_("비교에 쓰는 기록")),
        IdFilter("entity", _("청구 주체"), "billing_entity"),
    )
    main_action = MainAction(
        _("파일로 등록하기"), "console:upload", Permission.EDIT, icon="arrow-up-tray", args=(KIND,)
    )
    template = "reconciliation/record_list.html"
    blank = _("아직 청구 기록이 없어요. 파일로 등록하거나 주문에서 만들어 주세요.")

    def queryset(self, scope: Scope) -> QuerySet[Any]:
        """Return the newest versions of a scope, with the ids they are recognised by."""
        ids = {name: KT(f"ids__{name}") for name in _IDS}
        return (
            BillingRecord.objects.within(scope)
            .filter(is_current=True)
            .annotate(
                customer_id=KT("ids__customer_id"),
                sku_id=ids["sku_id"],
                bought=Coalesce(ids["subscription_number"], ids["subscription_id"], ids["entitlement_id"]),
                thing=Coalesce(ids["product_id"], ids["resource_guid"], ids["meter_id"]),
            )
        )

    def row_url(self, row: Row) -> str | None:
        """Open the record."""
        return words.record_url(row["ref"])

    def row_class(self, row: Row) -> str:
        """Set back what was taken back."""
        return "muted" if row["is_withdrawn"] else ""

    def fast_totals(self, scope: Scope, filters: BoundFilters) -> Totals | None:
        """Return the sums of each currency, which have decimals; None lets the records be counted without them."""
        try:
            with totals.within(totals.BUDGET):
                return _totals(self.queryset(scope), filters)
        except totals.TooSlow:
            return None


def _totals(rows: QuerySet[Any], filters: BoundFilters) -> ExactTotals:
    kept: Sequence[Mapping[str, Any]] = (
        filters.apply(rows)
        .order_by("currency")
        .values("currency")
        .annotate(counted=Count("pk"), subtotal_sum=Sum("subtotal"), tax_sum=Sum("tax"))
    )
    found = list(kept)
    return ExactTotals(
        count=sum(row["counted"] for row in found),
        counts=totals.choice_counts(rows, filters),
        exact_sums=[(row["currency"], row["subtotal_sum"], row["tax_sum"]) for row in found],
    )

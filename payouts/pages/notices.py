"""알 수 없는 은행 통지: what a bank told us about transfers that nobody here knows."""

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy

from access.roles import Permission
from console.columns import Column, Kind
from console.filters import DateFilter, DateKind, Keyword, KeywordFilter
from console.lists import ListPage
from core.scope import Scope
from payouts.models import BankAccount, BankCallback


class UnknownNoticeList(ListPage):
    """
    Notices without a transfer of ours.

    A notice names no merchant, so everybody who pays through that bank sees it; one about a transfer that anybody here
    made is not among them.
    """

    slug = "bank-notices"
    url_name = "payouts:bank-notices"
    title = gettext_lazy("알 수 없는 은행 통지")
    intro = gettext_lazy("은행이 스스로 알려 온 이체 가운데 여기에서 지시하지 않은 것이에요. 은행에 확인해 주세요.")
    permission = Permission.VIEW
    order = ("-received_at", "-id")
    id_key = "id"
    columns = (
        Column("received_at", gettext_lazy("받은 때"), Kind.MOMENT, sortable=True),
        Column("type", gettext_lazy("종류")),
        Column("reference", gettext_lazy("이체 번호"), Kind.ID),
        Column("reference_date", gettext_lazy("이체일"), Kind.DATE),
        Column("amount", gettext_lazy("금액"), Kind.SIGNED_WON),
        Column("event_id", gettext_lazy("통지 번호"), Kind.ID),
        Column("rail", gettext_lazy("은행 연결"), default=False),
        Column("body", gettext_lazy("내용"), default=False),
    )
    filters: ClassVar[tuple[Any, ...]] = (
        DateFilter((DateKind("received", gettext_lazy("받은 날"), "received_at", moment=True),)),
        KeywordFilter(
            (
                Keyword("reference", gettext_lazy("이체 번호"), ("reference",), exact=True),
                Keyword("event", gettext_lazy("통지 번호"), ("event_id",), exact=True),
            ),
        ),
    )
    blank = gettext_lazy("알 수 없는 통지가 없어요. 은행이 모르는 이체를 알려 오면 여기에 나와요.")

    def queryset(self, scope: Scope) -> QuerySet[BankCallback]:
        """Return the unknown notices of the banks that a scope pays through."""
        rails = BankAccount.objects.within(scope).values("rail")
        return BankCallback.objects.filter(attempt=None, rail__in=rails)

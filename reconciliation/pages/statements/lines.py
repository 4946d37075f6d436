"""명세 거래: every line of the confirmed statements, and what is still open of it."""

from collections.abc import Sequence
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy, pgettext_lazy

from access.roles import Permission
from console.columns import Column, Kind, Row
from console.filters import BooleanFilter, ChoiceFilter, DateFilter, DateKind, IdFilter, Keyword, KeywordFilter
from console.lists import ListPage
from core.scope import Scope
from reconciliation.pages.statements import links, shown
from reconciliation.statements import wording


def _in_states(chosen: Sequence[str]) -> Q:
    return reduce(or_, (shown.CONDITIONS[state] for state in chosen))


class LineList(ListPage):
    """One row per line."""

    slug = "bank-lines"
    url_name = "reconciliation:statement-lines"
    title = pgettext_lazy("list", "명세 거래")
    permission = Permission.VIEW
    order = ("-day", "-id")
    id_key = "id"
    currency = "currency"
    columns = (
        Column("day", gettext_lazy("거래일"), Kind.DATE, sortable=True),
        Column("state", gettext_lazy("상태"), Kind.BADGE, badges=shown.LINE_BADGES),
        Column("reason", gettext_lazy("이유"), Kind.BADGE, badges=wording.REASON_BADGES),
        Column("amount", gettext_lazy("금액"), Kind.SIGNED_WON, total=True, currency="currency"),
        Column("rest", gettext_lazy("맞출 금액"), Kind.SIGNED_WON, total=True, currency="currency"),
        Column("balance_after", gettext_lazy("거래 후 잔액"), Kind.SIGNED_WON, currency="currency"),
        Column("said", gettext_lazy("은행 구분"), Kind.BADGE, badges=wording.SAID_BADGES),
        Column("name", gettext_lazy("상대 이름")),
        Column("other", gettext_lazy("상대 계좌"), default=False, value=shown.other_side),
        Column("memo", gettext_lazy("적요")),
        Column("reference", gettext_lazy("이체 번호"), Kind.ID),
        Column("bank_reference", gettext_lazy("은행 거래번호"), Kind.ID, default=False),
        Column("bank_account__name", gettext_lazy("계좌")),
        Column("booked_at", gettext_lazy("거래 시각"), Kind.MOMENT, default=False),
        Column("reference_date", gettext_lazy("이체 지시일"), Kind.DATE, default=False),
        Column(
            "statement__name",
            gettext_lazy("명세"),
            default=False,
            link=lambda row: links.statement_url(row["statement__public_id"]),
        ),
        Column("row", gettext_lazy("파일의 행"), Kind.COUNT, default=False),
    )
    extra = ("bank", "account_last4", "statement__public_id")
    filters = (
        DateFilter((DateKind("day", gettext_lazy("거래일"), "day"),)),
        KeywordFilter(
            (
                Keyword("reference", gettext_lazy("이체 번호"), ("reference",), exact=True),
                Keyword("name", gettext_lazy("상대 이름"), ("name",)),
                Keyword("memo", gettext_lazy("적요"), ("memo",)),
                Keyword("bank_reference", gettext_lazy("은행 거래번호"), ("bank_reference",), exact=True),
            )
        ),
        ChoiceFilter("state", gettext_lazy("상태"), shown.STATES, badges=shown.LINE_BADGES, condition=_in_states),
        ChoiceFilter("reason", gettext_lazy("이유"), tuple(wording.SHORT_REASONS.items())),
        BooleanFilter(
            "in",
            gettext_lazy("입출금"),
            yes=gettext_lazy("입금"),
            no=gettext_lazy("출금"),
            condition=lambda wanted: Q(amount__gt=0) if wanted else Q(amount__lt=0),
        ),
        IdFilter("account", gettext_lazy("계좌"), "bank_account__public_id"),
        IdFilter("statement", gettext_lazy("명세"), "statement__public_id"),
    )
    blank = gettext_lazy("아직 반영한 명세가 없어요. 은행 명세를 올리고 반영하면 거래가 여기에 나와요.")

    def queryset(self, scope: Scope) -> QuerySet[Any]:
        """Return the lines of a scope."""
        return shown.rows(scope)

    def row_url(self, row: Row) -> str | None:
        """Open the line."""
        return links.line_url(row["id"])

    def row_class(self, row: Row) -> str:
        """Point at money that may have left wrongly."""
        return "attention" if row.get("reason") in wording.URGENT else ""

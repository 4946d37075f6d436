"""계정, 계정의 항목, 분개: the lists of the ledger."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.http import QueryDict
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from access.requests import PageRequest
from access.roles import Permission
from console.columns import Row
from console.filters import (
    Bound,
    BoundFilters,
    Chip,
    ChoiceFilter,
    DateFilter,
    DateKind,
    IdFilter,
    Keyword,
    KeywordFilter,
)
from console.lists import ListPage
from core.scope import Scope
from ledger import naming, queries, tables
from ledger.models import Account
from ledger.pages import rows

_LONGEST_NUMBER = 18


@dataclass(frozen=True)
class NumberFilter(IdFilter):
    """A number set by a link from elsewhere; `written` names it to people."""

    written: Callable[[int], str] = str

    def bind(self, params: QueryDict, today: date) -> Bound:
        """Read the number."""
        bound = super().bind(params, today)
        given = bound.state["value"]
        if not given or bound.error:
            return bound
        if not (given.isascii() and given.isdecimal() and len(given) <= _LONGEST_NUMBER):
            error = _("숫자가 아니에요: %(value)s") % {"value": given[:20]}
            return Bound(self, error=error, params=bound.params, state=bound.state)
        number = int(given)
        condition = Q(**{self.field or self.key: number})
        chip = Chip(str(self.label), self.written(number))
        return Bound(self, condition=condition, params=bound.params, chip=chip, state=bound.state)


def _code(number: int) -> str:
    return f"{number} {naming.account(number)}" if number in naming.codes() else str(number)


class AccountList(ListPage):
    """Every account with its balance; debits and credits of all accounts are equal."""

    slug = "ledger-accounts"
    url_name = "ledger:accounts"
    title = gettext_lazy("계정")
    permission = Permission.VIEW
    columns = tables.ACCOUNT_COLUMNS
    order = ("chart_id", "owner_kind", "owner", "currency", "id")
    id_key = "id"
    extra = ("chart_id", "owner_kind", "owner")
    currency = "currency"
    filters = (
        KeywordFilter(
            (
                Keyword("owner", gettext_lazy("소유자"), ("owner",), exact=True),
                Keyword("name", gettext_lazy("계정 이름"), ("chart__name", "chart__english")),
            ),
        ),
        ChoiceFilter("group", gettext_lazy("구분"), tables.GROUPS),
        NumberFilter("code", gettext_lazy("계정 코드"), "chart_id", written=_code),
        IdFilter("owner", gettext_lazy("소유자")),
        IdFilter("currency", gettext_lazy("통화")),
    )
    blank = gettext_lazy("아직 계정이 없어요. 정산건을 등록하면 필요한 계정이 만들어져요.")

    def queryset(self, scope: Scope) -> QuerySet[Any]:
        """Return the accounts of a scope with their balances."""
        return rows.account_rows(scope)

    def row_url(self, row: Row) -> str | None:
        """Open the account's entries."""
        return tables.account_url(row["id"])


class EntryList(ListPage):
    """The entries of one account, or of all; with one account, its balance before and after the period."""

    slug = "ledger-entries"
    url_name = "ledger:entries"
    title = gettext_lazy("계정 원장")
    permission = Permission.VIEW
    columns = tables.ENTRY_COLUMNS
    order = ("-journal_id", "-leg_no")
    id_key = "journal_id"
    extra = (
        "account_id",
        "account__chart_id",
        "component",
        "journal__event_type",
        "journal__origin_kind",
        "journal__origin_id",
    )
    currency = "currency"
    template = "ledger/entries.html"
    filters = (
        DateFilter(
            (
                DateKind("effective", gettext_lazy("회계일"), "journal__effective_date"),
                DateKind("business", gettext_lazy("업무일"), "journal__business_date"),
            ),
        ),
        KeywordFilter(
            (
                Keyword("origin", gettext_lazy("근거 아이디"), ("journal__origin_id",), exact=True),
                Keyword("owner", gettext_lazy("소유자"), ("account__owner",), exact=True),
            ),
        ),
        NumberFilter("account", gettext_lazy("계정 번호"), "account_id"),
        NumberFilter("code", gettext_lazy("계정 코드"), "account__chart_id", written=_code),
        IdFilter("currency", gettext_lazy("통화")),
    )

    def queryset(self, scope: Scope) -> QuerySet[Any]:
        """Return the entries of a scope."""
        return rows.entry_rows(scope)

    def row_url(self, row: Row) -> str | None:
        """Open the journal."""
        return tables.journal_url(row["journal_id"])

    def context(self, request: PageRequest) -> dict[str, object]:
        """Return the account and its balances, when the list is about one."""
        filters = self.bind(request.GET)
        bound = filters.named("account")
        if not bound.state["value"] or bound.error:
            return {}
        accounts = Account.objects.within(request.scope).select_related("chart")
        account = get_object_or_404(accounts, pk=int(bound.state["value"]))
        owner = tables.owner_url({"owner_kind": account.owner_kind, "owner": account.owner})
        return {
            "account": account,
            "account_name": naming.account(account.code),
            "owner_url": owner,
            "owner_kind": tables.OWNER_KINDS.get(account.owner_kind, account.owner_kind),
            "balances": _balances(account, filters),
        }


def _balances(account: Account, filters: BoundFilters) -> list[tuple[str, int]]:
    """Return what the account held, in its own direction: before the period and after it, or now."""
    state, side = filters.named("date").state, account.chart.side

    def on(day: date | None) -> int:
        return queries.balances([account.pk], day)[account.pk].balance * side

    found = [(_("지금 잔액"), on(None))]
    # Balances follow the accounting day, so a period of business days has none of its own.
    if state.get("kind") != "effective" or "first" not in state:
        return found
    if state["first"]:
        found.append((_("기초 잔액"), on(state["first"] - timedelta(days=1))))
    if state["last"]:
        found.append((_("기말 잔액"), on(state["last"])))
    return found


class JournalList(ListPage):
    """Every journal, newest accounting day first."""

    slug = "ledger-journals"
    url_name = "ledger:journals"
    title = gettext_lazy("분개")
    permission = Permission.VIEW
    columns = tables.JOURNAL_COLUMNS
    order = ("-effective_date", "-id")
    id_key = "id"
    extra = ("event_type", "origin_kind", "origin_id", "entry_currency")
    filters = (
        DateFilter(
            (
                DateKind("effective", gettext_lazy("회계일"), "effective_date"),
                DateKind("business", gettext_lazy("업무일"), "business_date"),
                DateKind("recorded", gettext_lazy("기록일"), "recorded_at", moment=True),
            ),
        ),
        KeywordFilter(
            (
                Keyword("origin", gettext_lazy("근거 아이디"), ("origin_id",), exact=True),
                Keyword("key", gettext_lazy("사건 키"), ("event_key",), exact=True),
                Keyword("request", gettext_lazy("요청 번호"), ("request_id",), exact=True),
                Keyword("actor", gettext_lazy("한 사람"), ("actor",)),
                Keyword("memo", gettext_lazy("메모"), ("memo",)),
            ),
        ),
        ChoiceFilter("event", gettext_lazy("종류"), tuple(naming.events()), field="event_type", counts=False),
        IdFilter("origin_kind", gettext_lazy("근거 종류")),
    )
    blank = gettext_lazy("아직 분개가 없어요. 정산건이나 지급이 생기면 자동으로 기록돼요.")

    def queryset(self, scope: Scope) -> QuerySet[Any]:
        """Return the journals of a scope."""
        return rows.journal_rows(scope)

    def row_url(self, row: Row) -> str | None:
        """Open the journal."""
        return tables.journal_url(row["id"])

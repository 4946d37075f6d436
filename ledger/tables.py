"""Columns of the ledger's lists, and where their cells lead."""

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from console import registry
from console.columns import Column, Kind, Label, Row
from ledger import naming

# The first digit of a code says what kind of account it is.
GROUPS: tuple[tuple[str, Label], ...] = (
    ("1", _("자산")),
    ("2", _("부채")),
    ("3", _("자본")),
    ("4", _("수익")),
    ("5", _("비용")),
)
OWNER_KINDS: dict[str, Label] = {
    "partner": _("파트너"),
    "bank_account": _("입출금 계좌"),
    "channel": _("결제 채널"),
    "currency": _("통화"),
    "policy": _("정책"),
    "reason": _("사유"),
    "tax_month": _("귀속 월"),
    "third_party": _("제3자"),
    "vendor": _("공급사"),
}


def account_url(account_id: object) -> str:
    """Return the page of one account: its entries."""
    return f"{reverse('ledger:entries')}?account={account_id}"


def journal_url(journal_id: object) -> str:
    """Return the page of one journal."""
    return reverse("ledger:journal", args=[journal_id])


def owner_url(row: Row) -> str | None:
    """Return the page of an account's owner, where somebody shows it."""
    kind, owner = str(row.get("owner_kind") or ""), str(row.get("owner") or "")
    link = registry.origin_link(kind, owner)
    return link.url if link else None


def origin_url(row: Row) -> str | None:
    """Return the page of what a journal is about."""
    prefix = "journal__" if "journal__origin_kind" in row else ""
    kind, public_id = row.get(f"{prefix}origin_kind"), row.get(f"{prefix}origin_id")
    link = registry.origin_link(str(kind or ""), str(public_id or ""))
    return link.url if link else None


def _journal_of(row: Row) -> str:
    return journal_url(row["journal_id"])


def _account_of_entry(row: Row) -> str:
    return account_url(row["account_id"])


ACCOUNT_COLUMNS = (
    Column("chart_id", _("계정 코드")),
    Column("account_name", _("계정"), value=lambda row: naming.account(int(str(row["chart_id"]))), width=24),
    Column(
        "owner_kind_name",
        _("소유자 종류"),
        value=lambda row: str(OWNER_KINDS.get(str(row["owner_kind"]), row["owner_kind"])),
        default=False,
    ),
    Column("owner", _("소유자"), Kind.ID, link=owner_url),
    Column("currency", _("통화")),
    Column("debit_balance", _("차변 잔액"), Kind.WON, total=True, currency="currency"),
    Column("credit_balance", _("대변 잔액"), Kind.WON, total=True, currency="currency"),
    Column("opened_at", _("만든 때"), Kind.MOMENT, default=False),
)

ENTRY_COLUMNS = (
    Column("journal_id", _("분개"), link=_journal_of),
    Column("journal__effective_date", _("회계일"), Kind.DATE),
    Column("event_name", _("종류"), value=lambda row: naming.event(str(row["journal__event_type"]))),
    Column("component_name", _("항목"), value=lambda row: naming.component(str(row["component"]))),
    Column(
        "account_name",
        _("계정"),
        value=lambda row: f"{row['account__chart_id']} {naming.account(int(str(row['account__chart_id'])))}",
        link=_account_of_entry,
    ),
    Column("account__owner", _("소유자"), Kind.ID, default=False),
    Column("journal__origin_id", _("근거"), Kind.ID, link=origin_url),
    Column("debit", _("차변"), Kind.WON, total=True, currency="currency"),
    Column("credit", _("대변"), Kind.WON, total=True, currency="currency"),
    Column("currency", _("통화"), default=False),
    Column("journal__business_date", _("업무일"), Kind.DATE, default=False),
    Column("journal__recorded_at", _("기록한 때"), Kind.MOMENT, default=False),
    Column("journal__actor", _("한 사람"), default=False),
    Column("journal__memo", _("메모"), default=False),
)

JOURNAL_COLUMNS = (
    Column("id", _("분개 번호")),
    Column("effective_date", _("회계일"), Kind.DATE, sortable=True),
    Column("event_name", _("종류"), value=lambda row: naming.event(str(row["event_type"]))),
    Column("origin_id", _("근거"), Kind.ID, link=origin_url),
    Column("amount", _("금액"), Kind.WON, currency="entry_currency"),
    Column("leg_count", _("항목 수"), Kind.COUNT),
    Column("actor", _("한 사람")),
    Column("recorded_at", _("기록한 때"), Kind.MOMENT),
    Column("business_date", _("업무일"), Kind.DATE, default=False),
    Column("event_key", _("사건 키"), Kind.ID, default=False),
    Column("reverses_id", _("되돌린 분개"), default=False),
    Column("request_id", _("요청 번호"), Kind.ID, default=False),
    Column("memo", _("메모"), default=False),
)

LEG_COLUMNS = (
    Column(
        "account",
        _("계정"),
        value=lambda row: f"{row['code']} {naming.account(int(str(row['code'])))}",
        link=lambda row: account_url(row["account_id"]),
    ),
    Column("owner", _("소유자"), Kind.ID, link=owner_url),
    Column("component", _("항목"), value=lambda row: naming.component(str(row["part"]))),
    Column("debit", _("차변"), Kind.WON, currency="currency"),
    Column("credit", _("대변"), Kind.WON, currency="currency"),
)

JOURNALS_OF_COLUMNS = (
    Column("id", _("분개 번호"), link=lambda row: journal_url(row["id"])),
    Column("effective_date", _("회계일"), Kind.DATE),
    Column("event_name", _("종류"), value=lambda row: naming.event(str(row["event_type"]))),
    Column("amount", _("금액"), Kind.WON),
    Column("actor", _("한 사람")),
    Column("recorded_at", _("기록한 때"), Kind.MOMENT),
)

TRIAL_COLUMNS = (
    Column("code", _("계정 코드")),
    Column("name", _("계정")),
    Column("accounts", _("계정 수"), Kind.COUNT),
    Column("debit", _("차변 합계"), Kind.WON),
    Column("credit", _("대변 합계"), Kind.WON),
    Column("debit_balance", _("차변 잔액"), Kind.WON),
    Column("credit_balance", _("대변 잔액"), Kind.WON),
)

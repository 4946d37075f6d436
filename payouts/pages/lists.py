"""The lists: bulk payouts, payouts, what waits for an approval, what the bank has not told, account movements."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, ClassVar

from django.db.models import Q, QuerySet
from django.http import QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from access.requests import PageRequest
from access.roles import Permission, allowed
from console.columns import Column, Kind, Label, Row, moment
from console.filters import (
    BooleanFilter,
    Bound,
    Chip,
    ChoiceFilter,
    DateFilter,
    DateKind,
    Filter,
    IdFilter,
    Keyword,
    KeywordFilter,
)
from console.lists import ListPage
from console.selection import BulkAction
from core import clock
from core.scope import Scope
from ledger import naming
from payouts.models import BulkPayout, BulkStatus, HandOutcome, Payout, PayoutMethod, PayoutStatus
from payouts.operations.approval import APPROVAL_LIFE
from payouts.pages import reads, shown, stops
from payouts.pages.links import bulk_url, origin_url, payout_url
from settlement.models import SettlementAmountType
from settlement.pages import banks


@dataclass(frozen=True)
class BankFilter(Filter):
    """One bank, chosen from a list: there are too many for check boxes."""

    key: str
    label: Label
    template: ClassVar[str] = "payouts/_bank_filter.html"

    def bind(self, params: QueryDict, today: date) -> Bound:  # noqa: ARG002 - the signature of every filter
        """Read the bank's code."""
        given = params.get(self.key, "").strip()
        state = {"value": given, "options": banks.choices()}
        if not given:
            return Bound(self, state=state)
        if given not in dict(banks.choices()):
            error = _("고를 수 없는 값이에요: %(value)s") % {"value": given[:20]}
            return Bound(self, error=error, params=((self.key, given),), state=state)
        chip = Chip(str(self.label), banks.name(given))
        return Bound(self, condition=Q(bank=given), params=((self.key, given),), chip=chip, state=state)


def _progress_columns() -> tuple[Column, ...]:
    labels = {
        "waiting": (gettext_lazy("예정 건수"), gettext_lazy("예정 금액")),
        "sending": (gettext_lazy("처리 중 건수"), gettext_lazy("처리 중 금액")),
        "succeeded": (gettext_lazy("성공 건수"), gettext_lazy("성공 금액")),
        "failed": (gettext_lazy("실패 건수"), gettext_lazy("실패 금액")),
        "stopped": (gettext_lazy("중단 건수"), gettext_lazy("중단 금액")),
        "cancelled": (gettext_lazy("취소 건수"), gettext_lazy("취소 금액")),
    }
    first = {"waiting", "succeeded", "failed"}
    return tuple(
        column
        for name, (count, amount) in labels.items()
        for column in (
            Column(f"{name}_count", count, Kind.COUNT, default=name in first),
            Column(f"{name}_amount", amount, Kind.WON, default=name == "succeeded"),
        )
    )


def _method(value: object) -> str:
    return str(shown.METHODS[str(value)])


class BulkPayoutList(ListPage):
    """일괄지급 내역: one row per bulk payout."""

    slug = "bulk-payouts"
    url_name = "payouts:bulk-payouts"
    title = gettext_lazy("일괄지급 내역")
    permission = Permission.VIEW
    order = ("-created_at", "-id")
    columns = (
        Column("name", gettext_lazy("이름")),
        Column("public_id", gettext_lazy("일괄지급 번호"), Kind.ID),
        Column("status", gettext_lazy("상태"), Kind.BADGE, badges=shown.BULK_BADGES),
        Column("total_amount", gettext_lazy("지급 금액"), Kind.WON, total=True),
        Column("payout_count", gettext_lazy("지급 건수"), Kind.COUNT, total=True),
        *_progress_columns(),
        Column("total_settlement_amount", gettext_lazy("정산 금액"), Kind.SIGNED_WON, default=False),
        Column("scheduled_at", gettext_lazy("예약 시각"), Kind.MOMENT),
        Column("creator_name", gettext_lazy("만든 사람")),
        Column("created_at", gettext_lazy("등록한 때"), Kind.MOMENT, sortable=True),
        Column("method_name", gettext_lazy("지급 방법"), value=lambda row: _method(row["method"]), default=False),
        Column("bank_account__name", gettext_lazy("지급 계좌"), default=False),
        Column("submitted_at", gettext_lazy("승인 요청한 때"), Kind.MOMENT, default=False),
        Column("approved_at", gettext_lazy("승인된 때"), Kind.MOMENT, default=False),
        Column("status_changed_at", gettext_lazy("상태가 바뀐 때"), Kind.MOMENT, default=False),
        Column("updated_at", gettext_lazy("수정한 때"), Kind.MOMENT, default=False),
    )
    extra = ("status", "method")
    filters = (
        DateFilter(
            (
                DateKind("created", gettext_lazy("등록일"), "created_at", moment=True),
                DateKind("changed", gettext_lazy("상태변경일"), "status_changed_at", moment=True),
                DateKind("scheduled", gettext_lazy("예약일"), "scheduled_at", moment=True),
            ),
        ),
        KeywordFilter(
            (
                Keyword("name", gettext_lazy("이름"), ("name",)),
                Keyword("id", gettext_lazy("일괄지급 번호"), ("public_id",), exact=True),
                Keyword("creator", gettext_lazy("만든 사람"), ("creator_name",)),
            ),
        ),
        ChoiceFilter("status", gettext_lazy("상태"), tuple(BulkStatus.choices), badges=shown.BULK_BADGES),
        ChoiceFilter("method", gettext_lazy("지급 방법"), tuple(PayoutMethod.choices), counts=False),
    )
    blank = gettext_lazy("아직 일괄지급이 없어요. 정산 내역 관리에서 지급할 내역을 고르면 만들 수 있어요.")

    def queryset(self, scope: Scope) -> QuerySet[BulkPayout]:
        """Return the bulk payouts of a scope."""
        return reads.bulk_rows(scope)

    def row_url(self, row: Row) -> str | None:
        """Open the bulk payout."""
        return bulk_url(row["public_id"])

    def row_class(self, row: Row) -> str:
        """Set the cancelled ones back."""
        return "muted" if row["status"] == BulkStatus.CANCELLED else ""


def _account(row: Row) -> str:
    return shown.destination(str(row["bank"]), str(row["account_last4"]))


def _new_destination(row: Row) -> str:
    changed_at, made_at = row["partner__account_changed_at"], row["partner__created_at"]
    return shown.destination_note(bool(row["is_new_destination"]), changed_at, made_at)


_PARTNER = Column("partner__name", gettext_lazy("파트너"))
_PARTNER_ID = Column(
    "partner__public_id",
    gettext_lazy("파트너 아이디"),
    Kind.ID,
    default=False,
    link=lambda row: origin_url("partner", row["partner__public_id"]),
)
_ID = Column("public_id", gettext_lazy("지급 번호"), Kind.ID)
_STATUS = Column("status", gettext_lazy("상태"), Kind.BADGE, badges=shown.PAYOUT_BADGES)
_AMOUNT = Column("amount", gettext_lazy("지급 금액"), Kind.WON, total=True, currency="currency")
_ACCOUNT = Column("account", gettext_lazy("받는 계좌"), value=_account)
_HOLDER = Column("account_holder", gettext_lazy("예금주"), default=False)
_BULK_ID = Column(
    "bulk_payout__public_id",
    gettext_lazy("일괄지급 번호"),
    Kind.ID,
    link=lambda row: bulk_url(row["bulk_payout__public_id"]),
)
_FIGURES = (
    Column("settlement_amount", gettext_lazy("정산 금액"), Kind.SIGNED_WON, total=True, currency="currency"),
    Column("income_tax_amount", gettext_lazy("소득세"), Kind.WON, default=False, total=True, currency="currency"),
    Column(
        "local_income_tax_amount", gettext_lazy("지방소득세"), Kind.WON, default=False, total=True, currency="currency"
    ),
    Column("supply_amount", gettext_lazy("확정 공급가액"), Kind.SIGNED_WON, default=False, currency="currency"),
    Column("vat_amount", gettext_lazy("확정 부가세액"), Kind.SIGNED_WON, default=False, currency="currency"),
    Column("tax_free_amount", gettext_lazy("확정 면세액"), Kind.SIGNED_WON, default=False, currency="currency"),
    Column(
        "settlement_tax_free_amount", gettext_lazy("정산 면세액"), Kind.SIGNED_WON, default=False, currency="currency"
    ),
)
_WORDS = (
    Column("withdrawal_memo", gettext_lazy("내 통장 표시"), default=False),
    Column("deposit_memo", gettext_lazy("받는 통장 표시"), default=False),
    Column("memo", gettext_lazy("메모"), default=False),
)
_FAIL = Column("failure", gettext_lazy("실패 사유"), value=shown.failure)
# What the pages of partners and settlements show of their payouts.
RELATED_COLUMNS = (
    Column("public_id", _ID.label, Kind.ID, link=lambda row: payout_url(row["public_id"])),
    _STATUS,
    _AMOUNT,
    _FAIL,
    Column("created_at", gettext_lazy("등록한 때"), Kind.MOMENT),
)
_EXTRA = (
    "status",
    "bank",
    "account_last4",
    "fail_code",
    "fail_reason",
    "is_new_destination",
    "partner__account_changed_at",
    "partner__created_at",
    "deduct_wht",
    "settlement_amount_type",
    "bulk_payout__method",
)


def row_class(row: Row) -> str:
    """Mark the payouts that need somebody, set back those that were cancelled."""
    if row["status"] in (PayoutStatus.FAILED, PayoutStatus.RETURNED, PayoutStatus.UNKNOWN):
        return "attention"
    return "muted" if row["status"] == PayoutStatus.CANCELLED else ""


AGAIN = BulkAction(
    "pay-again", gettext_lazy("다시 지급하기"), Permission.PAYOUTS_SUBMIT, url_name="payouts:again", icon="arrow-path"
)

# They were paid outside after all.
BY_HAND = BulkAction(
    "by-hand-again",
    gettext_lazy("직접 지급 기록"),
    Permission.PAYOUTS_SUBMIT,
    url_name="payouts:by-hand-again",
    icon="hand-raised",
)


class PayoutList(ListPage):
    """지급 내역: one row per payout, with the reason when it failed."""

    slug = "payouts"
    url_name = "payouts:payouts"
    title = gettext_lazy("지급 내역")
    permission = Permission.VIEW
    order = ("-created_at", "-id")
    currency = "currency"
    columns = (
        _PARTNER,
        _ID,
        _STATUS,
        _AMOUNT,
        *_FIGURES,
        _ACCOUNT,
        _HOLDER,
        Column("new", gettext_lazy("계좌 확인"), value=_new_destination, default=False),
        _FAIL,
        _BULK_ID,
        Column("bulk_payout__name", gettext_lazy("일괄지급 이름"), default=False),
        Column("created_at", gettext_lazy("등록한 때"), Kind.MOMENT, sortable=True),
        Column("status_changed_at", gettext_lazy("상태가 바뀐 때"), Kind.MOMENT),
        Column("bulk_payout__scheduled_at", gettext_lazy("예약 시각"), Kind.MOMENT, default=False),
        _PARTNER_ID,
        Column("settlement_count", gettext_lazy("정산 내역 수"), Kind.COUNT, default=False),
        *_WORDS,
        Column(
            "method",
            gettext_lazy("지급 방법"),
            value=lambda row: _method(row["bulk_payout__method"]),
            default=False,
        ),
        Column(
            "deducts",
            gettext_lazy("원천징수 설정"),
            value=lambda row: _("원천징수함") if row["deduct_wht"] else _("원천징수 안 함"),
            default=False,
        ),
        Column(
            "vat_setting",
            gettext_lazy("부가세 설정"),
            value=lambda row: str(SettlementAmountType(str(row["settlement_amount_type"])).label),
            default=False,
        ),
        Column("currency", gettext_lazy("통화"), default=False),
    )
    extra = _EXTRA
    filters = (
        DateFilter(
            (
                DateKind("created", gettext_lazy("등록일"), "created_at", moment=True),
                DateKind("changed", gettext_lazy("상태변경일"), "status_changed_at", moment=True),
                DateKind("scheduled", gettext_lazy("예약일"), "bulk_payout__scheduled_at", moment=True),
            ),
        ),
        KeywordFilter(
            (
                Keyword("partner", gettext_lazy("파트너 이름"), ("partner__name",)),
                Keyword("id", gettext_lazy("지급 번호"), ("public_id",), exact=True),
                Keyword("partner-id", gettext_lazy("파트너 아이디"), ("partner__public_id",), exact=True),
                Keyword("bulk-id", gettext_lazy("일괄지급 번호"), ("bulk_payout__public_id",), exact=True),
                Keyword("bulk", gettext_lazy("일괄지급 이름"), ("bulk_payout__name",)),
                Keyword("holder", gettext_lazy("예금주"), ("account_holder",)),
                Keyword("code", gettext_lazy("은행 코드 번호"), ("fail_code",), exact=True),
            ),
        ),
        BankFilter("bank", gettext_lazy("은행")),
        ChoiceFilter("status", gettext_lazy("상태"), tuple(PayoutStatus.choices), badges=shown.PAYOUT_BADGES),
        IdFilter("partner", gettext_lazy("파트너"), "partner__public_id"),
        IdFilter("bulk", gettext_lazy("일괄지급"), "bulk_payout__public_id"),
    )
    actions = (AGAIN, BY_HAND)
    blank = gettext_lazy("아직 지급이 없어요. 일괄지급을 만들면 파트너마다 한 건씩 여기에 나와요.")

    def queryset(self, scope: Scope) -> QuerySet[Payout]:
        """Return the payouts of a scope."""
        return Payout.objects.within(scope)

    def row_url(self, row: Row) -> str | None:
        """Open the payout."""
        return payout_url(row["public_id"])

    def row_class(self, row: Row) -> str:
        """Mark what needs somebody, set back what was cancelled."""
        return row_class(row)


def _expires(row: Row) -> str:
    submitted = row["submitted_at"]
    return moment(submitted + APPROVAL_LIFE) if isinstance(submitted, datetime) else ""


class ApprovalList(ListPage):
    """승인 대기: the queue of whoever approves, the oldest first."""

    slug = "payout-approvals"
    url_name = "payouts:approvals"
    title = gettext_lazy("승인 대기")
    intro = gettext_lazy(
        "돈이 나가기 전에, 만든 사람이 아닌 승인자가 내용을 확인해요. 72시간이 지나면 다시 요청해야 해요."
    )
    permission = Permission.VIEW
    order = ("status_changed_at", "id")
    columns = (
        Column("name", gettext_lazy("이름")),
        Column("public_id", gettext_lazy("일괄지급 번호"), Kind.ID),
        Column("total_amount", gettext_lazy("지급 금액"), Kind.WON, total=True),
        Column("payout_count", gettext_lazy("지급 건수"), Kind.COUNT, total=True),
        Column(
            "approvals",
            gettext_lazy("받은 승인"),
            value=lambda row: f"{row['approved']} / {row['approvals_needed']}",
        ),
        Column("new_destinations", gettext_lazy("처음 보내는 계좌"), Kind.COUNT),
        Column("creator_name", gettext_lazy("만든 사람")),
        Column("submitted_at", gettext_lazy("승인 요청한 때"), Kind.MOMENT),
        Column("expires", gettext_lazy("승인 기한"), value=_expires),
        Column("scheduled_at", gettext_lazy("예약 시각"), Kind.MOMENT),
        Column("bank_account__name", gettext_lazy("지급 계좌"), default=False),
    )
    extra = ("submitted_at", "approved", "approvals_needed")
    blank = gettext_lazy("지금은 승인을 기다리는 일괄지급이 없어요.")

    def queryset(self, scope: Scope) -> QuerySet[BulkPayout]:
        """Return what waits for an approval."""
        return reads.approval_rows(scope)

    def row_url(self, row: Row) -> str | None:
        """Open the bulk payout, where it is decided."""
        return bulk_url(row["public_id"])


def _last_answer(row: Row) -> str:
    outcome = str(row["last_outcome"] or "")
    if not outcome:
        return _("답이 없어요")
    words = [str(shown.OUTCOME_BADGES[outcome].label), str(row["last_code"] or "")]
    return " ".join(word for word in words if word)


def _proposed(row: Row) -> str:
    outcome = str(row["proposed"] or "")
    return str(HandOutcome(outcome).label) if outcome else ""


class UnknownList(ListPage):
    """확인 필요: payouts the bank may or may not have made, the oldest first."""

    slug = "unknown-payouts"
    url_name = "payouts:unknown"
    title = gettext_lazy("확인 필요")
    intro = gettext_lazy(
        "은행의 최종 답을 받지 못한 지급이에요. 결과를 알기 전에는 다시 보내지 않고, 정해진 때마다 은행에 물어봐요."
    )
    permission = Permission.VIEW
    template = "payouts/unknown.html"
    order = ("status_changed_at", "id")
    currency = "currency"
    columns = (
        _PARTNER,
        _ID,
        _STATUS,
        _AMOUNT,
        _ACCOUNT,
        Column("waited", gettext_lazy("기다린 시간"), value=lambda row: shown.waited(clock.now(), row["submitted_at"])),
        Column("submitted_at", gettext_lazy("이체를 지시한 때"), Kind.MOMENT, default=False),
        Column("next_inquiry_at", gettext_lazy("다음 조회"), Kind.MOMENT),
        Column("inquiries", gettext_lazy("조회 횟수"), Kind.COUNT, default=False),
        Column("answer", gettext_lazy("마지막 답"), value=_last_answer),
        Column("last_at", gettext_lazy("답을 받은 때"), Kind.MOMENT),
        Column("proposal", gettext_lazy("올린 결과"), value=_proposed),
        Column("reference", gettext_lazy("이체 번호"), Kind.ID),
        Column("last_message", gettext_lazy("은행의 말"), default=False),
        Column("attempt_no", gettext_lazy("시도"), Kind.COUNT, default=False),
        _HOLDER,
        _BULK_ID,
    )
    extra = ("bank", "account_last4", "last_outcome", "last_code", "submitted_at", "proposed")
    filters = (
        KeywordFilter(
            (
                Keyword("partner", gettext_lazy("파트너 이름"), ("partner__name",)),
                Keyword("id", gettext_lazy("지급 번호"), ("public_id",), exact=True),
                Keyword("reference", gettext_lazy("이체 번호"), ("reference",), exact=True),
            ),
        ),
    )
    blank = gettext_lazy("결과를 모르는 지급이 없어요. 은행이 답하지 않은 지급이 생기면 여기에서 볼 수 있어요.")

    def queryset(self, scope: Scope) -> QuerySet[Payout]:
        """Return the payouts without a known result."""
        return reads.unknown_rows(scope)

    def row_url(self, row: Row) -> str | None:
        """Open the page on which it is worked off."""
        return reverse("payouts:case", args=[row["public_id"]])

    def context(self, request: PageRequest) -> dict[str, object]:
        """Show the results that wait for a second person above the list."""
        return {"proposals": reads.proposals(request.scope)}


def _movement_url(row: Row) -> str | None:
    return origin_url(str(row["journal__origin_kind"]), row["journal__origin_id"])


class MovementList(ListPage):
    """계좌 거래: the accounts that pay, what they hold, and what moved on them."""

    slug = "account-movements"
    url_name = "payouts:accounts"
    title = gettext_lazy("계좌 거래")
    intro = gettext_lazy("지급 계좌의 장부 잔액과 입출금이에요. 은행이 확인한 거래만 나와요.")
    permission = Permission.VIEW
    template = "payouts/accounts.html"
    order = ("-journal_id", "-leg_no")
    id_key = "journal_id"
    currency = "currency"
    columns = (
        Column("event", gettext_lazy("거래"), value=lambda row: naming.event(str(row["journal__event_type"]))),
        Column("amount", gettext_lazy("금액"), Kind.SIGNED_WON, total=True, currency="currency"),
        Column("balance_after", gettext_lazy("거래 뒤 잔액"), Kind.SIGNED_WON, currency="currency"),
        Column("account_name", gettext_lazy("지급 계좌")),
        Column("journal__effective_date", gettext_lazy("거래일"), Kind.DATE),
        Column("journal__origin_id", gettext_lazy("근거"), Kind.ID, link=_movement_url),
        Column("partner_name", gettext_lazy("파트너")),
        Column("journal__recorded_at", gettext_lazy("기록한 때"), Kind.MOMENT),
        Column("journal__memo", gettext_lazy("메모"), default=False),
        Column("journal__actor", gettext_lazy("한 사람"), default=False),
        Column("currency", gettext_lazy("통화"), default=False),
    )
    extra = ("journal__event_type", "journal__origin_kind", "journal__origin_id")
    filters = (
        DateFilter(
            (
                DateKind("effective", gettext_lazy("거래일"), "journal__effective_date"),
                DateKind("recorded", gettext_lazy("기록한 날"), "journal__recorded_at", moment=True),
            ),
        ),
        KeywordFilter(
            (
                Keyword("origin", gettext_lazy("근거 번호"), ("journal__origin_id",), exact=True),
                Keyword("partner", gettext_lazy("파트너 이름"), ("partner_name",)),
                Keyword("memo", gettext_lazy("메모"), ("journal__memo",)),
            )
        ),
        ChoiceFilter("kind", gettext_lazy("거래"), shown.MOVEMENT_KINDS, field="journal__event_type", counts=False),
        BooleanFilter(
            "in",
            gettext_lazy("입출금"),
            yes=gettext_lazy("입금"),
            no=gettext_lazy("출금"),
            condition=lambda wanted: Q(amount__gt=0) if wanted else Q(amount__lt=0),
        ),
        IdFilter("account", gettext_lazy("지급 계좌"), "owner"),
    )
    blank = gettext_lazy("아직 입출금이 없어요. 지급이 나가거나 돈이 들어오면 여기에 나와요.")

    def queryset(self, scope: Scope) -> QuerySet[Any]:
        """Return the entries on the bank accounts of a scope."""
        return reads.movements(scope)

    def row_url(self, row: Row) -> str | None:
        """Open what moved the money."""
        return _movement_url(row)

    def context(self, request: PageRequest) -> dict[str, object]:
        """Show the accounts above their movements."""
        accounts = [
            (row, shown.destination(row.bank, row.last4), funds) for row, funds in reads.bank_accounts(request.scope)
        ]
        return {
            "accounts": accounts,
            "switch": stops.panel(request),
            "turnovers": self._turnovers(request),
            "may_add": allowed(request.role, Permission.MANAGE),
        }

    def _turnovers(self, request: PageRequest) -> list[reads.Turnover]:
        """Return opening and closing balance of the chosen days, per account and currency; none without days."""
        chosen = self.bind(request.GET).named("date").state
        first, last, by_day = chosen.get("first"), chosen.get("last"), chosen.get("kind") == "effective"
        return reads.turnovers(request.scope, first, last) if by_day and (first or last) else []

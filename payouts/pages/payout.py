"""The page of one payout: what it is made of, where it goes, what the bank said, what was posted."""

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_lazy

from access.requests import PageRequest
from access.roles import Permission, allowed
from console.columns import Column, Kind
from console.filters import encode
from console.pages import PageView
from payouts import queries
from payouts.models import Attempt, Payout, PayoutStatus
from payouts.operations.results import ADVICE
from payouts.pages import links, lists, review, shown
from payouts.pages.story import story
from payouts.rails.base import failure_class
from settlement.models import RecordType

SHOWN_SETTLEMENTS = 200
_PAY_AGAIN = (PayoutStatus.FAILED, PayoutStatus.RETURNED, PayoutStatus.STOPPED, PayoutStatus.CANCELLED)

SETTLEMENT_COLUMNS = (
    Column(
        "public_id",
        gettext_lazy("정산 내역"),
        Kind.ID,
        link=lambda row: links.origin_url("partner_settlement", row["public_id"]),
    ),
    Column("type", gettext_lazy("정산 유형"), value=lambda row: str(RecordType(str(row["type"])).label)),
    Column("settlement_date", gettext_lazy("정산일"), Kind.DATE),
    Column("record_count", gettext_lazy("정산건 수"), Kind.COUNT),
    Column("net", gettext_lazy("정산 금액"), Kind.SIGNED_WON),
)


class PayoutPage(PageView):
    """One payout."""

    permission = Permission.VIEW
    title = gettext_lazy("지급")

    def get(self, request: PageRequest, payout_id: str) -> HttpResponse:
        """Show the payout."""
        payout = queries.find_payout(request.scope, payout_id)
        attempts = list(payout.attempts.order_by("-attempt_no"))
        settlements = queries.settlements_of(payout)
        rows = list(settlements.values(*(column.key for column in SETTLEMENT_COLUMNS))[:SHOWN_SETTLEMENTS])
        may_retry = payout.status in _PAY_AGAIN and allowed(request.role, Permission.PAYOUTS_SUBMIT)
        context = {
            "title": payout.partner.name,
            "payout": payout,
            "bulk": payout.bulk_payout,
            "status": shown.PAYOUT_BADGES[payout.status],
            "bulk_status": shown.BULK_BADGES[payout.bulk_payout.status],
            "account": shown.destination(payout.bank, payout.account_last4),
            "partner_url": links.origin_url("partner", payout.partner.public_id),
            "advice": shown.told(payout.fail_reason),
            "waiting": _waiting(payout, attempts),
            "pay_again": lists.AGAIN if may_retry else None,
            "by_hand": lists.BY_HAND,
            "settlement_columns": SETTLEMENT_COLUMNS,
            "settlements": rows,
            "settlements_hidden": max(payout.settlement_count - SHOWN_SETTLEMENTS, 0),
            "settlements_url": _settlements_url(payout),
            "destination_note": shown.destination_note(
                payout.is_new_destination, payout.partner.account_changed_at, payout.partner.created_at
            ),
            "attempts": [(row, shown.ATTEMPT_BADGES[row.state]) for row in attempts],
            "story": story(payout, attempts),
            "planned": _planned(payout),
            "replaced_by": payout.replaced_by.order_by("pk").first(),
            "completion": getattr(payout, "completion", None),
        }
        return render(request, "payouts/payout.html", context)


def _planned(payout: Payout) -> list[review.Step]:
    """Return the journals that paying will post, while it has not begun."""
    if payout.status not in (PayoutStatus.CONFIRMED, PayoutStatus.SCHEDULED) or not payout.amount:
        return []
    bulk = payout.bulk_payout
    return review.planned(queries.money_of(payout, bulk.bank_account), bulk)


def _settlements_url(payout: Payout) -> str:
    conditions = [("payout", payout.public_id), ("status", "any")]
    return f"{reverse('settlement:settlements')}?{encode(conditions)}"


def _waiting(payout: Payout, attempts: list[Attempt]) -> str:
    """Return what is being waited for: the reason of a refusal that will be tried again by itself."""
    if payout.status != PayoutStatus.PREPARED:
        return ""
    refused = next((row for row in attempts if row.will_retry and row.bank_code), None)
    kind = failure_class(refused.bank_code) if refused else None
    return shown.told(ADVICE[kind]) if kind else ""

"""What payouts add to other pages: navigation, home, search, links, the way from settlements to a bulk payout."""

from django.db.models import QuerySet
from django.http import QueryDict
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from access.requests import PageRequest
from access.roles import Permission
from console import registry
from console.columns import Tone
from console.filters import encode
from core.scope import Scope
from ledger import naming
from payouts.models import Attempt, BulkPayout, BulkStatus, Payout, TransferFile
from payouts.pages import by_hand, links, lists, making, reads, shown, stops, transfers
from settlement.actions import settlement_actions
from settlement.models import Claim

FAILED_LATELY = "status=FAILED&status=RETURNED&date=changed&date_period=month"
SCHEDULED = f"status={BulkStatus.SCHEDULED}"
_RELATED_ROWS = 10


def register() -> None:
    """Add everything; called once the applications are loaded."""
    for action in (making.MAKE, by_hand.MAKE):
        if action not in settlement_actions:
            settlement_actions.append(action)
    registry.bar("payouts.stopped", "payouts/_bar.html", stops.bar)
    naming.name_events(shown.EVENTS)
    naming.name_components(shown.COMPONENTS)
    _navigation()
    _home()
    _links()


def _navigation() -> None:
    registry.nav("payouts", _("일괄지급 내역"), "payouts:bulk-payouts", Permission.VIEW, order=10)
    registry.nav("payouts", _("지급 내역"), "payouts:payouts", Permission.VIEW, order=20)
    registry.nav("payouts", _("승인 대기"), "payouts:approvals", Permission.VIEW, order=30)
    registry.nav("payouts", _("확인 필요"), "payouts:unknown", Permission.VIEW, order=40)
    registry.nav("payouts", _("계좌 거래"), "payouts:accounts", Permission.VIEW, order=50)
    registry.nav("payouts", _("입출금 예상"), "payouts:forecast", Permission.VIEW, order=55)
    registry.nav("payouts", _("알 수 없는 은행 통지"), "payouts:bank-notices", Permission.VIEW, order=60)
    registry.nav("payouts", _("이체 파일"), "payouts:files", Permission.VIEW, order=45)
    registry.nav("settings", _("지급 한도"), "payouts:limits", Permission.VIEW, order=315)
    registry.job_kind("payouts.build", _("일괄지급 만들기"))
    registry.job_kind("payouts.transfer-result", _("은행 결과 반영"))


def _home() -> None:
    see = Permission.VIEW
    registry.tile(
        _("승인 대기"),
        reads.pending_approvals,
        lambda: reverse("payouts:approvals"),
        tone=Tone.WARNING,
        order=10,
        permission=see,
        key="payouts.approvals",
    )
    registry.tile(
        _("확인 필요한 지급"),
        reads.unknown_payouts,
        lambda: reverse("payouts:unknown"),
        tone=Tone.WARNING,
        order=20,
        permission=see,
        key="payouts.unknown",
    )
    registry.tile(
        _("지급 실패 (최근 한 달)"),
        failed_lately,
        lambda: f"{reverse('payouts:payouts')}?{FAILED_LATELY}",
        tone=Tone.DANGER,
        order=30,
        permission=see,
        key="payouts.failed",
    )
    registry.tile(
        _("예약된 지급"),
        scheduled,
        lambda: f"{reverse('payouts:bulk-payouts')}?{SCHEDULED}",
        tone=Tone.INFO,
        order=40,
        permission=see,
        key="payouts.scheduled",
    )
    registry.panel("payouts.in-hand", _("진행 중인 일괄지급"), "payouts/_home.html", _in_hand, order=20, permission=see)


def failed_lately(scope: Scope) -> int:
    """Count what the tile leads to: the list with the same conditions."""
    page = lists.PayoutList()
    return page.bind(QueryDict(FAILED_LATELY)).apply(page.queryset(scope)).count()


def scheduled(scope: Scope) -> int:
    """Count bulk payouts that wait for their time."""
    return BulkPayout.objects.within(scope).filter(status=BulkStatus.SCHEDULED).count()


def _in_hand(request: PageRequest) -> dict[str, object]:
    rows = [(row, shown.BULK_BADGES[row.status]) for row in reads.bulk_in_hand(request.scope)]
    return {"rows": rows}


def _links() -> None:
    registry.origin("payout", _("지급"), links.payout_url)
    registry.origin("bulk_payout", _("일괄지급"), links.bulk_url)
    registry.origin("bank_account", _("지급 계좌"), account_url)
    registry.origin("transfer_file", _("이체 파일"), transfers.file_url)
    registry.search("transfer_file", find_file, label=_("이체 파일"))
    registry.search("payout", find_payout, label=_("지급"))
    registry.search("bulk_payout", find_bulk_payout, label=_("일괄지급"))
    registry.search("transfer_reference", find_attempt, label=_("이체"))
    registry.related("partner", "payouts", _("지급"), "payouts/_related.html", _payouts_of_partner, order=30)
    registry.related(
        "partner_settlement", "payouts", _("지급"), "payouts/_related.html", _payouts_of_settlement, order=30
    )


def account_url(public_id: str) -> str:
    """Return the movements of one bank account."""
    return f"{reverse('payouts:accounts')}?{encode([('account', public_id)])}"


def find_payout(scope: Scope, word: str) -> str | None:
    """Return the page of the payout with this id."""
    return links.payout_url(word) if Payout.objects.within(scope).filter(public_id=word).exists() else None


def find_bulk_payout(scope: Scope, word: str) -> str | None:
    """Return the page of the bulk payout with this id."""
    return links.bulk_url(word) if BulkPayout.objects.within(scope).filter(public_id=word).exists() else None


def find_file(scope: Scope, word: str) -> str | None:
    """Return the page of the file of transfers with this id."""
    return transfers.file_url(word) if TransferFile.objects.within(scope).filter(public_id=word).exists() else None


def find_attempt(scope: Scope, word: str) -> str | None:
    """Return the page of the payout that went out, or was to go out, under this reference."""
    mine = Payout.objects.within(scope)
    attempts = Attempt.objects.filter(reference=word, payout__in=mine)
    public_id = attempts.values_list("payout__public_id", flat=True).first()
    return links.payout_url(public_id) if public_id else None


def _payouts_of_partner(request: PageRequest, public_id: str) -> dict[str, object] | None:
    rows = Payout.objects.within(request.scope).filter(partner__public_id=public_id).order_by("-pk")
    return _related(rows, f"{reverse('payouts:payouts')}?{encode([('partner', public_id)])}")


def _payouts_of_settlement(request: PageRequest, public_id: str) -> dict[str, object] | None:
    claimed = Claim.objects.filter(
        partner_settlement__public_id=public_id,
        partner_settlement__merchant_id=request.scope.merchant_id,
        partner_settlement__is_test=request.scope.is_test,
    )
    rows = Payout.objects.within(request.scope).filter(pk__in=claimed.values("payout_ref_id")).order_by("-pk")
    return _related(rows, "")


def _related(payouts: QuerySet[Payout], more: str) -> dict[str, object] | None:
    columns = ("public_id", "status", "amount", "currency", "created_at", "fail_code", "fail_reason")
    rows = list(payouts.values(*columns)[:_RELATED_ROWS])
    return {"columns": lists.RELATED_COLUMNS, "rows": rows, "more": more} if rows else None

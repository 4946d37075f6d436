"""What settlement adds to the pages everybody shares: navigation, home, links, searches, names."""

from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count, Q, QuerySet, Sum
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from access.requests import PageRequest
from access.roles import Permission
from console import registry
from console.columns import Tone
from core import clock
from core.scope import Scope
from ledger import naming
from ledger.navigation import show_journals_of
from settlement import claims, tables
from settlement.models import (
    AdditionalFeePolicy,
    Contract,
    DiscountSharePolicy,
    Partner,
    PartnerSettlement,
    RecordState,
    SettlementRecord,
    SettlementState,
    SettlementStatus,
)
from settlement.operations import backtest, holidays, recompute

_DAYS_SHOWN = 7


def register() -> None:
    """Add everything; called once, when the application is ready."""
    _add_navigation()
    _add_home()
    _add_links()
    _add_names()


def _add_navigation() -> None:
    registry.nav("settlement", _("정산 내역 조회"), "settlement:records", Permission.VIEW, order=10)
    registry.nav("settlement", _("정산 내역 관리"), "settlement:settlements", Permission.VIEW, order=20)
    registry.nav("settlement", _("수기 정산 등록"), "settlement:manual", Permission.EDIT, order=30)
    registry.nav("settlement", _("파일로 등록"), "console:uploads", Permission.EDIT, order=40)
    registry.nav("partners", _("파트너"), "settlement:partners", Permission.VIEW, order=10)
    registry.nav("partners", _("계약"), "settlement:contracts", Permission.VIEW, order=20)
    registry.nav("partners", _("할인 분담"), "settlement:discount-policies", Permission.VIEW, order=30)
    registry.nav("partners", _("추가 수수료"), "settlement:fee-policies", Permission.VIEW, order=40)
    registry.nav("settings", _("휴일"), "settlement:holidays", Permission.VIEW, order=300)
    registry.nav("settings", _("정산 계산식"), "settlement:calculator", Permission.VIEW, order=305)
    registry.nav("settings", _("정산 설정"), "settlement:settings", Permission.VIEW, order=310)
    registry.nav("settings", _("속성"), "settlement:properties", Permission.VIEW, order=320)


# ---- home


def _payable_today(scope: Scope) -> int:
    return claims.claimable(scope).filter(settlement_date=clock.today()).count()


def _withheld(scope: Scope) -> int:
    held = PartnerSettlement.objects.within(scope).filter(state=SettlementState.PAYOUT_WITHHELD)
    return claims.with_status(held).filter(status=SettlementStatus.PAYOUT_WITHHELD).count()


def _waiting_accounts(scope: Scope) -> int:
    return Partner.objects.within(scope).filter(account_confirmed=False).count()


def _settlements(query: str) -> str:
    return f"{reverse('settlement:settlements')}?{query}"


def _add_home() -> None:
    registry.tile(
        _("오늘 정산일인 내역"),
        _payable_today,
        lambda: _settlements("date_period=today"),
        tone=Tone.INFO,
        order=40,
        permission=Permission.VIEW,
        key="settlement.today",
    )
    registry.tile(
        _("보류한 정산 내역"),
        _withheld,
        lambda: _settlements("status=PAYOUT_WITHHELD"),
        tone=Tone.WARNING,
        order=50,
        permission=Permission.VIEW,
        key="settlement.withheld",
    )
    registry.tile(
        _("승인을 기다리는 계좌 변경"),
        _waiting_accounts,
        lambda: f"{reverse('settlement:partners')}?account_waits=yes",
        tone=Tone.WARNING,
        order=60,
        permission=Permission.VIEW,
        key="settlement.accounts",
    )
    registry.panel(
        "settlement.calendar",
        _("정산 예정"),
        "settlement/_coming.html",
        _coming,
        order=20,
        permission=Permission.VIEW,
    )


def _coming(request: PageRequest) -> dict[str, object]:
    """Return what settles today and on each of the next days, per currency."""
    today = clock.today()
    last = today + timedelta(days=_DAYS_SHOWN - 1)
    within = {"settlement_date__gte": today, "settlement_date__lte": last}
    settled = PartnerSettlement.objects.within(request.scope).exclude(state=SettlementState.VOIDED).filter(**within)
    waiting = SettlementRecord.objects.within(request.scope).filter(_not_yet(), **within)
    found = [*_by_day(settled, Sum("record_count")), *_by_day(waiting, Count("pk"))]
    days: dict[tuple[date, str], list[int]] = {}
    for row in found:
        sums = days.setdefault((row["settlement_date"], row["currency"]), [0, 0])
        sums[0] += row["counted"] or 0
        sums[1] += int(row["total"] or 0)
    lines = [
        {"day": day, "currency": currency, "count": count, "amount": amount, "url": _records_on(day)}
        for (day, currency), (count, amount) in sorted(days.items())
    ]
    return {"lines": lines, "today": today, "until": last}


def _not_yet() -> Q:
    return Q(state__in=(RecordState.SCHEDULED, RecordState.IN_PROCESS))


def _by_day(rows: QuerySet[Any, Any], counted: Sum | Count) -> list[dict[str, Any]]:
    grouped = rows.order_by().values("settlement_date", "currency")
    return list(grouped.annotate(counted=counted, total=Sum("net")))


def _records_on(day: date) -> str:
    return f"{reverse('settlement:records')}?date_from={day.isoformat()}&date_to={day.isoformat()}"


# ---- links, searches, names


def _add_links() -> None:
    registry.origin("settlement_record", _("정산건"), tables.record_url)
    registry.origin("partner_settlement", _("정산 내역"), tables.settlement_url)
    registry.origin("partner", _("파트너"), tables.partner_url)
    registry.origin("contract", _("계약"), tables.contract_url)
    registry.origin("discount_share_policy", _("할인 분담 정책"), tables.discount_policy_url)
    registry.origin("additional_fee_policy", _("추가 수수료 정책"), tables.fee_policy_url)
    # The ledger knows the owner of a discount's accounts only as a policy.
    registry.origin("policy", _("할인 분담 정책"), tables.discount_policy_url)
    show_journals_of("settlement_record")
    show_journals_of("partner_settlement")
    registry.search("settlement_record", _find_record, label=_("정산건"))
    registry.search("payment", _find_payment, label=_("주문 번호"))
    registry.search("partner_settlement", _find_settlement, label=_("정산 내역"))
    registry.search("partner", _find_partner, label=_("파트너"))
    registry.search("contract", _find_contract, label=_("계약"))
    registry.search("discount_share_policy", _find_discount_policy, label=_("할인 분담 정책"))
    registry.search("additional_fee_policy", _find_fee_policy, label=_("추가 수수료 정책"))


def _find_record(scope: Scope, word: str) -> str | None:
    known = SettlementRecord.objects.within(scope).filter(public_id=word).exists()
    return tables.record_url(word) if known else None


def _find_payment(scope: Scope, word: str) -> str | None:
    found = SettlementRecord.objects.within(scope).exclude(state=RecordState.VOIDED).filter(payment_id=word)
    ids = list(found.order_by().values_list("public_id", flat=True)[:2])
    if len(ids) == 1:
        return tables.record_url(ids[0])
    query = urlencode({"date_period": "all", "kw": "number", "q": word})
    return f"{reverse('settlement:records')}?{query}" if ids else None


def _find_settlement(scope: Scope, word: str) -> str | None:
    known = PartnerSettlement.objects.within(scope).filter(public_id=word).exists()
    return tables.settlement_url(word) if known else None


def _find_partner(scope: Scope, word: str) -> str | None:
    known = Partner.objects.within(scope).filter(public_id=word).exists()
    return tables.partner_url(word) if known else None


def _find_contract(scope: Scope, word: str) -> str | None:
    known = Contract.objects.within(scope).filter(public_id=word).exists()
    return tables.contract_url(word) if known else None


def _find_discount_policy(scope: Scope, word: str) -> str | None:
    known = DiscountSharePolicy.objects.within(scope).filter(public_id=word).exists()
    return tables.discount_policy_url(word) if known else None


def _find_fee_policy(scope: Scope, word: str) -> str | None:
    known = AdditionalFeePolicy.objects.within(scope).filter(public_id=word).exists()
    return tables.fee_policy_url(word) if known else None


def _add_names() -> None:
    registry.job_kind(backtest.JOB, _("계약 바꿔서 돌려보기"))
    registry.job_kind(recompute.JOB, _("정산 예정 주문 다시 계산"))
    registry.job_kind(holidays.APPLY_JOB, _("휴일 변경 적용"))
    registry.job_kind(holidays.FOLLOW_JOB, _("휴일 변경 뒤 정산일 확인"))
    naming.name_events(
        {
            "settlement.recorded": _("정산건 등록"),
            "settlement.matured": _("정산일 도래"),
            "settlement.held": _("지급 보류"),
            "settlement.freed": _("보류 해제"),
            "settlement.voided": _("정산건 삭제"),
        }
    )
    naming.name_components(
        {
            "ORDER": _("주문 금액"),
            "PAYMENT": _("결제 금액"),
            "DISCOUNT": _("할인 금액"),
            "DISCOUNT_SHARE": _("할인 분담금"),
            "PLATFORM_FEE": _("중개수수료"),
            "PLATFORM_FEE_VAT": _("중개수수료 부가세"),
            "ADDITIONAL_FEE": _("추가수수료"),
            "ADDITIONAL_FEE_VAT": _("추가수수료 부가세"),
            "FEE_VAT": _("수수료 부가세"),
            "PAYMENT_VAT_BURDEN": _("결제 부가세 부담금"),
            "FORMULA_ADJUSTMENT": _("계산식 조정"),
            "MANUAL": _("수기 정산"),
            "MATURITY": _("정산일 도래"),
            "HOLD": _("지급 보류"),
        }
    )

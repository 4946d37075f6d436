"""What several of settlement's pages show."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from access import queries as access_queries
from access.models import AuditEvent
from console import uploads
from console.columns import Label, moment
from core.errors import NotFound
from core.scope import Scope
from settlement import models
from settlement.forms import percent
from settlement.pages import banks

_ACTIONS: Mapping[str, Label] = {
    "recorded": _("등록"),
    "voided": _("삭제"),
    "recomputed": _("다시 계산"),
    "created": _("등록"),
    "changed": _("변경"),
    "archived": _("보관"),
    "recovered": _("복원"),
    "moved": _("상태 변경"),
    "deleted": _("삭제"),
    "account_changed": _("계좌 변경"),
    "account_confirmed": _("계좌 변경 승인"),
    "account_rejected": _("계좌 변경 반려"),
    "account_verified": _("예금주 조회"),
    "account_shown": _("계좌번호 확인"),
    "approved": _("승인"),
    "rejected": _("거절"),
    "reopened": _("승인 대기로 되돌림"),
    "change_planned": _("변경 예약"),
    "planned_change_applied": _("예약한 변경 적용"),
    "planned_change_dropped": _("예약 취소"),
    "planned_change_failed": _("예약한 변경 실패"),
    "date_moved": _("정산일 이동"),
    "business_verified": _("사업자 상태 조회"),
    "added": _("추가"),
    "removed": _("삭제"),
}
_FIELDS: Mapping[str, Label] = {
    "name": _("이름"),
    "status": _("상태"),
    "memo": _("메모"),
    "holdReason": _("보류 사유"),
    "bank": _("은행"),
    "currency": _("통화"),
    "last4": _("계좌번호 끝 네 자리"),
    "holder": _("예금주"),
    "contract": _("기본 계약"),
    "default_contract": _("기본 계약"),
    "default_contract_id": _("기본 계약"),
    "account_holder": _("예금주"),
    "settlement_date": _("정산일"),
    "applied_at": _("적용 시작"),
    "business_status": _("휴폐업 상태"),
    "user_defined_properties": _("속성"),
    "properties": _("속성"),
    "failure": _("실패한 이유"),
    "contact_name": _("담당자 이름"),
    "contact_email": _("담당자 이메일"),
    "contact_phone": _("담당자 연락처"),
    "tags": _("태그"),
    "type": _("유형"),
    "company_name": _("회사명"),
    "taxation_type": _("과세 유형"),
    "business_registration_number": _("사업자 등록번호"),
    "representative_name": _("대표자명"),
    "company_address": _("사업장 주소"),
    "business_type": _("업태"),
    "business_class": _("업종"),
    "birthdate": _("생년월일"),
    "fee_rate": _("수수료율"),
    "fee_amount": _("수수료 금액"),
    "fee_is_fixed": _("정액 수수료"),
    "vat_payer": _("수수료 부가세 부담"),
    "subtract_payment_vat": _("결제 부가세 빼기"),
    "lag_days": _("보류일"),
    "cycle_method": _("정산 주기"),
    "cycle_days": _("정산 요일·일"),
    "cycle_dates": _("정산 날짜"),
    "date_policy": _("쉬는 날이면"),
    "partner_share_rate": _("파트너 분담율"),
    "third_party": _("받는 제3자"),
    "amount": _("금액"),
    "default": _("기본값"),
    "partner": _("파트너"),
    "settlement": _("정산 금액"),
    "platform_fee": _("중개수수료"),
    "platform_fee_vat": _("중개수수료 부가세"),
    "additional_fee": _("추가수수료"),
    "additional_fee_vat": _("추가수수료 부가세"),
    "discount_share": _("할인 분담금"),
    "discount_share_tax_free": _("할인 분담금 면세액"),
    "settlement_tax_free": _("정산 면세액"),
    "payment_vat": _("결제 부가세"),
    "payment_vat_burden": _("결제 부가세 부담금"),
    "payment_supply": _("결제 공급가액"),
    "contract_version": _("계약 판"),
    "default_withdrawal_memo": _("기본 내 통장 메모"),
    "default_deposit_memo": _("기본 받는 통장 메모"),
    "supports_multiple_order_transfers_per_partner": _("같은 주문 여러 번 등록"),
    "adjust_settlement_date_after_holiday_if_earlier": _("시작일보다 빠른 정산일 미루기"),
    "deduct_wht": _("원천징수"),
    "settlement_amount_type": _("정산 금액의 부가세"),
    "manual_settlement_per_transfer": _("수기 정산 건별 지급"),
    "rounding_platform_fee": _("중개수수료 원 아래 처리"),
    "rounding_discount_share": _("할인 분담금 원 아래 처리"),
    "rounding_additional_fee": _("추가수수료 원 아래 처리"),
    "rounding_settlement": _("정산 금액 원 아래 처리"),
    "rounding_vat": _("부가세 원 아래 처리"),
}
# Stored words of all choices; where two choices share a word they share its meaning.
_VALUES: Mapping[str, Label] = {
    value: label
    for choices in (
        models.RecordType,
        models.SettlementStatus,
        models.HoldReason,
        models.AccountStatus,
        models.BusinessStatus,
        models.PartnerStatus,
        models.PartnerType,
        models.TaxationType,
        models.VatPayer,
        models.CycleMethod,
        models.DatePolicy,
        models.Rounding,
        models.SettlementAmountType,
    )
    for value, label in choices.choices
    if value
}
# Parts of a planned change whose fields stand for themselves.
_PARTS = frozenset({"taxpayer", "account"})
# What the trail keeps for the machine and nobody can read.
_UNSHOWN = frozenset({"sealed", "fingerprint"})


@dataclass(frozen=True, slots=True)
class Change:
    """One field of an event: its name, what it was and what it became."""

    label: str
    before: object
    after: object


@dataclass(frozen=True, slots=True)
class Happened:
    """One event of the trail as a detail page shows it."""

    event: AuditEvent
    action: str
    changes: list[Change]


def history(scope: Scope, kind: str, public_id: str) -> list[Happened]:
    """Return what happened to an object, newest first: its 변경 이력."""
    return [_told(event) for event in access_queries.history(scope, kind, public_id)]


def _told(event: AuditEvent) -> Happened:
    verb = event.action.rpartition(".")[2]
    return Happened(event, str(_ACTIONS.get(verb, event.action)), changes(event.before or {}, event.after or {}))


def changes(before: Any, after: Any) -> list[Change]:
    """Return what differs between two states of an object, in people's words."""
    if not (isinstance(before, dict) and isinstance(after, dict)):
        return []
    before, after = _flat(before), _flat(after)
    names = [
        name for name in {**before, **after} if name not in _UNSHOWN and _differ(before.get(name), after.get(name))
    ]
    return [
        Change(str(_FIELDS.get(name, name)), _plain(name, before.get(name)), _plain(name, after.get(name)))
        for name in names
    ]


def _flat(state: Mapping[str, Any]) -> dict[str, Any]:
    """Return a state with the fields of its parts among its own."""
    flat: dict[str, Any] = {}
    for name, value in state.items():
        flat |= value if isinstance(value, dict) and name in _PARTS else {name: value}
    return flat


def _differ(before: object, after: object) -> bool:
    # Nothing and an empty text look the same to people.
    return (None if before == "" else before) != (None if after == "" else after)


def _plain(name: str, value: object) -> object:
    if value is None or isinstance(value, bool):
        return None if value is None else _now("예") if value else _now("아니요")
    if isinstance(value, int):
        return percent(value) + "%" if name.endswith("_rate") else f"{value:,}"
    if name.endswith("_at") and isinstance(value, str):
        return moment(datetime.fromisoformat(value))
    if isinstance(value, list):
        return ", ".join(str(item) for item in value)
    if name == "bank":
        return banks.name(str(value))
    return _VALUES.get(str(value), value)


def who(actor: object) -> str:
    """Return the name of a kept actor, without what kind of actor it was."""
    kind, _colon, name = str(actor or "").partition(":")
    return name or kind


def upload_url(kind: str) -> str:
    """Return the page of a kind of upload; empty while nobody offers it."""
    try:
        uploads.kind_named(kind)
    except NotFound:
        return ""
    return reverse("console:upload", args=[kind])

"""Columns and badges of settlement's lists, and where their cells lead."""

from collections.abc import Mapping
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from console import registry
from console.columns import Badge, Column, Kind, Label, Row, Shape, Tone, rate, won
from settlement.models import (
    AccountStatus,
    BusinessStatus,
    CycleMethod,
    DatePolicy,
    HoldReason,
    PartnerStatus,
    PartnerType,
    RecordState,
    RecordStatus,
    RecordType,
    SettlementState,
    SettlementStatus,
    TaxationType,
    VatPayer,
)
from settlement.pages import banks

_VOIDED = Badge(RecordState.VOIDED.label, Tone.NEUTRAL, Shape.CROSS)
RECORD_BADGES: Mapping[str, Badge] = {
    RecordStatus.SCHEDULED.value: Badge(RecordStatus.SCHEDULED.label, Tone.NEUTRAL, Shape.RING),
    RecordStatus.IN_PROCESS.value: Badge(RecordStatus.IN_PROCESS.label, Tone.INFO, Shape.HALF),
    RecordStatus.SETTLED.value: Badge(RecordStatus.SETTLED.label, Tone.INFO, Shape.DOT),
    RecordStatus.PAYOUT_CONFIRMED.value: Badge(RecordStatus.PAYOUT_CONFIRMED.label, Tone.PROGRESS, Shape.CLOCK),
    RecordStatus.IN_PAYOUT.value: Badge(RecordStatus.IN_PAYOUT.label, Tone.PROGRESS, Shape.HALF),
    RecordStatus.PAID_OUT.value: Badge(RecordStatus.PAID_OUT.label, Tone.SUCCESS, Shape.CHECK),
    RecordState.VOIDED.value: _VOIDED,
}
SETTLEMENT_BADGES: Mapping[str, Badge] = {
    SettlementStatus.PAYOUT_PREPARED.value: Badge(SettlementStatus.PAYOUT_PREPARED.label, Tone.INFO, Shape.RING),
    SettlementStatus.PAYOUT_WITHHELD.value: Badge(SettlementStatus.PAYOUT_WITHHELD.label, Tone.WARNING, Shape.PAUSE),
    SettlementStatus.PAYOUT_EXCLUDED.value: Badge(SettlementStatus.PAYOUT_EXCLUDED.label, Tone.NEUTRAL, Shape.DASH),
    SettlementStatus.CONFIRMED.value: Badge(SettlementStatus.CONFIRMED.label, Tone.PROGRESS, Shape.DOT),
    SettlementStatus.PAYOUT_SCHEDULED.value: Badge(SettlementStatus.PAYOUT_SCHEDULED.label, Tone.PROGRESS, Shape.CLOCK),
    SettlementStatus.IN_PAYOUT.value: Badge(SettlementStatus.IN_PAYOUT.label, Tone.PROGRESS, Shape.HALF),
    SettlementStatus.PAID_OUT.value: Badge(SettlementStatus.PAID_OUT.label, Tone.SUCCESS, Shape.CHECK),
    SettlementStatus.PAYOUT_FAILED.value: Badge(SettlementStatus.PAYOUT_FAILED.label, Tone.DANGER, Shape.ALERT),
    SettlementStatus.CANCELLED.value: Badge(SettlementStatus.CANCELLED.label, Tone.NEUTRAL, Shape.BACK),
    SettlementState.VOIDED.value: _VOIDED,
}
TYPE_BADGES: Mapping[str, Badge] = {
    RecordType.ORDER.value: Badge(RecordType.ORDER.label, Tone.NEUTRAL, Shape.DOT),
    RecordType.ORDER_CANCEL.value: Badge(RecordType.ORDER_CANCEL.label, Tone.DANGER, Shape.BACK),
    RecordType.MANUAL.value: Badge(RecordType.MANUAL.label, Tone.PROGRESS, Shape.HALF),
}
ACCOUNT_BADGES: Mapping[str, Badge] = {
    AccountStatus.VERIFIED.value: Badge(AccountStatus.VERIFIED.label, Tone.SUCCESS, Shape.CHECK),
    AccountStatus.VERIFY_FAILED.value: Badge(AccountStatus.VERIFY_FAILED.label, Tone.DANGER, Shape.CROSS),
    AccountStatus.VERIFY_ERROR.value: Badge(AccountStatus.VERIFY_ERROR.label, Tone.WARNING, Shape.ALERT),
    AccountStatus.NOT_VERIFIED.value: Badge(AccountStatus.NOT_VERIFIED.label, Tone.NEUTRAL, Shape.RING),
    AccountStatus.UNKNOWN.value: Badge(AccountStatus.UNKNOWN.label, Tone.NEUTRAL, Shape.DASH),
}
PARTNER_BADGES: Mapping[str, Badge] = {
    PartnerStatus.PENDING.value: Badge(PartnerStatus.PENDING.label, Tone.WARNING, Shape.CLOCK),
    PartnerStatus.APPROVED.value: Badge(PartnerStatus.APPROVED.label, Tone.SUCCESS, Shape.CHECK),
    PartnerStatus.REJECTED.value: Badge(PartnerStatus.REJECTED.label, Tone.DANGER, Shape.CROSS),
}
BUSINESS_BADGES: Mapping[str, Badge] = {
    BusinessStatus.NOT_VERIFIED.value: Badge(BusinessStatus.NOT_VERIFIED.label, Tone.NEUTRAL, Shape.RING),
    BusinessStatus.VERIFY_ERROR.value: Badge(BusinessStatus.VERIFY_ERROR.label, Tone.WARNING, Shape.ALERT),
    BusinessStatus.NOT_FOUND.value: Badge(BusinessStatus.NOT_FOUND.label, Tone.DANGER, Shape.CROSS),
    BusinessStatus.IN_BUSINESS.value: Badge(BusinessStatus.IN_BUSINESS.label, Tone.SUCCESS, Shape.CHECK),
    BusinessStatus.CLOSED.value: Badge(BusinessStatus.CLOSED.label, Tone.DANGER, Shape.CROSS),
    BusinessStatus.SUSPENDED.value: Badge(BusinessStatus.SUSPENDED.label, Tone.WARNING, Shape.PAUSE),
}


def _plain(choices: Mapping[str, Label]) -> dict[str, Badge]:
    return {value: Badge(label, Tone.NEUTRAL, Shape.DOT) for value, label in choices.items()}


PARTNER_TYPES = _plain(dict(PartnerType.choices))
TAXATION_TYPES = _plain(dict(TaxationType.choices))
HOLD_REASONS = _plain({value: label for value, label in HoldReason.choices if value})
VAT_PAYERS = _plain(dict(VatPayer.choices))
CYCLE_METHODS = _plain(dict(CycleMethod.choices))
DATE_POLICIES = _plain(dict(DatePolicy.choices))
PAYMENT_METHODS: Mapping[str, Label] = {
    "CARD": _("카드"),
    "TRANSFER": _("계좌이체"),
    "VIRTUAL_ACCOUNT": _("가상계좌"),
    "GIFT_CERTIFICATE": _("상품권"),
    "MOBILE": _("휴대폰"),
    "EASY_PAY": _("간편결제"),
}
REASONS: Mapping[str, Label] = {
    "GENERAL": _("일반"),
    "ADJUSTMENT": _("정산 조정"),
    "INCENTIVE": _("장려금"),
    "PENALTY": _("위약금"),
    "SERVICE": _("용역비"),
}
_WEEKDAYS = (_("월"), _("화"), _("수"), _("목"), _("금"), _("토"), _("일"))
_MONTH = 100


# ---- addresses


def record_url(public_id: object) -> str:
    """Return the page of a settlement record."""
    return reverse("settlement:record", args=[public_id])


def settlement_url(public_id: object) -> str:
    """Return the page of a partner settlement."""
    return reverse("settlement:settlement", args=[public_id])


def partner_url(public_id: object) -> str:
    """Return the page of a partner."""
    return reverse("settlement:partner", args=[public_id])


def contract_url(public_id: object) -> str:
    """Return the page of a contract."""
    return reverse("settlement:contract", args=[public_id])


def discount_policy_url(public_id: object) -> str:
    """Return the page of a discount share policy."""
    return reverse("settlement:discount-policy", args=[public_id])


def fee_policy_url(public_id: object) -> str:
    """Return the page of an additional fee policy."""
    return reverse("settlement:fee-policy", args=[public_id])


def origin_url(kind: str, public_id: object) -> str | None:
    """Return where another application shows an object; None when it does not."""
    link = registry.origin_link(kind, str(public_id or ""))
    return link.url if link else None


# ---- words


def account_text(bank: object, last4: object) -> str:
    """Write an account as it may be shown: `국민 ****1234`."""
    return f"{banks.name(str(bank))} ****{last4 or ''}"


def reason_text(value: object) -> str:
    """Write why a manual record was made; a reason of somebody's own is shown as it is."""
    return str(REASONS.get(str(value), value or ""))


def payment_method_text(method: object) -> str:
    """Write how an order was paid."""
    if not isinstance(method, Mapping) or not method.get("type"):
        return ""
    kind = str(method["type"])
    provider = str(method.get("provider") or "")
    word = str(PAYMENT_METHODS.get(kind, kind))
    return f"{word} ({provider})" if provider else word


def fee_text(row: Row, prefix: str) -> str:
    """Write a fee: `10%` or `₩1,000`."""
    if row[f"{prefix}fee_is_fixed"]:
        return won(row[f"{prefix}fee_amount"])
    return rate(row[f"{prefix}fee_rate"])


def cycle_text(row: Row, prefix: str = "") -> str:
    """Write a settlement cycle: `D+2 · 매주 금 · 직전 영업일`."""
    method, days = str(row[f"{prefix}cycle_method"]), _listed(row[f"{prefix}cycle_days"])
    word = str(CycleMethod(method).label)
    if method == CycleMethod.WEEKLY:
        word = f"{word} {', '.join(str(_WEEKDAYS[day]) for day in days)}"
    elif method == CycleMethod.MONTHLY:
        word = f"{word} {', '.join(_month_day(day) for day in days)}"
    elif method == CycleMethod.MANUAL_DATES:
        dates = _listed(row[f"{prefix}cycle_dates"])
        word = ", ".join(f"{day // _MONTH}/{day % _MONTH}" for day in dates)
    policy = str(DatePolicy(str(row[f"{prefix}date_policy"])).label)
    return f"D+{row[f'{prefix}lag_days']} · {word} · {policy}"


def _listed(value: object) -> list[int]:
    return [int(item) for item in value] if isinstance(value, list | tuple) else []


def _month_day(day: int) -> str:
    return _now("말일") if day == LAST_DAY else _now("%(day)d일") % {"day": day}


LAST_DAY = 31


# ---- columns


def _partner(row: Row) -> str | None:
    return partner_url(row["partner__public_id"]) if row.get("partner__public_id") else None


PARTNER_OF_ROW = (
    Column("partner__name", _("파트너"), link=_partner, width=20),
    Column("partner__public_id", _("파트너 아이디"), Kind.ID, link=_partner, default=False),
    Column("partner__type", _("파트너 유형"), Kind.BADGE, badges=PARTNER_TYPES, default=False),
    Column("partner__taxation_type", _("과세 유형"), Kind.BADGE, badges=TAXATION_TYPES, default=False),
    Column("partner__business_registration_number", _("사업자 등록번호"), Kind.ID, default=False),
)


def _contract_of_record(row: Row) -> str | None:
    known = row.get("contract_version__contract__public_id")
    return contract_url(known) if known else None


def _settlement_of_record(row: Row) -> str | None:
    known = row.get("partner_settlement__public_id")
    return settlement_url(known) if known else None


def _amount(key: str, label: Label, *, default: bool = False, total: bool = True) -> Column:
    return Column(key, label, Kind.SIGNED_WON, default=default, total=total, currency="currency")


# The money columns of a record and of a partner settlement, cancels negative: key, label, shown at first.
AMOUNTS: tuple[tuple[str, Label, bool], ...] = (
    ("signed_order_amount", _("주문 금액"), True),
    ("signed_platform_fee", _("중개수수료"), True),
    ("signed_platform_fee_vat", _("중개수수료 부가세 부담금"), False),
    ("signed_discount_share", _("할인 분담금"), True),
    ("signed_additional_fee", _("추가수수료"), True),
    ("signed_additional_fee_vat", _("추가수수료 부가세 부담금"), False),
    ("signed_payment_vat_burden", _("결제 부가세 부담금"), False),
)
MORE_AMOUNTS: tuple[tuple[str, Label], ...] = (
    ("signed_order_tax_free", _("주문 면세액")),
    ("signed_payment", _("결제 금액")),
    ("signed_payment_supply", _("결제 공급가액")),
    ("signed_payment_vat", _("결제 부가세액")),
    ("signed_payment_tax_free", _("결제 면세액")),
    ("signed_discount", _("할인 금액")),
    ("signed_discount_tax_free", _("할인 면세액")),
    ("signed_discount_share_tax_free", _("할인 면세 분담금")),
)
_MONEY = (
    *(_amount(key, label, default=default, total=default) for key, label, default in AMOUNTS),
    _amount("net", _("정산 금액"), default=True),
)
_MORE_MONEY = (
    _amount("net_tax_free", _("정산 면세액"), total=False),
    *(_amount(key, label, total=False) for key, label in MORE_AMOUNTS),
)

RECORD_COLUMNS = (
    Column("settlement_date", _("정산일"), Kind.DATE, sortable=True),
    Column("type", _("정산 유형"), Kind.BADGE, badges=TYPE_BADGES),
    Column("status", _("상태"), Kind.BADGE, badges=RECORD_BADGES),
    *PARTNER_OF_ROW,
    Column("payment_id", _("주문 번호"), Kind.ID),
    Column("order_name", _("주문명"), width=24),
    *_MONEY,
    Column("contract_version__name", _("계약"), link=_contract_of_record),
    Column("start_date", _("정산 시작일"), Kind.DATE),
    Column("public_id", _("정산 아이디"), Kind.ID, link=lambda row: record_url(row["public_id"])),
    Column("memo", _("메모")),
    Column("contract_version__contract__public_id", _("계약 아이디"), Kind.ID, link=_contract_of_record, default=False),
    *_MORE_MONEY,
    Column("currency", _("정산 통화"), default=False),
    Column(
        "payment_method_name",
        _("결제 수단"),
        value=lambda row: payment_method_text(row["payment_method"]),
        default=False,
    ),
    Column("cancellation_id", _("취소 아이디"), Kind.ID, default=False),
    Column("order__public_id", _("원 정산 아이디"), Kind.ID, default=False),
    Column("reason_name", _("수기 정산 사유"), value=lambda row: reason_text(row["reason"]), default=False),
    Column("partner_settlement__public_id", _("정산 내역 아이디"), Kind.ID, link=_settlement_of_record, default=False),
    Column(
        "payout_id", _("지급 아이디"), Kind.ID, link=lambda row: origin_url("payout", row["payout_id"]), default=False
    ),
    Column(
        "bulk_payout_id",
        _("일괄지급 아이디"),
        Kind.ID,
        link=lambda row: origin_url("bulk_payout", row["bulk_payout_id"]),
        default=False,
    ),
    Column("created_at", _("등록한 때"), Kind.MOMENT, default=False),
)


def _contract_of_settlement(row: Row) -> str | None:
    known = row.get("contract__public_id")
    return contract_url(known) if known else None


def _records_of(row: Row) -> str:
    return f"{reverse('settlement:records')}?{urlencode({'date_period': 'all', 'settlement': str(row['public_id'])})}"


SETTLEMENT_COLUMNS = (
    Column("settlement_date", _("정산일"), Kind.DATE, sortable=True),
    *PARTNER_OF_ROW,
    Column("type", _("정산 유형"), Kind.BADGE, badges=TYPE_BADGES),
    Column("status", _("상태"), Kind.BADGE, badges=SETTLEMENT_BADGES),
    Column("record_count", _("정산건 수"), Kind.COUNT, total=True, link=_records_of),
    *_MONEY,
    Column(
        "account",
        _("받는 계좌"),
        value=lambda row: account_text(row["partner__bank"], row["partner__account_last4"]),
    ),
    Column("partner__account_status", _("예금주 검증"), Kind.BADGE, badges=ACCOUNT_BADGES),
    Column("hold_reason", _("보류 사유"), Kind.BADGE, badges=HOLD_REASONS, default=False),
    Column("contract__current__name", _("계약"), link=_contract_of_settlement),
    Column("start_from", _("정산 시작일 (부터)"), Kind.DATE, default=False),
    Column("start_until", _("정산 시작일 (까지)"), Kind.DATE, default=False),
    Column("public_id", _("정산 내역 아이디"), Kind.ID, link=lambda row: settlement_url(row["public_id"])),
    Column("memo", _("메모")),
    Column("contract__public_id", _("계약 아이디"), Kind.ID, link=_contract_of_settlement, default=False),
    *_MORE_MONEY,
    Column("currency", _("정산 통화"), default=False),
    Column(
        "payout_id", _("지급 아이디"), Kind.ID, link=lambda row: origin_url("payout", row["payout_id"]), default=False
    ),
    Column(
        "bulk_payout_id",
        _("일괄지급 아이디"),
        Kind.ID,
        link=lambda row: origin_url("bulk_payout", row["bulk_payout_id"]),
        default=False,
    ),
    Column("state_changed_at", _("상태 바뀐 때"), Kind.MOMENT, default=False),
)


def holiday_change_url(public_id: object, *, by_partner: bool = False) -> str:
    """Return the page of a change of the holidays: the records it moves, or the same added up per partner."""
    name = "settlement:holiday-partners" if by_partner else "settlement:holiday-moves"
    return f"{reverse(name)}?{urlencode({'change': str(public_id)})}"


def _record_of_move(row: Row) -> str:
    return record_url(row["record__public_id"])


def _partner_of_move(row: Row) -> str:
    return partner_url(row["record__partner__public_id"])


MOVE_COLUMNS = (
    Column("old_date", _("지금 정산일"), Kind.DATE),
    Column("new_date", _("바뀔 정산일"), Kind.DATE),
    Column("record__partner__name", _("파트너"), link=_partner_of_move, width=20),
    Column("record__partner__public_id", _("파트너 아이디"), Kind.ID, link=_partner_of_move, default=False),
    Column("record__type", _("정산 유형"), Kind.BADGE, badges=TYPE_BADGES),
    Column("record__payment_id", _("주문 번호"), Kind.ID),
    Column("record__order_name", _("주문명"), width=24),
    Column("record__net", _("정산 금액"), Kind.SIGNED_WON, total=True, currency="record__currency"),
    Column("record__start_date", _("정산 시작일"), Kind.DATE),
    Column("record__contract_version__name", _("계약")),
    Column("record__public_id", _("정산 아이디"), Kind.ID, link=_record_of_move),
    Column("change__public_id", _("휴일 변경"), Kind.ID, default=False),
)


def _partner_of_row(row: Row) -> str:
    return partner_url(row["partner__public_id"])


MOVED_PARTNER_COLUMNS = (
    Column("partner__name", _("파트너"), link=_partner_of_row, width=20),
    Column("partner__public_id", _("파트너 아이디"), Kind.ID, link=_partner_of_row),
    Column("record_count", _("정산건 수"), Kind.COUNT, total=True),
    Column("amount", _("정산 금액"), Kind.SIGNED_WON, total=True, currency="currency"),
    Column("currency", _("정산 통화"), default=False),
    Column("change__public_id", _("휴일 변경"), Kind.ID, default=False),
)


def _default_contract(row: Row) -> str:
    return contract_url(row["default_contract__public_id"])


PARTNER_COLUMNS = (
    Column("name", _("파트너 이름"), width=20),
    Column("public_id", _("파트너 아이디"), Kind.ID, link=lambda row: partner_url(row["public_id"])),
    Column("type", _("파트너 유형"), Kind.BADGE, badges=PARTNER_TYPES),
    Column("taxation_type", _("과세 유형"), Kind.BADGE, badges=TAXATION_TYPES),
    Column("default_contract__current__name", _("기본 계약"), link=_default_contract),
    Column("account", _("받는 계좌"), value=lambda row: account_text(row["bank"], row["account_last4"])),
    Column("account_holder", _("예금주")),
    Column("account_status", _("예금주 검증"), Kind.BADGE, badges=ACCOUNT_BADGES),
    Column(
        "account_confirmed_name",
        _("계좌 변경"),
        value=lambda row: "" if row["account_confirmed"] else _now("승인 대기"),
        default=False,
    ),
    Column("status", _("상태"), Kind.BADGE, badges=PARTNER_BADGES, default=False),
    Column("contact_name", _("담당자 이름"), default=False),
    Column("contact_email", _("담당자 이메일"), default=False),
    Column("contact_phone", _("담당자 연락처"), default=False),
    Column("default_contract__public_id", _("기본 계약 아이디"), Kind.ID, link=_default_contract, default=False),
    Column("account_currency", _("계좌 통화"), default=False),
    Column("company_name", _("회사명"), default=False),
    Column("business_registration_number", _("사업자 등록번호"), Kind.ID, default=False),
    Column("business_status", _("휴폐업 상태"), Kind.BADGE, badges=BUSINESS_BADGES, default=False),
    Column("representative_name", _("대표자명"), default=False),
    Column("company_address", _("사업장 주소"), default=False),
    Column("business_type", _("업태"), default=False),
    Column("business_class", _("업종"), default=False),
    Column("birthdate", _("생년월일"), Kind.DATE, default=False),
    Column("tag_list", _("태그"), value=lambda row: ", ".join(str(tag) for tag in _tags(row))),
    Column("memo", _("메모"), default=False),
    Column("created_at", _("등록한 때"), Kind.MOMENT),
)


def _tags(row: Row) -> list[object]:
    tags = row["tags"]
    return list(tags) if isinstance(tags, list) else []


CONTRACT_COLUMNS = (
    Column("current__name", _("계약 이름"), width=20),
    Column("public_id", _("계약 아이디"), Kind.ID, link=lambda row: contract_url(row["public_id"])),
    Column("fee", _("중개수수료"), value=lambda row: fee_text(row, "current__")),
    Column("current__vat_payer", _("수수료 부가세 부담"), Kind.BADGE, badges=VAT_PAYERS),
    Column("cycle", _("정산 주기"), value=lambda row: cycle_text(row, "current__"), width=30),
    Column("partner_count", _("파트너 수"), Kind.COUNT, link=lambda row: partners_of_contract(row["public_id"])),
    Column("current__number", _("판"), Kind.COUNT, default=False),
    Column("current__applied_at", _("적용한 때"), Kind.MOMENT),
    Column("current__memo", _("메모"), default=False),
    Column("created_at", _("등록한 때"), Kind.MOMENT, default=False),
)


def partners_of_contract(public_id: object) -> str:
    """Return the list of partners whose default contract this is."""
    return f"{reverse('settlement:partners')}?{urlencode({'contract': str(public_id)})}"


DISCOUNT_POLICY_COLUMNS = (
    Column("current__name", _("정책 이름"), width=20),
    Column("public_id", _("정책 아이디"), Kind.ID, link=lambda row: discount_policy_url(row["public_id"])),
    Column("current__partner_share_rate", _("파트너 분담율"), Kind.RATE),
    Column("current__applied_at", _("적용한 때"), Kind.MOMENT),
    Column("current__memo", _("메모")),
    Column("current__number", _("판"), Kind.COUNT, default=False),
    Column("created_at", _("등록한 때"), Kind.MOMENT, default=False),
)
FEE_POLICY_COLUMNS = (
    Column("current__name", _("정책 이름"), width=20),
    Column("public_id", _("정책 아이디"), Kind.ID, link=lambda row: fee_policy_url(row["public_id"])),
    Column("fee", _("수수료"), value=lambda row: fee_text(row, "current__")),
    Column("current__vat_payer", _("수수료 부가세 부담"), Kind.BADGE, badges=VAT_PAYERS),
    Column("current__third_party", _("받는 제3자")),
    Column("current__applied_at", _("적용한 때"), Kind.MOMENT),
    Column("current__memo", _("메모")),
    Column("current__number", _("판"), Kind.COUNT, default=False),
    Column("created_at", _("등록한 때"), Kind.MOMENT, default=False),
)

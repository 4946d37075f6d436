"""
Records as a CSV file on the compatible wire: the caller picks columns by key, headers are their Korean names.

Amounts are as on the wire: whole minor units, sizes for cancels, whose type carries the minus. The rows come through a
cursor of the database, so that the file may be as long as it likes.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import translation
from django.utils.translation import gettext as _

from console.files.columns import Cell, Kind, SheetColumn
from console.files.csv_write import csv_blocks
from core.errors import InvalidRequest
from core.scope import Scope
from settlement import banks, queries
from settlement.models import (
    AccountStatus,
    BusinessStatus,
    Calculator,
    PartnerType,
    PropertyTarget,
    RecordStatus,
    RecordType,
    TaxationType,
)
from settlement.operations import partners, properties

_AT_ONCE = 2_000
_METHODS: Mapping[str, str] = {
    "CARD": "카드",
    "TRANSFER": "계좌이체",
    "VIRTUAL_ACCOUNT": "가상계좌",
    "GIFT_CERTIFICATE": "상품권",
    "MOBILE": "휴대폰",
    "EASY_PAY": "간편결제",
    "CONVENIENCE_STORE": "편의점",
    "CRYPTO": "가상자산",
}
_NOT_CONNECTED = "미연동"

Value = Callable[[Any], Cell]


@dataclass(frozen=True, slots=True)
class SheetField:
    """One column: its Korean header, what kind of cell it holds and how it is read from a record."""

    header: str
    value: Value
    kind: Kind = Kind.TEXT


def _korean(choices: Sequence[tuple[str, object]]) -> dict[str, str]:
    with translation.override("ko"):
        return {value: str(label) for value, label in choices}


_TYPES, _STATUSES = _korean(RecordType.choices), _korean(RecordStatus.choices)
_PARTNER_TYPES, _TAXATION = _korean(PartnerType.choices), _korean(TaxationType.choices)
_ACCOUNTS, _BUSINESSES = _korean(AccountStatus.choices), _korean(BusinessStatus.choices)


def _money(header: str, column: str) -> SheetField:
    def value(row: Any) -> Cell:
        amount: int = getattr(row, column)
        # A manual record has a settlement amount and nothing else.
        return amount if row.contract_version_id is not None or column.startswith("settlement") else None

    return SheetField(header, value, Kind.WON)


def _business(column: str) -> Value:
    return lambda row: getattr(row.partner, column) if row.partner.type == PartnerType.BUSINESS else None


def _birthdate(row: Any) -> Cell:
    day = row.partner.birthdate
    return day.isoformat() if day else None


RECORD_FIELDS: Mapping[str, SheetField] = {
    "TRANSFER_MEMO": SheetField("메모", lambda row: row.memo),
    "TRANSFER_TYPE": SheetField("정산 유형", lambda row: _TYPES[row.type]),
    "TRANSFER_STATUS": SheetField("상태", lambda row: _STATUSES[row.status]),
    "TRANSFER_ID": SheetField("정산 아이디", lambda row: row.public_id, Kind.ID),
    "TRANSFER_SETTLEMENT_DATE": SheetField("정산일", lambda row: row.settlement_date, Kind.DATE),
    "TRANSFER_SETTLEMENT_AMOUNT": _money("정산 금액", "settlement"),
    "TRANSFER_SETTLEMENT_TAX_FREE_AMOUNT": _money("정산 면세액", "settlement_tax_free"),
    "TRANSFER_SETTLEMENT_CURRENCY": SheetField("정산 통화", lambda row: row.currency),
    "TRANSFER_SETTLEMENT_START_DATE": SheetField("정산 시작일", lambda row: row.start_date, Kind.DATE),
    "TRANSFER_ORDER_NAME": SheetField("주문명", lambda row: row.order_name),
    "TRANSFER_ORDER_AMOUNT": _money("주문 금액", "order_amount"),
    "TRANSFER_ORDER_TAX_FREE_AMOUNT": _money("주문 면세액", "order_tax_free"),
    "TRANSFER_PAYMENT_ID": SheetField("주문 번호", lambda row: row.payment_id, Kind.ID),
    "TRANSFER_PAYMENT_METHOD": SheetField("결제 수단", lambda row: _method(row.payment_method)),
    "TRANSFER_PAYMENT_AMOUNT": _money("결제 금액", "payment"),
    "TRANSFER_PAYMENT_SUPPLY_AMOUNT": _money("결제 공급가액", "payment_supply"),
    "TRANSFER_PAYMENT_VAT_AMOUNT": _money("결제 부가세액", "payment_vat"),
    "TRANSFER_PAYMENT_TAX_FREE_AMOUNT": _money("결제 면세액", "payment_tax_free"),
    "TRANSFER_PAYMENT_VAT_BURDEN_AMOUNT": _money("결제 부가세 부담금", "payment_vat_burden"),
    "TRANSFER_PLATFORM_FEE": _money("중개수수료", "platform_fee"),
    "TRANSFER_PLATFORM_FEE_VAT": _money("중개수수료 부가세 부담금", "platform_fee_vat"),
    "TRANSFER_CONTRACT_ID": SheetField("계약 아이디", lambda row: row.contract_public_id, Kind.ID),
    "TRANSFER_CONTRACT_NAME": SheetField("계약 이름", lambda row: row.contract_name),
    "TRANSFER_DISCOUNT_AMOUNT": _money("할인 금액", "discount"),
    "TRANSFER_DISCOUNT_TAX_FREE_AMOUNT": _money("할인 면세액", "discount_tax_free"),
    "TRANSFER_DISCOUNT_SHARE_AMOUNT": _money("할인 분담금", "discount_share"),
    "TRANSFER_DISCOUNT_SHARE_TAX_FREE_AMOUNT": _money("할인 면세 분담금", "discount_share_tax_free"),
    "TRANSFER_ADDITIONAL_FEE": _money("추가수수료", "additional_fee"),
    "TRANSFER_ADDITIONAL_FEE_VAT": _money("추가수수료 부가세 부담금", "additional_fee_vat"),
}

PARTNER_FIELDS: Mapping[str, SheetField] = {
    "PARTNER_ID": SheetField("파트너 아이디", lambda row: row.partner.public_id, Kind.ID),
    "PARTNER_NAME": SheetField("파트너 이름", lambda row: row.partner.name),
    "PARTNER_CONTACT_NAME": SheetField("담당자 이름", lambda row: row.partner.contact_name),
    "PARTNER_CONTACT_EMAIL": SheetField("담당자 이메일", lambda row: row.partner.contact_email),
    "PARTNER_CONTACT_PHONE_NUMBER": SheetField("담당자 연락처", lambda row: row.partner.contact_phone),
    "PARTNER_DEFAULT_CONTRACT_ID": SheetField(
        "기본 계약 아이디", lambda row: row.partner.default_contract.public_id, Kind.ID
    ),
    "PARTNER_ACCOUNT_BANK": SheetField("은행", lambda row: banks.name_of(row.partner.bank)),
    "PARTNER_ACCOUNT_NUMBER": SheetField("계좌 번호", lambda row: partners.account_number(row.partner), Kind.ID),
    "PARTNER_ACCOUNT_HOLDER": SheetField("예금주명", lambda row: row.partner.account_holder),
    "PARTNER_ACCOUNT_CURRENCY": SheetField("통화", lambda row: row.partner.account_currency),
    "PARTNER_ACCOUNT_STATUS": SheetField("예금주 검증 상태", lambda row: _ACCOUNTS[row.partner.account_status]),
    "PARTNER_MEMO": SheetField("파트너 메모", lambda row: row.partner.memo),
    "PARTNER_TAGS": SheetField("태그", lambda row: ", ".join(row.partner.tags)),
    "PARTNER_TYPE": SheetField("파트너 유형", lambda row: _PARTNER_TYPES[row.partner.type]),
    "PARTNER_TAXATION_TYPE_OR_INCOME_TYPE": SheetField("과세·소득 유형", lambda row: _taxed(row.partner)),
    "PARTNER_BRN": SheetField("사업자 등록번호", _business("business_registration_number"), Kind.ID),
    "PARTNER_BRN_OR_BIRTH_DATE": SheetField(
        "사업자 등록번호 또는 생년월일",
        lambda row: _business("business_registration_number")(row) or _birthdate(row),
        Kind.ID,
    ),
    "PARTNER_BIRTH_DATE": SheetField("대표자 생년월일", _birthdate),
    "PARTNER_REPRESENTATIVE_NAME": SheetField("대표자명", _business("representative_name")),
    "PARTNER_COMPANY_NAME": SheetField("회사명", _business("company_name")),
    "PARTNER_COMPANY_ADDRESS": SheetField("사업장 주소", _business("company_address")),
    "PARTNER_BUSINESS_CLASS": SheetField("업종", _business("business_class")),
    "PARTNER_BUSINESS_TYPE": SheetField("업태", _business("business_type")),
    "PARTNER_BUSINESS_STATUS": SheetField(
        "휴폐업 상태",
        lambda row: _BUSINESSES[row.partner.business_status] if row.partner.type == PartnerType.BUSINESS else None,
    ),
    "PARTNER_MEMBER_COMPANY_CONNECTION_STATUS": SheetField("국세청 연동 상태", lambda _row: _NOT_CONNECTED),
    "PARTNER_MEMBER_COMPANY_CONNECTION_FAILED_REASON": SheetField("국세청 연동 실패 사유", lambda _row: None),
}
USUAL = (*RECORD_FIELDS, "PARTNER_ID", "PARTNER_NAME")


def _method(kept: Mapping[str, str]) -> str:
    word = kept.get("type", "")
    return _METHODS.get(word, word)


def _taxed(partner: Any) -> str:
    kind = _TAXATION if partner.type == PartnerType.BUSINESS else _PARTNER_TYPES
    return kind[partner.taxation_type if partner.type == PartnerType.BUSINESS else partner.type]


def known_fields(scope: Scope) -> dict[str, SheetField]:
    """Return every field of a scope by key: the fixed ones, custom properties and the merchant's own formulas."""
    own: dict[str, SheetField] = {}
    for one in properties.defined(scope, PropertyTarget.RECORD):
        own[f"TRANSFER_{one.key}"] = SheetField(one.name, _of_record(one.key))
    for one in properties.defined(scope, PropertyTarget.PARTNER):
        own[f"PARTNER_{one.key}"] = SheetField(one.name, _of_partner(one.key))
    for version in Calculator.objects.within(scope).order_by("number"):
        own |= {f"FORMULA_{item['key']}": SheetField(item["name"], _of_formula(item["key"])) for item in version.own}
    return own | dict(RECORD_FIELDS) | dict(PARTNER_FIELDS)


def _of_record(key: str) -> Value:
    def value(row: Any) -> Cell:
        return next((one["value"].get("string") for one in row.user_defined_properties if one["key"] == key), None)

    return value


def _of_partner(key: str) -> Value:
    return lambda row: row.partner.user_defined_properties.get(key, {}).get("string")


def _of_formula(key: str) -> Value:
    return lambda row: None if (found := row.formula_results.get(key)) is None else str(found)


def chosen(scope: Scope, keys: Sequence[str]) -> list[SheetField]:
    """Return the fields of these keys, the usual ones for none. Raises InvalidRequest for a key that nobody knows."""
    known = known_fields(scope)
    for place, key in enumerate(keys):
        if key not in known:
            raise InvalidRequest(_("모르는 열이에요: %(key)s") % {"key": key}, field=f"fields[{place}]")
    return [known[key] for key in keys or USUAL]


def record_blocks(scope: Scope, condition: Q, fields: Sequence[SheetField]) -> Iterator[bytes]:
    """Yield the records of a filter as CSV, newest first, in one snapshot."""
    columns = [SheetColumn(field.header, field.kind) for field in fields]
    values = [field.value for field in fields]
    rows = queries.whole_records(queries.record_rows(scope).filter(condition)).order_by("-pk")
    lean = rows.defer("lines", "discounts", "additional_fees", "parameters")
    # The transaction keeps the cursor open; without one the database would first copy the whole result.
    with transaction.atomic():
        cells = ([value(row) for value in values] for row in lean.iterator(chunk_size=_AT_ONCE))
        yield from csv_blocks(cells, columns)

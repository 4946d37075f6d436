"""What recording refuses, as problems of a row: the column it is about and a sentence that says what to do."""

from collections.abc import Mapping

from django.utils.translation import gettext_lazy

from console.columns import Label
from console.uploads import Problem, Row
from core.errors import DomainError

_PREFIX = "PLATFORM_"
# Code of the refusal -> the field of the upload it is about. A kind of upload without that field tells it of the row.
_FIELDS: Mapping[str, str] = {
    "PARTNER_NOT_FOUND": "partner",
    "CONTRACT_NOT_FOUND": "contract",
    "DISCOUNT_SHARE_POLICIES_NOT_FOUND": "discount_policy",
    "ADDITIONAL_FEE_POLICIES_NOT_FOUND": "fee_policies",
    "CURRENCY_NOT_SUPPORTED": "currency",
    "SETTLEMENT_AMOUNT_EXCEEDED": "discount",
    "PRODUCT_ID_DUPLICATED": "product",
    "SETTLEMENT_DATE_EARLIER_THAN_SETTLEMENT_START_DATE": "settlement_date",
    "TRANSFER_ALREADY_EXISTS": "order",
    "CONTRACT_PLATFORM_FIXED_AMOUNT_FEE_CURRENCY_AND_SETTLEMENT_CURRENCY_MISMATCHED": "currency",
    "ADDITIONAL_FIXED_AMOUNT_FEE_CURRENCY_AND_SETTLEMENT_CURRENCY_MISMATCHED": "currency",
    "TRANSFER_NOT_FOUND": "order",
    "CANNOT_SPECIFY_TRANSFER": "order",
    "PRODUCT_ID_NOT_FOUND": "product",
    "ORDER_DETAIL_MISMATCHED": "amount",
    "ORDER_TRANSFER_ALREADY_CANCELLED": "order",
    "TRANSFER_DISCOUNT_SHARE_POLICY_NOT_FOUND": "discount_policy",
    "CANCELLABLE_PRODUCT_QUANTITY_EXCEEDED": "quantity",
    "CANCELLABLE_AMOUNT_EXCEEDED": "amount",
    "CANCELLABLE_DISCOUNT_AMOUNT_EXCEEDED": "discount",
    "CANCELLABLE_DISCOUNT_TAX_FREE_AMOUNT_EXCEEDED": "discount_tax_free",
    "ARCHIVED_PARTNER": "partner",
    "INSUFFICIENT_DATA_TO_CHANGE_PARTNER_TYPE": "type",
}

MESSAGES: Mapping[str, Label] = {
    "partner_not_found": gettext_lazy("없는 파트너예요. 파트너 아이디를 확인해 주세요."),
    "contract_not_found": gettext_lazy("없는 계약이에요. 계약 아이디를 확인해 주세요."),
    "discount_share_policies_not_found": gettext_lazy("없는 할인 분담 정책이에요. 아이디를 확인해 주세요."),
    "additional_fee_policies_not_found": gettext_lazy("없는 추가 수수료 정책이에요. 아이디를 확인해 주세요."),
    "currency_not_supported": gettext_lazy("정산할 수 없는 통화예요. KRW처럼 세 글자로 적어 주세요."),
    "settlement_amount_exceeded": gettext_lazy("할인과 면세액은 주문 금액보다 클 수 없어요. 금액을 확인해 주세요."),
    "product_id_duplicated": gettext_lazy("한 주문에 같은 상품이 두 번 있어요. 한 행으로 합쳐 주세요."),
    "settlement_date_earlier_than_settlement_start_date": gettext_lazy("정산일은 정산 시작일과 같거나 뒤여야 해요."),
    "transfer_already_exists": gettext_lazy("이미 등록한 주문이나 취소인데 내용이 달라요. 번호를 확인해 주세요."),
    "contract_platform_fixed_amount_fee_currency_and_settlement_currency_mismatched": gettext_lazy(
        "계약의 정액 수수료는 원화로만 뗄 수 있어요."
    ),
    "additional_fixed_amount_fee_currency_and_settlement_currency_mismatched": gettext_lazy(
        "정액 추가 수수료는 원화로만 뗄 수 있어요."
    ),
    "transfer_not_found": gettext_lazy("등록한 주문을 찾을 수 없어요. 번호를 확인해 주세요."),
    "cannot_specify_transfer": gettext_lazy("같은 번호의 주문이 여럿이에요. 정산 아이디를 적어 주세요."),
    "product_id_not_found": gettext_lazy("주문에 없는 상품이에요. 상품 아이디를 확인해 주세요."),
    "order_detail_mismatched": gettext_lazy("주문을 등록한 방식대로 금액이나 상품으로 취소해 주세요."),
    "order_transfer_already_cancelled": gettext_lazy("이미 모두 취소한 주문이에요."),
    "transfer_discount_share_policy_not_found": gettext_lazy("주문에 없는 할인이에요. 아이디를 확인해 주세요."),
    "cancellable_product_quantity_exceeded": gettext_lazy("남은 수량보다 많이 취소할 수 없어요."),
    "cancellable_amount_exceeded": gettext_lazy("남은 금액보다 많이 취소할 수 없어요."),
    "cancellable_discount_amount_exceeded": gettext_lazy("남은 할인보다 많이 취소할 수 없어요."),
    "cancellable_discount_tax_free_amount_exceeded": gettext_lazy("남은 면세 할인보다 많이 취소할 수 없어요."),
    "archived_partner": gettext_lazy("보관한 파트너예요. 먼저 복원해 주세요."),
    "insufficient_data_to_change_partner_type": gettext_lazy("사업자에 필요한 정보가 모자라요."),
    "invalid_request": gettext_lazy("값을 함께 쓸 수 없어요. 금액과 날짜, 정책을 확인해 주세요."),
}


def problem(row: Row, refusal: DomainError, fields: frozenset[str]) -> Problem:
    """Return a refusal as a problem of a row of an upload that has these fields."""
    code = refusal.code.removeprefix(_PREFIX)
    field = _FIELDS.get(code, "")
    known = code.lower() if code.lower() in MESSAGES else "invalid_request"
    return Problem(row.number, field if field in fields else "", known)

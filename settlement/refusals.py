"""
What settlement refuses, in the codes and with the facts of the compatible wire.

Every refusal that names an object carries its opaque second id too: client libraries take an error without its listed
fields for an unknown one.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core import ids
from core.errors import DomainError, InvalidRequest, refusal
from core.ids import IdKind
from core.money import AmountOutOfRange
from settlement import fees
from settlement.dates import DateOutOfRange, InvalidCycle


def refuse(code: str, status: int, message: str = "", **facts: object) -> DomainError:
    """Return a refusal of the compatible wire; `code` without its common prefix."""
    return refusal(f"PLATFORM_{code}", status, message, **facts)


def named(kind: IdKind, public_id: str) -> dict[str, object]:
    """Return the two ids of one object."""
    return {"id": public_id, "graphqlId": ids.graphql_id(kind.number, public_id)}


def listed(kind: IdKind, public_ids: Sequence[str]) -> dict[str, object]:
    """Return the two lists of ids of several objects."""
    return {"ids": list(public_ids), "graphqlIds": [ids.graphql_id(kind.number, one) for one in public_ids]}


# ---- nothing of that name


def partner_not_found(public_id: str) -> DomainError:
    """No such partner."""
    return refuse("PARTNER_NOT_FOUND", 404, _("파트너를 찾을 수 없어요: %(id)s") % {"id": public_id})


def contract_not_found(public_id: str) -> DomainError:
    """No such contract."""
    return refuse("CONTRACT_NOT_FOUND", 404, _("계약을 찾을 수 없어요: %(id)s") % {"id": public_id})


def contracts_not_found(public_ids: Sequence[str]) -> DomainError:
    """No such contracts."""
    message = _("계약을 찾을 수 없어요: %(ids)s") % {"ids": ", ".join(public_ids)}
    return refuse("CONTRACTS_NOT_FOUND", 404, message, **listed(ids.CONTRACT, public_ids))


def partner_ids_duplicated(public_ids: Sequence[str]) -> DomainError:
    """Refuse partners of one request that share an id."""
    message = _("같은 파트너 아이디가 두 번 있어요: %(ids)s") % {"ids": ", ".join(public_ids)}
    return refuse("PARTNER_IDS_DUPLICATED", 400, message, **listed(ids.PARTNER, public_ids))


def partner_ids_used(public_ids: Sequence[str]) -> DomainError:
    """Refuse ids that other partners have."""
    message = _("이미 쓴 파트너 아이디예요: %(ids)s") % {"ids": ", ".join(public_ids)}
    return refuse("PARTNER_IDS_ALREADY_EXISTS", 409, message, **listed(ids.PARTNER, public_ids))


def partner_schedules_exist(public_ids: Sequence[str]) -> DomainError:
    """Refuse partners for which a change is planned already."""
    message = _("이미 예약한 변경이 있는 파트너예요: %(ids)s") % {"ids": ", ".join(public_ids)}
    return refuse("PARTNER_SCHEDULES_ALREADY_EXIST", 409, message, **listed(ids.PARTNER, public_ids))


def partners_archived(public_ids: Sequence[str]) -> DomainError:
    """Refuse to plan a change of archived partners."""
    message = _("보관한 파트너는 예약할 수 없어요: %(ids)s") % {"ids": ", ".join(public_ids)}
    return refuse("ARCHIVED_PARTNERS_CANNOT_BE_SCHEDULED", 409, message)


def record_not_found(public_id: str) -> DomainError:
    """No such record, or it is voided."""
    return refuse("TRANSFER_NOT_FOUND", 404, _("정산건을 찾을 수 없어요: %(id)s") % {"id": public_id})


def settlements_not_found(public_ids: Sequence[str]) -> DomainError:
    """No such partner settlements."""
    message = _("정산 내역을 찾을 수 없어요: %(ids)s") % {"ids": ", ".join(public_ids)}
    return refuse("PARTNER_SETTLEMENTS_NOT_FOUND", 404, message, **listed(ids.PARTNER_SETTLEMENT, public_ids))


def discount_policies_not_found(public_ids: Sequence[str]) -> DomainError:
    """No such discount share policies."""
    message = _("할인 분담 정책을 찾을 수 없어요: %(ids)s") % {"ids": ", ".join(public_ids)}
    return refuse("DISCOUNT_SHARE_POLICIES_NOT_FOUND", 404, message, **listed(ids.DISCOUNT_SHARE_POLICY, public_ids))


def fee_policies_not_found(public_ids: Sequence[str]) -> DomainError:
    """No such additional fee policies."""
    message = _("추가 수수료 정책을 찾을 수 없어요: %(ids)s") % {"ids": ", ".join(public_ids)}
    return refuse("ADDITIONAL_FEE_POLICIES_NOT_FOUND", 404, message, **listed(ids.ADDITIONAL_FEE_POLICY, public_ids))


def property_not_found(key: str) -> DomainError:
    """Nobody defined this custom property."""
    return refuse("USER_DEFINED_PROPERTY_NOT_FOUND", 404, _("정의하지 않은 속성이에요: %(key)s") % {"key": key})


def parameter_not_found(key: str) -> DomainError:
    """Nobody defined this settlement parameter."""
    return refuse("SETTLEMENT_PARAMETER_NOT_FOUND", 404, _("정의하지 않은 정산 파라미터예요: %(key)s") % {"key": key})


# ---- records


def currency_not_supported(currency: str) -> DomainError:
    """Refuse a currency that cannot be settled."""
    return refuse("CURRENCY_NOT_SUPPORTED", 400, _("정산할 수 없는 통화예요: %(currency)s") % {"currency": currency})


def record_id_used(public_id: str) -> DomainError:
    """Refuse an id that belongs to another record, which may be voided."""
    return refuse("TRANSFER_ID_ALREADY_USED", 409, _("이미 쓴 정산건 아이디예요: %(id)s") % {"id": public_id})


def record_exists(public_id: str) -> DomainError:
    """Refuse a second order of a payment and partner, or a second cancel of one number."""
    return refuse(
        "TRANSFER_ALREADY_EXISTS",
        409,
        _("이미 등록한 정산건이에요: %(id)s") % {"id": public_id},
        transferId=public_id,
        transferGraphqlId=ids.graphql_id(ids.TRANSFER.number, public_id),
    )


def date_before_start(settlement_date: date, start_date: date) -> DomainError:
    """Refuse a given settlement date that lies before the start date."""
    return refuse(
        "SETTLEMENT_DATE_EARLIER_THAN_SETTLEMENT_START_DATE",
        400,
        _("정산일은 정산 시작일과 같거나 뒤여야 해요."),
        settlementStartDate=start_date.isoformat(),
        settlementDate=settlement_date.isoformat(),
    )


def fixed_fee_currency(kind: IdKind, public_id: str, currency: str) -> DomainError:
    """Refuse a fixed fee, which is in won, on another currency."""
    stem = "CONTRACT_PLATFORM" if kind == ids.CONTRACT else "ADDITIONAL"
    return refuse(
        f"{stem}_FIXED_AMOUNT_FEE_CURRENCY_AND_SETTLEMENT_CURRENCY_MISMATCHED",
        400,
        _("정액 수수료는 원화로만 뗄 수 있어요: %(id)s") % {"id": public_id},
        **named(kind, public_id),
        feeCurrency="KRW",
        settlementCurrency=currency,
    )


_RELATIONS: Mapping[fees.Relation, object] = {
    fees.Relation.DISCOUNT_OVER_ORDER: gettext_lazy("할인이 주문 금액보다 커요."),
    fees.Relation.TAX_FREE_DISCOUNT_OVER_DISCOUNT: gettext_lazy("면세 할인이 할인보다 커요."),
    fees.Relation.TAX_FREE_DISCOUNT_OVER_TAX_FREE_ORDER: gettext_lazy("면세 할인이 면세 주문 금액보다 커요."),
    fees.Relation.TAX_FREE_PAYMENT_OVER_PAYMENT: gettext_lazy("면세 결제 금액이 결제 금액보다 커요."),
}


def _product(product_id: str | None) -> dict[str, object]:
    return {} if product_id is None else {"productId": product_id}


def _of_order(error: fees.Refused) -> DomainError:
    if isinstance(error, fees.PolicyDuplicated):
        return InvalidRequest(_("같은 정책이 두 번 있어요: %(id)s") % {"id": error.policy_id})
    return _of_amounts(error)


def _of_amounts(error: fees.Refused) -> DomainError:
    match error:
        case fees.AmountExceeded():
            facts = {"requestedAmount": error.requested, "allowedAmount": error.allowed, **_product(error.product_id)}
            return refuse("SETTLEMENT_AMOUNT_EXCEEDED", 400, str(_RELATIONS[error.relation]), **facts)
        case fees.ProductDuplicated():
            return refuse("PRODUCT_ID_DUPLICATED", 400, _("같은 상품이 두 번 있어요."), id=error.product_id)
        case fees.ProductNotFound():
            return refuse("PRODUCT_ID_NOT_FOUND", 404, _("주문에 없는 상품이에요."), id=error.product_id)
        case fees.OrderDetailMismatched():
            return refuse("ORDER_DETAIL_MISMATCHED", 400, _("주문을 등록한 방식대로 취소해야 해요."))
        case _:
            return InvalidRequest(_("orderAmount와 orderLines 중 하나만 있어야 해요."), field="orderDetail")


def _discount_facts(policy_id: str, product_id: str | None) -> dict[str, object]:
    graphql_id = ids.graphql_id(ids.DISCOUNT_SHARE_POLICY.number, policy_id)
    return {"discountSharePolicyId": policy_id, "discountSharePolicyGraphqlId": graphql_id, **_product(product_id)}


def _of_cancel(error: fees.Refused) -> DomainError:
    match error:
        case fees.AlreadyCancelled():
            return refuse("ORDER_TRANSFER_ALREADY_CANCELLED", 400, _("이미 모두 취소한 주문이에요."))
        case fees.DiscountPolicyNotFound():
            facts = _discount_facts(error.policy_id, error.product_id)
            return refuse("TRANSFER_DISCOUNT_SHARE_POLICY_NOT_FOUND", 404, _("주문에 없는 할인이에요."), **facts)
        case fees.CancellableQuantityExceeded():
            facts = {"productId": error.product_id, "cancellableQuantity": error.cancellable}
            message = _("남은 수량보다 많이 취소할 수 없어요.")
            return refuse("CANCELLABLE_PRODUCT_QUANTITY_EXCEEDED", 400, message, **facts)
        case fees.PolicyDuplicated():
            facts = named(ids.DISCOUNT_SHARE_POLICY, error.policy_id)
            message = _("같은 할인 분담 정책이 두 번 있어요.")
            return refuse("DISCOUNT_SHARE_POLICY_ID_DUPLICATED", 400, message, **facts)
        case _:
            return _of_too_much(error)


def _of_too_much(error: fees.Refused) -> DomainError:
    match error:
        case fees.CancellableAmountExceeded():
            facts: dict[str, object] = {"cancellableAmount": error.cancellable, "requestAmount": error.requested}
            facts["amountType"] = error.amount_type.value
            return refuse("CANCELLABLE_AMOUNT_EXCEEDED", 400, _("남은 금액보다 많이 취소할 수 없어요."), **facts)
        case fees.CancellableDiscountExceeded():
            facts = _discount_facts(error.policy_id, error.product_id)
            facts |= {"cancellableAmount": error.cancellable, "requestAmount": error.requested}
            part = "TAX_FREE_" if error.tax_free else ""
            message = _("남은 할인보다 많이 취소할 수 없어요.")
            return refuse(f"CANCELLABLE_DISCOUNT_{part}AMOUNT_EXCEEDED", 400, message, **facts)
        case _:
            return _of_amounts(error)


@contextmanager
def translated(*, cancelling: bool = False) -> Iterator[None]:
    """Let refusals of the calculation leave the block as refusals of the wire."""
    try:
        yield
    except fees.Refused as error:
        raise (_of_cancel(error) if cancelling else _of_order(error)) from error
    except AmountOutOfRange as error:
        raise InvalidRequest(_("금액이 범위를 벗어났어요."), field=error.field) from error
    except InvalidCycle as error:
        raise InvalidRequest(_("정산 주기를 확인해 주세요."), field=f"settlementCycle.{error.field}") from error
    except DateOutOfRange as error:
        raise InvalidRequest(_("정산일을 계산할 수 없는 날짜예요."), field="settlementStartDate") from error

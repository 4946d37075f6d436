"""What operations refuse, as problems of a row: the column it is about and a sentence that says what to do."""

from collections.abc import Callable, Mapping
from decimal import InvalidOperation

from django.db import DataError
from django.utils.translation import gettext_lazy

from console.columns import Label
from console.uploads import Problem, Row
from core.errors import DomainError
from core.money import AmountOutOfRange, CurrencyNotSupported

# Code of a refusal -> the field of the upload it is about. A kind of upload without that field tells it of the row.
_FIELDS: Mapping[str, str] = {
    "EXCHANGE_RATE_MISSING": "exchange_rate",
    "CURRENCY": "currency",
    "ORDER_NOT_CONFIRMED": "order",
    "ORDER_LINE_CANCELLED": "order_line",
    "UNIT": "unit",
    "OVER_DELIVERY": "quantity",
    "UNDER_DELIVERY": "quantity",
    "POLICY_TOO_WEAK": "policy",
    "CHARGE_ABOVE_MAXIMUM": "charge_value",
    "ID_ALREADY_USED": "id",
    "NEGATIVE_TOLERANCE": "percent",
}
# What was not found -> the field that named it.
_KINDS: Mapping[str, str] = {
    "vendor": "vendor",
    "item": "item",
    "order_line": "order_line",
    "purchase_order": "order",
    "charge_code": "charge_code",
    "order_charge": "connected_to",
    "partner": "partner",
}

MESSAGES: Mapping[str, Label] = {
    "exchange_rate_missing": gettext_lazy("그 통화의 환율이 없어요. 환율을 적거나 먼저 등록해 주세요."),
    "currency": gettext_lazy("송장과 발주의 통화가 달라요."),
    "order_not_confirmed": gettext_lazy("아직 확정되지 않은 발주예요."),
    "order_line_cancelled": gettext_lazy("취소된 발주 라인이에요."),
    "unit": gettext_lazy("그 단위를 발주 라인의 단위로 바꾸는 환산이 없어요."),
    "over_delivery": gettext_lazy("발주 라인에서 받을 수 있는 수량보다 많아요."),
    "under_delivery": gettext_lazy("받은 수량이 적어서 발주 라인을 마감할 수 없어요."),
    "policy_too_weak": gettext_lazy("회사 정책보다 약한 매칭 정책은 쓸 수 없어요."),
    "charge_above_maximum": gettext_lazy("비용이 비용 코드의 한도보다 커요."),
    "id_already_used": gettext_lazy("이미 등록한 아이디인데 내용이 달라요."),
    "negative_tolerance": gettext_lazy("0 이상으로 적어 주세요."),
    "vendor_not_found": gettext_lazy("없는 공급사예요. 공급사 계정을 확인해 주세요."),
    "item_not_found": gettext_lazy("없는 품목이에요. 품목 번호를 확인해 주세요."),
    "order_line_not_found": gettext_lazy("없는 발주 라인이에요. 발주 아이디와 라인 번호를 확인해 주세요."),
    "purchase_order_not_found": gettext_lazy("없는 발주예요. 발주 아이디를 확인해 주세요."),
    "charge_code_not_found": gettext_lazy("없는 비용 코드예요."),
    "order_charge_not_found": gettext_lazy("없는 발주 비용이에요. 발주 아이디/비용 아이디로 적어 주세요."),
    "partner_not_found": gettext_lazy("없는 파트너예요. 파트너 아이디를 확인해 주세요."),
    "figure_too_large": gettext_lazy("금액이나 수량이 너무 커요."),
    "day_too_late": gettext_lazy("날짜가 너무 늦어요."),
    "currency_not_supported": gettext_lazy("쓸 수 없는 통화예요."),
    "invalid_request": gettext_lazy("값을 함께 쓸 수 없어요. 이 행의 값을 확인해 주세요."),
}


def attempt(row: Row, names: frozenset[str], verb: Callable[[], object]) -> Problem | None:
    """Run an operation; return what it refuses as a problem of a row of an upload with these fields."""
    try:
        verb()
    except DomainError as refusal:
        return _problem(row, refusal, names)
    except (DataError, InvalidOperation, AmountOutOfRange):
        return Problem(row.number, "", "figure_too_large")
    except OverflowError:
        # A day from which the terms of payment lead out of the calendar.
        return Problem(row.number, "date" if "date" in names else "", "day_too_late")
    except CurrencyNotSupported:
        return Problem(row.number, "currency" if "currency" in names else "", "currency_not_supported")
    return None


def _problem(row: Row, refusal: DomainError, names: frozenset[str]) -> Problem:
    kind = str(refusal.facts.get("kind", ""))
    code = f"{kind}_not_found" if kind in _KINDS else refusal.code.lower()
    field = _KINDS.get(kind) or _FIELDS.get(refusal.code) or str(refusal.facts.get("field", "")).rpartition(".")[2]
    return Problem(row.number, field if field in names else "", code if code in MESSAGES else "invalid_request")

"""What matching refuses, by code."""

from django.utils.translation import gettext as _

from core.errors import Conflict, DomainError, InvalidRequest, NotFound, refusal


def _told(code: str, message: str, status: int, **facts: object) -> DomainError:
    return refusal(code, status, message, **facts)


def negative_tolerance(field: str) -> DomainError:
    """Refuse: a tolerance or a limit below zero."""
    return _told("NEGATIVE_TOLERANCE", _("허용 오차는 0 이상이어야 해요."), 400, field=field)


def default_tolerance_required() -> DomainError:
    """Refuse: the row for all items and all vendors is always there."""
    return _told("DEFAULT_TOLERANCE_REQUIRED", _("모든 품목과 모든 공급사의 허용 오차는 지울 수 없어요."), 409)


def policy_too_weak(policy: str, company: str) -> DomainError:
    """Refuse: only policies at least as strong as the company's are taken."""
    message = _("회사 정책보다 약한 매칭 정책은 쓸 수 없어요. 회사 설정에서 허용할 수 있어요.")
    return _told("POLICY_TOO_WEAK", message, 409, policy=policy, companyPolicy=company)


def over_delivery(line: str, limit: str) -> DomainError:
    """Refuse: more would be received than the order line allows."""
    message = _("주문 라인 %(line)s은 %(limit)s까지만 받을 수 있어요.") % {"line": line, "limit": limit}
    return _told("OVER_DELIVERY", message, 409, orderLine=line, limit=limit)


def under_delivery(line: str, limit: str) -> DomainError:
    """Refuse: a line would be closed with too little received."""
    message = _("주문 라인 %(line)s은 %(limit)s 이상 받아야 마감할 수 있어요.") % {"line": line, "limit": limit}
    return _told("UNDER_DELIVERY", message, 409, orderLine=line, limit=limit)


def order_not_confirmed(order: str) -> DomainError:
    """Refuse: only confirmed orders are received and invoiced."""
    message = _("발주 %(order)s은 아직 확정되지 않았어요.") % {"order": order}
    return _told("ORDER_NOT_CONFIRMED", message, 409, order=order)


def order_line_cancelled(line: str) -> DomainError:
    """Refuse: a cancelled order line takes nothing more."""
    message = _("주문 라인 %(line)s은 취소됐어요.") % {"line": line}
    return _told("ORDER_LINE_CANCELLED", message, 409, orderLine=line)


def other_currency(invoice: str, order: str) -> DomainError:
    """Refuse: invoice and order have one currency."""
    message = _("송장 통화 %(invoice)s이(가) 발주 통화 %(order)s와 달라요.") % {"invoice": invoice, "order": order}
    return _told("CURRENCY", message, 409, currency=invoice, orderCurrency=order)


def receipt_overmatched(line: str, available: str) -> DomainError:
    """Refuse: a receipt line is matched with no more than is left of it."""
    message = _("입고 라인 %(line)s에는 %(available)s만 남아 있어요.") % {"line": line, "available": available}
    return _told("RECEIPT_OVERMATCHED", message, 409, receiptLine=line, available=available)


def receipt_sign(line: str) -> DomainError:
    """Refuse: returns go to credit notes, deliveries to invoices."""
    message = _("입고 라인 %(line)s과 송장 라인의 수량 부호가 달라요.") % {"line": line}
    return _told("RECEIPT_SIGN", message, 409, receiptLine=line)


def receipt_cancelled(line: str) -> DomainError:
    """Refuse: a cancelled receipt cannot be matched."""
    message = _("입고 라인 %(line)s은 취소된 입고예요.") % {"line": line}
    return _told("RECEIPT_CANCELLED", message, 409, receiptLine=line)


def receipt_invoiced(receipt: str) -> DomainError:
    """Refuse: what a posted invoice was matched with stays."""
    message = _("입고 %(receipt)s은 전기된 송장과 매칭돼 있어서 취소할 수 없어요.") % {"receipt": receipt}
    return _told("RECEIPT_INVOICED", message, 409, receipt=receipt)


def no_conversion(unit: str, into: str) -> DomainError:
    """Refuse: no conversion between two units is known."""
    message = _("%(unit)s을(를) %(into)s(으)로 바꾸는 환산이 없어요.") % {"unit": unit, "into": into}
    return _told("UNIT", message, 409, unit=unit, orderUnit=into)


def rate_missing(currency: str, into: str) -> DomainError:
    """Refuse: a document in another currency needs a rate."""
    message = _("%(currency)s의 %(into)s 환율이 없어요.") % {"currency": currency, "into": into}
    return _told("EXCHANGE_RATE_MISSING", message, 409, currency=currency, accountingCurrency=into)


def invoice_posted(invoice: str) -> DomainError:
    """Refuse: a posted invoice stays as it is."""
    message = _("송장 %(invoice)s은 이미 전기됐어요.") % {"invoice": invoice}
    return _told("INVOICE_POSTED", message, 409, invoice=invoice)


def approval_not_available() -> DomainError:
    """Refuse: discrepancies are approved only where the company asks for it."""
    message = _("불일치 승인이 필요하지 않은 설정이에요.")
    return _told("APPROVAL_NOT_AVAILABLE", message, 409)


def approver_entered() -> DomainError:
    """Refuse: whoever entered an invoice does not approve its discrepancies."""
    return _told("APPROVER_MUST_DIFFER", _("송장을 입력한 사람은 불일치를 승인할 수 없어요."), 409)


def on_hold(invoice: str) -> DomainError:
    """Refuse: gate 1 of posting."""
    return _told("ON_HOLD", _("보류된 송장이에요. 보류를 풀고 전기해 주세요."), 409, invoice=invoice)


def duplicate_number(number: str, other: str) -> DomainError:
    """Refuse: gate 2 of posting."""
    message = _("같은 공급사의 송장 번호 %(number)s이(가) 이미 전기됐어요.") % {"number": number}
    return _told("DUPLICATE_INVOICE_NUMBER", message, 409, number=number, invoice=other)


def imported_totals(field: str, imported: str, calculated: str) -> DomainError:
    """Refuse: gate 3 of posting."""
    message = _("가져온 값 %(imported)s이(가) 계산한 값 %(calculated)s와 달라요.") % {
        "imported": imported,
        "calculated": calculated,
    }
    return _told("IMPORTED_TOTALS", message, 409, field=field, imported=imported, calculated=calculated)


def receiving_requirement(line: int) -> DomainError:
    """Refuse: gate 5 of posting."""
    message = _("%(line)s번 라인의 품목은 입고가 있어야 전기할 수 있어요.") % {"line": line}
    return _told("RECEIVING_REQUIREMENT", message, 409, line=line)


def quantity_below_receipts(line: int) -> DomainError:
    """Refuse: gate 6 of posting."""
    message = _("%(line)s번 라인의 송장 수량이 매칭한 입고 수량보다 적어요.") % {"line": line}
    return _told("QUANTITY_BELOW_RECEIPTS", message, 409, line=line)


def discrepancies(reasons: list[str]) -> DomainError:
    """Refuse: gate 7 of posting."""
    message = _("불일치를 승인해야 전기할 수 있어요.")
    return _told("MATCHING_DISCREPANCIES", message, 409, reasons=reasons)


def charge_above_maximum(code: str, maximum: str) -> DomainError:
    """Refuse: a charge is larger than its code allows."""
    message = _("비용 %(code)s은(는) %(maximum)s까지만 쓸 수 있어요.") % {"code": code, "maximum": maximum}
    return _told("CHARGE_ABOVE_MAXIMUM", message, 409, chargeCode=code, maximum=maximum)


def in_use(what: str) -> DomainError:
    """Refuse: what documents name stays."""
    return Conflict(_("쓰이고 있어서 지울 수 없어요: %(what)s") % {"what": what}, name=what)


def id_used(what: str) -> DomainError:
    """Refuse: an id names one thing."""
    return _told("ID_ALREADY_USED", _("이미 쓰인 아이디예요: %(what)s") % {"what": what}, 409, id=what)


def not_found(kind: str, name: str) -> DomainError:
    """Refuse: nothing of that name in this scope."""
    return NotFound(_("찾을 수 없어요: %(name)s") % {"name": name}, kind=kind, name=name)


def invalid(message: str, field: str) -> DomainError:
    """Refuse: a value that cannot be right."""
    return InvalidRequest(message, field=field)

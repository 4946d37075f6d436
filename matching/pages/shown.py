"""How matching is shown: badges, words for reasons and figures, amounts, percentages and prices as people read them."""

from collections.abc import Iterable, Mapping
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Final

from django.db.models import BigIntegerField, Case, F, Value, When
from django.db.models.functions import Cast, Round
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from console.columns import UNKNOWN, Badge, Label, Shape, Tone
from core.money import MINOR_DIGITS
from matching import amounts
from matching.models import AutomationStatus, InvoiceStatus, MatchStatus, Policy, PolicyFrom, Verdict

_OTHER_SCALE: Final = 100
PERCENT_PLACES: Final = 2
UNIT_PRICE_PLACES: Final = 4
QUANTITY_PLACES: Final = 2
# Wider than any stored figure, so that writing one never loses its end.
_WIDE: Final = Context(prec=80)


def minor_units(field: str, currency_field: str = "currency") -> Cast:
    """Return an amount of a document in the minor units of its currency, as columns of money take it."""
    whole = [code for code, digits in MINOR_DIGITS.items() if not digits]
    scale = Case(When(**{f"{currency_field}__in": whole}, then=Value(1)), default=Value(_OTHER_SCALE))
    return Cast(Round(F(field) * scale), BigIntegerField())


# ---- States

INVOICE_BADGES: Mapping[str, Badge] = {
    InvoiceStatus.PENDING.value: Badge(InvoiceStatus.PENDING.label, Tone.NEUTRAL, Shape.RING),
    InvoiceStatus.IN_REVIEW.value: Badge(InvoiceStatus.IN_REVIEW.label, Tone.PROGRESS, Shape.HALF),
    InvoiceStatus.READY.value: Badge(InvoiceStatus.READY.label, Tone.INFO, Shape.DOT),
    InvoiceStatus.POSTED.value: Badge(InvoiceStatus.POSTED.label, Tone.SUCCESS, Shape.CHECK),
}
MATCH_BADGES: Mapping[str, Badge] = {
    MatchStatus.NOT_APPLICABLE.value: Badge(MatchStatus.NOT_APPLICABLE.label, Tone.NEUTRAL, Shape.DASH),
    MatchStatus.NOT_PERFORMED.value: Badge(MatchStatus.NOT_PERFORMED.label, Tone.NEUTRAL, Shape.RING),
    MatchStatus.PASSED.value: Badge(MatchStatus.PASSED.label, Tone.SUCCESS, Shape.CHECK),
    MatchStatus.FAILED.value: Badge(MatchStatus.FAILED.label, Tone.WARNING, Shape.ALERT),
    MatchStatus.FAILED_APPROVED.value: Badge(MatchStatus.FAILED_APPROVED.label, Tone.INFO, Shape.CHECK),
}
VERDICT_BADGES: Mapping[str, Badge] = {
    Verdict.PASSED.value: Badge(Verdict.PASSED.label, Tone.SUCCESS, Shape.CHECK),
    Verdict.FAILED.value: Badge(Verdict.FAILED.label, Tone.WARNING, Shape.ALERT),
}
# What saving an invoice last told about it, however it was decided afterwards.
LAST_BADGES: Mapping[str, Badge] = {
    Verdict.PASSED.value: Badge(gettext_lazy("이상 없음"), Tone.SUCCESS, Shape.CHECK),
    Verdict.FAILED.value: Badge(gettext_lazy("확인 필요"), Tone.WARNING, Shape.ALERT),
}
AUTOMATION_BADGES: Mapping[str, Badge] = {
    AutomationStatus.NOT_APPLICABLE.value: Badge(AutomationStatus.NOT_APPLICABLE.label, Tone.NEUTRAL, Shape.DASH),
    AutomationStatus.NOT_YET_RUN.value: Badge(AutomationStatus.NOT_YET_RUN.label, Tone.NEUTRAL, Shape.RING),
    AutomationStatus.COMPLETED.value: Badge(AutomationStatus.COMPLETED.label, Tone.SUCCESS, Shape.CHECK),
    AutomationStatus.FAILED.value: Badge(AutomationStatus.FAILED.label, Tone.WARNING, Shape.ALERT),
}


def verdict(value: object) -> Badge | None:
    """Return the badge of a verdict; None where nothing was judged."""
    return VERDICT_BADGES.get(str(value or ""))


def policy(value: object, source: object = "") -> str:
    """Return a matching policy with where it comes from: `3방향 (품목)`."""
    if not value:
        return UNKNOWN
    word = str(Policy(str(value)).label)
    return f"{word} ({PolicyFrom(str(source)).label})" if source else word


# ---- Reasons

CHARGE, TOTAL = "CHARGE_", "TOTAL_"
TOTAL_NAMES: Mapping[str, Label] = {
    "balance": gettext_lazy("라인 합계"),
    "total_discount": gettext_lazy("총할인"),
    "charges": pgettext_lazy("charges", "비용"),
    "sales_tax": gettext_lazy("세액"),
    "round_off": gettext_lazy("단수 차이"),
    "invoice_amount": gettext_lazy("송장 금액"),
}
ROW_NAMES: Mapping[str, Label] = {
    "unit_price": gettext_lazy("단가"),
    "price_unit": gettext_lazy("가격 기준 수량"),
    "charges_on_purchases": gettext_lazy("라인 비용"),
    "discount": gettext_lazy("할인"),
    "discount_percent": gettext_lazy("할인율"),
    "multiline_discount": gettext_lazy("다중 라인 할인"),
    "multiline_discount_percent": gettext_lazy("다중 라인 할인율"),
    "net_amount": gettext_lazy("순액"),
    "net_unit_price": gettext_lazy("순 단가"),
}
LINE_REASONS: Mapping[str, Label] = {
    "PRICE": gettext_lazy("단가"),
    "PRICE_TOTAL_PERCENT": gettext_lazy("가격 총액 백분율"),
    "PRICE_TOTAL_AMOUNT": gettext_lazy("가격 총액 금액"),
    "RECEIPT_QUANTITY": gettext_lazy("입고 수량"),
    "UNIT": gettext_lazy("단위 환산 없음"),
    "PO_LINE": gettext_lazy("취소된 발주 라인"),
}
REASON_KINDS: tuple[tuple[str, Label], ...] = (
    *LINE_REASONS.items(),
    ("TOTAL", gettext_lazy("송장 합계")),
    ("CHARGE", pgettext_lazy("charges", "비용")),
)
REASON_BADGES: Mapping[str, Badge] = {code: Badge(label, Tone.WARNING, Shape.ALERT) for code, label in REASON_KINDS}


def reason(code: str) -> str:
    """Return what a reason code says: `단가`, `송장 합계: 세액`, `비용: FREIGHT`."""
    if code in LINE_REASONS:
        return str(LINE_REASONS[code])
    if code.startswith(CHARGE):
        return _("비용: %(code)s") % {"code": code.removeprefix(CHARGE)}
    if code.startswith(TOTAL):
        name = code.removeprefix(TOTAL).lower()
        return _("송장 합계: %(name)s") % {"name": TOTAL_NAMES.get(name, name)}
    return code


def reasons(codes: object) -> str:
    """Return reasons as one line, those of lines first."""
    found = sorted((str(code) for code in codes), key=_place) if isinstance(codes, Iterable) else []
    return " · ".join(reason(code) for code in found)


def _place(code: str) -> int:
    kinds = [kind for kind, _label in REASON_KINDS]
    kind = kind_of(code)
    return kinds.index(kind) if kind in kinds else len(kinds)


def kind_of(code: str) -> str:
    """Return what kind a reason is of, as filters and badges know it."""
    for prefix in (CHARGE, TOTAL):
        if code.startswith(prefix) and code not in LINE_REASONS:
            return prefix.removesuffix("_")
    return code


def gravest(codes: object) -> str:
    """Return the kind of the first reason in the order people look at them; empty without reasons."""
    found = {kind_of(str(code)) for code in codes} if isinstance(codes, Iterable) else set()
    return next((code for code, _label in REASON_KINDS if code in found), "")


UNPAID: Mapping[str, Label] = {
    "NO_PARTNER": gettext_lazy("공급사에 연결된 파트너가 없어요. 공급사에 파트너를 연결하면 정산건이 만들어져요."),
    "CURRENCY": gettext_lazy("지급할 수 없는 통화예요."),
    "ZERO": gettext_lazy("금액이 0이라서 지급할 것이 없어요."),
}

_BY_ITSELF: Final = "system"


def person(actor: object) -> str:
    """Return the name of whoever did something; the product itself is called so."""
    kind, _colon, name = str(actor or "").partition(":")
    return _("자동") if kind == _BY_ITSELF else name or kind


# What the audit trail's verbs about invoices mean to people.
HAPPENINGS: Mapping[str, Label] = {
    "invoice.entered": gettext_lazy("송장을 입력했어요"),
    "invoice.changed": gettext_lazy("송장을 고쳤어요"),
    "invoice.held": gettext_lazy("보류했어요"),
    "invoice.released": gettext_lazy("보류를 풀었어요"),
    "invoice.submitted": gettext_lazy("송장을 제출했어요"),
    "invoice.recalled": gettext_lazy("송장을 회수했어요"),
    "invoice.rejected": gettext_lazy("반려했어요"),
    "invoice.reviewed": gettext_lazy("검토를 마쳤어요"),
    "invoice.approved": gettext_lazy("불일치를 승인했어요"),
    "invoice.approval_withdrawn": gettext_lazy("불일치 승인을 취소했어요"),
    "invoice.posted": gettext_lazy("전기했어요"),
}
# The journals of receipts and invoices, and their parts, as the ledger's pages name them.
EVENTS: Mapping[str, Label] = {
    "receipt.received": gettext_lazy("입고"),
    "receipt.cancelled": gettext_lazy("입고 취소"),
    "invoice.posted": gettext_lazy("송장 전기"),
}
COMPONENTS: Mapping[str, Label] = {
    "GOODS": gettext_lazy("입고한 물품"),
    "CLEARED": gettext_lazy("입고 때 적어 둔 금액"),
    "PRICE_VARIANCE": gettext_lazy("가격 차이"),
    "DIRECT": gettext_lazy("바로 비용으로 처리한 금액"),
    "TAX": gettext_lazy("세액"),
    "INVOICE": gettext_lazy("송장 금액"),
}


# ---- Figures. A run keeps them as text, exact or rounded to six places.


def fixed(figure: Decimal, places: int) -> str:
    """Write a figure with so many decimals, a half away from zero."""
    rounded = figure.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP, _WIDE)
    return f"{rounded or abs(rounded):,f}"


def at_least(figure: Decimal, places: int) -> str:
    """Write a figure with so many decimals, with more of them where it has more."""
    exponent = figure.normalize(_WIDE).as_tuple().exponent
    own = -exponent if isinstance(exponent, int) and exponent < 0 else 0
    return fixed(figure, max(places, own))


def percent(text: str | Decimal | None) -> str:
    """Write a percentage with two decimals: `22.61%`."""
    return UNKNOWN if text is None else f"{fixed(Decimal(text), PERCENT_PLACES)}%"


def money(text: str | Decimal | None, currency: str) -> str:
    """Write an amount with the decimals of its currency."""
    return UNKNOWN if text is None else fixed(Decimal(text), amounts.digits(currency))


def price(text: str | Decimal | None, currency: str) -> str:
    """Write a price as it was given, with no fewer decimals than its currency has."""
    return UNKNOWN if text is None else at_least(Decimal(text), amounts.digits(currency))


def net_unit_price(text: str | Decimal | None) -> str:
    """Write a net unit price with four decimals."""
    return UNKNOWN if text is None else fixed(Decimal(text), UNIT_PRICE_PLACES)


def quantity(text: str | Decimal | None) -> str:
    """Write a quantity with two decimals, or as many as it has."""
    return UNKNOWN if text is None else at_least(Decimal(text), QUANTITY_PLACES)


def row_value(name: str, text: str, currency: str) -> str:
    """Write one of the nine figures of a line."""
    if name == "net_unit_price":
        return net_unit_price(text)
    if name == "price_unit":
        return quantity(text)
    if name.endswith("percent"):
        return percent(text)
    return money(text, currency) if name in {"net_amount", "charges_on_purchases"} else price(text, currency)


def exact(text: str, written: str) -> str:
    """Return a figure as the run keeps it where writing it lost something, else nothing."""
    plain = written.replace(",", "").removesuffix("%")
    return "" if Decimal(plain) == Decimal(text) else text


# ---- Where tolerances come from


def _side(code: str, everything: str, group: str) -> str:
    kind, _colon, name = code.partition(":")
    if kind == "all":
        return everything
    return group % {"name": name} if kind == "group" else name


def tolerance_row(source: str) -> str:
    """Return the set-up row of a tolerance in words: `품목 A / 모든 공급사`."""
    item, slash, vendor = source.partition(" / ")
    if slash:
        items = _side(item, _("모든 품목"), _("품목 그룹 %(name)s"))
        vendors = _side(vendor, _("모든 공급사"), _("공급사 그룹 %(name)s"))
        return f"{items} / {vendors}"
    kind, _colon, name = source.partition(":")
    if kind == "vendor":
        return _("공급사 %(name)s의 송장 합계 허용 오차") % {"name": name}
    if kind == "code":
        return _("비용 코드 %(name)s의 허용 오차") % {"name": name}
    return _("회사 설정")

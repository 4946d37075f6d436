"""변경 이력 of matching's documents and set-up, in people's words."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from access import queries as access_queries
from access.models import AuditEvent
from console.columns import Label, decimal
from core.scope import Scope
from matching import models
from settlement.pages.shared import Change, Happened

_VERBS: Mapping[str, Label] = {
    "created": pgettext_lazy("history", "등록"),
    "changed": _("변경"),
    "recorded": pgettext_lazy("history", "등록"),
    "cancelled": _("취소"),
    "saved": _("변경"),
    "removed": pgettext_lazy("history", "삭제"),
}
_NAMES: Mapping[str, Label] = {
    "name": _("이름"),
    "description": _("설명"),
    "currency": _("통화"),
    "vendor": _("공급사"),
    "lines": _("라인"),
    "net": _("순액"),
    "version": _("판"),
    "price_tolerance_group": _("허용 오차 그룹"),
    "invoice_account": _("송장 계정"),
    "partner_id": _("연결한 파트너"),
    "payment_days": _("지급 기한"),
    "unit": _("구매 단위"),
    "receiving_requirement": _("입고 필수"),
    "over_delivery_percent": _("초과 입고 한도"),
    "under_delivery_percent": _("부족 입고 한도"),
    "compare_po_and_invoice": _("발주와 송장 비교"),
    "maximum_amount": _("최대 금액"),
    "debit_type": _("차변"),
    "credit_type": _("대변"),
    "percent": _("허용 오차"),
    "policy": _("매칭 정책"),
    "rate": _("환율"),
    "per_total_settings": _("합계별 설정"),
    "numerator": _("환산 비율의 분자"),
    "denominator": _("환산 비율의 분모"),
}
# Figures with decimals; what is written without them may be a name.
_DECIMAL = re.compile(r"-?[0-9]+\.[0-9]+")
# What the trail keeps as a key or a structure, which tells people nothing.
_UNREADABLE = frozenset({"partner_id", "per_total_settings"})
_UNSHOWN = frozenset({"added"})
_WORDS: Mapping[str, Label] = {
    "True": _("예"),
    "False": _("아니요"),
    "None": "–",
    **{
        str(value): label
        for choices in (
            models.EntryPolicy,
            models.ChargeSide,
            models.Override,
            models.Direction,
            models.PriceTotals,
            models.WithDiscrepancies,
            models.DuplicateNumber,
        )
        for value, label in choices.choices
    },
}


def of(
    scope: Scope, kind: str, object_id: str, *, begins: str = "", names: Mapping[str, Label] | None = None
) -> list[Happened]:
    """Return what happened to an object, newest first; only actions that begin so. `names` adds names of fields."""
    events = access_queries.history(scope, kind, object_id)
    return [_told(event, {**_NAMES, **(names or {})}) for event in events if event.action.startswith(begins)]


def _told(event: AuditEvent, names: Mapping[str, Label]) -> Happened:
    after: Mapping[str, Any] = event.after or {}
    verb = event.action.rpartition(".")[2].rpartition("_")[2]
    word = pgettext_lazy("history", "등록") if "added" in after else _VERBS.get(verb, event.action)
    changes = [
        Change(str(names.get(name, name)), None, _now("바뀌었어요") if name in _UNREADABLE else _written(value))
        for name, value in after.items()
        if name not in _UNSHOWN
    ]
    return Happened(event, str(word), changes)


def _written(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(str(one) for one in value) or _now("없음")
    text = str(value)
    if _DECIMAL.fullmatch(text):
        return decimal(Decimal(text))
    return str(_WORDS.get(text, text))

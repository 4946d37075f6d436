"""How vendor files are shown: states, kinds, figures and people, in words."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.utils.translation import get_language, gettext_lazy, pgettext_lazy
from django.utils.translation import gettext as _

from console.columns import UNKNOWN, Badge, Column, Kind, Label, Row, Shape, Tone
from reconciliation import wording
from reconciliation.amounts import minor_unit
from reconciliation.models import BatchState
from reconciliation.reading import Rejected

_BY_ITSELF = "system"

STATE_BADGES: dict[str, Badge] = {
    BatchState.LOADING.value: Badge(BatchState.LOADING.label, Tone.PROGRESS, Shape.HALF),
    BatchState.UNDERSTOOD.value: Badge(BatchState.UNDERSTOOD.label, Tone.WARNING, Shape.CLOCK),
    BatchState.ACCEPTED.value: Badge(BatchState.ACCEPTED.label, Tone.SUCCESS, Shape.CHECK),
    BatchState.SUPERSEDED.value: Badge(BatchState.SUPERSEDED.label, Tone.NEUTRAL, Shape.BACK),
    BatchState.REJECTED.value: Badge(BatchState.REJECTED.label, Tone.DANGER, Shape.CROSS),
    BatchState.DISCARDED.value: Badge(pgettext_lazy("vendor file", "버림"), Tone.NEUTRAL, Shape.DASH),
}

VALID, INVALID, DUPLICATE, OTHER = "valid", "invalid", "duplicate", "other"
LINE_BADGES: dict[str, Badge] = {
    VALID: Badge(gettext_lazy("유효"), Tone.SUCCESS, Shape.CHECK),
    INVALID: Badge(gettext_lazy("읽을 수 없음"), Tone.DANGER, Shape.CROSS),
    DUPLICATE: Badge(gettext_lazy("중복"), Tone.WARNING, Shape.ALERT),
    OTHER: Badge(gettext_lazy("다른 종류"), Tone.NEUTRAL, Shape.DASH),
}

CHANGE_BADGES: dict[str, Badge] = {
    "added": Badge(gettext_lazy("추가"), Tone.SUCCESS, Shape.CHECK),
    "removed": Badge(pgettext_lazy("vendor file", "삭제"), Tone.DANGER, Shape.CROSS),
    "changed": Badge(gettext_lazy("변경"), Tone.WARNING, Shape.ALERT),
}

CHECK_BADGES: dict[str, Badge] = {
    "ok": Badge(gettext_lazy("맞음"), Tone.SUCCESS, Shape.CHECK),
    "within_rounding": Badge(gettext_lazy("반올림 차이"), Tone.INFO, Shape.DOT),
    "fault": Badge(gettext_lazy("계산 안 맞음"), Tone.DANGER, Shape.ALERT),
}

# What the audit trail's verbs about files mean to people.
HAPPENINGS: Mapping[str, Label] = {
    "reconciliation.received": gettext_lazy("파일을 올렸어요"),
    "reconciliation.understood": gettext_lazy("파일을 읽었어요"),
    "reconciliation.rejected": gettext_lazy("받지 않았어요"),
    "reconciliation.already_loaded": gettext_lazy("같은 내용의 파일이 이미 있었어요"),
    "reconciliation.issued": gettext_lazy("송장 발행일을 적었어요"),
    "reconciliation.accepted": gettext_lazy("반영했어요"),
    "reconciliation.discarded": gettext_lazy("버렸어요"),
    "reconciliation.compared": gettext_lazy("우리 기록과 비교했어요"),
    "reconciliation.lines_downloaded": gettext_lazy("읽을 수 없는 줄을 내려받았어요"),
}


def person(actor: object) -> str:
    """Return the name of whoever did something; the product itself is called so."""
    kind, _colon, name = str(actor or "").partition(":")
    return _("자동") if kind == _BY_ITSELF else name or kind


def amount(value: Decimal | str | None, currency: str, least: int = 0) -> str:
    """Write money with the decimals of its currency, or `least`, and all that it has beyond: `1,234.50`."""
    if value is None:
        return UNKNOWN
    exact = Decimal(value)
    usual = len(f"{minor_unit(currency):f}".partition(".")[2])
    whole, _point, fraction = f"{exact:,f}".partition(".")
    fraction = fraction.rstrip("0").ljust(max(usual, least), "0")
    text = f"{whole}.{fraction}" if fraction else whole
    return text.removeprefix("-") if not exact else text


def sums(totals: Mapping[str, Mapping[str, str]]) -> str:
    """Write what a file comes to, each currency apart: `1,234.50 EUR · 20.00 USD`."""
    return " · ".join(f"{amount(_main(figures), currency)} {currency}" for currency, figures in totals.items())


def _main(figures: Mapping[str, str]) -> str:
    """Return the figure that says most: the total, of a payment provider's file what is paid out."""
    return figures["total"] if "total" in figures else figures["net"]


@dataclass(frozen=True, slots=True)
class Amount(Column):
    """A column of exact amounts, written with the decimals of the currency beside them, or as many as `places` says."""

    def text(self, row: Row) -> str:
        """Return the amount in figures."""
        value = self.of(row)
        if not isinstance(value, Decimal):
            return UNKNOWN
        places: Any = row.get("places", {})
        return amount(value, str(row.get("currency") or ""), places.get(self.key, 0))


@dataclass(frozen=True, slots=True)
class Sums(Column):
    """A column of amounts that are written with their currencies, and so set to the right as figures are."""

    @property
    def numeric(self) -> bool:
        """Say that the cells are figures."""
        return True


def places(rows: Iterable[Row], key: str) -> int:
    """Return how many decimals the longest amount of a column has."""
    found = (f"{value:f}".partition(".")[2].rstrip("0") for row in rows if isinstance(value := row[key], Decimal))
    return max(map(len, found), default=0)


FIGURES: Mapping[str, Label] = {
    "pretax": pgettext_lazy("vendor file", "세전 금액"),
    "tax": pgettext_lazy("vendor file", "세금"),
    "total": pgettext_lazy("vendor file", "합계"),
    "gross": pgettext_lazy("vendor file", "총액"),
    "fee": gettext_lazy("수수료"),
    "net": gettext_lazy("순액"),
}
_N = Column("n", pgettext_lazy("vendor file", "내역"), Kind.COUNT)
CURRENCY = Column("currency", gettext_lazy("통화"))
SUMS: tuple[Column, ...] = (
    CURRENCY,
    _N,
    *(Amount(f"sum_{name}", FIGURES[name], Kind.DECIMAL) for name in ("pretax", "tax", "total")),
)
NET_SUMS: tuple[Column, ...] = (CURRENCY, _N, Amount("sum_total", FIGURES["net"], Kind.DECIMAL))


def plain(value: object) -> Any:
    """Return what a column of JSON holds: files of a list are written from rows in which it is still text."""
    return json.loads(value) if isinstance(value, str) else value


def period(first: date | None, last: date | None) -> str:
    """Write days, both ends included."""
    if first is None or last is None:
        return ""
    if first == last:
        return first.isoformat()
    return f"{first.isoformat()} ~ {last:%m-%d}" if first.year == last.year else f"{first} ~ {last}"


def kind(code: str, layout: str = "") -> str:
    """Return in words which kind of file it is, with its edition where the kind has some."""
    name = wording.word(wording.KINDS, code) if code else ""
    return f"{name} ({wording.word(wording.LAYOUTS, layout)})" if layout else name


def flags(found: Iterable[Mapping[str, Any]]) -> str:
    """Return in words what is flagged about a line."""
    return ", ".join(wording.flag(f"{one['check']}:{one['result']}") for one in found)


def reasons(codes: Iterable[str]) -> str:
    """Return in words what is wrong with a line."""
    return " ".join(map(wording.row_reason, codes))


def refusal(found: Mapping[str, Any]) -> str:
    """Return why a file is not taken and what to do, in the reader's language where what was found is still known."""
    codes = found.get("error_codes")
    if not codes:
        return ""
    try:
        return Rejected(codes[0], **_facts(found)).message(get_language() or "ko")
    except KeyError:
        return str(found.get("message", ""))


def _facts(found: Mapping[str, Any]) -> dict[str, Any]:
    facts = dict(found.get("facts", {}))
    columns = found.get("missing") or found.get("duplicate_columns")
    if columns:
        facts |= {"columns": columns, "kind": kind(str(found["closest_kind"]))}
    if "evidence" in found:
        facts |= {mark: records[0] for mark, records in found["evidence"].items()}
    if "last_complete_record" in found:
        facts["last"] = found["last_complete_record"]
    return facts

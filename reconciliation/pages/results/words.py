"""How results of comparing are shown: badges, words for notes and figures, exact amounts, and where each is found."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from console.columns import UNKNOWN, Badge, Column, Kind, Label, Row, Shape, Tone
from console.filters import encode
from reconciliation.amounts import EXACT, minor_unit
from reconciliation.judging import MATCHED, Outcome
from reconciliation.lines import Kind as FileKind
from reconciliation.wording import KINDS, OUTCOMES

_LOOKS: Mapping[Outcome, tuple[Tone, Shape]] = {
    Outcome.MISSING_ON_OUR_SIDE: (Tone.DANGER, Shape.ALERT),
    Outcome.MISSING_IN_FILE: (Tone.DANGER, Shape.DASH),
    Outcome.CURRENCY_MISMATCH: (Tone.DANGER, Shape.CROSS),
    Outcome.QUANTITY_MISMATCH: (Tone.WARNING, Shape.ALERT),
    Outcome.PRICE_MISMATCH: (Tone.WARNING, Shape.ALERT),
    Outcome.AMOUNT_MISMATCH: (Tone.WARNING, Shape.ALERT),
    Outcome.TAX_MISMATCH: (Tone.WARNING, Shape.ALERT),
    Outcome.MATCHED_WITHIN_TOLERANCE: (Tone.SUCCESS, Shape.HALF),
    Outcome.MATCHED: (Tone.SUCCESS, Shape.CHECK),
}
OUTCOME_BADGES: Final[Mapping[str, Badge]] = {
    str(outcome): Badge(gettext_lazy(OUTCOMES[outcome]), *look) for outcome, look in _LOOKS.items()
}
OUTCOME_CHOICES: Final = tuple((code, badge.label) for code, badge in OUTCOME_BADGES.items())
KIND_CHOICES: Final = tuple((str(kind), gettext_lazy(KINDS[kind])) for kind in FileKind)
KIND_BADGES: Final[Mapping[str, Badge]] = {kind: Badge(label, Tone.NEUTRAL, Shape.DOT) for kind, label in KIND_CHOICES}

OPEN, STALE, ACCEPTED, LINKED, DISPUTED = "open", "stale", "accept", "link", "dispute"
STANDING_BADGES: Final[Mapping[str, Badge]] = {
    OPEN: Badge(gettext_lazy("미결정"), Tone.WARNING, Shape.RING),
    STALE: Badge(gettext_lazy("그 뒤로 달라졌어요"), Tone.DANGER, Shape.BACK),
    ACCEPTED: Badge(gettext_lazy("차이 인정"), Tone.SUCCESS, Shape.CHECK),
    LINKED: Badge(gettext_lazy("직접 연결"), Tone.INFO, Shape.DOT),
    DISPUTED: Badge(gettext_lazy("이의 제기"), Tone.PROGRESS, Shape.CLOCK),
}
STANDING_CHOICES: Final = tuple((code, badge.label) for code, badge in STANDING_BADGES.items())
DECISION_BADGES: Final[Mapping[str, Badge]] = {
    **{code: STANDING_BADGES[code] for code in (ACCEPTED, LINKED, DISPUTED)},
    "reopen": Badge(gettext_lazy("다시 열기"), Tone.NEUTRAL, Shape.RING),
    "restore": Badge(gettext_lazy("중복 아님"), Tone.INFO, Shape.BACK),
}

FIGURES: Final[Mapping[str, Label]] = {
    "quantity": gettext_lazy("수량"),
    "price": gettext_lazy("단가"),
    "amount": gettext_lazy("금액"),
    "tax": pgettext_lazy("vendor file", "세금"),
}
NOTES: Final[Mapping[str, Label]] = {
    "quantity_not_comparable": gettext_lazy("수량은 비교할 수 없었어요"),
    "price_differs": gettext_lazy("정가가 달라요 (금액은 같아요)"),
    "matched_by_name": gettext_lazy("이름으로 찾았어요"),
}


def notes(row: Row) -> str:
    """Return what stands beside an outcome, in words."""
    also, told = row["also"], row["notes"]
    figures = [str(FIGURES.get(str(one), one)) for one in also] if isinstance(also, Iterable) else []
    words = [_("%(figures)s도 달라요") % {"figures": ", ".join(figures)}] if figures else []
    words += [str(NOTES.get(str(one), one)) for one in told] if isinstance(told, Iterable) else []
    return " · ".join(words)


# ---- What stands in a row as JSON


@lru_cache(maxsize=64)
def _loaded(text: str) -> Any:
    return json.loads(text)


def parsed(value: object) -> Any:
    """Return what a row holds as JSON, an empty mapping for nothing; files get it from the database as text."""
    # Several columns of one row look into the same text.
    return _loaded(value) if isinstance(value, str) else value or {}


# ---- Figures


def exact(figure: Decimal | None, currency: str) -> str:
    """Write an amount with all decimals it has, and no fewer than its currency has."""
    if figure is None:
        return UNKNOWN
    places = max(_places(figure), _places(minor_unit(currency)))
    return f"{figure.quantize(Decimal(1).scaleb(-places), context=EXACT) + 0:,f}"


def signed(text: str) -> str:
    """Return a written figure with a plus where it is more than nothing."""
    return text if text == UNKNOWN or text.startswith("-") or not text.strip("0.,") else f"+{text}"


def plain(figure: Decimal | None) -> str:
    """Write a quantity without needless zeros."""
    if figure is None:
        return UNKNOWN
    return f"{figure.quantize(Decimal(1).scaleb(-_places(figure)), context=EXACT) + 0:,f}"


def _places(figure: Decimal) -> int:
    exponent = figure.normalize(EXACT).as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


@dataclass(frozen=True, slots=True)
class Amount(Column):
    """A column of exact amounts in the currency under `currency` in the row; files get the figure itself."""

    kind: Kind = Kind.DECIMAL
    currency: str = "currency"

    def text(self, row: Row) -> str:
        """Write the amount with the decimals of its currency."""
        value = self.of(row)
        return exact(value, str(row[self.currency])) if isinstance(value, Decimal) else UNKNOWN


def person(actor: object) -> str:
    """Return the name of whoever did something; the product itself is called so."""
    kind, colon, name = str(actor or "").partition(":")
    return _("자동") if kind == "system" else name if colon else kind


# ---- Addresses


def result_url(batch_id: object, **query: str) -> str:
    """Return where the result of a batch is shown, limited by conditions."""
    address = reverse("reconciliation:result", args=[batch_id])
    return f"{address}?{encode(query.items())}" if query else address


def group_url(batch_id: object, place: object, query: str = "") -> str:
    """Return the page of one group; `query` is the list it is worked through in."""
    address = reverse("reconciliation:group", args=[batch_id, place])
    return f"{address}?{query}" if query else address


def duplicates_url(batch_id: object) -> str:
    """Return where the copies of a batch are listed."""
    return reverse("reconciliation:duplicates", args=[batch_id])


def address_of(name: str, *args: object) -> str:
    """Return the address of another page of reconciliation, empty while there is none."""
    try:
        return reverse(f"reconciliation:{name}", args=args)
    except NoReverseMatch:
        return ""


def has_differences(outcome: str) -> bool:
    """Say whether an outcome leaves something to decide."""
    return outcome not in MATCHED


def period_of(row: Row) -> str:
    """Write the days a file is about, nothing where it says none."""
    days = [str(row[name]) for name in ("first_day", "last_day") if row[name] is not None]
    return " ~ ".join(dict.fromkeys(days))

"""Our own billing records in people's words: their kinds, ids, figures and where they come from."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from console import registry
from console.columns import UNKNOWN, Badge, Label, Row, Shape, Tone, decimal
from reconciliation.keys import KEYS
from reconciliation.models import BillingRecord, Source
from reconciliation.uploads.records import ID_LABELS, KIND
from reconciliation.wording import KINDS

KIND_CHOICES: tuple[tuple[str, Label], ...] = tuple((str(kind), _(KINDS[kind])) for kind in KEYS)
STATE_BADGES: Mapping[str, Badge] = {
    "counts": Badge(_("비교에 씀"), Tone.SUCCESS, Shape.CHECK),
    "withdrawn": Badge(_("거둠"), Tone.NEUTRAL, Shape.DASH),
}
_FIELDS: Mapping[str, Label] = {
    "kind": _("파일 종류"),
    "billing_entity": _("청구 주체"),
    "customer_name": _("고객 이름"),
    "currency": _("통화"),
    "quantity": _("수량"),
    "unit_price": _("단가"),
    "subtotal": pgettext_lazy("vendor file", "세전 금액"),
    "tax": pgettext_lazy("vendor file", "세금"),
    "first_day": _("기간 첫날"),
    "last_day": _("기간 끝날"),
}


def kind_word(kind: str) -> str:
    """Return what a kind of file is called."""
    return _now(KINDS[kind])


def state(row: Row) -> str:
    """Return whether a record counts or was taken back, as the badges name it."""
    return "withdrawn" if row["is_withdrawn"] else "counts"


def period(first: date | None, last: date | None) -> str:
    """Return the days of a record; without one it is open on that side."""
    if first is None and last is None:
        return _now("기간 없음")
    if first == last and first is not None:
        return first.isoformat()
    return f"{first or ''} ~ {last or ''}".strip()


def who(kept: str) -> str:
    """Return the name of whoever did something, without the word for what kind of actor it is."""
    return kept.partition(":")[2] or kept


def record_url(ref: object) -> str:
    """Return the page of a record of ours."""
    return reverse("reconciliation:record", args=[ref])


def source_url(source: object, source_id: object) -> str | None:
    """Return where the upload or order is shown that a version comes from."""
    if source == Source.ORDER and source_id:
        link = registry.origin_link("settlement_record", str(source_id))
        return link.url if link else None
    if source == Source.UPLOAD and source_id:
        return reverse("console:upload-detail", args=[KIND, source_id])
    return None


def group_url(batch_id: str, place: int) -> str | None:
    """Return the page of a group of a result, where there is one."""
    try:
        return reverse("reconciliation:group", args=[batch_id, place])
    except NoReverseMatch:
        return None


def ids_of(record: BillingRecord) -> list[tuple[Label, str]]:
    """Return the ids a record is recognised by, by name."""
    return [(label, record.ids[name]) for name, label in ID_LABELS.items() if record.ids.get(name)]


def figure(value: Decimal | None, currency: str = "") -> str:
    """Write a figure of a record, with its currency where it is money; one that is not known has a word of its own."""
    if value is None:
        return _now("모름")
    return f"{decimal(value)} {currency}".strip()


def changes(record: BillingRecord, before: BillingRecord | None) -> list[tuple[str, str, str]]:
    """Return what a version changed of the one before: the field in words, what it was and what it is."""
    if before is None:
        return []
    told = _told(before), _told(record)
    names = dict.fromkeys([*told[0], *told[1]])
    found = [(name, told[0].get(name, UNKNOWN), told[1].get(name, UNKNOWN)) for name in names]
    return [one for one in found if one[1] != one[2]]


def _told(record: BillingRecord) -> dict[str, str]:
    values = {str(label): _written(name, getattr(record, name)) for name, label in _FIELDS.items()}
    return {**values, **{str(label): value for label, value in ids_of(record)}}


def _written(name: str, value: object) -> str:
    if value is None or value == "":
        return UNKNOWN
    if name == "kind":
        return kind_word(str(value))
    return decimal(value) if isinstance(value, Decimal) else str(value)

"""The upload of our own billing records: one row is one record, whatever kind of file it answers."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import localcontext
from typing import Any, BinaryIO, Final

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from access.roles import ApiScope, Permission
from console.columns import Kind as Shown
from console.columns import Label
from console.files.errors import ValueRefused
from console.files.values import Raw, clean_text, parse_decimal
from console.models import Upload
from console.uploads import (
    CellRefused,
    Checked,
    Field,
    Loaded,
    Problem,
    Progress,
    Rejected,
    Row,
    UploadKind,
    Verdict,
    twice,
)
from core.actor import Actor
from core.scope import Scope
from reconciliation.amounts import EXACT, ZERO
from reconciliation.books import CURRENCY, ID_FIELDS, OwnRecord
from reconciliation.keys import KEYS
from reconciliation.lines import Kind
from reconciliation.models import Source
from reconciliation.models.lengths import NAME_LENGTH
from reconciliation.operations import own_records
from reconciliation.operations.own_records import LOCKED, Entry, Standing
from reconciliation.wording import KINDS
from settlement.models import PUBLIC_ID_LENGTH

KIND: Final = "billing-records"
_WHOLE_SUMS: Final = "KRW"
_BLOCK = 1 << 20

ID_LABELS: Mapping[str, Label] = {
    "customer_id": gettext_lazy("고객 ID"),
    "subscription_number": gettext_lazy("구독 번호"),
    "subscription_id": gettext_lazy("구독 ID"),
    "resource_guid": gettext_lazy("리소스 GUID"),
    "product_id": gettext_lazy("제품 ID"),
    "sku_id": gettext_lazy("SKU ID"),
    "entitlement_id": gettext_lazy("사용 권한 ID"),
    "meter_id": gettext_lazy("미터 ID"),
}


def read_currency(raw: Raw) -> str:
    """Return a currency by its three letters, in capitals. Raises ValueRefused."""
    text = clean_text(raw).upper()
    if not CURRENCY.fullmatch(text):
        raise CellRefused("not_a_currency")
    return text


def read_name(raw: Raw) -> str:
    """Return a customer's name as it is written. Raises ValueRefused."""
    if not isinstance(raw, str):
        raise ValueRefused("must_be_text")
    return clean_text(raw)


def _figure(name: str, label: Label, **more: Any) -> Field:
    return Field(name, label, name, kind=Shown.DECIMAL, parse=parse_decimal, **more)


def _id(name: str) -> Field:
    columns = dict.fromkeys(column for kind in KEYS.values() for known, column in kind if known == name)
    return Field(name, ID_LABELS[name], name, kind=Shown.ID, max=PUBLIC_ID_LENGTH, note=", ".join(columns))


class RecordUpload(UploadKind):
    """Our own billing records."""

    kind = KIND
    title = gettext_lazy("청구 기록 등록")
    permission = Permission.EDIT
    api_scope = ApiScope.RECONCILIATION_WRITE
    done_label = gettext_lazy("저장하기")
    guide = (
        gettext_lazy("한 행이 청구 기록 하나예요. 같은 이름의 기록이 있으면 새 버전이 되고, 내용이 같으면 그대로예요."),
        gettext_lazy(
            "식별자는 그 종류의 파일에 있는 것만 적으면 돼요. 비운 수량, 단가, 세금은 모르는 값이라 비교하지 않아요."
        ),
    )
    fields = (
        Field(
            "ref",
            gettext_lazy("기록 이름"),
            "ref",
            required=True,
            kind=Shown.ID,
            max=PUBLIC_ID_LENGTH,
            samples=("B-0001", "B-0002"),
        ),
        Field(
            "kind",
            gettext_lazy("파일 종류"),
            "kind",
            required=True,
            choices={KINDS[kind]: str(kind) for kind in KEYS},
            samples=(KINDS[Kind.NCE_INVOICE], KINDS[Kind.LICENSE]),
        ),
        *(_id(name) for name in ID_FIELDS),
        Field("customer_name", gettext_lazy("고객 이름"), "customer_name", max=NAME_LENGTH, parse=read_name),
        Field(
            "currency",
            gettext_lazy("통화"),
            "currency",
            required=True,
            max=3,
            parse=read_currency,
            samples=("KRW", "USD"),
        ),
        _figure("quantity", gettext_lazy("수량"), samples=("10", "3")),
        _figure("unit_price", gettext_lazy("단가"), samples=("12000", "8.5")),
        _figure("subtotal", gettext_lazy("세전 금액"), required=True, samples=("120000", "25.5")),
        _figure("tax", gettext_lazy("세금"), samples=("12000", "")),
        Field("period_start", gettext_lazy("기간 첫날"), "period_start", kind=Shown.DATE, samples=("2026-11-01", "")),
        Field("period_end", gettext_lazy("기간 끝날"), "period_end", kind=Shown.DATE, samples=("2026-11-30", "")),
        Field(
            "billing_entity",
            gettext_lazy("청구 주체"),
            "billing_entity",
            kind=Shown.ID,
            note=gettext_lazy("파일의 PartnerId예요. 비우면 모든 청구 주체의 파일과 비교해요."),
        ),
    )
    messages = {
        "not_a_currency": gettext_lazy("통화는 KRW처럼 세 글자로 적어 주세요."),
        "period_reversed": gettext_lazy("끝나는 날이 시작하는 날보다 빨라요."),
        "period_locked": LOCKED,
    }

    def check(self, scope: Scope, rows: Sequence[Row]) -> Checked:
        """Compare the rows with each other and with what is there."""
        problems = [*twice(rows, "ref"), *_reversed(rows)]
        if problems:
            return Checked(problems)
        found = own_records.examine(scope=scope, entries=(_entry(row, "") for row in rows))
        by_row = [(row.number, one) for row, one in zip(rows, found, strict=True)]
        locked = [Problem(number, "", "period_locked") for number, one in by_row if one.is_locked]
        return Checked(locked, {number: _VERDICTS[one.standing] for number, one in by_row}, _sums(rows))

    def load(self, scope: Scope, rows: Sequence[Row], by: Actor, now: datetime) -> Loaded:
        """Save all rows."""
        return _save(scope, rows, by, now, "")

    def perform(
        self, scope: Scope, file: BinaryIO, by: Actor, now: datetime, progress: Progress | None = None
    ) -> Loaded:
        """Check once more and save all rows; each says which upload it comes from. Raises Rejected."""
        examination, rows = self._examined(scope, file, progress)
        if not examination.loadable:
            raise Rejected(examination)
        return _save(scope, rows, by, now, _upload_of(scope, file))


_VERDICTS: Mapping[Standing, Verdict] = {
    Standing.NEW: Verdict.NEW,
    Standing.CHANGED: Verdict.CHANGED,
    Standing.SAME: Verdict.SAME,
}


def _reversed(rows: Iterable[Row]) -> Iterator[Problem]:
    for row in rows:
        first, last = row.values.get("period_start"), row.values.get("period_end")
        if first and last and last < first:
            yield Problem(row.number, "period_end", "period_reversed")


def _entry(row: Row, source_id: str) -> Entry:
    said = row.values
    record = OwnRecord(
        ref=said["ref"],
        kind=Kind(said["kind"]),
        ids={name: said[name] for name in ID_FIELDS if name in said},
        customer_name=said.get("customer_name"),
        currency=said["currency"],
        quantity=said.get("quantity"),
        unit_price=said.get("unit_price"),
        subtotal=said["subtotal"],
        tax=said.get("tax"),
        period_start=said.get("period_start"),
        period_end=said.get("period_end"),
    )
    return Entry(record, said.get("billing_entity", ""), source_id)


def _sums(rows: Iterable[Row]) -> dict[str, int]:
    """Return the sums of what is in won, where they are whole; the preview has no room for other figures."""
    won = [row.values for row in rows if row.values["currency"] == _WHOLE_SUMS]
    if not won:
        return {}
    with localcontext(EXACT):
        sums = {
            _("세전 %(currency)s") % {"currency": _WHOLE_SUMS}: sum((said["subtotal"] for said in won), ZERO),
            _("세금 %(currency)s") % {"currency": _WHOLE_SUMS}: sum((said.get("tax", ZERO) for said in won), ZERO),
        }
    is_whole = all(value == value.to_integral_value() for value in sums.values())
    return {name: int(value) for name, value in sums.items()} if is_whole else {}


def _upload_of(scope: Scope, file: BinaryIO) -> str:
    """Return the upload whose file this is, which nobody tells: the newest one with these bytes."""
    digest = hashlib.sha256()
    file.seek(0)
    while block := file.read(_BLOCK):
        digest.update(block)
    known = Upload.objects.within(scope).filter(kind=KIND, sha256=digest.hexdigest()).order_by("-pk")
    return known.values_list("public_id", flat=True).first() or ""


def _save(scope: Scope, rows: Sequence[Row], by: Actor, now: datetime, upload_id: str) -> Loaded:
    saved = own_records.save_entries(
        scope=scope,
        entries=(_entry(row, upload_id) for row in rows),
        source=Source.UPLOAD,
        by=by,
        now=now,
        about=upload_id,
    )
    told = {"new": f"{saved.new:,}", "changed": f"{saved.changed:,}", "same": f"{saved.same:,}"}
    message = _("새 기록 %(new)s건, 바뀐 기록 %(changed)s건을 저장했어요. %(same)s건은 그대로예요.") % told
    return Loaded(saved.new + saved.changed, message, reverse("reconciliation:records"))

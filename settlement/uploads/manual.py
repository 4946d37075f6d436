"""The upload of manual adjustments: one row, one record; one wrong row, none."""

import io
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, BinaryIO, ClassVar, Final, Self

from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from access.roles import Permission
from console import upload_copy
from console.columns import Kind, Label
from console.files.sheet_read import SheetReader
from console.upload_copy import NotPlain, OddRows
from console.uploads import (
    PREVIEW_ROWS,
    Checked,
    Examination,
    Field,
    Loaded,
    Problem,
    Progress,
    Rejected,
    Row,
    UploadKind,
)
from core import clock
from core.actor import Actor
from core.scope import Scope
from settlement.models import PUBLIC_ID_LENGTH, Partner
from settlement.operations import bulk, settings
from settlement.operations.records import ManualRow, record_many_manual

_CHUNK = 5_000
KIND: Final = "manual"
# Files of more bytes than this are copied into the database and checked there.
FROM_BYTES = 200_000
_TYPES: Mapping[str, str] = {"수기 정산": "MANUAL"}


class ManualUpload(UploadKind):
    """Manual adjustments of partners, in won."""

    kind = KIND
    title = gettext_lazy("수기 정산 등록")
    permission = Permission.EDIT
    fields = (
        Field(
            "type",
            gettext_lazy("정산 유형"),
            "type",
            choices=_TYPES,
            samples=("수기 정산", "수기 정산"),
            note=gettext_lazy("항상 '수기 정산'이에요. 비워도 돼요."),
        ),
        Field(
            "partner",
            gettext_lazy("파트너 아이디"),
            "partner_id",
            required=True,
            kind=Kind.ID,
            max=PUBLIC_ID_LENGTH,
            samples=("partner-001", "partner-002"),
        ),
        Field(
            "settlement_date",
            gettext_lazy("정산일"),
            "settlement_date",
            required=True,
            kind=Kind.DATE,
            samples=("2026-12-10", "2026-12-31"),
            note=gettext_lazy("지난 날도 쓸 수 있어요. 그러면 바로 지급할 수 있는 내역이 돼요."),
        ),
        Field(
            "amount",
            gettext_lazy("정산 금액"),
            "settlement_amount",
            required=True,
            kind=Kind.SIGNED_WON,
            samples=("50000", "-2000"),
            note=gettext_lazy("파트너에게 줄 금액은 양수, 돌려받을 금액은 음수로 적어 주세요."),
        ),
        Field(
            "tax_free",
            gettext_lazy("정산 면세액"),
            "settlement_tax_free_amount",
            kind=Kind.SIGNED_WON,
            samples=("0", ""),
            note=gettext_lazy("정산 금액 가운데 면세인 금액이에요. 비우면 0이에요."),
        ),
        Field("memo", gettext_lazy("메모"), "memo", max=1_000, samples=("봄 행사 지원금", "")),
    )
    messages: ClassVar[Mapping[str, Label]] = {
        "unknown_partner": gettext_lazy("없는 파트너예요. 파트너 아이디를 확인해 주세요."),
        "tax_free_too_large": gettext_lazy("정산 면세액은 정산 금액과 부호가 같고 더 크지 않아야 해요."),
        "negative_not_allowed": gettext_lazy("수기 정산을 건별로 지급하도록 설정해서 음수를 등록할 수 없어요."),
    }

    def examine(self, scope: Scope, file: BinaryIO, progress: Progress | None = None) -> Examination:
        """Read and check a whole file, in the database where it is plain."""
        if _is_large(file):
            try:
                with transaction.atomic():
                    found = _Copied.of(self, scope, file, clock.now())
                    if found is not None:
                        found.read()
                        return found.examination()
            except NotPlain:
                pass
        return super().examine(scope, file, progress)

    def perform(
        self, scope: Scope, file: BinaryIO, by: Actor, now: datetime, progress: Progress | None = None
    ) -> Loaded:
        """Check once more and load, inside the open transaction. Raises Rejected when something is wrong by now."""
        if _is_large(file):
            try:
                with transaction.atomic():
                    copied = checked(self, scope, file, now)
                    tell = progress or (lambda _done: None)
                    return self._loaded(bulk.record_copied(copied=copied, scope=scope, by=by, tell=tell))
            except NotPlain:
                pass
        return super().perform(scope, file, by, now, progress)

    def check(self, scope: Scope, rows: Sequence[Row]) -> Checked:
        """Check partners, and amounts against each other and the settings."""
        known = _known_partners(scope, {row.values["partner"] for row in rows})
        alone = settings.current(scope).manual_settlement_per_transfer
        problems = [problem for row in rows for problem in _problems(row.values, row.number, known, alone=alone)]
        total = sum(row.values["amount"] for row in rows)
        return Checked(problems=problems, sums={_("정산 금액"): total})

    def load(self, scope: Scope, rows: Sequence[Row], by: Actor, now: datetime) -> Loaded:
        """Record all rows with their journals."""
        return self._loaded(record_many_manual(scope=scope, by=by, now=now, rows=(_record(row.values) for row in rows)))

    def _loaded(self, count: int) -> Loaded:
        message = ngettext("수기 정산 %(count)s건을 등록했어요.", "수기 정산 %(count)s건을 등록했어요.", count)
        return Loaded(count, message % {"count": f"{count:,}"}, reverse("settlement:records"))


def _is_large(file: BinaryIO) -> bool:
    """Say whether a file is worth the tables that the database needs for it."""
    return file.seek(0, io.SEEK_END) > FROM_BYTES


class _Copied:
    """A plain file in the database: what is found in it, and its loading."""

    def __init__(self, kind: ManualUpload, scope: Scope, reader: SheetReader, now: datetime) -> None:
        types = [*_TYPES, *_TYPES.values()]
        samples = next(field.samples for field in kind.fields if field.name == "partner")
        self._scope = scope
        self._rows = bulk.CopiedManuals(scope, now, types=types, samples=samples)
        self._odd = OddRows(kind, scope, reader)

    @classmethod
    def of(cls, kind: ManualUpload, scope: Scope, file: BinaryIO, now: datetime) -> Self | None:
        """Copy a file into the open transaction; None when it is not plain."""
        reader = upload_copy.copied(kind, file)
        return None if reader is None else cls(kind, scope, reader, now)

    def read(self) -> None:
        """Read and check the rows that are not plainly right. Raises NotPlain."""
        for rows in self._odd:
            self._rows.add((row.number, _record(row.values)) for row in rows)

    def examination(self) -> Examination:
        """Return the examination, after reading."""
        count, total = self._rows.cleared()
        first = [Row(number, values) for number, values in self._rows.first(PREVIEW_ROWS)]
        return self._odd.examination(first, count, {_("정산 금액"): total} if count else {})

    def clean(self) -> bulk.CopiedManuals:
        """Return the rows if nothing is wrong. Raises Rejected, NotPlain."""
        self.read()
        if not self._odd.is_clean or not self._odd.fits(self._rows.lines - self._rows.odd):
            raise Rejected(self.examination())
        return self._rows


def checked(kind: ManualUpload, scope: Scope, file: BinaryIO, now: datetime) -> bulk.CopiedManuals:
    """
    Return a file's rows, copied into the open transaction, checked, and ready to be recorded.

    Raises Rejected when something is wrong, NotPlain when the file must be read row by row.
    """
    found = _Copied.of(kind, scope, file, now)
    if found is None:
        raise NotPlain
    return found.clean()


def _known_partners(scope: Scope, wanted: set[str]) -> frozenset[str]:
    named = sorted(wanted)
    partners = Partner.objects.within(scope)
    found: set[str] = set()
    for start in range(0, len(named), _CHUNK):
        chunk = partners.filter(public_id__in=named[start : start + _CHUNK])
        found.update(chunk.values_list("public_id", flat=True))
    return frozenset(found)


def _problems(values: Mapping[str, Any], row: int, known: frozenset[str], *, alone: bool) -> list[Problem]:
    amount, tax_free = values["amount"], values.get("tax_free", 0)
    problems = []
    if values["partner"] not in known:
        problems.append(Problem(row, "partner", "unknown_partner"))
    if abs(tax_free) > abs(amount) or tax_free * amount < 0:
        problems.append(Problem(row, "tax_free", "tax_free_too_large"))
    if alone and amount < 0:
        problems.append(Problem(row, "amount", "negative_not_allowed"))
    return problems


def _record(values: Mapping[str, Any]) -> ManualRow:
    return ManualRow(
        partner_id=values["partner"],
        amount=values["amount"],
        tax_free=values.get("tax_free", 0),
        settlement_date=values["settlement_date"],
        memo=values.get("memo", ""),
    )

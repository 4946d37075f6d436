"""The upload of manual adjustments: one row, one record; one wrong row, none."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, Final

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from access.roles import Permission
from console.columns import Kind, Label
from console.uploads import Checked, Field, Loaded, Problem, Row, UploadKind
from core.actor import Actor
from core.scope import Scope
from settlement.models import PUBLIC_ID_LENGTH, Partner
from settlement.operations import settings
from settlement.operations.records import ManualRow, record_many_manual

_CHUNK = 5_000
KIND: Final = "manual"


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
            choices={"수기 정산": "MANUAL"},
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

    def check(self, scope: Scope, rows: Sequence[Row]) -> Checked:
        """Check partners, and amounts against each other and the settings."""
        known = _known_partners(scope, {row.values["partner"] for row in rows})
        alone = settings.current(scope).manual_settlement_per_transfer
        problems = [problem for row in rows for problem in _problems(row.values, row.number, known, alone=alone)]
        total = sum(row.values["amount"] for row in rows)
        return Checked(problems=problems, sums={_("정산 금액"): total})

    def load(self, scope: Scope, rows: Sequence[Row], by: Actor, now: datetime) -> Loaded:
        """Record all rows with their journals."""
        count = record_many_manual(scope=scope, by=by, now=now, rows=(_record(row.values) for row in rows))
        return Loaded(count, _("수기 정산 %(count)d건을 등록했어요.") % {"count": count}, reverse("settlement:records"))


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

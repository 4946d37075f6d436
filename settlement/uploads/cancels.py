"""The upload of cancels: a row for each cancel, or a row for each of its products under one cancellation number."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Final

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from access.roles import Permission
from console.columns import Kind, Label
from console.uploads import Checked, Field, Loaded, Problem, Progress, Row, UploadKind, Verdict
from core import clock
from core.actor import Actor
from core.errors import DomainError
from core.scope import Scope
from settlement.cancels import Cancel, CancelDiscount, CancelLine
from settlement.models import PUBLIC_ID_LENGTH, SettlementRecord
from settlement.operations import many
from settlement.operations.records import CancelDraft
from settlement.uploads import refused

KIND: Final = "cancels"
_CHUNK = 1_000
_PRODUCT, _DISCOUNT = ("product", "quantity"), ("discount_policy", "discount", "discount_tax_free")
_OF_CANCEL = ("start_date", "settlement_date", "tax_free", "memo")


class CancelUpload(UploadKind):
    """Cancels of orders whose payment was taken elsewhere."""

    kind = KIND
    title = gettext_lazy("주문 취소 등록")
    permission = Permission.EDIT
    guide = (
        gettext_lazy("주문은 정산 아이디로, 또는 파트너 아이디와 주문 번호로 찾아요."),
        gettext_lazy("취소 금액이나 취소 상품을 적어 주세요. 둘 다 비우면 남은 전부를 취소해요."),
        gettext_lazy("상품이 여럿이면 같은 취소 번호로 상품마다 한 행씩 적어 주세요."),
    )
    fields = (
        Field(
            "record",
            gettext_lazy("정산 아이디"),
            "settlement_record_id",
            kind=Kind.ID,
            max=PUBLIC_ID_LENGTH,
            note=gettext_lazy("비우면 파트너 아이디와 주문 번호로 찾아요."),
        ),
        Field(
            "partner",
            gettext_lazy("파트너 아이디"),
            "partner_id",
            kind=Kind.ID,
            max=PUBLIC_ID_LENGTH,
            samples=("partner-001", "partner-002"),
        ),
        Field(
            "order",
            gettext_lazy("주문 번호"),
            "order_number",
            kind=Kind.ID,
            max=PUBLIC_ID_LENGTH,
            samples=("order-0001", "order-0002"),
        ),
        Field(
            "number",
            gettext_lazy("취소 번호"),
            "cancellation_number",
            required=True,
            kind=Kind.ID,
            max=PUBLIC_ID_LENGTH,
            samples=("cancel-0001", "cancel-0002"),
        ),
        Field(
            "start_date",
            gettext_lazy("정산 시작일"),
            "settlement_start_date",
            required=True,
            kind=Kind.DATE,
            samples=("2026-12-05", "2026-12-05"),
            note=gettext_lazy("취소한 날이에요."),
        ),
        Field("amount", gettext_lazy("취소 금액"), "cancel_amount", kind=Kind.WON, samples=("10000", "")),
        Field("tax_free", gettext_lazy("취소 면세액"), "cancel_tax_free_amount", kind=Kind.WON),
        Field(
            "product",
            gettext_lazy("상품 아이디"),
            "product_id",
            kind=Kind.ID,
            max=PUBLIC_ID_LENGTH,
            samples=("", "shoes-270"),
        ),
        Field("quantity", gettext_lazy("취소 수량"), "quantity", kind=Kind.COUNT, samples=("", "1")),
        Field(
            "discount_policy",
            gettext_lazy("할인 분담 정책 아이디"),
            "discount_share_policy_id",
            kind=Kind.ID,
            max=PUBLIC_ID_LENGTH,
        ),
        Field("discount", gettext_lazy("취소 할인 금액"), "discount_amount", kind=Kind.WON),
        Field("discount_tax_free", gettext_lazy("취소 할인 면세액"), "discount_tax_free_amount", kind=Kind.WON),
        Field(
            "settlement_date",
            gettext_lazy("정산일"),
            "settlement_date",
            kind=Kind.DATE,
            note=gettext_lazy("비우면 계약의 정산 주기로 계산해요."),
        ),
        Field("memo", gettext_lazy("메모"), "memo", max=1_000),
    )
    messages: ClassVar[Mapping[str, Label]] = {
        **refused.MESSAGES,
        "order_needed": gettext_lazy("정산 아이디, 또는 파트너 아이디와 주문 번호를 적어 주세요."),
        "amount_or_product": gettext_lazy("취소 금액과 상품 가운데 하나만 적어 주세요."),
        "differs_in_cancel": gettext_lazy("같은 취소의 %(row)s행과 달라요. 똑같이 적어 주세요."),
        "cancel_twice": gettext_lazy(
            "같은 취소가 %(row)s행에도 있어요. 상품마다 적을 때는 모든 행에 상품을 적어 주세요."
        ),
        "at_least_one": gettext_lazy("1 이상으로 적어 주세요."),
    }

    def check(self, scope: Scope, rows: Sequence[Row]) -> Checked:
        """Group the rows, and see what recording each cancel would give."""
        cancels, problems = grouped(rows)
        verdicts: dict[int, Verdict] = {}
        total = net = 0
        for cancel, outcome in _planned(scope, cancels):
            if isinstance(outcome, DomainError):
                problems.append(refused.problem(cancel.rows[0], outcome, _NAMES))
                continue
            total += outcome.record.order_amount
            if outcome.stands:
                verdicts |= dict.fromkeys((row.number for row in cancel.rows), Verdict.SAME)
            else:
                net += outcome.record.net
        return Checked(problems, verdicts, {_("취소 금액"): total, _("새 정산 금액"): net})

    def load(self, scope: Scope, rows: Sequence[Row], by: Actor, now: datetime) -> Loaded:
        """Record all cancels with their journals."""
        return self.load_and_tell(scope, rows, by, now, lambda _done: None)

    def load_and_tell(self, scope: Scope, rows: Sequence[Row], by: Actor, now: datetime, progress: Progress) -> Loaded:
        """Record all cancels with their journals, and tell how far it is."""
        drafts = [cancel.draft for cancel in grouped(rows)[0]]
        count = many.record_cancels(scope=scope, by=by, now=now, drafts=drafts, same=is_same, tell=progress)
        message = ngettext("취소 %(count)s건을 등록했어요.", "취소 %(count)s건을 등록했어요.", count)
        return Loaded(count, message % {"count": f"{count:,}"}, reverse("settlement:records"))


_NAMES = frozenset(field.name for field in CancelUpload.fields)


@dataclass(frozen=True, slots=True)
class CancelRows:
    """A cancel of the file with its rows."""

    rows: Sequence[Row]
    draft: CancelDraft


def _planned(scope: Scope, cancels: Sequence[CancelRows]) -> Iterator[tuple[CancelRows, many.Outcome]]:
    """Plan the cancels, some thousand orders at a time; cancels of one order stay in one step, in their order."""
    now = clock.now()
    ordered = sorted(cancels, key=_order_of)
    start = 0
    while start < len(ordered):
        end = min(start + _CHUNK, len(ordered))
        while end < len(ordered) and _order_of(ordered[end]) == _order_of(ordered[end - 1]):
            end += 1
        chunk, start = ordered[start:end], end
        drafts = [cancel.draft for cancel in chunk]
        yield from zip(chunk, many.plan_cancels(scope=scope, now=now, drafts=drafts, same=is_same), strict=True)


def _order_of(cancel: CancelRows) -> tuple[str, str, str]:
    draft = cancel.draft
    return draft.transfer_id or "", draft.partner_id or "", draft.payment_id or ""


# ---- from rows to cancels


def grouped(rows: Sequence[Row]) -> tuple[list[CancelRows], list[Problem]]:
    """Return the cancels that can be read, and what is wrong with the others."""
    groups: dict[tuple[object, ...], list[Row]] = {}
    problems: list[Problem] = []
    for row in rows:
        values = row.values
        named = (values["record"],) if "record" in values else (values.get("partner"), values.get("order"))
        group = groups.setdefault((*named, values["number"]), [])
        if group and not ("product" in values and "product" in group[0].values):
            problems.append(Problem(row.number, "number", "cancel_twice", {"row": group[0].number}))
            continue
        group.append(row)
    cancels = []
    for group in groups.values():
        wrong = [problem for row in group for problem in _wrong_cells(row, group[0])]
        problems += wrong
        if not wrong:
            cancels.append(CancelRows(group, _draft(group)))
    return cancels, problems


def _wrong_cells(row: Row, first: Row) -> Iterator[Problem]:
    values = row.values
    if "record" not in values and not ("partner" in values and "order" in values):
        yield Problem(row.number, "order", "order_needed")
    if "product" in values and "amount" in values:
        yield Problem(row.number, "amount", "amount_or_product")
    if values.get("quantity") == 0:
        yield Problem(row.number, "quantity", "at_least_one")
    # A product goes with its quantity, and a discount with its policy.
    for together in (_PRODUCT, _DISCOUNT):
        if values.keys() & together:
            needed = (name for name in together[:2] if name not in values)
            yield from (Problem(row.number, name, "required") for name in needed)
    for name in _OF_CANCEL:
        if name in values and values[name] != first.values.get(name):
            yield Problem(row.number, name, "differs_in_cancel", {"row": first.number})


def _draft(rows: Sequence[Row]) -> CancelDraft:
    values = rows[0].values
    by_product = "product" in values
    lines = tuple(
        CancelLine(row.values["product"], row.values["quantity"], _discounts(row.values)) for row in rows if by_product
    )
    return CancelDraft(
        cancellation_id=values["number"],
        transfer_id=values.get("record"),
        partner_id=values.get("partner"),
        payment_id=values.get("order"),
        cancel=Cancel(
            amount=values.get("amount"),
            lines=lines if by_product else None,
            tax_free=values.get("tax_free"),
            discounts=() if by_product else _discounts(values),
        ),
        start_date=values["start_date"],
        settlement_date=values.get("settlement_date"),
        memo=values.get("memo", ""),
    )


def _discounts(values: Mapping[str, Any]) -> tuple[CancelDiscount, ...]:
    if "discount_policy" not in values:
        return ()
    return (CancelDiscount(values["discount_policy"], values["discount"], values.get("discount_tax_free", 0)),)


def is_same(draft: CancelDraft, record: SettlementRecord) -> bool:
    """Say whether a cancel that stands says what a draft says; what the draft leaves open is not compared."""
    if (draft.start_date, draft.memo) != (record.start_date, record.memo):
        return False
    if draft.settlement_date is not None and draft.settlement_date != record.settlement_date:
        return False
    cancel = draft.cancel
    if cancel.tax_free is not None and cancel.tax_free != record.order_tax_free:
        return False
    if cancel.lines is not None:
        kept = {line["product"]["id"]: line["quantity"] for line in record.lines}
        return {line.product_id: line.quantity for line in cancel.lines} == kept
    return cancel.amount is None or cancel.amount == record.order_amount

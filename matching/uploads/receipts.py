"""The upload of product receipts."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

from django.urls import reverse
from django.utils.translation import gettext_lazy, ngettext

from console.columns import Kind
from console.uploads import Field, Loaded, Problem, Row
from core.actor import Actor
from core.scope import Scope
from matching.models import Receipt, ReceiptLine
from matching.operations import receipts
from matching.operations.documents import ReceiptDraft, ReceiptLineDraft
from matching.uploads import cells, lookups
from matching.uploads.documents import DocumentUpload

KIND: Final = "receipts"
_HEADER: Final = ("date", "memo")


class ReceiptUpload(DocumentUpload):
    """Product receipts."""

    kind = KIND
    title = gettext_lazy("입고 등록")
    header = _HEADER
    first_needs = ("date",)
    line_needs = ("line", "order", "order_line")
    guide = (gettext_lazy("입고 라인마다 한 행이에요. 둘째 행부터는 입고일과 메모를 비우거나 똑같이 적어 주세요."),)
    fields = (
        cells.id_field("id", gettext_lazy("입고 아이디"), "receipt_id", required=True, samples=("R-0001", "R-0001")),
        Field("date", gettext_lazy("입고일"), "receipt_date", kind=Kind.DATE, samples=("2026-12-03", "")),
        cells.MEMO,
        cells.LINE,
        cells.id_field("order", gettext_lazy("발주 아이디"), "purchase_order_id", samples=("PO-0001", "PO-0001")),
        Field("order_line", gettext_lazy("발주 라인 번호"), "purchase_order_line", kind=Kind.COUNT, samples=("1", "2")),
        cells.figure_field(
            "quantity",
            gettext_lazy("수량"),
            "quantity",
            samples=("10", "4"),
            note=gettext_lazy("반품은 음수로 적어 주세요."),
        ),
        cells.UNIT,
        cells.yes_field(
            "closes",
            gettext_lazy("라인 마감"),
            "closes_line",
            note=gettext_lazy("예로 적으면 그 발주 라인은 더 들어오지 않아요."),
        ),
    )

    def draft(self, public_id: str, rows: Sequence[Row]) -> ReceiptDraft:
        """Return the receipt that rows describe."""
        lines = [
            ReceiptLineDraft(
                number=row.values["line"],
                order_line=(row.values["order"], row.values["order_line"]),
                quantity=row.values["quantity"],
                unit=row.values.get("unit"),
                closes_line=row.values.get("closes") == "yes",
            )
            for row in rows
        ]
        first = rows[0].values
        return ReceiptDraft(public_id, first["date"], lines, first.get("memo", ""))

    def unknown(self, scope: Scope, rows: Sequence[Row]) -> Iterator[Problem]:
        """Yield the cells that name order lines that are not there."""
        known = lookups.order_lines(scope, {row.values["order"] for row in rows})
        for row in rows:
            if (row.values["order"], row.values["order_line"]) not in known:
                yield Problem(row.number, "order_line", "order_line_not_found")

    def standing(self, scope: Scope, drafts: Sequence[ReceiptDraft]) -> Mapping[str, bool]:
        """Return which receipts are there already, and whether they say the same."""
        wanted = {draft.public_id: draft for draft in drafts}
        stand = {row.pk: row for row in Receipt.objects.within(scope).filter(public_id__in=wanted)}
        lines: dict[int, dict[int, ReceiptLine]] = {key: {} for key in stand}
        for line in ReceiptLine.objects.filter(receipt__in=stand).select_related("order_line__order"):
            lines[line.receipt_id][line.number] = line
        return {row.public_id: _is_same(wanted[row.public_id], row, lines[key]) for key, row in stand.items()}

    def enter(self, scope: Scope, by: Actor, now: datetime, draft: ReceiptDraft) -> Receipt:
        """Record one receipt."""
        return receipts.receive(scope=scope, by=by, now=now, draft=draft)

    def loaded(self, count: int) -> Loaded:
        """Tell how many receipts were recorded."""
        message = ngettext("입고 %(count)s건을 등록했어요.", "입고 %(count)s건을 등록했어요.", count)
        return Loaded(count, message % {"count": f"{count:,}"}, reverse("matching:receipts"))


def _is_same(draft: ReceiptDraft, row: Receipt, lines: Mapping[int, ReceiptLine]) -> bool:
    """Say whether a receipt that stands, and was not cancelled, says what a draft says."""
    if row.cancelled_at is not None or (row.date, row.memo) != (draft.date, draft.memo):
        return False
    said = {line.number: line for line in draft.lines}
    return said.keys() == lines.keys() and all(_line_is_same(said[number], line) for number, line in lines.items())


def _line_is_same(draft: ReceiptLineDraft, line: ReceiptLine) -> bool:
    ordered = line.order_line
    kept = ((ordered.order.public_id, ordered.number), line.quantity, line.closes_line)
    return kept == (draft.order_line, draft.quantity, draft.closes_line) and draft.unit in {None, line.unit}

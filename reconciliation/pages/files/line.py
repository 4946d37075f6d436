"""내역 하나: every column of one line as it came, whether it adds up, and where it counts."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import pgettext_lazy

from access.requests import PageRequest
from access.roles import Permission
from console.columns import Badge
from console.pages import PageView
from reconciliation import arithmetic, wording
from reconciliation.checks import Check, Formula, Result
from reconciliation.formats.recognise import FORMAT_OF
from reconciliation.formulas import FORMULAS, number_in
from reconciliation.lines import Kind
from reconciliation.models import Batch, BatchLine
from reconciliation.pages.files import links, reads, shown
from reconciliation.providers import net_check


@dataclass(frozen=True, slots=True)
class Shown:
    """One column of a line; `wrong` is what is wrong with it, `as_delivered` says that nobody interprets it."""

    name: str
    text: str
    wrong: str = ""
    as_delivered: bool = False


@dataclass(frozen=True, slots=True)
class Checked:
    """One check of a line's arithmetic: the formula in columns and in numbers, and how the figure stands to it."""

    label: str
    badge: Badge
    columns: str
    numbers: str
    difference: str
    note: str


class LinePage(PageView):
    """One line of a file."""

    permission = Permission.VIEW
    title = pgettext_lazy("vendor file", "내역")

    def get(self, request: PageRequest, batch_id: str, record: int) -> HttpResponse:
        """Show the line."""
        batch = reads.find_kept(request.scope, batch_id)
        line = reads.find_line(batch, record)
        before, after = reads.neighbours(batch, record)
        context = {
            "title": _("내역 %(record)s번") % {"record": f"{record:,}"},
            "batch": batch,
            "line": line,
            "standing": shown.LINE_BADGES[standing(batch, line)],
            "reasons": [wording.row_reason(code) for code in line.codes],
            "columns": columns(line),
            "raw": _raw(batch, line),
            "checks": checks(line) if line.counts else [],
            "damaged": line.damaged,
            "facts": _facts(batch, line),
            "before": links.line_url(batch_id, before) if before else "",
            "after": links.line_url(batch_id, after) if after else "",
            "same_as": links.line_url(batch_id, line.duplicate_of) if line.duplicate_of else "",
        }
        return render(request, "reconciliation/file_line.html", context)


def standing(batch: Batch, line: BatchLine) -> str:
    """Return how a line stands, as the list tells it."""
    if line.kind != batch.kind:
        return shown.OTHER
    if line.duplicate_of is not None:
        return shown.DUPLICATE
    return shown.INVALID if line.codes else shown.VALID


def columns(line: BatchLine) -> list[Shown]:
    """Return every column of the line's kind that has a value or lacks one it needs, then those nobody knows."""
    wrong: dict[str, list[str]] = {}
    for code in line.codes:
        name = code.partition(":")[2]
        wrong.setdefault(name, []).append(wording.row_reason(code))
    known = [
        Shown(column.name, line.values.get(column.value_name, ""), " ".join(wrong.get(column.name, ())))
        for column in FORMAT_OF[Kind(line.kind)].columns
        if column.value_name in line.values or column.name in wrong
    ]
    return [*known, *(Shown(name, text, as_delivered=True) for name, text in (line.extra or {}).items())]


def _raw(batch: Batch, line: BatchLine) -> list[tuple[str, str]]:
    """Return the cells of a line that could not be read, as delivered, under the headers of its block."""
    if not line.delivered:
        return []
    heads = list(batch.headers[line.block]["cells"])
    heads += [_("%(number)d번째 칸") % {"number": place + 1} for place in range(len(heads), len(line.delivered))]
    return list(zip(heads, line.delivered, strict=False))


def checks(line: BatchLine) -> list[Checked]:
    """Return every check of a line's arithmetic, right ones too."""
    read = reads.as_read(line)
    provider = net_check(read) if read.kind in (Kind.STRIPE_PAYOUT, Kind.ADYEN_SETTLEMENT) else None
    made = [provider] if provider else arithmetic.checks(read)
    return [_checked(line, check) for check in made]


def _checked(line: BatchLine, check: Check) -> Checked:
    kind = Kind(line.kind)
    formula = FORMULAS[kind][check.name]
    return Checked(
        label=wording.word(wording.CHECKS, check.name),
        badge=shown.CHECK_BADGES[check.result],
        columns=formula.columns(),
        numbers=formula.numbers(number_in(kind, line.values)),
        difference=shown.amount(check.difference, line.currency) if check.difference else "0",
        note=_note(check),
    )


def _note(check: Check) -> str:
    if check.formula is Formula.PER_UNIT_TRUNCATED:
        return _("단가를 먼저 최소 단위로 자르고 곱한 값과 같아요.")
    if check.formula is Formula.PRODUCT_TRUNCATED:
        return _("곱한 값을 최소 단위로 자른 값과 같아요.")
    return _("단가가 반올림되어 적혀서 생기는 차이예요.") if check.result is Result.WITHIN_ROUNDING else ""


def _facts(batch: Batch, line: BatchLine) -> list[tuple[str, str, str]]:
    """Return where a line counts: label, text, and the lines it counts with."""
    if not line.counts:
        return []
    group = {"key": str(line.group_key)} if line.group_key else {}
    bucket = f"{wording.word(wording.BUCKETS, line.bucket)} {line.reseller_mpn}".strip() if line.bucket else ""
    found: list[tuple[str, str, Mapping[str, Any]]] = [
        (_("청구 유형"), line.charge_type, {"type": line.charge_type}),
        (_("청구 구분"), wording.word(wording.CHARGE_GROUPS, line.charge_group), {"group": line.charge_group}),
        (_("재판매사"), bucket, {"bucket": line.bucket, "reseller": line.reseller_mpn}),
        (_("비교 묶음"), _("같은 고객과 구독의 내역") if group else "", group),
    ]
    return [
        (label, text, links.lines_url(batch.public_id, **{name: one for name, one in given.items() if one}))
        for label, text, given in found
        if text
    ]

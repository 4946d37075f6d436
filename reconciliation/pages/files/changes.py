"""바뀌는 내용: the lines in which a version of a file differs from the one before, side by side."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy

from access.requests import PageRequest
from access.roles import Permission
from console.columns import Badge
from console.pages import PageView
from reconciliation import queries
from reconciliation.amounts import EXACT
from reconciliation.formats.recognise import FORMAT_OF
from reconciliation.lines import Kind
from reconciliation.models import Batch, BatchLine, BatchState
from reconciliation.pages.files import links, reads, shown
from reconciliation.pages.files.lines import named
from reconciliation.pages.files.pager import Pager
from reconciliation.pages.files.reads import Pair

_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Row:
    """One pair of lines: what they are about, both totals, and every value that is another one."""

    badge: Badge
    older: int | None
    older_url: str
    newer: int | None
    newer_url: str
    about: str
    kind: str
    before: str
    after: str
    difference: str
    currency: str
    values: list[tuple[str, str, str]]


class ChangesPage(PageView):
    """What is added, removed and changed from one version to the next."""

    permission = Permission.VIEW
    title = gettext_lazy("이전 버전과 비교")

    def get(self, request: PageRequest, batch_id: str) -> HttpResponse:
        """Show one page of the lines that differ."""
        batch = reads.find_kept(request.scope, batch_id)
        waits = batch.state == BatchState.UNDERSTOOD
        older = queries.current(batch.scope, batch.identity) if waits else batch.replaces
        if older is None:
            return redirect(links.file_url(batch_id))
        counts = queries.diff(batch, older)
        wanted = request.GET.get("change", "")
        wanted = wanted if wanted in shown.CHANGE_BADGES else ""
        pager = Pager.of(request, counts[wanted] if wanted else sum(counts.values()))
        pairs = reads.changes(batch, older, wanted=wanted, limit=pager.size, offset=pager.offset)
        context = {
            "title": self.title,
            "batch": batch,
            "older": older,
            "counts": [(name, badge.label, counts[name]) for name, badge in shown.CHANGE_BADGES.items()],
            "all_count": sum(counts.values()),
            "wanted": wanted,
            "rows": [_row(batch, older, pair) for pair in pairs],
            "totals": _totals(batch, older),
            "pager": pager,
            "waits": waits,
        }
        return render(request, "reconciliation/file_changes.html", context)


def _row(batch: Batch, older: Batch, pair: Pair) -> Row:
    either = pair.newer or pair.older
    before, after = _total(pair.older), _total(pair.newer)
    currency = either.currency if either else ""
    return Row(
        badge=shown.CHANGE_BADGES[pair.change],
        older=pair.older.record if pair.older else None,
        older_url=links.line_url(older.public_id, pair.older.record) if pair.older else "",
        newer=pair.newer.record if pair.newer else None,
        newer_url=links.line_url(batch.public_id, pair.newer.record) if pair.newer else "",
        about=" · ".join(named(either)) if either else "",
        kind=either.charge_type if either else "",
        before=shown.amount(before, currency),
        after=shown.amount(after, currency),
        difference=shown.amount(EXACT.subtract(after or _ZERO, before or _ZERO), currency),
        currency=currency,
        values=_values(pair),
    )


def _total(line: BatchLine | None) -> Decimal | None:
    return line.total if line else None


def _values(pair: Pair) -> list[tuple[str, str, str]]:
    """Return the columns whose values differ, with both."""
    if pair.newer is None or pair.older is None:
        return []
    old, new = pair.older.values | (pair.older.extra or {}), pair.newer.values | (pair.newer.extra or {})
    # As read, a figure is the same however many zeros it ends in.
    before, after = _as_read(pair.older), _as_read(pair.newer)
    known = [column.value_name for column in FORMAT_OF[Kind(pair.newer.kind)].columns]
    names = (name for name in dict.fromkeys([*known, *new, *old]) if before.get(name) != after.get(name))
    return [(name, old.get(name, ""), new.get(name, "")) for name in names]


def _as_read(line: BatchLine) -> Mapping[str, object]:
    return {**reads.as_read(line).values, **(line.extra or {})}


def _totals(batch: Batch, older: Batch) -> list[dict[str, Any]]:
    """Return what both versions come to, by currency."""
    mine, theirs = batch.answer["totals"], older.answer["totals"]
    return [
        _compared(currency, theirs.get(currency, {}), mine.get(currency, {})) for currency in sorted({*mine, *theirs})
    ]


def _compared(currency: str, before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, Any]:
    name = "net" if "net" in {**before, **after} else "total"
    old, new = Decimal(before.get(name, "0")), Decimal(after.get(name, "0"))
    return {
        "currency": currency,
        "before": shown.amount(old, currency),
        "after": shown.amount(new, currency),
        "difference": shown.amount(EXACT.subtract(new, old), currency),
    }

"""One group: the lines of the file and our records side by side, what differs, and what people decided about it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from access.requests import PageRequest
from access.roles import Permission, allowed
from console import keyset
from console.columns import UNKNOWN, Label
from console.filters import encode
from console.keyset import Cursor
from console.pages import PageView
from core.scope import Scope
from reconciliation import queries
from reconciliation.amounts import EXACT, ZERO
from reconciliation.lines import Kind
from reconciliation.models import Batch, BatchLine, BatchState, BillingRecord, Decision, Outcome, Resolution
from reconciliation.operations import resolving
from reconciliation.pages.results import quantities, reads, words
from reconciliation.pages.results.result import OutcomeList, customer, customer_id, product, product_id, subscription

_MOST_LINES: Final = 200


@dataclass(frozen=True, slots=True)
class Compared:
    """One figure of both sides: as written, with the difference, and whether it is what the outcome is about."""

    label: Label
    file: str
    ours: str
    difference: str
    differs: bool
    why: str = ""


_BEYOND = {
    "quantity_mismatch": "quantity",
    "price_mismatch": "price",
    "amount_mismatch": "amount",
    "tax_mismatch": "tax",
}


def compared(outcome: Outcome, lines: Sequence[BatchLine], kind: Kind) -> list[Compared]:
    """Return the four figures of a group. Money has the decimals of its currency, quantities those they have."""
    beyond = {_BEYOND.get(outcome.outcome, ""), *outcome.also}
    whole = len(lines) == outcome.file_lines and bool(lines)

    def money(figure: Decimal | None) -> str:
        return words.exact(figure, outcome.currency)

    def row(name: str, field: str, written: Any, why: str = "") -> Compared:
        file, ours = getattr(outcome, f"file_{field}"), getattr(outcome, f"our_{field}")
        more = None if file is None or ours is None else EXACT.subtract(file, ours)
        return Compared(
            words.FIGURES[name], written(file), written(ours), words.signed(written(more)), name in beyond, why
        )

    return [
        row("amount", "subtotal", money),
        row("tax", "tax", money),
        row("quantity", "quantity", words.plain, quantities.quantity_words(kind, lines) if whole else ""),
        row("price", "unit_price", money, quantities.price_words(lines, outcome.currency) if whole else ""),
    ]


def _line(line: BatchLine, batch: Batch) -> dict[str, object]:
    values = line.values
    return {
        "line": line,
        "what": values.get("ChargeType") or line.charge_type,
        "period": words.period_of({"first_day": line.first_day, "last_day": line.last_day}),
        "pretax": words.exact(line.pretax, line.currency),
        "tax": words.exact(line.tax, line.currency),
        "quantity": words.plain(line.quantity),
        "price": words.exact(line.unit_price, line.currency),
        "url": words.address_of("line", batch.public_id, line.record),
    }


def own_row(record: BillingRecord) -> dict[str, object]:
    """Return one of our records as tables show it."""
    ids = record.ids
    known = ("subscription_id", "subscription_number", "entitlement_id", "product_id", "sku_id", "resource_guid")
    return {
        "record": record,
        "name": record.customer_name or ids.get("customer_id") or UNKNOWN,
        "ids": " / ".join(str(ids[name]) for name in (*known, "meter_id") if ids.get(name)),
        "period": words.period_of({"first_day": record.first_day, "last_day": record.last_day}),
        "subtotal": words.exact(record.subtotal, record.currency),
        "tax": words.exact(record.tax, record.currency),
        "quantity": words.plain(record.quantity),
        "price": words.exact(record.unit_price, record.currency),
        "url": words.address_of("record", record.ref),
    }


def _decision(resolution: Resolution, outcome: Outcome, *, is_newest: bool) -> dict[str, object]:
    seen: list[str] = [str(words.OUTCOME_BADGES[resolution.outcome].label)] if resolution.outcome else []
    if resolution.difference_subtotal is not None:
        written = words.signed(words.exact(resolution.difference_subtotal, resolution.currency))
        seen.append(_("금액 차이 %(amount)s %(currency)s") % {"amount": written, "currency": resolution.currency})
    if resolution.difference_tax:
        written = words.signed(words.exact(resolution.difference_tax, resolution.currency))
        seen.append(_("세금 차이 %(amount)s %(currency)s") % {"amount": written, "currency": resolution.currency})
    return {
        "resolution": resolution,
        "who": words.person(resolution.decided_by),
        "badge": words.DECISION_BADGES[resolution.decision],
        "seen": " · ".join(seen),
        "is_stale": resolution.decision != Decision.REOPEN and queries.is_stale(resolution, outcome),
        "is_newest": is_newest,
    }


# ---- Working through a list


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The groups before and behind one in the list it is worked through in, by place; None at an end."""

    previous: int | None
    next: int | None
    query: str


def neighbours(scope: Scope, batch: Batch, outcome: Outcome, params: QueryDict) -> Neighbours:
    """
    Return the next and the previous group under the conditions of the address.

    Without conditions these are the differences nobody has settled.
    """
    given = params.copy()
    given["batch"] = batch.public_id
    page, order = OutcomeList(), OutcomeList.ordered(given)
    filters = page.bind(given)
    rows = page.queryset(scope)
    here = rows.filter(pk=outcome.pk).values_list(*(name.lstrip("-") for name in order.fields)).get()
    rows = filters.apply(rows)
    if not filters.active:
        rows = rows.filter(reads.unsettled())
    found = [_beside(rows, order.fields, here, back=back) for back in (True, False)]
    kept = [(name, value) for name, value in filters.params() if name != "batch"]
    sort = [("sort", order.key)] if order.key else []
    return Neighbours(found[0], found[1], encode([*kept, *sort]))


def _beside(rows: Any, order: Sequence[str], here: Sequence[object], *, back: bool) -> int | None:
    found = keyset.page(rows, order, ("place",), 1, Cursor(tuple(here), back=back).encode()).rows
    return int(found[0]["place"]) if found else None


# ---- The page


class GroupView(PageView):
    """One group of a batch's newest comparison."""

    permission = Permission.VIEW
    title = gettext_lazy("비교 결과 상세")

    def get(self, request: PageRequest, batch_id: str, place: int) -> HttpResponse:
        """Show both sides, the difference and its story."""
        batch, outcome = reads.outcome_at(request.scope, batch_id, place)
        return render(request, "reconciliation/result_group.html", _context(request, batch, outcome))


def _context(request: PageRequest, batch: Batch, outcome: Outcome) -> dict[str, object]:
    lines = list(queries.outcome_lines(outcome)[:_MOST_LINES])
    records = list(queries.outcome_records(outcome)[:_MOST_LINES])
    decided = list(reads.decisions(batch, outcome))
    row = vars(outcome)
    beside = neighbours(request.scope, batch, outcome, request.GET)
    standing = decided[0] if decided and decided[0].decision != Decision.REOPEN else None
    figures = compared(outcome, lines, Kind(batch.kind))
    return {
        "title": customer(row),
        "batch": batch,
        "outcome": outcome,
        "badge": words.OUTCOME_BADGES[outcome.outcome],
        "standing": words.STANDING_BADGES.get(row["standing"]),
        "notes": words.notes(row),
        "headline": _headline(outcome, row["effect"]),
        "facts": _facts(row),
        "figures": figures,
        "lines": [_line(line, batch) for line in lines],
        "more_lines": outcome.file_lines - len(lines),
        "records": [own_row(record) for record in records],
        "more_records": len(outcome.our_records) - len(records),
        "other": _other(outcome),
        "restored": _restored(batch, outcome, row["effect"]),
        "linked": _linked(request.scope, outcome, standing),
        "decisions": [_decision(one, outcome, is_newest=one is decided[0]) for one in decided],
        "decision": standing,
        "seen": resolving.seen(outcome),
        "is_suggested": "matched_by_name" in outcome.notes and (standing is None or standing.decision != Decision.LINK),
        "suggested": [record.ref for record in records],
        "differs": words.has_differences(outcome.outcome),
        "may_decide": batch.state == BatchState.ACCEPTED and allowed(request.role, Permission.EDIT),
        "due": row["due"],
        "beside": beside,
        "previous_url": _at(batch, beside.previous, beside.query),
        "next_url": _at(batch, beside.next, beside.query),
        "list_url": words.result_url(batch.public_id) + (f"?{beside.query}" if beside.query else ""),
    }


def _headline(outcome: Outcome, effect: Decimal) -> str:
    """Return what the outcome is about: money, else the tax or the quantity that differs."""
    if not effect and outcome.difference_tax:
        tax = words.signed(words.exact(outcome.difference_tax, outcome.currency))
        return _("세금 %(amount)s %(currency)s") % {"amount": tax, "currency": outcome.currency}
    file, ours = outcome.file_quantity, outcome.our_quantity
    if not effect and file is not None and ours is not None and file != ours:
        return _("수량 %(quantity)s") % {"quantity": words.signed(words.plain(EXACT.subtract(file, ours)))}
    return f"{words.signed(words.exact(effect, outcome.currency))} {outcome.currency}"


def _at(batch: Batch, place: int | None, query: str) -> str:
    return words.group_url(batch.public_id, place, query) if place is not None else ""


def _facts(row: Mapping[str, Any]) -> list[tuple[str, str]]:
    found = (
        (_("고객 ID"), customer_id(row)),
        (_("구독 ID"), subscription(row)),
        (_("제품"), product(row)),
        (_("제품 ID"), product_id(row)),
    )
    return [(label, text) for label, text in found if text]


def _other(outcome: Outcome) -> str:
    """Return what we have in another currency."""
    if outcome.other_currency is None:
        return ""
    return f"{words.exact(outcome.other_subtotal, outcome.other_currency)} {outcome.other_currency}"


def _restored(batch: Batch, outcome: Outcome, effect: Decimal) -> dict[str, object] | None:
    """Return what copies that were said to be none explain of the difference."""
    found = next(iter(reads.restored(batch, outcome)), None)
    if found is None:
        return None
    return {
        "count": found.count,
        "amount": words.exact(found.subtotal, outcome.currency),
        "rest": words.signed(words.exact(EXACT.add(effect, found.subtotal), outcome.currency)),
    }


def _linked(scope: Scope, outcome: Outcome, standing: Resolution | None) -> dict[str, object] | None:
    """Return the records that somebody linked, as they are now, and what still differs from them."""
    if standing is None or standing.decision != Decision.LINK:
        return None
    records = list(queries.records(scope).filter(ref__in=standing.refs))
    same = [record for record in records if record.currency == outcome.currency]
    ours = ZERO
    for record in same:
        ours = EXACT.add(ours, record.subtotal)
    file = outcome.file_subtotal or ZERO
    return {
        "rows": [own_row(record) for record in records],
        "gone": sorted(set(standing.refs) - {record.ref for record in records}),
        "difference": words.signed(words.exact(EXACT.subtract(file, ours), outcome.currency)),
    }

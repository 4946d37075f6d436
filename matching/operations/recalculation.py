"""
What recalculates when.

Whatever changes what invoices are matched with adds a row to the queue; the queue is worked off in the background,
oldest first. A company that matches by itself gets its invoices matched again, another gets them marked.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from django.db import transaction
from django.db.models import Exists, OuterRef

from core import actor, jobs
from core.scope import Scope
from matching import queries
from matching.models import Invoice, InvoiceLine, InvoiceStatus, MatchStatus, Parameters, Recalculation
from matching.operations import bulk, running

SWEEPER: Final = "matching.recalculate"
_BATCH = 200
# So many invoices the engine matches one after the other; more are matched in the database first.
_FEW = 50


def everything(*, scope: Scope, cause: str) -> None:
    """Have every pending invoice of a company matched again, in the open transaction."""
    Recalculation.objects.create(**scope.filters(), cause=cause)
    jobs.wake(SWEEPER)


def invoices(*, scope: Scope, keys: Iterable[int], cause: str) -> None:
    """
    Have some invoices matched again, in the open transaction.

    One that waits already needs no second row: holding its row until we commit keeps a worker from taking it before.
    A row that a worker holds says nothing about what changes now.
    """
    wanted = set(keys)
    waiting = Recalculation.objects.within(scope).filter(invoice__in=wanted)
    held = waiting.select_for_update(skip_locked=True, no_key=True).values_list("invoice_id", flat=True)
    rows = [Recalculation(**scope.filters(), invoice_id=key, cause=cause) for key in sorted(wanted.difference(held))]
    if wanted:
        Recalculation.objects.bulk_create(rows)
        jobs.wake(SWEEPER)


def work_off(*, now: datetime, scope: Scope | None = None) -> int:
    """
    Take what waits and bring the invoices in line, so many in one transaction; returns how many rows were taken.

    Workers take different rows; a row whose transaction fails is there again.
    """
    with transaction.atomic():
        rows = Recalculation.objects.select_for_update(skip_locked=True).order_by("pk")
        if scope is not None:
            rows = rows.within(scope)
        taken = list(rows[:_BATCH])
        # Gone before anything is queued again, or the new row would be spared for the sake of the old.
        Recalculation.objects.filter(pk__in=[row.pk for row in taken]).delete()
        for place in {row.scope for row in taken}:
            mine = [row for row in taken if row.scope == place]
            wanted = {row.invoice_id for row in mine if row.invoice_id is not None}
            if any(row.invoice_id is None for row in mine):
                wanted |= _everything_pending(place)
            _bring_in_line(place, sorted(wanted), now)
    return len(taken)


def _everything_pending(scope: Scope) -> set[int]:
    pending = Invoice.objects.within(scope).exclude(status=InvoiceStatus.POSTED)
    return set(pending.values_list("pk", flat=True))


def _bring_in_line(scope: Scope, keys: Sequence[int], now: datetime) -> None:
    parameters, by = queries.parameters(scope), actor.system(SWEEPER)
    if not parameters.automatically_update_header_match_status:
        _mark(scope, keys, parameters)
        return
    if len(keys) > _FEW:
        keys = bulk.match_many(scope=scope, by=by, now=now, invoices=keys, parameters=parameters)
    first, rest = keys[:_BATCH], keys[_BATCH:]
    rows = Invoice.objects.within(scope).select_for_update(no_key=True).filter(pk__in=first)
    pending = list(rows.exclude(status=InvoiceStatus.POSTED).order_by("pk"))
    running.run(scope=scope, by=by, now=now, invoices=pending, parameters=parameters)
    # What the engine cannot do in one go says so on its rows until its turn comes.
    _mark(scope, rest, parameters)
    invoices(scope=scope, keys=rest, cause="rest")


def _mark(scope: Scope, keys: Sequence[int], parameters: Parameters) -> None:
    """Say on pending invoices that they have not been matched since something changed."""
    rows = Invoice.objects.within(scope).filter(pk__in=keys).exclude(status=InvoiceStatus.POSTED)
    with_order = InvoiceLine.objects.filter(invoice=OuterRef("pk"), order_line__isnull=False)
    if parameters.enable_invoice_matching_validation:
        rows.filter(Exists(with_order)).update(match_status=MatchStatus.NOT_PERFORMED)
        rows = rows.exclude(Exists(with_order))
    rows.update(match_status=MatchStatus.NOT_APPLICABLE)


def forget(invoice: Invoice) -> None:
    """Take an invoice that is about to be deleted out of the queue."""
    Recalculation.objects.filter(invoice=invoice).delete()

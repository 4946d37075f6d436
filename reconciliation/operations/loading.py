"""
Reading a received file into lines: whole, or not at all.

The way of a file: its text becomes rows (`reading/rows.py`). The first look at them finds its blocks, its decimal mark
and what is no record, and lays the cells aside by column (`survey.py`, `laid_aside.py`). The second makes values of
them, a chunk at a time (`values.py`, `reading.py`). What follows is worked out once for what is alike, by column:
what lines charge (`charges.py`), if they add up (`assessment.py`), what they are recognised by (`line_keys.py`). That
makes the rows of the table (`line_rows.py`), which COPY takes in (`copying.py`).

One transaction: the rows go through COPY into the lines while the file is read, so the database writes what the worker
has read and neither waits for the other. A worker that dies leaves nothing that anybody sees, only rows for vacuum to
clear away, and whoever takes over begins anew from the stored file.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, connection, transaction

from access import audit
from core.actor import Actor
from core.jobs import LeaseLost
from core.scope import Scope
from ledger.posting import refused_by
from reconciliation import queries
from reconciliation.copying import copy_columns, tell_planner
from reconciliation.figures import COLUMNS
from reconciliation.heartbeat import Tell
from reconciliation.line_rows import COLUMNS_OF_ROW, LineRows, Rows
from reconciliation.models import KEPT_STATES, Batch, BatchState
from reconciliation.naming import Naming
from reconciliation.operations.storing import KIND, forget_file, on_disk
from reconciliation.reading import ON_THIS_MACHINE, Rejected, open_file
from reconciliation.rehearsal import Pass, Wanted
from reconciliation.result import Result, rejected
from reconciliation.series import Series

_SAME = frozenset({"reconciliation_same_bytes", "reconciliation_same_content"})
_LINES = "reconciliation_batchline"
_FOUND_BY = ("batch_id", "record", "kind", "counts", "duplicate_of", "group_key", "line_key", "currency", "bucket")
_FACTS = "facts"
_COLLECTED_AFTER = 50_000


@dataclass(frozen=True, slots=True)
class Loaded:
    """
    What became of a file: the batch that the answer is about, and the answer.

    `same_as` is the batch that has the same content already; then nothing of this one is kept.
    """

    batch: Batch
    answer: Result
    same_as: Batch | None = None


def load(
    *, scope: Scope, batch_id: str, fence: int, by: Actor, now: datetime, tell: Tell, wanted: Wanted | None = None
) -> Loaded:
    """
    Read the file of a batch and keep its lines; a file that is no good is rejected and only the attempt is kept.

    `wanted` is what the answer shall hold beside what is kept; the answer is named after the batch. A batch that was
    read before is left as it is. Raises NotFound; LeaseLost when a later worker has it; whatever `tell` raises.
    """
    batch = _begin(scope, batch_id, fence)
    if batch.state != BatchState.LOADING:
        return Loaded(batch, batch.answer or _told(batch.refusal), batch.same_as)
    wanted = wanted or Wanted(batch.locale, summary=True, limits=ON_THIS_MACHINE)
    try:
        with on_disk(batch) as path, _seldom_collected():
            reading = open_file(path, locale=wanted.locale, limits=wanted.limits)
            found = _Found(Pass(reading, wanted), batch, tell)
            known = _kept(batch, found, by, now)
            if known is not None:
                return _same(batch, known, found, by)
            return Loaded(batch, found.passing.answer(batch.name))
    except Rejected as refusal:
        return _reject(batch, refusal, rejected(batch.name, refusal, wanted.locale), by, now)


@contextmanager
def _seldom_collected() -> Iterator[None]:
    """
    Let Python look for cycles after many new objects only, instead of after a few hundred.

    A chunk of lines makes thousands of small objects that go with it, and hardly a cycle. Looking through them again
    and again takes a twelfth of the time of reading. Memory stays bounded, as it is still looked.
    """
    usual, *others = gc.get_threshold()
    gc.set_threshold(_COLLECTED_AFTER, *others)
    try:
        yield
    finally:
        gc.set_threshold(usual, *others)


def _begin(scope: Scope, batch_id: str, fence: int) -> Batch:
    with transaction.atomic():
        queries.batch(scope, batch_id)
        batch = Batch.objects.within(scope).select_for_update().get(public_id=batch_id)
        if batch.state == BatchState.LOADING:
            if batch.fence > fence:
                raise LeaseLost
            batch.fence = fence
            batch.save(update_fields=["fence"])
    return batch


class _Found:
    """The rows of a file on their way into the database, and what is noticed about them."""

    def __init__(self, passing: Pass, batch: Batch, tell: Tell) -> None:
        reading = passing.reading
        self.passing = passing
        self.kind = str(reading.kind)
        self.content_hash = reading.content_digest
        self.rows = LineRows()
        self.naming = Naming(reading.kind, billing_entity=batch.billing_entity, invoice_number=batch.invoice_number)
        self.count = 0
        self._total = sum(records for _kind, records in reading.blocks)
        self._tell = tell

    def __iter__(self) -> Iterator[Rows]:
        for passed in self.passing:
            self._tell(self.count, self._total)
            self.count += len(passed.delivered.chunk)
            if passed.counting is not None:
                self.naming.add(passed.counting)
            yield self.rows.rows(*passed)
        self._tell(self.count, self._total)


def _kept(batch: Batch, found: _Found, by: Actor, now: datetime) -> Batch | None:
    """Keep the lines and what was understood; return the batch that has the same records already, if there is one."""
    known = _known(batch, found)
    if known is not None:
        for _passed in found.passing:
            pass
        return known
    try:
        with transaction.atomic():
            _copy(found, batch)
            _understood(batch, found, by, now)
    except IntegrityError as error:
        entity = found.naming.billing_entity
        known = queries.with_content(batch.scope, found.kind, found.content_hash, entity)
        if refused_by(error) not in _SAME or known is None:
            raise
    return known


def _copy(found: _Found, batch: Batch) -> None:
    with connection.cursor() as cursor:
        chunks = ((Series.same(batch.pk, len(rows[0])), *rows) for rows in found)
        copy_columns(cursor, _LINES, ("batch_id", *COLUMNS_OF_ROW), chunks)
        tell_planner(cursor, _LINES, _FOUND_BY, found.count)


def _known(batch: Batch, found: _Found) -> Batch | None:
    """Look before a million lines are copied; only the database's own constraint is sure."""
    kept = Batch.objects.within(batch.scope).filter(kind=found.kind, content_hash=found.content_hash)
    known = kept.filter(state__in=KEPT_STATES).order_by("id")
    if batch.billing_entity:
        known = known.filter(billing_entity=batch.billing_entity)
    return known.first()


def _understood(batch: Batch, found: _Found, by: Actor, now: datetime) -> None:
    """Write down what was understood. LeaseLost when somebody else has the batch now, or threw it away."""
    mine = Batch.objects.select_for_update().filter(pk=batch.pk, fence=batch.fence, state=BatchState.LOADING)
    if not mine.exists():
        raise LeaseLost
    reading, naming = found.passing.reading, found.naming
    columns = COLUMNS.get(reading.kind)
    batch.answer = found.passing.kept_answer(batch.name)
    batch.state = BatchState.UNDERSTOOD
    batch.kind, batch.layout = found.kind, reading.layout or ""
    batch.billing_entity, batch.invoice_number = naming.billing_entity, naming.invoice_number
    batch.content_hash, batch.identity = found.content_hash, naming.identity(found.content_hash)
    batch.is_estimate = naming.is_estimate
    batch.first_day, batch.last_day = naming.first_day, naming.last_day
    itemised = "tax_not_itemised" not in batch.answer["notes"]
    batch.tax_compared = itemised and columns is not None and columns.tax is not None
    batch.line_count, batch.headers = found.count, found.rows.headers
    batch.understood_at = now
    batch.save()
    _tell_audit(batch, by, "understood", {"kind": batch.kind, "lines": batch.line_count, "identity": batch.identity})


def _told(refusal: dict[str, Any]) -> Result:
    return {name: value for name, value in refusal.items() if name != _FACTS}


def _reject(batch: Batch, refusal: Rejected, answer: Result, by: Actor, now: datetime) -> Loaded:
    with transaction.atomic():
        batch = _mine(batch)
        # The facts stay beside the sentence, so that others can be told in their own language.
        batch.refusal = answer | {_FACTS: dict(refusal.facts)}
        batch.state, batch.decided_at = BatchState.REJECTED, now
        forget_file(batch)
        batch.save()
        _tell_audit(batch, by, "rejected", {"code": answer["error_codes"][0], "sha256": batch.sha256})
    return Loaded(batch, answer)


def _same(batch: Batch, known: Batch, found: _Found, by: Actor) -> Loaded:
    with transaction.atomic():
        batch = _mine(batch)
        batch.state, batch.same_as = BatchState.DISCARDED, known
        forget_file(batch)
        batch.save()
        _tell_audit(batch, by, "already_loaded", {"same_as": known.public_id})
    return Loaded(batch, found.passing.answer(batch.name), known)


def _mine(batch: Batch) -> Batch:
    """Return the batch locked and as it was before it was read. Raises LeaseLost."""
    mine = Batch.objects.select_for_update().filter(pk=batch.pk, fence=batch.fence, state=BatchState.LOADING).first()
    if mine is None:
        raise LeaseLost
    return mine


def _tell_audit(batch: Batch, by: Actor, verb: str, after: dict[str, Any]) -> None:
    audit.record(
        scope=batch.scope, by=by, action=f"reconciliation.{verb}", kind=KIND, object_id=batch.public_id, after=after
    )

"""Accepting what was understood of a file, or throwing it away."""

from dataclasses import dataclass
from datetime import date, datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from access import audit
from core import jobs
from core.actor import Actor
from core.errors import Conflict
from core.models import OPEN_STATES, Job
from core.scope import Scope
from ledger.posting import refused_by
from reconciliation import queries
from reconciliation.models import KEPT_STATES, STORED_STATES, Batch, BatchLine, BatchState
from reconciliation.operations import booking, comparing
from reconciliation.operations.storing import KIND, forget_file

_ONE_CURRENT = frozenset({"reconciliation_one_current_version", "reconciliation_version_once"})


class NeedsConfirmation(Conflict):
    """Another version of the file counts already; what would change is among the facts."""

    code = "NEW_VERSION"


@dataclass(frozen=True, slots=True)
class Standing:
    """What accepting a batch would do: follow a version, with so many lines added, removed and changed; or nothing."""

    replaces: Batch | None = None
    diff: queries.Diff | None = None


def standing(batch: Batch) -> Standing:
    """Return what accepting a batch would replace."""
    current = queries.current(batch.scope, batch.identity)
    if current is None or current.pk == batch.pk:
        return Standing()
    return Standing(current, queries.diff(batch, current))


def accept(*, scope: Scope, batch_id: str, confirm: bool, by: Actor, now: datetime) -> Batch:
    """
    Let a batch count, book it, and let a job compare it.

    The version it follows stays readable, its journals are reversed. Accepting again changes nothing.

    Raises NotFound, Conflict for a batch that is not waiting, NeedsConfirmation where it follows another version and
    `confirm` does not say so.
    """
    try:
        with transaction.atomic():
            batch = _locked(scope, batch_id)
            if batch.state in STORED_STATES:
                return batch
            if batch.state != BatchState.UNDERSTOOD:
                raise Conflict(_("아직 반영할 수 없는 파일이에요."), state=batch.state)
            _follow(batch, confirm=confirm)
            batch.state = BatchState.ACCEPTED
            _decided(batch, by, now)
            batch.save(update_fields=["state", "version", "replaces", "decided_by_id", "decided_by", "decided_at"])
            if batch.replaces is not None:
                booking.reverse(batch=batch.replaces, by=by, now=now)
            booking.book(batch=batch, by=by, now=now)
            if comparing.can_be_compared(batch):
                comparing.start(batch=batch, by=by, now=now)
            _tell(batch, by, "accepted", {"version": batch.version, "identity": batch.identity})
    except IntegrityError as error:
        if refused_by(error) not in _ONE_CURRENT:
            raise
        raise Conflict(_("같은 청구서의 다른 파일이 방금 반영되었어요. 다시 확인해 주세요.")) from None
    return batch


def _follow(batch: Batch, *, confirm: bool) -> None:
    of_identity = Batch.objects.within(batch.scope).filter(identity=batch.identity, state__in=STORED_STATES)
    older = list(of_identity.select_for_update().order_by("-version"))
    current = next((one for one in older if one.state == BatchState.ACCEPTED), None)
    batch.version = older[0].version + 1 if older else 1
    if current is None:
        return
    if not confirm:
        raise NeedsConfirmation(
            _("같은 청구서의 파일이 이미 있어요. 바뀌는 내용을 확인하고 새 버전으로 반영해 주세요."),
            replaces=current.public_id,
            diff=queries.diff(batch, current),
        )
    current.state = BatchState.SUPERSEDED
    current.save(update_fields=["state"])
    batch.replaces = current


def issued(*, scope: Scope, batch_id: str, on: date, by: Actor) -> Batch:
    """Say on which day the vendor issued the invoice of a batch. Raises NotFound, Conflict for one that is not kept."""
    with transaction.atomic():
        batch = _locked(scope, batch_id)
        if batch.state not in KEPT_STATES:
            raise Conflict(_("아직 읽지 않았거나 버린 파일이에요."), state=batch.state)
        if batch.issued_on != on:
            before, batch.issued_on = batch.issued_on, on
            batch.save(update_fields=["issued_on"])
            _tell(batch, by, "issued", {"before": before and before.isoformat(), "issued_on": on.isoformat()})
    return batch


def discard(*, scope: Scope, batch_id: str, by: Actor, now: datetime) -> Batch:
    """
    Throw a batch away that does not count: its lines and its file go, the attempt stays.

    One that is being read is asked to stop and goes when it has. Raises NotFound, Conflict for one that counts.
    """
    with transaction.atomic():
        batch = _locked(scope, batch_id)
        if batch.state in {BatchState.DISCARDED, BatchState.REJECTED}:
            return batch
        if batch.state in STORED_STATES:
            raise Conflict(_("이미 반영한 파일은 버릴 수 없어요."), state=batch.state)
        job = Job.objects.filter(pk=batch.job_id or 0, state__in=OPEN_STATES).first()
        if batch.state == BatchState.LOADING and job is not None:
            jobs.request_cancel(job)
            job.refresh_from_db()
            if job.is_open:
                return batch
        _throw_away(batch, by, now)
    return batch


def stopped(*, scope: Scope, batch_id: str, by: Actor, now: datetime) -> None:
    """Throw away what a stopped job was reading."""
    with transaction.atomic():
        batch = _locked(scope, batch_id)
        if batch.state == BatchState.LOADING:
            _throw_away(batch, by, now)


def _throw_away(batch: Batch, by: Actor, now: datetime) -> None:
    batch.state = BatchState.DISCARDED
    _decided(batch, by, now)
    forget_file(batch)
    batch.save(update_fields=["state", "path", "file_key", "decided_by_id", "decided_by", "decided_at"])
    BatchLine.objects.filter(batch=batch).delete()
    _tell(batch, by, "discarded", {"sha256": batch.sha256})


def _locked(scope: Scope, batch_id: str) -> Batch:
    queries.batch(scope, batch_id)
    return Batch.objects.within(scope).select_for_update().get(public_id=batch_id)


def _decided(batch: Batch, by: Actor, now: datetime) -> None:
    batch.decided_by_id, batch.decided_by, batch.decided_at = by.user_id, str(by)[:200], now


def _tell(batch: Batch, by: Actor, verb: str, after: dict[str, object]) -> None:
    audit.record(
        scope=batch.scope, by=by, action=f"reconciliation.{verb}", kind=KIND, object_id=batch.public_id, after=after
    )

"""A file stored and accepted in one go, by whoever runs a command."""

from datetime import datetime
from pathlib import Path

from core.actor import Actor
from core.models import OPEN_STATES, Job
from core.scope import Scope
from reconciliation import queries
from reconciliation.models import Batch, BatchState
from reconciliation.operations import deciding, loading, storing
from reconciliation.rehearsal import Wanted, printable_name, rehearse
from reconciliation.result import Result


def store(*, scope: Scope, path: Path, wanted: Wanted, confirm: bool, by: Actor, now: datetime) -> Result:
    """
    Load a file as a batch and let it count; the answer also says which batch it is about, and how many there are.

    A new version is kept only if `confirm` says so, and otherwise told and forgotten. OSError if the file cannot be
    opened; DomainError when somebody else is in the way.
    """
    answer = _stored(scope, path, wanted, by, now, confirm=confirm)
    return answer | {"file": printable_name(path), "stored_batches": queries.stored(scope).count()}


def _stored(scope: Scope, path: Path, wanted: Wanted, by: Actor, now: datetime, *, confirm: bool) -> Result:
    with path.open("rb") as file:
        received = storing.receive(
            scope=scope,
            file=file,
            name=printable_name(path),
            locale=wanted.locale,
            by=by,
            now=now,
            limits=wanted.limits,
        )
    batch = received.batch
    if not received.is_new and not _left_behind(batch):
        return _already(rehearse(path, wanted), batch)
    loaded = loading.load(
        scope=scope,
        batch_id=batch.public_id,
        fence=batch.fence + 1,
        by=by,
        now=now,
        tell=lambda _done, _total: None,
        wanted=wanted,
    )
    if loaded.answer["error_codes"]:
        return loaded.answer | {"batch_id": None}
    if loaded.same_as is not None:
        return _already(loaded.answer, loaded.same_as)
    return _accepted(loaded, by, now, confirm=confirm)


def _left_behind(batch: Batch) -> bool:
    """Say whether a batch was being read by somebody who is gone."""
    working = Job.objects.filter(pk=batch.job_id or 0, state__in=OPEN_STATES)
    return batch.state == BatchState.LOADING and not working.exists()


def _already(answer: Result, batch: Batch) -> Result:
    return answer | {"status": "already_loaded", "batch_id": batch.public_id}


def _accepted(loaded: loading.Loaded, by: Actor, now: datetime, *, confirm: bool) -> Result:
    batch, answer = loaded.batch, loaded.answer
    standing = deciding.standing(batch)
    if standing.replaces is not None:
        answer = answer | {"status": "new_version", "replaces": standing.replaces.name, "diff": standing.diff}
        if not confirm:
            deciding.discard(scope=batch.scope, batch_id=batch.public_id, by=by, now=now)
            return answer | {"batch_id": None}
    deciding.accept(scope=batch.scope, batch_id=batch.public_id, confirm=confirm, by=by, now=now)
    return answer | {"batch_id": batch.public_id}

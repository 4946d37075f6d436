"""
Background work.

Two kinds, both with PostgreSQL as the queue of record:

* a **job** is a row: somebody asked for it, it has progress and an end (an export, an upload, building a bulk payout);
* a **sweeper** is a named function that looks for due work in business tables (attempts to send, dates reached).

Handlers and sweepers register by name, so operations enqueue without importing tasks. `run_due_jobs` and `run_sweeper`
are all a machine without Redis needs.
"""

import random
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, cast

import structlog
from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from core import clock, hints, ids
from core.actor import Actor
from core.errors import DomainError
from core.models import OPEN_STATES, Job, JobState
from core.scope import Scope

log = structlog.get_logger(__name__)

_JOB = ids.IdKind("job", 16, dated=True)
LEASE = timedelta(seconds=120)
MAX_TRIES = 5
_FIRST_PAUSE_SECONDS = 2


class Queue(StrEnum):
    """Celery queues; production runs workers per queue."""

    DEFAULT = "default"
    BANK = "bank"
    FILES = "files"
    EXPORTS = "exports"
    WEBHOOKS = "webhooks"


class JobCancelled(Exception):
    """Raised inside a handler when somebody asked the job to stop."""


class LeaseLost(Exception):
    """Another worker took the job over; whatever this one still does must not count."""


@dataclass
class RunningJob:
    """What a handler gets: its arguments and a way to tell how far it is."""

    row: Job

    @property
    def scope(self) -> Scope:
        """Return the scope the job works in."""
        return self.row.scope

    @property
    def arguments(self) -> Mapping[str, object]:
        """Return the JSON arguments it was enqueued with."""
        arguments: Mapping[str, object] = self.row.arguments
        return arguments

    @property
    def by(self) -> Actor:
        """Return who asked for the work, of a job whose arguments tell it."""
        return Actor.read(cast("Mapping[str, Any]", self.arguments["by"]))

    def progress(self, done: int, total: int | None = None, note: str | None = None) -> None:
        """
        Store progress and renew the lease.

        Raises JobCancelled when a stop was asked for, LeaseLost when another worker has the job.
        """
        changes: dict[str, object] = {"done": done, "lease_until": clock.now() + LEASE}
        if total is not None:
            changes["total"] = total
        if note is not None:
            changes["note"] = note
        mine = Job.objects.filter(pk=self.row.pk, fence=self.row.fence, state=JobState.RUNNING)
        if not mine.update(**changes):
            raise LeaseLost
        if Job.objects.filter(pk=self.row.pk, cancel_requested=True).exists():
            raise JobCancelled


Handler = Callable[[RunningJob], Mapping[str, object]]
Sweep = Callable[[], int]


@dataclass(frozen=True, slots=True)
class _Sweeper:
    run: Sweep
    queue: Queue
    alone: bool


_handlers: dict[str, tuple[Handler, Queue]] = {}
_sweepers: dict[str, _Sweeper] = {}


def handler(kind: str, *, queue: Queue = Queue.DEFAULT) -> Callable[[Handler], Handler]:
    """Register the function that runs jobs of a kind. It returns the job's result as JSON."""

    def register(function: Handler) -> Handler:
        _handlers[kind] = (function, queue)
        return function

    return register


def sweeper(name: str, *, queue: Queue = Queue.DEFAULT, alone: bool = True) -> Callable[[Sweep], Sweep]:
    """
    Register a function that looks for due work and returns how much it found.

    With `alone` a PostgreSQL advisory lock lets one run at a time; without, the function claims rows itself.
    """

    def register(function: Sweep) -> Sweep:
        _sweepers[name] = _Sweeper(function, queue, alone)
        return function

    return register


def sweeper_names() -> tuple[str, ...]:
    """Return the names of all sweepers in the order they were registered."""
    return tuple(_sweepers)


def sweeper_queue(name: str) -> Queue:
    """Return the queue a sweeper's hints go to."""
    return _sweepers[name].queue


def wake(name: str) -> None:
    """Hint that a sweeper has work, when the open transaction commits."""
    hints.after_commit("core.run_sweeper", _sweepers[name].queue.value, name=name)


def enqueue(
    *,
    scope: Scope,
    kind: str,
    arguments: Mapping[str, object],
    by: Actor,
    now: datetime,
    total: int = 0,
    dedupe: str = "",
) -> Job:
    """
    Add a job; its hint leaves after commit.

    With `dedupe`, an open job of the same kind and word is returned instead of a second one.
    """
    _function, queue = _handlers[kind]
    job = Job(
        **scope.filters(),
        public_id=ids.new_id(_JOB, now),
        kind=kind,
        queue=queue.value,
        arguments=dict(arguments),
        total=total,
        dedupe=dedupe,
        due_at=now,
        created_by_id=by.user_id,
    )
    try:
        with transaction.atomic():
            job.save(force_insert=True)
    except IntegrityError:
        open_job = Job.objects.within(scope).filter(kind=kind, dedupe=dedupe, state__in=OPEN_STATES).first()
        if not dedupe or open_job is None:
            raise
        job = open_job
    hints.after_commit("core.run_job", queue.value, job_id=job.pk)
    return job


def request_cancel(job: Job) -> None:
    """Ask an open job to stop; a queued one stops at once."""
    stopped = Job.objects.filter(pk=job.pk, state=JobState.QUEUED).update(
        state=JobState.CANCELLED, cancel_requested=True, finished_at=clock.now()
    )
    if not stopped:
        Job.objects.filter(pk=job.pk, state=JobState.RUNNING).update(cancel_requested=True)


def _claim(condition: Q, now: datetime) -> Job | None:
    due = Q(state=JobState.QUEUED, due_at__lte=now) | Q(state=JobState.RUNNING, lease_until__lt=now)
    with transaction.atomic():
        row = Job.objects.select_for_update(skip_locked=True).filter(condition & due).order_by("due_at", "id").first()
        if row is None:
            return None
        row.state = JobState.RUNNING
        row.fence += 1
        row.tries += 1
        row.lease_until = now + LEASE
        row.started_at = row.started_at or now
        row.save(update_fields=["state", "fence", "tries", "lease_until", "started_at"])
        return row


def _finish(job: Job, state: JobState, **changes: object) -> None:
    # Guarded by the fence: a worker that lost its lease must not end a job another worker is running.
    Job.objects.filter(pk=job.pk, fence=job.fence, state=JobState.RUNNING).update(
        state=state, finished_at=clock.now(), lease_until=None, **changes
    )


def _retry_or_fail(job: Job, error: Exception) -> None:
    log.error("job_failed", kind=job.kind, job=job.public_id, tries=job.tries, exc_info=error)
    if job.tries >= MAX_TRIES:
        _finish(job, JobState.FAILED, error=_("처리 중 오류가 발생했어요. 관리자에게 작업 번호를 알려 주세요."))
        return
    pause = _FIRST_PAUSE_SECONDS * 4 ** (job.tries - 1) * random.uniform(0.8, 1.2)  # noqa: S311 - jitter
    Job.objects.filter(pk=job.pk, fence=job.fence, state=JobState.RUNNING).update(
        state=JobState.QUEUED,
        due_at=clock.now() + timedelta(seconds=pause * settings.TIME_SCALE),
        error=type(error).__name__,
    )


def _run(job: Job) -> None:
    function, _queue = _handlers[job.kind]
    try:
        result = function(RunningJob(job))
    except JobCancelled:
        _finish(job, JobState.CANCELLED)
    except LeaseLost:
        log.warning("job_lease_lost", kind=job.kind, job=job.public_id)
    except DomainError as refusal:
        _finish(job, JobState.FAILED, error=str(refusal.message), result=refusal.body())
    except Exception as error:  # noqa: BLE001 - the last line of a worker: the failure is stored and shown, or tried again
        _retry_or_fail(job, error)
    else:
        _finish(job, JobState.SUCCEEDED, result=dict(result), error="")


def run_job(job_id: int) -> bool:
    """Run one job if it is due and nobody has it. Says whether it ran."""
    job = _claim(Q(pk=job_id), clock.now())
    if job is None:
        return False
    _run(job)
    return True


def run_due_jobs(limit: int = 100, queue: Queue | None = None) -> int:
    """Run due jobs one after another, oldest first; returns how many ran."""
    condition = Q(queue=queue.value) if queue else Q()
    for ran in range(limit):
        job = _claim(condition, clock.now())
        if job is None:
            return ran
        _run(job)
    return limit


def hint_due_jobs(limit: int = 200) -> int:
    """Send a hint again for every due job: the broker may have lost the first."""
    now = clock.now()
    due = Q(state=JobState.QUEUED, due_at__lte=now) | Q(state=JobState.RUNNING, lease_until__lt=now)
    rows = Job.objects.filter(due).order_by("due_at", "id").values_list("id", "queue")[:limit]
    for job_id, queue in rows:
        hints.send_now("core.run_job", queue, job_id=job_id)
    return len(rows)


@contextmanager
def _only_one(name: str) -> Iterator[bool]:
    key = zlib.crc32(name.encode())
    with connection.cursor() as cursor:
        cursor.execute("select pg_try_advisory_lock(7301, %s::bigint::int)", [key - (1 << 31)])
        (mine,) = cursor.fetchone()
        try:
            yield mine
        finally:
            if mine:
                cursor.execute("select pg_advisory_unlock(7301, %s::bigint::int)", [key - (1 << 31)])


def run_sweeper(name: str) -> int:
    """Run one sweeper; 0 when another process is already at it."""
    entry = _sweepers[name]
    if not entry.alone:
        return entry.run()
    with _only_one(name) as mine:
        return entry.run() if mine else 0


def open_jobs(scope: Scope) -> int:
    """Return how many jobs of a scope have not ended."""
    return Job.objects.within(scope).filter(state__in=OPEN_STATES).count()


def tidy(now: datetime) -> int:
    """Remove ended jobs older than 90 days; their audit events stay."""
    old = Job.objects.filter(~Q(state__in=OPEN_STATES), finished_at__lt=now - timedelta(days=90))
    return old.delete()[0]

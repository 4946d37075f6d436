"""Promise: a worker that is killed while it loads a file leaves nothing of it, and the next one loads it whole."""

import os
import signal
import time
from collections.abc import Callable
from datetime import timedelta
from random import Random

from config.pytest_processes import Start
from core.jobs import LEASE
from core.models import Job, JobState
from reconciliation import queries
from reconciliation.models import Batch, BatchLine, BatchState
from reconciliation.operations import storing
from tests.build import BY, merchant, noon
from tests.reconciliation.stored import receive, sheet

LINES, KILLS = 8_000, 3
_LONGEST_SECONDS = 120.0


def wait_for(condition: Callable[[], bool], what: str) -> None:
    """Look again and again until it holds; fail with what was waited for when it never does."""
    deadline = time.monotonic() + _LONGEST_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what}: {Job.objects.values_list('state', 'error')}"
        time.sleep(0.02)


def test_killed_workers_leave_all_or_nothing(committed_db: str, start_worker: Start) -> None:  # noqa: ARG001 - it really commits
    choose = Random(4)
    batch = receive(merchant(), sheet(LINES))
    storing.start(batch=batch, by=BY, now=noon())
    kills = 0
    for kill in range(1, KILLS + 1):
        worker = start_worker()
        wait_for(lambda kill=kill: Job.objects.get().fence >= kill, "a worker to begin")  # type: ignore[misc] # bound now
        time.sleep(choose.uniform(0, 1.5))
        os.kill(worker.pid, signal.SIGKILL)
        worker.process.wait()
        kept = BatchLine.objects.count()
        state = Batch.objects.get().state
        assert (state, kept) in {(BatchState.LOADING, 0), (BatchState.UNDERSTOOD, LINES)}
        kills += state == BatchState.LOADING
        # As if the time of the lease had passed.
        Job.objects.filter(state=JobState.RUNNING).update(lease_until=noon() - LEASE - timedelta(days=1))
    assert kills > 0
    start_worker()
    wait_for(lambda: Job.objects.get().state == JobState.SUCCEEDED, "the file to be read")
    found = queries.batch(batch.scope, batch.public_id)
    assert (found.state, found.line_count) == (BatchState.UNDERSTOOD, LINES)
    assert found.answer["records"]["valid"] == LINES == BatchLine.objects.filter(counts=True).count()

"""
Promise: a worker that is killed while it loads a file leaves nothing of it, and the next one loads it whole.

KILL_LINES, KILLS and KILL_SECONDS in the environment try it on longer files, more often, over a longer span.
"""

import io
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
from reconciliation.reading import ON_THIS_MACHINE
from tests.build import BY, merchant, noon
from tests.reconciliation.stored import sheet
from tests.reconciliation.writing import Writing, written

LINES, KILLS = int(os.environ.get("KILL_LINES", "8000")), int(os.environ.get("KILLS", "3"))
SPAN_SECONDS = float(os.environ.get("KILL_SECONDS", "1.5"))
_LONGEST_SECONDS = 120.0 + 20 * SPAN_SECONDS


def wait_for(condition: Callable[[], bool], what: str) -> None:
    """Look again and again until it holds; fail with what was waited for when it never does."""
    deadline = time.monotonic() + _LONGEST_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what}: {Job.objects.values_list('state', 'error')}"
        time.sleep(0.02)


def long_file(lines: int) -> io.BytesIO:
    """Return an invoice of so many lines; each is a group of its own."""
    made = sheet(1)
    header, row = written(made, Writing()).decode().splitlines()
    subscription = made.rows[0]["SubscriptionId"]
    before, after = row.split(subscription)
    file = io.BytesIO()
    file.write(f"{header}\r\n".encode())
    for number in range(lines):
        file.write(f"{before}5b000000-0000-4000-8000-{number:012d}{after}\r\n".encode())
    return file


def test_killed_workers_leave_all_or_nothing(committed_db: str, start_worker: Start) -> None:  # noqa: ARG001 - it really commits
    choose = Random(4)
    batch = storing.receive(
        scope=merchant(),
        file=long_file(LINES),
        name="long.csv",
        locale="ko",
        by=BY,
        now=noon(),
        limits=ON_THIS_MACHINE,
    ).batch
    storing.start(batch=batch, by=BY, now=noon())
    kills = 0
    for kill in range(1, KILLS + 1):
        worker = start_worker()
        wait_for(lambda kill=kill: Job.objects.get().fence >= kill, "a worker to begin")  # type: ignore[misc] # bound now
        time.sleep(choose.uniform(0, SPAN_SECONDS))
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

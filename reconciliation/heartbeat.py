"""Telling how far a job is while its own connection is busy in one long transaction."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread

from django.db import DatabaseError, connection, connections

from core.jobs import JobCancelled, LeaseLost, RunningJob

_SECONDS = 2

Tell = Callable[[int, int], None]
"""Takes how much is done and of how much; raises JobCancelled or LeaseLost when there is no point in going on."""


class _Beat(Thread):
    """
    Stores the progress and keeps the lease every few seconds.

    It is a thread, and so has a connection of its own. A stop that was asked for is raised by the next `tell`.
    """

    def __init__(self, job: RunningJob) -> None:
        super().__init__(daemon=True)
        self._job, self._told, self._ended = job, (0, 0), Event()
        self._refusal: Exception | None = None

    def run(self) -> None:
        """Store the progress until `end`."""
        try:
            while not self._ended.wait(_SECONDS):
                self._job.progress(*self._told)
        except (JobCancelled, LeaseLost, DatabaseError) as refusal:
            self._refusal = refusal
        finally:
            connections.close_all()

    def tell(self, done: int, total: int) -> None:
        """Say how much is done. Raises JobCancelled, LeaseLost."""
        self._told = (done, total)
        if self._refusal is not None:
            raise self._refusal

    def end(self) -> None:
        """Stop telling."""
        self._ended.set()
        self.join()


@contextmanager
def beside(job: RunningJob) -> Iterator[Tell]:
    """
    Give a way to tell how much of how much is done while the job's own connection is busy.

    Inside somebody else's transaction another connection would not see the job; then nothing is told on the way.
    """
    job.progress(0)
    if connection.in_atomic_block:
        yield lambda _done, _total: None
        return
    beat = _Beat(job)
    beat.start()
    try:
        yield beat.tell
    finally:
        beat.end()

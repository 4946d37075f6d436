"""
Hints: Celery messages that say "look now".

A hint may come never, late or five times, and nothing depends on it: the sweep finds the same work in PostgreSQL.
So publishing must never slow or fail a request. One daemon thread per process publishes from a bounded queue; a full
queue drops hints, a failing broker pauses publishing, and both are counted.
"""

import os
import queue
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import structlog
from celery import current_app
from django.conf import settings
from django.db import transaction
from kombu.exceptions import OperationalError as BrokerError

log = structlog.get_logger(__name__)

_CAPACITY = 1_000
_PAUSE_AFTER_FAILURE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class _Hint:
    task: str
    arguments: Mapping[str, object]
    queue: str


@dataclass
class Counts:
    """How many hints were published and how many were lost since the process started."""

    sent: int = 0
    lost: int = 0


@dataclass
class _Publisher:
    """The publishing thread of one process; made again after a fork."""

    pid: int = field(default_factory=os.getpid)
    pending: "queue.Queue[_Hint]" = field(default_factory=lambda: queue.Queue(_CAPACITY))
    paused_until: float = 0.0

    def start(self) -> None:
        threading.Thread(target=self._run, name="hints", daemon=True).start()

    def _run(self) -> None:
        while True:
            hint = self.pending.get()
            if time.monotonic() < self.paused_until:
                counts.lost += 1
                continue
            self._publish(hint)

    def _publish(self, hint: _Hint) -> None:
        try:
            current_app.send_task(hint.task, kwargs=dict(hint.arguments), queue=hint.queue, retry=False)
        except (BrokerError, OSError) as error:
            counts.lost += 1
            self.paused_until = time.monotonic() + _PAUSE_AFTER_FAILURE_SECONDS
            log.warning("hint_lost", task=hint.task, reason=type(error).__name__)
        else:
            counts.sent += 1


counts = Counts()
_lock = threading.Lock()
_publisher: _Publisher | None = None


def _current() -> _Publisher:
    global _publisher  # noqa: PLW0603 - one publisher per process, remade after a fork
    with _lock:
        if _publisher is None or _publisher.pid != os.getpid():
            _publisher = _Publisher()
            _publisher.start()
        return _publisher


def send_now(task: str, queue_name: str, **arguments: object) -> None:
    """Hand a hint to the publishing thread; never blocks, never raises."""
    if not settings.SEND_HINTS:
        return
    try:
        _current().pending.put_nowait(_Hint(task, arguments, queue_name))
    except queue.Full:
        counts.lost += 1


def after_commit(task: str, queue_name: str, **arguments: object) -> None:
    """Send a hint when the open transaction commits (at once outside one)."""
    transaction.on_commit(lambda: send_now(task, queue_name, **arguments), robust=True)

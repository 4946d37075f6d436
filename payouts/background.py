"""
The background work of payouts, registered by name.

Each sweeper finds its work in PostgreSQL; a hint only makes it look sooner. One run works for a bounded time and asks
to be woken again when something is left, so that a worker can be stopped warmly at any moment.
"""

import time
from collections.abc import Callable
from datetime import datetime
from functools import partial
from importlib import import_module

from core import clock, hints, jobs
from payouts.operations import approval, dispatch, inquiry, lanes, running, statements, transfer_files
from payouts.rails_in_use import at_once

_LONGEST_RUN_SECONDS = 20.0
_HELPERS = 8

import_module("payouts.operations.building")
import_module("payouts.operations.transfer_results")


def _work(name: str, step: Callable[[], int]) -> int:
    started, total = time.monotonic(), 0
    while found := step():
        total += found
        if time.monotonic() - started > _LONGEST_RUN_SECONDS:
            hints.send_now("core.run_sweeper", jobs.Queue.BANK.value, name=name)
            break
    return total


@jobs.sweeper("payouts.dispatch", queue=jobs.Queue.BANK, alone=False)
def sweep_dispatch() -> int:
    """Start what is approved and due, take back expired leases, and send what waits."""
    now = clock.now()
    found = running.start_due(now) + dispatch.expire_leases(now) + dispatch.send_probe(now) + running.stop_outdated(now)
    if found:
        hints.send_now("core.run_sweeper", jobs.Queue.BANK.value, name="payouts.files")
    for name in dispatch.rails_due(now):
        if found:
            _call_others(name, now)
        sent = lanes.run(name, partial(_send_some, name), seconds=_LONGEST_RUN_SECONDS)
        found += sent
        # What waits although nothing was sent is being kept back; looking again at once would not help it.
        if sent and name in dispatch.rails_due(clock.now()):
            hints.send_now("core.run_sweeper", jobs.Queue.BANK.value, name="payouts.dispatch")
    return found


def _call_others(rail_name: str, now: datetime) -> None:
    # Whoever makes work due asks others to help with what is more than a chunk; each of them calls nobody.
    chunk = at_once(rail_name)
    for _helper in range(dispatch.count_due(rail_name, now, most=_HELPERS * chunk) // chunk):
        hints.send_now("core.run_sweeper", jobs.Queue.BANK.value, name="payouts.dispatch")


def _send_some(rail_name: str, limit: int) -> int:
    return dispatch.send_some(rail_name, limit=limit, now=clock.now())


@jobs.sweeper("payouts.files", queue=jobs.Queue.BANK)
def sweep_files() -> int:
    """Put what is due of accounts that pay by files into files."""
    return transfer_files.make_files(now=clock.now())


@jobs.sweeper("payouts.inquire", queue=jobs.Queue.BANK, alone=False)
def sweep_inquiries() -> int:
    """Ask about attempts without a final answer."""
    return _work("payouts.inquire", lambda: inquiry.ask_due(now=clock.now()))


@jobs.sweeper("payouts.statements", queue=jobs.Queue.BANK)
def sweep_statements() -> int:
    """Look for money that came back."""
    return statements.read_statements(now=clock.now())


@jobs.sweeper("payouts.close")
def sweep_ends() -> int:
    """Void expired approvals and bring bulk payouts in line with their payouts."""
    now = clock.now()
    running.advance_all(now)
    return approval.expire_due(now)

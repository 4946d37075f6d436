"""
Keeping a bank busy: calls side by side, and lanes that take turns so that some call while others write.

A rail is called by so many threads of a process at once. Chunks go through three lanes of half that size: while one
writes down what came back and commits to its next chunk, the other two fill the threads. What has passed its point of
no return waits, if at all, for the end of one call.
"""

import os
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from threading import Thread
from typing import TypeVar

import structlog
from django.db import connections

from payouts.rails_in_use import at_once, rail

log = structlog.get_logger(__name__)

Given = TypeVar("Given")
Made = TypeVar("Made")
_LANES = 3


def call_each(rail_name: str, function: Callable[[Given], Made], given: Iterable[Given]) -> list[Made]:
    """Call a function that talks to a rail for each thing given, side by side where the bank is another machine."""
    if not rail(rail_name).promises.remote:
        return [function(one) for one in given]
    return list(_threads(rail_name, at_once(rail_name), os.getpid()).map(function, given))


@cache
def _threads(rail_name: str, most: int, _pid: int) -> ThreadPoolExecutor:
    # Kept for the life of a process; a forked child has an id, and so threads, of its own.
    return ThreadPoolExecutor(max_workers=most, thread_name_prefix=f"bank-{rail_name}")


def run(rail_name: str, step: Callable[[int], int], *, seconds: float) -> int:
    """
    Repeat a step, which takes a chunk size and returns how much it found, until nothing is left or the time is over.

    Returns how much was found in all. An error of a lane ends that lane, and is raised when all have ended.
    """
    ends = time.monotonic() + seconds
    if not rail(rail_name).promises.remote:
        return _lane(step, at_once(rail_name), ends)
    chunk = (at_once(rail_name) + 1) // 2
    found: list[int] = []
    errors: list[BaseException] = []
    threads = [Thread(target=_aside, args=(step, chunk, ends, found, errors)) for _ in range(_LANES - 1)]
    for thread in threads:
        thread.start()
    try:
        found.append(_lane(step, chunk, ends))
    finally:
        for thread in threads:
            thread.join()
    if errors:
        raise errors[0]
    return sum(found)


def _lane(step: Callable[[int], int], chunk: int, ends: float) -> int:
    total = 0
    while time.monotonic() < ends and (found := step(chunk)):
        total += found
    return total


def _aside(step: Callable[[int], int], chunk: int, ends: float, found: list[int], errors: list[BaseException]) -> None:
    try:
        found.append(_lane(step, chunk, ends))
    except Exception as error:  # noqa: BLE001 - handed to the thread that waits, which raises it
        log.warning("lane_ended", error=type(error).__name__)
        errors.append(error)
    finally:
        connections.close_all()

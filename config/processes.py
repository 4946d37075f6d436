"""Child processes that never outlive us."""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

_PR_SET_PDEATHSIG = 1


def die_with_parent(number: signal.Signals) -> Callable[[], None] | None:
    """
    Return what a child calls right after its start, so that it gets the signal when its parent ends, even by kill -9.

    Linux only; elsewhere nothing is returned. Start such a child from a thread that lives as long as the process does:
    the kernel watches the thread.
    """
    if not sys.platform.startswith("linux"):
        return None
    library = ctypes.CDLL(None)
    parent = os.getpid()

    def ask_the_kernel() -> None:
        library.prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)
        if os.getppid() != parent:
            os.kill(os.getpid(), number)

    return ask_the_kernel


def spawn(
    command: Sequence[str | Path],
    *,
    env: Mapping[str, str],
    log: IO[bytes] | int,
    dies_by: signal.Signals,
    cwd: str | Path = "/",
    account: Mapping[str, Any] | None = None,
) -> subprocess.Popen[bytes]:
    """Start a child in a session of its own, so that Ctrl-C reaches only us and we end our children in order."""
    return subprocess.Popen(
        [str(part) for part in command],
        env=dict(env),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        start_new_session=True,
        preexec_fn=die_with_parent(dies_by),  # noqa: PLW1509 - one system call, which takes no lock
        **(account or {}),
    )


def stop(process: subprocess.Popen[bytes], *, politely: signal.Signals, seconds: float, firmly: signal.Signals) -> None:
    """Ask a child to end and wait; one that has not ended in time is told with the second signal."""
    if process.poll() is None:
        process.send_signal(politely)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(firmly)
        process.wait()

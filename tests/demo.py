"""A whole demo in a folder of its own, as a stranger would start it."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from config.bootstrap import ROOT
from config.pytest_processes import free_port

SECONDS = 240
_OURS = ("DATABASE_", "REDIS_", "SECRET_", "LOOKUP_", "ACCOUNT_", "PUBLIC_", "STORAGE_", "TIME_SCALE", "STATEMENT_")


class RunningDemo:
    """One demo in a folder of its own."""

    def __init__(self, folder: Path, *options: str) -> None:
        env = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
        command = [sys.executable, "manage.py", "demo", "--data", str(folder), "--port", str(free_port()), *options]
        self.folder = folder
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def wait_until_ready(self) -> dict[str, Any]:
        wait(lambda: (self.folder / "demo.json").exists() or self.process.poll() is not None)
        assert self.process.poll() is None, self.process.communicate()[1]
        shown: dict[str, Any] = json.loads((self.folder / "demo.json").read_text())
        return shown

    def end(self, number: signal.Signals) -> tuple[int, list[int]]:
        """Send a signal and return the exit status with every process that had been running below the demo."""
        below = descendants(self.process.pid)
        assert len(below) > 5
        self.process.send_signal(number)
        self.process.communicate(timeout=SECONDS)
        return self.process.returncode, below


def wait(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, "It took too long."
        time.sleep(0.05)


def processes() -> dict[int, tuple[int, str]]:
    """Return parent and state of every process."""
    found = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = re.sub(r".*\) ", "", status.read_text(), flags=re.DOTALL).split()[:2]
        except (FileNotFoundError, ProcessLookupError):
            continue
        found[int(status.parent.name)] = (int(parent), state)
    return found


def descendants(pid: int) -> list[int]:
    known = processes()
    found = [pid]
    for ancestor in found:
        found += [child for child, (parent, _state) in known.items() if parent == ancestor]
    return found[1:]

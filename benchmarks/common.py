"""
The harness of every benchmark: a PostgreSQL of its own, candidates in child processes, rounds that alternate, ratios.

A candidate is a function that takes keyword arguments and returns what it found as a dict. Each run of it is a process
of its own, so that its peak memory is its own too: VmHWM, since ru_maxrss survives exec.
"""

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from importlib import import_module
from pathlib import Path
from statistics import median
from typing import Any

import psycopg2

from config.embedded import DATABASE, SUPERUSER, Postgres, state_folder
from console.files.columns import SEOUL

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).parent / "results"
KILOBYTES_PER_MEGABYTE = 1024

# Durable commits, and enough memory that nothing waits for a disk by accident.
SERVER_SETTINGS = {
    "shared_buffers": "1GB",
    "work_mem": "128MB",
    "max_wal_size": "16GB",
    "fsync": "on",
    "synchronous_commit": "on",
    "jit": "off",
}

Answer = dict[str, Any]


@dataclass(frozen=True)
class Server:
    """How to reach the benchmark's database: as its owner, and as the one who may ask for a checkpoint."""

    dsn: str
    admin_dsn: str

    def run(self, *statements: str, as_admin: bool = False) -> list[tuple[Any, ...]]:
        """Run statements one by one, each in its own commit, and return the rows of the last."""
        with closing(psycopg2.connect(self.admin_dsn if as_admin else self.dsn)) as connection:
            connection.autocommit = True
            cursor = connection.cursor()
            for statement in statements:
                cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def checkpoint(self) -> None:
        """Write everything out, so that no candidate pays for another's pages."""
        self.run("checkpoint", as_admin=True)


@contextmanager
def server(settings: Mapping[str, str] | None = None) -> Iterator[Server]:
    """Start a PostgreSQL with an empty database, and remove it afterwards."""
    root = os.geteuid() == 0
    with tempfile.TemporaryDirectory(prefix="benchmark-", dir=state_folder() if root else None) as name:
        folder = Path(name)
        folder.chmod(0o755 if root else 0o700)
        postgres = Postgres(
            folder / "postgres", settings=SERVER_SETTINGS | dict(settings or {}), log=folder / "postgres.log"
        )
        postgres.start()
        try:
            admin = f"host={postgres.sockets} port=5432 user={SUPERUSER} dbname={DATABASE}"
            yield Server(postgres.connection_string("owner"), admin)
        finally:
            postgres.stop()


@dataclass(frozen=True)
class Candidate:
    """A function to measure, as "module:function", and its keyword arguments, which JSON must be able to hold."""

    name: str
    target: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Sample:
    """One run: seconds, peak memory and memory before the work in MB, and what the candidate returned."""

    seconds: float
    peak_mb: float
    idle_mb: float
    answer: Answer


def run(candidate: Candidate) -> Sample:
    """Run a candidate once in a process of its own; what it raises ends the benchmark."""
    command = [sys.executable, "-m", "benchmarks.common", candidate.target, json.dumps(dict(candidate.arguments))]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True)
    return Sample(**json.loads(done.stdout.splitlines()[-1]))


def measure(
    candidates: Sequence[Candidate],
    *,
    rounds: int,
    check: Callable[[Candidate, Sample], None],
    before: Callable[[], None],
) -> dict[str, list[Sample]]:
    """
    Run every candidate once a round, in turn, and return the samples by name.

    `before` runs before each; `check` looks at each answer and raises if it is wrong: a fast wrong answer is no answer.
    """
    samples: dict[str, list[Sample]] = {candidate.name: [] for candidate in candidates}
    for number in range(1, rounds + 1):
        for candidate in candidates:
            before()
            sample = run(candidate)
            check(candidate, sample)
            samples[candidate.name].append(sample)
            say(f"round {number}: {candidate.name:28} {sample.seconds:8.2f} s  {sample.peak_mb:6.0f} MB")
    return samples


def seconds(samples: Sequence[Sample]) -> list[float]:
    """Return the times of a candidate's runs."""
    return [round(sample.seconds, 3) for sample in samples]


def ratios(slow: Sequence[Sample], fast: Sequence[Sample]) -> dict[str, float]:
    """Return how many times longer the first took: the median over the rounds, and best against best."""
    by_round = [one.seconds / other.seconds for one, other in zip(slow, fast, strict=True)]
    best = min(sample.seconds for sample in slow) / min(sample.seconds for sample in fast)
    return {"median": round(median(by_round), 2), "best": round(best, 2)}


def save(name: str, report: Mapping[str, Any], *, machine: str) -> Path:
    """Write a report with its circumstances to results/NAME.json and return where."""
    RESULTS.mkdir(exist_ok=True)
    circumstances = {
        "date": datetime.now(SEOUL).date().isoformat(),
        "machine": machine,
        "python": platform.python_version(),
    }
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps(circumstances | dict(report), indent=2, ensure_ascii=False) + "\n")
    return path


def say(line: str) -> None:
    """Tell whoever waits."""
    sys.stderr.write(line + "\n")


def memory_mb(what: str = "VmHWM") -> float:
    """Return a figure of this process's memory in MB; VmHWM is its peak so far."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{what}:"):
            return int(line.split()[1]) / KILOBYTES_PER_MEGABYTE
    raise LookupError(what)


def _child(target: str, arguments: str) -> None:
    module, _colon, name = target.partition(":")
    function = getattr(import_module(module), name)
    idle = memory_mb()
    start = time.perf_counter()
    answer = function(**json.loads(arguments))
    took = time.perf_counter() - start
    sys.stdout.write(json.dumps({"seconds": took, "peak_mb": memory_mb(), "idle_mb": idle, "answer": answer}) + "\n")


if __name__ == "__main__":
    _child(*sys.argv[1:])

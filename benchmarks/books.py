"""
What the ledger's benchmarks share: the product's own database, copies of it, and clients that start at one moment.

A client is a process. It imports, warms up, says that it is ready, and waits for the moment; then it repeats one step
for the agreed time and tells how often it did.
"""

import json
import os
import secrets
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import quote

import psycopg2
from psycopg2.extensions import make_dsn, parse_dsn

from benchmarks.common import ROOT, Server, memory_mb, server
from config.embedded import ROLES

Step = Callable[[], object]
INVARIANTS = ROOT / "ledger" / "sql" / "invariants.sql"
_UNTIL_START = 0.3


@dataclass(frozen=True)
class Run:
    """How often the clients did their step in how many seconds, and the largest peak memory among them."""

    done: int
    seconds: float
    peak_mb: float

    @property
    def rate(self) -> float:
        """Steps a second."""
        return self.done / self.seconds


def variables(at: Server) -> dict[str, str]:
    """Return the environment in which the product works on this database, as its application role."""
    where = parse_dsn(at.dsn)

    def url(role: str) -> str:
        return (
            f"postgresql://{ROLES[role]}@/{where['dbname']}?host={quote(where['host'], safe='')}&port={where['port']}"
        )

    own = {
        "DATABASE_URL": url("app"),
        "DATABASE_OWNER_URL": url("owner"),
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "SECRET_KEY": secrets.token_urlsafe(48),
        "LOOKUP_KEY": secrets.token_urlsafe(32),
        "ACCOUNT_KEYS": json.dumps({"benchmark": b64encode(bytes(32)).decode()}),
        "PUBLIC_URL": "http://127.0.0.1:8000",
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "STORAGE_DIR": "/nonexistent",
        "KEEP_CONNECTIONS": "1",
        "SEND_HINTS": "0",
    }
    return dict(os.environ) | own


@contextmanager
def product_database(settings: Mapping[str, str] | None = None) -> Iterator[Server]:
    """Start a server and make the product's tables, laws and door in its database."""
    with server(settings) as at:
        command = [sys.executable, "-m", "django", "migrate", "--verbosity", "0"]
        subprocess.run(command, cwd=ROOT, env=variables(at), check=True)
        yield at


def named(at: Server, database: str) -> Server:
    """Return the same server with another of its databases."""
    return replace(at, dsn=make_dsn(at.dsn, dbname=database), admin_dsn=make_dsn(at.admin_dsn, dbname=database))


@contextmanager
def copy_of(at: Server, name: str = "copy") -> Iterator[Server]:
    """Give a run a copy of the database, so that every run starts from the same rows and pages; drop it afterwards."""
    outside, original = named(at, "postgres"), parse_dsn(at.dsn)["dbname"]
    outside.run(f'create database "{name}" template "{original}" owner {ROLES["owner"]}', as_admin=True)
    try:
        outside.checkpoint()
        yield named(at, name)
    finally:
        outside.run(f'drop database "{name}" with (force)', as_admin=True)


def together(at: Server, clients: Sequence[tuple[str, Mapping[str, Any]]], *, seconds: float) -> Run:
    """Run clients, each a "module:function" that returns its step and that function's arguments, from one moment on."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "benchmarks.books", target, json.dumps(dict(arguments)), str(seconds)],
            cwd=ROOT,
            env=variables(at),
            text=True,
            **pipes,  # type: ignore[call-overload]  # Popen's overloads do not see through a dict
        )
        for target, arguments in clients
    ]
    for process in processes:
        if process.stdout.readline() != "ready\n":
            raise RuntimeError("a client did not get ready; its message is above")
    start = time.time() + _UNTIL_START
    # All are told before any is listened to: `communicate` tells one and waits for its end.
    for process in processes:
        process.stdin.write(f"{start}\n")
        process.stdin.flush()
    answers = [json.loads(process.communicate()[0]) for process in processes]
    done = sum(answer["done"] for answer in answers)
    return Run(done, max(answer["seconds"] for answer in answers), max(answer["peak_mb"] for answer in answers))


def pgbench(at: Server, script: Path, *, clients: int, seconds: float, first: int, search_path: str) -> Run:
    """
    Run pgbench with one prepared statement as the owner, the least that any client can spend on these rows.

    Its variable `number` starts at `first` in each client.
    """
    (binaries,) = at.run("select setting from pg_config where name = 'BINDIR'", as_admin=True)[0]
    where = parse_dsn(at.dsn)
    command = [f"{binaries}/pgbench", "--no-vacuum", "--protocol", "prepared", "--file", str(script)]
    command += [
        "--define",
        f"number={first}",
        "--client",
        str(clients),
        "--jobs",
        str(clients),
        "--time",
        str(max(1, round(seconds))),
    ]
    command += ["--host", where["host"], "--port", where["port"], "--username", where["user"], where["dbname"]]
    env = dict(os.environ) | {"PGOPTIONS": f"-c search_path={search_path}"}
    said = subprocess.run(command, env=env, stdout=subprocess.PIPE, text=True, check=True).stdout
    lines = dict(line.split(":" if ":" in line else "=", 1) for line in said.splitlines() if ":" in line or "=" in line)
    rate = float(lines["tps "].split()[0])
    done = int(lines["number of transactions actually processed"].split("/")[0])
    return Run(done, done / rate, 0.0)


def assert_whole(at: Server, *, journals: int, legs: int) -> None:
    """Raise unless so many journals stand, every invariant of the books holds, and everything sums to zero."""
    found = at.run("select (select count(*) from ledger_journal), count(*), coalesce(sum(amount), 0) from ledger_entry")
    broken = at.run(INVARIANTS.read_text())
    if found != [(journals, legs, 0)] or broken:
        raise AssertionError(found, (journals, legs, 0), broken)


def rate_ratios(ours: Sequence[Run], theirs: Sequence[Run]) -> dict[str, float]:
    """Return our rate through theirs: the median over the rounds, and best against best."""
    by_round = [one.rate / other.rate for one, other in zip(ours, theirs, strict=True)]
    best = max(run.rate for run in ours) / max(run.rate for run in theirs)
    return {"median": round(median(by_round), 2), "best": round(best, 2)}


def rates(runs: Sequence[Run]) -> list[int]:
    """Return the rates of a candidate's runs."""
    return [round(run.rate) for run in runs]


def connected(at_dsn: str) -> Any:
    """Return an autocommitting connection to a DSN."""
    connection = psycopg2.connect(at_dsn)
    connection.autocommit = True
    return connection


def _client(target: str, arguments: str, seconds: str) -> None:
    import django

    django.setup()
    module, _colon, name = target.partition(":")
    step: Step = getattr(import_module(module), name)(**json.loads(arguments))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    start, end = float(sys.stdin.readline()), float(seconds)
    time.sleep(max(0.0, start - time.time()))
    begin, done, took = time.perf_counter(), 0, 0.0
    while took < end:
        step()
        done += 1
        took = time.perf_counter() - begin
    sys.stdout.write(json.dumps({"done": done, "seconds": took, "peak_mb": memory_mb()}) + "\n")


if __name__ == "__main__":
    _client(*sys.argv[1:])

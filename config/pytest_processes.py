"""
Fixtures for tests that commit: a database of their own, and the real web server and worker on it.

The ledger refuses to be emptied, so such a test never cleans up. It gets a copy of the migrated test database and the
copy is dropped afterwards.
"""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex

import pytest
import redis
from django.conf import settings
from django.db import connections
from pytest_django import DjangoDbBlocker

from config import environment, roles
from config.celery import QUEUES
from config.processes import spawn, stop

_ROOT = Path(__file__).resolve().parent.parent
_START_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class RunningProcess:
    """A process of the product, its address if it has one, and where it writes its log."""

    process: "subprocess.Popen[bytes]"
    log: Path
    url: str = ""

    @property
    def pid(self) -> int:
        """The process id, for tests that kill or freeze it."""
        return self.process.pid


Start = Callable[..., RunningProcess]


def _administer(statement: str) -> None:
    """Run one statement outside of transactions, as the owner, connected to no test database."""
    with roles.as_owner():
        creation = connections["default"].creation
        with creation._nodb_cursor() as cursor:  # type: ignore[attr-defined] # noqa: SLF001 - Django's own way to a neutral database
            cursor.execute(statement)


@pytest.fixture
def committed_db(
    django_db_setup: None,  # noqa: ARG001 - the migrated database is the template
    django_db_blocker: DjangoDbBlocker,
) -> Iterator[str]:
    """
    Give the test a database of its own in which it may really commit; yields the database's name.

    Do not combine it with the django_db mark: that one opens a transaction on the shared test database.
    """
    database = connections.settings["default"]
    template = database["NAME"]
    name = f"{template}_{token_hex(4)}"
    with django_db_blocker.unblock():
        _administer(f'create database "{name}" template "{template}"')
        database["NAME"] = name
        try:
            yield name
        finally:
            connections.close_all()
            database["NAME"] = template
            _administer(f'drop database "{name}" with (force)')


def _environment(extra: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of a process that shall work on the database this test is connected to."""
    database = connections.settings["default"]
    own = {"DATABASE_URL": environment.database_url(database), "PYTHONPATH": str(_ROOT), "SEND_HINTS": "1"}
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "COV_"))}
    return inherited | own | dict(extra)


@contextmanager
def _running(command: list[str], log: Path, env: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("ab") as out:
        process = spawn(command, env=env, log=out.fileno(), cwd=_ROOT, dies_by=signal.SIGKILL)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGCONT)  # a test may have frozen it
        stop(process, politely=signal.SIGTERM, seconds=20, firmly=signal.SIGKILL)


def _wait(process: "subprocess.Popen[bytes]", log: Path, ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not ready():
        if process.poll() is not None or time.monotonic() > deadline:
            pytest.fail(f"The process did not start:\n{log.read_text(errors='replace')[-4000:]}")
        time.sleep(0.05)


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody uses at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5):  # noqa: S310 - our own loopback address
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False


@pytest.fixture
def start_site(committed_db: str, tmp_path: Path) -> Iterator[Start]:  # noqa: ARG001 - the site works on it
    """Return a function that starts a real web server on the test's database; keyword arguments become variables."""
    with ExitStack() as stack:

        def start(**variables: str) -> RunningProcess:
            port = free_port()
            url = f"http://127.0.0.1:{port}"
            log = tmp_path / f"web-{port}.log"
            env = _environment({"PUBLIC_URL": url, "BIND": f"127.0.0.1:{port}", "WEB_WORKERS": "1", **variables})
            command = [sys.executable, "-m", "gunicorn", "--config", "python:config.gunicorn", "config.wsgi"]
            process = stack.enter_context(_running(command, log, env))
            _wait(process, log, lambda: _answers(f"{url}/health/live"))
            return RunningProcess(process, log, url)

        yield start


@pytest.fixture
def live_site(start_site: Start) -> RunningProcess:
    """Start a real web server on the test's own database; its address is `live_site.url`."""
    return start_site()


@pytest.fixture
def start_worker(committed_db: str, tmp_path: Path) -> Iterator[Start]:  # noqa: ARG001 - the worker works on it
    """Return a function that starts a real Celery worker with beat; keyword arguments become variables."""
    redis.Redis.from_url(environment.redis_url(settings.REDIS_URL, offset=0)).flushdb()
    with ExitStack() as stack:

        def start(**variables: str) -> RunningProcess:
            log = tmp_path / f"worker-{token_hex(4)}.log"
            schedule = tmp_path / f"beat-{token_hex(4)}"
            command = [sys.executable, "-m", "celery", "--app", "config.celery", "worker", "--beat"]
            command += ["--queues", ",".join(QUEUES)]
            command += ["--schedule", str(schedule), "--concurrency", "2", "--without-mingle", "--without-gossip"]
            process = stack.enter_context(_running(command, log, _environment(variables)))
            _wait(process, log, lambda: b" ready" in log.read_bytes())
            return RunningProcess(process, log)

        yield start


@pytest.fixture
def worker(start_worker: Start) -> RunningProcess:
    """Start a real Celery worker with beat, all queues, on the test's own database."""
    return start_worker()

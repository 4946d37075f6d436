"""`manage.py demo` gives a whole product in one command, and leaves no process behind however it ends."""

import os
import shutil
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg2
import psycopg2.errors
import pytest

from config.bootstrap import ROOT
from config.launcher import Demo, Options
from tests.demo import SECONDS, RunningDemo, processes, wait

_ROWS = 60


def _all_gone(pids: list[int]) -> bool:
    known = processes()
    return all(pid not in known or known[pid][1] == "Z" for pid in pids)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("demo") / "data"
    yield folder
    # Root's database files lie outside of the folder.
    data = Demo(Options(folder=folder)).postgres_data
    for path in (data, data.with_name(f"{data.name}-socket")):
        shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="module")
def first(folder: Path) -> Iterator[tuple[RunningDemo, dict[str, Any]]]:
    demo = RunningDemo(folder, "--rows", str(_ROWS))
    yield demo, demo.wait_until_ready()
    if demo.process.poll() is None:
        demo.end(signal.SIGKILL)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="The kernel of Linux ends children with their parent.")
class TestDemo:
    """One demo from its first start to its last end; the tests run in this order."""

    def test_shows_everything_a_script_needs(self, first: tuple[RunningDemo, dict[str, Any]], folder: Path) -> None:
        demo, shown = first
        assert set(shown) == {
            *("url", "apiSecret", "otherMerchant", "users", "bank", "postgres", "redis", "pid", "env"),
        }
        assert set(shown["users"]) == {"operator", "approver", "approver2", "viewer", "admin"}
        assert shown["pid"] == demo.process.pid
        assert (folder / "demo.json").stat().st_mode & 0o777 == 0o600
        for url in (f"{shown['url']}/health/ready", f"{shown['bank']}/health"):
            with urllib.request.urlopen(url) as answer:
                assert answer.status == 200

    def test_reads_and_never_writes_through_the_shown_connection(
        self, first: tuple[RunningDemo, dict[str, Any]]
    ) -> None:
        with psycopg2.connect(first[1]["postgres"]) as connection, connection.cursor() as cursor:
            cursor.execute("select count(*) from settlement_settlementrecord")
            (rows,) = cursor.fetchone() or (0,)
            assert rows >= _ROWS
            with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                cursor.execute("delete from django_session")

    def test_gives_other_commands_its_variables(self, first: tuple[RunningDemo, dict[str, Any]]) -> None:
        env = {"PATH": os.environ["PATH"], **first[1]["env"]}
        command = [sys.executable, "manage.py", "migrate", "--check"]
        assert subprocess.run(command, cwd=ROOT, env=env, capture_output=True, check=False).returncode == 0

    def test_runs_once_per_folder(self, first: tuple[RunningDemo, dict[str, Any]], folder: Path) -> None:
        second = RunningDemo(folder)
        _out, error = second.process.communicate(timeout=SECONDS)
        assert second.process.returncode == 1
        assert "Another demo runs" in error
        assert first[0].process.poll() is None
        assert (folder / "demo.json").exists()

    def test_leaves_nothing_after_term(self, first: tuple[RunningDemo, dict[str, Any]], folder: Path) -> None:
        status, below = first[0].end(signal.SIGTERM)
        assert status == 0
        assert _all_gone(below)
        assert not (folder / "demo.json").exists()

    def test_keeps_data_and_secrets_and_leaves_nothing_when_killed(
        self, first: tuple[RunningDemo, dict[str, Any]], folder: Path
    ) -> None:
        again = RunningDemo(folder)
        shown = again.wait_until_ready()
        try:
            assert {name: shown[name] for name in ("users", "apiSecret", "otherMerchant")} == {
                name: first[1][name] for name in ("users", "apiSecret", "otherMerchant")
            }
            with psycopg2.connect(shown["postgres"]) as connection, connection.cursor() as cursor:
                cursor.execute("select username from access_user")
                assert {shown["users"]["operator"]["username"]} <= {name for (name,) in cursor.fetchall()}
        finally:
            _status, below = again.end(signal.SIGKILL)
        wait(lambda: _all_gone(below))

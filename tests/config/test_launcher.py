"""The demo keeps its data and its secrets, refuses what would lose them, and never runs twice on one folder."""

import json
import socket
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from config import demo_secrets, launcher
from config.launcher import Demo, DemoError, Options, free_port, live_variables, only_one


def _seeded(folder: Path) -> Path:
    """Make a folder that looks like one with complete data of an earlier run."""
    demo = Demo(Options(folder=folder))
    for path in (demo.folder / "storage", demo.postgres_data):
        path.mkdir(parents=True)
    (demo.postgres_data / "PG_VERSION").write_text("18\n")
    (demo.folder / "storage" / "upload").write_text("kept")
    demo.mark.write_text("{}")
    return demo.postgres_data


@pytest.fixture(autouse=True)
def _servers_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("DATABASE_URL")
    monkeypatch.setattr(launcher, "state_folder", lambda: tmp_path / "state")


def test_a_taken_port_is_passed_over() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with ExitStack() as claims:
            assert free_port(port, claims) > port


@pytest.mark.skipif(sys.platform != "linux", reason="Ports are claimed by a name that only Linux has.")
def test_two_demos_that_start_together_choose_different_ports() -> None:
    with ExitStack() as mine, ExitStack() as yours:
        first = free_port(20_000, mine)
        # Nobody listens yet: only the claim can tell.
        assert free_port(first, yours) > first
    with ExitStack() as later:
        assert free_port(first, later) == first


def test_two_demos_do_not_share_a_folder(tmp_path: Path) -> None:
    with only_one(tmp_path), pytest.raises(DemoError, match="--data"), only_one(tmp_path):
        pass
    with only_one(tmp_path):
        pass


def test_complete_data_is_kept(tmp_path: Path) -> None:
    data = _seeded(tmp_path / "demo")
    Demo(Options(folder=tmp_path / "demo"))._prepare_folder()  # noqa: SLF001 - the decision without the start
    assert (data / "PG_VERSION").exists()
    assert (tmp_path / "demo" / "storage" / "upload").exists()


def test_rows_do_not_replace_data_silently(tmp_path: Path) -> None:
    data = _seeded(tmp_path / "demo")
    with pytest.raises(DemoError, match="--fresh"):
        Demo(Options(folder=tmp_path / "demo", rows=5))._prepare_folder()  # noqa: SLF001 - likewise
    assert (data / "PG_VERSION").exists()


@pytest.mark.parametrize("interrupted", [True, False])
def test_fresh_and_half_made_data_are_made_again(tmp_path: Path, *, interrupted: bool) -> None:
    data = _seeded(tmp_path / "demo")
    if interrupted:
        (tmp_path / "demo" / "seeded.json").unlink()
    Demo(Options(folder=tmp_path / "demo", rows=5, fresh=not interrupted))._prepare_folder()  # noqa: SLF001 - likewise
    assert not data.exists()
    assert not (tmp_path / "demo" / "storage" / "upload").exists()
    assert not (tmp_path / "demo" / "seeded.json").exists()


def test_somebody_elses_database_is_never_reset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://app@db/books")
    with pytest.raises(DemoError, match="DATABASE_URL"):
        Demo(Options(folder=tmp_path / "demo", fresh=True))._prepare_folder()  # noqa: SLF001 - likewise


def test_secrets_are_made_once_and_are_private(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    first = demo_secrets.load(path)
    assert demo_secrets.load(path) == first
    assert path.stat().st_mode & 0o777 == 0o600
    people = [*first["users"].values(), *first["otherMerchant"]["users"].values()]
    assert len({user["password"] for user in people}) == len(people) == len({user["username"] for user in people})
    assert all(len(user["password"]) >= 12 for user in people)


def test_a_command_finds_only_a_demo_that_runs(tmp_path: Path) -> None:
    assert live_variables(tmp_path) is None
    (tmp_path / "demo.json").write_text(json.dumps({"env": {"DATABASE_URL": "postgresql://app@/x"}}))
    assert live_variables(tmp_path) is None
    with only_one(tmp_path):
        assert live_variables(tmp_path) == {"DATABASE_URL": "postgresql://app@/x"}

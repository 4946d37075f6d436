"""A bare machine gets the environment its command needs; one that is there is never made smaller or taken over."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from config import bootstrap
from config.bootstrap import ROOT, group_to_install, lock_hash, read_stamp, wanted_group


@pytest.mark.parametrize(
    ("command", "group"),
    [(["demo", "--fresh"], "demo"), (["test", "-k", "x"], "test"), (["migrate"], None), ([], None)],
)
def test_what_a_command_needs(command: list[str], group: str | None) -> None:
    assert wanted_group(["manage.py", *command]) == group


@pytest.mark.parametrize(
    ("wanted", "there", "installed"),
    [
        (None, None, "run"),
        ("demo", None, "demo"),
        (None, "demo", None),
        ("demo", "demo", None),
        ("demo", "run", "demo"),
        ("test", "demo", "test"),
        ("demo", "test", None),
        (None, "run", None),
    ],
)
def test_what_is_installed(wanted: str | None, there: str | None, installed: str | None) -> None:
    stamp = (there, lock_hash(there)) if there else None
    assert group_to_install(wanted, stamp) == installed


@pytest.mark.parametrize(("wanted", "installed"), [(None, "test"), ("demo", "test"), ("test", "test")])
def test_a_changed_lock_is_installed_again_and_not_made_smaller(wanted: str | None, installed: str) -> None:
    assert group_to_install(wanted, ("test", "the hash of an older lock")) == installed


def test_only_a_complete_installation_has_a_stamp(tmp_path: Path) -> None:
    stamp = tmp_path / "jeongsan.json"
    assert read_stamp(tmp_path) is None
    stamp.write_text("{")
    assert read_stamp(tmp_path) is None
    stamp.write_text(json.dumps({"group": "demo", "sha256": "abc"}))
    assert read_stamp(tmp_path) is None
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").touch()
    assert read_stamp(tmp_path) == ("demo", "abc")


@pytest.fixture
def copied_checkout(tmp_path: Path) -> Path:
    """Copy what manage.py needs: seen from the copy, the environment of these tests is somebody else's."""
    for name in ("config", "requirements"):
        shutil.copytree(ROOT / name, tmp_path / name)
    shutil.copy(ROOT / "manage.py", tmp_path)
    return tmp_path


def test_another_active_environment_is_left_alone(copied_checkout: Path) -> None:
    code = "from config import bootstrap; bootstrap.ensure_environment(['manage.py', 'demo'])"
    subprocess.run([sys.executable, "-c", code], cwd=copied_checkout, check=True, capture_output=True)
    assert not (copied_checkout / ".venv").exists()


def test_a_command_without_any_database_says_so_in_one_line(copied_checkout: Path) -> None:
    env = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    command = [sys.executable, "manage.py", "match_cases", "cases"]
    done = subprocess.run(command, cwd=copied_checkout, env=env, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "DATABASE_URL" in done.stderr


def test_bootstrap_needs_nothing_but_python() -> None:
    code = "import sys; import config.bootstrap; print(sorted({n.split('.')[0] for n in sys.modules}))"
    done = subprocess.run([sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r}); {code}"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert not {"django", "celery", "polib"} & set(json.loads(done.stdout.replace("'", '"')))


def test_output_of_installers_goes_to_standard_error(capfd: pytest.CaptureFixture[str]) -> None:
    assert bootstrap._run([sys.executable, "-c", "print('progress')"])  # noqa: SLF001 - the one place output passes
    shown = capfd.readouterr()
    assert (shown.out, shown.err) == ("", "progress\n")


def test_catalogues_are_compiled_when_they_are_newer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "locale" / "en" / "LC_MESSAGES" / "django.po"
    source.parent.mkdir(parents=True)
    source.write_text(
        'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\nmsgid "지급"\nmsgstr "Payout"\n'
    )
    monkeypatch.setattr(bootstrap, "ROOT", tmp_path)
    target = source.with_suffix(".mo")

    bootstrap.compile_catalogues()
    first = target.read_bytes()
    assert b"Payout" in first

    source.write_text(source.read_text().replace("Payout", "Transfer"))
    os.utime(source, (target.stat().st_mtime + 10,) * 2)
    bootstrap.compile_catalogues()
    assert b"Transfer" in target.read_bytes()
    assert {path.name for path in source.parent.iterdir()} == {"django.po", "django.mo"}

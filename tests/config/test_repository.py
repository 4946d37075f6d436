"""What every file of the repository keeps: no address of a package index, every package in its layer."""

import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

from config.bootstrap import GROUPS, LOCKS, ROOT

_INDEX = re.compile(
    r"(?:py" + r"pi|pythonhosted|npmjs|yarnpkg|jsdelivr|unpkg|anaconda|googleapis)\.(?:org|com|net|io)"
    r"|--(?:extra-)?index" + r"-url|--find" + r"-links|\bfile:///",
    re.IGNORECASE,
)
_OPTIONAL = {"reconciliation", "matching"}


def _files() -> list[Path]:
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    if done.returncode:
        pytest.skip("This is no git checkout, so there is no list of files.")
    return [path for name in done.stdout.decode().split("\0") if name and (path := ROOT / name).is_file()]


def _packages() -> set[str]:
    return {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests", "benchmarks"}


def _project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def test_no_file_names_a_package_index() -> None:
    files = _files()
    assert ROOT / "requirements" / "test.txt" in files
    found = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in files
        for match in [_INDEX.search(path.read_text(encoding="utf-8", errors="ignore"))]
        if match
    ]
    assert found == []


def test_locks_contain_each_other() -> None:
    pins = [set(re.findall(r"^[\w.-]+==\S+", (LOCKS / f"{group}.txt").read_text(), re.MULTILINE)) for group in GROUPS]
    assert pins[0]
    assert pins[0] < pins[1] < pins[2]


@pytest.mark.parametrize("group", [*GROUPS, "uv"])
def test_every_pin_has_a_hash(group: str) -> None:
    entries = re.split(r"\n(?=\w)", (LOCKS / f"{group}.txt").read_text().strip())
    assert [
        entry for entry in entries if not re.match(r"[\w.-]+==\S+ .*--hash=sha256:[0-9a-f]{64}", entry, re.DOTALL)
    ] == []


def test_every_package_stands_in_a_layer() -> None:
    linter = _project()["tool"]["importlinter"]
    (contract,) = linter["contracts"]
    named = set(re.findall(r"\w+", " ".join(contract["layers"])))
    assert contract["type"] == "layers"
    assert "ignore_imports" not in contract
    assert _packages() | _OPTIONAL == named | _OPTIONAL
    assert set(linter["root_packages"]) == _packages()


def test_every_package_is_type_checked_and_installed() -> None:
    from django.conf import settings

    assert _packages() <= set(_project()["tool"]["mypy"]["files"])
    assert _packages() <= set(settings.INSTALLED_APPS)

"""Protects the promise that the JavaScript client library of the wire, unmodified, works against this server."""

import json
import os
import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest

from access.models import Merchant
from access.roles import Role
from config.pytest_processes import RunningProcess
from tests import build
from tests.access.build import Firm

HERE = Path(__file__).parent / "js_client"
# The environment that the tests run in brings node along; another one on the machine will do.
SEARCHED = os.pathsep.join([sysconfig.get_path("scripts"), os.environ.get("PATH", os.defpath)])
_FILES = ("package.json", "package-lock.json", "calls.mjs")


def tool(name: str) -> str:
    """Return a program's path; without it the test is skipped, or fails where it must run."""
    found = shutil.which(name, path=SEARCHED)
    if found is None:
        message = f"{name} is not installed, so the JavaScript client library cannot be tried."
        if os.environ.get("REQUIRE_NODE") == "1":
            pytest.fail(message)
        pytest.skip(message)
    return found


def test_two_dozen_calls_of_the_javascript_library(live_site: RunningProcess, tmp_path: Path) -> None:
    node, npm = tool("node"), tool("npm")
    for name in _FILES:
        shutil.copy(HERE / name, tmp_path)
    # As locked, with every file held against its hash; no script of a package runs.
    install = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    env = os.environ | {"PATH": SEARCHED}
    installed = subprocess.run(install, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=180, check=False)
    assert installed.returncode == 0, installed.stderr
    scope = build.merchant()
    firm = Firm(Merchant.objects.get(pk=scope.merchant_id), scope)
    _secret, text = firm.secret(firm.person("owner", Role.ADMIN))

    done = subprocess.run(
        [node, "calls.mjs"],
        cwd=tmp_path,
        env={"PATH": SEARCHED, "BASE_URL": live_site.url, "SECRET": text},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["calls"] >= 24

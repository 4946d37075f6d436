"""`test`: lint, types and layers, then pytest with whatever options follow."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from config.bootstrap import ROOT, say

_TOOLS = Path(sys.executable).parent
CHECKS = (
    (str(_TOOLS / "ruff"), "check", "."),
    (str(_TOOLS / "mypy"),),
    (str(_TOOLS / "lint-imports"),),
)


_MOST_WORKERS = 4
_OWN_CHOICE = ("-n", "--numprocesses", "--pdb", "--trace", "-p")


def _side_by_side(options: list[str]) -> list[str]:
    """Return the options that run tests on all cores, unless the caller chose for itself."""
    if any(option.startswith(_OWN_CHOICE) for option in options):
        return []
    # In the order of collection, which begins with the longest, instead of that of most tests.
    return ["-n", str(min(_MOST_WORKERS, os.cpu_count() or 1)), "--dist", "loadfile", "--no-loadscope-reorder"]


class Command(BaseCommand):
    """Check the code, then hand every option to pytest: `manage.py test -n 2 -k payouts`."""

    help = "Check lint, types and layers, then run pytest with the options that follow. --no-lint skips the checks."

    def run_from_argv(self, argv: list[str]) -> None:
        """Take the options as they are; they are pytest's."""
        options = argv[2:]
        os.chdir(ROOT)
        if "--no-lint" in options:
            options.remove("--no-lint")
        else:
            self._check()
        os.environ.pop("OFFLINE", None)
        os.execv(sys.executable, [sys.executable, "-m", "pytest", *_side_by_side(options), *options])

    def handle(self, *args: Any, **_options: Any) -> None:
        """Do the same for callers in Python."""
        self.run_from_argv(["manage.py", "test", *args])

    def _check(self) -> None:
        for command in CHECKS:
            say(f"$ {Path(command[0]).name} {' '.join(command[1:])}".rstrip())
            code = subprocess.run(command, check=False, cwd=ROOT, stdout=sys.stderr.fileno()).returncode
            if code:
                sys.exit(code)

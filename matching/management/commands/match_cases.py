"""`match_cases`: play matching cases against a fresh merchant each, and print every difference."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from core import clock
from matching.cases import Outcome, run_case


class Command(BaseCommand):
    """Print one JSON line for each case; exit status 1 when any of them differs."""

    help = "Play matching cases in transactions that are rolled back, and print what differs."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the files."""
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="a file with one case")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Play the files in the order given."""
        is_ok = True
        for path in options["files"]:
            outcome = _run(path)
            is_ok = is_ok and outcome.ok
            self.stdout.write(json.dumps(outcome.told(), ensure_ascii=False))
        if not is_ok:
            raise SystemExit(1)


def _run(path: Path) -> Outcome:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        difference = {"step": 0, "path": "error", "expected": None, "actual": str(error)}
        return Outcome(path.stem, [difference])
    return run_case(data, name=path.stem, now=clock.now())

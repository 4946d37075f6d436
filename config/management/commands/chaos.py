"""`chaos`: run the product while everything around it fails, and judge what became of the money."""

import os
import signal
from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config.chaos import LabError
from config.chaos.options import Mode, Options, Redis
from config.chaos.run import run
from config.embedded import ServerDidNotStart
from config.launcher import DemoError


def _share(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 0.5:  # noqa: PLR2004 - above that a storm never ends
        message = f"{text} is no share from 0 to 0.5"
        raise ArgumentTypeError(message)
    return value


class Command(BaseCommand):
    """Start a product of its own, shake it, let it heal, and compare bank, payouts and ledger."""

    help = "Run the product under kills, lost answers and restarts, and judge that no money was lost or paid twice."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        usual = Options()
        parser.add_argument(
            "--mode", type=Mode, choices=list(Mode), default=usual.mode, help="what is put under stress"
        )
        parser.add_argument("--payouts", type=int, default=usual.payouts, help="payouts, or rounds of approvals")
        parser.add_argument("--returns", type=int, help="the same as --mode returns --payouts N")
        parser.add_argument("--seed", type=int, default=usual.seed, help="what all chance is drawn from")
        parser.add_argument("--workers", type=int, default=usual.workers, help="Celery workers of two processes each")
        parser.add_argument("--kills", type=int, default=usual.kills, help="processes to kill, at least")
        parser.add_argument("--lost", type=_share, default=usual.lost, help="share of answers that are lost")
        parser.add_argument("--late", type=_share, default=usual.late, help="share executed or answered late")
        parser.add_argument(
            "--swapped", type=_share, default=usual.swapped, help="share answered about another transfer"
        )
        parser.add_argument("--garbage", type=_share, default=usual.garbage, help="share answered unreadably")
        parser.add_argument(
            "--redis", type=Redis, choices=list(Redis), default=usual.redis, help="what happens to Redis"
        )
        parser.add_argument("--restarts", type=int, default=usual.restarts, help="times PostgreSQL loses its power")
        parser.add_argument("--cuts", type=int, default=usual.cuts, help="database connections cut, at least")
        parser.add_argument("--prepared", action="store_true", help="build the bulk payouts before the storm")
        until = parser.add_mutually_exclusive_group()
        until.add_argument("--minutes", type=float, help="end the storm after so long")
        until.add_argument("--until-done", action="store_true", help="storm until everything is paid (the default)")
        parser.add_argument("--report", type=Path, help="file of the report (default docs/chaos-report.md)")
        parser.add_argument("--keep", type=Path, help="folder for logs and the bank's file; the database stays as well")

    def handle(self, *_arguments: object, until_done: bool, returns: int | None, **given: Any) -> None:
        """Run it; exit code 1 when the judge finds anything."""
        del until_done  # the absence of --minutes says it
        os.umask(0o077)
        chosen = {name: given[name] for name in Options.__slots__ if name in given}
        if returns is not None:
            chosen |= {"mode": Mode.RETURNS, "payouts": returns}
        signal.signal(signal.SIGTERM, _interrupt)
        try:
            facts = run(Options(**chosen), self.stderr.write)
        except (LabError, DemoError, ServerDidNotStart) as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            raise CommandError("Stopped before the end; nothing was judged.") from None
        for verdict in facts.verdicts:
            self.stdout.write(f"{'ok  ' if not verdict.found else 'BAD '} {verdict.question}")
            for one in verdict.found[:5]:
                self.stdout.write(f"       {one}")
        self.stdout.write(f"Report: {facts.options.report_file}")
        if not facts.passed:
            raise CommandError("The judge found something. The report lists it.")


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt

"""`manage.py sweep`: do all due background work in this process, without Redis and without Celery."""

import argparse
import time
from collections.abc import Callable
from functools import partial

import structlog
from django.core.management.base import BaseCommand, CommandError
from django.db import Error, InterfaceError, OperationalError, connection

from core import jobs

log = structlog.get_logger(__name__)


class Command(BaseCommand):
    """Run every due job and every sweeper; safe to run many at once."""

    help = "Run due jobs and sweepers in this process. Redis is not needed."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--until-idle", action="store_true", help="repeat until nothing is due")
        parser.add_argument("--every", type=int, default=0, metavar="SECONDS", help="repeat for ever, this often")

    def handle(self, *_arguments: object, until_idle: bool, every: int, **_options: object) -> None:
        """Sweep once, until idle, or for ever. Exit code 1 when the database failed and nothing tries again."""
        while True:
            found, failed = self._round()
            self.stderr.write(f"sweep: {found}" + (f", {failed} failed" if failed else ""))
            if every:
                time.sleep(every)
            elif failed:
                raise CommandError("The database failed. Run it again.")
            elif not (until_idle and found):
                return

    def _round(self) -> tuple[int, int]:
        """Do everything once; returns how much was found and how many parts failed at the database."""
        parts: list[tuple[str, Callable[[], int]]] = [("jobs", jobs.run_due_jobs)]
        parts += [(name, partial(jobs.run_sweeper, name)) for name in jobs.sweeper_names()]
        found = failed = 0
        for name, run in parts:
            try:
                found += run()
            except Error as error:
                # A restart of the database, or one row that cannot be written, must not keep the others waiting.
                away = isinstance(error, OperationalError | InterfaceError)
                log.warning("sweep_failed", part=name, error=type(error).__name__, exc_info=None if away else error)
                connection.close()
                failed += 1
        return found, failed

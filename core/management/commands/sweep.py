"""`manage.py sweep`: do all due background work in this process, without Redis and without Celery."""

import argparse
import time

from django.core.management.base import BaseCommand

from core import jobs


class Command(BaseCommand):
    """Run every due job and every sweeper; safe to run many at once."""

    help = "Run due jobs and sweepers in this process. Redis is not needed."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--until-idle", action="store_true", help="repeat until nothing is due")
        parser.add_argument("--every", type=int, default=0, metavar="SECONDS", help="repeat for ever, this often")

    def handle(self, *_arguments: object, until_idle: bool, every: int, **_options: object) -> None:
        """Sweep once, until idle, or for ever."""
        while True:
            found = jobs.run_due_jobs() + sum(jobs.run_sweeper(name) for name in jobs.sweeper_names())
            self.stderr.write(f"sweep: {found}")
            if every:
                time.sleep(every)
            elif not (until_idle and found):
                return

"""`demo`: the whole product on this machine, with data, until Ctrl-C."""

import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config.embedded import ServerDidNotStart
from config.launcher import DEFAULT_FOLDER, DEFAULT_ROWS, WEB_PORT, Demo, DemoError, Options


class Command(BaseCommand):
    """Start PostgreSQL, Valkey, a bank simulator, a worker and the web server, with demo data."""

    help = "Start the whole product on this machine, with demo data, until Ctrl-C."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--port", type=int, default=WEB_PORT, help="first port to try for the pages (default 8000)")
        parser.add_argument("--data", type=Path, default=DEFAULT_FOLDER, help="folder of its data (default .demo)")
        parser.add_argument("--fresh", action="store_true", help="remove the data and make it again")
        parser.add_argument("--rows", type=int, help=f"settlement records to make (default {DEFAULT_ROWS})")
        parser.add_argument("--no-faults", action="store_true", help="let the bank simulator make no mistakes")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Run the demo until it is told to stop."""
        # Whatever the shell's file mode mask gives away, the demo's files are private.
        os.umask(0o077)
        chosen = Options(
            folder=options["data"],
            port=options["port"],
            rows=options["rows"],
            fresh=options["fresh"],
            faults=not options["no_faults"],
        )
        try:
            Demo(chosen).run()
        except (DemoError, ServerDidNotStart) as error:
            raise CommandError(str(error)) from error

"""`manage.py banksim`: run the simulated bank."""

import argparse
import sys

from django.conf import settings
from django.core.management.base import BaseCommand

from payouts.rails.simulator import server


class Command(BaseCommand):
    """Run the simulated bank until TERM or Ctrl-C. Needs no database; prints one line to standard error when ready."""

    help = "Run the simulated bank. It keeps everything in its own file and needs no database."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the options."""
        server.add_arguments(parser)

    def handle(self, *_arguments: object, **given: object) -> None:
        """Serve, and end with the bank's exit status."""
        options = server.Options.of(given, time_scale=settings.JEONGSAN["TIME_SCALE"])
        if status := server.serve(options):
            sys.exit(status)

#!/usr/bin/env python3
"""The one entry point: `manage.py demo`, `manage.py test`, and every other command."""

import os
import sys

if sys.version_info < (3, 11):  # noqa: UP036 - this is the place that says so
    sys.exit("Jeongsan needs Python 3.11 or newer; this is Python " + sys.version.split()[0] + ".")

from config import bootstrap

_LAUNCHERS = {"chaos", "demo", "test"}  # give their children a database and use none themselves
_ON_THE_DEMO = {"match_cases", "reconcile", "sweep"}  # act on the demo of this checkout when no database is named


def main() -> None:
    """Prepare the environment if need be, then run a management command."""
    bootstrap.ensure_environment(sys.argv)
    bootstrap.compile_catalogues()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    command = sys.argv[1] if len(sys.argv) > 1 else ""
    if command in _LAUNCHERS:
        os.environ["OFFLINE"] = "1"
    if command in _ON_THE_DEMO and "DATABASE_URL" not in os.environ and "--help" not in sys.argv:
        _join_the_demo()
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


def _join_the_demo() -> None:
    from config.launcher import live_variables

    variables = live_variables()
    if variables is None:
        print("No database: set DATABASE_URL, or start one with `python3 manage.py demo`.", file=sys.stderr)
        sys.exit(2)
    os.environ.update(variables)


if __name__ == "__main__":
    main()

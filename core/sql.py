"""
SQL lives in `.sql` files: migrations in `<app>/migrations/sql/<name>.up.sql` and `.down.sql`, queries in `<app>/sql/`.

`run_sql` makes a migration operation of a pair of files; `load` reads a named query once; `call` calls a function.
"""

from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg2
from django.db import connection, migrations


def _folder(package: str) -> Path:
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        message = f"no package named {package}"
        raise LookupError(message)
    return Path(spec.origin).parent


def run_sql(app: str, name: str) -> migrations.RunSQL:
    """Return the operation that runs `<app>/migrations/sql/<name>.up.sql`, reversed by `.down.sql`."""
    folder = _folder(app) / "migrations" / "sql"
    up, down = folder / f"{name}.up.sql", folder / f"{name}.down.sql"
    # A list of one keeps Django from splitting the file at semicolons inside function bodies.
    return migrations.RunSQL([(up.read_text(), None)], [(down.read_text(), None)])


@cache
def load(app: str, name: str) -> str:
    """Return the text of `<app>/sql/<name>.sql`."""
    return (_folder(app) / "sql" / f"{name}.sql").read_text()


@cache
def _calling(function: str, arguments: int) -> str:
    return f"select {function}({', '.join(['%s'] * arguments)})"


def call(function: str, arguments: Sequence[Any]) -> Any:
    """
    Return what an SQL function answers, in one round trip on Django's connection and in its transaction.

    Django's cursor spends as long on a call as the driver does, which the posting door, called for every movement of
    money, would feel; it is used where somebody counts or watches queries. Raises Django's database errors.
    """
    statement = _calling(function, len(arguments))
    if connection.connection is None or connection.execute_wrappers or connection.queries_logged:
        with connection.cursor() as cursor:
            cursor.execute(statement, arguments)
            return cursor.fetchone()[0]
    connection.validate_no_broken_transaction()
    try:
        with connection.connection.cursor() as cursor:
            cursor.execute(statement, arguments)
            return cursor.fetchone()[0]
    except psycopg2.Error:
        # Entered on the way out only: it turns the driver's error into Django's, and notes a broken connection.
        with connection.wrap_database_errors:
            raise

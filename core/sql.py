"""
SQL lives in `.sql` files: migrations in `<app>/migrations/sql/<name>.up.sql` and `.down.sql`, queries in `<app>/sql/`.

`run_sql` makes a migration operation of a pair of files; `load` reads a named query once; `call` calls a function
and `first` asks for one row.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg2
from django.db import DEFAULT_DB_ALIAS, connections, migrations


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
    """Return what an SQL function answers, in one round trip; see `first`."""
    row = first(_calling(function, len(arguments)), arguments)
    return None if row is None else row[0]


def first(statement: str, parameters: Sequence[Any] | Mapping[str, Any]) -> tuple[Any, ...] | None:
    """
    Return the first row of a statement, in one round trip on Django's connection and in its transaction.

    Of several statements, separated by semicolons, it is that of the last; each of them sees what others committed
    before it began. JSON comes as text. Raises Django's database errors.

    Django's cursor spends as long on a statement as the driver does, which what every recorded order goes through would
    feel; it is used where somebody counts or watches queries.
    """
    # What Django's cursor does too: a connection kept from an earlier request may have been broken since.
    ours = connections[DEFAULT_DB_ALIAS]
    ours.close_if_health_check_failed()
    if ours.connection is None or ours.execute_wrappers or ours.queries_logged:
        with ours.cursor() as cursor:
            cursor.execute(statement, parameters)
            row: tuple[Any, ...] | None = cursor.fetchone()
            return row
    ours.validate_no_broken_transaction()
    try:
        with ours.connection.cursor() as cursor:
            cursor.execute(statement, parameters)
            return cursor.fetchone()  # type: ignore[no-any-return] # the driver's rows are tuples
    except psycopg2.Error:
        # Entered on the way out only: it turns the driver's error into Django's, and notes a broken connection.
        with ours.wrap_database_errors:
            raise

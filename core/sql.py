"""
SQL lives in `.sql` files: migrations in `<app>/migrations/sql/<name>.up.sql` and `.down.sql`, queries in `<app>/sql/`.

`run_sql` makes a migration operation of a pair of files; `load` reads a named query once.
"""

from functools import cache
from importlib.util import find_spec
from pathlib import Path

from django.db import migrations


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

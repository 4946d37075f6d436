"""
The database roles: the owner makes tables, the application uses them.

The application's role is called jeongsan_app everywhere, because migrations name it when they take rights away again.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connections

from config import environment

APPLICATION_ROLE = "jeongsan_app"
_LOGIN = ("USER", "PASSWORD", "HOST", "PORT")


def become(url: str, *, using: str = "default") -> None:
    """Let every connection opened from now on, in any thread, log in as the URL says; the database stays the same."""
    connections.close_all()
    login = environment.database(url)
    connections.settings[using].update({part: login[part] for part in _LOGIN})


@contextmanager
def as_owner(*, using: str = "default") -> Iterator[None]:
    """Run a block as the role that owns the tables."""
    if not settings.DATABASE_OWNER_URL:
        message = "DATABASE_OWNER_URL is not set: it names the role that owns the tables."
        raise ImproperlyConfigured(message)
    before: dict[str, Any] = {part: connections.settings[using][part] for part in _LOGIN}
    become(settings.DATABASE_OWNER_URL, using=using)
    try:
        yield
    finally:
        connections.close_all()
        connections.settings[using].update(before)


def grant_on_future_tables(*, using: str) -> None:
    """
    Give the application's role its rights on every table the current role will make.

    Migrations that want fewer rights on a table (the ledger's do) revoke them right after making it.
    """
    with connections[using].cursor() as cursor:
        for rights in ("select, insert, update, delete on tables", "usage, select on sequences"):
            cursor.execute(f"alter default privileges in schema public grant {rights} to {APPLICATION_ROLE}")

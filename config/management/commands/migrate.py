"""`migrate`, run by the role that owns the tables."""

from typing import Any

from django.core.management.commands.migrate import Command as MigrateCommand

from config.roles import as_owner, grant_on_future_tables


class Command(MigrateCommand):
    """Django's command, logged in through DATABASE_OWNER_URL."""

    def handle(self, *args: Any, **options: Any) -> None:
        """Migrate as the owner and return to the application's role."""
        with as_owner(using=options["database"]):
            grant_on_future_tables(using=options["database"])
            super().handle(*args, **options)

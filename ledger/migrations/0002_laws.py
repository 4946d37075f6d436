"""Make the database refuse what the books may never contain. Triggers only: brief locks on empty tables."""

from typing import ClassVar

from django.db import migrations
from django.db.migrations.operations.base import Operation

from core.sql import run_sql


class Migration(migrations.Migration):
    """Append-only rows, balanced and complete journals, guarded balances, closed periods."""

    dependencies: ClassVar[list[tuple[str, str]]] = [("ledger", "0001_initial")]
    operations: ClassVar[list[Operation]] = [run_sql("ledger", "0002_laws")]

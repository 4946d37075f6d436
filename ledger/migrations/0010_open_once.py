"""Find accounts in one look, and open only those that are missing."""

from typing import ClassVar

from django.db import migrations
from django.db.migrations.operations.base import Operation

from core.sql import run_sql


class Migration(migrations.Migration):
    """The same function with fewer steps; no table is touched."""

    dependencies: ClassVar[list[tuple[str, str]]] = [("ledger", "0009_values")]
    operations: ClassVar[list[Operation]] = [run_sql("ledger", "0010_open_once")]

"""A door for some hundreds of journals made of rows in the database."""

from typing import ClassVar

from django.db import migrations
from django.db.migrations.operations.base import Operation

from core.sql import run_sql


class Migration(migrations.Migration):
    """One function; no table is touched."""

    dependencies: ClassVar[list[tuple[str, str]]] = [("ledger", "0008_side_by_side")]
    operations: ClassVar[list[Operation]] = [run_sql("ledger", "0009_values")]

"""
A plain journal is looked at before it is written, in one look instead of several: see the SQL.

Replaces two functions and makes a view; takes no locks of tables.
"""

from typing import ClassVar

from django.db import migrations
from django.db.migrations.operations.base import Operation

from core.sql import run_sql


class Migration(migrations.Migration):
    """Open the door for plain journals."""

    dependencies: ClassVar[list[tuple[str, str]]] = [("ledger", "0010_open_once")]
    operations: ClassVar[list[Operation]] = [run_sql("ledger", "0011_plain_journal")]

"""Open the posting door to sets of journals that a query makes of rows already in the database."""

from typing import ClassVar

from django.db import migrations
from django.db.migrations.operations.base import Operation

from core.sql import run_sql


class Migration(migrations.Migration):
    """Two functions: one opens a table for drafts of journals, the other posts what was put into it."""

    dependencies: ClassVar[list[tuple[str, str]]] = [("ledger", "0004_chart")]
    operations: ClassVar[list[Operation]] = [run_sql("ledger", "0005_drafts")]

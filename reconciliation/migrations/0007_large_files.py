"""Make lists of very many rows quick, and let the application tell the planner about what it has added."""

from typing import ClassVar

from django.db import migrations
from django.db.migrations.operations.base import Operation

from core.sql import run_sql


class Migration(migrations.Migration):
    """Indexes of two lists, and the right to analyze three tables."""

    dependencies: ClassVar[list[tuple[str, str]]] = [("reconciliation", "0006_statement_laws")]
    operations: ClassVar[list[Operation]] = [run_sql("reconciliation", "0007_large_files")]

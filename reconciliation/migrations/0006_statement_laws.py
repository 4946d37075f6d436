"""Keep what must hold among bank statements and what explains their lines."""

from typing import ClassVar

from django.db import migrations
from django.db.migrations.operations.base import Operation

from core.sql import run_sql


class Migration(migrations.Migration):
    """No line and no entry is explained twice; what was said stays."""

    dependencies: ClassVar[list[tuple[str, str]]] = [("reconciliation", "0005_statements")]
    operations: ClassVar[list[Operation]] = [run_sql("reconciliation", "0006_statement_laws")]

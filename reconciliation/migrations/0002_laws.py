"""Keep what must hold among the rows of reconciliation, whoever writes them."""

from typing import ClassVar

from django.db import migrations
from django.db.migrations.operations.base import Operation

from core.sql import run_sql


class Migration(migrations.Migration):
    """Batches, lines, our records, comparisons and resolutions stay as they came; locked periods stay shut."""

    dependencies: ClassVar[list[tuple[str, str]]] = [("reconciliation", "0001_initial")]
    operations: ClassVar[list[Operation]] = [run_sql("reconciliation", "0002_laws")]

"""Let the door take a journal as one value."""

from typing import ClassVar

from django.db import migrations
from django.db.migrations.operations.base import Operation

from core.sql import run_sql


class Migration(migrations.Migration):
    """The same door with one argument."""

    dependencies: ClassVar[list[tuple[str, str]]] = [("ledger", "0006_lean_door")]
    operations: ClassVar[list[Operation]] = [run_sql("ledger", "0007_one_value")]

"""Load the chart of accounts."""

from typing import ClassVar

from django.db import migrations
from django.db.migrations.operations.base import Operation

from core.sql import run_sql


class Migration(migrations.Migration):
    """The codes, their names, sides and which of them are guarded."""

    dependencies: ClassVar[list[tuple[str, str]]] = [("ledger", "0003_door")]
    operations: ClassVar[list[Operation]] = [run_sql("ledger", "0004_chart")]

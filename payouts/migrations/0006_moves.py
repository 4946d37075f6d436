"""Tell a move by its column instead of by the whole row: the same law at a fraction of the cost."""

from typing import ClassVar

from django.db import migrations
from django.db.migrations.operations.base import Operation

from core.sql import run_sql


class Migration(migrations.Migration):
    """Triggers that compare one column, and no JSON."""

    dependencies: ClassVar[list[tuple[str, str]]] = [("payouts", "0005_by_hand")]
    operations: ClassVar[list[Operation]] = [run_sql("payouts", "0006_moves")]

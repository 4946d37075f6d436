"""Read everything an order is recorded by in one call."""

from typing import ClassVar

from django.db import migrations
from django.db.migrations.operations.base import Operation

from core.sql import run_sql


class Migration(migrations.Migration):
    """One function, nothing kept."""

    dependencies: ClassVar[list[tuple[str, str]]] = [("settlement", "0007_backtest")]
    operations: ClassVar[list[Operation]] = [run_sql("settlement", "0008_order_terms")]

"""Tell the outbox of webhooks what becomes of records and partner settlements."""

from typing import ClassVar

from django.db import migrations
from django.db.migrations.operations.base import Operation

from core.sql import run_sql


class Migration(migrations.Migration):
    """Triggers only: a brief lock on each of the two tables."""

    dependencies: ClassVar[list[tuple[str, str]]] = [
        ("settlement", "0008_order_terms"),
        ("access", "0005_webhook_laws"),
    ]
    operations: ClassVar[list[Operation]] = [run_sql("settlement", "0009_webhook_events")]

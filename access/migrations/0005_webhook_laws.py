"""Let the outbox make its own deliveries, and keep what was written there as it was written."""

from typing import ClassVar

from django.db import migrations
from django.db.migrations.operations.base import Operation

from core.sql import run_sql


class Migration(migrations.Migration):
    """Fan-out, insert-only outbox and log, and the one way in which old rows leave. Brief locks on new tables."""

    dependencies: ClassVar[list[tuple[str, str]]] = [("access", "0004_webhooks")]
    operations: ClassVar[list[Operation]] = [run_sql("access", "0005_webhook_laws")]

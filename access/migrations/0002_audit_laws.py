"""Keep the audit trail append-only. Triggers and rights only: brief locks on empty tables."""

from typing import ClassVar

from django.db import migrations
from django.db.migrations.operations.base import Operation

from core.sql import run_sql


class Migration(migrations.Migration):
    """Refuse UPDATE, DELETE and TRUNCATE on audit events and their seals."""

    dependencies: ClassVar[list[tuple[str, str]]] = [("access", "0001_initial")]
    operations: ClassVar[list[Operation]] = [run_sql("access", "0002_audit_laws")]

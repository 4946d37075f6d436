"""Keep what must hold among what resellers were charged, and let the day of an invoice be said later."""

from typing import ClassVar

from django.db import migrations
from django.db.migrations.operations.base import Operation

from core.sql import run_sql


class Migration(migrations.Migration):
    """What was charged stays, in its own scope and of a file that counts."""

    dependencies: ClassVar[list[tuple[str, str]]] = [("reconciliation", "0003_resellers")]
    operations: ClassVar[list[Operation]] = [run_sql("reconciliation", "0004_reseller_laws")]

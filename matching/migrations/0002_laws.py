"""Keep what must hold among the rows of matching, whoever writes them."""

from typing import ClassVar

from django.db import migrations
from django.db.migrations.operations.base import Operation

from core.sql import run_sql


class Migration(migrations.Migration):
    """Tolerances, policies, receipts and posted invoices stay within their rules."""

    dependencies: ClassVar[list[tuple[str, str]]] = [("matching", "0001_initial")]
    operations: ClassVar[list[Operation]] = [run_sql("matching", "0002_laws")]

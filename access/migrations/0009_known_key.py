"""Ask for the answer of an Idempotency-Key in one call."""

from typing import ClassVar

from django.db import migrations
from django.db.migrations.operations.base import Operation

from core.sql import run_sql


class Migration(migrations.Migration):
    """One function, nothing kept."""

    dependencies: ClassVar[list[tuple[str, str]]] = [("access", "0008_indexes_once")]
    operations: ClassVar[list[Operation]] = [run_sql("access", "0009_known_key")]

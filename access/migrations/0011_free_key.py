"""Ask whether an Idempotency-Key is free before asking for its answer."""

from typing import ClassVar

from django.db import migrations
from django.db.migrations.operations.base import Operation

from core.sql import run_sql


class Migration(migrations.Migration):
    """One function, nothing kept."""

    dependencies: ClassVar[list[tuple[str, str]]] = [("access", "0010_new_event")]
    operations: ClassVar[list[Operation]] = [run_sql("access", "0011_free_key")]

"""Let a process keep the terms that orders are recorded by, and ask whether they still count."""

from typing import ClassVar

from django.db import migrations
from django.db.migrations.operations.base import Operation

from core.sql import run_sql


class Migration(migrations.Migration):
    """A small table, its triggers on the tables of terms, and two functions in the place of one. Nothing is rewritten."""

    dependencies: ClassVar[list[tuple[str, str]]] = [("settlement", "0015_room_for_statuses")]
    operations: ClassVar[list[Operation]] = [run_sql("settlement", "0016_kept_terms")]

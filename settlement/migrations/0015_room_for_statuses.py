"""Leave room on the pages of payouts for the statuses they will have."""

from typing import ClassVar

from django.db import migrations
from django.db.migrations.operations.base import Operation

from core.sql import run_sql


class Migration(migrations.Migration):
    """One setting of a table; nothing is rewritten."""

    dependencies: ClassVar[list[tuple[str, str]]] = [("settlement", "0014_new_records")]
    operations: ClassVar[list[Operation]] = [run_sql("settlement", "0015_room_for_statuses")]

"""Let an audit event travel as one value."""

from typing import ClassVar

from django.db import migrations
from django.db.migrations.operations.base import Operation

from core.sql import run_sql


class Migration(migrations.Migration):
    """A type; no table is touched."""

    dependencies: ClassVar[list[tuple[str, str]]] = [("access", "0009_known_key")]
    operations: ClassVar[list[Operation]] = [run_sql("access", "0010_new_event")]

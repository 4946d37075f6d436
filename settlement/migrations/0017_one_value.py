"""Let a new record and its event be two values, written by one function."""

from typing import ClassVar

from django.db import migrations
from django.db.migrations.operations.base import Operation

from core.sql import run_sql


class Migration(migrations.Migration):
    """A type and a function; no table is touched."""

    dependencies: ClassVar[list[tuple[str, str]]] = [("settlement", "0016_kept_terms"), ("access", "0010_new_event")]
    operations: ClassVar[list[Operation]] = [run_sql("settlement", "0017_one_value")]

"""Look at new lines of a file once per statement. Making a trigger is done at once, however many lines there are."""

from typing import ClassVar

from django.db import migrations
from django.db.migrations.operations.base import Operation

from core.sql import run_sql


class Migration(migrations.Migration):
    """The law that lines come while their file is read keeps its name."""

    dependencies: ClassVar[list[tuple[str, str]]] = [("reconciliation", "0008_indexes_once")]
    operations: ClassVar[list[Operation]] = [run_sql("reconciliation", "0009_lines_at_once")]

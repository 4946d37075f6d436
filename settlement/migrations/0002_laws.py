"""Make the database refuse rows that cross scopes, changed amounts and second claims."""

from typing import ClassVar

from django.db import migrations
from django.db.migrations.operations.base import Operation

from core.sql import run_sql


class Migration(migrations.Migration):
    """Same scope, kept amounts, insert-only claims."""

    dependencies: ClassVar[list[tuple[str, str]]] = [("settlement", "0001_initial")]
    operations: ClassVar[list[Operation]] = [run_sql("settlement", "0002_laws")]

"""Open the one posting door and take every other way in from the application role."""

from typing import ClassVar

from django.db import migrations
from django.db.migrations.operations.base import Operation

from core.sql import run_sql


class Migration(migrations.Migration):
    """Functions that open accounts, post, close, fold and read."""

    dependencies: ClassVar[list[tuple[str, str]]] = [("ledger", "0002_laws")]
    operations: ClassVar[list[Operation]] = [run_sql("ledger", "0003_door")]

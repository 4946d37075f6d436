"""Make the database refuse a second payment, an unapproved one and a status that its attempts do not bear out."""

from typing import ClassVar

from django.db import migrations
from django.db.migrations.operations.base import Operation

from core.sql import run_sql


class Migration(migrations.Migration):
    """The moves that exist, approval by another person, frozen content, derived status, release after the end only."""

    dependencies: ClassVar[list[tuple[str, str]]] = [("payouts", "0001_initial"), ("settlement", "0002_laws")]
    operations: ClassVar[list[Operation]] = [run_sql("payouts", "0002_laws")]

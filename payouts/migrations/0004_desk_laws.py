"""Keep what people decide by hand and what they stop as it was, and let a payout by hand end without being sent."""

from typing import ClassVar

from django.db import migrations
from django.db.migrations.operations.base import Operation

from core.sql import run_sql


class Migration(migrations.Migration):
    """Decisions and stops stay; approvals needed may rise; every approved bulk payout has its approvals."""

    dependencies: ClassVar[list[tuple[str, str]]] = [("payouts", "0003_desk")]
    operations: ClassVar[list[Operation]] = [run_sql("payouts", "0004_desk_laws")]

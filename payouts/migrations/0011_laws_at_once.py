"""Look at the laws of attempts and payouts once per statement instead of once per row."""

from typing import ClassVar

from django.db import migrations, models
from django.db.migrations.operations.base import Operation
from django.db.models import PROTECT

from core.sql import run_sql


class Migration(migrations.Migration):
    """Triggers per statement come for triggers per row and for two foreign keys, in one transaction. Nothing is rewritten."""

    dependencies: ClassVar[list[tuple[str, str]]] = [("payouts", "0010_indexes_once")]
    operations: ClassVar[list[Operation]] = [
        run_sql("payouts", "0011_laws_at_once"),
        migrations.AlterField(
            model_name="attempt",
            name="payout",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=PROTECT,
                related_name="attempts",
                to="payouts.payout",
            ),
        ),
        migrations.AlterField(
            model_name="bankevent",
            name="attempt",
            field=models.ForeignKey(
                db_constraint=False, on_delete=PROTECT, related_name="events", to="payouts.attempt"
            ),
        ),
    ]

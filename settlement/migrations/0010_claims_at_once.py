"""Look at claims once per statement instead of once per row and key."""

from typing import ClassVar

from django.db import migrations, models
from django.db.migrations.operations.base import Operation
from django.db.models import PROTECT

from core.sql import run_sql


class Migration(migrations.Migration):
    """Three foreign keys go and a trigger that proves more comes, in one transaction. Nothing is rewritten."""

    dependencies: ClassVar[list[tuple[str, str]]] = [("settlement", "0009_webhook_events")]
    operations: ClassVar[list[Operation]] = [
        run_sql("settlement", "0010_claims_at_once"),
        migrations.AlterField(
            model_name="claim",
            name="partner_settlement",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=PROTECT,
                related_name="claims",
                to="settlement.partnersettlement",
            ),
        ),
        migrations.AlterField(
            model_name="claim",
            name="payout_ref",
            field=models.ForeignKey(
                db_constraint=False, on_delete=PROTECT, related_name="claims", to="settlement.payoutref"
            ),
        ),
    ]

"""Keep what proves a payment made by hand, and show movements on bank accounts with their balances."""

from typing import ClassVar

import django.db.models.functions.datetime
from django.db import migrations, models
from django.db.migrations.operations.base import Operation
from django.db.models import PROTECT, Q
from django.db.models.deletion import DO_NOTHING

from core.sql import run_sql


class Migration(migrations.Migration):
    """Evidence of payments by hand with its laws, and the view of movements."""

    dependencies: ClassVar[list[tuple[str, str]]] = [("payouts", "0004_desk_laws"), ("ledger", "0005_drafts")]
    operations: ClassVar[list[Operation]] = [
        migrations.CreateModel(
            name="HandPayment",
            fields=[
                (
                    "bulk_payout",
                    models.OneToOneField(
                        on_delete=PROTECT,
                        primary_key=True,
                        related_name="hand_payment",
                        serialize=False,
                        to="payouts.bulkpayout",
                    ),
                ),
                ("completed_on", models.DateField()),
                ("evidence", models.TextField()),
                ("file_reference", models.CharField(blank=True, max_length=200)),
                ("recorded_by", models.CharField(max_length=200)),
                ("recorded_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(condition=~Q(evidence=""), name="payouts_hand_payment_has_evidence")
                ],
            },
        ),
        migrations.CreateModel(
            name="Movement",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "journal_id", "leg_no", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("journal", models.ForeignKey(on_delete=DO_NOTHING, related_name="+", to="ledger.journal")),
                ("leg_no", models.SmallIntegerField()),
                ("account", models.ForeignKey(on_delete=DO_NOTHING, related_name="+", to="ledger.account")),
                ("merchant_id", models.BigIntegerField()),
                ("is_test", models.BooleanField()),
                ("owner", models.CharField(max_length=300)),
                ("currency", models.CharField(max_length=3)),
                ("amount", models.BigIntegerField()),
                ("balance_after", models.BigIntegerField()),
            ],
            options={"db_table": "payouts_movement", "managed": False},
        ),
        run_sql("payouts", "0005_by_hand"),
    ]

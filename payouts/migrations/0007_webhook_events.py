"""Tell the outbox of webhooks what becomes of payouts, and keep what banks tell us of their own accord."""

from typing import ClassVar

import django.db.models.deletion
from django.db import migrations, models
from django.db.migrations.operations.base import Operation

from core.sql import run_sql


class Migration(migrations.Migration):
    """One new table, and triggers: a brief lock on payouts and bulk payouts."""

    dependencies: ClassVar[list[tuple[str, str]]] = [("payouts", "0006_moves"), ("access", "0005_webhook_laws")]
    operations: ClassVar[list[Operation]] = [
        migrations.CreateModel(
            name="BankCallback",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("rail", models.CharField(max_length=40)),
                ("event_id", models.CharField(max_length=200)),
                ("type", models.CharField(blank=True, max_length=60)),
                ("reference", models.CharField(blank=True, max_length=100)),
                ("reference_date", models.DateField(null=True)),
                ("amount", models.BigIntegerField(null=True)),
                ("body", models.TextField()),
                ("received_at", models.DateTimeField()),
                (
                    "attempt",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="callbacks",
                        to="payouts.attempt",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(attempt__isnull=True),
                        fields=["rail", "-received_at", "-id"],
                        name="payouts_callback_unknown",
                    )
                ],
                "constraints": [models.UniqueConstraint(fields=("rail", "event_id"), name="payouts_callback_once")],
            },
        ),
        run_sql("payouts", "0007_webhook_events"),
    ]

"""Changes of the holidays that are shown before they are applied."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


def _change() -> migrations.CreateModel:
    return migrations.CreateModel(
        name="HolidayChange",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("merchant_id", models.BigIntegerField(editable=False)),
            ("is_test", models.BooleanField(editable=False)),
            ("public_id", models.CharField(max_length=300)),
            ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ("added", models.JSONField(default=dict)),
            ("removed", models.JSONField(default=dict)),
            (
                "state",
                models.CharField(
                    choices=[("PREVIEW", "미리 보기"), ("APPLIED", "적용 완료")], default="PREVIEW", max_length=7
                ),
            ),
            ("record_count", models.BigIntegerField(default=0)),
            ("partner_count", models.BigIntegerField(default=0)),
            ("created_by", models.CharField(blank=True, max_length=200)),
            ("applied_at", models.DateTimeField(null=True)),
            ("applied_by", models.CharField(blank=True, max_length=200)),
        ],
        options={
            "constraints": [
                models.UniqueConstraint(
                    fields=("merchant_id", "is_test", "public_id"), name="settlement_holiday_change_id"
                )
            ],
        },
    )


def _move() -> migrations.CreateModel:
    return migrations.CreateModel(
        name="HolidayMove",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("merchant_id", models.BigIntegerField(editable=False)),
            ("is_test", models.BooleanField(editable=False)),
            ("old_date", models.DateField()),
            ("new_date", models.DateField()),
            (
                "change",
                models.ForeignKey(
                    db_index=False,
                    on_delete=django.db.models.deletion.CASCADE,
                    related_name="moves",
                    to="settlement.holidaychange",
                ),
            ),
            (
                "record",
                models.ForeignKey(
                    db_index=False,
                    on_delete=django.db.models.deletion.PROTECT,
                    related_name="+",
                    to="settlement.settlementrecord",
                ),
            ),
        ],
        options={
            "constraints": [models.UniqueConstraint(fields=("change", "record"), name="settlement_holiday_move_once")],
            "indexes": [models.Index(fields=["change", "old_date", "id"], name="settlement_holiday_move_list")],
        },
    )


def _partner() -> migrations.CreateModel:
    return migrations.CreateModel(
        name="HolidayMovePartner",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("merchant_id", models.BigIntegerField(editable=False)),
            ("is_test", models.BooleanField(editable=False)),
            ("currency", models.CharField(max_length=3)),
            ("record_count", models.BigIntegerField()),
            ("amount", models.DecimalField(decimal_places=0, max_digits=30)),
            (
                "change",
                models.ForeignKey(
                    db_index=False,
                    on_delete=django.db.models.deletion.CASCADE,
                    related_name="partners",
                    to="settlement.holidaychange",
                ),
            ),
            (
                "partner",
                models.ForeignKey(
                    db_index=False,
                    on_delete=django.db.models.deletion.PROTECT,
                    related_name="+",
                    to="settlement.partner",
                ),
            ),
        ],
        options={
            "constraints": [
                models.UniqueConstraint(
                    fields=("change", "partner", "currency"), name="settlement_holiday_move_partner_once"
                )
            ],
            "indexes": [models.Index(fields=["change", "-record_count", "-id"], name="settlement_holiday_move_by")],
        },
    )


class Migration(migrations.Migration):
    dependencies = [
        ("settlement", "0004_calculator"),
    ]

    operations = [_change(), _move(), _partner()]

"""Rounding moves from the settings to versions of the calculation, which may be withdrawn and never change."""

from typing import ClassVar

from django.db import migrations, models
from django.db.migrations.operations.base import Operation

from core.sql import run_sql


class Migration(migrations.Migration):
    """Rounding as versions."""

    dependencies: ClassVar[list[tuple[str, str]]] = [("settlement", "0003_terms_and_versions")]
    operations: ClassVar[list[Operation]] = [
        migrations.AddField(
            model_name="calculator",
            name="withdrawn_at",
            field=models.DateTimeField(null=True),
        ),
        run_sql("settlement", "0004_calculator"),
        migrations.RemoveField(model_name="setting", name="rounding_platform_fee"),
        migrations.RemoveField(model_name="setting", name="rounding_discount_share"),
        migrations.RemoveField(model_name="setting", name="rounding_additional_fee"),
        migrations.RemoveField(model_name="setting", name="rounding_settlement"),
        migrations.RemoveField(model_name="setting", name="rounding_vat"),
    ]

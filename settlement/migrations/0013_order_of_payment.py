"""Find the order of a payment by one index only, whatever a connection planned while tables were small."""

from typing import ClassVar

from django.db import migrations, models
from django.db.migrations.operations.base import Operation

from core.sql import run_sql


class Migration(migrations.Migration):
    """One index leads with the payment instead of the scope, and one function asks by it."""

    dependencies: ClassVar[list[tuple[str, str]]] = [("settlement", "0012_indexes_once")]
    operations: ClassVar[list[Operation]] = [
        migrations.RemoveIndex(model_name="settlementrecord", name="settlement_record_payment"),
        migrations.AddIndex(
            model_name="settlementrecord",
            index=models.Index(fields=["payment_id", "merchant_id", "is_test"], name="settlement_record_payment"),
        ),
        run_sql("settlement", "0013_order_of_payment"),
    ]

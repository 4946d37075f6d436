"""Look at new records once per statement. Dropping constraints and making triggers is done at once, however many rows."""

from typing import ClassVar

from django.db import migrations
from django.db.migrations.operations.base import Operation

from core.sql import run_sql


class Migration(migrations.Migration):
    """The laws of a record keep their names and move from check constraints to triggers."""

    dependencies: ClassVar[list[tuple[str, str]]] = [("settlement", "0013_order_of_payment")]
    operations: ClassVar[list[Operation]] = [
        run_sql("settlement", "0014_new_records"),
        *(
            migrations.RemoveConstraint(model_name="settlementrecord", name=f"settlement_record_{law}")
            for law in ("sign", "shape", "settled_somewhere", "date_not_before_start")
        ),
    ]

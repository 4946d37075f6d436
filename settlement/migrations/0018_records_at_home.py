"""Look up what a record points at once per statement, and no more by five foreign keys for each row."""

from typing import ClassVar

from django.db import migrations, models
from django.db.migrations.operations.base import Operation
from django.db.models import PROTECT

from core.sql import run_sql


class Migration(migrations.Migration):
    """
    Triggers come for foreign keys, in one transaction. Nothing is rewritten.

    Dropping a foreign key waits for whoever uses one of its two tables. Reversed, every record is looked up.
    """

    dependencies: ClassVar[list[tuple[str, str]]] = [("settlement", "0017_one_value")]
    operations: ClassVar[list[Operation]] = [
        run_sql("settlement", "0018_records_at_home"),
        migrations.AlterField(
            model_name="settlementrecord",
            name="partner",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=PROTECT,
                related_name="records",
                to="settlement.partner",
            ),
        ),
        migrations.AlterField(
            model_name="settlementrecord",
            name="partner_settlement",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=PROTECT,
                related_name="records",
                to="settlement.partnersettlement",
            ),
        ),
        migrations.AlterField(
            model_name="settlementrecord",
            name="order",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=PROTECT,
                related_name="cancels",
                to="settlement.settlementrecord",
            ),
        ),
        *(
            migrations.AlterField(
                model_name="settlementrecord",
                name=name,
                field=models.ForeignKey(
                    db_constraint=False,
                    db_index=False,
                    null=True,
                    on_delete=PROTECT,
                    related_name="+",
                    to=f"settlement.{to}",
                ),
            )
            for name, to in (("contract_version", "contractversion"), ("calculator", "calculator"))
        ),
    ]

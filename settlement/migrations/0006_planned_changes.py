"""Versions that are withdrawn, look-up of records by custom property, account numbers sealed with merchant and side."""

from typing import Any, ClassVar

from django.contrib.postgres.indexes import GinIndex
from django.db import migrations, models
from django.db.migrations.operations.base import Operation

from access import sealed

_TABLE, _COLUMN = "settlement_partner", "account_number_sealed"
_CHUNK = 1_000


def _scoped(row: Any) -> str:
    return f"{row.merchant_id}/{'test' if row.is_test else 'live'}/{row.public_id}"


def _bare(row: Any) -> str:
    return str(row.public_id)


def _move(apps: Any, old: Any, new: Any) -> None:
    partners = apps.get_model("settlement", "Partner").objects
    rows = partners.only("pk", "merchant_id", "is_test", "public_id", _COLUMN)
    for row in rows.iterator(chunk_size=_CHUNK):
        number = sealed.unseal(row.account_number_sealed, table=_TABLE, column=_COLUMN, row=old(row))
        value = sealed.seal(number, table=_TABLE, column=_COLUMN, row=new(row))
        partners.filter(pk=row.pk).update(account_number_sealed=value)


def seal_by_scope(apps: Any, _schema: Any) -> None:
    """Seal every account number under merchant, environment and id: ids repeat between merchants."""
    _move(apps, _bare, _scoped)


def seal_by_id(apps: Any, _schema: Any) -> None:
    """Seal every account number under the id alone, as it was."""
    _move(apps, _scoped, _bare)


class Migration(migrations.Migration):
    """Planned changes."""

    dependencies: ClassVar[list[tuple[str, str]]] = [("settlement", "0005_holiday_changes")]
    operations: ClassVar[list[Operation]] = [
        *(
            migrations.AddField(model_name=name, name="withdrawn_at", field=models.DateTimeField(null=True))
            for name in ("contractversion", "discountsharepolicyversion", "additionalfeepolicyversion")
        ),
        migrations.AddIndex(
            model_name="settlementrecord",
            index=GinIndex(
                condition=models.Q(("user_defined_properties", []), _negated=True),
                fields=["user_defined_properties"],
                name="settlement_record_properties",
                opclasses=["jsonb_path_ops"],
            ),
        ),
        migrations.RunPython(seal_by_scope, seal_by_id),
    ]

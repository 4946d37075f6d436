"""Take away the flag of a bank account that nobody could set: what stops sending are stops."""

from typing import ClassVar

from django.db import migrations
from django.db.migrations.operations.base import Operation


class Migration(migrations.Migration):
    """A bank account without `is_stopped`."""

    dependencies: ClassVar[list[tuple[str, str]]] = [("payouts", "0008_transfer_files")]
    operations: ClassVar[list[Operation]] = [migrations.RemoveField(model_name="bankaccount", name="is_stopped")]

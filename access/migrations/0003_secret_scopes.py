"""Name the scopes of an API secret as they are called now."""

from typing import ClassVar

import django.contrib.postgres.fields
from django.db import migrations, models
from django.db.migrations.operations.base import Operation

SCOPES = [
    ("read", "읽기"),
    ("write", "등록·수정"),
    ("payouts:submit", "일괄지급 만들기·승인 요청"),
    ("payouts:complete", "지급 완료 처리"),
]


class Migration(migrations.Migration):
    """Words only; the column stays."""

    dependencies: ClassVar[list[tuple[str, str]]] = [("access", "0002_audit_laws")]
    operations: ClassVar[list[Operation]] = [
        migrations.AlterField(
            model_name="apisecret",
            name="scopes",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(choices=SCOPES, max_length=30), size=None
            ),
        )
    ]

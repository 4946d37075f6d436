"""Let API secrets be used for matching invoices."""

from typing import ClassVar

import django.contrib.postgres.fields
from django.db import migrations, models
from django.db.migrations.operations.base import Operation

SCOPES = [
    ("read", "읽기"),
    ("write", "등록·수정"),
    ("payouts:submit", "일괄지급 만들기·승인 요청"),
    ("payouts:complete", "지급 완료 처리"),
    ("webhooks", "웹훅 관리"),
    ("matching:read", "송장 매칭 읽기"),
    ("matching:write", "송장 매칭 등록·수정"),
    ("matching:approve", "송장 불일치 승인"),
    ("matching:post", "송장 전기"),
]


class Migration(migrations.Migration):
    """Four more words; rows that are there stay."""

    dependencies: ClassVar[list[tuple[str, str]]] = [("access", "0005_webhook_laws")]
    operations: ClassVar[list[Operation]] = [
        migrations.RemoveConstraint(model_name="apisecret", name="access_apisecret_scopes_known"),
        migrations.AlterField(
            model_name="apisecret",
            name="scopes",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(choices=SCOPES, max_length=30), size=None
            ),
        ),
        migrations.AddConstraint(
            model_name="apisecret",
            constraint=models.CheckConstraint(
                condition=models.Q(scopes__contained_by=[word for word, _label in SCOPES]),
                name="access_apisecret_scopes_known",
            ),
        ),
    ]

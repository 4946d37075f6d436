"""Let API secrets be used for reconciliation."""

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
    ("reconciliation:read", "대사 읽기"),
    ("reconciliation:write", "조정 파일·청구 기록 등록"),
    ("reconciliation:decide", "조정 파일 반영·차이 결정·기간 마감"),
]


class Migration(migrations.Migration):
    """Three more words; rows that are there stay."""

    dependencies: ClassVar[list[tuple[str, str]]] = [("access", "0006_matching_scopes")]
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

"""Keep files of transfers, who took them, what came back, and that two people withdrew one."""

from typing import ClassVar

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models
from django.db.migrations.operations.base import Operation

from core.sql import run_sql


class Migration(migrations.Migration):
    """Five new tables, and a trigger on attempts: an attempt in a file goes back in line only when it was withdrawn."""

    dependencies: ClassVar[list[tuple[str, str]]] = [("payouts", "0007_webhook_events")]
    operations: ClassVar[list[Operation]] = [
        migrations.CreateModel(
            name="TransferFile",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("merchant_id", models.BigIntegerField(editable=False)),
                ("is_test", models.BooleanField(editable=False)),
                ("public_id", models.CharField(max_length=300)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("MADE", "받기 전"),
                            ("DOWNLOADED", "은행 결과 대기"),
                            ("RESULT_READ", "결과 확인"),
                            ("WITHDRAWN", "철회됨"),
                        ],
                        default="MADE",
                        max_length=11,
                    ),
                ),
                ("state_changed_at", models.DateTimeField()),
                ("day", models.DateField()),
                ("line_count", models.IntegerField()),
                ("total_amount", models.BigIntegerField()),
                ("content_hash", models.CharField(max_length=64)),
                (
                    "form",
                    models.CharField(
                        blank=True,
                        choices=[("xlsx", "엑셀 (XLSX)"), ("csv", "CSV"), ("pain001", "ISO 20022 (pain.001)")],
                        max_length=7,
                    ),
                ),
                ("content", models.BinaryField(null=True)),
                ("content_key", models.BinaryField(null=True)),
                ("sha256", models.CharField(blank=True, max_length=64)),
                ("downloads", models.IntegerField(default=0)),
                (
                    "bank_account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="transfer_files",
                        to="payouts.bankaccount",
                    ),
                ),
                (
                    "bulk_payout",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="transfer_files",
                        to="payouts.bulkpayout",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="FileWithdrawal",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("merchant_id", models.BigIntegerField(editable=False)),
                ("is_test", models.BooleanField(editable=False)),
                ("public_id", models.CharField(max_length=300)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("evidence", models.TextField()),
                ("downloads", models.IntegerField()),
                ("proposed_by_id", models.BigIntegerField()),
                ("proposed_by", models.CharField(max_length=200)),
                ("proposed_at", models.DateTimeField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("PROPOSED", "확인 대기"),
                            ("CONFIRMED", "확인 완료"),
                            ("REJECTED", "반려"),
                            ("WITHDRAWN", "철회"),
                        ],
                        default="PROPOSED",
                        max_length=9,
                    ),
                ),
                ("decided_by_id", models.BigIntegerField(null=True)),
                ("decided_by", models.CharField(blank=True, max_length=200)),
                ("decided_at", models.DateTimeField(null=True)),
                ("reason", models.TextField(blank=True)),
                (
                    "transfer_file",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="withdrawals",
                        to="payouts.transferfile",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="TransferFileDownload",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("by_id", models.BigIntegerField(null=True)),
                ("by", models.CharField(max_length=200)),
                ("address", models.CharField(blank=True, max_length=100)),
                ("at", models.DateTimeField()),
                (
                    "transfer_file",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="taken", to="payouts.transferfile"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="TransferFileLine",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("line_no", models.IntegerField()),
                ("fence", models.BigIntegerField()),
                (
                    "attempt",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="file_lines",
                        to="payouts.attempt",
                    ),
                ),
                (
                    "transfer_file",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="lines",
                        to="payouts.transferfile",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="TransferResult",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("merchant_id", models.BigIntegerField(editable=False)),
                ("is_test", models.BooleanField(editable=False)),
                ("public_id", models.CharField(max_length=300)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("name", models.CharField(max_length=200)),
                ("form", models.CharField(max_length=10)),
                ("sha256", models.CharField(max_length=64)),
                ("content", models.BinaryField()),
                ("content_key", models.BinaryField()),
                (
                    "state",
                    models.CharField(
                        choices=[("CHECKED", "확인 전"), ("CONFIRMED", "반영됨"), ("DISCARDED", "버림")],
                        default="CHECKED",
                        max_length=9,
                    ),
                ),
                ("summary", models.JSONField()),
                ("read_by_id", models.BigIntegerField(null=True)),
                ("read_by", models.CharField(max_length=200)),
                ("read_at", models.DateTimeField()),
                ("decided_by_id", models.BigIntegerField(null=True)),
                ("decided_by", models.CharField(blank=True, max_length=200)),
                ("decided_at", models.DateTimeField(null=True)),
                (
                    "transfer_file",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="results", to="payouts.transferfile"
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="transferfile",
            index=models.Index(fields=["merchant_id", "is_test", "-created_at", "-id"], name="payouts_file_list"),
        ),
        migrations.AddConstraint(
            model_name="transferfile",
            constraint=models.UniqueConstraint(
                fields=("merchant_id", "is_test", "public_id"), name="payouts_transfer_file_id"
            ),
        ),
        migrations.AddConstraint(
            model_name="transferfile",
            constraint=models.CheckConstraint(
                condition=models.Q(("line_count__gt", 0), ("total_amount__gt", 0)), name="payouts_file_not_empty"
            ),
        ),
        migrations.AddConstraint(
            model_name="transferfile",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("content", None), ("content_key", None), ("form", ""), ("sha256", "")),
                    models.Q(
                        models.Q(("form", ""), _negated=True),
                        ("content__isnull", False),
                        ("content_key__isnull", False),
                        models.Q(("sha256", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="payouts_file_bytes_whole",
            ),
        ),
        migrations.AddConstraint(
            model_name="filewithdrawal",
            constraint=models.UniqueConstraint(
                fields=("merchant_id", "is_test", "public_id"), name="payouts_withdrawal_id"
            ),
        ),
        migrations.AddConstraint(
            model_name="filewithdrawal",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "PROPOSED")), fields=("transfer_file",), name="payouts_one_open_withdrawal"
            ),
        ),
        migrations.AddConstraint(
            model_name="filewithdrawal",
            constraint=models.CheckConstraint(
                condition=models.Q(("evidence", ""), _negated=True), name="payouts_withdrawal_has_evidence"
            ),
        ),
        migrations.AddConstraint(
            model_name="filewithdrawal",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state__in", ("CONFIRMED", "REJECTED")), _negated=True),
                    models.Q(
                        ("decided_by_id__isnull", False),
                        models.Q(("decided_by_id", models.F("proposed_by_id")), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="payouts_another_person_withdraws",
            ),
        ),
        migrations.AddConstraint(
            model_name="transferfileline",
            constraint=models.UniqueConstraint(fields=("transfer_file", "line_no"), name="payouts_file_line_no"),
        ),
        migrations.AddConstraint(
            model_name="transferfileline",
            constraint=models.UniqueConstraint(fields=("attempt", "fence"), name="payouts_in_one_file"),
        ),
        migrations.AddConstraint(
            model_name="transferresult",
            constraint=models.UniqueConstraint(
                fields=("merchant_id", "is_test", "public_id"), name="payouts_transfer_result_id"
            ),
        ),
        migrations.AddConstraint(
            model_name="transferresult",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "DISCARDED"), _negated=True),
                fields=("transfer_file", "sha256"),
                name="payouts_result_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="transferresult",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("decided_at", None), ("state", "CHECKED")),
                    models.Q(models.Q(("state", "CHECKED"), _negated=True), ("decided_at__isnull", False)),
                    _connector="OR",
                ),
                name="payouts_result_decided",
            ),
        ),
        run_sql("payouts", "0008_transfer_files"),
    ]

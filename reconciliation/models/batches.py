"""Loaded files: what was understood of each, its lines as they came, and which version counts."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from reconciliation.fields import ExactField
from reconciliation.models.lengths import HASH_LENGTH, KIND_LENGTH, NAME_LENGTH
from settlement.models import PublicObject


class BatchState(models.TextChoices):
    """Where a loaded file is."""

    LOADING = "LOADING", _("읽는 중")
    UNDERSTOOD = "UNDERSTOOD", _("확인 대기")
    ACCEPTED = "ACCEPTED", _("반영됨")
    SUPERSEDED = "SUPERSEDED", _("새 버전으로 바뀜")
    REJECTED = "REJECTED", _("받지 않음")
    DISCARDED = "DISCARDED", pgettext_lazy("vendor file", "버림")


KEPT_STATES = (BatchState.UNDERSTOOD, BatchState.ACCEPTED, BatchState.SUPERSEDED)
STORED_STATES = (BatchState.ACCEPTED, BatchState.SUPERSEDED)
_ATTEMPTS = (BatchState.LOADING, *KEPT_STATES)


class Batch(PublicObject):
    """
    One file of a vendor or payment provider.

    Its lines are seen once it is UNDERSTOOD and count once it is ACCEPTED. Files with one `identity` (kind, billing
    entity and invoice, or what stands in for it) are versions of each other, of which one is ACCEPTED. `answer` is what
    was understood, as it is also printed; `headers` are those of its blocks. A REJECTED one keeps only the attempt.
    `issued_on` is the day of the vendor's invoice, if anybody said it.
    """

    state = models.CharField(max_length=10, choices=BatchState.choices, default=BatchState.LOADING)
    name = models.CharField(max_length=NAME_LENGTH)
    path = models.CharField(max_length=200, blank=True)
    file_key = models.BinaryField(default=bytes)
    bytes = models.BigIntegerField()
    sha256 = models.CharField(max_length=HASH_LENGTH)
    locale = models.CharField(max_length=20)
    kind = models.CharField(max_length=KIND_LENGTH, blank=True)
    layout = models.CharField(max_length=10, blank=True)
    billing_entity = models.CharField(max_length=NAME_LENGTH, blank=True)
    invoice_number = models.CharField(max_length=NAME_LENGTH, blank=True)
    identity = models.CharField(max_length=HASH_LENGTH, blank=True)
    content_hash = models.CharField(max_length=HASH_LENGTH, blank=True)
    issued_on = models.DateField(null=True)
    is_estimate = models.BooleanField(default=False)
    first_day = models.DateField(null=True)
    last_day = models.DateField(null=True)
    tax_compared = models.BooleanField(default=False)
    line_count = models.IntegerField(default=0)
    answer = models.JSONField(default=dict)
    headers = models.JSONField(default=list)
    refusal = models.JSONField(default=dict)
    version = models.IntegerField(default=0)
    replaces = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="+")
    same_as = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="+")
    job_id = models.BigIntegerField(null=True)
    fence = models.BigIntegerField(default=0)
    created_by_id = models.BigIntegerField(null=True)
    created_by = models.CharField(max_length=NAME_LENGTH)
    understood_at = models.DateTimeField(null=True)
    decided_by_id = models.BigIntegerField(null=True)
    decided_by = models.CharField(max_length=NAME_LENGTH, blank=True)
    decided_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["merchant_id", "is_test", "public_id"], name="reconciliation_batch_id"),
            models.UniqueConstraint(
                fields=["merchant_id", "is_test", "billing_entity", "sha256"],
                condition=Q(state__in=_ATTEMPTS),
                name="reconciliation_same_bytes",
            ),
            models.UniqueConstraint(
                fields=["merchant_id", "is_test", "billing_entity", "kind", "content_hash"],
                condition=Q(state__in=KEPT_STATES),
                name="reconciliation_same_content",
            ),
            models.UniqueConstraint(
                fields=["merchant_id", "is_test", "identity"],
                condition=Q(state=BatchState.ACCEPTED),
                name="reconciliation_one_current_version",
            ),
            models.UniqueConstraint(
                fields=["merchant_id", "is_test", "identity", "version"],
                condition=Q(state__in=STORED_STATES),
                name="reconciliation_version_once",
            ),
            models.CheckConstraint(
                condition=Q(state__in=STORED_STATES, version__gt=0, decided_at__isnull=False)
                | ~Q(state__in=STORED_STATES) & Q(version=0),
                name="reconciliation_version_when_accepted",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=KEPT_STATES)
                | ~Q(kind="") & ~Q(identity="") & ~Q(content_hash="") & Q(understood_at__isnull=False),
                name="reconciliation_understood_whole",
            ),
        )
        indexes = (
            models.Index(fields=["merchant_id", "is_test", "-created_at", "-id"], name="reconciliation_batch_list"),
            models.Index(fields=["merchant_id", "is_test", "sha256"], name="reconciliation_batch_bytes"),
        )


class BatchLine(models.Model):
    """
    One record of a file. Insert-only.

    `counts` says whether it is a valid line of the file's kind and no copy. What it is grouped and compared by
    is worked out once when it is read: `quantity` is what it adds to its group's quantity (None: nothing), `is_unclear`
    that it leaves that quantity unknown, `purchase` what price components of one purchase have in common. `values` are
    the columns of its kind, `extra` the others, `delivered` the cells of a line that could not be read.
    """

    # The law of its lines looks at the batch anyway; a foreign key would look a second time.
    batch = models.ForeignKey(
        Batch, on_delete=models.DO_NOTHING, related_name="lines", db_index=False, db_constraint=False
    )
    record = models.IntegerField()
    line = models.IntegerField()
    block = models.SmallIntegerField()
    kind = models.CharField(max_length=KIND_LENGTH)
    counts = models.BooleanField()
    codes = ArrayField(models.TextField())
    duplicate_of = models.IntegerField(null=True)
    damaged = ArrayField(models.TextField())
    flags = models.JSONField()
    group_key = models.UUIDField(null=True)
    by_name = models.BooleanField()
    can_match = models.BooleanField()
    line_key = models.UUIDField(null=True)
    line_hash = models.UUIDField(null=True)
    currency = models.TextField()
    pretax = ExactField(null=True)
    tax = ExactField(null=True)
    total = ExactField(null=True)
    quantity = ExactField(null=True)
    is_unclear = models.BooleanField()
    is_metered = models.BooleanField()
    purchase = models.UUIDField(null=True)
    unit_price = ExactField(null=True)
    is_full_period = models.BooleanField()
    first_day = models.DateField(null=True)
    last_day = models.DateField(null=True)
    mpn = models.TextField()
    bucket = models.CharField(max_length=40)
    reseller_mpn = models.TextField()
    charge_type = models.TextField()
    charge_group = models.CharField(max_length=20)
    values = models.JSONField()
    extra = models.JSONField(null=True)
    delivered = models.JSONField(null=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["batch", "record"], name="reconciliation_line_once"),)
        indexes = (
            models.Index(
                fields=["batch", "group_key"], condition=Q(group_key__isnull=False), name="reconciliation_line_group"
            ),
        )

    def __str__(self) -> str:
        return f"{self.batch_id}/{self.record}"

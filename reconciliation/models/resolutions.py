"""What people decided about groups and lines; never undone by anything automatic."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from reconciliation.fields import ExactField
from reconciliation.models.batches import Batch
from reconciliation.models.lengths import HASH_LENGTH, NAME_LENGTH
from settlement.models import PublicObject


class Decision(models.TextChoices):
    """What a person decided about a group, or about a line that is a copy."""

    ACCEPT = "accept", _("차이 인정")
    LINK = "link", _("직접 연결")
    DISPUTE = "dispute", _("이의 제기")
    RESTORE = "restore", _("중복 아님")
    REOPEN = "reopen", _("다시 열기")


class Resolution(PublicObject):
    """
    What a person decided, and why. Insert-only; the newest one of a group counts.

    It belongs to the identity of the batch, so another comparison and another version of the file keep it. What the
    person saw is kept beside it (`outcome`, the differences). `record` is the copy that is restored, `refs` are our
    records that were linked by hand.
    """

    identity = models.CharField(max_length=HASH_LENGTH)
    batch = models.ForeignKey(Batch, on_delete=models.PROTECT, related_name="resolutions")
    group_key = models.UUIDField(null=True)
    currency = models.TextField(blank=True)
    line_hash = models.UUIDField(null=True)
    record = models.IntegerField(null=True)
    decision = models.CharField(max_length=7, choices=Decision.choices)
    refs = ArrayField(models.TextField(), default=list)
    reason = models.TextField()
    outcome = models.CharField(max_length=30, blank=True)
    difference_subtotal = ExactField(null=True)
    difference_tax = ExactField(null=True)
    decided_by_id = models.BigIntegerField(null=True)
    decided_by = models.CharField(max_length=NAME_LENGTH)
    decided_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["merchant_id", "is_test", "public_id"], name="reconciliation_resolution_id"
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="reconciliation_resolution_reason"),
            models.CheckConstraint(
                condition=Q(decision="restore", record__isnull=False, line_hash__isnull=False, group_key=None)
                | ~Q(decision="restore") & Q(record=None, line_hash=None, group_key__isnull=False),
                name="reconciliation_resolution_about",
            ),
        )
        indexes = (
            models.Index(
                fields=["merchant_id", "is_test", "identity", "group_key", "currency", "-id"],
                name="reconciliation_resolution_last",
            ),
        )

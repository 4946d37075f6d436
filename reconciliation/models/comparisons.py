"""How a batch and our records stand to each other: one outcome for every group of either side."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from core.scope import ScopedModel
from reconciliation.fields import ExactField
from reconciliation.models.batches import Batch
from reconciliation.models.lengths import CURRENCY_LENGTH, KIND_LENGTH, NAME_LENGTH


class ToleranceRule(ScopedModel):
    """How far figures of a kind and currency may differ, in major units; None keeps the usual tolerance."""

    kind = models.CharField(max_length=KIND_LENGTH)
    currency = models.CharField(max_length=CURRENCY_LENGTH)
    line = ExactField(null=True)
    group = ExactField(null=True)
    changed_by_id = models.BigIntegerField(null=True)
    changed_by = models.CharField(max_length=NAME_LENGTH)
    changed_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["merchant_id", "is_test", "kind", "currency"], name="reconciliation_tolerance_once"
            ),
            models.CheckConstraint(
                condition=(Q(line=None) | Q(line__gte=0)) & (Q(group=None) | Q(group__gte=0)),
                name="reconciliation_tolerance_not_negative",
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.currency}"


class Comparison(models.Model):
    """
    One run of comparing a batch with our records. The newest of a batch has its outcomes; older ones keep their sums.

    `tolerances` are those used, by currency; `counts` the groups by outcome; `money` by outcome and currency: what is
    ours and what is the file's, which together make up both totals.
    """

    batch = models.ForeignKey(Batch, on_delete=models.PROTECT, related_name="comparisons", db_index=False)
    number = models.IntegerField()
    tolerances = models.JSONField(default=dict)
    counts = models.JSONField(default=dict)
    money = models.JSONField(default=list)
    by_id = models.BigIntegerField(null=True)
    by = models.CharField(max_length=NAME_LENGTH)
    at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["batch", "number"], name="reconciliation_comparison_once"),)

    def __str__(self) -> str:
        return f"{self.batch_id}#{self.number}"


class Outcome(models.Model):
    """
    How one group of the file and our records stand to each other. Insert-only.

    Its lines are those of the batch with its key and currency; `our_records` are the versions of ours it was held
    against. Differences are file − ours. For a currency mismatch our money stands in `other_…`.
    """

    # Comparisons are never deleted, so nothing has to look for each of a million outcomes whether its own is there.
    comparison = models.ForeignKey(
        Comparison, on_delete=models.DO_NOTHING, related_name="outcomes", db_index=False, db_constraint=False
    )
    place = models.IntegerField()
    group_key = models.UUIDField()
    currency = models.TextField()
    outcome = models.CharField(max_length=30)
    also = ArrayField(models.TextField())
    notes = ArrayField(models.TextField())
    by_name = models.BooleanField()
    first_record = models.IntegerField(null=True)
    file_lines = models.IntegerField()
    file_subtotal = ExactField(null=True)
    file_tax = ExactField(null=True)
    file_quantity = ExactField(null=True)
    file_unit_price = ExactField(null=True)
    our_records = ArrayField(models.BigIntegerField())
    our_subtotal = ExactField(null=True)
    our_tax = ExactField(null=True)
    our_quantity = ExactField(null=True)
    our_unit_price = ExactField(null=True)
    difference_subtotal = ExactField(null=True)
    difference_tax = ExactField(null=True)
    other_currency = models.TextField(null=True)
    other_subtotal = ExactField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["comparison", "place"], name="reconciliation_outcome_place"),
            models.UniqueConstraint(
                fields=["comparison", "group_key", "currency"], name="reconciliation_outcome_partition"
            ),
        )
        indexes = (models.Index(fields=["comparison", "outcome", "place"], name="reconciliation_outcome_list"),)

    def __str__(self) -> str:
        return f"{self.comparison_id}/{self.place} {self.outcome}"

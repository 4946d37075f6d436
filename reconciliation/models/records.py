"""Our own side: billing records, each change a version, and days that are closed to changes."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from core.scope import ScopedModel
from reconciliation.fields import ExactField
from reconciliation.models.lengths import CURRENCY_LENGTH, KIND_LENGTH, NAME_LENGTH
from settlement.models import PUBLIC_ID_LENGTH


class Source(models.TextChoices):
    """Where a record of ours comes from."""

    UPLOAD = "upload", _("파일")
    API = "api", _("API")
    ORDER = "order", _("주문")


class BillingRecord(ScopedModel):
    """
    One version of a record of our own. Insert-only, but that the newest version takes `is_current` from the one before.

    `own_key` is what it is recognised by, `name_key` what a file without customer ids recognises it by. `ids` are the
    key fields by name. Quantity, unit price and tax may be unknown.
    """

    ref = models.CharField(max_length=PUBLIC_ID_LENGTH)
    version = models.IntegerField()
    is_current = models.BooleanField(default=True)
    is_withdrawn = models.BooleanField(default=False)
    kind = models.CharField(max_length=KIND_LENGTH)
    billing_entity = models.CharField(max_length=NAME_LENGTH, blank=True)
    ids = models.JSONField()
    customer_name = models.TextField(blank=True)
    own_key = models.UUIDField()
    name_key = models.UUIDField(null=True)
    currency = models.CharField(max_length=CURRENCY_LENGTH)
    quantity = ExactField(null=True)
    unit_price = ExactField(null=True)
    subtotal = ExactField()
    tax = ExactField(null=True)
    first_day = models.DateField(null=True)
    last_day = models.DateField(null=True)
    source = models.CharField(max_length=6, choices=Source.choices)
    source_id = models.CharField(max_length=PUBLIC_ID_LENGTH, blank=True)
    created_by_id = models.BigIntegerField(null=True)
    created_by = models.CharField(max_length=NAME_LENGTH)
    created_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["merchant_id", "is_test", "ref", "version"], name="reconciliation_record_version"
            ),
            models.UniqueConstraint(
                fields=["merchant_id", "is_test", "ref"],
                condition=Q(is_current=True),
                name="reconciliation_record_current",
            ),
            models.CheckConstraint(
                condition=Q(first_day=None) | Q(last_day=None) | Q(last_day__gte=F("first_day")),
                name="reconciliation_record_period",
            ),
        )
        indexes = (
            models.Index(
                fields=["merchant_id", "is_test", "kind"],
                condition=Q(is_current=True),
                name="reconciliation_record_kind",
            ),
        )

    def __str__(self) -> str:
        return f"{self.ref} v{self.version}"


class PeriodLock(ScopedModel):
    """Days whose records of ours are closed, both ends included, until somebody opens them again."""

    first_day = models.DateField()
    last_day = models.DateField()
    locked_by_id = models.BigIntegerField(null=True)
    locked_by = models.CharField(max_length=NAME_LENGTH)
    locked_at = models.DateTimeField()
    opened_by_id = models.BigIntegerField(null=True)
    opened_by = models.CharField(max_length=NAME_LENGTH, blank=True)
    opened_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(last_day__gte=F("first_day")), name="reconciliation_lock_period"),
        )
        indexes = (
            models.Index(
                fields=["merchant_id", "is_test"], condition=Q(opened_at=None), name="reconciliation_lock_open"
            ),
        )

    def __str__(self) -> str:
        return f"{self.first_day} – {self.last_day}"

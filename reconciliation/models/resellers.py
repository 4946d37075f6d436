"""Whom the vendor's reseller ids mean, and what resellers were charged for accepted files."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from core.scope import ScopedModel
from reconciliation.fields import ExactField
from reconciliation.models.batches import Batch
from reconciliation.models.lengths import CURRENCY_LENGTH, HASH_LENGTH, NAME_LENGTH
from settlement.models import PUBLIC_ID_LENGTH, Partner, PublicObject


class Parameters(ScopedModel):
    """What a merchant has set for vendor files; `vendor_account` is the vendor whom accepted files are owed to."""

    vendor_account = models.CharField(max_length=NAME_LENGTH)
    changed_by_id = models.BigIntegerField(null=True)
    changed_by = models.CharField(max_length=NAME_LENGTH)
    changed_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["merchant_id", "is_test"], name="reconciliation_parameters_once"),
            models.CheckConstraint(condition=~Q(vendor_account=""), name="reconciliation_vendor_named"),
        )

    def __str__(self) -> str:
        return self.vendor_account


class ResellerLink(ScopedModel):
    """The partner that a reseller id of the vendor means."""

    mpn = models.CharField(max_length=NAME_LENGTH)
    partner = models.ForeignKey(Partner, on_delete=models.PROTECT, related_name="+")
    linked_by_id = models.BigIntegerField(null=True)
    linked_by = models.CharField(max_length=NAME_LENGTH)
    linked_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["merchant_id", "is_test", "mpn"], name="reconciliation_reseller_once"),
            models.CheckConstraint(condition=~Q(mpn=""), name="reconciliation_reseller_named"),
        )

    def __str__(self) -> str:
        return self.mpn


class ResellerSettlement(PublicObject):
    """
    That a reseller's part of a file became a settlement record. Insert-only, once for each batch, id and currency.

    `total` is the part in the file, `before` what earlier versions of the file had been charged for; the record is
    about the rest, in minor units and with its sign turned unless `is_flipped` (the vendor's charge is what the
    reseller owes).
    """

    batch = models.ForeignKey(Batch, on_delete=models.PROTECT, related_name="reseller_settlements", db_index=False)
    identity = models.CharField(max_length=HASH_LENGTH)
    mpn = models.CharField(max_length=NAME_LENGTH)
    currency = models.CharField(max_length=CURRENCY_LENGTH)
    total = ExactField()
    before = ExactField()
    is_flipped = models.BooleanField()
    amount = models.BigIntegerField()
    partner = models.ForeignKey(Partner, on_delete=models.PROTECT, related_name="+")
    record_id = models.CharField(max_length=PUBLIC_ID_LENGTH)
    created_by_id = models.BigIntegerField(null=True)
    created_by = models.CharField(max_length=NAME_LENGTH)
    made_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["merchant_id", "is_test", "public_id"], name="reconciliation_reseller_settlement_id"
            ),
            models.UniqueConstraint(fields=["batch", "mpn", "currency"], name="reconciliation_reseller_settled_once"),
            models.CheckConstraint(condition=~Q(amount=0), name="reconciliation_reseller_amount"),
        )
        indexes = (
            models.Index(fields=["merchant_id", "is_test", "identity", "mpn"], name="reconciliation_reseller_before"),
        )

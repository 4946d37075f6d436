"""
Tables of reconciliation.

Batches are loaded files: what was understood of each, its lines as they came, and which version counts. Billing records
are our own side. A comparison holds one outcome for every group of either side; resolutions are what people decided
about them and are never undone by anything automatic. Figures are exact decimals in their currency.
"""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from core.scope import ScopedModel
from reconciliation.fields import ExactField
from settlement.models import PUBLIC_ID_LENGTH, PublicObject

_KIND, _CURRENCY, _HASH, _NAME = 20, 3, 64, 200


class BatchState(models.TextChoices):
    """Where a loaded file is."""

    LOADING = "LOADING", _("읽는 중")
    UNDERSTOOD = "UNDERSTOOD", _("확인 대기")
    ACCEPTED = "ACCEPTED", _("반영됨")
    SUPERSEDED = "SUPERSEDED", _("새 버전으로 바뀜")
    REJECTED = "REJECTED", _("받지 않음")
    DISCARDED = "DISCARDED", _("버림")


KEPT_STATES = (BatchState.UNDERSTOOD, BatchState.ACCEPTED, BatchState.SUPERSEDED)
STORED_STATES = (BatchState.ACCEPTED, BatchState.SUPERSEDED)
_ATTEMPTS = (BatchState.LOADING, *KEPT_STATES)


class Batch(PublicObject):
    """
    One file of a vendor or payment provider.

    Its lines are seen once it is UNDERSTOOD and count once it is ACCEPTED. Files with one `identity` (kind, billing
    entity and invoice, or what stands in for it) are versions of each other, of which one is ACCEPTED. `answer` is what
    was understood, as it is also printed; `headers` are those of its blocks. A REJECTED one keeps only the attempt.
    """

    state = models.CharField(max_length=10, choices=BatchState.choices, default=BatchState.LOADING)
    name = models.CharField(max_length=_NAME)
    path = models.CharField(max_length=200, blank=True)
    file_key = models.BinaryField(default=bytes)
    bytes = models.BigIntegerField()
    sha256 = models.CharField(max_length=_HASH)
    locale = models.CharField(max_length=20)
    kind = models.CharField(max_length=_KIND, blank=True)
    layout = models.CharField(max_length=10, blank=True)
    billing_entity = models.CharField(max_length=_NAME, blank=True)
    invoice_number = models.CharField(max_length=_NAME, blank=True)
    identity = models.CharField(max_length=_HASH, blank=True)
    content_hash = models.CharField(max_length=_HASH, blank=True)
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
    created_by = models.CharField(max_length=_NAME)
    understood_at = models.DateTimeField(null=True)
    decided_by_id = models.BigIntegerField(null=True)
    decided_by = models.CharField(max_length=_NAME, blank=True)
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
    kind = models.CharField(max_length=_KIND)
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
    kind = models.CharField(max_length=_KIND)
    billing_entity = models.CharField(max_length=_NAME, blank=True)
    ids = models.JSONField()
    customer_name = models.TextField(blank=True)
    own_key = models.UUIDField()
    name_key = models.UUIDField(null=True)
    currency = models.CharField(max_length=_CURRENCY)
    quantity = ExactField(null=True)
    unit_price = ExactField(null=True)
    subtotal = ExactField()
    tax = ExactField(null=True)
    first_day = models.DateField(null=True)
    last_day = models.DateField(null=True)
    source = models.CharField(max_length=6, choices=Source.choices)
    source_id = models.CharField(max_length=PUBLIC_ID_LENGTH, blank=True)
    created_by_id = models.BigIntegerField(null=True)
    created_by = models.CharField(max_length=_NAME)
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
    locked_by = models.CharField(max_length=_NAME)
    locked_at = models.DateTimeField()
    opened_by_id = models.BigIntegerField(null=True)
    opened_by = models.CharField(max_length=_NAME, blank=True)
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


class ToleranceRule(ScopedModel):
    """How far figures of a kind and currency may differ, in major units; None keeps the usual tolerance."""

    kind = models.CharField(max_length=_KIND)
    currency = models.CharField(max_length=_CURRENCY)
    line = ExactField(null=True)
    group = ExactField(null=True)
    changed_by_id = models.BigIntegerField(null=True)
    changed_by = models.CharField(max_length=_NAME)
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

    batch = models.ForeignKey(Batch, on_delete=models.PROTECT, related_name="comparisons")
    number = models.IntegerField()
    tolerances = models.JSONField(default=dict)
    counts = models.JSONField(default=dict)
    money = models.JSONField(default=list)
    by_id = models.BigIntegerField(null=True)
    by = models.CharField(max_length=_NAME)
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

    identity = models.CharField(max_length=_HASH)
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
    decided_by = models.CharField(max_length=_NAME)
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

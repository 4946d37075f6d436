"""
Tables of the ledger.

Nothing here is written through the ORM: the SQL functions of `migrations/sql` are the only door, the application role
may read these tables and execute those functions.
"""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from core.scope import ScopedModel


class ChartEntry(models.Model):
    """The chart of accounts as the database knows it (see `ledger.chart`)."""

    code = models.SmallIntegerField(primary_key=True)
    name = models.CharField(max_length=60)
    english = models.CharField(max_length=60)
    owner_kind = models.CharField(max_length=20, blank=True)
    side = models.SmallIntegerField()
    guarded = models.BooleanField()

    class Meta:
        db_table = "ledger_chart"
        constraints = (models.CheckConstraint(condition=Q(side__in=(1, -1)), name="ledger_chart_side"),)

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


class Account(ScopedModel):
    """One account: a code of the chart, for one owner, in one currency."""

    chart = models.ForeignKey(ChartEntry, on_delete=models.PROTECT, db_column="code", related_name="+")
    owner_kind = models.CharField(max_length=20, blank=True)
    owner = models.CharField(max_length=300, blank=True)
    currency = models.CharField(max_length=3)
    opened_at = models.DateTimeField(db_default=Now())
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["merchant_id", "is_test", "chart", "owner_kind", "owner", "currency"],
                name="ledger_account_address",
            ),
        )
        indexes = (models.Index(fields=["merchant_id", "is_test", "owner_kind", "owner"], name="ledger_account_owner"),)

    def __str__(self) -> str:
        return f"{self.chart_id}:{self.owner}" if self.owner else str(self.chart_id)

    @property
    def code(self) -> int:
        """Return the code of the chart."""
        return int(self.chart_id)


class Journal(ScopedModel):
    """One business event: a header whose entries sum to zero in every currency."""

    event_type = models.CharField(max_length=60)
    event_key = models.CharField(max_length=400)
    payload_hash = models.BinaryField()
    business_date = models.DateField()
    effective_date = models.DateField()
    recorded_at = models.DateTimeField(db_default=Now())
    leg_count = models.SmallIntegerField()
    reverses = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, db_constraint=False, db_index=False, related_name="reversals"
    )
    origin_kind = models.CharField(max_length=30, blank=True)
    origin_id = models.CharField(max_length=300, blank=True)
    actor = models.CharField(max_length=200, blank=True)
    request_id = models.CharField(max_length=80, blank=True)
    memo = models.TextField(blank=True)
    attributes = models.JSONField(default=dict)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["merchant_id", "is_test", "event_type", "event_key"], name="ledger_journal_event"
            ),
            models.UniqueConstraint(
                fields=["reverses"], condition=Q(reverses__isnull=False), name="ledger_journal_reversed_once"
            ),
            models.CheckConstraint(condition=Q(leg_count__gte=2), name="ledger_journal_two_legs"),
            models.CheckConstraint(
                condition=Q(effective_date__gte=models.F("business_date")), name="ledger_journal_not_before_business"
            ),
        )
        indexes = (
            models.Index(fields=["merchant_id", "is_test", "-effective_date", "-id"], name="ledger_journal_by_day"),
            models.Index(fields=["merchant_id", "is_test", "origin_kind", "origin_id"], name="ledger_journal_origin"),
        )

    def __str__(self) -> str:
        return f"J{self.pk} {self.event_type}"


class Entry(models.Model):
    """One leg: debit positive, credit negative, never zero."""

    pk = models.CompositePrimaryKey("journal_id", "leg_no")
    journal = models.ForeignKey(
        Journal, on_delete=models.PROTECT, related_name="entries", db_constraint=False, db_index=False
    )
    leg_no = models.SmallIntegerField()
    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="entries", db_constraint=False, db_index=False
    )
    currency = models.CharField(max_length=3)
    amount = models.BigIntegerField()
    component = models.CharField(max_length=40, blank=True)

    class Meta:
        constraints = (models.CheckConstraint(condition=~Q(amount=0), name="ledger_entry_not_zero"),)
        indexes = (models.Index(fields=["account", "journal"], include=["amount"], name="ledger_entry_by_account"),)

    def __str__(self) -> str:
        return f"J{self.journal_id}/{self.leg_no} {self.amount}"


class Balance(models.Model):
    """
    The stored balance of a guarded account, debit positive.

    Only the trigger on entries changes it; `side` repeats the chart so that one check keeps it on its side of zero.
    """

    account = models.OneToOneField(Account, on_delete=models.PROTECT, primary_key=True, related_name="guarded_balance")
    balance = models.BigIntegerField(default=0)
    side = models.SmallIntegerField()
    version = models.BigIntegerField(default=0)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(side=1, balance__gte=0) | Q(side=-1, balance__lte=0), name="ledger_balance_never_below_zero"
            ),
        )

    def __str__(self) -> str:
        return f"{self.account_id}: {self.balance}"


class DayTotal(models.Model):
    """
    Kept sums per account and effective day of all journals up to `Mark`.

    Any balance, on any day, is day totals plus the few entries after the mark.
    """

    pk = models.CompositePrimaryKey("account_id", "day")
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="day_totals", db_index=False)
    day = models.DateField()
    debit = models.DecimalField(max_digits=30, decimal_places=0)
    credit = models.DecimalField(max_digits=30, decimal_places=0)
    legs = models.BigIntegerField()

    class Meta:
        db_table = "ledger_day_total"

    def __str__(self) -> str:
        return f"{self.account_id} {self.day}"


class Mark(models.Model):
    """
    One row: up to which journal the day totals count.

    `candidate` is the next mark, proposed while transactions up to `horizon` may still be running; it becomes the mark
    when all of those have ended, because journal ids do not commit in order.
    """

    id = models.SmallIntegerField(primary_key=True, default=1)
    journal_id = models.BigIntegerField(default=0)
    candidate = models.BigIntegerField(default=0)
    horizon = models.BigIntegerField(default=0)

    class Meta:
        constraints = (models.CheckConstraint(condition=Q(id=1), name="ledger_mark_single"),)

    def __str__(self) -> str:
        return str(self.journal_id)


class Period(ScopedModel):
    """Up to which day the books of a scope are closed; journals count from the day after."""

    closed_until = models.DateField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["merchant_id", "is_test"], name="ledger_period_scope"),)

    def __str__(self) -> str:
        return str(self.closed_until)

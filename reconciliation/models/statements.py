"""Bank statements: files of an account of ours, their lines, and which entries of our books explain each line."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from core.scope import ScopedModel
from ledger.models import Journal
from payouts.models import BankAccount
from reconciliation.models.lengths import CURRENCY_LENGTH, HASH_LENGTH, NAME_LENGTH
from settlement.models import PUBLIC_ID_LENGTH, PublicObject


class StatementState(models.TextChoices):
    """Where a statement file is."""

    UNDERSTOOD = "UNDERSTOOD", _("확인 대기")
    CONFIRMED = "CONFIRMED", _("반영됨")
    DISCARDED = "DISCARDED", pgettext_lazy("vendor file", "버림")


class How(models.TextChoices):
    """Why an entry of ours explains a line."""

    REFERENCE = "reference", _("참조 번호")
    POSTED = "posted", _("이 줄로 기장")
    MANUAL = "manual", _("직접 맞춤")


class StatementMapping(ScopedModel):
    """Which column holds what in the sheets of one layout that the bank of an account writes, as a person said it."""

    bank_account = models.ForeignKey(BankAccount, on_delete=models.PROTECT, related_name="+", db_index=False)
    layout = models.CharField(max_length=HASH_LENGTH)
    mapping = models.JSONField()
    changed_by_id = models.BigIntegerField(null=True)
    changed_by = models.CharField(max_length=NAME_LENGTH)
    changed_at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["bank_account", "layout"], name="reconciliation_mapping_once"),)

    def __str__(self) -> str:
        return f"{self.bank_account_id} {self.layout}"


class Statement(PublicObject):
    """
    One statement file of an account. Its bytes are kept encrypted; its lines come when it is confirmed.

    `line_count` lines are in the file, `repeats` of them stood in an earlier statement already. `gaps` are rows whose
    running balance does not follow: then nothing is matched without a person. Amounts are minor units.
    """

    bank_account = models.ForeignKey(BankAccount, on_delete=models.PROTECT, related_name="+", db_index=False)
    state = models.CharField(max_length=10, choices=StatementState.choices, default=StatementState.UNDERSTOOD)
    name = models.CharField(max_length=NAME_LENGTH)
    form = models.CharField(max_length=10)
    sha256 = models.CharField(max_length=HASH_LENGTH)
    content = models.BinaryField()
    content_key = models.BinaryField()
    mapping = models.JSONField(default=dict)
    statement_no = models.CharField(max_length=NAME_LENGTH, blank=True)
    currency = models.CharField(max_length=CURRENCY_LENGTH)
    first_day = models.DateField()
    last_day = models.DateField()
    opening = models.BigIntegerField(null=True)
    closing = models.BigIntegerField(null=True)
    line_count = models.IntegerField()
    repeats = models.IntegerField(default=0)
    gaps = models.JSONField(default=list)
    created_by_id = models.BigIntegerField(null=True)
    created_by = models.CharField(max_length=NAME_LENGTH)
    decided_by_id = models.BigIntegerField(null=True)
    decided_by = models.CharField(max_length=NAME_LENGTH, blank=True)
    decided_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["merchant_id", "is_test", "public_id"], name="reconciliation_statement_id"),
            models.UniqueConstraint(
                fields=["bank_account", "sha256"],
                condition=~Q(state="DISCARDED"),
                name="reconciliation_statement_once",
            ),
            models.CheckConstraint(
                condition=Q(state="UNDERSTOOD", decided_at=None) | ~Q(state="UNDERSTOOD") & Q(decided_at__isnull=False),
                name="reconciliation_statement_decided",
            ),
            models.CheckConstraint(condition=Q(last_day__gte=F("first_day")), name="reconciliation_statement_period"),
        )
        indexes = (
            models.Index(fields=["merchant_id", "is_test", "-created_at", "-id"], name="reconciliation_statement_list"),
            models.Index(fields=["bank_account", "first_day"], name="reconciliation_statement_days"),
        )


class StatementLine(ScopedModel):
    """
    One movement on an account as its bank booked it; amounts in minor units, negative where money went out.

    Insert-only, but that `matched` follows the matches and `reason` says why a part is still open. `line_key` tells
    the line apart from all others of the account, so that one that comes again in another file is known.
    """

    statement = models.ForeignKey(Statement, on_delete=models.PROTECT, related_name="lines", db_index=False)
    bank_account = models.ForeignKey(BankAccount, on_delete=models.PROTECT, related_name="+", db_index=False)
    number = models.IntegerField()
    row = models.IntegerField()
    line_key = models.UUIDField()
    day = models.DateField()
    booked_at = models.DateTimeField(null=True)
    amount = models.BigIntegerField()
    balance_after = models.BigIntegerField(null=True)
    currency = models.CharField(max_length=CURRENCY_LENGTH)
    said = models.CharField(max_length=8)
    bank_reference = models.CharField(max_length=NAME_LENGTH, blank=True)
    reference = models.CharField(max_length=NAME_LENGTH, blank=True)
    reference_date = models.DateField(null=True)
    bank = models.CharField(max_length=NAME_LENGTH, blank=True)
    account_mark = models.CharField(max_length=HASH_LENGTH, blank=True)
    account_last4 = models.CharField(max_length=4, blank=True)
    name = models.CharField(max_length=NAME_LENGTH, blank=True)
    memo = models.TextField(blank=True)
    matched = models.BigIntegerField(default=0)
    reason = models.CharField(max_length=30, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["bank_account", "line_key"], name="reconciliation_line_of_account_once"),
            models.UniqueConstraint(fields=["statement", "number"], name="reconciliation_line_of_statement_once"),
            models.CheckConstraint(
                condition=Q(amount__gt=0, matched__gte=0, matched__lte=F("amount"))
                | Q(amount__lt=0, matched__lte=0, matched__gte=F("amount")),
                name="reconciliation_line_not_over_matched",
            ),
        )
        indexes = (
            models.Index(fields=["merchant_id", "is_test", "-day", "-id"], name="reconciliation_bank_line_list"),
            models.Index(
                fields=["bank_account", "day", "id"],
                condition=~Q(matched=F("amount")),
                name="reconciliation_bank_line_open",
            ),
        )

    def __str__(self) -> str:
        return f"{self.statement_id}/{self.number} {self.amount}"

    @property
    def left(self) -> int:
        """What nothing explains yet, with the sign of the line."""
        return self.amount - self.matched


class StatementMatch(ScopedModel):
    """
    That an entry of our books explains a line, or a part of it. What was said stays; it may be released once.

    `amount` has the sign of the line. An entry explains at most its own amount, whatever the number of lines.
    """

    line = models.ForeignKey(StatementLine, on_delete=models.PROTECT, related_name="matches")
    journal = models.ForeignKey(Journal, on_delete=models.PROTECT, related_name="+", db_index=False)
    leg_no = models.SmallIntegerField()
    amount = models.BigIntegerField()
    how = models.CharField(max_length=9, choices=How.choices)
    reason = models.TextField(blank=True)
    payout_id = models.CharField(max_length=PUBLIC_ID_LENGTH, blank=True)
    matched_by_id = models.BigIntegerField(null=True)
    matched_by = models.CharField(max_length=NAME_LENGTH)
    matched_at = models.DateTimeField()
    released_by_id = models.BigIntegerField(null=True)
    released_by = models.CharField(max_length=NAME_LENGTH, blank=True)
    released_at = models.DateTimeField(null=True)
    release_reason = models.TextField(blank=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(released_at=None, release_reason="") | Q(released_at__isnull=False) & ~Q(release_reason=""),
                name="reconciliation_match_release_has_reason",
            ),
            models.CheckConstraint(condition=~Q(how="manual") | ~Q(reason=""), name="reconciliation_match_has_reason"),
        )
        indexes = (
            models.Index(fields=["journal", "leg_no"], condition=Q(released_at=None), name="reconciliation_match_leg"),
        )

    def __str__(self) -> str:
        return f"{self.line_id} = J{self.journal_id}/{self.leg_no} {self.amount}"

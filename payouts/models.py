"""
Tables of payouts.

A bulk payout is what people approve; a payout is one amount for one partner's account, frozen with its destination; an
attempt is one instruction to the bank under one reference. The laws in `migrations/sql` keep the states: a payout's
status follows from its attempts, an attempt needs the approvals, and no move outside the tables here is possible.
"""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from core.scope import ScopedModel
from ledger.models import Account, Journal
from settlement.models import Partner, PublicObject, SettlementAmountType

# In won; both can be changed per merchant.
TWO_APPROVERS_ABOVE = 100_000_000
RETURN_FEE_MOST = 1_000


class PayoutStatus(models.TextChoices):
    """Where a payout is."""

    CONFIRMED = "CONFIRMED", _("지급 확정")
    SCHEDULED = "SCHEDULED", _("지급 예약")
    PREPARED = "PREPARED", _("지급 대기")
    PROCESSING = "PROCESSING", _("지급 처리 중")
    UNKNOWN = "UNKNOWN", _("확인 필요")
    SUCCEEDED = "SUCCEEDED", _("지급 성공")
    FAILED = "FAILED", _("지급 실패")
    RETURNED = "RETURNED", _("반송")
    STOPPED = "STOPPED", _("지급 중단")
    CANCELLED = "CANCELLED", _("지급 취소")


PAYOUT_ENDS = (
    PayoutStatus.SUCCEEDED,
    PayoutStatus.FAILED,
    PayoutStatus.RETURNED,
    PayoutStatus.STOPPED,
    PayoutStatus.CANCELLED,
)


class BulkStatus(models.TextChoices):
    """Where a bulk payout is."""

    PREPARING = "PREPARING", _("생성 중")
    PREPARED = "PREPARED", pgettext_lazy("bulk", "작성 중")
    PENDING_APPROVAL = "PENDING_APPROVAL", _("승인 대기")
    APPROVED = "APPROVED", pgettext_lazy("bulk", "승인 완료")
    SCHEDULED = "SCHEDULED", _("지급 예약")
    ONGOING = "ONGOING", _("지급 중")
    POST_PROCESS_PENDING = "POST_PROCESS_PENDING", _("결과 확인 중")
    COMPLETED = "COMPLETED", _("완료")
    CANCELLED = "CANCELLED", _("취소")


class PayoutMethod(models.TextChoices):
    """Who moves the money."""

    AGENCY = "AGENCY", _("송금대행")
    DIRECT = "DIRECT", _("직접 지급")


class AttemptState(models.TextChoices):
    """Where an attempt is."""

    CREATED = "CREATED", _("전송 대기")
    CLAIMED = "CLAIMED", _("전송 준비")
    SUBMITTING = "SUBMITTING", _("전송 중")
    ACCEPTED = "ACCEPTED", _("은행 처리 중")
    UNKNOWN = "UNKNOWN", _("확인 필요")
    SUCCEEDED = "SUCCEEDED", _("성공")
    FAILED = "FAILED", _("실패")
    RETURNED = "RETURNED", _("반송")
    STOPPED = "STOPPED", _("중단")


class Decision(models.TextChoices):
    """What a checker decided."""

    APPROVED = "APPROVED", _("승인")
    REJECTED = "REJECTED", _("반려")


class BankAccount(PublicObject):
    """One of the merchant's own accounts, and the rail through which it pays."""

    name = models.CharField(max_length=100)
    bank = models.CharField(max_length=40)
    number_sealed = models.BinaryField()
    last4 = models.CharField(max_length=4)
    holder = models.CharField(max_length=200)
    currency = models.CharField(max_length=3, default="KRW")
    rail = models.CharField(max_length=40)
    statement_checked_at = models.DateTimeField(null=True)
    # How far its statement has been read: the Seoul day, and the last line of that day. Reading goes on from there,
    # however long nobody looked.
    statement_read_to = models.DateField(null=True)
    statement_read_sequence = models.IntegerField(default=0, db_default=0)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["merchant_id", "is_test", "public_id"], name="payouts_bank_account_id"),
        )


class PayoutLimits(ScopedModel):
    """
    Amounts above which a second approver is needed, and what a bank may keep of returned money. Minor units.

    None is no limit. `bulk` is about one bulk payout, `day` about everything approved on one Seoul day, `person_day`
    about everything one person approved on that day.
    """

    bulk = models.BigIntegerField(null=True, default=TWO_APPROVERS_ABOVE, db_default=TWO_APPROVERS_ABOVE)
    day = models.BigIntegerField(null=True)
    person_day = models.BigIntegerField(null=True)
    return_fee = models.BigIntegerField(default=RETURN_FEE_MOST, db_default=RETURN_FEE_MOST)
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["merchant_id", "is_test"], name="payouts_limits_once"),
            models.CheckConstraint(
                condition=(Q(bulk__gte=0) | Q(bulk=None))
                & (Q(day__gte=0) | Q(day=None))
                & (Q(person_day__gte=0) | Q(person_day=None))
                & Q(return_fee__gte=0),
                name="payouts_limits_not_negative",
            ),
        )

    def __str__(self) -> str:
        return f"limits of {self.scope}"


class StopKind(models.TextChoices):
    """Why nothing may be sent."""

    SWITCH = "SWITCH", _("사람이 중단")
    BREAKER = "BREAKER", _("응답 없는 이체가 많음")
    STRANGER = "STRANGER", _("알 수 없는 이체 발견")


class DispatchStop(models.Model):
    """
    Nothing is sent while one of these is open: for one scope, or for one rail of every scope, or for everything.

    A breaker closes by itself when the bank answers again; the others are ended by a person.
    """

    merchant_id = models.BigIntegerField(null=True)
    is_test = models.BooleanField(null=True)
    rail = models.CharField(max_length=40, blank=True)
    kind = models.CharField(max_length=8, choices=StopKind.choices)
    reason = models.TextField()
    facts = models.JSONField(default=dict, blank=True)
    started_at = models.DateTimeField()
    started_by = models.CharField(max_length=200)
    probe_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    ended_by = models.CharField(max_length=200, blank=True)
    ended_reason = models.TextField(blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["merchant_id", "is_test", "rail", "kind"],
                condition=Q(ended_at=None),
                nulls_distinct=False,
                name="payouts_one_open_stop",
            ),
            models.CheckConstraint(
                condition=Q(ended_at=None, ended_by="") | Q(ended_at__isnull=False) & ~Q(ended_by=""),
                name="payouts_stop_ended_by_somebody",
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.rail}"


class BulkPayout(PublicObject):
    """
    A set of payouts prepared, approved and run together.

    `content_hash` is what an approval binds to; it covers every payout, its amount and destination, the memos, the bank
    account and the schedule. `version` rises with every edit.
    """

    name = models.CharField(max_length=200)
    method = models.CharField(max_length=6, choices=PayoutMethod.choices, default=PayoutMethod.AGENCY)
    status = models.CharField(max_length=20, choices=BulkStatus.choices, default=BulkStatus.PREPARING)
    status_changed_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())
    bank_account = models.ForeignKey(BankAccount, on_delete=models.PROTECT, related_name="bulk_payouts")
    version = models.IntegerField(default=1)
    content_hash = models.CharField(max_length=64, blank=True)
    scheduled_at = models.DateTimeField(null=True)
    approvals_needed = models.SmallIntegerField(default=1)
    created_by_id = models.BigIntegerField(null=True)
    creator_name = models.CharField(max_length=200, blank=True)
    changed_by_id = models.BigIntegerField(null=True)
    submitted_by_id = models.BigIntegerField(null=True)
    submitted_at = models.DateTimeField(null=True)
    approved_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    stop_requested_at = models.DateTimeField(null=True)
    payout_count = models.IntegerField(default=0)
    total_amount = models.BigIntegerField(default=0)
    total_settlement_amount = models.BigIntegerField(default=0)
    # Partners that were selected and could not be paid, with the reason: [{"partner", "name", "net", "reason"}].
    skipped = models.JSONField(default=list, blank=True)
    # Negative settlements left out on purpose: [{"settlement", "net", "reason"}].
    left_out = models.JSONField(default=list, blank=True)
    job_id = models.CharField(max_length=40, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["merchant_id", "is_test", "public_id"], name="payouts_bulk_id"),
            models.UniqueConstraint(
                fields=["bank_account"], condition=Q(status="ONGOING"), name="payouts_one_ongoing_per_account"
            ),
            models.CheckConstraint(condition=Q(approvals_needed__gte=1), name="payouts_bulk_needs_approval"),
        )
        indexes = (
            models.Index(fields=["merchant_id", "is_test", "-created_at", "-id"], name="payouts_bulk_list"),
            models.Index(
                fields=["status", "approved_at"],
                condition=Q(
                    status__in=(
                        "PREPARING",
                        "APPROVED",
                        "SCHEDULED",
                        "ONGOING",
                        "POST_PROCESS_PENDING",
                        "PENDING_APPROVAL",
                    )
                ),
                name="payouts_bulk_open",
            ),
        )


class Approval(models.Model):
    """One checker's decision about one content. Insert-only; a changed content has another hash and no approvals."""

    bulk_payout = models.ForeignKey(BulkPayout, on_delete=models.PROTECT, related_name="approvals", db_index=False)
    content_hash = models.CharField(max_length=64)
    approver_id = models.BigIntegerField()
    approver_name = models.CharField(max_length=200)
    decision = models.CharField(max_length=8, choices=Decision.choices)
    reason = models.TextField(blank=True)
    decided_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["bulk_payout", "content_hash", "approver_id"], name="payouts_approval_once_per_person"
            ),
            models.CheckConstraint(
                condition=Q(decision="APPROVED") | Q(decision="REJECTED") & ~Q(reason=""),
                name="payouts_rejection_has_reason",
            ),
        )

    def __str__(self) -> str:
        return f"{self.bulk_payout_id} {self.decision}"


class Payout(PublicObject):
    """
    One amount for one partner's account.

    Amounts, destination and memos are frozen when the bulk payout is submitted. The account number is sealed under this
    row's own public id, so it cannot be exchanged for another row's.
    """

    bulk_payout = models.ForeignKey(BulkPayout, on_delete=models.PROTECT, related_name="payouts", db_index=False)
    partner = models.ForeignKey(Partner, on_delete=models.PROTECT, related_name="payouts", db_index=False)
    status = models.CharField(max_length=10, choices=PayoutStatus.choices, default=PayoutStatus.CONFIRMED)
    status_changed_at = models.DateTimeField(db_default=Now())
    currency = models.CharField(max_length=3)
    settlement_amount = models.BigIntegerField()
    settlement_tax_free_amount = models.BigIntegerField()
    supply_amount = models.BigIntegerField()
    tax_free_amount = models.BigIntegerField()
    vat_amount = models.BigIntegerField()
    income_tax_amount = models.BigIntegerField()
    local_income_tax_amount = models.BigIntegerField()
    amount = models.BigIntegerField()
    # What the reserve took: available money of positive settlements, receivable of negative ones, VAT added for NET.
    reserved_credit = models.BigIntegerField()
    reserved_debit = models.BigIntegerField()
    reserved_vat = models.BigIntegerField(default=0)
    settlement_count = models.IntegerField(default=0)
    deduct_wht = models.BooleanField()
    settlement_amount_type = models.CharField(max_length=5, choices=SettlementAmountType.choices)
    bank = models.CharField(max_length=40)
    account_number_sealed = models.BinaryField()
    account_last4 = models.CharField(max_length=4)
    account_fingerprint = models.CharField(max_length=64)
    account_holder = models.CharField(max_length=200)
    is_new_destination = models.BooleanField(default=False)
    withdrawal_memo = models.CharField(max_length=100, blank=True)
    deposit_memo = models.CharField(max_length=100, blank=True)
    memo = models.TextField(blank=True)
    fail_code = models.CharField(max_length=60, blank=True)
    fail_reason = models.TextField(blank=True)
    content_hash = models.CharField(max_length=64, blank=True)
    replaces = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="replaced_by")

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["merchant_id", "is_test", "public_id"], name="payouts_payout_id"),
            models.CheckConstraint(condition=Q(amount__gte=0), name="payouts_payout_not_negative"),
            models.CheckConstraint(
                condition=Q(income_tax_amount__gte=0, local_income_tax_amount__gte=0), name="payouts_payout_tax"
            ),
            models.CheckConstraint(
                condition=Q(
                    amount=F("reserved_credit")
                    - F("reserved_debit")
                    + F("reserved_vat")
                    - F("income_tax_amount")
                    - F("local_income_tax_amount")
                ),
                name="payouts_payout_adds_up",
            ),
        )
        indexes = (
            models.Index(fields=["merchant_id", "is_test", "-created_at", "-id"], name="payouts_payout_list"),
            models.Index(fields=["bulk_payout", "status"], name="payouts_payout_of_bulk"),
            models.Index(fields=["partner", "-id"], name="payouts_payout_of_partner"),
        )

    @property
    def withheld(self) -> int:
        """Both withheld taxes together."""
        return self.income_tax_amount + self.local_income_tax_amount

    @property
    def gross(self) -> int:
        """What is reserved for this payout: the amount before withholding."""
        return self.amount + self.withheld


class Attempt(models.Model):
    """
    One instruction to the bank under one reference.

    `fence` rises with every claim and guards whoever records an answer; `submission_no` counts how often the dispatch
    journal was posted (again only after proof that nothing reached the bank).
    """

    # A law looks once per statement whether the payout is there, as it does for the attempt of an event.
    payout = models.ForeignKey(
        Payout, on_delete=models.PROTECT, related_name="attempts", db_index=False, db_constraint=False
    )
    attempt_no = models.SmallIntegerField()
    rail = models.CharField(max_length=40)
    reference = models.CharField(max_length=40)
    reference_date = models.DateField()
    amount = models.BigIntegerField()
    state = models.CharField(max_length=10, choices=AttemptState.choices, default=AttemptState.CREATED)
    state_changed_at = models.DateTimeField(db_default=Now())
    due_at = models.DateTimeField()
    fence = models.BigIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    claimed_by = models.CharField(max_length=100, blank=True)
    submission_no = models.SmallIntegerField(default=0)
    submitted_at = models.DateTimeField(null=True)
    inquiries = models.SmallIntegerField(default=0)
    next_inquiry_at = models.DateTimeField(null=True)
    not_received_at = models.DateTimeField(null=True)
    will_retry = models.BooleanField(default=False)
    bank_code = models.CharField(max_length=60, blank=True)
    bank_message = models.TextField(blank=True)
    bank_reference = models.CharField(max_length=100, blank=True)
    executed_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(amount__gt=0), name="payouts_attempt_positive"),
            models.UniqueConstraint(fields=["payout", "attempt_no"], name="payouts_attempt_no"),
            models.UniqueConstraint(fields=["rail", "reference", "reference_date"], name="payouts_attempt_reference"),
            models.UniqueConstraint(
                fields=["payout"],
                condition=Q(state__in=("CREATED", "CLAIMED", "SUBMITTING", "ACCEPTED", "UNKNOWN")),
                name="payouts_one_open_attempt",
            ),
            models.UniqueConstraint(
                fields=["payout"], condition=Q(state__in=("SUCCEEDED", "RETURNED")), name="payouts_one_success"
            ),
        )
        indexes = (
            models.Index(fields=["due_at", "id"], condition=Q(state="CREATED"), name="payouts_attempt_due"),
            models.Index(
                fields=["lease_until"], condition=Q(state__in=("CLAIMED", "SUBMITTING")), name="payouts_attempt_leases"
            ),
            models.Index(
                fields=["next_inquiry_at"],
                condition=Q(state__in=("ACCEPTED", "UNKNOWN")),
                name="payouts_attempt_inquiries",
            ),
            # Successes about which the bank has to be asked once more.
            models.Index(
                fields=["next_inquiry_at"],
                condition=Q(state="SUCCEEDED", next_inquiry_at__isnull=False),
                name="payouts_attempt_second_looks",
            ),
        )

    def __str__(self) -> str:
        return f"{self.reference} {self.state}"


class Completion(models.Model):
    """A payout that ended well without an attempt: paid by hand, or nothing to pay. Insert-only."""

    payout = models.OneToOneField(Payout, on_delete=models.PROTECT, primary_key=True, related_name="completion")
    completed_on = models.DateField()
    evidence = models.TextField(blank=True)
    by = models.CharField(max_length=200)
    recorded_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return str(self.payout_id)


class BankEvent(models.Model):
    """What came back from the bank, or did not, as it came. Insert-only; account numbers are masked."""

    attempt = models.ForeignKey(Attempt, on_delete=models.PROTECT, related_name="events", db_constraint=False)
    call = models.CharField(max_length=10)
    outcome = models.CharField(max_length=12)
    code = models.CharField(max_length=60, blank=True)
    message = models.TextField(blank=True)
    evidence = models.TextField(blank=True)
    fence = models.BigIntegerField()
    applied = models.BooleanField()
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.attempt_id} {self.call} {self.outcome}"


class BankCallback(models.Model):
    """
    What a bank told us without being asked, as it came. Insert-only; account numbers are masked.

    It changes no state: it makes us ask sooner. Without `attempt` nobody here knows the reference.
    """

    rail = models.CharField(max_length=40)
    event_id = models.CharField(max_length=200)
    type = models.CharField(max_length=60, blank=True)
    reference = models.CharField(max_length=100, blank=True)
    reference_date = models.DateField(null=True)
    amount = models.BigIntegerField(null=True)
    attempt = models.ForeignKey(Attempt, on_delete=models.PROTECT, null=True, related_name="callbacks")
    body = models.TextField()
    received_at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["rail", "event_id"], name="payouts_callback_once"),)
        indexes = (
            models.Index(
                fields=["rail", "-received_at", "-id"],
                condition=Q(attempt__isnull=True),
                name="payouts_callback_unknown",
            ),
        )

    def __str__(self) -> str:
        return f"{self.rail} {self.event_id}"


class HandOutcome(models.TextChoices):
    """What two people can decide about an attempt whose answer is not known."""

    SUCCEEDED = "SUCCEEDED", _("지급됨")
    FAILED = "FAILED", _("지급되지 않음")
    RESEND = "RESEND", _("같은 번호로 다시 보내기")


class DecisionState(models.TextChoices):
    """Where a decision by hand is."""

    PROPOSED = "PROPOSED", _("확인 대기")
    CONFIRMED = "CONFIRMED", _("확인 완료")
    REJECTED = "REJECTED", _("반려")
    WITHDRAWN = "WITHDRAWN", _("철회")


class HandDecision(PublicObject):
    """
    What became of an attempt, decided by two people against evidence because the bank does not say.

    One person proposes, another confirms; what was proposed stays as it was. `executed_on` is the Seoul day on which
    the bank moved the money, for SUCCEEDED.
    """

    attempt = models.ForeignKey(Attempt, on_delete=models.PROTECT, related_name="decisions")
    outcome = models.CharField(max_length=9, choices=HandOutcome.choices)
    evidence = models.TextField()
    executed_on = models.DateField(null=True)
    fence = models.BigIntegerField()
    proposed_by_id = models.BigIntegerField()
    proposed_by = models.CharField(max_length=200)
    proposed_at = models.DateTimeField()
    state = models.CharField(max_length=9, choices=DecisionState.choices, default=DecisionState.PROPOSED)
    decided_by_id = models.BigIntegerField(null=True)
    decided_by = models.CharField(max_length=200, blank=True)
    decided_at = models.DateTimeField(null=True)
    reason = models.TextField(blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["merchant_id", "is_test", "public_id"], name="payouts_decision_id"),
            models.UniqueConstraint(
                fields=["attempt"], condition=Q(state="PROPOSED"), name="payouts_one_open_decision"
            ),
            models.CheckConstraint(condition=~Q(evidence=""), name="payouts_decision_has_evidence"),
            models.CheckConstraint(
                condition=Q(outcome="SUCCEEDED", executed_on__isnull=False)
                | ~Q(outcome="SUCCEEDED") & Q(executed_on=None),
                name="payouts_decision_says_when",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=("CONFIRMED", "REJECTED"))
                | Q(decided_by_id__isnull=False) & ~Q(decided_by_id=F("proposed_by_id")),
                name="payouts_another_person_confirms",
            ),
        )


class HandPayment(models.Model):
    """
    How a bulk payout was paid by hand: on which Seoul day, and what proves it. Insert-only, one per bulk payout.

    It is stored before the bulk payout is submitted, so whoever approves the content has seen it.
    """

    bulk_payout = models.OneToOneField(
        BulkPayout, on_delete=models.PROTECT, primary_key=True, related_name="hand_payment"
    )
    completed_on = models.DateField()
    evidence = models.TextField()
    file_reference = models.CharField(max_length=200, blank=True)
    recorded_by = models.CharField(max_length=200)
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = (models.CheckConstraint(condition=~Q(evidence=""), name="payouts_hand_payment_has_evidence"),)

    def __str__(self) -> str:
        return str(self.bulk_payout_id)


class Movement(models.Model):
    """
    One entry on a bank account of the merchant's own, with what the books say is there after it; a view of the ledger.

    `balance_after` counts the account's entries in the order they were posted, whatever else a list is limited to.
    """

    pk = models.CompositePrimaryKey("journal_id", "leg_no")
    journal = models.ForeignKey(Journal, on_delete=models.DO_NOTHING, related_name="+")
    leg_no = models.SmallIntegerField()
    account = models.ForeignKey(Account, on_delete=models.DO_NOTHING, related_name="+")
    merchant_id = models.BigIntegerField()
    is_test = models.BooleanField()
    owner = models.CharField(max_length=300)
    currency = models.CharField(max_length=3)
    amount = models.BigIntegerField()
    balance_after = models.BigIntegerField()

    class Meta:
        managed = False
        db_table = "payouts_movement"

    def __str__(self) -> str:
        return f"J{self.journal_id}/{self.leg_no} {self.amount}"


class TransferFileState(models.TextChoices):
    """Where a file of transfers is."""

    MADE = "MADE", _("받기 전")
    DOWNLOADED = "DOWNLOADED", _("은행 결과 대기")
    RESULT_READ = "RESULT_READ", _("결과 확인")
    WITHDRAWN = "WITHDRAWN", _("철회됨")


class TransferFileForm(models.TextChoices):
    """The formats in which a file of transfers can be taken."""

    XLSX = "xlsx", _("엑셀 (XLSX)")
    CSV = "csv", _("CSV")
    PAIN001 = "pain001", _("ISO 20022 (pain.001)")


class TransferFile(PublicObject):
    """
    Transfers that leave in one file, which a person carries to the bank.

    Its commit is the point of no return of its transfers. What is in it is frozen by `content_hash`; its bytes exist
    from the first download on, encrypted, and are the same at every later one.
    """

    bulk_payout = models.ForeignKey(BulkPayout, on_delete=models.PROTECT, related_name="transfer_files")
    bank_account = models.ForeignKey(BankAccount, on_delete=models.PROTECT, related_name="transfer_files")
    state = models.CharField(max_length=11, choices=TransferFileState.choices, default=TransferFileState.MADE)
    state_changed_at = models.DateTimeField()
    day = models.DateField()
    line_count = models.IntegerField()
    total_amount = models.BigIntegerField()
    content_hash = models.CharField(max_length=64)
    form = models.CharField(max_length=7, choices=TransferFileForm.choices, blank=True)
    content = models.BinaryField(null=True)
    content_key = models.BinaryField(null=True)
    sha256 = models.CharField(max_length=64, blank=True)
    downloads = models.IntegerField(default=0)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["merchant_id", "is_test", "public_id"], name="payouts_transfer_file_id"),
            models.CheckConstraint(condition=Q(line_count__gt=0, total_amount__gt=0), name="payouts_file_not_empty"),
            models.CheckConstraint(
                condition=Q(form="", content=None, content_key=None, sha256="")
                | ~Q(form="") & Q(content__isnull=False, content_key__isnull=False) & ~Q(sha256=""),
                name="payouts_file_bytes_whole",
            ),
        )
        indexes = (models.Index(fields=["merchant_id", "is_test", "-created_at", "-id"], name="payouts_file_list"),)


class TransferFileLine(models.Model):
    """One transfer of a file: an attempt under the hold (`fence`) with which it went in. Insert-only."""

    transfer_file = models.ForeignKey(TransferFile, on_delete=models.PROTECT, related_name="lines", db_index=False)
    line_no = models.IntegerField()
    attempt = models.ForeignKey(Attempt, on_delete=models.PROTECT, related_name="file_lines", db_index=False)
    fence = models.BigIntegerField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["transfer_file", "line_no"], name="payouts_file_line_no"),
            models.UniqueConstraint(fields=["attempt", "fence"], name="payouts_in_one_file"),
        )

    def __str__(self) -> str:
        return f"{self.transfer_file_id}/{self.line_no}"


class TransferFileDownload(models.Model):
    """That somebody took a file. Insert-only."""

    transfer_file = models.ForeignKey(TransferFile, on_delete=models.PROTECT, related_name="taken")
    by_id = models.BigIntegerField(null=True)
    by = models.CharField(max_length=200)
    address = models.CharField(max_length=100, blank=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.transfer_file_id} {self.by}"


class FileWithdrawal(PublicObject):
    """
    That a file was certainly not given to the bank, said by one person and confirmed by another.

    What was proposed stays. `downloads` is how often the file had been taken when it was proposed.
    """

    transfer_file = models.ForeignKey(TransferFile, on_delete=models.PROTECT, related_name="withdrawals")
    evidence = models.TextField()
    downloads = models.IntegerField()
    proposed_by_id = models.BigIntegerField()
    proposed_by = models.CharField(max_length=200)
    proposed_at = models.DateTimeField()
    state = models.CharField(max_length=9, choices=DecisionState.choices, default=DecisionState.PROPOSED)
    decided_by_id = models.BigIntegerField(null=True)
    decided_by = models.CharField(max_length=200, blank=True)
    decided_at = models.DateTimeField(null=True)
    reason = models.TextField(blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["merchant_id", "is_test", "public_id"], name="payouts_withdrawal_id"),
            models.UniqueConstraint(
                fields=["transfer_file"], condition=Q(state="PROPOSED"), name="payouts_one_open_withdrawal"
            ),
            models.CheckConstraint(condition=~Q(evidence=""), name="payouts_withdrawal_has_evidence"),
            models.CheckConstraint(
                condition=~Q(state__in=("CONFIRMED", "REJECTED"))
                | Q(decided_by_id__isnull=False) & ~Q(decided_by_id=F("proposed_by_id")),
                name="payouts_another_person_withdraws",
            ),
        )


class TransferResultState(models.TextChoices):
    """Where a result file is."""

    CHECKED = "CHECKED", _("확인 전")
    CONFIRMED = "CONFIRMED", pgettext_lazy("transfer result", "반영됨")
    DISCARDED = "DISCARDED", _("버림")


class TransferResult(PublicObject):
    """
    A result file of the bank: what it would do is shown before anybody confirms it.

    The bytes are kept encrypted and do not change; `summary` is what was found in them, when it was read and again when
    it was confirmed.
    """

    transfer_file = models.ForeignKey(TransferFile, on_delete=models.PROTECT, related_name="results")
    name = models.CharField(max_length=200)
    form = models.CharField(max_length=10)
    sha256 = models.CharField(max_length=64)
    content = models.BinaryField()
    content_key = models.BinaryField()
    state = models.CharField(max_length=9, choices=TransferResultState.choices, default=TransferResultState.CHECKED)
    summary = models.JSONField()
    read_by_id = models.BigIntegerField(null=True)
    read_by = models.CharField(max_length=200)
    read_at = models.DateTimeField()
    decided_by_id = models.BigIntegerField(null=True)
    decided_by = models.CharField(max_length=200, blank=True)
    decided_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["merchant_id", "is_test", "public_id"], name="payouts_transfer_result_id"),
            models.UniqueConstraint(
                fields=["transfer_file", "sha256"], condition=~Q(state="DISCARDED"), name="payouts_result_once"
            ),
            models.CheckConstraint(
                condition=Q(state="CHECKED", decided_at=None) | ~Q(state="CHECKED") & Q(decided_at__isnull=False),
                name="payouts_result_decided",
            ),
        )

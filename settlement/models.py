"""
Tables of settlement.

Partners and the terms they are settled by (contracts and policies keep every version), settlement records (one order,
one order cancel or one manual adjustment), partner settlements (records added up), and the claims through which a
payout takes partner settlements. Amounts are minor units; days are Seoul days.
"""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from core.scope import ScopedModel

PUBLIC_ID_LENGTH = 300


class VatPayer(models.TextChoices):
    """Who bears the VAT of a fee."""

    PARTNER = "PARTNER", _("파트너")
    MERCHANT = "MERCHANT", _("고객사")


class CycleMethod(models.TextChoices):
    """On which days a cycle settles."""

    DAILY = "DAILY", _("매일")
    WEEKLY = "WEEKLY", _("매주")
    MONTHLY = "MONTHLY", _("매월")
    MANUAL_DATES = "MANUAL_DATES", _("날짜 지정")


class DatePolicy(models.TextChoices):
    """What happens when the nominal day is not a business day."""

    HOLIDAY_BEFORE = "HOLIDAY_BEFORE", _("직전 영업일")
    HOLIDAY_AFTER = "HOLIDAY_AFTER", _("다음 영업일")
    CALENDAR_DAY = "CALENDAR_DAY", _("휴일 무관")


class PartnerType(models.TextChoices):
    """What kind of taxpayer a partner is."""

    BUSINESS = "BUSINESS", _("사업자")
    WHT_PAYER = "WHT_PAYER", _("원천징수 대상자")
    NON_WHT_PAYER = "NON_WHT_PAYER", _("원천징수 비대상자")


class TaxationType(models.TextChoices):
    """How a business is taxed."""

    NORMAL = "NORMAL", _("일반 과세")
    SIMPLE_TAX_INVOICE_ISSUER = "SIMPLE_TAX_INVOICE_ISSUER", _("간이 과세(세금계산서 발행)")
    SIMPLE = "SIMPLE", _("간이 과세(세금계산서 미발행)")
    TAX_FREE = "TAX_FREE", _("면세")


class PartnerStatus(models.TextChoices):
    """Whether a partner may be settled with."""

    PENDING = "PENDING", _("승인 대기")
    APPROVED = "APPROVED", _("승인")
    REJECTED = "REJECTED", _("거절")


class AccountStatus(models.TextChoices):
    """What the account holder look-up said."""

    VERIFIED = "VERIFIED", _("예금주 일치")
    VERIFY_FAILED = "VERIFY_FAILED", _("예금주 불일치")
    VERIFY_ERROR = "VERIFY_ERROR", _("조회 오류")
    NOT_VERIFIED = "NOT_VERIFIED", _("미조회")
    UNKNOWN = "UNKNOWN", _("알 수 없음")


class BusinessStatus(models.TextChoices):
    """What the tax office says about a business."""

    NOT_VERIFIED = "NOT_VERIFIED", _("미조회")
    VERIFY_ERROR = "VERIFY_ERROR", _("조회 오류")
    NOT_FOUND = "NOT_FOUND", _("미등록")
    IN_BUSINESS = "IN_BUSINESS", _("계속 사업자")
    CLOSED = "CLOSED", _("폐업")
    SUSPENDED = "SUSPENDED", _("휴업")


class RecordType(models.TextChoices):
    """What a settlement record is about."""

    ORDER = "ORDER", _("주문")
    ORDER_CANCEL = "ORDER_CANCEL", _("주문 취소")
    MANUAL = "MANUAL", _("수기 정산")


class RecordState(models.TextChoices):
    """Stored states of a record; everything after SETTLED is read through the claim of its partner settlement."""

    SCHEDULED = "SCHEDULED", _("정산 예정")
    IN_PROCESS = "IN_PROCESS", _("정산 중")
    SETTLED = "SETTLED", _("정산 확정")
    VOIDED = "VOIDED", _("삭제")


class RecordStatus(models.TextChoices):
    """Statuses of a record as pages and the API show them."""

    SCHEDULED = "SCHEDULED", _("정산 예정")
    IN_PROCESS = "IN_PROCESS", _("정산 중")
    SETTLED = "SETTLED", _("정산 확정")
    PAYOUT_CONFIRMED = "PAYOUT_CONFIRMED", _("지급 확정")
    IN_PAYOUT = "IN_PAYOUT", _("지급 중")
    PAID_OUT = "PAID_OUT", _("지급 완료")


class SettlementState(models.TextChoices):
    """Stored states of a partner settlement: what a person decided about it."""

    PAYOUT_PREPARED = "PAYOUT_PREPARED", pgettext_lazy("settlement", "지급 예정")
    PAYOUT_WITHHELD = "PAYOUT_WITHHELD", _("지급 보류")
    PAYOUT_EXCLUDED = "PAYOUT_EXCLUDED", _("지급 제외")
    VOIDED = "VOIDED", _("삭제")


class SettlementStatus(models.TextChoices):
    """Statuses of a partner settlement as pages and the API show them."""

    PAYOUT_PREPARED = "PAYOUT_PREPARED", pgettext_lazy("settlement", "지급 예정")
    PAYOUT_WITHHELD = "PAYOUT_WITHHELD", _("지급 보류")
    PAYOUT_EXCLUDED = "PAYOUT_EXCLUDED", _("지급 제외")
    CONFIRMED = "CONFIRMED", _("지급 확정")
    PAYOUT_SCHEDULED = "PAYOUT_SCHEDULED", _("지급 예약")
    IN_PAYOUT = "IN_PAYOUT", _("지급 중")
    PAID_OUT = "PAID_OUT", _("지급 완료")
    PAYOUT_FAILED = "PAYOUT_FAILED", _("지급 실패")
    CANCELLED = "CANCELLED", _("지급 취소")


class HoldReason(models.TextChoices):
    """Why money sits in the held account."""

    NONE = "", _("없음")
    OPERATOR = "OPERATOR", _("담당자 보류")
    ACCOUNT = "ACCOUNT", _("계좌 확인 필요")
    COMPLIANCE = "COMPLIANCE", _("준법 검토")


class SettlementAmountType(models.TextChoices):
    """Whether settlement amounts of a taxable business contain VAT."""

    GROSS = "GROSS", _("부가세 포함")
    NET = "NET", _("부가세 별도")


class Rounding(models.TextChoices):
    """How a formula's result becomes whole minor units."""

    DOWN = "DOWN", _("버림")
    UP = "UP", _("올림")
    OFF = "OFF", _("반올림")


class Setting(ScopedModel):
    """Settlement settings, one row per merchant and environment."""

    default_withdrawal_memo = models.CharField(max_length=100, blank=True)
    default_deposit_memo = models.CharField(max_length=100, blank=True)
    supports_multiple_order_transfers_per_partner = models.BooleanField(default=False)
    adjust_settlement_date_after_holiday_if_earlier = models.BooleanField(default=True)
    deduct_wht = models.BooleanField(default=True)
    settlement_amount_type = models.CharField(
        max_length=5, choices=SettlementAmountType.choices, default=SettlementAmountType.GROSS
    )
    manual_settlement_per_transfer = models.BooleanField(default=False)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["merchant_id", "is_test"], name="settlement_setting_scope"),)

    def __str__(self) -> str:
        return f"settings of {self.merchant_id}"


class Calculator(ScopedModel):
    """
    One version of a merchant's calculation: rounding modes, replaced formulas and own ones.

    It counts for start dates on or after the day of `applied_at`; before the first version the defaults count. It is
    never changed. A version whose moment lies ahead may be withdrawn, and there is one such at most.
    """

    number = models.IntegerField()
    applied_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now())
    created_by = models.CharField(max_length=200, blank=True)
    memo = models.TextField(blank=True)
    rounding_platform_fee = models.CharField(max_length=4, choices=Rounding.choices, default=Rounding.DOWN)
    rounding_discount_share = models.CharField(max_length=4, choices=Rounding.choices, default=Rounding.DOWN)
    rounding_additional_fee = models.CharField(max_length=4, choices=Rounding.choices, default=Rounding.DOWN)
    rounding_settlement = models.CharField(max_length=4, choices=Rounding.choices, default=Rounding.DOWN)
    rounding_vat = models.CharField(max_length=4, choices=Rounding.choices, default=Rounding.DOWN)
    # Name of a default formula -> the expression that replaces it; a missing name keeps the default.
    replaced = models.JSONField(default=dict, blank=True)
    # The merchant's own formulas in the order they are computed: {"key", "name", "expression", "rounding"}.
    own = models.JSONField(default=list, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["merchant_id", "is_test", "number"], name="settlement_calculator_number"),
        )

    def __str__(self) -> str:
        return f"calculation v{self.number}"


class SettlementParameter(ScopedModel):
    """A number that orders may bring along for formulas; its value is `decimal` x 10^-`scale`."""

    key = models.CharField(max_length=64)
    name = models.CharField(max_length=100)
    decimal = models.BigIntegerField(default=0)
    scale = models.SmallIntegerField(default=0)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["merchant_id", "is_test", "key"], name="settlement_parameter_key"),
            models.CheckConstraint(condition=Q(scale__gte=0, scale__lte=5), name="settlement_parameter_scale"),
        )

    def __str__(self) -> str:
        return self.key


class PropertyTarget(models.TextChoices):
    """What a custom property describes."""

    PARTNER = "PARTNER", _("파트너")
    RECORD = "RECORD", _("정산건")


class CustomProperty(ScopedModel):
    """A property that the merchant defined for its partners or records; secret ones are for owners and admins."""

    target = models.CharField(max_length=7, choices=PropertyTarget.choices)
    key = models.CharField(max_length=64)
    name = models.CharField(max_length=100)
    is_secret = models.BooleanField(default=False)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["merchant_id", "is_test", "target", "key"], name="settlement_property_key"),
        )

    def __str__(self) -> str:
        return self.key


class Holiday(ScopedModel):
    """A day on which banks are closed, weekends aside; people may add and remove days."""

    day = models.DateField()
    name = models.CharField(max_length=100)
    added_by = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["merchant_id", "is_test", "day"], name="settlement_holiday_once"),
        )

    def __str__(self) -> str:
        return f"{self.day} {self.name}"


class Fee(models.Model):
    """A fee: a rate in 1/100000 of the order amount or a fixed amount in won, never both."""

    fee_rate = models.IntegerField(default=0)
    fee_amount = models.BigIntegerField(default=0)
    fee_is_fixed = models.BooleanField(default=False)
    vat_payer = models.CharField(max_length=8, choices=VatPayer.choices)

    class Meta:
        abstract = True


class PublicObject(ScopedModel):
    """Something with an id that callers choose or we generate."""

    public_id = models.CharField(max_length=PUBLIC_ID_LENGTH)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.public_id


class HolidayChangeState(models.TextChoices):
    """How far a change of the holidays is."""

    PREVIEW = "PREVIEW", _("미리 보기")
    APPLIED = "APPLIED", _("적용 완료")


class HolidayChange(PublicObject):
    """
    Days to be added to the holidays or taken from them, with the settlement dates that move because of it.

    Worked out before anything changes and applied as it was shown; `added` and `removed` map a day to its name.
    """

    added = models.JSONField(default=dict)
    removed = models.JSONField(default=dict)
    state = models.CharField(max_length=7, choices=HolidayChangeState.choices, default=HolidayChangeState.PREVIEW)
    record_count = models.BigIntegerField(default=0)
    partner_count = models.BigIntegerField(default=0)
    created_by = models.CharField(max_length=200, blank=True)
    applied_at = models.DateTimeField(null=True)
    applied_by = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["merchant_id", "is_test", "public_id"], name="settlement_holiday_change_id"
            ),
        )


class HolidayMove(ScopedModel):
    """A record whose settlement date moves by a change of the holidays."""

    change = models.ForeignKey(HolidayChange, on_delete=models.CASCADE, related_name="moves", db_index=False)
    record = models.ForeignKey("SettlementRecord", on_delete=models.PROTECT, related_name="+", db_index=False)
    old_date = models.DateField()
    new_date = models.DateField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["change", "record"], name="settlement_holiday_move_once"),)
        indexes = (models.Index(fields=["change", "old_date", "id"], name="settlement_holiday_move_list"),)

    def __str__(self) -> str:
        return f"{self.record_id}: {self.old_date} to {self.new_date}"


class HolidayMovePartner(ScopedModel):
    """What a change of the holidays moves for one partner and currency, added up; the amount is signed."""

    change = models.ForeignKey(HolidayChange, on_delete=models.CASCADE, related_name="partners", db_index=False)
    partner = models.ForeignKey("Partner", on_delete=models.PROTECT, related_name="+", db_index=False)
    currency = models.CharField(max_length=3)
    record_count = models.BigIntegerField()
    amount = models.DecimalField(max_digits=30, decimal_places=0)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["change", "partner", "currency"], name="settlement_holiday_move_partner_once"
            ),
        )
        indexes = (models.Index(fields=["change", "-record_count", "-id"], name="settlement_holiday_move_by"),)

    def __str__(self) -> str:
        return f"{self.change_id}/{self.partner_id} {self.currency}"


class Versioned(PublicObject):
    """A policy whose terms are kept in versions; the version tables hold what it says."""

    is_archived = models.BooleanField(default=False)

    class Meta:
        abstract = True


class Version(models.Model):
    """
    One version of a policy, never changed: a planned one that is dropped or replaced is withdrawn and counts no more.

    Orders of days to come may have been computed by a withdrawn version, so it stays.
    """

    number = models.IntegerField()
    applied_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True)
    name = models.CharField(max_length=200)
    memo = models.TextField(blank=True)
    created_by = models.CharField(max_length=200, blank=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.name} v{self.number}"


class Contract(Versioned):
    """Commission and settlement cycle that apply to a partner."""

    current = models.ForeignKey("ContractVersion", on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["merchant_id", "is_test", "public_id"], name="settlement_contract_id"),
        )


class ContractVersion(Fee, Version):
    """The terms of a contract from `applied_at` on."""

    contract = models.ForeignKey(Contract, on_delete=models.PROTECT, related_name="versions", db_index=False)
    subtract_payment_vat = models.BooleanField(default=False)
    lag_days = models.SmallIntegerField()
    cycle_method = models.CharField(max_length=12, choices=CycleMethod.choices)
    # WEEKLY: 0 = Monday … 6 = Sunday. MONTHLY: 1 … 31, 31 being the last day of the month.
    cycle_days = ArrayField(models.SmallIntegerField(), default=list, blank=True)
    # MANUAL_DATES: month * 100 + day.
    cycle_dates = ArrayField(models.SmallIntegerField(), default=list, blank=True)
    date_policy = models.CharField(max_length=14, choices=DatePolicy.choices)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["contract", "number"], name="settlement_contract_version"),
            models.CheckConstraint(condition=Q(lag_days__gte=0, lag_days__lte=10), name="settlement_contract_lag"),
            models.CheckConstraint(
                condition=Q(fee_rate__gte=0, fee_amount__gte=0) & (Q(fee_rate=0) | Q(fee_amount=0)),
                name="settlement_contract_one_fee",
            ),
        )


class DiscountSharePolicy(Versioned):
    """What part of a discount the partner bears."""

    current = models.ForeignKey("DiscountSharePolicyVersion", on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["merchant_id", "is_test", "public_id"], name="settlement_discount_policy_id"
            ),
        )


class DiscountSharePolicyVersion(Version):
    """The partner's share, in 1/100000 of the discount, from `applied_at` on."""

    policy = models.ForeignKey(DiscountSharePolicy, on_delete=models.PROTECT, related_name="versions", db_index=False)
    partner_share_rate = models.IntegerField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["policy", "number"], name="settlement_discount_policy_version"),
            models.CheckConstraint(
                condition=Q(partner_share_rate__gte=0, partner_share_rate__lte=100_000),
                name="settlement_discount_share_rate",
            ),
        )


class AdditionalFeePolicy(Versioned):
    """An extra fee charged on an order."""

    current = models.ForeignKey("AdditionalFeePolicyVersion", on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["merchant_id", "is_test", "public_id"], name="settlement_fee_policy_id"),
        )


class AdditionalFeePolicyVersion(Fee, Version):
    """The terms of an additional fee from `applied_at` on; with a third party it is owed onward."""

    policy = models.ForeignKey(AdditionalFeePolicy, on_delete=models.PROTECT, related_name="versions", db_index=False)
    third_party = models.CharField(max_length=100, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["policy", "number"], name="settlement_fee_policy_version"),
            models.CheckConstraint(
                condition=Q(fee_rate__gte=0, fee_amount__gte=0) & (Q(fee_rate=0) | Q(fee_amount=0)),
                name="settlement_fee_policy_one_fee",
            ),
        )


class Partner(PublicObject):
    """
    The seller, creator or host who is owed money.

    The account number is sealed; its last four digits and a keyed fingerprint stand beside it for display and search.
    `account_confirmed` is false while a changed account waits for an approver, and payouts to it wait too.
    """

    name = models.CharField(max_length=200)
    contact_name = models.CharField(max_length=200)
    contact_phone = models.CharField(max_length=50, blank=True)
    contact_email = models.CharField(max_length=320)
    default_contract = models.ForeignKey(Contract, on_delete=models.PROTECT, related_name="partners")
    status = models.CharField(max_length=8, choices=PartnerStatus.choices, default=PartnerStatus.APPROVED)
    type = models.CharField(max_length=13, choices=PartnerType.choices)
    memo = models.CharField(max_length=256, blank=True)
    tags = ArrayField(models.CharField(max_length=100), default=list, blank=True)
    user_defined_properties = models.JSONField(default=dict, blank=True)
    is_archived = models.BooleanField(default=False)
    applied_at = models.DateTimeField(db_default=Now())

    bank = models.CharField(max_length=40)
    account_currency = models.CharField(max_length=3, default="KRW")
    account_number_sealed = models.BinaryField()
    account_last4 = models.CharField(max_length=4)
    account_fingerprint = models.CharField(max_length=64)
    account_holder = models.CharField(max_length=200)
    account_status = models.CharField(max_length=13, choices=AccountStatus.choices, default=AccountStatus.NOT_VERIFIED)
    account_confirmed = models.BooleanField(default=True)
    account_changed_at = models.DateTimeField(null=True)

    company_name = models.CharField(max_length=200, blank=True)
    taxation_type = models.CharField(max_length=26, choices=TaxationType.choices, blank=True)
    business_status = models.CharField(
        max_length=13, choices=BusinessStatus.choices, default=BusinessStatus.NOT_VERIFIED
    )
    business_registration_number = models.CharField(max_length=20, blank=True)
    representative_name = models.CharField(max_length=200, blank=True)
    company_address = models.CharField(max_length=400, blank=True)
    business_type = models.CharField(max_length=100, blank=True)
    business_class = models.CharField(max_length=100, blank=True)
    birthdate = models.DateField(null=True, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["merchant_id", "is_test", "public_id"], name="settlement_partner_id"),
            models.CheckConstraint(
                condition=Q(type="BUSINESS") & ~Q(taxation_type="") | ~Q(type="BUSINESS") & Q(taxation_type=""),
                name="settlement_partner_taxation",
            ),
        )
        indexes = (
            models.Index(fields=["merchant_id", "is_test", "-created_at", "-id"], name="settlement_partner_list"),
            models.Index(fields=["merchant_id", "is_test", "account_fingerprint"], name="settlement_partner_account"),
        )


class ScheduleTarget(models.TextChoices):
    """What a scheduled change is about."""

    CONTRACT = "CONTRACT", _("계약")
    DISCOUNT_SHARE_POLICY = "DISCOUNT_SHARE_POLICY", _("할인 분담 정책")
    ADDITIONAL_FEE_POLICY = "ADDITIONAL_FEE_POLICY", _("추가 수수료 정책")
    PARTNER = "PARTNER", _("파트너")


class Schedule(ScopedModel):
    """
    The one change of a policy or partner that waits for its moment.

    A policy's change is `update` (version columns) and also stands as a version with a moment to come (`version_id`),
    so that start dates from that day on are computed with it. A partner's change is `sealed_update`, because it may
    hold an account number; `update` then names what changes, without the number.
    """

    target = models.CharField(max_length=21, choices=ScheduleTarget.choices)
    target_id = models.BigIntegerField()
    update = models.JSONField(default=dict)
    sealed_update = models.BinaryField(null=True)
    version_id = models.BigIntegerField(null=True)
    applied_at = models.DateTimeField()
    created_at = models.DateTimeField(db_default=Now())
    created_by = models.CharField(max_length=200, blank=True)
    # Why the change could not be made when its moment came; empty while it waits.
    failure = models.TextField(blank=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["target", "target_id"], name="settlement_schedule_once"),)
        indexes = (models.Index(fields=["applied_at"], name="settlement_schedule_due"),)

    def __str__(self) -> str:
        return f"{self.target} {self.target_id} at {self.applied_at}"


class AccountVerification(PublicObject):
    """What a look-up of an account holder said; it spares a partner one look-up, once."""

    bank = models.CharField(max_length=40)
    account_fingerprint = models.CharField(max_length=64)
    holder = models.CharField(max_length=200)
    used_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["merchant_id", "is_test", "public_id"], name="settlement_account_verification_id"
            ),
        )


class CompanyVerification(PublicObject):
    """What a look-up of a business said about its registration number."""

    business_registration_number = models.CharField(max_length=20)
    business_status = models.CharField(max_length=13, choices=BusinessStatus.choices)
    taxation_type = models.CharField(max_length=26)
    used_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["merchant_id", "is_test", "public_id"], name="settlement_company_verification_id"
            ),
        )


class AmountColumns(models.Model):
    """The wire's amount block, in minor units; magnitudes, the type of the record carries the sign."""

    settlement = models.BigIntegerField(default=0)
    settlement_tax_free = models.BigIntegerField(default=0)
    payment = models.BigIntegerField(default=0)
    payment_vat = models.BigIntegerField(default=0)
    payment_vat_burden = models.BigIntegerField(default=0)
    payment_tax_free = models.BigIntegerField(default=0)
    payment_supply = models.BigIntegerField(default=0)
    order_amount = models.BigIntegerField(default=0)
    order_tax_free = models.BigIntegerField(default=0)
    platform_fee = models.BigIntegerField(default=0)
    platform_fee_vat = models.BigIntegerField(default=0)
    additional_fee = models.BigIntegerField(default=0)
    additional_fee_vat = models.BigIntegerField(default=0)
    discount = models.BigIntegerField(default=0)
    discount_tax_free = models.BigIntegerField(default=0)
    discount_share = models.BigIntegerField(default=0)
    discount_share_tax_free = models.BigIntegerField(default=0)

    class Meta:
        abstract = True


# Column of the table -> field of `settlement.fees.Amounts`; they differ in one name, because `order` is a key here.
AMOUNT_COLUMNS: dict[str, str] = {
    field.name: "order" if field.name == "order_amount" else field.name
    for field in AmountColumns._meta.local_fields  # noqa: SLF001 - public in all but name
}


class PartnerSettlement(PublicObject, AmountColumns):
    """
    Records of one partner, contract, type, settlement date and currency, added up.

    `net` is signed (cancels negative); the amount block holds magnitudes. `state` is what a person decided and counts
    while no claim newer than `state_claim_no` exists; after that the latest claim's payout says the status.
    """

    partner = models.ForeignKey(Partner, on_delete=models.PROTECT, related_name="settlements", db_index=False)
    contract = models.ForeignKey(Contract, on_delete=models.PROTECT, null=True, related_name="+")
    type = models.CharField(max_length=12, choices=RecordType.choices)
    settlement_date = models.DateField()
    currency = models.CharField(max_length=3)
    state = models.CharField(max_length=15, choices=SettlementState.choices, default=SettlementState.PAYOUT_PREPARED)
    state_changed_at = models.DateTimeField(db_default=Now())
    state_claim_no = models.IntegerField(default=0)
    # Set exactly while the positive part of its money lies in the held account.
    hold_reason = models.CharField(max_length=10, choices=HoldReason.choices, default=HoldReason.NONE, blank=True)
    memo = models.TextField(blank=True)
    record_count = models.IntegerField(default=0)
    start_from = models.DateField(null=True)
    start_until = models.DateField(null=True)
    net = models.BigIntegerField(default=0)
    net_tax_free = models.BigIntegerField(default=0)
    # What its records put into the partner's payable account (positive nets) and into the receivable (negative ones).
    credit_total = models.BigIntegerField(default=0)
    debit_total = models.BigIntegerField(default=0)
    # Counters that end the keys of its journals: how often records matured into it, how often it was held or released.
    maturity_no = models.IntegerField(default=0)
    hold_no = models.IntegerField(default=0)
    # Whether its records already are what must be paid (vendors' invoices): no VAT is added, no tax withheld.
    paid_as_is = models.BooleanField(default=False, db_default=False)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["merchant_id", "is_test", "public_id"], name="settlement_partner_settlement_id"
            ),
            models.CheckConstraint(
                condition=Q(type="ORDER_CANCEL", net=-F("settlement"), net_tax_free=-F("settlement_tax_free"))
                | ~Q(type="ORDER_CANCEL") & Q(net=F("settlement"), net_tax_free=F("settlement_tax_free")),
                name="settlement_partner_settlement_sign",
            ),
            models.CheckConstraint(
                condition=Q(credit_total__gte=0, debit_total__gte=0, net=F("credit_total") - F("debit_total")),
                name="settlement_partner_settlement_sides",
            ),
            models.CheckConstraint(
                condition=Q(type="MANUAL", contract__isnull=True) | ~Q(type="MANUAL") & Q(contract__isnull=False),
                name="settlement_partner_settlement_contract",
            ),
        )
        indexes = (
            models.Index(fields=["merchant_id", "is_test", "-settlement_date", "-id"], name="settlement_ps_list"),
            models.Index(fields=["partner", "type", "settlement_date", "currency"], name="settlement_ps_key"),
        )


class SettlementRecord(PublicObject, AmountColumns):
    """
    The smallest computed unit: one order, one order cancel or one manual adjustment of one partner.

    The amounts are those of the terms in `contract_version`, `discounts`, `additional_fees` and `lines`, which name the
    policy versions used; they never change afterwards. `net` is the signed settlement amount.

    Its laws stand in `migrations/sql/0018_records_at_home.up.sql`, and some for changes in `0014_new_records.up.sql`:
    `settlement_record_shape` (what each type points at), `_sign` (a cancel's net is the negative of its settlement),
    `_settled_somewhere` and `_date_not_before_start`, and `settlement_same_scope` (what it points at is there).
    """

    type = models.CharField(max_length=12, choices=RecordType.choices)
    # What a record points at is there, and at home in its scope, by the law `settlement_same_scope`.
    partner = models.ForeignKey(
        Partner, on_delete=models.PROTECT, related_name="records", db_index=False, db_constraint=False
    )
    contract_version = models.ForeignKey(
        ContractVersion, on_delete=models.PROTECT, null=True, related_name="+", db_index=False, db_constraint=False
    )
    order = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, related_name="cancels", db_index=False, db_constraint=False
    )
    state = models.CharField(max_length=10, choices=RecordState.choices)
    state_changed_at = models.DateTimeField(db_default=Now())
    start_date = models.DateField(null=True)
    settlement_date = models.DateField()
    # Dates named in the request are never moved.
    date_is_given = models.BooleanField(default=False)
    currency = models.CharField(max_length=3)
    net = models.BigIntegerField()
    net_tax_free = models.BigIntegerField()
    partner_settlement = models.ForeignKey(
        PartnerSettlement,
        on_delete=models.PROTECT,
        null=True,
        related_name="records",
        db_index=False,
        db_constraint=False,
    )

    payment_id = models.CharField(max_length=PUBLIC_ID_LENGTH, blank=True)
    order_name = models.CharField(max_length=400, blank=True)
    payment_method = models.JSONField(default=dict, blank=True)
    paid_at = models.DateTimeField(null=True)
    cancellation_id = models.CharField(max_length=PUBLIC_ID_LENGTH, blank=True)
    cancelled_at = models.DateTimeField(null=True)
    lines = models.JSONField(default=list, blank=True)
    discounts = models.JSONField(default=list, blank=True)
    additional_fees = models.JSONField(default=list, blank=True)
    # Key of a settlement parameter -> {"decimal", "decimalScale"} as it was used.
    parameters = models.JSONField(default=dict, blank=True)
    # The calculation it was computed by, null for the defaults, and what the merchant's own formulas gave.
    calculator = models.ForeignKey(
        Calculator, on_delete=models.PROTECT, null=True, related_name="+", db_index=False, db_constraint=False
    )
    formula_results = models.JSONField(default=dict, db_default=Value({}, models.JSONField()), blank=True)
    user_defined_properties = models.JSONField(default=list, blank=True)
    # The VAT inside a fee whose VAT the merchant bears: revenue and VAT are posted apart.
    platform_fee_vat_inside = models.BigIntegerField(default=0)
    additional_fee_vat_inside = models.BigIntegerField(default=0)
    reason = models.CharField(max_length=30, blank=True)
    memo = models.TextField(blank=True)
    # Whether the amount already is what must be paid: a vendor's invoice.
    paid_as_is = models.BooleanField(default=False, db_default=False)
    origin_kind = models.CharField(max_length=30, blank=True)
    origin_id = models.CharField(max_length=PUBLIC_ID_LENGTH, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["merchant_id", "is_test", "public_id"], name="settlement_record_id"),
            models.UniqueConstraint(
                fields=["order", "cancellation_id"],
                condition=Q(type="ORDER_CANCEL") & ~Q(state="VOIDED"),
                name="settlement_record_cancellation_once",
            ),
        )
        indexes = (
            models.Index(fields=["merchant_id", "is_test", "-settlement_date", "-id"], name="settlement_record_list"),
            models.Index(fields=["partner", "-settlement_date", "-id"], name="settlement_record_partner"),
            models.Index(fields=["payment_id", "merchant_id", "is_test"], name="settlement_record_payment"),
            models.Index(
                fields=["partner_settlement", "id"],
                condition=Q(partner_settlement__isnull=False),
                name="settlement_record_of_ps",
            ),
            models.Index(
                fields=["settlement_date"], condition=Q(state="IN_PROCESS"), name="settlement_record_maturing"
            ),
            models.Index(fields=["start_date"], condition=Q(state="SCHEDULED"), name="settlement_record_starting"),
            GinIndex(
                fields=["user_defined_properties"],
                name="settlement_record_properties",
                opclasses=["jsonb_path_ops"],
                condition=~Q(user_defined_properties=[]),
            ),
        )


class PayoutRef(ScopedModel):
    """
    What settlement may know of a payout: its public ids and its status.

    The payouts app makes the row and a trigger on its own table keeps the status equal; one row per payout, so that a
    payout's move touches one row and not every settlement in it.
    """

    public_id = models.CharField(max_length=PUBLIC_ID_LENGTH)
    bulk_public_id = models.CharField(max_length=PUBLIC_ID_LENGTH)
    status = models.CharField(max_length=12)
    changed_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["merchant_id", "is_test", "public_id"], name="settlement_payout_ref_id"),
        )
        indexes = (
            models.Index(fields=["merchant_id", "is_test", "bulk_public_id"], name="settlement_payout_ref_bulk"),
        )

    def __str__(self) -> str:
        return self.public_id


class Claim(models.Model):
    """
    A partner settlement taken into a payout, with the amounts it had then. Insert-only.

    The key (partner settlement, number) makes a second live claim impossible: number n > 1 needs the release of n - 1.
    """

    pk = models.CompositePrimaryKey("partner_settlement_id", "claim_no")
    # What a claim names is looked up once per statement, by a trigger; a foreign key would do it for each row.
    partner_settlement = models.ForeignKey(
        PartnerSettlement, on_delete=models.PROTECT, related_name="claims", db_index=False, db_constraint=False
    )
    claim_no = models.IntegerField()
    # claim_no - 1, or null for the first: the number of the release that must exist.
    after_no = models.IntegerField(null=True)
    payout_ref = models.ForeignKey(PayoutRef, on_delete=models.PROTECT, related_name="claims", db_constraint=False)
    net = models.BigIntegerField()
    net_tax_free = models.BigIntegerField()
    credit_total = models.BigIntegerField()
    debit_total = models.BigIntegerField()
    claimed_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(claim_no=1, after_no__isnull=True) | Q(claim_no__gt=1, after_no=F("claim_no") - 1),
                name="settlement_claim_after_release",
            ),
        )

    def __str__(self) -> str:
        return f"{self.partner_settlement_id}/{self.claim_no}"


class ClaimRelease(models.Model):
    """The end of a claim whose payout ended unpaid or came back. Insert-only."""

    pk = models.CompositePrimaryKey("partner_settlement_id", "claim_no")
    partner_settlement = models.ForeignKey(
        PartnerSettlement, on_delete=models.PROTECT, related_name="releases", db_index=False, db_constraint=False
    )
    claim_no = models.IntegerField()
    reason = models.CharField(max_length=12)
    released_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.partner_settlement_id}/{self.claim_no} {self.reason}"


class BacktestState(models.TextChoices):
    """How far a backtest is."""

    PENDING = "PENDING", _("대기 중")
    RUNNING = "RUNNING", _("계산 중")
    DONE = "DONE", _("완료")
    FAILED = "FAILED", _("실패")


class Backtest(PublicObject):
    """
    A changed contract tried on the records of a period, before anybody activates it. It changes nothing.

    `update` are the changed version columns; each record keeps everything else it was computed by. Sums are signed, a
    cancel counts as less, and `difference` is changed less recorded. Counted are records whose amount changes, whose
    settlement date moves, and which the changed terms do not fit; those stay as they are recorded.
    """

    contract = models.ForeignKey(Contract, on_delete=models.PROTECT, related_name="backtests")
    update = models.JSONField(default=dict)
    start_from = models.DateField()
    start_until = models.DateField()
    state = models.CharField(max_length=7, choices=BacktestState.choices, default=BacktestState.PENDING)
    job_id = models.BigIntegerField(null=True)
    created_by = models.CharField(max_length=200, blank=True)
    finished_at = models.DateTimeField(null=True)
    record_count = models.BigIntegerField(default=0)
    changed_count = models.BigIntegerField(default=0)
    moved_count = models.BigIntegerField(default=0)
    unfit_count = models.BigIntegerField(default=0)
    # The fence of the job that works on it: whoever lost the job to another worker writes nothing more.
    fence = models.BigIntegerField(default=0)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["merchant_id", "is_test", "public_id"], name="settlement_backtest_id"),
        )
        indexes = (models.Index(fields=["merchant_id", "is_test", "-id"], name="settlement_backtest_list"),)


class BacktestPartner(ScopedModel):
    """What a backtest found for one partner and currency."""

    backtest = models.ForeignKey(Backtest, on_delete=models.CASCADE, related_name="partners", db_index=False)
    partner = models.ForeignKey(Partner, on_delete=models.PROTECT, related_name="+")
    currency = models.CharField(max_length=3)
    record_count = models.BigIntegerField()
    changed_count = models.BigIntegerField()
    moved_count = models.BigIntegerField(default=0)
    unfit_count = models.BigIntegerField(default=0)
    recorded = models.DecimalField(max_digits=30, decimal_places=0)
    changed = models.DecimalField(max_digits=30, decimal_places=0)
    # Within 64 bits, unlike the sums: lists are paged by it.
    difference = models.BigIntegerField()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["backtest", "partner", "currency"], name="settlement_backtest_partner_once"
            ),
        )
        indexes = (models.Index(fields=["backtest", "-difference", "-id"], name="settlement_backtest_partner_by"),)

    def __str__(self) -> str:
        return f"{self.backtest_id}/{self.partner_id} {self.currency}"


class BacktestRecord(models.Model):
    """
    A record whose amount or settlement date a backtest would change.

    Written a million at a time by the statement that reads the rows it names, which are never deleted; so nothing is
    checked per row. The scope is the backtest's.
    """

    backtest = models.ForeignKey(
        Backtest, on_delete=models.CASCADE, related_name="records", db_index=False, db_constraint=False
    )
    record = models.ForeignKey(
        SettlementRecord, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    partner = models.ForeignKey(
        Partner, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    recorded = models.BigIntegerField()
    changed = models.BigIntegerField()
    difference = models.BigIntegerField()
    old_date = models.DateField()
    new_date = models.DateField()

    class Meta:
        indexes = (
            models.Index(fields=["backtest", "difference", "id"], name="settlement_backtest_record_by"),
            models.Index(fields=["backtest", "partner", "difference", "id"], name="settlement_backtest_record_of"),
        )

    def __str__(self) -> str:
        return f"{self.backtest_id}/{self.record_id}"

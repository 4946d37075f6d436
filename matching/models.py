"""
Tables of matching.

Set-up (parameters, vendors, items, units, tolerances, policies), documents (purchase orders, product receipts, vendor
invoices) and what came of matching them. Amounts and prices are exact decimals in their currency, a percentage of 5
means 5 %, quantities are in the unit of their row. A company is one merchant in one environment.
"""

from decimal import Decimal
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from core.scope import ScopedModel
from settlement.models import PUBLIC_ID_LENGTH, Partner

NAME_LENGTH = 300
UNIT_LENGTH = 40
CODE_LENGTH = 100


class Policy(models.TextChoices):
    """How much an order line has to be matched with."""

    NOT_REQUIRED = "not_required", _("필요 없음")
    TWO_WAY = "two_way", _("양방향")
    THREE_WAY = "three_way", _("3방향")


class EntryPolicy(models.TextChoices):
    """What an entry of the matching policies may say."""

    COMPANY = "company_policy", _("회사 정책")
    NOT_REQUIRED = "not_required", _("필요 없음")
    TWO_WAY = "two_way", _("양방향")
    THREE_WAY = "three_way", _("3방향")


class PolicyFrom(models.TextChoices):
    """Where the policy of an order line comes from."""

    ITEM_AND_VENDOR = "item_and_vendor", _("품목과 공급사")
    ITEM = "item", _("품목")
    VENDOR = "vendor", _("공급사")
    COMPANY = "company", _("회사")
    ORDER_LINE = "order_line", _("직접 지정")


class Override(models.TextChoices):
    """Which policies beside the company's own are taken."""

    HIGHER = "higher_than_company_policy", _("회사 정책보다 강하게만")
    ANY = "lower_or_higher", _("약하게도 강하게도")


class Direction(models.TextChoices):
    """Which variances are unwanted."""

    GREATER_ONLY = "greater_only", _("초과만")
    GREATER_OR_LESS = "greater_or_less", _("초과와 미달")


class PriceTotals(models.TextChoices):
    """By what price totals are judged."""

    NONE = "none", _("검사 안 함")
    PERCENTAGE = "percentage", _("백분율")
    AMOUNT = "amount", _("금액")
    BOTH = "percentage_and_amount", _("백분율과 금액")


class WithDiscrepancies(models.TextChoices):
    """What happens to an invoice with discrepancies when it is posted."""

    WARN = "allow_with_warning", _("경고하고 전기")
    APPROVE = "require_approval", _("승인 필요")


class DuplicateNumber(models.TextChoices):
    """What happens to an invoice whose number the vendor has used before."""

    REJECT = "reject", _("거부")
    ACCEPT = "accept", _("허용")
    WARN = "warn", _("경고")
    REJECT_IN_YEAR = "reject_within_fiscal_year", _("같은 회계 연도 안에서 거부")


class Category(models.TextChoices):
    """How a charge is calculated."""

    FIXED = "fixed", _("정액")
    PER_PIECE = "per_piece", _("개당")
    PERCENT = "percent", _("백분율")


class ChargeSide(models.TextChoices):
    """What a charge is debited or credited to."""

    ITEM = "item", _("품목")
    VENDOR = "vendor", _("공급사")
    LEDGER = "ledger", _("원장 계정")


class OrderStatus(models.TextChoices):
    """Where a purchase order is."""

    DRAFT = "draft", _("작성 중")
    CONFIRMED = "confirmed", _("확정")
    RECEIVED = "received", _("입고 완료")
    INVOICED = "invoiced", _("송장 완료")
    CANCELLED = "cancelled", _("취소")


class InvoiceStatus(models.TextChoices):
    """Where a vendor invoice is."""

    PENDING = "pending", _("대기")
    IN_REVIEW = "in_review", _("검토 중")
    READY = "ready", _("전기 준비")
    POSTED = "posted", _("전기됨")


class MatchStatus(models.TextChoices):
    """What matching an invoice gave."""

    NOT_APPLICABLE = "not_applicable", _("해당 없음")
    NOT_PERFORMED = "not_performed", _("미실행")
    PASSED = "passed", _("통과")
    FAILED = "failed", _("불일치")
    FAILED_APPROVED = "failed_approved", _("불일치, 승인됨")


class AutomationStatus(models.TextChoices):
    """What became of matching receipts in the background."""

    NOT_APPLICABLE = "not_applicable", _("해당 없음")
    NOT_YET_RUN = "not_yet_run", _("아직 실행 안 함")
    COMPLETED = "completed", _("완료")
    FAILED = "failed", _("실패")


class Verdict(models.TextChoices):
    """A line's result; empty where it does not apply."""

    PASSED = "passed", _("통과")
    FAILED = "failed", _("불일치")


def _percent(default: int | None = None) -> "models.DecimalField[Decimal | int, Decimal]":
    options: dict[str, Any] = {} if default is None else {"default": default}
    return models.DecimalField(max_digits=24, decimal_places=6, **options)


def _maybe_percent() -> "models.DecimalField[Decimal | None, Decimal | None]":
    return models.DecimalField(max_digits=24, decimal_places=6, null=True, blank=True)


def _figure(default: int | None = None) -> "models.DecimalField[Decimal | int, Decimal]":
    options: dict[str, Any] = {} if default is None else {"default": default}
    return models.DecimalField(max_digits=30, decimal_places=6, **options)


def _maybe_figure() -> "models.DecimalField[Decimal | None, Decimal | None]":
    return models.DecimalField(max_digits=30, decimal_places=6, null=True, blank=True)


def _rate() -> "models.DecimalField[Decimal | int, Decimal]":
    return models.DecimalField(max_digits=38, decimal_places=16)


def _choice(kind: type[models.TextChoices], default: str) -> "models.CharField[str, str]":
    return models.CharField(max_length=40, choices=kind.choices, default=default)


# ---- Set-up


class Parameters(ScopedModel):
    """How a company matches; one row for each merchant and environment."""

    accounting_currency = models.CharField(max_length=3, default="KRW")
    enable_invoice_matching_validation = models.BooleanField(default=True)
    post_invoice_with_discrepancies = _choice(WithDiscrepancies, WithDiscrepancies.WARN)
    automatically_update_header_match_status = models.BooleanField(default=True)
    match_invoice_totals = models.BooleanField(default=False)
    invoice_totals_tolerance_percent = _percent(default=0)
    invoice_totals_direction = _choice(Direction, Direction.GREATER_ONLY)
    per_total_settings = models.JSONField(default=dict)
    line_matching_policy = _choice(Policy, Policy.TWO_WAY)
    allow_matching_policy_override = _choice(Override, Override.HIGHER)
    unit_price_direction = _choice(Direction, Direction.GREATER_ONLY)
    match_price_totals = _choice(PriceTotals, PriceTotals.NONE)
    price_total_tolerance_percent = _percent(default=0)
    price_total_tolerance_amount = _figure(default=0)
    price_total_direction = _choice(Direction, Direction.GREATER_ONLY)
    match_charges = models.BooleanField(default=False)
    charges_tolerance_percent = _percent(default=0)
    charges_direction = _choice(Direction, Direction.GREATER_ONLY)
    duplicate_invoice_number = _choice(DuplicateNumber, DuplicateNumber.REJECT)
    block_when_invoice_quantity_below_matched_receipts = models.BooleanField(default=False)
    over_delivery_percent = _percent(default=0)
    under_delivery_percent = _percent(default=0)
    automation_match_receipts = models.BooleanField(default=False)
    automation_attempts = models.IntegerField(default=1)
    automation_hours = models.IntegerField(default=1)
    automation_submits = models.BooleanField(default=False)
    automation_needs_all_receipts = models.BooleanField(default=True)
    # Whether somebody else than who entered an invoice has to approve its discrepancies.
    approver_must_differ = models.BooleanField(default=True)
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["merchant_id", "is_test"], name="matching_parameters_one"),
            models.CheckConstraint(
                condition=Q(invoice_totals_tolerance_percent__gte=0)
                & Q(price_total_tolerance_percent__gte=0)
                & Q(price_total_tolerance_amount__gte=0)
                & Q(charges_tolerance_percent__gte=0)
                & Q(over_delivery_percent__gte=0)
                & Q(under_delivery_percent__gte=0),
                name="matching_tolerance_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(automation_attempts__gte=1) & Q(automation_hours__gte=1),
                name="matching_automation_bounds",
            ),
        )

    def __str__(self) -> str:
        return f"matching of {self.scope}"


class Vendor(ScopedModel):
    """Whom is bought from; `invoice_account` is who is paid (empty: itself). A vendor may be a partner."""

    account = models.CharField(max_length=PUBLIC_ID_LENGTH)
    name = models.CharField(max_length=NAME_LENGTH, default="", blank=True)
    currency = models.CharField(max_length=3, default="KRW")
    price_tolerance_group = models.CharField(max_length=NAME_LENGTH, default="", blank=True)
    invoice_account = models.CharField(max_length=PUBLIC_ID_LENGTH, default="", blank=True)
    partner = models.ForeignKey(Partner, null=True, on_delete=models.PROTECT, related_name="+")
    payment_days = models.IntegerField(default=30)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["merchant_id", "is_test", "account"], name="matching_vendor_account"),
        )

    def __str__(self) -> str:
        return self.account

    @property
    def paid_account(self) -> str:
        """Return who is paid."""
        return self.invoice_account or self.account


class Item(ScopedModel):
    """What is bought, in its purchase unit. Delivery limits that are not set are the company's."""

    number = models.CharField(max_length=PUBLIC_ID_LENGTH)
    name = models.CharField(max_length=NAME_LENGTH, default="", blank=True)
    unit = models.CharField(max_length=UNIT_LENGTH, default="ea")
    price_tolerance_group = models.CharField(max_length=NAME_LENGTH, default="", blank=True)
    receiving_requirement = models.BooleanField(default=False)
    over_delivery_percent = _maybe_percent()
    under_delivery_percent = _maybe_percent()
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["merchant_id", "is_test", "number"], name="matching_item_number"),
            models.CheckConstraint(
                condition=(Q(over_delivery_percent__isnull=True) | Q(over_delivery_percent__gte=0))
                & (Q(under_delivery_percent__isnull=True) | Q(under_delivery_percent__gte=0)),
                name="matching_item_limits_not_negative",
            ),
        )

    def __str__(self) -> str:
        return self.number


class UnitConversion(ScopedModel):
    """One `from_unit` is numerator / denominator of `to_unit`; of one item, or of every item that has none itself."""

    item = models.ForeignKey(Item, null=True, on_delete=models.CASCADE, related_name="+")
    from_unit = models.CharField(max_length=UNIT_LENGTH)
    to_unit = models.CharField(max_length=UNIT_LENGTH)
    numerator = models.BigIntegerField()
    denominator = models.BigIntegerField()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["merchant_id", "is_test", "item", "from_unit", "to_unit"],
                nulls_distinct=False,
                name="matching_conversion_once",
            ),
            models.CheckConstraint(
                condition=Q(numerator__gt=0) & Q(denominator__gt=0), name="matching_conversion_positive"
            ),
        )

    def __str__(self) -> str:
        return f"1 {self.from_unit} = {self.numerator}/{self.denominator} {self.to_unit}"


class ChargeCode(ScopedModel):
    """A kind of charge. Compared with the order's only if it says so and a vendor bears or gets it."""

    code = models.CharField(max_length=CODE_LENGTH)
    description = models.CharField(max_length=NAME_LENGTH, default="", blank=True)
    debit_type = _choice(ChargeSide, ChargeSide.ITEM)
    credit_type = _choice(ChargeSide, ChargeSide.VENDOR)
    compare_po_and_invoice = models.BooleanField(default=True)
    maximum_amount = _maybe_figure()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["merchant_id", "is_test", "code"], name="matching_charge_code"),)

    def __str__(self) -> str:
        return self.code


class PolicyEntry(ScopedModel):
    """A matching policy for an item, a vendor, or an item of a vendor."""

    item = models.ForeignKey(Item, null=True, on_delete=models.CASCADE, related_name="+")
    vendor = models.ForeignKey(Vendor, null=True, on_delete=models.CASCADE, related_name="+")
    policy = _choice(EntryPolicy, EntryPolicy.COMPANY)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["merchant_id", "is_test", "item", "vendor"],
                nulls_distinct=False,
                name="matching_policy_once",
            ),
            models.CheckConstraint(
                condition=Q(item__isnull=False) | Q(vendor__isnull=False), name="matching_policy_of_something"
            ),
        )

    def __str__(self) -> str:
        return f"{self.level} {self.policy}"

    @property
    def level(self) -> str:
        """Return what the entry is for."""
        if self.item_id is None:
            return PolicyFrom.VENDOR
        return PolicyFrom.ITEM if self.vendor_id is None else PolicyFrom.ITEM_AND_VENDOR


class PriceTolerance(ScopedModel):
    """A tolerance of net unit prices: for an item, a group of items or all, of a vendor, a group of vendors or all."""

    item = models.ForeignKey(Item, null=True, on_delete=models.CASCADE, related_name="+")
    item_group = models.CharField(max_length=NAME_LENGTH, default="", blank=True)
    vendor = models.ForeignKey(Vendor, null=True, on_delete=models.CASCADE, related_name="+")
    vendor_group = models.CharField(max_length=NAME_LENGTH, default="", blank=True)
    percent = _percent(default=0)
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["merchant_id", "is_test", "item", "item_group", "vendor", "vendor_group"],
                nulls_distinct=False,
                name="matching_price_tolerance_once",
            ),
            models.CheckConstraint(condition=Q(percent__gte=0), name="matching_price_tolerance_not_negative"),
            models.CheckConstraint(
                condition=(Q(item__isnull=True) | Q(item_group="")) & (Q(vendor__isnull=True) | Q(vendor_group="")),
                name="matching_price_tolerance_one_code",
            ),
        )

    def __str__(self) -> str:
        return f"{self.item_code} / {self.account_code}"

    @property
    def is_default(self) -> bool:
        """Say whether this is the row for everything, which is always there."""
        return self.item_code == self.account_code == "all"

    @property
    def item_code(self) -> str:
        """Return `table:NUMBER`, `group:NAME` or `all`."""
        if self.item is not None:
            return f"table:{self.item.number}"
        return f"group:{self.item_group}" if self.item_group else "all"

    @property
    def account_code(self) -> str:
        """Return `table:ACCOUNT`, `group:NAME` or `all`."""
        if self.vendor is not None:
            return f"table:{self.vendor.account}"
        return f"group:{self.vendor_group}" if self.vendor_group else "all"


class TotalsTolerance(ScopedModel):
    """The tolerance of invoice totals of one vendor."""

    vendor = models.ForeignKey(Vendor, on_delete=models.CASCADE, related_name="+")
    percent = _percent()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["vendor"], name="matching_totals_tolerance_once"),
            models.CheckConstraint(condition=Q(percent__gte=0), name="matching_totals_tolerance_not_negative"),
        )

    def __str__(self) -> str:
        return f"{self.vendor_id} {self.percent}"


class ChargesTolerance(ScopedModel):
    """The tolerance of one charge code."""

    charge_code = models.ForeignKey(ChargeCode, on_delete=models.CASCADE, related_name="+")
    percent = _percent()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["charge_code"], name="matching_charges_tolerance_once"),
            models.CheckConstraint(condition=Q(percent__gte=0), name="matching_charges_tolerance_not_negative"),
        )

    def __str__(self) -> str:
        return f"{self.charge_code_id} {self.percent}"


class ExchangeRate(ScopedModel):
    """How much of `to_currency` one unit of `from_currency` is worth from a day on."""

    from_currency = models.CharField(max_length=3)
    to_currency = models.CharField(max_length=3)
    date = models.DateField()
    rate = _rate()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["merchant_id", "is_test", "from_currency", "to_currency", "date"],
                name="matching_exchange_rate_once",
            ),
            models.CheckConstraint(condition=Q(rate__gt=0), name="matching_exchange_rate_positive"),
        )

    def __str__(self) -> str:
        return f"{self.from_currency}/{self.to_currency} {self.date}"


# ---- Orders and receipts


class PricedLine(models.Model):
    """What lines of orders and invoices have in common: a quantity and its price, discounts per unit and in percent."""

    number = models.IntegerField()
    item = models.ForeignKey(Item, null=True, on_delete=models.PROTECT, related_name="+")
    description = models.CharField(max_length=NAME_LENGTH, default="", blank=True)
    quantity = _figure()
    unit = models.CharField(max_length=UNIT_LENGTH)
    unit_price = _figure()
    price_unit = _figure(default=1)
    discount = _figure(default=0)
    discount_percent = _percent(default=0)
    multiline_discount = _figure(default=0)
    multiline_discount_percent = _percent(default=0)
    # Money in the document's currency, rounded to its decimals; what is compared is computed anew from the rest.
    net_amount = _figure()
    # The same without rounding; None where no decimal says it, which the set-based matching leaves to the engine.
    exact_net = models.DecimalField(max_digits=80, decimal_places=34, null=True)
    # What one unit comes to without rounding, as far as nothing is charged on the line; None as above.
    exact_unit = models.DecimalField(max_digits=80, decimal_places=34, null=True)

    class Meta:
        abstract = True


class PurchaseOrder(ScopedModel):
    """What was agreed with a vendor. `exchange_rate` is accounting currency for one unit of the order's."""

    public_id = models.CharField(max_length=PUBLIC_ID_LENGTH)
    vendor = models.ForeignKey(Vendor, on_delete=models.PROTECT, related_name="+")
    currency = models.CharField(max_length=3)
    exchange_rate = _rate()
    is_rate_given = models.BooleanField(default=False)
    date = models.DateField()
    total_discount_percent = _percent(default=0)
    sales_tax_percent = _percent(default=0)
    status = _choice(OrderStatus, OrderStatus.CONFIRMED)
    memo = models.CharField(max_length=1_000, default="", blank=True)
    net_amount = _figure(default=0)
    line_count = models.IntegerField(default=0)
    version = models.IntegerField(default=1)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())
    created_by_id = models.BigIntegerField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["merchant_id", "is_test", "public_id"], name="matching_order_id"),
            models.CheckConstraint(condition=Q(exchange_rate__gt=0), name="matching_order_rate_positive"),
        )
        indexes = (models.Index(fields=["merchant_id", "is_test", "-date", "-id"], name="matching_order_list"),)

    def __str__(self) -> str:
        return self.public_id


class OrderLine(PricedLine):
    """
    A line of an order.

    `open_amount`, in minor units of the order's currency, is what came in and the books still wait to be billed for.
    """

    order = models.ForeignKey(PurchaseOrder, on_delete=models.CASCADE, related_name="lines", db_index=False)
    policy = _choice(Policy, Policy.TWO_WAY)
    policy_from = _choice(PolicyFrom, PolicyFrom.COMPANY)
    over_delivery_percent = _maybe_percent()
    under_delivery_percent = _maybe_percent()
    is_closed = models.BooleanField(default=False)
    is_cancelled = models.BooleanField(default=False)
    open_amount = models.BigIntegerField(default=0)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["order", "number"], name="matching_order_line_number"),
            models.CheckConstraint(condition=Q(price_unit__gt=0), name="matching_order_line_price_unit"),
            models.CheckConstraint(
                condition=(Q(over_delivery_percent__isnull=True) | Q(over_delivery_percent__gte=0))
                & (Q(under_delivery_percent__isnull=True) | Q(under_delivery_percent__gte=0)),
                name="matching_order_line_limits_not_negative",
            ),
        )

    def __str__(self) -> str:
        return f"{self.order_id}/{self.number}"


class OrderCharge(models.Model):
    """A charge of an order, or of one of its lines. `taken_by` is the posted invoice that took a fixed one over."""

    order = models.ForeignKey(PurchaseOrder, on_delete=models.CASCADE, related_name="charges", db_index=False)
    order_line = models.ForeignKey(OrderLine, null=True, on_delete=models.CASCADE, related_name="charges")
    name = models.CharField(max_length=PUBLIC_ID_LENGTH)
    code = models.ForeignKey(ChargeCode, on_delete=models.PROTECT, related_name="+")
    category = _choice(Category, Category.FIXED)
    value = _figure()
    taken_by = models.ForeignKey("Invoice", null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        constraints = (models.UniqueConstraint(fields=["order", "name"], name="matching_order_charge_name"),)

    def __str__(self) -> str:
        return f"{self.order_id}/{self.name}"


class Receipt(ScopedModel):
    """A goods-received note."""

    public_id = models.CharField(max_length=PUBLIC_ID_LENGTH)
    date = models.DateField()
    memo = models.CharField(max_length=1_000, default="", blank=True)
    cancelled_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now())
    created_by_id = models.BigIntegerField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["merchant_id", "is_test", "public_id"], name="matching_receipt_id"),
        )
        indexes = (models.Index(fields=["merchant_id", "is_test", "-date", "-id"], name="matching_receipt_list"),)

    def __str__(self) -> str:
        return self.public_id


class ReceiptLine(models.Model):
    """
    What came of an order line.

    One unit of it is factor_numerator / factor_denominator of the order line's; `accrued` is what its journal added to
    what is waited to be billed for, in minor units.
    """

    receipt = models.ForeignKey(Receipt, on_delete=models.CASCADE, related_name="lines", db_index=False)
    number = models.IntegerField()
    order_line = models.ForeignKey(OrderLine, on_delete=models.PROTECT, related_name="receipt_lines")
    quantity = _figure()
    unit = models.CharField(max_length=UNIT_LENGTH)
    factor_numerator = models.BigIntegerField(default=1)
    factor_denominator = models.BigIntegerField(default=1)
    closes_line = models.BooleanField(default=False)
    accrued = models.BigIntegerField(default=0)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["receipt", "number"], name="matching_receipt_line_number"),
            models.CheckConstraint(
                condition=Q(factor_numerator__gt=0) & Q(factor_denominator__gt=0),
                name="matching_receipt_factor_positive",
            ),
        )

    def __str__(self) -> str:
        return f"{self.receipt_id}/{self.number}"


# ---- Invoices


class Invoice(ScopedModel):
    """A vendor's bill. What was computed of it (amount, match status) is kept beside what was entered."""

    public_id = models.CharField(max_length=PUBLIC_ID_LENGTH)
    number = models.CharField(max_length=PUBLIC_ID_LENGTH)
    vendor = models.ForeignKey(Vendor, on_delete=models.PROTECT, related_name="+", db_index=False)
    invoice_account = models.CharField(max_length=PUBLIC_ID_LENGTH)
    currency = models.CharField(max_length=3)
    exchange_rate = _rate()
    is_rate_given = models.BooleanField(default=False)
    date = models.DateField()
    due_date = models.DateField()
    total_discount = _figure(default=0)
    sales_tax = _figure(default=0)
    round_off = _figure(default=0)
    imported_amount = _maybe_figure()
    imported_tax = _maybe_figure()
    memo = models.CharField(max_length=1_000, default="", blank=True)
    status = _choice(InvoiceStatus, InvoiceStatus.PENDING)
    is_on_hold = models.BooleanField(default=False)
    hold_reason = models.CharField(max_length=1_000, default="", blank=True)
    amount = _figure(default=0)
    match_status = _choice(MatchStatus, MatchStatus.NOT_PERFORMED)
    last_variance = models.CharField(max_length=10, default="", blank=True, choices=Verdict.choices)
    reasons = ArrayField(models.CharField(max_length=120), default=list)
    last_match_at = models.DateTimeField(null=True)
    is_approved = models.BooleanField(default=False)
    approved_by_id = models.BigIntegerField(null=True)
    approved_by = models.CharField(max_length=200, default="", blank=True)
    approved_at = models.DateTimeField(null=True)
    approval_comment = models.CharField(max_length=1_000, default="", blank=True)
    # What was approved: a fingerprint of every compared figure and verdict.
    approved_content = models.CharField(max_length=64, default="", blank=True)
    is_automated = models.BooleanField(default=True)
    automation_attempts = models.IntegerField(default=0)
    automation_outcome = models.CharField(max_length=20, default="", blank=True)
    automation_next_at = models.DateTimeField(null=True)
    entered_by_id = models.BigIntegerField(null=True)
    entered_by = models.CharField(max_length=200, default="", blank=True)
    posted_at = models.DateTimeField(null=True)
    posted_by = models.CharField(max_length=200, default="", blank=True)
    # The settlement record it became; empty while the money stays with the vendor.
    settlement_record_id = models.CharField(max_length=PUBLIC_ID_LENGTH, default="", blank=True)
    unpaid_reason = models.CharField(max_length=40, default="", blank=True)
    version = models.IntegerField(default=1)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["merchant_id", "is_test", "public_id"], name="matching_invoice_id"),
            models.CheckConstraint(condition=Q(exchange_rate__gt=0), name="matching_invoice_rate_positive"),
            models.CheckConstraint(
                condition=Q(status="posted", posted_at__isnull=False) | ~Q(status="posted"),
                name="matching_invoice_posted_when",
            ),
        )
        indexes = (
            models.Index(fields=["merchant_id", "is_test", "-date", "-id"], name="matching_invoice_list"),
            models.Index(fields=["vendor", "number"], name="matching_invoice_number"),
            models.Index(
                fields=["merchant_id", "is_test", "id"], condition=~Q(status="posted"), name="matching_invoice_pending"
            ),
        )

    def __str__(self) -> str:
        return self.public_id

    @property
    def is_posted(self) -> bool:
        """Say whether the invoice is in the books, where it stays as it is."""
        return self.status == InvoiceStatus.POSTED


class InvoiceLine(PricedLine):
    """A line of an invoice; its results are those of the last run."""

    invoice = models.ForeignKey(Invoice, on_delete=models.CASCADE, related_name="lines", db_index=False)
    order_line = models.ForeignKey(OrderLine, null=True, on_delete=models.PROTECT, related_name="invoice_lines")
    is_final = models.BooleanField(default=False)
    # The factor to the order line's unit as it was when the invoice was posted.
    factor_numerator = models.BigIntegerField(null=True)
    factor_denominator = models.BigIntegerField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["invoice", "number"], name="matching_invoice_line_number"),
            models.CheckConstraint(condition=Q(price_unit__gt=0), name="matching_invoice_line_price_unit"),
        )

    def __str__(self) -> str:
        return f"{self.invoice_id}/{self.number}"


class InvoiceCharge(models.Model):
    """A charge the vendor bills, on the invoice or on one of its lines."""

    invoice = models.ForeignKey(Invoice, on_delete=models.CASCADE, related_name="charges")
    invoice_line = models.ForeignKey(InvoiceLine, null=True, on_delete=models.CASCADE, related_name="charges")
    code = models.ForeignKey(ChargeCode, on_delete=models.PROTECT, related_name="+")
    category = _choice(Category, Category.FIXED)
    value = _figure()
    connected_to = models.ForeignKey(OrderCharge, null=True, on_delete=models.SET_NULL, related_name="+")

    def __str__(self) -> str:
        return f"{self.invoice_id} {self.code_id}"


class ReceiptMatch(models.Model):
    """What of a receipt line an invoice line bills: quantity / divisor, in the order line's unit."""

    invoice_line = models.ForeignKey(
        InvoiceLine, on_delete=models.CASCADE, related_name="receipt_matches", db_index=False
    )
    receipt_line = models.ForeignKey(ReceiptLine, on_delete=models.PROTECT, related_name="matches")
    quantity = _figure()
    divisor = models.BigIntegerField(default=1)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["invoice_line", "receipt_line"], name="matching_receipt_match_once"),
            models.CheckConstraint(condition=Q(divisor__gt=0), name="matching_receipt_match_divisor"),
        )

    def __str__(self) -> str:
        return f"{self.invoice_line_id} {self.receipt_line_id}"


# ---- Results


class MatchRun(models.Model):
    """
    One run of matching an invoice: what came of it and, in `detail`, every figure that was compared.

    A run over very many invoices keeps the verdicts alone, as one number for each line in `codes` (`sql/match_many.sql`
    says how); the figures are worked out when somebody looks (`operations.running.detail`).
    """

    invoice = models.ForeignKey(Invoice, on_delete=models.CASCADE, related_name="runs", db_index=False)
    at = models.DateTimeField()
    by = models.CharField(max_length=200)
    status = models.CharField(max_length=40, choices=MatchStatus.choices)
    content = models.CharField(max_length=64)
    is_final = models.BooleanField(default=False)
    detail = models.JSONField(null=True)
    codes = ArrayField(models.IntegerField(), default=list)

    class Meta:
        indexes = (models.Index(fields=["invoice", "-id"], name="matching_run_list"),)

    def __str__(self) -> str:
        return f"{self.invoice_id} {self.at}"


class Recalculation(ScopedModel):
    """Something changed that an invoice was matched with; no invoice means every pending one. The queue of matching."""

    invoice = models.ForeignKey(Invoice, null=True, on_delete=models.CASCADE, related_name="+")
    cause = models.CharField(max_length=40)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = (models.Index(fields=["id"], name="matching_recalculation_order"),)

    def __str__(self) -> str:
        return f"{self.cause} {self.invoice_id}"


class Leak(ScopedModel):
    """What a posted line cost more than agreed, within its tolerance: minor units of the invoice's currency."""

    invoice_line = models.OneToOneField(InvoiceLine, on_delete=models.PROTECT, related_name="leak")
    vendor = models.ForeignKey(Vendor, on_delete=models.PROTECT, related_name="+")
    item = models.ForeignKey(Item, null=True, on_delete=models.PROTECT, related_name="+")
    on = models.DateField()
    currency = models.CharField(max_length=3)
    amount = models.BigIntegerField()
    expected = models.BigIntegerField()

    class Meta:
        constraints = (models.CheckConstraint(condition=Q(amount__gt=0), name="matching_leak_positive"),)
        indexes = (models.Index(fields=["merchant_id", "is_test", "on", "id"], name="matching_leak_list"),)

    def __str__(self) -> str:
        return f"{self.invoice_line_id} {self.amount}"


# ---- Trying other tolerances


class Experiment(ScopedModel):
    """
    Other tolerances tried on invoices of a period.

    `tolerances` says what is tried: company percentages and amounts by field, and rows of the three tables by key.
    Figures are counts; the money is with the changes.
    """

    public_id = models.CharField(max_length=40)
    tolerances = models.JSONField()
    date_from = models.DateField()
    date_until = models.DateField()
    job_id = models.BigIntegerField(null=True)
    fence = models.BigIntegerField(default=0)
    invoice_count = models.BigIntegerField(default=0)
    passing_count = models.BigIntegerField(default=0)
    failing_count = models.BigIntegerField(default=0)
    finished_at = models.DateTimeField(null=True)
    applied_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now())
    created_by = models.CharField(max_length=200)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["merchant_id", "is_test", "public_id"], name="matching_experiment_id"),
            models.CheckConstraint(
                condition=Q(date_from__lte=models.F("date_until")), name="matching_experiment_period"
            ),
        )
        indexes = (models.Index(fields=["merchant_id", "is_test", "-id"], name="matching_experiment_list"),)

    def __str__(self) -> str:
        return self.public_id


class ExperimentChange(models.Model):
    """
    An invoice whose verdict would be another; `over` is what its lines cost more than agreed.

    That is what would pass unasked, or what would be asked about, in minor units of the invoice's currency.
    """

    experiment = models.ForeignKey(Experiment, on_delete=models.CASCADE, related_name="changes", db_index=False)
    invoice = models.ForeignKey(Invoice, on_delete=models.CASCADE, related_name="+")
    before = models.CharField(max_length=10, choices=Verdict.choices)
    after = models.CharField(max_length=10, choices=Verdict.choices)
    reasons_before = ArrayField(models.CharField(max_length=120), default=list)
    reasons_after = ArrayField(models.CharField(max_length=120), default=list)
    currency = models.CharField(max_length=3)
    over = models.BigIntegerField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["experiment", "invoice"], name="matching_experiment_change_once"),
        )

    def __str__(self) -> str:
        return f"{self.experiment_id} {self.invoice_id}"

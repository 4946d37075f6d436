"""
What the engine is told: the company's rules, the orders as agreed, the invoice as entered.

Amounts, prices, quantities and rates are exact fractions; a percentage of 5 means 5 %. Keys are whatever the caller
names its rows by; the engine only compares them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction

ZERO, ONE, HUNDRED = Fraction(0), Fraction(1), Fraction(100)
Key = str


class Policy(StrEnum):
    """How much an order line has to be matched with."""

    NOT_REQUIRED = "not_required"
    TWO_WAY = "two_way"
    THREE_WAY = "three_way"

    @property
    def strength(self) -> int:
        """Return 0 to 2, the strongest last."""
        return (Policy.NOT_REQUIRED, Policy.TWO_WAY, Policy.THREE_WAY).index(self)


class Override(StrEnum):
    """Which policies beside the company's own are taken."""

    HIGHER = "higher_than_company_policy"
    ANY = "lower_or_higher"


class Direction(StrEnum):
    """Which variances are unwanted."""

    GREATER_ONLY = "greater_only"
    GREATER_OR_LESS = "greater_or_less"


class PriceTotals(StrEnum):
    """By what the price totals of an order line are judged."""

    NONE = "none"
    PERCENTAGE = "percentage"
    AMOUNT = "amount"
    BOTH = "percentage_and_amount"

    @property
    def by_percent(self) -> bool:
        """Say whether the percentage is judged."""
        return self in {PriceTotals.PERCENTAGE, PriceTotals.BOTH}

    @property
    def by_amount(self) -> bool:
        """Say whether the amount is judged."""
        return self in {PriceTotals.AMOUNT, PriceTotals.BOTH}


class Category(StrEnum):
    """How a charge is calculated."""

    FIXED = "fixed"
    PER_PIECE = "per_piece"
    PERCENT = "percent"


class Total(StrEnum):
    """The six totals of an invoice."""

    BALANCE = "balance"
    TOTAL_DISCOUNT = "total_discount"
    CHARGES = "charges"
    SALES_TAX = "sales_tax"
    ROUND_OFF = "round_off"
    INVOICE_AMOUNT = "invoice_amount"


@dataclass(frozen=True, slots=True)
class PerTotal:
    """What the company says about one of the six totals; no percentage means the general one."""

    enabled: bool = True
    percent: Fraction | None = None


@dataclass(frozen=True, slots=True)
class Tolerance:
    """A percentage with the set-up row it stands in, and the rows that were asked before."""

    percent: Fraction
    source: str
    path: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Company:
    """The rules of the books an invoice belongs to; amounts in the accounting currency."""

    validates: bool = True
    line_policy: Policy = Policy.TWO_WAY
    override: Override = Override.HIGHER
    unit_price_direction: Direction = Direction.GREATER_ONLY
    price_totals: PriceTotals = PriceTotals.NONE
    price_total_percent: Fraction = ZERO
    price_total_amount: Fraction = ZERO
    price_total_direction: Direction = Direction.GREATER_ONLY
    matches_totals: bool = False
    totals_percent: Fraction = ZERO
    totals_direction: Direction = Direction.GREATER_ONLY
    per_total: Mapping[Total, PerTotal] = field(default_factory=dict)
    matches_charges: bool = False
    charges_percent: Fraction = ZERO
    charges_direction: Direction = Direction.GREATER_ONLY
    # Digits after the decimal point of the accounting currency.
    accounting_digits: int = 2


@dataclass(frozen=True, slots=True)
class Pricing:
    """A quantity in a unit and what it costs; discounts are per unit and in percent, one after the other."""

    quantity: Fraction
    unit_price: Fraction
    price_unit: Fraction = ONE
    discount: Fraction = ZERO
    discount_percent: Fraction = ZERO
    multiline_discount: Fraction = ZERO
    multiline_discount_percent: Fraction = ZERO


@dataclass(frozen=True, slots=True)
class OrderCharge:
    """A charge of an order or of one of its lines; `is_taken` once a posted invoice took a fixed one over."""

    key: Key
    code: str
    category: Category
    value: Fraction
    is_taken: bool = False


@dataclass(frozen=True, slots=True)
class OrderLine:
    """An order line as agreed, in its own unit."""

    key: Key
    number: int
    pricing: Pricing
    policy: Policy
    policy_from: str = "company"
    item: str = ""
    item_group: str = ""
    charges: tuple[OrderCharge, ...] = ()
    is_closed: bool = False
    is_cancelled: bool = False


@dataclass(frozen=True, slots=True)
class Order:
    """A purchase order: what holds for all its lines. `exchange_rate` is accounting currency for one unit."""

    key: Key
    exchange_rate: Fraction = ONE
    total_discount_percent: Fraction = ZERO
    sales_tax_percent: Fraction = ZERO
    charges: tuple[OrderCharge, ...] = ()


@dataclass(frozen=True, slots=True)
class InvoiceCharge:
    """A charge the vendor bills, with the order charge it comes from, if any."""

    code: str
    category: Category
    value: Fraction
    connected_to: Key | None = None


@dataclass(frozen=True, slots=True)
class InvoiceLine:
    """
    A line of the invoice.

    `factor` turns its unit into the order line's; None when no conversion is known. `received` is what receipts are
    matched with it, `others_net` and `others_quantity` what all other lines of pending and posted invoices bill of the
    same order line, both quantities in the order line's unit.
    """

    number: int
    pricing: Pricing
    order: Order | None = None
    order_line: OrderLine | None = None
    factor: Fraction | None = ONE
    charges: tuple[InvoiceCharge, ...] = ()
    is_final: bool = False
    received: Fraction = ZERO
    others_net: Fraction = ZERO
    others_quantity: Fraction = ZERO
    price_tolerance: Tolerance = Tolerance(ZERO, "all / all")


@dataclass(frozen=True, slots=True)
class Invoice:
    """
    The invoice as entered, in its own currency, and the tolerances its set-up rows give.

    `compared_codes` are the charge codes that take part in comparing charges, `connected` the order charges that the
    invoice's charges name.
    """

    lines: Sequence[InvoiceLine]
    exchange_rate: Fraction = ONE
    total_discount: Fraction = ZERO
    sales_tax: Fraction = ZERO
    round_off: Fraction = ZERO
    charges: tuple[InvoiceCharge, ...] = ()
    digits: int = 2
    vendor: str = ""
    vendor_totals_percent: Fraction | None = None
    compared_codes: frozenset[str] = frozenset()
    charge_percents: Mapping[str, Fraction] = field(default_factory=dict)
    connected: tuple[OrderCharge, ...] = ()

"""
What an order is worth to its partner: its amounts, from its own figures, its contract and its policies.

All amounts are whole minor units. `settlement.cancels` computes what a cancel takes back, out of the same parts.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from operator import add, sub
from typing import NamedTuple, Self, TypeVar

from core.money import MAX_AMOUNT, Rounding, apportion, check_amount, rated, round_quotient
from settlement.dates import Cycle


class Payer(StrEnum):
    """Who bears the VAT on a fee."""

    PARTNER = "PARTNER"
    """Added to the fee and taken from the partner."""
    MERCHANT = "MERCHANT"
    """Contained in the fee; the partner's amount is not touched."""


# ---- terms: what a computation is made from -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FeeTerms:
    """A fee: a rate of the order amount in 1/100,000, or a fixed amount. The other one is 0."""

    rate: int = 0
    amount: int = 0

    def without_fixed(self) -> Self:
        """Return the fee as a partial cancel sees it: a fixed amount comes back only with the last one."""
        return replace(self, amount=0)


@dataclass(frozen=True, slots=True)
class ContractTerms:
    """The part of a contract that decides amounts, and its cycle, which decides dates."""

    platform_fee: FeeTerms
    vat_payer: Payer
    subtract_payment_vat: bool
    cycle: Cycle


@dataclass(frozen=True, slots=True)
class DiscountTerms:
    """A discount of `amount`, of which `tax_free` falls on tax-free goods; the partner bears `share_rate` of it."""

    policy_id: str
    share_rate: int
    amount: int
    tax_free: int = 0


@dataclass(frozen=True, slots=True)
class AdditionalFeeTerms:
    """An additional fee. `third_party` names whom it is owed on to; empty means it is the merchant's own."""

    policy_id: str
    fee: FeeTerms
    vat_payer: Payer
    third_party: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One product of an order. Unit amounts are per piece, its discounts are for the whole line."""

    product_id: str
    unit_amount: int
    unit_tax_free: int
    quantity: int
    discounts: tuple[DiscountTerms, ...] = ()
    fees: tuple[AdditionalFeeTerms, ...] = ()

    @property
    def order(self) -> int:
        """Unit amount times quantity."""
        return self.unit_amount * self.quantity

    @property
    def order_tax_free(self) -> int:
        """Unit tax-free amount times quantity."""
        return self.unit_tax_free * self.quantity


@dataclass(frozen=True, slots=True)
class Order:
    """
    An order given either as one `amount` or as `lines`. Its discounts and fees are those of the order as a whole.

    `tax_free` replaces the sum of the lines' tax-free amounts in the totals.
    """

    amount: int | None = None
    lines: tuple[Line, ...] = ()
    tax_free: int | None = None
    discounts: tuple[DiscountTerms, ...] = ()
    fees: tuple[AdditionalFeeTerms, ...] = ()

    @property
    def total(self) -> int:
        """The order amount."""
        return sum(line.order for line in self.lines) if self.amount is None else self.amount

    @property
    def total_tax_free(self) -> int:
        """The tax-free part of the order amount."""
        return sum(line.order_tax_free for line in self.lines) if self.tax_free is None else self.tax_free


# ---- results --------------------------------------------------------------------------------------------------------


# What the merchant's own formulas gave, by their keys.
Results = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Sums:
    """Base of results whose whole-number fields add up and subtract field by field; other fields are kept."""

    def __add__(self, other: Self) -> Self:
        return replace(self, **{name: getattr(self, name) + getattr(other, name) for name in self._numbers()})

    def __sub__(self, other: Self) -> Self:
        return replace(self, **{name: getattr(self, name) - getattr(other, name) for name in self._numbers()})

    @property
    def is_zero(self) -> bool:
        """Whether every whole-number field is 0."""
        return not any(getattr(self, name) for name in self._numbers())

    def _numbers(self) -> list[str]:
        return [item.name for item in fields(self) if isinstance(getattr(self, item.name), int)]


class Amounts(NamedTuple):
    """The amounts of an order, a line or a cancel, named as on the wire. They add up and subtract name by name."""

    settlement: int = 0
    settlement_tax_free: int = 0
    payment: int = 0
    payment_vat: int = 0
    payment_vat_burden: int = 0
    payment_tax_free: int = 0
    payment_supply: int = 0
    order: int = 0
    order_tax_free: int = 0
    platform_fee: int = 0
    platform_fee_vat: int = 0
    additional_fee: int = 0
    additional_fee_vat: int = 0
    discount: int = 0
    discount_tax_free: int = 0
    discount_share: int = 0
    discount_share_tax_free: int = 0

    @property
    def fee(self) -> int:
        """All that the merchant keeps of the order amount. Order less fee is the default settlement."""
        return (
            self.platform_fee
            + self.platform_fee_vat
            + self.additional_fee
            + self.additional_fee_vat
            + self.discount_share
            + self.payment_vat_burden
        )

    def __add__(self, other: "Amounts") -> "Amounts":  # type: ignore[override]  # of a tuple, which would be joined
        return Amounts(*map(add, self, other))

    def __sub__(self, other: "Amounts") -> "Amounts":
        return Amounts(*map(sub, self, other))


@dataclass(frozen=True, slots=True)
class ComputedDiscount(Sums):
    """A discount and the partner's share of it."""

    policy_id: str
    amount: int = 0
    tax_free: int = 0
    share: int = 0
    share_tax_free: int = 0


@dataclass(frozen=True, slots=True)
class ComputedFee(Sums):
    """An additional fee, the VAT the partner bears on top of it, or the VAT contained in it where the merchant does."""

    policy_id: str
    third_party: str = ""
    amount: int = 0
    vat: int = 0
    vat_inside: int = 0


@dataclass(frozen=True, slots=True)
class ComputedLine:
    """One line with its own block of amounts. In a cancel the quantity is the cancelled one."""

    product_id: str
    quantity: int
    amounts: Amounts
    discounts: tuple[ComputedDiscount, ...] = ()
    fees: tuple[ComputedFee, ...] = ()
    own: Results = field(default_factory=dict)

    def __sub__(self, other: Self) -> Self:
        return replace(
            self,
            quantity=self.quantity - other.quantity,
            amounts=self.amounts - other.amounts,
            discounts=_less(self.discounts, other.discounts),
            fees=_less(self.fees, other.fees),
            own=_results_less(self.own, other.own),
        )


@dataclass(frozen=True, slots=True)
class Computed:
    """
    The result for an order or a cancel.

    `discounts` and `fees` are those of the order as a whole, `discount_totals` and `fee_totals` add the lines to them
    policy by policy. `platform_fee_vat_inside` is the VAT contained in a platform fee whose VAT the merchant bears.
    `own` are the results of the merchant's own formulas.
    """

    amounts: Amounts
    platform_fee_vat_inside: int = 0
    discount_totals: tuple[ComputedDiscount, ...] = ()
    fee_totals: tuple[ComputedFee, ...] = ()
    lines: tuple[ComputedLine, ...] = ()
    discounts: tuple[ComputedDiscount, ...] = ()
    fees: tuple[ComputedFee, ...] = ()
    own: Results = field(default_factory=dict)
    is_last: bool = False

    def __sub__(self, other: Self) -> Self:
        gone = {line.product_id: line for line in other.lines}
        return replace(
            self,
            amounts=self.amounts - other.amounts,
            platform_fee_vat_inside=self.platform_fee_vat_inside - other.platform_fee_vat_inside,
            discount_totals=_less(self.discount_totals, other.discount_totals),
            fee_totals=_less(self.fee_totals, other.fee_totals),
            lines=tuple(line - gone[line.product_id] if line.product_id in gone else line for line in self.lines),
            discounts=_less(self.discounts, other.discounts),
            fees=_less(self.fees, other.fees),
            own=_results_less(self.own, other.own),
        )

    @property
    def is_empty(self) -> bool:
        """Whether neither amount nor quantity is in it."""
        return self.amounts.order == 0 and not any(line.quantity for line in self.lines)


@dataclass(frozen=True, slots=True)
class Original:
    """An order as it was computed: its terms and its result. Cancels are held against it, not against today's terms."""

    order: Order
    contract: ContractTerms
    computed: Computed


# ---- refusals -------------------------------------------------------------------------------------------------------


class Relation(StrEnum):
    """The four bounds between amounts of one order, line or cancel."""

    DISCOUNT_OVER_ORDER = "DISCOUNT_OVER_ORDER"
    TAX_FREE_DISCOUNT_OVER_DISCOUNT = "TAX_FREE_DISCOUNT_OVER_DISCOUNT"
    TAX_FREE_DISCOUNT_OVER_TAX_FREE_ORDER = "TAX_FREE_DISCOUNT_OVER_TAX_FREE_ORDER"
    TAX_FREE_PAYMENT_OVER_PAYMENT = "TAX_FREE_PAYMENT_OVER_PAYMENT"


class AmountType(StrEnum):
    """Which amount a cancel asks too much of."""

    SUPPLY_WITH_VAT = "SUPPLY_WITH_VAT"
    TAX_FREE = "TAX_FREE"


@dataclass(eq=False)
class Refused(Exception):
    """Base of every refusal of this module. `product_id` is None where a refusal is about the order as a whole."""

    def __str__(self) -> str:
        return repr(self)


@dataclass(eq=False)
class OrderDetailInvalid(Refused):
    """An order or a cancel is given both as an amount and as lines, or an order as neither."""


@dataclass(eq=False)
class OrderDetailMismatched(Refused):
    """A cancel names lines of an order given as an amount, or an amount of an order given as lines."""


@dataclass(eq=False)
class AmountExceeded(Refused):
    """One of the four relations between amounts does not hold."""

    relation: Relation
    requested: int
    allowed: int
    product_id: str | None = None


@dataclass(eq=False)
class ProductDuplicated(Refused):
    """A product is named twice."""

    product_id: str


@dataclass(eq=False)
class ProductNotFound(Refused):
    """A cancel names a product that is not in the order."""

    product_id: str


@dataclass(eq=False)
class PolicyDuplicated(Refused):
    """A discount or fee policy is named twice in one list."""

    policy_id: str
    product_id: str | None = None


@dataclass(eq=False)
class DiscountPolicyNotFound(Refused):
    """A cancel names a discount that the order, or that line of it, does not have."""

    policy_id: str
    product_id: str | None = None


@dataclass(eq=False)
class AlreadyCancelled(Refused):
    """Nothing of the order is left."""


@dataclass(eq=False)
class CancellableAmountExceeded(Refused):
    """A cancel asks for more of the order, or of its tax-free part, than is left."""

    amount_type: AmountType
    requested: int
    cancellable: int


@dataclass(eq=False)
class CancellableQuantityExceeded(Refused):
    """A cancel asks for more pieces than are left."""

    product_id: str
    requested: int
    cancellable: int


@dataclass(eq=False)
class CancellableDiscountExceeded(Refused):
    """A cancel asks for more of a discount, or with `tax_free` of its tax-free part, than is left."""

    policy_id: str
    tax_free: bool
    requested: int
    cancellable: int
    product_id: str | None = None


# ---- formulas -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RoundingModes:
    """One mode for each formula, and one for every VAT."""

    platform_fee: Rounding = Rounding.DOWN
    discount_share: Rounding = Rounding.DOWN
    additional_fee: Rounding = Rounding.DOWN
    settlement: Rounding = Rounding.DOWN
    vat: Rounding = Rounding.DOWN


@dataclass(frozen=True, slots=True)
class Formulas:
    """
    The default formulas; a merchant's own replace single methods in a subclass.

    Formulas see the amounts computed so far, in this order: order, discount, payment and its VAT, shares of discounts,
    platform fee and its VAT, additional fees and their VAT, settlement. Later fields still read 0.
    """

    rounding: RoundingModes = field(default_factory=RoundingModes)

    def discount_share(self, so_far: Amounts, discount: int, share_rate: int) -> int:  # noqa: ARG002 - a merchant's own looks at it
        """Return the partner's share of a discount, or of its tax-free part."""
        return rated(discount, share_rate, self.rounding.discount_share)

    def platform_fee(self, so_far: Amounts, fee: FeeTerms) -> int:
        """Return the platform fee of an order or a line."""
        return rated(so_far.order, fee.rate, self.rounding.platform_fee, plus=fee.amount)

    def additional_fee(self, so_far: Amounts, fee: FeeTerms) -> int:
        """Return one additional fee of an order or a line."""
        return rated(so_far.order, fee.rate, self.rounding.additional_fee, plus=fee.amount)

    def settlement(self, so_far: Amounts) -> int:
        """Return what the partner is owed; it may be negative."""
        return so_far.order - so_far.fee

    def settlement_tax_free(self, so_far: Amounts) -> int:
        """Return the tax-free part of the settlement, in proportion to that of the order."""
        order = so_far.order
        if order == 0:
            return 0
        part = (so_far.settlement + so_far.discount_share) * so_far.order_tax_free
        return round_quotient(part - so_far.discount_share_tax_free * order, order, self.rounding.settlement)

    def own(self, amounts: Amounts) -> Results:  # noqa: ARG002 - a merchant's own look at it
        """Return the results of the merchant's own formulas, of which the default calculation has none."""
        return {}

    def payment_vat(self, taxable: int) -> int:
        """Return the VAT contained in what the buyer paid for taxable goods."""
        return round_quotient(taxable, 11, self.rounding.vat)

    def fee_vat(self, fee: int, payer: Payer) -> int:
        """Return the VAT that the partner bears on top of a fee."""
        return round_quotient(fee, 10, self.rounding.vat) if payer is Payer.PARTNER else 0


DEFAULT_FORMULAS = Formulas()


def vat_inside(fee: int, payer: Payer) -> int:
    """Return the VAT contained in a fee whose VAT the merchant bears: 10 parts of 110, cut toward zero."""
    return round_quotient(fee * 10, 110, Rounding.DOWN) if payer is Payer.MERCHANT else 0


# ---- orders ---------------------------------------------------------------------------------------------------------


def compute_order(order: Order, contract: ContractTerms, *, formulas: Formulas = DEFAULT_FORMULAS) -> Computed:
    """
    Return the amounts of an order with those of its lines, discounts and fees.

    Raises OrderDetailInvalid, ProductDuplicated, PolicyDuplicated, AmountExceeded and core.money.AmountOutOfRange.
    """
    _check_order(order)
    fixed = apportion(contract.platform_fee.amount, [line.order for line in order.lines])
    lines = tuple(
        _compute_line(line, replace(contract, platform_fee=replace(contract.platform_fee, amount=part)), formulas)
        for line, part in zip(order.lines, fixed, strict=True)
    )
    all_discounts = [*(item for line in order.lines for item in line.discounts), *order.discounts]
    so_far = _paid(order.total, order.total_tax_free, all_discounts, contract, formulas)
    discounts = tuple(_discount(terms, so_far, formulas) for terms in order.discounts)
    discount_totals = _per_policy([*(item for line in lines for item in line.discounts), *discounts])
    so_far = _with_shares(so_far, discount_totals)
    if lines:
        charged = _total(line.amounts for line in lines)
        so_far = so_far._replace(platform_fee=charged.platform_fee, platform_fee_vat=charged.platform_fee_vat)
    else:
        so_far = _with_platform_fee(so_far, contract, formulas)
    fees = tuple(_fee(terms, so_far, formulas) for terms in order.fees)
    fee_totals = _per_policy([*(item for line in lines for item in line.fees), *fees])
    amounts = _settled(so_far, fee_totals, formulas)
    return Computed(
        amounts=amounts,
        platform_fee_vat_inside=vat_inside(so_far.platform_fee, contract.vat_payer),
        discount_totals=discount_totals,
        fee_totals=fee_totals,
        lines=lines,
        discounts=discounts,
        fees=fees,
        own=formulas.own(amounts),
    )


def _compute_line(line: Line, contract: ContractTerms, formulas: Formulas) -> ComputedLine:
    so_far = _paid(line.order, line.order_tax_free, line.discounts, contract, formulas)
    discounts = tuple(_discount(terms, so_far, formulas) for terms in line.discounts)
    so_far = _with_platform_fee(_with_shares(so_far, discounts), contract, formulas)
    fees = tuple(_fee(terms, so_far, formulas) for terms in line.fees)
    amounts = _settled(so_far, fees, formulas)
    return ComputedLine(line.product_id, line.quantity, amounts, discounts, fees, formulas.own(amounts))


def _discount(terms: DiscountTerms, so_far: Amounts, formulas: Formulas) -> ComputedDiscount:
    # A merchant's formula may add something to a share, but a tax-free part that is not there has none.
    tax_free = formulas.discount_share(so_far, terms.tax_free, terms.share_rate) if terms.tax_free else 0
    return ComputedDiscount(
        policy_id=terms.policy_id,
        amount=terms.amount,
        tax_free=terms.tax_free,
        share=formulas.discount_share(so_far, terms.amount, terms.share_rate),
        share_tax_free=tax_free,
    )


def _fee(terms: AdditionalFeeTerms, so_far: Amounts, formulas: Formulas) -> ComputedFee:
    amount = formulas.additional_fee(so_far, terms.fee)
    return ComputedFee(
        policy_id=terms.policy_id,
        third_party=terms.third_party,
        amount=amount,
        vat=formulas.fee_vat(amount, terms.vat_payer),
        vat_inside=vat_inside(amount, terms.vat_payer),
    )


def _paid(
    order: int, order_tax_free: int, discounts: Iterable[DiscountTerms], contract: ContractTerms, formulas: Formulas
) -> Amounts:
    given = list(discounts)
    discount, discount_tax_free = sum(item.amount for item in given), sum(item.tax_free for item in given)
    payment, tax_free = order - discount, order_tax_free - discount_tax_free
    vat = formulas.payment_vat(payment - tax_free)
    return Amounts(
        order=order,
        order_tax_free=order_tax_free,
        discount=discount,
        discount_tax_free=discount_tax_free,
        payment=payment,
        payment_tax_free=tax_free,
        payment_vat=vat,
        payment_supply=payment - tax_free - vat,
        payment_vat_burden=vat if contract.subtract_payment_vat else 0,
    )


def _with_shares(so_far: Amounts, discounts: Sequence[ComputedDiscount]) -> Amounts:
    if not discounts:
        return so_far
    shared = sum(discounts, ComputedDiscount(""))
    return so_far._replace(discount_share=shared.share, discount_share_tax_free=shared.share_tax_free)


def _with_platform_fee(so_far: Amounts, contract: ContractTerms, formulas: Formulas) -> Amounts:
    fee = formulas.platform_fee(so_far, contract.platform_fee)
    return so_far._replace(platform_fee=fee, platform_fee_vat=formulas.fee_vat(fee, contract.vat_payer))


def _settled(so_far: Amounts, fees: Sequence[ComputedFee], formulas: Formulas) -> Amounts:
    if fees:
        fee = sum(fees, ComputedFee(""))
        so_far = so_far._replace(additional_fee=fee.amount, additional_fee_vat=fee.vat)
    so_far = so_far._replace(settlement=formulas.settlement(so_far))
    amounts = so_far._replace(settlement_tax_free=formulas.settlement_tax_free(so_far))
    _check_amounts(amounts)
    return amounts


def _check_amounts(amounts: Amounts) -> None:
    # Hardly any order has one that is out of bounds; only then it matters which.
    if not -MAX_AMOUNT <= min(amounts) <= max(amounts) <= MAX_AMOUNT:
        for name, value in amounts._asdict().items():
            check_amount(name, value)


def _total(amounts: Iterable[Amounts]) -> Amounts:
    return sum(amounts, Amounts())


# ---- sums per policy, and checks ------------------------------------------------------------------------------------

_Item = TypeVar("_Item", ComputedDiscount, ComputedFee)


def _per_policy(items: Iterable[_Item]) -> tuple[_Item, ...]:
    sums: dict[str, _Item] = {}
    for item in items:
        known = sums.get(item.policy_id)
        sums[item.policy_id] = item if known is None else known + item
    return tuple(sums.values())


def _less(items: tuple[_Item, ...], gone: tuple[_Item, ...]) -> tuple[_Item, ...]:
    gone_of = {item.policy_id: item for item in gone}
    return tuple(item - gone_of[item.policy_id] if item.policy_id in gone_of else item for item in items)


def _results_less(results: Results, gone: Results) -> Results:
    return {key: value - gone.get(key, 0) for key, value in results.items()}


def _check_order(order: Order) -> None:
    if (order.amount is None) != bool(order.lines):
        raise OrderDetailInvalid
    check_products(line.product_id for line in order.lines)
    for line in order.lines:
        _check_line(line)
    check_amount("order", order.total, low=0)
    check_amount("order_tax_free", order.total_tax_free, low=0)
    check_terms(order.discounts, order.fees, None)
    discounts = [*(item for line in order.lines for item in line.discounts), *order.discounts]
    check_relations(order.total, order.total_tax_free, discounts, None)


def _check_line(line: Line) -> None:
    check_amount("quantity", line.quantity, low=1)
    check_amount("unit_amount", line.unit_amount, low=0)
    check_amount("unit_tax_free", line.unit_tax_free, low=0)
    check_amount("line_amount", line.order)
    check_terms(line.discounts, line.fees, line.product_id)
    check_relations(line.order, line.order_tax_free, line.discounts, line.product_id)


def check_terms(discounts: Sequence[DiscountTerms], fees: Sequence[AdditionalFeeTerms], product_id: str | None) -> None:
    """Raise PolicyDuplicated and AmountOutOfRange for one list of discounts and one of fees."""
    check_policies((item.policy_id for item in discounts), product_id)
    check_policies((item.policy_id for item in fees), product_id)
    for item in discounts:
        check_amount("discount", item.amount, low=0)
        check_amount("discount_tax_free", item.tax_free, low=0)


def check_relations(
    order: int, tax_free: int | None, discounts: Sequence[DiscountTerms], product_id: str | None
) -> None:
    """Raise AmountExceeded for the first of the four relations that does not hold; without a tax-free amount two."""
    discount = sum(item.amount for item in discounts)
    discount_tax_free = sum(item.tax_free for item in discounts)
    bounds = [(Relation.DISCOUNT_OVER_ORDER, discount, order)]
    bounds += [(Relation.TAX_FREE_DISCOUNT_OVER_DISCOUNT, item.tax_free, item.amount) for item in discounts]
    if tax_free is not None:
        bounds += [
            (Relation.TAX_FREE_DISCOUNT_OVER_TAX_FREE_ORDER, discount_tax_free, tax_free),
            (Relation.TAX_FREE_PAYMENT_OVER_PAYMENT, tax_free - discount_tax_free, order - discount),
        ]
    for relation, requested, allowed in bounds:
        if requested > allowed:
            raise AmountExceeded(relation, requested, allowed, product_id)


def check_products(product_ids: Iterable[str]) -> None:
    """Raise ProductDuplicated."""
    twice = _named_twice(product_ids)
    if twice is not None:
        raise ProductDuplicated(twice)


def check_policies(policy_ids: Iterable[str], product_id: str | None) -> None:
    """Raise PolicyDuplicated."""
    twice = _named_twice(policy_ids)
    if twice is not None:
        raise PolicyDuplicated(twice, product_id)


def _named_twice(names: Iterable[str]) -> str | None:
    """Return the first name that comes again."""
    listed = list(names)
    if len(set(listed)) == len(listed):
        return None
    return next(name for name in listed if listed.count(name) > 1)

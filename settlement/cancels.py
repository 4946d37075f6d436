"""
What each cancel of an order takes back.

A partial cancel is computed like a smaller order; the cancel that leaves nothing takes whatever is left, field by
field, so that an order and its cancels always net to zero. The amounts of a cancel are sizes, its type carries the
minus.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from core.money import check_amount
from settlement.fees import (
    DEFAULT_FORMULAS,
    AdditionalFeeTerms,
    AlreadyCancelled,
    AmountType,
    CancellableAmountExceeded,
    CancellableDiscountExceeded,
    CancellableQuantityExceeded,
    Computed,
    ComputedDiscount,
    ComputedLine,
    DiscountPolicyNotFound,
    DiscountTerms,
    Formulas,
    Line,
    Order,
    OrderDetailInvalid,
    OrderDetailMismatched,
    Original,
    ProductNotFound,
    check_policies,
    check_products,
    check_relations,
    check_terms,
    compute_order,
)

# ---- requests -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CancelDiscount:
    """A part of an original discount that a cancel names."""

    policy_id: str
    amount: int
    tax_free: int = 0


@dataclass(frozen=True, slots=True)
class CancelLine:
    """Pieces of one product that a cancel names."""

    product_id: str
    quantity: int
    discounts: tuple[CancelDiscount, ...] = ()


@dataclass(frozen=True, slots=True)
class Cancel:
    """A cancel by `amount` or by `lines`; with neither it cancels all that is left."""

    amount: int | None = None
    lines: tuple[CancelLine, ...] | None = None
    tax_free: int | None = None
    discounts: tuple[CancelDiscount, ...] = ()


# ---- results --------------------------------------------------------------------------------------------------------


def remaining(original: Computed, previous: Iterable[Computed]) -> Computed:
    """Return what is left of an order after its cancels so far: amounts, quantities, discounts and fees."""
    left = original
    for cancel in previous:
        left = left - cancel
    return left


def compute_cancel(
    original: Original, previous: Sequence[Computed], request: Cancel, *, formulas: Formulas = DEFAULT_FORMULAS
) -> Computed:
    """
    Return the amounts of a cancel, as sizes. `previous` are all cancels of the original so far.

    Raises the refusals of `compute_order`, AlreadyCancelled, OrderDetailMismatched, ProductNotFound,
    DiscountPolicyNotFound and the Cancellable…Exceeded.
    """
    left = remaining(original.computed, previous)
    if previous and left.is_empty:
        raise AlreadyCancelled
    named = _named_part(original.order, left, request)
    if named.total > left.amounts.order:
        raise CancellableAmountExceeded(AmountType.SUPPLY_WITH_VAT, named.total, left.amounts.order)
    last = _takes_everything(named, left)
    # The last cancel takes the tax-free rest by itself, so only a figure the request gives can be too much.
    if (request.tax_free is not None or not last) and named.total_tax_free > left.amounts.order_tax_free:
        raise CancellableAmountExceeded(AmountType.TAX_FREE, named.total_tax_free, left.amounts.order_tax_free)
    if last:
        _check_named(named)
        return _the_rest(left)
    contract = original.contract
    contract = replace(contract, platform_fee=contract.platform_fee.without_fixed())
    return compute_order(_smaller_order(named, original.order, left), contract, formulas=formulas)


def _named_part(order: Order, left: Computed, request: Cancel) -> Order:
    """Return the part of the order that the request names, with only those discounts that it names."""
    if (request.amount is not None and request.lines is not None) or request.lines == ():
        raise OrderDetailInvalid
    if request.tax_free is not None:
        check_amount("order_tax_free", request.tax_free, low=0)
    if (request.amount if order.lines else request.lines) is not None:
        raise OrderDetailMismatched
    amount = None if order.lines else left.amounts.order
    return Order(
        amount=amount if request.amount is None else request.amount,
        lines=_named_lines(order, left, request.lines) if order.lines else (),
        tax_free=request.tax_free,
        discounts=_named_discounts(order.discounts, left.discounts, request.discounts, None),
        fees=order.fees,
    )


def _named_lines(order: Order, left: Computed, named: tuple[CancelLine, ...] | None) -> tuple[Line, ...]:
    lines = {line.product_id: line for line in order.lines}
    left_of = {line.product_id: line for line in left.lines}
    if named is None:
        named = tuple(CancelLine(line.product_id, line.quantity) for line in left.lines if line.quantity)
    check_products(item.product_id for item in named)
    for item in named:
        if item.product_id not in lines:
            raise ProductNotFound(item.product_id)
    return tuple(_named_line(lines[item.product_id], left_of[item.product_id], item) for item in named)


def _named_line(line: Line, left: ComputedLine, named: CancelLine) -> Line:
    check_amount("quantity", named.quantity, low=1)
    if named.quantity > left.quantity:
        raise CancellableQuantityExceeded(line.product_id, named.quantity, left.quantity)
    discounts = _named_discounts(line.discounts, left.discounts, named.discounts, line.product_id)
    return replace(line, quantity=named.quantity, discounts=discounts)


def _named_discounts(
    terms: tuple[DiscountTerms, ...],
    left: tuple[ComputedDiscount, ...],
    named: tuple[CancelDiscount, ...],
    product_id: str | None,
) -> tuple[DiscountTerms, ...]:
    terms_of = {item.policy_id: item for item in terms}
    left_of = {item.policy_id: item for item in left}
    check_policies((item.policy_id for item in named), product_id)
    for item in named:
        if item.policy_id not in terms_of:
            raise DiscountPolicyNotFound(item.policy_id, product_id)
        rest = left_of[item.policy_id]
        if item.amount > rest.amount:
            raise CancellableDiscountExceeded(
                item.policy_id, tax_free=False, requested=item.amount, cancellable=rest.amount, product_id=product_id
            )
        if item.tax_free > rest.tax_free:
            raise CancellableDiscountExceeded(
                item.policy_id, tax_free=True, requested=item.tax_free, cancellable=rest.tax_free, product_id=product_id
            )
    return tuple(replace(terms_of[item.policy_id], amount=item.amount, tax_free=item.tax_free) for item in named)


def _takes_everything(named: Order, left: Computed) -> bool:
    if named.lines:
        return sum(line.quantity for line in named.lines) == sum(line.quantity for line in left.lines)
    return named.total == left.amounts.order


def _smaller_order(named: Order, order: Order, left: Computed) -> Order:
    """Return the named part as the smaller order that a partial cancel is computed like."""
    terms_of = {line.product_id: line.discounts for line in order.lines}
    left_of = {line.product_id: line for line in left.lines}
    lines = []
    for line in named.lines:
        rest = left_of[line.product_id]
        emptied = line.quantity == rest.quantity
        discounts = _left_over(terms_of[line.product_id], rest.discounts) if emptied else line.discounts
        lines.append(replace(line, discounts=discounts, fees=_without_fixed(line.fees)))
    return replace(named, lines=tuple(lines), fees=_without_fixed(named.fees))


def _left_over(terms: tuple[DiscountTerms, ...], left: tuple[ComputedDiscount, ...]) -> tuple[DiscountTerms, ...]:
    terms_of = {item.policy_id: item for item in terms}
    return tuple(
        replace(terms_of[item.policy_id], amount=item.amount, tax_free=item.tax_free) for item in _present(left)
    )


def _without_fixed(fees: tuple[AdditionalFeeTerms, ...]) -> tuple[AdditionalFeeTerms, ...]:
    return tuple(replace(terms, fee=terms.fee.without_fixed()) for terms in fees)


def _the_rest(left: Computed) -> Computed:
    lines = (replace(line, discounts=_present(line.discounts)) for line in left.lines if line.quantity)
    return replace(left, lines=tuple(lines), discounts=_present(left.discounts), is_last=True)


def _check_named(named: Order) -> None:
    """Hold what a last cancel names against the relations; what comes back by itself is right by subtraction."""
    for line in named.lines:
        check_terms(line.discounts, (), line.product_id)
        check_relations(line.order, None, line.discounts, line.product_id)
    check_terms(named.discounts, (), None)
    discounts = [*(item for line in named.lines for item in line.discounts), *named.discounts]
    check_relations(named.total, named.tax_free, discounts, None)


def _present(discounts: tuple[ComputedDiscount, ...]) -> tuple[ComputedDiscount, ...]:
    return tuple(item for item in discounts if not item.is_zero)

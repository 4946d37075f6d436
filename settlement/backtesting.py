"""
What an order and its cancels would have been worth under changed terms of their contract.

Only the contract's terms change: what was ordered and cancelled, the discounts, the fees of policies and the formulas
stay as they were. A cancel is computed against the changed order, and the one that left nothing takes the rest again.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from settlement.cancels import Cancel, CancelDiscount, CancelLine, compute_cancel, remaining
from settlement.fees import (
    DEFAULT_FORMULAS,
    Computed,
    ComputedDiscount,
    ContractTerms,
    Formulas,
    Order,
    Original,
    compute_order,
)


@dataclass(frozen=True, slots=True)
class Taken:
    """A cancel as it was recorded. `after` are the places, among the order's cancels, of those that stood before it."""

    computed: Computed
    after: tuple[int, ...] = ()


def replay(
    order: Order, cancels: Sequence[Taken], contract: ContractTerms, *, formulas: Formulas = DEFAULT_FORMULAS
) -> tuple[Computed, ...]:
    """
    Return an order and then its cancels as they are under a contract, cancels as sizes.

    Raises the refusals of `compute_order` when the terms do not fit the order.
    """
    original = Original(order, contract, compute_order(order, contract, formulas=formulas))
    done: list[Computed] = []
    for taken in cancels:
        previous = [done[place] for place in taken.after]
        request = _asked(taken.computed, remaining(original.computed, previous))
        done.append(compute_cancel(original, previous, request, formulas=formulas))
    return (original.computed, *done)


def _asked(taken: Computed, left: Computed) -> Cancel:
    """Return the request that a recorded cancel answers: everything that was left, or the part it names."""
    if takes_the_rest(taken, left):
        return Cancel()
    lines = tuple(
        CancelLine(line.product_id, line.quantity, _discounts(line.discounts)) for line in taken.lines if line.quantity
    )
    return Cancel(
        amount=None if lines else taken.amounts.order,
        lines=lines or None,
        tax_free=taken.amounts.order_tax_free,
        discounts=_discounts(taken.discounts),
    )


def takes_the_rest(taken: Computed, left: Computed) -> bool:
    """Say whether a cancel leaves nothing: of an order of lines no pieces, of an amount no money."""
    if left.lines:
        return sum(line.quantity for line in taken.lines) == sum(line.quantity for line in left.lines)
    return taken.amounts.order == left.amounts.order


def _discounts(found: Iterable[ComputedDiscount]) -> tuple[CancelDiscount, ...]:
    return tuple(CancelDiscount(item.policy_id, item.amount, item.tax_free) for item in found)

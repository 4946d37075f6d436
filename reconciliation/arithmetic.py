"""
Does a line add up? The checks of vendor billing files, one function for each of them.

Pure. Every check works on exact decimals; what the vendor is known to cut or round is cut or rounded in the same place.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal, localcontext
from types import MappingProxyType
from typing import Any, NamedTuple

from reconciliation.amounts import EXACT, cut, half_up, minor_unit
from reconciliation.charge_types import Group, charge_type
from reconciliation.checks import Check, Formula, Result, exact, figure, number, said
from reconciliation.chunks import Chunk
from reconciliation.lines import Kind, Line, Value
from reconciliation.series import Series, combined

_DAILY_PRECISION = Decimal("1e-9")
_ONE = Decimal(1)
_HALF = Decimal("0.5")

_Read = tuple[str, Callable[[Value], Any]]


class _Rule(NamedTuple):
    """
    A check of a line: what it reads in which columns, and what it says of that; None where it does not apply.

    `clears` says of many lines at once, and much more quickly, which of them are certainly right and not to be shown.
    """

    columns: tuple[_Read, ...]
    check: Callable[..., Check | None]
    clears: Callable[..., list[bool]] | None = None


def checks(line: Line) -> list[Check]:
    """Return every check that applies to a line of a billing file; none for kinds without prices."""
    with localcontext(EXACT):
        made = [
            rule.check(*(read(line.values.get(column)) for column, read in rule.columns))
            for rule in _RULES.get(line.kind, ())
        ]
    return [check for check in made if check is not None]


def shown_checks(chunk: Chunk) -> Iterator[tuple[int, Check]]:
    """Yield the checks that a reader must see, with their lines counted from 0: check by check, then line by line."""
    for rule in _RULES.get(chunk.kind, ()):
        with localcontext(EXACT):
            shown = list(_shown(rule, [chunk.column(column).map(read) for column, read in rule.columns]))
        yield from shown


def _shown(rule: _Rule, columns: list[Series[Any]]) -> Iterator[tuple[int, Check]]:
    if rule.clears is None:
        made = combined(rule.check, *columns)
        doubtful: Sequence[int] = (
            range(len(made)) if any(check is not None and check.shown for check in made.different) else range(0)
        )
        checks: Iterator[Check | None] = map(made.at, doubtful)
    else:
        doubtful = [line for line, is_clear in enumerate(rule.clears(*columns)) if not is_clear]
        checks = (rule.check(*(column.at(line) for column in columns)) for line in doubtful)
    for line, check in zip(doubtful, checks, strict=True):
        if check is not None and check.shown:
            yield line, check


def _license_amount(currency: str, price: Decimal, quantity: Decimal, charged: Decimal) -> Check:
    unit = minor_unit(currency)
    product = price * quantity
    # The unit price is printed rounded, so it may be off by half a minor unit for every seat.
    near = abs(charged - product) <= max(unit, unit * _HALF * abs(quantity))
    return _rounded("amount", charged - half_up(product, unit), near=near)


def _license_subtotal(charged: Decimal, discount: Decimal, subtotal: Decimal) -> Check:
    return exact("subtotal", subtotal - (charged - discount))


def _total(pretax: Decimal, tax: Decimal, total: Decimal) -> Check:
    return exact("total", total - (pretax + tax))


def _usage_quantity(consumed: Decimal, included: Decimal, overage: Decimal) -> Check:
    return exact("quantity", overage - (consumed - included))


def _usage_pretax(currency: str, type_text: str, price: Decimal, overage: Decimal, pretax: Decimal) -> Check | None:
    # Discounts are amounts without a quantity.
    if charge_type(Kind.USAGE, type_text).group in {Group.DISCOUNT, Group.DISCOUNT_REVERSAL}:
        return None
    unit = minor_unit(currency)
    difference = pretax - half_up(price * overage, unit)
    return _rounded("pretax", difference, near=abs(difference) <= unit)


def _rounded(name: str, difference: Decimal, *, near: bool) -> Check:
    if not difference:
        return Check(name, Result.OK, difference)
    return Check(name, Result.WITHIN_ROUNDING if near else Result.FAULT, difference)


def _commerce_total(subtotal: Decimal, tax: Decimal, total: Decimal) -> Check:
    difference = total - (subtotal + tax)
    # A total of 0 beside a subtotal is wrong even where the tax happens to make up for it.
    wrong = bool(difference) or (not total and bool(subtotal))
    return Check("total", Result.FAULT if wrong else Result.OK, difference)


def _clear_totals(subtotals: Series[Decimal], taxes: Series[Decimal], totals: Series[Decimal]) -> list[bool]:
    """Clear the lines that add up to something."""
    return [bool(total) and total == net + tax for net, tax, total in zip(subtotals, taxes, totals, strict=True)]


def _commerce_subtotal(
    currency: str,
    pricing_currency: str,
    price: Decimal | None,
    billed: Decimal | None,
    ordered: Decimal,
    rate: Decimal | None,
    subtotal: Decimal,
) -> Check | None:
    """Check a subtotal against the three ways in which the vendor is known to cut; a tie goes to the first of them."""
    if price is None:
        return None
    unit, pricing_unit = minor_unit(currency), minor_unit(pricing_currency or currency)
    quantity = billable(billed, ordered)
    rate = _ONE if rate is None else rate
    product = price * quantity
    by_product = subtotal - cut(cut(product, pricing_unit) * rate, unit)
    if not by_product:
        return Check("subtotal", Result.OK, by_product, Formula.PRODUCT_TRUNCATED)
    by_unit, cut_once = subtotal - cut(price * rate, unit) * quantity, subtotal - cut(product * rate, unit)
    nearest = min(by_product, by_unit, cut_once, key=abs)
    if not nearest:
        formula = Formula.PER_UNIT_TRUNCATED if cut_once else Formula.PRODUCT_TRUNCATED
        return Check("subtotal", Result.OK, nearest, formula)
    return _rounded("subtotal", nearest, near=abs(nearest) <= unit)


def _clear_subtotals(
    currencies: Series[str],
    pricing_currencies: Series[str],
    prices: Series[Decimal | None],
    billed: Series[Decimal | None],
    ordered: Series[Decimal],
    rates: Series[Decimal | None],
    subtotals: Series[Decimal],
) -> list[bool]:
    """Clear the lines whose product of price and quantity needs neither a rate nor cutting: most of them."""
    units = combined(
        lambda paid, priced: (minor_unit(paid), minor_unit(priced or paid)), currencies, pricing_currencies
    )
    coarsest = units.map(max)
    plain = rates.map(lambda rate: rate is None or rate == _ONE)
    quantities = combined(billable, billed, ordered)
    return [
        is_plain and price is not None and subtotal == price * quantity and subtotal == cut(subtotal, unit)
        for is_plain, price, quantity, unit, subtotal in zip(
            plain, prices, quantities, coarsest, subtotals, strict=True
        )
    ]


def billable(billed: Decimal | None, ordered: Decimal) -> Decimal:
    """Return the quantity that a new-commerce line charges: BillableQuantity, in older layouts Quantity."""
    return ordered if billed is None else billed


def _daily(
    currency: str, price: Decimal | None, quantity: Decimal, rate: Decimal | None, credit: Decimal, pretax: Decimal
) -> Check | None:
    """
    Check a day's charge; it is right or wrong, as the files give it more digits than money has.

    Lines with a credit are left out: their effective price has nothing to do with their total.
    """
    if price is None or credit:
        return None
    unit = minor_unit(currency)
    computed = price * quantity * (_ONE if rate is None else rate)
    slack = max(unit, _DAILY_PRECISION)
    near = abs(pretax - computed) <= slack or abs(pretax - cut(computed, unit)) <= slack
    return Check("pretax", Result.OK if near else Result.FAULT, pretax - computed)


def _texts(*columns: str) -> tuple[_Read, ...]:
    return tuple((column, said) for column in columns)


def _figures(*columns: str) -> tuple[_Read, ...]:
    return tuple((column, figure) for column in columns)


def _numbers(*columns: str) -> tuple[_Read, ...]:
    """Columns in which none is another thing than nothing."""
    return tuple((column, number) for column in columns)


# Columns are in the order in which the check takes them.
_LICENSE = (
    _Rule((*_texts("Currency"), *_figures("UnitPrice", "Quantity", "Amount")), _license_amount),
    _Rule(_figures("Amount", "TotalOtherDiscount", "Subtotal"), _license_subtotal),
    _Rule(_figures("Subtotal", "Tax", "TotalForCustomer"), _total),
)
_USAGE = (
    _Rule(_figures("ConsumedQuantity", "IncludedQuantity", "OverageQuantity"), _usage_quantity),
    _Rule(
        (*_texts("Currency", "ChargeType"), *_figures("ListPrice", "OverageQuantity", "PretaxCharges")), _usage_pretax
    ),
    _Rule(_figures("PretaxCharges", "TaxAmount", "PostTaxTotal"), _total),
)
_COMMERCE = (
    _Rule(
        (
            *_texts("Currency", "PricingCurrency"),
            *_numbers("EffectiveUnitPrice", "BillableQuantity"),
            *_figures("Quantity"),
            *_numbers("PCToBCExchangeRate"),
            *_figures("Subtotal"),
        ),
        _commerce_subtotal,
        _clear_subtotals,
    ),
    _Rule(_figures("Subtotal", "TaxTotal", "Total"), _commerce_total, _clear_totals),
)
_DAILY = _Rule(
    (
        *_texts("BillingCurrency"),
        *_numbers("EffectiveUnitPrice"),
        *_figures("Quantity"),
        *_numbers("PCToBCExchangeRate"),
        *_figures("RateOfCredit", "BillingPreTaxTotal"),
    ),
    _daily,
)
_RULES: Mapping[Kind, tuple[_Rule, ...]] = MappingProxyType(
    {
        Kind.LICENSE: _LICENSE,
        Kind.USAGE: _USAGE,
        Kind.ONETIME_RECURRING: _COMMERCE,
        Kind.NCE_INVOICE: _COMMERCE,
        Kind.NCE_DAILY: (_DAILY,),
    }
)

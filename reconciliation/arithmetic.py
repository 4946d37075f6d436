"""
Does a line add up? The checks of vendor billing files, one function for each family of files.

Pure. Every check works on exact decimals; what the vendor is known to cut or round is cut or rounded in the same place.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal, localcontext
from types import MappingProxyType

from reconciliation.amounts import EXACT, cut, half_up, minor_unit
from reconciliation.charge_types import Group, charge_type
from reconciliation.checks import Check, Formula, Result, amount, exact, number, text
from reconciliation.lines import Kind, Line

_DAILY_PRECISION = Decimal("1e-9")
_ONE = Decimal(1)
_HALF = Decimal("0.5")


def checks(line: Line) -> list[Check]:
    """Return every check that applies to a line of a billing file; none for kinds without prices."""
    of_kind = _CHECKS.get(line.kind)
    if of_kind is None:
        return []
    with localcontext(EXACT):
        return of_kind(line)


def _license(line: Line) -> list[Check]:
    unit = minor_unit(text(line, "Currency"))
    quantity, charged, subtotal = amount(line, "Quantity"), amount(line, "Amount"), amount(line, "Subtotal")
    product = amount(line, "UnitPrice") * quantity
    # The unit price is printed rounded, so it may be off by half a minor unit for every seat.
    near = abs(charged - product) <= max(unit, unit * _HALF * abs(quantity))
    return [
        _rounded("amount", charged - half_up(product, unit), near=near),
        exact("subtotal", subtotal - (charged - amount(line, "TotalOtherDiscount"))),
        exact("total", amount(line, "TotalForCustomer") - (subtotal + amount(line, "Tax"))),
    ]


def _usage(line: Line) -> list[Check]:
    unit = minor_unit(text(line, "Currency"))
    overage, pretax = amount(line, "OverageQuantity"), amount(line, "PretaxCharges")
    found = [exact("quantity", overage - (amount(line, "ConsumedQuantity") - amount(line, "IncludedQuantity")))]
    # Discounts are amounts without a quantity.
    if charge_type(line.kind, text(line, "ChargeType")).group not in {Group.DISCOUNT, Group.DISCOUNT_REVERSAL}:
        difference = pretax - half_up(amount(line, "ListPrice") * overage, unit)
        found.append(_rounded("pretax", difference, near=abs(difference) <= unit))
    found.append(exact("total", amount(line, "PostTaxTotal") - (pretax + amount(line, "TaxAmount"))))
    return found


def _rounded(name: str, difference: Decimal, *, near: bool) -> Check:
    if not difference:
        return Check(name, Result.OK, difference)
    return Check(name, Result.WITHIN_ROUNDING if near else Result.FAULT, difference)


def _commerce(line: Line) -> list[Check]:
    subtotal, total, tax = amount(line, "Subtotal"), amount(line, "Total"), amount(line, "TaxTotal")
    found = []
    price = number(line.values.get("EffectiveUnitPrice"))
    if price is not None:
        found.append(_commerce_subtotal(line, subtotal, price))
    difference = total - (subtotal + tax)
    # A total of 0 beside a subtotal is wrong even where the tax happens to make up for it.
    wrong = bool(difference) or (not total and bool(subtotal))
    found.append(Check("total", Result.FAULT if wrong else Result.OK, difference))
    return found


def _commerce_subtotal(line: Line, subtotal: Decimal, price: Decimal) -> Check:
    """Check a subtotal against the three ways in which the vendor is known to cut; a tie goes to the first of them."""
    currency = text(line, "Currency")
    unit, pricing_unit = minor_unit(currency), minor_unit(text(line, "PricingCurrency") or currency)
    quantity = billable(line)
    rate = _rate(line)
    product = price * quantity
    differences = (
        subtotal - cut(cut(product, pricing_unit) * rate, unit),
        subtotal - cut(price * rate, unit) * quantity,
        subtotal - cut(product * rate, unit),
    )
    nearest = min(differences, key=abs)
    if not nearest:
        product_fits = not (differences[0] and differences[2])
        formula = Formula.PRODUCT_TRUNCATED if product_fits else Formula.PER_UNIT_TRUNCATED
        return Check("subtotal", Result.OK, nearest, formula)
    return _rounded("subtotal", nearest, near=abs(nearest) <= unit)


def billable(line: Line) -> Decimal:
    """Return the quantity that a new-commerce line charges: BillableQuantity, in older layouts Quantity."""
    quantity = number(line.values.get("BillableQuantity"))
    return amount(line, "Quantity") if quantity is None else quantity


def _rate(line: Line) -> Decimal:
    rate = number(line.values.get("PCToBCExchangeRate"))
    return _ONE if rate is None else rate


def _daily(line: Line) -> list[Check]:
    """
    Check a day's charge; it is right or wrong, as the files give it more digits than money has.

    Lines with a credit are left out: their effective price has nothing to do with their total.
    """
    price = number(line.values.get("EffectiveUnitPrice"))
    if price is None or amount(line, "RateOfCredit"):
        return []
    unit = minor_unit(text(line, "BillingCurrency"))
    delivered = amount(line, "BillingPreTaxTotal")
    computed = price * amount(line, "Quantity") * _rate(line)
    slack = max(unit, _DAILY_PRECISION)
    near = abs(delivered - computed) <= slack or abs(delivered - cut(computed, unit)) <= slack
    return [Check("pretax", Result.OK if near else Result.FAULT, delivered - computed)]


_CHECKS: Mapping[Kind, Callable[[Line], list[Check]]] = MappingProxyType(
    {
        Kind.LICENSE: _license,
        Kind.USAGE: _usage,
        Kind.ONETIME_RECURRING: _commerce,
        Kind.NCE_INVOICE: _commerce,
        Kind.NCE_DAILY: _daily,
    }
)

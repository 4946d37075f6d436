"""
Settlement files of payment providers: do a movement's figures fit together, and what is paid out with it.

Pure. Stripe gives amounts in major units with the sign in the amount; Adyen has a column for each direction, and the
direction is always taken from the column, as the names of its types differ between accounts.
"""

from collections import Counter
from collections.abc import Iterable
from decimal import Decimal, localcontext

from reconciliation.amounts import EXACT, ZERO, minor_unit, plain
from reconciliation.charge_types import folded
from reconciliation.checks import Check, Result, amount, exact, number, text
from reconciliation.lines import Kind, Line

# Adyen's types of lines behind which there is no payment, as `folded` writes them.
_PAYOUT = "merchantpayout"
_WITHOUT_PAYMENT = frozenset({"fee", _PAYOUT, "balancetransfer", "invoicededuction"})
_ONE = Decimal(1)
_COSTS = ("Commission (NC)", "Markup (NC)", "Scheme Fees (NC)", "Interchange (NC)")


def currency_of(line: Line) -> str:
    """Return the currency in which a movement is settled."""
    return text(line, "currency" if line.kind is Kind.STRIPE_PAYOUT else "Net Currency").upper()


def adyen_net(line: Line) -> Decimal:
    """Return what a movement adds to the merchant's balance: credit − debit."""
    return amount(line, "Net Credit (NC)") - amount(line, "Net Debit (NC)")


def net_check(line: Line) -> Check | None:
    """Check a movement's net against its gross; None where there is no payment to compute it from."""
    with localcontext(EXACT):
        if line.kind is Kind.STRIPE_PAYOUT:
            return exact("net", amount(line, "net") - (amount(line, "gross") - amount(line, "fee")))
        return _adyen_check(line)


def _adyen_check(line: Line) -> Check | None:
    credit, debit = (number(line.values.get(f"Gross {side} (GC)")) for side in ("Credit", "Debit"))
    if folded(text(line, "Type")) in _WITHOUT_PAYMENT or (credit is None and debit is None):
        return None
    rate = number(line.values.get("Exchange Rate"))
    gross = ((credit or ZERO) - (debit or ZERO)) * (_ONE if rate is None else rate)
    difference = adyen_net(line) - (gross - sum((amount(line, cost) for cost in _COSTS), ZERO))
    near = abs(difference) <= minor_unit(currency_of(line))
    return Check("net", Result.OK if near else Result.FAULT, difference)


class Payouts:
    """What a Stripe file settles with each payout. Movements that belong to none are in no payout's sum."""

    def __init__(self) -> None:
        self._sums: dict[tuple[str, str], Decimal] = {}

    def add(self, line: Line) -> None:
        """Take in a movement that counts."""
        payout = text(line, "automatic_payout_id")
        if payout:
            key = (payout, currency_of(line))
            self._sums[key] = self._sums.get(key, ZERO) + amount(line, "net")

    def result(self) -> dict[str, str]:
        """Return the net sum of every payout."""
        return {name: plain(self._sums[key]) for key, name in _names(self._sums).items()}


class Batches:
    """What an Adyen file settles in each batch, and the payout that closes it."""

    def __init__(self) -> None:
        self._sums: dict[tuple[str, str], tuple[Decimal, Decimal]] = {}

    def add(self, line: Line) -> None:
        """Take in a movement that counts."""
        batch = text(line, "Batch Number")
        if not batch:
            return
        key = (batch, currency_of(line))
        net = adyen_net(line)
        net_sum, payout = self._sums.get(key, (ZERO, ZERO))
        paid_out = -net if folded(text(line, "Type")) == _PAYOUT else ZERO
        self._sums[key] = (net_sum + net, payout + paid_out)

    def result(self) -> dict[str, dict[str, str]]:
        """Return for every batch what was paid out, and the sum of all its lines: zero once it is closed."""
        return {
            name: {"net_sum": plain(self._sums[key][0]), "payout": plain(self._sums[key][1])}
            for key, name in _names(self._sums).items()
        }


def _names(keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Name each sum by its number, and by its currency too where one number has several: those are never added."""
    times = Counter(number for number, _ in keys)
    return {key: f"{key[0]} {key[1]}" if times[key[0]] > 1 else key[0] for key in keys}

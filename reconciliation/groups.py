"""
The figures of a group: all lines of a file with the same key and currency.

Pure. What "the quantity" of several lines is differs by kind: the seats at the end of the period, the sum of what was
used, or what was bought minus what was given back.
"""

from datetime import date
from decimal import Decimal
from typing import NamedTuple, Protocol

from reconciliation.amounts import ZERO
from reconciliation.arithmetic import billable
from reconciliation.charge_types import ChargeType, Group
from reconciliation.checks import amount, number, text
from reconciliation.figures import COLUMNS, Money
from reconciliation.keys import customer_name, key_values
from reconciliation.lines import Kind, Line, Value

_COUNTED_AT_ZERO = frozenset({"new", "extendTerm"})


class Share(NamedTuple):
    """
    What one line adds to the quantity of its group; a `quantity` of None adds nothing.

    `unclear` lines leave the quantity unknown. Lines with one `purchase` and quantity may be price components of one
    purchase; without it a line stands for itself.
    """

    quantity: Decimal | None
    unclear: bool = False
    metered: bool = False
    purchase: "Purchase | None" = None


class Purchase(NamedTuple):
    """What the price components of one purchase have in common beside their quantity."""

    order: str
    type_: str
    first_day: Value
    last_day: Value


_NOTHING = Share(None)


def share_of(line: Line, type_: ChargeType, pretax: Decimal) -> Share:
    """Return what a line that counts adds to its group's quantity."""
    if line.kind is Kind.LICENSE:
        days = (line.values.get("ChargeStartDate"), line.values.get("ChargeEndDate"))
        charged = amount(line, "Amount") > 0 and all(isinstance(day, date) for day in days)
        return Share(amount(line, "Quantity")) if charged else _NOTHING
    if line.kind is Kind.USAGE:
        return Share(amount(line, "OverageQuantity"), metered=True)
    if line.kind is Kind.NCE_DAILY:
        return Share(amount(line, "Quantity"), metered=True)
    return _bought(line, type_, pretax)


def _bought(line: Line, type_: ChargeType, pretax: Decimal) -> Share:
    """Return what was charged, or minus what was refunded; credits are left out."""
    if type_.group is Group.CREDIT:
        return _NOTHING
    unclear = not pretax and type_.name not in _COUNTED_AT_ZERO
    quantity = billable(line) if pretax >= 0 else -billable(line)
    consumption = bool(text(line, "MeterDescription"))
    order = text(line, "OrderId")
    purchase = None
    if not consumption and order and "OrderId" not in line.damaged:
        days = (line.values.get("ChargeStartDate"), line.values.get("ChargeEndDate"))
        purchase = Purchase(order.lower(), type_.name, *days)
    return Share(quantity, unclear, consumption, purchase)


def full_price(line: Line, type_: ChargeType, pretax: Decimal) -> Decimal | None:
    """Return the unit price of a charge for a full period, None of any other line."""
    full_period = Group.USAGE if line.kind is Kind.USAGE else Group.CHARGE
    if type_.group is not full_period or pretax < 0:
        return None
    return number(line.values.get(COLUMNS[line.kind].price))


class Quantity(Protocol):
    """How lines of one group make up a quantity."""

    def add(self, line: Line, share: Share) -> None:
        """Take in one more line."""

    @property
    def value(self) -> Decimal | None:
        """Return the quantity; None where the lines do not tell."""

    @property
    def metered(self) -> bool:
        """Say whether it is measured, not counted in seats."""


class LastSeats:
    """The seats of the charge that ends last (then begins last, then comes first in the file); 0 without a charge."""

    __slots__ = ("_place", "_seats")
    metered = False

    def __init__(self) -> None:
        self._place: tuple[date, date, int] | None = None
        self._seats = ZERO

    def add(self, line: Line, share: Share) -> None:
        """Take in one more line."""
        end, start = line.values.get("ChargeEndDate"), line.values.get("ChargeStartDate")
        if share.quantity is None or not isinstance(end, date) or not isinstance(start, date):
            return
        place = (end, start, -line.record)
        if self._place is None or place > self._place:
            self._place, self._seats = place, share.quantity

    @property
    def value(self) -> Decimal:
        """Return the seats."""
        return self._seats


class Used:
    """The sum of what was used."""

    __slots__ = ("_sum",)
    metered = True

    def __init__(self) -> None:
        self._sum = ZERO

    def add(self, _line: Line, share: Share) -> None:
        """Take in one more line."""
        self._sum += share.quantity or ZERO

    @property
    def value(self) -> Decimal:
        """Return the sum."""
        return self._sum


class Bought:
    """
    What was charged minus what was refunded; credits are left out.

    A line without money counts when it opens or prolongs a subscription; any other such line leaves the quantity
    unknown. Price components of one purchase (same order, type, period and quantity, no meter, different unit prices)
    are one purchase. Without an order id two lines are not known to be of the same order.
    """

    __slots__ = ("_components", "_consumption", "_known", "_seats", "_sum")

    def __init__(self) -> None:
        self._sum = ZERO
        self._known = True
        self._consumption = False
        self._seats = False
        # How often each unit price of a purchase occurs.
        self._components: dict[tuple[Purchase, Decimal], dict[Decimal, int]] | None = None

    def add(self, line: Line, share: Share) -> None:
        """Take in one more line."""
        if share.quantity is None:
            return
        self._known &= not share.unclear
        self._consumption |= share.metered
        self._seats |= not share.metered
        if share.purchase is None:
            self._sum += share.quantity
            return
        if self._components is None:
            self._components = {}
        prices = self._components.setdefault((share.purchase, share.quantity), {})
        price = amount(line, "UnitPrice")
        prices[price] = prices.get(price, 0) + 1

    @property
    def value(self) -> Decimal | None:
        """Return the quantity, None where a line leaves it unknown."""
        if not self._known:
            return None
        whole = self._sum
        for (_purchase, quantity), prices in (self._components or {}).items():
            # A price that occurs twice is that of two purchases.
            whole += quantity * max(prices.values())
        return whole

    @property
    def metered(self) -> bool:
        """Say whether every line is consumption: a tolerance must never touch seats."""
        return self._consumption and not self._seats


class UnitPrice:
    """The one unit price of full-period charges; None where there is none, or several."""

    __slots__ = ("_price", "_several")

    def __init__(self) -> None:
        self._price: Decimal | None = None
        self._several = False

    def add(self, price: Decimal | None) -> None:
        """Take in the price of one more line."""
        if price is None:
            return
        if self._price is None:
            self._price = price
        elif self._price != price:
            self._several = True

    @property
    def value(self) -> Decimal | None:
        """Return the price."""
        return None if self._several else self._price


def _quantity(kind: Kind) -> Quantity:
    if kind is Kind.LICENSE:
        return LastSeats()
    return Used() if kind in {Kind.USAGE, Kind.NCE_DAILY} else Bought()


class FileGroup:
    """The running figures of one group of a file."""

    __slots__ = ("_price", "_quantity", "customer_name", "key", "lines", "records", "subtotal", "tax")

    def __init__(self, first: Line, *, by_name: bool, keep: bool) -> None:
        self.key = key_values(first)
        self.customer_name = customer_name(first) if by_name else ""
        self.lines = 0
        self.subtotal = ZERO
        self.tax = ZERO
        self.records: list[int] | None = [] if keep else None
        self._quantity = _quantity(first.kind)
        self._price = UnitPrice()

    def add(self, line: Line, type_: ChargeType, money: Money) -> None:
        """Take in one more line that counts."""
        self.lines += 1
        self.subtotal += money.pretax
        self.tax += money.tax
        if self.records is not None:
            self.records.append(line.record)
        self._quantity.add(line, share_of(line, type_, money.pretax))
        self._price.add(full_price(line, type_, money.pretax))

    @property
    def quantity(self) -> Decimal | None:
        """Return the quantity, None where it cannot be compared."""
        return self._quantity.value

    @property
    def metered(self) -> bool:
        """Say whether the quantity is measured."""
        return self._quantity.metered

    @property
    def unit_price(self) -> Decimal | None:
        """Return the unit price, None where it cannot be compared."""
        return self._price.value

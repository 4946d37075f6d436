"""
The figures of a group: all lines of a file with the same key and currency.

Pure. What "the quantity" of several lines is differs by kind: the seats at the end of the period, the sum of what was
used, or what was bought minus what was given back.
"""

from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any, NamedTuple, Protocol

from reconciliation.amounts import EXACT, ZERO
from reconciliation.arithmetic import billable
from reconciliation.charge_types import ChargeType, Group
from reconciliation.checks import amount, figure, number
from reconciliation.chunks import Chunk
from reconciliation.figures import Money
from reconciliation.fingerprints import as_text
from reconciliation.keys import customer_name, key_values
from reconciliation.lines import Kind, Line, Value
from reconciliation.series import Series, combined

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


def shares_of(chunk: Chunk, types: Series[ChargeType], pretax: Series[Decimal]) -> Series[Share]:
    """Return what lines that count add to the quantity of their groups."""
    days = _days(chunk)
    match chunk.kind:
        case Kind.LICENSE:
            return combined(_seats, chunk.column("Amount"), chunk.column("Quantity"), *days)
        case Kind.USAGE:
            return chunk.column("OverageQuantity").map(_used)
        case Kind.NCE_DAILY:
            return chunk.column("Quantity").map(_used)
        case _:
            quantities = combined(_billed, chunk.column("BillableQuantity"), chunk.column("Quantity"))
            return combined(_bought, types, pretax, quantities, chunk.column("MeterDescription"), _orders(chunk), *days)


def purchase_columns(chunk: Chunk, types: Series[ChargeType]) -> list[Series[Any]]:
    """Return the fields of the purchases that lines would be components of, each in a series."""
    return [_orders(chunk), types.map(lambda type_: type_.name), *_days(chunk)]


def _orders(chunk: Chunk) -> Series[str | None]:
    return combined(_order, chunk.column("OrderId"), chunk.damaged)


def _days(chunk: Chunk) -> list[Series[Value]]:
    return [chunk.column(name).map(as_text) for name in ("ChargeStartDate", "ChargeEndDate")]


def _seats(charged: Value, quantity: Value, first_day: Value, last_day: Value) -> Share:
    return Share(figure(quantity)) if figure(charged) > 0 and first_day and last_day else _NOTHING


def _used(quantity: Value) -> Share:
    return Share(figure(quantity), metered=True)


def _billed(billed: Value, ordered: Value) -> Decimal:
    return billable(number(billed), figure(ordered))


def _order(order: Value, damaged: tuple[str, ...]) -> str | None:
    return order.lower() if isinstance(order, str) and order and "OrderId" not in damaged else None


def _bought(
    type_: ChargeType,
    pretax: Decimal,
    quantity: Decimal,
    meter: Value,
    order: str | None,
    first_day: Value,
    last_day: Value,
) -> Share:
    """Return what was charged, or minus what was refunded; credits are left out."""
    if type_.group is Group.CREDIT:
        return _NOTHING
    unclear = not pretax and type_.name not in _COUNTED_AT_ZERO
    purchase = None if meter or order is None else Purchase(order, type_.name, first_day, last_day)
    return Share(quantity if pretax >= 0 else EXACT.minus(quantity), unclear, bool(meter), purchase)


def full_prices(
    kind: Kind, types: Series[ChargeType], pretax: Series[Decimal], prices: Series[Value]
) -> Series[Decimal | None]:
    """Return the unit prices of charges for a full period, None of any other line."""
    full_period = Group.USAGE if kind is Kind.USAGE else Group.CHARGE
    return combined(partial(_full_price, full_period), types, pretax, prices)


def _full_price(full_period: Group, type_: ChargeType, pretax: Decimal, price: Value) -> Decimal | None:
    return number(price) if type_.group is full_period and pretax >= 0 else None


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

    def add(self, line: Line, money: Money, share: Share, full_price: Decimal | None) -> None:
        """Take in one more line that counts, with what it adds and its unit price if it is for a full period."""
        self.lines += 1
        self.subtotal += money.pretax
        self.tax += money.tax
        if self.records is not None:
            self.records.append(line.record)
        self._quantity.add(line, share)
        self._price.add(full_price)

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

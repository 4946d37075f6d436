"""
What follows from the lines of a billing file, chunk by chunk: their money, what they are grouped by, what they add.

Pure. Whoever checks, sums, compares or keeps the lines asks here, and each thing is worked out once.
"""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal, localcontext
from functools import cached_property
from typing import TypeVar

from reconciliation.amounts import EXACT, ZERO
from reconciliation.charge_types import ChargeType, charge_type
from reconciliation.checks import figure, said
from reconciliation.chunks import Chunk
from reconciliation.figures import Columns, currency_in, period
from reconciliation.fingerprints import of_identities, of_keys
from reconciliation.groups import Share, full_prices, purchase_columns, shares_of
from reconciliation.keys import Identities, identities_of
from reconciliation.lines import Value
from reconciliation.resellers import Bucket, Sums, buckets_of
from reconciliation.series import Series, combined

K = TypeVar("K")


class Charges:
    """
    Lines of a chunk that count. `columns` are those of their kind, `has_reseller` says that the file names resellers.

    Every series has a value for each of the lines.
    """

    def __init__(self, chunk: Chunk, columns: Columns, *, has_reseller: bool) -> None:
        self.chunk = chunk
        self._columns = columns
        self._has_reseller = has_reseller

    def amounts(self, column: str | None) -> Series[Decimal]:
        """Return the decimals of a column, 0 where a line has none."""
        return Series.same(ZERO, len(self.chunk)) if column is None else self.chunk.column(column).map(figure)

    @cached_property
    def currency(self) -> Series[str]:
        """The currency."""
        return self.chunk.column(self._columns.currency).map(currency_in)

    @cached_property
    def pretax(self) -> Series[Decimal]:
        """The amount before tax."""
        return self.amounts(self._columns.pretax)

    @cached_property
    def tax(self) -> Series[Decimal]:
        """The tax."""
        return self.amounts(self._columns.tax)

    @cached_property
    def total(self) -> Series[Decimal]:
        """The amount with tax."""
        return self.amounts(self._columns.total)

    @cached_property
    def signs(self) -> Series[int]:
        """The sign of the amount before tax: 1, −1, or 0 of nothing."""
        return Series.of([*self.pretax.map(_sign)])

    @cached_property
    def types(self) -> Series[ChargeType]:
        """What is charged for."""
        kind = self.chunk.kind
        return self.chunk.column("ChargeType").map(lambda value: charge_type(kind, said(value)))

    @cached_property
    def periods(self) -> Series[tuple[date, date] | None]:
        """The first and the last day."""
        return combined(period, *map(self.chunk.column, self._columns.period))

    @cached_property
    def buckets(self) -> Series[tuple[Bucket, str]]:
        """What the reseller column says, and the id it says it of."""
        return buckets_of(self.chunk, in_file=self._has_reseller)

    @cached_property
    def identities(self) -> Identities:
        """What the line is grouped by."""
        return identities_of(self.chunk)

    @cached_property
    def group_keys(self) -> Series[str]:
        """The fingerprint of that."""
        return of_identities(self.identities)

    @cached_property
    def shares(self) -> Series[Share]:
        """What the line adds to the quantity of its group."""
        return shares_of(self.chunk, self.types, self.pretax)

    @cached_property
    def purchases(self) -> Series[str | None]:
        """The fingerprint of the purchase that the line is a component of, if it may be one."""
        if not any(share.purchase for share in self.shares.different):
            return Series.same(None, len(self.chunk))
        found = of_keys(*purchase_columns(self.chunk, self.types))
        if all(share.purchase for share in self.shares.different):
            return found
        return combined(lambda share, purchase: purchase if share.purchase else None, self.shares, found)

    @property
    def prices(self) -> Series[Value]:
        """The unit price."""
        return self.chunk.column(self._columns.price)

    @cached_property
    def full_prices(self) -> Series[Decimal | None]:
        """The unit price of a charge for a full period, None of any other line."""
        return full_prices(self.chunk.kind, self.types, self.pretax, self.prices)

    def by_currency(self) -> Iterator[tuple[str, Sums]]:
        """Yield what the lines of each currency come to."""
        return self._sums(self.currency)

    def by_reseller(self) -> Iterator[tuple[tuple[Bucket, str, str], Sums]]:
        """Yield what the lines of each bucket, id and currency come to."""
        return self._sums(combined(lambda bucket, currency: (*bucket, currency), self.buckets, self.currency))

    def _sums(self, keys: Series[K]) -> Iterator[tuple[K, Sums]]:
        with localcontext(EXACT):
            found: dict[K, Sums] = {}
            if keys.is_one:
                pretax, tax, total = (sum(series, ZERO) for series in (self.pretax, self.tax, self.total))
                return iter([(keys.at(0), Sums(len(keys), pretax, tax, total))])
            for key, *figures in zip(keys, self.pretax, self.tax, self.total, strict=True):
                found.setdefault(key, Sums()).add(Sums(1, *figures))
        return iter(found.items())


def _sign(amount: Decimal) -> int:
    return (amount > 0) - (amount < 0)

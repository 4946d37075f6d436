"""
What makes two files versions of each other: their kind, billing entity and invoice, or what stands in for an invoice.

Pure. A licence file has no invoice number, so its period and its partner stand in; a provider's file is known by the
payouts or batches in it. Daily usage without an invoice is an estimate of what will be billed.
"""

from collections.abc import Iterator
from datetime import date
from hashlib import sha256

from reconciliation.checks import said
from reconciliation.chunks import Chunk
from reconciliation.figures import COLUMNS, period
from reconciliation.lines import Kind, Value
from reconciliation.series import Series, combined

_ENTITY = {Kind.STRIPE_PAYOUT: "", Kind.ADYEN_SETTLEMENT: "Company Account"}
_NUMBER = {Kind.LICENSE: "", Kind.STRIPE_PAYOUT: "automatic_payout_id", Kind.ADYEN_SETTLEMENT: "Batch Number"}
_MOST_NAMES = 100
_LONGEST_SHOWN = 200


class _Few:
    """The first few of many different names in alphabetical order without case, whatever order they come in."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def add(self, names: Series[Value]) -> None:
        for name in map(said, names.different):
            folded = name.lower()
            if folded and folded not in self._names:
                self._names[folded] = name
                if len(self._names) > 2 * _MOST_NAMES:
                    self._names = dict(self._first())

    def _first(self) -> list[tuple[str, str]]:
        return sorted(self._names.items())[:_MOST_NAMES]

    @property
    def folded(self) -> list[str]:
        return [folded for folded, _name in self._first()]

    @property
    def shown(self) -> list[str]:
        return [name for _folded, name in self._first()]


class Naming:
    """
    What a file is a version of, gathered chunk by chunk.

    What whoever sends the file says about it (`billing_entity`, `invoice_number`) wins over what its lines say.
    """

    def __init__(self, kind: Kind, *, billing_entity: str = "", invoice_number: str = "") -> None:
        self._kind = kind
        self._entity, self._invoice = billing_entity.strip().lower(), invoice_number.strip()
        self._entity_column = _ENTITY.get(kind, "PartnerId")
        self._number_column = _NUMBER.get(kind, "InvoiceNumber")
        self._entities, self._numbers, self._accounts = _Few(), _Few(), _Few()
        self.first_day: date | None = None
        self.last_day: date | None = None

    def add(self, chunk: Chunk) -> None:
        """Take in lines that count."""
        self._entities.add(chunk.column(self._entity_column))
        self._numbers.add(chunk.column(self._number_column))
        if self._kind is Kind.ADYEN_SETTLEMENT:
            self._accounts.add(chunk.column("Merchant Account"))
        for day in self._days(chunk):
            self.first_day = day if self.first_day is None else min(day, self.first_day)
            self.last_day = day if self.last_day is None else max(day, self.last_day)

    def _days(self, chunk: Chunk) -> Iterator[date]:
        columns = COLUMNS.get(self._kind)
        first, last = map(chunk.column, columns.period if columns is not None else ("UsageDate", "UsageDate"))
        for days in combined(period, first, last).different:
            yield from days or ()

    @property
    def billing_entity(self) -> str:
        """Who is billed: the partner or account that the file names first in the alphabet."""
        return self._entity or next(iter(self._entities.folded), "")[:_LONGEST_SHOWN]

    @property
    def invoice_number(self) -> str:
        """The invoice, payout or batch number; several are joined, empty if there is none."""
        return self._invoice[:_LONGEST_SHOWN] or ", ".join(self._numbers.shown)[:_LONGEST_SHOWN]

    @property
    def is_estimate(self) -> bool:
        """Say whether the file is a snapshot of what has not been billed yet."""
        return self._kind is Kind.NCE_DAILY and not self.invoice_number

    def identity(self, content_hash: str) -> str:
        """Return the digest that all versions of the file share. A provider's file without any number stands alone."""
        numbers = [self._invoice.lower()] if self._invoice else self._numbers.folded
        if numbers:
            stands = ["number", *self._accounts.folded, *numbers]
        elif self._kind in (Kind.STRIPE_PAYOUT, Kind.ADYEN_SETTLEMENT):
            stands = ["content", content_hash]
        else:
            stands = ["period", str(self.first_day), str(self.last_day), *self._entities.folded]
        return sha256(repr((str(self._kind), self.billing_entity, stands)).encode()).hexdigest()

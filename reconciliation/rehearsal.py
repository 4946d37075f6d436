"""Reading a file, checking its lines and comparing them with our records, without keeping anything of it."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from reconciliation.assessment import Assessment, LineFlags
from reconciliation.books import Books
from reconciliation.charges import Charges
from reconciliation.chunks import Chunk
from reconciliation.cross_check import CrossCheck
from reconciliation.figures import COLUMNS
from reconciliation.lines import Kind
from reconciliation.reading import ON_THIS_MACHINE, Delivered, Limits, Reading, Rejected, open_file
from reconciliation.result import Listed, Result, accepted, line_entry, rejected


@dataclass(frozen=True, slots=True)
class Wanted:
    """
    What is asked about a file. `records` are the numbers of those to list with their values, None meaning all.

    `summary` leaves out all lists that grow with the file.
    """

    locale: str
    books: Books | None = None
    invoice: CrossCheck | None = None
    records: Collection[int] | None = frozenset()
    summary: bool = False
    limits: Limits = ON_THIS_MACHINE


def printable_name(path: Path) -> str:
    """Return the name of a file without what cannot be printed."""
    return path.name.encode(errors="replace").decode()


def rehearse(path: Path, wanted: Wanted) -> Result:
    """Return the answer about one file. OSError if it cannot be opened; everything wrong inside it is in the answer."""
    file = printable_name(path)
    try:
        reading = open_file(path, locale=wanted.locale, limits=wanted.limits)
        passing = Pass(reading, wanted)
        for _passed in passing:
            pass
        return passing.answer(file)
    except Rejected as refusal:
        return rejected(file, refusal, wanted.locale)


def read_invoice(path: Path, locale: str, limits: Limits = ON_THIS_MACHINE) -> CrossCheck:
    """
    Return the consumption lines of an invoice file, for daily files to be held against.

    Rejected if it cannot be read, ValueError if it is of another kind.
    """
    reading = open_file(path, locale=locale, limits=limits)
    if reading.kind is not Kind.NCE_INVOICE:
        raise ValueError(reading.kind)
    check = CrossCheck(path.name)
    for line in reading.lines():
        if line.kind is reading.kind:
            check.add_invoice(line)
    return check


class Passed(NamedTuple):
    """
    Lines that were checked: those of them that count, unless they are of another kind than the file, and their flags.

    `charges` is what the counting lines charge, if they are of a kind that does.
    """

    delivered: Delivered
    counting: Chunk | None
    charges: Charges | None
    flags: LineFlags


class Pass:
    """One pass over the lines of a file, and the answer about it once they have been gone through."""

    def __init__(self, reading: Reading, wanted: Wanted) -> None:
        self.reading = reading
        self._wanted = wanted
        self._columns = COLUMNS.get(reading.kind)
        self._has_reseller = "ResellerMpnId" in reading.columns
        self._assessment = Assessment(reading.kind, keep=not wanted.summary, compared=wanted.books is not None)
        self._listed = None if wanted.summary else Listed()
        self._invoice = wanted.invoice if reading.kind is Kind.NCE_DAILY else None
        self._lines: list[Result] = []

    def __iter__(self) -> Iterator[Passed]:
        """Yield the lines chunk by chunk. May be Rejected at the end."""
        for delivered in self.reading.delivered():
            chunk, wanted = delivered.chunk, self._wanted.records
            if wanted is None or wanted:
                self._lines += [line_entry(line) for line in chunk.lines if wanted is None or line.record in wanted]
            if chunk.kind is self.reading.kind:
                yield self._checked(delivered)
            else:
                yield Passed(delivered, None, None, {})

    def _checked(self, delivered: Delivered) -> Passed:
        counting, charges = delivered.chunk.counting(), None
        if self._columns is not None:
            charges = Charges(counting, self._columns, has_reseller=self._has_reseller)
        if self._listed is not None and len(counting) < len(delivered.chunk):
            for line in delivered.chunk.lines:
                self._listed.add(line)
        if self._invoice is not None:
            for line in counting.lines:
                self._invoice.add_daily(line)
        return Passed(delivered, counting, charges, self._assessment.add(counting, charges))

    def answer(self, file: str) -> Result:
        """Return all that was asked for."""
        books = self._wanted.books
        result = accepted(
            file,
            self.reading,
            self._assessment.finish(),
            self._listed,
            compared=self._assessment.compare(books) if books is not None else None,
            cross_check=self._invoice.result() if self._invoice is not None else None,
        )
        if self._wanted.records is None or self._wanted.records:
            result["lines"] = self._lines
        return result

    def kept_answer(self, file: str) -> Result:
        """Return what is kept beside a batch: nothing that grows with the file or hangs on other files."""
        return accepted(file, self.reading, self._assessment.finish(), None)

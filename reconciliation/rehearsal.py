"""Reading a file, checking its lines and comparing them with our records, without keeping anything of it."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from reconciliation.assessment import Assessment
from reconciliation.books import Books
from reconciliation.cross_check import CrossCheck
from reconciliation.formats.recognise import Header
from reconciliation.lines import Kind, Line
from reconciliation.reading import ON_THIS_MACHINE, Limits, Reading, Rejected, open_file
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
        for _line in passing:
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


class Pass:
    """One pass over the lines of a file, and the answer about it once they have been gone through."""

    def __init__(self, reading: Reading, wanted: Wanted) -> None:
        self.reading = reading
        self._wanted = wanted
        self._assessment = Assessment(
            reading.kind, columns=reading.columns, keep=not wanted.summary, compared=wanted.books is not None
        )
        self._listed = None if wanted.summary else Listed()
        self._invoice = wanted.invoice if reading.kind is Kind.NCE_DAILY else None
        self._lines: list[Result] = []

    def __iter__(self) -> Iterator[tuple[Line, Header, list[str], list[Result]]]:
        """Yield each line with its header, its cells as delivered, and its flags. May be Rejected at the end."""
        for line, header, cells in self.reading.delivered():
            if self._wanted.records is None or line.record in self._wanted.records:
                self._lines.append(line_entry(line))
            flags: list[Result] = []
            if line.kind is self.reading.kind:
                flags = self._assessment.add(line)
                if self._listed is not None:
                    self._listed.add(line)
                if self._invoice is not None:
                    self._invoice.add_daily(line)
            yield line, header, cells, flags

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

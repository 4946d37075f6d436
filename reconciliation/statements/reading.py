"""A bank's file into a statement: recognised where its form is known, else read by the mapping somebody chose."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Final

from console.files.errors import SheetRefused, ValueRefused
from console.files.sheet_limits import Caps
from console.files.sheet_read import header_key
from console.files.values import Raw, clean_text
from payouts.rails.files.refusals import FileRefused
from reconciliation.statements import camt053, mapped
from reconciliation.statements.lines import Form, Said, StatementFile
from reconciliation.statements.mapping import Mapping, column_names
from reconciliation.statements.refusals import Problem, StatementRefused, refused
from reconciliation.statements.sheets import is_workbook, open_sheet

LOOK_ROWS: Final = 30
_LONGEST_SHOWN = 80

SIMULATOR: Final = Mapping(
    day="date",
    time="booked_at",
    amount="amount",
    balance="balance_after",
    kind="kind",
    description="memo",
    name="name",
    account="account_number",
    bank="bank",
    reference="reference",
    reference_date="reference_date",
    bank_reference="bank_reference",
    currency_column="currency",
    words=tuple((said.value, said) for said in Said),
)
"""The statement of the bank simulator."""

_SIMULATOR_HEADER = frozenset(header_key(header) for _name, header in SIMULATOR.columns()) | {"sequence"}


@dataclass(frozen=True, slots=True)
class Look:
    """
    What a file looks like before anybody said what its columns are.

    `form` is set where no mapping is needed. `kind` is xml, csv, xlsx or xls; `names` the sheets to choose from and
    `name` the one shown; `rows` its first rows as text, by their numbers.
    """

    form: Form | None
    kind: str
    encoding: str = ""
    delimiter: str = ""
    names: tuple[str, ...] = ()
    name: str = ""
    rows: tuple[tuple[int, tuple[str, ...]], ...] = ()

    def headers(self, row: int) -> list[str]:
        """Return the names of the columns if this row were the header; empty for a row that is not shown."""
        return next((column_names(cells) for number, cells in self.rows if number == row), [])


def read(body: bytes, *, mapping: Mapping | None, caps: Caps | None = None) -> StatementFile:
    """
    Return what a file says. The simulator's CSV and camt.053 need no mapping, every other form does.

    Raises StatementRefused with every row, column and reason.
    """
    with _told():
        if is_xml(body):
            return camt053.read(body)
        if _is_simulator(body, caps):
            return mapped.read(body, SIMULATOR, form=Form.SIMULATOR_CSV, caps=caps)
        if mapping is None:
            raise refused("mapping_needed")
        return mapped.read(body, mapping, caps=caps)


def look(body: bytes, *, name: str = "", caps: Caps | None = None) -> Look:
    """Return the first rows of a file, for the page on which its columns are chosen. Raises StatementRefused."""
    if is_xml(body):
        return Look(Form.CAMT053, "xml")
    with _told():
        sheet = open_sheet(body, name=name, caps=caps)
        rows = tuple((number, tuple(map(_shown, cells))) for number, cells in islice(sheet.rows, LOOK_ROWS))
        form = Form.SIMULATOR_CSV if rows and _is_simulator_header(rows[0][1]) else None
        return Look(form, sheet.form, sheet.encoding, sheet.delimiter, sheet.names, sheet.name, rows)


def words_of(body: bytes, mapping: Mapping, most: int, *, caps: Caps | None = None) -> list[str]:
    """Return the different words of the kind column as they come, at most so many. Raises StatementRefused."""
    if not mapping.kind:
        return []
    found: dict[str, str] = {}
    place = -1
    with _told():
        for number, cells in open_sheet(body, name=mapping.sheet, caps=caps).rows:
            if number == mapping.header_row:
                names = [header_key(name) for name in column_names(list(map(clean_text, cells)))]
                wanted = header_key(mapping.kind)
                place = names.index(wanted) if wanted in names else -1
            elif 0 <= place < len(cells) and (word := clean_text(cells[place])):
                found.setdefault(header_key(word), word)
                if len(found) >= most:
                    break
    return list(found.values())


def is_xml(body: bytes) -> bool:
    """Say whether a file is XML at all; one that is not camt.053 is refused as such."""
    start = body[:200].lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n").replace(b"\0", b"")
    return start.startswith((b"<?xml", b"<Document", b"<doc:", b"<ns"))


def _is_simulator(body: bytes, caps: Caps | None) -> bool:
    if is_workbook(body):
        return False
    first = next(open_sheet(body, caps=caps).rows, (0, list[Raw]()))[1]
    return _is_simulator_header(tuple(map(_shown, first)))


def _is_simulator_header(cells: tuple[str, ...]) -> bool:
    return len(cells) == len(_SIMULATOR_HEADER) and {header_key(cell) for cell in cells} == _SIMULATOR_HEADER


def _shown(cell: Raw) -> str:
    return " ".join(clean_text(cell).split())[:_LONGEST_SHOWN]


@contextmanager
def _told() -> Iterator[None]:
    """Turn what the readers below refuse into a refusal of a statement."""
    try:
        yield
    except SheetRefused as error:
        raise StatementRefused(
            *(Problem(found.row or 0, found.column or "", found.code, found.params) for found in error.errors)
        ) from None
    except FileRefused as error:
        raise StatementRefused(
            *(Problem(found.line, found.where, found.code, found.params) for found in error.problems)
        ) from None
    except ValueRefused as error:
        raise StatementRefused(Problem(0, "", error.code, error.params)) from None

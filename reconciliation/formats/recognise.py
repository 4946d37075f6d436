"""Which kind of file a header belongs to. By its columns alone: never by a file's name, never by their places."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from reconciliation.formats.columns import Column, Format, header_key
from reconciliation.formats.commerce import EDITIONS, NCE_INVOICE, ONETIME_RECURRING
from reconciliation.formats.daily import NCE_DAILY
from reconciliation.formats.licences import LICENSE
from reconciliation.formats.providers import ADYEN_SETTLEMENT, METADATA, STRIPE_PAYOUT
from reconciliation.formats.usage import USAGE, USAGE_DAILY_LEGACY
from reconciliation.lines import Kind

FORMATS = (
    STRIPE_PAYOUT,
    ADYEN_SETTLEMENT,
    NCE_DAILY,
    USAGE,
    USAGE_DAILY_LEGACY,
    LICENSE,
    NCE_INVOICE,
    ONETIME_RECURRING,
)
"""In the order in which they are tried."""

FORMAT_OF: dict[Kind, Format] = {known.kind: known for known in FORMATS}
_ALL_KEYS = frozenset(key for known in FORMATS for key in known.by_key)
_KNOWN_SHARE = 80  # percent of the filled cells of a row that are names of one kind's columns: then it is a header


@dataclass(frozen=True, slots=True)
class Header:
    """
    A header and the kind it shows.

    `places` gives the column at each place of the file, None where it is unknown; `doubled` and `missing` are names of
    columns that keep the file from being read, if any.
    """

    format: Format
    cells: tuple[str, ...]
    places: tuple[Column | None, ...]
    doubled: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    keys: tuple[str, ...] = field(default=(), repr=False)

    @property
    def kind(self) -> Kind:
        """The kind that the header shows, or comes closest to."""
        return self.format.kind

    @property
    def complete(self) -> bool:
        """Whether lines can be read under this header."""
        return not self.doubled and not self.missing

    @property
    def columns(self) -> frozenset[str]:
        """Names of the kind's columns that the header has."""
        return frozenset(column.name for column in self.places if column)

    @property
    def unknown(self) -> tuple[str, ...]:
        """Texts of the headers that the kind does not know, in file order. A column without a header is none."""
        return tuple(
            cell
            for cell, column in zip(self.cells, self.places, strict=True)
            if cell and column is None and not _is_metadata(self.kind, cell)
        )

    @property
    def layout(self) -> str | None:
        """The edition of the format, where the kind has editions."""
        if self.kind is Kind.LICENSE:
            return "17" if "CustomerId" in self.columns else "16"
        marks = {column.since for column in self.places if column}
        return next((edition for edition in reversed(EDITIONS) if edition in marks), None)

    def is_metadata(self, place: int) -> bool:
        """Say whether the column at a place holds data that the merchant gave the provider."""
        return self.places[place] is None and _is_metadata(self.kind, self.cells[place])


def recognise(cells: Sequence[str]) -> Header | None:
    """
    Return the header made of these cells, of the first kind that it shows, else of the kind it fails by one column.

    None if no kind comes close.
    """
    keys = tuple(header_key(cell) for cell in cells)
    lacks = [(known, _lack(known, keys)) for known in FORMATS]
    found = next((known for known, lack in lacks if lack == ()), None)
    if found is not None:
        return _header(found, cells, keys, ())
    return next((_header(known, cells, keys, lack) for known, lack in lacks if lack is not None), None)


def is_header(cells: Sequence[str]) -> bool:
    """Say whether a row further down is a header again: nearly all it holds are names of columns of one kind."""
    filled = [cell for cell in cells if cell.strip()]
    unknown = len(filled) * (100 - _KNOWN_SHARE) // 100
    # Among one more than may be unknown one has to be known: that keeps rows of data from being looked at in full.
    if all(header_key(cell) not in _ALL_KEYS for cell in filled[: unknown + 1]):
        return False
    keys = list(map(header_key, filled))
    known = max(sum(key in format_.by_key for key in keys) for format_ in FORMATS)
    # A word such as Total, or a row of such words, is a name of columns and still no header.
    return 100 * known >= _KNOWN_SHARE * len(filled) and recognise(cells) is not None


def known_names(cells: Sequence[str]) -> int:
    """Return how many of the cells are names of columns, by the kind that knows most of them."""
    keys = [header_key(cell) for cell in cells]
    return max(sum(key in known.by_key for key in keys) for known in FORMATS)


def _lack(known: Format, keys: Sequence[str]) -> tuple[str, ...] | None:
    """Return what the kind's rule misses: nothing, or one column; None if more is missing or something rules it out."""
    names = {known.by_key[key].name for key in keys if key in known.by_key}
    if not names.isdisjoint(known.none_of):
        return None
    # USAGE's telling columns do not exist among those of its daily block, so they are looked for by key.
    if not {header_key(name) for name in known.none_of}.isdisjoint(keys):
        return None
    lack = [name for name in known.must if name not in names]
    if known.one_of and names.isdisjoint(known.one_of):
        lack.append(known.one_of[0])
    return tuple(lack) if len(lack) <= 1 else None


def _header(known: Format, cells: Sequence[str], keys: tuple[str, ...], lack: tuple[str, ...]) -> Header:
    places = tuple(known.by_key.get(key) for key in keys)
    there = {column.name for column in places if column}
    missing = {column.name for column in known.columns if column.needed and column.name not in there} | set(lack)
    return Header(
        format=known,
        cells=tuple(cell.strip() for cell in cells),
        places=places,
        doubled=_doubled(known, cells, keys, places),
        missing=tuple(sorted(missing, key=known.position.__getitem__)),
        keys=keys,
    )


def _doubled(
    known: Format, cells: Sequence[str], keys: Sequence[str], places: Sequence[Column | None]
) -> tuple[str, ...]:
    """Name the columns that stand there twice. Headers without any letter name none."""
    seen: set[str] = set()
    doubled: dict[str, None] = {}
    for cell, key, column in zip(cells, keys, places, strict=True):
        # What distinguishes one metadata column from another may be a sign that the key leaves out.
        name = column.name if column else cell.strip() if _is_metadata(known.kind, cell) else key
        if name and name in seen:
            doubled[column.name if column else cell.strip()] = None
        seen.add(name)
    return tuple(doubled)


def _is_metadata(kind: Kind, cell: str) -> bool:
    return kind is Kind.STRIPE_PAYOUT and METADATA.fullmatch(cell.strip()) is not None

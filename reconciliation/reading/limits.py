"""How large a file may be."""

from dataclasses import dataclass

_MEBIBYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """
    Bytes as sent, expanded bytes and their ratio to the packed ones, records, columns, characters of a cell.

    `sent_bytes` is None where a file was not sent but lies on this machine. `record_characters` bounds a whole record:
    without it a file of one endless line, or of cells without end, would fill the memory before anything is counted.
    Rows are read in chunks of `rows_at_once`, or of fewer as soon as they have `characters_at_once`.
    """

    sent_bytes: int | None = 100 * _MEBIBYTE
    expanded_bytes: int = 1 << 30
    ratio: int = 200
    records: int = 5_000_000
    columns: int = 300
    cell_characters: int = _MEBIBYTE
    record_characters: int = 8 * _MEBIBYTE
    rows_at_once: int = 500
    characters_at_once: int = _MEBIBYTE


UPLOADED = Limits()
ON_THIS_MACHINE = Limits(sent_bytes=None)

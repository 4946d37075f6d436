"""
Lines that follow each other in a file, column by column.

Pure. A file is read, checked and kept by such chunks: what hangs on few columns is worked out once for all lines that
are alike in them.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import repeat

from reconciliation.lines import Kind, Line, Value
from reconciliation.series import Series


class Chunk:
    """
    Lines of one kind. `records` and `places` are the records and physical lines of a file that they are.

    `columns` has a series for every column of the kind, in the order in which a line keeps its values.
    """

    def __init__(
        self,
        kind: Kind,
        records: Sequence[int],
        places: Sequence[int],
        columns: Mapping[str, Series[Value]],
        *,
        codes: Series[tuple[str, ...]],
        copies: Series[int | None],
        damaged: Series[tuple[str, ...]],
    ) -> None:
        self.kind = kind
        self.records = records
        self.places = places
        self.columns = columns
        self.codes, self.copies, self.damaged = codes, copies, damaged

    def __len__(self) -> int:
        return len(self.records)

    def column(self, name: str) -> Series[Value]:
        """Return the values of a column, None for every line where the kind has no such column."""
        return self.columns[name] if name in self.columns else Series.same(None, len(self))

    @cached_property
    def lines(self) -> list[Line]:
        """The lines one by one."""
        names = tuple(self.columns)
        rows = zip(*self.columns.values(), strict=True)
        values = [dict(zip(names, row, strict=True)) for row in rows]
        kinds = repeat(self.kind, len(self))
        return list(map(Line, self.records, self.places, kinds, values, self.codes, self.copies, self.damaged))

    @property
    def all_count(self) -> bool:
        """Say whether all lines are known to be valid and no copies."""
        return self.codes.is_one and self.copies.is_one and self.codes.at(0) == () and self.copies.at(0) is None

    @property
    def none_damaged(self) -> bool:
        """Say whether no line is known to have an identifier that a spreadsheet has destroyed."""
        return self.damaged.is_one and not self.damaged.at(0)

    def counting(self) -> "Chunk":
        """Return those of the lines that count: the valid ones that are no copy."""
        if self.all_count:
            return self
        lines = [
            line
            for line, (codes, of) in enumerate(zip(self.codes, self.copies, strict=True))
            if not codes and of is None
        ]
        return Chunk(
            self.kind,
            [self.records[line] for line in lines],
            [self.places[line] for line in lines],
            {name: series.only(lines) for name, series in self.columns.items()},
            codes=self.codes.only(lines),
            copies=self.copies.only(lines),
            damaged=self.damaged.only(lines),
        )

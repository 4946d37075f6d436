"""
Tables as HTML.

Cells are written here and not in templates: a page of 200 rows and 15 columns is 3,000 cells, and a template tag or
`format_html` for each would take longer than everything else together. So the functions with an underscore build plain
text from parts that are escaped where they enter; only finished pieces are marked safe.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape
from typing import TYPE_CHECKING, Any

from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from console.columns import MONEY, UNKNOWN, Badge, Column, Kind, Row

if TYPE_CHECKING:
    from console.lists import ListPage, Order, _State

_EMPTY = f'<span class="none">{UNKNOWN}</span>'
_LONG_ID, _ID_TAIL = 20, 6


def _badge(found: Badge) -> str:
    return (
        f'<span class="badge {found.tone.value}"><svg class="mark" aria-hidden="true">'
        f'<use href="#m-{found.shape.value}"/></svg>{escape(str(found.label))}</span>'
    )


def badge(found: Badge) -> SafeString:
    """Draw a status: shape and word, coloured by tone."""
    return mark_safe(_badge(found))  # noqa: S308 - escaped above


def _shortened(text: str) -> str:
    """Draw a long id so that the style sheet may cut its middle; the whole id stays to be found and copied."""
    if len(text) <= _LONG_ID:
        return escape(text)
    return f'<span class="head">{escape(text[:-_ID_TAIL])}</span><span>{escape(text[-_ID_TAIL:])}</span>'


def _copyable(text: str, url: str | None, word: str) -> str:
    shown = _shortened(text)
    inner = f'<a class="cut" href="{escape(url)}">{shown}</a>' if url else f'<span class="cut">{shown}</span>'
    exact = escape(text)
    return (
        f'<span class="id">{inner}<button type="button" class="copy" data-copy="{exact}" aria-label="{exact} {word}">'
        '<svg class="i" aria-hidden="true"><use href="#i-copy"/></svg></button></span>'
    )


def copyable(text: str, url: str | None = None) -> SafeString:
    """Draw an id with a button that copies it, as a link where it leads somewhere."""
    return mark_safe(_copyable(text, url, escape(_("복사"))))  # noqa: S308 - escaped above


@dataclass(frozen=True)
class _Cells:
    """Writes the cells of one column; what is the same in every row is made once."""

    column: Column
    lead: bool
    word: str

    @cached_property
    def _start(self) -> tuple[str, str]:
        column = self.column
        words = ["num"] * column.numeric + [f"k-{column.kind.value}"] + ["lead"] * self.lead
        words += ["main"] * (column.kind in MONEY and column.total)
        label = escape(str(column.label))
        plain, negative = " ".join(words), " ".join([*words, "minus"])
        return f'<td class="{plain}" data-label="{label}">', f'<td class="{negative}" data-label="{label}">'

    def write(self, row: Row, opens: str | None = None) -> str:
        """Return one cell; `opens` is the row's own address, for a column that names nothing else."""
        column, value = self.column, self.column.of(row)
        plain, negative = self._start
        if value is None or value == "":
            return f"{plain}{_EMPTY}</td>"
        start = negative if column.kind in MONEY and isinstance(value, int) and value < 0 else plain
        url = column.link(row) if column.link else opens
        if column.kind is Kind.ID:
            return f"{start}{_copyable(column.text(row), url, self.word)}</td>"
        inner = _badge(column.badge(value)) if column.kind is Kind.BADGE else escape(column.text(row))
        return f'{start}<a href="{escape(url)}">{inner}</a></td>' if url else f"{start}{inner}</td>"


def _writers(columns: Sequence[Column]) -> list[_Cells]:
    word = escape(_("복사"))
    return [_Cells(column, lead=not at, word=word) for at, column in enumerate(columns)]


@dataclass(frozen=True)
class Heading:
    """One column heading with its sort link."""

    column: Column
    direction: str
    query: str


@dataclass(frozen=True)
class Table:
    """The table of one page of a list."""

    page: "ListPage"
    columns: Sequence[Column]
    rows: Sequence[dict[str, Any]]
    order: "Order"
    state: "_State"
    selectable: bool = False

    @cached_property
    def headings(self) -> list[Heading]:
        """Return the column headings; only sortable columns carry a query string."""
        return [
            Heading(column, self.order.direction(column), "?" + self.state.sorted_by(column) if column.sortable else "")
            for column in self.columns
        ]

    def body(self) -> SafeString:
        """Draw all rows."""
        writers, choose = _writers(self.columns), escape(_("고르기"))
        return mark_safe("\n".join(self._row(row, writers, choose) for row in self.rows))  # noqa: S308 - escaped above

    def _row(self, row: Row, writers: Sequence[_Cells], choose: str) -> str:
        url, extra = self.page.row_url(row), self.page.row_class(row)
        key = escape(str(row[self.page.id_key]))
        opening = f' data-href="{escape(url)}"' if url else ""
        styled = f' class="{escape(extra)}"' if extra else ""
        pick = (
            f'<td class="pick"><input type="checkbox" name="ids" value="{key}" aria-label="{key} {choose}"></td>'
            if self.selectable
            else ""
        )
        cells = "".join(writer.write(row, url if writer.lead else None) for writer in writers)
        return f"<tr{opening}{styled}>{pick}{cells}</tr>"


def plain_table(columns: Sequence[Column], rows: Sequence[Row]) -> SafeString:
    """Draw a small table for a detail page: no sorting, no selecting."""
    writers = _writers(columns)
    head = "".join(
        f'<th scope="col" class="{"num" if column.numeric else ""}">{escape(str(column.label))}</th>'
        for column in columns
    )
    body = "\n".join(f"<tr>{''.join(writer.write(row) for writer in writers)}</tr>" for row in rows)
    table = f'<table class="grid"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
    return mark_safe(table)  # noqa: S308 - escaped above

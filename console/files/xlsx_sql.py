"""
The SQL with which PostgreSQL builds the rows of a sheet by itself: the twin of xlsx_parts.cell_xml().

Each row is searched once for anything that XML, Excel or COPY would change. A row with an & pays for four replacements
a text, and only the rare row with control characters and their like pays for all the others.
"""

from collections.abc import Sequence

from console.files.columns import TEXT_KINDS, Kind, SheetColumn
from console.files.xlsx_parts import DAY_SECONDS, EPOCH, LONGEST_TEXT, LOOKS_ESCAPED, SHORTEST_CUT, STYLES

_MOST_ARGUMENTS = 90  # PostgreSQL calls functions with at most 100
_NEEDS_CARE = r"[&<>\\\u0001-\u001f\u007f-\u009f\ufffe\uffff]|_x|\s\||\|\s"
_NEEDS_ALL_CARE = r"[\u0001-\u001f\u007f-\u009f\ufffe\uffff]|_x"
_DROPPED = r"[\u0001-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\ufffe\uffff]"
_BEYOND_FIRST_PLANE = r"[^\U00010000-\U0010ffff]"


def copy_statement(query: str, columns: Sequence[SheetColumn], *, rows_per_sheet: int) -> str:
    """Return the COPY that streams the rows of a query in its order, one <row> a line, numbered as on their sheet."""
    names = ", ".join(f"c{number}" for number in range(len(columns)))
    number = f"(row_number() over () - 1) % {rows_per_sheet} + 2"
    # The window function also keeps the planner from computing care anew for every text.
    asked = f"select *, {number} as n, {care_expression(columns)} as care from ({query}) as asked ({names})"  # noqa: S608 - the caller's own query, its values filled in by the driver
    return f"copy (select {row_expression(columns)} from ({asked}) as numbered) to stdout"  # noqa: S608 - as above


def row_expression(columns: Sequence[SheetColumn]) -> str:
    """Return the SQL of one <row> over the columns c0, c1, …, the row number n, and care as care_expression() says."""
    parts = ["'<row r=\"'", "n", "'\">'"]
    for number, column in enumerate(columns):
        parts += _cell(f"c{number}", column.kind)
    parts.append("'</row>'")
    pieces = [parts[start : start + _MOST_ARGUMENTS] for start in range(0, len(parts), _MOST_ARGUMENTS)]
    return " || ".join(f"concat({', '.join(piece)})" for piece in pieces)


def care_expression(columns: Sequence[SheetColumn]) -> str:
    """Return the SQL for how a row's texts go into the sheet: 0 as they are, 1 with escapes, 2 cleaned and cut too."""
    texts = [f"c{number}" for number, column in enumerate(columns) if column.kind in TEXT_KINDS]
    if not texts:
        return "0"
    # Bars between the texts let one search see blanks at the ends of each. A bar inside a text costs time, no more.
    joined = f"concat_ws('|', '', {', '.join(texts)}, '')"
    return (
        f"case when {joined} ~ '{_NEEDS_CARE}' then "
        f"case when {joined} ~ '{_NEEDS_ALL_CARE}' or octet_length({joined}) > {LONGEST_TEXT} then 2 else 1 end "
        f"when octet_length({joined}) > {LONGEST_TEXT} then 2 else 0 end"
    )


def _cell(name: str, kind: Kind) -> list[str]:
    """Return the arguments of concat() that make one cell: its start, content (nothing for NULL) and end."""
    if kind in TEXT_KINDS:
        start = f'<c t="inlineStr" s="{STYLES[kind]}"><is><t'
        exact = f'{start} xml:space="preserve">'
        text = f"{name}::text"
        thorough = _with_breaks(_escaped(_cleaned(text)))
        return [
            f"case when {name} is null then '<c>' when care = 0 then '{start}>' else '{exact}' end",
            f"case care when 0 then {text} when 1 then {_escaped(text)} else {thorough} end",
            f"case when {name} is null then '</c>' else '</t></is></c>' end",
        ]
    return [
        f"case when {name} is null then '<c>' else '<c s=\"{STYLES[kind]}\"><v>' end",
        _number(name, kind),
        f"case when {name} is null then '</c>' else '</v></c>' end",
    ]


def _number(name: str, kind: Kind) -> str:
    if kind is Kind.DATE:
        return f"{name} - date '{EPOCH}'"
    if kind is Kind.MOMENT:
        clock = f"date_trunc('second', {name} at time zone 'Asia/Seoul')"
        return f"date_part('epoch', {clock} - timestamp '{EPOCH}') / {DAY_SECONDS}"
    if kind is Kind.RATE:
        return f"{name} * 0.00001"
    if kind is Kind.DECIMAL:
        return f"trim_scale({name})"
    return name


def _escaped(text: str) -> str:
    """Return the SQL of a text as XML, with every backslash in a form that COPY does not double."""
    for found, put in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("\\", "&#92;")):
        text = f"replace({text}, {_literal(found)}, '{put}')"
    return text


def _with_breaks(text: str) -> str:
    """Return the SQL that writes tabs and line breaks as XML, and keeps Excel from reading _x0041_ as A."""
    text = f"regexp_replace({text}, '{LOOKS_ESCAPED.pattern}', '_x005F_', 'g')"
    return f"replace(replace({text}, {_literal(chr(9))}, '&#9;'), {_literal(chr(10))}, '&#10;')"


def _cleaned(text: str) -> str:
    """Return the SQL of a text as a cell can hold it: the twin of fitting_text()."""
    sql = text
    for found, put in (("\r\n", "\n"), ("\r", "\n")):
        sql = f"replace({sql}, {_literal(found)}, {_literal(put)})"
    sql = f"regexp_replace({sql}, '{_DROPPED}', '', 'g')"
    return f"case when octet_length({text}) > {LONGEST_TEXT} then {_cut(sql)} else {sql} end"


def _cut(text: str) -> str:
    """Return the SQL that cuts a text to the length of a cell, where characters beyond the first plane count twice."""
    beyond = f"length(regexp_replace(left({text}, {LONGEST_TEXT}), '{_BEYOND_FIRST_PLANE}', '', 'g'))"
    cut = f"left({text}, greatest({LONGEST_TEXT - 1} - {beyond}, {SHORTEST_CUT})) || '…'"
    return f"case when length({text}) + {beyond} > {LONGEST_TEXT} then {cut} else {text} end"


def _literal(text: str) -> str:
    """Return the text as a literal that keeps control characters and backslashes visible in logs."""
    return "E'" + "".join(c if c.isalnum() else f"\\U{ord(c):08x}" for c in text) + "'"

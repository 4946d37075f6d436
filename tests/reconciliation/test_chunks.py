"""Promise: however many lines of a file are read at once, the same is read, kept, flagged and summed."""

import csv
import io
import json
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciliation.amounts import plain, plain_all
from reconciliation.books import Books
from reconciliation.fingerprints import of_identities, of_identity, of_key, of_keys
from reconciliation.keys import Identities, Identity, Part
from reconciliation.line_rows import LineRows
from reconciliation.naming import Naming
from reconciliation.reading import Limits, Rejected, open_file
from reconciliation.reading.laid_aside import LaidAside
from reconciliation.rehearsal import Pass, Wanted, rehearse
from reconciliation.series import Series, alike, combined, joined
from tests.reconciliation import given as usual
from tests.reconciliation.writing import LAYOUTS, put, table

_CELLS = st.sampled_from(
    [
        *("", " ", "-1", "0", "=1+1", "+3", " @a", "12.50", "12,50", "1,234.50", "-0.00", "007.10", "1E+3", "7.7E+11"),
        *("1", "1.10", "1.1", "$5.00", "(5.00)", "９", "9" * 34 + ".123456789", "x" * 120, "5/1/2024", "13/5/2024"),
        *("2024-05-01", "1.5.2024", "1/1/0001", "USD", "krw", "EURO", "org:abc", "ORG: ", "Total", '"q\\"', "a\nb\tc"),
        *(" 0001", "\tx", "x\r\ny", "a,b;c", "Grüße, 가나", "7.7E+11 ", "org:", "ı", "\u3000"),
        *("New", "Purchase", "cancelImmediate", "customerCredit", "Cycle fee", "CREDIT", "6200000", "Fee", "0001"),
    ]
)
_ODD_ROWS = st.sampled_from(["short", "long", "blank", "sum", "title", "header", "copy", "copy", "other kind"])
_PLACES = st.integers(0, 40)
_ODD_FIGURES = ("0", "-0", "-0.00", "-0.5", "1E+3", "0E-9", "1.10", "-1E-30")


@st.composite
def files(draw: st.DrawFn) -> bytes:
    """Draw a file: cells that repeat themselves and cells that do not, odd cells, odd rows, columns nobody knows."""
    kind, layout = draw(st.sampled_from(LAYOUTS))
    made = table(kind, layout, rows=draw(st.integers(1, 24)))
    heads = [*made.columns, *draw(st.sampled_from([[], ["뭐지"], ["", "뭐지"], ["", "-"]]))]
    rows = [[cells.get(head, "") for head in heads] for cells in made.rows]
    column = st.integers(0, len(heads) - 1)
    for place, cell, few in draw(st.lists(st.tuples(column, st.none() | _CELLS, st.integers(1, 3)), max_size=8)):
        for number, row in enumerate(rows):
            row[place] = rows[number % few][place] if cell is None else cell
    for number, place, cell in draw(st.lists(st.tuples(_PLACES, column, _CELLS), max_size=6)):
        rows[number % len(rows)][place] = cell
    for number, odd in draw(st.lists(st.tuples(_PLACES, _ODD_ROWS), max_size=4)):
        at = number % len(rows)
        rows[at:at] = _odd(odd, heads, rows[at])
    if draw(st.integers(0, 4)) == 0:
        texts = [json.dumps(dict(zip(heads, row, strict=False)), ensure_ascii=False) for row in rows]
        return "\n".join(texts).encode()
    target = io.StringIO(newline="")
    quoting: Literal[0, 1] = csv.QUOTE_ALL if draw(st.booleans()) else csv.QUOTE_MINIMAL
    csv.writer(target, delimiter=draw(st.sampled_from(",;\t")), quoting=quoting).writerows([heads, *rows])
    return target.getvalue().encode(draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp949"])), errors="replace")


def _odd(what: str, heads: list[str], row: list[str]) -> list[list[str]]:
    """Return rows of which most are no record like any other."""
    other = table(*LAYOUTS[-1], rows=2)
    return {
        "short": [row[:-1]],
        "long": [[*row, "more"]],
        "blank": [[" "] * len(row)],
        "sum": [["합계", *[""] * (len(row) - 2), "1"]],
        "title": [["제목", *[""] * (len(row) - 1)]],
        "header": [list(heads)],
        "copy": [list(row), list(row)],
        "other kind": [list(other.columns), *([cells[name] for name in other.columns] for cells in other.rows)],
    }[what]


def everything(path: Path, limits: Limits) -> list[Any]:
    """Return all that is said of a file and all that would be kept of it."""
    books = Books((usual.own(LAYOUTS[4][0]),))
    found: list[Any] = [rehearse(path, Wanted("ko", books, records=None, limits=limits))]
    try:
        reading = open_file(path, locale="ko", limits=limits)
        passing = Pass(reading, Wanted("ko", summary=True))
        rows, naming = LineRows(), Naming(reading.kind)
        for passed in passing:
            if passed.counting is not None:
                naming.add(passed.counting)
            # As texts, for numbers that are equal are not the same: 1.10 and 1.1.
            found += [[str(field) for field in row] for row in zip(*rows.rows(*passed), strict=True)]
        found += [rows.headers, naming.identity(reading.content_digest), naming.first_day, naming.last_day]
        found += [passing.kept_answer("x"), list(reading.lines())]
    except Rejected as refusal:
        found += [refusal.code, refusal.facts]
    return found


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(content=files())
def test_however_many_lines_are_read_at_once(content: bytes, tmp_path: Path) -> None:
    path = put(tmp_path, content)
    whole = everything(path, Limits())
    for limits in (
        Limits(rows_at_once=1),
        Limits(rows_at_once=2),
        Limits(rows_at_once=7),
        Limits(characters_at_once=900),
    ):
        assert everything(path, limits) == whole


@given(st.lists(st.decimals(allow_nan=False, allow_infinity=False) | st.sampled_from([*map(Decimal, _ODD_FIGURES)])))
def test_many_figures_are_written_like_one(figures: list[Decimal]) -> None:
    assert plain_all(figures) == [plain(figure) for figure in figures]


_PARTS = st.none() | st.text(max_size=3) | st.tuples(st.text(min_size=1, max_size=3))


@given(st.booleans(), _PARTS, st.lists(_PARTS, max_size=3).map(tuple))
def test_a_group_has_one_fingerprint(by_name: bool, customer: Part, rest: tuple[Part, ...]) -> None:  # noqa: FBT001 - drawn
    assert of_identity(Identity(by_name, customer, rest)) == of_key((by_name, customer, rest))


_DECIMALS = st.decimals(allow_nan=False, allow_infinity=False) | st.sampled_from([*map(Decimal, _ODD_FIGURES)])


@given(
    st.lists(
        st.tuples(_PARTS | st.dates(), st.none() | _DECIMALS, st.none() | st.integers(-1, 1)), min_size=1, max_size=8
    )
)
def test_keys_have_one_fingerprint_however_many_are_written_at_once(keys: list[tuple[Any, Any, Any]]) -> None:
    assert list(of_keys(*(Series.of(part) for part in zip(*keys, strict=True)))) == [of_key(key) for key in keys]


@given(st.lists(st.tuples(st.booleans(), _PARTS, _PARTS, _PARTS), min_size=1, max_size=8), st.integers(1, 2))
def test_so_have_groups(parts: list[tuple[bool, Part, Part, Part]], others: int) -> None:
    series: list[Series[Any]] = [Series.of(part) for part in zip(*parts, strict=True)]
    found = Identities(series[0], series[1], tuple(series[2 : 2 + others]))
    one_by_one = [Identity(by_name, customer, tuple(rest[:others])) for by_name, customer, *rest in parts]
    assert list(found.one_by_one) == one_by_one
    assert list(of_identities(found)) == [of_identity(identity) for identity in one_by_one]
    assert list(found.can_match) == [identity.can_match for identity in one_by_one]


_VALUES = st.lists(st.sampled_from("abc"), max_size=12)


@given(_VALUES, st.data())
def test_a_series_is_what_it_was_made_of(values: list[str], data: st.DataObject) -> None:
    series = Series.of(values)
    assert list(series) == values == [series.at(line) for line in range(len(series))]
    assert set(series.different) == set(values)
    assert series.is_one == (len(set(values)) == 1)
    lines = sorted(data.draw(st.sets(st.sampled_from(range(len(values))))) if values else ())
    some = series.only(lines)
    assert list(some) == [values[line] for line in lines]
    assert set(some.different) == set(some)
    assert list(series.map(str.upper)) == [value.upper() for value in values]


@given(st.lists(st.tuples(*[st.sampled_from("abc")] * 3), min_size=1, max_size=12))
def test_what_follows_from_several_series(rows: list[tuple[str, str, str]]) -> None:
    columns = [Series.of(column) for column in zip(*rows, strict=True)]
    together = combined(lambda *values: "".join(values), *columns)
    assert list(together) == ["".join(row) for row in rows]
    assert set(together.different) == set(together)
    assert joined(columns, len(rows)) == ["".join(row) for row in rows]
    for line, first in enumerate(alike(len(rows), columns)):
        assert rows[first] == rows[line]
        assert first in {line, rows.index(rows[line])}


def test_rows_are_read_in_chunks(tmp_path: Path) -> None:
    made = table(*LAYOUTS[0], rows=5)
    rows = [list(made.columns), *([cells[name] for name in made.columns] for cells in made.rows)]
    target = io.StringIO(newline="")
    csv.writer(target).writerows(rows)
    path = put(tmp_path, target.getvalue().encode())
    sizes = {
        limits: [len(one.chunk) for one in open_file(path, locale="ko", limits=limits).delivered()]
        for limits in (Limits(), Limits(rows_at_once=2), Limits(characters_at_once=1))
    }
    assert list(sizes.values()) == [[5], [1, 2, 2], [1] * 5]


@pytest.mark.parametrize("values", [[], ["a"], ["a", "a"]])
def test_a_series_of_few(values: list[str]) -> None:
    assert list(Series.of(values)) == values
    assert len(Series.of(values)) == len(values)


_CELL = st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=3)


@given(st.lists(st.lists(st.tuples(_CELL, _CELL), min_size=1, max_size=5), max_size=4))
def test_what_is_laid_aside_comes_back_each_time(pieces: list[list[tuple[str, str]]]) -> None:
    aside = LaidAside()
    for piece in pieces:
        aside.add_records([*range(len(piece))], [*map(Series.of, zip(*piece, strict=True))], is_stripped=False)
        aside.add_rows([(1, None), *((2, [*row]) for row in piece)])
    for _ in range(2):
        left = iter(aside)
        for piece in pieces:
            records, rows = next(left), next(left)
            assert records.grid is not None
            assert [*records.places] == [*range(len(piece))]
            assert [*records.grid.rows] == piece
            stripped = zip(*records.grid.stripped, strict=True)
            assert [*stripped] == [tuple(map(str.strip, row)) for row in piece]
            assert rows.grid is None
            assert rows.rows == [(1, None), *((2, [*row]) for row in piece)]
        assert not [*left]

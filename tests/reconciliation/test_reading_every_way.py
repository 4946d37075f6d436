"""Promise: a file of any kind reads the same however it is written: every edition, delimiter, encoding, container."""

import itertools
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciliation.lines import Kind
from reconciliation.reading import ON_THIS_MACHINE, open_file
from reconciliation.rehearsal import Wanted, rehearse
from tests.reconciliation.writing import LAYOUTS, TOTALS_OF_A_LINE, Table, Writing, put, table, written

_ENCODINGS = [("utf-8", False), ("utf-8", True), ("utf-16-le", True), ("utf-16-be", True), ("utf-16-le", False)]
_WAYS = [
    Writing(delimiter=delimiter, encoding=encoding, bom=bom, korean=korean, packing=packing, json=json)
    for delimiter, (encoding, bom), korean, (packing, json) in itertools.product(
        ",;\t|",
        _ENCODINGS,
        (False, True),
        [(None, False), ("gzip", False), ("zip", False), ("gzip", True), ("zip", True)],
    )
    if not (json and delimiter != ",")
]


def _read(path: Path) -> dict[str, Any]:
    return rehearse(path, Wanted("ko", records=None))


@pytest.mark.parametrize(("kind", "layout"), LAYOUTS)
def test_every_edition_in_every_way(kind: Kind, layout: str | None, tmp_path: Path) -> None:
    original = table(kind, layout)
    for how in _WAYS:
        result = _read(put(tmp_path, written(original, how)))
        detected = result["detected"]
        assert detected["kind"] == kind, how
        assert detected["layout"] == layout
        assert detected["encoding"] == how.encoding
        assert detected["bom"] is how.bom
        assert detected["delimiter"] == (None if how.json else how.delimiter)
        assert result["container"] == ("+".join(filter(None, [how.packing, "jsonlines" if how.json else ""])) or None)
        assert result["records"] == {"data_records": 3, "valid": 3, "invalid": 0, "duplicate": 0}
        guessed = {"encoding_guessed"} if how.encoding != "utf-8" and not how.bom else set()
        assert set(result["warning_codes"]) <= guessed | {"ambiguous_date_order", "unknown_charge_type"}
        _check_totals(kind, result["totals"])


def _check_totals(kind: Kind, totals: dict[str, dict[str, str]]) -> None:
    expected = {name: 3 * figure for name, figure in TOTALS_OF_A_LINE[kind].items()}
    found = {name: Decimal(figure) for name, figure in totals.get("EUR", {}).items()}
    assert found == expected


@pytest.mark.parametrize(("kind", "layout"), LAYOUTS)
@pytest.mark.parametrize("delimiter", [";", "\t", ","])
def test_a_comma_as_decimal_mark(kind: Kind, layout: str | None, delimiter: str, tmp_path: Path) -> None:
    result = _read(put(tmp_path, written(table(kind, layout), Writing(delimiter=delimiter, comma=True))))
    assert result["detected"]["decimal_mark"] == ","
    _check_totals(kind, result["totals"])


_PRINTABLE = st.text(
    st.characters(exclude_categories=("Cc", "Cs", "Zs", "Zl", "Zp"), exclude_characters="\ufeff"), max_size=12
)
_TABLES = st.lists(st.tuples(_PRINTABLE, _PRINTABLE, st.integers(-(10**9), 10**9)), min_size=1, max_size=6, unique=True)


def _of(cells: list[tuple[str, str, int]]) -> Table:
    made = table(Kind.LICENSE, "17", rows=len(cells))
    for place, (customer, offer, cents) in enumerate(cells):
        amount = f"{Decimal(cents) / 100:.2f}"
        made = made.with_cell(place, "CustomerName", customer).with_cell(place, "OfferName", f'{offer}"\n;,\t|')
        made = made.with_cell(place, "Subtotal", amount)
    return made


_HOW = st.builds(
    lambda encoding, **others: Writing(encoding=encoding[0], bom=encoding[1], **others),
    encoding=st.sampled_from(_ENCODINGS[:4]),
    delimiter=st.sampled_from(",;\t|"),
    line_end=st.sampled_from(["\n", "\r\n", "\r"]),
    quote_all=st.booleans(),
    packing=st.sampled_from([None, "gzip", "zip"]),
    comma=st.booleans(),
    order=st.permutations(range(len(table(Kind.LICENSE, "17").columns))),
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(cells=_TABLES, how=_HOW)
def test_however_a_table_is_written_the_lines_are_the_same(
    cells: list[tuple[str, str, int]], how: Writing, tmp_path: Path
) -> None:
    original = _of(cells)
    plain = open_file(put(tmp_path, written(original, Writing()), "plain.csv"), locale="ko", limits=ON_THIS_MACHINE)
    other = open_file(put(tmp_path, written(original, how), "other.csv"), locale="ko", limits=ON_THIS_MACHINE)
    assert [(line.record, line.values, line.codes, line.duplicate_of) for line in plain.lines()] == [
        (line.record, line.values, line.codes, line.duplicate_of) for line in other.lines()
    ]
    if not how.comma:
        assert plain.content_digest == other.content_digest

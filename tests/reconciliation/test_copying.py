"""Promise: whatever a text holds, it comes into a table as it is, and nothing that is missing turns into a text."""

from collections.abc import Iterator

import pytest
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciliation import copying
from reconciliation.copying import copy_columns, copy_rows
from reconciliation.series import Series

# What COPY or our own writing could take for something else, beside any other text that a database may hold.
TRICKY = st.sampled_from(["\\", "\\N", "\\.", "\t", "\n", "\r", "\x1d", "\x1e", '"', "N", "가"])
TEXTS = st.lists(TRICKY | st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=6).map("".join)
ROWS = st.lists(st.tuples(st.none() | TEXTS, st.none() | TEXTS, st.none() | st.integers(-9, 9)), max_size=5)


@pytest.mark.django_db
def test_rows_come_in_as_they_are() -> None:
    with connection.cursor() as cursor:
        cursor.execute("create temp table copied (place serial, one text, other text, number int)")

        @settings(max_examples=150, deadline=None)
        @given(ROWS)
        def check(rows: list[tuple[str | None, str | None, int | None]]) -> None:
            cursor.execute("delete from copied")
            copy_rows(cursor, "copied", ("one", "other", "number"), rows)
            # The same once more by columns, in which what occurs again is written once.
            chunks = [[Series.of(column) for column in zip(*rows, strict=True)]] if rows else []
            copy_columns(cursor, "copied", ("one", "other", "number"), chunks)
            cursor.execute("select one, other, number from copied order by place")
            assert cursor.fetchall() == rows + rows

        check()


@pytest.mark.django_db
@pytest.mark.parametrize("rows", [0, 1, 2, 5])
def test_rows_of_many_statements_come_in_whole(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    # Two chunks fill a statement.
    monkeypatch.setattr(copying, "_STATEMENT_BYTES", 10)
    with connection.cursor() as cursor:
        cursor.execute("create temp table copied (one text)")
        copy_columns(cursor, "copied", ("one",), ([Series(["seven"])] for _ in range(rows)))
        cursor.execute("select count(*) from copied where one = 'seven'")
        assert cursor.fetchone() == (rows,)


@pytest.mark.django_db
def test_what_the_rows_raise_is_raised() -> None:
    def rows() -> Iterator[tuple[str]]:
        yield ("first",)
        raise LookupError

    with connection.cursor() as cursor:
        cursor.execute("create temp table copied (one text)")
        with pytest.raises(LookupError):
            copy_rows(cursor, "copied", ("one",), rows())

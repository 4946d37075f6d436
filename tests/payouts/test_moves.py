"""Promise: the moves that the code knows are those that the database lets through, one for one."""

import pytest
from django.db import connection

from payouts.moves import MOVES

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("kind", list(MOVES))
def test_the_table_of_the_database_is_the_one_in_code(kind: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("select from_state, to_state from payouts_move where kind = %s", [kind])
        kept = set(cursor.fetchall())
    assert kept == {(before, after) for before, places in MOVES[kind].items() for after in places}


def test_nothing_moves_out_of_an_end_but_a_success_that_came_back() -> None:
    ends = {"FAILED", "STOPPED", "RETURNED", "CANCELLED", "COMPLETED"}
    for moves in MOVES.values():
        assert not ends & moves.keys()
    assert MOVES["payout"]["SUCCEEDED"] == MOVES["attempt"]["SUCCEEDED"] == {"RETURNED"}

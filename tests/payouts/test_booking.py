"""Promise: the journals that the database makes of sent payouts are, leg by leg, those that `journals` describes."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection

from core import clock
from ledger import posting
from ledger import queries as books
from ledger.models import Journal
from payouts import journals, queries
from payouts.models import Attempt, Payout
from payouts.operations import results
from settlement.models import PartnerType
from tests.payouts.world import SYSTEM, World, world


@pytest.fixture
def here(committed_db: str, tmp_path: Path) -> Iterator[World]:  # noqa: ARG001 - the world lives in it
    with world(tmp_path) as made:
        yield made


# Of this account the bank says that it cannot be paid into.
REFUSED = "11000000000415"


def sent(here: World, *, refused: bool) -> list[Attempt]:
    """Pay a business, a person from whom tax is withheld, and one of whom too little would be withheld."""
    for name, kind, amount in (
        ("business", PartnerType.NON_WHT_PAYER, 50_000),
        ("person", PartnerType.WHT_PAYER, 1_000_000),
        ("little", PartnerType.WHT_PAYER, 20_000),
    ):
        here.partner(name, kind=kind)
        here.owe(name, amount)
    if refused:
        here.partner("refused", number=REFUSED)
        here.owe("refused", 30_000)
    here.approved()
    assert here.send() == 3 + refused
    paid = Attempt.objects.filter(state="SUCCEEDED").values_list("pk", flat=True)
    return queries.lock_attempts(list(paid))


@pytest.mark.parametrize("refused", [False, True])
def test_both_journals_are_those_that_are_described(here: World, *, refused: bool) -> None:
    attempts = sent(here, refused=refused)
    assert [bool(row.payout.withheld) for row in attempts].count(True) in {1, 2}
    day = clock.today()
    for row in attempts:
        money = results.money(row)
        again = [
            journals.dispatch(money, row.reference, row.submission_no, day),
            journals.succeed(money, row.reference, clock.seoul_day(row.executed_at or clock.now())),
        ]
        # Another leg, account, amount, component or day would be refused as posted differently.
        assert posting.post_many(scope=here.scope, postings=again, by=SYSTEM) == 0
    assert len(attempts) == Payout.objects.filter(status="SUCCEEDED").count() == 3
    assert Journal.objects.filter(event_type="payout.succeeded").count() == 3
    assert books.broken_invariants() == []


def test_what_a_chunk_of_answers_moves_is_moved_by_one_statement(here: World) -> None:
    sent(here, refused=True)
    with connection.cursor() as cursor:
        cursor.execute(
            "select count(*), count(distinct (xmin::text, cmin::text)) from ledger_journal"
            " where event_type in ('payout.succeeded', 'payout.failed')"
        )
        assert cursor.fetchone() == (4, 1)

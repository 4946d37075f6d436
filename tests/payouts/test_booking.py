"""Promise: the journals that the database makes of sent payouts are, leg by leg, those that `journals` describes."""

from collections.abc import Iterator
from pathlib import Path

import pytest

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


def sent(here: World) -> list[Attempt]:
    """Pay a business, a person from whom tax is withheld, and one from whom too little would be withheld."""
    for name, kind, amount in (
        ("business", PartnerType.NON_WHT_PAYER, 50_000),
        ("person", PartnerType.WHT_PAYER, 1_000_000),
        ("little", PartnerType.WHT_PAYER, 20_000),
    ):
        here.partner(name, kind=kind)
        here.owe(name, amount)
    here.approved()
    assert here.send() == 3
    return queries.lock_attempts(list(Attempt.objects.values_list("pk", flat=True)))


def test_both_journals_are_those_that_are_described(here: World) -> None:
    attempts = sent(here)
    assert {bool(row.payout.withheld) for row in attempts} == {True, False}
    day = clock.today()
    for row in attempts:
        money = results.money(row)
        again = [
            journals.dispatch(money, row.reference, row.submission_no, day),
            journals.succeed(money, row.reference, clock.seoul_day(row.executed_at or clock.now())),
        ]
        # Another leg, account, amount, component or day would be refused as posted differently.
        assert posting.post_many(scope=here.scope, postings=again, by=SYSTEM) == 0
    assert Journal.objects.filter(event_type__in=("payout.dispatched", "payout.succeeded")).count() == 2 * len(attempts)
    assert books.broken_invariants() == []
    assert Payout.objects.exclude(status="SUCCEEDED").count() == 0

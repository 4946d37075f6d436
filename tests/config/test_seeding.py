"""Protects the demo's data: what is made in bulk is what the product itself would have computed and posted."""

from collections import Counter
from random import Random

import pytest

from access.operations import create_merchant
from config.seeding import cast, history
from core import actor, clock
from core.scope import Scope
from ledger import posting, queries
from settlement import terms
from settlement.fees import compute_order
from settlement.models import PartnerSettlement, RecordState, SettlementRecord
from settlement.operations import environment

ROWS = 1_500
BY = actor.system("seed")


@pytest.fixture
def scope(db: None) -> Scope:  # noqa: ARG001 - it lives there
    now = clock.now()
    made = Scope(create_merchant(name="한빛마켓", by=BY, now=now).pk)
    environment.open_environment(made)
    cast.make_policies(made, BY, now)
    partners = [cast.make_partner(made, one, BY, now) for one in cast.sketches(8, Random(7))]
    history.fill(made, partners, ROWS, seed=7, today=clock.today(), tell=lambda _line: None)
    return made


def test_bulk_records_are_what_the_calculation_says(scope: Scope) -> None:
    orders = SettlementRecord.objects.within(scope).filter(type="ORDER").select_related("contract_version")

    assert orders.count() > ROWS // 2
    for record in orders:
        version = record.contract_version
        assert version is not None
        computed = compute_order(terms.order(record), terms.contract(version))
        assert computed.amounts == terms.amounts(record)
        assert computed.platform_fee_vat_inside == record.platform_fee_vat_inside


def test_bulk_journals_are_what_the_door_would_post(scope: Scope) -> None:
    counting = SettlementRecord.objects.within(scope).exclude(state=RecordState.SCHEDULED).select_related("partner")

    for record in counting:
        wanted = terms.posting(record, recorded_at=record.created_at)
        posted = posting.post(scope=scope, posting=wanted, by=BY)
        assert posted is not None
        assert not posted.created, "the same event with the same legs was there already"
    assert queries.broken_invariants() == []
    assert sum(row.balance for row in queries.trial_balance(scope)) == 0


def test_every_row_is_made_and_settled_ones_add_up(scope: Scope) -> None:
    records = list(SettlementRecord.objects.within(scope))

    assert len(records) == ROWS
    kinds = Counter(record.type for record in records)
    assert all(kinds[kind] for kind in ("ORDER", "ORDER_CANCEL", "MANUAL"))
    sums = Counter[int]()
    for record in records:
        if record.partner_settlement_id is not None:
            sums[record.partner_settlement_id] += record.net
    stored = dict(PartnerSettlement.objects.within(scope).values_list("pk", "net"))
    assert stored == {pk: sums[pk] for pk in stored}
    assert set(sums) <= set(stored)


def test_the_same_seed_makes_the_same_partners() -> None:
    assert cast.sketches(30, Random(7)) == cast.sketches(30, Random(7))
    assert cast.sketches(30, Random(7)) != cast.sketches(30, Random(8))

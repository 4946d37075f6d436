"""Promise: who works at the same time gets in nobody's way: one batch for one file, locked days that are shut."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest
from django.db import IntegrityError, connections, transaction

from config import roles
from core.errors import Conflict
from core.jobs import LeaseLost
from core.scope import Scope
from reconciliation import queries
from reconciliation.models import Batch, BatchLine, PeriodLock
from reconciliation.operations import deciding, loading, own_records, reselling
from settlement.models import SettlementRecord
from tests.build import BY, merchant, noon, partner
from tests.reconciliation.stored import accepted, own, read, receive, save, sheet, won
from tests.reconciliation.writing import Table


def at_once(*actions: Callable[[], object]) -> list[object]:
    """Run functions at the same moment, each on a connection of its own; return what they returned or raised."""

    def run_one(action: Callable[[], object]) -> object:
        try:
            return action()
        except Conflict as refused:
            return refused
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(actions)) as pool:
        return list(pool.map(run_one, actions))


def test_two_who_send_one_file_get_one_batch(committed_db: str) -> None:  # noqa: ARG001 - it really commits
    scope = merchant()
    found = at_once(*[lambda: receive(scope, sheet())] * 4)
    assert len({getattr(batch, "public_id", None) for batch in found}) == 1
    assert Batch.objects.count() == 1


def test_two_wrappings_read_at_once_make_one_batch(committed_db: str) -> None:  # noqa: ARG001 - it really commits
    scope = merchant()
    made = sheet(50)
    turned = Table(made.kind, tuple(reversed(made.columns)), made.rows)
    both = [receive(scope, made), receive(scope, turned)]
    at_once(*[lambda batch=batch: read(batch) for batch in both])
    assert sorted(Batch.objects.values_list("state", flat=True)) == ["DISCARDED", "UNDERSTOOD"]
    assert BatchLine.objects.count() == 50


def test_two_versions_accepted_at_once_leave_one_that_counts(committed_db: str) -> None:  # noqa: ARG001 - it really commits
    scope = merchant()
    both = [read(receive(scope, sheet())), read(receive(scope, sheet(5)))]

    def accept(batch: Batch) -> Batch:
        return deciding.accept(scope=scope, batch_id=batch.public_id, confirm=False, by=BY, now=noon())

    found = at_once(*[lambda batch=batch: accept(batch) for batch in both])
    assert sum(isinstance(one, Conflict) for one in found) == 1
    assert sorted(Batch.objects.values_list("state", flat=True)) == ["ACCEPTED", "UNDERSTOOD"]


def test_the_owner_too_deletes_no_batch(committed_db: str) -> None:  # noqa: ARG001 - it really commits
    accepted(merchant(), sheet())
    with roles.as_owner(), pytest.raises(IntegrityError, match="is refused"), transaction.atomic():
        Batch.objects.all()._raw_delete("default")  # noqa: SLF001 - without looking for what hangs on it


def test_who_lost_the_batch_to_a_later_worker_changes_nothing(committed_db: str) -> None:  # noqa: ARG001 - it really commits
    batch = receive(merchant(), sheet())
    told: list[int] = []

    def overtaken(done: int, _total: int) -> None:
        told.append(done)
        at_once(lambda: Batch.objects.update(fence=9))

    with pytest.raises(LeaseLost):
        loading.load(scope=batch.scope, batch_id=batch.public_id, fence=1, by=BY, now=noon(), tell=overtaken)
    assert told == [0, 4]
    assert not BatchLine.objects.exists()


def test_days_are_locked_only_after_those_who_are_saving(committed_db: str) -> None:  # noqa: ARG001 - it really commits
    scope = merchant()
    days = {"period_start": date(2024, 5, 1), "period_end": date(2024, 5, 31)}
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            save(scope, own("A", **days))
            locking = pool.submit(at_once, lambda: lock_may(scope))
            # It waits for us: were it through, our record would lie in locked days although the lock came first.
            with pytest.raises(TimeoutError):
                locking.result(timeout=0.5)
        (lock,) = locking.result(timeout=10)
    assert list(queries.locks(scope)) == [lock]
    with pytest.raises(own_records.PeriodLocked):
        save(scope, own("B", 1, **days))


def lock_may(scope: Scope) -> PeriodLock:
    return own_records.lock_period(
        scope=scope, first_day=date(2024, 5, 1), last_day=date(2024, 5, 31), by=BY, now=noon()
    )


def test_six_who_settle_one_reseller_charge_it_once(committed_db: str) -> None:  # noqa: ARG001 - it really commits
    scope = merchant()
    partner(scope, "reseller-a")
    reselling.link(scope=scope, mpn="6200001", partner_id="reseller-a", by=BY, now=noon())
    batch = accepted(scope, won(("6200001", "1000", "100")))

    def settle() -> int:
        chosen = [("6200001", "KRW")]
        made = reselling.settle(
            scope=scope, batch_id=batch.public_id, chosen=chosen, on=noon().date(), by=BY, now=noon()
        )
        return len(made)

    assert sorted(made for made in at_once(*[settle] * 6) if isinstance(made, int)) == [0, 0, 0, 0, 0, 1]
    assert SettlementRecord.objects.within(scope).count() == 1

"""Promise: a refused verb leaves nothing behind, whether or not whoever called it goes on."""

from contextlib import suppress

import pytest
from django.db import connection
from django.db.transaction import TransactionManagementError, atomic
from django.test.utils import CaptureQueriesContext

from core.errors import Conflict
from core.models import Job
from core.transactions import part, whole
from tests.build import TODAY, noon

pytestmark = pytest.mark.usefixtures("committed_db")


def add(kind: str) -> None:
    with part():
        Job.objects.create(merchant_id=1, is_test=False, public_id=kind, kind=kind, queue="default", due_at=noon(TODAY))
        if kind == "refused":
            raise Conflict


def kept() -> set[str]:
    return set(Job.objects.values_list("kind", flat=True))


def add_all(*kinds: str) -> None:
    for kind in kinds:
        add(kind)


def savepoints(seen: CaptureQueriesContext) -> int:
    return sum("SAVEPOINT" in query["sql"] for query in seen.captured_queries)


def test_a_verb_alone_is_a_transaction() -> None:
    with pytest.raises(Conflict):
        add("refused")
    add("first")
    assert kept() == {"first"}


def test_inside_another_transaction_one_goes_on_after_a_refusal() -> None:
    with atomic():
        add("first")
        with pytest.raises(Conflict):
            add("refused")
        add("second")
    assert kept() == {"first", "second"}


def test_inside_the_whole_a_verb_costs_no_savepoint_and_a_refusal_undoes_everything() -> None:
    with CaptureQueriesContext(connection) as seen, whole():
        add("first")
    assert savepoints(seen) == 0
    with pytest.raises(Conflict), whole():
        add_all("second", "refused")
    assert kept() == {"first"}


def test_nobody_goes_on_inside_the_whole() -> None:
    def go_on() -> None:
        with suppress(Conflict):
            add_all("first", "refused")
        add("second")

    with pytest.raises(TransactionManagementError), whole():
        go_on()
    assert kept() == set()


def test_a_block_of_ones_own_inside_the_whole_is_gone_on_from() -> None:
    with whole():
        with pytest.raises(Conflict), atomic():
            add_all("first", "refused")
        add("second")
    assert kept() == {"second"}

"""Promise: what a person decided about a difference stays, whatever runs again; comparing again finds the same."""

from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from core import jobs
from core.errors import Conflict, InvalidRequest, NotFound
from core.scope import Scope
from ledger.posting import refused_by
from reconciliation import queries
from reconciliation.lines import Kind
from reconciliation.models import Batch, Comparison, Decision, Outcome, Resolution
from reconciliation.operations import comparing, own_records, resolving
from tests.build import BY, merchant, noon
from tests.reconciliation.stored import accepted, own, read, receive, save, sheet
from tests.reconciliation.writing import Table

pytestmark = pytest.mark.django_db


def compare(batch: Batch) -> Comparison:
    return comparing.compare(scope=batch.scope, batch_id=batch.public_id, by=BY, now=noon())


def decide(batch: Batch, place: int, decision: Decision = Decision.ACCEPT, **given: Any) -> Resolution:
    usual = {"reason": "공급사와 확인", "by": BY, "now": noon()}
    return resolving.resolve(
        scope=batch.scope, batch_id=batch.public_id, place=place, decision=decision, **{**usual, **given}
    )


def standing(batch: Batch) -> dict[int, str]:
    """Return what was decided, by place."""
    made = queries.comparison(batch)
    assert made is not None
    shown = list(queries.outcomes(made))
    decided = queries.resolved(batch, shown)
    return {outcome.place: decided[outcome.pk].decision for outcome in shown if outcome.pk in decided}


@pytest.fixture
def compared() -> Batch:
    """Return a batch of four groups: equal, off by one, and two that we do not have; we have one that it lacks."""
    scope = merchant()
    save(scope, own("A"), own("B", 1, subtotal="59.30"), own("C", 0, customer_id="else"))
    batch = accepted(scope, sheet())
    compare(batch)
    return batch


class TestComparing:
    def test_running_again_finds_the_same(self, compared: Batch) -> None:
        first = queries.comparison(compared)
        assert first is not None
        before = list(queries.outcome_entries(first))
        again = compare(compared)
        assert (again.number, again.counts, again.money) == (2, first.counts, first.money)
        assert list(queries.outcome_entries(again)) == before
        assert Outcome.objects.count() == 5
        assert Comparison.objects.count() == 2

    def test_parts_make_up_both_totals(self, compared: Batch) -> None:
        made = queries.comparison(compared)
        assert made is not None
        assert made.counts == {"matched": 1, "amount_mismatch": 1, "missing_on_our_side": 2, "missing_in_file": 1}
        assert sum(Decimal(part["file"]) for part in made.money) == Decimal(compared.answer["totals"]["EUR"]["pretax"])
        assert sum(Decimal(part["ours"]) for part in made.money) == Decimal("60.30") * 2 + Decimal("59.30")

    def test_both_totals_are_whole_with_a_currency_mismatch(self) -> None:
        scope = merchant()
        save(scope, own("A", currency="USD", subtotal="50"))
        made = compare(accepted(scope, sheet(1)))
        assert made.counts == {"currency_mismatch": 1}
        assert {(part["currency"], part["ours"], part["file"]) for part in made.money} == {
            ("EUR", "0", "60.30"),
            ("USD", "50", "0"),
        }

    def test_records_of_another_entity_or_scope_are_not_compared(self) -> None:
        scope = merchant()
        for other in (merchant("남"), Scope(scope.merchant_id, is_test=True)):
            save(other, own("A"))
        own_records.save(scope=scope, records=[own("B")], source="api", by=BY, now=noon(), billing_entity="partner-2")
        assert compare(accepted(scope, sheet(1))).counts == {"missing_on_our_side": 1}
        own_records.save(scope=scope, records=[own("B")], source="api", by=BY, now=noon(), billing_entity="Partner-1")
        assert compare(Batch.objects.get()).counts == {"matched": 1}

    def test_a_tolerance_that_was_set_is_used_and_written_down(self) -> None:
        scope = merchant()
        save(scope, own("A", subtotal="59.30", tax="6.03"))
        batch = accepted(scope, sheet(1))
        assert compare(batch).counts == {"amount_mismatch": 1}
        comparing.set_tolerance(
            scope=scope, kind=Kind.NCE_INVOICE, currency="eur", line=None, group=Decimal(1), by=BY, now=noon()
        )
        made = compare(batch)
        assert made.counts == {"matched_within_tolerance": 1}
        assert made.tolerances == {"EUR": {"line": "0.01", "group": "1"}}
        with pytest.raises(InvalidRequest):
            comparing.set_tolerance(
                scope=scope, kind=Kind.NCE_INVOICE, currency="EUR", line=Decimal(-1), group=None, by=BY, now=noon()
            )

    def test_a_job_compares(self, compared: Batch) -> None:
        job = comparing.start(batch=compared, by=BY, now=noon())
        assert jobs.run_job(job.pk)
        job.refresh_from_db()
        assert job.result["number"] == 2

    def test_only_what_counts_is_compared(self) -> None:
        batch = read(receive(merchant(), sheet()))
        with pytest.raises(Conflict):
            compare(batch)

    def test_lines_and_records_of_an_outcome(self, compared: Batch) -> None:
        made = queries.comparison(compared)
        assert made is not None
        second = queries.outcomes(made)[1]
        assert [line.record for line in queries.outcome_lines(second)] == [2]
        assert [record.ref for record in queries.outcome_records(second)] == ["B"]


class TestDecisions:
    def test_a_decision_outlives_another_run_and_another_version(self, compared: Batch) -> None:
        decide(compared, 2)
        decide(compared, 3, Decision.LINK, refs=["C"])
        compare(compared)
        assert standing(compared) == {2: "accept", 3: "link"}
        newer = accepted(compared.scope, sheet(5), confirm=True)
        compare(newer)
        assert standing(newer) == {2: "accept", 3: "link"}

    def test_a_decision_changes_no_outcome(self, compared: Batch) -> None:
        made = queries.comparison(compared)
        assert made is not None
        before = list(queries.outcome_entries(made))
        decide(compared, 2, Decision.DISPUTE)
        assert list(queries.outcome_entries(made)) == before
        assert compare(compared).counts == made.counts

    def test_what_was_seen_is_kept_and_what_looks_otherwise_now_is_told(self, compared: Batch) -> None:
        resolution = decide(compared, 2)
        assert (resolution.outcome, resolution.difference_subtotal) == ("amount_mismatch", Decimal("1.00"))
        save(compared.scope, own("B", 1, subtotal="50"))
        made = compare(compared)
        outcome = queries.outcomes(made)[1]
        kept = queries.resolved(compared, [outcome])[outcome.pk]
        assert kept == resolution
        assert queries.is_stale(kept, outcome)

    def test_the_newest_decision_counts_and_a_person_may_open_it_again(self, compared: Batch) -> None:
        decide(compared, 2)
        decide(compared, 2, Decision.DISPUTE)
        assert standing(compared) == {2: "dispute"}
        decide(compared, 2, Decision.REOPEN)
        assert standing(compared) == {}
        assert Resolution.objects.count() == 3

    def test_deciding_the_same_twice_is_deciding_once(self, compared: Batch) -> None:
        assert decide(compared, 2) == decide(compared, 2)
        assert Resolution.objects.count() == 1

    @pytest.mark.parametrize(
        ("given", "field"),
        [
            ({"reason": " "}, "reason"),
            ({"reason": "가" * 2001}, "reason"),
            ({"decision": Decision.LINK}, "refs"),
            ({"decision": Decision.LINK, "refs": ["A", "nobody"]}, "refs"),
            ({"refs": ["A"]}, "refs"),
            ({"decision": Decision.RESTORE}, "decision"),
        ],
    )
    def test_what_is_incomplete_is_refused(self, compared: Batch, given: dict[str, Any], field: str) -> None:
        with pytest.raises(InvalidRequest) as refused:
            decide(compared, 2, **given)
        assert refused.value.facts["field"] == field

    def test_a_group_that_is_not_there(self, compared: Batch) -> None:
        with pytest.raises(NotFound):
            decide(compared, 6)

    def test_a_copy_is_restored_in_every_version(self) -> None:
        made = sheet()
        twice = Table(made.kind, made.columns, [*made.rows, made.rows[0], made.rows[0]])
        batch = accepted(merchant(), twice)
        for _again in range(2):
            resolving.restore(
                scope=batch.scope, batch_id=batch.public_id, record=6, reason="두 번 샀음", by=BY, now=noon()
            )
        assert Resolution.objects.count() == 1
        assert queries.restored_records(batch) == {6}
        more = Table(made.kind, made.columns, [made.rows[1] | {"Tax": "0"}, *twice.rows])
        newer = accepted(batch.scope, more, confirm=True)
        copies = set(queries.lines(newer).exclude(duplicate_of=None).values_list("record", flat=True))
        restored = queries.restored_records(newer)
        assert len(restored) == 1
        assert restored < copies
        for record, refusal in ((1, InvalidRequest), (99, NotFound)):
            with pytest.raises(refusal):
                resolving.restore(
                    scope=batch.scope, batch_id=batch.public_id, record=record, reason="x", by=BY, now=noon()
                )


class TestLaws:
    def test_a_decision_neither_changes_nor_goes(self, compared: Batch) -> None:
        decide(compared, 2)
        for statement in ("update reconciliation_resolution set reason = 'x'", "delete from reconciliation_resolution"):
            with (
                pytest.raises(DatabaseError, match="permission denied"),
                transaction.atomic(),
                connection.cursor() as cursor,
            ):
                cursor.execute(statement)

    @pytest.mark.parametrize("change", ["counts = '{}'", "money = '[]'", "number = 9"])
    def test_what_a_comparison_found_stays(self, compared: Batch, change: str) -> None:
        assert compared.comparisons.count() == 1
        with pytest.raises(IntegrityError) as refused, transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"update reconciliation_comparison set {change}")  # noqa: S608 - a literal of this test
        assert refused_by(refused.value) == "reconciliation_comparison_stays"

    def test_a_decision_is_about_a_batch_of_its_own_scope(self, compared: Batch) -> None:
        resolution = decide(compared, 2)
        resolution.pk, resolution.public_id, resolution.is_test = None, "other", True
        with pytest.raises(IntegrityError) as refused, transaction.atomic():
            resolution.save(force_insert=True)
        assert refused_by(refused.value) == "reconciliation_same_scope"

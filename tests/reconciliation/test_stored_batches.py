"""Promise: a file is loaded whole or not at all, once, and what was understood of it stays as it was."""

import gc
import io

import pytest
from django.core.files.storage import default_storage
from django.db import DatabaseError, IntegrityError, connection, transaction

from access.models import AuditEvent
from core import jobs
from core.errors import Conflict, InvalidRequest, NotFound
from core.models import Job, JobState
from core.scope import Scope
from ledger.posting import refused_by
from reconciliation import queries
from reconciliation.models import Batch, BatchLine, BatchState
from reconciliation.operations import deciding, loading, storing
from reconciliation.reading import Limits
from tests.build import BY, merchant, noon
from tests.reconciliation.stored import accepted, read, receive, sheet
from tests.reconciliation.writing import Table, Writing, written

pytestmark = pytest.mark.django_db


def run(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def _copied(line: BatchLine, *, batch: Batch, record: int) -> BatchLine:
    fields = {field.attname: getattr(line, field.attname) for field in BatchLine._meta.concrete_fields}  # noqa: SLF001 - Django's way to name them
    return BatchLine(**fields | {"id": None, "batch_id": batch.pk, "record": record})


class TestLoading:
    def test_what_was_understood_stands_before_it_counts(self) -> None:
        scope = merchant()
        batch = read(receive(scope, sheet().with_cell(2, "Subtotal", "x")))
        assert batch.state == BatchState.UNDERSTOOD
        assert (batch.kind, batch.layout, batch.line_count, batch.version) == ("nce_invoice", "21b", 4, 0)
        assert (batch.billing_entity, batch.invoice_number) == ("partner-1", "G1")
        assert batch.answer["records"] == {"data_records": 4, "valid": 3, "invalid": 1, "duplicate": 0}
        assert batch.answer["totals"] == {"EUR": {"pretax": "180.90", "tax": "18.09", "total": "198.99"}}
        assert batch.answer["warning_codes"] == ["invalid_lines"]
        assert list(queries.stored(scope)) == []
        (invalid,) = queries.invalid_lines(batch)
        assert (invalid.record, invalid.codes, invalid.counts) == (3, ["bad_number:Subtotal"], False)
        assert invalid.delivered is not None
        assert "x" in invalid.delivered
        assert len(invalid.delivered) == len(batch.headers[0]["cells"])

    def test_nothing_is_seen_before_it_is_read(self) -> None:
        batch = receive(merchant(), sheet())
        assert batch.state == BatchState.LOADING
        assert not queries.lines(batch).exists()

    def test_columns_that_nobody_knows_are_kept_with_their_line(self) -> None:
        made = sheet(2)
        made = Table(made.kind, made.columns, [row | {"SkuName": "가"} for row in made.rows])
        body = written(made, Writing()).replace(b"SkuName", "뭐지".encode())
        batch = storing.receive(
            scope=merchant(), file=io.BytesIO(body), name="x.csv", locale="ko", by=BY, now=noon()
        ).batch
        lines = queries.lines(read(batch))
        assert [line.extra for line in lines] == [{"뭐지": "가"}, {"뭐지": "가"}]
        assert all("SkuName" not in line.values for line in lines)

    def test_a_rejected_file_leaves_the_attempt(self) -> None:
        batch = receive(merchant(), sheet().without("Total"))
        path = batch.path
        batch = read(batch)
        assert (batch.state, batch.path, batch.kind) == (BatchState.REJECTED, "", "")
        assert (batch.refusal["error_codes"], batch.refusal["missing"]) == (["missing_columns"], ["Total"])
        assert batch.created_by == str(BY)
        assert path
        assert Job.objects.get().state == JobState.SUCCEEDED

    def test_a_file_above_the_limit_is_not_even_kept(self) -> None:
        with pytest.raises(InvalidRequest):
            storing.receive(
                scope=merchant(),
                file=io.BytesIO(b"x" * 11),
                name="x.csv",
                locale="ko",
                by=BY,
                now=noon(),
                limits=Limits(sent_bytes=10),
            )
        assert not Batch.objects.exists()

    def test_a_job_that_is_stopped_leaves_no_line(self) -> None:
        batch = receive(merchant(), sheet())

        def stop(_done: int, _total: int) -> None:
            raise jobs.JobCancelled

        with pytest.raises(jobs.JobCancelled):
            loading.load(scope=batch.scope, batch_id=batch.public_id, fence=1, by=BY, now=noon(), tell=stop)
        assert not BatchLine.objects.exists()
        assert queries.batch(batch.scope, batch.public_id).state == BatchState.LOADING
        assert read(batch).state == BatchState.UNDERSTOOD

    def test_how_often_python_collects_is_as_before_once_a_file_was_read(self) -> None:
        batch, usual = receive(merchant(), sheet()), gc.get_threshold()
        while_reading = set()

        def stop(done: int, _total: int) -> None:
            while_reading.add(gc.get_threshold())
            if done:
                raise jobs.JobCancelled

        with pytest.raises(jobs.JobCancelled):
            loading.load(scope=batch.scope, batch_id=batch.public_id, fence=1, by=BY, now=noon(), tell=stop)
        assert while_reading == {(50_000, *usual[1:])}
        assert gc.get_threshold() == usual

    def test_a_stop_that_was_asked_for_throws_the_batch_away(self) -> None:
        batch = receive(merchant(), sheet())
        started = storing.start(batch=batch, by=BY, now=noon())
        Job.objects.filter(pk=started.job_id or 0).update(cancel_requested=True)
        assert jobs.run_job(started.job_id or 0)
        batch = queries.batch(batch.scope, batch.public_id)
        assert (batch.state, batch.path) == (BatchState.DISCARDED, "")
        assert Job.objects.get().state == JobState.CANCELLED
        assert not BatchLine.objects.exists()

    def test_an_earlier_worker_cannot_begin_after_a_later_one(self) -> None:
        batch = receive(merchant(), sheet())
        Batch.objects.update(fence=2)
        with pytest.raises(jobs.LeaseLost):
            loading.load(
                scope=batch.scope, batch_id=batch.public_id, fence=1, by=BY, now=noon(), tell=lambda _done, _total: None
            )

    def test_a_file_whose_job_gave_up_can_be_read_by_another(self) -> None:
        batch = receive(merchant(), sheet())
        first = storing.start(batch=batch, by=BY, now=noon())
        assert storing.start(batch=batch, by=BY, now=noon()).job_id == first.job_id
        Job.objects.update(state=JobState.FAILED)
        Batch.objects.update(fence=((first.job_id or 0) << 16) + jobs.MAX_TRIES)
        assert read(batch).state == BatchState.UNDERSTOOD

    def test_reading_again_changes_nothing(self) -> None:
        batch = read(receive(merchant(), sheet()))
        again = loading.load(
            scope=batch.scope, batch_id=batch.public_id, fence=9, by=BY, now=noon(), tell=lambda _done, _total: None
        )
        assert again.batch.fence == batch.fence
        assert BatchLine.objects.count() == 4

    def test_the_file_is_stored_encrypted_and_read_back_whole(self) -> None:
        batch = receive(merchant(), sheet())
        with default_storage.open(batch.path) as stored:
            assert b"CustomerId" not in stored.read()
        with storing.on_disk(batch) as path:
            assert path.read_bytes() == written(sheet(), Writing())
        assert not path.exists()


class TestDeciding:
    def test_accepting_twice_is_accepting_once(self) -> None:
        batch = accepted(merchant(), sheet())
        again = deciding.accept(scope=batch.scope, batch_id=batch.public_id, confirm=False, by=BY, now=noon())
        assert (again.state, again.version, again.replaces) == (BatchState.ACCEPTED, 1, None)
        assert AuditEvent.objects.filter(action="reconciliation.accepted").count() == 1

    def test_a_new_version_asks_and_says_what_changes(self) -> None:
        scope = merchant()
        first = accepted(scope, sheet())
        newer = read(receive(scope, sheet(5).with_cell(1, "TaxTotal", "7.00")))
        with pytest.raises(deciding.NeedsConfirmation) as asked:
            deciding.accept(scope=scope, batch_id=newer.public_id, confirm=False, by=BY, now=noon())
        assert asked.value.facts == {
            "replaces": first.public_id,
            "diff": {"added": 1, "removed": 0, "changed": 1},
        }
        kept = deciding.accept(scope=scope, batch_id=newer.public_id, confirm=True, by=BY, now=noon())
        assert (kept.version, kept.replaces) == (2, first)
        assert [batch.version for batch in queries.versions(kept)] == [2, 1]
        assert queries.current(scope, first.identity) == kept
        assert queries.lines(queries.batch(scope, first.public_id)).count() == 4

    def test_what_is_thrown_away_leaves_no_line_and_may_come_again(self) -> None:
        scope = merchant()
        batch = read(receive(scope, sheet()))
        gone = deciding.discard(scope=scope, batch_id=batch.public_id, by=BY, now=noon())
        assert (gone.state, gone.path) == (BatchState.DISCARDED, "")
        assert not BatchLine.objects.exists()
        assert accepted(scope, sheet()).version == 1

    def test_what_counts_is_not_thrown_away(self) -> None:
        batch = accepted(merchant(), sheet())
        with pytest.raises(Conflict):
            deciding.discard(scope=batch.scope, batch_id=batch.public_id, by=BY, now=noon())

    def test_nothing_reaches_into_another_scope(self) -> None:
        batch = accepted(merchant(), sheet())
        for other in (merchant("남"), Scope(batch.merchant_id, is_test=True)):
            with pytest.raises(NotFound):
                deciding.accept(scope=other, batch_id=batch.public_id, confirm=True, by=BY, now=noon())
            assert list(queries.batches(other)) == []
            assert receive(other, sheet()).state == BatchState.LOADING

    def test_the_same_bytes_are_the_same_batch(self) -> None:
        scope = merchant()
        batch = accepted(scope, sheet())
        assert receive(scope, sheet()) == batch
        assert Batch.objects.count() == 1

    def test_the_same_content_becomes_no_second_batch(self) -> None:
        scope = merchant()
        batch = accepted(scope, sheet())
        made = sheet()
        other = read(receive(scope, Table(made.kind, tuple(reversed(made.columns)), made.rows)))
        assert (other.state, other.same_as) == (BatchState.DISCARDED, batch)
        assert BatchLine.objects.count() == 4


class TestLaws:
    """Whatever SQL the application's role or the owner tries."""

    @pytest.mark.parametrize(
        "change",
        [
            "billing_entity = 'x'",
            "answer = '{}'",
            "identity = 'x'",
            "line_count = 9",
            "version = 2",
            "decided_by = 'x'",
        ],
    )
    def test_what_was_understood_stays(self, change: str) -> None:
        accepted(merchant(), sheet())
        with pytest.raises(IntegrityError) as refused, transaction.atomic():
            run(f"update reconciliation_batch set {change}")  # noqa: S608 - a literal of this test
        assert refused_by(refused.value) == "reconciliation_batch_stays"

    @pytest.mark.parametrize("state", ["LOADING", "UNDERSTOOD", "REJECTED", "DISCARDED"])
    def test_a_move_that_does_not_exist_cannot_happen(self, state: str) -> None:
        accepted(merchant(), sheet())
        with pytest.raises(IntegrityError) as refused, transaction.atomic():
            run(f"update reconciliation_batch set state = '{state}'")  # noqa: S608 - a literal of this test
        assert refused_by(refused.value) == "reconciliation_move_exists"

    def test_lines_come_only_while_their_file_is_read(self) -> None:
        accepted(merchant(), sheet())
        line = BatchLine.objects.order_by("record")[0]
        line.pk, line.record = None, 99
        with pytest.raises(IntegrityError) as refused, transaction.atomic():
            line.save(force_insert=True)
        assert refused_by(refused.value) == "reconciliation_line_while_loading"

    def test_one_line_of_another_file_among_many_is_refused(self) -> None:
        scope = merchant()
        batch, other = receive(scope, sheet()), accepted(scope, sheet(7))
        line = BatchLine.objects.filter(batch=other).order_by("record")[0]
        lines = [_copied(line, batch=batch, record=number) for number in range(3)]
        BatchLine.objects.bulk_create(lines)
        more = [_copied(line, batch=batch, record=8), _copied(line, batch=other, record=99)]
        with pytest.raises(IntegrityError) as refused, transaction.atomic():
            BatchLine.objects.bulk_create(more)
        assert refused_by(refused.value) == "reconciliation_line_while_loading"
        assert BatchLine.objects.filter(batch=batch).count() == len(lines)

    def test_lines_neither_change_nor_go(self) -> None:
        accepted(merchant(), sheet())
        with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
            run("update reconciliation_batchline set pretax = 1")
        with pytest.raises(IntegrityError) as refused, transaction.atomic():
            run("delete from reconciliation_batchline where record = 1")
        assert refused_by(refused.value) == "reconciliation_line_stays"

    def test_a_batch_is_kept(self) -> None:
        accepted(merchant(), sheet())
        with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
            run("delete from reconciliation_batch")

    def test_a_batch_follows_no_other_merchants(self) -> None:
        ours, theirs = accepted(merchant(), sheet()), accepted(merchant("남"), sheet())
        with pytest.raises(IntegrityError) as refused, transaction.atomic():
            Batch.objects.create(
                merchant_id=ours.merchant_id,
                is_test=False,
                public_id="x",
                bytes=1,
                sha256="x",
                same_as=theirs,
                created_by="x",
            )
        assert refused_by(refused.value) == "reconciliation_same_scope"

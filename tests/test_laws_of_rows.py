"""Promise: settlement and payout rows obey their laws, whatever SQL the application's role or the owner tries."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from psycopg2.errors import CheckViolation
from psycopg2.extras import Json

from config import roles
from core import clock
from ledger.posting import refused_by
from payouts.models import BankEvent, Payout
from payouts.operations import running
from settlement.models import Calculator, ContractVersion, PartnerSettlement, RecordState, SettlementRecord
from settlement.operations import records
from settlement.operations.records import OrderDraft
from tests import build
from tests.payouts.world import MAKER, World, world

# A row with everything as it was, under another id and in another scope.
COPY_RECORD = """
    insert into settlement_settlementrecord select (jsonb_populate_record(r, jsonb_build_object(
        'id', r.id + 1000, 'public_id', 'copy', 'payment_id', 'copy', %(column)s, %(value)s))).*
    from settlement_settlementrecord r where r.id = %(id)s"""
# A row with everything as it was, but for its key and what a test says of it.
RECORD_LIKE = """
    select (jsonb_populate_record(r, jsonb_build_object('id', r.id + 1000, 'public_id', 'copy') || %(changes)s)).*
    from settlement_settlementrecord r where r.id = %(id)s"""
# What no record may be, an order changed like this, and the law that it breaks.
Unlawful: TypeAlias = tuple[dict[str, object], str]
UNLAWFUL: tuple[Unlawful, ...] = (
    ({"net": 1}, "settlement_record_sign"),
    ({"net_tax_free": 1}, "settlement_record_sign"),
    ({"settlement": 1}, "settlement_record_sign"),
    ({"settlement_tax_free": 1}, "settlement_record_sign"),
    ({"type": "SOMETHING"}, "settlement_record_shape"),
    ({"type": "MANUAL"}, "settlement_record_shape"),
    ({"type": "ORDER_CANCEL"}, "settlement_record_shape"),
    ({"type": "ORDER_CANCEL", "order_id": 1}, "settlement_record_sign"),
    ({"order_id": 1}, "settlement_record_shape"),
    ({"contract_version_id": None}, "settlement_record_shape"),
    ({"start_date": None}, "settlement_record_shape"),
    ({"type": "MANUAL", "contract_version_id": None}, "settlement_record_shape"),
    ({"type": "MANUAL", "start_date": None}, "settlement_record_shape"),
    ({"type": "MANUAL", "start_date": None, "contract_version_id": None, "net": 1}, "settlement_record_sign"),
    ({"state": "SETTLED"}, "settlement_record_settled_somewhere"),
    ({"partner_settlement_id": 1}, "settlement_record_settled_somewhere"),
    ({"settlement_date": "2000-01-01"}, "settlement_record_date_not_before_start"),
)
COPY_PAYOUT = """
    insert into payouts_payout select (jsonb_populate_record(p, jsonb_build_object(
        'id', p.id + 1000, 'public_id', 'copy', 'is_test', true))).*
    from payouts_payout p where p.id = %(id)s"""


@contextmanager
def refused(constraint: str) -> Iterator[None]:
    """Expect a refusal by the constraint of this name."""
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        yield
    assert refused_by(caught.value) == constraint


def run(statement: str, **values: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def assert_each_refused(write: Callable[[Mapping[str, object]], None], unlawful: Sequence[Unlawful]) -> None:
    """Write each of these changes, and expect the refusal that it names."""
    laws = []
    for changes, _law in unlawful:
        with pytest.raises(IntegrityError) as caught, transaction.atomic():
            write(changes)
        assert isinstance(caught.value.__cause__, CheckViolation)
        laws.append((changes, refused_by(caught.value)))
    assert laws == list(unlawful)


@pytest.fixture
def here(committed_db: str, tmp_path: Path) -> Iterator[World]:  # noqa: ARG001 - the world lives in it
    with world(tmp_path) as made:
        made.partner("acme")
        yield made


@pytest.fixture
def sent(here: World) -> Payout:
    """Return a payout that has been sent."""
    here.owe("acme", 10_000)
    here.approved()
    here.send()
    return here.payout("acme")


class TestRecords:
    @pytest.fixture
    def record(self, here: World) -> SettlementRecord:
        draft = OrderDraft(partner_id="acme", payment_id="payment-1", amount=10_000, start_date=clock.today())
        return records.record_order(scope=here.scope, by=MAKER, now=clock.now(), draft=draft)

    @pytest.mark.parametrize("column", ["net", "order_amount", "platform_fee", "partner_id", "start_date"])
    def test_one_that_counts_keeps_what_it_was_computed_from(self, record: SettlementRecord, column: str) -> None:
        with refused("settlement_record_keeps_amounts"):
            run(f"update settlement_settlementrecord set {column} = {column} + 1 where id = %(id)s", id=record.pk)  # noqa: S608 - a literal of this test

    def test_its_state_does_not_go_back(self, record: SettlementRecord) -> None:
        with refused("settlement_record_state_moves_on"):
            run("update settlement_settlementrecord set state = 'SCHEDULED' where id = %(id)s", id=record.pk)

    @pytest.mark.parametrize("table", ["settlement_settlementrecord", "settlement_partnersettlement"])
    def test_nothing_is_deleted(self, here: World, table: str) -> None:
        here.owe("acme", 1_000)
        with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
            run(f"delete from {table}")  # noqa: S608 - a literal of this test
        with roles.as_owner(), pytest.raises(IntegrityError, match="is refused"), transaction.atomic():
            run(f"delete from {table}")  # noqa: S608 - a literal of this test

    @pytest.mark.parametrize(("column", "value"), [("is_test", True), ("merchant_id", 999)])
    def test_none_points_into_another_scope(self, record: SettlementRecord, column: str, value: int) -> None:
        with refused("settlement_same_scope"):
            run(COPY_RECORD, id=record.pk, column=column, value=value)

    @pytest.fixture
    def planned(self, here: World) -> SettlementRecord:
        """Return a record that does not count yet, and so may follow other terms."""
        tomorrow = clock.today() + timedelta(days=1)
        draft = OrderDraft(partner_id="acme", payment_id="payment-2", amount=10_000, start_date=tomorrow)
        made = records.record_order(scope=here.scope, by=MAKER, now=clock.now(), draft=draft)
        assert made.state == RecordState.SCHEDULED
        return made

    @pytest.mark.parametrize(
        "changes",
        [
            {"partner_id": 999},
            {"contract_version_id": 999},
            {"calculator_id": 999},
            {"type": "ORDER_CANCEL", "order_id": 999, "settlement": 0, "net": 0},
            {"state": "SETTLED", "partner_settlement_id": 999},
        ],
    )
    def test_none_points_at_nothing(self, planned: SettlementRecord, changes: dict[str, object]) -> None:
        with refused("settlement_same_scope"):
            run(f"insert into settlement_settlementrecord {RECORD_LIKE}", id=planned.pk, changes=Json(changes))
        keeps = {"partner_id", "order_id"} & changes.keys()
        with refused("settlement_record_stays" if keeps else "settlement_same_scope"):
            self.change(planned, changes)

    def test_none_moves_to_what_is_of_another_scope_or_partner(self, here: World, planned: SettlementRecord) -> None:
        other = build.merchant("other")
        build.contract(other)
        version = ContractVersion.objects.get(contract__merchant_id=other.merchant_id)
        calculator = Calculator.objects.create(**other.filters(), number=1, applied_at=clock.now())
        here.partner("beta")
        here.owe("beta", 1_000)
        theirs = PartnerSettlement.objects.get()
        for changes in (
            {"contract_version_id": version.pk},
            {"calculator_id": calculator.pk},
            {"state": "SETTLED", "partner_settlement_id": theirs.pk},
        ):
            with refused("settlement_same_scope"):
                self.change(planned, changes)

    def change(self, record: SettlementRecord, changes: Mapping[str, object]) -> None:
        columns = ", ".join(f"{column} = %({column})s" for column in changes)
        run(f"update settlement_settlementrecord set {columns} where id = %(id)s", id=record.pk, **changes)  # noqa: S608 - literals of this file

    @pytest.mark.parametrize(
        ("change", "law"),
        [
            ("update settlement_partner set id = id + 1000", "settlement_partner_stays"),
            ("update settlement_partner set is_test = not is_test", "settlement_partner_stays"),
            ("delete from settlement_partner", "settlement_partner_stays"),
            ("truncate settlement_partner cascade", "settlement_partner_stays"),
            ("update settlement_contract set is_test = not is_test", "settlement_contract_stays"),
            ("update settlement_contractversion set id = id + 1000", "settlement_contract_version_stays"),
            ("delete from settlement_contractversion", "settlement_contract_version_stays"),
            ("truncate settlement_contractversion cascade", "settlement_contract_version_stays"),
            ("truncate settlement_calculator cascade", "settlement_calculator_stays"),
            ("update settlement_settlementrecord set id = id + 1000", "settlement_record_stays"),
            ("update settlement_settlementrecord set is_test = not is_test", "settlement_record_stays"),
            ("truncate settlement_settlementrecord cascade", "settlement_record_stays"),
        ],
    )
    def test_what_records_point_at_keeps_its_key_and_stays(
        self, record: SettlementRecord, change: str, law: str
    ) -> None:
        assert record.pk
        with roles.as_owner(), refused(law):
            run(change)

    def test_none_is_added_that_breaks_a_law(self, record: SettlementRecord) -> None:
        def add(changes: Mapping[str, object]) -> None:
            run(f"insert into settlement_settlementrecord {RECORD_LIKE}", id=record.pk, changes=Json(changes))

        assert_each_refused(add, [*UNLAWFUL, ({"state": "GONE"}, "settlement_record_settled_somewhere")])
        add({})
        assert SettlementRecord.objects.count() == 2

    def test_none_is_copied_that_breaks_a_law(self, record: SettlementRecord) -> None:
        def copy(changes: Mapping[str, object]) -> None:
            file = StringIO()
            values: Any = {"id": record.pk, "changes": Json(changes)}
            with connection.cursor() as cursor:
                cursor.execute(f"create temp table one as {RECORD_LIKE}", values)
                cursor.copy_expert("copy one to stdout", file)
                cursor.execute("drop table one")
                file.seek(0)
                # The driver's own call raises the driver's own errors.
                with connection.wrap_database_errors:
                    cursor.copy_expert("copy settlement_settlementrecord from stdin", file)

        assert_each_refused(copy, UNLAWFUL)
        copy({})
        assert SettlementRecord.objects.count() == 2

    def test_none_becomes_what_breaks_a_law(self, planned: SettlementRecord) -> None:
        assert_each_refused(partial(self.change, planned), UNLAWFUL)
        self.change(planned, {"settlement_date": planned.start_date})

    def test_of_many_that_are_added_at_once_one_that_breaks_a_law_is_found(self, record: SettlementRecord) -> None:
        with refused("settlement_record_sign"):
            run(
                "insert into settlement_settlementrecord select (jsonb_populate_record(r, jsonb_build_object("
                "'id', r.id + n, 'public_id', n, 'net', r.net + (n = 900)::int))).*"
                " from settlement_settlementrecord r, generate_series(1, 1000) n where r.id = %(id)s",
                id=record.pk,
            )


class TestClaims:
    def insert(self, payout: Payout, claim_no: int) -> None:
        run(
            "insert into settlement_claim (partner_settlement_id, claim_no, after_no, payout_ref_id, net, net_tax_free,"
            " credit_total, debit_total) values (%(settlement)s, %(no)s, nullif(%(after)s, 0), %(payout)s, 1, 0, 1, 0)",
            settlement=PartnerSettlement.objects.get().pk,
            no=claim_no,
            after=claim_no - 1,
            payout=payout.pk,
        )

    def test_the_second_one_needs_the_release_of_the_first(self, sent: Payout) -> None:
        with refused("settlement_claim_needs_release"):
            self.insert(sent, 2)

    def test_the_same_number_never_comes_twice(self, sent: Payout) -> None:
        with pytest.raises(IntegrityError, match="duplicate key"), transaction.atomic():
            self.insert(sent, 1)

    def test_none_is_changed_or_taken_away(self, sent: Payout) -> None:
        for statement in ("update settlement_claim set net = 0", "delete from settlement_claim"):
            with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
                run(statement)
            with roles.as_owner(), pytest.raises(IntegrityError, match="is refused"), transaction.atomic():
                run(statement)
        assert sent.pk == PartnerSettlement.objects.get().claims.get().payout_ref_id


class TestPayouts:
    def test_one_in_another_scope_than_its_bulk_payout_is_refused(self, sent: Payout) -> None:
        with refused("payouts_same_scope"):
            run(COPY_PAYOUT, id=sent.pk)

    def test_the_status_says_what_the_attempts_say(self, here: World) -> None:
        here.owe("acme", 10_000)
        here.approved()
        running.start_due(clock.now())
        with refused("payouts_status_follows_attempts"):
            run("update payouts_payout set status = 'PROCESSING' where status = 'PREPARED'")

    @pytest.mark.parametrize(
        ("table", "column", "state"),
        [
            ("payouts_payout", "status", "PREPARED"),
            ("payouts_attempt", "state", "CREATED"),
            ("payouts_bulkpayout", "status", "CANCELLED"),
        ],
    )
    def test_a_move_that_does_not_exist_cannot_happen(self, sent: Payout, table: str, column: str, state: str) -> None:
        assert sent.status == "SUCCEEDED"
        with refused("payouts_move_exists"):
            run(f"update {table} set {column} = %(state)s", state=state)  # noqa: S608 - a literal of this test

    @pytest.mark.usefixtures("here")
    def test_nobody_adds_a_move(self) -> None:
        with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
            run("insert into payouts_move values ('payout', 'SUCCEEDED', 'PREPARED')")


class TestAttempts:
    @pytest.fixture
    def waiting(self, here: World) -> Payout:
        """Return a payout with an attempt that waits to be sent."""
        here.owe("acme", 10_000)
        here.approved()
        running.start_due(clock.now())
        return here.payout("acme")

    @pytest.mark.parametrize(
        "change", ["amount = amount + 1", "reference = 'at-other'", "rail = 'test'", "attempt_no = 2"]
    )
    def test_an_instruction_never_changes(self, waiting: Payout, change: str) -> None:
        assert waiting.attempts.count() == 1
        with refused("payouts_attempt_keeps_instruction"):
            run(f"update payouts_attempt set {change}")  # noqa: S608 - a literal of this test

    def test_there_is_one_open_attempt(self, waiting: Payout) -> None:
        second = running.new_attempt(waiting, 2, "simulator", clock.now())
        with refused("payouts_one_open_attempt"):
            second.save(force_insert=True)

    def test_a_paid_payout_gets_no_other_attempt(self, sent: Payout) -> None:
        second = running.new_attempt(sent, 2, "simulator", clock.now())
        with refused("payouts_attempt_is_approved"):
            second.save(force_insert=True)

    def test_one_is_of_a_payout_that_is_there(self, waiting: Payout) -> None:
        second = running.new_attempt(waiting, 1, "simulator", clock.now())
        second.payout_id = waiting.pk + 1_000
        with refused("payouts_attempt_of_known"):
            second.save(force_insert=True)

    def test_evidence_is_about_one_that_is_there(self, waiting: Payout) -> None:
        attempt = waiting.attempts.get()
        said = BankEvent(attempt_id=attempt.pk + 1_000, call="send", outcome="UNKNOWN", fence=0, applied=False)
        said.at = clock.now()
        with refused("payouts_bank_event_of_known"):
            said.save(force_insert=True)

    @pytest.mark.parametrize("table", ["payouts_payout", "payouts_attempt"])
    def test_what_laws_look_up_keeps_its_key_and_stays(self, waiting: Payout, table: str) -> None:
        assert waiting.attempts.count() == 1
        with roles.as_owner(), pytest.raises(IntegrityError, match="is refused"), transaction.atomic():
            run(f"update {table} set id = id + 1000")  # noqa: S608 - a literal of this test
        with roles.as_owner(), pytest.raises(IntegrityError, match="is refused"), transaction.atomic():
            run(f"truncate {table} cascade")

    def test_one_wrong_row_among_many_is_found(self, here: World) -> None:
        here.owe_many(3)
        here.approved()
        running.start_due(clock.now())
        with refused("payouts_move_exists"):
            run(
                "update payouts_attempt set state = case when id = (select max(id) from payouts_attempt)"
                " then 'SUBMITTING' else 'CLAIMED' end"
            )
        with refused("payouts_status_follows_attempts"):
            run("update payouts_payout set status = 'PROCESSING' where id = (select max(id) from payouts_payout)")

    def test_a_payout_follows_its_newest_attempt_only(self, waiting: Payout) -> None:
        for state in ("CLAIMED", "SUBMITTING"):
            run("update payouts_attempt set state = %(state)s", state=state)
        run("update payouts_attempt set state = 'FAILED', will_retry = true")
        running.new_attempt(waiting, 2, "simulator", clock.now()).save(force_insert=True)
        for state in ("CLAIMED", "SUBMITTING"):
            run("update payouts_attempt set state = %(state)s where attempt_no = 2", state=state)
        run("update payouts_attempt set will_retry = false where attempt_no = 1")
        waiting.refresh_from_db()
        assert waiting.status == "PROCESSING"

    @pytest.mark.usefixtures("here")
    def test_old_and_new_rows_are_never_compared_in_a_loop_inside_a_loop(self) -> None:
        # A plan made for a statement of one row is kept for one of thousands, and settings reach into triggers.
        with connection.cursor() as cursor:
            cursor.execute(
                "select p.proname, p.proconfig from pg_trigger t join pg_proc p on p.oid = t.tgfoid"
                " where t.tgrelid in ('payouts_payout'::regclass, 'payouts_attempt'::regclass)"
                " and t.tgoldtable is not null and t.tgnewtable is not null"
            )
            found = dict(cursor.fetchall())
        assert found.keys() == {"payouts_check_statuses", "payouts_check_attempt_moves", "payouts_webhook_payouts"}
        for settings in found.values():
            assert {"enable_nestloop=off", "enable_hashjoin=on"} <= set(settings)

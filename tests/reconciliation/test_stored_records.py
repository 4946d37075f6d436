"""Promise: our own records keep every version, say nothing twice, and do not move inside locked days."""

from datetime import date

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from core.errors import InvalidRequest, NotFound
from core.scope import Scope
from ledger.posting import refused_by
from reconciliation import queries
from reconciliation.books import OwnRecord
from reconciliation.lines import Kind
from reconciliation.models import BillingRecord
from reconciliation.operations import own_records
from reconciliation.operations.own_records import PeriodLocked, Saved
from tests.build import BY, merchant, noon
from tests.reconciliation.stored import own, save

pytestmark = pytest.mark.django_db

MAY, JUNE = (date(2024, 5, 1), date(2024, 5, 31)), (date(2024, 6, 1), date(2024, 6, 30))


def lock_may(scope: Scope) -> int:
    return own_records.lock_period(scope=scope, first_day=MAY[0], last_day=MAY[1], by=BY, now=noon()).pk


def dated(ref: str, days: tuple[date | None, date | None], subtotal: str = "60.30") -> OwnRecord:
    return own(ref, period_start=days[0], period_end=days[1], subtotal=subtotal)


class TestVersions:
    def test_the_newest_version_counts_and_all_are_kept(self) -> None:
        scope = merchant()
        assert save(scope, own("A"), own("B", 1)) == Saved(new=2, changed=0, same=0)
        assert save(scope, own("A", subtotal="61"), own("B", 1)) == Saved(new=0, changed=1, same=1)
        assert [(record.ref, str(record.subtotal)) for record in queries.records(scope)] == [
            ("B", "60.30"),
            ("A", "61"),
        ]
        assert [(record.version, record.is_current) for record in queries.history(scope, "A")] == [
            (2, True),
            (1, False),
        ]

    def test_saying_the_same_again_changes_nothing(self) -> None:
        scope = merchant()
        save(scope, own("A", subtotal="60.3"), own("B", 1, tax=None, customer_name="가"))
        again = save(scope, own("A", subtotal="60.300"), own("B", 1, tax=None, customer_name="가"))
        assert again == Saved(new=0, changed=0, same=2)
        assert BillingRecord.objects.count() == 2

    @pytest.mark.parametrize(
        "change",
        [
            {"currency": "USD"},
            {"quantity": None},
            {"unit_price": "1"},
            {"tax": None},
            {"customer_id": "x"},
            {"customer_name": "x"},
            {"period_start": MAY[0]},
            {"kind": Kind.ONETIME_RECURRING},
        ],
    )
    def test_every_field_makes_a_version(self, change: dict[str, object]) -> None:
        scope = merchant()
        save(scope, own("A"))
        assert save(scope, own("A", **change)) == Saved(new=0, changed=1, same=0)

    def test_one_taken_back_no_longer_counts_and_may_come_again(self) -> None:
        scope = merchant()
        save(scope, own("A"), own("B", 1))
        gone = own_records.withdraw(scope=scope, refs=["A"], by=BY, now=noon(), source="upload")
        assert gone == Saved(new=0, changed=1, same=0)
        assert [record.ref for record in queries.records(scope)] == ["B"]
        assert save(scope, own("A")) == Saved(new=0, changed=1, same=0)
        assert [record.version for record in queries.history(scope, "A")] == [3, 2, 1]

    def test_one_that_is_not_there_is_not_taken_back(self) -> None:
        scope = merchant()
        save(scope, own("A"))
        with pytest.raises(NotFound):
            own_records.withdraw(scope=scope, refs=["A", "Z"], by=BY, now=noon(), source="upload")
        assert len(queries.records(scope)) == 1

    def test_every_scope_has_its_own(self) -> None:
        ours, theirs = merchant(), merchant("남")
        save(ours, own("A"))
        assert save(theirs, own("A")) == Saved(new=1, changed=0, same=0)
        assert save(Scope(ours.merchant_id, is_test=True), own("A")) == Saved(new=1, changed=0, same=0)
        assert len(queries.records(ours)) == 1

    def test_text_that_copy_would_take_for_its_own_comes_back_as_it_was(self) -> None:
        scope = merchant()
        name = 'a\tb\\N\\.\n"c",\r\nd'
        save(scope, own("\\N", customer_name=name))
        (record,) = queries.records(scope)
        assert (record.ref, record.customer_name) == ("\\N", name)


class TestRefusals:
    @pytest.mark.parametrize(
        ("records", "field", "place"),
        [
            ([own("A"), own("")], "ref", 2),
            ([own("A"), own("B", 1, kind=None)], "kind", 2),
            ([own("A", kind=Kind.STRIPE_PAYOUT)], "kind", 1),
            ([own("A"), own("B", 1), own("A")], "ref", 3),
        ],
    )
    def test_one_wrong_record_keeps_all_out(self, records: list[OwnRecord], field: str, place: int) -> None:
        scope = merchant()
        with pytest.raises(InvalidRequest) as refused:
            save(scope, *records)
        assert (refused.value.facts["field"], refused.value.facts["record"]) == (field, place)
        assert not BillingRecord.objects.exists()


class TestLocks:
    @pytest.mark.parametrize(
        "days", [MAY, (date(2024, 5, 31), date(2024, 6, 1)), (date(2024, 4, 1), date(2024, 5, 1)), (None, None)]
    )
    def test_nothing_comes_into_locked_days(self, days: tuple[date | None, date | None]) -> None:
        scope = merchant()
        lock_may(scope)
        with pytest.raises(PeriodLocked):
            save(scope, dated("J", JUNE), dated("A", days))
        assert not BillingRecord.objects.exists()

    def test_nothing_leaves_locked_days_or_changes_in_them(self) -> None:
        scope = merchant()
        save(scope, dated("A", MAY))
        lock_may(scope)
        for changed in (dated("A", JUNE), dated("A", MAY, "1")):
            with pytest.raises(PeriodLocked):
                save(scope, changed)
        with pytest.raises(PeriodLocked):
            own_records.withdraw(scope=scope, refs=["A"], by=BY, now=noon(), source="upload")
        assert save(scope, dated("A", MAY)) == Saved(new=0, changed=0, same=1)

    def test_other_days_and_other_merchants_are_open(self) -> None:
        scope = merchant()
        lock_may(scope)
        save(scope, dated("J", JUNE))
        save(merchant("남"), dated("A", MAY))
        assert BillingRecord.objects.count() == 2

    def test_days_may_be_opened_again(self) -> None:
        scope = merchant()
        lock = lock_may(scope)
        assert lock_may(scope) == lock
        for _twice in range(2):
            own_records.open_period(scope=scope, lock_id=lock, by=BY, now=noon())
        assert list(queries.locks(scope)) == []
        assert save(scope, dated("A", MAY)).new == 1
        with pytest.raises(NotFound):
            own_records.open_period(scope=merchant("남"), lock_id=lock, by=BY, now=noon())


class TestLaws:
    @pytest.mark.parametrize("change", ["subtotal = 1", "is_current = true", "version = 7", "ref = 'x'"])
    def test_a_version_stays(self, change: str) -> None:
        scope = merchant()
        save(scope, own("A"))
        save(scope, own("A", subtotal="1"))
        with pytest.raises(IntegrityError) as refused, transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"update reconciliation_billingrecord set {change} where version = 1")  # noqa: S608 - a literal of this test
        assert refused_by(refused.value) == "reconciliation_record_stays"

    @pytest.mark.parametrize("table", ["billingrecord", "periodlock"])
    def test_nothing_is_deleted(self, table: str) -> None:
        scope = merchant()
        save(scope, own("A"))
        lock_may(scope)
        with (
            pytest.raises(DatabaseError, match="permission denied"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(f"delete from reconciliation_{table}")  # noqa: S608 - a literal of this test

"""Protects that money lies where its status says, and that what is taken back leaves the books as if it never was."""

import pytest

from access.roles import Role
from core.errors import DomainError
from core.scope import Scope
from ledger.models import Journal
from settlement import claims
from settlement.models import (
    AccountStatus,
    HoldReason,
    Partner,
    PartnerSettlement,
    PayoutRef,
    RecordState,
    SettlementRecord,
    SettlementState,
)
from settlement.operations import holding
from settlement.operations.records import DiscountDraft, void_record
from tests import build

pytestmark = pytest.mark.django_db
NOW = build.noon("2023-09-01")
DUE = "2023-08-31"


@pytest.fixture
def shop() -> Scope:
    """Give a merchant with one partner."""
    scope = build.merchant()
    build.partner(scope)
    return scope


def status_of(row: PartnerSettlement) -> str:
    shown = claims.with_status(PartnerSettlement.objects.filter(pk=row.pk)).values_list("status", flat=True)
    return str(shown.get())


def hold(row: PartnerSettlement, reason: HoldReason) -> None:
    holding.keep(settlements=claims.lock(row.scope, [row.pk]), reason=reason, by=build.BY, now=NOW)


def claim(scope: Scope, row: PartnerSettlement, status: str = "CONFIRMED") -> None:
    ref = PayoutRef.objects.create(**scope.filters(), public_id="po-1", bulk_public_id="bp-1", status=status)
    claims.claim(scope=scope, taken={ref.pk: claims.lock(scope, [row.pk])})


class TestMoney:
    def test_keeping_and_freeing_moves_what_was_gained(self, shop: Scope) -> None:
        build.manual(shop, 5_000)
        row = build.settlement_of(build.manual(shop, -7_000))

        hold(row, HoldReason.OPERATOR)
        assert build.money(shop) == {"held": 5_000, "receivable": 7_000}
        holding.free(settlements=claims.lock(shop, [row.pk]), by=build.BY, now=NOW)
        assert build.money(shop) == {"available": 5_000, "receivable": 7_000}

        row.refresh_from_db()
        assert (row.hold_no, row.hold_reason) == (2, "")
        keys = Journal.objects.filter(event_key__startswith="hold:").order_by("pk").values_list("event_key", flat=True)
        assert list(keys) == [f"hold:{row.public_id}:1", f"hold:{row.public_id}:2"]
        assert build.off_balance(shop) == 0

    def test_a_new_reason_moves_nothing(self, shop: Scope) -> None:
        row = build.settled(shop, 5_000)
        hold(row, HoldReason.OPERATOR)
        hold(row, HoldReason.COMPLIANCE)

        row.refresh_from_db()
        assert (row.hold_no, row.hold_reason) == (1, HoldReason.COMPLIANCE)
        assert build.money(shop) == {"held": 5_000}

    def test_freeing_what_is_free_does_nothing(self, shop: Scope) -> None:
        row = build.settled(shop, 5_000)
        holding.free(settlements=claims.lock(shop, [row.pk]), by=build.BY, now=NOW)

        row.refresh_from_db()
        assert row.hold_no == 0


class TestDecisions:
    def test_every_allowed_way(self, shop: Scope) -> None:
        row = build.settled(shop, 5_000)
        for verb, status, account in (
            (holding.withhold, "PAYOUT_WITHHELD", "held"),
            (holding.prepare, "PAYOUT_PREPARED", "available"),
            (holding.exclude, "PAYOUT_EXCLUDED", "held"),
            (holding.withhold, "PAYOUT_WITHHELD", "held"),
            (holding.exclude, "PAYOUT_EXCLUDED", "held"),
            (holding.restore, "PAYOUT_PREPARED", "available"),
        ):
            verb(scope=shop, by=build.BY, now=NOW, public_ids=[row.public_id], memo=f"to {status}")
            row.refresh_from_db()
            assert status_of(row) == status
            assert row.memo == f"to {status}"
            assert build.money(shop) == {account: 5_000}
        assert build.off_balance(shop) == 0

    def test_what_is_not_allowed_is_refused_and_nothing_moves(self, shop: Scope) -> None:
        row, other = build.settled(shop, 5_000), build.settled(shop, 100, settlement_date="2023-08-12")
        holding.exclude(scope=shop, by=build.BY, now=NOW, public_ids=[other.public_id])
        both = [row.public_id, other.public_id]
        for verb, ids in ((holding.exclude, both), (holding.restore, both), (holding.prepare, [row.public_id])):
            with pytest.raises(holding.StatusNotAllowed):
                verb(scope=shop, by=build.BY, now=NOW, public_ids=ids)
        assert build.money(shop) == {"available": 5_000, "held": 100}

    def test_a_row_in_a_payout_is_left_alone(self, shop: Scope) -> None:
        row = build.settled(shop, 5_000)
        claim(shop, row)
        for verb in (holding.withhold, holding.exclude, holding.prepare, holding.restore):
            with pytest.raises(holding.StatusNotAllowed):
                verb(scope=shop, by=build.BY, now=NOW, public_ids=[row.public_id])

    def test_an_unknown_id_is_named(self, shop: Scope) -> None:
        other = build.merchant("햇살상회")
        build.partner(other)
        foreign = build.settled(other, 1)
        with pytest.raises(DomainError) as caught:
            holding.withhold(scope=shop, by=build.BY, now=NOW, public_ids=[foreign.public_id])
        assert caught.value.code == "PLATFORM_PARTNER_SETTLEMENTS_NOT_FOUND"
        assert caught.value.facts["ids"] == [foreign.public_id]

    def test_a_hold_for_the_account_ends_when_the_account_is_good(self, shop: Scope) -> None:
        row = build.settled(shop, 5_000)
        holding.withhold(scope=shop, by=build.BY, now=NOW, public_ids=[row.public_id])
        hold(row, HoldReason.ACCOUNT)
        Partner.objects.update(account_status=AccountStatus.VERIFY_FAILED)

        with pytest.raises(holding.StillHeld):
            holding.prepare(scope=shop, by=build.BY, now=NOW, public_ids=[row.public_id])
        Partner.objects.update(account_status=AccountStatus.VERIFIED)
        holding.prepare(scope=shop, by=build.BY, now=NOW, public_ids=[row.public_id])
        assert build.money(shop) == {"available": 5_000}

    def test_a_compliance_hold_is_lifted_by_an_approver_only(self, shop: Scope) -> None:
        row = build.settled(shop, 5_000)
        holding.withhold(scope=shop, by=build.BY, now=NOW, public_ids=[row.public_id])
        hold(row, HoldReason.COMPLIANCE)

        for who in (build.BY, build.person(shop, "operator", Role.OPERATOR)):
            with pytest.raises(holding.StillHeld):
                holding.prepare(scope=shop, by=who, now=NOW, public_ids=[row.public_id])
        approver = build.person(shop, "approver", Role.APPROVER)
        holding.prepare(scope=shop, by=approver, now=NOW, public_ids=[row.public_id])
        assert build.money(shop) == {"available": 5_000}


class TestVoidingARecord:
    def void(self, scope: Scope, record: SettlementRecord) -> None:
        void_record(scope=scope, by=build.BY, now=NOW, public_id=record.public_id)

    def test_before_its_settlement_date(self, shop: Scope) -> None:
        build.share(shop)
        record = build.order(shop, discounts=[DiscountDraft("half", 2_000)])

        self.void(shop, record)

        record.refresh_from_db()
        assert record.state == RecordState.VOIDED
        assert build.money(shop) == {}
        original, mirror = Journal.objects.order_by("pk")
        assert (mirror.reverses_id, mirror.event_key) == (original.pk, f"void:{record.public_id}")
        assert build.off_balance(shop) == 0

    def test_before_its_start_date_there_is_nothing_to_mirror(self, shop: Scope) -> None:
        self.void(shop, build.order(shop, start="2023-09-02"))

        assert not Journal.objects.exists()

    def test_settled_money_leaves_the_account_it_is_on(self, shop: Scope) -> None:
        first, second = build.order(shop, on=DUE), build.order(shop, on=DUE, start="2023-08-20")

        self.void(shop, first)

        row = build.settlement_of(second)
        assert (row.net, row.record_count, row.start_from) == (8_900, 1, build.day("2023-08-20"))
        assert build.money(shop) == {"available": 8_900}
        holding.withhold(scope=shop, by=build.BY, now=NOW, public_ids=[row.public_id])
        self.void(shop, second)
        row.refresh_from_db()
        assert (row.state, row.record_count, row.net) == (SettlementState.VOIDED, 0, 0)
        assert build.money(shop) == {}
        assert build.off_balance(shop) == 0

    def test_a_cancel_gives_its_receivable_back(self, shop: Scope) -> None:
        order = build.order(shop)
        cancel = build.cancel(shop, order, 5_000)

        self.void(shop, cancel)

        assert build.money(shop) == {"pending": 8_900}
        assert build.cancel(shop, order, number=cancel.cancellation_id).settlement == 8_900

    def test_an_order_with_a_cancel_stays(self, shop: Scope) -> None:
        order = build.order(shop)
        build.cancel(shop, order, 5_000)

        with pytest.raises(DomainError) as caught:
            self.void(shop, order)
        assert (caught.value.code, caught.value.status) == ("PLATFORM_CANCEL_ORDER_TRANSFERS_EXISTS", 400)

    def test_a_record_in_a_payout_stays(self, shop: Scope) -> None:
        record = build.manual(shop, 100)
        claim(shop, build.settlement_of(record))

        with pytest.raises(DomainError) as caught:
            self.void(shop, record)
        assert (caught.value.code, caught.value.status) == ("PLATFORM_TRANSFER_NON_DELETABLE_STATUS", 400)

    def test_a_voided_record_is_gone(self, shop: Scope) -> None:
        record = build.order(shop, payment_id="pay-1")
        self.void(shop, record)

        for attempt in (lambda: self.void(shop, record), lambda: build.cancel(shop, record)):
            with pytest.raises(DomainError) as caught:
                attempt()
            assert (caught.value.code, caught.value.status) == ("PLATFORM_TRANSFER_NOT_FOUND", 404)
        assert build.order(shop, payment_id="pay-1").state == RecordState.IN_PROCESS


class TestDeletingPartnerSettlements:
    def test_takes_all_records_with_it(self, shop: Scope) -> None:
        order = build.order(shop, on=DUE)
        cancel = build.cancel(shop, order, 5_000, on=DUE)
        rows = [build.settlement_of(order), build.settlement_of(cancel)]
        holding.withhold(scope=shop, by=build.BY, now=NOW, public_ids=[rows[0].public_id])

        holding.delete(scope=shop, by=build.BY, now=NOW, public_ids=[row.public_id for row in rows])

        assert set(PartnerSettlement.objects.values_list("state", flat=True)) == {"VOIDED"}
        assert set(SettlementRecord.objects.values_list("state", flat=True)) == {"VOIDED"}
        assert build.money(shop) == {}
        assert build.off_balance(shop) == 0

    def test_is_refused_while_a_cancel_lies_elsewhere(self, shop: Scope) -> None:
        order = build.order(shop, on=DUE)
        cancel = build.cancel(shop, order, 5_000, on=DUE)

        with pytest.raises(DomainError) as caught:
            holding.delete(scope=shop, by=build.BY, now=NOW, public_ids=[build.settlement_of(order).public_id])
        assert caught.value.code == "PLATFORM_REFERENCED_CANCEL_ORDER_TRANSFERS_EXIST"
        assert caught.value.facts == {"ids": [cancel.public_id]}

    def test_is_refused_in_a_payout(self, shop: Scope) -> None:
        row = build.settled(shop, 100)
        claim(shop, row)

        with pytest.raises(DomainError) as caught:
            holding.delete(scope=shop, by=build.BY, now=NOW, public_ids=[row.public_id])
        assert caught.value.code == "PLATFORM_NON_DELETABLE_PARTNER_SETTLEMENTS"
        assert caught.value.facts["ids"] == [row.public_id]
        assert len(caught.value.facts["graphqlIds"]) == 1  # type: ignore[arg-type] # a list

    def test_an_unknown_one_is_named(self, shop: Scope) -> None:
        with pytest.raises(DomainError) as caught:
            holding.delete(scope=shop, by=build.BY, now=NOW, public_ids=["ps-none"])
        assert caught.value.code == "PLATFORM_PARTNER_SETTLEMENTS_NOT_FOUND"

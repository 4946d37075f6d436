"""Protects the money on its way out: approved by another, sent once, resolved by inquiry, given back when it fails."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from django.db import IntegrityError, OperationalError, connection, connections, transaction

from core import clock
from ledger import queries as books
from ledger.accounts import Address
from ledger.chart import Code
from ledger.posting import refused_by
from payouts import queries
from payouts.models import (
    Approval,
    Attempt,
    BankAccount,
    BankEvent,
    BulkPayout,
    BulkStatus,
    Decision,
    Payout,
    PayoutStatus,
)
from payouts.operations import approval, building, dispatch, running, statements
from settlement import claims
from settlement.models import PartnerSettlement, PartnerType
from tests.payouts.world import CHECKER, MAKER, SECOND_CHECKER, World, later, world


@pytest.fixture
def here(committed_db: str, tmp_path: Path) -> Iterator[World]:  # noqa: ARG001 - the world lives in it
    with world(tmp_path) as made:
        yield made
        assert books.broken_invariants() == []
        assert sum(row.balance for row in books.trial_balance(made.scope)) == 0


def status(here: World, partner: str) -> str:
    row = claims.with_status(PartnerSettlement.objects.within(here.scope)).get(partner__public_id=partner)
    return row.status


class TestTheWholeWay:
    def test_a_partner_is_paid_once_and_every_stage_is_an_account(self, here: World) -> None:
        here.partner("acme", kind=PartnerType.WHT_PAYER)
        here.owe("acme", 1_000_000)
        assert here.balance(Code.PARTNER_AVAILABLE) == 1_000_000

        bulk = here.build()
        assert (bulk.status, bulk.payout_count, bulk.total_amount) == (BulkStatus.PREPARED, 1, 967_000)
        assert here.balance(Code.PARTNER_RESERVED) == 1_000_000
        assert status(here, "acme") == "CONFIRMED"

        here.approve(here.submit(bulk))
        assert here.send() == 1

        payout = here.payout("acme")
        assert payout.status == PayoutStatus.SUCCEEDED
        assert status(here, "acme") == "PAID_OUT"
        assert list(here.witness().values()) == [967_000]
        assert here.balance(Code.PARTNER_RESERVED) == here.balance(Code.PAYOUT_IN_TRANSIT) == 0
        month = f"{clock.today():%Y-%m}"
        assert books.balance(here.scope, Address(Code.WITHHELD_INCOME_TAX, month)) == 30_000
        assert books.balance(here.scope, Address(Code.WITHHELD_LOCAL_TAX, month)) == 3_000
        assert books.balance(here.scope, Address(Code.BANK, "main")) == 1_000_000_000 - 967_000
        assert queries.find_bulk(here.scope, bulk.public_id).status == BulkStatus.COMPLETED

    def test_negative_settlements_are_netted_and_repaid(self, here: World) -> None:
        here.partner("acme")
        here.owe("acme", 50_000)
        here.owe("acme", -20_000, on=clock.today() - timedelta(days=1))
        assert here.balance(Code.PARTNER_RECEIVABLE) == 20_000

        here.approved()
        here.send()

        assert list(here.witness().values()) == [30_000]
        assert here.balance(Code.PARTNER_RECEIVABLE) == 0

    def test_a_partner_who_owes_more_than_is_due_is_skipped_with_the_reason(self, here: World) -> None:
        here.partner("acme")
        here.partner("beta")
        here.owe("acme", -20_000)
        here.owe("beta", 10_000)

        bulk = here.build()

        assert bulk.payout_count == 1
        assert [(row["partner"], row["reason"]) for row in bulk.skipped] == [("acme", "NEGATIVE")]
        assert status(here, "acme") == "PAYOUT_PREPARED"

    def test_nothing_to_pay_succeeds_without_the_bank(self, here: World) -> None:
        here.partner("acme")
        here.owe("acme", 5_000)
        here.owe("acme", -5_000, on=clock.today() - timedelta(days=1))

        here.approved()
        here.send()

        assert here.payout("acme").status == PayoutStatus.SUCCEEDED
        assert here.witness() == {}
        assert here.balance(Code.PARTNER_RECEIVABLE) == 0


class TestApproval:
    @pytest.fixture
    def bulk(self, here: World) -> BulkPayout:
        here.partner("acme")
        here.owe("acme", 10_000)
        return here.submit(here.build())

    def test_the_maker_cannot_approve(self, here: World, bulk: BulkPayout) -> None:
        with pytest.raises(approval.OwnBulkPayout):
            here.approve(bulk, by=MAKER)

    def test_the_database_refuses_it_too(self, bulk: BulkPayout) -> None:
        with pytest.raises(IntegrityError) as caught:
            Approval.objects.create(
                bulk_payout=bulk,
                content_hash=bulk.content_hash,
                approver_id=MAKER.user_id or 0,
                approver_name="x",
                decision="APPROVED",
                decided_at=clock.now(),
            )
        assert refused_by(caught.value) == "payouts_another_person_approves"

    def test_nothing_starts_without_approval(self, here: World, bulk: BulkPayout) -> None:
        assert here.send() == 0
        for new in ("APPROVED", "ONGOING"):
            with pytest.raises(IntegrityError), transaction.atomic():
                type(bulk).objects.filter(pk=bulk.pk).update(status=new)
        with pytest.raises(IntegrityError) as caught, transaction.atomic():
            running.new_attempt(here.payout("acme"), 1, "simulator", clock.now()).save()
        assert refused_by(caught.value) == "payouts_attempt_is_approved"

    def test_any_change_voids_the_approval(self, here: World, bulk: BulkPayout) -> None:
        here.approve(bulk)
        building.change_details(
            scope=here.scope, bulk_id=bulk.public_id, by=MAKER, now=clock.now(), deposit_memo="다른 메모"
        )

        changed = queries.find_bulk(here.scope, bulk.public_id)
        assert changed.status == BulkStatus.PREPARED
        assert changed.content_hash != bulk.content_hash
        assert here.send() == 0
        with pytest.raises(approval.ContentChanged):
            approval.submit(
                scope=here.scope, bulk_id=bulk.public_id, seen_hash=bulk.content_hash, by=MAKER, now=clock.now()
            )

    def test_an_approved_payout_cannot_be_changed_behind_the_back(self, here: World, bulk: BulkPayout) -> None:
        here.approve(bulk)

        with pytest.raises(IntegrityError) as caught, transaction.atomic():
            Payout.objects.filter(bulk_payout=bulk).update(account_fingerprint="f" * 64)
        assert refused_by(caught.value) == "payouts_payout_content_frozen"

    def test_a_rejected_content_needs_all_its_approvals_again(self, here: World, bulk: BulkPayout) -> None:
        approval.decide(
            scope=here.scope,
            bulk_id=bulk.public_id,
            seen_hash=bulk.content_hash,
            decision=Decision.REJECTED,
            by=CHECKER,
            now=clock.now(),
            reason="금액 확인",
        )
        again = queries.find_bulk(here.scope, bulk.public_id)
        assert again.status == BulkStatus.PREPARED
        assert here.balance(Code.PARTNER_RESERVED) == 10_000
        here.approve(here.submit(again))
        assert here.send() == 1

    def test_two_people_above_the_limit(self, here: World) -> None:
        here.partner("big")
        here.owe("big", 100_000_001)
        bulk = here.submit(here.build())

        assert here.approve(bulk).status == BulkStatus.PENDING_APPROVAL
        with pytest.raises(approval.AlreadyDecided):
            here.approve(bulk)
        assert here.approve(bulk, by=SECOND_CHECKER).status == BulkStatus.APPROVED

    def test_funds_are_checked_at_approval(self, here: World) -> None:
        here.partner("big")
        here.owe("big", 2_000_000_000)
        bulk = here.submit(here.build())

        with pytest.raises(approval.FundsTooLow) as caught:
            here.approve(bulk)
        assert caught.value.facts["missing"] == 1_000_000_000

    def test_approvals_expire(self, here: World, bulk: BulkPayout) -> None:
        assert approval.expire_due(clock.now() + timedelta(hours=73)) == 1
        assert queries.find_bulk(here.scope, bulk.public_id).status == BulkStatus.PREPARED

    def test_cancelling_gives_everything_back(self, here: World, bulk: BulkPayout) -> None:
        building.cancel_bulk_payout(scope=here.scope, bulk_id=bulk.public_id, by=MAKER, now=clock.now())

        assert here.balance(Code.PARTNER_AVAILABLE) == 10_000
        assert status(here, "acme") == "CANCELLED"
        assert here.build().payout_count == 1


class TestUnclearAnswers:
    def test_a_lost_answer_is_resolved_by_inquiry_and_never_sent_again(self, here: World) -> None:
        here.partner("acme")
        here.owe("acme", 10_000)
        here.approved()
        here.bank.faults({"match": {"call": "transfer"}, "effect": "timeout_after", "probability": 1, "count": 1})

        here.send()
        assert here.payout("acme").status == PayoutStatus.UNKNOWN
        assert here.balance(Code.PAYOUT_IN_TRANSIT) == 10_000
        later(3600)
        assert here.send() == 0, "unknown is never sent again"
        assert here.ask() == 1

        assert here.payout("acme").status == PayoutStatus.SUCCEEDED
        assert len(here.witness()) == 1

    def test_what_the_bank_never_got_goes_out_again_under_the_same_reference(self, here: World) -> None:
        here.partner("acme")
        here.owe("acme", 10_000)
        here.approved()
        here.bank.faults({"match": {"call": "transfer"}, "effect": "timeout_before", "probability": 1, "count": 1})

        here.send()
        reference = Attempt.objects.get().reference
        later(3600)
        here.ask()
        assert here.payout("acme").status == PayoutStatus.UNKNOWN, "one 'not found' proves nothing"
        later(3600)
        here.ask()
        later(3600)
        here.send()

        assert here.payout("acme").status == PayoutStatus.SUCCEEDED
        assert list(here.witness()) == [reference]
        assert Attempt.objects.get().submission_no == 2

    def test_a_bank_that_cannot_be_reached_got_nothing(self, here: World) -> None:
        here.partner("acme")
        here.owe("acme", 10_000)
        here.approved()
        here.bank.kill()
        here.send()

        assert here.payout("acme").status == PayoutStatus.PREPARED
        assert Attempt.objects.get().state == "CREATED"
        assert here.balance(Code.PAYOUT_IN_TRANSIT) == 0
        assert here.balance(Code.PARTNER_RESERVED) == 10_000

    def test_a_worker_that_dies_after_the_point_of_no_return_leaves_unknown(self, here: World) -> None:
        here.partner("acme")
        here.owe("acme", 10_000)
        here.approved()
        running.start_due(clock.now())
        claimed = dispatch.claim(rail_name="simulator", worker="dies", limit=5, now=clock.now())
        ready = dispatch.pass_point_of_no_return(claimed, clock.now())
        dispatch.call(ready)

        later(3600)
        assert dispatch.expire_leases(clock.now()) == 1
        assert here.payout("acme").status == PayoutStatus.UNKNOWN
        here.ask()

        assert here.payout("acme").status == PayoutStatus.SUCCEEDED
        assert len(here.witness()) == 1

    def test_a_worker_that_dies_before_it_leaves_the_attempt_free(self, here: World) -> None:
        here.partner("acme")
        here.owe("acme", 10_000)
        here.approved()
        running.start_due(clock.now())
        dispatch.claim(rail_name="simulator", worker="dies", limit=5, now=clock.now())

        later(3600)
        assert dispatch.expire_leases(clock.now()) == 1
        assert here.send() == 1
        assert here.payout("acme").status == PayoutStatus.SUCCEEDED

    def test_money_in_transit_is_that_of_its_own_account(self, here: World) -> None:
        here.partner("acme")
        here.owe("acme", 10_000)
        here.approved()
        here.bank.faults({"match": {"call": "transfer"}, "effect": "timeout_before", "count": 1})
        here.send()
        assert queries.funds(here.account).in_transit == 10_000

        other = BankAccount.objects.create(
            **here.scope.filters(), public_id="other", name="다른 계좌", bank="IBK", number_sealed=b"", rail="simulator"
        )
        assert queries.funds(other).in_transit == queries.spendable(other) == 0

    def test_taking_back_a_lease_never_undoes_a_submission(self, here: World) -> None:
        here.partner("acme")
        here.owe("acme", 10_000)
        here.approved()
        running.start_due(clock.now())
        dispatch.claim(rail_name="simulator", worker="slow", limit=5, now=clock.now())
        later(3600)
        worker, went_on = connections.create_connection("default"), list[int]()

        def meanwhile(execute: Any, sql: str, *given: Any) -> Any:
            """Right after the leases were looked at, let the worker pass its point of no return, if it still can."""
            answer = execute(sql, *given)
            if "lease_until" in sql and not went_on:
                with worker.cursor() as cursor:
                    cursor.execute("set lock_timeout = '200ms'")
                    try:
                        cursor.execute(
                            "update payouts_attempt set state = 'SUBMITTING', lease_until = now() + interval '1 hour'"
                            " where state = 'CLAIMED'"
                        )
                        went_on.append(cursor.rowcount)
                    except OperationalError:
                        went_on.append(0)
            return answer

        with connection.execute_wrapper(meanwhile):
            dispatch.expire_leases(clock.now())
        worker.close()
        assert Attempt.objects.get().state == ("SUBMITTING" if went_on[0] else "CREATED")

    def test_a_frozen_worker_that_wakes_up_late_cannot_send(self, here: World) -> None:
        here.partner("acme")
        here.owe("acme", 10_000)
        here.approved()
        running.start_due(clock.now())
        frozen = dispatch.claim(rail_name="simulator", worker="frozen", limit=5, now=clock.now())
        later(3600)
        dispatch.expire_leases(clock.now())
        here.send()

        assert dispatch.pass_point_of_no_return(frozen, clock.now()) == []
        assert len(here.witness()) == 1


class TestRefusals:
    def test_a_closed_account_fails_and_holds_the_money(self, here: World) -> None:
        here.partner("acme", number="11000000000415")
        here.owe("acme", 10_000)
        here.approved()
        here.send()

        payout = here.payout("acme")
        assert (payout.status, payout.fail_code) == (PayoutStatus.FAILED, "415")
        assert payout.fail_reason
        assert here.balance(Code.PARTNER_HELD) == 10_000
        assert status(here, "acme") == "PAYOUT_FAILED"
        assert BankEvent.objects.filter(attempt__payout=payout, outcome="FAILED", applied=True).count() == 1

    def test_a_technical_refusal_is_tried_again_as_a_new_attempt(self, here: World) -> None:
        here.partner("acme")
        here.owe("acme", 10_000)
        here.approved()
        here.bank.faults({"match": {"call": "transfer"}, "effect": "refuse", "probability": 1, "count": 1})
        here.send()
        assert here.payout("acme").status == PayoutStatus.PREPARED
        later(3600)
        here.send()

        assert here.payout("acme").status == PayoutStatus.SUCCEEDED
        assert Attempt.objects.filter(payout=here.payout("acme")).count() == 2
        assert len(here.witness()) == 1

    def test_money_that_comes_back_is_returned_once_and_payable_again(self, here: World) -> None:
        here.partner("acme", kind=PartnerType.WHT_PAYER)
        here.owe("acme", 1_000_000)
        here.approved()
        here.bank.faults({"match": {"call": "transfer"}, "effect": "return_after", "probability": 1, "seconds": 0})
        here.send()
        found = 0
        for _try in range(200):
            BankAccount.objects.update(statement_checked_at=None)
            found += statements.read_statements(now=clock.now())
            if found:
                break

        assert found == 1
        assert here.payout("acme").status == PayoutStatus.RETURNED
        assert here.balance(Code.PARTNER_HELD) == 1_000_000
        month = f"{clock.today():%Y-%m}"
        assert books.balance(here.scope, Address(Code.WITHHELD_INCOME_TAX, month)) == 0
        BankAccount.objects.update(statement_checked_at=None)
        assert statements.read_statements(now=clock.now()) == 0

    def test_one_that_somebody_holds_is_passed_over_and_others_wait_their_turn(self, here: World) -> None:
        here.owe_many(2)
        rows = PartnerSettlement.objects.within(here.scope).order_by("pk")
        first, second = (here.approve(here.submit(here.build([row.pk]))) for row in rows)
        held, let_go = Event(), Event()

        def hold() -> None:
            with transaction.atomic():
                queries.lock_bulk(here.scope, first.public_id)
                held.set()
                let_go.wait(30)
            connections.close_all()

        holder = Thread(target=hold)
        holder.start()
        held.wait(30)
        assert running.start_due(clock.now()) == 0, "nobody waits for a lock, and the second one has to wait its turn"
        let_go.set()
        holder.join()

        assert running.start_due(clock.now()) == 1
        assert queries.find_bulk(here.scope, first.public_id).status == BulkStatus.ONGOING
        assert running.start_due(clock.now()) == 0
        assert queries.find_bulk(here.scope, second.public_id).status == BulkStatus.APPROVED
        assert here.send() == 1
        running.advance_all(clock.now())
        assert running.start_due(clock.now()) == 1

    def test_what_is_paid_again_names_what_it_stands_for(self, here: World) -> None:
        here.partner("acme")
        here.owe("acme", 10_000)
        here.approved()
        here.bank.faults({"match": {"call": "transfer"}, "effect": "fail", "code": "415", "count": 1})
        here.send()
        failed = here.payout("acme")
        assert failed.status == PayoutStatus.FAILED

        here.approved()
        here.send()

        again = here.payout("acme")
        assert (again.status, again.replaces_id) == (PayoutStatus.SUCCEEDED, failed.pk)

    def test_stopping_frees_what_was_not_taken_up(self, here: World) -> None:
        here.owe_many(3)
        bulk = here.approved()
        running.start_due(clock.now())
        dispatch.send_due(now=clock.now(), limit=1)

        assert running.stop(scope=here.scope, bulk_id=bulk.public_id, by=MAKER, now=clock.now()) == 2
        running.advance(scope=here.scope, bulk_id=bulk.public_id, now=clock.now())

        states = sorted(Payout.objects.values_list("status", flat=True))
        assert states == ["STOPPED", "STOPPED", "SUCCEEDED"]
        assert queries.find_bulk(here.scope, bulk.public_id).status == BulkStatus.COMPLETED
        assert len(here.witness()) == 1


class TestLaws:
    def test_a_settlement_cannot_be_in_two_payouts(self, here: World) -> None:
        here.partner("acme")
        here.owe("acme", 10_000)
        here.build()

        with pytest.raises(claims.NotClaimable):
            here.build()

    def test_an_impossible_move_is_refused(self, here: World) -> None:
        here.partner("acme")
        here.owe("acme", 10_000)
        here.approved()
        here.send()

        for new in ("CONFIRMED", "FAILED", "PREPARED", "CANCELLED"):
            with pytest.raises(IntegrityError), transaction.atomic():
                Payout.objects.update(status=new)

    def test_claims_are_released_only_after_an_unpaid_end(self, here: World) -> None:
        here.partner("acme")
        here.owe("acme", 10_000)
        here.approved()
        here.send()

        with pytest.raises(IntegrityError) as caught, transaction.atomic():
            claims.release(payouts=[here.payout("acme").pk], reason="x", now=clock.now())
        assert refused_by(caught.value) == "payouts_release_after_end"

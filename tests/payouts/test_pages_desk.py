"""Promise: what the bank does not say is decided by two people, and what is stopped or paid by hand says so."""

import csv
import io
from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse

from core import clock, jobs
from payouts import queries
from payouts.forecast import forecast
from payouts.models import (
    Attempt,
    BulkPayout,
    BulkStatus,
    DecisionState,
    DispatchStop,
    HandDecision,
    PayoutMethod,
    PayoutStatus,
)
from payouts.operations import approval, building, replacing
from payouts.pages import review
from settlement.models import Partner, PartnerSettlement
from settlement.operations.records import ManualRow, record_manual
from tests import build
from tests.payouts.test_pages import CLOSED, DETAILS, NO_ANSWER, SETUP, SUCCEEDED, Shop, choice, seen, shop, text_of

EVIDENCE = "국민은행 상담원 확인, 거래 번호 88231"


@pytest.fixture
def here(db: None) -> Shop:  # noqa: ARG001 - needs tables
    return shop()


@pytest.fixture
def unclear(here: Shop) -> Shop:
    """A payout the bank gave no clear answer about."""
    here.sent(here.approved("acme"), {"acme": NO_ANSWER})
    return here


def case(here: Shop, who: str = "maker") -> Any:
    return here.get("case", here.payout("acme").public_id, who=who)


def propose(here: Shop, who: str = "maker", **values: str) -> Any:
    posted = {"outcome": "SUCCEEDED", "executed_on": clock.today().isoformat(), "evidence": EVIDENCE} | values
    return here.browser(who).post(reverse("payouts:case", args=[here.payout("acme").public_id]), posted)


def decide(here: Shop, verb: str, who: str, **values: str) -> Any:
    decision = HandDecision.objects.latest("pk")
    return here.browser(who).post(reverse(f"payouts:decision-{verb}", args=[decision.public_id]), values)


class TestDesk:
    def test_the_case_shows_what_was_heard_and_what_is_safe_when(self, unclear: Shop) -> None:
        listed = unclear.get("unknown", "")
        assert reverse("payouts:case", args=[unclear.payout("acme").public_id]) in listed.content.decode()

        words = text_of(case(unclear))

        assert "********4567" in words, "the bank's answer, its account hidden"
        for action in ("은행에 지금 물어보기", "지급된 것으로 정하기", "같은 번호로 다시 보내기"):
            assert action in words

    def test_an_operator_proposes_and_an_approver_confirms_with_a_code(self, unclear: Shop) -> None:
        assert propose(unclear).status_code == 302
        assert unclear.payout("acme").status == PayoutStatus.UNKNOWN, "one person decides nothing"
        assert "확인을 기다리는 결과" in text_of(unclear.get("unknown", "", who="checker"))
        asked = unclear.get("decision-confirm", HandDecision.objects.get().public_id, who="checker")
        assert EVIDENCE in text_of(asked)

        answer = decide(unclear, "confirm", "checker")

        assert answer.status_code == 302
        assert unclear.payout("acme").status == PayoutStatus.SUCCEEDED
        story = text_of(unclear.get("payout", unclear.payout("acme").public_id))
        assert "직접 확인한 결과를 올렸어요" in story
        assert EVIDENCE in story

    def test_nobody_confirms_what_they_proposed(self, unclear: Shop) -> None:
        propose(unclear)
        assert decide(unclear, "confirm", "maker").status_code == 403
        assert decide(unclear, "withdraw", "maker").status_code == 302
        assert HandDecision.objects.get().state == DecisionState.WITHDRAWN
        assert unclear.payout("acme").status == PayoutStatus.UNKNOWN

    def test_an_approver_proposes_nothing_and_a_viewer_only_looks(self, unclear: Shop) -> None:
        assert propose(unclear, "checker").status_code == 403
        assert propose(unclear, "viewer").status_code == 403
        ask = reverse("payouts:case-ask", args=[unclear.payout("acme").public_id])
        assert unclear.browser("viewer").post(ask).status_code == 403
        assert case(unclear, "viewer").status_code == 200
        assert not HandDecision.objects.exists()

    def test_a_proposal_without_evidence_is_shown_again(self, unclear: Shop) -> None:
        assert "근거" in text_of(propose(unclear, evidence="-"))
        assert not HandDecision.objects.exists()

    def test_rejecting_needs_a_reason(self, unclear: Shop) -> None:
        propose(unclear)
        decide(unclear, "reject", "checker", reason="")
        assert HandDecision.objects.get().state == DecisionState.PROPOSED
        decide(unclear, "reject", "checker", reason="명세에 없어요")
        assert HandDecision.objects.get().state == DecisionState.REJECTED
        assert "명세에 없어요" in text_of(case(unclear))

    def test_asking_now_makes_the_next_inquiry_due_and_repeats_harmlessly(self, unclear: Shop) -> None:
        ask = reverse("payouts:case-ask", args=[unclear.payout("acme").public_id])
        for _again in range(2):
            assert unclear.browser("maker").post(ask).status_code == 302
        due = Attempt.objects.get().next_inquiry_at
        assert due is not None
        assert due <= clock.now()

    def test_a_foreign_case_is_absent(self, unclear: Shop) -> None:
        propose(unclear)
        other = shop("다른마켓")
        assert other.get("case", unclear.payout("acme").public_id).status_code == 404
        assert decide(other, "confirm", "checker").status_code == 404
        assert decide(other, "withdraw", "maker").status_code == 404
        assert HandDecision.objects.get().state == DecisionState.PROPOSED

    def test_a_payout_with_its_result_leads_to_the_payout(self, here: Shop) -> None:
        here.sent(here.approved("acme"), {"acme": SUCCEEDED})
        assert case(here).headers["Location"] == reverse("payouts:payout", args=[here.payout("acme").public_id])


class TestStopping:
    def test_a_bar_on_the_pages_of_payouts_says_who_stopped_and_why(self, here: Shop) -> None:
        answer = here.browser("maker").post(reverse("payouts:dispatch-stop"), {"reason": "은행 점검"})
        assert answer.status_code == 302

        for name in ("bulk-payouts", "payouts", "unknown", "accounts"):
            words = text_of(here.get(name, "", who="viewer"))
            assert "이체가 멈춰 있어요." in words
            assert "은행 점검" in words
        assert "이체가 멈춰 있어요." not in text_of(here.browser("viewer").get("/"))

    def test_only_an_approver_lets_it_go_on(self, here: Shop) -> None:
        here.browser("maker").post(reverse("payouts:dispatch-stop"), {"reason": "은행 점검"})
        resume = reverse("payouts:dispatch-resume", args=[DispatchStop.objects.get().pk])

        assert here.browser("maker").post(resume, {"reason": "끝났어요"}).status_code == 403
        assert here.browser("checker").post(resume, {"reason": "끝났어요"}).status_code == 302

        assert DispatchStop.objects.get().ended_at is not None
        assert "이체가 멈춰 있어요." not in text_of(here.get("payouts", ""))

    def test_a_stop_needs_a_reason_and_stays_in_its_own_scope(self, here: Shop) -> None:
        here.browser("maker").post(reverse("payouts:dispatch-stop"), {"reason": " "})
        assert not DispatchStop.objects.exists()
        here.browser("maker").post(reverse("payouts:dispatch-stop"), {"reason": "은행 점검"})
        other = shop("다른마켓")
        assert "이체가 멈춰 있어요." not in text_of(other.get("payouts", ""))
        resume = reverse("payouts:dispatch-resume", args=[DispatchStop.objects.get().pk])
        assert other.browser("checker").post(resume, {"reason": "끝"}).status_code == 404


PROOF = {
    "name": "직접 지급",
    "paid_on": clock.today().isoformat(),
    "evidence": "신한은행 창구 송금",
    "file_reference": "scan-7.pdf",
}


class TestByHand:
    def test_the_page_asks_for_proof_and_another_person_approves(self, here: Shop) -> None:
        here.partner("acme", verified=False)
        chosen, url = choice(here.owe("acme", 70_000)), reverse("payouts:by-hand")
        asked = here.browser("maker").post(url, chosen)
        assert "지급 예정 금액 ₩70,000" in text_of(asked), "an unverified account does not matter here"

        silent = here.browser("maker").post(url, {**chosen, **seen(asked), **PROOF, "evidence": "", "make": "1"})
        assert silent.status_code == 200
        assert not BulkPayout.objects.exists()
        form = {**chosen, **seen(asked), **PROOF, "make": "1"}
        here.browser("maker").post(url, form)

        bulk = BulkPayout.objects.within(here.scope).get()
        assert (bulk.status, bulk.method) == (BulkStatus.PENDING_APPROVAL, PayoutMethod.DIRECT)
        assert "신한은행 창구 송금" in text_of(here.get("bulk-payout", bulk.public_id, who="checker"))
        assert here.act("approve", bulk, who="maker").status_code == 403
        assert here.act("approve", bulk, who="checker").status_code == 302
        assert here.payout("acme").status == PayoutStatus.SUCCEEDED
        assert "신한은행 창구 송금" in text_of(here.get("payout", here.payout("acme").public_id))

    def test_from_a_payout_that_did_not_arrive(self, here: Shop) -> None:
        here.sent(here.approved("acme"), {"acme": CLOSED})
        failed = here.payout("acme")
        url = reverse("payouts:by-hand-again")
        asked = here.browser("maker").post(url, {"ids": failed.public_id})
        here.browser("maker").post(url, {"ids": failed.public_id, **seen(asked), **PROOF, "make": "1"})

        assert here.payout("acme").replaces_id == failed.pk
        assert "이 지급을 대신하는 지급을 만들었어요" in text_of(here.get("payout", failed.public_id))
        assert "앞선 지급을 대신해서 만들었어요" in text_of(here.get("payout", here.payout("acme").public_id))

    def test_the_details_of_one_paid_by_hand_are_not_edited(self, here: Shop) -> None:
        here.partner("acme")
        chosen, url = choice(here.owe("acme", 70_000)), reverse("payouts:by-hand")
        asked = here.browser("maker").post(url, chosen)
        here.browser("maker").post(url, {**chosen, **seen(asked), **PROOF, "make": "1"})
        bulk = BulkPayout.objects.within(here.scope).get()
        assert here.act("edit", bulk, who="maker", **DETAILS).status_code == 409


def cycle(here: Shop, amounts: dict[str, int], name: str) -> BulkPayout:
    """Build a bulk payout of these amounts; partners are made when they are new."""
    known = set(Partner.objects.within(here.scope).values_list("public_id", flat=True))
    for partner, amount in amounts.items():
        if partner not in known:
            here.partner(partner)
        here.owe(partner, amount)
    free = PartnerSettlement.objects.within(here.scope).filter(claims=None)
    made = building.create_bulk_payout(
        scope=here.scope,
        choice=building.Choice(list(free.values_list("pk", flat=True)), {}),
        name=name,
        by=here.actor("maker"),
        now=clock.now(),
    )
    jobs.run_due_jobs()
    return here.again(made)


def send(here: Shop, bulk: BulkPayout) -> None:
    maker = here.actor("maker")
    approval.submit(scope=here.scope, bulk_id=bulk.public_id, seen_hash=bulk.content_hash, by=maker, now=clock.now())
    here.act("approve", here.again(bulk), who="checker")


class TestReview:
    @pytest.fixture
    def second(self, here: Shop) -> tuple[Shop, BulkPayout]:
        send(here, cycle(here, {"same": 1_000, "up": 1_000, "little": 1_000, "gone": 9_000}, "10월"))
        return here, cycle(here, {"same": 1_000, "up": 1_301, "little": 1_300, "fresh": 500}, "11월")

    def test_every_partner_is_compared_with_the_last_cycle(self, second: tuple[Shop, BulkPayout]) -> None:
        _here, bulk = second
        before = review.last_cycle(bulk)
        assert before is not None
        assert before.name == "10월"

        found = review.changes(bulk, before)

        assert [(row["public_id"], row["kind"], row["change"]) for row in found.rows] == [
            ("gone", "missing", -9_000),
            ("fresh", "new", 500),
            ("up", "large", 301),
            ("little", "small", 300),
            ("same", "same", 0),
        ]
        assert found.counts["large"] == (1, 301)
        assert [row["public_id"] for row in review.changes(bulk, before, "new").rows] == ["fresh"]
        assert review.changes(bulk, before, limit=2, offset=4).rows[0]["public_id"] == "same"

    def test_the_approver_sees_them_and_takes_them_along_as_a_file(self, second: tuple[Shop, BulkPayout]) -> None:
        here, bulk = second
        words = text_of(here.get("bulk-payout", bulk.public_id, who="checker"))
        assert "빠진 파트너 1명 -₩9,000" in words
        page = here.get("bulk-changes", bulk.public_id, kind="large")
        assert "파트너 up" in text_of(page)
        assert "파트너 gone" not in text_of(page)

        file = here.get("bulk-changes", bulk.public_id, format="csv")

        lines = list(csv.reader(io.StringIO(b"".join(file.streaming_content).decode("utf-8-sig"))))
        assert len(lines) == 6
        assert lines[1][1:] == ["gone", "빠진 파트너", "9000", "", "-9000"]

    def test_a_payment_again_is_no_cycle(self, here: Shop) -> None:
        send(here, cycle(here, {"acme": 1_000}, "10월"))
        bulk = here.sent(here.again(BulkPayout.objects.get()), {"acme": CLOSED})
        row = PartnerSettlement.objects.within(here.scope).get()
        Partner.objects.filter(public_id="acme").update(account_status="VERIFIED")
        made = building.create_bulk_payout(
            scope=here.scope,
            choice=building.Choice([row.pk], {}),
            name="다시",
            by=here.actor("maker"),
            now=clock.now(),
        )
        jobs.run_due_jobs()
        again = here.again(made)
        replacing.note_replaced(again)
        send(here, again)

        before = review.last_cycle(cycle(here, {"beta": 1_000}, "11월"))

        assert before is not None
        assert before.pk == bulk.pk

    def test_what_will_be_posted_balances_and_taxes_have_their_month(self, here: Shop) -> None:
        here.partner("acme", taxpayer=build.WHT_PAYER)
        bulk = cycle(here, {"acme": 1_000_000}, "11월")

        steps = review.planned_of_bulk(bulk)

        for step in steps:
            assert sum(line.debit or 0 for line in step.lines) == sum(line.credit or 0 for line in step.lines)
        assert {line.credit for line in steps[1].lines if line.code in (2220, 2221)} == {30_000, 3_000}
        months = {(tax.month, tax.amount, tax.count) for tax in review.taxes(bulk)}
        assert months == {(f"{clock.today():%Y-%m}", 30_000, 1), (f"{clock.today():%Y-%m}", 3_000, 1)}
        words = text_of(here.get("payout", here.payout("acme").public_id))
        assert "기록될 분개" in words

    def test_foreign_bulk_payouts_are_not_compared_with(self, second: tuple[Shop, BulkPayout]) -> None:
        here, bulk = second
        other = shop("다른마켓")
        assert other.get("bulk-changes", bulk.public_id).status_code == 404
        foreign = cycle(other, {"acme": 1_000}, "남의 것")
        assert here.get("bulk-changes", bulk.public_id, **{"with": foreign.public_id}).status_code == 404

    def test_netted_payouts_are_red_and_listed(self, here: Shop) -> None:
        here.partner("acme")
        here.owe("acme", -3_000, on=clock.today() - timedelta(days=1))
        bulk = cycle(here, {"acme": 10_000, "beta": 5_000}, "11월")
        words = text_of(here.get("bulk-payout", bulk.public_id, who="checker"))
        assert "차감되는 파트너" in words
        rows = here.get("bulk-payout", bulk.public_id, netted="yes").context["part"].rows
        assert [row["taken_back"] for row in rows] == [-3_000]


class TestForecast:
    def test_days_hold_what_becomes_due_and_the_first_day_short_is_named(self, here: Shop) -> None:
        today = clock.today()
        here.partner("acme")
        here.owe("acme", 300_000_000)
        here.owe("acme", -1_000_000, on=today - timedelta(days=3))
        later = ManualRow(partner_id="acme", amount=900_000_000, settlement_date=today + timedelta(days=10))
        record_manual(scope=here.scope, by=SETUP, now=clock.now(), row=later)
        account = queries.default_bank_account(here.scope)

        found = forecast(account, today)

        assert (found.days[0].due.settlements, found.days[0].due.back) == (300_000_000, -1_000_000)
        assert found.days[0].balance == 701_000_000
        assert found.short_on is not None
        assert (found.short_on.day, found.short_on.balance) == (today + timedelta(days=10), -199_000_000)

    def test_bulk_payouts_count_on_their_day_and_their_settlements_not_twice(self, here: Shop) -> None:
        tomorrow = clock.now() + timedelta(days=1)
        here.approved("acme", scheduled_at=tomorrow)
        here.built("beta", amount=7_000)
        account = queries.default_bank_account(here.scope)

        days = forecast(account, clock.today()).days

        assert (days[0].due.prepared, days[0].due.settlements, days[0].due.approved) == (7_000, 0, 0)
        assert days[1].due.approved == 10_000
        assert days[-1].balance == 1_000_000_000 - 17_000

    @pytest.mark.parametrize("kind", ["csv", "xlsx"])
    def test_the_page_and_its_files(self, here: Shop, kind: str) -> None:
        here.built("acme")
        page = here.get("forecast", "")
        assert "앞으로 60일 동안 돈이 모자라는 날이 없어요." in text_of(page)
        assert "<polyline" in page.content.decode()
        assert 'style="' not in page.content.decode()

        file = here.get("forecast", "", format=kind)

        content = b"".join(file.streaming_content)
        assert content
        if kind == "csv":
            assert len(content.decode("utf-8-sig").splitlines()) == 61

    def test_the_chart_says_between_which_balances_it_is_drawn(self, here: Shop) -> None:
        here.partner("acme")
        here.owe("acme", 8_000_000)
        page = text_of(here.get("forecast", ""))
        # The line falls by 8 million of 1,000 million; below it a quarter of that is left.
        assert "₩1,000,000,000 ₩990,000,000" in " ".join(page.split())

        here.owe("acme", 1_100_000_000)
        page = text_of(here.get("forecast", ""))
        assert "₩1,000,000,000 -₩108,000,000" in " ".join(page.split())

    def test_a_foreign_account_is_absent(self, here: Shop) -> None:
        account = queries.default_bank_account(shop("다른마켓").scope)
        type(account).objects.filter(pk=account.pk).update(public_id="theirs")
        assert here.get("forecast", "", account="theirs").status_code == 404


class TestMovements:
    def test_every_movement_has_the_balance_after_it_whatever_is_filtered(self, here: Shop) -> None:
        here.sent(here.approved("acme", "beta"), {"acme": SUCCEEDED, "beta": SUCCEEDED})
        rows = here.get("accounts", "").context["part"].rows
        assert [row["balance_after"] for row in rows] == [999_980_000, 999_990_000, 1_000_000_000]
        assert {row["partner_name"] for row in rows} == {"", "파트너 acme", "파트너 beta"}
        out = here.get("accounts", "", **{"in": "no"}).context["part"].rows
        assert [row["balance_after"] for row in out] == [999_980_000, 999_990_000]

    def test_opening_and_closing_of_the_chosen_days(self, here: Shop) -> None:
        here.sent(here.approved("acme"), {"acme": SUCCEEDED})
        (turnover,) = here.get("accounts", "", date_period="today").context["turnovers"]
        assert (turnover.opening, turnover.came, turnover.went, turnover.closing) == (
            0,
            1_000_000_000,
            10_000,
            999_990_000,
        )
        assert here.get("accounts", "").context["turnovers"] == []

"""Protects what people see and decide about money on its way out: nobody approves what they did not see."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client
from django.urls import reverse

from access import queries as people
from access.models import AuditEvent, User
from access.roles import Role
from console import registry
from core import clock, jobs
from core.actor import system
from core.scope import Scope
from ledger import posting
from ledger.accounts import Address
from ledger.chart import Code
from ledger.posting import Origin, Posting, credit, debit
from payouts import navigation, queries
from payouts.models import Approval, Attempt, BankAccount, BulkPayout, BulkStatus, Decision, Payout, PayoutStatus
from payouts.operations import approval, building, dispatch, results, running
from payouts.rails.base import Outcome, OutcomeKind
from settlement.dates import Cycle, CycleMethod, DatePolicy
from settlement.models import AccountStatus, Partner, PartnerSettlement
from settlement.operations.partners import Account
from settlement.operations.policies import FeeInput
from settlement.operations.records import ManualRow, record_manual
from tests import build
from tests.access.build import Firm, code_now, firm, signed_in
from tests.query_counts import recorded

SETUP = system("tests")
DAILY = Cycle(1, CycleMethod.DAILY, DatePolicy.CALENDAR_DAY)
SUCCEEDED = Outcome(OutcomeKind.SUCCEEDED, code="0000", message="이체 완료")
CLOSED = Outcome(OutcomeKind.FAILED, code="415", message="해지 계좌")
NO_ANSWER = Outcome(OutcomeKind.UNKNOWN, code="TIMEOUT", evidence='{"account":"********4567"}')


ROLES = {"maker": Role.OPERATOR, "checker": Role.APPROVER, "second": Role.APPROVER, "viewer": Role.VIEWER}


@dataclass
class Shop:
    """A merchant with an account that pays; its people come when a test names them."""

    firm: Firm
    people: dict[str, User] = field(default_factory=dict)
    browsers: dict[str, Client] = field(default_factory=dict)

    @property
    def scope(self) -> Scope:
        return self.firm.scope

    def person(self, name: str) -> User:
        if name not in self.people:
            role = ROLES[name]
            username = f"{name}-{self.scope.merchant_id}"
            self.people[name] = self.firm.person(username, role, code=role == Role.APPROVER)
        return self.people[name]

    def browser(self, name: str) -> Client:
        if name not in self.browsers:
            self.browsers[name] = signed_in(self.person(name))
        return self.browsers[name]

    def actor(self, name: str) -> Any:
        return people.actor_for(self.person(name))

    def account(self, amount: int = 1_000_000_000) -> BankAccount:
        account = BankAccount.objects.create(
            **self.scope.filters(),
            public_id="main",
            name="지급 계좌",
            bank="SHINHAN",
            number_sealed=b"",
            last4="0001",
            holder="한빛마켓",
            rail="test",
        )
        legs = [debit(Address(Code.BANK, "main"), amount), credit(Address(Code.OPERATOR_FUNDS, "main"), amount)]
        step = Posting("funds.topped_up", "top-up:1", clock.today(), legs, Origin("bank_account", "main"))
        posting.post(scope=self.scope, posting=step, by=SETUP)
        return account

    def partner(self, public_id: str, *, verified: bool = True, **values: Any) -> None:
        number = f"110123{Partner.objects.within(self.scope).count():06d}"
        usual: dict[str, Any] = {"name": f"파트너 {public_id}", "account": Account("KOOKMIN", "KRW", number, "김정산")}
        build.partner(self.scope, public_id, **(usual | values))
        jobs.run_due_jobs()
        status = AccountStatus.VERIFIED if verified else AccountStatus.VERIFY_FAILED
        Partner.objects.within(self.scope).filter(public_id=public_id).update(account_status=status)

    def owe(self, partner: str, amount: int, *, on: date | None = None) -> PartnerSettlement:
        row = ManualRow(partner_id=partner, amount=amount, settlement_date=on or clock.today())
        return build.settlement_of(record_manual(scope=self.scope, by=SETUP, now=clock.now(), row=row))

    def built(self, *partners: str, amount: int = 10_000, **values: Any) -> BulkPayout:
        """Build a bulk payout that owes each of these new partners an amount."""
        for partner in partners or ("acme",):
            self.partner(partner)
            self.owe(partner, amount)
        free = PartnerSettlement.objects.within(self.scope).filter(claims=None)
        bulk = building.create_bulk_payout(
            scope=self.scope,
            choice=building.Choice(list(free.values_list("pk", flat=True)), {}),
            name="11월 정산 지급",
            by=self.actor("maker"),
            now=clock.now(),
            **values,
        )
        jobs.run_due_jobs()
        return self.again(bulk)

    def again(self, bulk: BulkPayout) -> BulkPayout:
        return queries.find_bulk(self.scope, bulk.public_id)

    def submitted(self, *partners: str, **values: Any) -> BulkPayout:
        bulk = self.built(*partners, **values)
        return approval.submit(
            scope=self.scope,
            bulk_id=bulk.public_id,
            seen_hash=bulk.content_hash,
            by=self.actor("maker"),
            now=clock.now(),
        )

    def approved(self, *partners: str, **values: Any) -> BulkPayout:
        bulk = self.submitted(*partners, **values)
        return approval.decide(
            scope=self.scope,
            bulk_id=bulk.public_id,
            seen_hash=bulk.content_hash,
            decision=Decision.APPROVED,
            by=self.actor("checker"),
            now=clock.now(),
        )

    def sent(self, bulk: BulkPayout, answers: Mapping[str, Outcome]) -> BulkPayout:
        """Start a bulk payout and let the bank answer by partner; partners without an answer stay waiting."""
        running.start_due(clock.now())
        claimed = dispatch.claim(rail_name="test", worker="test", limit=100, now=clock.now())
        ready = dispatch.pass_point_of_no_return(claimed, clock.now())
        attempts = Attempt.objects.filter(pk__in=[one.attempt_id for one in ready])
        partner_of = dict(attempts.values_list("pk", "payout__partner__public_id"))
        answered = [
            results.Answered(one.attempt_id, one.fence, "send", answers[partner_of[one.attempt_id]])
            for one in ready
            if partner_of[one.attempt_id] in answers
        ]
        results.record(answered, now=clock.now())
        return self.again(bulk)

    def payout(self, partner: str) -> Payout:
        return Payout.objects.within(self.scope).filter(partner__public_id=partner).latest("pk")

    def get(self, name: str, url: str, *, who: str = "maker", **query: Any) -> Any:
        address = reverse(f"payouts:{name}", args=[url] if url else [])
        return self.browser(who).get(address, query)

    def act(self, verb: str, bulk: BulkPayout, *, who: str, **values: str) -> Any:
        posted = {"seen": bulk.content_hash} | values
        return self.browser(who).post(reverse(f"payouts:bulk-{verb}", args=[bulk.public_id]), posted)


def shop(name: str = "한빛마켓") -> Shop:
    made = Shop(firm(name))
    made.account()
    build.contract(made.scope, fee=FeeInput(rate=10_000), cycle=DAILY)
    return made


@pytest.fixture
def here(db: None) -> Shop:  # noqa: ARG001 - needs tables
    return shop()


def text_of(response: Any) -> str:
    """Return what a person reads: without markup, with single spaces."""
    body = re.sub(r"(?s)<(script|style|svg|select).*?</\1>", " ", response.content.decode())
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body))


def choice(*rows: PartnerSettlement, **values: Any) -> dict[str, Any]:
    """Return what the list of partner settlements posts for chosen rows."""
    return {"ids": [row.public_id for row in rows], "filters": "", "day": clock.today().isoformat()} | values


def hidden(response: Any, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', response.content.decode())
    assert found, name
    return found[1]


def seen(response: Any) -> dict[str, str]:
    """Return what a form brings back of what it showed."""
    return {"seal": hidden(response, "seal"), "token": hidden(response, "token")}


DETAILS = {
    "name": "11월 정산",
    "deposit_memo": "한빛",
    "withdrawal_memo": "정산지급",
    "when": "now",
    "day": "",
    "time": "",
}


class TestMaking:
    def test_the_form_repeats_count_and_sum_and_the_server_reads_the_rows_again(self, here: Shop) -> None:
        here.partner("acme", taxpayer=build.WHT_PAYER)
        here.partner("beta")
        chosen = choice(here.owe("acme", 1_000_000), here.owe("beta", 50_000))

        asked = here.browser("maker").post(reverse("payouts:new"), chosen)

        words = text_of(asked)
        assert "₩967,000" in words
        assert "₩1,017,000" in words, "net of both: what leaves the bank"
        assert "₩33,000" in words, "withheld"
        made = here.browser("maker").post(reverse("payouts:new"), {**chosen, **seen(asked), **DETAILS, "make": "1"})
        jobs.run_due_jobs()
        bulk = BulkPayout.objects.within(here.scope).get()
        assert made.headers["Location"] == reverse("payouts:bulk-payout", args=[bulk.public_id])
        assert (bulk.name, bulk.total_amount, bulk.payout_count) == ("11월 정산", 1_017_000, 2)
        assert set(Payout.objects.values_list("deposit_memo", "withdrawal_memo")) == {("한빛", "정산지급")}

    def test_what_changed_since_is_shown_again_instead_of_made(self, here: Shop) -> None:
        here.partner("acme")
        chosen = choice(here.owe("acme", 50_000))
        asked = here.browser("maker").post(reverse("payouts:new"), chosen)
        here.owe("acme", -20_000, on=clock.today() - timedelta(days=1))

        answer = here.browser("maker").post(reverse("payouts:new"), {**chosen, **seen(asked), **DETAILS, "make": "1"})

        assert answer.status_code == 409
        assert "그사이 지급할 내역이 바뀌었어요" in text_of(answer)
        assert "₩30,000" in text_of(answer)
        assert not BulkPayout.objects.exists()

    def test_one_form_makes_one_bulk_payout(self, here: Shop) -> None:
        here.partner("acme")
        here.partner("beta")
        first, second = here.owe("acme", 50_000), here.owe("beta", 50_000)
        asked = here.browser("maker").post(reverse("payouts:new"), choice(first))
        form = {**seen(asked), **DETAILS, "make": "1"}
        here.browser("maker").post(reverse("payouts:new"), {**choice(first), **form})
        other = here.browser("maker").post(reverse("payouts:new"), choice(second))

        repeated = {**choice(second), **form, "seal": hidden(other, "seal")}
        answer = here.browser("maker").post(reverse("payouts:new"), repeated, follow=True)

        assert "두 번 만들지 않았어요" in text_of(answer)
        assert BulkPayout.objects.within(here.scope).count() == 1

    def test_a_due_negative_settlement_is_taken_along_and_left_out_only_with_a_reason(self, here: Shop) -> None:
        here.partner("acme")
        chosen = choice(here.owe("acme", 50_000))
        owed = here.owe("acme", -20_000, on=clock.today() - timedelta(days=1))
        browser, url = here.browser("maker"), reverse("payouts:new")
        asked = browser.post(url, chosen)
        assert "-₩20,000" in text_of(asked)
        assert "₩30,000" in text_of(asked)

        leave = {**chosen, **DETAILS, "leave": owed.public_id}
        silent = browser.post(url, {**leave, **seen(asked), "make": "1"})
        assert "사유를 적어 주세요" in text_of(silent)
        explained = {**leave, f"reason-{owed.public_id}": "다음 달에 차감하기로 했어요"}
        again = browser.post(url, {**explained, **seen(silent), "again": "1"})
        assert "₩50,000" in text_of(again)
        browser.post(url, {**explained, **seen(again), "make": "1"})
        jobs.run_due_jobs()

        bulk = BulkPayout.objects.within(here.scope).get()
        assert (bulk.total_amount, bulk.left_out[0]["net"]) == (50_000, -20_000)
        assert "다음 달에 차감하기로 했어요" in text_of(here.get("bulk-payout", bulk.public_id, who="checker"))

    def test_partners_that_cannot_be_paid_are_named_with_the_reason(self, here: Shop) -> None:
        here.partner("acme", verified=False)
        here.partner("beta")
        here.partner("gamma")
        rows = [here.owe("acme", 10_000), here.owe("beta", -5_000), here.owe("gamma", 7_000)]

        words = text_of(here.browser("maker").post(reverse("payouts:new"), choice(*rows)))

        assert "예금주가 확인되지 않았어요." in words
        assert "차감할 금액이 더 커서 지급액이 0보다 작아요." in words
        assert "지급 예정 금액 ₩7,000" in words

    def test_a_schedule_has_ten_minute_steps_outside_the_banks_night(self, here: Shop) -> None:
        here.partner("acme")
        chosen = choice(here.owe("acme", 50_000))
        browser, url = here.browser("maker"), reverse("payouts:new")
        asked = browser.post(url, chosen)
        tomorrow = (clock.today() + timedelta(days=1)).isoformat()

        def scheduled(day: str, time: str) -> Any:
            return browser.post(
                url, {**chosen, **seen(asked), **DETAILS, "when": "later", "day": day, "time": time, "make": "1"}
            )

        for time in ("22:50", "00:30", "09:05"):
            scheduled(tomorrow, time)
        assert "예약 시각은 지금보다 뒤여야 해요." in text_of(scheduled("2020-01-02", "09:00"))
        assert "예약할 시각을 골라 주세요." in text_of(scheduled(tomorrow, ""))
        assert not BulkPayout.objects.exists()
        assert scheduled(tomorrow, "09:00").status_code == 302
        at = BulkPayout.objects.get().scheduled_at
        assert at is not None
        assert at.astimezone(clock.SEOUL).strftime("%Y-%m-%d %H:%M") == f"{tomorrow} 09:00"

    def test_nothing_payable_is_said_kindly(self, here: Shop) -> None:
        bulk = here.built()
        row = PartnerSettlement.objects.within(here.scope).get()

        answer = here.browser("maker").post(reverse("payouts:new"), choice(row))

        assert answer.status_code == 409
        assert "이미 지급에 들어갔거나" in text_of(answer)
        assert here.again(bulk).payout_count == 1

    def test_what_did_not_arrive_is_paid_again_in_a_new_bulk_payout(self, here: Shop) -> None:
        here.sent(here.approved("acme"), {"acme": Outcome(OutcomeKind.FAILED, code="UNHEARD_OF")})
        failed = here.payout("acme")
        assert failed.status == PayoutStatus.FAILED

        asked = here.browser("maker").post(reverse("payouts:again"), {"ids": failed.public_id})
        answer = here.browser("maker").post(
            reverse("payouts:again"), {"ids": failed.public_id, **seen(asked), **DETAILS, "make": "1"}
        )
        jobs.run_due_jobs()

        assert answer.status_code == 302
        assert here.payout("acme").pk != failed.pk
        assert here.payout("acme").amount == failed.amount


class TestDeciding:
    def test_maker_submits_and_another_person_approves_what_was_shown(self, here: Shop) -> None:
        bulk = here.built()
        page = here.get("bulk-payout", bulk.public_id)
        assert reverse("payouts:bulk-submit", args=[bulk.public_id]) in page.content.decode()
        assert here.act("submit", bulk, who="maker").status_code == 302

        asked = here.get("bulk-approve", bulk.public_id, who="checker")
        assert bulk.content_hash[:12] in text_of(asked)
        assert "₩10,000" in text_of(asked)
        assert here.act("approve", bulk, who="checker").status_code == 302

        assert here.again(bulk).status == BulkStatus.APPROVED
        assert Approval.objects.get().content_hash == bulk.content_hash

    def test_whoever_made_it_sees_no_approve_button_and_cannot_approve(self, here: Shop) -> None:
        bulk = here.submitted()
        for who in ("maker", "viewer"):
            page = here.get("bulk-payout", bulk.public_id, who=who).content.decode()
            assert reverse("payouts:bulk-approve", args=[bulk.public_id]) not in page
            assert here.act("approve", bulk, who=who).status_code == 403
        assert not Approval.objects.exists()

    def test_an_approver_who_changed_it_cannot_decide_about_it(self, here: Shop) -> None:
        bulk = here.built()
        building.change_details(
            scope=here.scope, bulk_id=bulk.public_id, by=here.actor("checker"), now=clock.now(), name="바꾼 이름"
        )
        bulk = here.again(bulk)
        here.act("submit", bulk, who="maker")

        page = here.get("bulk-payout", bulk.public_id, who="checker")
        assert reverse("payouts:bulk-approve", args=[bulk.public_id]) not in page.content.decode()
        assert "다른 승인자가 결정해야 해요" in text_of(page)
        assert here.act("approve", bulk, who="checker").status_code == 403

    def test_a_stale_hash_shows_what_is_there_now(self, here: Shop) -> None:
        bulk = here.submitted("acme", "beta")
        building.remove_payouts(
            scope=here.scope,
            bulk_id=bulk.public_id,
            payout_ids=[here.payout("acme").public_id],
            by=here.actor("maker"),
            now=clock.now(),
        )
        fresh = here.again(bulk)
        here.act("submit", fresh, who="maker")

        answer = here.act("approve", bulk, who="checker")

        assert answer.status_code == 409
        assert "그사이 내용이 바뀌었어요" in text_of(answer)
        assert "₩10,000" in text_of(answer)
        assert not Approval.objects.exists()

    def test_approving_without_a_fresh_code_asks_for_one_and_repeats_the_form(self, here: Shop) -> None:
        bulk = here.submitted()
        browser = here.browser("checker")
        session = browser.session
        session["code_at"] = 0.0
        session.save()
        User.objects.filter(pk=here.person("checker").pk).update(totp_counter=0)

        asked = here.get("bulk-approve", bulk.public_id, who="checker")
        assert 'name="stepup_code"' in asked.content.decode()
        refused = here.act("approve", bulk, who="checker")
        assert refused.status_code == 403
        assert bulk.content_hash in refused.content.decode()
        assert here.again(bulk).status == BulkStatus.PENDING_APPROVAL

        assert here.act("approve", bulk, who="checker", stepup_code=code_now()).status_code == 302
        assert here.again(bulk).status == BulkStatus.APPROVED

    def test_rejecting_needs_a_reason_that_the_maker_reads(self, here: Shop) -> None:
        bulk = here.submitted()

        silent = here.act("reject", bulk, who="checker", reason="")
        assert "사유" in text_of(silent)
        assert here.again(bulk).status == BulkStatus.PENDING_APPROVAL
        here.act("reject", bulk, who="checker", reason="금액을 다시 확인해 주세요")

        assert here.again(bulk).status == BulkStatus.PREPARED
        assert "금액을 다시 확인해 주세요" in text_of(here.get("bulk-payout", bulk.public_id))

    def test_large_sums_need_two_approvers(self, here: Shop) -> None:
        bulk = here.submitted(amount=100_000_001)

        here.act("approve", bulk, who="checker")
        page = here.get("bulk-payout", bulk.public_id, who="second")
        assert "승인 2명 가운데 1명이 승인했어요" in text_of(page)
        own = here.get("bulk-payout", bulk.public_id, who="checker")
        assert "이미 결정하신 건이에요" in text_of(own)
        here.act("approve", bulk, who="second")

        assert here.again(bulk).status == BulkStatus.APPROVED

    def test_missing_funds_are_said_before_and_refused_at_approval(self, here: Shop) -> None:
        bulk = here.submitted(amount=3_000_000_000)

        page = here.get("bulk-payout", bulk.public_id, who="checker")
        assert "₩2,000,000,000 모자라요" in text_of(page)
        answer = here.act("approve", bulk, who="checker")

        assert answer.status_code == 409
        assert "잔액이 부족해요" in text_of(answer)
        assert here.again(bulk).status == BulkStatus.PENDING_APPROVAL


class TestChanging:
    def test_name_memos_and_schedule_are_changed_and_approvals_lost(self, here: Shop) -> None:
        bulk = here.submitted()
        tomorrow = (clock.today() + timedelta(days=1)).isoformat()
        form = DETAILS | {"name": "새 이름", "when": "later", "day": tomorrow, "time": "10:00"}

        assert here.act("edit", bulk, who="maker", **form).status_code == 302

        changed = here.again(bulk)
        assert (changed.name, changed.status) == ("새 이름", BulkStatus.PREPARED)
        assert changed.scheduled_at is not None
        assert here.payout("acme").deposit_memo == "한빛"
        assert changed.content_hash != bulk.content_hash

    def test_a_form_that_says_the_same_changes_nothing(self, here: Shop) -> None:
        bulk = here.submitted(deposit_memo="한빛", withdrawal_memo="정산지급")

        here.act("edit", bulk, who="maker", **(DETAILS | {"name": bulk.name}))

        assert here.again(bulk).status == BulkStatus.PENDING_APPROVAL

    def test_an_edit_of_something_changed_meanwhile_is_refused(self, here: Shop) -> None:
        bulk = here.built()
        building.change_details(
            scope=here.scope, bulk_id=bulk.public_id, by=here.actor("maker"), now=clock.now(), name="먼저 바꿈"
        )

        answer = here.act("edit", bulk, who="maker", **(DETAILS | {"name": "나중에 바꿈"}))

        assert answer.status_code == 409
        assert here.again(bulk).name == "먼저 바꿈"

    def test_payouts_are_taken_out_by_selection(self, here: Shop) -> None:
        bulk = here.submitted("acme", "beta")
        chosen = {
            "ids": here.payout("acme").public_id,
            "filters": f"bulk={quote(bulk.public_id)}",
            "day": clock.today().isoformat(),
        }
        url = reverse("console:list-action", args=["bulk-payout-payouts", "take-out"])
        asked = here.browser("maker").post(url, chosen)
        here.browser("maker").post(url, {**chosen, "seal": hidden(asked, "seal")})

        changed = here.again(bulk)
        assert (changed.status, changed.payout_count) == (BulkStatus.PREPARED, 1)
        assert here.payout("acme").status == PayoutStatus.CANCELLED

    def test_a_payout_of_another_bulk_payout_is_not_taken_out(self, here: Shop) -> None:
        first, second = here.built("acme"), here.built("beta")
        chosen = {"ids": here.payout("acme").public_id, "filters": f"bulk={quote(second.public_id)}"}
        url = reverse("console:list-action", args=["bulk-payout-payouts", "take-out"])
        asked = here.browser("maker").post(url, chosen)
        here.browser("maker").post(url, {**chosen, "seal": hidden(asked, "seal")})

        assert here.again(first).payout_count == 1
        assert here.payout("acme").status == PayoutStatus.CONFIRMED

    def test_cancelling_sets_the_settlements_free(self, here: Shop) -> None:
        bulk = here.submitted()

        here.act("cancel", bulk, who="checker", reason="다음 주에 지급해요")

        assert here.again(bulk).status == BulkStatus.CANCELLED
        assert AuditEvent.objects.get(action="bulk_payout.cancelled").reason == "다음 주에 지급해요"
        row = PartnerSettlement.objects.within(here.scope).get()
        asked = here.browser("maker").post(reverse("payouts:new"), choice(row))
        assert "지급 예정 금액 ₩10,000" in text_of(asked)

    def test_stopping_keeps_what_the_bank_has(self, here: Shop) -> None:
        bulk = here.approved("acme", "beta")
        running.start_due(clock.now())

        assert here.act("stop", bulk, who="maker").status_code == 302

        assert {here.payout(name).status for name in ("acme", "beta")} == {PayoutStatus.STOPPED}

    def test_what_has_started_cannot_be_edited(self, here: Shop) -> None:
        bulk = here.approved()
        running.start_due(clock.now())

        assert here.get("bulk-edit", bulk.public_id).status_code == 409
        page = here.get("bulk-payout", bulk.public_id).content.decode()
        assert reverse("payouts:bulk-edit", args=[bulk.public_id]) not in page
        assert reverse("payouts:bulk-stop", args=[bulk.public_id]) in page


class TestWatching:
    def test_the_page_asks_again_only_while_something_moves(self, here: Shop) -> None:
        bulk = here.approved("acme", "beta")
        url = reverse("payouts:bulk-progress", args=[bulk.public_id])
        running.start_due(clock.now())
        assert f'hx-get="{url}?was=ONGOING"' in here.get("bulk-payout", bulk.public_id).content.decode()

        here.sent(bulk, {"acme": SUCCEEDED, "beta": CLOSED})
        changed = here.browser("maker").get(url, {"was": "ONGOING"})
        assert changed.headers["HX-Refresh"] == "true"
        done = here.get("bulk-payout", bulk.public_id)
        assert "hx-trigger" not in re.search(r'(?s)id="progress".*?>', done.content.decode())[0]  # type: ignore[index] # it is there
        assert "2건 가운데 2 건이 끝났어요" in text_of(done)

    def test_a_failed_payout_shows_the_banks_code_and_what_to_do(self, here: Shop) -> None:
        here.sent(here.approved(), {"acme": CLOSED})
        payout = here.payout("acme")

        words = text_of(here.get("payout", payout.public_id))

        assert "415" in words
        assert "파트너의 계좌를 확인하고 고친 뒤 다시 지급해 주세요." in words
        assert "지급 확정 해제" in words, "the journals by their names"
        listed = text_of(here.get("payouts", ""))
        assert "[415] 파트너의 계좌를 확인하고 고친 뒤 다시 지급해 주세요." in listed

    def test_an_unknown_result_waits_in_its_own_list_with_the_evidence(self, here: Shop) -> None:
        here.sent(here.approved(), {"acme": NO_ANSWER})
        payout = here.payout("acme")

        listed = here.get("unknown", "")
        assert payout.public_id in listed.content.decode()
        assert "알 수 없음 TIMEOUT" in text_of(listed)
        shown = here.get("payout", payout.public_id)
        assert "결과를 알기 전에는 다시 보내지 않아요" in text_of(shown)
        assert "********4567" in shown.content.decode()

    def test_no_page_shows_a_whole_account_number(self, here: Shop) -> None:
        bulk = here.approved()
        payout = here.payout("acme")
        number = queries.account_number(payout)
        for name, key in (("bulk-payout", bulk.public_id), ("payout", payout.public_id), ("payouts", "")):
            page = here.get(name, key).content.decode()
            assert number not in page
            assert f"****{payout.account_last4}" in page

    def test_accounts_show_the_books_and_what_is_spoken_for(self, here: Shop) -> None:
        here.approved(amount=400_000)

        words = text_of(here.get("accounts", ""))

        assert "장부 잔액 ₩1,000,000,000" in words
        assert "₩999,600,000" in words
        assert "운영 자금 입금" in words

    def test_the_queue_of_approvers_holds_what_was_submitted(self, here: Shop) -> None:
        bulk = here.submitted()
        here.built("beta")

        page = here.get("approvals", "", who="checker")

        assert bulk.public_id in page.content.decode()
        assert page.context["part"].rows[0]["approved"] == 0
        assert len(page.context["part"].rows) == 1

    def test_home_counts_what_waits_and_every_count_leads_to_its_rows(self, here: Shop) -> None:
        here.submitted("acme")
        here.sent(here.approved("beta"), {"beta": CLOSED})
        here.sent(here.approved("gamma"), {"gamma": NO_ANSWER})

        home = text_of(here.browser("checker").get("/"))
        assert "승인 대기 1" in home
        assert "확인 필요한 지급 1" in home
        assert "지급 실패 (최근 한 달) 1" in home
        failed = here.browser("maker").get(f"{reverse('payouts:payouts')}?{navigation.FAILED_LATELY}")
        assert here.payout("beta").public_id in failed.content.decode()
        assert here.payout("gamma").public_id not in failed.content.decode()

    def test_ids_are_found_from_the_search_box(self, here: Shop) -> None:
        bulk = here.sent(here.approved(), {"acme": SUCCEEDED})
        payout = here.payout("acme")
        attempt = payout.attempts.get()
        for word, url in (
            (bulk.public_id, reverse("payouts:bulk-payout", args=[bulk.public_id])),
            (payout.public_id, reverse("payouts:payout", args=[payout.public_id])),
            (attempt.reference, reverse("payouts:payout", args=[payout.public_id])),
        ):
            answer = here.browser("maker").get("/search/", {"q": word})
            assert answer.headers["Location"] == url
        link = registry.origin_link("payout", payout.public_id)
        assert link is not None
        assert link.url == reverse("payouts:payout", args=[payout.public_id])

    def test_partners_and_settlements_show_their_payouts(self, here: Shop) -> None:
        here.sent(here.approved("acme"), {"acme": CLOSED})
        payout = here.payout("acme").public_id
        row = PartnerSettlement.objects.within(here.scope).get()
        for kind, public_id in (("partner", "acme"), ("partner_settlement", row.public_id)):
            link = registry.origin_link(kind, public_id)
            assert link is not None
            assert reverse("payouts:payout", args=[payout]) in here.browser("maker").get(link.url).content.decode()
        page = here.get("payout", payout).content.decode()
        assert reverse("settlement:settlement", args=[row.public_id]) in page, "and back"

    def test_ids_with_slashes_and_spaces_open(self, here: Shop) -> None:
        bulk = here.built(public_id="2026/11 지급?#%")

        assert "11월 정산 지급" in text_of(here.get("bulk-payout", bulk.public_id))
        assert here.act("submit", bulk, who="maker").status_code == 302


ADDRESSES = ("bulk-payout", "bulk-progress", "bulk-submit", "bulk-cancel", "bulk-stop", "bulk-edit")


class TestBorders:
    def test_a_foreign_id_is_like_an_absent_one(self, here: Shop) -> None:
        other = shop("다른마켓")
        bulk = other.submitted()
        for who in ("maker", "checker", "viewer"):
            for name in ("bulk-payout", "bulk-progress"):
                assert here.get(name, bulk.public_id, who=who).status_code == 404
            assert here.get("payout", other.payout("acme").public_id, who=who).status_code == 404
        for verb in ("submit", "cancel", "stop", "edit"):
            assert here.get(f"bulk-{verb}", bulk.public_id).status_code == 404
            assert here.act(verb, bulk, who="maker").status_code == 404
        for verb in ("approve", "reject"):
            assert here.act(verb, bulk, who="checker", reason="x").status_code == 404
        assert other.again(bulk).status == BulkStatus.PENDING_APPROVAL
        assert bulk.public_id not in here.get("bulk-payouts", "").content.decode()
        assert here.browser("maker").get("/search/", {"q": bulk.public_id}).status_code == 200

    def test_foreign_settlements_cannot_be_chosen(self, here: Shop) -> None:
        other = shop("다른마켓")
        other.partner("acme")
        row = other.owe("acme", 10_000)

        answer = here.browser("maker").post(reverse("payouts:new"), choice(row))

        assert answer.status_code == 409

    @pytest.mark.parametrize(
        ("verb", "allowed"),
        [
            ("submit", {"maker"}),
            ("approve", {"checker", "second"}),
            ("reject", {"checker", "second"}),
            ("cancel", {"maker", "checker", "second"}),
            ("stop", {"maker", "checker", "second"}),
            ("edit", {"maker"}),
        ],
    )
    def test_each_action_is_for_its_roles(self, here: Shop, verb: str, allowed: set[str]) -> None:
        bulk = here.built()
        for who in ROLES:
            status = here.get(f"bulk-{verb}", bulk.public_id, who=who).status_code
            assert (status == 200) == (who in allowed), (who, status)
            if who not in allowed:
                assert here.act(verb, bulk, who=who).status_code == 403

    def test_everybody_may_look(self, here: Shop) -> None:
        bulk = here.submitted()
        for who in ROLES:
            for name in ("bulk-payouts", "payouts", "approvals", "unknown", "accounts"):
                assert here.get(name, "", who=who).status_code == 200
            assert here.get("bulk-payout", bulk.public_id, who=who).status_code == 200
        assert here.browser("viewer").post(reverse("payouts:new"), {"all": "1"}).status_code == 403

    def test_the_test_environment_is_another_world(self, here: Shop) -> None:
        bulk = here.built()
        here.browser("maker").post(reverse("access:switch-environment"), {"environment": "test"})

        assert here.get("bulk-payout", bulk.public_id).status_code == 404
        assert bulk.public_id not in here.get("bulk-payouts", "").content.decode()


LISTS = ("bulk-payouts", "payouts", "approvals", "unknown", "accounts")


class TestFiles:
    @pytest.mark.parametrize("name", LISTS)
    @pytest.mark.parametrize("kind", ["csv", "xlsx"])
    def test_every_list_comes_as_a_file(self, here: Shop, name: str, kind: str) -> None:
        here.sent(here.approved("acme", "beta"), {"acme": CLOSED, "beta": NO_ANSWER})
        here.submitted("gamma")
        page: Any = here.get(name, "").context["page"]
        everything = ",".join(column.key for column in page.columns)

        answer: Any = here.browser("maker").post(
            reverse("console:list-export", args=[page.slug]), {"format": kind, "filters": "", "cols": everything}
        )

        assert answer.status_code == 200
        content = b"".join(answer.streaming_content)
        assert content
        if kind == "csv":
            lines = content.decode("utf-8-sig").splitlines()
            assert (
                len(lines) == 1 + {"bulk-payouts": 2, "payouts": 3, "approvals": 1, "unknown": 1, "accounts": 1}[name]
            )

    @pytest.mark.parametrize("name", LISTS)
    def test_the_result_line_counts_and_sums(self, here: Shop, name: str) -> None:
        here.sent(here.approved("acme", "beta"), {"acme": CLOSED, "beta": NO_ANSWER})
        here.submitted("gamma")
        page: Any = here.get(name, "").context["page"]

        line = here.browser("maker").get(reverse("console:list-total", args=[page.slug]))

        assert line.status_code == 200
        count = {"bulk-payouts": 2, "payouts": 3, "approvals": 1, "unknown": 1, "accounts": 1}[name]
        assert f"총 {count} 건" in text_of(line)

    def test_counts_per_outcome_stand_in_the_row(self, here: Shop) -> None:
        bulk = here.sent(
            here.approved("acme", "beta", "gamma"), {"acme": CLOSED, "beta": NO_ANSWER, "gamma": SUCCEEDED}
        )
        url = f"{reverse('payouts:bulk-payouts')}?cols=name,sending_count,succeeded_amount,failed_count,waiting_count"

        (row,) = here.browser("maker").get(url).context["part"].rows

        figures = {key: row[key] for key in ("sending_count", "succeeded_amount", "failed_count", "waiting_count")}
        assert figures == {"sending_count": 1, "succeeded_amount": 10_000, "failed_count": 1, "waiting_count": 0}
        assert bulk.status == BulkStatus.POST_PROCESS_PENDING

    def test_filters_narrow_the_payouts(self, here: Shop) -> None:
        bulk = here.sent(here.approved("acme", "beta"), {"acme": CLOSED, "beta": SUCCEEDED})
        here.built("gamma")
        url = reverse("payouts:payouts")

        def found(**query: str) -> set[str]:
            rows = here.browser("maker").get(url, {**query, "cols": "partner__public_id"}).context["part"].rows
            return {row["public_id"] for row in rows}

        ids = {name: here.payout(name).public_id for name in ("acme", "beta", "gamma")}
        assert found(status="FAILED") == {ids["acme"]}
        assert found(bulk=bulk.public_id) == {ids["acme"], ids["beta"]}
        assert found(partner="gamma") == {ids["gamma"]}
        assert found(bank="KOOKMIN") == set(ids.values())
        assert found(bank="SHINHAN") == set()
        assert found(bank="NO_SUCH_BANK") == set()
        assert found(kw="code", q="415") == {ids["acme"]}
        assert found(date="created", date_period="yesterday") == set()


class TestQueryCounts:
    """Every page makes the same number of queries with one row as with many."""

    @pytest.fixture
    def full(self, here: Shop) -> tuple[Shop, BulkPayout]:
        names = [f"p{number}" for number in range(6)]
        answers = dict(zip(names, [CLOSED, NO_ANSWER, SUCCEEDED, SUCCEEDED, NO_ANSWER, CLOSED], strict=True))
        bulk = here.sent(here.approved(*names), answers)
        here.submitted("q0", "q1", "q2")
        return here, bulk

    def test_with_many_rows(self, full: tuple[Shop, BulkPayout]) -> None:
        here, bulk = full
        here.browser("maker")
        for name in (*LISTS, "forecast"):
            with recorded(f"payouts:{name}"):
                here.get(name, "")
        with recorded("payouts:bulk-payout"):
            here.get("bulk-payout", bulk.public_id)
        with recorded("payouts:payout"):
            here.get("payout", here.payout("p0").public_id)
        with recorded("payouts:case"):
            here.get("case", here.payout("p1").public_id)

    def test_with_one_row(self, here: Shop) -> None:
        bulk = here.sent(here.approved("p0"), {"p0": NO_ANSWER})
        here.submitted("q0")
        here.browser("maker")
        for name in (*LISTS, "forecast"):
            with recorded(f"payouts:{name}"):
                here.get(name, "")
        with recorded("payouts:bulk-payout"):
            here.get("bulk-payout", bulk.public_id)
        with recorded("payouts:payout"):
            here.get("payout", here.payout("p0").public_id)
        with recorded("payouts:case"):
            here.get("case", here.payout("p0").public_id)

"""
What is going on today: the things an operator finds in the morning.

Orders with lines, discounts, fees, tax-free goods and partial cancels; a partner who owes money back; an account that
is closed, one that sends money back, one whose holder differs, one whose change waits for an approver; a settlement
held on purpose; a bulk payout just sent, one that waits for approval and one being prepared.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from config.seeding import bank, past_payouts
from config.seeding.cast import FULFILMENT, HALF_SHARE, MARKETING, NO_SHARE, Sketch, make_partner
from config.seeding.past_payouts import Deciders
from core import clock, jobs
from core.actor import Actor
from core.scope import Scope
from payouts.models import BankAccount, BulkPayout, Decision
from payouts.operations import approval, dispatch, running
from settlement.cancels import Cancel, CancelDiscount, CancelLine
from settlement.models import PartnerType, TaxationType
from settlement.operations import holding, maturity, partners, records
from settlement.operations.records import CancelDraft, DiscountDraft, LineDraft, ManualRow, OrderDraft

CLOSED, RETURNING, MISMATCH, OWING, CHANGING, GROWER = (
    "story-closed", "story-returned", "story-mismatch", "story-owing", "story-changed", "story-grower",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Stage:
    """Where the story happens."""

    scope: Scope
    account: BankAccount
    people: Deciders
    now: datetime

    @property
    def maker(self) -> Actor:
        """Return who records and builds."""
        return self.people.maker


def company_of(name: str, taxation: TaxationType) -> partners.Taxpayer:
    """Return what a company says about its taxes."""
    return partners.Taxpayer(
        type=PartnerType.BUSINESS,
        company_name=name,
        taxation_type=taxation.value,
        business_registration_number="1178178260",
        representative_name="오대표",
    )


def _shop(public_id: str, name: str, taxation: TaxationType, bank_code: str, number: str) -> Sketch:
    return Sketch(public_id, name, "fresh-daily", company_of(name, taxation), bank_code, number, name)


_CAST = (
    _shop(CLOSED, "폐업예정 잡화", TaxationType.NORMAL, "KAKAO", "3333210000415"),
    _shop(RETURNING, "이사간 서점", TaxationType.TAX_FREE, "WOORI", "1002330009999"),
    _shop(MISMATCH, "이름바꾼 공방", TaxationType.SIMPLE, "SHINHAN", "110222333441"),
    _shop(OWING, "환불많은 의류", TaxationType.NORMAL, "HANA", "62891022233391"),
    _shop(CHANGING, "계좌바꾼 베이커리", TaxationType.NORMAL, "IBK", "01044556677011"),
    _shop(GROWER, "햇살농부", TaxationType.NORMAL, "NONGHYUP", "3020445566771"),
)


def tell(stage: Stage) -> None:
    """Let everything of the last days happen."""
    _introduce(stage)
    _trade(stage)
    _advance(stage)
    _hold_one(stage)
    _send_last_cycle(stage)
    _ask_for_approval(stage)
    _prepare_another(stage)


def _introduce(stage: Stage) -> None:
    told = {MISMATCH: "이전 상호"}
    bank.register_accounts((one.bank, one.number, told.get(one.public_id, one.holder)) for one in _CAST)
    for one in _CAST:
        make_partner(stage.scope, one, stage.maker, stage.now - timedelta(days=40))
    run_all_jobs()


def run_all_jobs() -> None:
    """Do the background work that is due."""
    while jobs.run_due_jobs():
        pass


def _order(stage: Stage, partner: str, number: int, days_ago: int, **details: object) -> str:
    paid_at = stage.now - timedelta(days=days_ago)
    draft = OrderDraft(
        partner_id=partner,
        payment_id=f"{partner}-order-{number:03d}",
        order_name=f"주문 {number:03d}",
        paid_at=paid_at,
        start_date=clock.seoul_day(paid_at),
        **details,  # type: ignore[arg-type] # fields of the draft
    )
    return records.record_order(scope=stage.scope, by=stage.maker, now=stage.now, draft=draft).public_id


def _cancel(stage: Stage, order: str, word: str, days_ago: int, cancel: Cancel) -> None:
    day = clock.seoul_day(stage.now - timedelta(days=days_ago))
    draft = CancelDraft(cancellation_id=f"{word}", transfer_id=order, cancel=cancel, start_date=day)
    records.record_cancel(scope=stage.scope, by=stage.maker, now=stage.now, draft=draft)


def _trade(stage: Stage) -> None:
    for number in range(1, 7):
        for partner in (CLOSED, RETURNING, MISMATCH, CHANGING):
            _order(stage, partner, number, days_ago=12 - number, amount=28_000 + 3_700 * number)
    _trade_of_the_grower(stage)
    refunded = _order(stage, OWING, 1, days_ago=9, amount=120_000)
    _cancel(stage, refunded, "환불-전체", 4, Cancel())
    _order(stage, OWING, 2, days_ago=8, amount=15_000)
    manual = ManualRow(partner_id=OWING, amount=-35_000, settlement_date=clock.seoul_day(stage.now), memo="과지급 회수")
    records.record_manual(scope=stage.scope, by=stage.maker, now=stage.now, row=manual)


def _trade_of_the_grower(stage: Stage) -> None:
    lines = (
        LineDraft(
            "apple", "청송 사과 5kg", 38_000, 3, 38_000, "과일", discounts=(DiscountDraft(HALF_SHARE, 6_000, 6_000),)
        ),
        LineDraft("juice", "사과즙 30포", 24_900, 2, fee_policy_ids=(MARKETING,)),
    )
    basket = _order(stage, GROWER, 1, days_ago=10, lines=lines, fee_policy_ids=(FULFILMENT,))
    half = Cancel(lines=(CancelLine("apple", 1, (CancelDiscount(HALF_SHARE, 2_000, 2_000),)),))
    _cancel(stage, basket, "사과-1상자", 7, half)
    _order(stage, GROWER, 2, days_ago=8, amount=64_000, discounts=(DiscountDraft(NO_SHARE, 5_000),))
    _order(stage, GROWER, 3, days_ago=0, amount=51_500)


def _advance(stage: Stage) -> None:
    maturity.start_due(now=stage.now)
    maturity.mature_due(now=stage.now)


def _hold_one(stage: Stage) -> None:
    found = [row for row in past_payouts.open_settlements(stage.scope) if row.partner.public_id.startswith("shop-")]
    if found:
        holding.withhold(
            scope=stage.scope,
            by=stage.maker,
            now=stage.now,
            public_ids=[found[0].public_id],
            memo="상품 하자 민원 확인 중",
        )


def _free_of(stage: Stage, names: tuple[str, ...]) -> list[int]:
    rows = past_payouts.open_settlements(stage.scope)
    return [row.pk for row in rows if row.partner.public_id.startswith(names) and row.state == "PAYOUT_PREPARED"]


def _built(stage: Stage, chosen: list[int], name: str, at: datetime) -> BulkPayout:
    return past_payouts.build(stage.scope, stage.account, chosen, name, stage.maker, at)


def _submitted(stage: Stage, bulk: BulkPayout, at: datetime) -> BulkPayout:
    return approval.submit(
        scope=stage.scope, bulk_id=bulk.public_id, seen_hash=bulk.content_hash, by=stage.maker, now=at
    )


def _send_last_cycle(stage: Stage) -> None:
    """Send one bulk payout through the bank itself: it refuses the closed account, and returns one transfer later."""
    at = stage.now - timedelta(minutes=30)
    bulk = _submitted(stage, _built(stage, _free_of(stage, ("story-",)), "지난주 정산 지급", at), at)
    for checker in stage.people.checkers[: bulk.approvals_needed]:
        approval.decide(
            scope=stage.scope, bulk_id=bulk.public_id, seen_hash=bulk.content_hash, decision=Decision.APPROVED,
            by=checker, now=at,
        )  # fmt: skip
    running.start_due(stage.now)
    while dispatch.send_due(now=clock.now()):
        pass
    running.advance_all(clock.now())
    _change_account(stage)


def _change_account(stage: Stage) -> None:
    new = partners.Account(bank="TOSS", currency="KRW", number="100044556671", holder="계좌바꾼 베이커리")
    bank.register_accounts([(new.bank, new.number, new.holder)])
    changes = partners.PartnerChanges(account=new)
    partners.change(scope=stage.scope, by=stage.maker, now=clock.now(), public_id=CHANGING, changes=changes)
    run_all_jobs()


def _ask_for_approval(stage: Stage) -> None:
    chosen = _free_of(stage, ("shop-000",))
    if chosen:
        at = stage.now - timedelta(minutes=10)
        _submitted(stage, _built(stage, chosen, f"{stage.now.month}월 셀러 정산", at), at)


def _prepare_another(stage: Stage) -> None:
    chosen = _free_of(stage, ("creator-000",))
    if chosen:
        _built(stage, chosen, "크리에이터 정산", stage.now - timedelta(minutes=5))

"""
The payouts of the past: one bulk payout a month, built, approved and paid by the product's own operations.

Only the clock is handed in from the past and the bank is told instead of called; claims, journals, approvals and
attempts are what they would have been.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.db import transaction

from config.seeding import bank
from core import ids
from core.actor import Actor
from core.clock import SEOUL
from core.scope import Scope
from payouts import queries
from payouts.models import BankAccount, BulkPayout, BulkStatus, Decision
from payouts.operations import approval, building, dispatch, results, running
from settlement import claims
from settlement.models import PartnerSettlement

_PAY_DAY = 10
_KEPT_OPEN_DAYS = 4
_CHUNK = 400


@dataclass(frozen=True, slots=True)
class Deciders:
    """Who makes and who approves."""

    maker: Actor
    checkers: tuple[Actor, ...]


def pay_past_months(
    scope: Scope, account: BankAccount, people: Deciders, *, first: date, today: date, tell: Callable[[str], None]
) -> None:
    """Pay every month whose pay day has passed."""
    for month, pay_day in _months(first, today):
        paid = _pay_month(scope, account, people, month, datetime.combine(pay_day, time(10), tzinfo=SEOUL))
        if paid:
            tell(f"{month:%Y-%m}: {paid} payouts")


def _months(first: date, today: date) -> Iterator[tuple[date, date]]:
    month = first.replace(day=1)
    while True:
        following = (month + timedelta(days=32)).replace(day=1)
        pay_day = following.replace(day=_PAY_DAY)
        if pay_day > today - timedelta(days=_KEPT_OPEN_DAYS):
            return
        yield month, pay_day
        month = following


def _pay_month(scope: Scope, account: BankAccount, people: Deciders, month: date, at: datetime) -> int:
    until = (month + timedelta(days=32)).replace(day=1) - timedelta(days=1)
    due = claims.claimable(scope).filter(settlement_date__lte=until)
    chosen = list(due.order_by("partner_id", "pk").values_list("pk", flat=True))
    if not chosen:
        return 0
    bulk = build(scope, account, chosen, f"{month.year}년 {month.month}월 정산 지급", people.maker, at)
    if not bulk.payout_count:
        return 0
    submitted = approval.submit(
        scope=scope,
        bulk_id=bulk.public_id,
        seen_hash=bulk.content_hash,
        by=people.maker,
        now=at + timedelta(minutes=20),
    )
    for checker in people.checkers[: submitted.approvals_needed]:
        approval.decide(
            scope=scope,
            bulk_id=bulk.public_id,
            seen_hash=submitted.content_hash,
            decision=Decision.APPROVED,
            by=checker,
            now=at + timedelta(hours=1),
        )
    _send(scope, bulk.public_id, at + timedelta(hours=1, minutes=1))
    return bulk.payout_count


def build(scope: Scope, account: BankAccount, chosen: list[int], name: str, maker: Actor, at: datetime) -> BulkPayout:
    """Build a bulk payout at a moment, as its job would."""
    bulk = BulkPayout.objects.create(
        **scope.filters(),
        public_id=ids.new_id(ids.BULK_PAYOUT, at),
        name=name,
        bank_account=account,
        created_by_id=maker.user_id,
        changed_by_id=maker.user_id,
        creator_name=maker.name,
        created_at=at,
        updated_at=at,
        status_changed_at=at,
    )
    for chunk in building.partner_chunks(scope, chosen):
        with transaction.atomic():
            building.build_chunk(
                scope=scope,
                bulk_id=bulk.public_id,
                settlement_ids=chunk,
                memos=building.Memos("", ""),
                by=maker,
                now=at,
            )
    with transaction.atomic():
        locked = queries.lock_bulk(scope, bulk.public_id)
        building.seal_content(
            locked, now=at, status=BulkStatus.PREPARED if _has_payouts(locked) else BulkStatus.CANCELLED
        )
    return queries.find_bulk(scope, bulk.public_id)


def _has_payouts(bulk: BulkPayout) -> bool:
    return queries.payouts_of(bulk).exists()


def _send(scope: Scope, bulk_id: str, at: datetime) -> None:
    running.start(scope=scope, bulk_id=bulk_id, now=at)
    rail_name = queries.find_bulk(scope, bulk_id).bank_account.rail
    while claimed := dispatch.claim(rail_name=rail_name, worker="seed", limit=_CHUNK, now=at):
        ready = dispatch.pass_point_of_no_return(claimed, at)
        outcomes = bank.load_past([one.instruction for one in ready], at)
        results.record(
            [
                results.Answered(one.attempt_id, one.fence, "send", outcome)
                for one, outcome in zip(ready, outcomes, strict=True)
            ],
            now=at,
        )
    running.advance(scope=scope, bulk_id=bulk_id, now=at)


def open_settlements(scope: Scope) -> list[PartnerSettlement]:
    """Return what is due and free, oldest first."""
    return list(claims.claimable(scope).select_related("partner").order_by("settlement_date", "pk"))

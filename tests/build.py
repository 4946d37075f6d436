"""
Builders of settlement: plain functions that a test reads like a story.

Everything happens in one scope, at a moment that the test names as a Seoul day; without one it is `TODAY`.
"""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, time
from typing import Any, TypeVar

from django.db import DatabaseError, connections

from access.models import Merchant
from access.roles import Role
from core.actor import Actor, ActorKind, system
from core.clock import SEOUL
from core.errors import DomainError
from core.scope import Scope
from ledger import accounts, queries
from ledger.accounts import Address
from ledger.chart import Code
from settlement.cancels import Cancel, CancelDiscount, CancelLine
from settlement.dates import Cycle, CycleMethod, DatePolicy, Weekday
from settlement.models import (
    AccountStatus,
    AdditionalFeePolicy,
    Contract,
    DiscountSharePolicy,
    Partner,
    PartnerSettlement,
    PartnerType,
    SettlementRecord,
    TaxationType,
)
from settlement.operations import contracts, maturity, partners, policies, records
from settlement.operations.partners import Account, Contact, PartnerDraft, Taxpayer
from settlement.operations.policies import FeeInput
from settlement.operations.records import CancelDraft, DiscountDraft, LineDraft, ManualRow, OrderDraft
from tests.access.build import Firm, firm

T = TypeVar("T")
BY = system("tests")
TODAY = "2023-08-11"
LONG_AGO = "2020-01-02"
MONTH_END = Cycle(2, CycleMethod.MONTHLY, DatePolicy.HOLIDAY_BEFORE, days_of_month=(31,))
FRIDAYS = Cycle(2, CycleMethod.WEEKLY, DatePolicy.CALENDAR_DAY, days_of_week=(Weekday.FRI,))
DAILY = Cycle(1, CycleMethod.DAILY, DatePolicy.CALENDAR_DAY)
TEN_PERCENT, FIVE_PERCENT = FeeInput(rate=10_000), FeeInput(rate=5_000)
ACCOUNT = Account("KOOKMIN", "KRW", "123-456-789012", "김정산")
PARTNER_CODES = {
    "receivable": Code.PARTNER_RECEIVABLE,
    "pending": Code.PARTNER_PENDING,
    "available": Code.PARTNER_AVAILABLE,
    "held": Code.PARTNER_HELD,
    "reserved": Code.PARTNER_RESERVED,
    "transit": Code.PAYOUT_IN_TRANSIT,
    "returned": Code.RETURNED_PAYOUT,
}


def day(text: str) -> date:
    """Return a day."""
    return date.fromisoformat(text)


def noon(text: str = TODAY) -> datetime:
    """Return noon in Seoul."""
    return datetime.combine(day(text), time(12), tzinfo=SEOUL)


def merchant(name: str = "달빛마켓", *, is_test: bool = False) -> Scope:
    """Add a merchant; return its live scope, or the test one."""
    return Scope(firm(name).merchant.pk, is_test)


def person(scope: Scope, username: str, role: Role) -> Actor:
    """Add a person with a role and return the actor that stands for them."""
    user = Firm(Merchant.objects.get(pk=scope.merchant_id), scope).person(username, role)
    return Actor(ActorKind.USER, username, user_id=user.pk)


# ---- terms


def contract(
    scope: Scope,
    public_id: str = "ten-percent",
    *,
    fee: FeeInput = TEN_PERCENT,
    vat_payer: str = "PARTNER",
    subtract_payment_vat: bool = False,
    cycle: Cycle = MONTH_END,
    on: str = LONG_AGO,
) -> Contract:
    """Add a contract; by default 10 %, VAT by the partner, settled at the end of the month."""
    return contracts.create(
        scope=scope,
        by=BY,
        now=noon(on),
        public_id=public_id,
        name=public_id,
        fee=fee,
        vat_payer=vat_payer,
        cycle=cycle,
        subtract_payment_vat=subtract_payment_vat,
    )


def share(scope: Scope, public_id: str = "half", rate: int = 50_000, *, on: str = LONG_AGO) -> DiscountSharePolicy:
    """Add a discount share policy; by default the partner bears half."""
    return policies.create_discount_share(
        scope=scope, by=BY, now=noon(on), public_id=public_id, name=public_id, partner_share_rate=rate
    )


def extra_fee(
    scope: Scope,
    public_id: str = "five",
    fee: FeeInput = FIVE_PERCENT,
    *,
    vat_payer: str = "PARTNER",
    third_party: str = "",
    on: str = LONG_AGO,
) -> AdditionalFeePolicy:
    """Add an additional fee policy; by default 5 %, VAT by the partner."""
    return policies.create_additional_fee(
        scope=scope,
        by=BY,
        now=noon(on),
        public_id=public_id,
        name=public_id,
        fee=fee,
        vat_payer=vat_payer,
        third_party=third_party,
    )


BUSINESS = Taxpayer(
    PartnerType.BUSINESS,
    company_name="정산상사",
    taxation_type=TaxationType.NORMAL.value,
    business_registration_number="1178178260",
    representative_name="김정산",
)
WHT_PAYER = Taxpayer(PartnerType.WHT_PAYER)
NON_WHT_PAYER = Taxpayer(PartnerType.NON_WHT_PAYER)


def partner_draft(public_id: str = "seller-7", **values: Any) -> PartnerDraft:
    """Return a partner to be made."""
    usual: dict[str, Any] = {
        "name": f"파트너 {public_id}"[:200],
        "contact": Contact("김담당", "contact@example.com"),
        "account": ACCOUNT,
        "default_contract_id": "ten-percent",
        "taxpayer": BUSINESS,
    }
    return PartnerDraft(public_id=public_id, **(usual | values))


def partner(scope: Scope, public_id: str = "seller-7", *, verified: bool = True, **values: Any) -> Partner:
    """
    Add a partner, and its contract unless it is there; keywords are fields of `PartnerDraft`.

    Its account is verified, as if the look-up had said so, unless `verified` is False.
    """
    wanted = values.get("default_contract_id", "ten-percent")
    if not Contract.objects.within(scope).filter(public_id=wanted).exists():
        contract(scope, wanted)
    made = partners.create(scope=scope, by=BY, now=noon(LONG_AGO), draft=partner_draft(public_id, **values))
    if verified:
        made.account_status = AccountStatus.VERIFIED
        made.save(update_fields=["account_status"])
    return made


# ---- records


def order(
    scope: Scope,
    amount: int | None = 10_000,
    partner_id: str = "seller-7",
    *,
    on: str = TODAY,
    start: str | None = TODAY,
    payment_id: str | None = None,
    settlement_date: str | None = None,
    lines: Sequence[LineDraft] = (),
    discounts: Sequence[DiscountDraft] = (),
    fees: Sequence[str] = (),
    **values: Any,
) -> SettlementRecord:
    """Record an order; each gets a payment of its own unless one is named."""
    count = SettlementRecord.objects.within(scope).count()
    draft = OrderDraft(
        partner_id=partner_id,
        payment_id=payment_id or f"order-{count + 1}",
        amount=None if lines else amount,
        lines=lines,
        discounts=discounts,
        fee_policy_ids=fees,
        start_date=day(start) if start else None,
        settlement_date=day(settlement_date) if settlement_date else None,
        **values,
    )
    return records.record_order(scope=scope, by=BY, now=noon(on), draft=draft)


def line(product_id: str, unit_amount: int, quantity: int, **values: Any) -> LineDraft:
    """Return a line to be ordered."""
    return LineDraft(product_id=product_id, name=product_id, unit_amount=unit_amount, quantity=quantity, **values)


def cancel(
    scope: Scope,
    of: SettlementRecord,
    amount: int | None = None,
    *,
    lines: Sequence[tuple[str, int] | CancelLine] | None = None,
    discounts: Sequence[tuple[str, int]] = (),
    tax_free: int | None = None,
    number: str = "",
    on: str = TODAY,
    start: str | None = TODAY,
    **values: Any,
) -> SettlementRecord:
    """Record a cancel of an order: an amount, lines as (product, quantity), or all that is left."""
    named = None if lines is None else tuple(one if isinstance(one, CancelLine) else CancelLine(*one) for one in lines)
    wanted = Cancel(amount, named, tax_free, tuple(CancelDiscount(*one) for one in discounts))
    draft = CancelDraft(
        cancellation_id=number or f"cancel-{of.cancels.count() + 1}",
        transfer_id=of.public_id,
        cancel=wanted,
        start_date=day(start) if start else None,
        **values,
    )
    return records.record_cancel(scope=scope, by=BY, now=noon(on), draft=draft)


def manual(
    scope: Scope,
    amount: int,
    partner_id: str = "seller-7",
    *,
    settlement_date: str = TODAY,
    on: str = TODAY,
    **values: Any,
) -> SettlementRecord:
    """Record a manual adjustment."""
    row = ManualRow(partner_id=partner_id, amount=amount, settlement_date=day(settlement_date), **values)
    return records.record_manual(scope=scope, by=BY, now=noon(on), row=row)


def settled(
    scope: Scope, net: int, partner_id: str = "seller-7", *, settlement_date: str = TODAY, **values: Any
) -> PartnerSettlement:
    """Return a due partner settlement of one new manual record; only this record is in it if its day is a new one."""
    record = manual(scope, net, partner_id, settlement_date=settlement_date, on=settlement_date, **values)
    return settlement_of(record)


def mature(on: str) -> int:
    """Let everything that is due on a day start and mature; return how many records matured."""
    maturity.start_due(now=noon(on))
    return maturity.mature_due(now=noon(on))


def settlement_of(record: SettlementRecord) -> PartnerSettlement:
    """Return the partner settlement a record is in now."""
    record.refresh_from_db()
    assert record.partner_settlement is not None
    return record.partner_settlement


# ---- the books


def money(scope: Scope, partner_id: str = "seller-7", currency: str = "KRW") -> dict[str, int]:
    """Return where a partner's money is: the balances that are not zero, by name."""
    addresses = {name: accounts.partner(code, partner_id, currency) for name, code in PARTNER_CODES.items()}
    found = {name: queries.balance(scope, address) for name, address in addresses.items()}
    return {name: balance for name, balance in found.items() if balance}


def balance(scope: Scope, code: Code, owner: str = "", currency: str = "KRW") -> int:
    """Return one account's balance in its normal direction."""
    return queries.balance(scope, Address(code, owner, currency))


def off_balance(scope: Scope) -> int:
    """Return what the books are off by, 0 when all is well and no law is broken."""
    assert queries.broken_invariants() == []
    return sum(row.balance for row in queries.trial_balance(scope))


# ---- at once


def together(actions: Iterable[Callable[[], T]]) -> list[T | DomainError | DatabaseError]:
    """
    Run actions at the same time, each on a connection of its own; return what each gave or was refused with.

    Only in a database that is really committed to.
    """

    def run(action: Callable[[], T]) -> T | DomainError | DatabaseError:
        try:
            return action()
        except (DomainError, DatabaseError) as error:
            return error
        finally:
            connections.close_all()

    actions = list(actions)
    with ThreadPoolExecutor(len(actions)) as pool:
        return [done.result() for done in [pool.submit(run, action) for action in actions]]

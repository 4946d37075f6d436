"""Reads of payouts: what the operations lock, what the journals need, what pages list."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from types import MappingProxyType
from typing import Any

from django.db import connection
from django.db.models import Count, F, Q, QuerySet, Sum

from access import sealed
from access.models import User
from core.clock import SEOUL
from core.errors import NotFound
from core.rows import kept
from core.scope import Scope
from core.sql import load, numbers
from payouts.content import PayoutContent
from payouts.journals import Money
from payouts.models import (
    Attempt,
    BankAccount,
    BulkPayout,
    BulkStatus,
    Decision,
    DispatchStop,
    Payout,
    PayoutLimits,
    PayoutMethod,
    PayoutStatus,
)
from settlement.models import Partner, PartnerSettlement

_TABLE, _COLUMN = "payouts_payout", "account_number"
# What is approved of a payout and sent to the bank, and what its journals need.
PAYOUT_SENT = (
    *("public_id", "merchant_id", "is_test", "status", "currency", "amount", "income_tax_amount"),
    *("local_income_tax_amount", "reserved_credit", "reserved_debit", "reserved_vat", "bank", "account_number_sealed"),
    *("account_fingerprint", "account_holder", "withdrawal_memo", "deposit_memo", "content_hash"),
)


def _place(scope: Scope, public_id: str) -> str:
    return f"{scope.merchant_id}/{'test' if scope.is_test else 'live'}/{public_id}"


def seal_account(scope: Scope, payout_id: str, number: str) -> bytes:
    """Seal an account number for one payout."""
    return sealed.seal(number, table=_TABLE, column=_COLUMN, row=_place(scope, payout_id))


def account_number(payout: Payout) -> str:
    """Open the account number of a payout; only the dispatcher and an audited reveal may ask."""
    row = _place(payout.scope, payout.public_id)
    return sealed.unseal(payout.account_number_sealed, table=_TABLE, column=_COLUMN, row=row)


def money_of(payout: Payout, bank_account: BankAccount) -> Money:
    """Return what the journals of a payout need; the partner must have been fetched with it."""
    return Money(
        payout=payout.public_id,
        partner=payout.partner.public_id,
        bank_account=bank_account.public_id,
        currency=payout.currency,
        amount=payout.amount,
        income_tax=payout.income_tax_amount,
        local_tax=payout.local_income_tax_amount,
        reserved_credit=payout.reserved_credit,
        reserved_debit=payout.reserved_debit,
        reserved_vat=payout.reserved_vat,
    )


def content_of(payout: Payout) -> PayoutContent:
    """Return the parts of a payout that people approve."""
    return PayoutContent(
        payout=payout.public_id,
        partner=payout.partner.public_id,
        amount=payout.amount,
        currency=payout.currency,
        income_tax=payout.income_tax_amount,
        local_tax=payout.local_income_tax_amount,
        bank=payout.bank,
        account_fingerprint=payout.account_fingerprint,
        holder=payout.account_holder,
        withdrawal_memo=payout.withdrawal_memo,
        deposit_memo=payout.deposit_memo,
    )


def payouts_of(bulk: BulkPayout) -> QuerySet[Payout]:
    """Return the payouts of a bulk payout with their partners."""
    return Payout.objects.filter(bulk_payout=bulk).select_related("partner")


def approved_on(scope: Scope, day: date, *, approver_id: int | None = None) -> int:
    """Return how much was approved on a Seoul day, in minor units; with `approver_id` by this person alone."""
    start = datetime.combine(day, time(), SEOUL)
    rows = BulkPayout.objects.within(scope).filter(status__in=(*_COMMITTED, BulkStatus.COMPLETED))
    if approver_id is None:
        rows = rows.filter(approved_at__gte=start, approved_at__lt=start + timedelta(days=1))
    else:
        rows = BulkPayout.objects.within(scope).filter(
            approvals__approver_id=approver_id,
            approvals__decision=Decision.APPROVED,
            approvals__content_hash=F("content_hash"),
            approvals__decided_at__gte=start,
            approvals__decided_at__lt=start + timedelta(days=1),
        )
    return int(rows.aggregate(total=Sum("total_amount"))["total"] or 0)


def bulk_rows_by_key(keys: Iterable[int]) -> QuerySet[BulkPayout]:
    """Return bulk payouts by key with their accounts, whosever they are: for background work."""
    return BulkPayout.objects.filter(pk__in=list(keys)).select_related("bank_account")


def find_bulk(scope: Scope, public_id: str) -> BulkPayout:
    """Return a bulk payout of a scope. Raises NotFound."""
    bulk = BulkPayout.objects.within(scope).select_related("bank_account").filter(public_id=public_id).first()
    if bulk is None:
        raise NotFound(f"bulk payout {public_id} does not exist")
    return bulk


def lock_bulk(scope: Scope, public_id: str) -> BulkPayout:
    """Lock a bulk payout for the caller's transaction. Raises NotFound."""
    bulk = try_lock_bulk(scope, public_id, wait=True)
    if bulk is None:
        raise NotFound(f"bulk payout {public_id} does not exist")
    return bulk


def try_lock_bulk(scope: Scope, public_id: str, *, wait: bool = False) -> BulkPayout | None:
    """Lock a bulk payout for the caller's transaction; None when it does not exist, or is locked and not waited for."""
    rows = BulkPayout.objects.within(scope).select_related("bank_account").filter(public_id=public_id)
    return rows.select_for_update(of=("self",), skip_locked=not wait).first()


def find_payout(scope: Scope, public_id: str) -> Payout:
    """Return a payout of a scope with its partner and bulk payout. Raises NotFound."""
    rows = Payout.objects.within(scope).select_related("partner", "bulk_payout", "bulk_payout__bank_account")
    payout = rows.filter(public_id=public_id).first()
    if payout is None:
        raise NotFound(f"payout {public_id} does not exist")
    return payout


def bank_accounts(scope: Scope) -> QuerySet[BankAccount]:
    """Return the accounts a scope can pay from, the one it usually pays from first."""
    return BankAccount.objects.within(scope).exclude(rail="").order_by("pk")


def default_bank_account(scope: Scope) -> BankAccount:
    """Return the account a scope pays from. Raises NotFound when none is set up."""
    account = bank_accounts(scope).first()
    if account is None:
        raise NotFound("no bank account is set up")
    return account


def stops(scope: Scope | None) -> QuerySet[DispatchStop]:
    """Return the stops of a scope, those of everybody among them, open ones first, then newest first."""
    everybody = Q(merchant_id=None)
    rows = DispatchStop.objects.filter(everybody | Q(**scope.filters()) if scope else everybody)
    return rows.order_by(F("ended_at").desc(nulls_first=True), "-started_at")


def open_stops(scope: Scope | None) -> QuerySet[DispatchStop]:
    """Return what keeps a scope from sending now."""
    return stops(scope).filter(ended_at=None)


def limits(scope: Scope) -> PayoutLimits:
    """Return the limits of a scope; unsaved usual ones where nobody has set any."""
    return PayoutLimits.objects.within(scope).first() or PayoutLimits(**scope.filters())


# What deciding about an attempt needs of the rows around it.
_AROUND: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "attempt": tuple(field.attname for field in Attempt._meta.concrete_fields),  # noqa: SLF001 - public in all but name
        "payout": ("id", "bulk_payout_id", "partner_id", *PAYOUT_SENT),
        "partner": ("id", "public_id", "account_confirmed", "account_fingerprint"),
        "bulk": ("id", "public_id", "merchant_id", "is_test", "status", "bank_account_id"),
        "account": ("id", "public_id"),
    }
)
_COLUMNS = ", ".join(f"{table}.{column}" for table, columns in _AROUND.items() for column in columns)


def lock_attempts(ids: Sequence[int]) -> list[Attempt]:
    """Lock attempts in id order with their payouts, partners and bulk payouts."""
    with connection.cursor() as cursor:
        cursor.execute(f"select {_COLUMNS} {load('payouts', 'lock_attempts')}", [numbers(ids)])
        rows = cursor.fetchall()
    bulks: dict[int, BulkPayout] = {}
    return [_attempt(iter(row), bulks) for row in rows]


def _attempt(row: Iterator[Any], bulks: dict[int, BulkPayout]) -> Attempt:
    # Each takes as many values as it has columns: a row is all of them, one after the other.
    attempt, payout, partner, bulk, account = (dict(zip(columns, row)) for columns in _AROUND.values())  # noqa: B905 - see above
    if bulk["id"] not in bulks:
        bulks[bulk["id"]] = kept(BulkPayout, bulk, bank_account=kept(BankAccount, account))
    about = {"partner": kept(Partner, partner), "bulk_payout": bulks[bulk["id"]]}
    return kept(Attempt, attempt, payout=kept(Payout, payout, **about))


@dataclass(frozen=True, slots=True)
class Funds:
    """What an account holds and what of it is spoken for, in minor units."""

    bank: int
    in_transit: int
    set_aside: int
    approved: int

    @property
    def spendable(self) -> int:
        """What may leave the account now."""
        return self.bank - self.in_transit - self.set_aside

    @property
    def uncommitted(self) -> int:
        """What is left when everything approved has been paid."""
        return self.spendable - self.approved


_COMMITTED = (BulkStatus.APPROVED, BulkStatus.SCHEDULED, BulkStatus.ONGOING, BulkStatus.POST_PROCESS_PENDING)
UNSENT = (PayoutStatus.CONFIRMED, PayoutStatus.SCHEDULED, PayoutStatus.PREPARED)


def funds(bank_account: BankAccount) -> Funds:
    """Return the funds of a bank account as the books know them."""
    approved = Payout.objects.filter(
        bulk_payout__bank_account=bank_account, bulk_payout__status__in=_COMMITTED, status__in=UNSENT
    ).aggregate(total=Sum("amount"))["total"]
    bank, in_transit, set_aside = _held(bank_account)
    return Funds(bank=bank, in_transit=in_transit, set_aside=set_aside, approved=int(approved or 0))


def spendable(bank_account: BankAccount) -> int:
    """Return what may leave a bank account now, in minor units; whoever decides by it holds the account's row."""
    bank, in_transit, set_aside = _held(bank_account)
    return Funds(bank=bank, in_transit=in_transit, set_aside=set_aside, approved=0).spendable


def _held(bank_account: BankAccount) -> tuple[int, int, int]:
    scope = bank_account.scope
    values: dict[str, int | bool | str] = {
        "merchant": scope.merchant_id,
        "test": scope.is_test,
        "bank_account": bank_account.public_id,
        "currency": bank_account.currency,
    }
    with connection.cursor() as cursor:
        cursor.execute(load("payouts", "funds"), values)
        bank, in_transit, set_aside = (int(figure) for figure in cursor.fetchone())
    return bank, in_transit, set_aside


def status_counts(bulk: BulkPayout) -> dict[str, tuple[int, int]]:
    """Return count and amount of a bulk payout's payouts by status."""
    rows = Payout.objects.filter(bulk_payout=bulk).values("status").annotate(count=Count("pk"), total=Sum("amount"))
    return {row["status"]: (row["count"], int(row["total"])) for row in rows.order_by("status")}


def settlements_of(payout: Payout) -> QuerySet[PartnerSettlement]:
    """Return the partner settlements a payout was made of, with the claims it made."""
    return PartnerSettlement.objects.filter(claims__payout_ref_id=payout.pk).order_by("settlement_date", "pk")


def scopes_with(statuses: Iterable[str]) -> list[BulkPayout]:
    """Return bulk payouts in the given statuses, in the order they were approved."""
    rows = BulkPayout.objects.select_related("bank_account").filter(status__in=list(statuses))
    return list(rows.order_by("approved_at", "pk"))


# ---- lists of the API


def payout_rows(scope: Scope) -> QuerySet[Payout]:
    """Return payouts with everything that is told about one."""
    return Payout.objects.within(scope).select_related("partner__default_contract", "bulk_payout")


def bulk_payout_rows(scope: Scope) -> QuerySet[BulkPayout]:
    """Return bulk payouts with the account they pay from."""
    return BulkPayout.objects.within(scope).select_related("bank_account")


def run_rows(scope: Scope) -> QuerySet[BulkPayout]:
    """Return bulk payouts that were approved to be sent through a bank."""
    return bulk_payout_rows(scope).filter(
        method=PayoutMethod.AGENCY, approved_at__isnull=False, status__in=(*_COMMITTED, BulkStatus.COMPLETED)
    )


def attempt_rows(scope: Scope) -> QuerySet[Attempt]:
    """Return instructions to the bank with their payouts, partners, bulk payouts and accounts."""
    mine = {f"payout__{name}": value for name, value in scope.filters().items()}
    return Attempt.objects.filter(**mine).select_related("payout__partner", "payout__bulk_payout__bank_account")


def figures_of(bulks: Sequence[BulkPayout], *, sent_only: bool = False) -> Mapping[int, dict[str, tuple[int, int]]]:
    """Return count and amount of payouts by status for each bulk payout; `sent_only` leaves out payouts of nothing."""
    figures: dict[int, dict[str, tuple[int, int]]] = defaultdict(dict)
    rows = Payout.objects.filter(bulk_payout__in=[row.pk for row in bulks])
    if sent_only:
        rows = rows.filter(amount__gt=0)
    counted = rows.order_by().values_list("bulk_payout_id", "status").annotate(count=Count("pk"), total=Sum("amount"))
    for bulk, status, count, total in counted:
        figures[bulk][status] = (count, int(total))
    return figures


def makers_of(bulks: Sequence[BulkPayout]) -> Mapping[int, str]:
    """Return the public ids of the people who made bulk payouts, by key."""
    keys = {row.created_by_id for row in bulks if row.created_by_id}
    return dict(User.objects.filter(pk__in=keys).values_list("pk", "public_id"))

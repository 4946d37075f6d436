"""Reads of the books: balances on any day, the trial balance, and the checks that must always hold."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.db import connection
from django.db.models import QuerySet

from core.scope import Scope
from core.sql import load
from ledger import accounts
from ledger.accounts import Address
from ledger.models import Account, Entry, Journal


@dataclass(frozen=True, slots=True)
class AccountBalance:
    """Debits, credits and their difference (debit positive), in minor units."""

    account_id: int
    debit: int
    credit: int
    balance: int


@dataclass(frozen=True, slots=True)
class TrialRow:
    """One line of the trial balance: all accounts of a code and currency."""

    code: int
    name: str
    english: str
    side: int
    currency: str
    accounts: int
    debit: int
    credit: int
    balance: int


@dataclass(frozen=True, slots=True)
class Broken:
    """An invariant that does not hold, and where."""

    invariant: str
    where: str


def balances(account_ids: Sequence[int], on: date | None = None) -> dict[int, AccountBalance]:
    """Return balances by account id, up to and including an effective day when one is given."""
    with connection.cursor() as cursor:
        cursor.execute("select * from ledger_balances(%s, %s)", [list(account_ids), on])
        return {row[0]: AccountBalance(row[0], int(row[1]), int(row[2]), int(row[3])) for row in cursor.fetchall()}


def balance(scope: Scope, address: Address, on: date | None = None) -> int:
    """Return one account's balance in its own normal direction: what a partner is owed is positive."""
    account = accounts.find(scope, address)
    if account is None:
        return 0
    return balances([account.pk], on)[account.pk].balance * account.chart.side


def trial_balance(scope: Scope, on: date | None = None) -> list[TrialRow]:
    """Return the trial balance per code and currency; the balances of each currency sum to zero."""
    with connection.cursor() as cursor:
        cursor.execute(
            load("ledger", "trial_balance"), {"merchant": scope.merchant_id, "test": scope.is_test, "day": on}
        )
        return [TrialRow(*row[:5], *(int(figure) for figure in row[5:])) for row in cursor.fetchall()]


def broken_invariants() -> list[Broken]:
    """Return what does not hold in the books of the whole database; empty is the only acceptable answer."""
    with connection.cursor() as cursor:
        cursor.execute(load("ledger", "invariants"))
        return [Broken(*row) for row in cursor.fetchall()]


def journals_of(scope: Scope, kind: str, public_id: str) -> QuerySet[Journal]:
    """Return the journals about a business object, oldest first."""
    return Journal.objects.within(scope).filter(origin_kind=kind, origin_id=public_id).order_by("pk")


def entries_of(journal: Journal) -> QuerySet[Entry]:
    """Return a journal's legs in order, with their accounts."""
    return Entry.objects.filter(journal=journal).select_related("account", "account__chart").order_by("leg_no")


def accounts_of(scope: Scope, owner_kind: str, owner: str) -> QuerySet[Account]:
    """Return the accounts of an owner."""
    return Account.objects.within(scope).filter(owner_kind=owner_kind, owner=owner).select_related("chart")


def fold() -> int | None:
    """Fold finished journals into the day totals; returns the last one that counts, None when another is at it."""
    with connection.cursor() as cursor:
        cursor.execute("select ledger_fold()")
        (mark,) = cursor.fetchone()
    return None if mark is None else int(mark)

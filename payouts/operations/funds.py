"""The merchant's own bank accounts: setting one up and putting money into it."""

from datetime import date, datetime

from django.db import transaction

from access import audit, sealed
from core import ids
from core.actor import Actor
from core.scope import Scope
from ledger import posting
from ledger.accounts import Address
from ledger.chart import Code
from ledger.posting import Origin, Posting, credit, debit
from payouts.models import BankAccount

_TABLE, _COLUMN = "payouts_bankaccount", "number"


def _place(scope: Scope, public_id: str) -> str:
    return f"{scope.merchant_id}/{'test' if scope.is_test else 'live'}/{public_id}"


def number_of(account: BankAccount) -> str:
    """Open the number of an account, in digits; only what is told to its bank may ask. Raises sealed.CannotOpen."""
    row = _place(account.scope, account.public_id)
    return sealed.digits(sealed.unseal(account.number_sealed, table=_TABLE, column=_COLUMN, row=row))


def open_bank_account(
    *,
    scope: Scope,
    name: str,
    bank: str,
    number: str,
    holder: str,
    rail: str,
    by: Actor,
    now: datetime,
    public_id: str = "",
) -> BankAccount:
    """Set up an account to pay from, through a rail. The number is sealed."""
    public_id = public_id or ids.new_id(ids.BANK_ACCOUNT, now)
    with transaction.atomic():
        account = BankAccount.objects.create(
            **scope.filters(),
            public_id=public_id,
            name=name,
            bank=bank,
            number_sealed=sealed.seal(number, table=_TABLE, column=_COLUMN, row=_place(scope, public_id)),
            last4=sealed.last4(number),
            holder=holder,
            rail=rail,
            created_at=now,
        )
        audit.record(
            scope=scope,
            by=by,
            action="bank_account.opened",
            kind="bank_account",
            object_id=public_id,
            after={"name": name, "bank": bank, "last4": account.last4, "rail": rail},
        )
    return account


def top_up(*, account: BankAccount, amount: int, on: date, reference: str, by: Actor) -> None:
    """Record money that the operator put into an account, once per reference. Minor units."""
    owner, currency = account.public_id, account.currency
    step = Posting(
        event="funds.topped_up",
        key=f"top-up:{owner}:{reference}",
        on=on,
        legs=[
            debit(Address(Code.BANK, owner, currency), amount, "funds"),
            credit(Address(Code.OPERATOR_FUNDS, owner, currency), amount, "funds"),
        ],
        origin=Origin("bank_account", owner),
    )
    posting.post(scope=account.scope, posting=step, by=by)

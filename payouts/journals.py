"""
The journals of a payout, as postings: what each step moves, and under which key.

Reserve and release are exact mirrors. Only the net amount travels through "in transit"; withheld tax becomes a
liability in the month the money is paid. Amounts are minor units.
"""

from dataclasses import dataclass
from datetime import date

from ledger.accounts import Address
from ledger.chart import Code
from ledger.posting import Leg, Origin, Posting, credit, debit


@dataclass(frozen=True, slots=True)
class Money:
    """What the journals of one payout need to know."""

    payout: str
    partner: str
    bank_account: str
    currency: str
    amount: int
    income_tax: int
    local_tax: int
    reserved_credit: int
    reserved_debit: int
    reserved_vat: int

    @property
    def gross(self) -> int:
        """The amount before withholding: what is reserved."""
        return self.amount + self.income_tax + self.local_tax

    def account(self, code: Code) -> Address:
        """Return the partner's account of a code."""
        return Address(code, self.partner, self.currency)

    def posting(self, event: str, key: str, on: date, legs: list[Leg], memo: str = "") -> Posting:
        """Return a posting about this payout."""
        return Posting(event=event, key=key, on=on, legs=legs, origin=Origin("payout", self.payout), memo=memo)


def _mirrored(legs: list[Leg]) -> list[Leg]:
    return [Leg(leg.account, -leg.amount, leg.component) for leg in legs]


def _reserve_legs(money: Money) -> list[Leg]:
    return [
        debit(money.account(Code.PARTNER_AVAILABLE), money.reserved_credit, "settlement"),
        credit(money.account(Code.PARTNER_RECEIVABLE), money.reserved_debit, "settlement"),
        debit(Address(Code.INPUT_VAT, "", money.currency), money.reserved_vat, "vat"),
        credit(money.account(Code.PARTNER_RESERVED), money.gross, "payout"),
    ]


def reserve(money: Money, on: date) -> Posting:
    """Take the claimed settlements' money for the payout: available and receivable become reserved."""
    return money.posting("payout.reserved", f"reserve:{money.payout}", on, _reserve_legs(money))


def release(money: Money, on: date, reason: str) -> Posting:
    """Give the reserved money back when the payout ended unpaid: the exact mirror of the reserve."""
    return money.posting("payout.released", f"release:{money.payout}", on, _mirrored(_reserve_legs(money)), reason)


def _dispatch_legs(money: Money) -> list[Leg]:
    return [
        debit(money.account(Code.PARTNER_RESERVED), money.amount, "payout"),
        credit(money.account(Code.PAYOUT_IN_TRANSIT), money.amount, "payout"),
    ]


def dispatch(money: Money, reference: str, submission: int, on: date) -> Posting:
    """Move the net amount in transit; posted before the bank is called."""
    return money.posting("payout.dispatched", f"dispatch:{reference}:{submission}", on, _dispatch_legs(money))


def undo_dispatch(money: Money, reference: str, submission: int, on: date) -> Posting:
    """Move it back after proof that the bank never received it."""
    legs = _mirrored(_dispatch_legs(money))
    return money.posting("payout.dispatch_undone", f"undispatch:{reference}:{submission}", on, legs)


def fail(money: Money, reference: str, on: date, code: str) -> Posting:
    """Move it back after the bank refused for good."""
    return money.posting("payout.failed", f"fail:{reference}", on, _mirrored(_dispatch_legs(money)), code)


def succeed(money: Money, reference: str, on: date) -> Posting:
    """Book the payment: money leaves the account, withheld tax is owed for the month of payment."""
    month = f"{on:%Y-%m}"
    legs = [
        debit(money.account(Code.PAYOUT_IN_TRANSIT), money.amount, "payout"),
        credit(Address(Code.BANK, money.bank_account, money.currency), money.amount, "payout"),
        debit(money.account(Code.PARTNER_RESERVED), money.income_tax + money.local_tax, "withholding"),
        credit(Address(Code.WITHHELD_INCOME_TAX, month, money.currency), money.income_tax, "income_tax"),
        credit(Address(Code.WITHHELD_LOCAL_TAX, month, money.currency), money.local_tax, "local_income_tax"),
    ]
    return money.posting("payout.succeeded", f"succeed:{reference}", on, legs)


def come_back(money: Money, reference: str, on: date, *, kept: int = 0) -> Posting:
    """
    Book returned money first by itself, so that the bank account is right whoever it belongs to.

    `kept` is what the returning bank took for it.
    """
    legs = [
        debit(Address(Code.BANK, money.bank_account, money.currency), money.amount - kept, "payout"),
        debit(Address(Code.BANK_FEE, "", money.currency), kept, "return_fee"),
        credit(money.account(Code.RETURNED_PAYOUT), money.amount, "payout"),
    ]
    return money.posting("payout.came_back", f"return:{reference}", on, legs)


def attribute_return(money: Money, reference: str, paid_on: date, on: date) -> Posting:
    """Then whose it is: returned money and the undone withholding become reserved again; the release follows."""
    month = f"{paid_on:%Y-%m}"
    legs = [
        debit(money.account(Code.RETURNED_PAYOUT), money.amount, "payout"),
        debit(Address(Code.WITHHELD_INCOME_TAX, month, money.currency), money.income_tax, "income_tax"),
        debit(Address(Code.WITHHELD_LOCAL_TAX, month, money.currency), money.local_tax, "local_income_tax"),
        credit(money.account(Code.PARTNER_RESERVED), money.gross, "payout"),
    ]
    return money.posting("payout.return_attributed", f"attribute:{reference}", on, legs)


def paid_by_hand(money: Money, on: date) -> Posting:
    """Paid outside the system: reserved money is settled against the operator's own funds."""
    month = f"{on:%Y-%m}"
    legs = [
        debit(money.account(Code.PARTNER_RESERVED), money.gross, "payout"),
        credit(Address(Code.OPERATOR_FUNDS, money.bank_account, money.currency), money.amount, "payout"),
        credit(Address(Code.WITHHELD_INCOME_TAX, month, money.currency), money.income_tax, "income_tax"),
        credit(Address(Code.WITHHELD_LOCAL_TAX, month, money.currency), money.local_tax, "local_income_tax"),
    ]
    return money.posting("payout.paid_by_hand", f"direct:{money.payout}", on, legs)

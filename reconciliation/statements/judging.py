"""
What a line of a statement means for us: pure rules, no database.

A line is matched without a person only when reference, amount, account and day all agree with one transfer of ours;
everything else stays open with a reason. Money that came in and that nobody asked for goes to suspense, so that the
bank account is right even where nobody knows whose money it is.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from reconciliation.statements.lines import Said


class Verdict(StrEnum):
    """What is done with a line."""

    MATCHED = "matched"
    """An entry of ours explains it."""
    DECIDES = "decides"
    """It settles a transfer whose answer was unclear."""
    RETURNED = "returned"
    """A payout came back."""
    DEPOSIT = "deposit"
    """Money that nobody expected: booked to suspense."""
    REPEATED = "repeated"
    """It stood in an earlier statement."""
    OPEN = "open"
    """A person has to look."""


class Open(StrEnum):
    """Why a line, or a part of it, is open."""

    NO_REFERENCE = "no_reference"
    UNKNOWN_REFERENCE = "unknown_reference"
    AMOUNT = "amount_differs"
    DAY = "day_differs"
    ACCOUNT = "account_differs"
    NOT_SENT = "not_sent_yet"
    UNPAID = "counts_as_unpaid"
    TWICE = "twice"
    CANDIDATES = "has_candidates"
    FEE = "fee_to_check"
    RETURN = "return_differs"
    GAP = "gap"
    RELEASED = "released"
    PART = "part_left"
    SUSPENSE = "deposit_suspense"
    """Explained by what was booked to suspense; whose it is is still to be said."""


class Stage(StrEnum):
    """How far a transfer of ours is, as far as a statement is concerned."""

    UNSENT = "unsent"
    UNCLEAR = "unclear"
    UNPAID = "unpaid"
    PAID = "paid"
    RETURNED = "returned"


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry on the bank account of ours: `left` is what no line explains yet, with its sign."""

    journal_id: int
    leg_no: int
    day: date
    left: int


@dataclass(frozen=True, slots=True)
class Transfer:
    """
    What we know of a transfer under the reference of a line.

    `paid` and `came_back` are the entries of its payment and its return; `marks` tell the account it went to, with and
    without its bank.
    """

    stage: Stage
    is_of_account: bool
    amount: int
    currency: str
    reference_date: date
    executed_on: date | None
    marks: frozenset[str]
    return_fee: int
    paid: Entry | None = None
    came_back: Entry | None = None


@dataclass(frozen=True, slots=True)
class Read:
    """
    A line as far as it is judged.

    `mark` tells the account of the other side, empty where the bank did not say it; `is_of_number` that it was made of
    the number alone because the bank did not say which bank.
    """

    day: date
    amount: int
    currency: str
    said: Said
    reference: str
    reference_date: date | None
    mark: str
    is_of_number: bool = False


@dataclass(frozen=True, slots=True)
class Judged:
    """What is done with a line, the reason where it stays open, and the entry that explains it."""

    verdict: Verdict
    reason: Open | None = None
    entry: Entry | None = None


def _open(reason: Open) -> Judged:
    return Judged(Verdict.OPEN, reason)


def judge(
    line: Read, transfer: Transfer | None, *, is_second: bool, has_candidates: bool, deposit: Entry | None
) -> Judged:
    """
    Say what a line means.

    `transfer` is ours under its reference, `is_second` that an earlier line of the same direction has this reference,
    `has_candidates` that entries of ours could explain it, `deposit` the entry of a deposit booked under its reference.
    """
    if line.amount < 0:
        return _out(line, transfer, is_second=is_second, has_candidates=has_candidates)
    named = transfer is not None and line.said in {Said.RETURN, Said.OTHER}
    if named and transfer is not None:
        return _back(line, transfer, is_second=is_second)
    if deposit is not None and deposit.left == line.amount and deposit.day == line.day:
        return Judged(Verdict.MATCHED, entry=deposit)
    return _open(Open.CANDIDATES) if has_candidates else Judged(Verdict.DEPOSIT, Open.SUSPENSE)


def _out(line: Read, transfer: Transfer | None, *, is_second: bool, has_candidates: bool) -> Judged:
    if line.said is Said.FEE or transfer is None:
        return _open(_unexplained(line, has_candidates=has_candidates))
    wrong = _other_account(line, transfer)
    if wrong is None and (line.amount, line.currency) != (-transfer.amount, transfer.currency):
        wrong = Open.AMOUNT
    wrong = wrong or _other_date(line, transfer) or (Open.TWICE if is_second else _UNPAID.get(transfer.stage))
    if wrong is not None:
        return _open(wrong)
    if transfer.stage is Stage.UNCLEAR:
        return _open(Open.DAY) if line.day < transfer.reference_date else Judged(Verdict.DECIDES)
    return _explained(line, transfer.paid, transfer.executed_on)


_UNPAID = {Stage.UNSENT: Open.NOT_SENT, Stage.UNPAID: Open.UNPAID}


def _unexplained(line: Read, *, has_candidates: bool) -> Open:
    if line.reference and line.said is not Said.FEE:
        return Open.UNKNOWN_REFERENCE
    if has_candidates:
        return Open.CANDIDATES
    return Open.FEE if line.said is Said.FEE else Open.NO_REFERENCE


def _other_account(line: Read, transfer: Transfer) -> Open | None:
    other = bool(line.mark) and line.mark not in transfer.marks
    return Open.ACCOUNT if other or not transfer.is_of_account else None


def _other_date(line: Read, transfer: Transfer) -> Open | None:
    """Compare the date that belongs to a reference; a bank that leaves it out is taken by the day it booked."""
    said = line.reference_date
    return Open.DAY if said is not None and said != transfer.reference_date else None


def _explained(line: Read, entry: Entry | None, day: date | None) -> Judged:
    if entry is None or entry.left != line.amount:
        return _open(Open.TWICE if entry is not None and not entry.left else Open.AMOUNT)
    if day != line.day:
        return _open(Open.DAY)
    return Judged(Verdict.MATCHED, entry=entry)


def _back(line: Read, transfer: Transfer, *, is_second: bool) -> Judged:
    wrong = _other_account(line, transfer) or _other_date(line, transfer) or (Open.TWICE if is_second else None)
    if wrong is not None:
        return _open(wrong)
    if transfer.stage is Stage.RETURNED:
        entry = transfer.came_back
        return _explained(line, entry, entry.day if entry else None)
    if transfer.stage is not Stage.PAID:
        return _open(Open.NOT_SENT)
    if transfer.executed_on is not None and line.day < transfer.executed_on:
        return _open(Open.DAY)
    fits = line.currency == transfer.currency and 0 <= transfer.amount - line.amount <= transfer.return_fee
    return Judged(Verdict.RETURNED) if fits else _open(Open.RETURN)

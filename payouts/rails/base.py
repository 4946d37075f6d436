"""
What a rail is asked, what it may answer, and what it must promise before money goes through it.

An outcome that is not proven is UNKNOWN. Nothing here guesses: success and failure both need the bank's own known code
and an answer that names the very transfer it was asked for.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from enum import StrEnum
from types import MappingProxyType

from core.clock import SEOUL
from core.money import MAX_AMOUNT

_SHOWN_DIGITS = 4


class OutcomeKind(StrEnum):
    """How a call about one transfer ended."""

    SUCCEEDED = "SUCCEEDED"
    """The bank moved the money."""
    ACCEPTED = "ACCEPTED"
    """The bank took the instruction and is still working on it."""
    FAILED = "FAILED"
    """The bank refused for good; nothing was or will be moved for this reference."""
    NOT_SENT = "NOT_SENT"
    """No byte of the instruction left us. Only `send` says so, never an inquiry."""
    UNKNOWN = "UNKNOWN"
    """Anything may have happened."""
    NOT_RECEIVED = "NOT_RECEIVED"
    """The bank does not know the reference (yet). Only an inquiry says so."""


class FailureClass(StrEnum):
    """Why a transfer failed, as far as it decides about retrying and about where its money waits."""

    ACCOUNT = "ACCOUNT"
    FUNDS = "FUNDS"
    LIMIT = "LIMIT"
    WINDOW = "WINDOW"
    TECHNICAL = "TECHNICAL"
    COMPLIANCE = "COMPLIANCE"
    UNKNOWN = "UNKNOWN"


_CODES_BY_CLASS: Mapping[FailureClass, tuple[str, ...]] = MappingProxyType(
    {
        # 412 no account, 415 closed, 416 cannot be paid into, 420 suspended, 499 other, 815 holder differs.
        FailureClass.ACCOUNT: (
            *("412", "415", "416", "420", "499", "815"),
            "CANNOT_BE_WRITTEN",  # ours: no file of transfers can hold this destination
            # ISO 20022: account wrong, closed, blocked or of the wrong kind, another holder or currency.
            *("AC01", "AC03", "AC04", "AC06", "AC13", "AC14", "AG01", "AM03", "BE01", "BE05", "RC01", "RC04"),
            *("CURRENCY_NOT_ACCEPTED", "account_closed", "account_frozen", "bank_account_restricted"),
            *("invalid_account_number", "incorrect_account_holder_name", "invalid_currency", "no_account"),
            *(
                "counterpartyAccountClosed",
                "counterpartyAccountBlocked",
                "counterpartyAccountNotFound",
                "routeNotFound",
            ),
        ),
        FailureClass.FUNDS: ("AM04", "INSUFFICIENT_FUNDS", "insufficient_funds", "notEnoughBalance"),
        FailureClass.LIMIT: ("AM02", "AM14", "LIMIT_EXCEEDED", "amountLimitExceeded"),
        FailureClass.WINDOW: ("TM01", "MAINTENANCE", "OUTSIDE_HOURS"),
        FailureClass.TECHNICAL: ("REFUSED", "RATE_LIMITED", "INVALID_REQUEST", "counterpartyBankUnavailable"),
        # 419 is an account reported in an accident or fraud.
        FailureClass.COMPLIANCE: (
            *("419", "FRAD", "RR04", "LEGL", "SANCTIONED", "SUSPECTED_FRAUD"),
            *("refusedByCounterpartyBank", "declined"),
        ),
    }
)
FAILURE_CLASSES: Mapping[str, FailureClass] = MappingProxyType(
    {code: kind for kind, codes in _CODES_BY_CLASS.items() for code in codes}
)


def failure_class(code: str) -> FailureClass:
    """Return the class of a bank's refusal code; an unlisted code is UNKNOWN, which no rule retries or releases."""
    return FAILURE_CLASSES.get(code, FailureClass.UNKNOWN)


def mask_account(number: str) -> str:
    """Return the number with all but its last four characters hidden; a short one is hidden whole."""
    shown = number[-_SHOWN_DIGITS:] if len(number) > _SHOWN_DIGITS else ""
    return "*" * (len(number) - len(shown)) + shown


class BankUnavailable(Exception):
    """A look-up (holder, business, balance, statement) got no usable answer. Asking again is harmless."""


class BankSilent(BankUnavailable):
    """No answer came at all: the next try may get one."""


class BusinessStatus(StrEnum):
    """Whether a business is run."""

    IN_BUSINESS = "IN_BUSINESS"
    CLOSED = "CLOSED"
    SUSPENDED = "SUSPENDED"


class TaxationType(StrEnum):
    """How a business is taxed."""

    NORMAL = "NORMAL"
    SIMPLE_TAX_INVOICE_ISSUER = "SIMPLE_TAX_INVOICE_ISSUER"
    SIMPLE = "SIMPLE"
    TAX_FREE = "TAX_FREE"
    ASSIGNED_ID_NUMBER = "ASSIGNED_ID_NUMBER"
    SPECIAL = "SPECIAL"


@dataclass(frozen=True, slots=True)
class Business:
    """What the tax office has on file about a business; texts it did not name are empty, days None."""

    number: str
    status: BusinessStatus
    taxation: TaxationType
    name: str = ""
    representative: str = ""
    address: str = ""
    zip_code: str = ""
    entity: str = ""
    kind: str = ""
    item: str = ""
    category: str = ""
    opened_on: date | None = None
    closed_on: date | None = None
    taxation_since: date | None = None


@dataclass(frozen=True, slots=True)
class Instruction:
    """
    One transfer to be made: `amount` minor units of `currency`, named at the bank by reference and reference date.

    The bank executes a reference once, so an instruction sent again must be the same in every field.
    """

    reference: str
    reference_date: date
    amount: int
    currency: str
    bank: str
    account_number: str = field(repr=False)
    holder: str = field(repr=False)
    deposit_memo: str = ""
    withdrawal_memo: str = ""

    def __post_init__(self) -> None:
        if type(self.amount) is not int or not 0 < self.amount <= MAX_AMOUNT:
            message = "A transfer's amount is a positive whole number of minor units."
            raise ValueError(message)


@dataclass(frozen=True, slots=True)
class Outcome:
    """
    How a call ended, and what the bank says it did; fields it did not name are empty or None.

    `code` is the bank's own (ours in capitals when there was none), `evidence` its answer with account numbers masked.
    `returned_at` is set when the money has come back after a success, which is still a success here.
    """

    kind: OutcomeKind
    code: str = ""
    message: str = ""
    bank_reference: str = ""
    reference: str = ""
    reference_date: date | None = None
    amount: int | None = None
    currency: str = ""
    bank: str = ""
    account_number: str = field(default="", repr=False)
    executed_at: datetime | None = None
    returned_at: datetime | None = None
    evidence: str = ""

    @property
    def failure_class(self) -> FailureClass | None:
        """Why it failed; None unless it did."""
        return failure_class(self.code) if self.kind is OutcomeKind.FAILED else None

    def confirmed_for(self, instruction: Instruction) -> "Outcome":
        """
        Return this outcome if the bank named exactly the instructed transfer, else the same as UNKNOWN / MISMATCH.

        Has to be applied to every outcome of an inquiry before it decides about money; `send` has done it already.
        """
        if self.kind not in {OutcomeKind.SUCCEEDED, OutcomeKind.ACCEPTED, OutcomeKind.FAILED}:
            return self
        named = ("reference", "reference_date", "amount", "currency", "bank", "account_number")
        return self._unknown_if([name for name in named if getattr(self, name) != getattr(instruction, name)])

    def confirmed_as(self, reference: str, reference_date: date) -> "Outcome":
        """Return this outcome if the bank named this reference and date, else the same as UNKNOWN / MISMATCH."""
        if self.kind is OutcomeKind.UNKNOWN:
            return self
        wanted = {"reference": reference, "reference_date": reference_date}
        return self._unknown_if([name for name, value in wanted.items() if getattr(self, name) != value])

    def _unknown_if(self, differing: list[str]) -> "Outcome":
        if not differing:
            return self
        message = f"The answer ({self.code}) differs in: {', '.join(differing)}."
        return replace(self, kind=OutcomeKind.UNKNOWN, code="MISMATCH", message=message)


class LineKind(StrEnum):
    """What moved money on a statement line."""

    TRANSFER = "TRANSFER"
    RETURN = "RETURN"
    DEPOSIT = "DEPOSIT"


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One movement as the bank booked it: `amount` is signed (out is negative), `sequence` counts from 1 each day."""

    day: date
    sequence: int
    booked_at: datetime
    kind: LineKind
    amount: int
    balance_after: int
    currency: str
    bank_reference: str
    reference: str
    reference_date: date | None
    bank: str
    account_number: str = field(repr=False)
    name: str = field(repr=False)
    memo: str = ""


@dataclass(frozen=True, slots=True)
class MaintenanceWindow:
    """Daily hours, in Seoul, in which the bank takes no transfers; it may cross midnight. The end is open again."""

    start: time
    end: time

    def contains(self, moment: datetime) -> bool:
        """Return whether the aware moment lies inside."""
        clock = moment.astimezone(SEOUL).time()
        if self.start <= self.end:
            return self.start <= clock < self.end
        return clock >= self.start or clock < self.end


@dataclass(frozen=True, slots=True)
class RailPromises:
    """
    What may be relied on.

    `deduplicates`: the same reference and date never moves money twice, so it may be sent again.
    `inquiry_authoritative`: NOT_RECEIVED means not received, once `settle_delay` seconds have passed since sending.
    `maintenance`: hours in which nothing should be sent.
    `by_file`: instructions leave in files that a person carries to the bank; nothing is ever called.
    `remote`: a call waits for another machine, so that many are made side by side.
    """

    deduplicates: bool
    inquiry_authoritative: bool
    settle_delay: float
    maintenance: MaintenanceWindow | None = None
    by_file: bool = False
    remote: bool = True


class Rail(ABC):
    """
    A way to one bank. Stateless, safe to share between threads; never retries, refuses to work inside a transaction.

    `send` and `inquire` return an outcome and raise only for a programming error; look-ups raise BankUnavailable.
    """

    @property
    @abstractmethod
    def promises(self) -> RailPromises:
        """What this rail guarantees."""

    @abstractmethod
    def send(self, instruction: Instruction) -> Outcome:
        """Ask the bank, once, to make the transfer. Never answers NOT_RECEIVED."""

    @abstractmethod
    def inquire(self, reference: str, reference_date: date) -> Outcome:
        """Ask what became of a transfer. Never answers NOT_SENT."""

    @abstractmethod
    def account_holder(self, bank: str, number: str) -> str | None:
        """Return the account holder's name, None if the bank knows no such account. Raises BankUnavailable."""

    def business(self, number: str) -> Business | None:
        """Return a business by its ten digits, None if nobody has registered it. Raises BankUnavailable."""
        message = f"This rail knows no businesses, so not {number}."
        raise BankUnavailable(message)

    @abstractmethod
    def balance(self) -> int:
        """Return the balance of our account in minor units. Raises BankUnavailable."""

    @abstractmethod
    def statement(self, first: date, last: date) -> tuple[StatementLine, ...]:
        """Return every booked line of the Seoul days first to last, in the bank's order. Raises BankUnavailable."""

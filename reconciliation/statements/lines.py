"""What a bank statement says, whatever form its file has: lines in booking order, balances, and where they break."""

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum


class Said(StrEnum):
    """What the bank says moved the money; OTHER where its file does not say."""

    TRANSFER = "TRANSFER"
    RETURN = "RETURN"
    DEPOSIT = "DEPOSIT"
    FEE = "FEE"
    OTHER = "OTHER"


class Form(StrEnum):
    """The forms of statement files."""

    SIMULATOR_CSV = "sim_csv"
    CAMT053 = "camt053"
    MAPPED = "mapped"


@dataclass(frozen=True, slots=True)
class StatementLine:
    """
    One movement of the account. Texts that the file does not say are empty.

    `row` is the place in the file: the row of a sheet, the number of a camt.053 entry. `day` is the booking day in
    Seoul, `amount` minor units of `currency`, negative where money went out. `bank` is our code where we know the bank,
    else as written; with `account_number` and `name` it is the other side.
    """

    row: int
    day: date
    booked_at: datetime | None
    amount: int
    balance_after: int | None
    currency: str
    said: Said
    bank_reference: str = ""
    reference: str = ""
    reference_date: date | None = None
    bank: str = ""
    account_number: str = field(default="", repr=False)
    name: str = field(default="", repr=False)
    memo: str = ""


@dataclass(frozen=True, slots=True)
class StatementFile:
    """
    A statement as a whole; amounts in minor units of `currency`.

    `account_number` and `statement_id` are empty where the file does not say. `gaps` are rows whose balance does not
    follow from the line before; the opening balance stands before the first, the closing one after the last.
    `passed_over` are rows that are no movement: sums, notes, rows that move nothing.
    """

    form: Form
    account_number: str = field(repr=False)
    currency: str
    statement_id: str
    first_day: date
    last_day: date
    opening: int | None
    closing: int | None
    lines: tuple[StatementLine, ...]
    gaps: tuple[int, ...] = ()
    passed_over: tuple[int, ...] = ()

    @property
    def paid_in(self) -> int:
        """The sum of what came in."""
        return sum(line.amount for line in self.lines if line.amount > 0)

    @property
    def paid_out(self) -> int:
        """The sum of what went out, as a positive amount."""
        return -sum(line.amount for line in self.lines if line.amount < 0)

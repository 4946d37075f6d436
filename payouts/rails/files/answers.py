"""What a result file says about a transfer, whatever its format, and the outcome it proves."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from core.clock import seoul_day
from payouts.rails.base import Instruction, Outcome, OutcomeKind, mask_account
from payouts.rails.files.order import BANK_NUMBERS, BANKS_BY_NUMBER

MOST_MESSAGE = 200
_LONG_NUMBER = re.compile(r"[0-9](?:[ -]?[0-9]){6,}")


class Form(StrEnum):
    """The formats of result files."""

    SHEET = "sheet"
    PAIN002 = "pain.002"
    CAMT053 = "camt.053"


class Movement(StrEnum):
    """What an answer is about."""

    TRANSFER = "TRANSFER"
    RETURN = "RETURN"
    OTHER = "OTHER"


@dataclass(frozen=True, slots=True)
class Answer:
    """
    One line of a result file. Fields the line does not name are empty or None.

    `line` is its place in the file; `code` the bank's own; `bank` our code where we know the bank, else as written.
    """

    line: int
    kind: OutcomeKind
    code: str = ""
    message: str = ""
    reference: str = ""
    amount: int | None = None
    bank: str = ""
    account_number: str = field(default="", repr=False)
    holder: str = field(default="", repr=False)
    executed_at: datetime | None = None
    bank_reference: str = ""
    movement: Movement = Movement.TRANSFER
    said: Mapping[str, str] = field(default_factory=dict)

    def outcome_for(self, instruction: Instruction, *, currency: str = "KRW") -> Outcome:
        """
        Return what the line proves about a transfer of the file it answers.

        What it names must agree with the instruction, and the bank cannot have paid before the day of the instruction;
        otherwise nothing is known (UNKNOWN / MISMATCH). What it does not name is told by the reference alone.
        """
        outcome = Outcome(
            kind=self.kind,
            code=self.code,
            message=self.message,
            bank_reference=self.bank_reference,
            reference=self.reference or instruction.reference,
            reference_date=instruction.reference_date,
            amount=instruction.amount if self.amount is None else self.amount,
            currency=currency,
            bank=self.bank or instruction.bank,
            account_number=self.account_number or instruction.account_number,
            executed_at=self.executed_at,
            evidence=self.evidence,
        ).confirmed_for(instruction)
        too_early = self.executed_at is not None and seoul_day(self.executed_at) < instruction.reference_date
        if too_early and outcome.kind is OutcomeKind.SUCCEEDED:
            message = f"The answer ({self.code}) differs in: executed_at."
            return replace(outcome, kind=OutcomeKind.UNKNOWN, code="MISMATCH", message=message)
        return outcome

    @property
    def evidence(self) -> str:
        """The line as text fit to be kept, account numbers masked."""
        told = {"line": str(self.line), **self.said}
        if self.account_number:
            told["account"] = mask_account(self.account_number)
        return masked(json.dumps(told, ensure_ascii=False))


@dataclass(frozen=True, slots=True)
class Reading:
    """
    A result file as a whole.

    `message_id` is the file of ours that it answers, where it says so. `everything` is what it says about all transfers
    it does not list. `account_number` is the account it is about, where it says so.
    """

    form: Form
    answers: tuple[Answer, ...]
    message_id: str = ""
    account_number: str = field(default="", repr=False)
    everything: Answer | None = None
    passed_over: int = 0


def masked(text: str) -> str:
    """Hide long numbers and what no database text can hold, and keep it short."""
    clean = text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode(errors="backslashreplace").decode()
    return _LONG_NUMBER.sub(lambda found: mask_account(found.group()), clean)[:2_000]


def message_of(text: str) -> str:
    """Return a bank's free text as it is kept: printable, masked and short."""
    return masked("".join(char for char in text if char.isprintable()))[:MOST_MESSAGE]


def bank_of(written: str) -> str:
    """Return our code of a bank that is written as its number or as our code; another text as it is."""
    text = written.strip()
    return BANKS_BY_NUMBER.get(text.zfill(3), text) if text.isdecimal() else text.upper() if _known(text) else text


def _known(text: str) -> bool:
    return text.upper() in BANK_NUMBERS

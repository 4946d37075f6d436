"""The rail of an account that pays by files: it calls nobody, and knows only what result files say."""

from datetime import date
from typing import NoReturn

from payouts.rails.base import BankUnavailable, Instruction, Outcome, OutcomeKind, Rail, RailPromises, StatementLine


class FileRail(Rail):
    """Nothing is deduplicated and no silence proves anything: a person may hand in a file twice, or never."""

    @property
    def promises(self) -> RailPromises:
        """Return that nothing is guaranteed."""
        return RailPromises(deduplicates=False, inquiry_authoritative=False, settle_delay=0, by_file=True)

    def send(self, instruction: Instruction) -> Outcome:  # noqa: ARG002 - nothing is sent, whatever it is
        """Say that nothing was sent: instructions leave in files only."""
        return Outcome(OutcomeKind.NOT_SENT, code="BY_FILE", message="Instructions leave in files.")

    def inquire(self, reference: str, reference_date: date) -> Outcome:
        """Say that nothing is known: only a result file answers."""
        return Outcome(
            OutcomeKind.UNKNOWN,
            code="BY_FILE",
            message="Only a result file answers.",
            reference=reference,
            reference_date=reference_date,
        )

    def account_holder(self, bank: str, number: str) -> str | None:  # noqa: ARG002 - nobody can be asked
        """Nobody can be asked."""
        _nobody()

    def balance(self) -> int:
        """Nobody can be asked."""
        _nobody()

    def statement(self, first: date, last: date) -> tuple[StatementLine, ...]:  # noqa: ARG002 - nobody can be asked
        """Nobody can be asked."""
        _nobody()


def _nobody() -> NoReturn:
    message = "This account pays by files; nobody can be asked."
    raise BankUnavailable(message)

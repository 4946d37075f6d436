"""The bank of the test environment: no money, no network, and every transfer succeeds."""

from datetime import UTC, date, datetime

from payouts.rails.base import (
    Business,
    BusinessStatus,
    Instruction,
    Outcome,
    OutcomeKind,
    Rail,
    RailPromises,
    StatementLine,
    TaxationType,
)

HOLDER = "테스트"
# Businesses by the end of their number; every other one is run and taxed normally.
_UNKNOWN_BUSINESS = "00000"
_BUSINESSES = {
    "00001": (BusinessStatus.CLOSED, TaxationType.NORMAL),
    "00002": (BusinessStatus.SUSPENDED, TaxationType.NORMAL),
    "00003": (BusinessStatus.IN_BUSINESS, TaxationType.SIMPLE_TAX_INVOICE_ISSUER),
    "00004": (BusinessStatus.IN_BUSINESS, TaxationType.SIMPLE),
    "00005": (BusinessStatus.IN_BUSINESS, TaxationType.TAX_FREE),
}
_FOUNDED, _ENDED = date(2015, 3, 2), date(2024, 12, 31)
BALANCE = 999_999_999_999_999


class TestEnvironmentRail(Rail):
    """
    Answers every transfer with success and remembers none.

    As it moves nothing, sending a reference again is harmless, and an inquiry truthfully says NOT_RECEIVED: an attempt
    that was interrupted is resolved by sending the same reference again, as it would be with a bank.
    """

    __test__ = False  # Its name would make pytest collect it.

    @property
    def promises(self) -> RailPromises:
        """Return the guarantees: nothing can go wrong."""
        return RailPromises(deduplicates=True, inquiry_authoritative=True, settle_delay=0, remote=False)

    def send(self, instruction: Instruction) -> Outcome:
        """Succeed."""
        return Outcome(
            kind=OutcomeKind.SUCCEEDED,
            code="SUCCESS",
            message="Test environment: no money moved.",
            bank_reference=f"TEST-{instruction.reference}",
            reference=instruction.reference,
            reference_date=instruction.reference_date,
            amount=instruction.amount,
            currency=instruction.currency,
            bank=instruction.bank,
            account_number=instruction.account_number,
            executed_at=datetime.now(UTC),
        )

    def inquire(self, reference: str, reference_date: date) -> Outcome:
        """Answer NOT_RECEIVED."""
        return Outcome(
            kind=OutcomeKind.NOT_RECEIVED,
            code="NOT_RECEIVED",
            message="Test environment: nothing is remembered.",
            reference=reference,
            reference_date=reference_date,
        )

    def account_holder(self, bank: str, number: str) -> str | None:  # noqa: ARG002 - every account is the same one here
        """Return the same name for every account."""
        return HOLDER

    def business(self, number: str) -> Business | None:
        """Return a made-up business; what it is follows from the end of its number."""
        if number.endswith(_UNKNOWN_BUSINESS):
            return None
        usual = (BusinessStatus.IN_BUSINESS, TaxationType.NORMAL)
        status, taxation = _BUSINESSES.get(number[-5:], usual)
        return Business(
            number=number,
            status=status,
            taxation=taxation,
            name=f"테스트상사 {number[-4:]}",
            representative=HOLDER,
            address="서울특별시 중구 세종대로 110",
            zip_code="04524",
            entity="개인",
            kind="도소매",
            item="전자상거래",
            category="525101",
            opened_on=_FOUNDED,
            closed_on=None if status is BusinessStatus.IN_BUSINESS else _ENDED,
        )

    def balance(self) -> int:
        """Return an amount that never runs out."""
        return BALANCE

    def statement(self, first: date, last: date) -> tuple[StatementLine, ...]:  # noqa: ARG002 - nothing ever moved
        """Return no lines: nothing ever moved."""
        return ()

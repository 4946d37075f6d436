"""What the engine answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction

from matching.engine.comparison import Compared, Nearest, Verdict
from matching.engine.terms import Policy, Total


class Status(StrEnum):
    """The match status of an invoice that a run gives; approval is the life cycle's."""

    NOT_APPLICABLE = "not_applicable"
    PASSED = "passed"
    FAILED = "failed"


class Reason(StrEnum):
    """Why a line fails."""

    PRICE = "PRICE"
    PRICE_TOTAL_PERCENT = "PRICE_TOTAL_PERCENT"
    PRICE_TOTAL_AMOUNT = "PRICE_TOTAL_AMOUNT"
    RECEIPT_QUANTITY = "RECEIPT_QUANTITY"
    UNIT = "UNIT"
    PO_LINE = "PO_LINE"


class Row(StrEnum):
    """The nine figures that explain a net unit price."""

    UNIT_PRICE = "unit_price"
    PRICE_UNIT = "price_unit"
    CHARGES_ON_PURCHASES = "charges_on_purchases"
    DISCOUNT = "discount"
    DISCOUNT_PERCENT = "discount_percent"
    MULTILINE_DISCOUNT = "multiline_discount"
    MULTILINE_DISCOUNT_PERCENT = "multiline_discount_percent"
    NET_AMOUNT = "net_amount"
    NET_UNIT_PRICE = "net_unit_price"


@dataclass(frozen=True, slots=True)
class PriceTotal:
    """All invoices of an order line together against the line; limits that are not judged are None."""

    compared: Compared
    tolerance_percent: Fraction | None
    variance_accounting: Fraction
    tolerance_amount: Fraction | None
    exchange_variance: Fraction
    is_last: bool
    # Whether a variance above and one below are judged.
    sides: tuple[bool, bool]
    verdict: Verdict
    nearest: Nearest | None = None


@dataclass(frozen=True, slots=True)
class LineResult:
    """What came of one line; what does not apply is None."""

    number: int
    net: Fraction
    policy: Policy | None = None
    policy_from: str = ""
    price_match: Verdict | None = None
    price_total_match: Verdict | None = None
    quantity_match: Verdict | None = None
    reasons: tuple[Reason, ...] = ()
    price: Compared | None = None
    rows: Mapping[Row, Compared] | None = None
    price_total: PriceTotal | None = None
    quantity: tuple[Fraction, Fraction] | None = None
    # The unit price at which a failed price would pass, all else as it is.
    unit_price_limit: Fraction | None = None

    @property
    def variance(self) -> Verdict | None:
        """Return the three results as one."""
        verdicts = [self.price_match, self.price_total_match, self.quantity_match]
        if Verdict.FAILED in verdicts:
            return Verdict.FAILED
        return Verdict.PASSED if Verdict.PASSED in verdicts else None


@dataclass(frozen=True, slots=True)
class Result:
    """The explained result of matching one invoice. `figures` are its six totals as entered."""

    status: Status
    lines: tuple[LineResult, ...]
    figures: Mapping[Total, Fraction]
    totals: Mapping[Total, Compared] | None = None
    totals_match: Verdict | None = None
    charges: Mapping[str, Compared] = field(default_factory=dict)
    charges_match: Verdict | None = None
    reasons: tuple[str, ...] = ()

    def line(self, number: int) -> LineResult:
        """Return the result of a line. Raises StopIteration when there is none."""
        return next(one for one in self.lines if one.number == number)

"""
What one line of a file is recognised by in another version of the same file.

Pure. Finer than the key of its group: two versions are compared line by line. Several lines may still have one key.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from reconciliation.charge_types import charge_type
from reconciliation.checks import amount, text
from reconciliation.figures import COLUMNS
from reconciliation.keys import Identity, identity_of
from reconciliation.lines import Kind, Line


@dataclass(frozen=True, slots=True)
class _Parts:
    columns: tuple[str, ...]
    """Columns beside the group's key; where a kind has no groups, all there is."""
    signed: bool = False
    """A charge and its refund are otherwise alike."""


_PERIOD = ("ChargeStartDate", "ChargeEndDate")
_COMMERCE = _Parts(("OrderDate", "ReferenceId", *_PERIOD), signed=True)
_PARTS: Mapping[Kind, _Parts] = MappingProxyType(
    {
        Kind.LICENSE: _Parts(_PERIOD, signed=True),
        Kind.USAGE: _Parts(("DetailLineItemId", *_PERIOD)),
        Kind.USAGE_DAILY_LEGACY: _Parts(("CustomerId", "SubscriptionId", "ResourceGuid", "UsageDate", "Project")),
        Kind.ONETIME_RECURRING: _COMMERCE,
        Kind.NCE_INVOICE: _COMMERCE,
        Kind.NCE_DAILY: _Parts(("UsageDate", "ResourceURI")),
        Kind.STRIPE_PAYOUT: _Parts(("balance_transaction_id",)),
        Kind.ADYEN_SETTLEMENT: _Parts(("Psp Reference", "Merchant Reference", "Modification Reference", "Type")),
    }
)


def line_key(line: Line, identity: Identity | None = None) -> tuple[object, ...]:
    """
    Return the key of a line that counts; lines of two versions with equal keys are the same charge or movement.

    `identity` is that of the line where it is known already.
    """
    parts = _PARTS[line.kind]
    values = tuple(line.values.get(column) for column in parts.columns)
    figures = COLUMNS.get(line.kind)
    if figures is None:
        return values
    pretax = amount(line, figures.pretax)
    sign = (pretax > 0) - (pretax < 0) if parts.signed else None
    # The days of daily usage are told apart by place and day, whatever their type is called.
    type_ = None if line.kind is Kind.NCE_DAILY else charge_type(line.kind, text(line, "ChargeType")).name
    return (identity or identity_of(line), type_, *values, sign)

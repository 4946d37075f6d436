"""
What one line of a file is recognised by in another version of the same file.

Pure. Finer than the key of its group: two versions are compared line by line. Several lines may still have one key.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from reconciliation.charges import Charges
from reconciliation.chunks import Chunk
from reconciliation.fingerprints import as_text, of_keys
from reconciliation.lines import Kind
from reconciliation.series import Series


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


def line_keys(chunk: Chunk, charges: Charges | None = None) -> Series[str]:
    """
    Return the fingerprints of the keys of lines that count; equal ones in two versions are the same charge or movement.

    `charges` are those of the chunk, where it is of a kind that has charges.
    """
    parts = _PARTS[chunk.kind]
    values = [chunk.column(column).map(as_text) for column in parts.columns]
    if charges is None:
        return of_keys(*values)
    none: Series[None] = Series.same(None, len(chunk))
    # The days of daily usage are told apart by place and day, whatever their type is called.
    types = none if chunk.kind is Kind.NCE_DAILY else charges.types.map(lambda type_: type_.name)
    return of_keys(charges.group_keys, types, *values, charges.signs if parts.signed else none)

"""
The moves that exist: from which state what may go where. The database keeps the same table and refuses all others.

A payout's own status follows from its attempts as soon as it has one; its moves are those that this makes possible.
"""

from collections.abc import Mapping
from types import MappingProxyType

from payouts.models import AttemptState, BulkStatus, PayoutStatus

Moves = Mapping[str, frozenset[str]]


def _moves(table: Mapping[str, tuple[str, ...]]) -> Moves:
    return MappingProxyType({str(before): frozenset(map(str, after)) for before, after in table.items()})


_B, _P, _A = BulkStatus, PayoutStatus, AttemptState

BULK: Moves = _moves(
    {
        _B.PREPARING: (_B.PREPARED, _B.CANCELLED),
        # Straight to its end only where it was paid by hand and the wire recorded it as such.
        _B.PREPARED: (_B.PENDING_APPROVAL, _B.CANCELLED, _B.PREPARING, _B.COMPLETED),
        _B.PENDING_APPROVAL: (_B.APPROVED, _B.PREPARED, _B.CANCELLED),
        _B.APPROVED: (_B.SCHEDULED, _B.ONGOING, _B.PREPARED, _B.CANCELLED, _B.COMPLETED),
        _B.SCHEDULED: (_B.ONGOING, _B.PREPARED, _B.CANCELLED),
        _B.ONGOING: (_B.POST_PROCESS_PENDING, _B.COMPLETED),
        _B.POST_PROCESS_PENDING: (_B.ONGOING, _B.COMPLETED),
    }
)
PAYOUT: Moves = _moves(
    {
        _P.CONFIRMED: (_P.SCHEDULED, _P.PREPARED, _P.CANCELLED, _P.SUCCEEDED),
        _P.SCHEDULED: (_P.CONFIRMED, _P.PREPARED, _P.CANCELLED, _P.SUCCEEDED),
        _P.PREPARED: (_P.PROCESSING, _P.STOPPED),
        _P.PROCESSING: (_P.SUCCEEDED, _P.FAILED, _P.UNKNOWN, _P.PREPARED),
        _P.UNKNOWN: (_P.SUCCEEDED, _P.FAILED, _P.PROCESSING, _P.PREPARED),
        _P.SUCCEEDED: (_P.RETURNED,),
    }
)
ATTEMPT: Moves = _moves(
    {
        _A.CREATED: (_A.CLAIMED, _A.STOPPED),
        _A.CLAIMED: (_A.CREATED, _A.SUBMITTING),
        # Back to the start only with proof that the bank never had it.
        _A.SUBMITTING: (_A.ACCEPTED, _A.SUCCEEDED, _A.FAILED, _A.UNKNOWN, _A.CREATED),
        _A.ACCEPTED: (_A.SUCCEEDED, _A.FAILED, _A.UNKNOWN, _A.CREATED),
        _A.UNKNOWN: (_A.SUCCEEDED, _A.FAILED, _A.ACCEPTED, _A.CREATED),
        _A.SUCCEEDED: (_A.RETURNED,),
    }
)
MOVES: Mapping[str, Moves] = MappingProxyType({"bulk": BULK, "payout": PAYOUT, "attempt": ATTEMPT})

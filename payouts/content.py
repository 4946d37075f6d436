"""
What an approval binds to: a hash over everything that will be sent.

The hash of a payout covers its amount, its destination and both memos; the hash of a bulk payout covers its payouts'
hashes, its bank account, its schedule and its version. A version that was rejected or edited never comes back, so no
approval of it can count again.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from core.clock import wire_moment


@dataclass(frozen=True, slots=True)
class PayoutContent:
    """The parts of one payout that people approve."""

    payout: str
    partner: str
    amount: int
    currency: str
    income_tax: int
    local_tax: int
    bank: str
    account_fingerprint: str
    holder: str
    withdrawal_memo: str
    deposit_memo: str

    def hash(self) -> str:
        """Return the SHA-256 of the canonical form."""
        return payout_hash([getattr(self, name) for name in PARTS])


PARTS = tuple(PayoutContent.__dataclass_fields__)


def payout_hash(parts: Sequence[str | int]) -> str:
    """Return the hash of a payout from its parts, in the order of PARTS."""
    return _sha256(parts)


def bulk_hash(
    *, bulk: str, version: int, bank_account: str, scheduled_at: datetime | None, payouts: Iterable[tuple[str, str]]
) -> str:
    """Return the hash of a bulk payout; `payouts` are pairs of public id and payout hash, in any order."""
    schedule = wire_moment(scheduled_at) if scheduled_at else ""
    return _sha256([bulk, version, bank_account, schedule, sorted(payouts)])


# Kept, because one with settings of its own is made anew for every call of `dumps`.
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def _sha256(parts: object) -> str:
    return hashlib.sha256(_encode(parts).encode()).hexdigest()

"""The content of a bulk payout as its rows say it now: totals and hash, read without an object for each payout."""

from dataclasses import dataclass

from payouts.content import PARTS, bulk_hash, payout_hash
from payouts.models import BulkPayout, Payout, PayoutStatus

# Where the parts of a payout's content are read, in their order.
_CONTENT = (
    *("public_id", "partner__public_id", "amount", "currency", "income_tax_amount", "local_income_tax_amount", "bank"),
    *("account_fingerprint", "account_holder", "withdrawal_memo", "deposit_memo"),
)
_ID, _AMOUNT = PARTS.index("payout"), PARTS.index("amount")
_PAGE = 5_000


@dataclass(frozen=True, slots=True)
class Content:
    """What a bulk payout comes to, in minor units, and the hash that an approval binds to."""

    payouts: int
    amount: int
    settlement_amount: int
    hash: str


def content_of_bulk(bulk: BulkPayout) -> Content:
    """Read all payouts that were not taken out; the hash of each is computed from its row, not read from it."""
    live = Payout.objects.filter(bulk_payout=bulk).exclude(status=PayoutStatus.CANCELLED).order_by("pk")
    pairs: list[tuple[str, str]] = []
    amount = settlement_amount = 0
    for settled, *content in live.values_list("settlement_amount", *_CONTENT).iterator(chunk_size=_PAGE):
        pairs.append((content[_ID], payout_hash(content)))
        amount += content[_AMOUNT]
        settlement_amount += settled
    found = bulk_hash(
        bulk=bulk.public_id,
        version=bulk.version,
        bank_account=bulk.bank_account.public_id,
        scheduled_at=bulk.scheduled_at,
        payouts=pairs,
    )
    return Content(len(pairs), amount, settlement_amount, found)

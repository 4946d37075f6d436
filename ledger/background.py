"""The background work of the ledger, registered by name."""

from core import jobs
from ledger import queries


@jobs.sweeper("ledger.fold")
def fold() -> int:
    """Fold finished journals into the day totals, so that balances stay cheap to read."""
    queries.fold()
    return 0

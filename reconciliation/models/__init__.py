"""
Tables of reconciliation.

Batches are loaded files: what was understood of each, its lines as they came, and which version counts. Billing records
are our own side. A comparison holds one outcome for every group of either side; resolutions are what people decided
about them and are never undone by anything automatic. Figures are exact decimals in their currency.
"""

from reconciliation.models.batches import KEPT_STATES, STORED_STATES, Batch, BatchLine, BatchState
from reconciliation.models.comparisons import Comparison, Outcome, ToleranceRule
from reconciliation.models.records import BillingRecord, PeriodLock, Source
from reconciliation.models.resellers import Parameters, ResellerLink, ResellerSettlement
from reconciliation.models.resolutions import Decision, Resolution
from reconciliation.models.statements import (
    How,
    Statement,
    StatementLine,
    StatementMapping,
    StatementMatch,
    StatementState,
)

__all__ = (
    "KEPT_STATES",
    "STORED_STATES",
    "Batch",
    "BatchLine",
    "BatchState",
    "BillingRecord",
    "Comparison",
    "Decision",
    "How",
    "Outcome",
    "Parameters",
    "PeriodLock",
    "ResellerLink",
    "ResellerSettlement",
    "Resolution",
    "Source",
    "Statement",
    "StatementLine",
    "StatementMapping",
    "StatementMatch",
    "StatementState",
    "ToleranceRule",
)

"""The compatible wire: payouts, bulk payouts, account transfers, and settlements that were paid by hand."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q, QuerySet

from access.api import ApiRequest, PlatformView, list_argument
from access.parse import Fields
from access.roles import ApiScope
from core import clock
from core.scope import Scope
from payouts import list_filters, queries, wire
from payouts.operations import direct
from settlement.list_filters import Page
from settlement.models import PUBLIC_ID_LENGTH

Shape = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _List:
    """One of the lists: its rows, what its filter asks of them and which statuses, and the column of the status."""

    rows: Callable[[Scope], QuerySet[Any]]
    condition: Callable[[Fields | None], Q]
    statuses: Callable[[Fields | None], Sequence[str]]
    column: str

    def read(self, request: ApiRequest) -> tuple[list[Any], Shape, Mapping[str, int]]:
        """Return the rows of the page asked for, what is said of the page, and how many rows have which status."""
        argument = list_argument(request)
        page, wanted = Page.of(argument), argument.maybe_mapping("filter")
        everything = self.rows(request.scope).filter(self.condition(wanted))
        statuses = self.statuses(wanted)
        rows = everything.filter(**{f"{self.column}__in": statuses}) if statuses else everything
        by_status = everything.order_by().values_list(self.column).annotate(found=Count("pk"))
        return list(page.of_rows(rows)), page.shape(rows), dict(by_status)


_PAYOUTS = _List(queries.payout_rows, list_filters.payout_filter, list_filters.payout_statuses, "status")
_BULK_PAYOUTS = _List(queries.bulk_payout_rows, list_filters.bulk_filter, list_filters.bulk_statuses, "status")
_TRANSFERS = _List(queries.attempt_rows, list_filters.transfer_filter, list_filters.transfer_statuses, "state")
_RUNS = _List(queries.run_rows, list_filters.run_filter, list_filters.run_statuses, "status")


class Payouts(PlatformView):
    """GET /payouts."""

    def get(self, request: ApiRequest) -> Shape:
        """Return a page of payouts, newest first, and how many have which status."""
        found, page, by_status = _PAYOUTS.read(request)
        counts = wire.folded(by_status, wire.PAYOUT_STATUS, wire.WirePayoutStatus)
        return {"items": [wire.payout(row) for row in found], "page": page, "counts": counts}


class BulkPayouts(PlatformView):
    """GET /bulk-payouts."""

    def get(self, request: ApiRequest) -> Shape:
        """Return a page of bulk payouts, newest first, and how many have which status."""
        found, page, by_status = _BULK_PAYOUTS.read(request)
        figures, people = queries.figures_of(found), queries.makers_of(found)
        items = [wire.bulk_payout(row, figures[row.pk], people) for row in found]
        counts = wire.folded(by_status, wire.BULK_STATUS, wire.WireBulkStatus)
        return {"items": items, "page": page, "counts": counts}


class AccountTransfers(PlatformView):
    """GET /account-transfers."""

    def get(self, request: ApiRequest) -> Shape:
        """Return a page of withdrawals, newest first, and how many have which status."""
        found, page, by_status = _TRANSFERS.read(request)
        counts = wire.folded(by_status, wire.TRANSFER_STATUS, wire.TransferStatus)
        return {"items": [wire.account_transfer(row) for row in found], "page": page, "counts": counts}


class BulkAccountTransfers(PlatformView):
    """GET /bulk-account-transfers."""

    def get(self, request: ApiRequest) -> Shape:
        """Return a page of runs, newest first, and how many have which status."""
        found, page, by_status = _RUNS.read(request)
        figures, people = queries.figures_of(found, sent_only=True), queries.makers_of(found)
        items = [wire.bulk_account_transfer(row, figures[row.pk], people) for row in found]
        counts = wire.folded(by_status, wire.RUN_STATUS, wire.RunStatus)
        return {"items": items, "page": page, "counts": counts}


class CompletePayout(PlatformView):
    """POST /partner-settlements/complete-payout."""

    scope_needed = ApiScope.PAYOUTS_COMPLETE

    def post(self, request: ApiRequest) -> Shape:
        """Record settlements as paid by hand, all or none."""
        fields = request.fields
        wanted = fields.texts("partnerSettlementIds", most=1_000, longest=PUBLIC_ID_LENGTH)
        # The day is sent under either name; the first is the one that counts.
        days = [fields.maybe_date(name) for name in ("completedAt", "completeAt")]
        made = direct.complete(
            scope=request.scope,
            by=request.actor,
            now=clock.now(),
            bulk_id=fields.text("bulkPayoutId", shortest=1, longest=PUBLIC_ID_LENGTH),
            settlement_ids=wanted,
            name=fields.maybe_text("name", longest=200) or "",
            completed_on=days[0] or days[1],
        )
        return wire.completed(made, len(wanted))

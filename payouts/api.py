"""The compatible wire: payouts, bulk payouts, account transfers, and settlements that were paid by hand."""

from collections.abc import Mapping
from typing import Any

from django.db.models import Count, QuerySet

from access.api import ApiRequest, PlatformView, list_argument
from access.roles import ApiScope
from core import clock
from payouts import list_filters, queries, wire
from payouts.operations import direct
from settlement.list_filters import Page
from settlement.models import PUBLIC_ID_LENGTH

Shape = dict[str, Any]


def _by(column: str, rows: QuerySet[Any]) -> Mapping[str, int]:
    return dict(rows.order_by().values_list(column).annotate(found=Count("pk")))


class Payouts(PlatformView):
    """GET /payouts."""

    def get(self, request: ApiRequest) -> Shape:
        """Return a page of payouts, newest first, and how many have which status."""
        argument = list_argument(request)
        page, wanted = Page.of(argument), argument.maybe_mapping("filter")
        everything = queries.payout_rows(request.scope).filter(list_filters.payout_filter(wanted))
        statuses = list_filters.payout_statuses(wanted)
        rows = everything.filter(status__in=statuses) if statuses else everything
        return {
            "items": [wire.payout(row) for row in page.of_rows(rows)],
            "page": page.shape(rows),
            "counts": wire.folded(_by("status", everything), wire.PAYOUT_STATUS, wire.WirePayoutStatus),
        }


class BulkPayouts(PlatformView):
    """GET /bulk-payouts."""

    def get(self, request: ApiRequest) -> Shape:
        """Return a page of bulk payouts, newest first, and how many have which status."""
        argument = list_argument(request)
        page, wanted = Page.of(argument), argument.maybe_mapping("filter")
        everything = queries.bulk_payout_rows(request.scope).filter(list_filters.bulk_filter(wanted))
        statuses = list_filters.bulk_statuses(wanted)
        rows = everything.filter(status__in=statuses) if statuses else everything
        found = list(page.of_rows(rows))
        figures, people = queries.figures_of(found), queries.makers_of(found)
        return {
            "items": [wire.bulk_payout(row, figures[row.pk], people) for row in found],
            "page": page.shape(rows),
            "counts": wire.folded(_by("status", everything), wire.BULK_STATUS, wire.WireBulkStatus),
        }


class AccountTransfers(PlatformView):
    """GET /account-transfers."""

    def get(self, request: ApiRequest) -> Shape:
        """Return a page of withdrawals, newest first, and how many have which status."""
        argument = list_argument(request)
        page, wanted = Page.of(argument), argument.maybe_mapping("filter")
        everything = queries.attempt_rows(request.scope).filter(list_filters.transfer_filter(wanted))
        states = list_filters.transfer_statuses(wanted)
        rows = everything.filter(state__in=states) if states else everything
        return {
            "items": [wire.account_transfer(row) for row in page.of_rows(rows)],
            "page": page.shape(rows),
            "counts": wire.folded(_by("state", everything), wire.TRANSFER_STATUS, wire.TransferStatus),
        }


class BulkAccountTransfers(PlatformView):
    """GET /bulk-account-transfers."""

    def get(self, request: ApiRequest) -> Shape:
        """Return a page of runs, newest first, and how many have which status."""
        argument = list_argument(request)
        page, wanted = Page.of(argument), argument.maybe_mapping("filter")
        everything = queries.run_rows(request.scope).filter(list_filters.run_filter(wanted))
        statuses = list_filters.run_statuses(wanted)
        rows = everything.filter(status__in=statuses) if statuses else everything
        found = list(page.of_rows(rows))
        figures, people = queries.figures_of(found, sent_only=True), queries.makers_of(found)
        return {
            "items": [wire.bulk_account_transfer(row, figures[row.pk], people) for row in found],
            "page": page.shape(rows),
            "counts": wire.folded(_by("status", everything), wire.RUN_STATUS, wire.RunStatus),
        }


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

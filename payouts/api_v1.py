"""Our own API: payouts and bulk payouts, with every status they can have."""

from typing import Any

from django.db.models import Q

from access.api import ApiRequest, V1View
from access.cursors import CursorPage
from access.parse import Fields
from access.wire import without_absent
from payouts import queries, wire
from payouts.models import BulkPayout, BulkStatus, Payout, PayoutMethod, PayoutStatus
from settlement.models import PUBLIC_ID_LENGTH

Shape = dict[str, Any]


def _named(query: Fields, name: str, column: str) -> Q:
    wanted = query.texts(name, most=100, longest=PUBLIC_ID_LENGTH)
    return Q(**{f"{column}__in": wanted}) if wanted else Q()


def _moments(query: Fields, name: str, column: str) -> Q:
    since, until = query.maybe_moment(f"{name}From"), query.maybe_moment(f"{name}Until")
    found = Q(**{f"{column}__gte": since}) if since else Q()
    return found & (Q(**{f"{column}__lt": until}) if until else Q())


def _payout(row: Payout) -> Shape:
    return wire.payout(row) | {"status": str(row.status), "settlementCount": row.settlement_count}


class Payouts(V1View):
    """GET /payouts."""

    def get(self, request: ApiRequest) -> Shape:
        """Return payouts, newest first."""
        query = request.query
        rows = queries.payout_rows(request.scope).filter(
            _named(query, "partnerId", "partner__public_id")
            & _named(query, "bulkPayoutId", "bulk_payout__public_id")
            & _moments(query, "created", "created_at")
            & _moments(query, "statusUpdated", "status_changed_at")
        )
        if statuses := query.choices("status", PayoutStatus):
            rows = rows.filter(status__in=statuses)
        found, more = CursorPage.of(query).take(rows)
        return {"items": [_payout(row) for row in found], **more}


class PayoutView(V1View):
    """GET /payouts/{id}."""

    def get(self, request: ApiRequest, public_id: str) -> Shape:
        """Return one with the partner settlements it is made of. NOT_FOUND."""
        row = queries.find_payout(request.scope, public_id)
        settlements = queries.settlements_of(row).values_list("public_id", flat=True)
        return _payout(row) | {"partnerSettlementIds": list(settlements)}


def bulk_shape(row: BulkPayout, figures: dict[str, tuple[int, int]], people: Any) -> Shape:
    """Return a bulk payout as this API shows it; `figures` are count and amount by status."""
    return without_absent(
        wire.bulk_payout(row, figures, people)
        | {
            "status": str(row.status),
            "payoutCount": row.payout_count,
            "contentHash": row.content_hash or None,
            "approvalsNeeded": row.approvals_needed,
            "scheduledAt": wire.moment(row.scheduled_at),
            "approvedAt": wire.moment(row.approved_at),
            "startedAt": wire.moment(row.started_at),
            "endedAt": wire.moment(row.ended_at),
            "skipped": [
                {"partnerId": one["partner"], "net": one["net"], "reason": one["reason"]} for one in row.skipped
            ],
        }
    )


class BulkPayouts(V1View):
    """GET /bulk-payouts."""

    def get(self, request: ApiRequest) -> Shape:
        """Return bulk payouts, newest first."""
        query = request.query
        rows = queries.bulk_payout_rows(request.scope).filter(_moments(query, "created", "created_at"))
        if statuses := query.choices("status", BulkStatus):
            rows = rows.filter(status__in=statuses)
        if methods := query.choices("method", PayoutMethod):
            rows = rows.filter(method__in=methods)
        found, more = CursorPage.of(query).take(rows)
        figures, people = queries.figures_of(found), queries.makers_of(found)
        return {"items": [bulk_shape(row, figures[row.pk], people) for row in found], **more}


class BulkPayoutView(V1View):
    """GET /bulk-payouts/{id}."""

    def get(self, request: ApiRequest, public_id: str) -> Shape:
        """Return one. NOT_FOUND."""
        row = queries.find_bulk(request.scope, public_id)
        return bulk_shape(row, queries.figures_of([row])[row.pk], queries.makers_of([row]))

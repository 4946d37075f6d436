"""Our own API: purchase orders and product receipts."""

from typing import Any

from access.api import Answer, ApiRequest
from access.cursors import CursorPage
from matching import api_bodies, api_reads, queries, wire
from matching.api_base import MatchingView, check_version, days, done, named, worded
from matching.models import OrderStatus
from matching.operations import orders, receipts

Shape = dict[str, Any]


class PurchaseOrders(MatchingView):
    """GET and POST /purchase-orders."""

    def get(self, request: ApiRequest) -> Shape:
        """Return orders, newest first, without their lines."""
        query = request.query
        rows = api_reads.orders(request.scope).filter(
            named(query, "vendor", "vendor__account")
            & worded(query, "status", "status", OrderStatus)
            & days(query, "date", "date")
        )
        found, more = CursorPage.of(query).take(rows)
        return {"items": [wire.order(row) for row in found], **more}

    def post(self, request: ApiRequest) -> Answer:
        """Create an order, confirmed unless it is a DRAFT."""
        row = done(request, orders.create_order, draft=api_bodies.new_order(request.fields))
        return Answer(api_reads.whole_order(request.scope, row.public_id), 201)


class PurchaseOrderView(MatchingView):
    """GET and PATCH /purchase-orders/{id}."""

    def get(self, request: ApiRequest, public_id: str) -> Shape:
        """Return an order with its lines, and what of them is still to be invoiced and delivered."""
        return api_reads.whole_order(request.scope, public_id)

    def patch(self, request: ApiRequest, public_id: str) -> Shape:
        """Change what is given and confirm the order again; pending invoices of changed lines follow."""
        draft = api_bodies.order_changes(public_id, request.fields)
        check_version(request.fields, queries.find_order(request.scope, public_id, lock=True))
        done(request, orders.change_order, draft=draft)
        return api_reads.whole_order(request.scope, public_id)


class Receipts(MatchingView):
    """GET and POST /receipts."""

    def get(self, request: ApiRequest) -> Shape:
        """Return receipts, newest first, without their lines."""
        query = request.query
        orders_of = query.texts("purchaseOrder", most=100)
        rows = api_reads.receipts(request.scope).filter(days(query, "date", "date"))
        if orders_of:
            rows = rows.filter(pk__in=api_reads.receipts_of_orders(request.scope, orders_of))
        cancelled = query.maybe_boolean("cancelled")
        if cancelled is not None:
            rows = rows.filter(cancelled_at__isnull=not cancelled)
        found, more = CursorPage.of(query).take(rows)
        return {"items": [wire.receipt(row, row.line_count) for row in found], **more}

    def post(self, request: ApiRequest) -> Answer:
        """Record what came in."""
        row = done(request, receipts.receive, draft=api_bodies.new_receipt(request.fields))
        return Answer(api_reads.whole_receipt(request.scope, row.public_id), 201)


class ReceiptView(MatchingView):
    """GET /receipts/{id}."""

    def get(self, request: ApiRequest, public_id: str) -> Shape:
        """Return a receipt with its lines, and what of them can still be matched."""
        return api_reads.whole_receipt(request.scope, public_id)


class ReceiptCancel(MatchingView):
    """POST /receipts/{id}/cancel."""

    def post(self, request: ApiRequest, public_id: str) -> Shape:
        """Cancel a receipt: it counts as if it had never come."""
        done(request, receipts.cancel_receipt, receipt_id=public_id)
        return api_reads.whole_receipt(request.scope, public_id)

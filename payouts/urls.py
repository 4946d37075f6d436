"""Addresses of the pages of payouts. Ids are chosen by callers and may hold slashes, so an id always comes last."""

from django.urls import path

from payouts.pages import bulk, lists, making, payout

app_name = "payouts"

urlpatterns = [
    path("payouts/bulk/", lists.BulkPayoutList.as_view(), name="bulk-payouts"),
    path("payouts/approvals/", lists.ApprovalList.as_view(), name="approvals"),
    path("payouts/unknown/", lists.UnknownList.as_view(), name="unknown"),
    path("payouts/accounts/", lists.MovementList.as_view(), name="accounts"),
    path("payouts/list/", lists.PayoutList.as_view(), name="payouts"),
    path("payouts/new/", making.NewView.as_view(), name="new"),
    path("payouts/again/", making.AgainView.as_view(), name="again"),
    path("payouts/bulk-list/", bulk.OpenView.as_view(), name="bulk-payout-list"),
    path("payouts/bulk-progress/<path:bulk_id>", bulk.ProgressView.as_view(), name="bulk-progress"),
    path("payouts/bulk-submit/<path:bulk_id>", bulk.SubmitView.as_view(), name="bulk-submit"),
    path("payouts/bulk-approve/<path:bulk_id>", bulk.ApproveView.as_view(), name="bulk-approve"),
    path("payouts/bulk-reject/<path:bulk_id>", bulk.RejectView.as_view(), name="bulk-reject"),
    path("payouts/bulk-cancel/<path:bulk_id>", bulk.CancelView.as_view(), name="bulk-cancel"),
    path("payouts/bulk-stop/<path:bulk_id>", bulk.StopView.as_view(), name="bulk-stop"),
    path("payouts/bulk-edit/<path:bulk_id>", bulk.EditView.as_view(), name="bulk-edit"),
    path("payouts/bulk/<path:bulk_id>", bulk.BulkPayoutPage.as_view(), name="bulk-payout"),
    path("payouts/list/<path:payout_id>", payout.PayoutPage.as_view(), name="payout"),
]

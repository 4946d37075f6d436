"""Addresses of matching below /api/v1."""

from django.urls import path

# Imported before the addresses are read: it brings the converter for ids.
from access import paths  # noqa: F401
from matching import api_evaluate, api_invoices, api_orders, api_setup

app_name = "matching-v1"

_INVOICE = "api/v1/invoices/<id:public_id>"

urlpatterns = [
    path("api/v1/purchase-orders", api_orders.PurchaseOrders.as_view()),
    path("api/v1/purchase-orders/<id:public_id>", api_orders.PurchaseOrderView.as_view()),
    path("api/v1/receipts", api_orders.Receipts.as_view()),
    path("api/v1/receipts/<id:public_id>", api_orders.ReceiptView.as_view()),
    path("api/v1/receipts/<id:public_id>/cancel", api_orders.ReceiptCancel.as_view()),
    path("api/v1/invoices", api_invoices.Invoices.as_view()),
    path(_INVOICE, api_invoices.InvoiceView.as_view()),
    path(f"{_INVOICE}/match", api_invoices.InvoiceMatch.as_view()),
    path(f"{_INVOICE}/approve", api_invoices.InvoiceApprove.as_view()),
    path(f"{_INVOICE}/withdraw-approval", api_invoices.InvoiceWithdrawApproval.as_view()),
    path(f"{_INVOICE}/submit", api_invoices.InvoiceSubmit.as_view()),
    path(f"{_INVOICE}/recall", api_invoices.InvoiceRecall.as_view()),
    path(f"{_INVOICE}/review", api_invoices.InvoiceReview.as_view()),
    path(f"{_INVOICE}/reject", api_invoices.InvoiceReject.as_view()),
    path(f"{_INVOICE}/hold", api_invoices.InvoiceHold.as_view()),
    path(f"{_INVOICE}/release", api_invoices.InvoiceRelease.as_view()),
    path(f"{_INVOICE}/post", api_invoices.InvoicePost.as_view()),
    path(f"{_INVOICE}/receipt-matches", api_invoices.InvoiceReceiptMatches.as_view()),
    path(f"{_INVOICE}/runs", api_invoices.InvoiceRuns.as_view()),
    path("api/v1/matching/parameters", api_setup.MatchingParameters.as_view()),
    path("api/v1/matching/evaluate", api_evaluate.Evaluate.as_view()),
    path("api/v1/matching/leakage", api_setup.Leakage.as_view()),
    path("api/v1/vendors", api_setup.Vendors.as_view()),
    path("api/v1/vendors/<id:public_id>", api_setup.VendorView.as_view()),
    path("api/v1/items", api_setup.Items.as_view()),
    path("api/v1/items/<id:public_id>", api_setup.ItemView.as_view()),
    path("api/v1/unit-conversions", api_setup.UnitConversions.as_view()),
    path("api/v1/charge-codes", api_setup.ChargeCodes.as_view()),
    path("api/v1/charge-codes/<id:public_id>", api_setup.ChargeCodeView.as_view()),
    path("api/v1/matching-policies", api_setup.MatchingPolicies.as_view()),
    path("api/v1/price-tolerances", api_setup.PriceTolerances.as_view()),
    path("api/v1/totals-tolerances", api_setup.TotalsTolerances.as_view()),
    path("api/v1/charges-tolerances", api_setup.ChargesTolerances.as_view()),
    path("api/v1/exchange-rates", api_setup.ExchangeRates.as_view()),
]

"""Addresses of payouts below /platform."""

from django.urls import path

from payouts import api

app_name = "payouts-platform"

urlpatterns = [
    path("platform/payouts", api.Payouts.as_view()),
    path("platform/bulk-payouts", api.BulkPayouts.as_view()),
    path("platform/account-transfers", api.AccountTransfers.as_view()),
    path("platform/bulk-account-transfers", api.BulkAccountTransfers.as_view()),
    path("platform/partner-settlements/complete-payout", api.CompletePayout.as_view()),
]

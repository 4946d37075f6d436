"""Addresses of payouts below /api/v1."""

from django.urls import path

# Imported before the addresses are read: it brings the converter for ids.
from access import paths  # noqa: F401
from payouts import api_v1 as api

app_name = "payouts-v1"

urlpatterns = [
    path("api/v1/payouts", api.Payouts.as_view()),
    path("api/v1/payouts/<id:public_id>", api.PayoutView.as_view()),
    path("api/v1/bulk-payouts", api.BulkPayouts.as_view()),
    path("api/v1/bulk-payouts/<id:public_id>", api.BulkPayoutView.as_view()),
]

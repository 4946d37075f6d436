"""Addresses of payouts below /api/v1."""

from django.urls import path

# Imported before the addresses are read: it brings the converter for ids.
from access import paths  # noqa: F401
from payouts import api_bulk as bulk
from payouts import api_transfers as transfers
from payouts import api_v1 as api

app_name = "payouts-v1"

urlpatterns = [
    path("api/v1/payouts", api.Payouts.as_view()),
    path("api/v1/payouts/<id:public_id>", api.PayoutView.as_view()),
    path("api/v1/bulk-payouts", bulk.MadeBulkPayouts.as_view()),
    path("api/v1/bulk-payouts/<id:public_id>", bulk.MadeBulkPayout.as_view()),
    path("api/v1/bulk-payouts/<id:public_id>/submit", bulk.BulkPayoutSubmit.as_view()),
    path("api/v1/bulk-payouts/<id:public_id>/cancel", bulk.BulkPayoutCancel.as_view()),
    path("api/v1/bulk-payouts/<id:public_id>/stop", bulk.BulkPayoutStop.as_view()),
    path("api/v1/transfer-files", transfers.TransferFiles.as_view()),
    path("api/v1/transfer-files/<id:public_id>", transfers.TransferFileView.as_view()),
    path("api/v1/transfer-files/<id:public_id>/content", transfers.TransferFileContent.as_view()),
    path("api/v1/transfer-files/<id:public_id>/results", transfers.TransferResults.as_view()),
    path("api/v1/transfer-results/<id:public_id>", transfers.TransferResultView.as_view()),
    path("api/v1/transfer-results/<id:public_id>/confirm", transfers.TransferResultConfirm.as_view()),
    path("api/v1/transfer-results/<id:public_id>/discard", transfers.TransferResultDiscard.as_view()),
]

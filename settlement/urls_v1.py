"""Addresses of settlement below /api/v1."""

from django.urls import path

# Imported before the addresses are read: it brings the converter for ids.
from access import paths  # noqa: F401
from settlement import api_calculators
from settlement import api_v1 as api

app_name = "settlement-v1"

urlpatterns = [
    path("api/v1/partner-settlements", api.PartnerSettlements.as_view()),
    path("api/v1/partner-settlements/withhold", api.Withhold.as_view()),
    path("api/v1/partner-settlements/exclude", api.Exclude.as_view()),
    path("api/v1/partner-settlements/prepare", api.Prepare.as_view()),
    path("api/v1/partner-settlements/restore", api.Restore.as_view()),
    path("api/v1/partner-settlements/<id:public_id>", api.PartnerSettlement.as_view()),
    path("api/v1/records", api.Records.as_view()),
    path("api/v1/records/preview", api.OrderPreview.as_view()),
    path("api/v1/records/<id:public_id>", api.Record.as_view()),
    path("api/v1/calculators", api_calculators.Calculators.as_view()),
    path("api/v1/calculators/counting", api_calculators.CountingCalculator.as_view()),
    path("api/v1/calculators/waiting", api_calculators.WaitingCalculator.as_view()),
    path("api/v1/calculators/test", api_calculators.CalculatorTest.as_view()),
    path("api/v1/holidays", api.Holidays.as_view()),
    path("api/v1/holiday-changes", api.HolidayChanges.as_view()),
    path("api/v1/holiday-changes/<id:public_id>", api.HolidayChangeView.as_view()),
    path("api/v1/holiday-changes/<id:public_id>/apply", api.HolidayChangeApply.as_view()),
    path("api/v1/uploads/<id:kind>", api.NewUpload.as_view()),
    path("api/v1/uploads/<id:kind>/template", api.UploadTemplate.as_view()),
    path("api/v1/uploads/<id:kind>/<id:upload_id>", api.UploadView.as_view()),
    path("api/v1/uploads/<id:kind>/<id:upload_id>/confirm", api.UploadConfirm.as_view()),
    path("api/v1/uploads/<id:kind>/<id:upload_id>/cancel", api.UploadCancel.as_view()),
]

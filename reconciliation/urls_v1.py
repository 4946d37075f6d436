"""Addresses of reconciliation below /api/v1."""

from django.urls import path

# Imported before the addresses are read: it brings the converter for ids.
from access import paths  # noqa: F401
from reconciliation import api_files, api_records, api_results

app_name = "reconciliation-v1"

_ROOT = "api/v1/reconciliation"
_FILE = f"{_ROOT}/files/<id:public_id>"
_RECORD = f"{_ROOT}/records/<id:public_id>"

urlpatterns = [
    path(f"{_ROOT}/files", api_files.Files.as_view()),
    path(_FILE, api_files.FileView.as_view()),
    path(f"{_FILE}/accept", api_files.FileAccept.as_view()),
    path(f"{_FILE}/discard", api_files.FileDiscard.as_view()),
    path(f"{_FILE}/lines", api_files.FileLines.as_view()),
    path(f"{_FILE}/lines/<id:number>/restore", api_files.LineRestore.as_view()),
    path(f"{_FILE}/compare", api_results.FileCompare.as_view()),
    path(f"{_FILE}/comparison", api_results.FileComparison.as_view()),
    path(f"{_FILE}/outcomes", api_results.FileOutcomes.as_view()),
    path(f"{_FILE}/outcomes/<id:number>", api_results.OutcomeView.as_view()),
    path(f"{_FILE}/outcomes/<id:number>/resolve", api_results.OutcomeResolve.as_view()),
    path(f"{_FILE}/resolutions", api_results.FileResolutions.as_view()),
    path(f"{_ROOT}/by-partner", api_files.ByPartner.as_view()),
    path(f"{_ROOT}/records", api_records.Records.as_view()),
    path(_RECORD, api_records.RecordView.as_view()),
    path(f"{_RECORD}/versions", api_records.RecordVersions.as_view()),
    path(f"{_RECORD}/withdraw", api_records.RecordWithdraw.as_view()),
    path(f"{_ROOT}/period-locks", api_records.PeriodLocks.as_view()),
    path(f"{_ROOT}/period-locks/<id:public_id>/open", api_records.PeriodLockOpen.as_view()),
    path(f"{_ROOT}/tolerances", api_results.Tolerances.as_view()),
]

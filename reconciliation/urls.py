"""Addresses of the pages of reconciliation."""

from django.urls import path
from django.urls.resolvers import URLPattern

from reconciliation.pages.files import (
    batch,
    by_partner,
    changes,
    daily_check,
    files,
    invalid,
    invoice_check,
    line,
    lines,
    upload,
)
from reconciliation.pages.files import decide as file_decide
from reconciliation.pages.months import month
from reconciliation.pages.records import derive, periods, record, records
from reconciliation.pages.results import duplicates, group, resolve, result, results, tolerances
from reconciliation.pages.statements import desk as statement_desk
from reconciliation.pages.statements import files as statement_files
from reconciliation.pages.statements import line as statement_line
from reconciliation.pages.statements import lines as statement_lines
from reconciliation.pages.statements import upload as statement_upload

app_name = "reconciliation"

# Vendor files.
_files: list[URLPattern] = [
    path("reconciliation/files/", files.FileList.as_view(), name="files"),
    path("reconciliation/files-refused/", files.RefusedList.as_view(), name="files-refused"),
    path("reconciliation/file-new/", upload.UploadView.as_view(), name="file-new"),
    path("reconciliation/file-lines/", lines.EntryView.as_view(), name="lines-entry"),
    path("reconciliation/files/<slug:batch_id>/", batch.BatchPage.as_view(), name="file"),
    path("reconciliation/files/<slug:batch_id>/progress/", file_decide.ProgressView.as_view(), name="file-progress"),
    path("reconciliation/files/<slug:batch_id>/restart/", file_decide.RestartView.as_view(), name="file-restart"),
    path("reconciliation/files/<slug:batch_id>/issued/", file_decide.IssuedView.as_view(), name="file-issued"),
    path("reconciliation/files/<slug:batch_id>/accept/", file_decide.AcceptView.as_view(), name="file-accept"),
    path("reconciliation/files/<slug:batch_id>/discard/", file_decide.DiscardView.as_view(), name="file-discard"),
    path("reconciliation/files/<slug:batch_id>/changes/", changes.ChangesPage.as_view(), name="file-changes"),
    path("reconciliation/files/<slug:batch_id>/invalid/", invalid.InvalidView.as_view(), name="file-invalid"),
    path("reconciliation/files/<slug:batch_id>/invoice/", invoice_check.InvoicePage.as_view(), name="file-invoice"),
    path("reconciliation/files/<slug:batch_id>/daily/", daily_check.DailyPage.as_view(), name="file-daily"),
    path("reconciliation/files/<slug:batch_id>/lines/", lines.LinesView.as_view(), name="lines"),
    path("reconciliation/files/<slug:batch_id>/lines/<int:record>/", line.LinePage.as_view(), name="line"),
]

# Results of comparing.
_results: list[URLPattern] = [
    path("reconciliation/results/", results.ResultsList.as_view(), name="results"),
    path("reconciliation/result/", result.OutcomeList.as_view(), name="outcomes"),
    path("reconciliation/result/accept/", resolve.AcceptManyView.as_view(), name="accept-many"),
    path("reconciliation/result/dispute/", resolve.DisputeManyView.as_view(), name="dispute-many"),
    path("reconciliation/result/restore/", duplicates.RestoreView.as_view(), name="restore"),
    path("reconciliation/result/duplicates/", duplicates.DuplicateList.as_view(), name="duplicate-list"),
    path("reconciliation/results/<str:batch_id>", result.OutcomeList.as_view(), name="result"),
    path("reconciliation/results/<str:batch_id>/compare", result.CompareView.as_view(), name="compare"),
    path("reconciliation/results/<str:batch_id>/progress", result.ProgressView.as_view(), name="compare-progress"),
    path("reconciliation/results/<str:batch_id>/duplicates", duplicates.DuplicateList.as_view(), name="duplicates"),
    path("reconciliation/results/<str:batch_id>/<int:place>", group.GroupView.as_view(), name="group"),
    path(
        "reconciliation/results/<str:batch_id>/<int:place>/<str:decision>", resolve.DecideView.as_view(), name="decide"
    ),
    path("reconciliation/tolerances/", tolerances.ToleranceList.as_view(), name="tolerances"),
    path("reconciliation/tolerances/new", tolerances.ToleranceView.as_view(), name="tolerance-new"),
    path("reconciliation/tolerances/<str:kind>/<str:currency>", tolerances.ToleranceView.as_view(), name="tolerance"),
]

# Our own records and closed days.
_records: list[URLPattern] = [
    path("reconciliation/records/", records.RecordList.as_view(), name="records"),
    path("reconciliation/records-derive/", derive.DeriveView.as_view(), name="derive"),
    path("reconciliation/records-derive/<str:job_id>/", derive.ProgressView.as_view(), name="derive-progress"),
    path("reconciliation/record-withdraw/<path:ref>", record.WithdrawView.as_view(), name="record-withdraw"),
    path("reconciliation/records/<path:ref>", record.RecordPage.as_view(), name="record"),
    path("reconciliation/periods/", periods.LocksView.as_view(), name="periods"),
    path("reconciliation/periods/<int:lock_id>/open/", periods.OpenView.as_view(), name="period-open"),
]

# Bank statements.
_statements: list[URLPattern] = [
    path("reconciliation/statements/", statement_files.StatementList.as_view(), name="statements"),
    path("reconciliation/statements/upload/", statement_upload.UploadView.as_view(), name="statement-upload"),
    path("reconciliation/statements/look/", statement_upload.LookView.as_view(), name="statement-look"),
    path("reconciliation/statements/desk/", statement_desk.DeskView.as_view(), name="statement-desk"),
    path("reconciliation/statements/again/", statement_desk.MatchAgainView.as_view(), name="statement-again"),
    path("reconciliation/statements/lines/", statement_lines.LineList.as_view(), name="statement-lines"),
    path("reconciliation/statements/lines/<int:line_id>/", statement_line.LinePage.as_view(), name="statement-line"),
    path(
        "reconciliation/statements/lines/<int:key>/unmatch/",
        statement_line.UnmatchView.as_view(),
        name="statement-unmatch",
    ),
    path(
        "reconciliation/statements/lines/<int:key>/top-up/", statement_line.TopUpView.as_view(), name="statement-top-up"
    ),
    path("reconciliation/statements/lines/<int:key>/fee/", statement_line.FeeView.as_view(), name="statement-fee"),
    path(
        "reconciliation/statements/lines/<int:key>/write-off/",
        statement_line.WriteOffView.as_view(),
        name="statement-write-off",
    ),
    path(
        "reconciliation/statements/lines/<int:key>/came-back/",
        statement_line.CameBackView.as_view(),
        name="statement-came-back",
    ),
    path(
        "reconciliation/statements/files/<str:statement_id>/", statement_files.StatementPage.as_view(), name="statement"
    ),
]

# By partner, and the end of the month.
_partners: list[URLPattern] = [
    path("reconciliation/files/<slug:batch_id>/partners/", by_partner.PartnersPage.as_view(), name="by-partner"),
    path("reconciliation/files/<slug:batch_id>/settle/", by_partner.SettleView.as_view(), name="settle"),
    path(
        "reconciliation/files/<slug:batch_id>/reseller/<path:mpn>", by_partner.LinkView.as_view(), name="partner-link"
    ),
    path("reconciliation/month/", month.MonthPage.as_view(), name="month"),
    path("reconciliation/vendor/<slug:batch_id>/", by_partner.VendorView.as_view(), name="vendor-account"),
]

urlpatterns = [*_files, *_results, *_records, *_statements, *_partners]

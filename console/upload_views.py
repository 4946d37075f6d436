"""Pages of the upload wizard: template, file, preview, confirm, result, wrong rows."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from access import audit
from access.requests import PageRequest
from access.roles import Permission, allowed, check
from console import upload_files, upload_operations, uploads
from console.columns import Badge, Column, Kind, Shape, Tone
from console.job_pages import job_context
from console.models import Upload, UploadState
from console.pages import PageView
from core import clock
from core.errors import InvalidRequest, NotFound
from core.models import Job

STATE_BADGES = {
    UploadState.STORED.value: Badge(UploadState.STORED.label, Tone.NEUTRAL, Shape.RING),
    UploadState.CHECKING.value: Badge(UploadState.CHECKING.label, Tone.PROGRESS, Shape.HALF),
    UploadState.REJECTED.value: Badge(UploadState.REJECTED.label, Tone.DANGER, Shape.CROSS),
    UploadState.CHECKED.value: Badge(UploadState.CHECKED.label, Tone.INFO, Shape.CLOCK),
    UploadState.LOADING.value: Badge(UploadState.LOADING.label, Tone.PROGRESS, Shape.HALF),
    UploadState.DONE.value: Badge(UploadState.DONE.label, Tone.SUCCESS, Shape.CHECK),
    UploadState.CANCELLED.value: Badge(UploadState.CANCELLED.label, Tone.NEUTRAL, Shape.DASH),
}
_SHOWN_ERRORS = 100
_RECENT = 10
_STEPS = (gettext_lazy("파일 올리기"), gettext_lazy("확인"), gettext_lazy("등록"))


class KindsView(PageView):
    """What can be registered from files, and the files of everybody lately."""

    permission = Permission.VIEW
    title = gettext_lazy("파일로 등록")

    def get(self, request: PageRequest) -> HttpResponse:
        """Show the kinds of files that one may upload."""
        kinds = {kind.kind: kind for kind in uploads.all_kinds() if allowed(request.role, kind.permission)}
        recent = Upload.objects.within(request.scope).filter(kind__in=kinds).order_by("-created_at", "-id")[:_RECENT]
        context = {
            "title": self.title,
            "kinds": [
                (kind, " · ".join(str(item.label) for item in kind.fields if item.required))
                for kind in sorted(kinds.values(), key=lambda kind: str(kind.title))
            ],
            "recent": [(upload, STATE_BADGES[upload.state], kinds[upload.kind].title) for upload in recent],
        }
        return render(request, "console/uploads.html", context)


class OfKind(PageView):
    """Base of the pages of one kind of upload; the kind's own permission counts."""

    permission = Permission.VIEW
    kind: uploads.UploadKind

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Find the kind and check its permission."""
        try:
            self.kind = uploads.kind_named(kwargs["kind"])
        except NotFound as error:
            raise Http404 from error
        check(request, self.kind.permission)
        return super().dispatch(request, *args, **kwargs)

    def mine(self, request: PageRequest) -> QuerySet[Upload]:
        """Return the uploads of this kind in this scope."""
        return Upload.objects.within(request.scope).filter(kind=self.kind.kind)

    def one(self, request: PageRequest, upload_id: str) -> Upload:
        """Return one upload. Raises Http404."""
        upload = self.mine(request).filter(public_id=upload_id).first()
        if upload is None:
            raise Http404
        return upload_operations.settle(upload)


class StartView(OfKind):
    """Download the template, choose a file, see what was uploaded before."""

    def get(self, request: PageRequest, kind: str) -> HttpResponse:  # noqa: ARG002 - part of the address
        """Show the first step."""
        return self._show(request)

    def post(self, request: PageRequest, kind: str) -> HttpResponse:  # noqa: ARG002 - part of the address
        """Keep the file and check it."""
        file = request.FILES.get("file")
        if file is None:
            return self._show(request, _("올릴 파일을 골라 주세요."), 400)
        now = clock.now()
        try:
            upload = upload_operations.store(kind=self.kind, scope=request.scope, file=file, by=request.actor, now=now)
        except InvalidRequest as error:
            return self._show(request, str(error.message), 400)
        upload_operations.check(upload=upload, by=request.actor, now=now)
        return redirect("console:upload-detail", kind=self.kind.kind, upload_id=upload.public_id)

    def _show(self, request: PageRequest, error: str = "", status: int = 200) -> HttpResponse:
        recent = list(self.mine(request).order_by("-created_at", "-id")[:_RECENT])
        context = {
            "kind": self.kind,
            "title": self.kind.title,
            "steps": _STEPS,
            "step": 1,
            "error": error,
            "recent": [(upload, STATE_BADGES[upload.state]) for upload in recent],
        }
        return render(request, "console/upload_start.html", context, status=status)


class TemplateView(OfKind):
    """The empty sheet to fill in."""

    def get(self, request: PageRequest, kind: str) -> HttpResponseBase:  # noqa: ARG002 - part of the address
        """Send the template, as XLSX unless CSV is asked for."""
        return upload_files.template(self.kind, "csv" if request.GET.get("form") == "csv" else "xlsx")


class UploadView(OfKind):
    """One upload: its check, its confirmation, its end."""

    def get(self, request: PageRequest, kind: str, upload_id: str) -> HttpResponse:  # noqa: ARG002 - part of the address
        """Show where it is."""
        return self._show(request, self.one(request, upload_id))

    def post(self, request: PageRequest, kind: str, upload_id: str) -> HttpResponse:
        """Confirm, drop, or check again."""
        now, action = clock.now(), request.POST.get("action", "")
        if action == "cancel":
            upload_operations.cancel(scope=request.scope, kind=kind, upload_id=upload_id, now=now)
            messages.info(request, _("올린 파일을 지웠어요."))
            return redirect("console:upload", kind=kind)
        if action == "check":
            upload_operations.check(upload=self.one(request, upload_id), by=request.actor, now=now)
        elif action == "confirm":
            upload = upload_operations.confirm(
                scope=request.scope,
                kind=kind,
                upload_id=upload_id,
                again=request.POST.get("again") == "1",
                by=request.actor,
                now=now,
            )
            if upload.state == UploadState.REJECTED:
                messages.error(request, _("확인한 뒤에 내역이 바뀌어서 등록하지 않았어요. 아래 내용을 다시 봐 주세요."))
        return redirect("console:upload-detail", kind=kind, upload_id=upload_id)

    def _show(self, request: PageRequest, upload: Upload) -> HttpResponse:
        job = Job.objects.filter(pk=upload.job_id).first() if upload.job_id else None
        spec, preview = _in_use(self.kind.preview_columns(), upload.preview)
        context = {
            "kind": self.kind,
            "title": self.kind.title,
            "steps": _STEPS,
            "step": 3 if upload.has_ended or upload.state == UploadState.LOADING else 2,
            "upload": upload,
            "badge": STATE_BADGES[upload.state],
            "errors": [error | {"sentence": self.kind.sentence(error)} for error in upload.errors[:_SHOWN_ERRORS]],
            "more_errors": max(0, upload.error_count - _SHOWN_ERRORS),
            "preview_columns": spec,
            "preview": preview,
            "more_rows": max(0, upload.rows - len(upload.preview)),
            "earlier": upload_operations.same_content(upload) if upload.state == UploadState.CHECKED else None,
            "live": job_context(request, job) if job and job.is_open else None,
        }
        return render(request, "console/upload.html", context)


def _in_use(spec: Sequence[Column], kept: Sequence[Sequence[Any]]) -> tuple[list[Column], list[dict[str, Any]]]:
    """Return the columns that hold something in the kept rows, and those rows."""
    rows = [_row(spec, row) for row in kept]
    return [column for column in spec if any(row[column.key] not in (None, "") for row in rows)], rows


def _row(spec: Sequence[Column], kept: Sequence[Any]) -> dict[str, Any]:
    """Return a kept preview row with its days and its exact figures as such again."""
    return {column.key: _value(column.kind, value) for column, value in zip(spec, kept, strict=True)}


def _value(kind: Kind, kept: Any) -> Any:
    if kept and kind is Kind.DATE:
        return date.fromisoformat(kept)
    if kept and kind is Kind.DECIMAL:
        return Decimal(kept.replace(",", ""))
    return kept


class ErrorsView(OfKind):
    """The uploaded file again, with a column that says what is wrong."""

    def get(self, request: PageRequest, kind: str, upload_id: str) -> HttpResponseBase:  # noqa: ARG002 - part of the address
        """Send the wrong rows."""
        upload = self.one(request, upload_id)
        if upload.state != UploadState.REJECTED:
            raise Http404
        audit.record(
            scope=request.scope, by=request.actor, action="upload.errors_downloaded", kind="upload", object_id=upload_id
        )
        return upload_files.wrong_rows(self.kind, upload)

"""파일 올리기: files of vendors and payment providers, one or several in one go."""

from collections.abc import Sequence
from datetime import date
from typing import Any, BinaryIO, cast

from django import forms
from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.core.validators import MaxValueValidator, MinValueValidator
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from access.requests import PageRequest
from access.roles import Permission
from console.pages import PageView
from core import clock
from core.errors import DomainError, InvalidRequest
from reconciliation.models import Batch, BatchState
from reconciliation.models.lengths import NAME_LENGTH
from reconciliation.operations import storing
from reconciliation.pages.files import links
from reconciliation.reading import UPLOADED

# So many are read at a time.
MOST_FILES = storing.MOST_LOADING
_MEBIBYTE = 1 << 20
_FIRST_DAY, _LAST_DAY = date(2000, 1, 1), date(2099, 12, 31)
_CODE_PAGES = (
    ("ko", gettext_lazy("한국어 (CP949)")),
    ("ja", gettext_lazy("일본어 (CP932)")),
    ("en", gettext_lazy("서유럽 (CP1252)")),
)


class IssueDateField(forms.DateField):
    """The day of a vendor's invoice, in this century."""

    def __init__(self, **options: Any) -> None:
        attributes = {"type": "date", "min": _FIRST_DAY.isoformat(), "max": _LAST_DAY.isoformat()}
        super().__init__(
            widget=forms.DateInput(format="%Y-%m-%d", attrs=attributes),
            validators=[MinValueValidator(_FIRST_DAY), MaxValueValidator(_LAST_DAY)],
            **options,
        )


class UploadForm(forms.Form):
    """What may be said about files that they do not say themselves."""

    locale = forms.ChoiceField(
        label=gettext_lazy("UTF-8이 아닐 때 먼저 볼 글자"),
        choices=_CODE_PAGES,
        help_text=gettext_lazy("대부분은 바꾸지 않아도 돼요."),
    )
    invoice_number = forms.CharField(
        label=gettext_lazy("송장 번호"),
        required=False,
        max_length=NAME_LENGTH,
        help_text=gettext_lazy("라이선스 파일처럼 송장 번호가 없는 파일이면 적어 주세요."),
    )
    issued_on = IssueDateField(
        label=gettext_lazy("송장 발행일"), required=False, help_text=gettext_lazy("지급 기한을 계산하는 날이에요.")
    )
    billing_entity = forms.CharField(
        label=gettext_lazy("청구 주체"),
        required=False,
        max_length=NAME_LENGTH,
        help_text=gettext_lazy("여러 법인으로 청구받을 때만 적어 주세요. 비우면 파일에서 읽어요."),
    )

    def __init__(self, *args: Any, several: bool = False, **options: Any) -> None:
        super().__init__(*args, **options)
        self._several = several
        spoken = (get_language() or "").partition("-")[0]
        self.fields["locale"].initial = spoken if spoken in dict(_CODE_PAGES) else "ko"

    def clean_invoice_number(self) -> str:
        """Refuse one number for several files: they would be versions of one another."""
        number: str = self.cleaned_data["invoice_number"].strip()
        if number and self._several:
            raise forms.ValidationError(_("송장 번호를 적을 때는 파일을 하나씩 올려 주세요."))
        return number


class UploadView(PageView):
    """The form, and taking in what it sends."""

    permission = Permission.EDIT
    title = gettext_lazy("조정 파일 올리기")

    def get(self, request: PageRequest) -> HttpResponse:
        """Show the form."""
        return self._show(request, UploadForm())

    def post(self, request: PageRequest) -> HttpResponseBase:
        """Take in every file as a batch of its own; the same bytes again lead to the batch that they are."""
        files = request.FILES.getlist("files")
        form = UploadForm(request.POST, several=len(files) > 1)
        error = _unfit(files)
        if error or not form.is_valid():
            return self._show(request, form, error, status=422)
        taken: list[Batch] = []
        for file in files:
            try:
                taken.append(_take(request, file, form.cleaned_data))
            except DomainError as refusal:
                if len(files) == 1:
                    return self._show(request, form, str(refusal.message), status=refusal.status)
                messages.error(request, f"{file.name}: {refusal.message}")
        if len(files) == 1:
            return redirect(links.file_url(taken[0].public_id))
        return redirect("reconciliation:files")

    def _show(self, request: PageRequest, form: forms.Form, error: str = "", status: int = 200) -> HttpResponse:
        context = {
            "title": self.title,
            "form": form,
            "error": error,
            "limit": (UPLOADED.sent_bytes or 0) // _MEBIBYTE,
            "most": MOST_FILES,
        }
        return render(request, "reconciliation/file_upload.html", context, status=status)


def _unfit(files: "Sequence[UploadedFile[bytes]]") -> str:
    """Return why none of the files can be taken; a file is refused for its size before anybody reads it."""
    if not files:
        return _("올릴 파일을 골라 주세요.")
    if len(files) > MOST_FILES:
        return _("한 번에 %(most)d개까지 올릴 수 있어요.") % {"most": MOST_FILES}
    for file in files:
        if UPLOADED.sent_bytes is not None and (file.size or 0) > UPLOADED.sent_bytes:
            limit = UPLOADED.sent_bytes // _MEBIBYTE
            return _("%(name)s 파일이 너무 커요. %(limit)d MB까지 올릴 수 있어요.") % {
                "name": file.name,
                "limit": limit,
            }
    return ""


def _take(request: PageRequest, file: "UploadedFile[bytes]", told: dict[str, Any]) -> Batch:
    """Keep a file and let a job read it. Raises InvalidRequest, Conflict."""
    now = clock.now()
    if file.file is None:
        raise InvalidRequest(_("올릴 파일을 골라 주세요."), field="files")
    received = storing.receive(
        scope=request.scope, file=cast("BinaryIO", file.file), name=file.name or "", by=request.actor, now=now, **told
    )
    if received.is_new:
        return storing.start(batch=received.batch, by=request.actor, now=now)
    messages.info(
        request,
        _("%(name)s: 이미 올린 파일이에요. %(state)s 상태예요.")
        % {"name": file.name, "state": BatchState(received.batch.state).label},
    )
    return received.batch

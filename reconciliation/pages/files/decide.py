"""What people do with one file: GET asks, repeating what it is about, POST does it."""

from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext, pgettext_lazy

from access.requests import PageRequest
from access.roles import Permission
from console.columns import Label
from console.pages import PageView, is_htmx
from core import clock
from core.errors import DomainError
from reconciliation import queries
from reconciliation.models import Batch, BatchState
from reconciliation.operations import booking, deciding, storing
from reconciliation.operations.deciding import NeedsConfirmation, Standing
from reconciliation.pages.files import batch as batch_page
from reconciliation.pages.files import links, reads, shown
from reconciliation.pages.files.upload import IssueDateField


class AskView(PageView):
    """Base of what is done with a file; subclasses do it in `act`."""

    permission = Permission.EDIT
    heading: ClassVar[Label]
    button: ClassVar[Label]
    says: ClassVar[Label]
    danger: ClassVar[bool] = False

    def act(self, request: PageRequest, batch_id: str) -> str:
        """Do it; return what to say about it."""
        raise NotImplementedError

    def get(self, request: PageRequest, batch_id: str) -> HttpResponse:
        """Ask."""
        return self._ask(request, queries.batch(request.scope, batch_id))

    def post(self, request: PageRequest, batch_id: str) -> HttpResponseBase:
        """Do it, or show the question again with what was refused."""
        try:
            done = self.act(request, batch_id)
        except DomainError as refusal:
            batch = queries.batch(request.scope, batch_id)
            return self._ask(request, batch, str(refusal.message) or refusal.code)
        messages.success(request, done)
        return redirect(links.file_url(batch_id))

    def _ask(self, request: PageRequest, batch: Batch, error: str = "") -> HttpResponse:
        context = {
            "action": self,
            "title": self.heading,
            "batch": batch,
            "error": error,
            "facts": _facts(batch),
            "says": self.about(batch),
            "standing": self.standing(batch),
            "back": links.file_url(batch.public_id),
        }
        template = "reconciliation/_file_sure.html" if is_htmx(request) else "reconciliation/file_sure.html"
        return render(request, template, context, status=409 if error and not is_htmx(request) else 200)

    def about(self, batch: Batch) -> Label:  # noqa: ARG002 - subclasses look at the file
        """Return what it means to do it."""
        return self.says

    def standing(self, batch: Batch) -> Standing:  # noqa: ARG002 - subclasses look at the file
        """Return which version of the file would be followed."""
        return Standing()


def _facts(batch: Batch) -> list[tuple[str, str]]:
    facts = [
        (_("파일 이름"), batch.name),
        (_("종류"), shown.kind(batch.kind, batch.layout)),
        (_("송장 번호"), batch.invoice_number),
        (pgettext("vendor file", "내역"), f"{batch.line_count:,}" if batch.line_count else ""),
        (pgettext("vendor file", "합계"), shown.sums(batch.answer.get("totals", {}))),
    ]
    return [(label, text) for label, text in facts if text]


class AcceptView(AskView):
    """Let a file count."""

    heading = pgettext_lazy("action", "조정 파일 반영")
    button = gettext_lazy("반영하기")
    says = gettext_lazy("반영하면 우리 기록과 비교할 수 있어요. 이 파일의 금액은 원장에 적지 않아요.")

    def about(self, batch: Batch) -> Label:
        """Say whether money moves in the books."""
        if batch.state == BatchState.UNDERSTOOD and booking.is_booked(batch):
            return gettext_lazy("반영하면 우리 기록과 비교할 수 있고, 청구 금액을 원장에 적어요.")
        return self.says

    def standing(self, batch: Batch) -> Standing:
        """Return the version that it would follow, and what would change."""
        return reads.standing(batch) if batch.state == BatchState.UNDERSTOOD else Standing()

    def act(self, request: PageRequest, batch_id: str) -> str:
        """Accept it, following only the version that the person has seen."""
        seen = request.POST.get("replaces", "")
        with transaction.atomic():
            batch = deciding.accept(
                scope=request.scope, batch_id=batch_id, confirm=bool(seen), by=request.actor, now=clock.now()
            )
            if seen and batch.replaces is not None and batch.replaces.public_id != seen:
                raise NeedsConfirmation(_("그사이 다른 버전이 반영되었어요. 바뀌는 내용을 다시 확인해 주세요."))
        if batch.replaces is None:
            return _("파일을 반영했어요.")
        return _("버전 %(version)d로 반영했어요. 이전 버전은 그대로 볼 수 있어요.") % {"version": batch.version}


class DiscardView(AskView):
    """Throw a file away that does not count."""

    heading = gettext_lazy("조정 파일 버리기")
    button = gettext_lazy("버리기")
    says = gettext_lazy("읽은 내역과 파일을 지워요. 누가 언제 올렸는지는 남아요. 같은 파일을 다시 올릴 수 있어요.")
    danger = True

    def act(self, request: PageRequest, batch_id: str) -> str:
        """Discard it, or ask whoever reads it to stop."""
        batch = deciding.discard(scope=request.scope, batch_id=batch_id, by=request.actor, now=clock.now())
        if batch.state == BatchState.LOADING:
            return _("중지를 요청했어요. 하던 단계가 끝나면 멈추고 버려요.")
        return _("파일을 버렸어요.")


class ProgressView(PageView):
    """The live part while a file is read."""

    permission = Permission.VIEW

    def get(self, request: PageRequest, batch_id: str) -> HttpResponse:
        """Show how far it is; when it has ended the whole page is another one."""
        batch = queries.batch(request.scope, batch_id)
        context: dict[str, Any] = batch_page.progress(batch)
        if batch.state != BatchState.LOADING or not context["is_going"]:
            return HttpResponse(headers={"HX-Refresh": "true"})
        return render(request, "reconciliation/_file_progress.html", context | {"batch": batch})


class RestartView(PageView):
    """Read a file whose job has given up or never began."""

    permission = Permission.EDIT

    def post(self, request: PageRequest, batch_id: str) -> HttpResponseBase:
        """Start reading it."""
        storing.start(batch=queries.batch(request.scope, batch_id), by=request.actor, now=clock.now())
        return redirect(links.file_url(batch_id))


class IssuedForm(forms.Form):
    """The day of the vendor's invoice."""

    issued_on = IssueDateField()


class IssuedView(PageView):
    """Say on which day the vendor issued the invoice of a file."""

    permission = Permission.EDIT

    def post(self, request: PageRequest, batch_id: str) -> HttpResponseBase:
        """Keep the day."""
        form = IssuedForm(request.POST)
        if form.is_valid():
            deciding.issued(scope=request.scope, batch_id=batch_id, on=form.cleaned_data["issued_on"], by=request.actor)
            messages.success(request, _("송장 발행일을 저장했어요."))
        else:
            queries.batch(request.scope, batch_id)
            messages.error(request, _("송장 발행일을 다시 확인해 주세요."))
        return redirect(links.file_url(batch_id))

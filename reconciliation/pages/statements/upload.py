"""명세 올리기: a bank's file, what its columns are if nobody said so yet, and what comes out of it."""

from typing import Any

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from access.requests import PageRequest
from access.roles import Permission
from console.pages import PageView
from core import clock
from core.errors import InvalidRequest
from payouts.models import BankAccount
from payouts.pages import shown
from reconciliation import statement_queries as queries
from reconciliation.models import Statement, StatementState
from reconciliation.operations import statements
from reconciliation.pages.statements import links
from reconciliation.pages.statements.columns import Columns, understood
from reconciliation.statements import wording
from reconciliation.statements.mapping import layout_of
from reconciliation.statements.refusals import StatementRefused

_MEGABYTE = 1_000_000


class UploadView(PageView):
    """The form, and taking in what it sends."""

    permission = Permission.EDIT
    title = gettext_lazy("명세 올리기")

    def get(self, request: PageRequest) -> HttpResponse:
        """Show the form."""
        return self._show(request)

    def post(self, request: PageRequest) -> HttpResponseBase:
        """Keep the file, and what was said about its columns; the same file again leads to the statement it is."""
        account = _account(request)
        try:
            body, name = _file(request)
            columns = understood(body, request.POST, account)
        except InvalidRequest as refusal:
            return self._show(request, (str(refusal.message),))
        except StatementRefused as refusal:
            return self._show(request, tuple(wording.sentences(refusal, _name(request))))
        if account is None:
            return self._show(request, (_("어느 계좌의 명세인지 골라 주세요."),), columns)
        if columns.refusal is not None:
            return self._show(request, tuple(f"{name} {text}" for text in columns.problems), columns)
        try:
            made = _take(request, account, name, body, columns)
        except InvalidRequest as refusal:
            return self._show(request, (f"{name} {refusal.message}",), columns)
        return redirect(links.statement_url(made.public_id))

    def _show(self, request: PageRequest, errors: tuple[str, ...] = (), columns: Columns | None = None) -> HttpResponse:
        accounts = [(row, shown.destination(row.bank, row.last4)) for row in queries.accounts(request.scope)]
        wanted = request.POST.get("account") or request.GET.get("account", "")
        context = {
            "title": self.title,
            "accounts": accounts,
            "wanted": wanted,
            "errors": errors,
            "columns": columns,
            "limit": statements.MOST_BYTES // _MEGABYTE,
        }
        return render(request, "reconciliation/statement_upload.html", context, status=422 if errors else 200)


class LookView(PageView):
    """What a file is, while its columns are being chosen; nothing is kept."""

    permission = Permission.EDIT
    title = gettext_lazy("명세 미리 보기")

    def post(self, request: PageRequest) -> HttpResponse:
        """Show the columns, and the first lines that come out of them."""
        errors: tuple[str, ...] = ()
        columns = None
        try:
            body, _file_name = _file(request)
            columns = understood(body, request.POST, _account(request))
        except InvalidRequest as refusal:
            errors = (str(refusal.message),)
        except StatementRefused as refusal:
            errors = tuple(wording.sentences(refusal))
        context = {"columns": columns, "errors": errors}
        return render(request, "reconciliation/_statement_columns.html", context)


def _account(request: PageRequest) -> BankAccount | None:
    """Return the account that was chosen; None while none is. Raises NotFound for one of somebody else."""
    wanted = request.POST.get("account", "").replace("\x00", "")
    return queries.account(request.scope, wanted) if wanted else None


def _file(request: PageRequest) -> tuple[bytes, str]:
    """Return content and name of the file. Raises InvalidRequest for none, and for one too large to be read."""
    upload = request.FILES.get("file")
    if not isinstance(upload, UploadedFile):
        raise InvalidRequest(_("올릴 파일을 골라 주세요."), field="file")
    if (upload.size or 0) > statements.MOST_BYTES:
        limit = statements.MOST_BYTES // _MEGABYTE
        raise InvalidRequest(_("파일이 너무 커요. %(limit)s MB까지 올릴 수 있어요.") % {"limit": limit}, field="file")
    return upload.read(), upload.name or ""


def _name(request: PageRequest) -> str:
    upload = request.FILES.get("file")
    return upload.name or "" if isinstance(upload, UploadedFile) else ""


def _take(request: PageRequest, account: BankAccount, name: str, body: bytes, columns: Columns) -> Statement:
    """Keep a file and its mapping. Raises InvalidRequest."""
    told: dict[str, Any] = {"scope": request.scope, "by": request.actor, "now": clock.now()}
    made = statements.receive(**told, bank_account_id=account.public_id, name=name, body=body, mapping=columns.mapping)
    if columns.mapping is not None and not columns.is_kept:
        layout = layout_of(columns.look.headers(columns.mapping.header_row))
        statements.remember_mapping(**told, bank_account_id=account.public_id, layout=layout, mapping=columns.mapping)
    if made.state != StatementState.UNDERSTOOD:
        messages.info(
            request,
            _("%(name)s: 이미 올린 파일이에요. %(state)s 상태예요.")
            % {"name": name, "state": StatementState(made.state).label},
        )
    return made

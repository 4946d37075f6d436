"""Settings: people and roles, API secrets, the audit trail."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast
from urllib.parse import urlencode, urlsplit

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from access import api_secrets as secret_operations
from access import operations, queries, upkeep
from access.forms import AuditForm, NewUserForm, RoleForm, SecretForm, UserForm
from access.models import AuditEvent, RoleChange
from access.requests import PageRequest
from access.roles import ApiScope, Permission, Role, require
from access.stepup import stepup_required
from core import clock, jobs
from core.errors import DomainError, NotFound

_AUDIT_PAGE = 50

View = TypeVar("View", bound=Callable[..., HttpResponseBase])


def _telling(view: View) -> View:
    """Decorate a form's view: a refusal is told on the page one came from, what is absent is a 404."""

    @wraps(view)
    def guarded(request: PageRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            return view(request, *args, **kwargs)
        except NotFound as error:
            raise Http404 from error
        except DomainError as refusal:
            messages.error(request, str(refusal.message) or refusal.code)
            return redirect(urlsplit(request.headers.get("Referer", "")).path or "/")

    return cast("View", guarded)


# ---- People


@require(Permission.MANAGE)
@never_cache
def users(request: PageRequest) -> HttpResponse:
    """List everybody, and the role changes that wait for a second admin."""
    context = {
        "members": queries.members(request.scope),
        "changes": queries.pending_role_changes(request.scope),
        "alone": not queries.other_admins(request.scope, than=request.actor),
    }
    return render(request, "access/users.html", context)


@require(Permission.MANAGE)
@never_cache
@require_http_methods(["GET", "POST"])
def user_add(request: PageRequest) -> HttpResponse:
    """Add a person; the temporary password is shown once, on the answer."""
    form = NewUserForm(request.POST or None)
    if form.is_valid():
        data = form.cleaned_data
        try:
            person, password = operations.invite_user(
                scope=request.scope,
                username=data["username"],
                name=data["name"],
                email=data["email"],
                role=Role(data["role"]),
                by=request.actor,
                now=clock.now(),
            )
        except DomainError as refusal:
            form.add_error("username", str(refusal.message))
        else:
            return render(request, "access/password_shown.html", {"person": person, "password": password})
    return render(request, "access/user_add.html", {"form": form})


@require(Permission.MANAGE)
@never_cache
@_telling
def user(request: PageRequest, user_id: str) -> HttpResponse:
    """Show a person with what can be changed and what was."""
    member = queries.member(request.scope, user_id)
    person = member.user
    form = UserForm(request.POST or None, initial={"name": person.name, "email": person.email})
    if form.is_valid():
        operations.change_user(scope=request.scope, user_id=user_id, by=request.actor, **form.cleaned_data)
        messages.success(request, _("저장했어요."))
        return redirect("access:user", user_id)
    context = {
        "member": member,
        "person": person,
        "form": form,
        "role_form": RoleForm(initial={"role": member.role}),
        "change": queries.pending_role_changes(request.scope).filter(user=person).first(),
        "is_me": person.pk == request.user.pk,
        "events": _told(list(queries.user_history(request.scope, user_id))),
    }
    return render(request, "access/user.html", context)


@require(Permission.MANAGE)
@require_POST
@_telling
def user_role(request: PageRequest, user_id: str) -> HttpResponse:
    """Ask a second admin to change somebody's role."""
    form = RoleForm(request.POST)
    if form.is_valid():
        operations.request_role(
            scope=request.scope,
            user_id=user_id,
            role=Role(form.cleaned_data["role"]),
            reason=form.cleaned_data["reason"],
            by=request.actor,
            now=clock.now(),
        )
        messages.success(request, _("역할 변경을 요청했어요. 다른 관리자가 확인하면 바뀌어요."))
    return redirect("access:user", user_id)


@require(Permission.MANAGE)
@require_POST
@stepup_required
@_telling
def role_decide(request: PageRequest, change_id: str) -> HttpResponse:
    """Confirm or reject a role change."""
    confirm = request.POST.get("decision") == "confirm"
    decide: Callable[..., RoleChange] = operations.confirm_role if confirm else operations.reject_role
    decide(scope=request.scope, change_id=change_id, by=request.actor, now=clock.now())
    messages.success(request, _("역할을 바꿨어요.") if confirm else _("역할 변경을 반려했어요."))
    return redirect("access:users")


@require(Permission.MANAGE)
@require_POST
@_telling
def user_disable(request: PageRequest, user_id: str) -> HttpResponse:
    """Shut somebody out, at once."""
    operations.disable_user(scope=request.scope, user_id=user_id, by=request.actor)
    messages.success(request, _("이 사용자를 막았어요. 열려 있던 화면도 모두 닫혀요."))
    return redirect("access:user", user_id)


@require(Permission.MANAGE)
@require_POST
@_telling
def user_enable(request: PageRequest, user_id: str) -> HttpResponse:
    """Let somebody in again."""
    operations.enable_user(scope=request.scope, user_id=user_id, by=request.actor)
    messages.success(request, _("다시 들어올 수 있어요."))
    return redirect("access:user", user_id)


@require(Permission.MANAGE)
@never_cache
@require_POST
@_telling
def user_password(request: PageRequest, user_id: str) -> HttpResponse:
    """Give somebody a temporary password; it is shown once, on the answer."""
    person = queries.member(request.scope, user_id).user
    password = operations.reset_password(scope=request.scope, user_id=user_id, by=request.actor)
    return render(request, "access/password_shown.html", {"person": person, "password": password})


# ---- API secrets


@require(Permission.MANAGE)
@never_cache
@require_http_methods(["GET", "POST"])
def api_secrets(request: PageRequest) -> HttpResponse:
    """List the API secrets and issue new ones; the text of a new one is shown once, on the answer."""
    form = SecretForm(request.POST or None)
    issued = text = None
    if form.is_valid():
        try:
            issued, text = secret_operations.issue(
                scope=request.scope,
                name=form.cleaned_data["name"],
                scopes=[ApiScope(word) for word in form.cleaned_data["scopes"]],
                test_only=form.cleaned_data["test_only"],
                expires_at=form.expires_at(),
                owner=request.user,
                by=request.actor,
                now=clock.now(),
            )
        except DomainError as refusal:
            form.add_error(None, str(refusal.message))
        else:
            form = SecretForm()
    labels = {scope.value: scope.label for scope in ApiScope}
    rows = [(row, [labels[word] for word in row.scopes]) for row in queries.api_secrets(request.scope)]
    context = {"form": form, "rows": rows, "issued": issued, "text": text, "now": clock.now()}
    return render(request, "access/api_secrets.html", context)


@require(Permission.MANAGE)
@require_POST
@_telling
def api_secret_revoke(request: PageRequest, prefix: str) -> HttpResponse:
    """Revoke an API secret, at once."""
    secret_operations.revoke(scope=request.scope, prefix=prefix, by=request.actor, now=clock.now())
    messages.success(request, _("키를 폐기했어요. 이제 이 키로 온 요청은 거절돼요."))
    return redirect("access:api-secrets")


# ---- The audit trail


@require(Permission.AUDIT)
@never_cache
def audit_trail(request: PageRequest) -> HttpResponse:
    """Show what was done, newest first."""
    form = AuditForm(request.GET or None)
    before = request.GET.get("before", "")
    before_id = int(before) if before.isascii() and before.isdecimal() and len(before) <= 18 else None  # noqa: PLR2004 - fits a bigint
    found = list(queries.audit_events(request.scope, form.wanted(), before_id=before_id)[: _AUDIT_PAGE + 1])
    events = found[:_AUDIT_PAGE]
    kept = {name: value for name, value in request.GET.items() if name != "before" and value}
    older = f"?{urlencode(kept | {'before': events[-1].pk})}" if len(found) > _AUDIT_PAGE else ""
    context = {
        "form": form,
        "events": _told(events),
        "older": older,
        "newest": f"?{urlencode(kept)}" if before_id else "",
        "verdict": queries.last_verification(request.scope, upkeep.VERIFY_JOB),
    }
    return render(request, "access/audit.html", context)


@require(Permission.AUDIT)
@require_POST
def audit_verify(request: PageRequest) -> HttpResponse:
    """Have the seals of the audit trail checked in the background."""
    jobs.enqueue(
        scope=request.scope, kind=upkeep.VERIFY_JOB, arguments={}, by=request.actor, now=clock.now(), dedupe="one"
    )
    messages.success(request, _("감사 기록을 확인하고 있어요. 잠시 뒤에 결과가 나와요."))
    return redirect(reverse("access:audit"))


def _told(events: list[AuditEvent]) -> list[tuple[AuditEvent, list[tuple[str, str, str]]]]:
    """Return each event with its changes in words: name, before, after."""
    return [(event, _changes(event.before or {}, event.after or {})) for event in events]


def _changes(before: Any, after: Any) -> list[tuple[str, str, str]]:
    if not (isinstance(before, dict) and isinstance(after, dict)):
        return [("", _words(before), _words(after))]
    names = [*before, *(name for name in after if name not in before)]
    return [(name, _words(before.get(name)), _words(after.get(name))) for name in names]


def _words(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return _("예") if value else _("아니요")
    if isinstance(value, list):
        return ", ".join(_words(item) for item in value)
    if isinstance(value, dict):
        return ", ".join(f"{name} {_words(item)}" for name, item in value.items())
    return str(value)

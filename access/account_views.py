"""One's own account: password, second factor, language and theme."""

import base64

import segno
from django.contrib import auth, messages
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from access import credentials, sealed, sessions, stepup, totp
from access.forms import CodeForm, PasswordForm
from access.middleware import without_merchant
from access.models import Language, Theme
from access.requests import PageRequest
from core import clock
from core.errors import DomainError

_NEW_CODE = "new_code"


@without_merchant
@never_cache
def account(request: PageRequest) -> HttpResponse:
    """Show who one is here and what one can change."""
    context = {
        "languages": Language.choices,
        "themes": Theme.choices,
        "code_needed": credentials.needs_code(request.user),
    }
    return render(request, "access/account.html", context)


@without_merchant
@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def password(request: PageRequest) -> HttpResponse:
    """Replace one's password; every other session of the person ends."""
    form = PasswordForm(request.POST or None)
    status = 200
    if form.is_valid():
        try:
            credentials.replace_password(
                user=request.user,
                current=form.cleaned_data["current"],
                password=form.cleaned_data["password"],
                by=request.actor,
                now=clock.now(),
            )
        except DomainError as refusal:
            form.add_error(_field_of(refusal), str(refusal.message))
            status = refusal.status
        else:
            auth.update_session_auth_hash(request, request.user)
            messages.success(request, _("비밀번호를 바꿨어요. 다른 기기에서는 로그아웃돼요."))
            return redirect("access:account")
    return render(request, "access/password.html", {"form": form}, status=status)


@without_merchant
@never_cache
@require_http_methods(["GET", "POST"])
def code_setup(request: PageRequest) -> HttpResponseBase:
    """Set up a second factor, or replace it after proving to have the old one."""
    if request.user.has_code and not stepup.is_fresh(request):
        return _prove_old_code(request)
    secret = _secret_in_session(request)
    form = CodeForm(request.POST if "code" in request.POST else None)
    if form.is_valid():
        now = clock.now()
        try:
            credentials.set_up_code(
                user=request.user, secret=secret, code=form.cleaned_data["code"], by=request.actor, now=now
            )
        except DomainError as refusal:
            form.add_error("code", str(refusal.message))
        else:
            del request.session[_NEW_CODE]
            sessions.note_code(request, now)
            messages.success(request, _("인증 앱을 연결했어요."))
            return redirect("access:account")
    address = totp.address(secret, account=request.user.username, issuer="Jeongsan")
    picture = segno.make(address, error="m").svg_data_uri(scale=5, border=4, light="#fff")
    spaced = " ".join(secret[place : place + 4] for place in range(0, len(secret), 4))
    return render(request, "access/code_setup.html", {"form": form, "picture": picture, "secret": spaced})


def _prove_old_code(request: PageRequest) -> HttpResponseBase:
    if request.method == "GET":
        return render(request, "access/code_replace.html")
    try:
        stepup.demand(request)
    except DomainError as refusal:
        return stepup.ask(request, refusal)
    return redirect("access:code-setup")


def _secret_in_session(request: PageRequest) -> str:
    """Return the secret being set up; sealed, because sessions lie in the database."""
    place = {"table": "session", "column": _NEW_CODE, "row": request.user.public_id}
    kept = request.session.get(_NEW_CODE)
    if kept is not None:
        return sealed.unseal(base64.b64decode(kept), **place)
    secret = totp.new_secret()
    request.session[_NEW_CODE] = base64.b64encode(sealed.seal(secret, **place)).decode()
    return secret


def _field_of(refusal: DomainError) -> str | None:
    field = refusal.facts.get("field")
    return str(field) if field in PasswordForm.base_fields else None

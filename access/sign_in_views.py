"""Signing in and out, and choosing what is shown: merchant, live or test, language, theme."""

from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from access import credentials, operations, queries, sessions
from access.forms import CodeForm, SignInForm
from access.middleware import without_merchant
from access.models import Language, Theme, User
from access.requests import PageRequest
from core import clock
from core.errors import DomainError


def back_to(request: HttpRequest, default: str = "/") -> str:
    """Return the page of ours that the form or the address names in `next`, else the default."""
    target = request.POST.get("next") or request.GET.get("next") or ""
    return target if url_has_allowed_host_and_scheme(target, allowed_hosts=None) else default


@login_not_required
@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """Ask for user name and password."""
    if request.method == "GET" and request.user.is_authenticated:
        return redirect(back_to(request))
    form = SignInForm(request.POST or None)
    if not form.is_valid():
        return _show(request, form)
    now = clock.now()
    try:
        user = credentials.check_sign_in(
            username=form.cleaned_data["username"],
            password=form.cleaned_data["password"],
            address=_address(request),
            request_id=_request_id(request),
            now=now,
        )
    except DomainError as refusal:
        form.add_error(None, str(refusal.message))
        return _show(request, form, refusal)
    if user.has_code:
        sessions.hold_for_code(request, user, now)
        return redirect(f"{reverse('access:code')}?{urlencode({'next': back_to(request)})}")
    return _let_in(request, user, with_code=False)


@login_not_required
@never_cache
@require_http_methods(["GET", "POST"])
def code(request: HttpRequest) -> HttpResponse:
    """Ask whoever gave the right password for a one-time code."""
    now = clock.now()
    user = sessions.held_for_code(request, now)
    if user is None:
        return redirect("access:sign-in")
    form = CodeForm(request.POST or None)
    if not form.is_valid():
        return _show(request, form, template="access/code.html")
    actor = queries.actor_for(user, request_id=_request_id(request), address=_address(request))
    try:
        credentials.accept_code(user=user, code=form.cleaned_data["code"], by=actor, now=now)
    except DomainError as refusal:
        form.add_error("code", str(refusal.message))
        return _show(request, form, refusal, template="access/code.html")
    return _let_in(request, user, with_code=True)


@without_merchant
@require_POST
def sign_out(request: PageRequest) -> HttpResponse:
    """End the session."""
    operations.record_everywhere(request.user, request.actor, "sign_out")
    sessions.end(request)
    return redirect("access:sign-in")


@without_merchant
@never_cache
def choose_merchant(request: PageRequest) -> HttpResponse:
    """Show the merchants the person may enter."""
    context = {"memberships": queries.memberships_of(request.user), "next": back_to(request)}
    return render(request, "access/choose_merchant.html", context)


@without_merchant
@require_POST
def switch_merchant(request: PageRequest) -> HttpResponse:
    """Enter a merchant, on its live side."""
    wanted = request.POST.get("merchant", "")
    membership = queries.memberships_of(request.user).filter(merchant__public_id=wanted).first()
    if membership is None:
        raise Http404
    sessions.show_merchant(request, membership.merchant_id)
    messages.info(request, _("%(name)s 화면이에요.") % {"name": membership.merchant.name})
    return redirect(back_to(request))


@require_POST
def switch_environment(request: PageRequest) -> HttpResponse:
    """Show the live or the test side."""
    wanted = request.POST.get("environment", "")
    if wanted not in {"live", "test"}:
        return HttpResponseBadRequest()
    sessions.show_environment(request, is_test=wanted == "test")
    return redirect(back_to(request))


@login_not_required
@require_POST
def set_language(request: HttpRequest) -> HttpResponse:
    """Choose the language: of the person, and of this browser for the pages before the sign-in."""
    wanted = request.POST.get("language", "")
    if wanted not in Language.values:
        return HttpResponseBadRequest()
    if isinstance(request.user, User):
        operations.set_language(user=request.user, language=Language(wanted))
    response = redirect(back_to(request))
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        wanted,
        max_age=365 * 24 * 3600,
        secure=settings.LANGUAGE_COOKIE_SECURE,
        httponly=settings.LANGUAGE_COOKIE_HTTPONLY,
        samesite="Lax",
    )
    return response


@without_merchant
@require_POST
def set_theme(request: PageRequest) -> HttpResponse:
    """Choose how the pages look."""
    wanted = request.POST.get("theme", "")
    if wanted not in Theme.values:
        return HttpResponseBadRequest()
    operations.set_theme(user=request.user, theme=Theme(wanted))
    return redirect(back_to(request))


def _let_in(request: HttpRequest, user: User, *, with_code: bool) -> HttpResponse:
    target = back_to(request)
    sessions.begin(request, user, with_code=with_code, now=clock.now())
    actor = queries.actor_for(user, request_id=_request_id(request), address=_address(request))
    credentials.record_sign_in(user=user, by=actor, with_code=with_code)
    return redirect(target)


def _show(
    request: HttpRequest, form: Any, refusal: DomainError | None = None, template: str = "access/sign_in.html"
) -> HttpResponse:
    context = {"form": form, "next": back_to(request, "")}
    response = render(request, template, context, status=refusal.status if refusal else 200)
    seconds = getattr(refusal, "retry_after", None)
    if seconds is not None:
        response["Retry-After"] = str(seconds)
    return response


def _address(request: HttpRequest) -> str:
    return str(getattr(request, "address", ""))


def _request_id(request: HttpRequest) -> str:
    return str(getattr(request, "request_id", ""))

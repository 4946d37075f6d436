"""
Step-up: proving again, with a one-time code, that it is really this person who moves money or hands out rights.

A code counts for five minutes, the one of the sign-in included.
"""

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any, TypeVar, cast

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from access import credentials, sessions
from access.requests import PageRequest
from core import clock
from core.errors import DomainError

FRESH_FOR = timedelta(minutes=5)
CODE_FIELD = "stepup_code"

View = TypeVar("View", bound=Callable[..., HttpResponseBase])


class StepUpRequired(DomainError):
    """A one-time code has to be entered first."""

    code, status = "STEP_UP_REQUIRED", 403


def is_fresh(request: HttpRequest) -> bool:
    """Say whether a code was accepted in this session within the last five minutes."""
    return clock.now() - sessions.code_entered_at(request) < FRESH_FOR


def verify(request: PageRequest, code: str) -> None:
    """Accept a code for this session. Raises CodeRefused, TooManyAttempts (`access.credentials`, `access.attempts`)."""
    now = clock.now()
    credentials.accept_code(user=request.user, code=code, by=request.actor, now=now)
    sessions.note_code(request, now)


def demand(request: PageRequest) -> None:
    """
    Pass when a code is fresh or the form brings one, in its field `stepup_code`.

    Raises StepUpRequired, CodeRefused, TooManyAttempts.
    """
    if is_fresh(request):
        return
    code = request.POST.get(CODE_FIELD, "").strip()
    if not code:
        raise StepUpRequired(_("인증 앱의 6자리 코드를 입력해 주세요."))
    verify(request, code)


def missing(request: PageRequest) -> HttpResponseBase | None:
    """Return the page on which a person has to prove who it is before a POST counts; None when that is proven."""
    if not request.user.has_code:
        return redirect("access:code-setup")
    try:
        demand(request)
    except DomainError as refusal:
        return ask(request, refusal)
    return None


def stepup_required(view: View) -> View:
    """
    Decorate a view whose POST needs a fresh code.

    Without one the person sees a page that asks for it and sends the same form again; uploads cannot pass this way.
    """

    @wraps(view)
    def guarded(request: PageRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        asked = missing(request) if request.method == "POST" else None
        return asked or view(request, *args, **kwargs)

    return cast("View", guarded)


def ask(request: HttpRequest, refusal: DomainError) -> HttpResponseBase:
    """Show the page that asks for a code and repeats the form that was sent."""
    kept = [(name, value) for name, values in request.POST.lists() for value in values]
    fields = [(name, value) for name, value in kept if name not in {CODE_FIELD, "csrfmiddlewaretoken"}]
    context = {
        "fields": fields,
        "code_field": CODE_FIELD,
        "target": request.get_full_path(),
        "error": "" if isinstance(refusal, StepUpRequired) else refusal.message,
    }
    response = render(request, "access/step_up.html", context, status=refusal.status)
    response["HX-Retarget"] = "body"
    return response

"""
Two middlewares.

The outermost gives every request its id, and the API its paths and errors; the inner one puts the person, the merchant
and the environment on page requests.
"""

import re
from collections.abc import Callable
from urllib.parse import urlencode

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import translation

from access import paths, queries, sessions, wire
from access.models import Membership, User
from access.requests import PageRequest
from access.roles import NEEDS_CODE, Role
from core import clock, ids
from core.scope import Scope

GetResponse = Callable[[HttpRequest], HttpResponseBase]
View = Callable[..., HttpResponseBase]

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}", re.ASCII)
_SERVER_ERROR, _CLIENT_ERROR = 500, 400
# Asked by machines that have no session.
_OPEN_PREFIXES = ("/health/",)


def without_merchant(view: View) -> View:
    """Mark a view that a signed-in person may see before choosing a merchant or setting up a code."""
    view.without_merchant = True  # type: ignore[attr-defined] # a mark on the function, as Django's own login_required is
    return view


class RequestContextMiddleware:
    """
    Outermost. Names the request, binds it to the log, and keeps the API to itself.

    An API request loses its cookies (no session is ever read or written for it), is routed on its raw path, and gets
    JSON even for failures that no view has seen.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Serve one request."""
        request_id = _request_id(request)
        request.request_id = request_id  # type: ignore[attr-defined] # see PageRequest
        request.address = _address(request)  # type: ignore[attr-defined] # see PageRequest
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        response = self._api(request) if paths.is_api(request.path_info) else self.get_response(request)
        response["X-Request-Id"] = request_id
        return response

    def _api(self, request: HttpRequest) -> HttpResponseBase:
        request.COOKIES = {}
        if paths.has_nul(request):
            return wire.failure(_CLIENT_ERROR)
        paths.use_raw_path(request)
        response = self.get_response(request)
        if response.status_code < _CLIENT_ERROR or response.get("Content-Type", "").startswith(wire.JSON):
            return response
        request_id = response_id(request) if response.status_code >= _SERVER_ERROR else ""
        return wire.failure(response.status_code, request_id)


class MerchantMiddleware:
    """
    Puts `actor`, `merchant`, `role` and `scope` on page requests of signed-in people, in their language.

    Anonymous requests are sent to the sign-in, unless the view is marked with Django's `login_not_required`. People
    whose session is over, who have to choose a merchant, a new password or a second factor are sent there first.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Serve one request."""
        if not _is_page(request):
            return self.get_response(request)
        page = _page(request)
        page.actor = page.scope = page.merchant = page.role = None  # type: ignore[assignment] # until we know
        if request.user.is_authenticated and sessions.is_over(request, clock.now()):
            sessions.end(request)
        if request.user.is_authenticated:
            _sign(page)
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: View, _args: object, _kwargs: object) -> HttpResponseBase | None:
        """Send people where they have to go first."""
        if not _is_page(request) or not getattr(view, "login_required", True):
            return None
        if not request.user.is_authenticated:
            return _go_to_sign_in(request)
        errand = None if getattr(view, "without_merchant", False) else _errand(_page(request))
        return _go(request, reverse(errand)) if errand else None


def response_id(request: HttpRequest) -> str:
    """Return the request's id, for showing it to whoever reports a failure."""
    return getattr(request, "request_id", "")


def _page(request: HttpRequest) -> PageRequest:
    return request  # type: ignore[return-value] # the middleware is what makes it one


def _errand(page: PageRequest) -> str | None:
    """Return the page a signed-in person has to deal with before any other."""
    if page.user.must_change_password:
        return "access:password"
    if page.role is None:
        return "access:choose-merchant"
    if page.role in NEEDS_CODE and not page.user.has_code:
        return "access:code-setup"
    return None


def _is_page(request: HttpRequest) -> bool:
    return not paths.is_api(request.path_info) and not request.path_info.startswith(_OPEN_PREFIXES)


def _sign(page: PageRequest) -> None:
    user = page.user
    page.actor = queries.actor_for(user, request_id=page.request_id, address=page.address)
    structlog.contextvars.bind_contextvars(user_id=user.pk)
    translation.activate(user.language)
    page.LANGUAGE_CODE = user.language
    membership = _membership(page, user)
    if membership is not None:
        page.merchant = membership.merchant
        page.role = Role(membership.role)
        page.scope = Scope(membership.merchant_id, sessions.shows_test(page))
        structlog.contextvars.bind_contextvars(merchant_id=membership.merchant_id)


def _membership(request: HttpRequest, user: User) -> Membership | None:
    """Return the membership being shown: the chosen one, or the only one."""
    found = list(queries.memberships_of(user))
    chosen = [membership for membership in found if membership.merchant_id == sessions.shown_merchant(request)]
    return chosen[0] if chosen else found[0] if len(found) == 1 else None


def _go_to_sign_in(request: HttpRequest) -> HttpResponse:
    target = reverse("access:sign-in")
    if request.method == "GET" and not request.headers.get("HX-Request"):
        target = f"{target}?{urlencode({'next': request.get_full_path()})}"
    return _go(request, target)


def _go(request: HttpRequest, target: str) -> HttpResponse:
    # A part of a page cannot show another page; htmx follows this header with the whole window.
    if request.headers.get("HX-Request"):
        return HttpResponse(headers={"HX-Redirect": target})
    return HttpResponseRedirect(target)


def _request_id(request: HttpRequest) -> str:
    sent = request.headers.get("X-Request-Id", "")
    return sent if _REQUEST_ID.fullmatch(sent) else ids.ulid(clock.now())


def _address(request: HttpRequest) -> str:
    # Behind our own proxy the last entry is the one it wrote itself; earlier ones are whatever the caller claimed.
    if settings.SECURE_PROXY_SSL_HEADER:
        forwarded: str = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
        return forwarded[:60]
    return str(request.META.get("REMOTE_ADDR", ""))[:60]

"""The base of every page: who may open it, and what a refusal looks like."""

from typing import Any, ClassVar

from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views import View

from access.requests import PageRequest
from access.roles import Permission, check
from console.columns import Label
from core.errors import DomainError, NotFound


class PageView(View):
    """
    Base of class views: `permission` is needed for every method, and `title` names the page.

    A `DomainError` becomes the page that says what to do next, with the error's status; what is not there, or belongs
    to somebody else, is the same 404.
    """

    permission: ClassVar[Permission]
    title: ClassVar[Label]
    request: PageRequest

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Let the permitted in and turn refusals into pages."""
        check(request, self.permission)
        try:
            return super().dispatch(request, *args, **kwargs)
        except NotFound as error:
            raise Http404(str(error.message)) from error
        except DomainError as error:
            return refused(request, error)


def is_htmx(request: HttpRequest) -> bool:
    """Say whether htmx asks for a part of a page."""
    return bool(getattr(request, "htmx", False))


def refused(request: HttpRequest, error: DomainError) -> HttpResponse:
    """Answer with the sentence of a refusal: as a note for htmx, else as a page."""
    if is_htmx(request):
        # htmx shows only successful answers; the refusal itself is the message.
        return render(request, "console/_refused.html", {"error": error})
    back = request.headers.get("Referer", "")
    known = url_has_allowed_host_and_scheme(back, {request.get_host()}, require_https=request.is_secure())
    return render(
        request, "console/refused.html", {"error": error, "back": back if known else "/"}, status=error.status
    )

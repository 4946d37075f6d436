"""Headers that keep a page from running, loading or leaking anything that is not ours."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

_POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}
_WITH_INLINE_STYLE = _POLICY | {"style-src": "'self' 'unsafe-inline'"}
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    # Static files bring their own; everything else may show somebody's money.
    "Cache-Control": "no-store",
}


def _written(policy: dict[str, str]) -> str:
    return "; ".join(f"{name} {value}" for name, value in policy.items())


class ContentSecurityPolicyMiddleware:
    """
    Add the security headers a response does not have yet.

    Pages under `CSP_INLINE_STYLE_PATHS` (a setting, default none) may use inline styles: the bundled API browser needs
    them.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        self.strict = _written(_POLICY)
        self.loose = _written(_WITH_INLINE_STYLE)

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Let the view answer, then add what is missing."""
        response = self.get_response(request)
        paths: tuple[str, ...] = tuple(getattr(settings, "CSP_INLINE_STYLE_PATHS", ()))
        policy = self.loose if paths and request.path.startswith(paths) else self.strict
        response.headers.setdefault("Content-Security-Policy", policy)
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        return response

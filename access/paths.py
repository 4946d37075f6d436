"""
Ids in paths that may hold anything, slashes included.

Callers percent-encode ids: the partner `a/b c` is `/platform/partners/a%2Fb%20c`. A WSGI server decodes that before
Django routes it, and then the slash of the id looks like a slash of the path. So on API paths the middleware puts the
path as it was sent (`RAW_URI` of gunicorn, `REQUEST_URI` of others) back into `path_info`, each segment encoded in one
canonical way, and Django routes on that: a slash in `path_info` is always a slash of the path. Routes take ids with the
converter `<id:name>`, which decodes exactly one segment:

    path("platform/partners/<id:partner_id>", …)             matches a%2Fb      → "a/b"
    path("platform/partners/<id:partner_id>/archive", …)     matches a%2Fb/archive → "a/b"
    path("platform/partners/<id:partner_id>", …)             matches a%2Farchive  → "a/archive"

Without a raw path (Django's test client, its live test server) the decoded path is encoded segment by segment; ids work
there too, except that a slash cannot be told apart. Tests hand the raw path in: `client.get(url, **paths.raw(url))`.
Routes on API paths must use `<id:…>` wherever text comes from outside, `<str:…>` would receive it encoded.
"""

from typing import Any, Final
from urllib.parse import quote, unquote, unquote_to_bytes, urlsplit

from django.http import HttpRequest
from django.urls import register_converter
from django.utils.encoding import repercent_broken_unicode

from access.parse import is_clean

_PREFIXES: Final = ("/platform", "/api", "/login/api-secret", "/token/refresh", "/b2b")
_LONGEST_ID = 1_000


def is_api(path: str) -> bool:
    """Say whether a path belongs to the API: JSON only, no session, no cookies."""
    return any(path == prefix or path.startswith(f"{prefix}/") for prefix in _PREFIXES)


class IdConverter:
    """One path segment, percent-encoded UTF-8 of any text without NUL."""

    regex = "[^/]+"

    def to_python(self, value: str) -> str:
        """Decode the segment; ValueError (no match, so 404) when it is no UTF-8 or absurdly long."""
        text = unquote(value, errors="strict")
        if len(text) > _LONGEST_ID or not is_clean(text):
            raise ValueError("not an id")
        return text

    def to_url(self, value: str) -> str:
        """Encode an id into one segment."""
        return quote(value, safe="")


register_converter(IdConverter, "id")


def raw(url: str) -> dict[str, Any]:
    """Return what a WSGI server adds for a URL, for calls with Django's test client."""
    return {"RAW_URI": url}


def use_raw_path(request: HttpRequest) -> None:
    """Route the request on its canonical encoded path. For API paths only."""
    sent, decoded = _sent_path(request), str(request.META["PATH_INFO"])
    # The server's decoded path wins when the two disagree: then something in front has rewritten the address.
    if sent is None or repercent_broken_unicode(unquote_to_bytes(sent)).decode() != decoded:
        sent = quote(decoded, safe="/")
    request.path_info = "/".join(quote(unquote_to_bytes(segment), safe="") for segment in sent.split("/"))


def has_nul(request: HttpRequest) -> bool:
    """Say whether the path holds a NUL, which nothing of ours can be called."""
    return "\0" in request.path_info or "%00" in request.path_info


def _sent_path(request: HttpRequest) -> str | None:
    sent = str(request.META.get("RAW_URI") or request.META.get("REQUEST_URI") or "")
    if not sent:
        return None
    path = urlsplit(sent).path if "://" in sent.partition("?")[0] else sent.partition("?")[0].partition("#")[0]
    return path.removeprefix(str(request.META.get("SCRIPT_NAME", "")).rstrip("/"))

"""File names: what an export is called, and how a browser is told so."""

import re
from datetime import date
from urllib.parse import quote

# What Windows, macOS or Linux forbid in a name, plus control characters and the marks that reverse reading order.
_FORBIDDEN = re.compile(r'[\\/:*?"<>|\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]')
_LONGEST = 120
# RFC 5987 attr-char beyond letters and digits.
_SAFE = "!#$&+-.^_`|~"


def safe_name(text: str) -> str:
    """Return the text as one file name that every system takes; never empty."""
    name = _FORBIDDEN.sub("_", text).strip(" .")
    return name[:_LONGEST].rstrip(" .") or "file"


def export_name(title: str, extension: str, *, first: date | None = None, last: date | None = None) -> str:
    """Return the name of an export with the days it covers, both included: 정산내역_20261101-20261121.xlsx."""
    days = "-".join(f"{day:%Y%m%d}" for day in (first, last) if day)
    stem = safe_name(f"{title.replace(' ', '')}_{days}" if days else title.replace(" ", ""))
    return f"{stem}.{extension}"


def content_disposition(name: str) -> str:
    """Return the header value that offers a download under this name: RFC 5987, with an ASCII name for old clients."""
    name = safe_name(name)
    plain = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "_" for c in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe=_SAFE)}"

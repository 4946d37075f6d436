"""Where vendor files and their lines are shown."""

from django.urls import NoReverseMatch, reverse

from console.filters import encode


def file_url(public_id: object) -> str:
    """Return the page of a file."""
    return reverse("reconciliation:file", args=[public_id])


def lines_url(public_id: object, **conditions: str) -> str:
    """Return the lines of a file, or those that conditions leave."""
    address = reverse("reconciliation:lines", args=[public_id])
    return f"{address}?{encode(conditions.items())}" if conditions else address


def line_url(public_id: object, record: object) -> str:
    """Return the page of one line."""
    return reverse("reconciliation:line", args=[public_id, record])


def elsewhere(name: str, public_id: str) -> str:
    """Return another page about a file; nothing where there is no such page."""
    try:
        return reverse(f"reconciliation:{name}", args=[public_id])
    except NoReverseMatch:
        return ""

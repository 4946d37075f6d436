"""Where bank statements and their lines are shown."""

from collections.abc import Sequence

from django.urls import reverse

from console.filters import encode


def statement_url(public_id: object) -> str:
    """Return the page of a statement file."""
    return reverse("reconciliation:statement", args=[public_id])


def line_url(line_id: object) -> str:
    """Return the page of one line of a statement."""
    return reverse("reconciliation:statement-line", args=[line_id])


def lines_url(*states: str, **conditions: str) -> str:
    """Return the lines in some states, all without them, that other conditions leave."""
    return _with("reconciliation:statement-lines", [*(("state", one) for one in states), *conditions.items()])


def desk_url(account_id: str = "") -> str:
    """Return the desk of an account, of the first one without it."""
    return _with("reconciliation:statement-desk", [("account", account_id)] if account_id else [])


def _with(name: str, pairs: Sequence[tuple[str, str]]) -> str:
    address = reverse(name)
    return f"{address}?{encode(pairs)}" if pairs else address

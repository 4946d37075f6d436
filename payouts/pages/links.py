"""Where bulk payouts, payouts and other applications' objects are shown."""

from django.urls import reverse

from console import registry


def bulk_url(public_id: object) -> str:
    """Return the page of a bulk payout."""
    return reverse("payouts:bulk-payout", args=[public_id])


def payout_url(public_id: object) -> str:
    """Return the page of a payout."""
    return reverse("payouts:payout", args=[public_id])


def origin_url(kind: str, public_id: object) -> str | None:
    """Return the page of another application's object, if it shows that kind."""
    link = registry.origin_link(kind, str(public_id or ""))
    return link.url if link else None

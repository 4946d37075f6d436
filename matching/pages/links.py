"""Where documents of matching are shown."""

from django.urls import reverse

from console.filters import encode


def invoice_url(public_id: object) -> str:
    """Return the page of a vendor invoice."""
    return reverse("matching:invoice", args=[public_id])


def order_url(public_id: object) -> str:
    """Return the page of a purchase order."""
    return reverse("matching:order", args=[public_id])


def receipt_url(public_id: object) -> str:
    """Return the page of a product receipt."""
    return reverse("matching:receipt", args=[public_id])


def details_url(public_id: object, **query: str) -> str:
    """Return the matching details of an invoice, of one of its lines or runs with `line` and `run`."""
    address = reverse("matching:details", args=[public_id])
    return f"{address}?{encode(query.items())}" if query else address

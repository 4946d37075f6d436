"""Inserting a document whose id somebody else may choose at the same moment."""

from django.db import IntegrityError, transaction

from ledger.posting import refused_by
from matching import refusals
from matching.models import Invoice, PurchaseOrder, Receipt


def insert(document: PurchaseOrder | Receipt | Invoice, constraint: str) -> None:
    """Insert a document. Raises ID_ALREADY_USED when its id names another by now."""
    try:
        with transaction.atomic():
            document.save(force_insert=True)
    except IntegrityError as error:
        if refused_by(error) != constraint:
            raise
        raise refusals.id_used(document.public_id) from error

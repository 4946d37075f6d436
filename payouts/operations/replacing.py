"""
Paying again: which payout a new one stands in for.

A settlement is claimed again only after its earlier claim was released, so the chain of claims says what is replaced;
nobody has to name it.
"""

from django.db import connection

from core.sql import load
from payouts.models import BulkPayout


def note_replaced(bulk: BulkPayout) -> int:
    """
    Note on each new payout of a bulk payout the newest one that ended unpaid with the same settlements.

    Belongs after the claims of a bulk payout are made and before its content is sealed, in the same transaction.
    Repeating changes nothing. Returns how many payouts replace another.
    """
    with connection.cursor() as cursor:
        cursor.execute(load("payouts", "replaced"), {"bulk": bulk.pk})
        return int(cursor.rowcount)

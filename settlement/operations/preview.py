"""What an order would come to: recorded for real, looked at, and undone before anybody else can see it."""

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from django.db import transaction

from core.actor import Actor
from core.scope import Scope
from settlement.models import SettlementRecord
from settlement.operations.records import OrderDraft, record_order

T = TypeVar("T")


def preview_order(
    *, scope: Scope, by: Actor, now: datetime, draft: OrderDraft, look: Callable[[SettlementRecord], T]
) -> T:
    """
    Return what `look` sees of the record an order would become; nothing of it is kept.

    So a preview cannot differ from what recording does: it raises everything that `record_order` raises.
    """
    with transaction.atomic():
        seen = look(record_order(scope=scope, by=by, now=now, draft=draft))
        transaction.set_rollback(True)
    return seen

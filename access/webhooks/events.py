"""
The types of events, and what a receiver is sent of one.

Laws of the database write events into the outbox (see `migrations/sql/*webhook*`), so these words stand there too.
"""

import json

from django.db import models
from django.utils.translation import gettext_lazy as _

from access.models import WebhookEvent
from core import clock


class EventType(models.TextChoices):
    """Everything a receiver can be told."""

    SETTLEMENT_CREATED = "settlement.created", _("정산건이 등록됨")
    SETTLEMENT_VOIDED = "settlement.voided", _("정산건이 삭제됨")
    PARTNER_SETTLEMENT_CONFIRMED = "partner_settlement.confirmed", _("정산 내역이 확정되거나 금액이 더해짐")
    PARTNER_SETTLEMENT_WITHHELD = "partner_settlement.withheld", _("정산 내역의 지급이 보류됨")
    PARTNER_SETTLEMENT_EXCLUDED = "partner_settlement.excluded", _("정산 내역이 지급에서 제외됨")
    PARTNER_SETTLEMENT_RELEASED = "partner_settlement.released", _("정산 내역의 보류·제외가 풀림")
    PARTNER_SETTLEMENT_VOIDED = "partner_settlement.voided", _("정산 내역이 삭제됨")
    BULK_PAYOUT_SUBMITTED = "bulk_payout.submitted", _("일괄지급의 승인이 요청됨")
    BULK_PAYOUT_APPROVED = "bulk_payout.approved", _("일괄지급이 승인됨")
    BULK_PAYOUT_REJECTED = "bulk_payout.rejected", _("일괄지급이 반려됨")
    BULK_PAYOUT_REOPENED = "bulk_payout.reopened", _("일괄지급의 승인이 풀림")
    BULK_PAYOUT_STARTED = "bulk_payout.started", _("일괄지급의 송금이 시작됨")
    BULK_PAYOUT_COMPLETED = "bulk_payout.completed", _("일괄지급이 완료됨")
    BULK_PAYOUT_CANCELLED = "bulk_payout.cancelled", _("일괄지급이 취소됨")
    PAYOUT_APPROVED = "payout.approved", _("지급이 승인됨")
    PAYOUT_PROCESSING = "payout.processing", _("은행에 지급을 지시함")
    PAYOUT_SUCCEEDED = "payout.succeeded", _("지급에 성공함")
    PAYOUT_FAILED = "payout.failed", _("지급에 실패함")
    PAYOUT_RETURNED = "payout.returned", _("지급한 돈이 반송됨")
    PAYOUT_UNKNOWN = "payout.unknown", _("지급 결과를 확인해야 함")
    PAYOUT_STOPPED = "payout.stopped", _("지급이 중단됨")
    PAYOUT_CANCELLED = "payout.cancelled", _("지급이 취소됨")
    TEST = "webhook.test", _("시험으로 보냄")


# What can be chosen; a test goes to the endpoint it was asked for, whatever that wants.
SUBSCRIBABLE = tuple(kind for kind in EventType if kind is not EventType.TEST)


def body(event: WebhookEvent) -> bytes:
    """Return what is sent of an event: ids, state and amount of that moment, the same bytes each time."""
    occurred = clock.wire_moment(event.occurred_at)
    data = {
        "object": event.object_kind,
        "id": event.object_id,
        "status": event.status,
        "amount": event.amount,
        "currency": event.currency or None,
        "sequence": event.pk,
        "occurredAt": occurred,
        "environment": "test" if event.is_test else "live",
    }
    known = {name: value for name, value in data.items() if value is not None}
    told = {"id": event.public_id, "type": event.type, "timestamp": occurred, "data": known}
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()

"""Deciding about partners: whether the merchant takes them on."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from access import audit
from core.actor import Actor
from core.errors import Conflict, Forbidden, InvalidRequest
from core.scope import Scope
from settlement.models import Partner, PartnerStatus
from settlement.operations import partners

_VERBS = {
    PartnerStatus.APPROVED: "partner.approved",
    PartnerStatus.REJECTED: "partner.rejected",
    PartnerStatus.PENDING: "partner.reopened",
}


def decide(
    *, scope: Scope, by: Actor, now: datetime, public_id: str, status: PartnerStatus, reason: str = ""
) -> Partner:
    """
    Approve or reject a partner, or let it wait for a decision again; a rejection says why.

    Raises PARTNER_NOT_FOUND, Forbidden when `by` is no approver, Conflict when it has that status already,
    InvalidRequest for a rejection without a reason.
    """
    if not partners.is_approver(scope, by):
        raise Forbidden(_("승인자만 파트너를 승인하거나 거절할 수 있어요."))
    if status is PartnerStatus.REJECTED and not reason.strip():
        raise InvalidRequest(_("거절하는 이유를 적어 주세요."), field="reason")
    with transaction.atomic():
        partner = partners.lock(scope, public_id)
        before = partner.status
        if before == status:
            raise Conflict(_("이미 그 상태예요."))
        partner.status, partner.applied_at = status, now
        partner.save(update_fields=["status", "applied_at"])
        audit.record(
            scope=scope,
            by=by,
            action=_VERBS[status],
            kind=partners.KIND,
            object_id=public_id,
            before={"status": str(before)},
            after={"status": status.value},
            reason=reason.strip(),
        )
    return partner

"""
The link of partners to the tax office, which this system does not have.

Requests are checked as far as they can be, so that a caller learns of an unknown partner or one that could never be
linked, and refused then.
"""

from collections.abc import Sequence
from enum import StrEnum

from django.db.models import Q
from django.utils.translation import gettext as _

from core.errors import DomainError
from core.scope import Scope
from settlement.models import Partner, PartnerType, TaxationType
from settlement.operations import partners
from settlement.refusals import partner_not_found, refuse


class Link(StrEnum):
    """What is asked for."""

    CONNECT = "CONNECT"
    DISCONNECT = "DISCONNECT"


def link(*, scope: Scope, public_id: str, link: Link) -> None:
    """
    Refuse to link a partner, or to take its link away.

    Raises PARTNER_NOT_FOUND, PARTNER_TYPE_IS_NOT_BUSINESS, PARTNER_TAXATION_TYPE_IS_SIMPLE, connecting also
    ARCHIVED_PARTNER and PARTNER_SCHEDULE_EXISTS, and for all others BTX_NOT_ENABLED.
    """
    partner = partners.get(scope, public_id)
    if partner.type != PartnerType.BUSINESS:
        raise refuse("PARTNER_TYPE_IS_NOT_BUSINESS", 400, _("사업자 파트너만 국세청과 연동할 수 있어요."))
    if partner.taxation_type == TaxationType.SIMPLE:
        message = _("세금계산서를 발행하지 않는 간이 과세자는 국세청과 연동할 수 없어요.")
        raise refuse("PARTNER_TAXATION_TYPE_IS_SIMPLE", 400, message)
    if link is Link.CONNECT and partner.is_archived:
        raise partners.archived_partner()
    if link is Link.CONNECT and partners.is_scheduled(partner):
        message = _("예약한 변경이 있어 국세청과 연동할 수 없어요. 먼저 예약을 취소해 주세요.")
        raise refuse("PARTNER_SCHEDULE_EXISTS", 409, message)
    raise _not_enabled()


def link_many(*, scope: Scope, public_ids: Sequence[str], condition: Q) -> None:
    """
    Refuse to link the partners of a filter, or to take their links away; `public_ids` are those it names.

    Raises PARTNER_NOT_FOUND, TARGET_PARTNER_NOT_FOUND when the filter fits nobody, else BTX_NOT_ENABLED.
    """
    mine = Partner.objects.within(scope)
    known = set(mine.filter(public_id__in=public_ids).values_list("public_id", flat=True))
    for public_id in public_ids:
        if public_id not in known:
            raise partner_not_found(public_id)
    if not mine.filter(condition).exists():
        raise refuse("TARGET_PARTNER_NOT_FOUND", 404, _("조건에 맞는 파트너가 없어요."))
    raise _not_enabled()


def _not_enabled() -> DomainError:
    return refuse("BTX_NOT_ENABLED", 403, _("국세청 연동을 쓸 수 없는 환경이에요."))

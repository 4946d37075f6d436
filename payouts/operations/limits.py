"""Setting the amounts above which a second approver is needed, and what a bank may keep of returned money."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from access import audit
from core.actor import Actor
from core.errors import InvalidRequest
from core.money import MAX_AMOUNT
from core.scope import Scope
from payouts import queries
from payouts.models import PayoutLimits


def change(
    *,
    scope: Scope,
    bulk: int | None,
    day: int | None,
    person_day: int | None,
    return_fee: int,
    by: Actor,
    now: datetime,
) -> PayoutLimits:
    """Set the limits of a scope, in minor units; None is no limit. Raises InvalidRequest."""
    wanted = {"bulk": bulk, "day": day, "person_day": person_day, "return_fee": return_fee}
    for name, amount in wanted.items():
        if amount is not None and not 0 <= amount <= MAX_AMOUNT:
            raise InvalidRequest(_("금액을 0원 이상으로 적어 주세요."), field=name)
    with transaction.atomic():
        PayoutLimits.objects.get_or_create(merchant_id=scope.merchant_id, is_test=scope.is_test)
        found = PayoutLimits.objects.within(scope).select_for_update().get()
        before = {name: getattr(found, name) for name in wanted}
        PayoutLimits.objects.filter(pk=found.pk).update(**wanted, updated_at=now)
        audit.record(
            scope=scope,
            by=by,
            action="payout_limits.changed",
            kind="payout_limits",
            object_id=str(found.pk),
            before=before,
            after=wanted,
        )
    return queries.limits(scope)

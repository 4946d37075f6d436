"""Asking the bank at once what became of a payout, instead of when the next inquiry is due."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from access import audit
from core import jobs
from core.actor import Actor
from core.errors import Conflict
from core.scope import Scope
from payouts import queries
from payouts.models import Attempt, AttemptState
from payouts.rails_in_use import rail


class NothingToAsk(Conflict):
    """The bank has given its answer, or is never asked because the payout went out in a file."""

    code = "NOTHING_TO_ASK"


def ask_now(*, scope: Scope, payout_id: str, by: Actor, now: datetime) -> None:
    """
    Make the next inquiry about a payout due now; a worker asks. Repeating it changes nothing.

    Raises NotFound, NothingToAsk.
    """
    with transaction.atomic():
        payout = queries.find_payout(scope, payout_id)
        waiting = Attempt.objects.filter(payout=payout, state__in=(AttemptState.ACCEPTED, AttemptState.UNKNOWN))
        attempt = waiting.select_for_update().first()
        if attempt is None or rail(attempt.rail).promises.by_file:
            raise NothingToAsk(_("은행에 물어볼 지급이 아니에요. 화면을 새로 고쳐 주세요."), status=payout.status)
        if attempt.next_inquiry_at is None or attempt.next_inquiry_at > now:
            Attempt.objects.filter(pk=attempt.pk).update(next_inquiry_at=now)
            audit.record(
                scope=scope,
                by=by,
                action="payout.asked",
                kind="payout",
                object_id=payout_id,
                after={"reference": attempt.reference},
            )
        jobs.wake("payouts.inquire")

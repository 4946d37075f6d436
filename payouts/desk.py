"""
The desk of what is not known: attempts without a final answer, what was last heard, and what is safe to do when.

Nothing here decides. An action that is not safe yet names the moment from which it is; one that never is has none.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from payouts.models import Attempt, HandOutcome
from payouts.rails_in_use import rail


@dataclass(frozen=True, slots=True)
class SafeAction:
    """
    Something a person can do about an attempt.

    `outcome` is None for asking the bank again. `safe_from` is the moment from which it is safe, None when it never is;
    `why` is a sentence for people.
    """

    name: str
    outcome: HandOutcome | None
    safe_from: datetime | None
    why: str

    def is_safe(self, now: datetime) -> bool:
        """Say whether it may be done now."""
        return self.safe_from is not None and self.safe_from <= now


def safe_actions(attempt: Attempt, now: datetime) -> Sequence[SafeAction]:
    """Return what can be done about an attempt whose result is not known, in the order of how good it is."""
    promises = rail(attempt.rail).promises
    sent = attempt.submitted_at or now
    settled = sent + timedelta(seconds=promises.settle_delay)
    ask = SafeAction(
        "ask",
        None,
        None if promises.by_file else now,
        _("이 지급은 파일로 보냈어요. 은행의 결과 파일을 올려 주세요.")
        if promises.by_file
        else _("은행에 지금 다시 물어봐도 아무것도 바뀌지 않아요."),
    )
    paid = SafeAction(
        "paid", HandOutcome.SUCCEEDED, now, _("은행 명세나 이체 확인증에서 출금을 직접 확인했을 때만 정해 주세요.")
    )
    unpaid = SafeAction(
        "unpaid",
        HandOutcome.FAILED,
        settled,
        _("은행이 늦게 처리할 수 있는 시간이 지나고, 명세에 출금이 없음을 확인했을 때만 정해 주세요."),
    )
    resend = SafeAction(
        "resend",
        HandOutcome.RESEND,
        settled if promises.deduplicates else None,
        _("은행이 같은 번호를 두 번 처리하지 않으므로 같은 번호로만 다시 보내요.")
        if promises.deduplicates
        else _("은행이 중복을 막아 주지 않아서 다시 보내면 두 번 지급될 수 있어요."),
    )
    return (ask, paid, unpaid, resend)

"""How payouts are shown: badges, words for what happened, masked destinations, sentences about failures."""

from collections.abc import Mapping
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from console.columns import Badge, Label, Row, Shape, Tone
from payouts.models import AttemptState, BulkStatus, Decision, DecisionState, PayoutMethod, PayoutStatus
from payouts.rails.base import OutcomeKind
from settlement.pages import banks

PAYOUT_BADGES: Mapping[str, Badge] = {
    PayoutStatus.CONFIRMED.value: Badge(PayoutStatus.CONFIRMED.label, Tone.NEUTRAL, Shape.RING),
    PayoutStatus.SCHEDULED.value: Badge(PayoutStatus.SCHEDULED.label, Tone.INFO, Shape.CLOCK),
    PayoutStatus.PREPARED.value: Badge(PayoutStatus.PREPARED.label, Tone.INFO, Shape.DOT),
    PayoutStatus.PROCESSING.value: Badge(PayoutStatus.PROCESSING.label, Tone.PROGRESS, Shape.HALF),
    PayoutStatus.UNKNOWN.value: Badge(PayoutStatus.UNKNOWN.label, Tone.WARNING, Shape.ALERT),
    PayoutStatus.SUCCEEDED.value: Badge(PayoutStatus.SUCCEEDED.label, Tone.SUCCESS, Shape.CHECK),
    PayoutStatus.FAILED.value: Badge(PayoutStatus.FAILED.label, Tone.DANGER, Shape.CROSS),
    PayoutStatus.RETURNED.value: Badge(PayoutStatus.RETURNED.label, Tone.DANGER, Shape.BACK),
    PayoutStatus.STOPPED.value: Badge(PayoutStatus.STOPPED.label, Tone.NEUTRAL, Shape.PAUSE),
    PayoutStatus.CANCELLED.value: Badge(PayoutStatus.CANCELLED.label, Tone.NEUTRAL, Shape.DASH),
}
BULK_BADGES: Mapping[str, Badge] = {
    BulkStatus.PREPARING.value: Badge(BulkStatus.PREPARING.label, Tone.PROGRESS, Shape.HALF),
    BulkStatus.PREPARED.value: Badge(BulkStatus.PREPARED.label, Tone.NEUTRAL, Shape.RING),
    BulkStatus.PENDING_APPROVAL.value: Badge(BulkStatus.PENDING_APPROVAL.label, Tone.WARNING, Shape.CLOCK),
    BulkStatus.APPROVED.value: Badge(BulkStatus.APPROVED.label, Tone.INFO, Shape.CHECK),
    BulkStatus.SCHEDULED.value: Badge(BulkStatus.SCHEDULED.label, Tone.INFO, Shape.CLOCK),
    BulkStatus.ONGOING.value: Badge(BulkStatus.ONGOING.label, Tone.PROGRESS, Shape.HALF),
    BulkStatus.POST_PROCESS_PENDING.value: Badge(BulkStatus.POST_PROCESS_PENDING.label, Tone.PROGRESS, Shape.DOT),
    BulkStatus.COMPLETED.value: Badge(BulkStatus.COMPLETED.label, Tone.SUCCESS, Shape.CHECK),
    BulkStatus.CANCELLED.value: Badge(BulkStatus.CANCELLED.label, Tone.NEUTRAL, Shape.DASH),
}
ATTEMPT_BADGES: Mapping[str, Badge] = {
    AttemptState.CREATED.value: Badge(AttemptState.CREATED.label, Tone.INFO, Shape.DOT),
    AttemptState.CLAIMED.value: Badge(AttemptState.CLAIMED.label, Tone.INFO, Shape.HALF),
    AttemptState.SUBMITTING.value: Badge(AttemptState.SUBMITTING.label, Tone.PROGRESS, Shape.HALF),
    AttemptState.ACCEPTED.value: Badge(AttemptState.ACCEPTED.label, Tone.PROGRESS, Shape.DOT),
    AttemptState.UNKNOWN.value: Badge(AttemptState.UNKNOWN.label, Tone.WARNING, Shape.ALERT),
    AttemptState.SUCCEEDED.value: Badge(AttemptState.SUCCEEDED.label, Tone.SUCCESS, Shape.CHECK),
    AttemptState.FAILED.value: Badge(AttemptState.FAILED.label, Tone.DANGER, Shape.CROSS),
    AttemptState.RETURNED.value: Badge(AttemptState.RETURNED.label, Tone.DANGER, Shape.BACK),
    AttemptState.STOPPED.value: Badge(AttemptState.STOPPED.label, Tone.NEUTRAL, Shape.PAUSE),
}
DECISION_BADGES: Mapping[str, Badge] = {
    Decision.APPROVED.value: Badge(Decision.APPROVED.label, Tone.SUCCESS, Shape.CHECK),
    Decision.REJECTED.value: Badge(Decision.REJECTED.label, Tone.DANGER, Shape.CROSS),
}
OUTCOME_BADGES: Mapping[str, Badge] = {
    OutcomeKind.SUCCEEDED.value: Badge(gettext_lazy("성공"), Tone.SUCCESS, Shape.CHECK),
    OutcomeKind.ACCEPTED.value: Badge(gettext_lazy("접수됨"), Tone.PROGRESS, Shape.DOT),
    OutcomeKind.FAILED.value: Badge(gettext_lazy("거절"), Tone.DANGER, Shape.CROSS),
    OutcomeKind.NOT_SENT.value: Badge(gettext_lazy("보내지 못함"), Tone.NEUTRAL, Shape.DASH),
    OutcomeKind.UNKNOWN.value: Badge(gettext_lazy("알 수 없음"), Tone.WARNING, Shape.ALERT),
    OutcomeKind.NOT_RECEIVED.value: Badge(gettext_lazy("접수 기록 없음"), Tone.NEUTRAL, Shape.RING),
    # What a statement tells about money that came back.
    "RETURNED": Badge(gettext_lazy("반송"), Tone.DANGER, Shape.BACK),
}
CALLS: Mapping[str, Label] = {
    "send": gettext_lazy("이체 지시"),
    "inquire": gettext_lazy("결과 조회"),
    "statement": gettext_lazy("은행 명세"),
    "decide": gettext_lazy("직접 확인"),
}

# What the audit trail's verbs about bulk payouts and payouts mean to people.
HAPPENINGS: Mapping[str, Label] = {
    "bulk_payout.created": gettext_lazy("일괄지급을 만들었어요"),
    "bulk_payout.edited": gettext_lazy("내용을 바꿨어요"),
    "bulk_payout.submitted": gettext_lazy("승인을 요청했어요"),
    "bulk_payout.approved": gettext_lazy("승인했어요"),
    "bulk_payout.rejected": gettext_lazy("반려했어요"),
    "bulk_payout.approval_expired": gettext_lazy("승인 기한이 지나서 작성 중으로 돌아왔어요"),
    "bulk_payout.content_differs": gettext_lazy("승인한 내용과 달라서 보내지 않았어요"),
    "bulk_payout.cancelled": gettext_lazy("일괄지급을 취소했어요"),
    "bulk_payout.stopped": gettext_lazy("남은 지급을 중단했어요"),
    "payout.asked": gettext_lazy("은행에 결과를 물어봤어요"),
    "payout.decision_proposed": gettext_lazy("직접 확인한 결과를 올렸어요"),
    "payout.decision_confirmed": gettext_lazy("직접 확인한 결과를 확인했어요"),
    "payout.decision_rejected": gettext_lazy("직접 확인한 결과를 반려했어요"),
    "payout.decision_withdrawn": gettext_lazy("직접 확인한 결과를 철회했어요"),
    "bulk_payout.hand_proposed": gettext_lazy("직접 지급했다고 올렸어요"),
    "bulk_payout.paid_by_hand": gettext_lazy("직접 지급한 것으로 처리했어요"),
}

# The journals of a payout, and their parts, as the ledger's pages name them.
EVENTS: Mapping[str, Label] = {
    "funds.topped_up": gettext_lazy("운영 자금 입금"),
    "payout.reserved": gettext_lazy("지급 확정"),
    "payout.released": gettext_lazy("지급 확정 해제"),
    "payout.dispatched": gettext_lazy("이체 지시"),
    "payout.dispatch_undone": gettext_lazy("이체 지시 취소"),
    "payout.failed": gettext_lazy("이체 실패"),
    "payout.succeeded": gettext_lazy("지급 완료"),
    "payout.came_back": gettext_lazy("반송 입금"),
    "payout.return_attributed": gettext_lazy("반송 처리"),
    "payout.paid_by_hand": gettext_lazy("직접 지급"),
}
# What moves money on a bank account, for the filter of its movements.
MOVEMENT_KINDS: tuple[tuple[str, Label], ...] = (
    ("payout.succeeded", gettext_lazy("지급 완료")),
    ("payout.came_back", gettext_lazy("반송 입금")),
    ("funds.topped_up", gettext_lazy("운영 자금 입금")),
)
COMPONENTS: Mapping[str, Label] = {
    "settlement": gettext_lazy("정산 금액"),
    "payout": gettext_lazy("지급 금액"),
    "vat": gettext_lazy("부가세"),
    "withholding": gettext_lazy("원천징수"),
    "income_tax": gettext_lazy("소득세"),
    "local_income_tax": gettext_lazy("지방소득세"),
}

METHODS: Mapping[str, Label] = dict(PayoutMethod.choices)
SEEN_DIGITS = 12


DECISION_STATES: Mapping[str, Badge] = {
    DecisionState.PROPOSED.value: Badge(DecisionState.PROPOSED.label, Tone.WARNING, Shape.CLOCK),
    DecisionState.CONFIRMED.value: Badge(DecisionState.CONFIRMED.label, Tone.SUCCESS, Shape.CHECK),
    DecisionState.REJECTED.value: Badge(DecisionState.REJECTED.label, Tone.DANGER, Shape.CROSS),
    DecisionState.WITHDRAWN.value: Badge(DecisionState.WITHDRAWN.label, Tone.NEUTRAL, Shape.DASH),
}
_HOUR, _DAY = 60, 24 * 60


def waited(now: datetime, since: object) -> str:
    """Write how long something has waited: minutes, then hours, then days."""
    if not isinstance(since, datetime):
        return ""
    minutes = max(int((now - since).total_seconds()) // 60, 0)
    if minutes < _HOUR:
        return _("%(count)d분") % {"count": minutes}
    if minutes < 2 * _DAY:
        return _("%(count)d시간") % {"count": minutes // _HOUR}
    return _("%(count)d일") % {"count": minutes // _DAY}


def person(actor: str) -> str:
    """Return the name of whoever did something, without the kind that is stored before it."""
    return actor.partition(":")[2] or actor


def destination(bank: str, last4: str) -> str:
    """Write an account as `국민 ****1234`."""
    return f"{banks.name(bank)} ****{last4}"


def destination_note(is_new: bool, changed_at: object, made_at: object) -> str:  # noqa: FBT001 - a column of the row
    """Return what an approver should notice about a destination; empty when money has gone there before."""
    if not is_new:
        return ""
    changed = isinstance(changed_at, datetime) and isinstance(made_at, datetime) and changed_at > made_at
    return _("바꾼 계좌로 처음 지급") if changed else _("처음 보내는 계좌")


def told(sentence: str) -> str:
    """Return a stored Korean sentence in the reader's language."""
    return _(sentence) if sentence else ""


def failure(row: Row) -> str:
    """Return the bank's code and what to do next, as one line of a list."""
    code, reason = str(row.get("fail_code") or ""), told(str(row.get("fail_reason") or ""))
    return f"[{code}] {reason}" if code and reason else reason or code


def short_hash(content_hash: str) -> str:
    """Return the first characters of a content hash, as people compare them."""
    return content_hash[:SEEN_DIGITS]

"""How lines of bank statements and what explains them are shown."""

from collections.abc import Mapping
from typing import Any

from django.db.models import Case, F, Q, QuerySet, Value, When
from django.utils.translation import gettext_lazy, pgettext_lazy

from access import queries as access_queries
from console.columns import Badge, Label, Row, Shape, Tone
from core.models import OPEN_STATES, Job
from core.scope import Scope
from payouts.models import BankAccount
from payouts.pages import shown
from payouts.pages.reads import Happening
from reconciliation import statement_queries as queries
from reconciliation.models import Statement, StatementLine
from reconciliation.models.statements import How
from reconciliation.operations import statements
from reconciliation.statements.judging import Open

OPEN, PARTLY, MATCHED = "open", "partly", "matched"
LINE_BADGES: Mapping[str, Badge] = {
    OPEN: Badge(gettext_lazy("맞출 줄"), Tone.WARNING, Shape.RING),
    PARTLY: Badge(gettext_lazy("일부 맞음"), Tone.WARNING, Shape.HALF),
    MATCHED: Badge(pgettext_lazy("statement", "맞음"), Tone.SUCCESS, Shape.CHECK),
}
STATES: tuple[tuple[str, Label], ...] = tuple((state, badge.label) for state, badge in LINE_BADGES.items())
CONDITIONS: Mapping[str, Q] = {
    OPEN: Q(matched=0) & ~Q(matched=F("amount")),
    PARTLY: ~Q(matched=0) & ~Q(matched=F("amount")),
    MATCHED: Q(matched=F("amount")),
}
HOWS: Mapping[str, Label] = {
    How.REFERENCE.value: gettext_lazy("이체 번호로 저절로"),
    How.POSTED.value: gettext_lazy("이 줄로 기장"),
    How.MANUAL.value: gettext_lazy("사람이 맞춤"),
}
WHYS: Mapping[str, Label] = {
    "one": gettext_lazy("금액이 같고 날짜가 가까워요"),
    "file": gettext_lazy("같은 날의 이체 파일과 합계가 같아요"),
    "sum": gettext_lazy("같은 날 거래를 더하면 같아요"),
}
EVENTS: Mapping[str, Label] = {
    "statement.deposit": gettext_lazy("모르는 입금"),
    "statement.fee": gettext_lazy("은행 수수료"),
    "statement.written_off": gettext_lazy("대사 차손"),
    "statement.gained": gettext_lazy("대사 차익"),
    "statement.topped_up": gettext_lazy("입금을 운영 자금으로"),
}


HAPPENINGS: Mapping[str, Label] = {
    "bank_statement.received": gettext_lazy("명세를 올렸어요"),
    "bank_statement.confirmed": gettext_lazy("명세를 반영했어요"),
    "bank_statement.discarded": gettext_lazy("명세를 버렸어요"),
    "bank_statement.matched": gettext_lazy("%(row)s행을 장부와 맞췄어요"),
    "bank_statement.released": gettext_lazy("%(row)s행의 맞춤을 풀었어요"),
    "bank_statement.fee": gettext_lazy("%(row)s행을 은행 수수료로 처리했어요"),
    "bank_statement.written_off": gettext_lazy("%(row)s행의 차이를 정리했어요"),
    "bank_statement.topped_up": gettext_lazy("%(row)s행을 운영 자금으로 처리했어요"),
    "bank_statement.came_back": gettext_lazy("%(row)s행을 반송된 지급으로 처리했어요"),
}


def history(statement: Statement) -> list[Happening]:
    """Return what happened to a statement and its lines, newest first."""
    events = access_queries.history(statement.scope, statements.KIND, statement.public_id)
    return [
        Happening(
            event.at,
            str(HAPPENINGS.get(event.action, event.action)) % {"row": (event.after or {}).get("row", "")},
            event.actor_name,
            event.reason,
        )
        for event in events
    ]


def rows(scope: Scope) -> QuerySet[Any]:
    """Return the lines of a scope with their state and what is left of them."""
    state = Case(
        When(matched=F("amount"), then=Value(MATCHED)), When(matched=0, then=Value(OPEN)), default=Value(PARTLY)
    )
    return StatementLine.objects.within(scope).annotate(state=state, rest=F("amount") - F("matched"))


def state_of(line: StatementLine) -> str:
    """Return the state of one line."""
    if not line.left:
        return MATCHED
    return PARTLY if line.matched else OPEN


def other_side(row: Row) -> str:
    """Return the account of the other side as `국민 ****1234`."""
    bank, last4 = str(row["bank"] or ""), str(row["account_last4"] or "")
    return shown.destination(bank, last4) if last4 else bank


def is_matching(account: BankAccount) -> bool:
    """Say whether a job is matching the lines of an account, or is about to."""
    jobs = Job.objects.within(account.scope).filter(kind=statements.MATCH_JOB, state__in=OPEN_STATES)
    return jobs.filter(arguments__account=account.public_id).exists()


def neighbours(line: StatementLine) -> tuple[int | None, int | None]:
    """Return the lines of the account before and after this one that wait for a person, by day."""
    waiting = queries.lines(line.scope).filter(~Q(matched=F("amount")) | Q(reason=Open.SUSPENSE))
    waiting = waiting.filter(bank_account=line.bank_account_id)
    earlier = waiting.filter(Q(day__lt=line.day) | Q(day=line.day, pk__lt=line.pk))
    later = waiting.filter(Q(day__gt=line.day) | Q(day=line.day, pk__gt=line.pk))
    before = earlier.order_by("-day", "-pk").values_list("pk", flat=True).first()
    return before, later.order_by("day", "pk").values_list("pk", flat=True).first()

"""Builders: jobs to list, and a small list page and upload kind as applications write them."""

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from django.db import models
from django.db.models import QuerySet

from access.roles import Permission
from console.columns import Column, Kind
from console.filters import BooleanFilter, ChoiceFilter, DateFilter, DateKind, IdFilter, Keyword, KeywordFilter
from console.job_pages import STATE_BADGES
from console.lists import ListPage
from console.uploads import Checked, Field, Loaded, Problem, UploadKind, Verdict, twice
from core import ids
from core.actor import Actor
from core.models import Job, JobState
from core.scope import Scope

START = datetime(2026, 11, 1, 3, 0, tzinfo=UTC)
_NUMBERS = count(1)
ENDED = (JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED)


def jobs(scope: Scope, many: int, **fields: Any) -> list[Job]:
    """Add jobs one minute apart, three of them at each moment, with states, amounts and flags that repeat."""
    rows = [
        Job(
            **scope.filters(),
            **{
                "public_id": f"job-{ids.ulid(START, entropy=next(_NUMBERS))}",
                "kind": f"kind.{number % 4}",
                "queue": "default",
                "state": ENDED[number % 3],
                "done": (number * 7_919) % 1_000 - 200,
                "total": number,
                "note": "=1+1" if number % 5 == 0 else f"메모 {number}",
                "cancel_requested": number % 2 == 0,
                "due_at": START,
                "created_at": START + timedelta(hours=number // 3),
            }
            | fields,
        )
        for number in range(many)
    ]
    return Job.objects.bulk_create(rows)


class MoneyList(ListPage):
    """The jobs as if they were money: `done` in won."""

    slug = "test-money"
    url_name = "console:jobs"
    title = "시험 목록"
    permission = Permission.VIEW
    extra = ("kind",)
    order = ("-created_at", "-id")
    columns = (
        Column("public_id", "번호", Kind.ID),
        Column("state", "상태", Kind.BADGE, badges=STATE_BADGES),
        Column("done", "금액", Kind.SIGNED_WON, total=True),
        Column("total", "건수", Kind.COUNT, total=True, sortable=True),
        Column("note", "메모"),
        Column("created_at", "등록일", Kind.MOMENT, sortable=True),
        Column("dedupe", "계좌", Kind.MASKED, default=False),
    )
    filters = (
        DateFilter((DateKind("created", "등록일", "created_at", moment=True),)),
        KeywordFilter((Keyword("id", "번호", ("public_id",), exact=True), Keyword("note", "메모", ("note", "kind")))),
        ChoiceFilter("state", "상태", tuple(JobState.choices)),
        BooleanFilter("stopping", "중지", "cancel_requested"),
        IdFilter("kind", "종류"),
    )

    def queryset(self, scope: Scope) -> QuerySet[Any]:
        """Return the jobs of a scope."""
        return Job.objects.within(scope)


class CurrencyList(MoneyList):
    """The same, split by a currency that every second row has."""

    slug = "test-currency"
    currency = "code"

    def queryset(self, scope: Scope) -> QuerySet[Any]:
        """Return the jobs with a currency code."""
        code = models.Case(
            models.When(cancel_requested=True, then=models.Value("USD")),
            default=models.Value("KRW"),
            output_field=models.CharField(),
        )
        rows: QuerySet[Any] = super().queryset(scope).annotate(code=code)
        return rows


class NoteUpload(UploadKind):
    """Loads notes as jobs: the smallest kind that creates something."""

    kind = "test-notes"
    title = "메모 등록"
    permission = Permission.EDIT
    fields = (
        Field("name", "이름", "name", required=True, kind=Kind.ID, max=20, samples=("보기-1", "보기-2")),
        Field("amount", "금액", "amount", required=True, kind=Kind.SIGNED_WON, samples=("1000", "-500")),
        Field("day", "날짜", "day", kind=Kind.DATE, samples=("2026-11-30", "")),
        Field("account", "계좌", "account", kind=Kind.MASKED),
        Field("type", "유형", "type", choices={"보너스": "BONUS", "조정": "FIX"}),
    )
    messages = {"forbidden": "쓸 수 없는 이름이에요: %(name)s"}

    def check(self, scope: Scope, rows: Any) -> Checked:
        """Refuse one name, and names that come twice."""
        known = set(Job.objects.within(scope).filter(kind="note").values_list("note", flat=True))
        forbidden = [
            Problem(row.number, "name", "forbidden", {"name": row.values["name"]})
            for row in rows
            if row.values["name"] == "금지"
        ]
        return Checked(
            problems=[*forbidden, *twice(rows, "name")],
            verdicts={row.number: Verdict.SAME for row in rows if row.values["name"] in known},
            sums={"금액": sum(row.values["amount"] for row in rows)},
        )

    def load(self, scope: Scope, rows: Any, by: Actor, now: datetime) -> Loaded:
        """Add one job a row."""
        Job.objects.bulk_create(
            Job(
                **scope.filters(),
                public_id=f"job-{ids.ulid(now)}",
                kind="note",
                queue="default",
                state=JobState.SUCCEEDED,
                note=row.values["name"],
                done=row.values["amount"],
                due_at=now,
                created_by_id=by.user_id,
            )
            for row in rows
        )
        return Loaded(len(rows), f"{len(rows)}건을 등록했어요.", "/jobs/")


def note_csv(rows: list[tuple[str, str]], header: str = "이름,금액") -> bytes:
    """Return an upload of names and amounts."""
    return ("\n".join([header, *(",".join(row) for row in rows)]) + "\n").encode()

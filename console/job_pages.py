"""작업: background work people can watch, stop and fetch the result of."""

from typing import Any

from django.contrib import messages
from django.db.models import OuterRef, QuerySet, Subquery
from django.forms import Form
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from access.models import User
from access.requests import PageRequest
from access.roles import Permission, allowed
from console import registry
from console.columns import Badge, Column, Kind, Row, Shape, Tone
from console.filters import BooleanFilter, ChoiceFilter, DateFilter, DateKind, Keyword, KeywordFilter
from console.lists import ListPage
from console.models import ExportFile
from console.pages import PageView
from console.selection import BulkAction, Selection
from core import clock, jobs
from core.errors import Forbidden
from core.models import OPEN_STATES, Job, JobState
from core.scope import Scope

STATE_BADGES = {
    JobState.QUEUED.value: Badge(JobState.QUEUED.label, Tone.NEUTRAL, Shape.RING),
    JobState.RUNNING.value: Badge(JobState.RUNNING.label, Tone.PROGRESS, Shape.HALF),
    JobState.SUCCEEDED.value: Badge(JobState.SUCCEEDED.label, Tone.SUCCESS, Shape.CHECK),
    JobState.FAILED.value: Badge(JobState.FAILED.label, Tone.DANGER, Shape.CROSS),
    JobState.CANCELLED.value: Badge(JobState.CANCELLED.label, Tone.NEUTRAL, Shape.DASH),
}


def find(scope: Scope, word: str) -> str | None:
    """Return the address of the job with this id."""
    known = Job.objects.within(scope).filter(public_id=word).exists()
    return reverse("console:job", args=[word]) if known else None


def may_stop(request: PageRequest, job: Job) -> bool:
    """Say whether somebody may stop a job: its own author, or whoever manages the merchant."""
    return job.created_by_id == request.user.pk or allowed(request.role, Permission.MANAGE)


def _stop_selected(request: PageRequest, chosen: Selection, _form: Form) -> HttpResponse:
    stopped = 0
    for job in chosen.queryset().filter(state__in=OPEN_STATES):
        if may_stop(request, job):
            jobs.request_cancel(job)
            stopped += 1
    told = ngettext("작업 %(count)d개에 중지를 요청했어요.", "작업 %(count)d개에 중지를 요청했어요.", stopped)
    messages.success(request, told % {"count": stopped})
    return redirect(chosen.page.url())


class JobList(ListPage):
    """Every job of a merchant, newest first."""

    slug = "jobs"
    url_name = "console:jobs"
    title = gettext_lazy("작업")
    permission = Permission.VIEW
    order = ("-created_at", "-id")
    extra = ("kind", "id")
    columns = (
        Column("public_id", gettext_lazy("작업 번호"), Kind.ID),
        Column("kind", gettext_lazy("종류"), value=lambda row: registry.job_label(str(row["kind"]))),
        Column("state", gettext_lazy("상태"), Kind.BADGE, badges=STATE_BADGES),
        Column("done", gettext_lazy("처리"), Kind.COUNT),
        Column("total", gettext_lazy("전체 건수"), Kind.COUNT),
        Column("note", gettext_lazy("내용"), default=False),
        Column("created_by_name", gettext_lazy("요청한 사람")),
        Column("created_at", gettext_lazy("요청한 때"), Kind.MOMENT, sortable=True),
        Column("finished_at", gettext_lazy("끝난 때"), Kind.MOMENT),
        Column("error", gettext_lazy("사유")),
    )
    filters = (
        DateFilter(
            (
                DateKind("created", gettext_lazy("요청일"), "created_at", moment=True),
                DateKind("finished", gettext_lazy("종료일"), "finished_at", moment=True),
            ),
        ),
        KeywordFilter(
            (
                Keyword("id", gettext_lazy("작업 번호"), ("public_id",), exact=True),
                Keyword("who", gettext_lazy("요청한 사람"), ("created_by_name",)),
            ),
        ),
        ChoiceFilter("state", gettext_lazy("상태"), tuple(JobState.choices), badges=STATE_BADGES),
        BooleanFilter("stopping", gettext_lazy("중지 요청"), "cancel_requested"),
    )
    actions = (
        BulkAction(
            "stop",
            gettext_lazy("중지하기"),
            Permission.EXPORT,
            run=_stop_selected,
            confirm=gettext_lazy(
                "내가 요청한 작업 가운데 아직 끝나지 않은 것만 멈춰요. 이미 처리된 부분은 그대로 남아요."
            ),
            icon="stop-circle",
            danger=True,
        ),
    )
    blank = gettext_lazy("아직 작업이 없어요. 큰 파일을 내려받거나 올리면 여기에서 진행 상황을 볼 수 있어요.")

    def queryset(self, scope: Scope) -> QuerySet[Any]:
        """Return the jobs of a scope with their author's name."""
        author = User.objects.filter(pk=OuterRef("created_by_id")).values("name")[:1]
        return Job.objects.within(scope).annotate(created_by_name=Subquery(author))

    def row_url(self, row: Row) -> str | None:
        """Open the job."""
        return reverse("console:job", args=[row["public_id"]])


def _job(request: PageRequest, job_id: str) -> Job:
    return get_object_or_404(Job.objects.within(request.scope), public_id=job_id)


def job_context(request: PageRequest, job: Job) -> dict[str, object]:
    """Return what the job partial shows; the file only to the person who asked for it."""
    file = None
    if job.state == JobState.SUCCEEDED:
        mine = ExportFile.objects.within(request.scope).filter(user_id=request.user.pk, removed_at=None)
        file = mine.filter(job_id=job.pk, expires_at__gt=clock.now()).first()
    return {
        "job": job,
        "label": registry.job_label(job.kind),
        "state": STATE_BADGES[job.state],
        "file": file,
        "may_stop": job.is_open and not job.cancel_requested and may_stop(request, job),
    }


class JobView(PageView):
    """One job, live while it runs."""

    permission = Permission.VIEW
    title = gettext_lazy("작업")

    def get(self, request: PageRequest, job_id: str) -> HttpResponse:
        """Show the job."""
        context = job_context(request, _job(request, job_id))
        return render(request, "console/job.html", context | {"title": context["label"]})


class JobStatusView(PageView):
    """The live part of a job, asked for again and again while it is open."""

    permission = Permission.VIEW

    def get(self, request: PageRequest, job_id: str) -> HttpResponse:
        """Show where the job is."""
        return render(request, "console/_job.html", job_context(request, _job(request, job_id)))


class JobStopView(PageView):
    """Ask a job to stop."""

    permission = Permission.VIEW

    def post(self, request: PageRequest, job_id: str) -> HttpResponseBase:
        """Ask, if it is one's own."""
        job = _job(request, job_id)
        if not may_stop(request, job):
            raise Forbidden(_("다른 사람이 요청한 작업은 멈출 수 없어요."))
        jobs.request_cancel(job)
        messages.info(request, _("중지를 요청했어요. 하던 단계가 끝나면 멈춰요."))
        return redirect("console:job", job_id=job.public_id)


class BellView(PageView):
    """The bell: how many jobs of this merchant are still running."""

    permission = Permission.VIEW

    def get(self, request: PageRequest) -> HttpResponse:
        """Show the number."""
        return render(request, "console/_bell.html", {"open_jobs": jobs.open_jobs(request.scope), "was_open": True})

"""주문에서 만들기: billing records from orders whose custom properties carry the ids vendors bill by."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django import forms
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from access.requests import PageRequest
from access.roles import Permission
from console import totals
from console.columns import Label, decimal
from console.filters import encode
from console.job_pages import job_context
from console.pages import PageView
from core import clock
from core.errors import DomainError
from core.models import Job, JobState
from core.scope import Scope
from reconciliation.lines import Kind
from reconciliation.operations import deriving
from reconciliation.operations.deriving import Wanted
from reconciliation.pages.records import words
from reconciliation.uploads.records import ID_LABELS
from settlement.forms import Tellable

_MOST_PREVIEWED = 20_000
_BUDGET = timedelta(seconds=5)
_COUNTS: tuple[tuple[str, Label], ...] = (
    ("orders", _("살펴본 주문·취소")),
    ("new", _("새 기록")),
    ("changed", _("바뀐 기록")),
    ("same", _("그대로인 기록")),
    ("withdrawn", _("거둔 기록")),
    ("without_ids", _("식별자가 없는 주문")),
    ("by_hand", _("손으로 바꿔서 둔 기록")),
    ("locked", _("마감한 기간의 기록")),
)


def _days() -> forms.DateInput:
    return forms.DateInput(format="%Y-%m-%d", attrs={"type": "date", "min": "2000-01-01", "max": "2099-12-31"})


class DeriveForm(Tellable):
    """For which kind of file, and the orders of which days."""

    kind = forms.ChoiceField(label=_("파일 종류"), choices=words.KIND_CHOICES)
    first_day = forms.DateField(label=_("정산 시작일 첫날"), widget=_days())
    last_day = forms.DateField(label=_("정산 시작일 끝날"), widget=_days())

    def wanted(self) -> Wanted | None:
        """Return what is asked for; None, with the reason beside the field, when it cannot be."""
        if not self.is_valid():
            return None
        data = self.cleaned_data
        try:
            return Wanted(Kind(data["kind"]), data["first_day"], data["last_day"])
        except DomainError as refusal:
            self.tell(refusal)
            return None


@dataclass(frozen=True, slots=True)
class Told:
    """Counts and sums of what deriving does or did."""

    counts: list[tuple[Label, int]]
    sums: list[tuple[str, str, str]]
    blocked: bool


def _told(result: dict[str, Any], *, done: bool) -> Told:
    optional = ("withdrawn", "without_ids", "by_hand", "locked")
    return Told(
        counts=[(label, result[name]) for name, label in _COUNTS if result[name] or name not in optional],
        sums=[
            (currency, decimal(Decimal(subtotal)), decimal(Decimal(tax)))
            for currency, (subtotal, tax) in result["sums"].items()
        ],
        blocked=not done and result["locked"] > 0,
    )


def _preview(scope: Scope, wanted: Wanted) -> tuple[int, Told | None]:
    """Return how many orders there are and what they give; None where they are too many to look at for a page."""
    try:
        with totals.within(_BUDGET):
            count = deriving.orders_of(scope, wanted).count()
            if count > _MOST_PREVIEWED:
                return count, None
            return count, _told(deriving.as_result(deriving.preview(scope=scope, wanted=wanted)), done=False)
    except totals.TooSlow:
        return 0, None


def _mapping(scope: Scope, kind: Kind) -> list[tuple[Label, str]]:
    found = deriving.properties_of(scope, kind)
    labels = {**ID_LABELS, "customer_name": _("고객 이름")}
    return [(labels[name], key or "") for name, key in found.items()]


class DeriveView(PageView):
    """Choose kind and days, see what would be made, make it."""

    permission = Permission.EDIT
    title = _("주문에서 만들기")

    def get(self, request: PageRequest) -> HttpResponse:
        """Show the form, with days the preview, with a job how far it is or what it did."""
        if request.GET.get("job"):
            return self._running(request, _job(request, request.GET["job"]))
        asked = bool(request.GET)
        today = clock.today()
        start = (today.replace(day=1) - timedelta(days=1)).replace(day=1)
        usual = {
            "kind": str(Kind.NCE_INVOICE),
            "first_day": start,
            "last_day": today.replace(day=1) - timedelta(days=1),
        }
        form = DeriveForm(request.GET if asked else None, initial=usual)
        wanted = form.wanted() if asked else None
        context: dict[str, object] = {}
        if wanted is not None:
            count, told = _preview(request.scope, wanted)
            mapping = _mapping(request.scope, wanted.kind)
            context = {"wanted": wanted, "count": count, "told": told, "mapping": mapping}
            context["is_ready"] = bool(count) and not (told and told.blocked) and any(key for _name, key in mapping)
        return self._show(request, form, context, 422 if asked and wanted is None else 200)

    def post(self, request: PageRequest) -> HttpResponseBase:
        """Start the job."""
        form = DeriveForm(request.POST)
        wanted = form.wanted()
        if wanted is None:
            return self._show(request, form, {}, 422)
        job = deriving.start(scope=request.scope, wanted=wanted, by=request.actor, now=clock.now())
        return redirect(f"{reverse('reconciliation:derive')}?{encode([('job', job.public_id)])}")

    def _running(self, request: PageRequest, job: Job) -> HttpResponse:
        done = job.state == JobState.SUCCEEDED
        context = {
            "title": self.title,
            "job": job,
            "live": job_context(request, job),
            "told": _told(job.result, done=True) if done else None,
            "kind": words.kind_word(str(job.arguments["kind"])),
        }
        return render(request, "reconciliation/derive_job.html", context)

    def _show(self, request: PageRequest, form: DeriveForm, context: dict[str, object], status: int) -> HttpResponse:
        whole = {"title": self.title, "form": form, **context}
        return render(request, "reconciliation/derive_form.html", whole, status=status)


class ProgressView(PageView):
    """The live part while records are made."""

    permission = Permission.EDIT

    def get(self, request: PageRequest, job_id: str) -> HttpResponse:
        """Show how far it is; when it has ended the whole page is another one."""
        job = _job(request, job_id)
        if not job.is_open:
            return HttpResponse(headers={"HX-Refresh": "true"})
        return render(request, "reconciliation/_derive_progress.html", {"job": job})


def _job(request: PageRequest, job_id: str) -> Job:
    job = Job.objects.within(request.scope).filter(kind=deriving.DERIVE_JOB, public_id=job_id).first()
    if job is None:
        raise Http404
    return job

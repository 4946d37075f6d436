"""기간 마감: days whose billing records are closed, who closed them and why, and opening them again."""

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from access.requests import PageRequest
from access.roles import Permission, allowed, check
from console.pages import PageView
from core import clock
from core.errors import DomainError
from reconciliation.models import PeriodLock
from reconciliation.operations import own_records
from reconciliation.pages.records import reads
from settlement.forms import Tellable

_LONGEST_REASON = 2_000


def _days() -> forms.DateInput:
    return forms.DateInput(format="%Y-%m-%d", attrs={"type": "date", "min": "2000-01-01", "max": "2099-12-31"})


def _reason() -> forms.CharField:
    return forms.CharField(label=_("이유"), max_length=_LONGEST_REASON, widget=forms.Textarea(attrs={"rows": 2}))


class LockForm(Tellable):
    """The days to be closed."""

    first_day = forms.DateField(label=_("첫날"), widget=_days())
    last_day = forms.DateField(label=_("끝날"), widget=_days())
    reason = _reason()


class OpenForm(Tellable):
    """Why closed days are opened again."""

    reason = _reason()


class LocksView(PageView):
    """All closed days, and the form that closes more."""

    permission = Permission.VIEW
    title = _("기간 마감")

    def get(self, request: PageRequest) -> HttpResponse:
        """Show the days."""
        return self._show(request, LockForm())

    def post(self, request: PageRequest) -> HttpResponseBase:
        """Close days."""
        check(request, Permission.EDIT)
        form = LockForm(request.POST)
        if not form.is_valid():
            return self._show(request, form, 422)
        data = form.cleaned_data
        try:
            lock = own_records.lock_period(scope=request.scope, by=request.actor, now=clock.now(), **data)
        except DomainError as refusal:
            form.tell(refusal)
            return self._show(request, form, 422)
        told = {"first": lock.first_day.isoformat(), "last": lock.last_day.isoformat()}
        messages.success(request, _now("%(first)s부터 %(last)s까지 마감했어요.") % told)
        return redirect("reconciliation:periods")

    def _show(self, request: PageRequest, form: LockForm, status: int = 200) -> HttpResponse:
        context = {
            "title": self.title,
            "locks": reads.locks(request.scope),
            "form": form,
            "locked_word": _("마감됨"),
            "opened_word": _("다시 열림"),
            "may_lock": allowed(request.role, Permission.EDIT),
            "may_open": allowed(request.role, Permission.MANAGE),
        }
        return render(request, "reconciliation/period_locks.html", context, status=status)


class OpenView(PageView):
    """Open closed days: GET says what follows, POST does it."""

    permission = Permission.MANAGE
    title = _("마감한 기간 열기")

    def get(self, request: PageRequest, lock_id: int) -> HttpResponse:
        """Ask why."""
        return self._show(request, _lock(request, lock_id), OpenForm())

    def post(self, request: PageRequest, lock_id: int) -> HttpResponseBase:
        """Open them."""
        lock, form = _lock(request, lock_id), OpenForm(request.POST)
        if not form.is_valid():
            return self._show(request, lock, form, 422)
        own_records.open_period(
            scope=request.scope,
            lock_id=lock_id,
            by=request.actor,
            now=clock.now(),
            reason=form.cleaned_data["reason"],
        )
        messages.success(request, _now("마감한 기간을 다시 열었어요."))
        return redirect("reconciliation:periods")

    def _show(self, request: PageRequest, lock: PeriodLock, form: OpenForm, status: int = 200) -> HttpResponse:
        context = {"title": self.title, "lock": lock, "form": form}
        return render(request, "reconciliation/period_open.html", context, status=status)


def _lock(request: PageRequest, lock_id: int) -> PeriodLock:
    lock = PeriodLock.objects.within(request.scope).filter(pk=lock_id).first()
    if lock is None:
        raise Http404
    return lock

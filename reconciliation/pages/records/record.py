"""One of our billing records: every version, what used it, and taking it back."""

from dataclasses import dataclass

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from access.requests import PageRequest
from access.roles import Permission, allowed
from console.columns import Column, Kind, Label, Row
from console.pages import PageView
from core import clock
from core.errors import DomainError
from core.scope import Scope
from reconciliation import queries
from reconciliation.models import BillingRecord, Source
from reconciliation.operations import own_records
from reconciliation.pages.records import reads, words
from reconciliation.wording import OUTCOMES
from settlement.forms import Tellable

_LONGEST_REASON = 2_000


@dataclass(frozen=True, slots=True)
class Version:
    """One version as the page tells it: where it comes from, what it changed, and why it was taken back."""

    row: BillingRecord
    who: str
    source: str
    source_url: str | None
    changes: list[tuple[str, str, str]]
    reason: str


def versions_of(request: PageRequest, rows: list[BillingRecord]) -> list[Version]:
    """Return versions, given and told newest first; only who uploads files is led to them."""
    may_upload = allowed(request.role, Permission.EDIT)
    reasons = reads.reasons(request.scope, rows[0].ref)
    told = []
    for place, row in enumerate(rows):
        before = rows[place + 1] if place + 1 < len(rows) else None
        told.append(
            Version(
                row=row,
                who=words.who(row.created_by),
                source=str(Source(row.source).label),
                source_url=words.source_url(row.source, row.source_id)
                if may_upload or row.source == Source.ORDER
                else None,
                changes=words.changes(row, before),
                reason=reasons.get(row.version, ""),
            )
        )
    return told


def _use_url(row: Row) -> str | None:
    url = row["url"]
    return url if isinstance(url, str) else None


_USES = (
    Column("file", pgettext_lazy("one", "조정 파일"), link=_use_url),
    Column("invoice", _("송장 번호"), Kind.ID),
    Column("outcome", _("결과")),
    Column("version", _("비교한 버전"), Kind.COUNT),
    Column("file_subtotal", _("파일 세전"), Kind.DECIMAL),
    Column("our_subtotal", _("우리 세전"), Kind.DECIMAL),
    Column("difference", _("차이"), Kind.DECIMAL),
    Column("currency", _("통화")),
)


def _use(use: reads.Use) -> dict[str, object]:
    outcome = use.outcome
    batch = outcome.comparison.batch
    return {
        "file": batch.name,
        "url": words.group_url(batch.public_id, outcome.place),
        "invoice": batch.invoice_number,
        "outcome": _now(OUTCOMES[outcome.outcome]),
        "version": use.version,
        "file_subtotal": outcome.file_subtotal,
        "our_subtotal": outcome.our_subtotal,
        "difference": outcome.difference_subtotal,
        "currency": outcome.currency,
    }


def _found(scope: Scope, ref: str) -> list[BillingRecord]:
    """Return all versions, newest first. Raises Http404."""
    rows: QuerySet[BillingRecord] = queries.history(scope, ref)
    found = list(rows)
    if not found:
        raise Http404
    return found


def _figures(row: BillingRecord) -> list[tuple[Label, str, bool]]:
    """Return label and figure of what is compared, and whether it is the main one."""
    return [
        (pgettext_lazy("vendor file", "세전 금액"), words.figure(row.subtotal, row.currency), True),
        (pgettext_lazy("vendor file", "세금"), words.figure(row.tax, row.currency), False),
        (_("수량"), words.figure(row.quantity), False),
        (_("단가"), words.figure(row.unit_price, row.currency), False),
    ]


def _facts(row: BillingRecord) -> list[tuple[Label, str]]:
    return [
        (_("고객 이름"), row.customer_name),
        *words.ids_of(row),
        (_("기간"), words.period(row.first_day, row.last_day)),
        (_("청구 주체"), row.billing_entity or _now("모든 청구 주체")),
    ]


class RecordPage(PageView):
    """One record with all its versions."""

    permission = Permission.VIEW
    title = _("청구 기록")

    def get(self, request: PageRequest, ref: str) -> HttpResponse:
        """Show the record."""
        rows = _found(request.scope, ref)
        newest = rows[0]
        uses = [_use(use) for use in reads.uses(request.scope, rows)]
        context = {
            "title": newest.ref,
            "record": newest,
            "state": words.STATE_BADGES["withdrawn" if newest.is_withdrawn else "counts"],
            "kind": words.kind_word(newest.kind),
            "figures": _figures(newest),
            "facts": [fact for fact in _facts(newest) if fact[1]],
            "versions": versions_of(request, rows),
            "use_columns": _USES,
            "uses": uses,
            "may_withdraw": allowed(request.role, Permission.EDIT) and not newest.is_withdrawn,
        }
        return render(request, "reconciliation/record.html", context)


class WithdrawForm(Tellable):
    """Why a record is taken back."""

    reason = forms.CharField(
        label=_("이유"), max_length=_LONGEST_REASON, widget=forms.Textarea(attrs={"rows": 3}), empty_value=""
    )


class WithdrawView(PageView):
    """Take a record back: GET says what follows, POST does it."""

    permission = Permission.EDIT
    title = _("청구 기록 거두기")

    def get(self, request: PageRequest, ref: str) -> HttpResponse:
        """Ask why."""
        return self._show(request, _found(request.scope, ref)[0], WithdrawForm())

    def post(self, request: PageRequest, ref: str) -> HttpResponseBase:
        """Take it back."""
        newest, form = _found(request.scope, ref)[0], WithdrawForm(request.POST)
        if not form.is_valid():
            return self._show(request, newest, form, 422)
        try:
            own_records.withdraw(
                scope=request.scope,
                refs=[ref],
                by=request.actor,
                now=clock.now(),
                source=newest.source,
                source_id=newest.source_id,
                reason=form.cleaned_data["reason"],
            )
        except DomainError as refusal:
            form.tell(refusal)
            return self._show(request, newest, form, 422)
        messages.success(request, _now("청구 기록을 거뒀어요. 다음 비교부터 빠져요."))
        return redirect(words.record_url(ref))

    def _show(self, request: PageRequest, record: BillingRecord, form: WithdrawForm, status: int = 200) -> HttpResponse:
        context = {
            "title": self.title,
            "record": record,
            "kind": words.kind_word(record.kind),
            "period": words.period(record.first_day, record.last_day),
            "subtotal": words.figure(record.subtotal, record.currency),
            "form": form,
        }
        return render(request, "reconciliation/record_withdraw.html", context, status=status)

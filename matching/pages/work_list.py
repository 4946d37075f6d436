"""불일치: the invoices that do not match, to be worked off; several can be matched again or approved at once."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from access.requests import PageRequest
from access.roles import Permission
from console.columns import Column, Kind
from console.filters import BooleanFilter, DateFilter
from console.selection import BulkAction, Selection
from core import clock
from core.errors import DomainError, InvalidRequest
from core.scope import Scope
from matching import queries
from matching.models import MatchStatus, WithDiscrepancies
from matching.operations import deciding, running
from matching.pages import invoices, reads, shown

MOST_AT_ONCE = 300
_TOLD = 3


class CommentForm(forms.Form):
    """Why discrepancies are accepted; whoever looks at the invoice reads it."""

    comment = forms.CharField(
        label=gettext_lazy("승인 메모"),
        max_length=1_000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("송장과 변경 이력에 남아서 다른 사람도 볼 수 있어요."),
    )


def _chosen(chosen: Selection) -> list[str]:
    if chosen.count > MOST_AT_ONCE:
        raise InvalidRequest(_("한 번에 %(limit)d건까지 할 수 있어요.") % {"limit": MOST_AT_ONCE}, field="ids")
    return chosen.ids()


def _back(chosen: Selection) -> HttpResponse:
    return redirect(f"{reverse('matching:discrepancies')}?{chosen.filters.query()}")


def _tell(request: PageRequest, refused: Sequence[tuple[str, DomainError]]) -> None:
    for invoice_id, error in refused[:_TOLD]:
        messages.warning(request, f"{invoice_id}: {error.message}")
    if len(refused) > _TOLD:
        messages.warning(request, _("그 밖에 %(count)d건을 하지 못했어요.") % {"count": len(refused) - _TOLD})


def _match_again(request: PageRequest, chosen: Selection, _form: forms.Form) -> HttpResponse:
    refused, passed = [], 0
    ids = _chosen(chosen)
    for invoice_id in ids:
        try:
            found = running.match_invoice(scope=request.scope, by=request.actor, now=clock.now(), invoice_id=invoice_id)
        except DomainError as error:
            refused.append((invoice_id, error))
        else:
            passed += found.match_status == MatchStatus.PASSED
    matched = len(ids) - len(refused)
    done = ngettext(
        "송장 %(count)d건을 다시 매칭했고 %(passed)d건이 통과했어요.",
        "송장 %(count)d건을 다시 매칭했고 %(passed)d건이 통과했어요.",
        matched,
    )
    messages.success(request, done % {"count": matched, "passed": passed})
    _tell(request, refused)
    return _back(chosen)


def _approve(request: PageRequest, chosen: Selection, form: forms.Form) -> HttpResponse:
    refused, ids = [], _chosen(chosen)
    for invoice_id in ids:
        try:
            deciding.approve(
                scope=request.scope,
                by=request.actor,
                now=clock.now(),
                invoice_id=invoice_id,
                comment=form.cleaned_data["comment"],
            )
        except DomainError as error:
            refused.append((invoice_id, error))
    if done := len(ids) - len(refused):
        told = ngettext("송장 %(count)d건의 불일치를 승인했어요.", "송장 %(count)d건의 불일치를 승인했어요.", done)
        messages.success(request, told % {"count": done})
    _tell(request, refused)
    return _back(chosen)


MATCH_AGAIN = BulkAction(
    "match-again",
    gettext_lazy("매칭 다시 실행"),
    Permission.EDIT,
    run=_match_again,
    confirm=gettext_lazy("고른 송장을 지금의 발주, 입고, 허용 오차로 다시 매칭해요."),
    icon="arrow-path",
)
APPROVE = BulkAction(
    "approve",
    gettext_lazy("불일치 승인"),
    Permission.PAYOUTS_APPROVE,
    run=_approve,
    confirm=gettext_lazy(
        "고른 송장을 지금의 불일치 그대로 전기해도 된다고 승인해요. 그 뒤에 금액이 바뀌면 승인은 없어져요."
    ),
    form=CommentForm,
    icon="check-circle",
)


class DiscrepancyList(invoices.InvoiceListPage):
    """불일치: what does not match and is not posted."""

    slug = "matching-discrepancies"
    url_name = "matching:discrepancies"
    title = gettext_lazy("불일치")
    intro = gettext_lazy("허용 오차를 넘은 송장이에요. 사유를 확인해서 고치거나 입고를 매칭하거나 승인해 주세요.")
    columns = (
        invoices.NUMBER,
        invoices.VENDOR,
        Column(
            "main_reason",
            gettext_lazy("주요 사유"),
            Kind.BADGE,
            badges=shown.REASON_BADGES,
            value=lambda row: shown.gravest(row["reasons"]),
        ),
        invoices.REASONS,
        invoices.AMOUNT,
        invoices.DATE,
        invoices.MATCH,
        invoices.STATUS,
        invoices.MATCHED_AT,
        invoices.DUE,
        invoices.ENTERED,
        invoices.ACCOUNT,
        invoices.PUBLIC_ID,
        Column("approved_by", gettext_lazy("승인한 사람"), default=False),
        Column("approval_comment", gettext_lazy("승인 메모"), default=False),
    )
    filters = (
        DateFilter(invoices.DATES),
        invoices.WORDS,
        invoices.BY_REASON,
        invoices.AT_LEAST,
        BooleanFilter(
            "approved",
            gettext_lazy("승인"),
            "is_approved",
            yes=gettext_lazy("승인함"),
            no=gettext_lazy("승인 안 함"),
        ),
        *invoices.LINKED,
    )
    actions: ClassVar[tuple[BulkAction, ...]] = (MATCH_AGAIN, APPROVE)
    blank = gettext_lazy("불일치가 없어요. 발주나 입고와 맞지 않는 송장이 생기면 여기에 나와요.")

    def queryset(self, scope: Scope) -> QuerySet[Any]:
        """Return the invoices that do not match."""
        return reads.discrepancy_rows(scope)

    def _actions(self, request: PageRequest) -> list[BulkAction]:
        asks = queries.parameters(request.scope).post_invoice_with_discrepancies == WithDiscrepancies.APPROVE
        return [action for action in super()._actions(request) if asks or action is not APPROVE]

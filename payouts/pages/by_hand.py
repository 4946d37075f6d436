"""Saying that partners were paid outside the product: what was chosen, what proves it, and who approves it."""

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from access.requests import PageRequest
from access.roles import Permission
from console import selection
from console.selection import BulkAction, Selection
from core import clock
from core.scope import Scope
from ledger.posting import refused_by
from payouts.forms import ProofForm
from payouts.models import BulkPayout
from payouts.operations import by_hand
from payouts.operations.by_hand import Proof
from payouts.pages import links, making
from payouts.pages.making import MakingView, NothingPayable
from payouts.pages.rehearsal import Rehearsal, rehearse
from settlement.models import Partner, PartnerSettlement

# Stands on the list of partner settlements.
MAKE = BulkAction(
    "by-hand",
    gettext_lazy("직접 지급 기록"),
    Permission.PAYOUTS_SUBMIT,
    url_name="payouts:by-hand",
    icon="hand-raised",
)


def _judge(_partner: Partner, group: Sequence[PartnerSettlement]) -> str:
    return by_hand.why_not(group)


class _ByHand(MakingView):
    """What both ways in have in common."""

    title = gettext_lazy("직접 지급 기록")

    def post(self, request: PageRequest) -> HttpResponseBase:
        """Show what would be recorded; record it when the person has seen exactly that."""
        now, scope = clock.now(), request.scope
        chosen = selection.read(request, self.page(), scope)
        wanted = list(self.settlements(chosen).values_list("pk", flat=True))
        found = rehearse(scope, wanted, making.left_out(request), clock.seoul_day(now), _judge)
        if not found.chosen:
            raise NothingPayable(_("고른 내역은 모두 이미 지급에 들어갔거나 지금은 지급할 수 없어요."))
        seen = request.POST.get("seal")
        form = ProofForm(request.POST if seen is not None else None, initial=_initial())
        notice = making.notice_of(found, seen) if "make" in request.POST else ""
        if "make" in request.POST and not notice and form.is_valid():
            return _record(request, found, form)
        return self._show(request, chosen, found, form, notice)

    def _show(
        self, request: PageRequest, chosen: Selection, found: Rehearsal, form: ProofForm, notice: str
    ) -> HttpResponse:
        hidden = making.SHOWN_LINES
        context = {
            "title": self.title,
            "crumb": self.from_label,
            "back": f"{chosen.page.url()}?{chosen.filters.query()}",
            "selection": chosen,
            "rehearsal": found,
            "form": form,
            "payable": found.payable[:hidden],
            "payable_hidden": max(len(found.payable) - hidden, 0),
            "skipped": found.skipped[:hidden],
            "skipped_hidden": max(len(found.skipped) - hidden, 0),
            "negatives": [(row, row.pk in found.left_out, found.left_out.get(row.pk, "")) for row in found.negatives],
            "notice": notice,
            "token": request.POST.get("token") or making.new_token(),
            "by_hand": True,
        }
        return render(request, "payouts/making.html", context, status=409 if notice else 200)


class NewView(_ByHand, making.NewView):
    """From the list of partner settlements."""


class AgainView(_ByHand):
    """From payouts that failed or came back: they were paid outside after all."""

    from_label = making.AgainView.from_label

    def page(self) -> Any:
        """Return the list of payouts."""
        return making.AgainView().page()

    def settlements(self, chosen: Selection) -> QuerySet[PartnerSettlement]:
        """Return what the chosen payouts were made of."""
        return making.AgainView().settlements(chosen)


def _initial() -> dict[str, object]:
    today = clock.today()
    return {"name": _("%(day)s 직접 지급") % {"day": today.isoformat()}, "paid_on": today}


def _record(request: PageRequest, found: Rehearsal, form: ProofForm) -> HttpResponse:
    public_id = making.id_of(request.POST.get("token", ""))
    try:
        with transaction.atomic():
            bulk = _propose(request, found, form, public_id)
    except IntegrityError as error:
        if refused_by(error) != "payouts_bulk_id":
            raise
        messages.info(request, _("이미 만든 일괄지급이에요. 두 번 만들지 않았어요."))
        return redirect(links.bulk_url(public_id))
    messages.success(request, _("승인을 요청했어요. 다른 승인자가 근거를 확인하면 지급 완료가 돼요."))
    return redirect(links.bulk_url(bulk.public_id))


def _propose(request: PageRequest, found: Rehearsal, form: ProofForm, public_id: str) -> BulkPayout:
    data = form.cleaned_data
    return by_hand.propose(
        scope=request.scope,
        settlement_ids=_taken(request.scope, found),
        left_out=found.left_out,
        proof=Proof(data["paid_on"], data["evidence"], data["file_reference"]),
        name=data["name"],
        by=request.actor,
        now=clock.now(),
        public_id=public_id,
    )


def _taken(scope: Scope, found: Rehearsal) -> list[int]:
    """Return what goes in: everything chosen and every negative one that stays, but nothing of partners passed over."""
    wanted = {*found.chosen, *(row.pk for row in found.negatives)} - set(found.left_out)
    passed_over = {line.partner.pk for line in found.skipped}
    rows = PartnerSettlement.objects.within(scope).filter(pk__in=wanted).exclude(partner_id__in=passed_over)
    return list(rows.values_list("pk", flat=True))

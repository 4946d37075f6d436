"""
The page of one bulk payout, and what can be done there.

The page is the list of its payouts with everything about the whole above it. What a person decides is bound to what the
person saw: every form carries the content hash that was shown, and a changed content is shown again instead.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.http import HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from access import stepup
from access.requests import PageRequest
from access.roles import Permission, allowed
from console.columns import Column, Kind, Label, Row
from console.filters import (
    BooleanFilter,
    BoundFilters,
    Chip,
    ChoiceFilter,
    IdFilter,
    Keyword,
    KeywordFilter,
)
from console.lists import ListPage
from console.pages import PageView, is_htmx
from console.selection import BulkAction, Selection
from core import clock
from core.errors import InvalidRequest
from core.scope import Scope
from payouts import queries
from payouts.forms import DetailsForm, NeededReasonForm, ReasonForm
from payouts.models import BulkPayout, BulkStatus, Decision, Payout, PayoutMethod, PayoutStatus
from payouts.operations import approval, building, by_hand, running
from payouts.operations.approval import ContentChanged
from payouts.pages import links, lists, reads, review, shown, transfers

SHOWN_SKIPPED = 200


@dataclass(frozen=True, slots=True)
class Choices:
    """What the person may do with a bulk payout now, by state and role, and why not where that needs a word."""

    submit: bool
    decide: bool
    edit: bool
    cancel: bool
    stop: bool
    own: bool
    decided: bool

    @property
    def any(self) -> bool:
        """Say whether there is anything to do at all."""
        return self.submit or self.decide or self.edit or self.cancel or self.stop


def choices(request: PageRequest, bulk: BulkPayout) -> Choices:
    """Return what the person may do with a bulk payout now."""
    may_submit = allowed(request.role, Permission.PAYOUTS_SUBMIT)
    may_stop = allowed(request.role, Permission.PAYOUTS_STOP)
    pending = bulk.status == BulkStatus.PENDING_APPROVAL and allowed(request.role, Permission.PAYOUTS_APPROVE)
    own = request.user.pk in (bulk.created_by_id, bulk.changed_by_id, bulk.submitted_by_id)
    decided = pending and bulk.approvals.filter(content_hash=bulk.content_hash, approver_id=request.user.pk).exists()
    return Choices(
        submit=may_submit and bulk.status == BulkStatus.PREPARED and bulk.payout_count > 0,
        decide=pending and not own and not decided,
        edit=may_submit and bulk.status in building.EDITABLE and bulk.method == PayoutMethod.AGENCY,
        cancel=may_stop and bulk.status in (*building.EDITABLE, BulkStatus.PREPARING),
        stop=may_stop and bulk.status == BulkStatus.ONGOING,
        own=pending and own,
        decided=decided,
    )


class _WithinBulk(BoundFilters):
    """The filters of one bulk payout's payouts: that it is this one goes without saying on its own page."""

    @property
    def chips(self) -> list[tuple[Chip, str]]:
        """Leave out the bulk payout itself."""
        given = self.named("bulk").chip
        return [(chip, query) for chip, query in super().chips if chip is not given]

    @property
    def active(self) -> bool:
        """Say whether anything beside the bulk payout limits the rows."""
        return bool(self.chips)


def _take_out(request: PageRequest, chosen: Selection, _form: forms.Form) -> HttpResponse:
    bulk_id = str(chosen.filters.named("bulk").state["value"])
    if not bulk_id:
        raise InvalidRequest(_("어느 일괄지급에서 뺄지 알 수 없어요."), field="bulk")
    removable = chosen.queryset().exclude(status=PayoutStatus.CANCELLED).filter(bulk_payout__public_id=bulk_id)
    removed = list(removable.values_list("public_id", flat=True))
    building.remove_payouts(scope=request.scope, bulk_id=bulk_id, payout_ids=removed, by=request.actor, now=clock.now())
    done = ngettext(
        "지급 %(count)d건을 뺐어요. 정산 내역은 다시 지급할 수 있어요.",
        "지급 %(count)d건을 뺐어요. 정산 내역은 다시 지급할 수 있어요.",
        len(removed),
    )
    messages.success(request, done % {"count": len(removed)})
    return redirect(links.bulk_url(bulk_id))


TAKE_OUT = BulkAction(
    "take-out",
    gettext_lazy("지급에서 제외하기"),
    Permission.PAYOUTS_SUBMIT,
    run=_take_out,
    confirm=gettext_lazy(
        "고른 지급을 이 일괄지급에서 빼요. 받은 승인은 모두 없어지고, 정산 내역은 다시 지급할 수 있어요."
    ),
    icon="minus-circle",
    danger=True,
)


_ELSEWHERE = frozenset({"bulk_payout__public_id", "bulk_payout__name", "method", "bulk_payout__scheduled_at"})


def _columns() -> tuple[Column, ...]:
    """Return the columns of the list of payouts that say something inside one bulk payout, with the netting."""
    credit, back = gettext_lazy("더한 정산"), gettext_lazy("차감")
    netting = (
        Column("reserved_credit", credit, Kind.WON, total=True, currency="currency"),
        Column("taken_back", back, Kind.SIGNED_WON, total=True, currency="currency"),
    )
    found: list[Column] = []
    for column in lists.PayoutList.columns:
        if column.key not in _ELSEWHERE:
            shows = column.default and column.key not in {"created_at", "settlement_amount"}
            found.append(replace(column, default=shows or column.key == "new"))
        if column.key == "amount":
            found += netting
    return tuple(found)


class BulkPayoutPage(ListPage):
    """One bulk payout: its status, its money, who approved it, and its payouts."""

    slug = "bulk-payout-payouts"
    url_name = "payouts:bulk-payout-list"
    title = gettext_lazy("일괄지급")
    permission = Permission.VIEW
    template = "payouts/bulk.html"
    order = ("-amount", "-id")
    currency = "currency"
    columns = _columns()
    extra = lists.PayoutList.extra
    filters = (
        IdFilter("bulk", gettext_lazy("일괄지급"), "bulk_payout__public_id"),
        KeywordFilter(
            (
                Keyword("partner", gettext_lazy("파트너 이름"), ("partner__name",)),
                Keyword("id", gettext_lazy("지급 번호"), ("public_id",), exact=True),
                Keyword("partner-id", gettext_lazy("파트너 아이디"), ("partner__public_id",), exact=True),
                Keyword("holder", gettext_lazy("예금주"), ("account_holder",)),
            ),
        ),
        ChoiceFilter("status", gettext_lazy("상태"), tuple(PayoutStatus.choices), badges=shown.PAYOUT_BADGES),
        BooleanFilter(
            "new",
            gettext_lazy("계좌"),
            field="is_new_destination",
            yes=gettext_lazy("처음 보내는 계좌"),
            no=gettext_lazy("보낸 적 있는 계좌"),
        ),
        BooleanFilter(
            "netted",
            gettext_lazy("차감"),
            yes=gettext_lazy("차감 있음"),
            no=gettext_lazy("차감 없음"),
            condition=lambda wanted: Q(reserved_debit__gt=0) if wanted else Q(reserved_debit=0),
        ),
    )
    actions = (TAKE_OUT, lists.AGAIN)
    blank = gettext_lazy("아직 만들어진 지급이 없어요.")
    bulk: BulkPayout

    @classmethod
    def bind(cls, params: QueryDict, day: str = "") -> BoundFilters:
        """Read the filters."""
        found = super().bind(params, day)
        return _WithinBulk(found.items, found.today)

    def queryset(self, scope: Scope) -> QuerySet[Payout]:
        """Return payouts; the filter names the bulk payout."""
        return Payout.objects.within(scope).annotate(taken_back=-F("reserved_debit"))

    def row_url(self, row: Row) -> str | None:
        """Open the payout."""
        return links.payout_url(row["public_id"])

    def row_class(self, row: Row) -> str:
        """Mark what needs somebody, set back what was cancelled."""
        return lists.row_class(row)

    def get(self, request: PageRequest, *_args: object, **kwargs: object) -> HttpResponseBase:
        """Show the bulk payout."""
        self.bulk = queries.find_bulk(request.scope, str(kwargs["bulk_id"]))
        params = request.GET.copy()
        params["bulk"] = self.bulk.public_id
        setattr(request, "GET", params)  # noqa: B010 - the address names the bulk payout; the list reads parameters
        return super().get(request)

    def _actions(self, request: PageRequest) -> list[BulkAction]:
        now_possible = {
            TAKE_OUT.key: self.bulk.status in building.EDITABLE,
            lists.AGAIN.key: self.bulk.status in (BulkStatus.POST_PROCESS_PENDING, BulkStatus.COMPLETED),
        }
        return [action for action in super()._actions(request) if now_possible[action.key]]

    def context(self, request: PageRequest) -> dict[str, object]:
        """Return what stands above the payouts."""
        bulk = self.bulk
        hidden = max(len(bulk.skipped) - SHOWN_SKIPPED, 0)
        approvals = list(bulk.approvals.order_by("-decided_at"))
        return {
            "bulk": bulk,
            "title": bulk.name,
            "status": shown.BULK_BADGES[bulk.status],
            "may": choices(request, bulk),
            "progress": reads.progress(bulk),
            "figures": reads.figures(bulk),
            "cover": reads.cover(bulk),
            "account": shown.destination(bulk.bank_account.bank, bulk.bank_account.last4),
            "method": shown.METHODS[bulk.method],
            "skipped": skipped_rows(bulk.skipped[:SHOWN_SKIPPED]),
            "skipped_hidden": hidden,
            "left_out": bulk.left_out,
            "seen": shown.short_hash(bulk.content_hash),
            "approvals": [(row, shown.DECISION_BADGES[row.decision]) for row in approvals],
            "given": _given(bulk, approvals),
            "timeline": reads.timeline_of_bulk(bulk),
            "expires": bulk.submitted_at + approval.APPROVAL_LIFE if bulk.submitted_at else None,
            "proof": review.proof_of(bulk),
            "transfer_files": transfers.panel(request, bulk),
            **(_review(bulk) if bulk.status in building.EDITABLE and bulk.payout_count else {}),
        }


def _review(bulk: BulkPayout) -> dict[str, object]:
    """Return what is looked at before the money goes out."""
    before = review.last_cycle(bulk)
    return {
        "reviewed": True,
        "changes": review.changes(bulk, before) if before else None,
        "change_columns": review.CHANGE_COLUMNS,
        "netted": review.netted(bulk),
        "destinations": review.destinations(bulk),
        "taxes": review.taxes(bulk),
        "planned": review.planned_of_bulk(bulk),
    }


def _given(bulk: BulkPayout, approvals: list[Any]) -> int:
    """Count the approvals of what the bulk payout holds now."""
    return sum(row.content_hash == bulk.content_hash and row.decision == Decision.APPROVED for row in approvals)


def skipped_rows(stored: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the partners that were not paid, with the reason as a sentence."""
    sentences = building.not_payable_reasons()
    return [{**row, "sentence": sentences.get(row["reason"], row["reason"])} for row in stored]


class OpenView(PageView):
    """Leads from the list of one bulk payout's payouts, wherever it is linked, to the page of that bulk payout."""

    permission = Permission.VIEW

    def get(self, request: PageRequest) -> HttpResponse:
        """Go to the page, keeping the other conditions."""
        params = request.GET.copy()
        bulk_id = "".join(params.pop("bulk", [])[:1])
        target = links.bulk_url(bulk_id) if bulk_id else reverse("payouts:bulk-payouts")
        return redirect(f"{target}?{params.urlencode()}" if params else target)


class ProgressView(PageView):
    """The live part of the page: asked for again and again while something moves by itself."""

    permission = Permission.VIEW

    def get(self, request: PageRequest, bulk_id: str) -> HttpResponse:
        """Show how far it is; a new status is a new page, with other things to do on it."""
        bulk = queries.find_bulk(request.scope, bulk_id)
        if request.GET.get("was", bulk.status) != bulk.status:
            return HttpResponse(headers={"HX-Refresh": "true"})
        return render(request, "payouts/_progress.html", {"progress": reads.progress(bulk), "bulk": bulk})


@contextmanager
def as_seen(scope: Scope, bulk_id: str, seen: str) -> Iterator[BulkPayout]:
    """Hold a bulk payout for the length of one change, provided that it still is what the person saw."""
    with transaction.atomic():
        bulk = queries.lock_bulk(scope, bulk_id)
        if seen != bulk.content_hash:
            raise ContentChanged(_("그 사이 내용이 바뀌었어요. 다시 확인해 주세요."), contentHash=bulk.content_hash)
        yield bulk


class ActionView(PageView):
    """
    Something done with a whole bulk payout: GET asks, repeating what it is about, POST does it.

    Subclasses say what it is called and do it in `act`. With `needs_code` a fresh one-time code is needed as well.
    """

    heading: ClassVar[Label]
    button: ClassVar[Label]
    says: ClassVar[Label]
    says_by_hand: ClassVar[Label] = ""
    done: ClassVar[Label]
    danger: ClassVar[bool] = False
    needs_code: ClassVar[bool] = False
    form_class: ClassVar[type[forms.Form]] = forms.Form

    def get(self, request: PageRequest, bulk_id: str) -> HttpResponse:
        """Ask."""
        return self._ask(request, queries.find_bulk(request.scope, bulk_id), self.form_class())

    def post(self, request: PageRequest, bulk_id: str) -> HttpResponseBase:
        """Do it, if it is still about what was shown."""
        bulk = queries.find_bulk(request.scope, bulk_id)
        form = self.form_class(request.POST)
        if not form.is_valid():
            return self._ask(request, bulk, form)
        if self.needs_code and (asked := stepup.missing(request)):
            return asked
        try:
            self.act(request, bulk, form.cleaned_data)
        except ContentChanged as refusal:
            fresh = queries.find_bulk(request.scope, bulk_id)
            return render(request, "payouts/changed.html", {"bulk": fresh, "error": refusal}, status=refusal.status)
        messages.success(request, str(self.done))
        return redirect(links.bulk_url(bulk_id))

    def act(self, request: PageRequest, bulk: BulkPayout, data: Mapping[str, Any]) -> None:
        """Do it."""
        raise NotImplementedError

    def _ask(self, request: PageRequest, bulk: BulkPayout, form: forms.Form) -> HttpResponse:
        context = {
            "action": self,
            "title": self.heading,
            "says": self.says_by_hand if self.says_by_hand and bulk.method == PayoutMethod.DIRECT else self.says,
            "bulk": bulk,
            "form": form,
            "cover": reads.cover(bulk) if self.needs_code and bulk.method == PayoutMethod.AGENCY else None,
            "seen": shown.short_hash(bulk.content_hash),
            "ask_code": self.needs_code and not stepup.is_fresh(request),
            "code_field": stepup.CODE_FIELD,
            "back": links.bulk_url(bulk.public_id),
        }
        return render(request, "payouts/_ask.html" if is_htmx(request) else "payouts/ask.html", context)


def _seen(request: PageRequest) -> str:
    return request.POST.get("seen", "")


class SubmitView(ActionView):
    """승인 요청."""

    permission = Permission.PAYOUTS_SUBMIT
    heading = gettext_lazy("승인을 요청할까요?")
    button = gettext_lazy("승인 요청하기")
    says = gettext_lazy("승인자가 아래 내용 그대로 확인해요. 승인된 다음에 내용을 바꾸면 다시 승인을 받아야 해요.")
    done = gettext_lazy("승인을 요청했어요. 다른 승인자가 확인하면 지급돼요.")

    def act(self, request: PageRequest, bulk: BulkPayout, data: Mapping[str, Any]) -> None:  # noqa: ARG002 - asks nothing
        """Submit what was seen."""
        approval.submit(
            scope=request.scope, bulk_id=bulk.public_id, seen_hash=_seen(request), by=request.actor, now=clock.now()
        )


class ApproveView(ActionView):
    """승인."""

    permission = Permission.PAYOUTS_APPROVE
    heading = gettext_lazy("이 일괄지급을 승인할까요?")
    button = gettext_lazy("승인하기")
    says = gettext_lazy("필요한 승인이 모두 모이면 아래 금액이 지급 계좌에서 나가요. 나간 돈은 되돌릴 수 없어요.")
    says_by_hand = gettext_lazy("은행으로는 보내지 않아요. 필요한 승인이 모두 모이면 이미 지급한 것으로 기록해요.")
    done = gettext_lazy("승인했어요.")
    needs_code = True

    def act(self, request: PageRequest, bulk: BulkPayout, data: Mapping[str, Any]) -> None:  # noqa: ARG002 - asks nothing
        """Approve what was seen."""
        _decide(request, bulk, Decision.APPROVED)


class RejectView(ActionView):
    """반려."""

    permission = Permission.PAYOUTS_APPROVE
    heading = gettext_lazy("이 일괄지급을 반려할까요?")
    button = gettext_lazy("반려하기")
    says = gettext_lazy("작성 중으로 돌아가요. 만든 사람이 고쳐서 다시 요청할 수 있도록 사유를 적어 주세요.")
    done = gettext_lazy("반려했어요. 만든 사람이 사유를 볼 수 있어요.")
    danger = True
    needs_code = True
    form_class = NeededReasonForm

    def act(self, request: PageRequest, bulk: BulkPayout, data: Mapping[str, Any]) -> None:
        """Reject what was seen."""
        _decide(request, bulk, Decision.REJECTED, str(data["reason"]))


def _decide(request: PageRequest, bulk: BulkPayout, decision: Decision, reason: str = "") -> None:
    by_hand.decide(
        scope=request.scope,
        bulk_id=bulk.public_id,
        seen_hash=_seen(request),
        decision=decision,
        by=request.actor,
        now=clock.now(),
        reason=reason,
    )


class CancelView(ActionView):
    """취소."""

    permission = Permission.PAYOUTS_STOP
    heading = gettext_lazy("이 일괄지급을 취소할까요?")
    button = gettext_lazy("일괄지급 취소하기")
    says = gettext_lazy("아직 보내지 않은 지급이 모두 취소되고, 정산 내역은 다시 지급할 수 있게 돼요.")
    done = gettext_lazy("일괄지급을 취소했어요. 정산 내역은 다시 지급할 수 있어요.")
    danger = True
    form_class = ReasonForm

    def act(self, request: PageRequest, bulk: BulkPayout, data: Mapping[str, Any]) -> None:
        """Cancel what was seen."""
        with as_seen(request.scope, bulk.public_id, _seen(request)):
            building.cancel_bulk_payout(
                scope=request.scope,
                bulk_id=bulk.public_id,
                by=request.actor,
                now=clock.now(),
                reason=str(data["reason"]),
            )


class StopView(ActionView):
    """중단."""

    permission = Permission.PAYOUTS_STOP
    heading = gettext_lazy("남은 지급을 중단할까요?")
    button = gettext_lazy("중단하기")
    says = gettext_lazy("아직 보내지 않은 지급만 멈춰요. 이미 은행에 보낸 지급은 끝까지 진행되고 결과가 기록돼요.")
    done = gettext_lazy("남은 지급을 중단했어요.")
    danger = True
    form_class = ReasonForm

    def act(self, request: PageRequest, bulk: BulkPayout, data: Mapping[str, Any]) -> None:
        """Stop what waits; what changes by itself meanwhile does not matter."""
        running.stop(
            scope=request.scope, bulk_id=bulk.public_id, by=request.actor, now=clock.now(), reason=str(data["reason"])
        )


class EditView(PageView):
    """수정: name, memos and schedule of a bulk payout that has not started."""

    permission = Permission.PAYOUTS_SUBMIT

    def get(self, request: PageRequest, bulk_id: str) -> HttpResponse:
        """Show the form."""
        bulk = self._editable(request, bulk_id)
        return self._show(request, bulk, DetailsForm(initial=_initial(bulk), now=clock.now()))

    def post(self, request: PageRequest, bulk_id: str) -> HttpResponse:
        """Store what changed."""
        bulk, now = self._editable(request, bulk_id), clock.now()
        form = DetailsForm(request.POST, initial=_initial(bulk), now=now)
        if not form.is_valid():
            return self._show(request, bulk, form)
        if not form.changed_data:
            messages.info(request, _("바뀐 내용이 없어요."))
            return redirect(links.bulk_url(bulk_id))
        try:
            self._change(request, bulk, form, now)
        except ContentChanged as refusal:
            fresh = queries.find_bulk(request.scope, bulk_id)
            return render(request, "payouts/changed.html", {"bulk": fresh, "error": refusal}, status=refusal.status)
        messages.success(request, _("내용을 바꿨어요. 다시 승인을 요청해 주세요."))
        return redirect(links.bulk_url(bulk_id))

    def _editable(self, request: PageRequest, bulk_id: str) -> BulkPayout:
        bulk = queries.find_bulk(request.scope, bulk_id)
        if bulk.status not in building.EDITABLE or bulk.method != PayoutMethod.AGENCY:
            raise building.NotEditable(_("이미 시작된 일괄지급은 바꿀 수 없어요."), status=bulk.status)
        return bulk

    def _change(self, request: PageRequest, bulk: BulkPayout, form: DetailsForm, now: datetime) -> None:
        data, changed = form.cleaned_data, set(form.changed_data)
        with as_seen(request.scope, bulk.public_id, _seen(request)):
            building.change_details(
                scope=request.scope,
                bulk_id=bulk.public_id,
                by=request.actor,
                now=now,
                name=data["name"] if "name" in changed else None,
                deposit_memo=data["deposit_memo"] if "deposit_memo" in changed else None,
                withdrawal_memo=data["withdrawal_memo"] if "withdrawal_memo" in changed else None,
                scheduled_at=form.scheduled_at,
                reschedule=bool(changed & {"when", "day", "time"}),
            )

    def _show(self, request: PageRequest, bulk: BulkPayout, form: DetailsForm) -> HttpResponse:
        approved = bulk.status != BulkStatus.PREPARED
        context = {"bulk": bulk, "form": form, "title": _("일괄지급 수정"), "loses_approval": approved}
        return render(request, "payouts/edit.html", context)


def _initial(bulk: BulkPayout) -> dict[str, object]:
    """Return the values the form begins with; memos that differ between payouts are left open."""
    live = Payout.objects.filter(bulk_payout=bulk).exclude(status=PayoutStatus.CANCELLED).order_by()
    deposits = list(live.values_list("deposit_memo", flat=True).distinct()[:2])
    withdrawals = list(live.values_list("withdrawal_memo", flat=True).distinct()[:2])
    return {
        "name": bulk.name,
        "deposit_memo": deposits[0] if len(deposits) == 1 else "",
        "withdrawal_memo": withdrawals[0] if len(withdrawals) == 1 else "",
        **DetailsForm.schedule_of(bulk.scheduled_at),
    }

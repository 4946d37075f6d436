"""
What people do with one invoice: GET asks, repeating what it is about, POST does it.

Every form carries the version of the invoice that was shown; approving carries a fingerprint of the figures as well.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from access.requests import PageRequest
from access.roles import Permission
from console.columns import Label
from console.pages import PageView, is_htmx
from core import clock
from core.errors import DomainError, StaleVersion
from core.scope import Scope
from matching import queries, told
from matching.models import Invoice
from matching.operations import deciding, invoices, posting, running
from matching.operations.documents import InvoiceDraft, InvoiceFields
from matching.pages import links, reads, shown
from matching.pages.work_list import CommentForm


def check_version(invoice: Invoice, seen: str) -> None:
    """Refuse what was decided about an invoice that somebody has changed since. Raises StaleVersion."""
    if seen != str(invoice.version):
        raise StaleVersion(_("그사이 송장이 바뀌었어요. 다시 확인해 주세요."), version=invoice.version)


@contextmanager
def as_seen(scope: Scope, invoice_id: str, seen: str) -> Iterator[Invoice]:
    """Hold an invoice for the length of one change, provided that it is what the person saw."""
    with transaction.atomic():
        invoice = queries.find_pending(scope, invoice_id)
        check_version(invoice, seen)
        yield invoice


class ReasonForm(forms.Form):
    """Why something is done; it stays in the history."""

    reason = forms.CharField(
        label=gettext_lazy("사유"),
        max_length=1_000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("변경 이력에 남아서 다른 사람도 볼 수 있어요."),
    )


class AskView(PageView):
    """Base of what is done with an invoice; subclasses do it in `act`."""

    permission = Permission.EDIT
    heading: ClassVar[Label]
    button: ClassVar[Label]
    says: ClassVar[Label]
    done: ClassVar[Label]
    danger: ClassVar[bool] = False
    form_class: ClassVar[type[forms.Form]] = forms.Form

    def act(self, request: PageRequest, invoice_id: str, data: Mapping[str, Any]) -> None:
        """Do it to an invoice that is locked and still is what was shown."""
        raise NotImplementedError

    def target(self, invoice_id: str) -> str:
        """Return where it leads afterwards."""
        return links.invoice_url(invoice_id)

    def get(self, request: PageRequest, invoice_id: str) -> HttpResponse:
        """Ask."""
        return self._ask(request, reads.find(request.scope, invoice_id), self.form_class())

    def post(self, request: PageRequest, invoice_id: str) -> HttpResponseBase:
        """Do it, or show the question again with what was refused."""
        form = self.form_class(request.POST)
        if form.is_valid():
            try:
                self.do(request, invoice_id, form.cleaned_data)
            except DomainError as refusal:
                form.add_error(None, str(refusal.message) or refusal.code)
            else:
                messages.success(request, str(self.done))
                return redirect(self.target(invoice_id))
        return self._ask(request, reads.find(request.scope, invoice_id), form)

    def do(self, request: PageRequest, invoice_id: str, data: Mapping[str, Any]) -> None:
        """Hold the invoice and act."""
        with as_seen(request.scope, invoice_id, request.POST.get("version", "")):
            self.act(request, invoice_id, data)

    def _ask(self, request: PageRequest, invoice: Invoice, form: forms.Form) -> HttpResponse:
        run = reads.run_of(invoice)
        context = {
            "action": self,
            "title": self.heading,
            "invoice": invoice,
            "form": form,
            "facts": _facts(invoice),
            "seen": told.content(run.detail) if run else "",
            "back": links.invoice_url(invoice.public_id),
        }
        template = "matching/_invoice_sure.html" if is_htmx(request) else "matching/invoice_sure.html"
        refused = bool(form.errors) and not is_htmx(request)
        return render(request, template, context, status=409 if refused else 200)


def _facts(invoice: Invoice) -> Sequence[tuple[str, str]]:
    facts = [
        (_("송장 번호"), invoice.number),
        (_("공급사"), invoice.vendor.name or invoice.vendor.account),
        (_("송장 금액"), f"{shown.money(invoice.amount, invoice.currency)} {invoice.currency}"),
        (_("매칭 상태"), str(shown.MATCH_BADGES[invoice.match_status].label)),
    ]
    if invoice.reasons:
        facts.append((_("불일치 사유"), shown.reasons(invoice.reasons)))
    return facts


def _who(request: PageRequest) -> dict[str, Any]:
    return {"scope": request.scope, "by": request.actor, "now": clock.now()}


class HoldView(AskView):
    """Put an invoice on hold."""

    heading = gettext_lazy("송장 보류")
    button = pgettext_lazy("invoice", "보류하기")
    says = gettext_lazy("보류를 풀 때까지 전기할 수 없어요.")
    done = gettext_lazy("송장을 보류했어요.")
    form_class = ReasonForm

    def act(self, request: PageRequest, invoice_id: str, data: Mapping[str, Any]) -> None:
        """Hold it."""
        invoices.hold(**_who(request), invoice_id=invoice_id, reason=data["reason"])


class ReleaseView(AskView):
    """Release an invoice from hold."""

    heading = pgettext_lazy("action", "보류 해제")
    button = gettext_lazy("보류 풀기")
    says = gettext_lazy("보류를 풀면 다시 전기할 수 있어요.")
    done = gettext_lazy("보류를 풀었어요.")

    def act(self, request: PageRequest, invoice_id: str, data: Mapping[str, Any]) -> None:
        """Release it."""
        del data
        invoices.release(**_who(request), invoice_id=invoice_id)


class MatchView(AskView):
    """Match an invoice now."""

    heading = gettext_lazy("매칭 상태 갱신")
    button = gettext_lazy("갱신하기")
    says = gettext_lazy("지금의 발주, 입고, 허용 오차로 다시 매칭해요.")
    done = gettext_lazy("매칭 상태를 갱신했어요.")

    def act(self, request: PageRequest, invoice_id: str, data: Mapping[str, Any]) -> None:
        """Match it."""
        del data
        running.match_invoice(**_who(request), invoice_id=invoice_id)


class SubmitView(AskView):
    """Send an invoice to review."""

    heading = gettext_lazy("송장 제출")
    button = gettext_lazy("제출하기")
    says = gettext_lazy("다른 사람이 검토하도록 제출해요. 검토가 끝나기 전에는 회수할 수 있어요.")
    done = gettext_lazy("송장을 제출했어요.")

    def act(self, request: PageRequest, invoice_id: str, data: Mapping[str, Any]) -> None:
        """Submit it."""
        del data
        deciding.submit(**_who(request), invoice_id=invoice_id)


class RecallView(AskView):
    """Take an invoice back from review."""

    heading = gettext_lazy("송장 회수")
    button = gettext_lazy("회수하기")
    says = gettext_lazy("검토를 멈추고 다시 대기로 돌려놓아요.")
    done = gettext_lazy("송장을 회수했어요.")

    def act(self, request: PageRequest, invoice_id: str, data: Mapping[str, Any]) -> None:
        """Recall it."""
        del data
        deciding.recall(**_who(request), invoice_id=invoice_id)


class ReviewView(AskView):
    """Clear an invoice in review."""

    permission = Permission.PAYOUTS_APPROVE
    heading = gettext_lazy("검토 완료")
    button = gettext_lazy("검토 마치기")
    says = gettext_lazy("다시 매칭하고, 전기할 수 있게 해요.")
    done = gettext_lazy("검토를 마쳤어요.")

    def act(self, request: PageRequest, invoice_id: str, data: Mapping[str, Any]) -> None:
        """Clear it."""
        del data
        deciding.review(**_who(request), invoice_id=invoice_id)


class RejectView(AskView):
    """Send an invoice back to who entered it."""

    permission = Permission.PAYOUTS_APPROVE
    heading = gettext_lazy("송장 반려")
    button = gettext_lazy("반려하기")
    says = gettext_lazy("입력한 사람이 고치도록 돌려보내요.")
    done = gettext_lazy("송장을 반려했어요.")
    danger = True
    form_class = ReasonForm

    def act(self, request: PageRequest, invoice_id: str, data: Mapping[str, Any]) -> None:
        """Reject it."""
        deciding.reject(**_who(request), invoice_id=invoice_id, reason=data["reason"])


class ApproveView(AskView):
    """Approve the discrepancies that were shown."""

    permission = Permission.PAYOUTS_APPROVE
    heading = gettext_lazy("불일치 승인")
    button = gettext_lazy("승인하기")
    says = gettext_lazy("지금의 불일치 그대로 전기해도 된다고 승인해요. 그 뒤에 금액이 바뀌면 승인은 없어져요.")
    done = gettext_lazy("불일치를 승인했어요.")
    form_class = CommentForm

    def act(self, request: PageRequest, invoice_id: str, data: Mapping[str, Any]) -> None:
        """Approve it, unless matching it once more gives other figures than those that were shown."""
        found = deciding.approve(**_who(request), invoice_id=invoice_id, comment=data["comment"])
        if found.approved_content != request.POST.get("seen", ""):
            raise StaleVersion(
                _("그사이 매칭 결과가 바뀌었어요. 매칭 상태를 갱신하고 다시 확인해 주세요."), version=found.version
            )


class WithdrawView(AskView):
    """Take an approval back."""

    permission = Permission.PAYOUTS_APPROVE
    heading = gettext_lazy("불일치 승인 취소")
    button = gettext_lazy("승인 취소하기")
    says = gettext_lazy("승인을 취소하면 다시 승인할 때까지 전기할 수 없어요.")
    done = gettext_lazy("불일치 승인을 취소했어요.")
    danger = True

    def act(self, request: PageRequest, invoice_id: str, data: Mapping[str, Any]) -> None:
        """Withdraw it."""
        del data
        deciding.withdraw_approval(**_who(request), invoice_id=invoice_id)


_WARNINGS: Mapping[str, Label] = {
    "DUPLICATE_INVOICE_NUMBER": gettext_lazy("같은 공급사의 같은 송장 번호가 이미 전기돼 있어요."),
    "MATCHING_DISCREPANCIES": gettext_lazy("불일치가 있는 채로 전기했어요."),
}


class PostView(AskView):
    """Post an invoice."""

    heading = pgettext_lazy("action", "송장 전기")
    button = gettext_lazy("전기하기")
    says = gettext_lazy("장부에 올리고 공급사에게 줄 정산건을 만들어요. 전기한 송장은 고칠 수 없어요.")
    done = gettext_lazy("송장을 전기했어요.")

    def do(self, request: PageRequest, invoice_id: str, data: Mapping[str, Any]) -> None:
        """Post it; the run of matching before a refusal is kept, so the refusal leaves the transaction afterwards."""
        del data
        refused: DomainError | None = None
        with as_seen(request.scope, invoice_id, request.POST.get("version", "")):
            try:
                found = posting.post_invoice(**_who(request), invoice_id=invoice_id)
            except DomainError as error:
                refused = error
            else:
                for code in found.warnings:
                    messages.warning(request, str(_WARNINGS.get(code, code)))
        if refused is not None:
            raise refused


class DeleteView(AskView):
    """Delete a pending invoice."""

    heading = gettext_lazy("송장 삭제")
    button = gettext_lazy("삭제하기")
    says = gettext_lazy("아직 전기하지 않은 송장을 지워요. 되돌릴 수 없어요.")
    done = gettext_lazy("송장을 삭제했어요.")
    danger = True

    def act(self, request: PageRequest, invoice_id: str, data: Mapping[str, Any]) -> None:
        """Delete it."""
        del data
        invoices.delete_invoice(**_who(request), invoice_id=invoice_id)

    def target(self, invoice_id: str) -> str:
        """Lead to the list: the page is gone."""
        del invoice_id
        return reverse("matching:invoices")


class _AutomationView(AskView):
    included: ClassVar[bool]

    def act(self, request: PageRequest, invoice_id: str, data: Mapping[str, Any]) -> None:
        """Take the invoice into matching receipts in the background, or out of it."""
        del data
        draft = InvoiceDraft(invoice_id, InvoiceFields(is_automated=self.included))
        invoices.change_invoice(**_who(request), draft=draft)


class IncludeView(_AutomationView):
    """Include an invoice in matching receipts in the background, which begins anew."""

    included = True
    heading = gettext_lazy("자동 입고 매칭에 넣기")
    button = gettext_lazy("넣기")
    says = gettext_lazy("입고가 들어오면 저절로 매칭해요. 시도 횟수는 처음부터 다시 세요.")
    done = gettext_lazy("자동 입고 매칭에 넣었어요.")


class ExcludeView(_AutomationView):
    """Take an invoice out of matching receipts in the background."""

    included = False
    heading = gettext_lazy("자동 입고 매칭에서 빼기")
    button = gettext_lazy("빼기")
    says = gettext_lazy("이 송장의 입고는 직접 매칭해요.")
    done = gettext_lazy("자동 입고 매칭에서 뺐어요.")

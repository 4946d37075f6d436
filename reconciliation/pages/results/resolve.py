"""
What people decide about differences: GET asks, repeating what it is about, POST does it.

Every form carries a digest of what was shown, because comparing again may put another group in the same place.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from access.requests import PageRequest
from access.roles import Permission
from console import selection
from console.columns import Label, grouped
from console.filters import encode
from console.lists import ListPage
from console.pages import PageView, is_htmx
from console.selection import Selection
from core import clock
from core.errors import DomainError, NotFound
from reconciliation import queries
from reconciliation.keys import folded_name
from reconciliation.models import Batch, Decision, Outcome
from reconciliation.operations import resolving
from reconciliation.pages.results import reads, words
from reconciliation.pages.results.group import neighbours, own_row
from reconciliation.pages.results.result import OutcomeList, customer, customer_id, summed

_LONGEST_REASON = 2_000
_MOST_WORD = 200
_MOST_REFS = 1_000
_LONGEST_KEY = 18


class ReasonForm(forms.Form):
    """Why something is decided; it stays in the story of the difference."""

    reason = forms.CharField(
        label=gettext_lazy("이유"),
        max_length=_LONGEST_REASON,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("결정 이력에 남아서 다른 사람도 볼 수 있어요."),
    )


@dataclass(frozen=True, slots=True)
class Said:
    """What a decision is called on its page."""

    heading: Label
    says: Label
    button: Label
    done: Label = ""


SAID: Mapping[Decision, Said] = {
    Decision.ACCEPT: Said(
        gettext_lazy("차이 인정하기"),
        gettext_lazy("이 차이를 그대로 받아들여요. 금액과 결과 구분은 바뀌지 않아요."),
        gettext_lazy("인정하기"),
        gettext_lazy("차이를 인정했어요."),
    ),
    Decision.DISPUTE: Said(
        gettext_lazy("이의 제기하기"),
        gettext_lazy("공급사에 바로잡아 달라고 할 차이로 표시해요. 공급사에는 따로 연락해 주세요."),
        gettext_lazy("이의 제기하기"),
        gettext_lazy("이의를 제기한 차이로 표시했어요."),
    ),
    Decision.REOPEN: Said(
        gettext_lazy("차이 다시 열기"),
        gettext_lazy("지금의 결정을 거두고 열린 차이로 돌려놓아요. 앞선 결정은 이력에 남아요."),
        gettext_lazy("차이 다시 열기"),
        gettext_lazy("차이를 다시 열었어요."),
    ),
    Decision.LINK: Said(
        gettext_lazy("직접 연결하기"),
        gettext_lazy("이 줄들에 해당하는 우리 기록을 골라 주세요. 비교 결과는 바뀌지 않고, 연결만 남아요."),
        pgettext_lazy("link", "연결하기"),
        gettext_lazy("우리 기록과 연결했어요."),
    ),
}


class DecideView(PageView):
    """Accept, dispute, link or reopen one group."""

    permission = Permission.EDIT

    def get(self, request: PageRequest, batch_id: str, place: int, decision: str) -> HttpResponse:
        """Ask."""
        batch, outcome = reads.outcome_at(request.scope, batch_id, place)
        return self._ask(request, batch, outcome, _decision(decision), ReasonForm())

    def post(self, request: PageRequest, batch_id: str, place: int, decision: str) -> HttpResponseBase:
        """Decide, or show the question again with what was refused."""
        batch, outcome = reads.outcome_at(request.scope, batch_id, place)
        wanted, form = _decision(decision), ReasonForm(request.POST)
        if form.is_valid():
            ahead = neighbours(request.scope, batch, outcome, request.GET)
            try:
                resolving.resolve(
                    scope=request.scope,
                    batch_id=batch.public_id,
                    place=place,
                    decision=wanted,
                    reason=form.cleaned_data["reason"],
                    refs=_refs(request.POST.getlist("ref")),
                    as_seen=request.POST.get("seen", "") or "-",
                    by=request.actor,
                    now=clock.now(),
                )
            except DomainError as refusal:
                form.add_error("reason" if refusal.facts.get("field") == "reason" else None, str(refusal.message))
            else:
                messages.success(request, str(SAID[wanted].done))
                goes_on = "next" in request.POST and ahead.next is not None
                return redirect(words.group_url(batch.public_id, ahead.next if goes_on else place, ahead.query))
        return self._ask(request, batch, outcome, wanted, form)

    def _ask(
        self, request: PageRequest, batch: Batch, outcome: Outcome, decision: Decision, form: ReasonForm
    ) -> HttpResponse:
        query = request.GET.urlencode()
        context = {
            "title": SAID[decision].heading,
            "said": SAID[decision],
            "decision": decision,
            "batch": batch,
            "outcome": outcome,
            "form": form,
            "facts": _facts(outcome),
            "seen": resolving.seen(outcome),
            "back": words.group_url(batch.public_id, outcome.place, query),
            "may_go_on": decision != Decision.REOPEN,
        }
        status = 409 if form.errors and not is_htmx(request) else 200
        if decision is Decision.LINK:
            return render(
                request, "reconciliation/result_link.html", context | _linkable(request, batch, outcome), status=status
            )
        name = "_result_sure" if is_htmx(request) else "result_sure"
        return render(request, f"reconciliation/{name}.html", context, status=status)


def _decision(name: str) -> Decision:
    if name not in {decision.value for decision in SAID}:
        raise Http404
    return Decision(name)


def _refs(given: Sequence[str]) -> list[str]:
    return [ref for ref in given if ref and "\x00" not in ref][:_MOST_REFS]


def _facts(outcome: Outcome) -> list[tuple[str, str]]:
    row = vars(outcome)
    return [
        (_("고객"), customer(row)),
        (_("결과 구분"), str(words.OUTCOME_BADGES[outcome.outcome].label)),
        (_("파일 금액"), words.exact(outcome.file_subtotal, outcome.currency)),
        (_("우리 금액"), words.exact(outcome.our_subtotal, outcome.currency)),
        (_("차이"), f"{words.signed(words.exact(row['effect'], outcome.currency))} {outcome.currency}"),
    ]


def _linkable(request: PageRequest, batch: Batch, outcome: Outcome) -> dict[str, object]:
    """Return our records to choose from: those chosen so far and those compared on top, then those looked for."""
    row = vars(outcome)
    usual = customer_id(row) or folded_name(customer(row))
    word = request.GET.get("word", usual).strip()[:_MOST_WORD].replace("\x00", "")
    given = request.POST.getlist("ref") if request.method == "POST" else request.GET.getlist("ref")
    standing = queries.resolved(batch, [outcome]).get(outcome.pk)
    chosen = set(_refs(given)) or set(standing.refs if standing else ())
    compared = set(queries.outcome_records(outcome).values_list("ref", flat=True)[:_MOST_REFS])
    kept = list(queries.records(request.scope).filter(ref__in=chosen | compared))
    found = [record for record in reads.own_records(request.scope, batch.kind, word) if record not in kept]
    return {
        "word": word,
        "chosen": chosen,
        "records": [own_row(record) for record in (*kept, *found)],
        "path_query": [(name, value) for name, value in request.GET.items() if name not in {"word", "ref"}],
    }


# ---- Several at once


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a person chose in a list: how many, what they come to, and a digest of both."""

    count: int
    sums: Sequence[tuple[str, str, bool]]

    @property
    def seal(self) -> str:
        """Return a digest: equal digests mean that the confirmation still holds."""
        return hashlib.sha256(repr((self.count, list(self.sums))).encode()).hexdigest()[:32]


class ManyView(PageView):
    """Base of doing the same to several rows of one batch: shows what was chosen, asks for the reason, does it."""

    permission = Permission.EDIT
    page: ClassVar[type[ListPage]]
    said: ClassVar[Said]

    def found(self, chosen: Selection) -> Chosen:
        """Return what was chosen, as it is now."""
        raise NotImplementedError

    def act(self, request: PageRequest, batch: Batch, chosen: Selection, reason: str) -> str:
        """Do it, and say what was done. Raises the refusals of the operation."""
        raise NotImplementedError

    def back(self, batch: Batch, query: str) -> str:
        """Return the list it was chosen in."""
        raise NotImplementedError

    def about(self, chosen: Selection) -> Mapping[str, object]:  # noqa: ARG002 - subclasses look at the rows
        """Return what the page says beside count and sums."""
        return {}

    def post(self, request: PageRequest) -> HttpResponseBase:
        """Show what was chosen; with a reason and what was shown, do it."""
        chosen = selection.read(request, self.page(), request.scope)
        if not all(key.isascii() and key.isdecimal() and len(key) <= _LONGEST_KEY for key in chosen.picked):
            raise NotFound
        batch = reads.find(request.scope, str(chosen.filters.named("batch").state["value"]))
        found, back = self.found(chosen), self.back(batch, _without_batch(chosen))
        is_sent = "seal" in request.POST
        changed = is_sent and request.POST["seal"] != found.seal
        form = ReasonForm(request.POST if is_sent else None)
        if is_sent and not changed and form.is_valid():
            try:
                done = self.act(request, batch, chosen, form.cleaned_data["reason"])
            except DomainError as refusal:
                form.add_error(None, str(refusal.message))
            else:
                messages.success(request, done)
                return redirect(back)
        context = {
            "title": self.said.heading,
            "said": self.said,
            "selection": chosen,
            "found": found,
            "form": form,
            "changed": changed,
            "back": back,
            **self.about(chosen),
        }
        refused = changed or bool(form.errors)
        return render(request, "reconciliation/result_many.html", context, status=409 if refused else 200)


def _without_batch(chosen: Selection) -> str:
    return encode((name, value) for name, value in chosen.filters.params() if name != "batch")


class DecideManyView(ManyView):
    """Base of deciding the same about several groups of one outcome."""

    page = OutcomeList
    decision: ClassVar[Decision]

    def found(self, chosen: Selection) -> Chosen:
        """Return the groups with the sums of both sides."""
        found = summed(chosen.queryset(), {})
        return Chosen(found.count, found.written(()))

    def about(self, chosen: Selection) -> Mapping[str, object]:
        """Return the outcome, if all have the same."""
        kinds = list(chosen.queryset().order_by().values_list("outcome", flat=True).distinct()[:2])
        return {"outcome": words.OUTCOME_BADGES[kinds[0]] if len(kinds) == 1 else None, "mixed": len(kinds) > 1}

    def act(self, request: PageRequest, batch: Batch, chosen: Selection, reason: str) -> str:
        """Decide."""
        rows = chosen.queryset().order_by("place").values_list("pk", flat=True)
        made = resolving.resolve_many(
            scope=request.scope,
            batch_id=batch.public_id,
            outcomes=list(rows[: resolving.MOST_AT_ONCE + 1]),
            decision=self.decision,
            reason=reason,
            by=request.actor,
            now=clock.now(),
        )
        return _("%(count)s건을 결정했어요.") % {"count": grouped(made)}

    def back(self, batch: Batch, query: str) -> str:
        """Return the result of the batch."""
        return words.result_url(batch.public_id) + (f"?{query}" if query else "")


class AcceptManyView(DecideManyView):
    """Accept several differences."""

    decision = Decision.ACCEPT
    said = SAID[Decision.ACCEPT]


class DisputeManyView(DecideManyView):
    """Dispute several differences."""

    decision = Decision.DISPUTE
    said = SAID[Decision.DISPUTE]

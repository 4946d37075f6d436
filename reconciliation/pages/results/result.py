"""The result of one vendor file: how the two totals come apart, and every group with its outcome."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any, ClassVar

from django.contrib import messages
from django.db.models import Count, Q, QuerySet, Sum
from django.http import HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect, render
from django.utils.functional import cached_property
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from access.requests import PageRequest
from access.roles import Permission, allowed
from console import totals
from console.columns import UNKNOWN, Column, Kind, Row, decimal
from console.files.errors import ValueRefused
from console.files.values import parse_decimal
from console.filters import Bound, BoundFilters, Chip, ChoiceFilter, Filter, Keyword, KeywordFilter, encode
from console.lists import ListPage
from console.pages import PageView
from console.selection import BulkAction
from console.totals import Totals
from core import clock
from core.errors import NotFound
from core.scope import Scope
from reconciliation import queries
from reconciliation.amounts import EXACT, ZERO, minor_unit
from reconciliation.figures import COLUMNS
from reconciliation.judging import MATCHED
from reconciliation.models import BatchState, Comparison
from reconciliation.operations import comparing
from reconciliation.pages.results import reads, words
from reconciliation.pages.results.waterfall import Step, Waterfall, waterfalls
from settlement.pages.filters import LinkFilter

_MOST_DIGITS = 40


# ---- Filters


class WordsFilter(KeywordFilter):
    """Words in the lines and in our records of a group."""

    def bind(self, params: QueryDict, today: date) -> Bound:
        """Read the kind and the words; they are looked for in the batch that the list is of."""
        bound = super().bind(params, today)
        if not bound.chip:
            return bound
        found = reads.by_words(params.get("batch", ""), bound.state["kind"], bound.state["words"])
        return replace(bound, condition=found)


@dataclass(frozen=True)
class LeastFilter(Filter):
    """Differences no smaller than an amount that somebody types, above or below nothing."""

    key: str
    label: Any
    template: ClassVar[str] = "reconciliation/result_least.html"

    def bind(self, params: QueryDict, today: date) -> Bound:  # noqa: ARG002 - the signature of every filter
        """Read the amount."""
        given = params.get(self.key, "").strip()[:_MOST_DIGITS]
        state = {"value": given}
        if not given:
            return Bound(self, state=state)
        pairs = ((self.key, given),)
        try:
            least = abs(parse_decimal(given))
        except ValueRefused:
            return Bound(self, error=_now("1,234.5처럼 숫자로 적어 주세요."), params=pairs, state=state)
        chip = Chip(str(self.label), _now("%(amount)s 이상") % {"amount": decimal(least)})
        condition = Q(effect__gte=least) | Q(effect__lte=-least)
        return Bound(self, condition=condition, params=pairs, chip=chip, state=state)


# ---- Cells


def _said(row: Row, *names: str) -> str:
    values = words.parsed(row["first_values"])
    return next((str(values[name]) for name in names if values.get(name)), "")


def _own(row: Row, *names: str) -> str:
    own = words.parsed(row["own_values"])
    ids: Mapping[str, Any] = own.get("ids") or {}
    return next((str(ids[name]) for name in names if ids.get(name)), "")


def customer(row: Row) -> str:
    """Return the customer's name as the file has it, else as we do, else the id."""
    own = words.parsed(row["own_values"])
    named = _said(row, "CustomerName", "CustomerCompanyName") or str(own.get("name") or "")
    return named or customer_id(row) or UNKNOWN


def customer_id(row: Row) -> str:
    """Return the customer's id of either side."""
    return _said(row, "CustomerId") or _own(row, "customer_id")


def subscription(row: Row) -> str:
    """Return the subscription of either side."""
    file = _said(row, "SubscriptionId", "SyndicationPartnerSubscriptionNumber", "EntitlementId", "OrderId")
    return file or _own(row, "subscription_id", "subscription_number", "entitlement_id")


def product(row: Row) -> str:
    """Return what was bought, as far as the file or we name it."""
    name = _said(row, "ProductName", "OfferName", "ResourceName", "MeterName", "SkuName", "SubscriptionDescription")
    return name or product_id(row)


def product_id(row: Row) -> str:
    """Return the ids of what was bought."""
    sku = _said(row, "SkuId") or _own(row, "sku_id")
    first = _said(row, "ProductId", "ResourceGuid", "MeterId", "DurableOfferId")
    found = [first or _own(row, "product_id", "resource_guid", "meter_id"), sku]
    return " / ".join(part for part in found if part)


def _ref(row: Row) -> str:
    return str(words.parsed(row["own_values"]).get("ref") or "")


# ---- The list


@dataclass(frozen=True, slots=True)
class ExactTotals(Totals):
    """Exact sums by currency: of the file, of ours, and what they differ by."""

    exact_sums: Sequence[tuple[str, Decimal, Decimal]] = ()

    def written(self, columns: Sequence[Column]) -> list[tuple[str, str, bool]]:  # noqa: ARG002 - the signature of all totals
        """Return label, figure and "is negative" of every sum."""
        found: list[tuple[str, str, bool]] = []
        for currency, file, ours in self.exact_sums:
            figures = ((_now("파일 금액"), file), (_now("우리 금액"), ours), (_now("차이"), EXACT.subtract(file, ours)))
            found += [(label, f"{words.exact(sum_, currency)} {currency}", sum_ < 0) for label, sum_ in figures]
        return found


class OutcomeList(ListPage):
    """The groups of a batch's newest comparison, in the order of the file; then what only we have."""

    slug = "reconciliation-outcomes"
    url_name = "reconciliation:outcomes"
    title = _("비교 결과")
    permission = Permission.VIEW
    template = "reconciliation/result_outcomes.html"
    within = "batch"
    order = ("place", "id")
    id_key = "id"
    columns = (
        Column("customer", _("고객"), value=customer),
        Column("product", _("제품"), value=product),
        Column("outcome", _("결과 구분"), Kind.BADGE, badges=words.OUTCOME_BADGES),
        words.Amount("file_subtotal", _("파일 금액")),
        words.Amount("our_subtotal", _("우리 금액")),
        words.Amount("size", _("차이"), sortable=True, value=lambda row: row["effect"]),
        Column("currency", _("통화")),
        Column("file_quantity", _("파일 수량"), Kind.DECIMAL),
        Column("our_quantity", _("우리 수량"), Kind.DECIMAL),
        Column("standing", _("결정"), Kind.BADGE, badges=words.STANDING_BADGES),
        Column("beside", _("참고"), value=words.notes),
        words.Amount("file_unit_price", _("파일 단가"), default=False),
        words.Amount("our_unit_price", _("우리 단가"), default=False),
        words.Amount("file_tax", _("파일 세금"), default=False),
        words.Amount("our_tax", _("우리 세금"), default=False),
        words.Amount("difference_tax", _("세금 차이"), default=False),
        Column("other_currency", _("우리 통화"), default=False),
        Column("other_subtotal", _("우리 통화 금액"), Kind.DECIMAL, default=False),
        Column("due", _("지급 기한"), Kind.DATE, default=False),
        Column("file_lines", _("파일 줄 수"), Kind.COUNT, default=False),
        Column("customer_id", _("고객 ID"), Kind.ID, default=False, value=customer_id),
        Column("subscription", _("구독 ID"), Kind.ID, default=False, value=subscription),
        Column("product_id", _("제품 ID"), Kind.ID, default=False, value=product_id),
        Column("ref", _("우리 기록"), Kind.ID, default=False, value=_ref),
        Column("place", _("순서"), Kind.COUNT, default=False),
    )
    extra = (
        "place",
        "effect",
        "currency",
        "first_values",
        "own_values",
        "also",
        "notes",
        "outcome",
        "comparison__batch__public_id",
    )
    filters = (
        LinkFilter("batch", _("조정 파일"), condition=reads.of_batch),
        ChoiceFilter("outcome", _("결과 구분"), words.OUTCOME_CHOICES, badges=words.OUTCOME_BADGES),
        ChoiceFilter(
            "standing",
            _("결정"),
            words.STANDING_CHOICES,
            badges=words.STANDING_BADGES,
            counts=False,
            condition=reads.by_standing,
        ),
        WordsFilter(
            (
                Keyword("customer", _("고객 이름"), ()),
                Keyword("customer_id", _("고객 ID"), (), exact=True),
                Keyword("subscription", _("구독 ID"), (), exact=True),
                Keyword("product", _("제품·SKU"), ()),
                Keyword("ref", _("우리 기록"), (), exact=True),
            )
        ),
        LeastFilter("least", _("차이 금액")),
        ChoiceFilter(
            "named",
            _("이름으로 찾음"),
            (("yes", _("이름으로 찾은 것만")),),
            counts=False,
            condition=lambda _chosen: Q(notes__contains=["matched_by_name"]),
        ),
        LinkFilter("currency", _("통화"), "currency", condition=lambda code: Q(currency=code) | Q(other_currency=code)),
    )
    actions = (
        BulkAction(
            "accept", _("차이 인정하기"), Permission.EDIT, url_name="reconciliation:accept-many", icon="check-circle"
        ),
        BulkAction("dispute", _("이의 제기하기"), Permission.EDIT, url_name="reconciliation:dispute-many", icon="flag"),
    )
    file_title = _("비교 결과")
    empty = _("조건에 맞는 결과가 없어요. 조건을 줄여 보세요.")
    blank = _("파일에도 우리 기록에도 비교할 것이 없어요.")

    def queryset(self, scope: Scope) -> QuerySet[Any]:
        """Return the outcomes of a scope."""
        return reads.outcomes(scope)

    def row_url(self, row: Row) -> str | None:
        """Open the group, with the list it is one of."""
        return words.group_url(row["comparison__batch__public_id"], row["place"], self._list_query)

    @cached_property
    def _list_query(self) -> str:
        kept = [(name, value) for name, value in self.bind(self.request.GET).params() if name != "batch"]
        sort = self.ordered(self.request.GET).key
        return encode([*kept, *([("sort", sort)] if sort else [])])

    def row_class(self, row: Row) -> str:
        """Take back what needs nothing."""
        return "muted" if row["outcome"] in MATCHED else ""

    def fast_totals(self, scope: Scope, filters: BoundFilters) -> Totals | None:
        """Return exact totals: from what the comparison keeps where only its outcomes are chosen, else summed up."""
        if not filters.valid:
            return None
        kept = _kept(scope, filters)
        if kept is not None:
            return kept
        rows = self.queryset(scope)
        try:
            with totals.within(totals.BUDGET):
                return summed(filters.apply(rows), totals.choice_counts(rows, filters))
        except totals.TooSlow:
            return None

    def get(self, request: PageRequest, *args: object, **kwargs: Any) -> HttpResponseBase:
        """Show the result of the batch in the address; one that is only in the query is led to its address."""
        if "batch_id" not in kwargs:
            return _led_on(request)
        self.batch = reads.find(request.scope, kwargs["batch_id"])
        self.comparison = queries.comparison(self.batch)
        if self.comparison is None:
            return render(request, "reconciliation/result_none.html", self._about(request))
        self.compared = self.comparison
        params = request.GET.copy()
        params["batch"] = self.batch.public_id
        request.GET = params  # type: ignore[assignment] # read like the one it is a copy of
        return super().get(request, *args)

    def context(self, request: PageRequest) -> dict[str, object]:
        """Return what stands above and beneath the list."""
        chosen = request.GET.getlist("outcome")
        restored = reads.restored(self.batch)
        return self._about(request) | {
            "open": reads.open_of(self.batch),
            "open_url": words.result_url(self.batch.public_id) + "?standing=open&standing=stale",
            "falls": [_Fall(fall, self.batch.public_id, chosen) for fall in waterfalls(self.compared.money)],
            "restored": [(one, words.exact(one.subtotal, one.currency)) for one in restored],
            "runs": [_run(run) for run in self.batch.comparisons.order_by("-number")],
            "tolerances": _tolerances(self.compared),
        }

    def _about(self, request: PageRequest) -> dict[str, object]:
        batch, comparison = self.batch, self.comparison
        job = reads.comparing_job(batch)
        failed = job is not None and not job.is_open and bool(job.error)
        newer = failed and job is not None and (comparison is None or job.created_at > comparison.at)
        return {
            "batch": batch,
            "comparison": comparison,
            "title": _now("비교 결과"),
            "heading": batch.invoice_number or batch.name,
            "kind": words.KIND_BADGES[batch.kind],
            "period": words.period_of({"first_day": batch.first_day, "last_day": batch.last_day}),
            "due": queries.due_day(batch),
            "is_current": batch.state == BatchState.ACCEPTED,
            "is_compared": batch.kind in COLUMNS,
            "job": job if job is not None and job.is_open else None,
            "failed": job if newer else None,
            "may_run": batch.state == BatchState.ACCEPTED and allowed(request.role, Permission.EDIT),
            "copies": batch.answer.get("records", {}).get("duplicate", 0),
            "file_url": words.address_of("file", batch.public_id),
            "partners_url": words.address_of("by-partner", batch.public_id),
        }


def _led_on(request: PageRequest) -> HttpResponseBase:
    params = request.GET.copy()
    batch_id = params.pop("batch", [""])[-1]
    if not batch_id:
        return redirect("reconciliation:results")
    address = words.result_url(reads.find(request.scope, batch_id).public_id)
    return redirect(f"{address}?{params.urlencode()}" if params else address)


def _kept(scope: Scope, filters: BoundFilters) -> ExactTotals | None:
    """Return totals from the sums of the comparison, where nothing but outcomes limits the list."""
    others = [bound for bound in filters.items if bound.chip and bound.filter.key not in {"batch", "outcome"}]
    batch_id = str(filters.named("batch").state["value"])
    if others or not batch_id:
        return None
    try:
        comparison = queries.comparison(reads.find(scope, batch_id))
    except NotFound:
        return None
    if comparison is None:
        return None
    chosen = filters.named("outcome").state["chosen"] or list(words.OUTCOME_BADGES)
    parts = [part for part in comparison.money if part["outcome"] in chosen]
    return ExactTotals(
        sum(int(comparison.counts.get(outcome, 0)) for outcome in chosen),
        counts={"outcome": comparison.counts},
        exact_sums=[(fall.currency, fall.file, fall.ours) for fall in waterfalls(parts)],
    )


def summed(rows: QuerySet[Any], counts: Mapping[str, Mapping[str, int]]) -> ExactTotals:
    """Return the sums of rows; what we have in another currency than the file counts in that currency."""
    of_currency = rows.order_by().values("currency")
    count, sums = 0, dict[str, tuple[Decimal, Decimal]]()
    for row in of_currency.annotate(n=Count("pk"), file=Sum("file_subtotal"), ours=Sum("our_subtotal")):
        count += row["n"]
        sums[row["currency"]] = row["file"] or ZERO, row["ours"] or ZERO
    others = rows.order_by().filter(other_currency__isnull=False).values("other_currency")
    for row in others.annotate(ours=Sum("other_subtotal")):
        file, ours = sums.get(row["other_currency"], (ZERO, ZERO))
        sums[row["other_currency"]] = file, EXACT.add(ours, row["ours"])
    return ExactTotals(count, counts=counts, exact_sums=[(code, *sums[code]) for code in sorted(sums)])


# ---- Above and beneath the list


@dataclass(frozen=True, slots=True)
class _ShownStep:
    step: Step
    label: object
    amount: str
    exact: str
    url: str
    is_chosen: bool
    is_match: bool


@dataclass(frozen=True)
class _Fall:
    """A waterfall as the page draws it."""

    fall: Waterfall
    batch_id: str
    chosen: Sequence[str]

    def steps(self) -> Iterator[_ShownStep]:
        """Yield the steps, each with the list it is made of."""
        for step in self.fall.steps:
            yield _ShownStep(
                step,
                words.OUTCOME_BADGES[step.outcome],
                words.signed(words.exact(step.shown, self.fall.currency)),
                "" if step.is_whole else words.signed(words.exact(step.exact, self.fall.currency)),
                words.result_url(self.batch_id, outcome=step.outcome, currency=self.fall.currency),
                step.outcome in self.chosen,
                step.outcome in MATCHED,
            )

    def _total(self, shown: Decimal, exact: Decimal) -> tuple[str, str]:
        currency = self.fall.currency
        return words.exact(shown, currency), "" if shown == exact else words.exact(exact, currency)

    @property
    def ours(self) -> tuple[str, str]:
        """Return our total as shown, and exactly where that is more."""
        return self._total(self.fall.ours_shown, self.fall.ours)

    @property
    def file(self) -> tuple[str, str]:
        """Return the file's total likewise."""
        return self._total(self.fall.file_shown, self.fall.file)

    @property
    def residue(self) -> str:
        """Return what the cuts leave over, if anything."""
        return words.signed(words.exact(self.fall.residue, self.fall.currency)) if self.fall.residue else ""

    @property
    def difference(self) -> str:
        """Return file − ours, exactly."""
        return words.signed(words.exact(self.fall.difference, self.fall.currency))


def _run(run: Comparison) -> dict[str, object]:
    differing = sum(count for outcome, count in run.counts.items() if outcome not in MATCHED)
    differences = [
        f"{words.signed(words.exact(fall.difference, fall.currency))} {fall.currency}" for fall in waterfalls(run.money)
    ]
    return {
        "run": run,
        "groups": sum(run.counts.values()),
        "differing": differing,
        "difference": " · ".join(differences) or UNKNOWN,
        "by": words.person(run.by),
    }


def _tolerances(comparison: Comparison) -> list[dict[str, str]]:
    found = []
    for currency, slack in sorted(comparison.tolerances.items()):
        group, unit = slack["group"], words.exact(minor_unit(currency), currency)
        usual = _now("줄마다 %(unit)s, 많아야 100줄까지") % {"unit": unit}
        found.append(
            {
                "currency": currency,
                "line": words.exact(Decimal(slack["line"]), currency),
                "group": usual if group is None else words.exact(Decimal(group), currency),
            }
        )
    return found


# ---- Comparing again


class CompareView(PageView):
    """Compare a batch with our records as they are now."""

    permission = Permission.EDIT

    def post(self, request: PageRequest, batch_id: str) -> HttpResponseBase:
        """Start it; one that is under way already is gone on with."""
        batch = reads.find(request.scope, batch_id)
        comparing.start(batch=batch, by=request.actor, now=clock.now())
        messages.info(request, _now("비교를 시작했어요. 끝나면 이 화면에 새 결과가 나와요."))
        return redirect(words.result_url(batch.public_id))


class ProgressView(PageView):
    """The live part while a batch is compared."""

    permission = Permission.VIEW

    def get(self, request: PageRequest, batch_id: str) -> HttpResponse:
        """Show that it is under way; when it has ended the whole page is another one."""
        batch = reads.find(request.scope, batch_id)
        job = reads.comparing_job(batch)
        if job is None or not job.is_open:
            return HttpResponse(headers={"HX-Refresh": "true"})
        return render(request, "reconciliation/result_progress.html", {"batch": batch, "job": job})

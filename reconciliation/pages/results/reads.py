"""
Reads of the result pages: what was decided about each group, what is still open, and who a group is about.

A group is settled while the newest decision about it is no reopening and the group looks as it did then. The
conditions are joins, so that a million groups and their decisions are held against each other in one pass.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

from django.db.models import (
    BigIntegerField,
    BooleanField,
    Case,
    CharField,
    Count,
    DateField,
    Exists,
    F,
    Func,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    Value,
    When,
)
from django.db.models.fields.json import KT
from django.db.models.functions import Abs, Cast, Coalesce, JSONObject, Least

from core.errors import NotFound
from core.models import Job
from core.scope import Scope
from reconciliation import queries
from reconciliation.amounts import EXACT, ZERO
from reconciliation.comparing import family
from reconciliation.fields import ExactField
from reconciliation.judging import MATCHED
from reconciliation.judging import Outcome as OutcomeKind
from reconciliation.lines import Kind
from reconciliation.models import (
    STORED_STATES,
    Batch,
    BatchLine,
    BatchState,
    BillingRecord,
    Comparison,
    Decision,
    Outcome,
    Resolution,
)
from reconciliation.operations.comparing import COMPARE_JOB
from reconciliation.pages.results.words import OPEN, STALE

_MOST_PLACE: Final = 2**31 - 1
_THOUSANDTHS, _LARGEST_SIZE = 1000, 10**18
_MOST_FOUND: Final = 50
_NOTHING: Final = Value(Decimal(0), output_field=ExactField())
_DIFFERS: Final = ~Q(outcome__in=sorted(MATCHED))
_OPEN_AGAIN: Final = (Decision.REOPEN,)


class _Same(Func):
    """Whether two figures are equal, two unknown ones included."""

    template = "(%(expressions)s)"
    arg_joiner = " is not distinct from "
    output_field = BooleanField()


_AS_SEEN = (
    Q(outcome=OuterRef("outcome"))
    & Q(_Same(F("difference_subtotal"), OuterRef("difference_subtotal")))
    & Q(_Same(F("difference_tax"), OuterRef("difference_tax")))
)
# Asked row by row through the index: joined to itself, a table without statistics yet is read once for every row.
_NEWEST = Subquery(
    Resolution.objects.filter(
        merchant_id=OuterRef("merchant_id"),
        is_test=OuterRef("is_test"),
        identity=OuterRef("identity"),
        group_key=OuterRef("group_key"),
        currency=OuterRef("currency"),
    )
    .order_by("-pk")
    .values("pk")[:1]
)
# What a group is named by, out of the many columns of its first line.
_TOLD = JSONObject(
    **{
        name: KT(f"values__{name}")
        for name in (
            *("CustomerName", "CustomerCompanyName", "CustomerId", "OrderId", "SubscriptionDescription"),
            *("SubscriptionId", "SyndicationPartnerSubscriptionNumber", "EntitlementId"),
            *("ProductName", "OfferName", "ResourceName", "MeterName", "SkuName"),
            *("ProductId", "ResourceGuid", "MeterId", "DurableOfferId", "SkuId"),
        )
    }
)


def _about_group() -> "QuerySet[Resolution]":
    """Return what was decided about the group of an outer outcome."""
    return Resolution.objects.filter(
        merchant_id=OuterRef("comparison__batch__merchant_id"),
        is_test=OuterRef("comparison__batch__is_test"),
        identity=OuterRef("comparison__batch__identity"),
        group_key=OuterRef("group_key"),
        currency=OuterRef("currency"),
    )


def _standing() -> "QuerySet[Resolution]":
    return _about_group().filter(pk=_NEWEST).exclude(decision__in=_OPEN_AGAIN)


def by_standing(wanted: Sequence[str]) -> Q:
    """Return the condition that a group differs and stands so: open, stale, or decided in one of some ways."""
    condition = Q()
    if OPEN in wanted:
        condition |= ~Q(Exists(_standing()))
    if STALE in wanted:
        condition |= Q(Exists(_standing().exclude(_AS_SEEN)))
    decided = [one for one in wanted if one not in (OPEN, STALE)]
    if decided:
        condition |= Q(Exists(_standing().filter(_AS_SEEN, decision__in=decided)))
    return _DIFFERS & condition


def unsettled() -> Q:
    """Return the condition that somebody still has to look at a group."""
    return _DIFFERS & ~Q(Exists(_standing().filter(_AS_SEEN)))


def outcomes(scope: Scope) -> "QuerySet[Outcome]":
    """Return the outcomes of a scope with what stands beside each: who it is about, the effect, and the decision."""
    mine = {f"comparison__batch__{name}": value for name, value in scope.filters().items()}
    effect = Coalesce(F("file_subtotal"), _NOTHING, output_field=ExactField()) - Coalesce(
        F("our_subtotal"), _NOTHING, output_field=ExactField()
    )
    tax = Coalesce(F("difference_tax"), _NOTHING, output_field=ExactField())
    first_line = BatchLine.objects.filter(batch=OuterRef("comparison__batch"), record=OuterRef("first_record"))
    first_own = BillingRecord.objects.filter(pk=OuterRef("our_records__0"))
    newest = (
        _about_group()
        .order_by("-pk")
        .annotate(
            said=Case(
                When(decision=Decision.REOPEN, then=Value(OPEN)),
                When(_AS_SEEN, then=F("decision")),
                default=Value(STALE),
                output_field=CharField(),
            )
        )
    )
    return Outcome.objects.filter(**mine).annotate(
        effect=effect,
        size=Cast(
            Least((Abs(effect) + Abs(tax)) * _THOUSANDTHS, Value(_LARGEST_SIZE), output_field=ExactField()),
            BigIntegerField(),
        ),
        first_values=Subquery(first_line.values(said=_TOLD)[:1]),
        own_values=Subquery(first_own.values(said=JSONObject(name="customer_name", ids="ids", ref="ref"))[:1]),
        standing=Case(
            When(outcome__in=sorted(MATCHED), then=Value("")),
            default=Coalesce(Subquery(newest.values("said")[:1]), Value(OPEN)),
            output_field=CharField(),
        ),
        due=_due("comparison__batch__"),
    )


def _due(prefix: str = "") -> Cast:
    issued = Coalesce(
        F(f"{prefix}issued_on"),
        Cast(F(f"{prefix}last_day") + Value(timedelta(days=1)), DateField()),
        output_field=DateField(),
    )
    return Cast(issued + Value(queries.DUE_AFTER), DateField())


def of_batch(batch_id: str) -> Q:
    """Return the condition that an outcome is of the newest comparison of a batch."""
    newest = Comparison.objects.filter(batch__public_id=batch_id).order_by("-number")
    return Q(comparison_id=Subquery(newest.values("pk")[:1]))


# ---- Words


_NAMES = ("CustomerName", "CustomerCompanyName")
_SUBSCRIPTIONS = ("SubscriptionId", "SyndicationPartnerSubscriptionNumber", "EntitlementId")
_PRODUCTS = ("ProductId", "SkuId", "ResourceGuid", "MeterId", "OfferName", "ProductName", "SkuName", "ResourceName")
_OWN_SUBSCRIPTIONS = ("subscription_id", "subscription_number", "entitlement_id")
_OWN_PRODUCTS = ("product_id", "sku_id", "resource_guid", "meter_id")
LOOKED_IN: Final = {
    "customer": (_NAMES, (), True),
    "customer_id": (("CustomerId",), ("customer_id",), False),
    "subscription": (_SUBSCRIPTIONS, _OWN_SUBSCRIPTIONS, False),
    "product": (_PRODUCTS, _OWN_PRODUCTS, True),
}


def by_words(batch_id: str, kind: str, words: Sequence[str]) -> Q:
    """Return the condition that a line or a record of ours of a group in a batch's comparison has one of some words."""
    found = Batch.objects.filter(public_id=batch_id)
    records = BillingRecord.objects.filter(
        merchant_id=Subquery(found.values("merchant_id")[:1]), is_test=Subquery(found.values("is_test")[:1])
    )
    if kind == "ref":
        refs = records.filter(ref__in=words).values_list("pk", flat=True)
        return Q(our_records__overlap=list(refs))
    columns, ids, is_part = LOOKED_IN[kind]
    lookup = "icontains" if is_part else "iexact"
    in_lines, in_records = Q(), Q()
    for word in words:
        for column in columns:
            in_lines |= Q(**{f"values__{column}__{lookup}": word})
        for name in ids:
            in_records |= Q(**{f"ids__{name}__{lookup}": word})
        if kind == "customer":
            in_records |= Q(customer_name__icontains=word)
    lines = BatchLine.objects.filter(in_lines, batch_id=Subquery(found.values("pk")[:1]), counts=True)
    groups = lines.values("group_key")
    return Q(group_key__in=groups) | Q(group_key__in=records.filter(in_records).values("own_key"))


# ---- Batches and what is open of them


def _differing() -> Any:
    """Return how many groups of a comparison differ, from the counts it keeps."""
    differing = [str(one) for one in OutcomeKind if one not in MATCHED]
    return sum(
        (Coalesce(Cast(KT(f"counts__{code}"), IntegerField()), 0) for code in differing[1:]),
        Coalesce(Cast(KT(f"counts__{differing[0]}"), IntegerField()), 0),
    )


def _settled(resolutions: "QuerySet[Resolution]") -> "QuerySet[Resolution]":
    """Return those decisions that settle a difference of the version that counts."""
    same = Outcome.objects.filter(
        _DIFFERS,
        _AS_SEEN,
        comparison__batch__merchant_id=OuterRef("merchant_id"),
        comparison__batch__is_test=OuterRef("is_test"),
        comparison__batch__identity=OuterRef("identity"),
        comparison__batch__state=BatchState.ACCEPTED,
        group_key=OuterRef("group_key"),
        currency=OuterRef("currency"),
    )
    decided = resolutions.exclude(decision__in=(*_OPEN_AGAIN, Decision.RESTORE))
    return decided.filter(Exists(same), pk=_NEWEST)


def compared_batches(scope: Scope) -> "QuerySet[Batch]":
    """Return the batches that count with their newest comparison and how many differences of it are open."""
    newest = Comparison.objects.filter(batch=OuterRef("pk")).order_by("-number")
    of_identity = Resolution.objects.filter(
        merchant_id=OuterRef("merchant_id"), is_test=OuterRef("is_test"), identity=OuterRef("identity")
    )
    settled = _settled(of_identity).order_by().values("identity").annotate(n=Count("pk")).values("n")
    differing = Coalesce(Subquery(newest.values(n=_differing())[:1]), 0, output_field=IntegerField())
    return (
        Batch.objects.within(scope)
        .filter(state=BatchState.ACCEPTED)
        .annotate(
            run=Subquery(newest.values("number")[:1]),
            counts=Subquery(newest.values("counts")[:1]),
            money=Subquery(newest.values("money")[:1]),
            compared_at=Subquery(newest.values("at")[:1]),
            differing=differing,
            open=differing - Coalesce(Subquery(settled[:1]), 0, output_field=IntegerField()),
            due=_due(),
        )
    )


def open_of(batch: Batch) -> int:
    """Return how many differences of a batch nobody has settled; none of one that a newer version has replaced."""
    found = compared_batches(batch.scope).filter(pk=batch.pk).first()
    return 0 if found is None else int(vars(found)["open"])


def open_differences(scope: Scope) -> int:
    """Return how many differences of all batches that count nobody has settled."""
    newest = Comparison.objects.filter(batch=OuterRef("pk")).order_by("-number")
    batches = Batch.objects.within(scope).filter(state=BatchState.ACCEPTED)
    counted = batches.annotate(n=Subquery(newest.values(n=_differing())[:1])).aggregate(sum=Sum("n"))
    return int(counted["sum"] or 0) - _settled(Resolution.objects.within(scope)).count()


# ---- One batch, one group


def find(scope: Scope, batch_id: str) -> Batch:
    """Return a batch that was accepted. Raises NotFound."""
    found = queries.stored(scope).filter(public_id=batch_id).first() if "\x00" not in batch_id else None
    if found is None:
        raise NotFound(batch=batch_id)
    return found


def comparing_job(batch: Batch) -> Job | None:
    """Return the newest job that compares a batch."""
    jobs = Job.objects.within(batch.scope).filter(kind=COMPARE_JOB, arguments__batch=batch.public_id)
    return jobs.order_by("-pk").first()


def outcome_at(scope: Scope, batch_id: str, place: int) -> tuple[Batch, Outcome]:
    """Return a group of a batch's newest comparison with what `outcomes` puts beside it. Raises NotFound."""
    batch = find(scope, batch_id)
    found = None
    if place <= _MOST_PLACE:
        rows = outcomes(scope).filter(of_batch(batch_id), place=place).select_related("comparison")
        found = rows.first()
    if found is None:
        raise NotFound(place=place)
    return batch, found


def decisions(batch: Batch, outcome: Outcome) -> "QuerySet[Resolution]":
    """Return everything that was decided about a group, newest first."""
    said = queries.resolutions(batch).filter(group_key=outcome.group_key, currency=outcome.currency)
    return said.select_related("batch")


def own_records(scope: Scope, kind: str, word: str) -> "QuerySet[BillingRecord]":
    """Return up to fifty of our records that fit a kind of file: by reference, id or the words of a name."""
    kinds = [str(one) for one in Kind if family(one) is family(Kind(kind))]
    found = queries.records(scope).filter(kind__in=kinds)
    if word:
        ids = Q()
        for name in ("customer_id", *_OWN_SUBSCRIPTIONS, *_OWN_PRODUCTS):
            ids |= Q(**{f"ids__{name}__iexact": word})
        named = Q()
        for part in word.split():
            named &= Q(customer_name__icontains=part)
        found = found.filter(Q(ref=word) | named | ids)
    return found[:_MOST_FOUND]


# ---- Copies that somebody said are none


@dataclass(frozen=True, slots=True)
class Restored:
    """Copies of a currency that were said to be none, and what they come to."""

    currency: str
    count: int
    subtotal: Decimal
    tax: Decimal


def restored(batch: Batch, outcome: Outcome | None = None) -> list[Restored]:
    """Return what the restored copies of a batch, or of one group of it, come to by currency."""
    records = queries.restored_records(batch)
    if not records:
        return []
    of_batch_lines = BatchLine.objects.filter(batch=batch)
    copies = dict(of_batch_lines.filter(record__in=records).values_list("record", "duplicate_of"))
    # A copy equals the line it is a copy of, which has the figures.
    firsts = of_batch_lines.filter(record__in=set(copies.values()), counts=True)
    if outcome is not None:
        firsts = firsts.filter(group_key=outcome.group_key, currency=outcome.currency)
    figures = {line.record: line for line in firsts.only("record", "currency", "pretax", "tax")}
    sums: dict[str, tuple[int, Decimal, Decimal]] = {}
    for first in copies.values():
        line = figures.get(first or 0)
        if line is not None:
            count, subtotal, tax = sums.get(line.currency, (0, ZERO, ZERO))
            added = EXACT.add(subtotal, line.pretax or ZERO), EXACT.add(tax, line.tax or ZERO)
            sums[line.currency] = (count + 1, *added)
    return [Restored(currency, *found) for currency, found in sorted(sums.items())]


def copies_of(batch_id: str) -> Q:
    """Return the condition that a line is of a batch."""
    return Q(batch_id=Subquery(Batch.objects.filter(public_id=batch_id).values("pk")[:1]))


def _said_of_copy() -> "QuerySet[Resolution]":
    return Resolution.objects.filter(batch=OuterRef("batch"), record=OuterRef("record"), decision=Decision.RESTORE)


def was_said(*, wanted: bool) -> Q:
    """Return the condition that somebody said of a copy that it is none."""
    said = Q(Exists(_said_of_copy()))
    return said if wanted else ~said


def said_here(batch: Batch) -> list[int]:
    """Return the copies of which it was said in this version of the file."""
    said = queries.resolutions(batch).filter(batch=batch, record__isnull=False)
    return [record for record in said.values_list("record", flat=True) if record is not None]


def copies(scope: Scope) -> "QuerySet[BatchLine]":
    """Return the lines of accepted batches that look like copies, with the figures of the line each repeats."""
    mine = {f"batch__{name}": value for name, value in scope.filters().items()}
    first = BatchLine.objects.filter(batch=OuterRef("batch"), record=OuterRef("duplicate_of"))
    said = _said_of_copy()
    lines = BatchLine.objects.filter(
        **mine, batch__state__in=STORED_STATES, duplicate_of__isnull=False, kind=F("batch__kind")
    )
    return lines.annotate(
        first_currency=Subquery(first.values("currency")[:1]),
        first_pretax=Subquery(first.values("pretax")[:1]),
        first_tax=Subquery(first.values("tax")[:1]),
        first_group=Subquery(first.values("group_key")[:1]),
        said_by=Subquery(said.values("decided_by")[:1]),
        reason=Subquery(said.values("reason")[:1]),
    )

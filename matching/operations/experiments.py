"""The laboratory: trying other tolerances on invoices that are there, before anybody saves them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from django.db import transaction
from django.utils.translation import gettext as _

from access import audit
from core import ids, jobs
from core.actor import Actor
from core.errors import Conflict, NotFound
from core.jobs import LeaseLost
from core.scope import Scope
from matching import amounts, facts, queries, refusals
from matching.engine.tolerances import price_tolerance
from matching.models import (
    ChargesTolerance,
    Experiment,
    ExperimentChange,
    Invoice,
    InvoiceLine,
    MatchStatus,
    Parameters,
    PriceTolerance,
    TotalsTolerance,
)
from matching.operations import company, running
from matching.rejudging import Limits, over, rejudge

JOB: Final = "matching.experiment"
KIND: Final = "experiment"
COMPANY_FIELDS: Final = (
    "invoice_totals_tolerance_percent",
    "price_total_tolerance_percent",
    "price_total_tolerance_amount",
    "charges_tolerance_percent",
)
_EXPERIMENT = ids.IdKind("mx", 17, dated=True)
_CHUNK = 200
_JUDGED = (MatchStatus.PASSED, MatchStatus.FAILED, MatchStatus.FAILED_APPROVED)
Tolerances = Mapping[str, Any]


def create(
    *, scope: Scope, by: Actor, now: datetime, date_from: date, date_until: date, tolerances: Tolerances
) -> Experiment:
    """
    Let a job judge the matched invoices of a period again, both days included.

    `tolerances` holds `company` (fields of COMPANY_FIELDS), `price` ([item code, account code, percent]), `totals`
    ([vendor, percent]) and `charges` ([code, percent]); what is not given stays as it is. Raises NEGATIVE_TOLERANCE,
    NotFound, InvalidRequest.
    """
    if date_until < date_from:
        raise refusals.invalid(_("끝나는 날이 시작하는 날보다 빨라요."), "date_until")
    kept = _checked(scope, tolerances)
    with transaction.atomic():
        row = Experiment.objects.create(
            **scope.filters(),
            public_id=ids.new_id(_EXPERIMENT, now),
            tolerances=kept,
            date_from=date_from,
            date_until=date_until,
            created_at=now,
            created_by=str(by)[:200],
        )
        job = jobs.enqueue(scope=scope, kind=JOB, arguments={"experiment": row.public_id}, by=by, now=now)
        row.job_id = job.pk
        row.save(update_fields=["job_id"])
        audit.record(scope=scope, by=by, action="experiment.started", kind=KIND, object_id=row.public_id, after=kept)
    return row


def _checked(scope: Scope, tolerances: Tolerances) -> dict[str, Any]:
    fields = {name: str(tolerances["company"][name]) for name in tolerances.get("company", {})}
    for name, value in fields.items():
        if name not in COMPANY_FIELDS:
            raise refusals.invalid(_("모르는 필드예요."), name)
        _check_not_negative(name, value)
    price = [[item, vendor, str(percent)] for item, vendor, percent in tolerances.get("price", ())]
    for item, vendor, percent in price:
        company.tolerance_key(scope, item, vendor)
        _check_not_negative("price", percent)
    totals = [
        [queries.find_vendor(scope, name).account, str(percent)] for name, percent in tolerances.get("totals", ())
    ]
    charges = [
        [queries.find_charge_code(scope, name).code, str(percent)] for name, percent in tolerances.get("charges", ())
    ]
    for _name, percent in (*totals, *charges):
        _check_not_negative("percent", percent)
    return {"company": fields, "price": price, "totals": totals, "charges": charges}


def _check_not_negative(field: str, value: str) -> None:
    if Decimal(value) < 0:
        raise refusals.negative_tolerance(field)


def find(scope: Scope, public_id: str) -> Experiment:
    """Return an experiment. Raises NotFound."""
    row = Experiment.objects.within(scope).filter(public_id=public_id).first()
    if row is None:
        raise NotFound
    return row


# ---- the job


def run(
    *, scope: Scope, public_id: str, fence: int, now: datetime, tell: Callable[[int, int | None], None]
) -> Experiment:
    """Judge everything anew, in chunks; what an earlier try found is thrown away. Raises LeaseLost, NotFound."""
    row = find(scope, public_id)
    with transaction.atomic():
        if not Experiment.objects.filter(pk=row.pk, fence__lt=fence).update(fence=fence):
            raise LeaseLost
        ExperimentChange.objects.filter(experiment=row).delete()
    rows = Invoice.objects.within(scope).filter(
        date__gte=row.date_from, date__lte=row.date_until, match_status__in=_JUDGED
    )
    keys = list(rows.order_by("pk").values_list("pk", flat=True))
    found: list[ExperimentChange] = []
    rules = _Rules(scope, row.tolerances)
    for start in range(0, len(keys), _CHUNK):
        tell(start, len(keys))
        found += _changes(row, rules, keys[start : start + _CHUNK])
    with transaction.atomic():
        locked = Experiment.objects.select_for_update().filter(pk=row.pk, fence=fence).first()
        if locked is None:
            raise LeaseLost
        ExperimentChange.objects.bulk_create(found, batch_size=1_000)
        locked.invoice_count, locked.finished_at = len(keys), now
        locked.passing_count = sum(change.after == "passed" for change in found)
        locked.failing_count = len(found) - locked.passing_count
        locked.save(update_fields=["invoice_count", "passing_count", "failing_count", "finished_at"])
    return locked


def _changes(row: Experiment, rules: "_Rules", keys: Sequence[int]) -> Iterator[ExperimentChange]:
    invoices = Invoice.objects.filter(pk__in=keys).select_related("vendor").order_by("pk")
    items: dict[int, dict[str, str]] = {}
    lines = InvoiceLine.objects.filter(invoice__in=keys, order_line__item__isnull=False)
    for key, number, item in lines.values_list("invoice_id", "number", "order_line__item__number"):
        items.setdefault(key, {})[str(number)] = str(item)
    for invoice in invoices:
        detail = running.detail(invoice)
        before = "passed" if invoice.match_status == MatchStatus.PASSED else "failed"
        judged = rejudge(detail, items.get(invoice.pk, {}), rules.limits(invoice))
        if judged.verdict != before:
            yield ExperimentChange(
                experiment=row,
                invoice=invoice,
                before=before,
                after=judged.verdict,
                reasons_before=invoice.reasons,
                reasons_after=judged.reasons,
                currency=invoice.currency,
                over=amounts.minor(Fraction(over(detail)), invoice.currency),
            )


class _Rules:
    """The set-up as it is, with the tolerances that are tried in the place of its own."""

    def __init__(self, scope: Scope, tried: Tolerances) -> None:
        parameters = queries.parameters(scope)
        for name, value in tried["company"].items():
            setattr(parameters, name, Decimal(value))
        self._company = facts.company(parameters)
        rows = PriceTolerance.objects.within(scope).select_related("item", "vendor")
        self._price = {(row.item_code, row.account_code): Fraction(row.percent) for row in rows}
        self._price |= {(item, vendor): Fraction(percent) for item, vendor, percent in tried["price"]}
        totals = TotalsTolerance.objects.within(scope).select_related("vendor")
        self._totals = {row.vendor.account: Fraction(row.percent) for row in totals}
        self._totals |= {account: Fraction(percent) for account, percent in tried["totals"]}
        charges = ChargesTolerance.objects.within(scope).select_related("charge_code")
        self._charges = {row.charge_code.code: Fraction(row.percent) for row in charges}
        self._charges |= {code: Fraction(percent) for code, percent in tried["charges"]}
        self._groups = queries.item_groups(scope)

    def limits(self, invoice: Invoice) -> Limits:
        """Return what an invoice is judged by."""
        vendor = invoice.vendor

        def price(item: str) -> Fraction:
            return price_tolerance(
                self._price,
                item=item,
                item_group=self._groups.get(item, ""),
                vendor=vendor.account,
                vendor_group=vendor.price_tolerance_group,
            ).percent

        return Limits(self._company, price, self._totals.get(vendor.account), self._charges)


# ---- saving what was tried


def apply(*, scope: Scope, by: Actor, now: datetime, public_id: str) -> Parameters:
    """
    Make the tolerances that were tried the company's; pending invoices follow. A second time changes nothing.

    Raises NotFound, CONFLICT while the experiment is not finished.
    """
    with transaction.atomic():
        row = Experiment.objects.within(scope).select_for_update().filter(public_id=public_id).first()
        if row is None:
            raise NotFound
        if row.finished_at is None:
            raise Conflict(_("실험이 아직 끝나지 않았어요."))
        if row.applied_at is None:
            tried = row.tolerances
            who: dict[str, Any] = {"scope": scope, "by": by, "now": now}
            fields = {name: Decimal(value) for name, value in tried["company"].items()}
            company.save_parameters(**who, fields=fields)
            for item, vendor, percent in tried["price"]:
                company.save_price_tolerance(**who, item=item, vendor=vendor, percent=Decimal(percent))
            for account, percent in tried["totals"]:
                company.save_totals_tolerance(**who, vendor=account, percent=Decimal(percent))
            for code, percent in tried["charges"]:
                company.save_charges_tolerance(**who, code=code, percent=Decimal(percent))
            row.applied_at = now
            row.save(update_fields=["applied_at"])
            audit.record(scope=scope, by=by, action="experiment.applied", kind=KIND, object_id=public_id)
    return queries.parameters(scope)

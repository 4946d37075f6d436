"""Holding an accepted batch against our own records, in the database."""

from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from django.db import connection, transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from access import audit
from core import jobs
from core.actor import Actor
from core.errors import Conflict, InvalidRequest
from core.models import Job
from core.scope import Scope
from core.sql import load
from reconciliation import queries
from reconciliation.amounts import minor_unit, plain, plain_or_none
from reconciliation.comparing import family
from reconciliation.copying import tell_planner
from reconciliation.figures import COLUMNS
from reconciliation.judging import PRICE_ONLY_SHOWN
from reconciliation.lines import Kind
from reconciliation.models import Batch, BatchState, Comparison, Outcome, ToleranceRule
from reconciliation.models.lengths import CURRENCY_LENGTH
from reconciliation.operations.storing import KIND

COMPARE_JOB: Final = "reconciliation.compare"
_OUTCOMES: Final = "reconciliation_outcome"
_FOUND_BY: Final = ("comparison_id", "place", "outcome", "group_key", "currency")


def can_be_compared(batch: Batch) -> bool:
    """Say whether a batch is of a kind that has figures to compare."""
    return Kind(batch.kind) in COLUMNS


def compare(*, scope: Scope, batch_id: str, by: Actor, now: datetime) -> Comparison:
    """
    Compare the groups of a batch that counts with our records as they are now.

    Run again on the same records it finds the same. What people decided is not touched. Raises NotFound, Conflict for a
    batch that does not count or is of a kind that is not compared.
    """
    with transaction.atomic():
        batch = Batch.objects.within(scope).select_for_update().get(pk=queries.batch(scope, batch_id).pk)
        if batch.state != BatchState.ACCEPTED:
            raise Conflict(_("반영한 파일만 비교할 수 있어요."), state=batch.state)
        if not can_be_compared(batch):
            raise Conflict(_("금액이 없는 파일은 비교하지 않아요."), kind=batch.kind)
        last = Comparison.objects.filter(batch=batch).aggregate(last=Max("number"))["last"] or 0
        # Only the newest run keeps its outcomes; of those before it the sums stay.
        Outcome.objects.filter(comparison__in=Comparison.objects.filter(batch=batch)).delete()
        used = _tolerances(batch)
        shown = {currency: {name: plain_or_none(slack[name]) for name in slack} for currency, slack in used.items()}
        made = Comparison.objects.create(
            batch=batch,
            number=last + 1,
            tolerances=shown,
            by_id=by.user_id,
            by=str(by)[:200],
            at=now,
        )
        _run(batch, made, used)
        audit.record(
            scope=scope,
            by=by,
            action="reconciliation.compared",
            kind=KIND,
            object_id=batch.public_id,
            after={"number": made.number, "counts": made.counts},
        )
    return made


def _tolerances(batch: Batch) -> dict[str, dict[str, Decimal | None]]:
    """Return by currency the tolerance of a line, and of a group: a fixed one, or None for one unit for each line."""
    rules = {rule.currency: rule for rule in queries.tolerances(batch.scope, batch.kind)}
    found: dict[str, dict[str, Decimal | None]] = {}
    for currency in batch.answer["totals"]:
        rule = rules.get(currency)
        line = minor_unit(currency) if rule is None or rule.line is None else rule.line
        found[currency] = {"line": line, "group": rule.group if rule else None}
    return found


def _run(batch: Batch, made: Comparison, used: dict[str, dict[str, Decimal | None]]) -> None:
    kind = Kind(batch.kind)
    values: dict[str, Any] = {
        "batch": batch.pk,
        "comparison": made.pk,
        "merchant": batch.merchant_id,
        "is_test": batch.is_test,
        "billing_entity": batch.billing_entity,
        "first_day": batch.first_day,
        "last_day": batch.last_day,
        "kinds": [str(one) for one in Kind if family(one) is family(kind)],
        "by_last_seats": kind is Kind.LICENSE,
        "price_only_shown": kind in PRICE_ONLY_SHOWN,
        "tax_compared": batch.tax_compared,
        "currencies": list(used),
        "line_slacks": [slack["line"] for slack in used.values()],
        "unit_slacks": [minor_unit(currency) for currency in used],
        "group_slacks": [slack["group"] for slack in used.values()],
    }
    with connection.cursor() as cursor:
        cursor.execute(load("reconciliation", "compare"), values)
        tell_planner(cursor, _OUTCOMES, _FOUND_BY, cursor.rowcount)
        cursor.execute(load("reconciliation", "compare_sums"), values)
        sums = cursor.fetchall()
    made.money = [
        {"outcome": outcome, "currency": currency, "groups": groups, "ours": plain(ours), "file": plain(file)}
        for outcome, currency, groups, ours, file in sums
    ]
    for outcome, _currency, groups, _ours, _file in sums:
        made.counts[outcome] = made.counts.get(outcome, 0) + groups
    made.save(update_fields=["counts", "money"])


def start(*, batch: Batch, by: Actor, now: datetime) -> Job:
    """Let a job compare a batch; one that is under way already is returned."""
    arguments = {"batch": batch.public_id, "by": by.told()}
    return jobs.enqueue(
        scope=batch.scope, kind=COMPARE_JOB, arguments=arguments, by=by, now=now, dedupe=batch.public_id
    )


def set_tolerance(
    *, scope: Scope, kind: Kind, currency: str, line: Decimal | None, group: Decimal | None, by: Actor, now: datetime
) -> ToleranceRule:
    """
    Say how far figures of a kind and currency may differ; None is the usual tolerance.

    Saying the same again changes nothing. Raises InvalidRequest.
    """
    currency = currency.strip().upper()
    if not (len(currency) == CURRENCY_LENGTH and currency.isascii() and currency.isalpha()):
        raise InvalidRequest(_("통화를 USD처럼 세 글자로 적어 주세요."), field="currency")
    if kind not in COLUMNS:
        raise InvalidRequest(_("금액이 없는 파일은 비교하지 않아요."), field="kind")
    if any(slack is not None and (not slack.is_finite() or slack < 0) for slack in (line, group)):
        raise InvalidRequest(_("허용 범위는 0 이상이어야 해요."), field="line" if line and line < 0 else "group")
    said = {"line": line, "group": group, "changed_by_id": by.user_id, "changed_by": str(by)[:200], "changed_at": now}
    of: dict[str, Any] = {**scope.filters(), "kind": str(kind), "currency": currency}
    with transaction.atomic():
        there = ToleranceRule.objects.select_for_update().filter(**of).first()
        if there is not None and (there.line, there.group) == (line, group):
            return there
        rule, _made = ToleranceRule.objects.update_or_create(**of, defaults=said)
        audit.record(
            scope=scope,
            by=by,
            action="reconciliation.tolerance_set",
            kind="reconciliation_tolerance",
            object_id=f"{kind}/{rule.currency}",
            before=None if there is None else {"line": plain_or_none(there.line), "group": plain_or_none(there.group)},
            after={"line": plain_or_none(line), "group": plain_or_none(group)},
        )
    return rule

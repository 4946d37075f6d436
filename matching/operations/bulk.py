"""
Matching very many invoices at once, in the database, with the verdicts the engine gives.

Only what exact decimals can decide is decided there; invoices with charges, other units or an approval, and figures
that no decimal says, are left to the engine. Quotients are never compared.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from django.db import connection

from core.actor import Actor
from core.scope import Scope
from core.sql import load
from matching import facts
from matching.amounts import decimal, digits
from matching.engine.terms import Company, Direction, Override, PerTotal, Total
from matching.models import Invoice, InvoiceStatus, Parameters

_LINE_REASONS: Final = """array_remove(array[
    case when e.together & 2 > 0 then 'PRICE' end,
    case when e.together & 16 > 0 then 'PRICE_TOTAL_AMOUNT' end,
    case when e.together & 8 > 0 then 'PRICE_TOTAL_PERCENT' end,
    case when e.together & 64 > 0 then 'RECEIPT_QUANTITY' end], null)"""
MEMORY: Final = "set local work_mem = '256MB'"
_WITH_TOTALS: Final = "coalesce(t.reasons, '{}')"


def match_many(*, scope: Scope, by: Actor, now: datetime, invoices: Sequence[int], parameters: Parameters) -> list[int]:
    """
    Match pending invoices, locked by this, and keep what came of it; returns those that are left to the engine.

    Inside the caller's transaction. All amounts of one call are rounded to the decimals of one currency at a time.
    """
    rows = Invoice.objects.within(scope).select_for_update(no_key=True).filter(pk__in=invoices)
    pending = rows.exclude(status=InvoiceStatus.POSTED).order_by("pk").values_list("pk", "currency")
    by_digits: dict[int, list[int]] = {}
    for key, currency in pending:
        by_digits.setdefault(digits(currency), []).append(key)
    left: list[int] = []
    for places, keys in sorted(by_digits.items()):
        left += _run(scope, by, now, keys, parameters, places)
    return left


def _run(scope: Scope, by: Actor, now: datetime, keys: Sequence[int], parameters: Parameters, places: int) -> list[int]:
    company = facts.company(parameters)
    with_totals = company.validates and company.matches_totals
    reasons = f"({_WITH_TOTALS} || {_LINE_REASONS})" if with_totals else _LINE_REASONS
    # Kept in the order of the alphabet, as the engine's are.
    ordered = f"array(select unnest({reasons}) order by 1)"
    statement = load("matching", "match_many").format(
        lines=load("matching", "lines_to_match"),
        totals=load("matching", "totals_of_many") if with_totals else "",
        joined="left join totals t on t.invoice_id = e.invoice_id" if with_totals else "",
        reasons=f"case when e.together & 1024 > 0 then {ordered} else '{{}}'::text[] end",
    )
    with connection.cursor() as cursor:
        # A dozen joins of a million rows each: without room they go through files.
        cursor.execute(MEMORY)
        cursor.execute(statement, _told(scope, by, now, keys, company, places))
        return [key for (key,) in cursor.fetchall()]


def _told(scope: Scope, by: Actor, now: datetime, keys: Sequence[int], company: Company, places: int) -> dict[str, Any]:
    settings = {name: company.per_total.get(name, PerTotal()) for name in Total}
    own = {name.value.upper(): setting.percent for name, setting in settings.items() if setting.enabled}
    return {
        "merchant": scope.merchant_id,
        "is_test": scope.is_test,
        "invoices": list(keys),
        "now": now,
        "by": str(by),
        "validates": company.validates,
        "policy": company.line_policy.value,
        "only_higher": company.override is Override.HIGHER,
        "price_both": company.unit_price_direction is Direction.GREATER_OR_LESS,
        "totals_by_percent": company.price_totals.by_percent,
        "totals_by_amount": company.price_totals.by_amount,
        "total_percent": decimal(company.price_total_percent),
        "total_amount": decimal(company.price_total_amount),
        "total_both": company.price_total_direction is Direction.GREATER_OR_LESS,
        "accounting_digits": company.accounting_digits,
        "digits": places,
        "total_names": list(own),
        "total_percents": [None if percent is None else decimal(percent) for percent in own.values()],
        "totals_percent": decimal(company.totals_percent),
        "all_totals_both": company.totals_direction is Direction.GREATER_OR_LESS,
    }

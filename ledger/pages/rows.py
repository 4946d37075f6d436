"""Rows of the ledger's lists."""

from typing import Any

from django.db.models import (
    BigIntegerField,
    Case,
    CharField,
    F,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    Value,
    When,
)
from django.db.models.functions import Cast, Coalesce, Left

from core.scope import Scope
from ledger.models import Account, DayTotal, Entry, Journal, Mark

_NOTHING = Value(0, output_field=BigIntegerField())


def account_rows(scope: Scope) -> QuerySet[Account]:
    """
    Return accounts with `balance` (debit positive), its two sides, and `group`, the first digit of the code.

    A guarded account's balance is stored; the others are kept day totals and the entries after the mark.
    """
    mark = Coalesce(Subquery(Mark.objects.filter(pk=1).values("journal_id")[:1]), _NOTHING)
    days = DayTotal.objects.filter(account=OuterRef("pk")).order_by().values("account")
    kept = days.annotate(net=Sum(F("debit") - F("credit"))).values("net")
    later = Entry.objects.filter(account=OuterRef("pk"), journal_id__gt=mark).order_by().values("account")
    added = later.annotate(net=Sum("amount")).values("net")
    derived = Coalesce(_whole(kept), _NOTHING) + Coalesce(_whole(added), _NOTHING)
    return (
        Account.objects.within(scope)
        .annotate(
            balance=Coalesce(F("guarded_balance__balance"), derived), group=Left(Cast("chart_id", CharField()), 1)
        )
        .annotate(
            debit_balance=Case(When(Q(balance__gt=0) | Q(balance=0, chart__side=1), then=F("balance"))),
            credit_balance=Case(When(Q(balance__lt=0) | Q(balance=0, chart__side=-1), then=-F("balance"))),
        )
    )


def entry_rows(scope: Scope) -> QuerySet[Entry]:
    """Return entries with `debit` and `credit`, one of them empty."""
    return Entry.objects.filter(journal__merchant_id=scope.merchant_id, journal__is_test=scope.is_test).annotate(
        debit=Case(When(amount__gt=0, then=F("amount"))), credit=Case(When(amount__lt=0, then=-F("amount")))
    )


def journal_rows(scope: Scope) -> QuerySet[Journal]:
    """Return journals with `amount`, the sum of their debits in `entry_currency`, the first of their currencies."""
    legs = Entry.objects.filter(journal=OuterRef("pk"))
    first = legs.order_by("currency").values("currency")[:1]
    debits = legs.filter(amount__gt=0).order_by().values("journal", "currency").annotate(total=Sum("amount"))
    return Journal.objects.within(scope).annotate(
        entry_currency=Subquery(first), amount=_whole(debits.order_by("currency").values("total")[:1])
    )


def _whole(sums: QuerySet[Any, Any]) -> Cast:
    return Cast(Subquery(sums), BigIntegerField())

"""
What will be on each bank account on each of the coming days, as far as due dates, approvals and schedules tell.

Partner settlements are paid from the account that a scope pays from by itself; bulk payouts from the one they name.
Amounts are minor units, in the currency of the account. Settlements count before VAT that is added and before taxes
that are withheld, which stay on the account until they are remitted.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.db import connection

from core.scope import Scope
from core.sql import load
from payouts import queries
from payouts.models import BankAccount

DAYS = 60


@dataclass(frozen=True, slots=True)
class Due:
    """What becomes due on one day. `back` is zero or less: what partners owe us."""

    settlements: int = 0
    back: int = 0
    count: int = 0
    prepared: int = 0
    approved: int = 0

    @property
    def out(self) -> int:
        """What would leave the account; what partners owe us never makes it grow."""
        return max(self.settlements + self.back, 0) + self.prepared + self.approved


@dataclass(frozen=True, slots=True)
class Day:
    """One day of the forecast and what is expected on the account at its end."""

    day: date
    due: Due
    balance: int


@dataclass(frozen=True, slots=True)
class Forecast:
    """The coming days of one bank account; `opening` is what may be spent now."""

    account: BankAccount
    opening: int
    days: Sequence[Day]

    @property
    def short_on(self) -> Day | None:
        """The first day at whose end money is missing."""
        return next((one for one in self.days if one.balance < 0), None)

    @property
    def lowest(self) -> Day:
        """The day with the least on the account."""
        return min(self.days, key=lambda one: one.balance)


def forecast(account: BankAccount, today: date, days: int = DAYS) -> Forecast:
    """Return what is expected on an account at the end of today and of each of the days after it."""
    due = _due(account.scope, account, today, today + timedelta(days=days - 1))
    opening = left = queries.funds(account).spendable
    found = []
    for number in range(days):
        day = today + timedelta(days=number)
        here = due.get(day, Due())
        left -= here.out
        found.append(Day(day, here, left))
    return Forecast(account, opening, found)


def _due(scope: Scope, account: BankAccount, today: date, until: date) -> Mapping[date, Due]:
    values: dict[str, int | bool | str | date] = {
        "merchant": scope.merchant_id,
        "test": scope.is_test,
        "account": account.pk,
        "currency": account.currency,
        "pays_settlements": queries.default_bank_account(scope).pk == account.pk,
        "today": today,
        "until": until,
    }
    figures: dict[date, dict[str, int]] = defaultdict(dict)
    with connection.cursor() as cursor:
        cursor.execute(load("payouts", "forecast"), values)
        for day, name, figure in cursor.fetchall():
            figures[day][name] = int(figure)
    return {day: Due(**named) for day, named in figures.items()}

"""
The two journals of every payout that is sent, made from its rows by the database, leg by leg as `journals` says.

Python says only which accounts they touch, for it remembers their ids.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from core.actor import Actor
from core.clock import seoul_day
from core.scope import Scope
from core.sql import array, load, numbers
from ledger import accounts, posting
from ledger.accounts import Address
from ledger.chart import Code
from payouts.models import Attempt

_Addresses = Sequence[Address | None]


def dispatched(attempts: Iterable[Attempt], *, day: date, by: Actor) -> None:
    """Post that attempts leave for the bank on a Seoul day; their rows tell the number of this submission already."""
    for scope, rows in _by_scope(attempts):
        touched: dict[str, _Addresses] = {
            "reserved": [_partner(Code.PARTNER_RESERVED, row) for row in rows],
            "in_transit": [_partner(Code.PAYOUT_IN_TRANSIT, row) for row in rows],
        }
        _post("dispatch_journals", scope, rows, [day] * len(rows), touched, by)


def succeeded(attempts: Iterable[Attempt], *, by: Actor) -> None:
    """Post that the bank paid attempts, each on the Seoul day on which it did; a tax of nothing touches no account."""
    for scope, rows in _by_scope(attempts):
        days = [seoul_day(row.executed_at) for row in rows if row.executed_at]
        touched: dict[str, _Addresses] = {
            "in_transit": [_partner(Code.PAYOUT_IN_TRANSIT, row) for row in rows],
            "bank": [_bank(row) for row in rows],
            "reserved": [_partner(Code.PARTNER_RESERVED, row) if row.payout.withheld else None for row in rows],
            "income_tax": [
                _month(Code.WITHHELD_INCOME_TAX, row, day) if row.payout.income_tax_amount else None
                for row, day in zip(rows, days, strict=True)
            ],
            "local_tax": [
                _month(Code.WITHHELD_LOCAL_TAX, row, day) if row.payout.local_income_tax_amount else None
                for row, day in zip(rows, days, strict=True)
            ],
        }
        _post("succeed_journals", scope, rows, days, touched, by)


def _by_scope(attempts: Iterable[Attempt]) -> Iterable[tuple[Scope, list[Attempt]]]:
    found: defaultdict[tuple[int, bool], list[Attempt]] = defaultdict(list)
    for row in attempts:
        found[row.payout.merchant_id, row.payout.is_test].append(row)
    return [(Scope(*books), rows) for books, rows in found.items()]


def _partner(code: Code, attempt: Attempt) -> Address:
    return Address(code, attempt.payout.partner.public_id, attempt.payout.currency)


def _bank(attempt: Attempt) -> Address:
    return Address(Code.BANK, attempt.payout.bulk_payout.bank_account.public_id, attempt.payout.currency)


def _month(code: Code, attempt: Attempt, day: date) -> Address:
    return Address(code, f"{day:%Y-%m}", attempt.payout.currency)


def _post(
    query: str,
    scope: Scope,
    attempts: Sequence[Attempt],
    days: Sequence[date],
    touched: Mapping[str, _Addresses],
    by: Actor,
) -> None:
    wanted = [address for addresses in touched.values() for address in addresses if address]
    ids = dict(zip(wanted, accounts.resolve(scope, wanted), strict=True))
    values = {"attempts": numbers(row.pk for row in attempts), "days": array(days)}
    for name, addresses in touched.items():
        values[name] = array(ids[address] if address else None for address in addresses)
    posting.post_found(scope=scope, query=load("payouts", query), parameters=values, by=by)

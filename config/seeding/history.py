"""
Eighteen months of settlement records in set-based statements, partner by partner.

A batch of partners is one transaction: records, partner settlements and journals, the journals through the bulk door.
Nothing waits for the disk here, because a seeding that is interrupted starts over.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.db import connection, transaction

from config.seeding.cast import HALF_SHARE
from core import ids
from core.clock import SEOUL
from core.scope import Scope
from core.sql import load
from ledger import accounts
from ledger.accounts import Address
from ledger.chart import Code
from settlement import legs, terms
from settlement.dates import settlement_date
from settlement.models import Contract, ContractVersion, DiscountSharePolicy, Partner, VatPayer

DAYS_BACK, DAYS_AHEAD = 548, 5
_ROWS_A_BATCH = 10_000


@dataclass(frozen=True, slots=True)
class Period:
    """The days that are filled, ending a few days after today."""

    today: date

    @property
    def first(self) -> date:
        """Return the first day."""
        return self.today - timedelta(days=DAYS_BACK)

    @property
    def last(self) -> date:
        """Return the last start date."""
        return self.today + timedelta(days=DAYS_AHEAD)


def fill(
    scope: Scope, partners: Sequence[Partner], rows: int, *, seed: int, today: date, tell: Callable[[str], None]
) -> None:
    """Make so many records, spread over the partners and the period."""
    period = Period(today)
    _make_days(scope, period)
    shares = _shares(partners, rows)
    _make_partners(scope, partners, shares)
    place, done = 0, 0
    while place < len(partners):
        end, filled = place, 0
        while end < len(partners) and (end == place or filled + shares[end] <= _ROWS_A_BATCH):
            filled += shares[end]
            end += 1
        _fill_batch(scope, seed, period, place, end - 1)
        place, done = end, done + filled
        tell(f"{done:,} of {rows:,} settlement records")


def _shares(partners: Sequence[Partner], rows: int) -> list[int]:
    """Spread the rows unevenly, as sales are: the first partners sell several times what the last ones do."""
    weights = [3 if place % 10 == 0 else 2 if place % 3 == 0 else 1 for place in range(len(partners))]
    total = sum(weights)
    shares = [rows * weight // total for weight in weights]
    shares[0] += rows - sum(shares)
    return shares


def _make_days(scope: Scope, period: Period) -> None:
    """Compute each contract's settlement date of each start date with the product's own calendar."""
    closed = terms.holidays(scope)
    days = [period.first + timedelta(days=step) for step in range((period.last - period.first).days + 1)]
    rows = [
        (version.pk, day, settlement_date(day, terms.cycle(version), closed), _ulid_time(day))
        for version in ContractVersion.objects.filter(contract__in=Contract.objects.within(scope))
        for day in days
    ]
    with connection.cursor() as cursor:
        cursor.execute("drop table if exists seed_day")
        cursor.execute(
            "create temp table seed_day (version_id bigint, start_date date, settlement_date date, ulid_time text,"
            " primary key (version_id, start_date))"
        )
        cursor.execute(
            "insert into seed_day select * from unnest(%s::bigint[], %s::date[], %s::date[], %s::text[])",
            [list(column) for column in zip(*rows, strict=True)],
        )
        cursor.execute("analyze seed_day")


def _ulid_time(day: date) -> str:
    return ids.ulid(datetime.combine(day, time(9), tzinfo=SEOUL), 0)[:10]


def _make_partners(scope: Scope, partners: Sequence[Partner], shares: Sequence[int]) -> None:
    contracts = Contract.objects.within(scope).select_related("current").in_bulk()
    own = (Code.PARTNER_PENDING, Code.PARTNER_RECEIVABLE, Code.PARTNER_AVAILABLE)
    with transaction.atomic():
        opened = accounts.resolve(scope, [Address(code, partner.public_id) for partner in partners for code in own])
    rows, first = [], 0
    for place, partner in enumerate(partners):
        contract = contracts[partner.default_contract_id]
        version = contract.current
        if version is None:
            message = f"contract {contract.public_id} has no version"
            raise ValueError(message)
        rows.append(
            (
                *(place, partner.pk, partner.public_id, contract.pk, version.pk, version.fee_rate),
                version.vat_payer == VatPayer.PARTNER,
                *opened[place * 3 : place * 3 + 3],
                *(first, shares[place]),
            )
        )
        first += shares[place]
    with connection.cursor() as cursor:
        cursor.execute("drop table if exists seed_partner")
        cursor.execute(
            "create temp table seed_partner (place int primary key, partner_id bigint, partner_public_id text,"
            " contract_id bigint, version_id bigint, rate bigint, vat_by_partner boolean, pending bigint,"
            " receivable bigint, available bigint, first_row bigint, rows_wanted int)"
        )
        cursor.execute(
            "insert into seed_partner select * from unnest(%s::int[], %s::bigint[], %s::text[], %s::bigint[],"
            " %s::bigint[], %s::bigint[], %s::boolean[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[],"
            " %s::int[])",
            [list(column) for column in zip(*rows, strict=True)],
        )
        cursor.execute("analyze seed_partner")


def _fill_batch(scope: Scope, seed: int, period: Period, from_place: int, to_place: int) -> None:
    policy = DiscountSharePolicy.objects.within(scope).get(public_id=HALF_SHARE)
    with transaction.atomic():
        shared = accounts.resolve(
            scope,
            [
                Address(Code.CLEARING),
                Address(Code.DISCOUNT_COST, policy.public_id),
                Address(Code.DISCOUNT_RECOVERED, policy.public_id),
                Address(Code.PLATFORM_FEE_REVENUE),
                Address(Code.OUTPUT_VAT),
                Address(Code.MANUAL_EXPENSE, legs.GENERAL),
                Address(Code.MANUAL_RECOVERY, legs.GENERAL),
            ],
        )
        names = ("clearing", "discount_cost", "discount_recovered", "revenue", "output_vat", "expense", "recovery")
        values = {
            "merchant": scope.merchant_id,
            "test": scope.is_test,
            "seed": str(seed),
            "first_day": period.first,
            "last_day": period.last,
            "span": (period.last - period.first).days + 1,
            "today": period.today,
            "from_place": from_place,
            "to_place": to_place,
            "policy": policy.public_id,
            "policy_version": policy.current_id,
            **dict(zip(names, shared, strict=True)),
        }
        with connection.cursor() as cursor:
            cursor.execute("set local synchronous_commit = off")
            cursor.execute("set local work_mem = '256MB'")
            for step in ("seed_batch", "seed_journals", "seed_maturity"):
                cursor.execute(load("config", step), values)

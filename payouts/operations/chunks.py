"""
One chunk of a bulk payout: thousands of partners in a handful of statements.

The database locks, groups, claims and posts; what needs exact arithmetic or a key is done here once per payout, never
once per settlement. The caller's transaction decides: a chunk is there with its claims and journals, or not at all.
"""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from itertools import islice
from typing import Any, NamedTuple

from django.db import connection

from access import sealed
from core import ids
from core.actor import Actor
from core.clock import seoul_day
from core.money import Rounding
from core.scope import Scope
from core.sql import load
from ledger import accounts, posting
from ledger.accounts import Address
from ledger.chart import BY_CODE, Code
from ledger.models import Account
from payouts import amounts, queries
from payouts.content import PayoutContent
from payouts.models import BulkPayout, PayoutStatus
from settlement import claims
from settlement import terms as settlement_terms
from settlement.models import AccountStatus, Calculator, Setting
from settlement.operations import partners

_PAGE = 2_000


@dataclass(frozen=True, slots=True)
class Skipped:
    """A partner that was chosen and could not be paid."""

    partner: str
    name: str
    net: int
    reason: str

    def as_json(self) -> dict[str, object]:
        """Return the row that is stored on the bulk payout."""
        return {"partner": self.partner, "name": self.name, "net": self.net, "reason": self.reason}


class Group(NamedTuple):
    """What becomes one payout, as `build_groups.sql` gives it; amounts are signed minor units, `as_is` in `net`."""

    partner_id: int
    currency: str
    apart: int
    settlements: int
    net: int
    net_tax_free: int
    as_is: int
    as_is_tax_free: int
    credit: int
    debit: int
    reviewed: bool
    held: bool
    partner: str
    name: str
    type: str
    taxation_type: str
    account_status: str
    account_confirmed: bool
    bank: str
    number_sealed: memoryview
    last4: str
    fingerprint: str
    holder: str
    known_destination: bool


@dataclass(frozen=True)
class Making:
    """What all payouts of one chunk share."""

    bulk: BulkPayout
    setting: Setting
    counting: Calculator | None
    deposit_memo: str
    withdrawal_memo: str
    by: Actor
    now: datetime
    _terms: dict[tuple[str, str], amounts.PayoutTerms] = field(default_factory=dict)

    @property
    def scope(self) -> Scope:
        """Return the scope of the bulk payout."""
        return self.bulk.scope

    @cached_property
    def environment(self) -> str:
        """Return what sealed fields call the scope: every value is bound to merchant, environment and public id."""
        return f"{self.scope.merchant_id}/{'test' if self.scope.is_test else 'live'}"

    @cached_property
    def vat_rounding(self) -> Rounding:
        """Return how VAT is rounded by the calculation that counts."""
        return settlement_terms.rounding_modes(self.counting).vat

    @property
    def adds_vat(self) -> bool:
        """Say whether settlements are before VAT, which then is paid on top."""
        return self.setting.settlement_amount_type == amounts.SettlementAmountType.NET

    def terms(self, group: Group) -> amounts.PayoutTerms:
        """Return the terms in force for a partner; there are as many as kinds of taxpayers."""
        kind = (group.type, group.taxation_type)
        if kind not in self._terms:
            self._terms[kind] = amounts.PayoutTerms(
                partner_type=amounts.PartnerType(group.type),
                taxation_type=amounts.TaxationType(group.taxation_type) if group.taxation_type else None,
                settlement_amount_type=amounts.SettlementAmountType(self.setting.settlement_amount_type),
                deduct_wht=self.setting.deduct_wht,
                vat_rounding=self.vat_rounding,
            )
        return self._terms[kind]


def refusal(*, currency: str, net: int, reviewed: bool, account_status: str, account_confirmed: bool) -> str:
    """
    Return the code of the reason for which a partner cannot be paid, empty when it can.

    `net` is the signed sum of what would be paid, or what is left of it after tax; `reviewed` says that some of it
    waits for a compliance review.
    """
    if currency != "KRW":
        return "CURRENCY"
    if net < 0:
        return "NEGATIVE"
    if reviewed:
        return "COMPLIANCE"
    if account_status != AccountStatus.VERIFIED:
        return "ACCOUNT_NOT_VERIFIED"
    return "" if account_confirmed else "ACCOUNT_CHANGE_PENDING"


def make(making: Making, settlement_ids: Sequence[int]) -> list[Skipped]:
    """
    Claim, pay and reserve for the partners of these settlements; return those that cannot be paid, left alone.

    All settlements of a partner that go into the bulk payout belong into one chunk. Settlements that are not free any
    more are passed over, so a chunk may be made again; so are partners that the bulk payout lists as skipped.
    """
    claims.gather(making.scope, settlement_ids, manual_apart=making.setting.manual_settlement_per_transfer)
    known = {row["partner"] for row in making.bulk.skipped}
    skipped: list[Skipped] = []
    paid: list[Group] = []
    worth: list[amounts.PayoutAmounts] = []
    for group in _groups():
        figures = _figures(making, group)
        reason = refusal(
            currency=group.currency,
            net=min(group.net, figures.amount),
            reviewed=group.reviewed,
            account_status=group.account_status,
            account_confirmed=group.account_confirmed,
        )
        if reason and group.partner not in known:
            skipped.append(Skipped(group.partner, group.name, group.net, reason))
        elif not reason and group.partner not in known:
            paid.append(group)
            worth.append(figures)
    if paid:
        _pay(making, paid, worth)
    return skipped


def _groups() -> Iterator[Group]:
    with connection.cursor() as cursor:
        cursor.execute(load("payouts", "build_groups"))
        for row in cursor.fetchall():
            yield Group(*row)


def _figures(making: Making, group: Group) -> amounts.PayoutAmounts:
    # The signed sum of settlements is a settlement of that amount by hand: payouts only look at the sums.
    by_hand = amounts.SettlementType.MANUAL
    as_is = amounts.SettlementAmount(by_hand, group.as_is, group.as_is_tax_free, paid_as_is=True)
    rest = amounts.SettlementAmount(by_hand, group.net - group.as_is, group.net_tax_free - group.as_is_tax_free)
    return amounts.payout_amounts([rest, as_is], making.terms(group))


def _pay(making: Making, paid: Sequence[Group], worth: Sequence[amounts.PayoutAmounts]) -> None:
    keys = _new_keys(len(paid))
    takers = claims.Takers(
        payouts=keys,
        partners=[group.partner_id for group in paid],
        currencies=[group.currency for group in paid],
        apart=[group.apart for group in paid],
    )
    _store(making, zip(keys, paid, worth, strict=True))
    if any(group.held for group in paid):
        _free_held(making, paid, takers)
    claims.claim_gathered(takers)
    _reserve(making, paid, takers)


def _new_keys(count: int) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "select nextval(pg_get_serial_sequence('payouts_payout', 'id')) from generate_series(1, %s)", [count]
        )
        return [key for (key,) in cursor.fetchall()]


# ---- payouts

_COLUMNS = (
    *("id", "merchant_id", "is_test", "public_id", "created_at", "bulk_payout_id", "partner_id", "status"),
    *("status_changed_at", "currency", "settlement_amount", "settlement_tax_free_amount", "supply_amount"),
    *("tax_free_amount", "vat_amount", "income_tax_amount", "local_income_tax_amount", "amount", "reserved_credit"),
    *("reserved_debit", "reserved_vat", "settlement_count", "deduct_wht", "settlement_amount_type", "bank"),
    *("account_number_sealed", "account_last4", "account_fingerprint", "account_holder", "is_new_destination"),
    *("withdrawal_memo", "deposit_memo", "memo", "fail_code", "fail_reason", "content_hash"),
)
_COPY = f"copy payouts_payout ({', '.join(_COLUMNS)}) from stdin"
# What the text form of COPY gives a meaning to.
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def _store(making: Making, made: Iterator[tuple[int, Group, amounts.PayoutAmounts]]) -> None:
    with connection.cursor() as cursor:
        while lines := [_line(making, *one) for one in islice(made, _PAGE)]:
            cursor.copy_expert(_COPY, io.StringIO("".join(lines)))


def _line(making: Making, key: int, group: Group, figures: amounts.PayoutAmounts) -> str:
    return "\t".join(map(str, _payout(making, key, group, figures))) + "\n"


def _text(value: str) -> str:
    """Return a text that people chose, with what COPY gives a meaning to escaped."""
    return value.translate(_ESCAPES)


def _payout(making: Making, key: int, group: Group, figures: amounts.PayoutAmounts) -> tuple[object, ...]:
    """Return the row of a payout for COPY; amounts and destination are frozen as they are now."""
    bulk, setting, now = making.bulk, making.setting, making.now
    public_id = ids.new_id(ids.PAYOUT, now)
    withdrawal = making.withdrawal_memo or setting.default_withdrawal_memo
    deposit = making.deposit_memo or setting.default_deposit_memo
    content = PayoutContent(
        payout=public_id,
        partner=group.partner,
        amount=figures.amount,
        currency=group.currency,
        income_tax=figures.income_tax_amount,
        local_tax=figures.local_income_tax_amount,
        bank=group.bank,
        account_fingerprint=group.fingerprint,
        holder=group.holder,
        withdrawal_memo=withdrawal,
        deposit_memo=deposit,
    )
    return (
        *(key, bulk.merchant_id, bulk.is_test, public_id, now, bulk.pk, group.partner_id, PayoutStatus.CONFIRMED.value),
        *(now, group.currency, figures.settlement_amount, figures.settlement_tax_free_amount, figures.supply_amount),
        *(figures.tax_free_amount, figures.vat_amount, figures.income_tax_amount, figures.local_income_tax_amount),
        *(figures.amount, group.credit, group.debit, figures.amount + figures.withheld - (group.credit - group.debit)),
        *(group.settlements, setting.deduct_wht, setting.settlement_amount_type, _text(group.bank)),
        *(_sealed_again(making, group, public_id), _text(group.last4), group.fingerprint, _text(group.holder)),
        *(not group.known_destination, _text(withdrawal), _text(deposit), "", "", "", content.hash()),
    )


def _sealed_again(making: Making, group: Group, public_id: str) -> str:
    """Return the partner's account number sealed for one payout, as COPY reads bytes."""
    here = f"{making.environment}/{group.partner}"
    number = sealed.unseal(group.number_sealed, table=partners.TABLE, column=partners.COLUMN, row=here)
    return "\\\\x" + queries.seal_account(making.scope, public_id, number).hex()


# ---- money


def _free_held(making: Making, paid: Sequence[Group], takers: claims.Takers) -> None:
    """Move what is held of the settlements to the available account, as `holding.free` does for a few."""
    values: dict[str, Any] = {
        **takers.columns(),
        "today": seoul_day(making.now),
        "origin": settlement_terms.SETTLEMENT_ORIGIN,
        "held": _opened(making, paid, Code.PARTNER_HELD, [group.held for group in paid]),
        "available": _opened(making, paid, Code.PARTNER_AVAILABLE, [group.held for group in paid]),
    }
    with connection.cursor() as cursor:
        cursor.execute(load("payouts", "build_free_held"), values)
    query = load("payouts", "build_freed_journals")
    posting.post_selected(scope=making.scope, query=query, parameters=values, by=making.by)


def _reserve(making: Making, paid: Sequence[Group], takers: claims.Takers) -> None:
    values: dict[str, Any] = {
        "payouts": list(takers.payouts),
        "today": seoul_day(making.now),
        "available": _opened(making, paid, Code.PARTNER_AVAILABLE, [group.credit != 0 for group in paid]),
        "receivable": _opened(making, paid, Code.PARTNER_RECEIVABLE, [group.debit != 0 for group in paid]),
        "vat": _opened(making, paid, Code.INPUT_VAT, [making.adds_vat] * len(paid)),
        "reserved": _opened(making, paid, Code.PARTNER_RESERVED, [True] * len(paid)),
    }
    query = load("payouts", "build_reserve_journals")
    posting.post_selected(scope=making.scope, query=query, parameters=values, by=making.by)


def _opened(making: Making, paid: Sequence[Group], code: Code, moved: Sequence[bool]) -> list[int | None]:
    """Return the account of a code for each payout that moves money there, None for the others."""
    own = bool(BY_CODE[code].owner_kind)
    places = [
        (group.partner if own else "", group.currency) if moves else None
        for group, moves in zip(paid, moved, strict=True)
    ]
    wanted = {place for place in places if place}
    # Nearly all are open already, and looking is cheaper than opening.
    known = Account.objects.within(making.scope).filter(
        chart_id=code, owner__in={owner for owner, _currency in wanted}, currency__in={of for _owner, of in wanted}
    )
    found = {(owner, currency): pk for owner, currency, pk in known.values_list("owner", "currency", "pk")}
    missing = sorted(wanted - found.keys())
    opened = accounts.resolve(making.scope, [Address(code, *place) for place in missing]) if missing else []
    found |= dict(zip(missing, opened, strict=True))
    return [found[place] if place else None for place in places]

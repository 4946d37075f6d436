"""
From a record's amounts to the legs of its journal.

A debit is positive, a credit negative; the legs of a record sum to zero. The sign of a record decides the partner
account: what the partner gains is pending, what is taken back becomes a receivable. Fees stand gross on the partner
account, one leg for each component, so that every line of a statement points at a leg.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from ledger.chart import BY_CODE, Code
from settlement.fees import Computed, ComputedFee

GENERAL = "GENERAL"
_OF_PARTNERS = frozenset(code for code, row in BY_CODE.items() if row.owner_kind == "partner")


class Component(StrEnum):
    """What a leg is about."""

    ORDER = "ORDER"
    PAYMENT = "PAYMENT"
    DISCOUNT = "DISCOUNT"
    DISCOUNT_SHARE = "DISCOUNT_SHARE"
    PLATFORM_FEE = "PLATFORM_FEE"
    PLATFORM_FEE_VAT = "PLATFORM_FEE_VAT"
    ADDITIONAL_FEE = "ADDITIONAL_FEE"
    ADDITIONAL_FEE_VAT = "ADDITIONAL_FEE_VAT"
    FEE_VAT = "FEE_VAT"
    PAYMENT_VAT_BURDEN = "PAYMENT_VAT_BURDEN"
    FORMULA_ADJUSTMENT = "FORMULA_ADJUSTMENT"
    MANUAL = "MANUAL"


class Leg(NamedTuple):
    """
    One leg: account code, signed amount, component and owner.

    `owner` is the public id of the policy or third party, or the reason's word. It is empty for partner and channel,
    which the record knows, and for accounts without owner.
    """

    code: Code
    amount: int
    component: Component
    owner: str = ""

    @property
    def owner_kind(self) -> str:
        """What owns accounts of this code: `partner`, `channel`, `policy`, `third_party`, `reason`; empty for none."""
        return BY_CODE[self.code].owner_kind

    @property
    def is_partner(self) -> bool:
        """Whether the leg stands on an account of the partner."""
        return self.code in _OF_PARTNERS


@dataclass(frozen=True, slots=True)
class Counter:
    """The account on the other side of a manual record."""

    code: Code
    owner: str = ""


def order_legs(order: Computed, *, partner_account: Code | None = None) -> list[Leg]:
    """Return the legs of an order. `partner_account` replaces the account that the sign decides."""
    return _record_legs(order, 1, partner_account)


def cancel_legs(cancel: Computed, *, partner_account: Code | None = None) -> list[Leg]:
    """Return the legs of a cancel: those of an order of its amounts, mirrored."""
    return _record_legs(cancel, -1, partner_account)


def manual_legs(amount: int, *, reason: str = GENERAL, counter: Counter | None = None) -> list[Leg]:
    """
    Return the legs of a manual record of a signed amount.

    The counter account is the one given, else manual expense for a gain of the partner and manual recovery for a
    loss, both kept by reason.
    """
    if counter is None:
        counter = Counter(Code.MANUAL_EXPENSE if amount > 0 else Code.MANUAL_RECOVERY, reason)
    legs = [
        Leg(counter.code, amount, Component.MANUAL, counter.owner),
        Leg(partner_account_of(amount), -amount, Component.MANUAL),
    ]
    return _without_zero(legs)


def void_legs(legs: Iterable[Leg], *, partner_account: Code) -> list[Leg]:
    """Return the mirror of a record's legs, its partner legs on the account where the money is now."""
    return [leg._replace(amount=-leg.amount, code=partner_account if leg.is_partner else leg.code) for leg in legs]


def partner_account_of(signed_amount: int) -> Code:
    """Return the partner account of a record whose settlement, with its sign, is this."""
    return Code.PARTNER_PENDING if signed_amount >= 0 else Code.PARTNER_RECEIVABLE


def _record_legs(record: Computed, sign: int, partner_account: Code | None) -> list[Leg]:
    account = partner_account or partner_account_of(sign * record.amounts.settlement)
    legs = [*_funding_legs(record), *_partner_legs(record, account), *_income_legs(record)]
    signed = legs if sign == 1 else [leg._replace(amount=sign * leg.amount) for leg in legs]
    return _without_zero(signed)


def _funding_legs(record: Computed) -> Iterator[Leg]:
    """Yield what covers the order amount: the buyer's payment and the discounts."""
    yield Leg(Code.CLEARING, record.amounts.payment, Component.PAYMENT)
    for item in record.discount_totals:
        yield Leg(Code.DISCOUNT_COST, item.amount, Component.DISCOUNT, item.policy_id)


def _partner_legs(record: Computed, account: Code) -> Iterator[Leg]:
    amounts = record.amounts
    for component, amount in (
        (Component.ORDER, -amounts.order),
        (Component.PLATFORM_FEE, amounts.platform_fee),
        (Component.PLATFORM_FEE_VAT, amounts.platform_fee_vat),
        (Component.ADDITIONAL_FEE, amounts.additional_fee),
        (Component.ADDITIONAL_FEE_VAT, amounts.additional_fee_vat),
        (Component.PAYMENT_VAT_BURDEN, amounts.payment_vat_burden),
        (Component.DISCOUNT_SHARE, amounts.discount_share),
        (Component.FORMULA_ADJUSTMENT, -_adjustment(record)),
    ):
        yield Leg(account, amount, component)


def _income_legs(record: Computed) -> Iterator[Leg]:
    """Yield where the merchant's part goes: revenue, VAT, fees owed on, recovered discounts."""
    amounts = record.amounts
    own = [item for item in record.fee_totals if not item.third_party]
    platform_fee = amounts.platform_fee - record.platform_fee_vat_inside
    inside = record.platform_fee_vat_inside + sum(item.vat_inside for item in record.fee_totals)
    vat = amounts.platform_fee_vat + amounts.additional_fee_vat + inside
    yield Leg(Code.PLATFORM_FEE_REVENUE, -platform_fee, Component.PLATFORM_FEE)
    yield Leg(Code.ADDITIONAL_FEE_REVENUE, -sum(map(_net, own)), Component.ADDITIONAL_FEE)
    for item in record.fee_totals:
        if item.third_party:
            yield Leg(Code.PASS_THROUGH_FEE, -_net(item), Component.ADDITIONAL_FEE, item.third_party)
    yield Leg(Code.OUTPUT_VAT, -vat, Component.FEE_VAT)
    yield Leg(Code.PAYMENT_VAT_BURDEN, -amounts.payment_vat_burden, Component.PAYMENT_VAT_BURDEN)
    for share in record.discount_totals:
        yield Leg(Code.DISCOUNT_RECOVERED, -share.share, Component.DISCOUNT_SHARE, share.policy_id)
    yield Leg(Code.FORMULA_ADJUSTMENT, _adjustment(record), Component.FORMULA_ADJUSTMENT)


def _adjustment(record: Computed) -> int:
    """Return what a merchant's own settlement formula gives the partner beyond order less fees."""
    return record.amounts.settlement - (record.amounts.order - record.amounts.fee)


def _net(fee: ComputedFee) -> int:
    return fee.amount - fee.vat_inside


def _without_zero(legs: Iterable[Leg]) -> list[Leg]:
    return [leg for leg in legs if leg.amount]

"""Everything an order is recorded by, read in one round trip: as long as one query of the ORM takes to be compiled."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar

from core.rows import from_json
from core.scope import Scope
from settlement.calculation import ParameterValue
from settlement.calculators import Calculators
from settlement.models import (
    AdditionalFeePolicy,
    AdditionalFeePolicyVersion,
    Calculator,
    Contract,
    ContractVersion,
    DiscountSharePolicy,
    DiscountSharePolicyVersion,
    Partner,
    Setting,
    Versioned,
)
from settlement.operations import _locks
from settlement.operations.environment import open_environment

_TERMS = """
    select settlement_order_terms(
        %(merchant_id)s, %(is_test)s, %(partner)s, %(payment)s, %(contract)s,
        %(discounts)s::text[], %(fees)s::text[], %(start)s
    )
"""
V = TypeVar("V", DiscountSharePolicyVersion, AdditionalFeePolicyVersion)


@dataclass(frozen=True, slots=True)
class Named:
    """What an order names; `contract` None means its partner's own."""

    partner: str
    payment: str
    contract: str | None
    discounts: Sequence[str]
    fees: Sequence[str]


@dataclass(frozen=True, slots=True)
class OrderTerms:
    """
    What was found of what an order names, and what counts in its scope.

    A contract has one version at least: `versions` is empty when nobody has the contract. `holidays` are those from the
    start date on. `known` is the id of an order of the payment for the partner.
    """

    partner: Partner
    versions: Sequence[ContractVersion]
    discounts: Mapping[str, Sequence[DiscountSharePolicyVersion]]
    fees: Mapping[str, Sequence[AdditionalFeePolicyVersion]]
    setting: Setting
    calculators: Calculators
    holidays: frozenset[date]
    known: str | None


def lock_of(partner_id: str, payment_id: str) -> str:
    """Return the name under which orders of a payment for a partner are recorded one at a time."""
    return f"payment:{partner_id}:{payment_id}"


def read(scope: Scope, named: Named, start: date) -> OrderTerms | None:
    """
    Return the terms of an order that starts on a day, with its payment locked; None when nobody is its partner.

    The first use of an environment opens it.
    """
    # The lock is had before the terms are read, so `known` holds whatever the last one to have it has recorded.
    lock = [lock_of(named.partner, named.payment)]
    parameters = {
        **scope.filters(),
        "partner": named.partner,
        "payment": named.payment,
        "contract": named.contract,
        "discounts": list(named.discounts),
        "fees": list(named.fees),
        "start": start,
    }
    row = _locks.first_under(scope, lock, _TERMS, parameters)
    if row is None or row[0] is None:
        return None
    found: Mapping[str, Any] = json.loads(row[0])
    if found["setting"] is None:
        open_environment(scope)
        return read(scope, named, start)
    return _terms(found)


def _terms(found: Mapping[str, Any]) -> OrderTerms:
    partner = from_json(Partner, found["partner"])
    partner.default_contract = from_json(Contract, found["standard"])
    versions = [from_json(ContractVersion, row) for row in found["versions"] or ()]
    for version in versions:
        version.contract = from_json(Contract, found["contract"])
    return OrderTerms(
        partner=partner,
        versions=versions,
        discounts=_by_policy(DiscountSharePolicyVersion, DiscountSharePolicy, found["discounts"]),
        fees=_by_policy(AdditionalFeePolicyVersion, AdditionalFeePolicy, found["fees"]),
        setting=from_json(Setting, found["setting"]),
        calculators=_calculators(found),
        holidays=frozenset(map(date.fromisoformat, found["holidays"] or ())),
        known=found["known"],
    )


def _by_policy(version: type[V], policy: type[Versioned], rows: Any) -> Mapping[str, Sequence[V]]:
    found: dict[str, list[V]] = {}
    for one, of in rows or ():
        made: Any = from_json(version, one)
        made.policy = from_json(policy, of)
        found.setdefault(made.policy.public_id, []).append(made)
    return found


def _calculators(found: Mapping[str, Any]) -> Calculators:
    return Calculators(
        tuple(from_json(Calculator, row) for row in found["calculators"] or ()),
        {row["key"]: ParameterValue(row["decimal"], row["scale"]) for row in found["parameters"] or ()},
    )

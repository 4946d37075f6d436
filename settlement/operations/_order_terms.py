"""
Everything an order is recorded by. Terms change a few times a day: a process keeps them and asks if they still count.

An order begins with one statement. It takes the lock of the payment and reads, all at one moment, the marks of the
scope's terms, the version of the partner's row, and whether the payment is known. Every change of terms leaves a mark
that was never there before, in the transaction that makes it. So terms that were kept under the marks of this moment
are what reading them at this moment would come to: what was committed before counts, what is not yet does not.
A partner that has changed comes with the answer. Terms that are not kept under these marks are read, and the rest with
them, at one later moment. Why equal marks are equal terms stands where they are made, in `0016_kept_terms.up.sql`.

Ids that nobody has are never kept, and everything is kept under its scope.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias, TypeVar

from core.kept import Kept
from core.rows import copied, from_json
from core.scope import Scope
from core.sql import first
from settlement import terms
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

_BEGIN = """
    select settlement_order_partner(
        %(merchant_id)s, %(is_test)s, %(partner)s, %(payment)s, %(kept)s, %(locked_scope)s, %(locked_name)s
    )
"""
_TERMS = """
    select settlement_order_terms(
        %(merchant_id)s, %(is_test)s, %(partner)s, %(payment)s, %(contract)s, %(discounts)s::text[], %(fees)s::text[]
    )
"""
# A partner takes five kilobytes, the terms of a contract or policy take three.
_MOST_PARTNERS, _MOST_TERMS = 4_000, 2_000
# The marks of a scope without any.
_UNMARKED = "{}"
V = TypeVar("V", DiscountSharePolicyVersion, AdditionalFeePolicyVersion)


class _Kind(NamedTuple):
    """Which terms, and whose: the public id of what an order names, or the key of a partner's own contract."""

    of: str
    named: str | int = ""


_COMMON = _Kind("common")
# The terms by kind: `_Common`, the contract that is a partner's own, and for all else its versions.
_Terms: TypeAlias = dict[_Kind, Any]
_partners: Kept[Partner] = Kept(_MOST_PARTNERS)
_terms: Kept[Any] = Kept(_MOST_TERMS)


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
    What was found of what an order names, and what counts in its scope: copies that nobody else has.

    Versions are those that count on the start date; `contract` is None when nobody has the contract. `known` is the id
    of an order of the payment for the partner.
    """

    partner: Partner
    contract: ContractVersion | None
    discounts: Mapping[str, DiscountSharePolicyVersion]
    fees: Mapping[str, AdditionalFeePolicyVersion]
    setting: Setting
    calculators: Calculators
    holidays: frozenset[date]
    known: str | None


class _Common(NamedTuple):
    """What counts for every order of a scope."""

    setting: Setting
    calculators: Calculators
    holidays: frozenset[date]


def lock_of(partner_id: str, payment_id: str) -> str:
    """Return the name under which orders of a payment for a partner are recorded one at a time."""
    return f"payment:{partner_id}:{payment_id}"


def read(scope: Scope, named: Named, start: date) -> OrderTerms | None:
    """
    Return the terms of an order that starts on a day, with its payment locked; None when nobody is its partner.

    The first use of an environment opens it.
    """
    kept = _partners.find((scope, named.partner))
    row = first(
        [_BEGIN],
        {
            **scope.filters(),
            "partner": named.partner,
            "payment": named.payment,
            "kept": kept.mark if kept else None,
            **_locks.for_name(scope, lock_of(named.partner, named.payment)),
        },
    )
    if row is None or row[0] is None:
        return None
    marks, version, changed, known = json.loads(row[0])
    if kept is None or changed is not None:
        partner = from_json(Partner, changed)
        _partners.keep((scope, named.partner), version, partner)
    else:
        partner = kept.value
    wanted = _wanted(named, partner)
    found = _kept_terms(scope, marks, wanted)
    return _made(partner, found, wanted, known, start) if found else _read_whole(scope, named, start)


def _contract(named: Named, partner: Partner) -> _Kind:
    return _Kind("contract", partner.default_contract_id if named.contract is None else named.contract)


def _wanted(named: Named, partner: Partner) -> list[_Kind]:
    discounts, fees = (_Kind("discount", one) for one in named.discounts), (_Kind("fee", one) for one in named.fees)
    return [_COMMON, _Kind("own", partner.default_contract_id), _contract(named, partner), *discounts, *fees]


def _kept_terms(scope: Scope, marks: str, wanted: Sequence[_Kind]) -> _Terms | None:
    """Return terms that were all read under these marks; None when some were not."""
    found = {}
    for kind in wanted:
        kept = _terms.find((scope, kind))
        if kept is None or kept.mark != marks:
            return None
        found[kind] = kept.value
    return found


def _read_whole(scope: Scope, named: Named, start: date) -> OrderTerms | None:
    """Read everything once more, all at one moment, and keep it."""
    row = first(
        [_TERMS],
        {
            **scope.filters(),
            "partner": named.partner,
            "payment": named.payment,
            "contract": named.contract,
            "discounts": list(named.discounts),
            "fees": list(named.fees),
        },
    )
    if row is None or row[0] is None:
        return None
    whole: Mapping[str, Any] = json.loads(row[0])
    if whole["setting"] is None:
        open_environment(scope)
        return _read_whole(scope, named, start)
    partner = from_json(Partner, whole["partner"])
    found = _found(whole, named, partner)
    _partners.keep((scope, named.partner), whole["version"], partner)
    if whole["marks"] != _UNMARKED:
        for kind, value in found.items():
            _terms.keep((scope, kind), whole["marks"], value)
    return _made(partner, found, _wanted(named, partner), whole["known"], start)


def _found(whole: Mapping[str, Any], named: Named, partner: Partner) -> _Terms:
    """Return by kind what was read; ids that nobody has are not among it."""
    calculators = Calculators(
        tuple(from_json(Calculator, row) for row in whole["calculators"] or ()),
        MappingProxyType(
            {row["key"]: ParameterValue(row["decimal"], row["scale"]) for row in whole["parameters"] or ()}
        ),
    )
    holidays = frozenset(map(date.fromisoformat, whole["holidays"] or ()))
    found: _Terms = {
        _COMMON: _Common(from_json(Setting, whole["setting"]), calculators, holidays),
        _Kind("own", partner.default_contract_id): from_json(Contract, whole["standard"]),
        **_by_policy("discount", DiscountSharePolicyVersion, DiscountSharePolicy, whole["discounts"]),
        **_by_policy("fee", AdditionalFeePolicyVersion, AdditionalFeePolicy, whole["fees"]),
    }
    # A contract has one version at least.
    versions = [from_json(ContractVersion, row) for row in whole["versions"] or ()]
    if versions:
        contract = from_json(Contract, whole["contract"])
        for version in versions:
            version.contract = contract
        found[_contract(named, partner)] = versions
    return found


def _by_policy(of: str, version: type[V], policy: type[Versioned], rows: Any) -> dict[_Kind, list[V]]:
    found: dict[_Kind, list[V]] = {}
    for one, its in rows or ():
        made: Any = from_json(version, one)
        made.policy = from_json(policy, its)
        found.setdefault(_Kind(of, made.policy.public_id), []).append(made)
    return found


def _made(partner: Partner, found: _Terms, wanted: Sequence[_Kind], known: str | None, start: date) -> OrderTerms:
    """Return copies of what counts on a day."""
    common: _Common = found[_COMMON]
    own = copied(partner, default_contract=found[_Kind("own", partner.default_contract_id)])
    counting: dict[str, dict[Any, Any]] = {"contract": {}, "discount": {}, "fee": {}}
    for kind in wanted:
        if kind.of in counting and kind in found:
            counting[kind.of][kind.named] = copied(terms.version_on(found[kind], start))
    return OrderTerms(
        partner=own,
        contract=next(iter(counting["contract"].values()), None),
        discounts=counting["discount"],
        fees=counting["fee"],
        setting=copied(common.setting),
        calculators=Calculators(tuple(map(copied, common.calculators.versions)), common.calculators.defaults),
        holidays=common.holidays,
        known=known,
    )

"""
Policies: contracts, discount share policies and additional fee policies.

A policy is its id and a row of versions. Changing it adds a version that counts from now on; the earlier ones stay,
because records with an earlier start date, and cancels for years to come, are computed by them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from django.db import IntegrityError, transaction
from django.forms.models import model_to_dict
from django.utils.translation import gettext as _

from access import audit
from core import ids
from core.actor import Actor
from core.errors import DomainError
from core.ids import IdKind
from core.scope import Scope
from ledger.posting import refused_by
from settlement.models import (
    AdditionalFeePolicy,
    AdditionalFeePolicyVersion,
    Contract,
    ContractVersion,
    DiscountSharePolicy,
    DiscountSharePolicyVersion,
    Version,
    Versioned,
)
from settlement.refusals import refuse

P = TypeVar("P", bound=Versioned)
V = TypeVar("V", bound=Version)
_OF_THE_VERSION = ("id", "number", "applied_at", "created_by", "contract", "policy")


@dataclass(frozen=True, slots=True)
class Kind(Generic[P, V]):
    """One kind of policy: its tables, the stem of its refusals, and how its versions point at it."""

    policy: type[P]
    version: type[V]
    id_kind: IdKind
    stem: str
    word: str
    key: str
    unique: str

    def refuse(self, code: str, status: int, message: str = "") -> DomainError:
        """Return a refusal with this kind's stem in place of the braces."""
        return refuse(code.format(self.stem), status, message)

    def not_found(self, public_id: str) -> DomainError:
        """Return the refusal for an id nobody has."""
        return self.refuse("{}_NOT_FOUND", 404, _("찾을 수 없어요: %(id)s") % {"id": public_id})

    def get(self, scope: Scope, public_id: str) -> P:
        """Return a policy with its current version. Raises the not-found refusal."""
        found: P | None = self._rows(scope, public_id).first()
        if found is None:
            raise self.not_found(public_id)
        return found

    def _rows(self, scope: Scope, public_id: str) -> Any:
        policies: Any = self.policy.objects
        return policies.within(scope).select_related("current").filter(public_id=public_id)

    def lock(self, scope: Scope, public_id: str) -> P:
        """Return a policy, locked until the transaction ends. Raises the not-found refusal."""
        found: P | None = self._rows(scope, public_id).select_for_update(of=("self",), no_key=True).first()
        if found is None:
            raise self.not_found(public_id)
        return found


CONTRACT: Kind[Contract, ContractVersion] = Kind(
    Contract, ContractVersion, ids.CONTRACT, "CONTRACT", "contract", "contract", "settlement_contract_id"
)
DISCOUNT_SHARE: Kind[DiscountSharePolicy, DiscountSharePolicyVersion] = Kind(
    DiscountSharePolicy,
    DiscountSharePolicyVersion,
    ids.DISCOUNT_SHARE_POLICY,
    "DISCOUNT_SHARE_POLICY",
    "discount_share_policy",
    "policy",
    "settlement_discount_policy_id",
)
ADDITIONAL_FEE: Kind[AdditionalFeePolicy, AdditionalFeePolicyVersion] = Kind(
    AdditionalFeePolicy,
    AdditionalFeePolicyVersion,
    ids.ADDITIONAL_FEE_POLICY,
    "ADDITIONAL_FEE_POLICY",
    "additional_fee_policy",
    "policy",
    "settlement_fee_policy_id",
)


def create_policy(
    kind: Kind[P, V], *, scope: Scope, by: Actor, now: datetime, public_id: str, columns: Mapping[str, Any]
) -> P:
    """Make a policy with its first version from version columns. Raises X_ALREADY_EXISTS."""
    public_id = public_id or ids.new_id(kind.id_kind, now)
    with transaction.atomic():
        try:
            with transaction.atomic():
                policy = kind.policy(**scope.filters(), public_id=public_id, created_at=now)
                policy.save(force_insert=True)
        except IntegrityError as error:
            if refused_by(error) != kind.unique:
                raise
            raise kind.refuse("{}_ALREADY_EXISTS", 409, _("이미 쓴 아이디예요: %(id)s") % {"id": public_id}) from error
        _add_version(kind, policy, columns, by, now)
        _record(kind, policy, "created", by, {"after": columns})
    return policy


def change_policy(
    kind: Kind[P, V],
    *,
    scope: Scope,
    by: Actor,
    now: datetime,
    public_id: str,
    columns: Mapping[str, Any],
) -> P:
    """
    Add a version that counts from now on: the current one with some version columns changed.

    A change that changes nothing adds none. Raises X_NOT_FOUND, ARCHIVED_X.
    """
    with transaction.atomic():
        policy = kind.lock(scope, public_id)
        if policy.is_archived:
            raise kind.refuse("ARCHIVED_{}", 409, _("보관한 정책은 바꿀 수 없어요. 먼저 복원해 주세요."))
        current: V = policy.current  # type: ignore[attr-defined] # each kind has its own `current`
        before = {name: getattr(current, name) for name in columns if getattr(current, name) != columns[name]}
        if before:
            whole = model_to_dict(current, exclude=_OF_THE_VERSION)
            _add_version(kind, policy, whole | dict(columns), by, now)
            after = {name: columns[name] for name in before}
            _record(kind, policy, "changed", by, {"before": before, "after": after})
    return policy


def archive_policy(kind: Kind[P, V], *, scope: Scope, by: Actor, public_id: str, archived: bool) -> P:
    """Archive or recover a policy; doing it again changes nothing. Raises X_NOT_FOUND."""
    with transaction.atomic():
        policy = kind.lock(scope, public_id)
        if policy.is_archived != archived:
            policy.is_archived = archived
            policy.save(update_fields=["is_archived"])
            _record(kind, policy, "archived" if archived else "recovered", by)
    return policy


def _add_version(kind: Kind[P, V], policy: P, columns: Mapping[str, Any], by: Actor, now: datetime) -> None:
    current: V | None = policy.current  # type: ignore[attr-defined] # each kind has its own `current`
    number = current.number + 1 if current else 1
    version = kind.version(number=number, applied_at=now, created_by=str(by)[:200], **{kind.key: policy}, **columns)
    version.save(force_insert=True)
    policy.current = version  # type: ignore[attr-defined] # each kind has its own `current`
    policy.save(update_fields=["current"])


def _record(
    kind: Kind[P, V],
    policy: P,
    verb: str,
    by: Actor,
    told: Mapping[str, Mapping[str, object]] | None = None,
) -> None:
    audit.record(
        scope=policy.scope,
        by=by,
        action=f"{kind.word}.{verb}",
        kind=kind.word,
        object_id=policy.public_id,
        before=told.get("before") if told else None,
        after=told.get("after") if told else None,
    )


# ---- discount share policies


def create_discount_share(
    *, scope: Scope, by: Actor, now: datetime, name: str, partner_share_rate: int, public_id: str = "", memo: str = ""
) -> DiscountSharePolicy:
    """Make a discount share policy; the rate is 0 to 100,000. Raises DISCOUNT_SHARE_POLICY_ALREADY_EXISTS."""
    columns = {"name": name, "memo": memo, "partner_share_rate": partner_share_rate}
    return create_policy(DISCOUNT_SHARE, scope=scope, by=by, now=now, public_id=public_id, columns=columns)


def change_discount_share(
    *,
    scope: Scope,
    by: Actor,
    now: datetime,
    public_id: str,
    name: str | None = None,
    partner_share_rate: int | None = None,
    memo: str | None = None,
) -> DiscountSharePolicy:
    """Change what is given, from now on. Raises DISCOUNT_SHARE_POLICY_NOT_FOUND, ARCHIVED_DISCOUNT_SHARE_POLICY."""
    columns = given(name=name, memo=memo, partner_share_rate=partner_share_rate)
    return change_policy(DISCOUNT_SHARE, scope=scope, by=by, now=now, public_id=public_id, columns=columns)


def archive_discount_share(*, scope: Scope, by: Actor, public_id: str) -> DiscountSharePolicy:
    """Archive a discount share policy; what refers to it goes on."""
    return archive_policy(DISCOUNT_SHARE, scope=scope, by=by, public_id=public_id, archived=True)


def recover_discount_share(*, scope: Scope, by: Actor, public_id: str) -> DiscountSharePolicy:
    """Bring an archived discount share policy back."""
    return archive_policy(DISCOUNT_SHARE, scope=scope, by=by, public_id=public_id, archived=False)


# ---- additional fee policies


@dataclass(frozen=True, slots=True)
class FeeInput:
    """A fee as it is asked for: a rate in 1/100,000 or a fixed amount in won."""

    rate: int = 0
    amount: int = 0
    is_fixed: bool = False

    def columns(self) -> dict[str, object]:
        """Return the columns that store it."""
        return {"fee_rate": self.rate, "fee_amount": self.amount, "fee_is_fixed": self.is_fixed}


def create_additional_fee(
    *,
    scope: Scope,
    by: Actor,
    now: datetime,
    name: str,
    fee: FeeInput,
    vat_payer: str,
    public_id: str = "",
    memo: str = "",
    third_party: str = "",
) -> AdditionalFeePolicy:
    """Make an additional fee policy. Raises ADDITIONAL_FEE_POLICY_ALREADY_EXISTS."""
    columns = {"name": name, "memo": memo, "vat_payer": vat_payer, "third_party": third_party, **fee.columns()}
    return create_policy(ADDITIONAL_FEE, scope=scope, by=by, now=now, public_id=public_id, columns=columns)


def change_additional_fee(
    *,
    scope: Scope,
    by: Actor,
    now: datetime,
    public_id: str,
    name: str | None = None,
    fee: FeeInput | None = None,
    vat_payer: str | None = None,
    memo: str | None = None,
    third_party: str | None = None,
) -> AdditionalFeePolicy:
    """Change what is given, from now on. Raises ADDITIONAL_FEE_POLICY_NOT_FOUND, ARCHIVED_ADDITIONAL_FEE_POLICY."""
    columns = given(name=name, memo=memo, vat_payer=vat_payer, third_party=third_party)
    columns |= fee.columns() if fee else {}
    return change_policy(ADDITIONAL_FEE, scope=scope, by=by, now=now, public_id=public_id, columns=columns)


def archive_additional_fee(*, scope: Scope, by: Actor, public_id: str) -> AdditionalFeePolicy:
    """Archive an additional fee policy; what refers to it goes on."""
    return archive_policy(ADDITIONAL_FEE, scope=scope, by=by, public_id=public_id, archived=True)


def recover_additional_fee(*, scope: Scope, by: Actor, public_id: str) -> AdditionalFeePolicy:
    """Bring an archived additional fee policy back."""
    return archive_policy(ADDITIONAL_FEE, scope=scope, by=by, public_id=public_id, archived=False)


def given(**values: object) -> dict[str, object]:
    """Return the values that are not None."""
    return {name: value for name, value in values.items() if value is not None}

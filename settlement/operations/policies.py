"""
Policies: contracts, discount share policies and additional fee policies.

A policy is its id and a row of versions. Changing it adds a version that counts from now on; the earlier ones stay,
because records with an earlier start date, and cancels for years to come, are computed by them. A change may be planned
for a moment to come (`schedules`); it stands as a version already, because start dates from that day on use it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from django.db import IntegrityError, transaction
from django.db.models import Max
from django.forms.models import model_to_dict
from django.utils.translation import gettext as _

from access import audit
from core import ids
from core.actor import Actor, system
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
    Schedule,
    ScheduleTarget,
    Version,
    Versioned,
)
from settlement.operations import recompute
from settlement.refusals import refuse

P = TypeVar("P", bound=Versioned)
V = TypeVar("V", bound=Version)
_OF_THE_VERSION = ("id", "number", "applied_at", "withdrawn_at", "created_by", "contract", "policy")


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
    target: ScheduleTarget

    def refuse(self, code: str, status: int, message: str = "") -> DomainError:
        """Return a refusal with this kind's stem in place of the braces."""
        return refuse(code.format(self.stem), status, message)

    def not_found(self, public_id: str) -> DomainError:
        """Return the refusal for an id nobody has."""
        return self.refuse("{}_NOT_FOUND", 404, _("찾을 수 없어요: %(id)s") % {"id": public_id})

    def archived(self) -> DomainError:
        """Return the refusal to change an archived policy."""
        return self.refuse("ARCHIVED_{}", 409, _("보관한 정책은 바꿀 수 없어요. 먼저 복원해 주세요."))

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
    Contract,
    ContractVersion,
    ids.CONTRACT,
    "CONTRACT",
    "contract",
    "contract",
    "settlement_contract_id",
    ScheduleTarget.CONTRACT,
)
DISCOUNT_SHARE: Kind[DiscountSharePolicy, DiscountSharePolicyVersion] = Kind(
    DiscountSharePolicy,
    DiscountSharePolicyVersion,
    ids.DISCOUNT_SHARE_POLICY,
    "DISCOUNT_SHARE_POLICY",
    "discount_share_policy",
    "policy",
    "settlement_discount_policy_id",
    ScheduleTarget.DISCOUNT_SHARE_POLICY,
)
ADDITIONAL_FEE: Kind[AdditionalFeePolicy, AdditionalFeePolicyVersion] = Kind(
    AdditionalFeePolicy,
    AdditionalFeePolicyVersion,
    ids.ADDITIONAL_FEE_POLICY,
    "ADDITIONAL_FEE_POLICY",
    "additional_fee_policy",
    "policy",
    "settlement_fee_policy_id",
    ScheduleTarget.ADDITIONAL_FEE_POLICY,
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
        _count_now(policy, add_version(kind, policy, columns, created_by=str(by), applied_at=now))
        record(kind, policy, "created", by, {"after": columns})
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

    A change that changes nothing adds none. A planned change stays planned, on top of this one. Raises X_NOT_FOUND,
    ARCHIVED_X.
    """
    with transaction.atomic():
        policy = kind.lock(scope, public_id)
        if policy.is_archived:
            raise kind.archived()
        take_effect(kind, policy, now=now)
        current: V = policy.current  # type: ignore[attr-defined] # each kind has its own `current`
        before = {name: getattr(current, name) for name in columns if getattr(current, name) != columns[name]}
        if before:
            whole = whole_columns(policy) | dict(columns)
            _count_now(policy, add_version(kind, policy, whole, created_by=str(by), applied_at=now))
            _plan_again(kind, policy, now)
            after = {name: columns[name] for name in before}
            record(kind, policy, "changed", by, {"before": before, "after": after})
            recompute.enqueue(scope=scope, by=by, now=now, reason=f"{kind.word}.changed {public_id}")
    return policy


def archive_policy(kind: Kind[P, V], *, scope: Scope, by: Actor, public_id: str, archived: bool) -> P:
    """Archive or recover a policy; doing it again changes nothing. Raises X_NOT_FOUND, CANNOT_ARCHIVE_SCHEDULED_X."""
    with transaction.atomic():
        policy = kind.lock(scope, public_id)
        if archived and planned(kind, policy) is not None:
            message = _("예약한 변경이 있어 보관할 수 없어요. 먼저 예약을 취소해 주세요.")
            raise kind.refuse("CANNOT_ARCHIVE_SCHEDULED_{}", 409, message)
        if policy.is_archived != archived:
            policy.is_archived = archived
            policy.save(update_fields=["is_archived"])
            record(kind, policy, "archived" if archived else "recovered", by)
    return policy


# ---- versions, for whoever holds the policy's lock


def whole_columns(policy: Versioned) -> dict[str, Any]:
    """Return the version columns of what a policy says now."""
    return model_to_dict(policy.current, exclude=_OF_THE_VERSION)  # type: ignore[attr-defined] # each kind has its own


def add_version(kind: Kind[P, V], policy: P, columns: Mapping[str, Any], *, created_by: str, applied_at: datetime) -> V:
    """Add the next version; its number tells in which order versions were made, not when they count."""
    others: Any = kind.version._default_manager.filter(**{kind.key: policy})  # noqa: SLF001 - public in all but name
    number = (others.aggregate(last=Max("number"))["last"] or 0) + 1
    whole = {kind.key: policy, **columns}
    version = kind.version(number=number, applied_at=applied_at, created_by=created_by[:200], **whole)
    version.save(force_insert=True)
    return version


def planned(kind: Kind[P, V], policy: P) -> Schedule | None:
    """Return the one change that waits for its moment."""
    return Schedule.objects.filter(target=kind.target, target_id=policy.pk).first()


def withdraw(kind: Kind[P, V], plan: Schedule, now: datetime) -> None:
    """Let the version of a planned change count no more."""
    versions: Any = kind.version._default_manager  # noqa: SLF001 - public in all but name
    versions.filter(pk=plan.version_id).update(withdrawn_at=now)


def take_effect(kind: Kind[P, V], policy: P, *, now: datetime) -> bool:
    """Let a planned change whose moment has come be what the policy says; say whether there was one."""
    plan = planned(kind, policy)
    if plan is None or plan.applied_at > now:
        return False
    versions: Any = kind.version._default_manager  # noqa: SLF001 - public in all but name
    _count_now(policy, versions.get(pk=plan.version_id))
    plan.delete()
    record(kind, policy, "planned_change_applied", system("settlement.schedules"), {"after": plan.update})
    return True


def _count_now(policy: P, version: Version) -> None:
    policy.current = version  # type: ignore[attr-defined] # each kind has its own `current`
    policy.save(update_fields=["current"])


def _plan_again(kind: Kind[P, V], policy: P, now: datetime) -> None:
    """Put a planned change on top of what the policy says now."""
    plan = planned(kind, policy)
    if plan is None:
        return
    withdraw(kind, plan, now)
    whole = whole_columns(policy) | plan.update
    plan.version_id = add_version(kind, policy, whole, created_by=plan.created_by, applied_at=plan.applied_at).pk
    plan.save(update_fields=["version_id"])


def record(
    kind: Kind[P, V],
    policy: P,
    verb: str,
    by: Actor,
    told: Mapping[str, Mapping[str, object]] | None = None,
) -> None:
    """Add a policy's event to the audit trail."""
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
    columns = discount_share_columns(name=name, memo=memo, partner_share_rate=partner_share_rate)
    return change_policy(DISCOUNT_SHARE, scope=scope, by=by, now=now, public_id=public_id, columns=columns)


def discount_share_columns(
    *, name: str | None = None, partner_share_rate: int | None = None, memo: str | None = None
) -> dict[str, object]:
    """Return the version columns of what is given."""
    return given(name=name, memo=memo, partner_share_rate=partner_share_rate)


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
    columns = additional_fee_columns(name=name, memo=memo, fee=fee, vat_payer=vat_payer, third_party=third_party)
    return change_policy(ADDITIONAL_FEE, scope=scope, by=by, now=now, public_id=public_id, columns=columns)


def additional_fee_columns(
    *,
    name: str | None = None,
    fee: FeeInput | None = None,
    vat_payer: str | None = None,
    memo: str | None = None,
    third_party: str | None = None,
) -> dict[str, object]:
    """Return the version columns of what is given."""
    columns = given(name=name, memo=memo, vat_payer=vat_payer, third_party=third_party)
    return columns | (fee.columns() if fee else {})


def archive_additional_fee(*, scope: Scope, by: Actor, public_id: str) -> AdditionalFeePolicy:
    """Archive an additional fee policy; what refers to it goes on."""
    return archive_policy(ADDITIONAL_FEE, scope=scope, by=by, public_id=public_id, archived=True)


def recover_additional_fee(*, scope: Scope, by: Actor, public_id: str) -> AdditionalFeePolicy:
    """Bring an archived additional fee policy back."""
    return archive_policy(ADDITIONAL_FEE, scope=scope, by=by, public_id=public_id, archived=False)


def given(**values: object) -> dict[str, object]:
    """Return the values that are not None."""
    return {name: value for name, value in values.items() if value is not None}

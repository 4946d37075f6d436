"""
Changes planned for a moment to come, one per policy or partner.

A policy's planned change stands as a version already, because start dates from that day on are computed with it. A
partner's waits sealed, as it may hold an account number. A sweeper lets each take effect once, when its moment has
come: the row goes in the transaction that makes the change. A partner's change that can no longer be made is kept with
the reason, until somebody replaces or drops it.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from access import audit, sealed
from core.actor import Actor, ActorKind, system
from core.errors import DomainError, InvalidRequest
from core.scope import Scope
from settlement.models import Partner, PartnerType, Schedule, ScheduleTarget
from settlement.operations import partners, policies, recompute
from settlement.operations.partners import Account, PartnerChanges
from settlement.operations.policies import ADDITIONAL_FEE, CONTRACT, DISCOUNT_SHARE, Kind, P, V
from settlement.refusals import partner_not_found, partner_schedules_exist, partners_archived, refuse

TABLE, COLUMN = "settlement_schedule", "sealed_update"
_KINDS: Mapping[str, Kind[Any, Any]] = {kind.target.value: kind for kind in (CONTRACT, DISCOUNT_SHARE, ADDITIONAL_FEE)}
_AT_ONCE = 100


def _check_ahead(applied_at: datetime, now: datetime) -> None:
    if applied_at <= now:
        raise InvalidRequest(_("적용 시각은 지금보다 뒤여야 해요."), field="appliedAt")


# ---- policies


def policy_version(kind: Kind[P, V], *, scope: Scope, public_id: str) -> V:
    """Return a policy as its planned change will make it. Raises X_NOT_FOUND, also when nothing is planned."""
    policy = kind.get(scope, public_id)
    plan = policies.planned(kind, policy)
    if plan is None:
        raise kind.not_found(public_id)
    versions: Any = kind.version._default_manager  # noqa: SLF001 - public in all but name
    found: V = versions.select_related(kind.key).get(pk=plan.version_id)
    return found


def plan_policy(
    kind: Kind[P, V],
    *,
    scope: Scope,
    by: Actor,
    now: datetime,
    public_id: str,
    columns: Mapping[str, Any],
    applied_at: datetime,
    replacing: bool = False,
) -> V:
    """
    Plan a change of version columns; with `replacing` it takes the place of the one that is planned.

    Raises X_NOT_FOUND (replacing: also when nothing is planned), ARCHIVED_X, X_SCHEDULE_ALREADY_EXISTS, InvalidRequest
    for a moment that has passed.
    """
    _check_ahead(applied_at, now)
    with transaction.atomic():
        policy = kind.lock(scope, public_id)
        policies.take_effect(kind, policy, now=now)
        plan = policies.planned(kind, policy)
        if replacing and plan is None:
            raise kind.not_found(public_id)
        if policy.is_archived:
            raise kind.archived()
        if plan is None:
            plan = Schedule(**scope.filters(), target=kind.target, target_id=policy.pk, created_at=now)
        elif replacing:
            policies.withdraw(kind, plan, now)
        else:
            message = _("이미 예약한 변경이 있어요. 바꾸거나 취소해 주세요.")
            raise kind.refuse("{}_SCHEDULE_ALREADY_EXISTS", 409, message)
        whole = policies.whole_columns(policy) | dict(columns)
        version = policies.add_version(kind, policy, whole, created_by=str(by), applied_at=applied_at)
        plan.update, plan.applied_at, plan.version_id = dict(columns), applied_at, version.pk
        plan.created_by = str(by)[:200]
        plan.save()
        told = {"after": {**columns, "applied_at": applied_at.isoformat()}}
        policies.record(kind, policy, "change_planned", by, told)
        recompute.enqueue(scope=scope, by=by, now=now, reason=f"{kind.word}.change_planned {public_id}")
    return version


def drop_policy(kind: Kind[P, V], *, scope: Scope, by: Actor, now: datetime, public_id: str) -> None:
    """Drop the planned change. Raises X_NOT_FOUND, also when nothing is planned."""
    with transaction.atomic():
        policy = kind.lock(scope, public_id)
        policies.take_effect(kind, policy, now=now)
        plan = policies.planned(kind, policy)
        if plan is None:
            raise kind.not_found(public_id)
        policies.withdraw(kind, plan, now)
        plan.delete()
        policies.record(kind, policy, "planned_change_dropped", by, {"before": plan.update})
        recompute.enqueue(scope=scope, by=by, now=now, reason=f"{kind.word}.planned_change_dropped {public_id}")


# ---- partners


def of_partner(partner: Partner) -> Schedule | None:
    """Return a partner's planned change, or the one that failed and waits for somebody to look at it."""
    return Schedule.objects.filter(target=ScheduleTarget.PARTNER, target_id=partner.pk).first()


def partner_as_planned(*, scope: Scope, public_id: str) -> Partner:
    """Return a partner, not to be saved, as its planned change will make it. Raises PARTNER_NOT_FOUND."""
    partner = partners.get(scope, public_id)
    plan = of_partner(partner)
    if plan is None or plan.failure:
        raise partner_not_found(public_id)
    changes, _by = _opened(plan, partner)
    return partners.as_changed(partner, changes, plan.applied_at)


def planned_changes(plan: Schedule, partner: Partner) -> PartnerChanges:
    """Return what a partner's planned change says, for a form that is to show it again."""
    return _opened(plan, partner)[0]


def plan_partner(
    *,
    scope: Scope,
    by: Actor,
    now: datetime,
    public_id: str,
    changes: PartnerChanges,
    applied_at: datetime,
    replacing: bool = False,
) -> Partner:
    """
    Plan a change of a partner and return it as it will be; verifications are used now.

    A failed plan is replaced. Raises what `partners.change` raises, PARTNER_SCHEDULE_ALREADY_EXISTS, InvalidRequest for
    a moment that has passed; with `replacing` PARTNER_NOT_FOUND when nothing is planned.
    """
    _check_ahead(applied_at, now)
    with transaction.atomic():
        partner = partners.lock(scope, public_id)
        catch_up(partner, now)
        plan = of_partner(partner)
        if replacing and plan is None:
            raise partner_not_found(public_id)
        if partner.is_archived:
            raise partners.archived_partner()
        if plan is not None and not replacing and not plan.failure:
            message = _("이미 예약한 변경이 있어요. 바꾸거나 취소해 주세요.")
            raise refuse("PARTNER_SCHEDULE_ALREADY_EXISTS", 409, message)
        changes = partners.use_verifications(partner, changes, now)
        if plan is not None:
            plan.delete()
        _planned(partner, changes, by, now, applied_at).save(force_insert=True)
        _record(partner, by, "partner.change_planned", after={**_named(changes), "applied_at": applied_at.isoformat()})
        return partners.as_changed(partner, changes, applied_at)


def plan_partners(
    *, scope: Scope, by: Actor, now: datetime, condition: Q, changes: PartnerChanges, applied_at: datetime
) -> int:
    """
    Plan one change for every partner of a filter, all or none; return for how many.

    Raises what `partners.change` raises, PARTNER_SCHEDULES_ALREADY_EXIST, ARCHIVED_PARTNERS_CANNOT_BE_SCHEDULED,
    InvalidRequest for a moment that has passed.
    """
    _check_ahead(applied_at, now)
    with transaction.atomic():
        rows = Partner.objects.within(scope).select_related("default_contract").filter(condition).order_by("pk")
        found = list(rows.select_for_update(of=("self",), no_key=True))
        if archived := [one.public_id for one in found if one.is_archived]:
            raise partners_archived(archived)
        plans = Schedule.objects.filter(target=ScheduleTarget.PARTNER, target_id__in=[one.pk for one in found])
        waiting = set(plans.filter(failure="").values_list("target_id", flat=True))
        if waiting:
            raise partner_schedules_exist([one.public_id for one in found if one.pk in waiting])
        plans.delete()
        if found:
            changes = partners.use_verifications(found[0], changes, now)
        made = [_planned(one, changes, by, now, applied_at) for one in found]
        Schedule.objects.bulk_create(made, batch_size=1_000)
        for one in found:
            _record(one, by, "partner.change_planned", after={**_named(changes), "applied_at": applied_at.isoformat()})
            partners.as_changed(one, changes, applied_at)
    return len(found)


def drop_partner(*, scope: Scope, by: Actor, public_id: str) -> None:
    """Drop the planned change, or the failed one. Raises PARTNER_NOT_FOUND, also when there is none."""
    with transaction.atomic():
        partner = partners.lock(scope, public_id)
        plan = of_partner(partner)
        if plan is None:
            raise partner_not_found(public_id)
        plan.delete()
        _record(partner, by, "partner.planned_change_dropped", before=plan.update)


# ---- when the moment has come


def apply_due(*, now: datetime) -> int:
    """Let every planned change whose moment has come take effect, oldest first; return how many did."""
    applied = 0
    due = Schedule.objects.filter(applied_at__lte=now, failure="").order_by("applied_at", "pk")
    while found := list(due[:_AT_ONCE]):
        applied += sum(_apply(plan, now) for plan in found)
    return applied


def _apply(plan: Schedule, now: datetime) -> bool:
    kind = _KINDS.get(plan.target)
    with transaction.atomic():
        if kind is not None:
            policy = kind.policy.objects.select_related("current").select_for_update(of=("self",), no_key=True)
            return policies.take_effect(kind, policy.get(pk=plan.target_id), now=now)
        rows = Partner.objects.select_related("default_contract").select_for_update(of=("self",), no_key=True)
        partner = rows.get(pk=plan.target_id)
        # It reads again under the lock: another worker, a replacement or a drop may have been faster.
        return catch_up(partner, now)


def catch_up(partner: Partner, now: datetime) -> bool:
    """Let a locked partner's planned change take effect if its moment has come; say whether it did."""
    plan = of_partner(partner)
    if plan is None or plan.failure or plan.applied_at > now:
        return False
    return _take_effect(partner, plan, now)


partners.before_changes(catch_up)


def _take_effect(partner: Partner, plan: Schedule, now: datetime) -> bool:
    """Make the planned change of a locked partner; False, and the reason kept, when it cannot be made."""
    try:
        changes, by = _opened(plan, partner)
        with transaction.atomic():
            partners.apply(partner, changes, by=by, now=now)
            plan.delete()
    except (DomainError, sealed.CannotOpen) as error:
        message = str(error.message) if isinstance(error, DomainError) else ""
        plan.failure = message or _("예약한 변경을 적용하지 못했어요.")
        plan.save(update_fields=["failure"])
        partner.refresh_from_db()
        who = system("settlement.schedules")
        _record(partner, who, "partner.planned_change_failed", before=plan.update, after={"failure": plan.failure})
        return False
    return True


# ---- how a partner's change is kept


def _planned(partner: Partner, changes: PartnerChanges, by: Actor, now: datetime, applied_at: datetime) -> Schedule:
    who = {"kind": by.kind.value, "name": by.name, "user_id": by.user_id, "secret_id": by.secret_id}
    whole = json.dumps({"by": who, "changes": asdict(changes)}, default=str, ensure_ascii=False)
    return Schedule(
        **partner.scope.filters(),
        target=ScheduleTarget.PARTNER,
        target_id=partner.pk,
        update=_named(changes),
        sealed_update=sealed.seal(whole, table=TABLE, column=COLUMN, row=_place(partner)),
        applied_at=applied_at,
        created_at=now,
        created_by=str(by)[:200],
    )


def _opened(plan: Schedule, partner: Partner) -> tuple[PartnerChanges, Actor]:
    """Return a planned change and who planned it."""
    text = sealed.unseal(plan.sealed_update or b"", table=TABLE, column=COLUMN, row=_place(partner))
    whole = json.loads(text)
    changes = PartnerChanges(**whole["changes"])
    if changes.account is not None:
        changes = replace(changes, account=Account(**whole["changes"]["account"]))
    if changes.type is not None:
        changes = replace(changes, type=PartnerType(changes.type))
    taxpayer = dict(changes.taxpayer or {})
    if taxpayer.get("birthdate") is not None:
        taxpayer["birthdate"] = date.fromisoformat(str(taxpayer["birthdate"]))
        changes = replace(changes, taxpayer=taxpayer)
    who = whole["by"]
    return changes, Actor(ActorKind(who["kind"]), who["name"], user_id=who["user_id"], secret_id=who["secret_id"])


def _place(partner: Partner) -> str:
    scope = partner.scope
    return f"{scope.merchant_id}/{'test' if scope.is_test else 'live'}/{partner.public_id}"


def _named(changes: PartnerChanges) -> dict[str, object]:
    """Return what changes, without account number and property values."""
    told = {name: value for name, value in asdict(changes).items() if value not in (None, "", {}, [], ())}
    if changes.account is not None:
        told["account"] = {
            "bank": changes.account.bank,
            "currency": changes.account.currency,
            "last4": sealed.last4(changes.account.number),
            "holder": changes.account.holder,
        }
    if changes.tags is not None:
        told["tags"] = list(changes.tags)
    if changes.properties:
        told["properties"] = sorted(changes.properties)
    found: dict[str, object] = json.loads(json.dumps(told, default=str))
    return found


def _record(partner: Partner, by: Actor, action: str, **told: Mapping[str, object]) -> None:
    audit.record(
        scope=partner.scope,
        by=by,
        action=action,
        kind=partners.KIND,
        object_id=partner.public_id,
        before=told.get("before"),
        after=told.get("after"),
    )

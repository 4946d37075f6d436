"""Reads: who belongs where, which secrets exist, what the trail says."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from access.models import ApiSecret, AuditEvent, Membership, RoleChange, User
from access.roles import Role
from core.actor import Actor, ActorKind
from core.errors import NotFound
from core.models import Job
from core.scope import Scope


def memberships_of(user: User) -> QuerySet[Membership]:
    """Return the merchants a person may enter, by name."""
    return (
        Membership.objects.filter(user=user, is_active=True).select_related("merchant").order_by("merchant__name", "pk")
    )


def members(scope: Scope) -> QuerySet[Membership]:
    """Return everybody who is or was in the merchant, by user name."""
    return Membership.objects.filter(merchant_id=scope.merchant_id).select_related("user").order_by("user__username")


def member(scope: Scope, user_id: str) -> Membership:
    """Return one person's membership by the person's public id. Raises NotFound, also for another merchant's people."""
    found = members(scope).filter(user__public_id=user_id).first()
    if found is None:
        raise NotFound
    return found


def other_admins(scope: Scope, *, than: Actor) -> bool:
    """Say whether somebody else could confirm what this admin asks for."""
    admins = Membership.objects.filter(
        merchant_id=scope.merchant_id, role=Role.ADMIN, is_active=True, user__is_active=True
    )
    return admins.exclude(user_id=than.user_id or 0).exists()


def pending_role_changes(scope: Scope) -> QuerySet[RoleChange]:
    """Return the role changes that wait for a second admin, oldest first."""
    pending = RoleChange.objects.filter(merchant_id=scope.merchant_id, state=RoleChange.State.PENDING)
    return pending.select_related("user", "requested_by").order_by("id")


def api_secrets(scope: Scope) -> QuerySet[ApiSecret]:
    """Return the merchant's API secrets, newest first."""
    return ApiSecret.objects.filter(merchant_id=scope.merchant_id).select_related("owner").order_by("-id")


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """What to look for in the trail; empty means anything. `since` is included, `until` is not."""

    since: datetime | None = None
    until: datetime | None = None
    actor: str = ""
    action: str = ""
    kind: str = ""
    object_id: str = ""
    is_test: bool | None = None


def audit_events(scope: Scope, wanted: AuditFilter, *, before_id: int | None = None) -> QuerySet[AuditEvent]:
    """Return events of the merchant, newest first, from the one before `before_id` on."""
    condition = Q(merchant_id=scope.merchant_id)
    if before_id is not None:
        condition &= Q(id__lt=before_id)
    if wanted.since:
        condition &= Q(at__gte=wanted.since)
    if wanted.until:
        condition &= Q(at__lt=wanted.until)
    if wanted.is_test is not None:
        condition &= Q(is_test=wanted.is_test)
    if wanted.action:
        condition &= Q(action__startswith=wanted.action)
    if wanted.kind:
        condition &= Q(object_kind=wanted.kind)
    if wanted.object_id:
        condition &= Q(object_id=wanted.object_id)
    if wanted.actor:
        condition &= Q(actor_name__icontains=wanted.actor)
    return AuditEvent.objects.filter(condition).order_by("-id")


def history(scope: Scope, kind: str, object_id: str, *, limit: int = 100) -> QuerySet[AuditEvent]:
    """Return what happened to one object, newest first: the 변경 이력 of a detail page."""
    return AuditEvent.objects.filter(**scope.filters(), object_kind=kind, object_id=object_id).order_by("-id")[:limit]


def actor_for(user: User, *, request_id: str = "", address: str = "") -> Actor:
    """Return the actor that stands for a person."""
    return Actor(ActorKind.USER, user.username, user_id=user.pk, request_id=request_id, address=address)


def user_history(scope: Scope, user_id: str, *, limit: int = 50) -> QuerySet[AuditEvent]:
    """Return what happened to a person in this merchant, newest first, whichever side was shown."""
    events = AuditEvent.objects.filter(merchant_id=scope.merchant_id, object_kind="user", object_id=user_id)
    return events.order_by("-id")[:limit]


def last_verification(scope: Scope, kind: str) -> Job | None:
    """Return the newest check of the trail's seals that this merchant asked for."""
    return Job.objects.within(scope).filter(kind=kind).order_by("-id").first()

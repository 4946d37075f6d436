"""
Who may do what: the roles of people and the scopes of API secrets.

One table for the whole product. An admin is not an approver, and an API secret never approves a payout.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from functools import wraps
from typing import Any, ClassVar, TypeVar, cast

from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.translation import gettext_lazy as _

View = TypeVar("View", bound=Callable[..., HttpResponseBase])


class Role(models.TextChoices):
    """What a person is in one merchant."""

    VIEWER = "viewer", _("조회자")
    OPERATOR = "operator", _("정산 담당자")
    APPROVER = "approver", _("승인자")
    ADMIN = "admin", _("관리자")


class Permission(StrEnum):
    """What a page or an operation asks for."""

    VIEW = "view"
    EXPORT = "export"
    EDIT = "edit"
    ACCOUNT_ASK = "account.ask"
    ACCOUNT_DECIDE = "account.decide"
    PAYOUTS_SUBMIT = "payouts.submit"
    PAYOUTS_APPROVE = "payouts.approve"
    PAYOUTS_STOP = "payouts.stop"
    UNKNOWN_PROPOSE = "unknown.propose"
    UNKNOWN_CONFIRM = "unknown.confirm"
    REVEAL = "reveal"
    MANAGE = "manage"
    AUDIT = "audit"


_EVERYBODY = frozenset({Permission.VIEW, Permission.EXPORT})

ROLE_PERMISSIONS: Mapping[Role, frozenset[Permission]] = {
    Role.VIEWER: _EVERYBODY,
    Role.OPERATOR: _EVERYBODY
    | {
        Permission.EDIT,
        Permission.ACCOUNT_ASK,
        Permission.PAYOUTS_SUBMIT,
        Permission.PAYOUTS_STOP,
        Permission.UNKNOWN_PROPOSE,
        Permission.REVEAL,
    },
    Role.APPROVER: _EVERYBODY
    | {
        Permission.ACCOUNT_DECIDE,
        Permission.PAYOUTS_APPROVE,
        Permission.PAYOUTS_STOP,
        Permission.UNKNOWN_CONFIRM,
        Permission.REVEAL,
        Permission.AUDIT,
    },
    Role.ADMIN: _EVERYBODY | {Permission.PAYOUTS_STOP, Permission.MANAGE, Permission.AUDIT},
}

# Whoever approves money or hands out rights proves it with a second factor.
NEEDS_CODE = frozenset({Role.APPROVER, Role.ADMIN})


class ApiScope(models.TextChoices):
    """What an API secret may be used for."""

    READ = "read", _("읽기")
    WRITE = "write", _("등록·수정")
    PAYOUTS_SUBMIT = "payouts:submit", _("일괄지급 만들기·승인 요청")
    PAYOUTS_COMPLETE = "payouts:complete", _("지급 완료 처리")
    WEBHOOKS = "webhooks", _("웹훅 관리")
    MATCHING_READ = "matching:read", _("송장 매칭 읽기")
    MATCHING_WRITE = "matching:write", _("송장 매칭 등록·수정")
    MATCHING_APPROVE = "matching:approve", _("송장 불일치 승인")
    MATCHING_POST = "matching:post", _("송장 전기")
    RECONCILIATION_READ = "reconciliation:read", _("대사 읽기")
    RECONCILIATION_WRITE = "reconciliation:write", _("조정 파일·청구 기록 등록")
    RECONCILIATION_DECIDE = "reconciliation:decide", _("조정 파일 반영·차이 결정·기간 마감")


DEFAULT_SCOPES = (ApiScope.READ, ApiScope.WRITE, ApiScope.PAYOUTS_COMPLETE)


def allowed(role: str | None, permission: Permission | str) -> bool:
    """Say whether a role holds a permission. Nobody's role holds none. Raises ValueError for an unknown word."""
    needed = Permission(permission)
    return role is not None and needed in ROLE_PERMISSIONS[Role(role)]


def check(request: HttpRequest, permission: Permission | str) -> None:
    """Raise PermissionDenied unless the signed-in person's role holds the permission."""
    if not allowed(getattr(request, "role", None), permission):
        raise PermissionDenied(_("이 작업을 할 권한이 없어요. 관리자에게 권한을 요청해 주세요."))


def require(permission: Permission | str) -> Callable[[View], View]:
    """Decorate a function view: only roles that hold the permission get in, everybody else gets 403."""
    needed = Permission(permission)

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            check(request, needed)
            return view(request, *args, **kwargs)

        return cast("View", guarded)

    return decorate


class RequiresPermission:
    """Mixin of class views, before the view class: `permission` names what every method needs."""

    permission: ClassVar[Permission | str]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Check the permission, then dispatch."""
        check(request, self.permission)
        answer: HttpResponseBase = super().dispatch(request, *args, **kwargs)  # type: ignore[misc] # the view class comes next in the MRO
        return answer

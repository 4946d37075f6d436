"""Promise: a role may do exactly what the table says, no more and no less."""

import pytest
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django.views import View

from access.roles import DEFAULT_SCOPES, NEEDS_CODE, ApiScope, Permission, RequiresPermission, Role, allowed, require

EVERYBODY = {Role.VIEWER, Role.OPERATOR, Role.APPROVER, Role.ADMIN}
TABLE = {
    Permission.VIEW: EVERYBODY,
    Permission.EXPORT: EVERYBODY,
    Permission.EDIT: {Role.OPERATOR},
    Permission.ACCOUNT_ASK: {Role.OPERATOR},
    Permission.ACCOUNT_DECIDE: {Role.APPROVER},
    Permission.PAYOUTS_SUBMIT: {Role.OPERATOR},
    Permission.PAYOUTS_APPROVE: {Role.APPROVER},
    Permission.PAYOUTS_STOP: {Role.OPERATOR, Role.APPROVER, Role.ADMIN},
    Permission.UNKNOWN_PROPOSE: {Role.OPERATOR},
    Permission.UNKNOWN_CONFIRM: {Role.APPROVER},
    Permission.REVEAL: {Role.OPERATOR, Role.APPROVER},
    Permission.MANAGE: {Role.ADMIN},
    Permission.AUDIT: {Role.APPROVER, Role.ADMIN},
}


def request_of(role: Role | None) -> HttpRequest:
    request = RequestFactory().get("/")
    request.role = role  # type: ignore[attr-defined] # what the middleware does
    return request


@require(Permission.MANAGE)
def guarded_function(_request: HttpRequest) -> HttpResponse:
    return HttpResponse("in")


class GuardedView(RequiresPermission, View):
    permission = Permission.MANAGE

    def get(self, _request: HttpRequest) -> HttpResponse:
        return HttpResponse("in")


def test_the_table_names_every_permission() -> None:
    assert set(TABLE) == set(Permission)


@pytest.mark.parametrize("permission", Permission)
@pytest.mark.parametrize("role", Role)
def test_role_by_permission(role: Role, permission: Permission) -> None:
    assert allowed(role, permission) is (role in TABLE[permission])
    assert allowed(role.value, permission.value) is (role in TABLE[permission])


def test_nobody_holds_nothing_and_unknown_words_are_mistakes() -> None:
    assert not any(allowed(None, permission) for permission in Permission)
    with pytest.raises(ValueError, match="fly"):
        allowed(Role.ADMIN, "fly")


@pytest.mark.parametrize("view", [guarded_function, GuardedView.as_view()])
def test_views_let_only_the_permitted_in(view: object) -> None:
    assert callable(view)
    assert view(request_of(Role.ADMIN)).content == b"in"
    for role in (Role.VIEWER, Role.OPERATOR, Role.APPROVER, None):
        with pytest.raises(PermissionDenied):
            view(request_of(role))


def test_whoever_approves_or_manages_needs_a_second_factor() -> None:
    powerful = {role for role in Role if allowed(role, Permission.PAYOUTS_APPROVE) or allowed(role, Permission.MANAGE)}
    assert powerful == set(NEEDS_CODE)


def test_default_scopes_cannot_submit_bulk_payouts() -> None:
    assert set(DEFAULT_SCOPES) == {ApiScope.READ, ApiScope.WRITE, ApiScope.PAYOUTS_COMPLETE}

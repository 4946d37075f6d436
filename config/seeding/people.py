"""Merchants and the people and secrets of the demo, with the passwords the launcher made and shows."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from access.credentials import keep_code
from access.models import ApiSecret, Merchant, User
from access.operations import add_user, create_merchant
from access.roles import ApiScope, Role
from config.demo_secrets import DemoUser
from core.actor import Actor
from core.scope import Scope

_NAMES = {
    "operator": "김정산",
    "approver": "박승인",
    "approver2": "최결재",
    "viewer": "이열람",
    "admin": "정관리",
}
_ROLES = {
    "operator": Role.OPERATOR,
    "approver": Role.APPROVER,
    "approver2": Role.APPROVER,
    "viewer": Role.VIEWER,
    "admin": Role.ADMIN,
}


@dataclass(frozen=True, slots=True)
class Team:
    """A merchant with its people by role."""

    merchant: Merchant
    users: Mapping[str, User]

    @property
    def scope(self) -> Scope:
        """Return the merchant's live scope."""
        return Scope(self.merchant.pk)


def make_team(
    *, name: str, business_number: str, users: Mapping[str, DemoUser], api_secret: str, by: Actor, now: datetime
) -> Team:
    """Make a merchant, its people with second factors, and one API secret."""
    merchant = create_merchant(name=name, business_number=business_number, by=by, now=now)
    scope = Scope(merchant.pk)
    made: dict[str, User] = {}
    for role, shown in users.items():
        user = add_user(
            scope=scope,
            username=shown["username"],
            name=_NAMES[role],
            email=f"{shown['username']}@example.com",
            role=_ROLES[role],
            password=shown["password"],
            by=by,
            now=now,
        )
        keep_code(user=user, secret=shown["totpSecret"])
        made[role] = user
    _keep_api_secret(merchant, api_secret, made["operator"], now)
    return Team(merchant, made)


def _keep_api_secret(merchant: Merchant, text: str, owner: User, now: datetime) -> None:
    """Store an API secret whose text the launcher chose, as `issue` stores one it makes."""
    ApiSecret.objects.create(
        merchant=merchant,
        prefix=text.partition(".")[0],
        digest=sha256(text.encode()).digest(),
        name="데모 백엔드",
        scopes=sorted(scope.value for scope in ApiScope),
        owner=owner,
        created_at=now,
    )

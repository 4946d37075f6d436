"""Builders: a merchant, its people, its API secrets. People have names; each test says what it needs."""

from dataclasses import dataclass

from django.test import Client
from django.utils import timezone

from access import api_secrets, credentials, operations, queries, totp
from access.models import ApiSecret, Merchant, User
from access.roles import DEFAULT_SCOPES, ApiScope, Role
from core.actor import Actor, system
from core.scope import Scope

SETUP = system("tests")
PASSWORD = "a long and private phrase"
CODE_SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


@dataclass(frozen=True)
class Firm:
    """A merchant with a scope and whoever a test added."""

    merchant: Merchant
    scope: Scope

    def person(self, username: str, role: Role = Role.VIEWER, *, code: bool = False) -> User:
        """Add a person who signs in with PASSWORD, and with codes of CODE_SECRET if asked."""
        user = operations.add_user(
            scope=self.scope,
            username=username,
            name=username.title(),
            role=role,
            password=PASSWORD,
            by=SETUP,
            now=timezone.now(),
        )
        if code:
            credentials.keep_code(user=user, secret=CODE_SECRET)
            user.refresh_from_db()
        return user

    def secret(
        self, owner: User, scopes: tuple[ApiScope, ...] = DEFAULT_SCOPES, *, test_only: bool = False
    ) -> tuple[ApiSecret, str]:
        """Issue an API secret."""
        return api_secrets.issue(
            scope=self.scope,
            name="backend",
            owner=owner,
            scopes=scopes,
            test_only=test_only,
            by=SETUP,
            now=timezone.now(),
        )


def firm(name: str = "Moon Market") -> Firm:
    """Add a merchant."""
    merchant = operations.create_merchant(name=name, by=SETUP, now=timezone.now())
    return Firm(merchant, Scope(merchant.pk))


def actor(user: User) -> Actor:
    """Return the actor that stands for a person."""
    return queries.actor_for(user, request_id="test-request", address="192.0.2.1")


def code_now(secret: str = CODE_SECRET) -> str:
    """Return what an authenticator shows now."""
    return totp.code_at(secret, timezone.now())


def signed_in(user: User) -> Client:
    """Return a browser in which a person has signed in, with a code if there is one."""
    browser = Client()
    browser.post("/login/", {"username": user.username, "password": PASSWORD})
    if user.has_code:
        User.objects.filter(pk=user.pk).update(totp_counter=0)
        browser.post("/login/code/", {"code": code_now()})
    assert "_auth_user_id" in browser.session
    return browser

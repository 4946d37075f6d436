"""Fixtures of the page tests: a merchant with an operator, a stranger of another merchant, a browser."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from access.models import User
from access.roles import Role
from tests.access import build as people
from tests.access.build import Firm


@dataclass
class House:
    """One merchant with an operator who has signed in."""

    firm: Firm
    operator: User
    browser: Client

    @property
    def scope(self) -> Any:
        """Return the merchant's live scope."""
        return self.firm.scope


@pytest.fixture
def house(db: None) -> House:  # noqa: ARG001 - needs tables
    """A merchant whose operator is signed in."""
    firm = people.firm()
    operator = firm.person("operator", Role.OPERATOR)
    return House(firm, operator, people.signed_in(operator))


@pytest.fixture
def stranger(db: None) -> House:  # noqa: ARG001 - needs tables
    """Another merchant whose operator is signed in."""
    firm = people.firm("Sun Shop")
    operator = firm.person("stranger", Role.OPERATOR)
    return House(firm, operator, people.signed_in(operator))


@pytest.fixture(autouse=True)
def _quick(settings: Any) -> None:
    """Spare every test the time a good password hash takes; signing in is tested elsewhere."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True)
def _files(settings: Any, tmp_path: Path) -> None:
    """Keep the files of each test in a folder of its own."""
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": tmp_path / "in"}},
    }
    settings.JEONGSAN = {**settings.JEONGSAN, "EXPORT_DIR": tmp_path / "out"}

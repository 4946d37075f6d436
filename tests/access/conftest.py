"""Passwords are hashed with argon2 here too, at a cost that a test can afford many times."""

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher
from pytest_django import Settings

from access import credentials


class QuickArgon2(Argon2PasswordHasher):
    time_cost = 1
    memory_cost = 8
    parallelism = 1


@pytest.fixture(autouse=True)
def quick_passwords(settings: Settings) -> None:
    """Use the cheap hasher, for the password of nobody too."""
    settings.PASSWORD_HASHERS = [f"{QuickArgon2.__module__}.{QuickArgon2.__qualname__}"]
    credentials._nobodys_password.cache_clear()  # noqa: SLF001 - it was hashed by another hasher

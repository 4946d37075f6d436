"""Fixtures every test may use: a migrated database owned by one role and used by another."""

from collections.abc import Iterator

import pytest
from django.conf import settings
from django.test.utils import setup_databases, teardown_databases
from hypothesis import HealthCheck
from hypothesis import settings as property_settings
from pytest_django import DjangoDbBlocker

from config import environment, roles

# One Chromium for all: a fixture imported in two places would be started twice in one process.
pytest_plugins = ["config.pytest_processes", "tests.console.browser"]

# A machine that is busy with other things is no reason for a property to fail.
property_settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
property_settings.load_profile("patient")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, or the other cores would wait for it at the end."""
    items.sort(key=lambda item: "/stories/" not in item.nodeid)


@pytest.fixture(scope="session")
def django_db_setup(
    request: pytest.FixtureRequest,
    django_test_environment: None,  # noqa: ARG001 - it comes first
    django_db_blocker: DjangoDbBlocker,
    django_db_modify_db_settings: None,  # noqa: ARG001 - it gives each xdist worker a database name of its own
) -> Iterator[None]:
    """
    Make the test database as the role that owns it, and run every test as the application's role.

    The plugin's own fixture makes databases only for tests marked `django_db`; tests that commit use copies of it and
    carry no mark, so it is always made here.
    """
    verbosity = request.config.option.verbose
    roles.become(settings.DATABASE_OWNER_URL)
    with django_db_blocker.unblock():
        made = setup_databases(verbosity=verbosity, interactive=False)
    roles.become(environment.text("DATABASE_URL"))
    yield
    roles.become(settings.DATABASE_OWNER_URL)
    with django_db_blocker.unblock():
        teardown_databases(made, verbosity=verbosity)

"""Settings come from the environment, and what is missing or malformed stops the start with a sentence."""

import json
import os
import subprocess
import sys
from base64 import b64encode

import pytest
from django.core.exceptions import ImproperlyConfigured

from config import environment
from config.bootstrap import ROOT

_GOOD = {
    "DATABASE_URL": "postgresql://jeongsan_app:x@db:5432/jeongsan",
    "REDIS_URL": "redis://valkey:6379/0",
    "PUBLIC_URL": "https://settle.example.com",
    "SECRET_KEY": "s" * 48,
    "LOOKUP_KEY": "l" * 32,
    "ACCOUNT_KEYS": json.dumps({"k1": b64encode(bytes(32)).decode()}),
    "STORAGE_DIR": "/nonexistent",
}


def _load(variables: dict[str, str], show: str = "None") -> subprocess.CompletedProcess[str]:
    """Load the settings in a process of its own and print one expression."""
    code = f"from config import settings; print({show})"
    env = {"PATH": os.environ["PATH"], **variables}
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True, check=False)


def test_a_complete_environment_loads() -> None:
    done = _load(_GOOD, "settings.SESSION_COOKIE_NAME, settings.SECURE_HSTS_SECONDS > 0, settings.ALLOWED_HOSTS")
    assert done.stdout.strip() == "__Host-session True ['settle.example.com']", done.stderr


def test_no_environment_loads_for_commands_without_data() -> None:
    assert _load({}, "settings.OFFLINE").stdout.strip() == "True"


@pytest.mark.parametrize("name", sorted(_GOOD.keys() - {"DATABASE_URL"}))
def test_a_missing_variable_is_named(name: str) -> None:
    done = _load({key: value for key, value in _GOOD.items() if key != name})
    assert done.returncode != 0
    assert f"{name} " in done.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECRET_KEY", "short"),
        ("LOOKUP_KEY", "short"),
        ("PUBLIC_URL", "http://settle.example.com"),
        ("PUBLIC_URL", "http://127.0.0.1.example.com"),
        ("ACCOUNT_KEYS", "{}"),
        ("ACCOUNT_KEYS", '{"k1": "c2hvcnQ="}'),
        ("ACCOUNT_KEYS", '["k1"]'),
        ("TIME_SCALE", "0"),
        ("TIME_SCALE", "2"),
        ("DEMO", "yes"),
        ("STATEMENT_TIMEOUT", "-1"),
    ],
)
def test_a_bad_value_stops_the_start(name: str, value: str) -> None:
    done = _load({**_GOOD, name: value})
    assert done.returncode != 0
    assert name in done.stderr.splitlines()[-1]


def test_a_refused_secret_is_not_repeated() -> None:
    done = _load({**_GOOD, "SECRET_KEY": "sesame"})
    assert done.returncode != 0
    assert "sesame" not in done.stderr


def test_plain_http_is_for_loopback() -> None:
    done = _load({**_GOOD, "PUBLIC_URL": "http://localhost:8000"}, "settings.SESSION_COOKIE_NAME, settings.HTTPS")
    assert done.stdout.strip() == "session False", done.stderr


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://jeongsan_app@/jeongsan?host=%2Ftmp%2Fa+b&port=5432",
        "postgresql://app:p%40ss%2Fword@db.example.com:6432/books",
    ],
)
def test_a_database_url_survives_the_way_there_and_back(url: str) -> None:
    settings = environment.database(url)
    assert environment.database(environment.database_url(settings)) == settings


def test_parts_of_a_database_url() -> None:
    settings = environment.database("postgresql://app:p%40ss@db:6432/books?sslmode=require")
    assert settings["OPTIONS"] == {"sslmode": "require"}
    assert [settings[part] for part in ("USER", "PASSWORD", "HOST", "PORT", "NAME")] == [
        *("app", "p@ss", "db", "6432", "books"),
    ]


@pytest.mark.parametrize("url", ["", "mysql://a@b/c", "postgresql://db/books", "postgresql://app@db/"])
def test_other_database_urls_are_refused(url: str) -> None:
    with pytest.raises(ImproperlyConfigured):
        environment.database(url)


@pytest.mark.parametrize(
    ("url", "broker", "cache"),
    [
        ("redis://valkey:6379/0", "redis://valkey:6379/0", "redis://valkey:6379/1"),
        ("rediss://:pw@cache", "rediss://:pw@cache/0", "rediss://:pw@cache/1"),
        ("unix:///run/v.sock?db=4", "redis+socket:///run/v.sock?virtual_host=4", "unix:///run/v.sock?db=5"),
    ],
)
def test_broker_and_cache_are_neighbours(url: str, broker: str, cache: str) -> None:
    assert environment.broker_url(url) == broker
    assert environment.redis_url(url, offset=1) == cache

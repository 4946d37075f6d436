"""Reading settings from environment variables, and refusing what is missing or malformed."""

import json
import os
from base64 import b64decode
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

from django.core.exceptions import ImproperlyConfigured

_KEY_BYTES = 32


def text(name: str, default: str | None = None) -> str:
    """Return the variable's text; without a default it must be set and not empty."""
    value = os.environ.get(name) or default
    if value is None:
        message = f"{name} is not set. Set it in the environment of this process."
        raise ImproperlyConfigured(message)
    return value


def secret(name: str, *, at_least: int = 32) -> str:
    """Return a secret of at least so many characters."""
    value = text(name)
    if len(value) < at_least:
        message = f"{name} is too short: it needs {at_least} characters or more."
        raise ImproperlyConfigured(message)
    return value


def flag(name: str, *, default: bool = False) -> bool:
    """Return whether the variable says 1 or 0, the default when it is unset; everything else is refused."""
    value = os.environ.get(name) or str(int(default))
    if value not in {"0", "1"}:
        message = f"{name} must be 0 or 1, not {value!r}."
        raise ImproperlyConfigured(message)
    return value == "1"


def integer(name: str, default: int) -> int:
    """Return a whole number of zero or more."""
    value = os.environ.get(name) or str(default)
    if not (value.isascii() and value.isdecimal()):
        message = f"{name} must be a whole number, not {value!r}."
        raise ImproperlyConfigured(message)
    return int(value)


def factor(name: str, default: str) -> float:
    """Return a factor above 0 and up to 1, for durations only."""
    value = os.environ.get(name) or default
    try:
        number = float(value)
    except ValueError:
        number = 0.0
    if not 0.0 < number <= 1.0:
        message = f"{name} must be a number above 0 and up to 1, not {value!r}."
        raise ImproperlyConfigured(message)
    return number


def account_keys(default: str | None = None) -> dict[str, str]:
    """Return the keyring for sealed fields: a JSON object of key id -> base64 of 32 bytes."""
    try:
        keys = {str(name): str(key) for name, key in dict(json.loads(text("ACCOUNT_KEYS", default))).items()}
        sound = all(len(b64decode(key, validate=True)) == _KEY_BYTES for key in keys.values())
    except (ValueError, TypeError):
        keys, sound = {}, False
    if not sound or (default is None and not keys):
        message = "ACCOUNT_KEYS must be a JSON object of key ids and base64 keys of 32 bytes."
        raise ImproperlyConfigured(message)
    return keys


def database(url: str) -> dict[str, Any]:
    """
    Return Django's connection settings for postgresql://user:password@host:port/name?host=/folder&option=value.

    A socket's folder is given as the query's `host`, as libpq takes it; the rest of the query becomes options.
    """
    parts = urlsplit(url)
    name = unquote(parts.path.removeprefix("/"))
    if parts.scheme not in {"postgresql", "postgres"} or not parts.username or not name:
        message = "A database URL must look like postgresql://user:password@host:5432/name."
        raise ImproperlyConfigured(message)
    options: dict[str, str] = dict(parse_qsl(parts.query))
    return {
        "ENGINE": "core.postgresql",
        "NAME": name,
        "USER": unquote(parts.username),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": options.pop("host", "") or parts.hostname or "",
        "PORT": str(parts.port or options.pop("port", "")),
        "OPTIONS": options,
    }


def database_url(settings: dict[str, Any]) -> str:
    """Return the URL that `database` would read into these settings (without options)."""
    password = f":{quote(settings['PASSWORD'], safe='')}" if settings["PASSWORD"] else ""
    port = f":{settings['PORT']}" if settings["PORT"] else ""
    name = quote(settings["NAME"], safe="")
    user = quote(settings["USER"], safe="")
    if settings["HOST"].startswith("/"):
        query = urlencode({"host": settings["HOST"]} | ({"port": settings["PORT"]} if settings["PORT"] else {}))
        return f"postgresql://{user}{password}@/{name}?{query}"
    return f"postgresql://{user}{password}@{settings['HOST']}{port}/{name}"


def redis_url(url: str, *, offset: int) -> str:
    """Return the address of the database so many numbers after the one the URL names (0 if it names none)."""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        query = dict(parse_qsl(parts.query))
        query["db"] = str(int(query.get("db", "0")) + offset)
        return f"unix://{parts.path}?{urlencode(query)}"
    if parts.scheme not in {"redis", "rediss"}:
        message = "REDIS_URL must look like redis://host:6379/0 or unix:///path/to/socket?db=0."
        raise ImproperlyConfigured(message)
    number = int(parts.path.removeprefix("/") or "0") + offset
    return urlunsplit((parts.scheme, parts.netloc, f"/{number}", parts.query, ""))


def broker_url(url: str) -> str:
    """Return the same address as Celery spells it: a socket needs its own scheme and `virtual_host`."""
    address = redis_url(url, offset=0)
    parts = urlsplit(address)
    if parts.scheme != "unix":
        return address
    query = dict(parse_qsl(parts.query))
    query["virtual_host"] = query.pop("db")
    return f"redis+socket://{parts.path}?{urlencode(query)}"

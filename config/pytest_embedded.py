"""
The pytest plugin that gives the tests real servers.

It is imported before Django reads its settings: unless DATABASE_URL names a server, it starts PostgreSQL and Valkey and
sets every variable the settings ask for. Workers of pytest-xdist inherit the variables and start nothing. It also
compiles the catalogues, or English pages would be Korean in a run that manage.py did not start.
"""

import atexit
import contextlib
import fcntl
import json
import os
import secrets
import shutil
import tempfile
from base64 import b64encode
from pathlib import Path

from config import bootstrap
from config.embedded import UNSAFE_BUT_FAST, Postgres, Valkey, state_folder
from config.environment import redis_url

_DATABASES_PER_WORKER = 4
_MOST_WORKERS = 64


def _scratch_folder() -> Path:
    """Return a new folder for this run, and remove those that killed runs have left."""
    root = os.geteuid() == 0
    parent = state_folder() if root else Path(tempfile.gettempdir())
    for lock in parent.glob("jeongsan-test-*/lock"):
        with contextlib.suppress(OSError), lock.open("w") as left:
            fcntl.flock(left, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(lock.parent, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix="jeongsan-test-", dir=parent))
    folder.chmod(0o755 if root else 0o700)
    # Open, and so locked, until the process ends.
    fcntl.flock(os.open(folder / "lock", os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600), fcntl.LOCK_EX)
    return folder


def _start_servers() -> None:
    folder = _scratch_folder()
    limits = {"max_connections": "200", "shared_buffers": "256MB", "max_wal_size": "4GB"}
    postgres = Postgres(folder / "postgres", settings=UNSAFE_BUT_FAST | limits, log=folder / "postgres.log")
    valkey = Valkey(folder / "valkey", log=folder / "valkey.log", databases=_DATABASES_PER_WORKER * _MOST_WORKERS)
    us = os.getpid()

    def end() -> None:
        # Forked children run the same handlers, and only the process that started the servers may stop them.
        if os.getpid() == us:
            valkey.stop()
            postgres.stop()
            shutil.rmtree(folder, ignore_errors=True)

    atexit.register(end)
    postgres.start()
    valkey.start()
    os.environ |= {
        "DATABASE_URL": postgres.url("app"),
        "DATABASE_OWNER_URL": postgres.url("owner"),
        "REDIS_URL": valkey.url,
        "STORAGE_DIR": str(folder / "storage"),
    }


def _own_redis_databases() -> None:
    """Give each xdist worker Redis databases of its own."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "").removeprefix("gw")
    if worker:
        first = _DATABASES_PER_WORKER * (int(worker) + 1)
        os.environ["REDIS_URL"] = redis_url(os.environ["REDIS_URL"], offset=first)


if "DATABASE_URL" not in os.environ:
    _start_servers()
for _name, _value in {
    "SECRET_KEY": secrets.token_urlsafe(48),
    "LOOKUP_KEY": secrets.token_urlsafe(32),
    "ACCOUNT_KEYS": json.dumps({"test": b64encode(secrets.token_bytes(32)).decode()}),
    "PUBLIC_URL": "http://127.0.0.1:8000",
    "TIME_SCALE": "0.01",
    "STATEMENT_TIMEOUT": "60",
    "DJANGO_ALLOW_ASYNC_UNSAFE": "true",
}.items():
    os.environ.setdefault(_name, _value)
_own_redis_databases()
bootstrap.compile_catalogues()

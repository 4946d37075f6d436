"""How the web server runs: a few processes with threads, told by variables where and how many."""

import gc
import os
import signal
from pathlib import Path
from typing import Any

from config.processes import die_with_parent

bind = os.environ.get("BIND", "127.0.0.1:8000")
workers = int(os.environ.get("WEB_WORKERS", "2"))
threads = int(os.environ.get("WEB_THREADS", "8"))
worker_class = "gthread"
# Imported once and shared by all processes; no connection is opened while importing.
preload_app = True
timeout = 60
graceful_timeout = 20
keepalive = 5
max_requests = 20_000
max_requests_jitter = 2_000
limit_request_line = 8_190
_MEMORY = Path("/dev/shm")  # noqa: S108 - gunicorn makes its heartbeat files there exclusively
worker_tmp_dir = str(_MEMORY) if _MEMORY.is_dir() else None
control_socket_disable = True
errorlog = "-"
loglevel = "warning"
forwarded_allow_ips = os.environ.get("TRUSTED_PROXIES", "")

# Read in the arbiter, before it forks.
_end_with_the_arbiter = die_with_parent(signal.SIGKILL)


def when_ready(_server: Any) -> None:
    """
    Put what was imported out of the garbage collector's sight, before the processes are forked.

    Otherwise each of them goes through all of it once, a tenth of a second within a request, and by that makes a copy
    of memory that was shared.
    """
    gc.collect()
    gc.freeze()


def post_fork(_server: Any, _worker: Any) -> None:
    """End with the arbiter, also when that one was killed."""
    if _end_with_the_arbiter:
        _end_with_the_arbiter()

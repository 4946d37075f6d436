"""`manage.py banksim` starts without a database, says when it is ready, and ends cleanly on TERM."""

import json
import os
import re
import subprocess
import sys
from http.client import HTTPConnection
from pathlib import Path

from tests.payouts.rails.bank import ROOT

_NEEDED_BY_SERVERS = ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL")


def test_serves_without_a_database_and_ends_on_term(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name not in _NEEDED_BY_SERVERS}
    process = subprocess.Popen(
        [sys.executable, "manage.py", "banksim", "--port", "0", "--file", str(tmp_path / "b.jsonl"), "--balance", "5"],
        cwd=ROOT,
        env=environment | {"TIME_SCALE": "0.5"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    ready = re.fullmatch(r"banksim: ready on http://127\.0\.0\.1:([0-9]+)\n", process.stderr.readline())
    assert ready
    talk = HTTPConnection("127.0.0.1", int(ready[1]), timeout=10)

    # Two calls on one connection: it is kept, and an open one must not delay the end.
    talk.request("GET", "/v1/balance")
    balance = json.load(talk.getresponse())
    talk.request("GET", "/health")
    health = json.load(talk.getresponse())
    process.terminate()
    out, err = process.communicate(timeout=10)

    assert balance == {"currency": "KRW", "balance": 5}
    assert (health["status"], health["settleSeconds"]) == ("ok", 30)
    assert (process.returncode, out, err) == (0, "", "")
    talk.close()

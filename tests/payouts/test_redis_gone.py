"""Protects payouts and pages from Redis: without it everything is paid, and with a silent one nobody waits."""

import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.db import connection, connections

from access.models import User
from config import demo_secrets, environment, roles
from config.bootstrap import ROOT
from config.chaos.desk import Person
from config.processes import spawn, stop
from config.pytest_processes import Start
from config.seeding import cast
from config.seeding.people import make_team
from core import actor, clock
from ledger import queries as books
from payouts.models import BulkPayout, BulkStatus, Payout, PayoutStatus
from payouts.operations import building
from settlement.models import PartnerSettlement
from settlement.operations import environment as settlement_environment
from tests.payouts.world import MAKER, World, world

_ROUNDS = 5
_LONGEST_SECONDS = 1.0
_PARTNER = {
    "name": "해오름상점",
    "contact": {"name": "김정산", "email": "seller@example.com"},
    "account": {"bank": "KOOKMIN", "currency": "KRW", "number": "123456789012", "holder": "김정산"},
    "defaultContractId": "standard-weekly",
    "type": {"nonWhtPayer": {}},
}


@contextmanager
def silent_server() -> Iterator[str]:
    """Take every connection, and never say a word; yields its address as a Redis URL."""
    taken: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def take() -> None:
            while True:
                try:
                    taken.append(server.accept()[0])
                except OSError:
                    return  # the server is closed

        thread = threading.Thread(target=take, daemon=True)
        thread.start()
        yield f"redis://127.0.0.1:{server.getsockname()[1]}/0"
        server.shutdown(socket.SHUT_RDWR)
    thread.join()
    for one in taken:
        one.close()


def sweep_without_redis(here: World) -> None:
    """Run the command as cron would, in a process that reaches no Redis."""
    env = {
        **{name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")},
        "DATABASE_URL": environment.database_url(connections.settings["default"]),
        "REDIS_URL": "unix:///nonexistent/redis.sock?db=0",
        "BANK_URL": f"http://127.0.0.1:{here.bank.port}",
        "SEND_HINTS": "1",
    }
    done = subprocess.run(
        [sys.executable, "manage.py", "sweep", "--until-idle"],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def begin(here: World) -> None:
    """Ask for a bulk payout of everything due; nobody builds it yet."""
    due = list(PartnerSettlement.objects.within(here.scope).values_list("pk", flat=True))
    choice = building.Choice(due, {})
    building.create_bulk_payout(scope=here.scope, choice=choice, name="정산 지급", by=MAKER, now=clock.now())


def test_the_sweep_alone_builds_and_pays_everything(committed_db: str, tmp_path: Path) -> None:  # noqa: ARG001
    with world(tmp_path) as here:
        here.owe_many(30)
        begin(here)
        sweep_without_redis(here)
        bulk = BulkPayout.objects.get()
        assert (bulk.status, bulk.payout_count) == (BulkStatus.PREPARED, 30)

        here.bank.faults({"match": {}, "effect": "timeout_after", "count": 3})
        here.approve(here.submit(bulk))
        deadline = time.monotonic() + 60
        while BulkPayout.objects.get().status != BulkStatus.COMPLETED:
            assert time.monotonic() < deadline, Counter(Payout.objects.values_list("status", flat=True))
            sweep_without_redis(here)

        assert Counter(Payout.objects.values_list("status", flat=True)) == {PayoutStatus.SUCCEEDED: 30}
        assert len(here.witness()) == 30
        assert books.broken_invariants() == []


def _first_line_after(log: Path, place: int, wanted: str) -> None:
    """Wait until the log says something after a place; fail with its end when it never does."""
    deadline = time.monotonic() + 60
    while wanted not in log.read_text()[place:]:
        assert time.monotonic() < deadline, log.read_text()[-2000:]
        time.sleep(0.05)


def test_a_sweeper_outlives_a_lost_connection(committed_db: str, tmp_path: Path) -> None:
    log = tmp_path / "sweep.log"
    with log.open("ab") as out:
        process = spawn(
            [sys.executable, "-m", "django", "sweep", "--every", "1"],
            env={**os.environ, "DATABASE_URL": environment.database_url(connections.settings["default"])},
            log=out.fileno(),
            dies_by=signal.SIGKILL,
            cwd=ROOT,
        )
    try:
        _first_line_after(log, 0, "sweep: ")
        place = log.stat().st_size
        with roles.as_owner(), connection.cursor() as cursor:
            cursor.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s and pid <> pg_backend_pid()",
                [committed_db],
            )
        _first_line_after(log, place, " failed")
        _first_line_after(log, log.stat().st_size, "sweep: 0\n")
        assert process.poll() is None
    finally:
        stop(process, politely=signal.SIGTERM, seconds=10, firmly=signal.SIGKILL)


def seconds(act: Callable[[], object]) -> float:
    """Return how long something takes, as most people will see it."""
    act()
    taken = []
    for _round in range(_ROUNDS):
        started = time.perf_counter()
        act()
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


class Visitor:
    """Somebody at the pages, and a program at the API, of one site."""

    def __init__(self, url: str, secrets: demo_secrets.Secrets) -> None:
        self.url, self.secret = url, secrets["apiSecret"]
        self.person = Person(url, secrets["users"]["operator"])

    def api(self) -> None:
        """Read a list."""
        self._call("/api/v1/payouts", None)

    def new_partner(self) -> None:
        """Make a partner, whose account a worker is told to look up."""
        self._call("/platform/partners", json.dumps({**_PARTNER, "id": f"visitor-{uuid4().hex}"}).encode())

    def _call(self, path: str, body: bytes | None) -> None:
        headers = {"Authorization": f"PortOne {self.secret}", "Content-Type": "application/json"}
        with urllib.request.urlopen(urllib.request.Request(self.url + path, body, headers), timeout=20) as answer:
            assert answer.status == 200

    def times(self) -> dict[str, float]:
        """Return how long each thing takes."""
        pages = ("/", "/payouts/list/", "/payouts/bulk/", "/payouts/approvals/")
        found = {page: seconds(lambda page=page: self.person.look(page)) for page in pages}  # type: ignore[misc] # bound now
        return found | {"api": seconds(self.api), "new partner": seconds(self.new_partner)}


@pytest.mark.usefixtures("committed_db")
def test_with_a_silent_redis_pages_and_api_answer_as_ever(
    start_site: Start, record_property: Callable[[str, object], None]
) -> None:
    secrets = demo_secrets.make()
    by = actor.system("test")
    team = make_team(
        name="한빛마켓", business_number="1208147521", users=secrets["users"], api_secret=secrets["apiSecret"], by=by,
        now=clock.now(),
    )  # fmt: skip
    settlement_environment.open_environment(team.scope)
    cast.make_policies(team.scope, by, clock.now() - timedelta(days=365))
    usual = Visitor(start_site().url, secrets).times()
    # A code opens the door once; signing in again so soon would need the next one.
    User.objects.update(totp_counter=0)
    with silent_server() as redis:
        silent = Visitor(start_site(REDIS_URL=redis).url, secrets).times()

    record_property("seconds with Redis", usual)
    record_property("seconds with a silent Redis", silent)
    slow = {what: (usual[what], took) for what, took in silent.items() if took > max(_LONGEST_SECONDS, 3 * usual[what])}
    assert slow == {}

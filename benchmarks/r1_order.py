"""
R1: recording an order over HTTP, against an empty view of the framework in the same server and run.

`POST /platform/transfers/order` with an Idempotency-Key: one settlement record, its journal of six legs, the audit
event and the stored answer in one durable transaction. The limit is a DRF view that answers an empty object. Both are
served by one gunicorn (gthread, 2 processes of 4 threads) with the product's own settings, and asked by four clients
that keep their connections.

    python -m benchmarks.r1_order [--seconds N] [--rounds N] [--machine TEXT]
"""

import argparse
import http.client
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from itertools import count
from typing import Any

from benchmarks.books import Run, Step, assert_whole, copy_of, product_database, rate_ratios, rates, together, variables
from benchmarks.common import ROOT, Answer, Candidate, Server, run, save, say

CLIENTS, PROCESSES, THREADS = 4, 2, 4
PARTNERS = 100
# The order, its fee and the VAT of it, each against where it goes.
LEGS = 6
GOAL, MOONSHOT = 0.25, 0.33
NAME, PASSWORD = "benchmark", "a long phrase for a benchmark"
PORT = 8319
_PATHS = {"product": "/platform/transfers/order", "limit": "/api/empty"}
_OK = 200
_START_SECONDS = 60.0


def application() -> Any:
    """Return what the server runs: the product, and the empty view beside it."""
    # Before anything that needs the settings.
    product = import_module("config.wsgi").application

    from django.urls import path
    from rest_framework.request import Request
    from rest_framework.response import Response
    from rest_framework.views import APIView

    from config import urls

    class Empty(APIView):
        """Answer nothing."""

        def post(self, _request: Request) -> Response:
            return Response({})

    urls.urlpatterns.insert(0, path("api/empty", Empty.as_view()))
    return product


def make_house() -> Answer:
    """Make a merchant with a contract, partners and an API secret, as the product does."""
    import django

    django.setup()
    from django.utils import timezone

    from access import api_secrets, operations
    from access.roles import DEFAULT_SCOPES, Role
    from core import actor
    from core.scope import Scope
    from settlement.dates import Cycle, CycleMethod, DatePolicy
    from settlement.models import PartnerType
    from settlement.operations import contracts, environment, partners
    from settlement.operations.policies import FeeInput

    by, now = actor.system("benchmark"), timezone.now()
    scope = Scope(operations.create_merchant(name="Benchmark", by=by, now=now).pk)
    environment.open_environment(scope)
    owner = operations.add_user(
        scope=scope, username=NAME, name="Benchmark", role=Role.ADMIN, password=PASSWORD, by=by, now=now
    )
    cycle = Cycle(10, CycleMethod.DAILY, DatePolicy.CALENDAR_DAY)
    contracts.create(
        scope=scope,
        by=by,
        now=now,
        public_id="standard",
        name="10 %",
        fee=FeeInput(rate=10_000),
        vat_payer="PARTNER",
        cycle=cycle,
    )
    for number in range(PARTNERS):
        draft = partners.PartnerDraft(
            name=f"파트너 {number}",
            contact=partners.Contact(name="담당자", email="someone@example.com"),
            account=partners.Account(bank="KOOKMIN", currency="KRW", number=f"110{number:09d}", holder="예금주"),
            default_contract_id="standard",
            taxpayer=partners.Taxpayer(type=PartnerType.NON_WHT_PAYER),
            public_id=f"partner-{number:03d}",
        )
        partners.create(scope=scope, by=by, now=now, draft=draft)
    _secret, text = api_secrets.issue(
        scope=scope, name="benchmark", owner=owner, scopes=DEFAULT_SCOPES, test_only=False, by=by, now=now
    )
    return {"secret": text, "day": now.date().isoformat()}


def asks(client: int, path: str, secret: str, day: str) -> Step:
    """Return the step of one client: send an order to an address and read the answer, after one to warm up."""
    connection = http.client.HTTPConnection("127.0.0.1", PORT)
    dice = random.Random(client)  # noqa: S311 - amounts of a benchmark are no secrets
    numbers = count()

    def step() -> None:
        key = f"order-{os.getpid()}-{client}-{next(numbers):09d}"
        order = {
            "partnerId": f"partner-{dice.randrange(PARTNERS):03d}",
            "paymentId": key,
            "orderDetail": {"orderAmount": dice.randint(10_000, 99_999)},
            "settlementStartDate": day,
            "discounts": [],
            "additionalFees": [],
            "externalPaymentDetail": {"currency": "KRW", "orderName": "찻잔", "method": {"card": {}}},
        }
        headers = {
            "Authorization": f"PortOne {secret}",
            "Content-Type": "application/json",
            "Idempotency-Key": key,
        }
        connection.request("POST", path, json.dumps(order), headers)
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != _OK:
            raise AssertionError(answer.status, body)

    step()
    # The server ends a connection that waits too long for the others to get ready.
    connection.close()
    return step


@contextmanager
def served(at: Server) -> Iterator[None]:
    """Run the server on a database."""
    env = variables(at) | {
        "BIND": f"127.0.0.1:{PORT}",
        "WEB_WORKERS": str(PROCESSES),
        "WEB_THREADS": str(THREADS),
        "PUBLIC_URL": f"http://127.0.0.1:{PORT}",
    }
    command = [sys.executable, "-m", "gunicorn", "--config", "python:config.gunicorn", "--max-requests", "0"]
    process = subprocess.Popen([*command, "benchmarks.r1_order:application()"], cwd=ROOT, env=env)
    try:
        _wait(process)
        yield
    finally:
        process.terminate()
        process.wait(30)


def _wait(process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=5)
            connection.request("GET", "/health/live")
            connection.getresponse().read()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError("the server did not start; its message is above")


def measured(at: Server, way: str, house: Answer, seconds: float) -> Run:
    """Ask one address for a while, and check what the product did."""
    clients = [("benchmarks.r1_order:asks", house | {"client": one, "path": _PATHS[way]}) for one in range(CLIENTS)]
    found = together(at, clients, seconds=seconds)
    recorded = found.done + CLIENTS if way == "product" else 0  # each has recorded one to warm up
    assert_whole(at, journals=recorded, legs=LEGS * recorded)
    [kept] = at.run("select (select count(*) from settlement_settlementrecord), count(*) from access_idempotencykey")
    if kept != (recorded, recorded):
        raise AssertionError(kept, recorded)
    return found


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--machine", default="")
    asked = parser.parse_args()
    runs: dict[str, list[Run]] = {"product": [], "limit": []}
    with product_database() as at:
        os.environ |= variables(at)
        house = run(Candidate("house", "benchmarks.r1_order:make_house")).answer
        for number in range(1, asked.rounds + 1):
            for way, done in runs.items():
                with copy_of(at) as fresh, served(fresh):
                    done.append(measured(fresh, way, house, asked.seconds))
                say(f"round {number}: {way:8} {done[-1].rate:8.0f}/s")
    ratio = rate_ratios(runs["product"], runs["limit"])
    report = {
        "what": "POST an order over HTTP: record, journal of six legs, audit event, idempotency key, one commit",
        "against": "an empty DRF view in the same gunicorn (gthread, 2 processes of 4 threads), four clients",
        "goal": GOAL,
        "moonshot": MOONSHOT,
        "ratio": ratio,
        "met": ratio["median"] >= GOAL,
        "rates": {way: rates(of) for way, of in runs.items()},
    }
    say(f"{ratio}\n{save('r1_order', report, machine=asked.machine)}")


if __name__ == "__main__":
    main()

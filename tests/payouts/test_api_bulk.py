"""Promise: a backend makes and submits bulk payouts over the API, and what leaves is still what a person approved."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from access.models import Merchant
from access.operations import create_merchant
from access.roles import ApiScope, Role
from core import actor, clock, jobs
from core.scope import Scope
from payouts import queries
from payouts.models import BulkPayout, Payout, PayoutStatus
from payouts.operations import running
from settlement.models import PartnerSettlement
from tests.access.build import Firm
from tests.payouts.world import CHECKER, World, world

Body = dict[str, Any]
SUBMITS = (ApiScope.READ, ApiScope.WRITE, ApiScope.PAYOUTS_SUBMIT)


@dataclass
class Backend:
    """A merchant's program."""

    secret: str
    numbers: Iterator[int] = field(default_factory=count)

    def call(self, method: str, path: str, body: object = None, *, key: str = "") -> tuple[int, Body]:
        response = Client().generic(
            method,
            f"/api/v1{path}",
            "" if body is None else json.dumps(body),
            headers={
                "authorization": f"PortOne {self.secret}",
                "idempotency-key": key or f"backend-key-{next(self.numbers):08d}",
            },
        )
        return response.status_code, response.json()

    def post(self, path: str, body: object = None, *, key: str = "") -> tuple[int, Body]:
        return self.call("POST", path, body or {}, key=key)


def backend(merchant: Merchant, name: str, scopes: tuple[ApiScope, ...] = SUBMITS) -> Backend:
    firm = Firm(merchant, Scope(merchant.pk))
    _row, text = firm.secret(firm.person(name, Role.ADMIN), scopes)
    return Backend(text)


@pytest.fixture
def here(committed_db: str, tmp_path: Path) -> Iterator[World]:  # noqa: ARG001 - the world lives in it
    with world(tmp_path) as made:
        made.partner("acme")
        made.owe("acme", 10_000)
        yield made


@pytest.fixture
def client(here: World) -> Backend:
    return backend(here.merchant, "owner")


def owed(here: World) -> list[str]:
    return list(PartnerSettlement.objects.within(here.scope).values_list("public_id", flat=True))


def made(here: World, client: Backend, **more: object) -> Body:
    status, answer = client.post("/bulk-payouts", {"partnerSettlementIds": owed(here), "id": "bp-1"} | more)
    assert (status, answer["status"]) == (201, "PREPARING"), answer
    while jobs.run_due_jobs():
        pass
    status, answer = client.call("GET", "/bulk-payouts/bp-1")
    assert (status, answer["status"]) == (200, "PREPARED"), answer
    return answer


def test_it_makes_and_submits_and_a_person_approves(here: World, client: Backend) -> None:
    bulk = made(here, client, name="십일월", depositMemo="정산금")
    status, answer = client.post("/bulk-payouts/bp-1/submit", {"contentHash": bulk["contentHash"]})
    assert (status, answer["status"]) == (200, "PENDING_APPROVAL")

    row = queries.find_bulk(here.scope, "bp-1")
    assert row.created_by_id == row.submitted_by_id is not None
    here.approve(row, CHECKER)
    here.send()

    assert here.payout("acme").status == PayoutStatus.SUCCEEDED
    assert here.payout("acme").deposit_memo == "정산금"
    assert client.call("GET", "/bulk-payouts/bp-1")[1]["status"] == "COMPLETED"


def test_a_content_that_was_not_seen_is_not_submitted(here: World, client: Backend) -> None:
    bulk = made(here, client)
    tomorrow = (clock.now() + timedelta(days=1)).isoformat()
    status, changed = client.call("PATCH", "/bulk-payouts/bp-1", {"scheduledAt": tomorrow})
    assert status == 200
    assert changed["contentHash"] != bulk["contentHash"]

    status, answer = client.post("/bulk-payouts/bp-1/submit", {"contentHash": bulk["contentHash"]})
    assert (status, answer["type"]) == (409, "BULK_PAYOUT_CONTENT_CHANGED")
    status, dropped = client.call("PATCH", "/bulk-payouts/bp-1", {"scheduledAt": None})
    assert (status, "scheduledAt" in dropped) == (200, False)


def test_repeating_makes_one(here: World, client: Backend) -> None:
    body = {"partnerSettlementIds": owed(here), "id": "bp-1"}
    first = client.post("/bulk-payouts", body, key="the-same-key-000001")
    assert client.post("/bulk-payouts", body, key="the-same-key-000001") == first
    status, answer = client.post("/bulk-payouts", body)
    assert (status, answer["type"]) == (409, "BULK_PAYOUT_ID_ALREADY_EXISTS")
    assert BulkPayout.objects.count() == 1


def test_it_cancels_and_stops(here: World, client: Backend) -> None:
    made(here, client)
    status, answer = client.post("/bulk-payouts/bp-1/stop")
    assert (status, answer["type"]) == (409, "BULK_PAYOUT_NOT_RUNNING")
    status, answer = client.post("/bulk-payouts/bp-1/cancel", {"reason": "다시 만들기"})
    assert (status, answer["status"]) == (200, "CANCELLED")

    here.partner("beta")
    here.owe("beta", 5_000)
    here.approved()
    running.start_due(clock.now())
    bulk = BulkPayout.objects.latest("pk").public_id
    beta = Payout.objects.get(partner__public_id="beta").public_id
    status, answer = client.post(f"/bulk-payouts/{bulk}/stop", {"payoutIds": [beta], "reason": "계좌 확인"})
    assert status == 200
    assert here.payout("beta").status == PayoutStatus.STOPPED
    assert here.payout("acme").status == PayoutStatus.PREPARED


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"name": "x"}, 400, "NO_SELECTED_PARTNER_SETTLEMENTS"),
        ({"partnerSettlementIds": ["nobody"]}, 404, "PLATFORM_PARTNER_SETTLEMENTS_NOT_FOUND"),
        ({"partnerSettlementIds": [1]}, 400, "INVALID_REQUEST"),
        ({"partnerSettlementIds": []}, 400, "NO_SELECTED_PARTNER_SETTLEMENTS"),
        ({"partnerSettlementIds": ["x"], "scheduledAt": "morgen"}, 400, "INVALID_REQUEST"),
    ],
)
@pytest.mark.usefixtures("here")
def test_bad_input_is_refused(client: Backend, body: Body, status: int, code: str) -> None:
    found, answer = client.post("/bulk-payouts", body)
    assert (found, answer["type"]) == (status, code)
    assert not BulkPayout.objects.exists()


def test_an_unknown_account_is_absent(here: World, client: Backend) -> None:
    status, answer = client.post("/bulk-payouts", {"partnerSettlementIds": owed(here), "bankAccountId": "nobody"})
    assert (status, answer["type"]) == (404, "NOT_FOUND")


def test_a_secret_without_the_scope_and_another_merchant_change_nothing(here: World, client: Backend) -> None:
    made(here, client)
    reader = backend(here.merchant, "reader", (ApiScope.READ, ApiScope.WRITE))
    other = backend(create_merchant(name="남", by=actor.system("test"), now=clock.now()), "stranger")
    for path in ("/submit", "/cancel", "/stop"):
        body = {"contentHash": "x" * 64} if path == "/submit" else {}
        assert reader.post(f"/bulk-payouts/bp-1{path}", body)[0] == 403
        assert other.post(f"/bulk-payouts/bp-1{path}", body)[0] == 404
    assert reader.call("PATCH", "/bulk-payouts/bp-1", {"name": "x"})[0] == 403
    assert other.call("PATCH", "/bulk-payouts/bp-1", {"name": "x"})[0] == 404
    assert other.post("/bulk-payouts", {"partnerSettlementIds": owed(here)})[0] == 404
    assert client.call("GET", "/bulk-payouts/bp-1")[1]["status"] == "PREPARED"

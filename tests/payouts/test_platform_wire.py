"""Protects the compatible wire's lists of payouts and money: shapes, folded statuses, filters, counts, exact totals."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client

from access import paths
from access.roles import ApiScope, Role
from core import clock
from core.ids import graphql_id
from payouts.models import BulkStatus, PayoutStatus
from payouts.wire import BULK_STATUS, INSTRUCTION_STATUS, PAYOUT_STATUS, RUN_STATUS, TRANSFER_STATUS
from settlement.models import PartnerSettlement, PartnerType
from tests.access.build import Firm
from tests.payouts.world import HOLDER, World, world

Body = dict[str, Any]
LONG = {"from": "2000-01-01T00:00:00Z", "until": "2999-01-01T00:00:00Z"}


@dataclass(frozen=True)
class Wire:
    """A client of the wire."""

    secret: str

    def call(self, method: str, path: str, body: object = None) -> tuple[int, Body]:
        url = f"/platform{path}"
        response = Client().generic(
            method,
            url,
            "" if body is None else json.dumps(body),
            headers={"authorization": f"PortOne {self.secret}"},
            **paths.raw(url),
        )
        return response.status_code, response.json()

    def listed(self, path: str, **wanted: object) -> Body:
        argument = {"filter": wanted} if wanted else {}
        status, answer = self.call("GET", f"{path}?{urlencode({'requestBody': json.dumps(argument)})}")
        assert status == 200, answer
        return answer

    def status(self, path: str, **wanted: object) -> int:
        return self.call("GET", f"{path}?{urlencode({'requestBody': json.dumps({'filter': wanted})})}")[0]


@pytest.fixture
def here(committed_db: str, tmp_path: Path) -> Iterator[World]:  # noqa: ARG001 - the world lives in it
    with world(tmp_path) as made:
        yield made


@pytest.fixture
def wire(here: World) -> Wire:
    firm = Firm(here.merchant, here.scope)
    return Wire(firm.secret(firm.person("owner", Role.ADMIN))[1])


def sent(here: World) -> tuple[str, str]:
    """Pay two partners through the bank and build a third payout that waits; returns the ids of both bulk payouts."""
    here.partner("acme", kind=PartnerType.WHT_PAYER)
    here.owe("acme", 1_000_000)
    here.partner("beta")
    here.owe("beta", 7_000)
    done = here.approved()
    here.send()
    here.partner("gamma")
    here.owe("gamma", 3_000)
    due = PartnerSettlement.objects.within(here.scope).filter(partner__public_id="gamma").values_list("pk", flat=True)
    return done.public_id, here.build(list(due)).public_id


def test_payouts(here: World, wire: Wire) -> None:
    done, waiting = sent(here)

    whole = wire.listed("/payouts")

    assert whole["page"] == {"number": 0, "size": 10, "totalCount": 3}
    assert whole["counts"] == {
        "confirmed": 1,
        "prepared": 0,
        "cancelled": 0,
        "stopped": 0,
        "processing": 0,
        "succeeded": 2,
        "failed": 0,
        "scheduled": 0,
    }
    (paid,) = (item for item in whole["items"] if item["partner"]["id"] == "acme")
    assert paid["graphqlId"] == graphql_id(8, paid["id"])
    assert (paid["bulkPayoutId"], paid["bulkPayoutGraphqlId"]) == (done, graphql_id(9, done))
    assert paid["account"]["holder"] == HOLDER
    assert paid["account"]["number"].startswith("110")
    figures = {name: paid[name] for name in ("amount", "settlementAmount", "incomeTaxAmount", "localIncomeTaxAmount")}
    assert figures == {
        "amount": 967_000,
        "settlementAmount": 1_000_000,
        "incomeTaxAmount": 30_000,
        "localIncomeTaxAmount": 3_000,
    }
    assert (paid["method"], paid["status"], paid["taxInvoiceStatus"]) == ("AGENCY", "SUCCEEDED", "NONE")
    assert paid["settlementStatement"] == {"status": "UNSENT"}
    assert "failReason" not in paid

    found = wire.listed("/payouts", criteria={"bulkPayoutId": waiting})
    assert [item["partner"]["id"] for item in found["items"]] == ["gamma"]


FILTERS: list[tuple[Body, list[str]]] = [
    ({}, ["gamma", "beta", "acme"]),
    ({"statuses": ["SUCCEEDED"]}, ["beta", "acme"]),
    ({"statuses": ["SUCCEEDED", "CONFIRMED"], "partnerIds": ["acme", "gamma"]}, ["gamma", "acme"]),
    ({"statuses": ["PROCESSING"]}, []),
    ({"payoutAccountBanks": ["KOOKMIN"], "payoutCurrencies": ["KRW"]}, ["gamma", "beta", "acme"]),
    ({"payoutAccountBanks": ["SHINHAN"]}, []),
    ({"partnerTypes": ["WHT_PAYER"]}, ["acme"]),
    ({"partnerTaxationTypes": ["NORMAL"]}, []),
    ({"partnerTags": ["x"]}, []),
    ({"taxInvoiceStatuses": ["NONE"]}, ["gamma", "beta", "acme"]),
    ({"taxInvoiceStatuses": ["ISSUED"]}, []),
    ({"settlementStatementStatuses": ["SENT"]}, []),
    ({"criteria": {"statusUpdatedTimestampRange": LONG}}, ["gamma", "beta", "acme"]),
    ({"criteria": {"scheduledTimestampRange": LONG}}, []),
    ({"criteria": {"settlementStatementIssuedTimestampRange": LONG}}, []),
    ({"criteria": {"taxInvoiceId": "x"}}, []),
    ({"criteria": {"payoutId": "nothing"}}, []),
    ({"criteria": {"timestampRange": {"from": "2000-01-01T00:00:00Z", "until": "2000-01-02T00:00:00Z"}}}, []),
]


def test_every_filter_of_payouts(here: World, wire: Wire) -> None:
    sent(here)
    for wanted, partners in FILTERS:
        found = wire.listed("/payouts", **({"criteria": {"timestampRange": LONG}} | wanted))
        assert [item["partner"]["id"] for item in found["items"]] == partners, wanted
        assert found["page"]["totalCount"] == len(partners)


def test_a_range_leaves_out_where_it_ends(here: World, wire: Wire) -> None:
    sent(here)
    moment = wire.listed("/payouts")["items"][0]["createdAt"]
    until = {"timestampRange": {"from": "2000-01-01T00:00:00Z", "until": moment}}
    since = {"timestampRange": {"from": moment, "until": LONG["until"]}}
    assert wire.listed("/payouts", criteria=until)["page"]["totalCount"] == 2
    assert wire.listed("/payouts", criteria=since)["page"]["totalCount"] == 1


def test_a_filter_of_payouts_needs_one_criterion(wire: Wire) -> None:
    wanted: list[Body] = [{}, {"statuses": []}, {"criteria": {}}, {"criteria": {"payoutId": "a", "bulkPayoutId": "b"}}]
    assert [wire.status("/payouts", **one) for one in wanted] == [400] * 4


def test_bulk_payouts(here: World, wire: Wire) -> None:
    done, waiting = sent(here)

    whole = wire.listed("/bulk-payouts")

    assert [item["id"] for item in whole["items"]] == [waiting, done]
    assert (whole["counts"]["prepared"], whole["counts"]["completed"]) == (1, 1)
    shown = whole["items"][1]
    assert (shown["status"], shown["totalPayoutAmount"]) == ("COMPLETED", 974_000)
    assert shown["totalSettlementAmount"] == 1_007_000
    assert shown["payoutStats"]["amount"]["succeeded"] == 974_000
    assert shown["payoutStats"]["count"]["succeeded"] == 2
    assert sum(shown["payoutStats"]["count"].values()) == 2
    assert (shown["creatorId"], shown["method"]) == ("operator", "AGENCY")

    here.submit(here_bulk := _bulk(here, waiting))
    assert here_bulk.public_id == waiting
    prepared = wire.listed("/bulk-payouts", statuses=["PREPARED"])
    assert [(item["id"], item["status"]) for item in prepared["items"]] == [(waiting, "PREPARED")]
    assert wire.listed("/bulk-payouts", methods=["DIRECT"])["items"] == []
    assert wire.listed("/bulk-payouts", criteria={"bulkPayoutId": done})["page"]["totalCount"] == 1
    assert wire.status("/bulk-payouts", criteria={}) == 400


def _bulk(here: World, public_id: str) -> Any:
    from payouts import queries

    return queries.find_bulk(here.scope, public_id)


def test_account_transfers(here: World, wire: Wire) -> None:
    done, _waiting = sent(here)

    whole = wire.listed("/account-transfers")

    assert whole["page"]["totalCount"] == 2
    assert whole["counts"]["succeeded"] == 2
    shown = whole["items"][1]
    assert set(here.witness()) == {item["id"] for item in whole["items"]}
    assert (shown["type"], shown["withdrawalType"], shown["status"]) == ("WITHDRAWAL", "PARTNER_PAYOUT", "SUCCEEDED")
    assert (shown["amount"], shown["partnerId"], shown["bulkPayoutId"]) == (967_000, "acme", done)
    assert shown["bankAccount"]["provider"] == "MOCK"
    assert shown["tradedAt"].endswith("Z")
    run = shown["bulkAccountTransferId"]
    for wanted, count in [
        ({"payoutId": shown["payoutId"]}, 1),
        ({"accountTransferId": shown["id"]}, 1),
        ({"accountTransferIds": [item["id"] for item in whole["items"]]}, 2),
        ({"bankAccountId": "main"}, 2),
        ({"bankAccountId": "other"}, 0),
        ({"bulkAccountTransferId": run}, 2),
        ({"bulkAccountTransferId": done}, 0),
        ({"types": ["DEPOSIT"]}, 0),
        ({"types": ["DEPOSIT", "WITHDRAWAL"]}, 2),
        ({"statuses": ["SUCCEEDED"]}, 2),
        ({"statuses": ["SCHEDULED"]}, 0),
        ({"statuses": ["ASYNC_PROCESSING", "FAILED"]}, 0),
        ({"depositAccountHolder": HOLDER}, 2),
        ({"depositorName": HOLDER}, 0),
        ({"tradeTimestampRange": LONG, "createdTimestampRange": LONG, "statusUpdatedTimestampRange": LONG}, 2),
        ({"scheduledTimestampRange": LONG}, 0),
        ({"depositMemo": "x"}, 0),
    ]:
        assert wire.listed("/account-transfers", **wanted)["page"]["totalCount"] == count, wanted

    runs = wire.listed("/bulk-account-transfers")
    (only,) = runs["items"]
    assert (only["id"], only["totalAmount"], only["status"]) == (run, 974_000, "COMPLETED")
    assert only["stats"]["amount"]["succeeded"] == 974_000
    assert runs["counts"] == {"prepared": 0, "scheduled": 0, "ongoing": 0, "completed": 1}
    assert wire.listed("/bulk-account-transfers", criteria={"bulkAccountTransferId": run})["page"]["totalCount"] == 1
    assert wire.listed("/bulk-account-transfers", criteria={"bulkAccountTransferId": done})["page"]["totalCount"] == 0
    assert wire.listed("/bulk-account-transfers", statuses=["ONGOING"])["page"]["totalCount"] == 0


def test_a_refusal_of_the_bank_says_why(here: World, wire: Wire) -> None:
    here.partner("acme")
    here.owe("acme", 5_000)
    rule = {"match": {"call": "transfer"}, "effect": "fail", "code": "415", "probability": 1, "count": 1}
    here.bank.faults(rule)
    here.approved()
    here.send()

    (payout,) = wire.listed("/payouts")["items"]
    (attempt,) = wire.listed("/account-transfers")["items"]

    assert payout["status"] == attempt["status"] == "FAILED"
    assert payout["failReason"]
    assert attempt["failReason"]


def test_complete_payout_on_the_wire(here: World, wire: Wire) -> None:
    here.partner("acme")
    here.owe("acme", 5_000)
    row = PartnerSettlement.objects.within(here.scope).get()
    day = clock.today().isoformat()
    body = {"bulkPayoutId": "by/hand", "partnerSettlementIds": [row.public_id], "completeAt": day, "unheard": "of"}

    status, answer = wire.call("POST", "/partner-settlements/complete-payout", body)

    assert (status, answer) == (
        200,
        {
            "bulkPayoutId": "by/hand",
            "bulkPayoutGraphqlId": graphql_id(9, "by/hand"),
            "payoutCount": 1,
            "partnerSettlementCount": 1,
        },
    )
    (paid,) = wire.listed("/payouts", criteria={"bulkPayoutId": "by/hand"}, statuses=["SUCCEEDED"])["items"]
    assert paid["method"] == "DIRECT"
    assert wire.listed("/account-transfers")["items"] == []
    assert wire.listed("/bulk-account-transfers")["items"] == []
    assert here.witness() == {}
    again, refused = wire.call("POST", "/partner-settlements/complete-payout", body)
    assert (again, refused["type"]) == (409, "PLATFORM_BULK_PAYOUT_ID_ALREADY_EXISTS")
    assert wire.call("POST", "/partner-settlements/complete-payout", {"bulkPayoutId": "x"})[1]["type"] == (
        "PLATFORM_NO_SELECTED_PARTNER_SETTLEMENTS"
    )


def test_complete_payout_needs_its_scope(here: World) -> None:
    firm = Firm(here.merchant, here.scope)
    weak = Wire(firm.secret(firm.person("weak", Role.ADMIN), (ApiScope.READ, ApiScope.WRITE))[1])
    status, answer = weak.call("POST", "/partner-settlements/complete-payout", {"bulkPayoutId": "x"})
    assert (status, answer["type"]) == (403, "FORBIDDEN")


def test_every_stored_status_has_its_word() -> None:
    assert set(PAYOUT_STATUS) == set(INSTRUCTION_STATUS) == set(PayoutStatus.values)
    assert set(BULK_STATUS) == set(BulkStatus.values)
    assert set(RUN_STATUS) < set(BulkStatus.values)
    assert "UNKNOWN" in TRANSFER_STATUS

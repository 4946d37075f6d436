"""Protects the promise that the unmodified client library reads and completes payouts on this server."""

import inspect
import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from portone_server_sdk import PlatformClient, common, errors
from portone_server_sdk.platform import account_transfer, bulk_account_transfer, bulk_payout, partner_settlement, payout

from access.roles import Role
from config.pytest_processes import RunningProcess, Start
from core import clock
from payouts.models import Attempt
from payouts.operations import results
from tests.access.build import Firm
from tests.payouts.world import World, world

ALWAYS = common.DateTimeRange(from_="2000-01-01T00:00:00Z", until="2999-01-01T00:00:00Z")
# Every method of the library's clients of payouts and money; a new one must be tried below too.
TRIED = {
    "complete_platform_payout_by_partner_settlement_ids",
    "get_platform_payouts",
    "get_platform_bulk_payouts",
    "get_platform_account_transfers",
    "get_platform_bulk_account_transfers",
}


@pytest.fixture
def here(committed_db: str, tmp_path: Path) -> Iterator[World]:  # noqa: ARG001 - the world lives in it
    with world(tmp_path) as made:
        yield made


@pytest.fixture
def site(here: World, start_site: Start) -> RunningProcess:  # noqa: ARG001 - the site serves the world
    return start_site()


@pytest.fixture
def client(here: World, site: RunningProcess) -> PlatformClient:
    firm = Firm(here.merchant, here.scope)
    _secret, text = firm.secret(firm.person("owner", Role.ADMIN))
    return PlatformClient(secret=text, base_url=site.url)


def test_no_method_is_forgotten() -> None:
    clients = (
        payout.PayoutClient,
        bulk_payout.BulkPayoutClient,
        account_transfer.AccountTransferClient,
        bulk_account_transfer.BulkAccountTransferClient,
    )
    found = {
        name
        for one in clients
        for name, _method in inspect.getmembers(one, inspect.isfunction)
        if not name.startswith("_") and not name.endswith("_async")
    }
    assert found == TRIED


def test_payouts_through_the_bank(here: World, client: PlatformClient) -> None:
    here.partner("acme")
    here.owe("acme", 7_000)
    done = here.approved()
    here.send()

    found = client.payout.get_platform_payouts(
        page=common.PageInput(number=0, size=5),
        filter=payout.PlatformPayoutFilterInput(
            criteria=payout.PlatformPayoutFilterInputCriteria(timestamp_range=ALWAYS), statuses=["SUCCEEDED"]
        ),
    )
    (paid,) = found.items
    assert (paid.amount, paid.partner.id, paid.bulk_payout_id) == (7_000, "acme", done.public_id)
    assert (found.counts.succeeded, found.page.total_count) == (1, 1)

    bulks = client.bulk_payout.get_platform_bulk_payouts(
        filter=bulk_payout.PlatformBulkPayoutFilterInput(
            criteria=bulk_payout.PlatformBulkPayoutFilterInputCriteria(bulk_payout_id=done.public_id)
        )
    )
    assert bulks.items[0].payout_stats.amount.succeeded == 7_000
    assert bulks.counts.completed == 1

    moved = client.account_transfer.get_platform_account_transfers(
        filter=account_transfer.PlatformAccountTransferFilter(payout_id=paid.id)
    )
    (withdrawal,) = moved.items
    assert isinstance(withdrawal, account_transfer.PlatformWithdrawalAccountTransfer)
    assert (withdrawal.amount, withdrawal.withdrawal_type) == (7_000, "PARTNER_PAYOUT")
    assert moved.counts.succeeded == 1

    runs = client.bulk_account_transfer.get_platform_bulk_account_transfers()
    assert runs.items[0].id == withdrawal.bulk_account_transfer_id
    assert runs.items[0].stats.count.succeeded == 1
    assert client.payout.get_platform_payouts(test=True).page.total_count == 0


def seen_by(client: PlatformClient, site: RunningProcess, secret: str, payout_id: str) -> tuple[str, str, str]:
    """Return the status of a payout as the library, our own API and its fail reason on the wire tell it."""
    everything = client.payout.get_platform_payouts(
        filter=payout.PlatformPayoutFilterInput(
            criteria=payout.PlatformPayoutFilterInputCriteria(timestamp_range=ALWAYS)
        )
    )
    (row,) = [one for one in everything.items if one.id == payout_id]
    asked = urllib.request.Request(
        f"{site.url}/api/v1/payouts/{payout_id}", headers={"Authorization": f"PortOne {secret}"}
    )
    with urllib.request.urlopen(asked) as answer:
        return row.status, json.loads(answer.read())["status"], row.fail_reason or ""


def test_what_the_wire_has_no_word_for(here: World, site: RunningProcess) -> None:
    """Our own API and pages tell UNKNOWN and RETURNED; the library sees PROCESSING, and FAILED with the reason."""
    firm = Firm(here.merchant, here.scope)
    _row, secret = firm.secret(firm.person("owner", Role.ADMIN))
    client = PlatformClient(secret=secret, base_url=site.url)
    here.partner("acme")
    here.owe("acme", 7_000)
    here.approved()
    here.bank.faults({"match": {"call": "transfer"}, "effect": "timeout_after", "count": 1})
    here.send()
    payout_id = here.payout("acme").public_id
    assert seen_by(client, site, secret, payout_id) == ("PROCESSING", "UNKNOWN", "")

    here.bank.faults()
    Attempt.objects.update(next_inquiry_at=clock.now())
    here.ask()
    assert seen_by(client, site, secret, payout_id) == ("SUCCEEDED", "SUCCEEDED", "")

    attempt = Attempt.objects.get()
    now = clock.now()
    results.record_return(attempt_id=attempt.pk, amount=attempt.amount, returned_at=now, now=now)
    status, own, reason = seen_by(client, site, secret, payout_id)
    assert (status, own) == ("FAILED", "RETURNED")
    assert reason


def test_paid_by_hand_and_its_refusals(here: World, client: PlatformClient) -> None:
    here.partner("acme")
    here.owe("acme", 5_000)
    here.partner("beta")
    here.owe("beta", -1_000)
    settled = client.partner_settlement.get_platform_partner_settlements(
        filter=partner_settlement.PlatformPartnerSettlementFilterInput()
    ).items
    due = {item.partner.id: item.id for item in settled if not isinstance(item, dict)}
    complete = client.payout.complete_platform_payout_by_partner_settlement_ids

    with pytest.raises(errors.PlatformNoSelectedPartnerSettlementsError):
        complete(bulk_payout_id="by-hand", partner_settlement_ids=[])
    with pytest.raises(errors.PlatformDuplicatedPartnerSettlementIdsError):
        complete(bulk_payout_id="by-hand", partner_settlement_ids=[due["acme"], due["acme"]])
    with pytest.raises(errors.PlatformPartnerSettlementsNotFoundError) as missing:
        complete(bulk_payout_id="by-hand", partner_settlement_ids=[due["acme"], "nobody"])
    assert missing.value.ids == ["nobody"]
    with pytest.raises(errors.PlatformNegativePayoutAmountPartnersError):
        complete(bulk_payout_id="by-hand", partner_settlement_ids=list(due.values()))

    made = complete(
        bulk_payout_id="by-hand",
        name="직접 지급",
        partner_settlement_ids=[due["acme"]],
        completed_at=clock.today().isoformat(),
    )
    assert (made.bulk_payout_id, made.payout_count, made.partner_settlement_count) == ("by-hand", 1, 1)

    with pytest.raises(errors.PlatformBulkPayoutIdAlreadyExistsError):
        complete(bulk_payout_id="by-hand", partner_settlement_ids=[due["beta"]])
    with pytest.raises(errors.PlatformNonPayablePartnerSettlementsError) as stuck:
        complete(bulk_payout_id="again", partner_settlement_ids=[due["acme"]])
    assert stuck.value.ids == [due["acme"]]
    shown = client.bulk_payout.get_platform_bulk_payouts(
        filter=bulk_payout.PlatformBulkPayoutFilterInput(methods=["DIRECT"])
    )
    assert [item.id for item in shown.items] == ["by-hand"]

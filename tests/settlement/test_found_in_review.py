"""Protects the compatible wire where a review with hand-made requests found it to differ from what clients expect."""

import pytest
from django.test import Client

from settlement import claims
from settlement.models import PayoutRef
from tests.settlement.test_api import ORDER, PARTNER, Wire, prepare, wire

__all__ = ["wire"]
pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("word", ["order", "order-cancel", "manual"])
def test_a_transfer_may_be_called_like_an_address(wire: Wire, word: str) -> None:
    prepare(wire)
    wire.ok("POST", "/transfers/order", ORDER | {"id": word})

    assert wire.ok("GET", f"/transfers/{word}")["id"] == word
    assert wire.ok("DELETE", f"/transfers/{word}") == {}
    assert wire.refused("GET", f"/transfers/{word}") == (404, "TRANSFER_NOT_FOUND")


@pytest.mark.parametrize("amount", [10_000_000_000, 999_999_999_999_999])
def test_a_large_fixed_fee_is_found_by_its_amount(wire: Wire, amount: int) -> None:
    fee = {"id": "large", "name": "큰 수수료", "fee": {"fixedAmount": amount}, "vatPayer": "PARTNER"}
    wire.ok("POST", "/additional-fee-policies", fee)

    def found(word: str) -> list[str]:
        argument = {"filter": {"keyword": {"fee": word}}}
        return [item["id"] for item in wire.listed("/additional-fee-policies", argument)["items"]]

    assert found(str(amount)) == ["large"]
    assert found(str(amount + 1)) == []
    assert found("9" * 200) == []


def test_a_changed_account_makes_a_version_of_the_partner(wire: Wire) -> None:
    prepare(wire)
    before = wire.ok("GET", "/partners/seller-7")["appliedAt"]
    account = PARTNER["account"] | {"number": "110-222-333444"}

    changed = wire.ok("PATCH", "/partners/seller-7", {"account": account})["partner"]

    assert changed["appliedAt"] > before
    # The same account again changes nothing.
    assert wire.ok("PATCH", "/partners/seller-7", {"account": account})["partner"]["appliedAt"] == changed["appliedAt"]


@pytest.mark.parametrize("body", [{}, {"partnerSettlementIds": None}])
def test_deleting_partner_settlements_needs_their_ids(wire: Wire, body: dict[str, object]) -> None:
    assert wire.refused("POST", "/partner-settlements/delete", body) == (400, "INVALID_REQUEST")


def test_a_partner_settlement_tells_when_its_payout_gave_it_its_status(wire: Wire) -> None:
    prepare(wire)
    wire.ok("POST", "/transfers/order", ORDER)
    (due,) = wire.listed("/partner-settlements")["items"]
    paid = PayoutRef.objects.create(
        **wire.scope.filters(),
        public_id="po-1",
        bulk_public_id="bp-1",
        status="SUCCEEDED",
        changed_at="2099-01-02T03:04:05Z",
    )
    row = claims.claimable(wire.scope).get()
    claims.claim(scope=wire.scope, taken={paid.pk: claims.lock(wire.scope, [row.pk])})

    (shown,) = wire.listed("/partner-settlements")["items"]

    assert due["statusUpdatedAt"] < "2099"
    assert (shown["status"], shown["statusUpdatedAt"]) == ("PAID_OUT", "2099-01-02T03:04:05.000Z")


def test_looking_businesses_up_needs_their_numbers(wire: Wire) -> None:
    answer = Client().generic(
        "POST", "/b2b/companies/business-info", "{}", headers={"authorization": f"PortOne {wire.secret}"}
    )

    assert (answer.status_code, answer.json()["type"]) == (400, "INVALID_REQUEST")

"""Protects look-ups of accounts and businesses: what is answered, what is refused, and that no transaction waits."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.db import connection
from django.test import Client

from access.models import Merchant
from access.roles import Role
from core import clock
from payouts.operations import funds
from payouts.rails.simulator.businesses import business
from settlement import lookups
from settlement.models import AccountVerification, CompanyVerification
from settlement.operations import lookups_ops
from tests import build
from tests.access.build import Firm
from tests.payouts.rails.bank import BankProcess
from tests.settlement.test_api import CONTRACT, PARTNER, Wire

HOLDER = "/bank-accounts/KOOKMIN/{}/holder"


def backend() -> Wire:
    """Return a merchant's backend."""
    scope = build.merchant()
    firm = Firm(Merchant.objects.get(pk=scope.merchant_id), scope)
    _secret, text = firm.secret(firm.person("owner", Role.ADMIN))
    return Wire(scope, text)


@pytest.fixture
def wire(db: None) -> Wire:  # noqa: ARG001 - the tables are in it
    """Give a backend of a merchant that has no bank account."""
    return backend()


@pytest.fixture
def connected(committed_db: str, bank: BankProcess) -> Wire:  # noqa: ARG001 - no call may go out of a transaction
    """Give a backend of a merchant with a live account at the simulated bank."""
    made = backend()
    funds.open_bank_account(
        scope=made.scope,
        name="지급",
        bank="SHINHAN",
        number="110123456789",
        holder="달빛마켓",
        rail="simulator",
        by=build.BY,
        now=clock.now(),
    )
    return made


@pytest.fixture
def bank(tmp_path: Path, settings: Any) -> Iterator[BankProcess]:
    """Give a running simulated bank."""
    process = BankProcess(tmp_path / "bank.jsonl")
    url = f"http://127.0.0.1:{process.port}"
    settings.JEONGSAN = settings.JEONGSAN | {"BANK_URL": url}
    yield process
    process.stop()


class TestAccountHolder:
    def test_the_bank_answers_and_the_answer_may_be_used(self, connected: Wire, bank: BankProcess) -> None:
        account = {"bank": "KOOKMIN", "accountNumber": "123456789012", "holder": "김정산"}
        bank.call("POST", "/v1/accounts", account)
        found = connected.ok("GET", HOLDER.format("123456789012") + "?birthdate=900203")
        assert found["holderName"] == "김정산"

        connected.ok("POST", "/contracts", CONTRACT)
        verified = PARTNER["account"] | {"accountVerificationId": found["accountVerificationId"]}
        made = connected.ok("POST", "/partners", PARTNER | {"account": verified})["partner"]
        assert made["account"]["status"] == "VERIFIED"
        again = PARTNER | {"id": "other", "account": verified}
        assert connected.refused("POST", "/partners", again) == (409, "ACCOUNT_VERIFICATION_ALREADY_USED")

    def test_refusals(self, connected: Wire, bank: BankProcess) -> None:
        assert connected.refused("GET", "/bank-accounts/MOON/1/holder") == (400, "NOT_SUPPORTED_BANK")
        for number in ("1230000412", "abc", "1" * 21):
            assert connected.refused("GET", HOLDER.format(number)) == (400, "INVALID_REQUEST")
        both = HOLDER.format("123456789012") + "?birthdate=900203&businessRegistrationNumber=1178178260"
        assert connected.refused("GET", both) == (400, "INVALID_REQUEST")
        bank.faults({"match": {"call": "holder"}, "effect": "garbage"})
        assert connected.refused("GET", HOLDER.format("123456789012")) == (503, "EXTERNAL_API_FAILED")
        bank.stop()
        assert connected.refused("GET", HOLDER.format("123456789012")) == (503, "EXTERNAL_API_TEMPORARILY_FAILED")
        assert not AccountVerification.objects.exists()

    def test_without_a_bank_account_there_is_nobody_to_ask(self, wire: Wire) -> None:
        assert wire.refused("GET", HOLDER.format("123456789012")) == (503, "EXTERNAL_API_FAILED")

    def test_the_test_environment_answers_by_itself(self, wire: Wire) -> None:
        assert wire.ok("GET", HOLDER.format("123456789012"), test=True)["holderName"] == "테스트"


class TestCompany:
    def test_every_kind_of_business(self, connected: Wire) -> None:
        for number, status, taxation in (
            ("1178178260", "IN_BUSINESS", "NORMAL"),
            ("123-45-00001", "CLOSED", "NORMAL"),
            ("1234500002", "SUSPENDED", "NORMAL"),
            ("1234500003", "IN_BUSINESS", "SIMPLE_TAX_INVOICE_ISSUER"),
            ("1234500005", "IN_BUSINESS", "TAX_FREE"),
        ):
            found = connected.ok("GET", f"/companies/{quote(number)}/state")
            state = found["companyState"]
            assert (state["businessStatus"], state["taxationType"]) == (status, taxation)
            assert ("closedSuspendedDate" in state) == (status != "IN_BUSINESS")
            assert CompanyVerification.objects.get(public_id=found["companyVerificationId"]).business_status == status
        assert connected.refused("GET", "/companies/1234500000/state") == (404, "COMPANY_NOT_FOUND")
        assert connected.refused("GET", "/companies/12/state") == (400, "INVALID_REQUEST")

    def test_the_bank_is_down(self, connected: Wire, bank: BankProcess) -> None:
        bank.faults({"match": {"call": "business"}, "effect": "garbage"})
        assert connected.refused("GET", "/companies/1178178260/state") == (503, "EXTERNAL_API_FAILED")

    def test_many_at_once(self, wire: Wire) -> None:
        status, found = _b2b(wire, {"brnList": ["1178178260", "1234500000", "nonsense"]})
        assert status == 200
        known, *unknown = found["result"]
        assert known["brn"] == "1178178260"
        assert set(known["businessInfo"]) >= {
            *("brn", "name", "ceoName", "zipCode", "address", "businessEntityType", "businessStatus"),
            *("taxationType", "openingDate", "businessType", "businessClass", "businessCategoryCode"),
        }
        assert CompanyVerification.objects.get(public_id=known["verificationId"]).used_at is None
        assert unknown == [{"brn": "1234500000", "error": "NOT_FOUND"}, {"brn": "nonsense", "error": "NOT_FOUND"}]

    def test_nobody_to_ask(self, wire: Wire) -> None:
        status, refusal = _b2b(wire, {"brnList": ["1178178260"]}, test=False)
        assert (status, refusal["type"]) == (502, "B2B_EXTERNAL_SERVICE")
        before = lookups.company_lookup()
        lookups.register_company(None)
        try:
            status, refusal = _b2b(wire, {"brnList": []})
        finally:
            lookups.register_company(before)
        assert (status, refusal["type"]) == (403, "B2B_NOT_ENABLED")

    def test_the_simulated_answers_never_change(self) -> None:
        assert business("1178178260") == business("1178178260")
        assert business("1178178260") != business("1178178261")
        assert business("12") is None


def _b2b(wire: Wire, body: object, *, test: bool = True) -> tuple[int, Any]:
    response = Client().post(
        f"/b2b/companies/business-info{'?test=true' if test else ''}",
        json.dumps(body),
        content_type="application/json",
        headers={"authorization": f"PortOne {wire.secret}"},
    )
    return response.status_code, response.json()


def test_no_transaction_waits_for_the_network(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    depth: list[int] = []
    outside = len(connection.savepoint_ids)

    def holder(_scope: object, _bank: str, _number: str) -> str:
        depth.append(len(connection.savepoint_ids) - outside)
        return "김정산"

    def company(_scope: object, number: str) -> lookups.Business:
        depth.append(len(connection.savepoint_ids) - outside)
        return lookups.Business(number, "IN_BUSINESS", "NORMAL")

    monkeypatch.setattr(lookups, "_lookups", [holder])
    monkeypatch.setattr(lookups, "_company_lookups", [company])
    wire.ok("GET", HOLDER.format("123456789012"))
    wire.ok("GET", "/companies/1178178260/state")
    assert _b2b(wire, {"brnList": ["1178178260", "2208162517"]})[0] == 200
    assert lookups_ops.business_number("117-81-78260") == "1178178260"
    assert depth == [0, 0, 0, 0]

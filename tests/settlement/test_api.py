"""Protects the compatible wire: shapes, ids, refusals and lists are what existing clients were written for."""

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from django.test import Client

from access import paths
from access.models import Merchant
from access.roles import Role
from core.ids import graphql_id
from core.scope import Scope
from settlement import claims
from settlement.models import PayoutRef
from tests import build
from tests.access.build import Firm

pytestmark = pytest.mark.django_db
Body = dict[str, Any]


@dataclass(frozen=True)
class Wire:
    """A client of the wire: live unless asked otherwise."""

    scope: Scope
    secret: str

    def call(self, method: str, path: str, body: object = None, *, test: bool = False) -> tuple[int, Body]:
        url = f"/platform{path}"
        if test:
            url += ("&" if "?" in url else "?") + "test=true"
        response = Client().generic(
            method,
            url,
            "" if body is None else json.dumps(body),
            content_type="text/plain;charset=UTF-8",
            headers={"authorization": f"PortOne {self.secret}"},
            **paths.raw(url),
        )
        return response.status_code, response.json()

    def ok(self, method: str, path: str, body: object = None, *, test: bool = False) -> Body:
        status, answer = self.call(method, path, body, test=test)
        assert status == 200, answer
        assert None not in _values(answer)
        return answer

    def refused(self, method: str, path: str, body: object = None) -> tuple[int, str]:
        status, answer = self.call(method, path, body)
        assert status >= 400, answer
        return status, answer["type"].removeprefix("PLATFORM_")

    def listed(self, path: str, argument: object = None, *, test: bool = False) -> Body:
        query = urlencode({"requestBody": json.dumps(argument or {})})
        return self.ok("GET", f"{path}?{query}", test=test)


def _values(value: object) -> list[object]:
    if isinstance(value, dict):
        return [inner for one in value.values() for inner in _values(one)]
    if isinstance(value, list):
        return [inner for one in value for inner in _values(one)]
    return [value]


@pytest.fixture
def wire() -> Wire:
    """Give a merchant's backend."""
    scope = build.merchant()
    firm = Firm(Merchant.objects.get(pk=scope.merchant_id), scope)
    _secret, text = firm.secret(firm.person("owner", Role.ADMIN))
    return Wire(scope, text)


CONTRACT: Body = {
    "id": "ten-percent",
    "name": "10 %",
    "platformFee": {"fixedRate": 10_000},
    "settlementCycle": {
        "lagDays": 2,
        "datePolicy": "HOLIDAY_BEFORE",
        "method": {"monthly": {"daysOfMonth": [31]}},
    },
    "platformFeeVatPayer": "PARTNER",
    "subtractPaymentVatAmount": False,
}
PARTNER: Body = {
    "id": "seller-7",
    "name": "찻집",
    "contact": {"name": "김담당", "email": "tea@example.com"},
    "account": {"bank": "KOOKMIN", "currency": "KRW", "number": "123-456-789012", "holder": "김정산"},
    "defaultContractId": "ten-percent",
    "type": {
        "business": {
            "companyName": "정산상사",
            "businessRegistrationNumber": "117-81-78260",
            "representativeName": "김정산",
        }
    },
}
ORDER: Body = {
    "partnerId": "seller-7",
    "paymentId": "order-0001",
    "orderDetail": {"orderAmount": 10_000},
    "settlementStartDate": "2023-08-11",
    "discounts": [{"sharePolicyId": "half", "amount": 2_000}],
    "additionalFees": [],
    "externalPaymentDetail": {"currency": "KRW", "orderName": "Tea set", "method": {"card": {}}},
}


def prepare(wire: Wire, *, test: bool = False) -> None:
    """Make what the worked example needs."""
    wire.ok("POST", "/contracts", CONTRACT, test=test)
    wire.ok("POST", "/partners", PARTNER, test=test)
    wire.ok("POST", "/discount-share-policies", {"id": "half", "name": "반반", "partnerShareRate": 50_000}, test=test)


class TestPolicies:
    def test_a_contract_as_it_goes_in_and_comes_out(self, wire: Wire) -> None:
        made = wire.ok("POST", "/contracts", CONTRACT | {"memo": "봄"})["contract"]

        applied = made.pop("appliedAt")
        assert applied.endswith("Z")
        assert made == {
            "id": "ten-percent",
            "graphqlId": graphql_id(5, "ten-percent"),
            "name": "10 %",
            "memo": "봄",
            "platformFee": {"type": "FIXED_RATE", "rate": 10_000},
            "settlementCycle": {
                "lagDays": 2,
                "datePolicy": "HOLIDAY_BEFORE",
                "method": {"type": "MONTHLY", "daysOfMonth": [31]},
            },
            "platformFeeVatPayer": "PARTNER",
            "subtractPaymentVatAmount": False,
            "isArchived": False,
            "isForTest": False,
        }
        assert wire.ok("GET", "/contracts/ten-percent") == made | {"appliedAt": applied}

    @pytest.mark.parametrize(
        ("sent", "shown"),
        [
            ({"daily": {}}, {"type": "DAILY"}),
            ({"weekly": {"daysOfWeek": ["FRI", "MON", "FRI"]}}, {"type": "WEEKLY", "daysOfWeek": ["MON", "FRI"]}),
            ({"monthly": {"daysOfMonth": [31, 15]}}, {"type": "MONTHLY", "daysOfMonth": [15, 31]}),
            (
                {"manualDates": {"dates": [{"month": 9, "day": 30}, {"month": 2, "day": 29}]}},
                {"type": "MANUAL_DATES", "dates": [{"month": 2, "day": 29}, {"month": 9, "day": 30}]},
            ),
        ],
    )
    def test_every_cycle(self, wire: Wire, sent: Body, shown: Body) -> None:
        cycle = CONTRACT["settlementCycle"] | {"method": sent}
        made = wire.ok("POST", "/contracts", CONTRACT | {"settlementCycle": cycle})["contract"]
        assert made["settlementCycle"]["method"] == shown

    @pytest.mark.parametrize(
        "changes",
        [
            {"platformFee": {}},
            {"platformFee": {"fixedRate": 1, "fixedAmount": 1}},
            {"platformFee": {"fixedRate": -1}},
            {"platformFee": {"fixedRate": 1.5}},
            {"platformFee": {"fixedAmount": "1"}},
            {"settlementCycle": CONTRACT["settlementCycle"] | {"lagDays": 11}},
            {"settlementCycle": CONTRACT["settlementCycle"] | {"method": {"monthly": {"daysOfMonth": [32]}}}},
            {"settlementCycle": CONTRACT["settlementCycle"] | {"method": {"monthly": {"daysOfMonth": []}}}},
            {"settlementCycle": CONTRACT["settlementCycle"] | {"method": {"monthly": {"daysOfMonth": [True]}}}},
            {"settlementCycle": CONTRACT["settlementCycle"] | {"method": {"weekly": {"daysOfWeek": ["XXX"]}}}},
            {"settlementCycle": CONTRACT["settlementCycle"] | {"method": {"daily": {}, "weekly": {}}}},
            {
                "settlementCycle": CONTRACT["settlementCycle"]
                | {"method": {"manualDates": {"dates": [{"month": 2, "day": 30}]}}}
            },
            {"settlementCycle": CONTRACT["settlementCycle"] | {"method": {"monthly": {"daysOfMonth": [10**30]}}}},
            {"platformFeeVatPayer": "NOBODY"},
            {"name": ""},
            {"id": ""},
            {"id": "x" * 301},
            {"memo": 3},
        ],
    )
    def test_what_makes_no_contract(self, wire: Wire, changes: Body) -> None:
        assert wire.refused("POST", "/contracts", CONTRACT | changes) == (400, "INVALID_REQUEST")

    def test_changing_archiving_and_recovering(self, wire: Wire) -> None:
        wire.ok("POST", "/contracts", CONTRACT)
        changed = wire.ok("PATCH", "/contracts/ten-percent", {"platformFee": {"fixedAmount": 500}})["contract"]
        assert changed["platformFee"] == {"type": "FIXED_AMOUNT", "amount": 500}
        assert changed["settlementCycle"]["lagDays"] == 2

        assert wire.ok("POST", "/contracts/ten-percent/archive")["contract"]["isArchived"] is True
        assert wire.refused("PATCH", "/contracts/ten-percent", {"name": "x"}) == (409, "ARCHIVED_CONTRACT")
        assert wire.listed("/contracts")["items"] == []
        assert len(wire.listed("/contracts", {"filter": {"isArchived": True}})["items"]) == 1
        assert wire.ok("GET", "/contracts/ten-percent")["isArchived"] is True
        assert wire.ok("POST", "/contracts/ten-percent/recover")["contract"]["isArchived"] is False

    def test_refusals(self, wire: Wire) -> None:
        prepare(wire)
        fee = {"id": "five", "name": "5 %", "fee": {"fixedRate": 5_000}, "vatPayer": "PARTNER"}
        assert wire.ok("POST", "/additional-fee-policies", fee)["additionalFeePolicy"]["vatPayer"] == "PARTNER"
        share = {"id": "half", "name": "x", "partnerShareRate": 1}
        for method, path, body, refusal in (
            ("POST", "/contracts", CONTRACT, (409, "CONTRACT_ALREADY_EXISTS")),
            ("POST", "/discount-share-policies", share, (409, "DISCOUNT_SHARE_POLICY_ALREADY_EXISTS")),
            ("POST", "/additional-fee-policies", fee, (409, "ADDITIONAL_FEE_POLICY_ALREADY_EXISTS")),
            ("GET", "/contracts/none", None, (404, "CONTRACT_NOT_FOUND")),
            ("PATCH", "/discount-share-policies/none", {}, (404, "DISCOUNT_SHARE_POLICY_NOT_FOUND")),
            ("POST", "/additional-fee-policies/none/archive", None, (404, "ADDITIONAL_FEE_POLICY_NOT_FOUND")),
            (
                "POST",
                "/discount-share-policies",
                {"name": "x", "partnerShareRate": 100_001},
                (400, "INVALID_REQUEST"),
            ),
        ):
            assert wire.refused(method, path, body) == refusal

    def test_filters_and_keywords(self, wire: Wire) -> None:
        prepare(wire)
        wire.ok("POST", "/discount-share-policies", {"id": "all", "name": "모두", "partnerShareRate": 100_000})
        for amount in (300, 500):
            fee = {"id": f"fee-{amount}", "name": "x", "fee": {"fixedAmount": amount}, "vatPayer": "MERCHANT"}
            wire.ok("POST", "/additional-fee-policies", fee)
        for path, wanted, found in (
            ("/contracts", {"platformFeePayers": ["MERCHANT"]}, 0),
            ("/contracts", {"cycleTypes": ["MONTHLY"], "datePolicies": ["HOLIDAY_BEFORE"]}, 1),
            ("/contracts", {"keyword": {"name": "0 %"}}, 1),
            ("/discount-share-policies", {"partnerShareRates": [50_000]}, 1),
            ("/discount-share-policies", {"partnerShareRates": []}, 2),
            ("/discount-share-policies", {"keyword": {"id": "AL"}}, 2),
            ("/additional-fee-policies", {"keyword": {"fee": "300"}}, 1),
            ("/additional-fee-policies", {"keyword": {"fee": "3x"}}, 0),
            ("/additional-fee-policies", {"vatPayers": ["PARTNER"]}, 0),
        ):
            assert wire.listed(path, {"filter": wanted})["page"]["totalCount"] == found


class TestPartners:
    def test_a_business_as_it_comes_out(self, wire: Wire) -> None:
        wire.ok("POST", "/contracts", CONTRACT)
        made = wire.ok("POST", "/partners", PARTNER | {"tags": ["차", "서울"]})["partner"]

        assert made.pop("appliedAt").endswith("Z")
        assert made == {
            "id": "seller-7",
            "graphqlId": graphql_id(4, "seller-7"),
            "name": "찻집",
            "contact": {"name": "김담당", "email": "tea@example.com"},
            "account": {
                "bank": "KOOKMIN",
                "currency": "KRW",
                "number": "123-456-789012",
                "holder": "김정산",
                "status": "NOT_VERIFIED",
            },
            "status": "APPROVED",
            "defaultContractId": "ten-percent",
            "tags": ["차", "서울"],
            "type": {
                "type": "BUSINESS",
                "companyName": "정산상사",
                "taxationType": "NORMAL",
                "businessStatus": "NOT_VERIFIED",
                "businessRegistrationNumber": "117-81-78260",
                "representativeName": "김정산",
                "memberCompanyConnectionStatus": "NOT_CONNECTED",
            },
            "isArchived": False,
            "userDefinedProperties": {},
            "isForTest": False,
        }

    def test_people(self, wire: Wire) -> None:
        wire.ok("POST", "/contracts", CONTRACT)
        made = wire.ok("POST", "/partners", PARTNER | {"id": "a", "type": {"whtPayer": {"birthdate": "1990-01-02"}}})
        assert made["partner"]["type"] == {"type": "WHT_PAYER", "birthdate": "1990-01-02"}
        made = wire.ok("POST", "/partners", PARTNER | {"id": "b", "type": {"nonWhtPayer": {}}})
        assert made["partner"]["type"] == {"type": "NON_WHT_PAYER"}

    @pytest.mark.parametrize(
        "public_id", ["a/b c 한", "archive", "a/archive", "100%", "?x=1&y", "가 나/다#라", "..", "é+é"]
    )
    def test_ids_hold_anything(self, wire: Wire, public_id: str) -> None:
        wire.ok("POST", "/contracts", CONTRACT)
        wire.ok("POST", "/partners", PARTNER | {"id": public_id})
        address = f"/partners/{quote(public_id, safe='')}"

        assert wire.ok("GET", address)["id"] == public_id
        assert wire.ok("POST", f"{address}/archive")["partner"]["id"] == public_id
        assert wire.ok("POST", f"{address}/recover")["partner"]["isArchived"] is False
        assert wire.listed("/partners", {"filter": {"ids": [public_id]}})["page"]["totalCount"] == 1

    def test_a_change_merges_the_contact_and_replaces_the_account(self, wire: Wire) -> None:
        prepare(wire)
        account = PARTNER["account"] | {"number": "999", "holder": "박다른"}
        changed = wire.ok("PATCH", "/partners/seller-7", {"contact": {"phoneNumber": "010"}, "account": account})

        assert changed["partner"]["contact"] == {"name": "김담당", "phoneNumber": "010", "email": "tea@example.com"}
        assert changed["partner"]["account"]["number"] == "999"
        incomplete = {"account": {"number": "1"}}
        assert wire.refused("PATCH", "/partners/seller-7", incomplete) == (400, "INVALID_REQUEST")

    def test_refusals(self, wire: Wire) -> None:
        prepare(wire)
        other = PARTNER | {"id": "other"}
        for body, refusal in (
            (PARTNER, (409, "PARTNER_ID_ALREADY_EXISTS")),
            (other | {"defaultContractId": "none"}, (404, "CONTRACT_NOT_FOUND")),
            (other | {"account": PARTNER["account"] | {"currency": "GBP"}}, (400, "CURRENCY_NOT_SUPPORTED")),
            (
                other | {"account": PARTNER["account"] | {"accountVerificationId": "x"}},
                (404, "ACCOUNT_VERIFICATION_NOT_FOUND"),
            ),
            (other | {"userDefinedProperties": {"k": {"string": "v"}}}, (404, "USER_DEFINED_PROPERTY_NOT_FOUND")),
            (other | {"account": PARTNER["account"] | {"bank": "NOBANK"}}, (400, "INVALID_REQUEST")),
            (other | {"type": {}}, (400, "INVALID_REQUEST")),
            (other | {"type": {"business": {}}}, (400, "INVALID_REQUEST")),
            (other | {"tags": ["x"] * 11}, (400, "INVALID_REQUEST")),
            (other | {"memo": "x" * 257}, (400, "INVALID_REQUEST")),
            ({}, (400, "INVALID_REQUEST")),
        ):
            assert wire.refused("POST", "/partners", body) == refusal
        assert wire.refused("GET", "/partners/none") == (404, "PARTNER_NOT_FOUND")

    def test_filters_and_keywords(self, wire: Wire) -> None:
        prepare(wire)
        wire.ok("POST", "/partners", PARTNER | {"id": "b", "tags": ["차"], "type": {"whtPayer": {}}})
        for wanted, found in (
            ({"tags": ["차", "커피"]}, 1),
            ({"types": ["WHT_PAYER"]}, 1),
            ({"types": ["WHT_PAYER", "BUSINESS"], "taxationTypes": ["NORMAL"]}, 1),
            ({"banks": ["KOOKMIN"], "accountCurrencies": ["KRW"], "accountStatuses": ["NOT_VERIFIED"]}, 2),
            ({"contractIds": ["none"]}, 0),
            ({"memberCompanyConnectionStatuses": ["CONNECTED"]}, 0),
            ({"keyword": {"email": "TEA@"}}, 2),
            ({"keyword": {"accountNumber": "123456789012"}}, 2),
            ({"keyword": {"accountNumber": "9012"}}, 2),
            ({"keyword": {"accountNumber": "456"}}, 0),
            ({"keyword": {"id": "B", "name": "nothing"}}, 1),
        ):
            assert wire.listed("/partners", {"filter": wanted})["page"]["totalCount"] == found


class TestTransfers:
    def test_the_worked_example(self, wire: Wire) -> None:
        prepare(wire, test=True)
        made = wire.ok("POST", "/transfers/order", ORDER, test=True)["transfer"]

        assert made["id"].startswith("trs-")
        assert made["graphqlId"] == graphql_id(6, made["id"])
        assert made["partner"]["id"] == "seller-7"
        assert made["contract"]["id"] == "ten-percent"
        assert made["discounts"][0].pop("sharePolicy")["id"] == "half"
        wanted: Body = {
            "type": "ORDER",
            "status": "SETTLED",
            "settlementDate": "2023-08-31",
            "settlementCurrency": "KRW",
            "isForTest": True,
            "settlementStartDate": "2023-08-11",
            "userDefinedProperties": [],
            "parameters": {},
            "payment": {
                "type": "EXTERNAL",
                "id": "order-0001",
                "orderName": "Tea set",
                "currency": "KRW",
                "method": {"type": "CARD"},
            },
            "orderLines": [],
            "additionalFees": [],
            "discounts": [{"amount": 2_000, "taxFreeAmount": 0, "shareAmount": 1_000, "shareTaxFreeAmount": 0}],
            "amount": {
                "order": 10_000,
                "orderTaxFree": 0,
                "discount": 2_000,
                "discountTaxFree": 0,
                "discountShare": 1_000,
                "discountShareTaxFree": 0,
                "payment": 8_000,
                "paymentTaxFree": 0,
                "paymentVat": 727,
                "paymentVatBurden": 0,
                "paymentSupply": 7_273,
                "platformFee": 1_000,
                "platformFeeVat": 100,
                "additionalFee": 0,
                "additionalFeeVat": 0,
                "settlement": 7_900,
                "settlementTaxFree": 0,
                "userDefinedFormulas": {},
            },
        }
        assert {key: made[key] for key in wanted} == wanted
        assert wire.ok("GET", f"/transfers/{made['id']}", test=True)["amount"] == wanted["amount"]

        listed = wire.listed(
            "/transfer-summaries",
            {
                "page": {"number": 0, "size": 20},
                "filter": {
                    "settlementDateRange": {"from": "2023-08-01", "until": "2023-08-31"},
                    "statuses": ["SETTLED"],
                    "keyword": {"partnerId": "seller-7"},
                },
            },
            test=True,
        )
        assert listed["page"] == {"number": 0, "size": 20, "totalCount": 1}
        summary = listed["transferSummaries"][0]
        assert summary["payment"] == {
            "type": "EXTERNAL",
            "id": "order-0001",
            "orderName": "Tea set",
            "currency": "KRW",
            "methodType": "CARD",
        }
        assert summary["partner"]["taxationType"] == "NORMAL"
        assert summary["amount"] == wanted["amount"]
        assert "orderLines" not in summary
        assert wire.listed("/transfer-summaries")["page"]["totalCount"] == 0

    def test_lines_with_their_own_blocks(self, wire: Wire) -> None:
        prepare(wire)
        fee = {"id": "five", "name": "5 %", "fee": {"fixedRate": 5_000}, "vatPayer": "PARTNER"}
        wire.ok("POST", "/additional-fee-policies", fee)
        line = {
            "product": {"id": "A", "name": "찻잔", "amount": 5_000, "tag": "잔"},
            "quantity": 5,
            "discounts": [{"sharePolicyId": "half", "amount": 2_500}],
            "additionalFees": [{"policyId": "five"}],
        }
        body = ORDER | {"orderDetail": {"orderLines": [line]}, "additionalFees": [{"policyId": "five"}]}
        made = wire.ok("POST", "/transfers/order", body)["transfer"]

        (shown,) = made["orderLines"]
        assert shown["product"] == {"id": "A", "name": "찻잔", "amount": 5_000, "taxFreeAmount": 0, "tag": "잔"}
        assert (shown["quantity"], shown["amount"]["order"], shown["amount"]["discountShare"]) == (5, 25_000, 1_250)
        assert shown["additionalFees"][0]["amount"] == 1_250
        assert shown["additionalFees"][0]["policy"]["id"] == "five"
        assert made["additionalFees"][0]["vat"] == 125
        assert made["amount"]["additionalFee"] == 2_500

    def test_a_cancel_and_a_manual(self, wire: Wire) -> None:
        prepare(wire)
        order = wire.ok("POST", "/transfers/order", ORDER | {"id": "주문/1"})["transfer"]
        body = {
            "transferId": "주문/1",
            "cancellationId": "c-1",
            "orderDetail": {"all": {}},
            "discounts": [],
            "externalCancellationDetail": {"cancelledAt": "2023-08-12T00:00:00Z"},
        }
        cancel = wire.ok("POST", "/transfers/order-cancel", body)["transfer"]
        assert cancel["type"] == "ORDER_CANCEL"
        assert cancel["amount"] == order["amount"]
        assert cancel["cancellation"] == {"id": "c-1", "cancelledAt": "2023-08-12T00:00:00.000Z"}
        assert cancel["settlementStartDate"] == "2023-08-12"
        assert cancel["payment"] == order["payment"]

        manual = {"partnerId": "seller-7", "settlementAmount": -500, "settlementDate": "2099-01-01", "memo": "벌금"}
        made = wire.ok("POST", "/transfers/manual", manual)["transfer"]
        assert (made["type"], made["status"], made["memo"]) == ("MANUAL", "IN_PROCESS", "벌금")
        assert (made["settlementAmount"], made["settlementTaxFreeAmount"]) == (-500, 0)
        assert "contract" not in made
        assert "settlementStartDate" not in made

    def test_an_order_in_a_payout_names_it(self, wire: Wire) -> None:
        prepare(wire)
        made = wire.ok("POST", "/transfers/order", ORDER)["transfer"]
        ref = PayoutRef.objects.create(
            **wire.scope.filters(), public_id="po-1", bulk_public_id="bp-1", status="PROCESSING"
        )
        row = claims.claimable(wire.scope).get()
        claims.claim(scope=wire.scope, taken={ref.pk: claims.lock(wire.scope, [row.pk])})

        shown = wire.ok("GET", f"/transfers/{made['id']}")
        assert (shown["status"], shown["payoutId"]) == ("IN_PAYOUT", "po-1")
        assert shown["payoutGraphqlId"] == graphql_id(8, "po-1")
        assert wire.refused("DELETE", f"/transfers/{made['id']}") == (400, "TRANSFER_NON_DELETABLE_STATUS")
        for statuses, found in ((["IN_PAYOUT"], 1), (["SETTLED", "PAID_OUT"], 0), (["SETTLED", "IN_PAYOUT"], 1)):
            listed = wire.listed("/transfer-summaries", {"filter": {"statuses": statuses}})
            assert listed["page"]["totalCount"] == found
        keyword = {"filter": {"keyword": {"payoutId": "po-1"}}}
        assert wire.listed("/transfer-summaries", keyword)["page"]["totalCount"] == 1

    def test_deleting(self, wire: Wire) -> None:
        prepare(wire)
        made = wire.ok("POST", "/transfers/order", ORDER | {"id": "a/b"})["transfer"]
        assert wire.ok("DELETE", "/transfers/a%2Fb") == {}
        assert wire.refused("GET", "/transfers/a%2Fb") == (404, "TRANSFER_NOT_FOUND")
        assert wire.refused("POST", "/transfers/order", ORDER | {"id": made["id"]}) == (409, "TRANSFER_ID_ALREADY_USED")
        assert wire.listed("/transfer-summaries")["page"]["totalCount"] == 0

    @pytest.mark.parametrize(
        "changes",
        [
            {"orderDetail": {}},
            {"orderDetail": {"orderAmount": 1, "orderLines": []}},
            {"orderDetail": {"orderLines": []}},
            {"orderDetail": {"orderAmount": 1.5}},
            {"orderDetail": {"orderAmount": "1"}},
            {"orderDetail": {"orderAmount": True}},
            {"orderDetail": {"orderAmount": 10**15}},
            {"orderDetail": {"orderAmount": -1}},
            {"partnerId": ""},
            {"partnerId": None},
            {"partnerId": "x\u0000"},
            {"discounts": "none"},
            {"discounts": [{"sharePolicyId": "half", "amount": -1}]},
            {"settlementStartDate": "2023-02-30"},
            {"settlementStartDate": "20230811"},
            {"externalPaymentDetail": {"currency": "krw"}},
            {"externalPaymentDetail": {"currency": "KRW", "method": {"card": {}, "mobile": {}}}},
            {"externalPaymentDetail": {"currency": "KRW", "paidAt": "yesterday"}},
        ],
    )
    def test_what_makes_no_order(self, wire: Wire, changes: Body) -> None:
        prepare(wire)
        assert wire.refused("POST", "/transfers/order", ORDER | changes) == (400, "INVALID_REQUEST")

    def test_refusals_carry_their_facts(self, wire: Wire) -> None:
        prepare(wire)
        wire.ok("POST", "/transfers/order", ORDER | {"id": "first"})
        status, answer = wire.call("POST", "/transfers/order", ORDER)
        assert (status, answer["type"]) == (409, "PLATFORM_TRANSFER_ALREADY_EXISTS")
        assert (answer["transferId"], answer["transferGraphqlId"]) == ("first", graphql_id(6, "first"))

        status, answer = wire.call(
            "POST", "/transfers/order", ORDER | {"paymentId": "2", "discounts": [{"sharePolicyId": "x", "amount": 1}]}
        )
        assert (status, answer["type"]) == (404, "PLATFORM_DISCOUNT_SHARE_POLICIES_NOT_FOUND")
        assert (answer["ids"], answer["graphqlIds"]) == (["x"], [graphql_id(2, "x")])

        cancel = {"cancellationId": "c", "discounts": [], "externalCancellationDetail": {}}
        over = cancel | {"transferId": "first", "orderDetail": {"orderAmount": 10_001}}
        status, answer = wire.call("POST", "/transfers/order-cancel", over)
        assert (status, answer["type"]) == (400, "PLATFORM_CANCELLABLE_AMOUNT_EXCEEDED")
        assert (answer["cancellableAmount"], answer["requestAmount"], answer["amountType"]) == (
            10_000,
            10_001,
            "SUPPLY_WITH_VAT",
        )
        assert wire.refused("POST", "/transfers/order-cancel", cancel) == (400, "CANNOT_SPECIFY_TRANSFER")
        unknown = cancel | {"partnerId": "seller-7", "paymentId": "none"}
        assert wire.refused("POST", "/transfers/order-cancel", unknown) == (404, "TRANSFER_NOT_FOUND")
        without = {"cancellationId": "c", "discounts": [], "transferId": "first"}
        assert wire.refused("POST", "/transfers/order-cancel", without) == (
            400,
            "CANCELLATION_AND_PAYMENT_TYPE_MISMATCHED",
        )

    def test_filters_and_keywords(self, wire: Wire) -> None:
        prepare(wire)
        product = {"id": "A", "name": "찻잔", "amount": 5_000}
        line = {"product": product, "quantity": 1, "discounts": [], "additionalFees": []}
        wire.ok("POST", "/transfers/order", ORDER)
        wire.ok(
            "POST",
            "/transfers/order",
            ORDER | {"paymentId": "2", "orderDetail": {"orderLines": [line]}, "discounts": [], "memo": "메모 하나"},
        )
        manual = {"partnerId": "seller-7", "settlementAmount": 5, "settlementDate": "2099-01-01"}
        wire.ok("POST", "/transfers/manual", manual)
        for wanted, found in (
            ({}, 3),
            ({"types": ["MANUAL"]}, 1),
            ({"types": ["ORDER", "MANUAL"], "statuses": ["IN_PROCESS"]}, 1),
            ({"statuses": ["SCHEDULED"]}, 0),
            ({"settlementStartDateRange": {"from": "2023-08-11", "until": "2023-08-11"}}, 2),
            ({"settlementDateRange": {"from": "2099-01-01", "until": "2099-01-01"}}, 1),
            ({"contractIds": ["ten-percent"]}, 2),
            ({"discountSharePolicyIds": ["half", "none"]}, 1),
            ({"additionalFeePolicyIds": ["none"]}, 0),
            ({"paymentMethodTypes": ["CARD"]}, 2),
            ({"paymentMethodTypes": ["MOBILE"]}, 0),
            ({"channelKeys": ["x"]}, 0),
            ({"partnerTags": ["없음"]}, 0),
            ({"keyword": {"paymentId": "2"}}, 1),
            ({"keyword": {"productId": "A"}}, 1),
            ({"keyword": {"productName": "찻잔"}}, 1),
            ({"keyword": {"productName": "찻"}}, 0),
            ({"keyword": {"transferMemo": "하나"}}, 1),
            ({"keyword": {"partnerName": "찻"}}, 3),
            ({"keyword": {"all": "Tea"}}, 2),
            ({"keyword": {"partnerSettlementId": "ps-"}}, 2),
            ({"userDefinedProperty": {"key": "k", "value": "v"}}, 0),
        ):
            assert wire.listed("/transfer-summaries", {"filter": wanted})["page"]["totalCount"] == found, wanted
        day = {"from": "2023-08-11", "until": "2023-08-11"}
        both = urlencode(
            {"requestBody": json.dumps({"filter": {"settlementStartDateRange": day, "settlementDateRange": day}})}
        )
        assert wire.refused("GET", f"/transfer-summaries?{both}") == (400, "INVALID_REQUEST")

    def test_pages_are_newest_first(self, wire: Wire) -> None:
        prepare(wire)
        manual = {"partnerId": "seller-7", "settlementAmount": 5, "settlementDate": "2099-01-01"}
        for number in range(12):
            wire.ok("POST", "/transfers/manual", manual | {"id": f"m-{number}"})

        first = wire.listed("/transfer-summaries")
        second = wire.listed("/transfer-summaries", {"page": {"number": 1, "size": 10}})
        assert [one["id"] for one in first["transferSummaries"]][:2] == ["m-11", "m-10"]
        assert [one["id"] for one in second["transferSummaries"]] == ["m-1", "m-0"]
        assert second["page"] == {"number": 1, "size": 10, "totalCount": 12}


class TestPartnerSettlements:
    def test_two_kinds_with_counts(self, wire: Wire) -> None:
        prepare(wire)
        wire.ok("POST", "/transfers/order", ORDER)
        wire.ok("PATCH", "/contracts/ten-percent", {"name": "새 이름"})
        manual = {"partnerId": "seller-7", "settlementAmount": 700, "settlementDate": "2023-08-31"}
        wire.ok("POST", "/transfers/manual", manual | {"settlementTaxFreeAmount": 100})

        answer = wire.listed("/partner-settlements", {"filter": {"settlementDates": ["2023-08-31"]}})
        by_manual, by_order = answer["items"]
        assert (by_manual["type"], by_manual["amount"], by_manual["taxFreeAmount"]) == ("MANUAL", 700, 100)
        assert by_order["amount"]["settlement"] == 7_900
        assert by_order["contract"]["name"] == "10 %"
        assert by_order["settlementStartDateRange"] == {"from": "2023-08-11", "until": "2023-08-11"}
        assert by_order["status"] == "PAYOUT_PREPARED"
        assert answer["counts"]["payoutPrepared"] == 2
        assert sum(answer["counts"].values()) == 2
        assert len(answer["counts"]) == 9

        for wanted, found in (
            ({"statuses": ["PAID_OUT"]}, 0),
            ({"statuses": ["PAYOUT_PREPARED"], "settlementTypes": ["ORDER"]}, 1),
            ({"partnerIds": ["none"]}, 0),
            ({"contractIds": ["ten-percent"]}, 1),
            ({"settlementCurrencies": ["KRW"]}, 2),
            ({"keyword": {"partnerSettlementId": by_order["id"]}}, 1),
            ({"keyword": {"payoutId": "po-1"}}, 0),
        ):
            assert wire.listed("/partner-settlements", {"filter": wanted})["page"]["totalCount"] == found
        filtered = wire.listed("/partner-settlements", {"filter": {"statuses": ["PAID_OUT"]}})
        assert filtered["counts"]["payoutPrepared"] == 2

    def test_deleting(self, wire: Wire) -> None:
        prepare(wire)
        wire.ok("POST", "/transfers/order", ORDER)
        (row,) = wire.listed("/partner-settlements")["items"]

        assert wire.ok("POST", "/partner-settlements/delete", {"partnerSettlementIds": [row["id"]]}) == {}
        assert wire.listed("/partner-settlements")["items"] == []
        status, answer = wire.call("POST", "/partner-settlements/delete", {"partnerSettlementIds": [row["id"]]})
        assert (status, answer["type"]) == (404, "PLATFORM_PARTNER_SETTLEMENTS_NOT_FOUND")
        assert answer["ids"] == [row["id"]]
        assert len(answer["graphqlIds"]) == 1


class TestSetting:
    def test_reads_and_changes(self, wire: Wire) -> None:
        assert wire.ok("GET", "/setting") == {
            "supportsMultipleOrderTransfersPerPartner": False,
            "adjustSettlementDateAfterHolidayIfEarlier": True,
            "deductWht": True,
            "settlementAmountType": "GROSS",
            "manualSettlementPerTransfer": False,
            "isForTest": False,
        }
        changed = wire.ok("PATCH", "/setting", {"deductWht": False, "defaultDepositMemo": "정산"})["setting"]
        assert (changed["deductWht"], changed["defaultDepositMemo"]) == (False, "정산")
        assert wire.ok("GET", "/setting", test=True)["deductWht"] is True
        assert wire.refused("PATCH", "/setting", {"settlementAmountType": "BRUTTO"}) == (400, "INVALID_REQUEST")


class TestStrangers:
    def test_see_nothing_of_another_merchant(self, wire: Wire) -> None:
        prepare(wire)
        made = wire.ok("POST", "/transfers/order", ORDER)["transfer"]
        other = build.merchant("햇살상회")
        firm = Firm(Merchant.objects.get(pk=other.merchant_id), other)
        stranger = Wire(other, firm.secret(firm.person("stranger", Role.ADMIN))[1])

        for method, path, refusal in (
            ("GET", "/contracts/ten-percent", "CONTRACT_NOT_FOUND"),
            ("GET", "/partners/seller-7", "PARTNER_NOT_FOUND"),
            ("POST", "/partners/seller-7/archive", "PARTNER_NOT_FOUND"),
            ("GET", f"/transfers/{made['id']}", "TRANSFER_NOT_FOUND"),
            ("DELETE", f"/transfers/{made['id']}", "TRANSFER_NOT_FOUND"),
        ):
            assert stranger.refused(method, path) == (404, refusal)
        for path in ("/contracts", "/partners", "/transfer-summaries", "/partner-settlements"):
            assert stranger.listed(path)["page"]["totalCount"] == 0
        keyword = {"filter": {"keyword": {"transferId": made["id"]}}}
        assert stranger.listed("/transfer-summaries", keyword)["page"]["totalCount"] == 0

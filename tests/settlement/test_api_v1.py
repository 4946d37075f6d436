"""Protects our own API: strict fields, required keys, cursors, previews that keep nothing, decisions, uploads."""

import json
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from access import paths
from access.models import AuditEvent, Merchant
from access.roles import ApiScope, Role
from core.scope import Scope
from ledger.models import Journal
from payouts.operations import direct
from settlement.models import Holiday, PartnerSettlement, SettlementRecord
from settlement.operations import calculator
from tests import build
from tests.access.build import Firm
from tests.settlement.test_api import CONTRACT, ORDER, PARTNER

pytestmark = pytest.mark.django_db
Body = dict[str, Any]


@dataclass(frozen=True)
class Api:
    """A client of our own API."""

    scope: Scope
    secret: str
    keys: Any = field(default_factory=lambda: count(10**15))

    def call(self, method: str, path: str, body: object = None, *, key: str | None = "") -> tuple[int, Body]:
        url = f"/api/v1{path}"
        headers = {"authorization": f"PortOne {self.secret}"}
        if method == "POST" and key is not None:
            headers["idempotency-key"] = key or f"key-{next(self.keys)}"
        data = "" if body is None else json.dumps(body)
        response = Client().generic(
            method, url, data, content_type="application/json", headers=headers, **paths.raw(url)
        )
        return response.status_code, response.json()

    def ok(self, method: str, path: str, body: object = None, *, key: str | None = "") -> Body:
        status, answer = self.call(method, path, body, key=key)
        assert status == 200, answer
        return answer

    def refused(self, method: str, path: str, body: object = None, *, key: str | None = "") -> tuple[int, str]:
        status, answer = self.call(method, path, body, key=key)
        assert status >= 400, answer
        return status, answer["type"]

    def platform(self, path: str, body: object) -> Body:
        url = f"/platform{path}"
        response = Client().post(
            url, json.dumps(body), content_type="application/json", headers={"authorization": f"PortOne {self.secret}"}
        )
        assert response.status_code == 200, response.content
        answer: Body = response.json()
        return answer

    def upload(self, text: str, kind: str = "manual") -> tuple[int, Body]:
        file = SimpleUploadedFile("manual.csv", text.encode(), content_type="text/csv")
        headers = {"authorization": f"PortOne {self.secret}", "idempotency-key": f"key-{next(self.keys)}"}
        response = Client().post(f"/api/v1/uploads/{kind}", {"file": file}, headers=headers)
        return response.status_code, response.json()


@pytest.fixture
def api() -> Api:
    scope = build.merchant()
    firm = Firm(Merchant.objects.get(pk=scope.merchant_id), scope)
    return Api(scope, firm.secret(firm.person("owner", Role.ADMIN))[1])


def prepare(api: Api) -> None:
    """Make what the worked example needs."""
    api.platform("/contracts", CONTRACT)
    api.platform("/partners", PARTNER)
    api.platform("/discount-share-policies", {"id": "half", "name": "반반", "partnerShareRate": 50_000})


class TestPreview:
    def test_it_says_what_recording_would_and_keeps_nothing(self, api: Api) -> None:
        prepare(api)
        trail = AuditEvent.objects.count()

        seen = api.ok("POST", "/records/preview", ORDER, key=None)

        assert not SettlementRecord.objects.exists()
        assert not PartnerSettlement.objects.exists()
        assert not Journal.objects.exists()
        assert AuditEvent.objects.count() == trail
        assert (seen["amount"]["settlement"], seen["settlementDate"]) == (7_900, "2023-08-31")
        steps = seen["explanation"]["steps"]
        assert sum(step["amount"] for step in steps) == 7_900
        assert steps[0]["amount"] == 10_000
        assert "id" not in seen

        recorded = api.platform("/transfers/order", ORDER)["transfer"]
        assert {name: recorded[name] for name in ("amount", "settlementDate", "settlementStartDate", "discounts")} == {
            name: seen[name] for name in ("amount", "settlementDate", "settlementStartDate", "discounts")
        }

    def test_it_refuses_what_recording_would(self, api: Api) -> None:
        prepare(api)
        assert api.refused("POST", "/records/preview", ORDER | {"partnerId": "nobody"}) == (
            404,
            "PLATFORM_PARTNER_NOT_FOUND",
        )
        assert api.refused("POST", "/records/preview", ORDER | {"surprise": 1}) == (400, "INVALID_REQUEST")
        api.platform("/transfers/order", ORDER)
        assert api.refused("POST", "/records/preview", ORDER) == (409, "PLATFORM_TRANSFER_ALREADY_EXISTS")


class TestRecords:
    def test_a_record_says_how_its_amount_came_about(self, api: Api) -> None:
        prepare(api)
        made = api.platform("/transfers/order", ORDER)["transfer"]

        shown = api.ok("GET", f"/records/{made['id']}")

        assert shown["net"] == 7_900
        assert shown["partnerSettlementId"].startswith("ps-")
        assert {step["label"] for step in shown["explanation"]["steps"]} >= {"주문 금액", "중개수수료", "할인 분담금"}
        assert api.refused("GET", "/records/nothing") == (404, "PLATFORM_TRANSFER_NOT_FOUND")

    def test_pages_go_on_where_the_last_one_ended(self, api: Api) -> None:
        build.partner(api.scope, "a")
        made = [build.manual(api.scope, place + 1, "a").public_id for place in range(5)]

        first = api.ok("GET", "/records?limit=2&partnerId=a")
        build.manual(api.scope, 99, "a")
        second = api.ok("GET", f"/records?limit=2&partnerId=a&cursor={first['nextCursor']}")
        third = api.ok("GET", f"/records?limit=2&partnerId=a&cursor={second['nextCursor']}")

        pages = [[item["id"] for item in page["items"]] for page in (first, second, third)]
        assert [one for page in pages for one in page] == made[::-1]
        assert "nextCursor" not in third

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("type=MANUAL", 1),
            ("type=ORDER,MANUAL&partnerId=seller-7", 2),
            ("status=SETTLED", 2),
            ("status=PAID_OUT", 0),
            ("settlementDateFrom=2023-08-12", 1),
            ("settlementDateUntil=2023-08-11", 1),
            ("settlementStartDateFrom=2023-08-11&settlementStartDateUntil=2023-08-11", 1),
            ("paymentId=order-0001", 1),
            ("partnerSettlementId=ps-x", 0),
        ],
    )
    def test_every_filter(self, api: Api, query: str, found: int) -> None:
        prepare(api)
        api.platform("/transfers/order", ORDER)
        build.manual(api.scope, 1)
        assert len(api.ok("GET", f"/records?{query}")["items"]) == found

    @pytest.mark.parametrize(
        "query", ["limit=0", "limit=201", "limit=x", "cursor=!", "cursor=AAAA", "type=X", "surprise=1", "test=maybe"]
    )
    def test_a_query_that_means_nothing_is_refused(self, api: Api, query: str) -> None:
        assert api.refused("GET", f"/records?{query}") == (400, "INVALID_REQUEST")


class TestDecisions:
    def test_withhold_prepare_exclude_restore(self, api: Api) -> None:
        build.partner(api.scope, "a")
        one = build.settled(api.scope, 100, "a").public_id
        for verb, status in (
            ("withhold", "PAYOUT_WITHHELD"),
            ("prepare", "PAYOUT_PREPARED"),
            ("exclude", "PAYOUT_EXCLUDED"),
            ("restore", "PAYOUT_PREPARED"),
        ):
            moved = api.ok("POST", f"/partner-settlements/{verb}", {"ids": [one], "memo": f"왜 {verb}"})
            assert [(item["id"], item["status"], item["memo"]) for item in moved["items"]] == [
                (one, status, f"왜 {verb}")
            ]
        assert api.ok("GET", f"/partner-settlements/{one}")["net"] == 100
        assert api.refused("POST", "/partner-settlements/restore", {"ids": [one]})[0] == 409
        assert api.refused("POST", "/partner-settlements/withhold", {"ids": ["x"]})[0] == 404
        assert api.refused("POST", "/partner-settlements/withhold", {"ids": []}) == (400, "INVALID_REQUEST")
        assert api.refused("GET", "/partner-settlements/x")[0] == 404

    def test_a_key_is_needed_and_kept(self, api: Api) -> None:
        build.partner(api.scope, "a")
        one = build.settled(api.scope, 100, "a").public_id
        body, key = {"ids": [one]}, "once-and-only-once"
        assert api.refused("POST", "/partner-settlements/exclude", body, key=None) == (400, "INVALID_REQUEST")
        first = api.ok("POST", "/partner-settlements/exclude", body, key=key)
        assert api.ok("POST", "/partner-settlements/exclude", body, key=key) == first
        assert api.refused("POST", "/partner-settlements/exclude", body | {"memo": "x"}, key=key) == (
            422,
            "IDEMPOTENCY_KEY_REUSED",
        )

    def test_lists_of_settlements(self, api: Api) -> None:
        build.partner(api.scope, "a")
        build.partner(api.scope, "b")
        build.settled(api.scope, 100, "a")
        build.settled(api.scope, -5, "b", settlement_date="2023-08-10")
        for query, found in {
            "": 2,
            "?partnerId=a": 1,
            "?settlementDateUntil=2023-08-10": 1,
            "?status=PAYOUT_PREPARED&type=MANUAL&currency=KRW": 2,
            "?status=PAID_OUT": 0,
            "?type=ORDER": 0,
        }.items():
            assert len(api.ok("GET", f"/partner-settlements{query}")["items"]) == found, query

    def test_reading_alone_decides_nothing(self, api: Api) -> None:
        firm = Firm(Merchant.objects.get(pk=api.scope.merchant_id), api.scope)
        reader = Api(api.scope, firm.secret(firm.person("reader", Role.ADMIN), (ApiScope.READ,))[1])
        assert reader.ok("GET", "/records") == {"items": []}
        assert reader.refused("POST", "/partner-settlements/exclude", {"ids": ["x"]}) == (403, "FORBIDDEN")


class TestPayouts:
    def test_payouts_and_bulk_payouts(self, api: Api) -> None:
        build.partner(api.scope, "a", taxpayer=build.NON_WHT_PAYER)
        due = build.settled(api.scope, 5_000, "a")
        direct.complete(
            scope=api.scope, by=build.BY, now=build.noon(), bulk_id="by/hand", settlement_ids=[due.public_id]
        )

        (payout,) = api.ok("GET", "/payouts?status=SUCCEEDED&partnerId=a&bulkPayoutId=by%2Fhand")["items"]
        assert (payout["amount"], payout["settlementCount"]) == (5_000, 1)
        assert api.ok("GET", f"/payouts/{payout['id']}")["partnerSettlementIds"] == [due.public_id]
        assert api.ok("GET", "/payouts?status=UNKNOWN,RETURNED")["items"] == []
        assert api.ok("GET", "/payouts?createdFrom=2023-08-12T00:00:00Z")["items"] == []
        (bulk,) = api.ok("GET", "/bulk-payouts?status=COMPLETED&method=DIRECT")["items"]
        assert (bulk["payoutCount"], bulk["status"]) == (1, "COMPLETED")
        assert api.ok("GET", "/bulk-payouts/by%2Fhand")["endedAt"].endswith("Z")
        assert api.refused("GET", "/payouts/x") == api.refused("GET", "/bulk-payouts/x") == (404, "NOT_FOUND")


class TestHolidays:
    def test_a_change_is_shown_and_then_made(self, api: Api) -> None:
        build.partner(api.scope, "a")
        order = build.order(api.scope, partner_id="a", start="2023-08-11", on="2023-08-11")
        day = order.settlement_date.isoformat()

        change = api.ok("POST", "/holiday-changes", {"add": [{"day": day, "name": "창립 기념일"}]})

        assert (change["state"], change["recordCount"]) == ("PREVIEW", 1)
        assert not Holiday.objects.within(api.scope).filter(day=day).exists()
        (move,) = api.ok("GET", f"/holiday-changes/{change['id']}")["moves"]
        assert (move["recordId"], move["from"]) == (order.public_id, day)
        applied = api.ok("POST", f"/holiday-changes/{change['id']}/apply")
        assert applied["state"] == "APPLIED"
        order.refresh_from_db()
        assert order.settlement_date.isoformat() == move["to"]
        listed = api.ok("GET", f"/holidays?dayFrom={day}&dayUntil={day}")["items"]
        assert listed == [{"day": day, "name": "창립 기념일"}]
        assert api.refused("POST", f"/holiday-changes/{change['id']}/apply")[0] == 409
        removed = api.ok("POST", "/holiday-changes", {"remove": [{"day": day}]})
        assert removed["removed"] == [{"day": day, "name": "창립 기념일"}]
        assert api.refused("POST", "/holiday-changes", {})[0] == 400
        assert api.refused("POST", "/holiday-changes/x/apply")[0] == 404


def test_the_calculation(api: Api) -> None:
    assert api.ok("GET", "/calculators") == {"items": [], "parameters": []}
    assert api.ok("GET", "/calculators/counting") == {}
    calculator.save(
        scope=api.scope, by=build.BY, now=build.noon("2023-08-11"), draft=calculator.CalculatorDraft(memo="처음")
    )
    (version,) = api.ok("GET", "/calculators")["items"]
    assert (version["number"], version["memo"], version["rounding"]["vat"]) == (1, "처음", "DOWN")
    assert api.ok("GET", "/calculators/counting?startDate=2023-08-11")["calculator"] == version
    assert api.ok("GET", "/calculators/counting?startDate=2023-08-10") == {}


def test_a_calculation_is_saved_planned_and_withdrawn(api: Api) -> None:
    own = {"key": "margin", "name": "마진", "expression": "PLATFORM_FEE - 100", "rounding": "UP"}
    body = {"formulas": {"platformFee": "PAYMENT_AMOUNT * FIXED_RATE"}, "own": [own], "rounding": {"vat": "OFF"}}
    saved = api.ok("POST", "/calculators", body)["calculator"]
    assert (saved["formulas"], saved["own"], saved["rounding"]["vat"]) == (body["formulas"], [own], "OFF")
    planned = api.ok("POST", "/calculators", {"appliedAt": "2999-01-01T00:00:00Z"})["calculator"]
    assert [one["number"] for one in api.ok("GET", "/calculators")["items"]] == [1, 2]

    assert api.ok("DELETE", "/calculators/waiting")["calculator"] == planned
    assert [one["number"] for one in api.ok("GET", "/calculators")["items"]] == [1]
    assert api.refused("DELETE", "/calculators/waiting") == (400, "INVALID_REQUEST")
    assert api.refused("POST", "/calculators", {"appliedAt": "2000-01-01T00:00:00Z"}) == (400, "INVALID_REQUEST")
    status, refusal = api.call("POST", "/calculators", {"formulas": {"settlement": "ORDER_AMOUNT -"}})
    assert (status, refusal["type"]) == (400, "INVALID_REQUEST")
    assert refusal["problems"] == [
        {
            "formula": "settlement",
            "type": "MISSING_RIGHT_OPERAND",
            "start": {"line": 1, "index": 13},
            "end": {"line": 1, "index": 14},
        }
    ]


def test_a_calculation_is_tried_on_a_made_up_order(api: Api) -> None:
    order = {"amount": 10_000, "platformFee": {"fixedRate": 10_000}, "platformFeeVatPayer": "PARTNER"}
    tried = api.ok("POST", "/calculators/test", {"order": order})
    assert (tried["amount"]["settlement"], [one["amount"] for one in tried["steps"]]) == (8_900, [10_000, -1_000, -100])

    draft = {"own": [{"key": "margin", "name": "마진", "expression": "PLATFORM_FEE * 0.5"}]}
    discounts = [{"amount": 2_000, "partnerShareRate": 50_000}]
    lines = [{"amount": 5_000, "quantity": 2, "discounts": discounts}]
    by_lines = {**order, "lines": lines, "amount": None}
    del by_lines["amount"]
    tried = api.ok("POST", "/calculators/test", {"calculator": draft, "order": by_lines})
    assert tried["amount"]["settlement"] == 7_900
    assert tried["amount"]["userDefinedFormulas"] == {"margin": 550}

    assert api.ok("GET", "/calculators")["items"] == []
    unknown = {**order, "parameters": {"nobody": {"decimal": 1}}}
    assert api.refused("POST", "/calculators/test", {"order": unknown}) == (
        404,
        "PLATFORM_SETTLEMENT_PARAMETER_NOT_FOUND",
    )
    both = {**order, "lines": lines}
    assert api.refused("POST", "/calculators/test", {"order": both}) == (400, "INVALID_REQUEST")
    assert api.refused("POST", "/calculators/test", {"order": {**order, "amont": 1}}) == (400, "INVALID_REQUEST")


class TestUploads:
    HEADER = "파트너 아이디,정산일,정산 금액\n"

    def test_a_file_is_checked_then_loaded(self, api: Api) -> None:
        build.partner(api.scope, "a")

        status, checked = api.upload(f"{self.HEADER}a,2023-08-11,1000\na,2023-08-11,-200\n")

        assert (status, checked["state"], checked["rows"], checked["newRows"]) == (201, "CHECKED", 2, 2)
        assert checked["sums"] == [{"name": "정산 금액", "amount": 800}]
        assert not SettlementRecord.objects.exists()
        loaded = api.ok("POST", f"/uploads/manual/{checked['id']}/confirm")
        assert (loaded["state"], loaded["loadedRows"]) == ("DONE", 2)
        assert SettlementRecord.objects.count() == 2
        assert api.ok("GET", f"/uploads/manual/{checked['id']}")["state"] == "DONE"

    def test_one_wrong_row_means_nothing(self, api: Api) -> None:
        build.partner(api.scope, "a")
        _status, checked = api.upload(f"{self.HEADER}a,2023-08-11,1000\nnobody,2023-08-11,x\n")

        assert (checked["state"], checked["errorCount"] >= 1) == ("REJECTED", True)
        assert checked["errors"][0]["row"] == 3
        assert checked["errors"][0]["message"]
        assert api.refused("POST", f"/uploads/manual/{checked['id']}/confirm")[0] == 409
        assert api.ok("POST", f"/uploads/manual/{checked['id']}/cancel")["state"] == "CANCELLED"

    def test_what_is_not_there(self, api: Api) -> None:
        assert api.upload("x", kind="nothing")[0] == 404
        assert api.refused("GET", "/uploads/manual/x") == (404, "NOT_FOUND")
        url = "/api/v1/uploads/manual/template"
        sheet: Any = Client().get(url, headers={"authorization": f"PortOne {api.secret}"}, **paths.raw(url))
        assert sheet.status_code == 200
        assert b"".join(sheet.streaming_content).startswith(b"PK")

"""Protects the API of matching: a merchant's program does all of it, exactly, once, and only with the right scope."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client

from access import paths
from access.models import Merchant
from access.roles import DEFAULT_SCOPES, ApiScope, Role
from core.scope import Scope
from matching.models import Invoice, Item, Leak, MatchRun, PurchaseOrder, Receipt, ReceiptMatch, Vendor
from matching.operations import recalculation
from tests import build
from tests.access.build import Firm

pytestmark = pytest.mark.django_db
Body = dict[str, Any]
NOW = build.noon()
KEYS = count(10**15)


@dataclass(frozen=True)
class Api:
    """A merchant's program."""

    scope: Scope
    secret: str

    def call(self, method: str, path: str, body: object = None, *, key: str = "") -> tuple[int, Body]:
        url = f"/api/v1{path}"
        headers = {"authorization": f"PortOne {self.secret}", "idempotency-key": key or f"key-{next(KEYS)}"}
        data = "" if body is None else json.dumps(body)
        response = Client().generic(
            method, url, data, content_type="application/json", headers=headers, **paths.raw(url)
        )
        return response.status_code, response.json()

    def ok(self, method: str, path: str, body: object = None) -> Body:
        status, answer = self.call(method, path, body)
        assert status in {200, 201}, answer
        return answer

    def refused(self, method: str, path: str, body: object = None) -> tuple[int, str, object]:
        status, answer = self.call(method, path, body)
        assert status >= 400, answer
        return status, answer["type"], answer.get("field")


def program(scope: Scope, name: str, *scopes: ApiScope) -> Api:
    """Return a program of a merchant whose secret has these scopes, or all of them."""
    firm = Firm(Merchant.objects.get(pk=scope.merchant_id), scope)
    return Api(scope, firm.secret(firm.person(name, Role.ADMIN), scopes or tuple(ApiScope))[1])


@pytest.fixture
def api() -> Api:
    return program(build.merchant(), "owner")


def furnish(api: Api, **rules: object) -> None:
    """Set up a vendor that bills in won and an item, with a tolerance of 5 %."""
    api.ok("PATCH", "/matching/parameters", {"accountingCurrency": "KRW", **rules})
    api.ok("PUT", "/vendors/V1", {"name": "한빛상사"})
    api.ok("PUT", "/items/A", {"unit": "ea"})
    api.ok("PUT", "/price-tolerances", {"item": "all", "vendor": "all", "percent": "5"})


def ordered(api: Api, **more: object) -> Body:
    lines = [{"line": 1, "item": "A", "quantity": "10", "unitPrice": "1000"}]
    return api.ok(
        "POST", "/purchase-orders", {"id": "PO1", "vendor": "V1", "date": "2026-01-02", "lines": lines} | more
    )


def invoice_body(price: str = "1050", public_id: str = "INV1", **more: object) -> Body:
    line = {"line": 1, "orderLine": "PO1/1", "quantity": "10", "unitPrice": price}
    return {"id": public_id, "vendor": "V1", "date": "2026-01-05", "lines": [line | more]}


# ---- documents


def test_an_invoice_is_matched_with_every_figure_exact(api: Api) -> None:
    furnish(api)
    ordered(api)
    made = api.ok("POST", "/invoices", invoice_body())
    line = made["result"]["lines"][0]
    assert (made["matchStatus"], made["amount"], made["dueDate"]) == ("PASSED", "10500", "2026-02-04")
    assert (line["priceMatch"], line["price"]["percent"], line["price"]["toleranceFrom"]) == (
        "PASSED",
        "5",
        "all / all",
    )
    row = line["rows"]["netUnitPrice"]
    assert (row["actual"], row["expected"], row["percent"], row["verdict"]) == ("1050", "1000", "5", "PASSED")
    assert made["lines"][0]["netAmount"] == "10500"

    changed = api.ok("PATCH", "/invoices/INV1", {"version": 1, "lines": [{"line": 1, "unitPrice": "1050.01"}]})
    assert (changed["matchStatus"], changed["reasons"]) == ("FAILED", ["PRICE"])
    assert changed["result"]["lines"][0]["price"]["percent"] == "5.001"
    assert api.ok("GET", "/invoices/INV1") == changed
    assert [run["status"] for run in api.ok("GET", "/invoices/INV1/runs")["items"]] == ["FAILED", "PASSED"]


def test_a_document_refuses_what_it_cannot_hold(api: Api) -> None:
    furnish(api)
    ordered(api)
    refusals: list[tuple[Body, tuple[int, str, object]]] = [
        (invoice_body(price="1,000"), (400, "INVALID_REQUEST", "lines[0].unitPrice")),
        (invoice_body(price="0.1234567"), (400, "INVALID_REQUEST", "lines[0].unitPrice")),
        (invoice_body(quantity=10), (400, "INVALID_REQUEST", "lines[0].quantity")),
        (invoice_body(orderLine="PO1"), (400, "INVALID_REQUEST", "lines[0].orderLine")),
        (invoice_body(orderLine="PO9/1"), (404, "NOT_FOUND", None)),
        (invoice_body(priceUnit="0"), (400, "INVALID_REQUEST", "lines.1.priceUnit")),
        (invoice_body(pirce="1"), (400, "INVALID_REQUEST", "lines[0].pirce")),
        (invoice_body() | {"lines": []}, (400, "INVALID_REQUEST", "lines")),
        (invoice_body() | {"lines": invoice_body()["lines"] * 2}, (400, "INVALID_REQUEST", "lines[1].line")),
        (invoice_body() | {"currency": "USD"}, (409, "CURRENCY", None)),
        (invoice_body(orderLine=None) | {"currency": "USD"}, (409, "EXCHANGE_RATE_MISSING", None)),
        (invoice_body(price="999999999999999", quantity="999999999999999"), (400, "INVALID_REQUEST", None)),
    ]
    for body, expected in refusals:
        assert api.refused("POST", "/invoices", body) == expected, body
    assert not Invoice.objects.exists()
    api.ok("POST", "/invoices", invoice_body())
    assert api.refused("POST", "/invoices", invoice_body()) == (409, "ID_ALREADY_USED", None)


def test_repeating_a_request_changes_nothing(api: Api) -> None:
    furnish(api)
    order = ordered(api)
    body = {"id": "R1", "date": "2026-01-03", "lines": [{"line": 1, "orderLine": "PO1/1", "quantity": "4"}]}
    first = api.call("POST", "/receipts", body, key="the-same-key-0001")
    assert first[0] == 201
    assert api.call("POST", "/receipts", body, key="the-same-key-0001") == first
    assert Receipt.objects.count() == 1
    assert api.ok("GET", "/purchase-orders/PO1")["lines"][0]["deliverRemainder"] == "6"
    assert api.ok("PUT", "/items/A", {"unit": "ea"}) == api.ok("PUT", "/items/A", {"unit": "ea"})
    assert api.refused("PATCH", "/purchase-orders/PO1", {"version": order["version"] + 1})[:2] == (409, "STALE_VERSION")


def test_receipts_are_matched_cancelled_and_listed(api: Api) -> None:
    furnish(api, lineMatchingPolicy="THREE_WAY")
    ordered(api)
    received = {"date": "2026-01-03", "lines": [{"line": 1, "orderLine": "PO1/1", "quantity": "5"}]}
    for public_id in ("R1", "R2"):
        api.ok("POST", "/receipts", {"id": public_id, **received})
    assert api.refused("POST", "/receipts", {"id": "R3", **received})[1] == "OVER_DELIVERY"
    assert api.ok("POST", "/invoices", invoice_body())["reasons"] == ["RECEIPT_QUANTITY"]

    whole = {"lines": [{"line": 1, "automatic": True}]}
    assert api.ok("PUT", "/invoices/INV1/receipt-matches", whole)["matchStatus"] == "PASSED"
    part = {"lines": [{"line": 1, "receiptMatches": [{"receiptLine": "R1/1", "quantity": "2.5"}]}]}
    told = api.ok("PUT", "/invoices/INV1/receipt-matches", part)
    assert told["lines"][0]["receiptMatches"] == [{"receiptLine": "R1/1", "quantity": "2.5"}]
    assert told["result"]["lines"][0]["quantity"] == {"actual": "10", "expected": "2.5"}
    assert api.ok("GET", "/receipts/R1")["lines"][0]["available"] == "2.5"
    too_much = {"lines": [{"line": 1, "receiptMatches": [{"receiptLine": "R1/1", "quantity": "6"}]}]}
    assert api.refused("PUT", "/invoices/INV1/receipt-matches", too_much)[1] == "RECEIPT_OVERMATCHED"
    assert ReceiptMatch.objects.count() == 1

    assert "cancelledAt" in api.ok("POST", "/receipts/R2/cancel")
    assert [row["id"] for row in api.ok("GET", "/receipts?cancelled=false&purchaseOrder=PO1")["items"]] == ["R1"]


def test_lists_are_filtered_and_paged(api: Api) -> None:
    furnish(api)
    ordered(api)
    for number, price in enumerate(("1000", "1100", "1200"), start=1):
        api.ok("POST", "/invoices", invoice_body(price, f"INV{number}"))
    ids = [row["id"] for row in api.ok("GET", "/invoices?matchStatus=FAILED&reason=PRICE&vendor=V1")["items"]]
    assert ids == ["INV3", "INV2"]
    first = api.ok("GET", "/invoices?limit=2")
    second = api.ok("GET", f"/invoices?limit=2&cursor={first['nextCursor']}")
    assert [row["id"] for row in (*first["items"], *second["items"])] == ["INV3", "INV2", "INV1"]
    assert "nextCursor" not in second
    assert api.ok("GET", "/invoices?dateFrom=2026-01-06")["items"] == []
    assert api.refused("GET", "/invoices?matchStatus=BROKEN")[2] == "matchStatus"
    assert api.refused("GET", "/invoices?sort=date")[2] == "sort"


# ---- deciding and posting


def test_a_refused_posting_keeps_its_run_and_an_approval_lets_it_through(api: Api) -> None:
    furnish(api, postInvoiceWithDiscrepancies="REQUIRE_APPROVAL", automaticallyUpdateHeaderMatchStatus=False)
    ordered(api)
    made = api.ok("POST", "/invoices", invoice_body("1100"))
    assert (made["matchStatus"], "result" in made) == ("NOT_PERFORMED", False)
    assert api.refused("POST", "/invoices/INV1/post")[:2] == (409, "MATCHING_DISCREPANCIES")
    assert MatchRun.objects.count() == 1
    assert api.ok("GET", "/invoices/INV1")["matchStatus"] == "FAILED"

    assert api.refused("POST", "/invoices/INV1/approve", {"comment": "괜찮아요"})[1] == "APPROVER_MUST_DIFFER"
    other = program(api.scope, "another")
    approved = other.ok("POST", "/invoices/INV1/approve", {"comment": "괜찮아요"})
    assert (approved["matchStatus"], approved["approvalComment"]) == ("FAILED_APPROVED", "괜찮아요")
    api.ok("POST", "/invoices/INV1/hold", {"reason": "확인 중"})
    assert api.refused("POST", "/invoices/INV1/post")[1] == "ON_HOLD"
    api.ok("POST", "/invoices/INV1/release")
    posted = api.ok("POST", "/invoices/INV1/post")
    assert (posted["status"], posted["warnings"], posted["result"]["isFinal"]) == ("POSTED", [], True)
    assert api.refused("PATCH", "/invoices/INV1", {"memo": "늦었어요"})[1] == "INVOICE_POSTED"
    assert api.refused("DELETE", "/invoices/INV1")[1] == "INVOICE_POSTED"


def test_an_invoice_goes_through_review_and_back(api: Api) -> None:
    furnish(api)
    ordered(api)
    api.ok("POST", "/invoices", invoice_body())
    steps = {"submit": "IN_REVIEW", "recall": "PENDING"}
    for step, status in steps.items():
        assert api.ok("POST", f"/invoices/INV1/{step}")["status"] == status
    api.ok("POST", "/invoices/INV1/submit")
    assert api.ok("POST", "/invoices/INV1/reject", {"reason": "수량 확인"})["status"] == "PENDING"
    assert api.refused("POST", "/invoices/INV1/review")[1] == "CONFLICT"
    api.ok("POST", "/invoices/INV1/submit")
    assert api.ok("POST", "/invoices/INV1/review")["status"] == "READY"
    assert api.ok("DELETE", "/invoices/INV1") == {}
    assert not Invoice.objects.exists()


def test_what_was_paid_within_the_tolerance_is_told(api: Api) -> None:
    furnish(api)
    ordered(api)
    api.ok("POST", "/invoices", invoice_body())
    api.ok("POST", "/invoices/INV1/post")
    assert Leak.objects.count() == 1
    told = api.ok("GET", "/matching/leakage?vendor=V1")
    assert told["sums"] == [{"currency": "KRW", "amount": "500", "expected": "10000", "count": 1}]
    assert (told["items"][0]["invoice"], told["items"][0]["amount"]) == ("INV1", "500")
    assert api.ok("GET", "/matching/leakage?vendor=V2") == {"items": [], "sums": []}


# ---- set-up

TABLES: Mapping[str, tuple[Body, str]] = {
    "unit-conversions": ({"item": "A", "from": "box", "to": "ea", "factor": "1/12"}, "?item=A&from=box&to=ea"),
    "matching-policies": ({"item": "A", "policy": "THREE_WAY"}, "?item=A"),
    "price-tolerances": (
        {"item": "group:싼 것", "vendor": "table:V1", "percent": "2.5"},
        f"?item={quote('group:싼 것')}&vendor=table:V1",
    ),
    "totals-tolerances": ({"vendor": "V1", "percent": "20"}, "?vendor=V1"),
    "charges-tolerances": ({"code": "FREIGHT", "percent": "0"}, "?code=FREIGHT"),
    "exchange-rates": (
        {"from": "USD", "to": "KRW", "date": "2026-01-01", "rate": "1320.0000000000000001"},
        "?from=USD&to=KRW&date=2026-01-01",
    ),
}


@pytest.mark.parametrize("table", TABLES)
def test_a_row_of_the_set_up_is_set_told_and_removed(api: Api, table: str) -> None:
    furnish(api)
    api.ok("PUT", "/charge-codes/FREIGHT", {"description": "운임"})
    body, key = TABLES[table]
    before = api.ok("GET", f"/{table}")["items"]
    row = api.ok("PUT", f"/{table}", body)
    assert {name: row[name] for name in body} == body
    assert api.ok("PUT", f"/{table}", body) == row
    assert api.ok("GET", f"/{table}")["items"] == [row, *before]
    assert api.ok("DELETE", f"/{table}{key}") == {}
    assert api.refused("DELETE", f"/{table}{key}")[:2] == (404, "NOT_FOUND")
    assert api.ok("GET", f"/{table}")["items"] == before


def test_the_set_up_refuses_what_the_rules_forbid(api: Api) -> None:
    furnish(api)
    ordered(api)
    weak = {"item": "A", "policy": "NOT_REQUIRED"}
    assert api.refused("PUT", "/matching-policies", weak)[:2] == (409, "POLICY_TOO_WEAK")
    assert api.refused("PATCH", "/matching/parameters", {"chargesTolerancePercent": "-1"}) == (
        400,
        "NEGATIVE_TOLERANCE",
        "chargesTolerancePercent",
    )
    assert api.refused("DELETE", "/price-tolerances?item=all&vendor=all")[1] == "DEFAULT_TOLERANCE_REQUIRED"
    assert api.refused("DELETE", "/vendors/V1")[1] == "CONFLICT"
    assert api.refused("PUT", "/vendors/V1", {"partnerId": "nobody"})[1] == "NOT_FOUND"
    assert api.refused("PUT", "/unit-conversions", {"from": "box", "to": "ea", "factor": "1/0"})[2] == "factor"


def test_parameters_and_keyed_rows_are_read_as_they_were_set(api: Api) -> None:
    assert api.ok("GET", "/matching/parameters")["chargesTolerancePercent"] == "0"
    furnish(api)
    changed = {
        "lineMatchingPolicy": "THREE_WAY",
        "priceTotalToleranceAmount": "1000.5",
        "perTotalSettings": {"salesTax": {"enabled": False}, "balance": {"enabled": True, "percent": "3"}},
        "automationAttempts": 4,
    }
    answer = api.ok("PATCH", "/matching/parameters", changed)
    assert {name: answer[name] for name in changed} == changed
    assert api.ok("GET", "/matching/parameters") == answer
    build.partner(api.scope, "seller-7")
    vendor = api.ok("PUT", "/vendors/V1", {"partnerId": "seller-7", "paymentDays": 10})
    assert (vendor["name"], vendor["partnerId"], vendor["paymentDays"]) == ("한빛상사", "seller-7", 10)
    assert "partnerId" not in api.ok("PUT", "/vendors/V1", {"partnerId": None})
    item = api.ok("PUT", "/items/A", {"overDeliveryPercent": "10"})
    assert (item["unit"], item["overDeliveryPercent"]) == ("ea", "10")
    assert api.ok("DELETE", "/items/A") == {}
    assert not Item.objects.exists()


def test_a_changed_tolerance_is_followed_by_pending_invoices(api: Api) -> None:
    furnish(api)
    ordered(api)
    api.ok("POST", "/invoices", invoice_body("1100"))
    api.ok("PUT", "/price-tolerances", {"item": "table:A", "vendor": "all", "percent": "10"})
    while recalculation.work_off(now=NOW):
        pass
    assert api.ok("GET", "/invoices/INV1")["matchStatus"] == "PASSED"


# ---- who may


def test_each_scope_does_what_it_says(api: Api) -> None:
    furnish(api)
    ordered(api)
    plain = program(api.scope, "plain", *DEFAULT_SCOPES)
    reader = program(api.scope, "reader", ApiScope.MATCHING_READ)
    writer = program(api.scope, "writer", ApiScope.MATCHING_READ, ApiScope.MATCHING_WRITE)
    assert plain.refused("GET", "/invoices")[0] == 403
    assert reader.ok("GET", "/invoices")["items"] == []
    assert reader.refused("POST", "/invoices", invoice_body())[0] == 403
    writer.ok("POST", "/invoices", invoice_body())
    assert writer.refused("POST", "/invoices/INV1/approve")[0] == 403
    assert writer.refused("POST", "/invoices/INV1/post")[0] == 403
    assert program(api.scope, "poster", ApiScope.MATCHING_POST).ok("POST", "/invoices/INV1/post")["status"] == "POSTED"


def test_nobody_sees_another_merchant_or_environment(api: Api) -> None:
    furnish(api)
    ordered(api)
    api.ok("POST", "/invoices", invoice_body())
    stranger = program(build.merchant("햇살상회"), "stranger")
    for path in ("/invoices/INV1", "/purchase-orders/PO1", "/vendors/V1", "/items/A", "/invoices/INV1?test=true"):
        assert stranger.refused("GET", path)[:2] == (404, "NOT_FOUND")
    for path in ("/invoices", "/purchase-orders", "/receipts", "/vendors", "/items", "/exchange-rates"):
        assert stranger.ok("GET", path)["items"] == []
        assert api.ok("GET", f"{path}?test=true")["items"] == []
    assert stranger.refused("POST", "/invoices/INV1/post")[0] == 404
    assert stranger.refused("DELETE", "/vendors/V1")[0] == 404
    assert (PurchaseOrder.objects.count(), Vendor.objects.count()) == (1, 1)

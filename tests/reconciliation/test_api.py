"""Promise: a merchant's program does all of reconciliation by the API, exactly, once, and only with the right scope."""

import json
from dataclasses import dataclass
from functools import cache
from itertools import count
from typing import Any
from urllib.parse import quote

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from drf_spectacular.generators import SchemaGenerator
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # comes without annotations

from access import paths
from access.models import Merchant
from access.roles import DEFAULT_SCOPES, ApiScope, Role
from core import jobs
from core.scope import Scope
from reconciliation import queries
from reconciliation.models import Batch, BillingRecord, PeriodLock
from tests import build
from tests.access.build import Firm
from tests.reconciliation.stored import sheet
from tests.reconciliation.writing import Table, Writing, written

pytestmark = pytest.mark.django_db
Body = dict[str, Any]
KEYS = count(10**15)
ROOT = "/reconciliation"
READ, WRITE, DECIDE = (
    ApiScope.RECONCILIATION_READ,
    ApiScope.RECONCILIATION_WRITE,
    ApiScope.RECONCILIATION_DECIDE,
)


@cache
def described() -> Body:
    schema: Body = SchemaGenerator().get_schema(public=True)  # type: ignore[no-untyped-call] # it comes without types
    return schema


def check_described(method: str, template: str, status: int, answer: Body) -> None:
    """Hold an answer against what the description says about it."""
    said = described()["paths"][f"/api/v1{template}"][method.lower()]["responses"][str(status)]
    while "$ref" in said:
        said = described()["components"]["responses"][said["$ref"].rpartition("/")[2]]
    schema = {**said["content"]["application/json"]["schema"], "components": described()["components"]}
    found = [error.message for error in Draft202012Validator(schema).iter_errors(answer)]
    assert not found, found


@dataclass(frozen=True)
class Api:
    """A merchant's program."""

    scope: Scope
    secret: str

    def call(self, method: str, template: str, body: object = None, *names: str, key: str = "", **query: str) -> Any:
        path = template
        for name, value in zip(("{public_id}", "{number}"), names, strict=False):
            path = path.replace(name, quote(value, safe=""))
        url = f"/api/v1{path}" + ("?" + "&".join(f"{n}={quote(v)}" for n, v in query.items()) if query else "")
        headers = {"authorization": f"PortOne {self.secret}", "idempotency-key": key or f"key-{next(KEYS)}"}
        if isinstance(body, bytes):
            file = SimpleUploadedFile("file.csv", body)
            response = Client().post(url, {"file": file}, headers=headers, **paths.raw(url))
        else:
            data = "" if body is None else json.dumps(body)
            response = Client().generic(
                method, url, data, content_type="application/json", headers=headers, **paths.raw(url)
            )
        answer = response.json()
        check_described(method, template, response.status_code, answer)
        return response.status_code, answer

    def ok(self, method: str, template: str, body: object = None, *names: str, **query: str) -> Body:
        status, answer = self.call(method, template, body, *names, **query)
        assert status in {200, 201, 202}, answer
        found: Body = answer
        return found

    def refused(self, method: str, template: str, body: object = None, *names: str, **query: str) -> Any:
        status, answer = self.call(method, template, body, *names, **query)
        assert status >= 400, answer
        return status, answer["type"], answer.get("field")


def program(scope: Scope, name: str, *scopes: ApiScope) -> Api:
    """Return a program of a merchant whose secret has these scopes, or all of them."""
    firm = Firm(Merchant.objects.get(pk=scope.merchant_id), scope)
    return Api(scope, firm.secret(firm.person(name, Role.ADMIN), scopes or tuple(ApiScope))[1])


@pytest.fixture
def api() -> Api:
    return program(build.merchant(), "owner")


@pytest.fixture
def stranger() -> Api:
    return program(build.merchant("남의 가게"), "stranger")


FILE, LINES = f"{ROOT}/files/{{public_id}}", f"{ROOT}/files/{{public_id}}/lines"
OUTCOMES = f"{ROOT}/files/{{public_id}}/outcomes"
RECORD, RECORDS, LOCKS = f"{ROOT}/records/{{public_id}}", f"{ROOT}/records", f"{ROOT}/period-locks"


def upload(api: Api, made: Table, **query: str) -> str:
    """Upload a file and let the job read it."""
    answer = api.ok("POST", f"{ROOT}/files", written(made, Writing()), **query)
    assert answer["job"]["state"] == "QUEUED"
    assert jobs.run_due_jobs()
    return str(answer["id"])


def compared(api: Api, made: Table) -> str:
    """Upload, accept and compare a file."""
    file = upload(api, made)
    api.ok("POST", f"{FILE}/accept", {}, file)
    assert api.ok("POST", f"{FILE}/compare", {}, file)["job"]["state"] == "QUEUED"
    jobs.run_due_jobs()
    return file


def ours(ref: str, row: int, **more: object) -> Body:
    """Return the record of ours that answers a line of the sheet."""
    cells = sheet(row + 1).rows[row]
    ids = {name[0].lower() + name[1:]: cells[name] for name in ("CustomerId", "SubscriptionId", "ProductId", "SkuId")}
    figures = {"currency": "EUR", "quantity": "3", "unitPrice": "20.10", "subtotal": "60.30", "tax": "6.03"}
    return {"ref": ref, "kind": "NCE_INVOICE", **ids, **figures, **more}


# ---- files


def test_a_file_is_read_understood_and_accepted(api: Api) -> None:
    file = upload(api, sheet(3), invoiceNumber="G-77", issuedOn="2024-06-08")
    whole = api.ok("GET", FILE, None, file)
    assert (whole["state"], whole["kind"], whole["invoiceNumber"]) == ("UNDERSTOOD", "NCE_INVOICE", "G-77")
    assert whole["totals"] == {"EUR": {"pretax": "180.90", "tax": "18.09", "total": "198.99"}}
    assert whole["understood"]["records"]["valid"] == 3
    assert whole["dueOn"] == "2024-08-07"
    lines = api.ok("GET", LINES, None, file)["items"]
    assert [(line["record"], line["pretax"], line["counts"]) for line in lines] == [
        (number, "60.30", True) for number in (1, 2, 3)
    ]
    accepted = api.ok("POST", f"{FILE}/accept", {}, file)
    assert (accepted["state"], accepted["version"]) == ("ACCEPTED", 1)
    assert api.ok("POST", f"{FILE}/accept", {}, file)["version"] == 1
    assert [row["id"] for row in api.ok("GET", f"{ROOT}/files", None, state="ACCEPTED")["items"]] == [file]
    assert api.ok("GET", f"{ROOT}/files", None, periodFrom="2100-01-01")["items"] == []


def test_the_same_bytes_again_are_the_same_file(api: Api) -> None:
    file = upload(api, sheet(2))
    status, again = api.call("POST", f"{ROOT}/files", written(sheet(2), Writing()))
    assert (status, again["id"], again["alreadyLoaded"]) == (200, file, True)
    assert Batch.objects.count() == 1


def test_a_new_version_tells_what_changes_and_waits_for_a_yes(api: Api) -> None:
    first = upload(api, sheet(3))
    api.ok("POST", f"{FILE}/accept", {}, first)
    second = upload(api, sheet(2))
    assert api.ok("GET", FILE, None, second)["wouldReplace"]["id"] == first
    status, refusal = api.call("POST", f"{FILE}/accept", {}, second)
    assert (status, refusal["type"], refusal["replaces"]) == (409, "NEW_VERSION", first)
    assert refusal["diff"] == {"added": 0, "removed": 1, "changed": 0}
    assert api.ok("POST", f"{FILE}/accept", {"confirm": True}, second)["version"] == 2
    assert api.ok("GET", FILE, None, first)["state"] == "SUPERSEDED"


def test_what_is_no_file_of_ours_is_rejected_and_what_counts_is_not_thrown_away(api: Api) -> None:
    api.ok("POST", f"{ROOT}/files", b"hello, world\n1,2\n")
    jobs.run_due_jobs()
    (rejected,) = api.ok("GET", f"{ROOT}/files", None, state="REJECTED")["items"]
    assert rejected["errorCode"] == "unknown_kind"
    file = upload(api, sheet(2))
    api.ok("POST", f"{FILE}/accept", {}, file)
    assert api.refused("POST", f"{FILE}/discard", {}, file)[:2] == (409, "CONFLICT")
    other = upload(api, sheet(1, invoice="G2"))
    for _twice in range(2):
        assert api.ok("POST", f"{FILE}/discard", {}, other)["state"] == "DISCARDED"
    assert api.refused("POST", f"{ROOT}/files", {"no": "file"})[0] == 400


def test_lines_come_in_pages_and_by_what_is_wrong_with_them(api: Api) -> None:
    made = sheet(3)
    broken = {**made.rows[0], "Subtotal": "much"}
    file = upload(api, Table(made.kind, made.columns, [*made.rows, made.rows[0], broken]))
    first = api.ok("GET", LINES, None, file, limit="2")
    rest = api.ok("GET", LINES, None, file, limit="200", cursor=first["nextCursor"])
    assert [line["record"] for line in first["items"] + rest["items"]] == [1, 2, 3, 4, 5]
    (copy,) = api.ok("GET", LINES, None, file, only="DUPLICATE")["items"]
    assert (copy["record"], copy["duplicateOf"], copy["restored"]) == (4, 1, False)
    (bad,) = api.ok("GET", LINES, None, file, only="INVALID")["items"]
    assert (bad["record"], bad["codes"]) == (5, ["bad_number:Subtotal"])
    api.ok("POST", f"{FILE}/accept", {}, file)
    restore = f"{LINES}/{{number}}/restore"
    for _twice in range(2):
        assert api.ok("POST", restore, {"reason": "두 번 샀어요"}, file, "4")["record"] == 4
    assert api.ok("GET", LINES, None, file, only="DUPLICATE")["items"][0]["restored"]
    assert api.refused("POST", restore, {"reason": "x"}, file, "1") == (400, "INVALID_REQUEST", "record")
    for number in ("99", "0", "x", "9999999999"):
        assert api.refused("POST", restore, {"reason": "x"}, file, number)[:2] == (404, "NOT_FOUND")


# ---- results


def test_a_comparison_adds_up_and_a_difference_is_decided_once(api: Api) -> None:
    api.ok("POST", RECORDS, {"records": [ours("A", 0), ours("B", 1, subtotal="50.005"), ours("D", 5)]})
    file = compared(api, sheet(3))
    result = api.ok("GET", f"{FILE}/comparison", None, file)
    assert result["counts"] == {"MATCHED": 1, "AMOUNT_MISMATCH": 1, "MISSING_ON_OUR_SIDE": 1, "MISSING_IN_FILE": 1}
    assert result["totals"] == [{"currency": "EUR", "ours": "170.605", "file": "180.90", "difference": "10.295"}]
    rows = api.ok("GET", OUTCOMES, None, file, differing="true")["items"]
    assert [(row["number"], row["outcome"]) for row in rows] == [
        (2, "AMOUNT_MISMATCH"),
        (3, "MISSING_ON_OUR_SIDE"),
        (4, "MISSING_IN_FILE"),
    ]
    assert rows[0]["difference"] == {"subtotal": "10.295", "tax": "0.00"}
    assert rows[0]["key"]["skuId"] == ours("B", 1)["skuId"]
    one = api.ok("GET", f"{OUTCOMES}/{{number}}", None, file, "2")
    assert ([line["record"] for line in one["lines"]], [row["ref"] for row in one["records"]]) == ([2], ["B"])

    resolve = f"{OUTCOMES}/{{number}}/resolve"
    said = {"decision": "DISPUTE", "reason": "5월 3일에 해지했어요", "seen": one["seen"]}
    first = api.ok("POST", resolve, said, file, "2")
    assert api.ok("POST", resolve, said, file, "2")["id"] == first["id"]
    assert api.ok("GET", f"{OUTCOMES}/{{number}}", None, file, "2")["resolution"]["decision"] == "DISPUTE"
    assert [row["id"] for row in api.ok("GET", f"{FILE}/resolutions", None, file)["items"]] == [first["id"]]
    assert api.refused("POST", resolve, said | {"seen": "other"}, file, "2")[:2] == (409, "STALE_VERSION")
    assert api.refused("POST", resolve, said | {"decision": "RESTORE"}, file, "2")[2] == "decision"
    assert api.refused("POST", resolve, {"decision": "LINK", "reason": "x"}, file, "3")[2] == "refs"
    assert api.refused("POST", resolve, {"decision": "ACCEPT", "reason": " "}, file, "3")[2] == "reason"
    assert api.refused("POST", resolve, {"decision": "ACCEPT", "reason": "x"}, file, "77")[:2] == (404, "NOT_FOUND")


def test_only_what_counts_is_compared(api: Api) -> None:
    file = upload(api, sheet(1))
    assert api.refused("POST", f"{FILE}/compare", {}, file)[:2] == (409, "CONFLICT")
    assert api.refused("GET", f"{FILE}/comparison", None, file)[:2] == (404, "NOT_FOUND")
    assert api.refused("GET", OUTCOMES, None, file)[:2] == (404, "NOT_FOUND")


def test_a_tolerance_is_set_exactly_and_taken_off_again(api: Api) -> None:
    at = f"{ROOT}/tolerances"
    rule = {"kind": "NCE_INVOICE", "currency": "EUR", "group": "0.005"}
    assert api.ok("PUT", at, rule)["group"] == "0.005"
    assert "line" not in api.ok("GET", at)["items"][0]
    assert "group" not in api.ok("PUT", at, {**rule, "group": None})
    assert api.refused("PUT", at, {**rule, "group": "-1"}) == (400, "INVALID_REQUEST", "group")
    assert api.refused("PUT", at, {**rule, "kind": "STRIPE_PAYOUT"})[2] == "kind"


def test_sums_by_reseller_are_those_of_the_files(api: Api) -> None:
    file = upload(api, sheet(3))
    assert api.ok("GET", f"{ROOT}/by-partner")["items"] == []
    api.ok("POST", f"{FILE}/accept", {}, file)
    parts = api.ok("GET", f"{ROOT}/by-partner")["items"]
    assert sum(part["lineCount"] for part in parts) == 3
    assert {part["currency"] for part in parts} == {"EUR"}
    assert api.ok("GET", f"{ROOT}/by-partner", None, kind="LICENSE")["items"] == []


# ---- our own side


def test_records_are_saved_whole_once_and_in_versions(api: Api) -> None:
    two = {"records": [ours("A/1", 0), ours("B", 1, quantity=None)]}
    assert api.ok("POST", RECORDS, two) == {"new": 2, "changed": 0, "same": 0}
    assert api.ok("POST", RECORDS, two) == {"new": 0, "changed": 0, "same": 2}
    changed = {"records": [ours("A/1", 0, subtotal="60.3000000000000000000000000001")]}
    assert api.ok("POST", RECORDS, changed)["changed"] == 1
    versions = api.ok("GET", f"{RECORD}/versions", None, "A/1")["items"]
    assert [(row["version"], row["subtotal"]) for row in versions] == [
        (2, "60.3000000000000000000000000001"),
        (1, "60.30"),
    ]
    for _twice in range(2):
        assert api.ok("POST", f"{RECORD}/withdraw", {"reason": "두 번"}, "A/1")["withdrawn"]
    assert [row["ref"] for row in api.ok("GET", RECORDS, None, withdrawn="false")["items"]] == ["B"]
    assert api.ok("GET", RECORDS, None, kind="LICENSE,USAGE")["items"] == []


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"ref": " "}, "records[1].ref"),
        ({"ref": "A"}, "records[1].ref"),
        ({"kind": "STRIPE_PAYOUT"}, "records[1].kind"),
        ({"subtotal": "1,000"}, "records[1].subtotal"),
        ({"subtotal": 60.3}, "records[1].subtotal"),
        ({"quantity": "1e3"}, "records[1].quantity"),
        ({"currency": "eur"}, "records[1].currency"),
        ({"periodStart": "2024-05-02", "periodEnd": "2024-05-01"}, "records[1].periodEnd"),
        ({"colour": "red"}, "records[1].colour"),
    ],
)
def test_one_wrong_record_keeps_all_out_and_is_named(api: Api, change: Body, field: str) -> None:
    body = {"records": [ours("A", 0), {**ours("B", 1), **change}]}
    assert api.refused("POST", RECORDS, body) == (400, "INVALID_REQUEST", field)
    assert not BillingRecord.objects.exists()


def test_closed_days_refuse_by_place_until_they_are_opened(api: Api) -> None:
    days = {"firstDay": "2024-05-01", "lastDay": "2024-05-31", "reason": "5월 마감"}
    lock = api.ok("POST", LOCKS, days)["id"]
    assert api.ok("POST", LOCKS, days)["id"] == lock
    body = {
        "records": [
            ours("A", 0, periodStart="2024-06-01", periodEnd="2024-06-30"),
            ours("B", 1, periodStart="2024-05-31", periodEnd="2024-06-30"),
        ]
    }
    assert api.refused("POST", RECORDS, body) == (409, "PERIOD_LOCKED", "records[1]")
    assert not BillingRecord.objects.exists()
    assert api.ok("POST", f"{LOCKS}/{{public_id}}/open", {"reason": "고침"}, lock)["openedAt"]
    assert api.ok("POST", RECORDS, body)["new"] == 2
    assert api.ok("GET", LOCKS, None, opened="false")["items"] == []
    assert PeriodLock.objects.count() == 1
    assert api.refused("POST", LOCKS, days | {"lastDay": "2024-04-30"}) == (400, "INVALID_REQUEST", "lastDay")


# ---- laws


def test_a_key_repeated_does_it_once(api: Api) -> None:
    body = {"records": [ours("A", 0)]}
    assert api.call("POST", RECORDS, body, key="the-same-key-00001")[1]["new"] == 1
    assert api.call("POST", RECORDS, body, key="the-same-key-00001")[1]["new"] == 1
    assert api.call("POST", RECORDS, {"records": []}, key="the-same-key-00001")[1]["type"] == "IDEMPOTENCY_KEY_REUSED"


def test_what_belongs_to_others_is_not_there(api: Api, stranger: Api) -> None:
    api.ok("POST", RECORDS, {"records": [ours("A", 0)]})
    file = compared(api, sheet(2))
    lock = api.ok("POST", LOCKS, {"firstDay": "2020-05-01", "lastDay": "2020-05-31", "reason": "x"})["id"]
    why = {"reason": "x"}
    calls: list[tuple[str, str, object, tuple[str, ...]]] = [
        ("GET", FILE, None, (file,)),
        ("POST", f"{FILE}/accept", {}, (file,)),
        ("POST", f"{FILE}/discard", {}, (file,)),
        ("GET", LINES, None, (file,)),
        ("POST", f"{LINES}/{{number}}/restore", why, (file, "1")),
        ("POST", f"{FILE}/compare", {}, (file,)),
        ("GET", f"{FILE}/comparison", None, (file,)),
        ("GET", OUTCOMES, None, (file,)),
        ("GET", f"{OUTCOMES}/{{number}}", None, (file, "1")),
        ("POST", f"{OUTCOMES}/{{number}}/resolve", {**why, "decision": "ACCEPT"}, (file, "1")),
        ("GET", f"{FILE}/resolutions", None, (file,)),
        ("GET", RECORD, None, ("A",)),
        ("GET", f"{RECORD}/versions", None, ("A",)),
        ("POST", f"{RECORD}/withdraw", why, ("A",)),
        ("POST", f"{LOCKS}/{{public_id}}/open", why, (lock,)),
    ]
    tester = Api(Scope(api.scope.merchant_id, is_test=True), api.secret)
    for method, template, body, names in calls:
        assert stranger.refused(method, template, body, *names)[:2] == (404, "NOT_FOUND"), template
        assert tester.refused(method, template, body, *names, test="true")[:2] == (404, "NOT_FOUND"), template
    for at in (f"{ROOT}/files", RECORDS, LOCKS, f"{ROOT}/tolerances", f"{ROOT}/by-partner"):
        assert stranger.ok("GET", at)["items"] == []
    assert [row.is_withdrawn for row in queries.history(api.scope, "A")] == [False]


def test_every_call_needs_its_own_scope(api: Api) -> None:
    reader = program(api.scope, "reader", READ)
    writer = program(api.scope, "writer", READ, WRITE)
    other = program(api.scope, "other", *DEFAULT_SCOPES)
    body = {"records": [ours("A", 0)]}
    assert other.refused("GET", RECORDS)[:2] == (403, "FORBIDDEN")
    assert reader.refused("POST", RECORDS, body)[:2] == (403, "FORBIDDEN")
    assert writer.ok("POST", RECORDS, body)["new"] == 1
    file = upload(writer, sheet(1))
    decisions: list[tuple[str, str, object, tuple[str, ...]]] = [
        ("POST", f"{FILE}/accept", {}, (file,)),
        ("POST", LOCKS, {"firstDay": "2020-01-01", "lastDay": "2020-01-31", "reason": "x"}, ()),
        ("PUT", f"{ROOT}/tolerances", {"kind": "USAGE", "currency": "USD"}, ()),
        ("POST", f"{OUTCOMES}/{{number}}/resolve", {"decision": "ACCEPT", "reason": "x"}, (file, "1")),
        ("POST", f"{LINES}/{{number}}/restore", {"reason": "x"}, (file, "1")),
    ]
    for method, template, sent, names in decisions:
        assert writer.refused(method, template, sent, *names)[:2] == (403, "FORBIDDEN"), template
    decider = program(api.scope, "decider", READ, DECIDE)
    assert decider.ok("POST", f"{FILE}/accept", {}, file)["state"] == "ACCEPTED"

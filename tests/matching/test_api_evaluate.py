"""Protects playing cases over the API: the answer is that of the command, and nothing of a case stays."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from psycopg2.sql import SQL, Identifier

from matching.api_evaluate import MOST_LINES, MOST_STEPS
from tests import build
from tests.matching.test_api import Api, program

pytestmark = pytest.mark.django_db
FOLDER = Path(__file__).resolve().parents[2] / "docs" / "conformance" / "matching"
PUBLIC = sorted(FOLDER.glob("v*.json"))
BATTERIES: dict[str, Any] = json.loads((FOLDER / "v1_batteries.json").read_text())
SET_UP = {"do": "set_up", "vendors": [{"account": "V1"}], "items": [{"number": "A"}]}
ORDER = {"do": "create_order", "id": "PO1", "vendor": "V1"}
# The use of a secret is noted, whatever it is used for.
NOTED = {"access_apisecret"}


@pytest.fixture
def api() -> Api:
    return program(build.merchant(), "owner")


def counted() -> dict[str, int]:
    tables = set(connection.introspection.table_names()) - NOTED
    with connection.cursor() as cursor:
        found = {}
        for table in sorted(tables):
            cursor.execute(SQL("SELECT count(*) FROM {}").format(Identifier(table)))
            found[table] = cursor.fetchone()[0]
    return found


def error_of(api: Api, case: object) -> str:
    answer = api.ok("POST", "/matching/evaluate", case)
    assert (answer["ok"], [one["path"] for one in answer["differences"]]) == (False, ["error"]), answer
    return str(answer["differences"][0]["actual"])


@pytest.mark.parametrize("path", PUBLIC, ids=lambda path: path.stem)
def test_a_public_case_comes_out_and_leaves_nothing(api: Api, path: Path) -> None:
    case, before = json.loads(path.read_text()), counted()
    answer = api.ok("POST", "/matching/evaluate", case)
    assert (answer["ok"], answer["differences"], answer["case"]) == (True, [], case["case"])
    assert len(answer["steps"]) == len(case["steps"])
    assert counted() == before


def test_a_key_is_not_needed_and_what_could_be_seen_is_told(api: Api) -> None:
    case = {"case": "mine", "steps": [{k: v for k, v in step.items() if k != "expect"} for step in BATTERIES["steps"]]}
    headers = {"authorization": f"PortOne {api.secret}"}
    told = Client().post(
        "/api/v1/matching/evaluate", json.dumps(case), content_type="application/json", headers=headers
    )
    answer = told.json()
    assert (told.status_code, answer["case"], answer["ok"]) == (200, "mine", True)
    last = answer["steps"][-1]
    assert set(last) == {"refused", "invoices", "orders", "receipts", "warnings"}
    assert {invoice["match_status"] for invoice in last["invoices"].values()} <= {"passed", "failed"}


def test_the_case_that_the_format_is_explained_by_comes_out(api: Api) -> None:
    page = (FOLDER / "README.md").read_text(encoding="utf-8")
    whole = page.partition("## A first case")[2].partition("```json")[2].partition("```")[0]
    answer = api.ok("POST", "/matching/evaluate", json.loads(whole))
    assert (answer["ok"], answer["differences"]) == (True, [])


def test_a_difference_and_a_refusal_are_told_by_step(api: Api) -> None:
    lines = [{"line": 1, "item": "A", "quantity": "1", "unit_price": "1"}]
    weak = {**ORDER, "lines": [{**lines[0], "policy": "not_required"}], "refused": "POLICY_TOO_WEAK"}
    wrong = {**ORDER, "lines": lines, "expect": {"orders": {"PO1": {"status": "draft"}}}}
    answer = api.ok("POST", "/matching/evaluate", {"case": "c", "steps": [SET_UP, weak, wrong]})
    assert answer["differences"] == [
        {"step": 3, "path": "orders.PO1.status", "expected": "draft", "actual": "confirmed"}
    ]
    assert [step["refused"] for step in answer["steps"]] == [None, "POLICY_TOO_WEAK", None]


def test_what_is_no_case_is_told_and_leaves_nothing(api: Api) -> None:
    before = counted()
    huge = {"line": 1, "quantity": "9" * 24, "unit_price": "9" * 24}
    twice = {"line": 1, "quantity": "1"}
    assert "vendors" in error_of(api, {"case": "c", "steps": [{"do": "set_up", "vendors": [{"account": 1}]}]})
    assert "nobody knows" in error_of(api, {"case": "c", "steps": [{"do": "dance"}]})
    assert "case.case" in error_of(api, {})
    assert "nobody knows" in error_of(api, {"case": "c", "steps": [], "stpes": []})
    assert error_of(api, {"case": "c", "steps": [SET_UP, {**ORDER, "lines": [huge]}]})
    assert error_of(api, {"case": "c", "steps": [SET_UP, {**ORDER, "lines": [twice, twice]}]})
    assert error_of(
        api, {"case": "c", "steps": [SET_UP, {**ORDER, "currency": "DOLLARS", "exchange_rate": "1", "lines": [twice]}]}
    )
    assert error_of(api, {"case": "c", "steps": [{"do": "create_order", "id": "PO1", "lines": [twice]}]})
    assert error_of(api, {"case": "c", "steps": [{"do": "set_up", "company": {"per_total_settings": 3}}]})
    assert error_of(api, {"case": "c", "steps": [{"do": "check", "expect": {"invoices": 3}}]})
    assert counted() == before


def test_what_is_no_object_or_too_much_is_refused(api: Api) -> None:
    assert api.refused("POST", "/matching/evaluate", [1])[:2] == (400, "INVALID_REQUEST")
    steps = [{"do": "check"}] * (MOST_STEPS + 1)
    assert api.refused("POST", "/matching/evaluate", {"case": "c", "steps": steps})[2] == "steps"
    lines = [{"line": number, "quantity": "1"} for number in range(MOST_LINES + 1)]
    assert api.refused("POST", "/matching/evaluate", {"case": "c", "steps": [{**ORDER, "lines": lines}]})[2] == "steps"

"""Success and failure are believed only when the bank's own answer proves them; whatever else it says is UNKNOWN."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payouts.rails import BankUnavailable, Outcome, OutcomeKind
from payouts.rails.simulator.client import CERTAIN_FAILURES, mask_evidence, read_answer, read_statement
from tests.payouts.rails.bank import ACCOUNT, instruction

ASKED = instruction("P-1")
GENUINE: dict[str, Any] = {
    "code": "SUCCESS",
    "message": "정상 처리",
    "status": "SUCCEEDED",
    "reference": "P-1",
    "referenceDate": "2026-11-21",
    "amount": 51_818,
    "currency": "KRW",
    "bank": "SHINHAN",
    "accountNumber": ACCOUNT,
    "holder": "김지우",
    "bankReference": "20261121000000001",
    "executedAt": "2026-11-21T10:00:00.000+09:00",
    "returnedAt": None,
}
DECIDING = sorted(set(GENUINE) - {"message", "holder", "returnedAt"})
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def read(status: int, body: object) -> Outcome:
    return read_answer(status, json.dumps(body).encode()).confirmed_for(ASKED)


class TestSuccess:
    def test_is_the_genuine_answer(self) -> None:
        outcome = read(200, GENUINE)

        assert (outcome.kind, outcome.bank_reference) == (OutcomeKind.SUCCEEDED, "20261121000000001")
        assert outcome.executed_at is not None
        assert outcome.executed_at.isoformat() == "2026-11-21T10:00:00+09:00"

    def test_is_also_the_first_result_of_a_repeat(self) -> None:
        assert read(200, GENUINE | {"code": "DUPLICATE", "firstCode": "SUCCESS"}).kind is OutcomeKind.SUCCEEDED
        assert read(200, GENUINE | {"code": "DUPLICATE"}).kind is OutcomeKind.UNKNOWN

    @given(st.dictionaries(st.sampled_from(DECIDING), json_values, min_size=1))
    def test_needs_every_field_as_it_was_asked(self, changes: dict[str, Any]) -> None:
        answer = GENUINE | changes

        outcome = read(200, answer)

        if outcome.kind is OutcomeKind.SUCCEEDED:
            named = ("reference", "referenceDate", "amount", "currency", "bank", "accountNumber")
            assert all(type(answer[name]) is type(GENUINE[name]) and answer[name] == GENUINE[name] for name in named)
            assert answer["code"] == "SUCCESS"
            assert answer["status"] in {"SUCCEEDED", "RETURNED"}

    @pytest.mark.parametrize("name", DECIDING)
    def test_is_lost_with_any_field(self, name: str) -> None:
        assert read(200, {key: value for key, value in GENUINE.items() if key != name}).kind is OutcomeKind.UNKNOWN

    @pytest.mark.parametrize("amount", [51_818.0, "51818", True, None, 51_819])
    def test_needs_the_very_amount(self, amount: object) -> None:
        assert read(200, GENUINE | {"amount": amount}).kind is OutcomeKind.UNKNOWN

    @given(st.integers(100, 599).filter(lambda status: status != 200))
    def test_needs_status_200(self, status: int) -> None:
        assert read(status, GENUINE).kind is OutcomeKind.UNKNOWN


class TestFailure:
    @pytest.mark.parametrize("code", sorted(CERTAIN_FAILURES))
    def test_is_a_documented_refusal_of_this_transfer(self, code: str) -> None:
        refused = GENUINE | {"code": code, "status": "FAILED", "executedAt": None}

        assert read(200, refused).kind is OutcomeKind.FAILED
        assert read(200, refused).code == code
        assert read(200, refused | {"reference": "P-2"}).kind is OutcomeKind.UNKNOWN
        assert read(200, refused | {"status": "SUCCEEDED"}).kind is OutcomeKind.UNKNOWN
        assert read(500, refused).kind is OutcomeKind.UNKNOWN

    @given(st.text().filter(lambda code: code not in CERTAIN_FAILURES))
    def test_is_not_an_undocumented_code(self, code: str) -> None:
        assert read(200, GENUINE | {"code": code, "status": "FAILED"}).kind is not OutcomeKind.FAILED

    def test_is_a_malformed_request_that_names_this_transfer(self) -> None:
        malformed = {**GENUINE, "code": "INVALID_REQUEST"}

        assert read(400, malformed).kind is OutcomeKind.FAILED
        assert read(400, {"code": "INVALID_REQUEST"}).kind is OutcomeKind.UNKNOWN


class TestAnythingElse:
    @given(st.integers(100, 599), st.binary() | json_values.map(lambda value: json.dumps(value).encode()))
    def test_is_unknown(self, status: int, body: bytes) -> None:
        outcome = read_answer(status, body).confirmed_for(ASKED)

        assert outcome.kind is OutcomeKind.UNKNOWN
        assert "\0" not in outcome.evidence
        outcome.evidence.encode()

    def test_is_an_object_that_says_a_thing_twice(self) -> None:
        body = json.dumps(GENUINE)[:-1] + ', "amount": 51818}'

        assert read_answer(200, body.encode()).confirmed_for(ASKED).kind is OutcomeKind.UNKNOWN


class TestEvidence:
    @given(name=st.sampled_from(["accountNumber", "account", "message", "holder", "x"]), wrapped=st.booleans())
    def test_never_holds_a_whole_account_number(self, *, name: str, wrapped: bool) -> None:
        value: object = {"a": [f"no. {ACCOUNT}!"]} if wrapped else f"no. {ACCOUNT}!"
        for body in (json.dumps(GENUINE | {name: value}), f"<html>{ACCOUNT} 110-123-456789"):
            outcome = read_answer(200, body.encode())
            evidence = mask_evidence(200, body.encode())

            assert ACCOUNT not in evidence + outcome.evidence + outcome.message + repr(outcome)
            assert "110-123-456789" not in evidence


class TestAStatement:
    @pytest.mark.parametrize(
        "body",
        [
            b"\xff",
            b"date,sequence\r\n2026-11-21,1\r\n",
            (
                b"date,sequence,booked_at,kind,amount,balance_after,currency,bank_reference,reference,reference_date,bank,"
                b"account_number,name,memo\r\n2026-11-21,1,2026-11-21T10:00:00+09:00,TRANSFER,-1.5,0,KRW,,,,,,,\r\n"
            ),
        ],
    )
    def test_is_read_whole_or_not_at_all(self, body: bytes) -> None:
        with pytest.raises(BankUnavailable):
            read_statement(body)

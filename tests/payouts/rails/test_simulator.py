"""A reference moves money at most once, whatever goes wrong, and the rail believes no more than was proven."""

import base64
import hmac
import json
import queue
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import fromstring

import pytest

from payouts.rails import BankUnavailable, LineKind, OutcomeKind
from payouts.rails.simulator.client import SimulatorRail
from tests.payouts.rails.bank import ACCOUNT, DAY, SECRET, BankProcess, Callback, callbacks, instruction

SUCCEEDED, ACCEPTED, FAILED = OutcomeKind.SUCCEEDED, OutcomeKind.ACCEPTED, OutcomeKind.FAILED
UNKNOWN, NOT_SENT, NOT_RECEIVED = OutcomeKind.UNKNOWN, OutcomeKind.NOT_SENT, OutcomeKind.NOT_RECEIVED
EVER = (date(2020, 1, 1), date(2099, 12, 31))
ORDER: dict[str, Any] = {
    "reference": "P-1",
    "referenceDate": "2026-11-21",
    "amount": 1000,
    "currency": "KRW",
    "bank": "SHINHAN",
    "accountNumber": ACCOUNT,
    "holder": "김지우",
    "depositMemo": "",
    "withdrawalMemo": "",
}


class TestATransfer:
    def test_moves_money_once_and_a_repeat_answers_the_first_result(self, bank: BankProcess) -> None:
        rail = bank.rail()

        first = rail.send(instruction("P-1"))
        again = rail.send(instruction("P-1"))

        assert (first.kind, again.kind) == (SUCCEEDED, SUCCEEDED)
        assert first.bank_reference == again.bank_reference
        assert '"DUPLICATE"' in again.evidence
        assert bank.executed() == ["P-1"]
        assert rail.balance() == 1_000_000_000_000 - 51_818

    def test_is_executed_once_under_50_identical_requests_at_once(self, bank: BankProcess) -> None:
        rail = bank.rail(read_seconds=10, total_seconds=20)

        with ThreadPoolExecutor(50) as pool:
            outcomes = list(pool.map(lambda _: rail.send(instruction("P-1")), range(50)))

        assert {outcome.kind for outcome in outcomes} == {SUCCEEDED}
        assert len({outcome.bank_reference for outcome in outcomes}) == 1
        assert bank.executed() == ["P-1"]
        assert sum('"DUPLICATE"' in outcome.evidence for outcome in outcomes) == 49

    def test_of_the_same_reference_on_another_day_is_another_one(self, bank: BankProcess) -> None:
        bank.call("POST", "/v1/transfers", ORDER)
        bank.call("POST", "/v1/transfers", ORDER | {"referenceDate": "2026-11-22"})

        assert bank.executed() == ["P-1", "P-1"]

    def test_repeated_with_another_amount_is_not_believed(self, bank: BankProcess) -> None:
        bank.rail().send(instruction("P-1"))

        assert bank.rail().send(instruction("P-1", amount=1)).kind is UNKNOWN
        assert bank.executed() == ["P-1"]

    def test_nobody_listens_for_is_not_sent(self, bank: BankProcess) -> None:
        rail = bank.rail()
        bank.kill()

        assert rail.send(instruction("P-1")).kind is NOT_SENT
        assert rail.inquire("P-1", DAY).kind is UNKNOWN
        with pytest.raises(BankUnavailable):
            rail.balance()

    @pytest.mark.parametrize(
        "wrong",
        [
            *({"amount": amount} for amount in ("1000", 1000.0, True, 0, -5, None, 10**15)),
            *({"reference": reference} for reference in ("", "a b", "한", 5, "x" * 65)),
            *({"accountNumber": number} for number in ("", "110-1", 110, "1" * 21)),
            *({"referenceDate": day} for day in ("2026-02-30", "20261121", None)),
            *({"holder": holder} for holder in ("", "a\nb", "\ud800")),
        ],
    )
    def test_malformed_is_refused_and_moves_nothing(self, bank: BankProcess, wrong: dict[str, Any]) -> None:
        status, answer = bank.call("POST", "/v1/transfers", ORDER | wrong)

        assert (status, answer["code"]) == (400, "INVALID_REQUEST")
        assert bank.executed() == []

    @pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"\xff", b'{"amount": 1e3}', b"[" * 100_000])
    def test_that_is_no_json_object_is_refused(self, bank: BankProcess, raw: bytes) -> None:
        assert bank.call("POST", "/v1/transfers", raw=raw)[0] == 400


class TestFaults:
    @pytest.mark.parametrize(
        ("effect", "told", "executed", "known"),
        [
            ("timeout_before", UNKNOWN, [], NOT_RECEIVED),
            ("timeout_after", UNKNOWN, ["P-1"], SUCCEEDED),
            ("reset_before", UNKNOWN, [], NOT_RECEIVED),
            ("reset_after", UNKNOWN, ["P-1"], SUCCEEDED),
            ("error500_before", UNKNOWN, [], NOT_RECEIVED),
            ("error500_after", UNKNOWN, ["P-1"], SUCCEEDED),
            ("garbage", UNKNOWN, ["P-1"], SUCCEEDED),
            ("truncated", UNKNOWN, ["P-1"], SUCCEEDED),
            ("answer_swapped", UNKNOWN, ["P-1"], SUCCEEDED),
            ("refuse", FAILED, [], FAILED),
            ("insufficient_funds", FAILED, [], FAILED),
            ("maintenance", FAILED, [], FAILED),
        ],
    )
    def test_are_told_apart(
        self, bank: BankProcess, effect: str, told: OutcomeKind, executed: list[str], known: OutcomeKind
    ) -> None:
        bank.faults({"match": {"reference": "P-1"}, "effect": effect})
        rail = bank.rail()

        assert rail.send(instruction("P-1")).kind is told
        assert bank.executed() == executed
        assert rail.inquire("P-1", DAY).kind is known
        assert rail.send(instruction("P-2")).kind is SUCCEEDED

    @pytest.mark.parametrize("code", ["412", "415", "419", "LIMIT_EXCEEDED"])
    def test_fail_with_a_code(self, bank: BankProcess, code: str) -> None:
        bank.faults({"match": {}, "effect": "fail", "code": code})

        outcome = bank.rail().send(instruction("P-1"))

        assert (outcome.kind, outcome.code) == (FAILED, code)

    def test_fail_with_a_code_nobody_documented_is_unknown(self, bank: BankProcess) -> None:
        bank.faults({"match": {}, "effect": "fail", "code": "777"})

        assert bank.rail().send(instruction("P-1")).kind is UNKNOWN

    def test_slow_is_a_success_within_the_limit_and_unknown_beyond_it(self, bank: BankProcess) -> None:
        bank.faults({"match": {}, "effect": "slow", "seconds": 0.5})

        assert bank.rail(read_seconds=2, total_seconds=5).send(instruction("P-1")).kind is SUCCEEDED
        assert bank.rail(read_seconds=2, total_seconds=0.3).send(instruction("P-2")).kind is UNKNOWN
        assert bank.executed() == ["P-1", "P-2"]

    def test_an_answer_about_an_earlier_transfer_is_unknown(self, bank: BankProcess) -> None:
        rail = bank.rail()
        rail.send(instruction("P-1"))
        bank.faults({"match": {"reference": "P-2"}, "effect": "answer_swapped"})

        outcome = rail.send(instruction("P-2"))

        assert (outcome.kind, outcome.code, outcome.reference) == (UNKNOWN, "MISMATCH", "P-1")

    def test_an_inquiry_can_deny_what_was_executed(self, bank: BankProcess) -> None:
        rail = bank.rail()
        rail.send(instruction("P-1"))
        bank.faults({"match": {"call": "inquiry"}, "effect": "not_received", "count": 1})

        assert [rail.inquire("P-1", DAY).kind for _ in range(2)] == [NOT_RECEIVED, SUCCEEDED]

    @pytest.mark.parametrize("effect", ["timeout_before", "reset_before", "error500_before", "garbage", "truncated"])
    def test_of_look_ups_are_reported_and_harm_nothing(self, bank: BankProcess, effect: str) -> None:
        calls = ("inquiry", "holder", "balance", "statement")
        bank.faults(*({"match": {"call": call}, "effect": effect} for call in calls))
        rail = bank.rail()
        look_ups: tuple[Callable[[], object], ...] = (
            rail.balance,
            lambda: rail.account_holder("SHINHAN", ACCOUNT),
            lambda: rail.statement(*EVER),
        )

        assert rail.inquire("P-1", DAY).kind is UNKNOWN
        for look_up in look_ups:
            with pytest.raises(BankUnavailable):
                look_up()

    def test_end_when_they_are_deleted(self, bank: BankProcess) -> None:
        bank.faults({"match": {}, "effect": "reset_before"})
        bank.call("DELETE", "/v1/faults")

        assert bank.rail().send(instruction("P-1")).kind is SUCCEEDED

    def test_that_are_not_understood_are_refused_with_the_reason(self, bank: BankProcess) -> None:
        status, answer = bank.call("POST", "/v1/faults", {"rules": [{"effect": "explode"}]})

        assert status == 400
        assert "timeout_after" in answer["message"]

    def test_down_refuses_connections(self, bank: BankProcess) -> None:
        bank.faults({"effect": "down", "seconds": 60})

        assert bank.rail().send(instruction("P-1")).kind is NOT_SENT


class TestAccounts:
    @pytest.mark.parametrize("code", ["412", "415", "416", "419", "420", "499", "815"])
    def test_that_always_fail(self, bank: BankProcess, code: str) -> None:
        outcome = bank.rail().send(instruction("P-1", account=f"11012340000{code}"))

        assert (outcome.kind, outcome.code) == (FAILED, code)

    def test_have_the_registered_holder_and_accept_no_other(self, bank: BankProcess) -> None:
        bank.call("POST", "/v1/accounts", {"bank": "SHINHAN", "accountNumber": ACCOUNT, "holder": "김지우"})
        rail = bank.rail()

        assert rail.account_holder("SHINHAN", ACCOUNT) == "김지우"
        assert rail.send(instruction("P-1", holder="김지우")).kind is SUCCEEDED
        assert rail.send(instruction("P-2", holder="박서연")).code == "815"

    def test_unregistered_have_a_holder_that_stays_the_same(self, bank: BankProcess) -> None:
        rail = bank.rail()

        assert rail.account_holder("KAKAO", "3333012345678") == rail.account_holder("KAKAO", "3333012345678")
        assert rail.account_holder("KAKAO", "1") is None
        assert rail.account_holder("KAKAO", "33330000412") is None
        assert rail.account_holder("KAKAO", "33/30") is None

    def test_take_no_more_than_there_is(self, tmp_path: Path) -> None:
        bank = BankProcess(tmp_path / "poor.jsonl", "--balance", "1000")
        rail = bank.rail()

        assert rail.send(instruction("P-1", amount=1001)).code == "INSUFFICIENT_FUNDS"
        assert rail.send(instruction("P-2", amount=1000)).kind is SUCCEEDED
        assert rail.balance() == 0
        assert bank.call("POST", "/v1/deposits", {"amount": 7, "id": "D-1"})[0] == 201
        assert bank.call("POST", "/v1/deposits", {"amount": 7, "id": "D-1"})[0] == 201
        assert rail.balance() == 7
        assert bank.stop() == 0


class TestAfterwards:
    """What happens by itself after the answer, seen through the callbacks that tell of it."""

    def test_processing_is_accepted_and_then_done(self, tmp_path: Path) -> None:
        with callbacks() as (url, arrived):
            bank = BankProcess(tmp_path / "bank.jsonl", "--callback-url", url)
            bank.faults(
                {"match": {"reference": "P-1"}, "effect": "processing"},
                {"match": {"reference": "P-2"}, "effect": "processing", "code": "420"},
            )
            rail = bank.rail()

            assert [rail.send(instruction(name)).kind for name in ("P-1", "P-2")] == [ACCEPTED, ACCEPTED]
            assert {event(arrived)["type"] for _ in range(2)} == {"transfer.succeeded", "transfer.failed"}
            assert [rail.inquire(name, DAY).kind for name in ("P-1", "P-2")] == [SUCCEEDED, FAILED]
            assert bank.executed() == ["P-1"]
            bank.stop()

    def test_a_held_request_is_unknown_to_the_bank_until_it_is_executed(self, tmp_path: Path) -> None:
        with callbacks() as (url, arrived):
            bank = BankProcess(tmp_path / "bank.jsonl", "--callback-url", url)
            bank.faults({"match": {}, "effect": "hold", "seconds": 1.5})
            rail = bank.rail()

            assert rail.send(instruction("P-1")).kind is UNKNOWN
            assert rail.inquire("P-1", DAY).kind is NOT_RECEIVED
            assert event(arrived)["reference"] == "P-1"
            assert rail.inquire("P-1", DAY).kind is SUCCEEDED
            bank.stop()

    @pytest.mark.parametrize("account", [ACCOUNT, "11012340009999"])
    def test_money_sent_back_is_on_the_statement_and_on_the_balance(self, tmp_path: Path, account: str) -> None:
        with callbacks() as (url, arrived):
            bank = BankProcess(tmp_path / "bank.jsonl", "--callback-url", url, time_scale="0.001")
            bank.faults({"match": {"accountNumber": ACCOUNT}, "effect": "return_after", "seconds": 0.2})
            rail = bank.rail()

            assert rail.send(instruction("P-1", account=account)).kind is SUCCEEDED
            assert [event(arrived)["type"] for _ in range(2)] == ["transfer.succeeded", "transfer.returned"]

            found = rail.inquire("P-1", DAY)
            assert found.kind is SUCCEEDED
            assert found.returned_at is not None
            assert [(line.kind, line.amount) for line in rail.statement(*EVER)] == [
                (LineKind.TRANSFER, -51_818),
                (LineKind.RETURN, 51_818),
            ]
            assert rail.balance() == 1_000_000_000_000
            assert bank.executed() == ["P-1"]
            bank.stop()

    def test_callbacks_are_signed_hold_no_account_and_can_be_late_or_doubled(self, tmp_path: Path) -> None:
        with callbacks() as (url, arrived):
            bank = BankProcess(tmp_path / "bank.jsonl", "--callback-url", url)
            bank.faults(
                {"match": {"reference": "late"}, "effect": "late_callback", "seconds": 0.5},
                {"match": {"reference": "twice"}, "effect": "duplicate_callback"},
            )
            for name in ("late", "twice"):
                assert bank.rail().send(instruction(name)).kind is SUCCEEDED
            got = [arrived.get(timeout=10) for _ in range(3)]

            assert [json.loads(body)["reference"] for _, body in got] == ["twice", "twice", "late"]
            assert got[0][0]["webhook-id"] == got[1][0]["webhook-id"]
            for headers, body in got:
                signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
                wanted = base64.b64encode(hmac.digest(SECRET.encode(), signed, "sha256")).decode()
                assert headers["webhook-signature"] == f"v1,{wanted}"
                assert ACCOUNT.encode() not in body
            bank.stop()


class TestTheFile:
    def test_lets_a_killed_bank_go_on_where_it_was(self, tmp_path: Path) -> None:
        file = tmp_path / "bank.jsonl"
        bank = BankProcess(file)
        bank.faults({"match": {"reference": "P-3"}, "effect": "fail", "code": "420"})
        rail = bank.rail()
        firsts = {name: rail.send(instruction(name)) for name in ("P-1", "P-2", "P-3")}
        bank.call("POST", "/v1/deposits", {"amount": 500, "depositor": "운영자"})
        bank.call("POST", "/v1/accounts", {"bank": "KAKAO", "accountNumber": "3333012345678", "holder": "이하준"})
        before = (bank.executed(), rail.balance(), rail.statement(*EVER))
        bank.kill()

        bank = BankProcess(file, "--balance", "1")
        rail = bank.rail()

        assert (bank.executed(), rail.balance(), rail.statement(*EVER)) == before
        assert rail.account_holder("KAKAO", "3333012345678") == "이하준"
        for name, first in firsts.items():
            again = rail.send(instruction(name))
            assert (again.kind, again.code, again.bank_reference) == (first.kind, first.code, first.bank_reference)
        assert bank.executed() == ["P-1", "P-2"]
        bank.stop()

    def test_holds_what_is_still_to_be_done(self, tmp_path: Path) -> None:
        file = tmp_path / "bank.jsonl"
        bank = BankProcess(file)
        bank.faults({"match": {}, "effect": "processing", "seconds": 1})
        assert bank.rail().send(instruction("P-1")).kind is ACCEPTED
        bank.kill()

        with callbacks() as (url, arrived):
            bank = BankProcess(file, "--callback-url", url)

            assert event(arrived)["type"] == "transfer.succeeded"
            assert bank.executed() == ["P-1"]
            bank.stop()

    def test_loses_only_a_line_that_was_never_finished(self, tmp_path: Path) -> None:
        file = tmp_path / "bank.jsonl"
        bank = BankProcess(file, "--fsync")
        bank.rail().send(instruction("P-1"))
        bank.kill()
        with file.open("ab") as stream:
            stream.write(b'{"kind":"transfer","reference":"P-2"')

        bank = BankProcess(file)

        assert bank.executed() == ["P-1"]
        assert bank.rail().send(instruction("P-2")).kind is SUCCEEDED
        bank.kill()
        bank = BankProcess(file)
        assert bank.executed() == ["P-1", "P-2"]
        bank.stop()

    def test_that_is_damaged_or_in_use_is_refused(self, tmp_path: Path) -> None:
        broken = tmp_path / "broken.jsonl"
        broken.write_text('{"kind":"open","balance":1}\n{"kind":"tran\n{"kind":"account"}\n')
        with pytest.raises(AssertionError, match="unreadable line"):
            BankProcess(broken)

        used = tmp_path / "used.jsonl"
        bank = BankProcess(used)
        with pytest.raises(AssertionError, match="in use"):
            BankProcess(used)
        bank.stop()

    def test_is_readable_by_its_owner_alone(self, bank: BankProcess, tmp_path: Path) -> None:
        assert bank.executed() == []
        assert (tmp_path / "bank.jsonl").stat().st_mode & 0o077 == 0


class TestStatements:
    def test_agree_in_both_formats_and_carry_the_balance(self, bank: BankProcess) -> None:
        rail = bank.rail()
        for number in range(3):
            rail.send(instruction(f"P-{number}", amount=1000 + number))
        bank.call("POST", "/v1/deposits", {"amount": 50_000, "depositor": 'A "B", C', "memo": "<top-up> & more"})

        lines = rail.statement(*EVER)
        _, xml = bank.call("GET", "/v1/statements?from=2020-01-01&to=2099-12-31&format=camt053")
        space = {"c": "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"}
        entries = fromstring(xml).findall(".//c:Ntry", space)  # noqa: S314 - our own bank wrote it
        signs = {"DBIT": -1, "CRDT": 1}
        amounts = [
            signs[entry.findtext("c:CdtDbtInd", "", space)] * int(entry.findtext("c:Amt", "", space))
            for entry in entries
        ]

        assert [line.amount for line in lines] == amounts == [-1000, -1001, -1002, 50_000]
        assert [line.sequence for line in lines] == [1, 2, 3, 4]
        assert (lines[3].name, lines[3].memo) == ('A "B", C', "<top-up> & more")
        assert lines[3].balance_after == rail.balance() == 1_000_000_000_000 + sum(amounts)
        assert entries[1].findtext(".//c:EndToEndId", "", space) == lines[1].reference == "P-1"

    def test_of_days_without_movement_are_empty(self, bank: BankProcess) -> None:
        bank.rail().send(instruction("P-1"))

        assert bank.rail().statement(date(2020, 1, 1), date(2020, 1, 2)) == ()
        assert bank.call("GET", "/v1/statements?from=2020-01-02&to=2020-01-01")[0] == 400


class TestTheWitness:
    def test_is_read_in_pages(self, bank: BankProcess) -> None:
        rail = bank.rail()
        for number in range(5):
            rail.send(instruction(f"P-{number}"))

        first = bank.call("GET", "/v1/transfers?after=0&limit=3")[1]
        second = bank.call("GET", f"/v1/transfers?after={first['next']}&limit=3")[1]

        assert [t["reference"] for t in first["transfers"] + second["transfers"]] == [f"P-{n}" for n in range(5)]
        assert (first["more"], second["more"], second["next"]) == (True, False, 5)


class TestTheRail:
    def test_never_shows_an_account_number_when_it_fails(self, bank: BankProcess) -> None:
        bank.faults({"match": {"call": "holder"}, "effect": "reset_before"})

        with pytest.raises(BankUnavailable) as raised:
            bank.rail().account_holder("SHINHAN", ACCOUNT)

        assert ACCOUNT not in repr(raised.value)

    def test_can_be_shared_between_threads(self, bank: BankProcess) -> None:
        rail: SimulatorRail = bank.rail(read_seconds=10, total_seconds=20)

        with ThreadPoolExecutor(8) as pool:
            kinds = set(pool.map(lambda n: rail.send(instruction(f"P-{n}", amount=n + 1)).kind, range(400)))

        assert kinds == {SUCCEEDED}
        assert rail.balance() == 1_000_000_000_000 - sum(range(1, 401))


def event(arrived: "queue.Queue[Callback]") -> dict[str, Any]:
    content: dict[str, Any] = json.loads(arrived.get(timeout=10)[1])
    return content

"""An outcome that is about another transfer is UNKNOWN, and account numbers stay out of every text."""

from dataclasses import fields, replace
from datetime import UTC, datetime, time
from typing import Any

import pytest

from payouts import rails
from payouts.rails import Outcome, OutcomeKind, failure_class, mask_account
from payouts.rails.base import FAILURE_CLASSES, FailureClass
from payouts.rails.simulator.client import CERTAIN_FAILURES
from payouts.rails.test_environment import TestEnvironmentRail
from tests.payouts.rails.bank import ACCOUNT, DAY, instruction

ASKED = instruction("P-1")
NAMED = ("reference", "reference_date", "amount", "currency", "bank", "account_number")


def outcome(kind: OutcomeKind, **changes: Any) -> Outcome:
    return replace(Outcome(kind=kind, code="SUCCESS", **{name: getattr(ASKED, name) for name in NAMED}), **changes)


class TestConfirming:
    @pytest.mark.parametrize("kind", [OutcomeKind.SUCCEEDED, OutcomeKind.ACCEPTED, OutcomeKind.FAILED])
    def test_keeps_a_verdict_that_names_the_transfer(self, kind: OutcomeKind) -> None:
        assert outcome(kind).confirmed_for(ASKED).kind is kind

    @pytest.mark.parametrize("kind", [OutcomeKind.SUCCEEDED, OutcomeKind.ACCEPTED, OutcomeKind.FAILED])
    @pytest.mark.parametrize("name", NAMED)
    def test_drops_a_verdict_that_differs_or_leaves_something_out(self, kind: OutcomeKind, name: str) -> None:
        empty = next(field.default for field in fields(Outcome) if field.name == name)

        confirmed = outcome(kind, **{name: empty}).confirmed_for(ASKED)

        assert (confirmed.kind, confirmed.code) == (OutcomeKind.UNKNOWN, "MISMATCH")
        assert name in confirmed.message

    def test_of_an_inquiry_needs_reference_and_date(self) -> None:
        found = Outcome(kind=OutcomeKind.NOT_RECEIVED, reference="P-1", reference_date=DAY)

        assert found.confirmed_as("P-1", DAY).kind is OutcomeKind.NOT_RECEIVED
        assert found.confirmed_as("P-2", DAY).kind is OutcomeKind.UNKNOWN


class TestTexts:
    def test_hide_account_and_holder(self) -> None:
        shown = repr(ASKED) + repr(outcome(OutcomeKind.SUCCEEDED))

        assert ACCOUNT not in shown
        assert ASKED.holder not in shown

    @pytest.mark.parametrize(("number", "masked"), [(ACCOUNT, "********6789"), ("1234", "****"), ("", "")])
    def test_mask_all_but_four(self, number: str, masked: str) -> None:
        assert mask_account(number) == masked


class TestFailureClasses:
    @pytest.mark.parametrize(
        ("code", "kind"),
        [
            ("415", FailureClass.ACCOUNT),
            ("419", FailureClass.COMPLIANCE),
            ("INSUFFICIENT_FUNDS", FailureClass.FUNDS),
            ("LIMIT_EXCEEDED", FailureClass.LIMIT),
            ("MAINTENANCE", FailureClass.WINDOW),
            ("REFUSED", FailureClass.TECHNICAL),
            ("999", FailureClass.UNKNOWN),
        ],
    )
    def test_of_a_code(self, code: str, kind: FailureClass) -> None:
        assert failure_class(code) is kind

    def test_are_known_for_every_code_the_simulated_bank_fails_with(self) -> None:
        assert set(FAILURE_CLASSES) >= CERTAIN_FAILURES


class TestAnInstruction:
    @pytest.mark.parametrize("amount", [0, -1, 10**15, True, 1.0, "1"])
    def test_has_a_positive_whole_amount(self, amount: Any) -> None:
        with pytest.raises(ValueError, match="amount"):
            replace(ASKED, amount=amount)


class TestMaintenance:
    @pytest.mark.parametrize(
        ("seoul", "inside"), [((22, 49), False), ((22, 50), True), ((0, 30), True), ((1, 0), False), ((12, 0), False)]
    )
    def test_crosses_midnight_in_seoul(self, *, seoul: tuple[int, int], inside: bool) -> None:
        window = rails.MaintenanceWindow(time(22, 50), time(1, 0))
        moment = datetime(2026, 11, 21, (seoul[0] - 9) % 24, seoul[1], tzinfo=UTC)

        assert window.contains(moment) is inside


class TestRegistry:
    def test_makes_a_rail_by_name(self) -> None:
        rail = rails.get("simulator", url="http://127.0.0.1:1", time_scale=0.01)

        assert rail.promises == rails.RailPromises(
            deduplicates=True, inquiry_authoritative=True, settle_delay=0.6, maintenance=None
        )
        assert isinstance(rails.get("test"), TestEnvironmentRail)

    def test_refuses_an_unknown_name_and_an_unknown_setting(self) -> None:
        with pytest.raises(rails.UnknownRail, match="simulator"):
            rails.get("swift")
        with pytest.raises(TypeError):
            rails.get("test", url="http://127.0.0.1:1")


class TestTheTestEnvironment:
    def test_always_succeeds_and_can_be_resolved_by_sending_again(self) -> None:
        rail = TestEnvironmentRail()

        first = rail.send(ASKED)

        assert first.kind is OutcomeKind.SUCCEEDED
        assert first.confirmed_for(ASKED) is first
        assert rail.inquire("P-1", DAY).kind is OutcomeKind.NOT_RECEIVED
        assert rail.promises.deduplicates
        assert rail.send(ASKED).bank_reference == first.bank_reference

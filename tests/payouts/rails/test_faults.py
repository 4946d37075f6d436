"""The same script and the same calls misbehave alike, in whatever order the calls arrive."""

from collections.abc import Callable
from typing import Any

import pytest

from payouts.rails.simulator.faults import Call, Effect, Faults, FaultScriptError

REFERENCES = [f"P-{number}" for number in range(400)]


def scripted(*rules: dict[str, Any], seed: int = 7) -> Faults:
    faults = Faults()
    faults.replace({"seed": seed, "rules": list(rules)})
    return faults


def drawn(faults: Faults, references: list[str]) -> set[str]:
    return {reference for reference in references if faults.draw(Call.TRANSFER, {"reference": reference})}


class TestChance:
    def test_is_decided_by_the_seed_and_not_by_the_order(self) -> None:
        rule = {"match": {}, "effect": "timeout_after", "probability": 0.25}

        forwards = drawn(scripted(rule), REFERENCES)

        assert forwards == drawn(scripted(rule), REFERENCES[::-1])
        assert forwards != drawn(scripted(rule, seed=8), REFERENCES)
        assert 60 < len(forwards) < 140

    def test_is_drawn_anew_when_a_reference_comes_again(self) -> None:
        faults = scripted({"match": {}, "effect": "timeout_before", "probability": 0.5})

        assert {bool(drawn(faults, ["P-1"])) for _ in range(40)} == {True, False}

    @pytest.mark.parametrize(("probability", "hits"), [(0, 0), (1, 400)])
    def test_of_nothing_and_of_all_is_certain(self, probability: int, hits: int) -> None:
        assert len(drawn(scripted({"effect": "garbage", "probability": probability}), REFERENCES)) == hits


class TestMatching:
    def test_takes_fields_exactly_or_with_a_star(self) -> None:
        fields: dict[str, str | int] = {
            "reference": "P-1",
            "bank": "SHINHAN",
            "accountNumber": "110123456789",
            "amount": 5,
        }

        def hits(**match: Any) -> bool:
            return scripted({"match": match, "effect": "garbage"}).draw(Call.TRANSFER, fields) is not None

        assert hits(reference="P-1", amount=5)
        assert hits(accountNumber="*6789")
        assert not hits(accountNumber="6789")
        assert not hits(amount=6)
        assert not hits(amount="5")
        assert not hits(call="inquiry", reference="P-1")

    def test_counts_down_and_leaves_the_rest_to_the_next_rule(self) -> None:
        faults = scripted({"effect": "garbage", "count": 2}, {"effect": "slow"})

        effects = [rule.effect for rule in (faults.draw(Call.TRANSFER, {"reference": r}) for r in "abc") if rule]

        assert effects == [Effect.GARBAGE, Effect.GARBAGE, Effect.SLOW]


class TestAScript:
    @pytest.mark.parametrize(
        "rules",
        [
            "timeout_after",
            [{"effect": "explode"}],
            [{"effect": "fail"}],
            [{"effect": "garbage", "probability": 2}],
            [{"effect": "garbage", "probability": float("nan")}],
            [{"effect": "garbage", "count": -1}],
            [{"effect": "garbage", "match": {"amount": 1.5}}],
            [{"effect": "garbage", "match": {"colour": "red"}}],
            [{"effect": "return_after", "match": {"call": "balance"}}],
            [{"effect": "garbage", "when": "now"}],
        ],
    )
    def test_that_is_not_understood_changes_nothing(self, rules: object) -> None:
        faults = scripted({"effect": "slow"})

        with pytest.raises(FaultScriptError):
            faults.replace({"rules": rules})

        assert [rule.effect for rule in faults.rules] == [Effect.SLOW]


class TestDescribing:
    def test_shows_what_is_left(self) -> None:
        faults = scripted({"match": {"bank": "KAKAO"}, "effect": "fail", "code": "415", "count": 3})
        faults.draw(Call.TRANSFER, {"bank": "KAKAO"})

        [rule] = _rules(faults.describe)

        assert (rule["count"], rule["fired"], rule["code"]) == (2, 1, "415")


def _rules(describe: Callable[[], dict[str, Any]]) -> list[dict[str, Any]]:
    rules: list[dict[str, Any]] = describe()["rules"]
    return rules

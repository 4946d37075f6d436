"""
Scripted misbehaviour of the simulated bank.

A script is `{"seed": 7, "rules": [{"match": {...}, "effect": "timeout_after", "probability": 0.1, "count": 3, ...}]}`.
The first rule that matches a call and fires decides; a new script replaces the old one. Chance is drawn from the seed,
the rule, the reference and how often that reference was seen, so the same script and the same calls misbehave alike in
any order of arrival.

`match` names fields of the call and the values they must have: `reference`, `referenceDate`, `amount`, `currency`,
`bank`, `accountNumber`, `holder`. Text may hold `*` for any run of characters. `call` is one of transfer (the default),
inquiry, holder, business, balance, statement. An empty match fits every call of that kind. `seconds` are real seconds,
not scaled.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

from payouts.rails.simulator.book import INSUFFICIENT_FUNDS

_FIELDS = frozenset({"reference", "referenceDate", "amount", "currency", "bank", "accountNumber", "holder"})
_RULE_KEYS = frozenset({"match", "effect", "probability", "count", "code", "seconds"})
_Kind = TypeVar("_Kind", bound=StrEnum)
_MOST_RULES = 10_000
_MOST_SECONDS = 90 * 24 * 3600


class Effect(StrEnum):
    """What goes wrong. BEFORE means the bank has not executed anything, AFTER that it has."""

    TIMEOUT_BEFORE = "timeout_before"
    TIMEOUT_AFTER = "timeout_after"
    RESET_BEFORE = "reset_before"
    RESET_AFTER = "reset_after"
    ERROR500_BEFORE = "error500_before"
    ERROR500_AFTER = "error500_after"
    GARBAGE = "garbage"
    """Executed; the answer is no JSON."""
    TRUNCATED = "truncated"
    """Executed; the answer ends in its middle."""
    SLOW = "slow"
    """Executed; the answer trickles in over `seconds`."""
    ANSWER_SWAPPED = "answer_swapped"
    """Executed; the answer is about another transfer."""
    HOLD = "hold"
    """No answer; the request is executed `seconds` later, so an inquiry says first NOT_RECEIVED and then the result."""
    PROCESSING = "processing"
    """Accepted; executed (or failed with `code`) `seconds` later."""
    NOT_RECEIVED = "not_received"
    """An inquiry denies knowing the reference."""
    REFUSE = "refuse"
    """Fails with REFUSED, or with `code`."""
    FAIL = "fail"
    """Fails with `code`, which is required."""
    INSUFFICIENT_FUNDS = "insufficient_funds"
    MAINTENANCE = "maintenance"
    RETURN_AFTER = "return_after"
    """Executed, and sent back `seconds` later."""
    LATE_CALLBACK = "late_callback"
    """The callback leaves `seconds` after the result."""
    DUPLICATE_CALLBACK = "duplicate_callback"
    DOWN = "down"
    """The bank stops listening for `seconds`, at once: connections are refused. Takes neither match nor chance."""


class Call(StrEnum):
    """The calls a rule can be about."""

    TRANSFER = "transfer"
    INQUIRY = "inquiry"
    HOLDER = "holder"
    BUSINESS = "business"
    BALANCE = "balance"
    STATEMENT = "statement"


_OF_ANY_CALL = frozenset(
    {
        *(Effect.TIMEOUT_BEFORE, Effect.TIMEOUT_AFTER, Effect.RESET_BEFORE, Effect.RESET_AFTER),
        *(Effect.ERROR500_BEFORE, Effect.ERROR500_AFTER, Effect.GARBAGE, Effect.TRUNCATED, Effect.SLOW),
    }
)
_OF_INQUIRY = _OF_ANY_CALL | {Effect.ANSWER_SWAPPED, Effect.NOT_RECEIVED}
_OF_TRANSFER = frozenset(Effect) - {Effect.NOT_RECEIVED}
_REFUSALS = {
    Effect.REFUSE: "REFUSED",
    Effect.INSUFFICIENT_FUNDS: INSUFFICIENT_FUNDS,
    Effect.MAINTENANCE: "MAINTENANCE",
    Effect.FAIL: None,
}


class FaultScriptError(ValueError):
    """The script is not understood; the text says which rule and why."""


@dataclass(slots=True)
class Rule:
    """One line of a script. `left` counts down to zero; None is without end."""

    call: Call
    match: Mapping[str, str | int]
    effect: Effect
    probability: float
    left: int | None
    code: str | None
    seconds: float | None
    fired: int = 0

    @property
    def refusal(self) -> str | None:
        """The code with which a transfer fails because of this rule."""
        return (self.code or _REFUSALS[self.effect]) if self.effect in _REFUSALS else None

    def fits(self, call: Call, fields: Mapping[str, str | int]) -> bool:
        """Tell whether the call is one this rule is about."""
        return call is self.call and all(_fits(wanted, fields.get(name)) for name, wanted in self.match.items())

    def describe(self) -> dict[str, object]:
        """Return the rule as JSON, with what is left of it."""
        return {
            "match": {"call": self.call.value, **self.match},
            "effect": self.effect.value,
            "probability": self.probability,
            "count": self.left,
            "code": self.code,
            "seconds": self.seconds,
            "fired": self.fired,
        }


@dataclass(slots=True)
class Faults:
    """The script in force."""

    seed: int = 0
    rules: list[Rule] = field(default_factory=list)
    _seen: Counter[tuple[int, Call, str, str]] = field(default_factory=Counter)

    def replace(self, script: object) -> float | None:
        """Put a script in force. Returns for how many seconds the bank goes down at once. Raises FaultScriptError."""
        if not isinstance(script, dict) or not set(script) <= {"seed", "rules"}:
            message = "A script is an object with seed and rules."
            raise FaultScriptError(message)
        seed, rules = script.get("seed", 0), script.get("rules", [])
        if type(seed) is not int or not isinstance(rules, list) or len(rules) > _MOST_RULES:
            message = "seed is a whole number, rules is a list."
            raise FaultScriptError(message)
        parsed = [_parse(number, rule) for number, rule in enumerate(rules, 1)]
        self.seed, self.rules, self._seen = seed, [r for r in parsed if r.effect is not Effect.DOWN], Counter()
        downs = [rule.seconds or 0 for rule in parsed if rule.effect is Effect.DOWN]
        return max(downs, default=None)

    def clear(self) -> None:
        """Behave again."""
        self.rules, self._seen = [], Counter()

    def draw(self, call: Call, fields: Mapping[str, str | int]) -> Rule | None:
        """Return the rule that decides about this call, if one does, and count it."""
        for number, rule in enumerate(self.rules):
            if rule.left != 0 and rule.fits(call, fields) and self._chance(number, call, fields) < rule.probability:
                rule.fired += 1
                rule.left = None if rule.left is None else rule.left - 1
                return rule
        return None

    def describe(self) -> dict[str, object]:
        """Return the script in force as JSON."""
        return {"seed": self.seed, "rules": [rule.describe() for rule in self.rules]}

    def _chance(self, number: int, call: Call, fields: Mapping[str, str | int]) -> float:
        subject = str(fields.get("reference", fields.get("accountNumber", "")))
        key = (number, call, subject, str(fields.get("referenceDate", "")))
        self._seen[key] += 1
        digest = hashlib.sha256(repr((self.seed, key, self._seen[key])).encode()).digest()
        return int.from_bytes(digest[:6], "big") / (1 << 48)


def _fits(wanted: str | int, value: str | int | None) -> bool:
    if isinstance(wanted, int) or not isinstance(value, str):
        return wanted == value
    return re.fullmatch(".*".join(map(re.escape, wanted.split("*"))), value) is not None


def _parse(number: int, rule: object) -> Rule:
    if not isinstance(rule, dict) or not set(rule) <= _RULE_KEYS:
        message = f"Rule {number} is an object with {', '.join(sorted(_RULE_KEYS))}."
        raise FaultScriptError(message)
    match = rule.get("match", {})
    if not isinstance(match, dict):
        message = f"Rule {number}: match is an object."
        raise FaultScriptError(message)
    wanted = {name: value for name, value in match.items() if name != "call"}
    if not set(wanted) <= _FIELDS or not all(type(value) in {str, int} for value in wanted.values()):
        message = f"Rule {number}: match names call, {', '.join(sorted(_FIELDS))}, each a text or a whole number."
        raise FaultScriptError(message)
    call = _choice(number, Call, match.get("call", "transfer"))
    effect = _choice(number, Effect, rule.get("effect"))
    allowed = {Call.TRANSFER: _OF_TRANSFER, Call.INQUIRY: _OF_INQUIRY}.get(call, _OF_ANY_CALL)
    code = rule.get("code")
    if effect not in allowed or (effect is Effect.FAIL and not code) or not isinstance(code, str | None):
        message = f"Rule {number}: {effect} does not fit a {call} call, or its code is missing or no text."
        raise FaultScriptError(message)
    count = rule.get("count")
    if count is not None and (type(count) is not int or count < 0):
        message = f"Rule {number}: count is a whole number of 0 or more."
        raise FaultScriptError(message)
    probability = _number(number, "probability", rule.get("probability", 1), most=1)
    seconds = None if rule.get("seconds") is None else _number(number, "seconds", rule["seconds"], most=_MOST_SECONDS)
    return Rule(call, wanted, effect, probability, count, code, seconds)


def _choice(number: int, kind: type[_Kind], value: object) -> _Kind:
    try:
        return kind(str(value))
    except ValueError:
        message = f"Rule {number}: {value!r} is none of {', '.join(kind)}."
        raise FaultScriptError(message) from None


def _number(number: int, name: str, value: object, *, most: int) -> float:
    if type(value) not in {int, float} or not isinstance(value, int | float) or not 0 <= value <= most:
        message = f"Rule {number}: {name} is a number from 0 to {most}."
        raise FaultScriptError(message)
    return value

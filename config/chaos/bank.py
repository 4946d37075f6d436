"""The simulated bank as the lab sees it: its faults, and its list of what it executed, the witness."""

import json
import time
import urllib.error
import urllib.request
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from config.chaos import LabError
from config.chaos.options import Mode, Options

_MINUTE, _DAY = 60.0, 86_400.0
_LONGEST_RETURN_DAYS = 60
_OUTAGE_SECONDS = 2.0
_PAGE = 5_000
_PATIENCE_SECONDS = 60.0
_LONGEST_RETURN_IN_A_STORM = 6.0

Rule = dict[str, object]


@dataclass(frozen=True, slots=True)
class Witness:
    """One transfer that the bank executed, as the bank says."""

    sequence: int
    reference: str
    day: str
    amount: int
    bank: str
    account: str
    holder: str
    returned: bool


@dataclass
class Bank:
    """The simulator at an address."""

    url: str
    rules: list[Rule] = field(default_factory=list)
    fired: Counter[str] = field(default_factory=Counter)

    def _call(self, method: str, path: str, body: object = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}{path}", data=data, method=method)  # noqa: S310 - on loopback
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            try:
                with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - likewise
                    return json.load(answer)
            except urllib.error.HTTPError as error:
                text = error.read().decode(errors="replace")
                message = f"The bank simulator refused {method} {path}: {text}"
                raise LabError(message) from error
            except OSError as error:
                # It goes down for a moment when it is told to.
                if time.monotonic() > deadline:
                    message = f"The bank simulator does not answer {method} {path}."
                    raise LabError(message) from error
                time.sleep(_OUTAGE_SECONDS / 10)

    def misbehave(self, rules: list[Rule], seed: int) -> None:
        """Put a script in force."""
        self.rules = rules
        self._call("POST", "/v1/faults", {"seed": seed, "rules": rules})

    def go_down(self, seed: int) -> None:
        """Stop listening for two seconds, and misbehave as before afterwards."""
        self._count()
        down: Rule = {"match": {}, "effect": "down", "seconds": _OUTAGE_SECONDS}
        self._call("POST", "/v1/faults", {"seed": seed, "rules": [down, *self.rules]})
        self.fired["transfer down"] += 1

    def behave(self) -> None:
        """End the script; what it did is kept in `fired`."""
        self._count()
        self._call("DELETE", "/v1/faults")

    def _count(self) -> None:
        for rule in self._call("GET", "/v1/faults")["rules"]:
            code = f" {rule['code']}" if rule["code"] else ""
            if rule["fired"]:
                self.fired[f"{rule['match']['call']} {rule['effect']}{code}"] += rule["fired"]

    def witness(self) -> list[Witness]:
        """Return everything the bank ever executed."""
        found: list[Witness] = []
        after, more = 0, True
        while more:
            page = self._call("GET", f"/v1/transfers?after={after}&limit={_PAGE}")
            found += [_witness(row) for row in page["transfers"]]
            after, more = page["next"], page["more"]
        return found


def _witness(row: dict[str, Any]) -> Witness:
    return Witness(
        sequence=row["sequence"],
        reference=row["reference"],
        day=row["referenceDate"],
        amount=row["amount"],
        bank=row["bank"],
        account=row["accountNumber"],
        holder=row["holder"],
        returned=row["status"] == "RETURNED",
    )


def _shares(total: float, effects: dict[str, int], call: str, **more: object) -> list[Rule]:
    whole = sum(effects.values())
    return [
        {"match": {"call": call}, "effect": effect, "probability": total * part / whole, **more}
        for effect, part in effects.items()
        if total
    ]


_NOT_EXECUTED = {"timeout_before": 2, "reset_before": 1, "error500_before": 1}
_LOST = {"timeout_before": 1, "timeout_after": 2, "reset_after": 1, "error500_after": 1}


def _refusals(share: float) -> list[Rule]:
    """Return refusals for good and for now, money that comes back, and an account that is short for a moment."""
    codes = {"412": 3, "419": 1, "LIMIT_EXCEEDED": 1}
    rules = [
        {"match": {}, "effect": "fail", "code": code, "probability": share * part / 5} for code, part in codes.items()
    ]
    for_now = {"refuse": 2, "insufficient_funds": 1, "maintenance": 1}
    rules += _shares(share, for_now, "transfer")
    return [*rules, *_shares(share, {"return_after": 1}, "transfer", seconds=_LONGEST_RETURN_IN_A_STORM)]


def script(options: Options, accounts: list[tuple[str, float]]) -> list[Rule]:
    """
    Return the script of a storm.

    `accounts` are numbers with the simulated seconds after which their first transfer comes back (RETURNS only).
    """
    asking = _shares(options.lost, {"timeout_before": 1, "reset_after": 1, "error500_after": 1}, "inquiry")
    asking += _shares(options.garbage, {"garbage": 1, "truncated": 1}, "inquiry")
    asking += _shares(options.swapped, {"answer_swapped": 1}, "inquiry")
    asking += _shares(options.late, {"not_received": 1}, "inquiry")
    if options.mode is Mode.RETURNS:
        # The first rule that fires decides, so only what is not executed may stand before the one that sends back.
        back: list[Rule] = [
            {"match": {"accountNumber": number}, "effect": "return_after", "seconds": seconds * options.time_scale}
            for number, seconds in accounts
        ]
        return [*_shares(options.lost, _NOT_EXECUTED, "transfer"), *back, *asking]
    rules = _shares(options.lost, _LOST, "transfer")
    # Some are held longer than the bank promises, so that the same reference goes out again before they arrive.
    rules += _shares(options.late / 2, {"hold": 1}, "transfer", seconds=4)
    rules += _shares(options.late / 2, {"processing": 2, "slow": 1}, "transfer", seconds=2)
    rules += _shares(options.swapped, {"answer_swapped": 1}, "transfer")
    rules += _shares(options.garbage, {"garbage": 1, "truncated": 1}, "transfer")
    return [*rules, *_refusals(options.lost / 2), *asking]


def return_seconds(chance: float) -> float:
    """Return simulated seconds between a minute and sixty days, for a chance between 0 and 1."""
    return _MINUTE + chance * (_LONGEST_RETURN_DAYS * _DAY - _MINUTE)


def longest_return(options: Options) -> float:
    """Return after how many real seconds nothing can come back any more."""
    return return_seconds(1.0) * options.time_scale if options.mode is Mode.RETURNS else _LONGEST_RETURN_IN_A_STORM

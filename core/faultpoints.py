"""
Named points of the code at which a process can be made to die or to stall, for the chaos lab.

Nothing happens unless CHAOS_POINTS names a point: `dispatch.claimed=kill@0.01,bank.sent=freeze:3@0.005` kills the
process at one in a hundred passes of the first and stalls the thread for three seconds at one in two hundred of the
second. Chance is drawn from CHAOS_SEED and the process, and CHAOS_LOG names a file that gets a line before each.
"""

import json
import os
import random
import re
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

_RULE = re.compile(r"(?P<point>[a-z_.]+)=(?P<act>kill|freeze:(?P<seconds>[0-9.]+))@(?P<chance>[0-9.]+)")


@dataclass(frozen=True, slots=True)
class Rule:
    """What happens at a point: with this chance, a stall of so many seconds or (None) the end by SIGKILL."""

    chance: float
    seconds: float | None


def parse(text: str) -> Mapping[str, Rule]:
    """Read CHAOS_POINTS; a point that is not understood raises ValueError, for a silent one would prove nothing."""
    rules: dict[str, Rule] = {}
    for part in filter(None, text.replace(" ", "").split(",")):
        found = _RULE.fullmatch(part)
        if found is None:
            message = f"CHAOS_POINTS: {part!r} is not like point=kill@0.01 or point=freeze:3@0.01."
            raise ValueError(message)
        seconds = float(found["seconds"]) if found["seconds"] else None
        rules[found["point"]] = Rule(float(found["chance"]), seconds)
    return MappingProxyType(rules)


_RULES = parse(os.environ.get("CHAOS_POINTS", ""))
_chances: dict[int, random.Random] = {}


def reached(point: str) -> None:
    """Say that the code is at a point. Does nothing outside the chaos lab."""
    if _RULES:
        _meet(point)


def _meet(point: str) -> None:
    rule, pid = _RULES.get(point), os.getpid()
    if rule is None:
        return
    if pid not in _chances:  # a forked child draws its own chances
        _chances[pid] = random.Random(f"{os.environ.get('CHAOS_SEED', '0')}:{pid}")  # noqa: S311 - to be repeatable
    if _chances[pid].random() >= rule.chance:
        return
    _tell(point, pid, "kill" if rule.seconds is None else "freeze")
    if rule.seconds is None:
        os.kill(pid, signal.SIGKILL)
    else:
        time.sleep(rule.seconds)


def _tell(point: str, pid: int, act: str) -> None:
    path = os.environ.get("CHAOS_LOG")
    if path:
        line = json.dumps({"at": time.time(), "pid": pid, "point": point, "act": act}) + "\n"
        # One write of one line: processes that die at the same moment do not mix theirs.
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.write(handle, line.encode())
        os.close(handle)

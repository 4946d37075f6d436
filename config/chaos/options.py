"""What a run is asked to do, and what follows from it."""

import shlex
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from config.bootstrap import ROOT

_MOST_IN_A_BULK = 500
_PAYOUTS_A_PARTNER = 5
_MOST_CHANCE = 0.03
_MANY = 5_000
# Before and after each commit that a chunk of payouts goes through, those of rarer work, and around each call.
_AT_COMMITS = (
    *("dispatch.claiming", "dispatch.claimed", "dispatch.submitting", "dispatch.submitted"),
    *("results.recording", "results.recorded"),
)
_AT_RARE_COMMITS = (
    *("inquiry.taking", "inquiry.taken", "build.chunk", "build.sealing", "build.sealed"),
    *("bulk.starting", "bulk.started", "bulk.advancing", "returns.recording", "returns.recorded"),
)
_AT_CALLS = ("bank.sending", "bank.sent", "inquiry.asking", "inquiry.asked")


class Mode(StrEnum):
    """What is put under stress."""

    DISPATCH = "dispatch"
    RETURNS = "returns"
    APPROVALS = "approvals"


class Redis(StrEnum):
    """What happens to Redis: emptied every few seconds, never there, there without answering, or left alone."""

    FLUSH = "flush"
    STOP = "stop"
    SILENT = "silent"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Options:
    """
    One run. `lost`, `late`, `swapped` and `garbage` are shares of the bank's answers.

    `payouts` are rounds in the mode APPROVALS. With `prepared` the bulk payouts are built before the storm.
    `minutes` ends the storm early; without it, it lasts until its work is
    done and `kills` have happened.
    """

    mode: Mode = Mode.DISPATCH
    payouts: int = 1_000
    seed: int = 7
    workers: int = 2
    kills: int = 30
    lost: float = 0.05
    late: float = 0.02
    swapped: float = 0.01
    garbage: float = 0.01
    redis: Redis = Redis.FLUSH
    restarts: int = 1
    cuts: int = 10
    prepared: bool = False
    minutes: float | None = None
    report: Path | None = None
    keep: Path | None = None

    @property
    def report_file(self) -> Path:
        """Return where the report goes: a file of its own for each mode, unless another one is named."""
        ending = "" if self.mode is Mode.DISPATCH else f"-{self.mode}"
        return self.report or ROOT / "docs" / f"chaos-report{ending}.md"

    @property
    def command(self) -> str:
        """Return the command line that repeats the run."""
        said = {
            "payouts": self.payouts,
            "seed": self.seed,
            "workers": self.workers,
            "kills": self.kills,
            "lost": self.lost,
            "late": self.late,
            "swapped": self.swapped,
            "garbage": self.garbage,
            "redis": self.redis.value,
            "restarts": self.restarts,
            "cuts": self.cuts,
        } | ({} if self.minutes is None else {"minutes": self.minutes})
        mode = [] if self.mode is Mode.DISPATCH else ["--mode", self.mode.value]
        words = ["python3", "manage.py", "chaos", *mode, *(["--prepared"] if self.prepared else [])]
        return shlex.join([*words, *(part for name, value in said.items() for part in (f"--{name}", str(value)))])

    @property
    def time_scale(self) -> float:
        """Return the factor of every pause of the product; in RETURNS, sixty days are about a minute."""
        return 0.00001 if self.mode is Mode.RETURNS else 0.005

    @property
    def partners(self) -> int:
        """Return how many partners there are: five payouts each, one each where an account decides what happens."""
        if self.mode is Mode.DISPATCH:
            return max(20, self.payouts // _PAYOUTS_A_PARTNER)
        return self.payouts

    @property
    def bulks(self) -> int:
        """Return how many bulk payouts the payouts are spread over."""
        return max(4, -(-self.payouts // _MOST_IN_A_BULK))

    @property
    def chunk(self) -> int:
        """Return how many instructions a worker has with the bank at the same time."""
        return 8 if self.payouts < _MANY else 16

    def points(self) -> str:
        """Return CHAOS_POINTS: about half of the kills happen at the commits and around the calls of the bank."""
        if not self.kills or not self.payouts:
            return ""
        chance = min(_MOST_CHANCE, self.kills / (2 * self.payouts))
        rules = dict.fromkeys(_AT_COMMITS, f"kill@{chance:.5f}")
        rules |= dict.fromkeys(_AT_RARE_COMMITS, f"kill@{min(_MOST_CHANCE, 4 * chance):.5f}")
        rules |= dict.fromkeys(_AT_CALLS, f"kill@{chance / self.chunk:.5f}")
        # Longer than the lease: what this worker was about to send belongs to somebody else when it wakes up.
        rules["dispatch.submitted"] = f"freeze:7@{chance:.5f}"
        return ",".join(f"{point}={rule}" for point, rule in rules.items())

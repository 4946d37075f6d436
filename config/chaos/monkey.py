"""What breaks things: kills, freezes, restarts, cuts, and an emptied Redis, at moments drawn from one seed."""

import contextlib
import os
import signal
import time
from collections import Counter
from dataclasses import dataclass, field
from random import Random

import redis

from config.chaos.lab import Lab, descendants
from config.chaos.options import Redis

_KILL_SECONDS, _FREEZE_SECONDS, _FLUSH_SECONDS, _OUTAGE_SECONDS = 0.8, 5.0, 3.0, 45.0
_LONGEST_FREEZE_SECONDS = 9.0  # the lease of an attempt is 5 seconds at the lab's time scale
_MOST_CUT = 3
_WHOLE = 0.15
_WEIGHTS = {"web": 1.0, "sweeper": 0.7}
_AHEAD = 0.05  # of all kills: so many more than the work that is done asks for


@dataclass
class Monkey:
    """One storm over one lab. `tick` is called often; it never waits long."""

    lab: Lab
    random: Random
    counts: Counter[str] = field(default_factory=Counter)
    _next: dict[str, float] = field(default_factory=dict)
    _frozen: dict[int, float] = field(default_factory=dict)

    @property
    def kills(self) -> int:
        """How many processes have been killed so far, by us and at points."""
        struck = self.lab.killed_at_points()
        at_points = sum(count for what, count in struck.items() if what.startswith("kill"))
        return at_points + sum(count for what, count in self.counts.items() if what.startswith("killed"))

    def tick(self, done: float) -> None:
        """Do what is due. `done` from 0 to 1 is how far the storm is, which paces restarts and cuts."""
        self._wake(time.monotonic())
        options = self.lab.options
        if options.kills and self._due("kill", _KILL_SECONDS) and self._is_behind(done):
            self._kill()
        if options.kills and self._due("freeze", _FREEZE_SECONDS):
            self._freeze()
        if options.redis is Redis.FLUSH and self._due("flush", _FLUSH_SECONDS):
            self._flush()
        if options.lost and self._due("outage", _OUTAGE_SECONDS):
            self.lab.bank.go_down(options.seed)
        if self.counts["PostgreSQL restarted"] < options.restarts * done:
            self.counts["PostgreSQL restarted"] += 1
            self.lab.restart_postgres()
        if self.counts["connections cut"] < options.cuts * done:
            self.counts["connections cut"] += self.lab.cut_connections(_MOST_CUT)

    def finish(self) -> None:
        """Do the restarts and cuts that are still owed, and wake everything up."""
        self.tick(1.0)
        while self.counts["PostgreSQL restarted"] < self.lab.options.restarts:
            self.tick(1.0)
        for pid in list(self._frozen):
            self._continue(pid)

    def _is_behind(self, done: float) -> bool:
        """
        Say whether fewer have been killed than the work that is done asks for.

        Where starting a process takes long, a fixed pace would keep everything from ever working.
        """
        wanted = self.lab.options.kills
        return self.kills < wanted * (done + _AHEAD)

    def _due(self, what: str, mean: float) -> bool:
        now = time.monotonic()
        if what not in self._next:
            self._next[what] = now + self.random.expovariate(1 / mean)
        if now < self._next[what]:
            return False
        self._next[what] = now + self.random.expovariate(1 / mean)
        return True

    def _victim(self) -> tuple[str, int] | None:
        """Choose a process of the product: mostly those that hold money in their hands."""
        names = list(self.lab.processes)
        weights = [_WEIGHTS.get(name, 3.0) for name in names]
        name = self.random.choices(names, weights)[0]
        process = self.lab.processes[name]
        if not process.alive():
            return None
        kind = name.partition("-")[0]
        children = sorted(descendants(process.pid))
        # A whole worker takes seconds to come back, and one that never comes back proves nothing.
        if kind == "sweeper" or self.random.random() < _WHOLE:
            return kind, process.pid
        return (f"child of {kind}", self.random.choice(children)) if children else None

    def _kill(self) -> None:
        chosen = self._victim()
        if chosen:
            with contextlib.suppress(ProcessLookupError):
                os.kill(chosen[1], signal.SIGKILL)
                self.counts[f"killed: {chosen[0]}"] += 1

    def _freeze(self) -> None:
        chosen = self._victim()
        if chosen and chosen[1] not in self._frozen:
            with contextlib.suppress(ProcessLookupError):
                os.kill(chosen[1], signal.SIGSTOP)
                self._frozen[chosen[1]] = time.monotonic() + self.random.uniform(1.0, _LONGEST_FREEZE_SECONDS)
                self.counts[f"frozen: {chosen[0]}"] += 1

    def _wake(self, now: float) -> None:
        for pid in [pid for pid, until in self._frozen.items() if until <= now]:
            self._continue(pid)

    def _continue(self, pid: int) -> None:
        del self._frozen[pid]
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)

    def _flush(self) -> None:
        client = redis.Redis.from_url(self.lab.env["REDIS_URL"], socket_timeout=2)
        client.flushall()
        client.close()
        self.counts["Redis flushed"] += 1

"""One run from its first process to its report."""

import json
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from random import Random

from config.bootstrap import ROOT
from config.chaos import bank, judge, report, world
from config.chaos.books import Books
from config.chaos.desk import Desk
from config.chaos.lab import Lab, Process
from config.chaos.monkey import Monkey
from config.chaos.options import Mode, Options, Redis
from config.chaos.report import Facts

SEEN = "seen.jsonl"
_TICK_SECONDS, _TELL_SECONDS = 0.1, 10.0
_STORM_SECONDS_A_PAYOUT, _LEAST_STORM_SECONDS = 0.6, 600.0
_HEAL_SECONDS_A_PAYOUT, _LEAST_HEAL_SECONDS = 0.6, 300.0
_ENDS = ("SUCCEEDED", "FAILED", "RETURNED", "STOPPED", "CANCELLED")
_RACERS = 3
_NEARLY = 0.99  # of the payouts; the last ones may be waiting for their next inquiry
# One bulk payout of a bank account is sent at a time, so these are the numbers of accounts.
_AT_ONCE, _AT_ONCE_IN_RACES = 3, 12


@dataclass
class Run:
    """The steps of a run, in order."""

    options: Options
    say: Callable[[str], None]
    lab: Lab = field(init=False)
    notes: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    rate: float = 0.0

    def run(self) -> Facts:
        """Run it all and return what came out. Raises config.chaos.LabError when the lab itself fails."""
        self.lab = Lab(self.options, self.say)
        began = datetime.now(UTC)
        try:
            self._timed("Preparing", self._prepare)
            monkey = Monkey(self.lab, Random(self.options.seed))  # noqa: S311 - a storm that can be repeated
            self._timed("Storm", lambda: self._storm(monkey))
            self._timed("Healing", self._heal)
            if self.options.mode is Mode.RETURNS:
                self._timed("Paying again", self._pay_again)
            return self._facts(began, monkey)
        finally:
            self.lab.end()

    def _timed(self, what: str, step: Callable[[], None]) -> None:
        self.say(f"{what} …")
        started = time.monotonic()
        step()
        self.seconds[what] = time.monotonic() - started

    # --- steps

    def _prepare(self) -> None:
        options = self.options
        self.lab.begin()
        build = options.mode is not Mode.APPROVALS
        plan = world.Plan(
            payouts=options.payouts if build else 0,
            partners=options.partners,
            bulks=options.bulks,
            seed=options.seed,
            build=build,
            prepared=options.prepared,
            bank_accounts=_AT_ONCE if build else _AT_ONCE_IN_RACES,
        )
        world.write_plan(self.lab.kept, plan)
        self.lab.run("-m", "config.chaos.world", "make", str(self.lab.kept))
        self.lab.start_product(options.points())
        if options.redis is Redis.SILENT:
            self.lab.freeze_redis(frozen=True)

    def _storm(self, monkey: Monkey) -> None:
        chances = Random(self.options.seed)  # noqa: S311 - the same returns every time
        numbers = [number for _bank, number, _holder in self._accounts().values()]
        self.lab.bank.misbehave(
            bank.script(self.options, [(one, bank.return_seconds(chances.random())) for one in numbers]),
            self.options.seed,
        )
        if self.options.mode is Mode.APPROVALS:
            self._race(monkey)
        else:
            self._dispatch(monkey)
        monkey.finish()

    def _dispatch(self, monkey: Monkey) -> None:
        """Let bulk payouts through as the kills go on, so that every kill meets work."""
        desk = self._open_desk()
        started, told = time.monotonic(), 0.0
        limit = max(_LEAST_STORM_SECONDS, self.options.payouts * _STORM_SECONDS_A_PAYOUT)
        limit = limit if self.options.minutes is None else self.options.minutes * 60
        try:
            while (elapsed := time.monotonic() - started) < limit:
                kills = monkey.kills
                killed = min(1.0, kills / self.options.kills) if self.options.kills else 1.0
                desk.allowed = max(_AT_ONCE, int(killed * self.options.bulks) + 1)
                statuses = self.lab.books.statuses()
                ended = sum(statuses.get(status, 0) for status in _ENDS)
                self.rate = ended / elapsed if elapsed else 0.0
                if ended >= self.options.payouts * _NEARLY and killed >= 1.0:
                    return
                if elapsed - told > _TELL_SECONDS:
                    told = elapsed
                    self.say(f"  {elapsed:,.0f} s: {ended:,} of {self.options.payouts:,} ended, {kills} killed")
                # Restarts and cuts are spread over the work, and over the time when that is limited.
                passed = 0.0 if self.options.minutes is None else elapsed / limit
                monkey.tick(min(1.0, max(passed, ended / self.options.payouts)))
                self.lab.revive()
                time.sleep(_TICK_SECONDS)
            desk.allowed = self.options.bulks
            self.notes.append(f"The storm was ended after {limit:,.0f} s, with the rest left to healing.")
        finally:
            desk.close()

    def _race(self, monkey: Monkey) -> None:
        """Let people race each other while the product is shaken."""
        folder, parts = str(self.lab.kept), str(_RACERS)
        racers = [
            self.lab.start_helper("-m", "config.chaos.races", "race", folder, str(part), parts)
            for part in range(_RACERS)
        ]
        started = time.monotonic()
        told = 0.0
        while any(one.alive() for one in racers):
            rounds = len(self.lab.books.bulks())
            monkey.tick(rounds / self.options.payouts)
            self.lab.revive()
            elapsed = time.monotonic() - started
            if elapsed - told > _TELL_SECONDS:
                told = elapsed
                self.say(f"  {elapsed:,.0f} s: {rounds:,} of {self.options.payouts:,} rounds, {monkey.kills} killed")
            time.sleep(_TICK_SECONDS)
        for one in racers:
            self.lab.check_helper(one)

    def _heal(self) -> None:
        """End every fault, run everything from clean, and wait until nothing is open."""
        lab = self.lab
        lab.stop_product()
        lab.bank.behave()
        if self.options.redis is Redis.SILENT:
            lab.freeze_redis(frozen=False)
        lab.start_product()
        settle: Process | None = None
        if self.options.mode is Mode.APPROVALS:
            settle = lab.start_helper("-m", "config.chaos.races", "settle", str(lab.kept))
        desk = None if settle else self._open_desk(everything=True)
        try:
            self._wait_until_closed(settle)
        finally:
            if desk:
                desk.close()

    def _wait_until_closed(self, settle: Process | None = None, *, returns: bool = True) -> None:
        """Wait until nothing is open here and nothing can come back any more; what never closes is for the judge."""
        patience = max(_LEAST_HEAL_SECONDS, self.options.payouts * _HEAL_SECONDS_A_PAYOUT)
        started = time.monotonic()
        quiet = bank.longest_return(self.options) + 2 if returns else 2
        closed_since: float | None = None
        told = 0.0
        while (elapsed := time.monotonic() - started) < patience + quiet:
            self.lab.revive()
            waiting = self._open_things()
            if waiting and elapsed - told > _TELL_SECONDS:
                told = elapsed
                self.say(f"  {elapsed:,.0f} s: {len(waiting):,} open, such as {waiting[:3]}")
            if waiting or (settle and settle.alive()):
                closed_since = None
            elif closed_since is None:
                closed_since = elapsed
            elif elapsed - closed_since > quiet and not self._unread_returns():
                break
            time.sleep(0.5)
        else:
            left = self._open_things()
            self.notes.append(
                f"**Healing ended after {patience:,.0f} s with {len(left):,} things open**, such as {left[:3]}."
            )
        if settle:
            self.lab.check_helper(settle)

    def _open_things(self) -> list[str]:
        books = self.lab.books
        unsent = [] if self.options.mode is Mode.APPROVALS else [row[1] for row in books.bulks() if row[2] in _BEFORE]
        return [*books.open_payouts(), *books.unfinished_bulks(), *unsent]

    def _unread_returns(self) -> bool:
        """Say whether the bank sent something back that is not in the books yet."""
        returned = sum(one.returned for one in self.lab.bank.witness())
        return returned != int(
            self.lab.books.ask("select count(*) from payouts_attempt where state = 'RETURNED'")[0][0]
        )

    def _pay_again(self) -> None:
        """Pay what came back a second time, with a bank that behaves."""
        first = self._judged()
        bad = sum(len(verdict.found) for verdict in first)
        self.notes.append(f"Before paying again, the judge found {bad:,} things wrong.")
        self.lab.run("-m", "config.chaos.world", "again", str(self.lab.kept))
        desk = self._open_desk(everything=True)
        try:
            self._wait_until_closed(returns=False)
        finally:
            desk.close()

    # --- what came out

    def _open_desk(self, *, everything: bool = False) -> Desk:
        lab = self.lab
        books = Books(lab.postgres.connection_string("reader"))
        desk = Desk(lab.env["PUBLIC_URL"], books, lab.secrets["users"], lab.kept / SEEN)
        desk.allowed = 1_000_000 if everything else 0
        desk.start()
        return desk

    def _accounts(self) -> dict[str, list[str]]:
        known: dict[str, list[str]] = json.loads((self.lab.kept / world.ACCOUNTS).read_text(encoding="utf-8"))
        return known

    def _judged(self) -> list[judge.Verdict]:
        seen = judge.read_seen(self.lab.kept / SEEN, self._accounts())
        return judge.judge(self.lab.books.connection(), self.lab.bank.witness(), seen)

    def _facts(self, began: datetime, monkey: Monkey) -> Facts:
        witness = self.lab.bank.witness()
        return Facts(
            options=self.options,
            version=product_version(),
            began=began,
            seconds=self.seconds,
            injected={what: count for what, count in monkey.counts.items() if count},
            struck=self.lab.killed_at_points(),
            fired=self.lab.bank.fired,
            restarted=self.lab.revived,
            ends=self.lab.books.statuses(),
            executed=len(witness),
            came_back=sum(one.returned for one in witness),
            rate=self.rate,
            notes=self.notes,
            verdicts=self._judged(),
        )


_BEFORE = ("PREPARED", "PENDING_APPROVAL")


def product_version() -> str:
    """Return the commit of this checkout, or that there is none."""
    found = subprocess.run(
        ["git", "-C", str(ROOT), "describe", "--always", "--dirty"],  # noqa: S607 - whichever git there is
        capture_output=True,
        text=True,
        check=False,
    )
    return found.stdout.strip() or f"without git, Django {version('django')}"


def run(options: Options, say: Callable[[str], None]) -> Facts:
    """Run the lab once and write the report, the run's folder included when it is kept."""
    facts = Run(options, say).run()
    report.write(facts, options.report_file)
    if options.keep:
        report.write(facts, Path(options.keep) / "report.md")
    return facts

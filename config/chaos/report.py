"""The report of a run, in Markdown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from config.chaos.judge import Verdict
from config.chaos.options import Mode, Options

_MOST_SHOWN = 20
_ABOUT = {
    Mode.DISPATCH: "일괄지급을 만들고, 승인하고, 보내는 동안의 장애",
    Mode.RETURNS: "성공한 뒤 1분에서 60일(시뮬레이션) 사이에 돌아온 이체",
    Mode.APPROVALS: "승인과 동시에 일어난 수정, 취소, 계좌 변경, 두 번째 승인",
}


@dataclass
class Facts:
    """What is known about a run when it has ended."""

    options: Options
    version: str
    began: datetime
    seconds: Mapping[str, float] = field(default_factory=dict)
    injected: Mapping[str, int] = field(default_factory=dict)
    struck: Mapping[str, int] = field(default_factory=dict)
    fired: Mapping[str, int] = field(default_factory=dict)
    restarted: Mapping[str, int] = field(default_factory=dict)
    ends: Mapping[str, int] = field(default_factory=dict)
    executed: int = 0
    came_back: int = 0
    rate: float = 0.0
    notes: Sequence[str] = ()
    verdicts: Sequence[Verdict] = ()

    @property
    def kills(self) -> int:
        """How many processes were killed."""
        by_hand = sum(count for what, count in self.injected.items() if what.startswith("killed"))
        return by_hand + sum(count for what, count in self.struck.items() if what.startswith("kill"))

    @property
    def passed(self) -> bool:
        """Whether the judge found nothing."""
        return bool(self.verdicts) and not any(verdict.found for verdict in self.verdicts)


def _table(head: tuple[str, str], rows: Mapping[str, int]) -> list[str]:
    if not rows:
        return []
    lines = [f"| {head[0]} | {head[1]} |", "|---|---:|"]
    return [*lines, *(f"| {name} | {count:,} |" for name, count in sorted(rows.items())), ""]


def markdown(facts: Facts) -> str:
    """Return the report."""
    options = facts.options
    good = sum(not verdict.found for verdict in facts.verdicts)
    lines = [
        "# 혼돈 시험 보고서",
        "",
        f"{_ABOUT[options.mode]}. **{'통과' if facts.passed else '실패'}**: {good} of {len(facts.verdicts)} questions.",
        "",
        "```",
        options.command,
        "```",
        "",
        f"- Version `{facts.version}`, begun {facts.began:%Y-%m-%d %H:%M} UTC, seed {options.seed}",
        *(f"- {what}: {seconds:,.1f} s" for what, seconds in facts.seconds.items()),
        f"- Processes killed: {facts.kills:,}",
        f"- Transfers executed by the bank: {facts.executed:,}, of which came back: {facts.came_back:,}",
        f"- Payouts brought to an end during the storm: {facts.rate:,.1f} per second",
        *(f"- {note}" for note in facts.notes),
        "",
        "## What the judge asked",
        "",
        "| Question | Answer |",
        "|---|---|",
        *(f"| {v.question} | {'yes' if not v.found else f'**no, {len(v.found):,} times**'} |" for v in facts.verdicts),
        "",
    ]
    for verdict in facts.verdicts:
        if verdict.found:
            lines += [f"### Not so: {verdict.question}", ""]
            lines += [f"- {one}" for one in verdict.found[:_MOST_SHOWN]]
            rest = len(verdict.found) - _MOST_SHOWN
            lines += ([f"- … and {rest:,} more"] if rest > 0 else []) + [""]
    lines += ["## What was done to it", ""]
    lines += _table(("By the lab", "times"), facts.injected)
    lines += _table(("At a named point of the code", "times"), facts.struck)
    lines += _table(("By the bank", "times"), facts.fired)
    lines += _table(("Started again", "times"), facts.restarted)
    lines += ["## How the payouts ended", "", *_table(("Status", "payouts"), facts.ends)]
    return "\n".join(lines).rstrip() + "\n"


def write(facts: Facts, path: Path) -> None:
    """Write the report to a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(markdown(facts), encoding="utf-8")

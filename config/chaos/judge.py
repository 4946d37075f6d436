"""
The judge: what the bank executed, against the payouts, against the ledger.

It reads with its own connection and statements, and asks nothing of the code that made the rows. The questions stand in
`config/sql/chaos_checks.sql`; to them come the invariants of the books.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from psycopg2 import extensions
from psycopg2.extras import execute_values

from config.chaos.bank import Witness
from core.sql import load

Seen = tuple[str, str, int, str, str, str]
_CHECK = re.compile(r"^-- check: (.+)$", re.MULTILINE)
_INVARIANTS = "every stored balance equals its entries, every journal balances, day totals are right"


@dataclass(frozen=True, slots=True)
class Verdict:
    """One question, and what was found to be wrong; empty is good."""

    question: str
    found: Sequence[str]


def checks() -> dict[str, str]:
    """Return the questions with their statements."""
    parts = _CHECK.split(load("config", "chaos_checks"))
    return {question.strip(): statement for question, statement in zip(parts[1::2], parts[2::2], strict=True)}


def judge(connection: extensions.connection, witness: Sequence[Witness], seen: Iterable[Seen]) -> list[Verdict]:
    """Ask everything. The connection may be the reader's; only temporary tables of its own are written."""
    _lay_out(connection, witness, seen)
    verdicts = []
    with connection.cursor() as cursor:
        for question, statement in checks().items():
            cursor.execute(statement)
            verdicts.append(Verdict(question, [str(row[0]) for row in cursor.fetchall()]))
        cursor.execute(load("ledger", "invariants"))
        verdicts.append(Verdict(_INVARIANTS, [f"{what}: {where}" for what, where in cursor.fetchall()]))
    return verdicts


def _lay_out(connection: extensions.connection, witness: Sequence[Witness], seen: Iterable[Seen]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("drop table if exists chaos_witness, chaos_seen")
        cursor.execute(
            "create temporary table chaos_witness (sequence int, reference text, day date, amount bigint, bank text,"
            " account text, holder text, returned boolean)"
        )
        cursor.execute(
            "create temporary table chaos_seen"
            " (hash text, payout text, amount bigint, bank text, account text, holder text)"
        )
        told = [
            (one.sequence, one.reference, one.day, one.amount, one.bank, one.account, one.holder, one.returned)
            for one in witness
        ]
        if told:
            execute_values(cursor, "insert into chaos_witness values %s", told)
        if looked := list(seen):
            execute_values(cursor, "insert into chaos_seen values %s", looked)
        cursor.execute("create index on chaos_witness (reference)")
        cursor.execute("create index on chaos_seen (hash, payout)")
        cursor.execute("analyze chaos_witness")
        cursor.execute("analyze chaos_seen")


def read_seen(path: Path, accounts: Mapping[str, Sequence[str]]) -> list[Seen]:
    """Return what approvers saw; where they saw only whose account it is, the number comes from `accounts`."""
    if not path.exists():
        return []
    rows = []
    for line in path.read_text(encoding="utf-8").splitlines():
        hash_, payout, amount, bank, account, holder = json.loads(line)
        if account.startswith("partner:"):
            account = accounts[account.removeprefix("partner:")][1]
        rows.append((hash_, payout, amount, bank, account, holder))
    return sorted(set(rows))

"""Protects the chaos lab: a short run of it finds nothing, and the judge finds every kind of damage that is planted."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg2
import pytest
from django.conf import settings
from django.db import connections
from psycopg2 import extensions

from config import environment
from config.bootstrap import ROOT
from config.chaos import judge
from config.chaos.bank import Bank, Witness, script
from config.chaos.options import Mode, Options
from config.chaos.report import Facts, markdown
from core import clock, faultpoints
from payouts import queries
from payouts.models import BulkPayout
from payouts.rails.simulator.faults import Faults
from settlement.models import PartnerSettlement, PartnerType
from settlement.operations import holding
from tests.payouts.world import MAKER, World, later, world

_LONGEST_SECONDS = 900


def run_the_lab(report: Path, *arguments: str) -> str:
    """Run the command as a person would, on servers of its own; return the report, which must find nothing."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_"))}
    done = subprocess.run(
        [sys.executable, "manage.py", "chaos", "--report", str(report), *arguments],
        cwd=ROOT,
        env=inherited,
        capture_output=True,
        text=True,
        timeout=_LONGEST_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return report.read_text(encoding="utf-8")


def figure(report: str, name: str) -> int:
    """Return a figure of one of the report's tables or lines, 0 where it is not there."""
    found = re.search(rf"^(?:\| {name} \||- {name}:) ([0-9,]+)", report, re.MULTILINE)
    return int(found[1].replace(",", "")) if found else 0


class TestShortRuns:
    def test_150_payouts_through_10_kills_lost_answers_and_a_power_cut(self, tmp_path: Path) -> None:
        storm = ("--payouts", "150", "--kills", "10", "--lost", "0.05", "--redis", "flush", "--restarts", "1")
        report = run_the_lab(tmp_path / "report.md", *storm, "--prepared", "--cuts", "4")

        assert figure(report, "Processes killed") >= 10
        assert figure(report, "PostgreSQL restarted") == 1
        assert figure(report, "Redis flushed") > 0
        assert figure(report, "transfer timeout_after") + figure(report, "transfer reset_after") > 0
        ends = [figure(report, status) for status in ("SUCCEEDED", "FAILED", "RETURNED")]
        assert sum(ends) == 150, "everything ended, and nothing was stopped or cancelled"
        assert ends[0] > 120

    def test_without_redis_the_sweep_alone_brings_everything_to_an_end(self, tmp_path: Path) -> None:
        storm = ("--payouts", "60", "--kills", "3", "--redis", "stop", "--restarts", "0", "--cuts", "0")
        report = run_the_lab(tmp_path / "report.md", *storm, "--prepared")

        assert sum(figure(report, status) for status in ("SUCCEEDED", "FAILED", "RETURNED")) == 60
        assert "worker" not in report.partition("## How the payouts ended")[0].partition("## What was done")[2]


# --- the judge


@contextmanager
def as_owner() -> Iterator[extensions.connection]:
    """Connect as the role that owns the tables, the only one that can break the laws on purpose."""
    owner = environment.database(settings.DATABASE_OWNER_URL)
    name = connections.settings["default"]["NAME"]
    address = {"host": owner["HOST"], "port": owner["PORT"], "user": owner["USER"], "password": owner["PASSWORD"]}
    with closing(psycopg2.connect(dbname=name, **address)) as connection:
        yield connection


class Case:
    """A world in which one payout succeeded, one failed and was paid again, and one came back."""

    def __init__(self, here: World) -> None:
        self.here = here
        for name in ("acme", "beta", "gamma"):
            here.partner(name, kind=PartnerType.WHT_PAYER)
        here.owe("acme", 100_000)
        self._pay()
        here.owe("beta", 200_000)
        here.bank.faults({"match": {}, "effect": "fail", "code": "412"})
        self._pay()
        here.bank.faults()
        failed = PartnerSettlement.objects.within(here.scope).filter(partner__public_id="beta")
        ids = list(failed.values_list("public_id", flat=True))
        holding.prepare(scope=here.scope, by=MAKER, now=clock.now(), public_ids=ids)
        self._pay(list(failed.values_list("pk", flat=True)))
        here.owe("gamma", 300_000)
        here.bank.faults({"match": {}, "effect": "return_after", "seconds": 0})
        self._pay()
        here.bank.faults()
        self._read_returns()
        self.bank = Bank(f"http://127.0.0.1:{here.bank.port}")
        self.witness = self.bank.witness()
        self.seen = self._seen()

    def _pay(self, ids: list[int] | None = None) -> None:
        chosen = ids or list(
            PartnerSettlement.objects.within(self.here.scope).filter(claims=None).values_list("pk", flat=True)
        )
        self.here.approve(self.here.submit(self.here.build(chosen)))
        self.here.send()

    def _read_returns(self) -> None:
        from core import jobs
        from payouts.models import Attempt

        for _try in range(100):
            jobs.run_sweeper("payouts.statements")
            if Attempt.objects.filter(state="RETURNED").exists():
                return
            later(3_600)
            self.here.account.refresh_from_db()
            type(self.here.account).objects.update(statement_checked_at=None)
        pytest.fail("the money that came back was never seen on a statement")

    def _seen(self) -> list[judge.Seen]:
        rows: list[judge.Seen] = []
        for bulk in BulkPayout.objects.within(self.here.scope):
            rows += [
                (
                    bulk.content_hash,
                    row.public_id,
                    row.amount,
                    row.bank,
                    queries.account_number(row),
                    row.account_holder,
                )
                for row in queries.payouts_of(bulk)
            ]
        return rows

    def broken(
        self, statement: str = "", *, witness: list[Witness] | None = None, seen: list[judge.Seen] | None = None
    ) -> set[str]:
        """Plant a damage, let the judge look, take the damage back; return the questions with a bad answer."""
        with as_owner() as connection:
            with connection.cursor() as cursor:
                for table in _TABLES if statement else ():
                    cursor.execute(f"alter table {table} disable trigger user")
                if statement:
                    cursor.execute(statement.replace(":acme", _ACME))
            verdicts = judge.judge(
                connection,
                self.witness if witness is None else witness,
                self.seen if seen is None else seen,
            )
            connection.rollback()
        return {verdict.question for verdict in verdicts if verdict.found}


_TABLES = (
    *("payouts_payout", "payouts_attempt", "payouts_approval", "payouts_bulkpayout", "settlement_claimrelease"),
    *("settlement_partnersettlement", "ledger_entry", "ledger_balance"),
)
_ACME = (
    "(select p.id from payouts_payout p join settlement_partner r on r.id = p.partner_id"
    " where r.public_id = 'acme' order by p.id limit 1)"
)


def _executed(case: Case, reference: str) -> list[Witness]:
    """Return the witness list with one more transfer."""
    (first, *_rest) = case.witness
    return [
        *case.witness,
        Witness(99, reference, first.day, first.amount, first.bank, first.account, first.holder, returned=False),
    ]


_SECOND_ATTEMPT = (
    "insert into payouts_attempt (payout_id, attempt_no, rail, reference, reference_date, amount, state, due_at, fence,"
    " claimed_by, submission_no, inquiries, will_retry, bank_code, bank_message, bank_reference)"
    " select payout_id, 9, rail, 'SECOND', reference_date, amount, 'FAILED', due_at, 1, '', 1, 0, false, '', '', ''"
    " from payouts_attempt where payout_id = :acme"
)


def _failed_reference() -> str:
    from payouts.models import Attempt

    return Attempt.objects.get(state="FAILED").reference


Damage = Callable[[Case], set[str]]
DAMAGES: dict[str, Damage] = {
    "no payout was paid twice": lambda case: case.broken(_SECOND_ATTEMPT, witness=_executed(case, "SECOND")),
    "no partner settlement was paid twice": lambda case: case.broken(witness=_executed(case, _failed_reference())),
    "no payout was lost: whatever was approved has ended": lambda case: case.broken(
        "update payouts_payout set status = 'PREPARED' where id = :acme"
    ),
    "everything the bank executed is known here": lambda case: case.broken(witness=_executed(case, "STRANGER")),
    "what the bank executed succeeded here, and what it sent back came back": lambda case: case.broken(
        "update payouts_attempt set state = 'UNKNOWN' where payout_id = :acme"
    ),
    "what succeeded here was executed at the bank": lambda case: case.broken(witness=case.witness[1:]),
    "amount and destination at the bank are those of the payout": lambda case: case.broken(
        "update payouts_payout set account_last4 = '0000' where id = :acme"
    ),
    "nothing was paid without the approvals it needed": lambda case: case.broken("delete from payouts_approval"),
    "nothing was paid that no approver had seen": lambda case: case.broken(seen=[]),
    "the trial balance is zero": lambda case: case.broken(
        "update ledger_entry set amount = amount + 1 where (journal_id, leg_no) in"
        " (select journal_id, leg_no from ledger_entry order by journal_id limit 1)"
    ),
    "money in transit is what the bank has not answered for": lambda case: case.broken(
        "update ledger_entry e set amount = amount - 1 from ledger_account a"
        " where a.id = e.account_id and a.code = 2120 and e.amount < 0"
    ),
    "the journals of every payout match how it ended, withheld tax included": lambda case: case.broken(
        "update payouts_payout set status = 'FAILED' where id = :acme"
    ),
    "claims are released exactly where the payout ended unpaid": lambda case: case.broken(
        "delete from settlement_claimrelease where (partner_settlement_id, claim_no) in (select partner_settlement_id,"
        " max(claim_no) from settlement_claimrelease group by 1 order by 1 desc limit 1)"
    ),
    "money that came back is held until somebody decides": lambda case: case.broken(
        "update settlement_partnersettlement set hold_reason = '' where hold_reason <> ''"
    ),
    "held money in the books is the held partner settlements": lambda case: case.broken(
        "update settlement_partnersettlement set credit_total = credit_total + 1, net = net + 1,"
        " settlement = settlement + 1 where hold_reason <> ''"
    ),
    "what came back and was freed was paid again, once": lambda case: case.broken(
        "update settlement_partnersettlement set state_claim_no = 1 where hold_reason <> ''"
    ),
    "every stored balance equals its entries, every journal balances, day totals are right": lambda case: case.broken(
        "update ledger_balance set balance = balance - 1 where side = -1"
    ),
}


def test_the_judge_finds_every_kind_of_damage(committed_db: str, tmp_path: Path) -> None:  # noqa: ARG001 - its world
    with world(tmp_path) as here:
        case = Case(here)
        assert len(case.witness) == 3
        assert sum(one.returned for one in case.witness) == 1
        assert case.broken() == set(), "a sound world is judged sound"
        missed = {question: found for question, plant in DAMAGES.items() if question not in (found := plant(case))}
        assert missed == {}
        with as_owner() as connection:
            asked = {verdict.question for verdict in judge.judge(connection, case.witness, case.seen)}
        assert asked == set(DAMAGES), "every question of the judge has a damage that it finds"


class TestOptionsAndReport:
    @pytest.mark.parametrize("mode", list(Mode))
    def test_the_simulator_takes_the_script(self, mode: Mode) -> None:
        faults = Faults()
        rules = script(Options(mode=mode), [("110123456789", 3_600.0)])
        faults.replace({"seed": 7, "rules": rules})
        assert len(faults.rules) == len(rules) > 5

    def test_the_named_points_are_all_in_the_code(self) -> None:
        source = "".join(path.read_text() for path in (ROOT / "payouts" / "operations").glob("*.py"))
        reached = set(re.findall(r'faultpoints\.reached\("([a-z_.]+)"\)', source))
        assert set(faultpoints.parse(Options(kills=10).points())) == reached

    def test_the_report_names_what_is_wrong_and_how_to_see_it_again(self) -> None:
        facts = Facts(
            options=Options(payouts=5, seed=3),
            version="abc",
            began=clock.now(),
            verdicts=[judge.Verdict("no payout was paid twice", ["payout po-1 by A, B"]), judge.Verdict("else", [])],
        )
        said = markdown(facts)
        assert not facts.passed
        assert "payout po-1 by A, B" in said
        assert "manage.py chaos --payouts 5 --seed 3" in said

    def test_a_run_without_verdicts_has_not_passed(self) -> None:
        assert not Facts(options=Options(), version="", began=clock.now()).passed


class TestFaultPoints:
    def test_nothing_happens_unless_a_point_is_named(self) -> None:
        assert dict(faultpoints.parse("")) == {}
        faultpoints.reached("dispatch.claimed")

    @pytest.mark.parametrize("text", ["dispatch.claimed", "a=kill", "a=explode@1", "a=kill@x"])
    def test_what_is_not_understood_is_refused(self, text: str) -> None:
        with pytest.raises(ValueError, match="CHAOS_POINTS"):
            faultpoints.parse(text)

    def test_a_named_point_ends_the_process_and_leaves_a_line(self, tmp_path: Path) -> None:
        log = tmp_path / "struck.jsonl"
        code = (
            "from core import faultpoints as f; f.reached('other'); print('still here', flush=True);"
            " f.reached('here'); print('no', flush=True)"
        )
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env={**os.environ, "CHAOS_POINTS": "here=kill@1,stall=freeze:0.1@1", "CHAOS_LOG": str(log)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stdout) == (-9, "still here\n")
        assert '"point": "here", "act": "kill"' in log.read_text()

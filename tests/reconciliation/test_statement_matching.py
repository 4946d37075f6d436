"""Promise: a bank statement moves money only where everything agrees; the rest is listed until books and bank agree."""

import csv
import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from access import sealed
from core import clock, jobs
from core.actor import Actor, ActorKind
from core.errors import Conflict, InvalidRequest, NotFound
from core.scope import Scope
from ledger import queries as books
from ledger.accounts import Address
from ledger.chart import Code
from ledger.models import Journal
from ledger.posting import refused_by
from payouts.models import Attempt, AttemptState, BankAccount, DispatchStop, PayoutStatus
from payouts.operations import funds
from payouts.rails.simulator.statements import ACCOUNT, CSV_COLUMNS
from reconciliation import statement_queries as queries
from reconciliation.models import How, Statement, StatementLine, StatementMatch
from reconciliation.operations import statement_desk as desk
from reconciliation.operations import statement_matching as matching
from reconciliation.operations import statements
from reconciliation.statements import allowances
from reconciliation.statements.judging import Open, Verdict
from settlement.models import PartnerType
from tests.payouts.world import CHECKER, MAKER, World, world

OTHER = Actor(ActorKind.USER, "other", user_id=999)


@pytest.fixture
def here(committed_db: str, tmp_path: Path) -> Iterator[World]:  # noqa: ARG001 - the world lives in it
    with world(tmp_path) as made:
        place = f"{made.scope.merchant_id}/live/main"
        number = sealed.seal(ACCOUNT, table="payouts_bankaccount", column="number", row=place)
        BankAccount.objects.filter(pk=made.account.pk).update(number_sealed=number)
        made.account.refresh_from_db()
        made.partner("acme", kind=PartnerType.WHT_PAYER)
        yield made
        assert books.broken_invariants() == []
        assert sum(row.balance for row in books.trial_balance(made.scope)) == 0


def pay(here: World, amount: int = 1_000_000, partner: str = "acme") -> Attempt:
    here.owe(partner, amount)
    here.approved()
    here.send()
    return Attempt.objects.latest("pk")


def rows(here: World) -> list[dict[str, str]]:
    """Return the bank's own statement of today."""
    today = clock.today()
    body = here.bank.call("GET", f"/v1/statements?from={today}&to={today}&format=csv")[1]
    return list(csv.DictReader(io.StringIO(body.decode())))


def sheet(*lines: dict[str, str]) -> bytes:
    """Write lines as the bank does; the balance is left out unless a line says it."""
    text = io.StringIO()
    writer = csv.DictWriter(text, CSV_COLUMNS, restval="")
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue().encode()


def said(
    amount: int, kind: str = "DEPOSIT", *, sequence: int = 1, day: date | None = None, **cells: str
) -> dict[str, str]:
    """Return a line that somebody else wrote."""
    on = str(day or clock.today())
    usual = {
        "date": on,
        "sequence": str(sequence),
        "booked_at": f"{on}T12:00:00+09:00",
        "kind": kind,
        "currency": "KRW",
    }
    return {**usual, "amount": str(amount), "bank_reference": f"X{sequence}", **cells}


def load(here: World, body: bytes, *, by: Actor = MAKER, name: str = "statement.csv") -> Statement:
    kept = statements.receive(
        scope=here.scope, bank_account_id="main", name=name, body=body, mapping=None, by=by, now=clock.now()
    )
    confirmed = statements.confirm(scope=here.scope, statement_id=kept.public_id, by=by, now=clock.now())
    while jobs.run_due_jobs():
        pass
    return confirmed


def the_line(statement: Statement, number: int = 1) -> StatementLine:
    """Return a line by its place in the file."""
    return queries.line(statement.scope, statement.lines.order_by("row")[number - 1].pk)


def bank(here: World) -> int:
    return books.balance(here.scope, Address(Code.BANK, "main"))


def suspense(here: World) -> int:
    return books.balance(here.scope, Address(Code.SUSPENSE, "main"))


def act(here: World, verb: Any, line: StatementLine, by: Actor = MAKER, **more: Any) -> StatementLine:
    found = verb(scope=here.scope, line_id=line.pk, reason="은행과 확인", by=by, now=clock.now(), **more)
    assert isinstance(found, StatementLine)
    return found


class TestWhatAgrees:
    def test_the_banks_own_statement_explains_every_payout(self, here: World) -> None:
        pay(here)
        (line,) = rows(here)
        loaded = load(here, sheet(line))
        kept = the_line(loaded)
        assert (kept.left, kept.reason) == (0, "")
        match = StatementMatch.objects.get()
        assert (match.how, match.amount, match.journal.event_type) == (How.REFERENCE, -967_000, "payout.succeeded")
        assert [one.event for one in queries.open_entries(here.account)] == ["funds.topped_up"]

    @pytest.mark.parametrize("form", ["csv", "camt053"])
    def test_both_forms_of_the_bank_say_the_same(self, here: World, form: str) -> None:
        pay(here)
        today = clock.today()
        body = here.bank.call("GET", f"/v1/statements?from={today}&to={today}&format={form}")[1]
        loaded = load(here, body)
        assert (loaded.line_count, loaded.gaps, the_line(loaded).left) == (1, [], 0)

    def test_an_unclear_payout_is_settled_and_matched(self, here: World) -> None:
        here.owe("acme", 1_000_000)
        here.approved()
        here.bank.faults({"match": {"call": "transfer"}, "effect": "timeout_after", "count": 1})
        here.send()
        assert here.payout("acme").status == PayoutStatus.UNKNOWN
        (line,) = rows(here)
        body = sheet(line)
        kept = statements.receive(
            scope=here.scope, bank_account_id="main", name="a.csv", body=body, mapping=None, by=MAKER, now=clock.now()
        )
        assert statements.preview(kept).counts == {Verdict.DECIDES: (1, -967_000)}
        assert here.payout("acme").status == PayoutStatus.UNKNOWN

        loaded = load(here, body)

        assert here.payout("acme").status == PayoutStatus.SUCCEEDED
        assert the_line(loaded).left == 0
        assert here.bank.executed() == [Attempt.objects.get().reference]

    def test_money_that_comes_back_undoes_the_payment_once(self, here: World) -> None:
        paid = pay(here)
        back = said(967_000, "RETURN", sequence=2, reference=paid.reference, reference_date=str(paid.reference_date))
        loaded = load(here, sheet(*rows(here), back))
        assert here.payout("acme").status == PayoutStatus.RETURNED
        assert here.balance(Code.PARTNER_HELD) == 1_000_000
        assert [the_line(loaded, number).left for number in (1, 2)] == [0, 0]
        load(here, sheet(*rows(here), back, said(1, sequence=3)))
        assert here.balance(Code.PARTNER_HELD) == 1_000_000
        assert bank(here) == 1_000_000_001

    def test_what_the_bank_kept_of_a_return_is_a_fee(self, here: World) -> None:
        paid = pay(here)
        back = said(966_500, "RETURN", sequence=2, reference=paid.reference, reference_date=str(paid.reference_date))
        loaded = load(here, sheet(*rows(here), back))
        assert (here.payout("acme").status, the_line(loaded, 2).left) == (PayoutStatus.RETURNED, 0)
        assert books.balance(here.scope, Address(Code.BANK_FEE)) == 500

    def test_a_deposit_booked_under_the_banks_reference_is_that_deposit(self, here: World) -> None:
        funds.top_up(account=here.account, amount=7_000, on=clock.today(), reference="DEP-1", by=MAKER)
        loaded = load(here, sheet(said(7_000, reference="DEP-1")))
        assert (the_line(loaded).left, suspense(here)) == (0, 0)


class TestWhatDoesNot:
    """Each line differs in one thing from a payout of ours, and moves nothing."""

    @pytest.mark.parametrize(
        ("cells", "reason"),
        [
            ({"amount": "-967001"}, Open.AMOUNT),
            ({"amount": "-966999"}, Open.AMOUNT),
            ({"account_number": "99999999999999"}, Open.ACCOUNT),
            ({"bank": "IBK"}, Open.ACCOUNT),
            ({"reference_date": "2020-01-02"}, Open.DAY),
            ({"date": "2020-01-02", "booked_at": "2020-01-02T12:00:00+09:00"}, Open.DAY),
            ({"reference": "at-nobody"}, Open.UNKNOWN_REFERENCE),
            ({"reference": "", "reference_date": ""}, Open.CANDIDATES),
        ],
    )
    @pytest.mark.parametrize("answer", ["clear", "lost"])
    def test_is_left_to_people(self, here: World, cells: dict[str, str], reason: Open, answer: str) -> None:
        if answer == "lost":
            here.bank.faults({"match": {"call": "transfer"}, "effect": "timeout_after", "count": 1})
        pay(here)
        before = here.payout("acme").status
        (line,) = rows(here)
        loaded = load(here, sheet({**line, "balance_after": "", **cells}))
        kept = the_line(loaded)
        expected = Open.NO_REFERENCE if answer == "lost" and reason is Open.CANDIDATES else reason
        assert (kept.left, kept.reason) == (kept.amount, expected)
        assert here.payout("acme").status == before
        assert not StatementMatch.objects.exists()
        assert not DispatchStop.objects.exists()

    def test_a_second_debit_of_one_reference_stops_the_rail(self, here: World) -> None:
        pay(here)
        (line,) = rows(here)
        plain = {**line, "balance_after": ""}
        loaded = load(here, sheet(plain, {**plain, "sequence": "2", "bank_reference": "again"}))
        assert [the_line(loaded, number).reason for number in (1, 2)] == ["", Open.TWICE]
        assert DispatchStop.objects.get().facts["contradicting"] == [Attempt.objects.get().reference]

    def test_a_second_return_of_one_payout_is_nobodys(self, here: World) -> None:
        paid = pay(here)
        back = said(967_000, "RETURN", sequence=2, reference=paid.reference, reference_date=str(paid.reference_date))
        loaded = load(here, sheet(back, {**back, "sequence": "3", "bank_reference": "again"}))
        assert [the_line(loaded, number).reason for number in (1, 2)] == ["", Open.TWICE]
        assert here.balance(Code.PARTNER_HELD) == 1_000_000

    def test_money_that_left_although_it_counts_as_unpaid_stops_the_rail(self, here: World) -> None:
        here.owe("acme", 1_000_000)
        here.approved()
        here.bank.faults({"match": {"call": "transfer"}, "effect": "fail", "code": "815", "count": 1})
        here.send()
        attempt = Attempt.objects.latest("pk")
        assert attempt.state == AttemptState.FAILED
        line = said(-967_000, "TRANSFER", reference=attempt.reference, reference_date=str(attempt.reference_date))
        assert the_line(load(here, sheet(line))).reason == Open.UNPAID
        assert DispatchStop.objects.filter(ended_at=None).exists()

    def test_a_return_of_too_little_waits(self, here: World) -> None:
        paid = pay(here)
        back = said(900_000, "RETURN", reference=paid.reference, reference_date=str(paid.reference_date))
        assert the_line(load(here, sheet(back))).reason == Open.RETURN
        assert here.payout("acme").status == PayoutStatus.SUCCEEDED

    def test_a_gap_in_the_balance_stops_everything(self, here: World) -> None:
        pay(here)
        (line,) = rows(here)
        balance = int(line["balance_after"])
        loaded = load(here, sheet(line, said(500, sequence=2, balance_after=str(balance + 400))))
        assert loaded.gaps
        assert [the_line(loaded, number).reason for number in (1, 2)] == [Open.GAP, Open.GAP]
        assert (suspense(here), bank(here)) == (0, 1_000_000_000 - 967_000)


class TestTheSameAgain:
    def test_the_same_file_is_the_same_statement(self, here: World) -> None:
        pay(here)
        body = sheet(*rows(here))
        assert load(here, body).pk == load(here, body).pk
        assert StatementLine.objects.count() == 1

    def test_overlapping_files_keep_each_line_once(self, here: World) -> None:
        pay(here)
        first = load(here, sheet(*rows(here)))
        deposit = said(1_000, sequence=2)
        second = load(here, sheet(*rows(here), deposit, {**deposit, "sequence": "3"}))
        assert (first.line_count, second.line_count, second.repeats) == (1, 3, 1)
        assert StatementLine.objects.count() == 3
        third = load(here, sheet(deposit, {**deposit, "sequence": "3"}, {**deposit, "sequence": "4"}))
        assert (third.repeats, suspense(here)) == (2, 3_000)

    def test_matching_again_changes_nothing(self, here: World) -> None:
        pay(here)
        load(here, sheet(*rows(here), said(500, sequence=2), said(-300, "FEE", sequence=3)))
        before = list(StatementMatch.objects.values_list("pk", flat=True)), bank(here)
        matching.match_open(account=here.account, by=MAKER, now=clock.now())
        assert (list(StatementMatch.objects.values_list("pk", flat=True)), bank(here)) == before

    def test_a_discarded_file_can_come_again(self, here: World) -> None:
        body = sheet(said(500))
        kept = statements.receive(
            scope=here.scope, bank_account_id="main", name="a", body=body, mapping=None, by=MAKER, now=clock.now()
        )
        statements.discard(scope=here.scope, statement_id=kept.public_id, by=MAKER, now=clock.now())
        with pytest.raises(Conflict):
            statements.confirm(scope=here.scope, statement_id=kept.public_id, by=MAKER, now=clock.now())
        assert load(here, body).pk != kept.pk

    def test_two_who_confirm_at_once_keep_it_once(self, here: World) -> None:
        from tests.build import together

        body = sheet(said(500), said(700, sequence=2))
        kept = statements.receive(
            scope=here.scope, bank_account_id="main", name="a", body=body, mapping=None, by=MAKER, now=clock.now()
        )

        def confirm() -> str:
            done = statements.confirm(scope=here.scope, statement_id=kept.public_id, by=MAKER, now=clock.now())
            return done.state

        assert together([confirm] * 4) == ["CONFIRMED"] * 4
        together([lambda: matching.match_open(account=here.account, by=MAKER, now=clock.now())] * 4)
        assert (StatementLine.objects.count(), suspense(here)) == (2, 1_200)


class TestTheDesk:
    def test_money_nobody_expected_is_booked_and_then_somebodys(self, here: World) -> None:
        """The worked example of the chart: 50,000 come in, and were the operator's."""
        loaded = load(here, sheet(said(50_000)))
        line = the_line(loaded)
        assert (line.left, line.reason, suspense(here)) == (0, Open.SUSPENSE, 50_000)
        assert list(queries.to_attribute(here.scope)) == [line]
        for _twice in range(2):
            assert act(here, desk.top_up, line).reason == ""
        assert (suspense(here), bank(here)) == (0, 1_000_050_000)
        assert books.balance(here.scope, Address(Code.OPERATOR_FUNDS, "main")) == 1_000_050_000
        assert not queries.to_attribute(here.scope).exists()

    def test_taking_back_whose_money_it_was_reverses_both_journals(self, here: World) -> None:
        line = the_line(load(here, sheet(said(50_000))))
        act(here, desk.top_up, line)
        again = act(here, desk.unmatch, line)
        assert (again.left, again.reason) == (50_000, Open.RELEASED)
        assert (suspense(here), bank(here)) == (0, 1_000_000_000)
        matching.match_open(account=here.account, by=MAKER, now=clock.now())
        assert the_line(line.statement).left == 50_000
        act(here, desk.top_up, again)
        assert (suspense(here), bank(here)) == (0, 1_000_050_000)

    def test_the_fee_that_the_statement_shows_more(self, here: World) -> None:
        """The worked example of the chart: a fee of 500 where 300 was booked."""
        first = load(here, sheet(said(-300, "FEE")))
        assert the_line(first).reason == Open.FEE
        act(here, desk.book_fee, the_line(first))
        booked = act(here, desk.unmatch, the_line(first))
        assert booked.left == -300
        act(here, desk.book_fee, booked)
        assert books.balance(here.scope, Address(Code.BANK_FEE)) == 300
        assert bank(here) == 1_000_000_000 - 300

    def test_a_fee_beyond_the_usual_needs_somebody_else(self, here: World) -> None:
        line = the_line(load(here, sheet(said(-90_000, "FEE"))))
        with pytest.raises(desk.NeedsSecondPerson):
            act(here, desk.book_fee, line)
        with pytest.raises(desk.NeedsSecondPerson):
            act(here, desk.book_fee, line, by=OTHER)
        assert act(here, desk.book_fee, line, by=CHECKER, may_approve=True).left == 0

    def test_an_entry_is_matched_by_hand_and_the_rest_written_off(self, here: World) -> None:
        """The worked example of the chart: ten won more left the account than the payout was."""
        paid = pay(here)
        (line,) = rows(here)
        loaded = load(here, sheet({**line, "amount": "-967010", "balance_after": ""}))
        (entry,) = [one for one in queries.open_entries(here.account) if one.event == "payout.succeeded"]
        part = act(here, desk.match, the_line(loaded), legs=[(entry.journal_id, entry.leg_no)])
        assert (part.left, part.reason) == (-10, Open.PART)
        assert act(here, desk.write_off, part).left == 0
        assert books.balance(here.scope, Address(Code.RECONCILIATION_LOSS)) == 10
        assert paid.reference

    def test_more_than_ten_won_is_not_written_off_alone(self, here: World) -> None:
        line = the_line(load(here, sheet(said(-11, "OTHER"))))
        assert [allowances.tolerance(amount) for amount in (9_999, 10_000, -100_000, 10**9)] == [0, 1, 10, 10]
        with pytest.raises(desk.NeedsSecondPerson):
            act(here, desk.write_off, line)
        with pytest.raises(desk.NeedsSecondPerson):
            act(here, desk.write_off, line, may_approve=True)
        assert act(here, desk.write_off, line, by=OTHER, may_approve=True).left == 0

    def test_many_small_ones_of_a_day_need_somebody_else_too(self, here: World) -> None:
        entry_amount = 100_000
        lines = [said(-entry_amount - 10, "OTHER", sequence=number) for number in range(1, 12)]
        for number in range(1, 12):
            funds.top_up(
                account=here.account, amount=-entry_amount, on=clock.today(), reference=f"X-{number}", by=MAKER
            )
        loaded = load(here, sheet(*lines))
        entries = [one for one in queries.open_entries(here.account) if one.amount == -entry_amount]
        refused = 0
        for number, entry in enumerate(entries, 1):
            line = act(here, desk.match, the_line(loaded, number), legs=[(entry.journal_id, entry.leg_no)])
            try:
                act(here, desk.write_off, line)
            except desk.NeedsSecondPerson:
                refused += 1
        assert refused == 1

    def test_one_line_for_a_whole_file_is_suggested_and_matched(self, here: World) -> None:
        for place, amount in enumerate((1_000, 2_000, 4_000)):
            funds.top_up(account=here.account, amount=-amount, on=clock.today(), reference=f"X-{place}", by=MAKER)
        line = the_line(load(here, sheet(said(-7_000, "TRANSFER"))))
        assert line.reason == Open.NO_REFERENCE
        (suggestion,) = queries.suggestions(line)
        assert (suggestion.why, sorted(one.amount for one in suggestion.entries)) == ("sum", [-4_000, -2_000, -1_000])
        legs = [(one.journal_id, one.leg_no) for one in suggestion.entries]
        assert act(here, desk.match, line, legs=legs).left == 0

    def test_an_entry_explains_no_more_than_itself(self, here: World) -> None:
        funds.top_up(account=here.account, amount=-1_000, on=clock.today(), reference="X", by=MAKER)
        loaded = load(here, sheet(said(-1_000, "OTHER"), said(-1_000, "OTHER", sequence=2)))
        (entry,) = [one for one in queries.open_entries(here.account) if one.amount == -1_000]
        act(here, desk.match, the_line(loaded, 1), legs=[(entry.journal_id, entry.leg_no)])
        with pytest.raises(Conflict):
            act(here, desk.match, the_line(loaded, 2), legs=[(entry.journal_id, entry.leg_no)])

    def test_a_deposit_that_was_a_payout_coming_back(self, here: World) -> None:
        """The bank only said 입금; a person who did not confirm the statement says which payout it is."""
        pay(here)
        loaded = load(here, sheet(*rows(here), said(967_000, sequence=2)))
        line = the_line(loaded, 2)
        payout = here.payout("acme")
        with pytest.raises(desk.NeedsSecondPerson):
            act(here, desk.came_back, line, payout_id=payout.public_id)
        for _twice in range(2):
            assert act(here, desk.came_back, line, by=CHECKER, may_approve=True, payout_id=payout.public_id).left == 0
        assert here.payout("acme").status == PayoutStatus.RETURNED
        assert (suspense(here), bank(here)) == (0, 1_000_000_000)
        assert here.balance(Code.PARTNER_HELD) == 1_000_000

    def test_a_deposit_is_not_just_any_payout_coming_back(self, here: World) -> None:
        pay(here)
        line = the_line(load(here, sheet(said(5_000))))
        with pytest.raises(InvalidRequest):
            act(here, desk.came_back, line, by=CHECKER, may_approve=True, payout_id=here.payout("acme").public_id)
        with pytest.raises(NotFound):
            act(here, desk.came_back, line, by=CHECKER, may_approve=True, payout_id="po-nobody")
        assert here.payout("acme").status == PayoutStatus.SUCCEEDED

    @pytest.mark.parametrize("verb", [desk.book_fee, desk.write_off, desk.top_up, desk.unmatch])
    def test_everything_has_a_reason_and_a_scope(self, here: World, verb: Any) -> None:
        line = the_line(load(here, sheet(said(-300, "FEE"))))
        with pytest.raises(InvalidRequest):
            verb(scope=here.scope, line_id=line.pk, reason="  ", by=MAKER, now=clock.now())
        with pytest.raises(NotFound):
            verb(scope=Scope(here.scope.merchant_id, True), line_id=line.pk, reason="x", by=MAKER, now=clock.now())


class TestThePosition:
    def test_books_and_bank_are_one_when_everything_is_explained(self, here: World) -> None:
        paid = pay(here)
        (line,) = rows(here)
        opening = int(line["balance_after"]) - int(line["amount"])
        after = int(line["balance_after"])
        fee = said(-500, "FEE", sequence=2, balance_after=str(after - 500))
        deposit = said(3_000, sequence=3, balance_after=str(after + 2_500))
        loaded = load(here, sheet(line, fee, deposit))
        assert (loaded.opening, loaded.closing) == (opening, after + 2_500)
        position = queries.position(here.account)
        assert position is not None
        assert (position.open_theirs, position.open_ours) == (-500, 1_000_000_000)
        # The bank never heard of the test's own top-up, and had other money before.
        assert position.before == -opening
        assert position.difference == 0
        act(here, desk.book_fee, the_line(loaded, 2))
        position = queries.position(here.account)
        assert position is not None
        assert (position.open_theirs, position.difference) == (0, 0)
        assert paid.reference

    def test_without_a_statement_there_is_none(self, here: World) -> None:
        assert queries.position(here.account) is None
        assert queries.open_entries(here.account) == []


class TestRefusals:
    def test_another_accounts_file(self, here: World) -> None:
        today = clock.today()
        pay(here)
        body = here.bank.call("GET", f"/v1/statements?from={today}&to={today}&format=camt053")[1]
        with pytest.raises(InvalidRequest) as refused:
            load(here, body.replace(ACCOUNT.encode(), b"99912345678"))
        assert refused.value.facts["field"] == "account"
        assert not Statement.objects.exists()

    def test_days_that_are_still_to_come(self, here: World) -> None:
        with pytest.raises(InvalidRequest):
            load(here, sheet(said(1, day=clock.today() + timedelta(days=1))))

    def test_another_currency(self, here: World) -> None:
        with pytest.raises(InvalidRequest):
            load(here, sheet(said(1, currency="USD")))

    def test_foreign_statements_are_not_there(self, here: World) -> None:
        loaded = load(here, sheet(said(1)))
        foreign = replace(here.scope, is_test=True)
        with pytest.raises(NotFound):
            statements.confirm(scope=foreign, statement_id=loaded.public_id, by=MAKER, now=clock.now())
        with pytest.raises(NotFound):
            queries.account(foreign, "main")


class TestLaws:
    """What the database refuses, whoever asks."""

    def refused(self, statement: str, *values: int) -> str:
        with pytest.raises(DatabaseError) as caught, transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement, list(values))
        return refused_by(caught.value) if isinstance(caught.value, IntegrityError) else str(caught.value)

    def test_lines_and_matches_stay(self, here: World) -> None:
        loaded = load(here, sheet(said(1_000)))
        for statement in (
            "update reconciliation_statementline set amount = amount + 1",
            "update reconciliation_statementline set matched = 0",
            "update reconciliation_statementline set day = day - 1",
        ):
            assert self.refused(statement) == "reconciliation_statement_line_stays"
        assert self.refused("update reconciliation_statementmatch set amount = 1") == "reconciliation_match_stays"
        assert (
            self.refused("update reconciliation_statement set state = 'UNDERSTOOD'") == "reconciliation_statement_stays"
        )
        for table in ("statement", "statementline", "statementmatch"):
            assert "denied" in self.refused(f"delete from reconciliation_{table}")  # noqa: S608 - a literal
        assert loaded.lines.count() == 1

    def test_no_entry_explains_a_line_of_another_account_or_more_than_it_is(self, here: World) -> None:
        loaded = load(here, sheet(said(-1_000, "OTHER")))
        funds.top_up(account=here.account, amount=-600, on=clock.today(), reference="X", by=MAKER)
        entry = queries.open_entries(here.account)[-1]
        insert = (
            "insert into reconciliation_statementmatch (merchant_id, is_test, line_id, journal_id, leg_no, amount, how,"
            " reason, payout_id, matched_by, matched_at, released_by, release_reason)"
            " values (%s, false, %s, %s, %s, %s, 'manual', 'x', '', 'x', now(), '', '')"
        )
        merchant, line = here.scope.merchant_id, the_line(loaded).pk
        other_leg = 3 - entry.leg_no
        assert (
            self.refused(insert, merchant, line, entry.journal_id, other_leg, 600)
            == "reconciliation_match_same_account"
        )
        for amount in (-601, 600, 0):
            refusal = self.refused(insert, merchant, line, entry.journal_id, entry.leg_no, amount)
            assert refusal == "reconciliation_match_not_over_entry"
        assert Journal.objects.filter(pk=entry.journal_id).exists()

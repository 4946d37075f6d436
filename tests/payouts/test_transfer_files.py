"""Protects payouts by file: in one file at a time, never sent again by itself, decided by results that name them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from threading import Thread
from xml.etree.ElementTree import Element, SubElement, fromstring, tostring

import pytest
from django.db import DatabaseError, IntegrityError, connection, connections, transaction

from access.models import AuditEvent
from core import clock, jobs
from core.errors import NotFound
from core.scope import Scope
from ledger import queries as books
from ledger.accounts import Address
from ledger.chart import Code
from ledger.posting import refused_by
from payouts import queries
from payouts.models import (
    Attempt,
    AttemptState,
    BankAccount,
    BankEvent,
    BulkPayout,
    BulkStatus,
    FileWithdrawal,
    PayoutStatus,
    TransferFile,
    TransferFileLine,
    TransferFileState,
    TransferResult,
    TransferResultState,
)
from payouts.operations import building, dispatch, funds, inquiry, running, stopping, transfer_files, transfer_results
from payouts.operations.transfer_results import Verdict
from payouts.rails.files import pain001
from payouts.transfer_queries import find_file
from settlement.models import PartnerSettlement
from tests.payouts.world import CHECKER, MAKER, SECOND_CHECKER, SYSTEM, World, world

NUMBER = "140099998888"


@dataclass
class Desk:
    """A merchant whose second account pays by files."""

    world: World
    account: BankAccount

    @property
    def scope(self) -> Scope:
        return self.world.scope

    def owe(self, *partners: str, amount: int = 10_000) -> None:
        for place, partner in enumerate(partners):
            self.world.partner(partner)
            self.world.owe(partner, amount + place)

    def approved(self) -> BulkPayout:
        """Build everything due from the account that pays by files, submit and approve it."""
        free = PartnerSettlement.objects.within(self.scope).filter(claims=None).values_list("pk", flat=True)
        bulk = building.create_bulk_payout(
            scope=self.scope,
            choice=building.Choice(list(free), {}),
            name="파일로 지급",
            by=MAKER,
            now=clock.now(),
            bank_account=self.account,
            deposit_memo="11월 정산",
        )
        while jobs.run_due_jobs():
            pass
        return self.world.approve(self.world.submit(queries.find_bulk(self.scope, bulk.public_id)))

    def make(self) -> list[TransferFile]:
        """Let the background work start what is approved and make its files."""
        running.start_due(clock.now())
        jobs.run_sweeper("payouts.files")
        return list(TransferFile.objects.within(self.scope).order_by("pk"))

    def made(self, *partners: str) -> TransferFile:
        self.owe(*partners)
        self.approved()
        (found,) = self.make()
        return found

    def take(self, found: TransferFile, form: str = "pain001") -> bytes:
        return transfer_files.download(
            scope=self.scope, file_id=found.public_id, form=form, by=MAKER, now=clock.now()
        ).content

    def read(self, found: TransferFile, body: bytes, name: str = "result.xml") -> TransferResult:
        return transfer_results.read_result(
            scope=self.scope, file_id=found.public_id, name=name, body=body, by=MAKER, now=clock.now()
        )

    def confirm(self, result: TransferResult) -> TransferResult:
        return transfer_results.confirm_result(scope=self.scope, result_id=result.public_id, by=MAKER, now=clock.now())

    def told(self, found: TransferFile, body: bytes, name: str = "result.xml") -> dict[str, list[int]]:
        """Read and confirm a result; returns its counts and sums by verdict."""
        counts: dict[str, list[int]] = self.confirm(self.read(found, body, name)).summary["counts"]
        return counts

    def withdraw(self, found: TransferFile) -> None:
        """Withdraw a file as two people do."""
        wanted = transfer_files.propose_withdrawal(
            scope=self.scope, file_id=found.public_id, evidence="은행 이체 내역에 없어요", by=MAKER, now=clock.now()
        )
        transfer_files.confirm_withdrawal(scope=self.scope, withdrawal_id=wanted.public_id, by=CHECKER, now=clock.now())

    def states(self) -> dict[str, str]:
        rows = Attempt.objects.filter(payout__bulk_payout__bank_account=self.account)
        return dict(rows.values_list("payout__partner__public_id", "state"))

    def reference(self, partner: str) -> str:
        return Attempt.objects.filter(payout__partner__public_id=partner).latest("pk").reference

    def make_due(self) -> None:
        """Let the pauses pass by making everything due at once."""
        Attempt.objects.filter(state=AttemptState.CREATED).update(due_at=clock.now() - timedelta(minutes=1))


@pytest.fixture
def desk(committed_db: str, tmp_path: Path) -> Iterator[Desk]:  # noqa: ARG001 - the world lives in it
    with world(tmp_path) as made:
        account = funds.open_bank_account(
            scope=made.scope, name="파일 계좌", bank="SHINHAN", number=NUMBER, holder="한빛마켓", rail="file",
            by=SYSTEM, now=clock.now(), public_id="by-file",
        )  # fmt: skip
        funds.top_up(account=account, amount=1_000_000_000, on=clock.today(), reference="opening", by=SYSTEM)
        yield Desk(made, account)
        assert books.broken_invariants() == []
        assert sum(row.balance for row in books.trial_balance(made.scope)) == 0
        assert made.witness() == {}


def report(
    message_id: str,
    lines: Sequence[tuple[str, str, str]],
    *,
    group: str = "",
    amounts: Sequence[str] = (),
    namespace: str = "",
) -> bytes:
    """Write a pain.002 with (reference, status, reason) for each transfer."""
    document = Element("Document", xmlns=namespace or "urn:iso:std:iso:20022:tech:xsd:pain.002.001.10")
    message = SubElement(document, "CstmrPmtStsRpt")
    header = SubElement(message, "GrpHdr")
    SubElement(header, "MsgId").text, SubElement(header, "CreDtTm").text = "R1", "2026-11-21T10:00:00+09:00"
    original = SubElement(message, "OrgnlGrpInfAndSts")
    SubElement(original, "OrgnlMsgId").text = message_id
    SubElement(original, "OrgnlMsgNmId").text = "pain.001.001.09"
    if group:
        SubElement(original, "GrpSts").text = group
    payments = SubElement(message, "OrgnlPmtInfAndSts")
    SubElement(payments, "OrgnlPmtInfId").text = f"{message_id}-1"
    for place, (reference, status, reason) in enumerate(lines):
        one = SubElement(payments, "TxInfAndSts")
        SubElement(one, "OrgnlEndToEndId").text = reference
        SubElement(one, "TxSts").text = status
        if reason:
            SubElement(SubElement(SubElement(one, "StsRsnInf"), "Rsn"), "Cd").text = reason
        if amounts:
            currency, _space, figure = amounts[place].partition(" ")
            amount = SubElement(SubElement(SubElement(one, "OrgnlTxRef"), "Amt"), "InstdAmt", Ccy=currency)
            amount.text = figure
    body: bytes = tostring(document, encoding="utf-8", xml_declaration=True)
    return body


def statement(entries: Sequence[tuple[str, int, str]], *, closing: int | None = None, number: str = NUMBER) -> bytes:
    """Write a camt.053 with (kind, amount, reference) for each entry; a kind is DBIT, CRDT or RETURN."""
    day = clock.today().isoformat()
    total = sum(-amount if kind == "DBIT" else amount for kind, amount, _reference in entries)
    lines = [
        f"""<Ntry><Amt Ccy="KRW">{amount}</Amt><CdtDbtInd>{"DBIT" if kind == "DBIT" else "CRDT"}</CdtDbtInd>
        <Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>{day}</Dt></BookgDt><AcctSvcrRef>B{place}</AcctSvcrRef>
        <NtryDtls><TxDtls><Refs><EndToEndId>{reference}</EndToEndId></Refs>
        {"<RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf>" if kind == "RETURN" else ""}</TxDtls></NtryDtls></Ntry>"""
        for place, (kind, amount, reference) in enumerate(entries)
    ]
    balances = [
        f"""<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy="KRW">{figure}</Amt>
        <CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>{day}</Dt></Dt></Bal>"""
        for code, figure in (("OPBD", 5_000_000), ("CLBD", 5_000_000 + total if closing is None else closing))
    ]
    return f"""<?xml version="1.0" encoding="UTF-8"?>
    <Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt><GrpHdr><MsgId>S</MsgId></GrpHdr>
    <Stmt><Id>S</Id><Acct><Id><Othr><Id>{number}</Id></Othr></Id></Acct>{"".join(balances)}{"".join(lines)}</Stmt>
    </BkToCstmrStmt></Document>""".encode()


def in_transit(desk: Desk, partner: str) -> int:
    return books.balance(desk.scope, Address(Code.PAYOUT_IN_TRANSIT, partner))


class TestMaking:
    def test_the_file_is_committed_before_anybody_can_take_it(self, desk: Desk) -> None:
        found = desk.made("acme", "beta")

        assert (found.state, found.line_count, found.total_amount) == (TransferFileState.MADE, 2, 20_001)
        assert set(desk.states().values()) == {AttemptState.ACCEPTED}
        assert in_transit(desk, "acme") == 10_000
        root = fromstring(desk.take(found))  # noqa: S314 - a message that we wrote
        names = {"p": pain001.NAMESPACE}
        assert [node.text for node in root.findall(".//p:EndToEndId", names)] == [
            desk.reference("acme"),
            desk.reference("beta"),
        ]
        assert root.findtext(".//p:GrpHdr/p:CtrlSum", namespaces=names) == "20001"
        assert find_file(desk.scope, found.public_id).state == TransferFileState.DOWNLOADED

    def test_two_workers_at_once_make_one_file(self, desk: Desk) -> None:
        desk.owe("acme", "beta", "gamma")
        desk.approved()
        running.start_due(clock.now())

        def work() -> None:
            jobs.run_sweeper("payouts.files")
            connections.close_all()

        workers = [Thread(target=work) for _ in range(4)]
        for one in workers:
            one.start()
        for one in workers:
            one.join()
        jobs.run_sweeper("payouts.files")
        assert TransferFile.objects.get().line_count == 3
        assert TransferFileLine.objects.count() == 3

    def test_who_is_killed_before_the_file_loses_nothing(self, desk: Desk) -> None:
        desk.owe("acme")
        desk.approved()
        running.start_due(clock.now())
        claimed = dispatch.claim(rail_name="file", worker="killed", limit=10, now=clock.now())
        dispatch.pass_point_of_no_return(claimed, clock.now())
        Attempt.objects.update(lease_until=clock.now() - timedelta(hours=1))
        dispatch.expire_leases(clock.now())
        assert desk.states() == {"acme": AttemptState.UNKNOWN}

        (found,) = desk.make()

        assert found.line_count == 1
        assert desk.states() == {"acme": AttemptState.ACCEPTED}
        assert in_transit(desk, "acme") == 10_000

    def test_a_killed_download_finds_the_same_file_again(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        found = desk.made("acme")
        with monkeypatch.context() as broken:
            broken.setattr(transfer_files, "_note", _die)
            with pytest.raises(RuntimeError, match="killed"):
                desk.take(found)
        assert find_file(desk.scope, found.public_id).state == TransferFileState.MADE
        first = desk.take(found)
        assert desk.take(found) == first
        assert find_file(desk.scope, found.public_id).downloads == 2

    def test_a_file_holds_at_most_the_set_number(self, desk: Desk, settings: object) -> None:
        setattr(settings, "TRANSFER_FILE_MOST", 2)  # noqa: B010 - the fixture takes any setting
        desk.owe("a1", "a2", "a3")
        desk.approved()
        assert [found.line_count for found in desk.make()] == [2, 1]

    def test_the_caller_of_banks_leaves_files_alone(self, desk: Desk) -> None:
        desk.made("acme")
        assert dispatch.send_due(now=clock.now()) == 0
        assert inquiry.ask_due(now=clock.now() + timedelta(days=30)) == 0
        assert desk.states() == {"acme": AttemptState.ACCEPTED}

    def test_what_no_file_can_hold_fails_before_it_is_in_one(self, desk: Desk) -> None:
        desk.world.partner("odd", number="12")
        desk.world.owe("odd", 7_000)
        desk.owe("acme")
        desk.approved()
        (found,) = desk.make()
        assert found.line_count == 1
        odd = desk.world.payout("odd")
        assert (odd.status, odd.fail_code) == (PayoutStatus.FAILED, "CANNOT_BE_WRITTEN")
        assert in_transit(desk, "odd") == 0

    def test_nothing_is_filed_while_a_stop_is_open(self, desk: Desk) -> None:
        desk.owe("acme")
        desk.approved()
        scope, now = desk.world.scope, clock.now()
        thrown = stopping.stop(scope=scope, reason="월말 점검", by=MAKER, now=now)
        assert desk.make() == []
        stopping.resume(scope=scope, stop_id=thrown.pk, reason="끝", by=CHECKER, now=now)
        desk.make_due()
        assert len(desk.make()) == 1


def _die(*_args: object, **_named: object) -> None:
    raise RuntimeError("killed")


class TestTaking:
    def test_who_took_it_and_when_is_kept(self, desk: Desk) -> None:
        found = desk.made("acme")
        desk.take(found)
        taken = found.taken.get()
        assert (taken.by, taken.by_id) == (MAKER.name, MAKER.user_id)
        event = AuditEvent.objects.get(action="transfer_file.downloaded")
        assert event.after is not None
        assert (event.object_id, event.after["form"]) == (found.public_id, "pain001")

    def test_a_second_format_is_refused(self, desk: Desk) -> None:
        found = desk.made("acme")
        desk.take(found, "xlsx")
        with pytest.raises(transfer_files.OtherForm):
            desk.take(found, "csv")

    def test_bytes_at_rest_tell_nothing(self, desk: Desk) -> None:
        found = desk.made("acme")
        body = desk.take(found, "csv")
        stored = bytes(TransferFile.objects.get(pk=found.pk).content or b"")
        assert "김지우".encode() in body
        assert "김지우".encode() not in stored

    def test_content_and_bytes_are_frozen_by_the_database(self, desk: Desk) -> None:
        found = desk.made("acme")
        desk.take(found)
        for values in ({"content_hash": "0" * 64}, {"total_amount": 1}, {"content": b"other"}, {"form": "csv"}):
            with pytest.raises(IntegrityError) as caught, transaction.atomic():
                TransferFile.objects.filter(pk=found.pk).update(**values)
            assert refused_by(caught.value) == "payouts_file_stays"
        for statement_text in ("delete from payouts_transferfileline", "update payouts_transferfileline set fence = 9"):
            with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(statement_text)

    def test_another_merchant_finds_nothing(self, desk: Desk) -> None:
        found = desk.made("acme")
        with pytest.raises(NotFound):
            transfer_files.download(
                scope=Scope(desk.scope.merchant_id, is_test=True),
                file_id=found.public_id,
                form="csv",
                by=MAKER,
                now=clock.now(),
            )


class TestReports:
    def test_success_refusal_and_silence(self, desk: Desk) -> None:
        found = desk.made("acme", "beta", "gamma")
        desk.take(found)
        lines = [(desk.reference("acme"), "ACSC", ""), (desk.reference("beta"), "RJCT", "AC04")]
        body = report(found.public_id, lines)
        preview = desk.read(found, body)
        assert set(desk.states().values()) == {AttemptState.ACCEPTED}
        assert preview.summary["counts"] == {"succeeded": [1, 10_000], "failed": [1, 10_001]}

        desk.confirm(preview)

        assert desk.states() == {
            "acme": AttemptState.SUCCEEDED,
            "beta": AttemptState.FAILED,
            "gamma": AttemptState.ACCEPTED,
        }
        assert desk.world.payout("beta").fail_code == "AC04"
        assert books.balance(desk.scope, Address(Code.BANK, "by-file")) == 1_000_000_000 - 10_000
        assert find_file(desk.scope, found.public_id).state == TransferFileState.RESULT_READ

        assert desk.told(found, report(found.public_id, [(desk.reference("gamma"), "ACSC", "")])) == {
            "succeeded": [1, 10_002]
        }
        assert BulkPayout.objects.get().status == BulkStatus.COMPLETED

    def test_the_same_file_twice_changes_nothing(self, desk: Desk) -> None:
        found = desk.made("acme")
        desk.take(found)
        body = report(found.public_id, [(desk.reference("acme"), "ACSC", "")])
        first = desk.confirm(desk.read(found, body))
        events = BankEvent.objects.count()
        again = desk.confirm(desk.read(found, body, "renamed.xml"))
        assert (again.public_id, again.state) == (first.public_id, TransferResultState.CONFIRMED)
        assert BankEvent.objects.count() == events
        assert desk.states() == {"acme": AttemptState.SUCCEEDED}

    def test_what_is_pending_stays_where_it_is(self, desk: Desk) -> None:
        found = desk.made("acme")
        desk.take(found)
        assert desk.told(found, report(found.public_id, [(desk.reference("acme"), "PDNG", "")])) == {
            "waiting": [1, 10_000]
        }
        assert desk.states() == {"acme": AttemptState.ACCEPTED}
        assert Attempt.objects.get().next_inquiry_at is None

    @pytest.mark.parametrize(("group", "state"), [("RJCT", AttemptState.FAILED), ("ACCP", AttemptState.ACCEPTED)])
    def test_a_word_about_the_whole_file(self, desk: Desk, group: str, state: AttemptState) -> None:
        found = desk.made("acme", "beta")
        desk.take(found)
        desk.told(found, report(found.public_id, [], group=group))
        assert set(desk.states().values()) == {state}

    def test_all_paid_needs_number_and_sum(self, desk: Desk) -> None:
        found = desk.made("acme")
        desk.take(found)
        desk.told(found, report(found.public_id, [], group="ACSC"))
        assert desk.states() == {"acme": AttemptState.ACCEPTED}

    def test_a_refusal_as_a_duplicate_decides_nothing(self, desk: Desk) -> None:
        found = desk.made("acme")
        desk.take(found)
        desk.told(found, report(found.public_id, [(desk.reference("acme"), "RJCT", "AM05")]))
        assert desk.states() == {"acme": AttemptState.UNKNOWN}

    def test_another_amount_is_a_mismatch_with_evidence(self, desk: Desk) -> None:
        found = desk.made("acme")
        desk.take(found)
        lines = [(desk.reference("acme"), "ACSC", "")]
        assert desk.told(found, report(found.public_id, lines, amounts=["KRW 9999"])) == {"unknown": [1, 9_999]}
        assert desk.states() == {"acme": AttemptState.UNKNOWN}
        assert BankEvent.objects.latest("pk").code == "MISMATCH"

    def test_another_currency_refuses_the_file(self, desk: Desk) -> None:
        found = desk.made("acme")
        desk.take(found)
        lines = [(desk.reference("acme"), "ACSC", "")]
        with pytest.raises(transfer_results.ResultRefused, match="USD"):
            desk.read(found, report(found.public_id, lines, amounts=["USD 10000"]))

    def test_a_report_about_another_file_is_refused_by_name(self, desk: Desk) -> None:
        found = desk.made("acme")
        desk.take(found)
        with pytest.raises(transfer_results.ResultRefused, match="tf-OTHER"):
            desk.read(found, report("tf-OTHER", [(desk.reference("acme"), "ACSC", "")]))

    def test_nobody_took_it_so_nothing_can_come_back(self, desk: Desk) -> None:
        found = desk.made("acme")
        with pytest.raises(transfer_results.NothingAsked):
            desk.read(found, report(found.public_id, [(desk.reference("acme"), "ACSC", "")]))

    def test_a_stranger_is_listed_and_decides_nothing(self, desk: Desk) -> None:
        found = desk.made("acme")
        desk.take(found)
        counts = desk.told(found, report(found.public_id, [("at-STRANGER", "ACSC", "")]))
        assert list(counts) == ["unexplained"]
        assert desk.states() == {"acme": AttemptState.ACCEPTED}

    def test_a_discarded_result_does_nothing_and_can_come_again(self, desk: Desk) -> None:
        found = desk.made("acme")
        desk.take(found)
        body = report(found.public_id, [(desk.reference("acme"), "ACSC", "")])
        thrown = desk.read(found, body)
        transfer_results.discard_result(scope=desk.scope, result_id=thrown.public_id, by=MAKER, now=clock.now())
        with pytest.raises(transfer_results.AlreadyDecided):
            desk.confirm(thrown)
        assert desk.states() == {"acme": AttemptState.ACCEPTED}
        assert desk.told(found, body) == {"succeeded": [1, 10_000]}


class TestSheets:
    def sheet(self, *rows: str, header: str = "은행,계좌번호,금액,예금주,처리결과,실패사유") -> bytes:
        return "\r\n".join((header, *rows)).encode("cp949")

    def test_rows_are_matched_by_account_amount_and_holder(self, desk: Desk) -> None:
        found = desk.made("acme", "beta")
        desk.take(found, "xlsx")
        acme, beta = number_of("acme"), number_of("beta")
        body = self.sheet(
            f"국민,{acme},10000,김지우,정상처리,", f"004,{beta},10001,김지우,불능,예금주명 불일치", "합계,,20001,,,"
        )
        assert desk.told(found, body, "결과.csv") == {"failed": [1, 10_001], "succeeded": [1, 10_000]}
        assert desk.states() == {"acme": AttemptState.SUCCEEDED, "beta": AttemptState.FAILED}
        assert desk.world.payout("beta").fail_code == "815"

    def test_two_transfers_that_look_the_same_stay_open(self, desk: Desk) -> None:
        desk.world.partner("one", number="11012345000077")
        desk.world.partner("two", number="11012345000077")
        desk.world.owe("one", 5_000)
        desk.world.owe("two", 5_000)
        desk.approved()
        (found,) = desk.make()
        desk.take(found, "csv")
        body = self.sheet("국민,11012345000077,5000,김지우,정상,", "국민,11012345000077,5000,김지우,실패,한도초과")
        assert list(desk.told(found, body, "결과.csv")) == ["unexplained"]
        assert set(desk.states().values()) == {AttemptState.ACCEPTED}

    def test_another_amount_for_a_known_account_is_a_mismatch(self, desk: Desk) -> None:
        found = desk.made("acme")
        desk.take(found, "csv")
        desk.told(found, self.sheet(f"국민,{number_of('acme')},9000,김지우,정상,"), "결과.csv")
        assert desk.states() == {"acme": AttemptState.UNKNOWN}

    def test_every_refusal_names_file_row_and_column(self, desk: Desk) -> None:
        found = desk.made("acme")
        desk.take(found, "csv")
        with pytest.raises(transfer_results.ResultRefused) as caught:
            desk.read(found, self.sheet(f"국민,{number_of('acme')},만원,김지우,정상,"), "결과.csv")
        assert str(caught.value.message) == "결과.csv 2번째 줄, 금액: 금액을 확인해 주세요. 1,234처럼 입력해 주세요."


def number_of(partner: str) -> str:
    attempt = Attempt.objects.select_related("payout__partner", "payout__bulk_payout__bank_account")
    return dispatch.instruction_of(attempt.filter(payout__partner__public_id=partner).latest("pk")).account_number


class TestStatements:
    def test_a_debit_pays_and_a_return_comes_back(self, desk: Desk) -> None:
        found = desk.made("acme", "beta")
        desk.take(found)
        acme, beta = desk.reference("acme"), desk.reference("beta")
        entries = [("DBIT", 10_000, acme), ("DBIT", 10_001, beta), ("CRDT", 777, "NOTPROVIDED")]
        assert desk.told(found, statement(entries)) == {"succeeded": [2, 20_001], "unexplained": [1, 777]}
        assert set(desk.states().values()) == {AttemptState.SUCCEEDED}

        assert desk.told(found, statement([("RETURN", 10_001, beta)])) == {"returned": [1, 10_001]}
        assert desk.world.payout("beta").status == PayoutStatus.RETURNED
        assert books.balance(desk.scope, Address(Code.BANK, "by-file")) == 1_000_000_000 - 10_000

    def test_payment_and_return_on_one_statement(self, desk: Desk) -> None:
        found = desk.made("acme")
        desk.take(found)
        acme = desk.reference("acme")
        desk.told(found, statement([("DBIT", 10_000, acme), ("RETURN", 10_000, acme)]))
        assert desk.world.payout("acme").status == PayoutStatus.RETURNED

    def test_a_second_debit_of_the_same_reference_is_not_ours(self, desk: Desk) -> None:
        found = desk.made("acme")
        desk.take(found)
        acme = desk.reference("acme")
        counts = desk.told(found, statement([("DBIT", 10_000, acme), ("DBIT", 10_000, acme)]))
        assert counts == {"succeeded": [1, 10_000], "unexplained": [1, 10_000]}

    def test_balances_that_do_not_add_up_refuse_it(self, desk: Desk) -> None:
        found = desk.made("acme")
        desk.take(found)
        with pytest.raises(transfer_results.ResultRefused, match="4999999"):
            desk.read(found, statement([("DBIT", 10_000, desk.reference("acme"))], closing=4_999_999))

    def test_a_statement_of_another_account_is_refused(self, desk: Desk) -> None:
        found = desk.made("acme")
        desk.take(found)
        with pytest.raises(transfer_results.ResultRefused, match="다른 계좌"):
            desk.read(found, statement([("DBIT", 10_000, desk.reference("acme"))], number="123456789012"))


class TestWithdrawing:
    def test_two_people_put_it_back_and_a_new_file_is_made(self, desk: Desk) -> None:
        found = desk.made("acme")
        desk.take(found)
        reference = desk.reference("acme")
        desk.withdraw(found)
        assert desk.states() == {"acme": AttemptState.CREATED}
        assert in_transit(desk, "acme") == 0
        assert FileWithdrawal.objects.get().downloads == 1
        with pytest.raises(transfer_files.FileWithdrawn):
            desk.take(found)

        desk.make_due()
        first, second = desk.make()
        assert (first.state, second.state) == (TransferFileState.WITHDRAWN, TransferFileState.MADE)
        assert desk.reference("acme") == reference
        assert in_transit(desk, "acme") == 10_000

    def test_a_late_result_is_evidence_only_and_keeps_the_next_file_back(self, desk: Desk) -> None:
        found = desk.made("acme")
        desk.take(found)
        desk.withdraw(found)
        body = report(found.public_id, [(desk.reference("acme"), "ACSC", "")])
        assert list(desk.told(found, body)) == [Verdict.LATE.value]
        assert desk.states() == {"acme": AttemptState.CREATED}
        assert BankEvent.objects.latest("pk").applied is False

        desk.make_due()
        assert len(desk.make()) == 1
        assert desk.states() == {"acme": AttemptState.UNKNOWN}
        assert len(desk.make()) == 1

    def test_a_late_result_keeps_a_new_file_from_being_taken(self, desk: Desk) -> None:
        found = desk.made("acme")
        desk.take(found)
        desk.withdraw(found)
        desk.make_due()
        _first, second = desk.make()
        desk.told(found, report(found.public_id, [(desk.reference("acme"), "ACSC", "")]))
        assert desk.states() == {"acme": AttemptState.ACCEPTED}
        with pytest.raises(transfer_files.SaidToBePaid):
            desk.take(second)

    def test_nobody_confirms_their_own(self, desk: Desk) -> None:
        found = desk.made("acme")
        wanted = transfer_files.propose_withdrawal(
            scope=desk.scope, file_id=found.public_id, evidence="내지 않았어요", by=MAKER, now=clock.now()
        )
        with pytest.raises(transfer_files.NotWithdrawable):
            transfer_files.confirm_withdrawal(
                scope=desk.scope, withdrawal_id=wanted.public_id, by=MAKER, now=clock.now()
            )
        with pytest.raises(IntegrityError) as caught, transaction.atomic():
            FileWithdrawal.objects.filter(pk=wanted.pk).update(
                state="CONFIRMED", decided_by_id=MAKER.user_id, decided_by=MAKER.name, decided_at=clock.now()
            )
        assert refused_by(caught.value) == "payouts_another_person_withdraws"

    def test_the_database_withdraws_nothing_alone_and_sends_nothing_again(self, desk: Desk) -> None:
        found = desk.made("acme")
        with pytest.raises(IntegrityError) as caught, transaction.atomic():
            TransferFile.objects.filter(pk=found.pk).update(state=TransferFileState.WITHDRAWN)
        assert refused_by(caught.value) == "payouts_file_withdrawn_by_two"
        with pytest.raises(IntegrityError) as caught, transaction.atomic():
            Attempt.objects.update(state=AttemptState.CREATED)
        assert refused_by(caught.value) == "payouts_file_may_be_at_bank"

    def test_who_is_killed_after_the_word_of_two_is_made_good(
        self, desk: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        found = desk.made("acme")
        with monkeypatch.context() as broken:
            broken.setattr(transfer_files, "_put_back", _die)
            with pytest.raises(RuntimeError, match="killed"):
                desk.withdraw(found)
        assert desk.states() == {"acme": AttemptState.ACCEPTED}
        jobs.run_sweeper("payouts.files")
        desk.make_due()
        assert len(desk.make()) == 2

    def test_a_file_with_a_result_is_not_withdrawn(self, desk: Desk) -> None:
        found = desk.made("acme", "beta")
        desk.take(found)
        desk.told(found, report(found.public_id, [(desk.reference("acme"), "ACSC", "")]))
        with pytest.raises(transfer_files.NotWithdrawable):
            desk.withdraw(found)

    def test_a_rejected_withdrawal_leaves_everything(self, desk: Desk) -> None:
        found = desk.made("acme")
        wanted = transfer_files.propose_withdrawal(
            scope=desk.scope, file_id=found.public_id, evidence="내지 않았어요", by=MAKER, now=clock.now()
        )
        transfer_files.reject_withdrawal(
            scope=desk.scope, withdrawal_id=wanted.public_id, reason="은행에 있어요", by=SECOND_CHECKER, now=clock.now()
        )
        assert find_file(desk.scope, found.public_id).state == TransferFileState.MADE
        assert desk.states() == {"acme": AttemptState.ACCEPTED}

    def test_a_stop_asked_for_before_is_carried_out(self, desk: Desk) -> None:
        found = desk.made("acme")
        bulk = BulkPayout.objects.get()
        BulkPayout.objects.filter(pk=bulk.pk).update(stop_requested_at=clock.now())
        desk.withdraw(found)
        assert desk.world.payout("acme").status == PayoutStatus.STOPPED

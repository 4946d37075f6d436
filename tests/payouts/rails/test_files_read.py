"""Protects us from files that come back: hostile XML is refused with its place, and only proof decides."""

import io
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.clock import SEOUL
from payouts.rails.base import FailureClass, Instruction, OutcomeKind, failure_class
from payouts.rails.files import camt053, pain002, results, xml_read
from payouts.rails.files.answers import Form, Movement, Reading
from payouts.rails.files.client import FileRail
from payouts.rails.files.refusals import FileRefused
from payouts.rails.simulator.book import Line
from payouts.rails.simulator.statements import ACCOUNT, to_camt053
from tests.payouts.rails.test_files_written import DAY, instruction

REFERENCE = instruction().reference
PAIN = "urn:iso:std:iso:20022:tech:xsd:pain.002.001.10"
CAMT = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"


def report(body: str, *, namespace: str = PAIN, before: str = "") -> bytes:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>{before}<Document xmlns="{namespace}"><CstmrPmtStsRpt>'
        "<OrgnlGrpInfAndSts><OrgnlMsgId>tf-1</OrgnlMsgId></OrgnlGrpInfAndSts>"
        f"<OrgnlPmtInfAndSts>{body}</OrgnlPmtInfAndSts></CstmrPmtStsRpt></Document>"
    ).encode()


def transfer(status: str = "ACSC", reason: str = "", more: str = "", reference: str = REFERENCE) -> str:
    told = f"<StsRsnInf><Rsn><Cd>{reason}</Cd></Rsn><AddtlInf>계좌 해지</AddtlInf></StsRsnInf>" if reason else ""
    return (
        f"<TxInfAndSts><OrgnlEndToEndId>{reference}</OrgnlEndToEndId><TxSts>{status}</TxSts>{told}{more}</TxInfAndSts>"
    )


def refusal(read: Callable[[], object]) -> Any:
    with pytest.raises(FileRefused) as caught:
        read()
    return caught.value.problems[0]


class TestHostile:
    def test_billion_laughs(self) -> None:
        laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
        body = report(transfer(more="<x>&l11;</x>"), before=f'<!DOCTYPE d [<!ENTITY l0 "ha">{laughs}]>')
        assert refusal(lambda: pain002.read(body)).code == "xml_doctype"

    @pytest.mark.parametrize("where", ["SYSTEM '/etc/passwd'", "PUBLIC 'x' 'http://127.0.0.1:1/x'"])
    def test_external_entities(self, where: str) -> None:
        body = report(transfer(more="<x>&e;</x>"), before=f"<!DOCTYPE d [<!ENTITY e {where}>]>")
        assert refusal(lambda: pain002.read(body)).code == "xml_doctype"
        assert (
            refusal(lambda: camt053.read(report("", namespace=CAMT, before=f"<!DOCTYPE d {where}>"))).code
            == "xml_doctype"
        )

    def test_deep_nesting(self) -> None:
        problem = refusal(lambda: pain002.read(report("<a>" * 100_000)))
        assert (problem.code, problem.params["limit"]) == ("xml_too_deep", xml_read.MOST_DEPTH)

    def test_too_many_elements(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(xml_read, "MOST_NODES", 50)
        assert refusal(lambda: pain002.read(report("<a/>" * 60))).code == "xml_too_many"

    def test_endless_text(self) -> None:
        assert refusal(lambda: pain002.read(report(f"<a>{'x' * 5_000}</a>"))).code == "xml_text_too_long"

    def test_another_namespace_is_named(self) -> None:
        problem = refusal(
            lambda: pain002.read(report(transfer(), namespace="urn:iso:std:iso:20022:tech:xsd:pain.008.001.08"))
        )
        assert (problem.code, problem.line) == ("xml_namespace", 1)
        assert "pain.008" in problem.params["found"]

    def test_elements_of_another_namespace_inside_are_not_ours(self) -> None:
        hidden = (
            f'<z:TxInfAndSts xmlns:z="urn:other"><z:OrgnlEndToEndId>{REFERENCE}</z:OrgnlEndToEndId></z:TxInfAndSts>'
        )
        assert pain002.read(report(hidden)).answers == ()

    @pytest.mark.parametrize("body", [b"", b"  ", b"<Document", b"no xml at all", b"\x00\x01", b"<a>\xff</a>"])
    def test_what_is_no_xml(self, body: bytes) -> None:
        assert refusal(lambda: pain002.read(body)).code in {"empty", "xml_broken", "xml_namespace"}

    @given(st.binary(max_size=300))
    def test_any_bytes_are_read_or_refused(self, body: bytes) -> None:
        for read in (pain002.read, camt053.read, lambda given: results.read(io.BytesIO(given))):
            try:
                read(body)
            except FileRefused as refused:
                assert refused.problems  # noqa: PT017 - both ends are right, an accident is not


class TestReports:
    def one(self, *args: str, **values: str) -> Any:
        return pain002.read(report(transfer(*args, **values))).answers[0].outcome_for(instruction())

    @pytest.mark.parametrize(
        ("status", "kind"),
        [
            ("ACSC", OutcomeKind.SUCCEEDED),
            ("ACCC", OutcomeKind.SUCCEEDED),
            ("RJCT", OutcomeKind.FAILED),
            ("CANC", OutcomeKind.FAILED),
            ("ACSP", OutcomeKind.ACCEPTED),
            ("ACCP", OutcomeKind.ACCEPTED),
            ("PDNG", OutcomeKind.ACCEPTED),
            ("PART", OutcomeKind.UNKNOWN),
            ("", OutcomeKind.UNKNOWN),
            ("XXXX", OutcomeKind.UNKNOWN),
        ],
    )
    def test_statuses(self, status: str, kind: OutcomeKind) -> None:
        assert self.one(status).kind is kind

    def test_reasons_have_their_class_and_words(self) -> None:
        outcome = self.one("RJCT", "AC04")
        assert (outcome.code, outcome.message, outcome.failure_class) == ("AC04", "계좌 해지", FailureClass.ACCOUNT)
        assert failure_class("AM04") is FailureClass.FUNDS

    @pytest.mark.parametrize("reason", ["AM05", "DUPL", "DU04"])
    def test_a_refusal_as_duplicate_is_no_proof(self, reason: str) -> None:
        assert self.one("RJCT", reason).kind is OutcomeKind.UNKNOWN

    @pytest.mark.parametrize(
        "named",
        [
            '<Amt><InstdAmt Ccy="KRW">1002</InstdAmt></Amt>',
            "<CdtrAcct><Id><Othr><Id>999</Id></Othr></Id></CdtrAcct>",
            "<CdtrAgt><FinInstnId><ClrSysMmbId><MmbId>088</MmbId></ClrSysMmbId></FinInstnId></CdtrAgt>",
        ],
    )
    def test_what_disagrees_is_a_mismatch(self, named: str) -> None:
        outcome = self.one("ACSC", more=f"<OrgnlTxRef>{named}</OrgnlTxRef>")
        assert (outcome.kind, outcome.code) == (OutcomeKind.UNKNOWN, "MISMATCH")

    def test_what_agrees_is_proof(self) -> None:
        named = (
            '<OrgnlTxRef><Amt><InstdAmt Ccy="KRW">1001.00</InstdAmt></Amt><CdtrAgt><FinInstnId><ClrSysMmbId>'
            "<MmbId>004</MmbId></ClrSysMmbId></FinInstnId></CdtrAgt><CdtrAcct><Id><Othr><Id>11012345000001</Id></Othr>"
            "</Id></CdtrAcct></OrgnlTxRef>"
        )
        paid = "<AccptncDtTm>2026-11-21T09:30:00+09:00</AccptncDtTm><AcctSvcrRef>B77</AcctSvcrRef>"
        outcome = self.one("ACSC", more=paid + named)
        assert (outcome.kind, outcome.bank_reference) == (OutcomeKind.SUCCEEDED, "B77")
        assert outcome.executed_at == datetime(2026, 11, 21, 9, 30, tzinfo=SEOUL)

    def test_paid_before_it_was_asked_for_is_a_mismatch(self) -> None:
        outcome = self.one("ACSC", more="<AccptncDtTm>2026-11-20T09:30:00+09:00</AccptncDtTm>")
        assert outcome.code == "MISMATCH"

    def test_a_reference_twice_refuses_the_file(self) -> None:
        problem = refusal(lambda: pain002.read(report(f"{transfer()}\n{transfer('RJCT')}")))
        assert (problem.code, problem.line, problem.where) == ("reference_doubled", 2, "OrgnlEndToEndId")

    def test_another_currency_refuses_the_file(self) -> None:
        other = transfer(more='<OrgnlTxRef><Amt><InstdAmt Ccy="USD">1001</InstdAmt></Amt></OrgnlTxRef>')
        assert refusal(lambda: pain002.read(report(other))).code == "other_currency"

    def test_evidence_hides_accounts(self) -> None:
        more = "<OrgnlTxRef><CdtrAcct><Id><Othr><Id>11012345000001</Id></Othr></Id></CdtrAcct></OrgnlTxRef>"
        assert "11012345" not in self.one("ACSC", more=more).evidence


def line(kind: str, amount: int, sequence: int, reference: str = REFERENCE) -> Line:
    return Line(
        sequence=sequence,
        day="2026-11-21",
        booked_at="2026-11-21T10:00:00+09:00",
        kind=kind,
        amount=amount,
        balance_after=0,
        bank_reference=f"B{sequence}",
        reference=reference,
        reference_date="2026-11-21",
        bank="KOOKMIN",
        account_number="11012345000001",
        name="김지우",
        memo="",
    )


class TestStatements:
    def read(self, *lines: Line, closing: int | None = None) -> Reading:
        total = sum(one.amount for one in lines)
        body = to_camt053(
            list(lines),
            first=DAY,
            last=DAY,
            opening=10_000,
            closing=10_000 + total if closing is None else closing,
            created_at="2026-11-21T23:00:00+09:00",
        )
        return camt053.read(body)

    def test_what_the_simulated_bank_writes_is_read(self) -> None:
        found = self.read(line("TRANSFER", -1001, 1), line("RETURN", 1001, 2), line("DEPOSIT", 500, 3, reference=""))
        assert (found.form, found.account_number) == (Form.CAMT053, ACCOUNT)
        assert [one.movement for one in found.answers] == [Movement.TRANSFER, Movement.RETURN, Movement.OTHER]
        assert found.answers[0].outcome_for(instruction()).kind is OutcomeKind.SUCCEEDED
        assert found.answers[1].code == "AC06"

    def test_a_sum_that_is_off_by_one_refuses_everything(self) -> None:
        problem = refusal(lambda: self.read(line("TRANSFER", -1001, 1), closing=9_000))
        assert problem.code == "balances_differ"
        assert problem.params == {"opening": 10_000, "moved": -1001, "closing": 9_000}

    @pytest.mark.parametrize("missing", ["OPBD", "CLBD"])
    def test_without_balances_nothing_is_believed(self, missing: str) -> None:
        body = to_camt053([], first=DAY, last=DAY, opening=1, closing=1, created_at="2026-11-21T23:00:00+09:00")
        assert refusal(lambda: camt053.read(body.replace(missing.encode(), b"XXXX"))).code == "balance_missing"


class TestSheets:
    rows = (
        ("은행명", "입금계좌번호", "이체금액", "예금주명", "처리결과", "불능사유", "처리일자", "순번"),
        ("국민은행", "11012345000001", "1,001", "김지우", "정상", "", "2026-11-21", "1"),
        ("국민은행", "11012345000002", "1,002", "김지우", "처리불능", "해지계좌입니다", "2026.11.21", "2"),
        ("국민은행", "11012345000003", "1,003", "김지우", "뭐라고요", "", "20261121", "3"),
        ("국민은행", "11012345000004", "1,004", "김지우", "거절", "중복 이체", "20261121", "4"),
        ("합계", "", "4,010", "", "", "", "", ""),
    )

    def csv(self, encoding: str) -> bytes:
        return "\r\n".join(",".join(f'"{cell}"' for cell in row) for row in self.rows).encode(encoding)

    def xlsx(self) -> bytes:
        book, out = openpyxl.Workbook(), io.BytesIO()
        page = book.active
        assert page is not None
        for row in self.rows:
            page.append(list(row))
        book.save(out)
        return out.getvalue()

    @pytest.mark.parametrize("kind", ["cp949", "utf-8-sig", "utf-8", "utf-16", "xlsx"])
    def test_every_form_says_the_same(self, kind: str) -> None:
        body = self.xlsx() if kind == "xlsx" else self.csv(kind)
        found = results.read(io.BytesIO(body)).answers
        told = [one.outcome_for(instruction(place)) for place, one in enumerate(found, start=1)]
        assert [one.kind for one in told] == [
            OutcomeKind.SUCCEEDED,
            OutcomeKind.FAILED,
            OutcomeKind.UNKNOWN,
            OutcomeKind.UNKNOWN,
        ]
        assert (told[1].code, told[3].code) == ("415", "DUPLICATE")
        assert found[0].executed_at == datetime(2026, 11, 21, tzinfo=SEOUL)
        assert [one.line for one in found] == [2, 3, 4, 5]

    def test_english_headers(self) -> None:
        body = f"Bank,Account,Amount,Holder,Reference,Status\n004,11012345000001,1001,x,{REFERENCE},Success\n".encode()
        (one,) = results.read(io.BytesIO(body)).answers
        assert (one.reference, one.kind) == (REFERENCE, OutcomeKind.SUCCEEDED)

    @pytest.mark.parametrize(
        ("row", "where", "code"),
        [
            ("국민,,1001,김,정상", "계좌번호", "required"),
            ("국민,1101,천원,김,정상", "금액", "not_an_amount"),
            ("국민,1101,,김,정상", "금액", "required"),
            ("국민,11A1,1,김,정상", "계좌번호", "not_digits"),
            ("국민,1101,1,김,", "처리결과", "required"),
        ],
    )
    def test_wrong_cells_are_named(self, row: str, where: str, code: str) -> None:
        body = f"은행,계좌번호,금액,예금주,처리결과\n{row}\n".encode()
        problem = refusal(lambda: results.read(io.BytesIO(body)))
        assert (problem.line, problem.where, problem.code) == (2, where, code)

    def test_a_sheet_without_results_is_refused(self) -> None:
        assert (
            refusal(lambda: results.read(io.BytesIO("은행,계좌번호,금액\n국민,1101,1\n".encode()))).code
            == "header_missing"
        )


def test_the_rail_itself_sends_and_knows_nothing() -> None:
    rail = FileRail()
    one: Instruction = instruction()
    assert rail.promises.by_file
    assert not rail.promises.deduplicates
    assert rail.send(one).kind is OutcomeKind.NOT_SENT
    assert rail.inquire(one.reference, date(2026, 11, 21)).kind is OutcomeKind.UNKNOWN

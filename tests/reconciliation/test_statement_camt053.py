"""
Promise: every booked entry of a camt.053 message is a line, a batch is its parts, and no balance is made up.

Reversals and returns are money that came back, fees are told from transfers, and what does not add up is a gap.
"""

from dataclasses import dataclass
from datetime import date, datetime

import pytest

from core.clock import SEOUL
from reconciliation.statements.lines import Said, StatementFile
from reconciliation.statements.reading import read
from reconciliation.statements.refusals import StatementRefused

_NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"


@dataclass(frozen=True)
class Entry:
    """One entry: a signed amount in the currency's own digits, and whatever else it says."""

    amount: str
    more: str = ""
    details: str = ""
    status: str = "BOOK"
    day: str = "<Dt>2026-11-03</Dt>"


def _sided(tag: str, amount: str, currency: str) -> str:
    sign = "DBIT" if amount.startswith("-") else "CRDT"
    return f'<Amt Ccy="{currency}">{amount.lstrip("-")}</Amt><CdtDbtInd>{sign}</CdtDbtInd>{tag}'


def _balance(code: str, amount: str, currency: str) -> str:
    tail = _sided("<Dt><Dt>2026-11-03</Dt></Dt>", amount, currency)
    return f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>{tail}</Bal>"


def _statement(
    *entries: Entry,
    opening: str = "1000",
    closing: str = "",
    account: str = "<Othr><Id>110-123</Id></Othr>",
    currency: str = "KRW",
    number: str = "S-1",
) -> str:
    written = "".join(
        f"<Ntry>{_sided('', one.amount, currency)}<Sts><Cd>{one.status}</Cd></Sts><BookgDt>{one.day}</BookgDt>"
        f"{one.more}<NtryDtls>{one.details}</NtryDtls></Ntry>"
        for one in entries
    )
    balances = (_balance("OPBD", opening, currency) if opening else "") + (
        _balance("CLBD", closing, currency) if closing else ""
    )
    return f"<Stmt><Id>{number}</Id><Acct><Id>{account}</Id><Ccy>{currency}</Ccy></Acct>{balances}{written}</Stmt>"


def _read(*statements: str) -> StatementFile:
    body = (
        f'<?xml version="1.0"?><Document xmlns="{_NAMESPACE}"><BkToCstmrStmt><GrpHdr><MsgId>M-1</MsgId></GrpHdr>'
        f"{''.join(statements)}</BkToCstmrStmt></Document>"
    )
    return read(body.encode(), mapping=None)


def _part(amount: str, reference: str, currency: str = "KRW") -> str:
    return f'<TxDtls><Refs><EndToEndId>{reference}</EndToEndId></Refs><Amt Ccy="{currency}">{amount}</Amt></TxDtls>'


def test_balances_are_counted_from_the_opening_one() -> None:
    found = _read(_statement(Entry("-300"), Entry("50"), Entry("-7", status="PDNG"), closing="750"))
    assert [(line.row, line.amount, line.balance_after) for line in found.lines] == [(1, -300, 700), (2, 50, 750)]
    assert (found.opening, found.closing, found.gaps, found.statement_id) == (1_000, 750, (), "S-1")
    assert (found.account_number, found.first_day, found.last_day) == ("110-123", date(2026, 11, 3), date(2026, 11, 3))


def test_balances_that_do_not_add_up_are_a_gap_and_give_no_running_balance() -> None:
    found = _read(_statement(Entry("-300"), Entry("50"), closing="751"))
    assert [line.balance_after for line in found.lines] == [None, None]
    assert (found.opening, found.closing, found.gaps) == (1_000, 751, (2,))
    assert _read(_statement(Entry("-300"), opening="", closing="")).gaps == ()


def test_a_batch_is_its_parts_and_must_be_their_sum() -> None:
    found = _read(_statement(Entry("-300", details=_part("100", "A") + _part("200", "B")), closing="700"))
    assert [(line.row, line.amount, line.reference, line.balance_after) for line in found.lines] == [
        (1, -100, "A", 900),
        (1, -200, "B", 700),
    ]
    # Parts that do not say what they moved leave the entry whole.
    nameless = "<TxDtls><Refs><EndToEndId>A</EndToEndId></Refs></TxDtls>" * 2
    assert [line.amount for line in _read(_statement(Entry("-300", details=nameless), closing="700")).lines] == [-300]
    with pytest.raises(StatementRefused) as refused:
        _read(_statement(Entry("-300", details=_part("100", "A") + _part("100", "B")), closing="700"))
    assert [problem.code for problem in refused.value.problems] == ["parts_differ"]


def _coded(family: str, kind: str) -> str:
    return f"<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>{family}</Cd><SubFmlyCd>{kind}</SubFmlyCd></Fmly></Domn></BkTxCd>"


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (Entry("-9", _coded("ICDT", "DMCT")), Said.TRANSFER),
        (Entry("-9", details=_part("9", "OURS")), Said.TRANSFER),
        (Entry("-9", details=_part("9", "NOTPROVIDED")), Said.OTHER),
        (Entry("-9", _coded("MDOP", "CHRG")), Said.FEE),
        (Entry("-9"), Said.OTHER),
        (Entry("9", _coded("RCDT", "DMCT")), Said.DEPOSIT),
        (Entry("9", _coded("RCDT", "RRTN")), Said.RETURN),
        (Entry("9", "<RvslInd>true</RvslInd>"), Said.RETURN),
        (Entry("9", details="<TxDtls><RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf></TxDtls>"), Said.RETURN),
        (Entry("9"), Said.OTHER),
    ],
)
def test_what_the_bank_says_moved_the_money(entry: Entry, said: Said) -> None:
    [line] = _read(_statement(entry)).lines
    assert line.said is said


def test_the_other_side_is_the_payee_of_what_went_out_and_the_payer_of_what_came_in() -> None:
    parties = (
        "<TxDtls><RltdPties><Dbtr><Pty><Nm>보낸이</Nm></Pty></Dbtr>"
        "<DbtrAcct><Id><Othr><Id>110-123</Id></Othr></Id></DbtrAcct>"
        "<Cdtr><Nm>받는이</Nm></Cdtr><CdtrAcct><Id><IBAN>KR12 3456</IBAN></Id></CdtrAcct></RltdPties>"
        "<RltdAgts><CdtrAgt><FinInstnId><ClrSysMmbId><MmbId>088</MmbId></ClrSysMmbId></FinInstnId></CdtrAgt></RltdAgts>"
        "<RmtInf><Ustrd>정산  11월</Ustrd><Ustrd>지급</Ustrd></RmtInf></TxDtls>"
    )
    [out] = _read(_statement(Entry("-9", details=parties))).lines
    assert (out.name, out.account_number, out.bank, out.memo) == ("받는이", "KR123456", "SHINHAN", "정산 11월 지급")
    # What comes in from our own account number is not a payer; the creditor is then all that the bank says.
    [came] = _read(_statement(Entry("9", details=parties.replace("110-123", "220-9")))).lines
    assert (came.name, came.account_number) == ("보낸이", "2209")


def test_days_are_those_of_seoul() -> None:
    [late] = _read(_statement(Entry("9", day="<DtTm>2026-11-03T15:30:00Z</DtTm>"))).lines
    assert (late.day, late.booked_at) == (date(2026, 11, 4), datetime(2026, 11, 4, 0, 30, tzinfo=SEOUL))
    [plain] = _read(_statement(Entry("9"))).lines
    assert (plain.day, plain.booked_at) == (date(2026, 11, 3), None)


def test_newest_first_is_turned_round() -> None:
    newest = Entry("5", day="<Dt>2026-11-04</Dt>")
    found = _read(_statement(newest, Entry("-3"), closing="1002"))
    assert [(line.row, line.amount, line.balance_after) for line in found.lines] == [(2, -3, 997), (1, 5, 1_002)]


def test_cents_are_minor_units_and_another_currency_is_refused() -> None:
    found = _read(_statement(Entry("-3.07"), opening="10.00", closing="6.93", currency="USD"))
    assert (found.lines[0].amount, found.opening, found.closing, found.currency) == (-307, 1_000, 693, "USD")
    for entry, code in ((Entry("-3.075"), "not_an_amount"), (Entry("-1e3"), "not_an_amount")):
        with pytest.raises(StatementRefused) as refused:
            _read(_statement(entry, currency="USD"))
        assert [problem.code for problem in refused.value.problems] == [code]
    with pytest.raises(StatementRefused) as refused:
        _read(_statement(Entry("-300", details=_part("100", "A", "USD") + _part("200", "B")), closing="700"))
    assert [problem.code for problem in refused.value.problems] == ["currency_differs"]


def test_several_statements_of_one_account_are_one_and_must_follow() -> None:
    later = Entry("1", day="<Dt>2026-11-05</Dt>")
    second = _statement(later, opening="700", closing="701", number="S-2")
    found = _read(_statement(Entry("-300"), closing="700"), second)
    assert ([line.row for line in found.lines], found.opening, found.closing) == ([1, 2], 1_000, 701)
    assert (found.gaps, found.statement_id, found.last_day) == ((), "M-1", date(2026, 11, 5))
    gap = _statement(later, opening="600", closing="601", number="S-2")
    assert _read(_statement(Entry("-300"), closing="700"), gap).gaps == (2,)
    with pytest.raises(StatementRefused) as refused:
        _read(_statement(Entry("-300")), _statement(Entry("1"), account="<Othr><Id>9</Id></Othr>"))
    assert [problem.code for problem in refused.value.problems] == ["several_accounts"]


def test_a_day_without_movements_is_a_statement() -> None:
    found = _read(_statement(closing="1000"))
    assert (found.lines, found.opening, found.closing, found.first_day) == ((), 1_000, 1_000, date(2026, 11, 3))

"""Protects the files that go to the bank: they hold exactly what is approved and keep the rules of the standard."""

import csv
import io
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from core.money import MAX_AMOUNT
from payouts.rails.base import Instruction
from payouts.rails.files import pain001, sheet
from payouts.rails.files.order import BANK_NUMBERS, Order, Payer, fitted, is_writable, plain, problem_with, width
from payouts.rails.files.refusals import FileRefused
from tests.payouts.rails.iso20022 import faults

NOW = datetime(2026, 11, 20, 22, 30, tzinfo=UTC)
DAY = date(2026, 11, 21)
PAYER = Payer("한빛마켓 주식회사", "SHINHAN", "140012345678")


def instruction(number: int = 1, **values: object) -> Instruction:
    usual: dict[str, object] = {
        "reference": f"at-01KAB{number:021d}",
        "reference_date": DAY,
        "amount": 1_000 + number,
        "currency": "KRW",
        "bank": "KOOKMIN",
        "account_number": f"11012345{number:06d}",
        "holder": "김지우",
        "deposit_memo": "11월 정산",
        "withdrawal_memo": "파트너 정산",
    }
    return Instruction(**(usual | values))  # type: ignore[arg-type] # a test names any field


def order(*transfers: Instruction) -> Order:
    return Order("tf-0123456789", NOW, DAY, PAYER, transfers)


anything = st.text(alphabet=st.characters(codec="utf-8"), max_size=200)
writable = st.builds(
    lambda number, amount, bank, account, holder, deposit, own: instruction(
        number,
        amount=amount,
        bank=bank,
        account_number=account,
        holder=holder,
        deposit_memo=deposit,
        withdrawal_memo=own,
    ),
    st.integers(0, 10**9),
    st.integers(1, MAX_AMOUNT // 100),
    st.sampled_from(sorted(BANK_NUMBERS)),
    st.from_regex(r"[0-9]{4,16}", fullmatch=True).filter(str.isascii),
    anything,
    anything,
    anything,
).filter(lambda one: not problem_with(one))
orders = st.lists(writable, min_size=1, max_size=8, unique_by=lambda one: one.reference).map(lambda some: order(*some))


@given(orders)
@settings(max_examples=150, deadline=None)
def test_any_payouts_make_a_message_that_keeps_the_rules(given_order: Order) -> None:
    assert faults(pain001.write(given_order)) == []


@given(orders)
@settings(max_examples=60, deadline=None)
def test_both_sheets_hold_exactly_what_was_approved(given_order: Order) -> None:
    wanted = [(BANK_NUMBERS[one.bank], one.account_number, one.amount) for one in given_order.transfers]
    text = sheet.write_csv(given_order).decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert rows[0] == list(sheet.HEADERS)
    assert [(row[0], row[1], int(row[2])) for row in rows[1:]] == wanted
    assert [row[3] for row in rows[1:]] == [one.holder.strip() for one in given_order.transfers]
    book = CalamineWorkbook.from_filelike(io.BytesIO(sheet.write_xlsx(given_order)))
    assert len(book.sheet_names) == 1
    cells = book.get_sheet_by_index(0).to_python()[1:]
    assert [(row[0], row[1], int(row[2])) for row in cells] == wanted  # type: ignore[arg-type] # the cell holds a number


def test_the_rules_find_what_breaks_them() -> None:
    good = pain001.write(order(instruction()))
    assert faults(good) == []
    for before, after in (
        (b"<NbOfTxs>1<", b"<NbOfTxs>2<"),
        (b"<PmtMtd>TRF</PmtMtd><BtchBookg>false</BtchBookg>", b"<BtchBookg>false</BtchBookg><PmtMtd>TRF</PmtMtd>"),
        (b' Ccy="KRW"', b' Ccy="krw"'),
        (b"<InitgPty>", b"<InitgPty><Id2/>"),
        (b"<MmbId>088</MmbId>", b"<MmbId></MmbId>"),
        (b"<Dt>2026-11-21</Dt>", b"<Dt>21.11.2026</Dt>"),
        (b"<CdtrAcct>", b"<CdtrAcct><Nm>x</Nm>"),
        (b">1001<", b">1001.123456<"),
        (b"pain.001.001.09", b"pain.001.001.03"),
    ):
        assert before in good
        assert faults(good.replace(before, after, 1)) != [], before


def test_the_message_says_who_pays_whom_when_and_how_much() -> None:
    message = pain001.write(order(instruction(), instruction(2))).decode()
    assert "<CreDtTm>2026-11-21T07:30:00+09:00</CreDtTm>" in message
    assert "<EndToEndId>at-01KAB000000000000000000001</EndToEndId>" in message
    assert "<InstrId>2026-11-21</InstrId>" in message
    assert "<ReqdExctnDt><Dt>2026-11-21</Dt></ReqdExctnDt>" in message
    assert "<Cd>KRBOK</Cd></ClrSysId><MmbId>004</MmbId>" in message
    assert message.count("<CtrlSum>2003</CtrlSum>") == 2


def test_a_message_without_transfers_or_with_a_long_id_is_refused() -> None:
    with pytest.raises(FileRefused, match="no_transfers"):
        pain001.write(order())
    with pytest.raises(FileRefused, match="id_too_long"):
        pain001.write(Order("t" * 34, NOW, DAY, PAYER, (instruction(),)))


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"currency": "USD"}, "currency"),
        ({"bank": "MISC_FOREIGN"}, "bank_without_number"),
        ({"account_number": "12-34"}, "account_number"),
        ({"account_number": "1" * 17}, "account_number"),
        ({"reference": "한글"}, "reference"),
        ({"holder": "  "}, "holder_missing"),
        ({"holder": "가" * 141}, "holder_too_long"),
        ({"holder": "김\x07정산"}, "holder_characters"),
        ({"holder": '=HYPERLINK("x")'}, "holder_characters"),
        ({}, ""),
    ],
)
def test_what_no_file_can_hold_is_known_before(values: dict[str, Any], why: str) -> None:
    assert problem_with(instruction(**values)) == why


def test_memos_are_cut_to_what_the_bank_prints_and_counted() -> None:
    long = order(
        instruction(deposit_memo="한빛마켓 십일월 정산대금", withdrawal_memo="abcdefghijklmnopqrstu"), instruction(2)
    )
    profile = sheet.profiles("SHINHAN=14/20")["SHINHAN"]
    first, second = sheet.lines(long, profile)
    assert first[4:] == ("한빛마켓 십일", "abcdefghijklmnopqrst")
    assert second[4:] == ("11월 정산", "파트너 정산")
    assert sheet.shortened(long, profile) == 1


@given(anything, st.integers(0, 40))
def test_cut_texts_fit_and_run_nothing(text: str, places: int) -> None:
    told = fitted(plain(text), places)
    assert width(told) <= places
    assert is_writable(told)
    assert told[:1] not in {"=", "+", "-", "@", "'"}


@pytest.mark.parametrize("text", ["KOOKMIN", "NOBANK=1/2", "KOOKMIN=0/2", "KOOKMIN=14-20"])
def test_a_wrong_setting_of_widths_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="KOOKMIN=14/20"):
        sheet.profiles(text)

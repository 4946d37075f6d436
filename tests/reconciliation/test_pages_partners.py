"""Promise: operators see what each reseller of a file comes to, charge it once, and see what a month still needs."""

import csv
from datetime import date, timedelta
from io import BytesIO, StringIO
from typing import Any

import pytest
from django.urls import reverse
from openpyxl import load_workbook

from access.roles import Role
from core import clock
from payouts.operations import funds
from reconciliation import queries
from reconciliation.lines import Kind
from reconciliation.models import Batch, ResellerSettlement
from reconciliation.operations import comparing, own_records, reselling, statements
from reconciliation.pages.months import reads as month_reads
from reconciliation.pages.months.reads import Month
from settlement.models import SettlementRecord
from settlement.tables import record_url
from tests.access.build import firm
from tests.build import BY, noon, partner
from tests.reconciliation.desk import Desk, download, text_of
from tests.reconciliation.stored import accepted, read, receive, sheet, won
from tests.reconciliation.test_statement_matching import said
from tests.reconciliation.test_statement_matching import sheet as bank_sheet
from tests.reconciliation.writing import table


@pytest.fixture(autouse=True)
def _quick(settings: Any) -> None:
    """Spare every test the time a good password hash takes."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def desk(db: None) -> Desk:  # noqa: ARG001 - needs tables
    return Desk(firm("한빛마켓"))


@pytest.fixture
def batch(desk: Desk) -> Batch:
    """Return an accepted invoice of two resellers, one of whom nobody knows."""
    partner(desk.scope, "reseller-a")
    partner(desk.scope, "reseller-b", name="두번째 재판매사")
    reselling.link(scope=desk.scope, mpn="6200001", partner_id="reseller-a", by=BY, now=noon())
    return accepted(desk.scope, won(("6200001", "1000", "100"), ("6200002", "-500.4", "-50"), ("", "20", "2")))


def _link(desk: Desk, batch: Batch, mpn: str, **sent: str) -> Any:
    return desk.browser().post(reverse("reconciliation:partner-link", args=[batch.public_id, mpn]), sent)


def _rows(response: Any) -> list[list[str]]:
    return list(csv.reader(StringIO(download(response))))


def test_the_parts_are_the_whole_file(desk: Desk, batch: Batch) -> None:
    page = desk.counted("by-partner", batch.public_id)
    assert "모두 더하면 파일의 합계와 같아요" in page
    assert "1,000 100 1,100 -1,100" in page
    assert "파트너 연결 필요" in page
    assert "재판매사 없음" in page
    assert "반올림 차이" in page


def test_a_reseller_is_linked_and_charged_from_preview_to_record(desk: Desk, batch: Batch) -> None:
    assert "어느 파트너인지" in desk.see("partner-link", batch.public_id, "6200002")
    answer = _link(desk, batch, "6200002", partner="두번째 재판매사")
    assert answer.status_code == 302
    assert queries.reseller_links(desk.scope).count() == 2
    keys = ["KRW|6200001", "KRW|6200002"]
    preview = text_of(desk.post("settle", batch.public_id, chosen=keys, on="2026-10-31"))
    assert "수기 정산 2건" in preview
    assert "-1,100" in preview
    assert "550" in preview
    assert not SettlementRecord.objects.exists()
    for _twice in range(2):
        done = desk.post("settle", batch.public_id, chosen=keys, on="2026-10-31", confirm="yes")
        assert done.status_code == 302
    assert sorted(SettlementRecord.objects.values_list("net", flat=True)) == [-1_100, 550]
    page = desk.see("by-partner", batch.public_id)
    assert page.count("정산함") == 2
    made = ResellerSettlement.objects.get(mpn="6200001")
    record = desk.browser().get(record_url(made.record_id))
    assert reverse("reconciliation:by-partner", args=[batch.public_id]) in record.content.decode()


def test_the_sign_is_turned_in_the_preview(desk: Desk, batch: Batch) -> None:
    chosen: dict[str, Any] = {"chosen": ["KRW|6200001"], "flipped": ["KRW|6200001"], "on": "2026-10-31"}
    assert "1,100" in text_of(desk.post("settle", batch.public_id, **chosen))
    desk.post("settle", batch.public_id, **chosen, confirm="yes")
    assert SettlementRecord.objects.get().net == 1_100


@pytest.mark.parametrize(
    "sent",
    [
        {"chosen": [], "on": "2026-10-31"},
        {"chosen": ["KRW|6200002"], "on": "2026-10-31"},
        {"chosen": ["KRW|nobody"], "on": "2026-10-31"},
        {"chosen": ["KRW|6200001"], "on": "31.10."},
        {"chosen": ["KRW|6200001"]},
    ],
)
def test_what_cannot_be_settled_is_not(desk: Desk, batch: Batch, sent: dict[str, Any]) -> None:
    answer = desk.post("settle", batch.public_id, **sent, confirm="yes")
    assert answer.status_code == 302
    assert "골라 주세요" in desk.see("by-partner", batch.public_id)
    assert not SettlementRecord.objects.exists()


def test_the_file_has_exact_figures(desk: Desk, batch: Batch) -> None:
    rows = _rows(desk.get("by-partner", batch.public_id, format="csv"))
    assert rows[0][1:4] == ["재판매사 ID", "파트너", "통화"]
    by_id = {row[1]: row for row in rows[1:]}
    assert by_id["6200002"][5:8] == ["-500.4", "-50", "-550.4"]
    book = load_workbook(BytesIO(b"".join(desk.get("by-partner", batch.public_id, format="xlsx").streaming_content)))
    values = list(book.worksheets[0].iter_rows(values_only=True))
    assert [row[7] for row in values[1:] if row[1] == "6200001"] == [1100]


def test_others_see_nothing_and_viewers_change_nothing(desk: Desk, batch: Batch) -> None:
    other = Desk(firm("다른 가게"))
    assert other.get("by-partner", batch.public_id).status_code == 404
    assert other.get("partner-link", batch.public_id, "6200001").status_code == 404
    assert other.post("settle", batch.public_id, chosen=["KRW|6200001"], on="2026-10-31").status_code == 404
    assert desk.get("by-partner", batch.public_id, role=Role.VIEWER).status_code == 200
    assert desk.post("partner-link", batch.public_id, "6200001", role=Role.VIEWER).status_code == 403
    for page in ("settle", "vendor-account"):
        assert desk.post(page, batch.public_id, role=Role.VIEWER, vendor_account="x").status_code == 403
    assert desk.post("vendor-account", batch.public_id, role=Role.OPERATOR, vendor_account="x").status_code == 403
    assert desk.post("vendor-account", batch.public_id, role=Role.ADMIN, vendor_account="V-1").status_code == 302
    assert queries.vendor_account(desk.scope) == "V-1"


def test_a_link_can_be_undone(desk: Desk, batch: Batch) -> None:
    _link(desk, batch, "6200001", unlink="1")
    assert not queries.reseller_links(desk.scope).exists()
    wrong = _link(desk, batch, "6200001", partner="없는 사람")
    assert "이런 이름이나 아이디의 파트너가 없어요" in text_of(wrong)


class TestTheMonth:
    def open(self, desk: Desk, month: Month, today: date | None = None) -> dict[str, int]:
        found = month_reads.steps(desk.scope, month, today=today or month.last + timedelta(days=5))
        return {f"{one.area}/{one.what}": one.open for one in found if one.open}

    def test_it_says_what_is_left_until_nothing_is(self, desk: Desk, batch: Batch) -> None:
        assert batch.last_day is not None
        month = Month.of(batch.last_day)
        left = self.open(desk, month)
        assert left == {
            "결과/비교하지 않은 파일": 1,
            "파트너별/파트너를 연결할 재판매사: G1": 1,
            "파트너별/정산할 재판매사: G1": 1,
            "청구 기록/청구 기록 마감": 1,
        }
        reselling.link(scope=desk.scope, mpn="6200002", partner_id="reseller-b", by=BY, now=noon())
        keys = ["KRW|6200001", "KRW|6200002"]
        desk.post("settle", batch.public_id, chosen=keys, on="2026-10-31", confirm="yes")
        comparing.compare(scope=desk.scope, batch_id=batch.public_id, by=BY, now=noon())
        assert self.open(desk, month) == {"결과/열린 차이: G1": 3, "청구 기록/청구 기록 마감": 1}
        own_records.lock_period(scope=desk.scope, first_day=month.first, last_day=month.last, by=BY, now=noon())
        assert self.open(desk, month) == {"결과/열린 차이: G1": 3}

    def test_a_file_that_came_before_and_has_not_come_is_missed(self, desk: Desk, batch: Batch) -> None:
        assert batch.last_day is not None
        month = Month.of(batch.last_day).after
        assert self.open(desk, month)["조정 파일/아직 오지 않은 파일"] == 1
        assert "조정 파일/아직 오지 않은 파일" not in self.open(desk, month.after.after.after.after)
        read(receive(desk.scope, sheet(1, "G9")))
        assert self.open(desk, Month.of(batch.last_day))["조정 파일/반영할 파일"] == 1

    def test_the_bank_is_part_of_it(self, desk: Desk) -> None:
        account = funds.open_bank_account(
            scope=desk.scope, name="주계좌", bank="SHINHAN", number="140012345678", holder="h", rail="file", by=BY,
            now=clock.now(), public_id="main",
        )  # fmt: skip
        today = clock.today()
        month = Month.of(today)
        body = bank_sheet(said(500, day=today), said(-30, "FEE", sequence=2, day=today))
        kept = statements.receive(
            scope=desk.scope, bank_account_id="main", name="a", body=body, mapping=None, by=BY, now=clock.now()
        )
        statements.confirm(scope=desk.scope, statement_id=kept.public_id, by=BY, now=clock.now())
        left = self.open(desk, month, today)
        assert left.get("은행 명세 · 주계좌/명세가 없는 날", 0) == today.day - 1
        assert left["은행 명세 · 주계좌/맞추지 못한 명세 줄"] == 2
        assert today not in month_reads.days_without_statement(account, month, today + timedelta(days=1))

    @pytest.mark.parametrize(("opening", "missing"), [(1_000, 0), (900, 8)])
    def test_days_on_which_nothing_moved_need_no_statement(self, desk: Desk, opening: int, missing: int) -> None:
        account = funds.open_bank_account(
            scope=desk.scope, name="주계좌", bank="SHINHAN", number="140012345678", holder="h", rail="file", by=BY,
            now=clock.now(), public_id="main",
        )  # fmt: skip
        for on, balance, amount in (("2026-10-01", 1_000, 1_000), ("2026-10-10", opening + 500, 500)):
            line = said(amount, day=date.fromisoformat(on), balance_after=str(balance), bank_reference=on)
            kept = statements.receive(
                scope=desk.scope, bank_account_id="main", name=on, body=bank_sheet(line), mapping=None, by=BY,
                now=clock.now(),
            )  # fmt: skip
            statements.confirm(scope=desk.scope, statement_id=kept.public_id, by=BY, now=clock.now())
        found = month_reads.days_without_statement(account, Month.of(date(2026, 10, 1)), date(2026, 10, 11))
        assert len(found) == missing

    def test_the_page_and_its_file(self, desk: Desk, batch: Batch) -> None:
        assert batch.last_day is not None
        code = Month.of(batch.last_day).code
        page = desk.counted("month", month=code)
        assert "아직 4가지가 남았어요" in page
        rows = _rows(desk.get("month", month=code, format="csv"))
        assert ["결과", "비교하지 않은 파일", "1", "G1", "남음"] in rows
        assert "연도와 월을 적어 주세요" in desk.see("month", month="13월")
        assert desk.get("month", month="1999-01").status_code == 200
        other = Desk(firm("다른 가게"))
        assert "G1" not in other.see("month", month=code)


def test_the_months_are_those_of_the_calendar() -> None:
    month = Month.of(date(2026, 3, 15))
    assert (month.first, month.last, month.code) == (date(2026, 3, 1), date(2026, 3, 31), "2026-03")
    assert (month.before.last, month.after.last, month.earlier(3).code) == (
        date(2026, 2, 28),
        date(2026, 4, 30),
        "2025-12",
    )


def test_kinds_without_money_have_no_parts(desk: Desk) -> None:
    daily = accepted(desk.scope, table(Kind.USAGE_DAILY_LEGACY, rows=2))
    assert "금액이 있는 내역이 없어요" in desk.see("by-partner", daily.public_id)

"""
Promise: a bank's file becomes a statement only after a person saw what it says; every line of it can be worked off.

The bank's own file of a day of payouts confirms itself and matches whole; a sheet with other columns is read as a
person says and remembered; strangers see nothing, viewers change nothing, and doing a thing twice does it once.
"""

import csv
import io
import urllib.request
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from access.models import AuditEvent, User
from access.roles import Role
from core import clock, jobs
from ledger.chart import Code
from payouts.models import PayoutStatus
from reconciliation import statement_queries as queries
from reconciliation.models import Statement, StatementLine, StatementMapping, StatementState
from tests.access.build import Firm, firm, signed_in
from tests.payouts.world import World, world
from tests.query_counts import recorded

DAY = clock.today() - timedelta(days=1)
HEADERS = ("거래일시", "적요", "찾으신금액", "맡기신금액", "거래후잔액", "거래번호")


class Desk:
    """A merchant with people who work off statements."""

    def __init__(self, made: World) -> None:
        self.world = made
        self.firm = Firm(made.merchant, made.scope)
        self._browsers: dict[str, Client] = {}

    def browser(self, role: Role = Role.OPERATOR) -> Client:
        """Return the browser of one person with this role."""
        if role not in self._browsers:
            person: User = self.firm.person(f"{role}-{self.world.scope.merchant_id}", role, code=role is Role.APPROVER)
            self._browsers[role] = signed_in(person)
        return self._browsers[role]

    def see(self, name: str, *args: object, role: Role = Role.OPERATOR, **query: str) -> str:
        """Return a page."""
        answer = self.browser(role).get(reverse(f"reconciliation:{name}", args=args), query)
        assert answer.status_code == 200, (answer.status_code, name)
        return answer.content.decode()

    def send(self, name: str, *args: object, role: Role = Role.OPERATOR, **data: Any) -> Any:
        """Send a form."""
        return self.browser(role).post(reverse(f"reconciliation:{name}", args=args), data)

    def upload(self, body: bytes, name: str = "statement.csv", **data: str) -> Any:
        """Send a file as the upload does."""
        told: dict[str, Any] = {"account": "main", **data}
        return self.send("statement-upload", file=SimpleUploadedFile(name, body), **told)

    def look(self, body: bytes, **data: str) -> str:
        """Return what the upload shows while columns are chosen."""
        told: dict[str, Any] = {"account": "main", **data}
        answer = self.send("statement-look", file=SimpleUploadedFile("a.csv", body), **told)
        assert answer.status_code == 200
        return str(answer.content.decode())

    def confirmed(self, body: bytes, **data: str) -> Statement:
        """Upload, confirm, and let the worker match."""
        answer = self.upload(body, **data)
        assert answer.status_code == 302, answer.content.decode()
        found = queries.statements(self.world.scope)[0]
        assert self.send("statement", found.public_id, action="confirm").status_code == 302
        work()
        found.refresh_from_db(fields=["state"])
        assert found.state == StatementState.CONFIRMED
        return found

    def line(self, **wanted: object) -> StatementLine:
        """Return the one line that is like this."""
        return StatementLine.objects.within(self.world.scope).select_related("bank_account").get(**wanted)


def work() -> None:
    """Let the worker do what waits."""
    while jobs.run_due_jobs():
        pass


@pytest.fixture
def desk(db: None, settings: Any, tmp_path: Path) -> Iterator[Desk]:  # noqa: ARG001 - needs tables
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    with world(tmp_path) as made:
        yield Desk(made)


def sheet(*rows: tuple[object, ...], headers: tuple[str, ...] = HEADERS) -> bytes:
    """Return a bank's sheet with a line above its header."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows([("거래내역", f"{DAY}"), headers, *rows])
    return text.getvalue().encode("cp949")


def moves(*amounts: int, opening: int = 10_000_000) -> list[tuple[object, ...]]:
    """Return rows of a sheet."""
    rows: list[tuple[object, ...]] = []
    for place, amount in enumerate(amounts):
        opening += amount
        came, out = (f"{amount:,}", "") if amount > 0 else ("", f"{-amount:,}")
        rows.append((f"{DAY} 09:{place:02d}:00", f"move {place}", out, came, f"{opening:,}", f"B{place}"))
    return rows


def paid(desk: Desk, *amounts: int) -> None:
    """Pay partners on the simulated bank."""
    for place, amount in enumerate(amounts):
        desk.world.partner(f"p{place}")
        desk.world.owe(f"p{place}", amount)
    desk.world.approved()
    desk.world.send()


def from_bank(desk: Desk, form: str = "csv") -> bytes:
    """Return the bank's own statement of today and the days before."""
    today = clock.today()
    path = f"/v1/statements?from={today - timedelta(days=2)}&to={today}&format={form}"
    with urllib.request.urlopen(f"http://127.0.0.1:{desk.world.bank.port}{path}") as answer:
        found: bytes = answer.read()
    return found


# The bank's own file.


def test_the_banks_own_file_of_a_day_matches_whole(desk: Desk) -> None:
    paid(desk, 5_000, 7_000)
    body = from_bank(desk)
    answer = desk.upload(body)
    found = Statement.objects.get()
    assert answer["Location"] == reverse("reconciliation:statement", args=[found.public_id])
    shown = desk.see("statement", found.public_id)
    assert "장부와 일치" in shown
    assert not StatementLine.objects.exists()

    desk.send("statement", found.public_id, action="confirm")
    desk.send("statement", found.public_id, action="confirm")
    work()
    lines = StatementLine.objects.order_by("-amount")
    assert [(line.amount, line.left) for line in lines] == [(-5_000, 0), (-7_000, 0)]
    assert "반영했어요" in desk.see("statement", found.public_id)

    # The same bytes lead to the statement that they are.
    again = desk.upload(body)
    assert (again["Location"], Statement.objects.count()) == (answer["Location"], 1)


def test_a_statement_that_was_thrown_away_changes_nothing_and_can_come_again(desk: Desk) -> None:
    paid(desk, 5_000)
    body = from_bank(desk)
    desk.upload(body)
    found = Statement.objects.get()
    desk.send("statement", found.public_id, action="discard")
    assert "버렸어요" in desk.see("statement", found.public_id)
    assert not StatementLine.objects.exists()
    desk.upload(body)
    assert [one.state for one in queries.statements(desk.world.scope)] == ["UNDERSTOOD", "DISCARDED"]


# Columns.


def test_columns_are_proposed_corrected_and_remembered(desk: Desk) -> None:
    body = sheet(*moves(5_000, -300))
    shown = desk.look(body)
    assert "열 고르기" in shown
    assert "모든 줄의 잔액이 앞줄과 이어져요" in shown
    assert "2: 거래일시" in shown

    # Said to be the other way round, the balance no longer follows, and that is shown at once.
    told = {
        "m-header_row": "2",
        "m-seen": "2",
        "m-shown": "",
        "m-day": "거래일시",
        "m-paid_in": "찾으신금액",
        "m-paid_out": "맡기신금액",
        "m-balance": "거래후잔액",
    }
    assert "이어지지 않는" in desk.look(body, **told)
    assert "골라 주세요" in desk.look(body, **{**told, "m-paid_in": "", "m-paid_out": ""})

    right = {**told, "m-paid_in": "맡기신금액", "m-paid_out": "찾으신금액", "m-description": "적요"}
    assert desk.upload(body, **right).status_code == 302
    kept = StatementMapping.objects.get()
    assert kept.mapping["paid_in"] == "맡기신금액"
    assert kept.mapping["bank_reference"] == ""
    assert Statement.objects.get().mapping["description"] == "적요"

    # The next file of this layout is read the same way without a question, wherever its header stands.
    later = sheet(("안내",), headers=("조회기간",)) + b"\r\n" + sheet(*moves(7_000)).split(b"\r\n", 1)[1]
    shown = desk.look(later)
    assert "전에 고른 열을 그대로 썼어요" in shown
    assert desk.upload(later).status_code == 302
    newest = queries.statements(desk.world.scope)[0]
    assert (newest.mapping["bank_reference"], newest.line_count, StatementMapping.objects.count()) == ("", 1, 1)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "비어"),
        (b"%PDF-1.4", "CSV, TXT, XLSX, XLS"),
        (b"<?xml version='1.0'?><a/>", "camt.053"),
        (b"PK\x03\x04junk", "손상"),
        (sheet(("2026-99-01", "a", "", "1", "1", "")), "3행, 거래일시"),
        (sheet((f"{DAY}", "a", "1", "2", "1", "")), "3행, 찾으신금액"),
        (sheet((clock.today() + timedelta(days=3), "a", "", "2", "2", "")), "아직 오지 않은 날"),
    ],
)
def test_a_file_that_cannot_be_taken_says_why_and_leaves_nothing(desk: Desk, body: bytes, said: str) -> None:
    answer = desk.upload(body)
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert not Statement.objects.exists()


def test_the_account_has_to_be_said_and_has_to_be_ours(desk: Desk) -> None:
    body = sheet(*moves(5_000))
    assert "어느 계좌" in desk.upload(body, account="").content.decode()
    assert desk.upload(body, account="not-ours").status_code == 404
    assert desk.send("statement-upload", account="main").status_code == 422
    assert not Statement.objects.exists()


# Working off.


def test_a_deposit_nobody_knows_is_attributed_once(desk: Desk) -> None:
    desk.confirmed(sheet(*moves(50_000)))
    line = desk.line(amount=50_000)
    assert "누구의 돈인지 알려 줄 입금" in desk.see("statement-desk")
    assert "가수금으로 잡아 두었어요" in desk.see("statement-line", line.pk)
    for _time in range(2):
        assert desk.send("statement-top-up", line.pk, reason="우리 돈").status_code == 302
    assert desk.world.balance(Code.SUSPENSE, "main") == 0
    shown = desk.see("statement-line", line.pk)
    assert "맞음" in shown
    assert "누구의 돈인지 알려 줄 입금" not in desk.see("statement-desk")


def test_a_fee_is_booked_with_a_reason_and_can_be_taken_back(desk: Desk) -> None:
    desk.confirmed(sheet(*moves(-500)))
    line = desk.line(amount=-500)
    assert desk.send("statement-fee", line.pk, reason=" ").status_code == 200
    assert desk.line(pk=line.pk).left == -500
    assert desk.send("statement-fee", line.pk, reason="타행이체 수수료").status_code == 302
    assert (desk.line(pk=line.pk).left, desk.world.balance(Code.BANK_FEE, "")) == (0, 500)
    assert "타행이체 수수료" in desk.see("statement-line", line.pk)
    assert desk.send("statement-unmatch", line.pk, reason="잘못 눌렀어요").status_code == 302
    assert (desk.line(pk=line.pk).left, desk.world.balance(Code.BANK_FEE, "")) == (-500, 0)
    assert "잘못 눌렀어요" in desk.see("statement-line", line.pk)


def test_what_is_more_than_usual_is_an_approvers_to_book(desk: Desk) -> None:
    desk.confirmed(sheet(*moves(-70_000)))
    line = desk.line(amount=-70_000)
    for name in ("statement-fee", "statement-write-off"):
        assert f"/{name.removeprefix('statement-')}/" not in desk.see("statement-line", line.pk)
        refused = desk.send(name, line.pk, reason="내 마음대로")
        assert "명세를 반영한 사람이 아닌 승인자가" in refused.content.decode()
    assert desk.line(pk=line.pk).left == -70_000
    assert "statement-fee" not in desk.see("statement-line", line.pk, role=Role.VIEWER)
    assert desk.send("statement-fee", line.pk, role=Role.APPROVER, reason="연간 수수료").status_code == 302
    assert desk.line(pk=line.pk).left == 0


def test_a_line_without_a_reference_is_matched_by_hand(desk: Desk) -> None:
    paid(desk, 5_000, 7_000)
    body = sheet((f"{clock.today()}", "대량이체", "12,000", "", "988,000", ""))
    desk.confirmed(body)
    line = desk.line(amount=-12_000)
    shown = desk.see("statement-line", line.pk)
    assert "같은 날 거래를 더하면 같아요" in shown
    [suggestion] = queries.suggestions(line)
    choice = ",".join(f"{one.journal_id}:{one.leg_no}" for one in suggestion.entries)
    assert desk.send("statement-line", line.pk, choice="own", reason="x").status_code == 409
    assert desk.send("statement-line", line.pk, choice="9x", reason="x").status_code == 409
    assert desk.send("statement-line", line.pk, choice=choice, reason="").status_code == 409
    assert desk.line(pk=line.pk).left == -12_000
    assert desk.send("statement-line", line.pk, choice=choice, reason="은행이 묶어서 뺐어요").status_code == 302
    assert desk.line(pk=line.pk).left == 0
    assert desk.send("statement-line", line.pk, choice=choice, reason="또").status_code == 409
    assert AuditEvent.objects.filter(object_id=line.statement.public_id, reason="은행이 묶어서 뺐어요").exists()


def test_only_an_approver_says_that_a_payout_came_back(desk: Desk) -> None:
    paid(desk, 5_000)
    payout = desk.world.payout("p0")
    desk.confirmed(sheet((f"{clock.today()}", "입금", "", "5,000", "5,000", "")))
    line = desk.line(amount=5_000)
    assert desk.send("statement-came-back", line.pk, payout=payout.public_id, reason="은행에 확인").status_code == 403
    shown = desk.see("statement-came-back", line.pk, role=Role.APPROVER)
    assert payout.public_id in shown
    told = {"payout": payout.public_id, "reason": "은행에 확인"}
    assert desk.send("statement-came-back", line.pk, role=Role.APPROVER, **told).status_code == 302
    payout.refresh_from_db()
    assert (payout.status, desk.line(pk=line.pk).left) == (PayoutStatus.RETURNED, 0)


# The position.


def test_the_desk_adds_up_and_tells_a_difference(desk: Desk) -> None:
    paid(desk, 5_000, 7_000)
    desk.confirmed(from_bank(desk))
    shown = desk.see("statement-desk")
    assert "설명되지 않는 차이가 없어요" in shown
    assert "은행 거래를 모두 설명했어요" in shown
    position = queries.position(desk.world.account)
    assert position is not None
    assert position.difference == 0
    assert desk.send("statement-again", account="main").status_code == 302
    assert "맞추고 있어요" in desk.see("statement-desk")


def test_lines_are_listed_filtered_and_exported(desk: Desk) -> None:
    desk.confirmed(sheet(*moves(50_000, -500)))
    everything = desk.see("statement-lines")
    assert (everything.count("data-href"), desk.see("statement-lines", state="open").count("data-href")) == (2, 1)
    assert desk.see("statement-lines", account="other").count("data-href") == 0
    answer = desk.browser().post(reverse("console:list-export", args=["bank-lines"]), {"format": "csv"})
    assert "move 1" in b"".join(answer.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined] # a stream
    assert desk.see("statements").count("data-href") == 1


def test_pages_ask_the_database_as_often_however_many_lines_there_are(desk: Desk) -> None:
    found = desk.confirmed(sheet(*moves(50_000, -500, -700, -900, 3_000)))
    line = desk.line(amount=-500)
    for name, args in (
        ("statements", ()),
        ("statement-desk", ()),
        ("statement-lines", ()),
        ("statement", (found.public_id,)),
        ("statement-line", (line.pk,)),
    ):
        desk.see(name, *args)
        with recorded(f"reconciliation:{name}"):
            desk.see(name, *args)


def test_work_that_waits_is_on_the_home_page_and_found_by_its_number(desk: Desk) -> None:
    paid(desk, 5_000)
    desk.upload(from_bank(desk))
    found = Statement.objects.get()
    home = desk.browser().get("/").content.decode()
    assert f"{reverse('reconciliation:statements')}?state=UNDERSTOOD" in home
    desk.send("statement", found.public_id, action="confirm")
    work()
    line = desk.line(amount=-5_000)
    search = reverse("console:search")
    assert desk.browser().get(search, {"q": found.public_id})["Location"].endswith(f"/{found.public_id}/")
    assert f"/lines/{line.pk}/" in desk.browser().get(search, {"q": line.reference}).content.decode()
    assert "명세를 반영했어요" in desk.see("statement", found.public_id)


# Who may.


def _strange(desk: Desk) -> Mapping[str, HttpResponse]:
    stranger = firm("Sun Shop")
    browser = signed_in(stranger.person("stranger", Role.OPERATOR))
    statement, line = Statement.objects.get(), desk.line(amount=50_000)
    found: dict[str, Any] = {}
    for name, key in (
        ("statement", statement.public_id),
        *((f"statement-{one}", line.pk) for one in ("line", "top-up", "fee", "write-off", "unmatch")),
    ):
        address = reverse(f"reconciliation:{name}", args=[key])
        found[f"GET {name}"] = browser.get(address)
        found[f"POST {name}"] = browser.post(address, {"reason": "x", "action": "discard", "choice": "1:1"})
    found["GET desk"] = browser.get(reverse("reconciliation:statement-desk"), {"account": "main"})
    found["POST again"] = browser.post(reverse("reconciliation:statement-again"), {"account": "main"})
    return found


def test_what_is_of_another_merchant_looks_absent(desk: Desk) -> None:
    desk.confirmed(sheet(*moves(50_000)))
    answers = _strange(desk)
    assert {name: answer.status_code for name, answer in answers.items()} == dict.fromkeys(answers, 404)
    missing = reverse("reconciliation:statement-line", args=[10**30])
    assert desk.browser().get(missing).status_code == 404


def test_a_viewer_sees_everything_and_changes_nothing(desk: Desk) -> None:
    found = desk.confirmed(sheet(*moves(50_000, -500)))
    line = desk.line(amount=50_000)
    for name, args in (
        ("statements", ()),
        ("statement-desk", ()),
        ("statement-lines", ()),
        ("statement", (found.public_id,)),
        ("statement-line", (line.pk,)),
    ):
        page = desk.see(name, *args, role=Role.VIEWER).partition('<main id="main"')[2]
        assert 'method="post" data-once' not in page
        assert "statements/upload" not in page
        assert "dialog-body" not in page.partition("<dialog")[0]
    body = sheet(*moves(1))
    refused = [
        desk.send("statement-upload", role=Role.VIEWER, account="main", file=SimpleUploadedFile("a.csv", body)),
        desk.send("statement-look", role=Role.VIEWER, account="main", file=SimpleUploadedFile("a.csv", body)),
        desk.send("statement", found.public_id, role=Role.VIEWER, action="discard"),
        desk.send("statement-again", role=Role.VIEWER, account="main"),
        desk.send("statement-line", line.pk, role=Role.VIEWER, choice="1:1", reason="x"),
        *(
            desk.send(f"statement-{one}", line.pk, role=Role.VIEWER, reason="x", payout="x")
            for one in ("top-up", "fee", "write-off", "unmatch", "came-back")
        ),
    ]
    assert {answer.status_code for answer in refused} == {403}
    assert Statement.objects.count() == 1

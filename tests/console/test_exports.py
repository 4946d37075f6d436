"""Protects files of lists: the rows and sums of the page, of one moment, only for whoever asked, all audited."""

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote

import openpyxl
import pytest
from django.db import connection, transaction
from django.http import QueryDict
from python_calamine import CalamineWorkbook

from access.models import AuditEvent
from access.roles import Role
from console import exports, totals
from console.models import ExportFile
from core import clock
from core import jobs as background
from core.models import Job, JobState
from core.scope import Scope
from tests.access import build as people
from tests.console import build
from tests.console.build import CurrencyList, MoneyList
from tests.console.conftest import House

URL = "/lists/test-money/export/"


def content(response: Any) -> bytes:
    return b"".join(response.streaming_content)


def rows_of_csv(data: bytes) -> list[dict[str, str]]:
    assert data.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def rows_of_xlsx(data: bytes) -> list[dict[str, Any]]:
    """Read with two readers that know nothing of each other, and check that they agree."""
    sheet = openpyxl.load_workbook(io.BytesIO(data), read_only=True).worksheets[0]
    head, *lines = list(sheet.iter_rows(values_only=True))
    other = CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_index(0).to_python()
    assert len(other) == len(lines) + 1
    found = [dict(zip([str(name) for name in head], line, strict=True)) for line in lines]
    assert [row[2] for row in other[1:]] == [row["금액"] for row in found]
    return found


def conditions(data: bytes) -> dict[str, Any]:
    sheet = openpyxl.load_workbook(io.BytesIO(data), read_only=True)["조회조건"]
    return {str(label): value for label, value, *_ in sheet.iter_rows(values_only=True)}


@pytest.fixture
def small_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let eleven rows count as many, so that the ways of large files are walked with few rows."""
    monkeypatch.setattr(exports, "AT_ONCE", 10)


def finished(house: House, response: Any) -> bytes:
    """Run the job an export became, fetch its file."""
    assert response.status_code == 302
    assert background.run_due_jobs() == 1
    page = house.browser.get(response["Location"]).content.decode()
    kept = ExportFile.objects.latest("pk")
    assert f"/files/{kept.public_id}/" in page
    return content(house.browser.get(f"/files/{kept.public_id}/"))


@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize("query", ["", "state=FAILED&stopping=yes", "kw=note&q=%3D1%2B1"])
class TestSums:
    def test_of_both_formats_are_those_of_the_page(
        self,
        house: House,
        query: str,
        large: bool,  # noqa: FBT001 - a parameter of the test
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        build.jobs(house.scope, 200)
        if large:
            monkeypatch.setattr(exports, "AT_ONCE", 10)
        filters = MoneyList.bind(QueryDict(query))
        for extension, read in (("csv", rows_of_csv), ("xlsx", rows_of_xlsx)):
            shown = totals.exact(MoneyList().queryset(house.scope), filters, MoneyList.columns)
            response = house.browser.post(URL, {"format": extension, "filters": query})
            rows = read(finished(house, response) if large else content(response))

            # The job of an earlier large file is a row of this very list; the query leaves it out or counts it as well.
            assert len(rows) >= shown.count > 0
            if query:
                assert len(rows) == shown.count
                assert sum(int(row["금액"]) for row in rows) == shown.sums["KRW"]["done"]
                assert {row["상태"] for row in rows} <= {str(label) for label in JobState.labels}


class TestFiles:
    def test_come_in_the_pages_order_with_chosen_columns(self, house: House) -> None:
        rows = build.jobs(house.scope, 9)
        response = house.browser.post(URL, {"format": "csv", "cols": "done"})
        found = rows_of_csv(content(response))
        assert [row["번호"] for row in found] == [job.public_id for job in reversed(rows)]
        assert list(found[0]) == ["번호", "금액"]

    def test_fast_and_slow_ways_give_the_same_sheet(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(exports, "AT_ONCE", 10)
        build.jobs(house.scope, 60, dedupe="국민 110-123-456789", note="<b>&\"'=1+1\n둘째 줄")
        order = _order(house.scope, "state=FAILED", "xlsx", cols="public_id,state,done,total,note,created_at,dedupe")
        with exports.snapshot() as reader:
            fast, slow = io.BytesIO(), io.BytesIO()
            assert exports.write(reader, order, fast, clock.now()) == 20
        monkeypatch.setattr(exports, "AT_ONCE", 1_000)
        with exports.snapshot() as reader:
            assert exports.write(reader, order, slow, clock.now()) == 20
        assert rows_of_xlsx(fast.getvalue()) == rows_of_xlsx(slow.getvalue())
        (first, *_) = rows_of_xlsx(fast.getvalue())
        assert first["계좌"] == "국민 ***-***-**6789"
        assert first["메모"] == "<b>&\"'=1+1\n둘째 줄"
        assert isinstance(first["등록일"], datetime)
        assert isinstance(first["금액"], int)

    def test_no_cell_of_a_csv_is_a_formula(self, house: House) -> None:
        build.jobs(house.scope, 10)
        found = rows_of_csv(content(house.browser.post(URL, {"format": "csv"})))
        assert {row["메모"] for row in found if row["메모"].endswith("=1+1")} == {"'=1+1"}
        assert any(row["금액"].startswith("-") for row in found)

    def test_say_who_made_them_of_what(self, house: House) -> None:
        build.jobs(house.scope, 30)
        response = house.browser.post(URL, {"format": "xlsx", "filters": "state=FAILED&q=&date_from=2026-11-01"})
        told = conditions(content(response))
        assert told["만든 사람"] == "operator"
        assert told["상태"] == "실패"
        assert told["건수"] == 10
        assert told["금액 합계"] == sum(job.done for job in Job.objects.filter(state="FAILED"))

    def test_are_named_for_the_days_they_cover(self, house: House) -> None:
        build.jobs(house.scope, 3)
        filters = "date_from=2026-11-01&date_to=2026-11-21"
        response = house.browser.post(URL, {"format": "xlsx", "filters": filters})
        assert "시험목록_20261101-20261121.xlsx" in unquote(response["Content-Disposition"])

    def test_of_currencies_name_them_beside_minor_units(self, house: House) -> None:
        rows = build.jobs(house.scope, 8)
        order = _order(house.scope, "", "csv", page=CurrencyList())
        out = io.BytesIO()
        with exports.snapshot() as reader:
            exports.write(reader, order, out, clock.now())
        found = rows_of_csv(out.getvalue())
        assert {(row["통화"], int(row["금액"])) for row in found} == {
            ("USD" if job.cancel_requested else "KRW", job.done) for job in rows
        }

    def test_of_picked_rows_hold_only_those(self, house: House) -> None:
        rows = build.jobs(house.scope, 5)
        response = house.browser.post(URL, {"format": "csv", "ids": [rows[3].public_id, "job-nothing"]})
        assert [row["번호"] for row in rows_of_csv(content(response))] == [rows[3].public_id]

    def test_may_be_empty(self, house: House) -> None:
        assert rows_of_csv(content(house.browser.post(URL, {"format": "csv"}))) == []
        assert rows_of_xlsx(content(house.browser.post(URL, {"format": "xlsx"}))) == []


def _order(scope: Scope, query: str, extension: str, *, page: MoneyList | None = None, cols: str = "") -> exports.Order:
    page = page or MoneyList()
    return exports.Order(
        page, scope, page.bind(QueryDict(query)), page.chosen(cols), exports.format_named(extension), who="operator"
    )


class TestAccess:
    def test_a_file_is_only_for_the_person_who_asked(self, house: House, stranger: House, small_limit: None) -> None:  # noqa: ARG002
        build.jobs(house.scope, 30)
        finished(house, house.browser.post(URL, {"format": "csv"}))
        kept = ExportFile.objects.get()
        colleague = people.signed_in(house.firm.person("second", Role.OPERATOR))

        assert house.browser.get(f"/files/{kept.public_id}/").status_code == 200
        assert colleague.get(f"/files/{kept.public_id}/").status_code == 404
        assert stranger.browser.get(f"/files/{kept.public_id}/").status_code == 404

    def test_a_file_ends_after_seven_days(self, house: House, small_limit: None) -> None:  # noqa: ARG002
        build.jobs(house.scope, 30)
        finished(house, house.browser.post(URL, {"format": "csv"}))
        kept = ExportFile.objects.get()
        assert kept.expires_at - kept.created_at > timedelta(days=6, hours=23)
        assert exports.expire() == 0
        ExportFile.objects.update(expires_at=datetime(2026, 1, 1, tzinfo=UTC))

        assert house.browser.get(f"/files/{kept.public_id}/").status_code == 404
        assert exports.storage().exists(kept.path)
        assert exports.expire() == 1
        assert not exports.storage().exists(kept.path)
        assert exports.expire() == 0

    def test_every_download_is_audited(self, house: House, small_limit: None) -> None:  # noqa: ARG002
        build.jobs(house.scope, 5)
        content(house.browser.post(URL, {"format": "csv"}))
        build.jobs(house.scope, 30)
        finished(house, house.browser.post(URL, {"format": "csv"}))
        kept = ExportFile.objects.get()
        house.browser.get(f"/files/{kept.public_id}/")

        events = list(AuditEvent.objects.filter(action="export.downloaded").order_by("id"))
        assert [(event.after or {}).get("rows") for event in events] == [5, 36, 36]
        assert {event.actor_name for event in events} == {"operator"}

    def test_other_merchants_rows_never_leave(self, house: House, stranger: House) -> None:
        theirs = build.jobs(stranger.scope, 5)
        assert rows_of_csv(content(house.browser.post(URL, {"format": "csv"}))) == []
        picked = {"format": "csv", "ids": [job.public_id for job in theirs]}
        assert rows_of_csv(content(house.browser.post(URL, picked))) == []

    @pytest.mark.parametrize("posted", [{"format": "pdf"}, {"format": "csv", "filters": "state=NOPE"}])
    def test_what_is_not_understood_makes_no_file(self, house: House, posted: dict[str, str]) -> None:
        assert house.browser.post(URL, posted).status_code == 400

    def test_too_many_at_once_are_refused(self, house: House, small_limit: None) -> None:  # noqa: ARG002
        build.jobs(house.scope, 30)
        answers = [house.browser.post(URL, {"format": "csv"}).status_code for _ in range(exports.MAX_OPEN + 1)]
        assert answers == [302, 302, 409]

    def test_a_job_that_ran_twice_keeps_one_file(self, house: House, small_limit: None) -> None:  # noqa: ARG002
        build.jobs(house.scope, 30)
        finished(house, house.browser.post(URL, {"format": "csv"}))
        first = ExportFile.objects.get()
        job = Job.objects.get(pk=first.job_id)
        exports.build(background.RunningJob(_running(job)))
        second = ExportFile.objects.get()
        assert second.path != first.path
        assert not exports.storage().exists(first.path)

    def test_a_cancelled_job_leaves_no_file(self, house: House, small_limit: None) -> None:  # noqa: ARG002
        build.jobs(house.scope, 30)
        house.browser.post(URL, {"format": "csv"})
        job = _running(Job.objects.get(kind=exports.EXPORT_JOB))
        Job.objects.filter(pk=job.pk).update(cancel_requested=True)
        with pytest.raises(background.JobCancelled):
            exports.build(background.RunningJob(job))
        assert not ExportFile.objects.exists()


def _running(job: Job) -> Job:
    Job.objects.filter(pk=job.pk).update(state=JobState.RUNNING)
    job.refresh_from_db()
    return job


@pytest.fixture
def committed(committed_db: str, django_db_blocker: Any) -> Iterator[None]:  # noqa: ARG001 - a database of its own
    """Open the door to a database in which rows are really committed."""
    with django_db_blocker.unblock():
        yield


@pytest.mark.parametrize("extension", ["csv", "xlsx"])
def test_a_file_shows_one_moment(committed: None, extension: str, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001
    monkeypatch.setattr(exports, "AT_ONCE", 10)
    scope = Scope(1)
    build.jobs(scope, 100)
    before = sum(Job.objects.values_list("done", flat=True))
    order, out = _order(scope, "", extension), io.BytesIO()
    seen: list[int] = []

    def write_meanwhile(done: int) -> None:
        # A hundred rows more, and every amount changed, while the file is being written.
        if not seen:
            with transaction.atomic():
                Job.objects.update(done=1)
                build.jobs(scope, 100)
        seen.append(done)

    with exports.snapshot() as reader:
        with reader.cursor() as cursor:
            cursor.execute("select 1")
        write_meanwhile(0)
        rows = exports.write(reader, order, out, clock.now(), write_meanwhile)

    found = rows_of_csv(out.getvalue()) if extension == "csv" else rows_of_xlsx(out.getvalue())
    assert rows == len(found) == 100
    assert sum(int(row["금액"]) for row in found) == before
    assert Job.objects.count() == 200
    assert len(seen) > 1
    connection.close()


def test_a_snapshot_cannot_write(committed: None) -> None:  # noqa: ARG001
    from django.db import InternalError

    with exports.snapshot() as reader, reader.cursor() as cursor, pytest.raises(InternalError, match="read-only"):
        cursor.execute("update core_job set done = 1")

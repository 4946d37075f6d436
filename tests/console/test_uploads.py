"""Protects uploads: one wrong row loads nothing, refusals name row, column and reason, confirming twice loads once."""

import io
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path
from threading import Event
from typing import Any

import openpyxl
import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client

from access.models import AuditEvent
from access.roles import Role
from console import upload_operations, uploads
from console.files.sheet_limits import Caps
from console.models import Upload, UploadState
from core import clock
from core import jobs as background
from core.actor import Actor, ActorKind
from core.errors import Conflict
from core.models import Job
from core.scope import Scope
from tests.access import build as people
from tests.console.build import NoteUpload, note_csv
from tests.console.conftest import House
from tests.query_counts import recorded

START = "/uploads/test-notes/"
GOOD = [("가", "1000"), ("나", "-500"), ("다", "0")]
BY = Actor(ActorKind.USER, "operator", user_id=7)


@pytest.fixture(autouse=True)
def _kind(monkeypatch: pytest.MonkeyPatch) -> None:
    """Know the kind during the test only."""
    monkeypatch.setattr(uploads, "_kinds", {NoteUpload.kind: NoteUpload()})


def send(browser: Client, content: bytes, name: str = "메모.csv") -> Any:
    return browser.post(START, {"file": SimpleUploadedFile(name, content)})


def sent(house: House, content: bytes, name: str = "메모.csv") -> Upload:
    response = send(house.browser, content, name)
    assert response.status_code == 302, response.content.decode()[:500]
    return Upload.objects.latest("pk")


def url(upload: Upload) -> str:
    return f"{START}{upload.public_id}/"


def confirm(house: House, upload: Upload, **more: str) -> Any:
    return house.browser.post(url(upload), {"action": "confirm", **more})


def notes(scope: Scope) -> list[tuple[str, int]]:
    return list(Job.objects.within(scope).filter(kind="note").order_by("id").values_list("note", "done"))


def download(response: Any) -> bytes:
    return b"".join(response.streaming_content)


def text(response: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


class TestGoodFile:
    def test_is_shown_first_and_loaded_on_confirmation(self, house: House) -> None:
        upload = sent(house, note_csv(GOOD))
        assert (upload.state, upload.rows, upload.new_rows, upload.sums) == ("CHECKED", 3, 3, {"금액": 500})
        assert notes(house.scope) == []
        assert "₩500" in text(house.browser.get(url(upload)))

        confirm(house, upload)

        upload.refresh_from_db()
        assert upload.state == UploadState.DONE
        assert notes(house.scope) == [("가", 1000), ("나", -500), ("다", 0)]
        assert "3건을 등록했어요." in text(house.browser.get(url(upload)))

    def test_tells_new_rows_from_known_ones(self, house: House) -> None:
        confirm(house, sent(house, note_csv(GOOD[:1])))
        upload = sent(house, note_csv(GOOD))
        assert (upload.new_rows, upload.same_rows, upload.changed_rows) == (2, 1, 0)

    def test_may_be_xlsx_with_amounts_and_dates_as_excel_keeps_them(self, house: House) -> None:
        book = openpyxl.Workbook()
        assert book.active is not None
        book.active.append(["이름", "금액", "날짜", "계좌", "유형"])
        book.active.append(["가", 1000, date(2026, 11, 30), "110-123-456789", "보너스"])
        out = io.BytesIO()
        book.save(out)
        upload = sent(house, out.getvalue(), "메모.xlsx")
        assert upload.state == UploadState.CHECKED
        assert upload.preview == [[2, "new", "가", 1000, "2026-11-30", "********6789", "보너스"]]

    def test_own_template_loads_without_its_samples(self, house: House) -> None:
        template = download(house.browser.get(f"{START}template/"))
        book = openpyxl.load_workbook(io.BytesIO(template))
        sheet = book.worksheets[0]
        assert [cell.value for cell in sheet[1]][:3] == ["이름 (필수)", "금액 (필수)", "날짜"]
        assert sheet.cell(2, 1).value == "보기-1"
        sheet.cell(4, 1).value, sheet.cell(4, 2).value = "가", 700
        out = io.BytesIO()
        book.save(out)
        upload = sent(house, out.getvalue(), "양식.xlsx")
        assert (upload.state, upload.rows, upload.sums) == ("CHECKED", 1, {"금액": 700})

    def test_is_kept_unreadable(self, house: House) -> None:
        upload = sent(house, note_csv([("비밀이름", "1")]))
        with default_storage.open(upload.path) as stored:
            assert "비밀이름".encode() not in stored.read()
        with upload_operations.content(upload) as plain:
            assert "비밀이름".encode() in plain.read()
        assert upload.name not in upload.path


class TestWrongRow:
    FILE = note_csv([("가", "1000"), ("나", "1.5"), ("", "200"), ("가나다라마바사아자차카타파하가나다라마바사", "1")])

    def test_loads_nothing_and_names_row_column_and_reason(self, house: House) -> None:
        upload = sent(house, self.FILE)
        assert (upload.state, upload.rows, upload.wrong_rows, upload.error_count) == ("REJECTED", 4, 3, 3)
        assert [(error["row"], error["column"], error["code"]) for error in upload.errors] == [
            (3, "금액", "fraction"),
            (4, "이름", "required"),
            (5, "이름", "too_long"),
        ]
        page = text(house.browser.get(url(upload)))
        assert "원 단위보다 작은 금액은 쓸 수 없어요." in page
        assert "20자까지" in page

        assert confirm(house, upload).status_code == 409
        assert notes(house.scope) == []

    def test_what_the_kind_refuses_is_named_the_same_way(self, house: House) -> None:
        upload = sent(house, note_csv([("금지", "1"), ("가", "1"), ("가", "2"), ("나", "x")]))
        assert [(error["row"], error["code"]) for error in upload.errors] == [
            (2, "forbidden"),
            (4, "twice_in_file"),
            (5, "not_an_amount"),
        ]
        page = text(house.browser.get(url(upload)))
        assert "쓸 수 없는 이름이에요: 금지" in page
        assert "3행을 확인해 주세요" in page

    @pytest.mark.parametrize("form", ["csv", "xlsx"])
    def test_comes_back_in_the_same_file_with_a_column_that_says_why(self, house: House, form: str) -> None:
        content = self.FILE if form == "csv" else _as_xlsx(self.FILE)
        upload = sent(house, content, f"메모.{form}")
        data = download(house.browser.get(f"{url(upload)}errors/"))
        lines = _lines(data, form)
        assert lines[0] == ["이름", "금액", "오류"]
        assert [bool(line[2]) for line in lines[1:]] == [False, True, True, True]
        assert lines[2][:2] == ["나", "1.5"]
        assert str(lines[2][2]).startswith("금액: ")

        lines[2][1], lines[3][0], lines[4][0] = "15", "마", "바"
        mended = "\n".join(",".join(str(cell or "") for cell in line[:2]) for line in lines).encode()
        assert sent(house, mended).state == UploadState.CHECKED

    @pytest.mark.parametrize(
        ("content", "code"),
        [
            (b"", "empty"),
            (b"\xff\xfe\x00", "encoding"),
            ("이름,금액\n".encode(), "empty"),
            ("이름,금액,이름\n가,1,나\n".encode(), "header_doubled"),
            ("이름,모르는 열\n가,1\n".encode(), "header_unknown"),
            (b"PK\x03\x04broken", "broken"),
        ],
    )
    def test_an_unreadable_file_is_refused_as_a_whole(self, house: House, content: bytes, code: str) -> None:
        upload = sent(house, content)
        assert upload.state == UploadState.REJECTED
        assert code in {error["code"] for error in upload.errors}
        assert house.browser.get(url(upload)).status_code == 200

    def test_personal_numbers_are_hidden_in_what_is_kept(self, house: House) -> None:
        upload = sent(house, note_csv([("가", "1", "국민 11012345678")], "이름,금액,계좌"))  # type: ignore[list-item] # three columns here
        assert "11012345678" not in str(upload.errors) + str(upload.preview)


def _as_xlsx(content: bytes) -> bytes:
    book = openpyxl.Workbook()
    assert book.active is not None
    for line in content.decode().splitlines():
        book.active.append(line.split(","))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _lines(data: bytes, form: str) -> list[list[Any]]:
    if form == "csv":
        return [line.split(",") for line in data.decode("utf-8-sig").splitlines()]
    return [list(row) for row in openpyxl.load_workbook(io.BytesIO(data)).worksheets[0].iter_rows(values_only=True)]


class TestConfirming:
    def test_twice_loads_once(self, house: House) -> None:
        upload = sent(house, note_csv(GOOD))
        confirm(house, upload)
        assert confirm(house, upload).status_code == 302
        assert len(notes(house.scope)) == 3
        assert AuditEvent.objects.filter(action="upload.loaded", object_id=upload.public_id).count() == 1

    def test_the_same_content_again_needs_a_yes(self, house: House) -> None:
        confirm(house, sent(house, note_csv(GOOD)))
        upload = sent(house, note_csv(GOOD), "다른 이름.csv")
        assert "이미 등록했어요" in text(house.browser.get(url(upload)))
        assert confirm(house, upload).status_code == 409
        assert len(notes(house.scope)) == 3
        confirm(house, upload, again="1")
        assert len(notes(house.scope)) == 6

    def test_checks_once_more_and_loads_nothing_when_something_changed(
        self, house: House, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        upload = sent(house, note_csv(GOOD))

        def refuse(_self: NoteUpload, _scope: Scope, rows: Any) -> uploads.Checked:
            return uploads.Checked(problems=[uploads.Problem(rows[1].number, "name", "forbidden", {"name": "나"})])

        monkeypatch.setattr(NoteUpload, "check", refuse)
        confirm(house, upload)
        upload.refresh_from_db()
        assert (upload.state, notes(house.scope)) == (UploadState.REJECTED, [])

    def test_a_failure_in_the_middle_leaves_nothing(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        upload = sent(house, note_csv(GOOD))
        original = NoteUpload.load

        def load(self: NoteUpload, scope: Scope, rows: Any, by: Actor, now: Any) -> uploads.Loaded:
            original(self, scope, rows, by, now)
            raise Conflict("파트너가 그사이 지워졌어요.")

        monkeypatch.setattr(NoteUpload, "load", load)
        assert confirm(house, upload).status_code == 409
        upload.refresh_from_db()
        assert (upload.state, notes(house.scope)) == (UploadState.CHECKED, [])

    def test_what_was_dropped_cannot_be_loaded(self, house: House) -> None:
        upload = sent(house, note_csv(GOOD))
        house.browser.post(url(upload), {"action": "cancel"})
        assert confirm(house, upload).status_code == 409
        assert notes(house.scope) == []


class TestLargeFile:
    @pytest.fixture(autouse=True)
    def _small_limits(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(upload_operations, "INLINE_ROWS", 2)
        monkeypatch.setattr(upload_operations, "INLINE_BYTES", 10)

    def test_is_checked_and_loaded_by_jobs(self, house: House) -> None:
        upload = sent(house, note_csv(GOOD))
        assert upload.state == UploadState.CHECKING
        assert "진행돼요" in text(house.browser.get(url(upload)))
        assert background.run_due_jobs() == 1
        confirm(house, upload)
        upload.refresh_from_db()
        assert upload.state == UploadState.LOADING
        assert notes(house.scope) == []
        assert confirm(house, upload).status_code == 302
        assert background.run_due_jobs() == 1
        upload.refresh_from_db()
        assert (upload.state, len(notes(house.scope))) == (UploadState.DONE, 3)

    def test_a_job_that_was_stopped_lets_it_be_tried_again(self, house: House) -> None:
        upload = sent(house, note_csv(GOOD))
        background.request_cancel(Job.objects.get(kind=uploads.CHECK_JOB))
        assert "다시 확인하기" in text(house.browser.get(url(upload)))
        house.browser.post(url(upload), {"action": "check"})
        background.run_due_jobs()
        upload.refresh_from_db()
        assert upload.state == UploadState.CHECKED

    def test_a_load_job_that_runs_again_loads_nothing_more(self, house: House) -> None:
        upload = sent(house, note_csv(GOOD))
        background.run_due_jobs()
        confirm(house, upload)
        background.run_due_jobs()
        job = Job.objects.get(kind=uploads.LOAD_JOB)
        Job.objects.filter(pk=job.pk).update(state="RUNNING")
        job.refresh_from_db()
        upload_operations.run_load(background.RunningJob(job))
        assert len(notes(house.scope)) == 3

    def test_too_many_at_once_are_refused(self, house: House) -> None:
        answers = [send(house.browser, note_csv([(str(n), "1")])).status_code for n in range(5)]
        assert answers == [302, 302, 302, 302, 409]


class TestAccess:
    def test_needs_the_kinds_permission(self, house: House) -> None:
        viewer = people.signed_in(house.firm.person("viewer", Role.VIEWER))
        upload = sent(house, note_csv(GOOD))
        for address in (START, f"{START}template/", url(upload), f"{url(upload)}errors/"):
            assert viewer.get(address).status_code == 403
        assert viewer.post(url(upload), {"action": "confirm"}).status_code == 403

    def test_foreign_uploads_are_absent(self, house: House, stranger: House) -> None:
        upload = sent(house, note_csv(GOOD))
        assert stranger.browser.get(url(upload)).status_code == 404
        assert stranger.browser.get(f"{url(upload)}errors/").status_code == 404
        assert stranger.browser.post(url(upload), {"action": "confirm"}).status_code == 404
        assert notes(house.scope) == []
        assert house.browser.get("/uploads/nothing/").status_code == 404

    def test_a_file_over_the_cap_is_refused(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(NoteUpload, "caps", Caps(file_bytes=10))
        assert send(house.browser, note_csv(GOOD)).status_code == 400
        assert house.browser.post(START, {}).status_code == 400
        assert not Upload.objects.exists()

    def test_old_files_are_forgotten(self, house: House) -> None:
        upload = sent(house, note_csv(GOOD))
        assert upload_operations.forget_old() == 0
        Upload.objects.update(created_at=clock.now() - timedelta(days=31))
        assert upload_operations.forget_old() == 1
        upload.refresh_from_db()
        assert (upload.path, upload.preview, upload.state) == ("", [], UploadState.CANCELLED)
        assert upload_operations.forget_old() == 0


def test_two_people_confirming_at_once_load_once(committed_db: str, django_db_blocker: Any, tmp_path: Path) -> None:  # noqa: ARG001
    with django_db_blocker.unblock():
        scope, now = Scope(1), clock.now()
        file = SimpleUploadedFile("메모.csv", note_csv(GOOD))
        upload = upload_operations.store(kind=NoteUpload(), scope=scope, file=file, by=BY, now=now)
        upload_operations.check(upload=upload, by=BY, now=now)

        def one(_number: int) -> str:
            with django_db_blocker.unblock():
                try:
                    done = upload_operations.confirm(
                        scope=scope, kind="test-notes", upload_id=upload.public_id, again=False, by=BY, now=now
                    )
                    return done.state
                finally:
                    connection.close()

        with ThreadPoolExecutor(4) as pool:
            states = list(pool.map(one, range(8)))
        assert states == [UploadState.DONE] * 8
        assert len(notes(scope)) == 3


class TestAllKinds:
    def test_are_on_one_page_with_everybodys_files(self, house: House) -> None:
        sent(house, note_csv(GOOD), "봄.csv")
        with recorded("console:uploads"):
            page = text(house.browser.get("/uploads/"))
        assert str(NoteUpload.title) in page
        assert "봄.csv" in page

    def test_template_as_csv_loads_without_its_samples(self, house: House) -> None:
        template = download(house.browser.get(f"{START}template/?form=csv"))
        lines = template.decode("utf-8-sig").splitlines()
        assert len(lines) == 3
        assert sent(house, template).errors[0]["code"] == "empty"
        upload = sent(house, template + "가,700,,,\r\n".encode())
        assert (upload.state, upload.rows, upload.sums) == ("CHECKED", 1, {"금액": 700})

    def test_only_columns_in_use_are_previewed(self, house: House) -> None:
        page = text(house.browser.get(url(sent(house, note_csv([("가", "1")])))))
        assert "행 결과 이름 금액 2 새로 등록 가 1" in page


class TestBeat:
    def test_tells_how_far_and_raises_a_stop(self, monkeypatch: pytest.MonkeyPatch) -> None:
        told: list[int] = []
        heard = Event()

        class Running:
            """A job whose second word to anybody is that it was stopped."""

            def progress(self, done: int) -> None:
                told.append(done)
                if len(told) > 1:
                    heard.set()
                    raise background.JobCancelled

        monkeypatch.setattr(upload_operations, "_BEAT_SECONDS", 0)
        beat = upload_operations._Beat(Running())  # type: ignore[arg-type]  # noqa: SLF001 - the part of a job that it uses
        beat.tell(7)
        beat.start()
        assert heard.wait(30)
        beat.join(30)

        assert told == [7, 7]
        with pytest.raises(background.JobCancelled):
            beat.tell(8)
        beat.end()

"""Promise: a vendor's file says on its pages what was understood of it, and counts only when somebody lets it."""

import zipfile
from dataclasses import replace
from decimal import Decimal
from io import BytesIO
from typing import Any

import pytest
from django.urls import reverse

from access.models import AuditEvent, User
from access.roles import Role
from console import registry, totals
from core import clock, jobs
from core.models import Job, JobState
from reconciliation import queries
from reconciliation.lines import Kind
from reconciliation.models import Batch, BatchLine, BatchState
from reconciliation.pages.files import batch as batch_page
from reconciliation.pages.files import reads as file_reads
from reconciliation.pages.files import upload
from reconciliation.reading import Limits
from tests.access.build import firm
from tests.reconciliation.desk import Desk, download, text_of
from tests.reconciliation.stored import sheet
from tests.reconciliation.writing import Table, Writing, table, written


@pytest.fixture(autouse=True)
def _quick(settings: Any) -> None:
    """Spare every test the time a good password hash takes."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def desk(db: None) -> Desk:  # noqa: ARG001 - needs tables
    return Desk(firm("한빛마켓"))


def bomb() -> bytes:
    """Return a small archive that grows a thousand times."""
    target = BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("data.csv", written(sheet(), Writing()) + b"0" * 20_000_000)
    return target.getvalue()


class TestUploading:
    def test_a_file_is_read_and_waits(self, desk: Desk) -> None:
        answer = desk.send(("may.csv", written(sheet(), Writing())), issued_on="2024-06-08", billing_entity="Partner-1")
        batch = Batch.objects.get()
        assert answer["Location"] == reverse("reconciliation:file", args=[batch.public_id])
        assert (batch.state, str(batch.issued_on), batch.billing_entity) == ("LOADING", "2024-06-08", "partner-1")
        assert "파일을 살펴보고 있어요" in desk.see("file", batch.public_id)
        assert desk.get("file-progress", batch.public_id).headers.get("HX-Refresh") is None
        jobs.run_due_jobs()
        assert desk.get("file-progress", batch.public_id)["HX-Refresh"] == "true"
        page = desk.see("file", batch.public_id)
        assert "아직 반영하지 않았어요" in page
        assert "새 커머스 송장 내역 (2021년 6월판)" in page
        assert "EUR 241.20 24.12 265.32" in page
        assert file_reads.waiting(desk.scope) == 1

    def test_the_same_bytes_again_lead_to_what_they_are(self, desk: Desk) -> None:
        batch = desk.upload(sheet())
        answer = desk.send(("again.csv", written(sheet(), Writing())))
        assert answer["Location"] == reverse("reconciliation:file", args=[batch.public_id])
        assert "again.csv: 이미 올린 파일이에요. 확인 대기 상태예요." in desk.see("file", batch.public_id)
        assert Batch.objects.count() == 1
        assert Job.objects.count() == 1

    def test_the_same_content_in_another_order_points_to_the_first(self, desk: Desk) -> None:
        first, made = desk.upload(sheet()), sheet()
        other = desk.upload(Table(made.kind, tuple(reversed(made.columns)), made.rows), "other.csv")
        page = desk.get("file", other.public_id)
        assert "내용이 같은 파일이 이미 있어서" in text_of(page)
        assert reverse("reconciliation:file", args=[first.public_id]) in page.content.decode()

    def test_several_files_become_a_batch_each(self, desk: Desk) -> None:
        sent = [(f"{number}.csv", written(sheet(number + 1, f"G{number}"), Writing())) for number in range(3)]
        assert desk.send(*sent)["Location"] == reverse("reconciliation:files")
        jobs.run_due_jobs()
        assert sorted(Batch.objects.values_list("name", "invoice_number")) == [
            ("0.csv", "G0"),
            ("1.csv", "G1"),
            ("2.csv", "G2"),
        ]

    def test_one_number_is_not_said_of_several_files(self, desk: Desk) -> None:
        sent = [(f"{number}.csv", written(sheet(number + 1), Writing())) for number in range(2)]
        answer = desk.send(*sent, invoice_number="G9")
        assert (answer.status_code, Batch.objects.count()) == (422, 0)
        assert "파일을 하나씩 올려 주세요" in text_of(answer)

    def test_what_is_too_large_is_refused_before_it_is_read(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(upload, "UPLOADED", Limits(sent_bytes=2 << 20))
        answer = desk.send(("big.csv", b"x" * (3 << 20)))
        assert (answer.status_code, Batch.objects.count()) == (422, 0)
        assert "big.csv 파일이 너무 커요. 2 MB까지 올릴 수 있어요." in text_of(answer)

    def test_without_a_file_the_form_says_so(self, desk: Desk) -> None:
        answer = desk.post("file-new", locale="ko")
        assert (answer.status_code, "올릴 파일을 골라 주세요" in text_of(answer)) == (422, True)

    @pytest.mark.parametrize(
        ("content", "sentence"),
        [
            (b"\x00\x01\x02garbage\xff", "글자로 읽을 수 없는 파일이에요"),
            (b"<html><body>Sign in</body></html>", "아는 열 이름이 없어서"),
            (b"", "파일이 비어 있어요"),
            (bomb(), "압축을 풀면 너무 커지는 파일이에요"),
        ],
    )
    def test_what_is_no_file_of_a_vendor_says_why_and_leaves_nothing(
        self, desk: Desk, content: bytes, sentence: str
    ) -> None:
        desk.send(("bad.csv", content))
        jobs.run_due_jobs()
        batch = Batch.objects.get()
        assert (batch.state, batch.path, BatchLine.objects.count()) == (BatchState.REJECTED, "", 0)
        assert sentence in desk.see("file", batch.public_id)
        assert sentence in desk.see("files", state="REJECTED")

    def test_a_refusal_names_the_columns_and_the_closest_kind_in_the_readers_language(self, desk: Desk) -> None:
        batch = desk.upload(sheet().without("Total", "TaxTotal"))
        page = desk.see("file", batch.public_id)
        assert "새 커머스 송장 내역 파일에 있어야 할 열이 없어요: TaxTotal, Total." in page
        assert "가장 가까운 종류 새 커머스 송장 내역" in page
        User.objects.update(language="en")
        page = desk.see("file", batch.public_id)
        assert "TaxTotal, Total" in page
        assert "있어야 할 열" not in page

    def test_both_decimal_marks_name_a_record_of_each(self, desk: Desk) -> None:
        batch = desk.upload(sheet().with_cell(2, "Subtotal", "60,30"))
        page = desk.see("file", batch.public_id)
        assert "내역 1번은 점을, 내역 3번은 쉼표를 써요" in page

    def test_reading_can_be_given_up(self, desk: Desk) -> None:
        desk.send(("may.csv", written(sheet(), Writing())))
        batch = Batch.objects.get()
        assert desk.post("file-discard", batch.public_id).status_code == 302
        jobs.run_due_jobs()
        batch.refresh_from_db()
        assert (batch.state, BatchLine.objects.count()) == (BatchState.DISCARDED, 0)
        assert "버린 파일이에요" in desk.see("file", batch.public_id)

    def test_a_job_that_gave_up_can_be_begun_again(self, desk: Desk) -> None:
        desk.send(("may.csv", written(sheet(), Writing())))
        batch = Batch.objects.get()
        Job.objects.update(state=JobState.FAILED)
        assert "끝까지 읽지 못했어요" in desk.see("file", batch.public_id)
        assert "다시 읽기" not in desk.see("file", batch.public_id, role=Role.VIEWER)
        desk.post("file-restart", batch.public_id)
        jobs.run_due_jobs()
        batch.refresh_from_db()
        assert batch.state == BatchState.UNDERSTOOD

    def test_a_killed_worker_is_shown_as_going_on_by_itself(self, desk: Desk) -> None:
        desk.send(("may.csv", written(sheet(), Writing())))
        batch = Batch.objects.get()
        now = clock.now()
        Job.objects.update(state=JobState.RUNNING, tries=1, lease_until=now + jobs.LEASE)
        assert batch_page.progress(batch)["again"] == ""
        Job.objects.update(lease_until=now + jobs.LEASE / 2)
        assert "다른 프로그램이 곧 처음부터 다시 읽어요" in desk.see("file", batch.public_id)
        Job.objects.update(tries=2, lease_until=now + jobs.LEASE)
        assert "처음부터 다시 읽고 있어요" in desk.see("file", batch.public_id)


class TestUnderstood:
    def test_counts_lead_to_the_very_lines(self, desk: Desk) -> None:
        made = sheet(6).with_cell(1, "Subtotal", "x").with_cell(2, "SkuId", "0099")
        made = replace(made, rows=[*made.rows, made.rows[0], made.rows[0]])
        batch = desk.upload(made)
        page = desk.see("file", batch.public_id)
        assert "내역 8 유효 5 읽을 수 없음 1 중복 2" in page
        for standing, records in (("valid", [1, 3, 4, 5, 6]), ("invalid", [2]), ("duplicate", [7, 8])):
            shown = desk.get("lines", batch.public_id, standing=standing).context["part"].rows
            assert [row["record"] for row in shown] == records
        assert "EUR 5 301.50 30.15 331.65" in desk.see("lines", batch.public_id)
        assert "EUR 5 301.50 30.15 331.65" in desk.see("lines", batch.public_id, standing="valid")
        assert "읽을 수 없는 줄이 있어요. 합계와 비교에서 빠졌어요. 1줄 줄 보기" in page
        assert "똑같은 줄이 여러 번 있어요. 첫 줄만 셌어요. 2줄 줄 보기" in page

    def test_charge_types_come_to_the_whole(self, desk: Desk) -> None:
        made = sheet(5).with_cell(1, "ChargeType", "customerCredit").with_cell(2, "ChargeType", "cycleCharge")
        for column in ("Subtotal", "TaxTotal", "Total", "EffectiveUnitPrice"):
            made = made.with_cell(1, column, f"-{made.rows[1][column]}")
        batch = desk.upload(made)
        types = desk.get("file", batch.public_id).context["types"]
        assert {row["charge_type"]: (row["n"], row["sum_total"]) for row in types} == {
            "new": (3, Decimal("198.99")),
            "cycleCharge": (1, Decimal("66.33")),
            "customerCredit": (1, Decimal("-66.33")),
        }
        whole = Decimal(batch.answer["totals"]["EUR"]["total"])
        assert sum(row["sum_total"] for row in types) == whole == Decimal("198.99")
        assert "크레딧" in desk.see("file", batch.public_id)
        (one,) = desk.get("lines", batch.public_id, type="customerCredit").context["part"].rows
        assert one["record"] == 2

    def test_a_printed_sum_is_held_against_ours(self, desk: Desk) -> None:
        made = sheet(2)
        total = dict.fromkeys(made.columns, "") | {made.columns[0]: "Total", "Total": "140.00"}
        batch = desk.upload(replace(made, rows=[*made.rows, total]))
        page = desk.see("file", batch.public_id)
        assert "합계 줄을 건너뛰었어요" in page
        assert "합계 줄 4 – 140.00 7.34" in page

    def test_unknown_columns_and_faults_are_named(self, desk: Desk) -> None:
        body = written(sheet(3).with_cell(0, "Total", "66.34"), Writing()).replace(b"SkuName", "부서".encode())
        desk.send(("may.csv", body))
        jobs.run_due_jobs()
        batch = Batch.objects.get()
        page = desk.see("file", batch.public_id)
        assert "모르는 열이 있어요. 값은 그대로 두고 계산에는 쓰지 않아요. 부서" in page
        assert "합계 계산: 안 맞음 1줄" in page
        (flagged,) = desk.get("lines", batch.public_id, flagged="yes").context["part"].rows
        assert flagged["record"] == 1
        line = desk.see("line", batch.public_id, 1)
        assert "60.30 + 6.03 = 66.34" in line
        assert "Subtotal + TaxTotal = Total" in line
        assert "0.01 EUR" in line
        assert "부서 모르는 열" in line

    def test_a_file_of_a_payment_provider_has_its_own_figures(self, desk: Desk) -> None:
        made = table(Kind.STRIPE_PAYOUT, rows=3)
        made = replace(made, rows=[row | {"automatic_payout_id": "po_1"} for row in made.rows])
        batch = desk.upload(made, "payout.csv")
        page = desk.see("file", batch.public_id)
        assert "EUR 301.50 8.25 293.25" in page
        assert "po_1 293.25" in page
        assert "EUR 3 293.25" in desk.see("lines", batch.public_id)
        assert "100.50 − 2.75 = 97.75" in desk.see("line", batch.public_id, 1)

    @pytest.mark.parametrize("kind", list(Kind))
    def test_every_kind_has_its_pages(self, desk: Desk, kind: Kind) -> None:
        batch = desk.upload(table(kind, "20" if kind is Kind.ONETIME_RECURRING else None, rows=3), f"{kind}.csv")
        assert batch.kind == kind
        desk.see("file", batch.public_id)
        lines = desk.get("lines", batch.public_id, cols=",".join(c.key for c in _columns(desk, batch)))
        assert [row["record"] for row in lines.context["part"].rows] == [1, 2, 3]
        desk.see("line", batch.public_id, 3)
        for form in ("csv", "xlsx"):
            page = lines.context["page"]
            asked = {"filters": f"batch={batch.public_id}", "format": form}
            file = desk.browser().post(reverse("console:list-export", args=[page.slug]), asked)
            assert file.status_code == 200
            if form == "csv":
                assert download(file).count("\r\n") == 4


def _columns(desk: Desk, batch: Batch) -> Any:
    return desk.get("lines", batch.public_id).context["page"].columns


class TestInvalidLines:
    def test_they_leave_with_their_reasons_and_cells_as_delivered(self, desk: Desk) -> None:
        made = sheet(5).with_cell(1, "Subtotal", "abc").with_cell(3, "ChargeStartDate", "31/31/2024")
        made = made.with_cell(3, "CustomerName", "=cmd|' /C calc'!A0")
        batch = desk.upload(made)
        head, *rows = download(desk.get("file-invalid", batch.public_id)).splitlines()
        assert head.startswith("내역 번호,파일의 줄,읽을 수 없는 이유,PartnerId,")
        assert len(rows) == 2
        assert rows[0].startswith("2,3,Subtotal 값을 숫자로 읽을 수 없어요.,")
        assert ",abc," in rows[0]
        assert rows[1].startswith("4,5,ChargeStartDate 값을 날짜로 읽을 수 없어요.,")
        assert "'=cmd" in rows[1]
        assert desk.get("file-invalid", batch.public_id, form="xlsx").status_code == 200
        assert AuditEvent.objects.filter(action="reconciliation.lines_downloaded").count() == 2

    def test_cells_beyond_the_header_are_named_by_their_place(self, desk: Desk) -> None:
        body = written(sheet(3), Writing()).decode().splitlines()
        body[2] += ",extra"
        desk.send(("may.csv", "\r\n".join([*body, ""]).encode()))
        jobs.run_due_jobs()
        batch = Batch.objects.get()
        head, row = download(desk.get("file-invalid", batch.public_id)).splitlines()
        assert head.endswith(f"{len(sheet().columns) + 1}번째 칸")
        assert row.endswith(",extra")
        assert "칸 수가 제목 줄과 달라요." in row
        assert "파일에 적힌 그대로" in desk.see("line", batch.public_id, 2)


class TestDeciding:
    def test_accepting_lets_it_count_and_again_changes_nothing(self, desk: Desk) -> None:
        batch = desk.upload(sheet())
        assert "265.32 EUR" in desk.see("file-accept", batch.public_id)
        for _time in range(2):
            assert desk.post("file-accept", batch.public_id).status_code == 302
        batch.refresh_from_db()
        assert (batch.state, batch.version) == (BatchState.ACCEPTED, 1)
        assert AuditEvent.objects.filter(action="reconciliation.accepted").count() == 1
        assert "반영했어요" in desk.see("file", batch.public_id)

    def test_throwing_away_leaves_only_the_attempt(self, desk: Desk) -> None:
        batch = desk.upload(sheet())
        for _time in range(2):
            assert desk.post("file-discard", batch.public_id).status_code == 302
        batch.refresh_from_db()
        assert (batch.state, BatchLine.objects.count()) == (BatchState.DISCARDED, 0)
        assert AuditEvent.objects.filter(action="reconciliation.discarded").count() == 1
        assert desk.get("lines", batch.public_id).status_code == 404

    def test_what_counts_is_not_thrown_away(self, desk: Desk) -> None:
        batch = desk.accepted(sheet())
        answer = desk.post("file-discard", batch.public_id)
        assert (answer.status_code, "이미 반영한 파일은 버릴 수 없어요" in text_of(answer)) == (409, True)

    def test_the_day_of_the_invoice_moves_the_day_it_is_due(self, desk: Desk) -> None:
        batch = desk.accepted(sheet())
        assert "발행일을 몰라" in desk.see("file", batch.public_id)
        desk.post("file-issued", batch.public_id, issued_on="2024-06-08")
        page = desk.see("file", batch.public_id)
        assert "2024-08-07 (수)" in page
        assert "발행일을 몰라" not in page
        for wrong in ("어제", "9999-12-31", ""):
            desk.post("file-issued", batch.public_id, issued_on=wrong)
            assert "송장 발행일을 다시 확인해 주세요" in desk.see("file", batch.public_id)
        batch.refresh_from_db()
        assert str(batch.issued_on) == "2024-06-08"
        assert desk.send(("june.csv", b"x"), issued_on="9999-12-31").status_code == 422


class TestVersions:
    def test_a_new_version_shows_what_changes_side_by_side_and_asks(self, desk: Desk) -> None:
        first = desk.accepted(sheet(4), "may.csv")
        newer = sheet(5).with_cell(1, "TaxTotal", "7.00").with_cell(1, "Total", "67.30")
        newer = replace(newer, rows=[row for place, row in enumerate(newer.rows) if place != 2])
        second = desk.upload(newer, "may-2.csv")
        assert "추가 1줄, 삭제 1줄, 변경 1줄이에요." in desk.see("file", second.public_id)
        page = desk.get("file-changes", second.public_id)
        assert [(row.badge.label, row.older, row.newer, row.difference) for row in page.context["rows"]] == [
            ("변경", 2, 2, "0.97"),
            ("삭제", 3, None, "-66.33"),
            ("추가", None, 4, "66.33"),
        ]
        (changed, *_rest) = page.context["rows"]
        assert changed.values == [("TaxTotal", "6.03", "7.00"), ("Total", "66.33", "67.30")]
        assert "EUR 265.32 266.29 0.97" in text_of(page)
        (only,) = desk.get("file-changes", second.public_id, change="removed").context["rows"]
        assert only.older == 3

        refused = desk.post("file-accept", second.public_id)
        assert (refused.status_code, "새 버전으로 반영해 주세요" in text_of(refused)) == (409, True)
        refused = desk.post("file-accept", second.public_id, replaces="rb-other")
        assert (refused.status_code, "그사이 다른 버전이 반영되었어요" in text_of(refused)) == (409, True)
        second.refresh_from_db()
        assert (second.state, second.version) == (BatchState.UNDERSTOOD, 0)

        assert desk.post("file-accept", second.public_id, replaces=first.public_id).status_code == 302
        second.refresh_from_db()
        first.refresh_from_db()
        assert (second.version, second.replaces, first.state) == (2, first, BatchState.SUPERSEDED)
        assert "새 버전이 반영되어서" in desk.see("file", first.public_id)
        assert len(desk.get("file-changes", second.public_id).context["rows"]) == 3
        assert desk.get("file-changes", first.public_id).status_code == 302

    def test_versions_too_long_to_compare_on_the_way_are_still_asked_about(
        self, desk: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first = desk.accepted(sheet(3), "may.csv")
        second = desk.upload(sheet(4), "may-2.csv")

        def never(_newer: Batch, _older: Batch) -> queries.Diff:
            raise totals.TooSlow

        monkeypatch.setattr(queries, "diff", never)
        assert "같은 청구서의 파일이 이미 있어요. 바뀌는 내용 보기" in desk.see("file", second.public_id)
        asked = desk.get("file-accept", second.public_id)
        assert "지금 세는 버전은 1 (may.csv)이에요." in text_of(asked)
        assert f'name="replaces" value="{first.public_id}"' in asked.content.decode()

    def test_a_figure_written_otherwise_is_no_change(self, desk: Desk) -> None:
        desk.accepted(sheet(3))
        newer = sheet(3).with_cell(0, "Subtotal", "60.300").with_cell(1, "CustomerName", "새 이름")
        second = desk.upload(newer, "again.csv")
        (row,) = desk.get("file-changes", second.public_id).context["rows"]
        assert [name for name, _old, _new in row.values] == ["CustomerName"]


class TestFinding:
    def test_the_list_finds_files_by_what_they_are(self, desk: Desk) -> None:
        waiting = desk.upload(sheet(2, "G7"), "seven.csv")
        counted = desk.accepted(sheet(3, "G8"), "eight.csv", issued_on="2024-06-08")
        desk.upload(table(Kind.LICENSE, "17"), "licence.csv", invoice_number="D1")

        def names(**query: Any) -> list[str]:
            return [row["name"] for row in desk.get("files", **query).context["part"].rows]

        assert names() == ["licence.csv", "eight.csv", "seven.csv"]
        assert names(state="UNDERSTOOD") == ["licence.csv", "seven.csv"]
        assert names(kind="nce_invoice") == ["eight.csv", "seven.csv"]
        assert names(kw="invoice", q="G8\nD1") == ["licence.csv", "eight.csv"]
        assert names(date="issued", date_from="2024-06-01", date_to="2024-06-30") == ["eight.csv"]
        desk.see("files")
        page = desk.counted("files")
        assert "198.99 EUR" in page
        assert "확인 대기 2" in page
        found = {link.url for word in ("G7", counted.public_id) for link in registry.find(desk.scope, word)}
        assert found == {reverse("reconciliation:file", args=[one.public_id]) for one in (waiting, counted)}
        asked = {"filters": "", "format": "csv"}
        file = desk.browser().post(reverse("console:list-export", args=["reconciliation-files"]), asked)
        assert download(file).count("\r\n") == 4

    def test_home_says_what_waits(self, desk: Desk) -> None:
        desk.upload(sheet())
        (tile,) = [tile for tile in registry.tiles("operator") if str(tile.label) == "확인할 조정 파일"]
        assert tile.count(desk.scope) == 1
        assert desk.browser().get(tile.address).context["part"].rows[0]["state"] == "UNDERSTOOD"

    def test_lines_are_found_by_what_they_are_about(self, desk: Desk) -> None:
        made = sheet(4).with_cell(2, "CustomerName", "가나다 주식회사").with_cell(3, "ResellerMpnId", "")
        batch = desk.upload(made)

        def records(**query: Any) -> list[int]:
            return [row["record"] for row in desk.get("lines", batch.public_id, **query).context["part"].rows]

        assert records(kw="customer", q="가나다") == [3]
        assert records(kw="subscription", q=made.rows[1]["SubscriptionId"].lower()) == [2]
        assert records(bucket="none") == [4]
        assert records(group="charge") == [1, 2, 3, 4]
        assert records(group="credit") == []
        line = BatchLine.objects.get(batch=batch, record=2)
        assert records(key=str(line.group_key)) == [2]
        assert records(key="no-uuid") == []
        assert records(
            like="|".join(made.rows[0][name] for name in ("CustomerId", "SubscriptionId", "ProductId", "SkuId"))
        ) == [1]
        for page in ("lines", "file", "file-invoice"):
            desk.counted(page, batch.public_id)

    def test_the_counts_of_a_whole_file_are_those_that_are_kept(self, desk: Desk) -> None:
        batch = desk.upload(sheet(4).with_cell(0, "Total", "x"))
        total = reverse("console:list-total", args=["reconciliation-lines-nce-invoice"])
        whole = text_of(desk.browser().get(total, {"batch": batch.public_id}))
        assert "총 4 건" in whole
        assert "총 1 건" in text_of(desk.browser().get(total, {"batch": batch.public_id, "standing": "invalid"}))
        assert "총 0 건" in text_of(desk.browser().get(total))

    def test_saved_conditions_lead_back_to_the_file(self, desk: Desk) -> None:
        batch = desk.upload(sheet())
        answer = desk.get("lines-entry", batch=batch.public_id, standing="valid")
        assert answer["Location"].startswith(reverse("reconciliation:lines", args=[batch.public_id]))
        for nothing in ("", "\x00"):
            assert desk.get("lines-entry", batch=nothing)["Location"] == reverse("reconciliation:files")


PAGES = ("file", "file-accept", "file-discard", "file-progress", "file-changes", "file-invalid", "file-invoice")
PAGES_MORE = ("file-daily", "lines")


class TestStrangers:
    def test_a_file_of_another_merchant_is_not_there(self, desk: Desk) -> None:
        batch = desk.accepted(sheet())
        other = Desk(firm("남의 가게"))
        for page in (*PAGES, *PAGES_MORE):
            assert other.get(page, batch.public_id).status_code == 404, page
        assert other.get("line", batch.public_id, 1).status_code == 404
        assert other.get("lines-entry", batch=batch.public_id).status_code == 404
        for page in ("file-accept", "file-discard", "file-restart", "file-issued"):
            answer = other.post(page, batch.public_id, issued_on="2024-06-08")
            assert answer.status_code == 404, page
        asked = {"filters": f"batch={batch.public_id}", "format": "csv"}
        file = other.browser().post(reverse("console:list-export", args=["reconciliation-lines-nce-invoice"]), asked)
        assert download(file).count("\r\n") == 1
        assert other.see("files").count("file.csv") == 0
        assert not registry.find(other.scope, batch.public_id)
        assert not registry.find(other.scope, "G1")

    def test_a_file_that_is_not_there(self, desk: Desk) -> None:
        for page in (*PAGES, *PAGES_MORE):
            assert desk.get(page, "rb-nothing").status_code == 404, page
        batch = desk.upload(sheet())
        for record in (0, 99, 10**30):
            assert desk.get("line", batch.public_id, record).status_code == 404

    def test_a_viewer_looks_and_does_nothing(self, desk: Desk) -> None:
        batch = desk.upload(sheet())
        page = desk.see("file", batch.public_id, role=Role.VIEWER)
        assert "버리기" not in page
        assert "파일 올리기" not in desk.see("files", role=Role.VIEWER)
        for name in ("file-accept", "file-discard", "file-restart", "file-issued"):
            assert desk.post(name, batch.public_id, role=Role.VIEWER, issued_on="2024-06-08").status_code == 403, name
        assert desk.send(("may.csv", b"x"), role=Role.VIEWER).status_code == 403
        batch.refresh_from_db()
        assert (batch.state, batch.issued_on, Batch.objects.count()) == (BatchState.UNDERSTOOD, None, 1)

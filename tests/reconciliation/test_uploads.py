"""Promise: a file of our billing records is saved whole and exactly, once, or not at all with every reason by row."""

import io
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from access.roles import Role
from console import upload_files, upload_operations, uploads
from console.models import Upload, UploadState
from core.scope import Scope
from reconciliation import queries
from reconciliation.models import BillingRecord
from reconciliation.operations import own_records
from reconciliation.uploads.records import KIND
from tests.access.build import firm, signed_in
from tests.build import BY, day, merchant, noon

pytestmark = pytest.mark.django_db

HEADER = (
    "ref,kind,customer_id,subscription_id,product_id,sku_id,currency,quantity,unit_price,subtotal,tax,"
    "period_start,period_end"
)
ROW = "B-1,nce_invoice,C1,S1,P1,0001,USD,3,20.10,60.30,6.03,2024-05-01,2024-05-31"
OTHER = "B-2,license,C2,,,,KRW,10,1200,12000,1200,2024-05-01,2024-05-31"


def checked(scope: Scope, *rows: str, header: str = HEADER, name: str = "records.csv") -> Upload:
    """Upload a file and return what was found in it."""
    file = SimpleUploadedFile(name, "\n".join([header, *rows]).encode())
    kind = uploads.kind_named(KIND)
    stored = upload_operations.store(kind=kind, scope=scope, file=file, by=BY, now=noon())
    return upload_operations.check(upload=stored, by=BY, now=noon())


def loaded(scope: Scope, *rows: str, header: str = HEADER, again: bool = False) -> Upload:
    """Upload a file and confirm it."""
    found = checked(scope, *rows, header=header)
    assert found.state == UploadState.CHECKED, found.errors
    return upload_operations.confirm(scope=scope, kind=KIND, upload_id=found.public_id, again=again, by=BY, now=noon())


def errors(upload: Upload) -> list[tuple[object, object, object]]:
    return [(error["row"], error["column"], error["code"]) for error in upload.errors]


def test_rows_are_saved_exactly_and_say_where_they_come_from() -> None:
    scope = merchant()
    done = loaded(scope, ROW, OTHER)
    assert (done.state, done.new_rows, done.result["rows"]) == (UploadState.DONE, 2, 2)
    first = queries.records(scope).get(ref="B-1")
    assert (str(first.subtotal), str(first.tax), str(first.unit_price), first.ids["sku_id"]) == (
        "60.30",
        "6.03",
        "20.10",
        "0001",
    )
    assert (first.source, first.source_id) == ("upload", done.public_id)


def test_a_preview_tells_new_changed_and_same_with_the_sums_in_won() -> None:
    scope = merchant()
    loaded(scope, ROW, OTHER)
    found = checked(scope, ROW, OTHER.replace("12000", "13000"), OTHER.replace("B-2", "B-3"))
    assert (found.new_rows, found.changed_rows, found.same_rows) == (1, 1, 1)
    assert found.sums == {"세전 KRW": 25_000, "세금 KRW": 2_400}
    assert BillingRecord.objects.count() == 2


def test_the_same_file_again_changes_nothing() -> None:
    scope = merchant()
    loaded(scope, ROW, OTHER)
    again = loaded(scope, ROW, OTHER, again=True)
    assert again.result["rows"] == 0
    assert BillingRecord.objects.count() == 2


def test_headers_may_be_korean_and_the_template_loads_when_filled_in() -> None:
    scope = merchant()
    korean = "기록 이름,파일 종류,고객 ID,통화,세전 금액"
    loaded(scope, "B-1,라이선스 청구 내역,C1,usd,1.005", header=korean)
    assert str(queries.records(scope).get().subtotal) == "1.005"
    template: Any = upload_files.template(uploads.kind_named(KIND), "csv")
    text = b"".join(template.streaming_content).decode("utf-8-sig")
    assert text.startswith("기록 이름,파일 종류,고객 ID")


@pytest.mark.parametrize(
    ("row", "found"),
    [
        (ROW.replace("60.30", "much"), (3, "subtotal", "not_a_number")),
        (ROW.replace("60.30", "6e1"), (3, "subtotal", "not_a_number")),
        (ROW.replace("USD", "dollars"), (3, "currency", "not_a_currency")),
        (ROW.replace("nce_invoice", "stripe_payout"), (3, "kind", "unknown_choice")),
        (ROW.replace("B-1", ""), (3, "ref", "required")),
        (ROW.replace("2024-05-31", "2024-04-30"), (3, "period_end", "period_reversed")),
        (ROW.replace("2024-05-31", "31 May"), (3, "period_end", "not_a_date")),
        (OTHER, (3, "ref", "twice_in_file")),
    ],
)
def test_one_wrong_row_keeps_all_out_and_is_named(row: str, found: tuple[object, ...]) -> None:
    scope = merchant()
    upload = checked(scope, OTHER, row)
    assert upload.state == UploadState.REJECTED
    assert errors(upload) == [found]
    assert not BillingRecord.objects.exists()


def test_closed_days_are_told_by_row_before_and_when_loading() -> None:
    scope = merchant()
    waiting = checked(scope, OTHER.replace("2024-05", "2024-06").replace("-31", "-30"), ROW)
    own_records.lock_period(scope=scope, first_day=day("2024-05-31"), last_day=day("2024-05-31"), by=BY, now=noon())
    assert errors(checked(scope, OTHER.replace("2024-05", "2024-06").replace("-31", "-30"), ROW)) == [
        (3, None, "period_locked")
    ]
    late = upload_operations.confirm(
        scope=scope, kind=KIND, upload_id=waiting.public_id, again=False, by=BY, now=noon()
    )
    assert late.state == UploadState.REJECTED
    assert errors(late) == [(3, None, "period_locked")]
    assert not BillingRecord.objects.exists()


def test_a_spreadsheet_keeps_ids_as_text_and_every_digit_of_a_figure() -> None:
    scope = merchant()
    loaded(scope, ROW.replace("60.30", "12345678901234567890.123456789012345678").replace("0001", "0007"))
    found = queries.records(scope).get()
    assert (str(found.subtotal), found.ids["sku_id"]) == ("12345678901234567890.123456789012345678", "0007")


def test_only_who_may_edit_uploads_and_only_ones_own_is_there(settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    mine, theirs = firm(), firm("Sun Shop")
    upload = checked(theirs.scope, ROW)
    viewer = signed_in(mine.person("viewer", Role.VIEWER))
    operator = signed_in(mine.person("operator", Role.OPERATOR))
    assert viewer.get(f"/uploads/{KIND}/").status_code == 403
    page = operator.get(f"/uploads/{KIND}/")
    assert page.status_code == 200
    assert "청구 기록 등록" in page.content.decode()
    assert operator.get(f"/uploads/{KIND}/{upload.public_id}/").status_code == 404
    file = io.BytesIO(f"{HEADER}\n{ROW}".encode())
    file.name = "records.csv"
    sent = operator.post(f"/uploads/{KIND}/", {"file": file})
    assert sent.status_code == 302
    assert "60.3" in operator.get(sent["Location"]).content.decode()


def test_the_preview_shows_exact_figures_with_their_decimals() -> None:
    there = firm("한빛마켓")
    upload = checked(there.scope, ROW.replace("60.30", "1234.56789"))
    operator = signed_in(there.person("operator", Role.OPERATOR))
    page = operator.get(reverse("console:upload-detail", args=[KIND, upload.public_id]))
    assert page.status_code == 200
    assert "1,234.56789" in page.content.decode()

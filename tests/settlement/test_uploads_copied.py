"""Protects the fast way in for manual adjustments: it finds, records and posts exactly what the way row by row does."""

import io
from typing import Any

import pytest
from django.db.models import F
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from console import upload_copy, uploads
from console.files.sheet_limits import Caps
from console.uploads import UploadKind
from core.scope import Scope
from ledger.models import Entry
from settlement.models import PartnerSettlement, SettlementRecord
from settlement.operations import settings
from settlement.uploads import manual
from settlement.uploads.manual import ManualUpload
from tests import build

pytestmark = pytest.mark.django_db
HEADER = "정산 유형,파트너 아이디,정산일,정산 금액,정산 면세액,메모"
TODAY = build.noon()


@pytest.fixture(autouse=True)
def _every_file_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manual, "FROM_BYTES", 0)


@pytest.fixture
def shop() -> Scope:
    """Give a merchant with partners, one of them named like a row of the template."""
    scope = build.merchant()
    for name in ("seller-7", "seller-8", "partner-001", "'=odd"):
        build.partner(scope, name)
    return scope


def content(lines: list[str], header: str = HEADER, encoding: str = "utf-8-sig") -> io.BytesIO:
    return io.BytesIO("".join(f"{line}\r\n" for line in [header, *lines]).encode(encoding))


def row_by_row(scope: Scope, file: io.BytesIO) -> uploads.Examination:
    return UploadKind.examine(ManualUpload(), scope, file)


TYPES = st.sampled_from(["", "수기 정산", "MANUAL", "수기정산", "manual", " 수기 정산", "주문"])
KNOWN = ["seller-7", "seller-8", "seller-7 ", "\u3000seller-8", "partner-001", "'=odd"]
PARTNERS = st.sampled_from([*KNOWN, "partner-002", "nobody", "", " ", "'seller-7", "''=odd"])
GOOD_DAYS = ["2023-08-01", "2023-08-11", "2023-12-10", "2023.8.1", "20230801", "2026-12-10", "2023-08-01 "]
DAYS = st.sampled_from([*GOOD_DAYS, "2023-02-30", "", "내일", "0000-01-01"])
GOOD_AMOUNTS = ["0", "-0", "5", "-2000", "50000", "1000원", "(500)", "△7", "₩30", "\u0665", "999999999999999"]
AMOUNTS = st.sampled_from([*GOOD_AMOUNTS, "-999999999999999", "9999999999999999", "5만", "007", "1.5", "", "-", "1e5"])
GOOD_MEMOS = ["", "봄 행사", " 앞", "가\u0301", "\u1100\u1161", "'=1", "'가", "  "]
MEMOS = st.sampled_from([*GOOD_MEMOS, "x" * 1_001, "y" * 2_001])
LINES = st.lists(st.tuples(TYPES, PARTNERS, DAYS, AMOUNTS, AMOUNTS, MEMOS).map(",".join), max_size=8)
ODD_LINES = st.sampled_from([",,,,,", " , ,,,,", "수기 정산,partner-001,2026-12-10,50000,0,봄 행사", "seller-7", "",
                             ',seller-7,2023-08-01,"1,000",,', ",seller-7,2023-08-01,1,,,"])  # fmt: skip


@hypothesis_settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(lines=LINES, odd=st.lists(ODD_LINES, max_size=1), alone=st.booleans())
@example(lines=[",seller-7,2023-08-01,5,6,"] * 3 + [",nobody,2023-08-01,x,,"], odd=[], alone=False)
@example(
    lines=[",seller-7,2023-08-01,5,-1,", ",seller-7,2023-08-01,-5,1,", ",seller-7,2023-08-01,-5,-5,"],
    odd=[],
    alone=False,
)
@example(lines=[",seller-7,2023-08-01,-5,,"], odd=[",,,,,"], alone=True)
def test_it_examines_as_row_by_row(shop: Scope, lines: list[str], odd: list[str], *, alone: bool) -> None:
    settings.change(scope=shop, by=build.BY, manual_settlement_per_transfer=alone)
    file = content([*lines, *odd])

    assert ManualUpload().examine(shop, file) == row_by_row(shop, file)


@pytest.mark.parametrize(
    ("header", "line"),
    [
        ("settlement_amount,PARTNER ID,정산일,오류", "5,seller-7,2023-08-01,"),
        ("settlement_amount,PARTNER ID,정산일,오류", "5,seller-7,2023-08-01,그대로예요"),
        ("정산 금액;파트너 아이디;정산일", "5;seller-7;2023-08-01"),
        ("정산 금액\t파트너 아이디\t정산일\t", "5\tnobody\t2023-08-01\t"),
        ("정산 금액,파트너 아이디,정산일,", "5,seller-7,2023-08-01,여기"),
        ("정산 금액,파트너 아이디", "5,seller-7"),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949", "utf-16"])
def test_any_header_and_encoding(shop: Scope, header: str, line: str, encoding: str) -> None:
    file = content([line] * 3, header, encoding)

    assert ManualUpload().examine(shop, file) == row_by_row(shop, file)


def test_more_errors_than_are_kept(shop: Scope) -> None:
    file = content(
        [f",{'nobody' if at % 3 else 'seller-7'},2023-08-01,{'x' if at % 2 else 5},," for at in range(2_500)]
    )

    found = ManualUpload().examine(shop, file)
    assert found == row_by_row(shop, file)
    assert (len(found.errors), found.error_count) == (1_000, 2_083)


def test_too_many_rows(shop: Scope, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ManualUpload, "caps", Caps(rows=3))
    codes = {}
    for count in (3, 4):
        file = content([",seller-7,2023-08-01,5,,"] * (count - 1) + [",nobody,2023-08-01,5,,"])
        found = ManualUpload().examine(shop, file)
        assert found == row_by_row(shop, file)
        codes[count] = [error["code"] for error in found.errors]
    assert codes == {3: ["unknown_partner"], 4: ["too_many_rows"]}


def test_plain_files_are_copied_and_others_not() -> None:
    assert upload_copy.copied(ManualUpload(), content([",seller-7,2023-08-01,5,,"])) is not None
    for odd in ('"5"', "5\\"):
        assert upload_copy.copied(ManualUpload(), content([f",seller-7,2023-08-01,{odd},,"])) is None


def told(scope: Scope) -> list[list[Any]]:
    """Return everything that loading wrote, without ids and names of rows."""
    mine = scope.filters()
    records = SettlementRecord.objects.filter(**mine).order_by("partner__public_id", "settlement_date", "net")
    settled = PartnerSettlement.objects.filter(**mine).order_by("partner__public_id", "settlement_date", "net")
    entries = Entry.objects.filter(**{f"journal__{name}": value for name, value in mine.items()})
    rows = "partner__public_id", "settlement_date", "net", "net_tax_free", "state"
    return [
        list(records.values_list(*rows, "memo", "reason", "type", "partner_settlement__net", "date_is_given")),
        list(settled.values_list(*rows, "credit_total", "debit_total", "record_count", "maturity_no", "start_from")),
        sorted(
            entries.values_list(
                "journal__event_type", "journal__business_date", "journal__actor", "leg_no", "account__chart_id",
                "account__owner", "amount", "component", "journal__origin_kind",
            )
        ),
    ]  # fmt: skip


@pytest.mark.parametrize("alone", [False, True])
def test_it_records_and_posts_as_row_by_row(*, alone: bool) -> None:
    lines = [
        ",seller-7,2023-08-01,50000,1000,봄 행사",
        ",seller-8,2023-08-01,0,,",
        "수기 정산,seller-7,2023.8.1,7원,,",
        ",seller-7,2023-12-10,300,,",
        ",seller-8,2023-08-11,12,12, 앞",
    ]
    if not alone:
        lines += [",seller-7,2023-08-01,-2000,-2000,", ",seller-8,2023-09-30,-5,,"]
    shops = []
    for name in ("달빛마켓", "햇살상회"):
        scope = build.merchant(name)
        settings.change(scope=scope, by=build.BY, manual_settlement_per_transfer=alone)
        for partner in ("seller-7", "seller-8"):
            build.partner(scope, partner)
        build.manual(scope, 10, settlement_date="2023-08-01")
        shops.append(scope)

    fast = ManualUpload().perform(shops[0], content(lines), build.BY, TODAY)
    slow = UploadKind.perform(ManualUpload(), shops[1], content(lines), build.BY, TODAY)

    assert fast == slow
    assert told(shops[0]) == told(shops[1])
    assert build.off_balance(shops[0]) == 0
    ids = SettlementRecord.objects.within(shops[0]).exclude(net=10).values_list("public_id", flat=True)
    assert len({*ids}) == len(lines)
    assert {len(one) for one in ids} == {30}
    keyed = Entry.objects.filter(journal__event_key=F("journal__event_key"), journal__origin_id__in=ids)
    assert keyed.exists()


def test_one_wrong_row_loads_nothing(shop: Scope) -> None:
    lines = [",seller-7,2023-08-01,5,,"] * 5
    with pytest.raises(uploads.Rejected) as rejected:
        ManualUpload().perform(shop, content([*lines, ",nobody,2023-08-01,5,,"]), build.BY, TODAY)
    with pytest.raises(uploads.Rejected):
        ManualUpload().perform(shop, content([]), build.BY, TODAY)

    assert [(error["row"], error["code"]) for error in rejected.value.examination.errors] == [(7, "unknown_partner")]
    assert not SettlementRecord.objects.exists()
    assert not Entry.objects.exists()

"""Protects the upload of manual adjustments: refusals name row and column, and one wrong row loads nothing."""

import io

import pytest

from console import uploads
from core.scope import Scope
from settlement.models import SettlementRecord
from settlement.operations import settings
from settlement.uploads.manual import ManualUpload
from tests import build

pytestmark = pytest.mark.django_db
HEADER = "정산 유형,파트너 아이디,정산일,정산 금액,정산 면세액,메모"


@pytest.fixture
def shop() -> Scope:
    """Give a merchant with one partner."""
    scope = build.merchant()
    build.partner(scope)
    return scope


def file(*rows: str, header: str = HEADER) -> io.BytesIO:
    return io.BytesIO("\r\n".join(["﻿" + header, *rows]).encode())


def examined(scope: Scope, *rows: str) -> list[tuple[object, object, object]]:
    found = ManualUpload().examine(scope, file(*rows))
    return [(error["row"], error["column"], error["code"]) for error in found.errors]


def test_good_rows_become_records(shop: Scope) -> None:
    kind = ManualUpload()
    content = file('수기 정산,seller-7,2023-09-01,"50,000",1000,봄 행사', ",seller-7,2023.8.1,-2000원,,")

    found = kind.examine(shop, content)
    assert (found.errors, found.rows, found.loadable) == ([], 2, True)
    assert found.sums == {"정산 금액": 48_000}
    content.seek(0)
    loaded = kind.perform(shop, content, build.BY, build.noon())

    assert loaded.rows == 2
    rows = SettlementRecord.objects.order_by("pk").values_list("net", "net_tax_free", "memo", "state")
    assert list(rows) == [(50_000, 1_000, "봄 행사", "IN_PROCESS"), (-2_000, 0, "", "SETTLED")]
    assert build.money(shop) == {"pending": 50_000, "receivable": 2_000}


def test_refusals_name_row_column_and_reason(shop: Scope) -> None:
    other = build.merchant("햇살상회")
    build.partner(other, "foreign")

    assert examined(shop, ",nobody,2023-09-01,1,,", ",seller-7,2023-09-01,5,6,", ",foreign,2023-09-01,1,,") == [
        (2, "파트너 아이디", "unknown_partner"),
        (3, "정산 면세액", "tax_free_too_large"),
        (4, "파트너 아이디", "unknown_partner"),
    ]
    day = "2023-09-01"
    bad = (",seller-7,,1,,", ",seller-7,2023-02-30,1,,", f",seller-7,{day},1.5,,", f"주문,seller-7,{day},1,,")
    codes = examined(shop, *bad)
    assert [(row, column) for row, column, _code in codes] == [
        (2, "정산일"),
        (3, "정산일"),
        (4, "정산 금액"),
        (5, "정산 유형"),
    ]


def test_one_wrong_row_loads_nothing(shop: Scope) -> None:
    content = file(",seller-7,2023-09-01,1,,", ",nobody,2023-09-01,1,,")

    with pytest.raises(uploads.Rejected):
        ManualUpload().perform(shop, content, build.BY, build.noon())
    assert not SettlementRecord.objects.exists()


def test_losses_are_refused_where_each_record_is_paid_alone(shop: Scope) -> None:
    settings.change(scope=shop, by=build.BY, manual_settlement_per_transfer=True)

    assert examined(shop, ",seller-7,2023-09-01,-1,,") == [(2, "정산 금액", "negative_not_allowed")]


def test_it_has_a_page() -> None:
    assert isinstance(uploads.kind_named("manual"), ManualUpload)

"""Protects the records' CSV: the columns asked for, under Korean names, safe in Excel, read through one cursor."""

import csv
import io
import json
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client

from settlement import sheets
from settlement.list_filters import record_filter
from settlement.models import Calculator, PropertyTarget
from settlement.operations import properties
from tests import build
from tests.settlement.test_api import ORDER, Wire, prepare, wire

__all__ = ["wire"]

pytestmark = pytest.mark.django_db
PATH = "/platform/transfer-summaries/sheet-file"


def fetch(wire: Wire, argument: object) -> Any:
    url = f"{PATH}?{urlencode({'requestBody': json.dumps(argument)})}"
    return Client().get(url, headers={"authorization": f"PortOne {wire.secret}"})


def rows(wire: Wire, argument: object) -> list[list[str]]:
    response = fetch(wire, argument)
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    data = b"".join(response.streaming_content)
    assert data.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def test_the_columns_that_are_asked_for(wire: Wire) -> None:
    prepare(wire)
    made = wire.ok("POST", "/transfers/order", ORDER)["transfer"]
    manual = {"partnerId": "seller-7", "settlementAmount": -500, "settlementDate": "2023-08-31", "memo": "=1+1"}
    wire.ok("POST", "/transfers/manual", manual)
    fields = [
        *("TRANSFER_TYPE", "TRANSFER_ID", "TRANSFER_SETTLEMENT_DATE", "TRANSFER_SETTLEMENT_AMOUNT"),
        *("TRANSFER_PAYMENT_METHOD", "TRANSFER_PLATFORM_FEE", "TRANSFER_MEMO", "TRANSFER_CONTRACT_NAME"),
        *("PARTNER_ACCOUNT_BANK", "PARTNER_ACCOUNT_NUMBER", "PARTNER_TAXATION_TYPE_OR_INCOME_TYPE", "PARTNER_BRN"),
    ]
    header, newest, oldest = rows(wire, {"fields": fields})

    assert header == [
        *("정산 유형", "정산 아이디", "정산일", "정산 금액", "결제 수단", "중개수수료", "메모", "계약 이름"),
        *("은행", "계좌 번호", "과세·소득 유형", "사업자 등록번호"),
    ]
    partner = ["국민은행", "123-456-789012", "일반 과세", "117-81-78260"]
    assert oldest == ["주문", made["id"], "2023-08-31", "7900", "카드", "1000", "", "10 %", *partner]
    assert (newest[0], newest[3], newest[5], newest[6]) == ("수기 정산", "-500", "", "'=1+1")


def test_every_fixed_column_has_its_own_name(wire: Wire) -> None:
    prepare(wire)
    wire.ok("POST", "/transfers/order", ORDER)
    keys = [*sheets.RECORD_FIELDS, *sheets.PARTNER_FIELDS]
    header, line = rows(wire, {"fields": keys})
    assert len(header) == len(set(header)) == len(keys) == 55
    assert len(line) == len(keys)
    assert line[header.index("상태")] == "정산 확정"
    assert line[header.index("결제 부가세액")] == "727"


def test_without_columns_the_usual_ones(wire: Wire) -> None:
    prepare(wire)
    (header,) = rows(wire, {})
    assert header[-2:] == ["파트너 아이디", "파트너 이름"]
    assert len(header) == len(sheets.USUAL)


def test_properties_and_formulas_are_columns(wire: Wire) -> None:
    prepare(wire)
    told: dict[str, Any] = {"scope": wire.scope, "by": build.BY, "now": build.noon()}
    properties.define(**told, target=PropertyTarget.RECORD, key="channel", name="유입 경로")
    properties.define(**told, target=PropertyTarget.PARTNER, key="grade", name="등급")
    wire.ok("PATCH", "/partners/seller-7", {"userDefinedProperties": {"grade": {"string": "A"}}})
    own = [{"key": "margin", "name": "마진", "expression": "PLATFORM_FEE_AMOUNT", "rounding": "DOWN"}]
    Calculator.objects.create(**wire.scope.filters(), number=99, applied_at=build.noon("2990-01-01"), own=own)
    body = ORDER | {"userDefinedProperties": [{"key": "channel", "value": {"string": "앱"}}]}
    wire.ok("POST", "/transfers/order", body)

    found = rows(wire, {"fields": ["TRANSFER_channel", "PARTNER_grade", "FORMULA_margin"]})
    assert found == [["유입 경로", "등급", "마진"], ["앱", "A", ""]]


def test_an_unknown_column_is_refused(wire: Wire) -> None:
    prepare(wire)
    for key in ("TRANSFER_NONE", "PARTNER_STATUS_UPDATED_AT", "FORMULA_x", ""):
        response = fetch(wire, {"fields": ["TRANSFER_ID", key]})
        assert (response.status_code, response.json()["type"]) == (400, "INVALID_REQUEST")
        assert response.json()["field"] == "fields[1]"


def test_filters_are_those_of_the_list(wire: Wire) -> None:
    prepare(wire)
    wire.ok("POST", "/transfers/order", ORDER)
    wire.ok("POST", "/transfers/order", ORDER | {"paymentId": "other"})
    found = rows(wire, {"fields": ["TRANSFER_PAYMENT_ID"], "filter": {"keyword": {"paymentId": "other"}}})
    assert found == [["주문 번호"], ["other"]]


def test_the_rows_come_through_a_cursor(wire: Wire, django_assert_num_queries: Any) -> None:
    prepare(wire)
    for number in range(5):
        wire.ok("POST", "/transfers/order", ORDER | {"paymentId": f"p{number}"})
    fields = sheets.chosen(wire.scope, ["TRANSFER_ID", "PARTNER_ACCOUNT_NUMBER", "PARTNER_DEFAULT_CONTRACT_ID"])
    # Two savepoint statements of the test's own transaction and one cursor, however many rows.
    with django_assert_num_queries(3):
        blocks = list(sheets.record_blocks(wire.scope, record_filter(None, wire.scope), fields))
    assert b"".join(blocks).count(b"\r\n") == 6

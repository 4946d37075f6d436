"""Promise: two readers cannot understand one request body differently; amounts are whole numbers within bounds."""

from ast import literal_eval
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum

import pytest

from access.parse import LARGEST_AMOUNT, Fields, QueryFields, strict_json
from core.errors import InvalidRequest


class Colour(StrEnum):
    RED = "RED"
    BLUE = "BLUE"


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":1,"a":2}',
        b'{"a":{"b":1,"b":1}}',
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":-Infinity}',
        b'{"a":"\\u0000"}',
        b'{"\\u0000":1}',
        b'{"a":"\\ud800"}',
        b'{"a":"\\udc00\\ud800"}',
        b'{"\\udfff":1}',
        b'["\\ud83d"]',
        b'{"a":"\x00"}',
        b'{"a":"line\nbreak"}',
        b'{"a":1}{"b":2}',
        b'{"a":1} x',
        b"{'a':1}",
        b'{"a":1,}',
        b'{"a":01}',
        b'{"a":+1}',
        b'{"a":.5}',
        b'{"a":0x10}',
        b'{"a":' + b"9" * 41 + b"}",
        b'{"a":' + b"9" * 5000 + b"}",
        b'{"a":1e400}',
        b'{"a":1e-999999999}',
        b'{"a":1e99999999999999999999}',
        b'{"a":0.' + b"1" * 50 + b"}",
        b"[" * 21 + b"]" * 21,
        b"[" * 100_000 + b"]" * 100_000,
        b'{"a":' * 21 + b"1" + b"}" * 21,
        b"\xff\xfe{\x00}\x00",
        b"\xef\xbb\xbf{}",
        b'{"a":"\xed\xa0\x80"}',
        b'{"a":"\xc0\x80"}',
        b'{"a":"\xff"}',
        b"{",
        b"nul",
        b'"open',
        b"/* c */ {}",
    ],
)
def test_bodies_that_are_refused(body: bytes) -> None:
    with pytest.raises(InvalidRequest):
        strict_json(body)


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b"", {}),
        (b" \r\n\t", {}),
        (b"{}", {}),
        ('{"이름":"한글 😀 e\u0301"}'.encode(), {"이름": "한글 😀 e\u0301"}),
        (b'{"a":"\\ud83d\\ude00"}', {"a": "😀"}),
        (b'{"a":1.50}', {"a": Decimal("1.50")}),
        (b'{"a":999999999999999}', {"a": 999_999_999_999_999}),
        (b"[" * 20 + b"]" * 20, literal_eval("[" * 20 + "]" * 20)),
        (b'{"a":null,"b":true}', {"a": None, "b": True}),
    ],
)
def test_bodies_that_are_read(body: bytes, value: object) -> None:
    assert strict_json(body) == value


@pytest.mark.parametrize("value", ["1", 1.0, Decimal("1.0"), True, False, None, [], {}, LARGEST_AMOUNT + 1, -(10**15)])
def test_what_is_no_amount(value: object) -> None:
    with pytest.raises(InvalidRequest) as caught:
        Fields({"amount": value}, "order").amount("amount")
    assert caught.value.facts == {"field": "order.amount"}


def test_amounts_up_to_the_bound() -> None:
    fields = Fields({"most": LARGEST_AMOUNT, "least": -LARGEST_AMOUNT, "none": None})
    assert fields.amount("most") == 999_999_999_999_999
    assert fields.amount("least") == -999_999_999_999_999
    assert fields.maybe_amount("none") is None
    assert fields.maybe_amount("absent") is None
    with pytest.raises(InvalidRequest):
        fields.amount("least", minimum=0)


@pytest.mark.parametrize(
    "value", ["2026-2-1", "2026-02-30", "20260201", "1899-12-31", "3000-01-01", "２０２６-01-01", 5, ""]
)
def test_what_is_no_day(value: object) -> None:
    with pytest.raises(InvalidRequest):
        Fields({"d": value}).date("d")


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2023-08-11T08:21:01.241Z", datetime(2023, 8, 11, 8, 21, 1, 241_000, UTC)),
        ("2023-08-11T17:21:01+09:00", datetime(2023, 8, 11, 8, 21, 1, tzinfo=UTC)),
        ("2023-08-11t08:21:01.123456789z", datetime(2023, 8, 11, 8, 21, 1, 123_456, UTC)),
    ],
)
def test_moments(text: str, moment: datetime) -> None:
    assert Fields({"m": text}).moment("m") == moment


@pytest.mark.parametrize(
    "text",
    [
        "2023-08-11",
        "2023-08-11T08:21:01",
        "2023-08-11 08:21:01Z",
        "2023-08-11T25:00:00Z",
        "0001-01-01T00:00:00+09:00",
        1,
    ],
)
def test_what_is_no_moment(text: object) -> None:
    with pytest.raises(InvalidRequest):
        Fields({"m": text}).moment("m")


def test_text_keeps_what_came_within_its_length() -> None:
    fields = Fields({"t": " 가 ", "long": "x" * 11, "n": 1})
    assert fields.text("t") == " 가 "
    for name in ("long", "n", "absent"):
        with pytest.raises(InvalidRequest):
            fields.text(name, longest=10)
    with pytest.raises(InvalidRequest):
        fields.text("t", shortest=4)


def test_choices_and_booleans_are_exact() -> None:
    fields = Fields({"c": "RED", "low": "red", "b": False, "t": "true", "cs": ["RED", "BLUE"], "bad": ["RED", "red"]})
    assert fields.choice("c", Colour) is Colour.RED
    assert fields.choices("cs", Colour) == [Colour.RED, Colour.BLUE]
    assert fields.boolean("b") is False
    with pytest.raises(InvalidRequest, match="RED, BLUE"):
        fields.choice("low", Colour)
    with pytest.raises(InvalidRequest) as caught:
        fields.choices("bad", Colour)
    assert caught.value.facts["field"] == "bad[1]"
    with pytest.raises(InvalidRequest):
        fields.boolean("t")


def test_paths_lead_to_the_field_that_is_wrong() -> None:
    body = Fields.of(strict_json(b'{"order":{"lines":[{"quantity":1},{"quantity":"2"}]}}'))
    lines = body.mapping("order").items("lines")
    assert lines[0].integer("quantity") == 1
    with pytest.raises(InvalidRequest) as caught:
        lines[1].integer("quantity")
    assert caught.value.facts["field"] == "order.lines[1].quantity"
    assert "order.lines[1].quantity" in caught.value.message


def test_unknown_fields_are_found_at_every_level() -> None:
    body = Fields({"a": {"b": 1, "extra": 2}, "list": [{"c": 1}]})
    body.mapping("a").integer("b")
    body.items("list")[0].integer("c")
    with pytest.raises(InvalidRequest) as caught:
        body.done()
    assert caught.value.facts["field"] == "a.extra"
    body.mapping("a").raw("extra")
    body.done()


def test_one_of_several() -> None:
    assert Fields({"orderDetail": {}, "memo": "x"}).one_of("orderDetail", "orderAmount") == "orderDetail"
    for wrong in ({}, {"orderDetail": {}, "orderAmount": 1}):
        with pytest.raises(InvalidRequest):
            Fields(wrong).one_of("orderDetail", "orderAmount")


def test_entries_have_names_that_are_data() -> None:
    body = Fields({"properties": {"색": {"string": "빨강"}}})
    assert {name: value.text("string") for name, value in body.entries("properties").items()} == {"색": "빨강"}
    body.done()


def test_queries_are_read_from_text() -> None:
    query = QueryFields.parse(
        [("limit", ["50"]), ("test", ["true"]), ("ids", ["a,b"]), ("kind", ["x", "y"]), ("n", ["1.0"])]
    )
    assert query.integer("limit") == 50
    assert query.boolean("test") is True
    assert query.texts("ids") == ["a", "b"]
    assert query.texts("kind") == ["x", "y"]
    with pytest.raises(InvalidRequest):
        query.integer("n")
    with pytest.raises(InvalidRequest):
        QueryFields.parse([("a", ["\0"])])


def test_days_are_days() -> None:
    assert Fields({"d": "2026-02-28"}).date("d") == date(2026, 2, 28)

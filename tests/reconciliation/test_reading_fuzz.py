"""Promise: no file, however broken or hostile, makes the reader fail: it is read, or refused with one code."""

import json
import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciliation.lines import Kind
from tests.reconciliation.writing import LAYOUTS, SCHEMA, Writing, answer, table, written

_WAYS = [
    Writing(),
    Writing(packing="zip"),
    Writing(packing="gzip"),
    Writing(json=True),
    Writing(delimiter=";", comma=True, encoding="utf-16-le", bom=True),
    Writing(delimiter="\t", quote_all=True, korean=True),
]
_BITS = [b'"', b",", b"\r\n", b"\n", b"\x00", b"\xff", b"=", b"-", b"1E5", b"{", b"}", b"\xed\x95", b";", b"Total,,"]


def _check(folder: Path, content: bytes) -> None:
    result = answer(folder, content)
    SCHEMA.validate(json.loads(json.dumps(result)))
    assert len(result["error_codes"]) == (1 if result["status"] == "rejected" else 0)
    if result["status"] != "rejected":
        counts = result["records"]
        assert counts["data_records"] == counts["valid"] + counts["invalid"] + counts["duplicate"]
        assert sum(block["records"] for block in result["blocks"]) == len(result["lines"])


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(content=st.binary(max_size=300))
def test_any_bytes(content: bytes, tmp_path: Path) -> None:
    _check(tmp_path, content)
    for start in (b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b\x08", b'{"ProductId":', b"\xff\xfe", b"\xef\xbb\xbf"):
        _check(tmp_path, start + content)


@pytest.mark.parametrize(("kind", "layout"), LAYOUTS)
def test_files_that_were_changed_at_random(kind: Kind, layout: str | None, tmp_path: Path) -> None:
    chance = random.Random(f"{kind}{layout}")
    for how in _WAYS:
        original = written(table(kind, layout), how)
        for _ in range(25):
            content = bytearray(original)
            for _ in range(chance.randint(1, 4)):
                at = chance.randrange(len(content))
                match chance.randrange(4):
                    case 0:
                        content[at] = chance.randrange(256)
                    case 1:
                        del content[at : at + chance.randint(1, 40)]
                    case 2:
                        content[at:at] = chance.choice(_BITS)
                    case _:
                        content[at:at] = content[at : at + chance.randint(1, 400)]
                content = content or bytearray(b" ")
            _check(tmp_path, bytes(content))


def test_files_cut_anywhere(tmp_path: Path) -> None:
    for how in _WAYS:
        original = written(table(Kind.LICENSE, "17"), how)
        for end in range(0, len(original), 7):
            _check(tmp_path, original[:end])


def test_json_nested_without_end(tmp_path: Path) -> None:
    text = written(table(Kind.NCE_DAILY), Writing(json=True))
    deep = b'{"tags": ' + b"[" * 200_000 + b"]" * 200_000 + b"}\n"
    _check(tmp_path, text.replace(b"\n", b"\n" + deep, 1))

"""Promise: no archive is opened that could fill a machine, and nothing it says about itself is believed."""

import io
import zipfile

import pytest

from console.files.errors import SheetRefused
from console.files.zip_guard import ZipLimits, blocks, open_zip
from tests.console.files.build import zipped


def code(file: io.BytesIO, limits: ZipLimits | None = None) -> str:
    with pytest.raises(SheetRefused) as caught:
        open_zip(file, limits or ZipLimits())
    return caught.value.errors[0].code


def test_an_archive_of_any_content_opens_and_streams() -> None:
    text = "".join(f"{n},가나다\n" for n in range(300_000)).encode()
    archive = open_zip(zipped({"usage.csv": text}), ZipLimits(ratio=200))

    pieces = list(blocks(archive, "usage.csv"))

    assert b"".join(pieces) == text
    assert max(map(len, pieces)) <= 1 << 20


def test_a_directory_of_millions_is_refused_before_it_is_loaded() -> None:
    file = zipped({f"folder/{n:05d}.csv": "" for n in range(5_000)})

    assert code(file) == "too_many_parts"


def test_zip64_endings_are_understood() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for n in range(70_000):
            archive.writestr(f"{n}", b"")

    assert code(file) == "too_many_parts"


def test_parts_together_count_as_well() -> None:
    file = zipped({"a": bytes(range(256)) * 20, "b": bytes(range(256)) * 20})

    assert code(file, ZipLimits(expanded_bytes=10_000)) == "expanded_too_large"


def test_a_small_part_may_compress_well() -> None:
    open_zip(zipped({"blank.xml": b" " * 900_000}), ZipLimits())

    assert code(zipped({"blank.xml": b" " * 1_100_000})) == "ratio"


def test_names_that_differ_only_by_case_or_slash_are_doubled() -> None:
    assert code(zipped({"xl/a.xml": "1", "XL\\A.xml": "2"})) == "doubled_part"


def test_a_part_under_a_password_is_named_so() -> None:
    content = bytearray(zipped({"a.csv": "1"}).getvalue())
    content[content.index(b"PK\x01\x02") + 8] |= 1

    assert code(io.BytesIO(content)) == "password"


def test_an_unknown_way_of_packing_is_refused() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("a.csv", "1")

    assert code(file) == "broken"


def test_a_wrong_checksum_is_noticed_at_the_end() -> None:
    content = bytearray(zipped({"a.csv": "1,2,3"}).getvalue())
    content[content.index(b"PK\x01\x02") + 16] ^= 0xFF

    with pytest.raises(SheetRefused):
        list(blocks(open_zip(io.BytesIO(content), ZipLimits()), "a.csv"))

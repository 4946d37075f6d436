"""Protects uploaded files at rest: what is stored is unreadable, and a changed file does not open."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console import vault


def sealed(content: bytes, key: str, piece: int = 1000) -> bytes:
    pieces = (content[at : at + piece] for at in range(0, len(content), piece))
    return b"".join(vault.encrypted(pieces, key))


@given(st.binary(max_size=4000), st.integers(1, 999))
def test_what_goes_in_comes_out(content: bytes, piece: int) -> None:
    key = vault.new_key()
    with vault.opened(io.BytesIO(sealed(content, key, piece)), key) as plain:
        assert plain.read() == content


@pytest.mark.parametrize("size", [0, 1, vault.BLOCK - 1, vault.BLOCK, vault.BLOCK + 1, 3 * vault.BLOCK])
def test_block_ends_are_no_edge(size: int) -> None:
    key, content = vault.new_key(), bytes(range(256)) * (size // 256 + 1)
    with vault.opened(io.BytesIO(sealed(content[:size], key, 70_000)), key) as plain:
        assert plain.read() == content[:size]


def test_a_cut_reordered_or_changed_file_does_not_open() -> None:
    key = vault.new_key()
    stored = sealed(b"account 11012345678\n" * 200_000, key)
    block = vault.BLOCK + 16
    assert b"11012345678" not in stored
    for wrong in (
        stored[:block],
        stored[:-1],
        stored[block : 2 * block] + stored[:block] + stored[2 * block :],
        stored[:10] + bytes([stored[10] ^ 1]) + stored[11:],
    ):
        with pytest.raises(vault.Damaged):
            vault.opened(io.BytesIO(wrong), key)
    with pytest.raises(vault.Damaged):
        vault.opened(io.BytesIO(stored), vault.new_key())

"""A running bank for each test that wants one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.payouts.rails.bank import BankProcess


@pytest.fixture
def bank(tmp_path: Path) -> Iterator[BankProcess]:
    running = BankProcess(tmp_path / "bank.jsonl")
    yield running
    if running.process.poll() is None:
        assert running.stop() == 0

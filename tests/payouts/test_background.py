"""Promise: whoever makes work due for the bank asks other workers to help at once, and no more than can."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import override_settings

from core import clock, hints
from payouts import background
from payouts.models import Payout
from payouts.operations import running
from tests.payouts.world import World, world


@pytest.fixture
def here(committed_db: str, tmp_path: Path) -> Iterator[World]:  # noqa: ARG001 - the world lives in it
    with world(tmp_path) as made, override_settings(BANK_CONCURRENCY=2):
        made.owe_many(5)
        made.approved()
        yield made


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Return the names of the sweepers that hints ask for, from now on."""
    names: list[object] = []
    monkeypatch.setattr(hints, "send_now", lambda _task, _queue, **told: names.append(told["name"]))
    return names


def all_paid() -> bool:
    return set(Payout.objects.values_list("status", flat=True)) == {"SUCCEEDED"}


@pytest.mark.usefixtures("here")
def test_whoever_starts_a_bulk_payout_calls_one_for_each_further_chunk(told: list[object]) -> None:
    background.sweep_dispatch()
    assert told[:3] == ["payouts.files", "payouts.dispatch", "payouts.dispatch"]
    assert all_paid()


@pytest.mark.usefixtures("here")
def test_whoever_comes_to_help_calls_nobody(told: list[object]) -> None:
    running.start_due(clock.now())
    background.sweep_dispatch()
    # Only when the bulk payout comes to its end are the workers asked who is next.
    assert told.index("payouts.dispatch") > told.index("access.webhooks")
    assert all_paid()


@pytest.mark.usefixtures("here")
def test_no_more_are_called_than_could_help(told: list[object], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "_HELPERS", 1)
    background.sweep_dispatch()
    assert told[:2] == ["payouts.files", "payouts.dispatch"]
    assert told[2] != "payouts.dispatch"

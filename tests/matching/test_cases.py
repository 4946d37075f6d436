"""Matching is told by neutral cases: the public ones come out to the last printed digit."""

import json
from pathlib import Path

import pytest

from core import clock
from matching.cases import run_case

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "conformance" / "matching"
PUBLIC = sorted(FOLDER.glob("v*.json"))


@pytest.mark.django_db
@pytest.mark.parametrize("path", PUBLIC, ids=lambda path: path.stem)
def test_a_public_case_comes_out(path: Path) -> None:
    outcome = run_case(json.loads(path.read_text()), name=path.stem, now=clock.now())
    assert outcome.differences == []

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


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("lines", "why"),
    [
        pytest.param([{"line": 1, "quantity": "1"}] * 2, "duplicate key", id="a line twice"),
        pytest.param([{"line": 1, "quantity": "1", "unit_price": "9" * 40}], "", id="beyond what documents hold"),
    ],
)
def test_a_case_no_company_could_have_is_a_difference_and_no_crash(lines: list[dict[str, object]], why: str) -> None:
    steps = [
        {"do": "set_up", "vendors": [{"account": "V"}]},
        {"do": "create_order", "id": "PO", "vendor": "V", "lines": lines},
    ]
    outcome = run_case({"case": "c", "steps": steps}, name="c", now=clock.now())
    assert [(one["step"], one["path"]) for one in outcome.differences] == [(2, "error")]
    assert why in str(outcome.differences[0]["actual"])

"""Promise: trying other tolerances on a page changes nothing, says what would change, and only an admin saves it."""

from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from access.roles import Role
from core import clock, jobs
from matching.models import Experiment, PriceTolerance
from tests.access.build import firm
from tests.matching.buyer import Buyer
from tests.matching.world import Buying


@pytest.fixture
def buyer(db: None, settings: Any) -> Buyer:  # noqa: ARG001 - needs tables
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    made = Buyer(firm())
    buying = Buying(made.scope)
    buying.open()
    buying.order(quantity="1000")
    for name, price in (("PLAIN", "10000"), ("DEAR", "10200")):
        buying.bill(name, quantity="10", price=price)
    return made


def tried(buyer: Buyer, percent: str, role: Role = Role.OPERATOR) -> str:
    """Try another tolerance for everything, and return the experiment's id."""
    now = {
        "invoice_totals_tolerance_percent": "0",
        "price_total_tolerance_percent": "0",
        "price_total_tolerance_amount": "0",
        "charges_tolerance_percent": "0",
        "price:all/all": percent,
        "date_from": clock.today().isoformat(),
        "date_until": clock.today().isoformat(),
    }
    answer = buyer.send("experiment-new", role=role, **now)
    assert answer.status_code == 302, answer.content.decode()
    (public_id,) = parse_qs(urlsplit(answer.url).query)["experiment"]
    return str(public_id)


def test_what_was_tried_is_shown_and_saved_by_an_admin_alone(buyer: Buyer) -> None:
    assert "price:all/all" in buyer.see("experiment-new", role=Role.OPERATOR)
    public_id = tried(buyer, "2")
    assert "다시 볼 송장을 찾고 있어요" in buyer.see("experiment", experiment=public_id)
    assert jobs.run_due_jobs()
    found = buyer.counted("experiment", role=Role.OPERATOR, experiment=public_id)
    assert "DEAR" in found
    assert "PLAIN" not in found
    assert "확인 없이 지급될 초과 금액" in found
    assert "2,000" in found
    assert "이 허용 오차 저장하기" not in found
    assert buyer.send("experiment-apply", public_id, role=Role.OPERATOR).status_code == 403
    assert PriceTolerance.objects.within(buyer.scope).get().percent == 0
    assert "이 허용 오차 저장하기" in buyer.see("experiment", experiment=public_id)
    assert buyer.send("experiment-apply", public_id).status_code == 302
    assert PriceTolerance.objects.within(buyer.scope).get().percent == Decimal(2)
    assert public_id in buyer.counted("experiments", role=Role.OPERATOR)


def test_a_period_that_ends_before_it_begins_and_a_negative_tolerance_are_told(buyer: Buyer) -> None:
    answer = buyer.send(
        "experiment-new", role=Role.OPERATOR, date_from="2026-02-01", date_until="2026-01-01", **{"price:all/all": "-1"}
    )
    assert answer.status_code == 422
    assert not Experiment.objects.exists()


def test_another_merchants_experiment_is_not_there(buyer: Buyer) -> None:
    public_id = tried(buyer, "2")
    other = Buyer(firm("Sun Shop")).browser()
    for path in (f"/matching/experiment/?experiment={public_id}", f"/matching/experiment-progress/{public_id}"):
        assert other.get(path).status_code == 404
    assert other.post(f"/matching/experiment-apply/{public_id}").status_code == 404

"""Promise: above a limit a second person approves, whichever limit it is and however close two approvals come."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import IntegrityError, connection, transaction
from django.urls import reverse

from access.models import AuditEvent
from access.roles import Role
from core import clock
from core.errors import InvalidRequest
from core.money import MAX_AMOUNT
from ledger.posting import refused_by
from payouts import queries
from payouts.models import Approval, BulkPayout, BulkStatus
from payouts.operations import limits
from settlement.models import PartnerSettlement
from tests.access.build import Firm, code_now, signed_in
from tests.payouts.world import CHECKER, MAKER, SECOND_CHECKER, World, world


@pytest.fixture
def here(committed_db: str, tmp_path: Path) -> Iterator[World]:  # noqa: ARG001 - the world lives in it
    with world(tmp_path) as made:
        for name in ("acme", "beta"):
            made.partner(name)
        yield made


def limit(here: World, **given: int | None) -> None:
    usual: dict[str, int | None] = {"bulk": None, "day": None, "person_day": None, "return_fee": 1_000}
    limits.change(scope=here.scope, by=MAKER, now=clock.now(), **(usual | given))  # type: ignore[arg-type] # all are named


def submitted(here: World, partner: str, amount: int) -> BulkPayout:
    here.owe(partner, amount)
    owed = PartnerSettlement.objects.within(here.scope).filter(partner__public_id=partner)
    return here.submit(here.build(list(owed.values_list("pk", flat=True))))


def test_of_one_bulk_payout(here: World) -> None:
    limit(here, bulk=10_000)
    assert here.approve(submitted(here, "acme", 10_000)).status == BulkStatus.APPROVED

    bulk = submitted(here, "beta", 10_001)
    assert here.approve(bulk).status == BulkStatus.PENDING_APPROVAL
    assert here.approve(bulk, SECOND_CHECKER).status == BulkStatus.APPROVED


@pytest.mark.parametrize("name", ["day", "person_day"])
def test_of_one_day(here: World, name: str) -> None:
    limit(here, **{name: 15_000})
    assert here.approve(submitted(here, "acme", 10_000)).status == BulkStatus.APPROVED

    bulk = here.approve(submitted(here, "beta", 5_001))
    assert (bulk.status, bulk.approvals_needed) == (BulkStatus.PENDING_APPROVAL, 2)
    assert here.approve(bulk, SECOND_CHECKER).status == BulkStatus.APPROVED


def test_of_one_person_leaves_another_free(here: World) -> None:
    limit(here, person_day=15_000)
    here.approve(submitted(here, "acme", 10_000))
    assert here.approve(submitted(here, "beta", 5_001), SECOND_CHECKER).status == BulkStatus.APPROVED


def test_of_a_day_forgets_yesterday(here: World) -> None:
    limit(here, day=15_000, person_day=15_000)
    here.approve(submitted(here, "acme", 10_000))
    yesterday = clock.today() - timedelta(days=1)
    assert queries.approved_on(here.scope, clock.today()) == 10_000
    assert queries.approved_on(here.scope, clock.today(), approver_id=CHECKER.user_id) == 10_000
    assert queries.approved_on(here.scope, yesterday) == 0
    assert queries.approved_on(here.scope, yesterday, approver_id=CHECKER.user_id) == 0


def test_what_was_asked_for_never_becomes_less(here: World) -> None:
    limit(here, bulk=0)
    bulk = here.approve(submitted(here, "acme", 10_000))
    assert bulk.approvals_needed == 2
    with pytest.raises(IntegrityError) as caught, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("update payouts_bulkpayout set approvals_needed = 1")
    assert refused_by(caught.value) == "payouts_bulk_content_frozen"
    assert Approval.objects.count() == 1


def test_an_admin_sets_them_and_others_only_see_them(here: World) -> None:
    firm = Firm(here.merchant, here.scope)
    admin = signed_in(firm.person("admin", Role.ADMIN, code=True))
    viewer = signed_in(firm.person("viewer", Role.VIEWER))
    wanted = {"stepup_code": code_now(), "bulk": "5,000", "day": "", "person_day": "₩70,000", "return_fee": "300"}

    assert viewer.post(reverse("payouts:limits"), wanted).status_code == 403
    assert "100,000,000" in viewer.get(reverse("payouts:limits")).content.decode()
    assert admin.post(reverse("payouts:limits"), wanted | {"bulk": "많이"}).status_code == 400
    assert admin.post(reverse("payouts:limits"), wanted).status_code == 302

    found = queries.limits(here.scope)
    assert (found.bulk, found.day, found.person_day, found.return_fee) == (5_000, None, 70_000, 300)
    changed = AuditEvent.objects.get(action="payout_limits.changed")
    assert (changed.after or {})["bulk"] == 5_000


@pytest.mark.parametrize("amount", [-1, MAX_AMOUNT + 1])
def test_are_amounts(here: World, amount: int) -> None:
    with pytest.raises(InvalidRequest):
        limit(here, day=amount)

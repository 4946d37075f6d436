"""
Protects the promise that no request breaks the API and every answer is what its description says.

Requests are made up from the description itself, right ones and wrong ones, against a real server with some data in it.
A few hundred in a normal run; SCHEMATHESIS_REQUESTS=10000 asks for more.
"""

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from access.roles import ApiScope, Role
from config.pytest_processes import Start
from core import clock
from settlement.models import Holiday, PartnerSettlement, PayoutRef, SettlementRecord
from settlement.operations import holidays
from tests import build
from tests.access.build import Firm
from tests.payouts.world import World, world

REQUESTS = int(os.environ.get("SCHEMATHESIS_REQUESTS", "400"))
MODES = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
)


@dataclass
class Site:
    """A running server, a secret for it, and ids of what is there."""

    url: str
    secret: str
    known: dict[str, list[str]]
    keys: Iterator[int] = field(default_factory=lambda: count(10**15))
    seen: Counter[int] = field(default_factory=Counter)


@pytest.fixture
def here(committed_db: str, tmp_path: Path) -> Iterator[World]:  # noqa: ARG001 - the world lives in it
    with world(tmp_path) as made:
        yield made


def furnish(here: World) -> dict[str, list[str]]:
    """Put something of everything there; returns ids by the name under which requests ask for them."""
    scope, now = here.scope, clock.now()
    today = clock.today().isoformat()
    for name in ("acme", "beta", "gamma"):
        here.partner(name)
    build.share(scope)
    build.extra_fee(scope)
    orders = [build.order(scope, 10_000, "acme", on=today, start=today).public_id for _place in range(3)]
    here.owe("acme", 7_000)
    here.owe("beta", 9_000)
    here.approved()
    here.send()
    here.owe("gamma", 3_000)
    day = next(iter(holidays.year_days(scope, clock.today().year + 3)), clock.today())
    change = holidays.preview(scope=scope, by=build.BY, now=now, add={day: "휴일"})
    due = PartnerSettlement.objects.within(scope).filter(partner__public_id="gamma")
    return {
        "partner": ["acme", "gamma"],
        "contract": ["standard"],
        "discount": ["half"],
        "fee": ["five"],
        "transfer": [*orders, *SettlementRecord.objects.within(scope).values_list("public_id", flat=True)],
        "settlement": list(due.values_list("public_id", flat=True)),
        "payout": list(PayoutRef.objects.filter(**scope.filters()).values_list("public_id", flat=True)),
        "bulk": list(PayoutRef.objects.filter(**scope.filters()).values_list("bulk_public_id", flat=True)),
        "holiday": [change.public_id],
        "upload": ["upl-none"],
    }


@pytest.fixture
def site(here: World, start_site: Start) -> Site:
    known = furnish(here)
    firm = Firm(here.merchant, here.scope)
    _secret, text = firm.secret(firm.person("owner", Role.ADMIN), tuple(ApiScope))
    running = start_site(BANK_URL=f"http://127.0.0.1:{here.bank.port}")
    return Site(running.url, text, known)


# What the last named id of a path is one of.
PATHS = {
    "/platform/contracts/": "contract",
    "/platform/discount-share-policies/": "discount",
    "/platform/additional-fee-policies/": "fee",
    "/platform/partners/": "partner",
    "/platform/transfers/": "transfer",
    "/api/v1/partner-settlements/": "settlement",
    "/api/v1/records/": "transfer",
    "/api/v1/holiday-changes/": "holiday",
    "/api/v1/payouts/": "payout",
    "/api/v1/bulk-payouts/": "bulk",
}
BODIES = {
    "partnerId": "partner",
    "contractId": "contract",
    "defaultContractId": "contract",
    "transferId": "transfer",
    "sharePolicyId": "discount",
    "policyId": "fee",
    "ids": "settlement",
    "partnerSettlementIds": "settlement",
}


def aim(case: Any, known: dict[str, list[str]], pick: int) -> None:
    """Put ids of what is there in the place of made-up ones."""
    for prefix, kind in PATHS.items():
        if case.path.startswith(prefix) and "public_id" in (case.path_parameters or {}):
            case.path_parameters["public_id"] = known[kind][pick % len(known[kind])]
    if "kind" in (case.path_parameters or {}):
        case.path_parameters["kind"] = "manual"
    if isinstance(case.body, dict):
        _aim_body(case.body, known, pick)


def _aim_body(body: dict[str, Any], known: dict[str, list[str]], pick: int) -> None:
    for name, value in body.items():
        if name in BODIES:
            chosen = known[BODIES[name]][pick % len(known[BODIES[name]])]
            body[name] = [chosen] if isinstance(value, list) else chosen
        elif isinstance(value, dict):
            _aim_body(value, known, pick)
        elif isinstance(value, list):
            for item in value:
                if isinstance(item, dict):
                    _aim_body(item, known, pick)


def send(site: Site, case: Any) -> None:
    """Send one request and hold the answer against the description."""
    headers = {"Authorization": f"PortOne {site.secret}"}
    if case.method != "GET" and case.meta.generation.mode is GenerationMode.POSITIVE:
        # A made-up key may come twice with another body, which is a refusal of its own.
        headers["Idempotency-Key"] = f"key-{next(site.keys):016d}"
    response = case.call(base_url=site.url, headers=headers, timeout=60)
    site.seen[response.status_code] += 1
    case.validate_response(response, checks=CHECKS)


def wear_out(site: Site, operation: Any, mode: GenerationMode, examples: int) -> None:
    """Send so many made-up requests to one operation."""

    @seed(20_261_121)
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode), aimed=st.booleans(), pick=st.integers(0, 100))
    def many(case: Any, aimed: bool, pick: int) -> None:  # noqa: FBT001 - hypothesis passes it by name
        if aimed:
            aim(case, site.known, pick)
        send(site, case)

    many()


def described(site: Site) -> list[Any]:
    """Return every operation of the served description."""
    schema: Any = schemathesis.openapi.from_url(f"{site.url}/api/schema/?format=json")
    return [found.ok() for found in schema.get_all_operations()]


def told(failure: BaseException) -> str:
    """Return what is wrong, without the long tail."""
    inner = failure.exceptions if isinstance(failure, BaseExceptionGroup) else [failure]
    return "\n".join(str(one)[:1_500] for one in inner)


def test_no_request_breaks_the_api(site: Site) -> None:
    operations = described(site)
    assert len(operations) > 60
    examples = max(1, REQUESTS // (len(operations) * len(MODES)))
    wrong: list[str] = []
    for operation in operations:
        for mode in MODES:
            try:
                wear_out(site, operation, mode, examples)
            except (AssertionError, BaseExceptionGroup) as failure:
                wrong.append(f"{mode.value} {operation.label}\n{told(failure)}")
    assert not wrong, f"{len(wrong)} failures\n" + "\n\n".join(wrong)
    assert sum(site.seen.values()) >= min(REQUESTS, len(operations)) // 2
    assert site.seen[200] > len(operations) // 10
    assert Holiday.objects.exists()


def test_nothing_answers_without_credentials(site: Site) -> None:
    for operation in described(site):
        if operation.path in ("/login/api-secret", "/token/refresh"):
            continue
        names = ("public_id", "kind", "upload_id", "bank", "number")
        answer = operation.Case(path_parameters=dict.fromkeys(names, "x")).call(base_url=site.url)
        assert (answer.status_code, answer.json()["type"]) == (401, "UNAUTHORIZED"), operation.label

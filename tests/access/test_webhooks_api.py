"""Promise: webhooks can be run through the API under a scope of their own, and no stored answer holds a secret."""

import json
from itertools import count
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from access import paths
from access.models import IdempotencyKey, WebhookDelivery, WebhookEndpoint, WebhookState
from access.roles import DEFAULT_SCOPES, ApiScope, Role
from access.webhooks import queries, targets
from core.scope import Scope
from tests.access.build import Firm, firm
from tests.access.test_webhooks_delivery import happens

pytestmark = pytest.mark.django_db
KEYS = count(10**15)
URL = "http://127.0.0.1:9/hook"


@pytest.fixture(autouse=True)
def inside_allowed(settings: Settings) -> None:
    settings.WEBHOOK_PRIVATE_TARGETS = True


@pytest.fixture
def moon() -> Firm:
    return firm()


@pytest.fixture
def api(moon: Firm) -> "Api":
    return Api(moon.secret(moon.person("mina", Role.ADMIN), (ApiScope.WEBHOOKS,))[1])


class Api:
    """A client with one secret."""

    def __init__(self, secret: str) -> None:
        self.secret = secret

    def call(self, method: str, path: str, body: object = None, *, key: str = "") -> Any:
        url = f"/api/v1{path}"
        headers = {"authorization": f"PortOne {self.secret}"}
        if method == "POST":
            headers["idempotency-key"] = key or f"key-{next(KEYS)}"
        data = "" if body is None else json.dumps(body)
        return Client().generic(method, url, data, content_type="application/json", headers=headers, **paths.raw(url))

    def ok(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        answer = self.call(method, path, body)
        assert answer.status_code in (200, 201), answer.content
        found: dict[str, Any] = answer.json()
        return found

    def refused(self, method: str, path: str, body: object = None) -> tuple[int, str]:
        answer = self.call(method, path, body)
        return answer.status_code, answer.json()["type"]


def test_from_making_to_deleting(moon: Firm, api: Api) -> None:
    made = api.ok("POST", "/webhooks", {"url": URL, "events": ["payout.failed"], "description": "backend"})
    assert made["secret"].startswith("whsec_")
    path = f"/webhooks/{made['id']}"
    assert api.ok("GET", path) == {name: value for name, value in made.items() if name != "secret"}
    assert [row["id"] for row in api.ok("GET", "/webhooks")["items"]] == [made["id"]]

    changed = api.ok("PATCH", path, {"events": [], "url": URL + "/2"})
    assert (changed["events"], changed["url"], changed["description"]) == ([], URL + "/2", "backend")
    assert api.ok("POST", f"{path}/disable")["status"] == WebhookState.DISABLED
    assert api.refused("POST", f"{path}/ping") == (409, "WEBHOOK_DISABLED")
    assert api.ok("POST", f"{path}/enable")["status"] == WebhookState.ENABLED

    rotated = api.ok("POST", f"{path}/rotate")
    assert rotated["secret"] != made["secret"]
    assert rotated["hasOldSecret"]
    endpoint = queries.find_endpoint(moon.scope, made["id"])
    assert queries.secrets_of(endpoint) == (rotated["secret"], made["secret"])
    assert api.refused("POST", f"{path}/rotate") == (409, "WEBHOOK_ROTATION_UNDER_WAY")
    assert not api.ok("POST", f"{path}/drop-old-secret")["hasOldSecret"]

    assert api.ok("DELETE", path) == {}
    assert api.refused("GET", path) == (404, "NOT_FOUND")


def test_deliveries_are_listed_read_and_sent_again(moon: Firm, api: Api) -> None:
    hook = api.ok("POST", "/webhooks", {"url": URL})["id"]
    happens(moon.scope, name="po-1")
    ping = api.ok("POST", f"/webhooks/{hook}/ping")
    assert (ping["type"], ping["webhookId"], ping["status"]) == ("webhook.test", hook, "PENDING")
    [first, second] = api.ok("GET", "/webhook-deliveries")["items"]
    assert [first["objectId"], second["objectId"]] == [hook, "po-1"]
    found = api.ok("GET", "/webhook-deliveries?type=payout.succeeded&status=PENDING&limit=1")["items"]
    assert [row["id"] for row in found] == [second["id"]]
    assert api.ok("GET", f"/webhook-deliveries?webhookId={hook}-other")["items"] == []
    assert api.ok("GET", f"/webhook-deliveries/{second['id']}")["log"] == []

    WebhookDelivery.objects.update(state="FAILED", tries=10)
    assert api.ok("POST", f"/webhook-deliveries/{second['id']}/resend")["status"] == "PENDING"
    period = {"from": "2000-01-01T00:00:00Z", "until": "2100-01-01T00:00:00Z"}
    assert api.ok("POST", "/webhooks/resend-failed", period | {"webhookId": "other"}) == {"count": 0}
    assert api.ok("POST", "/webhooks/resend-failed", period) == {"count": 1}


def test_a_repeated_request_is_answered_without_the_secret(api: Api) -> None:
    body, key = {"url": URL}, "the-key-of-this-test"
    first, second = (api.call("POST", "/webhooks", body, key=key) for _twice in range(2))
    assert second["Idempotency-Replayed"] == "true"
    assert second.json() == {name: value for name, value in first.json().items() if name != "secret"}
    assert WebhookEndpoint.objects.count() == 1
    assert all(b"whsec_" not in bytes(row.body) for row in IdempotencyKey.objects.all())


def test_a_repeated_request_does_not_depend_on_the_name_server(api: Api, settings: Settings) -> None:
    key = "the-key-of-this-test"
    first = api.call("POST", "/webhooks", {"url": URL}, key=key)
    settings.WEBHOOK_PRIVATE_TARGETS = False
    assert api.call("POST", "/webhooks", {"url": URL}, key=key).json()["id"] == first.json()["id"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "INVALID_REQUEST"),
        ({"url": 7}, "INVALID_REQUEST"),
        ({"url": None}, "INVALID_REQUEST"),
        ({"url": "https://user@hooks.example.com/"}, "WEBHOOK_TARGET_REFUSED"),
        ({"url": "ftp://127.0.0.1/"}, "WEBHOOK_TARGET_REFUSED"),
        ({"url": URL, "events": ["payout.exploded"]}, "INVALID_REQUEST"),
        ({"url": URL, "events": ["webhook.test"]}, "INVALID_REQUEST"),
        ({"url": URL, "description": "x" * 201}, "INVALID_REQUEST"),
        ({"url": URL, "secret": "mine"}, "INVALID_REQUEST"),
    ],
)
def test_what_is_wrong_is_refused(api: Api, body: object, code: str) -> None:
    assert api.refused("POST", "/webhooks", body) == (400, code)
    assert not WebhookEndpoint.objects.exists()


def test_an_inside_address_is_refused_for_a_change_too(api: Api, settings: Settings) -> None:
    made = api.ok("POST", "/webhooks", {"url": URL})
    settings.WEBHOOK_PRIVATE_TARGETS = False
    for url in ("https://127.0.0.1/", "https://[::1]/", "https://169.254.169.254/latest/meta-data"):
        assert api.refused("PATCH", f"/webhooks/{made['id']}", {"url": url}) == (400, "WEBHOOK_TARGET_REFUSED")
    assert queries.endpoints(WebhookEndpoint.objects.get().scope).get().url == URL


def test_other_scopes_do_not_get_in(moon: Firm, api: Api) -> None:
    made = api.ok("POST", "/webhooks", {"url": URL})
    other = Api(moon.secret(moon.person("sora", Role.ADMIN), DEFAULT_SCOPES)[1])
    for method, path, body in (
        ("GET", "/webhooks", None),
        ("POST", "/webhooks", {"url": URL}),
        ("GET", f"/webhooks/{made['id']}", None),
        ("POST", f"/webhooks/{made['id']}/rotate", None),
        ("GET", "/webhook-deliveries", None),
    ):
        assert other.refused(method, path, body) == (403, "FORBIDDEN")


def test_another_merchant_or_environment_finds_nothing(moon: Firm, api: Api) -> None:
    made = api.ok("POST", "/webhooks", {"url": URL})
    happens(moon.scope)
    delivery = WebhookDelivery.objects.get().public_id
    strangers = firm("Other")
    stranger = Api(strangers.secret(strangers.person("hana", Role.ADMIN), (ApiScope.WEBHOOKS,))[1])
    assert stranger.ok("GET", "/webhooks")["items"] == []
    assert api.ok("GET", "/webhooks?test=true")["items"] == []
    for one, test in ((stranger, ""), (api, "?test=true")):
        for method, path in (
            ("GET", f"/webhooks/{made['id']}"),
            ("PATCH", f"/webhooks/{made['id']}"),
            ("DELETE", f"/webhooks/{made['id']}"),
            ("POST", f"/webhooks/{made['id']}/rotate"),
            ("POST", f"/webhooks/{made['id']}/ping"),
            ("GET", f"/webhook-deliveries/{delivery}"),
            ("POST", f"/webhook-deliveries/{delivery}/resend"),
        ):
            body = {"description": "mine"} if method == "PATCH" else None
            assert one.refused(method, path + test, body) == (404, "NOT_FOUND"), path
    assert WebhookEndpoint.objects.get().state == WebhookState.ENABLED


def test_there_is_a_most(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("access.webhooks.operations.MOST_ENDPOINTS", 1)
    api.ok("POST", "/webhooks", {"url": URL})
    assert api.refused("POST", "/webhooks", {"url": URL}) == (409, "TOO_MANY_WEBHOOKS")


def test_the_name_is_looked_up_before_the_transaction(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    real = queries.endpoints

    def watched(scope: Scope) -> Any:
        order.append("transaction")
        return real(scope)

    def looked_up(url: str) -> targets.Target:
        order.append("look-up")
        return targets.Target(url, ("8.8.8.8",))

    monkeypatch.setattr(targets, "check", looked_up)
    monkeypatch.setattr(queries, "endpoints", watched)
    api.ok("POST", "/webhooks", {"url": URL})
    assert order[0] == "look-up"
    assert order.count("look-up") == 1

"""Promise: admins run webhooks on pages, a secret is shown once, and nobody else sees any of it."""

import csv
import html
import io
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from access.models import DeliveryState, WebhookDelivery, WebhookEndpoint, WebhookState, WebhookTry
from access.roles import Role
from access.webhooks import operations, queries, targets
from core import clock
from core.scope import Scope
from payouts.models import BankAccount, BankCallback
from tests.access.build import SETUP, Firm, firm, signed_in
from tests.access.test_webhooks_delivery import happens
from tests.query_counts import recorded

pytestmark = pytest.mark.django_db
URL = "http://127.0.0.1:9/hook"


@pytest.fixture(autouse=True)
def inside_allowed(settings: Settings) -> None:
    settings.WEBHOOK_PRIVATE_TARGETS = True


@pytest.fixture
def moon() -> Firm:
    return firm()


@pytest.fixture
def admin(moon: Firm) -> Client:
    return signed_in(moon.person("ara", Role.ADMIN, code=True))


@pytest.fixture
def hook(moon: Firm) -> WebhookEndpoint:
    return endpoint(moon.scope)


def endpoint(scope: Scope) -> WebhookEndpoint:
    return operations.add_endpoint(
        scope=scope, target=targets.check(URL), events=[], description="backend", by=SETUP, now=clock.now()
    )[0]


def text(answer: Any) -> str:
    return html.unescape(answer.content.decode())


def act(browser: Client, hook: WebhookEndpoint, verb: str) -> Any:
    return browser.post(reverse("console:webhook-act", args=[hook.public_id, verb]))


def test_one_is_made_and_its_secret_shown_once(moon: Firm, admin: Client) -> None:
    answer = admin.post("/settings/webhooks/", {"url": URL, "description": "backend", "events": ["payout.failed"]})
    made = WebhookEndpoint.objects.get()
    [secret] = queries.secrets_of(made)
    assert (made.scope, made.events) == (moon.scope, ["payout.failed"])
    assert secret in text(answer)
    for path in ("/settings/webhooks/", reverse("console:webhook", args=[made.public_id])):
        assert "whsec_" not in text(admin.get(path))


def test_a_refused_address_is_told_beside_its_field(admin: Client, settings: Settings) -> None:
    settings.WEBHOOK_PRIVATE_TARGETS = False
    answer = admin.post("/settings/webhooks/", {"url": "https://127.0.0.1/"})
    assert "내부 네트워크 주소로는 보낼 수 없어요" in text(answer)
    assert not WebhookEndpoint.objects.exists()


def test_it_is_changed_and_its_secret_replaced(admin: Client, hook: WebhookEndpoint) -> None:
    path = reverse("console:webhook", args=[hook.public_id])
    admin.post(path, {"url": URL + "/2", "description": "", "events": ["payout.failed", "payout.returned"]})
    hook.refresh_from_db()
    assert (hook.url, hook.description, len(hook.events)) == (URL + "/2", "", 2)

    answer = act(admin, hook, "rotate")
    hook.refresh_from_db()
    new, old = queries.secrets_of(hook)
    assert new in text(answer)
    assert old not in text(answer)
    assert act(admin, hook, "drop-old-secret").status_code == 302
    hook.refresh_from_db()
    assert queries.secrets_of(hook) == (new,)


def test_it_is_switched_off_and_on_tried_and_deleted(admin: Client, hook: WebhookEndpoint) -> None:
    act(admin, hook, "disable")
    assert WebhookEndpoint.objects.get().state == WebhookState.DISABLED
    assert act(admin, hook, "test").status_code == 409
    act(admin, hook, "enable")
    answer = act(admin, hook, "test")
    sent = WebhookDelivery.objects.get()
    assert answer.url == reverse("console:webhook-delivery", args=[sent.public_id])
    assert act(admin, hook, "explode").status_code == 404
    act(admin, hook, "delete")
    assert WebhookEndpoint.objects.get().state == WebhookState.DELETED
    assert admin.get(reverse("console:webhook", args=[hook.public_id])).status_code == 404
    assert admin.get(reverse("console:webhook-delivery", args=[sent.public_id])).status_code == 200


@pytest.fixture
def sent(moon: Firm, hook: WebhookEndpoint) -> WebhookDelivery:
    """Return a delivery that was given up, with one request on record."""
    assert hook.scope == moon.scope
    happens(moon.scope, name="po-77")
    found = WebhookDelivery.objects.get()
    now = clock.now()
    WebhookTry.objects.create(
        delivery=found,
        at=now,
        url=URL,
        headers={"webhook-id": "evt-77"},
        body='{"told":"<b>"}',
        status=500,
        answer="no <i>thanks</i>",
        error="STATUS",
        milliseconds=12,
    )
    WebhookDelivery.objects.update(
        state=DeliveryState.FAILED, tries=10, last_status=500, last_error="STATUS", last_at=now
    )
    return found


def test_the_log_shows_what_was_sent_and_what_came_back(admin: Client, sent: WebhookDelivery) -> None:
    answer = admin.get(reverse("console:webhook-delivery", args=[sent.public_id]))
    for part in ('{"told":"<b>"}', "no <i>thanks</i>", "webhook-id: evt-77", "성공이 아닌 답이 왔어요"):
        assert part in text(answer)
    assert b"<i>thanks" not in answer.content


def test_one_is_sent_again_and_all_of_a_period(admin: Client, sent: WebhookDelivery) -> None:
    admin.post(reverse("console:webhook-delivery", args=[sent.public_id]))
    sent.refresh_from_db()
    assert (sent.state, sent.tries) == (DeliveryState.PENDING, 0)
    WebhookDelivery.objects.update(state=DeliveryState.FAILED)
    today = clock.today()
    for since, until, state in (
        (today - timedelta(days=9), today - timedelta(days=8), DeliveryState.FAILED),
        (today, "", DeliveryState.FAILED),
        (today, today, DeliveryState.PENDING),
    ):
        admin.post("/settings/webhooks/resend-failed/", {"since": since, "until": until})
        sent.refresh_from_db()
        assert sent.state == state


def test_the_list_filters_and_its_files_hold_the_same(admin: Client, sent: WebhookDelivery) -> None:
    path = reverse("console:webhook-deliveries")
    with recorded("console:webhook-deliveries"):
        shown = text(admin.get(path))
    assert "po-77" in shown
    assert "500 성공이 아닌 답이 왔어요" in shown
    for query, found in (
        ("state=FAILED&type=payout.succeeded", True),
        ("state=DELIVERED", False),
        (f"endpoint={sent.endpoint.public_id}", True),
        ("endpoint=other", False),
        ("kw=object&q=po-77", True),
    ):
        assert ("po-77" in text(admin.get(f"{path}?{query}"))) is found, query
    file: Any = admin.post("/lists/webhook-deliveries/export/?format=csv", {"format": "csv"})
    content = b"".join(file.streaming_content) if file.streaming else file.content
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
    assert any("po-77" in row for row in rows)


def test_trouble_is_told_on_the_page_and_at_home(moon: Firm, admin: Client, hook: WebhookEndpoint) -> None:
    assert "전달되지 않는 웹훅이 있어요" not in text(admin.get("/settings/webhooks/"))
    WebhookEndpoint.objects.update(failing_since=clock.now() - timedelta(days=4))
    with recorded("console:webhooks"):
        shown = text(admin.get("/settings/webhooks/"))
    assert "전달되지 않는 웹훅이 있어요" in shown
    assert "전달되지 않는 웹훅" in text(admin.get("/"))
    operations.disable_endpoint(
        scope=moon.scope, endpoint_id=hook.public_id, by=SETUP, now=clock.now(), reason=queries.GONE
    )
    assert "더 받지 않겠다고" in text(admin.get(reverse("console:webhook", args=[hook.public_id])))


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR, Role.APPROVER])
def test_nobody_but_an_admin_gets_in(moon: Firm, hook: WebhookEndpoint, sent: WebhookDelivery, role: Role) -> None:
    browser = signed_in(moon.person("nari", role, code=role is Role.APPROVER))
    pages = (
        "/settings/webhooks/",
        "/settings/webhooks/log/",
        reverse("console:webhook", args=[hook.public_id]),
        reverse("console:webhook-delivery", args=[sent.public_id]),
    )
    assert [browser.get(page).status_code for page in pages] == [403] * 4
    posts = (*pages, "/settings/webhooks/resend-failed/")
    assert [browser.post(page, {"url": URL}).status_code for page in posts] == [403] * 5
    assert act(browser, hook, "rotate").status_code == 403
    assert browser.post("/lists/webhook-deliveries/export/", {"format": "csv"}).status_code == 403
    assert "/settings/webhooks/" not in text(browser.get("/"))


def test_another_merchant_sees_nothing(hook: WebhookEndpoint, sent: WebhookDelivery) -> None:
    other = signed_in(firm("Other").person("hana", Role.ADMIN, code=True))
    assert URL not in text(other.get("/settings/webhooks/"))
    assert "po-77" not in text(other.get("/settings/webhooks/log/"))
    for page in (
        reverse("console:webhook", args=[hook.public_id]),
        reverse("console:webhook-delivery", args=[sent.public_id]),
    ):
        assert (other.get(page).status_code, other.post(page, {"url": URL}).status_code) == (404, 404)
    assert act(other, hook, "rotate").status_code == 404
    hook.refresh_from_db()
    assert hook.old_secret_sealed is None


def test_unknown_notices_are_listed_for_those_who_pay_through_the_bank(moon: Firm) -> None:
    BankCallback.objects.create(
        rail="simulator", event_id="evt-1", reference="at-nobody", amount=5, body="{}", received_at=clock.now()
    )
    browser = signed_in(moon.person("nari", Role.OPERATOR))
    path = reverse("payouts:bank-notices")
    assert "at-nobody" not in text(browser.get(path))
    BankAccount.objects.create(
        **moon.scope.filters(),
        public_id="main",
        name="지급 계좌",
        bank="SHINHAN",
        number_sealed=b"",
        last4="0001",
        holder="한빛마켓",
        rail="simulator",
    )
    with recorded("payouts:bank-notices"):
        assert "at-nobody" in text(browser.get(path))

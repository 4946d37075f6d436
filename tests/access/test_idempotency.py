"""Promise: repeating a request has the effect of sending it once, and gives the same bytes."""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, connections
from django.test import Client
from django.utils import timezone

from access import idempotency
from access.models import IdempotencyKey
from access.roles import Role
from core import transactions

from . import probe
from .build import Firm, firm

pytestmark = pytest.mark.urls("tests.access.probe")
KEY = "0123456789abcdef"


def client(moon: Firm, name: str = "mina") -> Client:
    return Client(headers={"Authorization": f"PortOne {moon.secret(moon.person(name, Role.ADMIN))[1]}"})


def send(api: Client, url: str, body: object, key: str | None = KEY) -> Any:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"Idempotency-Key": key} if key is not None else {}
    return api.post(url, data, content_type="application/json", headers=headers)


def asked_for(body: object) -> dict[str, Any]:
    return {"method": "POST", "path": "/platform/things", "query": {}, "body": body}


@pytest.mark.django_db
class TestOneAfterAnother:
    @pytest.fixture
    def api(self) -> Client:
        return client(firm())

    @pytest.mark.parametrize("url", ["/platform/things", "/api/v1/things"])
    def test_the_same_request_gets_the_same_bytes(self, api: Client, url: str) -> None:
        first = send(api, url, {"name": "가나다"})
        again = send(api, url, b'{ "name" : "\\uac00\\ub098\\ub2e4" }')
        assert (first.status_code, first.content) == (again.status_code, again.content)
        assert first["Content-Type"] == again["Content-Type"]
        assert "Idempotency-Replayed" not in first
        assert again["Idempotency-Replayed"] == "true"
        assert probe.effects() == 1

    def test_quoted_and_bare_keys_are_the_same(self, api: Client) -> None:
        send(api, "/platform/things", {"name": "a"})
        assert send(api, "/platform/things", {"name": "a"}, f'"{KEY}"')["Idempotency-Replayed"] == "true"

    @pytest.mark.parametrize(
        ("url", "status", "kind"),
        [("/platform/things", 400, "INVALID_REQUEST"), ("/api/v1/things", 422, "IDEMPOTENCY_KEY_REUSED")],
    )
    def test_another_body_is_refused(self, api: Client, url: str, status: int, kind: str) -> None:
        send(api, url, {"name": "a"})
        other = send(api, url, {"name": "b"})
        assert (other.status_code, other.json()["type"]) == (status, kind)
        assert send(api, url, {"name": "a"})["Idempotency-Replayed"] == "true"
        assert probe.effects() == 1

    def test_another_path_or_environment(self, api: Client) -> None:
        send(api, "/platform/things", {"name": "a"})
        assert send(api, "/platform/things/x/archive", b"").status_code == 400
        # The test side has keys of its own.
        assert "Idempotency-Replayed" not in send(api, "/platform/things?test=true", {"name": "a"})
        assert probe.effects() == 2

    def test_another_merchant_may_use_the_same_key(self, api: Client) -> None:
        send(api, "/platform/things", {"name": "a"})
        assert send(client(firm("Sun Shop"), "sun"), "/platform/things", {"name": "b"}).status_code == 200
        assert probe.effects() == 2

    @pytest.mark.parametrize(("name", "status"), [("taken", 409), ("listed", 400)])
    def test_business_refusals_are_kept(self, api: Client, name: str, status: int) -> None:
        first = send(api, "/platform/things", {"name": name})
        again = send(api, "/platform/things", {"name": name})
        assert first.status_code == again.status_code == status
        assert first.content == again.content
        assert again["Idempotency-Replayed"] == "true"
        assert probe.effects() == 0

    @pytest.mark.parametrize("body", [b"{", {"name": 1}, {"name": "malformed"}])
    def test_malformed_requests_leave_the_key_usable(self, api: Client, body: object) -> None:
        assert send(api, "/platform/things", body).status_code == 400
        assert IdempotencyKey.objects.count() == 0
        assert send(api, "/platform/things", {"name": "a"}).status_code == 200
        assert probe.effects() == 1

    @pytest.mark.parametrize("key", ["short", "x" * 257, "ключ-которого-нельзя", "0123456789abcde\t", '"short"', ""])
    def test_malformed_keys_are_400(self, api: Client, key: str) -> None:
        response = send(api, "/platform/things", {"name": "a"}, key)
        assert (response.status_code, response.json()["type"]) == (400, "INVALID_REQUEST")
        assert probe.effects() == 0

    def test_keys_of_16_and_256_characters(self, api: Client) -> None:
        assert send(api, "/platform/things", {"name": "a"}, "x" * 16).status_code == 200
        assert send(api, "/platform/things", {"name": "a"}, "y" * 256).status_code == 200

    def test_our_own_api_asks_for_a_key_where_something_happens(self, api: Client) -> None:
        assert send(api, "/api/v1/things", {"name": "a"}, None).status_code == 400
        assert send(api, "/platform/things", {"name": "a"}, None).status_code == 200
        assert send(api, "/api/v1/check", {"amount": 1}, None).json() == {"amount": 1}
        assert probe.effects() == 1

    def test_keys_are_forgotten_after_thirty_days(self, api: Client) -> None:
        send(api, "/platform/things", {"name": "a"})
        assert idempotency.forget(timezone.now() + timedelta(days=29)) == 0
        assert idempotency.forget(timezone.now() + timedelta(days=31)) == 1


class TestAtOnce:
    def test_fifty_at_once_have_one_effect(self, committed_db: str) -> None:  # noqa: ARG002 - a database to commit in
        moon = firm()
        authorization = f"PortOne {moon.secret(moon.person('mina', Role.ADMIN))[1]}"

        def one(_number: int) -> Any:
            try:
                return send(Client(headers={"Authorization": authorization}), "/platform/things", {"name": "a"})
            finally:
                connections.close_all()

        with ThreadPoolExecutor(25) as pool:
            answers = list(pool.map(one, range(50)))

        assert probe.effects() == 1
        assert IdempotencyKey.objects.count() == 1
        assert {answer.status_code for answer in answers} <= {200, 409}
        assert len({answer.content for answer in answers if answer.status_code == 200}) == 1
        for answer in answers:
            if answer.status_code == 409:
                assert json.loads(answer.content)["type"] == "IDEMPOTENCY_OUTSTANDING_REQUEST"
                assert answer["Retry-After"] == "1"
        assert (
            send(Client(headers={"Authorization": authorization}), "/platform/things", {"name": "a"}).status_code == 200
        )

    def test_while_one_is_working_the_next_is_told_to_wait(self, committed_db: str) -> None:  # noqa: ARG002 - likewise
        moon = firm()
        api = client(moon)

        def meanwhile() -> Any:
            try:
                return send(api, "/platform/things", {"name": "a"})
            finally:
                connections.close_all()

        with ThreadPoolExecutor(1) as pool, connection.cursor() as cursor:
            name = f"idempotency:{moon.scope.merchant_id}:False:{KEY}"
            cursor.execute("select pg_advisory_lock(hashtextextended(%s, 0))", [name])
            waiting = pool.submit(meanwhile).result()
            cursor.execute("select pg_advisory_unlock_all()")
        assert (waiting.status_code, waiting["Retry-After"]) == (409, "1")
        assert probe.effects() == 0
        assert send(api, "/platform/things", {"name": "a"}).status_code == 200

    def test_what_somebody_made_between_a_refusal_and_its_keeping_counts(
        self,
        committed_db: str,  # noqa: ARG002 - likewise
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        api, opened = client(firm()), transactions.whole
        begun: list[str] = []

        def another_first() -> Any:
            begun.append("opened")
            if len(begun) == 2:
                IdempotencyKey.objects.create(**answered)
            return opened()

        first = send(api, "/platform/things", {"name": "a"})
        stored = IdempotencyKey.objects.get()
        answered = {
            name: getattr(stored, name) for name in ("merchant_id", "is_test", "status", "body", "content_type")
        }
        answered |= {"key": KEY[::-1], "fingerprint": idempotency.fingerprint(**asked_for({"name": "taken"}))}
        monkeypatch.setattr(idempotency, "whole", another_first)

        answer = send(api, "/platform/things", {"name": "taken"}, KEY[::-1])

        assert begun == ["opened", "opened"]
        assert (answer.status_code, answer.content, answer["Idempotency-Replayed"]) == (200, first.content, "true")
        assert probe.effects() == 1

    def test_a_process_killed_in_the_middle_leaves_nothing(self, committed_db: str) -> None:  # noqa: ARG002 - likewise
        moon = firm()
        api = client(moon)
        connections.close_all()
        child = os.fork()
        if child == 0:
            send(api, "/platform/things", {"name": "killed"})
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
        assert probe.effects() == 0
        assert IdempotencyKey.objects.count() == 0
        # The key did not stay "in progress": the same key can be used for what does work.
        assert send(api, "/platform/things", {"name": "a"}).status_code == 200
        assert probe.effects() == IdempotencyKey.objects.count() == 1

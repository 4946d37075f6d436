"""Promise: the API base checks every call in one order, answers in one shape, and never touches a session."""

import io
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from access import api_secrets
from access.models import ApiSecret
from access.roles import ApiScope, Role

from . import probe
from .build import PASSWORD, SETUP, Firm, firm

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.access.probe")]
KEY = {"Idempotency-Key": "0123456789abcdef"}


@pytest.fixture
def moon() -> Firm:
    return firm()


@pytest.fixture
def secret(moon: Firm) -> str:
    return moon.secret(moon.person("mina", Role.ADMIN))[1]


@pytest.fixture
def api(secret: str) -> Client:
    return Client(headers={"Authorization": f"PortOne {secret}"})


def post(
    api: Client, url: str, body: object, headers: Mapping[str, str] | None = None, kind: str = "application/json"
) -> Any:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return api.post(url, data, content_type=kind, headers=dict(headers or {}))


def told(response: Any) -> tuple[int, str]:
    assert response["Content-Type"] == "application/json"
    return response.status_code, response.json()["type"]


class TestCredentials:
    @pytest.mark.parametrize(
        "header",
        [
            None,
            "",
            "PortOne",
            "PortOne wrong",
            "PortOne {prefix}.wrong",
            "Basic {secret}",
            "{secret}",
            "Bearer {secret}",
            "PortOne {secret}x",
        ],
    )
    def test_anything_but_a_live_secret_is_401(self, header: str | None, secret: str) -> None:
        prefix = secret.partition(".")[0]
        headers = {} if header is None else {"Authorization": header.format(secret=secret, prefix=prefix)}
        assert told(Client(headers=headers).get("/platform/things")) == (401, "UNAUTHORIZED")

    def test_the_scheme_is_read_in_any_case(self, secret: str) -> None:
        assert Client(headers={"Authorization": f"portone {secret}"}).get("/platform/things").status_code == 200

    def test_revoking_works_on_the_next_request(self, api: Client, moon: Firm, secret: str) -> None:
        tokens = post(api, "/login/api-secret", {"apiSecret": secret}).json()
        bearer = Client(headers={"Authorization": f"Bearer {tokens['accessToken']}"})
        assert api.get("/platform/things").status_code == bearer.get("/platform/things").status_code == 200
        api_secrets.revoke(scope=moon.scope, prefix=ApiSecret.objects.get().prefix, by=SETUP, now=timezone.now())
        assert told(api.get("/platform/things")) == (401, "UNAUTHORIZED")
        assert told(bearer.get("/platform/things")) == (401, "UNAUTHORIZED")

    def test_an_expired_secret_is_401(self, moon: Firm) -> None:
        owner = moon.person("jisu", Role.ADMIN)
        now = timezone.now()
        _row, text = api_secrets.issue(
            scope=moon.scope, name="short", owner=owner, expires_at=now + timedelta(hours=1), by=SETUP, now=now
        )
        api = Client(headers={"Authorization": f"PortOne {text}"})
        assert api.get("/platform/things").status_code == 200
        with time_machine.travel(now + timedelta(hours=1)):
            assert told(api.get("/platform/things")) == (401, "UNAUTHORIZED")

    def test_only_a_hash_of_the_secret_is_kept(self, secret: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute("select row_to_json(s)::text from access_apisecret s")
            stored = cursor.fetchone()[0]
        assert secret.partition(".")[2] not in stored
        assert secret.partition(".")[0] in stored

    def test_tokens_last_half_an_hour_and_a_day(self, secret: str) -> None:
        start = timezone.now()
        with time_machine.travel(start):
            pair = post(Client(), "/login/api-secret", {"apiSecret": secret}).json()
        bearer = Client(headers={"Authorization": f"Bearer {pair['accessToken']}"})
        with time_machine.travel(start + timedelta(minutes=29)):
            assert bearer.get("/platform/things").status_code == 200
        with time_machine.travel(start + timedelta(minutes=31)):
            assert told(bearer.get("/platform/things")) == (401, "UNAUTHORIZED")
        with time_machine.travel(start + timedelta(hours=25)):
            assert told(post(Client(), "/token/refresh", {"refreshToken": pair["refreshToken"]})) == (
                401,
                "UNAUTHORIZED",
            )

    def test_a_refresh_token_works_once(self, secret: str) -> None:
        first = post(Client(), "/login/api-secret", {"apiSecret": secret, "unknown": 1}).json()
        second = post(Client(), "/token/refresh", {"refreshToken": first["refreshToken"]})
        assert set(second.json()) == {"accessToken", "refreshToken"}
        assert told(post(Client(), "/token/refresh", {"refreshToken": first["refreshToken"]})) == (401, "UNAUTHORIZED")
        assert told(post(Client(), "/token/refresh", {"refreshToken": first["accessToken"]})) == (401, "UNAUTHORIZED")
        bearer = Client(headers={"Authorization": f"Bearer {second.json()['accessToken']}"})
        assert bearer.get("/platform/things").status_code == 200

    def test_signing_in_with_nonsense(self) -> None:
        assert told(post(Client(), "/login/api-secret", {"apiSecret": "x"})) == (401, "UNAUTHORIZED")
        assert told(post(Client(), "/login/api-secret", {})) == (400, "INVALID_REQUEST")

    def test_last_use_is_noted_at_most_once_a_minute(self, api: Client) -> None:
        start = timezone.now()
        seen = []
        for seconds in (0, 30, 61):
            with time_machine.travel(start + timedelta(seconds=seconds), tick=False):
                api.get("/platform/things")
                seen.append(ApiSecret.objects.get().last_used_at)
        assert seen[0] == seen[1] == start
        assert seen[2] == start + timedelta(seconds=61)


class TestScopes:
    @pytest.mark.parametrize(
        ("scopes", "read", "write", "submit"),
        [
            ((ApiScope.READ,), 200, 403, 403),
            ((ApiScope.WRITE,), 403, 200, 403),
            ((ApiScope.PAYOUTS_SUBMIT,), 403, 403, 200),
            ((ApiScope.READ, ApiScope.WRITE, ApiScope.PAYOUTS_COMPLETE), 200, 200, 403),
        ],
    )
    def test_each_call_needs_its_scope(
        self, moon: Firm, scopes: tuple[ApiScope, ...], read: int, write: int, submit: int
    ) -> None:
        api = Client(headers={"Authorization": f"PortOne {moon.secret(moon.person('jisu'), scopes)[1]}"})
        assert api.get("/platform/things").status_code == read
        assert post(api, "/platform/things", {"name": "a"}).status_code == write
        assert post(api, "/platform/things/complete", {}).status_code == submit

    def test_refusal_by_scope_is_403(self, moon: Firm) -> None:
        api = Client(headers={"Authorization": f"PortOne {moon.secret(moon.person('jisu'), (ApiScope.READ,))[1]}"})
        assert told(post(api, "/platform/things", {"name": "a"})) == (403, "FORBIDDEN")
        assert probe.effects() == 0


class TestEnvironment:
    @pytest.mark.parametrize(
        ("url", "body", "is_test"),
        [
            ("/platform/things", {}, False),
            ("/platform/things?test=true", {}, True),
            ("/platform/things", {"isForTest": True}, True),
            ("/platform/things", {"filter": {"isForTest": True}}, True),
            ("/platform/things?test=false", {"isForTest": True}, False),
            ("/platform/things?test=true", {"isForTest": False}, True),
        ],
    )
    def test_the_query_wins_then_the_body(self, api: Client, url: str, body: dict[str, object], is_test: bool) -> None:  # noqa: FBT001 - a table of cases
        assert post(api, url, {"name": "a", **body}).json()["isForTest"] is is_test
        query = "&" if "?" in url else "?"
        assert api.get(f"{url}{query}requestBody={json.dumps(body)}").json()["isForTest"] is is_test

    @pytest.mark.parametrize("url", ["/platform/things?test=1", "/platform/things?test=TRUE", "/platform/things?test="])
    def test_other_words_are_400(self, api: Client, url: str) -> None:
        assert told(api.get(url)) == (400, "INVALID_REQUEST")

    def test_a_test_secret_never_reaches_the_live_side(self, moon: Firm) -> None:
        api = Client(headers={"Authorization": f"PortOne {moon.secret(moon.person('jisu'), test_only=True)[1]}"})
        assert api.get("/platform/things?test=true").status_code == 200
        assert told(api.get("/platform/things")) == (403, "FORBIDDEN")
        assert told(post(api, "/platform/things?test=false", {"name": "a", "isForTest": True})) == (403, "FORBIDDEN")


class TestForm:
    @pytest.mark.parametrize(
        "kind", ["application/json", "text/plain;charset=UTF-8", "application/x-www-form-urlencoded", "text/html"]
    )
    def test_json_is_read_whatever_it_is_called(self, api: Client, kind: str) -> None:
        assert post(api, "/platform/things", {"name": "가"}, kind=kind).json()["name"] == "가"

    @pytest.mark.parametrize(
        "body", [b"[]", b"1", b'"x"', b'{"name":"a","name":"b"}', b'{"name":"\\u0000"}', b'{"name":1}', b"{}", b"{"]
    )
    def test_bad_bodies_are_400_and_have_no_effect(self, api: Client, body: bytes) -> None:
        assert told(post(api, "/platform/things", body)) == (400, "INVALID_REQUEST")
        assert probe.effects() == 0

    def test_an_empty_body_is_an_empty_object(self, api: Client) -> None:
        assert post(api, "/platform/things/x/archive", b"").json() == {"archived": "x"}

    def test_unknown_fields_are_ignored_here_and_refused_there(self, api: Client) -> None:
        body = {"name": "a", "extra": {"deep": 1}}
        assert post(api, "/platform/things", body).status_code == 200
        response = post(api, "/api/v1/things", body, KEY)
        assert told(response) == (400, "INVALID_REQUEST")
        assert response.json()["field"] == "extra"
        assert told(api.get("/api/v1/things?limmit=1")) == (400, "INVALID_REQUEST")
        assert api.get("/api/v1/things?limit=1&test=true").json() == {"limit": 1}
        assert probe.effects() == 1

    @pytest.mark.parametrize(
        "argument",
        ["requestBody=%7B%22page%22%3A%7B%22size%22%3A5%7D%7D", "requestBody=%7B%22page%22:+%7B%22size%22:%205%7D%7D"],
    )
    def test_a_list_takes_its_argument_from_the_query(self, api: Client, argument: str) -> None:
        assert api.get(f"/platform/things?{argument}").json()["size"] == 5

    def test_or_from_the_body_of_the_get(self, api: Client) -> None:
        body = b'{"page":{"size":7}}'
        response = api.generic("GET", "/platform/things", body, content_type="application/json")
        assert response.json()["size"] == 7
        response = api.generic("GET", "/platform/things?requestBody={}", body, content_type="application/json")
        assert response.json()["size"] == 10

    @pytest.mark.parametrize("argument", ["requestBody=", "requestBody={}", ""])
    def test_or_goes_without(self, api: Client, argument: str) -> None:
        assert api.get(f"/platform/things?{argument}").json()["size"] == 10

    @pytest.mark.parametrize(
        "argument",
        ["requestBody={", "requestBody=[]", "requestBody=%00", "requestBody={}&x=%00", "requestBody=%22%5Cud800%22"],
    )
    def test_an_argument_that_is_no_object_is_400(self, api: Client, argument: str) -> None:
        assert told(api.get(f"/platform/things?{argument}")) == (400, "INVALID_REQUEST")

    def test_too_large_is_413(self, api: Client) -> None:
        assert told(post(api, "/platform/things", {"name": "x" * 1_100_000})) == (413, "REQUEST_TOO_LARGE")

    def test_a_body_in_pieces_is_read_to_its_end_or_refused(self, api: Client) -> None:
        pieces = {"CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked"}
        body = io.BytesIO(b'{"name":"pieces"}')
        response = api.post("/platform/things", **pieces, **{"wsgi.input": body, "wsgi.input_terminated": True})  # type: ignore[arg-type] # environ entries
        assert response.json()["name"] == "pieces"
        response = api.post("/platform/things", **pieces, **{"wsgi.input": io.BytesIO(b"{}")})  # type: ignore[arg-type] # environ entries
        assert told(response) == (411, "LENGTH_REQUIRED")

    def test_uploads(self, api: Client) -> None:
        def send(content: bytes) -> Any:
            file = SimpleUploadedFile("a.csv", content)
            return api.post("/api/v1/upload", {"kind": "orders", "file": file}, headers=KEY)

        assert send(b"a,b\n").json() == {"size": 4}
        assert send(b"a,b\n")["Idempotency-Replayed"] == "true"
        assert told(send(b"a,c\n")) == (422, "IDEMPOTENCY_KEY_REUSED")
        assert probe.effects() == 1


class TestEveryFailureIsJson:
    def test_unknown_paths_and_methods(self, api: Client) -> None:
        assert told(api.get("/platform/nothing")) == (404, "NOT_FOUND")
        assert told(api.get("/api/v1/things/")) == (404, "NOT_FOUND")
        assert told(api.put("/platform/things")) == (405, "METHOD_NOT_ALLOWED")
        assert told(api.options("/platform/things")) == (405, "METHOD_NOT_ALLOWED")
        assert told(Client(HTTP_HOST="evil.example").get("/platform/things")) == (400, "INVALID_REQUEST")

    def test_any_accept_header_gets_json(self, api: Client) -> None:
        assert api.get("/platform/things", headers={"Accept": "text/html"})["Content-Type"] == "application/json"
        assert told(api.get("/platform/nothing", headers={"Accept": "text/csv"})) == (404, "NOT_FOUND")

    def test_a_bug_is_500_without_a_trace(self, secret: str) -> None:
        api = Client(raise_request_exception=False, headers={"Authorization": f"PortOne {secret}"})
        response = post(api, "/platform/things", {"name": "bug"}, {"X-Request-Id": "from-the-caller"})
        assert told(response) == (500, "INTERNAL_ERROR")
        assert response.json()["requestId"] == response["X-Request-Id"] == "from-the-caller"
        assert b"ZeroDivision" not in response.content
        assert probe.effects() == 0

    def test_refusals_carry_their_facts(self, api: Client) -> None:
        response = post(api, "/platform/things", {"name": "listed"})
        assert response.json() == {"type": "PLATFORM_LISTED", "message": "A listed refusal.", "amount": 3}

    @pytest.mark.parametrize("sent", ["short", "has space in it", "x" * 65, "<script>alert(1)</script>", ""])
    def test_odd_request_ids_are_replaced(self, api: Client, sent: str) -> None:
        answered = api.get("/platform/things", headers={"X-Request-Id": sent})["X-Request-Id"]
        assert answered != sent
        assert len(answered) == 26


class TestNoSession:
    def test_cookies_are_neither_read_nor_set(self, api: Client, moon: Firm) -> None:
        moon.person("jisu")
        api.post("/login/", {"username": "jisu", "password": PASSWORD})
        assert "session" in api.cookies
        with CaptureQueriesContext(
            connection,
        ) as queries:
            response = api.get("/platform/things")
        assert response.status_code == 200
        assert not response.cookies
        assert not any("django_session" in query["sql"] for query in queries)
        assert "Cookie" not in response.get("Vary", "")

    def test_a_session_is_no_credential(self, moon: Firm) -> None:
        browser = Client()
        moon.person("jisu")
        browser.post("/login/", {"username": "jisu", "password": PASSWORD})
        assert told(browser.get("/platform/things")) == (401, "UNAUTHORIZED")

    def test_no_csrf_token_is_asked_for(self, secret: str) -> None:
        strict = Client(enforce_csrf_checks=True, headers={"Authorization": f"PortOne {secret}"})
        assert post(strict, "/platform/things", {"name": "a"}).status_code == 200

"""Promise: behind the real web server ids with slashes, bodies in pieces and crashes behave as promised."""

import http.client
import json
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from access.models import IdempotencyKey
from access.roles import Role
from config.pytest_processes import Start

from . import probe
from .build import firm


class Caller:
    """Sends requests as they are written, without a client library's tidying."""

    def __init__(self, url: str, authorization: str) -> None:
        self.address = urlsplit(url).netloc
        self.authorization = authorization

    def send(self, method: str, path: str, body: object = None, **headers: str) -> tuple[int, dict[str, object]]:
        connection = http.client.HTTPConnection(self.address, timeout=30)
        sent = {"Authorization": self.authorization, **{name.replace("_", "-"): text for name, text in headers.items()}}
        connection.request(method, path, body, sent, encode_chunked=not isinstance(body, bytes | None))  # type: ignore[arg-type] # bytes, or an iterator of them
        response = connection.getresponse()
        read: dict[str, object] = json.loads(response.read())
        connection.close()
        return response.status, read


@pytest.fixture
def caller(start_site: Start) -> Caller:
    moon = firm()
    site = start_site(DJANGO_SETTINGS_MODULE="tests.access.site_settings")
    return Caller(site.url, f"PortOne {moon.secret(moon.person('mina', Role.ADMIN))[1]}")


def test_the_raw_path_is_what_counts(caller: Caller) -> None:
    assert caller.send("GET", "/platform/things/a%2Fb%20c%20%ED%95%9C") == (200, {"id": "a/b c 한"})
    assert caller.send("GET", "/platform/things/a%2Farchive?test=true") == (200, {"id": "a/archive"})
    assert caller.send("POST", "/platform/things/a%2Fb/archive") == (200, {"archived": "a/b"})
    assert caller.send("GET", "/platform/things/%E3%84%B1%252F") == (200, {"id": "ㄱ%2F"})
    assert caller.send("GET", "/platform/things/a%00b")[0] == 400
    assert caller.send("GET", "/platform/things/%FF")[0] == 404
    assert caller.send("GET", "/platform/things/a/b")[0] == 404


def test_bodies_come_whole_or_in_pieces(caller: Caller) -> None:
    def pieces() -> Iterator[bytes]:
        yield b'{"name":'
        yield '"가"}'.encode()

    assert caller.send("POST", "/platform/things", '{"name":"가"}'.encode())[1]["name"] == "가"
    status, answer = caller.send("POST", "/platform/things", pieces(), Transfer_Encoding="chunked")
    assert (status, answer["name"]) == (200, "가")
    assert caller.send("POST", "/platform/things", b'{"name":"' + b"x" * 1_100_000 + b'"}')[0] == 413


def test_a_worker_killed_in_the_middle_leaves_nothing(caller: Caller) -> None:
    key = "0123456789abcdef"
    with pytest.raises((http.client.HTTPException, OSError)):
        caller.send("POST", "/platform/things", b'{"name":"killed"}', Idempotency_Key=key)
    assert probe.effects() == IdempotencyKey.objects.count() == 0

    status, answer = caller.send("POST", "/platform/things", b'{"name":"a"}', Idempotency_Key=key)
    assert (status, answer["number"]) == (200, 1)
    assert caller.send("POST", "/platform/things", b'{"name":"a"}', Idempotency_Key=key) == (status, answer)
    assert probe.effects() == IdempotencyKey.objects.count() == 1


def test_fifty_connections_with_one_key(caller: Caller) -> None:
    answers: list[tuple[int, dict[str, object]]] = []

    def one() -> None:
        answers.append(caller.send("POST", "/platform/things", b'{"name":"a"}', Idempotency_Key="0123456789abcdef"))

    threads = [threading.Thread(target=one) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert probe.effects() == 1
    assert len(answers) == 50
    for status, answer in answers:
        assert (status, answer.get("number")) == (200, 1) or answer["type"] == "IDEMPOTENCY_OUTSTANDING_REQUEST"

"""A call to another machine is made once, never inside a transaction, and NotSent means that nothing was written."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field

import pytest
from django.db import transaction

from core import http

QUICK = http.Limits(connect=0.5, read=0.5, total=2, answer_bytes=1000)
WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-One: a\r\nX-One: b\r\n\r\nok"
Behaviour = Callable[[socket.socket], None]


@dataclass
class Peer:
    """A machine on the other end that does one thing with each connection, and remembers what it was sent."""

    behaviour: Behaviour
    received: list[bytes] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/pay?account=110123456789"

    def serve(self, listener: socket.socket) -> None:
        self.port = listener.getsockname()[1]
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with closing(connection), suppress(OSError):
                self.received.append(connection.recv(65536))
                self.behaviour(connection)

    def hang(self, _connection: socket.socket) -> None:
        self.over.wait(10)


@pytest.fixture
def peer() -> Iterator[Peer]:
    listener = socket.create_server(("127.0.0.1", 0))
    made = Peer(lambda connection: connection.sendall(WHOLE), port=listener.getsockname()[1])
    thread = threading.Thread(target=made.serve, args=(listener,))
    thread.start()
    yield made
    made.over.set()
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()


def closed_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port: int = listener.getsockname()[1]
    return port


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


def sends(answer: bytes) -> Behaviour:
    return lambda connection: connection.sendall(answer)


class TestAnAnswer:
    def test_is_returned_whole_with_its_status_and_headers(self, peer: Peer) -> None:
        answer = http.request("POST", peer.url, body=b"{}", headers={"X-Key": "k"}, limits=QUICK)

        assert (answer.status, answer.body, answer.headers["x-one"]) == (200, b"ok", "a, b")
        [sent] = peer.received
        assert sent.startswith(b"POST /pay?account=110123456789 HTTP/1.1\r\n")
        assert f"Host: 127.0.0.1:{peer.port}\r\n".encode() in sent
        assert b"X-Key: k\r\n" in sent
        assert b"Content-Length: 2\r\n" in sent

    @pytest.mark.parametrize("status", [302, 404, 500, 503])
    def test_of_any_status_is_an_answer_and_leads_to_no_second_request(self, peer: Peer, status: int) -> None:
        head = f"HTTP/1.1 {status} X\r\nLocation: {peer.url}\r\nContent-Length: 0\r\n\r\n"
        peer.behaviour = sends(head.encode())

        assert http.request("POST", peer.url, body=b"{}", limits=QUICK).status == status
        assert len(peer.received) == 1

    def test_does_not_come_through_a_proxy_named_by_the_environment(
        self, peer: Peer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{closed_port()}")
        monkeypatch.setenv("all_proxy", f"http://127.0.0.1:{closed_port()}")

        assert http.request("GET", peer.url, limits=QUICK).status == 200

    def test_can_come_from_an_address_that_was_checked_before(self, peer: Peer) -> None:
        http.request("GET", f"http://partner.example:{peer.port}/hook", address="127.0.0.1", limits=QUICK)

        assert f"Host: partner.example:{peer.port}\r\n".encode() in peer.received[0]

    def test_can_be_cut_where_it_gets_too_long(self, peer: Peer) -> None:
        peer.behaviour = sends(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + b"x" * 5000)
        cut = http.Limits(connect=0.5, read=0.5, total=2, answer_bytes=1000, cut_answer=True)

        assert http.request("GET", peer.url, limits=cut).body == b"x" * 1000
        with pytest.raises(http.SentUnclear, match="too large"):
            http.request("GET", peer.url, limits=QUICK)

    def test_is_read_to_its_end_however_it_arrives(self, peer: Peer) -> None:
        def in_pieces(connection: socket.socket) -> None:
            for piece in (b"HTTP/1.1 200 OK\r\nContent-", b"Length: 4\r\n\r\n", b"wh", b"ole"[:2]):
                connection.sendall(piece)
                peer.over.wait(0.05)

        peer.behaviour = in_pieces

        assert http.request("GET", peer.url, limits=QUICK).body == b"whol"


class TestNotSent:
    def test_when_the_connection_is_refused(self) -> None:
        with pytest.raises(http.NotSent, match="ConnectionRefusedError"):
            http.request("POST", f"http://127.0.0.1:{closed_port()}/", body=b"{}", limits=QUICK)

    def test_when_the_name_does_not_resolve(self) -> None:
        with pytest.raises(http.NotSent, match="name not resolved"):
            http.request("GET", f"http://{'x' * 64}.example/", limits=QUICK)

    def test_when_the_other_side_does_not_take_the_connection(self) -> None:
        with closing(socket.create_server(("127.0.0.1", 0), backlog=0)) as full:
            where = full.getsockname()
            waiting = [socket.socket() for _ in range(4)]
            for one in waiting:
                one.setblocking(False)
                one.connect_ex(where)
            with pytest.raises(http.NotSent, match="timeout"):
                http.request("POST", f"http://127.0.0.1:{where[1]}/", body=b"{}", limits=QUICK)
            for one in waiting:
                one.close()

    def test_when_tls_fails_before_the_request(self, peer: Peer) -> None:
        peer.behaviour = sends(b"this is no TLS\r\n\r\n")

        with pytest.raises(http.NotSent, match="SSL"):
            http.request("POST", peer.url.replace("http:", "https:"), body=b"secret", limits=QUICK)

        assert b"secret" not in b"".join(peer.received)

    def test_when_tls_takes_too_long(self, peer: Peer) -> None:
        peer.behaviour = peer.hang

        with pytest.raises(http.NotSent, match="timeout"):
            http.request("POST", peer.url.replace("http:", "https:"), body=b"secret", limits=QUICK)


class TestSentUnclear:
    @pytest.mark.parametrize(
        ("answer", "status"),
        [
            (b"", None),
            (b"HTTP/1.1 200 OK\r\nContent-Len", None),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 2", None),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n", None),
            (b"110123456789 garbage\r\n\r\n", None),
            (b"HTTP/1.1 2OO OK\r\n\r\n", None),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok", 200),
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", 200),
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nab", 200),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n" + b"x" * 1001, 200),
            (b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 1001, 200),
        ],
    )
    def test_when_the_answer_is_unusable(self, peer: Peer, answer: bytes, status: int | None) -> None:
        peer.behaviour = sends(answer)

        with pytest.raises(http.SentUnclear) as raised:
            http.request("POST", peer.url, body=b"{}", limits=QUICK)

        assert raised.value.status == status
        assert len(peer.received) == 1

    def test_when_the_connection_is_reset(self, peer: Peer) -> None:
        peer.behaviour = reset

        with pytest.raises(http.SentUnclear, match="ConnectionResetError"):
            http.request("POST", peer.url, body=b"{}", limits=QUICK)

    def test_when_no_answer_comes_in_time(self, peer: Peer) -> None:
        peer.behaviour = peer.hang

        with pytest.raises(http.SentUnclear, match="timeout"):
            http.request("POST", peer.url, body=b"{}", limits=QUICK)

    @pytest.mark.parametrize("start", [b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n"])
    def test_when_each_byte_is_in_time_but_the_whole_is_not(self, peer: Peer, start: bytes) -> None:
        def trickle(connection: socket.socket) -> None:
            connection.sendall(start)
            while not peer.over.wait(0.1):
                connection.sendall(b"x")

        peer.behaviour = trickle

        with pytest.raises(http.SentUnclear, match="timeout"):
            http.request("POST", peer.url, body=b"{}", limits=http.Limits(connect=0.5, read=0.5, total=0.8))

    def test_keeps_what_was_said_out_of_its_text(self, peer: Peer) -> None:
        peer.behaviour = sends(b"110123456789 closed\r\n\r\n")

        with pytest.raises(http.SentUnclear) as raised:
            http.request("POST", peer.url, body=b"110123456789", limits=QUICK)

        assert "110123456789" not in repr(raised.value)
        assert raised.value.__suppress_context__


class TestRefusesToStart:
    @pytest.mark.usefixtures("committed_db")
    def test_inside_a_transaction(self, peer: Peer) -> None:
        with transaction.atomic(), pytest.raises(http.NetworkInsideTransaction):
            http.request("POST", peer.url, body=b"{}", limits=QUICK)
        assert peer.received == []

        assert http.request("POST", peer.url, body=b"{}", limits=QUICK).status == 200

    @pytest.mark.parametrize(
        "url", ["ftp://127.0.0.1/", "http:///x", "http://me:secret@127.0.0.1/", "http://127.0.0.1/a b", "http://h/ü"]
    )
    def test_with_a_malformed_url(self, url: str) -> None:
        with pytest.raises(ValueError, match="URL"):
            http.request("GET", url, limits=QUICK)

    def test_with_a_header_that_would_start_another_one(self, peer: Peer) -> None:
        with pytest.raises(ValueError, match="header"):
            http.request("GET", peer.url, headers={"X": "a\r\nY: b"}, limits=QUICK)

        assert b"Y: b" not in b"".join(peer.received)

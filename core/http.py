"""
The one way this product calls another machine over HTTP.

A call that may move money must never be repeated by accident, so nothing here retries, follows a redirect or listens to
a proxy setting, and every ending says whether the request can have reached the other side: `NotSent`, `SentUnclear`, or
an `Answer`.
"""

import http.client
import io
import re
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connections

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_TARGET = re.compile(r"[\x21-\x7e]+")
_DEFAULT_PORTS = {"http": 80, "https": 443}


class NetworkInsideTransaction(RuntimeError):
    """A call to another machine was about to start while a database transaction was open."""


class HttpFailure(Exception):
    """A call ended without a usable answer. The text names only the cause: addresses and bodies may hold secrets."""


class NotSent(HttpFailure):
    """No byte of the request was written, so the other side cannot have acted on it."""


class SentUnclear(HttpFailure):
    """The request may have arrived. `status` is the answer's status when at least its head was readable."""

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Limits:
    """
    Seconds for opening a connection (with TLS), for each wait on it, and for everything; bytes of body accepted.

    A longer body is refused, or with `cut_answer` left unread from there on.
    """

    connect: float = 5
    read: float = 60
    total: float = 90
    answer_bytes: int = 1_000_000
    cut_answer: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer. Header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class _Target:
    scheme: str
    host: str
    port: int
    path: str

    @property
    def host_header(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"


class _Connection(Protocol):
    """What is used of a socket, so that a plain and a TLS one are the same here."""

    def settimeout(self, value: float | None, /) -> None: ...
    def sendall(self, data: bytes, /) -> None: ...
    def recv_into(self, buffer: "WriteableBuffer", /) -> int: ...
    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class _TimedSocket:
    """A connection as http.client sees it: each wait gets the read limit or what is left of the total."""

    connection: _Connection
    limits: Limits
    deadline: float

    def arm(self) -> _Connection:
        """Return the connection with the time the next wait may take. Raises TimeoutError when there is none."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self.connection.settimeout(min(self.limits.read, left))
        return self.connection

    def sendall(self, data: bytes) -> None:
        """Write everything."""
        self.arm().sendall(data)

    def makefile(self, _mode: str) -> io.BufferedReader:
        """Return what the answer is read from."""
        return _WholeLines(_TimedReader(self))

    def close(self) -> None:
        """Do nothing: http.client closes its side before it has read the body, `request` closes the connection."""


class _WholeLines(io.BufferedReader):
    """What http.client reads. It takes a head that breaks off for a whole one; this does not."""

    def readline(self, size: int | None = -1, /) -> bytes:
        line = super().readline(size)
        if not line.endswith(b"\n") and (size is None or size < 0 or len(line) < size):
            raise EOFError
        return line


class _TimedReader(io.RawIOBase):
    def __init__(self, timed: _TimedSocket) -> None:
        self._timed = timed

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        return self._timed.arm().recv_into(buffer)


def request(
    method: str,
    url: str,
    *,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    limits: Limits | None = None,
    address: str | None = None,
    tls: ssl.SSLContext | None = None,
) -> Answer:
    """
    Send one request and read its whole answer, whatever its status.

    `address` connects to this already checked IP address while name checks and the Host header keep the URL's host.
    A slow name server is not covered by the limits, but nothing is sent once the total has run out.
    Raises NotSent, SentUnclear; NetworkInsideTransaction and ValueError (bad URL or header) before anything happens.
    """
    _refuse_inside_transaction()
    limits = limits or Limits()
    target = _parse(url)
    deadline = time.monotonic() + limits.total
    connection = _open(target, limits=limits, deadline=deadline, address=address, tls=tls)
    try:
        timed = _TimedSocket(connection, limits=limits, deadline=deadline)
        return _exchange(timed, method, target, body=body, headers=headers or {}, limits=limits, deadline=deadline)
    finally:
        connection.close()


def _refuse_inside_transaction() -> None:
    # Without settings there are no connections, and asking for them would raise.
    if settings.configured and any(c.in_atomic_block for c in connections.all(initialized_only=True)):
        message = "Commit before calling another machine: locks would be held while it thinks."
        raise NetworkInsideTransaction(message)


def _parse(url: str) -> _Target:
    parts = urlsplit(url)
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname or "@" in parts.netloc:
        message = "The URL must be http(s)://host… without user information."
        raise ValueError(message)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if not _TARGET.fullmatch(path):
        message = "The URL's path and query must be printable ASCII without spaces."
        raise ValueError(message)
    return _Target(parts.scheme, parts.hostname, parts.port or _DEFAULT_PORTS[parts.scheme], path)


def _open(
    target: _Target, *, limits: Limits, deadline: float, address: str | None, tls: ssl.SSLContext | None
) -> socket.socket:
    until = min(deadline, time.monotonic() + limits.connect)
    flags = socket.AI_NUMERICHOST if address else 0
    try:
        found = socket.getaddrinfo(address or target.host, target.port, type=socket.SOCK_STREAM, flags=flags)
    except (OSError, UnicodeError):
        message = "name not resolved"
        raise NotSent(message) from None
    reason = "no address"
    for family, kind, protocol, _name, where in found:
        left = until - time.monotonic()
        if left <= 0:
            message = "connect timeout"
            raise NotSent(message)
        plain = socket.socket(family, kind, protocol)
        try:
            plain.settimeout(left)
            plain.connect(where)
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return plain if target.scheme == "http" else _secure(plain, target.host, until=until, tls=tls)
        except OSError as error:
            plain.close()
            reason = _cause(error)
    message = f"no connection: {reason}"
    raise NotSent(message)


def _secure(plain: socket.socket, host: str, *, until: float, tls: ssl.SSLContext | None) -> ssl.SSLSocket:
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError
    plain.settimeout(left)
    return (tls or ssl.create_default_context()).wrap_socket(plain, server_hostname=host)


def _exchange(
    timed: _TimedSocket,
    method: str,
    target: _Target,
    *,
    body: bytes | None,
    headers: Mapping[str, str],
    limits: Limits,
    deadline: float,
) -> Answer:
    talk = http.client.HTTPConnection(target.host, target.port)
    talk.auto_open = 0  # A lost connection must surface here; opening another one would send the request twice.
    talk.sock = timed
    talk.putrequest(method, target.path, skip_host=True)
    talk.putheader("Host", target.host_header)
    talk.putheader("Connection", "close")
    if body is not None or method in {"POST", "PUT", "PATCH"}:
        talk.putheader("Content-Length", str(len(body or b"")))
    for name, value in headers.items():
        talk.putheader(name, value)
    if deadline <= time.monotonic():
        message = "time limit reached before sending"
        raise NotSent(message)
    status: int | None = None
    try:
        talk.endheaders(body)
        response = talk.getresponse()
        status = response.status
        return _read(response, limits=limits)
    except (OSError, EOFError, ValueError, http.client.HTTPException) as error:
        raise SentUnclear(_cause(error), status=status) from None
    finally:
        talk.close()


def _read(response: http.client.HTTPResponse, *, limits: Limits) -> Answer:
    body = response.read(limits.answer_bytes + 1)
    too_long = len(body) > limits.answer_bytes
    if too_long and not limits.cut_answer:
        message = "answer too large"
        raise SentUnclear(message, status=response.status)
    if response.length and not too_long:
        message = "answer cut short"
        raise SentUnclear(message, status=response.status)
    headers: dict[str, str] = {}
    for name, value in response.getheaders():
        key = name.lower()
        headers[key] = f"{headers[key]}, {value}" if key in headers else value
    return Answer(response.status, headers, body[: limits.answer_bytes])


def _cause(error: Exception) -> str:
    """Name the kind of a failure. Its own text may quote what the other side wrote."""
    return "timeout" if isinstance(error, TimeoutError) else type(error).__name__

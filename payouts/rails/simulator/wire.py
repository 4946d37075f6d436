"""
HTTP/1.1 as the simulated bank speaks it: keep-alive, small JSON bodies, and answers that can go wrong on purpose.

Written by hand because a general server cannot reset a connection, cut an answer or let it trickle when told to.
"""

import asyncio
import json
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from urllib.parse import parse_qsl, unquote, urlsplit

_HEAD_BYTES = 32 * 1024
_BODY_BYTES = 16 * 1024 * 1024
_SILENCE_SECONDS = 600
_TRICKLE_PIECES = 10


class BadRequest(Exception):
    """The request cannot be served; the text is sent back."""

    def __init__(self, message: str, status: HTTPStatus = HTTPStatus.BAD_REQUEST) -> None:
        super().__init__(message)
        self.message = message
        self.status = status


class Manner(StrEnum):
    """How an answer leaves."""

    WHOLE = "whole"
    SLOW = "slow"
    CUT = "cut"
    RESET = "reset"
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class Request:
    """One request; path segments are decoded."""

    method: str
    segments: tuple[str, ...]
    query: Mapping[str, str]
    body: bytes
    keep_alive: bool


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer and the manner in which it leaves; `seconds` is how long a slow one takes."""

    status: HTTPStatus
    body: bytes
    content_type: str = "application/json; charset=utf-8"
    manner: Manner = Manner.WHOLE
    seconds: float = 0


Handler = Callable[[Request], Awaitable[Reply]]


def json_reply(body: object, status: HTTPStatus = HTTPStatus.OK) -> Reply:
    """Make an answer of a JSON value."""
    return Reply(status, json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode())


async def serve_connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, handle: Handler) -> None:
    """Serve the requests of one connection until either side ends it."""
    try:
        while True:
            try:
                request = await _read(reader)
            except BadRequest as error:
                await _write(reader, writer, _refusal(error), keep_alive=False)
                return
            if request is None:
                return
            try:
                reply = await handle(request)
            except BadRequest as error:
                reply = _refusal(error)
            if not await _write(reader, writer, reply, keep_alive=request.keep_alive):
                return
    except ConnectionError:
        return
    finally:
        writer.close()


def _refusal(error: BadRequest) -> Reply:
    return json_reply({"code": "INVALID_REQUEST", "message": error.message}, error.status)


async def _read(reader: asyncio.StreamReader) -> Request | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    except asyncio.LimitOverrunError:
        message = "The head is too long."
        raise BadRequest(message, HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE) from None
    first, *rest = head[:-4].decode("latin-1").split("\r\n")
    words = first.split(" ")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in rest)}
    length = headers.get("content-length", "0")
    if len(words) != len(("method", "target", "version")) or not (length.isascii() and length.isdecimal()):
        message = "This is no HTTP/1.1 request."
        raise BadRequest(message)
    if "transfer-encoding" in headers:
        message = "Send a Content-Length."
        raise BadRequest(message, HTTPStatus.LENGTH_REQUIRED)
    if len(length) > len(str(_BODY_BYTES)) or int(length) > _BODY_BYTES:
        message = "The body is too long."
        raise BadRequest(message, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    try:
        body = await reader.readexactly(int(length))
    except asyncio.IncompleteReadError:
        return None
    return _request(words, headers, body)


def _request(words: list[str], headers: Mapping[str, str], body: bytes) -> Request:
    method, target, version = words
    try:
        parts = urlsplit(target)
    except ValueError:
        message = "The path is malformed."
        raise BadRequest(message) from None
    return Request(
        method=method,
        segments=tuple(unquote(segment) for segment in parts.path.split("/")[1:]),
        query=dict(parse_qsl(parts.query, keep_blank_values=True)),
        body=body,
        keep_alive=version == "HTTP/1.1" and headers.get("connection", "").lower() != "close",
    )


async def _write(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, reply: Reply, *, keep_alive: bool) -> bool:
    """Send the answer in its manner. Returns whether the connection goes on."""
    if reply.manner is Manner.RESET:
        # A linger of zero makes the kernel end the connection with a reset instead of a regular end.
        raw: socket.socket = writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
        return False
    if reply.manner is Manner.SILENT:
        await _until_gone(reader)
        return False
    message = _head(reply, keep_alive=keep_alive) + reply.body
    if reply.manner is Manner.CUT:
        message = message[: len(message) - len(reply.body) // 2 - 1]
    if reply.manner is Manner.SLOW:
        await _trickle(writer, message, reply.seconds)
    else:
        writer.write(message)
    await writer.drain()
    return keep_alive and reply.manner is not Manner.CUT


def _head(reply: Reply, *, keep_alive: bool) -> bytes:
    lines = (
        f"HTTP/1.1 {reply.status.value} {reply.status.phrase}",
        f"Content-Type: {reply.content_type}",
        f"Content-Length: {len(reply.body)}",
        f"Connection: {'keep-alive' if keep_alive else 'close'}",
    )
    return "\r\n".join((*lines, "", "")).encode("ascii")


async def _until_gone(reader: asyncio.StreamReader) -> None:
    try:
        async with asyncio.timeout(_SILENCE_SECONDS):
            while await reader.read(_HEAD_BYTES):
                pass
    except TimeoutError:
        return


async def _trickle(writer: asyncio.StreamWriter, message: bytes, seconds: float) -> None:
    size = -(-len(message) // _TRICKLE_PIECES)
    for start in range(0, len(message), size):
        writer.write(message[start : start + size])
        await writer.drain()
        await asyncio.sleep(seconds / _TRICKLE_PIECES)

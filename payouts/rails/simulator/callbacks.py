"""
Callbacks of the simulated bank: a signed POST to one URL when a transfer has ended or come back.

The signature is that of Standard Webhooks: HMAC-SHA256 over `id.timestamp.body`. Each is sent once and never repeated
by itself, so a receiver that is away misses it, as happens with real banks.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import sys
from collections.abc import Callable
from datetime import datetime
from urllib.parse import urlsplit

from payouts.rails.simulator.book import Transfer

_AT_ONCE = 16
_SECONDS = 10


class Callbacks:
    """Sends callbacks in the background; without a URL it sends none."""

    def __init__(self, url: str, secret: str, *, clock: Callable[[], datetime]) -> None:
        parts = urlsplit(url)
        if url and (parts.scheme != "http" or not parts.hostname):
            message = "The callback URL must be http://host…"
            raise ValueError(message)
        self._parts = parts
        self._secret = secret.encode()
        self._clock = clock
        self._free = asyncio.Semaphore(_AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()

    def announce(self, transfer: Transfer, *, delay: float = 0, times: int = 1) -> None:
        """Tell the transfer's present state so many times, after so many seconds."""
        if self._parts.hostname:
            event = self._event(transfer)
            for _ in range(times):
                task = asyncio.create_task(self._send(event, delay))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    def _event(self, transfer: Transfer) -> dict[str, object]:
        order = transfer.order
        name = f"{order.reference}|{order.reference_date}|{transfer.status}"
        return {
            "id": f"evt_{hashlib.sha256(name.encode()).hexdigest()[:24]}",
            "type": f"transfer.{transfer.status.lower()}",
            "reference": order.reference,
            "referenceDate": order.reference_date,
            "amount": order.amount,
            "code": transfer.code,
            "bankReference": transfer.bank_reference,
        }

    async def _send(self, event: dict[str, object], delay: float) -> None:
        await asyncio.sleep(delay)
        body = json.dumps(event, ensure_ascii=False).encode()
        try:
            async with self._free, asyncio.timeout(_SECONDS):
                await self._post(str(event["id"]), body)
        except (OSError, EOFError) as error:
            sys.stderr.write(f"banksim: callback {event['id']} not delivered: {type(error).__name__}\n")

    async def _post(self, event_id: str, body: bytes) -> None:
        timestamp = str(int(self._clock().timestamp()))
        signed = b".".join((event_id.encode(), timestamp.encode(), body))
        signature = base64.b64encode(hmac.digest(self._secret, signed, "sha256")).decode()
        lines = (
            f"POST {self._parts.path or '/'} HTTP/1.1",
            f"Host: {self._parts.netloc}",
            "Content-Type: application/json",
            f"Content-Length: {len(body)}",
            "Connection: close",
            f"webhook-id: {event_id}",
            f"webhook-timestamp: {timestamp}",
            f"webhook-signature: v1,{signature}",
        )
        reader, writer = await asyncio.open_connection(self._parts.hostname, self._parts.port or 80)
        try:
            writer.write("\r\n".join((*lines, "", "")).encode() + body)
            await writer.drain()
            await reader.readline()
        finally:
            writer.close()

"""A simulated bank in a process of its own, and a receiver of its callbacks."""

import http.client
import json
import os
import queue
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from payouts.rails import Instruction
from payouts.rails.simulator.client import SimulatorRail

ROOT = Path(__file__).resolve().parents[3]
DAY = date(2026, 11, 21)
ACCOUNT = "110123456789"
SECRET = "secret-of-the-callbacks"


class BankProcess:
    """The bank as a child process; `file` outlives it."""

    def __init__(self, file: Path, *arguments: str, time_scale: str = "0.01") -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "payouts.rails.simulator.server", "--file", str(file), "--port", "0", *arguments],
            cwd=ROOT,
            env={**os.environ, "TIME_SCALE": time_scale, "BANK_CALLBACK_SECRET": SECRET},
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stderr is not None
        line = self.process.stderr.readline()
        ready = re.fullmatch(r"banksim: ready on http://127\.0\.0\.1:([0-9]+)\n", line)
        assert ready, line
        self.port = int(ready[1])

    def rail(self, **settings: Any) -> SimulatorRail:
        limits = {"time_scale": 0.01, "connect_seconds": 2, "read_seconds": 0.6, "total_seconds": 2} | settings
        return SimulatorRail(f"http://127.0.0.1:{self.port}", **limits)

    def call(self, method: str, path: str, body: object = None, *, raw: bytes | None = None) -> tuple[int, Any]:
        talk = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        talk.request(method, path, raw if body is None else json.dumps(body).encode())
        answer = talk.getresponse()
        content = answer.read()
        talk.close()
        return answer.status, json.loads(content) if "json" in (answer.getheader("Content-Type") or "") else content

    def faults(self, *rules: Mapping[str, object]) -> None:
        status, answer = self.call("POST", "/v1/faults", {"seed": 1, "rules": list(rules)})
        assert status == 200, answer

    def executed(self) -> list[str]:
        """Return the witness: the references of everything that ever moved money, in order."""
        return [transfer["reference"] for transfer in self.call("GET", "/v1/transfers?after=0")[1]["transfers"]]

    def kill(self) -> None:
        self.process.kill()
        self.wait()

    def stop(self) -> int:
        self.process.terminate()
        return self.wait()

    def wait(self) -> int:
        status = self.process.wait(10)
        assert self.process.stderr is not None
        self.process.stderr.close()
        return status


def instruction(reference: str, *, amount: int = 51_818, account: str = ACCOUNT, holder: str = "김지우") -> Instruction:
    return Instruction(
        reference=reference,
        reference_date=DAY,
        amount=amount,
        currency="KRW",
        bank="SHINHAN",
        account_number=account,
        holder=holder,
        deposit_memo="정산",
        withdrawal_memo="11월 정산",
    )


Callback = tuple[dict[str, str], bytes]


@contextmanager
def callbacks() -> Iterator[tuple[str, "queue.Queue[Callback]"]]:
    """Listen for callbacks; gives the URL and a queue of (headers, body)."""
    arrived: queue.Queue[Callback] = queue.Queue()

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            arrived.put(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            """Stay quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/bank", arrived
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

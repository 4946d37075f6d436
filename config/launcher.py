"""
The demo: every process of the product on this machine, started in order, watched, and ended in reverse order.

A child that dies is started again, because the product promises to survive that; when the demo itself is killed, the
kernel ends its children.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, Protocol

from config import demo_secrets
from config.bootstrap import ROOT, lock_hash, say
from config.celery import QUEUES
from config.embedded import Postgres, ServerDidNotStart, Valkey, state_folder
from config.environment import database
from config.processes import spawn, stop

DEFAULT_FOLDER = ROOT / ".demo"
DEFAULT_ROWS = 3_000
SEED = 7
WEB_PORT, BANK_PORT = 8000, 8901
_TIME_SCALE = "0.01"
_POSTGRES_SETTINGS = {"shared_buffers": "256MB"}
_START_SECONDS = 60.0
_ENDS, _WITHIN_SECONDS = 8, 60.0
# A little of everything a bank does to its customers, so that the pages of failures and returns are not empty.
_FAULTS = {
    "seed": SEED,
    "rules": [
        {"match": {}, "effect": "refuse", "probability": 0.02},
        {"match": {}, "effect": "timeout_after", "probability": 0.01},
        {"match": {}, "effect": "return_after", "probability": 0.01, "seconds": 60},
    ],
}


class DemoError(Exception):
    """The demo cannot start or go on; the message says why and what to do."""


class _Stop(BaseException):
    """TERM, INT or HUP arrived."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the person asked for."""

    folder: Path = DEFAULT_FOLDER
    port: int = WEB_PORT
    rows: int | None = None
    fresh: bool = False
    faults: bool = True


class Service(Protocol):
    """Something that runs beside us."""

    name: str

    def start(self) -> None:
        """Start it."""

    def alive(self) -> bool:
        """Say whether its process still runs."""

    def was_killed(self) -> bool:
        """Say whether somebody else ended it by a signal."""

    def stop(self) -> None:
        """End it; harmless when it has ended."""


class Child:
    """One of the product's own processes."""

    def __init__(
        self, name: str, command: list[str], *, env: Mapping[str, str], log: Path, ready: Callable[[bytes], bool]
    ) -> None:
        """Take the command, its variables, its log, and how to see (in its log, or elsewhere) that it is ready."""
        self.name = name
        self._command, self._env, self._log, self._ready = command, env, log, ready
        self._process: subprocess.Popen[bytes] | None = None
        self._said_before = 0

    def start(self) -> None:
        """Start the process; `wait` tells when it is ready."""
        with self._log.open("ab") as log:
            self._said_before = log.tell()
            self._process = spawn(self._command, env=self._env, log=log.fileno(), cwd=ROOT, dies_by=signal.SIGKILL)

    def wait(self) -> None:
        """Wait until the process is ready; raise DemoError with its last lines when it ends or stays silent."""
        deadline = time.monotonic() + _START_SECONDS
        while not self._ready(self._log.read_bytes()[self._said_before :]):
            if not self.alive() or time.monotonic() > deadline:
                raise DemoError(f"{self.name} did not start:\n{_last_lines(self._log)}")
            time.sleep(0.05)

    def alive(self) -> bool:
        """Say whether the process still runs."""
        return self._process is not None and self._process.poll() is None

    def was_killed(self) -> bool:
        """Say whether somebody else ended it by a signal."""
        return self._process is not None and (self._process.poll() or 0) < 0

    def stop(self) -> None:
        """Ask the process to finish what it is doing, and end it if that takes too long."""
        if self._process is not None:
            stop(self._process, politely=signal.SIGTERM, seconds=30, firmly=signal.SIGKILL)


def _last_lines(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-20:])


def free_port(first: int, claims: ExitStack) -> int:
    """
    Return the first port from this one on that nobody uses on 127.0.0.1 and no other demo has chosen.

    Between choosing a port and listening on it lie seconds, so a demo claims it by a name that one process can have;
    `claims` gives it up again.
    """
    for port in range(first, min(first + 200, 65_536)):
        with ExitStack() as held, contextlib.suppress(OSError):
            if sys.platform == "linux":
                claim = held.enter_context(socket.socket(socket.AF_UNIX))
                claim.bind(f"\0jeongsan-demo-port-{port}")
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(("127.0.0.1", port))
            claims.push(held.pop_all())
            return port
    raise DemoError(f"No free port between {first} and {first + 199}. Choose another with --port.")


def migrations_hash() -> str:
    """Return what changes whenever a migration of ours or of a package may have changed."""
    found = hashlib.sha256(lock_hash("run").encode())
    for path in sorted(ROOT.glob("*/migrations/**/*")):
        if path.suffix in {".py", ".sql"}:
            found.update(str(path.relative_to(ROOT)).encode())
            found.update(path.read_bytes())
    return found.hexdigest()


def answers(url: str) -> bool:
    """Say whether an address of ours answers with success."""
    try:
        with urllib.request.urlopen(url, timeout=5):  # noqa: S310 - an address on loopback that we made ourselves
            return True
    except OSError:
        return False


@contextlib.contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Hold the folder's lock; raise DemoError when another demo has it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / "demo.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DemoError(f"Another demo runs on {folder}. Stop it, or choose another folder with --data.") from None
        yield


def is_running(folder: Path) -> bool:
    """Say whether a demo runs on the folder now."""
    try:
        with only_one(folder):
            return False
    except DemoError:
        return True


def live_variables(folder: Path = DEFAULT_FOLDER) -> dict[str, str] | None:
    """Return the variables with which a command acts on the demo that runs on the folder; None when none is ready."""
    try:
        shown = json.loads((folder / "demo.json").read_text())
    except (FileNotFoundError, ValueError):
        return None
    return dict(shown["env"]) if is_running(folder) else None


class Demo:
    """One run of the demo."""

    def __init__(self, options: Options) -> None:
        """Take what the person asked for; nothing is started yet."""
        self.options = options
        self.folder = options.folder.resolve()
        self.logs = self.folder / "logs"
        self.shown = self.folder / "demo.json"
        self.mark = self.folder / "seeded.json"
        self.services: list[Service] = []
        self.env: dict[str, str] = {}
        self._claims = ExitStack()
        self._ended: deque[float] = deque(maxlen=_ENDS)

    def run(self) -> None:
        """Start everything, say where it is, watch it until told to stop, and end everything."""
        ends = [signal.SIGTERM, signal.SIGINT]
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup asks to stay
            ends.append(signal.SIGHUP)
        for number in ends:
            signal.signal(number, _raise_stop)
        try:
            with ExitStack() as stack:
                stack.enter_context(only_one(self.folder))
                self.shown.unlink(missing_ok=True)
                stack.enter_context(self._claims)
                stack.callback(self._end)
                self._prepare_folder()
                self._start()
                self._watch()
        except _Stop:
            say("The demo has ended.")

    # --- folder and data

    @property
    def postgres_data(self) -> Path:
        """Where the database files lie: root's have to be reachable for the account PostgreSQL runs as."""
        if os.geteuid() != 0:
            return self.folder / "postgres"
        name = hashlib.sha256(str(self.folder).encode()).hexdigest()[:16]
        return state_folder() / name

    def _prepare_folder(self) -> None:
        """Decide whether the data that is there is kept, and remove it otherwise."""
        external = "DATABASE_URL" in os.environ
        if external and self.options.fresh:
            raise DemoError("--fresh resets only a database that the demo made. DATABASE_URL names another one.")
        complete = self.mark.exists() and (external or (self.postgres_data / "PG_VERSION").exists())
        if complete and self.options.rows is not None and not self.options.fresh:
            raise DemoError(f"{self.folder} holds data already. Add --fresh to replace it, or leave --rows out.")
        # A seeding that was interrupted left half of its rows; starting over is the only way to the same data.
        if self.options.fresh or not complete:
            self.mark.unlink(missing_ok=True)
            if not external:
                shutil.rmtree(self.postgres_data, ignore_errors=True)
            shutil.rmtree(self.folder / "storage", ignore_errors=True)
            (self.folder / "bank.jsonl").unlink(missing_ok=True)
        self.logs.mkdir(exist_ok=True)
        (self.folder / "storage").mkdir(exist_ok=True)

    # --- start

    def _start(self) -> None:
        say(f"Starting the demo in {self.folder} …")
        secrets = demo_secrets.load(self.folder / "secrets.json")
        self.env = self._variables(secrets)
        reader = self._start_servers()
        bank = self._bank()
        bank.start()
        self._prepare_database(bank)
        if self.options.faults:
            self._set_faults()
        worker, web = self._worker(), self._web()
        for service in (worker, web):
            service.start()
        for service in (worker, web):
            service.wait()
        self._show(secrets, reader)

    def _prepare_database(self, bank: Child) -> None:
        """Bring the tables and the demo's rows to where this checkout wants them."""
        made = json.loads(self.mark.read_text()) if self.mark.exists() else None
        migrations = migrations_hash()
        if made is None or made.get("migrations") != migrations or "DATABASE_URL" in os.environ:
            self._command("migrate", "--verbosity", "0")
        bank.wait()
        if made is None:
            rows = DEFAULT_ROWS if self.options.rows is None else self.options.rows
            say(f"Making demo data: {rows:,} settlement records …")
            self._command("seed", "--rows", str(rows), "--seed", str(SEED))
            made = {"rows": rows, "seed": SEED}
        self.mark.write_text(json.dumps(made | {"migrations": migrations}))

    def _variables(self, secrets: demo_secrets.Secrets) -> dict[str, str]:
        port = free_port(self.options.port, self._claims)
        bank = free_port(BANK_PORT, self._claims)
        storage = self.folder / "storage"
        return {
            "SECRET_KEY": secrets["secretKey"],
            "LOOKUP_KEY": secrets["lookupKey"],
            "ACCOUNT_KEYS": json.dumps(secrets["accountKeys"]),
            "PUBLIC_URL": f"http://127.0.0.1:{port}",
            "BIND": f"127.0.0.1:{port}",
            "BANK_URL": f"http://127.0.0.1:{bank}",
            "STORAGE_DIR": str(storage),
            "EXPORT_DIR": str(storage / "exports"),
            "TIME_SCALE": _TIME_SCALE,
            "BANK_CALLBACK_SECRET": secrets["bankCallbackSecret"],
            "WEBHOOK_PRIVATE_TARGETS": "1",  # whoever tries webhooks here has a receiver on this machine
            "DEMO": "1",
            "JEONGSAN_DEMO_SECRETS": str(self.folder / "secrets.json"),
        }

    def _start_servers(self) -> str:
        """Start the servers nobody gave us the address of; return the connection string for reading."""
        reader = None
        if "DATABASE_URL" not in os.environ:
            postgres = Postgres(self.postgres_data, settings=_POSTGRES_SETTINGS, log=self.logs / "postgres.log")
            self._begin(postgres)
            self.env |= {"DATABASE_URL": postgres.url("app"), "DATABASE_OWNER_URL": postgres.url("owner")}
            reader = postgres.connection_string("reader")
        else:
            given = {name: os.environ.get(name, "") for name in ("DATABASE_URL", "DATABASE_OWNER_URL")}
            self.env |= {name: url for name, url in given.items() if url}
        if "REDIS_URL" not in os.environ:
            valkey = Valkey(self.folder / "valkey", log=self.logs / "valkey.log")
            self._begin(valkey)
            self.env["REDIS_URL"] = valkey.url
        else:
            self.env["REDIS_URL"] = os.environ["REDIS_URL"]
        return reader or _connection_string(self.env["DATABASE_URL"])

    def _begin(self, service: Service) -> None:
        # Noted first: whatever happens during the start, the end knows about it.
        self.services.append(service)
        service.start()

    def _child(self, name: str, command: list[str], ready: Callable[[bytes], bool]) -> Child:
        log = self.logs / f"{name}.log"
        log.write_bytes(b"")
        child = Child(name, command, env=self._child_env(), log=log, ready=ready)
        self.services.append(child)
        return child

    def _child_env(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if name != "OFFLINE"}
        return inherited | self.env | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}

    def _bank(self) -> Child:
        port = self.env["BANK_URL"].rpartition(":")[2]
        file = str(self.folder / "bank.jsonl")
        # The same as `manage.py banksim`, without the second that Django takes to start.
        command = [sys.executable, "-m", "payouts.rails.simulator.server", "--port", port, "--file", file]
        command += ["--callback-url", f"{self.env['PUBLIC_URL']}/bank/callbacks/simulator"]
        return self._child("bank", command, lambda _log: answers(f"{self.env['BANK_URL']}/health"))

    def _worker(self) -> Child:
        schedule = str(self.folder / "schedule")
        command = [sys.executable, "-m", "celery", "--quiet", "--app", "config.celery", "worker", "--beat"]
        command += ["--queues", ",".join(QUEUES)]
        command += ["--schedule", schedule, "--concurrency", "2", "--without-mingle", "--without-gossip"]
        return self._child("worker", command, lambda log: b" ready" in log)

    def _web(self) -> Child:
        command = [sys.executable, "-m", "gunicorn", "--config", "python:config.gunicorn", "config.wsgi"]
        return self._child("web", command, lambda _log: answers(f"{self.env['PUBLIC_URL']}/health/ready"))

    def _command(self, *arguments: str) -> None:
        """Run a management command of the demo to its end."""
        log = self.logs / f"{arguments[0]}.log"
        command = [sys.executable, str(ROOT / "manage.py"), *arguments]
        with log.open("wb") as out:
            process = spawn(command, env=self._child_env(), log=out.fileno(), cwd=ROOT, dies_by=signal.SIGKILL)
        try:
            code = process.wait()
        finally:
            stop(process, politely=signal.SIGTERM, seconds=5, firmly=signal.SIGKILL)
        if code:
            raise DemoError(f"`manage.py {' '.join(arguments)}` failed:\n{_last_lines(log)}")

    def _set_faults(self) -> None:
        request = urllib.request.Request(  # noqa: S310 - the simulator on loopback
            f"{self.env['BANK_URL']}/v1/faults",
            data=json.dumps(_FAULTS).encode(),
            headers={"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=5):  # noqa: S310 - likewise
                pass
        except OSError as error:
            raise DemoError(f"The bank simulator refused the demo's faults: {error}") from error

    # --- ready

    def _show(self, secrets: demo_secrets.Secrets, reader: str) -> None:
        """Write demo.json in one step and tell the person where everything is."""
        content = {
            "url": self.env["PUBLIC_URL"],
            "apiSecret": secrets["apiSecret"],
            "otherMerchant": secrets["otherMerchant"],
            "users": secrets["users"],
            "bank": self.env["BANK_URL"],
            "postgres": reader,
            "redis": self.env["REDIS_URL"],
            "pid": os.getpid(),
            "env": self.env,
        }
        demo_secrets.write_private(self.shown, content)
        print(announcement(content, self.folder), flush=True)  # noqa: T201 - what the command is for

    # --- run and end

    def _watch(self) -> None:
        """Start again what dies; raise DemoError when something keeps ending by itself."""
        while True:
            time.sleep(0.5)
            for service in self.services:
                if not service.alive():
                    self._start_again(service)

    def _start_again(self, service: Service) -> None:
        if not service.was_killed():
            self._ended.append(time.monotonic())
            if len(self._ended) == _ENDS and self._ended[-1] - self._ended[0] < _WITHIN_SECONDS:
                raise DemoError(f"{service.name} keeps ending. The logs are in {self.logs}.")
        say(f"{service.name} has ended; starting it again.")
        try:
            service.start()
        except ServerDidNotStart as error:
            say(str(error))

    def _end(self) -> None:
        """End everything in reverse order; a second signal does not interrupt it."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        self.shown.unlink(missing_ok=True)
        for service in reversed(self.services):
            service.stop()


def _raise_stop(_number: int, _frame: FrameType | None) -> None:
    raise _Stop


def _connection_string(url: str) -> str:
    """Return a libpq connection string for a database URL."""
    settings = database(url)
    parts = {"host": "HOST", "port": "PORT", "user": "USER", "password": "PASSWORD", "dbname": "NAME"}
    return " ".join(f"{key}={settings[name]}" for key, name in parts.items() if settings[name])


def announcement(content: Mapping[str, Any], folder: Path) -> str:
    """Return what the person reads when the demo is ready."""
    lines = ["", f"  Jeongsan demo   {content['url']}", ""]
    for role, user in content["users"].items():
        lines.append(f"  {role:<10} {user['username']:<12} {user['password']}   TOTP {user['totpSecret']}")
    lines += [
        "",
        f"  API secret      {content['apiSecret']}",
        f"  Bank simulator  {content['bank']}",
        f"  Data and logs   {folder}   (everything above is also in demo.json there)",
        "",
        "  Stop with Ctrl-C. Start over with new data: python3 manage.py demo --fresh",
        "",
    ]
    return "\n".join(lines)

"""The servers and processes of a run: each one a process of its own, and none of them outlives the lab."""

import contextlib
import fcntl
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

from config import demo_secrets
from config.bootstrap import ROOT
from config.celery import QUEUES
from config.chaos import LabError
from config.chaos.bank import Bank
from config.chaos.books import Books
from config.chaos.options import Options, Redis
from config.embedded import Postgres, Valkey, state_folder
from config.launcher import Child, DemoError, answers, free_port

_FIRST_WEB_PORT, _FIRST_BANK_PORT = 8300, 8950
_BALANCE = 900_000_000_000_000
_POSTGRES = {"shared_buffers": "256MB", "max_connections": "200"}
_PROCESSES_OF_A_WORKER = 2
_MOST_STARTS = 20


def _scratch() -> tuple[Path, int]:
    """Return a new folder and its lock, and remove those that killed runs have left."""
    root = os.geteuid() == 0
    parent = state_folder() if root else Path(tempfile.gettempdir())
    for lock in parent.glob("jeongsan-chaos-*/lock"):
        with contextlib.suppress(OSError), lock.open("w") as left:
            fcntl.flock(left, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(lock.parent, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix="jeongsan-chaos-", dir=parent))
    # PostgreSQL runs as another account when we are root, and has to reach its folder below this one.
    folder.chmod(0o711 if root else 0o700)
    held = os.open(folder / "lock", os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    fcntl.flock(held, fcntl.LOCK_EX)
    return folder, held


class Process(Child):
    """A process that may be killed and is started again."""

    @property
    def pid(self) -> int:
        """The process id; 0 before the first start."""
        return self._process.pid if self._process else 0

    @property
    def code(self) -> int | None:
        """How the process ended; None while it runs."""
        return self._process.poll() if self._process else None

    @property
    def log(self) -> Path:
        """Where it writes."""
        return self._log


class _Redis(Valkey):
    """The server whose process can be frozen."""

    @property
    def pid(self) -> int:
        """The process id; 0 when it does not run."""
        return self._process.pid if self._process else 0


class Lab:
    """One product, complete."""

    def __init__(self, options: Options, say: Callable[[str], None]) -> None:
        """Take what is asked; `begin` starts everything."""
        self.options, self.say = options, say
        self.folder, self._lock = _scratch()
        self.kept = options.keep or self.folder / "run"
        self.kept.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.struck = self.kept / "struck.jsonl"
        self.secrets = demo_secrets.make()
        self.processes: dict[str, Process] = {}
        self.revived: dict[str, int] = {}
        self.env: dict[str, str] = {}
        self._claims = ExitStack()
        self.postgres = Postgres(self.folder / "postgres", settings=_POSTGRES, log=self.kept / "postgres.log")
        self.valkey = _Redis(self.folder / "valkey", log=self.kept / "valkey.log")
        self._bank_process: Process | None = None
        self.bank = Bank("")
        self.books = Books("")

    # --- begin and end

    def begin(self) -> None:
        """Start the servers and the bank, and make the tables."""
        demo_secrets.write_private(self.kept / "secrets.json", self.secrets)
        self.struck.touch(mode=0o600)
        self.postgres.start()
        self.books = Books(self.postgres.connection_string("reader"))
        self.valkey.start()
        self.env = self._variables()
        if self.options.redis is Redis.STOP:
            self.valkey.stop()
        port = self.env["BANK_URL"].rpartition(":")[2]
        command = [sys.executable, "-m", "payouts.rails.simulator.server", "--port", port]
        command += ["--file", str(self.kept / "bank.jsonl"), "--balance", str(_BALANCE)]
        self._bank_process = self._process("bank", command, lambda _log: answers(f"{self.env['BANK_URL']}/health"))
        self._bank_process.start()
        self.run(str(ROOT / "manage.py"), "migrate", "--verbosity", "0")
        self._bank_process.wait()
        self.bank = Bank(self.env["BANK_URL"])

    def end(self) -> None:
        """End everything, and remove what was only for this run."""
        self.stop_product()
        if self._bank_process:
            self._bank_process.stop()
        self.books.close()
        self.valkey.stop()
        self.postgres.stop()
        self._claims.close()
        os.close(self._lock)
        if self.options.keep is None:
            shutil.rmtree(self.folder, ignore_errors=True)
        else:
            (self.folder / "lock").unlink()  # the next run must not take it for something left behind
            self.say(f"Logs and the bank's file: {self.kept}   database: {self.folder / 'postgres'}")

    def _variables(self) -> dict[str, str]:
        web, bank = free_port(_FIRST_WEB_PORT, self._claims), free_port(_FIRST_BANK_PORT, self._claims)
        secrets = self.secrets
        return {
            "DATABASE_URL": self.postgres.url("app"),
            "DATABASE_OWNER_URL": self.postgres.url("owner"),
            "REDIS_URL": self.valkey.url,
            "SECRET_KEY": secrets["secretKey"],
            "LOOKUP_KEY": secrets["lookupKey"],
            "ACCOUNT_KEYS": json.dumps(secrets["accountKeys"]),
            "PUBLIC_URL": f"http://127.0.0.1:{web}",
            "BIND": f"127.0.0.1:{web}",
            "BANK_URL": f"http://127.0.0.1:{bank}",
            "STORAGE_DIR": str(self.kept / "storage"),
            "EXPORT_DIR": str(self.kept / "storage" / "exports"),
            "TIME_SCALE": format(self.options.time_scale, "f"),
            "BANK_CONCURRENCY": str(self.options.chunk),
            "WEB_THREADS": "4",
            "CHAOS_SEED": str(self.options.seed),
            "CHAOS_LOG": str(self.struck),
        }

    # --- processes

    def child_env(self) -> dict[str, str]:
        """Return the variables of every process of the run; nothing of the caller's own product reaches them."""
        foreign = ("PYTEST_", "COV_", "CHAOS_", "DJANGO_", "CELERY_", "JEONGSAN_", "OFFLINE", "SEND_HINTS")
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        return inherited | self.env | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}

    def _process(self, name: str, command: list[str], ready: Callable[[bytes], bool], points: str = "") -> Process:
        env = self.child_env() | ({"CHAOS_POINTS": points} if points else {})
        log = self.kept / f"{name}.log"
        log.touch(mode=0o600)
        return Process(name, command, env=env, log=log, ready=ready)

    def run(self, *arguments: str, within: float = 1_800) -> None:
        """Run a Python program of the product to its end. Raises LabError with its last lines when it fails."""
        process = self.start_helper(*arguments)
        deadline = time.monotonic() + within
        while process.alive():
            if time.monotonic() > deadline:
                process.stop()
            time.sleep(0.05)
        self.check_helper(process)

    def start_helper(self, *arguments: str) -> Process:
        """Start a Python program beside everything else."""
        name = "-".join(part.rpartition("/")[2] for part in arguments if not part.startswith("-"))
        process = self._process(name, [sys.executable, *arguments], lambda _log: True)
        process.start()
        return process

    def check_helper(self, process: Process) -> None:
        """Raise LabError when the program that has ended did not end well."""
        if process.code:
            tail = "\n".join(process.log.read_text(errors="replace").splitlines()[-25:])
            message = f"{process.name} failed:\n{tail}"
            raise LabError(message)

    def start_product(self, points: str = "") -> None:
        """Start web, workers and the sweeper, and wait until they work."""
        for name, command, ready in self._product():
            self.processes[name] = self._process(name, command, ready, points)
            self.processes[name].start()
        for name, process in self.processes.items():
            self._wait(name, process)

    def _wait(self, name: str, process: Process) -> None:
        """Wait until a process works; one that met its end at a named point meanwhile is started again."""
        for _try in range(_MOST_STARTS):
            try:
                return process.wait()
            except DemoError:
                if not process.was_killed():
                    raise
                self.revived[name] = self.revived.get(name, 0) + 1
                process.start()
        message = f"{name} never came up."
        raise LabError(message)

    def _product(self) -> Iterator[tuple[str, list[str], Callable[[bytes], bool]]]:
        python = sys.executable
        gunicorn = [python, "-m", "gunicorn", "--config", "python:config.gunicorn", "config.wsgi"]
        yield "web", gunicorn, lambda _log: answers(f"{self.env['PUBLIC_URL']}/health/live")
        # A round may take long when there is much to do, so nothing is waited for.
        yield "sweeper", [python, str(ROOT / "manage.py"), "sweep", "--every", "1"], lambda _log: True
        if self.options.redis in (Redis.STOP, Redis.SILENT):
            return  # a worker without Redis has nothing to listen to
        for number in range(self.options.workers):
            command = [python, "-m", "celery", "--quiet", "--app", "config.celery", "worker", "--beat"]
            command += ["--hostname", f"chaos-{number}@%h", "--queues", ",".join(QUEUES)]
            command += ["--schedule", str(self.kept / f"beat-{number}"), "--without-mingle", "--without-gossip"]
            command += ["--concurrency", str(_PROCESSES_OF_A_WORKER)]
            yield f"worker-{number}", command, lambda log: b" ready" in log

    def stop_product(self) -> None:
        """End web, workers and the sweeper; whatever is frozen wakes up for it."""
        for process in self.processes.values():
            for pid in (process.pid, *descendants(process.pid)):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)
        for process in self.processes.values():
            process.stop()
        self.processes.clear()

    def revive(self) -> None:
        """Start again what has ended."""
        for name, process in self.processes.items():
            if not process.alive():
                self.revived[name] = self.revived.get(name, 0) + 1
                process.start()

    # --- servers

    def restart_postgres(self) -> None:
        """Pull the plug of PostgreSQL (its immediate shutdown, as after a power cut) and start it again."""
        os.kill(self.postgres.pid, signal.SIGQUIT)
        while self.postgres.alive():
            time.sleep(0.02)
        self.postgres.start()

    def cut_connections(self, most: int) -> int:
        """End up to so many connections of the product at the database; returns how many."""
        owner = Books(self.postgres.connection_string("owner"))
        rows = owner.ask(
            "select pg_terminate_backend(pid) from (select pid from pg_stat_activity"
            " where usename = 'jeongsan_app' order by random() limit %s) chosen",
            most,
        )
        owner.close()
        return sum(1 for (done,) in rows if done)

    def freeze_redis(self, *, frozen: bool) -> None:
        """Let Redis take connections and never answer, or answer again."""
        os.kill(self.valkey.pid, signal.SIGSTOP if frozen else signal.SIGCONT)

    def killed_at_points(self) -> dict[str, int]:
        """Return how often a process met its end, or a stall, at each named point."""
        found: dict[str, int] = {}
        for line in self.struck.read_text().splitlines():
            event = json.loads(line)
            key = f"{event['act']} at {event['point']}"
            found[key] = found.get(key, 0) + 1
        return found


def descendants(pid: int) -> list[int]:
    """Return the processes that a process has started, and those that they have started."""
    parents: dict[int, list[int]] = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            # The name may hold spaces and brackets; what follows its last bracket does not.
            parents.setdefault(int(status.read_text().rpartition(")")[2].split()[1]), []).append(
                int(status.parent.name)
            )
    found: list[int] = []
    waiting = [pid] if pid else []
    while waiting:
        children = parents.get(waiting.pop(), [])
        found += children
        waiting += children
    return found

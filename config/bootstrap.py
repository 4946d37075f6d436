"""
From a bare Python to an environment with every package of the lock, before anything else is imported.

Standard library only, and nothing goes to standard output. An active virtual environment that is not ours is used as it
is; otherwise `.venv` beside manage.py is made, filled from the hashed lock the command needs, and entered.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = ROOT / ".venv"
LOCKS = ROOT / "requirements"
GROUPS = ("run", "demo", "test")  # each contains the one before it
_WANTED = {"chaos": "demo", "demo": "demo", "test": "test"}
_NO_VENV = (
    "Python could not make a virtual environment. On Debian and Ubuntu this installs what is missing:\n"
    "    apt install python3-venv"
)


def say(line: str) -> None:
    """Tell the person at the terminal what is going on."""
    print(line, file=sys.stderr, flush=True)


def wanted_group(argv: Sequence[str]) -> str | None:
    """Return the group a command line needs; None when any will do."""
    return _WANTED.get(argv[1]) if len(argv) > 1 else None


def lock_hash(group: str) -> str:
    """Return the sha256 of a group's lock file."""
    return hashlib.sha256((LOCKS / f"{group}.txt").read_bytes()).hexdigest()


def read_stamp(environment: Path) -> tuple[str, str] | None:
    """Return (group, sha256 of its lock) of what was last installed completely; None for nothing."""
    try:
        stamp = json.loads((environment / "jeongsan.json").read_text())
    except (FileNotFoundError, ValueError):
        return None
    known = isinstance(stamp, dict) and stamp.get("group") in GROUPS and (environment / "bin" / "python").exists()
    return (stamp["group"], str(stamp.get("sha256"))) if known else None


def group_to_install(wanted: str | None, stamp: tuple[str, str] | None) -> str | None:
    """Return the group to install now, None when the environment is good as it is; it is never made smaller."""
    if stamp is None:
        return wanted or "run"
    there, sha256 = stamp
    group = max(there, wanted or there, key=GROUPS.index)
    return None if group == there and sha256 == lock_hash(there) else group


def ensure_environment(argv: Sequence[str]) -> None:
    """Return inside an environment that can run the command; replaces the process to change interpreters."""
    ours = Path(sys.prefix).resolve() == ENVIRONMENT
    if sys.prefix != sys.base_prefix and not ours:
        return
    installed = False
    wanted = wanted_group(argv)
    if group_to_install(wanted, read_stamp(ENVIRONMENT)):
        with _only_installer():
            # Somebody else may have installed while we waited.
            group = group_to_install(wanted, read_stamp(ENVIRONMENT))
            if group:
                install(group)
                installed = True
    if installed or not ours:
        python = str(ENVIRONMENT / "bin" / "python")
        os.execv(python, [python, *argv])


@contextlib.contextmanager
def _only_installer() -> Iterator[None]:
    """Let one process of this checkout install at a time."""
    ENVIRONMENT.mkdir(exist_ok=True)
    with (ENVIRONMENT / "install.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def install(group: str) -> None:
    """Fill the environment from a group's lock and stamp it; the stamp comes last, so that a broken run is repeated."""
    (ENVIRONMENT / "jeongsan.json").unlink(missing_ok=True)
    say(f"Installing the packages of requirements/{group}.txt into .venv …")
    lock = LOCKS / f"{group}.txt"
    if not (_with_uv_on_path(lock) or _with_uv_of_ours(lock) or _with_pip(lock)):
        sys.exit("The packages could not be installed. The lines above say why.")
    stamp = {"group": group, "sha256": lock_hash(group)}
    (ENVIRONMENT / "jeongsan.json").write_text(json.dumps(stamp))


def _run(command: Sequence[str | Path]) -> bool:
    """Run a command with its output on standard error; say whether it succeeded."""
    # A PYTHONPATH, or settings of a person's own pip and uv that change the target, must not reach the installers.
    private = {"PYTHONPATH", "PYTHONHOME", "PIP_TARGET", "PIP_USER", "PIP_PREFIX", "VIRTUAL_ENV"}
    env = {name: value for name, value in os.environ.items() if name not in private}
    quiet = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "UV_NO_PROGRESS": "1"}
    return subprocess.run(command, env=env | quiet, stdout=sys.stderr.fileno(), check=False, cwd=ROOT).returncode == 0


def _make(*options: str) -> bool:
    python = ENVIRONMENT / "bin" / "python"
    if python.exists() and ("--without-pip" in options or (ENVIRONMENT / "bin" / "pip").exists()):
        return True
    # Inside our own environment, a new one has to stand on the interpreter below it.
    base = getattr(sys, "_base_executable", sys.executable)
    return _run([base, "-m", "venv", *options, ENVIRONMENT])


def _with_uv(uv: str | Path, lock: Path) -> bool:
    python = ENVIRONMENT / "bin" / "python"
    return _run([uv, "pip", "install", "--quiet", "--no-config", "--python", python, "--require-hashes", "-r", lock])


def _with_uv_on_path(lock: Path) -> bool:
    uv = shutil.which("uv")
    return bool(uv) and _make("--without-pip") and _with_uv(str(uv), lock)


def _pip(lock: Path) -> bool:
    python = ENVIRONMENT / "bin" / "python"
    return _run([python, "-m", "pip", "install", "--quiet", "--no-compile", "--require-hashes", "-r", lock])


def _with_uv_of_ours(lock: Path) -> bool:
    if not _make():
        sys.exit(_NO_VENV)
    return _pip(LOCKS / "uv.txt") and _with_uv(ENVIRONMENT / "bin" / "uv", lock)


def _with_pip(lock: Path) -> bool:
    return _pip(lock)


def compile_catalogues() -> None:
    """Compile each translation catalogue that is newer than its compiled form."""
    for source in (ROOT / "locale").glob("*/LC_MESSAGES/*.po"):
        target = source.with_suffix(".mo")
        if target.exists() and target.stat().st_mtime >= source.stat().st_mtime:
            continue
        from polib import pofile

        # Several processes may do this at once, and none may read half a file.
        draft = target.with_name(f"{target.name}.{os.getpid()}")
        pofile(str(source)).save_as_mofile(str(draft))
        draft.replace(target)

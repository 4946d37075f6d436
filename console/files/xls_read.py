"""Old workbooks (XLS): looked through here, read by a child process that may die of a forged file without harm."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from console.files.errors import refused
from console.files.sheet_limits import Caps
from console.files.values import Raw
from console.files.xls_scan import check_container, scan_workbook

_ROOT = Path(__file__).parents[2]
_SECONDS = 120
_DAY_CHARACTERS = 10


def xls_rows(content: bytes, caps: Caps) -> Iterator[tuple[int, list[Raw]]]:
    """Yield the rows of the first visible sheet with their numbers; SheetRefused where the file must not be read."""
    check_container(content)
    with tempfile.TemporaryFile() as said:
        command = [sys.executable, "-m", "console.files.xls_child"]
        try:
            # What the reader says on its error output when it dies is of no use to anybody.
            ended = subprocess.run(
                command, cwd=_ROOT, input=content, stdout=said, stderr=subprocess.DEVNULL, timeout=_SECONDS, check=False
            )
        except subprocess.TimeoutExpired:
            raise refused("broken") from None
        if ended.returncode:
            raise refused("broken")
        said.seek(0)
        lines = map(_said, said)
        [number] = next(lines)
        scan_workbook(content, number, caps)
        for row, cells in lines:
            yield row, [_raw(cell) for cell in cells]


def _said(line: bytes) -> list[Any]:
    said = json.loads(line)
    if isinstance(said, dict):
        raise refused(str(said["refused"]))
    return list(said)


def _raw(cell: str | dict[str, str]) -> Raw:
    if isinstance(cell, str):
        return cell
    if "n" in cell:
        return Decimal(cell["n"])
    day = cell["d"]
    return date.fromisoformat(day) if len(day) == _DAY_CHARACTERS else datetime.fromisoformat(day)

"""
Reads one XLS from standard input in a process of its own, and writes its sheet to standard output as lines of JSON.

The old format is full of lengths and counts, and a forged one can end the reader's whole process. So that is not the
worker's. Lines: {"refused": code}, or [sheet number] and then [row number, cells] each; a cell is a text, {"n": number}
or {"d": day or moment}.
"""

import io
import json
import resource
import sys
from datetime import date
from decimal import Decimal

from console.files.errors import SheetRefused
from console.files.values import Raw
from console.files.workbook_read import chosen_sheet, open_workbook, workbook_rows

MEMORY_BYTES = 1 << 30
CPU_SECONDS = 60
OUTPUT_BYTES = 1 << 30


def main() -> None:
    """Read, and write either the reason of a refusal or all rows."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (OUTPUT_BYTES, OUTPUT_BYTES))
    try:
        workbook = open_workbook(io.BytesIO(sys.stdin.buffer.read()))
        name, number = chosen_sheet(workbook)
        _write([number])
        for row, cells in workbook_rows(workbook, name):
            _write([row, [_plain(cell) for cell in cells]])
    except SheetRefused as refusal:
        _write({"refused": refusal.errors[0].code})


def _write(line: object) -> None:
    sys.stdout.write(json.dumps(line) + "\n")


def _plain(cell: Raw) -> str | dict[str, str]:
    if isinstance(cell, Decimal):
        return {"n": str(cell)}
    return {"d": cell.isoformat()} if isinstance(cell, date) else cell


if __name__ == "__main__":
    main()

"""Promise: `manage.py reconcile` answers as the published format says, one line a file; the public cases come out."""

import io
import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from config.bootstrap import ROOT
from reconciliation.lines import Kind
from tests.reconciliation.writing import CASES, LAYOUTS, SCHEMA, Writing, put, table, written, zipped

_AS_SETS = {
    "error_codes",
    "warning_codes",
    "codes",
    "line_flags",
    "ignored_records",
    "by_reseller",
    "outcomes",
    "notes",
}


def _reconcile(*arguments: str) -> tuple[int, list[dict[str, Any]]]:
    """Run the command with --json; returns its exit status and its answers, each of which fits the schema."""
    out = io.StringIO()
    status = 0
    try:
        call_command("reconcile", *arguments, "--json", stdout=out)
    except SystemExit as ended:
        status = int(ended.code or 0)
    results = [json.loads(line) for line in out.getvalue().splitlines()]
    for result in results:
        SCHEMA.validate(result)
    return status, results


def _agrees(expected: Any, found: Any, path: str) -> None:
    """Compare as the format says: keys that are expected, decimals as numbers, ids without case, code lists as sets."""
    if isinstance(expected, dict):
        for key in expected.keys() - {"about", "message"}:
            assert key in found, f"{path}.{key}"
            _agrees(expected[key], found[key], f"{path}.{key}")
    elif isinstance(expected, list):
        assert len(expected) == len(found), path
        if path.rpartition(".")[2] in _AS_SETS:
            expected, found = (
                sorted(entries, key=lambda e: json.dumps(e, sort_keys=True)) for entries in (expected, found)
            )
        for place, (one, other) in enumerate(zip(expected, found, strict=True)):
            _agrees(one, other, f"{path}[{place}]")
    elif isinstance(expected, str) and _is_number(expected) and _is_number(found):
        assert Decimal(expected) == Decimal(found), path
    elif isinstance(expected, str) and isinstance(found, str):
        assert expected.casefold() == found.casefold(), path
    else:
        assert expected == found, path


def _is_number(text: Any) -> bool:
    return isinstance(text, str) and text.lstrip("-").replace(".", "", 1).isdecimal()


@pytest.mark.parametrize("case", sorted(CASES.glob("*.expected.json")), ids=lambda path: path.name.partition("_")[0])
def test_the_public_cases(case: Path) -> None:
    expected = json.loads(case.read_text(encoding="utf-8"))
    file = case.with_name(case.name.removesuffix(".expected.json"))
    books = file.with_suffix(".books.json")
    status, [result] = _reconcile(str(file), *(["--books", str(books)] if books.exists() else []))
    _agrees(expected, result, "")
    if "totals" in expected:
        assert result["totals"].keys() == expected["totals"].keys()
    assert status == (1 if expected["error_codes"] else 0)


@pytest.mark.parametrize(("kind", "layout"), LAYOUTS)
@pytest.mark.parametrize("options", [(), ("--lines", "all"), ("--summary",)])
def test_every_kind_fits_the_schema(kind: Kind, layout: str | None, options: tuple[str, ...], tmp_path: Path) -> None:
    _, [result] = _reconcile(str(put(tmp_path, written(table(kind, layout), Writing()))), *options)
    assert ("line_flags" in result) is ("--summary" not in options)
    assert ("payout" in result, "batch" in result) == (kind is Kind.STRIPE_PAYOUT, kind is Kind.ADYEN_SETTLEMENT)
    assert len(result.get("lines", [])) == (3 if "--lines" in options else 0)


def test_a_bad_file_does_not_keep_the_next_from_being_read(tmp_path: Path) -> None:
    good = put(tmp_path, written(table(Kind.USAGE), Writing()), "좋은 파일.csv")
    bad = put(tmp_path, b"", "bad.csv")
    status, results = _reconcile(str(bad), str(good), str(bad))
    assert status == 1
    assert [(result["file"], result["status"]) for result in results] == [
        ("bad.csv", "rejected"),
        ("좋은 파일.csv", "accepted"),
        ("bad.csv", "rejected"),
    ]


def test_single_lines_by_number(tmp_path: Path) -> None:
    path = put(tmp_path, zipped({"in.txt": written(table(Kind.LICENSE, "16", rows=6), Writing())}), "a.zip")
    _, [result] = _reconcile(str(path), "--lines", "5,2,99")
    assert [line["record"] for line in result["lines"]] == [2, 5]
    assert (result["container"], result["archive_member"]) == ("zip", "in.txt")


def test_a_summary_has_no_lists_that_grow_with_the_file(tmp_path: Path) -> None:
    books = put(tmp_path, json.dumps({"kind": "license", "records": []}).encode(), "books.json")
    path = str(put(tmp_path, written(table(Kind.LICENSE, "17").with_cell(0, "Tax", "x"), Writing())))
    _, [full] = _reconcile(path, "--books", str(books))
    _, [short] = _reconcile(path, "--books", str(books), "--summary")
    gone = {"invalid_records", "duplicate_records", "line_flags", "outcomes"}
    assert full.keys() - short.keys() == gone
    assert {key: full[key] for key in short} == short


def test_daily_usage_is_held_against_an_invoice_file(tmp_path: Path) -> None:
    invoice = table(Kind.NCE_INVOICE, "21b", rows=1).with_cell(0, "MeterDescription", "VM")
    daily = table(Kind.NCE_DAILY, rows=1).with_cell(0, "SkuId", "1").with_cell(0, "BillingPreTaxTotal", "60.305")
    shared = ("CustomerId", "SubscriptionId", "ProductId", "InvoiceNumber")
    for column in shared:
        invoice = invoice.with_cell(0, column, f"{column}-1")
        daily = daily.with_cell(0, column, f"{column}-1")
    invoice = invoice.with_cell(0, "SkuId", "0001")
    first = put(tmp_path, written(invoice, Writing()), "invoice.csv")
    second = put(tmp_path, written(daily, Writing()), "daily.csv")
    _, [of_invoice, of_daily, again] = _reconcile(str(first), str(second), str(second), "--invoice", str(first))
    assert "cross_check" not in of_invoice
    assert of_daily["cross_check"]["with"] == "invoice.csv"
    assert [
        (group["sum_daily"], group["invoice_subtotal"], group["result"]) for group in of_daily["cross_check"]["groups"]
    ] == [("60.305", "60.30", "ok")]
    assert again["cross_check"] == of_daily["cross_check"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["missing.csv"],
        ["{good}", "missing.csv"],
        ["{folder}"],
        ["{good}", "--books", "missing.json"],
        ["{good}", "--books", "{good}"],
        ["{good}", "--invoice", "{good}"],
        ["{good}", "--invoice", "{empty}"],
    ],
)
def test_a_wrong_command_says_so_and_answers_nothing(arguments: list[str], tmp_path: Path) -> None:
    names = {
        "good": put(tmp_path, written(table(Kind.USAGE), Writing()), "good.csv"),
        "empty": put(tmp_path, b"", "empty.csv"),
        "folder": tmp_path,
    }
    out = io.StringIO()
    with pytest.raises(CommandError) as wrong:
        call_command("reconcile", *(argument.format(**names) for argument in arguments), "--json", stdout=out)
    assert wrong.value.returncode == 2
    assert out.getvalue() == ""


def test_without_a_database_and_in_words(tmp_path: Path) -> None:
    path = put(tmp_path, written(table(Kind.USAGE), Writing()), "사용량.csv")
    environment = {"OFFLINE": "1", "PYTHONPATH": str(ROOT), "LC_ALL": "C", "PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-m", "django", "reconcile", "--settings", "config.settings", str(path)]
    ended = subprocess.run(command, capture_output=True, env=environment, check=False, cwd=tmp_path, timeout=60)
    assert ended.returncode == 0, ended.stderr
    said = ended.stdout.decode()
    assert "사용량.csv" in said
    assert "42.36" in said
    wrong = subprocess.run(
        [*command, "--lines", "x"], capture_output=True, env=environment, check=False, cwd=tmp_path, timeout=60
    )
    assert (wrong.returncode, wrong.stdout) == (2, b"")

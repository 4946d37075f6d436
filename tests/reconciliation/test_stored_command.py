"""Promise: `reconcile --store` keeps an invoice once, knows its file again in any wrapping, asks before a version."""

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from reconciliation.lines import Kind
from reconciliation.models import Batch, BatchLine, BatchState
from tests.access.build import firm
from tests.reconciliation.writing import LAYOUTS, SCHEMA, Table, Writing, put, table, written

pytestmark = pytest.mark.django_db


def store(*paths: Path, merchant: str | None = None, confirm: bool = False) -> list[dict[str, Any]]:
    """Run the command with --store; returns its answers, each of which fits the schema."""
    out = io.StringIO()
    options = [*(["--merchant", merchant] if merchant else []), *(["--confirm"] if confirm else [])]
    with contextlib.suppress(SystemExit):
        call_command("reconcile", "--store", "--json", *options, *map(str, paths), stdout=out)
    results = [json.loads(line) for line in out.getvalue().splitlines()]
    for result in results:
        SCHEMA.validate(result)
    return results


def statuses(results: list[dict[str, Any]]) -> list[tuple[str, int]]:
    return [(result["status"].removesuffix("_with_warnings"), result["stored_batches"]) for result in results]


def sheet(kind: Kind = Kind.NCE_INVOICE, rows: int = 4) -> Table:
    """Return a table of one invoice of one partner."""
    made = table(kind, "21b" if kind is Kind.NCE_INVOICE else "17" if kind is Kind.LICENSE else None, rows=rows)
    for row in range(rows):
        for column, cell in {"InvoiceNumber": "G1", "PartnerId": "partner-1"}.items():
            if column in made.columns:
                made = made.with_cell(row, column, cell)
    return made


@pytest.mark.parametrize(("kind", "layout"), LAYOUTS)
def test_every_kind_is_kept_and_known_again(kind: Kind, layout: str | None, tmp_path: Path) -> None:
    path = put(tmp_path, written(table(kind, layout), Writing()))
    first, second = store(path, path)
    assert statuses([first, second]) == [("accepted", 1), ("already_loaded", 1)]
    assert first["batch_id"] == second["batch_id"]
    ignored = {"status", "batch_id", "stored_batches"}
    assert {key: first[key] for key in first.keys() - ignored} == {key: second[key] for key in second.keys() - ignored}
    batch = Batch.objects.get(public_id=first["batch_id"])
    assert BatchLine.objects.filter(batch=batch, counts=True).count() == 3
    assert batch.answer["totals"] == first["totals"]


@pytest.mark.parametrize(
    "how",
    [
        Writing(packing="zip"),
        Writing(packing="gzip"),
        Writing(bom=True),
        Writing(line_end="\n"),
        Writing(encoding="utf-16-le", bom=True),
        Writing(delimiter=";", quote_all=True),
        Writing(order=tuple(reversed(range(len(sheet().columns))))),
    ],
)
def test_the_same_content_in_another_wrapping_is_the_same_batch(how: Writing, tmp_path: Path) -> None:
    plain = put(tmp_path, written(sheet(), Writing()), "plain.csv")
    other = put(tmp_path, written(sheet(), how), "other")
    first, second = store(plain, other)
    assert statuses([first, second]) == [("accepted", 1), ("already_loaded", 1)]
    assert second["batch_id"] == first["batch_id"]
    assert second["file"] == "other"
    assert set(Batch.objects.values_list("state", flat=True)) == {BatchState.ACCEPTED, BatchState.DISCARDED}
    assert BatchLine.objects.count() == 4


@pytest.mark.parametrize("kind", [Kind.NCE_INVOICE, Kind.LICENSE, Kind.USAGE, Kind.NCE_DAILY])
def test_a_new_version_counts_only_when_it_is_confirmed(kind: Kind, tmp_path: Path) -> None:
    figure = "Tax" if kind is Kind.LICENSE else {Kind.USAGE: "TaxAmount", Kind.NCE_DAILY: "Unit"}.get(kind, "TaxTotal")
    older = sheet(kind)
    newer = Table(older.kind, older.columns, older.rows[1:]).with_cell(0, figure, "9.99")
    newer.rows.append(
        table(kind, "17" if kind is Kind.LICENSE else "21b", rows=6).rows[5]
        | {column: older.rows[0][column] for column in ("InvoiceNumber", "PartnerId") if column in older.columns}
    )
    merchant = firm("판").merchant.public_id
    paths = (put(tmp_path, written(older, Writing()), "v1.csv"), put(tmp_path, written(newer, Writing()), "v2.csv"))
    first, told = store(*paths, merchant=merchant)
    assert statuses([first, told]) == [("accepted", 1), ("new_version", 1)]
    assert (told["replaces"], told["diff"], told["batch_id"]) == (
        "v1.csv",
        {"added": 1, "removed": 1, "changed": 1},
        None,
    )
    assert BatchLine.objects.count() == 4
    kept, again, old = store(paths[1], paths[1], paths[0], merchant=merchant, confirm=True)
    assert statuses([kept, again, old]) == [("new_version", 2), ("already_loaded", 2), ("already_loaded", 2)]
    assert again["batch_id"] == kept["batch_id"] != first["batch_id"] == old["batch_id"]
    states = dict(Batch.objects.exclude(version=0).values_list("public_id", "state"))
    assert states == {first["batch_id"]: BatchState.SUPERSEDED, kept["batch_id"]: BatchState.ACCEPTED}


def test_another_invoice_or_partner_is_another_batch(tmp_path: Path) -> None:
    other_invoice, other_partner = sheet(), sheet()
    for row in range(4):
        other_invoice = other_invoice.with_cell(row, "InvoiceNumber", "G2")
        other_partner = other_partner.with_cell(row, "PartnerId", "partner-2")
    tables = [sheet(), other_invoice, other_partner]
    paths = [put(tmp_path, written(made, Writing()), f"{place}.csv") for place, made in enumerate(tables)]
    assert statuses(store(*paths)) == [("accepted", 1), ("accepted", 2), ("accepted", 3)]


def test_a_rejected_file_keeps_only_the_attempt(tmp_path: Path) -> None:
    bad = put(tmp_path, written(sheet().without("Subtotal"), Writing()), "bad.csv")
    broken = sheet()
    for row in range(3):
        broken = broken.with_cell(row, "Subtotal", "x")
    worse = put(tmp_path, written(broken, Writing()))
    results = store(bad, worse)
    assert [result["error_codes"] for result in results] == [["missing_columns"], ["too_many_invalid"]]
    assert statuses(results) == [("rejected", 0), ("rejected", 0)]
    kept = Batch.objects.order_by("id").values_list("state", "path", "kind", "refusal__missing")
    assert list(kept) == [("REJECTED", "", "", ["Subtotal"]), ("REJECTED", "", "", None)]
    assert not BatchLine.objects.exists()


def test_each_run_without_a_merchant_begins_anew(tmp_path: Path) -> None:
    path = put(tmp_path, written(sheet(), Writing()))
    assert statuses(store(path)) == statuses(store(path)) == [("accepted", 1)]


@pytest.mark.parametrize("options", [["--merchant", "x"], ["--confirm"], ["--store", "--merchant", "nobody"]])
def test_a_wrong_command_says_so(options: list[str], tmp_path: Path) -> None:
    with pytest.raises(CommandError) as wrong:
        call_command("reconcile", str(put(tmp_path, b"")), *options)
    assert wrong.value.returncode == 2

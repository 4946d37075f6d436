"""Batches as tests make them: one file of new commerce with few lines, received, read and accepted by somebody."""

import io
from dataclasses import replace
from decimal import Decimal
from typing import Any

from core import jobs
from core.actor import Actor
from core.scope import Scope
from reconciliation import queries
from reconciliation.books import OwnRecord
from reconciliation.lines import Kind
from reconciliation.models import Batch
from reconciliation.operations import deciding, own_records, storing
from reconciliation.operations.own_records import Saved
from tests.build import BY, noon
from tests.reconciliation import given
from tests.reconciliation.writing import Table, Writing, table, written


def sheet(rows: int = 4, invoice: str = "G1") -> Table:
    """Return a table of one invoice of one partner; every line is a group of its own."""
    made = table(Kind.NCE_INVOICE, "21b", rows=rows)
    return replace(made, rows=[row | {"InvoiceNumber": invoice, "PartnerId": "partner-1"} for row in made.rows])


def won(*money: tuple[str, str, str], invoice: str = "G1") -> Table:
    """Return an invoice in won: a line for each reseller with pre-tax and tax."""
    made = sheet(len(money), invoice)
    rows = [
        row
        | {
            "ResellerMpnId": reseller,
            "MpnId": "6200000",
            "Currency": "KRW",
            "PricingCurrency": "KRW",
            "UnitPrice": pretax,
            "EffectiveUnitPrice": pretax,
            "Quantity": "1",
            "BillableQuantity": "1",
            "Subtotal": pretax,
            "TaxTotal": tax,
            "Total": str(Decimal(pretax) + Decimal(tax)),
        }
        for row, (reseller, pretax, tax) in zip(made.rows, money, strict=True)
    ]
    return replace(made, rows=rows)


def receive(scope: Scope, made: Table, *, by: Actor = BY, name: str = "file.csv") -> Batch:
    """Keep a file that nobody has read yet."""
    file = io.BytesIO(written(made, Writing()))
    return storing.receive(scope=scope, file=file, name=name, locale="ko", by=by, now=noon()).batch


def read(batch: Batch, *, by: Actor = BY) -> Batch:
    """Let a job read a received file, here and now."""
    started = storing.start(batch=batch, by=by, now=noon())
    assert jobs.run_job(started.job_id or 0)
    return queries.batch(batch.scope, batch.public_id)


def accepted(scope: Scope, made: Table, *, confirm: bool = False) -> Batch:
    """Return a batch that counts."""
    batch = read(receive(scope, made))
    return deciding.accept(scope=scope, batch_id=batch.public_id, confirm=confirm, by=BY, now=noon())


def own(ref: str = "R-1", row: int = 0, /, **values: Any) -> OwnRecord:
    """Return the record of ours that answers a line of the table."""
    cells = sheet(row + 1).rows[row]
    ids = {
        "customer_id": cells["CustomerId"],
        "subscription_id": cells["SubscriptionId"],
        "product_id": cells["ProductId"],
        "sku_id": cells["SkuId"],
    }
    usual = {"currency": "EUR", "quantity": Decimal(3), "unit_price": "20.10", "subtotal": "60.30", "tax": "6.03"}
    return given.own(Kind.NCE_INVOICE, ref, **{**usual, **ids, **values})


def save(scope: Scope, *records: OwnRecord, by: Actor = BY) -> Saved:
    """Save records of ours."""
    return own_records.save(scope=scope, records=records, source="upload", by=by, now=noon())

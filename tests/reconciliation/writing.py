"""Writes files of every kind from the tables of columns: any edition, language, delimiter, encoding and container."""

import csv
import gzip
import io
import json
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path

from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # comes without annotations

from config.bootstrap import ROOT
from reconciliation.formats.columns import NUMERIC, Column, Holds
from reconciliation.formats.commerce import EDITIONS
from reconciliation.formats.recognise import FORMAT_OF
from reconciliation.lines import Kind
from reconciliation.reading import ON_THIS_MACHINE, Limits
from reconciliation.rehearsal import Wanted, rehearse
from reconciliation.result import Result

CASES = ROOT / "docs" / "conformance" / "reconciliation"
SCHEMA = Draft202012Validator(json.loads((CASES / "result.schema.json").read_text(encoding="utf-8")))
LAYOUTS: list[tuple[Kind, str | None]] = [
    (Kind.LICENSE, "16"),
    (Kind.LICENSE, "17"),
    (Kind.USAGE, None),
    (Kind.USAGE_DAILY_LEGACY, None),
    (Kind.ONETIME_RECURRING, "19"),
    (Kind.ONETIME_RECURRING, "20"),
    (Kind.NCE_INVOICE, "20b"),
    (Kind.NCE_INVOICE, "21"),
    (Kind.NCE_INVOICE, "21b"),
    (Kind.NCE_DAILY, None),
    (Kind.STRIPE_PAYOUT, None),
    (Kind.ADYEN_SETTLEMENT, None),
]

# Cells that make the arithmetic of a line come out; everything else is filled in by what its column holds.
_FIGURES: dict[Kind, dict[str, str]] = {
    Kind.LICENSE: {
        "UnitPrice": "12.50",
        "Quantity": "3",
        "Amount": "37.50",
        "TotalOtherDiscount": "0",
        "Subtotal": "37.50",
        "Tax": "3.75",
        "TotalForCustomer": "41.25",
        "ChargeType": "Cycle fee",
    },
    Kind.USAGE: {
        "ConsumedQuantity": "90.5",
        "IncludedQuantity": "0",
        "OverageQuantity": "90.5",
        "ListPrice": "0.13",
        "PretaxCharges": "11.77",
        "TaxAmount": "2.35",
        "PostTaxTotal": "14.12",
        "ChargeType": "Assess usage fee for current cycle",
    },
    Kind.USAGE_DAILY_LEGACY: {"ConsumedQuantity": "24.25"},
    Kind.ONETIME_RECURRING: {
        "UnitPrice": "20.10",
        "Quantity": "3",
        "BillableQuantity": "3",
        "EffectiveUnitPrice": "20.10",
        "PCToBCExchangeRate": "1",
        "Subtotal": "60.30",
        "TaxTotal": "6.03",
        "Total": "66.33",
        "ChargeType": "New",
        "MeterDescription": "",
    },
    Kind.NCE_DAILY: {
        "UnitPrice": "0.5",
        "Quantity": "2.5",
        "EffectiveUnitPrice": "0.5",
        "PCToBCExchangeRate": "1",
        "BillingPreTaxTotal": "1.25",
        "PricingPreTaxTotal": "1.25",
        "ChargeType": "new",
        "CreditPercentage": "0",
        "PartnerEarnedCreditPercentage": "15",
        "CreditType": "Credit Not Applied",
    },
    Kind.STRIPE_PAYOUT: {"gross": "100.50", "fee": "2.75", "net": "97.75"},
    Kind.ADYEN_SETTLEMENT: {
        "Gross Debit (GC)": "",
        "Gross Credit (GC)": "100.50",
        "Exchange Rate": "1",
        "Net Debit (NC)": "",
        "Net Credit (NC)": "97.75",
        "Commission (NC)": "2.75",
        "Markup (NC)": "",
        "Scheme Fees (NC)": "",
        "Interchange (NC)": "",
        "Type": "Settled",
    },
}
_FIGURES[Kind.NCE_INVOICE] = _FIGURES[Kind.ONETIME_RECURRING]

TOTALS_OF_A_LINE: dict[Kind, dict[str, Decimal]] = {
    Kind.LICENSE: {"pretax": Decimal("37.50"), "tax": Decimal("3.75"), "total": Decimal("41.25")},
    Kind.USAGE: {"pretax": Decimal("11.77"), "tax": Decimal("2.35"), "total": Decimal("14.12")},
    Kind.USAGE_DAILY_LEGACY: {},
    Kind.ONETIME_RECURRING: {"pretax": Decimal("60.30"), "tax": Decimal("6.03"), "total": Decimal("66.33")},
    Kind.NCE_INVOICE: {"pretax": Decimal("60.30"), "tax": Decimal("6.03"), "total": Decimal("66.33")},
    Kind.NCE_DAILY: {"pretax": Decimal("1.25"), "tax": Decimal(0), "total": Decimal("1.25")},
    Kind.STRIPE_PAYOUT: {"gross": Decimal("100.50"), "fee": Decimal("2.75"), "net": Decimal("97.75")},
    Kind.ADYEN_SETTLEMENT: {"net": Decimal("97.75")},
}


@dataclass(frozen=True, slots=True)
class Table:
    """A file before it is written: its columns by name, and rows with the cells of those columns."""

    kind: Kind
    columns: tuple[str, ...]
    rows: list[dict[str, str]]

    def without(self, *columns: str) -> "Table":
        """The same without some columns."""
        return replace(self, columns=tuple(name for name in self.columns if name not in columns))

    def with_cell(self, row: int, column: str, cell: str) -> "Table":
        """The same with one cell changed."""
        rows = [dict(cells) for cells in self.rows]
        rows[row][column] = cell
        return replace(self, rows=rows)


@dataclass(frozen=True, slots=True)
class Writing:
    """How a table is written."""

    delimiter: str = ","
    encoding: str = "utf-8"
    bom: bool = False
    line_end: str = "\r\n"
    quote_all: bool = False
    comma: bool = False
    korean: bool = False
    packing: str | None = None
    json: bool = False
    order: Sequence[int] | None = field(default=None)


def table(kind: Kind, layout: str | None = None, rows: int = 3) -> Table:
    """A table of a kind and edition with every column that the edition has, all of its lines different and right."""
    columns = tuple(column.name for column in FORMAT_OF[kind].columns if _in_layout(kind, column, layout))
    return Table(kind, columns, [{name: _cell(kind, name, row) for name in columns} for row in range(rows)])


def written(given: Table, how: Writing) -> bytes:
    """The bytes of a table."""
    order = list(how.order or range(len(given.columns)))
    names = [given.columns[place] for place in order]
    heads = [_korean(given.kind, name) if how.korean else name for name in names]
    cells = [[_marked(given.kind, name, row[name], comma=how.comma) for name in names] for row in given.rows]
    text = _json(heads, cells) if how.json else _separated(heads, cells, how)
    return packed(_encoded(text, how), how.packing)


def packed(content: bytes, packing: str | None, name: str = "data.csv") -> bytes:
    """The bytes in a container."""
    if packing == "gzip":
        return gzip.compress(content, 1)
    if packing == "zip":
        return zipped({name: content})
    return content


def zipped(members: dict[str, bytes]) -> bytes:
    """A zip with these members."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return target.getvalue()


def put(folder: Path, content: bytes, name: str = "file.csv") -> Path:
    """A file with this content."""
    path = folder / name
    path.write_bytes(content)
    return path


def _in_layout(kind: Kind, column: Column, layout: str | None) -> bool:
    if kind is Kind.LICENSE:
        return column.name != ("CustomerId" if layout == "16" else "CustomerNumber")
    if column.name == "ResellerMpnId" and layout == "20":
        return False
    return column.since is None or layout is None or EDITIONS.index(column.since) <= EDITIONS.index(layout)


def _cell(kind: Kind, name: str, row: int) -> str:
    figures = _FIGURES[kind]
    if name in figures:
        return figures[name]
    column = FORMAT_OF[kind].by_key["".join(c for c in name.casefold() if c.isalnum())]
    match column.holds:
        case Holds.DATE:
            return "5/31/2024 23:59" if "End" in name else "5/1/2024 0:00"
        case Holds.CURRENCY:
            return "EUR"
        case Holds.ID:
            return "6200000" if name == "MpnId" else f"{row:04d}" if name == "SkuId" else f"{name[:2]}{row:08d}"
        case Holds.TEXT:
            return f"{name} {row}, „é“"
        case _:
            return "1"


def _korean(kind: Kind, name: str) -> str:
    column = next(column for column in FORMAT_OF[kind].columns if column.name == name)
    return next((alias for alias in column.aliases if not alias.isascii()), name)


def _marked(kind: Kind, name: str, cell: str, *, comma: bool) -> str:
    column = next(column for column in FORMAT_OF[kind].columns if column.name == name)
    return cell.replace(".", ",") if comma and column.holds in NUMERIC else cell


def _separated(heads: list[str], cells: Iterable[list[str]], how: Writing) -> str:
    target = io.StringIO(newline="")
    writer = csv.writer(
        target,
        delimiter=how.delimiter,
        lineterminator=how.line_end,
        quoting=csv.QUOTE_ALL if how.quote_all else csv.QUOTE_MINIMAL,
    )
    writer.writerows([heads, *cells])
    return target.getvalue()


def _json(heads: list[str], cells: Iterable[list[str]]) -> str:
    lower = [head[:1].lower() + head[1:] for head in heads]
    return "".join(json.dumps(dict(zip(lower, row, strict=True)), ensure_ascii=False) + "\n" for row in cells)


def _encoded(text: str, how: Writing) -> bytes:
    return (f"\ufeff{text}" if how.bom else text).encode(how.encoding)


def answer(folder: Path, content: bytes, *, locale: str = "ko", limits: Limits = ON_THIS_MACHINE) -> Result:
    """What is said about a file with this content, every line included."""
    return rehearse(put(folder, content), Wanted(locale, records=None, limits=limits))

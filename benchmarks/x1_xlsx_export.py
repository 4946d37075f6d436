"""
X1 and X2: exporting 1,000,000 rows of 15 columns as XLSX, typed and formatted, with a frozen header and a filter.

Rivals in the same run: openpyxl's write-only mode with lxml and the same formats, and COPY to CSV as the limit.

    python -m benchmarks.x1_xlsx_export [--rows N] [--rounds N] [--database DSN --query FILE [--columns FILE]]

With --database and --query an existing table is exported instead; --columns is a JSON list of [header, kind].
"""

import argparse
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg2

from benchmarks.common import Answer, Candidate, Sample, Server, measure, ratios, run, save, say, seconds, server
from console.files.columns import NUMBER_FORMATS, Kind, SheetColumn, column_letters, in_seoul
from console.files.xlsx_parts import RATE_EXPONENT
from console.files.xlsx_stream import write_query

COLUMNS: list[tuple[str, str]] = [
    ("정산 번호", "id"),
    ("파트너 아이디", "id"),
    ("파트너", "text"),
    ("주문 번호", "id"),
    ("유형", "text"),
    ("상태", "text"),
    ("정산 시작일", "date"),
    ("정산일", "date"),
    ("주문 금액", "won"),
    ("중개수수료", "won"),
    ("부가세", "won"),
    ("정산 금액", "signed_won"),
    ("수수료율", "rate"),
    ("등록일시", "moment"),
    ("메모", "text"),
]
RECORDS = """
    select i as id,
           'trs-01JD' || lpad(upper(to_hex(i * 7919)), 18, '0') as public_id,
           'seller-' || i % 5000 as partner_id,
           (array['주식회사 가나다라', '한빛상회', 'Blue & White', '(주)마바사 물류', '초록마을 파트너', 'Acme Korea',
                  '북한산 등산용품', '서울 커피', '바다식품', 'K-뷰티 랩'])[1 + i % 10] as partner_name,
           'order-2026-' || i as order_id,
           (array['주문', '주문', '주문 취소', '수기'])[1 + i % 4] as kind,
           (array['정산 예정', '정산 중', '정산 확정', '지급 확정'])[1 + i / 7 % 4] as status,
           date '2025-06-01' + (i % 500)::int as start_date,
           date '2025-06-08' + (i % 500)::int as settlement_date,
           1000 + i * 37 % 900000 as order_amount,
           i * 37 % 90000 as fee,
           i * 37 % 9000 as vat,
           case when i % 4 = 2 then -1 else 1 end * (1000 + i * 37 % 800000) as settlement_amount,
           3300 as rate,
           timestamptz '2025-06-01' + i * interval '47 seconds' as created_at,
           case when i % 10 = 0 then '메모 ' || i end as memo
    from generate_series(1, {rows}::bigint) as i
"""
QUERY = """
    select public_id, partner_id, partner_name, order_id, kind, status, start_date, settlement_date, order_amount, fee,
           vat, settlement_amount, rate, created_at, memo
    from {source} order by id limit {rows}
"""
GOAL_RIVAL, GOAL_LIMIT, GOAL_GROWTH, GOAL_PEAK_MB, GOAL_MORE_MB = 12, 10, 12, 100, 20
SMALLER = 10


def sheet_columns(columns: Sequence[Sequence[str]]) -> list[SheetColumn]:
    """Return columns given as header and kind."""
    return [SheetColumn(header, Kind(kind)) for header, kind in columns]


@contextmanager
def _cursor(dsn: str, name: str | None = None) -> Iterator[Any]:
    with closing(psycopg2.connect(dsn)) as connection:
        yield connection.cursor(name)


def by_product(dsn: str, query: str, columns: Sequence[Sequence[str]], path: str) -> Answer:
    """Export as the product does."""
    with _cursor(dsn) as cursor, Path(path).open("wb") as out:
        rows = write_query(
            out,
            cursor,
            query,
            None,
            sheet_columns(columns),
            title="정산내역",
            conditions=lambda count: [("건수", count)],
        )
    return {"rows": rows}


def by_openpyxl(dsn: str, query: str, columns: Sequence[Sequence[str]], path: str) -> Answer:
    """Export with openpyxl at its fastest: write-only, lxml, one styled cell a column that is filled anew."""
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font
    from openpyxl.xml import LXML

    if not LXML:
        raise ModuleNotFoundError("lxml is missing, without which the rival is slower than it could be.")
    shown = sheet_columns(columns)
    book = Workbook(write_only=True)
    sheet = book.create_sheet("정산내역")
    sheet.freeze_panes = "A2"
    header = [WriteOnlyCell(sheet, column.header) for column in shown]
    cells = [WriteOnlyCell(sheet) for _column in shown]
    for number, (column, head, cell) in enumerate(zip(shown, header, cells, strict=True), start=1):
        head.font = Font(bold=True)
        cell.number_format = NUMBER_FORMATS[column.kind]
        sheet.column_dimensions[column_letters(number)].width = column.shown_width
    sheet.append(header)
    moments = [number for number, column in enumerate(shown) if column.kind is Kind.MOMENT]
    rates = [number for number, column in enumerate(shown) if column.kind is Kind.RATE]
    rows = 0
    with _cursor(dsn, "rival") as cursor:
        cursor.itersize = 5000
        cursor.execute(query)
        for row in cursor:
            for cell, value in zip(cells, row, strict=True):
                cell.value = value
            for number in moments:
                cells[number].value = in_seoul(row[number])
            for number in rates:
                cells[number].value = row[number] * 10**RATE_EXPONENT
            sheet.append(cells)
            rows += 1
    sheet.auto_filter.ref = f"A1:{column_letters(len(shown))}{rows + 1}"
    book.save(path)
    return {"rows": rows}


def by_csv(dsn: str, query: str, path: str) -> Answer:
    """Copy as CSV, the limit: the database's own way out, without types and formats."""
    with _cursor(dsn) as cursor, Path(path).open("wb") as out:
        cursor.copy_expert(f"copy ({query}) to stdout (format csv, header)", out, 1 << 20)
        return {"rows": cursor.rowcount}


def look(path: str, columns: Sequence[Sequence[str]]) -> Answer:
    """Return what an independent reader finds in a workbook: rows, sums of its amounts, texts by hash."""
    from hashlib import sha256

    from python_calamine import CalamineWorkbook

    kinds = [Kind(kind) for _header, kind in columns]
    sums = [0] * len(kinds)
    texts = sha256()
    rows = 0
    book = CalamineWorkbook.from_path(path)
    sheets = [name for name in book.sheet_names if name.startswith("정산내역")]
    for name in sheets:
        for number, row in enumerate(book.get_sheet_by_name(name).iter_rows()):
            if number == 0:
                continue
            rows += 1
            for place, (kind, value) in enumerate(zip(kinds, row, strict=True)):
                if kind in (Kind.WON, Kind.SIGNED_WON, Kind.COUNT):
                    sums[place] += int(value or 0)  # type: ignore[arg-type]  # a cell of these kinds is a number or empty
                else:
                    texts.update(f"{value}\0".encode())
    return {"rows": rows, "sums": sums, "texts": texts.hexdigest()}


class _Checks:
    """Holds what every file must contain, from the database and from the first file read back."""

    def __init__(self, wanted: Mapping[int, list[Any]], columns: Sequence[Sequence[str]]) -> None:
        self.wanted, self.columns = wanted, columns
        self.checked: set[str] = set()
        self.texts: dict[int, str] = {}
        self.file_mb: dict[str, float] = {}

    def __call__(self, candidate: Candidate, sample: Sample) -> None:
        rows = sample.answer["rows"]
        if rows not in self.wanted:
            raise AssertionError(candidate.name, rows)
        path = Path(candidate.arguments["path"])
        self.file_mb[candidate.name] = round(path.stat().st_size / 1e6, 1)
        if candidate.name == "csv" or candidate.name in self.checked:
            return
        self.checked.add(candidate.name)
        found = run(
            Candidate("look", "benchmarks.x1_xlsx_export:look", {"path": str(path), "columns": self.columns})
        ).answer
        if found["rows"] != rows or found["sums"] != self.wanted[rows]:
            raise AssertionError(candidate.name, found, self.wanted[rows])
        # The rival and the product must agree on every text, day, moment and rate as well.
        if self.texts.setdefault(rows, found["texts"]) != found["texts"]:
            raise AssertionError(candidate.name, "texts, days, moments or rates differ")


def _wanted(at: Server, query: str, columns: Sequence[Sequence[str]]) -> tuple[int, list[Any]]:
    names = ", ".join(f"c{number}" for number in range(len(columns)))
    amounts = (Kind.WON, Kind.SIGNED_WON, Kind.COUNT)
    sums = ", ".join(
        f"coalesce(sum(c{number}), 0)::bigint" if Kind(kind) in amounts else "0"
        for number, (_header, kind) in enumerate(columns)
    )
    [(count, *found)] = at.run(f"select count(*), {sums} from ({query}) as asked ({names})")  # noqa: S608 - our own query
    return count, found


def benchmark(at: Server, queries: Mapping[str, str], columns: Sequence[Sequence[str]], rounds: int) -> dict[str, Any]:
    """Measure, and return the report. `queries` are the large one and, for the growth, one a tenth of it."""
    here = "benchmarks.x1_xlsx_export"
    with tempfile.TemporaryDirectory() as folder:

        def candidate(name: str, function: str, size: str, **more: Any) -> Candidate:
            path = str(Path(folder, name))
            return Candidate(name, f"{here}:{function}", {"dsn": at.dsn, "query": queries[size], "path": path} | more)

        candidates = [
            candidate("csv", "by_csv", "large"),
            candidate("product", "by_product", "large", columns=columns),
            candidate("product, a tenth", "by_product", "small", columns=columns),
            candidate("openpyxl", "by_openpyxl", "large", columns=columns),
        ]
        checks = _Checks(dict(_wanted(at, query, columns) for query in queries.values()), columns)
        samples = measure(candidates, rounds=rounds, check=checks, before=at.checkpoint)
    product, small = samples["product"], samples["product, a tenth"]
    rival = ratios(samples["openpyxl"], product)
    limit = ratios(product, samples["csv"])
    growth = ratios(product, small)
    peak = max(sample.peak_mb for sample in product)
    more = peak - max(sample.peak_mb for sample in small)
    return {
        "rows": product[0].answer["rows"],
        "columns": len(columns),
        "rounds": rounds,
        "seconds": {name: seconds(found) for name, found in samples.items()},
        "peak_mb": {name: round(max(sample.peak_mb for sample in found), 1) for name, found in samples.items()},
        "file_mb": checks.file_mb,
        "openpyxl / product": rival | {"goal": f">= {GOAL_RIVAL}", "met": rival["median"] >= GOAL_RIVAL},
        "product / csv": limit | {"goal": f"<= {GOAL_LIMIT}", "met": limit["median"] <= GOAL_LIMIT},
        "time for ten times the rows": growth | {"goal": f"<= {GOAL_GROWTH}", "met": growth["median"] <= GOAL_GROWTH},
        "product's peak, MB": {"value": round(peak, 1), "goal": f"<= {GOAL_PEAK_MB}", "met": peak <= GOAL_PEAK_MB},
        "MB more than for a tenth": {
            "value": round(more, 1),
            "goal": f"<= {GOAL_MORE_MB}",
            "met": more <= GOAL_MORE_MB,
        },
    }


def main() -> None:
    """Run with the options of the command line and save the report."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rows", type=int, default=1_000_000)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--machine", default="unknown")
    options.add_argument("--database", help="libpq connection string of an existing database; may ask for checkpoints")
    options.add_argument("--query", type=Path, help="file with the query to export, without limit")
    options.add_argument("--columns", type=Path, help="file with a JSON list of [header, kind]")
    chosen = options.parse_args()
    if chosen.database:
        columns = json.loads(chosen.columns.read_text()) if chosen.columns else COLUMNS
        base = chosen.query.read_text()
        queries = {"large": f"{base} limit {chosen.rows}", "small": f"{base} limit {chosen.rows // SMALLER}"}
        report = benchmark(Server(chosen.database, chosen.database), queries, columns, chosen.rounds)
    else:
        queries = {
            "large": QUERY.format(source="records", rows=chosen.rows),
            "small": QUERY.format(source="records", rows=chosen.rows // SMALLER),
        }
        with server() as at:
            at.run(
                f"create table records as {RECORDS.format(rows=chosen.rows)}",
                "create unique index on records (id)",
                "vacuum analyze records",
            )
            report = benchmark(at, queries, COLUMNS, chosen.rounds)
    path = save("x1_xlsx_export", report, machine=chosen.machine)
    say(path.read_text())


if __name__ == "__main__":
    main()

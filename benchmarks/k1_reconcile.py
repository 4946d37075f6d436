"""
K1: a vendor's billing file of 1,000,000 lines loaded, checked and compared with as many records of ours.

The limit in the same run: COPY of the file into an unlogged table of texts, and a counted full join with our records.
The product keeps every line with its checks, and an outcome for every group. Every thousandth line differs in its
amount, every thousandth is missing on our side, and as many of ours are missing in the file. Memory is measured at a
quarter, a half and the whole.

    python -m benchmarks.k1_reconcile [--rows N] [--rounds N] [--machine TEXT]
"""

import argparse
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.books import connected, copy_of, product_database, variables
from benchmarks.common import Answer, Candidate, Sample, Server, memory_mb, ratios, run, save, say, seconds
from config.embedded import state_folder

GOAL, MOONSHOT, GOAL_GROWTH, MOST_MB = 2, 1.2, 12, 300
ODD = 1_000
_MISSING, _OTHER = 1, 2
COLUMNS = (
    *("PartnerId", "CustomerId", "CustomerName", "CustomerDomainName", "CustomerCountry", "InvoiceNumber", "MpnId"),
    *("OrderId", "OrderDate", "ProductId", "SkuId", "AvailabilityId", "SkuName", "ProductName", "ChargeType"),
    *("UnitPrice", "Quantity", "Subtotal", "TaxTotal", "Total", "Currency", "PriceAdjustmentDescription"),
    *("PublisherName", "PublisherId", "SubscriptionDescription", "SubscriptionId", "ChargeStartDate", "ChargeEndDate"),
    *("TermAndBillingCycle", "EffectiveUnitPrice", "UnitType", "BillableQuantity", "PricingCurrency"),
    *("PCToBCExchangeRate", "MeterDescription"),
)
_PARTNER = "0a1b2c3d-0000-4000-8000-000000000001"


# ---- the file and our records, told by the number of the line


def _amounts(number: int) -> tuple[str, str, str, str, int]:
    cents, quantity = 500 + number % 9_000, 1 + number % 7
    subtotal = cents * quantity
    tax = subtotal // 10
    price, net, due, total = (f"{one // 100}.{one % 100:02d}" for one in (cents, subtotal, tax, subtotal + tax))
    return price, net, due, total, quantity


def _ids(number: int) -> tuple[str, str, str]:
    customer = f"c0000000-0000-4000-8000-{number % 50_000:012d}"
    return customer, f"5b000000-0000-4000-8000-{number:012d}", f"DZH318Z0{number % 4_000:04d}"


def lines(rows: int) -> Iterator[str]:
    """Yield a file line by line, the same each time."""
    yield ",".join(COLUMNS) + "\r\n"
    for number in range(rows):
        price, subtotal, tax, total, quantity = _amounts(number)
        customer, subscription, product = _ids(number)
        plan, name = f"Plan {number % 4_000}", f"{number % 50_000}"
        who = f'{_PARTNER},{customer},"Customer {name}, Ltd",c{name}.example.com,KR,G000900001,6200000'
        what = f"{number:016x},10/05/2026,{product},0001,{product}:0001,{plan},Product {number % 400},cycleCharge"
        money = f'{price},{quantity},{subtotal},{tax},{total},USD,"[""Partner discount""]"'
        when = f"Microsoft,M1,{plan} subscription,{subscription},10/01/2026,10/31/2026,One month commitment"
        yield f"{who},{what},{money},{when},{price},Licenses,{quantity},USD,1,\r\n"


def ours(rows: int) -> Iterator[tuple[str, dict[str, str], str, int, str, str]]:
    """Yield reference, ids, price, quantity, subtotal and tax of our records."""
    for number in range(rows + rows // ODD):
        if number % ODD == _MISSING and number < rows:
            continue
        price, subtotal, tax, _total, quantity = _amounts(number)
        customer, subscription, product = _ids(number)
        ids = {"customer_id": customer, "subscription_id": subscription, "product_id": product, "sku_id": "0001"}
        if number % ODD == _OTHER:
            subtotal = f"{subtotal[:-3]}9{subtotal[-3:]}"
        yield f"R-{number}", ids, price, quantity, subtotal, tax


def write_files(folder: Path, rows: int) -> tuple[str, str]:
    """Write the file, and our keys and money as the limit's join reads them."""
    file, own = folder / f"file-{rows}.csv", folder / f"own-{rows}.txt"
    with file.open("w", encoding="utf-8", newline="") as out:
        out.writelines(lines(rows))
    with own.open("w", encoding="utf-8") as out:
        for _ref, ids, price, quantity, subtotal, tax in ours(rows):
            out.write("\t".join([*ids.values(), price, str(quantity), subtotal, tax]) + "\n")
    return str(file), str(own)


# ---- the candidates; each is a process of its own


@contextmanager
def _ready(at: Mapping[str, str], folder: str) -> Iterator[dict[str, Any]]:
    """Set the product up as a worker has it, which is not measured; then tell seconds and idle memory."""
    import django

    os.environ |= variables(Server(**at)) | {"STORAGE_DIR": folder}
    django.setup()
    from django.db import connection

    import reconciliation.background  # noqa: F401 - a worker has it, and so its memory, before any file comes

    connection.ensure_connection()
    told: dict[str, Any] = {"idle": memory_mb("VmRSS")}
    begin = time.perf_counter()
    yield told
    told.setdefault("took", time.perf_counter() - begin)


@contextmanager
def _as_owner(at: Mapping[str, str]) -> Iterator[Any]:
    """Give a cursor of whom tables may be made by; what it did is committed."""
    connection = connected(at["dsn"])
    with connection, connection.cursor() as cursor:
        yield cursor
    connection.close()


def by_limit(at: dict[str, str], folder: str, file: str) -> Answer:
    """Copy the file into a table of texts, and count a full join with our records."""
    with _ready(at, folder) as told:
        named = ", ".join(f'"{column}" text' for column in COLUMNS)
        with _as_owner(at) as cursor, Path(file).open("rb") as source:
            cursor.execute(f"create unlogged table k1_file ({named})")
            cursor.copy_expert("copy k1_file from stdin (format csv, header)", source, 1 << 20)
            cursor.execute(
                'select count(*), count(f."CustomerId"), count(o.customer_id) from k1_file f full join k1_own o on'
                ' o.customer_id = f."CustomerId" and o.subscription_id = f."SubscriptionId"'
                ' and o.product_id = f."ProductId" and o.sku_id = f."SkuId"'
            )
            told["counts"] = list(cursor.fetchone())
    return told


def prepare(at: dict[str, str], folder: str, rows: int, own: str) -> Answer:
    """Keep our records in the product, and as texts for the limit; not measured."""
    with _ready(at, folder) as told:
        from decimal import Decimal

        from core import actor, clock
        from core.scope import Scope
        from reconciliation.books import OwnRecord
        from reconciliation.lines import Kind
        from reconciliation.operations import own_records

        records = (
            OwnRecord(
                ref,
                Kind.ONETIME_RECURRING,
                ids,
                None,
                "USD",
                Decimal(quantity),
                Decimal(price),
                Decimal(subtotal),
                Decimal(tax),
            )
            for ref, ids, price, quantity, subtotal, tax in ours(rows)
        )
        own_records.save(
            scope=Scope(1), records=records, source="upload", by=actor.system("benchmark"), now=clock.now()
        )
        with _as_owner(at) as cursor, Path(own).open("rb") as source:
            cursor.execute(
                "create unlogged table k1_own (customer_id text, subscription_id text, product_id text, sku_id text,"
                " price text, quantity text, subtotal text, tax text)"
            )
            cursor.copy_expert("copy k1_own from stdin", source, 1 << 20)
    return told


def by_product(at: dict[str, str], folder: str, file: str) -> Answer:
    """Load the file, let it count and compare it."""
    with _ready(at, folder) as told:
        from core import actor, clock
        from core.scope import Scope
        from reconciliation.operations import comparing, deciding, loading, storing
        from reconciliation.reading import ON_THIS_MACHINE

        scope, by, start = Scope(1), actor.system("benchmark"), time.perf_counter()
        with Path(file).open("rb") as source:
            batch = storing.receive(
                scope=scope, file=source, name="file.csv", locale="ko", by=by, now=clock.now(), limits=ON_THIS_MACHINE
            ).batch
        told["kept"] = time.perf_counter() - start
        loading.load(
            scope=scope, batch_id=batch.public_id, fence=1, by=by, now=clock.now(), tell=lambda _done, _total: None
        )
        told["loaded"] = time.perf_counter() - start
        deciding.accept(scope=scope, batch_id=batch.public_id, confirm=False, by=by, now=clock.now())
        made = comparing.compare(scope=scope, batch_id=batch.public_id, by=by, now=clock.now())
        told["counts"] = made.counts
    return told


# ---- measuring


class _Size:
    """One size of file: what is measured with it, and what each run must find."""

    def __init__(self, at: Server, folder: Path, rows: int) -> None:
        self.at, self.rows, self.folder = at, rows, folder
        self.file, own = write_files(folder, rows)
        self.samples: dict[str, list[Sample]] = {"limit": [], "product": []}
        run(self._candidate("prepare", at, {"rows": rows, "own": own}))
        at.run("analyze")

    def _candidate(self, function: str, at: Server, more: Mapping[str, Any]) -> Candidate:
        where = {"dsn": at.dsn, "admin_dsn": at.admin_dsn}
        return Candidate(
            function, f"benchmarks.k1_reconcile:{function}", {"at": where, "folder": str(self.folder), **more}
        )

    def round(self, number: int) -> None:
        """Measure both once, on a fresh copy of the database, and check what they found."""
        for name in self.samples:
            with copy_of(self.at) as fresh:
                sample = run(self._candidate(f"by_{name}", fresh, {"file": self.file}))
                sample = replace(sample, seconds=sample.answer["took"], idle_mb=sample.answer["idle"])
                self._check(name, sample)
            self.samples[name].append(sample)
            say(f"round {number}: {self.rows:8} {name:8} {sample.seconds:8.2f} s  {sample.peak_mb:6.0f} MB")
            say(f"    {sample.answer}")

    def _check(self, name: str, sample: Sample) -> None:
        odd = self.rows // ODD
        wanted: object = {
            "matched": self.rows - 2 * odd,
            "missing_on_our_side": odd,
            "amount_mismatch": odd,
            "missing_in_file": odd,
        }
        if name == "limit":
            wanted = [self.rows + odd, self.rows, self.rows]
        if sample.answer["counts"] != wanted:
            raise AssertionError(name, sample.answer["counts"], wanted)


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--machine", default="")
    asked = parser.parse_args()
    sizes: list[_Size] = []
    for part in (10, 4, 2, 1):
        with ExitStack() as stack:
            folder = Path(stack.enter_context(TemporaryDirectory(prefix="k1-", dir=state_folder())))
            size = _Size(stack.enter_context(product_database()), folder, asked.rows // part)
            sizes.append(size)
            for number in range(1, (asked.rounds if part in (10, 1) else 1) + 1):
                size.round(number)
    report = _report(sizes)
    say(f"{report}\n{save('k1_reconcile', report, machine=asked.machine)}")


def _report(sizes: list[_Size]) -> dict[str, Any]:
    small, large = sizes[0], sizes[-1]
    ratio = ratios(large.samples["product"], large.samples["limit"])
    peaks = {size.rows: round(max(one.peak_mb for one in size.samples["product"])) for size in sizes}
    return {
        "what": f"load, check and compare a billing file of {large.rows} lines x {len(COLUMNS)} columns",
        "against": "COPY into an unlogged table of texts and a counted full join",
        "goal": GOAL,
        "moonshot": MOONSHOT,
        "ratio": ratio,
        "ratio_small": ratios(small.samples["product"], small.samples["limit"]),
        "met": ratio["median"] <= GOAL and max(peaks.values()) <= MOST_MB,
        "growth": ratios(large.samples["product"], small.samples["product"]),
        "peak_mb": peaks,
        "idle_mb": round(max(one.idle_mb for one in large.samples["product"])),
        "seconds": {f"{size.rows} {way}": seconds(of) for size in sizes for way, of in size.samples.items()},
    }


if __name__ == "__main__":
    main()

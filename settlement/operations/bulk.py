"""
Manual adjustments of an upload that the database holds already, as rows of text (see `console.upload_copy`).

Rows are checked, recorded and posted by statements over all of them, so a million rows take no more memory here than a
thousand. What a record and its journals are is the same as where they are recorded one by one.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from django.db import connection, transaction

from access import audit
from console.files.errors import ValueRefused
from console.files.values import parse_date
from console.upload_copy import BLANKS
from core import clock, ids
from core.actor import Actor
from core.scope import Scope
from core.sql import load
from ledger import accounts, posting
from ledger.accounts import Address
from ledger.chart import Code
from settlement import legs, terms
from settlement.models import RecordType, Setting
from settlement.operations import _locks, maturity, settings
from settlement.operations._manuals import ManualRow
from settlement.operations._record import KIND
from settlement.operations.maturity import Group, Joined, Key

_CHUNK = 1_000
_PARTNERS = 5_000
# A sheet of more different days is no calendar; those beyond are read one by one.
_MOST_DAYS = 10_000
_LONGEST_DAY = 40

_TABLES = """
    drop table if exists pg_temp.upload_day, pg_temp.upload_fixed, pg_temp.upload_joined, pg_temp.upload_account;
    create temp table upload_day (written text primary key, day date not null) on commit drop;
    create temp table upload_fixed (line bigint, partner text, day date, amount bigint, tax_free bigint, memo text)
        on commit drop;
    create temp table upload_joined (partner_id bigint, day date, alone bigint, settlement_id bigint, public_id text,
        available bigint, event text, event_key text) on commit drop;
    create temp table upload_account (
        partner_id bigint primary key, pending bigint, receivable bigint, available bigint) on commit drop;
"""


class CopiedManuals:
    """The manual adjustments copied in the open transaction, in won. Its methods belong into that transaction."""

    def __init__(self, scope: Scope, now: datetime, *, types: Sequence[str], samples: Sequence[str]) -> None:
        """
        Look for rows that are not plainly right; they end up in `upload_odd`.

        `types` are the words for the kind of record; rows of the partner ids in `samples` are never plain.
        """
        self._scope, self._now = scope, now
        self._setting: Setting = settings.current(scope)
        self._alone = maturity.stands_alone(self._setting, RecordType.MANUAL)
        self._values: dict[str, Any] = {
            "merchant": scope.merchant_id,
            "is_test": scope.is_test,
            "alone": self._alone,
            "now": now,
            "today": clock.seoul_day(now),
            # Room for the number of the row at the end of a common beginning, which nobody else's id has.
            "prefix": ids.new_id(ids.TRANSFER, now)[:-7],
            "reason": legs.GENERAL,
            "types": list(types),
            "samples": list(samples),
            "blanks": BLANKS,
        }
        with connection.cursor() as cursor:
            cursor.execute(_TABLES)
            self._read_days(cursor)
            cursor.execute(load("settlement", "odd_manuals"), self._values)
            self.odd = int(cursor.rowcount)
            cursor.execute("analyze upload_odd")
            cursor.execute("select count(*) from upload_line")
            self.lines = int(cursor.fetchone()[0])

    def _read_days(self, cursor: Any) -> None:
        """Read each way in which a day is written once, as every other file's are read."""
        cursor.execute(
            "select distinct settlement_date from upload_line where length(settlement_date) <= %s limit %s",
            [_LONGEST_DAY, _MOST_DAYS],
        )
        read: dict[str, date] = {}
        for (written,) in cursor.fetchall():
            try:
                read[written] = parse_date(written)
            except ValueRefused:
                continue
        cursor.execute(
            "insert into upload_day select * from unnest(%s::text[], %s::date[])", [list(read), list(read.values())]
        )

    # ---- what the preview shows

    def cleared(self) -> tuple[int, int]:
        """Return how many rows are plainly right, and the sum of their amounts."""
        with connection.cursor() as cursor:
            cursor.execute(
                "select count(*), coalesce(sum(c.amount::bigint), 0) from (select l.amount from upload_line l"
                " where not exists (select from upload_odd o where o.line = l.line) offset 0) c"
            )
            count, total = cursor.fetchone()
        return int(count), int(total)

    def first(self, count: int) -> list[tuple[int, dict[str, Any]]]:
        """Return the first plain rows: number, and values by name, without empty ones."""
        names = ("partner", "settlement_date", "amount", "tax_free", "memo")
        with connection.cursor() as cursor:
            cursor.execute(
                "select c.line, c.type, c.partner, c.day, c.amount::bigint, c.tax_free::bigint, c.memo from ("
                "select l.*, d.day from upload_line l join upload_day d on d.written = l.settlement_date"
                " where not exists (select from upload_odd o where o.line = l.line) order by l.line limit %s) c"
                " order by c.line",
                [count],
            )
            rows = cursor.fetchall()
        found = []
        for line, kind, *values in rows:
            named = {"type": RecordType.MANUAL.value if kind else None} | dict(zip(names, values, strict=True))
            found.append((line, {name: value for name, value in named.items() if value is not None}))
        return found

    # ---- loading

    def add(self, rows: Iterable[tuple[int, ManualRow]]) -> None:
        """Add rows that were read one by one, with their numbers."""
        columns = list(
            zip(*((n, r.partner_id, r.settlement_date, r.amount, r.tax_free, r.memo) for n, r in rows), strict=True)
        )
        if columns:
            with connection.cursor() as cursor:
                cursor.execute(
                    "insert into upload_fixed select * from unnest(%s::bigint[], %s::text[], %s::date[], %s::bigint[],"
                    " %s::bigint[], %s::text[])",
                    [list(column) for column in columns],
                )

    def record(self) -> int:
        """Record all rows; those whose day has come join partner settlements first. Returns how many."""
        self._lock_partners()
        for start in self._groups():
            joined = maturity.join(scope=self._scope, groups=start, now=self._now)
            self._keep(joined)
        with connection.cursor() as cursor:
            cursor.execute("analyze upload_joined")
            cursor.execute(self._over("copied_records"), self._values)
            return int(cursor.rowcount)

    def post(self, by: Actor) -> int:
        """Post the journals of what was recorded, all at once; returns how many."""
        self._open_accounts()
        gain, loss = (legs.manual_legs(sign)[0] for sign in (1, -1))
        counters = accounts.resolve(self._scope, [Address(leg.code, leg.owner, "KRW") for leg in (gain, loss)])
        values = self._values | {
            "gain": counters[0],
            "loss": counters[1],
            "component": legs.Component.MANUAL.value,
            "record_origin": terms.RECORD_ORIGIN,
            "settlement_origin": terms.SETTLEMENT_ORIGIN,
        }
        return posting.post_selected(scope=self._scope, query=self._over("copied_journals"), parameters=values, by=by)

    def _over(self, name: str) -> str:
        return load("settlement", "copied_manuals") + load("settlement", name)

    def _lock_partners(self) -> None:
        """Take the locks of all partners that something is due for, in everybody's order."""
        with connection.cursor() as cursor:
            cursor.execute(self._over("copied_due"), self._values)
            found = [row[0] for row in cursor.fetchall()]
        if len(found) > _locks.MOST_NAMES:
            _locks.whole(self._scope)
        _locks.by_name(self._scope, (f"partner:{pk}" for pk in found))

    def _groups(self) -> Iterator[list[Group]]:
        with connection.chunked_cursor() as cursor:
            cursor.execute(self._over("copied_groups"), self._values)
            while page := cursor.fetchmany(_CHUNK):
                yield [_group(row) for row in page]

    def _keep(self, joined: Sequence[Joined]) -> None:
        """Remember which partner settlement takes which rows, and what becomes available there."""
        rows = []
        for step in joined:
            told = step.posting()
            key = step.key
            found = (key.partner_id, key.settlement_date, key.alone, step.settlement.pk, step.settlement.public_id)
            rows.append((*found, step.available, told.event, told.key))
        with connection.cursor() as cursor:
            cursor.execute(
                "insert into upload_joined select * from unnest(%s::bigint[], %s::date[], %s::bigint[], %s::bigint[],"
                " %s::text[], %s::bigint[], %s::text[], %s::text[])",
                [list(column) for column in zip(*rows, strict=True)],
            )

    def _open_accounts(self) -> None:
        """Find the accounts that each partner's rows move, opening those it does not have yet."""
        with connection.chunked_cursor() as cursor:
            cursor.execute(self._over("copied_partners"), self._values)
            while page := cursor.fetchmany(_PARTNERS):
                self._open(page)

    def _open(self, page: Sequence[tuple[int, str, bool, bool, bool]]) -> None:
        codes = (Code.PARTNER_PENDING, Code.PARTNER_RECEIVABLE, Code.PARTNER_AVAILABLE)
        wanted = [
            (pk, code, accounts.partner(code, name))
            for pk, name, *moved in page
            for code, moves in zip(codes, moved, strict=True)
            if moves
        ]
        opened = accounts.resolve(self._scope, [address for _pk, _code, address in wanted])
        found: dict[tuple[int, Code], int] = {
            (pk, code): account for (pk, code, _address), account in zip(wanted, opened, strict=True)
        }
        pks = [pk for pk, *_rest in page]
        pending, receivable, available = ([found.get((pk, code)) for pk in pks] for code in codes)
        with connection.cursor() as cursor:
            cursor.execute(
                "insert into upload_account"
                " select * from unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[])",
                [pks, pending, receivable, available],
            )


def record_copied(
    *, copied: CopiedManuals, scope: Scope, by: Actor, tell: Callable[[int], None] = lambda _done: None
) -> int:
    """
    Record what was copied, with its journals, all or none; returns how many records.

    `tell` hears when the records are written, as half of the rows. Raises as posting does.
    """
    with transaction.atomic():
        count = copied.record()
        tell(count // 2)
        copied.post(by)
        after: Mapping[str, object] = {"count": count}
        audit.record(scope=scope, by=by, action="settlement_record.loaded", kind=KIND, object_id="", after=after)
    return count


def _group(row: tuple[Any, ...]) -> Group:
    partner, day, alone, count, net, tax_free, credit = row
    net, tax_free, credit = int(net), int(tax_free), int(credit)
    sums = dict.fromkeys(maturity.SUMS, 0)
    sums |= {"settlement": net, "settlement_tax_free": tax_free, "net": net, "net_tax_free": tax_free}
    sums |= {"credit_total": credit, "debit_total": credit - net}
    return Group(Key(partner, None, RecordType.MANUAL.value, day, "KRW", alone), sums, count)

"""Reading bank statements, what explains their lines, and what our own books say of the same account."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import combinations
from typing import Any, Final

from django.db import connection
from django.db.models import F, Min, Q, QuerySet, Sum

from access import sealed
from core.clock import seoul_day
from core.errors import NotFound
from core.scope import Scope
from core.sql import load
from ledger import queries as books
from ledger.accounts import Address
from ledger.chart import Code
from payouts import queries as payout_queries
from payouts.models import Attempt, AttemptState, BankAccount, TransferFile
from reconciliation.models import Statement, StatementLine, StatementMapping, StatementMatch, StatementState
from reconciliation.statements.judging import Entry, Open, Stage, Transfer
from reconciliation.statements.mapping import Mapping as Columns
from settlement import terms
from settlement.dates import is_business_day

BOOKING_DAYS: Final = 3
"""So many business days may lie between two bookings that could be the same money."""
_CALENDAR_DAYS = timedelta(days=14)
_MOST_CANDIDATES = 20
_MOST_SUGGESTIONS = 10
_STAGES: Mapping[str, Stage] = {
    AttemptState.CREATED: Stage.UNSENT,
    AttemptState.CLAIMED: Stage.UNSENT,
    AttemptState.SUBMITTING: Stage.UNSENT,
    AttemptState.ACCEPTED: Stage.UNCLEAR,
    AttemptState.UNKNOWN: Stage.UNCLEAR,
    AttemptState.SUCCEEDED: Stage.PAID,
    AttemptState.RETURNED: Stage.RETURNED,
    AttemptState.FAILED: Stage.UNPAID,
    AttemptState.STOPPED: Stage.UNPAID,
}


def account(scope: Scope, public_id: str) -> BankAccount:
    """Return a bank account of ours. Raises NotFound."""
    found = BankAccount.objects.within(scope).filter(public_id=public_id).first()
    if found is None:
        raise NotFound(bank_account=public_id)
    return found


def accounts(scope: Scope) -> "QuerySet[BankAccount]":
    """Return our bank accounts in the order they were set up."""
    return BankAccount.objects.within(scope).order_by("pk")


def mapping_for(bank_account: BankAccount, layout: str) -> Columns | None:
    """Return what somebody said about the columns of a layout of this account's bank."""
    kept = StatementMapping.objects.filter(bank_account=bank_account, layout=layout).first()
    return Columns.from_json(kept.mapping) if kept else None


def statements(scope: Scope) -> "QuerySet[Statement]":
    """Return all statement files, newest first; without their bytes."""
    rows = Statement.objects.within(scope).select_related("bank_account").defer("content", "content_key")
    return rows.order_by("-created_at", "-id")


def statement(scope: Scope, public_id: str) -> Statement:
    """Return a statement. Raises NotFound."""
    found = statements(scope).filter(public_id=public_id).first()
    if found is None:
        raise NotFound(statement=public_id)
    return found


def lines(scope: Scope) -> "QuerySet[StatementLine]":
    """Return the lines of all confirmed statements, newest first."""
    return StatementLine.objects.within(scope).select_related("statement", "bank_account").order_by("-day", "-id")


def line(scope: Scope, line_id: int) -> StatementLine:
    """Return a line. Raises NotFound."""
    found = lines(scope).filter(pk=line_id).first()
    if found is None:
        raise NotFound(line=line_id)
    return found


def matches(found: StatementLine) -> "QuerySet[StatementMatch]":
    """Return what explains a line, and what did once, in the order it was said."""
    return StatementMatch.objects.filter(line=found).select_related("journal").order_by("pk")


def unexplained(scope: Scope) -> "QuerySet[StatementLine]":
    """Return the lines of which nothing or only a part is explained."""
    return lines(scope).exclude(matched=F("amount"))


def to_attribute(scope: Scope) -> "QuerySet[StatementLine]":
    """Return the lines that are booked to suspense: whose money it is has to be said."""
    return lines(scope).filter(matched=F("amount"), reason=Open.SUSPENSE)


# ---- What we know


@dataclass(frozen=True, slots=True)
class Booked:
    """An entry on a bank account of ours with what it is about; `left` is unexplained, amounts are minor units."""

    journal_id: int
    leg_no: int
    day: date
    amount: int
    left: int
    event: str
    key: str
    origin_kind: str
    origin_id: str

    @property
    def entry(self) -> Entry:
        """The entry as it is judged by."""
        return Entry(self.journal_id, self.leg_no, self.day, self.left)


def entries(bank_account: BankAccount, first_day: date, last_day: date | None = None) -> list[Booked]:
    """Return the entries on an account from a day on, in the order of their days."""
    return _booked(bank_account, first_day=first_day, last_day=last_day)


def _booked(bank_account: BankAccount, **conditions: Any) -> list[Booked]:
    values = {
        "merchant": bank_account.merchant_id,
        "is_test": bank_account.is_test,
        "owner": bank_account.public_id,
        "currency": bank_account.currency,
        **dict.fromkeys(("first_day", "last_day", "journals", "events", "keys")),
        **conditions,
    }
    with connection.cursor() as cursor:
        cursor.execute(load("reconciliation", "bank_entries"), values)
        return [Booked(*row) for row in cursor.fetchall()]


def known_transfers(
    bank_account: BankAccount, names: Collection[tuple[str, date | None]], *, numbers: bool
) -> dict[tuple[str, date | None], Transfer]:
    """
    Return our transfers by the reference, and its date where the bank said it, under which lines name them.

    `numbers` says that a line names an account without its bank, so that the numbers themselves are needed.
    """
    references = {reference for reference, _day in names if reference}
    rows = Attempt.objects.filter(reference__in=references, payout__merchant_id=bank_account.merchant_id)
    rows = rows.filter(payout__is_test=bank_account.is_test).select_related("payout__bulk_payout")
    by_reference: dict[str, list[Attempt]] = defaultdict(list)
    for row in rows:
        by_reference[row.reference].append(row)
    fee = payout_queries.limits(bank_account.scope).return_fee
    found: dict[tuple[str, date | None], Transfer] = {}
    booked = _booked_under(bank_account, references)
    for reference, day in names:
        fitting = [row for row in by_reference.get(reference, []) if day in (None, row.reference_date)]
        # A reference with another date than ours is still ours: the judge says that its date differs.
        one = fitting or by_reference.get(reference, [])
        if len(one) == 1:
            found[reference, day] = _transfer(one[0], bank_account, fee, booked, numbers=numbers)
    return found


def _transfer(
    row: Attempt, bank_account: BankAccount, fee: int, booked: Mapping[tuple[str, str], Entry], *, numbers: bool
) -> Transfer:
    payout = row.payout
    marks = {payout.account_fingerprint}
    if numbers:
        marks.add(sealed.fingerprint("", payout_queries.account_number(payout)))
    return Transfer(
        stage=_STAGES[row.state],
        is_of_account=payout.bulk_payout.bank_account_id == bank_account.pk,
        amount=row.amount,
        currency=payout.currency,
        reference_date=row.reference_date,
        executed_on=seoul_day(row.executed_at) if row.executed_at else None,
        marks=frozenset(marks),
        return_fee=fee,
        paid=booked.get(("succeed", row.reference)),
        came_back=booked.get(("return", row.reference)),
    )


def _booked_under(bank_account: BankAccount, references: Collection[str]) -> dict[tuple[str, str], Entry]:
    """Return the entries of payments and returns by what they are and their reference."""
    keys = [f"{word}:{reference}" for reference in references for word in ("succeed", "return")]
    found = {}
    for one in _of_keys(bank_account, ("payout.succeeded", "payout.came_back"), keys):
        word, _colon, reference = one.key.partition(":")
        found[word, reference] = one.entry
    return found


def deposits_under(bank_account: BankAccount, references: Collection[str]) -> dict[str, Entry]:
    """Return the entries of deposits that were booked under a reference of the bank's."""
    start = f"top-up:{bank_account.public_id}:"
    keys = [f"{start}{reference}" for reference in references if reference]
    return {one.key.removeprefix(start): one.entry for one in _of_keys(bank_account, ("funds.topped_up",), keys)}


def entries_named(bank_account: BankAccount, journals: Sequence[int]) -> list[Booked]:
    """Return the entries of these journals on an account."""
    return _booked(bank_account, journals=list(journals))


def came_back_entry(bank_account: BankAccount, reference: str) -> Entry | None:
    """Return the entry of a payout's return."""
    return _booked_under(bank_account, [reference]).get(("return", reference))


def _of_keys(bank_account: BankAccount, events: Sequence[str], keys: Sequence[str]) -> list[Booked]:
    return _booked(bank_account, events=list(events), keys=list(keys)) if keys else []


class Near:
    """Entries of an account that could explain a line: the same amount, booked at most three business days apart."""

    def __init__(self, bank_account: BankAccount, days: Iterable[date]) -> None:
        self._holidays = terms.holidays(bank_account.scope)
        self._by_amount: dict[int, list[Booked]] = defaultdict(list)
        spread = list(days)
        if spread:
            for one in entries(bank_account, min(spread) - _CALENDAR_DAYS, max(spread) + _CALENDAR_DAYS):
                if one.left:
                    self._by_amount[one.left].append(one)

    def of(self, day: date, amount: int) -> list[Booked]:
        """Return the entries of this amount near the day."""
        return [one for one in self._by_amount.get(amount, []) if self.is_near(day, one.day)]

    def on(self, day: date, amount: int) -> list[Booked]:
        """Return the entries of the same direction on a day, smallest first."""
        same = [one for rows in self._by_amount.values() for one in rows if one.day == day and one.left * amount > 0]
        return sorted(same, key=lambda one: (abs(one.left), one.journal_id, one.leg_no))

    def is_near(self, one: date, other: date) -> bool:
        """Say whether two days lie at most three business days apart."""
        first, last = sorted((one, other))
        days = (first + timedelta(days=step) for step in range(1, (last - first).days + 1))
        return (last - first) <= _CALENDAR_DAYS and sum(
            is_business_day(day, self._holidays) for day in days
        ) <= BOOKING_DAYS


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Entries that together come to what is open of a line, and why they are thought of."""

    entries: tuple[Booked, ...]
    why: str


def suggestions(found: StatementLine) -> list[Suggestion]:
    """Return what could explain a line: one entry, a file of transfers, or a few entries of its day that add up."""
    near = Near(found.bank_account, [found.day])
    made = [Suggestion((one,), "one") for one in near.of(found.day, found.left)]
    made += _of_files(found, near)
    if not made:
        made = [Suggestion(some, "sum") for some in _adding_up(near.on(found.day, found.left), found.left)]
    return made[:_MOST_SUGGESTIONS]


def _of_files(found: StatementLine, near: Near) -> list[Suggestion]:
    """Return files of transfers that come to the line: a bank often books such a file as one."""
    made = []
    files = TransferFile.objects.filter(bank_account=found.bank_account, day=found.day, line_count__gt=1)
    paid = {one.key.removeprefix("succeed:"): one for one in near.on(found.day, found.left)}
    for file in files.order_by("pk"):
        references = file.lines.values_list("attempt__reference", flat=True)
        some = tuple(paid[reference] for reference in references if reference in paid)
        if some and sum(one.left for one in some) == found.left:
            made.append(Suggestion(some, "file"))
    return made


def _adding_up(candidates: Sequence[Booked], wanted: int) -> list[tuple[Booked, ...]]:
    """Return sets of entries that add up exactly, fewest first; beyond twenty entries only a person can choose."""
    if len(candidates) > _MOST_CANDIDATES:
        return []
    found: list[tuple[Booked, ...]] = []
    for size in (2, 3, 4):
        found += [some for some in combinations(candidates, size) if sum(one.left for one in some) == wanted]
        if len(found) >= _MOST_SUGGESTIONS:
            break
    everything = tuple(candidates)
    if len(everything) > 4 and sum(one.left for one in everything) == wanted:  # noqa: PLR2004 - sizes tried above
        found.append(everything)
    return found


# ---- The position


@dataclass(frozen=True, slots=True)
class Position:
    """
    How the books and the bank stand to each other; minor units.

    `ledger` is our balance on the last day the statements cover, `statement` the bank's. `before` is by how much the
    two differed before the first statement. `difference` is what open entries and open lines do not explain: zero
    unless a statement is missing or wrong; None where the bank said no balance.
    """

    first_day: date
    last_day: date
    ledger: int
    statement: int | None
    open_ours: int
    open_theirs: int
    before: int | None

    @property
    def difference(self) -> int | None:
        """What is left when everything open is taken off both sides."""
        if self.statement is None or self.before is None:
            return None
        return (self.ledger - self.open_ours) - (self.statement - self.open_theirs) - self.before


def first_day(bank_account: BankAccount) -> date | None:
    """Return the first day that a confirmed statement of an account covers."""
    rows = Statement.objects.filter(bank_account=bank_account, state=StatementState.CONFIRMED)
    found: date | None = rows.aggregate(first=Min("first_day"))["first"]
    return found


def open_entries(bank_account: BankAccount) -> list[Booked]:
    """Return the entries of an account that no line explains whole, from the first statement on."""
    start = first_day(bank_account)
    return [one for one in entries(bank_account, start) if one.left] if start else []


def position(bank_account: BankAccount) -> Position | None:
    """Return how the books and the bank stand to each other; None before the first statement."""
    rows = Statement.objects.filter(bank_account=bank_account, state=StatementState.CONFIRMED)
    oldest = rows.order_by("first_day", "pk").only("first_day", "opening").first()
    newest = rows.order_by("-last_day", "-pk").only("last_day", "closing").first()
    if oldest is None or newest is None:
        return None
    address = Address(Code.BANK, bank_account.public_id, bank_account.currency)
    start, end = oldest.first_day, newest.last_day
    before = books.balance(bank_account.scope, address, start - timedelta(days=1))
    of_account = StatementLine.objects.filter(bank_account=bank_account)
    theirs = of_account.exclude(matched=F("amount")).aggregate(left=Sum(F("amount") - F("matched")))["left"]
    return Position(
        first_day=start,
        last_day=end,
        ledger=books.balance(bank_account.scope, address, end),
        statement=newest.closing,
        open_ours=sum(one.left for one in entries(bank_account, start, end)),
        open_theirs=theirs or 0,
        before=None if oldest.opening is None else before - oldest.opening,
    )


def waiting_accounts() -> "QuerySet[BankAccount]":
    """Return the accounts with lines that wait for a transfer of ours to be decided."""
    waiting = StatementLine.objects.filter(~Q(matched=F("amount")), reason=Open.NOT_SENT)
    return BankAccount.objects.filter(pk__in=waiting.values("bank_account_id")).order_by("pk")

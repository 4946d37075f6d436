"""
A vendor's billing file against our own records: one outcome for every group of either side.

Pure. A record of ours answers one group at most. Customers known by id are paired first; what is left of our records
may then be suggested to groups that only have a customer's name.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import localcontext
from types import MappingProxyType
from typing import Any

from reconciliation.amounts import EXACT, plain, plain_or_none
from reconciliation.books import Books, OwnRecord, Tolerance
from reconciliation.charges import Charges
from reconciliation.figures import COLUMNS, Money
from reconciliation.groups import FileGroup
from reconciliation.judging import Outcome, OwnFigures, Verdict, judge, own_figures
from reconciliation.keys import KEYS, Identity, name_identity, own_identity
from reconciliation.lines import Kind


@dataclass(frozen=True, slots=True)
class Compared:
    """The outcomes of a file in order, and how often each occurs."""

    outcome_counts: dict[str, int]
    outcomes: list[dict[str, Any]]


# Two editions of one file: a record of ours may come from either.
_FAMILY: Mapping[Kind, Kind] = MappingProxyType({Kind.ONETIME_RECURRING: Kind.NCE_INVOICE})


def family(kind: Kind) -> Kind:
    """Return what kinds whose records are held against each other have in common."""
    return _FAMILY.get(kind, kind)


@dataclass(frozen=True, slots=True)
class _Pair:
    """
    One group of either side and what answers it on the other.

    `known` says that our records have the key of a file's group in whatever currency, `same_currency` that the records
    are those in the group's own.
    """

    currency: str
    group: FileGroup | None
    records: list[OwnRecord]
    known: bool = True
    same_currency: bool = True
    by_name: bool = False


class Comparison:
    """The groups of one file, built line by line, and their comparison with our records."""

    def __init__(self, kind: Kind, *, keep: bool) -> None:
        self._kind = kind
        self._keep = keep
        self._columns = COLUMNS[kind]
        self._groups: dict[tuple[Identity, str], FileGroup] = {}
        self._first: date | None = None
        self._last: date | None = None

    def add(self, charges: Charges) -> None:
        """Take in lines that count."""
        moneys = map(Money, charges.currency, charges.pretax, charges.tax, charges.total)
        figures = zip(moneys, charges.shares, charges.full_prices, strict=True)
        for line, identity, (money, share, price) in zip(
            charges.chunk.lines, charges.identities.one_by_one, figures, strict=True
        ):
            key = (identity, money.currency)
            group = self._groups.get(key)
            if group is None:
                group = self._groups[key] = FileGroup(line, by_name=identity.by_name, keep=self._keep)
            group.add(line, money, share, price)
        for days in charges.periods.different:
            if days is not None:
                self._first = min(*days, self._first or days[0])
                self._last = max(*days, self._last or days[0])

    def compare(self, books: Books, *, tax_itemised: bool) -> Compared:
        """Return the outcome of every group. Without itemised tax the tax of no group is compared."""
        tax_compared = tax_itemised and self._columns.tax is not None
        counts: dict[str, int] = {}
        outcomes: list[dict[str, Any]] = []
        with localcontext(EXACT):
            for pair in self._pairs(books.records):
                outcome, ours, verdict = self._judged(pair, books.tolerance, tax_compared=tax_compared)
                counts[outcome] = counts.get(outcome, 0) + 1
                if self._keep:
                    outcomes.append(self._entry(pair, outcome, ours, verdict))
        return Compared(counts, outcomes)

    def _in_scope(self, record: OwnRecord) -> bool:
        """Say whether a record belongs to the kind and the period of the file; one without a period always does."""
        if family(record.kind or self._kind) is not family(self._kind):
            return False
        if record.period_start is None and record.period_end is None:
            return True
        if self._first is None or self._last is None:
            return False
        begins_later = record.period_start is not None and record.period_start > self._last
        ends_earlier = record.period_end is not None and record.period_end < self._first
        return not begins_later and not ends_earlier

    def _pairs(self, records: Iterable[OwnRecord]) -> list[_Pair]:
        """Return the groups of the file in order, then what only we have, in our order."""
        own: dict[Identity, _Placed] = {}
        for place, record in enumerate(records):
            if self._in_scope(record):
                own.setdefault(own_identity(self._kind, record), []).append((place, record))
        file: dict[Identity, dict[str, FileGroup]] = {}
        for (identity, currency), group in self._groups.items():
            file.setdefault(identity, {})[currency] = group

        answers = _answers(file, own)
        paired: dict[tuple[Identity, str], _Pair] = {}
        left = list(own.items())
        for identity, groups in file.items():
            pairs, spare = _paired(groups, answers.get(identity, []), by_name=identity.by_name)
            paired.update({(identity, pair.currency): pair for pair in pairs})
            left.append((identity, spare))
        return [paired[key] for key in self._groups] + _ours_only(left)

    def _judged(
        self, pair: _Pair, tolerance: Tolerance, *, tax_compared: bool
    ) -> tuple[Outcome, OwnFigures | None, Verdict | None]:
        """Return the outcome of a pair, our figures where shown, and the verdict where figures were compared."""
        if pair.group is None:
            return Outcome.MISSING_IN_FILE, own_figures(pair.records), None
        if not pair.known:
            return Outcome.MISSING_ON_OUR_SIDE, None, None
        if not pair.same_currency:
            return Outcome.CURRENCY_MISMATCH, None, None
        ours = own_figures(pair.records)
        verdict = judge(self._kind, pair.currency, pair.group, ours, tolerance, tax_compared=tax_compared)
        return verdict.outcome, ours, verdict

    def _entry(self, pair: _Pair, outcome: Outcome, ours: OwnFigures | None, verdict: Verdict | None) -> dict[str, Any]:
        """Return an outcome in the shape that is printed and stored."""
        group = pair.group
        suggested = ["matched_by_name"] if pair.by_name and pair.known else []
        difference = {"subtotal": plain(verdict.subtotal), "tax": plain_or_none(verdict.tax)} if verdict else None
        return {
            "key": self._key(pair),
            "currency": pair.currency,
            "outcome": str(outcome),
            "also": verdict.also if verdict else [],
            "difference": difference,
            "notes": (verdict.notes if verdict else []) + suggested,
            "file_lines": group.lines if group else 0,
            "file_subtotal": plain(group.subtotal) if group else None,
            "file_tax": plain(group.tax) if group else None,
            "file_quantity": plain_or_none(group.quantity) if group else None,
            "file_unit_price": plain_or_none(group.unit_price) if group else None,
            "our_subtotal": plain(ours.subtotal) if ours else None,
            "our_tax": plain_or_none(ours.tax) if ours else None,
            "our_quantity": plain_or_none(ours.quantity) if ours else None,
            "our_unit_price": plain_or_none(ours.unit_price) if ours else None,
            "refs": [record.ref for record in pair.records],
            "records": list(group.records or ()) if group else [],
        }

    def _key(self, pair: _Pair) -> dict[str, str | None]:
        names = [name for name, _ in KEYS[self._kind]]
        if pair.group is None:
            return {name: pair.records[0].ids.get(name) for name in names}
        key: dict[str, str | None] = dict(zip(names, pair.group.key, strict=True))
        if pair.by_name and pair.known:
            key["customer_name"] = pair.group.customer_name
        return key


_Placed = list[tuple[int, OwnRecord]]


def _answers(file: Iterable[Identity], own: dict[Identity, _Placed]) -> dict[Identity, _Placed]:
    """Take our records of every identity of the file out of `own`: first those known by id, then those by name."""
    identities = [identity for identity in file if identity.can_match]
    answers = {identity: own.pop(identity) for identity in identities if not identity.by_name and identity in own}
    named: dict[Identity, list[Identity]] = {}
    for identity, found in own.items():
        for name in {name_identity(record, identity.rest) for _, record in found}:
            named.setdefault(name, []).append(identity)
    for identity in identities:
        if identity.by_name:
            taken = [placed for one in named.get(identity, ()) for placed in _take(own, one, identity)]
            if taken:
                answers[identity] = sorted(taken, key=lambda placed: placed[0])
    return answers


def _take(own: dict[Identity, _Placed], identity: Identity, name: Identity) -> _Placed:
    """Take the records of one key that bear a name out of `own`."""
    found = own.pop(identity, [])
    taken = [placed for placed in found if name_identity(placed[1], identity.rest) == name]
    rest = [placed for placed in found if placed not in taken]
    if rest:
        own[identity] = rest
    return taken


def _paired(groups: Mapping[str, FileGroup], answer: _Placed, *, by_name: bool) -> tuple[list[_Pair], _Placed]:
    """
    Give each group of one key our records in its currency, and what is left to groups in other currencies.

    A currency of ours that the file lacks answers one group only; what no group is left for is returned.
    """
    by_currency: dict[str, _Placed] = {}
    for placed in answer:
        by_currency.setdefault(placed[1].currency, []).append(placed)
    spare = [currency for currency in by_currency if currency not in groups]
    pairs = []
    for currency, group in groups.items():
        same = currency in by_currency
        taken = currency if same else (spare.pop(0) if spare else None)
        records = [record for _, record in by_currency[taken]] if taken else []
        pairs.append(_Pair(currency, group, records, known=bool(answer), same_currency=same, by_name=by_name))
    return pairs, [placed for currency in spare for placed in by_currency[currency]]


def _ours_only(left: Iterable[tuple[Identity, _Placed]]) -> list[_Pair]:
    """Return one pair for every key and currency of our records that no group of the file answers."""
    grouped: dict[tuple[Identity, str], _Placed] = {}
    for identity, found in left:
        for placed in found:
            grouped.setdefault((identity, placed[1].currency), []).append(placed)
    return [
        _Pair(currency, None, [record for _, record in found])
        for (_, currency), found in sorted(grouped.items(), key=lambda entry: entry[1][0][0])
    ]

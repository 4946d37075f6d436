"""
Everything that is said about one file of one kind, gathered line by line in one pass.

Pure. Sums run exactly; nothing is kept for a line unless its flags or its group are asked for.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from types import MappingProxyType
from typing import Any

from reconciliation.amounts import EXACT, ZERO, plain
from reconciliation.arithmetic import shown_checks
from reconciliation.books import Books
from reconciliation.charge_types import ChargeType, Group
from reconciliation.charges import Charges
from reconciliation.checks import Check, Result, amount
from reconciliation.chunks import Chunk
from reconciliation.comparing import Compared, Comparison
from reconciliation.figures import COLUMNS
from reconciliation.lines import Kind, Line
from reconciliation.providers import Batches, Payouts, adyen_net, currency_of, net_check
from reconciliation.resellers import ByReseller, Sums
from reconciliation.series import combined

_PROVIDERS = frozenset({Kind.STRIPE_PAYOUT, Kind.ADYEN_SETTLEMENT})
# What a summary row may print beside the totals, by the name that the format gives such a sum.
_PRINTED_TOO: Mapping[Kind, Mapping[str, str]] = MappingProxyType(
    {Kind.LICENSE: {"amount": "Amount", "discount": "TotalOtherDiscount"}}
)


@dataclass(frozen=True, slots=True)
class Assessed:
    """
    What a file says, in the shapes that are printed and stored. Decimals are plain text.

    `printable` has the totals and every other sum that a summary row may print.
    """

    totals: dict[str, dict[str, str]]
    printable: dict[str, dict[str, str]]
    by_reseller: list[dict[str, Any]]
    line_flags: list[dict[str, Any]]
    line_flag_counts: dict[str, int]
    notes: list[str]
    payout: dict[str, str] | None
    batch: dict[str, dict[str, str]] | None
    warnings: set[str]


LineFlags = dict[int, list[dict[str, Any]]]
"""What is shown beside lines, by record; records without anything are left out."""


class _Flags:
    """What is shown beside single lines: how often each flag occurs, and, if kept, where."""

    def __init__(self, *, keep: bool) -> None:
        self._keep = keep
        self.counts: dict[str, int] = {}
        self._entries: list[dict[str, Any]] = []

    def add(self, record: int, check: Check) -> dict[str, Any]:
        """Take in a check that is shown and return it; a figure that is right has no difference to show."""
        entry: dict[str, Any] = {"record": record, "check": check.name, "result": str(check.result)}
        if check.result is not Result.OK:
            entry["difference"] = plain(check.difference)
        elif check.formula is not None:
            entry["formula"] = str(check.formula)
        return self._counted(entry)

    def damaged(self, record: int, column: str) -> dict[str, Any]:
        """Take in an identifier that a spreadsheet has destroyed and return the flag."""
        return self._counted({"record": record, "check": f"id:{column}", "result": "damaged"})

    def _counted(self, entry: dict[str, Any]) -> dict[str, Any]:
        name = f"{entry['check']}:{entry['result']}"
        self.counts[name] = self.counts.get(name, 0) + 1
        if self._keep:
            self._entries.append(entry)
        return entry

    def entries(self) -> list[dict[str, Any]]:
        """Return the flags by record, then check."""
        return sorted(self._entries, key=lambda entry: (entry["record"], entry["check"]))


class Assessment:
    """
    What the lines of one kind that count come to, fed chunk by chunk.

    Without `keep` only counts and sums are kept; without `compared` the file cannot be compared afterwards, and memory
    does not grow with its groups either. Parts of one batch may be fed one after the other; an answer may be asked for
    at any time.
    """

    def __init__(self, kind: Kind, *, keep: bool, compared: bool = True) -> None:
        self._kind = kind
        self._columns = COLUMNS.get(kind)
        self._flags = _Flags(keep=keep)
        self._warnings: set[str] = set()
        self._totals: dict[str, Sums] = {}
        self._provider_totals: dict[str, dict[str, Decimal]] = {}
        self._printed_too = _PRINTED_TOO.get(kind, {})
        self._printed_sums: dict[tuple[str, str], Decimal] = {}
        self._by_reseller = ByReseller()
        self._tax_seen = False
        self._payouts = Payouts() if kind is Kind.STRIPE_PAYOUT else None
        self._batches = Batches() if kind is Kind.ADYEN_SETTLEMENT else None
        self._comparison = Comparison(kind, keep=keep) if compared and self._columns else None

    def add(self, chunk: Chunk, charges: Charges | None) -> LineFlags:
        """
        Take in lines of the kind and return their flags; only a valid one that is no copy counts.

        `chunk` are the lines that count, `charges` what they charge, if they are of a kind that does.
        """
        flags: LineFlags = {}
        for record, columns in zip(chunk.records, chunk.damaged, strict=True):
            if columns:
                flags[record] = [self._flags.damaged(record, column) for column in columns]
        with localcontext(EXACT):
            if charges is not None:
                self._add_charges(charges)
                self._check(chunk.records, shown_checks(chunk), flags)
            elif self._kind in _PROVIDERS:
                self._add_movements(chunk.lines)
                checks = enumerate(map(net_check, chunk.lines))
                self._check(chunk.records, ((line, check) for line, check in checks if check and check.shown), flags)
        return flags

    def _add_charges(self, charges: Charges) -> None:
        self._judge_types(charges)
        for currency, sums in charges.by_currency():
            self._totals.setdefault(currency, Sums()).add(sums)
        for name, column in self._printed_too.items():
            for currency, figure in zip(charges.currency, charges.amounts(column), strict=True):
                key = (currency, name)
                self._printed_sums[key] = self._printed_sums.get(key, ZERO) + figure
        self._by_reseller.add(charges.by_reseller())
        self._tax_seen = self._tax_seen or any(charges.tax.different)
        if self._comparison is not None:
            self._comparison.add(charges)

    def _judge_types(self, charges: Charges) -> None:
        if any(type_.group is Group.OTHER for type_ in charges.types.different):
            self._warnings.add("unknown_charge_type")
        if any(combined(ChargeType.contradicted_by, charges.types, charges.signs).different):
            self._warnings.add("unexpected_sign")

    def _add_movements(self, lines: Iterable[Line]) -> None:
        names = ("gross", "fee", "net") if self._kind is Kind.STRIPE_PAYOUT else ("net",)
        for line in lines:
            sums = self._provider_totals.setdefault(currency_of(line), dict.fromkeys(names, ZERO))
            for name in names:
                sums[name] += amount(line, name) if self._kind is Kind.STRIPE_PAYOUT else adyen_net(line)
            if self._payouts is not None:
                self._payouts.add(line)
            if self._batches is not None:
                self._batches.add(line)

    def _check(self, records: Sequence[int], shown: Iterable[tuple[int, Check]], flags: LineFlags) -> None:
        for line, check in shown:
            flags.setdefault(records[line], []).append(self._flags.add(records[line], check))
            if check.result is Result.FAULT:
                self._warnings.add("arithmetic_faults")

    def finish(self) -> Assessed:
        """Return what the lines so far come to."""
        totals = self._all_totals()
        return Assessed(
            totals=totals,
            printable=self._printable(totals),
            by_reseller=self._resellers(),
            line_flags=self._flags.entries(),
            line_flag_counts=dict(sorted(self._flags.counts.items())),
            notes=["tax_not_itemised"] if self._tax_not_itemised else [],
            payout=self._payouts.result() if self._payouts is not None else None,
            batch=self._batches.result() if self._batches is not None else None,
            warnings=self._warnings | ({"multiple_currencies"} if len(totals) > 1 else set()),
        )

    def compare(self, books: Books) -> Compared:
        """Return the outcome of every group. Payment providers' files and daily blocks without prices have none."""
        if self._comparison is None:
            return Compared({}, [])
        return self._comparison.compare(books, tax_itemised=not self._tax_not_itemised)

    @property
    def _tax_not_itemised(self) -> bool:
        """Say whether the file has a column for tax and lines, and no line has any tax."""
        has_tax = self._columns is not None and self._columns.tax is not None
        return has_tax and bool(self._totals) and not self._tax_seen

    def _all_totals(self) -> dict[str, dict[str, str]]:
        totals = {
            currency: {"pretax": plain(sums.pretax), "tax": plain(sums.tax), "total": plain(sums.total)}
            for currency, sums in self._totals.items()
        }
        for currency, figures in self._provider_totals.items():
            totals[currency] = {name: plain(value) for name, value in figures.items()}
        return dict(sorted(totals.items()))

    def _printable(self, totals: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
        found = {currency: dict(figures) for currency, figures in totals.items()}
        for (currency, name), value in self._printed_sums.items():
            found[currency][name] = plain(value)
        return found

    def _resellers(self) -> list[dict[str, Any]]:
        return [
            {
                "bucket": str(bucket),
                "mpn": mpn,
                "currency": currency,
                "lines": sums.lines,
                "pretax": plain(sums.pretax),
                "tax": plain(sums.tax),
                "total": plain(sums.total),
            }
            for bucket, mpn, currency, sums in self._by_reseller.entries()
        ]

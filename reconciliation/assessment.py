"""
Everything that is said about one file of one kind, gathered line by line in one pass.

Pure. Sums run exactly; nothing is kept for a line unless its flags or its group are asked for.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal, localcontext
from types import MappingProxyType
from typing import Any

from reconciliation.amounts import EXACT, ZERO, plain
from reconciliation.arithmetic import checks
from reconciliation.books import Books
from reconciliation.charge_types import ChargeType, Group, charge_type
from reconciliation.checks import Check, Result, amount, text
from reconciliation.comparing import Compared, Comparison
from reconciliation.figures import COLUMNS, Money, money_of
from reconciliation.lines import Kind, Line
from reconciliation.providers import Batches, Payouts, adyen_net, currency_of, net_check
from reconciliation.resellers import ByReseller, Sums

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
    What the lines of one kind come to. Feed it every line of the kind, those that do not count too.

    `columns` are the names of the kind's columns that the file has. Without `keep` only counts and sums are kept;
    without `compared` the file cannot be compared afterwards, and memory does not grow with its groups either. Parts
    of one batch may be fed one after the other; an answer may be asked for at any time.
    """

    def __init__(self, kind: Kind, *, columns: Collection[str], keep: bool, compared: bool = True) -> None:
        self._kind = kind
        self._columns = COLUMNS.get(kind)
        self._flags = _Flags(keep=keep)
        self._warnings: set[str] = set()
        self._totals: dict[str, Sums] = {}
        self._provider_totals: dict[str, dict[str, Decimal]] = {}
        self._printed_too = _PRINTED_TOO.get(kind, {})
        self._printed_sums: dict[tuple[str, str], Decimal] = {}
        self._by_reseller = ByReseller(in_file="ResellerMpnId" in columns)
        self._tax_seen = False
        self._payouts = Payouts() if kind is Kind.STRIPE_PAYOUT else None
        self._batches = Batches() if kind is Kind.ADYEN_SETTLEMENT else None
        self._comparison = Comparison(kind, keep=keep) if compared and self._columns else None

    def add(self, line: Line) -> list[dict[str, Any]]:
        """Take in a line of the kind and return its flags; only a valid one that is no copy counts."""
        if not line.counts:
            return []
        flags = [self._flags.damaged(line.record, column) for column in line.damaged]
        with localcontext(EXACT):
            if self._columns is not None:
                flags += self._add_charge(line, money_of(line, self._columns))
            elif self._kind in _PROVIDERS:
                flags += self._add_movement(line)
        return flags

    def _add_charge(self, line: Line, money: Money) -> list[dict[str, Any]]:
        type_ = charge_type(line.kind, text(line, "ChargeType"))
        self._judge_type(type_, money)
        self._totals.setdefault(money.currency, Sums()).add(money.pretax, money.tax, money.total)
        for name, column in self._printed_too.items():
            key = (money.currency, name)
            self._printed_sums[key] = self._printed_sums.get(key, ZERO) + amount(line, column)
        self._by_reseller.add(line, *money)
        self._tax_seen = self._tax_seen or bool(money.tax)
        if self._comparison is not None:
            self._comparison.add(line, type_, money)
        return self._check(line.record, checks(line))

    def _judge_type(self, type_: ChargeType, money: Money) -> None:
        if type_.group is Group.OTHER:
            self._warnings.add("unknown_charge_type")
        elif type_.contradicted_by((money.pretax > 0) - (money.pretax < 0)):
            self._warnings.add("unexpected_sign")

    def _add_movement(self, line: Line) -> list[dict[str, Any]]:
        check = net_check(line)
        figures = (
            {name: amount(line, name) for name in ("gross", "fee", "net")}
            if self._kind is Kind.STRIPE_PAYOUT
            else {"net": adyen_net(line)}
        )
        sums = self._provider_totals.setdefault(currency_of(line), dict.fromkeys(figures, ZERO))
        for name, value in figures.items():
            sums[name] += value
        if self._payouts is not None:
            self._payouts.add(line)
        if self._batches is not None:
            self._batches.add(line)
        return self._check(line.record, [check] if check else [])

    def _check(self, record: int, made: list[Check]) -> list[dict[str, Any]]:
        if any(check.result is Result.FAULT for check in made):
            self._warnings.add("arithmetic_faults")
        return [self._flags.add(record, check) for check in made if check.shown]

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

"""
Daily usage against the invoice it was billed with.

Pure. The invoice cuts each of its lines to the minor unit, so the days may come to a little more than the invoice,
less than one minor unit for every line of it, and never to less.
"""

from dataclasses import dataclass, field
from decimal import Decimal, localcontext
from typing import Any

from reconciliation.amounts import EXACT, ZERO, minor_unit, plain
from reconciliation.checks import text
from reconciliation.figures import COLUMNS, money_of
from reconciliation.keys import Part, id_in
from reconciliation.lines import Line

_KEY = (
    ("customer_id", "CustomerId"),
    ("subscription_id", "SubscriptionId"),
    ("product_id", "ProductId"),
    ("sku_id", "SkuId"),
)


@dataclass(slots=True)
class _Sum:
    key: dict[str, str | None]
    subtotal: Decimal = ZERO
    lines: int = 0


# Ids and currency; amounts in two currencies are never added.
_Group = tuple[Part, ...]


@dataclass(slots=True)
class _Side:
    """The sums of one file, by invoice number (empty where a line has none) and group."""

    sums: dict[str, dict[_Group, _Sum]] = field(default_factory=dict)

    def groups(self, line: Line) -> dict[_Group, _Sum]:
        """Return the groups of the invoice that a line belongs to."""
        return self.sums.setdefault(text(line, "InvoiceNumber").lower(), {})

    def add(self, line: Line) -> None:
        """Take in a line."""
        money = money_of(line, COLUMNS[line.kind])
        group = (*(id_in(line, column) for _, column in _KEY), money.currency)
        groups = self.groups(line)
        if group not in groups:
            groups[group] = _Sum({name: text(line, column) or None for name, column in _KEY})
        groups[group].lines += 1
        groups[group].subtotal += money.pretax


class CrossCheck:
    """
    Holds daily files against the consumption lines of one invoice file, `file_name`.

    Only days of the invoice's own number belong to it. A daily file without any invoice number is taken to be of the
    invoice that it is held against.
    """

    def __init__(self, file_name: str) -> None:
        self._file_name = file_name
        self._invoice = _Side()
        self._daily = _Side()

    def add_invoice(self, line: Line) -> None:
        """Take in a line of the invoice file; of those that count, consumption is compared."""
        if not line.counts:
            return
        if text(line, "MeterDescription"):
            with localcontext(EXACT):
                self._invoice.add(line)
        else:
            self._invoice.groups(line)

    def add_daily(self, line: Line) -> None:
        """Take in a line of a daily file."""
        if line.counts:
            with localcontext(EXACT):
                self._daily.add(line)

    def result(self) -> dict[str, Any]:
        """
        Return the groups of the daily file in its order, then those only the invoice has.

        The days are forgotten, so the next daily file begins anew.
        """
        daily, self._daily = self._daily, _Side()
        with localcontext(EXACT):
            groups = []
            for number, invoiced in self._invoice.sums.items():
                days = daily.sums.get("" if set(daily.sums) == {""} else number, {})
                for group in dict.fromkeys([*days, *invoiced]):
                    entry = _compared(group, days.get(group), invoiced.get(group))
                    if entry is not None:
                        groups.append(entry)
        return {"with": self._file_name, "groups": groups}


def _compared(group: _Group, days: _Sum | None, invoiced: _Sum | None) -> dict[str, Any] | None:
    """Return the comparison of one group; None where there is nothing on either side."""
    known = days or invoiced
    if known is None or (invoiced is None and not known.subtotal):
        return None
    sum_daily = days.subtotal if days else ZERO
    subtotal, lines = (invoiced.subtotal, invoiced.lines) if invoiced else (ZERO, 0)
    unit = minor_unit(str(group[-1]))
    return {
        **known.key,
        "sum_daily": plain(sum_daily),
        "invoice_subtotal": plain(subtotal),
        "invoice_lines": lines,
        "result": "ok" if ZERO <= sum_daily - subtotal < unit * lines else "outside",
    }

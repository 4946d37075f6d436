"""
What a run found out, as the pages of its details show it: every figure written, explained, and what would make it pass.

A run is kept as text in exact figures; nothing is computed anew here except how a percentage came about.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from console.columns import UNKNOWN, Badge
from matching.models import InvoiceLine, Verdict
from matching.pages import shown
from matching.told import Told

# The digits before the point of a number that needs separators.
_LONG = re.compile(r"(?<![\d.])\d{4,}")


@dataclass(frozen=True, slots=True)
class Figure:
    """One compared figure: both sides, the variance, the verdict, how it came about and what would make it pass."""

    name: str
    label: str
    actual: str
    expected: str
    variance: str
    percent: str
    exact: str
    badge: Badge | None
    tolerance: str
    source: str
    how: str
    formulas: tuple[str, ...]
    passing: tuple[str, ...]
    path: tuple[str, ...]

    @property
    def failed(self) -> bool:
        """Say whether the figure is a discrepancy."""
        return self.badge is shown.VERDICT_BADGES[Verdict.FAILED]


def _grouped(formula: str) -> str:
    """Return a formula with separators in its long numbers, as the figures beside it have them."""
    return _LONG.sub(lambda digits: f"{int(digits[0]):,}", formula)


def _how(told: Told) -> str:
    """Return how a percentage came about, with its numbers."""
    actual, expected, found = Decimal(told["actual"]), Decimal(told["expected"]), Decimal(told["percent"])
    if not expected:
        return _("비교할 값이 0이라서 %(percent)s로 봐요.") % {"percent": shown.percent(told["percent"])}
    # A figure that lowers what is owed is compared the other way round.
    turned = (actual - expected) * found < 0
    left, right = (told["expected"], told["actual"]) if turned else (told["actual"], told["expected"])
    base = told["expected"].removeprefix("-")
    return _grouped(f"({left} − {right}) ÷ {base} × 100 = {told['percent']}%")


def _formulas(told: Told) -> tuple[str, ...]:
    """Return how both sides came about, where the run tells it."""
    if not told.get("formula"):
        return ()
    sides = (
        (pgettext("one", "송장"), told["formula"], told["actual"]),
        (_("예상"), told["expected_formula"], told["expected"]),
    )
    return tuple(_grouped(f"{side}: {formula} = {value}") for side, formula, value in sides if formula)


def _passing(nearest: Mapping[str, str] | None, written: str) -> tuple[str, ...]:
    """Return the nearest changes that would make a figure pass."""
    if not nearest:
        return ()
    change = nearest["change"] if nearest["change"].startswith("-") else f"+{nearest['change']}"
    lines = [_("송장 값이 %(figure)s (%(change)s)이면 통과해요.") % {"figure": written, "change": _grouped(change)}]
    if "tolerance" in nearest:
        lines.append(_("허용 오차가 %(percent)s%% 이상이면 통과해요.") % {"percent": nearest["tolerance"]})
    else:
        lines.append(_("비교할 값이 0이라서 허용 오차를 늘려도 통과하지 않아요."))
    return tuple(lines)


def _path(asked: Iterable[str]) -> tuple[str, ...]:
    return tuple(shown.tolerance_row(source) for source in asked)


def _figure(name: str, label: str, told: Told, currency: str, kind: str = "net_amount") -> Figure:
    nearest = told.get("nearest")
    percent = shown.percent(told["percent"])
    variance = Decimal(told["actual"]) - Decimal(told["expected"])
    return Figure(
        name=name,
        label=label,
        actual=shown.row_value(kind, told["actual"], currency),
        expected=shown.row_value(kind, told["expected"], currency),
        variance=shown.row_value(kind, format(variance, "f"), currency),
        percent=percent,
        exact=shown.exact(told["percent"], percent),
        badge=shown.verdict(told["verdict"]),
        tolerance=shown.percent(told.get("tolerance")),
        source=shown.tolerance_row(told["tolerance_from"]) if told.get("tolerance_from") else "",
        how=_how(told),
        formulas=_formulas(told),
        passing=_passing(nearest, shown.row_value(kind, nearest["figure"], currency) if nearest else ""),
        path=_path(told.get("tolerance_path", ())),
    )


def nine_rows(line: Told, currency: str) -> list[Figure]:
    """Return the nine figures of a line, in the order they are shown; none where nothing was compared."""
    rows = line.get("rows") or {}
    return [
        _figure(name, str(label), rows[name], currency, name) for name, label in shown.ROW_NAMES.items() if name in rows
    ]


def deciding(line: Told, currency: str) -> Figure | None:
    """Return the net unit price of a line, which alone decides, with its tolerance."""
    told = line.get("price")
    if told is None:
        return None
    name = "net_unit_price"
    return _figure(name, str(shown.ROW_NAMES[name]), told, currency, name)


def totals(detail: Told, currency: str) -> list[Figure]:
    """Return the six totals; those the company does not compare have only what was entered."""
    rows = detail.get("totals") or {}
    return [
        _figure(name, str(label), rows[name], currency) for name, label in shown.TOTAL_NAMES.items() if name in rows
    ]


def entered_totals(detail: Told, currency: str) -> list[tuple[str, str]]:
    """Return the six totals as they were entered."""
    figures = detail.get("figures") or {}
    return [
        (str(label), shown.money(figures[name], currency))
        for name, label in shown.TOTAL_NAMES.items()
        if name in figures
    ]


def charges(detail: Told, currency: str) -> list[Figure]:
    """Return the comparison of charges, one figure for each code."""
    rows = detail.get("charges") or {}
    return [_figure(code, code, told, currency) for code, told in rows.items()]


# ---- Price totals


@dataclass(frozen=True, slots=True)
class PriceTotal:
    """The seven figures of price totals with their status and explanation."""

    rows: tuple[tuple[str, str], ...]
    badge: Badge | None
    how: tuple[str, ...]
    passing: str
    exact: str


def price_total(line: Told, currency: str, accounting: str) -> PriceTotal | None:
    """Return the price totals of a line; None where they were not compared."""
    told = line.get("price_total")
    if told is None:
        return None
    percent = shown.percent(told["percent"])
    rows = (
        (_("송장 순액"), shown.money(told["actual"], currency)),
        (_("예상 순액"), shown.money(told["expected"], currency)),
        (_("가격 총액 차이"), shown.money(told["variance"], currency)),
        (_("가격 총액 차이 백분율"), percent),
        (_("가격 총액 허용 오차 백분율"), shown.percent(told["tolerance_percent"])),
        (_("가격 총액 차이 (회계 통화)"), _with(shown.money(told["variance_accounting"], accounting), accounting)),
        (_("가격 총액 허용 오차"), _with(shown.money(told["tolerance_amount"], accounting), accounting)),
    )
    return PriceTotal(
        rows,
        shown.verdict(line["price_total_match"]),
        _total_how(told),
        _total_passing(told.get("nearest"), currency),
        shown.exact(told["percent"], percent),
    )


def _total_passing(nearest: Mapping[str, str] | None, currency: str) -> str:
    if not nearest:
        return ""
    figures = {"figure": shown.money(nearest["figure"], currency), "change": shown.money(nearest["change"], currency)}
    return _("송장 순액이 모두 %(figure)s (%(change)s)이면 통과해요.") % figures


def _with(written: str, currency: str) -> str:
    return written if written == UNKNOWN else f"{written} {currency}"


def _total_how(told: Told) -> tuple[str, ...]:
    lines = [
        _("다른 송장 + 이 송장: %(formula)s = %(sum)s")
        % {"formula": _grouped(told["formula"]), "sum": _grouped(told["actual"])},
        _how(told),
    ]
    if told["tolerance_percent"] is None:
        lines.append(_("회사 설정에서 백분율은 검사하지 않아요."))
    if told["tolerance_amount"] is None:
        lines.append(_("회사 설정에서 금액은 검사하지 않아요."))
    if not told["is_last"]:
        lines.append(_("발주 라인의 마지막 송장이 아니라서, 모자라는 쪽은 아직 검사하지 않아요."))
    if Decimal(told["exchange_variance"]):
        lines.append(
            _("환율이 달라진 몫은 %(amount)s이고, 불일치로 보지 않아요.") % {"amount": told["exchange_variance"]}
        )
    return tuple(lines)


# ---- Lines


@dataclass(frozen=True, slots=True)
class Line:
    """One line of an invoice with what its run found, as the list of lines shows it."""

    line: InvoiceLine
    told: Told
    variance: Badge | None
    price: Badge | None
    total: Badge | None
    quantity: Badge | None
    quantity_text: str
    unit_price: str
    agreed_price: str
    net: str
    agreed_net: str
    difference: str
    percent: str
    tolerance: str
    policy: str
    reasons: str

    @property
    def number(self) -> int:
        """Return the line's number."""
        return self.line.number

    @property
    def failed(self) -> bool:
        """Say whether any check of the line failed."""
        return self.variance is shown.VERDICT_BADGES[Verdict.FAILED]


def lines(rows: Sequence[InvoiceLine], detail: Told, currency: str) -> list[Line]:
    """Return the lines of an invoice with what a run found; what it did not know of them stays empty."""
    told = detail.get("lines") or {}
    return [_line(row, told.get(str(row.number), {}), currency) for row in rows]


def _line(row: InvoiceLine, told: Told, currency: str) -> Line:
    compared: Mapping[str, Any] = told.get("rows") or {}
    net, unit, price = compared.get("net_amount"), compared.get("unit_price"), told.get("price")
    return Line(
        line=row,
        told=told,
        variance=shown.verdict(told.get("match_variance")),
        price=shown.verdict(told.get("price_match")),
        total=shown.verdict(told.get("price_total_match")),
        quantity=shown.verdict(told.get("quantity_match")),
        quantity_text=shown.quantity(row.quantity),
        unit_price=shown.price(row.unit_price, currency),
        agreed_price=shown.price(unit["expected"], currency) if unit else UNKNOWN,
        net=shown.money(net["actual"] if net else row.net_amount, currency),
        agreed_net=shown.money(net["expected"], currency) if net else UNKNOWN,
        difference=shown.money(Decimal(net["actual"]) - Decimal(net["expected"]), currency) if net else UNKNOWN,
        percent=shown.percent(price["percent"]) if price else UNKNOWN,
        tolerance=shown.percent(price["tolerance"]) if price else UNKNOWN,
        policy=shown.policy(told.get("policy"), told.get("policy_from", "")),
        reasons=shown.reasons(told.get("reasons")),
    )

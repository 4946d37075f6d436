"""
How the quantity and the unit price of a group came about, in words and numbers.

Pure but for the words. It says of the stored lines what `groups.py` and the comparison did with them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final, Protocol
from uuid import UUID

from django.utils.translation import gettext as _

from reconciliation.amounts import EXACT, ZERO
from reconciliation.lines import Kind
from reconciliation.pages.results.words import exact, plain

_MOST_TERMS: Final = 12


class Counted(Protocol):
    """What a stored line tells about its part in the quantity and the unit price."""

    record: int
    quantity: Decimal | None
    is_unclear: bool
    purchase: UUID | None
    unit_price: Decimal | None
    is_full_period: bool
    first_day: date | None
    last_day: date | None


@dataclass(frozen=True, slots=True)
class Term:
    """One summand of a quantity; `copies` above 1 are purchases that equal each other."""

    quantity: Decimal
    copies: int = 1


def terms(lines: Iterable[Counted]) -> list[Term]:
    """Return what the lines of new commerce or usage add; price components of one purchase count once."""
    found: list[Term] = []
    bought: dict[tuple[UUID, Decimal], dict[Decimal, int]] = {}
    for line in lines:
        if line.quantity is None:
            continue
        if line.purchase is None:
            found.append(Term(line.quantity))
            continue
        prices = bought.setdefault((line.purchase, line.quantity), {})
        price = line.unit_price or ZERO
        prices[price] = prices.get(price, 0) + 1
    found += [Term(quantity, max(prices.values())) for (_purchase, quantity), prices in bought.items()]
    return found


def last_seats(lines: Iterable[Counted]) -> Counted | None:
    """Return the line whose seats are the quantity of a licence group: the charge that ends last."""
    charged = [line for line in lines if line.quantity is not None and line.last_day and line.first_day]
    return max(charged, key=lambda line: (line.last_day, line.first_day, -line.record), default=None)


def quantity_words(kind: Kind, lines: Sequence[Counted]) -> str:
    """Say how the quantity of a group came about; all of its lines are given."""
    unclear = next((line for line in lines if line.is_unclear), None)
    if unclear is not None:
        return _("%(record)s번째 줄은 금액이 0이라 수량을 알 수 없어서 비교하지 않았어요.") % {"record": unclear.record}
    return _last_seats_words(lines) if kind is Kind.LICENSE else _sum_words(lines)


def _last_seats_words(lines: Sequence[Counted]) -> str:
    last = last_seats(lines)
    if last is None:
        return _("요금을 청구한 줄이 없어서 0으로 봤어요.")
    told = {"record": last.record, "quantity": plain(last.quantity)}
    return _("가장 늦게 끝나는 청구인 %(record)s번째 줄의 수량 %(quantity)s이에요.") % told


def _sum_words(lines: Sequence[Counted]) -> str:
    parts = terms(lines)
    if not parts:
        return _("수량을 세는 줄이 없어서 0으로 봤어요.")
    if len(parts) == len(lines) == 1 and parts[0].quantity > 0:
        return _("%(record)s번째 줄의 수량이에요.") % {"record": lines[0].record}
    if len(parts) > _MOST_TERMS:
        return _("%(count)s개 줄의 수량을 더했어요.") % {"count": len(parts)}
    components = len(parts) < sum(1 for line in lines if line.quantity is not None)
    return _formula(parts) + (" · " + _("한 구매의 가격 구성 요소는 한 번만 셌어요.") if components else "")


def _formula(parts: Sequence[Term]) -> str:
    total, text = ZERO, ""
    for part in parts:
        amount = plain(abs(part.quantity)) + (f" × {part.copies}" if part.copies > 1 else "")
        sign = "−" if part.quantity < 0 else "+"
        text += f" {sign} {amount}" if text else amount if sign == "+" else f"−{amount}"
        total = EXACT.add(total, EXACT.multiply(part.quantity, part.copies))
    return f"{text} = {plain(total)}"


def price_words(lines: Sequence[Counted], currency: str) -> str:
    """Say how the unit price of a group came about."""
    prices = sorted({line.unit_price for line in lines if line.is_full_period and line.unit_price is not None})
    if not prices:
        return _("전체 기간을 청구한 줄이 없어서 단가는 비교하지 않았어요.")
    if len(prices) == 1:
        return _("전체 기간을 청구한 줄의 단가가 모두 %(price)s이에요.") % {"price": exact(prices[0], currency)}
    shown = ", ".join(exact(price, currency) for price in prices[:_MOST_TERMS])
    return _("단가가 서로 달라서 비교하지 않았어요: %(prices)s") % {"prices": shown}

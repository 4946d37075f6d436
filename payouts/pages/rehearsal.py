"""
What a bulk payout would be: computed from the rows as they are now, before anything is made.

The operation that makes it decides by itself; here a person sees beforehand what each partner would get, what would be
taken back, and who would be passed over and why.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from core import clock
from core.scope import Scope
from payouts import amounts
from payouts.operations import building
from payouts.terms import payout_terms
from settlement import calculators, claims
from settlement.models import Partner, PartnerSettlement
from settlement.operations import settings


@dataclass(frozen=True, slots=True)
class Line:
    """What one partner would get. Amounts are minor units; `reason` is empty when it can be paid."""

    partner: Partner
    currency: str
    count: int
    plus: int
    minus: int
    vat_added: int
    withheld: int
    amount: int
    reason: str
    sentence: str

    @property
    def net(self) -> int:
        """The signed sum of the settlements, before VAT and withholding."""
        return self.plus + self.minus


@dataclass(frozen=True)
class Rehearsal:
    """
    A bulk payout before it is made.

    `chosen` is free to be paid, `passed_over` counts what was chosen and is not. `negatives` are added by themselves;
    those in `left_out` (by primary key, with the reason) are not.
    """

    chosen: tuple[int, ...]
    passed_over: int
    negatives: tuple[PartnerSettlement, ...]
    left_out: Mapping[int, str]
    lines: tuple[Line, ...]
    rows_seal: str
    left_seal: str

    @property
    def seal(self) -> str:
        """Return a digest of what a person sees: which rows with which amounts, and which are left out."""
        return f"{self.rows_seal}.{self.left_seal}"

    @property
    def unexplained(self) -> set[int]:
        """What is to be left out without a reason."""
        return {pk for pk, reason in self.left_out.items() if not reason.strip()}

    @property
    def payable(self) -> list[Line]:
        """The partners that would be paid, those with something taken back first, then by amount."""
        rows = [line for line in self.lines if not line.reason]
        return sorted(rows, key=lambda line: (line.minus == 0, -line.amount))

    @property
    def skipped(self) -> list[Line]:
        """The partners that would be passed over."""
        return [line for line in self.lines if line.reason]

    @property
    def total(self) -> int:
        """What would leave the bank."""
        return sum(line.amount for line in self.lines if not line.reason)

    @property
    def withheld(self) -> int:
        """What would be withheld."""
        return sum(line.withheld for line in self.lines if not line.reason)

    @property
    def vat_added(self) -> int:
        """What would be added for partners whose settlements are before VAT."""
        return sum(line.vat_added for line in self.lines if not line.reason)

    @property
    def skipped_net(self) -> int:
        """The signed sum of what stays behind."""
        return sum(line.net for line in self.lines if line.reason)

    @property
    def settled(self) -> int:
        """The signed sum of everything that would go in, also of partners that are passed over."""
        return sum(line.net for line in self.lines)

    @property
    def settlement_count(self) -> int:
        """How many partner settlements would go in."""
        return sum(line.count for line in self.lines)


Judge = Callable[[Partner, Sequence[PartnerSettlement]], str]


def rehearse(
    scope: Scope,
    wanted: Sequence[int],
    left_out: Mapping[str, str],
    today: date,
    judge: Judge = building.why_not,
) -> Rehearsal:
    """
    Work out what would be made of these partner settlements and of the due negative ones of their partners.

    `wanted` are primary keys; `left_out` gives the reason by public id; `judge` says why a partner is passed over.
    """
    free = claims.claimable(scope)
    chosen = dict(free.filter(pk__in=wanted).values_list("pk", "partner_id"))
    owed = free.filter(partner_id__in=set(chosen.values()), net__lt=0, settlement_date__lte=today)
    negatives = list(owed.exclude(pk__in=chosen).select_related("partner").order_by("partner__name", "pk"))
    kept_out = {row.pk: left_out[row.public_id] for row in negatives if row.public_id in left_out}
    taken = [pk for pk in (*chosen, *(row.pk for row in negatives)) if pk not in kept_out]
    rows = list(PartnerSettlement.objects.within(scope).filter(pk__in=taken).order_by("pk"))
    shown = [*rows, *(row for row in negatives if row.pk in kept_out)]
    return Rehearsal(
        chosen=tuple(sorted(chosen)),
        passed_over=len(set(wanted)) - len(chosen),
        negatives=tuple(negatives),
        left_out=kept_out,
        lines=_lines(scope, rows, judge),
        rows_seal=_digest(sorted((row.pk, row.net, row.net_tax_free) for row in shown)),
        left_seal=_digest(sorted(kept_out)),
    )


def _lines(scope: Scope, rows: Sequence[PartnerSettlement], judge: Judge) -> tuple[Line, ...]:
    setting, sentences = settings.current(scope), building.not_payable_reasons()
    counting = calculators.counting(scope, clock.today())
    lines = []
    for group in building.by_partner(rows, setting):
        partner = group[0].partner
        terms = payout_terms(setting, counting, partner)
        figures = amounts.payout_amounts([_amount(row) for row in group], terms)
        reason = judge(partner, group)
        lines.append(
            Line(
                partner=partner,
                currency=group[0].currency,
                count=len(group),
                plus=sum(row.net for row in group if row.net > 0),
                minus=sum(row.net for row in group if row.net < 0),
                vat_added=figures.amount + figures.withheld - figures.settlement_amount,
                withheld=figures.withheld,
                amount=figures.amount,
                reason=reason,
                sentence=sentences.get(reason, reason),
            )
        )
    return tuple(lines)


def _amount(row: PartnerSettlement) -> amounts.SettlementAmount:
    return amounts.SettlementAmount(
        amounts.SettlementType(row.type), row.settlement, row.settlement_tax_free, paid_as_is=row.paid_as_is
    )


def _digest(parts: Sequence[object]) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]

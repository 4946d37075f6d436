"""
What an approver looks at before money goes out: changes since the last cycle, netting, accounts, taxes, journals.

Everything is computed from the rows as they are, in a few statements whatever the number of payouts.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection
from django.db.models import BooleanField, Count, Exists, ExpressionWrapper, F, OuterRef, Q, QuerySet, Subquery, Sum
from django.utils.translation import gettext_lazy

from access.models import AuditEvent
from console.columns import Badge, Column, Kind, Label, Row, Shape, Tone
from core import clock
from core.sql import load
from ledger import naming
from ledger.posting import Leg
from payouts import journals
from payouts.journals import Money
from payouts.models import BulkPayout, BulkStatus, HandPayment, Payout, PayoutMethod, PayoutStatus
from payouts.pages import shown
from payouts.pages.links import origin_url

SHOWN = 10
_SENT = (
    BulkStatus.APPROVED,
    BulkStatus.SCHEDULED,
    BulkStatus.ONGOING,
    BulkStatus.POST_PROCESS_PENDING,
    BulkStatus.COMPLETED,
)

CHANGE_BADGES: Mapping[str, Badge] = {
    "new": Badge(gettext_lazy("새 파트너"), Tone.INFO, Shape.RING),
    "missing": Badge(gettext_lazy("빠진 파트너"), Tone.WARNING, Shape.DASH),
    "large": Badge(gettext_lazy("30% 넘게 바뀜"), Tone.WARNING, Shape.ALERT),
    "small": Badge(gettext_lazy("조금 바뀜"), Tone.NEUTRAL, Shape.DOT),
    "same": Badge(gettext_lazy("그대로"), Tone.NEUTRAL, Shape.CHECK),
}
CHANGE_COLUMNS = (
    Column("name", gettext_lazy("파트너"), link=lambda row: origin_url("partner", row["public_id"])),
    Column("public_id", gettext_lazy("파트너 아이디"), Kind.ID),
    Column("kind", gettext_lazy("달라진 점"), Kind.BADGE, badges=CHANGE_BADGES),
    Column("before_amount", gettext_lazy("지난 지급"), Kind.WON, currency="currency"),
    Column("now_amount", gettext_lazy("이번 지급"), Kind.WON, currency="currency"),
    Column("change", gettext_lazy("차이"), Kind.SIGNED_WON, currency="currency"),
)


@dataclass(frozen=True, slots=True)
class Changes:
    """Some of the partners whose payout changed, and how many there are of each kind. Minor units."""

    before: BulkPayout
    rows: Sequence[Row]
    counts: Mapping[str, tuple[int, int]]

    @property
    def total(self) -> int:
        """How many partners are in either bulk payout."""
        return sum(count for count, _change in self.counts.values())

    @property
    def tallies(self) -> list[tuple[str, Badge, int, int]]:
        """Return kind, badge, count and summed change of every kind that occurs."""
        return [(kind, badge, *self.counts[kind]) for kind, badge in CHANGE_BADGES.items() if kind in self.counts]


def last_cycle(bulk: BulkPayout) -> BulkPayout | None:
    """Return the newest earlier bulk payout that was approved; one that only paid failed payouts again is no cycle."""
    fresh = Payout.objects.filter(bulk_payout=OuterRef("pk"), replaces=None).exclude(status=PayoutStatus.CANCELLED)
    earlier = BulkPayout.objects.within(bulk.scope).filter(Exists(fresh), pk__lt=bulk.pk, status__in=_SENT)
    return earlier.filter(method=bulk.method).order_by("-pk").first()


def earlier_cycles(bulk: BulkPayout, limit: int = 24) -> list[BulkPayout]:
    """Return the newest earlier bulk payouts that were approved, to compare with."""
    rows = BulkPayout.objects.within(bulk.scope).filter(pk__lt=bulk.pk, status__in=_SENT, method=bulk.method)
    return list(rows.order_by("-pk")[:limit])


def changes(
    bulk: BulkPayout, before: BulkPayout, kind: str = "", *, limit: int | None = SHOWN, offset: int = 0
) -> Changes:
    """Compare two bulk payouts partner by partner, the largest change first; without a limit all of them."""
    given: dict[str, str | int | None] = {
        "bulk": bulk.pk,
        "before": before.pk,
        "kind": kind,
        "limit": limit,
        "offset": offset,
    }
    with connection.cursor() as cursor:
        cursor.execute(load("payouts", "cycle"), given)
        found = cursor.fetchall()
    counts = {key: (int(count), int(change)) for key, (count, change) in json.loads(found[0][0]).items()}
    keys = ("public_id", "name", "currency", "before_amount", "now_amount", "change", "kind")
    return Changes(before, [dict(zip(keys, row[1:], strict=True)) for row in found if row[1] is not None], counts)


def _live(bulk: BulkPayout) -> QuerySet[Payout]:
    return Payout.objects.filter(bulk_payout=bulk).exclude(status=PayoutStatus.CANCELLED)


def netted(bulk: BulkPayout) -> list[Payout]:
    """Return the payouts from which something is taken back, the largest first."""
    rows = _live(bulk).filter(reserved_debit__gt=0).select_related("partner")
    return list(rows.order_by("-reserved_debit", "pk")[:SHOWN])


@dataclass(frozen=True, slots=True)
class Destination:
    """A payout to an account that got no money before, and who changed the account if somebody did."""

    payout: Payout
    account: str
    changed: bool
    changed_by: str
    confirmed_by: str


def destinations(bulk: BulkPayout) -> list[Destination]:
    """Return the payouts to new accounts, changed ones first, then by amount."""
    trail = AuditEvent.objects.filter(
        **bulk.scope.filters(), object_kind="partner", object_id=OuterRef("partner__public_id")
    )
    rows = _live(bulk).filter(is_new_destination=True).select_related("partner")
    rows = rows.annotate(
        is_changed=ExpressionWrapper(
            Q(partner__account_changed_at__gt=F("partner__created_at")), output_field=BooleanField()
        ),
        changed_by=_who(trail, "partner.account_changed"),
        confirmed_by=_who(trail, "partner.account_confirmed"),
    ).order_by(F("is_changed").desc(nulls_last=True), "-amount", "pk")[:SHOWN]
    return [
        Destination(
            payout=row,
            account=shown.destination(row.bank, row.account_last4),
            changed=bool(row.is_changed),
            changed_by=row.changed_by or "",
            confirmed_by=row.confirmed_by or "",
        )
        for row in rows
    ]


def _who(trail: QuerySet[AuditEvent], action: str) -> Subquery:
    return Subquery(trail.filter(action=action).order_by("-id").values("actor_name")[:1])


@dataclass(frozen=True, slots=True)
class Line:
    """One account a step will move, in minor units."""

    code: int
    name: str
    owner: str
    debit: int | None
    credit: int | None


@dataclass(frozen=True, slots=True)
class Step:
    """A journal that will be posted: what it is called and what it moves."""

    label: str
    lines: Sequence[Line]


def proof_of(bulk: BulkPayout) -> HandPayment | None:
    """Return what proves that a bulk payout was paid by hand; None for one that is sent."""
    return HandPayment.objects.filter(bulk_payout=bulk).first() if bulk.method == PayoutMethod.DIRECT else None


def paid_in(bulk: BulkPayout) -> date:
    """Return the day whose month the withheld taxes will belong to, if everything goes as planned."""
    proof = proof_of(bulk)
    if proof is not None:
        return proof.completed_on
    return clock.seoul_day(bulk.scheduled_at) if bulk.scheduled_at else clock.today()


def planned_of_bulk(bulk: BulkPayout) -> list[Step]:
    """Return the journals that paying a bulk payout will post, added up per account."""
    figures: Mapping[str, Any] = _live(bulk).aggregate(
        amount=Sum("amount"),
        income_tax=Sum("income_tax_amount"),
        local_tax=Sum("local_income_tax_amount"),
        reserved_credit=Sum("reserved_credit"),
        reserved_debit=Sum("reserved_debit"),
        reserved_vat=Sum("reserved_vat"),
    )
    sums = {name: int(value or 0) for name, value in figures.items()}
    whose = bulk.bank_account
    # The legs are linear in the amounts, so the sums of all payouts give the sums of all journals.
    return planned(Money("", "", whose.public_id, whose.currency, **sums), bulk)


def planned(money: Money, bulk: BulkPayout) -> list[Step]:
    """Return the journals that paying will post."""
    day = paid_in(bulk)
    if bulk.method == PayoutMethod.DIRECT:
        postings = [journals.paid_by_hand(money, day)]
    else:
        postings = [journals.dispatch(money, "", 1, day), journals.succeed(money, "", day)]
    return [Step(naming.event(one.event), [_line(leg) for leg in one.legs if leg.amount]) for one in postings]


def _line(leg: Leg) -> Line:
    code, owner = int(leg.account.code), leg.account.owner
    amount = leg.amount
    return Line(code, naming.account(code), owner, amount if amount > 0 else None, -amount if amount < 0 else None)


@dataclass(frozen=True, slots=True)
class Tax:
    """One kind of tax of one month, over all payouts. Minor units."""

    label: Label
    month: str
    count: int
    amount: int


def taxes(bulk: BulkPayout) -> list[Tax]:
    """Return what will be withheld and what VAT is paid on top, per kind and month."""
    kinds: Mapping[str, Label] = {
        "income_tax_amount": gettext_lazy("원천징수 소득세"),
        "local_income_tax_amount": gettext_lazy("원천징수 지방소득세"),
        "reserved_vat": gettext_lazy("더해 주는 부가세"),
    }
    month = f"{paid_in(bulk):%Y-%m}"
    found = _live(bulk).aggregate(
        **{f"sum_{name}": Sum(name) for name in kinds}, **{f"n_{name}": _counted(name) for name in kinds}
    )
    return [
        Tax(label, month, int(found[f"n_{name}"] or 0), int(found[f"sum_{name}"]))
        for name, label in kinds.items()
        if found[f"sum_{name}"]
    ]


def _counted(name: str) -> Count:
    return Count("pk", filter=~Q(**{name: 0}))

"""
Claims: how partner settlements enter and leave payouts, and the statuses that follow from them.

A claim is a row, not a flag: nothing in a partner settlement changes when it is claimed, so a million of them enter a
payout without an UPDATE, and a key makes the second live claim impossible. The statuses pages and the API show are read
through the latest claim.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, TypedDict

from django.db import IntegrityError, connection, transaction
from django.db.models import (
    Case,
    CharField,
    Exists,
    F,
    IntegerField,
    OuterRef,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Coalesce

from core.errors import Conflict
from core.scope import Scope
from core.sql import load
from settlement.models import (
    Claim,
    ClaimRelease,
    PartnerSettlement,
    RecordState,
    RecordStatus,
    SettlementRecord,
    SettlementState,
    SettlementStatus,
)


class LatestClaim(TypedDict):
    """What `with_status` adds to a partner settlement."""

    status: str
    claim_no: int
    payout_status: str | None
    payout_id: str | None
    bulk_payout_id: str | None


class LatestPayout(TypedDict):
    """What `with_record_status` adds to a record."""

    status: str
    payout_status: str | None
    payout_id: str | None
    bulk_payout_id: str | None


if TYPE_CHECKING:
    from django_stubs_ext import WithAnnotations

    StatedSettlement = WithAnnotations[PartnerSettlement, LatestClaim]
    StatedRecord = WithAnnotations[SettlementRecord, LatestPayout]

# Payout status -> what its partner settlements and their records show while that is their latest claim.
SETTLEMENT_STATUS: Mapping[str, SettlementStatus] = {
    "CONFIRMED": SettlementStatus.CONFIRMED,
    "SCHEDULED": SettlementStatus.PAYOUT_SCHEDULED,
    "PREPARED": SettlementStatus.IN_PAYOUT,
    "PROCESSING": SettlementStatus.IN_PAYOUT,
    "UNKNOWN": SettlementStatus.IN_PAYOUT,
    "SUCCEEDED": SettlementStatus.PAID_OUT,
    "FAILED": SettlementStatus.PAYOUT_FAILED,
    "RETURNED": SettlementStatus.PAYOUT_FAILED,
    "STOPPED": SettlementStatus.CANCELLED,
    "CANCELLED": SettlementStatus.CANCELLED,
}
RECORD_STATUS: Mapping[SettlementStatus, RecordStatus] = {
    SettlementStatus.CONFIRMED: RecordStatus.PAYOUT_CONFIRMED,
    SettlementStatus.PAYOUT_SCHEDULED: RecordStatus.IN_PAYOUT,
    SettlementStatus.IN_PAYOUT: RecordStatus.IN_PAYOUT,
    SettlementStatus.PAID_OUT: RecordStatus.PAID_OUT,
}
_BATCH = 1_000
CLAIMABLE = (
    SettlementStatus.PAYOUT_PREPARED,
    SettlementStatus.PAYOUT_WITHHELD,
    SettlementStatus.PAYOUT_FAILED,
    SettlementStatus.CANCELLED,
)


class NotClaimable(Conflict):
    """A partner settlement is in a live payout, excluded, or gone; `ids` says which."""

    code = "SETTLEMENT_NOT_PAYABLE"


@dataclass(frozen=True, slots=True)
class Claimed:
    """A partner settlement with the number of the claim that was just made on it."""

    settlement: PartnerSettlement
    claim_no: int


def _latest(outer: str) -> QuerySet[Claim]:
    return Claim.objects.filter(partner_settlement_id=OuterRef(outer)).order_by("-claim_no")


def with_status(settlements: QuerySet[PartnerSettlement]) -> "QuerySet[StatedSettlement]":
    """Annotate `status`, and of the latest claim `claim_no` (0 without), `payout_id` and `bulk_payout_id` (public)."""
    follows = [When(payout_ref__status=payout, then=Value(shown.value)) for payout, shown in SETTLEMENT_STATUS.items()]
    # A decision newer than the latest claim counts, and then the claim says nothing.
    decided = When(claim_no__lte=OuterRef("state_claim_no"), then=Value(None))
    shown = _latest("pk").annotate(shown=Case(decided, *follows, default=Value(None), output_field=CharField()))
    return settlements.annotate(
        claim_no=Coalesce(Subquery(_latest("pk").values("claim_no")[:1]), 0, output_field=IntegerField()),
        payout_status=Subquery(_latest("pk").values("payout_ref__status")[:1]),
        payout_id=Subquery(_latest("pk").values("payout_ref__public_id")[:1]),
        bulk_payout_id=Subquery(_latest("pk").values("payout_ref__bulk_public_id")[:1]),
        status=Case(
            When(state=SettlementState.VOIDED, then=Value(SettlementState.VOIDED.value)),
            default=Coalesce(Subquery(shown.values("shown")[:1]), F("state")),
            output_field=CharField(),
        ),
    )


def with_status_moment(settlements: "QuerySet[StatedSettlement]") -> QuerySet[Any]:
    """Annotate partner settlements that have their status with `status_changed_at`, when they got it."""
    moved = Subquery(_latest("pk").values("payout_ref__changed_at")[:1])
    paid = When(claim_no__gt=F("state_claim_no"), then=moved)
    found: QuerySet[Any] = settlements.annotate(status_changed_at=Case(paid, default=F("state_changed_at")))
    return found


def with_record_status(records: QuerySet[SettlementRecord]) -> "QuerySet[StatedRecord]":
    """Annotate `status`, `payout_id` and `bulk_payout_id`, read through the latest claim on the partner settlement."""
    follows = [
        When(payout_ref__status=payout, then=Value(RECORD_STATUS[shown].value))
        for payout, shown in SETTLEMENT_STATUS.items()
        if shown in RECORD_STATUS
    ]
    latest = _latest("partner_settlement_id")
    shown = latest.annotate(shown=Case(*follows, default=Value(None), output_field=CharField()))
    return records.annotate(
        payout_status=Subquery(latest.values("payout_ref__status")[:1]),
        payout_id=Subquery(latest.values("payout_ref__public_id")[:1]),
        bulk_payout_id=Subquery(latest.values("payout_ref__bulk_public_id")[:1]),
        status=Case(
            When(state__in=[RecordState.SCHEDULED, RecordState.IN_PROCESS, RecordState.VOIDED], then=F("state")),
            default=Coalesce(Subquery(shown.values("shown")[:1]), Value(RecordStatus.SETTLED.value)),
            output_field=CharField(),
        ),
    )


def live_claims() -> QuerySet[Claim]:
    """Return claims that have not been released."""
    ended = ClaimRelease.objects.filter(
        partner_settlement_id=OuterRef("partner_settlement_id"), claim_no=OuterRef("claim_no")
    )
    return Claim.objects.filter(~Exists(ended))


def claimable(scope: Scope) -> "QuerySet[StatedSettlement]":
    """Return partner settlements of a scope that may be put into a payout, with their status."""
    live = live_claims().filter(partner_settlement_id=OuterRef("pk"))
    return (
        with_status(PartnerSettlement.objects.within(scope))
        .filter(~Exists(live))
        .filter(status__in=[status.value for status in CLAIMABLE])
    )


def lock(scope: Scope, ids: Sequence[int]) -> list[PartnerSettlement]:
    """Lock partner settlements by id, in id order; the caller's transaction holds the locks."""
    rows = PartnerSettlement.objects.within(scope).filter(pk__in=ids).order_by("pk").select_for_update(no_key=True)
    return list(rows)


def claim(*, scope: Scope, taken: Mapping[int, Sequence[PartnerSettlement]]) -> list[Claimed]:
    """
    Claim locked partner settlements for payouts, with the amounts they have now. Held money must be freed before.

    `taken` names for each payout (its key, which is that of its `PayoutRef`) what it takes. Raises NotClaimable with
    the public ids that are in a live payout, excluded or gone; then nothing is claimed.
    """
    by_id = {row.pk: row for rows in taken.values() for row in rows}
    free = {row.pk: row.claim_no for row in claimable(scope).filter(pk__in=by_id)}
    missing = [row.public_id for pk, row in by_id.items() if pk not in free]
    if missing:
        raise NotClaimable(ids=missing)
    claims = [
        Claim(
            partner_settlement_id=row.pk,
            claim_no=free[row.pk] + 1,
            after_no=free[row.pk] or None,
            payout_ref_id=payout,
            net=row.net,
            net_tax_free=row.net_tax_free,
            credit_total=row.credit_total,
            debit_total=row.debit_total,
        )
        for payout, rows in taken.items()
        for row in rows
    ]
    try:
        with transaction.atomic():
            Claim.objects.bulk_create(claims, batch_size=_BATCH)
    except IntegrityError as error:
        # Somebody claimed one of them between our look and our insert; the key decided.
        raise NotClaimable(ids=[row.public_id for row in by_id.values()]) from error
    return [Claimed(by_id[made.partner_settlement_id], made.claim_no) for made in claims]


# ---- many at once, without a row of them in Python


@dataclass(frozen=True, slots=True)
class Takers:
    """
    Payouts and what each takes, as columns: its key (that of its `PayoutRef`), the partner and currency it is for.

    `apart` is the key of the one settlement of a payout that takes no other, 0 for the rest.
    """

    payouts: Sequence[int]
    partners: Sequence[int]
    currencies: Sequence[str]
    apart: Sequence[int]

    def columns(self) -> dict[str, list[int] | list[str]]:
        """Return the columns as the parameters of statements."""
        return {
            "payouts": list(self.payouts),
            "partners": list(self.partners),
            "currencies": list(self.currencies),
            "apart": list(self.apart),
        }


def free_among(scope: Scope, ids: Sequence[int]) -> list[int]:
    """Return which of these partner settlements may be put into a payout."""
    with connection.cursor() as cursor:
        cursor.execute(_over_claimable("free_among"), _named(scope, ids))
        return list(cursor.fetchone()[0] or ())


def due_negatives(scope: Scope, ids: Sequence[int], today: date) -> list[int]:
    """Return what the partners of these settlements owe us by a day, as far as it may be put into a payout."""
    with connection.cursor() as cursor:
        cursor.execute(_over_claimable("due_negatives"), _named(scope, ids) | {"today": today})
        return list(cursor.fetchone()[0] or ())


def gather(scope: Scope, ids: Sequence[int], *, manual_apart: bool) -> None:
    """
    Lock partner settlements and gather those that may be claimed in the table `claim_gathered` of the transaction.

    With `manual_apart` each manual settlement stands apart, else all of a partner and currency go together.
    """
    values = _named(scope, ids) | {"manual_apart": manual_apart}
    with connection.cursor() as cursor:
        cursor.execute("drop table if exists pg_temp.claim_gathered")
        cursor.execute(load("settlement", "lock_settlements"), values)
        # A statement of its own, so that it sees what was claimed before we got the locks.
        cursor.execute(_over_claimable("gather_claimable"), values)


def _over_claimable(name: str) -> str:
    return load("settlement", name).replace("from claimable f", f"from ({load('settlement', 'claimable')}) f")


def _named(scope: Scope, ids: Sequence[int]) -> dict[str, Any]:
    array = f"{{{','.join(map(str, ids))}}}"
    return {"ids": array, "merchant": scope.merchant_id, "is_test": scope.is_test}


def claim_gathered(takers: Takers) -> int:
    """
    Claim what was gathered for the payouts that take it; returns how many. Held money must be freed before.

    Raises Django's IntegrityError when somebody claimed one of them without its lock.
    """
    with connection.cursor() as cursor:
        cursor.execute(load("settlement", "claim_gathered"), takers.columns())
        return int(cursor.rowcount)


def release(*, payouts: Sequence[int], reason: str, now: datetime) -> list[Claim]:
    """Release every live claim of payouts; returns the claims by partner settlement. Repeating releases none."""
    live = list(live_claims().filter(payout_ref_id__in=payouts).order_by("partner_settlement_id"))
    ClaimRelease.objects.bulk_create(
        [
            ClaimRelease(
                partner_settlement_id=row.partner_settlement_id, claim_no=row.claim_no, reason=reason, released_at=now
            )
            for row in live
        ],
        batch_size=_BATCH,
    )
    return live

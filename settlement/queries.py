"""
Reads of settlement: records and partner settlements with their status, and everything that belongs to one record.

Statuses after SETTLED are read through the payout that has claimed the partner settlement. A filter by status turns
that around and asks which partner settlements such payouts have, so that a list of millions is counted without
looking at each row's claim.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Exists, F, Func, Max, OuterRef, Q, QuerySet, Subquery, Sum

from core.scope import Scope
from ledger import queries as ledger_queries
from ledger.models import Journal
from settlement import claims, terms
from settlement.models import (
    AdditionalFeePolicyVersion,
    Claim,
    Contract,
    ContractVersion,
    DiscountSharePolicyVersion,
    Partner,
    PartnerSettlement,
    RecordState,
    RecordStatus,
    SettlementRecord,
    SettlementState,
)
from settlement.refusals import record_not_found

# Record status -> the payout statuses behind it; such claims are never released, so each is its settlement's latest.
_BEHIND: Mapping[RecordStatus, list[str]] = {
    record: [payout for payout, shown in claims.SETTLEMENT_STATUS.items() if claims.RECORD_STATUS.get(shown) == record]
    for record in (RecordStatus.PAYOUT_CONFIRMED, RecordStatus.IN_PAYOUT, RecordStatus.PAID_OUT)
}


def records(scope: Scope) -> QuerySet[SettlementRecord]:
    """Return the records that stand."""
    return SettlementRecord.objects.within(scope).exclude(state=RecordState.VOIDED)


def partner_settlements(scope: Scope) -> QuerySet[PartnerSettlement]:
    """Return the partner settlements that stand."""
    return PartnerSettlement.objects.within(scope).exclude(state=SettlementState.VOIDED)


def record_rows(scope: Scope) -> QuerySet[Any]:
    """Return records with status, payout, and the names and public ids of what they belong to."""
    return claims.with_record_status(records(scope)).annotate(
        partner_public_id=F("partner__public_id"),
        partner_name=F("partner__name"),
        partner_type=F("partner__type"),
        contract_public_id=F("contract_version__contract__public_id"),
        contract_name=F("contract_version__name"),
        partner_settlement_public_id=F("partner_settlement__public_id"),
        order_public_id=F("order__public_id"),
    )


def partner_settlement_rows(scope: Scope) -> QuerySet[Any]:
    """Return partner settlements with status, payout, and the names and public ids of what they belong to."""
    return claims.with_status(partner_settlements(scope)).annotate(
        partner_public_id=F("partner__public_id"),
        partner_name=F("partner__name"),
        partner_type=F("partner__type"),
        contract_public_id=F("contract__public_id"),
        contract_name=F("contract__current__name"),
    )


def partner_rows(scope: Scope) -> QuerySet[Any]:
    """Return partners with the public id and name of their default contract."""
    return Partner.objects.within(scope).annotate(
        contract_public_id=F("default_contract__public_id"), contract_name=F("default_contract__current__name")
    )


def used_tags(scope: Scope, limit: int) -> list[str]:
    """Return the tags that partners in use have, the most used first."""
    rows = Partner.objects.within(scope).filter(is_archived=False).annotate(tag=Func(F("tags"), function="unnest"))
    found = rows.order_by().values("tag").annotate(used=Count("pk")).order_by("-used", "tag")
    return [row["tag"] for row in found[:limit]]


def contract_rows(scope: Scope) -> QuerySet[Any]:
    """Return contracts with the terms that count now."""
    return Contract.objects.within(scope).select_related("current")


def has_status(statuses: Collection[RecordStatus]) -> Q:
    """Return the condition for records with one of these statuses."""
    wanted = set(statuses)
    early = {status for status in wanted if status.value in (RecordState.SCHEDULED, RecordState.IN_PROCESS)}
    condition = Q(state__in=[status.value for status in early])
    behind = [payout for status in wanted for payout in _BEHIND.get(status, [])]
    if behind:
        condition |= Q(_claimed(behind), state=RecordState.SETTLED)
    if RecordStatus.SETTLED in wanted:
        paying = [payout for payouts in _BEHIND.values() for payout in payouts]
        condition |= ~Q(_claimed(paying)) & Q(state=RecordState.SETTLED)
    return condition


def _claimed(payout_statuses: list[str]) -> Exists:
    return Exists(
        Claim.objects.filter(
            partner_settlement_id=OuterRef("partner_settlement_id"), payout_ref__status__in=payout_statuses
        )
    )


def in_payout(payout_id: str) -> QuerySet[Any]:
    """Return the keys of the partner settlements a payout has, or had, claimed."""
    return Claim.objects.filter(payout_ref__public_id=payout_id).values("partner_settlement_id")


def in_bulk_payout(bulk_payout_id: str) -> QuerySet[Any]:
    """Return the keys of the partner settlements the payouts of a bulk payout have, or had, claimed."""
    return Claim.objects.filter(payout_ref__bulk_public_id=bulk_payout_id).values("partner_settlement_id")


def whole_settlements(rows: QuerySet[Any]) -> QuerySet[Any]:
    """Annotate partner settlements with the newest contract version among their records and when their status came."""
    versions = records_of_settlement().values("partner_settlement_id").annotate(newest=Max("contract_version_id"))
    newest = Subquery(versions.values("newest")[:1])
    found: QuerySet[Any] = claims.with_status_moment(rows).annotate(contract_version_id=newest)
    return found


def records_of_settlement() -> QuerySet[SettlementRecord]:
    """Return the standing records of the outer query's partner settlement."""
    standing = SettlementRecord.objects.exclude(state=RecordState.VOIDED).order_by()
    return standing.filter(partner_settlement_id=OuterRef("pk"))


# ---- one record


def record(scope: Scope, public_id: str) -> SettlementRecord:
    """Return a standing record with its status, partner and contract version. Raises TRANSFER_NOT_FOUND."""
    found: SettlementRecord | None = whole_records(record_rows(scope)).filter(public_id=public_id).first()
    if found is None:
        raise record_not_found(public_id)
    return found


def whole_records(rows: QuerySet[Any]) -> QuerySet[Any]:
    """Return record rows together with all that is shown of a record."""
    return rows.select_related("partner__default_contract", "contract_version__contract", "partner_settlement")


@dataclass(frozen=True, slots=True)
class PolicyVersions:
    """The policy versions that records were computed under, by key."""

    discounts: Mapping[int, DiscountSharePolicyVersion]
    fees: Mapping[int, AdditionalFeePolicyVersion]


def policy_versions(kept: Collection[SettlementRecord]) -> PolicyVersions:
    """Return the policy versions that some records name."""
    lines = [line for one in kept for line in one.lines]
    discounts = {item["version"] for one in kept for item in one.discounts}
    discounts |= {item["version"] for line in lines for item in line["discounts"]}
    fees = {item["version"] for one in kept for item in one.additional_fees}
    fees |= {item["version"] for line in lines for item in line["fees"]}
    # Most records name none; an empty question is asked of nobody, but it is put together like any other.
    return PolicyVersions(
        DiscountSharePolicyVersion.objects.select_related("policy").in_bulk(discounts) if discounts else {},
        AdditionalFeePolicyVersion.objects.select_related("policy").in_bulk(fees) if fees else {},
    )


def cancels_of(order: SettlementRecord) -> QuerySet[Any]:
    """Return the standing cancels of an order, oldest first."""
    return record_rows(order.scope).filter(order_id=order.pk).order_by("pk")


def journals_of(one: SettlementRecord) -> list[Journal]:
    """Return the journals of a record and those of the partner settlement it is in, oldest first."""
    found = list(ledger_queries.journals_of(one.scope, terms.RECORD_ORIGIN, one.public_id))
    if one.partner_settlement is not None:
        of = terms.SETTLEMENT_ORIGIN
        found += ledger_queries.journals_of(one.scope, of, one.partner_settlement.public_id)
    return sorted(found, key=lambda journal: journal.pk)


def contract_versions(pks: Collection[int]) -> Mapping[int, ContractVersion]:
    """Return contract versions by key, with their contracts."""
    return ContractVersion.objects.select_related("contract").in_bulk(pks)


def takes_rest(record: SettlementRecord) -> bool:
    """Say whether a record is the cancel after which nothing of its order was left."""
    if record.order is None:
        return False
    earlier = record.order.cancels.exclude(state=RecordState.VOIDED).filter(pk__lt=record.pk)
    before = earlier.aggregate(sum=Sum("order_amount"))["sum"] or 0
    return bool(before + record.order_amount == record.order.order_amount)

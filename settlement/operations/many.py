"""
Recording very many orders or cancels in one transaction, all or none.

What they are computed by is read once for all of them. `plan` says of each draft what it would become, without writing
anything; what cannot be recorded is the refusal that recording it alone would raise.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import islice
from typing import Any, TypeVar

from django.db import transaction
from django.utils.translation import gettext as _

from access import audit
from core import clock, ids
from core.actor import Actor
from core.errors import DomainError
from core.scope import Scope
from ledger import posting
from settlement import terms
from settlement.calculators import Calculators
from settlement.cancels import compute_cancel
from settlement.dates import settlement_date
from settlement.fees import Computed
from settlement.models import (
    AdditionalFeePolicyVersion,
    Contract,
    ContractVersion,
    DiscountSharePolicyVersion,
    Partner,
    RecordState,
    RecordType,
    Setting,
    SettlementRecord,
)
from settlement.operations import _locks, _order_terms, maturity, settings
from settlement.operations._cancels import CancelDraft
from settlement.operations._orders import OrderDraft, Versions, check_fixed_fees, computed_record, unique
from settlement.operations._record import KIND, check_currency, check_given_date, state_on
from settlement.operations.maturity import Group, Key
from settlement.refusals import (
    contract_not_found,
    discount_policies_not_found,
    fee_policies_not_found,
    partner_not_found,
    record_exists,
    record_not_found,
    refuse,
    translated,
)

_CHUNK = 1_000
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Planned:
    """The record that a draft would become, or with `stands` the one that it is already."""

    record: SettlementRecord
    stands: bool = False


# Of a draft: what it is or would become, or why it cannot be recorded.
Outcome = Planned | DomainError


def _chunks(items: Iterable[T]) -> Iterator[list[T]]:
    source = iter(items)
    while chunk := list(islice(source, _CHUNK)):
        yield chunk


# ---- orders


@dataclass(frozen=True, slots=True)
class _Terms:
    """Everything that some orders are computed by."""

    partners: Mapping[str, Partner]
    contracts: Mapping[str, Contract]
    versions: Mapping[int, Sequence[ContractVersion]]
    discounts: Mapping[str, Sequence[DiscountSharePolicyVersion]]
    fees: Mapping[str, Sequence[AdditionalFeePolicyVersion]]
    calculators: Calculators
    setting: Setting
    holidays: frozenset[date]

    @classmethod
    def of(cls, scope: Scope, drafts: Sequence[OrderDraft]) -> "_Terms":
        """Read the terms of drafts."""
        partners: dict[str, Partner] = {}
        for chunk in _chunks(dict.fromkeys(draft.partner_id for draft in drafts)):
            rows = Partner.objects.within(scope).filter(public_id__in=chunk).only("public_id", "default_contract_id")
            partners |= {row.public_id: row for row in rows}
        named = {draft.contract_id for draft in drafts if draft.contract_id is not None}
        contracts = {row.public_id: row for row in Contract.objects.within(scope).filter(public_id__in=named)}
        wanted = {row.pk for row in contracts.values()} | {row.default_contract_id for row in partners.values()}
        versions: dict[int, list[ContractVersion]] = defaultdict(list)
        for version in ContractVersion.objects.filter(contract__in=wanted).select_related("contract"):
            versions[version.contract_id].append(version)
        mine = {f"policy__{name}": value for name, value in scope.filters().items()}
        shares = {item.policy_id for draft in drafts for item in _discounts(draft)}
        fees = {one for draft in drafts for one in _fee_ids(draft)}
        return cls(
            partners=partners,
            contracts=contracts,
            versions=versions,
            discounts=_by_policy(DiscountSharePolicyVersion.objects.filter(policy__public_id__in=shares, **mine)),
            fees=_by_policy(AdditionalFeePolicyVersion.objects.filter(policy__public_id__in=fees, **mine)),
            calculators=Calculators.of(scope),
            setting=settings.current(scope),
            holidays=terms.holidays(scope),
        )

    def record(self, scope: Scope, draft: OrderDraft, now: datetime) -> SettlementRecord:
        """Return the record of a draft, unsaved. Raises as `record_order` does, but for the order known already."""
        check_currency(draft.currency)
        start = draft.start_date or clock.seoul_day(draft.paid_at or now)
        check_given_date(draft.settlement_date, start)
        partner = self.partners.get(draft.partner_id)
        if partner is None:
            raise partner_not_found(draft.partner_id)
        versions = self._versions(draft, partner, start)
        check_fixed_fees(versions, draft.currency)
        record, _computed = computed_record(scope, draft, start, versions, self)
        record.partner = partner
        record.public_id = draft.public_id or ids.new_id(ids.TRANSFER, now)
        return record

    def _versions(self, draft: OrderDraft, partner: Partner, day: date) -> Versions:
        contract_id = partner.default_contract_id
        if draft.contract_id is not None:
            named = self.contracts.get(draft.contract_id)
            if named is None:
                raise contract_not_found(draft.contract_id)
            contract_id = named.pk
        fee_ids, discount_ids = unique(_fee_ids(draft)), unique(item.policy_id for item in _discounts(draft))
        if missing := [one for one in fee_ids if one not in self.fees]:
            raise fee_policies_not_found(missing)
        if missing := [one for one in discount_ids if one not in self.discounts]:
            raise discount_policies_not_found(missing)
        return Versions(
            terms.version_on(self.versions[contract_id], day),
            {one: terms.version_on(self.discounts[one], day) for one in discount_ids},
            {one: terms.version_on(self.fees[one], day) for one in fee_ids},
        )


def _discounts(draft: OrderDraft) -> Iterator[Any]:
    yield from (item for line in draft.lines for item in line.discounts)
    yield from draft.discounts


def _fee_ids(draft: OrderDraft) -> Iterator[str]:
    yield from (one for line in draft.lines for one in line.fee_policy_ids)
    yield from draft.fee_policy_ids


def _by_policy(versions: Any) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = defaultdict(list)
    for version in versions.select_related("policy"):
        found[version.policy.public_id].append(version)
    return dict(found)


def _known_orders(scope: Scope, drafts: Sequence[OrderDraft]) -> dict[tuple[str, str], SettlementRecord]:
    """Return the standing orders of the drafts' partners and payments."""
    found: dict[tuple[str, str], SettlementRecord] = {}
    for chunk in _chunks({draft.payment_id for draft in drafts}):
        rows = SettlementRecord.objects.within(scope).filter(type=RecordType.ORDER, payment_id__in=chunk)
        rows = rows.exclude(state=RecordState.VOIDED).select_related("partner", "contract_version__contract")
        found |= {(row.partner.public_id, row.payment_id): row for row in rows.order_by("-pk")}
    return found


def plan_orders(
    *, scope: Scope, now: datetime, drafts: Sequence[OrderDraft], same: Callable[[OrderDraft, SettlementRecord], bool]
) -> Iterator[Outcome]:
    """
    Say of each draft what recording it would give; an order that stands already, with the same content, is itself.

    A second order of a partner and payment is refused unless the merchant allows several; `same` compares contents.
    """
    shared = _Terms.of(scope, drafts)
    several = shared.setting.supports_multiple_order_transfers_per_partner
    known = _known_orders(scope, drafts)
    for draft in drafts:
        standing = known.get((draft.partner_id, draft.payment_id))
        if standing is not None and same(draft, standing):
            yield Planned(standing, stands=True)
            continue
        try:
            record = shared.record(scope, draft, now)
        except DomainError as refusal:
            yield refusal
            continue
        yield Planned(record) if standing is None or several else record_exists(standing.public_id)


def record_orders(
    *,
    scope: Scope,
    by: Actor,
    now: datetime,
    drafts: Sequence[OrderDraft],
    same: Callable[[OrderDraft, SettlementRecord], bool],
    tell: Callable[[int], None] = lambda _done: None,
) -> int:
    """
    Record many orders with their journals, all or none; those that stand already are passed over. Returns how many.

    Raises what `record_order` does.
    """
    count = done = 0
    with transaction.atomic():
        _lock_payments(scope, drafts)
        for chunk in _chunks(drafts):
            outcomes = plan_orders(scope=scope, now=now, drafts=chunk, same=same)
            count += _write(scope, _fresh(outcomes), by, now)
            done += len(chunk)
            tell(done)
        _told(scope, by, RecordType.ORDER, count)
    return count


def _lock_payments(scope: Scope, drafts: Sequence[OrderDraft]) -> None:
    if settings.current(scope).supports_multiple_order_transfers_per_partner:
        return
    if len(drafts) > _locks.MOST_NAMES:
        _locks.whole(scope)
        return
    _locks.by_name(scope, (_order_terms.lock_of(one.partner_id, one.payment_id) for one in drafts))


def _fresh(outcomes: Iterable[Outcome]) -> list[SettlementRecord]:
    """Return the records that are to be written. Raises the first refusal."""
    records = []
    for outcome in outcomes:
        if isinstance(outcome, DomainError):
            raise outcome
        if not outcome.stands:
            records.append(outcome.record)
    return records


# ---- cancels


@dataclass(frozen=True, slots=True)
class _Cancelled:
    """An order with the results of its cancels so far, and its cancels by number."""

    order: SettlementRecord
    previous: list[Computed]
    cancels: dict[str, Planned]


class _Orders:
    """The orders that drafts of cancels name, read once."""

    def __init__(self, scope: Scope, drafts: Sequence[CancelDraft]) -> None:
        self._by_id: dict[str, _Cancelled] = {}
        self._by_pair: dict[tuple[str, str], list[_Cancelled]] = defaultdict(list)
        standing = SettlementRecord.objects.within(scope).filter(type=RecordType.ORDER)
        standing = standing.exclude(state=RecordState.VOIDED)
        whole = standing.select_related("partner", "contract_version__contract", "calculator")
        chosen = {draft.transfer_id for draft in drafts if draft.transfer_id}
        paid = {draft.payment_id for draft in drafts if not draft.transfer_id and draft.payment_id}
        for order in [*whole.filter(public_id__in=chosen), *whole.filter(payment_id__in=paid)]:
            if order.public_id not in self._by_id:
                found = self._by_id[order.public_id] = _Cancelled(order, [], {})
                self._by_pair[order.partner.public_id, order.payment_id].append(found)
        known = {found.order.pk: found for found in self._by_id.values()}
        cancels = SettlementRecord.objects.filter(order__in=known).exclude(state=RecordState.VOIDED)
        for cancel in cancels.order_by("pk"):
            self.add(known[cancel.order_id or 0], Planned(cancel, stands=True))

    def add(self, found: _Cancelled, cancel: Planned) -> None:
        """Add a cancel, so that the next one of its order is held against what is left."""
        found.previous.append(terms.computed(cancel.record))
        found.cancels[cancel.record.cancellation_id] = cancel

    def of(self, draft: CancelDraft) -> _Cancelled:
        """Return the order of a draft. Raises TRANSFER_NOT_FOUND, CANNOT_SPECIFY_TRANSFER."""
        if draft.transfer_id:
            named = self._by_id.get(draft.transfer_id)
            found = [named] if named else []
        else:
            found = self._by_pair.get((draft.partner_id or "", draft.payment_id or ""), [])
        if len(found) > 1:
            raise refuse("CANNOT_SPECIFY_TRANSFER", 400, _("주문 정산건이 둘 이상이에요. transferId를 보내 주세요."))
        if not found:
            raise record_not_found(draft.transfer_id or draft.payment_id or "")
        return found[0]

    def keys(self, drafts: Iterable[CancelDraft]) -> set[int]:
        """Return the keys of the orders that are known."""
        found = set()
        for draft in drafts:
            try:
                found.add(self.of(draft).order.pk)
            except DomainError:
                continue
        return found


def plan_cancels(
    *, scope: Scope, now: datetime, drafts: Sequence[CancelDraft], same: Callable[[CancelDraft, SettlementRecord], bool]
) -> Iterator[Outcome]:
    """
    Say of each draft, in order, what recording it would give; a cancel that stands with the same content is itself.

    Each is held against what the cancels before it leave of the order; `same` compares contents.
    """
    orders, setting, closed = _Orders(scope, drafts), settings.current(scope), terms.holidays(scope)
    for draft in drafts:
        try:
            found = orders.of(draft)
            standing = found.cancels.get(draft.cancellation_id)
            if standing is not None and standing.stands and same(draft, standing.record):
                yield standing
                continue
            if standing is not None:
                raise record_exists(standing.record.public_id)
            planned = Planned(_cancel(scope, draft, found, setting, closed, now))
        except DomainError as refusal:
            yield refusal
            continue
        orders.add(found, planned)
        yield planned


def _cancel(
    scope: Scope, draft: CancelDraft, found: _Cancelled, setting: Setting, closed: frozenset[date], now: datetime
) -> SettlementRecord:
    order, cancelled_at = found.order, draft.cancelled_at or now
    start = draft.start_date or clock.seoul_day(cancelled_at)
    check_given_date(draft.settlement_date, start)
    original = terms.original(order)
    with translated(cancelling=True):
        formulas = terms.formulas(order.calculator, order.parameters)
        computed = compute_cancel(original, found.previous, draft.cancel, formulas=formulas)
        adjust = setting.adjust_settlement_date_after_holiday_if_earlier
        day = draft.settlement_date or settlement_date(start, original.contract.cycle, closed, adjust=adjust)
    copied = ("partner", "contract_version", "calculator", "parameters", "currency", "payment_id", "order_name")
    return SettlementRecord(
        **scope.filters(),
        public_id=draft.public_id or ids.new_id(ids.TRANSFER, now),
        type=RecordType.ORDER_CANCEL,
        order=order,
        start_date=start,
        settlement_date=day,
        date_is_given=draft.settlement_date is not None,
        payment_method=order.payment_method,
        paid_at=order.paid_at,
        cancellation_id=draft.cancellation_id,
        cancelled_at=cancelled_at,
        memo=draft.memo,
        **{name: getattr(order, name) for name in copied},
        **terms.computed_columns(computed, terms.agreed(order), RecordType.ORDER_CANCEL),
    )


def record_cancels(
    *,
    scope: Scope,
    by: Actor,
    now: datetime,
    drafts: Sequence[CancelDraft],
    same: Callable[[CancelDraft, SettlementRecord], bool],
    tell: Callable[[int], None] = lambda _done: None,
) -> int:
    """
    Record many cancels with their journals, all or none; those that stand already are passed over. Returns how many.

    Raises what `record_cancel` does.
    """
    count = done = 0
    with transaction.atomic():
        keys: set[int] = set()
        for chunk in _chunks(drafts):
            keys |= _Orders(scope, chunk).keys(chunk)
        for locked in _chunks(sorted(keys)):
            rows = SettlementRecord.objects.filter(pk__in=locked).order_by("pk")
            list(rows.select_for_update(no_key=True).values_list("pk", flat=True))
        for chunk in _chunks(drafts):
            outcomes = plan_cancels(scope=scope, now=now, drafts=chunk, same=same)
            count += _write(scope, _fresh(outcomes), by, now)
            done += len(chunk)
            tell(done)
        _told(scope, by, RecordType.ORDER_CANCEL, count)
    return count


# ---- writing


def _told(scope: Scope, by: Actor, kind: RecordType, count: int) -> None:
    after = {"count": count, "type": kind.value}
    audit.record(scope=scope, by=by, action="settlement_record.loaded", kind=KIND, object_id="", after=after)


def _write(scope: Scope, records: Sequence[SettlementRecord], by: Actor, now: datetime) -> int:
    """Write one chunk with its journals; records whose day has come join partner settlements before."""
    today = clock.seoul_day(now)
    for record in records:
        record.state = state_on(record, today)
        record.created_at = record.state_changed_at = now
    begun = [record for record in records if record.state == RecordState.IN_PROCESS]
    due = [record for record in begun if record.settlement_date <= today]
    groups = [maturity.group_of(record, alone=False) for record in due]
    joined = {step.key: step for step in maturity.join(scope=scope, groups=_added_up(groups), now=now)}
    for record, group in zip(due, groups, strict=True):
        record.state, record.partner_settlement = RecordState.SETTLED, joined[group.key].settlement
    SettlementRecord.objects.bulk_create(records, batch_size=_CHUNK)
    begun.sort(key=lambda record: (record.currency, record.partner_id))
    posting.post_many(scope=scope, postings=[terms.posting(record, recorded_at=now) for record in begun], by=by)
    posting.post_many(scope=scope, postings=[step.posting() for step in joined.values()], by=by)
    return len(records)


def _added_up(groups: Iterable[Group]) -> list[Group]:
    """Return the groups with those of one key made one."""
    sums: dict[Key, Group] = {}
    for group in groups:
        before = sums.get(group.key)
        sums[group.key] = group if before is None else _together(before, group)
    return list(sums.values())


def _together(one: Group, other: Group) -> Group:
    days = [day for group in (one, other) for day in (group.start_from, group.start_until) if day]
    return replace(
        one,
        sums={name: amount + other.sums[name] for name, amount in one.sums.items()},
        count=one.count + other.count,
        start_from=min(days, default=None),
        start_until=max(days, default=None),
    )

"""
Building a bulk payout: which partner settlements go in, what each partner gets, and what is left out and why.

The request stores a bulk payout in PREPARING and a job; the job works through the partners in chunks, each chunk one
transaction that claims the settlements, makes the payouts and reserves their money. A killed job goes on where it
stopped, because what is claimed is no longer free to be chosen.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

from access import audit
from core import clock, faultpoints, ids, jobs
from core.actor import Actor, system
from core.clock import seoul_day
from core.errors import Conflict, InvalidRequest
from core.scope import Scope
from core.sql import load
from ledger import posting
from payouts import amounts, journals, queries
from payouts.models import BankAccount, BulkPayout, BulkStatus, Payout, PayoutStatus
from payouts.operations import chunks, replacing
from payouts.sealing import content_of_bulk
from payouts.terms import payout_terms
from settlement import calculators, claims
from settlement.models import Calculator, HoldReason, Partner, PartnerSettlement, Setting
from settlement.operations import holding, partners, settings

# In settlements, a payout counting as twenty: a chunk holds its locks for about half a second.
CHUNK_WEIGHT = 100_000


class NothingSelected(InvalidRequest):
    """A bulk payout needs at least one partner settlement."""

    code = "NO_SELECTED_PARTNER_SETTLEMENTS"


class NotEditable(Conflict):
    """Content changes only while the bulk payout is being prepared."""

    code = "BULK_PAYOUT_NOT_EDITABLE"


class LeftOutWithoutReason(InvalidRequest):
    """A due negative settlement of a chosen partner may be left out only with a reason the approver sees."""

    code = "NEGATIVE_SETTLEMENT_LEFT_OUT"


@dataclass(frozen=True, slots=True)
class Memos:
    """What the partner's statement shows, and what ours does."""

    deposit: str
    withdrawal: str


@dataclass(frozen=True, slots=True)
class Choice:
    """What goes into a bulk payout: ids of partner settlements, and negative ones left out with the reason."""

    settlement_ids: Sequence[int]
    left_out: Mapping[int, str]


def create_bulk_payout(
    *,
    scope: Scope,
    choice: Choice,
    name: str,
    by: Actor,
    now: datetime,
    public_id: str = "",
    bank_account: BankAccount | None = None,
    scheduled_at: datetime | None = None,
    deposit_memo: str = "",
    withdrawal_memo: str = "",
) -> BulkPayout:
    """
    Start a bulk payout; the payouts themselves are made by a job whose progress is shown.

    Raises NothingSelected, LeftOutWithoutReason, claims.NotClaimable.
    """
    chosen = sorted(set(choice.settlement_ids))
    if not chosen:
        raise NothingSelected(_("지급할 정산 내역을 하나 이상 선택해 주세요."))
    _refuse_scheduled_past(scheduled_at, now)
    with transaction.atomic():
        selected = _with_negatives(scope, chosen, choice.left_out, seoul_day(now))
        bulk = BulkPayout.objects.create(
            **scope.filters(),
            public_id=public_id or ids.new_id(ids.BULK_PAYOUT, now),
            name=name,
            bank_account=bank_account or queries.default_bank_account(scope),
            scheduled_at=scheduled_at,
            created_by_id=by.user_id,
            changed_by_id=by.user_id,
            creator_name=by.name,
            created_at=now,
            updated_at=now,
            status_changed_at=now,
            left_out=_left_out_rows(scope, choice.left_out),
        )
        memos = {"deposit_memo": deposit_memo, "withdrawal_memo": withdrawal_memo}
        _let_build(bulk, selected, memos, by, now)
        audit.record(
            scope=scope,
            by=by,
            action="bulk_payout.created",
            kind="bulk_payout",
            object_id=bulk.public_id,
            after={"name": name, "settlements": len(selected)},
        )
    return bulk


def _let_build(bulk: BulkPayout, selected: Sequence[int], memos: Mapping[str, str], by: Actor, now: datetime) -> None:
    job = jobs.enqueue(
        scope=bulk.scope,
        kind="payouts.build",
        arguments={"bulk_payout": bulk.public_id, "chunks": partner_chunks(bulk.scope, selected), **memos},
        by=by,
        now=now,
        total=len(selected),
        dedupe=bulk.public_id,
    )
    bulk.job_id = job.public_id
    bulk.save(update_fields=["job_id"])


def _refuse_scheduled_past(scheduled_at: datetime | None, now: datetime) -> None:
    if scheduled_at is not None and scheduled_at <= now:
        raise InvalidRequest(_("예약 시각은 지금보다 뒤여야 해요."), field="scheduledAt")


def _with_negatives(scope: Scope, chosen: list[int], left_out: Mapping[int, str], today: date) -> list[int]:
    free = set(claims.free_among(scope, chosen))
    if missing := [pk for pk in chosen if pk not in free]:
        taken = PartnerSettlement.objects.within(scope).filter(pk__in=missing).values_list("public_id", flat=True)
        raise claims.NotClaimable(_("이미 지급에 포함되었거나 지급할 수 없는 정산 내역이 있어요."), ids=list(taken))
    added = set(claims.due_negatives(scope, chosen, today)) - free
    silent = [pk for pk in added & set(left_out) if not left_out[pk].strip()]
    if silent:
        raise LeftOutWithoutReason(_("차감 정산을 제외하려면 사유를 적어 주세요."), count=len(silent))
    return sorted(set(chosen) | (added - set(left_out)))


def _array(keys: Sequence[int]) -> str:
    return f"{{{','.join(map(str, keys))}}}"


def _left_out_rows(scope: Scope, left_out: Mapping[int, str]) -> list[dict[str, object]]:
    rows = PartnerSettlement.objects.within(scope).filter(pk__in=left_out).order_by("pk")
    return [{"settlement": row.public_id, "net": row.net, "reason": left_out[row.pk]} for row in rows]


@jobs.handler("payouts.build", queue=jobs.Queue.DEFAULT)
def build(job: jobs.RunningJob) -> Mapping[str, object]:
    """Make the payouts of a bulk payout, chunk by chunk, then seal its content."""
    arguments = job.arguments
    scope, bulk_id = job.scope, str(arguments["bulk_payout"])
    now, by = clock.now(), system("payouts.build", request_id=job.row.public_id)
    memos = Memos(str(arguments["deposit_memo"]), str(arguments["withdrawal_memo"]))
    planned = _chunks(arguments["chunks"])
    done, total = 0, sum(map(len, planned))
    for chunk in planned:
        with transaction.atomic():
            build_chunk(scope=scope, bulk_id=bulk_id, settlement_ids=chunk, memos=memos, by=by, now=now)
        done += len(chunk)
        job.progress(done, total)
    with transaction.atomic():
        bulk = queries.lock_bulk(scope, bulk_id)
        if bulk.status == BulkStatus.PREPARING:
            replacing.note_replaced(bulk)
            seal_content(bulk, now=now, status=BulkStatus.PREPARED)
        faultpoints.reached("build.sealing")
    faultpoints.reached("build.sealed")
    return {"payouts": bulk.payout_count, "skipped": len(bulk.skipped)}


def _chunks(value: object) -> list[list[int]]:
    return value if isinstance(value, list) else []


def partner_chunks(scope: Scope, selected: Sequence[int]) -> list[list[int]]:
    """Return settlements in chunks of whole partners, so that a partner's money never straddles two transactions."""
    here = {"merchant": scope.merchant_id, "is_test": scope.is_test}
    values: dict[str, Any] = here | {"ids": _array(selected), "weight": CHUNK_WEIGHT}
    with connection.cursor() as cursor:
        cursor.execute(load("payouts", "build_plan"), values)
        return [list(chunk) for (chunk,) in cursor.fetchall()]


def build_chunk(
    *, scope: Scope, bulk_id: str, settlement_ids: Sequence[int], memos: Memos, by: Actor, now: datetime
) -> None:
    """
    Claim, pay and reserve for the partners of one chunk; partners that cannot be paid are noted and left alone.

    Making a chunk again changes nothing. Raises NotEditable when the bulk payout is not being made any more.
    """
    bulk = _keep_as_it_is(scope, bulk_id)
    if bulk.status != BulkStatus.PREPARING:
        raise NotEditable(_("이 일괄지급은 더 이상 만들 수 없는 상태예요."), status=bulk.status)
    making = chunks.Making(
        bulk=bulk,
        setting=settings.current(scope),
        counting=calculators.counting(scope, seoul_day(now)),
        deposit_memo=memos.deposit,
        withdrawal_memo=memos.withdrawal,
        by=by,
        now=now,
    )
    if skipped := chunks.make(making, settlement_ids):
        _note_skipped(bulk, skipped)
    faultpoints.reached("build.chunk")


def _keep_as_it_is(scope: Scope, bulk_id: str) -> BulkPayout:
    """Hold a bulk payout against changes until the transaction ends, and return it as it is then."""
    values: dict[str, Any] = {"merchant": scope.merchant_id, "is_test": scope.is_test, "public_id": bulk_id}
    with connection.cursor() as cursor:
        cursor.execute(load("payouts", "build_lock_bulk"), values)
    return queries.find_bulk(scope, bulk_id)


def _note_skipped(bulk: BulkPayout, skipped: Sequence[chunks.Skipped]) -> None:
    # Last in its transaction: other chunks may be noting theirs, and then wait for this one's end.
    with connection.cursor() as cursor:
        cursor.execute(
            "update payouts_bulkpayout set skipped = skipped || %s::jsonb where id = %s",
            [json.dumps([row.as_json() for row in skipped]), bulk.pk],
        )


def by_partner(locked: Sequence[PartnerSettlement], setting: Setting) -> Iterator[list[PartnerSettlement]]:
    """Group by partner and currency; with the setting on, each manual settlement is a payout of its own."""
    partners_by_id = Partner.objects.in_bulk({row.partner_id for row in locked})
    groups: dict[tuple[int, str, int], list[PartnerSettlement]] = defaultdict(list)
    for row in locked:
        row.partner = partners_by_id[row.partner_id]
        apart = row.pk if setting.manual_settlement_per_transfer and row.type == "MANUAL" else 0
        groups[row.partner_id, row.currency, apart].append(row)
    yield from groups.values()


def why_not(partner: Partner, group: Sequence[PartnerSettlement]) -> str:
    """Return the code of the reason for which a partner cannot be paid, empty when it can."""
    return chunks.refusal(
        currency=group[0].currency,
        net=sum(row.net for row in group),
        reviewed=any(row.hold_reason == HoldReason.COMPLIANCE for row in group),
        account_status=partner.account_status,
        account_confirmed=partner.account_confirmed,
    )


def new_payout(
    bulk: BulkPayout,
    partner: Partner,
    group: Sequence[PartnerSettlement],
    setting: Setting,
    counting: Calculator | None,
    memos: Memos,
    now: datetime,
) -> Payout:
    """Return an unsaved payout of one partner's settlements; amounts and destination are frozen as they are now."""
    figures = amounts.payout_amounts(
        [
            amounts.SettlementAmount(
                amounts.SettlementType(row.type),
                row.settlement,
                row.settlement_tax_free,
                paid_as_is=row.paid_as_is,
            )
            for row in group
        ],
        payout_terms(setting, counting, partner),
    )
    scope, public_id = bulk.scope, ids.new_id(ids.PAYOUT, now)
    credit = sum(row.credit_total for row in group)
    owed_back = sum(row.debit_total for row in group)
    return Payout(
        **scope.filters(),
        public_id=public_id,
        bulk_payout=bulk,
        partner=partner,
        currency=group[0].currency,
        settlement_amount=figures.settlement_amount,
        settlement_tax_free_amount=figures.settlement_tax_free_amount,
        supply_amount=figures.supply_amount,
        tax_free_amount=figures.tax_free_amount,
        vat_amount=figures.vat_amount,
        income_tax_amount=figures.income_tax_amount,
        local_income_tax_amount=figures.local_income_tax_amount,
        amount=figures.amount,
        reserved_credit=credit,
        reserved_debit=owed_back,
        reserved_vat=figures.amount + figures.withheld - (credit - owed_back),
        settlement_count=len(group),
        deduct_wht=setting.deduct_wht,
        settlement_amount_type=setting.settlement_amount_type,
        bank=partner.bank,
        account_number_sealed=queries.seal_account(scope, public_id, partners.account_number(partner)),
        account_last4=partner.account_last4,
        account_fingerprint=partner.account_fingerprint,
        account_holder=partner.account_holder,
        withdrawal_memo=memos.withdrawal or setting.default_withdrawal_memo,
        deposit_memo=memos.deposit or setting.default_deposit_memo,
        created_at=now,
        status_changed_at=now,
    )


def reserve(
    scope: Scope,
    bulk: BulkPayout,
    made: Sequence[tuple[Payout, list[PartnerSettlement]]],
    by: Actor,
    today: date,
    now: datetime,
) -> None:
    """Store new payouts, claim what each is made of (locked), free what of it is held, and reserve the money."""
    known = set(
        Payout.objects.within(scope)
        .filter(status=PayoutStatus.SUCCEEDED, partner_id__in=[payout.partner_id for payout, _group in made])
        .values_list("partner_id", "account_fingerprint")
    )
    for payout, _group in made:
        payout.is_new_destination = (payout.partner_id, payout.account_fingerprint) not in known
        payout.content_hash = queries.content_of(payout).hash()
    Payout.objects.bulk_create([payout for payout, _group in made], batch_size=1000)
    held = [row for _made, group in made for row in group if row.hold_reason]
    holding.free(settlements=held, by=by, now=now)
    claims.claim(scope=scope, taken={payout.pk: group for payout, group in made})
    postings = [journals.reserve(queries.money_of(payout, bulk.bank_account), today) for payout, _group in made]
    posting.post_many(scope=scope, postings=postings, by=by)


def seal_content(bulk: BulkPayout, *, now: datetime, status: str) -> None:
    """Bring the totals and the content hash of a locked bulk payout up to date and store them with its status."""
    found = content_of_bulk(bulk)
    bulk.payout_count = found.payouts
    bulk.total_amount = found.amount
    bulk.total_settlement_amount = found.settlement_amount
    bulk.content_hash = found.hash
    bulk.status = status
    bulk.status_changed_at = bulk.updated_at = now
    bulk.save(
        update_fields=[
            "payout_count",
            "total_amount",
            "total_settlement_amount",
            "content_hash",
            "status",
            "status_changed_at",
            "updated_at",
        ]
    )


EDITABLE = (
    BulkStatus.PREPARED,
    BulkStatus.PENDING_APPROVAL,
    BulkStatus.APPROVED,
    BulkStatus.SCHEDULED,
)


def reopen(bulk: BulkPayout, *, by: Actor, now: datetime) -> None:
    """
    Make a locked bulk payout editable: any change voids the approvals and brings it back to PREPARED, reserve kept.

    Raises NotEditable once it has started.
    """
    if bulk.status not in EDITABLE:
        raise NotEditable(_("이미 시작된 일괄지급은 바꿀 수 없어요."), status=bulk.status)
    bulk.version += 1
    bulk.changed_by_id = by.user_id
    bulk.status = BulkStatus.PREPARED
    bulk.submitted_by_id = None
    bulk.submitted_at = bulk.approved_at = None
    bulk.status_changed_at = bulk.updated_at = now
    bulk.save(
        update_fields=[
            "version",
            "changed_by_id",
            "status",
            "submitted_by_id",
            "submitted_at",
            "approved_at",
            "status_changed_at",
            "updated_at",
        ]
    )


def remove_payouts(*, scope: Scope, bulk_id: str, payout_ids: Sequence[str], by: Actor, now: datetime) -> BulkPayout:
    """Take payouts out of a bulk payout that has not started; their money and settlements are free again."""
    with transaction.atomic():
        bulk = queries.lock_bulk(scope, bulk_id)
        reopen(bulk, by=by, now=now)
        chosen = list(
            queries.payouts_of(bulk).filter(public_id__in=payout_ids).order_by("pk").select_for_update(of=("self",))
        )
        cancel_payouts(bulk, chosen, by=by, now=now)
        seal_content(bulk, now=now, status=BulkStatus.PREPARED)
        audit.record(
            scope=scope,
            by=by,
            action="bulk_payout.edited",
            kind="bulk_payout",
            object_id=bulk_id,
            after={"removed": [row.public_id for row in chosen]},
        )
    return bulk


def change_details(
    *,
    scope: Scope,
    bulk_id: str,
    by: Actor,
    now: datetime,
    name: str | None = None,
    deposit_memo: str | None = None,
    withdrawal_memo: str | None = None,
    scheduled_at: datetime | None = None,
    reschedule: bool = False,
) -> BulkPayout:
    """Change name, memos (of every payout) or schedule of a bulk payout that has not started. Voids approvals."""
    if reschedule:
        _refuse_scheduled_past(scheduled_at, now)
    with transaction.atomic():
        bulk = queries.lock_bulk(scope, bulk_id)
        reopen(bulk, by=by, now=now)
        if name is not None:
            bulk.name = name
        if reschedule:
            bulk.scheduled_at = scheduled_at
        bulk.save(update_fields=["name", "scheduled_at"])
        if deposit_memo is not None or withdrawal_memo is not None:
            _change_memos(bulk, deposit_memo, withdrawal_memo)
        seal_content(bulk, now=now, status=BulkStatus.PREPARED)
        audit.record(
            scope=scope,
            by=by,
            action="bulk_payout.edited",
            kind="bulk_payout",
            object_id=bulk_id,
            after={"name": bulk.name, "scheduledAt": str(bulk.scheduled_at or "")},
        )
    return bulk


def _change_memos(bulk: BulkPayout, deposit_memo: str | None, withdrawal_memo: str | None) -> None:
    rows = list(
        queries.payouts_of(bulk).exclude(status=PayoutStatus.CANCELLED).order_by("pk").select_for_update(of=("self",))
    )
    for row in rows:
        row.deposit_memo = row.deposit_memo if deposit_memo is None else deposit_memo
        row.withdrawal_memo = row.withdrawal_memo if withdrawal_memo is None else withdrawal_memo
        row.content_hash = queries.content_of(row).hash()
    Payout.objects.bulk_update(rows, ["deposit_memo", "withdrawal_memo", "content_hash"], batch_size=1000)


def cancel_bulk_payout(*, scope: Scope, bulk_id: str, by: Actor, now: datetime, reason: str = "") -> BulkPayout:
    """Cancel a bulk payout that has not started. Raises NotEditable."""
    with transaction.atomic():
        bulk = queries.lock_bulk(scope, bulk_id)
        if bulk.status not in (*EDITABLE, BulkStatus.PREPARING):
            raise NotEditable(_("이미 시작된 일괄지급은 취소할 수 없어요. 중단을 사용해 주세요."), status=bulk.status)
        live = queries.payouts_of(bulk).exclude(status=PayoutStatus.CANCELLED).order_by("pk")
        cancel_payouts(bulk, list(live.select_for_update(of=("self",))), by=by, now=now)
        bulk.status = BulkStatus.CANCELLED
        bulk.status_changed_at = bulk.updated_at = bulk.ended_at = now
        bulk.save(update_fields=["status", "status_changed_at", "updated_at", "ended_at"])
        audit.record(
            scope=scope, by=by, action="bulk_payout.cancelled", kind="bulk_payout", object_id=bulk_id, reason=reason
        )
    return bulk


def cancel_payouts(bulk: BulkPayout, payouts: Sequence[Payout], *, by: Actor, now: datetime) -> None:
    """Cancel locked payouts that were never sent and give back what they reserved."""
    Payout.objects.filter(pk__in=[row.pk for row in payouts]).update(
        status=PayoutStatus.CANCELLED, status_changed_at=now
    )
    give_back(bulk, payouts, reason=PayoutStatus.CANCELLED, by=by, now=now)


def give_back(
    bulk: BulkPayout, payouts: Sequence[Payout], *, reason: str, by: Actor, now: datetime
) -> list[PartnerSettlement]:
    """Post the mirror of the reserves of ended payouts and release their claims; returns the settlements set free."""
    today = seoul_day(now)
    postings = [journals.release(queries.money_of(row, bulk.bank_account), today, reason) for row in payouts]
    released = claims.release(payouts=[row.pk for row in payouts], reason=reason, now=now)
    posting.post_many(scope=bulk.scope, postings=postings, by=by)
    return claims.lock(bulk.scope, [row.partner_settlement_id for row in released])


def not_payable_reasons() -> Mapping[str, str]:
    """Return the sentence for each reason a partner is skipped for."""
    return {
        "CURRENCY": _("원화가 아니라서 이체할 수 없어요."),
        "NEGATIVE": _("차감할 금액이 더 커서 지급액이 0보다 작아요."),
        "COMPLIANCE": _("준법 검토가 끝나지 않았어요."),
        "ACCOUNT_NOT_VERIFIED": _("예금주가 확인되지 않았어요."),
        "ACCOUNT_CHANGE_PENDING": _("계좌 변경 승인을 기다리고 있어요."),
    }

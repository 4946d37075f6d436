"""
Shapes out: payouts, bulk payouts and account transfers on the compatible wire.

What the wire has no word for is told by the nearest one it has: an outcome the bank has not confirmed is still being
processed, returned money is a failure with a reason, and whatever waits for an approval is prepared.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar

from access.wire import without_absent
from core import clock, ids
from core.ids import IdKind
from payouts import queries
from payouts.models import Attempt, AttemptState, BankAccount, BulkPayout, BulkStatus, Payout, PayoutStatus
from settlement.wire import partner

Shape = dict[str, Any]
W = TypeVar("W", bound=StrEnum)


class WirePayoutStatus(StrEnum):
    """Statuses of a payout on the wire."""

    CONFIRMED = "CONFIRMED"
    PREPARED = "PREPARED"
    CANCELLED = "CANCELLED"
    STOPPED = "STOPPED"
    PROCESSING = "PROCESSING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    SCHEDULED = "SCHEDULED"


class WireBulkStatus(StrEnum):
    """Statuses of a bulk payout on the wire."""

    PREPARING = "PREPARING"
    PREPARED = "PREPARED"
    ONGOING = "ONGOING"
    POST_PROCESS_PENDING = "POST_PROCESS_PENDING"
    COMPLETED = "COMPLETED"
    CANCELLED = "CANCELLED"


class TransferStatus(StrEnum):
    """Statuses of an account transfer."""

    PREPARED = "PREPARED"
    SCHEDULED = "SCHEDULED"
    CANCELLED = "CANCELLED"
    STOPPED = "STOPPED"
    PROCESSING = "PROCESSING"
    ASYNC_PROCESSING = "ASYNC_PROCESSING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"


class RunStatus(StrEnum):
    """Statuses of a bulk account transfer."""

    PREPARED = "PREPARED"
    SCHEDULED = "SCHEDULED"
    ONGOING = "ONGOING"
    COMPLETED = "COMPLETED"


PAYOUT_STATUS: Mapping[str, WirePayoutStatus] = {
    **{word.value: word for word in WirePayoutStatus},
    PayoutStatus.UNKNOWN.value: WirePayoutStatus.PROCESSING,
    PayoutStatus.RETURNED.value: WirePayoutStatus.FAILED,
}
BULK_STATUS: Mapping[str, WireBulkStatus] = {
    **{word.value: word for word in WireBulkStatus},
    BulkStatus.PENDING_APPROVAL.value: WireBulkStatus.PREPARED,
    BulkStatus.APPROVED.value: WireBulkStatus.PREPARED,
    BulkStatus.SCHEDULED.value: WireBulkStatus.PREPARED,
}
# State of an attempt -> what it is as an account transfer.
TRANSFER_STATUS: Mapping[str, TransferStatus] = {
    AttemptState.CREATED.value: TransferStatus.PREPARED,
    AttemptState.CLAIMED.value: TransferStatus.PREPARED,
    AttemptState.SUBMITTING.value: TransferStatus.PROCESSING,
    AttemptState.ACCEPTED.value: TransferStatus.ASYNC_PROCESSING,
    AttemptState.UNKNOWN.value: TransferStatus.ASYNC_PROCESSING,
    AttemptState.SUCCEEDED.value: TransferStatus.SUCCEEDED,
    AttemptState.FAILED.value: TransferStatus.FAILED,
    AttemptState.RETURNED.value: TransferStatus.FAILED,
    AttemptState.STOPPED.value: TransferStatus.STOPPED,
}
# Status of a payout -> as what its instruction counts in a bulk account transfer.
INSTRUCTION_STATUS: Mapping[str, TransferStatus] = {
    PayoutStatus.CONFIRMED.value: TransferStatus.PREPARED,
    PayoutStatus.SCHEDULED.value: TransferStatus.SCHEDULED,
    PayoutStatus.PREPARED.value: TransferStatus.PREPARED,
    PayoutStatus.PROCESSING.value: TransferStatus.PROCESSING,
    PayoutStatus.UNKNOWN.value: TransferStatus.ASYNC_PROCESSING,
    PayoutStatus.SUCCEEDED.value: TransferStatus.SUCCEEDED,
    PayoutStatus.FAILED.value: TransferStatus.FAILED,
    PayoutStatus.RETURNED.value: TransferStatus.FAILED,
    PayoutStatus.STOPPED.value: TransferStatus.STOPPED,
    PayoutStatus.CANCELLED.value: TransferStatus.CANCELLED,
}
# Only an approved bulk payout is a run of account transfers.
RUN_STATUS: Mapping[str, RunStatus] = {
    BulkStatus.APPROVED.value: RunStatus.PREPARED,
    BulkStatus.SCHEDULED.value: RunStatus.SCHEDULED,
    BulkStatus.ONGOING.value: RunStatus.ONGOING,
    BulkStatus.POST_PROCESS_PENDING.value: RunStatus.ONGOING,
    BulkStatus.COMPLETED.value: RunStatus.COMPLETED,
}
_RUN_PREFIX = f"{ids.BULK_ACCOUNT_TRANSFER.prefix}-"


def stored(words: Iterable[StrEnum], told: Mapping[str, W]) -> list[str]:
    """Return the stored statuses that are told by one of some words."""
    wanted = set(words)
    return [status for status, word in told.items() if word in wanted]


def _ids(kind: IdKind, public_id: str, name: str = "") -> Shape:
    keys = (f"{name}Id", f"{name}GraphqlId") if name else ("id", "graphqlId")
    return dict(zip(keys, (public_id, ids.graphql_id(kind.number, public_id)), strict=True))


def moment(value: datetime | None) -> str | None:
    """Return a moment as the wire writes it, None for none."""
    return clock.wire_moment(value) if value else None


def _key(word: StrEnum) -> str:
    first, *others = word.value.lower().split("_")
    return first + "".join(other.capitalize() for other in others)


def folded(by_status: Mapping[str, int], told: Mapping[str, W], words: type[W]) -> Shape:
    """Return figures by stored status as figures by the wire's words, 0 where there are none."""
    figures = dict.fromkeys((_key(word) for word in words), 0)
    for status, figure in by_status.items():
        if status in told:
            figures[_key(told[status])] += figure
    return figures


def payout(row: Payout) -> Shape:
    """Return a payout; its partner with the default contract, and its bulk payout, must be loaded."""
    bulk = row.bulk_payout
    return without_absent(
        _ids(ids.PAYOUT, row.public_id)
        | _ids(ids.BULK_PAYOUT, bulk.public_id, "bulkPayout")
        | {
            "method": str(bulk.method),
            "status": PAYOUT_STATUS[row.status].value,
            "statusUpdatedAt": moment(row.status_changed_at),
            "memo": row.memo or None,
            "partner": partner(row.partner),
            "account": {"bank": row.bank, "number": queries.account_number(row), "holder": row.account_holder},
            "taxInvoiceStatus": "NONE",
            "currency": row.currency,
            "amount": row.amount,
            "supplyAmount": row.supply_amount,
            "taxFreeAmount": row.tax_free_amount,
            "vatAmount": row.vat_amount,
            "settlementAmount": row.settlement_amount,
            "settlementTaxFreeAmount": row.settlement_tax_free_amount,
            "incomeTaxAmount": row.income_tax_amount,
            "localIncomeTaxAmount": row.local_income_tax_amount,
            "withdrawalMemo": row.withdrawal_memo or None,
            "depositMemo": row.deposit_memo or None,
            "createdAt": moment(row.created_at),
            "scheduledAt": moment(bulk.scheduled_at),
            "failReason": row.fail_reason or row.fail_code or None,
            "deductWht": row.deduct_wht,
            "settlementAmountType": str(row.settlement_amount_type),
            "settlementStatement": {"status": "UNSENT"},
        }
    )


def creator(row: BulkPayout, people: Mapping[int, str]) -> str:
    """Return who made a bulk payout: a person's public id, or what else did."""
    return people.get(row.created_by_id or 0) or row.creator_name or "system"


def bulk_payout(row: BulkPayout, figures: Mapping[str, tuple[int, int]], people: Mapping[int, str]) -> Shape:
    """Return a bulk payout; `figures` are count and amount of its payouts by status, `people` public ids by key."""
    return without_absent(
        _ids(ids.BULK_PAYOUT, row.public_id)
        | {
            "name": row.name,
            "creatorId": creator(row, people),
            "method": str(row.method),
            "totalPayoutAmount": row.total_amount,
            "totalSettlementAmount": row.total_settlement_amount,
            "status": BULK_STATUS[row.status].value,
            "payoutStats": _stats(figures, PAYOUT_STATUS, WirePayoutStatus),
            "statusUpdatedAt": moment(row.status_changed_at),
            "createdAt": moment(row.created_at),
            "updatedAt": moment(row.updated_at),
        }
    )


def _stats(figures: Mapping[str, tuple[int, int]], told: Mapping[str, W], words: type[W]) -> Shape:
    amounts = {status: amount for status, (_count, amount) in figures.items()}
    counts = {status: count for status, (count, _amount) in figures.items()}
    return {"amount": folded(amounts, told, words), "count": folded(counts, told, words)}


def account_transfer(row: Attempt) -> Shape:
    """Return an instruction to the bank as a withdrawal; payout, partner, bulk payout and bank account are loaded."""
    paid = row.payout
    bulk = paid.bulk_payout
    account = bulk.bank_account
    # The wire knows no return: the money is back, so the withdrawal has failed, and says why.
    reason = paid.fail_reason if row.state == AttemptState.RETURNED else row.bank_message or row.bank_code
    ended = row.state in (AttemptState.FAILED, AttemptState.RETURNED)
    return without_absent(
        {
            "type": "WITHDRAWAL",
            "id": row.reference,
            "bankAccountId": account.public_id,
            "bankAccountGraphqlId": ids.graphql_id(ids.BANK_ACCOUNT.number, account.public_id),
            "bankAccount": _bank_account(account),
            "currency": paid.currency,
            "depositBank": paid.bank,
            "depositAccountNumber": queries.account_number(paid),
            "depositAccountHolder": paid.account_holder,
            "amount": row.amount,
            "withdrawalMemo": paid.withdrawal_memo or None,
            "depositMemo": paid.deposit_memo or None,
            "failReason": (reason or row.state) if ended else None,
            "tradedAt": moment(row.executed_at),
            "createdAt": moment(row.created_at),
            "updatedAt": moment(row.state_changed_at),
            "isForTest": paid.is_test,
            "withdrawalType": "PARTNER_PAYOUT",
            "statusUpdatedAt": moment(row.state_changed_at),
            "status": TRANSFER_STATUS[row.state].value,
            "scheduledAt": moment(bulk.scheduled_at),
        }
        | _ids(ids.PARTNER, paid.partner.public_id, "partner")
        | _ids(ids.BULK_PAYOUT, bulk.public_id, "bulkPayout")
        | _ids(ids.PAYOUT, paid.public_id, "payout")
        | _ids(ids.BULK_ACCOUNT_TRANSFER, run_id(bulk), "bulkAccountTransfer")
    )


def _bank_account(row: BankAccount) -> Shape:
    # Our own account's number stays sealed; its last four digits tell accounts apart.
    return {"accountNumber": f"****{row.last4}", "bank": row.bank, "provider": "MOCK", "holder": row.holder or None}


def run_id(bulk: BulkPayout) -> str:
    """Return the id of a bulk payout's run of account transfers."""
    return f"{_RUN_PREFIX}{bulk.public_id}"


def bulk_of_run(wanted: str) -> str | None:
    """Return the id of the bulk payout behind a run's id."""
    return wanted.removeprefix(_RUN_PREFIX) if wanted.startswith(_RUN_PREFIX) else None


def bulk_account_transfer(row: BulkPayout, figures: Mapping[str, tuple[int, int]], people: Mapping[int, str]) -> Shape:
    """Return an approved bulk payout as a run of account transfers; figures and people as for `bulk_payout`."""
    account = row.bank_account.public_id
    return without_absent(
        _ids(ids.BULK_ACCOUNT_TRANSFER, run_id(row))
        | {
            "creatorId": creator(row, people),
            "bankAccountId": account,
            "bankAccountGraphqlId": ids.graphql_id(ids.BANK_ACCOUNT.number, account),
            "totalAmount": row.total_amount,
            "status": RUN_STATUS[row.status].value,
            "stats": _stats(figures, INSTRUCTION_STATUS, TransferStatus),
            "statusUpdatedAt": moment(row.status_changed_at),
            "createdAt": moment(row.approved_at or row.created_at),
            "updatedAt": moment(row.updated_at),
            "scheduledAt": moment(row.scheduled_at),
        }
    )


def completed(row: BulkPayout, settlements: int) -> Shape:
    """Return the answer to a completed payment by hand."""
    return _ids(ids.BULK_PAYOUT, row.public_id, "bulkPayout") | {
        "payoutCount": row.payout_count,
        "partnerSettlementCount": settlements,
    }

"""
Filters of the lists of payouts on the compatible wire.

They follow the rules of settlement's lists: any value of a list, all filters together. Moments include where a range
begins and leave out where it ends. What the product does not keep (tax invoices, statements sent) has its one neutral
status, and a filter for anything else finds nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum

from django.db.models import Q

from access.parse import Fields
from payouts import wire
from payouts.models import PayoutMethod
from payouts.wire import RunStatus, TransferStatus, WireBulkStatus, WirePayoutStatus
from settlement.models import PartnerType, TaxationType

_WORD = 300
_NOTHING = Q(pk__in=())


def _any(column: str, values: Sequence[object]) -> Q:
    return Q(**{f"{column}__in": values}) if values else Q()


def _texts(fields: Fields, name: str, column: str) -> Q:
    return _any(column, fields.texts(name, most=1_000, longest=_WORD))


def _neutral(fields: Fields, name: str, only: str) -> Q:
    wanted = fields.texts(name, most=100, longest=60)
    return Q() if not wanted or only in wanted else _NOTHING


def _range(fields: Fields, name: str, column: str) -> Q:
    inside = fields.mapping(name)
    return Q(**{f"{column}__gte": inside.moment("from"), f"{column}__lt": inside.moment("until")})


def _text(fields: Fields, name: str, column: str) -> Q:
    return Q(**{column: fields.text(name, longest=_WORD)})


Criterion = Callable[[Fields, str], Q]


def _between(column: str) -> Criterion:
    return lambda fields, name: _range(fields, name, column)


def _is(column: str) -> Criterion:
    return lambda fields, name: _text(fields, name, column)


def _never(fields: Fields, name: str) -> Q:
    if name.endswith("Range"):
        _range(fields, name, "pk")
    else:
        fields.text(name, longest=_WORD)
    return _NOTHING


def _one_of(fields: Fields, criteria: Mapping[str, Criterion]) -> Q:
    name = fields.one_of(*criteria)
    return criteria[name](fields, name)


_PAYOUT_CRITERIA: Mapping[str, Criterion] = {
    "timestampRange": _between("created_at"),
    "statusUpdatedTimestampRange": _between("status_changed_at"),
    "scheduledTimestampRange": _between("bulk_payout__scheduled_at"),
    "settlementStatementIssuedTimestampRange": _never,
    "payoutId": _is("public_id"),
    "bulkPayoutId": _is("bulk_payout__public_id"),
    "taxInvoiceId": _never,
    "settlementStatementId": _never,
}


def payout_filter(fields: Fields | None) -> Q:
    """Return the condition of a list of payouts, statuses aside. Exactly one criterion must be given."""
    if fields is None:
        return Q()
    tags = fields.texts("partnerTags", most=100, longest=100)
    return (
        _one_of(fields.mapping("criteria"), _PAYOUT_CRITERIA)
        & _texts(fields, "partnerIds", "partner__public_id")
        & _texts(fields, "payoutAccountBanks", "bank")
        & (Q(partner__tags__overlap=tags) if tags else Q())
        & _texts(fields, "payoutCurrencies", "currency")
        & _texts(fields, "payoutIds", "public_id")
        & _neutral(fields, "taxInvoiceStatuses", "NONE")
        & _any("partner__type", fields.choices("partnerTypes", PartnerType))
        & _any("partner__taxation_type", fields.choices("partnerTaxationTypes", TaxationType))
        & _neutral(fields, "settlementStatementStatuses", "UNSENT")
    )


def payout_statuses(fields: Fields | None) -> list[str]:
    """Return the stored statuses a list of payouts is asked for; empty for all."""
    return wire.stored(fields.choices("statuses", WirePayoutStatus), wire.PAYOUT_STATUS) if fields else []


_BULK_CRITERIA: Mapping[str, Criterion] = {
    "timestampRange": _between("created_at"),
    "statusUpdatedTimestampRange": _between("status_changed_at"),
    "bulkPayoutId": _is("public_id"),
}


def bulk_filter(fields: Fields | None) -> Q:
    """Return the condition of a list of bulk payouts, statuses aside."""
    if fields is None:
        return Q()
    criteria = fields.maybe_mapping("criteria")
    found = _one_of(criteria, _BULK_CRITERIA) if criteria else Q()
    return found & _any("method", fields.choices("methods", PayoutMethod))


def bulk_statuses(fields: Fields | None) -> list[str]:
    """Return the stored statuses a list of bulk payouts is asked for; empty for all."""
    return wire.stored(fields.choices("statuses", WireBulkStatus), wire.BULK_STATUS) if fields else []


def _of_run(fields: Fields, name: str, column: str) -> Q:
    bulk = wire.bulk_of_run(fields.text(name, longest=2 * _WORD))
    return _NOTHING if bulk is None else Q(**{column: bulk})


_RUN_CRITERIA: Mapping[str, Criterion] = {
    "timestampRange": _between("approved_at"),
    "statusUpdatedTimestampRange": _between("status_changed_at"),
    "bulkAccountTransferId": lambda fields, name: _of_run(fields, name, "public_id"),
}


def run_filter(fields: Fields | None) -> Q:
    """Return the condition of a list of bulk account transfers, statuses aside."""
    criteria = fields.maybe_mapping("criteria") if fields else None
    return _one_of(criteria, _RUN_CRITERIA) if criteria else Q()


def run_statuses(fields: Fields | None) -> list[str]:
    """Return the stored statuses a list of bulk account transfers is asked for; empty for all."""
    return wire.stored(fields.choices("statuses", RunStatus), wire.RUN_STATUS) if fields else []


_TRANSFER_FILTERS: Mapping[str, Criterion] = {
    "tradeTimestampRange": _between("executed_at"),
    "createdTimestampRange": _between("created_at"),
    "statusUpdatedTimestampRange": _between("state_changed_at"),
    "scheduledTimestampRange": _between("payout__bulk_payout__scheduled_at"),
    "accountTransferId": _is("reference"),
    "bankAccountId": _is("payout__bulk_payout__bank_account__public_id"),
    "bulkAccountTransferId": lambda fields, name: _of_run(fields, name, "payout__bulk_payout__public_id"),
    "payoutId": _is("payout__public_id"),
    "depositorName": _never,
    "depositAccountHolder": _is("payout__account_holder"),
    "depositMemo": _is("payout__deposit_memo"),
    "withdrawalMemo": _is("payout__withdrawal_memo"),
}


class TransferType(StrEnum):
    """Which way money moves on an account."""

    DEPOSIT = "DEPOSIT"
    WITHDRAWAL = "WITHDRAWAL"


def transfer_filter(fields: Fields | None) -> Q:
    """Return the condition of a list of account transfers, statuses aside."""
    if fields is None:
        return Q()
    found = Q()
    for name, criterion in _TRANSFER_FILTERS.items():
        if fields.has(name):
            found &= criterion(fields, name)
    types = fields.choices("types", TransferType)
    if types and TransferType.WITHDRAWAL not in types:
        found &= _NOTHING
    return found & _texts(fields, "accountTransferIds", "reference")


def transfer_statuses(fields: Fields | None) -> list[str]:
    """Return the states of attempts a list of account transfers is asked for; empty for all."""
    wanted = fields.choices("statuses", TransferStatus) if fields else []
    # SCHEDULED and CANCELLED are in no attempt: an empty answer of the table must not mean "all".
    return wire.stored(wanted, wire.TRANSFER_STATUS) or ["-"] if wanted else []

"""The journals of accepted files: what they cost and what the vendor is owed."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from access import audit
from core import clock
from core.actor import Actor
from core.errors import InvalidRequest
from core.scope import Scope
from ledger import posting
from ledger.accounts import Address
from ledger.chart import Code
from ledger.models import Journal
from ledger.posting import Origin, Posting
from reconciliation import queries
from reconciliation.booking import BOOKED_KINDS, Booked, booked
from reconciliation.lines import Kind
from reconciliation.models import Batch, Parameters
from reconciliation.models.lengths import NAME_LENGTH

ORIGIN = "vendor_file"
_EVENT = "vendor_file.accepted"


def is_booked(batch: Batch) -> bool:
    """Say whether accepting a batch moves money in the books: estimates and files without prices do not."""
    return Kind(batch.kind) in BOOKED_KINDS and not batch.is_estimate


def figures(batch: Batch) -> list[Booked]:
    """Return what is booked of a batch by currency; nothing for one that moves no money."""
    return booked(batch.answer["totals"]) if is_booked(batch) else []


def book(*, batch: Batch, by: Actor, now: datetime) -> None:
    """Post what an accepted batch costs: one journal for each currency that the books keep."""
    vendor = queries.vendor_account(batch.scope)
    for figure in figures(batch):
        posting.post(scope=batch.scope, posting=_posting(batch, figure, vendor, now), by=by)


def _posting(batch: Batch, figure: Booked, vendor: str, now: datetime) -> Posting:
    currency = figure.currency
    legs = [
        posting.debit(Address(Code.GOODS_RECEIVED, "", currency), figure.pretax, "PRETAX"),
        posting.debit(Address(Code.INPUT_VAT, "", currency), figure.tax, "TAX"),
        posting.credit(Address(Code.VENDOR_PAYABLE, vendor, currency), figure.payable, "INVOICE"),
    ]
    return Posting(
        event=_EVENT,
        key=f"vendor_file:{batch.public_id}:{currency}",
        on=clock.seoul_day(now),
        legs=legs,
        origin=Origin(ORIGIN, batch.public_id),
        memo=batch.invoice_number,
    )


def reverse(*, batch: Batch, by: Actor, now: datetime) -> None:
    """Post the mirrors of what a batch that no longer counts had posted."""
    journals = Journal.objects.within(batch.scope).filter(
        origin_kind=ORIGIN, origin_id=batch.public_id, event_type=_EVENT
    )
    for journal_id in journals.order_by("pk").values_list("pk", flat=True):
        posting.reverse(scope=batch.scope, journal_id=journal_id, on=clock.seoul_day(now), by=by)


def set_vendor_account(*, scope: Scope, account: str, by: Actor, now: datetime) -> Parameters:
    """Say which vendor accepted files are owed to from now on. Raises InvalidRequest."""
    account = account.strip()
    if not account or len(account) > NAME_LENGTH:
        raise InvalidRequest(_("공급사 이름을 적어 주세요. 200자까지 쓸 수 있어요."), field="vendor_account")
    with transaction.atomic():
        before = queries.vendor_account(scope)
        said = {"vendor_account": account, "changed_by_id": by.user_id, "changed_by": str(by)[:NAME_LENGTH]}
        kept, _made = Parameters.objects.update_or_create(
            merchant_id=scope.merchant_id, is_test=scope.is_test, defaults=said | {"changed_at": now}
        )
        if before != account:
            audit.record(
                scope=scope,
                by=by,
                action="reconciliation.vendor_set",
                kind="reconciliation_parameters",
                object_id="",
                before={"vendor_account": before},
                after={"vendor_account": account},
            )
    return kept

"""Recording the cancel of an order, in part or whole."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from django.utils.translation import gettext as _

from core import clock, ids
from core.actor import Actor
from core.scope import Scope
from core.transactions import part
from settlement import terms
from settlement.cancels import Cancel, compute_cancel
from settlement.dates import settlement_date
from settlement.fees import Computed
from settlement.models import RecordState, RecordType, SettlementRecord
from settlement.operations import properties, settings
from settlement.operations._record import check_given_date, check_keys, write
from settlement.refusals import record_exists, record_not_found, refuse, translated


@dataclass(frozen=True, slots=True)
class CancelDraft:
    """
    A cancel to be recorded, of the order `transfer_id` or of the only one of a partner and payment.

    `cancel` says how much: an amount, lines, or with neither all that is left.
    """

    cancellation_id: str
    transfer_id: str | None = None
    partner_id: str | None = None
    payment_id: str | None = None
    cancel: Cancel = field(default_factory=Cancel)
    start_date: date | None = None
    settlement_date: date | None = None
    is_external: bool = True
    cancelled_at: datetime | None = None
    memo: str = ""
    properties: Mapping[str, str] = field(default_factory=dict)
    public_id: str = ""


def record_cancel(*, scope: Scope, by: Actor, now: datetime, draft: CancelDraft) -> SettlementRecord:
    """
    Record a cancel, computed under the terms its order keeps. Amounts are sizes; the type carries the minus.

    Raises TRANSFER_NOT_FOUND, CANNOT_SPECIFY_TRANSFER, TRANSFER_ALREADY_EXISTS, TRANSFER_ID_ALREADY_USED,
    CANCELLATION_AND_PAYMENT_TYPE_MISMATCHED, SETTLEMENT_DATE_EARLIER_THAN_SETTLEMENT_START_DATE,
    USER_DEFINED_PROPERTY_NOT_FOUND, and every refusal of the calculation.
    """
    check_keys(scope, draft.properties)
    cancelled_at = draft.cancelled_at or now
    start_date = draft.start_date or clock.seoul_day(cancelled_at)
    check_given_date(draft.settlement_date, start_date)
    with part():
        order = _locked_order(scope, draft)
        previous = _previous(order, draft.cancellation_id)
        if not draft.is_external:
            raise refuse("CANCELLATION_AND_PAYMENT_TYPE_MISMATCHED", 400, _("외부 결제는 외부 취소 정보가 필요해요."))
        setting = settings.current(scope)
        original = terms.original(order)
        with translated(cancelling=True):
            formulas = terms.formulas(order.calculator, order.parameters)
            computed = compute_cancel(original, previous, draft.cancel, formulas=formulas)
            adjust = setting.adjust_settlement_date_after_holiday_if_earlier
            day = draft.settlement_date or settlement_date(
                start_date, original.contract.cycle, terms.holidays(scope), adjust=adjust
            )
        record = SettlementRecord(
            **scope.filters(),
            public_id=draft.public_id or ids.new_id(ids.TRANSFER, now),
            type=RecordType.ORDER_CANCEL,
            partner=order.partner,
            contract_version=order.contract_version,
            calculator=order.calculator,
            parameters=order.parameters,
            order=order,
            start_date=start_date,
            settlement_date=day,
            date_is_given=draft.settlement_date is not None,
            currency=order.currency,
            payment_id=order.payment_id,
            order_name=order.order_name,
            payment_method=order.payment_method,
            paid_at=order.paid_at,
            cancellation_id=draft.cancellation_id,
            cancelled_at=cancelled_at,
            memo=draft.memo,
            user_defined_properties=properties.listed(draft.properties),
            **terms.computed_columns(computed, terms.agreed(order), RecordType.ORDER_CANCEL),
        )
        return write(record, computed, by=by, now=now)


def _locked_order(scope: Scope, draft: CancelDraft) -> SettlementRecord:
    """Return the order, locked: cancels of one order happen one after another."""
    orders = SettlementRecord.objects.within(scope).filter(type=RecordType.ORDER).exclude(state=RecordState.VOIDED)
    if draft.transfer_id is not None:
        found = list(orders.filter(public_id=draft.transfer_id).values_list("pk", flat=True))
    else:
        pair = orders.filter(partner__public_id=draft.partner_id or "", payment_id=draft.payment_id or "")
        found = list(pair.values_list("pk", flat=True)[:2])
    name = draft.transfer_id or draft.payment_id or ""
    if len(found) > 1:
        raise refuse("CANNOT_SPECIFY_TRANSFER", 400, _("주문 정산건이 둘 이상이에요. transferId를 보내 주세요."))
    locked = list(orders.filter(pk__in=found).select_for_update(no_key=True).values_list("pk", flat=True))
    # Loaded after the lock: a join in the locking statement would pair an order that was computed anew meanwhile with
    # its old contract.
    whole = orders.select_related("partner", "contract_version__contract", "calculator")
    order = whole.filter(pk__in=locked).first()
    if order is None:
        raise record_not_found(name)
    return order


def _previous(order: SettlementRecord, cancellation_id: str) -> list[Computed]:
    """Return the cancels so far. Raises TRANSFER_ALREADY_EXISTS when one of them has this cancellation id."""
    cancels = list(order.cancels.exclude(state=RecordState.VOIDED).order_by("pk"))
    for cancel in cancels:
        if cancel.cancellation_id == cancellation_id:
            raise record_exists(cancel.public_id)
    return [terms.computed(cancel) for cancel in cancels]

"""
Billing records made from orders: orders and their cancels whose custom properties carry the ids vendors bill by.

Each settlement record gives one billing record; a cancel's is negative, so that what is compared is what is left. Doing
it again on the same orders changes nothing, and what a person changed or took back by hand stays as it is.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any, Final

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from core import jobs
from core.actor import Actor
from core.errors import InvalidRequest
from core.models import Job
from core.money import minor_digits
from core.scope import Scope
from reconciliation.amounts import plain
from reconciliation.books import OwnRecord
from reconciliation.formats.columns import header_key
from reconciliation.formats.recognise import FORMAT_OF
from reconciliation.heartbeat import Tell
from reconciliation.keys import KEYS
from reconciliation.lines import Kind
from reconciliation.models import BillingRecord, Source
from reconciliation.operations import own_records
from reconciliation.operations.own_records import Entry, Saved, Standing
from settlement.models import (
    PUBLIC_ID_LENGTH,
    CustomProperty,
    PropertyTarget,
    RecordState,
    RecordType,
    SettlementRecord,
)

DERIVE_JOB: Final = "reconciliation.derive"
_CHUNK = 2_000
_NAME: Final = "customer_name"
_NAME_COLUMNS = ("CustomerName", "CustomerCompanyName")
_MINUS_ONE = Decimal(-1)


@dataclass(slots=True)
class Derived:
    """
    What orders of a period give: how many were looked at, what becomes of the records, and their sums by currency.

    `without_ids` orders lack an id, `by_hand` records were changed or taken back by a person and stay, `withdrawn` are
    those of orders that were deleted, `locked` those that locked days forbid. Sums are before tax and tax.
    """

    orders: int = 0
    without_ids: int = 0
    by_hand: int = 0
    new: int = 0
    changed: int = 0
    same: int = 0
    withdrawn: int = 0
    locked: int = 0
    sums: dict[str, tuple[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Orders of which days, and for which kind of file. Raises InvalidRequest."""

    kind: Kind
    first_day: date
    last_day: date

    def __post_init__(self) -> None:
        if self.last_day < self.first_day:
            raise InvalidRequest(_("끝나는 날이 시작하는 날보다 빨라요."), field="last_day")
        if self.kind not in KEYS:
            raise InvalidRequest(_("비교할 수 있는 파일 종류를 적어 주세요."), field="kind")


def properties_of(scope: Scope, kind: Kind) -> dict[str, str | None]:
    """
    Return by field of a record, the ids of the kind and the customer's name, the property of orders that carries it.

    A property is named like the field or like the column of the file, spelled however. Secret ones are passed over:
    records are for everybody to see.
    """
    fields: dict[str, str] = {header_key(name): name for name, _column in KEYS[kind]}
    columns = {column: name for name, column in KEYS[kind]} | dict.fromkeys(_NAME_COLUMNS, _NAME)
    for key, column in FORMAT_OF[kind].by_key.items():
        if column.name in columns:
            fields.setdefault(key, columns[column.name])
    fields[header_key(_NAME)] = _NAME
    found: dict[str, str | None] = dict.fromkeys([*(name for name, _column in KEYS[kind]), _NAME])
    known = CustomProperty.objects.within(scope).filter(target=PropertyTarget.RECORD, is_secret=False)
    for key in known.order_by("pk").values_list("key", flat=True):
        name = fields.get(header_key(key))
        if name is not None and found[name] is None:
            found[name] = key
    return found


def orders_of(scope: Scope, wanted: Wanted) -> QuerySet[SettlementRecord]:
    """Return the orders and cancels of the days that stand."""
    return SettlementRecord.objects.within(scope).filter(
        ~Q(state=RecordState.VOIDED),
        type__in=(RecordType.ORDER, RecordType.ORDER_CANCEL),
        start_date__range=(wanted.first_day, wanted.last_day),
    )


def preview(*, scope: Scope, wanted: Wanted) -> Derived:
    """Return what deriving would do now."""
    made = _Entries(scope, wanted)
    for one in own_records.examine(scope=scope, entries=made):
        made.derived.locked += one.is_locked
        match one.standing:
            case Standing.NEW:
                made.derived.new += 1
            case Standing.CHANGED:
                made.derived.changed += 1
            case Standing.SAME:
                made.derived.same += 1
    made.derived.withdrawn = _voided(scope, wanted).count()
    return made.told()


def derive(*, scope: Scope, wanted: Wanted, by: Actor, now: datetime, tell: Tell) -> Derived:
    """
    Save what the orders of the days give, and take back what deleted ones gave: all, or nothing.

    Raises PeriodLocked, Conflict when somebody saves the same at once, and whatever `tell` raises.
    """
    made = _Entries(scope, wanted, tell)
    with transaction.atomic():
        about = f"{wanted.kind} {wanted.first_day}–{wanted.last_day}"
        saved = own_records.save_entries(scope=scope, entries=made, source=Source.ORDER, about=about, by=by, now=now)
        gone = _withdraw(scope, wanted, by, now)
    made.derived.new, made.derived.changed, made.derived.same = saved.new, saved.changed, saved.same
    made.derived.withdrawn = gone
    return made.told()


def start(*, scope: Scope, wanted: Wanted, by: Actor, now: datetime) -> Job:
    """Let a job derive; one that is under way for the same kind and days is returned."""
    days = f"{wanted.first_day}/{wanted.last_day}"
    arguments = {
        "kind": str(wanted.kind),
        "first_day": wanted.first_day.isoformat(),
        "last_day": wanted.last_day.isoformat(),
        "by": by.told(),
    }
    return jobs.enqueue(
        scope=scope, kind=DERIVE_JOB, arguments=arguments, by=by, now=now, dedupe=f"{wanted.kind}/{days}"
    )


class _Entries:
    """The billing records of orders, one after the other, and what is noticed about them."""

    def __init__(self, scope: Scope, wanted: Wanted, tell: Tell = lambda _done, _total: None) -> None:
        self.derived = Derived()
        self._scope, self._wanted, self._tell = scope, wanted, tell
        self._properties = {key: name for name, key in properties_of(scope, wanted.kind).items() if key}
        self._needed = tuple(name for name, _column in KEYS[wanted.kind])
        self._by_hand = _refs_by_hand(scope, wanted.kind)
        self._sums: dict[str, list[int]] = defaultdict(lambda: [0, 0])

    def __iter__(self) -> Iterator[Entry]:
        orders = orders_of(self._scope, self._wanted).select_related("order").order_by("pk")
        total = orders.count()
        columns = ("public_id", "type", "start_date", "currency", "payment", "payment_vat", "lines")
        lean = orders.only(*columns, "user_defined_properties", "order__user_defined_properties")
        for order in lean.iterator(chunk_size=_CHUNK):
            if self.derived.orders % _CHUNK == 0:
                self._tell(self.derived.orders, total)
            self.derived.orders += 1
            entry = self._entry(order)
            if entry is not None:
                yield entry

    def _entry(self, order: SettlementRecord) -> Entry | None:
        said = self._said(order)
        name = said.pop(_NAME, None)
        customer, *others = self._needed
        if (customer not in said and not name) or any(one not in said for one in others):
            self.derived.without_ids += 1
            return None
        ref = ref_of(self._wanted.kind, order.public_id)
        if ref in self._by_hand:
            self.derived.by_hand += 1
            return None
        return Entry(self._record(order, ref, said, name), source_id=order.public_id)

    def _said(self, order: SettlementRecord) -> dict[str, str]:
        """Return what the properties say, by field; a cancel says what its order said unless it says otherwise."""
        listed = [*(order.order.user_defined_properties if order.order else ()), *order.user_defined_properties]
        said = {}
        for one in listed:
            name, value = self._properties.get(one["key"]), str(one["value"].get("string") or "").strip()
            if name and value:
                said[name] = value
        return said

    def _record(self, order: SettlementRecord, ref: str, ids: Mapping[str, str], name: str | None) -> OwnRecord:
        is_cancel = order.type == RecordType.ORDER_CANCEL
        sign = -1 if is_cancel else 1
        subtotal, tax = sign * (order.payment - order.payment_vat), sign * order.payment_vat
        sums = self._sums[order.currency]
        sums[0] += subtotal
        sums[1] += tax
        pieces = [line["quantity"] for line in order.lines]
        return OwnRecord(
            ref=ref,
            kind=self._wanted.kind,
            ids=ids,
            customer_name=name,
            currency=order.currency,
            quantity=Decimal(sign * sum(pieces)) if pieces else None,
            unit_price=None,
            subtotal=_major(subtotal, order.currency),
            tax=_major(tax, order.currency),
            period_start=order.start_date,
            period_end=order.start_date,
        )

    def told(self) -> Derived:
        """Return what was noticed, with the sums in words of the wire."""
        self.derived.sums = {
            currency: (plain(_major(subtotal, currency)), plain(_major(tax, currency)))
            for currency, (subtotal, tax) in sorted(self._sums.items())
        }
        return self.derived


def ref_of(kind: Kind, public_id: str) -> str:
    """Return the name of the billing record of an order for a kind of file."""
    ref = f"order:{kind}:{public_id}"
    return ref if len(ref) <= PUBLIC_ID_LENGTH else f"order:{kind}:{sha256(public_id.encode()).hexdigest()}"


def _major(minor: int, currency: str) -> Decimal:
    return Decimal(minor).scaleb(-minor_digits(currency))


def _refs_by_hand(scope: Scope, kind: Kind) -> set[str]:
    """Return the names of derived records whose newest version a person made, by another way or by taking it back."""
    made = BillingRecord.objects.within(scope).filter(is_current=True, kind=kind, ref__startswith=f"order:{kind}:")
    return set(made.filter(~Q(source=Source.ORDER) | Q(is_withdrawn=True)).values_list("ref", flat=True))


def _voided(scope: Scope, wanted: Wanted) -> QuerySet[BillingRecord]:
    """Return the derived records of the days whose orders were deleted."""
    gone = SettlementRecord.objects.within(scope).filter(state=RecordState.VOIDED, public_id=OuterRef("source_id"))
    made = BillingRecord.objects.within(scope).filter(is_current=True, is_withdrawn=False, kind=wanted.kind)
    days = (wanted.first_day, wanted.last_day)
    return made.filter(Exists(gone), source=Source.ORDER, first_day__range=days)


def _withdraw(scope: Scope, wanted: Wanted, by: Actor, now: datetime) -> int:
    refs = list(_voided(scope, wanted).values_list("ref", flat=True))
    if not refs:
        return 0
    gone: Saved = own_records.withdraw(
        scope=scope, refs=refs, by=by, now=now, source=Source.ORDER, reason=_("주문이 삭제되어 거뒀어요.")
    )
    return gone.changed


def as_result(derived: Derived) -> dict[str, Any]:
    """Return what was done as a job keeps it."""
    return asdict(derived)

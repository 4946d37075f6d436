"""Recording manual adjustments, one or very many."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import islice
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.utils.translation import gettext as _

from access import audit
from core import clock, ids
from core.actor import Actor
from core.errors import InvalidRequest
from core.money import AmountOutOfRange, check_amount
from core.scope import Scope
from core.sql import load
from ledger import posting
from ledger.posting import Origin, Posting, refused_by
from settlement import legs, terms
from settlement.models import Partner, RecordType, Setting, SettlementRecord
from settlement.operations import maturity, properties, settings
from settlement.operations._record import KIND, check_currency, check_keys, told
from settlement.operations.maturity import Group, Joined, Key
from settlement.refusals import partner_not_found, record_id_used, refuse

_CHUNK = 5_000


@dataclass(frozen=True, slots=True)
class ManualRow:
    """
    A manual adjustment to be recorded; amounts signed, in minor units.

    `counter` names the account on the other side when it is not the reason's, and `paid_as_is` says that no VAT is
    added and no tax withheld, both as for a vendor's invoice.
    """

    partner_id: str
    amount: int
    settlement_date: date
    tax_free: int = 0
    currency: str = "KRW"
    memo: str = ""
    reason: str = legs.GENERAL
    properties: Mapping[str, str] = field(default_factory=dict)
    public_id: str = ""
    origin_kind: str = ""
    origin_id: str = ""
    counter: legs.Counter | None = None
    paid_as_is: bool = False


def record_manual(*, scope: Scope, by: Actor, now: datetime, row: ManualRow) -> SettlementRecord:
    """
    Record one manual adjustment.

    Raises PARTNER_NOT_FOUND, CURRENCY_NOT_SUPPORTED, NEGATIVE_AMOUNT_NOT_ALLOWED, TRANSFER_ID_ALREADY_USED,
    USER_DEFINED_PROPERTY_NOT_FOUND, InvalidRequest.
    """
    with transaction.atomic():
        (public_id,) = _write(scope, [row], settings.current(scope), by, now)
        record = SettlementRecord.objects.within(scope).select_related("partner").get(public_id=public_id)
        told(scope, by, "recorded", record, amount=record.net)
    return record


def record_many_manual(*, scope: Scope, by: Actor, now: datetime, rows: Iterable[ManualRow]) -> int:
    """
    Record many manual adjustments with their journals in one transaction, all or none; returns how many.

    Reads the rows as they come, 5,000 at a time. Raises as `record_manual` does.
    """
    count = 0
    source = iter(rows)
    with transaction.atomic():
        setting = settings.current(scope)
        while chunk := list(islice(source, _CHUNK)):
            count += len(_write(scope, chunk, setting, by, now))
        after = {"count": count}
        audit.record(scope=scope, by=by, action="settlement_record.loaded", kind=KIND, object_id="", after=after)
    return count


@dataclass(frozen=True, slots=True)
class _Placed:
    """A row with its record's id, its partner's key, and what it joins if its day has come."""

    row: ManualRow
    public_id: str
    partner_id: int
    key: Key | None

    @property
    def group(self) -> tuple[str, int]:
        """Return what orders rows so that journals touch the books partner by partner."""
        return self.row.currency, self.partner_id

    def posting(self, today: date) -> Posting:
        """Return the record's journal, dated with the day it is recorded."""
        row = self.row
        found = legs.manual_legs(row.amount, reason=row.reason, counter=row.counter)
        return Posting(
            event="settlement.recorded",
            key=f"record:{self.public_id}",
            on=today,
            legs=[terms.placed(leg, row.partner_id, row.currency) for leg in found],
            origin=Origin(terms.RECORD_ORIGIN, self.public_id),
        )


def _write(scope: Scope, rows: Sequence[ManualRow], setting: Setting, by: Actor, now: datetime) -> list[str]:
    """Write one chunk; records whose day has come join partner settlements before they are inserted."""
    check_keys(scope, {key for row in rows for key in row.properties})
    for row in rows:
        _check(row, setting)
    placed = _placed(scope, rows, setting, now)
    joined = {step.key: step for step in maturity.join(scope=scope, groups=_groups(placed), now=now)}
    _insert(scope, placed, joined, now)
    today = clock.seoul_day(now)
    recorded = [one.posting(today) for one in sorted(placed, key=lambda one: one.group)]
    posting.post_many(scope=scope, postings=recorded, by=by)
    posting.post_many(scope=scope, postings=[step.posting() for step in joined.values()], by=by)
    return [one.public_id for one in placed]


def _check(row: ManualRow, setting: Setting) -> None:
    check_currency(row.currency)
    try:
        check_amount("settlementAmount", row.amount)
        check_amount("settlementTaxFreeAmount", row.tax_free)
    except AmountOutOfRange as error:
        raise InvalidRequest(_("금액이 범위를 벗어났어요."), field=error.field) from error
    if abs(row.tax_free) > abs(row.amount) or row.tax_free * row.amount < 0:
        raise InvalidRequest(
            _("정산 면세액은 정산 금액과 부호가 같고 더 크지 않아야 해요."), field="settlementTaxFreeAmount"
        )
    if setting.manual_settlement_per_transfer and row.amount < 0:
        raise refuse("NEGATIVE_AMOUNT_NOT_ALLOWED", 400, _("수기 정산을 건별로 지급할 때는 음수를 등록할 수 없어요."))


def _placed(scope: Scope, rows: Sequence[ManualRow], setting: Setting, now: datetime) -> list[_Placed]:
    names = {row.partner_id for row in rows}
    known = Partner.objects.within(scope).filter(public_id__in=names)
    partners = dict(known.values_list("public_id", "pk"))
    alone = maturity.stands_alone(setting, RecordType.MANUAL)
    today = clock.seoul_day(now)
    placed = []
    for place, row in enumerate(rows):
        partner = partners.get(row.partner_id)
        if partner is None:
            raise partner_not_found(row.partner_id)
        key = Key(
            partner,
            None,
            RecordType.MANUAL.value,
            row.settlement_date,
            row.currency,
            place if alone else None,
            row.paid_as_is,
        )
        due = row.settlement_date <= today
        placed.append(_Placed(row, row.public_id or ids.new_id(ids.TRANSFER, now), partner, key if due else None))
    return placed


def _groups(placed: Sequence[_Placed]) -> list[Group]:
    """Return the rows whose day has come, added up by the partner settlement they join."""
    due: dict[Key, list[ManualRow]] = defaultdict(list)
    for one in placed:
        if one.key is not None:
            due[one.key].append(one.row)
    return [Group(key, _sums(rows), len(rows)) for key, rows in due.items()]


def _sums(rows: Sequence[ManualRow]) -> dict[str, int]:
    net, tax_free = sum(row.amount for row in rows), sum(row.tax_free for row in rows)
    credit = sum(row.amount for row in rows if row.amount > 0)
    sums = dict.fromkeys(maturity.SUMS, 0)
    sums |= {"settlement": net, "settlement_tax_free": tax_free, "net": net, "net_tax_free": tax_free}
    return sums | {"credit_total": credit, "debit_total": credit - net}


def _insert(scope: Scope, placed: Sequence[_Placed], joined: Mapping[Key, Joined], now: datetime) -> None:
    values: dict[str, Any] = {
        "merchant": scope.merchant_id,
        "is_test": scope.is_test,
        "now": now,
        "public_ids": [one.public_id for one in placed],
        "partners": [one.partner_id for one in placed],
        "days": [one.row.settlement_date for one in placed],
        "currencies": [one.row.currency for one in placed],
        "amounts": [one.row.amount for one in placed],
        "tax_free": [one.row.tax_free for one in placed],
        "settlements": [joined[one.key].settlement.pk if one.key else None for one in placed],
        "reasons": [one.row.reason for one in placed],
        "memos": [one.row.memo for one in placed],
        "properties": [json.dumps(properties.listed(one.row.properties)) for one in placed],
        "origin_kinds": [one.row.origin_kind for one in placed],
        "origin_ids": [one.row.origin_id for one in placed],
        "as_they_are": [one.row.paid_as_is for one in placed],
    }
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(load("settlement", "insert_manuals"), values)
    except IntegrityError as error:
        if refused_by(error) != "settlement_record_id":
            raise
        raise record_id_used(_used(scope, [one.public_id for one in placed])) from error


def _used(scope: Scope, chosen: Sequence[str]) -> str:
    """Return the first id that is taken, by another record or by an earlier row."""
    rows = SettlementRecord.objects.within(scope).filter(public_id__in=chosen)
    known = set(rows.values_list("public_id", flat=True))
    seen: set[str] = set()
    for one in chosen:
        if one in known or one in seen:
            return one
        seen.add(one)
    return ""

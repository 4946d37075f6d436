"""
Resellers: which partner an id of the vendor means, and the settlement records their parts of a file become.

What a reseller's lines come to is what the reseller owes us, so its record takes that away; credits give it back. A
new version of a file is settled by the difference to what its earlier versions were settled for.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from access import audit
from core import ids
from core.actor import Actor
from core.errors import Conflict, InvalidRequest, NotFound
from core.scope import Scope
from ledger.posting import refused_by
from reconciliation import queries
from reconciliation.amounts import EXACT, ZERO
from reconciliation.booking import in_minor
from reconciliation.models import Batch, BatchState, ResellerLink, ResellerSettlement
from reconciliation.models.lengths import NAME_LENGTH
from reconciliation.operations.booking import is_booked
from reconciliation.resellers import Bucket
from settlement.models import Partner
from settlement.operations import records

ORIGIN = "reseller_settlement"
_ID = ids.IdKind("rs", 32, dated=True)
_SETTLED_ONCE = "reconciliation_reseller_settled_once"


class Waits(StrEnum):
    """Why a part of a file does not become a settlement record."""

    NO_RESELLER = "no_reseller"
    """The file names no reseller for these lines."""
    NO_PARTNER = "no_partner"
    """No partner is linked with the id."""
    CURRENCY = "currency"
    """The books do not keep the currency, or no amount may be so large."""
    ZERO = "zero"
    """There is nothing to settle."""
    SETTLED = "settled"
    """It is settled already."""
    NOT_BOOKED = "not_booked"
    """An estimate, or a file without prices."""


@dataclass(frozen=True, slots=True)
class Part:
    """
    What one bucket and id of a file come to in a currency, and the record it would become.

    `total` and `before` are exact major units, `amount` minor units with the sign of the record; None where `waits`
    says why there is none.
    """

    bucket: Bucket
    mpn: str
    currency: str
    lines: int
    pretax: Decimal
    tax: Decimal
    total: Decimal
    before: Decimal
    amount: int | None
    partner: Partner | None
    waits: Waits | None
    settled: ResellerSettlement | None = None


def parts(batch: Batch) -> list[Part]:
    """Return the parts of a batch in the order of buckets and ids; together they are the whole file."""
    entries = batch.answer.get("by_reseller", [])
    mpns = {entry["mpn"] for entry in entries}
    links = {link.mpn: link.partner for link in queries.reseller_links(batch.scope).filter(mpn__in=mpns)}
    settled = {(one.mpn, one.currency): one for one in queries.reseller_settlements(batch)}
    before = _before(batch)
    booked = is_booked(batch)
    return [_part(entry, links, settled, before, booked=booked) for entry in entries]


def _before(batch: Batch) -> dict[tuple[str, str], Decimal]:
    """Return what other versions of the file were settled for, by id and currency."""
    sums: dict[tuple[str, str], Decimal] = {}
    for one in queries.reseller_settlements_of(batch.scope, batch.identity).exclude(batch=batch):
        key = (one.mpn, one.currency)
        sums[key] = EXACT.add(sums.get(key, ZERO), EXACT.subtract(one.total, one.before))
    return sums


def _part(
    entry: Mapping[str, str],
    links: Mapping[str, Partner],
    settled: Mapping[tuple[str, str], ResellerSettlement],
    before: Mapping[tuple[str, str], Decimal],
    *,
    booked: bool,
) -> Part:
    bucket, mpn, currency = Bucket(entry["bucket"]), entry["mpn"], entry["currency"]
    mine = settled.get((mpn, currency)) if bucket is Bucket.RESELLER else None
    earlier = before.get((mpn, currency), ZERO) if bucket is Bucket.RESELLER else ZERO
    total = Decimal(entry["total"])
    part = Part(
        bucket=bucket,
        mpn=mpn,
        currency=currency,
        lines=int(entry["lines"]),
        pretax=Decimal(entry["pretax"]),
        tax=Decimal(entry["tax"]),
        total=total,
        before=mine.before if mine else earlier,
        amount=None,
        partner=mine.partner if mine else links.get(mpn) if bucket is Bucket.RESELLER else None,
        waits=Waits.SETTLED if mine else None,
        settled=mine,
    )
    if mine is not None:
        return replace(part, amount=mine.amount)
    owed = in_minor(EXACT.subtract(total, earlier), currency)
    waits = _waits(part, owed, booked=booked)
    return replace(part, waits=waits, amount=None if waits or owed is None else -owed)


def _waits(part: Part, owed: int | None, *, booked: bool) -> Waits | None:
    if part.bucket is not Bucket.RESELLER:
        return Waits.NO_RESELLER
    if not booked:
        return Waits.NOT_BOOKED
    if owed is None:
        return Waits.CURRENCY
    if not owed:
        return Waits.ZERO
    return Waits.NO_PARTNER if part.partner is None else None


def settle(
    *,
    scope: Scope,
    batch_id: str,
    chosen: Sequence[tuple[str, str]],
    flipped: frozenset[tuple[str, str]] = frozenset(),
    on: date,
    by: Actor,
    now: datetime,
) -> list[ResellerSettlement]:
    """
    Make one settlement record for each chosen id and currency, due on `on`; all or none. Returns what was made.

    Those of `flipped` keep the sign of the file. What is settled already stays as it is. Raises NotFound; Conflict for
    a batch that does not count; InvalidRequest for a part that cannot be settled; what the settlement area refuses.
    """
    try:
        with transaction.atomic():
            queries.batch(scope, batch_id)
            # Locked whole: two people who settle the same part must not both see it open.
            batch = Batch.objects.within(scope).select_for_update().get(public_id=batch_id)
            if batch.state != BatchState.ACCEPTED:
                raise Conflict(_("반영한 파일만 정산할 수 있어요."), state=batch.state)
            return [
                _settled(batch, part, is_flipped=(part.mpn, part.currency) in flipped, on=on, by=by, now=now)
                for part in _open_parts(batch, chosen)
            ]
    except IntegrityError as error:
        if refused_by(error) != _SETTLED_ONCE:
            raise
        raise Conflict(_("같은 재판매사를 다른 사람이 정산했어요. 다시 확인해 주세요.")) from None


def _open_parts(batch: Batch, chosen: Sequence[tuple[str, str]]) -> list[Part]:
    there = {(part.mpn, part.currency): part for part in parts(batch) if part.bucket is Bucket.RESELLER}
    found = []
    for mpn, currency in dict.fromkeys(chosen):
        part = there.get((mpn, currency))
        if part is None:
            raise NotFound(mpn=mpn, currency=currency)
        if part.waits is Waits.SETTLED:
            continue
        if part.waits is not None:
            message = _("%(mpn)s: 정산할 수 없는 재판매사예요.") % {"mpn": mpn}
            raise InvalidRequest(message, field="mpn", mpn=mpn, currency=currency, reason=part.waits)
        found.append(part)
    return found


def _settled(batch: Batch, part: Part, *, is_flipped: bool, on: date, by: Actor, now: datetime) -> ResellerSettlement:
    if part.amount is None or part.partner is None:
        raise AssertionError(part)
    public_id = ids.new_id(_ID, now)
    amount = -part.amount if is_flipped else part.amount
    row = records.ManualRow(
        partner_id=part.partner.public_id,
        amount=amount,
        settlement_date=on,
        currency=part.currency,
        memo=f"{batch.invoice_number or batch.name} · {part.mpn}"[:200],
        origin_kind=ORIGIN,
        origin_id=public_id,
        # The file's total has its tax inside.
        paid_as_is=True,
    )
    record = records.record_manual(scope=batch.scope, by=by, now=now, row=row)
    made = ResellerSettlement(
        **batch.scope.filters(),
        public_id=public_id,
        batch=batch,
        identity=batch.identity,
        mpn=part.mpn,
        currency=part.currency,
        total=part.total,
        before=part.before,
        is_flipped=is_flipped,
        amount=amount,
        partner=part.partner,
        record_id=record.public_id,
        created_by_id=by.user_id,
        created_by=str(by)[:NAME_LENGTH],
        made_at=now,
    )
    made.save(force_insert=True)
    audit.record(
        scope=batch.scope,
        by=by,
        action="reconciliation.reseller_settled",
        kind=ORIGIN,
        object_id=public_id,
        after={"batch": batch.public_id, "mpn": part.mpn, "amount": amount, "record": record.public_id},
    )
    return made


# ---- Links


def link(*, scope: Scope, mpn: str, partner_id: str, by: Actor, now: datetime) -> ResellerLink:
    """Say which partner a reseller id means. Doing it again changes nothing. Raises NotFound, InvalidRequest."""
    mpn = mpn.strip()
    if mpn in {"", "0", "-1"} or len(mpn) > NAME_LENGTH:
        raise InvalidRequest(_("재판매사의 MPN ID를 적어 주세요."), field="mpn")
    partner = Partner.objects.within(scope).filter(public_id=partner_id).first()
    if partner is None:
        raise NotFound(partner=partner_id)
    said = {"partner": partner, "linked_by_id": by.user_id, "linked_by": str(by)[:NAME_LENGTH], "linked_at": now}
    with transaction.atomic():
        there = ResellerLink.objects.within(scope).select_for_update().filter(mpn=mpn).first()
        if there is not None and there.partner_id == partner.pk:
            return there
        kept, _made = ResellerLink.objects.update_or_create(
            merchant_id=scope.merchant_id, is_test=scope.is_test, mpn=mpn, defaults=said
        )
        before = {"partner": there.partner.public_id} if there else None
        _tell_link(scope, by, "linked", mpn, before, {"partner": partner.public_id})
    return kept


def unlink(*, scope: Scope, mpn: str, by: Actor) -> None:
    """Forget which partner a reseller id means; records that were made stay. Doing it again changes nothing."""
    with transaction.atomic():
        there = ResellerLink.objects.within(scope).select_for_update().filter(mpn=mpn).first()
        if there is not None:
            before = {"partner": there.partner.public_id}
            there.delete()
            _tell_link(scope, by, "unlinked", mpn, before, None)


def _tell_link(
    scope: Scope,
    by: Actor,
    verb: str,
    mpn: str,
    before: Mapping[str, object] | None,
    after: Mapping[str, object] | None,
) -> None:
    audit.record(
        scope=scope,
        by=by,
        action=f"reconciliation.reseller_{verb}",
        kind="reconciliation_reseller",
        object_id=mpn,
        before=before,
        after=after,
    )

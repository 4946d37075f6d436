"""Our own API: our billing records, each change a version, and days that are closed to changes."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.utils.translation import gettext as _

from access.api import ApiRequest
from access.cursors import CursorPage
from access.parse import Fields
from access.roles import ApiScope
from core.errors import DomainError, NotFound
from reconciliation import api_base as base
from reconciliation import queries, wire
from reconciliation.api_base import ReconciliationView, done, named, worded
from reconciliation.books import ID_FIELDS, OwnRecord
from reconciliation.keys import KEYS
from reconciliation.lines import Kind
from reconciliation.models import BillingRecord, PeriodLock, Source
from reconciliation.models.lengths import NAME_LENGTH
from reconciliation.operations import own_records
from reconciliation.operations.own_records import Entry
from settlement.models import PUBLIC_ID_LENGTH

Shape = dict[str, Any]
MOST_RECORDS = 10_000
_LARGEST_BODY = 16 * 1_048_576


class Records(ReconciliationView):
    """GET and POST /reconciliation/records."""

    largest_body = _LARGEST_BODY

    def get(self, request: ApiRequest) -> Shape:
        """Return our records in their newest versions, the newest first."""
        query = request.query
        rows = BillingRecord.objects.within(request.scope).filter(
            worded(query, "kind", "kind", KEYS)
            & worded(query, "source", "source", Source.values)
            & named(query, "ref", "ref")
            & named(query, "currency", "currency")
            & named(query, "billingEntity", "billing_entity")
            & base.days(query, "period", "first_day", "last_day"),
            is_current=True,
        )
        withdrawn = query.maybe_boolean("withdrawn")
        if withdrawn is not None:
            rows = rows.filter(is_withdrawn=withdrawn)
        found, more = CursorPage.of(query).take(rows)
        return {"items": wire.records(found), **more}

    def post(self, request: ApiRequest) -> Shape:
        """Save up to 10,000 records, all or none; a changed one becomes a new version, an equal one nothing."""
        parts = request.fields.items("records", fewest=1, most=MOST_RECORDS)
        entries = [_entry(part) for part in parts]
        with _told_by_place():
            saved = done(request, own_records.save_entries, entries=entries, source=Source.API)
        return {"new": saved.new, "changed": saved.changed, "same": saved.same}


class RecordView(ReconciliationView):
    """GET /reconciliation/records/{ref}."""

    def get(self, request: ApiRequest, public_id: str) -> Shape:
        """Return a record in its newest version."""
        return wire.record(_newest(request, public_id))


class RecordVersions(ReconciliationView):
    """GET /reconciliation/records/{ref}/versions."""

    def get(self, request: ApiRequest, public_id: str) -> Shape:
        """Return every version of a record, newest first."""
        _newest(request, public_id)
        found, more = CursorPage.of(request.query).take(queries.history(request.scope, public_id))
        return {"items": wire.records(found), **more}


class RecordWithdraw(ReconciliationView):
    """POST /reconciliation/records/{ref}/withdraw."""

    def post(self, request: ApiRequest, public_id: str) -> Shape:
        """Take a record back by a last version."""
        reason = base.reason(request.fields)
        done(request, own_records.withdraw, refs=[public_id], source=Source.API, reason=reason)
        return wire.record(_newest(request, public_id))


class PeriodLocks(ReconciliationView):
    """GET and POST /reconciliation/period-locks."""

    writes = ApiScope.RECONCILIATION_DECIDE

    def get(self, request: ApiRequest) -> Shape:
        """Return closed days, those that were opened again included."""
        rows = PeriodLock.objects.within(request.scope)
        opened = request.query.maybe_boolean("opened")
        if opened is not None:
            rows = rows.filter(opened_at__isnull=not opened)
        found, more = CursorPage.of(request.query).take(rows)
        return {"items": [wire.lock(row) for row in found], **more}

    def post(self, request: ApiRequest) -> Shape:
        """Close days, both ends included, for records of ours."""
        fields = request.fields
        days = {"first_day": fields.date("firstDay"), "last_day": fields.date("lastDay")}
        return wire.lock(done(request, own_records.lock_period, **days, reason=base.reason(fields)))


class PeriodLockOpen(ReconciliationView):
    """POST /reconciliation/period-locks/{id}/open."""

    writes = ApiScope.RECONCILIATION_DECIDE

    def post(self, request: ApiRequest, public_id: str) -> Shape:
        """Open closed days again."""
        lock_id, reason = base.number(public_id), base.reason(request.fields)
        return wire.lock(done(request, own_records.open_period, lock_id=lock_id, reason=reason))


@contextmanager
def _told_by_place() -> Iterator[None]:
    """Name the record of a refusal as part of its field: the places of the operation begin at 1."""
    try:
        yield
    except DomainError as refusal:
        facts = dict(refusal.facts)
        place = facts.pop("record", None)
        if isinstance(place, int):
            part = f".{facts['field']}" if "field" in facts else ""
            refusal.facts = {**facts, "field": f"records[{place - 1}]{part}"}
        raise


def _newest(request: ApiRequest, ref: str) -> BillingRecord:
    found = queries.history(request.scope, ref).first()
    if found is None:
        raise NotFound(ref=ref)
    return found


def _entry(part: Fields) -> Entry:
    first, last = part.maybe_date("periodStart"), part.maybe_date("periodEnd")
    if first and last and last < first:
        raise part.wrong("periodEnd", _("끝나는 날이 시작하는 날보다 빨라요."))
    record = OwnRecord(
        ref=_trimmed(part, "ref"),
        kind=Kind(base.word(part, "kind", KEYS)),
        ids={name: value for name in ID_FIELDS if (value := _maybe_trimmed(part, wire.camel(name)))},
        customer_name=part.maybe_text("customerName", longest=NAME_LENGTH),
        currency=base.currency(part, "currency"),
        quantity=base.maybe_figure(part, "quantity"),
        unit_price=base.maybe_figure(part, "unitPrice"),
        subtotal=base.figure(part, "subtotal"),
        tax=base.maybe_figure(part, "tax"),
        period_start=first,
        period_end=last,
    )
    return Entry(record, part.maybe_text("billingEntity", longest=NAME_LENGTH) or "")


def _trimmed(part: Fields, name: str) -> str:
    text = part.text(name, shortest=1, longest=PUBLIC_ID_LENGTH).strip()
    if not text:
        raise part.wrong(name, _("값이 필요해요."))
    return text


def _maybe_trimmed(part: Fields, name: str) -> str:
    return (part.maybe_text(name, longest=PUBLIC_ID_LENGTH) or "").strip()

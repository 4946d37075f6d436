"""
Our own API: what the compatible wire has no call for.

Partner settlements and the decisions about them, records with how their amounts came about, the preview of an order,
holidays, the calculation, and uploads.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, ClassVar

from django.db.models import Q
from django.http import HttpResponseBase
from django.utils.translation import gettext as _

from access.api import Answer, ApiRequest, V1View
from access.cursors import CursorPage
from access.parse import Fields
from access.wire import without_absent
from console import upload_files, upload_operations, uploads
from console.models import Upload, UploadState
from core import clock
from core.errors import Forbidden, NotFound
from core.scope import Scope
from settlement import calculators, explain, queries, wire, wire_in
from settlement.models import (
    PUBLIC_ID_LENGTH,
    Holiday,
    HolidayChange,
    RecordStatus,
    RecordType,
    SettlementRecord,
    SettlementStatus,
)
from settlement.operations import holding, holidays
from settlement.operations.preview import preview_order
from settlement.refusals import settlements_not_found

Shape = dict[str, Any]
_MOST_NAMED = 1_000


def _moment(value: datetime | None) -> str | None:
    return clock.wire_moment(value) if value else None


def _days(query: Fields, name: str, column: str) -> Q:
    since, until = query.maybe_date(f"{name}From"), query.maybe_date(f"{name}Until")
    found = Q(**{f"{column}__gte": since}) if since else Q()
    return found & (Q(**{f"{column}__lte": until}) if until else Q())


def _named(query: Fields, name: str, column: str) -> Q:
    wanted = query.texts(name, most=100, longest=PUBLIC_ID_LENGTH)
    return Q(**{f"{column}__in": wanted}) if wanted else Q()


# ---- partner settlements


def _settlement(row: Any, versions: Mapping[int, Any], own: Mapping[int, Any]) -> Shape:
    return without_absent(
        wire.partner_settlement(row, versions.get(row.contract_version_id), own.get(row.pk, {}))
        | {
            "net": row.net,
            "netTaxFree": row.net_tax_free,
            "recordCount": row.record_count,
            "holdReason": str(row.hold_reason) or None,
            "payoutId": row.payout_id,
            "bulkPayoutId": row.bulk_payout_id,
        }
    )


def _settlements(scope: Scope, rows: Any) -> list[Shape]:
    found = list(rows)
    own = calculators.formula_sums(scope, [row.pk for row in found])
    versions = queries.contract_versions({row.contract_version_id for row in found if row.contract_version_id})
    return [_settlement(row, versions, own) for row in found]


def _settlement_rows(request: ApiRequest) -> Any:
    rows = queries.whole_settlements(queries.partner_settlement_rows(request.scope))
    return rows.select_related("partner__default_contract")


class PartnerSettlements(V1View):
    """GET /partner-settlements."""

    def get(self, request: ApiRequest) -> Shape:
        """Return partner settlements, newest first."""
        query = request.query
        rows = _settlement_rows(request).filter(
            _days(query, "settlementDate", "settlement_date")
            & _named(query, "partnerId", "partner__public_id")
            & _named(query, "currency", "currency")
        )
        if types := query.choices("type", RecordType):
            rows = rows.filter(type__in=types)
        if statuses := query.choices("status", SettlementStatus):
            rows = rows.filter(status__in=statuses)
        found, more = CursorPage.of(query).take(rows)
        return {"items": _settlements(request.scope, found), **more}


class PartnerSettlement(V1View):
    """GET /partner-settlements/{id}."""

    def get(self, request: ApiRequest, public_id: str) -> Shape:
        """Return one. PARTNER_SETTLEMENTS_NOT_FOUND."""
        found = _settlements(request.scope, _settlement_rows(request).filter(public_id=public_id))
        if not found:
            raise settlements_not_found([public_id])
        return found[0]


class SettlementDecision(V1View):
    """POST /partner-settlements/{withhold, exclude, prepare, restore}."""

    decide: ClassVar[Callable[..., None]]

    def post(self, request: ApiRequest) -> Shape:
        """Move partner settlements, all or none."""
        wanted = request.fields.texts("ids", most=_MOST_NAMED, longest=PUBLIC_ID_LENGTH)
        memo = request.fields.maybe_text("memo", longest=1_000) or ""
        if not wanted:
            raise request.fields.wrong("ids", _("정산 내역을 하나 이상 골라 주세요."))
        # Through the class: a function kept on it would take the view for its first argument.
        type(self).decide(scope=request.scope, by=request.actor, now=clock.now(), public_ids=wanted, memo=memo)
        moved = _settlement_rows(request).filter(public_id__in=wanted).order_by("-pk")
        return {"items": _settlements(request.scope, moved)}


class Withhold(SettlementDecision):
    """Hold back."""

    decide = staticmethod(holding.withhold)


class Exclude(SettlementDecision):
    """Never pay."""

    decide = staticmethod(holding.exclude)


class Prepare(SettlementDecision):
    """Make payable again."""

    decide = staticmethod(holding.prepare)


class Restore(SettlementDecision):
    """Bring back what was excluded."""

    decide = staticmethod(holding.restore)


# ---- records


def _record(row: Any) -> Shape:
    shown = wire.record(row, queries.policy_versions([row]))
    settled = row.partner_settlement
    named = {"net": row.net, "partnerSettlementId": settled.public_id if settled else None}
    return without_absent(shown | named)


def _explained(row: SettlementRecord) -> Shape:
    """Return the parts of a record's amount, each with the formula that gave it."""
    if row.type == RecordType.MANUAL:
        return {}
    rest = queries.takes_rest(row)
    steps = [
        without_absent(
            {
                "label": step.label,
                "amount": step.amount,
                "formula": step.formula or None,
                "policy": {"kind": step.policy[0], "id": step.policy[1]} if step.policy else None,
            }
        )
        for step in explain.steps(row, takes_rest=rest)
    ]
    facts = [
        without_absent({"label": fact.label, "amount": fact.amount, "formula": fact.formula or None})
        for fact in explain.payment(row, takes_rest=rest)
    ]
    return {"explanation": {"steps": steps, "payment": facts}}


class Records(V1View):
    """GET /records."""

    def get(self, request: ApiRequest) -> Shape:
        """Return settlement records, newest first, without their lines."""
        query = request.query
        rows = queries.records(request.scope).filter(
            _days(query, "settlementDate", "settlement_date")
            & _days(query, "settlementStartDate", "start_date")
            & _named(query, "partnerId", "partner__public_id")
            & _named(query, "paymentId", "payment_id")
            & _named(query, "partnerSettlementId", "partner_settlement__public_id")
        )
        if types := query.choices("type", RecordType):
            rows = rows.filter(type__in=types)
        if statuses := query.choices("status", RecordStatus):
            rows = rows.filter(queries.has_status(statuses))
        found, more = CursorPage.of(query).take(rows.only("pk"))
        whole = queries.whole_records(queries.record_rows(request.scope))
        items = [_record(row) for row in whole.filter(pk__in=[row.pk for row in found]).order_by("-pk")]
        return {"items": items, **more}


class Record(V1View):
    """GET /records/{id}."""

    def get(self, request: ApiRequest, public_id: str) -> Shape:
        """Return one with how its amount came about. TRANSFER_NOT_FOUND."""
        row = queries.record(request.scope, public_id)
        return _record(row) | _explained(row)


class OrderPreview(V1View):
    """POST /records/preview: what an order would come to, without recording it."""

    acts = False
    idempotent = False

    def post(self, request: ApiRequest) -> Shape:
        """Return amounts, dates and steps. Refuses whatever recording the order would refuse."""

        def look(made: SettlementRecord) -> Shape:
            row = queries.record(request.scope, made.public_id)
            shown = _record(row) | _explained(row)
            return {name: value for name, value in shown.items() if name not in _NOT_KEPT}

        draft = wire_in.new_order(request.fields)
        return preview_order(scope=request.scope, by=request.actor, now=clock.now(), draft=draft, look=look)


# What only a record that is kept has.
_NOT_KEPT = ("id", "graphqlId", "partnerSettlementId")


# ---- holidays


def _change(change: HolidayChange) -> Shape:
    return without_absent(
        {
            "id": change.public_id,
            "state": str(change.state),
            "added": _by_day(change.added),
            "removed": _by_day(change.removed),
            "recordCount": change.record_count,
            "partnerCount": change.partner_count,
            "createdAt": _moment(change.created_at),
            "appliedAt": _moment(change.applied_at),
        }
    )


def _by_day(days: Mapping[str, str]) -> list[Shape]:
    return [{"day": day, "name": name} for day, name in sorted(days.items())]


class Holidays(V1View):
    """GET /holidays."""

    def get(self, request: ApiRequest) -> Shape:
        """Return the days on which banks are closed, weekends aside."""
        rows = Holiday.objects.within(request.scope).filter(_days(request.query, "day", "day")).order_by("day")
        return {"items": [{"day": row.day.isoformat(), "name": row.name} for row in rows]}


class HolidayChanges(V1View):
    """POST /holiday-changes."""

    def post(self, request: ApiRequest) -> Shape:
        """Work out what adding and removing days would move; no date changes yet."""
        fields = request.fields
        added = {
            item.date("day"): item.text("name", shortest=1, longest=100)
            for item in fields.maybe_items("add", most=400) or []
        }
        removed = [item.date("day") for item in fields.maybe_items("remove", most=400) or []]
        change = holidays.preview(scope=request.scope, by=request.actor, now=clock.now(), add=added, remove=removed)
        return _change(change)


class HolidayChangeView(V1View):
    """GET /holiday-changes/{id}."""

    def get(self, request: ApiRequest, public_id: str) -> Shape:
        """Return a change with the first records it moves."""
        change = HolidayChange.objects.within(request.scope).filter(public_id=public_id).first()
        if change is None:
            raise NotFound(_("휴일 변경을 찾을 수 없어요."))
        moves, more = CursorPage.of(request.query).take(change.moves.select_related("record__partner"))
        shown = [
            {
                "recordId": move.record.public_id,
                "partnerId": move.record.partner.public_id,
                "from": move.old_date.isoformat(),
                "to": move.new_date.isoformat(),
            }
            for move in moves
        ]
        return _change(change) | {"moves": shown} | more


class HolidayChangeApply(V1View):
    """POST /holiday-changes/{id}/apply."""

    def post(self, request: ApiRequest, public_id: str) -> Shape:
        """Change the holidays and move exactly what was shown. NOT_FOUND, CONFLICT, STALE_VERSION."""
        told: Shape = {"scope": request.scope, "by": request.actor, "now": clock.now(), "public_id": public_id}
        return _change(holidays.apply(**told))


# ---- uploads


def _upload(upload: Upload) -> Shape:
    kind = uploads.kind_named(upload.kind)
    errors = [
        without_absent(
            {"row": error["row"], "column": error["column"], "code": error["code"], "message": kind.sentence(error)}
        )
        for error in upload.errors
    ]
    return without_absent(
        {
            "id": upload.public_id,
            "kind": upload.kind,
            "state": str(upload.state),
            "name": upload.name,
            "bytes": upload.bytes,
            "rows": upload.rows,
            "newRows": upload.new_rows,
            "changedRows": upload.changed_rows,
            "sameRows": upload.same_rows,
            "wrongRows": upload.wrong_rows,
            "sums": [{"name": name, "amount": amount} for name, amount in upload.sums.items()],
            "errorCount": upload.error_count,
            "errors": errors,
            "loadedRows": upload.result.get("rows"),
            "createdAt": _moment(upload.created_at),
            "checkedAt": _moment(upload.checked_at),
            "finishedAt": _moment(upload.finished_at),
        }
    )


def _one_upload(request: ApiRequest, kind: str, upload_id: str) -> Upload:
    found = Upload.objects.within(request.scope).filter(kind=kind, public_id=upload_id).first()
    if found is None:
        raise NotFound(_("올린 파일을 찾을 수 없어요."))
    return upload_operations.settle(found)


def _check_kind(request: ApiRequest, kind: str) -> None:
    """See that the secret may change what this kind of file changes. Raises Forbidden, NotFound."""
    if uploads.kind_named(kind).api_scope not in request.secret.scopes:
        raise Forbidden(_("이 키에는 그 권한이 없어요."))


class NewUpload(V1View):
    """POST /uploads/{kind}, a file."""

    takes_files = True
    largest_body = 51 * 1_048_576

    def post(self, request: ApiRequest, kind: str) -> Answer:
        """Keep the file and check it: at once when it is small, in the background otherwise. Nothing is loaded."""
        _check_kind(request, kind)
        now, file = clock.now(), request.upload("file")
        stored = upload_operations.store(
            kind=uploads.kind_named(kind), scope=request.scope, file=file, by=request.actor, now=now
        )
        checked = upload_operations.check(upload=stored, by=request.actor, now=now)
        return Answer(_upload(checked), 202 if checked.state == UploadState.CHECKING else 201)


class UploadView(V1View):
    """GET /uploads/{kind}/{id}."""

    def get(self, request: ApiRequest, kind: str, upload_id: str) -> Shape:
        """Return where an upload is, with its first 1,000 errors."""
        return _upload(_one_upload(request, kind, upload_id))


class UploadConfirm(V1View):
    """POST /uploads/{kind}/{id}/confirm."""

    def post(self, request: ApiRequest, kind: str, upload_id: str) -> Answer:
        """Load a checked file, all rows or none."""
        _check_kind(request, kind)
        again = bool(request.fields.maybe_boolean("again"))
        told: Shape = {"scope": request.scope, "by": request.actor, "now": clock.now()}
        loaded = upload_operations.confirm(**told, kind=kind, upload_id=upload_id, again=again)
        return Answer(_upload(loaded), 202 if loaded.state == UploadState.LOADING else 200)


class UploadCancel(V1View):
    """POST /uploads/{kind}/{id}/cancel."""

    def post(self, request: ApiRequest, kind: str, upload_id: str) -> Shape:
        """Drop an upload that is not loaded, with its file."""
        _check_kind(request, kind)
        told: Shape = {"scope": request.scope, "now": clock.now(), "kind": kind, "upload_id": upload_id}
        return _upload(upload_operations.cancel(**told))


class UploadTemplate(V1View):
    """GET /uploads/{kind}/template."""

    def get(self, request: ApiRequest, kind: str) -> HttpResponseBase:  # noqa: ARG002 - the signature of every method
        """Return the empty sheet."""
        return upload_files.template(uploads.kind_named(kind))

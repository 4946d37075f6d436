"""Our own API: files of transfers and the bank's result files."""

from io import BytesIO
from typing import Any

from django.http import HttpResponseBase

from access.api import Answer, ApiRequest, V1View
from access.cursors import CursorPage
from access.roles import ApiScope
from access.wire import without_absent
from console.exports import download as as_download
from core import clock
from payouts import transfer_queries as queries
from payouts import wire
from payouts.models import TransferFile, TransferFileState, TransferResult, TransferResultState
from payouts.operations import transfer_files, transfer_results
from settlement.models import PUBLIC_ID_LENGTH

Shape = dict[str, Any]


def _file(row: TransferFile) -> Shape:
    return without_absent(
        {
            "id": row.public_id,
            "bulkPayoutId": row.bulk_payout.public_id,
            "bankAccountId": row.bank_account.public_id,
            "state": row.state,
            "stateUpdatedAt": wire.moment(row.state_changed_at),
            "day": row.day.isoformat(),
            "transferCount": row.line_count,
            "amount": row.total_amount,
            "contentHash": row.content_hash,
            "form": row.form or None,
            "sha256": row.sha256 or None,
            "downloadCount": row.downloads,
            "createdAt": wire.moment(row.created_at),
        }
    )


def _result(row: TransferResult) -> Shape:
    counts: dict[str, list[int]] = row.summary["counts"]
    return without_absent(
        {
            "id": row.public_id,
            "transferFileId": row.transfer_file.public_id,
            "name": row.name,
            "form": row.form,
            "state": row.state,
            "sha256": row.sha256,
            "readAt": wire.moment(row.read_at),
            "decidedAt": wire.moment(row.decided_at),
            "figures": [{"verdict": word, "count": found[0], "amount": found[1]} for word, found in counts.items()],
            "lines": [
                {name: value for name, value in line.items() if value not in ("", None)}
                for line in row.summary["lines"]
            ],
            "lineCount": row.summary["total"],
        }
    )


class TransferFiles(V1View):
    """GET /transfer-files."""

    def get(self, request: ApiRequest) -> Shape:
        """Return files, newest first."""
        query = request.query
        rows = queries.file_rows(request.scope).select_related("bulk_payout", "bank_account")
        if states := query.choices("state", TransferFileState):
            rows = rows.filter(state__in=states)
        if bulks := query.texts("bulkPayoutId", most=100, longest=PUBLIC_ID_LENGTH):
            rows = rows.filter(bulk_payout__public_id__in=bulks)
        found, more = CursorPage.of(query).take(rows)
        return {"items": [_file(row) for row in found], **more}


class TransferFileView(V1View):
    """GET /transfer-files/{id}."""

    def get(self, request: ApiRequest, public_id: str) -> Shape:
        """Return one. NOT_FOUND."""
        return _file(queries.find_file(request.scope, public_id))


class TransferFileContent(V1View):
    """GET /transfer-files/{id}/content: the bytes, which hold whole account numbers."""

    scope_needed = {"GET": ApiScope.PAYOUTS_SUBMIT}

    def get(self, request: ApiRequest, public_id: str) -> HttpResponseBase:
        """Take the file; who took it is kept, and the first format stays."""
        form = request.query.text("form", longest=10)
        taken = transfer_files.download(
            scope=request.scope, file_id=public_id, form=form, by=request.actor, now=clock.now()
        )
        response = as_download(BytesIO(taken.content), taken.name, taken.media_type)
        response["Cache-Control"] = "no-store"
        return response


class TransferResults(V1View):
    """POST /transfer-files/{id}/results, a file."""

    scope_needed = ApiScope.PAYOUTS_SUBMIT
    takes_files = True
    largest_body = 51 * 1_048_576

    def post(self, request: ApiRequest, public_id: str) -> Answer:
        """Read a result file; nothing is decided yet. The same file again is the same result."""
        upload = request.upload("file")
        read = transfer_results.read_result(
            scope=request.scope,
            file_id=public_id,
            name=upload.name or "",
            body=upload.read(),
            by=request.actor,
            now=clock.now(),
        )
        return Answer(_result(read), 201)


class TransferResultView(V1View):
    """GET /transfer-results/{id}."""

    def get(self, request: ApiRequest, public_id: str) -> Shape:
        """Return one with its first 500 lines. NOT_FOUND."""
        return _result(queries.find_result(request.scope, public_id))


class TransferResultConfirm(V1View):
    """POST /transfer-results/{id}/confirm."""

    scope_needed = ApiScope.PAYOUTS_SUBMIT

    def post(self, request: ApiRequest, public_id: str) -> Answer:
        """Let the background do what the result file says; its state tells when that is done."""
        told = transfer_results.start_confirming(
            scope=request.scope, result_id=public_id, by=request.actor, now=clock.now()
        )
        return Answer(_result(told), 200 if told.state == TransferResultState.CONFIRMED else 202)


class TransferResultDiscard(V1View):
    """POST /transfer-results/{id}/discard."""

    scope_needed = ApiScope.PAYOUTS_SUBMIT

    def post(self, request: ApiRequest, public_id: str) -> Shape:
        """Throw a result file away that was not confirmed."""
        return _result(
            transfer_results.discard_result(scope=request.scope, result_id=public_id, by=request.actor, now=clock.now())
        )

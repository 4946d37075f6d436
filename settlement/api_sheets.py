"""The compatible wire: records as a CSV file."""

from django.http import StreamingHttpResponse

from access.api import ApiRequest, PlatformView, list_argument
from settlement import sheets
from settlement.list_filters import record_filter

_MOST = 200


class TransferSheet(PlatformView):
    """GET /transfer-summaries/sheet-file."""

    def get(self, request: ApiRequest) -> StreamingHttpResponse:
        """Return the records of a filter as CSV with the columns asked for."""
        argument = list_argument(request)
        condition = record_filter(argument.maybe_mapping("filter"), request.scope)
        fields = sheets.chosen(request.scope, argument.texts("fields", most=_MOST, longest=100))
        blocks = sheets.record_blocks(request.scope, condition, fields)
        return StreamingHttpResponse(blocks, content_type="text/csv; charset=utf-8")

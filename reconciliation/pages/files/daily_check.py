"""일별 사용량과 송장 대조: the days of an accepted file against the consumption of its invoice, group by group."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy, pgettext_lazy

from access.requests import PageRequest
from access.roles import Permission
from console.columns import Badge, Column, Kind, Row, Shape, Tone
from console.pages import PageView
from reconciliation.lines import Kind as FileKind
from reconciliation.models import STORED_STATES, Batch
from reconciliation.pages.files import links, reads, shown
from reconciliation.pages.files.lines import ALIKE
from reconciliation.pages.files.pager import Pager
from reconciliation.pages.files.shown import Amount

_OUTSIDE = "outside"
_RESULTS = {
    "True": Badge(gettext_lazy("맞음"), Tone.SUCCESS, Shape.CHECK),
    "False": Badge(gettext_lazy("설명 필요"), Tone.DANGER, Shape.ALERT),
}


def _days_url(row: Row) -> str | None:
    return row["days_url"]  # type: ignore[return-value] # an address, or nothing


def _lines_url(row: Row) -> str | None:
    return row["lines_url"]  # type: ignore[return-value] # likewise


_COLUMNS = (
    Column("customer", gettext_lazy("고객")),
    Column("product", pgettext_lazy("vendor file", "상품")),
    Column("subscription", gettext_lazy("구독 ID"), Kind.ID),
    Column("is_ok", gettext_lazy("결과"), Kind.BADGE, badges=_RESULTS, value=lambda row: str(row["is_ok"])),
    Column("days", gettext_lazy("일별 내역"), Kind.COUNT, link=_days_url),
    Amount("sum_daily", gettext_lazy("일별 합계"), Kind.DECIMAL),
    Column("invoice_lines", gettext_lazy("송장 내역"), Kind.COUNT, link=_lines_url),
    Amount("invoice_subtotal", gettext_lazy("송장 합계"), Kind.DECIMAL),
    Amount("difference", gettext_lazy("차이"), Kind.DECIMAL),
    Amount("bound", gettext_lazy("허용 한도 (미만)"), Kind.DECIMAL),
    Column("currency", gettext_lazy("통화")),
)
_SUMS = (
    shown.CURRENCY,
    Column("groups", gettext_lazy("묶음"), Kind.COUNT),
    Column("outside", gettext_lazy("설명 필요"), Kind.COUNT),
    Amount("sum_daily", gettext_lazy("일별 합계"), Kind.DECIMAL),
    Amount("invoice_subtotal", gettext_lazy("송장 합계"), Kind.DECIMAL),
    Amount("difference", gettext_lazy("차이"), Kind.DECIMAL),
)


class DailyPage(PageView):
    """Daily usage held against an invoice."""

    permission = Permission.VIEW
    title = gettext_lazy("일별 사용량과 송장 대조")

    def get(self, request: PageRequest, batch_id: str) -> HttpResponse:
        """Show the groups, those that cutting does not explain first; nothing is stored."""
        batch = reads.find_kept(request.scope, batch_id)
        if batch.kind != FileKind.NCE_DAILY or batch.state not in STORED_STATES:
            return redirect(links.file_url(batch_id))
        invoices = reads.invoices_of(batch)
        invoice = _chosen(batch, invoices, request.GET.get("invoice", ""))
        context: dict[str, object] = {
            "title": self.title,
            "batch": batch,
            "invoices": [(one, one.pk == (invoice and invoice.pk)) for one in invoices],
            "invoice": invoice,
            "only": request.GET.get("only", "") == _OUTSIDE,
        }
        if invoice is not None:
            context |= _held(request, batch, invoice)
        return render(request, "reconciliation/file_daily.html", context)


def _chosen(batch: Batch, invoices: Sequence[Batch], wanted: str) -> Batch | None:
    """Return the invoice that somebody chose, else the one with the file's own number."""
    named = next((one for one in invoices if one.public_id == wanted), None)
    own = (one for one in invoices if one.invoice_number and one.invoice_number.lower() == batch.invoice_number.lower())
    return named or next(own, None)


def _held(request: PageRequest, batch: Batch, invoice: Batch) -> dict[str, object]:
    only = request.GET.get("only", "") == _OUTSIDE
    with reads.cross_check(batch, invoice) as found:
        pager = Pager.of(request, found.outside if only else found.groups)
        rows = found.rows(outside=only, limit=pager.size, offset=pager.offset)
    return {
        "found": found,
        "rows": _rows(batch, invoice, rows),
        "columns": _COLUMNS,
        "sum_columns": _SUMS,
        "pager": pager,
    }


def _rows(batch: Batch, invoice: Batch, found: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return groups with what their first line says about them, and where their lines are shown."""
    days = reads.values_of(batch, [row["first_day"] for row in found if row["first_day"]])
    invoiced = reads.values_of(invoice, [row["first_invoiced"] for row in found if row["first_invoiced"]])
    places = {key: shown.places(found, key) for key in ("sum_daily", "difference")}
    return [
        {"places": places}
        | _row(batch, invoice, row, days.get(row["first_day"], {}), invoiced.get(row["first_invoiced"], {}))
        for row in found
    ]


def _row(
    batch: Batch, invoice: Batch, row: dict[str, Any], day: Mapping[str, str], invoiced: Mapping[str, str]
) -> dict[str, Any]:
    known = invoiced or day
    like = "|".join(known.get(name, "") for name in ALIKE)
    lines_url = links.lines_url(invoice.public_id, like=like, consumption="yes", standing="valid")
    return row | {
        "customer": known.get("CustomerName") or known.get("CustomerId"),
        "product": known.get("ProductName") or known.get("ProductId"),
        "subscription": known.get("SubscriptionId"),
        "days_url": links.lines_url(batch.public_id, like=like, standing="valid") if row["days"] else None,
        "lines_url": lines_url if row["invoice_lines"] else None,
    }

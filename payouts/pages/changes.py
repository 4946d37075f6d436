"""The page of what changed since the last cycle: every partner of two bulk payouts, the largest change first."""

from typing import ClassVar

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from access.requests import PageRequest
from access.roles import Permission, allowed
from console.pages import PageView
from core.errors import NotFound
from payouts import queries
from payouts.models import BulkPayout
from payouts.pages import files, review

PAGE = 100
_DIGITS = 6


class ChangesView(PageView):
    """지난 지급과 달라진 점."""

    permission = Permission.VIEW
    title = gettext_lazy("지난 지급과 달라진 점")
    slug: ClassVar[str] = "bulk-payout-changes"

    def get(self, request: PageRequest, bulk_id: str) -> HttpResponseBase:
        """Show one page of partners, or all of them as a file."""
        bulk = queries.find_bulk(request.scope, bulk_id)
        before = self._before(request, bulk)
        kind = request.GET.get("kind", "")
        if kind not in review.CHANGE_BADGES:
            kind = ""
        may_export = allowed(request.role, Permission.EXPORT)
        if request.GET.get("format") in files.FORMATS and may_export:
            return self._file(request, bulk, before, kind)
        text = request.GET.get("page", "1")
        number = max(int(text), 1) if text.isascii() and text.isdecimal() and len(text) <= _DIGITS else 1
        found = review.changes(bulk, before, kind, limit=PAGE, offset=(number - 1) * PAGE)
        return self._show(request, bulk, found, kind, number, may_export=may_export)

    def _show(
        self, request: PageRequest, bulk: BulkPayout, found: review.Changes, kind: str, number: int, *, may_export: bool
    ) -> HttpResponse:
        rows = found.counts.get(kind, (0, 0))[0] if kind else found.total
        context = {
            "title": self.title,
            "bulk": bulk,
            "found": found,
            "kind": kind,
            "columns": review.CHANGE_COLUMNS,
            "number": number,
            "pages": max((rows + PAGE - 1) // PAGE, 1),
            "given": request.GET.get("with", ""),
            "cycles": review.earlier_cycles(bulk),
            "may_export": may_export,
        }
        return render(request, "payouts/changes.html", context)

    def _before(self, request: PageRequest, bulk: BulkPayout) -> BulkPayout:
        if wanted := request.GET.get("with", ""):
            return queries.find_bulk(request.scope, wanted)
        before = review.last_cycle(bulk)
        if before is None:
            raise NotFound(_("비교할 지난 일괄지급이 없어요."))
        return before

    def _file(self, request: PageRequest, bulk: BulkPayout, before: BulkPayout, kind: str) -> HttpResponseBase:
        about = [
            (_("이번 지급"), f"{bulk.name} ({bulk.public_id})"),
            (_("지난 지급"), f"{before.name} ({before.public_id})"),
        ]
        if kind:
            about.append((_("달라진 점"), str(review.CHANGE_BADGES[kind].label)))
        return files.sheet_file(
            request,
            title=self.title,
            slug=self.slug,
            columns=review.CHANGE_COLUMNS,
            rows=review.changes(bulk, before, kind, limit=None).rows,
            extension=request.GET["format"],
            about=about,
        )

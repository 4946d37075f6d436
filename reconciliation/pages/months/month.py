"""월 마감: everything that is still open at the end of a month, on one page."""

from collections.abc import Iterator, Sequence
from datetime import date

from django.http import HttpResponse
from django.http.response import FileResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from access.requests import PageRequest
from access.roles import Permission, allowed
from console import exports
from console.columns import Badge, Shape, Tone
from console.files import columns as sheets
from console.files.names import export_name
from console.pages import PageView
from core import clock
from reconciliation.pages.months import reads
from reconciliation.pages.months.reads import Month, Step

DONE = Badge(gettext_lazy("끝남"), Tone.SUCCESS, Shape.CHECK)
LEFT = Badge(gettext_lazy("남음"), Tone.WARNING, Shape.ALERT)
_FIRST_YEAR, _LAST_YEAR = 2000, 2099


class MonthPage(PageView):
    """What is still open for a month, as a page or a file; without a month the last one that has ended."""

    permission = Permission.VIEW
    title = gettext_lazy("월 마감")

    def get(self, request: PageRequest) -> HttpResponse | FileResponse:
        """Show it."""
        month, error = _asked(request.GET.get("month", ""))
        found = reads.steps(request.scope, month, today=clock.today())
        may_export = allowed(request.role, Permission.EXPORT)
        if may_export and request.GET.get("format"):
            return _file(request, month, found, request.GET["format"])
        context = {
            "title": self.title,
            "month": month,
            "error": error,
            "steps": [(step, _state(step)) for step in found],
            "left": sum(not step.is_done for step in found),
            "is_over": month.last < clock.today(),
            "may_export": may_export,
        }
        return render(request, "reconciliation/month.html", context)


def _state(step: Step) -> Badge:
    return DONE if step.is_done else LEFT


def _asked(text: str) -> tuple[Month, str]:
    usual = Month.of(clock.today()).before
    if not text:
        return usual, ""
    try:
        asked = date.fromisoformat(f"{text}-01")
    except ValueError:
        return usual, _("2026-10처럼 연도와 월을 적어 주세요.")
    if not _FIRST_YEAR <= asked.year <= _LAST_YEAR:
        return usual, _("2026-10처럼 연도와 월을 적어 주세요.")
    return Month.of(asked), ""


def _file(request: PageRequest, month: Month, found: Sequence[Step], wanted: str) -> FileResponse:
    form = exports.format_named(wanted)
    title = str(MonthPage.title)
    kinds = (sheets.Kind.TEXT, sheets.Kind.TEXT, sheets.Kind.COUNT, sheets.Kind.TEXT, sheets.Kind.TEXT)
    heads = (_("영역"), _("할 일"), _("남은 건수"), _("내용"), _("상태"))

    def conditions(written: int) -> Iterator[tuple[str, sheets.Cell]]:
        yield _("기간"), f"{month.first} ~ {month.last}"
        yield _("만든 사람"), request.actor.name
        yield _("건수"), written

    return exports.small_file(
        request.scope,
        request.actor,
        slug="reconciliation-month",
        title=title,
        name=export_name(title, form.extension, first=month.first, last=month.last),
        form=form,
        spec=[sheets.SheetColumn(head, kind) for head, kind in zip(heads, kinds, strict=True)],
        cells=[
            [step.area, step.what, step.open, step.note, str((DONE if step.is_done else LEFT).label)] for step in found
        ],
        conditions=conditions,
    )

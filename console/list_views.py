"""What every list page has beside its rows: the result line, saved conditions, bulk actions, files."""

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from access.requests import PageRequest
from access.roles import Permission, allowed, check
from console import exports, registry, selection, totals
from console.filters import ChoiceFilter
from console.lists import ListPage, page_named
from console.models import SavedView
from console.pages import PageView, is_htmx
from console.selection import BulkAction, Selection
from console.totals import Totals
from core import clock, jobs
from core.errors import InvalidRequest, NotFound
from core.models import Job, JobState

TOTAL_JOB = "console.total"
_MAX_VIEWS = 50


class OfList(PageView):
    """Base of views that belong to a list page named by slug; the page's own permission counts."""

    permission = Permission.VIEW
    page: ListPage

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        """Find the page; its permission is checked before anything else."""
        super().setup(request, *args, **kwargs)
        self.slug: str = kwargs["slug"]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Check the list page's permission on top of the view's own."""
        if request.user.is_authenticated:
            self.page = _page(self.slug)
            check(request, self.page.permission)
        return super().dispatch(request, *args, **kwargs)


def _page(slug: str) -> ListPage:
    try:
        return page_named(slug)()
    except NotFound as error:
        raise Http404(slug) from error


class TotalView(OfList):
    """The result line and the counts of the check boxes, asked for after the rows are there."""

    def get(self, request: PageRequest, slug: str) -> HttpResponse:  # noqa: ARG002 - part of the address
        """Count within the budget, from kept sums where the page has them."""
        filters = self.page.bind(request.GET)
        if not filters.valid:
            return HttpResponse("")
        rows = self.page.queryset(request.scope)
        found = self.page.fast_totals(request.scope, filters)
        if found is None:
            found = totals.quick(rows, filters, self.page.columns, self.page.currency)
        return _result_line(request, self.page, found, filters.query())

    def post(self, request: PageRequest, slug: str) -> HttpResponse:
        """Start the exact count as a job."""
        query = request.POST.get("filters", "")
        filters = self.page.bind(QueryDict(query))
        if not filters.valid:
            raise InvalidRequest(_("검색조건을 다시 확인해 주세요."), field="filters")
        job = jobs.enqueue(
            scope=request.scope,
            kind=TOTAL_JOB,
            arguments={"page": slug, "query": filters.query(), "day": filters.today.isoformat()},
            by=request.actor,
            now=clock.now(),
        )
        return _counting(request, self.page, job)


class TotalJobView(OfList):
    """The result line while its job counts, and after."""

    def get(self, request: PageRequest, slug: str, job_id: str) -> HttpResponse:
        """Show the line once the job has ended."""
        mine = Job.objects.within(request.scope).filter(created_by_id=request.user.pk, kind=TOTAL_JOB)
        job = get_object_or_404(mine, public_id=job_id, arguments__page=slug)
        if job.state != JobState.SUCCEEDED:
            return _counting(request, self.page, job)
        return _result_line(request, self.page, Totals.from_json(job.result), str(job.arguments["query"]))


def _counting(request: HttpRequest, page: ListPage, job: Job) -> HttpResponse:
    return render(request, "console/_counting.html", {"page": page, "job": job})


def _result_line(request: PageRequest, page: ListPage, found: Totals, query: str) -> HttpResponse:
    choices = [item for item in page.filters if isinstance(item, ChoiceFilter)]
    counts = [
        (f"n-{item.key}-{value}", found.counts[item.key].get(str(value), 0))
        for item in choices
        if item.key in found.counts
        for value, _label in item.choices
    ]
    context = {
        "page": page,
        "totals": found,
        "sums": found.written(page.columns),
        "counts": counts,
        "query": query,
        "selectable": found.count and any(allowed(request.role, action.permission) for action in page.actions),
    }
    return render(request, "console/_totals.html", context)


@jobs.handler(TOTAL_JOB)
def count_exactly(job: jobs.RunningJob) -> dict[str, object]:
    """Count and sum a filter without a time limit."""
    page = page_named(str(job.arguments["page"]))()
    filters = page.bind(QueryDict(str(job.arguments["query"])), str(job.arguments["day"]))
    return totals.exact(page.queryset(job.scope), filters, page.columns, page.currency).as_json()


class ViewsView(OfList):
    """Saved conditions of one person on one list."""

    def post(self, request: PageRequest, slug: str) -> HttpResponse:
        """Save the conditions under a name, or remove a saved one."""
        mine = SavedView.objects.within(request.scope).filter(user_id=request.user.pk, page=slug)
        if remove := request.POST.get("remove", ""):
            mine.filter(name=remove).delete()
            return redirect(self.page.url())
        name, query = request.POST.get("name", "").strip()[:60], request.POST.get("query", "")[:4000]
        if not name or "\x00" in name + query:
            raise InvalidRequest(_("저장할 이름을 적어 주세요."), field="name")
        if mine.exclude(name=name).count() >= _MAX_VIEWS:
            raise InvalidRequest(_("조건은 %(limit)d개까지 저장할 수 있어요.") % {"limit": _MAX_VIEWS}, field="name")
        SavedView.objects.update_or_create(
            merchant_id=request.scope.merchant_id,
            is_test=request.scope.is_test,
            user_id=request.user.pk,
            page=slug,
            name=name,
            defaults={"query": query},
        )
        messages.success(request, _("조건을 저장했어요: %(name)s") % {"name": name})
        return redirect(f"{self.page.url()}?{query}")


class ActionView(OfList):
    """A bulk action: asks first, acts when the confirmed count and sums still hold."""

    def post(self, request: PageRequest, slug: str, key: str) -> HttpResponseBase:  # noqa: ARG002 - slug is in the address
        """Show the confirmation, or act."""
        action = next((item for item in self.page.actions if item.key == key), None)
        if action is None or action.run is None:
            raise NotFound
        check(request, action.permission)
        chosen = selection.read(request, self.page, request.scope)
        confirmed = "seal" in request.POST
        form = action.form(request.POST if confirmed else None)
        changed = confirmed and request.POST["seal"] != chosen.seal
        if confirmed and not changed and form.is_valid():
            return action.run(request, chosen, form)
        return self._ask(request, action, chosen, form, changed=changed)

    def _ask(
        self, request: PageRequest, action: BulkAction, chosen: Selection, form: Any, *, changed: bool
    ) -> HttpResponse:
        template = "console/_confirm.html" if is_htmx(request) else "console/confirm.html"
        context = {
            "page": self.page,
            "action": action,
            "selection": chosen,
            "form": form,
            "changed": changed,
            "title": action.label,
            "back": f"{self.page.url()}?{chosen.filters.query()}",
        }
        return render(request, template, context, status=409 if changed and not is_htmx(request) else 200)


class ExportView(OfList):
    """A file of the list: at once when small, else as a job."""

    permission = Permission.EXPORT

    def post(self, request: PageRequest, slug: str) -> HttpResponseBase:  # noqa: ARG002 - part of the address
        """Send the file, or start the job and show it."""
        posted = request.POST
        filters = self.page.bind(QueryDict(posted.get("filters", "")), posted.get("day", ""))
        picked = selection.read(request, self.page, request.scope).picked if posted.getlist("ids") else ()
        if not filters.valid:
            raise InvalidRequest(_("검색조건을 다시 확인해 주세요."), field="filters")
        order = exports.Order(
            page=self.page,
            scope=request.scope,
            filters=filters,
            columns=self.page.chosen(posted.get("cols", "")),
            format=exports.format_named(posted.get("format", "xlsx")),
            picked=picked,
            who=request.actor.name,
        )
        small = exports.at_once(order, clock.now())
        if small is not None:
            exports.audit(request.scope, request.actor, self.page.slug, small.name, small.rows)
            return small.response()
        with transaction.atomic():
            job = exports.start(order, request.actor, clock.now())
        messages.info(request, _("10,000건이 넘어서 파일을 만들고 있어요. 다 되면 이 화면에서 내려받을 수 있어요."))
        return redirect("console:job", job_id=job.public_id)


class SearchView(PageView):
    """The search box: an exact id of anything opens it."""

    permission = Permission.VIEW
    title = gettext_lazy("검색")

    def get(self, request: PageRequest) -> HttpResponse:
        """Open the one thing with this id, or list what was found."""
        word = request.GET.get("q", "").strip()[:200]
        found = registry.find(request.scope, word) if word and "\x00" not in word else []
        if len(found) == 1:
            return redirect(found[0].url)
        return render(request, "console/search.html", {"word": word, "found": found, "title": self.title})

"""
List pages: declared once, they page, filter, sum, select and export.

A page is a class: columns, filters, order and a scoped queryset. It registers under its slug, so that the result line,
bulk actions and the export job can build it again from slug, query string and scope.
"""

from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import render
from django.urls import get_resolver, reverse
from django.utils.translation import gettext_lazy as _

from access.requests import PageRequest
from access.roles import Permission, allowed
from console import keyset
from console.columns import Column, Label, Row
from console.filters import BoundFilters, Filter, FilterSet, encode
from console.models import SavedView
from console.pages import PageView
from console.render import Table
from console.selection import BulkAction
from console.totals import Totals
from core import clock
from core.errors import NotFound
from core.scope import Scope

SIZES = (20, 50, 100, 200)
DEFAULT_SIZE = 50
_PAGE_DIGITS = 6
_COOKIE_SECONDS = 365 * 24 * 3600

_pages: dict[str, type["ListPage"]] = {}


@dataclass(frozen=True, slots=True)
class MainAction:
    """The button beside the title."""

    label: Label
    url_name: str
    permission: Permission
    icon: str = "plus"
    args: tuple[str, ...] = ()

    @property
    def url(self) -> str:
        """Return the address."""
        return reverse(self.url_name, args=self.args)


@dataclass(frozen=True, slots=True)
class Order:
    """How the rows are sorted, and what the URL says about it."""

    fields: tuple[str, ...]
    key: str = ""

    def direction(self, column: Column) -> str:
        """Return `ascending` or `descending` for the column the rows are sorted by, else ""."""
        first = self.fields[0]
        if first.lstrip("-") != column.key:
            return ""
        return "descending" if first.startswith("-") else "ascending"


class ListPage(PageView):
    """
    Base of all list pages.

    Subclasses name `slug`, `url_name`, `title`, `permission`, `columns`, and give `queryset`. `order` ends in a unique
    field and names no nullable one. `within` is the key of the filter that says of which one thing the list is. Rows
    reach links, computed columns and `row_url` as dicts with the keys of the shown columns, `id_key`, `currency` and
    `extra`.
    """

    slug: ClassVar[str] = ""
    url_name: ClassVar[str]
    columns: ClassVar[tuple[Column, ...]]
    filters: ClassVar[tuple[Filter, ...]] = ()
    within: ClassVar[str] = ""
    order: ClassVar[tuple[str, ...]] = ("-id",)
    id_key: ClassVar[str] = "public_id"
    extra: ClassVar[tuple[str, ...]] = ()
    currency: ClassVar[str] = ""
    actions: ClassVar[tuple[BulkAction, ...]] = ()
    main_action: ClassVar[MainAction | None] = None
    empty: ClassVar[Label] = _("조건에 맞는 내역이 없어요. 기간을 넓히거나 조건을 줄여 보세요.")
    blank: ClassVar[Label] = _("아직 내역이 없어요.")
    intro: ClassVar[Label] = ""
    template: ClassVar[str] = "console/list.html"
    # What files of the list are called where the page's title names something people do rather than the rows.
    file_title: ClassVar[Label] = ""

    def __init_subclass__(cls, **options: Any) -> None:
        """Register the page under its slug."""
        super().__init_subclass__(**options)
        if cls.slug:
            _pages[cls.slug] = cls

    def queryset(self, scope: Scope) -> QuerySet[Any]:
        """Return the rows of a scope, annotated once, without order."""
        raise NotImplementedError

    def row_url(self, row: Row) -> str | None:  # noqa: ARG002 - subclasses look at the row
        """Return where a click on a row leads."""
        return None

    def fast_totals(self, scope: Scope, filters: BoundFilters) -> Totals | None:  # noqa: ARG002 - for subclasses
        """Return exact totals from kept sums where the filter allows; None means count the rows."""
        return None

    def row_class(self, row: Row) -> str:  # noqa: ARG002 - subclasses look at the row
        """Return a CSS class for a row: `muted` or `attention`."""
        return ""

    @classmethod
    def bind(cls, params: QueryDict, day: str = "") -> BoundFilters:
        """Read the filters; `day` fixes what "today" means for a selection or file made from an earlier page."""
        try:
            today = date.fromisoformat(day) if day else clock.today()
        except ValueError:
            today = clock.today()
        return FilterSet(cls.filters, cls.within).bind(params, today)

    @classmethod
    def ordered(cls, params: QueryDict) -> Order:
        """Return the order the URL asks for, if one of the sortable columns; ties in the page's own last field."""
        wanted = params.get("sort", "")
        name = wanted.lstrip("-")
        if not any(column.sortable and column.key == name for column in cls.columns):
            return Order(cls.order)
        sign = "-" if wanted.startswith("-") else ""
        last = cls.order[-1].lstrip("-")
        return Order((wanted,) if name == last else (wanted, f"{sign}{last}"), wanted)

    @classmethod
    def chosen(cls, wanted: str) -> tuple[Column, ...]:
        """Return the columns named in a comma-separated list, in the page's order; the first column is always there."""
        keys = {key for key in wanted.split(",") if key}
        known = tuple(column for column in cls.columns if column.key in keys)
        if not known:
            return tuple(column for column in cls.columns if column.default)
        return known if known[0] is cls.columns[0] else (cls.columns[0], *known)

    @classmethod
    def keys(cls, columns: tuple[Column, ...]) -> list[str]:
        """Return what has to be selected for these columns."""
        selected = [column.key for column in columns if column.value is None]
        extra = [cls.id_key, *([cls.currency] if cls.currency else []), *cls.extra]
        return list(dict.fromkeys([*selected, *extra]))

    @classmethod
    def url(cls) -> str:
        """Return the address of the page without conditions."""
        return reverse(cls.url_name)

    def get(self, request: PageRequest, *_args: object, **_kwargs: object) -> HttpResponseBase:
        """Show one page of rows."""
        params = request.GET
        filters, order, size = self.bind(params), self.ordered(params), self._size(request)
        wanted = params.get("cols", request.COOKIES.get(self._cookie, ""))
        columns = self.chosen(wanted)
        rows = filters.apply(self.queryset(request.scope))
        cursor = params.get("after", "")
        part = keyset.page(rows, order.fields, self.keys(columns), size, cursor)
        if not part.rows and cursor:
            part = keyset.page(rows, order.fields, self.keys(columns), size)
        state, number = _State(filters, order, size), _page_number(params, cursor)
        context = {
            "page": self,
            "filters": filters,
            "state": state,
            "columns": columns,
            "part": part,
            "table": Table(self, columns, part.rows, order, state, selectable=bool(self._actions(request))),
            "actions": self._actions(request),
            "sizes": SIZES,
            "number": number,
            "views": self._views(request),
            "saved_query": state.query(),
            "main": self._main(request),
            "can_export": allowed(request.role, Permission.EXPORT),
            "previous_query": state.query(after=part.previous, n=str(max(1, number - 1))),
            "next_query": state.query(after=part.next, n=str(number + 1)),
        }
        response = render(request, self.template, context | self.context(request))
        self._remember(response, params)
        return response

    def context(self, request: PageRequest) -> dict[str, object]:  # noqa: ARG002 - subclasses look at the request
        """Return what a page's own template needs beside the list."""
        return {}

    @property
    def _cookie(self) -> str:
        return f"cols-{self.slug}"

    def _size(self, request: PageRequest) -> int:
        wanted = request.GET.get("size", request.COOKIES.get("size", ""))
        return int(wanted) if wanted in {str(size) for size in SIZES} else DEFAULT_SIZE

    def _remember(self, response: HttpResponse, params: QueryDict) -> None:
        # How somebody likes to see a list stays in that browser; it is no secret and decides nothing.
        for name, key in (("cols", self._cookie), ("size", "size")):
            if name in params:
                text = params.get(name, "")[:400]
                if name == "cols":
                    text = ",".join(column.key for column in self.chosen(text)) if text else ""
                response.set_cookie(key, text, max_age=_COOKIE_SECONDS if text else 0, samesite="Lax", httponly=True)

    def _actions(self, request: PageRequest) -> list[BulkAction]:
        return [action for action in self.actions if allowed(request.role, action.permission)]

    def _main(self, request: PageRequest) -> MainAction | None:
        main = self.main_action
        return main if main and allowed(request.role, main.permission) else None

    def _views(self, request: PageRequest) -> list[SavedView]:
        return list(
            SavedView.objects.within(request.scope)
            .filter(user_id=request.user.pk, page=self.slug)
            .order_by("name")[:50]
        )


@dataclass(frozen=True, slots=True)
class _State:
    """What the links of a list page have to carry along."""

    filters: BoundFilters
    order: Order
    size: int

    def query(self, *, without: str = "", **changes: str) -> str:
        """Return the query string of this page with some parameters changed; a cursor only if given."""
        pairs = self.filters.params(but=without)
        extra = {"sort": self.order.key} | changes
        return encode([*pairs, *((name, value) for name, value in extra.items() if value)])

    @property
    def keep(self) -> list[tuple[str, str]]:
        """Return the parameters a filter form has to send again."""
        return [("sort", self.order.key)] if self.order.key else []

    def sorted_by(self, column: Column) -> str:
        """Return the query string that sorts by a column: falling first, then rising."""
        falling = self.order.direction(column) != "descending"
        return self.query(sort=f"-{column.key}" if falling else column.key)


def _page_number(params: QueryDict, cursor: str) -> int:
    text = params.get("n", "")
    return int(text) if cursor and text.isascii() and text.isdecimal() and len(text) <= _PAGE_DIGITS else 1


def page_named(slug: str) -> type[ListPage]:
    """Return the list page with a slug. Raises NotFound."""
    if slug not in _pages:
        # A worker has not served a request yet; reading the addresses imports every page.
        get_resolver().url_patterns  # noqa: B018 - read for the import it causes
    try:
        return _pages[slug]
    except KeyError:
        raise NotFound(slug=slug) from None


def all_pages() -> dict[str, type[ListPage]]:
    """Return every registered list page by slug."""
    get_resolver().url_patterns  # noqa: B018 - read for the import it causes
    return dict(_pages)

"""
Selections: the rows a person acts on, and the actions themselves.

A selection is either rows by public id or "everything under these conditions". The server re-reads it every time: what
the confirmation showed (count and sums) comes back with the confirming click and has to match.
"""

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpResponse, QueryDict
from django.utils.translation import gettext as _

from access.requests import PageRequest
from console import totals
from console.columns import Label
from console.filters import BoundFilters
from core.errors import InvalidRequest
from core.scope import Scope

if TYPE_CHECKING:
    from access.roles import Permission
    from console.lists import ListPage

MAX_PICKED = 1_000


@dataclass(frozen=True)
class Selection:
    """Rows of one list that somebody chose."""

    page: "ListPage"
    scope: Scope
    filters: BoundFilters
    picked: tuple[str, ...] = ()

    @property
    def everything(self) -> bool:
        """Say whether all rows under the conditions are meant."""
        return not self.picked

    def queryset(self) -> QuerySet[Any]:
        """Return the chosen rows as they are now."""
        rows = self.page.queryset(self.scope)
        if self.picked:
            return rows.filter(**{f"{self.page.id_key}__in": self.picked})
        return self.filters.apply(rows)

    @cached_property
    def totals(self) -> totals.Totals:
        """Return the exact count and sums."""
        return totals.sums(self.queryset(), self.page.columns, self.page.currency)

    @property
    def count(self) -> int:
        """Return how many rows are chosen."""
        return self.totals.count

    @property
    def sums(self) -> list[tuple[str, str, bool]]:
        """Return the sums as written for people."""
        return self.totals.written(self.page.columns)

    def ids(self) -> list[str]:
        """Return the public ids of the chosen rows in the list's order."""
        return [str(key) for key in self.queryset().order_by(*self.page.order).values_list(self.page.id_key, flat=True)]

    @property
    def seal(self) -> str:
        """Return a digest of count and sums: equal digests mean that the confirmation still holds."""
        text = json.dumps([self.count, self.totals.sums], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    @property
    def params(self) -> list[tuple[str, str]]:
        """Return the form values that name this selection again."""
        pairs = [("filters", self.filters.query()), ("day", self.filters.today.isoformat())]
        return [*pairs, *(("ids", key) for key in self.picked), *([("all", "1")] if self.everything else [])]


def read(request: PageRequest, page: "ListPage", scope: Scope) -> Selection:
    """Read a selection from a posted form. Raises InvalidRequest when nothing, too much or nonsense is chosen."""
    filters = page.bind(QueryDict(request.POST.get("filters", "")), request.POST.get("day", ""))
    if request.POST.get("all"):
        if not filters.valid:
            raise InvalidRequest(_("검색조건을 다시 확인해 주세요."), field="filters")
        return Selection(page, scope, filters)
    picked = _known_form(page, scope, request.POST.getlist("ids"))
    if not picked:
        raise InvalidRequest(_("먼저 목록에서 한 건 이상 골라 주세요."), field="ids")
    if len(picked) > MAX_PICKED:
        raise InvalidRequest(_("한 번에 %(limit)d건까지 고를 수 있어요.") % {"limit": MAX_PICKED}, field="ids")
    return Selection(page, scope, filters, picked)


Run = Callable[[PageRequest, Selection, forms.Form], HttpResponse]


@dataclass(frozen=True, slots=True)
class BulkAction:
    """
    Something done to a selection.

    The console asks first, repeating count and sums with `confirm` beneath, and calls `run` with the selection and the
    filled-in `form`; `run` answers with a redirect. With `url_name` instead of `run` the selection is posted there
    (read it with `selection.read`), for actions that need pages of their own.
    """

    key: str
    label: Label
    permission: "Permission"
    run: Run | None = None
    url_name: str = ""
    confirm: Label = ""
    form: type[forms.Form] = forms.Form
    danger: bool = False
    icon: str = ""

    @property
    def asks(self) -> bool:
        """Say whether the console asks for confirmation; templates would call `run` itself."""
        return self.run is not None


def _known_form(page: "ListPage", scope: Scope, keys: Iterable[str]) -> tuple[str, ...]:
    """Return the ids that can be ids of the list's rows at all, each once, in their order."""
    field = page.queryset(scope).model._meta.get_field(page.id_key)  # noqa: SLF001 - public in all but name
    found: dict[str, None] = {}
    for key in keys:
        try:
            field.to_python(key)
        except ValidationError:
            continue
        if key and "\x00" not in key:
            found[key] = None
    return tuple(found)

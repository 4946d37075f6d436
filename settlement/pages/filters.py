"""Filters that only settlement's lists need."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import ClassVar

from django.db.models import Q
from django.http import QueryDict

from console.filters import BooleanFilter, Bound, ChoiceFilter, IdFilter, KeywordFilter, Pairs

ANY = "any"


@dataclass(frozen=True)
class UsuallyFilter(ChoiceFilter):
    """
    Check boxes of which some are chosen until somebody chooses others.

    A URL that says nothing means `usual`; `any` says that nothing limits the rows.
    """

    usual: tuple[str, ...] = ()
    template: ClassVar[str] = "settlement/filters/usually.html"

    def cleared(self) -> Pairs:
        """Return the parameter that says "not limited"."""
        return ((self.key, ANY),)

    def bind(self, params: QueryDict, today: date) -> Bound:
        """Read the chosen values; `any` counts only when it stands alone."""
        read = params.copy()
        given = [value for value in params.getlist(self.key) if value]
        chosen = [value for value in given if value != ANY] if given else list(self.usual)
        read.setlist(self.key, chosen)
        bound = super().bind(read, today)
        return bound if bound.params else replace(bound, params=self.cleared())


@dataclass(frozen=True)
class WordsFilter(KeywordFilter):
    """Words, some kinds of which are no plain comparison of a field: `special` makes their condition."""

    special: Mapping[str, Callable[[Sequence[str]], Q]] = field(default_factory=dict)

    def bind(self, params: QueryDict, today: date) -> Bound:
        """Read the kind and the words."""
        bound = super().bind(params, today)
        condition = self.special.get(bound.state["kind"])
        words: list[str] = bound.state["words"]
        return replace(bound, condition=condition(words)) if condition and bound.chip else bound


@dataclass(frozen=True)
class LinkFilter(IdFilter):
    """One object the rows belong to through other tables; `condition` says how."""

    condition: Callable[[str], Q] = lambda value: Q(public_id=value)

    def bind(self, params: QueryDict, today: date) -> Bound:
        """Read the id."""
        bound = super().bind(params, today)
        return replace(bound, condition=self.condition(bound.state["value"])) if bound.chip else bound


@dataclass(frozen=True)
class ArchivedFilter(BooleanFilter):
    """Archived objects stay out of a list until somebody asks for them; `any` shows both kinds."""

    template: ClassVar[str] = "settlement/filters/archived.html"

    def cleared(self) -> Pairs:
        """Return the parameter that says "not limited"."""
        return ((self.key, ANY),)

    def bind(self, params: QueryDict, today: date) -> Bound:
        """Read `yes`, `no` or `any`; nothing means `no`, which no chip needs to tell."""
        given = params.get(self.key, "") or "no"
        if given == ANY:
            return Bound(self, params=self.cleared(), state={"value": ANY})
        read = params.copy()
        read[self.key] = given
        bound = super().bind(read, today)
        return replace(bound, chip=None, params=()) if given == "no" else bound

"""
Filters: what a list is limited to, read from the URL.

One bound filter set serves the page, its totals, its selections and its files. A value that cannot be understood is
named beside its field, and then nothing is listed: a filter that is silently dropped would widen what an action
touches. Days are Seoul days, both ends included.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any, ClassVar, TypeVar

from django.db.models import Model, Q, QuerySet
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from console import periods
from console.columns import Badge, Label
from core import clock

M = TypeVar("M", bound=Model)
Pairs = tuple[tuple[str, str], ...]

MAX_WORDS = 100
_MAX_WORD_LENGTH = 200
_PERIOD, _WORDS = gettext_lazy("기간"), gettext_lazy("검색어")
_YES, _NO = gettext_lazy("예"), gettext_lazy("아니요")


@dataclass(frozen=True, slots=True)
class Chip:
    """One active condition as the reader sees it."""

    label: str
    text: str


@dataclass(frozen=True, slots=True)
class Bound:
    """A filter with its values: the condition, how it is written in a URL, and what the form shows."""

    filter: "Filter"
    condition: Q = field(default_factory=Q)
    params: Pairs = ()
    chip: Chip | None = None
    error: str = ""
    state: Mapping[str, Any] = field(default_factory=dict)

    @property
    def template(self) -> str:
        """Return the template that draws the field."""
        return self.filter.template


class Filter:
    """Base of all filters: a key, a label, and the URL parameters it owns."""

    template: ClassVar[str] = ""
    key: str
    label: Label

    @property
    def names(self) -> tuple[str, ...]:
        """Return the URL parameters this filter reads."""
        return (self.key,)

    def bind(self, params: QueryDict, today: date) -> Bound:
        """Read the values from URL parameters; `today` is the Seoul day that relative periods count from."""
        raise NotImplementedError

    def cleared(self) -> Pairs:
        """Return the parameters that say "not limited by this filter"."""
        return ()


@dataclass(frozen=True, slots=True)
class DateKind:
    """One date a list can be limited by; `moment` for a field with a time of day."""

    key: str
    label: Label
    field: str
    moment: bool = False


@dataclass(frozen=True)
class DateFilter(Filter):
    """
    A period of one of several dates: `date`, `period`, `from` and `to` in the URL.

    `default` is the period of a page whose URL says nothing, by the names in `console.periods`; "" is no limit.
    """

    kinds: tuple[DateKind, ...]
    default: str = ""
    key: str = "date"
    label: Label = _PERIOD
    template: ClassVar[str] = "console/filters/date.html"

    @property
    def names(self) -> tuple[str, ...]:
        """Return the URL parameters this filter reads."""
        return (self.key, f"{self.key}_period", f"{self.key}_from", f"{self.key}_to")

    def cleared(self) -> Pairs:
        """Return the parameter for all time."""
        return ((f"{self.key}_period", periods.ALL),) if self.default else ()

    def bind(self, params: QueryDict, today: date) -> Bound:
        """Read the kind of date and the period."""
        kind_name, period_name, from_name, to_name = self.names
        wanted = params.get(kind_name, "") or self.kinds[0].key
        kind = next((kind for kind in self.kinds if kind.key == wanted), None)
        period = params.get(period_name, "")
        first_text, last_text = params.get(from_name, "").strip(), params.get(to_name, "").strip()
        state: dict[str, Any] = {"kind": wanted, "from": first_text, "to": last_text}
        if not period:
            period = periods.CUSTOM if first_text or last_text else self.default or periods.ALL
        state["period"] = period
        given = self._params(wanted, period, first_text, last_text)
        if kind is None:
            return Bound(self, error=_("없는 날짜 종류예요."), params=given, state=state)
        try:
            first, last = periods.resolve(period, first_text, last_text, today)
        except ValueError as error:
            return Bound(self, error=str(error), params=given, state=state)
        state |= {"first": first, "last": last}
        if period != periods.CUSTOM:
            state |= {"from": first.isoformat() if first else "", "to": last.isoformat() if last else ""}
        if first is None and last is None:
            return Bound(self, params=self.cleared(), state=state)
        return Bound(
            self,
            condition=_between(kind, first, last),
            params=given,
            chip=Chip(str(kind.label), periods.written(first, last)),
            state=state,
        )

    def _params(self, kind: str, period: str, first: str, last: str) -> Pairs:
        kind_name, period_name, from_name, to_name = self.names
        pairs = [(kind_name, kind)] if len(self.kinds) > 1 else []
        if period == periods.CUSTOM:
            ends = ((from_name, first), (to_name, last))
            return (*pairs, *((name, value) for name, value in ends if value))
        return (*pairs, (period_name, period))

    @property
    def choices(self) -> Sequence[tuple[str, Label]]:
        """Return the periods the form offers."""
        return periods.PRESETS


def _between(kind: DateKind, first: date | None, last: date | None) -> Q:
    condition = Q()
    if first is not None:
        condition &= Q(**{f"{kind.field}__gte": _midnight(first) if kind.moment else first})
    if last is not None and kind.moment:
        condition &= Q(**{f"{kind.field}__lt": _midnight(last + timedelta(days=1))})
    elif last is not None:
        condition &= Q(**{f"{kind.field}__lte": last})
    return condition


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, tzinfo=clock.SEOUL)


@dataclass(frozen=True)
class ChoiceFilter(Filter):
    """
    Check boxes over the values of a field, each with its count under all other filters.

    `condition` turns chosen values into a condition where a plain `field__in` is not what is meant.
    """

    key: str
    label: Label
    choices: tuple[tuple[str, Label], ...]
    field: str = ""
    badges: Mapping[str, Badge] | None = None
    counts: bool = True
    condition: Callable[[Sequence[str]], Q] | None = None
    template: ClassVar[str] = "console/filters/choice.html"

    @property
    def column(self) -> str:
        """Return the field the choices are values of."""
        return self.field or self.key

    def bind(self, params: QueryDict, today: date) -> Bound:  # noqa: ARG002 - the signature of every filter
        """Read the chosen values; all of them is the same as none."""
        known = {str(value): label for value, label in self.choices}
        given = list(dict.fromkeys(value for value in params.getlist(self.key) if value))
        strange = [value for value in given if value not in known]
        state = {"chosen": given, "options": [(str(value), label) for value, label in self.choices]}
        pairs = tuple((self.key, value) for value in given)
        if strange:
            error = _("고를 수 없는 값이에요: %(value)s") % {"value": ", ".join(strange)[:_MAX_WORD_LENGTH]}
            return Bound(self, error=error, params=pairs, state=state)
        if not given:
            return Bound(self, state=state)
        condition = self.condition(given) if self.condition else Q(**{f"{self.column}__in": given})
        words = ", ".join(str(known[value]) for value in given)
        return Bound(self, condition=condition, params=pairs, chip=Chip(str(self.label), words), state=state)


@dataclass(frozen=True, slots=True)
class Keyword:
    """One thing words are looked for in; several fields mean any of them."""

    key: str
    label: Label
    fields: tuple[str, ...]
    exact: bool = False


@dataclass(frozen=True)
class KeywordFilter(Filter):
    """One kind of word and the words, one a line: equal to the field, or contained in it. `kw` and `q` in the URL."""

    kinds: tuple[Keyword, ...]
    key: str = "q"
    label: Label = _WORDS
    template: ClassVar[str] = "console/filters/keyword.html"

    @property
    def names(self) -> tuple[str, ...]:
        """Return the URL parameters this filter reads."""
        return ("kw", self.key)

    def bind(self, params: QueryDict, today: date) -> Bound:  # noqa: ARG002 - the signature of every filter
        """Read the kind and the words; empty lines do not count."""
        wanted = params.get("kw", "") or self.kinds[0].key
        kind = next((kind for kind in self.kinds if kind.key == wanted), None)
        text = params.get(self.key, "")
        words = split_words(text)
        state = {"kind": wanted, "text": text, "words": words}
        pairs: Pairs = (("kw", wanted), (self.key, "\n".join(words))) if words else ()
        error = _("없는 검색 종류예요.") if kind is None else _word_error(words)
        if error:
            return Bound(self, error=error, params=pairs, state=state)
        if kind is None or not words:
            return Bound(self, state=state)
        shown = (
            words[0] if len(words) == 1 else _("%(word)s 외 %(rest)d개") % {"word": words[0], "rest": len(words) - 1}
        )
        return Bound(self, condition=_words(kind, words), params=pairs, chip=Chip(str(kind.label), shown), state=state)


def split_words(text: str) -> list[str]:
    """Split pasted text into words: one a line or cell, trimmed, each once."""
    return list(dict.fromkeys(word for line in text.replace("\t", "\n").splitlines() if (word := line.strip())))


def _word_error(words: Sequence[str]) -> str:
    if len(words) > MAX_WORDS:
        return _("한 번에 %(limit)d개까지 찾을 수 있어요.") % {"limit": MAX_WORDS}
    if any("\x00" in word or len(word) > _MAX_WORD_LENGTH for word in words):
        return _("찾을 수 없는 글자가 있거나 너무 길어요.")
    return ""


def _words(kind: Keyword, words: Sequence[str]) -> Q:
    condition = Q()
    for name in kind.fields:
        if kind.exact:
            condition |= Q(**{f"{name}__in": words})
            continue
        for word in words:
            condition |= Q(**{f"{name}__icontains": word})
    return condition


@dataclass(frozen=True)
class BooleanFilter(Filter):
    """Yes, no, or both."""

    key: str
    label: Label
    field: str = ""
    yes: Label = _YES
    no: Label = _NO
    condition: Callable[[bool], Q] | None = None
    template: ClassVar[str] = "console/filters/boolean.html"

    def bind(self, params: QueryDict, today: date) -> Bound:  # noqa: ARG002 - the signature of every filter
        """Read `yes`, `no` or nothing."""
        given = params.get(self.key, "")
        state = {"value": given}
        if not given:
            return Bound(self, state=state)
        if given not in {"yes", "no"}:
            return Bound(self, error=_("고를 수 없는 값이에요: %(value)s") % {"value": given[:20]}, state=state)
        wanted = given == "yes"
        condition = self.condition(wanted) if self.condition else Q(**{self.field or self.key: wanted})
        chip = Chip(str(self.label), str(self.yes if wanted else self.no))
        return Bound(self, condition=condition, params=((self.key, given),), chip=chip, state=state)


@dataclass(frozen=True)
class IdFilter(Filter):
    """One object the rows belong to, set by a link from elsewhere; shown as a chip, not as a field."""

    key: str
    label: Label
    field: str = ""
    template: ClassVar[str] = "console/filters/id.html"

    def bind(self, params: QueryDict, today: date) -> Bound:  # noqa: ARG002 - the signature of every filter
        """Read the id."""
        given = params.get(self.key, "").strip()
        if not given:
            return Bound(self, state={"value": ""})
        error = _word_error([given])
        condition = Q() if error else Q(**{self.field or self.key: given})
        chip = None if error else Chip(str(self.label), given)
        return Bound(
            self, condition=condition, params=((self.key, given),), chip=chip, error=error, state={"value": given}
        )


@dataclass(frozen=True)
class BoundFilters:
    """All filters of a list with their values; that the list is of the one thing `within` names goes without saying."""

    items: tuple[Bound, ...]
    today: date
    within: str = ""

    @property
    def valid(self) -> bool:
        """Say whether every value was understood."""
        return not self.errors

    @property
    def errors(self) -> list[tuple[Label, str]]:
        """Return what was not understood, by label."""
        return [(bound.filter.label, bound.error) for bound in self.items if bound.error]

    @property
    def active(self) -> bool:
        """Say whether anything limits the rows."""
        return bool(self.chips)

    def named(self, key: str) -> Bound:
        """Return one bound filter by its key."""
        return next(bound for bound in self.items if bound.filter.key == key)

    def apply(self, queryset: QuerySet[M], *, but: str = "") -> QuerySet[M]:
        """Limit a queryset, leaving out the filter `but`; nothing at all passes while a value is not understood."""
        if not self.valid:
            return queryset.none()
        condition = Q()
        for bound in self.items:
            if bound.filter.key != but:
                condition &= bound.condition
        return queryset.filter(condition) if condition else queryset

    def params(self, *, but: str = "") -> list[tuple[str, str]]:
        """Return the URL parameters of all filters, `but` one cleared."""
        return [
            pair
            for bound in self.items
            for pair in (bound.filter.cleared() if bound.filter.key == but else bound.params)
        ]

    def query(self, *, but: str = "") -> str:
        """Return the same as a query string."""
        return encode(self.params(but=but))

    @property
    def without_all(self) -> str:
        """Return the query string that limits nothing, not even to a default period."""
        return encode(pair for bound in self.items for pair in self._cleared(bound))

    def _cleared(self, bound: Bound) -> Pairs:
        return bound.params if bound.filter.key == self.within else bound.filter.cleared()

    @property
    def chips(self) -> list[tuple[Chip, str]]:
        """Return each active condition with the query string that drops it."""
        limiting = (bound for bound in self.items if bound.filter.key != self.within)
        return [(bound.chip, self.query(but=bound.filter.key)) for bound in limiting if bound.chip]

    @property
    def lines(self) -> list[tuple[str, str]]:
        """Return the conditions in words, for the sheet 조회조건."""
        return [(bound.chip.label, self._line(bound)) for bound in self.items if bound.chip]

    @staticmethod
    def _line(bound: Bound) -> str:
        words = bound.state.get("words")
        return ", ".join(words) if words else bound.chip.text if bound.chip else ""


def encode(pairs: Iterable[tuple[str, str]]) -> str:
    """Write URL parameters, repeated ones in order."""
    data = QueryDict(mutable=True)
    for name, value in pairs:
        data.appendlist(name, value)
    return data.urlencode()


@dataclass(frozen=True)
class FilterSet:
    """The filters of one list, in the order the form shows them."""

    filters: tuple[Filter, ...] = ()
    within: str = ""

    def bind(self, params: QueryDict, today: date) -> BoundFilters:
        """Read all values from URL parameters."""
        return BoundFilters(tuple(item.bind(params, today) for item in self.filters), today, self.within)

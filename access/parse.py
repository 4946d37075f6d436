"""
Strict reading of what came over the wire.

`strict_json` turns bytes into values and refuses what two readers could understand differently. `Fields` takes an
object apart, one typed getter per field; every refusal is an InvalidRequest that names the field's path. Reading a
field marks it as known, so `done` can refuse what nobody asked for.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from enum import Enum
from typing import NoReturn, TypeAlias, TypeVar

from django.utils.translation import gettext as _

from core.errors import InvalidRequest

LARGEST_AMOUNT = 999_999_999_999_999
LONGEST_TEXT = 10_000
_DEEPEST = 20
_LONGEST_NUMBER = 40
_EARLIEST, _LATEST = date(1900, 1, 1), date(2999, 12, 31)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_MOMENT = re.compile(r"(\d{4}-\d{2}-\d{2})[Tt](\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?([Zz]|[+-]\d{2}:\d{2})", re.ASCII)
_UNCLEAN = re.compile("[\0\ud800-\udfff]")
# Neither UTF-8 nor a text of JSON can hold these as they are; half of a pair of surrogates is found too.
_UNCLEAN_ESCAPE = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
_WHOLE = re.compile(r"-?(0|[1-9]\d{0,18})", re.ASCII)

E = TypeVar("E", bound=Enum)
Day: TypeAlias = date  # inside the class below, `date` is a getter


def strict_json(data: bytes) -> object:
    """
    Read one JSON value; nothing but white space is an empty object. Fractions come as Decimal.

    Raises InvalidRequest for anything that is not JSON in UTF-8, doubled names, NaN and Infinity, more than 20 levels,
    NUL, lone surrogates and numbers of more than 40 characters.
    """
    if not data.strip(b" \t\r\n"):
        return {}
    try:
        value: object = _JSON.decode(data.decode())
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError):
        raise InvalidRequest(_("본문이 올바른 JSON이 아니에요.")) from None
    # Deep and unclean bodies show before they are read, and hardly any is either.
    if data.count(b"{") + data.count(b"[") > _DEEPEST or _UNCLEAN_ESCAPE.search(data):
        _check_tree(value)
    return value


def is_clean(text: str) -> bool:
    """Say whether a text can be stored and sent: no NUL, no lone surrogate."""
    return _UNCLEAN.search(text) is None


def _without_doubles(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise InvalidRequest(_("같은 이름의 값이 두 번 있어요."))
    return found


def _no_constant(_word: str) -> NoReturn:
    raise InvalidRequest(_("NaN과 Infinity는 쓸 수 없어요."))


def _integer(text: str) -> int:
    if len(text) > _LONGEST_NUMBER:
        raise InvalidRequest(_("숫자가 너무 길어요."))
    return int(text)


def _fraction(text: str) -> Decimal:
    if len(text) > _LONGEST_NUMBER:
        raise InvalidRequest(_("숫자가 너무 길어요."))
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal("Infinity")
    if not number.is_finite() or abs(number.adjusted()) > _LONGEST_NUMBER:
        raise InvalidRequest(_("숫자가 너무 크거나 작아요."))
    return number


_JSON = json.JSONDecoder(
    object_pairs_hook=_without_doubles, parse_constant=_no_constant, parse_float=_fraction, parse_int=_integer
)


def _check_tree(value: object) -> None:
    level: list[object] = [value]
    for depth in range(_DEEPEST + 1):
        below: list[object] = []
        for item in level:
            if isinstance(item, str):
                _check_text(item)
            elif isinstance(item, dict | list) and depth == _DEEPEST:
                raise InvalidRequest(_("본문이 너무 깊어요. 20단계까지 쓸 수 있어요."))
            elif isinstance(item, dict):
                below.extend(item)
                below.extend(item.values())
            elif isinstance(item, list):
                below.extend(item)
        level = below


def _check_text(text: str) -> None:
    if not is_clean(text):
        raise InvalidRequest(_("글자에 NUL이나 짝이 없는 서로게이트가 있어요."))


class Fields:
    """
    One JSON object being read. `at` is its path in the whole, for messages.

    Each getter raises InvalidRequest when the field is missing or of another kind; its `maybe_` twin returns None when
    the field is missing or null.
    """

    def __init__(self, data: Mapping[str, object], at: str = "") -> None:
        self._data = data
        self._at = at
        self._known: set[str] = set()
        self._parts: dict[str, Fields] = {}

    @classmethod
    def of(cls, value: object, at: str = "") -> "Fields":
        """Return the fields of a value that must be an object."""
        if not isinstance(value, dict):
            raise _refusal(at, _("JSON 객체여야 해요.")) if at else InvalidRequest(_("JSON 객체여야 해요."))
        return cls(value, at)

    # ---- Which fields there are

    def keys(self) -> tuple[str, ...]:
        """Return the names that were sent, whatever they hold."""
        return tuple(self._data)

    def as_sent(self) -> Mapping[str, object]:
        """Return the whole object as it came; nothing counts as known by that."""
        return self._data

    def has(self, name: str) -> bool:
        """Say whether a field is there and not null."""
        self._known.add(name)
        return self._data.get(name) is not None

    def given(self, name: str) -> bool:
        """Say whether a field is there, null included: a PATCH may want to tell the two apart."""
        self._known.add(name)
        return name in self._data

    def is_object(self, name: str) -> bool:
        """Say whether a field holds an object, without counting it as known."""
        return isinstance(self._data.get(name), dict)

    def one_of(self, *names: str) -> str:
        """Return which single one of the names is there."""
        found = [name for name in names if self.has(name)]
        if len(found) != 1:
            raise self._wrong_object(_("다음 중 하나만 있어야 해요: %(names)s") % {"names": ", ".join(names)})
        return found[0]

    def path(self, name: str) -> str:
        """Return the path of a field in the whole body."""
        return f"{self._at}.{name}" if self._at else name

    def wrong(self, name: str, message: str) -> InvalidRequest:
        """Return the refusal to raise about a field."""
        return _refusal(self.path(name), message)

    def _wrong_object(self, message: str) -> InvalidRequest:
        return InvalidRequest(f"{self._at}: {message}", field=self._at) if self._at else InvalidRequest(message)

    def raw(self, name: str) -> object:
        """Return a field as it came, None when missing; everything below it counts as known."""
        self._known.add(name)
        return self._data.get(name)

    def done(self) -> None:
        """Refuse every field, here and below, that no getter asked for."""
        for name in self._data:
            if name not in self._known:
                raise self.wrong(name, _("모르는 필드예요."))
        for part in self._parts.values():
            part.done()

    def _need(self, name: str) -> object:
        value = self.raw(name)
        if value is None:
            raise self.wrong(name, _("필수 값이에요."))
        return value

    # ---- Text

    def text(
        self, name: str, *, longest: int = LONGEST_TEXT, shortest: int = 0, pattern: "re.Pattern[str] | None" = None
    ) -> str:
        """Return a text of so many characters that the whole pattern matches, as it came."""
        return _text(self._need(name), self.path(name), longest, shortest, pattern)

    def maybe_text(
        self, name: str, *, longest: int = LONGEST_TEXT, shortest: int = 0, pattern: "re.Pattern[str] | None" = None
    ) -> str | None:
        """Return the text, or None."""
        return self.text(name, longest=longest, shortest=shortest, pattern=pattern) if self.has(name) else None

    def texts(self, name: str, *, most: int = 10_000, longest: int = LONGEST_TEXT) -> list[str]:
        """Return a list of texts; an empty one when the field is missing."""
        items = self._listed(name, most) if self.has(name) else []
        return [_text(item, f"{self.path(name)}[{place}]", longest) for place, item in enumerate(items)]

    # ---- Numbers

    def integer(self, name: str, *, minimum: int = -(2**31), maximum: int = 2**31 - 1) -> int:
        """Return a JSON integer within the bounds; 1.0, "1" and true are none."""
        value = self._as_integer(self._need(name))
        if value is None:
            raise self.wrong(name, _("정수여야 해요."))
        if not minimum <= value <= maximum:
            limits = {"minimum": minimum, "maximum": maximum}
            raise self.wrong(name, _("%(minimum)d 이상 %(maximum)d 이하여야 해요.") % limits)
        return value

    def maybe_integer(self, name: str, *, minimum: int = -(2**31), maximum: int = 2**31 - 1) -> int | None:
        """Return the integer, or None."""
        return self.integer(name, minimum=minimum, maximum=maximum) if self.has(name) else None

    def amount(self, name: str, *, minimum: int = -LARGEST_AMOUNT, maximum: int = LARGEST_AMOUNT) -> int:
        """Return an amount of money in minor units."""
        return self.integer(name, minimum=minimum, maximum=maximum)

    def maybe_amount(self, name: str, *, minimum: int = -LARGEST_AMOUNT, maximum: int = LARGEST_AMOUNT) -> int | None:
        """Return the amount, or None."""
        return self.maybe_integer(name, minimum=minimum, maximum=maximum)

    def _as_integer(self, value: object) -> int | None:
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    # ---- Other scalars

    def boolean(self, name: str) -> bool:
        """Return true or false."""
        value = self._as_boolean(self._need(name))
        if value is None:
            raise self.wrong(name, _("true 또는 false여야 해요."))
        return value

    def maybe_boolean(self, name: str) -> bool | None:
        """Return true or false, or None."""
        return self.boolean(name) if self.has(name) else None

    def _as_boolean(self, value: object) -> bool | None:
        return value if isinstance(value, bool) else None

    def date(self, name: str) -> Day:
        """Return a day, YYYY-MM-DD from 1900 to 2999."""
        value = self._need(name)
        day = None
        if isinstance(value, str) and _DATE.fullmatch(value):
            try:
                day = date.fromisoformat(value)
            except ValueError:
                day = None
        if day is None or not _EARLIEST <= day <= _LATEST:
            raise self.wrong(name, _("YYYY-MM-DD 형식의 날짜여야 해요."))
        return day

    def maybe_date(self, name: str) -> Day | None:
        """Return the day, or None."""
        return self.date(name) if self.has(name) else None

    def moment(self, name: str) -> datetime:
        """Return a moment in UTC from RFC 3339 text; more than six fraction digits are cut off."""
        value = self._need(name)
        moment = _moment(value) if isinstance(value, str) else None
        if moment is None or not _EARLIEST <= moment.date() <= _LATEST:
            raise self.wrong(name, _("2026-01-31T09:00:00Z 형식의 시각이어야 해요."))
        return moment

    def maybe_moment(self, name: str) -> datetime | None:
        """Return the moment, or None."""
        return self.moment(name) if self.has(name) else None

    def choice(self, name: str, kind: type[E]) -> E:
        """Return the member of an enumeration whose value was sent."""
        return _choice(self._need(name), self.path(name), kind)

    def maybe_choice(self, name: str, kind: type[E]) -> E | None:
        """Return the member, or None."""
        return self.choice(name, kind) if self.has(name) else None

    def choices(self, name: str, kind: type[E], *, most: int = 1_000) -> list[E]:
        """Return a list of members; an empty one when the field is missing."""
        items = self._listed(name, most) if self.has(name) else []
        return [_choice(item, f"{self.path(name)}[{place}]", kind) for place, item in enumerate(items)]

    # ---- Objects and lists

    def mapping(self, name: str) -> "Fields":
        """Return an object."""
        value = self._need(name)
        if not isinstance(value, dict):
            raise self.wrong(name, _("JSON 객체여야 해요."))
        return self._part(value, self.path(name))

    def maybe_mapping(self, name: str) -> "Fields | None":
        """Return the object, or None."""
        return self.mapping(name) if self.has(name) else None

    def entries(self, name: str) -> "dict[str, Fields]":
        """Return an object whose names are data, each holding an object; an empty one when the field is missing."""
        if not self.has(name):
            return {}
        whole = self.mapping(name)
        return {key: whole.mapping(key) for key in whole.keys()}  # noqa: SIM118 - Fields is no mapping

    def items(self, name: str, *, fewest: int = 0, most: int = 10_000) -> "list[Fields]":
        """Return a list of objects."""
        found = []
        for place, item in enumerate(self._listed(name, most, fewest)):
            at = f"{self.path(name)}[{place}]"
            if not isinstance(item, dict):
                raise _refusal(at, _("JSON 객체여야 해요."))
            found.append(self._part(item, at))
        return found

    def maybe_items(self, name: str, *, fewest: int = 0, most: int = 10_000) -> "list[Fields] | None":
        """Return the list, or None."""
        return self.items(name, fewest=fewest, most=most) if self.has(name) else None

    def _listed(self, name: str, most: int, fewest: int = 0) -> Sequence[object]:
        value = self._need(name)
        if not isinstance(value, list):
            raise self.wrong(name, _("목록이어야 해요."))
        if not fewest <= len(value) <= most:
            limits = {"fewest": fewest, "most": most}
            raise self.wrong(name, _("%(fewest)d개부터 %(most)d개까지 보낼 수 있어요.") % limits)
        return value

    def _part(self, data: Mapping[str, object], at: str) -> "Fields":
        # A getter may be asked twice for one field; what either reading knows counts.
        return self._parts.setdefault(at, Fields(data, at))


class QueryFields(Fields):
    """Query parameters: numbers and words for true and false are read from text, lists are split at commas."""

    @classmethod
    def parse(cls, parameters: Iterable[tuple[str, Sequence[str]]]) -> "QueryFields":
        """Return the fields of a query string's (name, values); a name sent twice holds a list."""
        data: dict[str, object] = {}
        for name, values in parameters:
            if not (is_clean(name) and all(is_clean(value) for value in values)):
                raise InvalidRequest(_("글자에 NUL이나 짝이 없는 서로게이트가 있어요."))
            data[name] = values[0] if len(values) == 1 else list(values)
        return cls(data)

    def _as_integer(self, value: object) -> int | None:
        return int(value) if isinstance(value, str) and _WHOLE.fullmatch(value) else None

    def _as_boolean(self, value: object) -> bool | None:
        return {"true": True, "false": False}.get(value) if isinstance(value, str) else None

    def _listed(self, name: str, most: int, fewest: int = 0) -> Sequence[object]:
        value = self._data.get(name)
        if isinstance(value, str):
            listed = QueryFields({name: [word for word in value.split(",") if word]}, self._at)
            return listed._listed(name, most, fewest)
        return super()._listed(name, most, fewest)


def _moment(text: str) -> datetime | None:
    match = _MOMENT.fullmatch(text)
    if match is None:
        return None
    day, time, fraction, zone = match.groups()
    written = f"{day}T{time}.{(fraction or '0')[:6]:0<6}{'+00:00' if zone in 'Zz' else zone}"
    try:
        return datetime.fromisoformat(written).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _refusal(at: str, message: str) -> InvalidRequest:
    return InvalidRequest(f"{at}: {message}", field=at)


def _text(value: object, at: str, longest: int, shortest: int = 0, pattern: "re.Pattern[str] | None" = None) -> str:
    if not isinstance(value, str):
        raise _refusal(at, _("문자열이어야 해요."))
    if not is_clean(value):
        raise _refusal(at, _("글자에 NUL이나 짝이 없는 서로게이트가 있어요."))
    if not shortest <= len(value) <= longest:
        limits = {"shortest": shortest, "longest": longest}
        raise _refusal(at, _("%(shortest)d자부터 %(longest)d자까지 쓸 수 있어요.") % limits)
    if pattern is not None and not pattern.fullmatch(value):
        raise _refusal(at, _("형식이 올바르지 않아요."))
    return value


def _choice(value: object, at: str, kind: type[E]) -> E:
    if isinstance(value, str):
        for member in kind:
            if member.value == value:
                return member
    words = ", ".join(str(member.value) for member in kind)
    raise _refusal(at, _("다음 중 하나여야 해요: %(words)s") % {"words": words})

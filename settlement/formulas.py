"""
A merchant's formulas: reading them, saying where they are wrong, and computing them exactly.

    expression = term { ("+" | "-") term }
    term       = factor { "*" factor }
    factor     = "-" factor | number | variable | function "(" expression ")" | "(" expression ")"

Functions are ROUND (a half away from zero), ROUND_UP (away from zero) and ROUND_DOWN (toward zero); each makes one
value whole. There is no division. Names are written as they are defined: upper and lower case differ. A formula is
read once into steps and then computed as often as needed, on fractions, so nothing is lost before its one rounding.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from functools import lru_cache
from types import MappingProxyType

from core.money import Rounding, round_fraction

MAX_LENGTH = 2_000
MAX_DEPTH = 50
MAX_WHOLE_DIGITS, MAX_DECIMAL_DIGITS = 15, 10
MAX_OWN = 10
KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")

FUNCTIONS: Mapping[str, Rounding] = MappingProxyType(
    {"ROUND": Rounding.OFF, "ROUND_UP": Rounding.UP, "ROUND_DOWN": Rounding.DOWN}
)

# ---- what may be wrong ----------------------------------------------------------------------------------------------


class Wrong(StrEnum):
    """What is wrong with an expression."""

    INVALID_FUNCTION = "INVALID_FUNCTION"
    INVALID_OPERATOR = "INVALID_OPERATOR"
    INVALID_SYNTAX = "INVALID_SYNTAX"
    INVALID_VARIABLE = "INVALID_VARIABLE"
    MISSING_EXPECTED_TOKEN = "MISSING_EXPECTED_TOKEN"  # noqa: S105 - a token of an expression, not a secret
    MISSING_LEFT_OPERAND = "MISSING_LEFT_OPERAND"
    MISSING_OPERATOR = "MISSING_OPERATOR"
    MISSING_RIGHT_OPERAND = "MISSING_RIGHT_OPERAND"
    WRONG_NUMBER_OF_ARGUMENTS = "WRONG_NUMBER_OF_ARGUMENTS"
    UNEXPECTED_TOKEN = "UNEXPECTED_TOKEN"  # noqa: S105 - a token of an expression, not a secret


class Reason(StrEnum):
    """Why, where the kind alone does not tell."""

    NONE = ""
    EMPTY = "EMPTY"
    TOO_LONG = "TOO_LONG"
    TOO_DEEP = "TOO_DEEP"
    TOO_MANY_DIGITS = "TOO_MANY_DIGITS"
    NOT_HERE = "NOT_HERE"
    LATER = "LATER"


@dataclass(frozen=True, slots=True)
class Position:
    """Where a piece of an expression stands. Lines count from 1, indexes in a line from 0; the end is exclusive."""

    start_line: int
    start_index: int
    end_line: int
    end_index: int

    @classmethod
    def of(cls, text: str, start: int, end: int) -> "Position":
        """Return the position of `text[start:end]`."""
        return cls(*_line_and_index(text, start), *_line_and_index(text, end))


def _line_and_index(text: str, offset: int) -> tuple[int, int]:
    return text.count("\n", 0, offset) + 1, offset - (text.rfind("\n", 0, offset) + 1)


class FormulaError(ValueError):
    """
    An expression cannot be used. `found` is the piece at `position`, `expected` the token that is missing there.

    `start` and `end` are the same place as offsets from the beginning.
    """

    def __init__(
        self, wrong: Wrong, text: str, start: int, end: int, *, reason: Reason = Reason.NONE, expected: str = ""
    ) -> None:
        self.wrong, self.reason, self.expected = wrong, reason, expected
        self.start, self.end = start, end
        self.found = text[start:end][:100]
        self.position = Position.of(text, start, end)
        place = self.position
        super().__init__(f"{wrong.value} at {place.start_line}:{place.start_index}: {self.found!r}")


# ---- pieces ---------------------------------------------------------------------------------------------------------


class _Kind(StrEnum):
    NUMBER = "number"
    NAME = "name"
    SIGN = "sign"
    OPEN = "("
    CLOSE = ")"
    COMMA = ","
    END = "end"


@dataclass(frozen=True, slots=True)
class _Token:
    kind: _Kind
    text: str
    start: int
    end: int


_PIECE = re.compile(
    r"(?P<space>[ \t\r\n]+)|(?P<number>[0-9]+(?:\.[0-9]+)?)|(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<sign>[-+*])|(?P<open>\()|(?P<close>\))|(?P<comma>,)|(?P<operator>[/%^&|<>=!~÷×]+)"
)
_KINDS = {
    "number": _Kind.NUMBER,
    "name": _Kind.NAME,
    "sign": _Kind.SIGN,
    "open": _Kind.OPEN,
    "close": _Kind.CLOSE,
    "comma": _Kind.COMMA,
}


def _tokens(text: str) -> Iterator[_Token]:
    at = 0
    while at < len(text):
        found = _PIECE.match(text, at)
        if found is None:
            raise FormulaError(Wrong.INVALID_SYNTAX, text, at, at + 1)
        kind, at = found.lastgroup or "", found.end()
        if kind == "operator":
            raise FormulaError(Wrong.INVALID_OPERATOR, text, *found.span())
        if kind == "number":
            _check_number(text, *found.span())
        if kind != "space":
            yield _Token(_KINDS[kind], found[0], *found.span())
    yield _Token(_Kind.END, "", len(text), len(text))


def _check_number(text: str, start: int, end: int) -> None:
    # "10A" and "1.2.3" read as two pieces side by side; they are one that is misspelt.
    stuck = re.compile(r"[A-Za-z0-9_.]+").match(text, end)
    if stuck:
        raise FormulaError(Wrong.INVALID_SYNTAX, text, start, stuck.end())
    whole, _point, decimals = text[start:end].partition(".")
    if len(whole.lstrip("0")) > MAX_WHOLE_DIGITS or len(decimals) > MAX_DECIMAL_DIGITS:
        raise FormulaError(Wrong.INVALID_SYNTAX, text, start, end, reason=Reason.TOO_MANY_DIGITS)


# ---- reading --------------------------------------------------------------------------------------------------------


class _Do(StrEnum):
    ADD = "+"
    SUBTRACT = "-"
    MULTIPLY = "*"
    NEGATE = "negate"


# A number is pushed, a name's value is pushed, the rest works on what was pushed last.
_Step = Fraction | str | _Do | Rounding


@dataclass(frozen=True, slots=True)
class Formula:
    """An expression that was read: `names` are its variables in the order they appear, each once."""

    text: str
    names: tuple[str, ...]
    _steps: tuple[_Step, ...] = field(repr=False)
    _spans: tuple[tuple[int, int], ...] = field(repr=False)

    def value(self, values: Mapping[str, Fraction | int]) -> Fraction:
        """Return the exact result. Raises FormulaError for a variable without a value."""
        stack: list[Fraction] = []
        for step in self._steps:
            if isinstance(step, Fraction):
                stack.append(step)
            elif isinstance(step, Rounding):
                stack.append(Fraction(round_fraction(stack.pop(), step)))
            elif step is _Do.NEGATE:
                stack.append(-stack.pop())
            elif isinstance(step, _Do):
                right = stack.pop()
                stack.append(_apply(step, stack.pop(), right))
            else:
                stack.append(Fraction(self._given(values, step)))
        return stack.pop()

    def with_numbers(self, written: Mapping[str, str]) -> str:
        """Return the expression with what is written for each of its variables in its place, on one line."""
        pieces, at = [], 0
        for start, end in self._spans:
            name = self.text[start:end]
            pieces += [self.text[at:start], written.get(name, name)]
            at = end
        return " ".join("".join([*pieces, self.text[at:]]).split())

    def span_of(self, name: str) -> tuple[int, int]:
        """Return where a variable stands first, as offsets."""
        return next((start, end) for start, end in self._spans if self.text[start:end] == name)

    def _given(self, values: Mapping[str, Fraction | int], name: str) -> Fraction | int:
        if name not in values:
            raise FormulaError(Wrong.INVALID_VARIABLE, self.text, *self.span_of(name))
        return values[name]


def _apply(what: _Do, left: Fraction, right: Fraction) -> Fraction:
    if what is _Do.ADD:
        return left + right
    return left - right if what is _Do.SUBTRACT else left * right


@lru_cache(maxsize=2_000)
def read(text: str) -> Formula:
    """Return the formula that an expression means. Raises FormulaError; which variables exist is not looked at."""
    if len(text) > MAX_LENGTH:
        raise FormulaError(Wrong.INVALID_SYNTAX, text, MAX_LENGTH, len(text), reason=Reason.TOO_LONG)
    return _Reader(text).formula()


class _Reader:
    """Reads one expression from left to right and writes its steps down, operands before what is done to them."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = list(_tokens(text))
        self.at = 0
        self.depth = 0
        self.steps: list[_Step] = []
        self.spans: list[tuple[int, int]] = []

    def formula(self) -> Formula:
        if self._next().kind is _Kind.END:
            raise self._wrong(Wrong.MISSING_EXPECTED_TOKEN, self._next(), reason=Reason.EMPTY)
        self._expression()
        if self._next().kind is not _Kind.END:
            raise self._wrong(Wrong.UNEXPECTED_TOKEN, self._next())
        names = dict.fromkeys(self.text[start:end] for start, end in self.spans)
        return Formula(self.text, tuple(names), tuple(self.steps), tuple(self.spans))

    def _next(self) -> _Token:
        return self.tokens[self.at]

    def _take(self) -> _Token:
        token = self.tokens[self.at]
        self.at += 1
        return token

    def _expression(self) -> None:
        self._term()
        while self._next().text in ("+", "-"):
            sign = self._take()
            self._term(sign)
            self.steps.append(_Do(sign.text))
        if self._next().kind in (_Kind.NUMBER, _Kind.NAME, _Kind.OPEN):
            raise self._wrong(Wrong.MISSING_OPERATOR, self._next())

    def _term(self, after: _Token | None = None) -> None:
        self._factor(after)
        while self._next().text == "*":
            sign = self._take()
            self._factor(sign)
            self.steps.append(_Do.MULTIPLY)

    def _factor(self, after: _Token | None) -> None:
        negative = False
        while self._next().text == "-":
            after, negative = self._take(), not negative
        self._primary(after)
        if negative:
            self.steps.append(_Do.NEGATE)

    def _primary(self, after: _Token | None) -> None:
        token = self._next()
        if token.kind is _Kind.NUMBER:
            self.steps.append(Fraction(self._take().text))
        elif token.kind is _Kind.OPEN:
            self._inside(self._take())
        elif token.kind is _Kind.NAME:
            self._name(self._take())
        elif after is not None:
            raise self._wrong(Wrong.MISSING_RIGHT_OPERAND, after)
        elif token.kind is _Kind.END:
            raise self._wrong(Wrong.MISSING_EXPECTED_TOKEN, self.tokens[self.at - 1], expected=")")
        else:
            raise self._wrong(Wrong.MISSING_LEFT_OPERAND if token.kind is _Kind.SIGN else Wrong.UNEXPECTED_TOKEN, token)

    def _name(self, name: _Token) -> None:
        if self._next().kind is _Kind.OPEN:
            if name.text not in FUNCTIONS:
                raise self._wrong(Wrong.INVALID_FUNCTION, name)
            self._inside(self._take(), called=name)
            self.steps.append(FUNCTIONS[name.text])
        elif name.text in FUNCTIONS:
            raise self._wrong(Wrong.MISSING_EXPECTED_TOKEN, name, expected="(")
        else:
            self.steps.append(name.text)
            self.spans.append((name.start, name.end))

    def _inside(self, opening: _Token, called: _Token | None = None) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self._wrong(Wrong.INVALID_SYNTAX, opening, reason=Reason.TOO_DEEP)
        if called and self._next().kind is _Kind.CLOSE:
            raise FormulaError(Wrong.WRONG_NUMBER_OF_ARGUMENTS, self.text, called.start, self._next().end)
        self._expression()
        if called and self._next().kind is _Kind.COMMA:
            raise FormulaError(Wrong.WRONG_NUMBER_OF_ARGUMENTS, self.text, called.start, self._next().end)
        if self._next().kind is _Kind.END:
            raise self._wrong(Wrong.MISSING_EXPECTED_TOKEN, opening, expected=")")
        if self._next().kind is not _Kind.CLOSE:
            raise self._wrong(Wrong.UNEXPECTED_TOKEN, self._next())
        self._take()
        self.depth -= 1

    def _wrong(self, wrong: Wrong, token: _Token, *, reason: Reason = Reason.NONE, expected: str = "") -> FormulaError:
        return FormulaError(wrong, self.text, token.start, token.end, reason=reason, expected=expected)


# ---- what may be used where -----------------------------------------------------------------------------------------


class Place(StrEnum):
    """A formula of the calculation, in the order in which they are computed; `OWN` are the merchant's own."""

    DISCOUNT_SHARE = "discount_share"
    PLATFORM_FEE = "platform_fee"
    ADDITIONAL_FEE = "additional_fee"
    SETTLEMENT = "settlement"
    SETTLEMENT_TAX_FREE = "settlement_tax_free"
    OWN = "own"


PLACES = tuple(Place)
REPLACEABLE = PLACES[:-1]

_ALWAYS = ("ORDER_TAX_FREE_AMOUNT", "PAYMENT_VAT_AMOUNT")
_FEE = ("ORDER_AMOUNT", "PAYMENT_AMOUNT", "DISCOUNT_AMOUNT", "DISCOUNT_SHARE_AMOUNT", "FIXED_RATE", "FIXED_AMOUNT")
_SETTLEMENT = (
    "ORDER_AMOUNT",
    "PAYMENT_AMOUNT",
    "DISCOUNT_AMOUNT",
    "DISCOUNT_SHARE_AMOUNT",
    "PLATFORM_FEE_AMOUNT",
    "PLATFORM_FEE_VAT",
    "PLATFORM_FEE",
    "PLATFORM_ADDITIONAL_FEE",
    "PLATFORM_DISCOUNT_SHARE",
    "PAYMENT_VAT_BURDEN_AMOUNT",
)
_TAX_FREE = ("SETTLEMENT_AMOUNT", "ORDER_TAX_FREE_RATIO", "DISCOUNT_SHARE_TAX_FREE_AMOUNT")
VARIABLES: Mapping[Place, tuple[str, ...]] = MappingProxyType(
    {
        Place.DISCOUNT_SHARE: ("DISCOUNT_AMOUNT", "FIXED_RATE", *_ALWAYS),
        Place.PLATFORM_FEE: (*_FEE, *_ALWAYS),
        Place.ADDITIONAL_FEE: (*_FEE, "PLATFORM_FEE_AMOUNT", "PLATFORM_FEE_VAT", *_ALWAYS),
        Place.SETTLEMENT: (*_SETTLEMENT, *_ALWAYS),
        Place.SETTLEMENT_TAX_FREE: (*_TAX_FREE, *_SETTLEMENT, *_ALWAYS),
        Place.OWN: (*_SETTLEMENT, *_TAX_FREE, *_ALWAYS),
    }
)
DEFAULTS: Mapping[Place, str] = MappingProxyType(
    {
        Place.DISCOUNT_SHARE: "DISCOUNT_AMOUNT * FIXED_RATE",
        Place.PLATFORM_FEE: "ORDER_AMOUNT * FIXED_RATE + FIXED_AMOUNT",
        Place.ADDITIONAL_FEE: "ORDER_AMOUNT * FIXED_RATE + FIXED_AMOUNT",
        Place.SETTLEMENT: "ORDER_AMOUNT - PAYMENT_VAT_BURDEN_AMOUNT - PLATFORM_FEE - PLATFORM_ADDITIONAL_FEE"
        " - PLATFORM_DISCOUNT_SHARE",
        Place.SETTLEMENT_TAX_FREE: "(SETTLEMENT_AMOUNT + DISCOUNT_SHARE_AMOUNT) * ORDER_TAX_FREE_RATIO"
        " - DISCOUNT_SHARE_TAX_FREE_AMOUNT",
    }
)
RESERVED = frozenset(FUNCTIONS) | {name for names in VARIABLES.values() for name in names}
# The first formula that finds the variable computed; the others find it from the beginning.
_KNOWN_FROM: Mapping[str, Place] = MappingProxyType(
    {
        "DISCOUNT_SHARE_AMOUNT": Place.PLATFORM_FEE,
        "DISCOUNT_SHARE_TAX_FREE_AMOUNT": Place.PLATFORM_FEE,
        "PLATFORM_DISCOUNT_SHARE": Place.PLATFORM_FEE,
        "PLATFORM_FEE_AMOUNT": Place.ADDITIONAL_FEE,
        "PLATFORM_FEE_VAT": Place.ADDITIONAL_FEE,
        "PLATFORM_FEE": Place.ADDITIONAL_FEE,
        "PLATFORM_ADDITIONAL_FEE": Place.SETTLEMENT,
        "SETTLEMENT_AMOUNT": Place.SETTLEMENT_TAX_FREE,
    }
)


@dataclass(frozen=True, slots=True)
class OwnFormula:
    """A formula of the merchant's own; its result goes by its key."""

    key: str
    name: str
    expression: str
    rounding: Rounding = Rounding.DOWN


class KeyWrong(StrEnum):
    """What is wrong with the key of an own formula or a parameter."""

    INVALID = "INVALID"
    RESERVED = "RESERVED"
    DUPLICATED = "DUPLICATED"
    USED_BY_PARAMETER = "USED_BY_PARAMETER"
    TOO_MANY = "TOO_MANY"


@dataclass(frozen=True, slots=True)
class Problem:
    """
    What is wrong with one formula of a calculation.

    `place` and, for an own formula, its `number` in the list from 0 say which one; `wrong` is about its expression or,
    as a KeyWrong, about its key.
    """

    place: Place
    wrong: FormulaError | KeyWrong
    number: int = 0


def known_from(own: Sequence[OwnFormula]) -> dict[str, Place]:
    """Return, by key, the first formula that finds each own formula computed; own formulas must be in order."""
    found: dict[str, Place] = {}
    for item in own:
        names = read(item.expression).names
        needed = [found.get(name) or _KNOWN_FROM.get(name, PLACES[0]) for name in names]
        found[item.key] = max(needed, key=PLACES.index, default=PLACES[0])
    return found


def problems(
    replaced: Mapping[Place, str], own: Sequence[OwnFormula], parameters: Collection[str] = ()
) -> list[Problem]:
    """Return everything that is wrong with a calculation, one problem for each formula at most."""
    found: list[Problem] = []
    good: list[OwnFormula] = []
    for number, item in enumerate(own):
        wrong = _wrong_own(number, own, parameters)
        if wrong is None:
            good.append(item)
        else:
            found.append(Problem(Place.OWN, wrong, number))
    # A formula that is wrong itself is told about once, not again wherever its key is used.
    ready = dict.fromkeys([*parameters, *(item.key for item in own)], PLACES[0]) | known_from(good)
    for place, text in replaced.items():
        try:
            _check_names(read(text), place, ready, ())
        except FormulaError as error:
            found.append(Problem(place, error))
    return found


def key_problem(key: str) -> KeyWrong | None:
    """Return what is wrong with a key by itself."""
    if not KEY.fullmatch(key):
        return KeyWrong.INVALID
    return KeyWrong.RESERVED if key in RESERVED else None


def _wrong_own(number: int, own: Sequence[OwnFormula], parameters: Collection[str]) -> FormulaError | KeyWrong | None:
    item, earlier = own[number], [one.key for one in own[:number]]
    if number >= MAX_OWN:
        return KeyWrong.TOO_MANY
    if wrong := key_problem(item.key):
        return wrong
    if item.key in earlier:
        return KeyWrong.DUPLICATED
    if item.key in parameters:
        return KeyWrong.USED_BY_PARAMETER
    ready = dict.fromkeys([*parameters, *earlier], PLACES[0])
    later = [one.key for one in own[number:]]
    try:
        _check_names(read(item.expression), Place.OWN, ready, later)
    except FormulaError as error:
        return error
    return None


def _check_names(formula: Formula, place: Place, ready: Mapping[str, Place], later: Collection[str]) -> None:
    """Raise FormulaError for the first variable that a formula of this place may not use."""
    for name in formula.names:
        known = ready.get(name)
        if name in VARIABLES[place] or (known and PLACES.index(known) <= PLACES.index(place)):
            continue
        reason = Reason.NOT_HERE if name in RESERVED else Reason.NONE
        if known or name in later:
            reason = Reason.LATER
        raise FormulaError(Wrong.INVALID_VARIABLE, formula.text, *formula.span_of(name), reason=reason)

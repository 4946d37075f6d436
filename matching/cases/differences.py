"""What was expected of a step against what can be seen. Only what is stated is compared; lists are sets."""

from collections.abc import Iterator, Mapping
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation
from typing import Any

Difference = dict[str, Any]
_SIX = Decimal("0.000001")
# Percentages of next to nothing have more digits than the usual 28.
_WIDE = Context(prec=200)


def differences(expected: object, actual: object, path: str = "") -> Iterator[Difference]:
    """Yield every place where what is stated is not so."""
    if isinstance(expected, Mapping):
        if not isinstance(actual, Mapping):
            yield _difference(path, expected, actual)
            return
        for name, value in expected.items():
            yield from differences(value, actual.get(name), f"{path}.{name}" if path else str(name))
    elif isinstance(expected, list):
        if not isinstance(actual, list) or sorted(map(str, expected)) != sorted(map(str, actual)):
            yield _difference(path, expected, actual)
    elif not _is_same(expected, actual):
        yield _difference(path, expected, actual)


def _difference(path: str, expected: object, actual: object) -> Difference:
    return {"path": path, "expected": expected, "actual": actual}


def _is_same(expected: object, actual: object) -> bool:
    if isinstance(expected, str) and isinstance(actual, str):
        left, right = _number(expected), _number(actual)
        if left is not None and right is not None:
            return left == right
    return type(expected) is type(actual) and expected == actual


def _number(text: str) -> Decimal | None:
    try:
        found = Decimal(text)
    except InvalidOperation:
        return None
    return found.quantize(_SIX, ROUND_HALF_UP, _WIDE) if found.is_finite() else None

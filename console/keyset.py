"""
Keyset paging: a page starts after the last row of the one before, found through the index.

`order` names fields that are never null, the last one unique: `("-settlement_date", "-id")`. A cursor is the values of
these fields in one row, with a direction; a cursor that does not decode means the first page.
"""

import base64
import binascii
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BooleanField, F, Field, Func, IntegerField, Model, Q, QuerySet, Value
from django.db.models.sql.compiler import SQLCompiler

from console.columns import Row

_BIGINT = 1 << 63


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page begins: after (or, going back, before) the row with these values."""

    values: tuple[object, ...]
    back: bool = False

    def encode(self) -> str:
        """Write the cursor for a URL."""
        plain = [value.isoformat() if isinstance(value, date | datetime) else value for value in self.values]
        text = json.dumps([int(self.back), *plain], separators=(",", ":"), ensure_ascii=False)
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


@dataclass(frozen=True, slots=True)
class Slice:
    """The rows of one page in reading order, and the cursors of its neighbours."""

    rows: list[dict[str, Any]]
    previous: str = ""
    next: str = ""


class _RowCompared(Func):
    """`(a, b) < (x, y)`: one comparison of rows, which one index range answers."""

    output_field = BooleanField()

    def __init__(self, *expressions: Any, operator: str = "<") -> None:
        super().__init__(*expressions)
        self.operator = operator

    def as_sql(
        self,
        compiler: SQLCompiler,
        connection: BaseDatabaseWrapper,  # noqa: ARG002 - Django's signature
        *_given: Any,
        **_extra: Any,
    ) -> tuple[str, tuple[Any, ...]]:
        """Return the comparison of the first half of the expressions with the second."""
        sources = self.get_source_expressions()
        parts = [compiler.compile(source) for source in sources]
        half = len(parts) // 2
        left, right = ", ".join(sql for sql, _ in parts[:half]), ", ".join(sql for sql, _ in parts[half:])
        return f"({left}) {self.operator} ({right})", tuple(value for _, values in parts for value in values)


def _field(queryset: QuerySet[Any], name: str) -> "Field[Any, Any]":
    annotation = queryset.query.annotations.get(name)
    if annotation is not None:
        return annotation.output_field
    model: type[Model] = queryset.model
    *relations, last = name.split("__")
    for relation in relations:
        related = model._meta.get_field(relation).related_model  # noqa: SLF001 - Django documents _meta
        if not isinstance(related, type):
            raise FieldDoesNotExist(name)
        model = related
    field = model._meta.get_field(last)  # noqa: SLF001 - likewise
    if not isinstance(field, Field):
        raise FieldDoesNotExist(name)
    return field


def _value(field: "Field[Any, Any]", raw: object) -> object:
    value = field.to_python(raw)
    if value is None or (isinstance(value, int) and not -_BIGINT <= value < _BIGINT):
        raise ValueError(raw)
    if isinstance(value, str) and "\x00" in value:
        raise ValueError(raw)
    if isinstance(value, datetime) and value.tzinfo is None:
        raise ValueError(raw)
    return value


def decode(text: str, queryset: QuerySet[Any], order: Sequence[str]) -> Cursor | None:
    """Read a cursor; None when it is absent, damaged or of another order."""
    if not text:
        return None
    try:
        padded = text + "=" * (-len(text) % 4)
        back, *raw = json.loads(base64.urlsafe_b64decode(padded.encode("ascii")))
        fields = [_field(queryset, name.lstrip("-")) for name in order]
        values = tuple(_value(field, value) for field, value in zip(fields, raw, strict=True))
    except (ValueError, TypeError, binascii.Error, ValidationError, RecursionError):
        return None
    return Cursor(values, back=bool(back))


def _flipped(order: Iterable[str]) -> list[str]:
    return [name[1:] if name.startswith("-") else f"-{name}" for name in order]


def _after(queryset: QuerySet[Any], order: Sequence[str], values: Sequence[object]) -> Q | _RowCompared:
    """Return the condition for rows that come after the given one in this order."""
    names = [name.lstrip("-") for name in order]
    given = [
        Value(value, output_field=_typed(_field(queryset, name))) for name, value in zip(names, values, strict=True)
    ]
    falling = {name.startswith("-") for name in order}
    if len(falling) == 1:
        return _RowCompared(*(F(name) for name in names), *given, operator="<" if falling == {True} else ">")
    condition = Q()
    for at, name in enumerate(order):
        ties = Q(**dict(zip(names[:at], values[:at], strict=True)))
        beyond = Q(**{f"{names[at]}__{'lt' if name.startswith('-') else 'gt'}": values[at]})
        condition |= ties & beyond
    return condition


def _typed(field: "Field[Any, Any]") -> "Field[Any, Any]":
    # A relation or identity field as the type of a literal would drag its own lookups in; the plain number is enough.
    return IntegerField() if field.get_internal_type().endswith(("AutoField", "ForeignKey")) else field


def page(queryset: QuerySet[Any], order: Sequence[str], keys: Sequence[str], size: int, cursor: str = "") -> Slice:
    """Read one page of `size` rows as dicts with `keys` and the order's fields; one query."""
    start = decode(cursor, queryset, order)
    back = start is not None and start.back
    reading = _flipped(order) if back else list(order)
    rows = queryset.order_by(*reading)
    if start is not None:
        rows = rows.filter(_after(queryset, reading, start.values))
    names = [name.lstrip("-") for name in order]
    found = list(rows.values(*dict.fromkeys([*keys, *names]))[: size + 1])
    more, found = len(found) > size, found[:size]
    if back:
        found.reverse()
    if not found:
        # Everything on this side is gone or was never there: the way back is the first page.
        return Slice([])
    first, last = _cursor(found[0], names, back=True), _cursor(found[-1], names, back=False)
    has_previous = more if back else start is not None
    has_next = True if back else more
    return Slice(found, previous=first if has_previous else "", next=last if has_next else "")


def _cursor(row: Row, names: Sequence[str], *, back: bool) -> str:
    return Cursor(tuple(row[name] for name in names), back=back).encode()

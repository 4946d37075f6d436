"""
Rows without the ORM's query compiler, for the few statements that every order and every payout goes through.

A row is one value on the way: the server takes many times as long for a value of a statement as for one inside another.
`from_json` makes a model instance of what the database's `to_json` says of a row, `kept` one of its columns, `copied`
one of another, `new` one that is yet to be inserted. `insert` writes one of any table, as JSON; `insert_by` one of a
table that has a statement for it, which takes a `composite` in half the time. `insert_all` writes many and `update`
columns of many, in one statement each.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any, TypeVar

from django.contrib.postgres.fields import ArrayField
from django.core.serializers.json import DjangoJSONEncoder
from django.db import DEFAULT_DB_ALIAS, connection, models
from django.db.models.base import ModelState
from django.db.models.expressions import DatabaseDefault

from core.sql import array, first, quoted

M = TypeVar("M", bound=models.Model)
Read = Callable[[Any], Any]
Written = Callable[[Any], str]


def _table(model: type[models.Model]) -> Any:
    return model._meta  # noqa: SLF001 - public in all but name


def _day(value: date) -> str:
    return value.isoformat()


def _hex(value: bytes) -> str:
    return f"\\x{value.hex()}"


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("\\x"))


# How a value is read and written that JSON has no form for; all others are what they are. A moment is a date too.
_FORMS: "tuple[tuple[type[models.Field[Any, Any]], Read, Written], ...]" = (
    (models.DateTimeField, datetime.fromisoformat, _day),
    (models.DateField, date.fromisoformat, _day),
    (models.BinaryField, _bytes, _hex),
)
_AS_JSON = DjangoJSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class _Column:
    """A column: the attribute of the row, how its value is read from JSON and written as it, and if it holds JSON."""

    name: str
    attribute: str
    read: Read | None
    write: Written | None
    is_json: bool


@dataclass(frozen=True, slots=True)
class _Columns:
    """The columns of a table besides its key: which have a default, and which are written in a way of their own."""

    key: _Column
    others: list[_Column]
    defaulted: list[_Column]
    written: list[tuple[str, Written]]

    @property
    def all(self) -> list[_Column]:
        """Every column."""
        return [self.key, *self.others]


def _column(field: "models.Field[Any, Any]") -> _Column:
    read, write = next(((read, write) for kind, read, write in _FORMS if isinstance(field, kind)), (None, None))
    return _Column(str(field.column), field.attname, read, write, isinstance(field, models.JSONField))


@cache
def _columns(model: type[models.Model]) -> _Columns:
    table = _table(model)
    others = [field for field in table.concrete_fields if not field.primary_key]
    columns = {field.attname: _column(field) for field in others}
    return _Columns(
        key=_column(table.pk),
        others=list(columns.values()),
        defaulted=[columns[field.attname] for field in others if field.has_db_default()],
        written=[(column.name, column.write) for column in columns.values() if column.write],
    )


@cache
def _readers(model: type[models.Model]) -> tuple[list[tuple[str, str]], list[tuple[str, Read]]]:
    """Return the attributes of a row with their columns, and those that are read in a way of their own."""
    columns = _columns(model).all
    readers = [(column.attribute, column.read) for column in columns if column.read]
    return [(column.attribute, column.name) for column in columns], readers


def from_json(model: type[M], row: Mapping[str, Any]) -> M:
    """Return the instance for what `to_json` says of a row of the model's table."""
    attributes, readers = _readers(model)
    values = {attribute: row[column] for attribute, column in attributes}
    for attribute, read in readers:
        if values[attribute] is not None:
            values[attribute] = read(values[attribute])
    made = _instance(model, values)
    _is_kept(made)
    return made


def kept(model: type[M], values: Mapping[str, Any], **related: models.Model) -> M:
    """Return the instance for columns of a stored row, and for rows it refers to; others are read when asked for."""
    made = _instance(model, values)
    _is_kept(made)
    if related:
        made._state.fields_cache = related  # noqa: SLF001 - public in all but name
    return made


@cache
def _changeable(model: type[models.Model]) -> list[str]:
    """Return the attributes whose values can be changed in place."""
    kinds = (models.JSONField, ArrayField)
    return [field.attname for field in _table(model).concrete_fields if isinstance(field, kinds)]


def copied(row: M, **related: models.Model) -> M:
    """Return a row like a kept one, with copies of the rows it refers to, all to be changed as one likes."""
    held = {**vars(row)}
    read_with = {**held.pop("_state").fields_cache, **related}
    for attribute in _changeable(type(row)):
        value = held[attribute]
        # Most are empty, and an empty one is made ten times as fast as it is copied.
        held[attribute] = deepcopy(value) if value else type(value)()
    made = _instance(type(row), held)
    _is_kept(made)
    if read_with:
        made._state.fields_cache = {name: copied(other) for name, other in read_with.items()}  # noqa: SLF001 - likewise
    return made


def _instance(model: type[M], values: Mapping[str, Any]) -> M:
    # As unpickling does it: a model's `__init__` takes ten times as long to come to the same.
    made = model.__new__(model)
    made._state = ModelState()  # noqa: SLF001 - public in all but name
    vars(made).update(values)
    return made


@cache
def _defaults(model: type[models.Model]) -> tuple[dict[str, Any], list[tuple[str, Callable[[], Any]]]]:
    """Return the values of a new row, and for those that must not be shared what makes them."""
    fields = _table(model).concrete_fields
    made = [(field.attname, field.default) for field in fields if callable(field.default) and field.has_default()]
    return {field.attname: field.get_default() for field in fields}, made


def new(model: type[M], values: Mapping[str, Any], **related: models.Model | None) -> M:
    """Return a row that is yet to be inserted: these columns, rows it refers to, and the model's other defaults."""
    fixed, made = _defaults(model)
    values = {**values, **{f"{name}_id": other and other.pk for name, other in related.items()}}
    if not values.keys() <= fixed.keys():
        message = f"{model.__name__} has no {', '.join(values.keys() - fixed.keys())}"
        raise TypeError(message)
    own = {attribute: make() for attribute, make in made if attribute not in values}
    row = _instance(model, {**fixed, **own, **values})
    row._state.fields_cache = related  # noqa: SLF001 - public in all but name
    return row


def _is_kept(row: models.Model) -> None:
    state: Any = row._state  # noqa: SLF001 - public in all but name
    state.adding, state.db = False, DEFAULT_DB_ALIAS


@cache
def _inserting(model: type[models.Model], columns: tuple[str, ...], told: tuple[str, ...], conflict: str) -> str:
    table, values = _table(model).db_table, ", ".join(f"given.{column}" for column in columns)
    otherwise = f" on conflict ({conflict}) do nothing" if conflict else ""
    back = f" returning {', '.join(told)}" if told else ""
    given = f"json_populate_record(null::{table}, %s) given"
    return f"insert into {table} ({', '.join(columns)}) select {values} from {given}{otherwise}{back}"  # noqa: S608 - names of the model's own


def insert(row: models.Model, *, conflict: str = "") -> bool:
    """
    Insert a row that has no key yet; the database gives it its key and the columns with a default that were not set.

    `conflict` names the columns of a unique constraint: False then means that another row has their values, and the
    transaction goes on. Raises Django's database errors. No signals are sent.
    """
    columns, held = _columns(type(row)), vars(row)
    left = [column for column in columns.defaulted if isinstance(held[column.attribute], DatabaseDefault)]
    values = {column.name: held[column.attribute] for column in columns.others if column not in left}
    for name, write in columns.written:
        if values.get(name) is not None:
            values[name] = write(values[name])
    left.insert(0, columns.key)
    told = tuple(column.name for column in left)
    made = first([_inserting(type(row), tuple(values), told, conflict)], [_AS_JSON.encode(values)])
    if made is None:
        return False
    for column, value in zip(left, made, strict=True):
        setattr(row, column.attribute, json.loads(value) if column.is_json else value)
    _is_kept(row)
    return True


def insert_by(statement: str, row: models.Model, *beside: str) -> None:
    """
    Insert a row that has no key yet by a statement that takes all its other columns, as a `composite`.

    The statement answers the key, and is given what else it takes after the row. Raises Django's database errors. No
    signals are sent.
    """
    columns, held = _columns(type(row)), vars(row)
    values = {column.name: held[column.attribute] for column in columns.others}
    answer: Any = first([statement], [composite(type(row), values), *beside])
    setattr(row, columns.key.attribute, answer[0])
    _is_kept(row)


def composite(model: type[models.Model], values: Mapping[str, Any]) -> str:
    """
    Return columns of the model's table as the literal of a composite type that has them in this order.

    Columns of bytes are not for this.
    """
    written = _literals(model)
    return f"({','.join(['' if value is None else written[name](value) for name, value in values.items()])})"


# Most of what is kept as JSON is empty.
_EMPTY: Mapping[type, str] = {dict: "{}", list: "[]"}


def _json(value: Any) -> str:
    return (not value and _EMPTY.get(type(value))) or quoted(_AS_JSON.encode(value))


# How a value is written inside of a composite: numbers, truths, days and moments need no quotes.
_LITERALS: "tuple[tuple[type[models.Field[Any, Any]], Written], ...]" = (
    (models.IntegerField, str),
    (models.ForeignKey, str),
    (models.BooleanField, str),
    (models.DateField, _day),
    (models.JSONField, _json),
    (models.CharField, quoted),
    (models.TextField, quoted),
)


@cache
def _literals(model: type[models.Model]) -> dict[str, Written]:
    """Return for the columns of a table how they are written inside of a composite."""
    fields = _table(model).concrete_fields
    return {str(field.column): write for field in fields for kind, write in _LITERALS if isinstance(field, kind)}


@cache
def _types(model: type[models.Model]) -> dict[str, str]:
    return {field.attname: str(field.db_type(connection)) for field in _table(model).concrete_fields}


def _lists(model: type[models.Model], columns: Sequence[str]) -> str:
    types = _types(model)
    return f"unnest({', '.join(f'%s::{types[column]}[]' for column in columns)}) v({', '.join(columns)})"


@cache
def _inserting_all(model: type[models.Model], shared: tuple[str, ...], each: tuple[str, ...]) -> str:
    into = f"{_table(model).db_table} ({', '.join((*shared, *each))})"
    values = ", ".join((*["%s"] * len(shared), *(f"v.{column}" for column in each)))
    return f"insert into {into} select {values} from {_lists(model, each)}"  # noqa: S608 - names of the model's own


def insert_all(model: type[models.Model], shared: Mapping[str, Any], each: Mapping[str, Sequence[Any]]) -> None:
    """
    Insert a row for each place of the lists in `each`, which are of one length; `shared` columns are the same in all.

    Columns that are not named have the model's default, or the database's. Columns of bytes or JSON are not for this.
    Raises Django's database errors. No signals are sent.
    """
    fixed, _made = _defaults(model)
    left = {column.attribute for column in _columns(model).defaulted} | each.keys() | {_table(model).pk.attname}
    same = {attribute: value for attribute, value in fixed.items() if attribute not in left} | dict(shared)
    with connection.cursor() as cursor:
        statement = _inserting_all(model, tuple(same), tuple(each))
        cursor.execute(statement, [*same.values(), *map(array, each.values())])


@cache
def _updating(model: type[models.Model], shared: tuple[str, ...], each: tuple[str, ...]) -> str:
    key = _table(model).pk.attname
    changes = ", ".join((*(f"{column} = %s" for column in shared), *(f"{column} = v.{column}" for column in each)))
    given = _lists(model, (key, *each))
    return f"update {_table(model).db_table} t set {changes} from {given} where t.{key} = v.{key}"  # noqa: S608 - names of the model's own


def update(rows: Sequence[models.Model], columns: Sequence[str]) -> None:
    """
    Write these columns of rows back in one statement; takes a fiftieth of the time of the ORM's CASE for each value.

    A value that all rows have in a column is told once. Columns that hold bytes or JSON are not for this. Raises
    Django's database errors. No signals are sent.
    """
    if not rows:
        return
    shared: dict[str, Any] = {}
    each: dict[str, list[Any]] = {}
    for column in columns:
        values = [getattr(row, column) for row in rows]
        if values.count(values[0]) == len(values):
            shared[column] = values[0]
        else:
            each[column] = values
    with connection.cursor() as cursor:
        statement = _updating(type(rows[0]), tuple(shared), tuple(each))
        lists = [[row.pk for row in rows], *each.values()]
        cursor.execute(statement, [*shared.values(), *map(array, lists)])

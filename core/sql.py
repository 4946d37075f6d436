"""
SQL lives in `.sql` files: migrations in `<app>/migrations/sql/<name>.up.sql` and `.down.sql`, queries in `<app>/sql/`.

`run_sql` makes a migration operation of a pair of files; `load` reads a named query once; `call` calls a function,
`first` asks for one row and `look` does so when a request begins; `run` asks for nothing, and `later` need not be soon.
`array`, `words` and `numbers` write arrays, `quoted` a field of a composite.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, TypeAlias, cast

import psycopg2
from django.db import DEFAULT_DB_ALIAS, InterfaceError, OperationalError, connections, migrations

Parameters: TypeAlias = Sequence[Any] | Mapping[str, Any]
Row: TypeAlias = tuple[Any, ...]


def _folder(package: str) -> Path:
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        message = f"no package named {package}"
        raise LookupError(message)
    return Path(spec.origin).parent


def run_sql(app: str, name: str) -> migrations.RunSQL:
    """Return the operation that runs `<app>/migrations/sql/<name>.up.sql`, reversed by `.down.sql`."""
    folder = _folder(app) / "migrations" / "sql"
    up, down = folder / f"{name}.up.sql", folder / f"{name}.down.sql"
    # A list of one keeps Django from splitting the file at semicolons inside function bodies.
    return migrations.RunSQL([(up.read_text(), None)], [(down.read_text(), None)])


@cache
def load(app: str, name: str) -> str:
    """Return the text of `<app>/sql/<name>.sql`."""
    return (_folder(app) / "sql" / f"{name}.sql").read_text()


@cache
def _calling(function: str, arguments: int) -> str:
    return f"select {function}({', '.join(['%s'] * arguments)})"


def call(function: str, arguments: Sequence[Any]) -> Any:
    """Return what an SQL function answers, in one round trip; see `first`."""
    row = first([_calling(function, len(arguments))], arguments)
    return None if row is None else row[0]


def first(statements: Sequence[str], parameters: Parameters) -> Row | None:
    """
    Return the first row of the last of some statements, in one round trip on Django's connection, in its transaction.

    They select, insert, update or delete; each sees what others committed before it began. Parameters without names are
    those of all statements, one after the other. JSON comes as text. Raises Django's database errors.

    For what every recorded order goes through: a connection plans each statement once, so their texts must be few.
    Django's cursor takes as long for a statement as the driver does; it is used only where somebody watches queries.
    """
    return _asked(_ours(), statements, parameters, answers=True)


def run(statements: Sequence[str], parameters: Parameters) -> None:
    """Run statements that answer nothing, as `first` does."""
    _asked(_ours(), statements, parameters, answers=False)


def later(statement: str, parameters: Parameters) -> None:
    """
    Run a statement that answers nothing before anything else happens in this transaction, or with its COMMIT.

    What it raises is raised there: by the next statement, or at the end of the transaction. So it is for what nothing
    is refused by, or where whoever asks next knows what a refusal means. Outside of `transactions.whole` it runs now.
    """
    ours = _ours()
    if not ours.carries or _watched(ours):
        run([statement], parameters)
        return
    with _Driven(ours) as cursor:
        ours.wait(cursor.mogrify(_planned(ours, cursor, (statement,)), parameters))


def _ours() -> Any:
    return connections[DEFAULT_DB_ALIAS]


def _watched(ours: Any) -> bool:
    # Django also logs queries under DEBUG, which is never on here, and to ask for it takes longer than all of this.
    return ours.connection is None or ours.force_debug_cursor or bool(ours.execute_wrappers)


def _asked(ours: Any, statements: Sequence[str], parameters: Parameters, *, answers: bool) -> Row | None:
    # What Django's cursor does too: a connection kept from an earlier request may have been broken since.
    ours.close_if_health_check_failed()
    if _watched(ours):
        with ours.cursor() as cursor:
            cursor.execute("; ".join(statements), parameters)
            row: Row | None = cursor.fetchone() if answers else None
            return row
    with _Driven(ours) as cursor:
        # Written first: a value that cannot be sent must not take along what was due before it.
        asked = cursor.mogrify(_planned(ours, cursor, tuple(statements)), parameters)
        cursor.execute(b"; ".join([*ours.due(), asked]))
        return cursor.fetchone() if answers else None


class _Driven:
    """A cursor of the driver itself, in Django's transaction and with Django's errors."""

    def __init__(self, ours: Any) -> None:
        self._ours = ours

    def __enter__(self) -> Any:
        self._ours.validate_no_broken_transaction()
        self._cursor = self._ours.connection.cursor()
        return self._cursor

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._cursor.close()
        if isinstance(error, psycopg2.Error):
            # Entered on the way out only: it turns the driver's error into Django's, and notes a broken connection.
            self._ours.wrap_database_errors.__exit__(kind, error, trace)


def look(statement: str, parameters: Parameters) -> Row | None:
    """
    Return the first row of a statement that only reads, like `first`, as the first thing that a request asks.

    It stands for the check whether a kept connection still works: one that does not is opened again and asked again.
    """
    ours = _ours()
    if ours.connection is None or ours.in_atomic_block or ours.health_check_done:
        return _asked(ours, [statement], parameters, answers=True)
    ours.health_check_done = True
    try:
        return _asked(ours, [statement], parameters, answers=True)
    except (InterfaceError, OperationalError):
        if ours.is_usable():
            raise
        ours.close()
        return _asked(ours, [statement], parameters, answers=True)


# ---- arrays as literals, which the driver and the server handle several times faster than ARRAY[…]


_APART = '","'
_SPECIAL = re.compile(r'["\\]')


def array(values: Iterable[object]) -> str:
    """Return an array of values whose text PostgreSQL reads: texts, numbers, truths, days, moments and None."""
    given = list(values)
    # Where all are of one kind there is less to do for each.
    kinds = set(map(type, given))
    if kinds == {str}:
        return words(cast("list[str]", given))
    if kinds == {int}:
        return numbers(cast("list[int]", given))
    return f"{{{','.join(map(_element, given))}}}"


def words(values: Sequence[str]) -> str:
    """Return an array of texts, of which hardly any needs more than quotes."""
    if not values or _SPECIAL.search("".join(values)):
        return f"{{{','.join(map(_element, values))}}}"
    return f'{{"{_APART.join(values)}"}}'


def numbers(values: Iterable[int]) -> str:
    """Return an array of whole numbers."""
    return f"{{{','.join(map(str, values))}}}"


def quoted(text: str) -> str:
    """Return a text as a field of a composite value."""
    return '"' + text.replace("\\", "\\\\").replace('"', '""') + '"'


def _element(value: object) -> str:
    if value is None:
        return "NULL"
    return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'


# ---- statements that a connection plans once


class _Plan(NamedTuple):
    """A statement under the name that every connection knows it by: what makes it known, and what runs it."""

    name: str
    prepare: str
    execute: str


_HOLDER = re.compile(r"%(?:\((\w+)\)s|s|%)")


@cache
def _plan(statement: str) -> _Plan:
    # Named by what it says: threads that meet here for the first time come to the same.
    name, given = f"planned_{sha256(statement.encode()).hexdigest()[:32]}", list[str]()

    def number(holder: "re.Match[str]") -> str:
        if holder[0] == "%%":
            return "%"
        if holder[1] is None or holder[0] not in given:
            given.append(holder[0])
        return f"${len(given) if holder[1] is None else given.index(holder[0]) + 1}"

    prepare = f"prepare {name} as {_HOLDER.sub(number, statement)}"
    return _Plan(name, prepare, f"execute {name}({', '.join(given)})" if given else f"execute {name}")


@cache
def _running(statements: tuple[str, ...]) -> str:
    return "; ".join(_plan(statement).execute for statement in statements)


def _planned(ours: Any, cursor: Any, statements: tuple[str, ...]) -> str:
    """Return what runs the statements on a connection, once it knows them."""
    for statement in statements:
        plan = _plan(statement)
        if plan.name not in ours.planned:
            cursor.execute(plan.prepare)
            ours.planned.add(plan.name)
    return _running(statements)

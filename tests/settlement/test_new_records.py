"""Promise: a new record is written column by column as it is told, and what carries it fits its table."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from django.db import connection, models, transaction

from access import audit
from access.models import AuditEvent
from config import roles
from core import actor
from core.rows import insert_by, new
from settlement.models import SettlementRecord
from settlement.operations._record import _ADD
from tests import build

# A type that carries rows of a table, and the columns that the database gives.
CARRIERS: list[tuple[str, type[models.Model], set[str]]] = [
    ("access_new_event", AuditEvent, {"id", "at", "transaction"}),
    ("settlement_new_record", SettlementRecord, {"id"}),
]
COLUMNS = """
    select attname, format_type(atttypid, atttypmod) from pg_attribute
    where attrelid = %s::regclass and attnum > 0 and not attisdropped order by attnum
"""


def columns(of: str) -> dict[str, str]:
    with connection.cursor() as cursor:
        cursor.execute(COLUMNS, [of])
        return dict(cursor.fetchall())


def fields(model: type[models.Model]) -> list[Any]:
    return list(model._meta.concrete_fields)  # noqa: SLF001 - public in all but name


@pytest.mark.django_db
@pytest.mark.parametrize(("carrier", "model", "given"), CARRIERS)
def test_what_carries_a_row_has_the_columns_of_its_table(
    carrier: str, model: type[models.Model], given: set[str]
) -> None:
    table = columns(str(model._meta.db_table))  # noqa: SLF001 - public in all but name
    wanted = [(field.column, table[field.column]) for field in fields(model) if field.column not in given]
    assert list(columns(carrier).items()) == wanted, (
        f"{carrier} does not fit its table: a migration that changes the table makes a new type and what takes it"
    )


def values(*, truth: bool) -> Iterator[tuple[str, Any]]:
    """Return for each column of a record a value that no other column has; all truths are the same."""
    numbers = count(1)
    for field in fields(SettlementRecord):
        n = next(numbers)
        kinds: dict[type[Any], Any] = {
            models.DateTimeField: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=n),
            models.DateField: date(2026, 1, 1) + timedelta(days=n),
            models.BooleanField: truth,
            models.JSONField: {"n": n, "a, \"b\" (c) \\ '한글'": [None]},
            models.CharField: f"t{n}",
            models.TextField: f"a, \"b\" (c) \\ '한글' {n}",
            models.IntegerField: n,
            models.ForeignKey: n,
        }
        if not field.primary_key:
            yield field.attname, next(value for kind, value in kinds.items() if isinstance(field, kind))


@pytest.mark.parametrize("truth", [True, False])
def test_each_column_of_a_record_and_its_event_is_written_where_it_belongs(committed_db: str, *, truth: bool) -> None:  # noqa: ARG001 - the owner's own connection
    scope = build.merchant()
    told = dict(values(truth=truth))
    record = new(SettlementRecord, told)
    event = audit.event(
        scope=scope,
        by=actor.Actor(actor.ActorKind.API, "api", 71, 72, "request", "address"),
        action="a.b",
        kind="kind",
        object_id="object",
        before={"was": 1},
        after={"is": 2},
        reason="reason",
    )
    with roles.as_owner(), transaction.atomic():
        # Its laws are not what this is about; they are broken one by one in `test_laws_of_rows`.
        with connection.cursor() as cursor:
            cursor.execute("alter table settlement_settlementrecord disable trigger user")
        insert_by(_ADD, record, event)
        assert SettlementRecord.objects.filter(pk=record.pk).values(*told).get() == told
        kept = AuditEvent.objects.get(action="a.b")
        transaction.set_rollback(True)
    assert (kept.merchant_id, kept.is_test) == (scope.merchant_id, scope.is_test)
    assert (kept.actor_kind, kept.actor_name, kept.user_id, kept.secret_id) == ("api", "api", 71, 72)
    assert (kept.object_kind, kept.object_id, kept.before, kept.after) == ("kind", "object", {"was": 1}, {"is": 2})
    assert (kept.reason, kept.request_id, kept.address) == ("reason", "request", "address")
    assert kept.transaction > 0

"""Promise: a row read or written without the ORM is the row that the ORM reads and writes."""

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.db import IntegrityError, connection, models, transaction
from django.forms.models import model_to_dict
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from access.models import ApiSecret, AuditEvent, IdempotencyKey
from core.rows import composite, from_json, insert, insert_all, kept, new, update
from settlement.models import Calculator, Contract, ContractVersion, Partner, RecordState, Setting, SettlementRecord
from tests.access.build import firm
from tests.build import contract, merchant, order, partner

pytestmark = pytest.mark.django_db


def table_of(row: models.Model) -> Any:
    return type(row)._meta  # noqa: SLF001 - public in all but name


def as_said(row: models.Model) -> Any:
    table = table_of(row).db_table
    with connection.cursor() as cursor:
        cursor.execute(f"select to_json(row)::text from {table} row where id = %s", [row.pk])  # noqa: S608 - a name of ours
        return json.loads(cursor.fetchone()[0])


def columns(row: models.Model) -> dict[str, Any]:
    found = {field.attname: getattr(row, field.attname) for field in table_of(row).concrete_fields}
    return {name: bytes(value) if isinstance(value, memoryview) else value for name, value in found.items()}


def test_reading_gives_what_the_orm_reads() -> None:
    scope = merchant()
    contract(scope)
    partner(scope)
    order(scope, 11_000)
    for model in (Partner, Contract, ContractVersion, Setting, SettlementRecord):
        kept: Any = model.objects.latest("pk")
        made = from_json(model, as_said(kept))
        assert columns(made) == columns(kept)
        assert made == kept


def test_writing_gives_key_and_defaults_back() -> None:
    event = AuditEvent(
        is_test=False, actor_kind="user", actor_name="est", action="a.b", object_kind="thing", after={"when": None}
    )
    assert insert(event)
    kept = AuditEvent.objects.get(pk=event.pk)
    assert columns(kept) == columns(event)
    assert model_to_dict(kept)["after"] == {"when": None}
    assert kept.before is None


def test_a_moment_inside_json_is_written_by_the_encoder_of_its_column() -> None:
    event = AuditEvent(is_test=False, actor_kind="user", actor_name="est", action="a.b", object_kind="thing")
    event.after = {"at": datetime(2026, 11, 21, 3, tzinfo=UTC)}
    assert insert(event)
    assert AuditEvent.objects.get(pk=event.pk).after == {"at": "2026-11-21T03:00:00Z"}


TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=60)


@given(
    name=TEXT,
    told=st.dictionaries(TEXT, st.none() | st.booleans() | st.integers() | TEXT, max_size=3),
    user_id=st.none() | st.integers(-(2**63), 2**63 - 1),
)
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_written_comes_back_to_the_letter(name: str, told: dict[str, Any], user_id: int | None) -> None:
    event = AuditEvent(
        is_test=False, actor_kind="user", actor_name=name, action="a.b", object_kind="x", user_id=user_id
    )
    event.before, event.after = None, told
    assert insert(event)
    kept = AuditEvent.objects.get(pk=event.pk)
    assert (kept.actor_name, kept.user_id, kept.before, kept.after) == (name, user_id, None, told)


@pytest.mark.parametrize("body", [b"", b"\0\xff\\x41", "\\x41 '한글' \U0001f375".encode()])
def test_bytes_and_moments_come_back_exactly(body: bytes) -> None:
    at = datetime(2026, 11, 21, 3, 4, 5, 678901, tzinfo=UTC)
    key = IdempotencyKey(**merchant().filters(), key="k" * 16, fingerprint=body, status=200, body=body, content_type="")
    key.created_at = at
    assert insert(key)
    kept = IdempotencyKey.objects.get()
    assert (bytes(kept.fingerprint), bytes(kept.body), kept.created_at) == (body, body, at)


def test_a_default_that_is_json_comes_back_as_json() -> None:
    scope = merchant()
    calculator = Calculator(
        **scope.filters(), number=1, applied_at=datetime(2026, 1, 1, tzinfo=UTC), replaced={"VAT": "1 + 1"}
    )
    assert insert(calculator)
    assert columns(Calculator.objects.get()) == columns(calculator)


def test_a_conflict_is_an_answer_only_where_it_was_named() -> None:
    scope = merchant()
    told: dict[str, Any] = {"key": "k" * 16, "fingerprint": b"\0\1", "status": 200, "body": b"{}", "content_type": "x"}
    assert insert(IdempotencyKey(**scope.filters(), **told))
    assert bytes(IdempotencyKey.objects.get().fingerprint) == b"\0\1"
    assert not insert(IdempotencyKey(**scope.filters(), **told), conflict="merchant_id, is_test, key")
    with pytest.raises(IntegrityError), transaction.atomic():
        insert(IdempotencyKey(**scope.filters(), **told))
    assert IdempotencyKey.objects.count() == 1


def test_a_secret_is_read_with_its_words_and_bytes() -> None:
    moon = firm()
    kept, _text = moon.secret(moon.person("sun"))
    made = from_json(ApiSecret, as_said(kept))
    assert columns(made) == columns(ApiSecret.objects.get())


def test_a_new_row_has_the_defaults_of_its_model() -> None:
    scope = merchant()
    told = {**scope.filters(), "number": 1, "applied_at": datetime(2026, 1, 1, tzinfo=UTC)}
    made, usual = new(Calculator, told), Calculator(**told | {"number": 2})
    assert insert(made)
    usual.save()
    unlike = {"id", "created_at", "number"}
    assert {name: value for name, value in columns(made).items() if name not in unlike} == {
        name: value for name, value in columns(usual).items() if name not in unlike
    }
    assert new(Calculator, told).own is not new(Calculator, told).own
    with pytest.raises(TypeError, match="no_such_column"):
        new(Calculator, {"no_such_column": 1})


def as_composite(model: type[models.Model], **values: Any) -> list[Any]:
    """Return the values that the database reads in a composite of these columns."""
    types = {field.attname: field.db_type(connection) for field in model._meta.concrete_fields}  # noqa: SLF001 - public in all but name
    with connection.cursor() as cursor:
        cursor.execute("drop table if exists told")
        cursor.execute(f"create temp table told ({', '.join(f'{name} {types[name]}' for name in values)})")
        cursor.execute("select (%s::told).*", [composite(model, values)])
        return list(cursor.fetchone())


@given(
    name=TEXT,
    told=st.none() | st.dictionaries(TEXT, st.none() | st.booleans() | st.integers() | TEXT, max_size=3),
    user_id=st.none() | st.integers(-(2**63), 2**63 - 1),
    is_test=st.booleans(),
    at=st.none() | st.datetimes(min_value=datetime(1, 1, 3), timezones=st.just(UTC)),  # noqa: DTZ001 - hypothesis wants it so
)
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_a_composite_holds_is_read_to_the_letter(
    name: str, told: dict[str, Any] | None, user_id: int | None, at: datetime | None, *, is_test: bool
) -> None:
    values = {"actor_name": name, "after": told, "user_id": user_id, "reason": name, "is_test": is_test, "at": at}
    found = as_composite(AuditEvent, **values)
    found[1] = None if found[1] is None else json.loads(found[1])
    assert found == list(values.values())


def test_a_composite_tells_days_choices_and_what_is_empty() -> None:
    values = {"start_date": date(2026, 1, 2), "state": RecordState.SETTLED, "memo": "", "lines": [], "parameters": {}}
    assert as_composite(SettlementRecord, **values) == [date(2026, 1, 2), "SETTLED", "", "[]", "{}"]
    values = {"memo": None, "lines": [0], "user_defined_properties": None, "paid_as_is": False}
    assert as_composite(SettlementRecord, **values) == [None, "[0]", None, False]


# What an array literal could be misread at.
ODD = ['a "b"', "c\\d", "{e,f}", "", "NULL", "한글, 'g'"]


def test_many_rows_get_what_each_says_what_all_share_and_the_defaults() -> None:
    told: dict[str, Any] = {"is_test": False, "actor_kind": "user", "action": "a.b", "object_kind": "thing"}
    insert_all(AuditEvent, told, {"actor_name": ODD, "merchant_id": [1, None, 3, 4, 5, 6]})
    rows = list(AuditEvent.objects.order_by("pk"))
    assert [row.actor_name for row in rows] == ODD
    assert [row.merchant_id for row in rows] == [1, None, 3, 4, 5, 6]
    assert {(row.action, row.reason, row.is_test) for row in rows} == {("a.b", "", False)}
    assert all(row.at for row in rows)


def test_what_rows_share_is_told_once_and_what_each_has_for_each() -> None:
    scope = merchant()
    rows = [partner(scope, public_id=f"p{place}") for place in range(len(ODD))]
    for row, name in zip(rows, ODD, strict=True):
        row.name, row.memo = name, "the same"
    with CaptureQueriesContext(connection) as asked:
        update(rows, ["name", "memo"])
    assert len(asked) == 1
    assert asked[0]["sql"].count("the same") == 1
    found = Partner.objects.order_by("pk").values_list("name", "memo")
    assert list(found) == [(name, "the same") for name in ODD]


def test_one_row_is_written_too() -> None:
    row = partner(merchant())
    row.name = ODD[0]
    update([row], ["name"])
    assert Partner.objects.get().name == ODD[0]


def test_a_kept_row_knows_its_columns_and_rows_and_reads_the_others() -> None:
    scope = merchant()
    contract(scope)
    stored = ContractVersion.objects.select_related("contract").get()
    made = kept(ContractVersion, {"id": stored.pk}, contract=stored.contract)
    with CaptureQueriesContext(connection) as asked:
        assert made.contract is stored.contract
    assert len(asked) == 0
    assert columns(made) == columns(stored)
    assert made == stored

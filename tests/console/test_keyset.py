"""Protects paging by key: every row exactly once, forwards and back, also where many rows share a date."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.http import QueryDict

from console import keyset
from core.models import Job
from core.scope import Scope
from tests.console import build

SCOPE = Scope(9)
ORDERS = [
    ("-created_at", "-id"),
    ("created_at", "id"),
    ("kind", "-id"),
    ("-cancel_requested", "kind", "id"),
    ("-id",),
    ("state", "public_id"),
]


def walk(order: tuple[str, ...], size: int, *, keys: tuple[str, ...] = ("total",)) -> tuple[list[int], list[list[int]]]:
    """Return the rows of all pages going forward, and the pages seen on the way back."""
    rows = Job.objects.within(SCOPE)
    forward, cursor, last = [], "", keyset.Slice([])
    while True:
        last = keyset.page(rows, order, keys, size, cursor)
        forward += [row["total"] for row in last.rows]
        if not last.next:
            break
        cursor = last.next
    back = [[row["total"] for row in last.rows]]
    while last.previous:
        last = keyset.page(rows, order, keys, size, last.previous)
        back.append([row["total"] for row in last.rows])
    return forward, back


@pytest.mark.django_db
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("size", [1, 7, 20, 200])
def test_every_row_comes_once_in_order_both_ways(order: tuple[str, ...], size: int) -> None:
    build.jobs(SCOPE, 61)
    everything = list(Job.objects.within(SCOPE).order_by(*order).values_list("total", flat=True))

    forward, back = walk(order, size)

    assert forward == everything
    assert [total for page in reversed(back) for total in page] == everything


@pytest.mark.django_db
def test_ends_have_no_further_cursor() -> None:
    build.jobs(SCOPE, 5)
    rows = Job.objects.within(SCOPE)
    only = keyset.page(rows, ("-id",), ("total",), 5)
    assert (only.previous, only.next) == ("", "")
    first = keyset.page(rows, ("-id",), ("total",), 4)
    second = keyset.page(rows, ("-id",), ("total",), 4, first.next)
    assert first.next
    assert not first.previous
    assert second.previous
    assert not second.next


@pytest.mark.django_db
def test_rows_that_arrive_meanwhile_shift_nothing() -> None:
    build.jobs(SCOPE, 10)
    rows = Job.objects.within(SCOPE)
    first = keyset.page(rows, ("-created_at", "-id"), ("total",), 4)
    build.jobs(SCOPE, 1, created_at=datetime(2027, 1, 1, tzinfo=UTC), total=999, public_id="job-late")

    second = keyset.page(rows, ("-created_at", "-id"), ("total",), 4, first.next)

    assert [row["total"] for row in [*first.rows, *second.rows]] == [9, 8, 7, 6, 5, 4, 3, 2]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "text",
    [
        "x",
        "é",
        "////",
        keyset.Cursor((1, 2, 3)).encode(),
        keyset.Cursor(("nope", 1)).encode(),
        keyset.Cursor((datetime(2026, 1, 1, tzinfo=UTC), 2**70)).encode(),
        keyset.Cursor((None, None)).encode(),
        keyset.Cursor(("2026-01-01T00:00:00", 1)).encode(),
        keyset.Cursor(("a\x00b", 1)).encode(),
        "W1tbW1tbW1tb" * 200,
    ],
)
def test_a_damaged_cursor_is_the_first_page(text: str) -> None:
    build.jobs(SCOPE, 3)
    part = keyset.page(Job.objects.within(SCOPE), ("-created_at", "-id"), ("total",), 2, text)
    assert [row["total"] for row in part.rows] == [2, 1]


@pytest.mark.django_db
def test_one_direction_is_one_row_comparison() -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    build.jobs(SCOPE, 5)
    rows: Any = Job.objects.within(SCOPE)
    first = keyset.page(rows, ("-created_at", "-id"), ("total",), 2)
    with CaptureQueriesContext(connection) as queries:
        keyset.page(rows, ("-created_at", "-id"), ("total",), 2, first.next)
    assert len(queries) == 1
    assert '("core_job"."created_at", "core_job"."id") < (' in queries[0]["sql"]
    assert "OFFSET" not in queries[0]["sql"]


def test_order_of_the_url_is_kept_to_sortable_columns() -> None:
    ordered = build.MoneyList.ordered
    assert ordered(QueryDict("sort=-total")).fields == ("-total", "-id")
    assert ordered(QueryDict("sort=total")).fields == ("total", "id")
    assert ordered(QueryDict("sort=note")).fields == ("-created_at", "-id")
    assert ordered(QueryDict("sort=password")).fields == ("-created_at", "-id")

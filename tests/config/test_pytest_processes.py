"""Tests that commit get a database of their own, and the real processes work on that one."""

import json
import urllib.request

import pytest
from django.db import connection

from config.pytest_processes import RunningProcess


def _count() -> int:
    with connection.cursor() as cursor:
        cursor.execute("select count(*) from django_session")
        (count,) = cursor.fetchone()
        return int(count)


@pytest.mark.parametrize("_round", [1, 2])
def test_what_is_committed_is_gone_in_the_next_test(committed_db: str, _round: int) -> None:
    assert _count() == 0
    with connection.cursor() as cursor:
        cursor.execute("insert into django_session values ('a', 'b', now())")
    connection.close()
    assert _count() == 1
    assert connection.settings_dict["NAME"] == committed_db


@pytest.mark.django_db
def test_and_in_ordinary_tests() -> None:
    assert _count() == 0


def test_site(live_site: RunningProcess) -> None:
    with urllib.request.urlopen(f"{live_site.url}/health/ready") as answer:
        assert json.load(answer)["status"] == "ok"


def test_worker(worker: RunningProcess) -> None:
    assert worker.process.poll() is None

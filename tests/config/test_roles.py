"""Product code runs as a role that can use the tables and change none of them."""

import psycopg2.errors
import pytest
from django.db import ProgrammingError, connection


@pytest.mark.django_db
def test_the_application_is_not_the_owner() -> None:
    with connection.cursor() as cursor:
        cursor.execute("select current_user, (select tableowner from pg_tables where tablename = 'django_migrations')")
        assert cursor.fetchone() == ("jeongsan_app", "jeongsan_owner")


@pytest.mark.django_db
def test_the_application_makes_no_tables() -> None:
    with connection.cursor() as cursor, pytest.raises(ProgrammingError) as caught:
        cursor.execute("create table mine (id int)")
    assert isinstance(caught.value.__cause__, psycopg2.errors.InsufficientPrivilege)

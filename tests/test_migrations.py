"""The tables that the migrations make are the tables that the models describe."""

from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection


@pytest.mark.django_db
def test_no_change_of_a_model_lacks_its_migration() -> None:
    said = StringIO()
    try:
        call_command("makemigrations", check=True, dry_run=True, stdout=said, verbosity=3)
    except SystemExit:
        pytest.fail(said.getvalue())


# An index whose columns another one begins with: every row pays for both, no query needs both.
COVERED = """
    select one.indexrelid::regclass::text, other.indexrelid::regclass::text
    from pg_index one join pg_index other on other.indrelid = one.indrelid and other.indnkeyatts > one.indnkeyatts
        and (other.indkey::int2[])[0:one.indnkeyatts - 1] = (one.indkey::int2[])[0:one.indnkeyatts - 1]
    where not one.indisunique and one.indpred is null and other.indpred is null and one.indexprs is null
        and other.indexprs is null and one.indrelid::regclass::text !~ '^(pg_|auth_|django_)'"""


@pytest.mark.django_db
def test_no_index_is_the_beginning_of_another() -> None:
    with connection.cursor() as cursor:
        cursor.execute(COVERED)
        assert cursor.fetchall() == []
        cursor.execute("create temp table tried (a int, b int) on commit drop")
        cursor.execute("create index wider on tried (a, b); create index superfluous on tried (a)")
        cursor.execute(COVERED)
        assert cursor.fetchall() == [("superfluous", "wider")]

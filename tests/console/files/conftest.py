"""A plain connection to the tests' PostgreSQL: nothing here needs a table of the product."""

import os
from collections.abc import Iterator

import psycopg2
import pytest


@pytest.fixture
def cursor() -> Iterator["psycopg2.extensions.cursor"]:
    connection = psycopg2.connect(os.environ["DATABASE_URL"])
    try:
        yield connection.cursor()
    finally:
        connection.close()

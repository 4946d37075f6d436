"""
How many queries a page makes, written down.

`recorded("settlement:records")` compares with `query_counts.json`; a change shows up in the diff of that file. Running
the tests with RECORD_QUERY_COUNTS=1 writes it.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import connection
from django.test.utils import CaptureQueriesContext

_FILE = Path(__file__).with_name("query_counts.json")


@contextmanager
def recorded(name: str) -> Iterator[None]:
    """Fail unless the block makes exactly as many queries as are on record under this name."""
    with CaptureQueriesContext(
        connection,
    ) as queries:
        yield
    known: dict[str, int] = json.loads(_FILE.read_text()) if _FILE.exists() else {}
    count = len(queries)
    if os.environ.get("RECORD_QUERY_COUNTS") == "1":
        _FILE.write_text(json.dumps({**known, name: count}, indent=2, sort_keys=True, ensure_ascii=False) + "\n")
        return
    made = "\n".join(query["sql"][:200] for query in queries)
    assert known.get(name) == count, f"{name}: {count} queries, {known.get(name)} on record\n{made}"

"""Promise: a change that makes large exports slow is noticed in every run, long before the benchmark is."""

import os
from pathlib import Path

from benchmarks.common import Candidate, run
from benchmarks.x1_xlsx_export import COLUMNS, GOAL_RIVAL, QUERY, RECORDS

ROWS = 20_000
SLACK = 1.5  # of a small size, where starting costs more of the time than in the benchmark


def test_exporting_beats_the_rival_by_far(tmp_path: Path) -> None:
    query = QUERY.format(source=f"({RECORDS.format(rows=ROWS)}) as records", rows=ROWS)

    def samples(function: str, times: int) -> list[float]:
        arguments = {"dsn": os.environ["DATABASE_URL"], "query": query, "columns": COLUMNS}
        candidate = Candidate(
            function, f"benchmarks.x1_xlsx_export:{function}", arguments | {"path": str(tmp_path / function)}
        )
        found = [run(candidate) for _time in range(times)]
        assert {sample.answer["rows"] for sample in found} == {ROWS}
        return [sample.seconds for sample in found]

    product, rival = samples("by_product", 3), samples("by_openpyxl", 1)

    assert min(rival) / min(product) >= GOAL_RIVAL / SLACK

"""Protects that a filter means the same everywhere: what the URL says, in SQL, equals a plain Python model of it."""

from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from django.http import QueryDict
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from console import periods
from console.filters import MAX_WORDS, split_words
from core.clock import SEOUL
from core.models import Job, JobState
from core.scope import Scope
from tests.console import build
from tests.console.build import MoneyList

TODAY = date(2026, 11, 3)


def bind(query: str) -> Any:
    return MoneyList.bind(QueryDict(query), TODAY.isoformat())


def found(scope: Scope, query: str) -> set[int]:
    return set(bind(query).apply(MoneyList().queryset(scope)).values_list("total", flat=True))


def expected(jobs: list[Job], chosen: dict[str, Any]) -> set[int]:
    """The model: every condition as plain Python over the rows."""
    kept = jobs
    if chosen["states"]:
        kept = [job for job in kept if job.state in chosen["states"]]
    if chosen["stopping"]:
        kept = [job for job in kept if job.cancel_requested is (chosen["stopping"] == "yes")]
    if chosen["kind"]:
        kept = [job for job in kept if job.kind == chosen["kind"]]
    if chosen["words"]:
        kept = [job for job in kept if any(w.lower() in (job.note + "\n" + job.kind).lower() for w in chosen["words"])]
    first, last = periods.resolve(chosen["period"], "", "", TODAY)
    seoul = [(job, job.created_at.astimezone(SEOUL).date()) for job in kept]
    return {job.total for job, day in seoul if (first is None or day >= first) and (last is None or day <= last)}


CHOSEN = st.fixed_dictionaries(
    {
        "states": st.sets(st.sampled_from([state.value for state in JobState])),
        "stopping": st.sampled_from(["", "yes", "no"]),
        "kind": st.sampled_from(["", "kind.1", "kind.9"]),
        "words": st.lists(st.sampled_from(["메모 1", "KIND.2", "=1", "%", "_", "없음"]), max_size=3),
        "period": st.sampled_from([key for key, _ in periods.PRESETS if key != periods.CUSTOM]),
    }
)


class TestAgainstPlainPython(TestCase):
    scope: Scope
    jobs: list[Job]

    @classmethod
    def setUpTestData(cls) -> None:
        cls.scope = Scope(77)
        cls.jobs = build.jobs(cls.scope, 120)

    @settings(max_examples=120, deadline=None)
    @given(CHOSEN)
    def test_every_combination_keeps_the_same_rows(self, chosen: dict[str, Any]) -> None:
        query = QueryDict(mutable=True)
        query.setlist("state", sorted(chosen["states"]))
        query.update({"stopping": chosen["stopping"], "kind": chosen["kind"], "date_period": chosen["period"]})
        query.update({"kw": "note", "q": "\n".join(chosen["words"])})

        filters = bind(query.urlencode())

        assert filters.valid
        assert found(self.scope, query.urlencode()) == expected(self.jobs, chosen)
        # The URL that the page writes says the same as the one it was given.
        assert found(self.scope, filters.query()) == expected(self.jobs, chosen)
        assert bind(filters.query()).query() == filters.query()


@pytest.mark.django_db
class TestDates:
    def test_days_are_seoul_days_with_both_ends(self) -> None:
        scope = Scope(5)
        midnight = datetime.combine(date(2026, 11, 2), time.min, tzinfo=SEOUL)
        moments = [midnight - timedelta(microseconds=1), midnight, midnight + timedelta(days=1, microseconds=-1)]
        for number, moment in enumerate([*moments, midnight + timedelta(days=1)]):
            build.jobs(scope, 1, created_at=moment, total=number, public_id=f"job-{number}")

        assert found(scope, "date_from=2026-11-02&date_to=2026-11-02") == {1, 2}
        assert found(scope, "date_from=2026-11-02") == {1, 2, 3}
        assert found(scope, "date_to=2026-11-01") == {0}


@pytest.mark.django_db
class TestWhatIsNotUnderstood:
    @pytest.mark.parametrize(
        ("query", "label"),
        [
            ("state=NOPE", "상태"),
            ("date_from=어제", "기간"),
            ("date_from=2026-11-02&date_to=2026-11-01", "기간"),
            ("date_period=fortnight", "기간"),
            ("date=nope&date_period=today", "기간"),
            ("stopping=perhaps", "중지"),
            ("kw=nope&q=x", "검색어"),
            ("q=a%00b", "검색어"),
            ("q=" + "x" * 500, "검색어"),
            ("kind=a%00b", "종류"),
        ],
    )
    def test_is_named_and_lets_nothing_through(self, query: str, label: str) -> None:
        build.jobs(Scope(5), 3)
        filters = bind(query)

        assert [str(name) for name, _ in filters.errors] == [label]
        assert found(Scope(5), query) == set()

    def test_too_many_words_are_refused(self) -> None:
        assert bind("q=" + "%0A".join(str(n) for n in range(MAX_WORDS))).valid
        assert not bind("q=" + "%0A".join(str(n) for n in range(MAX_WORDS + 1))).valid


class TestWords:
    def test_come_one_a_line_or_cell_each_once(self) -> None:
        assert split_words(" a \r\nb\tc\n\n a\n") == ["a", "b", "c"]


class TestChips:
    def test_drop_one_condition_and_keep_the_others(self) -> None:
        filters = bind("state=FAILED&stopping=yes&date_period=today")
        chips = {str(chip.label): query for chip, query in filters.chips}

        assert set(chips) == {"등록일", "상태", "중지"}
        assert chips["상태"] == "date_period=today&stopping=yes"

    def test_dropping_a_default_period_means_all_time(self) -> None:
        from console.filters import DateFilter, DateKind, FilterSet

        dates = FilterSet((DateFilter((DateKind("d", "정산일", "created_at"),), default=periods.MONTH),))
        bound = dates.bind(QueryDict(""), TODAY)
        ((_chip, query),) = bound.chips

        assert bound.query() == "date_period=month"
        assert bound.without_all == query
        assert not dates.bind(QueryDict(query), TODAY).active

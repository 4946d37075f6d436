"""Protects bulk actions: nothing is done to rows that were not shown, counted and summed in the confirmation."""

import re
from typing import Any

from django.contrib import messages

from access.roles import Permission, Role
from console import selection
from console.lists import ListPage
from core.models import Job, JobState
from core.scope import Scope
from tests.access import build as people
from tests.console import build
from tests.console.conftest import House

STOP = "/lists/jobs/actions/stop/"


def hidden(response: Any) -> dict[str, Any]:
    """Return the hidden inputs of a confirmation, as the browser would send them."""
    found: dict[str, Any] = {}
    for name, value in re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', response.content.decode()):
        if name in {"filters", "day", "ids", "all", "seal"}:
            found.setdefault(name, []).append(value.replace("&amp;", "&"))
    return found


def queued(house: House, count: int) -> list[Job]:
    return build.jobs(house.scope, count, state=JobState.QUEUED, created_by_id=house.operator.pk, kind="console.total")


def open_count(scope: Scope) -> int:
    return Job.objects.within(scope).filter(state=JobState.QUEUED).count()


class TestConfirmation:
    def test_repeats_the_count_and_does_nothing_yet(self, house: House) -> None:
        rows = queued(house, 5)
        asked = house.browser.post(STOP, {"ids": [rows[0].public_id, rows[1].public_id], "filters": ""})
        assert re.search(r"<b>2</b>\s*건", asked.content.decode())
        assert open_count(house.scope) == 5

    def test_then_acts_on_exactly_those(self, house: House) -> None:
        rows = queued(house, 5)
        asked = house.browser.post(STOP, {"ids": [rows[0].public_id, rows[1].public_id], "filters": ""})
        house.browser.post(STOP, hidden(asked))
        assert set(Job.objects.filter(state=JobState.QUEUED)) == set(rows[2:])

    def test_everything_means_the_whole_filter_and_not_the_page(self, house: House) -> None:
        queued(house, 230)
        kept = build.jobs(house.scope, 3)
        asked = house.browser.post(STOP, {"all": "1", "filters": "state=QUEUED"})
        assert "230" in asked.content.decode()
        house.browser.post(STOP, hidden(asked))
        assert open_count(house.scope) == 0
        assert {job.state for job in Job.objects.filter(pk__in=[job.pk for job in kept])} == set(build.ENDED)

    def test_is_asked_again_when_the_rows_changed_meanwhile(self, house: House) -> None:
        queued(house, 3)
        asked = house.browser.post(STOP, {"all": "1", "filters": "state=QUEUED"})
        build.jobs(house.scope, 1, state=JobState.QUEUED, created_by_id=house.operator.pk, public_id="job-late")

        again = house.browser.post(STOP, hidden(asked))

        assert again.status_code == 409
        assert "바뀌었어요" in again.content.decode()
        assert open_count(house.scope) == 4
        house.browser.post(STOP, hidden(again))
        assert open_count(house.scope) == 0


class TestRefusals:
    def test_nothing_chosen(self, house: House) -> None:
        assert house.browser.post(STOP, {"filters": ""}).status_code == 400

    def test_a_filter_that_is_not_understood_selects_nothing(self, house: House) -> None:
        queued(house, 2)
        response = house.browser.post(STOP, {"all": "1", "filters": "state=NOPE"})
        assert response.status_code == 400
        assert open_count(house.scope) == 2

    def test_other_peoples_rows_are_not_found(self, house: House, stranger: House) -> None:
        theirs = queued(stranger, 2)
        asked = house.browser.post(STOP, {"ids": [job.public_id for job in theirs], "filters": ""})
        assert re.search(r"<b>0</b>\s*건", asked.content.decode())
        house.browser.post(STOP, hidden(asked))
        assert open_count(stranger.scope) == 2

    def test_an_action_needs_its_own_permission(self, house: House) -> None:
        class Guarded(build.MoneyList):
            slug = "test-guarded"
            actions = (
                selection.BulkAction("submit", "보내기", Permission.PAYOUTS_SUBMIT, run=lambda *_: messages),  # type: ignore[arg-type] # never called
            )

        assert issubclass(Guarded, ListPage)
        viewer = people.signed_in(house.firm.person("viewer", Role.VIEWER))
        assert viewer.post("/lists/test-guarded/actions/submit/", {"all": "1"}).status_code == 403
        assert house.browser.post("/lists/test-guarded/actions/submit/", {"all": "1"}).status_code == 200
        assert house.browser.post("/lists/test-guarded/actions/nothing/", {"all": "1"}).status_code == 404

    def test_get_does_nothing(self, house: House) -> None:
        assert house.browser.get(STOP).status_code == 405

    def test_a_job_of_somebody_else_is_not_stopped(self, house: House) -> None:
        (job,) = build.jobs(house.scope, 1, state=JobState.QUEUED, created_by_id=None)
        assert house.browser.post(f"/jobs/{job.public_id}/stop/").status_code == 403
        assert open_count(house.scope) == 1


def test_selected_ids_come_in_the_lists_order(house: House) -> None:
    rows = build.jobs(house.scope, 12)
    page = build.MoneyList()
    chosen = selection.Selection(page, house.scope, page.bind(page_query("state=FAILED")))
    newest_first = [job.public_id for job in reversed(rows) if job.state == "FAILED"]
    assert chosen.ids() == newest_first
    assert chosen.count == len(newest_first)


def page_query(text: str) -> Any:
    from django.http import QueryDict

    return QueryDict(text)

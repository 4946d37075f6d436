"""Promise: every unit of a difference is found on a page, and what a person decided about it stays and is told."""

import csv
import io
from decimal import Decimal
from typing import Any

import pytest
from django.urls import reverse

from access.models import AuditEvent
from access.roles import Role
from core import jobs
from core.models import Job
from core.scope import Scope
from reconciliation import queries
from reconciliation.lines import Kind
from reconciliation.models import Batch, Decision, Outcome, Resolution, ToleranceRule
from reconciliation.operations import comparing, resolving
from reconciliation.pages.results import reads as result_reads
from reconciliation.pages.results.results import find_resolution
from tests.access.build import firm
from tests.build import BY, noon
from tests.reconciliation.results_desk import Desk, compare, compared, doubled, outcome
from tests.reconciliation.stored import accepted, own, read, receive, save, sheet
from tests.reconciliation.writing import Table, table

REASON = "공급사와 확인"


@pytest.fixture
def desk(db: None, settings: Any) -> Desk:  # noqa: ARG001 - needs tables
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    return Desk(firm())


def decide(desk: Desk, batch: Batch, place: int, decision: str = "accept", **values: Any) -> Any:
    """Send the form of a decision as the page sends it."""
    told = {"reason": REASON, "seen": resolving.seen(outcome(batch, place)), **values}
    return desk.send("decide", batch.public_id, place, decision, **told)


def places(page: str, batch: Batch) -> list[int]:
    """Return which groups a list shows."""
    return [place for place in range(1, 20) if f'data-href="/reconciliation/results/{batch.public_id}/{place}' in page]


def rows_of(desk: Desk, slug: str, batch: Batch, columns: str = "", **conditions: str) -> list[dict[str, str]]:
    """Return a downloaded list."""
    filters = "&".join([f"batch={batch.public_id}", *(f"{name}={value}" for name, value in conditions.items())])
    address = reverse("console:list-export", args=[slug])
    answer: Any = desk.browser().post(address, {"format": "csv", "filters": filters, "cols": columns})
    assert answer.status_code == 200
    return list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode("utf-8-sig"))))


class TestTheMoney:
    def test_a_result_shows_both_totals_and_every_step_between(self, desk: Desk) -> None:
        batch = compared(desk.scope)
        page = desk.see("result", batch.public_id)
        for figure in ("179.90", "241.20", "+61.30", "+120.60", "-60.30", "+1.00"):
            assert figure in page, figure
        assert "열린 차이가 4건 있어요." in page

    def test_the_list_of_a_step_comes_to_what_the_step_says(self, desk: Desk) -> None:
        batch = compared(desk.scope)
        assert "120.60 EUR" in desk.total(batch, outcome="missing_on_our_side")
        assert places(desk.see("result", batch.public_id, outcome="missing_on_our_side"), batch) == [3, 4]
        line = desk.total(batch, outcome="missing_in_file")
        assert "-60.30 EUR" in line
        assert places(desk.see("result", batch.public_id, outcome="missing_in_file"), batch) == [5]

    def test_kept_sums_are_those_of_the_rows(self, desk: Desk) -> None:
        save(desk.scope, own("X", 1, currency="USD", subtotal="50"))
        batch = compared(desk.scope, doubled())
        kept = desk.total(batch)
        summed = desk.total(batch, least="0")
        assert "50.00 USD" in kept
        assert kept.partition("<b id=")[0].split("총")[1:] == summed.partition("<b id=")[0].split("총")[1:]

    def test_a_file_holds_the_exact_figures_of_every_group(self, desk: Desk) -> None:
        made = sheet(3)
        batch = compared(desk.scope, Table(made.kind, made.columns, [made.rows[0] | {"Subtotal": "60.3012345"}]))
        rows = rows_of(desk, "reconciliation-outcomes", batch)
        assert [row["차이"] for row in rows] == ["0.0012345", "-59.3", "-60.3"]
        assert [row["결과 구분"] for row in rows] == ["허용 범위에서 일치", "파일에 없음", "파일에 없음"]
        assert sum(Decimal(row["파일 금액"] or 0) for row in rows) == Decimal("60.3012345")

    def test_a_batch_is_listed_with_both_totals_and_what_is_open(self, desk: Desk) -> None:
        batch = compared(desk.scope)
        decide(desk, batch, 2)
        (row,) = rows_of(desk, "reconciliation-results", batch)
        assert (row["우리 합계"], row["파일 합계"], row["차이"]) == ("179.90 EUR", "241.20 EUR", "61.30 EUR")
        assert (row["일치"], row["차이 건수"], row["열린 차이"], row["지급 기한"]) == ("1", "4", "3", "2024-07-31")
        assert row["지급 기한"] == str(queries.due_day(batch))
        assert batch.public_id in desk.see("results", open="yes")
        assert batch.public_id not in desk.see("results", open="no")
        assert result_reads.open_differences(desk.scope) == 3
        home = desk.browser().get("/").content.decode()
        assert reverse("reconciliation:results") + "?open=yes" in home

    def test_the_largest_difference_comes_first_when_asked(self, desk: Desk) -> None:
        save(desk.scope, own("A"), own("B", 1, subtotal="10"), own("C", 2, subtotal="70"))
        batch = accepted(desk.scope, sheet(3))
        compare(batch)
        rows = desk.see("result", batch.public_id, sort="-size")
        order = sorted(places(rows, batch), key=lambda place: rows.index(f"/{batch.public_id}/{place}?"))
        assert order == [2, 3, 1]
        assert places(desk.see("result", batch.public_id, least="9.70"), batch) == [2, 3]
        assert places(desk.see("result", batch.public_id, least="9.71"), batch) == [2]

    @pytest.mark.parametrize(
        ("kind", "word", "found"),
        [
            ("customer", "별빛", [5]),
            ("customer", "CustomerName 1", [2]),
            ("customer_id", "ELSE", [5]),
            ("subscription", "su00000002", [3]),
            ("product", "0003", [4]),
            ("ref", "B", [2]),
        ],
    )
    def test_groups_are_found_by_the_words_of_either_side(
        self, desk: Desk, kind: str, word: str, found: list[int]
    ) -> None:
        batch = compared(desk.scope)
        assert places(desk.see("result", batch.public_id, kw=kind, q=word), batch) == found

    @pytest.mark.parametrize(
        ("kind", "said"),
        [
            (Kind.USAGE_DAILY_LEGACY, "수량만 있고 금액이 없는 파일이라"),
            (Kind.STRIPE_PAYOUT, "결제사의 정산 파일은 청구 기록과 비교하지 않아요."),
        ],
    )
    def test_a_kind_that_is_not_compared_says_so(self, desk: Desk, kind: Kind, said: str) -> None:
        batch = accepted(desk.scope, table(kind, None, rows=1))
        page = desk.see("result", batch.public_id)
        assert said in page
        assert "비교하기</button>" not in page
        assert "비교하지 않음" in desk.see("results")

    def test_a_file_that_was_never_compared_says_so_until_it_is(self, desk: Desk) -> None:
        batch = accepted(desk.scope, sheet(1))
        Job.objects.filter(kind=comparing.COMPARE_JOB).delete()
        assert "아직 우리 기록과 비교하지 않았어요." in desk.see("result", batch.public_id)
        assert desk.send("compare", batch.public_id).status_code == 302
        assert "비교가 끝나면 여기에 결과가 나와요." in desk.see("result", batch.public_id)
        assert jobs.run_due_jobs() == 1
        assert "+60.30" in desk.see("result", batch.public_id)


class TestOneGroup:
    def test_both_sides_stand_beside_each_other_with_how_figures_came_about(self, desk: Desk) -> None:
        page = desk.see("group", compared(desk.scope).public_id, 2)
        for text in ("60.30", "59.30", "+1.00", "2번째 줄의 수량이에요.", "단가가 모두 20.10이에요.", "금액 다름"):
            assert text in page, text

    def test_the_quantity_is_told_as_it_was_counted(self, desk: Desk) -> None:
        made = sheet(1)
        first = made.rows[0]
        rows = [
            first,
            first | {"UnitPrice": "5.00", "Subtotal": "15.00"},
            first | {"ChargeType": "addQuantity", "OrderId": "o2", "BillableQuantity": "2", "Subtotal": "40.20"},
            first | {"ChargeType": "removeQuantity", "OrderId": "o3", "BillableQuantity": "4", "Subtotal": "-80.40"},
        ]
        batch = accepted(desk.scope, Table(made.kind, made.columns, rows))
        compare(batch)
        page = desk.see("group", batch.public_id, 1)
        assert outcome(batch, 1).file_quantity == 1
        assert "3 + 2 − 4 = 1 · 한 구매의 가격 구성 요소는 한 번만 셌어요." in page
        assert "단가가 서로 달라서 비교하지 않았어요: 5.00, 20.10" in page

    def test_seats_of_a_licence_are_those_of_the_charge_that_ends_last(self, desk: Desk) -> None:
        made = table(Kind.LICENSE, "17", rows=1)
        first = made.rows[0]
        later = {"ChargeStartDate": "6/1/2024", "ChargeEndDate": "6/30/2024", "Quantity": "7", "UnitPrice": "10.00"}
        batch = accepted(desk.scope, Table(made.kind, made.columns, [first, first | later]))
        compare(batch)
        assert outcome(batch, 1).file_quantity == 7
        assert "2번째 줄의 수량 7이에요." in desk.see("group", batch.public_id, 1)

    def test_next_leads_through_what_is_open_and_then_ends(self, desk: Desk) -> None:
        batch = compared(desk.scope)
        assert f'rel="next" href="/reconciliation/results/{batch.public_id}/3"' in desk.see("group", batch.public_id, 2)
        decide(desk, batch, 3)
        assert f'rel="next" href="/reconciliation/results/{batch.public_id}/4"' in desk.see("group", batch.public_id, 2)
        assert 'rel="next"' not in desk.see("group", batch.public_id, 5)
        page = desk.see("group", batch.public_id, 5, outcome="matched")
        assert f'rel="prev" href="/reconciliation/results/{batch.public_id}/1?outcome=matched"' in page

    def test_next_follows_the_order_of_the_list(self, desk: Desk) -> None:
        save(desk.scope, own("A", subtotal="60"), own("B", 1, subtotal="10"), own("C", 2, subtotal="70"))
        batch = accepted(desk.scope, sheet(3))
        compare(batch)
        page = desk.see("group", batch.public_id, 3, sort="-size")
        assert f'rel="prev" href="/reconciliation/results/{batch.public_id}/2?sort=-size"' in page
        assert f'rel="next" href="/reconciliation/results/{batch.public_id}/1?sort=-size"' in page

    def test_a_match_by_name_is_a_suggestion_until_somebody_links_it(self, desk: Desk) -> None:
        made = sheet(1)
        nameless = made.rows[0] | {"CustomerId": "", "CustomerName": "별빛 상사 주식회사"}
        save(desk.scope, own("A", customer_id=None, customer_name="별빛 상사 (주)"))
        batch = accepted(desk.scope, Table(made.kind, made.columns, [nameless]))
        compare(batch)
        assert places(desk.see("result", batch.public_id, named="yes"), batch) == [1]
        assert "이름으로 찾은 우리 기록" in desk.see("group", batch.public_id, 1)
        assert 'value="A" aria-label="A 고르기" checked' in desk.see("decide", batch.public_id, 1, "link", ref="A")
        assert decide(desk, batch, 1, "link", ref=["A"]).status_code == 302
        page = desk.see("group", batch.public_id, 1)
        assert "이름으로 찾은 우리 기록" not in page
        assert "연결한 기록과의 차이는 0.00 EUR이에요." in page

    def test_records_to_link_are_those_compared_and_those_of_a_like_name(self, desk: Desk) -> None:
        save(desk.scope, own("D", 3, customer_id="x", customer_name="CustomerName 2, „é“ GmbH"), own("E", 3))
        batch = compared(desk.scope)
        made = sheet()
        nameless = [*made.rows[:2], made.rows[2] | {"CustomerId": "", "CustomerName": "Customername 2, „é“ Ltd"}]
        newer = accepted(desk.scope, Table(made.kind, made.columns, nameless), confirm=True)
        compare(newer)
        assert 'value="B"' in desk.see("decide", newer.public_id, 2, "link")
        page = desk.see("decide", newer.public_id, 3, "link")
        assert 'value="D"' in page
        assert 'value="E"' not in page
        assert 'value="E"' in desk.see("decide", newer.public_id, 3, "link", word="E")
        assert batch.public_id != newer.public_id

    def test_a_record_that_changed_since_is_marked(self, desk: Desk) -> None:
        batch = compared(desk.scope)
        save(desk.scope, own("B", 1, subtotal="50"))
        assert "그 뒤로 바뀐 기록" in desk.see("group", batch.public_id, 2)


class TestDeciding:
    def test_a_form_sent_twice_decides_once(self, desk: Desk) -> None:
        batch = compared(desk.scope)
        for _again in range(2):
            assert decide(desk, batch, 2).status_code == 302
        assert Resolution.objects.count() == 1
        page = desk.see("group", batch.public_id, 2)
        assert REASON in page
        assert "금액 차이 +1.00 EUR" in page

    def test_it_outlives_another_run_and_another_version_and_is_marked_when_the_group_changed(self, desk: Desk) -> None:
        batch = compared(desk.scope)
        decide(desk, batch, 2)
        compare(batch)
        assert places(desk.see("result", batch.public_id, standing="accept"), batch) == [2]
        newer = accepted(desk.scope, sheet(5), confirm=True)
        compare(newer)
        assert places(desk.see("result", newer.public_id, standing="accept"), newer) == [2]
        save(desk.scope, own("B", 1, subtotal="50"))
        compare(newer)
        assert places(desk.see("result", newer.public_id, standing="stale"), newer) == [2]
        assert places(desk.see("result", newer.public_id, standing=["open", "stale"]), newer) == [2, 3, 4, 5, 6]
        assert "그 뒤로 달라졌어요" in desk.see("group", newer.public_id, 2)
        assert result_reads.open_differences(desk.scope) == 5

    def test_a_form_about_what_has_changed_since_decides_nothing(self, desk: Desk) -> None:
        batch = compared(desk.scope)
        seen = resolving.seen(outcome(batch, 2))
        save(desk.scope, own("B", 1, subtotal="50"))
        compare(batch)
        answer = decide(desk, batch, 2, seen=seen)
        assert answer.status_code == 409
        assert "그사이 비교 결과가 바뀌었어요" in answer.content.decode()
        assert decide(desk, batch, 2, seen="").status_code == 409
        assert not Resolution.objects.exists()

    def test_reopening_makes_it_open_again_and_the_story_stays(self, desk: Desk) -> None:
        batch = compared(desk.scope)
        assert decide(desk, batch, 2, "reopen").status_code == 409
        decide(desk, batch, 2, "dispute")
        for _again in range(2):
            assert decide(desk, batch, 2, "reopen", reason="다시 봄").status_code == 302
        assert [one.decision for one in Resolution.objects.order_by("pk")] == ["dispute", "reopen"]
        assert places(desk.see("result", batch.public_id, standing="open"), batch) == [2, 3, 4, 5]
        page = desk.see("group", batch.public_id, 2)
        assert REASON in page
        assert "다시 봄" in page

    def test_accepting_leads_on_to_the_next_difference(self, desk: Desk) -> None:
        batch = compared(desk.scope)
        answer = decide(desk, batch, 2, next="1")
        assert answer.url == f"/reconciliation/results/{batch.public_id}/3"

    @pytest.mark.parametrize(
        ("decision", "given"), [("accept", {"reason": " "}), ("link", {}), ("link", {"ref": "no"})]
    )
    def test_what_is_incomplete_is_said_beside_the_form(self, desk: Desk, decision: str, given: dict[str, str]) -> None:
        batch = compared(desk.scope)
        answer = decide(desk, batch, 2, decision, **given)
        assert answer.status_code == 409
        assert "error-summary" in answer.content.decode()
        assert not Resolution.objects.exists()

    def test_the_id_of_a_decision_finds_its_group(self, desk: Desk) -> None:
        batch = compared(desk.scope)
        decide(desk, batch, 2)
        made = Resolution.objects.get()
        assert find_resolution(desk.scope, made.public_id) == f"/reconciliation/results/{batch.public_id}/2"
        assert find_resolution(Scope(desk.scope.merchant_id, is_test=True), made.public_id) is None


class TestTogether:
    def ask(self, desk: Desk, batch: Batch, decision: str = "accept", role: Role = Role.OPERATOR, **given: Any) -> Any:
        return desk.send(f"{decision}-many", role=role, filters=f"batch={batch.public_id}", **given)

    def test_several_are_decided_with_one_reason_once(self, desk: Desk) -> None:
        batch = compared(desk.scope)
        chosen = [outcome(batch, 3).pk, outcome(batch, 4).pk]
        asked = self.ask(desk, batch, ids=chosen)
        assert "120.60 EUR" in asked.content.decode()
        seal = asked.context["found"].seal
        for _again in range(2):
            assert self.ask(desk, batch, ids=chosen, seal=seal, reason=REASON).status_code == 302
        assert Resolution.objects.filter(decision=Decision.ACCEPT, reason=REASON).count() == 2
        assert AuditEvent.objects.filter(action="reconciliation.accept").count() == 1
        assert places(desk.see("result", batch.public_id, standing="accept"), batch) == [3, 4]

    def test_a_whole_filter_is_decided_as_it_was_shown(self, desk: Desk) -> None:
        batch = compared(desk.scope)
        whole: dict[str, Any] = {"all": "1", "filters": f"batch={batch.public_id}&outcome=missing_on_our_side"}
        seal = desk.send("dispute-many", **whole).context["found"].seal
        save(desk.scope, own("D", 3))
        compare(batch)
        late = desk.send("dispute-many", **whole, seal=seal, reason=REASON)
        assert late.status_code == 409
        assert "바뀌었어요" in late.content.decode()
        seal = late.context["found"].seal
        assert desk.send("dispute-many", **whole, seal=seal, reason=REASON).status_code == 302
        assert list(Resolution.objects.values_list("outcome", flat=True)) == ["missing_on_our_side"]

    def test_several_outcomes_or_matches_are_refused(self, desk: Desk) -> None:
        batch = compared(desk.scope)
        for chosen in ([outcome(batch, 2).pk, outcome(batch, 3).pk], [outcome(batch, 1).pk]):
            seal = self.ask(desk, batch, ids=chosen).context["found"].seal
            assert self.ask(desk, batch, ids=chosen, seal=seal, reason=REASON).status_code == 409
        assert not Resolution.objects.exists()

    def test_groups_of_another_batch_are_not_decided_with_them(self, desk: Desk) -> None:
        batch, other = compared(desk.scope), accepted(desk.scope, sheet(2, "G2"))
        compare(other)
        chosen = [outcome(batch, 3).pk, outcome(other, 1).pk]
        seal = self.ask(desk, batch, ids=chosen).context["found"].seal
        assert self.ask(desk, batch, ids=chosen, seal=seal, reason=REASON).status_code == 409
        assert self.ask(desk, batch, ids=["x"]).status_code == 400
        assert not Resolution.objects.exists()


class TestCopies:
    def test_a_restored_copy_explains_a_difference_and_changes_none(self, desk: Desk) -> None:
        save(desk.scope, own("A", subtotal="120.60", tax="12.06", quantity="6"))
        batch = accepted(desk.scope, doubled())
        compare(batch)
        before = list(Outcome.objects.values_list("outcome", "difference_subtotal"))
        (row,) = rows_of(desk, "reconciliation-duplicates", batch)
        assert (row["줄"], row["같은 줄"], row["세전 금액"], row["통화"]) == ("5", "1", "60.3", "EUR")
        line = queries.lines(batch).get(record=5)
        given: dict[str, Any] = {"filters": f"batch={batch.public_id}", "ids": [line.pk]}
        asked = desk.send("restore", **given)
        assert "60.30 EUR" in asked.content.decode()
        for _again in range(2):
            answer = desk.send("restore", **given, seal=asked.context["found"].seal, reason="두 번 샀어요")
            assert answer.status_code == 302
        assert Resolution.objects.count() == 1
        page = desk.see("group", batch.public_id, 1)
        assert "되살린 중복 1줄, 60.30" in page
        assert "남는 차이는 0.00이에요." in page
        assert "되살린 중복 1줄, 60.30" in desk.see("result", batch.public_id)
        assert "두 번 샀어요" in desk.see("duplicates", batch.public_id, said="yes")
        compare(batch)
        assert list(Outcome.objects.values_list("outcome", "difference_subtotal")) == before

    def test_what_was_said_in_another_version_counts(self, desk: Desk) -> None:
        batch = compared(desk.scope, doubled())
        resolving.restore(scope=desk.scope, batch_id=batch.public_id, record=5, reason="두 번", by=BY, now=noon())
        made = sheet()
        more = Table(made.kind, made.columns, [*made.rows, made.rows[0], made.rows[2] | {"Tax": "0"}])
        newer = accepted(desk.scope, more, confirm=True)
        compare(newer)
        assert "되살린 중복 1줄, 60.30" in desk.see("duplicates", newer.public_id)
        assert "다른 버전에서 중복이 아니라고 적은 줄: 5" in " ".join(desk.see("duplicates", newer.public_id).split())


class TestRunning:
    def test_comparing_again_is_a_job_that_the_page_follows(self, desk: Desk) -> None:
        batch = compared(desk.scope)
        for _again in range(2):
            assert desk.send("compare", batch.public_id).status_code == 302
        assert "우리 기록과 비교하고 있어요." in desk.see("result", batch.public_id)
        assert "우리 기록과 비교하고 있어요." in desk.see("compare-progress", batch.public_id)
        assert jobs.run_due_jobs() == 1
        answer = desk.browser().get(reverse("reconciliation:compare-progress", args=[batch.public_id]))
        assert answer.headers["HX-Refresh"] == "true"
        page = desk.see("result", batch.public_id)
        assert "우리 기록과 비교하고 있어요." not in page
        assert page.count('data-label="회차"') == 2

    def test_a_superseded_version_stays_readable_and_decides_nothing(self, desk: Desk) -> None:
        batch = compared(desk.scope)
        accepted(desk.scope, sheet(5), confirm=True)
        page = desk.see("result", batch.public_id)
        assert "새 버전으로 바뀜" in page
        assert "다시 비교하기" not in page
        assert "data-press" not in desk.see("group", batch.public_id, 2)


class TestTolerances:
    def test_an_admin_sets_one_and_saying_it_again_changes_nothing(self, desk: Desk) -> None:
        values: dict[str, Any] = {"kind": "nce_invoice", "currency": "eur", "line": "", "group": "1.50"}
        assert desk.send("tolerance-new", **values).status_code == 403
        for _again in range(2):
            assert desk.send("tolerance-new", role=Role.ADMIN, **values).status_code == 302
        rule = ToleranceRule.objects.get()
        assert (rule.currency, rule.line, rule.group) == ("EUR", None, Decimal("1.50"))
        assert AuditEvent.objects.filter(action="reconciliation.tolerance_set").count() == 1
        assert "1.50" in desk.see("tolerances", role=Role.VIEWER)
        page = desk.see("tolerance", "nce_invoice", "EUR", role=Role.VIEWER)
        assert "저장하기" not in page
        assert "기본 → 1.50" in page.replace("\n", "")
        save(desk.scope, own("A"), own("B", 1, subtotal="59.30"))
        batch = accepted(desk.scope, sheet(2))
        compare(batch)
        assert "금액과 세금 1.50" in desk.see("result", batch.public_id)
        assert "허용 범위에서 일치" in desk.see("group", batch.public_id, 2)

    @pytest.mark.parametrize(
        "wrong", [{"group": "-1"}, {"line": "a"}, {"currency": "E1"}, {"currency": "12!"}, {"kind": "stripe_payout"}]
    )
    def test_what_makes_no_sense_is_refused_beside_its_field(self, desk: Desk, wrong: dict[str, str]) -> None:
        values: dict[str, Any] = {"kind": "nce_invoice", "currency": "EUR", "line": "", "group": "", **wrong}
        answer = desk.send("tolerance-new", role=Role.ADMIN, **values)
        assert answer.status_code == 422
        assert "error-summary" in answer.content.decode()
        assert not ToleranceRule.objects.exists()


PAGES: tuple[tuple[str, tuple[object, ...]], ...] = (
    ("result", ()),
    ("duplicates", ()),
    ("compare-progress", ()),
    ("group", (2,)),
    ("decide", (2, "accept")),
    ("decide", (2, "link")),
)


class TestLimits:
    def test_what_belongs_to_somebody_else_is_not_there(self, desk: Desk) -> None:
        batch = compared(desk.scope, doubled())
        other = Desk(firm("Sun Shop"))
        for page, args in PAGES:
            address = reverse(f"reconciliation:{page}", args=[batch.public_id, *args])
            assert other.browser().get(address).status_code == 404, page
        assert decide(other, batch, 2).status_code == 404
        assert other.send("compare", batch.public_id).status_code == 404
        given: dict[str, Any] = {"filters": f"batch={batch.public_id}", "ids": [outcome(batch, 2).pk]}
        assert other.send("accept-many", **given).status_code == 404
        assert "총 <b>0</b>건" in other.total(batch)
        assert rows_of(other, "reconciliation-outcomes", batch) == []
        assert rows_of(other, "reconciliation-duplicates", batch) == []
        assert not Resolution.objects.exists()

    def test_a_viewer_sees_everything_and_does_nothing(self, desk: Desk) -> None:
        batch = compared(desk.scope)
        page = desk.see("group", batch.public_id, 2, role=Role.VIEWER)
        assert "data-press" not in page
        assert 'name="ids"' not in desk.see("result", batch.public_id, role=Role.VIEWER)
        viewer = desk.browser(Role.VIEWER)
        for decision in ("accept", "dispute", "link", "reopen"):
            address = reverse("reconciliation:decide", args=[batch.public_id, 2, decision])
            assert viewer.get(address).status_code == 403
            assert viewer.post(address, {"reason": REASON}).status_code == 403
        for name in ("accept-many", "dispute-many", "restore"):
            assert desk.send(name, role=Role.VIEWER).status_code == 403
        assert desk.send("compare", batch.public_id, role=Role.VIEWER).status_code == 403
        assert not Resolution.objects.exists()

    def test_strange_addresses_are_not_there(self, desk: Desk) -> None:
        batch = compared(desk.scope)
        for path in (
            f"{batch.public_id}/99",
            f"{batch.public_id}/99999999999999999999",
            f"{batch.public_id}/2/restore",
            f"{batch.public_id}/2/nonsense",
            "%00",
            "nobody",
        ):
            assert desk.browser().get(f"/reconciliation/results/{path}").status_code == 404, path

    def test_a_file_that_waits_has_no_result(self, desk: Desk) -> None:
        waiting = read(receive(desk.scope, sheet(1)))
        address = reverse("reconciliation:result", args=[waiting.public_id])
        assert desk.browser().get(address).status_code == 404

    def test_a_list_named_in_the_query_leads_to_its_address(self, desk: Desk) -> None:
        batch = compared(desk.scope)
        answer: Any = desk.browser().get(
            reverse("reconciliation:outcomes"), {"batch": batch.public_id, "outcome": "matched"}
        )
        assert answer.url == f"/reconciliation/results/{batch.public_id}?outcome=matched"
        nameless: Any = desk.browser().get(reverse("reconciliation:outcomes"))
        assert nameless.url == reverse("reconciliation:results")

    def test_a_test_environment_has_its_own(self, desk: Desk) -> None:
        batch = compared(Scope(desk.scope.merchant_id, is_test=True))
        address = reverse("reconciliation:result", args=[batch.public_id])
        assert desk.browser().get(address).status_code == 404
        assert comparing.compare(scope=batch.scope, batch_id=batch.public_id, by=BY, now=noon()).number == 2

"""Promise: our billing records, their versions and closed days are seen and changed by their merchant's own people."""

from datetime import date
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from access.models import AuditEvent
from access.roles import Role
from core.scope import Scope
from reconciliation import queries
from reconciliation.models import PeriodLock
from reconciliation.operations import comparing, own_records
from tests.access.build import Firm, firm, signed_in
from tests.build import BY, noon
from tests.reconciliation.stored import accepted, own, save, sheet

pytestmark = pytest.mark.django_db
MAY = {"period_start": date(2024, 5, 1), "period_end": date(2024, 5, 31)}


class Office:
    """A merchant with a browser for each role."""

    def __init__(self, found: Firm) -> None:
        self.firm, self.scope = found, found.scope
        self._browsers: dict[Role, Client] = {}

    def browser(self, role: Role = Role.OPERATOR) -> Client:
        if role not in self._browsers:
            name = f"{role}-{self.scope.merchant_id}".lower()
            self._browsers[role] = signed_in(self.firm.person(name, role, code=role is Role.ADMIN))
        return self._browsers[role]

    def get(self, page: str, *args: object, role: Role = Role.OPERATOR, query: str = "") -> Any:
        return self.browser(role).get(reverse(f"reconciliation:{page}", args=args) + query)

    def see(self, page: str, *args: object, role: Role = Role.OPERATOR, query: str = "") -> str:
        answer = self.get(page, *args, role=role, query=query)
        assert answer.status_code == 200, answer.content.decode()[:500]
        return str(answer.content.decode())

    def send(self, page: str, *args: object, role: Role = Role.OPERATOR, **data: object) -> Any:
        return self.browser(role).post(reverse(f"reconciliation:{page}", args=args), data)


@pytest.fixture
def office(settings: Any) -> Office:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    return Office(firm())


@pytest.fixture
def stranger(settings: Any) -> Office:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    return Office(firm("Sun Shop"))


def totals_of(office: Office, query: str = "") -> str:
    answer = office.browser().get(reverse("console:list-total", args=["billing-records"]) + query)
    return str(answer.content.decode())


class TestList:
    def test_records_are_shown_in_their_newest_version_with_exact_sums_by_currency(self, office: Office) -> None:
        save(office.scope, own("A", subtotal="60.305"), own("B", 1, currency="KRW", subtotal="1000", tax=None))
        save(office.scope, own("A", subtotal="0.1000000001"))
        page = office.see("records")
        assert "0.1000000001" in page
        assert "60.305" not in page
        line = totals_of(office)
        assert "총 <b>2</b>건" in line
        assert "0.1000000001" in line
        assert "1,000" in line
        assert "1,000.1" not in line

    def test_filters_find_by_id_kind_source_and_state(self, office: Office) -> None:
        save(office.scope, own("A", sku_id="0007"), own("B", 1, sku_id="0008"))
        own_records.withdraw(scope=office.scope, refs=["B"], by=BY, now=noon(), source="upload", reason="두 번 적음")
        found = office.see("records", query="?kw=id&q=0007")
        assert '/records/A"' in found
        assert '/records/B"' not in found
        assert '/records/B"' in office.see("records", query="?withdrawn=yes")
        assert '/records/B"' not in office.see("records", query="?withdrawn=no&kind=nce_invoice&source=upload")
        assert "data-href" not in office.see("records", query="?source=order")

    def test_a_file_of_the_list_says_what_the_page_says(self, office: Office) -> None:
        save(office.scope, own("=A", subtotal="0.10"))
        answer = office.browser().post(reverse("console:list-export", args=["billing-records"]), {"format": "csv"})
        text = b"".join(answer.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined] # a file is streamed
        assert "'=A" in text
        assert ",0.1," in text

    def test_another_merchant_sees_none_of_it(self, office: Office, stranger: Office) -> None:
        save(office.scope, own("A"))
        assert "data-href" not in stranger.see("records")
        for page in ("record", "record-withdraw"):
            assert stranger.get(page, "A").status_code == 404
        assert stranger.send("record-withdraw", "A", reason="x").status_code == 404
        assert office.browser().get(reverse("console:search") + "?q=A").status_code == 302


class TestRecord:
    def test_every_version_says_what_it_changed_and_where_it_was_used(self, office: Office) -> None:
        save(office.scope, own("A", quantity=None), own("B", 1))
        batch = accepted(office.scope, sheet(2))
        comparing.compare(scope=office.scope, batch_id=batch.public_id, by=BY, now=noon())
        save(office.scope, own("A", subtotal="61", quantity=None))
        page = office.see("record", "A")
        assert "60.3 → 61" in page
        assert batch.name in page
        assert "모름" in page
        assert "버전 2" in page

    def test_taking_back_needs_a_reason_and_is_told_once(self, office: Office) -> None:
        save(office.scope, own("A"))
        assert office.send("record-withdraw", "A", reason=" ").status_code == 422
        for _twice in range(2):
            assert office.send("record-withdraw", "A", reason="두 번 적었어요").status_code == 302
        assert [one.is_withdrawn for one in queries.history(office.scope, "A")] == [True, False]
        assert AuditEvent.objects.filter(action="reconciliation.record_withdrawn").count() == 1
        page = office.see("record", "A")
        assert page.count("두 번 적었어요") == 1
        assert reverse("reconciliation:record-withdraw", args=["A"]) not in page

    def test_a_viewer_reads_and_changes_nothing(self, office: Office) -> None:
        save(office.scope, own("A"))
        assert reverse("reconciliation:record-withdraw", args=["A"]) not in office.see("record", "A", role=Role.VIEWER)
        assert office.send("record-withdraw", "A", role=Role.VIEWER, reason="x").status_code == 403
        assert office.get("derive", role=Role.VIEWER).status_code == 403
        assert (
            office.send("periods", role=Role.VIEWER, first_day="2024-05-01", last_day="2024-05-31").status_code == 403
        )
        assert len(queries.history(office.scope, "A")) == 1
        assert not PeriodLock.objects.exists()


def locked(scope: Scope) -> int:
    return own_records.lock_period(
        scope=scope, first_day=date(2024, 5, 1), last_day=date(2024, 5, 31), by=BY, now=noon(), reason="5월 마감"
    ).pk


class TestPeriods:
    def test_days_are_closed_once_and_told_with_who_and_why(self, office: Office) -> None:
        days: dict[str, Any] = {"first_day": "2024-05-01", "last_day": "2024-05-31", "reason": "5월 대사 끝"}
        for _twice in range(2):
            assert office.send("periods", **days).status_code == 302
        assert PeriodLock.objects.count() == 1
        page = office.see("periods")
        assert "5월 대사 끝" in page
        assert "2024-05-01 ~ 2024-05-31" in page
        reversed_days = days | {"last_day": "2024-04-30"}
        assert office.send("periods", **reversed_days).status_code == 422

    def test_a_record_in_closed_days_is_not_taken_back_and_the_page_says_why(self, office: Office) -> None:
        save(office.scope, own("A", **MAY))
        locked(office.scope)
        answer = office.send("record-withdraw", "A", reason="x")
        assert answer.status_code == 422
        assert "마감한 기간의 기록은" in answer.content.decode()

    def test_only_who_manages_opens_them_again(self, office: Office, stranger: Office) -> None:
        lock = locked(office.scope)
        assert office.send("period-open", lock, reason="고칠 것이 있음").status_code == 403
        assert stranger.send("period-open", lock, role=Role.ADMIN, reason="x").status_code == 404
        assert office.send("period-open", lock, role=Role.ADMIN, reason="").status_code == 422
        for _twice in range(2):
            assert office.send("period-open", lock, role=Role.ADMIN, reason="고칠 것이 있음").status_code == 302
        assert list(queries.locks(office.scope)) == []
        page = office.see("periods")
        assert "고칠 것이 있음" in page
        assert "5월 마감" in page


def test_ids_that_nobody_gave_out_are_refused(office: Office) -> None:
    save(office.scope, own("A", **MAY))
    address = reverse("console:list-export", args=["billing-records"])
    answer = office.browser().post(address, {"format": "csv", "filters": "", "ids": ["x", "' or 1=1"]})
    assert answer.status_code == 400

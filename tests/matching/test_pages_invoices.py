"""Protects what people see of an invoice: the figures of the public cases to the last digit, and why they are so."""

import json
import re
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from access import queries as people
from access.models import AuditEvent, User
from access.roles import Role
from console import registry
from core import clock
from core.scope import Scope
from ledger.models import Journal
from matching import queries
from matching.cases.reading import Part
from matching.cases.verbs import VERBS, Stage, open_stage
from matching.models import Invoice, InvoiceStatus, MatchRun, MatchStatus, ReceiptMatch, Vendor
from matching.near_duplicates import Bill, Why, folded, near
from matching.operations import company, invoices, orders, recalculation, receipts
from matching.operations.documents import (
    InvoiceChargeDraft,
    InvoiceDraft,
    InvoiceFields,
    InvoiceLineDraft,
    InvoiceLineFields,
    OrderDraft,
    OrderFields,
    OrderLineDraft,
    OrderLineFields,
    ReceiptDraft,
    ReceiptLineDraft,
)
from matching.pages import entry_forms, figures, shown
from tests import build
from tests.access.build import Firm, firm, signed_in
from tests.query_counts import recorded

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "conformance" / "matching"
ROLES = {"clerk": Role.OPERATOR, "checker": Role.APPROVER, "viewer": Role.VIEWER}


def text_of(response: Any) -> str:
    """Return what a person reads: without markup, with single spaces."""
    body = re.sub(r"(?s)<(script|style|svg|datalist).*?</\1>", " ", response.content.decode())
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body))


@dataclass
class Desk:
    """A merchant that buys; its people come when a test names them."""

    firm: Firm
    browsers: dict[str, Client] = field(default_factory=dict)
    users: dict[str, User] = field(default_factory=dict)

    @property
    def scope(self) -> Scope:
        return self.firm.scope

    def person(self, name: str) -> User:
        if name not in self.users:
            role = ROLES[name]
            username = f"{name}-{self.scope.merchant_id}"
            self.users[name] = self.firm.person(username, role, code=role == Role.APPROVER)
        return self.users[name]

    def browser(self, name: str = "clerk") -> Client:
        if name not in self.browsers:
            self.browsers[name] = signed_in(self.person(name))
        return self.browsers[name]

    def told(self, who: str = "clerk") -> dict[str, Any]:
        return {"scope": self.scope, "by": people.actor_for(self.person(who)), "now": clock.now()}

    def rules(self, **values: Any) -> None:
        company.save_parameters(**self.told(), fields=values)

    def vendor(self, account: str = "V1", **values: Any) -> None:
        company.save_vendor(**self.told(), account=account, fields={"name": f"공급사 {account}", **values})

    def order(self, public_id: str = "PO1", *, quantity: str = "100", price: str = "1000", policy: str = "") -> None:
        """Add an order of one line."""
        if not Vendor.objects.within(self.scope).filter(account="V1").exists():
            self.vendor()
        company.save_item(**self.told(), number="A", fields={"name": "연필"})
        line = OrderLineFields(item="A", quantity=Decimal(quantity), unit_price=Decimal(price))
        if policy:
            line["policy"] = policy
        orders.create_order(
            **self.told(),
            draft=OrderDraft(public_id, OrderFields(vendor="V1"), [OrderLineDraft(1, line)]),
        )

    def receive(self, public_id: str, quantity: str, order: str = "PO1") -> None:
        line = ReceiptLineDraft(1, (order, 1), Decimal(quantity))
        receipts.receive(**self.told(), draft=ReceiptDraft(public_id, clock.today(), [line]))

    def bill(self, public_id: str = "INV1", *, quantity: str = "100", price: str = "1000") -> Invoice:
        """Enter an invoice for the order's line."""
        line = InvoiceLineFields(order_line=("PO1", 1), quantity=Decimal(quantity), unit_price=Decimal(price))
        fields = InvoiceFields(vendor="V1", number=public_id)
        return invoices.enter_invoice(**self.told(), draft=InvoiceDraft(public_id, fields, [InvoiceLineDraft(1, line)]))

    def again(self, public_id: str = "INV1") -> Invoice:
        return queries.find_invoice(self.scope, public_id)

    def get(self, name: str, public_id: str = "INV1", *, who: str = "clerk", **query: Any) -> Any:
        args = [public_id] if public_id else []
        return self.browser(who).get(reverse(f"matching:{name}", args=args), query)

    def act(self, verb: str, public_id: str = "INV1", *, who: str = "clerk", **values: Any) -> Any:
        """Answer the question of an action as its form would."""
        asked = self.get(f"invoice-{verb}", public_id, who=who)
        hidden = dict(re.findall(r'type="hidden" name="(version|seen)" value="([^"]*)"', asked.content.decode()))
        return self.browser(who).post(reverse(f"matching:invoice-{verb}", args=[public_id]), {**hidden, **values})


@pytest.fixture
def desk(db: None) -> Desk:  # noqa: ARG001 - needs tables
    return Desk(firm("한빛마켓"))


def play(desk: Desk, name: str, steps: int | None = None) -> None:
    """Play the steps of a public case in the merchant's own books."""
    (path,) = FOLDER.glob(f"{name}_*.json")
    stage = Stage(desk.scope, clock.now())
    open_stage(stage)
    for number, step in enumerate(json.loads(path.read_text())["steps"][:steps], start=1):
        VERBS[step["do"]](stage, Part(step, f"step {number}"))
        while recalculation.work_off(now=stage.now, scope=stage.scope):
            pass


def row_of(response: Any, name: str) -> str:
    """Return the text of the row of a figure."""
    found = re.search(rf'(?s)<tr data-row="{name}".*?</tr>', response.content.decode())
    assert found, name
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", re.sub(r"(?s)<svg.*?</svg>", "", found[0])))


class TestPublicCases:
    def test_v1_batteries(self, desk: Desk) -> None:
        play(desk, "v1", 3)
        page = text_of(desk.get("details"))
        assert "5.00%" in page
        assert "허용 오차 5.00% · 모든 품목 / 모든 공급사" in page
        assert "허용 오차를 넘었어요" not in text_of(desk.get("invoice"))
        change = InvoiceLineDraft(1, InvoiceLineFields(unit_price=Decimal("1.10")))
        invoices.change_invoice(**desk.told(), draft=InvoiceDraft("INV1", InvoiceFields(), [change]))
        assert "1.1000 1.0000 10.00%" in row_of(desk.get("details"), "net_unit_price")
        assert "허용 오차를 넘었어요" in text_of(desk.get("invoice"))

    def test_v2_invoice_totals(self, desk: Desk) -> None:
        play(desk, "v2")
        page = desk.get("totals")
        for name, words in {
            "balance": "495.00 495.00 0.00%",
            "total_discount": "0.00 9.90 100.00%",
            "charges": "64.90 64.90 0.00%",
            "sales_tax": "139.98 137.50 1.80%",
            "round_off": "0.00 0.00 0.00%",
            "invoice_amount": "699.88 687.50 1.80%",
        }.items():
            assert words in row_of(page, name)
        assert "불일치" in row_of(page, "total_discount")
        assert "통과" in row_of(page, "sales_tax")
        assert "1.803636%" in row_of(page, "sales_tax"), "what two decimals hide is told beside them"
        assert "20.00% 회사 설정" in row_of(page, "balance")
        assert "495 − 9.9 + 64.9 + 137.5 + 0 = 687.5" in text_of(page)

    @pytest.mark.parametrize(
        ("case", "steps", "words"),
        [
            ("v3", 3, ["송장 순액 105.00", "가격 총액 차이 5.00", "가격 총액 차이 백분율 5.00%", "가격 총액 통과"]),
            ("v4", 3, ["송장 순액 150.00", "가격 총액 차이 (회계 통화) 50.00 USD", "가격 총액 통과"]),
            ("v5", 4, ["송장 순액 150.00", "50.00%", "가격 총액 백분율"]),
            ("v3", None, ["송장 순액 150.00", "예상 순액 100.00", "가격 총액 차이 50.00", "50.00%", "10.00%"]),
            (
                "v4",
                None,
                ["송장 순액 205.00", "가격 총액 차이 (회계 통화) 105.00 USD", "가격 총액 허용 오차 100.00 USD"],
            ),
            ("v5", None, ["송장 순액 205.00", "105.00%", "가격 총액 백분율 · 가격 총액 금액"]),
            ("v7", None, ["송장 순액 11,880.00", "가격 총액 차이 1,880.00", "18.80%", "15.00%", "500.00 USD"]),
        ],
    )
    def test_v3_to_v5_and_v7_price_totals(self, desk: Desk, case: str, steps: int | None, words: list[str]) -> None:
        play(desk, case, steps)
        page = text_of(desk.get("details", "INV3" if case == "v7" else "INV1"))
        for one in words:
            assert one in page

    def test_v7_earlier_invoices_pass_with_a_negative_variance(self, desk: Desk) -> None:
        play(desk, "v7")
        page = text_of(desk.get("details", "INV1"))
        assert "-13.60%" in page
        assert "마지막 송장이 아니라서" in page
        assert "전기할 때의 결과예요" in page
        assert "-2.80%" in text_of(desk.get("details", "INV2"))

    def test_v6_nine_rows(self, desk: Desk) -> None:
        play(desk, "v6")
        page = desk.get("details")
        for name, words in {
            "unit_price": "55.40 55.38 0.04%",
            "price_unit": "1.00 1.00 0.00%",
            "charges_on_purchases": "50.00 0.00 100.00%",
            "discount": "0.00 0.00 0.00%",
            "discount_percent": "0.00% 0.00% 0.00%",
            "multiline_discount": "0.00 0.00 0.00%",
            "multiline_discount_percent": "0.00% 0.00% 0.00%",
            "net_amount": "271.60 221.52 22.61%",
            "net_unit_price": "67.9000 55.3800 22.61%",
        }.items():
            assert words in row_of(page, name)
        for name, word in {"unit_price": "통과", "charges_on_purchases": "불일치", "net_unit_price": "불일치"}.items():
            assert word in row_of(page, name)
        words_of_page = text_of(page)
        assert "(221.6 − 0 + 50) ÷ 4 = 67.9" in words_of_page
        assert "(67.9 − 55.38) ÷ 55.38 × 100 = 22.60744%" in words_of_page
        assert "허용 오차가 22.60744% 이상이면 통과해요" in words_of_page
        assert "송장 단가 48.418까지 통과해요" in words_of_page
        assert "양방향 (회사)" in words_of_page
        assert "품목 A / V1: 없음" not in words_of_page, "an item is named by itself"
        assert "A / V1: 없음" in words_of_page
        assert "모든 품목 / 모든 공급사: 10.00%" in words_of_page

    def test_v8_three_way(self, desk: Desk) -> None:
        play(desk, "v8")
        page = text_of(desk.get("details"))
        assert "송장 수량 4.00 매칭한 입고 수량 0.00" in page
        assert "3방향 (회사)" in page
        assert "단가 · 입고 수량" in page
        assert "입고를 4만큼 매칭하거나" in page

    def test_v9_charges(self, desk: Desk) -> None:
        play(desk, "v9")
        page = desk.get("charges")
        assert "비용 값 비교 - 송장: INV1" in text_of(page)
        assert "불일치 25.00 0.00 25.00 99,999,999,999.99% 25.00%" in row_of(page, "LICENSE")
        assert "통과 200.00 200.00 0.00 0.00% 25.00%" in row_of(page, "FREIGHT")
        assert "불일치 4.00 2.00 2.00 100.00% 25.00%" in row_of(page, "EXPEDITE")
        assert "비용 코드 LICENSE의 허용 오차" in row_of(page, "LICENSE")
        assert "허용 오차를 늘려도 통과하지 않아요" in row_of(page, "LICENSE")
        assert "연결 안 함" in text_of(page)
        assert "PO1/F" in text_of(page)


class TestDetails:
    def test_an_invoice_nobody_matched_says_so(self, desk: Desk) -> None:
        desk.rules(automatically_update_header_match_status=False)
        desk.order()
        desk.bill(price="1200")
        for name in ("details", "totals", "charges"):
            assert "미실행" in text_of(desk.get(name))
        assert desk.again().match_status == MatchStatus.NOT_PERFORMED

        assert desk.act("match").status_code == 302
        assert desk.again().match_status == MatchStatus.FAILED
        assert "20.00%" in text_of(desk.get("details"))

    def test_only_discrepancies_lists_only_lines_that_fail(self, desk: Desk) -> None:
        desk.order()
        desk.bill(price="1000")
        page = desk.get("details", only="discrepancies")
        assert "불일치한 라인이 없어요" in text_of(page)

    def test_an_earlier_run_can_be_looked_at(self, desk: Desk) -> None:
        desk.order()
        desk.bill(price="1200")
        first = MatchRun.objects.latest("pk")
        change = InvoiceLineDraft(1, InvoiceLineFields(unit_price=Decimal(1000)))
        invoices.change_invoice(**desk.told(), draft=InvoiceDraft("INV1", InvoiceFields(), [change]))

        assert "지난 실행의 결과예요" in text_of(desk.get("details", run=str(first.pk)))
        assert "지난 실행의 결과예요" not in text_of(desk.get("details"))
        assert "지난 실행의 결과예요" not in text_of(desk.get("details", run="nonsense"))

    def test_a_discount_is_compared_the_other_way_round(self) -> None:
        told = {"actual": "0", "expected": "9.9", "percent": "100", "verdict": "failed"}
        (row,) = figures.totals({"totals": {"total_discount": told}}, "USD")
        assert row.how == "(9.9 − 0) ÷ 9.9 × 100 = 100%"

    def test_figures_keep_their_sign_and_lose_nothing_silently(self) -> None:
        assert shown.percent("-0.001") == "0.00%"
        assert shown.exact("-0.001", "0.00%") == "-0.001"
        assert shown.exact("22.5", "22.50%") == ""
        assert shown.net_unit_price("0.00005") == "0.0001"
        assert shown.price("0.0125", "USD") == "0.0125"
        assert shown.money("1234567.5", "KRW") == "1,234,568"
        assert shown.percent("99999999999.99") == "99,999,999,999.99%"


class TestLists:
    def test_the_three_lists_share_out_the_invoices(self, desk: Desk) -> None:
        desk.order(quantity="1000")
        desk.bill("GOOD", quantity="10")
        desk.bill("BAD", quantity="10", price="1500")
        desk.bill("DONE", quantity="10")
        assert desk.act("post", "DONE").status_code == 302

        pending = text_of(desk.get("invoices", ""))
        failing = text_of(desk.get("discrepancies", ""))
        posted = text_of(desk.get("history", ""))
        assert "GOOD" in pending
        assert "BAD" in pending
        assert "DONE" not in pending
        assert "BAD" in failing
        assert "GOOD" not in failing
        assert "DONE" in posted
        assert "15,000" in failing

    def test_reasons_amounts_vendors_and_orders_limit_the_lists(self, desk: Desk) -> None:
        desk.order(quantity="1000")
        desk.bill("DEAR", quantity="10", price="1500")
        for query, there in (
            ({"reason": "PRICE"}, True),
            ({"reason": "CHARGE"}, False),
            ({"reason": "RECEIPT_QUANTITY"}, False),
            ({"least": "15,000"}, True),
            ({"least": "15,001"}, False),
            ({"vendor": "V1"}, True),
            ({"vendor": "V2"}, False),
            ({"order": "PO1"}, True),
            ({"order": "PO2"}, False),
        ):
            assert ("DEAR" in desk.get("discrepancies", "", **query).content.decode().partition("<table")[2]) is there
        assert "숫자로 적어 주세요" in text_of(desk.get("discrepancies", "", least="많이"))

    def test_the_largest_comes_first_when_asked(self, desk: Desk) -> None:
        desk.order(quantity="1000")
        desk.bill("SMALL", quantity="1", price="1500")
        desk.bill("LARGE", quantity="9", price="1500")
        page = desk.get("discrepancies", "", sort="-amount_minor").content.decode()
        assert page.index(">LARGE<") < page.index(">SMALL<")

    def test_another_merchant_sees_nothing(self, desk: Desk) -> None:
        desk.order()
        desk.bill()
        other = Desk(firm("달빛마켓"))
        for name in ("invoice", "details", "totals", "charges", "match-receipts", "invoice-edit", "invoice-post"):
            assert other.get(name).status_code == 404
        assert "INV1" not in text_of(other.get("invoices", ""))

    def test_charge_reasons_are_found_among_others(self, desk: Desk) -> None:
        play(desk, "v9")
        assert "INV1" in text_of(desk.get("discrepancies", "", reason="CHARGE"))
        assert "비용: LICENSE" in text_of(desk.get("discrepancies", ""))

    def test_queries_do_not_grow_with_rows(self, desk: Desk) -> None:
        desk.order(quantity="1000")
        for number in range(5):
            desk.bill(f"INV{number}", quantity="1", price="1500")
        browser = desk.browser()
        for name in ("invoices", "discrepancies", "history"):
            browser.get(reverse(f"matching:{name}"))
            with recorded(f"matching:{name}"):
                browser.get(reverse(f"matching:{name}"))
        for name in ("invoice", "details", "totals", "charges", "match-receipts", "invoice-edit"):
            browser.get(reverse(f"matching:{name}", args=["INV1"]))
            with recorded(f"matching:{name}"):
                browser.get(reverse(f"matching:{name}", args=["INV1"]))

    def test_several_are_matched_again_or_approved_at_once(self, desk: Desk) -> None:
        desk.rules(post_invoice_with_discrepancies="require_approval")
        desk.order(quantity="1000")
        for number in range(3):
            desk.bill(f"INV{number}", quantity="1", price="1500")

        def confirm(who: str, key: str, **values: str) -> Any:
            address = reverse("console:list-action", args=["matching-discrepancies", key])
            chosen = {"all": "1", "filters": "", "day": clock.today().isoformat()}
            asked = desk.browser(who).post(address, chosen)
            seal = re.search(r'name="seal" value="([^"]+)"', asked.content.decode())
            assert seal
            return desk.browser(who).post(address, {**chosen, "seal": seal[1], **values}, follow=True)

        assert "송장 3건을 다시 매칭했고 0건이 통과했어요." in text_of(confirm("clerk", "match-again"))
        assert "송장 3건의 불일치를 승인했어요." in text_of(confirm("checker", "approve", comment="단가 인상 합의"))
        assert set(Invoice.objects.values_list("match_status", "approval_comment")) == {
            (MatchStatus.FAILED_APPROVED, "단가 인상 합의")
        }

    def test_who_entered_an_invoice_cannot_approve_it(self, desk: Desk) -> None:
        desk.rules(post_invoice_with_discrepancies="require_approval")
        desk.order(quantity="1000")
        desk.bill("OWN", quantity="1", price="1500")
        Invoice.objects.filter(public_id="OWN").update(entered_by_id=desk.person("checker").pk)
        page = desk.get("invoice", "OWN", who="checker").content.decode()
        assert reverse("matching:invoice-approve", args=["OWN"]) not in page
        answer = desk.act("approve", "OWN", who="checker")
        assert answer.status_code == 409
        assert "승인할 수 없어요" in text_of(answer)


class TestDeciding:
    def test_an_invoice_goes_from_pending_to_a_settlement_record(self, desk: Desk) -> None:
        desk.order()
        desk.bill()
        assert desk.act("submit").status_code == 302
        assert desk.again().status == InvoiceStatus.IN_REVIEW
        assert desk.act("recall").status_code == 302
        assert desk.act("submit").status_code == 302
        assert desk.act("review", who="checker").status_code == 302
        assert desk.again().status == InvoiceStatus.READY
        assert desk.act("post").status_code == 302

        page = text_of(desk.get("invoice"))
        assert "전기됨" in page
        assert "송장 전기" in page, "the journal"
        assert "파트너를 연결하면" in page, "why there is no settlement record"
        assert Journal.objects.within(desk.scope).filter(origin_kind="invoice", origin_id="INV1").exists()
        assert reverse("matching:invoice-edit", args=["INV1"]) not in desk.get("invoice").content.decode()
        assert desk.get("invoice-edit").status_code == 409

    def test_rejecting_needs_a_reason(self, desk: Desk) -> None:
        desk.order()
        desk.bill()
        desk.act("submit")
        assert desk.act("reject", who="checker").status_code == 409
        assert desk.act("reject", who="checker", reason="단가를 확인해 주세요").status_code == 302
        assert "단가를 확인해 주세요" in text_of(desk.get("invoice"))
        assert desk.again().status == InvoiceStatus.PENDING

    def test_what_is_on_hold_is_not_posted(self, desk: Desk) -> None:
        desk.order()
        desk.bill()
        desk.act("hold", reason="반품 협의 중")
        assert "반품 협의 중" in text_of(desk.get("invoice"))
        answer = desk.act("post")
        assert answer.status_code == 409
        assert "보류된 송장이에요" in text_of(answer)
        desk.act("release")
        assert desk.act("post").status_code == 302

    def test_a_discrepancy_is_approved_by_somebody_else_and_then_posted(self, desk: Desk) -> None:
        desk.rules(post_invoice_with_discrepancies="require_approval")
        desk.order()
        desk.bill(price="1500")
        refused = desk.act("post")
        assert "불일치를 승인해야 전기할 수 있어요" in text_of(refused)
        assert reverse("matching:invoice-approve", args=["INV1"]) not in desk.get("invoice").content.decode()
        assert desk.browser().get(reverse("matching:invoice-approve", args=["INV1"])).status_code == 403

        assert desk.act("approve", who="checker", comment="합의한 인상").status_code == 302
        page = text_of(desk.get("details"))
        assert "불일치, 승인됨" in page
        assert "합의한 인상" in page
        assert desk.act("post").status_code == 302
        assert desk.again().match_status == MatchStatus.FAILED_APPROVED

    def test_an_approval_is_bound_to_the_figures_that_were_shown(self, desk: Desk) -> None:
        desk.rules(post_invoice_with_discrepancies="require_approval", automatically_update_header_match_status=False)
        desk.order()
        desk.bill(price="1500")
        desk.act("match")
        asked = desk.get("invoice-approve", who="checker").content.decode()
        hidden = dict(re.findall(r'type="hidden" name="(version|seen)" value="([^"]*)"', asked))
        company.save_price_tolerance(**desk.told(), item="all", vendor="all", percent=Decimal(60))

        answer = desk.browser("checker").post(reverse("matching:invoice-approve", args=["INV1"]), hidden)

        assert answer.status_code == 409
        assert not desk.again().is_approved

    def test_a_changed_invoice_is_looked_at_again(self, desk: Desk) -> None:
        desk.order()
        desk.bill()
        asked = desk.get("invoice-post").content.decode()
        version = re.search(r'name="version" value="(\d+)"', asked)
        assert version
        change = InvoiceLineDraft(1, InvoiceLineFields(quantity=Decimal(50)))
        invoices.change_invoice(**desk.told(), draft=InvoiceDraft("INV1", InvoiceFields(), [change]))

        answer = desk.browser().post(reverse("matching:invoice-post", args=["INV1"]), {"version": version[1]})

        assert answer.status_code == 409
        assert "그사이 송장이 바뀌었어요" in text_of(answer)
        assert desk.again().status == InvoiceStatus.PENDING

    def test_the_run_before_a_refused_posting_is_kept(self, desk: Desk) -> None:
        desk.rules(post_invoice_with_discrepancies="require_approval", automatically_update_header_match_status=False)
        desk.order()
        desk.bill(price="1500")
        assert not MatchRun.objects.exists()
        assert desk.act("post").status_code == 409
        assert MatchRun.objects.count() == 1

    def test_deleting_leads_to_the_list(self, desk: Desk) -> None:
        desk.order()
        desk.bill()
        assert desk.act("delete").headers["Location"] == reverse("matching:invoices")
        assert not Invoice.objects.exists()
        assert AuditEvent.objects.filter(action="invoice.deleted", object_id="INV1").exists()

    def test_viewers_see_and_do_nothing(self, desk: Desk) -> None:
        desk.order()
        desk.bill()
        page = desk.get("invoice", who="viewer").content.decode()
        for verb in ("post", "edit", "hold", "delete", "match"):
            assert reverse(f"matching:invoice-{verb}", args=["INV1"]) not in page
            assert desk.get(f"invoice-{verb}", who="viewer").status_code == 403

    def test_automation_is_left_and_taken_up_again(self, desk: Desk) -> None:
        desk.rules(automation_match_receipts=True, automation_attempts=2)
        desk.order(policy="three_way")
        desk.bill()
        assert "0 / 2회" in text_of(desk.get("invoice"))
        desk.act("exclude")
        assert not desk.again().is_automated
        Invoice.objects.update(automation_outcome="failed", automation_attempts=2)
        assert "다시 시작하기" in text_of(desk.get("invoice"))
        desk.act("include")
        assert (desk.again().automation_outcome, desk.again().automation_attempts) == ("", 0)


class TestReceipts:
    def test_receipts_are_chosen_by_hand(self, desk: Desk) -> None:
        desk.order(policy="three_way")
        desk.receive("GR1", "60")
        desk.receive("GR2", "40")
        desk.bill()
        page = desk.get("match-receipts")
        keys = re.findall(r'name="take-(1-\d+)"', page.content.decode())
        assert len(keys) == 2
        version = str(desk.again().version)

        posted = {"version": version, f"take-{keys[0]}": "on", f"take-{keys[1]}": "on", f"quantity-{keys[1]}": "30"}
        assert desk.browser().post(reverse("matching:match-receipts", args=["INV1"]), posted).status_code == 302

        assert sorted(ReceiptMatch.objects.values_list("quantity", flat=True)) == [Decimal(30), Decimal(60)]
        assert desk.again().reasons == ["RECEIPT_QUANTITY"]
        assert "송장 수량 100.00 매칭한 입고 수량 90.00" in text_of(desk.get("details"))

    def test_too_much_is_refused_beside_the_receipt(self, desk: Desk) -> None:
        desk.order(policy="three_way")
        desk.receive("GR1", "60")
        desk.bill()
        (key,) = re.findall(r'name="take-(1-\d+)"', desk.get("match-receipts").content.decode())
        posted = {"version": str(desk.again().version), f"take-{key}": "on", f"quantity-{key}": "61"}
        answer = desk.browser().post(reverse("matching:match-receipts", args=["INV1"]), posted)
        assert answer.status_code == 400
        assert "60.00까지 적을 수 있어요" in text_of(answer)
        assert not ReceiptMatch.objects.exists()

    def test_the_suggestion_takes_the_oldest_first(self, desk: Desk) -> None:
        desk.order(quantity="200", policy="three_way")
        desk.receive("GR1", "60")
        desk.receive("GR2", "60")
        desk.bill()
        posted = {"version": str(desk.again().version), "suggest": "1"}
        answer = desk.browser().post(reverse("matching:match-receipts", args=["INV1"]), posted, follow=True)
        assert "입고를 매칭했어요" in text_of(answer)
        matched = ReceiptMatch.objects.values_list("receipt_line__receipt__public_id", "quantity")
        assert dict(matched) == {"GR1": Decimal(60), "GR2": Decimal(40)}
        assert desk.again().match_status == MatchStatus.PASSED

    def test_all_and_none_work_without_scripts(self, desk: Desk) -> None:
        desk.order(policy="three_way")
        desk.receive("GR1", "60")
        desk.bill()
        assert "checked" in desk.get("match-receipts", select="all").content.decode()
        assert "checked" not in desk.get("match-receipts", select="none").content.decode().partition("data-picks")[2]


def filled(page: Any) -> dict[str, str]:
    """Return what a browser would send of a form as it is shown."""
    sent: dict[str, str] = {}
    body = page.content.decode().partition('class="setup-document"')[2]
    for tag in re.findall(r"<input[^>]*>", body):
        name = re.search(r'name="([^"]+)"', tag)
        value = re.search(r'value="([^"]*)"', tag)
        if not name or ('type="checkbox"' in tag and "checked" not in tag):
            continue
        sent[name[1]] = value[1] if value else ("on" if "checkbox" in tag else "")
    for name, inner in re.findall(r'(?s)<select name="([^"]+)".*?>(.*?)</select>', body):
        chosen = re.search(r'value="([^"]*)" selected', inner)
        sent[name] = chosen[1] if chosen else ""
    return sent


class TestEntering:
    def test_what_has_come_and_is_not_billed_is_offered(self, desk: Desk) -> None:
        desk.order(policy="three_way")
        desk.receive("GR1", "60")
        assert "누구의 송장인지" in text_of(desk.get("invoice-new", ""))
        page = desk.get("invoice-new", "", vendor="V1")
        sent = filled(page)
        assert (sent["lines-0-order_line"], sent["lines-0-quantity"], sent["lines-0-unit_price"]) == (
            "PO1/1",
            "60",
            "1000",
        )
        assert "lines-0-take" in sent

        answer = desk.browser().post(reverse("matching:invoice-new"), {**sent, "number": "B-77", "public_id": "NEW1"})

        assert answer.headers["Location"] == reverse("matching:invoice", args=["NEW1"])
        invoice = desk.again("NEW1")
        assert (invoice.amount, invoice.match_status) == (Decimal(60_000), MatchStatus.PASSED)
        assert ReceiptMatch.objects.get().quantity == Decimal(60)
        assert invoice.due_date == invoice.date + timedelta(days=30)

    def test_an_unknown_vendor_is_told(self, desk: Desk) -> None:
        desk.vendor()
        assert "이런 공급사가 없어요" in text_of(desk.get("invoice-new", "", vendor="NOBODY"))

    def test_lines_without_orders_and_charges_are_typed(self, desk: Desk) -> None:
        desk.vendor()
        company.save_charge_code(**desk.told(), code="FREIGHT", fields={})
        sent = filled(desk.get("invoice-new", "", vendor="V1"))
        typed = {
            "number": "B-1",
            "public_id": "NEW1",
            "sales_tax": "1,100",
            "lines-0-description": "수리",
            "lines-0-quantity": "2",
            "lines-0-unit_price": "5,000",
            "charges-0-code": "FREIGHT",
            "charges-0-value": "1000",
            "charges-1-code": "FREIGHT",
            "charges-1-line": "1",
            "charges-1-value": "300",
        }
        summed = desk.browser().post(reverse("matching:invoice-sums"), {**sent, **typed})
        assert "송장 금액 12,400" in text_of(summed)
        answer = desk.browser().post(reverse("matching:invoice-new"), {**sent, **typed})
        assert answer.status_code == 302
        invoice = desk.again("NEW1")
        assert invoice.amount == Decimal(12_400)
        assert set(invoice.charges.values_list("invoice_line__number", "value")) == {
            (1, Decimal(300)),
            (None, Decimal(1000)),
        }

    def test_saving_what_stands_changes_nothing(self, desk: Desk) -> None:
        desk.order()
        desk.bill(price="1500")
        before = MatchRun.objects.count()
        sent = filled(desk.get("invoice-edit"))
        answer = desk.browser().post(reverse("matching:invoice-edit", args=["INV1"]), sent)
        assert answer.status_code == 302
        assert MatchRun.objects.count() == before
        assert desk.again().lines.get().unit_price == Decimal(1500)

    def test_a_corrected_price_resolves_the_discrepancy(self, desk: Desk) -> None:
        desk.order()
        desk.bill(price="1500")
        sent = filled(desk.get("invoice-edit")) | {"lines-0-unit_price": "1000"}
        desk.browser().post(reverse("matching:invoice-edit", args=["INV1"]), sent)
        assert desk.again().match_status == MatchStatus.PASSED

    def test_a_stale_form_is_refused(self, desk: Desk) -> None:
        desk.order()
        desk.bill()
        sent = filled(desk.get("invoice-edit"))
        invoices.change_invoice(**desk.told(), draft=InvoiceDraft("INV1", InvoiceFields(memo="다른 사람")))
        answer = desk.browser().post(reverse("matching:invoice-edit", args=["INV1"]), sent | {"memo": "나"})
        assert answer.status_code == 422
        assert "그사이 송장이 바뀌었어요" in text_of(answer)
        assert desk.again().memo == "다른 사람"

    def test_a_line_is_taken_off_and_another_put_on(self, desk: Desk) -> None:
        desk.order()
        desk.bill()
        page = desk.get("invoice-edit")
        sent = filled(page)
        blank = int(sent["lines-TOTAL_FORMS"]) - 1
        sent |= {"lines-0-drop": "on", f"lines-{blank}-description": "운임", f"lines-{blank}-quantity": "1"}
        answer = desk.browser().post(reverse("matching:invoice-edit", args=["INV1"]), sent)
        assert answer.status_code == 302
        assert list(desk.again().lines.values_list("number", "description")) == [(2, "운임")]

    def test_charges_keep_their_connection(self, desk: Desk) -> None:
        play(desk, "v9")
        sent = filled(desk.get("invoice-edit"))
        assert sent["charges-1-connected_to"] == "PO1/F"
        row = next(number for number in range(3) if sent[f"charges-{number}-code"] == "LICENSE")
        answer = desk.browser().post(
            reverse("matching:invoice-edit", args=["INV1"]), sent | {f"charges-{row}-drop": "on"}
        )
        assert answer.status_code == 302
        assert set(desk.again().charges.values_list("code__code", "connected_to__name")) == {
            ("FREIGHT", "F"),
            ("EXPEDITE", "E"),
        }

    def test_many_lines_are_changed_page_by_page(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(entry_forms, "MOST_LINES", 2)
        desk.vendor()
        company.save_charge_code(**desk.told(), code="FREIGHT", fields={})
        one = InvoiceLineFields(quantity=Decimal(1), unit_price=Decimal(100))
        charged = [InvoiceChargeDraft("FREIGHT", Decimal(7))]
        lines = [InvoiceLineDraft(1, one, charged), InvoiceLineDraft(2, one), InvoiceLineDraft(3, one)]
        fields = InvoiceFields(vendor="V1", number="B-1")
        invoices.enter_invoice(**desk.told(), draft=InvoiceDraft("INV1", fields, lines))

        sent = filled(desk.get("invoice-edit", page="2"))
        assert sent["lines-0-number"] == "3"
        sent |= {"lines-0-unit_price": "250", "charges-0-value": "9"}
        assert desk.browser().post(reverse("matching:invoice-edit", args=["INV1"]), sent).status_code == 302

        prices = dict(desk.again().lines.values_list("number", "unit_price"))
        assert prices == {1: Decimal(100), 2: Decimal(100), 3: Decimal(250)}
        assert list(desk.again().charges.values_list("invoice_line__number", "value")) == [(1, Decimal(9))]

    def test_what_is_offered_and_not_taken_leaves_no_gap(self, desk: Desk) -> None:
        desk.order("PO1")
        desk.order("PO2")
        company.save_charge_code(**desk.told(), code="FREIGHT", fields={})
        sent = filled(desk.get("invoice-new", "", vendor="V1")) | {"number": "B-1", "public_id": "NEW1"}
        second = next(row for row in range(2) if sent[f"lines-{row}-order_line"] == "PO1/1")
        sent |= {f"lines-{second}-take": "on", f"lines-{second}-quantity": "3"}
        sent |= {"charges-0-code": "FREIGHT", "charges-0-line": str(second + 1), "charges-0-value": "5"}

        assert desk.browser().post(reverse("matching:invoice-new"), sent).status_code == 302

        (line,) = desk.again("NEW1").lines.all()
        assert (line.number, str(line.order_line and line.order_line.order)) == (1, "PO1")
        assert line.charges.get().value == Decimal(5)

    def test_more_rows_keep_what_was_typed(self, desk: Desk) -> None:
        desk.vendor()
        sent = filled(desk.get("invoice-new", "", vendor="V1")) | {"lines-0-description": "수리", "number": "B-1"}
        page = desk.browser().post(reverse("matching:invoice-new"), {**sent, "more": "lines"})
        again = filled(page)
        assert again["lines-0-description"] == "수리"
        assert again["number"] == "B-1"
        assert not Invoice.objects.exists()

    def test_mistakes_are_told_beside_the_field(self, desk: Desk) -> None:
        desk.vendor()
        sent = filled(desk.get("invoice-new", "", vendor="V1")) | {
            "lines-0-description": "수리",
            "charges-0-code": "NONE",
            "charges-0-value": "1",
            "charges-0-line": "9",
        }
        page = desk.browser().post(reverse("matching:invoice-new"), sent)
        assert page.status_code == 422
        assert "수량을 적어 주세요" in text_of(page)
        sent |= {"number": "B-1", "lines-0-quantity": "1"}
        page = desk.browser().post(reverse("matching:invoice-new"), sent)
        assert "이 번호의 라인이 없어요" in text_of(page)
        page = desk.browser().post(reverse("matching:invoice-new"), sent | {"charges-0-line": ""})
        assert page.status_code == 422
        assert "찾을 수 없어요: NONE" in text_of(page)

    def test_a_bill_that_looks_the_same_is_asked_about(self, desk: Desk) -> None:
        desk.order(quantity="1000")
        desk.bill("INV-0001", quantity="10")
        sent = filled(desk.get("invoice-new", "", vendor="V1"))
        sent |= {"number": "ｌNV 0OO1", "public_id": "NEW1", "lines-0-take": "on", "lines-0-quantity": "11"}
        asked = desk.browser().post(reverse("matching:invoice-new"), sent)
        assert "송장 번호가 비슷해요" in text_of(asked)
        assert not Invoice.objects.filter(public_id="NEW1").exists()

        assert desk.browser().post(reverse("matching:invoice-new"), {**sent, "sure": "1"}).status_code == 302
        assert "같은 송장일 수 있어요" in text_of(desk.get("invoice", "NEW1"))
        assert "INV-0001" in text_of(desk.get("invoice", "NEW1"))


class TestNearDuplicates:
    TODAY = clock.today()

    def bill(self, key: str, number: str, amount: str = "1", days: int = 0, currency: str = "KRW") -> Bill:
        return Bill(key, number, Decimal(amount), currency, self.TODAY + timedelta(days=days))

    @pytest.mark.parametrize(
        ("left", "right"),
        [("INV-001", "inv 001"), ("A0O1", "AOO1"), ("I1l", "111"), ("2026/11", "2026-11"), ("１２", "12")],
    )
    def test_numbers_that_read_alike_fold_to_one(self, left: str, right: str) -> None:
        assert folded(left) == folded(right)

    def test_other_numbers_stay_apart(self) -> None:
        assert folded("INV-001") != folded("INV-002")
        assert near(self.bill("a", "--"), [self.bill("b", "//", "2")]) == []

    def test_the_same_amount_counts_within_seven_days_and_in_one_currency(self) -> None:
        mine = self.bill("me", "A", "100")
        others = [
            self.bill("me", "A", "100"),
            self.bill("seven", "B", "100", days=-7),
            self.bill("eight", "C", "100", days=8),
            self.bill("other", "D", "100", currency="USD"),
            self.bill("both", "a", "100", days=1),
        ]
        assert [(one.bill.key, one.why) for one in near(mine, others)] == [
            ("seven", (Why.AMOUNT,)),
            ("both", (Why.NUMBER, Why.AMOUNT)),
        ]

    def test_nothing_is_not_the_same_amount(self) -> None:
        assert near(self.bill("a", "A", "0"), [self.bill("b", "B", "0")]) == []


def test_invoice_record_partner_and_ledger_lead_to_each_other(desk: Desk) -> None:
    build.contract(desk.scope)
    build.partner(desk.scope, "acme")
    desk.vendor(partner="acme")
    desk.order()
    desk.bill()
    desk.act("post")
    record = desk.again().settlement_record_id
    assert record

    there = reverse("matching:invoice", args=["INV1"])
    assert reverse("settlement:record", args=[record]) in desk.get("invoice").content.decode()
    for address in (reverse("settlement:record", args=[record]), reverse("settlement:partner", args=["acme"])):
        assert there in desk.browser().get(address).content.decode()
    journal = Journal.objects.within(desk.scope).get(origin_kind="invoice", event_type="invoice.posted")
    page = desk.browser().get(reverse("ledger:journal", args=[journal.pk]))
    assert there in page.content.decode()
    assert "송장 전기" in text_of(page)


def test_invoices_orders_and_receipts_are_found_by_their_ids(desk: Desk) -> None:
    desk.order()
    desk.receive("GR1", "10")
    desk.bill()
    links = {link.url for word in ("INV1", "PO1", "GR1") for link in registry.find(desk.scope, word)}
    assert {reverse("matching:invoice", args=["INV1"]), reverse("matching:order", args=["PO1"])} <= links
    assert reverse("matching:receipt", args=["GR1"]) in links
    link = registry.origin_link("invoice", "INV1")
    assert link is not None
    assert link.url == reverse("matching:invoice", args=["INV1"])

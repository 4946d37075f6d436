"""Protects the pages of settlement: they show what is owed and why, to the right people, and act only through forms."""

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pytest
from django.contrib.auth.hashers import MD5PasswordHasher
from django.db import connection
from django.http import QueryDict
from django.test import Client
from pytest_django import Settings

from access.models import AuditEvent, User
from access.roles import Role
from console import registry, totals
from console.lists import page_named
from core.scope import Scope
from ledger.models import Journal
from settlement import claims, explain
from settlement.actions import settlement_actions
from settlement.forms import ContractForm
from settlement.models import (
    Contract,
    Holiday,
    HolidayChange,
    Partner,
    PartnerSettlement,
    PartnerStatus,
    PayoutRef,
    PropertyTarget,
    RecordState,
    Schedule,
    Setting,
    SettlementRecord,
    SettlementState,
    SettlementStatus,
)
from settlement.operations import contracts, policies, properties
from settlement.operations.policies import FeeInput
from settlement.operations.records import DiscountDraft
from settlement.pages import rows
from tests import build
from tests.access import build as people
from tests.access.build import Firm
from tests.query_counts import recorded

pytestmark = pytest.mark.django_db
ALL = "date_period=all"


@dataclass
class Shop:
    """A merchant with a partner, and browsers in which its people have signed in."""

    firm: Firm
    browser: Client
    viewer: Client

    @property
    def scope(self) -> Scope:
        """Return the merchant's live scope."""
        return self.firm.scope

    def admin(self) -> Client:
        """Return a browser in which an admin has signed in."""
        return people.signed_in(self.firm.person("admin", Role.ADMIN, code=True))

    def approver(self) -> Client:
        """Return a browser in which an approver has signed in."""
        return people.signed_in(self.firm.person("approver", Role.APPROVER, code=True))


@pytest.fixture
def shop(settings: Settings) -> Shop:
    """A merchant with one partner at 10 %, an operator and a viewer."""
    settings.PASSWORD_HASHERS = [f"{MD5PasswordHasher.__module__}.{MD5PasswordHasher.__qualname__}"]
    firm = people.firm()
    operator, viewer = firm.person("operator", Role.OPERATOR), firm.person("viewer")
    build.partner(firm.scope)
    build.share(firm.scope)
    build.extra_fee(firm.scope)
    return Shop(firm, people.signed_in(operator), people.signed_in(viewer))


def text(response: Any) -> str:
    """Return what a person reads on a page."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def opened(response: Any) -> list[str]:
    """Return where clicks on the rows of a list lead."""
    return re.findall(r'<tr data-href="([^"]+)"', response.content.decode())


def record_page(record: SettlementRecord) -> str:
    return f"/settlement/records/view/{record.public_id}"


def settlement_page(row: PartnerSettlement) -> str:
    return f"/settlement/due/view/{row.public_id}"


class TestEveryPage:
    PAGES = (
        "/settlement/records/",
        "/settlement/due/",
        "/settlement/holidays/",
        "/settlement/settings/",
        "/settlement/properties/",
        "/settlement/due/figures/",
        "/partners/",
        "/partners/view/seller-7",
        "/contracts/",
        "/contracts/view/ten-percent",
        "/discount-policies/",
        "/discount-policies/view/half",
        "/fee-policies/",
        "/fee-policies/view/five",
    )
    FORMS = (
        "/settlement/manual/",
        "/partners/new/",
        "/partners/edit/seller-7",
        "/contracts/new/",
        "/contracts/edit/ten-percent",
        "/discount-policies/new/",
        "/discount-policies/edit/half",
        "/fee-policies/new/",
        "/fee-policies/edit/five",
    )

    @pytest.mark.parametrize("language", ["ko", "en"])
    def test_opens_for_an_operator(self, shop: Shop, language: str) -> None:
        User.objects.filter(username="operator").update(language=language)
        for url in (*self.PAGES, *self.FORMS):
            assert shop.browser.get(url).status_code == 200, url

    def test_a_viewer_reads_but_gets_no_form(self, shop: Shop) -> None:
        for url in self.PAGES:
            page = shop.viewer.get(url)
            assert page.status_code == 200, url
            assert "/new/" not in page.content.decode(), url
            assert "/edit/" not in page.content.decode(), url
        for url in self.FORMS:
            assert shop.viewer.get(url).status_code == 403, url

    def test_a_viewer_can_do_nothing(self, shop: Shop) -> None:
        record = build.order(shop.scope)
        for url in (
            f"/settlement/records/void/{record.public_id}",
            "/settlement/manual/",
            "/settlement/due/decide/ps-1",
            "/settlement/holidays/add/",
            "/settlement/settings/",
            "/partners/new/",
            "/partners/account/seller-7",
            "/partners/decide/seller-7",
            "/partners/archive/seller-7",
            "/partners/status/seller-7",
            "/partners/properties/seller-7",
            "/partners/unplan/seller-7",
            "/contracts/unplan/ten-percent",
            "/settlement/holidays/year/",
            "/settlement/properties/add/",
            "/contracts/archive/ten-percent",
            "/lists/partner-settlements/actions/withhold/",
        ):
            assert shop.viewer.post(url, {"reason": "x"}).status_code == 403, url

    def test_what_belongs_to_somebody_else_is_absent(self, shop: Shop) -> None:
        other = build.merchant("다른 상점")
        build.partner(other, "theirs")
        theirs = build.settled(other, 500, "theirs")
        record = theirs.records.get()
        for url in (record_page(record), settlement_page(theirs), "/partners/view/theirs", "/partners/edit/theirs"):
            assert shop.browser.get(url).status_code == 404, url
        for url in (
            f"/settlement/records/void/{record.public_id}",
            "/partners/archive/theirs",
            f"/settlement/due/decide/{theirs.public_id}",
        ):
            answer = shop.browser.post(url, {"reason": "x", "decision": "withhold"})
            assert answer.status_code == 404, url
        assert theirs.public_id not in shop.browser.get("/settlement/due/?status=any").content.decode()

    def test_changes_are_not_made_by_looking(self, shop: Shop) -> None:
        record = build.order(shop.scope)
        assert shop.browser.get(f"/settlement/records/void/{record.public_id}").status_code == 405
        assert shop.browser.get("/partners/archive/seller-7").status_code == 405

    def test_a_form_without_its_token_is_refused(self, shop: Shop) -> None:
        strict = Client(enforce_csrf_checks=True)
        strict.cookies = shop.browser.cookies
        assert strict.post("/partners/archive/seller-7").status_code == 403

    def test_ids_may_hold_any_character(self, shop: Shop) -> None:
        strange = "가게 1/2?#&%"
        build.partner(shop.scope, strange)
        page = shop.browser.get("/partners/")
        (url,) = [url for url in opened(page) if "seller-7" not in url]
        assert shop.browser.get(url.replace("&amp;", "&")).status_code == 200
        assert url == f"/partners/view/{quote(strange, safe='/&')}".replace("&", "&amp;")


class TestRecords:
    def test_lists_what_stands_with_cancels_negative(self, shop: Shop) -> None:
        order = build.order(shop.scope)
        build.cancel(shop.scope, order, 5_000)
        gone = build.order(shop.scope)
        shop.browser.post(f"/settlement/records/void/{gone.public_id}", {"reason": "잘못 등록"})

        page = shop.browser.get(f"/settlement/records/?{ALL}")

        assert len(opened(page)) == 2
        assert "-5,000" in text(page)
        assert "-4,450" in text(page)
        assert gone.public_id not in page.content.decode()

    def test_the_result_line_nets_cancels(self, shop: Shop) -> None:
        order = build.order(shop.scope)
        build.cancel(shop.scope, order, 5_000)
        build.manual(shop.scope, -1_000)
        line = text(shop.browser.get(f"/lists/settlement-records/total/?{ALL}"))
        assert "총 3 건" in line
        assert "정산 금액 합계 ₩3,450" in line
        assert "주문 금액 합계 ₩5,000" in line

    @pytest.mark.parametrize(
        "query",
        ["", "&type=ORDER", "&type=ORDER&type=MANUAL", "&status=SETTLED", "&partner=seller-7&status=IN_PROCESS"],
    )
    def test_kept_sums_are_the_sums_of_the_rows(self, shop: Shop, query: str) -> None:
        build.partner(shop.scope, "other")
        for place in range(6):
            order = build.order(shop.scope, 10_000 + place, ["seller-7", "other"][place % 2])
            if place % 3 == 0:
                build.cancel(shop.scope, order, 3_333)
        build.mature("2023-08-31")
        build.order(shop.scope, 7_777, on="2023-08-31", start="2023-08-31")
        build.manual(shop.scope, -400)
        _pay(shop.scope, PartnerSettlement.objects.within(shop.scope).filter(type="ORDER").first())
        page = page_named("settlement-records")()
        filters = page.bind(QueryDict(ALL + query))

        kept = rows.record_totals(shop.scope, filters)

        counted = totals.exact(page.queryset(shop.scope), filters, page.columns, page.currency)
        assert kept is not None
        assert (kept.count, kept.sums) == (counted.count, counted.sums)
        for name in ("type", "status"):
            assert {k: v for k, v in kept.counts[name].items() if v} == counted.counts[name]

    def test_finds_by_every_kind_of_word(self, shop: Shop) -> None:
        record = build.order(shop.scope, lines=[build.line("P-1", 10_000, 1)], order_name="찻잔 세트", memo="급함")
        build.order(shop.scope, 20_000)
        build.mature("2023-08-31")
        row = build.settlement_of(record)
        _pay(shop.scope, row)
        for kind, word, found in (
            ("number", record.public_id, 1),
            ("number", record.payment_id, 1),
            ("partner", "파트너 seller", 2),
            ("partner_id", "seller-7", 2),
            ("order", "찻잔", 1),
            ("product", "P-1", 1),
            ("settlement", row.public_id, 2),
            ("payout", "po-1", 2),
            ("memo", "급함", 1),
            ("number", "nobody", 0),
        ):
            page = shop.browser.get(f"/settlement/records/?{ALL}&kw={kind}&q={quote(word)}")
            assert len(opened(page)) == found, kind

    def test_statuses_follow_the_payout(self, shop: Shop) -> None:
        record = build.order(shop.scope)
        build.mature("2023-08-31")
        _pay(shop.scope, build.settlement_of(record))
        assert len(opened(shop.browser.get(f"/settlement/records/?{ALL}&status=PAID_OUT"))) == 1
        assert opened(shop.browser.get(f"/settlement/records/?{ALL}&status=SETTLED")) == []
        assert "po-1" in text(shop.browser.get(record_page(record)))

    def test_queries_stay_the_same_however_many_rows(self, shop: Shop) -> None:
        build.order(shop.scope)
        with recorded("settlement:records"):
            shop.browser.get(f"/settlement/records/?{ALL}")
        for _ in range(8):
            build.order(shop.scope)
        with recorded("settlement:records"):
            shop.browser.get(f"/settlement/records/?{ALL}")

    def test_pages_come_off_an_index_in_order(self, shop: Shop) -> None:
        found: Any = rows.record_rows(shop.scope)
        listed = found.order_by("-settlement_date", "-id").values("id", "status")[:51]
        with connection.cursor() as cursor:
            cursor.execute("set local enable_seqscan = off")
        plan = listed.explain()
        assert "settlement_record_list" in plan
        # The newest claim of a row may be sorted out of the few it has; the rows themselves must not be.
        assert "Sort Key: settlement_settlementrecord" not in plan

    @pytest.mark.parametrize("extension", ["xlsx", "csv"])
    def test_leave_as_a_file_of_the_whole_filter(self, shop: Shop, extension: str) -> None:
        build.order(shop.scope)
        build.manual(shop.scope, 500)
        sent = {"filters": ALL, "format": extension, "cols": ""}
        answer: Any = shop.browser.post("/lists/settlement-records/export/", sent)
        content = b"".join(answer.streaming_content)
        assert quote("정산내역") in answer["Content-Disposition"]
        if extension == "csv":
            assert len(content.decode("utf-8-sig").splitlines()) == 3


class TestRecord:
    def test_example_5_explains_itself(self, shop: Shop) -> None:
        contract = build.contract(shop.scope, "merchant-vat", vat_payer="MERCHANT", cycle=build.FRIDAYS)
        line = build.line("A", 5_000, 5, discounts=[DiscountDraft("half", 2_500)], fee_policy_ids=["five"])
        record = build.order(
            shop.scope,
            lines=[line],
            discounts=[DiscountDraft("half", 2_500)],
            fees=["five"],
            contract_id=contract.public_id,
        )

        steps = explain.steps(record)

        assert sum(step.amount for step in steps) == record.settlement == 17_250
        page = text(shop.browser.get(record_page(record)))
        for part in ("5,000 × 5", "25,000 × 5%", "할인 2,500 × 분담율 50%", "고객사가 부담해요.", "₩17,250"):
            assert part in page, part

    @pytest.mark.parametrize("amount", [1, 10, 33_333, 999_999_999_999_999])
    def test_every_amount_is_explained(self, shop: Shop, amount: int) -> None:
        build.contract(shop.scope, "vat", fee=FeeInput(rate=3_300), subtract_payment_vat=True)
        record = build.order(shop.scope, amount, contract_id="vat", fees=["five"])
        record = SettlementRecord.objects.select_related("contract_version__contract").get(pk=record.pk)
        steps = explain.steps(record)
        assert sum(step.amount for step in steps) == record.settlement
        assert all(step.formula for step in steps[1:])

    def test_the_last_cancel_says_that_it_takes_what_is_left(self, shop: Shop) -> None:
        order = build.order(shop.scope, 10_001)
        for _ in range(2):
            build.cancel(shop.scope, order, 3_333)
        last = build.cancel(shop.scope, order)
        page = text(shop.browser.get(record_page(last)))
        assert "마지막 취소라서" in page
        assert "-₩2,967" in page

    def test_says_how_its_date_came_about(self, shop: Shop) -> None:
        page = text(shop.browser.get(record_page(build.order(shop.scope, on="2023-09-01", start="2023-09-01"))))
        assert "2023-09-01에 시작 + 보류 2일 = 2023-09-03" in page
        assert "첫 정산 주기 날: 2023-09-30" in page
        assert "쉬는 날이라 옮긴 날: 2023-09-27" in page

    def test_links_lead_to_what_the_terms_said_then(self, shop: Shop) -> None:
        record = build.order(shop.scope, discounts=[DiscountDraft("half", 2_000)], fees=["five"])
        told: Any = {"scope": shop.scope, "by": build.BY, "now": build.noon("2023-09-01")}
        contracts.change(**told, public_id="ten-percent", fee=FeeInput(rate=20_000))
        policies.change_discount_share(**told, public_id="half", partner_share_rate=70_000)
        page = shop.browser.get(record_page(record)).content.decode()
        for kind, public_id, said in (
            ("contracts", "ten-percent", "10%"),
            ("discount-policies", "half", "50%"),
            ("fee-policies", "five", "5%"),
        ):
            url = f"/{kind}/view/{public_id}?version=1"
            assert f'href="{url}"' in page
            chosen = shop.browser.get(url)
            part = re.search(
                r'<section class="section planned" id="version">.*?</section>', chosen.content.decode(), re.DOTALL
            )
            assert part
            assert said in part[0]
        assert shop.browser.get("/contracts/view/ten-percent?version=9").status_code == 404
        assert shop.browser.get("/contracts/view/ten-percent?version=x").status_code == 404

    def test_an_order_says_what_its_cancels_left(self, shop: Shop) -> None:
        order = build.order(shop.scope)
        build.cancel(shop.scope, order, 4_000)
        page = text(shop.browser.get(record_page(order)))
        assert "남은 금액 ₩6,000 ₩5,340" in page

    def test_custom_properties_are_shown_by_name_and_secret_ones_to_admins(self, shop: Shop) -> None:
        record = build.order(shop.scope)
        for key, secret in (("team", False), ("rating", True)):
            properties.define(
                scope=shop.scope,
                by=build.BY,
                now=build.noon(),
                target=PropertyTarget.RECORD,
                key=key,
                name=f"이름 {key}",
                is_secret=secret,
            )
        SettlementRecord.objects.filter(pk=record.pk).update(
            user_defined_properties=properties.listed({"team": "봄", "rating": "별다섯"})
        )
        seen = text(shop.browser.get(record_page(record)))
        assert "이름 team 봄" in seen
        assert "별다섯" not in seen
        assert "별다섯" in text(shop.admin().get(record_page(record)))

    def test_names_its_family_and_its_journals(self, shop: Shop) -> None:
        order = build.order(shop.scope)
        cancel = build.cancel(shop.scope, order, 5_000)
        journal = Journal.objects.within(shop.scope).get(origin_id=order.public_id)
        page = shop.browser.get(record_page(order)).content.decode()
        assert record_page(cancel) in page
        assert f"/ledger/journals/{journal.pk}/" in page
        assert record_page(order) in shop.browser.get(record_page(cancel)).content.decode()

    def test_is_taken_back_with_a_reason(self, shop: Shop) -> None:
        record = build.order(shop.scope)
        void = f"/settlement/records/void/{record.public_id}"

        missing = shop.browser.post(void, {"reason": ""})
        assert missing.status_code == 422
        assert "error-summary" in missing.content.decode()
        answer = shop.browser.post(void, {"reason": "두 번 등록했어요"}, follow=True)

        record.refresh_from_db()
        assert record.state == RecordState.VOIDED
        assert "삭제한 정산건이에요" in text(answer)
        assert "두 번 등록했어요" in text(answer)
        assert build.off_balance(shop.scope) == 0

    def test_a_refusal_says_why(self, shop: Shop) -> None:
        order = build.order(shop.scope)
        build.cancel(shop.scope, order, 5_000)
        answer = shop.browser.post(f"/settlement/records/void/{order.public_id}", {"reason": "실수"})
        assert answer.status_code == 400
        assert "취소 정산건이 있는 주문" in text(answer)


class TestManual:
    def fields(self, **values: str) -> dict[str, str]:
        usual = {"partner": "seller-7", "settlement_date": "2023-08-11", "amount": "1,000", "tax_free": ""}
        return usual | {"currency": "KRW", "reason": "GENERAL", "memo": "지원금"} | values

    @pytest.mark.parametrize(
        ("typed", "amount"), [("1,000", 1_000), ("-500", -500), ("△500", -500), ("₩12,000", 12_000)]
    )
    def test_is_recorded(self, shop: Shop, typed: str, amount: int) -> None:
        answer = shop.browser.post("/settlement/manual/", self.fields(amount=typed))
        record = SettlementRecord.objects.within(shop.scope).get()
        assert answer["Location"] == record_page(record)
        assert (record.net, record.memo) == (amount, "지원금")
        assert build.off_balance(shop.scope) == 0

    @pytest.mark.parametrize(
        ("field", "typed", "said"),
        [
            ("partner", "nobody", "파트너가 없어요"),
            ("amount", "1.5", "원 아래 단위"),
            ("amount", "0", "0이 아닌"),
            ("amount", "9" * 30, "금액"),
            ("tax_free", "2,000", "면세액"),
            ("settlement_date", "2023-02-30", "날짜"),
        ],
    )
    def test_names_what_is_wrong_beside_the_field(self, shop: Shop, field: str, typed: str, said: str) -> None:
        answer = shop.browser.post("/settlement/manual/", self.fields(**{field: typed}))
        page = answer.content.decode()
        assert answer.status_code == 422
        assert not SettlementRecord.objects.within(shop.scope).exists()
        assert said in text(answer)
        assert f'href="#id_{field}"' in page
        assert 'aria-invalid="true"' in page

    def test_a_partner_is_found_by_its_name(self, shop: Shop) -> None:
        name = Partner.objects.get(public_id="seller-7").name
        shop.browser.post("/settlement/manual/", self.fields(partner=name))
        assert SettlementRecord.objects.within(shop.scope).get().partner.public_id == "seller-7"

    def test_a_name_of_two_partners_is_not_guessed(self, shop: Shop) -> None:
        build.partner(shop.scope, "twin", name="쌍둥이")
        build.partner(shop.scope, "twin-2", name="쌍둥이")
        answer = shop.browser.post("/settlement/manual/", self.fields(partner="쌍둥이"))
        assert "아이디로 골라 주세요" in text(answer)

    def test_suggests_partners_of_the_merchant(self, shop: Shop) -> None:
        other = build.merchant("다른 상점")
        build.partner(other, "seller-theirs")
        page = shop.browser.get("/partners/options/?partner=seller").content.decode()
        assert "seller-7" in page
        assert "seller-theirs" not in page


def _pay(scope: Scope, row: PartnerSettlement | None, status: str = "SUCCEEDED") -> None:
    """Claim a partner settlement for a payout that ended like this."""
    assert row is not None
    number = PayoutRef.objects.count() + 1
    ref = PayoutRef.objects.create(**scope.filters(), public_id=f"po-{number}", bulk_public_id="bp-1", status=status)
    claims.claim(scope=scope, taken={ref.pk: claims.lock(scope, [row.pk])})


class TestPartnerSettlements:
    def test_shows_what_may_be_paid_until_more_is_asked_for(self, shop: Shop) -> None:
        paid, due = build.settled(shop.scope, 500), build.settled(shop.scope, 700, settlement_date="2023-08-14")
        _pay(shop.scope, paid)
        assert opened(shop.browser.get("/settlement/due/")) == [settlement_page(due)]
        assert len(opened(shop.browser.get("/settlement/due/?status=any"))) == 2
        assert opened(shop.browser.get("/settlement/due/?status=any&status=PAID_OUT")) == [settlement_page(paid)]

    @pytest.mark.parametrize("query", ["", "status=any", "status=PAID_OUT", "status=PAYOUT_WITHHELD&type=MANUAL"])
    def test_kept_sums_and_conditions_agree_with_each_row_s_status(self, shop: Shop, query: str) -> None:
        rows_of = [build.settled(shop.scope, 100 + at, settlement_date=f"2023-08-{at + 10}") for at in range(9)]
        ends = ("SUCCEEDED", "FAILED", "CANCELLED", "CONFIRMED", "PROCESSING")
        for row, end in zip(rows_of, ends, strict=False):
            _pay(shop.scope, row, end)
        for row, decision in ((rows_of[1], "prepare"), (rows_of[5], "withhold"), (rows_of[6], "exclude")):
            shop.browser.post(f"/settlement/due/decide/{row.public_id}", {"decision": decision})
        page = page_named("partner-settlements")()
        filters = page.bind(QueryDict(query))
        everything: Any = page.queryset(shop.scope)
        status_of = dict(everything.values_list("public_id", "status"))

        kept = rows.settlement_totals(shop.scope, filters)

        counted = totals.exact(everything, filters, page.columns, page.currency)
        assert kept is not None
        assert (kept.count, kept.sums) == (counted.count, counted.sums)
        for name in ("type", "status"):
            assert {k: v for k, v in kept.counts[name].items() if v} == counted.counts[name]
        chosen = filters.named("status").state["chosen"] or list(set(status_of.values()))
        wanted = {key for key, status in status_of.items() if status in chosen}
        if "type" not in query:
            assert set(filters.apply(everything).values_list("public_id", flat=True)) == wanted
        for status in SettlementStatus.values:
            found = everything.filter(rows.with_settlement_statuses([status])).values_list("public_id", flat=True)
            assert set(found) == {key for key, shown in status_of.items() if shown == status}, status

    def test_the_usual_condition_can_be_taken_away(self, shop: Shop) -> None:
        page = shop.browser.get("/settlement/due/").content.decode()
        chip = re.search(r'href="(/settlement/due/\?[^"]*status=any[^"]*)"', page)
        assert chip
        assert "status=PAYOUT" not in chip[1]

    def test_queries_stay_the_same_however_many_rows(self, shop: Shop) -> None:
        build.settled(shop.scope, 500)
        with recorded("settlement:settlements"):
            shop.browser.get("/settlement/due/")
        for place in range(6):
            build.settled(shop.scope, 500, settlement_date=f"2023-09-0{place + 1}")
        with recorded("settlement:settlements"):
            shop.browser.get("/settlement/due/")

    def test_is_held_released_and_excluded_by_hand(self, shop: Shop) -> None:
        row = build.settled(shop.scope, 500)
        for decision, state, money in (
            ("withhold", SettlementState.PAYOUT_WITHHELD, {"held": 500}),
            ("prepare", SettlementState.PAYOUT_PREPARED, {"available": 500}),
            ("exclude", SettlementState.PAYOUT_EXCLUDED, {"held": 500}),
        ):
            page = shop.browser.get(settlement_page(row)).content.decode()
            assert f'value="{decision}"' in page
            decide = f"/settlement/due/decide/{row.public_id}"
            shop.browser.post(decide, {"decision": decision, "memo": f"메모 {decision}"})
            row.refresh_from_db()
            assert (row.state, row.memo) == (state, f"메모 {decision}")
            assert build.money(shop.scope) == money

    def test_a_selection_is_confirmed_with_count_and_sum_first(self, shop: Shop) -> None:
        chosen = [
            build.settled(shop.scope, amount, settlement_date=f"2023-08-{amount // 100 + 10}") for amount in (100, 200)
        ]
        url = "/lists/partner-settlements/actions/withhold/"
        sent = {"ids": [row.public_id for row in chosen], "filters": "", "day": ""}

        asked = shop.browser.post(url, sent)
        assert "₩300" in text(asked)
        assert not PartnerSettlement.objects.filter(state=SettlementState.PAYOUT_WITHHELD).exists()
        seal = re.search(r'name="seal" value="([^"]+)"', asked.content.decode())
        assert seal
        shop.browser.post(url, sent | {"seal": seal[1], "memo": "확인 중"})

        assert PartnerSettlement.objects.filter(state=SettlementState.PAYOUT_WITHHELD, memo="확인 중").count() == 2

    def _confirmed(self, shop: Shop, action: str, sent: dict[str, Any]) -> Any:
        url = f"/lists/partner-settlements/actions/{action}/"
        seal = re.search(r'name="seal" value="([^"]+)"', shop.browser.post(url, sent).content.decode())
        assert seal
        return shop.browser.post(url, sent | {"seal": seal[1], "memo": "확인"})

    @pytest.mark.parametrize(
        ("language", "of_one", "of_two"),
        [
            ("ko", "정산 내역 1건을 보류했어요.", "정산 내역 2건을 보류했어요."),
            ("en", "1 partner settlement withheld.", "2 partner settlements withheld."),
        ],
    )
    def test_a_decision_says_how_many_it_was_about(self, shop: Shop, language: str, of_one: str, of_two: str) -> None:
        User.objects.update(language=language)
        ids = [build.settled(shop.scope, 100, settlement_date=f"2023-08-1{day}").public_id for day in range(3)]
        self._confirmed(shop, "withhold", {"ids": ids[:1], "filters": "", "day": ""})
        assert of_one in text(shop.browser.get("/settlement/due/"))
        self._confirmed(shop, "withhold", {"ids": ids[1:], "filters": "", "day": ""})
        assert of_two in text(shop.browser.get("/settlement/due/"))

    def test_a_refused_row_is_named_with_its_status_and_nothing_is_done(self, shop: Shop) -> None:
        paid = build.settled(shop.scope, 100)
        free = build.settled(shop.scope, 200, settlement_date="2023-08-14")
        _pay(shop.scope, paid)
        answer = self._confirmed(shop, "withhold", {"all": "1", "filters": "status=any", "day": ""})
        assert answer.status_code == 409
        assert "파트너 seller-7 2023-08-11 지급 완료" in text(answer)
        assert paid.public_id in text(answer)
        assert free.public_id not in text(answer)
        free.refresh_from_db()
        assert free.state == SettlementState.PAYOUT_PREPARED

    def test_are_deleted_with_their_records(self, shop: Shop) -> None:
        row, other = build.settled(shop.scope, 100), build.settled(shop.scope, 200, settlement_date="2023-08-14")
        page = shop.browser.get(settlement_page(row)).content.decode()
        assert 'value="delete"' in page
        shop.browser.post(f"/settlement/due/decide/{row.public_id}", {"decision": "delete", "memo": "잘못 등록"})
        self._confirmed(shop, "delete", {"ids": [other.public_id], "filters": "", "day": ""})
        assert set(PartnerSettlement.objects.values_list("state", flat=True)) == {SettlementState.VOIDED}
        assert set(SettlementRecord.objects.values_list("state", flat=True)) == {RecordState.VOIDED}
        assert build.money(shop.scope) == {}
        gone = shop.browser.get(settlement_page(row))
        assert "삭제한 정산 내역이에요" in text(gone)
        assert 'value="delete"' not in gone.content.decode()

    def test_figures_add_up_and_tell_where_the_money_lies(self, shop: Shop) -> None:
        order = build.order(shop.scope, start="2023-07-10", on="2023-07-10")
        build.cancel(shop.scope, order, 4_000, start="2023-07-11", on="2023-07-11")
        build.mature("2023-07-31")
        paid, held = build.settled(shop.scope, 500), build.settled(shop.scope, 700, settlement_date="2023-08-14")
        _pay(shop.scope, paid)
        shop.browser.post(f"/settlement/due/decide/{held.public_id}", {"decision": "exclude"})
        page = page_named("partner-settlements")

        (figures,) = rows.settlement_figures(shop.scope, page.bind(QueryDict("status=any"))) or []

        assert (figures.order, figures.fee, figures.manual) == (6_000, 660, 1_200)
        assert figures.settlement == figures.order - figures.fee + figures.manual
        assert figures.payable == 8_900 - 3_560
        assert figures.by_status == {"PAYOUT_PREPARED": 5_340, "PAID_OUT": 500, "PAYOUT_EXCLUDED": 700}
        (usual,) = rows.settlement_figures(shop.scope, page.bind(QueryDict(""))) or []
        assert (usual.manual, usual.payable, usual.by_status) == (0, figures.payable, figures.by_status)
        shown = shop.browser.get("/settlement/due/figures/?status=any")
        assert "5,340" in text(shown)
        assert "status=PAID_OUT" in shown.content.decode()

    def test_actions_of_later_applications_come_first(self) -> None:
        page = page_named("partner-settlements")()
        assert [action.key for action in page.actions][: len(settlement_actions)] == [
            action.key for action in settlement_actions
        ]
        assert {"withhold", "prepare", "exclude"} <= {action.key for action in page.actions}

    def test_detail_adds_up_and_leads_to_its_records(self, shop: Shop) -> None:
        first = build.order(shop.scope, discounts=[DiscountDraft("half", 2_000)])
        second = build.order(shop.scope, fees=["five"])
        build.mature("2023-08-31")
        row = build.settlement_of(first)
        page = shop.browser.get(settlement_page(row))
        assert f"₩{row.net:,}" in text(page)
        for record in (first, second):
            assert record_page(record) in page.content.decode()
        assert "-₩2,000" in text(page)

    def test_detail_tells_which_payouts_took_it(self, shop: Shop) -> None:
        row = build.settled(shop.scope, 500)
        _pay(shop.scope, row, "FAILED")
        page = shop.browser.get(settlement_page(row))
        assert "po-1" in text(page)
        assert "지급 실패" in text(page)


class TestPartners:
    def fields(self, **values: str) -> dict[str, str]:
        usual = {
            "name": "달빛상점",
            "public_id": "moon",
            "default_contract": "ten-percent",
            "type": "BUSINESS",
            "company_name": "달빛",
            "taxation_type": "NORMAL",
            "business_registration_number": "120-81-47521",
            "representative_name": "김달빛",
            "contact_name": "박담당",
            "contact_email": "moon@example.com",
            "bank": "KOOKMIN",
            "account_number": "123-456-789012",
            "account_holder": "김달빛",
            "account_currency": "KRW",
            "tags": "식품, 서울",
        }
        return usual | values

    @pytest.mark.parametrize("kind", ["BUSINESS", "WHT_PAYER", "NON_WHT_PAYER"])
    def test_of_every_type_are_made(self, shop: Shop, kind: str) -> None:
        values = (
            {}
            if kind == "BUSINESS"
            else {"company_name": "", "business_registration_number": "", "representative_name": ""}
        )
        answer = shop.browser.post("/partners/new/", self.fields(type=kind, **values))
        made = Partner.objects.within(shop.scope).get(public_id="moon")
        assert answer["Location"] == "/partners/view/moon"
        assert (made.type, made.account_last4, made.tags) == (kind, "9012", ["식품", "서울"])

    @pytest.mark.parametrize(
        ("field", "typed"),
        [
            ("name", ""),
            ("company_name", ""),
            ("contact_email", "nope"),
            ("account_number", "12"),
            ("bank", "NOPE"),
            ("public_id", "seller-7"),
            ("tags", ",".join(str(place) for place in range(11))),
        ],
    )
    def test_name_what_is_wrong_beside_the_field(self, shop: Shop, field: str, typed: str) -> None:
        answer = shop.browser.post("/partners/new/", self.fields(**{field: typed}))
        assert answer.status_code == 422
        assert f'href="#id_{field}"' in answer.content.decode()
        assert Partner.objects.within(shop.scope).count() == 1

    def test_the_account_number_is_shown_for_a_reason_and_audited(self, shop: Shop) -> None:
        page = shop.browser.get("/partners/view/seller-7")
        assert "국민 ****9012" in text(page)
        assert "123456789012" not in page.content.decode().replace("-", "")

        missing = shop.browser.post("/partners/account/seller-7", {"reveal-reason": ""})
        assert missing.status_code == 422
        assert not AuditEvent.objects.filter(action="partner.account_shown").exists()
        shown = shop.browser.post("/partners/account/seller-7", {"reveal-reason": "지급 문의 확인"})

        assert "123456789012" in shown.content.decode().replace("-", "")
        assert shown["Cache-Control"] == "no-store"
        assert AuditEvent.objects.get(action="partner.account_shown").reason == "지급 문의 확인"

    def test_a_changed_account_waits_for_an_approver(self, shop: Shop) -> None:
        shop.browser.post("/partners/new/", self.fields())
        edit = "/partners/edit/moon"
        shop.browser.post(edit, self.fields(account_number="999-888-777666"))
        assert "승인을 기다리고 있어요" in text(shop.browser.get("/partners/view/moon"))
        assert "계좌 승인하기" not in text(shop.browser.get("/partners/view/moon"))
        approver = shop.approver()
        assert "계좌 승인하기" in text(approver.get("/partners/view/moon"))

        assert shop.browser.post("/partners/decide/moon", {"decision": "confirm"}).status_code == 403
        approver.post("/partners/decide/moon", {"decision": "reject", "reason": "통장 사본이 달라요"})

        partner = Partner.objects.within(shop.scope).get(public_id="moon")
        assert (partner.account_last4, partner.account_confirmed) == ("9012", True)

    def test_an_edit_without_a_number_leaves_the_account(self, shop: Shop) -> None:
        shop.browser.post("/partners/new/", self.fields())
        shop.browser.post("/partners/edit/moon", self.fields(account_number="", name="달빛상점 2호"))
        partner = Partner.objects.within(shop.scope).get(public_id="moon")
        assert (partner.name, partner.account_confirmed, partner.account_last4) == ("달빛상점 2호", True, "9012")
        answer = shop.browser.post("/partners/edit/moon", self.fields(account_number="", bank="SHINHAN"))
        assert 'href="#id_account_number"' in answer.content.decode()

    def test_are_archived_and_recovered(self, shop: Shop) -> None:
        shop.browser.post("/partners/archive/seller-7", {"decision": "archive"})
        page = shop.browser.get("/partners/view/seller-7")
        assert "먼저 복원해 주세요" in text(page)
        assert "/partners/edit/" not in page.content.decode()
        shop.browser.post("/partners/archive/seller-7", {"decision": "recover"})
        assert not Partner.objects.get(public_id="seller-7").is_archived

    def test_archived_ones_are_shown_when_asked_for(self, shop: Shop) -> None:
        shop.browser.post("/partners/archive/seller-7", {"decision": "archive"})
        for query, count in (("", 0), ("archived=no", 0), ("archived=yes", 1), ("archived=any", 1)):
            assert len(opened(shop.browser.get(f"/partners/?{query}"))) == count, query

    def test_are_found_by_tag_contract_and_status(self, shop: Shop) -> None:
        build.partner(shop.scope, "tagged", tags=["봄", "신규"])
        Partner.objects.filter(public_id="tagged").update(status=PartnerStatus.PENDING)
        for query in ("tag=봄", "kw=tag&q=신규", "status=PENDING", "kw=id&q=tagged"):
            assert opened(shop.browser.get(f"/partners/?{query}")) == ["/partners/view/tagged"], query
        assert len(opened(shop.browser.get("/partners/?kw=contract&q=ten-percent"))) == 2

    def test_tags_are_suggested_and_kept(self, shop: Shop) -> None:
        build.partner(shop.scope, "tagged", tags=["봄", "신규"])
        form = shop.browser.get("/partners/edit/seller-7").content.decode()
        assert 'name="known_tags" value="봄"' in form
        sent = self._edited() | {"known_tags": ["봄"], "tags": "새것, 봄"}
        assert shop.browser.post("/partners/edit/seller-7", sent).status_code == 302
        assert Partner.objects.get(public_id="seller-7").tags == ["봄", "새것"]

    def _edited(self, **values: object) -> dict[str, object]:
        """Return the form of the partner as it is, with some values changed."""
        row = Partner.objects.get(public_id="seller-7")
        names = ("name", "type", "company_name", "taxation_type", "business_registration_number")
        more = ("representative_name", "contact_name", "contact_email", "bank", "account_holder", "account_currency")
        shown: dict[str, object] = {name: getattr(row, name) for name in (*names, *more)}
        return shown | {"default_contract": "ten-percent", "when": "now"} | values

    def test_a_number_that_looks_mistyped_is_warned_about(self, shop: Shop) -> None:
        assert "검증 숫자가 맞지 않아요" not in text(shop.browser.get("/partners/view/seller-7"))
        sent = self._edited(business_registration_number="117-81-78261")
        answer = shop.browser.post("/partners/edit/seller-7", sent, follow=True)
        assert text(answer).count("검증 숫자가 맞지 않아요") == 2
        assert Partner.objects.get(public_id="seller-7").business_registration_number == "117-81-78261"

    def test_a_change_is_planned_replaced_and_dropped(self, shop: Shop) -> None:
        later = {"when": "later", "applied_at": "2099-01-02T03:00"}
        answer = shop.browser.post("/partners/edit/seller-7", self._edited(name="새 이름") | later, follow=True)
        assert "이름 파트너 seller-7 → 새 이름" in text(answer)
        assert "적용 시작: 2099-01-02 03:00" in text(answer)
        plan = Schedule.objects.get()
        assert plan.update == {"name": "새 이름"}
        assert plan.applied_at.isoformat() == "2099-01-01T18:00:00+00:00"
        again = shop.browser.get("/partners/edit/seller-7?planned=1").content.decode()
        assert 'value="새 이름"' in again
        assert 'value="2099-01-02T03:00"' in again
        shop.browser.post("/partners/edit/seller-7", self._edited(name="다른 이름") | later)
        assert Schedule.objects.get().update == {"name": "다른 이름"}
        shop.browser.post("/partners/unplan/seller-7")
        assert not Schedule.objects.exists()
        assert Partner.objects.get(public_id="seller-7").name == "파트너 seller-7"

    def test_parts_of_a_planned_change_are_told_in_words(self, shop: Shop) -> None:
        later = {"when": "later", "applied_at": "2099-01-02T03:00"}
        sent = self._edited(company_name="새 상사", account_number="110-222-333444", bank="SHINHAN") | later
        page = text(shop.browser.post("/partners/edit/seller-7", sent, follow=True))
        assert "taxpayer" not in page
        assert "110222333444" not in page
        assert "회사명 정산상사 → 새 상사" in page
        assert "은행 국민 → 신한" in page
        assert "계좌번호 끝 네 자리 9012 → 3444" in page

    @pytest.mark.parametrize("moment", ["", "2020-01-02T03:00"])
    def test_a_planned_change_needs_a_moment_to_come(self, shop: Shop, moment: str) -> None:
        sent = self._edited(name="새 이름", when="later", applied_at=moment)
        answer = shop.browser.post("/partners/edit/seller-7", sent)
        assert answer.status_code == 422
        assert re.search(r'aria-invalid="true"[^>]*id="id_applied_at"', answer.content.decode())
        assert not Schedule.objects.exists()

    def test_a_plan_that_changes_nothing_is_refused(self, shop: Shop) -> None:
        sent = self._edited(when="later", applied_at="2099-01-02T03:00")
        answer = shop.browser.post("/partners/edit/seller-7", sent)
        assert answer.status_code == 422
        assert "바뀌는 것이 없어요" in text(answer)

    def test_a_failed_plan_says_why(self, shop: Shop) -> None:
        later = {"when": "later", "applied_at": "2099-01-02T03:00"}
        shop.browser.post("/partners/edit/seller-7", self._edited(name="새 이름") | later)
        Schedule.objects.update(failure="보관한 파트너는 바꿀 수 없어요.")
        assert "적용하지 못했어요. 보관한 파트너는" in text(shop.browser.get("/partners/view/seller-7"))

    def test_an_approver_takes_on_and_turns_down(self, shop: Shop) -> None:
        approver, url = shop.approver(), "/partners/status/seller-7"
        assert shop.browser.post(url, {"decision": "REJECTED", "reason": "x"}).status_code == 403
        assert approver.post(url, {"decision": "REJECTED"}).status_code == 400
        approver.post(url, {"decision": "REJECTED", "reason": "서류가 없어요"})
        assert Partner.objects.get(public_id="seller-7").status == PartnerStatus.REJECTED
        page = text(shop.browser.get("/partners/view/seller-7"))
        assert "서류가 없어요" in page
        assert "상태: 승인 → 거절" in page
        assert approver.post(url, {"decision": "REJECTED", "reason": "또"}).status_code == 409
        approver.post(url, {"decision": "APPROVED"})
        assert Partner.objects.get(public_id="seller-7").status == PartnerStatus.APPROVED
        assert approver.post(url, {"decision": "nonsense"}).status_code == 404

    def test_properties_are_written_by_those_who_see_them(self, shop: Shop) -> None:
        for key, secret in (("team", False), ("rating", True)):
            properties.define(
                scope=shop.scope,
                by=build.BY,
                now=build.noon(),
                target=PropertyTarget.PARTNER,
                key=key,
                name=f"이름 {key}",
                is_secret=secret,
            )
        admin, url = shop.admin(), "/partners/properties/seller-7"
        admin.post(url, {"p-team": "봄", "p-rating": "별다섯"})
        # Whoever does not see a property does not change it either.
        shop.browser.post(url, {"p-team": "여름", "p-rating": "별하나"})
        kept = Partner.objects.get(public_id="seller-7").user_defined_properties
        assert kept == {"team": {"string": "여름"}, "rating": {"string": "별다섯"}}
        assert "별다섯" not in shop.browser.get("/partners/view/seller-7").content.decode()
        assert "별다섯" in admin.get("/partners/view/seller-7").content.decode()
        assert shop.viewer.post(url, {"p-team": "x"}).status_code == 403
        for event in AuditEvent.objects.filter(object_id="seller-7"):
            assert "별다섯" not in str((event.before, event.after))

    def test_show_where_their_money_lies(self, shop: Shop) -> None:
        build.settled(shop.scope, 700)
        page = shop.browser.get("/partners/view/seller-7")
        assert "2020 지급 가능금" in text(page)
        assert "/ledger/entries/?account=" in page.content.decode()

    def test_queries_stay_the_same_however_many_rows(self, shop: Shop) -> None:
        with recorded("settlement:partners"):
            shop.browser.get("/partners/")
        for place in range(6):
            build.partner(shop.scope, f"more-{place}")
        with recorded("settlement:partners"):
            shop.browser.get("/partners/")


class TestPolicies:
    def fields(self, **values: Any) -> dict[str, Any]:
        usual = {
            "name": "주간 계약",
            "public_id": "weekly",
            "fee_kind": "rate",
            "fee_rate": "3.3",
            "fee_amount": "",
            "vat_payer": "PARTNER",
            "lag_days": "2",
            "cycle_method": "WEEKLY",
            "weekdays": ["4"],
            "dates": "",
            "date_policy": "CALENDAR_DAY",
        }
        return usual | values

    def test_a_contract_is_made_and_shows_its_days(self, shop: Shop) -> None:
        answer = shop.browser.post("/contracts/new/", self.fields(), follow=True)
        contract = Contract.objects.within(shop.scope).select_related("current").get(public_id="weekly")
        assert contract.current is not None
        assert (contract.current.fee_rate, contract.current.cycle_days) == (3_300, [4])
        assert "D+2 · 매주 금 · 휴일 무관" in text(answer)
        assert text(answer).count("(금)") >= 7

    @pytest.mark.parametrize(
        ("values", "field"),
        [
            ({"fee_rate": ""}, "fee_rate"),
            ({"fee_rate": "3.3333"}, "fee_rate"),
            ({"fee_rate": "101"}, "fee_rate"),
            ({"fee_rate": "1e3"}, "fee_rate"),
            ({"fee_kind": "fixed", "fee_amount": "-5"}, "fee_amount"),
            ({"weekdays": []}, "weekdays"),
            ({"cycle_method": "MANUAL_DATES", "dates": "2/30"}, "dates"),
            ({"cycle_method": "MONTHLY"}, "month_days"),
            ({"lag_days": "11"}, "lag_days"),
            ({"public_id": "ten-percent"}, "public_id"),
        ],
    )
    def test_a_wrong_contract_is_named_field_by_field(self, shop: Shop, values: dict[str, Any], field: str) -> None:
        answer = shop.browser.post("/contracts/new/", self.fields(**values))
        assert answer.status_code == 422
        assert f'href="#id_{field}"' in answer.content.decode()
        assert Contract.objects.within(shop.scope).count() == 1

    def test_a_changed_contract_keeps_its_versions(self, shop: Shop) -> None:
        shop.browser.post("/contracts/new/", self.fields())
        shown = shop.browser.get("/contracts/edit/weekly").content.decode()
        assert 'value="3.3"' in shown
        answer = shop.browser.post(
            "/contracts/edit/weekly", self.fields(fee_kind="fixed", fee_amount="1,000", fee_rate=""), follow=True
        )
        assert "₩1,000" in text(answer)
        assert "3.3%" in text(answer)
        assert Contract.objects.get(public_id="weekly").versions.count() == 2

    def test_discount_and_fee_policies_are_made_and_changed(self, shop: Shop) -> None:
        shop.browser.post(
            "/discount-policies/new/", {"name": "분담", "public_id": "d1", "partner_share_rate": "33.333"}
        )
        answer = shop.browser.post(
            "/discount-policies/edit/d1", {"name": "분담", "partner_share_rate": "40"}, follow=True
        )
        assert "33.333%" in text(answer)
        assert "40%" in text(answer)
        fee = {"name": "물류비", "public_id": "f1", "fee_kind": "fixed", "fee_amount": "2,500", "vat_payer": "MERCHANT"}
        answer = shop.browser.post("/fee-policies/new/", fee | {"third_party": "빠른물류"}, follow=True)
        assert "₩2,500" in text(answer)
        assert "빠른물류" in text(answer)

    @pytest.mark.parametrize("url", ["/contracts", "/discount-policies", "/fee-policies"])
    def test_are_archived_and_recovered(self, shop: Shop, url: str) -> None:
        known = {"/contracts": "ten-percent", "/discount-policies": "half", "/fee-policies": "five"}[url]
        answer = shop.browser.post(f"{url}/archive/{known}", {"decision": "archive"}, follow=True)
        assert "보관했어요" in text(answer)
        assert len(opened(shop.browser.get(f"{url}/?archived=yes"))) == 1
        refused = shop.browser.get(f"{url}/edit/{known}")
        assert refused.status_code == 200
        answer = shop.browser.post(f"{url}/archive/{known}", {"decision": "recover"}, follow=True)
        assert "복원했어요" in text(answer)

    def test_a_change_is_planned_shown_and_dropped(self, shop: Shop) -> None:
        form = self._contract_form(fee_rate="20", when="later", applied_at="2099-01-02T00:00")
        page = shop.browser.post("/contracts/edit/ten-percent", form, follow=True)
        assert "중개수수료 10% → 20%" in text(page)
        contract = Contract.objects.get(public_id="ten-percent")
        assert contract.current is not None
        assert contract.current.fee_rate == 10_000
        assert Schedule.objects.get().update == {"fee_rate": 20_000}
        assert text(page).count("예약") > 2
        again = shop.browser.get("/contracts/edit/ten-percent?planned=1").content.decode()
        assert 'value="2099-01-02T00:00"' in again
        form = self._contract_form(fee_rate="30", when="later", applied_at="2099-01-02T00:00")
        shop.browser.post("/contracts/edit/ten-percent", form)
        assert Schedule.objects.get().update == {"fee_rate": 30_000}
        page = shop.browser.post("/contracts/unplan/ten-percent", follow=True)
        assert not Schedule.objects.exists()
        assert "취소한 예약" in text(page)

    def _contract_form(self, **values: object) -> dict[str, object]:
        """Return the form of the contract as it is, with some values changed."""
        version = Contract.objects.select_related("current").get(public_id="ten-percent").current
        assert version is not None
        return {name: value for name, value in ContractForm.initial_of(version).items() if value} | values

    @pytest.mark.parametrize(
        ("url", "changed"),
        [
            ("discount-policies/{}/half", {"name": "half", "partner_share_rate": "30"}),
            ("fee-policies/{}/five", {"name": "five", "fee_kind": "rate", "fee_rate": "7", "vat_payer": "PARTNER"}),
        ],
    )
    def test_other_policies_are_planned_too(self, shop: Shop, url: str, changed: dict[str, str]) -> None:
        sent = changed | {"when": "later", "applied_at": "2099-01-02T00:00"}
        page = shop.browser.post(f"/{url.format('edit')}", sent, follow=True)
        assert "예약한 변경" in text(page)
        assert Schedule.objects.count() == 1
        assert shop.viewer.post(f"/{url.format('unplan')}").status_code == 403
        shop.browser.post(f"/{url.format('unplan')}")
        assert not Schedule.objects.exists()

    def test_values_in_the_address_fill_the_form_in(self, shop: Shop) -> None:
        page = shop.browser.get(
            "/contracts/edit/ten-percent?fee_rate=12.5&cycle_method=MONTHLY&month_days=10&month_days=20"
        )
        html = page.content.decode()
        assert 'value="12.5"' in html
        for day in ("10", "20"):
            assert re.search(rf'name="month_days" value="{day}"[^>]*checked', html)

    def test_a_plan_keeps_a_policy_from_being_archived(self, shop: Shop) -> None:
        form = self._contract_form(fee_rate="20", when="later", applied_at="2099-01-02T00:00")
        shop.browser.post("/contracts/edit/ten-percent", form)
        answer = shop.browser.post("/contracts/archive/ten-percent", {"decision": "archive"})
        assert answer.status_code == 409
        assert policies.planned(policies.CONTRACT, Contract.objects.get()) is not None

    @pytest.mark.parametrize("name", ["contracts", "discount-policies", "fee-policies"])
    def test_queries_of_lists(self, shop: Shop, name: str) -> None:
        with recorded(f"settlement:{name}"):
            shop.browser.get(f"/{name}/")


class TestDaysAndSettings:
    def _applied(self, shop: Shop, preview: Any) -> Any:
        url = re.search(r'action="(/settlement/holidays/apply/[^"]+)"', preview.content.decode())
        assert url
        return shop.browser.post(url[1], follow=True)

    def test_a_day_is_shown_first_and_then_added_and_removed(self, shop: Shop) -> None:
        shop.browser.get("/settlement/holidays/")
        preview = shop.browser.post(
            "/settlement/holidays/add/", {"day": "2026-12-31", "name": "연말 휴무"}, follow=True
        )
        assert "미리 보기" in text(preview)
        assert "연말 휴무" in text(preview)
        days = Holiday.objects.within(shop.scope).filter(day="2026-12-31")
        assert not days.exists()
        self._applied(shop, preview)
        day = days.get()
        again = shop.browser.post("/settlement/holidays/add/", {"day": "2026-12-31", "name": "또"})
        assert again.status_code == 422
        url, sent = "/lists/holidays/actions/remove/", {"ids": [str(day.pk)], "filters": "", "day": ""}
        seal = re.search(r'name="seal" value="([^"]+)"', shop.browser.post(url, sent).content.decode())
        assert seal
        preview = shop.browser.post(url, sent | {"seal": seal[1]}, follow=True)
        assert days.exists()
        self._applied(shop, preview)
        assert not days.exists()
        assert set(AuditEvent.objects.filter(object_kind="holiday").values_list("action", flat=True)) == {
            "holiday.added",
            "holiday.removed",
        }

    def _previewed(self, shop: Shop) -> Any:
        """Close the day on which an order settles; return the page that shows it."""
        record = build.order(shop.scope, on=build.TODAY, start="2035-03-02")
        day = record.settlement_date.isoformat()
        return shop.browser.post("/settlement/holidays/add/", {"day": day, "name": "임시공휴일"}, follow=True)

    def test_the_preview_lists_what_moves_and_leaves_as_a_file(self, shop: Shop) -> None:
        page = self._previewed(shop)
        assert len(opened(page)) == 1
        change = HolidayChange.objects.get()
        query = f"change={change.public_id}"
        partners = shop.browser.get(f"/settlement/holidays/partners/?{query}")
        assert "8,900" in text(partners)
        for slug in ("holiday-moves", "holiday-moved-partners"):
            file = shop.browser.post(f"/lists/{slug}/export/", {"filters": query, "format": "csv"})
            assert file.status_code == 200
            assert "8900" in b"".join(file).decode("utf-8-sig").replace(",", "")
            assert shop.browser.get(f"/lists/{slug}/total/?{query}").status_code == 200

    def test_queries_of_a_preview_stay_the_same_however_many_rows(self, shop: Shop) -> None:
        for count in (1, 4):
            for _place in range(count):
                build.order(shop.scope, on=build.TODAY, start="2035-03-02")
            shop.browser.post("/settlement/holidays/add/", {"day": "2035-03-30", "name": "휴무"})
            change = HolidayChange.objects.latest("id")
            for name, page in (("holiday-moves", "moves"), ("holiday-partners", "partners")):
                with recorded(f"settlement:{name}"):
                    shop.browser.get(f"/settlement/holidays/{page}/?change={change.public_id}")

    def test_a_stale_preview_is_shown_again(self, shop: Shop) -> None:
        page = self._previewed(shop)
        build.order(shop.scope, on=build.TODAY, start="2035-03-02")
        again = self._applied(shop, page)
        assert "다시 미리 보고" in text(again)
        assert len(opened(again)) == 2
        assert not Holiday.objects.within(shop.scope).filter(name="임시공휴일", added_by__gt="").exists()

    def test_a_whole_year_is_added(self, shop: Shop) -> None:
        preview = shop.browser.post("/settlement/holidays/year/", {"year": "2031"}, follow=True)
        self._applied(shop, preview)
        assert Holiday.objects.within(shop.scope).filter(day__year=2031).count() > 10
        known = shop.browser.post("/settlement/holidays/year/", {"year": "2031"}, follow=True)
        assert "이미 모두 있어요" in text(known)

    def test_a_viewer_sees_a_preview_but_cannot_apply_it(self, shop: Shop) -> None:
        self._previewed(shop)
        change = HolidayChange.objects.get()
        page = shop.viewer.get(f"/settlement/holidays/moves/?change={change.public_id}")
        assert "이대로 적용하기" not in text(page)
        assert shop.viewer.post(f"/settlement/holidays/apply/{change.public_id}").status_code == 403

    def test_settings_are_saved(self, shop: Shop) -> None:
        sent = {"settlement_amount_type": "NET", "default_deposit_memo": "정산금"}
        shop.browser.post("/settlement/settings/", sent)
        setting = Setting.objects.within(shop.scope).get()
        assert (setting.settlement_amount_type, setting.deduct_wht) == ("NET", False)
        assert setting.default_deposit_memo == "정산금"

    def test_a_viewer_sees_settings_locked(self, shop: Shop) -> None:
        page = shop.viewer.get("/settlement/settings/").content.decode()
        assert "저장하기" not in page
        assert page.count("disabled") >= 7


class TestProperties:
    def test_are_defined_renamed_hidden_and_removed_by_an_admin(self, shop: Shop) -> None:
        admin = shop.admin()
        sent = {"target": "PARTNER", "key": "team", "name": "담당 팀"}
        assert "담당 팀" in text(admin.post("/settlement/properties/add/", sent, follow=True))
        again = admin.post("/settlement/properties/add/", sent)
        assert (again.status_code, "이미 정의한 키예요" in text(again)) == (422, True)
        url = "/settlement/properties/PARTNER/team/"
        admin.post(url, {"decision": "rename", "name": "새 팀"})
        assert "새 팀" in text(shop.viewer.get("/settlement/properties/"))
        admin.post(url, {"decision": "hide"})
        assert "새 팀" not in text(shop.viewer.get("/settlement/properties/"))
        assert "새 팀" in text(admin.get("/settlement/properties/"))
        admin.post(url, {"decision": "remove"})
        assert "새 팀" not in text(admin.get("/settlement/properties/"))

    def test_nobody_else_changes_them(self, shop: Shop) -> None:
        assert shop.browser.post("/settlement/properties/add/", {"key": "x"}).status_code == 403
        assert shop.browser.post("/settlement/properties/PARTNER/x/", {"decision": "remove"}).status_code == 403
        admin = shop.admin()
        assert admin.post("/settlement/properties/PARTNER/x/", {"decision": "remove"}).status_code == 404
        assert admin.post("/settlement/properties/NOBODY/x/", {"decision": "remove"}).status_code == 404


class TestElsewhere:
    def test_home_counts_what_waits(self, shop: Shop) -> None:
        row = build.settled(shop.scope, 500)
        shop.browser.post(f"/settlement/due/decide/{row.public_id}", {"decision": "withhold"})
        Partner.objects.filter(public_id="seller-7").update(account_confirmed=False)
        page = text(shop.browser.get("/"))
        assert re.search(r"보류한 정산 내역 1", page)
        assert re.search(r"승인을 기다리는 계좌 변경 1", page)

    def test_search_opens_each_kind(self, shop: Shop) -> None:
        record = build.order(shop.scope)
        build.mature("2023-08-31")
        row = build.settlement_of(record)
        for word, url in (
            (record.public_id, record_page(record)),
            (record.payment_id, record_page(record)),
            (row.public_id, settlement_page(row)),
            ("seller-7", "/partners/view/seller-7"),
            ("ten-percent", "/contracts/view/ten-percent"),
            ("half", "/discount-policies/view/half"),
            ("five", "/fee-policies/view/five"),
        ):
            assert shop.browser.get(f"/search/?q={quote(word)}")["Location"] == url, word

    def test_every_origin_of_ours_has_a_page(self) -> None:
        for kind in ("settlement_record", "partner_settlement", "partner", "contract", "journal", "account"):
            assert registry.origin_link(kind, "1") is not None, kind

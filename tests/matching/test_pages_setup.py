"""Promise: what an admin sets up is what matching uses; nobody else changes it, and no other merchant sees it."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.urls import reverse

from access.models import AuditEvent
from access.roles import Role
from core import clock
from matching import queries
from matching.models import (
    ChargeCode,
    ExchangeRate,
    Item,
    PolicyEntry,
    PriceTolerance,
    Recalculation,
    TotalsTolerance,
    UnitConversion,
    Vendor,
)
from matching.operations import company
from matching.pages.company import ParametersForm
from tests import build
from tests.access.build import firm
from tests.matching.buyer import BY, Buyer

LISTS = (
    "vendors",
    "items",
    "conversions",
    "charge-codes",
    "price-tolerances",
    "policies",
    "totals-tolerances",
    "charges-tolerances",
    "exchange-rates",
)
FORMS: dict[str, dict[str, Any]] = {
    "vendor": {"account": "V-2", "currency": "KRW", "payment_days": "45", "name": "새 공급사"},
    "item": {"number": "I-2", "unit": "box", "over_delivery_percent": "2.5"},
    "conversion": {"from_unit": "box", "to_unit": "ea", "factor": "1/12"},
    "charge-code": {"code": "RUSH", "debit_type": "item", "credit_type": "vendor", "maximum_amount": "1,000"},
    "price-tolerance": {"item_kind": "table", "item": "I-1", "vendor_kind": "all", "percent": "7.5"},
    "policy": {"vendor": "V-1", "policy": "three_way"},
    "totals-tolerance": {"vendor": "V-1", "percent": "20"},
    "charges-tolerance": {"code": "FREIGHT", "percent": "25"},
    "exchange-rate": {"on": "2026-02-01", "from_currency": "USD", "to_currency": "KRW", "rate": "1,400.25"},
}


@pytest.fixture
def buyer(db: None, settings: Any) -> Buyer:  # noqa: ARG001 - needs tables
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    return Buyer(firm())


@pytest.mark.parametrize("page", LISTS)
def test_a_list_shows_its_rows_and_only_those_of_the_merchant(buyer: Buyer, page: str) -> None:
    buyer.set_up()
    found = buyer.counted(page)
    assert "data-href" in found
    other = Buyer(firm("Sun Shop"))
    assert "data-href" not in other.see(page, role=Role.VIEWER)
    answer = buyer.browser(Role.VIEWER).post(
        reverse("console:list-export", args=[f"matching-{page}"]), {"format": "csv"}
    )
    assert answer.status_code == 200


@pytest.mark.parametrize("name", FORMS)
def test_an_admin_adds_a_row_once_and_nobody_else_does(buyer: Buyer, name: str) -> None:
    told: dict[str, Any] = {"scope": buyer.scope, "by": BY, "now": clock.now()}
    company.save_vendor(**told, account="V-1", fields={})
    company.save_item(**told, number="I-1", fields={})
    company.save_charge_code(**told, code="FREIGHT", fields={})
    assert buyer.send(f"{name}-new", role=Role.OPERATOR, **FORMS[name]).status_code == 403
    assert buyer.send(f"{name}-new", **FORMS[name]).status_code == 302
    again = buyer.send(f"{name}-new", **FORMS[name])
    assert again.status_code == 422
    assert "이미 있어요." in again.content.decode()
    mine = AuditEvent.objects.filter(action__startswith="matching.").exclude(actor_name="tests")
    assert mine.count() == 1


def test_what_was_typed_is_what_is_stored(buyer: Buyer) -> None:
    buyer.set_up()
    for name, values in FORMS.items():
        if name not in ("totals-tolerance", "charges-tolerance"):
            assert buyer.send(f"{name}-new", **values).status_code == 302, name
    assert Vendor.objects.get(account="V-2").payment_days == 45
    assert Item.objects.get(number="I-2").over_delivery_percent == Decimal("2.5")
    factors = UnitConversion.objects.order_by("pk").values_list("numerator", "denominator")
    assert list(factors) == [(12, 1), (1, 12)]
    assert ChargeCode.objects.get(code="RUSH").maximum_amount == 1_000
    assert PriceTolerance.objects.get(item__number="I-1").percent == Decimal("7.5")
    assert PolicyEntry.objects.get(vendor__account="V-1").policy == "three_way"
    assert ExchangeRate.objects.get(date=date(2026, 2, 1)).rate == Decimal("1400.25")


def test_a_row_is_changed_but_never_renamed_and_its_history_kept(buyer: Buyer) -> None:
    buyer.set_up()
    buyer.send("vendor-edit", "V-1", account="V-9", name="새 이름", currency="KRW", payment_days="10")
    vendor = Vendor.objects.get()
    assert (vendor.account, vendor.name, vendor.payment_days) == ("V-1", "새 이름", 10)
    page = buyer.see("vendor-edit", "V-1", role=Role.VIEWER)
    assert "새 이름" in page
    assert "저장하기" not in page
    assert 'id="history"' in page


def test_a_row_of_another_merchant_is_not_there(buyer: Buyer) -> None:
    buyer.set_up()
    other = Buyer(firm("Sun Shop"))
    key = PriceTolerance.objects.within(buyer.scope).filter(item_group="cells").get().pk
    for page, name in (("vendor-edit", "V-1"), ("price-tolerance-edit", str(key)), ("price-tolerance-edit", "x")):
        assert other.browser().get(reverse(f"matching:{page}", args=[name])).status_code == 404
        assert other.send(page, name, remove="1").status_code == 404


def test_rows_are_removed_unless_documents_name_them(buyer: Buyer) -> None:
    buyer.set_up()
    tolerance = TotalsTolerance.objects.get()
    Recalculation.objects.all().delete()
    assert buyer.send("totals-tolerance-edit", str(tolerance.pk), role=Role.OPERATOR, remove="1").status_code == 403
    assert buyer.send("totals-tolerance-edit", str(tolerance.pk), remove="1").status_code == 302
    assert not TotalsTolerance.objects.exists()
    assert Recalculation.objects.count() == 1
    buyer.order("PO-1")
    assert buyer.send("vendor-edit", "V-1", remove="1").status_code == 409
    assert Vendor.objects.exists()


def test_the_tolerance_for_everything_is_edited_but_never_removed(buyer: Buyer) -> None:
    buyer.set_up()
    default = PriceTolerance.objects.get(item=None, item_group="", vendor=None, vendor_group="")
    assert 'name="remove"' not in buyer.see("price-tolerance-edit", str(default.pk))
    assert buyer.send("price-tolerance-edit", str(default.pk), remove="1").status_code == 409
    assert buyer.send("price-tolerance-edit", str(default.pk), percent="-1").status_code == 422
    assert buyer.send("price-tolerance-edit", str(default.pk), percent="4").status_code == 302
    default.refresh_from_db()
    assert default.percent == 4


def test_tolerances_are_listed_in_the_order_they_are_searched(buyer: Buyer) -> None:
    told: dict[str, Any] = {"scope": buyer.scope, "by": BY, "now": clock.now()}
    company.save_vendor(**told, account="V-1", fields={"price_tolerance_group": "major"})
    company.save_item(**told, number="I-1", fields={"price_tolerance_group": "cells"})
    sides = [("all", "table:V-1"), ("group:cells", "all"), ("table:I-1", "group:major"), ("table:I-1", "table:V-1")]
    for item, vendor in sides:
        company.save_price_tolerance(**told, item=item, vendor=vendor, percent=Decimal(1))
    page = buyer.see("price-tolerances", role=Role.VIEWER)
    words = [">I-1<", "공급사 그룹 major", "품목 그룹 cells", "모든 품목"]
    found = [page.index(word) for word in words]
    assert found == sorted(found)


def test_the_search_for_a_tolerance_shows_its_path(buyer: Buyer) -> None:
    buyer.set_up()
    page = buyer.see("price-tolerances", role=Role.VIEWER, try_item="I-1", try_vendor="V-1")
    path = page[page.index("setup-path") : page.index("</ol>", page.index("setup-path"))]
    assert path.count("<li") == 9
    assert path.index("I-1 / V-1") < path.index('class="hit">품목 그룹 cells / 모든 공급사') < path.index("찾지 않음")
    assert "3.00%" in path
    assert "찾을 수 없어요" in buyer.see("price-tolerances", role=Role.VIEWER, try_vendor="V-9")


def test_groups_are_shown_with_who_is_in_them(buyer: Buyer) -> None:
    buyer.set_up()
    company.save_price_tolerance(
        scope=buyer.scope, by=BY, now=clock.now(), item="group:empty", vendor="all", percent=Decimal(1)
    )
    page = buyer.counted("tolerance-groups")
    for text in ("cells", "I-1", "major", "V-1", "empty", "속한 것이 없어요"):
        assert text in page


def test_a_policy_weaker_than_the_companys_is_refused_at_its_field(buyer: Buyer) -> None:
    buyer.set_up()
    answer = buyer.send("policy-new", vendor="V-1", policy="not_required")
    assert answer.status_code == 422
    assert "회사 정책보다 약한" in answer.content.decode()
    nothing = buyer.send("policy-new", policy="two_way")
    assert "품목이나 공급사를 적어 주세요." in nothing.content.decode()
    unknown = buyer.send("policy-new", vendor="V-9", policy="two_way")
    assert "찾을 수 없어요: V-9" in unknown.content.decode()
    assert PolicyEntry.objects.count() == 1


def test_an_entry_that_became_too_weak_is_shown_as_the_companys(buyer: Buyer) -> None:
    buyer.set_up()
    told: dict[str, Any] = {"scope": buyer.scope, "by": BY, "now": clock.now()}
    company.save_policy(**told, item=None, vendor="V-1", policy="two_way")
    assert 'data-label="적용되는 정책">양방향' in buyer.see("policies", role=Role.VIEWER)
    company.save_parameters(**told, fields={"line_matching_policy": "three_way"})
    page = buyer.see("policies", role=Role.VIEWER)
    assert 'data-label="적용되는 정책">양방향' not in page
    assert 'data-label="적용되는 정책">회사 정책' in page
    assert "V-1" not in buyer.see("policies", role=Role.VIEWER, level="item").split("<tbody>")[1]


def parameters(buyer: Buyer, **values: str) -> dict[str, Any]:
    """Return the form of the parameters as the browser sends it unchanged, with some fields changed."""
    form = ParametersForm(row=queries.parameters(buyer.scope))
    sent = {bound.name: bound.value() for bound in form}
    said = {name: value for name, value in sent.items() if value is not None and value is not False}
    plain = {name: "on" if value is True else str(value) for name, value in said.items()}
    return {name: value for name, value in (plain | values).items() if value}


class TestParameters:
    def test_every_rule_is_shown_with_a_sentence(self, buyer: Buyer) -> None:
        page = buyer.counted("parameters", role=Role.ADMIN)
        for name in parameters(buyer):
            assert f'name="{name}"' in page
        assert "저장하기" not in buyer.see("parameters", role=Role.VIEWER)

    def test_sending_it_unchanged_changes_nothing(self, buyer: Buyer) -> None:
        company.open_company(buyer.scope)
        assert buyer.send("parameters", **parameters(buyer)).status_code == 302
        assert not Recalculation.objects.exists()
        assert not AuditEvent.objects.filter(action="matching.parameters_changed").exists()

    def test_rules_are_stored_and_pending_invoices_follow(self, buyer: Buyer) -> None:
        sent = parameters(
            buyer,
            match_price_totals="percentage_and_amount",
            price_total_tolerance_percent="15",
            price_total_tolerance_amount="500.5",
            match_invoice_totals="on",
            total_balance_judged="",
            total_sales_tax_percent="2.5",
            automation_hours="24",
        )
        answer = buyer.send("parameters", **sent)
        assert answer.status_code == 302, answer.content.decode()
        kept = queries.parameters(buyer.scope)
        assert (kept.match_price_totals, kept.price_total_tolerance_amount) == (
            "percentage_and_amount",
            Decimal("500.5"),
        )
        assert kept.match_invoice_totals
        assert kept.automation_hours == 24
        assert kept.per_total_settings == {
            "balance": {"enabled": False},
            "sales_tax": {"enabled": True, "percent": "2.5"},
        }
        assert Recalculation.objects.count() == 1
        page = buyer.see("parameters", role=Role.VIEWER)
        assert "백분율과 금액" in page

    def test_a_negative_tolerance_is_refused_at_its_field(self, buyer: Buyer) -> None:
        answer = buyer.send("parameters", **parameters(buyer, charges_tolerance_percent="-1"))
        assert answer.status_code == 422
        assert 'id="id_charges_tolerance_percent_error"' in answer.content.decode()
        assert buyer.send("parameters", role=Role.OPERATOR, **parameters(buyer)).status_code == 403


class TestVendors:
    def test_a_vendor_is_linked_with_a_partner_by_name_or_id(self, buyer: Buyer) -> None:
        build.partner(buyer.scope, "ptn-1", name="대한상사")
        sent: dict[str, Any] = {"account": "V-2", "currency": "KRW", "payment_days": "30", "partner": "대한상사"}
        assert buyer.send("vendor-new", **sent).status_code == 302
        vendor = Vendor.objects.select_related("partner").get(account="V-2")
        assert vendor.partner is not None
        assert vendor.partner.public_id == "ptn-1"
        assert "ptn-1" in buyer.see("vendors", role=Role.VIEWER, linked="yes")
        unknown = buyer.send("vendor-new", **{**sent, "account": "V-3", "partner": "없는 곳"})
        assert "이런 이름이나 아이디의 파트너가 없어요." in unknown.content.decode()

    def test_names_are_suggested_while_somebody_types(self, buyer: Buyer) -> None:
        buyer.set_up()
        assert "V-1" in buyer.see("options", "vendor", role=Role.VIEWER, vendor="대한")
        assert "I-1" in buyer.see("options", "item", role=Role.VIEWER, **{"lines-0-item": "i-"})
        assert "V-1" not in Buyer(firm("Sun Shop")).see("options", "vendor", role=Role.VIEWER, vendor="대한")
        assert buyer.browser().get(reverse("matching:options", args=["secret"])).status_code == 404

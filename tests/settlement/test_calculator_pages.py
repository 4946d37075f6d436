"""Protects the pages of the calculation: what is shown is what counts, and a wrong formula is pointed at."""

import re
from dataclasses import dataclass
from html import unescape

import pytest
from django.contrib.auth.hashers import MD5PasswordHasher
from django.test import Client
from pytest_django import Settings

from access.roles import Role
from core.money import Rounding
from core.scope import Scope
from settlement import calculators
from settlement.calculation import ParameterValue
from settlement.fees import RoundingModes
from settlement.formulas import DEFAULTS, REPLACEABLE, OwnFormula, Place
from settlement.models import Calculator, SettlementParameter
from settlement.operations import calculator, parameters
from settlement.operations.calculator import CalculatorDraft
from tests import build
from tests.access import build as people

pytestmark = pytest.mark.django_db

URL = "/settlement/calculator/"
MADE_UP = {"by": "amount", "amount": "10,000", "fee_rate": "10", "vat_payer": "PARTNER"} | {
    f"fee{number}_payer": "PARTNER" for number in range(2)
}


@dataclass(frozen=True)
class Shop:
    """A merchant, with a browser of somebody who may change things and one of somebody who may look."""

    scope: Scope
    browser: Client
    viewer: Client


@pytest.fixture
def shop(settings: Settings) -> Shop:
    """Give a merchant and two browsers."""
    settings.PASSWORD_HASHERS = [f"{MD5PasswordHasher.__module__}.{MD5PasswordHasher.__qualname__}"]
    firm = people.firm()
    operator, viewer = firm.person("operator", Role.OPERATOR), firm.person("viewer")
    return Shop(firm.scope, people.signed_in(operator), people.signed_in(viewer))


def text(answer: object) -> str:
    """Return a page's words, tags left out."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.content.decode())).split())  # type: ignore[attr-defined] # any answer of the client


def sent(
    *own: tuple[str, str, str], when: str = "now", applied_at: str = "", **expressions: str
) -> dict[str, str | int]:
    """Return what the form of a version sends: own formulas as (order, key, expression)."""
    data: dict[str, str | int] = {place.value: DEFAULTS[place] for place in REPLACEABLE}
    data |= {
        f"rounding_{name}": "DOWN" for name in ("platform_fee", "discount_share", "additional_fee", "settlement", "vat")
    }
    data |= {"own-TOTAL_FORMS": 10, "own-INITIAL_FORMS": 10, "when": when, "applied_at": applied_at, "memo": ""}
    for number in range(10):
        order, key, expression = own[number] if number < len(own) else (str(number + 1), "", "")
        data |= {
            f"own-{number}-order": order,
            f"own-{number}-key": key,
            f"own-{number}-name": key,
            f"own-{number}-expression": expression,
            f"own-{number}-rounding": "DOWN",
        }
    return data | expressions


class TestShown:
    def test_the_default_until_something_is_saved(self, shop: Shop) -> None:
        page = text(shop.browser.get(URL))
        assert "아직 바꾼 적이 없어서 기본 계산식을 써요." in page
        assert DEFAULTS[Place.PLATFORM_FEE] in page

    def test_the_version_that_counts_and_the_planned_one(self, shop: Shop) -> None:
        replaced = {Place.PLATFORM_FEE: "PAYMENT_AMOUNT * FIXED_RATE"}
        draft = CalculatorDraft(RoundingModes(vat=Rounding.OFF), replaced, (OwnFormula("bonus", "보너스", "1 + 2"),))
        calculator.save(scope=shop.scope, by=build.BY, now=build.noon(), draft=draft)
        ahead = CalculatorDraft(replaced={Place.SETTLEMENT: "ORDER_AMOUNT"}, memo="새해부터")
        later = build.noon("2099-01-01")
        calculator.save(scope=shop.scope, by=build.BY, now=build.noon(), draft=ahead, applied_at=later)
        page = text(shop.browser.get(URL))
        for words in ("PAYMENT_AMOUNT * FIXED_RATE", "바꾼 식", "보너스 bonus", "반올림", "예약한 계산식", "새해부터"):
            assert words in page

    def test_a_version_of_a_number(self, shop: Shop) -> None:
        for memo in ("첫 판", "둘째 판"):
            draft = CalculatorDraft(memo=memo)
            calculator.save(scope=shop.scope, by=build.BY, now=build.noon(), draft=draft)
        assert "1판의 내용 지난 판" in text(shop.browser.get(f"{URL}?version=1"))
        assert "2판의 내용 적용 중" in text(shop.browser.get(f"{URL}?version=2"))
        for wrong in ("3", "x", "", "9" * 30):
            assert shop.browser.get(f"{URL}?version={wrong}").status_code == 404

    def test_who_may_look_may_try_but_not_change(self, shop: Shop) -> None:
        page = shop.viewer.get(URL).content.decode()
        assert "/settlement/calculator/edit/" not in page
        assert shop.viewer.get(f"{URL}edit/").status_code == 403
        assert shop.viewer.post(f"{URL}withdraw/").status_code == 403
        assert shop.viewer.get(f"{URL}test/").status_code == 200


class TestRecord:
    def test_shows_what_own_formulas_gave(self, shop: Shop) -> None:
        build.partner(shop.scope)
        draft = CalculatorDraft(own=(OwnFormula("bonus", "보너스", "ORDER_AMOUNT * 0.02", Rounding.UP),))
        calculator.save(scope=shop.scope, by=build.BY, now=build.noon("2023-08-01"), draft=draft)
        order = build.order(shop.scope, 10_001)
        page = text(shop.browser.get(f"/settlement/records/view/{order.public_id}"))
        assert "내 계산식" in page
        assert "보너스 10,001 × 0.02 = 200.02 → 201" in page
        assert "정산 계산식 1판" in page


class TestChanging:
    def test_a_version_is_saved(self, shop: Shop) -> None:
        data = sent(("1", "bonus", "ORDER_AMOUNT * 0.02"), settlement=f"{DEFAULTS[Place.SETTLEMENT]} + bonus")
        answer = shop.browser.post(f"{URL}edit/", data, follow=True)
        assert "저장했어요." in text(answer)
        made = Calculator.objects.get()
        assert made.replaced == {"settlement": f"{DEFAULTS[Place.SETTLEMENT]} + bonus"}
        assert [item["key"] for item in made.own] == ["bonus"]

    def test_own_formulas_follow_their_order(self, shop: Shop) -> None:
        data = sent(("2", "twice", "once * 2"), ("1", "once", "ORDER_AMOUNT"))
        shop.browser.post(f"{URL}edit/", data)
        assert [item["key"] for item in Calculator.objects.get().own] == ["once", "twice"]

    def test_a_planned_one_is_saved_and_withdrawn(self, shop: Shop) -> None:
        data = sent(when="later", applied_at="2099-01-01T09:00", settlement="ORDER_AMOUNT")
        shop.browser.post(f"{URL}edit/", data)
        planned = Calculator.objects.get()
        assert planned.applied_at > build.noon("2098-12-31")
        assert "ORDER_AMOUNT" in shop.browser.get(f"{URL}edit/?planned=1").content.decode()
        shop.browser.post(f"{URL}withdraw/")
        assert not calculators.versions(shop.scope).exists()

    def test_a_passed_moment_is_told_beside_its_field(self, shop: Shop) -> None:
        data = sent(when="later", applied_at="2020-01-01T09:00")
        answer = shop.browser.post(f"{URL}edit/", data)
        assert answer.status_code == 422
        assert 'id="id_applied_at_error"' in answer.content.decode()

    def test_a_wrong_formula_is_pointed_at(self, shop: Shop) -> None:
        data = sent(platform_fee="ORDER_AMOUNT\r\n * FLOOR(1)")
        answer = shop.browser.post(f"{URL}edit/", data)
        page = answer.content.decode()
        assert answer.status_code == 422
        assert '<p class="pointer"> * <mark>FLOOR</mark>(1)</p>' in page
        assert "2번째 줄 4번째 글자: 없는 함수예요." in page
        assert not Calculator.objects.exists()

    def test_everything_wrong_is_told_at_once(self, shop: Shop) -> None:
        data = sent(("1", "ORDER_AMOUNT", "1"), ("2", "a", "b"), settlement="1 +", platform_fee="")
        page = text(shop.browser.post(f"{URL}edit/", data))
        assert "계산식의 변수나 함수와 같은 키는 쓸 수 없어요." in page
        assert "없는 변수예요." in page
        assert "연산자 오른쪽에 값이 필요해요." in page

    def test_an_emptied_formula_is_the_default(self, shop: Shop) -> None:
        shop.browser.post(f"{URL}edit/", sent(settlement="", memo="비움"))
        assert Calculator.objects.get().replaced == {}

    def test_an_edited_one_is_tried_without_being_saved(self, shop: Shop) -> None:
        data = sent(("1", "bonus", "ORDER_AMOUNT * 0.02"), settlement=f"{DEFAULTS[Place.SETTLEMENT]} + bonus")
        answer = shop.browser.post(f"{URL}edit/", {**data, **MADE_UP, "amount": "10,001", "try": "1"})
        page = text(answer)
        assert answer.status_code == 200
        # 10,001 - 1,000 - 100 + 200.
        assert "10,001 - 0 - 1,100 - 0 - 0 + 200" in page
        assert "10,001 × 0.02 = 200.02 → 200" in page
        assert "₩9,101" in page
        assert not Calculator.objects.exists()


class TestTrying:
    def test_an_amount_with_discount_fee_and_parameter(self, shop: Shop) -> None:
        value = ParameterValue(5, 1)
        parameters.define(scope=shop.scope, by=build.BY, key="half", name="반", default=value)
        draft = CalculatorDraft(replaced={Place.DISCOUNT_SHARE: "DISCOUNT_AMOUNT * half"})
        calculator.save(scope=shop.scope, by=build.BY, now=build.noon(), draft=draft)
        data = MADE_UP | {
            "discount0_amount": "2,000",
            "discount0_share": "10",
            "fee0_rate": "5",
            "subtract_payment_vat": "on",
            "parameter_half": "0.25",
        }
        page = text(shop.browser.post(f"{URL}test/", data))
        assert "2,000 × 0.25" in page
        # 10,000 - 727 - 1,100 - 550 - 500.
        assert "10,000 - 727 - 1,100 - 550 - 500" in page
        assert "₩7,123" in page

    def test_lines(self, shop: Shop) -> None:
        lines = {"by": "lines", "line0_unit": "2,000", "line0_quantity": "5", "line1_unit": "4,000"}
        page = text(shop.viewer.post(f"{URL}test/", MADE_UP | lines))
        assert "상품별 1,000 + 400" in page
        assert "₩12,460" in page

    @pytest.mark.parametrize(
        "wrong",
        [
            {"amount": ""},
            {"by": "lines"},
            {"amount": "100", "discount0_amount": "200"},
            {"amount": "100", "tax_free": "200"},
            {"amount": "999,999,999,999,999", "fee_rate": "999999"},
        ],
    )
    def test_what_cannot_be_computed_is_told(self, shop: Shop, wrong: dict[str, str]) -> None:
        answer = shop.browser.post(f"{URL}test/", MADE_UP | wrong)
        assert answer.status_code == 422
        assert "error-summary" in answer.content.decode()


class TestParameters:
    def test_are_defined_changed_and_removed(self, shop: Shop) -> None:
        new = {"key": "bonus_rate", "name": "보너스율", "default": "0.02"}
        shop.browser.post(f"{URL}parameters/new/", new)
        row = SettlementParameter.objects.get()
        assert (row.key, row.decimal, row.scale) == ("bonus_rate", 2, 2)
        shop.browser.post(f"{URL}parameters/edit/bonus_rate", {"name": "보너스", "default": "-3"})
        row.refresh_from_db()
        assert (row.name, row.decimal, row.scale) == ("보너스", -3, 0)
        assert "기본값" in text(shop.browser.get(f"{URL}parameters/edit/bonus_rate"))
        shop.browser.post(f"{URL}parameters/remove/bonus_rate")
        assert not SettlementParameter.objects.exists()

    @pytest.mark.parametrize(
        "wrong",
        [{"key": "ORDER_AMOUNT"}, {"key": "1"}, {"default": "0.000001"}, {"default": "NaN"}, {"default": "1e99"}],
    )
    def test_wrong_ones_are_told(self, shop: Shop, wrong: dict[str, str]) -> None:
        new = {"key": "bonus_rate", "name": "보너스율", "default": "0.02"} | wrong
        answer = shop.browser.post(f"{URL}parameters/new/", new)
        assert answer.status_code == 422
        assert not SettlementParameter.objects.exists()

    def test_one_in_use_is_not_removed(self, shop: Shop) -> None:
        value = ParameterValue(1)
        parameters.define(scope=shop.scope, by=build.BY, key="used", name="", default=value)
        draft = CalculatorDraft(own=(OwnFormula("a", "a", "used"),))
        calculator.save(scope=shop.scope, by=build.BY, now=build.noon(), draft=draft)
        answer = shop.browser.post(f"{URL}parameters/remove/used")
        assert (answer.status_code, "v1" in text(answer)) == (409, True)

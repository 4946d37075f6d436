"""Versions of the calculation: which one counts for a record, who keeps it, and what cannot be undone."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from access.models import AuditEvent, Merchant
from access.roles import Role
from core.errors import DomainError, InvalidRequest
from core.money import Rounding
from core.scope import Scope
from ledger.chart import Code
from ledger.posting import refused_by
from payouts.terms import payout_terms
from settlement import calculators, explain, formula_test
from settlement.calculation import ParameterValue
from settlement.fees import ContractTerms, FeeTerms, Order, Payer, RoundingModes
from settlement.formula_test import MadeUp
from settlement.formulas import DEFAULTS, OwnFormula, Place, Wrong
from settlement.models import Calculator, SettlementParameter, SettlementRecord
from settlement.operations import calculator, parameters, settings
from settlement.operations.calculator import CalculatorDraft, InvalidCalculation
from settlement.operations.policies import FeeInput
from settlement.operations.records import DiscountDraft
from tests import build
from tests.access.build import Firm

pytestmark = pytest.mark.django_db

BONUS = OwnFormula("bonus", "보너스", "ORDER_AMOUNT * bonus_rate", Rounding.UP)
GENEROUS = CalculatorDraft(
    replaced={Place.SETTLEMENT: f"{DEFAULTS[Place.SETTLEMENT]} + bonus"}, own=(BONUS,), memo="봄 보너스"
)


def everything(mode: Rounding) -> CalculatorDraft:
    """Return a version that rounds every formula in one way."""
    return CalculatorDraft(RoundingModes(mode, mode, mode, mode, mode))


def save(scope: Scope, draft: CalculatorDraft, *, on: str, applied: str | None = None) -> Calculator:
    """Save a version at noon of a day, for now or for noon of a later one."""
    applied_at = build.noon(applied) if applied else None
    return calculator.save(scope=scope, by=build.BY, now=build.noon(on), draft=draft, applied_at=applied_at)


def bonus_rate(scope: Scope, decimal: int = 2, scale: int = 2) -> SettlementParameter:
    """Define the parameter that the bonus needs, 2 % unless said otherwise."""
    value = ParameterValue(decimal, scale)
    return parameters.define(scope=scope, by=build.BY, key="bonus_rate", name="보너스율", default=value)


class TestWhichCounts:
    def test_rounding_reaches_the_formulas(self) -> None:
        scope = build.merchant()
        build.contract(scope, fee=FeeInput(rate=3_300))
        build.partner(scope)
        found = {}
        for mode in Rounding:
            save(scope, everything(mode), on="2023-08-01")
            record = build.order(scope, 33_333)
            found[mode] = (record.platform_fee, record.platform_fee_vat, record.payment_vat, record.settlement)

        assert found == {
            Rounding.DOWN: (1_099, 109, 3_030, 32_125),
            Rounding.UP: (1_100, 110, 3_031, 32_123),
            Rounding.OFF: (1_100, 110, 3_030, 32_123),
        }

    def test_the_start_date_decides(self) -> None:
        scope = build.merchant()
        first = save(scope, everything(Rounding.UP), on="2023-08-01")
        ahead = save(scope, everything(Rounding.OFF), on="2023-08-01", applied="2023-09-01")
        days = ("2023-07-31", "2023-08-01", "2023-08-31", "2023-09-01", "2030-01-01")
        counting = [calculators.counting(scope, build.day(day)) for day in days]
        assert counting == [None, first, first, ahead, ahead]

    def test_of_two_on_one_day_the_later_counts(self) -> None:
        scope = build.merchant()
        save(scope, everything(Rounding.UP), on="2023-08-01")
        newest = save(scope, everything(Rounding.OFF), on="2023-08-01")
        assert calculators.counting(scope, build.day("2023-08-01")) == newest

    def test_nobody_elses_counts(self) -> None:
        scope = build.merchant()
        save(scope, everything(Rounding.UP), on="2023-08-01")
        for other in (build.merchant("다른마켓"), Scope(scope.merchant_id, is_test=True)):
            assert calculators.counting(other, build.day("2023-08-02")) is None

    def test_a_cancel_is_computed_by_the_version_of_its_order(self) -> None:
        scope = build.merchant()
        build.partner(scope)
        version = save(scope, everything(Rounding.UP), on="2023-08-01")
        order = build.order(scope, 10_001)
        save(scope, everything(Rounding.DOWN), on="2023-08-12")
        cancel = build.cancel(scope, order, 3_333, on="2023-08-13", start="2023-08-13")
        assert order.calculator == cancel.calculator == version
        assert (cancel.platform_fee, cancel.platform_fee_vat) == (334, 34)

    def test_payouts_round_vat_as_today(self) -> None:
        scope = build.merchant()
        partner = build.partner(scope)
        modes = RoundingModes(vat=Rounding.OFF)
        version = save(scope, CalculatorDraft(modes), on="2023-08-01")
        setting = settings.current(scope)
        assert payout_terms(setting, version, partner).vat_rounding is Rounding.OFF
        assert payout_terms(setting, None, partner).vat_rounding is Rounding.DOWN


class TestVersions:
    def test_a_passed_moment_is_refused(self) -> None:
        scope = build.merchant()
        with pytest.raises(InvalidRequest):
            save(scope, everything(Rounding.UP), on="2023-08-01", applied="2023-08-01")

    def test_one_waits_at_a_time(self) -> None:
        scope, now = build.merchant(), build.noon("2023-08-01")
        save(scope, everything(Rounding.UP), on="2023-08-01", applied="2023-09-01")
        second = save(scope, everything(Rounding.OFF), on="2023-08-01", applied="2023-10-01")
        assert list(calculators.versions(scope)) == [second]
        assert calculators.future(scope, now) == second

    def test_saving_now_leaves_the_one_that_waits(self) -> None:
        scope = build.merchant()
        ahead = save(scope, everything(Rounding.UP), on="2023-08-01", applied="2023-09-01")
        current = save(scope, everything(Rounding.OFF), on="2023-08-02")
        assert list(calculators.versions(scope)) == [current, ahead]
        assert [version.number for version in (ahead, current)] == [1, 2]

    def test_the_one_that_waits_can_be_withdrawn(self) -> None:
        scope, now = build.merchant(), build.noon("2023-08-01")
        save(scope, everything(Rounding.UP), on="2023-08-01", applied="2023-09-01")
        calculator.withdraw(scope=scope, by=build.BY, now=now)
        assert calculators.counting(scope, build.day("2023-09-02")) is None
        with pytest.raises(InvalidRequest):
            calculator.withdraw(scope=scope, by=build.BY, now=now)

    def test_one_that_counts_cannot_be_withdrawn(self) -> None:
        scope = build.merchant()
        save(scope, everything(Rounding.UP), on="2023-08-01")
        with pytest.raises(InvalidRequest):
            calculator.withdraw(scope=scope, by=build.BY, now=build.noon("2023-08-02"))

    @pytest.mark.parametrize("change", [{"memo": "x"}, {"applied_at": build.noon()}, {"replaced": {"settlement": "1"}}])
    def test_the_database_refuses_to_change_one(self, change: dict[str, Any]) -> None:
        version = save(build.merchant(), GENEROUS_WITHOUT_PARAMETER, on="2023-08-01")
        rows = Calculator.objects.filter(pk=version.pk)
        with pytest.raises(IntegrityError), transaction.atomic():
            rows.update(**change)
        with pytest.raises(IntegrityError), transaction.atomic():
            rows.delete()

    def test_the_trail_keeps_every_version(self) -> None:
        scope = build.merchant()
        bonus_rate(scope)
        save(scope, GENEROUS, on="2023-08-01", applied="2023-09-01")
        calculator.withdraw(scope=scope, by=build.BY, now=build.noon("2023-08-02"))
        events = AuditEvent.objects.filter(object_kind="calculator").order_by("pk")
        assert [event.action for event in events] == ["calculator.saved", "calculator.withdrawn"]
        assert (events[0].after or {})["own_bonus"] == BONUS.expression

    def test_what_reads_like_the_default_stays_the_default(self) -> None:
        made = save(build.merchant(), CalculatorDraft(replaced=dict(DEFAULTS)), on="2023-08-01")
        assert made.replaced == {}

    def test_wrong_formulas_are_refused_with_their_places(self) -> None:
        draft = CalculatorDraft(replaced={Place.SETTLEMENT: "ORDER_AMOUNT\n + bonus"}, own=(OwnFormula("1", "", "2"),))
        with pytest.raises(InvalidCalculation) as caught:
            save(build.merchant(), draft, on="2023-08-01")
        assert caught.value.body()["problems"] == [
            {"formula": "own", "number": 0, "type": "KEY_INVALID"},
            {
                "formula": "settlement",
                "type": Wrong.INVALID_VARIABLE.value,
                "start": {"line": 2, "index": 3},
                "end": {"line": 2, "index": 8},
            },
        ]
        assert not Calculator.objects.exists()


GENEROUS_WITHOUT_PARAMETER = CalculatorDraft(own=(OwnFormula("bonus", "보너스", "ORDER_AMOUNT * 0.02"),))


class TestRecords:
    def test_keep_what_own_formulas_gave_and_post_the_difference(self) -> None:
        scope = build.merchant()
        build.partner(scope)
        bonus_rate(scope)
        save(scope, GENEROUS, on="2023-08-01")
        order = build.order(scope, 10_001)
        # 10,001 - 1,000 - 100, and 2 % of 10,001 up.
        assert (order.settlement, order.formula_results) == (8_901 + 201, {"bonus": 201})
        assert order.parameters == {"bonus_rate": {"decimal": 2, "decimalScale": 2}}
        assert build.balance(scope, Code.FORMULA_ADJUSTMENT) == -201
        assert build.money(scope) == {"pending": 9_102}
        assert build.off_balance(scope) == 0

    def test_an_order_and_its_cancels_leave_nothing(self) -> None:
        scope = build.merchant()
        build.partner(scope)
        bonus_rate(scope)
        save(scope, GENEROUS, on="2023-08-01")
        lines = [build.line("tea", 335, 3), build.line("cup", 999, 2)]
        order = build.order(scope, lines=lines, parameters={"bonus_rate": ParameterValue(333, 4)})
        # A new default must not reach cancels of what was ordered before.
        value = ParameterValue(9)
        parameters.change(scope=scope, by=build.BY, key="bonus_rate", name="보너스율", default=value)
        cancels = [
            build.cancel(scope, order, lines=[("tea", 1)]),
            build.cancel(scope, order, lines=[("cup", 2)]),
            build.cancel(scope, order),
        ]
        assert sum(cancel.formula_results["bonus"] for cancel in cancels) == order.formula_results["bonus"] == 100
        assert sum(cancel.net for cancel in cancels) == -order.net
        assert {cancel.parameters["bonus_rate"]["decimal"] for cancel in cancels} == {333}
        assert build.balance(scope, Code.FORMULA_ADJUSTMENT) == 0
        assert build.off_balance(scope) == 0

    def test_lines_keep_results_of_their_own(self) -> None:
        scope = build.merchant()
        build.partner(scope)
        bonus_rate(scope)
        save(scope, GENEROUS, on="2023-08-01")
        order = build.order(scope, lines=[build.line("tea", 335, 1), build.line("cup", 335, 1)])
        assert [line["formulas"] for line in order.lines] == [{"bonus": 7}, {"bonus": 7}]
        assert order.formula_results == {"bonus": 14}

    def test_a_started_record_keeps_its_calculation(self) -> None:
        scope = build.merchant()
        build.partner(scope)
        version = save(scope, everything(Rounding.UP), on="2023-08-01")
        order = build.order(scope)
        changes: list[dict[str, Any]] = [
            {"calculator": None},
            {"formula_results": {"a": 1}},
            {"parameters": {"a": {}}},
        ]
        for change in changes:
            with pytest.raises(IntegrityError), transaction.atomic():
                SettlementRecord.objects.filter(pk=order.pk).update(**change)
        assert order.calculator == version

    def test_the_calculation_is_of_the_same_merchant(self) -> None:
        scope, other = build.merchant(), build.merchant("다른마켓")
        build.partner(scope)
        order = build.order(scope)
        order.pk, order.public_id, order.payment_id = None, "copy", "copy"
        order.calculator = save(other, everything(Rounding.UP), on="2023-08-01")
        with pytest.raises(IntegrityError) as caught, transaction.atomic():
            order.save(force_insert=True)
        assert refused_by(caught.value) == "settlement_same_scope"

    def test_an_order_that_starts_follows_a_version_saved_meanwhile(self) -> None:
        scope = build.merchant()
        build.partner(scope)
        order = build.order(scope, 10_001, start="2023-08-20")
        assert order.settlement == 8_901
        version = save(scope, GENEROUS_WITHOUT_PARAMETER, on="2023-08-15")
        build.mature("2023-08-20")
        order.refresh_from_db()
        assert (order.calculator, order.formula_results) == (version, {"bonus": 200})

    def test_too_much_is_refused(self) -> None:
        scope = build.merchant()
        build.partner(scope)
        huge = CalculatorDraft(own=(OwnFormula("huge", "", "ORDER_AMOUNT * ORDER_AMOUNT * ORDER_AMOUNT"),))
        save(scope, huge, on="2023-08-01")
        with pytest.raises(InvalidRequest) as caught:
            build.order(scope, 10_000_000)
        assert caught.value.facts["field"] == "huge"


class TestParameters:
    def test_values_not_given_take_the_default(self) -> None:
        scope = build.merchant()
        build.partner(scope)
        bonus_rate(scope)
        unused = ParameterValue(1)
        parameters.define(scope=scope, by=build.BY, key="unused", name="", default=unused)
        save(scope, GENEROUS, on="2023-08-01")
        given = build.order(scope, 10_000, parameters={"bonus_rate": ParameterValue(5, 2), "unused": ParameterValue(7)})
        assert (given.formula_results, set(given.parameters)) == ({"bonus": 500}, {"bonus_rate", "unused"})
        default = build.order(scope, 10_000)
        assert (default.formula_results, set(default.parameters)) == ({"bonus": 200}, {"bonus_rate"})

    def test_an_unknown_one_is_refused(self) -> None:
        scope = build.merchant()
        build.partner(scope)
        with pytest.raises(DomainError) as caught:
            build.order(scope, parameters={"nope": ParameterValue(1)})
        assert (caught.value.code, caught.value.status) == ("PLATFORM_SETTLEMENT_PARAMETER_NOT_FOUND", 404)

    def test_one_that_a_formula_uses_stays(self) -> None:
        scope = build.merchant()
        bonus_rate(scope)
        save(scope, GENEROUS, on="2023-08-01")
        save(scope, everything(Rounding.UP), on="2023-08-02")
        with pytest.raises(parameters.ParameterInUse):
            parameters.remove(scope=scope, by=build.BY, key="bonus_rate")

    def test_one_that_only_a_withdrawn_version_used_goes(self) -> None:
        scope = build.merchant()
        bonus_rate(scope)
        save(scope, GENEROUS, on="2023-08-01", applied="2023-09-01")
        calculator.withdraw(scope=scope, by=build.BY, now=build.noon("2023-08-02"))
        parameters.remove(scope=scope, by=build.BY, key="bonus_rate")
        assert not calculators.defaults(scope)

    @pytest.mark.parametrize("key", ["bonus_rate", "bonus", "ORDER_AMOUNT", "ROUND", "1st", ""])
    def test_keys_are_used_once(self, key: str) -> None:
        scope = build.merchant()
        bonus_rate(scope)
        save(scope, GENEROUS, on="2023-08-01")
        with pytest.raises(DomainError):
            parameters.define(scope=scope, by=build.BY, key=key, name="", default=ParameterValue(1))

    def test_a_formula_cannot_take_the_key_of_one(self) -> None:
        scope = build.merchant()
        bonus_rate(scope)
        with pytest.raises(InvalidCalculation):
            save(scope, CalculatorDraft(own=(OwnFormula("bonus_rate", "", "1"),)), on="2023-08-01")


class TestWire:
    def call(self, scope: Scope, method: str, path: str, body: object = None) -> tuple[int, Mapping[str, Any]]:
        """Call the compatible wire as the merchant's backend."""
        firm = Firm(Merchant.objects.get(pk=scope.merchant_id), scope)
        _secret, text = firm.secret(firm.person(f"owner{AuditEvent.objects.count()}", Role.ADMIN))
        answer = Client().generic(
            method,
            f"/platform{path}",
            "" if body is None else json.dumps(body),
            content_type="application/json",
            headers={"authorization": f"PortOne {text}"},
        )
        return answer.status_code, answer.json()

    def order(self, parameters: object) -> dict[str, object]:
        """Return the request of an order with parameters."""
        return {
            "partnerId": "seller-7",
            "paymentId": "order-0001",
            "orderDetail": {
                "orderLines": [
                    {
                        "product": {"id": "tea", "name": "차", "amount": 10_001},
                        "quantity": 1,
                        "discounts": [],
                        "additionalFees": [],
                    }
                ]
            },
            "settlementStartDate": "2023-08-11",
            "discounts": [],
            "additionalFees": [],
            "externalPaymentDetail": {"currency": "KRW"},
            "parameters": parameters,
        }

    def test_parameters_go_in_and_results_come_out(self) -> None:
        scope = build.merchant()
        build.partner(scope)
        bonus_rate(scope)
        save(scope, GENEROUS, on="2023-08-01")
        sent = {"bonus_rate": {"decimal": 25, "decimalScale": 3}}
        status, answer = self.call(scope, "POST", "/transfers/order", self.order(sent))
        assert status == 200, answer
        transfer = answer["transfer"]
        assert transfer["parameters"] == sent
        # 2.5 % of 10,001 is 250.025, up.
        assert transfer["amount"]["userDefinedFormulas"] == {"bonus": 251}
        assert transfer["orderLines"][0]["amount"]["userDefinedFormulas"] == {"bonus": 251}
        assert transfer["amount"]["settlement"] == 8_901 + 251

    @pytest.mark.parametrize(
        "value", [{"decimal": 1, "decimalScale": 6}, {"decimal": "1"}, {"decimal": 1.5}, {}, 3, {"decimal": 10**15}]
    )
    def test_values_are_checked(self, value: object) -> None:
        scope = build.merchant()
        build.partner(scope)
        bonus_rate(scope)
        status, answer = self.call(scope, "POST", "/transfers/order", self.order({"bonus_rate": value}))
        assert (status, answer["type"]) == (400, "INVALID_REQUEST")

    def test_an_unknown_key_is_named(self) -> None:
        scope = build.merchant()
        build.partner(scope)
        sent = {"bonus_rate": {"decimal": 1}}
        status, answer = self.call(scope, "POST", "/transfers/order", self.order(sent))
        assert (status, answer["type"]) == (404, "PLATFORM_SETTLEMENT_PARAMETER_NOT_FOUND")

    def test_a_partner_settlement_adds_up_the_results_of_its_records(self) -> None:
        scope = build.merchant()
        build.partner(scope)
        save(scope, GENEROUS_WITHOUT_PARAMETER, on="2023-08-01")
        for amount in (10_000, 20_000):
            build.order(scope, amount, settlement_date=build.TODAY)
        query = urlencode({"requestBody": "{}"})
        status, answer = self.call(scope, "GET", f"/partner-settlements?{query}")
        assert status == 200, answer
        assert [item["amount"]["userDefinedFormulas"] for item in answer["items"]] == [{"bonus": 600}]


class TestExplained:
    def test_a_replaced_formula_is_shown_with_its_numbers(self) -> None:
        scope = build.merchant()
        build.partner(scope)
        build.share(scope)
        build.extra_fee(scope)
        bonus_rate(scope)
        replaced = {
            Place.PLATFORM_FEE: "ROUND_UP(PAYMENT_AMOUNT * FIXED_RATE)",
            Place.DISCOUNT_SHARE: "DISCOUNT_AMOUNT * FIXED_RATE + 1",
            Place.ADDITIONAL_FEE: "PLATFORM_FEE_AMOUNT * 0.333",
            Place.SETTLEMENT: "ORDER_AMOUNT - PLATFORM_FEE\n + bonus",
        }
        save(scope, CalculatorDraft(replaced=replaced, own=(BONUS,)), on="2023-08-01")
        record = build.order(scope, 10_001, discounts=[DiscountDraft("half", 2_000)], fees=["five"])

        shown = {step.label: step.formula for step in explain.steps(record)}
        assert shown["중개수수료"] == "ROUND_UP(8,001 × 10%)"
        assert shown["할인 분담금"] == "2,000 × 50% + 1"
        assert shown["추가수수료"] == "801 × 0.333 = 266.73… → 266"
        assert shown["계산식 조정"].endswith("10,001 - 881 + 201")
        assert [(fact.label, fact.amount, fact.formula) for fact in explain.own(record)] == [
            ("보너스", 201, "10,001 × 0.02 = 200.02 → 201")
        ]

    def test_the_parts_sum_up_for_every_record_of_a_replaced_calculation(self) -> None:
        scope = build.merchant()
        build.partner(scope)
        bonus_rate(scope)
        save(scope, GENEROUS, on="2023-08-01")
        lines = [build.line("tea", 335, 3), build.line("cup", 999, 2)]
        order = build.order(scope, lines=lines)
        first, last = build.cancel(scope, order, lines=[("tea", 1)]), build.cancel(scope, order)
        for record, rest in ((order, False), (first, False), (last, True)):
            assert sum(step.amount for step in explain.steps(record, takes_rest=rest)) == record.settlement
        assert explain.own(first)[0].formula == "335 × 0.02 = 6.7 → 7"
        assert explain.own(last, takes_rest=True)[0].formula.startswith("마지막 취소라서")

    def test_a_default_calculation_has_no_own_results(self) -> None:
        scope = build.merchant()
        build.partner(scope)
        assert explain.own(build.order(scope)) == []

    def test_a_made_up_order_is_computed_and_not_kept(self) -> None:
        scope = build.merchant()
        bonus_rate(scope)
        unsaved = Calculator(**scope.filters(), **GENEROUS.columns())
        contract = ContractTerms(FeeTerms(10_000), Payer.PARTNER, subtract_payment_vat=False, cycle=build.DAILY)
        made_up = MadeUp(Order(10_001), contract, calculators.defaults(scope))
        result = formula_test.run(unsaved, made_up)
        assert (result.settlement.amount, result.settlement.formula) == (9_102, "10,001 - 0 - 1,100 - 0 - 0 + 201")
        assert not SettlementRecord.objects.exists()
        assert not Calculator.objects.exists()

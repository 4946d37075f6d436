"""Our own API for the calculation: its versions, saving one, withdrawing the one that waits, trying one."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from access.api import ApiRequest, V1View
from access.parse import Fields
from access.wire import without_absent
from core import clock
from core.money import RATE_SCALE, Rounding
from settlement import calculators, explain, formula_test, wire, wire_in
from settlement.calculation import ParameterValue
from settlement.dates import Cycle, CycleMethod, DatePolicy
from settlement.fees import (
    AdditionalFeeTerms,
    ContractTerms,
    DiscountTerms,
    FeeTerms,
    Line,
    Order,
    Payer,
    RoundingModes,
)
from settlement.formula_test import MadeUp
from settlement.formulas import MAX_LENGTH, MAX_OWN, REPLACEABLE, OwnFormula, Place
from settlement.models import Calculator
from settlement.operations import calculator as operations
from settlement.operations.calculator import CalculatorDraft
from settlement.refusals import parameter_not_found

Shape = dict[str, Any]
PLACES: Mapping[str, Place] = {wire.camel(place.value): place for place in REPLACEABLE}
MODES: Mapping[str, str] = {wire.camel(name): name for name in RoundingModes.__dataclass_fields__}
MOST_LINES, MOST_TERMS = 100, 20
# A made-up order has no dates.
_CYCLE = Cycle(1, CycleMethod.DAILY, DatePolicy.CALENDAR_DAY)


# ---- out


def _moment(value: datetime) -> str:
    return clock.wire_moment(value)


def shape(version: Calculator) -> Shape:
    """Return one version."""
    return without_absent(
        {
            "number": version.number,
            "appliedAt": _moment(version.applied_at),
            "createdAt": _moment(version.created_at),
            "memo": version.memo or None,
            "rounding": {key: str(getattr(version, f"rounding_{name}")) for key, name in MODES.items()},
            "formulas": {
                key: version.replaced[place.value] for key, place in PLACES.items() if place.value in version.replaced
            },
            "own": [dict(one) for one in version.own],
        }
    )


def _step(step: explain.Step | explain.Fact) -> Shape:
    return without_absent({"label": step.label, "amount": step.amount, "formula": step.formula or None})


# ---- in


def draft(fields: Fields) -> CalculatorDraft:
    """Return a version to be saved or tried; what is left out is as it is by default."""
    modes = fields.maybe_mapping("rounding") or Fields({})
    chosen = {name: modes.choice(key, Rounding) for key, name in MODES.items() if modes.has(key)}
    formulas = fields.maybe_mapping("formulas") or Fields({})
    return CalculatorDraft(
        rounding=RoundingModes(**chosen),
        replaced={place: formulas.text(key, longest=MAX_LENGTH) for key, place in PLACES.items() if formulas.has(key)},
        own=[_own(item) for item in fields.maybe_items("own", most=MAX_OWN) or []],
        memo=fields.maybe_text("memo", longest=1_000) or "",
    )


def _own(fields: Fields) -> OwnFormula:
    return OwnFormula(
        key=fields.text("key", shortest=1, longest=64),
        name=fields.text("name", shortest=1, longest=100),
        expression=fields.text("expression", longest=MAX_LENGTH),
        rounding=fields.choice("rounding", Rounding) if fields.has("rounding") else Rounding.DOWN,
    )


def made_up(fields: Fields, defaults: Mapping[str, ParameterValue]) -> MadeUp:
    """Return a made-up order with its terms; parameters that it leaves out have their defaults."""
    lines = tuple(_line(number, item) for number, item in enumerate(fields.maybe_items("lines", most=MOST_LINES) or []))
    order = Order(
        amount=fields.maybe_amount("amount", minimum=0),
        lines=lines,
        tax_free=fields.maybe_amount("taxFreeAmount", minimum=0),
        discounts=_discounts(fields),
        fees=_fees(fields),
    )
    contract = ContractTerms(
        platform_fee=_fee(fields.mapping("platformFee")),
        vat_payer=fields.choice("platformFeeVatPayer", Payer),
        subtract_payment_vat=bool(fields.maybe_boolean("subtractPaymentVatAmount")),
        cycle=_CYCLE,
    )
    given = {key: wire_in.parameter_value(value) for key, value in fields.entries("parameters").items()}
    for key in given:
        if key not in defaults:
            raise parameter_not_found(key)
    return MadeUp(order, contract, {**defaults, **given})


def _line(number: int, fields: Fields) -> Line:
    return Line(
        product_id=fields.maybe_text("name", longest=400) or str(number + 1),
        unit_amount=fields.amount("amount", minimum=0),
        unit_tax_free=fields.maybe_amount("taxFreeAmount", minimum=0) or 0,
        quantity=fields.integer("quantity", minimum=1),
        discounts=_discounts(fields),
        fees=_fees(fields),
    )


def _discounts(fields: Fields) -> tuple[DiscountTerms, ...]:
    return tuple(
        DiscountTerms(
            policy_id=f"{fields.path('discounts')}.{number}",
            share_rate=item.integer("partnerShareRate", minimum=0, maximum=RATE_SCALE),
            amount=item.amount("amount", minimum=0),
            tax_free=item.maybe_amount("taxFreeAmount", minimum=0) or 0,
        )
        for number, item in enumerate(fields.maybe_items("discounts", most=MOST_TERMS) or [])
    )


def _fees(fields: Fields) -> tuple[AdditionalFeeTerms, ...]:
    return tuple(
        AdditionalFeeTerms(
            policy_id=f"{fields.path('additionalFees')}.{number}",
            fee=_fee(item.mapping("fee")),
            vat_payer=item.choice("vatPayer", Payer),
        )
        for number, item in enumerate(fields.maybe_items("additionalFees", most=MOST_TERMS) or [])
    )


def _fee(fields: Fields) -> FeeTerms:
    asked = wire_in.fee(fields)
    return FeeTerms(asked.rate, asked.amount)


# ---- endpoints


class Calculators(V1View):
    """GET, POST /calculators."""

    def get(self, request: ApiRequest) -> Shape:
        """Return the versions of the calculation in the order of their moments, and the parameters of orders."""
        parameters = [
            {"key": row.key, "name": row.name, "decimal": row.decimal, "decimalScale": row.scale}
            for row in calculators.parameters(request.scope)
        ]
        return {"items": [shape(row) for row in calculators.versions(request.scope)], "parameters": parameters}

    def post(self, request: ApiRequest) -> Shape:
        """Save a version that counts from now, or from a moment ahead in place of the one that waits."""
        made = operations.save(
            scope=request.scope,
            by=request.actor,
            now=clock.now(),
            draft=draft(request.fields),
            applied_at=request.fields.maybe_moment("appliedAt"),
        )
        return {"calculator": shape(made)}


class CountingCalculator(V1View):
    """GET /calculators/counting."""

    def get(self, request: ApiRequest) -> Shape:
        """Return the version that counts for orders with a start date, today's without one; nothing: the default."""
        version = calculators.counting(request.scope, request.query.maybe_date("startDate") or clock.today())
        return {"calculator": shape(version)} if version else {}


class WaitingCalculator(V1View):
    """DELETE /calculators/waiting."""

    def delete(self, request: ApiRequest) -> Shape:
        """Withdraw the version whose moment lies ahead."""
        gone = operations.withdraw(scope=request.scope, by=request.actor, now=clock.now())
        return {"calculator": shape(gone)}


class CalculatorTest(V1View):
    """POST /calculators/test: a made-up order by a version that need not be saved. Nothing is kept."""

    acts = False
    idempotent = False

    def post(self, request: ApiRequest) -> Shape:
        """Return the amounts and how they came about. Refuses what saving the version or recording would refuse."""
        defaults = calculators.defaults(request.scope)
        wanted = request.fields.maybe_mapping("calculator")
        if wanted is None:
            version = calculators.counting(request.scope, clock.today()) or Calculator(**CalculatorDraft().columns())
        else:
            version = operations.unsaved(draft(wanted), defaults)
        result = formula_test.run(version, made_up(request.fields.mapping("order"), defaults))
        return {
            "amount": wire.amounts(result.record, result.record.formula_results),
            "steps": [_step(one) for one in result.steps],
            "payment": [_step(one) for one in result.payment],
            "own": [_step(one) for one in result.own],
        }

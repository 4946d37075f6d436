"""
A made-up order computed by a calculation that need not be saved: every formula with its numbers.

The record and the versions it names exist only here; they are explained as those of the books are.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext as _

from settlement import explain, terms
from settlement.calculation import ParameterValue
from settlement.fees import ContractTerms, Order, compute_order
from settlement.formulas import Place
from settlement.models import Calculator, Contract, ContractVersion, RecordType, SettlementRecord
from settlement.refusals import translated


@dataclass(frozen=True, slots=True)
class MadeUp:
    """A made-up order under made-up terms. Its policies go by the names they are shown under."""

    order: Order
    contract: ContractTerms
    parameters: Mapping[str, ParameterValue]


@dataclass(frozen=True, slots=True)
class Result:
    """What came out: the parts of the settlement amount, the amount itself, and the figures beside it."""

    record: SettlementRecord
    steps: list[explain.Step]
    settlement: explain.Fact
    payment: list[explain.Fact]
    own: list[explain.Fact]


def run(calculator: Calculator, made_up: MadeUp) -> Result:
    """
    Compute a made-up order by a version, saved or not; nothing is kept.

    The parameters must hold every one that the version's formulas use. Raises the refusals of the calculation.
    """
    parameters = {key: value.as_json() for key, value in made_up.parameters.items()}
    with translated():
        formulas = terms.formulas(calculator, parameters)
        computed = compute_order(made_up.order, made_up.contract, formulas=formulas)
    record = SettlementRecord(
        type=RecordType.ORDER,
        currency="KRW",
        contract_version=_contract(made_up.contract),
        calculator=calculator,
        parameters=parameters,
        **terms.computed_columns(computed, _agreed(made_up.order), RecordType.ORDER),
    )
    formula = explain.formula_of(record, Place.SETTLEMENT, record.settlement)
    return Result(
        record=record,
        steps=explain.steps(record),
        settlement=explain.Fact(_("정산 금액"), record.settlement, formula),
        payment=explain.payment(record),
        own=explain.own(record),
    )


def _contract(contract: ContractTerms) -> ContractVersion:
    fee = contract.platform_fee
    return ContractVersion(
        contract=Contract(public_id=""),
        fee_rate=fee.rate,
        fee_amount=fee.amount,
        fee_is_fixed=bool(fee.amount),
        vat_payer=contract.vat_payer.value,
        subtract_payment_vat=contract.subtract_payment_vat,
    )


def _agreed(order: Order) -> terms.Agreed:
    discounts = [*(item for line in order.lines for item in line.discounts), *order.discounts]
    fees = [*(item for line in order.lines for item in line.fees), *order.fees]
    return terms.Agreed(
        products={
            line.product_id: {
                "id": line.product_id,
                "name": line.product_id,
                "amount": line.unit_amount,
                "taxFreeAmount": line.unit_tax_free,
            }
            for line in order.lines
        },
        discounts={item.policy_id: (0, item.share_rate) for item in discounts},
        fees={item.policy_id: (0, item) for item in fees},
    )

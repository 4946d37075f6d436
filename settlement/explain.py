"""
How an amount came about: each part of it as a formula with its numbers.

Nothing is computed again to be shown: the amounts are those the record keeps, and a formula is shown only if it gives
that amount; the cancel that leaves nothing takes what is left, and says so. Where the merchant's own formula stands in
the place of a default one, it is shown as it was written, with the numbers in the place of its variables.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import ROUND_DOWN, Decimal
from fractions import Fraction
from typing import Any

from django.utils.translation import gettext as _

from console.columns import grouped, rate
from core.money import RATE_SCALE
from settlement import terms
from settlement.calculation import MerchantFormulas, Values, of_discount, of_fee
from settlement.fees import Amounts, FeeTerms
from settlement.formulas import DEFAULTS, Formula, Place, read
from settlement.models import ContractVersion, RecordType, SettlementRecord, VatPayer

_ELEVEN, _TEN = 11, 10
_PLACES, _ALL_PLACES = Decimal("0.01"), Decimal("0.0000000001")


@dataclass(frozen=True, slots=True)
class Step:
    """
    One part of the settlement amount.

    `amount` carries the sign with which it counts; `policy` is (kind, public id) of the policy behind it.
    """

    label: str
    amount: int
    formula: str = ""
    policy: tuple[str, str] | None = None


def steps(record: SettlementRecord, *, takes_rest: bool = False) -> list[Step]:
    """
    Return the parts of an order's or cancel's settlement amount; they sum to its size.

    `takes_rest` says that a cancel left nothing: then its amounts are what earlier ones left, and no formula's.
    """
    parts = [
        Step(_("주문 금액"), record.order_amount, _order_formula(record)),
        *_vat_burden(record),
        *_platform_fee(record),
        *_additional_fees(record),
        *_discounts(record),
    ]
    if takes_rest:
        parts = [replace(part, formula=_rest()) for part in parts]
    rest = record.settlement - sum(part.amount for part in parts)
    if rest:
        text = _("정산 계산식이 위 항목의 합과 다르게 계산한 부분이에요.")
        own = "" if takes_rest else _replaced(record, Place.SETTLEMENT, terms.amounts(record), record.settlement)
        parts.append(Step(_("계산식 조정"), rest, f"{text} {own}" if own else text))
    return parts


@dataclass(frozen=True, slots=True)
class Fact:
    """A figure beside the settlement amount, with its formula."""

    label: str
    amount: int
    formula: str = ""


def payment(record: SettlementRecord, *, takes_rest: bool = False) -> list[Fact]:
    """Return what the buyer paid, and what of it is tax and tax-free; `takes_rest` as in `steps`."""
    taxable = record.payment - record.payment_tax_free
    vat = _shown(Fraction(taxable, _ELEVEN), record.payment_vat, f"{grouped(taxable)} ÷ {_ELEVEN}")
    facts = [
        Fact(_("결제 금액"), record.payment, f"{grouped(record.order_amount)} − {grouped(record.discount)}"),
        Fact(_("결제 부가세액"), record.payment_vat, vat),
        Fact(_("결제 공급가액"), record.payment_supply, f"{grouped(taxable)} − {grouped(record.payment_vat)}"),
    ]
    if record.order_tax_free:
        tax_free = f"{grouped(record.order_tax_free)} − {grouped(record.discount_tax_free)}"
        facts.insert(1, Fact(_("결제 면세액"), record.payment_tax_free, tax_free))
        facts.append(Fact(_("정산 면세액"), record.settlement_tax_free, _tax_free(record)))
    return [replace(fact, formula=_rest()) for fact in facts] if takes_rest else facts


def own(record: SettlementRecord, *, takes_rest: bool = False) -> list[Fact]:
    """Return the results of the merchant's own formulas in their order; `takes_rest` as in `steps`."""
    calculation = _calculation(record)
    if calculation is None:
        return []
    values = calculation.values(Place.OWN, terms.amounts(record))
    facts = []
    for item in terms.own_formulas(record.calculator):
        amount = record.formula_results.get(item.key, 0)
        formula = read(item.expression)
        text = _rest() if takes_rest else _shown(formula.value(values), amount, _with_numbers(formula, values))
        facts.append(Fact(item.name or item.key, amount, text))
    return facts


def _tax_free(record: SettlementRecord) -> str:
    replaced = _replaced(record, Place.SETTLEMENT_TAX_FREE, terms.amounts(record), record.settlement_tax_free)
    if replaced is not None:
        return replaced
    base, share = record.settlement + record.discount_share, record.discount_share_tax_free
    exact = Fraction(base * record.order_tax_free, record.order_amount) - share
    text = f"{grouped(base)} × {grouped(record.order_tax_free)} ÷ {grouped(record.order_amount)} − {grouped(share)}"
    return _shown(exact, record.settlement_tax_free, text)


# ---- the parts


def _order_formula(record: SettlementRecord) -> str:
    products = [(line["product"]["amount"], line["quantity"]) for line in record.lines]
    text = " + ".join(f"{grouped(amount)} × {grouped(quantity)}" for amount, quantity in products)
    return _shown(Fraction(sum(amount * quantity for amount, quantity in products)), record.order_amount, text)


def _vat_burden(record: SettlementRecord) -> Iterator[Step]:
    contract = _contract(record)
    if contract.subtract_payment_vat:
        taxable = record.payment - record.payment_tax_free
        text = _("과세 결제 %(amount)s ÷ 11") % {"amount": grouped(taxable)}
        formula = _shown(Fraction(taxable, _ELEVEN), record.payment_vat_burden, text)
        yield Step(_("결제 부가세 부담금"), -record.payment_vat_burden, formula)


def _platform_fee(record: SettlementRecord) -> Iterator[Step]:
    contract = _contract(record)
    policy = ("contract", contract.contract.public_id)
    whole, fee = terms.amounts(record), _fee_terms(record, contract.fee_rate, contract.fee_amount)
    formula = _replaced(record, Place.PLATFORM_FEE, whole, record.platform_fee, of_fee(fee))
    if formula is None:
        formula = _fee(record.order_amount, contract.fee_rate, contract.fee_amount, record.platform_fee)
    summed = _summed((line["amounts"]["platform_fee"] for line in record.lines), record.platform_fee)
    shown = (summed or formula) if record.platform_fee else formula
    yield Step(_("중개수수료"), -record.platform_fee, shown, policy)
    lines = _summed((line["amounts"]["platform_fee_vat"] for line in record.lines), record.platform_fee_vat)
    vat = _vat(record.platform_fee, record.platform_fee_vat, contract.vat_payer)
    yield Step(_("중개수수료 부가세"), -record.platform_fee_vat, (lines or vat) if record.platform_fee_vat else vat)


def _additional_fees(record: SettlementRecord) -> Iterator[Step]:
    for base, item, where in _items(record, "fees", record.additional_fees):
        label = _("추가수수료") + where
        fee = _fee_terms(record, item["rate"], item["fixed"])
        formula = _replaced(record, Place.ADDITIONAL_FEE, base, item["amount"], of_fee(fee))
        if formula is None:
            formula = _fee(base.order, item["rate"], item["fixed"], item["amount"])
        yield Step(label, -item["amount"], formula, ("additional_fee_policy", item["policy"]))
        vat = _vat(item["amount"], item["vat"], item["vatPayer"])
        yield Step(_("추가수수료 부가세") + where, -item["vat"], vat)


def _discounts(record: SettlementRecord) -> Iterator[Step]:
    for base, item, where in _items(record, "discounts", record.discounts):
        values = of_discount(item["amount"], item["rate"])
        replaced = _replaced(record, Place.DISCOUNT_SHARE, base, item["share"], values)
        text = _("할인 %(amount)s × 분담율 %(rate)s") % {"amount": grouped(item["amount"]), "rate": rate(item["rate"])}
        exact = Fraction(item["amount"] * item["rate"], RATE_SCALE)
        formula = _shown(exact, item["share"], text) if replaced is None else replaced
        yield Step(_("할인 분담금") + where, -item["share"], formula, ("discount_share_policy", item["policy"]))


def _items(
    record: SettlementRecord, kind: str, of_order: Iterable[Mapping[str, Any]]
) -> Iterator[tuple[Amounts, Mapping[str, Any], str]]:
    """Yield amounts, item and " (product)" of each line's and then the order's own discounts or fees."""
    for line in record.lines:
        product = line["product"]
        for item in line[kind]:
            yield Amounts(**line["amounts"]), item, f" ({product.get('name') or product['id']})"
    for item in of_order:
        yield terms.amounts(record), item, ""


# ---- the merchant's formulas


def _calculation(record: SettlementRecord) -> MerchantFormulas | None:
    made = terms.formulas(record.calculator, record.parameters)
    return made if isinstance(made, MerchantFormulas) else None


def formula_of(record: SettlementRecord, place: Place, amount: int) -> str:
    """Return the formula of an amount of the whole record, the default one too, with its numbers."""
    calculation = _calculation(record) or MerchantFormulas()
    formula = calculation.replaced.get(place) or read(DEFAULTS[place])
    values = calculation.values(place, terms.amounts(record))
    return _shown(formula.value(values), amount, _with_numbers(formula, values))


def _replaced(
    record: SettlementRecord, place: Place, so_far: Amounts, amount: int, of_item: Values | None = None
) -> str | None:
    """Return the formula that stands in the place of a default one, with its numbers; None where the default stands."""
    calculation = _calculation(record)
    formula = calculation.replaced.get(place) if calculation else None
    if calculation is None or formula is None:
        return None
    values = calculation.values(place, so_far, of_item)
    return _shown(formula.value(values), amount, _with_numbers(formula, values))


def _with_numbers(formula: Formula, values: Values) -> str:
    text = formula.with_numbers({name: number(values[name], name) for name in formula.names})
    return text.replace("*", "×")


def number(value: Fraction | int, name: str = "") -> str:
    """Write an exact value: a rate as a percentage, a number with all its digits, or as many as fit."""
    if name == "FIXED_RATE":
        return rate(int(value * RATE_SCALE))
    exact = Fraction(value)
    text = _decimal(exact)
    return f"({text})" if exact < 0 else text


def _fee_terms(record: SettlementRecord, fee_rate: int, fixed: int) -> FeeTerms:
    # A partial cancel is computed without fixed amounts.
    return FeeTerms(fee_rate, fixed if record.type == RecordType.ORDER else 0)


# ---- formulas


def _contract(record: SettlementRecord) -> ContractVersion:
    if record.contract_version is None:
        message = f"record {record.public_id} has no contract"
        raise ValueError(message)
    return record.contract_version


def _fee(base: int, fee_rate: int, fixed: int, amount: int) -> str:
    """Return the formula of a fee, or nothing when it does not give the amount."""
    if fixed:
        return _("정액") if fixed == amount else "" if amount else _("정액은 마지막 취소 때 돌려받아요.")
    exact = Fraction(base * fee_rate, RATE_SCALE)
    return _shown(exact, amount, f"{grouped(base)} × {rate(fee_rate)}")


def _vat(fee: int, vat: int, payer: str) -> str:
    if payer == VatPayer.MERCHANT:
        return _("고객사가 부담해요.")
    return _shown(Fraction(fee, _TEN), vat, f"{grouped(fee)} × 10%")


def _summed(parts: Iterable[int], amount: int) -> str:
    found = list(parts)
    if not found or sum(found) != amount:
        return ""
    return _("상품별 %(parts)s") % {"parts": " + ".join(grouped(part) for part in found)}


def _shown(exact: Fraction, amount: int, text: str) -> str:
    """Return the text with its exact result when the amount is that result made whole; nothing otherwise."""
    if not text or abs(exact - amount) >= 1:
        return ""
    if exact.denominator == 1:
        return text
    return f"{text} = {_decimal(exact, _PLACES)} → {grouped(amount)}"


def _decimal(exact: Fraction, places: Decimal = _ALL_PLACES) -> str:
    """Write a number with thousands commas; one that does not end within these places is cut and marked."""
    if exact.denominator == 1:
        return grouped(exact.numerator)
    decimal = (Decimal(exact.numerator) / Decimal(exact.denominator)).quantize(places, rounding=ROUND_DOWN)
    return f"{decimal:,f}".rstrip("0") if Fraction(decimal) == exact else f"{decimal:,f}…"


def _rest() -> str:
    return _("마지막 취소라서, 주문에서 앞선 취소를 뺀 나머지예요.")

"""Protects the meaning of charge types: every form of a type in every language is the same type, new ones are kept."""

import pytest

from reconciliation.charge_types import Group, charge_type
from reconciliation.lines import Kind
from tests.reconciliation import given

LICENSE, USAGE, INVOICE, DAILY = Kind.LICENSE, Kind.USAGE, Kind.NCE_INVOICE, Kind.NCE_DAILY


@pytest.mark.parametrize(
    ("group", "sign", "forms"),
    [
        (Group.CHARGE, 1, ["PURCHASE_FEE", "Purchase fee", "New purchase cycle fee", "구매 요금"]),
        (Group.CHARGE, 1, ["CYCLE_FEE", "cycle  fee", "주기 요금", "주기 수수료", "요금 주기"]),
        (Group.CHARGE, 1, ["Activation fee", "활성화 요금", "활성화 수수료"]),
        (Group.CHARGE, 1, ["Renew fee", "갱신 요금", "요금 갱신"]),
        (Group.PRORATION, -1, ["Cancel fee", "취소 요금", "취소 수수료"]),
        (Group.USAGE, 1, ["CANCEL_USAGEFEE", "ASSESS USAGE FEE WHEN CANCEL", "취소 시 사용 요금 평가"]),
        (Group.USAGE, 1, ["취소 시 사용 요금 계산", "취소 시 액세스 사용 요금"]),
        (Group.USAGE, 1, ["CYCLE_USAGEFEE", "Assess usage fee for current cycle", "현재 주기의 사용 요금 계산"]),
        (Group.USAGE, 1, ["현재 주기에 대한 사용 요금 평가", "현재 주기에 대한 액세스 사용 요금"]),
        (Group.PRORATION, 1, ["PURCHASE_PRORATE", "Prorate fees when purchase", "구매 시 비례 배분 방식 요금"]),
        (Group.PRORATION, -1, ["CANCEL_PRORATE", "취소 시 비례 배분 방식 요금", "취소 시 비례 배분 수수료"]),
        (Group.PRORATION, -1, ["Prorate fees when cancel", "취소 시 요금이 부과됩니다.", "취소 시 요금이 부과됩니다"]),
        (Group.PRORATION, 1, ["ACTIVATION_PRORATE", "활성화 시 비례 배분 요금", "활성화 시 비례 배분 방식 요금"]),
        (Group.PRORATION, 1, ["Prorate fees when activate", "활성화 시 요금 조달"]),
        (
            Group.PRORATION,
            1,
            ["RENEW_PRORATE", "Prorate fee when renew", "Prorate fees when renew", "갱신 시 요금 부과"],
        ),
        (Group.PRORATION, 1, ["갱신 시 비례 배분 요금", "갱신 시 비례 배분 방식 요금"]),
        (Group.CONVERSION, 0, ["Prorate fees when convert away from current offering"]),
        (
            Group.CONVERSION,
            0,
            ["현재 제품에서 다른 곳으로 전환할 때 비례 배분 요금", "현재 제품에서 전환할 때 요금 부과"],
        ),
        (Group.CONVERSION, 0, ["Prorate fees when convert to a new offering", "새 제품으로 변환할 때 비례 배분 요금"]),
        (Group.CONVERSION, 0, ["새 제품으로 변환할 때 요금을 조달합니다.", "Convert from instance prorate"]),
        (Group.SEAT_CHANGE, -1, ["CANCEL_INSTANCEPRORATE", "취소 인스턴스 비례 배분", "비례 배분 인스턴스 취소"]),
        (Group.SEAT_CHANGE, -1, ["Cancel instance prorate", "인스턴스 배분 취소"]),
        (Group.SEAT_CHANGE, 0, ["CYCLE_INSTANCEPRORATE", "Cycle instance prorate", "주기 인스턴스 비례 배분"]),
        (Group.CREDIT, -1, ["CREDIT"]),
        (Group.OFFSET, -1, ["OFFSET_LINEITEM", "품목 오프셋", "줄 항목 오프셋", "ONE_TIME_REFUND", "TAX_REFUND"]),
        (Group.OFFSET, -1, ["Offset a line item"]),
        (Group.DISCOUNT, -1, ["ACTIVATION_DISCOUNT", "활성화 할인", "정품 인증 할인", "CYCLE_DISCOUNT", "주기 할인"]),
        (Group.DISCOUNT, -1, ["RENEW_DISCOUNT", "Renew discount", "갱신 할인", "할인 갱신"]),
        (Group.DISCOUNT_REVERSAL, 1, ["CANCEL_DISCOUNT", "Cancel discount", "취소 할인", "할인 취소"]),
    ],
)
@pytest.mark.parametrize("kind", [LICENSE, USAGE])
def test_legacy_forms(kind: Kind, group: Group, sign: int, forms: list[str]) -> None:
    assert [(charge_type(kind, form).group, charge_type(kind, form).sign) for form in forms] == [(group, sign)] * len(
        forms
    )


@pytest.mark.parametrize(
    ("name", "group", "sign", "forms"),
    [
        ("new", Group.CHARGE, 1, ["new", "New", "Purchase", "신규", "신규 항목", "새로 만들기", "새로 생성"]),
        ("renew", Group.CHARGE, 1, ["renew", "갱신"]),
        ("cycleCharge", Group.CHARGE, 1, ["cycleCharge", "CYCLE_CHARGE", "Cycle charge"]),
        ("extendTerm", Group.CHARGE, 1, ["extendTerm"]),
        ("addQuantity", Group.SEAT_CHANGE, 0, ["addQuantity"]),
        ("removeQuantity", Group.SEAT_CHANGE, 0, ["removeQuantity"]),
        ("moveQuantity", Group.UPGRADE, 0, ["moveQuantity"]),
        ("convert", Group.UPGRADE, 0, ["convert", "변환"]),
        ("changeBillingPlan", Group.PLAN_CHANGE, 0, ["changeBillingPlan"]),
        ("cancelImmediate", Group.REFUND, -1, ["cancelImmediate"]),
        ("Cancel", Group.REFUND, -1, ["Cancel", "Refund", "취소"]),
        ("customerCredit", Group.CREDIT, -1, ["customerCredit", "Customer Credit"]),
    ],
)
@pytest.mark.parametrize("kind", [Kind.ONETIME_RECURRING, INVOICE, DAILY])
def test_new_commerce_forms(kind: Kind, name: str, group: Group, sign: int, forms: list[str]) -> None:
    for form in forms:
        found = charge_type(kind, form)
        assert (found.name, found.group, found.sign) == (name, group, sign)


def test_a_type_belongs_to_its_generation_of_files() -> None:
    assert charge_type(INVOICE, "Cycle fee").group is Group.OTHER
    assert charge_type(LICENSE, "customerCredit").group is Group.OTHER


def test_daily_usage_may_leave_its_type_empty() -> None:
    assert charge_type(DAILY, "").group is Group.CHARGE
    assert charge_type(INVOICE, "").group is Group.OTHER


def test_an_unknown_type_is_kept_and_warned_about() -> None:
    found = given.assessed(given.line(INVOICE, ChargeType="somethingNew"))
    assert found.warnings == {"unknown_charge_type"}
    assert found.totals["USD"]["total"] == "66.00"


def test_a_type_of_any_length_is_looked_up() -> None:
    assert charge_type(LICENSE, "Cycle" + " " * 5_000 + "fee").group is Group.CHARGE
    assert charge_type(LICENSE, "x" * 5_000).group is Group.OTHER


@pytest.mark.parametrize(
    ("type_", "subtotal", "warned"),
    [
        ("Cycle fee", "-80.00", True),
        ("Cycle fee", "0", False),
        ("Cancel fee", "80.00", True),
        ("Cancel fee", "-80.00", False),
        ("Cycle instance prorate", "-80.00", False),
        ("Cancel discount", "80.00", False),
        ("Cancel discount", "-80.00", True),
        ("something new", "-80.00", False),
    ],
)
def test_a_sign_against_the_type_is_warned_about(type_: str, subtotal: str, *, warned: bool) -> None:
    found = given.assessed(given.line(LICENSE, ChargeType=type_, Subtotal=subtotal))
    assert ("unexpected_sign" in found.warnings) is warned


def test_an_empty_type_of_daily_usage_expects_no_sign() -> None:
    line = given.line(DAILY, ChargeType=None, Quantity="-24", BillingPreTaxTotal="-1.20")
    assert given.assessed(line).warnings == set()


def test_lines_that_do_not_count_warn_of_nothing() -> None:
    invalid = given.line(LICENSE, 2, ChargeType="?", codes=("bad_number:Amount",))
    copy = given.line(LICENSE, 3, ChargeType="?", duplicate_of=2)
    assert given.assessed(given.line(LICENSE), invalid, copy).warnings == set()

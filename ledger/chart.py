"""
The chart of accounts, as data.

Every stage of money is an account, not a flag: pending, available, held, reserved, in transit and returned are six
accounts, so "how much is where" is a balance and every change of stage is an immutable journal.
The same rows stand in the table `ledger_chart`, where the database reads them; a test keeps the two equal.
"""

from dataclasses import dataclass
from enum import IntEnum

DEBIT, CREDIT = 1, -1


class Code(IntEnum):
    """Account codes."""

    BANK = 1010
    CLEARING = 1020
    PARTNER_RECEIVABLE = 1040
    INPUT_VAT = 1310
    CURRENCY_POSITION = 1320
    PARTNER_PENDING = 2010
    PARTNER_AVAILABLE = 2020
    PARTNER_HELD = 2030
    PARTNER_ROLLING_RESERVE = 2040
    PARTNER_RESERVED = 2110
    PAYOUT_IN_TRANSIT = 2120
    RETURNED_PAYOUT = 2140
    OUTPUT_VAT = 2210
    OUTPUT_VAT_INVOICED = 2211
    PAYMENT_VAT_BURDEN = 2212
    WITHHELD_INCOME_TAX = 2220
    WITHHELD_LOCAL_TAX = 2221
    PASS_THROUGH_FEE = 2310
    SUSPENSE = 2320
    RECEIVED_NOT_INVOICED = 2410
    VENDOR_PAYABLE = 2420
    OPERATOR_FUNDS = 3010
    PLATFORM_FEE_REVENUE = 4010
    ADDITIONAL_FEE_REVENUE = 4020
    MANUAL_RECOVERY = 4030
    FORMULA_ADJUSTMENT = 4050
    RECONCILIATION_GAIN = 4090
    DISCOUNT_COST = 5010
    DISCOUNT_RECOVERED = 5011
    BANK_FEE = 5020
    PG_FEE = 5030
    BAD_DEBT = 5040
    RECONCILIATION_LOSS = 5050
    MANUAL_EXPENSE = 5060
    PARTNER_SERVICE_COST = 5070
    PRICE_VARIANCE = 5080
    GOODS_RECEIVED = 5090

    # Every posting looks up its accounts by their code; an enumeration would be hashed by its name, in Python.
    __hash__ = int.__hash__


@dataclass(frozen=True, slots=True)
class ChartRow:
    """
    One account code.

    `side` is +1 for a debit account and -1 for a credit account. A guarded account has a stored balance that the
    database never lets cross zero; the others are derived from day totals and later entries, so that accounts which
    every journal touches do not serialise their writers.
    """

    code: Code
    name: str
    english: str
    owner_kind: str
    side: int
    guarded: bool


CHART: tuple[ChartRow, ...] = (
    ChartRow(Code.BANK, "보통예금", "Bank", "bank_account", DEBIT, guarded=False),
    ChartRow(Code.CLEARING, "PG 미수금", "PG clearing", "channel", DEBIT, guarded=False),
    ChartRow(Code.PARTNER_RECEIVABLE, "파트너 미수금", "Partner receivable", "partner", DEBIT, guarded=True),
    ChartRow(Code.INPUT_VAT, "부가세 대급금", "Input VAT", "", DEBIT, guarded=False),
    ChartRow(Code.CURRENCY_POSITION, "통화 교환", "Currency position", "currency", DEBIT, guarded=False),
    ChartRow(Code.PARTNER_PENDING, "정산 예정금", "Partner payable, pending", "partner", CREDIT, guarded=True),
    ChartRow(Code.PARTNER_AVAILABLE, "지급 가능금", "Partner payable, available", "partner", CREDIT, guarded=True),
    ChartRow(Code.PARTNER_HELD, "지급 보류금", "Partner payable, held", "partner", CREDIT, guarded=True),
    ChartRow(Code.PARTNER_ROLLING_RESERVE, "유보금", "Partner rolling reserve", "partner", CREDIT, guarded=True),
    ChartRow(Code.PARTNER_RESERVED, "지급 확정금", "Partner payable, reserved", "partner", CREDIT, guarded=True),
    ChartRow(Code.PAYOUT_IN_TRANSIT, "이체 중", "Payout in transit", "partner", CREDIT, guarded=True),
    ChartRow(Code.RETURNED_PAYOUT, "반송금", "Returned payouts", "partner", CREDIT, guarded=True),
    ChartRow(Code.OUTPUT_VAT, "부가세 예수금(미발행)", "Output VAT, not yet invoiced", "", CREDIT, guarded=False),
    ChartRow(Code.OUTPUT_VAT_INVOICED, "부가세 예수금(발행)", "Output VAT, invoiced", "", CREDIT, guarded=False),
    ChartRow(Code.PAYMENT_VAT_BURDEN, "결제 부가세 부담금", "VAT burden of payments", "", CREDIT, guarded=False),
    ChartRow(
        Code.WITHHELD_INCOME_TAX, "원천세 예수금(소득세)", "Withheld income tax", "tax_month", CREDIT, guarded=False
    ),
    ChartRow(
        Code.WITHHELD_LOCAL_TAX,
        "원천세 예수금(지방소득세)",
        "Withheld local income tax",
        "tax_month",
        CREDIT,
        guarded=False,
    ),
    ChartRow(Code.PASS_THROUGH_FEE, "대납 수수료", "Pass-through fee payable", "third_party", CREDIT, guarded=False),
    ChartRow(Code.SUSPENSE, "가수금", "Suspense", "bank_account", CREDIT, guarded=False),
    ChartRow(Code.RECEIVED_NOT_INVOICED, "미착 송장", "Received not invoiced", "vendor", CREDIT, guarded=False),
    ChartRow(Code.VENDOR_PAYABLE, "미지급금(공급사)", "Vendor payable", "vendor", CREDIT, guarded=False),
    ChartRow(Code.OPERATOR_FUNDS, "운영 자금", "Operator funds", "bank_account", CREDIT, guarded=False),
    ChartRow(Code.PLATFORM_FEE_REVENUE, "중개수수료 수익", "Platform fee revenue", "", CREDIT, guarded=False),
    ChartRow(Code.ADDITIONAL_FEE_REVENUE, "추가 수수료 수익", "Additional fee revenue", "", CREDIT, guarded=False),
    ChartRow(Code.MANUAL_RECOVERY, "수기 정산 차감", "Manual settlement recovery", "reason", CREDIT, guarded=False),
    ChartRow(Code.FORMULA_ADJUSTMENT, "계산식 조정", "Formula adjustment", "", CREDIT, guarded=False),
    ChartRow(Code.RECONCILIATION_GAIN, "대사 이익", "Reconciliation gain", "", CREDIT, guarded=False),
    ChartRow(Code.DISCOUNT_COST, "할인 비용", "Discount cost", "policy", DEBIT, guarded=False),
    ChartRow(Code.DISCOUNT_RECOVERED, "할인 분담금 회수", "Discount cost recovered", "policy", CREDIT, guarded=False),
    ChartRow(Code.BANK_FEE, "이체 수수료", "Bank transfer fee", "", DEBIT, guarded=False),
    ChartRow(Code.PG_FEE, "PG 수수료", "PG fee", "", DEBIT, guarded=False),
    ChartRow(Code.BAD_DEBT, "대손 비용", "Bad debt", "", DEBIT, guarded=False),
    ChartRow(Code.RECONCILIATION_LOSS, "대사 손실", "Reconciliation loss", "", DEBIT, guarded=False),
    ChartRow(Code.MANUAL_EXPENSE, "수기 정산 비용", "Manual settlement expense", "reason", DEBIT, guarded=False),
    ChartRow(Code.PARTNER_SERVICE_COST, "파트너 용역비", "Partner service cost", "reason", DEBIT, guarded=False),
    ChartRow(Code.PRICE_VARIANCE, "가격 차이", "Price variance", "", DEBIT, guarded=False),
    ChartRow(Code.GOODS_RECEIVED, "상품·용역 매입", "Goods and services received", "", DEBIT, guarded=False),
)

BY_CODE: dict[int, ChartRow] = {row.code: row for row in CHART}

"""
Charge types: what a line charges for, and which sign its amount must have.

Pure. The oldest files name types by code, later ones by text, translated pages by their own words; all forms of one
type are listed together. The two generations of files have a table each: the same word is a fee in one and a refund in
the other. A type that is in neither is kept as group *other*: new ones appear without notice.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType
from unicodedata import normalize

from reconciliation.lines import Kind


class Group(StrEnum):
    """What types that are treated alike have in common."""

    CHARGE = "charge"
    PRORATION = "proration"
    USAGE = "usage"
    CONVERSION = "conversion"
    SEAT_CHANGE = "seat change"
    UPGRADE = "upgrade"
    PLAN_CHANGE = "plan change"
    REFUND = "refund"
    CREDIT = "credit"
    OFFSET = "offset"
    """The line contains its tax already."""
    DISCOUNT = "discount"
    DISCOUNT_REVERSAL = "discount reversal"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class ChargeType:
    """A charge type; `sign` is that of its pre-tax amount: 1, −1, or 0 when both occur."""

    name: str
    group: Group
    sign: int

    def contradicted_by(self, pretax_sign: int) -> bool:
        """Say whether an amount of this sign (0 has none) is the wrong way round."""
        return self.sign * pretax_sign < 0


_Row = tuple[Group, int, tuple[str, ...]]

# The first form of a row is the name of the type.
_LICENSE_AND_USAGE: tuple[_Row, ...] = (
    (Group.CHARGE, 1, ("Purchase fee", "New purchase cycle fee", "구매 요금")),
    (Group.CHARGE, 1, ("Cycle fee", "주기 요금", "주기 수수료", "요금 주기")),
    (Group.CHARGE, 1, ("Activation fee", "활성화 요금", "활성화 수수료")),
    (Group.CHARGE, 1, ("Renew fee", "갱신 요금", "요금 갱신")),
    (Group.PRORATION, -1, ("Cancel fee", "취소 요금", "취소 수수료")),
    (
        Group.USAGE,
        1,
        (
            "Assess usage fee when cancel",
            "CANCEL_USAGEFEE",
            "취소 시 사용 요금 계산",
            "취소 시 사용 요금 평가",
            "취소 시 액세스 사용 요금",
        ),
    ),
    (
        Group.USAGE,
        1,
        (
            "Assess usage fee for current cycle",
            "CYCLE_USAGEFEE",
            "현재 주기의 사용 요금 계산",
            "현재 주기에 대한 사용 요금 평가",
            "현재 주기에 대한 액세스 사용 요금",
        ),
    ),
    (Group.PRORATION, 1, ("Prorate fees when purchase", "PURCHASE_PRORATE", "구매 시 비례 배분 방식 요금")),
    (
        Group.PRORATION,
        -1,
        (
            "Prorate fees when cancel",
            "CANCEL_PRORATE",
            "취소 시 비례 배분 방식 요금",
            "취소 시 비례 배분 수수료",
            "취소 시 요금이 부과됩니다.",
        ),
    ),
    (
        Group.PRORATION,
        1,
        (
            "Prorate fees when activate",
            "ACTIVATION_PRORATE",
            "활성화 시 비례 배분 요금",
            "활성화 시 비례 배분 방식 요금",
            "활성화 시 요금 조달",
        ),
    ),
    (
        Group.PRORATION,
        1,
        (
            "Prorate fees when renew",
            "Prorate fee when renew",
            "RENEW_PRORATE",
            "갱신 시 비례 배분 요금",
            "갱신 시 비례 배분 방식 요금",
            "갱신 시 요금 부과",
        ),
    ),
    (
        Group.CONVERSION,
        0,
        (
            "Prorate fees when convert away from current offering",
            "현재 제품에서 다른 곳으로 전환할 때 비례 배분 요금",
            "현재 제품에서 전환할 때 요금 부과",
        ),
    ),
    (
        Group.CONVERSION,
        0,
        (
            "Prorate fees when convert to a new offering",
            "새 제품으로 변환할 때 비례 배분 요금",
            "새 제품으로 변환할 때 요금을 조달합니다.",
        ),
    ),
    (Group.CONVERSION, 0, ("Convert from instance prorate",)),
    (
        Group.SEAT_CHANGE,
        -1,
        (
            "Cancel instance prorate",
            "CANCEL_INSTANCEPRORATE",
            "취소 인스턴스 비례 배분",
            "비례 배분 인스턴스 취소",
            "인스턴스 배분 취소",
        ),
    ),
    (Group.SEAT_CHANGE, 0, ("Cycle instance prorate", "CYCLE_INSTANCEPRORATE", "주기 인스턴스 비례 배분")),
    (Group.CREDIT, -1, ("CREDIT",)),
    (Group.OFFSET, -1, ("Offset a line item", "OFFSET_LINEITEM", "품목 오프셋", "줄 항목 오프셋")),
    (Group.OFFSET, -1, ("ONE_TIME_REFUND",)),
    (Group.OFFSET, -1, ("TAX_REFUND",)),
    (Group.DISCOUNT, -1, ("Activation discount", "활성화 할인", "정품 인증 할인")),
    (Group.DISCOUNT, -1, ("Cycle discount", "주기 할인")),
    (Group.DISCOUNT, -1, ("Renew discount", "갱신 할인", "할인 갱신")),
    (Group.DISCOUNT_REVERSAL, 1, ("Cancel discount", "취소 할인", "할인 취소")),
)

_NEW_COMMERCE: tuple[_Row, ...] = (
    (Group.CHARGE, 1, ("new", "Purchase", "신규", "신규 항목", "새로 만들기", "새로 생성")),
    (Group.CHARGE, 1, ("renew", "갱신")),
    (Group.CHARGE, 1, ("cycleCharge",)),
    (Group.CHARGE, 1, ("extendTerm",)),
    (Group.SEAT_CHANGE, 0, ("addQuantity",)),
    (Group.SEAT_CHANGE, 0, ("removeQuantity",)),
    (Group.UPGRADE, 0, ("moveQuantity",)),
    (Group.UPGRADE, 0, ("convert", "변환")),
    (Group.PLAN_CHANGE, 0, ("changeBillingPlan",)),
    (Group.REFUND, -1, ("cancelImmediate",)),
    (Group.REFUND, -1, ("Cancel", "Refund", "취소")),
    (Group.CREDIT, -1, ("customerCredit",)),
)


def folded(text: str) -> str:
    """Return the letters and digits of a text, without case: what two spellings of one name have in common."""
    return "".join(filter(str.isalnum, normalize("NFKC", text).casefold()))


def _table(rows: Iterable[_Row]) -> Mapping[str, ChargeType]:
    return MappingProxyType(
        {folded(form): ChargeType(forms[0], group, sign) for group, sign, forms in rows for form in forms}
    )


_LEGACY = _table(_LICENSE_AND_USAGE)
_COMMERCE = _table(_NEW_COMMERCE)
_TABLES = MappingProxyType(
    {
        Kind.LICENSE: _LEGACY,
        Kind.USAGE: _LEGACY,
        Kind.ONETIME_RECURRING: _COMMERCE,
        Kind.NCE_INVOICE: _COMMERCE,
        Kind.NCE_DAILY: _COMMERCE,
    }
)

# Daily usage may leave its type empty: it is a charge then, of which no sign is expected.
_UNSAID = ChargeType("", Group.CHARGE, 0)


# Longer than every known form; what is longer is looked up each time, so that no file can fill the memory.
_LONGEST_KEPT = 100


def charge_type(kind: Kind, text: str) -> ChargeType:
    """Return what a kind of file means by a charge type; group *other* when nothing is known about it."""
    return _kept(kind, text) if len(text) <= _LONGEST_KEPT else _looked_up(kind, text)


def _looked_up(kind: Kind, text: str) -> ChargeType:
    if kind is Kind.NCE_DAILY and not text:
        return _UNSAID
    return _TABLES[kind].get(folded(text)) or ChargeType(text, Group.OTHER, 0)


_kept = lru_cache(maxsize=4096)(_looked_up)

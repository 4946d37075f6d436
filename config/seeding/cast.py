"""Who sells on the demo's marketplace: contracts, policies and partners of every kind of taxpayer."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from random import Random

from core.actor import Actor
from core.scope import Scope
from settlement.dates import Cycle, CycleMethod, DatePolicy, Weekday
from settlement.models import Partner, PartnerType, TaxationType
from settlement.operations import contracts, partners, policies

HALF_SHARE, NO_SHARE = "coupon-half", "coupon-merchant"
FULFILMENT, MARKETING = "fulfilment", "marketing"


@dataclass(frozen=True, slots=True)
class Terms:
    """A contract of the demo: commission in 1/100000 and who bears its VAT."""

    public_id: str
    name: str
    rate: int
    vat_payer: str
    cycle: Cycle


CONTRACTS: Sequence[Terms] = (
    Terms(
        "standard-weekly",
        "일반 셀러 10% · 주 정산",
        10_000,
        "PARTNER",
        Cycle(2, CycleMethod.WEEKLY, DatePolicy.HOLIDAY_AFTER, days_of_week=(Weekday.FRI,)),
    ),
    Terms(
        "brand-monthly",
        "브랜드 8.8% · 월 2회 정산",
        8_800,
        "PARTNER",
        Cycle(3, CycleMethod.MONTHLY, DatePolicy.HOLIDAY_BEFORE, days_of_month=(15, 31)),
    ),
    Terms(
        "creator-weekly",
        "크리에이터 20% · 주 정산",
        20_000,
        "MERCHANT",
        Cycle(5, CycleMethod.WEEKLY, DatePolicy.HOLIDAY_BEFORE, days_of_week=(Weekday.THU,)),
    ),
    Terms(
        "fresh-daily",
        "신선식품 5.5% · 일 정산",
        5_500,
        "PARTNER",
        Cycle(1, CycleMethod.DAILY, DatePolicy.HOLIDAY_AFTER),
    ),
)

_SHOPS = (
    "소담도자기",
    "한울농원",
    "바다담은건어물",
    "온기담요",
    "모닝브루 커피",
    "달빛서재",
    "초록마당",
    "연희양조",
    "무명 가죽공방",
    "하루한끼",
    "산들꿀",
    "봄날의 문구",
    "느린빵집",
    "제주바람 감귤",
    "청년어부",
    "오브제 스튜디오",
    "밤고개 떡방앗간",
    "윤슬 주얼리",
    "리넨하우스",
    "우리동네 참기름",
)
_PEOPLE = ("강서윤", "나도현", "문가람", "서이안", "신하늘", "안유진", "유태오", "전소민", "차은결", "한지호")
_BANKS = ("KOOKMIN", "SHINHAN", "WOORI", "HANA", "NONGHYUP", "IBK", "KAKAO", "TOSS", "KFCC", "POST")


def make_policies(scope: Scope, by: Actor, now: datetime) -> None:
    """Make the contracts, discount share policies and additional fee policies."""
    for terms in CONTRACTS:
        contracts.create(
            scope=scope, by=by, now=now, public_id=terms.public_id, name=terms.name,
            fee=policies.FeeInput(rate=terms.rate), vat_payer=terms.vat_payer, cycle=terms.cycle,
        )  # fmt: skip
    policies.create_discount_share(
        scope=scope, by=by, now=now, public_id=HALF_SHARE, name="쿠폰 절반 분담", partner_share_rate=50_000
    )
    policies.create_discount_share(
        scope=scope, by=by, now=now, public_id=NO_SHARE, name="플랫폼 전액 부담 쿠폰", partner_share_rate=0
    )
    policies.create_additional_fee(
        scope=scope, by=by, now=now, public_id=FULFILMENT, name="풀필먼트 이용료",
        fee=policies.FeeInput(amount=2_500, is_fixed=True), vat_payer="PARTNER",
    )  # fmt: skip
    policies.create_additional_fee(
        scope=scope, by=by, now=now, public_id=MARKETING, name="마케팅 지원 수수료",
        fee=policies.FeeInput(rate=3_000), vat_payer="PARTNER",
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sketch:
    """A partner to be made and what makes its story."""

    public_id: str
    name: str
    contract: str
    taxpayer: partners.Taxpayer
    bank: str
    number: str
    holder: str
    tags: tuple[str, ...] = ()


def sketches(count: int, random: Random) -> list[Sketch]:
    """Return so many partners: shops of every tax kind, and people with and without withholding."""
    made = []
    for place in range(count):
        person = place % 4 == 3  # noqa: PLR2004 - every fourth is a person
        round_no = place // len(_SHOPS)
        base = _PEOPLE[place % len(_PEOPLE)] if person else _SHOPS[place % len(_SHOPS)]
        name = (
            f"{base} {round_no + 1}호점" if round_no and not person else f"{base} {round_no + 1}" if round_no else base
        )
        contract = "creator-weekly" if person else CONTRACTS[(0, 1, 3)[place % 3]].public_id
        made.append(
            Sketch(
                public_id=f"{'creator' if person else 'shop'}-{place + 1:04d}",
                name=name,
                contract=contract,
                taxpayer=_person(place) if person else _business(place, name, random),
                bank=_BANKS[place % len(_BANKS)],
                number=f"{random.randrange(100, 999)}{random.randrange(10**8, 10**9 - 1)}1",
                holder=_PEOPLE[place % len(_PEOPLE)] if person else name,
                tags=("크리에이터",) if person else (("신선", "새벽배송") if contract == "fresh-daily" else ("셀러",)),
            )
        )
    return made


def _person(place: int) -> partners.Taxpayer:
    kind = PartnerType.NON_WHT_PAYER if place % 12 == 11 else PartnerType.WHT_PAYER  # noqa: PLR2004 - one in three of them
    return partners.Taxpayer(type=kind, birthdate=date(1985 + place % 15, 1 + place % 12, 1 + place % 28))


def _business(place: int, name: str, random: Random) -> partners.Taxpayer:
    kinds = (
        TaxationType.NORMAL, TaxationType.NORMAL, TaxationType.TAX_FREE, TaxationType.SIMPLE,
        TaxationType.SIMPLE_TAX_INVOICE_ISSUER,
    )  # fmt: skip
    return partners.Taxpayer(
        type=PartnerType.BUSINESS,
        company_name=name,
        taxation_type=kinds[place % len(kinds)].value,
        business_registration_number=_business_number(random),
        representative_name=_PEOPLE[place % len(_PEOPLE)],
        company_address="서울특별시 성동구 왕십리로 1",
        business_type="도소매",
        business_class="전자상거래",
    )


def _business_number(random: Random) -> str:
    digits = [random.randrange(1, 10) for _place in range(9)]
    weighed = sum(digit * weight for digit, weight in zip(digits, (1, 3, 7, 1, 3, 7, 1, 3, 5), strict=True))
    check = (10 - (weighed + digits[8] * 5 // 10) % 10) % 10
    return "".join(map(str, [*digits, check]))


def make_partner(scope: Scope, sketch: Sketch, by: Actor, now: datetime) -> Partner:
    """Make one partner."""
    return partners.create(
        scope=scope,
        by=by,
        now=now,
        draft=partners.PartnerDraft(
            name=sketch.name,
            contact=partners.Contact(
                name=sketch.holder, email=f"{sketch.public_id}@example.com", phone="010-0000-0000"
            ),
            account=partners.Account(bank=sketch.bank, currency="KRW", number=sketch.number, holder=sketch.holder),
            default_contract_id=sketch.contract,
            taxpayer=sketch.taxpayer,
            tags=sketch.tags,
            public_id=sketch.public_id,
        ),
    )

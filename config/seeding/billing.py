"""
What a vendor bills for services that partners resell: months of its files, our own records, and the bank's statement.

Older months are accepted, compared and charged to the resellers; the last one waits to be looked at, with differences
of every kind. The newest file has only just come. The bank's statement of the last weeks stands beside them.
"""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Final

from django.conf import settings

from config.seeding import bank
from config.seeding.cast import Sketch, make_partner
from config.seeding.past_payouts import Deciders
from config.seeding.story import company_of, run_all_jobs
from core import clock, http
from core.actor import Actor
from core.scope import Scope
from payouts.models import BankAccount
from reconciliation import queries
from reconciliation.books import OwnRecord
from reconciliation.lines import Kind
from reconciliation.models import Batch, Decision, Outcome
from reconciliation.operations import (
    deciding,
    loading,
    own_records,
    reselling,
    resolving,
    statements,
    storing,
)
from settlement.models import TaxationType
from settlement.operations import records

_CUSTOMERS: Final = (
    "가람물류", "누리에듀", "다온커피", "라온제조", "마루건설", "바른병원", "새봄여행", "아라식품",
    "주식회사 자연", "차오름 디자인", "큰나무 법률사무소", "하늘빛 학원",
)  # fmt: skip
_PRODUCTS: Final = (
    ("DZH318Z08RGF", "0001", "업무용 오피스 표준", 16_200),
    ("DZH318Z08RGG", "0001", "업무용 오피스 고급", 27_900),
    ("DZH318Z09PGJ", "0002", "화상 회의", 7_300),
    ("DZH318Z0BPS6", "0001", "클라우드 저장소", 4_100),
    ("DZH318Z0BPS7", "006G", "보안 관리", 11_500),
)
_PARTNER_ID, _OWN_MPN, _MPNS = "6f1c1a52-4a0e-4f0e-9a52-0d3a6b7c1e10", "6200000", ("6200101", "6200102", "6200103")
_HEADER: Final = (
    *("PartnerId", "CustomerId", "CustomerName", "CustomerDomainName", "CustomerCountry", "InvoiceNumber", "MpnId"),
    *("ResellerMpnId", "OrderId", "OrderDate", "ProductId", "SkuId", "AvailabilityId", "SkuName", "ProductName"),
    *("ChargeType", "UnitPrice", "Quantity", "Subtotal", "TaxTotal", "Total", "Currency"),
    *("PriceAdjustmentDescription", "PublisherName", "PublisherId", "SubscriptionDescription", "SubscriptionId"),
    *("ChargeStartDate", "ChargeEndDate", "TermAndBillingCycle", "EffectiveUnitPrice", "UnitType", "AlternateId"),
    *("BillableQuantity", "BillingFrequency", "PricingCurrency", "PCToBCExchangeRate", "PCToBCExchangeRateDate"),
    *("MeterDescription", "ReservationOrderId", "CreditReasonCode", "SubscriptionStartDate", "SubscriptionEndDate"),
    *("ReferenceId", "ProductQualifiers", "PromotionId"),
)
_RESELLERS: Final = (
    Sketch("resell-north", "북부 클라우드", "fresh-daily", company_of("북부 클라우드", TaxationType.NORMAL), "KOOKMIN",
           "81550204123456", "북부 클라우드"),
    Sketch("resell-south", "남부 시스템즈", "fresh-daily", company_of("남부 시스템즈", TaxationType.NORMAL), "WOORI",
           "1002440012345", "남부 시스템즈"),
)  # fmt: skip
_MONTHS = 3
# Subscriptions of which our record of the newest month is not what the vendor says.
_FORGOTTEN, _FEWER_SEATS, _OTHER_PRICE, _ONE_WON_LESS, _OTHER_TAX = 3, 7, 11, 14, 16
_STATEMENT_DAYS = 14


@dataclass(frozen=True, slots=True)
class Subscription:
    """What one customer has of one product, and through which reseller."""

    number: int
    customer: int
    product: int
    seats: int
    reseller: str

    @property
    def customer_id(self) -> str:
        """The vendor's id of the customer."""
        return f"c0a80101-0000-4000-8000-{self.customer:012d}"

    @property
    def subscription_id(self) -> str:
        """The vendor's id of the subscription."""
        return f"5b000000-0000-4000-8000-{self.number:012d}"

    def ids(self) -> dict[str, str | None]:
        """Return what a record of ours is recognised by."""
        product, sku, _name, _price = _PRODUCTS[self.product]
        return {
            "customer_id": self.customer_id,
            "subscription_id": self.subscription_id,
            "product_id": product,
            "sku_id": sku,
        }

    @property
    def has_credit(self) -> bool:
        """Whether the vendor credits a seat of it each month."""
        return self.number % 9 == 0

    @property
    def price(self) -> int:
        """What a seat costs in a month, in won."""
        return _PRODUCTS[self.product][3]


@dataclass(frozen=True, slots=True)
class Month:
    """A month the vendor bills."""

    first: date

    @property
    def last(self) -> date:
        """Its last day."""
        return (self.first + timedelta(days=31)).replace(day=1) - timedelta(days=1)

    @property
    def invoice(self) -> str:
        """The number of the vendor's invoice."""
        return f"G{self.first:%y%m}00417"

    @property
    def before(self) -> "Month":
        """The month before."""
        return Month((self.first - timedelta(days=1)).replace(day=1))

    def day(self, number: int) -> date:
        """Return a day of the month by its number."""
        return self.first.replace(day=number)


def fill(*, scope: Scope, people: Deciders, account: BankAccount, now: datetime, seed: int) -> None:
    """Let the vendor have billed the last months, and leave today's work to be done."""
    dice = Random(seed)  # noqa: S311 - the same demo every time
    subscriptions = _subscriptions(dice)
    _introduce(scope, people.maker, now)
    newest = Month(clock.seoul_day(now).replace(day=1)).before
    months = [newest]
    while len(months) < _MONTHS:
        months.append(months[-1].before)
    for month in reversed(months):
        at = min(now, datetime.combine(month.last + timedelta(days=7), now.time(), tzinfo=now.tzinfo))
        _keep_ours(scope, subscriptions, month, people.maker, at, with_gaps=month == newest)
        batch = _load(scope, _sheet(subscriptions, month, with_gaps=month == newest), month, people.maker, at)
        deciding.accept(scope=scope, batch_id=batch.public_id, confirm=False, by=people.maker, now=at)
        run_all_jobs()
        if month != newest:
            _charge(scope, batch, people.maker, at)
    for sketch in _RESELLERS:
        # What they earned in the meantime is more than what they owe.
        earned_on = clock.seoul_day(now) - timedelta(days=1)
        row = records.ManualRow(sketch.public_id, 9_000_000, earned_on, memo="판매 대행 대금")
        records.record_manual(scope=scope, by=people.maker, now=now, row=row)
    _decide_some(scope, newest, people.maker, now)
    _load(scope, _daily(subscriptions, newest), newest, people.maker, now, name=f"daily-{newest.invoice}.csv")
    _statement(scope, account, people.maker, now)


def _introduce(scope: Scope, by: Actor, now: datetime) -> None:
    """Make the resellers whom we know as partners, and say which of the vendor's ids they are."""
    bank.register_accounts((one.bank, one.number, one.holder) for one in _RESELLERS)
    for mpn, sketch in zip(_MPNS, _RESELLERS, strict=False):
        partner = make_partner(scope, sketch, by, now - timedelta(days=200))
        reselling.link(scope=scope, mpn=mpn, partner_id=partner.public_id, by=by, now=now)
    run_all_jobs()


def _subscriptions(dice: Random) -> list[Subscription]:
    made: list[Subscription] = []
    for customer in range(len(_CUSTOMERS)):
        for product in dice.sample(range(len(_PRODUCTS)), dice.randint(2, 4)):
            reseller = ("", _OWN_MPN, *_MPNS)[customer % 5]
            made.append(Subscription(len(made) + 1, customer, product, dice.randint(3, 60), reseller))
    return made


# ---- Our side


def _keep_ours(
    scope: Scope, subscriptions: list[Subscription], month: Month, by: Actor, at: datetime, *, with_gaps: bool
) -> None:
    """Keep what we billed; with gaps in the newest month: one we forgot, one the vendor forgot, others that differ."""
    ours = _ours(subscriptions, month, with_gaps=with_gaps)
    own_records.save(scope=scope, records=list(ours), source="api", by=by, now=at)


def _ours(subscriptions: list[Subscription], month: Month, *, with_gaps: bool) -> Iterator[OwnRecord]:
    for one in subscriptions:
        seats, price = one.seats, one.price
        if with_gaps and one.number == _FORGOTTEN:
            continue
        seats -= 2 if with_gaps and one.number == _FEWER_SEATS else 0
        price -= 300 if with_gaps and one.number == _OTHER_PRICE else 0
        # In the newest month nobody has noted the vendor's credits yet.
        credited = price if one.has_credit and not with_gaps else 0
        subtotal = seats * price - credited - (1 if with_gaps and one.number == _ONE_WON_LESS else 0)
        tax = _tenth(seats * price) - _tenth(credited) + (40 if with_gaps and one.number == _OTHER_TAX else 0)
        yield _own(one, month, seats, price, subtotal, tax)
    if with_gaps:
        extra = Subscription(900, 4, 2, 12, "")
        yield _own(extra, month, 12, extra.price, 12 * extra.price, 12 * extra.price // 10)


def _own(one: Subscription, month: Month, seats: int, price: int, subtotal: int, tax: int) -> OwnRecord:
    return OwnRecord(
        ref=f"B-{month.first:%Y%m}-{one.number:04d}",
        kind=Kind.NCE_INVOICE,
        ids=one.ids(),
        customer_name=_CUSTOMERS[one.customer],
        currency="KRW",
        quantity=Decimal(seats),
        unit_price=Decimal(price),
        subtotal=Decimal(subtotal),
        tax=Decimal(tax),
        period_start=month.first,
        period_end=month.last,
    )


# ---- The vendor's files


def _sheet(subscriptions: list[Subscription], month: Month, *, with_gaps: bool) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, _HEADER, restval="")
    writer.writeheader()
    for one in subscriptions:
        writer.writerow(_charged(one, month, "cycleCharge", one.seats))
        if one.has_credit:
            writer.writerow(_charged(one, month, "customerCredit", -1, reason="Service credit"))
    if with_gaps:
        # The very same line twice, as the vendor's export does now and then.
        writer.writerow(_charged(subscriptions[5], month, "cycleCharge", subscriptions[5].seats))
    return text.getvalue().encode()


def _charged(one: Subscription, month: Month, kind: str, seats: int, reason: str = "") -> dict[str, object]:
    product, sku, name, price = _PRODUCTS[one.product]
    subtotal, shown = seats * price, abs(seats)
    return {
        "PartnerId": _PARTNER_ID,
        "CustomerId": one.customer_id,
        "CustomerName": _CUSTOMERS[one.customer],
        "CustomerDomainName": f"customer{one.customer:02d}.example.com",
        "CustomerCountry": "KR",
        "InvoiceNumber": month.invoice,
        "MpnId": _OWN_MPN,
        "ResellerMpnId": one.reseller,
        "OrderId": f"{one.number:08x}f00d",
        "OrderDate": f"{month.first:%m/%d/%Y}",
        "ProductId": product,
        "SkuId": sku,
        "SkuName": name,
        "ProductName": name,
        "ChargeType": kind,
        "UnitPrice": price,
        "Quantity": shown,
        "Subtotal": subtotal,
        "TaxTotal": _tenth(subtotal),
        "Total": subtotal + _tenth(subtotal),
        "Currency": "KRW",
        "PublisherName": "Microsoft",
        "SubscriptionDescription": name,
        "SubscriptionId": one.subscription_id,
        "ChargeStartDate": f"{month.first:%m/%d/%Y}",
        "ChargeEndDate": f"{month.last:%m/%d/%Y}",
        "TermAndBillingCycle": "One-Year commitment for monthly/yearly billing",
        "EffectiveUnitPrice": price if subtotal > 0 else -price,
        "UnitType": "Licenses",
        "BillableQuantity": shown,
        "BillingFrequency": "Monthly",
        "PricingCurrency": "KRW",
        "PCToBCExchangeRate": "1",
        "CreditReasonCode": reason,
    }


def _tenth(amount: int) -> int:
    return -(-amount // 10) if amount < 0 else amount // 10


def _daily(subscriptions: list[Subscription], month: Month) -> bytes:
    """Return days of use as the vendor exports them before it bills: the file that has only just come."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(
        ("PartnerId", "CustomerId", "CustomerName", "MpnId", "ResellerMpnId", "ProductId", "SkuId", "SubscriptionId",
         "EntitlementId", "MeterId", "MeterName", "UsageDate", "UnitPrice", "Quantity", "BillingPreTaxTotal",
         "BillingCurrency", "EffectiveUnitPrice", "PCToBCExchangeRate", "ResourceURI")
    )  # fmt: skip
    for one in subscriptions[:8]:
        for number in range(1, 11):
            day = month.day(number)
            writer.writerow(
                (_PARTNER_ID, one.customer_id, _CUSTOMERS[one.customer], _OWN_MPN, one.reseller, "DZH318Z0BPS9", "0001",
                 one.subscription_id, one.subscription_id, "0b3f8f6d-0000-4000-8000-000000000001", "가상 컴퓨터",
                 f"{day:%m/%d/%Y}", "12.5", "24", "300", "KRW", "12.5", "1", f"/vm/{one.number}")
            )  # fmt: skip
    return text.getvalue().encode()


def _load(scope: Scope, body: bytes, month: Month, by: Actor, at: datetime, name: str = "") -> Batch:
    batch = storing.receive(
        scope=scope,
        file=io.BytesIO(body),
        name=name or f"{month.invoice}.csv",
        locale="ko",
        by=by,
        now=at,
        issued_on=clock.seoul_day(at),
    ).batch
    loading.load(scope=scope, batch_id=batch.public_id, fence=1, by=by, now=at, tell=lambda _done, _total: None)
    return queries.batch(scope, batch.public_id)


# ---- What people did


def _charge(scope: Scope, batch: Batch, by: Actor, at: datetime) -> None:
    """Charge the resellers we know, due on the last day of the month in which the file came."""
    ready = [(part.mpn, part.currency) for part in reselling.parts(batch) if part.waits is None]
    reselling.settle(scope=scope, batch_id=batch.public_id, chosen=ready, on=clock.seoul_day(at), by=by, now=at)


def _decide_some(scope: Scope, month: Month, by: Actor, now: datetime) -> None:
    """Leave one difference disputed and one accepted; the rest is today's work."""
    batch = Batch.objects.within(scope).get(invoice_number=month.invoice, kind=Kind.NCE_INVOICE)
    made = queries.comparison(batch)
    if made is None:
        return
    decisions = (
        ("price_mismatch", Decision.DISPUTE, "공급사에 단가 확인 요청"),
        ("tax_mismatch", Decision.ACCEPT, "끝수 차이"),
    )
    for outcome, decision, reason in decisions:
        place = Outcome.objects.filter(comparison=made, outcome=outcome).values_list("place", flat=True).first()
        if place is not None:
            resolving.resolve(
                scope=scope, batch_id=batch.public_id, place=place, decision=decision, reason=reason, by=by, now=now
            )


def _statement(scope: Scope, account: BankAccount, by: Actor, now: datetime) -> None:
    """Fetch the bank's statement of the last weeks and confirm it, as an operator would each morning."""
    last = clock.seoul_day(now) - timedelta(days=1)
    first = last - timedelta(days=_STATEMENT_DAYS)
    address = f"{settings.JEONGSAN['BANK_URL']}/v1/statements?from={first}&to={last}&format=csv"
    answer = http.request("GET", address)
    if answer.body.count(b"\n") == 1:
        return  # nothing moved in these days
    kept = statements.receive(
        scope=scope,
        bank_account_id=account.public_id,
        name=f"statement-{first:%Y%m%d}-{last:%Y%m%d}.csv",
        body=answer.body,
        mapping=None,
        by=by,
        now=now,
    )
    statements.confirm(scope=scope, statement_id=kept.public_id, by=by, now=now)

"""The upload of orders: a row for each order, or a row for each of its products under one order number."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from itertools import islice
from typing import Any, ClassVar, Final

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from access.roles import Permission
from console.columns import Kind, Label
from console.files.values import Raw, clean_text, parse_date
from console.uploads import CellRefused, Checked, Field, Loaded, Problem, Progress, Row, UploadKind, Verdict
from core import clock
from core.actor import Actor
from core.clock import SEOUL, seoul_day
from core.errors import DomainError
from core.scope import Scope
from settlement import terms
from settlement.models import PUBLIC_ID_LENGTH, SettlementRecord
from settlement.operations import many, settings
from settlement.operations.records import DiscountDraft, LineDraft, OrderDraft
from settlement.uploads import refused

KIND: Final = "orders"
_CHUNK = 1_000
METHODS: Mapping[str, str] = {
    "카드": "CARD",
    "계좌이체": "TRANSFER",
    "가상계좌": "VIRTUAL_ACCOUNT",
    "상품권": "GIFT_CERTIFICATE",
    "휴대폰": "MOBILE",
    "간편결제": "EASY_PAY",
}
# Columns that say something about the order as a whole; further rows of it leave them empty or repeat them.
_OF_ORDER = (
    "order_name",
    "method",
    "start_date",
    "paid_at",
    "tax_free",
    "contract",
    "settlement_date",
    "currency",
    "memo",
)
_DISCOUNT = {"discount_policy", "discount", "discount_tax_free"}


def parse_moment(raw: Raw) -> datetime:
    """Return a moment in Seoul from a day, or a day and a time. Raises CellRefused."""
    if isinstance(raw, datetime):
        return raw if raw.tzinfo else raw.replace(tzinfo=SEOUL)
    written = clean_text(raw).replace("T", " ")
    day, _space, hour = written.partition(" ")
    try:
        at = time.fromisoformat(hour.strip()) if hour.strip() else time()
    except ValueError:
        raise CellRefused("not_a_moment") from None
    return datetime.combine(parse_date(raw if isinstance(raw, date) else day), at, tzinfo=at.tzinfo or SEOUL)


def parse_currency(raw: Raw) -> str:
    """Return a currency, in capitals."""
    return clean_text(raw).upper()


def parse_ids(raw: Raw) -> str:
    """Return several ids, separated by commas, tidied."""
    return ",".join(one.strip() for one in clean_text(raw).split(",") if one.strip())


def _id(name: str, label: Label, english: str, **more: Any) -> Field:
    return Field(name, label, english, kind=Kind.ID, max=PUBLIC_ID_LENGTH, **more)


def _won(name: str, label: Label, english: str, **more: Any) -> Field:
    return Field(name, label, english, kind=Kind.WON, **more)


class OrderUpload(UploadKind):
    """Orders whose payment was taken elsewhere."""

    kind = KIND
    title = gettext_lazy("주문 등록")
    permission = Permission.EDIT
    guide = (
        gettext_lazy("주문 금액만 있으면 주문마다 한 행으로, 상품까지 있으면 상품마다 한 행으로 적어 주세요."),
        gettext_lazy(
            "같은 주문의 둘째 행부터는 파트너 아이디와 주문 번호, 상품 열만 적으면 돼요."
            " 할인과 추가 수수료는 그 상품의 것이에요."
        ),
        gettext_lazy("금액은 원 단위예요. 다른 통화는 센트처럼 가장 작은 단위로 적어 주세요."),
    )
    fields = (
        _id(
            "partner",
            gettext_lazy("파트너 아이디"),
            "partner_id",
            required=True,
            samples=("partner-001", "partner-002"),
        ),
        _id("order", gettext_lazy("주문 번호"), "order_number", required=True, samples=("order-0001", "order-0002")),
        Field("order_name", gettext_lazy("주문명"), "order_name", max=400, samples=("봄 재킷", "운동화 외 1건")),
        Field("method", gettext_lazy("결제 수단"), "payment_method", choices=METHODS, samples=("카드", "간편결제")),
        Field(
            "start_date",
            gettext_lazy("정산 시작일"),
            "settlement_start_date",
            kind=Kind.DATE,
            samples=("2026-12-01", ""),
            note=gettext_lazy("비우면 결제한 날이에요. 둘 가운데 하나는 있어야 해요."),
        ),
        Field(
            "paid_at",
            gettext_lazy("결제 일시"),
            "paid_at",
            parse=parse_moment,
            samples=("", "2026-12-01 14:30"),
            note=gettext_lazy("2026-12-01 14:30처럼 적어 주세요."),
        ),
        _won(
            "amount",
            gettext_lazy("주문 금액"),
            "order_amount",
            samples=("55000", ""),
            note=gettext_lazy("상품을 적은 행에서는 비워 주세요."),
        ),
        _won("tax_free", gettext_lazy("주문 면세액"), "order_tax_free_amount", samples=("0", "")),
        _id("product", gettext_lazy("상품 아이디"), "product_id", samples=("", "shoes-270")),
        Field("product_name", gettext_lazy("상품명"), "product_name", max=400, samples=("", "운동화")),
        _won("unit_amount", gettext_lazy("상품 단가"), "unit_price", samples=("", "40000")),
        _won("unit_tax_free", gettext_lazy("상품 면세 단가"), "unit_tax_free_amount"),
        Field("quantity", gettext_lazy("수량"), "quantity", kind=Kind.COUNT, samples=("", "2")),
        _id("discount_policy", gettext_lazy("할인 분담 정책 아이디"), "discount_share_policy_id"),
        _won("discount", gettext_lazy("할인 금액"), "discount_amount"),
        _won("discount_tax_free", gettext_lazy("할인 면세액"), "discount_tax_free_amount"),
        Field(
            "fee_policies",
            gettext_lazy("추가 수수료 정책 아이디"),
            "additional_fee_policy_ids",
            max=2_000,
            parse=parse_ids,
            note=gettext_lazy("여럿이면 쉼표로 나눠 주세요."),
        ),
        _id(
            "contract",
            gettext_lazy("계약 아이디"),
            "contract_id",
            note=gettext_lazy("비우면 파트너의 기본 계약이에요."),
        ),
        Field(
            "settlement_date",
            gettext_lazy("정산일"),
            "settlement_date",
            kind=Kind.DATE,
            note=gettext_lazy("비우면 계약의 정산 주기로 계산해요."),
        ),
        Field(
            "currency",
            gettext_lazy("통화"),
            "currency",
            max=3,
            parse=parse_currency,
            note=gettext_lazy("비우면 KRW예요."),
        ),
        Field("memo", gettext_lazy("메모"), "memo", max=1_000),
    )
    messages: ClassVar[Mapping[str, Label]] = {
        **refused.MESSAGES,
        "not_a_moment": gettext_lazy("일시를 확인해 주세요. 2026-12-01 14:30처럼 적어 주세요."),
        "amount_or_product": gettext_lazy("주문 금액과 상품 가운데 하나만 적어 주세요."),
        "differs_in_order": gettext_lazy("같은 주문의 %(row)s행과 달라요. 비우거나 똑같이 적어 주세요."),
        "order_twice": gettext_lazy(
            "같은 주문이 %(row)s행에도 있어요. 상품마다 적을 때는 모든 행에 상품을 적어 주세요."
        ),
        "at_least_one": gettext_lazy("1 이상으로 적어 주세요."),
    }

    def check(self, scope: Scope, rows: Sequence[Row]) -> Checked:
        """Group the rows, and see what recording each order would give."""
        several = settings.current(scope).supports_multiple_order_transfers_per_partner
        orders, problems = grouped(rows, several=several)
        verdicts: dict[int, Verdict] = {}
        net = 0
        for order, outcome in _planned(scope, orders):
            if isinstance(outcome, DomainError):
                problems.append(refused.problem(order.rows[0], outcome, _NAMES))
                continue
            if outcome.stands:
                verdicts |= dict.fromkeys((row.number for row in order.rows), Verdict.SAME)
            else:
                net += outcome.record.net
        total = sum(order.total for order in orders)
        return Checked(problems, verdicts, {_("주문 금액"): total, _("새 정산 금액"): net})

    def load(self, scope: Scope, rows: Sequence[Row], by: Actor, now: datetime) -> Loaded:
        """Record all orders with their journals."""
        return self.load_and_tell(scope, rows, by, now, lambda _done: None)

    def load_and_tell(self, scope: Scope, rows: Sequence[Row], by: Actor, now: datetime, progress: Progress) -> Loaded:
        """Record all orders with their journals, and tell how far it is."""
        several = settings.current(scope).supports_multiple_order_transfers_per_partner
        drafts = [order.draft for order in grouped(rows, several=several)[0]]
        count = many.record_orders(scope=scope, by=by, now=now, drafts=drafts, same=is_same, tell=progress)
        message = ngettext("주문 %(count)s건을 등록했어요.", "주문 %(count)s건을 등록했어요.", count)
        return Loaded(count, message % {"count": f"{count:,}"}, reverse("settlement:records"))


_NAMES = frozenset(field.name for field in OrderUpload.fields)


@dataclass(frozen=True, slots=True)
class Order:
    """An order of the file with its rows."""

    rows: Sequence[Row]
    draft: OrderDraft

    @property
    def total(self) -> int:
        """The order amount."""
        return self.draft.amount or sum(line.unit_amount * line.quantity for line in self.draft.lines)


def _planned(scope: Scope, orders: Iterable[Order]) -> Iterator[tuple[Order, many.Outcome]]:
    source = iter(orders)
    now = clock.now()
    while chunk := list(islice(source, _CHUNK)):
        drafts = [order.draft for order in chunk]
        yield from zip(chunk, many.plan_orders(scope=scope, now=now, drafts=drafts, same=is_same), strict=True)


# ---- from rows to orders


def grouped(rows: Sequence[Row], *, several: bool) -> tuple[list[Order], list[Problem]]:
    """Return the orders that can be read, and what is wrong with the others; `several` may share one number."""
    groups: dict[tuple[object, ...], list[Row]] = {}
    problems: list[Problem] = []
    for row in rows:
        values = row.values
        key: tuple[object, ...] = (values["partner"], values["order"])
        with_product = "product" in values
        if several and not with_product:
            key = (*key, row.number)
        group = groups.setdefault(key, [])
        if group and not (with_product and "product" in group[0].values):
            problems.append(Problem(row.number, "order", "order_twice", {"row": group[0].number}))
            continue
        group.append(row)
    orders = []
    for group in groups.values():
        wrong = [problem for row in group for problem in _wrong_cells(row, group[0])]
        problems += wrong
        if not wrong:
            orders.append(Order(group, _draft(group)))
    return orders, problems


def _wrong_cells(row: Row, first: Row) -> Iterator[Problem]:
    """Yield what is wrong with the cells of a row together, and with those that its order's first row has too."""
    values = row.values
    if "product" in values and "amount" in values:
        yield Problem(row.number, "amount", "amount_or_product")
    if values.get("quantity") == 0:
        yield Problem(row.number, "quantity", "at_least_one")
    needed = ["unit_amount", "quantity"] if "product" in values else ["amount"]
    if _DISCOUNT & values.keys():
        needed += ["discount_policy", "discount"]
    if row is first and "paid_at" not in values:
        needed.append("start_date")
    yield from (Problem(row.number, name, "required") for name in needed if name not in values)
    for name in _OF_ORDER:
        if name in values and values[name] != first.values.get(name):
            yield Problem(row.number, name, "differs_in_order", {"row": first.number})


def _draft(rows: Sequence[Row]) -> OrderDraft:
    values = rows[0].values
    with_products = "product" in values
    method = values.get("method")
    return OrderDraft(
        partner_id=values["partner"],
        payment_id=values["order"],
        amount=None if with_products else values["amount"],
        lines=tuple(_line(row.values) for row in rows) if with_products else (),
        tax_free=values.get("tax_free"),
        discounts=() if with_products else _discounts(values),
        fee_policy_ids=() if with_products else _fee_ids(values),
        contract_id=values.get("contract"),
        currency=values.get("currency") or "KRW",
        start_date=values.get("start_date") or seoul_day(values["paid_at"]),
        settlement_date=values.get("settlement_date"),
        order_name=values.get("order_name", ""),
        method={"type": method} if method else {},
        paid_at=values.get("paid_at"),
        memo=values.get("memo", ""),
    )


def _line(values: Mapping[str, Any]) -> LineDraft:
    return LineDraft(
        product_id=values["product"],
        name=values.get("product_name") or values["product"],
        unit_amount=values["unit_amount"],
        quantity=values["quantity"],
        unit_tax_free=values.get("unit_tax_free", 0),
        discounts=_discounts(values),
        fee_policy_ids=_fee_ids(values),
    )


def _discounts(values: Mapping[str, Any]) -> tuple[DiscountDraft, ...]:
    if "discount_policy" not in values:
        return ()
    return (DiscountDraft(values["discount_policy"], values["discount"], values.get("discount_tax_free", 0)),)


def _fee_ids(values: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(values["fee_policies"].split(",")) if values.get("fee_policies") else ()


# ---- the same order again


def is_same(draft: OrderDraft, record: SettlementRecord) -> bool:
    """Say whether an order that stands says what a draft says; what the draft leaves to the system is not compared."""
    version = record.contract_version
    if draft.contract_id is not None and (version is None or version.contract.public_id != draft.contract_id):
        return False
    if draft.settlement_date is not None and draft.settlement_date != record.settlement_date:
        return False
    return _said(draft) == _kept(record)


def _said(draft: OrderDraft) -> tuple[object, ...]:
    lines = [
        (
            *(line.product_id, line.name, line.unit_amount, line.unit_tax_free, line.quantity),
            *(_told(line.discounts), sorted(line.fee_policy_ids)),
        )
        for line in draft.lines
    ]
    tax_free = draft.tax_free
    if tax_free is None:
        tax_free = sum(line.unit_tax_free * line.quantity for line in draft.lines)
    facts = (draft.start_date, draft.currency, draft.order_name, dict(draft.method), draft.paid_at, draft.memo)
    return (*facts, draft.amount, tax_free, lines, _told(draft.discounts), sorted(draft.fee_policy_ids))


def _kept(record: SettlementRecord) -> tuple[object, ...]:
    order = terms.order(record)
    lines = [
        (
            *(line.product_id, kept["product"]["name"], line.unit_amount, line.unit_tax_free, line.quantity),
            *(_told(line.discounts), sorted(fee.policy_id for fee in line.fees)),
        )
        for line, kept in zip(order.lines, record.lines, strict=True)
    ]
    facts = (record.start_date, record.currency, record.order_name, record.payment_method, record.paid_at, record.memo)
    fees = sorted(fee.policy_id for fee in order.fees)
    return (*facts, order.amount, record.order_tax_free, lines, _told(order.discounts), fees)


def _told(discounts: Iterable[Any]) -> list[tuple[str, int, int]]:
    return sorted((item.policy_id, item.amount, item.tax_free) for item in discounts)

"""
Filters of the lists on the compatible wire, and their pages.

A list-valued filter keeps what matches any of its values, an empty one everything; different filters combine with and.
In a keyword one key counts, the first of those the wire lists.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from access import sealed
from access.parse import Fields
from core.errors import InvalidRequest
from core.money import MAX_AMOUNT
from core.scope import Scope
from settlement import banks, queries, wire, wire_in
from settlement.dates import CycleMethod, DatePolicy
from settlement.models import (
    AccountStatus,
    BusinessStatus,
    PartnerType,
    RecordStatus,
    RecordType,
    SettlementStatus,
    TaxationType,
    VatPayer,
)

_USUAL_SIZE, _LARGEST_SIZE, _LAST_PAGE = 10, 1_000, 1_000_000
_WORD = 300
_LAST_DIGITS = 4
_NOTHING = Q(pk__in=())


@dataclass(frozen=True, slots=True)
class Page:
    """Which page is asked for, counted from 0."""

    number: int
    size: int

    @classmethod
    def of(cls, argument: Fields) -> "Page":
        """Return the page an argument asks for."""
        page = argument.maybe_mapping("page") or Fields({})
        number = page.maybe_integer("number", minimum=0, maximum=_LAST_PAGE)
        size = page.maybe_integer("size", minimum=1, maximum=_LARGEST_SIZE)
        return cls(number or 0, size or _USUAL_SIZE)

    def of_rows(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Return the page's rows, newest first."""
        start = self.number * self.size
        return rows.order_by("-pk")[start : start + self.size]

    def shape(self, rows: QuerySet[Any]) -> dict[str, int]:
        """Return what the answer says about its page."""
        return wire.page(self.number, self.size, rows.count())


Keyword = Callable[[str], Q]


def _contains(*columns: str) -> Keyword:
    def condition(word: str) -> Q:
        found = _NOTHING
        for column in columns:
            found |= Q(**{f"{column}__icontains": word})
        return found

    return condition


def _equals(column: str) -> Keyword:
    return lambda word: Q(**{column: word})


def _keyword(fields: Fields, keys: Mapping[str, Keyword]) -> Q:
    inside = fields.maybe_mapping("keyword")
    if inside is not None:
        for name, condition in keys.items():
            word = inside.maybe_text(name, longest=_WORD)
            if word:
                return condition(word)
    return Q()


def _any(column: str, values: Sequence[object]) -> Q:
    return Q(**{f"{column}__in": values}) if values else Q()


def _ids(fields: Fields, name: str, column: str) -> Q:
    return _any(column, fields.texts(name, most=1_000, longest=_WORD))


def _archived(fields: Fields) -> Q:
    return Q(is_archived=bool(fields.maybe_boolean("isArchived")))


def _tags(fields: Fields, name: str, column: str) -> Q:
    tags = fields.texts(name, most=100, longest=100)
    return Q(**{f"{column}__overlap": tags}) if tags else Q()


# ---- policies


def contract_filter(fields: Fields | None) -> Q:
    """Return the condition of a list of contracts."""
    fields = fields or Fields({})
    return (
        _archived(fields)
        & _any("current__vat_payer", fields.choices("platformFeePayers", VatPayer))
        & _any("current__cycle_method", fields.choices("cycleTypes", CycleMethod))
        & _any("current__date_policy", fields.choices("datePolicies", DatePolicy))
        & _keyword(fields, {"id": _contains("public_id"), "name": _contains("current__name")})
    )


def discount_share_filter(fields: Fields | None) -> Q:
    """Return the condition of a list of discount share policies."""
    fields = fields or Fields({})
    return (
        _archived(fields)
        & _any("current__partner_share_rate", wire_in.integers(fields, "partnerShareRates", most=1_000))
        & _keyword(fields, {"id": _contains("public_id"), "name": _contains("current__name")})
    )


def fee_filter(fields: Fields | None) -> Q:
    """Return the condition of a list of additional fee policies."""
    fields = fields or Fields({})
    keys = {"id": _contains("public_id"), "name": _contains("current__name"), "fee": _fee}
    return (
        _archived(fields) & _any("current__vat_payer", fields.choices("vatPayers", VatPayer)) & _keyword(fields, keys)
    )


def _fee(word: str) -> Q:
    if not word.isascii() or not word.isdigit() or len(word) > len(str(MAX_AMOUNT)):
        return _NOTHING
    value = int(word)
    fixed = Q(current__fee_is_fixed=True, current__fee_amount=value)
    return fixed | Q(current__fee_is_fixed=False, current__fee_rate=value)


# ---- partners


def partner_filter(fields: Fields | None) -> Q:
    """Return the condition of a list of partners."""
    fields = fields or Fields({})
    return (
        _archived(fields)
        & _tags(fields, "tags", "tags")
        & _ids(fields, "banks", "bank")
        & _ids(fields, "accountCurrencies", "account_currency")
        & _ids(fields, "ids", "public_id")
        & _ids(fields, "contractIds", "default_contract__public_id")
        & _any("account_status", fields.choices("accountStatuses", AccountStatus))
        & _any("business_status", fields.choices("businessStatuses", BusinessStatus))
        & _any("type", fields.choices("types", PartnerType))
        & _any("taxation_type", fields.choices("taxationTypes", TaxationType))
        & _connected(fields)
        & _keyword(fields, _PARTNER_KEYS)
    )


def _connected(fields: Fields) -> Q:
    wanted = fields.texts("memberCompanyConnectionStatuses", most=100, longest=40)
    return Q() if not wanted or "NOT_CONNECTED" in wanted else _NOTHING


def _account_number(word: str) -> Q:
    """Return the condition for an account number: sealed numbers are found whole, or by their last four digits."""
    digits = sealed.digits(word)
    if len(digits) == _LAST_DIGITS:
        return Q(account_last4=digits)
    return Q(account_fingerprint__in=[sealed.fingerprint(code, digits) for code in banks.BY_CODE])


_PARTNER_KEYS: Mapping[str, Keyword] = {
    "id": _contains("public_id"),
    "name": _contains("name"),
    "email": _contains("contact_email"),
    "businessRegistrationNumber": _contains("business_registration_number"),
    "defaultContractId": _contains("default_contract__public_id"),
    "memo": _contains("memo"),
    "accountNumber": _account_number,
    "accountHolder": _contains("account_holder"),
}


# ---- records


def record_filter(fields: Fields | None, scope: Scope) -> Q:
    """Return the condition of a list of records. Raises InvalidRequest for two date ranges."""
    fields = fields or Fields({})
    if fields.has("settlementStartDateRange") and fields.has("settlementDateRange"):
        raise InvalidRequest(_("날짜 범위는 하나만 보낼 수 있어요."), field=fields.path("settlementDateRange"))
    return (
        _range(fields, "settlementStartDateRange", "start_date")
        & _range(fields, "settlementDateRange", "settlement_date")
        & _tags(fields, "partnerTags", "partner__tags")
        & _ids(fields, "contractIds", "contract_version__contract__public_id")
        & _policies(fields, "discountSharePolicyIds", "discounts", "discounts")
        & _policies(fields, "additionalFeePolicyIds", "additional_fees", "fees")
        & _ids(fields, "paymentMethodTypes", "payment_method__type")
        & (_NOTHING if fields.texts("channelKeys", most=1_000, longest=_WORD) else Q())
        & _any("type", fields.choices("types", RecordType))
        & _statuses(fields)
        & _property(fields)
        & _keyword(fields, _record_keys(scope))
    )


def _range(fields: Fields, name: str, column: str) -> Q:
    inside = fields.maybe_mapping(name)
    if inside is None:
        return Q()
    return Q(**{f"{column}__gte": inside.date("from"), f"{column}__lte": inside.date("until")})


def _statuses(fields: Fields) -> Q:
    wanted = fields.choices("statuses", RecordStatus)
    return queries.has_status(wanted) if wanted else Q()


def _policies(fields: Fields, name: str, column: str, line_key: str) -> Q:
    """Return the condition for records that name one of the policies, at order level or in a line."""
    found = Q()
    for policy in fields.texts(name, most=100, longest=_WORD):
        named = [{"policy": policy}]
        found |= Q(**{f"{column}__contains": named}) | Q(lines__contains=[{line_key: named}])
    return found


def _property(fields: Fields) -> Q:
    wanted = fields.maybe_mapping("userDefinedProperty")
    if wanted is None:
        return Q()
    pair = {"key": wanted.text("key", longest=_WORD), "value": {"string": wanted.text("value")}}
    # The second condition is that of the partial index.
    return Q(user_defined_properties__contains=[pair]) & ~Q(user_defined_properties=[])


def _record_keys(scope: Scope) -> Mapping[str, Keyword]:
    def of_payout(word: str) -> Q:
        return Q(partner_settlement_id__in=queries.in_payout(word).filter(**_of_scope(scope)))

    return {
        "all": _contains("public_id", "payment_id", "order_name", "memo", "partner__public_id", "partner__name"),
        "paymentId": _equals("payment_id"),
        "transferId": _equals("public_id"),
        "transferMemo": _contains("memo"),
        "productId": lambda word: Q(lines__contains=[{"product": {"id": word}}]),
        "productName": lambda word: Q(lines__contains=[{"product": {"name": word}}]),
        "partnerId": _equals("partner__public_id"),
        "partnerName": _contains("partner__name"),
        "partnerMemo": _contains("partner__memo"),
        "partnerSettlementId": _contains("partner_settlement__public_id"),
        "payoutId": of_payout,
    }


def _of_scope(scope: Scope) -> dict[str, object]:
    return {f"payout_ref__{name}": value for name, value in scope.filters().items()}


# ---- partner settlements


def settlement_filter(fields: Fields | None, scope: Scope) -> Q:
    """Return the condition of a list of partner settlements, statuses aside."""
    fields = fields or Fields({})
    mine = _of_scope(scope)
    keys: Mapping[str, Keyword] = {
        "partnerSettlementId": _equals("public_id"),
        "payoutId": lambda word: Q(pk__in=queries.in_payout(word).filter(**mine)),
        "bulkPayoutId": lambda word: Q(pk__in=queries.in_bulk_payout(word).filter(**mine)),
    }
    return (
        _any("settlement_date", _days(fields, "settlementDates"))
        & _ids(fields, "contractIds", "contract__public_id")
        & _tags(fields, "partnerTags", "partner__tags")
        & _ids(fields, "settlementCurrencies", "currency")
        & _ids(fields, "partnerIds", "partner__public_id")
        & _any("type", fields.choices("settlementTypes", RecordType))
        & _keyword(fields, keys)
    )


def settlement_statuses(fields: Fields | None) -> list[SettlementStatus]:
    """Return the statuses a list of partner settlements is asked for; empty for all."""
    return fields.choices("statuses", SettlementStatus) if fields else []


def _days(fields: Fields, name: str) -> list[object]:
    texts = fields.texts(name, most=1_000, longest=10)
    return [Fields({name: text}, fields.path(name)).date(name) for text in texts]

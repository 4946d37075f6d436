"""Our own API: how a company matches, and the vendors, items, tolerances and policies it matches by."""

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any, ClassVar, Final

from django.db.models import Q, QuerySet, TextChoices
from django.utils.translation import gettext as _

from access.api import ApiRequest
from access.cursors import CursorPage
from access.parse import Fields
from core.scope import Scope
from matching import api_base as base
from matching import api_reads, queries, refusals, wire
from matching.api_base import MatchingView, days, done, named
from matching.engine.terms import Total
from matching.models import (
    ChargeCode,
    ChargeSide,
    ChargesTolerance,
    Direction,
    DuplicateNumber,
    EntryPolicy,
    ExchangeRate,
    Item,
    Override,
    Policy,
    PolicyEntry,
    PriceTolerance,
    PriceTotals,
    TotalsTolerance,
    UnitConversion,
    Vendor,
    WithDiscrepancies,
)
from matching.operations import company

Shape = dict[str, Any]
Readers = Mapping[str, Callable[[Fields, str], Any]]
_LONGEST_CODE: Final = 310
_MOST_DAYS: Final = 3_650
_MOST_TIMES: Final = 1_000


# ---- Parameters

_FLAGS: Final = (
    "enable_invoice_matching_validation",
    "automatically_update_header_match_status",
    "match_invoice_totals",
    "match_charges",
    "block_when_invoice_quantity_below_matched_receipts",
    "automation_match_receipts",
    "automation_submits",
    "automation_needs_all_receipts",
    "approver_must_differ",
)
_WORDS: Final[Mapping[str, type[TextChoices]]] = {
    "post_invoice_with_discrepancies": WithDiscrepancies,
    "invoice_totals_direction": Direction,
    "line_matching_policy": Policy,
    "allow_matching_policy_override": Override,
    "unit_price_direction": Direction,
    "match_price_totals": PriceTotals,
    "price_total_direction": Direction,
    "charges_direction": Direction,
    "duplicate_invoice_number": DuplicateNumber,
}
_TIMES: Final = ("automation_attempts", "automation_hours")


class MatchingParameters(MatchingView):
    """GET and PATCH /matching/parameters."""

    def get(self, request: ApiRequest) -> Shape:
        """Return how the company matches."""
        return wire.parameters(queries.parameters(request.scope))

    def patch(self, request: ApiRequest) -> Shape:
        """Change what is given; pending invoices are matched again in the background."""
        done(request, company.save_parameters, fields=_parameters(request.fields))
        return wire.parameters(queries.parameters(request.scope))


def _parameters(fields: Fields) -> Shape:
    found: Shape = {}
    for name in wire.PARAMETERS:
        at = wire.camel(name)
        if not fields.has(at):
            continue
        if name in _FLAGS:
            found[name] = fields.boolean(at)
        elif name in wire.PARAMETER_FIGURES:
            found[name] = base.figure(fields, at)
        elif name in _TIMES:
            found[name] = fields.integer(at, minimum=1, maximum=_MOST_TIMES)
        elif name in _WORDS:
            found[name] = base.word(fields, at, _WORDS[name])
        elif name == "per_total_settings":
            found[name] = _per_total(fields, at)
        else:
            found[name] = base.currency(fields, at)
    return found


def _per_total(fields: Fields, at: str) -> Shape:
    totals = {wire.camel(total.value): total.value for total in Total}
    found: Shape = {}
    for name, setting in fields.entries(at).items():
        base.one_of(fields, f"{at}.{name}", name, list(totals))
        enabled = setting.maybe_boolean("enabled")
        found[totals[name]] = {
            "enabled": True if enabled is None else enabled,
            "percent": base.maybe_figure(setting, "percent"),
        }
    return found


# ---- Tables


class Table(MatchingView):
    """A table of the set-up: its rows, how one is told, and which of them a query asks for."""

    rows: ClassVar[Callable[..., QuerySet[Any]]]
    told: ClassVar[Callable[..., Shape]]

    def asked(self, query: Fields) -> Q:  # noqa: ARG002 - tables that can be filtered read it
        """Return the filter that a query asks for."""
        return Q()

    def get(self, request: ApiRequest) -> Shape:
        """Return rows, newest first."""
        tell = type(self).told
        rows = type(self).rows(request.scope).filter(self.asked(request.query))
        found, more = CursorPage.of(request.query).take(rows)
        return {"items": [tell(row) for row in found], **more}


class KeptTable(Table):
    """A table whose rows are named by several values: PUT says one, DELETE removes it, named in the query."""

    def put(self, request: ApiRequest) -> Shape:
        """Add the row, or change it."""
        row = self.kept(request)
        return type(self).told(type(self).rows(request.scope).get(pk=row.pk))

    def delete(self, request: ApiRequest) -> None:
        """Remove the row that the query names."""
        key = self.key(request.scope, request.query)
        row = type(self).rows(request.scope).filter(**key).first()
        if row is None:
            raise refusals.not_found("row", ", ".join(str(value) for value in key.values() if value is not True))
        company.remove(scope=request.scope, by=request.actor, row=row)

    def kept(self, request: ApiRequest) -> Any:
        """Save what the body says and return the row."""
        raise NotImplementedError

    def key(self, scope: Scope, query: Fields) -> Shape:
        """Return the columns that name a row."""
        raise NotImplementedError


class KeyedRow(MatchingView):
    """A row of the set-up that is named in the address."""

    find: ClassVar[Callable[..., Any]]
    told: ClassVar[Callable[..., Shape]]
    save: ClassVar[Callable[..., Any]]
    name: ClassVar[str]
    readers: ClassVar[Readers]

    def get(self, request: ApiRequest, public_id: str) -> Shape:
        """Return the row."""
        return type(self).told(type(self).find(request.scope, public_id))

    def put(self, request: ApiRequest, public_id: str) -> Shape:
        """Add the row, or change the fields given."""
        kind = type(self)
        named_by = {self.name: base.identifier(Fields({self.name: public_id}), self.name)}
        done(request, kind.save, **named_by, fields=base.given(request.fields, self.readers))
        return kind.told(kind.find(request.scope, public_id))

    def delete(self, request: ApiRequest, public_id: str) -> None:
        """Remove the row, unless documents name it."""
        row = type(self).find(request.scope, public_id)
        company.remove(scope=request.scope, by=request.actor, row=row)


# ---- Vendors and items


def _days(fields: Fields, name: str) -> int:
    return fields.integer(name, minimum=0, maximum=_MOST_DAYS)


def _flag(fields: Fields, name: str) -> bool:
    return fields.boolean(name)


def _account(fields: Fields, name: str) -> str:
    return base.maybe_identifier(fields, name) or ""


class Vendors(Table):
    """GET /vendors."""

    rows = staticmethod(lambda scope: Vendor.objects.within(scope).select_related("partner"))
    told = staticmethod(wire.vendor)

    def asked(self, query: Fields) -> Q:
        """Filter by account, group and partner."""
        return (
            named(query, "account", "account")
            & named(query, "priceToleranceGroup", "price_tolerance_group")
            & named(query, "partnerId", "partner__public_id")
        )


class VendorView(KeyedRow):
    """GET, PUT and DELETE /vendors/{account}."""

    find = staticmethod(queries.find_vendor)
    told = staticmethod(wire.vendor)
    save = staticmethod(company.save_vendor)
    name = "account"
    readers: ClassVar[Readers] = {
        "name": base.name_text,
        "currency": base.currency,
        "price_tolerance_group": base.name_text,
        "invoice_account": _account,
        "payment_days": _days,
    }

    def put(self, request: ApiRequest, public_id: str) -> Shape:
        """Add the vendor, or change the fields given; a `partnerId` of null lets go of the partner."""
        fields = base.given(request.fields, self.readers)
        if request.fields.given("partnerId"):
            fields["partner"] = base.maybe_identifier(request.fields, "partnerId")
        account = base.identifier(Fields({"account": public_id}), "account")
        done(request, company.save_vendor, account=account, fields=fields)
        return wire.vendor(queries.find_vendor(request.scope, account))


class Items(Table):
    """GET /items."""

    rows = staticmethod(Item.objects.within)
    told = staticmethod(wire.item)

    def asked(self, query: Fields) -> Q:
        """Filter by number and group."""
        return named(query, "number", "number") & named(query, "priceToleranceGroup", "price_tolerance_group")


class ItemView(KeyedRow):
    """GET, PUT and DELETE /items/{number}."""

    find = staticmethod(queries.find_item)
    told = staticmethod(wire.item)
    save = staticmethod(company.save_item)
    name = "number"
    readers: ClassVar[Readers] = {
        "name": base.name_text,
        "unit": base.unit,
        "price_tolerance_group": base.name_text,
        "receiving_requirement": _flag,
        "over_delivery_percent": base.maybe_figure,
        "under_delivery_percent": base.maybe_figure,
    }


# ---- Units and charge codes


class UnitConversions(KeptTable):
    """GET, PUT and DELETE /unit-conversions."""

    rows = staticmethod(lambda scope: UnitConversion.objects.within(scope).select_related("item"))
    told = staticmethod(wire.conversion)

    def asked(self, query: Fields) -> Q:
        """Filter by item."""
        return named(query, "item", "item__number")

    def kept(self, request: ApiRequest) -> UnitConversion:
        """Save a conversion of an item, or of every item without one."""
        fields = request.fields
        return done(
            request,
            company.save_conversion,
            item=base.maybe_identifier(fields, "item"),
            from_unit=base.unit(fields, "from"),
            to_unit=base.unit(fields, "to"),
            factor=_factor(fields, "factor"),
        )

    def key(self, scope: Scope, query: Fields) -> Shape:
        """Name a conversion by item and units."""
        item = base.maybe_identifier(query, "item")
        key: Shape = {"from_unit": base.unit(query, "from"), "to_unit": base.unit(query, "to")}
        return key | ({"item": queries.find_item(scope, item)} if item else {"item__isnull": True})


def _factor(fields: Fields, name: str) -> Fraction:
    sent = fields.text(name, longest=25, pattern=base.FACTOR)
    if sent.endswith("/0") or not Fraction(sent):
        raise fields.wrong(name, _("0보다 커야 해요."))
    return Fraction(sent)


class ChargeCodes(Table):
    """GET /charge-codes."""

    rows = staticmethod(ChargeCode.objects.within)
    told = staticmethod(wire.charge_code)


def _side(fields: Fields, name: str) -> str:
    return base.word(fields, name, ChargeSide)


class ChargeCodeView(KeyedRow):
    """GET, PUT and DELETE /charge-codes/{code}."""

    find = staticmethod(queries.find_charge_code)
    told = staticmethod(wire.charge_code)
    save = staticmethod(company.save_charge_code)
    name = "code"
    readers: ClassVar[Readers] = {
        "description": base.name_text,
        "debit_type": _side,
        "credit_type": _side,
        "compare_po_and_invoice": _flag,
        "maximum_amount": base.maybe_figure,
    }


# ---- Policies and tolerances


class MatchingPolicies(KeptTable):
    """GET, PUT and DELETE /matching-policies."""

    rows = staticmethod(lambda scope: PolicyEntry.objects.within(scope).select_related("item", "vendor"))
    told = staticmethod(wire.policy)

    def asked(self, query: Fields) -> Q:
        """Filter by item and vendor."""
        return named(query, "item", "item__number") & named(query, "vendor", "vendor__account")

    def kept(self, request: ApiRequest) -> PolicyEntry:
        """Save the policy of an item, a vendor, or both."""
        fields = request.fields
        return done(
            request,
            company.save_policy,
            item=base.maybe_identifier(fields, "item"),
            vendor=base.maybe_identifier(fields, "vendor"),
            policy=base.word(fields, "policy", EntryPolicy),
        )

    def key(self, scope: Scope, query: Fields) -> Shape:
        """Name a policy by item and vendor."""
        item, vendor = base.maybe_identifier(query, "item"), base.maybe_identifier(query, "vendor")
        key: Shape = {"item": queries.find_item(scope, item)} if item else {"item__isnull": True}
        return key | ({"vendor": queries.find_vendor(scope, vendor)} if vendor else {"vendor__isnull": True})


class PriceTolerances(KeptTable):
    """GET, PUT and DELETE /price-tolerances."""

    rows = staticmethod(lambda scope: PriceTolerance.objects.within(scope).select_related("item", "vendor"))
    told = staticmethod(wire.price_tolerance)

    def get(self, request: ApiRequest) -> Shape:
        """Return tolerances; the one of everything with everything is there from the start."""
        company.open_company(request.scope)
        return super().get(request)

    def kept(self, request: ApiRequest) -> PriceTolerance:
        """Save a tolerance; item and vendor are `table:NAME`, `group:NAME` or `all`."""
        fields = request.fields
        return done(
            request,
            company.save_price_tolerance,
            item=fields.text("item", longest=_LONGEST_CODE),
            vendor=fields.text("vendor", longest=_LONGEST_CODE),
            percent=base.figure(fields, "percent"),
        )

    def key(self, scope: Scope, query: Fields) -> Shape:
        """Name a tolerance by its two codes."""
        item, vendor = query.text("item", longest=_LONGEST_CODE), query.text("vendor", longest=_LONGEST_CODE)
        key = company.tolerance_key(scope, item, vendor)
        return {f"{name}__isnull" if value is None else name: value is None or value for name, value in key.items()}


class TotalsTolerances(KeptTable):
    """GET, PUT and DELETE /totals-tolerances."""

    rows = staticmethod(lambda scope: TotalsTolerance.objects.within(scope).select_related("vendor"))
    told = staticmethod(wire.totals_tolerance)

    def kept(self, request: ApiRequest) -> TotalsTolerance:
        """Save the tolerance of a vendor's invoice totals."""
        vendor, percent = base.identifier(request.fields, "vendor"), base.figure(request.fields, "percent")
        return done(request, company.save_totals_tolerance, vendor=vendor, percent=percent)

    def key(self, scope: Scope, query: Fields) -> Shape:
        """Name a tolerance by its vendor."""
        return {"vendor": queries.find_vendor(scope, base.identifier(query, "vendor"))}


class ChargesTolerances(KeptTable):
    """GET, PUT and DELETE /charges-tolerances."""

    rows = staticmethod(lambda scope: ChargesTolerance.objects.within(scope).select_related("charge_code"))
    told = staticmethod(wire.charges_tolerance)

    def kept(self, request: ApiRequest) -> ChargesTolerance:
        """Save the tolerance of a charge code."""
        code, percent = base.code(request.fields, "code"), base.figure(request.fields, "percent")
        return done(request, company.save_charges_tolerance, code=code, percent=percent)

    def key(self, scope: Scope, query: Fields) -> Shape:
        """Name a tolerance by its charge code."""
        return {"charge_code": queries.find_charge_code(scope, base.code(query, "code"))}


class ExchangeRates(KeptTable):
    """GET, PUT and DELETE /exchange-rates."""

    rows = staticmethod(ExchangeRate.objects.within)
    told = staticmethod(wire.exchange_rate)

    def asked(self, query: Fields) -> Q:
        """Filter by currencies and day."""
        return named(query, "from", "from_currency") & named(query, "to", "to_currency") & days(query, "date", "date")

    def kept(self, request: ApiRequest) -> ExchangeRate:
        """Save what one unit of a currency is worth from a day on."""
        fields = request.fields
        return done(
            request,
            company.save_exchange_rate,
            from_currency=base.currency(fields, "from"),
            to_currency=base.currency(fields, "to"),
            on=fields.date("date"),
            rate=base.rate(fields, "rate"),
        )

    def key(self, scope: Scope, query: Fields) -> Shape:
        """Name a rate by currencies and day."""
        del scope
        return {
            "from_currency": base.currency(query, "from"),
            "to_currency": base.currency(query, "to"),
            "date": query.date("date"),
        }


# ---- Leakage


class Leakage(MatchingView):
    """GET /matching/leakage."""

    def get(self, request: ApiRequest) -> Shape:
        """Return what posted lines cost more than agreed within their tolerances, newest first, and the sums."""
        query = request.query
        rows = api_reads.leaks(request.scope).filter(
            named(query, "vendor", "vendor__account")
            & named(query, "item", "item__number")
            & named(query, "currency", "currency")
            & days(query, "date", "on")
        )
        found, more = CursorPage.of(query).take(rows)
        return {"items": [wire.leak(row) for row in found], "sums": api_reads.leak_sums(rows), **more}

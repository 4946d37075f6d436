"""Setting up a company: parameters, vendors, items, units, charge codes, tolerances, policies, exchange rates."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any, TypeVar

from django.db import models, transaction
from django.db.models import ProtectedError
from django.utils.translation import gettext as _

from access import audit
from core.actor import Actor
from core.scope import Scope, ScopedModel
from matching import facts, queries, refusals
from matching.engine import terms
from matching.engine.policies import is_too_weak
from matching.models import (
    ChargeCode,
    ChargesTolerance,
    EntryPolicy,
    ExchangeRate,
    Item,
    Parameters,
    PolicyEntry,
    PriceTolerance,
    TotalsTolerance,
    UnitConversion,
    Vendor,
)
from matching.operations import recalculation
from settlement.models import Partner

Fields = Mapping[str, Any]
M = TypeVar("M", bound=ScopedModel)
_LARGEST_FACTOR = 10**15
_NOT_NEGATIVE = (
    "invoice_totals_tolerance_percent",
    "price_total_tolerance_percent",
    "price_total_tolerance_amount",
    "charges_tolerance_percent",
    "over_delivery_percent",
    "under_delivery_percent",
)
# What of a vendor, an item or a charge code decides how invoices are matched.
_MATTERS = frozenset(
    {"price_tolerance_group", "receiving_requirement", "compare_po_and_invoice", "debit_type", "credit_type"}
)

# Nothing that an invoice is matched with names a row of these that can be removed.
_MATTERS_TO_NONE = (ExchangeRate, Item, Vendor)


def open_company(scope: Scope) -> Parameters:
    """Return the company's parameters; makes them, with the tolerance for everything, the first time."""
    found, made = Parameters.objects.get_or_create(merchant_id=scope.merchant_id, is_test=scope.is_test)
    if made:
        PriceTolerance.objects.create(**scope.filters())
    return found


def save_parameters(*, scope: Scope, by: Actor, now: datetime, fields: Fields) -> Parameters:
    """
    Change how the company matches; only the fields given.

    Raises NEGATIVE_TOLERANCE, InvalidRequest.
    """
    with transaction.atomic():
        open_company(scope)
        row = Parameters.objects.within(scope).select_for_update().get()
        _check_not_negative(fields, _NOT_NEGATIVE)
        if "per_total_settings" in fields:
            fields = {**fields, "per_total_settings": _per_total(fields["per_total_settings"])}
        if int(fields.get("automation_attempts", 1)) < 1:
            raise refusals.invalid(_("1 이상이어야 해요."), "automation_attempts")
        changed = _changed(row, fields)
        if changed:
            _write(row, changed, now)
            _told(scope, by, "matching.parameters_changed", "", changed)
            recalculation.everything(scope=scope, cause="parameters")
    return row


def _per_total(settings: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the settings of single totals as they are kept: percentages as text."""
    kept: dict[str, dict[str, Any]] = {}
    for name, setting in settings.items():
        if name not in set(terms.Total):
            raise refusals.invalid(_("모르는 합계예요."), f"per_total_settings.{name}")
        percent = setting.get("percent")
        if percent is not None and Decimal(percent) < 0:
            raise refusals.negative_tolerance(f"per_total_settings.{name}.percent")
        kept[name] = {"enabled": bool(setting.get("enabled", True))} | (
            {} if percent is None else {"percent": str(percent)}
        )
    return kept


# ---- Tables by key


def save_vendor(*, scope: Scope, by: Actor, now: datetime, account: str, fields: Fields) -> Vendor:
    """Add a vendor, or change the fields given. Raises NotFound for a partner that is not there."""
    fields = dict(fields)
    if "partner" in fields:
        fields["partner_id"] = _partner(scope, fields.pop("partner"))
    return _save(Vendor, scope, by, now, {"account": account}, fields)


def _partner(scope: Scope, public_id: str | None) -> int | None:
    if not public_id:
        return None
    found = Partner.objects.within(scope).filter(public_id=public_id).values_list("pk", flat=True).first()
    if found is None:
        raise refusals.not_found("partner", public_id)
    return found


def save_item(*, scope: Scope, by: Actor, now: datetime, number: str, fields: Fields) -> Item:
    """Add an item, or change the fields given. Raises NEGATIVE_TOLERANCE."""
    _check_not_negative(fields, ("over_delivery_percent", "under_delivery_percent"))
    return _save(Item, scope, by, now, {"number": number}, fields)


def save_charge_code(*, scope: Scope, by: Actor, now: datetime, code: str, fields: Fields) -> ChargeCode:
    """Add a charge code, or change the fields given."""
    return _save(ChargeCode, scope, by, now, {"code": code}, fields)


def save_conversion(
    *, scope: Scope, by: Actor, now: datetime, item: str | None, from_unit: str, to_unit: str, factor: Fraction
) -> UnitConversion:
    """Say that one `from_unit` is `factor` of `to_unit`, of an item or of every item."""
    if factor <= 0 or max(factor.numerator, factor.denominator) > _LARGEST_FACTOR:
        raise refusals.invalid(_("환산 비율은 0보다 크고 너무 크지 않아야 해요."), "factor")
    key = {"item": queries.find_item(scope, item) if item else None, "from_unit": from_unit, "to_unit": to_unit}
    fields = {"numerator": factor.numerator, "denominator": factor.denominator}
    return _save(UnitConversion, scope, by, now, key, fields, matters=True)


def save_policy(
    *, scope: Scope, by: Actor, now: datetime, item: str | None, vendor: str | None, policy: str
) -> PolicyEntry:
    """Set the matching policy of an item, a vendor, or both. Raises POLICY_TOO_WEAK, NotFound, InvalidRequest."""
    if not item and not vendor:
        raise refusals.invalid(_("품목이나 공급사를 골라 주세요."), "item")
    company = facts.company(queries.parameters(scope))
    wanted = None if policy == EntryPolicy.COMPANY else terms.Policy(policy)
    key = {
        "item": queries.find_item(scope, item) if item else None,
        "vendor": queries.find_vendor(scope, vendor) if vendor else None,
    }
    stands = PolicyEntry.objects.within(scope).filter(**key, policy=policy).exists()
    if not stands and is_too_weak(wanted, company):
        raise refusals.policy_too_weak(policy, company.line_policy)
    return _save(PolicyEntry, scope, by, now, key, {"policy": policy}, matters=True)


def save_price_tolerance(
    *, scope: Scope, by: Actor, now: datetime, item: str, vendor: str, percent: Decimal
) -> PriceTolerance:
    """
    Set a price tolerance. `item` and `vendor` are `table:NAME`, `group:NAME` or `all`.

    Raises NEGATIVE_TOLERANCE, NotFound, InvalidRequest.
    """
    _check_not_negative({"percent": percent}, ("percent",))
    key = tolerance_key(scope, item, vendor)
    return _save(PriceTolerance, scope, by, now, key, {"percent": percent}, matters=True)


def tolerance_key(scope: Scope, item: str, vendor: str) -> dict[str, Any]:
    """Return the columns that name a price tolerance. Raises NotFound, InvalidRequest."""
    item_kind, item_name = _code(item, "item")
    vendor_kind, vendor_name = _code(vendor, "vendor")
    return {
        "item": queries.find_item(scope, item_name) if item_kind == "table" else None,
        "item_group": item_name if item_kind == "group" else "",
        "vendor": queries.find_vendor(scope, vendor_name) if vendor_kind == "table" else None,
        "vendor_group": vendor_name if vendor_kind == "group" else "",
    }


def _code(text: str, field: str) -> tuple[str, str]:
    kind, _colon, name = text.partition(":")
    if text == "all":
        return "all", ""
    if kind not in {"table", "group"} or not name:
        raise refusals.invalid(_("table:이름, group:이름, all 가운데 하나여야 해요."), field)
    return kind, name


def save_totals_tolerance(*, scope: Scope, by: Actor, now: datetime, vendor: str, percent: Decimal) -> TotalsTolerance:
    """Set the tolerance of invoice totals of a vendor. Raises NEGATIVE_TOLERANCE, NotFound."""
    _check_not_negative({"percent": percent}, ("percent",))
    key = {"vendor": queries.find_vendor(scope, vendor)}
    return _save(TotalsTolerance, scope, by, now, key, {"percent": percent}, matters=True)


def save_charges_tolerance(*, scope: Scope, by: Actor, now: datetime, code: str, percent: Decimal) -> ChargesTolerance:
    """Set the tolerance of a charge code. Raises NEGATIVE_TOLERANCE, NotFound."""
    _check_not_negative({"percent": percent}, ("percent",))
    key = {"charge_code": queries.find_charge_code(scope, code)}
    return _save(ChargesTolerance, scope, by, now, key, {"percent": percent}, matters=True)


def save_exchange_rate(
    *, scope: Scope, by: Actor, now: datetime, from_currency: str, to_currency: str, on: date, rate: Decimal
) -> ExchangeRate:
    """Set what one unit of a currency is worth from a day on. Documents that stand keep their rate."""
    if rate <= 0:
        raise refusals.invalid(_("0보다 커야 해요."), "rate")
    key = {"from_currency": from_currency, "to_currency": to_currency, "date": on}
    return _save(ExchangeRate, scope, by, now, key, {"rate": rate})


def _save(
    model: type[M], scope: Scope, by: Actor, now: datetime, key: Fields, fields: Fields, *, matters: bool = False
) -> M:
    """Add the row with this key, or change the fields given; invoices follow where it matters to them."""
    with transaction.atomic():
        open_company(scope)
        # Set-up is changed by one after the other, so that two who add the same row add one.
        Parameters.objects.within(scope).select_for_update().get()
        row = model.objects.within(scope).select_for_update().filter(**key).first()
        if row is None:
            row = model(**scope.filters(), **key, **fields)
            row.save(force_insert=True)
            changed: Fields = {"added": True, **fields}
            follows = matters
        else:
            changed = _changed(row, fields)
            _write(row, changed, now)
            follows = bool(changed) and (matters or not _MATTERS.isdisjoint(changed))
        if changed:
            _told(scope, by, f"matching.{model._meta.model_name}_saved", str(row), changed)  # noqa: SLF001 - public in all but name
        if follows:
            recalculation.everything(scope=scope, cause=str(model._meta.model_name))  # noqa: SLF001 - public in all but name
    return row


def remove(*, scope: Scope, by: Actor, row: ScopedModel) -> None:
    """
    Remove a row of the set-up; invoices that may have been matched by it follow.

    Raises DEFAULT_TOLERANCE_REQUIRED, CONFLICT when documents name it.
    """
    if isinstance(row, PriceTolerance) and row.is_default:
        raise refusals.default_tolerance_required()
    name = str(row)
    with transaction.atomic():
        try:
            row.delete()
        except ProtectedError as error:
            raise refusals.in_use(name) from error
        _told(scope, by, f"matching.{row._meta.model_name}_removed", name, {})  # noqa: SLF001 - public in all but name
        if not isinstance(row, _MATTERS_TO_NONE):
            recalculation.everything(scope=scope, cause=str(row._meta.model_name))  # noqa: SLF001 - public in all but name


# ---- Shared


def _check_not_negative(fields: Fields, names: tuple[str, ...]) -> None:
    for name in names:
        value = fields.get(name)
        if value is not None and Decimal(value) < 0:
            raise refusals.negative_tolerance(name)


def _changed(row: models.Model, fields: Fields) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if getattr(row, name) != value}


def _write(row: models.Model, changed: Fields, now: datetime) -> None:
    if not changed:
        return
    names = list(changed)
    for name, value in changed.items():
        setattr(row, name, value)
    if hasattr(row, "updated_at"):
        row.updated_at = now
        names.append("updated_at")
    row.save(update_fields=names)


def _told(scope: Scope, by: Actor, action: str, name: str, changed: Fields) -> None:
    after = {field: str(value) for field, value in changed.items()}
    audit.record(scope=scope, by=by, action=action, kind="matching", object_id=name, after=after)

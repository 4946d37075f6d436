"""What a step of a case does, told to the operations of the product."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from core.actor import Actor, ActorKind
from core.scope import Scope
from matching import models, queries
from matching.cases.reading import CannotRun, Part, line_name, pair
from matching.cases.reading import factor as read_factor
from matching.operations import automation, company, deciding, invoices, orders, posting, receipts, running
from matching.operations.documents import (
    AUTOMATIC,
    Automatic,
    InvoiceChargeDraft,
    InvoiceDraft,
    InvoiceFields,
    InvoiceLineDraft,
    InvoiceLineFields,
    OrderChargeDraft,
    OrderDraft,
    OrderFields,
    OrderLineDraft,
    OrderLineFields,
    ReceiptDraft,
    ReceiptLineDraft,
    ReceiptMatchDraft,
)

# Two people, because whoever entered an invoice may not be who approves it.
OPERATOR: Final = Actor(ActorKind.USER, "operator", user_id=1)
APPROVER: Final = Actor(ActorKind.USER, "approver", user_id=2)
_CURRENCY: Final = "USD"


@dataclass(frozen=True, slots=True)
class Stage:
    """Where a case is played."""

    scope: Scope
    now: datetime

    def entered(self) -> dict[str, Any]:
        """Return who does something, where and when, as every operation takes it."""
        return {"scope": self.scope, "by": OPERATOR, "now": self.now}


Verb = Callable[[Stage, Part], list[str]]

_PRICES: Final = (
    "quantity",
    "unit_price",
    "price_unit",
    "discount",
    "discount_percent",
    "multiline_discount",
    "multiline_discount_percent",
)


def _words(kind: Any) -> list[str]:
    return [str(value) for value in kind.values]


# ---- Set-up


def open_stage(stage: Stage) -> None:
    """Open the company of a case, which keeps its books in dollars unless it says otherwise."""
    company.open_company(stage.scope)
    company.save_parameters(**stage.entered(), fields={"accounting_currency": _CURRENCY})


_COMPANY_NUMBERS: Final = (
    "invoice_totals_tolerance_percent",
    "price_total_tolerance_percent",
    "price_total_tolerance_amount",
    "charges_tolerance_percent",
    "over_delivery_percent",
    "under_delivery_percent",
)
_COMPANY_FLAGS: Final = (
    "enable_invoice_matching_validation",
    "automatically_update_header_match_status",
    "match_invoice_totals",
    "match_charges",
    "block_when_invoice_quantity_below_matched_receipts",
    "automation_match_receipts",
)
_COMPANY_WORDS: Final[Mapping[str, Any]] = {
    "post_invoice_with_discrepancies": models.WithDiscrepancies,
    "invoice_totals_direction": models.Direction,
    "line_matching_policy": models.Policy,
    "allow_matching_policy_override": models.Override,
    "unit_price_direction": models.Direction,
    "match_price_totals": models.PriceTotals,
    "price_total_direction": models.Direction,
    "charges_direction": models.Direction,
    "duplicate_invoice_number": models.DuplicateNumber,
}


def _company_fields(part: Part) -> dict[str, Any]:
    fields: dict[str, Any] = {name: part.number(name) for name in _COMPANY_NUMBERS if part.has(name)}
    fields |= {name: part.flag(name) for name in _COMPANY_FLAGS if part.has(name)}
    fields |= {name: part.one_of(name, _words(kind)) for name, kind in _COMPANY_WORDS.items() if part.has(name)}
    if part.has("accounting_currency"):
        fields["accounting_currency"] = part.text("accounting_currency")
    if part.has("automation_attempts"):
        fields["automation_attempts"] = part.integer("automation_attempts")
    if part.has("per_total_settings"):
        settings = Part(part.raw("per_total_settings"), part.path("per_total_settings"))
        fields["per_total_settings"] = {
            name: _per_total(Part(settings.raw(name), settings.path(name))) for name in settings.data
        }
    part.done()
    return fields


def _per_total(part: Part) -> dict[str, Any]:
    setting: dict[str, Any] = {"percent": part.maybe_number("percent")}
    if part.has("enabled"):
        setting["enabled"] = part.flag("enabled")
    part.done()
    return setting


def _vendor(stage: Stage, part: Part) -> None:
    fields: dict[str, Any] = {}
    known = models.Vendor.objects.within(stage.scope).filter(account=part.text("account")).exists()
    if part.has("currency") or not known:
        fields["currency"] = part.text("currency", _CURRENCY)
    for name in ("price_tolerance_group", "invoice_account"):
        if part.has(name):
            fields[name] = part.maybe_text(name) or ""
    company.save_vendor(**stage.entered(), account=part.text("account"), fields=fields)


def _item(stage: Stage, part: Part) -> None:
    fields: dict[str, Any] = {}
    if part.has("unit"):
        fields["unit"] = part.text("unit")
    if part.has("price_tolerance_group"):
        fields["price_tolerance_group"] = part.maybe_text("price_tolerance_group") or ""
    if part.has("receiving_requirement"):
        fields["receiving_requirement"] = part.flag("receiving_requirement")
    for name in ("over_delivery_percent", "under_delivery_percent"):
        if part.has(name):
            fields[name] = part.maybe_number(name)
    company.save_item(**stage.entered(), number=part.text("number"), fields=fields)


def _conversion(stage: Stage, part: Part) -> None:
    company.save_conversion(
        **stage.entered(),
        item=part.maybe_text("item"),
        from_unit=part.text("from"),
        to_unit=part.text("to"),
        factor=read_factor(part.raw("factor"), part.path("factor")),
    )


def _charge_code(stage: Stage, part: Part) -> None:
    fields: dict[str, Any] = {
        name: part.one_of(name, _words(models.ChargeSide)) for name in ("debit_type", "credit_type") if part.has(name)
    }
    if part.has("compare_po_and_invoice"):
        fields["compare_po_and_invoice"] = part.flag("compare_po_and_invoice")
    company.save_charge_code(**stage.entered(), code=part.text("code"), fields=fields)


def _policy(stage: Stage, part: Part) -> None:
    policy = part.one_of("policy", _words(models.EntryPolicy))
    item, vendor = part.maybe_text("item"), part.maybe_text("vendor")
    company.save_policy(**stage.entered(), item=item, vendor=vendor, policy=policy)


def _price_tolerance(stage: Stage, part: Part) -> None:
    item, vendor, percent = part.text("item"), part.text("vendor"), part.number("percent")
    company.save_price_tolerance(**stage.entered(), item=item, vendor=vendor, percent=percent)


def _totals_tolerance(stage: Stage, part: Part) -> None:
    company.save_totals_tolerance(**stage.entered(), vendor=part.text("vendor"), percent=part.number("percent"))


def _charges_tolerance(stage: Stage, part: Part) -> None:
    company.save_charges_tolerance(**stage.entered(), code=part.text("code"), percent=part.number("percent"))


def _exchange_rate(stage: Stage, part: Part) -> None:
    company.save_exchange_rate(
        **stage.entered(),
        from_currency=part.text("from"),
        to_currency=part.text("to"),
        on=part.day("date"),
        rate=part.number("rate", 16),
    )


_TABLES: Final[Mapping[str, Callable[[Stage, Part], None]]] = {
    "vendors": _vendor,
    "items": _item,
    "unit_conversions": _conversion,
    "charge_codes": _charge_code,
    "matching_policies": _policy,
    "price_tolerances": _price_tolerance,
    "totals_tolerances": _totals_tolerance,
    "charges_tolerances": _charges_tolerance,
    "exchange_rates": _exchange_rate,
}


def set_up(stage: Stage, step: Part) -> list[str]:
    """Set the company and its tables up: adds rows, or changes those with the same key."""
    if step.has("company"):
        fields = _company_fields(Part(step.raw("company"), step.path("company")))
        company.save_parameters(**stage.entered(), fields=fields)
    for name, save in _TABLES.items():
        for part in step.parts(name):
            save(stage, part)
            part.done()
    return []


def _item_of(stage: Stage, part: Part) -> models.Item | None:
    number = part.maybe_text("item")
    return queries.find_item(stage.scope, number) if number else None


def _policy_rows(stage: Stage, part: Part) -> Any:
    account = part.maybe_text("vendor")
    vendor = queries.find_vendor(stage.scope, account) if account else None
    return models.PolicyEntry.objects.within(stage.scope).filter(item=_item_of(stage, part), vendor=vendor)


def _conversion_rows(stage: Stage, part: Part) -> Any:
    rows = models.UnitConversion.objects.within(stage.scope).filter(item=_item_of(stage, part))
    return rows.filter(from_unit=part.text("from"), to_unit=part.text("to"))


def _tolerance_rows(stage: Stage, part: Part) -> Any:
    key = company.tolerance_key(stage.scope, part.text("item"), part.text("vendor"))
    return models.PriceTolerance.objects.within(stage.scope).filter(**key)


def _rate_rows(stage: Stage, part: Part) -> Any:
    rows = models.ExchangeRate.objects.within(stage.scope).filter(date=part.day("date"))
    return rows.filter(from_currency=part.text("from"), to_currency=part.text("to"))


_ROWS: Final[Mapping[str, Callable[[Stage, Part], Any]]] = {
    "vendors": lambda stage, part: models.Vendor.objects.within(stage.scope).filter(account=part.text("account")),
    "items": lambda stage, part: models.Item.objects.within(stage.scope).filter(number=part.text("number")),
    "unit_conversions": _conversion_rows,
    "charge_codes": lambda stage, part: models.ChargeCode.objects.within(stage.scope).filter(code=part.text("code")),
    "matching_policies": _policy_rows,
    "price_tolerances": _tolerance_rows,
    "totals_tolerances": lambda stage, part: models.TotalsTolerance.objects.within(stage.scope).filter(
        vendor__account=part.text("vendor")
    ),
    "charges_tolerances": lambda stage, part: models.ChargesTolerance.objects.within(stage.scope).filter(
        charge_code__code=part.text("code")
    ),
    "exchange_rates": _rate_rows,
}


def remove(stage: Stage, step: Part) -> list[str]:
    """Remove rows of tables by their keys."""
    for table, rows in _ROWS.items():
        for part in step.parts(table):
            row = rows(stage, part).first()
            if row is None:
                raise CannotRun(f"{part.at}: there is no such row")
            company.remove(scope=stage.scope, by=OPERATOR, row=row)
    return []


# ---- Orders and receipts


def _price_fields(part: Part) -> dict[str, Any]:
    fields: dict[str, Any] = {name: part.number(name) for name in _PRICES if part.has(name)}
    if part.has("item"):
        fields["item"] = part.maybe_text("item")
    if part.has("unit"):
        fields["unit"] = part.text("unit")
    return fields


def _order_charges(part: Part) -> list[OrderChargeDraft] | None:
    if not part.has("charges"):
        return None
    return [
        OrderChargeDraft(one.text("id"), one.text("code"), one.number("value"), _category(one))
        for one in part.parts("charges")
    ]


def _category(part: Part) -> str:
    return part.one_of("category", _words(models.Category)) if part.has("category") else "fixed"


def _order_line(part: Part) -> OrderLineDraft:
    fields = OrderLineFields(**_price_fields(part))  # type: ignore[typeddict-item] # names and kinds are those of the reader
    if part.has("policy"):
        fields["policy"] = part.one_of("policy", _words(models.Policy))
    if part.has("over_delivery_percent"):
        fields["over_delivery_percent"] = part.maybe_number("over_delivery_percent")
    if part.has("under_delivery_percent"):
        fields["under_delivery_percent"] = part.maybe_number("under_delivery_percent")
    if part.has("closed_for_invoicing"):
        fields["is_closed"] = part.flag("closed_for_invoicing")
    if part.has("cancelled"):
        fields["is_cancelled"] = part.flag("cancelled")
    draft = OrderLineDraft(part.integer("line"), fields, _order_charges(part))
    part.done()
    return draft


def _order(step: Part, name: str) -> OrderDraft:
    fields = OrderFields()
    if step.has("vendor") or name == "id":
        fields["vendor"] = step.text("vendor")
    if step.has("currency"):
        fields["currency"] = step.text("currency")
    if step.has("exchange_rate"):
        fields["exchange_rate"] = step.rate("exchange_rate")
    if step.has("date") or name == "id":
        fields["date"] = step.day("date")
    if step.has("total_discount_percent"):
        fields["total_discount_percent"] = step.number("total_discount_percent")
    if step.has("sales_tax_percent"):
        fields["sales_tax_percent"] = step.number("sales_tax_percent")
    if step.has("status"):
        fields["status"] = step.one_of("status", ["confirmed", "draft"])
    lines = [_order_line(part) for part in step.parts("lines")]
    return OrderDraft(step.text(name), fields, lines, _order_charges(step))


def create_order(stage: Stage, step: Part) -> list[str]:
    """Create an order, confirmed at once unless it is a draft."""
    orders.create_order(**stage.entered(), draft=_order(step, "id"))
    return []


def change_order(stage: Stage, step: Part) -> list[str]:
    """Change an order and confirm it again."""
    orders.change_order(**stage.entered(), draft=_order(step, "order"))
    return []


def receive(stage: Stage, step: Part) -> list[str]:
    """Record a product receipt."""
    lines = []
    for part in step.parts("lines"):
        name = line_name(part.raw("order_line"), part.path("order_line"))
        unit = part.maybe_text("unit")
        number, quantity = part.integer("line"), part.number("quantity")
        lines.append(ReceiptLineDraft(number, name, quantity, unit, part.flag("close_line")))
        part.done()
    receipts.receive(**stage.entered(), draft=ReceiptDraft(step.text("id"), step.day("date"), lines))
    return []


def cancel_receipt(stage: Stage, step: Part) -> list[str]:
    """Cancel a product receipt."""
    receipts.cancel_receipt(**stage.entered(), receipt_id=step.text("receipt"))
    return []


# ---- Invoices


def _invoice_charges(part: Part) -> list[InvoiceChargeDraft] | None:
    if not part.has("charges"):
        return None
    found = []
    for one in part.parts("charges"):
        name = one.raw("connected_to")
        connected = None if name is None else pair(name, one.path("connected_to"))
        found.append(InvoiceChargeDraft(one.text("code"), one.number("value"), _category(one), connected))
        one.done()
    return found


def _receipt_matches(part: Part) -> list[ReceiptMatchDraft] | Automatic | None:
    if not part.has("receipt_matches"):
        return None
    if part.raw("receipt_matches") == "automatic":
        return AUTOMATIC
    found = []
    for one in part.parts("receipt_matches"):
        name = line_name(one.raw("receipt_line"), one.path("receipt_line"))
        found.append(ReceiptMatchDraft(name, one.number("quantity")))
        one.done()
    return found


def _invoice_line(part: Part) -> InvoiceLineDraft:
    fields = InvoiceLineFields(**_price_fields(part))  # type: ignore[typeddict-item] # names and kinds are those of the reader
    if part.has("order_line"):
        name = part.raw("order_line")
        fields["order_line"] = None if name is None else line_name(name, part.path("order_line"))
    if part.has("is_final"):
        fields["is_final"] = part.flag("is_final")
    draft = InvoiceLineDraft(
        part.integer("line"), fields, _invoice_charges(part), _receipt_matches(part), part.flag("remove")
    )
    part.done()
    return draft


_INVOICE_NUMBERS: Final = ("total_discount", "sales_tax", "round_off")


def _invoice(step: Part, name: str) -> InvoiceDraft:
    given: dict[str, Any] = {key: step.number(key) for key in _INVOICE_NUMBERS if step.has(key)}
    given |= {key: step.maybe_number(key) for key in ("imported_amount", "imported_tax") if step.has(key)}
    given |= {key: step.text(key) for key in ("number", "vendor", "invoice_account", "currency") if step.has(key)}
    if name == "id":
        given["vendor"] = step.text("vendor")
    if step.has("exchange_rate"):
        given["exchange_rate"] = step.rate("exchange_rate")
    if step.has("date") or name == "id":
        given["date"] = step.day("date")
    if step.has("on_hold"):
        given["is_on_hold"] = step.flag("on_hold")
    if step.has("automation_included"):
        given["is_automated"] = step.flag("automation_included")
    fields = InvoiceFields(**given)  # type: ignore[typeddict-item] # names and kinds are those read above
    lines = [_invoice_line(part) for part in step.parts("lines")]
    copies = step.flag("copy_order_charges")
    return InvoiceDraft(step.text(name), fields, lines, _invoice_charges(step), copies)


def enter_invoice(stage: Stage, step: Part) -> list[str]:
    """Save a new invoice."""
    invoices.enter_invoice(**stage.entered(), draft=_invoice(step, "id"))
    return []


def change_invoice(stage: Stage, step: Part) -> list[str]:
    """Change a pending invoice."""
    invoices.change_invoice(**stage.entered(), draft=_invoice(step, "invoice"))
    return []


def delete_invoice(stage: Stage, step: Part) -> list[str]:
    """Delete a pending invoice."""
    invoices.delete_invoice(**stage.entered(), invoice_id=step.text("invoice"))
    return []


def match(stage: Stage, step: Part) -> list[str]:
    """Update the match status of an invoice."""
    running.match_invoice(**stage.entered(), invoice_id=step.text("invoice"))
    return []


def approve(stage: Stage, step: Part) -> list[str]:
    """Approve that an invoice is posted with its discrepancies."""
    deciding.approve(scope=stage.scope, by=APPROVER, now=stage.now, invoice_id=step.text("invoice"))
    return []


def post(stage: Stage, step: Part) -> list[str]:
    """Post an invoice."""
    return list(posting.post_invoice(**stage.entered(), invoice_id=step.text("invoice")).warnings)


def run_automation(stage: Stage, step: Part) -> list[str]:
    """Match receipts in the background once, over all pending invoices."""
    del step
    automation.run_company(scope=stage.scope, now=stage.now, everything=True)
    return []


def check(stage: Stage, step: Part) -> list[str]:
    """Only look."""
    del stage, step
    return []


VERBS: Final[Mapping[str, Verb]] = {
    "set_up": set_up,
    "remove": remove,
    "create_order": create_order,
    "change_order": change_order,
    "receive": receive,
    "cancel_receipt": cancel_receipt,
    "enter_invoice": enter_invoice,
    "change_invoice": change_invoice,
    "delete_invoice": delete_invoice,
    "match": match,
    "approve": approve,
    "post": post,
    "run_automation": run_automation,
    "check": check,
}

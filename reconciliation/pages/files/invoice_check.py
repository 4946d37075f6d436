"""송장과 대조: the figures printed on the vendor's invoice, typed in, against the file that itemises it."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from django import forms
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from access.requests import PageRequest
from access.roles import Permission
from console.columns import Label
from console.files.errors import ValueRefused
from console.files.values import parse_decimal
from console.pages import PageView
from reconciliation.invoice_figures import ITEMISED, Agreement, Figure, InvoiceFigures
from reconciliation.lines import Kind
from reconciliation.pages.files import links, reads, shown

_FIGURES: Mapping[Figure, Label] = {
    Figure.RECURRING: gettext_lazy("반복 청구액"),
    Figure.DISCOUNTS: gettext_lazy("할인"),
    Figure.CREDITS: gettext_lazy("크레딧"),
    Figure.TAX: pgettext_lazy("vendor file", "세금"),
}
# What is added up for a reading of a figure, beside the columns that name it.
_READINGS: Mapping[str, Label] = {
    "Amount": gettext_lazy("할인 전 금액(Amount)의 합"),
    "Subtotal": gettext_lazy("할인 후 금액(Subtotal)의 합"),
    "Total": gettext_lazy("합계(Total)의 합"),
    "Total without credits": gettext_lazy("크레딧을 뺀 합계(Total)의 합"),
}


class FigureField(forms.CharField):
    """A figure of an invoice as people write it: `1,234.50`, `-5`."""

    def clean(self, value: object) -> Decimal | None:
        """Return the figure, None when it is empty."""
        text = super().clean(value)
        if not text:
            return None
        try:
            return parse_decimal(text)
        except ValueRefused as refusal:
            raise forms.ValidationError(_("1,234.5처럼 숫자로 적어 주세요.")) from refusal


class InvoiceForm(forms.Form):
    """The figures of one currency."""

    def __init__(self, *args: object, figures: InvoiceFigures, currency: str, **options: object) -> None:
        super().__init__(*args, **options)  # type: ignore[arg-type] # handed through
        for figure, label in _FIGURES.items():
            if figures.readings(currency, figure):
                box = forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"})
                self.fields[figure.value] = FigureField(label=str(label), required=False, max_length=40, widget=box)

    def given(self) -> dict[Figure, Decimal]:
        """Return what was typed."""
        return {Figure(name): value for name, value in self.cleaned_data.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Reading:
    """One sum of the file that a figure may be; `difference` is file − invoice, empty where nothing was typed."""

    label: str
    amount: str
    difference: str = ""
    agrees: bool = False


@dataclass(frozen=True, slots=True)
class Held:
    """One figure of the invoice with every sum of the file that it may be."""

    label: Label
    invoice: str
    readings: list[Reading]
    agrees: bool
    given: bool


class InvoicePage(PageView):
    """The figures of an invoice against its file."""

    permission = Permission.VIEW
    title = gettext_lazy("송장과 대조")

    def get(self, request: PageRequest, batch_id: str) -> HttpResponse:
        """Show the sums of the file, held against what was typed; nothing is stored."""
        batch = reads.find_kept(request.scope, batch_id)
        if Kind(batch.kind) not in ITEMISED:
            return redirect(links.file_url(batch_id))
        figures = reads.invoice_figures(batch)
        wanted = request.GET.get("currency", "")
        currency = wanted if wanted in figures.currencies else next(iter(figures.currencies), "")
        form = InvoiceForm(request.GET or None, figures=figures, currency=currency)
        given = form.given() if form.is_valid() else {}
        slack = figures.tax_slack(currency) if currency else Decimal(0)
        context = {
            "title": self.title,
            "batch": batch,
            "form": form,
            "currency": currency,
            "currencies": figures.currencies,
            "held": _held(figures, currency, given),
            "slack": shown.amount(slack, currency),
            "is_licence": batch.kind == Kind.LICENSE,
            "asked": bool(given),
        }
        return render(request, "reconciliation/file_invoice.html", context)


def _held(figures: InvoiceFigures, currency: str, given: Mapping[Figure, Decimal]) -> list[Held]:
    agreements = {found.figure: found for found in figures.against(currency, given)}
    return [
        _figure(figure, label, figures.readings(currency, figure), agreements.get(figure), currency)
        for figure, label in _FIGURES.items()
        if figures.readings(currency, figure)
    ]


def _figure(figure: Figure, label: Label, sums: Mapping[str, Decimal], found: Agreement | None, currency: str) -> Held:
    readings = [
        Reading(
            label=_reading(figure, name),
            amount=shown.amount(value, currency),
            difference=shown.amount(found.differences[name], currency) if found else "",
            agrees=found is not None and (name == found.agrees or not found.differences[name]),
        )
        for name, value in sums.items()
    ]
    printed = shown.amount(found.invoice, currency) if found else ""
    return Held(label, printed, readings, agrees=bool(found and found.agrees), given=found is not None)


def _reading(figure: Figure, name: str) -> str:
    if figure is Figure.RECURRING and name in _READINGS:
        return str(_READINGS[name])
    return _("%(column)s의 합") % {"column": name}

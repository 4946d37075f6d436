"""Form fields of matching: exact figures, days, and names that a list suggests while somebody types."""

from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar, Final

from django import forms
from django.db.models import Q, QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse_lazy
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from access.requests import PageRequest
from access.roles import Permission
from console.files.errors import ValueRefused
from console.files.values import parse_decimal
from console.pages import PageView
from core.money import MAX_AMOUNT, MINOR_DIGITS
from core.scope import Scope
from matching.engine.words import plain
from matching.models import ChargeCode, Item, Vendor
from settlement.forms import partner_named
from settlement.models import PUBLIC_ID_LENGTH

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

    Words = str | _StrPromise

CURRENCIES: Final = tuple((code, code) for code in MINOR_DIGITS)
OWN_ID: Final = _("그대로 두거나 쓰시는 번호로 바꿔 주세요. 나중에는 바꿀 수 없어요.")
NOTHING: Final = Decimal(0)
PARTNER_OPTIONS: Final = reverse_lazy("settlement:partner-options")
_PLACES: Final = 6
_OPTIONS: Final = 20
_LONGEST_WORD: Final = 100


class FigureField(forms.CharField):
    """An exact figure as people write it: `1,234.5`. At least `least` and at most `most`, where they are given."""

    def __init__(
        self, *, least: int | None = None, most: int = MAX_AMOUNT, places: int = _PLACES, **options: Any
    ) -> None:
        super().__init__(max_length=60, **options)
        self.least, self.most, self.places = least, most, places
        self.widget.attrs |= {"inputmode": "decimal", "autocomplete": "off"}

    def clean(self, value: Any) -> Decimal | None:
        """Return the figure, None when it may be and is empty."""
        text = super().clean(value).removesuffix("%").strip()
        if not text:
            return None
        try:
            figure = parse_decimal(text)
        except ValueRefused as refusal:
            raise forms.ValidationError(_now("1,234.5처럼 숫자로 적어 주세요.")) from refusal
        exponent = figure.as_tuple().exponent
        if isinstance(exponent, int) and -exponent > self.places:
            raise forms.ValidationError(_now("소수점 아래 %(places)d자리까지 쓸 수 있어요.") % {"places": self.places})
        if self.least is not None and figure < self.least:
            raise forms.ValidationError(_now("%(least)d 이상이어야 해요.") % {"least": self.least})
        if abs(figure) > self.most:
            raise forms.ValidationError(_now("너무 큰 값이에요."))
        return figure

    def prepare_value(self, value: Any) -> Any:
        """Write a stored figure without needless zeros."""
        return plain(value) if isinstance(value, Decimal) else value


def percent(label: "Words", *, required: bool = True, most: int = MAX_AMOUNT, **options: Any) -> FigureField:
    """Return a field for a percentage that is not negative: 5 means 5 %."""
    return FigureField(label=label, required=required, least=0, most=most, **options)


def day(label: "Words", **options: Any) -> forms.DateField:
    """Return a field for a day."""
    attrs = {"type": "date", "min": "2000-01-01", "max": "2099-12-31"}
    return forms.DateField(label=label, widget=forms.DateInput(format="%Y-%m-%d", attrs=attrs), **options)


def suggested(kind: str, address: object) -> dict[str, object]:
    """Return what makes a box suggest from the list `<kind>-options`, which is asked for at an address."""
    return {
        "autocomplete": "off",
        "spellcheck": "false",
        "list": f"{kind}-options",
        "hx-get": address,
        "hx-trigger": "input changed delay:200ms",
        "hx-target": f"#{kind}-options",
    }


def named(kind: str, label: "Words", *, required: bool = True, **options: Any) -> forms.CharField:
    """Return a field for the name of a vendor, an item or a charge code, which are suggested."""
    attrs = suggested(kind, reverse_lazy("matching:options", args=[kind]))
    return forms.CharField(
        label=label, required=required, max_length=PUBLIC_ID_LENGTH, widget=forms.TextInput(attrs=attrs), **options
    )


def text(label: "Words", longest: int, *, required: bool = False, **options: Any) -> forms.CharField:
    """Return a field for a line of text."""
    return forms.CharField(label=label, max_length=longest, required=required, empty_value="", **options)


def partner_of(scope: Scope, word: str) -> str:
    """Return the id of the partner that is named, if any is. Raises ValidationError."""
    return partner_named(scope, word) if word else word


class OptionsView(PageView):
    """What a box suggests while somebody types: up to twenty vendors, items or charge codes."""

    permission = Permission.VIEW
    title = _("고르기")
    _NAMES: ClassVar[dict[str, tuple[str, str]]] = {
        "vendor": ("account", "name"),
        "item": ("number", "name"),
        "charge-code": ("code", "description"),
    }

    def get(self, request: PageRequest, kind: str) -> HttpResponse:
        """Show what begins with the word, or is called so."""
        if kind not in self._NAMES:
            raise Http404
        word = str(next(iter(request.GET.values()), "")).strip()[:_LONGEST_WORD].replace("\x00", "")
        key, name = self._NAMES[kind]
        found = _known(kind, request.scope)
        found = found.filter(Q(**{f"{key}__istartswith": word}) | Q(**{f"{name}__icontains": word}))
        rows = found.order_by(key).values_list(key, name)[:_OPTIONS] if word else ()
        return render(request, "matching/setup_options.html", {"rows": rows})


def _known(kind: str, scope: Scope) -> QuerySet[Any]:
    if kind == "vendor":
        return Vendor.objects.within(scope)
    return Item.objects.within(scope) if kind == "item" else ChargeCode.objects.within(scope)

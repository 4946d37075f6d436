"""Tags that write figures, days, states and the frame of a page."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import cache
from typing import Any

from django import forms, template
from django.conf import settings
from django.template import Context
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from heroicons.templatetags.heroicons import heroicon_outline

from console import columns, registry, render, shell
from console.columns import Badge, Column, Shape, Tone

register = template.Library()


@register.simple_tag
def won(amount: int | None) -> SafeString:
    """Write an amount of won with its sign; a negative one is marked."""
    negative = isinstance(amount, int) and amount < 0
    return format_html('<span class="won{}">{}</span>', " minus" if negative else "", columns.won(amount))


@register.simple_tag
def money(amount: int | None, currency: str = "KRW") -> SafeString:
    """Write minor units of any currency."""
    if amount is None or currency == "KRW":
        return won(amount)
    return format_html('<span class="won{}">{}</span>', " minus" if amount < 0 else "", columns.money(amount, currency))


@register.simple_tag
def count(number: int | None) -> str:
    """Write a whole number with commas; unknown as a dash."""
    return columns.UNKNOWN if number is None else columns.grouped(number)


@register.simple_tag
def rate(units: int | None) -> str:
    """Write hundred-thousandths as a percentage."""
    return columns.UNKNOWN if units is None else columns.rate(units)


@register.simple_tag
def day(value: date | None) -> str:
    """Write a day as `2026-11-21 (토)`."""
    return columns.day(value)


@register.simple_tag
def moment(value: datetime | None) -> SafeString:
    """Write a moment in Seoul's time; the exact one is in the markup."""
    if value is None:
        return SafeString(columns.UNKNOWN)
    return format_html('<time datetime="{}">{}</time>', value.isoformat(), columns.moment(value))


@register.simple_tag
def badge(found: Badge | None = None, label: str = "", tone: str = "neutral", shape: str = "dot") -> SafeString:
    """Draw a status from a Badge, or from label, tone and shape."""
    return render.badge(found or Badge(label, Tone(tone), Shape(shape)))


@cache
def _icon(name: str, size: int) -> str:
    # The icons are decoration: the words beside them say the same.
    return heroicon_outline(name, size=size, aria_hidden="true", stroke_width="1.6", **{"class": "i"})


@register.simple_tag
def icon(name: str, size: int = 16) -> SafeString:
    """Draw one of the heroicons by name."""
    return mark_safe(_icon(str(name), size))  # noqa: S308 - comes from the heroicons package


@register.simple_tag
def copyable(text: str) -> SafeString:
    """Draw an id with a button that copies it."""
    return render.copyable(text) if text else SafeString(columns.UNKNOWN)


@register.simple_tag
def table(spec: Sequence[Column], rows: Sequence[Mapping[str, Any]]) -> SafeString:
    """Draw a small table inside a detail page from a column spec."""
    return render.plain_table(spec, rows)


@register.simple_tag(takes_context=True)
def shell_of(context: Context) -> shell.Shell:
    """Return what the frame of a page shows: navigation, merchant, environment, theme."""
    return shell.of(context["request"])


@register.simple_tag(takes_context=True)
def related(context: Context, kind: str, public_id: str) -> list[tuple[registry.Related, dict[str, object]]]:
    """Return the panels other applications add to the page of one object."""
    return registry.related_panels(kind, context["request"], public_id)


@register.simple_tag(takes_context=True)
def bars(context: Context) -> list[tuple[str, dict[str, object]]]:
    """Return what other applications say above the content of this page."""
    return registry.bars(context["request"])


@register.simple_tag
def origin_link(kind: str, public_id: str) -> SafeString:
    """Draw a link to where a row came from; its plain id while nobody shows that kind."""
    link = registry.origin_link(kind, public_id)
    if link is None:
        return format_html("{}", public_id or columns.UNKNOWN)
    return format_html('<a href="{}">{}</a>', link.url, link.label)


@register.inclusion_tag("console/_field.html")
def field(bound: forms.BoundField, wide: bool = False) -> dict[str, object]:  # noqa: FBT001, FBT002 - a template calls it
    """Draw a form field: label, control, help, and what is wrong beside it."""
    widget = bound.field.widget
    described = [
        f"{bound.id_for_label}_{part}" for part, there in (("error", bound.errors), ("help", bound.help_text)) if there
    ]
    if described:
        widget.attrs["aria-describedby"] = " ".join(described)
    return {
        "field": bound,
        "wide": wide,
        "box": isinstance(widget, forms.CheckboxInput),
        "required": bound.field.required,
    }


@register.inclusion_tag("console/_form_errors.html")
def form_errors(form: forms.BaseForm) -> dict[str, object]:
    """Draw the summary on top of a form: every field that is wrong, as a link to it."""
    wrong = [(bound, bound.errors) for bound in form if bound.errors]
    return {"form": form, "wrong": wrong, "general": form.non_field_errors()}


@register.simple_tag
def is_demo() -> bool:
    """Say whether this is a demonstration with made-up money."""
    return bool(settings.JEONGSAN["DEMO"])


@register.filter
def grouped(number: int) -> str:
    """Write a whole number with commas, inside translated sentences."""
    return columns.grouped(number)


@register.filter
def get(mapping: Mapping[str, Any], key: str) -> Any:
    """Look a key up in a mapping."""
    return mapping.get(key)

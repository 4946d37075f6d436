"""`{% load access %}`: what the signed-in person may do, and where the person may go."""

from django import template
from django.http import HttpRequest
from django.template import Context

from access import queries
from access.models import Membership
from access.roles import allowed

register = template.Library()


@register.filter
def may(request: HttpRequest, permission: str) -> bool:
    """Say whether the person's role holds a permission: `{% if request|may:"payouts.approve" %}`."""
    return allowed(getattr(request, "role", None), permission)


@register.simple_tag(takes_context=True)
def my_memberships(context: Context) -> list[Membership]:
    """Return the merchants the person may enter: `{% my_memberships as memberships %}`."""
    request: HttpRequest = context["request"]
    return list(queries.memberships_of(request.user)) if request.user.is_authenticated else []

"""What a page's view gets: Django's request with the person, the merchant and the environment on it."""

from django.http import HttpRequest

from access.models import Merchant, User
from access.roles import Role
from core.actor import Actor
from core.scope import Scope


class PageRequest(HttpRequest):
    """
    The request of a page behind the sign-in; the middleware puts everything there.

    On pages that work without a merchant (`access.middleware.without_merchant`) the last four may be None.
    """

    user: User
    request_id: str
    address: str
    actor: Actor
    scope: Scope
    merchant: Merchant
    role: Role | None

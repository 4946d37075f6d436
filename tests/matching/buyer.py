"""A merchant that buys: its people in their browsers, and a set-up with one row of everything."""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.test import Client
from django.urls import reverse

from access.roles import Role
from core import clock
from core.actor import system
from core.scope import Scope
from matching.operations import company, orders
from matching.operations.documents import OrderDraft, OrderLineDraft
from tests.access.build import Firm, signed_in
from tests.query_counts import recorded

BY = system("tests")


@dataclass
class Buyer:
    """A merchant that buys: an admin sets up, an operator enters documents."""

    firm: Firm
    browsers: dict[Role, Client] = field(default_factory=dict)

    @property
    def scope(self) -> Scope:
        return self.firm.scope

    def browser(self, role: Role = Role.ADMIN) -> Client:
        if role not in self.browsers:
            name = f"{role.value}-{self.scope.merchant_id}"
            self.browsers[role] = signed_in(self.firm.person(name, role, code=role == Role.ADMIN))
        return self.browsers[role]

    def see(self, page: str, *args: object, role: Role = Role.ADMIN, **query: str) -> str:
        """Return a page of matching as text."""
        answer = self.browser(role).get(reverse(f"matching:{page}", args=args), query)
        assert answer.status_code == 200, answer.status_code
        return answer.content.decode()

    def counted(self, page: str, *args: object, role: Role = Role.VIEWER, **query: str) -> str:
        """Return a page, which has to make as many queries as are on record."""
        self.browser(role)
        with recorded(f"matching:{page}"):
            return self.see(page, *args, role=role, **query)

    def send(self, page: str, *args: object, role: Role = Role.ADMIN, **values: Any) -> Any:
        """Send a form."""
        return self.browser(role).post(reverse(f"matching:{page}", args=args), values)

    def set_up(self) -> None:
        """Add one row of everything."""
        told: dict[str, Any] = {"scope": self.scope, "by": BY, "now": clock.now()}
        company.save_vendor(**told, account="V-1", fields={"name": "대한상사", "price_tolerance_group": "major"})
        company.save_item(**told, number="I-1", fields={"name": "건전지", "price_tolerance_group": "cells"})
        company.save_conversion(**told, item="I-1", from_unit="box", to_unit="ea", factor=Fraction(12))
        company.save_charge_code(**told, code="FREIGHT", fields={"description": "운임"})
        company.save_price_tolerance(**told, item="group:cells", vendor="all", percent=Decimal(3))
        company.save_policy(**told, item="I-1", vendor=None, policy="three_way")
        company.save_totals_tolerance(**told, vendor="V-1", percent=Decimal(2))
        company.save_charges_tolerance(**told, code="FREIGHT", percent=Decimal(25))
        company.save_exchange_rate(
            **told, from_currency="USD", to_currency="KRW", on=date(2026, 1, 2), rate=Decimal("1350.5")
        )

    def order(self, public_id: str) -> None:
        """Order ten of the item from the vendor."""
        line = OrderLineDraft(1, {"item": "I-1", "quantity": Decimal(10), "unit_price": Decimal(100)})
        draft = OrderDraft(public_id, {"vendor": "V-1"}, [line])
        orders.create_order(scope=self.scope, by=BY, now=clock.now(), draft=draft)

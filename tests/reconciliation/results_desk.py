"""A merchant with one compared vendor file, and its people in their browsers."""

from dataclasses import dataclass, field
from typing import Any

from django.test import Client
from django.urls import reverse

from access.roles import Role
from core.scope import Scope
from reconciliation import queries
from reconciliation.models import Batch, Outcome
from reconciliation.operations import comparing
from tests.access.build import Firm, signed_in
from tests.build import BY, noon
from tests.reconciliation.stored import accepted, own, save, sheet
from tests.reconciliation.writing import Table


@dataclass
class Desk:
    """People who look at results."""

    firm: Firm
    browsers: dict[Role, Client] = field(default_factory=dict)

    @property
    def scope(self) -> Scope:
        return self.firm.scope

    def browser(self, role: Role = Role.OPERATOR) -> Client:
        if role not in self.browsers:
            name = f"{role.value}-{self.scope.merchant_id}"
            self.browsers[role] = signed_in(self.firm.person(name, role, code=role == Role.ADMIN))
        return self.browsers[role]

    def see(self, page: str, *args: object, role: Role = Role.OPERATOR, **query: Any) -> str:
        """Return a page as text."""
        answer = self.browser(role).get(reverse(f"reconciliation:{page}", args=args), query)
        assert answer.status_code == 200, (answer.status_code, getattr(answer, "url", ""))
        return answer.content.decode()

    def send(self, page: str, *args: object, role: Role = Role.OPERATOR, **values: Any) -> Any:
        """Send a form."""
        return self.browser(role).post(reverse(f"reconciliation:{page}", args=args), values)

    def total(self, batch: Batch, **query: Any) -> str:
        """Return the result line of the list of a batch."""
        address = reverse("console:list-total", args=["reconciliation-outcomes"])
        return str(self.browser().get(address, {"batch": batch.public_id, **query}).content.decode())


def compare(batch: Batch) -> None:
    """Compare a batch here and now."""
    comparing.compare(scope=batch.scope, batch_id=batch.public_id, by=BY, now=noon())


def compared(scope: Scope, made: Table | None = None) -> Batch:
    """Return a batch of four groups: equal, off by one, and two that we do not have; we have one that it lacks."""
    save(scope, own("A"), own("B", 1, subtotal="59.30"), own("C", 0, customer_id="else", customer_name="별빛 상사"))
    batch = accepted(scope, made or sheet())
    compare(batch)
    return batch


def outcome(batch: Batch, place: int) -> Outcome:
    """Return the outcome at a place of a batch's newest comparison."""
    return Outcome.objects.get(comparison=queries.comparison(batch), place=place)


def doubled(row: int = 0, copies: int = 1) -> Table:
    """Return the usual table with copies of one of its lines."""
    made = sheet()
    return Table(made.kind, made.columns, [*made.rows, *[made.rows[row]] * copies])

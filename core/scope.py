"""
Scope: whose rows, and live or test.

Every business row carries a merchant and an environment. Nothing is read or written without a `Scope`;
a row of another scope is treated exactly like a row that does not exist.
"""

from dataclasses import dataclass
from typing import Self, TypeVar

from django.db import models


@dataclass(frozen=True, slots=True)
class Scope:
    """One merchant in one environment."""

    merchant_id: int
    is_test: bool = False

    def filters(self) -> dict[str, int | bool]:
        """Return the keyword filters that limit a queryset to this scope."""
        return {"merchant_id": self.merchant_id, "is_test": self.is_test}


M_co = TypeVar("M_co", bound=models.Model, covariant=True)


class ScopedQuerySet(models.QuerySet[M_co]):
    """A queryset that is entered through a scope."""

    def within(self, scope: Scope) -> Self:
        """Limit to the rows of one merchant and environment."""
        return self.filter(**scope.filters())


class ScopedModel(models.Model):
    """Base of every business table: merchant and environment, without a foreign key upwards."""

    merchant_id = models.BigIntegerField(editable=False)
    is_test = models.BooleanField(editable=False)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        abstract = True

    @property
    def scope(self) -> Scope:
        """Return the scope this row belongs to."""
        return Scope(self.merchant_id, self.is_test)

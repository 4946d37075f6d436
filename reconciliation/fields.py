"""A column for decimals of any length: outside files carry more digits than any fixed scale has room for."""

from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

_MOST_DIGITS, _MOST_DECIMALS = 1000, 500


class ExactField(models.DecimalField):  # type: ignore[type-arg] # generic for type checkers only
    """A decimal that is stored digit by digit as it came."""

    def __init__(self, *args: Any, **options: Any) -> None:
        options["max_digits"], options["decimal_places"] = _MOST_DIGITS, _MOST_DECIMALS
        super().__init__(*args, **options)

    def deconstruct(self) -> Any:
        """Leave out what is the same for every such column."""
        name, path, args, options = super().deconstruct()
        del options["max_digits"], options["decimal_places"]
        return name, path, args, options

    def db_type(self, connection: BaseDatabaseWrapper) -> str:  # noqa: ARG002 - the signature is Django's
        """Return the type without a scale, which rounds nothing."""
        return "numeric"

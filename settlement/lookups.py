"""
The port to whoever knows who holds a bank account.

Settlement asks, a higher application answers: it registers its look-up when it starts. The look-up goes over the
network, so nobody calls it inside a transaction.
"""

from collections.abc import Callable

from core.scope import Scope


class LookupUnavailable(Exception):
    """The look-up could not be made; nothing is known about the account."""


# (scope, bank code, account number) -> the holder's name, None if the bank knows no such account.
AccountLookup = Callable[[Scope, str, str], str | None]

_lookups: list[AccountLookup] = []


def register(lookup: AccountLookup | None) -> None:
    """Make this the look-up; it raises LookupUnavailable when it cannot answer. None leaves accounts unverified."""
    _lookups[:] = [lookup] if lookup else []


def account_lookup() -> AccountLookup | None:
    """Return the look-up, None while nobody has registered one."""
    return _lookups[0] if _lookups else None

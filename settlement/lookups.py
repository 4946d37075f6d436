"""
The ports to whoever knows who holds a bank account, and what the tax office says about a business.

Settlement asks, a higher application answers: it registers its look-ups when it starts. They go over the network, so
nobody calls them inside a transaction.
"""

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from core.scope import Scope


class LookupUnavailable(Exception):
    """
    The look-up could not be made; nothing is known about what was asked for.

    `temporary` says that nobody answered and asking again later makes sense.
    """

    def __init__(self, message: str = "", *, temporary: bool = False) -> None:
        super().__init__(message)
        self.temporary = temporary


@dataclass(frozen=True, slots=True)
class Business:
    """What is known about a business: words of `BusinessStatus` and of the wire's taxation types, days, and texts."""

    number: str
    status: str
    taxation_type: str
    name: str = ""
    representative: str = ""
    zip_code: str = ""
    address: str = ""
    entity_type: str = ""
    business_type: str = ""
    business_class: str = ""
    category_code: str = ""
    opened_on: date | None = None
    closed_on: date | None = None
    taxation_since: date | None = None


# (scope, bank code, account number) -> the holder's name, None if the bank knows no such account.
AccountLookup = Callable[[Scope, str, str], str | None]
# (scope, registration number of ten digits) -> the business, None if nobody has registered it.
CompanyLookup = Callable[[Scope, str], Business | None]

_lookups: list[AccountLookup] = []
_company_lookups: list[CompanyLookup] = []


def register(lookup: AccountLookup | None) -> None:
    """Make this the look-up; it raises LookupUnavailable when it cannot answer. None leaves accounts unverified."""
    _lookups[:] = [lookup] if lookup else []


def account_lookup() -> AccountLookup | None:
    """Return the look-up, None while nobody has registered one."""
    return _lookups[0] if _lookups else None


def register_company(lookup: CompanyLookup | None) -> None:
    """Make this the look-up of businesses; it raises LookupUnavailable. None leaves businesses unverified."""
    _company_lookups[:] = [lookup] if lookup else []


def company_lookup() -> CompanyLookup | None:
    """Return the look-up of businesses, None while nobody has registered one."""
    return _company_lookups[0] if _company_lookups else None


def same_name(first: str, second: str) -> bool:
    """Say whether two spellings name one account holder: width, case and spaces do not matter."""

    def plain(name: str) -> str:
        return "".join(unicodedata.normalize("NFKC", name).casefold().split())

    return plain(first) == plain(second)

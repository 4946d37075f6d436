"""
Who holds an account, and what is known about a business: settlement's look-ups.

The rail of the account a merchant pays from answers; in the test environment the built-in one does, whether or not
there is an account.
"""

from core.errors import NotFound
from core.scope import Scope
from payouts import queries, rails
from payouts.rails.base import BankSilent, BankUnavailable, Rail
from payouts.rails_in_use import rail
from settlement.lookups import Business, LookupUnavailable

_OF_THE_TEST_ENVIRONMENT = "test"


def account_holder(scope: Scope, bank: str, number: str) -> str | None:
    """Return the holder's name, None for an unknown account. Raises LookupUnavailable."""
    try:
        return _rail(scope).account_holder(bank, number)
    except (BankUnavailable, NotFound) as error:
        raise LookupUnavailable(str(error), temporary=isinstance(error, BankSilent)) from error


def business(scope: Scope, number: str) -> Business | None:
    """Return a business by its ten digits, None for an unknown one. Raises LookupUnavailable."""
    try:
        found = _rail(scope).business(number)
    except (BankUnavailable, NotFound) as error:
        raise LookupUnavailable(str(error), temporary=isinstance(error, BankSilent)) from error
    return _as_settlement_reads(found) if found else None


def _rail(scope: Scope) -> Rail:
    return rail(_OF_THE_TEST_ENVIRONMENT if scope.is_test else queries.default_bank_account(scope).rail)


def _as_settlement_reads(found: rails.Business) -> Business:
    return Business(
        number=found.number,
        status=found.status.value,
        taxation_type=found.taxation.value,
        name=found.name,
        representative=found.representative,
        zip_code=found.zip_code,
        address=found.address,
        entity_type=found.entity,
        business_type=found.kind,
        business_class=found.item,
        category_code=found.category,
        opened_on=found.opened_on,
        closed_on=found.closed_on,
        taxation_since=found.taxation_since,
    )

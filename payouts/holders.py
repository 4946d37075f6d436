"""
Who holds an account, and what is known about a business: settlement's look-ups.

The rail of the first account through which a bank can be asked answers; in the test environment the built-in one does,
whether or not there is an account.
"""

from django.utils.translation import gettext as _

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
    if scope.is_test:
        return rail(_OF_THE_TEST_ENVIRONMENT)
    for account in queries.bank_accounts(scope):
        # Files are carried to a bank; nobody can be asked through one.
        if not rail(account.rail).promises.by_file:
            return rail(account.rail)
    raise NotFound(_("예금주를 물어볼 수 있는 지급 계좌가 없어요."))


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

"""Who holds an account: settlement's port to the look-up, answered by the rail of the account a merchant pays from."""

from core.errors import NotFound
from core.scope import Scope
from payouts import queries
from payouts.rails.base import BankUnavailable
from payouts.rails_in_use import rail
from settlement.lookups import LookupUnavailable


def account_holder(scope: Scope, bank: str, number: str) -> str | None:
    """Return the holder's name, None for an unknown account. Raises LookupUnavailable."""
    try:
        return rail(queries.default_bank_account(scope).rail).account_holder(bank, number)
    except (BankUnavailable, NotFound) as error:
        raise LookupUnavailable(str(error)) from error

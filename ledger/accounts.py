"""
Accounts by address.

Code knows an account by what it is (code, owner, currency); the database opens it the first time it is used. Ids never
change, so each process remembers the ids of accounts whose opening has committed.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple, Self

from django.db import DEFAULT_DB_ALIAS, connection, connections, transaction

from core.scope import Scope
from ledger.chart import BY_CODE, Code
from ledger.models import Account


class Address(NamedTuple):
    """What identifies an account within a scope."""

    code: Code
    owner: str = ""
    currency: str = "KRW"

    @property
    def owner_kind(self) -> str:
        """Return what kind of thing owns accounts of this code; empty when it stands without an owner."""
        return BY_CODE[self.code].owner_kind if self.owner else ""

    @classmethod
    def of(cls, account: Account) -> Self:
        """Return the address of a stored account."""
        return cls(Code(account.code), account.owner, account.currency)


_Books = tuple[str, int, bool]
_known: defaultdict[_Books, dict[Address, int]] = defaultdict(dict)
_KNOWN_LIMIT = 200_000


def _remember(books: _Books, found: dict[Address, int]) -> None:
    if sum(map(len, _known.values())) + len(found) > _KNOWN_LIMIT:
        _known.clear()
    _known[books].update(found)


def forget() -> None:
    """Forget remembered ids (a process that changed its database must)."""
    _known.clear()


def resolve(scope: Scope, addresses: Sequence[Address]) -> list[int]:
    """Return the account id of each address, opening accounts that do not exist yet."""
    books: _Books = (connections.settings[DEFAULT_DB_ALIAS]["NAME"], scope.merchant_id, scope.is_test)
    known = _known[books]
    try:
        return [known[address] for address in addresses]
    except KeyError:
        pass
    missing = list({address: None for address in addresses if address not in known})
    opened = dict(zip(missing, _open(scope, missing), strict=True))
    # Only what has committed may be remembered: a rolled-back opening leaves no account behind.
    transaction.on_commit(lambda: _remember(books, opened))
    return [opened[address] if address in opened else known[address] for address in addresses]


def _open(scope: Scope, addresses: Sequence[Address]) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "select ledger_open(%s, %s, %s, %s, %s, %s)",
            [
                scope.merchant_id,
                scope.is_test,
                [int(address.code) for address in addresses],
                [address.owner_kind for address in addresses],
                [address.owner for address in addresses],
                [address.currency for address in addresses],
            ],
        )
        (found,) = cursor.fetchone()
    return list(found)


def partner(code: Code, partner_id: str, currency: str = "KRW") -> Address:
    """Return a partner's account."""
    return Address(code, partner_id, currency)


def find(scope: Scope, address: Address) -> Account | None:
    """Return the account at an address without opening it."""
    return (
        Account.objects.within(scope)
        .select_related("chart")
        .filter(chart_id=address.code, owner_kind=address.owner_kind, owner=address.owner, currency=address.currency)
        .first()
    )

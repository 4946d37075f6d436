"""
The one posting door.

`post` writes one journal, `post_many` a set of them, `post_selected` and `post_found` those that a query makes of rows
in the database; each goes through SQL of the owner's, the only code that may insert journals and entries. A journal
is named by its event and key: posting it again with the same legs and business date returns the first journal, with
others it is refused. Zero legs are left out; fewer than two legs that remain mean there is nothing to post.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Any, NamedTuple

from django.db import IntegrityError, connection, transaction

from core.actor import Actor
from core.errors import Conflict, DomainError
from core.scope import Scope
from core.sql import array, call, first, numbers, quoted, words
from ledger import accounts
from ledger.accounts import Address
from ledger.models import Entry, Journal

# Nearly every journal is plain. Nothing is written, and nothing said, of one that is not or is known already.
_PLAIN = ("insert into ledger_plain_journal (posting) values (%s) returning id",)


class InsufficientBalance(DomainError):
    """A guarded account would cross zero; `account` is its address."""

    code, status = "INSUFFICIENT_BALANCE", 409


class PostedDifferently(Conflict):
    """The same event was posted before with other legs or another business date."""

    code = "JOURNAL_POSTED_DIFFERENTLY"


class AlreadyReversed(Conflict):
    """A journal is reversed at most once."""

    code = "JOURNAL_ALREADY_REVERSED"


class AccountClosed(Conflict):
    """A closed account takes no more legs."""

    code = "ACCOUNT_CLOSED"


class Leg(NamedTuple):
    """One leg: a signed amount in the currency's minor unit, debit positive, and what part of the event it is."""

    account: Address
    amount: int
    component: str = ""


def debit(account: Address, amount: int, component: str = "") -> Leg:
    """Return a leg that debits an account by `amount` (a negative amount credits it)."""
    return Leg(account, amount, component)


def credit(account: Address, amount: int, component: str = "") -> Leg:
    """Return a leg that credits an account by `amount` (a negative amount debits it)."""
    return Leg(account, -amount, component)


@dataclass(frozen=True, slots=True)
class Origin:
    """What a journal is about: the kind and public id of a business object, opaque to the ledger."""

    kind: str
    public_id: str


NO_ORIGIN = Origin("", "")


@dataclass(frozen=True, slots=True)
class Posting:
    """One journal to be posted."""

    event: str
    key: str
    on: date
    legs: Sequence[Leg]
    origin: Origin = NO_ORIGIN
    memo: str = ""
    reverses: int | None = None
    attributes: Mapping[str, object] = field(default_factory=dict)

    def real_legs(self) -> list[Leg]:
        """Return the legs that carry money."""
        return [leg for leg in self.legs if leg.amount]


@dataclass(frozen=True, slots=True)
class Posted:
    """The journal that stands for a posting; `created` is false when it stood already."""

    journal_id: int
    created: bool


_REFUSALS: Mapping[str, type[DomainError]] = {
    "ledger_balance_never_below_zero": InsufficientBalance,
    "ledger_journal_event": PostedDifferently,
    "ledger_journal_reversed_once": AlreadyReversed,
    "ledger_account_open": AccountClosed,
}


def refused_by(error: IntegrityError) -> str:
    """Return the name of the constraint behind a database refusal, empty when it has none."""
    diagnostics = getattr(error.__cause__, "diag", None)
    return str(getattr(diagnostics, "constraint_name", "") or "")


def _raise_refusal(error: IntegrityError) -> None:
    constraint = refused_by(error)
    kind = _REFUSALS.get(constraint)
    if kind is None:
        raise error
    raise kind(str(error).splitlines()[0], constraint=constraint) from error


def _call(function: str, arguments: Sequence[Any]) -> int:
    try:
        return int(call(function, arguments))
    except IntegrityError as error:
        _raise_refusal(error)
        raise


def post(*, scope: Scope, posting: Posting, by: Actor) -> Posted | None:
    """
    Post one journal; amounts in minor units, dates are Seoul days. None when no money moves.

    Inside a transaction the caller's savepoint decides; outside one the journal is durable when this returns.
    Raises InsufficientBalance, PostedDifferently, AlreadyReversed, AccountClosed; an unbalanced posting raises
    IntegrityError, for that is a bug and not a refusal.
    """
    legs = posting.real_legs()
    if len(legs) < 2:  # noqa: PLR2004 - a journal has two sides
        return None
    ids = accounts.resolve(scope, [leg.account for leg in legs])
    value = [_value(scope, posting, legs, ids, by)]
    try:
        plain = first(_PLAIN, value)
        answer: int = call("ledger_post", value) if plain is None else plain[0]
    except IntegrityError as error:
        _raise_refusal(error)
        raise
    return Posted(abs(answer), created=answer > 0)


def _value(scope: Scope, posting: Posting, legs: Sequence[Leg], ids: Sequence[int], by: Actor) -> str:
    """Return a posting as the literal of a `ledger_posting`: texts quoted, a quote doubled."""
    amounts = numbers([leg.amount for leg in legs])
    reverses = "" if posting.reverses is None else posting.reverses
    plain = f'{scope.merchant_id},{scope.is_test},{posting.on.isoformat()},"{numbers(ids)}","{amounts}",{reverses}'
    components = _list(tuple([leg.component for leg in legs]))
    currencies = _list(tuple([leg.account.currency for leg in legs]))
    origin, attributes = posting.origin, json.dumps(dict(posting.attributes)) if posting.attributes else "{}"
    event = _text(posting.event, posting.key)
    told = _text(origin.kind, origin.public_id, str(by), by.request_id, posting.memo, attributes)
    return f"({plain},{event},{components},{currencies},{told})"


def _text(*fields: str) -> str:
    return ",".join(map(quoted, fields))


@lru_cache(maxsize=1_000)
def _list(texts: tuple[str, ...]) -> str:
    """Return an array of texts as a field; the journals of a kind all have the same."""
    return _text(words(texts))


_CHUNK = 1_000


def post_many(*, scope: Scope, postings: Iterable[Posting], by: Actor) -> int:
    """Post many journals in one transaction; returns how many are new. Raises as `post` does, and posts none then."""
    real = [(posting, posting.real_legs()) for posting in postings]
    real = [(posting, legs) for posting, legs in real if len(legs) > 1]
    added = 0
    with transaction.atomic():
        for start in range(0, len(real), _CHUNK):
            added += _post_chunk(scope, real[start : start + _CHUNK], by)
    return added


def _post_chunk(scope: Scope, chunk: Sequence[tuple[Posting, list[Leg]]], by: Actor) -> int:
    heads = [posting for posting, _legs in chunk]
    legs = [(place, leg) for place, (_posting, legs) in enumerate(chunk, start=1) for leg in legs]
    ids = accounts.resolve(scope, [leg.account for _place, leg in legs])
    return _call(
        "ledger_post_many",
        [
            scope.merchant_id,
            scope.is_test,
            array(posting.event for posting in heads),
            array(posting.key for posting in heads),
            array(posting.on for posting in heads),
            array(posting.origin.kind for posting in heads),
            array(posting.origin.public_id for posting in heads),
            array(posting.reverses for posting in heads),
            array(posting.memo for posting in heads),
            numbers(place for place, _leg in legs),
            numbers(ids),
            numbers(leg.amount for _place, leg in legs),
            words([leg.component for _place, leg in legs]),
            str(by),
            by.request_id,
        ],
    )


_DRAFT = (
    "insert into pg_temp.ledger_draft"
    " (event_type, event_key, business_date, accounts, amounts, components, origin_kind, origin_id) "
)


def post_selected(*, scope: Scope, query: str, parameters: Mapping[str, Any], by: Actor) -> int:
    """
    Post a journal for each row of a query over rows already in the database; returns how many are new.

    The query gives event type, event key, business date, account ids, signed amounts (minor units, none of them zero),
    components, origin kind and origin id; accounts, amounts and components are arrays of one length. Raises as `post`
    does, and posts none then; an account id of nobody's is an IntegrityError, as anything else that is no journal.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("select ledger_draft_open()")
        cursor.execute(_DRAFT + query, parameters)
        return _call("ledger_post_drafts", [scope.merchant_id, scope.is_test, str(by), by.request_id])


_VALUES = """
    select ledger_post_values(array_agg((%(merchant)s, %(test)s, f.day, f.accounts, f.amounts, null, f.event, f.key,
        f.components, array_fill(f.currency, array[cardinality(f.accounts)]), f.origin, f.origin_id, %(actor)s,
        %(request)s, '', '{}')::ledger_posting))
    from ("""


def post_found(*, scope: Scope, query: str, parameters: Mapping[str, Any], by: Actor) -> int:
    """
    Post a journal for each row of a query as `post_selected` does, for some hundreds of journals, however often.

    The query names its columns event, key, day, accounts, amounts, components, currency (of all legs of a journal),
    origin and origin_id; its parameters are none of merchant, test, actor and request.
    """
    values: dict[str, Any] = {
        "merchant": scope.merchant_id,
        "test": scope.is_test,
        "actor": str(by),
        "request": by.request_id,
    }
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"{_VALUES}{query}) f", values | dict(parameters))
            return int(cursor.fetchone()[0] or 0)
    except IntegrityError as error:
        _raise_refusal(error)
        raise


def reverse(*, scope: Scope, journal_id: int, on: date, by: Actor, memo: str = "") -> Posted | None:
    """
    Post the mirror of a journal, once. The books keep both.

    Raises AlreadyReversed, InsufficientBalance, and Journal.DoesNotExist when it is not in this scope.
    """
    journal = Journal.objects.within(scope).get(pk=journal_id)
    mirrored = [
        Leg(Address.of(entry.account), -entry.amount, entry.component)
        for entry in Entry.objects.filter(journal_id=journal.pk).select_related("account").order_by("leg_no")
    ]
    posting = Posting(
        event=f"{journal.event_type}.reversed",
        key=f"reverse:{journal.pk}",
        on=on,
        legs=mirrored,
        origin=Origin(journal.origin_kind, journal.origin_id),
        memo=memo,
        reverses=journal.pk,
    )
    return post(scope=scope, posting=posting, by=by)


def close_period(*, scope: Scope, until: date) -> None:
    """Close the books up to and including a day; later journals for those days count from the day after."""
    with connection.cursor() as cursor:
        cursor.execute("select ledger_close(%s, %s, %s)", [scope.merchant_id, scope.is_test, until])

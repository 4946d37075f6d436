"""What the endpoints of reconciliation share: scopes, how words and figures are read, pages in the order of a file."""

import base64
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, ClassVar, Final, TypeVar

from django.db import DataError, IntegrityError
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from access.api import ApiRequest, V1View
from access.cursors import CursorPage
from access.parse import Fields
from access.roles import ApiScope
from core import clock
from core.errors import Conflict, DomainError, InvalidRequest, NotFound
from reconciliation import queries, wire
from reconciliation.models import Batch
from settlement.models import PUBLIC_ID_LENGTH

T = TypeVar("T")
Shape = dict[str, Any]

REASON: Final = 2_000
CURRENCY: Final = re.compile("[A-Z]{3}")
FIGURE: Final = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,30})?")
SLACK: Final = re.compile(r"[0-9]{1,15}(\.[0-9]{1,10})?")
_LONGEST_FIGURE: Final = 62
_NUMBER: Final = re.compile(r"[0-9]{1,9}")
_LARGEST: Final = 2**31 - 1


class ReconciliationView(V1View):
    """An endpoint of reconciliation: reading needs `reconciliation:read`, everything else what the class says."""

    writes: ClassVar[ApiScope] = ApiScope.RECONCILIATION_WRITE

    def __init_subclass__(cls, **more: Any) -> None:
        super().__init_subclass__(**more)
        cls.scope_needed = dict.fromkeys(("POST", "PUT"), cls.writes) | {
            "GET": ApiScope.RECONCILIATION_READ,
            "HEAD": ApiScope.RECONCILIATION_READ,
        }


def done(request: ApiRequest, verb: Callable[..., T], **given: Any) -> T:
    """Run an operation for the caller; what it refuses is told in the names of the wire."""
    with refusals_of_the_wire():
        return verb(scope=request.scope, by=request.actor, now=clock.now(), **given)


@contextmanager
def refusals_of_the_wire() -> Iterator[None]:
    """Name fields as the wire does, and turn what the database refuses about a request into refusals of it."""
    try:
        yield
    except DomainError as refusal:
        refusal.facts = wire.facts(refusal.facts)
        raise
    except DataError as error:
        raise InvalidRequest(_("값이 너무 길거나 커요.")) from error
    except IntegrityError as error:
        raise Conflict(_("다른 요청이 먼저 바꿨어요. 다시 시도해 주세요.")) from error


def batch(request: ApiRequest, public_id: str) -> Batch:
    """Return a file of the caller's. Raises NotFound."""
    return queries.batch(request.scope, public_id)


def number(text: str) -> int:
    """Return the number in a path. Raises NotFound."""
    found = int(text) if _NUMBER.fullmatch(text) else _LARGEST
    if not 0 < found < _LARGEST:
        raise NotFound(number=text)
    return found


# ---- Reading


def reason(fields: Fields) -> str:
    """Return why something is done."""
    return fields.text("reason", shortest=1, longest=REASON)


def currency(fields: Fields, name: str) -> str:
    """Return a currency by its three letters."""
    return fields.text(name, longest=3, pattern=CURRENCY)


def figure(fields: Fields, name: str) -> Decimal:
    """Return an exact decimal, sent as text, of up to 30 digits on either side of the point."""
    return Decimal(fields.text(name, longest=_LONGEST_FIGURE, pattern=FIGURE))


def maybe_figure(fields: Fields, name: str) -> Decimal | None:
    """Return the decimal, or None."""
    return figure(fields, name) if fields.has(name) else None


def maybe_slack(fields: Fields, name: str) -> Decimal | None:
    """Return a tolerance in major units, sent as text, or None."""
    return Decimal(fields.text(name, longest=26, pattern=SLACK)) if fields.has(name) else None


def word(fields: Fields, name: str, known: Iterable[str]) -> str:
    """Return one of a list of words, which the wire writes in capitals."""
    return one_of(fields, name, fields.text(name, longest=60), known)


def one_of(fields: Fields, name: str, sent: str, known: Iterable[str]) -> str:
    """Return the word that was sent under a name, as it is stored."""
    by_wire = {wire.word(value): value for value in known}
    if sent not in by_wire:
        raise fields.wrong(name, _("다음 중 하나여야 해요: %(words)s") % {"words": ", ".join(by_wire)})
    return by_wire[sent]


# ---- Filters


def named(query: Fields, name: str, column: str) -> Q:
    """Return the filter for a column that is one of the names asked for."""
    wanted = query.texts(name, most=100, longest=PUBLIC_ID_LENGTH)
    return Q(**{f"{column}__in": wanted}) if wanted else Q()


def worded(query: Fields, name: str, column: str, known: Iterable[str]) -> Q:
    """Return the filter for a column that is one of the words asked for."""
    known = list(known)
    wanted = [one_of(query, name, sent, known) for sent in query.texts(name, most=100, longest=60)]
    return Q(**{f"{column}__in": wanted}) if wanted else Q()


def days(query: Fields, name: str, first: str, last: str) -> Q:
    """Return the filter for a period that touches the days from and until; one without a day is open on that side."""
    since, until = query.maybe_date(f"{name}From"), query.maybe_date(f"{name}Until")
    found = Q(**{f"{last}__gte": since}) | Q(**{last: None}) if since else Q()
    return found & (Q(**{f"{first}__lte": until}) | Q(**{first: None}) if until else Q())


def in_order(query: Fields, rows: QuerySet[Any], column: str) -> tuple[list[Any], dict[str, str]]:
    """Return the rows of the page that is asked for, in the order of a whole number, and where the next one begins."""
    page = CursorPage.of(query)
    if page.after is not None:
        rows = rows.filter(**{f"{column}__gt": min(page.after, _LARGEST)})
    taken = list(rows.order_by(column)[: page.limit + 1])
    kept = taken[: page.limit]
    if len(taken) <= page.limit:
        return kept, {}
    last = str(getattr(kept[-1], column)).encode()
    return kept, {"nextCursor": base64.urlsafe_b64encode(last).decode().rstrip("=")}

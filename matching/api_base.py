"""What the endpoints of matching share: their scopes, how words and figures are read, how refusals are told."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal, InvalidOperation
from typing import Any, ClassVar, Final, TypeVar

from django.db import DataError, IntegrityError, models
from django.db.models import Q
from django.utils.translation import gettext as _

from access.api import ApiRequest, V1View
from access.parse import Fields
from access.roles import ApiScope
from core import clock
from core.errors import Conflict, DomainError, InvalidRequest, StaleVersion
from core.money import AmountOutOfRange, CurrencyNotSupported
from matching import wire
from matching.models import CODE_LENGTH, NAME_LENGTH, UNIT_LENGTH
from settlement.models import PUBLIC_ID_LENGTH

T = TypeVar("T")
Shape = dict[str, Any]
Document = TypeVar("Document", bound=models.Model)

MOST_LINES: Final = 1_000
MEMO: Final = 1_000
CURRENCY: Final = re.compile("[A-Z]{3}")
FIGURE: Final = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,6})?")
RATE: Final = re.compile(r"[0-9]{1,15}(\.[0-9]{1,16})?")
FACTOR: Final = re.compile(r"[0-9]{1,12}/[0-9]{1,12}|[0-9]{1,12}(\.[0-9]{1,6})?")
_LINE: Final = re.compile(r"(.+)/([0-9]{1,9})", re.DOTALL)
_LARGEST_LINE: Final = 2**31 - 1


class MatchingView(V1View):
    """An endpoint of matching: reading needs `matching:read`, everything else what the class says."""

    writes: ClassVar[ApiScope] = ApiScope.MATCHING_WRITE

    def __init_subclass__(cls, **more: Any) -> None:
        super().__init_subclass__(**more)
        cls.scope_needed = dict.fromkeys(("POST", "PUT", "PATCH", "DELETE"), cls.writes) | {
            "GET": ApiScope.MATCHING_READ,
            "HEAD": ApiScope.MATCHING_READ,
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
        field = refusal.facts.get("field")
        if isinstance(field, str):
            refusal.facts = {**refusal.facts, "field": wire.camel(field)}
        raise
    except (DataError, InvalidOperation, AmountOutOfRange) as error:
        raise InvalidRequest(_("금액이나 수량이 너무 커요.")) from error
    except CurrencyNotSupported as error:
        raise InvalidRequest(_("쓸 수 없는 통화예요."), field="currency") from error
    except IntegrityError as error:
        raise Conflict(_("다른 요청이 먼저 바꿨어요. 다시 시도해 주세요.")) from error


def check_version(fields: Fields, row: Document) -> None:
    """Refuse a change of what somebody changed since the caller read it. Raises STALE_VERSION."""
    seen, version = fields.maybe_integer("version", minimum=1), row.version  # type: ignore[attr-defined] # orders and invoices have one
    if seen is not None and seen != version:
        raise StaleVersion(_("그 사이 바뀌었어요. 다시 읽고 시도해 주세요."), version=version)


# ---- Reading


def identifier(fields: Fields, name: str) -> str:
    """Return an id."""
    return fields.text(name, shortest=1, longest=PUBLIC_ID_LENGTH)


def maybe_identifier(fields: Fields, name: str) -> str | None:
    """Return an id, or None."""
    return identifier(fields, name) if fields.has(name) else None


def unit(fields: Fields, name: str) -> str:
    """Return a unit."""
    return fields.text(name, shortest=1, longest=UNIT_LENGTH)


def code(fields: Fields, name: str) -> str:
    """Return a charge code."""
    return fields.text(name, shortest=1, longest=CODE_LENGTH)


def name_text(fields: Fields, name: str) -> str:
    """Return a name or a description; a null is an empty one."""
    return fields.maybe_text(name, longest=NAME_LENGTH) or ""


def memo(fields: Fields, name: str) -> str:
    """Return a memo, a comment or a reason; a null is an empty one."""
    return fields.maybe_text(name, longest=MEMO) or ""


def currency(fields: Fields, name: str) -> str:
    """Return a currency by its three letters."""
    return fields.text(name, longest=3, pattern=CURRENCY)


def figure(fields: Fields, name: str) -> Decimal:
    """Return an exact decimal, sent as text, of up to 15 digits and 6 decimals."""
    return Decimal(fields.text(name, longest=23, pattern=FIGURE))


def maybe_figure(fields: Fields, name: str) -> Decimal | None:
    """Return the decimal, or None."""
    return figure(fields, name) if fields.has(name) else None


def rate(fields: Fields, name: str) -> Decimal:
    """Return an exchange rate, sent as text, of up to 16 decimals."""
    return Decimal(fields.text(name, longest=32, pattern=RATE))


def maybe_rate(fields: Fields, name: str) -> Decimal | None:
    """Return the rate, or None."""
    return rate(fields, name) if fields.has(name) else None


def word(fields: Fields, name: str, kind: type[models.TextChoices]) -> str:
    """Return one of a list of words, which the wire writes in capitals."""
    return _word(fields, name, fields.text(name, longest=60), kind)


def _word(fields: Fields, name: str, sent: str, kind: type[models.TextChoices]) -> str:
    known = {str(value).upper(): str(value) for value in kind.values}
    return known[one_of(fields, name, sent, list(known))]


def one_of(fields: Fields, name: str, sent: str, known: Sequence[str]) -> str:
    """Return what was sent under a name if it is one of the known words."""
    if sent not in known:
        raise fields.wrong(name, _("다음 중 하나여야 해요: %(words)s") % {"words": ", ".join(known)})
    return sent


def line_number(fields: Fields, name: str = "line") -> int:
    """Return the number of a line."""
    return fields.integer(name, minimum=1, maximum=_LARGEST_LINE)


def line_name(fields: Fields, name: str) -> tuple[str, int]:
    """Return document and number of a line named such as `PO1/2`."""
    found = _LINE.fullmatch(fields.text(name, longest=PUBLIC_ID_LENGTH + 10))
    if found is None:
        raise fields.wrong(name, _("문서 아이디/라인 번호 형식이어야 해요."))
    return found[1], int(found[2])


def charge_name(fields: Fields, name: str) -> tuple[str, str]:
    """Return order and id of an order's charge named such as `PO1/F`."""
    head, slash, tail = fields.text(name, longest=2 * PUBLIC_ID_LENGTH + 1).rpartition("/")
    if not (head and slash and tail):
        raise fields.wrong(name, _("발주 아이디/비용 아이디 형식이어야 해요."))
    return head, tail


def once(parts: Sequence[Fields], name: str, values: Sequence[object]) -> None:
    """Refuse a value of a list's objects that comes twice."""
    seen: set[object] = set()
    for part, value in zip(parts, values, strict=True):
        if value in seen:
            raise part.wrong(name, _("같은 값이 두 번 있어요."))
        seen.add(value)


# ---- Filters


def named(query: Fields, name: str, column: str) -> Q:
    """Return the filter for a column that is one of the names asked for."""
    wanted = query.texts(name, most=100, longest=PUBLIC_ID_LENGTH)
    return Q(**{f"{column}__in": wanted}) if wanted else Q()


def days(query: Fields, name: str, column: str) -> Q:
    """Return the filter for a day from and until, both included."""
    since, until = query.maybe_date(f"{name}From"), query.maybe_date(f"{name}Until")
    found = Q(**{f"{column}__gte": since}) if since else Q()
    return found & (Q(**{f"{column}__lte": until}) if until else Q())


def worded(query: Fields, name: str, column: str, kind: type[models.TextChoices]) -> Q:
    """Return the filter for a column that is one of the words asked for."""
    wanted = [_word(query, name, sent, kind) for sent in query.texts(name, most=100, longest=60)]
    return Q(**{f"{column}__in": wanted}) if wanted else Q()


def given(fields: Fields, readers: Mapping[str, Callable[[Fields, str], Any]]) -> dict[str, Any]:
    """Return what is given of some fields, by the names of the product; a null is read by the reader too."""
    return {name: read(fields, wire.camel(name)) for name, read in readers.items() if fields.given(wire.camel(name))}

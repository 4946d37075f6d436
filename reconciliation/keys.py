"""
What a line of a file and a record of ours are recognised by.

Pure. Ids are compared without case. An id that a spreadsheet has destroyed equals nothing but the same ruin in the same
file; where a line has no customer id, the folded name stands in for it, and such a match is only a suggestion.
"""

import re
from collections.abc import Mapping, Sequence
from functools import partial
from sys import intern
from types import MappingProxyType
from typing import NamedTuple, cast
from unicodedata import category, normalize

from reconciliation.books import OwnRecord
from reconciliation.checks import said, text
from reconciliation.chunks import Chunk
from reconciliation.lines import Kind, Line, Value
from reconciliation.series import Series, combined

# An id, the lack of one, or a destroyed one.
Part = str | None | tuple[str]

_COMMERCE = (
    ("customer_id", "CustomerId"),
    ("subscription_id", "SubscriptionId"),
    ("product_id", "ProductId"),
    ("sku_id", "SkuId"),
)
# The customer comes first.
KEYS: Mapping[Kind, tuple[tuple[str, str], ...]] = MappingProxyType(
    {
        Kind.LICENSE: (
            ("customer_id", "CustomerId"),
            ("subscription_number", "SyndicationPartnerSubscriptionNumber"),
        ),
        Kind.USAGE: (
            ("customer_id", "CustomerId"),
            ("subscription_id", "SubscriptionId"),
            ("resource_guid", "ResourceGuid"),
        ),
        Kind.ONETIME_RECURRING: _COMMERCE,
        Kind.NCE_INVOICE: _COMMERCE,
        Kind.NCE_DAILY: (
            ("customer_id", "CustomerId"),
            ("entitlement_id", "EntitlementId"),
            ("meter_id", "MeterId"),
        ),
    }
)

# Where these are empty, the first of the columns behind them that is not stands in.
_STAND_INS: Mapping[tuple[Kind, str], tuple[str, ...]] = MappingProxyType(
    {
        (Kind.ONETIME_RECURRING, "SubscriptionId"): ("OrderId", "AlternateId"),
        (Kind.NCE_INVOICE, "SubscriptionId"): ("OrderId", "AlternateId"),
        (Kind.NCE_DAILY, "EntitlementId"): ("SubscriptionId",),
    }
)

_SKU_LENGTH = 4

# Legal forms as `_words` leaves them: one word each, and those written without a space before them.
_LATIN_FORMS = """
    ab ag aps as asa bhd bv co company corp corporation ek eurl gmbh inc incorporated kft kg kgaa kk limited llc llp
    lp ltd ltda mbh nv ohg oy oyj plc pte pty pvt sa sarl sàrl sas sdn se sl slu spa srl sro ug
"""
_FORMS = frozenset({*_LATIN_FORMS.split(), "주", "유", "합"})
_JOINED_FORMS = (
    "유한책임회사",
    "주식회사",
    "유한회사",
    "합자회사",
    "합명회사",
    "株式会社",
    "有限会社",
    "合同会社",
    "股份有限公司",
    "有限责任公司",
    "有限公司",
)
_DROPPED = re.compile(r"[.'’`]")


class Identity(NamedTuple):
    """What a group is recognised by, without its currency."""

    by_name: bool
    customer: Part
    rest: tuple[Part, ...]

    @property
    def can_match(self) -> bool:
        """Say whether a record of ours may be the counterpart: not without a customer, nor by a destroyed id."""
        return self.customer is not None and tuple not in map(type, (self.customer, *self.rest))


class Identities(NamedTuple):
    """The identities of lines, in a series for each part of them."""

    by_name: Series[bool]
    customer: Series[Part]
    rest: tuple[Series[Part], ...]

    @property
    def can_match(self) -> Series[bool]:
        """Say of each line what `Identity.can_match` says."""
        ids = (self.customer, *self.rest)
        if not any(isinstance(part, tuple) for series in ids for part in series.different):
            return self.customer.map(lambda customer: customer is not None)
        return self.one_by_one.map(lambda identity: identity.can_match)

    @property
    def one_by_one(self) -> Series[Identity]:
        """The identities themselves."""
        return combined(_identity, self.by_name, self.customer, *self.rest)


def identities_of(chunk: Chunk) -> Identities:
    """Return what lines of a billing file are grouped by."""
    (_, customer), *others = KEYS[chunk.kind]
    customers, rest = _ids_in(chunk, customer), tuple(_parts_in(chunk, column) for _, column in others)
    if all(isinstance(part, str) for part in customers.different):
        return Identities(Series.same(False, len(chunk)), customers, rest)
    names = combined(_name_for, customers, chunk.column(_name_column(chunk.kind)))
    return Identities(names.map(bool), combined(_named, names, customers), rest)


def _identity(by_name: bool, *parts: Part) -> Identity:  # noqa: FBT001 - a value among values
    # The same ids come in line after line; each is kept once.
    customer, *rest = (intern(part) if isinstance(part, str) else part for part in parts)
    return Identity(by_name, customer, tuple(rest))


def _name_for(customer: Part, customer_name: Value) -> str:
    """Return the name that stands in for an id that a line does not have."""
    return "" if isinstance(customer, str) else folded_name(said(customer_name))


def _named(name: str, customer: Part) -> Part:
    return name or customer


def key_values(line: Line) -> tuple[str | None, ...]:
    """Return the values of a line's key columns as the file has them."""
    return tuple(intern(value) if (value := text(line, column)) else None for _, column in KEYS[line.kind])


def customer_name(line: Line) -> str:
    """Return the name of a line's customer, empty where the file has none."""
    return text(line, _name_column(line.kind))


def _name_column(kind: Kind) -> str:
    return "CustomerCompanyName" if kind is Kind.USAGE else "CustomerName"


def _parts_in(chunk: Chunk, column: str) -> Series[Part]:
    """Return the ids in a column, or in the columns that stand in for it where there is none to be used."""
    own = _ids_in(chunk, column)
    others = _STAND_INS.get((chunk.kind, column), ())
    if not others or all(isinstance(part, str) for part in own.different):
        return own
    return combined(_part, own, *(_ids_in(chunk, other) for other in others))


def _part(own: Part, *others: Part) -> Part:
    if isinstance(own, str):
        return own
    # An order id may be followed by a second one.
    return next((other.split(",")[0].strip() for other in others if isinstance(other, str)), own)


def _ids_in(chunk: Chunk, column: str) -> Series[Part]:
    if chunk.none_damaged:
        return chunk.column(column).map_all(_whole_skus if column == "SkuId" else _whole_ids)
    return combined(partial(_id, column), chunk.column(column), chunk.damaged)


def id_in(line: Line, column: str) -> Part:
    """Return the id in a column without case."""
    return _id(column, line.values.get(column), line.damaged)


def _whole_ids(values: Sequence[Value]) -> list[str | None]:
    """Return ids of which a spreadsheet has destroyed none, as `_id` does one by one."""
    if all(values):
        return list(map(str.lower, cast("Sequence[str]", values)))
    return [value.lower() if isinstance(value, str) and value else None for value in values]


def _whole_skus(values: Sequence[Value]) -> list[str | None]:
    return [one and _sku(one) for one in _whole_ids(values)]


def _id(column: str, value: Value, damaged: tuple[str, ...]) -> Part:
    if not isinstance(value, str) or not value:
        return None
    if column in damaged and not _mended(column, value):
        return (value,)
    return intern(_sku(value.lower()) if column == "SkuId" else value.lower())


def _mended(column: str, value: str) -> bool:
    """Say whether a spreadsheet only took the zeros off an id, which the reader has put back."""
    return column == "SkuId" and "+" not in value


def _sku(value: str) -> str:
    return value.rjust(_SKU_LENGTH, "0")


def own_identity(kind: Kind, record: OwnRecord) -> Identity:
    """Return what a record of ours is recognised by in a file of this kind."""
    ids = {name: value.lower() for name, value in record.ids.items() if value is not None}
    if "sku_id" in ids:
        ids["sku_id"] = _sku(ids["sku_id"])
    (customer, _), *others = KEYS[kind]
    rest = tuple(ids.get(name) for name, _ in others)
    if customer in ids:
        return Identity(by_name=False, customer=ids[customer].removeprefix("org:"), rest=rest)
    return name_identity(record, rest)


def name_identity(record: OwnRecord, rest: tuple[Part, ...]) -> Identity:
    """Return what a record is recognised by where a file has no customer id: its name, or nothing without one."""
    name = folded_name(record.customer_name or "")
    return Identity(by_name=bool(name), customer=name or None, rest=rest)


def folded_name(name: str) -> str:
    """
    Return what two spellings of an organisation's name have in common: no case, punctuation or legal form at the end.

    The last word is never taken for a legal form, so a name is never folded to nothing.
    """
    words = _words(name)
    while len(words) > 1 and words[-1] in _FORMS:
        words.pop()
    whole = " ".join(words)
    for form in _JOINED_FORMS:
        if whole.endswith(form) and whole != form:
            return whole.removesuffix(form).rstrip()
    return whole


def _words(name: str) -> list[str]:
    """Split a name; "S.A.R.L." and "O'Neil" are one word each, other punctuation parts words like a space."""
    kept = _DROPPED.sub("", normalize("NFKC", name).casefold())
    return "".join(" " if category(char).startswith("P") else char for char in kept).split()

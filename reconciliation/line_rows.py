"""
A line of a file as the database keeps it: what it is grouped, totalled, compared and told apart by, worked out once.

Pure. The database then compares a million lines without knowing how any kind of file is made.
"""

import json
from collections.abc import Sequence
from decimal import Decimal
from functools import lru_cache
from json.encoder import encode_basestring
from typing import Any, NamedTuple

from reconciliation.amounts import plain
from reconciliation.charge_types import charge_type
from reconciliation.checks import amount, number, text
from reconciliation.figures import COLUMNS, Columns, money_of, period_of
from reconciliation.fingerprints import fingerprint, of_identity, of_key, trimmed
from reconciliation.formats.recognise import Header
from reconciliation.groups import full_price, share_of
from reconciliation.keys import identity_of
from reconciliation.line_keys import line_key
from reconciliation.lines import Kind, Line, Value
from reconciliation.providers import adyen_net, currency_of
from reconciliation.resellers import bucket_of

_APART = "\x1f"  # no text of a file contains it
_NAMES_KEPT = 1 << 10


class Figures(NamedTuple):
    """What only a line that counts has; None is null."""

    group_key: str | None = None
    by_name: bool = False
    can_match: bool = False
    line_key: str | None = None
    currency: str = ""
    pretax: Decimal | None = None
    tax: Decimal | None = None
    total: Decimal | None = None
    quantity: Decimal | None = None
    is_unclear: bool = False
    is_metered: bool = False
    purchase: str | None = None
    unit_price: Decimal | None = None
    is_full_period: bool = False
    first_day: Value = None
    last_day: Value = None
    bucket: str = ""
    reseller_mpn: str = ""
    charge_type: str = ""
    charge_group: str = ""


COLUMNS_OF_ROW = (
    *("record", "line", "block", "kind", "counts", "codes", "duplicate_of", "damaged", "flags", "line_hash", "mpn"),
    *Figures._fields,
    *("values", "extra", "delivered"),
)
Row = tuple[object, ...]
"""The columns of a stored line in this order; arrays and JSON are text already."""

_NO_FIGURES = Figures()


class LineRows:
    """Makes the rows of one file, line by line. `columns` are the names of its kind's columns that the file has."""

    def __init__(self, kind: Kind, columns: frozenset[str]) -> None:
        self._kind = kind
        self._columns = COLUMNS.get(kind)
        self._has_reseller = "ResellerMpnId" in columns
        self._header: Header | None = None
        self._unknown: list[tuple[int, str]] = []
        self.headers: list[dict[str, Any]] = []

    def row(self, line: Line, header: Header, cells: Sequence[str], flags: Sequence[dict[str, Any]]) -> Row:
        """Return the row of a line with its header, its cells as delivered, and what is flagged about it."""
        if header is not self._header:
            self._begin_block(header)
        values, line_hash = _texts(line)
        counts = line.counts and line.kind is self._kind
        return (
            line.record,
            line.line,
            len(self.headers) - 1,
            line.kind,
            counts,
            _array(line.codes),
            line.duplicate_of,
            _array(line.damaged),
            _json([{key: flag[key] for key in flag if key != "record"} for flag in flags]) if flags else "[]",
            line_hash,
            text(line, "MpnId"),
            *(self._figures(line) if counts else _NO_FIGURES),
            values,
            self._extra(cells) if self._unknown else None,
            _json(cells) if line.codes else None,
        )

    def _begin_block(self, header: Header) -> None:
        self._header = header
        self.headers.append({"kind": header.kind, "cells": header.cells})
        self._unknown = [
            (place, name)
            for place, (name, column) in enumerate(zip(header.cells, header.places, strict=True))
            if column is None and not header.is_metadata(place)
        ]

    def _extra(self, cells: Sequence[str]) -> str | None:
        found = {name: cells[place] for place, name in self._unknown if place < len(cells) and cells[place].strip()}
        return _json(found) if found else None

    def _figures(self, line: Line) -> Figures:
        if self._columns is not None:
            return self._charge(line, self._columns)
        key = of_key(line_key(line))
        if line.kind is Kind.USAGE_DAILY_LEGACY:
            day = line.values.get("UsageDate")
            return Figures(line_key=key, quantity=amount(line, "ConsumedQuantity"), first_day=day, last_day=day)
        net = amount(line, "net") if line.kind is Kind.STRIPE_PAYOUT else adyen_net(line)
        return Figures(line_key=key, currency=currency_of(line), total=net)

    def _charge(self, line: Line, columns: Columns) -> Figures:
        money = money_of(line, columns)
        type_ = charge_type(line.kind, text(line, "ChargeType"))
        identity = identity_of(line)
        share = share_of(line, type_, money.pretax)
        bucket, reseller = bucket_of(line, in_file=self._has_reseller)
        first_day, last_day = period_of(line, columns) or (None, None)
        return Figures(
            group_key=of_identity(identity),
            by_name=identity.by_name,
            can_match=identity.can_match,
            line_key=of_key(line_key(line, identity)),
            currency=money.currency,
            pretax=money.pretax,
            tax=money.tax,
            total=money.total,
            quantity=share.quantity,
            is_unclear=share.unclear,
            is_metered=share.metered,
            purchase=None if share.purchase is None else of_key(share.purchase),
            unit_price=number(line.values.get(columns.price)),
            is_full_period=full_price(line, type_, money.pretax) is not None,
            first_day=first_day,
            last_day=last_day,
            bucket=bucket,
            reseller_mpn=reseller,
            charge_type=type_.name,
            charge_group=type_.group,
        )


def _texts(line: Line) -> tuple[str, str]:
    """Return the values of a line as JSON, and a digest that differently written equal figures share."""
    shown: list[str] = []
    parts: list[str] = []
    for name, value in line.values.items():
        if value is None:
            continue
        if isinstance(value, str):
            said = same = value
        elif isinstance(value, Decimal):
            said = plain(value)
            same = trimmed(said) if said[-1] == "0" else said
        else:
            said = same = value.isoformat()
        # By hand, for an encoder is made anew for every line that is handed to one.
        shown.append(f"{_name(name)}: {encode_basestring(said)}")
        parts += (name, same)
    return f"{{{', '.join(shown)}}}", fingerprint(_APART.join(parts))


_json = json.JSONEncoder(ensure_ascii=False).encode
_name = lru_cache(maxsize=_NAMES_KEPT)(encode_basestring)


def _array(texts: Sequence[str]) -> str:
    """Write texts as PostgreSQL reads an array."""
    if not texts:
        return "{}"
    quoted = (text.replace("\\", "\\\\").replace('"', '\\"') for text in texts)
    return "{" + ",".join(f'"{text}"' for text in quoted) + "}"

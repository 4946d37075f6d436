"""
Lines of a file as the database keeps them: what they are grouped, totalled and compared by is worked out once.

Pure. The database then compares a million lines without knowing how any kind of file is made.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal, localcontext
from functools import partial
from itertools import chain
from json.encoder import encode_basestring
from operator import attrgetter, itemgetter
from types import NoneType
from typing import Any, cast

from reconciliation.amounts import EXACT, plain, plain_all
from reconciliation.assessment import LineFlags
from reconciliation.charges import Charges
from reconciliation.checks import amount, figure, number, said
from reconciliation.chunks import Chunk
from reconciliation.fingerprints import fingerprints, trimmed, trimmed_all
from reconciliation.formats.recognise import Header
from reconciliation.line_keys import line_keys
from reconciliation.lines import Kind, Value
from reconciliation.providers import adyen_net, currency_of
from reconciliation.reading import Delivered, Grid
from reconciliation.series import Series, joined

_APART = "\x1f"  # no text of a file contains it

# What only a line that counts has, with what stands there for the others; None is null.
_FIGURES: Mapping[str, object] = {
    "group_key": None,
    "by_name": False,
    "can_match": False,
    "line_key": None,
    "currency": "",
    "pretax": None,
    "tax": None,
    "total": None,
    "quantity": None,
    "is_unclear": False,
    "is_metered": False,
    "purchase": None,
    "unit_price": None,
    "is_full_period": False,
    "first_day": None,
    "last_day": None,
    "bucket": "",
    "reseller_mpn": "",
    "charge_type": "",
    "charge_group": "",
}
COLUMNS_OF_ROW = (
    *("record", "line", "block", "kind", "counts", "codes", "duplicate_of", "damaged", "flags", "line_hash", "mpn"),
    *_FIGURES,
    *("values", "extra", "delivered"),
)
Rows = Sequence[Series[Any]]
"""The columns of stored lines in this order; arrays and JSON are text already."""


class LineRows:
    """Makes the rows of one file, chunk by chunk."""

    def __init__(self) -> None:
        self._header: Header | None = None
        self._unknown: list[tuple[int, str]] = []
        self.headers: list[dict[str, Any]] = []

    def rows(self, delivered: Delivered, counting: Chunk | None, charges: Charges | None, flags: LineFlags) -> Rows:
        """Return the rows of lines: which of them count, what those charge, and what is flagged about them."""
        header, grid, chunk = delivered
        if header is not self._header:
            self._begin_block(header)
        values, hashes = _texts(chunk)
        records = counting.records if counting is not None else ()
        return [
            Series(chunk.records),
            Series(chunk.places),
            Series.same(len(self.headers) - 1, len(chunk)),
            Series.same(chunk.kind, len(chunk)),
            _spread(Series.same(True, len(records)), records, chunk, False),
            chunk.codes.map(_array),
            chunk.copies,
            chunk.damaged.map(_array),
            _flags(chunk, flags),
            hashes,
            chunk.column("MpnId").map(said),
            *self._figures(chunk, counting, charges),
            values,
            Series([*map(self._extra, grid.rows)]) if self._unknown else Series.same(None, len(chunk)),
            _broken(chunk, grid),
        ]

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

    def _figures(self, chunk: Chunk, counting: Chunk | None, charges: Charges | None) -> list[Series[Any]]:
        if counting is None or not len(counting):
            return [Series.same(usual, len(chunk)) for usual in _FIGURES.values()]
        found = _movement(counting) if charges is None else _charge(charges)
        return [
            _spread(found[name], counting.records, chunk, usual) if name in found else Series.same(usual, len(chunk))
            for name, usual in _FIGURES.items()
        ]


def _movement(chunk: Chunk) -> dict[str, Series[Any]]:
    """Return the figures of lines without charges: usage without prices, and movements of payment providers."""
    found: dict[str, Series[Any]] = {"line_key": line_keys(chunk)}
    if chunk.kind is Kind.USAGE_DAILY_LEGACY:
        found["quantity"] = chunk.column("ConsumedQuantity").map(figure)
        found["first_day"] = found["last_day"] = chunk.column("UsageDate")
        return found
    net = partial(amount, column="net") if chunk.kind is Kind.STRIPE_PAYOUT else adyen_net
    with localcontext(EXACT):
        return found | {
            "currency": Series.of([*map(currency_of, chunk.lines)]),
            "total": Series([*map(net, chunk.lines)]),
        }


def _charge(charges: Charges) -> dict[str, Series[Any]]:
    shares = charges.shares
    return {
        "group_key": charges.group_keys,
        "by_name": charges.identities.by_name,
        "can_match": charges.identities.can_match,
        "line_key": line_keys(charges.chunk, charges),
        "currency": charges.currency,
        "pretax": charges.pretax,
        "tax": charges.tax,
        "total": charges.total,
        "quantity": shares.map(attrgetter("quantity")),
        "is_unclear": _few(shares, "unclear"),
        "is_metered": _few(shares, "metered"),
        "purchase": charges.purchases,
        "unit_price": charges.prices.map(number),
        "is_full_period": Series.of([price is not None for price in charges.full_prices]),
        "first_day": charges.periods.map(lambda days: days and days[0]),
        "last_day": charges.periods.map(lambda days: days and days[1]),
        "bucket": charges.buckets.map(lambda bucket: bucket[0]),
        "reseller_mpn": charges.buckets.map(lambda bucket: bucket[1]),
        "charge_type": charges.types.map(lambda type_: type_.name),
        "charge_group": charges.types.map(lambda type_: type_.group),
    }


def _few(series: Series[Any], attribute: str) -> Series[Any]:
    """Return an attribute that has few different values."""
    return Series.of([*series.map(attrgetter(attribute))])


def _spread(series: Series[Any], records: Sequence[int], chunk: Chunk, usual: object) -> Series[Any]:
    """Return a series for all lines of a chunk from one for the lines of these records."""
    if len(records) == len(chunk):
        return series
    found = dict(zip(records, series, strict=True))
    return Series([found.get(record, usual) for record in chunk.records])


def _flags(chunk: Chunk, flags: LineFlags) -> Series[str]:
    if not flags:
        return Series.same("[]", len(chunk))
    shown = (
        [{key: flag[key] for key in flag if key != "record"} for flag in flags.get(of, ())] for of in chunk.records
    )
    return Series([_json(entries) if entries else "[]" for entries in shown])


def _broken(chunk: Chunk, grid: Grid) -> Series[str | None]:
    """Return the cells of the lines that could not be read, as delivered."""
    if not any(chunk.codes.different):
        return Series.same(None, len(chunk))
    return Series([_json(cells) if codes else None for codes, cells in zip(chunk.codes, grid.rows, strict=True)])


def _texts(chunk: Chunk) -> tuple[Series[str], Series[str]]:
    """Return the values of lines as JSON, and digests that differently written equal figures share."""
    shown: dict[str, list[Series[str]]] = {}
    same: list[Series[str]] = []
    for name, series in chunk.columns.items():
        heads = f",{_json(name)}:", f"{_APART}{name}{_APART}"
        sorts = set(map(type, series.different))
        if NoneType in sorts:
            pairs = series.map(partial(_pair, *heads))
            shown[name] = [pairs.map(itemgetter(0))]
            same.append(pairs.map(itemgetter(1)))
        else:
            said = _said(series, sorts)
            shown[name] = [Series.same(heads[0], len(series)), *_quoted(said)]
            same += [Series.same(heads[1], len(series)), said.map_all(trimmed_all) if Decimal in sorts else said]
    pieces = chain.from_iterable(shown[name] for name in sorted(shown, key=_place_in_jsonb))
    return (
        Series([f"{{{text[1:]}}}" for text in joined(pieces, len(chunk))]),
        Series(fingerprints(text[1:] for text in joined(same, len(chunk)))),
    )


def _place_in_jsonb(name: str) -> tuple[int, bytes]:
    """Tell the order in which PostgreSQL keeps the names of an object; in this order it need not sort them."""
    written = name.encode()
    return len(written), written


def _said(series: Series[Value], sorts: set[type]) -> Series[str]:
    """Return values of these sorts, of which none is missing, as texts."""
    if sorts == {str}:
        return cast("Series[str]", series)
    if sorts == {Decimal}:
        return cast("Series[Decimal]", series).map_all(plain_all)
    return series.map(_as_text)


def _pair(head: str, head_apart: str, value: Value) -> tuple[str, str]:
    """Return what a value adds to the JSON of its line and to the text of its digest: nothing if it is missing."""
    if value is None:
        return "", ""
    said = _as_text(value)
    return f"{head}{encode_basestring(said)}", f"{head_apart}{trimmed(said) if isinstance(value, Decimal) else said}"


def _as_text(value: Value) -> str:
    if isinstance(value, Decimal):
        return plain(value)
    return value.isoformat() if isinstance(value, date) else value or ""


def _quoted(texts: Series[str]) -> list[Series[str]]:
    """Return what the texts are in JSON, in pieces. Most need no more than quotes, as is found out for all at once."""
    together = "".join(texts.different)
    if encode_basestring(together) == f'"{together}"':
        quote = Series.same('"', len(texts))
        return [quote, texts, quote]
    # By hand, for an encoder is made anew for every text that is handed to one.
    return [texts.map(encode_basestring)]


_json = json.JSONEncoder(ensure_ascii=False).encode


def _array(texts: Sequence[str]) -> str:
    """Write texts as PostgreSQL reads an array."""
    if not texts:
        return "{}"
    quoted = (text.replace("\\", "\\\\").replace('"', '\\"') for text in texts)
    return "{" + ",".join(f'"{text}"' for text in quoted) + "}"

"""
Which column of a bank's sheet holds what, as a person chose it once for an account and a layout.

Columns are named by their headers, so that a bank may move them; a header that stands twice counts as `금액 (2)`.
"""

from collections.abc import Iterator, Sequence
from collections.abc import Mapping as MappingABC
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from hashlib import sha256
from typing import Any, Final, Self

from console.files.sheet_read import header_key
from reconciliation.statements.lines import Said


class DateOrder(StrEnum):
    """In which order a date is written that does not begin with its year."""

    YMD = "YMD"
    MDY = "MDY"
    DMY = "DMY"


COLUMNS: Final = (
    *("day", "time", "amount", "paid_in", "paid_out", "balance", "direction", "kind", "description", "name"),
    *("account", "bank", "reference", "reference_date", "bank_reference", "currency_column"),
)
"""The fields of a mapping that name a column."""

MONEY: Final = ("amount", "paid_in", "paid_out", "balance")


@dataclass(frozen=True, slots=True)
class Mapping:
    """
    The columns of a sheet by their headers; empty for what the sheet does not have.

    Either `amount`, signed or with a `direction` column that says 입금 or 출금, or `paid_in` and `paid_out`. `flipped`
    is for banks that write money going out the other way round: positive in `amount`, negative in `paid_out`. `words`
    says what a word of the `kind` column means. Reading stops at a row that begins with `end_marker`. Amounts are of
    `currency` unless a column names it; `in_minor_units` where the sheet writes cents.
    """

    day: str = ""
    time: str = ""
    amount: str = ""
    paid_in: str = ""
    paid_out: str = ""
    balance: str = ""
    direction: str = ""
    kind: str = ""
    description: str = ""
    name: str = ""
    account: str = ""
    bank: str = ""
    reference: str = ""
    reference_date: str = ""
    bank_reference: str = ""
    currency_column: str = ""
    words: tuple[tuple[str, Said], ...] = ()
    header_row: int = 1
    sheet: str = ""
    end_marker: str = ""
    date_order: DateOrder = DateOrder.YMD
    currency: str = "KRW"
    flipped: bool = False
    in_minor_units: bool = False

    def columns(self) -> Iterator[tuple[str, str]]:
        """Yield field and header of every column that is named."""
        return ((name, header) for name in COLUMNS if (header := getattr(self, name)))

    def meaning(self, word: str) -> Said:
        """Return what a word of the kind column means; OTHER for one that nobody explained."""
        wanted = header_key(word)
        return next((said for known, said in self.words if header_key(known) == wanted), Said.OTHER)

    def to_json(self) -> dict[str, Any]:
        """Return the mapping as it is kept."""
        return {**asdict(self), "words": [list(pair) for pair in self.words]}

    @classmethod
    def from_json(cls, kept: MappingABC[str, Any]) -> Self:
        """Return a mapping that was kept; what is not in it has its default. Raises ValueError for another value."""
        known = {field.name: kept[field.name] for field in fields(cls) if field.name in kept}
        words = tuple((str(word), Said(said)) for word, said in known.pop("words", ()))
        return cls(**{**known, "words": words, "date_order": DateOrder(known.get("date_order", DateOrder.YMD))})


def column_names(headers: Sequence[str]) -> list[str]:
    """Return the headers of a row trimmed, a later one of the same name with its number: 금액, 금액 (2)."""
    seen: dict[str, int] = {}
    names = []
    for header in headers:
        name, key = " ".join(header.split()), header_key(header)
        seen[key] = seen.get(key, 0) + 1
        names.append(f"{name} ({seen[key]})" if key and seen[key] > 1 else name)
    return names


def layout_of(headers: Sequence[str]) -> str:
    """Return the digest of a header row: the same for every file in which the bank writes these columns."""
    keys = sorted(filter(None, map(header_key, column_names(headers))))
    return sha256("\x1f".join(keys).encode()).hexdigest()

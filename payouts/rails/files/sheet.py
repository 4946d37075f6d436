"""
The bulk-transfer sheet that Korean banks take: 은행 · 계좌번호 · 금액 · 예금주 · 받는분 · 내 통장표시.

Banks cut what they print in bank books. The sheet cuts first, so that a person sees in it what will be printed.
"""

import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import xlsxwriter

from console.files.columns import NUMBER_FORMATS, Kind, SheetColumn
from console.files.csv_write import csv_blocks
from payouts.rails.files.order import BANK_NUMBERS, Order, fitted, plain

HEADERS = ("은행", "계좌번호", "금액", "예금주", "받는분", "내 통장표시")
COLUMNS = (
    SheetColumn(HEADERS[0], Kind.ID, 8),
    SheetColumn(HEADERS[1], Kind.ID, 20),
    SheetColumn(HEADERS[2], Kind.WON, 16),
    SheetColumn(HEADERS[3], Kind.TEXT, 20),
    SheetColumn(HEADERS[4], Kind.TEXT, 20),
    SheetColumn(HEADERS[5], Kind.TEXT, 20),
)
_OPTIONS = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}


@dataclass(frozen=True, slots=True)
class Profile:
    """How many places (two for a full-width character) the paying bank prints for the receiver and for the payer."""

    receiver: int = 14
    own: int = 14


USUAL = Profile()
_PROFILE = re.compile(r"(?P<bank>[A-Z_]+)=(?P<receiver>[1-9][0-9]?)/(?P<own>[1-9][0-9]?)")

Line = tuple[str, str, int, str, str, str]


def profiles(text: str) -> Mapping[str, Profile]:
    """
    Read `KOOKMIN=14/20,IBK=20/20`: places for the receiver and for the payer by our code of the paying bank.

    Raises ValueError for a part that is not like that.
    """
    found: dict[str, Profile] = {}
    for part in filter(None, text.replace(" ", "").split(",")):
        match = _PROFILE.fullmatch(part)
        if match is None or match["bank"] not in BANK_NUMBERS:
            message = f"{part!r} is not like KOOKMIN=14/20."
            raise ValueError(message)
        found[match["bank"]] = Profile(int(match["receiver"]), int(match["own"]))
    return MappingProxyType(found)


def lines(order: Order, profile: Profile = USUAL) -> Iterator[Line]:
    """Yield the cells of each transfer, in the order of the columns."""
    for one in order.transfers:
        yield (
            BANK_NUMBERS[one.bank],
            one.account_number,
            one.amount,
            one.holder.strip(),
            fitted(plain(one.deposit_memo), profile.receiver),
            fitted(plain(one.withdrawal_memo), profile.own),
        )


def shortened(order: Order, profile: Profile = USUAL) -> int:
    """Count the transfers of which less is printed than their memos say."""
    said = ((plain(one.deposit_memo), plain(one.withdrawal_memo)) for one in order.transfers)
    return sum(memos != printed[4:] for memos, printed in zip(said, lines(order, profile), strict=True))


def write_csv(order: Order, profile: Profile = USUAL) -> bytes:
    """Return the sheet as CSV: UTF-8 with a byte-order mark, as Korean Excel opens it."""
    return b"".join(csv_blocks(lines(order, profile), COLUMNS))


def write_xlsx(order: Order, profile: Profile = USUAL) -> bytes:
    """Return the sheet as XLSX with one page, which is what banks' upload pages take."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, _OPTIONS) as book:
        book.set_properties({"created": order.made_at.replace(tzinfo=None)})
        page, bold = book.add_worksheet("이체"), book.add_format({"bold": True})
        formats = [book.add_format({"num_format": NUMBER_FORMATS[column.kind]}) for column in COLUMNS]
        for place, column in enumerate(COLUMNS):
            page.set_column(place, place, column.shown_width, formats[place])
            page.write_string(0, place, column.header, bold)
        for row, line in enumerate(lines(order, profile), start=1):
            for place, value in enumerate(line):
                write = page.write_number if isinstance(value, int) else page.write_string
                write(row, place, value, formats[place])
    return out.getvalue()

"""
The simulated bank's book: accounts, money and transfers, kept in an append-only file of JSON lines.

Everything that happens is first a line in the file and then applied to memory by the same code that replays the file at
start, so what the bank answered before a crash is what it knows afterwards. Not thread-safe: one event loop owns it.
"""

import fcntl
import hashlib
import heapq
import json
import os
import re
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

KST = timezone(timedelta(hours=9))
CURRENCY = "KRW"

SUCCESS = "SUCCESS"
PROCESSING = "PROCESSING"
INSUFFICIENT_FUNDS = "INSUFFICIENT_FUNDS"
MESSAGES = {
    SUCCESS: "정상 처리",
    PROCESSING: "처리 중",
    "412": "해당 계좌 없음",
    "415": "해약 계좌",
    "416": "잡좌",
    "419": "사고 신고 계좌",
    "420": "거래 정지 계좌",
    "499": "기타 수취 불가",
    "815": "예금주 불일치",
    INSUFFICIENT_FUNDS: "출금 계좌 잔액 부족",
    "CURRENCY_NOT_ACCEPTED": "취급하지 않는 통화",
    "LIMIT_EXCEEDED": "이체 한도 초과",
    "MAINTENANCE": "은행 점검 시간",
    "REFUSED": "접수 거절",
}
_BEFORE_ALL = datetime(1, 1, 2, tzinfo=KST)
STANDING_CODES = ("412", "415", "416", "419", "420", "499", "815")
_NO_ACCOUNT = "412"
_STANDING_PREFIX = "0000"
_RETURNING_SUFFIX = "0009999"
_ACCOUNT_AGE = timedelta(days=3 * 365)
_SURNAMES = "김이박최정강조윤장임한오서신권황안송류홍"
_GIVEN = (
    "민준",
    "서연",
    "도윤",
    "지우",
    "하준",
    "수아",
    "은우",
    "지아",
    "시우",
    "하윤",
    "정호",
    "미경",
    "상훈",
    "영숙",
)
_KNOWN = re.compile(r"[0-9]{10,14}")

Key = tuple[str, str]
Event = dict[str, Any]


class BookDamaged(Exception):
    """The file holds something other than whole events of this bank, or another process writes to it."""


class Status(StrEnum):
    """Where a transfer stands at the bank."""

    PROCESSING = "PROCESSING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    RETURNED = "RETURNED"


# The state in which a due entry still waits to be done.
_WAITS_IN = {"complete": Status.PROCESSING, "return": Status.SUCCEEDED}


@dataclass(frozen=True, slots=True)
class Order:
    """A transfer as asked for; `reference_date` is ISO text, `amount` whole won."""

    reference: str
    reference_date: str
    amount: int
    currency: str
    bank: str
    account_number: str
    holder: str
    deposit_memo: str
    withdrawal_memo: str


@dataclass(frozen=True, slots=True)
class Fate:
    """What a fault script decides about an order: refusal, seconds until it is done, seconds until it comes back."""

    code: str | None = None
    complete_in: float | None = None
    return_in: float | None = None


@dataclass(slots=True)
class Transfer:
    """An order and what became of it."""

    order: Order
    status: Status
    code: str
    bank_reference: str
    complete_code: str | None
    return_in: float | None
    sequence: int | None = None
    executed_at: str | None = None
    returned_at: str | None = None

    @property
    def key(self) -> Key:
        """What the bank knows it by."""
        return self.order.reference, self.order.reference_date


@dataclass(frozen=True, slots=True)
class Line:
    """One booked movement; `sequence` counts from 1 each day, a negative amount left the account."""

    day: str
    sequence: int
    booked_at: str
    kind: str
    amount: int
    balance_after: int
    bank_reference: str
    reference: str
    reference_date: str
    bank: str
    account_number: str
    name: str
    memo: str


class Log:
    """The file: whole lines only, one writer only. With `fsync` an answer survives a power cut, not just a kill."""

    def __init__(self, path: Path, *, fsync: bool) -> None:
        self._fsync = fsync
        self._handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._handle)
            message = f"{path} is in use by another bank process."
            raise BookDamaged(message) from None

    def read(self) -> list[Event]:
        """Return every event. A last line without its end was never answered for, and is cut off."""
        with os.fdopen(os.dup(self._handle), "rb") as stream:
            stream.seek(0)
            content = stream.read()
        whole = content[: content.rfind(b"\n") + 1]
        if len(whole) < len(content):
            os.ftruncate(self._handle, len(whole))
        try:
            return [json.loads(line) for line in whole.splitlines()]
        except ValueError as error:
            message = f"The bank's file has an unreadable line: {error}"
            raise BookDamaged(message) from None

    def append(self, event: Event) -> None:
        """Write one event. One cut short by a full disk is taken back and raised, so that later lines stay whole."""
        line = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        size = os.fstat(self._handle).st_size
        try:
            _write_whole(self._handle, line)
            if self._fsync:
                os.fdatasync(self._handle)
        except OSError:
            os.ftruncate(self._handle, size)
            raise

    def close(self) -> None:
        """Give the file up."""
        os.close(self._handle)


@dataclass(slots=True)
class Book:
    """The bank's whole state. Writing methods take the moment (aware) and return what changed."""

    log: Log
    opening: int = 0
    balance: int = 0
    return_seconds: float = 0
    transfers: dict[Key, Transfer] = field(default_factory=dict)
    executed: list[Transfer] = field(default_factory=list)
    holders: dict[tuple[str, str], str] = field(default_factory=dict)
    deposits: dict[str, Line] = field(default_factory=dict)
    lines: list[Line] = field(default_factory=list)
    _days: list[str] = field(default_factory=list)
    _due: list[tuple[datetime, Key, str]] = field(default_factory=list)
    _latest: datetime = _BEFORE_ALL

    @classmethod
    def open(cls, path: Path, *, balance: int, return_seconds: float, now: datetime, fsync: bool = False) -> Self:
        """Replay the file, or start it with this balance. `return_seconds` is the delay of accounts that send back."""
        book = cls(Log(path, fsync=fsync), return_seconds=return_seconds)
        events = book.log.read()
        try:
            for event in events:
                book._apply(event)
        except (KeyError, TypeError, ValueError) as error:
            message = f"The bank's file has an event it cannot apply: {error!r}"
            raise BookDamaged(message) from None
        if not events:
            # The account is older than this process, so that a past can be loaded behind the present.
            book._record({"kind": "open", "balance": balance, "at": book._stamp(now - _ACCOUNT_AGE)})
        return book

    def close(self) -> None:
        """Release the file."""
        self.log.close()

    def register(self, bank: str, number: str, holder: str) -> None:
        """Make the account known under this holder's name, or rename it."""
        if self.holders.get((bank, number)) != holder:
            self._record({"kind": "account", "bank": bank, "accountNumber": number, "holder": holder})

    def holder(self, bank: str, number: str) -> str | None:
        """Return the holder's name: as registered, else a name made from the number, else None."""
        if (bank, number) in self.holders:
            return self.holders[bank, number]
        if not _KNOWN.fullmatch(number) or _standing_code(number) == _NO_ACCOUNT:
            return None
        digest = hashlib.sha256(f"{bank}:{number}".encode()).digest()
        return _SURNAMES[digest[0] % len(_SURNAMES)] + _GIVEN[digest[1] % len(_GIVEN)]

    def transfer(self, order: Order, fate: Fate, *, now: datetime) -> tuple[Transfer, bool]:
        """Take an order, once per reference and date. Returns the transfer and whether it was known before."""
        known = self.transfers.get((order.reference, order.reference_date))
        if known:
            return known, True
        refusal = self._refusal(order, fate.code)
        later = fate.complete_in is not None
        self._record(
            {
                "kind": "transfer",
                **_order_to_json(order),
                "code": PROCESSING if later else refusal or SUCCESS,
                "completeCode": fate.code if later else None,
                "completeAt": _iso(now + timedelta(seconds=fate.complete_in)) if fate.complete_in is not None else None,
                "returnIn": self._return_delay(order, fate),
                "at": self._stamp(now),
            }
        )
        return self.transfers[order.reference, order.reference_date], False

    def load_past(self, order: Order, executed_at: datetime) -> Transfer:
        """Book a transfer that was executed in the past, after everything booked so far. ValueError if it was not."""
        if executed_at < self._latest:
            raise ValueError("later movements are booked already")
        return self.transfer(order, Fate(), now=executed_at)[0]

    def deposit(self, key: str, amount: int, name: str, memo: str, *, now: datetime) -> Line:
        """Book money coming in, once per key."""
        if key not in self.deposits:
            event = {"kind": "deposit", "id": key, "amount": amount, "depositor": name, "memo": memo}
            self._record(event | {"at": self._stamp(now)})
        return self.deposits[key]

    def next_due(self) -> datetime | None:
        """Return when the bank has something to do by itself; None if never."""
        # What a replay has already seen done leaves its entry behind; the status tells.
        while self._due and self.transfers[self._due[0][1]].status is not _WAITS_IN[self._due[0][2]]:
            heapq.heappop(self._due)
        return self._due[0][0] if self._due else None

    def run_due(self, now: datetime) -> list[Transfer]:
        """Finish what was left processing and send back what is due. Returns the transfers that changed."""
        changed = []
        while (due := self.next_due()) and due <= now:
            _at, key, what = self._due[0]
            transfer = self.transfers[key]
            event: Event = {"kind": what, "reference": key[0], "referenceDate": key[1], "at": self._stamp(now)}
            if what == "complete":
                event["code"] = self._refusal(transfer.order, transfer.complete_code) or SUCCESS
            self._record(event)
            changed.append(transfer)
        return changed

    def statement(self, first: date, last: date) -> tuple[int, int, list[Line]]:
        """Return opening balance, closing balance and lines of these days."""
        start = bisect_left(self._days, first.isoformat())
        end = bisect_right(self._days, last.isoformat())
        before = self.lines[start - 1].balance_after if start else self.opening
        lines = self.lines[start:end]
        return before, lines[-1].balance_after if lines else before, lines

    def _refusal(self, order: Order, scripted: str | None) -> str | None:
        if scripted or _standing_code(order.account_number):
            return scripted or _standing_code(order.account_number)
        if order.currency != CURRENCY:
            return "CURRENCY_NOT_ACCEPTED"
        if self.holders.get((order.bank, order.account_number), order.holder) != order.holder:
            return "815"
        return INSUFFICIENT_FUNDS if order.amount > self.balance else None

    def _return_delay(self, order: Order, fate: Fate) -> float | None:
        if fate.return_in is not None:
            return fate.return_in
        return self.return_seconds if order.account_number.endswith(_RETURNING_SUFFIX) else None

    def _stamp(self, now: datetime) -> str:
        """Return the booking moment: statements are ordered by time, so a clock set back is not followed."""
        self._latest = max(self._latest, now)
        return _iso(self._latest)

    def _record(self, event: Event) -> None:
        self.log.append(event)
        self._apply(event)

    def _apply(self, event: Event) -> None:
        match event["kind"]:
            case "open":
                self.opening = self.balance = event["balance"]
            case "account":
                self.holders[event["bank"], event["accountNumber"]] = event["holder"]
            case "deposit":
                self._apply_deposit(event)
            case "transfer":
                self._apply_transfer(event)
            case "complete" | "return":
                self._apply_due(event)
            case unknown:
                raise ValueError(unknown)
        if "at" in event:
            self._latest = max(self._latest, datetime.fromisoformat(event["at"]))

    def _apply_deposit(self, event: Event) -> None:
        line = self._book(event["at"], "DEPOSIT", event["amount"], name=event["depositor"], memo=event["memo"])
        self.deposits[event["id"]] = line

    def _apply_transfer(self, event: Event) -> None:
        order = _order_from_json(event)
        transfer = Transfer(
            order=order,
            status=Status.PROCESSING,
            code=event["code"],
            bank_reference=f"{event['at'][:10].replace('-', '')}{len(self.transfers) + 1:09d}",
            complete_code=event["completeCode"],
            return_in=event["returnIn"],
        )
        self.transfers[transfer.key] = transfer
        if event["completeAt"]:
            heapq.heappush(self._due, (datetime.fromisoformat(event["completeAt"]), transfer.key, "complete"))
        else:
            self._settle(transfer, event["code"], event["at"])

    def _apply_due(self, event: Event) -> None:
        transfer = self.transfers[event["reference"], event["referenceDate"]]
        if event["kind"] == "complete":
            self._settle(transfer, event["code"], event["at"])
        else:
            transfer.status, transfer.returned_at = Status.RETURNED, event["at"]
            self._book(event["at"], "RETURN", transfer.order.amount, transfer=transfer)

    def _settle(self, transfer: Transfer, code: str, at: str) -> None:
        transfer.code = code
        if code != SUCCESS:
            transfer.status = Status.FAILED
            return
        transfer.status, transfer.executed_at = Status.SUCCEEDED, at
        self.executed.append(transfer)
        transfer.sequence = len(self.executed)
        self._book(at, "TRANSFER", -transfer.order.amount, transfer=transfer)
        if transfer.return_in is not None:
            due = datetime.fromisoformat(at) + timedelta(seconds=transfer.return_in)
            heapq.heappush(self._due, (due, transfer.key, "return"))

    def _book(
        self, at: str, kind: str, amount: int, *, transfer: Transfer | None = None, name: str = "", memo: str = ""
    ) -> Line:
        self.balance += amount
        order = transfer.order if transfer else None
        day = at[:10]
        again = self.lines and self.lines[-1].day == day
        line = Line(
            day=day,
            sequence=self.lines[-1].sequence + 1 if again else 1,
            booked_at=at,
            kind=kind,
            amount=amount,
            balance_after=self.balance,
            bank_reference=transfer.bank_reference if transfer else "",
            reference=order.reference if order else "",
            reference_date=order.reference_date if order else "",
            bank=order.bank if order else "",
            account_number=order.account_number if order else "",
            name=order.holder if order else name,
            memo=order.withdrawal_memo if order else memo,
        )
        self.lines.append(line)
        self._days.append(day)
        return line


def _write_whole(handle: int, line: bytes) -> None:
    if os.write(handle, line) < len(line):
        message = "The bank's file took only a part of a line."
        raise OSError(message)


def _standing_code(number: str) -> str | None:
    code = number[-3:]
    return code if code in STANDING_CODES and number[:-3].endswith(_STANDING_PREFIX) else None


def _iso(moment: datetime) -> str:
    return moment.astimezone(KST).isoformat(timespec="milliseconds")


def _order_to_json(order: Order) -> Event:
    return {
        "reference": order.reference,
        "referenceDate": order.reference_date,
        "amount": order.amount,
        "currency": order.currency,
        "bank": order.bank,
        "accountNumber": order.account_number,
        "holder": order.holder,
        "depositMemo": order.deposit_memo,
        "withdrawalMemo": order.withdrawal_memo,
    }


def _order_from_json(event: Event) -> Order:
    return Order(
        reference=event["reference"],
        reference_date=event["referenceDate"],
        amount=event["amount"],
        currency=event["currency"],
        bank=event["bank"],
        account_number=event["accountNumber"],
        holder=event["holder"],
        deposit_memo=event["depositMemo"],
        withdrawal_memo=event["withdrawalMemo"],
    )

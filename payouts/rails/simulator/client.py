"""
The rail to the simulated bank.

Reading an answer is pure (`read_answer`), and every way of not being sure ends in UNKNOWN: another status than 200, a
body that is no JSON object, a code that is not in the bank's book, or an answer about another transfer.
"""

import csv
import io
import json
import re
from collections.abc import Mapping
from datetime import date, datetime
from types import MappingProxyType
from typing import NoReturn, TypeGuard
from urllib.parse import quote, urlencode

from core import http
from core.clock import SEOUL
from core.money import MAX_AMOUNT
from payouts.rails.base import (
    BankSilent,
    BankUnavailable,
    Business,
    BusinessStatus,
    Instruction,
    LineKind,
    MaintenanceWindow,
    Outcome,
    OutcomeKind,
    Rail,
    RailPromises,
    StatementLine,
    TaxationType,
    mask_account,
)
from payouts.rails.simulator import SETTLE_SECONDS

CERTAIN_FAILURES = frozenset(
    {
        *("412", "415", "416", "419", "420", "499", "815", "CURRENCY_NOT_ACCEPTED"),
        *("INSUFFICIENT_FUNDS", "LIMIT_EXCEEDED", "MAINTENANCE", "REFUSED"),
    }
)
"""The codes with which this bank says for certain that it has not moved the money and will not."""

_KINDS: Mapping[str, OutcomeKind] = MappingProxyType(
    {
        "SUCCESS": OutcomeKind.SUCCEEDED,
        "PROCESSING": OutcomeKind.ACCEPTED,
        **dict.fromkeys(CERTAIN_FAILURES, OutcomeKind.FAILED),
    }
)
_OK, _BAD_REQUEST, _NOT_FOUND = 200, 400, 404
_SPOKEN_REFUSALS: Mapping[tuple[int, str], OutcomeKind] = MappingProxyType(
    {
        (_BAD_REQUEST, "INVALID_REQUEST"): OutcomeKind.FAILED,
        (_NOT_FOUND, "NOT_RECEIVED"): OutcomeKind.NOT_RECEIVED,
    }
)
_STATUSES: Mapping[OutcomeKind, frozenset[str]] = MappingProxyType(
    {
        OutcomeKind.SUCCEEDED: frozenset({"SUCCEEDED", "RETURNED"}),
        OutcomeKind.ACCEPTED: frozenset({"PROCESSING"}),
        OutcomeKind.FAILED: frozenset({"FAILED"}),
    }
)
_CODE = re.compile(r"[A-Z0-9_]{1,40}")
_PLAIN = re.compile(r"[\x21-\x7e]{1,64}")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_WON = re.compile(r"-?(?:0|[1-9][0-9]{0,14})")
_LONG_NUMBER = re.compile(r"[0-9](?:[ -]?[0-9]){6,}")
_EVIDENCE_KEYS = frozenset(
    {
        *("code", "firstCode", "status", "reference", "referenceDate", "amount", "currency", "bank"),
        *("bankReference", "executedAt", "returnedAt"),
    }
)
_EVIDENCE_LENGTH = 2_000
_MESSAGE_LENGTH = 200
_STATEMENT_BYTES = 256 * 1024 * 1024


class SimulatorRail(Rail):
    """
    The simulated bank at `url`. `time_scale` is the one the bank itself runs with; the limits are seconds.

    Every call opens a connection of its own: a kept one can die just as the next request is written on it.
    """

    def __init__(
        self,
        url: str,
        *,
        time_scale: float = 1,
        connect_seconds: float = 5,
        read_seconds: float = 60,
        total_seconds: float = 90,
        maintenance: MaintenanceWindow | None = None,
    ) -> None:
        self._url = url.rstrip("/")
        self._limits = http.Limits(connect=connect_seconds, read=read_seconds, total=total_seconds)
        self._statement_limits = http.Limits(
            connect=connect_seconds, read=read_seconds, total=total_seconds, answer_bytes=_STATEMENT_BYTES
        )
        self._promises = RailPromises(
            deduplicates=True,
            inquiry_authoritative=True,
            settle_delay=SETTLE_SECONDS * time_scale,
            maintenance=maintenance,
        )

    @property
    def promises(self) -> RailPromises:
        """Return what this bank guarantees."""
        return self._promises

    def send(self, instruction: Instruction) -> Outcome:
        """Post the transfer once, and believe only an answer that names it."""
        body = json.dumps(_instruction_body(instruction), ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json"}
        try:
            answer = http.request("POST", f"{self._url}/v1/transfers", body=body, headers=headers, limits=self._limits)
        except http.NotSent as error:
            return Outcome(kind=OutcomeKind.NOT_SENT, code="NOT_SENT", message=str(error))
        except http.SentUnclear as error:
            return _no_answer(error)
        outcome = read_answer(answer.status, answer.body)
        if outcome.kind is OutcomeKind.NOT_RECEIVED:
            # Only an inquiry can be told so; as the answer to a transfer it means nothing known.
            return _unknown("UNEXPECTED_ANSWER", "A transfer was answered like an inquiry.", outcome.evidence)
        return outcome.confirmed_for(instruction)

    def inquire(self, reference: str, reference_date: date) -> Outcome:
        """Ask by reference and date. The amount and account still have to be confirmed."""
        path = f"/v1/transfers/{quote(reference, safe='')}?{urlencode({'date': reference_date.isoformat()})}"
        try:
            answer = http.request("GET", self._url + path, limits=self._limits)
        except http.HttpFailure as error:
            # That the question was not sent says nothing about the transfer.
            return _no_answer(error)
        return read_answer(answer.status, answer.body).confirmed_as(reference, reference_date)

    def account_holder(self, bank: str, number: str) -> str | None:
        """Return the holder's name, or None for an unknown account."""
        answer = self._look_up(f"/v1/accounts/{quote(bank, safe='')}/{quote(number, safe='')}/holder")
        body = _json_object(answer.body)
        if answer.status == _NOT_FOUND and body.get("code") == "ACCOUNT_NOT_FOUND":
            return None
        holder = body.get("holder")
        asked = (bank, number) == (body.get("bank"), body.get("accountNumber"))
        if answer.status != _OK or not asked or not isinstance(holder, str) or not holder:
            _unusable("account holder")
        return holder

    def business(self, number: str) -> Business | None:
        """Return what the tax office has on file, which this bank passes on; None for an unknown number."""
        answer = self._look_up(f"/v1/businesses/{quote(number, safe='')}")
        body = _json_object(answer.body)
        if answer.status == _NOT_FOUND and body.get("code") == "BUSINESS_NOT_FOUND":
            return None
        if answer.status != _OK or body.get("number") != number:
            _unusable("business")
        return read_business(body)

    def balance(self) -> int:
        """Return the balance in won."""
        answer = self._look_up("/v1/balance")
        balance = _json_object(answer.body).get("balance")
        if answer.status != _OK or not _is_won(balance):
            _unusable("balance")
        return balance

    def statement(self, first: date, last: date) -> tuple[StatementLine, ...]:
        """Read the CSV statement of these days."""
        query = urlencode({"from": first.isoformat(), "to": last.isoformat(), "format": "csv"})
        answer = self._look_up(f"/v1/statements?{query}", limits=self._statement_limits)
        if answer.status != _OK:
            _unusable("statement")
        return read_statement(answer.body)

    def _look_up(self, path: str, *, limits: http.Limits | None = None) -> http.Answer:
        try:
            return http.request("GET", self._url + path, limits=limits or self._limits)
        except http.HttpFailure as error:
            message = f"The bank gave no answer: {error}."
            raise BankSilent(message) from None


def read_answer(status: int, body: bytes) -> Outcome:
    """
    Read the bank's answer about one transfer, without knowing which one was asked for.

    The result still has to be confirmed for the instruction or the reference. Never NOT_SENT.
    """
    found = _json_object(body)
    evidence = mask_evidence(status, body)
    code = _matching(_CODE, found.get("firstCode") if found.get("code") == "DUPLICATE" else found.get("code"))
    kind = _KINDS.get(code) if status == _OK else _SPOKEN_REFUSALS.get((status, code))
    if kind is None:
        reason = code if status == _OK and code else f"HTTP_{status}"
        return _unknown(reason, "The bank's answer is none that is documented.", evidence)
    outcome = Outcome(
        kind=kind,
        code=code,
        message=_clean(found.get("message")),
        bank_reference=_matching(_PLAIN, found.get("bankReference")),
        reference=_matching(_PLAIN, found.get("reference")),
        reference_date=_date(found.get("referenceDate")),
        amount=amount if _is_won(amount := found.get("amount")) else None,
        currency=_matching(_CODE, found.get("currency")),
        bank=_matching(_PLAIN, found.get("bank")),
        account_number=_matching(_PLAIN, found.get("accountNumber")),
        executed_at=_moment(found.get("executedAt")),
        returned_at=_moment(found.get("returnedAt")),
        evidence=evidence,
    )
    said = found.get("status")
    contradicts = status == _OK and (not isinstance(said, str) or said not in _STATUSES[kind])
    unproven = kind is OutcomeKind.SUCCEEDED and not (outcome.executed_at and outcome.bank_reference)
    if contradicts or unproven:
        return _unknown("UNREADABLE", f"The bank's answer ({code}) contradicts itself or is not whole.", evidence)
    return outcome


def read_business(body: Mapping[str, object]) -> Business:
    """Read the bank's answer about a business. Raises BankUnavailable for words nobody knows."""
    try:
        status = BusinessStatus(str(body.get("status")))
        taxation = TaxationType(str(body.get("taxation")))
    except ValueError:
        _unusable("business")
    return Business(
        number=_matching(_PLAIN, body.get("number")),
        status=status,
        taxation=taxation,
        name=_printable(body.get("name")),
        representative=_printable(body.get("representative")),
        address=_printable(body.get("address")),
        zip_code=_printable(body.get("zipCode")),
        entity=_printable(body.get("entity")),
        kind=_printable(body.get("kind")),
        item=_printable(body.get("item")),
        category=_printable(body.get("category")),
        opened_on=_date(body.get("openedOn")),
        closed_on=_date(body.get("closedOn")),
        taxation_since=_date(body.get("taxationSince")),
    )


def read_statement(body: bytes) -> tuple[StatementLine, ...]:
    """Read the bank's CSV. Raises BankUnavailable if any line is not what it must be."""
    try:
        rows = list(csv.DictReader(io.StringIO(body.decode()), strict=True))
        return tuple(_line(row) for row in rows)
    except (ValueError, KeyError, TypeError, csv.Error):
        _unusable("statement")


def mask_evidence(status: int, body: bytes) -> str:
    """Return the answer as text fit to be kept: short, without NUL, account numbers and other long numbers masked."""
    found = _json_object(body)
    if found:
        kept = {name: value if name in _EVIDENCE_KEYS else _hide(name, value) for name, value in found.items()}
        text = json.dumps(kept, ensure_ascii=False)
    else:
        text = _mask_numbers(body[: 2 * _EVIDENCE_LENGTH].decode(errors="replace"))
    safe = text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode(errors="backslashreplace").decode()
    return f"{status} {safe[:_EVIDENCE_LENGTH]}"


def _instruction_body(instruction: Instruction) -> dict[str, str | int]:
    return {
        "reference": instruction.reference,
        "referenceDate": instruction.reference_date.isoformat(),
        "amount": instruction.amount,
        "currency": instruction.currency,
        "bank": instruction.bank,
        "accountNumber": instruction.account_number,
        "holder": instruction.holder,
        "depositMemo": instruction.deposit_memo,
        "withdrawalMemo": instruction.withdrawal_memo,
    }


def _no_answer(error: http.HttpFailure) -> Outcome:
    return _unknown("NO_ANSWER", str(error), f"{type(error).__name__}: {error}")


def _unknown(code: str, message: str, evidence: str) -> Outcome:
    return Outcome(kind=OutcomeKind.UNKNOWN, code=code, message=message, evidence=evidence)


def _unusable(subject: str) -> NoReturn:
    message = f"The bank's answer about the {subject} is unusable."
    raise BankUnavailable(message)


def _json_object(body: bytes) -> dict[str, object]:
    """Return the JSON object, an empty one for anything else or for doubled names."""
    try:
        found = json.loads(body, object_pairs_hook=_without_doubles)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _without_doubles(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        message = "A name appears twice."
        raise ValueError(message)
    return found


def _is_won(value: object) -> TypeGuard[int]:
    return type(value) is int and abs(value) <= MAX_AMOUNT


def _matching(pattern: re.Pattern[str], value: object) -> str:
    return value if isinstance(value, str) and pattern.fullmatch(value) else ""


def _date(value: object) -> date | None:
    try:
        return date.fromisoformat(_matching(_DAY, value))
    except ValueError:
        return None


def _moment(value: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(_matching(_PLAIN, value))
        return moment.astimezone(SEOUL) if moment.tzinfo else None
    except (ValueError, OverflowError):
        return None


def _clean(value: object) -> str:
    return _mask_numbers(_printable(value))[:_MESSAGE_LENGTH]


def _printable(value: object) -> str:
    text = "".join(c for c in value if c.isprintable()) if isinstance(value, str) else ""
    return text[: 2 * _MESSAGE_LENGTH]


def _hide(name: str, value: object) -> object:
    if name == "holder":
        return "*"
    if name == "accountNumber" and isinstance(value, str):
        return mask_account(value)
    return _mask_numbers(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def _mask_numbers(text: str) -> str:
    return _LONG_NUMBER.sub(lambda found: mask_account(found.group()), text)


def _line(row: Mapping[str, str]) -> StatementLine:
    booked_at = _moment(row["booked_at"])
    if booked_at is None:
        raise ValueError
    return StatementLine(
        day=date.fromisoformat(row["date"]),
        sequence=_whole(row["sequence"]),
        booked_at=booked_at,
        kind=LineKind(row["kind"]),
        amount=_whole(row["amount"]),
        balance_after=_whole(row["balance_after"]),
        currency=row["currency"],
        bank_reference=row["bank_reference"],
        reference=row["reference"],
        reference_date=_date(row["reference_date"]),
        bank=row["bank"],
        account_number=row["account_number"],
        name=row["name"],
        memo=row["memo"],
    )


def _whole(text: str) -> int:
    if not _WON.fullmatch(text):
        raise ValueError
    return int(text)

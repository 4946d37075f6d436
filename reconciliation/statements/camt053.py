"""
Reading ISO 20022 camt.053 as statement lines: every booked entry, a batch as its parts.

Entries have no running balance, so it is counted from the opening balance, but only where the bank's own balances add
up with the entries: otherwise the lines have none and the last one is a gap.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from itertools import accumulate, pairwise

from core.clock import SEOUL, seoul_day
from core.money import MAX_AMOUNT, MINOR_DIGITS
from payouts.rails.files import xml_read
from payouts.rails.files.camt053 import NAMESPACES
from payouts.rails.files.xml_read import Node
from reconciliation.amounts import EXACT
from reconciliation.statements import following
from reconciliation.statements.lines import Form, Said, StatementFile, StatementLine
from reconciliation.statements.refusals import refused
from reconciliation.statements.texts import LONGEST, known_bank, memo_of

_SIGNS = {"CRDT": 1, "DBIT": -1}
_FEES = frozenset({"CHRG", "FEES", "COMM", "CHRC"})
_RETURNS = frozenset({"RRTN", "RRCT", "RPCR"})
_OURS_OUT, _OTHERS_IN = "ICDT", "RCDT"  # issued and received credit transfers
_NOT_PROVIDED = "NOTPROVIDED"
_AMOUNT = re.compile(r"[0-9]{1,18}(?:\.[0-9]{1,5})?")


@dataclass(frozen=True, slots=True)
class _Statement:
    """One statement of a message."""

    first_day: date
    last_day: date
    opening: int | None
    closing: int | None
    lines: tuple[StatementLine, ...]


def read(body: bytes) -> StatementFile:
    """Return the statement of a message about one account. Raises FileRefused or StatementRefused by line."""
    root, _namespace = xml_read.read(body, NAMESPACES)
    message = root.need("BkToCstmrStmt")
    nodes = list(message.all("Stmt"))
    if not nodes:
        raise refused("element_missing", row=root.line, column="BkToCstmrStmt/Stmt")
    accounts, currencies = {_account(node) for node in nodes}, {_currency(node) for node in nodes}
    if len(accounts) > 1:
        raise refused("several_accounts", row=nodes[1].line, column="Acct")
    if len(currencies) > 1:
        raise refused("several_currencies", row=nodes[1].line, column="Ccy", found=", ".join(sorted(currencies)))
    account, currency = accounts.pop(), currencies.pop()
    statements, count = [], 0
    for node in nodes:
        statements.append(_statement(node, account, currency, count))
        count += sum(1 for _entry in node.all("Ntry"))
    statements.sort(key=lambda one: (one.first_day, one.last_day))
    lines = tuple(line for one in statements for line in one.lines)
    if len({node.told("Id") for node in nodes}) == 1:
        statement_id = nodes[0].told("Id")
    else:
        statement_id = message.told("GrpHdr", "MsgId")
    return StatementFile(
        form=Form.CAMT053,
        account_number=account,
        currency=currency,
        statement_id=statement_id[:100],
        first_day=min(one.first_day for one in statements),
        last_day=max(one.last_day for one in statements),
        opening=statements[0].opening,
        closing=statements[-1].closing,
        lines=lines,
        gaps=tuple(sorted({row for one in statements for row in _gaps(one)} | set(_breaks(statements)))),
    )


def _gaps(statement: _Statement) -> Iterator[int]:
    """Yield the last line of a statement whose balances do not add up with its lines."""
    known = statement.opening is not None and statement.closing is not None
    if known and statement.lines and statement.lines[-1].balance_after is None:
        yield statement.lines[-1].row


def _breaks(statements: Sequence[_Statement]) -> Iterator[int]:
    """Yield the first line of each statement that does not begin with what the one before ended with."""
    for before, after in pairwise(statements):
        differ = before.closing is not None and after.opening is not None and before.closing != after.opening
        if differ and after.lines:
            yield after.lines[0].row


def _statement(node: Node, account: str, currency: str, before: int) -> _Statement:
    entries = [(before + place, entry) for place, entry in enumerate(node.all("Ntry"), start=1)]
    lines = [
        line
        for number, entry in entries
        if _status(entry) == "BOOK"
        for line in _lines(number, entry, account, currency)
    ]
    lines = following.in_booking_order(lines)
    opening, closing = _balance(node, currency, "OPBD", "PRCD"), _balance(node, currency, "CLBD")
    moved = sum(line.amount for line in lines)
    if opening is None and closing is not None:
        opening = closing - moved
    elif closing is None and opening is not None:
        closing = opening + moved
    if opening is not None and opening + moved == closing:
        balances = list(accumulate((line.amount for line in lines), initial=opening))[1:]
        lines = [replace(line, balance_after=balance) for line, balance in zip(lines, balances, strict=True)]
    days = [*(line.day for line in lines), *_days(node)]
    if not days:
        raise refused("no_lines")
    return _Statement(min(days), max(days), opening, closing, tuple(lines))


def _account(statement: Node) -> str:
    identity = statement.need("Acct", "Id")
    number = identity.told("Othr", "Id") or identity.told("IBAN")
    return "".join(number.split())[: LONGEST["account"]]


def _currency(statement: Node) -> str:
    amount = statement.find("Ntry", "Amt") or statement.find("Bal", "Amt")
    code = statement.told("Acct", "Ccy") or (amount.attributes.get("Ccy", "") if amount else "") or "KRW"
    if code not in MINOR_DIGITS:
        raise refused("currency", row=statement.line, column="Ccy", found=code[:10])
    return code


def _days(statement: Node) -> Iterator[date]:
    """Yield the days that the statement says it is about."""
    span = statement.find("FrToDt")
    if span is not None:
        for name in ("FrDtTm", "ToDtTm"):
            if (node := span.find(name)) is not None:
                yield _moment(node)[0]
        return
    for balance in statement.all("Bal"):
        if balance.told("Tp", "CdOrPrtry", "Cd") in {"OPBD", "CLBD"} and (node := balance.find("Dt")) is not None:
            yield _moment(node)[0]


def _balance(statement: Node, currency: str, *codes: str) -> int | None:
    for code in codes:
        for balance in statement.all("Bal"):
            if balance.told("Tp", "CdOrPrtry", "Cd") == code:
                return _signed(balance, currency)
    return None


def _status(entry: Node) -> str:
    return entry.told("Sts", "Cd") or entry.told("Sts")


def _signed(node: Node, currency: str) -> int:
    sign = _SIGNS.get(node.need("CdtDbtInd").text.strip())
    if sign is None:
        raise refused("not_debit_or_credit", row=node.line, column="CdtDbtInd")
    return sign * _amount(node.need("Amt"), currency)


def _amount(node: Node, currency: str) -> int:
    """Return the minor units of an amount, which must be in the currency of the account."""
    found = node.attributes.get("Ccy", "")
    if found != currency:
        raise refused("currency_differs", row=node.line, column=node.name, found=found[:10] or "-", expected=currency)
    text = node.text.strip()
    minor = Decimal(text).scaleb(MINOR_DIGITS[currency], EXACT) if _AMOUNT.fullmatch(text) else None
    if minor is None or minor != minor.to_integral_value() or minor > MAX_AMOUNT:
        raise refused("not_an_amount", row=node.line, column=node.name)
    return int(minor)


def _moment(node: Node) -> tuple[date, datetime | None]:
    """Return the Seoul day of a DateAndDateTime choice, and the moment where it says one."""
    moment = xml_read.moment(node)
    if moment is None:
        raise refused("not_a_date", row=node.line, column=node.name)
    moment = moment.astimezone(SEOUL)
    has_time = node.find("DtTm") is not None or "T" in node.text
    return seoul_day(moment), moment if has_time else None


# Entries.


def _lines(number: int, entry: Node, account: str, currency: str) -> Iterator[StatementLine]:
    """Yield one line for each part of an entry whose parts say their amounts, else one for the entry."""
    amount = _signed(entry, currency)
    if amount == 0:
        return
    details = [detail for group in entry.all("NtryDtls") for detail in group.all("TxDtls")]
    parts = [part for detail in details if (part := detail.find("Amt")) is not None]
    if len(details) > 1 and len(parts) == len(details):
        amounts = [_amount(part, currency) for part in parts]
        if sum(amounts) != abs(amount):
            raise refused("parts_differ", row=entry.line, column="NtryDtls")
        sign = 1 if amount > 0 else -1
        for detail, part_amount in zip(details, amounts, strict=True):
            if part_amount:
                yield _line(number, entry, detail, sign * part_amount, account, currency)
    else:
        yield _line(number, entry, details[0] if len(details) == 1 else entry, amount, account, currency)


def _line(number: int, entry: Node, detail: Node, amount: int, account: str, currency: str) -> StatementLine:
    booked = entry.find("BookgDt") or entry.need("ValDt")
    day, booked_at = _moment(booked)
    reference = detail.told("Refs", "EndToEndId")
    bank_reference = detail.told("Refs", "AcctSvcrRef") or entry.told("AcctSvcrRef")
    said = _said(entry, detail, amount, has_reference=reference not in ("", _NOT_PROVIDED))
    agent, number_of_other, name = _other_side(detail, amount, said, account)
    return StatementLine(
        row=number,
        day=day,
        booked_at=booked_at,
        amount=amount,
        balance_after=None,
        currency=currency,
        said=said,
        bank_reference=_fitting(entry, bank_reference, "bank_reference"),
        reference="" if reference == _NOT_PROVIDED else _fitting(entry, reference, "reference"),
        reference_date=_day_of(detail.told("Refs", "InstrId")),
        bank=_fitting(entry, known_bank(agent), "bank"),
        account_number=_fitting(entry, number_of_other, "account"),
        name=_fitting(entry, name, "name"),
        memo=memo_of(" ".join(note.text for note in _notes(detail))),
    )


def _said(entry: Node, detail: Node, amount: int, *, has_reference: bool) -> Said:
    family = {_coded(node, "Fmly", "Cd") for node in (entry, detail)}
    kinds = {_coded(node, "Fmly", "SubFmlyCd") for node in (entry, detail)}
    returned = detail.find("RtrInf") is not None or entry.told("RvslInd") == "true" or bool(kinds & _RETURNS)
    if amount > 0:
        if returned:
            return Said.RETURN
        return Said.DEPOSIT if _OTHERS_IN in family else Said.OTHER
    if kinds & _FEES:
        return Said.FEE
    is_transfer = not returned and (_OURS_OUT in family or has_reference)
    return Said.TRANSFER if is_transfer else Said.OTHER


def _coded(node: Node, *path: str) -> str:
    return node.told("BkTxCd", "Domn", *path)


def _notes(detail: Node) -> Iterator[Node]:
    told = detail.find("RmtInf")
    if told is not None:
        yield from told.all("Ustrd")
    elif (said := detail.find("AddtlNtryInf") or detail.find("AddtlTxInf")) is not None:
        yield said


def _other_side(detail: Node, amount: int, said: Said, account: str) -> tuple[str, str, str]:
    """
    Return bank, account number and name of the other side.

    Who is paid is the creditor, who pays the debtor; money that came back keeps the roles of the payment it undoes.
    """
    roles = ("Cdtr",) if amount < 0 else ("Cdtr", "Dbtr") if said is Said.RETURN else ("Dbtr", "Cdtr")
    bank = number = name = ""
    for role in roles:
        party, identity = detail.find("RltdPties", role), detail.find("RltdPties", f"{role}Acct", "Id")
        own = (identity.told("Othr", "Id") or identity.told("IBAN")) if identity else ""
        if own and "".join(own.split()) == account:
            continue
        name = name or ((party.told("Pty", "Nm") or party.told("Nm")) if party else "")
        number = number or own.replace("-", "").replace(" ", "")
        bank = bank or _agent(detail.find("RltdAgts", f"{role}Agt", "FinInstnId"))
    return bank, number, name


def _agent(node: Node | None) -> str:
    if node is None:
        return ""
    return node.told("ClrSysMmbId", "MmbId") or node.told("Othr", "Id") or node.told("BICFI") or node.told("Nm")


def _fitting(entry: Node, text: str, name: str) -> str:
    if len(text) > LONGEST[name]:
        raise refused("too_long", row=entry.line, column=name, limit=LONGEST[name])
    return text


def _day_of(text: str) -> date | None:
    """Return the day that our own instruction ids are; None for those of others."""
    try:
        return date.fromisoformat(text) if len(text) == len("2026-01-01") else None
    except ValueError:
        return None

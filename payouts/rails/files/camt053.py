"""
Reading ISO 20022 camt.053, the bank's statement of an account.

Its balances must add up with its entries, else nothing of it is believed. A debit that names one of our references is
a transfer that was made; a credit that names one and says why it was returned is money that came back.
"""

from payouts.rails.base import OutcomeKind
from payouts.rails.files import xml_read
from payouts.rails.files.answers import Answer, Form, Movement, Reading, bank_of, message_of
from payouts.rails.files.refusals import refused
from payouts.rails.files.xml_read import Node

VERSIONS = ("02", "04", "06", "08", "09", "10", "11", "12", "13")
NAMESPACES = frozenset(f"urn:iso:std:iso:20022:tech:xsd:camt.053.001.{version}" for version in VERSIONS)

_SIGNS = {"CRDT": 1, "DBIT": -1}
_BOOKED = "BOOK"


def read(body: bytes) -> Reading:
    """Return the booked entries of a message with one account. Raises FileRefused naming line, element and reason."""
    root, _namespace = xml_read.read(body, NAMESPACES)
    statements = list(root.need("BkToCstmrStmt").all("Stmt"))
    if not statements:
        raise refused("element_missing", line=root.line, where="BkToCstmrStmt/Stmt")
    numbers = {_account(statement) for statement in statements}
    if len(numbers) > 1:
        raise refused("several_accounts", line=statements[1].line, where="Acct")
    answers = [answer for statement in statements for answer in _entries(statement)]
    return Reading(Form.CAMT053, tuple(answers), account_number=numbers.pop())


def _account(statement: Node) -> str:
    identity = statement.need("Acct", "Id")
    return identity.told("Othr", "Id") or identity.told("IBAN")


def _entries(statement: Node) -> list[Answer]:
    booked = [entry for entry in statement.all("Ntry") if _status(entry) == _BOOKED]
    opening, closing = _balance(statement, "OPBD", "PRCD"), _balance(statement, "CLBD")
    moved = sum(_signed(entry) for entry in booked)
    if opening + moved != closing:
        raise refused(
            "balances_differ",
            line=statement.line,
            where="Bal",
            opening=opening,
            moved=moved,
            closing=closing,
        )
    return [answer for entry in booked for answer in _answers(entry)]


def _status(entry: Node) -> str:
    return entry.told("Sts", "Cd") or entry.told("Sts")


def _signed(node: Node) -> int:
    sign = _SIGNS.get(node.need("CdtDbtInd").text.strip())
    if sign is None:
        raise refused("not_debit_or_credit", line=node.line, where="CdtDbtInd")
    return sign * xml_read.won(node.need("Amt"))


def _balance(statement: Node, *codes: str) -> int:
    for balance in statement.all("Bal"):
        if balance.told("Tp", "CdOrPrtry", "Cd") in codes:
            return _signed(balance)
    raise refused("balance_missing", line=statement.line, where="Bal", balance=codes[0])


def _answers(entry: Node) -> list[Answer]:
    """Return one answer for each transfer of an entry; a batch names its parts, whose sum must be the entry's."""
    details = [detail for group in entry.all("NtryDtls") for detail in group.all("TxDtls")]
    if not details:
        return [_answer(entry, entry, abs(_signed(entry)))]
    amounts = [_part(detail, entry, alone=len(details) == 1) for detail in details]
    if sum(amounts) != abs(_signed(entry)):
        raise refused("parts_differ", line=entry.line, where="NtryDtls")
    return [_answer(entry, detail, amount) for detail, amount in zip(details, amounts, strict=True)]


def _part(detail: Node, entry: Node, *, alone: bool) -> int:
    amount = detail.find("Amt") or detail.find("AmtDtls", "TxAmt", "Amt")
    if amount is not None:
        return xml_read.won(amount)
    if alone:
        return abs(_signed(entry))
    raise refused("element_missing", line=detail.line, where="TxDtls/Amt")


def _answer(entry: Node, detail: Node, amount: int) -> Answer:
    reference = detail.told("Refs", "EndToEndId")
    reference = "" if reference == "NOTPROVIDED" else reference
    returned = detail.find("RtrInf") is not None or entry.told("RvslInd") == "true"
    code = detail.told("RtrInf", "Rsn", "Cd") if returned else "BOOK"
    is_credit = _signed(entry) > 0
    movement = Movement.RETURN if is_credit and returned else Movement.OTHER if is_credit else Movement.TRANSFER
    agent = detail.find("RltdAgts", "CdtrAgt", "FinInstnId")
    bank = (agent.told("ClrSysMmbId", "MmbId") or agent.told("Othr", "Id")) if agent else ""
    party = detail.find("RltdPties", "Cdtr") or detail.find("RltdPties", "Dbtr")
    return Answer(
        line=entry.line,
        kind=OutcomeKind.SUCCEEDED,
        code=code or "RETURNED",
        message=message_of(detail.told("RmtInf", "Ustrd")),
        reference=reference,
        amount=amount,
        bank=bank_of(bank),
        account_number=detail.told("RltdPties", "CdtrAcct", "Id", "Othr", "Id"),
        holder=(party.told("Pty", "Nm") or party.told("Nm")) if party else "",
        executed_at=xml_read.moment(entry.need("BookgDt")),
        bank_reference=(detail.told("Refs", "AcctSvcrRef") or entry.told("AcctSvcrRef"))[:100],
        movement=movement,
        said={"CdtDbtInd": entry.told("CdtDbtInd"), "EndToEndId": reference, "reason": code},
    )

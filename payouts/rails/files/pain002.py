"""
Reading ISO 20022 pain.002, the bank's report on the status of an order (CustomerPaymentStatusReport).

A transfer is paid only with a status that says so, and refused only with RJCT or CANC. A refusal as a duplicate says
that the bank has such an order already, which is the opposite of proof that no money moves: it decides nothing.
"""

import re

from payouts.rails.base import OutcomeKind
from payouts.rails.files import xml_read
from payouts.rails.files.answers import Answer, Form, Reading, bank_of, message_of
from payouts.rails.files.refusals import refused
from payouts.rails.files.xml_read import Node

# The version that answers pain.001.001.09, the older one most banks still send, and those since.
VERSIONS = ("03", "10", "11", "12", "13", "14")
NAMESPACES = frozenset(f"urn:iso:std:iso:20022:tech:xsd:pain.002.001.{version}" for version in VERSIONS)

_PAID = frozenset({"ACSC", "ACCC"})
_REFUSED = frozenset({"RJCT", "CANC"})
_IN_HAND = frozenset({"RCVD", "ACTC", "ACCP", "ACSP", "ACWC", "ACWP", "ACFC", "PDNG", "PATC"})
_DUPLICATES = frozenset({"AM05", "DUPL", "DU01", "DU02", "DU03", "DU04", "DU05"})
_CODE = re.compile(r"[A-Za-z0-9_]{1,35}")


def kind_of(status: str, reason: str = "") -> OutcomeKind:
    """Return what a status code with its reason code proves; an unknown one proves nothing."""
    if status in _PAID:
        return OutcomeKind.SUCCEEDED
    if status in _REFUSED:
        return OutcomeKind.UNKNOWN if reason in _DUPLICATES else OutcomeKind.FAILED
    return OutcomeKind.ACCEPTED if status in _IN_HAND else OutcomeKind.UNKNOWN


def read(body: bytes) -> Reading:
    """Return what a report says. Raises FileRefused naming line, element and reason."""
    root, _namespace = xml_read.read(body, NAMESPACES)
    group = root.need("CstmrPmtStsRpt", "OrgnlGrpInfAndSts")
    message_id = group.need("OrgnlMsgId").text.strip()
    answers: list[Answer] = []
    whole: Node | None = group if group.told("GrpSts") else None
    for payments in root.need("CstmrPmtStsRpt").all("OrgnlPmtInfAndSts"):
        answers += [_answer(node) for node in payments.all("TxInfAndSts")]
        whole = payments if whole is None and payments.told("PmtInfSts") else whole
    answers += [_answer(node) for node in root.need("CstmrPmtStsRpt").all("TxInfAndSts")]
    _refuse_doubled(answers)
    everything = _everything(whole, group) if whole is not None else None
    return Reading(Form.PAIN002, tuple(answers), message_id=message_id, everything=everything)


def _refuse_doubled(answers: list[Answer]) -> None:
    seen: set[str] = set()
    for answer in answers:
        if answer.reference in seen:
            raise refused("reference_doubled", line=answer.line, where="OrgnlEndToEndId", reference=answer.reference)
        seen.add(answer.reference)


def _reason(node: Node) -> tuple[str, str]:
    """Return code and words of the reason."""
    for reason in node.all("StsRsnInf"):
        code = reason.told("Rsn", "Cd") or reason.told("Rsn", "Prtry")
        words = " ".join(more.text.strip() for more in reason.all("AddtlInf"))
        return (code if _CODE.fullmatch(code) else ""), message_of(words)
    return "", ""


def _answer(node: Node) -> Answer:
    reference, status = node.told("OrgnlEndToEndId"), node.told("TxSts")
    if not reference:
        raise refused("element_missing", line=node.line, where="TxInfAndSts/OrgnlEndToEndId")
    code, words = _reason(node)
    original = node.find("OrgnlTxRef")
    amount = (original.find("Amt", "InstdAmt") or original.find("IntrBkSttlmAmt")) if original else None
    member = original.told("CdtrAgt", "FinInstnId", "ClrSysMmbId", "MmbId") if original else ""
    account = original.told("CdtrAcct", "Id", "Othr", "Id") if original else ""
    return Answer(
        line=node.line,
        kind=kind_of(status, code),
        code=code or status or "NO_STATUS",
        message=words,
        reference=reference,
        amount=xml_read.won(amount) if amount is not None else None,
        bank=bank_of(member),
        account_number=account,
        executed_at=xml_read.moment(node.find("AccptncDtTm")),
        bank_reference=node.told("AcctSvcrRef")[:100],
        said={"TxSts": status, "StsRsn": code, "OrgnlEndToEndId": reference},
    )


def _everything(node: Node, group: Node) -> Answer | None:
    """
    Return what is said of every transfer that is not listed.

    A refusal of the whole needs no more. That the whole is paid counts only beside the number and the sum of the
    transfers, which the reader compares with the file.
    """
    status = node.told("GrpSts") or node.told("PmtInfSts")
    code, words = _reason(node)
    kind = kind_of(status, code)
    counted = node.find("OrgnlNbOfTxs") or group.find("OrgnlNbOfTxs")
    summed = node.find("OrgnlCtrlSum") or group.find("OrgnlCtrlSum")
    if kind is OutcomeKind.SUCCEEDED and (counted is None or summed is None):
        kind = OutcomeKind.ACCEPTED
    return Answer(
        line=node.line,
        kind=kind,
        code=code or status,
        message=words,
        amount=xml_read.figure(summed) if summed is not None else None,
        said={"status": status, "StsRsn": code, "count": counted.text.strip() if counted else ""},
    )

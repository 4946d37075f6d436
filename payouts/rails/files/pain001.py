"""
Writing ISO 20022 pain.001.001.09, the customer's order to transfer.

One message with one group of payments from one account. The end-to-end id is the reference of the transfer and the
instruction's id its date, which together name it at every bank. Amounts are won and have no fraction.
"""

from datetime import datetime
from xml.etree.ElementTree import Element, SubElement, tostring

from core.clock import SEOUL
from payouts.rails.base import Instruction
from payouts.rails.files.order import BANK_NUMBERS, CURRENCY, Order, plain
from payouts.rails.files.refusals import refused

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"
CLEARING_SYSTEM = "KRBOK"
LONGEST_ID = 35
_LONGEST_NAME, _LONGEST_REMITTANCE = 140, 140


def write(order: Order) -> bytes:
    """Return the message as UTF-8. Raises FileRefused for an order without transfers or with an id that is too long."""
    if not order.transfers:
        raise refused("no_transfers")
    payment_id = f"{order.message_id}-1"
    if len(payment_id) > LONGEST_ID:
        raise refused("id_too_long", where="MsgId", limit=LONGEST_ID)
    document = Element("Document", xmlns=NAMESPACE)
    message = SubElement(document, "CstmrCdtTrfInitn")
    header = SubElement(message, "GrpHdr")
    _texts(header, MsgId=order.message_id, CreDtTm=_moment(order.made_at))
    _sums(header, order)
    _texts(SubElement(header, "InitgPty"), Nm=order.payer.name[:_LONGEST_NAME])
    payments = SubElement(message, "PmtInf")
    _texts(payments, PmtInfId=payment_id, PmtMtd="TRF", BtchBookg="false")
    _sums(payments, order)
    _texts(SubElement(payments, "ReqdExctnDt"), Dt=order.day.isoformat())
    _texts(SubElement(payments, "Dbtr"), Nm=order.payer.name[:_LONGEST_NAME])
    account = SubElement(payments, "DbtrAcct")
    _account(account, order.payer.account_number)
    _texts(account, Ccy=CURRENCY)
    _agent(SubElement(payments, "DbtrAgt"), order.payer.bank)
    _texts(payments, ChrgBr="SLEV")
    for one in order.transfers:
        _transfer(SubElement(payments, "CdtTrfTxInf"), one)
    body: bytes = tostring(document, encoding="utf-8", xml_declaration=True)
    return body


def _transfer(parent: Element, one: Instruction) -> None:
    _texts(SubElement(parent, "PmtId"), InstrId=one.reference_date.isoformat(), EndToEndId=one.reference)
    SubElement(SubElement(parent, "Amt"), "InstdAmt", Ccy=CURRENCY).text = str(one.amount)
    _agent(SubElement(parent, "CdtrAgt"), one.bank)
    _texts(SubElement(parent, "Cdtr"), Nm=one.holder.strip())
    _account(SubElement(parent, "CdtrAcct"), one.account_number)
    told = plain(one.deposit_memo)[:_LONGEST_REMITTANCE]
    if told:
        _texts(SubElement(parent, "RmtInf"), Ustrd=told)


def _sums(parent: Element, order: Order) -> None:
    _texts(parent, NbOfTxs=str(len(order.transfers)), CtrlSum=str(order.total))


def _agent(parent: Element, bank: str) -> None:
    member = SubElement(SubElement(parent, "FinInstnId"), "ClrSysMmbId")
    _texts(SubElement(member, "ClrSysId"), Cd=CLEARING_SYSTEM)
    _texts(member, MmbId=BANK_NUMBERS[bank])


def _account(parent: Element, number: str) -> None:
    _texts(SubElement(SubElement(parent, "Id"), "Othr"), Id=number)


def _texts(parent: Element, **values: str) -> None:
    for name, value in values.items():
        SubElement(parent, name).text = value


def _moment(moment: datetime) -> str:
    return moment.astimezone(SEOUL).isoformat(timespec="seconds")

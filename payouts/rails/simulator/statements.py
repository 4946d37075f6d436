"""The simulated bank's statements: CSV with one line a movement, and ISO 20022 camt.053."""

import csv
import io
from collections.abc import Iterable
from datetime import date
from xml.etree.ElementTree import Element, SubElement, tostring

from payouts.rails.simulator.book import CURRENCY, Line

ACCOUNT = "140012345678"
CSV_COLUMNS = (
    *("date", "sequence", "booked_at", "kind", "amount", "balance_after", "currency", "bank_reference"),
    *("reference", "reference_date", "bank", "account_number", "name", "memo"),
)
_NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"


def to_csv(lines: Iterable[Line]) -> bytes:
    """Return UTF-8 CSV under CSV_COLUMNS; amounts are signed won."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(CSV_COLUMNS)
    for line in lines:
        writer.writerow(
            (
                *(line.day, line.sequence, line.booked_at, line.kind, line.amount, line.balance_after, CURRENCY),
                *(line.bank_reference, line.reference, line.reference_date),
                *(line.bank, line.account_number, line.name, line.memo),
            )
        )
    return text.getvalue().encode()


def to_camt053(lines: list[Line], *, first: date, last: date, opening: int, closing: int, created_at: str) -> bytes:
    """Return one camt.053.001.08 document with one statement over these days."""
    document = Element("Document", xmlns=_NAMESPACE)
    message = SubElement(document, "BkToCstmrStmt")
    header = SubElement(message, "GrpHdr")
    number = f"{ACCOUNT}-{first:%Y%m%d}-{last:%Y%m%d}"
    _texts(header, MsgId=number, CreDtTm=created_at)
    statement = SubElement(message, "Stmt")
    _texts(statement, Id=number, CreDtTm=created_at)
    span = SubElement(statement, "FrToDt")
    _texts(span, FrDtTm=f"{first}T00:00:00+09:00", ToDtTm=f"{last}T23:59:59+09:00")
    account = SubElement(statement, "Acct")
    _texts(SubElement(SubElement(account, "Id"), "Othr"), Id=ACCOUNT)
    _texts(account, Ccy=CURRENCY)
    _balance(statement, "OPBD", opening, first)
    _balance(statement, "CLBD", closing, last)
    for line in lines:
        _entry(statement, line)
    body: bytes = tostring(document, encoding="utf-8", xml_declaration=True)
    return body


def _texts(parent: Element, **values: str) -> None:
    for name, value in values.items():
        SubElement(parent, name).text = value


def _amount(parent: Element, amount: int) -> None:
    SubElement(parent, "Amt", Ccy=CURRENCY).text = str(abs(amount))
    _texts(parent, CdtDbtInd="DBIT" if amount < 0 else "CRDT")


def _balance(statement: Element, code: str, amount: int, day: date) -> None:
    balance = SubElement(statement, "Bal")
    _texts(SubElement(SubElement(balance, "Tp"), "CdOrPrtry"), Cd=code)
    _amount(balance, amount)
    _texts(SubElement(balance, "Dt"), Dt=day.isoformat())


def _entry(statement: Element, line: Line) -> None:
    entry = SubElement(statement, "Ntry")
    _texts(entry, NtryRef=f"{line.day}-{line.sequence}")
    _amount(entry, line.amount)
    _texts(SubElement(entry, "Sts"), Cd="BOOK")
    _texts(SubElement(entry, "BookgDt"), DtTm=line.booked_at)
    _texts(SubElement(entry, "ValDt"), Dt=line.day)
    if line.bank_reference:
        _texts(entry, AcctSvcrRef=line.bank_reference)
    family, detail = {"TRANSFER": ("ICDT", "DMCT"), "RETURN": ("RCDT", "RRTN"), "DEPOSIT": ("RCDT", "DMCT")}[line.kind]
    domain = SubElement(SubElement(entry, "BkTxCd"), "Domn")
    _texts(domain, Cd="PMNT")
    _texts(SubElement(domain, "Fmly"), Cd=family, SubFmlyCd=detail)
    _details(SubElement(SubElement(entry, "NtryDtls"), "TxDtls"), line)


def _details(details: Element, line: Line) -> None:
    if line.reference:
        # The reference is only unique with its date, which camt has no place for but the instruction's id.
        _texts(SubElement(details, "Refs"), InstrId=line.reference_date, EndToEndId=line.reference)
    parties = SubElement(details, "RltdPties") if line.name else None
    if parties is not None:
        role = "Dbtr" if line.kind == "DEPOSIT" else "Cdtr"
        _texts(SubElement(SubElement(parties, role), "Pty"), Nm=line.name)
    if parties is not None and line.account_number:
        other = SubElement(SubElement(SubElement(parties, "CdtrAcct"), "Id"), "Othr")
        _texts(other, Id=line.account_number)
        agent = SubElement(SubElement(SubElement(details, "RltdAgts"), "CdtrAgt"), "FinInstnId")
        _texts(SubElement(agent, "Othr"), Id=line.bank)
    if line.memo:
        _texts(SubElement(details, "RmtInf"), Ustrd=line.memo)
    if line.kind == "RETURN":
        _texts(SubElement(SubElement(details, "RtrInf"), "Rsn"), Cd="AC06")

"""
The rules of pain.001.001.09 that our messages rely on, written down from the public standard in our own words.

`faults(message)` walks a message by the table: which elements stand in which, in which order, how often, and what their
text may be. It knows every element the standard allows in the places we write to, so that one of ours in a wrong place
is found as well.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from xml.etree.ElementTree import Element, fromstring

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"
MANY = 10**9

Check = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Part:
    """An element inside another: its name, its type, how often it stands there."""

    name: str
    type: str
    least: int = 0
    most: int = 1


def _text(longest: int) -> Check:
    return lambda value: 1 <= len(value) <= longest


def _pattern(expression: str) -> Check:
    compiled = re.compile(expression)
    return lambda value: compiled.fullmatch(value) is not None


def _decimal(total: int, fraction: int) -> Check:
    def check(value: str) -> bool:
        try:
            number = Decimal(value)
        except InvalidOperation:
            return False
        _sign, digits, exponent = number.as_tuple()
        places = -exponent if isinstance(exponent, int) and exponent < 0 else 0
        return re.fullmatch(r"[0-9]+(?:\.[0-9]+)?", value) is not None and len(digits) <= total and places <= fraction

    return check


def _is_date(value: str) -> bool:
    try:
        return date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False


def _is_moment(value: str) -> bool:
    try:
        return "T" in value and datetime.fromisoformat(value) is not None
    except ValueError:
        return False


SIMPLE: Mapping[str, Check] = {
    "Max34Text": _text(34),
    "Max35Text": _text(35),
    "Max70Text": _text(70),
    "Max140Text": _text(140),
    "Max15NumericText": _pattern("[0-9]{1,15}"),
    "DecimalNumber": _decimal(18, 17),
    "Amount": _decimal(18, 5),
    "ISODate": _is_date,
    "ISODateTime": _is_moment,
    "Boolean": _pattern("true|false|0|1"),
    "PaymentMethod3Code": _pattern("CHK|TRF|TRA"),
    "ChargeBearerType1Code": _pattern("DEBT|CRED|SHAR|SLEV"),
    "ExternalCode5": _text(5),
    "ExternalCode4": _text(4),
    "CurrencyCode": _pattern("[A-Z]{3}"),
    "UUIDv4": _pattern("[a-f0-9]{8}-[a-f0-9]{4}-4[a-f0-9]{3}-[89ab][a-f0-9]{3}-[a-f0-9]{12}"),
    "BIC": _pattern("[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}(?:[A-Z0-9]{3})?"),
    "IBAN": _pattern("[A-Z]{2}[0-9]{2}[a-zA-Z0-9]{1,30}"),
    "LEI": _pattern("[A-Z0-9]{18}[0-9]{2}"),
    "CountryCode": _pattern("[A-Z]{2}"),
}
ANY = "anything"  # what the standard allows there and we never write

SEQUENCES: Mapping[str, tuple[Part, ...]] = {
    "Document": (Part("CstmrCdtTrfInitn", "Initiation", 1),),
    "Initiation": (
        Part("GrpHdr", "GroupHeader85", 1),
        Part("PmtInf", "PaymentInstruction30", 1, MANY),
        Part("SplmtryData", ANY, 0, MANY),
    ),
    "GroupHeader85": (
        Part("MsgId", "Max35Text", 1),
        Part("CreDtTm", "ISODateTime", 1),
        Part("Authstn", ANY, 0, 2),
        Part("NbOfTxs", "Max15NumericText", 1),
        Part("CtrlSum", "DecimalNumber"),
        Part("InitgPty", "PartyIdentification135", 1),
        Part("FwdgAgt", "Agent"),
        Part("InitnSrc", ANY),
    ),
    "PaymentInstruction30": (
        Part("PmtInfId", "Max35Text", 1),
        Part("PmtMtd", "PaymentMethod3Code", 1),
        Part("BtchBookg", "Boolean"),
        Part("NbOfTxs", "Max15NumericText"),
        Part("CtrlSum", "DecimalNumber"),
        Part("PmtTpInf", ANY),
        Part("ReqdExctnDt", "DateAndDateTime2Choice", 1),
        Part("PoolgAdjstmntDt", "ISODate"),
        Part("Dbtr", "PartyIdentification135", 1),
        Part("DbtrAcct", "CashAccount38", 1),
        Part("DbtrAgt", "Agent", 1),
        Part("DbtrAgtAcct", "CashAccount38"),
        Part("InstrForDbtrAgt", "Max140Text"),
        Part("UltmtDbtr", "PartyIdentification135"),
        Part("ChrgBr", "ChargeBearerType1Code"),
        Part("ChrgsAcct", "CashAccount38"),
        Part("ChrgsAcctAgt", "Agent"),
        Part("CdtTrfTxInf", "CreditTransferTransaction34", 1, MANY),
    ),
    "CreditTransferTransaction34": (
        Part("PmtId", "PaymentIdentification6", 1),
        Part("PmtTpInf", ANY),
        Part("Amt", "AmountType4Choice", 1),
        Part("XchgRateInf", ANY),
        Part("ChrgBr", "ChargeBearerType1Code"),
        Part("ChqInstr", ANY),
        Part("UltmtDbtr", "PartyIdentification135"),
        Part("IntrmyAgt1", "Agent"),
        Part("IntrmyAgt1Acct", "CashAccount38"),
        Part("IntrmyAgt2", "Agent"),
        Part("IntrmyAgt2Acct", "CashAccount38"),
        Part("IntrmyAgt3", "Agent"),
        Part("IntrmyAgt3Acct", "CashAccount38"),
        Part("CdtrAgt", "Agent"),
        Part("CdtrAgtAcct", "CashAccount38"),
        Part("Cdtr", "PartyIdentification135"),
        Part("CdtrAcct", "CashAccount38"),
        Part("UltmtCdtr", "PartyIdentification135"),
        Part("InstrForCdtrAgt", ANY, 0, MANY),
        Part("InstrForDbtrAgt", ANY),
        Part("Purp", ANY),
        Part("RgltryRptg", ANY, 0, 10),
        Part("Tax", ANY),
        Part("RltdRmtInf", ANY, 0, 10),
        Part("RmtInf", "RemittanceInformation16"),
        Part("SplmtryData", ANY, 0, MANY),
    ),
    "PaymentIdentification6": (
        Part("InstrId", "Max35Text"),
        Part("EndToEndId", "Max35Text", 1),
        Part("UETR", "UUIDv4"),
    ),
    "PartyIdentification135": (
        Part("Nm", "Max140Text"),
        Part("PstlAdr", ANY),
        Part("Id", ANY),
        Part("CtryOfRes", "CountryCode"),
        Part("CtctDtls", ANY),
    ),
    "CashAccount38": (
        Part("Id", "AccountIdentification4Choice", 1),
        Part("Tp", ANY),
        Part("Ccy", "CurrencyCode"),
        Part("Nm", "Max70Text"),
        Part("Prxy", ANY),
    ),
    "GenericAccountIdentification1": (Part("Id", "Max34Text", 1), Part("SchmeNm", ANY), Part("Issr", "Max35Text")),
    "Agent": (Part("FinInstnId", "FinancialInstitutionIdentification18", 1), Part("BrnchId", ANY)),
    "FinancialInstitutionIdentification18": (
        Part("BICFI", "BIC"),
        Part("ClrSysMmbId", "ClearingSystemMemberIdentification2"),
        Part("LEI", "LEI"),
        Part("Nm", "Max140Text"),
        Part("PstlAdr", ANY),
        Part("Othr", ANY),
    ),
    "ClearingSystemMemberIdentification2": (Part("ClrSysId", "ClearingSystemChoice"), Part("MmbId", "Max35Text", 1)),
    "RemittanceInformation16": (Part("Ustrd", "Max140Text", 0, MANY), Part("Strd", ANY, 0, MANY)),
}
CHOICES: Mapping[str, tuple[Part, ...]] = {
    "DateAndDateTime2Choice": (Part("Dt", "ISODate"), Part("DtTm", "ISODateTime")),
    "AccountIdentification4Choice": (Part("IBAN", "IBAN"), Part("Othr", "GenericAccountIdentification1")),
    "AmountType4Choice": (Part("InstdAmt", "Amount"), Part("EqvtAmt", ANY)),
    "ClearingSystemChoice": (Part("Cd", "ExternalCode5"), Part("Prtry", "Max35Text")),
}
ATTRIBUTES: Mapping[str, Mapping[str, Check]] = {"InstdAmt": {"Ccy": SIMPLE["CurrencyCode"]}}


def faults(message: bytes) -> list[str]:
    """Return everything in which a message breaks the rules, by the path of the element; empty for a valid one."""
    root = fromstring(message)  # noqa: S314 - a message that we wrote
    if root.tag != f"{{{NAMESPACE}}}Document":
        return [f"the root is {root.tag}"]
    return _element(root, "Document", "Document") or _sums(root)


def _local(element: Element) -> str:
    return element.tag.removeprefix(f"{{{NAMESPACE}}}")


def _element(element: Element, kind: str, path: str) -> list[str]:
    wanted = ATTRIBUTES.get(_local(element), {})
    found = [f"{path}: attribute {name}" for name in element.attrib.keys() ^ wanted.keys()]
    found += [f"{path}: {name}" for name, check in wanted.items() if not check(element.get(name, ""))]
    if kind == ANY:
        return found
    if kind in SIMPLE:
        text = element.text or ""
        return found + ([f"{path}: {text!r} is no {kind}"] if len(element) or not SIMPLE[kind](text) else [])
    if (element.text or "").strip():
        found.append(f"{path}: text between elements")
    return found + (_choice(element, kind, path) if kind in CHOICES else _sequence(element, kind, path))


def _choice(element: Element, kind: str, path: str) -> list[str]:
    allowed = {part.name: part.type for part in CHOICES[kind]}
    names = [_local(child) for child in element]
    if len(names) != 1 or names[0] not in allowed:
        return [f"{path}: one of {', '.join(allowed)}, not {names}"]
    return _element(element[0], allowed[names[0]], f"{path}/{names[0]}")


def _sequence(element: Element, kind: str, path: str) -> list[str]:
    found: list[str] = []
    children = list(element)
    for part in SEQUENCES[kind]:
        count = 0
        while children and _local(children[0]) == part.name:
            child = children.pop(0)
            count += 1
            found += _element(child, part.type, f"{path}/{part.name}")
        if not part.least <= count <= part.most:
            found.append(f"{path}/{part.name}: {count} times")
    return found + [f"{path}/{_local(child)}: not here" for child in children]


def _sums(root: Element) -> list[str]:
    """Return where count and sum of a level are not those of its transfers, and ids that stand twice."""
    inside = {"p": NAMESPACE}
    found = []
    for level in (root.find(".//p:GrpHdr", inside), *root.findall(".//p:PmtInf", inside)):
        if level is None:
            continue
        scope = root if _local(level) == "GrpHdr" else level
        amounts = [Decimal(node.text or "0") for node in scope.findall(".//p:InstdAmt", inside)]
        if level.findtext("p:NbOfTxs", namespaces=inside) != str(len(amounts)):
            found.append(f"{_local(level)}/NbOfTxs")
        if Decimal(level.findtext("p:CtrlSum", "0", inside)) != sum(amounts):
            found.append(f"{_local(level)}/CtrlSum")
    ids = [node.text for node in root.findall(".//p:EndToEndId", inside)]
    return found + (["EndToEndId: twice"] if len(ids) != len(set(ids)) else [])

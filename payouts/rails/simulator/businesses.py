"""The businesses the simulated bank tells about: made from the number alone, so every run gives the same answer."""

import hashlib
import re
from datetime import date, timedelta

_NUMBER = re.compile(r"[0-9]{10}")
_UNKNOWN = "00000"
_ENDINGS = {
    "00001": ("CLOSED", "NORMAL"),
    "00002": ("SUSPENDED", "NORMAL"),
    "00003": ("IN_BUSINESS", "SIMPLE_TAX_INVOICE_ISSUER"),
    "00004": ("IN_BUSINESS", "SIMPLE"),
    "00005": ("IN_BUSINESS", "TAX_FREE"),
}
_FIRST_DAY, _DAYS = date(2008, 1, 2), 5_000
_ENDED = date(2025, 6, 30)
_TRADES = (
    ("도소매", "전자상거래", "525101"),
    ("제조", "공예품", "369100"),
    ("음식", "커피 전문점", "552303"),
    ("서비스", "교육", "809007"),
)


def business(number: str) -> dict[str, str] | None:
    """Return what is on file about a number, None for one that nobody has registered."""
    if not _NUMBER.fullmatch(number) or number.endswith(_UNKNOWN):
        return None
    seed = int.from_bytes(hashlib.sha256(number.encode()).digest()[:8], "big")
    status, taxation = _ENDINGS.get(number[-5:], ("IN_BUSINESS", "NORMAL"))
    kind, item, category = _TRADES[seed % len(_TRADES)]
    opened = _FIRST_DAY + timedelta(days=seed // len(_TRADES) % _DAYS)
    found = {
        "status": status,
        "taxation": taxation,
        "name": f"모의상사 {number[-5:]}",
        "representative": "김모의",
        "address": "서울특별시 중구 세종대로 110",
        "zipCode": "04524",
        # The middle two digits of a company's number are 81 to 87.
        "entity": "법인" if 81 <= int(number[3:5]) <= 87 else "개인",  # noqa: PLR2004 - said above
        "kind": kind,
        "item": item,
        "category": category,
        "openedOn": opened.isoformat(),
    }
    if status != "IN_BUSINESS":
        found["closedOn"] = _ENDED.isoformat()
    if taxation.startswith("SIMPLE"):
        found["taxationSince"] = opened.isoformat()
    return found

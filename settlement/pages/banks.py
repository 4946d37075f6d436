"""Names of banks as pages show and offer them."""

from django.utils.translation import get_language

from settlement import banks

_SUFFIX = "은행"
# A bank's short name is what people write; these would lose what sets them apart.
_WHOLE = frozenset({"BANK_OF_KOREA", "BANK_OF_CHINA"})
_KNOWN = {bank.code: bank.name for bank in banks.BANKS}


def _korean() -> bool:
    return (get_language() or "ko").startswith("ko")


def name(code: str) -> str:
    """Return a bank's short name in the reader's language; a code nobody knows as it is."""
    known = _KNOWN.get(code)
    if known is None:
        return code
    if not _korean():
        return code.replace("_", " ").title()
    return known if code in _WHOLE else known.removesuffix(_SUFFIX)


def choices() -> list[tuple[str, str]]:
    """Return every bank with its full name, as a form offers them."""
    return [(code, known if _korean() else name(code)) for code, known in _KNOWN.items()]

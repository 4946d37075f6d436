"""The ten digits of a Korean business registration number. A wrong check digit is worth a warning, never a refusal."""

_WEIGHTS = (1, 3, 7, 1, 3, 7, 1, 3, 5)
_DIGITS = 10


def is_plausible(number: str) -> bool:
    """Say whether a number, with or without hyphens, has ten digits of which the last fits the others."""
    digits = [int(char) for char in number.replace("-", "") if char.isascii() and char.isdigit()]
    if len(digits) != _DIGITS or len(number.replace("-", "")) != _DIGITS:
        return False
    *body, check = digits
    total = sum(weight * digit for weight, digit in zip(_WEIGHTS, body, strict=True)) + 5 * body[-1] // 10
    return (10 - total % 10) % 10 == check

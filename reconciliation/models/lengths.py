"""How long texts of the tables are."""

from typing import Final

KIND_LENGTH: Final = 20
CURRENCY_LENGTH: Final = 3
HASH_LENGTH: Final = 64
NAME_LENGTH: Final = 200

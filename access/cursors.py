"""Pages of our own API: rows newest first, each page found from the last row of the one before it."""

import base64
import binascii
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from access.parse import Fields

USUAL, LARGEST = 50, 200


@dataclass(frozen=True, slots=True)
class CursorPage:
    """Which page is asked for: so many rows, those after a row or from the first."""

    limit: int
    after: int | None

    @classmethod
    def of(cls, query: Fields) -> "CursorPage":
        """Return the page that `limit` and `cursor` ask for. Raises InvalidRequest."""
        limit = query.maybe_integer("limit", minimum=1, maximum=LARGEST)
        text = query.maybe_text("cursor", longest=60)
        after = None if text is None else _decode(text)
        if text is not None and after is None:
            raise query.wrong("cursor", _("앞선 답에서 받은 값이어야 해요."))
        return cls(limit or USUAL, after)

    def take(self, rows: QuerySet[Any]) -> tuple[list[Any], dict[str, str]]:
        """Return the rows of the page, and what the answer says about the next one: nothing after the last page."""
        found = rows if self.after is None else rows.filter(pk__lt=self.after)
        taken = list(found.order_by("-pk")[: self.limit + 1])
        page = taken[: self.limit]
        return page, {"nextCursor": _encode(page[-1].pk)} if len(taken) > self.limit else {}


def _encode(key: int) -> str:
    return base64.urlsafe_b64encode(str(key).encode()).decode().rstrip("=")


def _decode(text: str) -> int | None:
    try:
        plain = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode("ascii")
    except (binascii.Error, UnicodeError, ValueError):
        return None
    return int(plain) if plain.isdecimal() and int(plain) < 1 << 63 else None

"""Pages of rows that are worked out by a query of their own and so are counted before they are read."""

from dataclasses import dataclass

from django.http import QueryDict

from access.requests import PageRequest

SIZE = 50
_MOST_DIGITS = 6


@dataclass(frozen=True, slots=True)
class Pager:
    """Which of how many pages is shown, and the addresses of the ones beside it."""

    number: int
    count: int
    params: QueryDict
    size: int = SIZE

    @classmethod
    def of(cls, request: PageRequest, count: int) -> "Pager":
        """Read the number of the page; one that there is not is the nearest."""
        text = request.GET.get("page", "")
        wanted = int(text) if text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS else 1
        last = max(1, -(-count // SIZE))
        return cls(min(max(1, wanted), last), count, request.GET)

    @property
    def offset(self) -> int:
        """Return how many rows come before."""
        return (self.number - 1) * self.size

    @property
    def previous(self) -> str:
        """Return the query string of the page before, empty on the first."""
        return self._query(self.number - 1) if self.number > 1 else ""

    @property
    def next(self) -> str:
        """Return the query string of the page after, empty on the last."""
        return self._query(self.number + 1) if self.offset + self.size < self.count else ""

    def _query(self, number: int) -> str:
        params = self.params.copy()
        params["page"] = str(number)
        return params.urlencode()

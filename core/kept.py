"""
What a process keeps of what it has read, until a mark says that it counts no more.

The mark is read anew each time, together with whatever else is asked; only the long answer is spared. What is kept is
shared by all threads and must not be changed: whoever hands it out hands out copies.
"""

from collections.abc import Hashable
from threading import Lock
from typing import Generic, NamedTuple, TypeVar

from django.db import DEFAULT_DB_ALIAS, connections

V = TypeVar("V")


class Marked(NamedTuple, Generic[V]):
    """A value and the mark under which it was read."""

    mark: str
    value: V


class Kept(Generic[V]):
    """The values read last, no more than `most`, apart for each database that this process works with."""

    def __init__(self, most: int) -> None:
        self._most, self._adding = most, Lock()
        self._values: dict[Hashable, Marked[V]] = {}

    def find(self, key: Hashable) -> Marked[V] | None:
        """Return what is kept, to be held against the mark of today."""
        return self._values.get(_here(key))

    def keep(self, key: Hashable, mark: str, value: V) -> None:
        """Keep a value in the place of an older one; the one that was kept first makes room."""
        with self._adding:
            self._values.pop(_here(key), None)
            if len(self._values) >= self._most:
                del self._values[next(iter(self._values))]
            self._values[_here(key)] = Marked(mark, value)


def _here(key: Hashable) -> Hashable:
    # All connections of the process share these settings; finding the thread's own connection takes longer.
    database = connections.settings[DEFAULT_DB_ALIAS]
    return database["HOST"], database["PORT"], database["NAME"], key

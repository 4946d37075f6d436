"""Which records of a file are exact copies of an earlier one, in sixteen bytes a record."""

from collections.abc import Iterable, Iterator
from hashlib import blake2b

_DIGEST_BYTES = 16


class Digests:
    """The digests of all records of a file, in order."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    @staticmethod
    def key_of(columns: str) -> bytes:
        """Return what makes the digests of records under different columns differ."""
        return blake2b(columns.encode(), digest_size=32).digest()

    def add(self, key: bytes, cells: str) -> None:
        """Take in the next record: the key of its columns, and its cells in one text."""
        self.add_all(key, (cells,))

    def add_all(self, key: bytes, records: Iterable[str]) -> None:
        """Take in the next records under the same columns."""
        digests = (blake2b(cells.encode(), digest_size=_DIGEST_BYTES, key=key).digest() for cells in records)
        self._bytes += b"".join(digests)

    def of_all(self) -> str:
        """Return one digest of all records in their order."""
        return blake2b(self._bytes, digest_size=32).hexdigest()

    def copies(self) -> Iterator[tuple[int, int]]:
        """Yield each copy and the first record it is a copy of, both counted from 1, by copy."""
        import numpy as np

        digests = np.frombuffer(self._bytes, dtype="<u8").reshape(-1, 2)
        # Half of a digest tells nearly all records apart; only the few that share it are looked at in full.
        order = np.argsort(digests[:, 0], kind="stable")
        ordered = digests[order, 0]
        again = ordered[1:] == ordered[:-1]
        del ordered
        alike = np.zeros(len(order), dtype=bool)
        alike[1:] |= again
        alike[:-1] |= again
        first_of: dict[bytes, int] = {}
        for record in np.sort(order[alike]).tolist():
            digest = bytes(self._bytes[record * _DIGEST_BYTES : (record + 1) * _DIGEST_BYTES])
            first = first_of.setdefault(digest, record)
            if first != record:
                yield record + 1, first + 1

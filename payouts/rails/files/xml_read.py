"""
Reading XML that came from outside: no document type, no entities, nothing fetched, bounded in size, depth and parts.

What is left is a tree of plain nodes that know their line, so that a refusal can name it.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NoReturn
from xml.parsers import expat

from core.clock import SEOUL
from core.money import MAX_AMOUNT
from payouts.rails.files.order import CURRENCY
from payouts.rails.files.refusals import refused

MOST_BYTES = 64 * 1024 * 1024
MOST_DEPTH = 32
MOST_NODES = 3_000_000
_MOST_TEXT = 4_000
_BLOCK = 1 << 16
_WON = re.compile(r"([0-9]{1,18})(?:\.(0{1,5}))?")


@dataclass(slots=True)
class Node:
    """One element: its name without namespace, its own text, its children and its line."""

    name: str
    line: int
    attributes: Mapping[str, str]
    text: str = ""
    children: list["Node"] = field(default_factory=list)

    def all(self, name: str) -> Iterator["Node"]:
        """Yield the children of a name."""
        return (child for child in self.children if child.name == name)

    def find(self, *path: str) -> "Node | None":
        """Return what the path of names leads to, the first of each; None where it ends early."""
        node: Node | None = self
        for name in path:
            node = next(node.all(name), None) if node else None
        return node

    def told(self, *path: str) -> str:
        """Return the text at the end of a path, trimmed; empty where there is none."""
        node = self.find(*path)
        return node.text.strip() if node else ""

    def need(self, *path: str) -> "Node":
        """Return what the path leads to. Raises FileRefused."""
        node = self.find(*path)
        if node is None:
            raise refused("element_missing", line=self.line, where="/".join((self.name, *path)))
        return node


class _Builder:
    """Builds the tree while expat reads, and stops it at the first thing that is not allowed."""

    def __init__(self, namespaces: frozenset[str]) -> None:
        self._namespaces = namespaces
        self._open: list[Node] = []
        self._count = 0
        self.root: Node | None = None
        self.namespace = ""
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self.parser.StartDoctypeDeclHandler = self._forbidden
        self.parser.EntityDeclHandler = self._forbidden
        self.parser.ExternalEntityRefHandler = self._forbidden

    def _forbidden(self, *_facts: object) -> NoReturn:
        raise refused("xml_doctype", line=self.parser.CurrentLineNumber)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        line = self.parser.CurrentLineNumber
        namespace, _space, local = name.rpartition(" ")
        if self.root is None:
            if namespace not in self._namespaces:
                raise refused("xml_namespace", line=line, where=local[:40], found=namespace[:80] or "-")
            self.namespace = namespace
        self._count += 1
        if len(self._open) >= MOST_DEPTH:
            raise refused("xml_too_deep", line=line, limit=MOST_DEPTH)
        if self._count > MOST_NODES:
            raise refused("xml_too_many", line=line, limit=MOST_NODES)
        # What another namespace adds keeps it in front, so that no path ever finds it.
        node = Node(local if namespace == self.namespace else name, line, attributes)
        if self._open:
            self._open[-1].children.append(node)
        else:
            self.root = node
        self._open.append(node)

    def _end(self, _name: str) -> None:
        self._open.pop()

    def _text(self, text: str) -> None:
        node = self._open[-1]
        if not node.children:
            node.text += text
            if len(node.text) > _MOST_TEXT:
                raise refused("xml_text_too_long", line=self.parser.CurrentLineNumber, where=node.name[:40])


def read(body: bytes, namespaces: frozenset[str]) -> tuple[Node, str]:
    """Return the root element and its namespace. Raises FileRefused naming line and reason."""
    if not body.strip():
        raise refused("empty")
    if len(body) > MOST_BYTES:
        raise refused("too_large", limit=MOST_BYTES // (1024 * 1024))
    builder = _Builder(namespaces)
    try:
        for start in range(0, len(body), _BLOCK):
            builder.parser.Parse(body[start : start + _BLOCK], False)
        builder.parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise refused("xml_broken", line=error.lineno) from None
    if builder.root is None:
        raise refused("empty")
    return builder.root, builder.namespace


def won(node: Node) -> int:
    """Return the amount of an element with its currency. Raises FileRefused for another currency or a fraction."""
    currency = node.attributes.get("Ccy", "")
    if currency != CURRENCY:
        raise refused("other_currency", line=node.line, where=node.name, found=currency[:10] or "-")
    return figure(node)


def figure(node: Node) -> int:
    """Return the whole number an element holds, `1000` or `1000.00`. Raises FileRefused."""
    found = _WON.fullmatch(node.text.strip())
    if found is None or int(found[1]) > MAX_AMOUNT:
        raise refused("not_an_amount", line=node.line, where=node.name)
    return int(found[1])


def moment(node: Node | None) -> datetime | None:
    """Return what a DateAndDateTime choice says; a day is its first moment in Seoul. Raises FileRefused."""
    if node is None:
        return None
    inner = node.find("DtTm") or node.find("Dt") or node
    text = inner.text.strip()
    try:
        if len(text) == len("2026-01-01"):
            day = date.fromisoformat(text)
            return datetime(day.year, day.month, day.day, tzinfo=SEOUL)
        found = datetime.fromisoformat(text)
        return found if found.tzinfo else found.replace(tzinfo=SEOUL)
    except (ValueError, OverflowError):
        raise refused("not_a_date", line=inner.line, where=node.name) from None

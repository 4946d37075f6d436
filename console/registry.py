"""
What other applications add to the pages: navigation, home, links between modules, search.

Filled in each app's `ready()`; read when a page is drawn. Registering the same name again replaces it.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext_lazy as _

from access.roles import allowed
from console.columns import Label, Tone
from core.scope import Scope

if TYPE_CHECKING:
    from access.requests import PageRequest
    from access.roles import Permission


@dataclass(frozen=True, slots=True)
class Section:
    """A group of navigation entries."""

    key: str
    label: Label
    icon: str


SECTIONS: tuple[Section, ...] = (
    Section("settlement", _("정산"), "calculator"),
    Section("payouts", _("지급"), "banknotes"),
    Section("partners", _("파트너"), "building-storefront"),
    Section("reconciliation", _("대사"), "scale"),
    Section("matching", _("송장 매칭"), "document-check"),
    Section("ledger", _("원장"), "book-open"),
    Section("settings", _("설정"), "cog-6-tooth"),
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One navigation entry."""

    section: str
    label: Label
    url_name: str
    permission: "Permission"
    order: int
    args: tuple[str, ...] = ()

    @property
    def url(self) -> str:
        """Return the address."""
        return reverse(self.url_name, args=self.args)


@dataclass(frozen=True, slots=True)
class Tile:
    """One line of 오늘 할 일: how much waits, and where."""

    label: Label
    count: Callable[[Scope], int]
    url: str | Callable[[], str]
    tone: Tone
    order: int
    permission: "Permission"

    @property
    def address(self) -> str:
        """Return where the count leads."""
        return self.url() if callable(self.url) else self.url


@dataclass(frozen=True, slots=True)
class Panel:
    """A part of the home page: a title, a template and what it is filled with."""

    title: Label
    template: str
    context: "Callable[[PageRequest], dict[str, object]]"
    order: int
    permission: "Permission"


@dataclass(frozen=True, slots=True)
class Related:
    """A part of a detail page that another application adds."""

    title: Label
    template: str
    context: "Callable[[PageRequest, str], dict[str, object] | None]"
    order: int


@dataclass(frozen=True, slots=True)
class Link:
    """Where an object of another application is shown."""

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class _Search:
    label: Label
    find: Callable[[Scope, str], str | None]


@dataclass(frozen=True, slots=True)
class _Origin:
    label: Label
    url: Callable[[str], str]


_entries: dict[tuple[str, tuple[str, ...]], Entry] = {}
_tiles: dict[str, Tile] = {}
_panels: dict[str, Panel] = {}
_bars: dict[str, "tuple[str, Callable[[PageRequest], dict[str, object] | None]]"] = {}
_origins: dict[str, _Origin] = {}
_related: dict[str, dict[str, Related]] = {}
_searches: dict[str, "_Search"] = {}
_job_kinds: dict[str, Label] = {}


def nav(
    section: str, label: Label, url_name: str, permission: "Permission", order: int = 100, args: Sequence[str] = ()
) -> None:
    """Add a navigation entry to one of SECTIONS."""
    if section not in {known.key for known in SECTIONS}:
        message = f"no navigation section {section}"
        raise LookupError(message)
    _entries[url_name, tuple(args)] = Entry(section, label, url_name, permission, order, tuple(args))


def tile(
    label: Label,
    count: Callable[[Scope], int],
    url: str | Callable[[], str],
    *,
    tone: Tone = Tone.NEUTRAL,
    order: int = 100,
    permission: "Permission",
    key: str = "",
) -> None:
    """Add a count to 오늘 할 일. `url` is an address or a function that returns it."""
    _tiles[key or str(label)] = Tile(label, count, url, tone, order, permission)


def panel(
    key: str,
    title: Label,
    template: str,
    context: "Callable[[PageRequest], dict[str, object]]",
    *,
    order: int = 100,
    permission: "Permission",
) -> None:
    """Add a part to the home page; `context` gives what its template shows."""
    _panels[key] = Panel(title, template, context, order, permission)


def bar(key: str, template: str, context: "Callable[[PageRequest], dict[str, object] | None]") -> None:
    """Add a bar above the content of pages; `context` gives what its template shows, None leaves it out."""
    _bars[key] = (template, context)


def bars(request: "PageRequest") -> list[tuple[str, dict[str, object]]]:
    """Return the bars to be shown on a page, with their contexts."""
    found = ((template, context(request)) for template, context in _bars.values())
    return [(template, context) for template, context in found if context is not None]


def origin(kind: str, label: Label, url: Callable[[str], str]) -> None:
    """Say how a row's opaque origin (kind, public id) is named and where it is shown."""
    _origins[kind] = _Origin(label, url)


def origin_link(kind: str, public_id: str) -> Link | None:
    """Return the link of an origin; None while nobody registered its kind."""
    found = _origins.get(kind)
    return Link(f"{found.label} {public_id}", found.url(public_id)) if found and public_id else None


def related(
    kind: str,
    key: str,
    title: Label,
    template: str,
    context: "Callable[[PageRequest, str], dict[str, object] | None]",
    *,
    order: int = 100,
) -> None:
    """Add a panel to the detail page of another application's kind; None from `context` leaves it out."""
    _related.setdefault(kind, {})[key] = Related(title, template, context, order)


def related_panels(kind: str, request: "PageRequest", public_id: str) -> list[tuple[Related, dict[str, object]]]:
    """Return the panels other applications add to one object, with their contexts."""
    panels = sorted(_related.get(kind, {}).values(), key=lambda panel: panel.order)
    pairs = ((panel, panel.context(request, public_id)) for panel in panels)
    return [(panel, context) for panel, context in pairs if context is not None]


def search(kind: str, find: Callable[[Scope, str], str | None], label: Label = "") -> None:
    """Add a search by exact id: `find` returns the address of what it found; `label` names the kind to people."""
    _searches[kind] = _Search(label or kind, find)


def find(scope: Scope, word: str) -> list[Link]:
    """Return links to everything with exactly this id."""
    return [Link(f"{entry.label} {word}", url) for entry in _searches.values() if (url := entry.find(scope, word))]


def job_kind(kind: str, label: Label) -> None:
    """Name a kind of job for people."""
    _job_kinds[kind] = label


def job_label(kind: str) -> str:
    """Return what a kind of job is called; its own name while nobody named it."""
    return str(_job_kinds.get(kind, kind))


T = TypeVar("T", Entry, Tile, Panel)


def _permitted(items: Iterable[T], role: str | None) -> list[T]:
    return sorted((item for item in items if allowed(role, item.permission)), key=lambda item: item.order)


def tiles(role: str | None) -> list[Tile]:
    """Return the home counts a role may see, in order."""
    return _permitted(_tiles.values(), role)


def panels(role: str | None) -> list[Panel]:
    """Return the home panels a role may see, in order."""
    return _permitted(_panels.values(), role)


def navigation(role: str | None) -> list[tuple[Section, list[tuple[Entry, str]]]]:
    """Return the sections with the entries a role may open; a page that is not there yet is left out."""
    mine = _permitted(_entries.values(), role)
    sections = []
    for section in SECTIONS:
        linked = [(entry, url) for entry in mine if entry.section == section.key and (url := _address(entry))]
        if linked:
            sections.append((section, linked))
    return sections


def _address(entry: Entry) -> str:
    try:
        return entry.url
    except NoReverseMatch:
        return ""

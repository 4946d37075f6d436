"""The frame of a page: navigation, whose data this is, live or test, theme."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest

from console import registry
from core import jobs
from core.scope import Scope

_OPEN_AT_FIRST = frozenset({"settlement", "payouts"})


@dataclass(frozen=True, slots=True)
class Item:
    """One navigation link."""

    label: object
    url: str
    current: bool


@dataclass(frozen=True, slots=True)
class Group:
    """One navigation section."""

    key: str
    label: object
    icon: str
    items: list[Item]
    open: bool

    @property
    def current(self) -> bool:
        """Say whether the page shown is in this section."""
        return any(item.current for item in self.items)


@dataclass(frozen=True, slots=True)
class Shell:
    """What base.html shows around a page."""

    groups: list[Group]
    folded: bool
    theme: str
    scope: Scope | None
    merchant: Any
    open_jobs: int


def of(request: HttpRequest) -> Shell:
    """Return the frame for a request; without a merchant only the bare page."""
    scope: Scope | None = getattr(request, "scope", None)
    role: str | None = getattr(request, "role", None)
    theme = str(getattr(request.user, "theme", "auto") or "auto")
    groups = _groups(request, role) if scope else []
    return Shell(
        groups=groups,
        folded=request.COOKIES.get("sidebar") == "folded",
        theme=theme if theme in {"light", "dark"} else "auto",
        scope=scope,
        merchant=getattr(request, "merchant", None),
        open_jobs=jobs.open_jobs(scope) if scope else 0,
    )


def _groups(request: HttpRequest, role: str | None) -> list[Group]:
    cookie = request.COOKIES.get("nav")
    remembered = frozenset(cookie.split(".")) if cookie is not None else _OPEN_AT_FIRST
    sections = registry.navigation(role)
    here = _here(request.path, [url for _section, linked in sections for _entry, url in linked])
    groups = []
    for section, linked in sections:
        items = [Item(entry.label, url, url == here) for entry, url in linked]
        is_open = section.key in remembered or any(item.current for item in items)
        groups.append(Group(section.key, section.label, section.icon, items, is_open))
    return groups


def _here(path: str, addresses: list[str]) -> str:
    """Return the address a page belongs to: the longest that its own begins with, so details count as their list."""
    begun = [address for address in addresses if path.startswith(address)]
    # What is done to one of a list stands beside it under the singular: order-new/ and order-edit/7 beside orders/.
    begun = begun or [address for address in addresses if path.startswith(_beside(address))]
    return max(begun, key=len, default="")


def _beside(address: str) -> tuple[str, str]:
    one = address.removesuffix("s/")
    return f"{one}-", f"{one}/"

"""Home: what waits today, and what other applications show there."""

from dataclasses import dataclass

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy

from access.requests import PageRequest
from access.roles import Permission
from console import registry, totals
from console.pages import PageView
from console.registry import Tile
from core.scope import Scope


@dataclass(frozen=True, slots=True)
class Waiting:
    """One line of 오늘 할 일; `count` None means it took too long to count."""

    tile: Tile
    count: int | None


def _count(tile: Tile, scope: Scope) -> int | None:
    try:
        with totals.within(totals.BUDGET / 2):
            return tile.count(scope)
    except totals.TooSlow:
        return None


class HomeView(PageView):
    """오늘 할 일 first, then the panels of the other applications."""

    permission = Permission.VIEW
    title = gettext_lazy("홈")

    def get(self, request: PageRequest) -> HttpResponse:
        """Show what waits and what is due."""
        waiting = [Waiting(tile, _count(tile, request.scope)) for tile in registry.tiles(request.role)]
        panels = [(panel, panel.context(request)) for panel in registry.panels(request.role)]
        context = {
            "title": self.title,
            "waiting": waiting,
            "panels": panels,
            "quiet": not any(w.count for w in waiting),
        }
        return render(request, "console/home.html", context)

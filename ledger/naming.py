"""
What people call events, legs and accounts.

The applications that post a kind of event or leg say what it is called when they start; a name nobody gave is shown as
it is stored.
"""

from collections.abc import Mapping

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from console.columns import Label
from ledger.chart import BY_CODE

_events: dict[str, Label] = {}
_components: dict[str, Label] = {}
_REVERSED = ".reversed"


def name_events(labels: Mapping[str, Label]) -> None:
    """Say what kinds of journals are called."""
    _events.update(labels)


def name_components(labels: Mapping[str, Label]) -> None:
    """Say what parts of an event are called."""
    _components.update(labels)


def events() -> list[tuple[str, Label]]:
    """Return every named kind of journal."""
    return list(_events.items())


def event(name: str) -> str:
    """Return what a kind of journal is called."""
    if name not in _events and name.endswith(_REVERSED):
        return _("%(event)s 되돌림") % {"event": event(name.removesuffix(_REVERSED))}
    return str(_events.get(name, name))


def component(name: str) -> str:
    """Return what a part of an event is called."""
    return str(_components.get(name, name))


def account(code: int) -> str:
    """Return an account's name in the reader's language."""
    row = BY_CODE[code]
    return row.name if (get_language() or "ko").startswith("ko") else row.english


def codes() -> frozenset[int]:
    """Return every code of the chart."""
    return frozenset(int(code) for code in BY_CODE)

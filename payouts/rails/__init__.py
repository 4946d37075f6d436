"""
Ways to a bank. Each rail is a folder or module of its own; `get` makes the one a setting names.

Rails touch no database: what they are asked and what they answer are plain values of `base`.
"""

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType

from payouts.rails.base import (
    BankSilent,
    BankUnavailable,
    Business,
    FailureClass,
    Instruction,
    LineKind,
    MaintenanceWindow,
    Outcome,
    OutcomeKind,
    Rail,
    RailPromises,
    StatementLine,
    failure_class,
    mask_account,
)

__all__ = [
    "BankSilent",
    "BankUnavailable",
    "Business",
    "FailureClass",
    "Instruction",
    "LineKind",
    "MaintenanceWindow",
    "Outcome",
    "OutcomeKind",
    "Rail",
    "RailPromises",
    "StatementLine",
    "UnknownRail",
    "failure_class",
    "get",
    "mask_account",
    "names",
]

# Named by text, so that a process loads only the rails it uses.
_RAILS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "file": ("payouts.rails.files.client", "FileRail"),
        "simulator": ("payouts.rails.simulator.client", "SimulatorRail"),
        "test": ("payouts.rails.test_environment", "TestEnvironmentRail"),
    }
)


class UnknownRail(LookupError):
    """No rail has this name."""


def names() -> list[str]:
    """Return the names that `get` knows."""
    return sorted(_RAILS)


def get(name: str, **settings: object) -> Rail:
    """Make the rail of this name; settings are its constructor's keywords. Raises UnknownRail, TypeError."""
    try:
        module, attribute = _RAILS[name]
    except KeyError:
        message = f"No rail is called {name!r}; there are: {', '.join(names())}."
        raise UnknownRail(message) from None
    rail = getattr(import_module(module), attribute)(**settings)
    if not isinstance(rail, Rail):
        message = f"{module}.{attribute} is not a rail."
        raise TypeError(message)
    return rail

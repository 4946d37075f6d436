"""Which rail an attempt goes through, and how patient we are with it."""

from dataclasses import dataclass
from datetime import timedelta
from functools import cache

from django.conf import settings

from payouts import rails
from payouts.rails.base import Rail

_CONNECT_SECONDS, _READ_SECONDS, _TOTAL_SECONDS, _LEASE_SECONDS = 5.0, 60.0, 90.0, 180.0
# However short the pauses of a demo are, one call keeps a few seconds and its lease outlives it.
_LEAST_READ_SECONDS, _LEAST_TOTAL_SECONDS, _LEAST_LEASE_SECONDS = 1.0, 2.0, 5.0
_INQUIRY_SECONDS = (10.0, 30.0, 120.0, 300.0, 900.0, *([3600.0] * 24), *([86400.0] * 10))
_SECOND_LOOK_SECONDS = 300.0
_RETRY_SECONDS = (30.0, 120.0, 600.0, 1800.0, 7200.0)
_STATEMENT_SECONDS = 300.0
_PROBE_SECONDS = 60.0
_CHUNK = 1_000
_DESK_SECONDS = 900.0


@dataclass(frozen=True, slots=True)
class Patience:
    """Leases and pauses of dispatching, scaled by the one time scale."""

    lease: timedelta
    inquiry_pauses: tuple[timedelta, ...]
    second_look: timedelta
    retry_pauses: tuple[timedelta, ...]
    statement_pause: timedelta
    # How often an open breaker lets one transfer through, and after how long people are asked to look.
    probe_pause: timedelta
    desk_pause: timedelta
    # The longest a call may take, after which it is given up.
    longest_call: timedelta


def patience() -> Patience:
    """Return the leases and pauses in force."""
    return _patience(settings.TIME_SCALE)


@cache
def _patience(scale: float) -> Patience:
    def scaled(seconds: float, least: float = 0.0) -> timedelta:
        return timedelta(seconds=max(seconds * scale, least))

    return Patience(
        lease=scaled(_LEASE_SECONDS, _LEAST_LEASE_SECONDS),
        inquiry_pauses=tuple(scaled(pause) for pause in _INQUIRY_SECONDS),
        second_look=scaled(_SECOND_LOOK_SECONDS),
        retry_pauses=tuple(scaled(pause) for pause in _RETRY_SECONDS),
        statement_pause=scaled(_STATEMENT_SECONDS),
        probe_pause=scaled(_PROBE_SECONDS),
        desk_pause=scaled(_DESK_SECONDS),
        longest_call=scaled(_TOTAL_SECONDS, _LEAST_TOTAL_SECONDS),
    )


def at_once(name: str) -> int:
    """Return how many instructions one process gives a rail at once; one that calls nobody takes a whole chunk."""
    return settings.BANK_CONCURRENCY if rail(name).promises.remote else _CHUNK


@cache
def _simulator(url: str, scale: float) -> Rail:
    return rails.get(
        "simulator",
        url=url,
        time_scale=scale,
        connect_seconds=_CONNECT_SECONDS,
        read_seconds=max(_READ_SECONDS * scale, _LEAST_READ_SECONDS),
        total_seconds=max(_TOTAL_SECONDS * scale, _LEAST_TOTAL_SECONDS),
    )


def rail(name: str) -> Rail:
    """Return the rail of a name, set up from the settings. Raises rails.UnknownRail."""
    if name == "simulator":
        return _simulator(settings.JEONGSAN["BANK_URL"], settings.TIME_SCALE)
    return rails.get(name)

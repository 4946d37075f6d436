"""Is the process up, can it work, and is somebody sweeping."""

from datetime import datetime
from typing import Final

from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse

from console.models import Heartbeat
from core import clock, jobs

SWEEP: Final = "sweep"


def _beat() -> int:
    # Finding nothing lets `sweep --until-idle` come to its end.
    Heartbeat.objects.update_or_create(name=SWEEP, defaults={"at": clock.now()})
    return 0


def register() -> None:
    """Register the sweeper that leaves the time of each sweep."""
    jobs.sweeper("console.heartbeat")(_beat)


def sweep_age(now: datetime) -> int | None:
    """Return how many seconds ago work was last swept; None if never."""
    last = Heartbeat.objects.filter(name=SWEEP).values_list("at", flat=True).first()
    return max(0, int((now - last).total_seconds())) if last else None


def live(_request: HttpRequest) -> HttpResponse:
    """Say that the process answers; asks nothing else."""
    return JsonResponse({"status": "ok"})


def ready(_request: HttpRequest) -> HttpResponse:
    """Say whether PostgreSQL answers, and how old the last sweep is. A missing broker never makes this fail."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("select 1")
        age = sweep_age(clock.now())
    except DatabaseError:
        return JsonResponse({"status": "unavailable", "database": "unreachable"}, status=503)
    return JsonResponse({"status": "ok", "database": "ok", "lastSweepAgeSeconds": age})

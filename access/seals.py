"""
Seals: how a later change of the audit trail is found.

Final events are closed in batches. A seal's hash covers the seal before it and every event of its batch, and each seal
is also written to a file and to the log, outside the database. So a changed event, a removed one, a rewritten chain and
a cut tail all show when the trail is walked.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

import structlog
from django.conf import settings
from django.db import connection, transaction

from access.models import AuditEvent, AuditSeal, SealedEvent
from core import sql
from core.clock import wire_moment

log = structlog.get_logger(__name__)

_BATCH = 5_000
# No transaction lasts this long, so everything older is final, also after a restore into a new cluster.
_SETTLED_AFTER = timedelta(hours=6)
_COVERED = (
    "id",
    "at",
    "merchant_id",
    "is_test",
    "actor_kind",
    "actor_name",
    "user_id",
    "secret_id",
    "action",
    "object_kind",
    "object_id",
    "before",
    "after",
    "reason",
    "request_id",
    "address",
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What walking the trail found: how much is sealed and intact, and the first thing that is wrong, if anything."""

    seals: int
    events: int
    unsealed: int
    problem: str = ""

    @property
    def intact(self) -> bool:
        """Say whether nothing is wrong."""
        return not self.problem


def seal(now: datetime) -> int:
    """Close one batch of events nobody can change any more; returns how many. One caller at a time."""
    with transaction.atomic():
        last = AuditSeal.objects.order_by("-number").first()
        floor = last.floor_id if last else 0
        events = _final_events(floor, now)
        if not events:
            return 0
        settled = [event.pk for event in events if event.at < now - _SETTLED_AFTER]
        made = AuditSeal.objects.create(
            number=last.number + 1 if last else 1,
            sealed_at=now,
            events=len(events),
            floor_id=settled[-1] if settled else floor,
            previous=last.digest if last else "",
            digest=_digest(last.digest if last else "", events),
        )
        SealedEvent.objects.bulk_create([SealedEvent(event=event, seal=made) for event in events])
    log.info("audit_sealed", number=made.number, events=made.events, digest=made.digest)
    _write_witness()
    return len(events)


def verify() -> Verdict:
    """Walk every seal and every event and compare with the file of seals."""
    seals = events = 0
    problem = ""
    previous = None
    for made in AuditSeal.objects.order_by("number").iterator():
        problem = _problem_of(made, previous)
        if problem:
            break
        previous = made
        seals += 1
        events += made.events
    unsealed = AuditEvent.objects.filter(sealed__isnull=True).count()
    return Verdict(seals, events, unsealed, problem or _problem_of_witness())


def _final_events(floor: int, now: datetime) -> list[AuditEvent]:
    with connection.cursor() as cursor:
        cursor.execute(
            sql.load("access", "final_events"), {"floor": floor, "settled": now - _SETTLED_AFTER, "batch": _BATCH}
        )
        ids = [row[0] for row in cursor.fetchall()]
    return list(AuditEvent.objects.filter(pk__in=ids).order_by("id"))


def _digest(previous: str, events: list[AuditEvent]) -> str:
    total = sha256(previous.encode())
    for event in events:
        values = [getattr(event, name) for name in _COVERED]
        values[1] = wire_moment(event.at) + f"/{event.at.microsecond}"
        total.update(json.dumps(values, sort_keys=True, ensure_ascii=True, separators=(",", ":")).encode() + b"\n")
    return total.hexdigest()


def _problem_of(made: AuditSeal, previous: AuditSeal | None) -> str:
    if made.number != (previous.number + 1 if previous else 1):
        return f"seal {made.number}: the one before it is missing"
    if made.previous != (previous.digest if previous else ""):
        return f"seal {made.number}: does not follow the one before it"
    events = list(AuditEvent.objects.filter(sealed__seal=made).order_by("id"))
    if len(events) != made.events:
        return f"seal {made.number}: holds {len(events)} events instead of {made.events}"
    if _digest(made.previous, events) != made.digest:
        first, last = events[0].pk, events[-1].pk
        return f"seal {made.number}: an event between {first} and {last} was changed"
    return ""


def _witness() -> Path:
    return Path(settings.JEONGSAN["STORAGE_DIR"]) / "audit-seals.jsonl"


def _witnessed() -> Iterator[tuple[int, str]]:
    path = _witness()
    if path.exists():
        with path.open() as lines:
            for line in lines:
                entry = json.loads(line)
                yield int(entry["number"]), str(entry["digest"])


def _write_witness() -> None:
    path = _witness()
    path.parent.mkdir(parents=True, exist_ok=True)
    known = max((number for number, _digest in _witnessed()), default=0)
    with path.open("a") as lines:
        for made in AuditSeal.objects.filter(number__gt=known).order_by("number"):
            entry = {"number": made.number, "digest": made.digest, "sealedAt": wire_moment(made.sealed_at)}
            lines.write(json.dumps(entry) + "\n")


def _problem_of_witness() -> str:
    witnessed = list(_witnessed())
    digests = dict(AuditSeal.objects.values_list("number", "digest"))
    for (number, _digest_of_first), (following, _digest_of_second) in pairwise(witnessed):
        if following <= number:
            return f"seal {following}: written twice to the file of seals"
    for number, digest in witnessed:
        if digests.get(number) != digest:
            return f"seal {number}: differs from the one in the file of seals, or is gone"
    return ""

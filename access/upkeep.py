"""Recurring work: sealing the audit trail, and removing what nobody needs any more."""

from collections.abc import Mapping
from datetime import timedelta

from access import idempotency, seals
from access.models import ApiToken, Attempts
from core import clock, jobs

VERIFY_JOB = "access.verify_audit"
_ATTEMPTS_KEPT = timedelta(days=1)


@jobs.sweeper("access.seal_audit")
def seal_audit() -> int:
    """Seal the events that became final since the last time."""
    return seals.seal(clock.now())


@jobs.sweeper("access.tidy")
def tidy() -> int:
    """Remove expired tokens, old answers of Idempotency-Keys and forgotten failures."""
    now = clock.now()
    tokens = ApiToken.objects.filter(expires_at__lt=now).delete()[0]
    failures = Attempts.objects.filter(last_at__lt=now - _ATTEMPTS_KEPT).delete()[0]
    return tokens + failures + idempotency.forget(now)


@jobs.handler(VERIFY_JOB)
def verify_audit(_job: jobs.RunningJob) -> Mapping[str, object]:
    """Walk the whole audit trail and tell what was found."""
    verdict = seals.verify()
    return {
        "intact": verdict.intact,
        "seals": verdict.seals,
        "events": verdict.events,
        "unsealed": verdict.unsealed,
        "problem": verdict.problem,
    }

"""What reconciliation does in the background. Imported when the app is ready."""

from datetime import date

from console import uploads
from core import clock, jobs
from core.actor import system
from reconciliation import statement_queries
from reconciliation.heartbeat import beside
from reconciliation.lines import Kind
from reconciliation.operations import comparing, deciding, deriving, loading, statement_matching, statements, storing
from reconciliation.uploads.records import RecordUpload

_FENCE_BITS = 16

uploads.register(RecordUpload())


def _fence(job: jobs.RunningJob) -> int:
    """Return a number above that of every worker before: a later job counts more than any try of an earlier one."""
    return (job.row.pk << _FENCE_BITS) + job.row.fence


@jobs.handler(storing.LOAD_JOB, queue=jobs.Queue.FILES)
def run_load(job: jobs.RunningJob) -> dict[str, object]:
    """Read a received file. One that is stopped is thrown away."""
    batch_id, by = str(job.arguments["batch"]), job.by
    try:
        with beside(job) as tell:
            loaded = loading.load(
                scope=job.scope, batch_id=batch_id, fence=_fence(job), by=by, now=clock.now(), tell=tell
            )
    except jobs.JobCancelled:
        deciding.stopped(scope=job.scope, batch_id=batch_id, by=by, now=clock.now())
        raise
    same = loaded.same_as.public_id if loaded.same_as else None
    return {"batch": batch_id, "state": loaded.batch.state, "same_as": same}


@jobs.handler(comparing.COMPARE_JOB, queue=jobs.Queue.FILES)
def run_compare(job: jobs.RunningJob) -> dict[str, object]:
    """Compare an accepted batch with our records."""
    with beside(job):
        made = comparing.compare(scope=job.scope, batch_id=str(job.arguments["batch"]), by=job.by, now=clock.now())
    return {"batch": job.arguments["batch"], "number": made.number, "counts": made.counts}


@jobs.handler(statements.MATCH_JOB, queue=jobs.Queue.BANK)
def run_matching(job: jobs.RunningJob) -> dict[str, object]:
    """Match the open lines of an account."""
    account = statement_queries.account(job.scope, str(job.arguments["account"]))
    done = statement_matching.match_open(account=account, by=job.by, now=clock.now())
    return {str(verdict): count for verdict, count in done.items()}


@jobs.sweeper("reconciliation.match_waiting", queue=jobs.Queue.BANK)
def match_waiting() -> int:
    """Look again at lines of transfers that were not decided yet when their statement was confirmed."""
    by, now = system("reconciliation.match_waiting"), clock.now()
    for account in statement_queries.waiting_accounts():
        statement_matching.match_open(account=account, by=by, now=now)
    return 0


@jobs.handler(deriving.DERIVE_JOB, queue=jobs.Queue.FILES)
def run_derive(job: jobs.RunningJob) -> dict[str, object]:
    """Make billing records from the orders of a period."""
    kind, first, last = (str(job.arguments[name]) for name in ("kind", "first_day", "last_day"))
    wanted = deriving.Wanted(Kind(kind), date.fromisoformat(first), date.fromisoformat(last))
    with beside(job) as tell:
        done = deriving.derive(scope=job.scope, wanted=wanted, by=job.by, now=clock.now(), tell=tell)
    return deriving.as_result(done)

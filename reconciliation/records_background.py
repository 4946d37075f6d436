"""What reconciliation does with our own records in the background. Imported when the app is ready."""

from datetime import date

from console import uploads
from core import clock, jobs
from core.actor import Actor, ActorKind
from reconciliation.heartbeat import beside
from reconciliation.lines import Kind
from reconciliation.operations import deriving
from reconciliation.uploads.records import RecordUpload

uploads.register(RecordUpload())


@jobs.handler(deriving.DERIVE_JOB, queue=jobs.Queue.FILES)
def run_derive(job: jobs.RunningJob) -> dict[str, object]:
    """Make billing records from the orders of a period."""
    told = {name: str(value) for name, value in job.arguments.items()}
    wanted = deriving.Wanted(
        Kind(told["kind"]), date.fromisoformat(told["first_day"]), date.fromisoformat(told["last_day"])
    )
    by = Actor(
        kind=ActorKind.USER,
        name=told["by"],
        user_id=job.row.created_by_id,
        request_id=told["request"],
        address=told["address"],
    )
    with beside(job) as tell:
        done = deriving.derive(scope=job.scope, wanted=wanted, by=by, now=clock.now(), tell=tell)
    return deriving.as_result(done)
